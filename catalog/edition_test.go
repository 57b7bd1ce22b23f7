package catalog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

// TestEditionTellsWhatChanged: an edition knows which members of its items are other than
// they were printed, without keeping what they were, and forgets what is recalled.
func TestEditionTellsWhatChanged(t *testing.T) {
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	put := func(d *catalog.Draft, key string, r catalog.Record) catalog.Entry {
		t.Helper()
		h := r.Head()
		var err error
		if h.ID, h.Source, err = d.Identify(h.Dataset, "p", key); err != nil {
			t.Fatal(err)
		}
		h.Publisher, h.Title = "p", "标题 "+key
		e, change, err := d.Encode(r)
		if err == nil {
			err = d.Put(e, change)
		}
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	result := func(change func(*catalog.Achievement)) *catalog.Achievement {
		a := &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Abstract: "印出的简介"}, TRL: 6}
		change(a)
		return a
	}
	d := catalog.NewDraft(nil, now)
	a := put(d, "a", result(func(*catalog.Achievement) {}))
	b := put(d, "b", result(func(r *catalog.Achievement) { r.TitleEN = "B" }))
	pack := put(d, "p", &catalog.Package{Header: catalog.Header{Dataset: catalog.Packages}, Items: []catalog.Ref{a.ID, b.ID}})
	edition, _, err := d.Print("p", pack.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range edition.PrintedDigests {
		if strings.Contains(line, "简介") || strings.Count(line, ",")+1 != len(edition.PrintedFields) {
			t.Errorf("%q is not a digest of each of %v", line, edition.PrintedFields)
		}
	}
	first, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}

	d = catalog.NewDraft(first.Release, now.Add(time.Hour))
	for _, tt := range []struct {
		name   string
		change func(*catalog.Achievement)
		want   []string
	}{
		{"nothing", func(*catalog.Achievement) {}, nil},
		{"another text", func(r *catalog.Achievement) { r.Abstract, r.TRL = "新的", 7 }, []string{"abstract", "trl"}},
		{"a member more", func(r *catalog.Achievement) { r.TitleEN = "A" }, []string{"title_en"}},
		{"a member less", func(r *catalog.Achievement) { r.Abstract = "" }, []string{"abstract"}},
	} {
		e := put(d, "a", result(tt.change))
		names, told, err := edition.Changed(e)
		stands, errStands := edition.Stands([]catalog.Entry{e, b})
		if err != nil || errStands != nil || !told || !slices.Equal(names, tt.want) || stands != (tt.want == nil) {
			t.Errorf("%s: %v, told %t, stands %t, %v %v, want %v", tt.name, names, told, stands, err, errStands, tt.want)
		}
	}
	if stands, err := edition.Stands([]catalog.Entry{b, a}); stands || err != nil {
		t.Errorf("in another order the edition stands: %v", err)
	}

	if err := d.Recall(b.ID); err != nil {
		t.Fatal(err)
	}
	second, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e, _ := second.Release.Find(edition.ID)
	left, err := e.Printed()
	if err != nil || left.PrintedDigests[1] != "-" || left.PrintedDigests[0] != edition.PrintedDigests[0] {
		t.Errorf("after a recall the edition has %v, %v", left, err)
	}
	if _, told, err := left.Changed(b); told || err != nil {
		t.Errorf("a recalled record is still told of: %v", err)
	}
}
