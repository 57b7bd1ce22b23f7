package kiosk

import (
	"cmp"
	"slices"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// market is a market or sub-market. It is the same for every visitor.
type market struct {
	id, parent catalog.ID
	name       catalog.Text
	division   string
}

// marketList returns all markets in the order of their divisions, those that others
// belong to first.
func (rq *request) marketList() ([]market, error) {
	return rq.h.markets.of(rq, func(rq *request) ([]market, error) {
		q := query{dataset: catalog.Organizations, chosen: []choice{{field: "kinds", values: []string{"market"}}}}.search()
		q.Limit = rq.snap.Count(catalog.Organizations)
		found, err := rq.snap.Search(q)
		if err != nil {
			return nil, err
		}
		sheets, err := rq.newPage(text{}, "").sheetsOf(found.Entries)
		var all []market
		for i, s := range sheets {
			all = append(all, market{id: s.ID, parent: catalog.ID(s.str("parent")), name: found.Entries[i].Title(), division: s.str("division")})
		}
		slices.SortStableFunc(all, func(a, b market) int {
			return cmp.Or(cmp.Compare(len(a.parent), len(b.parent)), cmp.Compare(a.division, b.division))
		})
		return all, err
	})
}

// branch is a market on the page of all.
type branch struct {
	tally
	Own, Root bool
	Place     text
}

type marketsPage struct {
	*page
	turn
	Views    []chip
	Branches []branch
}

const marketRows = 18

// marketTree answers /markets: the markets of the city, this terminal's own first.
func (h *Handler) marketTree(rq *request) (answer, error) {
	return answer{template: "markets", data: func() (any, error) {
		p := marketsPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["markets.title"]}, "/")}
		p.Views = p.views("/markets", "/bases")
		all, err := rq.marketList()
		if err != nil {
			return nil, err
		}
		all = slices.Clone(all)
		ownFirst(all, func(m market) bool { return m.id == rq.market() })
		all, p.turn = onPage(p.page, all, marketRows)
		for _, m := range all {
			b := branch{tally: tally{Name: p.in(m.name), Href: p.HrefPage("/markets/"+string(m.id), rq.page)}, Own: m.id == rq.market(), Root: m.parent == ""}
			if c, ok := catalog.LookupCodeList("division").Lookup(m.division); ok {
				b.Place = p.in(c.Label)
			}
			for _, d := range []catalog.Dataset{catalog.Achievements, catalog.Demands} {
				n, err := rq.count(query{dataset: d, chosen: []choice{{field: "market", values: []string{string(m.id)}}}})
				if err != nil {
					return nil, err
				}
				b.Count += n
			}
			p.Branches = append(p.Branches, b)
		}
		return p, nil
	}}, nil
}

type marketPage struct {
	*page
	ID       catalog.ID
	Sample   string
	Own      bool
	Of       *tally // the market it belongs to
	Tallies  []tally
	Desk     *catalog.Desk
	Address  string
	Events   []card
	Observed []gauge
	District string // the page of its division
	Record   string
}

const marketEvents = 3

// market answers /markets/ID: what one market has, and who is there to ask.
func (h *Handler) market(rq *request) (answer, error) {
	id, err := catalog.ParseID(rq.param)
	if err != nil {
		return answer{}, err
	}
	rq.path = "/markets/" + string(id)
	all, err := rq.marketList()
	if err != nil {
		return answer{}, err
	}
	i := slices.IndexFunc(all, func(m market) bool { return m.id == id })
	if i < 0 {
		return answer{}, catalog.ErrNotFound
	}
	return answer{template: "market", data: func() (any, error) {
		m := all[i]
		p := marketPage{page: rq.newPage(rq.view.in(m.name), "/markets"), ID: id, Own: id == rq.market()}
		p.ParentPage = rq.page
		e, err := rq.snap.Find(id)
		if err != nil {
			return nil, err
		}
		s, err := p.newSheet(e)
		if err != nil {
			return nil, err
		}
		p.Sample, p.Address, p.Record = s.Sample(), s.str("address"), p.Href("/organizations/"+string(id))
		for _, above := range all {
			if above.id == m.parent {
				p.Of = &tally{Name: p.in(above.name), Href: p.Href("/markets/" + string(above.id))}
			}
		}
		if p.Tallies, err = p.tallies(ofPlace, choice{field: "market", values: []string{string(id)}}); err != nil {
			return nil, err
		}
		if d, ok := p.Release.Desk(id); ok {
			p.Desk = &d
		}
		next := snapshot.Query{Dataset: catalog.Events, Sort: "starts_on", Filters: []snapshot.Filter{
			{Field: "market", Values: []string{string(id)}}, {Field: "starts_on", Least: string(p.Release.AsOf)},
		}}
		if p.Events, _, err = p.cardsOf(next, marketEvents); err != nil {
			return nil, err
		}
		if spot, ok := spots()[m.division]; ok {
			p.District = p.Href("/places/" + spot.code)
			p.Observed, err = p.observed(spot.code)
		}
		return p, err
	}}, nil
}
