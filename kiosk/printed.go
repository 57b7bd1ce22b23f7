package kiosk

import (
	"errors"
	"slices"
	"strings"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// printed tells what has changed about a record since an edition of a catalog was printed
// that lists it.
type printed struct {
	Edition text
	On      catalog.Date // when the edition was issued
	Changed catalog.Date // when the record changed last
	// Fields are those that are other than they were printed; empty where the edition does
	// not say how that was.
	Fields []changedField
}

// changedField is a field that is other than it was printed: what it was stands on the
// paper, what it is here. Is is empty of a field that is there no more.
type changedField struct {
	Label text
	Is    string
}

const changeShown = 60 // characters of it

// paper reports whether a code with this placement was printed.
func paper(placement string) bool { return strings.HasPrefix(placement, "P") }

// printed returns what has changed about e since it was printed with that placement, nil
// where it was not or nothing has.
func (s *sheet) printed(e catalog.Entry, placement string) (*printed, error) {
	if !paper(placement) || placement == catalog.Unnumbered {
		return nil, nil
	}
	edition, err := s.rq.edition(s.ID, placement)
	if edition == nil || err != nil {
		return nil, err
	}
	names, told, err := edition.Changed(e)
	changed, at := e.UpdatedAt(), printedAt(edition)
	switch {
	case err != nil:
		return nil, err
	case told && len(names) == 0, !told && (e.Version() == 1 || !changed.After(at)):
		return nil, nil
	case changed.Before(at): // to what it was before an older release was published again
		changed = at
	}
	p := &printed{
		Edition: s.In(catalog.Text{ZH: edition.Title, EN: edition.TitleEN}), On: edition.IssuedOn,
		Changed: catalog.Date(changed.In(beijing).Format(time.DateOnly)),
	}
	now, err := s.newSheet(e) // this one marks what the page shows
	for _, g := range s.groups {
		if err == nil && slices.Contains(names, g.top) {
			p.Fields = append(p.Fields, now.changed(g)...)
		}
	}
	return p, err
}

// changed says what the member of g, which has changed, is now.
func (s *sheet) changed(g group) []changedField {
	facts := s.facts(g)
	if len(facts) == 0 {
		return []changedField{{Label: s.In(g.fields[0].Label)}}
	}
	var all []changedField
	for _, f := range facts {
		all = append(all, changedField{f.Label, clip(strings.Join(f.words(), catalog.Text{ZH: "；", EN: "; "}.In(s.lang)), changeShown)})
	}
	return all
}

// words returns the values of a fact, one after the other.
func (f fact) words() []string {
	var all []string
	for _, v := range f.Values {
		all = append(all, v.S)
	}
	for _, entry := range f.Entries {
		for _, f := range entry {
			all = append(all, f.words()...)
		}
	}
	return all
}

// mostEditions is how many editions with the record are looked at.
const mostEditions = 20

// edition returns the edition that a code was printed in: the one that goes by the code's
// placement and lists the record. It is nil for none: nothing is said of a print that
// nobody recorded.
func (rq *request) edition(id catalog.ID, placement string) (*catalog.Edition, error) {
	numbered, err := rq.snap.Search(snapshot.Query{
		Dataset: catalog.Catalogs, Limit: mostEditions,
		Filters: []snapshot.Filter{{Field: "printing.number", Values: []string{placement[1:]}}},
	})
	if err != nil && !errors.Is(err, catalog.ErrInvalid) {
		return nil, err
	}
	entries := numbered.Entries
	links, err := rq.snap.Relations(snapshot.RelationQuery{ID: id, Dataset: catalog.Catalogs, Limit: mostEditions})
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if l.Reverse {
			entries = append(entries, l.Entries...)
		}
	}
	for _, e := range entries {
		edition, err := decoded[*catalog.Edition](e)
		if err != nil {
			return nil, err
		}
		if edition.IssuedOn != "" && slices.Contains(edition.Items, id) && slices.Contains(placements(edition), placement) {
			return edition, nil
		}
	}
	return nil, nil
}

// decoded reads a record of a dataset whose records are R.
func decoded[R catalog.Record](e catalog.Entry) (R, error) {
	record, err := catalog.Decode(e.Dataset, e.Raw)
	r, ok := record.(R)
	if err == nil && !ok {
		err = catalog.ErrDamaged
	}
	return r, err
}

// placements returns what the codes of an edition end in.
func placements(e *catalog.Edition) []string {
	if e.Printing != nil {
		return []string{e.Printing.Placement()}
	}
	all := slices.Clone(e.SourceIDs) // of an edition that was printed elsewhere
	return append(all, e.Edition)
}

// printedAt returns when an edition was made: when its record was published, if that was
// on the day it was issued, else the end of that day, month or year.
func printedAt(e *catalog.Edition) time.Time {
	issued := string(e.IssuedOn)
	if strings.HasPrefix(e.PublishedAt.In(beijing).Format(time.DateOnly), issued) {
		return e.PublishedAt
	}
	for layout, d := range map[string][3]int{time.DateOnly: {0, 0, 1}, "2006-01": {0, 1, 0}, "2006": {1, 0, 0}} {
		if t, err := time.ParseInLocation(layout, issued, beijing); err == nil {
			return t.AddDate(d[0], d[1], d[2]).Add(-time.Second)
		}
	}
	return time.Time{}
}
