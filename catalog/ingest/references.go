package ingest

import (
	"slices"
	"strings"

	"luoshu/catalog"
)

// references knows what the records of an import may refer to. It is complete
// before the first record is resolved, so the order of rows does not matter.
type references struct {
	draft *catalog.Draft
	// keys maps dataset and source key, names the folded name or alias of an
	// organization. A name that two organizations bear resolves to neither.
	keys  map[string]catalog.ID
	names map[string]catalog.ID
	taken map[catalog.ID]*item
}

func (im *importer) references() (*references, error) {
	refs := &references{draft: im.draft, keys: im.keys, names: map[string]catalog.ID{}, taken: im.taken}
	if base := im.draft.Base(); base != nil {
		for _, e := range base.Entries {
			if e.Dataset != catalog.Organizations || im.taken[e.ID] != nil {
				continue
			}
			r, err := catalog.Decode(e.Dataset, e.Raw)
			if err != nil {
				return nil, err
			}
			refs.name(r.(*catalog.Organization))
		}
	}
	for _, it := range im.items {
		if o, ok := it.record.(*catalog.Organization); ok && o.ID != "" {
			refs.name(o)
		}
	}
	return refs, nil
}

func (refs *references) name(o *catalog.Organization) {
	for _, n := range append([]string{o.Title, o.TitleEN}, o.Aliases...) {
		key := foldHeader(n)
		if other, taken := refs.names[key]; taken && other != o.ID {
			refs.names[key] = ""
		} else if key != "" {
			refs.names[key] = o.ID
		}
	}
}

// keyPrefix marks a reference by the publisher's own key.
const keyPrefix = "key:"

// resolve turns the references of r into identifiers. One that leads nowhere is
// left out and noted.
func (refs *references) resolve(r catalog.Record) []finding {
	var notes []finding
	missing := func(field string) {
		notes = append(notes, finding{field, "reference", "引用的条目不存在，已略去", "refers to a record that does not exist; left out"})
	}
	catalog.Rewrite(r, func(f catalog.Field, s string) string {
		if f.Type != "ref" {
			return s
		}
		id, ok := refs.lookup(s, f.Target)
		if !ok {
			missing(f.Path)
		}
		return string(id)
	})
	h := r.Head()
	h.Relations = slices.DeleteFunc(h.Relations, func(l catalog.Relation) bool {
		if l.Scheme != "record" {
			return false
		}
		_, ok := refs.lookup(l.Value, "")
		if !ok {
			missing("relations[].value")
		}
		return !ok
	})
	for i := range h.Relations {
		if l := &h.Relations[i]; l.Scheme == "record" {
			id, _ := refs.lookup(l.Value, "")
			l.Value = string(id)
		}
	}
	compactItems(r)
	for i, parties := 0, partiesOf(r); i < len(parties); i++ {
		if p := parties[i]; p.ID == "" {
			p.ID = refs.names[foldHeader(p.Name)]
		}
	}
	return notes
}

// lookup understands an identifier or "key:" with a source key of this import.
func (refs *references) lookup(s string, target catalog.Dataset) (catalog.ID, bool) {
	if key, ok := strings.CutPrefix(s, keyPrefix); ok {
		if target != "" {
			id, ok := refs.keys[string(target)+"\n"+key]
			return id, ok
		}
		for d := range catalog.Datasets() {
			if id, ok := refs.keys[string(d.Name)+"\n"+key]; ok {
				return id, true
			}
		}
		return "", false
	}
	id, err := catalog.ParseID(s)
	if err != nil || refs.taken[id] == nil && !refs.draft.Has(id) {
		return "", false
	}
	return id, true
}

// compactItems drops the places that resolve left empty.
func compactItems(r catalog.Record) {
	empty := func(id catalog.Ref) bool { return id == "" }
	switch r := r.(type) {
	case *catalog.Package:
		r.Items = slices.DeleteFunc(r.Items, empty)
	case *catalog.Event:
		r.Items = slices.DeleteFunc(r.Items, empty)
	case *catalog.Edition:
		r.Items = slices.DeleteFunc(r.Items, empty)
	case *catalog.Case:
		r.Items = slices.DeleteFunc(r.Items, empty)
	case *catalog.Notice:
		r.Items = slices.DeleteFunc(r.Items, empty)
	}
}

// partiesOf returns every organization that takes part in r.
func partiesOf(r catalog.Record) []*catalog.Party {
	if s, ok := r.(*catalog.Service); ok {
		if s.Provider == nil {
			return nil
		}
		return []*catalog.Party{s.Provider}
	}
	organizations := organizationsOf(r)
	parties := make([]*catalog.Party, len(organizations))
	for i := range organizations {
		parties[i] = &organizations[i]
	}
	return parties
}
