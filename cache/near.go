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
	"luoshu/catalog/trust"
)

// Options of a near cache.
type Options struct {
	// Source is the store to follow, and required. The near cache does not close it.
	Source Store
	// Also are stores to follow when what comes before does not answer, is behind, or
	// holds what must not be shown.
	Also []Store
	// Trusted returns the keys whose signatures are believed. Nil, or none, means that
	// releases need no signature. It is asked for every release.
	Trusted func() ([]trust.Key, error)
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
	// a ceiling that doubles from the first of these to the second. Whatever a node had
	// to wait for, it is current soon after its link is back: TestWaitsAreBounded.
	firstRetry, lastRetry = time.Second, time.Minute
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
	feeds   []*feed
	local   *Directory
	trusted func() ([]trust.Key, error)
	log     *slog.Logger
	onSwap  func(*snapshot.Snapshot)

	current atomic.Pointer[edition]
	// top is the manifest of the latest release that was ever followed here.
	top atomic.Pointer[catalog.Manifest]

	// round is held while the source is looked at and a release loaded. What
	// comes after it, and the feeds, belong to its holder.
	round   sync.Mutex
	highest catalog.Pointer // the latest release ever held here, served or not
	kept    bool            // whether the current release is on disk, if there is one
	started bool            // whether a release is served, and the disk may be read at leisure
	trial   trial
	// restoring is set before any reader comes, while the disk is read at the start.
	restoring bool

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

// feed is a store that is followed.
type feed struct {
	Store
	poll    time.Duration
	failure failure
	silent  int       // how many looks in a row were not answered
	next    time.Time // when to look again
	err     error     // why it is not followed
	status  SourceStatus
}

func newFeed(s Store, poll time.Duration) *feed {
	f := &feed{Store: s, poll: poll, status: SourceStatus{Source: s.String()}}
	if poll == 0 {
		f.poll = remotePoll
		switch s.(type) {
		case *Directory, *Bundle, *Folder:
			f.poll = localPoll
		}
	}
	return f
}

// pause returns the time until the next poll. A quarter either way keeps the
// terminals of a market from asking in step.
func (f *feed) pause() time.Duration {
	poll := min(f.poll<<min(f.silent, 8), max(f.poll, slowestPoll))
	return time.Duration(float64(poll) * (0.75 + rand.Float64()/2)) //nolint:gosec // spreading load needs no secret
}

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
		local: opt.Local, trusted: opt.Trusted, log: opt.Logger, onSwap: opt.OnSwap,
		demand: make(chan struct{}, 1), status: Status{Source: opt.Source.String()},
	}
	for _, s := range append([]Store{opt.Source}, opt.Also...) {
		n.feeds = append(n.feeds, newFeed(s, opt.Poll))
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
	err := n.look(ctx, n.feeds, false)
	n.round.Lock()
	n.started = true
	n.round.Unlock()
	if n.current.Load() == nil {
		return err
	}
	return nil
}

