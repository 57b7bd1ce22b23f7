package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"luoshu/catalog"
)

// copyOf is what a client holds of a catalog: the canonical text of every record, and
// what it was told is gone.
type copyOf struct {
	records map[string]string
	gone    map[string]bool
}

func newCopy() copyOf { return copyOf{map[string]string{}, map[string]bool{}} }

func (c copyOf) put(id, record string) {
	c.records[id] = record
	delete(c.gone, id)
}

func (c copyOf) remove(id string) {
	delete(c.records, id)
	c.gone[id] = true
}

// TestCopiesAgree: one who harvests in windows of time, one who applies the changes of
// every release, one who takes the exports and one who takes the objects hold the same
// records, release after release: added, changed, withdrawn and restored.
func TestCopiesAgree(t *testing.T) {
	store, publisher := "dir:"+filepath.Join(t.TempDir(), "store"), t.TempDir()
	s := serve(t, t.TempDir(), "--source", store, "--public-url", "https://luoshu.example")
	file := func(lines string) []string { return publishArgs(write(t, "a.jsonl", lines), store, "--allow-drift") }
	idOf := func(title string) string {
		t.Helper()
		return s.list("/api/v1/achievements?q=" + url.QueryEscape(title)).Data[0].ID
	}
	var withdrawn string
	releases := []func() []string{
		func() []string { return file(rows(1)) },
		func() []string {
			return append(publishArgs(write(t, "d.jsonl", `{"source_key":"d1","title":"需求一","budget":{"min":0.5,"max":2e6,"currency":"CNY"}}`+"\n"), store), "--dataset", "demands")
		},
		func() []string { return file(strings.Join(strings.SplitAfter(rows(2), "\n")[:150], "")) },
		func() []string {
			withdrawn = idOf("成果7")
			return []string{"publish", "--to", store, "--publisher", "p", "--withdraw", withdrawn, "--reason", "已转让"}
		},
		func() []string {
			return file(`{"source_key":"new","title":"新成果","keywords":["甲","乙"],"trl":6,"ip":[{"kind":"invention","number":"ZL202119900704.1"}]}` + "\n")
		},
		func() []string {
			return append(file(`{"source_key":"7","title":"成果7","abstract":"又回来了"}`+"\n"), "--restore", withdrawn)
		},
	}
	harvest, mirror := newCopy(), newCopy()
	from := ""
	for i, args := range releases {
		seq := i + 1
		luoshu(t, publisher, args()...).want(t, exitDone)
		s.releaseIs(int64(seq))
		eventually(t, "the exports are there", func() bool {
			status, _ := s.try("/api/v1/exports")
			return status == http.StatusOK
		})

		from = harvest.harvest(s, from)
		if seq == 1 {
			mirror.records = s.exported("jsonl", linesOf)
		} else {
			mirror.apply(t, s.get(fmt.Sprintf("/api/v1/releases/%d/changes?since=%d", seq, seq-1), http.StatusOK))
		}
		want := s.objects(seq)
		for name, got := range map[string]map[string]string{
			"a harvest": harvest.records, "a mirror by changes": mirror.records,
			"JSON Lines": s.exported("jsonl", linesOf), "Parquet": s.exported("parquet", parquetOf),
		} {
			if !maps.Equal(got, want) {
				t.Errorf("release %d: %s has %d records, the objects %d, or others", seq, name, len(got), len(want))
			}
		}
		if isGone := seq == 4 || seq == 5; harvest.gone[withdrawn] != isGone || mirror.gone[withdrawn] != isGone {
			t.Errorf("release %d: withdrawn %t, in the harvest %t, in the mirror %t", seq, isGone, harvest.gone[withdrawn], mirror.gone[withdrawn])
		}
	}
	if len(harvest.records) != records+2 {
		t.Errorf("%d records at the end", len(harvest.records))
	}
}

