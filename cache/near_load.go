package cache

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"luoshu/catalog"
)

// restore serves the last good release that is on disk: the one the pointer
// names, or the latest that is still whole when the disk has lost a part of it, and
// may be shown.
func (n *Near) restore(ctx context.Context) {
	n.round.Lock()
	defer n.round.Unlock()
	var candidates []catalog.Pointer
	p, err := n.local.Current(ctx)
	switch {
	case err == nil:
		candidates = append(candidates, p)
	case errors.Is(err, catalog.ErrDamaged):
		n.log.WarnContext(ctx, "pointer on disk is damaged", slog.Any("error", err))
		if err := n.local.forget(ctx, p); err != nil {
			n.log.WarnContext(ctx, "pointer on disk cannot be removed", slog.Any("error", err))
		}
	}
	// An error here means that there is nothing to choose from.
	held, _ := n.local.releases(ctx)
	for _, h := range held {
		if c := h.Pointer(); c != p {
			candidates = append(candidates, c)
		}
	}
	n.trial = n.readTrial()
	n.restoring = true
	defer func() { n.restoring = false }()
	for _, c := range candidates {
		if n.highest.Catalog != "" && c.Catalog != n.highest.Catalog {
			continue
		}
		undo := n.onTrial(c)
		if n.trial.bars(c.Manifest) && len(candidates) > 1 {
			n.log.ErrorContext(ctx, "release on disk brought this node down again and again: an earlier one is shown", slog.Int64("release", c.Sequence))
			n.highest = later(n.highest, c)
			continue
		}
		e, err := n.load(ctx, c, []Store{n.local}, []Store{n.local})
		// What nobody trusted has signed counts for nothing; what is damaged still says
		// how far this node had come.
		if !errors.Is(err, catalog.ErrUntrusted) {
			n.highest = later(n.highest, c)
		} else if c == p {
			if err := n.local.forget(ctx, p); err != nil {
				n.log.WarnContext(ctx, "pointer on disk cannot be removed", slog.Any("error", err))
			}
		}
		if err != nil {
			undo()
			n.log.WarnContext(ctx, "release on disk is not shown", slog.Int64("release", c.Sequence), slog.Any("error", err))
			continue
		}
		n.kept = c == p
		n.swap(ctx, e)
		return
	}
}

func later(a, b catalog.Pointer) catalog.Pointer {
	if b.Sequence > a.Sequence {
		return b
	}
	return a
}

// bring loads p from f if it is not loaded, keeps it on disk and swaps to it. A release
// that cannot be kept is served all the same; the error then says why.
func (n *Near) bring(ctx context.Context, f *feed, p catalog.Pointer) error {
	var unkept error
	if n.local != nil {
		unkept = n.local.Prepare(ctx)
	}
	e := n.current.Load()
	if e == nil || e.Hash() != p.Manifest {
		undo := n.onTrial(p)
		if n.trial.bars(p.Manifest) {
			return barred(f, p)
		}
		var err error
		if e, err = n.load(ctx, p, n.told(f), n.places(f)); err != nil {
			undo()
			return err
		}
	}
	if n.local != nil && unkept == nil {
		unkept = n.keep(ctx, f, e)
	}
	n.kept = unkept == nil
	n.highest = p
	n.swap(ctx, e)
	if n.local != nil && n.kept {
		// What a recall has taken back must be gone, so that is tried again.
		if err := n.sweep(ctx, p); err != nil && e.Manifest().Floor > 0 {
			n.kept, unkept = false, err
		}
	}
	return unkept
}

// told returns where the manifest of what f offers is read from: nobody else speaks for it.
func (n *Near) told(f *feed) []Store {
	if n.local == nil {
		return []Store{f.Store}
	}
	return []Store{n.local, f.Store}
}

// places returns where releases are read from, the nearest first: the disk, f unless
// it is nil, and what else is followed.
func (n *Near) places(f *feed) []Store {
	var places []Store
	if n.local != nil {
		places = append(places, n.local)
	}
	if f != nil && f.Store != Store(n.local) {
		places = append(places, f.Store)
	}
	for _, other := range n.feeds {
		if other != f && other.Store != Store(n.local) {
			places = append(places, other.Store)
		}
	}
	return places
}

// load reads the release p names, off to the side: its manifest from one of told, its
// objects from any of places; the whole of it, verified, or an error.
func (n *Near) load(ctx context.Context, p catalog.Pointer, told, places []Store) (*edition, error) {
	e := new(edition)
	var m *catalog.Manifest
	err := first(told, func(s Store) (err error) {
		if m, e.manifest, err = readManifest(ctx, s, p); err != nil {
			return err
		}
		if e.signature, err = signatureOrNone(ctx, s, p.Manifest); err != nil {
			return err
		}
		return n.admit(m, e.manifest, e.signature)
	})
	if err != nil {
		return nil, err
	}
	if e.Snapshot = n.mapped(ctx, m, p.Manifest); e.Snapshot != nil {
		e.loadedAt, e.unread = time.Now(), true
		return e, nil
	}
	defer frugal()()
	r, err := catalog.LoadRelease(ctx, m, p.Manifest, func(ctx context.Context, ref catalog.ObjectRef) (b []byte, err error) {
		err = first(places, func(s Store) error {
			if b, err = s.Object(ctx, ref.Hash); err != nil {
				return err
			}
			if err := catalog.CheckObject(b, ref); err != nil {
				return err
			}
			if n.local != nil && s != Store(n.local) {
				// Kept at once, even when another object has just failed, so that an
				// interrupted download goes on where it stopped. Where that fails,
				// keep tries again and says why.
				_ = n.local.PutObject(context.WithoutCancel(ctx), ref.Hash, b)
			}
			return nil
		})
		return b, err
	})
	if err != nil {
		return nil, err
	}
	// All is here: whoever waited no longer may have given up, the work is done.
	e.Snapshot, err = n.layOut(context.WithoutCancel(ctx), r)
	e.loadedAt = time.Now()
	return e, err
}

