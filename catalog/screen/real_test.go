package screen_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/demo"
	"luoshu/catalog/screen"
)

// sharedData is where real input lies beside the checkout, for those who have it.
const sharedData = "../../../shared/data"

func openShared(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedData, name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no %s beside the checkout", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestRealTexts: of 403 real titles, 309 real completing units and 1,393 real
// patents, all of them public, none is refused, redacted or held.
func TestRealTexts(t *testing.T) {
	column := func(name string, read func(row []string) *catalog.Achievement) func(*testing.T) []*catalog.Achievement {
		return func(t *testing.T) (all []*catalog.Achievement) {
			rows, err := csv.NewReader(openShared(t, name)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows[1:] {
				all = append(all, read(row))
			}
			return all
		}
	}
	for _, tt := range []struct {
		name, what string
		least      int
		read       func(*testing.T) []*catalog.Achievement
	}{
		{"titles", "title", 400, column("cn_titles_sample_utf8bom.csv", func(row []string) *catalog.Achievement {
			return &catalog.Achievement{Header: catalog.Header{Title: row[1]}}
		})},
		{"units", "unit", 300, func(t *testing.T) (all []*catalog.Achievement) {
			lines := bufio.NewScanner(openShared(t, "cn_completing_units_sample.txt"))
			for lines.Scan() {
				all = append(all, &catalog.Achievement{
					Header: catalog.Header{Title: "示例"}, Organizations: []catalog.Party{{Name: lines.Text()}},
				})
			}
			if err := lines.Err(); err != nil {
				t.Fatal(err)
			}
			return all
		}},
		{"patents", "patent", 1300, column("nasa_patents_comma.csv", func(row []string) *catalog.Achievement {
			a := &catalog.Achievement{Header: catalog.Header{Title: "示例", SourceIDs: row}}
			a.Keywords = row // once as numbers, once as text
			return a
		})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			records := tt.read(t)
			if len(records) < tt.least {
				t.Fatalf("read %d, want at least %d", len(records), tt.least)
			}
			counts := map[screen.Action]int{}
			for i, a := range records {
				a.Dataset = catalog.Achievements
				got := screen.Record(a)
				for _, f := range got.Findings {
					t.Logf("%s %d: %s %s", tt.what, i+1, f.Rule, f.Action)
					counts[f.Action]++
				}
			}
			if counts[screen.Refuse]+counts[screen.Redact]+counts[screen.Hold] > 0 {
				t.Errorf("%d refused, %d redacted, %d held; want none", counts[screen.Refuse], counts[screen.Redact], counts[screen.Hold])
			}
		})
	}
}

// TestDemo: the demonstration passes whole. Only a planned filing is held there,
// as it must be everywhere.
func TestDemo(t *testing.T) {
	pub, err := demo.Build(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range pub.Release.Entries {
		r, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		got := screen.Record(r)
		if a, ok := r.(*catalog.Achievement); ok && a.IPFilingState == "planned" {
			if len(got.Findings) != 1 || got.Findings[0].Rule != "M8" || got.Findings[0].Action != screen.Hold {
				t.Errorf("%s %s: %v, want a hold by M8 alone", e.ID, r.Head().Title, got.Findings)
			}
			continue
		}
		for _, f := range got.Findings {
			if f.Action != screen.Note {
				t.Errorf("%s %s: %s %s in %s", e.ID, r.Head().Title, f.Rule, f.Action, f.Field)
			}
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	var demonstration, generated []catalog.Record
	pub, err := demo.Build(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range pub.Release.Entries {
		r, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			b.Fatal(err)
		}
		demonstration = append(demonstration, r)
	}
	for _, a := range catalogtest.Achievements(1, 1000) {
		generated = append(generated, a)
	}
	for _, bb := range []struct {
		name    string
		records []catalog.Record
	}{{"demo", demonstration}, {"generated", generated}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				screen.Record(bb.records[i%len(bb.records)])
			}
		})
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, unit := range map[string]string{
		"digits": "1540000000", "labels": "手机账号微信:", "at signs": "a@b.", "marks": "机密", "expanding": "ﷺ", "numbers": "1 5 4 ", "steps": "升温1",
	} {
		s := ""
		for len(s) < 1<<20 {
			s += unit + s
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				screen.Text(screen.HiddenCell, s)
			}
		})
	}
}
