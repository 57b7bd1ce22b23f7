package opendata

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// FigureNames returns the figures that are computed.
func FigureNames() []string { return slices.Sorted(maps.Keys(figureValues)) }

func TestBucket(t *testing.T) {
	for _, tt := range []struct {
		took      time.Duration
		less, end time.Duration // the bucket's end lies above less and is at most end
	}{
		{-1, 0, 1024},
		{0, 0, 1024},
		{1023, 1023, 1024},
		{1024, 1024, 1280},
		{time.Millisecond, time.Millisecond, 1250 * time.Microsecond},
		{16 * time.Second, 16 * time.Second, 20 * time.Second},
		{time.Hour, 17 * time.Second, 18 * time.Second}, // too long to tell
	} {
		if got := bucketEnd(bucket(tt.took)); got <= tt.less || got > tt.end {
			t.Errorf("%v counts as %v, want up to %v", tt.took, got, tt.end)
		}
	}
	for i := 1; i < buckets-1; i++ {
		if bucket(bucketEnd(i)-1) != i || bucket(bucketEnd(i)) != i+1 {
			t.Fatalf("bucket %d ends at %v, which is in %d", i, bucketEnd(i), bucket(bucketEnd(i)))
		}
	}
}

// TestQuantiles holds the quantiles to those of the sorted durations.
func TestQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var m meter
	all := make([]time.Duration, 10_000)
	for i := range all {
		all[i] = time.Duration(2000 * (1 + rng.ExpFloat64()*50))
		m.observe(all[i], 200)
	}
	slices.Sort(all)
	counts := m.counts()
	for _, q := range []float64{.5, .95, .99, 1} {
		exact := all[int(q*float64(len(all)))-1]
		if got := quantile(&counts, q); got < exact || got > exact*5/4+1 {
			t.Errorf("the %v quantile is %v, sorted it is %v", q, got, exact)
		}
	}
	if got := quantile(new([buckets]uint64), .5); got != 0 {
		t.Errorf("nothing took %v", got)
	}
}

func TestMeterCountsAll(t *testing.T) {
	var m meter
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 1000 {
				m.observe(time.Duration(i), 200)
			}
		})
	}
	group.Wait()
	if n := m.statuses[2].Load(); n != 8000 {
		t.Errorf("%d answers counted, want 8000", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	var m meter
	begun := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		m.observe(time.Since(begun), 200)
	}
}

func BenchmarkObserveParallel(b *testing.B) {
	var m meter
	begun := time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.observe(time.Since(begun), 200)
		}
	})
}
