package opendata

import (
	"slices"
	"strings"
	"sync"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	maxValue = 200 // bytes of one value of a filter
	maxList  = 1000
	// maxItems bounds the values of one parameter.
	maxItems = 50
)

// FilterParameters describes the parameters that filter the records of a dataset by
// the fields it has: with an empty d by those that every dataset has. The operations
// that take them say so (Operation.Filters).
func FilterParameters(d catalog.Dataset) []Parameter { return loadFilters()[d] }

var loadFilters = sync.OnceValue(func() map[catalog.Dataset][]Parameter {
	all := map[catalog.Dataset][]Parameter{}
	add := func(d catalog.Dataset) {
		for _, f := range snapshot.SearchFields(d) {
			for _, way := range waysOf(f) {
				all[d] = append(all[d], filterParameter(f, way, len(all[d])))
			}
		}
	}
	add("")
	for d := range catalog.Datasets() {
		add(d.Name)
	}
	return all
})

// filterParameters returns the parameters of FilterParameters, by name.
func filterParameters(d catalog.Dataset) map[string]*Parameter { return loadFiltersByName()[d] }

var loadFiltersByName = sync.OnceValue(func() map[catalog.Dataset]map[string]*Parameter {
	all := map[catalog.Dataset]map[string]*Parameter{}
	for d, list := range loadFilters() {
		all[d] = map[string]*Parameter{}
		for i := range list {
			all[d][list[i].Name] = &list[i]
		}
	}
	return all
})

// way is how a parameter compares with a field.
type way struct {
	suffix string
	max    int
	text   catalog.Text // after the label of the field
	set    func(*snapshot.Filter, []string)
}

var (
	equals = way{"", maxValue, catalog.Text{ZH: "等于该值", EN: "is this value"}, func(f *snapshot.Filter, v []string) { f.Values = v }}
	among  = way{".in", maxList, catalog.Text{ZH: "为其中之一，用逗号分隔", EN: "is one of these, set apart by commas"}, func(f *snapshot.Filter, v []string) { f.Values = v }}
	least  = way{".gte", maxValue, catalog.Text{ZH: "不小于该值；日期可写年、月或日", EN: "is at least this; a date may be a year, month or day"}, func(f *snapshot.Filter, v []string) { f.Least = v[0] }}
	most   = way{".lte", maxValue, catalog.Text{ZH: "不大于该值；日期可写年、月或日", EN: "is at most this; a date may be a year, month or day"}, func(f *snapshot.Filter, v []string) { f.Most = v[0] }}
)

func waysOf(f snapshot.SearchField) []way {
	if f.Ordered {
		return []way{equals, least, most, among}
	}
	return []way{equals, among}
}

// filterParameter returns the parameter that compares with f in way w, the n-th of
// its dataset.
func filterParameter(f snapshot.SearchField, w way, n int) Parameter {
	p := Parameter{
		Name: f.Name + w.suffix, In: "query", Type: "string", Max: w.max,
		Description: catalog.Text{ZH: f.Label.ZH + "：" + w.text.ZH, EN: f.Label.EN + ": " + w.text.EN},
		set: func(r *request, v string) error {
			values := []string{v}
			if w.suffix == among.suffix {
				var fault *faultError
				if values, fault = items(v, maxItems); fault != nil {
					return fault
				}
			}
			for i, v := range values {
				var fault *faultError
				if values[i], fault = checked(r, f, v); fault != nil {
					return fault
				}
			}
			r.filter(f, w, n, values)
			return nil
		},
	}
	if w.suffix == among.suffix {
		p.many = maxItems
	}
	switch {
	case f.Type == "date" || f.Type == "time":
		p.pattern = "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"
	case f.Ordered:
		p.Type = "number"
	case f.Type == "bool":
		p.Type = "boolean"
	case f.Type == "dataset":
		p.values = allDatasets
	case f.CodeList() != nil:
		p.values = func(catalog.Dataset) []string { return codesOf(f.CodeList()) }
	}
	return p
}

// asked is what a search asks for, besides the page.
type asked struct {
	text    string
	filters []askedFilter
	facets  []snapshot.SearchField
	fields  *snapshot.Projection
	sort    string
}

type askedFilter struct {
	snapshot.Filter
	order int // of the parameter
	field snapshot.SearchField
	span  bool
}

// search returns what r asks for, which makes it a search.
func (r *request) search() *asked {
	if r.asked == nil {
		r.asked = &asked{}
	}
	return r.asked
}

// filter adds a filter. The two ends of a range are one.
func (r *request) filter(f snapshot.SearchField, w way, n int, values []string) {
	a := r.search()
	span := w.suffix == least.suffix || w.suffix == most.suffix
	i := slices.IndexFunc(a.filters, func(x askedFilter) bool { return span && x.span && x.field.Name == f.Name })
	if i < 0 {
		i = len(a.filters)
		a.filters = append(a.filters, askedFilter{Filter: snapshot.Filter{Field: f.Name}, order: n, field: f, span: span})
	}
	w.set(&a.filters[i].Filter, values)
	a.filters[i].order = min(a.filters[i].order, n)
}

// items takes the items of a list apart.
func items(v string, most int) ([]string, *faultError) {
	list := strings.Split(v, ",")
	if len(list) > most {
		return nil, &faultError{kind: tooManyItems, max: most}
	}
	for i, item := range list {
		if item == "" {
			return nil, &faultError{kind: emptyItem}
		}
		if slices.Contains(list[:i], item) {
			return nil, &faultError{kind: repeatedItem, value: item}
		}
	}
	return list, nil
}

// checked returns v as the records write it, or why no record can have it in field f.
func checked(r *request, f snapshot.SearchField, v string) (string, *faultError) {
	if f.Ordered {
		if f.Valid(v) {
			return v, nil
		}
		if f.Type == "date" || f.Type == "time" {
			return "", &faultError{kind: badDate}
		}
		return "", &faultError{kind: badNumber}
	}
	if l := f.CodeList(); l != nil {
		if _, ok := l.Lookup(v); ok {
			return v, nil
		}
		fault := &faultError{kind: badCode, value: v, address: r.edition.base + codeListPath(l.Name)}
		if c, ok := l.Match(v); ok {
			fault.suggestion = c.Code
		} else {
			var codes []string
			for _, c := range l.Codes() {
				codes = append(codes, c.Code)
			}
			fault.suggestion = closest(v, codes)
		}
		return "", fault
	}
	switch f.Type {
	case "coded":
		if _, ok := r.snap.SchemeCode(v); !ok && !r.hasCursor {
			return "", &faultError{kind: badScheme, value: v, address: r.edition.base + root + "/codes"}
		}
	case "bool":
		if v != "true" && v != "false" {
			return "", &faultError{kind: badBoolean}
		}
	case "dataset":
		if _, ok := catalog.Dataset(v).Info(); !ok {
			return "", noDataset(v)
		}
	case "ref":
		id, err := catalog.ParseID(v)
		if err != nil {
			return "", &faultError{kind: badReference, value: v}
		}
		return string(id), nil
	}
	return v, nil
}
