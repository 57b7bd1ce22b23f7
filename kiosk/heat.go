package kiosk

import (
	"slices"
	"strconv"

	"luoshu/catalog"
)

// heatSteps is how many shades a cell of the square can have.
const heatSteps = 5

// heatCell is a kind of achievement in a cell of the square.
type heatCell struct {
	tally
	Also tally // what else there is of the kind
	Mark mark
	Heat int // 0 to heatSteps-1
}

type heatPage struct {
	*page
	Views   []chip
	Note    string
	Cells   []heatCell // by row of the square
	More    []chip     // the kinds beyond nine
	Folded  bool       // More are many
	DualUse tally
}

// sides are the pages that show all achievements, each from another side.
var sides = []string{"/places", "/fields", "/industries", "/readiness"}

// heatPage shows kinds, those with the most achievements first: nine of them in the order
// of the square, so that nine points mark the most and one the ninth.
func (p *page) heatPage(note string, kinds []heatCell) heatPage {
	h := heatPage{page: p, Note: p.texts[note], Views: p.views(sides...)}
	for _, n := range square {
		c := heatCell{}
		if at := len(square) - n; at < len(kinds) {
			c = kinds[at]
			c.Heat = heat(c.Count, kinds[0].Count)
		}
		c.Mark = marks[n]
		h.Cells = append(h.Cells, c)
	}
	for _, k := range kinds[min(len(square), len(kinds)):] {
		if k.Href != "" {
			h.More = append(h.More, chip{Text: k.Name, Count: p.Number(k.Count), Href: k.Href})
		}
	}
	h.Folded = len(h.More) > len(square)
	return h
}

// fields answers /fields: the achievements by technical field.
func (h *Handler) fields(rq *request) (answer, error) {
	return answer{template: "heat", data: func() (any, error) {
		counts, _, err := rq.spread(query{dataset: catalog.Achievements}, "tech_fields")
		if err != nil {
			return nil, err
		}
		frame := rq.newPage(text{S: h.texts[rq.view.lang]["fields.title"]}, "/")
		var kinds []heatCell
		for _, c := range catalog.LookupCodeList("tech-field").Codes() {
			k := heatCell{tally: tally{Name: frame.in(c.Label), Count: counts[c.Code]}}
			if k.Count > 0 {
				k.Href = frame.seek(query{dataset: catalog.Achievements, chosen: []choice{{field: "tech_fields", values: []string{c.Code}}}})
			}
			kinds = append(kinds, k)
		}
		slices.SortStableFunc(kinds, func(a, b heatCell) int { return b.Count - a.Count })
		p := frame.heatPage("fields.note", kinds)
		p.DualUse = tally{Name: text{S: p.texts["dualuse.title"]}, Href: p.Href("/dual-use")}
		for _, d := range dualUseDatasets {
			for _, way := range dualUseWays() {
				n, err := rq.count(query{dataset: d, chosen: []choice{way.at}})
				if err != nil {
					return nil, err
				}
				p.DualUse.Count += n
			}
		}
		return p, nil
	}}, nil
}

// heat is the shade of n, where most has the deepest.
func heat(n, most int) int {
	if n == 0 {
		return 0
	}
	return 1 + (heatSteps-2)*n/most
}

// rung is one level of the ladder.
type rung struct {
	tally
	Badge  badge
	Level  int
	Height string // of 100
}

type readinessPage struct {
	*page
	Views  []chip
	Fields []chip
	Steps  []rung
	Total  int
	None   int // achievements that state no level
}

// readiness answers /readiness: how many achievements stand on each level, of all or of
// one technical field.
func (h *Handler) readiness(rq *request) (answer, error) {
	field := rq.chosenOf("tech_fields", "tech-field")
	if field != "" {
		rq.state = "tech_fields=" + field
	}
	return answer{template: "readiness", data: func() (any, error) {
		p := readinessPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["readiness.title"]}, "/")}
		p.Views = p.views(sides...)
		q := query{dataset: catalog.Achievements}
		fields, total, err := rq.spread(q, "tech_fields")
		if err != nil {
			return nil, err
		}
		p.Fields = append(p.Fields, chip{Text: text{S: p.texts["search.all"]}, Count: p.Number(total), Href: rq.path + p.query(1), On: field == ""})
		for _, c := range catalog.LookupCodeList("tech-field").Codes() {
			if n := fields[c.Code]; n > 0 || c.Code == field {
				p.Fields = append(p.Fields, chip{Text: p.in(c.Label), Count: p.Number(n), Href: rq.path + join(p.query(1), "tech_fields="+c.Code), On: c.Code == field})
			}
		}
		if field != "" {
			q.chosen = []choice{{field: "tech_fields", values: []string{field}}}
		}
		levels, total, err := rq.spread(q, "trl")
		if err != nil {
			return nil, err
		}
		p.Total, p.None = total, total
		most := 1
		for _, n := range levels {
			most = max(most, n)
		}
		for level := 1; level <= 9; level++ {
			code := strconv.Itoa(level)
			n := levels[code]
			p.None -= n
			s := rung{tally: tally{Name: text{S: "TRL " + code}, Count: n}, Badge: newBadge(level), Level: level}
			s.Height = share(float64(n), float64(most))
			if n > 0 {
				at := q
				at.chosen = slices.Concat([]choice{{field: "trl", values: []string{code}}}, q.chosen)
				s.Href = p.seek(at)
			}
			p.Steps = append(p.Steps, s)
		}
		return p, nil
	}}, nil
}
