package kiosk

import (
	"slices"

	"luoshu/catalog"
)

// boardRows is how many indicators stand on a page.
const boardRows = 5

type boardPage struct {
	*page
	turn
	Gauges []gauge
}

// indicators answers /indicators: every target with what was observed, one row each.
func (h *Handler) indicators(rq *request) (answer, error) {
	return answer{template: "board", data: func() (any, error) {
		info, _ := catalog.Indicators.Info()
		p := boardPage{page: rq.newPage(rq.view.in(info.Label), "/")}
		var shown []catalog.Entry
		shown, p.turn = onPage(p.page, slices.Collect(rq.snap.All(catalog.Indicators)), boardRows)
		sheets, err := p.sheetsOf(shown)
		for _, s := range sheets {
			g := s.Gauge()
			g.Sample = s.Sample()
			g.Href = p.HrefPage("/"+string(catalog.Indicators)+"/"+string(s.ID), rq.page)
			p.Gauges = append(p.Gauges, g)
		}
		return p, err
	}}, nil
}

// reading is the latest observation of an indicator in a division. It is the same for
// every visitor.
type reading struct {
	id          catalog.ID
	name, unit  catalog.Text
	value       float64
	asOf        catalog.Date
	provisional bool
	sample      bool
}

// readings returns the latest observations by division.
func (rq *request) readings() (map[string][]reading, error) {
	return rq.h.readings.of(rq, func(rq *request) (map[string][]reading, error) {
		all := map[string][]reading{}
		p := rq.newPage(text{}, "")
		for e := range rq.snap.All(catalog.Indicators) {
			s, err := p.newSheet(e)
			if err != nil {
				return nil, err
			}
			latest := map[string]reading{}
			sample, _ := s.m["sample"].(bool)
			for _, o := range list(s.m["observations"]) {
				division := member(o, "division")
				if division == "" || citywide(o) {
					continue
				}
				m, _ := o.(map[string]any)
				r := reading{id: e.ID, name: e.Title(), value: number(o), asOf: catalog.Date(member(o, "as_of")), sample: sample}
				r.unit = catalog.Text{ZH: s.str("unit"), EN: s.str("unit_en")}
				r.provisional, _ = m["provisional"].(bool)
				if r.asOf >= latest[division].asOf {
					latest[division] = r
				}
			}
			for division, r := range latest {
				all[division] = append(all[division], r)
			}
		}
		return all, nil
	})
}

// observed are the latest observations of a division as they are read.
func (p *page) observed(division string) ([]gauge, error) {
	all, err := p.rq.readings()
	var out []gauge
	for _, r := range all[division] {
		g := gauge{
			Name: p.in(r.name), Unit: p.in(r.unit), Href: p.Href("/" + string(catalog.Indicators) + "/" + string(r.id)),
			Latest: bar{
				Value: formatLarge(r.value, p.lang), AsOf: value{text: text{S: p.Date(r.asOf)}, Time: string(r.asOf)}, Provisional: r.provisional,
			},
		}
		if r.sample {
			g.Sample = p.texts["sample"]
		}
		out = append(out, g)
	}
	return out, err
}
