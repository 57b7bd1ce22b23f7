package bench

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/lang/cjk"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

var sizes = []int{10_000, 100_000}

// BenchmarkSearchBesideBleve asks a mapped segment and a bleve index on disk the same
// questions over the same records, and demands the same number of hits.
func BenchmarkSearchBesideBleve(b *testing.B) {
	for _, n := range sizes {
		c := newCorpus(b, n)
		own, peer := ownIndex(b, c), bleveIndex(b, c)
		type question struct {
			terms  []string
			facets bool
		}
		sets := map[string][]question{}
		for i := range c.frequent {
			next := func(k int) string { return c.frequent[(i+k)%len(c.frequent)] }
			sets["frequent"] = append(sets["frequent"], question{[]string{next(0)}, false})
			sets["rare"] = append(sets["rare"], question{[]string{c.rare[i]}, false})
			sets["frequent+3facets"] = append(sets["frequent+3facets"], question{[]string{next(0)}, true})
			sets["three"] = append(sets["three"], question{[]string{next(0), next(1), next(2)}, false})
		}
		for _, name := range []string{"frequent", "rare", "frequent+3facets", "three"} {
			questions := sets[name]
			hits := make([]int, len(questions))
			var ours time.Duration
			b.Run(fmt.Sprintf("%d/%s/luoshu", n, name), func(b *testing.B) {
				ours, _ = quantiles(b, len(questions), func(i int) {
					q := snapshot.Query{Dataset: catalog.Achievements, Limit: 20}
					for _, t := range questions[i].terms {
						q.Text += " " + t
					}
					if questions[i].facets {
						q.Facets = []string{"stage", "division", "tech_fields[]"}
					}
					r, err := own.Search(q)
					if err != nil {
						b.Fatal(err)
					}
					hits[i] = r.Total
				})
			})
			b.Run(fmt.Sprintf("%d/%s/bleve", n, name), func(b *testing.B) {
				p50, _ := quantiles(b, len(questions), func(i int) {
					q := bleve.NewConjunctionQuery()
					for _, t := range questions[i].terms {
						m := bleve.NewMatchQuery(t)
						m.SetField("text")
						q.AddQuery(m)
					}
					request := bleve.NewSearchRequestOptions(q, 20, 0, false)
					if questions[i].facets {
						for _, f := range []string{"stage", "division", "tech_fields"} {
							request.AddFacet(f, bleve.NewFacetRequest(f, 20))
						}
					}
					r, err := peer.Search(request)
					if err != nil {
						b.Fatal(err)
					}
					if hits[i] > 0 && int(r.Total) != hits[i] {
						b.Fatalf("%q: bleve finds %d, luoshu %d", questions[i].terms, r.Total, hits[i])
					}
				})
				timesOurs(b, p50, ours)
			})
		}
	}
}

func ownIndex(b *testing.B, c *corpus) *snapshot.Snapshot {
	b.Helper()
	start := time.Now()
	s, err := snapshot.New(b.Context(), c.release)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "a.seg")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := snapshot.WriteSegment(f, s); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	built := time.Since(start)
	start = time.Now()
	mapped, err := snapshot.Open(path, c.release.Manifest, c.release.Hash)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = mapped.Mapping().Close() })
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("luoshu: %d records built in %s, %d bytes a record with the record itself, opened in %s", len(c.records), built.Round(time.Millisecond), info.Size()/int64(len(c.records)), time.Since(start).Round(time.Microsecond))
	return mapped
}

func bleveIndex(b *testing.B, c *corpus) bleve.Index {
	b.Helper()
	m := bleve.NewIndexMapping()
	text := bleve.NewTextFieldMapping()
	text.Analyzer, text.Store, text.IncludeTermVectors = cjk.AnalyzerName, false, false
	term := bleve.NewTextFieldMapping()
	term.Analyzer, term.Store, term.IncludeTermVectors = keyword.Name, false, false
	m.DefaultMapping.Dynamic = false
	m.DefaultMapping.AddFieldMappingsAt("text", text)
	for _, f := range []string{"stage", "division", "tech_fields"} {
		m.DefaultMapping.AddFieldMappingsAt(f, term)
	}
	path := filepath.Join(b.TempDir(), "bleve")
	start := time.Now()
	index, err := bleve.New(path, m)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = index.Close() })
	batch := index.NewBatch()
	for i, r := range c.records {
		texts := append([]string{r.Title, r.Abstract}, r.Keywords...)
		doc := map[string]any{"text": texts, "stage": r.Stage, "division": r.Division, "tech_fields": r.TechFields}
		if err := batch.Index(r.ID, doc); err != nil {
			b.Fatal(err)
		}
		if batch.Size() == 1000 || i == len(c.records)-1 {
			if err := index.Batch(batch); err != nil {
				b.Fatal(err)
			}
			batch.Reset()
		}
	}
	built := time.Since(start)
	size := int64(0)
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if info, infoErr := e.Info(); err == nil && infoErr == nil {
			size += info.Size()
		}
		return nil
	})
	b.Logf("bleve: %d records built in %s, %d bytes a record", len(c.records), built.Round(time.Millisecond), size/int64(len(c.records)))
	return index
}
