package kiosk

import (
	"regexp"
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
	Source   text   // of the target
	Period   text
	By       text // the last year of the period, or the period where it names none
	Latest   bar
	All      []bar  // by date
	Groups   []bars // those of the whole city
	Parts    []bar  // those of its divisions, against each other: the target is not theirs
	// Reached says whether the target was met by what was last observed at the end of its
	// period; empty where nothing was.
	Reached string // yes or no
	Sample  string // the label of an invented record
}

// bars are successive observations of one definition, the only ones that can be
// compared by their length.
type bars struct {
	Definition text
	Bars       []bar
	TargetAt   string // place of the target along the bars, of 100; empty without
	most       float64
}

// years are those a period names.
var years = regexp.MustCompile(`(?:19|20|21)[0-9]{2}`)

func lastYear(period string) string {
	named := years.FindAllString(period, -1)
	if len(named) == 0 {
		return ""
	}
	return slices.Max(named)
}

// within reports whether every bar lies in or before the last year of period. A
// period that names no year has no end, and then no target is drawn: which of the
// definitions it was set for cannot be known.
func (b bars) within(period string) bool {
	end := lastYear(period)
	if end == "" {
		return false
	}
	for _, one := range b.Bars {
		if len(one.AsOf.Time) < len(end) || one.AsOf.Time[:len(end)] > end {
			return false
		}
	}
	return true
}

// measure sets the lengths of all against most.
func measure(all []bar, most float64) {
	for i := range all {
		all[i].Length = share(all[i].number, most)
	}
}

// bar is one observation.
type bar struct {
	number      float64
	Value       string
	Length      string // of 100
	AsOf        value
	Division    text
	Place       string // the page of the division, empty where the map lacks it
	Definition  text
	Source      text
	Provisional bool
}

// signs are those of the code list operator.
var signs = map[string]string{"gte": "≥ ", "gt": "> ", "lte": "≤ ", "lt": "< ", "eq": "= "}

// Differ reports whether the city was not always counted by the same definition.
func (g gauge) Differ() bool {
	return slices.ContainsFunc(g.Groups, func(b bars) bool { return b.Definition != g.Groups[0].Definition })
}

// Gauge returns the record as an indicator.
func (s *sheet) Gauge() gauge {
	g := gauge{
		ID: s.ID, Name: s.Name(), Href: s.Href("/" + string(catalog.Indicators) + "/" + string(s.ID)),
		Unit: s.in(catalog.Text{ZH: s.str("unit"), EN: s.str("unit_en")}), Period: s.zh(s.str("period")), Source: s.zh(s.str("target_source")),
	}
	all, _ := s.m["observations"].([]any)
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b any) int { return strings.Compare(member(a, "as_of"), member(b, "as_of")) })
	g.By = g.Period
	if year := lastYear(s.str("period")); year != "" {
		g.By = text{S: formatDate(catalog.Date(year), s.lang)}
	}
	target, has := s.m["target"].(float64)
	if has {
		g.Target = formatLarge(target, s.lang)
	}
	if operator := s.str("operator"); operator != "" {
		g.Operator, g.Sign = s.label("operator", operator), signs[operator]
		if s.lang == "en" {
			g.Operator.S = strings.ToLower(g.Operator.S) // it stands within a phrase
		}
	}
	mostOfParts := 0.0
	for _, o := range all {
		b := s.bar(o)
		g.All = append(g.All, b)
		if !citywide(o) {
			g.Parts, mostOfParts = append(g.Parts, b), max(mostOfParts, b.number)
			continue
		}
		n := len(g.Groups)
		if n == 0 || g.Groups[n-1].Definition != b.Definition {
			g.Groups, n = append(g.Groups, bars{Definition: b.Definition}), n+1
		}
		last := &g.Groups[n-1]
		last.Bars, last.most = append(last.Bars, b), max(last.most, b.number)
	}
	for i := range slices.Backward(g.Groups) {
		if has && g.Groups[i].within(s.str("period")) {
			g.Groups[i].most = max(g.Groups[i].most, target)
			g.Groups[i].TargetAt = share(target, g.Groups[i].most)
			g.Reached = reached(g.Groups[i].Bars, lastYear(s.str("period")), s.str("operator"), target)
			break
		}
	}
	for _, group := range g.Groups {
		measure(group.Bars, group.most)
	}
	measure(g.Parts, mostOfParts)
	switch n := len(g.Groups); {
	case n > 0:
		g.Latest = g.Groups[n-1].Bars[len(g.Groups[n-1].Bars)-1]
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
		number: number(o), Value: formatLarge(number(o), s.lang), AsOf: value{text: text{S: formatDate(asOf, s.lang)}, Time: string(asOf)},
		Definition: s.zh(member(o, "definition")), Source: s.zh(member(o, "source")), Provisional: provisional,
	}
	if d := member(o, "division"); d != "" {
		b.Division = s.label("division", d)
		if _, ok := spots()[d]; ok {
			b.Place = s.Href("/places/" + d)
		}
	}
	return b
}

// reached compares what was last observed in year with the target. It says nothing of
// a provisional figure, and nothing where the year was not observed.
func reached(all []bar, year, operator string, target float64) string {
	last := all[len(all)-1]
	if last.Provisional || !strings.HasPrefix(last.AsOf.Time, year) {
		return ""
	}
	met, ok := map[string]bool{
		"gte": last.number >= target, "gt": last.number > target, "lte": last.number <= target, "lt": last.number < target, "eq": last.number == target,
	}[operator]
	switch {
	case !ok:
		return ""
	case met:
		return "yes"
	}
	return "no"
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
