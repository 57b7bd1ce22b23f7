package kiosk

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	supportPath = "/support"
	supportSize = 5 // measures on a screen
	anything    = "any"
)

// aid is a policy as a visitor finds it.
type aid struct {
	entry catalog.Entry
	who   []string
	mode  string
	sum   bool // it names one
}

// measures returns what is not known to have ended on the day the release describes,
// those that name a sum first.
func (rq *request) measures() ([]aid, error) {
	return rq.h.measures.of(rq, func(rq *request) ([]aid, error) {
		p := rq.newPage(text{}, "")
		var all []aid
		for e := range rq.snap.All(catalog.Policies) {
			s, err := p.newSheet(e)
			if err != nil {
				return nil, err
			}
			until, asOf := s.str("valid_until"), string(p.Release.AsOf)
			if s.str("status") == "expired" || until != "" && until < asOf && !strings.HasPrefix(asOf, until) {
				continue
			}
			all = append(all, aid{entry: e, who: snapshot.AudiencesOf(s.str("beneficiary")), mode: s.str("mode"), sum: s.sum().S != ""})
		}
		slices.SortStableFunc(all, func(a, b aid) int { return cmp.Compare(trueFirst(a.sum), trueFirst(b.sum)) })
		return all, nil
	})
}

// sum is what a measure pays, empty where it names nothing.
func (s *sheet) sum() value {
	amount, ok := s.m["amount"].(map[string]any)
	if !ok {
		return value{}
	}
	return s.money(amount)
}

// supportPage are the measures for somebody, in full.
type supportPage struct {
	*page
	turn
	Measures []shown
	Whole    string // the list of all policies
	Desks    []catalog.Desk
}

// shown is a measure on the screen.
type shown struct {
	card
	Sum       value
	Condition text
	Authority text
	Validity  text
}

// support asks who the visitor is and what for, and shows what there is.
func (h *Handler) support(rq *request) (answer, error) {
	who, mode := rq.args.Get("who"), rq.args.Get("mode")
	if !audienceKnown(who) {
		who = ""
	}
	if who == "" || !modeKnown(mode) {
		mode = ""
	}
	if who != "" {
		rq.state = supportState(who, mode)
	}
	if mode != "" {
		return answer{template: "support", data: func() (any, error) { return rq.supported(who, mode) }}, nil
	}
	return answer{template: "ask", data: func() (any, error) {
		key, at, parent := "support.who", 0, "/"
		if who != "" {
			key, at, parent = "support.what", 1, supportPath
		}
		p, err := rq.asking(key, at, 2, parent)
		if err != nil {
			return nil, err
		}
		p.Note = p.texts["support.note"]
		all, err := p.rq.measures()
		if err != nil {
			return nil, err
		}
		to := func(who, mode string) string { return supportPath + join(p.query(1), supportState(who, mode)) }
		if who == "" {
			// Those for whom there is most come first.
			whom := slices.Clone(snapshot.Audiences())
			slices.SortStableFunc(whom, func(a, b string) int { return len(among(all, b, anything)) - len(among(all, a, anything)) })
			for _, name := range whom {
				p.answer(text{S: p.texts["support.who."+name]}, len(among(all, name, anything)), to(name, ""))
			}
			p.answer(text{S: p.texts["find.any"]}, len(all), to(anything, ""))
			return p, nil
		}
		for _, c := range catalog.LookupCodeList("policy-mode").Codes() {
			p.answer(p.In(c.Label), len(among(all, who, c.Code)), to(who, c.Code))
		}
		p.answer(text{S: p.texts["find.any"]}, len(among(all, who, anything)), to(who, anything))
		return p, nil
	}}, nil
}

// supportState returns the answers as the address says them.
func supportState(who, mode string) string {
	s := "who=" + who
	if mode != "" {
		s += "&mode=" + mode
	}
	return s
}

// supportTrail reads the way back to the measures that a record was found among.
func supportTrail(from string) (trail, bool) {
	part := strings.Split(from, ".")
	if len(part) != 4 || part[0] != "support" || !audienceKnown(part[1]) || !modeKnown(part[2]) {
		return trail{}, false
	}
	return trail{param: "from=" + from, path: supportPath, state: supportState(part[1], part[2]), page: pageNumber(part[3])}, true
}

func audienceKnown(who string) bool {
	return who == anything || slices.Contains(snapshot.Audiences(), who)
}

func modeKnown(mode string) bool {
	_, ok := catalog.LookupCodeList("policy-mode").Lookup(mode)
	return ok || mode == anything
}

// among returns the measures for who, in that mode.
func among(all []aid, who, mode string) []aid {
	var out []aid
	for _, m := range all {
		if (who == anything || slices.Contains(m.who, who)) && (mode == anything || m.mode == mode) {
			out = append(out, m)
		}
	}
	return out
}

func (rq *request) supported(who, mode string) (any, error) {
	p := supportPage{page: rq.newPage(text{S: rq.h.texts[rq.view.lang]["support.title"]}, supportPath)}
	p.parentState = supportState(who, "")
	p.Whole, p.Desks = p.Href("/"+string(catalog.Policies)), p.desks()
	all, err := p.rq.measures()
	if err != nil {
		return nil, err
	}
	found := among(all, who, mode)
	rq.page = min(rq.page, max(1, (len(found)+supportSize-1)/supportSize))
	from, to := (rq.page-1)*supportSize, min(rq.page*supportSize, len(found))
	p.turn = turn{From: min(from+1, len(found)), To: to, Total: len(found)}
	link := func(n int) string { return rq.path + join(p.query(n), rq.state) }
	if from > 0 {
		p.Previous = link(rq.page - 1)
	}
	if to < len(found) {
		p.Next = link(rq.page + 1)
	}
	p.trail = "from=" + strings.Join([]string{"support", who, mode, strconv.Itoa(rq.page)}, ".")
	for _, m := range found[from:to] {
		s, err := p.newSheet(m.entry)
		if err != nil {
			return nil, err
		}
		out := shown{card: s.card(), Sum: s.sum(), Condition: s.zh(s.str("condition")), Authority: s.zh(s.str("authority")), Validity: s.validity()}
		p.Measures = append(p.Measures, out)
	}
	return p, nil
}