// harvest asks for what happened since from, in two windows, and returns where the
// next harvest begins: the day that the first answer bears.
func (c copyOf) harvest(s *server, from string) (next string) {
	s.t.Helper()
	const second = "2006-01-02T15:04:05Z"
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if from != "" {
		var err error
		if start, err = time.Parse(second, from); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, window := range [][2]time.Time{
		{start, start.Add(time.Second)},
		{start.Add(2 * time.Second), start.AddDate(20, 0, 0)}, // a withdrawal bears the end of its day
	} {
		query := url.Values{
			"verb": {"ListRecords"}, "metadataPrefix": {"luoshu"},
			"from": {window[0].Format(second)}, "until": {window[1].Format(second)},
		}
		for more := true; more; {
			var answer struct {
				Date   string `xml:"responseDate"`
				Errors []struct {
					Code string `xml:"code,attr"`
				} `xml:"error"`
				Records []struct {
					Header struct {
						Status     string `xml:"status,attr"`
						Identifier string `xml:"identifier"`
					} `xml:"header"`
					Record string `xml:"metadata>record"`
				} `xml:"ListRecords>record"`
				Token string `xml:"ListRecords>resumptionToken"`
			}
			if err := xml.Unmarshal([]byte(s.get("/oai?"+query.Encode(), http.StatusOK)), &answer); err != nil {
				s.t.Fatal(err)
			}
			for _, e := range answer.Errors {
				if e.Code != "noRecordsMatch" {
					s.t.Fatalf("%s: %s", query.Encode(), e.Code)
				}
			}
			for _, r := range answer.Records {
				id := r.Header.Identifier[strings.LastIndex(r.Header.Identifier, ":")+1:]
				if r.Header.Status == "deleted" {
					c.remove(id)
				} else {
					c.put(id, r.Record)
				}
			}
			next = answer.Date
			query = url.Values{"verb": {"ListRecords"}, "resumptionToken": {answer.Token}}
			more = answer.Token != ""
		}
	}
	return next
}

// apply applies a file of changes.
func (c copyOf) apply(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var change struct {
			ID     string         `json:"id"`
			Record jsontext.Value `json:"record"`
		}
		if err := json.Unmarshal([]byte(line), &change); err != nil {
			t.Fatal(err)
		}
		if change.Record == nil {
			c.remove(change.ID)
		} else {
			c.put(change.ID, string(change.Record))
		}
	}
}

// exported reads the exports of every dataset in one format.
func (s *server) exported(format string, read func(t *testing.T, body string) []string) map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for d := range catalog.Datasets() {
		for _, record := range read(s.t, s.get("/api/v1/exports/"+string(d.Name)+"."+format, http.StatusOK)) {
			all[idIn(s.t, record)] = record
		}
	}
	return all
}

// objects reads the objects that the manifest of a release names.
func (s *server) objects(seq int) map[string]string {
	s.t.Helper()
	var manifest struct {
		Objects []struct {
			Hash string `json:"sha256"`
		} `json:"objects"`
	}
	if err := json.Unmarshal([]byte(s.get(fmt.Sprintf("/api/v1/releases/%d/manifest", seq), http.StatusOK)), &manifest); err != nil {
		s.t.Fatal(err)
	}
	all := map[string]string{}
	for _, o := range manifest.Objects {
		packed := s.get("/api/v1/objects/"+o.Hash, http.StatusOK)
		if string(catalog.HashOf([]byte(packed))) != o.Hash {
			s.t.Fatalf("object %s is another", o.Hash)
		}
		r, err := zstd.NewReader(strings.NewReader(packed))
		if err != nil {
			s.t.Fatal(err)
		}
		lines, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, record := range linesOf(s.t, string(lines)) {
			all[idIn(s.t, record)] = record
		}
	}
	return all
}

func idIn(t *testing.T, record string) string {
	t.Helper()
	var head struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(record), &head); err != nil || head.ID == "" {
		t.Fatalf("%v in %s", err, record)
	}
	return head.ID
}

func linesOf(_ *testing.T, body string) (records []string) {
	for line := range strings.Lines(body) {
		records = append(records, strings.TrimSuffix(line, "\n"))
	}
	return records
}

// parquetOf reads a file with a reader that is not ours: a null is a member that the
// record does not have.
func parquetOf(t *testing.T, body string) (records []string) {
	t.Helper()
	f, err := parquet.OpenFile(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	r := parquet.NewGenericReader[map[string]any](f, f.Schema())
	defer func() { _ = r.Close() }()
	for {
		rows := []map[string]any{{}}
		n, err := r.Read(rows)
		if n == 1 {
			for _, name := range []string{"published_at", "updated_at"} {
				rows[0][name] = time.UnixMicro(rows[0][name].(int64)).UTC().Format(time.RFC3339)
			}
			raw, err := catalog.Canonical(withoutNulls(rows[0]))
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

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, member := range v {
			if member != nil {
				kept[name] = withoutNulls(member)
			}
		}
		return kept
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	case *[]byte: // the texts of a map
		return string(*v)
	}
	return v
}
