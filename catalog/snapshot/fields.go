package snapshot

import (
	"strings"
	"sync"

	"luoshu/catalog"
)

// class is what a text counts for in the ranking.
type class uint8

// The classes, and what an occurrence in them weighs. A title says what a record is
// about; an abstract mentions many things.
const (
	inBody class = iota
	inCode
	inName
	inKeyword
	inNumber
	inTitle
	classes
	unsearched class = 255
)

var weights = [classes]float32{inBody: 1, inCode: 2, inName: 3, inKeyword: 4, inNumber: 6, inTitle: 6}

// kind is how a field's values are kept for filters, facets and sorting.
type kind uint8

const (
	noColumn kind = iota
	// terms are values of which there are few, or that are asked for as a whole.
	terms
	// numbers are kept as they are; a date is its eight digits, 20261120.
	numbers
)

// field is what the index knows of a field of a dataset.
type field struct {
	path  string
	typ   string
	list  *catalog.CodeList // of a code
	class class
	kind  kind
	many  bool
	// members are the fields below an object.
	members map[string]*field
}

// fieldsOf returns the fields of d as a tree by member name.
func fieldsOf(d catalog.Dataset) *field { return loadFields()[d] }

var loadFields = sync.OnceValue(func() map[catalog.Dataset]*field {
	trees := map[catalog.Dataset]*field{}
	for d := range catalog.Datasets() {
		root := &field{class: unsearched, members: map[string]*field{}}
		for _, f := range catalog.Fields(d.Name) {
			if f.Type == "raw" {
				continue
			}
			at := root
			for name := range strings.SplitSeq(strings.ReplaceAll(f.Path, "[]", ""), ".") {
				if at.members == nil {
					at.members = map[string]*field{}
				}
				if at.members[name] == nil {
					at.members[name] = &field{class: unsearched}
				}
				at = at.members[name]
			}
			at.path, at.typ, at.many = f.Path, f.Type, f.Many()
			at.class, at.kind = classOf(f), kindOf(f)
			switch f.Type {
			case "code":
				at.list = catalog.LookupCodeList(f.List)
			case "money":
				at.members = map[string]*field{
					"min": {path: f.Path + ".min", typ: "number", class: unsearched, kind: numbers},
					"max": {path: f.Path + ".max", typ: "number", class: unsearched, kind: numbers},
				}
			}
		}
		trees[d.Name] = root
	}
	return trees
})

// classOf says what a field's text counts for. What publishing sets is not searched,
// but for the identifier.
func classOf(f catalog.Field) class {
	switch {
	case f.Path == "id":
		return inNumber
	case f.Path == "title" || f.Path == "title_en":
		return inTitle
	case f.Path == "keywords[]" || f.Path == "aliases[]" || f.Path == "theme":
		return inKeyword
	case strings.HasSuffix(f.Path, ".name") || f.Path == "contributors[]" || f.Path == "authority":
		return inName
	case strings.HasSuffix(f.Path, ".normalized"), strings.HasSuffix(f.Path, ".number"), strings.HasSuffix(f.Path, "doc_no"),
		f.Path == "relations[].value", f.Path == "source_ids[]", f.Path == "project_no", f.Path == "issue_no", f.Type == "uscc":
		return inNumber
	case f.Assigned():
		return unsearched
	case f.Type == "code" || f.Type == "coded":
		return inCode
	case f.Type == "line" || f.Type == "text":
		return inBody
	}
	return unsearched
}

// kindOf says how a field's values are kept.
func kindOf(f catalog.Field) kind {
	switch f.Type {
	case "code", "coded", "bool", "ref", "uscc", "dataset":
		return terms
	case "slug":
		if f.Path == "publisher" {
			return terms
		}
	case "int", "number", "date", "time":
		return numbers
	}
	if strings.HasSuffix(f.Path, ".name") || f.Path == "keywords[]" {
		return terms
	}
	return noColumn
}
