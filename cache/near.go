package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// Options of a near cache.
type Options struct {
	// Source is the store to follow. The near cache does not close it.
	Source Store
	// Local keeps the last good releases on disk, so that a cold start needs no
	// source. Without it (nil), older releases are read from Source on demand.
	Local *Directory
	// Poll is the mean time between two looks at the source's pointer. Zero means
	// 1 s for a directory or bundle, which costs one small read, and 15 s for
	// everything on a network, where a notice usually comes first. Negative means
	// never: the source does not change.
	Poll time.Duration
	// Logger is told of every release and of every change for the worse or
	// better. Nil means silence.
	Logger *slog.Logger
	// OnSwap is called after each change of Current, by the goroutine that loads:
	// the next release is not looked for until it returns.
	OnSwap func(*snapshot.Snapshot)
}

const (
	localPoll  = time.Second
	remotePoll = 15 * time.Second
	// slowestPoll is as far apart as polls of a source that does not answer get.
	slowestPoll = 15 * time.Second
	// A release that could not be loaded is tried again after a random time below
	// a ceiling that doubles from the first of these to the second.
	firstRetry, lastRetry = time.Second, 5 * time.Minute
	// noticeSpacing keeps a flood of notices from becoming a flood of loads.
	noticeSpacing = time.Second
	// startPatience is how long Start waits for the source when the disk already
	// gave a release. Run goes on where it stopped.
	startPatience = 2 * time.Second
	// demandPatience bounds the loading of an older release for a reader.
	demandPatience = 30 * time.Second
	// olderInMemory is how many releases beside the current one and the one before
	// stay loaded.
	olderInMemory = 2
)

// Near follows a store and holds its current release in memory, laid out for
// reading. Readers never wait for the source: they take what Current gives.
//
// Whatever the source does, Current goes from one whole, verified release to a
// later one of the same catalog, or stays. It is safe for use by several
// goroutines; Start and Run are called once each.
type Near struct {
	source Store
	local  *Directory
	poll   time.Duration
	log    *slog.Logger
	onSwap func(*snapshot.Snapshot)

	current atomic.Pointer[edition]

	// round is held while the source is looked at and a release loaded.
	round sync.Mutex
	// highest is the latest release ever held here, this one or a lost one; it
	// and failure belong to the holder of round.
	highest catalog.Pointer
	failure failure

	// demand lets one older release be loaded at a time: each costs as much
	// memory as the current one.
	demand sync.Mutex

	mu       sync.Mutex // guards the rest, for an instant only
	previous *edition
	older    []*edition // the last used first
	held     []Held     // the latest first
	status   Status
}

// edition is a loaded release with the bytes a mirror asks for.
type edition struct {
	*snapshot.Snapshot
	manifest, signature []byte
	loadedAt            time.Time
}

func (e *edition) sequence() int64          { return e.Manifest().Sequence }
func (e *edition) pointer() catalog.Pointer { return e.Release().Pointer() }

// failure remembers the release that could not be loaded or kept.
type failure struct {
	pointer  catalog.Pointer
	err      error
	tries    int
	last     time.Time
	earliest time.Time
}

// NewNear returns a near cache that has not looked at anything yet.
func NewNear(opt Options) *Near {
	n := &Near{source: opt.Source, local: opt.Local, poll: opt.Poll, log: opt.Logger, onSwap: opt.OnSwap}
	if n.poll == 0 {
		switch opt.Source.(type) {
		case *Directory:
			n.poll = localPoll
		default:
			n.poll = remotePoll
		}
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.status = Status{Source: n.source.String()}
	return n
}

// NewFixed returns a near cache that serves p and nothing else, without source or
// disk. name says what it is, such as "embedded demo".
func NewFixed(ctx context.Context, p *catalog.Publication, name string) (*Near, error) {
	m := NewMemory(name)
	if err := Publish(ctx, m, p, nil, nil); err != nil {
		return nil, err
	}
	n := NewNear(Options{Source: m, Poll: -1})
	return n, n.Start(ctx)
}

// Start loads the last good release from disk, if there is one, and looks at the
// source once. The error says why there is no release to serve yet; it is no
// reason to stop, because Run goes on trying.
func (n *Near) Start(ctx context.Context) error {
	if n.local != nil {
		n.restore(ctx)
	}
	if n.current.Load() != nil {
		patient, cancel := context.WithTimeout(ctx, startPatience)
		defer cancel()
		ctx = patient
	}
	if err := n.look(ctx, false); err != nil && n.current.Load() == nil {
		return err
	}
	return nil
}

// Run follows the source until ctx ends.
func (n *Near) Run(ctx context.Context) {
	if n.poll < 0 {
		<-ctx.Done()
		return
	}
	var notices <-chan struct{}
	if s, ok := n.source.(Notifier); ok {
		notices = s.Notices(ctx)
	}
	silent := 0 // how many polls in a row were not answered
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		noticed := false
		select {
		case <-ctx.Done():
			return
		case _, open := <-notices:
			if !open {
				notices = nil
				continue
			}
			noticed = true
		case <-timer.C:
		}
		if err := n.look(ctx, noticed); errors.Is(err, catalog.ErrUnavailable) {
			silent++
		} else {
			silent = 0
		}
		timer.Reset(jitter(n.poll, silent))
	}
}

