package opendata_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"pgregory.net/rapid"

	"luoshu/catalog"
	"luoshu/opendata"
)

// openParquet opens a file with a reader that is not ours.
func openParquet(t testing.TB, body string) *parquet.File {
	t.Helper()
	f, err := parquet.OpenFile(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// parquetRecords returns every value of a file as the records it is of, in canonical
// JSON.
func parquetRecords(t testing.TB, f *parquet.File) []string {
	t.Helper()
	r := parquet.NewGenericReader[map[string]any](f, f.Schema())
	defer func() { _ = r.Close() }()
	var records []string
	for {
		rows := []map[string]any{{}}
		n, err := r.Read(rows)
		for _, row := range rows[:n] {
			for _, name := range []string{"published_at", "updated_at"} {
				if micros, ok := row[name].(int64); ok {
					row[name] = time.UnixMicro(micros).UTC().Format(time.RFC3339)
				}
			}
			raw, err := catalog.Canonical(there(row))
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, string(raw))
		}
		switch {
		case errors.Is(err, io.EOF):
			return records
		case err != nil:
			t.Fatal(err)
		}
	}
}

// there returns v without the members that are null.
func there(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, member := range v {
			if member != nil {
				kept[name] = there(member)
			}
		}
		return kept
	case []any:
		for i := range v {
			v[i] = there(v[i])
		}
	case *[]byte: // the texts of a map
		return string(*v)
	}
	return v
}

// TestParquetEqualsTheRecords: another program reads from the file what the lines of
// the release say, however its rows are divided.
func TestParquetEqualsTheRecords(t *testing.T) {
	awkwardShelf := newShelf()
	awkwardShelf.publish(t, awkward(t))
	tests := []struct {
		name        string
		release     *shelf
		group, page int
	}{
		{"demonstration as served", demonstration(t), 16 << 20, 1 << 20},
		{"many groups of many pages", corpus(t, 500), 64 << 10, 1 << 10},
		{"awkward", awkwardShelf, 16 << 20, 1 << 20},
		{"a group for every record", awkwardShelf, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.release.Current()
			for d := range catalog.Datasets() {
				var b bytes.Buffer
				if err := opendata.WriteParquet(&b, s, d, tt.group, tt.page); err != nil {
					t.Fatal(err)
				}
				var want []string
				for e := range s.All(d.Name) {
					want = append(want, string(e.Raw))
				}
				got := parquetRecords(t, openParquet(t, b.String()))
				if len(got) != len(want) {
					t.Fatalf("%s: %d records, want %d", d.Name, len(got), len(want))
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%s, record %d:\n%s\nwant\n%s", d.Name, i, got[i], want[i])
					}
				}
			}
		})
	}
}

