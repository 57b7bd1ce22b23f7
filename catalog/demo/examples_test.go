package demo

import (
	"bytes"
	"strings"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

func templateOf(t *testing.T, d catalog.Dataset) ingest.File {
	t.Helper()
	examples, err := Examples(d)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := ingest.WriteTemplate(&b, d, examples); err != nil {
		t.Fatal(err)
	}
	return ingest.File{Name: string(d) + ".xlsx", Reader: &b}
}

// TestTemplatesComeBack publishes the templates of all datasets together and
// finds every example again, field by field.
func TestTemplatesComeBack(t *testing.T) {
	const publisher = "example"
	var all []ingest.Batch
	for d := range catalog.Datasets() {
		all = append(all, ingest.Batch{Dataset: d.Name, Files: []ingest.File{templateOf(t, d.Name)}})
	}
	draft := catalog.NewDraft(nil, publishedAt)
	report, err := ingest.ImportBatches(t.Context(), draft, all, ingest.Options{Publisher: publisher, Sample: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range report.Rows {
		if l.Rule != "" {
			t.Errorf("%s row %d %s: %s %s: %s", l.File, l.Row, l.Column, l.Outcome, l.Rule, l.Message)
		}
	}
	checkColumns(t, report)

	publication, err := draft.Build(t.Context(), catalog.BuildOptions{Sample: true})
	if err != nil {
		t.Fatal(err)
	}
	published := map[catalog.ID]catalog.Record{}
	for _, e := range publication.Release.Entries {
		if published[e.ID], err = catalog.Decode(e.Dataset, e.Raw); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]catalog.ID{}
	wanted := map[catalog.ID]catalog.Record{}
	for d := range catalog.Datasets() {
		examples, err := Examples(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range examples {
			id, _, err := draft.Identify(d.Name, publisher, e.Key)
			if err != nil {
				t.Fatal(err)
			}
			ids["key:"+e.Key], wanted[id] = id, e.Record
		}
	}
	if len(published) != len(wanted) {
		t.Errorf("%d records, want %d", len(published), len(wanted))
	}
	for id, want := range wanted {
		got := published[id]
		if got == nil {
			t.Errorf("%q is not published", want.Head().Title)
			continue
		}
		// What publishing sets is taken over; references are resolved.
		w, g := want.Head(), got.Head()
		w.ID, w.Publisher, w.Source, w.PublishedAt, w.UpdatedAt, w.Version, w.Sample = g.ID, g.Publisher, g.Source, g.PublishedAt, g.UpdatedAt, g.Version, g.Sample
		catalog.Rewrite(want, func(f catalog.Field, s string) string {
			if id, ok := ids[s]; ok && (f.Type == "ref" || f.Path == "relations[].value") {
				return string(id)
			}
			return s
		})
		catalog.Verify(want)
		wantJSON, err := catalog.Canonical(want)
		if err != nil {
			t.Fatal(err)
		}
		gotJSON, err := catalog.Canonical(got)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(gotJSON, wantJSON) {
			t.Errorf("got  %s\nwant %s", gotJSON, wantJSON)
		}
	}
}

// checkColumns: every field a publisher can give has a column with values.
func checkColumns(t *testing.T, report *ingest.Report) {
	t.Helper()
	filled := map[string]bool{}
	for _, c := range report.Columns {
		if c.Use != ingest.Mapped {
			t.Errorf("%s: the column %q is %s", c.File, c.Name, c.Use)
		}
		filled[c.File+" "+c.Field] = c.Values > 0
	}
	for d := range catalog.Datasets() {
		for _, f := range catalog.Fields(d.Name) {
			if !f.Assigned() && !filled[string(d.Name)+".xlsx "+f.Path] {
				t.Errorf("%s: no example has %s", d.Name, f.Path)
			}
		}
	}
}

// TestATemplateAlone: what it says of the other datasets is missing, and that is
// all.
func TestATemplateAlone(t *testing.T) {
	for d := range catalog.Datasets() {
		t.Run(string(d.Name), func(t *testing.T) {
			file := templateOf(t, d.Name)
			titles, err := Titles(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			opt := ingest.Options{Dataset: d.Name, Publisher: "example", Examples: titles, Sample: true}
			report, err := ingest.Import(t.Context(), catalog.NewDraft(nil, publishedAt), []ingest.File{file}, opt)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Notes) > 0 {
				t.Errorf("Luoshu objects to its own template: %+v", report.Notes)
			}
			for _, l := range report.Rows {
				if l.Outcome != ingest.Published || l.Rule != "" && l.Rule != "reference" {
					t.Errorf("row %d %s: %s %s: %s", l.Row, l.Column, l.Outcome, l.Rule, l.Message)
				}
				if l.Sheet != d.Label.ZH {
					t.Errorf("row %d of the sheet %s is read", l.Row, l.Sheet)
				}
			}
			if examples, _ := Examples(d.Name); report.Totals.Read != len(examples) {
				t.Errorf("%d rows, want %d", report.Totals.Read, len(examples))
			}
		})
	}
}

// TestExamplesAreNotPublished: whoever hands in a template as it is has told nothing.
func TestExamplesAreNotPublished(t *testing.T) {
	for d := range catalog.Datasets() {
		titles, err := Titles(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		report, err := ingest.Import(t.Context(), catalog.NewDraft(nil, publishedAt), []ingest.File{templateOf(t, d.Name)}, ingest.Options{Dataset: d.Name, Publisher: "example", Examples: titles})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range report.Rows {
			if l.Outcome != ingest.Refused || l.Rule != "example" {
				t.Errorf("%s row %d: %s %s", d.Name, l.Row, l.Outcome, l.Rule)
			}
		}
		if report.Totals.Refused != len(titles) || len(report.Notes) > 0 {
			t.Errorf("%s: %+v, notes %+v", d.Name, report.Totals, report.Notes)
		}
	}
}

func TestExamplesSaySo(t *testing.T) {
	for d := range catalog.Datasets() {
		examples, err := Examples(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range examples {
			if h := e.Record.Head(); !strings.Contains(h.Title, "示例") || !strings.Contains(strings.ToLower(h.TitleEN), "sample") {
				t.Errorf("%s: %q does not say that it is invented", d.Name, h.Title)
			}
		}
	}
}
