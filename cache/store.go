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

	"luoshu/catalog"
)

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
type Writer interface {
	Store
	// Prepare proves that the place can keep a release, and says what must be
	// changed when it cannot (an eviction policy, a read-only disk). Writing
	// begins with it.
	Prepare(ctx context.Context) error
	// Missing returns those of hashes that the store has no object for.
	Missing(ctx context.Context, hashes []catalog.Hash) ([]catalog.Hash, error)
	// PutObject stores an object durably. Storing it again changes nothing.
	PutObject(ctx context.Context, hash catalog.Hash, b []byte) error
	// PutManifest stores a manifest and, unless nil, its signature durably.
	PutManifest(ctx context.Context, hash catalog.Hash, manifest, signature []byte) error
	// Flip moves the pointer from one release to the next, and tells whoever
	// listens. The error wraps catalog.ErrConflict when from is no longer
	// current, and catalog.ErrOlder when to does not follow it. from is zero for
	// the first release.
	Flip(ctx context.Context, from, to catalog.Pointer) error
	// Sweep removes every manifest and object outside keep, provided that current
	// is still current. It never removes anything a release under way names.
	Sweep(ctx context.Context, current catalog.Pointer, keep Kept) (Swept, error)
}

// Notifier is a store that can tell when its pointer has moved. The notice is a
// hint: it may be lost, and a follower polls all the same.
type Notifier interface {
	// Notices sends on the channel after each move, until ctx ends, and closes it.
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
