package snapshot

import (
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// SearchField is a field by which records are filtered, counted or ordered.
type SearchField struct {
	catalog.Field
	// Name is the path without the marks of lists: organizations.name.
	Name string
	// Ordered tells numbers and dates, which have ranges and can be sorted by, from
	// values that are only equal or not.
	Ordered bool
}

// SearchFields returns the fields a search in d can name, in the order of the
// schema. With an empty d they are the ones that every dataset has.
func SearchFields(d catalog.Dataset) []SearchField { return loadSearchFields()[d].list }

// LookupSearchField returns the field of that name or path for a search in d.
func LookupSearchField(d catalog.Dataset, name string) (SearchField, bool) {
	fields := loadSearchFields()[d]
	i, ok := fields.byName[name]
	if !ok {
		return SearchField{}, false
	}
	return fields.list[i], true
}

type searchFields struct {
	list   []SearchField
	byName map[string]int
}

var loadSearchFields = sync.OnceValue(func() map[catalog.Dataset]searchFields {
	all := map[catalog.Dataset]searchFields{}
	add := func(d catalog.Dataset, f catalog.Field, k kind) {
		fields := all[d]
		if fields.byName == nil {
			fields.byName = map[string]int{}
		}
		name := strings.ReplaceAll(f.Path, "[]", "")
		fields.byName[name], fields.byName[f.Path] = len(fields.list), len(fields.list)
		fields.list = append(fields.list, SearchField{Field: f, Name: name, Ordered: k == numbers})
		all[d] = fields
	}
	for d := range catalog.Datasets() {
		for _, f := range catalog.Fields(d.Name) {
			if f.Type == "money" {
				for _, end := range []struct{ name, zh, en string }{{"min", "（最低）", ", least"}, {"max", "（最高）", ", most"}} {
					label := catalog.Text{ZH: f.Label.ZH + end.zh, EN: f.Label.EN + end.en}
					add(d.Name, catalog.Field{Path: f.Path + "." + end.name, Type: "number", Label: label}, numbers)
				}
				continue
			}
			k := kindOf(f)
			if k == noColumn {
				continue
			}
			shared := sharedField(f.Path)
			if shared && d.Name == catalog.Achievements {
				add("", f, k)
			}
			// Within a dataset its name says nothing.
			if f.Type != "dataset" {
				add(d.Name, f, k)
			}
		}
	}
	return all
})

// CodeList returns the list a value of the field must be of, or nil.
func (f SearchField) CodeList() *catalog.CodeList {
	switch {
	case f.Type == "code":
		return catalog.LookupCodeList(f.List)
	case f.Path == "industries[]":
		return catalog.LookupCodeList("gbt4754-2017")
	case f.Path == "disciplines[]":
		return catalog.LookupCodeList("gbt13745-2009")
	}
	return nil
}

// Valid reports whether v can be compared with the values of an ordered field: a
// number, or a day, month or year.
func (f SearchField) Valid(v string) bool {
	_, _, ok := (&column{typ: f.Type}).span(v)
	return ok
}

// Label returns what a value of f is called, as the release says it: the wording of a
// code, the name of a dataset, the title of a record. It is empty for a value that
// speaks for itself.
func (s *Snapshot) Label(f SearchField, value string) catalog.Text {
	if l := f.CodeList(); l != nil {
		c, _ := l.Lookup(value)
		return c.Label
	}
	switch f.Type {
	case "bool":
		return map[string]catalog.Text{"true": {ZH: "是", EN: "Yes"}, "false": {ZH: "否", EN: "No"}}[value]
	case "dataset":
		info, _ := catalog.Dataset(value).Info()
		return info.Label
	case "coded":
		c, _ := s.SchemeCode(value)
		return c
	case "ref":
		if e, err := s.Find(catalog.ID(value)); err == nil {
			return titleOf(e)
		}
	}
	return catalog.Text{}
}

// SchemeCode returns the wording of a code of a local scheme, written scheme:code,
// and whether the release has it.
func (s *Snapshot) SchemeCode(value string) (catalog.Text, bool) {
	scheme, code, _ := strings.Cut(value, ":")
	for _, own := range s.manifest.Schemes {
		if own.ID != scheme {
			continue
		}
		for _, c := range own.Codes {
			if c.Code == code {
				return c.Text, true
			}
		}
	}
	return catalog.Text{}, false
}

func titleOf(e catalog.Entry) catalog.Text {
	var r struct {
		Title   string `json:"title"`
		TitleEN string `json:"title_en"`
	}
	_ = json.Unmarshal(e.Raw, &r) // a record of a verified release
	return catalog.Text{ZH: r.Title, EN: r.TitleEN}
}
