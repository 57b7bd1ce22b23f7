package bench

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
)

// corpus is what every program gets: generated records whose text has the long tail
// of rare pairs of characters that real text has.
type corpus struct {
	release  *catalog.Release
	records  []record
	frequent []string // pairs of characters in about one record of six
	rare     []string // in about one of a hundred
}

// record is the part of an achievement that is searched and counted.
type record struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Abstract   string   `json:"abstract"`
	Keywords   []string `json:"keywords"`
	Stage      string   `json:"stage"`
	Division   string   `json:"division"`
	TechFields []string `json:"tech_fields"`
	TRL        int      `json:"trl"`
}

func newCorpus(b *testing.B, n int) *corpus {
	b.Helper()
	p, err := catalogtest.Publish(b.Context(), nil, 1, n)
	if err != nil {
		b.Fatal(err)
	}
	c := &corpus{release: p.Release, records: make([]record, n)}
	counts := map[string]int{}
	for i, e := range p.Release.Entries {
		if err := json.Unmarshal(e.Raw, &c.records[i]); err != nil {
			b.Fatal(err)
		}
		if i >= 5000 {
			continue
		}
		seen := map[string]bool{}
		runes := []rune(c.records[i].Abstract)
		for k := range len(runes) - 1 {
			if pair := string(runes[k : k+2]); !seen[pair] && han(runes[k]) && han(runes[k+1]) {
				seen[pair] = true
				counts[pair]++
			}
		}
	}
	sampled := min(n, 5000)
	c.frequent, c.rare = nearest(counts, sampled/6), nearest(counts, sampled/100)
	return c
}

// nearest returns the twenty pairs whose counts are nearest to target.
func nearest(counts map[string]int, target int) []string {
	all := slices.Collect(maps.Keys(counts))
	distance := func(pair string) int { return max(counts[pair]-target, target-counts[pair]) }
	slices.SortFunc(all, func(x, y string) int { return cmp.Or(cmp.Compare(distance(x), distance(y)), cmp.Compare(x, y)) })
	return all[:20]
}

// quantiles asks every question in turn, reports p50 and p99, and returns them.
func quantiles(b *testing.B, questions int, ask func(i int)) (p50, p99 time.Duration) {
	b.Helper()
	var took []time.Duration
	i := 0
	for b.Loop() {
		start := time.Now()
		ask(i % questions)
		took = append(took, time.Since(start))
		i++
	}
	slices.Sort(took)
	p50, p99 = took[len(took)/2], took[len(took)*99/100]
	b.ReportMetric(micros(p50), "p50-us")
	b.ReportMetric(micros(p99), "p99-us")
	return p50, p99
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// timesOurs reports how many times as long as we the other program takes, by p50.
func timesOurs(b *testing.B, theirs, ours time.Duration) {
	b.Helper()
	if ours > 0 { // which was not left out
		b.ReportMetric(float64(theirs)/float64(ours), "times-luoshu")
	}
}
