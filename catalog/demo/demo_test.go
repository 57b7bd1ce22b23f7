package demo

import (
	"bytes"
	"flag"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/ingest"
)

var update = flag.Bool("update", false, "pack the files anew")

func TestPacked(t *testing.T) {
	catalogtest.Packed(t, *update, "demo.zip", "*.jsonl", "profile.json", "examples/*.jsonl")
}

func TestEveryLineIsPublishedWithoutRemark(t *testing.T) {
	draft, report, err := Draft(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range report.Rows {
		if l.Outcome != ingest.Published || l.Rule != "" {
			t.Errorf("%s:%d %s %s %s: %s", l.File, l.Row, l.Outcome, l.Column, l.Rule, l.Message)
		}
	}
	for _, c := range report.Columns {
		if c.Use != ingest.Mapped {
			t.Errorf("%s: member %q is %s", c.File, c.Name, c.Use)
		}
	}
	p, err := draft.Build(t.Context(), catalog.BuildOptions{AsOf: AsOf, Sample: true})
	if err != nil {
		t.Fatal(err)
	}
	atLeast := map[catalog.Dataset]int{
		catalog.Achievements: 160, catalog.Demands: 50, catalog.Packages: 10, catalog.Organizations: 80,
		catalog.Services: 25, catalog.Experts: 25, catalog.Policies: 7, catalog.Events: 15,
		catalog.Notices: 20, catalog.Catalogs: 6, catalog.Cases: 6, catalog.Indicators: 5,
	}
	for d, n := range atLeast {
		if got := p.Release.Manifest.Counts[d]; got < n {
			t.Errorf("%s: %d records, want at least %d", d, got, n)
		}
	}
}

func TestBuildIsReproducible(t *testing.T) {
	first, err := Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Manifest, second.Manifest) {
		t.Error("two builds differ")
	}
}