// first tries places in turn until one succeeds, and returns the last error.
func first(places []Store, try func(Store) error) (err error) {
	for _, s := range places {
		if err = try(s); err == nil {
			return nil
		}
	}
	return err
}

// keep makes e the current release on disk.
func (n *Near) keep(ctx context.Context, f *feed, e *edition) error {
	missing, err := n.local.Missing(ctx, objectHashes(e.Manifest()))
	if err != nil {
		return err
	}
	if e.unread {
		missing = n.unsound(ctx, e.Manifest())
	}
	err = putObjects(ctx, n.local, refsOf(e.Manifest(), missing), newMeter(nil, nil), func(ctx context.Context, ref catalog.ObjectRef) (b []byte, err error) {
		err = first(n.places(f)[1:], func(s Store) error {
			b, err = s.Object(ctx, ref.Hash)
			return err
		})
		return b, err
	})
	if err != nil {
		return err
	}
	if _, err := putManifest(ctx, n.local, e.Hash(), e.manifest, e.signature); err != nil {
		return err
	}
	e.unread = false
	from, err := currentOrNone(ctx, n.local)
	if err != nil {
		return err
	}
	return n.local.Flip(ctx, from, e.pointer())
}

// unsound returns the objects of m that are not on disk as they should be.
func (n *Near) unsound(ctx context.Context, m *catalog.Manifest) []catalog.Hash {
	var hashes []catalog.Hash
	for _, ref := range m.Objects {
		if b, err := n.local.Object(ctx, ref.Hash); err != nil || catalog.CheckObject(b, ref) != nil {
			hashes = append(hashes, ref.Hash)
		}
	}
	return hashes
}

// swap makes e current and tells what is held beside it. The one before stays in
// memory, for readers that began with it.
func (n *Near) swap(ctx context.Context, e *edition) {
	before := n.current.Load()
	changed := before != e
	if top := n.top.Load(); top == nil || top.Sequence < e.sequence() {
		n.top.Store(e.Manifest())
	}
	if before != nil && before.sequence() < e.Manifest().Floor {
		before = nil
	}
	shelf := n.stock(ctx, e, before)

	n.mu.Lock()
	n.shelf = shelf
	if changed {
		n.previous = before
	}
	n.older = slices.DeleteFunc(n.older, func(o *edition) bool { return !shelf.kept.Manifests[o.Hash()] || o.Hash() == e.Hash() })
	n.current.Store(e)
	n.describe(e)
	n.mu.Unlock()

	if !changed {
		return
	}
	if !e.unread { // it was not mapped: what laying it out took is the machine's again, at once
		debug.FreeOSMemory()
	}
	n.log.InfoContext(ctx, "release loaded", slog.Int64("release", e.sequence()), slog.String("manifest", string(e.Hash())),
		slog.Int("records", e.Len()))
	if n.onSwap != nil {
		n.onSwap(e.Snapshot)
	}
}

// shelf is what is held: an unchanging list with two indexes.
type shelf struct {
	held      []Held // the latest first
	manifests []*catalog.Manifest
	kept      Kept
}

// stock lists what is held when e is current. What cannot be listed for the
// moment is left out; e and the one before are in memory in any case.
func (n *Near) stock(ctx context.Context, e, before *edition) shelf {
	var held []Held
	if n.local != nil {
		held, _ = n.local.releases(ctx)
	} else {
		held, _ = History(ctx, n.feeds[0], Keep)
	}
	held = append(held, Held{e.Hash(), e.Manifest()})
	if before != nil {
		held = append(held, Held{before.Hash(), before.Manifest()})
	}
	m := e.Manifest()
	// A disk that lost a part of the latest release still has its manifest.
	held = slices.DeleteFunc(held, func(h Held) bool {
		return h.Manifest.Catalog != m.Catalog || h.Manifest.Sequence > m.Sequence || h.Manifest.Sequence < m.Floor ||
			h.Manifest.Sequence == m.Sequence && h.Hash != e.Hash()
	})
	slices.SortStableFunc(held, func(a, b Held) int { return cmp.Compare(b.Manifest.Sequence, a.Manifest.Sequence) })
	held = slices.CompactFunc(held, func(a, b Held) bool { return a.Manifest.Sequence == b.Manifest.Sequence })
	held = held[:min(len(held), Keep)]
	s := shelf{held: held, kept: kept(held)}
	for _, h := range held {
		s.manifests = append(s.manifests, h.Manifest)
	}
	return s
}

// sweep removes from disk what no held release names.
func (n *Near) sweep(ctx context.Context, p catalog.Pointer) error {
	n.mu.Lock()
	keep := n.shelf.kept
	n.mu.Unlock()
	_, err := n.local.Sweep(ctx, p, keep)
	if err != nil {
		n.log.WarnContext(ctx, "disk not swept", slog.String("store", n.local.String()), slog.Any("error", err))
	}
	if segments := n.sweepSegments(keep.Manifests); segments != nil {
		n.log.WarnContext(ctx, "segments not swept", slog.String("store", n.local.String()), slog.Any("error", segments))
		err = errors.Join(err, segments)
	}
	return err
}
