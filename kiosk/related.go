package kiosk

import (
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	matchSize = 5 // matches of a kind
	reasons   = 4 // of a match, the weightiest
)

// related are records that belong to another, under a heading.
type related struct {
	Label text
	Total string
	Cards []card
}

// kinds are the parts that hold what fits a record, in their order.
var kinds = []struct {
	part string
	kind snapshot.MatchKind
	text string // key
}{
	{"demands", snapshot.DemandFits, "part.demands"},
	{"achievements", snapshot.AchievementFits, "part.achievements"},
	{"policies", snapshot.PolicyApplies, "part.policies"},
	{"services", snapshot.ServiceFits, "part.services"},
	{"similar", snapshot.Similar, "part.similar"},
}

// ownPart begins the names of the parts that hold what belongs to an organization; a
// dataset follows.
const ownPart = "own-"

// partNamed returns s if it can name a part, else the first part.
func partNamed(s string) string {
	d, own := strings.CutPrefix(s, ownPart)
	switch _, ok := catalog.Dataset(d).Info(); {
	case own && ok, s == "rights", s == "links", s == "details":
		return s
	}
	for _, k := range kinds {
		if k.part == s {
			return s
		}
	}
	return ""
}

// parts finds out which parts the record has. Without the one that is asked for the
// first is shown.
func (p *detailPage) parts(asked string) error {
	add := func(name string, label text, n int) {
		c := chip{Text: label, Href: p.part(name, 1), On: name == asked}
		if c.On {
			p.Part = name
		}
		if n > 0 {
			c.Count = p.Number(n)
		}
		p.Parts = append(p.Parts, c)
	}
	add("", text{S: p.texts["part.first"]}, 0)
	var err error
	if p.links, err = p.rq.snap.Relations(snapshot.RelationQuery{ID: p.ID}); err != nil {
		return err
	}
	// What a record names in a field of its own is shown there.
	p.links = slices.DeleteFunc(p.links, func(l snapshot.Links) bool { return !l.Reverse && l.Type == "" })
	others := total(p.links)
	if p.Dataset.Name == catalog.Organizations {
		for info := range catalog.Datasets() {
			if n := total(p.among(ownPart + string(info.Name))); n > 0 {
				add(ownPart+string(info.Name), p.In(info.Label), n)
				others -= n
			}
		}
	}
	if n := count(p.Rights); n > 0 {
		add("rights", text{S: p.texts["part.rights"]}, n)
	}
	if p.matches, err = p.rq.snap.Matches(p.ID, matchSize); err != nil {
		return err
	}
	for _, k := range kinds {
		if n := len(p.fitting(k.kind)); n > 0 {
			add(k.part, text{S: p.texts[k.text]}, n)
		}
	}
	if others > 0 {
		add("links", text{S: p.texts["part.links"]}, others)
	}
	add("details", text{S: p.texts["part.details"]}, 0)
	if p.Part == "" {
		p.Parts[0].On = true
	}
	return nil
}

func count(sections []fact) (n int) {
	for _, f := range sections {
		n += len(f.Entries)
	}
	return n
}

func total(links []snapshot.Links) (n int) {
	for _, l := range links {
		n += l.Total
	}
	return n
}

func (p *detailPage) fitting(kind snapshot.MatchKind) []snapshot.Match {
	var fit []snapshot.Match
	for _, m := range p.matches {
		if m.Kind == kind {
			fit = append(fit, m)
		}
	}
	return fit
}

// among returns the links that stand in a part.
func (p *detailPage) among(part string) []snapshot.Links {
	d, own := strings.CutPrefix(part, ownPart)
	var in []snapshot.Links
	for _, l := range p.links {
		apart := p.Dataset.Name == catalog.Organizations && l.Reverse
		if own && apart && string(l.Dataset) == d || !own && !apart {
			in = append(in, l)
		}
	}
	return in
}

// fill reads the records of page at of the part that is shown.
func (p *detailPage) fill(at int) error {
	switch {
	case p.Part == "":
		items := p.items()
		from, to := p.turns(len(items), at, itemSize, p.atPage)
		for _, id := range items[from:to] {
			p.Items = append(p.Items, p.item(id))
		}
		return nil
	case p.Part == "links" || strings.HasPrefix(p.Part, ownPart):
		in := p.among(p.Part)
		from, to := p.turns(total(in), at, itemSize, p.atPage)
		return p.linked(in, from, to)
	}
	for _, k := range kinds {
		if k.part == p.Part {
			p.Guess = true
			return p.matched(k.kind, text{S: p.texts[k.text]})
		}
	}
	return nil
}

