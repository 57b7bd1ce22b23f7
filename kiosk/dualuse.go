package kiosk

import "luoshu/catalog"

// dualUseDatasets are those whose records can be military-civil results.
var dualUseDatasets = []catalog.Dataset{catalog.Achievements, catalog.Demands}

// dualUseWay is a direction of dual use.
type dualUseWay struct {
	code catalog.Code
	at   choice
}

func dualUseWays() (all []dualUseWay) {
	for _, c := range catalog.LookupCodeList("dual-use-direction").Codes() {
		all = append(all, dualUseWay{c, choice{field: "dual_use.direction", values: []string{c.Code}}})
	}
	return all
}

// dualUseRows is how many cards stand on a page.
const dualUseRows = 7

type dualUsePage struct {
	*page
	turn
	Ways  []chip
	Cards []card
}

// dualUse answers /dual-use: the results and needs that were cleared, one direction at a
// time. What names no clearance does not stand here, nor anywhere: it is not published.
func (h *Handler) dualUse(rq *request) (answer, error) {
	direction := rq.chosenOf("direction", "dual-use-direction")
	ways := dualUseWays()
	if direction == "" {
		direction = ways[0].code.Code
	} else {
		rq.state = "direction=" + direction
	}
	return answer{template: "dualuse", data: func() (any, error) {
		p := dualUsePage{page: rq.newPage(text{S: h.texts[rq.view.lang]["dualuse.title"]}, "/fields")}
		var found []catalog.Entry
		for _, way := range ways {
			on, n := way.code.Code == direction, 0
			for _, d := range dualUseDatasets {
				q := query{dataset: d, chosen: []choice{way.at}}.search()
				if on {
					q.Limit = rq.snap.Count(d)
				}
				r, err := rq.snap.Search(q)
				if err != nil {
					return nil, err
				}
				n += r.Total
				found = append(found, r.Entries...)
			}
			p.Ways = append(p.Ways, chip{Text: p.in(way.code.Label), Count: p.Number(n), On: on, Href: rq.path + join(p.query(1), "direction="+way.code.Code)})
		}
		found, p.turn = onPage(p.page, found, dualUseRows)
		sheets, err := p.sheetsOf(found)
		for _, s := range sheets {
			c := s.card()
			c.Kind = p.In(s.Dataset.Singular)
			c.Facts = s.cleared()
			p.Cards = append(p.Cards, c)
		}
		return p, err
	}}, nil
}

// cleared says on what ground a military-civil record is public, and since when.
func (s *sheet) cleared() []fact {
	var out []fact
	for _, f := range s.take("dual_use") {
		if f.Name != "direction" {
			out = append(out, f)
		}
	}
	return out
}
