package kiosk

import (
	"encoding/hex"
	"slices"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// doors are the datasets behind the cells of the square, by number: what a visitor
// comes for. The others stand in a row beneath it.
var doors = map[int]catalog.Dataset{
	4: catalog.Achievements, 9: catalog.Demands, 2: catalog.Packages,
	3: catalog.Organizations, 7: catalog.Services,
	8: catalog.Experts, 1: catalog.Policies, 6: catalog.Events,
}

const (
	picks     = 1 // listings on the home page
	pickTries = 64
	boardSize = 2 // indicators on the home page
)

// door is a way into a dataset.
type door struct {
	catalog.DatasetInfo
	Mark  mark
	Count int
}

// Entrance is the page the door opens.
func (d door) Entrance() string { return entrance(d.Name) }

type homePage struct {
	*page
	Center mark
	Total  int
	Cells  []door  // by row; the one in the middle has no dataset
	More   []tally // the row beneath the square
	Picks  []pick
	Board  []gauge
}

// pick is a listing shown in full on the home page, with its code.
type pick struct {
	card
	Scan scan
}

func (h *Handler) home(rq *request) (answer, error) {
	return answer{template: "home", data: func() (any, error) {
		p := homePage{page: rq.newPage(rq.view.in(rq.snap.Manifest().Title), "")}
		for _, n := range square {
			info, _ := doors[n].Info()
			p.Cells = append(p.Cells, door{info, marks[n], rq.snap.Count(info.Name)})
		}
		for info := range catalog.Datasets() {
			p.Total += rq.snap.Count(info.Name)
		}
		p.More = p.row()
		var err error
		if p.Picks, err = p.pick(); err != nil {
			return nil, err
		}
		p.Board, err = p.board(boardSize)
		return p, err
	}}, nil
}

// row are the ways beneath the square: what shows the city as a whole, then the datasets
// without a door.
func (p *page) row() []tally {
	all := []tally{{Name: text{S: p.texts["view.places"]}, Href: "/places"}, {Name: text{S: p.texts["view.markets"]}, Href: "/markets"}}
	for _, d := range []catalog.Dataset{catalog.Indicators, catalog.Catalogs, catalog.Cases, catalog.Notices} {
		info, _ := d.Info()
		all = append(all, tally{Name: p.In(info.Label), Href: "/" + string(d)})
	}
	return all
}

// pick chooses listings to show: of each release others, and on every node the same.
// The place to begin comes from the release's hash, and a listing must have
// something to read.
func (p *page) pick() ([]pick, error) {
	sheets, err := p.excerpt(catalog.Achievements, picks)
	if err != nil {
		return nil, err
	}
	var out []pick
	for _, s := range sheets {
		out = append(out, pick{s.card(), p.scan(s.ID)})
	}
	return out, nil
}

// excerpt returns up to n records of d that can be read and are not over, beginning
// somewhere in the release; of a terminal's own market, where that has any.
func (p *page) excerpt(d catalog.Dataset, n int) ([]*sheet, error) {
	snap := p.rq.snap
	at := func(i int) []catalog.Entry {
		return snap.List(snapshot.Slice{Dataset: d, Skip: i, Limit: 1}).Entries
	}
	total := snap.Count(d)
	if p.rq.market() != "" {
		o, err := p.ordered(d)
		if err != nil {
			return nil, err
		}
		if len(o.own) > 0 {
			at, total = func(i int) []catalog.Entry { return o.own[i : i+1] }, len(o.own)
		}
	}
	if total == 0 {
		return nil, nil
	}
	start := 0
	if b, err := hex.DecodeString(string(snap.Hash()[:8])); err == nil {
		for _, c := range b {
			start = (start<<8 | int(c)) % total
		}
	}
	var out []*sheet
	for i := range min(total, pickTries) {
		for _, e := range at((start + i) % total) {
			s, err := p.newSheet(e)
			if err != nil {
				return nil, err
			}
			if s.str("abstract") != "" && len(s.Owner()) > 0 && !s.over() {
				out = append(out, s)
			}
		}
		if len(out) == n {
			break
		}
	}
	return out, nil
}

// board returns up to n indicators that have been observed.
func (p *page) board(n int) ([]gauge, error) {
	var out []gauge
	for e := range p.rq.snap.All(catalog.Indicators) {
		s, err := p.newSheet(e)
		if err != nil {
			return nil, err
		}
		if g := s.Gauge(); len(g.All) > 0 {
			out = append(out, g)
		}
		if len(out) == n {
			break
		}
	}
	return out, nil
}

// contentsPage lists every dataset.
type contentsPage struct {
	*page
	Rows  []door
	Total int
}

func (h *Handler) contents(rq *request) (answer, error) {
	return answer{template: "contents", data: func() (any, error) {
		p := contentsPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["contents.title"]}, "/")}
		p.Rows, p.Total = rq.doors()
		return p, nil
	}}, nil
}

// doors returns all datasets with their counts and the sum of these.
func (rq *request) doors() (all []door, total int) {
	for info := range catalog.Datasets() {
		d := door{DatasetInfo: info, Count: rq.snap.Count(info.Name)}
		for n, name := range doors {
			if name == info.Name {
				d.Mark = marks[n]
			}
		}
		all, total = append(all, d), total+d.Count
	}
	return all, total
}

// aboutPage says what the release is and how it came here.
type aboutPage struct {
	contentsPage
	Published string
	Hash      catalog.Hash // of the manifest
	Withdrawn int
	Desks     []catalog.Desk
}

func (h *Handler) about(rq *request) (answer, error) {
	return answer{template: "about", data: func() (any, error) {
		p := aboutPage{contentsPage: contentsPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["about.title"]}, "/")}}
		p.Rows, p.Total = rq.doors()
		p.Published = formatTime(p.Release.PublishedAt, p.lang)
		p.Hash = rq.snap.Hash()
		p.Withdrawn = len(p.Release.Withdrawn)
		p.Desks = slices.Clone(p.Release.Desks)
		return p, nil
	}}, nil
}
