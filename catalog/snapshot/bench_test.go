package snapshot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
)

// quantiles runs ask for every case in turn until enough time has passed and reports
// p50 and p99, and p99 of the cases by the best time of each, which a busy machine
// changes little.
func quantiles(b *testing.B, cases int, ask func(i int)) {
	var took []time.Duration
	best := make([]time.Duration, cases)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		ask(i % cases)
		t := time.Since(start)
		took = append(took, t)
		if k := i % cases; best[k] == 0 || t < best[k] {
			best[k] = t
		}
		i++
	}
	slices.Sort(best)
	b.ReportMetric(float64(best[len(best)*99/100].Microseconds()), "p99-best-us")
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

// BenchmarkSuggest types keywords, titles and organizations key by key, as a visitor
// does, and asks for suggestions after each.
func BenchmarkSuggest(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		p, err := catalogtest.Publish(b.Context(), nil, 1, n)
		if err != nil {
			b.Fatal(err)
		}
		s, err := New(b.Context(), p.Release)
		if err != nil {
			b.Fatal(err)
		}
		var spelling, initials, written, mixed []string
		for i := range 300 {
			kind := SuggestionKind(i % 3)
			entry := kindStart(s.words, kind) + uint32(i*7919)%(s.words.kinds[kind]-kindStart(s.words, kind))
			text := untilNUL(s.textAt(s.words.startAt[entry]))
			full, short := spell(text)
			spelling = append(spelling, prefixes(full, 12)...)
			initials = append(initials, prefixes(short, 8)...)
			written = append(written, prefixes(string(text), 6)...)
			han := []rune(string(text))
			mixed = append(mixed, prefixes(string(han[:1])+short[1:], 5)[1:]...)
			mixed = append(mixed, prefixes(short[:1]+string(han[1:]), 4)[1:]...)
		}
		run := func(name string, asked []string) {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				quantiles(b, len(asked), func(i int) {
					if r, err := s.Suggest(asked[i], "", 10); err != nil || len(r.Items) == 0 {
						b.Fatal(asked[i], len(r.Items), err)
					}
				})
				b.ReportMetric(float64(s.words.size())/float64(n), "table-B/record")
			})
		}
		run("spelling", spelling)
		run("initials", initials)
		run("written", written)
		run("mixed", mixed)
		run("letter", strings.Split("abcdefghjklmnopqrstwxyz", ""))
		run("nothing", []string{""})
		b.Run(fmt.Sprintf("%d/hostile", n), func(b *testing.B) {
			quantiles(b, len(hostile), func(i int) {
				_, _ = s.Suggest(hostile[i], "", MaxSuggestions) // many are refused
			})
		})
	}
}

// hostile is what nobody types for an answer.
var hostile = []string{
	strings.Repeat("轴", 10_000), strings.Repeat("z", 10_000), strings.Repeat("\u0301", MaxQueryLength), strings.Repeat("\x00", MaxQueryLength),
	strings.Repeat("z", MaxQueryLength), strings.Repeat("zh", MaxQueryLength/2), strings.Repeat("nl", MaxQueryLength/2), strings.Repeat("lin", MaxQueryLength/3),
	strings.Repeat("yi", 21), strings.Repeat("a", 42), strings.Repeat("轴z", MaxQueryLength/2), strings.Repeat("z轴", MaxQueryLength/2),
	strings.Repeat("一", MaxQueryLength), "y一", "一y", "y一y", "s十s", strings.Repeat("ﷺ", 13), strings.Repeat("ﷺ", MaxQueryLength), "\u200d\ufe0f", "\xff",
	"xianxianxianxian", "nengnengneng", "shishishishishi", "lnlnlnlnlnlnln", "zhzhzhzhzhzhzhzh", "g", "ge", "ac", "achie", "generatedachievement",
}

func kindStart(w *words, k SuggestionKind) uint32 {
	if k == 0 {
		return 0
	}
	return w.kinds[k-1]
}

// size is how many bytes the vocabulary takes.
func (w *words) size() int {
	return len(w.labels.bytes) + len(w.texts) + 2*len(w.masks) + 8*len(w.spelt) +
		4*(len(w.labels.starts)+len(w.docs)+len(w.counts)+len(w.perFirst)+len(w.per)+len(w.startAt)+len(w.startEntry)+len(w.byText)+len(w.speltStarts))
}

// spell returns the likeliest full spelling and the initials of a folded text.
func spell(text []byte) (full, short string) {
	s := speaker{p: loadPinyin(), text: text}
	for {
		c, ok := s.next()
		if !ok {
			return full, short
		}
		if name := s.p.names; c.readings[0] != unspoken {
			full += name[c.readings[0]]
			short += name[c.readings[0]][:1]
		} else {
			full += string(c.char)
			short += string(c.char)
		}
	}
}

// prefixes returns what was typed after each of the first n keys.
func prefixes(text string, n int) (all []string) {
	runes := []rune(text)
	for i := range min(n, len(runes)) {
		all = append(all, string(runes[:i+1]))
	}
	return all
}
