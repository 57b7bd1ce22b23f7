package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/demo"
)

// TestUncovered: the lint names record, field and character; what Luoyang's own catalog
// needs is covered but for superscript figures.
func TestUncovered(t *testing.T) {
	p, err := demo.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := uncovered(p.Release)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if strings.Trim(g.Characters, "⁰⁴⁵⁶⁷⁸⁹") != "" {
			t.Errorf("%s %s: %s is not covered", g.ID, g.Field, g.Characters)
		}
	}

	draft := catalog.NewDraft(nil, time.Unix(1.8e9, 0))
	id, source, err := draft.Identify(catalog.Achievements, "hetu", "1")
	if err != nil {
		t.Fatal(err)
	}
	record := &catalog.Achievement{Header: catalog.Header{ID: id, Dataset: catalog.Achievements, Source: source, Publisher: "hetu", Title: "瀍河𠀀号轴承"}}
	entry, change, err := draft.Encode(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := draft.Put(entry, change); err != nil {
		t.Fatal(err)
	}
	publication, err := draft.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all, err = uncovered(publication.Release)
	if err != nil || len(all) != 1 || all[0] != (glyphs{id, "title", "𠀀"}) {
		t.Errorf("%v, %v", all, err)
	}
	var b bytes.Buffer
	printer{&b, "zh"}.glyphs(all)
	if want := "U+20000"; !strings.Contains(b.String(), want) || !strings.Contains(b.String(), string(id)) {
		t.Errorf("%q does not name %s and the record", b.String(), want)
	}
}
