package snapshot

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"luoshu/catalog"
)

// The rules by which two records fit each other beside their text. What is a matter
// of judgment stands in tables.

//go:embed expectations.csv conditions.csv needs.csv
var ruleFiles embed.FS

// codeSet is a set of codes.
type codeSet []string

func (c codeSet) contains(code string) bool { return slices.Contains(c, code) }

// looksFor says which kinds of organizations look for achievements, and which have
// something to offer to a demand.
var looksFor = map[MatchKind]codeSet{
	AchievementFits: {"enterprise"},
	DemandFits:      {"enterprise", "university", "institute", "new-rd", "industrial-institute", "innovation-center", "pilot-base"},
}

// pair is two records that are compared.
type pair struct {
	s    *Snapshot
	a, b *listing
}

// own reports whether one of the two is a listing of the other.
func (p *pair) own() bool {
	o, other := p.a, p.b
	if _, ok := o.record.(*catalog.Organization); !ok {
		return false
	}
	return slices.ContainsFunc(partiesOf(other.record), func(party catalog.Party) bool {
		return party.ID == o.entry.ID || party.Name == o.head.Title
	})
}

func partiesOf(r catalog.Record) []catalog.Party {
	switch r := r.(type) {
	case *catalog.Achievement:
		return r.Organizations
	case *catalog.Demand:
		return r.Organizations
	}
	return nil
}

// parts returns the reasons other than the text. A relation comes first.
func (p *pair) parts() []Part {
	var parts []Part
	add := func(name string, points int, why catalog.Text) {
		if points > 0 {
			parts = append(parts, Part{name, points, why})
		}
	}
	for _, rule := range []struct {
		name string
		rate func(*pair) (int, catalog.Text)
	}{{"relation", (*pair).relation}, {"keyword", (*pair).keywords}, {"industry", (*pair).industry}, {"discipline", (*pair).discipline}, {"tech_field", (*pair).techField}} {
		points, why := rule.rate(p)
		add(rule.name, points, why)
	}
	d, a := p.demandAndAchievement()
	switch {
	case d != nil && a != nil:
		points, why := readinessFor(d, a)
		add("trl", points, why)
		points, why = stageFor(d, a)
		add("stage", points, why)
		points, why = modeFor(d, a)
		add("mode", points, why)
		points, why = priceFor(d, a)
		add("price", points, why)
	case p.a.entry.Dataset == p.b.entry.Dataset && a != nil:
		other := p.b.record.(*catalog.Achievement)
		points, why := sameReadiness(a, other)
		add("trl", points, why)
		points, why = sameStage(a, other)
		add("stage", points, why)
	}
	points, why := p.place(d != nil && a != nil && d.LocalFirst)
	add("division", points, why)
	return parts
}

// worthwhile reports whether two records with these parts and so many points of text
// are of interest to each other: linked, of one field, or very much alike.
func (p *pair) worthwhile(parts []Part, text int) bool {
	if text >= textAlone {
		return true
	}
	return slices.ContainsFunc(parts, func(part Part) bool {
		switch part.Name {
		case "relation":
			return true
		case "industry":
			if p.a.entry.Dataset == catalog.Organizations && part.Points >= 12 {
				return text >= textHint
			}
			return text >= textFloor && part.Points >= 8
		case "discipline":
			return text >= textFloor && part.Points >= 8
		}
		return false
	})
}

// demandAndAchievement returns the two, whichever is which, where there is one; of
// two achievements the first.
func (p *pair) demandAndAchievement() (d *catalog.Demand, a *catalog.Achievement) {
	for _, l := range []*listing{p.b, p.a} {
		switch r := l.record.(type) {
		case *catalog.Demand:
			d = r
		case *catalog.Achievement:
			a = r
		}
	}
	return d, a
}

func said(zh, en string, args ...any) catalog.Text {
	return catalog.Text{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}
}

// saidOf fills in texts in both languages.
func saidOf(zh, en string, args ...catalog.Text) catalog.Text {
	z, e := make([]any, len(args)), make([]any, len(args))
	for i, a := range args {
		z[i], e[i] = a.In("zh"), a.In("en")
	}
	return catalog.Text{ZH: fmt.Sprintf(zh, z...), EN: fmt.Sprintf(en, e...)}
}

func labelOf(list, code string) catalog.Text {
	if l := catalog.LookupCodeList(list); l != nil {
		if c, ok := l.Lookup(code); ok {
			return c.Label
		}
	}
	return catalog.Text{ZH: code, EN: code}
}

// relation: the catalog itself says so.
func (p *pair) relation() (int, catalog.Text) {
	best, kind := 0, ""
	for _, l := range [2][2]uint32{{p.a.doc, p.b.doc}, {p.b.doc, p.a.doc}} {
		docs, ways := p.s.relations.forward.of(l[0])
		for i, doc := range docs {
			if doc != l[1] || p.s.relations.kind(ways[i]) == "" {
				continue
			}
			points := 15
			if k := p.s.relations.kind(ways[i]); k == "answers" {
				points = 30
			}
			if points > best {
				best, kind = points, p.s.relations.kind(ways[i])
			}
		}
	}
	if best == 0 {
		return 0, catalog.Text{}
	}
	return best, saidOf("目录注明的关联：%s", "linked by the catalog: %s", labelOf("relation-type", kind))
}

