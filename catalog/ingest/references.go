package ingest

import (
	"slices"
	"strings"

	"luoshu/catalog"
)

// references knows what the records of an import may refer to: those of the base
// and those of the rows that will be published. It is complete before the first
// record is resolved, so the order of rows does not matter.
type references struct {
	draft *catalog.Draft
	// keys maps dataset and source key, names the folded name or alias of an
	// organization. A name that two organizations bear resolves to neither.
	keys  map[string]catalog.ID
	names map[string]catalog.ID
	taken map[catalog.ID]bool
}

func (im *importer) references() (*references, error) {
	refs := &references{draft: im.draft, keys: map[string]catalog.ID{}, names: map[string]catalog.ID{}, taken: map[catalog.ID]bool{}}
	for _, it := range im.items {
		if len(it.refuse) == 0 {
			refs.keys[string(it.dataset)+"\n"+it.key] = it.id
			refs.taken[it.id] = true
		}
	}
	if base := im.draft.Base(); base != nil {
		for _, e := range base.Entries {
			if e.Dataset != catalog.Organizations || refs.taken[e.ID] {
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
		if o, ok := it.record.(*catalog.Organization); ok && len(it.refuse) == 0 {
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
			p.ID, _ = refs.lookup(string(refs.names[foldHeader(p.Name)]), catalog.Organizations)
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
	if err != nil || target != "" && id.Dataset() != target || !refs.taken[id] && !refs.draft.Has(id) {
		return "", false
	}
	return id, true
}

// itemsOf returns the list of records that r names in order, or nil.
func itemsOf(r catalog.Record) *[]catalog.Ref {
	switch r := r.(type) {
	case *catalog.Package:
		return &r.Items
	case *catalog.Event:
		return &r.Items
	case *catalog.Edition:
		return &r.Items
	case *catalog.Case:
		return &r.Items
	case *catalog.Notice:
		return &r.Items
	}
	return nil
}

// compactItems drops the places that resolve left empty.
func compactItems(r catalog.Record) {
	if items := itemsOf(r); items != nil {
		*items = slices.DeleteFunc(*items, func(id catalog.Ref) bool { return id == "" })
	}
}

// compact drops values that say nothing: an empty keyword, a party without a name.
func compact(r catalog.Record) {
	h := r.Head()
	h.Keywords = withoutEmpty(h.Keywords)
	h.SourceIDs = withoutEmpty(h.SourceIDs)
	switch r := r.(type) {
	case *catalog.Achievement:
		r.Contributors = withoutEmpty(r.Contributors)
		r.ResultForms, r.TransferModes, r.LicenseKinds = withoutEmpty(r.ResultForms), withoutEmpty(r.TransferModes), withoutEmpty(r.LicenseKinds)
	case *catalog.Organization:
		r.Aliases = withoutEmpty(r.Aliases)
	}
	if o := organizationsOf(r); o != nil {
		*o = slices.DeleteFunc(*o, func(p catalog.Party) bool { return p.Name == "" && p.ID == "" })
	}
}

func withoutEmpty(list []string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
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
	if organizations == nil {
		return nil
	}
	parties := make([]*catalog.Party, len(*organizations))
	for i := range *organizations {
		parties[i] = &(*organizations)[i]
	}
	return parties
}