// Run follows the sources until ctx ends.
func (n *Near) Run(ctx context.Context) {
	defer n.stopped()
	if n.feeds[0].poll < 0 {
		<-ctx.Done()
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	notices := make(chan *feed)
	for _, f := range n.feeds {
		if s, ok := f.Store.(Notifier); ok {
			// Before anything is looked at: what is published in between is told.
			heard := s.Notices(ctx)
			group.Go(func() {
				for range heard {
					select {
					case notices <- f:
					case <-ctx.Done():
					}
				}
			})
		}
	}
	_ = n.look(ctx, n.feeds, false) // what came since Start
	timer := time.NewTimer(n.pause())
	defer timer.Stop()
	for {
		var due []*feed
		noticed := false
		select {
		case <-ctx.Done():
			return
		case f := <-notices:
			due, noticed = []*feed{f}, true
		case <-timer.C:
			due = n.due()
		}
		// What went wrong stands in the status and the log.
		_ = n.look(ctx, due, noticed)
		timer.Reset(n.pause())
	}
}

// due returns the feeds that it is time to ask.
func (n *Near) due() []*feed {
	n.round.Lock()
	defer n.round.Unlock()
	var due []*feed
	for _, f := range n.feeds {
		if !time.Now().Before(f.next) {
			due = append(due, f)
		}
	}
	return due
}

// pause returns the time until the next of them is due, or a trial is passed.
func (n *Near) pause() time.Duration {
	n.round.Lock()
	defer n.round.Unlock()
	next := n.feeds[0].next
	for _, f := range n.feeds[1:] {
		if f.next.Before(next) {
			next = f.next
		}
	}
	pause := time.Until(next)
	if n.trial.pending() {
		pause = min(pause, time.Until(n.trial.passes))
	}
	return max(pause, 0)
}

// look asks each of feeds for its pointer once and follows it. A feed that is behind,
// or that must not be followed, never hides one that is ahead.
func (n *Near) look(ctx context.Context, feeds []*feed, noticed bool) error {
	n.round.Lock()
	defer n.round.Unlock()
	n.pass()
	n.ownDisk(ctx)
	for _, f := range feeds {
		p, err := f.Current(ctx)
		answered := !errors.Is(err, catalog.ErrUnavailable)
		if err == nil {
			err = n.follow(ctx, f, p, noticed)
		}
		if err != nil && ctx.Err() != nil {
			return err // we gave up, which says nothing of the source
		}
		f.silent++
		if answered {
			f.silent = 0
		}
		f.next = time.Now().Add(f.pause())
		n.asked(ctx, f, answered, err)
	}
	return n.concluded()
}

// ownDisk takes up what another process has put on the disk of this node, such as
// luoshu sync.
func (n *Near) ownDisk(ctx context.Context) {
	if n.local == nil || n.current.Load() == nil {
		return
	}
	p, err := n.local.Current(ctx)
	if err != nil || p.Sequence <= n.highest.Sequence || p.Catalog != n.highest.Catalog {
		return
	}
	if err := n.bring(ctx, newFeed(n.local, 0), p); err != nil {
		n.log.WarnContext(ctx, "release on disk is not followed", slog.Int64("release", p.Sequence), slog.Any("error", err))
	}
}

// follow makes p, the current release of f, current here too, unless it is already or
// must not be.
func (n *Near) follow(ctx context.Context, f *feed, p catalog.Pointer, noticed bool) error {
	switch h := n.highest; {
	case h.Catalog == "":
	case p.Catalog != h.Catalog:
		return fmt.Errorf("%s: release of catalog %q, this node follows %q: %w", f, p.Catalog, h.Catalog, catalog.ErrForeign)
	case p.Sequence < h.Sequence, p.Sequence == h.Sequence && p.Manifest != h.Manifest:
		return fmt.Errorf("%s: release %d (%.12s), this node has held release %d (%.12s): %w",
			f, p.Sequence, p.Manifest, h.Sequence, h.Manifest, catalog.ErrOlder)
	}
	if n.trial.bars(p.Manifest) {
		return barred(f, p)
	}
	if cur := n.current.Load(); cur != nil && cur.Hash() == p.Manifest && n.kept && (!cur.unread || !n.started) {
		return nil
	}
	// Polling is cheap and goes on; loading is not, and waits longer each time.
	if f.failure.pointer == p && !f.failure.due(noticed) {
		return f.failure.err
	}
	err := n.bring(ctx, f, p)
	switch {
	case err == nil:
		f.failure = failure{}
	case ctx.Err() == nil:
		f.failure.note(p, err)
	}
	return err
}

func barred(f *feed, p catalog.Pointer) error {
	return fmt.Errorf("%s: release %d brought this node down %d times and is not shown again; publish another: %w",
		f, p.Sequence, maxCrashes, catalog.ErrDamaged)
}

// admit decides whether the release whose manifest m is b may be shown here.
func (n *Near) admit(m *catalog.Manifest, b, signature []byte) error {
	top := n.top.Load()
	if top != nil && m.Sequence < top.Sequence {
		// An earlier release that is kept for its readers, or to go back to.
		if m.Sequence < top.Floor {
			return fmt.Errorf("release %d holds what release %d has recalled: %w", m.Sequence, top.Floor, catalog.ErrOlder)
		}
		top = nil
	}
	if top != nil {
		if err := m.Succeeds(top); err != nil {
			return err
		}
	}
	if n.trusted == nil {
		return nil
	}
	keys, err := n.trusted()
	switch {
	case err != nil && n.restoring:
		return nil // it was admitted before it came to be on the disk
	case err != nil:
		return fmt.Errorf("the trusted keys cannot be read, so release %d is not believed: %w: %w", m.Sequence, catalog.ErrUnavailable, err)
	}
	return trust.Check(keys, top, m, b, signature)
}
