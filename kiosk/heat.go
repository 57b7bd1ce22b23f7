package kiosk

import (
	"slices"
	"strconv"

	"luoshu/catalog"
)

// heatSteps is how many shades a cell of the square can have.
const heatSteps = 5

// heatCell is a technical field in a cell of the square.
type heatCell struct {
	tally
	Mark mark
	Heat int // 0 to heatSteps-1
}

type fieldsPage struct {
	*page
	Views   []chip
	Cells   []heatCell // by row of the square
	More    []chip     // the fields beyond nine
	DualUse tally
}

// fields answers /fields: the nine fields with the most achievements, in the order of
// the square. Nine points mark the most, one the ninth.
func (h *Handler) fields(rq *request) (answer, error) {
	return answer{template: "fields", data: func() (any, error) {
		p := fieldsPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["fields.title"]}, "/")}
		p.Views = p.views("/places", "/fields", "/readiness")
		counts, _, err := rq.spread(query{dataset: catalog.Achievements}, "tech_fields")
		if err != nil {
			return nil, err
		}
		codes := make([]string, 0, len(counts))
		for _, c := range catalog.LookupCodeList("tech-field").Codes() {
			codes = append(codes, c.Code)
		}
		slices.SortStableFunc(codes, func(a, b string) int { return counts[b] - counts[a] })
		most := counts[codes[0]]
		f, _ := catalog.LookupField(catalog.Achievements, "tech_fields[]")
		l := catalog.LookupCodeList(f.List)
		name := func(code string) text {
			c, _ := l.Lookup(code)
			return p.in(c.Label)
		}
		for _, n := range square {
			code := codes[9-n]
			t := tally{Name: name(code), Count: counts[code]}
			if t.Count > 0 {
				t.Href = p.seek(query{dataset: catalog.Achievements, chosen: []choice{{field: "tech_fields", values: []string{code}}}})
			}
			p.Cells = append(p.Cells, heatCell{t, marks[n], heat(t.Count, most)})
		}
		for _, code := range codes[len(square):] {
			if counts[code] > 0 {
				href := p.seek(query{dataset: catalog.Achievements, chosen: []choice{{field: "tech_fields", values: []string{code}}}})
				p.More = append(p.More, chip{Text: name(code), Count: p.Number(counts[code]), Href: href})
			}
		}
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

// step is one level of the ladder.
type step struct {
	tally
	Badge  badge
	Level  int
	Height string // of 100
}

type readinessPage struct {
	*page
	Views  []chip
	Fields []chip
	Steps  []step
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
		p.Views = p.views("/places", "/fields", "/readiness")
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
			s := step{tally: tally{Name: text{S: "TRL " + code}, Count: n}, Badge: newBadge(level), Level: level}
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
