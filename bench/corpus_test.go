package bench

import (
	"encoding/json"
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
			if pair := string(runes[k : k+2]); !seen[pair] && runes[k] >= 0x4E00 && runes[k+1] >= 0x4E00 && runes[k] < 0xA000 && runes[k+1] < 0xA000 {
				seen[pair] = true
				counts[pair]++
			}
		}
	}
	sampled := min(n, 5000)
	about := func(target int) []string {
		var pairs []string
		for pair := range counts {
			pairs = append(pairs, pair)
		}
		distance := func(pair string) int { return max(counts[pair]-target, target-counts[pair]) }
		slices.SortFunc(pairs, func(x, y string) int {
			if d := distance(x) - distance(y); d != 0 {
				return d
			}
			if x < y {
				return -1
			}
			return 1
		})
		return pairs[:20]
	}
	c.frequent, c.rare = about(sampled/6), about(sampled/100)
	return c
}

// quantiles asks every question in turn and reports p50 and p99 in microseconds.
func quantiles(b *testing.B, questions int, ask func(i int)) {
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
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}
