package kiosk

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"luoshu/catalog"
)

// layout says where the fields of a dataset stand on its pages. Fields are named by
// their top-level member. What no layout names is listed at the end of the page, so
// that nothing published stays unseen.
type layout struct {
	owner string   // whose it is, under the title
	card  []string // on a card of a list
	// facets are the fields to choose by in a search, before those of every dataset.
	facets []string
	// quiet are fields that a link chooses by and a visitor can let go of, but that no
	// search offers.
	quiet []string
	strip []string // in the row under the title
	prose []string // texts under a heading of their own
	deep  []string // texts that stand with the details
	offer []string // how to get it
	// outside is an address elsewhere, given as a code to scan.
	outside string
	// last names the day the record is good until: the first of these that it has.
	last []string
	// begins names the day a list is ordered by; without it, by identifier.
	begins string
	// latest names the day by which a list begins with the newest.
	latest string
}

var layouts = map[catalog.Dataset]layout{
	catalog.Achievements: {
		owner:  "organizations",
		card:   []string{"transfer_modes", "price"},
		strip:  []string{"stage", "application_status", "level"},
		deep:   []string{"advantages", "applications"},
		offer:  []string{"transfer_modes", "license_kinds", "price"},
		facets: []string{"trl", "stage", "transfer_modes", "completed_on"}, quiet: []string{"dual_use.direction"},
	},
	catalog.Demands: {
		owner:  "organizations",
		card:   []string{"kind", "budget", "deadline", "status"},
		strip:  []string{"kind", "status", "deadline"},
		prose:  []string{"indicators"},
		deep:   []string{"existing_base"},
		offer:  []string{"coop_modes", "budget", "period"},
		last:   []string{"deadline"},
		facets: []string{"kind", "status", "coop_modes", "local_first"}, quiet: []string{"dual_use.direction"},
	},
	catalog.Packages: {
		card:  []string{"issue_no", "period"},
		strip: []string{"issue_no", "theme", "period"},
		deep:  []string{"criteria"},
	},
	catalog.Organizations: {
		owner: "parent",
		card:  []string{"kinds", "division"},
		strip: []string{"kinds", "division"},
		offer: []string{"address", "telephone", "website"}, outside: "website",
		facets: []string{"kinds"},
	},
	catalog.Services: {
		owner:  "provider",
		card:   []string{"kind", "area", "fee"},
		strip:  []string{"kind", "area"},
		prose:  []string{"conditions"},
		offer:  []string{"fee"},
		facets: []string{"kind"},
	},
	catalog.Experts: {
		owner:  "organizations",
		card:   []string{"role", "divisions_served"},
		strip:  []string{"role", "divisions_served"},
		facets: []string{"role", "divisions_served"},
	},
	catalog.Policies: {
		owner:  "authority",
		card:   []string{"amount", "mode", "status"},
		strip:  []string{"amount", "mode", "status"},
		prose:  []string{"beneficiary", "condition"},
		offer:  []string{"doc_no", "clause", "issued_on"},
		facets: []string{"mode", "status", "issued_on"},
	},
	catalog.Events: {
		owner: "organizations",
		card:  []string{"kind", "starts_on", "venue"},
		strip: []string{"kind", "starts_on", "ends_on", "hours"},
		offer: []string{"venue"},
		last:  []string{"ends_on", "starts_on"}, begins: "starts_on",
		facets: []string{"kind"},
	},
	catalog.Catalogs: {
		owner:  "organizations",
		card:   []string{"edition", "source_ids", "issued_on"},
		strip:  []string{"edition", "source_ids", "issued_on"},
		facets: []string{"issued_on"}, latest: "issued_on",
	},
	catalog.Cases: {
		owner:  "organizations",
		card:   []string{"happened_on"},
		strip:  []string{"happened_on"},
		prose:  []string{"story", "outcome"},
		facets: []string{"happened_on"}, latest: "happened_on",
	},
	catalog.Notices: {
		owner: "exchange",
		card:  []string{"kind", "status", "price", "closes_on"},
		strip: []string{"kind", "status"},
		offer: []string{"price", "opens_on", "closes_on", "url"}, outside: "url",
		last:   []string{"closes_on"},
		facets: []string{"kind", "status"},
	},
	catalog.Indicators: {
		card:  []string{"period"},
		prose: []string{"definition"},
	},
}

