package cache

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
)

// Copied says what Copy did.
type Copied struct {
	// Current is the release that both stores hold now.
	Current catalog.Pointer
	// Moved is false when the store held that release before.
	Moved bool
	// Releases counts the manifests that were written, Objects and Bytes the
	// objects. All are zero when the store lacked nothing.
	Releases, Objects int
	Bytes             int64
}

// Copy brings the last keep releases (Keep if that is not positive) of from into
// to, unchanged and with their sequence numbers, the oldest first, and makes the
// newest current. Objects that to has are read and left alone; those it has lost,
// or has damaged, are restored, also when both hold the same release. Everything is verified on the
// way.
//
// What the newest release has recalled is removed from to.
//
// The error wraps catalog.ErrOlder when to holds a later release or another one
// of the same number, and catalog.ErrForeign when it holds another catalog.
func Copy(ctx context.Context, from Store, to Writer, keep int, progress Progress) (Copied, error) {
	held, err := History(ctx, from, keep)
	if err != nil {
		return Copied{}, fmt.Errorf("copy: %w", err)
	}
	newest := held[0].Pointer()
	if err := to.Prepare(ctx); err != nil {
		return Copied{}, fmt.Errorf("copy: %w", err)
	}
	current, err := currentOrNone(ctx, to)
	if err != nil {
		return Copied{}, fmt.Errorf("copy: %w", err)
	}
	if _, err := checkMove(current, current, newest); err != nil {
		return Copied{}, fmt.Errorf("copy: %w", err)
	}
	if current.Manifest != "" {
		// One that is damaged is about to be mended.
		if m, _, err := readManifest(ctx, to, current); err == nil {
			if err := held[0].Manifest.Succeeds(m); err != nil {
				return Copied{}, fmt.Errorf("copy: %w", err)
			}
		}
	}
	done, err := copyReleases(ctx, from, to, held, progress)
	done.Current, done.Moved = newest, current != newest
	if err != nil {
		return done, fmt.Errorf("copy: %w", err)
	}
	if done.Moved || done.Releases > 0 || done.Objects > 0 {
		if err := to.Flip(ctx, current, newest); err != nil {
			return done, fmt.Errorf("copy: %w", err)
		}
	}
	if held[0].Manifest.Floor > 0 {
		if _, err := Collect(ctx, to, everyRelease); err != nil {
			return done, err
		}
	}
	return done, nil
}

// everyRelease asks History for all that is kept.
const everyRelease = 1 << 20

func copyReleases(ctx context.Context, from Store, to Writer, held []Held, progress Progress) (Copied, error) {
	// Asked once for all, because consecutive releases share most objects.
	var refs []catalog.ObjectRef
	seen := map[catalog.Hash]bool{}
	for _, h := range held {
		for _, ref := range h.Manifest.Objects {
			if !seen[ref.Hash] {
				seen[ref.Hash] = true
				refs = append(refs, ref)
			}
		}
	}
	lacking, err := unsound(ctx, to, refs)
	if err != nil {
		return Copied{}, err
	}
	meter := newMeter(lacking, progress)
	err = putObjects(ctx, to, lacking, meter, func(ctx context.Context, ref catalog.ObjectRef) ([]byte, error) {
		return from.Object(ctx, ref.Hash)
	})
	if err != nil {
		return Copied{}, err
	}
	done := Copied{Objects: len(lacking), Bytes: meter.total}
	for i := len(held) - 1; i >= 0; i-- {
		written, err := copyManifest(ctx, from, to, held[i].Hash)
		if err != nil {
			return done, err
		}
		if written {
			done.Releases++
		}
	}
	return done, nil
}

// unsound returns those of refs that s has not, or not as they should be. Every
// object is read: a copy is how a damaged store is mended, so that something is
// there proves nothing.
func unsound(ctx context.Context, s Store, refs []catalog.ObjectRef) ([]catalog.ObjectRef, error) {
	bad := make([]bool, len(refs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, ref := range refs {
		group.Go(func() error {
			b, err := s.Object(ctx, ref.Hash)
			if err == nil {
				err = catalog.CheckObject(b, ref)
			}
			bad[i] = errors.Is(err, catalog.ErrNotFound) || errors.Is(err, catalog.ErrDamaged)
			if bad[i] {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var found []catalog.ObjectRef
	for i, ref := range refs {
		if bad[i] {
			found = append(found, ref)
		}
	}
	return found, nil
}

// copyManifest reports whether it had to write.
func copyManifest(ctx context.Context, from Store, to Writer, hash catalog.Hash) (bool, error) {
	manifest, err := from.Manifest(ctx, hash)
	if err != nil {
		return false, err
	}
	signature, err := signatureOrNone(ctx, from, hash)
	if err != nil {
		return false, err
	}
	return putManifest(ctx, to, hash, manifest, signature)
}

// signatureOrNone returns nil for a manifest published without a signature.
func signatureOrNone(ctx context.Context, s Store, hash catalog.Hash) ([]byte, error) {
	b, err := s.Signature(ctx, hash)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	return b, err
}
