package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// Options of a near cache.
type Options struct {
	// Source is the store to follow, and required. The near cache does not close it.
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
	// demandPatience is how long a reader waits for its turn to have an older
	// release loaded, loadPatience how long the loading may take.
	demandPatience, loadPatience = 2 * time.Second, 30 * time.Second
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

	// round is held while the source is looked at and a release loaded. The five
	// after it belong to its holder.
	round   sync.Mutex
	highest catalog.Pointer // the latest release ever held here, served or not
	failure failure
	silent  int  // how many looks in a row were not answered
	kept    bool // whether the current release is on disk, if there is one
	started bool // whether a release is served, and the disk may be read at leisure

	// demand lets one older release be loaded at a time: each costs as much
	// memory as the current one.
	demand chan struct{}

	reading requests
	// diskless is set when the disk did not give a segment back.
	diskless atomic.Bool

	mu       sync.Mutex // guards the rest, for an instant only
	previous *edition
	older    []*edition // the last used first
	shelf    shelf
	status   Status
}

// edition is a loaded release with the bytes a mirror asks for.
type edition struct {
	*snapshot.Snapshot
	manifest, signature []byte
	loadedAt            time.Time
	// unread is set while nobody has looked at the objects on disk that a segment
	// was made of: its records are whole, they need not be.
	unread bool
}

func (e *edition) sequence() int64          { return e.Manifest().Sequence }
func (e *edition) pointer() catalog.Pointer { return e.Pointer() }

// failure remembers the release that could not be loaded or kept.
type failure struct {
	pointer        catalog.Pointer
	err            error
	tries          int
	last, earliest time.Time
}

func (f *failure) note(p catalog.Pointer, err error) {
	if f.pointer != p {
		*f = failure{pointer: p}
	}
	ceiling := min(firstRetry<<min(f.tries, 16), lastRetry)
	f.tries++
	f.err, f.last = err, time.Now()
	f.earliest = f.last.Add(rand.N(ceiling)) //nolint:gosec // spreading load needs no secret
}

func (f *failure) due(noticed bool) bool {
	return !time.Now().Before(f.earliest) || noticed && time.Since(f.last) >= noticeSpacing
}

// NewNear returns a near cache that has not looked at anything yet.
func NewNear(opt Options) *Near {
	n := &Near{
		source: opt.Source, local: opt.Local, poll: opt.Poll, log: opt.Logger, onSwap: opt.OnSwap,
		demand: make(chan struct{}, 1), status: Status{Source: opt.Source.String()},
	}
	if n.poll == 0 {
		n.poll = remotePoll
		switch opt.Source.(type) {
		case *Directory, *Bundle:
			n.poll = localPoll
		}
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
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
	err := n.look(ctx, false)
	n.round.Lock()
	n.started = true
	n.round.Unlock()
	if n.current.Load() == nil {
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
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		noticed := false
		select {
		case <-ctx.Done():
			return
		case _, noticed = <-notices:
			if !noticed {
				notices = nil
				continue
			}
		case <-timer.C:
		}
		// What went wrong stands in the status and the log.
		_ = n.look(ctx, noticed)
		timer.Reset(n.pause())
	}
}

// pause returns the time until the next poll. A quarter either way keeps the
// terminals of a market from asking in step.
func (n *Near) pause() time.Duration {
	n.round.Lock()
	defer n.round.Unlock()
	poll := min(n.poll<<min(n.silent, 8), max(n.poll, slowestPoll))
	return time.Duration(float64(poll) * (0.75 + rand.Float64()/2)) //nolint:gosec // spreading load needs no secret
}

// look asks the source for its pointer once and follows it.
func (n *Near) look(ctx context.Context, noticed bool) error {
	n.round.Lock()
	defer n.round.Unlock()
	p, err := n.source.Current(ctx)
	answered := !errors.Is(err, catalog.ErrUnavailable)
	if err == nil {
		err = n.follow(ctx, p, noticed)
	}
	if err != nil && ctx.Err() != nil {
		return err // we gave up, which says nothing of the source
	}
	n.silent++
	if answered {
		n.silent = 0
	}
	n.concluded(ctx, answered, err)
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
	if cur := n.current.Load(); cur != nil && cur.Hash() == p.Manifest && n.kept && !(cur.unread && n.started) {
		return nil
	}
	// Polling is cheap and goes on; loading is not, and waits longer each time.
	if n.failure.pointer == p && !n.failure.due(noticed) {
		return n.failure.err
	}
	err := n.bring(ctx, p)
	switch {
	case err == nil:
		n.failure = failure{}
	case ctx.Err() == nil:
		n.failure.note(p, err)
	}
	return err
}
