// Package snapshot holds one release laid out for reading: its records, and an
// index to search them by. It never changes after it was made: a request takes one
// and is answered from it alone, so that no answer mixes two releases.
package snapshot

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sort"

	"github.com/edsrzf/mmap-go"

	"luoshu/catalog"
)

// Snapshot is one release, laid out for reading. It is safe for any number of
// readers.
type Snapshot struct {
	manifest *catalog.Manifest
	hash     catalog.Hash
	entries  entries
	asked    policyConditions
	*index
	mapped io.Closer
}

// span is the range of a dataset's records.
type span struct{ from, to int }

// New lays out r, whose entries are ordered by dataset and identifier, in memory. A part of
// it is its Mapping, like a segment that Open maps.
func New(ctx context.Context, r *catalog.Release) (*Snapshot, error) {
	ix, err := buildIndex(ctx, r)
	if err != nil {
		return nil, err
	}
	return &Snapshot{manifest: r.Manifest, hash: r.Hash, entries: entries{source: r.Entries}, index: ix, mapped: &ix.room}, nil
}

// Mapping is memory of the snapshot that the garbage collector knows nothing of. Closing it
// gives it back. Whoever then still reads the snapshot, or anything it returned, crashes
// the program: it is closed when nobody can.
func (s *Snapshot) Mapping() io.Closer { return s.mapped }

// mapping is a mapped segment.
type mapping struct{ bytes mmap.MMap }

func (m *mapping) Close() error { return m.bytes.Unmap() }

// Manifest describes the release.
func (s *Snapshot) Manifest() *catalog.Manifest { return s.manifest }

// Hash names the release. Two snapshots with one hash give the same answers.
func (s *Snapshot) Hash() catalog.Hash { return s.hash }

// Pointer returns the pointer that makes the release current.
func (s *Snapshot) Pointer() catalog.Pointer {
	return catalog.Pointer{Catalog: s.manifest.Catalog, Sequence: s.manifest.Sequence, Manifest: s.hash}
}

// Len returns the number of records.
func (s *Snapshot) Len() int { return s.entries.len() }

// Release returns the release itself, as it was before it was laid out.
func (s *Snapshot) Release() *catalog.Release {
	r := &catalog.Release{Manifest: s.manifest, Hash: s.hash, Entries: s.entries.source}
	if r.Entries == nil {
		r.Entries = make([]catalog.Entry, 0, s.Len())
		for doc := range s.Len() {
			r.Entries = append(r.Entries, s.entry(uint32(doc)))
		}
	}
	return r
}

// entry returns the record numbered doc.
func (s *Snapshot) entry(doc uint32) catalog.Entry {
	if s.entries.source != nil {
		return s.entries.source[doc]
	}
	// The identifier outlives the snapshot in many places; the record does not.
	return catalog.Entry{ID: catalog.ID(s.entries.id(doc)), Dataset: s.datasetOf(doc), Raw: s.entries.raw(doc)}
}

func (s *Snapshot) datasetOf(doc uint32) catalog.Dataset {
	for d := range catalog.Datasets() {
		if sp := s.spans[d.Name]; int(doc) >= sp.from && int(doc) < sp.to {
			return d.Name
		}
	}
	return ""
}

// before reports whether the record numbered doc goes before id in its dataset.
func (s *Snapshot) before(doc uint32, id catalog.ID) bool {
	if s.entries.source != nil {
		return s.entries.source[doc].ID < id
	}
	return string(s.entries.id(doc)) < string(id)
}

// from returns the first number in the range of a dataset whose identifier is not
// before id.
func (s *Snapshot) from(sp span, id catalog.ID) int {
	return sp.from + sort.Search(sp.to-sp.from, func(i int) bool { return !s.before(uint32(sp.from+i), id) })
}

// number returns the number of the record named id.
func (s *Snapshot) number(id catalog.ID) (uint32, bool) {
	sp := s.spans[id.Dataset()]
	i := s.from(sp, id)
	if i == sp.to || s.before(uint32(i), id) || s.entry(uint32(i)).ID != id {
		return 0, false
	}
	return uint32(i), true
}

// numberOf is number for records that are not laid out yet.
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

// Find returns the record named id. The error is catalog.ErrWithdrawn when it
// has a tombstone, and catalog.ErrNotFound otherwise.
func (s *Snapshot) Find(id catalog.ID) (catalog.Entry, error) {
	if doc, ok := s.number(id); ok {
		return s.entry(doc), nil
	}
	if _, gone := s.manifest.Find(id); gone {
		return catalog.Entry{}, fmt.Errorf("%s: %w", id, catalog.ErrWithdrawn)
	}
	return catalog.Entry{}, fmt.Errorf("%s: %w", id, catalog.ErrNotFound)
}

// Tombstone returns what is left of the withdrawn record id.
func (s *Snapshot) Tombstone(id catalog.ID) (catalog.Tombstone, bool) { return s.manifest.Find(id) }

// Count returns the number of records in d.
func (s *Snapshot) Count(d catalog.Dataset) int { return s.spans[d].to - s.spans[d].from }

// All yields the records of d by identifier.
func (s *Snapshot) All(d catalog.Dataset) iter.Seq[catalog.Entry] {
	return func(yield func(catalog.Entry) bool) {
		for doc := s.spans[d].from; doc < s.spans[d].to; doc++ {
			if !yield(s.entry(uint32(doc))) {
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
	sp := s.spans[q.Dataset]
	start := sp.from
	if q.After != "" {
		if start = s.from(sp, q.After); start < sp.to && s.entry(uint32(start)).ID == q.After {
			start++
		}
	}
	start = min(start+max(q.Skip, 0), sp.to)
	stop := min(start+max(q.Limit, 1), sp.to)
	p := Page{Total: sp.to - sp.from, Entries: make([]catalog.Entry, 0, stop-start)}
	for doc := start; doc < stop; doc++ {
		p.Entries = append(p.Entries, s.entry(uint32(doc)))
	}
	if stop < sp.to && stop > start {
		p.Next = p.Entries[len(p.Entries)-1].ID
	}
	return p
}
