package ingest

import (
	"bytes"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
)

func BenchmarkImport(b *testing.B) {
	const n = 20000
	var out bytes.Buffer
	if err := catalogtest.WriteJSONLines(&out, 1, n); err != nil {
		b.Fatal(err)
	}
	lines := out.Bytes()
	b.ReportAllocs()
	b.SetBytes(int64(len(lines)))
	for b.Loop() {
		r, err := Import(b.Context(), catalog.NewDraft(nil, now), []File{{"a.jsonl", bytes.NewReader(lines)}},
			Options{Dataset: catalog.Achievements, Publisher: "p"})
		if err != nil || r.Totals.Published != n {
			b.Fatal(err, r.Totals)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
}
