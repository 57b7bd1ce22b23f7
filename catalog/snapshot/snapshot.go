// Package snapshot holds one release loaded for reading. It never changes after
// it was made: a request takes one and is answered from it alone, so that no
// answer mixes two releases.
package snapshot

import (
	"context"
	"fmt"
	"iter"
	"sort"

	"luoshu/catalog"
)

// Snapshot is one release, laid out for reading. It is safe for any number of
// readers.
type Snapshot struct {
	release *catalog.Release
	asked   policyConditions
	*index
}

// span is the range of a dataset's records among the release's entries.
type span struct{ from, to int }

// New lays out r, whose entries are ordered by dataset and identifier.
func New(ctx context.Context, r *catalog.Release) (*Snapshot, error) {
	ix, err := buildIndex(ctx, r)
	if err != nil {
		return nil, err
	}
	return &Snapshot{release: r, index: ix}, nil
}

// entry returns the record numbered doc.
func (s *Snapshot) entry(doc uint32) catalog.Entry { return s.release.Entries[doc] }

// number returns the number of the record named id.
func (s *Snapshot) number(id catalog.ID) (uint32, bool) {
	return numberOf(s.release.Entries, s.spans, id)
}

func numberOf(entries []catalog.Entry, spans map[catalog.Dataset]span, id catalog.ID) (uint32, bool) {
	e, ok := spans[id.Dataset()]
	if !ok {
		return 0, false
	}
	all := entries[e.from:e.to]
	i := sort.Search(len(all), func(i int) bool { return all[i].ID >= id })
	if i == len(all) || all[i].ID != id {
		return 0, false
	}
	return uint32(e.from + i), true
}

// Manifest describes the release.
func (s *Snapshot) Manifest() *catalog.Manifest { return s.release.Manifest }

// Hash names the release. Two snapshots with one hash give the same answers.
func (s *Snapshot) Hash() catalog.Hash { return s.release.Hash }

// Release returns the release itself.
func (s *Snapshot) Release() *catalog.Release { return s.release }

// Find returns the record named id. The error is catalog.ErrWithdrawn when it
// has a tombstone, and catalog.ErrNotFound otherwise.
func (s *Snapshot) Find(id catalog.ID) (catalog.Entry, error) {
	if e, ok := s.release.Find(id); ok {
		return e, nil
	}
	if _, gone := s.release.Manifest.Find(id); gone {
		return catalog.Entry{}, fmt.Errorf("%s: %w", id, catalog.ErrWithdrawn)
	}
	return catalog.Entry{}, fmt.Errorf("%s: %w", id, catalog.ErrNotFound)
}

// Tombstone returns what is left of the withdrawn record id.
func (s *Snapshot) Tombstone(id catalog.ID) (catalog.Tombstone, bool) {
	return s.release.Manifest.Find(id)
}

// Count returns the number of records in d.
func (s *Snapshot) Count(d catalog.Dataset) int {
	return s.spans[d].to - s.spans[d].from
}

// All yields the records of d by identifier.
func (s *Snapshot) All(d catalog.Dataset) iter.Seq[catalog.Entry] {
	return func(yield func(catalog.Entry) bool) {
		r := s.spans[d]
		for _, e := range s.release.Entries[r.from:r.to] {
			if !yield(e) {
				return
			}
		}
	}
}

// Slice asks for a page of a dataset, ordered by identifier.
type Slice struct {
	Dataset catalog.Dataset
	// After is the identifier the page begins behind; empty for the start. It
	// need not exist.
	After catalog.ID
	// Skip leaves out that many records behind After.
	Skip int
	// Limit is the greatest number of records in the page, at least 1.
	Limit int
}

// Page is a part of a dataset.
type Page struct {
	// Entries belong to the snapshot; nobody changes them.
	Entries []catalog.Entry
	// Total counts the whole dataset.
	Total int
	// Next is the After of the following page, empty when this is the last.
	Next catalog.ID
}

// List returns the page q asks for.
func (s *Snapshot) List(q Slice) Page {
	r := s.spans[q.Dataset]
	all := s.release.Entries[r.from:r.to]
	start := 0
	if q.After != "" {
		start = sort.Search(len(all), func(i int) bool { return all[i].ID > q.After })
	}
	start = min(start+max(q.Skip, 0), len(all))
	end := min(start+max(q.Limit, 1), len(all))
	p := Page{Entries: all[start:end], Total: len(all)}
	if end < len(all) && end > start {
		p.Next = all[end-1].ID
	}
	return p
}
