package kiosk

import (
	"fmt"
	"slices"
	"strconv"
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
	// Fields are those that are other than they were printed; empty where the release of
	// that time is no longer kept.
	Fields []changedField
}

// changedField is a field as it was printed and as it is; empty for what was or is not there.
type changedField struct {
	Label   text
	Was, Is string
}

const changeShown = 60 // characters of either

// paper reports whether a code with this placement was printed.
func paper(placement string) bool { return strings.HasPrefix(placement, "P") }

// printed returns what has changed about e since it was printed with that placement, nil
// where it was not or nothing has.
func (s *sheet) printed(e catalog.Entry, placement string) (*printed, error) {
	if !paper(placement) || placement == unnumbered {
		return nil, nil
	}
	edition, err := s.edition(placement)
	if edition == nil || err != nil {
		return nil, err
	}
	changed, at := e.UpdatedAt(), edition.printedAt()
	switch held := edition.printedVersion(s.ID); {
	case e.Version() == 1, e.Version() == held:
		return nil, nil
	case held == 0 && !changed.After(at): // the edition says no more than its day
		return nil, nil
	}
	p := &printed{Edition: edition.Name(), On: catalog.Date(edition.str("issued_on")), Changed: catalog.Date(changed.In(beijing).Format(time.DateOnly))}
	p.Fields, err = s.changedSince(e, at)
	return p, err
}

// mostEditions is how many editions with the record are looked at.
const mostEditions = 20

// edition returns the record of the edition that a code was printed in: the one that goes
// by the code's placement and lists the record. It is nil for none: nothing is said of a
// print that nobody recorded.
func (s *sheet) edition(placement string) (*sheet, error) {
	links, err := s.rq.snap.Relations(snapshot.RelationQuery{ID: s.ID, Dataset: catalog.Catalogs, Limit: mostEditions})
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		for _, e := range l.Entries {
			if !l.Reverse {
				continue
			}
			edition, err := s.newSheet(e)
			if err != nil {
				return nil, err
			}
			if edition.str("issued_on") != "" && (slices.Contains(list(edition.m["source_ids"]), any(placement)) || edition.str("edition") == placement) {
				return edition, nil
			}
		}
	}
	return nil, nil
}

// printedVersion returns the version in which an edition holds a record, 0 where it does
// not say.
func (s *sheet) printedVersion(id catalog.ID) int {
	versions := list(s.m["printed_versions"])
	at := slices.Index(list(s.m["items"]), any(string(id)))
	if at < 0 || at >= len(versions) {
		return 0
	}
	n, _ := strconv.Atoi(fmt.Sprint(versions[at]))
	return n
}

// printedAt returns when an edition was made: when its record was published, if that was
// on the day it was issued, else the end of that day, month or year.
func (s *sheet) printedAt() time.Time {
	issued := s.str("issued_on")
	if t, err := time.Parse(time.RFC3339, s.str("published_at")); err == nil && strings.HasPrefix(t.In(beijing).Format(time.DateOnly), issued) {
		return t
	}
	for layout, d := range map[string][3]int{time.DateOnly: {0, 0, 1}, "2006-01": {0, 1, 0}, "2006": {1, 0, 0}} {
		if t, err := time.ParseInLocation(layout, issued, beijing); err == nil {
			return t.AddDate(d[0], d[1], d[2]).Add(-time.Second)
		}
	}
	return time.Time{}
}

// mostReleases is how many earlier releases are asked for.
const mostReleases = 8

// changedSince returns the fields in which e differs from what the release of
// that time says, as far as that is kept.
func (s *sheet) changedSince(e catalog.Entry, at time.Time) ([]changedField, error) {
	for n := range int64(mostReleases) {
		old, err := s.rq.h.reader.At(s.Release.Sequence - 1 - n)
		if err != nil {
			return nil, nil //nolint:nilerr // it is not kept, or not at hand: then only the day is told
		}
		if old.Manifest().PublishedAt.After(at) {
			continue
		}
		was, err := old.Find(s.ID)
		if err != nil {
			return nil, nil //nolint:nilerr // it was in no release yet
		}
		changes, err := catalog.Compare(was, e)
		if err != nil {
			return nil, err
		}
		var fields []changedField
		for _, c := range changes {
			if f, ok := catalog.LookupField(s.Dataset.Name, c.Path); ok {
				fields = append(fields, changedField{s.In(f.Label), clip(f.Wording(c.Old, s.lang), changeShown), clip(f.Wording(c.New, s.lang), changeShown)})
			}
		}
		return fields, nil
	}
	return nil, nil
}