func (p *pair) keywords() (int, catalog.Text) {
	var common []string
	for _, k := range p.a.head.Keywords {
		if slices.ContainsFunc(p.b.head.Keywords, func(o string) bool { return strings.EqualFold(o, k) }) {
			common = append(common, k)
		}
	}
	if len(common) == 0 {
		return 0, catalog.Text{}
	}
	slices.Sort(common)
	common = slices.Compact(common)
	return min(8, 4*len(common)), saidOf("共有关键词：%s", "common keywords: %s", catalog.Text{ZH: strings.Join(common, "、"), EN: strings.Join(common, ", ")})
}

// level is a depth of a classification: codes that agree in so many characters
// belong together that much.
type level struct{ length, points int }

var (
	industryLevels   = []level{{4, 16}, {3, 12}, {2, 8}}
	disciplineLevels = []level{{7, 10}, {5, 8}, {3, 5}}
)

func (p *pair) industry() (int, catalog.Text) {
	points, code := closest("gbt4754-2017", p.a.head.Industries, p.b.head.Industries, industryLevels)
	if points == 0 {
		return 0, catalog.Text{}
	}
	return points, saidOf("同属%s（%s）", "same industry: %s (%s)", labelOf("gbt4754-2017", code), catalog.Text{ZH: code})
}

func (p *pair) discipline() (int, catalog.Text) {
	points, code := closest("gbt13745-2009", p.a.head.Disciplines, p.b.head.Disciplines, disciplineLevels)
	if points == 0 {
		return 0, catalog.Text{}
	}
	return points, saidOf("同属%s学科（%s）", "same discipline: %s (%s)", labelOf("gbt13745-2009", code), catalog.Text{ZH: code})
}

// sectionPoints is for sharing no more than a section, where one of the two says
// nothing finer.
const sectionPoints = 3

// closest returns the points of the finest class two lists of codes share, and the
// class; of several the first by code.
func closest(scheme string, a, b []catalog.Coded, levels []level) (points int, class string) {
	for _, x := range a {
		for _, y := range b {
			if x.Scheme != scheme || y.Scheme != scheme {
				continue
			}
			n, c := closeness(scheme, x.Code, y.Code, levels)
			if n > points || n == points && n > 0 && c < class {
				points, class = n, c
			}
		}
	}
	return points, class
}

func closeness(scheme, a, b string, levels []level) (int, string) {
	if isSection(a) || isSection(b) {
		if s := sectionOf(scheme, a); s != "" && s == sectionOf(scheme, b) {
			return sectionPoints, s
		}
		return 0, ""
	}
	for _, l := range levels {
		if len(a) >= l.length && len(b) >= l.length && a[:l.length] == b[:l.length] {
			return l.points, a[:l.length]
		}
	}
	return 0, ""
}

func isSection(code string) bool { return len(code) == 1 && code[0] >= 'A' && code[0] <= 'Z' }

// sectionOf returns the letter of the section a code lies in. The lists have every
// section before its divisions.
func sectionOf(scheme, code string) string {
	if isSection(code) {
		return code
	}
	return loadSections()[scheme][code]
}

var loadSections = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, scheme := range []string{"gbt4754-2017", "gbt13745-2009"} {
		all[scheme] = map[string]string{}
		section := ""
		for _, c := range catalog.LookupCodeList(scheme).Codes() {
			if isSection(c.Code) {
				section = c.Code
			}
			all[scheme][c.Code] = section
		}
	}
	return all
})

func (p *pair) techField() (int, catalog.Text) {
	common := ""
	for _, f := range p.a.head.TechFields {
		if slices.Contains(p.b.head.TechFields, f) && (common == "" || f < common) {
			common = f
		}
	}
	if common == "" {
		return 0, catalog.Text{}
	}
	return 4, saidOf("同属%s领域", "same field: %s", labelOf("tech-field", common))
}

// place rates where the two are. localFirst says that a demand would rather have
// what is near.
func (p *pair) place(localFirst bool) (int, catalog.Text) {
	a, b := divisionNow(p.a.head.Division), divisionNow(p.b.head.Division)
	switch city := cityOf(a); {
	case a == "" || b == "" || cityOf(b) != city:
		return 0, catalog.Text{}
	case a == b && a != city:
		return 4, saidOf("同在%s", "both in %s", labelOf("division", a))
	case localFirst:
		return 3, saidOf("需求方本地优先，同在%s", "the demand puts local results first: both in %s", labelOf("division", city))
	default:
		return 1, saidOf("同在%s", "both in %s", labelOf("division", city))
	}
}

// divisionNow returns what a division is now, if it was merged or renamed.
func divisionNow(code string) string {
	list := catalog.LookupCodeList("division")
	for range 4 {
		c, ok := list.Lookup(code)
		if !ok || c.Successor == "" {
			break
		}
		code = c.Successor
	}
	return code
}

