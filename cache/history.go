package cache

import (
	"context"
	"errors"
	"fmt"

	"luoshu/catalog"
)

// Held is a release that a store holds.
type Held struct {
	Hash     catalog.Hash
	Manifest *catalog.Manifest
}

// Pointer returns the pointer that makes h current.
func (h Held) Pointer() catalog.Pointer {
	return catalog.Pointer{Catalog: h.Manifest.Catalog, Sequence: h.Manifest.Sequence, Manifest: h.Hash}
}

// History returns the last releases that s holds, the current one first, at most
// keep of them (Keep if that is not positive). It ends where the manifest before
// is not there, and where a recall has ended it. The error wraps catalog.ErrDamaged when a manifest is not what
// its name promises, and catalog.ErrNotFound when the current one is missing.
func History(ctx context.Context, s Store, keep int) ([]Held, error) {
	if keep <= 0 {
		keep = Keep
	}
	p, err := s.Current(ctx)
	if err != nil {
		return nil, err
	}
	m, _, err := readManifest(ctx, s, p)
	if err != nil {
		return nil, fmt.Errorf("current release: %w", err)
	}
	held := []Held{{p.Manifest, m}}
	for len(held) < keep && m.Previous != "" && m.Sequence > held[0].Manifest.Floor {
		b, err := s.Manifest(ctx, m.Previous)
		if errors.Is(err, catalog.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		before, err := catalog.ParseManifest(b, m.Previous)
		if err != nil {
			return nil, err
		}
		if before.Catalog != m.Catalog || before.Sequence >= m.Sequence {
			return nil, fmt.Errorf("release %d names release %d of %q as the one before: %w",
				m.Sequence, before.Sequence, before.Catalog, catalog.ErrDamaged)
		}
		held = append(held, Held{m.Previous, before})
		m = before
	}
	return held, nil
}

// Load reads the release p names, whole and verified. The error wraps
// catalog.ErrDamaged or catalog.ErrNotFound when the store does not hold it
// whole.
func Load(ctx context.Context, s Store, p catalog.Pointer) (*catalog.Release, error) {
	m, _, err := readManifest(ctx, s, p)
	if err != nil {
		return nil, err
	}
	return catalog.LoadRelease(ctx, m, p.Manifest, func(ctx context.Context, ref catalog.ObjectRef) ([]byte, error) {
		return s.Object(ctx, ref.Hash)
	})
}

// kept returns what a sweep must leave so that held stays whole.
func kept(held []Held) Kept {
	k := Kept{Manifests: map[catalog.Hash]bool{}, Objects: map[catalog.Hash]bool{}}
	for _, h := range held {
		k.Manifests[h.Hash] = true
		for _, ref := range h.Manifest.Objects {
			k.Objects[ref.Hash] = true
		}
	}
	return k
}