// group is the fields of one top-level member.
type group struct {
	top    string
	fields []catalog.Field
	// object tells a member made of several fields from a plain one, many one
	// that repeats.
	object, many bool
}

// party reports whether the group names organizations, by identifier and name.
func (g group) party() bool {
	return g.object && len(g.fields) == 2 && g.fields[1].Path == g.fields[0].Path[:len(g.fields[0].Path)-2]+"name"
}

var groups = sync.OnceValue(func() map[catalog.Dataset][]group {
	all := map[catalog.Dataset][]group{}
	for info := range catalog.Datasets() {
		var list []group
		for _, f := range catalog.Fields(info.Name) {
			if n := len(list); n > 0 && list[n-1].top == f.Top() {
				list[n-1].fields = append(list[n-1].fields, f)
				continue
			}
			rest, object := strings.CutPrefix(f.Path, f.Top())
			list = append(list, group{
				top: f.Top(), fields: []catalog.Field{f},
				object: object && strings.Contains(rest, "."), many: strings.HasPrefix(rest, "[]"),
			})
		}
		all[info.Name] = list
	}
	return all
})

// sheet is one record on one page.
type sheet struct {
	*page
	ID      catalog.ID
	Dataset catalog.DatasetInfo
	m       map[string]any
	layout  layout
	groups  []group
	used    map[string]bool
}

// newSheet reads the record of e. The error wraps catalog.ErrDamaged.
func (p *page) newSheet(e catalog.Entry) (*sheet, error) {
	s := &sheet{page: p, ID: e.ID, layout: layouts[e.Dataset], groups: groups()[e.Dataset], used: map[string]bool{}}
	s.Dataset, _ = e.Dataset.Info()
	if err := json.Unmarshal(e.Raw, &s.m); err != nil {
		return nil, fmt.Errorf("record %s: %w: %w", e.ID, catalog.ErrDamaged, err)
	}
	return s, nil
}

func (s *sheet) str(name string) string  { v, _ := s.m[name].(string); return v }
func (s *sheet) num(name string) float64 { v, _ := s.m[name].(float64); return v }

// Sample is the label of an invented record, empty for any other.
func (s *sheet) Sample() string {
	if v, _ := s.m["sample"].(bool); v {
		return s.texts["sample"]
	}
	return ""
}

// Name is the record's title.
func (s *sheet) Name() text { return s.named("title") }

// OtherName is the title in the other language, empty where there is none.
func (s *sheet) OtherName() text {
	en := s.str("title_en")
	if en == "" {
		return text{}
	}
	if s.lang == "en" {
		return foreign("en", s.str("title"))
	}
	return foreign("zh", en)
}

// Lead is the abstract.
func (s *sheet) Lead() text { return s.named("abstract") }

func (s *sheet) named(field string) text {
	return s.In(catalog.Text{ZH: s.str(field), EN: s.str(field + "_en")})
}

// Over says of a record whose last day is before the day the release describes that
// it is over; it is empty for any other.
func (s *sheet) Over() string {
	if s.over() {
		return s.texts["over."+string(s.Dataset.Name)]
	}
	return ""
}

func (s *sheet) over() bool {
	for _, name := range s.layout.last {
		if day := s.str(name); day != "" {
			asOf := string(s.Release.AsOf)
			// A month or year is not over on a day within it.
			return day < asOf && !strings.HasPrefix(asOf, day)
		}
	}
	return false
}

// TRL is the badge of the technology readiness level; its Level is 0 where none is
// stated.
func (s *sheet) TRL() badge { return newBadge(min(9, max(0, int(s.num("trl"))))) }

// value is one displayed value.
type value struct {
	text
	Href  string // of a page of this site
	Time  string // the date in ISO 8601
	Also  text   // what the source calls it, or bases it on
	Note  string // such as the code of what is named
	Mono  bool   // a number or code to be compared character by character
	State string // of a withdrawn record: that it is
}

// fact is a field with its values.
type fact struct {
	Name   string
	Label  text
	Values []value
	// Entries hold a repeated object instead: its fields, entry by entry.
	Entries [][]fact
	Prose   bool
	Cut     bool // there are more values than those
}