// cityOf returns the prefecture a division belongs to (GB/T 2260).
func cityOf(code string) string {
	if len(code) != 6 {
		return ""
	}
	return code[:4] + "00"
}

// expectation is what a kind of demand wants of an achievement.
type expectation struct {
	least, most int // TRL
	stages      codeSet
	words       catalog.Text
}

// What readiness is worth within the expected range, and less for every level
// outside it.
const (
	readinessPoints  = 6
	readinessPenalty = 2
	stagePoints      = 4
)

var loadExpectations = sync.OnceValue(func() map[string]expectation {
	all := map[string]expectation{}
	for _, row := range catalog.ReadTable(ruleFiles, "expectations.csv") {
		e := expectation{stages: strings.Split(row["stages"], "|"), words: catalog.Text{ZH: row["zh"], EN: row["en"]}}
		e.least, _ = strconv.Atoi(row["trl_least"])
		e.most, _ = strconv.Atoi(row["trl_most"])
		all[row["kind"]] = e
	}
	return all
})

func readinessFor(d *catalog.Demand, a *catalog.Achievement) (int, catalog.Text) {
	e, ok := loadExpectations()[d.Kind]
	if !ok || a.TRL == 0 {
		return 0, catalog.Text{}
	}
	outside := max(0, e.least-a.TRL, a.TRL-e.most)
	points := readinessPoints - readinessPenalty*outside
	if points <= 0 {
		return 0, catalog.Text{}
	}
	level := strconv.Itoa(a.TRL)
	if outside == 0 {
		return points, saidOf("技术就绪度 %s，%s", "readiness level %s: %s", catalog.Text{ZH: level}, e.words)
	}
	wanted := catalog.Text{ZH: fmt.Sprintf("%d 至 %d", e.least, e.most), EN: fmt.Sprintf("%d to %d", e.least, e.most)}
	return points, saidOf("技术就绪度 %s，接近%s所需的 %s", "readiness level %s; for “%s” it should be %s",
		catalog.Text{ZH: level}, labelOf("demand-kind", d.Kind), wanted)
}

func stageFor(d *catalog.Demand, a *catalog.Achievement) (int, catalog.Text) {
	e, ok := loadExpectations()[d.Kind]
	if !ok || a.Stage == "" || !e.stages.contains(a.Stage) {
		return 0, catalog.Text{}
	}
	return stagePoints, saidOf("处于%s，适合%s", "stage: %s; suits: %s", labelOf("stage", a.Stage), labelOf("demand-kind", d.Kind))
}

func sameReadiness(a, b *catalog.Achievement) (int, catalog.Text) {
	if a.TRL == 0 || b.TRL == 0 || max(a.TRL, b.TRL)-min(a.TRL, b.TRL) > 1 {
		return 0, catalog.Text{}
	}
	return 2, said("技术就绪度相近（%d、%d）", "near in readiness (%d, %d)", min(a.TRL, b.TRL), max(a.TRL, b.TRL))
}

func sameStage(a, b *catalog.Achievement) (int, catalog.Text) {
	if a.Stage == "" || a.Stage != b.Stage {
		return 0, catalog.Text{}
	}
	return 2, saidOf("同处%s", "same stage: %s", labelOf("stage", a.Stage))
}

// offered says by which transfer modes a way to cooperate can be met.
var offered = map[string]codeSet{
	"assignment": {"assignment", "license"},
	"equity":     {"equity"},
	"joint":      {"joint"},
}

func modeFor(d *catalog.Demand, a *catalog.Achievement) (int, catalog.Text) {
	for _, c := range d.CoopModes {
		for _, t := range a.TransferModes {
			if offered[c].contains(t) {
				return 3, saidOf("需求方接受%s，成果可%s", "the demand takes: %s; the result offers: %s", labelOf("coop-mode", c), labelOf("transfer-mode", t))
			}
		}
	}
	return 0, catalog.Text{}
}

func priceFor(d *catalog.Demand, a *catalog.Achievement) (int, catalog.Text) {
	if d.Budget == nil || a.Price == nil || d.Budget.Currency != a.Price.Currency {
		return 0, catalog.Text{}
	}
	// The least that is asked; at most so much may be all of it.
	price, budget := a.Price.Min, d.Budget.Max
	if price == 0 {
		price = a.Price.Max
	}
	if price == 0 || budget == 0 || price > budget {
		return 0, catalog.Text{}
	}
	return 3, saidOf("意向价格 %s起，在预算 %s以内", "asking from %s, within the budget of %s", amount(price, d.Budget.Currency), amount(budget, d.Budget.Currency))
}

// amount words a sum of money.
func amount(n float64, currency string) catalog.Text {
	plain := strconv.FormatFloat(n, 'f', -1, 64)
	whole, rest, fraction := strings.Cut(plain, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction {
		whole += "." + rest
	}
	en := strings.TrimSpace(currency + " " + whole)
	if currency != "CNY" {
		return catalog.Text{ZH: en, EN: en}
	}
	zh := plain + " 元"
	if n >= 10_000 {
		zh = strconv.FormatFloat(n/10_000, 'f', -1, 64) + " 万元"
	}
	return catalog.Text{ZH: zh, EN: en}
}
