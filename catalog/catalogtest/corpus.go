// Package catalogtest makes catalogs for tests and benchmarks: any number of
// records, always the same for the same seed.
package catalogtest

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"luoshu/catalog"
)

// Publisher is the slug under which generated records are published.
const Publisher = "generated"

// Epoch is the time at which generated releases are published.
var Epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// vocabulary draws two-character words as a text does: few of them often, most
// of them hardly ever, and always new ones, so that an index built over them has
// the long tail of a real one, and compresses about as well as the text of the
// demonstration does (3 to 1).
type vocabulary struct {
	rng  *rand.Rand
	zipf *rand.Zipf
}

const (
	hanFirst = 0x4e00
	hanCount = 6500
	words    = 4_000_000
)

func (v *vocabulary) word() string {
	// Spread the rank over the characters by a fixed multiplication, so that
	// neighboring ranks share no character.
	n := v.zipf.Uint64() * 2654435761 % (hanCount * hanCount)
	return string([]rune{han(n / hanCount), han(n % hanCount)})
}

// han returns a character, but for two that could make a word which a screening
// holds: a generated catalog is published as it is.
func han(n uint64) rune {
	switch r := rune(hanFirst + n); r {
	case '弹', '密':
		return r + 1
	default:
		return r
	}
}

func (v *vocabulary) text(runes int) string {
	var b strings.Builder
	for n := 0; n < runes; n += 2 {
		b.WriteString(v.word())
		if n > 0 && n%24 == 0 {
			b.WriteString("，")
		}
	}
	b.WriteString("。")
	return b.String()
}

var (
	stages    = []string{"early", "pilot", "mature"}
	modes     = []string{"assignment", "license", "joint", "equity"}
	fields    = []string{"materials", "manufacturing", "electronics", "energy", "agriculture", "biomedicine", "environment"}
	divisions = []string{"410302", "410303", "410304", "410305", "410307", "410308", "410311", "410323", "410324", "410325", "410326", "410327", "410328", "410329"}
	classes   = []string{"3451", "3571", "3089", "3239", "2614", "3841", "3976", "0111", "2761", "7721", "6513", "3714"}
)

// Achievements yields n invented achievements of about 1.1 KB each, with the key
// their publisher would know them by. They have no identifier yet.
func Achievements(seed uint64, n int) iter.Seq2[string, *catalog.Achievement] {
	return func(yield func(string, *catalog.Achievement) bool) {
		rng := rand.New(rand.NewPCG(seed, 0x6c756f736875))
		v := &vocabulary{rng, rand.NewZipf(rng, 1.22, 8, words)}
		for i := range n {
			a := &catalog.Achievement{
				Header: catalog.Header{
					Dataset: catalog.Achievements, Publisher: Publisher, Sample: true,
					Title:      strings.TrimSuffix(v.text(12+rng.IntN(14)), "。"),
					TitleEN:    fmt.Sprintf("Generated achievement %d", i+1),
					Abstract:   v.text(130 + rng.IntN(50)),
					Keywords:   []string{v.word(), v.word(), v.word()},
					Industries: []catalog.Coded{{Scheme: "gbt4754-2017", Code: classes[rng.IntN(len(classes))]}},
					TechFields: []string{fields[rng.IntN(len(fields))]},
					Division:   divisions[rng.IntN(len(divisions))],
				},
				Stage: stages[rng.IntN(len(stages))], ResultType: "applied",
				TRL: 1 + rng.IntN(9), TRLScale: "gbt22900-2022", TRLBasis: "self",
				Organizations: []catalog.Party{{Name: fmt.Sprintf("生成单位%03d", rng.IntN(500))}},
				TransferModes: []string{modes[rng.IntN(len(modes))]},
				CompletedOn:   catalog.Date(fmt.Sprintf("20%02d-%02d", 15+rng.IntN(11), 1+rng.IntN(12))),
			}
			if !yield(fmt.Sprintf("G%07d", i+1), a) {
				return
			}
		}
	}
}

// Publish returns the release after base (nil for the first) with n generated
// achievements put into it.
func Publish(ctx context.Context, base *catalog.Release, seed uint64, n int) (*catalog.Publication, error) {
	now := Epoch
	if base != nil {
		now = base.Manifest.PublishedAt.Add(time.Hour)
	}
	draft := catalog.NewDraft(base, now)
	for key, a := range Achievements(seed, n) {
		id, source, err := draft.Identify(a.Dataset, Publisher, key)
		if err != nil {
			return nil, err
		}
		a.ID, a.Source = id, source
		e, change, err := draft.Encode(a)
		if err != nil {
			return nil, err
		}
		if err := draft.Put(e, change); err != nil {
			return nil, err
		}
	}
	return draft.Build(ctx, catalog.BuildOptions{Sample: true})
}
