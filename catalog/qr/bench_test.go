package qr_test

import (
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

func BenchmarkSVG(b *testing.B) {
	payload := "https://luoshu.example/q/" + string(catalog.MintID(catalog.Achievements, "bench", 0)) + "-K3"
	for _, level := range []struct {
		name string
		qr.Level
	}{{"screen", qr.Screen}, {"print", qr.Print}} {
		b.Run(level.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c, err := qr.New(payload, level.Level)
				if err != nil {
					b.Fatal(err)
				}
				c.SVG()
			}
		})
	}
}

// BenchmarkPNG draws the largest picture of a code that is there.
func BenchmarkPNG(b *testing.B) {
	c, err := qr.New("https://luoshu.example/q/A3K7M2QG", qr.Screen)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.PNG(qr.MaxSize); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKept is a picture that was drawn before.
func BenchmarkKept(b *testing.B) {
	payload := "https://luoshu.example/q/" + string(catalog.MintID(catalog.Achievements, "bench", 0))
	var cache qr.Cache
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.PNG(payload, qr.Screen, qr.MaxSize); err != nil {
			b.Fatal(err)
		}
	}
}
