// Package cache keeps published releases and follows them.
//
// A store keeps three things of one catalog: the pointer to the current
// manifest, manifests, and objects. Manifests and objects are named by the hash
// of their bytes and never change; moving the pointer is the only mutation, done
// last. Hence a reader sees the old release or the new one, never a mixture, at
// whatever moment a publisher dies.
//
// A missing key is an outage, never an empty catalog: readers keep what they
// have.
package cache

import (
	"context"
	"errors"
	"fmt"

	"luoshu/catalog"
)

// Keep is how many releases are kept and copied unless told otherwise.
const Keep = 8

// maxPointerBytes bounds a pointer as stored, a hundred times what it needs.
const maxPointerBytes = 16 << 10

// Store gives read access to the releases of one catalog. It is safe for use by
// several goroutines. What it returns is not verified: whoever uses the bytes
// does that against their hash.
//
// Errors wrap catalog.ErrUnavailable when the place cannot be reached,
// catalog.ErrNotFound when it answers and lacks the thing asked for, and
// catalog.ErrDamaged when what is there cannot be what was stored.
type Store interface {
	// Current returns the pointer. Where nothing was published, or everything was
	// lost, the error wraps catalog.ErrNoRelease.
	Current(ctx context.Context) (catalog.Pointer, error)
	// Manifest returns the bytes of the manifest named hash.
	Manifest(ctx context.Context, hash catalog.Hash) ([]byte, error)
	// Signature returns the minisign signature of that manifest; ErrNotFound when
	// it was published without.
	Signature(ctx context.Context, hash catalog.Hash) ([]byte, error)
	// Object returns the bytes of the object named hash.
	Object(ctx context.Context, hash catalog.Hash) ([]byte, error)
	// String names the place for people and logs, without secrets.
	String() string
	Close() error
}

// Writer is a store that can be published to.
//
// No writer holds a lock from the first Put to Flip, because a publisher can die
// in between. A sweep may therefore take away what a publication has put but not
// yet named. Flip notices and refuses; publishing again puts it back.
type Writer interface {
	Store
	// Prepare proves that the place can keep a release, and says what must be
	// changed when it cannot (an eviction policy, a read-only disk). Writing
	// begins with it.
	Prepare(ctx context.Context) error
	// Missing returns those of hashes that the store has no object for.
	Missing(ctx context.Context, hashes []catalog.Hash) ([]catalog.Hash, error)
	// PutObject stores an object, durably at the latest when Flip returns.
	// Storing it again changes nothing. The error wraps catalog.ErrDamaged when b
	// does not have that hash.
	PutObject(ctx context.Context, hash catalog.Hash, b []byte) error
	// PutManifest stores a manifest and, unless nil, its signature, under the
	// terms of PutObject.
	PutManifest(ctx context.Context, hash catalog.Hash, manifest, signature []byte) error
	// Flip moves the pointer from one release to the next, and tells whoever
	// listens. from is zero for the first release; where the pointer is at to
	// already, nothing changes. The error wraps catalog.ErrConflict when from is
	// no longer current, catalog.ErrOlder when to does not follow it,
	// catalog.ErrForeign when it is of another catalog, and catalog.ErrNotFound
	// when the store lacks anything that to names.
	Flip(ctx context.Context, from, to catalog.Pointer) error
	// Sweep removes every manifest and object outside keep, provided that current
	// is still current; otherwise the error wraps catalog.ErrConflict.
	Sweep(ctx context.Context, current catalog.Pointer, keep Kept) (Swept, error)
}

// Notifier is a store that can tell when its pointer has moved. The notice is a
// hint: it may be lost, and a follower polls all the same.
type Notifier interface {
	// Notices sends on the channel after each move, until ctx ends, and closes it.
	// Moves that nobody has received yet count as one.
	Notices(ctx context.Context) <-chan struct{}
}

// Kept names what a sweep must leave in place.
type Kept struct {
	Manifests, Objects map[catalog.Hash]bool
}

// Swept counts what a sweep removed.
type Swept struct {
	Manifests, Objects int
	Bytes              int64
}

// The rest of this file is what every store obeys.

// currentOrNone returns the zero pointer where s holds no release.
func currentOrNone(ctx context.Context, s Store) (catalog.Pointer, error) {
	p, err := s.Current(ctx)
	if errors.Is(err, catalog.ErrNoRelease) {
		return catalog.Pointer{}, nil
	}
	return p, err
}

