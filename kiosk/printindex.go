package kiosk

import (
	"cmp"
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// printIndex leads to the entries by something they have.
type printIndex struct {
	Title  string
	Groups []printGroup
}

// printGroup is a heading of an index, with the entries below it in their order.
type printGroup struct {
	Name    text
	Code    string
	Entries []*printEntry
}

// byOrganization names every organization of the print in the order of Pinyin.
func (p *printPage) byOrganization() printIndex {
	x := printIndex{Title: p.texts["print.by.organization"]}
	x.fill(p.Entries, func(e *printEntry) []value {
		owners := e.Owner()
		for i := range owners {
			owners[i].Note = "" // by name: not every owner is a record
		}
		return owners
	})
	slices.SortStableFunc(x.Groups, func(a, b printGroup) int { return snapshot.CompareNames(a.Name.S, b.Name.S) })
	return x
}

// byIndustry names the industries in the order of their codes; of an entry without one,
// its technical fields.
func (p *printPage) byIndustry() printIndex {
	x := printIndex{Title: p.texts["print.by.industry"]}
	fields := catalog.LookupCodeList("tech-field")
	x.fill(p.Entries, func(e *printEntry) []value {
		var values []value
		for _, v := range list(e.m["industries"]) {
			if v := e.coded(member(v, "scheme"), member(v, "code")); v.S != "" {
				values = append(values, v)
			}
		}
		if len(values) == 0 && e.m["tech_fields"] != nil {
			for _, v := range list(e.m["tech_fields"]) {
				code, _ := v.(string)
				if c, ok := fields.Lookup(code); ok {
					values = append(values, value{text: p.In(c.Label)})
				}
			}
		}
		return values
	})
	slices.SortStableFunc(x.Groups, func(a, b printGroup) int {
		return cmp.Or(last(a.Code == "")-last(b.Code == ""), strings.Compare(a.Code, b.Code), snapshot.CompareNames(a.Name.S, b.Name.S))
	})
	return x
}

// last is 1 of what goes behind everything else.
func last(behind bool) int {
	if behind {
		return 1
	}
	return 0
}

// fill puts every entry below each of its headings.
func (x *printIndex) fill(entries []*printEntry, headings func(*printEntry) []value) {
	at := map[string]int{}
	for _, e := range entries {
		for _, v := range headings(e) {
			key := v.Note + " " + v.S
			i, ok := at[key]
			if !ok {
				i = len(x.Groups)
				at[key] = i
				x.Groups = append(x.Groups, printGroup{Name: v.text, Code: v.Note})
			}
			if g := &x.Groups[i]; !slices.Contains(g.Entries, e) {
				g.Entries = append(g.Entries, e)
			}
		}
	}
}