// take returns those of tops that have a value, and marks them as shown.
func (s *sheet) take(tops ...string) []fact {
	var out []fact
	for _, top := range tops {
		i := slices.IndexFunc(s.groups, func(g group) bool { return g.top == top })
		s.used[top] = true
		if i >= 0 {
			out = append(out, s.facts(s.groups[i])...)
		}
	}
	return out
}

// facts returns the values of g in the record: none, one fact for a plain or
// repeated member, or one for each field of an object.
func (s *sheet) facts(g group) []fact {
	v, ok := s.m[g.top]
	if !ok || strings.HasPrefix(g.top, "printed_") { // for programs
		return nil
	}
	switch {
	case g.party():
		var values []value
		for _, o := range list(v) {
			values = append(values, s.party(member(o, "id"), member(o, "name")))
		}
		f := g.fields[1]
		return []fact{{Name: g.top, Label: s.In(f.Label), Values: values}}
	case g.object && g.many:
		f := fact{Name: g.top, Label: text{S: s.texts["section."+g.top]}}
		for _, o := range list(v) {
			f.Entries = append(f.Entries, s.object(g, o))
		}
		return []fact{f}
	case g.object:
		return s.object(g, v)
	}
	f := g.fields[0]
	if f.Type == "raw" {
		return s.raw(f, v)
	}
	out := fact{Name: g.top, Label: s.In(f.Label), Prose: f.Type == "text"}
	for _, one := range list(v) {
		if x := s.value(f, one); x.S != "" {
			out.Values = append(out.Values, x)
		}
	}
	if len(out.Values) == 0 {
		return nil
	}
	return []fact{out}
}

// object returns the fields of one object of g.
func (s *sheet) object(g group, v any) []fact {
	m, _ := v.(map[string]any)
	var out []fact
	for _, f := range g.fields {
		name := f.Path[strings.LastIndexByte(f.Path, '.')+1:]
		one, ok := m[name]
		if !ok || name == "normalized" && (one == m["number"] || one == m["value"]) {
			continue
		}
		x := s.value(f, one)
		if f.Path == "relations[].value" && m["scheme"] == "record" {
			x = s.reference(catalog.ID(x.S))
		}
		if x.S != "" {
			out = append(out, fact{Name: name, Label: s.In(f.Label), Values: []value{x}, Prose: f.Type == "text"})
		}
	}
	if g.top == "ip" {
		out = s.lastKnown(out, m)
	}
	return out
}

// lastKnown adds to a right what the data does not say: that the status or its date
// is missing. A number alone proves nothing.
func (s *sheet) lastKnown(out []fact, m map[string]any) []fact {
	if _, ok := m["status"]; !ok {
		f, _ := catalog.LookupField(s.Dataset.Name, "ip[].status")
		return append(out, fact{Name: "status", Label: s.In(f.Label), Values: []value{{text: text{S: s.texts["ip.status.none"]}}}})
	}
	if _, ok := m["status_on"]; !ok {
		f, _ := catalog.LookupField(s.Dataset.Name, "ip[].status_on")
		out = append(out, fact{Name: "status_on", Label: s.In(f.Label), Values: []value{{text: text{S: s.texts["ip.date.none"]}}}})
	}
	return out
}

// raw returns the source's own wordings, by the label of their field.
func (s *sheet) raw(f catalog.Field, v any) []fact {
	m, _ := v.(map[string]any)
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	var entry []fact
	for _, name := range names {
		label := text{S: name}
		if f, ok := catalog.LookupField(s.Dataset.Name, name); ok {
			label = s.In(f.Label)
		}
		entry = append(entry, fact{Name: name, Label: label, Values: []value{{text: s.zh(member(m, name))}}})
	}
	if len(entry) == 0 {
		return nil
	}
	return []fact{{Name: "raw", Label: s.In(f.Label), Entries: [][]fact{entry}}}
}

// list returns v's elements, or v itself as the only one.
func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func member(v any, name string) string {
	m, _ := v.(map[string]any)
	s, _ := m[name].(string)
	return s
}

// value returns one value of f as people read it; its text is empty where there is
// nothing to show.
func (s *sheet) value(f catalog.Field, v any) value {
	switch v := v.(type) {
	case float64:
		return value{text: text{S: formatNumber(v)}}
	case bool:
		return value{text: text{S: s.texts[map[bool]string{true: "yes", false: "no"}[v]]}}
	case map[string]any:
		if f.Type == "money" {
			return s.money(v)
		}
		return s.coded(member(v, "scheme"), member(v, "code"))
	case string:
		return s.written(f, v)
	}
	return value{}
}

