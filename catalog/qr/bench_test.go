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

// BenchmarkKept is a code that was drawn before.
func BenchmarkKept(b *testing.B) {
	payload := "https://luoshu.example/q/" + string(catalog.MintID(catalog.Achievements, "bench", 0))
	var cache qr.Cache
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.New(payload, qr.Screen); err != nil {
			b.Fatal(err)
		}
	}
}
