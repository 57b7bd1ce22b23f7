package snapshot

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
)

// quantiles runs ask for every case in turn until enough time has passed and
// reports p50 and p99.
func quantiles(b *testing.B, cases int, ask func(i int)) {
	var took []time.Duration
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		ask(i % cases)
		took = append(took, time.Since(start))
		i++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}

func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		p, err := catalogtest.Publish(b.Context(), nil, 1, n)
		if err != nil {
			b.Fatal(err)
		}
		s, err := New(b.Context(), p.Release)
		if err != nil {
			b.Fatal(err)
		}
		frequent, rare := pairsByCount(s)
		facets := []string{"stage", "division", "tech_fields[]"}
		run := func(name string, queries []Query) {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				quantiles(b, len(queries), func(i int) {
					if r, err := s.Search(queries[i]); err != nil || r.Total == 0 {
						b.Fatal(r.Total, err)
					}
				})
			})
		}
		var one, faceted, seldom, three, filtered []Query
		for i, t := range frequent {
			one = append(one, Query{Text: t, Dataset: catalog.Achievements, Limit: 20})
			faceted = append(faceted, Query{Text: t, Dataset: catalog.Achievements, Limit: 20, Facets: facets})
			seldom = append(seldom, Query{Text: rare[i%len(rare)], Dataset: catalog.Achievements, Limit: 20})
			three = append(three, Query{Text: t + " " + frequent[(i+1)%len(frequent)] + " " + frequent[(i+2)%len(frequent)], Dataset: catalog.Achievements, Limit: 20})
			filtered = append(filtered, Query{Dataset: catalog.Achievements, Limit: 20, Facets: facets, Filters: []Filter{
				{Field: "stage", Values: []string{"pilot"}}, {Field: "trl", Least: strconv.Itoa(1 + i%5), Most: "9"},
			}})
		}
		run("frequent", one)
		run("rare", seldom)
		run("frequent+3facets", faceted)
		run("three", three)
		run("filtered+3facets", filtered)
	}
}

// pairsByCount returns pairs of characters that stand in about one record of six,
// as a word of the field does, and some that stand in about one of a hundred.
func pairsByCount(s *Snapshot) (frequent, rare []string) {
	type counted struct {
		text string
		n    int
	}
	var all []counted
	seen := map[key]bool{}
	var sc scanner
	for doc := range min(s.Len(), 3000) {
		for _, t := range sc.scan(s.entry(uint32(doc)).Raw) {
			if !t.pair || seen[t.key] {
				continue
			}
			seen[t.key] = true
			if n := s.count(t.key); n > 20 {
				all = append(all, counted{string([]rune{rune(t.key &^ pairKey >> runeBit), rune(t.key & (1<<runeBit - 1))}), n})
			}
		}
	}
	slices.SortFunc(all, func(a, b counted) int { return b.n - a.n })
	about := func(n int) (texts []string) {
		j, _ := slices.BinarySearchFunc(all, n, func(c counted, n int) int { return n - c.n })
		for _, c := range all[max(0, j-10):min(j+10, len(all))] {
			texts = append(texts, c.text)
		}
		return texts
	}
	return about(int(s.records) / 6), about(int(s.records) / 100)
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		p, err := catalogtest.Publish(b.Context(), nil, 1, n)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := New(b.Context(), p.Release)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(s.data)+12*len(s.hashes))/float64(n), "index-B/record")
			}
		})
	}
}
