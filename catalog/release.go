package catalog

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Release is one publication of the whole catalog, verified and in memory.
type Release struct {
	Manifest *Manifest
	// Hash names the release: the hash of its manifest's bytes.
	Hash Hash
	// Entries holds every record, ordered by dataset (in listing order) and then
	// by identifier.
	Entries []Entry
}

// Pointer returns the pointer that makes r current.
func (r *Release) Pointer() Pointer {
	return Pointer{Catalog: r.Manifest.Catalog, Sequence: r.Manifest.Sequence, Manifest: r.Hash}
}

// Find returns the record named id.
func (r *Release) Find(id ID) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(r.Entries, id, func(e Entry, id ID) int { return compareIDs(e.ID, e.Dataset, id) })
	if !ok {
		return Entry{}, false
	}
	return r.Entries[i], true
}

func compareIDs(a ID, d Dataset, b ID) int {
	if e := b.Dataset(); d != e {
		return d.index() - e.index()
	}
	return strings.Compare(string(a), string(b))
}

// FetchObject returns the bytes of an object; the caller of it verifies them.
type FetchObject func(ctx context.Context, ref ObjectRef) ([]byte, error)

// LoadRelease reads every object of m through fetch, verifies each against the
// manifest and returns the whole release, or an error and nothing. Objects are
// fetched and unpacked on all processors at once. The error wraps ErrDamaged
// when what was fetched is not what the manifest promises.
func LoadRelease(ctx context.Context, m *Manifest, hash Hash, fetch FetchObject) (*Release, error) {
	parts := make([][]Entry, len(m.Objects))
	group, ctx := errgroup.WithContext(ctx)
	// One more than processors, so that the network is busy while they unpack.
	group.SetLimit(runtime.GOMAXPROCS(0) + 1)
	for i, ref := range m.Objects {
		group.Go(func() error {
			b, err := fetch(ctx, ref)
			if err != nil {
				return fmt.Errorf("object %.12s: %w", ref.Hash, err)
			}
			parts[i], err = unpackObject(b, ref, m.PartitionBits)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("catalog: load release %d: %w", m.Sequence, err)
	}
	r := &Release{Manifest: m, Hash: hash, Entries: slices.Concat(parts...)}
	sortEntries(r.Entries)
	if err := r.checkCounts(); err != nil {
		return nil, fmt.Errorf("catalog: load release %d: %w", m.Sequence, err)
	}
	return r, nil
}

func sortEntries(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int {
		if a.Dataset != b.Dataset {
			return a.Dataset.index() - b.Dataset.index()
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
}

func (r *Release) checkCounts() error {
	counts := map[Dataset]int{}
	for _, e := range r.Entries {
		counts[e.Dataset]++
	}
	for d, n := range r.Manifest.Counts {
		if counts[d] != n {
			return fmt.Errorf("%d records in %s, not %d: %w", counts[d], d, n, ErrDamaged)
		}
	}
	for _, t := range r.Manifest.Withdrawn {
		if _, here := r.Find(t.ID); here && t.Recalled {
			return fmt.Errorf("holds %s, which was recalled: %w", t.ID, ErrDamaged)
		}
	}
	return nil
}
