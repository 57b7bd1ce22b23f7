package kiosk

import (
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
)

// gauge is an indicator: its target against what was observed.
type gauge struct {
	ID       catalog.ID
	Name     text
	Href     string
	Unit     text
	Operator text   // of the target: at least, at most
	Sign     string // the same as a sign
	Target   string // empty where none was set
	TargetAt string // its place along the bars, of 100
	Source   text   // of the target
	Period   text
	Latest   bar
	All      []bar // by date
	Bars     []bar // those of the whole city, against the target
	Parts    []bar // those of its divisions, against each other: the target is not theirs
}

// bar is one observation.
type bar struct {
	Value       string
	Length      string // of 100
	AsOf        value
	Division    text
	Definition  text
	Source      text
	Provisional bool
}

// signs are those of the code list operator.
var signs = map[string]string{"gte": "≥ ", "gt": "> ", "lte": "≤ ", "lt": "< ", "eq": "= "}

// Gauge returns the record as an indicator.
func (s *sheet) Gauge() gauge {
	g := gauge{
		ID: s.ID, Name: s.Name(), Href: s.Href("/" + string(catalog.Indicators) + "/" + string(s.ID)),
		Unit: s.in(catalog.Text{ZH: s.str("unit"), EN: s.str("unit_en")}), Period: s.zh(s.str("period")), Source: s.zh(s.str("target_source")),
	}
	all, _ := s.m["observations"].([]any)
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b any) int { return strings.Compare(member(a, "as_of"), member(b, "as_of")) })
	target, has := s.m["target"].(float64)
	most, mostOfParts := target, 0.0
	for _, o := range all {
		if citywide(o) {
			most = max(most, number(o))
		} else {
			mostOfParts = max(mostOfParts, number(o))
		}
	}
	if has {
		g.Target, g.TargetAt = formatLarge(target, s.lang), share(target, most)
	}
	if operator := s.str("operator"); operator != "" {
		g.Operator, g.Sign = s.label("operator", operator), signs[operator]
	}
	for _, o := range all {
		b := s.bar(o)
		if citywide(o) {
			b.Length = share(number(o), most)
			g.Bars = append(g.Bars, b)
		} else {
			b.Length = share(number(o), mostOfParts)
			g.Parts = append(g.Parts, b)
		}
		g.All = append(g.All, b)
	}
	switch {
	case len(g.Bars) > 0:
		g.Latest = g.Bars[len(g.Bars)-1]
	case len(g.Parts) > 0:
		g.Latest = g.Parts[len(g.Parts)-1]
	}
	return g
}

func (s *sheet) bar(o any) bar {
	m, _ := o.(map[string]any)
	provisional, _ := m["provisional"].(bool)
	asOf := catalog.Date(member(o, "as_of"))
	b := bar{
		Value: formatLarge(number(o), s.lang), AsOf: value{text: text{S: formatDate(asOf, s.lang)}, Time: string(asOf)},
		Definition: s.zh(member(o, "definition")), Source: s.zh(member(o, "source")), Provisional: provisional,
	}
	if d := member(o, "division"); d != "" {
		b.Division = s.label("division", d)
	}
	return b
}

// citywide reports whether an observation counts the whole city: it names no
// division, or one whose code ends in 00 (GB/T 2260).
func citywide(o any) bool {
	d := member(o, "division")
	return d == "" || strings.HasSuffix(d, "00")
}

func number(o any) float64 {
	m, _ := o.(map[string]any)
	v, _ := m["value"].(float64)
	return v
}

// share returns part of all in hundredths.
func share(part, all float64) string {
	if all <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*part/all, 'f', 2, 64)
}
