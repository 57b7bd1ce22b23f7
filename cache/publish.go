package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
)

// workers is how many objects are on their way to a store at once: enough to
// hide its latency, few enough to leave it to its readers.
const workers = 4

// Progress is told how many of how many bytes are stored. It is called from one
// goroutine at a time and may be nil.
type Progress func(done, total int64)

// Publish stores p with its minisign signature (nil for none) and makes it the
// current release. Everything is read back and verified before the pointer
// moves. When it was interrupted, calling it again finishes the work.
//
// The error wraps catalog.ErrConflict when another release was published since p
// was begun, and catalog.ErrNotFound when the store has lost an object of the
// release before.
func Publish(ctx context.Context, w Writer, p *catalog.Publication, signature []byte, progress Progress) error {
	m := p.Release.Manifest
	var from catalog.Pointer
	if m.Previous != "" {
		from = catalog.Pointer{Catalog: m.Catalog, Sequence: m.Sequence - 1, Manifest: m.Previous}
	}
	if err := w.Prepare(ctx); err != nil {
		return fmt.Errorf("publish release %d: %w", m.Sequence, err)
	}
	const attempts = 3
	for i := 1; ; i++ {
		err := publishOnce(ctx, w, p, signature, progress, from)
		if err == nil {
			return nil
		}
		// A sweep may have taken what was put and not yet named.
		if i == attempts || !errors.Is(err, catalog.ErrNotFound) {
			return fmt.Errorf("publish release %d: %w", m.Sequence, err)
		}
	}
}

func publishOnce(ctx context.Context, w Writer, p *catalog.Publication, signature []byte, progress Progress, from catalog.Pointer) error {
	current, err := currentOrNone(ctx, w)
	if err != nil {
		return err
	}
	// Flip decides for good; to ask first spares an upload in vain.
	if _, err := checkMove(current, from, p.Release.Pointer()); err != nil {
		return err
	}
	if err := put(ctx, w, p, signature, progress); err != nil {
		return err
	}
	return w.Flip(ctx, from, p.Release.Pointer())
}

// put stores what w lacks of p.
func put(ctx context.Context, w Writer, p *catalog.Publication, signature []byte, progress Progress) error {
	m := p.Release.Manifest
	missing, err := w.Missing(ctx, objectHashes(m))
	if err != nil {
		return err
	}
	fresh := make(map[catalog.Hash][]byte, len(p.Objects))
	for _, o := range p.Objects {
		fresh[o.Ref.Hash] = o.Bytes
	}
	lacking := refsOf(m, missing)
	for _, ref := range lacking {
		if fresh[ref.Hash] == nil {
			return fmt.Errorf("%s has lost object %.12s of the release before; restore it with luoshu sync: %w",
				w, ref.Hash, catalog.ErrNotFound)
		}
	}
	err = putObjects(ctx, w, lacking, newMeter(lacking, progress), func(_ context.Context, ref catalog.ObjectRef) ([]byte, error) {
		return fresh[ref.Hash], nil
	})
	if err != nil {
		return err
	}
	_, err = putManifest(ctx, w, p.Release.Hash, p.Manifest, signature)
	return err
}

// refsOf returns the references of m to the objects named in hashes.
func refsOf(m *catalog.Manifest, hashes []catalog.Hash) []catalog.ObjectRef {
	wanted := make(map[catalog.Hash]bool, len(hashes))
	for _, h := range hashes {
		wanted[h] = true
	}
	refs := make([]catalog.ObjectRef, 0, len(hashes))
	for _, ref := range m.Objects {
		if wanted[ref.Hash] {
			refs = append(refs, ref)
		}
	}
	return refs
}

// putObjects fetches, verifies and stores the objects of refs, and reads each
// back: a store that answers OK and keeps something else is found out before any
// reader is.
func putObjects(ctx context.Context, w Writer, refs []catalog.ObjectRef, meter *meter, fetch catalog.FetchObject) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, ref := range refs {
		group.Go(func() error {
			b, err := fetch(ctx, ref)
			if err != nil {
				return err
			}
			if err := catalog.CheckObject(b, ref); err != nil {
				return err
			}
			if err := w.PutObject(ctx, ref.Hash, b); err != nil {
				return err
			}
			back, err := w.Object(ctx, ref.Hash)
			if err != nil {
				return fmt.Errorf("read back: %w", err)
			}
			if err := catalog.CheckObject(back, ref); err != nil {
				return fmt.Errorf("read back: %w", err)
			}
			meter.add(ref.Bytes)
			return nil
		})
	}
	return group.Wait()
}

// putManifest stores a manifest with its signature and reads both back, unless w
// holds them already; it reports whether it had to write.
func putManifest(ctx context.Context, w Writer, hash catalog.Hash, manifest, signature []byte) (bool, error) {
	same, err := holdsManifest(ctx, w, hash, manifest, signature)
	if same || err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return false, err
	}
	if err := w.PutManifest(ctx, hash, manifest, signature); err != nil {
		return false, err
	}
	same, err = holdsManifest(ctx, w, hash, manifest, signature)
	if err != nil {
		return true, fmt.Errorf("read back: %w", err)
	}
	if !same {
		return true, fmt.Errorf("%s gives another manifest %.12s than it was given: %w", w, hash, catalog.ErrDamaged)
	}
	return true, nil
}

// holdsManifest reports whether s holds these very bytes, or nothing, which is
// catalog.ErrNotFound.
func holdsManifest(ctx context.Context, s Store, hash catalog.Hash, manifest, signature []byte) (bool, error) {
	b, err := s.Manifest(ctx, hash)
	if err != nil || signature == nil || !bytes.Equal(b, manifest) {
		return bytes.Equal(b, manifest), err
	}
	b, err = s.Signature(ctx, hash)
	return bytes.Equal(b, signature), err
}

// meter adds up what is stored, for a Progress.
type meter struct {
	mu          sync.Mutex
	done, total int64
	progress    Progress
}

func newMeter(refs []catalog.ObjectRef, progress Progress) *meter {
	m := &meter{progress: progress}
	for _, ref := range refs {
		m.total += ref.Bytes
	}
	m.add(0)
	return m
}

func (m *meter) add(n int64) {
	if m.progress == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	m.progress(m.done, m.total)
}
