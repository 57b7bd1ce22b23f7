package kiosk

import (
	"cmp"
	"slices"

	"luoshu/catalog"
)

// carrierKinds are the kinds of organization that house firms or trials, in the order of
// their list. They stand in the order of a search's address.
var carrierKinds = []string{"agri-makerspace", "demonstration-base", "incubator", "makerspace", "pilot-base", "university-park"}

// carrier is a carrier with what it states of itself. It is the same for every visitor.
type carrier struct {
	id    catalog.ID
	kinds []string
	level string // the highest of its designations
	area  float64
	firms int
	asOf  catalog.Date
}

// carrierList returns all carriers, those of the highest designation and the largest
// first.
func (rq *request) carrierList() ([]carrier, error) {
	return rq.h.carriers.of(rq, func(rq *request) ([]carrier, error) {
		q := query{dataset: catalog.Organizations, chosen: []choice{{field: "kinds", values: carrierKinds}}}.search()
		q.Limit = rq.snap.Count(catalog.Organizations)
		found, err := rq.snap.Search(q)
		if err != nil {
			return nil, err
		}
		sheets, err := rq.newPage(text{}, "").sheetsOf(found.Entries)
		var all []carrier
		for _, s := range sheets {
			c := carrier{id: s.ID, area: s.num("floor_area_m2"), firms: int(s.num("incubating_firms")), asOf: catalog.Date(s.str("as_of"))}
			for _, k := range list(s.m["kinds"]) {
				if k, ok := k.(string); ok && slices.Contains(carrierKinds, k) {
					c.kinds = append(c.kinds, k)
				}
			}
			var levels []string
			for _, d := range list(s.m["designations"]) {
				if l := member(d, "level"); l != "" {
					levels = append(levels, l)
				}
			}
			if byList("designation-level", levels); len(levels) > 0 {
				c.level = levels[0]
			}
			all = append(all, c)
		}
		rank := map[string]int{"": 1 << 8}
		for i, c := range catalog.LookupCodeList("designation-level").Codes() {
			rank[c.Code] = i
		}
		slices.SortStableFunc(all, func(a, b carrier) int {
			return cmp.Or(rank[a.level]-rank[b.level], cmp.Compare(b.area, a.area))
		})
		return all, err
	})
}

// carrierKind is one kind of carrier with what those of the kind add up to.
type carrierKind struct {
	tally
	Levels []tally // by designation
	Area   string  // of those that state it, in square meters
	Firms  int
	AsOf   value // the oldest day of these figures
	Silent int   // how many state neither
}

type basesPage struct {
	*page
	turn
	Views []chip
	Kinds []carrierKind
	// Of one kind: its carriers, and the designations to choose by.
	Kind   text
	Levels []chip
	Cards  []card
}

const baseRows = 7

// bases answers /bases: the carriers by kind, and with a kind by designation.
func (h *Handler) bases(rq *request) (answer, error) {
	kind, level := rq.args.Get("kind"), rq.chosenOf("level", "designation-level")
	if !slices.Contains(carrierKinds, kind) {
		kind, level = "", ""
	}
	if kind != "" {
		rq.state = "kind=" + kind
		if level != "" {
			rq.state += "&level=" + level
		}
	}
	return answer{template: "bases", data: func() (any, error) {
		p := basesPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["bases.title"]}, "/")}
		all, err := rq.carrierList()
		if err != nil {
			return nil, err
		}
		if kind == "" {
			p.Views = p.views("/markets", "/bases")
			p.kinds(all)
			return p, nil
		}
		p.Parent, p.Kind = "/bases", p.label("organization-kind", kind)
		p.Title = p.Kind
		all = slices.DeleteFunc(slices.Clone(all), func(c carrier) bool { return !slices.Contains(c.kinds, kind) })
		p.levels(all, kind, level)
		all = slices.DeleteFunc(all, func(c carrier) bool { return level != "" && c.level != level })
		all, p.turn = onPage(p.page, all, baseRows)
		for _, c := range all {
			e, err := rq.snap.Find(c.id)
			if err != nil {
				return nil, err
			}
			s, err := p.newSheet(e)
			if err != nil {
				return nil, err
			}
			p.Cards = append(p.Cards, s.base(c))
		}
		return p, nil
	}}, nil
}

func (p *basesPage) kinds(all []carrier) {
	codes := slices.Clone(carrierKinds)
	byList("organization-kind", codes)
	for _, code := range codes {
		k := carrierKind{tally: tally{Name: p.label("organization-kind", code), Href: p.rq.path + join(p.query(1), "kind="+code)}}
		levels, area := map[string]int{}, 0.0
		var oldest catalog.Date
		for _, c := range all {
			if !slices.Contains(c.kinds, code) {
				continue
			}
			k.Count++
			levels[c.level]++
			area += c.area
			k.Firms += c.firms
			switch {
			case c.area == 0 && c.firms == 0:
				k.Silent++
			case c.asOf != "" && (oldest == "" || c.asOf < oldest):
				oldest = c.asOf
			}
		}
		if k.Count == 0 {
			continue
		}
		for _, l := range catalog.LookupCodeList("designation-level").Codes() {
			if n := levels[l.Code]; n > 0 {
				k.Levels = append(k.Levels, tally{Name: p.in(l.Label), Count: n})
			}
		}
		if area > 0 {
			k.Area = formatNumber(area)
		}
		if oldest != "" {
			k.AsOf = value{text: text{S: p.Date(oldest)}, Time: string(oldest)}
		}
		p.Kinds = append(p.Kinds, k)
	}
}

func (p *basesPage) levels(all []carrier, kind, chosen string) {
	counts := map[string]int{}
	for _, c := range all {
		counts[c.level]++
	}
	add := func(name text, level string, n int) {
		state := "kind=" + kind
		if level != "" {
			state += "&level=" + level
		}
		p.Levels = append(p.Levels, chip{Text: name, Count: p.Number(n), On: level == chosen, Href: p.rq.path + join(p.query(1), state)})
	}
	add(text{S: p.texts["search.all"]}, "", len(all))
	for _, l := range catalog.LookupCodeList("designation-level").Codes() {
		if n := counts[l.Code]; n > 0 {
			add(p.in(l.Label), l.Code, n)
		}
	}
}

// base is a carrier as a card: its designations, place, area and firms.
func (s *sheet) base(c carrier) card {
	out := s.card()
	out.Facts = nil
	for _, d := range list(s.m["designations"]) {
		if t := member(d, "title"); t != "" {
			out.Facts = append(out.Facts, fact{Values: []value{{text: s.zh(t)}}})
		}
	}
	out.Facts = append(out.Facts, s.take("division")...)
	add := func(key string, args ...any) {
		t, _ := s.T(key, args...)
		out.Facts = append(out.Facts, fact{Values: []value{{text: text{S: t}}}})
	}
	if c.area > 0 {
		add("bases.area", formatNumber(c.area))
	}
	if c.firms > 0 {
		add("bases.firms", s.Number(c.firms))
	}
	if c.asOf != "" && (c.area > 0 || c.firms > 0) {
		add("bases.asof", s.Date(c.asOf))
	}
	return out
}