// items are the records that this one lists.
func (s *sheet) items() []catalog.ID {
	all, _ := s.m["items"].([]any)
	ids := make([]catalog.ID, 0, len(all))
	for _, v := range all {
		if id, ok := v.(string); ok {
			ids = append(ids, catalog.ID(id))
		}
	}
	return ids
}

// atPage returns the link to page n of the part that is shown.
func (p *detailPage) atPage(n int) string { return p.part(p.Part, n) }

// linked reads those of the linked records, all groups in a row, that stand from
// number from up to number to.
func (p *detailPage) linked(groups []snapshot.Links, from, to int) error {
	before := 0
	for _, g := range groups {
		skip := max(0, from-before)
		n := min(to-before, g.Total) - skip
		before += g.Total
		if n <= 0 {
			continue
		}
		all, err := p.rq.snap.Relations(snapshot.RelationQuery{ID: p.ID, Dataset: g.Dataset, Field: g.Field, Skip: skip, Limit: n})
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.Reverse != g.Reverse || l.Type != g.Type {
				continue
			}
			r := related{Label: p.In(l.Label), Total: p.Number(l.Total)}
			for _, e := range l.Entries {
				r.Cards = append(r.Cards, p.item(e.ID))
			}
			p.Related = append(p.Related, r)
		}
	}
	return nil
}

// matched reads what fits the record, and why.
func (p *detailPage) matched(kind snapshot.MatchKind, label text) error {
	r := related{Label: label}
	for _, m := range p.fitting(kind) {
		e, err := p.rq.snap.Find(m.ID)
		if err != nil {
			return err
		}
		s, err := p.newSheet(e)
		if err != nil {
			return err
		}
		c := s.card()
		c.Abstract = text{}
		if kind == snapshot.PolicyApplies {
			c.Facts = slices.DeleteFunc(c.Facts, func(f fact) bool { return f.Name == "status" })
			c.Facts = append(c.Facts, fact{Name: "validity", Values: []value{{text: s.validity()}}})
		}
		for _, part := range m.Parts[:min(reasons, len(m.Parts))] {
			c.Why = append(c.Why, p.In(part.Why))
		}
		r.Cards = append(r.Cards, c)
	}
	p.Related = []related{r}
	return nil
}

// validity says what a policy's record tells of whether it is in force: when it was
// issued, its status, and until when it holds.
func (s *sheet) validity() text {
	var known []string
	say := func(key string, args ...any) {
		if t, err := s.T(key, args...); err == nil {
			known = append(known, t)
		}
	}
	if issued := s.str("issued_on"); len(issued) >= 4 {
		say("policy.issued", issued[:4])
	}
	switch status := s.str("status"); status {
	case "":
		say("policy.unknown")
	case "issued-confirm":
		say("policy.confirm")
	default:
		known = append(known, s.label("policy-status", status).S)
	}
	if until := s.str("valid_until"); until != "" {
		say("policy.until", formatDate(catalog.Date(until), s.lang))
	}
	return text{S: strings.Join(known, s.texts["comma"])}
}

// readTrail reads where the visitor came from: a record and one of its parts, the measures,
// a month, the list to take away, or the search. The zero trail is none of these.
func (rq *request) readTrail() (t trail) {
	from := rq.args.Get("from")
	if from == "take" || from == "search" {
		return trail{param: "from=" + from, path: "/" + from}
	}
	for _, read := range []func(string) (trail, bool){supportTrail, agendaTrail} {
		if t, ok := read(from); ok {
			return t
		}
	}
	name, part, _ := strings.Cut(from, ".")
	id, err := catalog.ParseID(name)
	if err != nil {
		return trail{}
	}
	if _, err := rq.snap.Find(id); err != nil {
		return trail{}
	}
	t = trail{param: "from=" + string(id), path: "/" + string(id.Dataset()) + "/" + string(id)}
	if part = partNamed(part); part != "" {
		t.param, t.state = t.param+"."+part, "part="+part
	}
	return t
}

// trail is the way back to where a visitor came from.
type trail struct {
	param string // as it stands in the address
	path  string
	state string // parameters of path
	page  int    // of path, 0 where it has none
}
