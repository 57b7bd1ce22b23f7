package kiosk

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"sync"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// spot is a division on the map, whose columns and rows keep its neighbors and not its
// distances. Codes are those of GB/T 2260 with the changes of 2021; a development zone
// has a code of its own.
type spot struct {
	code        string
	column, row int
	name        catalog.Text // short, as on a map
	// codes are code and those it replaced.
	codes []string
}

// spots are the divisions of the map by code, see places.csv.
var spots = sync.OnceValue(func() map[string]spot {
	all := map[string]spot{}
	for _, row := range catalog.ReadTable(files, "places.csv") {
		s := spot{code: row["code"], name: catalog.Text{ZH: row["zh"], EN: row["en"]}, codes: []string{row["code"]}}
		s.column, _ = strconv.Atoi(row["column"]) // held by a test
		s.row, _ = strconv.Atoi(row["row"])
		for _, c := range catalog.LookupCodeList("division").Codes() {
			if c.Successor == s.code {
				s.codes = append(s.codes, c.Code)
			}
		}
		all[s.code] = s
	}
	return all
})

// at is the division as a choice of the search.
func (s spot) at() choice {
	codes := slices.Clone(s.codes)
	slices.Sort(codes)
	return choice{field: "division", values: codes}
}

// mapSpot is a division as it is drawn.
type mapSpot struct {
	Column, Row int
	Name        text
	Href        string
	Count       int    // of achievements
	Radius      string // of its dot: the area says how many
	Carriers    int
	Beads       [][2]int // a dot each, as many as can be told apart
	Market, Own bool
}

type placesPage struct {
	*page
	Views []chip
	Spots []mapSpot
	Rest  int // achievements of no division on the map
}

const (
	dotLeast, dotMost = 2.0, 15.0 // radius in a box of 40
	beads             = 9
)

// places answers /places: the map of the city's districts and counties.
func (h *Handler) places(rq *request) (answer, error) {
	return answer{template: "places", data: func() (any, error) {
		p := placesPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["places.title"]}, "/")}
		p.Views = p.views(sides...)
		achievements, total, err := rq.spread(query{dataset: catalog.Achievements}, "division")
		if err != nil {
			return nil, err
		}
		markets, _, err := rq.spread(query{dataset: catalog.Organizations, chosen: []choice{{field: "kinds", values: []string{"market"}}}}, "division")
		if err != nil {
			return nil, err
		}
		carriers, _, err := rq.spread(query{dataset: catalog.Organizations, chosen: []choice{{field: "kinds", values: carrierKinds}}}, "division")
		if err != nil {
			return nil, err
		}
		own := p.ownDivision()
		p.Rest = total
		most := 0
		for _, s := range spots() {
			m := mapSpot{
				Column: s.column, Row: s.row, Name: p.in(s.name), Href: p.Href("/places/" + s.code), Own: slices.Contains(s.codes, own),
				Count: sum(achievements, s.codes), Carriers: sum(carriers, s.codes), Market: sum(markets, s.codes) > 0,
			}
			for i := range min(m.Carriers, beads) {
				m.Beads = append(m.Beads, [2]int{20 + 5*i - 5*(min(m.Carriers, beads)-1)/2, 4})
			}
			most = max(most, m.Count)
			p.Rest -= m.Count
			p.Spots = append(p.Spots, m)
		}
		for i, s := range p.Spots {
			p.Spots[i].Radius = radius(s.Count, most)
		}
		// As they are read: from the upper left.
		slices.SortFunc(p.Spots, func(a, b mapSpot) int { return cmp.Or(a.Row-b.Row, a.Column-b.Column) })
		return p, nil
	}}, nil
}

func sum(counts map[string]int, codes []string) (n int) {
	for _, c := range codes {
		n += counts[c]
	}
	return n
}

// radius is that of a dot whose area stands for n, where most has the largest.
func radius(n, most int) string {
	r := dotLeast
	if n > 0 {
		r = max(r, dotMost*math.Sqrt(float64(n)/float64(most)))
	}
	return strconv.FormatFloat(r, 'f', 1, 64)
}

// ownDivision is where this terminal's market is, empty off a terminal.
func (p *page) ownDivision() string {
	if p.rq.market() == "" {
		return ""
	}
	e, err := p.rq.snap.Find(p.rq.market())
	if err != nil {
		return ""
	}
	s, err := p.newSheet(e)
	if err != nil {
		return ""
	}
	return s.str("division")
}

type districtPage struct {
	*page
	Code     string
	Tallies  []tally
	Markets  []tally
	Carriers []card
	More     *chip // the other carriers
	Observed []gauge
}

// ofPlace are the datasets counted for a division or a market.
var ofPlace = []catalog.Dataset{
	catalog.Achievements, catalog.Demands, catalog.Services, catalog.Experts, catalog.Organizations, catalog.Events,
}

const placeCarriers = 3

// district answers /places/CODE: what there is in one division.
func (h *Handler) district(rq *request) (answer, error) {
	s, ok := spots()[rq.param]
	if !ok {
		return answer{}, catalog.ErrNotFound
	}
	return answer{template: "district", data: func() (any, error) {
		p := districtPage{page: rq.newPage(text{}, "/places"), Code: s.code}
		c, _ := catalog.LookupCodeList("division").Lookup(s.code)
		p.Title = p.in(c.Label)
		var err error
		if p.Tallies, err = p.tallies(ofPlace, s.at()); err != nil {
			return nil, err
		}
		all, err := rq.marketList()
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			if slices.Contains(s.codes, m.division) {
				p.Markets = append(p.Markets, tally{Name: p.in(m.name), Href: p.Href("/markets/" + string(m.id))})
			}
		}
		q := query{dataset: catalog.Organizations, chosen: []choice{s.at(), {field: "kinds", values: carrierKinds}}}
		found := q.search()
		found.Sort = snapshot.ByName
		n := 0
		if p.Carriers, n, err = p.cardsOf(found, placeCarriers); err != nil {
			return nil, err
		}
		if n > placeCarriers {
			p.More = &chip{Text: text{S: p.texts["places.carriers.all"]}, Count: p.Number(n), Href: p.seek(q)}
		}
		p.Observed, err = p.observed(s.code)
		return p, err
	}}, nil
}
