package ingest

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
)

// jsonLines writes n generated achievements as their publisher would send them.
func jsonLines(tb testing.TB, n int) []byte {
	var out bytes.Buffer
	for key, a := range catalogtest.Achievements(1, n) {
		b, err := json.Marshal(a)
		if err != nil {
			tb.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(b, &object); err != nil {
			tb.Fatal(err)
		}
		for _, assigned := range []string{"id", "dataset", "publisher", "source", "sample"} {
			delete(object, assigned)
		}
		object["source_key"] = key
		if err := json.MarshalWrite(&out, object); err != nil {
			tb.Fatal(err)
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func BenchmarkImport(b *testing.B) {
	const n = 20000
	lines := jsonLines(b, n)
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
