package kiosk

import (
	"log/slog"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// place is where the screen stands: which terminal it is and, if the release's profile
// says so, whose.
type place struct {
	ID string // of the terminal
	// Market is the market it belongs to, empty where that is not said, and Name what
	// that is called.
	Market catalog.ID
	Name   text
	Where  text          // in the building
	Desk   *catalog.Desk // that helps here, nil where there is none
}

// place returns where the page is shown, nil off a terminal.
func (p *page) place() *place {
	id := p.rq.h.terminal
	if id == "" {
		return nil
	}
	at := &place{ID: id}
	if p.Release == nil {
		return at
	}
	t, _ := p.Release.Terminal(id)
	at.Where = p.in(t.Placement)
	if d, ok := p.Release.DeskOf(t); ok {
		at.Desk = &d
	}
	if t.Market == "" {
		return at
	}
	if e, err := p.rq.snap.Find(t.Market); err == nil {
		if s, err := p.newSheet(e); err == nil {
			at.Market, at.Name = t.Market, s.Name()
		}
	}
	return at
}

// market returns the market of this terminal, empty off a terminal and where the
// release does not say.
func (rq *request) market() catalog.ID {
	t, _ := rq.snap.Manifest().Terminal(rq.h.terminal)
	return t.Market
}

// marketField names the market that a record belongs to, in every dataset.
const marketField = "market"

// here returns the records of d that belong to this terminal's market.
func (rq *request) here(d catalog.Dataset) (map[catalog.ID]bool, error) {
	market := rq.market()
	if market == "" {
		return nil, nil
	}
	own := query{dataset: d, market: market}.search()
	own.Limit = rq.snap.Count(d)
	found, err := rq.snap.Search(own)
	if err != nil {
		return nil, err
	}
	all := map[catalog.ID]bool{}
	for _, e := range found.Entries {
		all[e.ID] = true
	}
	return all, nil
}

// ownFirst brings those of all that are own to the front and keeps the order within
// both. It returns how many they are.
func ownFirst[T any](all []T, own func(T) bool) int {
	var others []T
	n := 0
	for _, v := range all {
		if own(v) {
			all[n] = v
			n++
		} else {
			others = append(others, v)
		}
	}
	copy(all[n:], others)
	return n
}

// lowers reports whether the page can be lowered: not on a panel that is low enough.
func (rq *request) lowers() bool { return !rq.declared || rq.panel.Lowers() }

// panelOf returns the declared screen: by flag, else by the profile. A terminal that
// declares none gets the usual one, anything else nothing.
func (h *Handler) panelOf(snap *snapshot.Snapshot) (p catalog.Panel, declared bool) {
	switch {
	case h.panel != (catalog.Panel{}):
		return h.panel, true
	case h.terminal == "":
		return catalog.Panel{}, false
	case snap != nil:
		if t, _ := snap.Manifest().Terminal(h.terminal); t.Panel != "" {
			p, err := catalog.ParsePanel(t.Panel)
			if err == nil {
				return p, true
			}
			h.log.Error("panel not understood", slog.String("terminal", t.ID), slog.String("error", err.Error()))
		}
	}
	return usualPanel, true
}