func (s *sheet) written(f catalog.Field, v string) value {
	switch f.Type {
	case "date":
		return value{text: text{S: formatDate(catalog.Date(v), s.lang)}, Time: v}
	case "time":
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return value{text: text{S: v}}
		}
		return value{text: text{S: formatTime(t, s.lang)}, Time: v}
	case "code":
		return value{text: s.label(f.List, v)}
	case "ref":
		return s.reference(catalog.ID(v))
	case "dataset":
		info, _ := catalog.Dataset(v).Info()
		return value{text: s.In(info.Label)}
	case "id", "uscc", "digest", "slug", "url", "phone":
		return value{text: text{S: v}, Mono: true}
	}
	if strings.HasSuffix(f.Path, "_en") {
		return value{text: s.In(catalog.Text{EN: v})}
	}
	if f.Path == "relations[].normalized" || strings.HasPrefix(f.Path, "ip[].n") {
		return value{text: text{S: v}, Mono: true}
	}
	return value{text: s.zh(v)}
}

// label returns the label of a code, or the code where the list lacks it.
func (p *page) label(list, code string) text {
	if l := catalog.LookupCodeList(list); l != nil {
		if c, ok := l.Lookup(code); ok {
			return p.In(c.Label)
		}
	}
	return text{S: code}
}

// coded returns the label of a code of a named edition; a local scheme stands in the
// release's profile.
func (s *sheet) coded(scheme, code string) value {
	if l := catalog.LookupCodeList(scheme); l != nil {
		v := value{text: s.label(scheme, code), Note: code}
		// A class without an English name is named by the nearest above it that has
		// one: a code begins with those of its parents.
		for above := code; v.Lang != "" && s.lang == "en" && len(above) > 1; {
			above = above[:len(above)-1]
			if c, ok := l.Lookup(above); ok && c.Label.EN != "" {
				v.text = text{S: c.Label.EN}
			}
		}
		return v
	}
	for _, own := range s.Release.Schemes {
		if own.ID != scheme {
			continue
		}
		for _, c := range own.Codes {
			if c.Code == code {
				return value{text: s.In(c.Text), Also: s.In(own.Title)}
			}
		}
	}
	return value{text: text{S: code}, Note: scheme}
}

func (s *sheet) money(v map[string]any) value {
	m := catalog.Money{Currency: member(v, "currency")}
	m.Min, _ = v["min"].(float64)
	m.Max, _ = v["max"].(float64)
	m.Negotiable, _ = v["negotiable"].(bool)
	out := value{text: text{S: formatMoney(m, s.lang)}, Also: s.zh(member(v, "basis"))}
	if out.S == "" {
		out.text, out.Also = out.Also, text{}
	}
	return out
}

// party names an organization, with a link where the catalog has it.
func (s *sheet) party(id, name string) value {
	if id == "" {
		return value{text: s.zh(name)}
	}
	v := s.reference(catalog.ID(id))
	switch {
	case name == "" || name == v.S:
	case v.Href == "" || s.lang == "zh":
		v.text = s.zh(name)
	default:
		v.Also = s.zh(name)
	}
	return v
}

// reference names another record: by its title, with a link, where the release has
// it; as withdrawn where it once had.
func (p *page) reference(id catalog.ID) value {
	v := value{text: text{S: string(id)}, Note: string(id)}
	e, err := p.rq.snap.Find(id)
	if err != nil {
		v.Note = ""
		if t, ok := p.rq.snap.Tombstone(id); ok {
			v.State, v.Note = p.texts["withdrawn"], string(id)
			v.text = p.zh(t.Title)
		}
		return v
	}
	if other, err := p.newSheet(e); err == nil {
		v.text = other.Name()
	}
	v.Href = p.record(e.Dataset, e.ID)
	return v
}

// Owner says whose the record is.
func (s *sheet) Owner() []value {
	if s.layout.owner == "" {
		return nil
	}
	var out []value
	for _, g := range s.groups {
		if g.top == s.layout.owner {
			for _, f := range s.facts(g) {
				out = append(out, f.Values...)
			}
		}
	}
	return out
}
