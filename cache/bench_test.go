package cache

import (
	"context"
	"testing"
)

// BenchmarkLoad reads a release of 10,000 records and verifies it.
func BenchmarkLoad(b *testing.B) {
	const records = 10_000
	pub := firstRelease(b, aName, records)
	s := startRedis(b)
	for name, w := range map[string]Writer{"redis": openRedis(b, "redis://"+s.addr), "directory": localDir(b), "memory": NewMemory("memory")} {
		b.Run(name, func(b *testing.B) {
			publish(b, w, pub)
			b.SetBytes(pub.Release.Manifest.Bytes)
			b.ReportAllocs()
			for b.Loop() {
				r, err := Load(context.Background(), w, pub.Release.Pointer())
				if err != nil || len(r.Entries) != records {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPublish stores a release of 10,000 records in an empty store.
func BenchmarkPublish(b *testing.B) {
	pub := firstRelease(b, aName, 10_000)
	s := startRedis(b)
	for name, open := range map[string]func(b *testing.B) Writer{
		"redis": func(b *testing.B) Writer {
			s.do(b, "flushall")
			return openRedis(b, "redis://"+s.addr)
		},
		"directory": func(b *testing.B) Writer { return localDir(b) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(pub.Release.Manifest.Bytes)
			for b.Loop() {
				b.StopTimer()
				w := open(b)
				b.StartTimer()
				if err := Publish(context.Background(), w, pub, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNearAt is what a request pays for its snapshot.
func BenchmarkNearAt(b *testing.B) {
	n, err := NewFixed(context.Background(), firstRelease(b, aName, 100), "fixed")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("current", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if n.Current() == nil {
				b.Fatal("nothing")
			}
		}
	})
	b.Run("at", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := n.At(1); err != nil {
				b.Fatal(err)
			}
		}
	})
}
