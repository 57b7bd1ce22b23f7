package cache

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/trust"
)

// Status says what a near cache serves and how it stands with its source. Times
// are zero for what has not happened yet.
type Status struct {
	// The release being served; Release is 0 while there is none.
	Catalog     string       `json:"catalog,omitempty"`
	Release     int64        `json:"release"`
	Manifest    catalog.Hash `json:"manifest,omitempty"`
	PublishedAt time.Time    `json:"published_at,omitzero"`
	LoadedAt    time.Time    `json:"loaded_at,omitzero"`
	// Persisted tells whether it is whole on the local disk, so that a restart
	// needs no source. Without a local disk it is false.
	Persisted bool `json:"persisted"`
	// Held lists the releases that At can give, the latest first.
	Held []int64 `json:"held"`

	// SignedBy names the key that the release is signed with, and Trusted those that
	// are believed here. Without any a signature is not asked for.
	SignedBy string   `json:"signed_by,omitempty"`
	Trusted  []string `json:"trusted,omitempty"`
	// AgeSeconds is how long ago the release was published. It is shown and blocks
	// nothing. ClockBehind tells that this machine's clock says it was not yet.
	AgeSeconds  int64 `json:"age_seconds,omitzero"`
	ClockBehind bool  `json:"clock_behind,omitzero"`
	// Barred are releases that brought this node down and are not shown again.
	Barred []catalog.Hash `json:"barred,omitempty"`

	// Source names the store that is followed first, Reachable tells whether any
	// answered the last time, and Since how long that has been so. Sources says it of
	// each, where there are several.
	Source    string         `json:"source"`
	Sources   []SourceStatus `json:"sources,omitempty"`
	Reachable bool           `json:"reachable"`
	Since     time.Time      `json:"since,omitzero"`
	LastPoll  time.Time      `json:"last_poll,omitzero"`
	// Problem says why what is served may not be what the source holds, or is not
	// on disk. It is empty when all is well.
	Problem string `json:"problem,omitempty"`
	// LastError is the last problem there was, gone or not.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
}

// SourceStatus says how a near cache stands with one of the stores it follows.
type SourceStatus struct {
	Source    string    `json:"source"`
	Reachable bool      `json:"reachable"`
	LastPoll  time.Time `json:"last_poll,omitzero"`
	// Problem says why what it holds is not what is served; empty when it is.
	Problem string `json:"problem,omitempty"`
}

// Status returns how things stand.
func (n *Near) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.status
	s.Held = make([]int64, len(n.shelf.manifests))
	for i, m := range n.shelf.manifests {
		s.Held[i] = m.Sequence
	}
	s.Sources = slices.Clone(s.Sources)
	if s.Release > 0 {
		age := time.Since(s.PublishedAt)
		s.AgeSeconds, s.ClockBehind = int64(max(age, 0).Seconds()), age < 0
	}
	return s
}

// describe writes e into the status. The caller holds mu and round.
func (n *Near) describe(e *edition) {
	m := e.Manifest()
	s := &n.status
	s.Catalog, s.Release, s.Manifest = m.Catalog, m.Sequence, e.Hash()
	s.PublishedAt, s.LoadedAt = m.PublishedAt, e.loadedAt
	s.Persisted = n.local != nil && n.kept
	s.SignedBy = trust.SignedBy(e.signature)
	s.Barred = n.trial.Barred
}

// asked notes what came of one look at f.
func (n *Near) asked(ctx context.Context, f *feed, answered bool, err error) {
	if _, ok := f.Store.(*Folder); ok && (errors.Is(err, catalog.ErrNoRelease) || errors.Is(err, catalog.ErrOlder)) && n.current.Load() != nil {
		err = nil // nothing new is plugged in
	}
	was := f.status
	f.err = err
	f.status.Reachable, f.status.LastPoll, f.status.Problem = answered, time.Now(), ""
	if err != nil {
		f.status.Problem = err.Error()
	}
	switch source := slog.String("source", f.status.Source); {
	case err == nil && was.Problem != "":
		n.log.InfoContext(ctx, "source followed again", source)
	case err != nil && (was.Problem == "" || was.Reachable != answered):
		n.log.WarnContext(ctx, "source cannot be followed, what is loaded stays", source, slog.String("error", f.status.Problem))
	}
}

// concluded writes how the feeds stand into the status, and returns why none of them
// holds what is served.
func (n *Near) concluded() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := &n.status
	now := time.Now()
	err, reachable := n.feeds[0].err, false
	var sources []SourceStatus
	for _, f := range n.feeds {
		// A folder is there however empty it is: it vouches for nothing.
		if _, folder := f.Store.(*Folder); !folder || len(n.feeds) == 1 {
			reachable = reachable || f.status.Reachable
			if f.err == nil && !f.status.LastPoll.IsZero() {
				err = nil
			}
		}
		sources = append(sources, f.status)
	}
	if len(sources) > 1 {
		s.Sources = sources
	}
	if s.Reachable != reachable || s.LastPoll.IsZero() {
		s.Reachable, s.Since = reachable, now
	}
	s.LastPoll, s.Problem = now, ""
	if err != nil {
		s.Problem = err.Error()
		s.LastError, s.LastErrorAt = s.Problem, now
	}
	s.Trusted = nil
	if n.trusted != nil {
		keys, _ := n.trusted() // what cannot be read stands as a problem of each release
		for _, k := range keys {
			s.Trusted = append(s.Trusted, k.ID())
		}
	}
	return err
}