// checkMove decides whether the pointer may go from one release to another, and
// reports whether it is there already.
func checkMove(current, from, to catalog.Pointer) (done bool, err error) {
	switch {
	case !catalog.ValidCatalogName(to.Catalog) || to.Sequence < 1 || !to.Manifest.Valid():
		return false, fmt.Errorf("pointer names no release: %w", catalog.ErrInvalid)
	case current == to:
		return true, nil
	case current.Catalog != "" && current.Catalog != to.Catalog:
		return false, fmt.Errorf("the store holds catalog %q, not %q: %w", current.Catalog, to.Catalog, catalog.ErrForeign)
	case current != from:
		return false, fmt.Errorf("the store holds release %d, not %d: %w", current.Sequence, from.Sequence, catalog.ErrConflict)
	case to.Sequence <= current.Sequence:
		return false, fmt.Errorf("release %d after release %d: %w", to.Sequence, current.Sequence, catalog.ErrOlder)
	}
	return false, nil
}

// checkComplete proves that w holds everything p names, so that the pointer
// never comes to stand on a release with a hole in it.
func checkComplete(ctx context.Context, w Writer, p catalog.Pointer) (*catalog.Manifest, error) {
	m, _, err := readManifest(ctx, w, p)
	if err != nil {
		return nil, err
	}
	missing, err := w.Missing(ctx, objectHashes(m))
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("release %d lacks %d objects, the first is %.12s; try again: %w",
			p.Sequence, len(missing), missing[0], catalog.ErrNotFound)
	}
	return m, nil
}

// readManifest returns the manifest p names, verified, and its bytes.
func readManifest(ctx context.Context, s Store, p catalog.Pointer) (*catalog.Manifest, []byte, error) {
	b, err := s.Manifest(ctx, p.Manifest)
	if err != nil {
		return nil, nil, err
	}
	m, err := parseManifest(b, p)
	return m, b, err
}

// parseManifest verifies b against p: pointer and manifest must tell the same.
func parseManifest(b []byte, p catalog.Pointer) (*catalog.Manifest, error) {
	m, err := catalog.ParseManifest(b, p.Manifest)
	if err != nil {
		return nil, err
	}
	if m.Catalog != p.Catalog || m.Sequence != p.Sequence {
		return nil, fmt.Errorf("pointer says release %d of %q, its manifest %d of %q: %w",
			p.Sequence, p.Catalog, m.Sequence, m.Catalog, catalog.ErrDamaged)
	}
	return m, nil
}

func objectHashes(m *catalog.Manifest) []catalog.Hash {
	hashes := make([]catalog.Hash, len(m.Objects))
	for i, ref := range m.Objects {
		hashes[i] = ref.Hash
	}
	return hashes
}

// checkPut proves that b may be stored under hash.
func checkPut(hash catalog.Hash, b []byte, limit int) error {
	if len(b) > limit {
		return fmt.Errorf("%.12s has %d bytes, at most %d are read: %w", hash, len(b), limit, catalog.ErrInvalid)
	}
	if got := catalog.HashOf(b); got != hash {
		return fmt.Errorf("bytes stored as %.12s have hash %.12s: %w", hash, got, catalog.ErrDamaged)
	}
	return nil
}

// checkPutManifest is checkPut for a manifest and its signature.
func checkPutManifest(hash catalog.Hash, manifest, signature []byte) error {
	if len(signature) > catalog.MaxSignatureBytes {
		return fmt.Errorf("signature of %d bytes: %w", len(signature), catalog.ErrInvalid)
	}
	return checkPut(hash, manifest, catalog.MaxManifestBytes)
}

// checkSweep refuses a sweep that would remove the current release, or that was
// prepared for another one.
func checkSweep(now, current catalog.Pointer, keep Kept) error {
	if now != current {
		return fmt.Errorf("sweep prepared for release %d, the store holds %d: %w", current.Sequence, now.Sequence, catalog.ErrConflict)
	}
	if current.Manifest != "" && !keep.Manifests[current.Manifest] {
		return fmt.Errorf("sweep would remove the current release: %w", catalog.ErrInvalid)
	}
	return nil
}
