package cache

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// Current returns the current release, or nil while there is none. A request
// takes it once and is answered from it alone.
func (n *Near) Current() *snapshot.Snapshot {
	e := n.current.Load()
	if e == nil {
		return nil
	}
	return e.Snapshot
}

// At returns the release numbered seq. The current one and the one before are in
// memory; older ones that are held are loaded when asked for, one at a time. The
// error wraps catalog.ErrNotFound when it is not held, or no longer, and
// catalog.ErrUnavailable when it cannot be loaded now.
func (n *Near) At(seq int64) (*snapshot.Snapshot, error) {
	if e := n.loaded(seq); e != nil {
		return e.Snapshot, nil
	}
	p, err := n.PointerTo(seq)
	if err != nil {
		return nil, err
	}
	turn := time.NewTimer(demandPatience)
	defer turn.Stop()
	select {
	case n.demand <- struct{}{}:
		defer func() { <-n.demand }()
	case <-turn.C:
		return nil, fmt.Errorf("release %d: others are being loaded: %w", seq, catalog.ErrUnavailable)
	}
	// Whoever had the turn before may have wanted the same.
	if e := n.loaded(seq); e != nil {
		return e.Snapshot, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), loadPatience)
	defer cancel()
	// From disk alone where there is a disk: a reader does not wait for a network.
	nearest := n.places(nil)[:1]
	e, err := n.load(ctx, p, nearest, nearest)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.older = slices.Insert(n.older, 0, e)
	n.older = n.older[:min(len(n.older), olderInMemory)]
	return e.Snapshot, nil
}

// PointerTo returns the pointer to the held release numbered seq. The error wraps
// catalog.ErrNotFound when it is not held, or no longer.
func (n *Near) PointerTo(seq int64) (catalog.Pointer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range n.shelf.held {
		if h.Manifest.Sequence == seq {
			return h.Pointer(), nil
		}
	}
	return catalog.Pointer{}, fmt.Errorf("release %d: %w", seq, catalog.ErrNotFound)
}

// loaded returns the release numbered seq if it is in memory.
func (n *Near) loaded(seq int64) *edition {
	if e := n.current.Load(); e != nil && e.sequence() == seq {
		return e
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	// Once more, now that no swap is half-way.
	for _, e := range []*edition{n.current.Load(), n.previous} {
		if e != nil && e.sequence() == seq {
			return e
		}
	}
	for i, e := range n.older {
		if e.sequence() == seq {
			copy(n.older[1:i+1], n.older[:i])
			n.older[0] = e
			return e
		}
	}
	return nil
}

// Releases returns the manifests of the releases that are held, the latest first.
// Nobody changes them.
func (n *Near) Releases() []*catalog.Manifest {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.shelf.manifests
}

// ManifestBytes returns the manifest named hash of a release that is held; the
// error wraps catalog.ErrNotFound for any other.
func (n *Near) ManifestBytes(hash catalog.Hash) ([]byte, error) {
	if e, err := n.edition(hash); e != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return e.manifest, nil
	}
	return n.bytes(hash, Store.Manifest)
}

// SignatureBytes returns the signature of the manifest named hash of a release
// that is held; the error wraps catalog.ErrNotFound when there is none.
func (n *Near) SignatureBytes(hash catalog.Hash) ([]byte, error) {
	e, err := n.edition(hash)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		ctx, cancel := context.WithTimeout(context.Background(), loadPatience)
		defer cancel()
		return n.places(nil)[0].Signature(ctx, hash)
	case e.signature == nil:
		return nil, fmt.Errorf("signature of manifest %.12s: %w", hash, catalog.ErrNotFound)
	}
	return e.signature, nil
}

// edition returns the release named hash if it is in memory, and an error if it
// is not even held.
func (n *Near) edition(hash catalog.Hash) (*edition, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.shelf.kept.Manifests[hash] {
		return nil, fmt.Errorf("manifest %.12s: %w", hash, catalog.ErrNotFound)
	}
	for _, e := range append([]*edition{n.current.Load(), n.previous}, n.older...) {
		if e != nil && e.Hash() == hash {
			return e, nil
		}
	}
	return nil, nil
}

// ObjectBytes returns the object named hash of a release that is held; the error
// wraps catalog.ErrNotFound for any other.
func (n *Near) ObjectBytes(hash catalog.Hash) ([]byte, error) {
	n.mu.Lock()
	known := n.shelf.kept.Objects[hash]
	n.mu.Unlock()
	if !known {
		return nil, fmt.Errorf("object %.12s: %w", hash, catalog.ErrNotFound)
	}
	return n.bytes(hash, Store.Object)
}

// bytes reads what is named hash from the nearest place that has it sound.
func (n *Near) bytes(hash catalog.Hash, get func(Store, context.Context, catalog.Hash) ([]byte, error)) (b []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), loadPatience)
	defer cancel()
	err = first(n.places(nil), func(s Store) error {
		if b, err = get(s, ctx, hash); err != nil {
			return err
		}
		if got := catalog.HashOf(b); got != hash {
			return fmt.Errorf("%s: %.12s has hash %.12s: %w", s, hash, got, catalog.ErrDamaged)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}