// TestParquetFile is about what stands around the values: schema, dictionaries, bounds
// and where the data come from.
func TestParquetFile(t *testing.T) {
	s := demonstration(t)
	app := exporting(t, s, "")
	a := get(t, app, "/api/v1/exports/achievements.parquet", "Accept-Encoding", "gzip, zstd")
	if a.header.Get("Content-Type") != "application/vnd.apache.parquet" || a.header.Get("Content-Encoding") != "" ||
		!strings.HasSuffix(a.header.Get("Content-Disposition"), `-1-achievements.parquet"`) {
		t.Errorf("%v", a.header)
	}
	f := openParquet(t, a.body)
	golden(t, "achievements.parquet.schema", f.Schema().String()+"\n")

	m := s.Current().Manifest()
	notes := map[string]string{}
	for _, kv := range f.Metadata().KeyValueMetadata {
		notes[kv.Key] = kv.Value
	}
	for key, want := range map[string]string{
		"luoshu.release": "1", "luoshu.manifest_sha256": string(s.Current().Hash()), "luoshu.license": m.License.SPDX,
		"luoshu.publisher": m.Publisher.ZH, "luoshu.dataset": "achievements", "luoshu.sample": "true",
	} {
		if notes[key] != want {
			t.Errorf("%s = %q, want %q", key, notes[key], want)
		}
	}

	var ids []string
	for e := range s.Current().All(catalog.Achievements) {
		ids = append(ids, string(e.ID))
	}
	chunks := map[string]struct{ low, high, encoding string }{
		"id":                   {slices.Min(ids), slices.Max(ids), "PLAIN"},
		"dataset":              {"achievements", "achievements", "RLE_DICTIONARY"},
		"ip.list.element.kind": {"design", "utility-model", "RLE_DICTIONARY"},
		"abstract":             {"", "", "PLAIN"}, // too long for bounds
	}
	for _, c := range f.Metadata().RowGroups[0].Columns {
		path := strings.Join(c.MetaData.PathInSchema, ".")
		want, ok := chunks[path]
		if !ok {
			continue
		}
		delete(chunks, path)
		st := c.MetaData.Statistics
		if string(st.MinValue) != want.low || string(st.MaxValue) != want.high || c.MetaData.Encoding[1].String() != want.encoding {
			t.Errorf("%s: from %q to %q in %v", path, st.MinValue, st.MaxValue, c.MetaData.Encoding)
		}
	}
	if len(chunks) > 0 {
		t.Errorf("columns not met: %v", chunks)
	}
}

// TestParquetRefuses: a value of another kind than the schema's is damage, never a
// silent null.
func TestParquetRefuses(t *testing.T) {
	for _, member := range []string{`"trl":"seven"`, `"trl":1.5`, `"title":7`, `"keywords":"one"`, `"price":[1]`, `"sample":"yes"`, `"published_at":"today"`} {
		if err := opendata.ParquetRecord(catalog.Achievements, `{`+member+`}`); !errors.Is(err, catalog.ErrDamaged) {
			t.Errorf("%s: %v", member, err)
		}
	}
	// What a newer publisher adds is left out; what is empty or null is nothing.
	for _, member := range []string{`"new":{"a":[1]}`, `"keywords":[]`, `"keywords":null`, `"raw":{}`, `"price":{}`, `"industries":[null]`} {
		if err := opendata.ParquetRecord(catalog.Achievements, `{`+member+`}`); err != nil {
			t.Errorf("%s: %v", member, err)
		}
	}
}

// TestHybrid: a decoder that is not ours reads levels and indexes of any width.
func TestHybrid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 20).Draw(t, "width")
		var values []uint32
		for range rapid.IntRange(1, 12).Draw(t, "parts") {
			v := rapid.Uint32Range(0, 1<<width-1).Draw(t, "value")
			values = append(values, slices.Repeat([]uint32{v}, rapid.IntRange(1, 40).Draw(t, "times"))...)
		}
		got, err := (&rle.Encoding{BitWidth: width}).DecodeInt32(nil, opendata.AppendHybrid(values, width))
		if err != nil || len(got) < len(values) {
			t.Fatalf("%d of %d values: %v", len(got), len(values), err)
		}
		for i, v := range values {
			if uint32(got[i]) != v {
				t.Fatalf("value %d is %d, want %d", i, got[i], v)
			}
		}
	})
}

// FuzzParquet: no record makes the writer fail otherwise than by saying that it is
// damaged, and what it takes another program reads.
func FuzzParquet(f *testing.F) {
	for _, seed := range []string{
		`{"id":"A0000000","title":"甲","keywords":["a",null],"raw":{"stage":"中试","":""},"trl":7,"price":{"max":1.5e21,"negotiable":false}}`,
		`{"ip":[{},{"kind":null}],"industries":[],"published_at":"2026-11-20T00:00:00Z"}`, `[]`, `{`, `{"raw":{"a":{}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, record string) {
		var b bytes.Buffer
		if err := opendata.ParquetRecordTo(&b, catalog.Achievements, record); err != nil {
			return
		}
		if n := len(parquetRecords(t, openParquet(t, b.String()))); n != 1 {
			t.Fatalf("%d records", n)
		}
	})
}
