package cache

import (
	"context"
	"log/slog"
	"time"

	"luoshu/catalog"
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

	// Source names the store that is followed, Reachable tells whether it answered
	// the last time, and Since how long that has been so.
	Source    string    `json:"source"`
	Reachable bool      `json:"reachable"`
	Since     time.Time `json:"since,omitzero"`
	LastPoll  time.Time `json:"last_poll,omitzero"`
	// Problem says why what is served may not be what the source holds, or is not
	// on disk. It is empty when all is well.
	Problem string `json:"problem,omitempty"`
	// LastError is the last problem there was, gone or not.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
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
	return s
}

// describe writes e into the status. The caller holds mu and round.
func (n *Near) describe(e *edition) {
	m := e.Manifest()
	s := &n.status
	s.Catalog, s.Release, s.Manifest = m.Catalog, m.Sequence, e.Hash()
	s.PublishedAt, s.LoadedAt = m.PublishedAt, e.loadedAt
	s.Persisted = n.local != nil && n.kept
}

// concluded writes the outcome of one look at the source into the status, and
// into the log what differs from the last one.
func (n *Near) concluded(ctx context.Context, answered bool, err error) {
	n.mu.Lock()
	s := &n.status
	now := time.Now()
	turned := s.Reachable != answered || s.LastPoll.IsZero()
	if turned {
		s.Reachable, s.Since = answered, now
	}
	s.LastPoll = now
	was := s.Problem
	s.Problem = ""
	if err != nil {
		s.Problem = err.Error()
		s.LastError, s.LastErrorAt = s.Problem, now
	}
	problem := s.Problem
	n.mu.Unlock()

	switch source := slog.String("source", n.source.String()); {
	case problem == "" && was != "":
		n.log.InfoContext(ctx, "source followed again", source)
	case problem != "" && (turned || was == ""):
		n.log.WarnContext(ctx, "source cannot be followed, what is loaded stays", source, slog.String("error", problem))
	}
}
