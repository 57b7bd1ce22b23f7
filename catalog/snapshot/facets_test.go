package snapshot

import (
	"slices"
	"testing"

	"luoshu/catalog"
)

// TestChosenValuesTakeNoPlace: among more values than are told, the most frequent are
// told whatever is chosen, and what is chosen is told besides.
func TestChosenValuesTakeNoPlace(t *testing.T) {
	s := demonstration(t)
	all, err := s.Search(Query{Dataset: catalog.Achievements, Facets: []string{"industries"}})
	if err != nil || len(all.Facets[0].Values) != MaxFacetValues {
		t.Fatalf("%d values, %v: the demonstration has too few for this test", len(all.Facets[0].Values), err)
	}
	column := s.column(catalog.Achievements, "industries")
	for i := range column.values.len() {
		value := string(column.values.at(i))
		r, err := s.Search(Query{Dataset: catalog.Achievements, Facets: []string{"industries"}, Filters: []Filter{{Field: "industries", Values: []string{value}}}})
		if err != nil {
			t.Fatal(err)
		}
		got := r.Facets[0].Values
		if !slices.IsSortedFunc(got, func(a, b FacetValue) int { return b.Count - a.Count }) {
			t.Fatalf("%s chosen: out of order", value)
		}
		for _, want := range all.Facets[0].Values[:MaxFacetValues-1] {
			if !slices.ContainsFunc(got, func(v FacetValue) bool { return v.Value == want.Value && v.Count == want.Count }) {
				t.Fatalf("%s chosen: %s with %d is not told", value, want.Value, want.Count)
			}
		}
		if !slices.ContainsFunc(got, func(v FacetValue) bool { return v.Value == value && v.Chosen }) {
			t.Fatalf("%s is chosen and not told", value)
		}
	}
}

// TestNumbersInGroups finds a number however it is written.
func TestNumbersInGroups(t *testing.T) {
	s := demonstration(t)
	for e := range s.All(catalog.Achievements) {
		r, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, ip := range r.(*catalog.Achievement).IP {
			n := ip.Number
			if len(n) < 8 {
				continue
			}
			asked := []string{n, n[:4] + " " + n[4:], n[:2] + " " + n[2:6] + " " + n[6:]}
			if bareNumber(squeeze(nil, []byte(n))) != nil { // ZL and CN, which people leave out or mix up
				asked = append(asked, n[2:], "ZL"+n[2:], "CN"+n[2:])
			}
			for _, q := range asked {
				found, err := s.Search(Query{Text: q, Limit: 100})
				if err != nil || !slices.ContainsFunc(found.Entries, func(f catalog.Entry) bool { return f.ID == e.ID }) {
					t.Errorf("%q does not find %s: %d, %v", q, e.ID, found.Total, err)
				}
			}
		}
	}
}