// jitter spreads polls by a quarter either way, so that the terminals of a
// market do not ask in step, and slows them down while nobody answers.
func jitter(poll time.Duration, silent int) time.Duration {
	poll = min(poll<<min(silent, 8), max(poll, slowestPoll))
	return time.Duration(float64(poll) * (0.75 + rand.Float64()/2)) //nolint:gosec // spreading load needs no secret
}

// look asks the source for its pointer once and follows it.
func (n *Near) look(ctx context.Context, noticed bool) error {
	n.round.Lock()
	defer n.round.Unlock()
	p, err := n.source.Current(ctx)
	n.answered(ctx, err)
	if err == nil {
		err = n.follow(ctx, p, noticed)
	}
	n.concluded(ctx, err)
	return err
}

// follow makes p the current release, unless it is already or must not be.
func (n *Near) follow(ctx context.Context, p catalog.Pointer, noticed bool) error {
	switch h := n.highest; {
	case h.Catalog == "":
	case p.Catalog != h.Catalog:
		return fmt.Errorf("%s: release of catalog %q, this node follows %q: %w", n.source, p.Catalog, h.Catalog, catalog.ErrForeign)
	case p.Sequence < h.Sequence, p.Sequence == h.Sequence && p.Manifest != h.Manifest:
		return fmt.Errorf("%s: release %d (%.12s), this node has held release %d (%.12s): %w",
			n.source, p.Sequence, p.Manifest, h.Sequence, h.Manifest, catalog.ErrOlder)
	}
	cur := n.current.Load()
	if cur != nil && cur.Hash() == p.Manifest && n.kept() {
		return nil
	}
	if n.failure.pointer == p && !n.failure.due(noticed) {
		return n.failure.err
	}
	err := n.bring(ctx, p)
	if err != nil {
		n.failure.note(p, err)
	} else {
		n.failure = failure{}
	}
	return err
}

// bring loads p if it is not loaded, keeps it on disk and swaps to it. A release
// that could not be kept is served all the same.
func (n *Near) bring(ctx context.Context, p catalog.Pointer) error {
	e := n.current.Load()
	if e == nil || e.Hash() != p.Manifest {
		loaded, err := n.load(ctx, p, n.fetch)
		if err != nil {
			return err
		}
		e = loaded
	}
	unkept := n.keep(ctx, e)
	n.stored(unkept)
	n.highest = p
	if e != n.current.Load() {
		n.swap(ctx, e)
	}
	if n.local != nil && unkept == nil {
		n.sweep(ctx, p)
	}
	return unkept
}

// load reads the release p names, whole or not at all, off to the side.
func (n *Near) load(ctx context.Context, p catalog.Pointer, fetch catalog.FetchObject) (*edition, error) {
	e := &edition{}
	var err error
	if e.manifest, e.signature, err = n.description(ctx, p); err != nil {
		return nil, err
	}
	m, err := parseManifest(e.manifest, p)
	if err != nil {
		return nil, err
	}
	r, err := catalog.LoadRelease(ctx, m, p.Manifest, fetch)
	if err != nil {
		return nil, err
	}
	e.Snapshot, e.loadedAt = snapshot.New(r), time.Now()
	return e, nil
}
