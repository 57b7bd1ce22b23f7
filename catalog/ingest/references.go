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
	draft     *catalog.Draft
	publisher string
	// keys maps dataset and source key of this import (the base knows its own), names the folded name or alias of an
	// organization, codes its unified social credit code. A name that two
	// organizations bear resolves to neither.
	keys  map[string]catalog.ID
	names map[string]catalog.ID
	codes map[string]catalog.ID
	taken map[catalog.ID]bool
	// heads holds the names by their first four characters, the longest first.
	heads map[[4]rune][][]rune
}

func (im *importer) references() (*references, error) {
	refs := &references{
		draft: im.draft, publisher: im.opt.Publisher, keys: map[string]catalog.ID{}, taken: map[catalog.ID]bool{},
		names: map[string]catalog.ID{}, codes: map[string]catalog.ID{}, heads: map[[4]rune][][]rune{},
	}
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
	for _, names := range refs.heads {
		slices.SortFunc(names, func(a, b []rune) int { return len(b) - len(a) })
	}
	return refs, nil
}

func (refs *references) name(o *catalog.Organization) {
	for _, n := range append([]string{o.Title, o.TitleEN}, o.Aliases...) {
		key := foldHeader(n)
		if key == "" {
			continue
		}
		if other, taken := refs.names[key]; taken && other != o.ID {
			refs.names[key] = ""
		} else {
			refs.names[key] = o.ID
		}
		folded := []rune(strings.Map(foldRune, n))
		if len(folded) >= 4 && isHan(folded[0]) {
			head := [4]rune(folded[:4])
			refs.heads[head] = append(refs.heads[head], folded)
		}
	}
	if o.USCC != "" {
		refs.codes[o.USCC] = o.ID
	}
}

// longest returns the length of the longest known name that text, folded by
// foldRune, begins with, or 0.
func (refs *references) longest(text []rune) int {
	if len(text) < 4 {
		return 0
	}
	for _, name := range refs.heads[[4]rune(text[:4])] {
		if hasPrefix(text, name) {
			return len(name)
		}
	}
	return 0
}

// keyPrefix marks a reference by the publisher's own key.
const keyPrefix = "key:"

// orgCode is the column of unified social credit codes beside the names of
// organizations. It is no field: it only tells which organization is meant.
const orgCode = "organizations[].uscc"

// resolve turns the references of a row into identifiers, takes names of
// organizations apart that were run together, and finds out which they are.
func (refs *references) resolve(it *item) {
	it.notes = append(it.notes, refs.link(it.record)...)
	it.notes = append(it.notes, refs.parties(it.record, it.uscc)...)
}

// link turns the references of r into identifiers. One that leads nowhere is left
// out and noted.
func (refs *references) link(r catalog.Record) []finding {
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
	return notes
}

// parties finds the organizations that take part in r: by name or alias, then by
// the codes that stood beside the names.
func (refs *references) parties(r catalog.Record, uscc []string) []finding {
	var notes []finding
	for _, p := range partiesOf(r) {
		if p.ID == "" {
			p.ID = refs.named(p.Name)
		}
	}
	if list := organizationsOf(r); list != nil && len(*list) > 0 {
		if note := refs.takeApart(r, list); note != nil {
			notes = append(notes, *note)
		}
	}
	parties := partiesOf(r)
	for i, p := range parties {
		code := codeOf(uscc, len(parties), i)
		switch id, _ := refs.lookup(string(refs.codes[code]), catalog.Organizations); {
		case code != "" && !catalog.ValidUSCC(code):
			notes = append(notes, finding{orgCode, "uscc", "统一社会信用代码校验不符，未用来识别机构", "the check character of the unified social credit code does not fit: it was not used"})
		case code == "" || id == "" || id == p.ID:
		case p.ID == "":
			p.ID = id
		default:
			notes = append(notes, finding{orgCode, "uscc_conflict", "机构名称与统一社会信用代码指向不同机构，以名称为准", "the name and the code mean different organizations: the name was used"})
		}
	}
	return notes
}

// codeOf returns the code that stands beside the organization at i of n. One code
// beside several names is the first one's; other counts that differ say nothing.
func codeOf(uscc []string, n, i int) string {
	if len(uscc) == n || len(uscc) == 1 && i == 0 {
		return uscc[i]
	}
	return ""
}

// named returns the organization that bears a name or alias, if it is one.
func (refs *references) named(name string) catalog.ID {
	id, _ := refs.lookup(string(refs.names[foldHeader(name)]), catalog.Organizations)
	return id
}

// takeApart splits the names in list that hold several organizations.
func (refs *references) takeApart(r catalog.Record, list *[]catalog.Party) *finding {
	var whole []string
	var apart []catalog.Party
	for i, p := range *list {
		var parts []string
		if p.ID == "" && strings.IndexFunc(p.Name, isHan) >= 0 {
			parts = splitOrganizations(p.Name, refs.longest)
		}
		if len(parts) == 0 || len(parts) == 1 && parts[0] == p.Name {
			if whole != nil {
				apart = append(apart, p)
			}
			continue
		}
		if whole == nil {
			apart = slices.Clone((*list)[:i])
		}
		whole = append(whole, p.Name)
		for _, part := range parts {
			same := func(q catalog.Party) bool { return q.Name == part }
			if !slices.ContainsFunc(apart, same) {
				apart = append(apart, catalog.Party{ID: refs.named(part), Name: part})
			}
		}
	}
	if whole == nil {
		return nil
	}
	trimmed := len(apart) == len(*list)
	*list = apart
	h := r.Head()
	if raw := strings.Join(whole, "；"); len(raw) <= 1500 {
		if h.Raw == nil {
			h.Raw = map[string]string{}
		}
		h.Raw["organizations[].name"] = raw
	}
	if trimmed {
		return &finding{"organizations[].name", "organization_name", "单位名称末尾的序号或“等”已去除", "a rank or 等 behind the name of an organization was left out"}
	}
	return &finding{
		"organizations[].name", "organizations_split",
		"单位名称连写，已按机构名称拆开，请核对", "names of organizations were run together and have been taken apart: please check",
	}
}

// lookup understands an identifier, "key:" with a source key of this import, a
// source key alone, and the name of an organization.
func (refs *references) lookup(s string, target catalog.Dataset) (catalog.ID, bool) {
	if key, ok := strings.CutPrefix(s, keyPrefix); ok {
		return refs.byKey(key, target)
	}
	if s == "" {
		return "", false
	}
	if id, err := catalog.ParseID(s); err == nil && refs.shown(id, target) {
		return id, true
	}
	if id, ok := refs.byKey(s, target); ok {
		return id, true
	}
	if id := refs.names[foldHeader(s)]; target == catalog.Organizations && id != "" && refs.shown(id, target) {
		return id, true
	}
	return "", false
}

// shown reports whether the release will hold id, a record of target.
func (refs *references) shown(id catalog.ID, target catalog.Dataset) bool {
	return (target == "" || id.Dataset() == target) && (refs.taken[id] || refs.draft.Has(id))
}

func (refs *references) byKey(key string, target catalog.Dataset) (catalog.ID, bool) {
	for d := range catalog.Datasets() {
		if target != "" && target != d.Name {
			continue
		}
		id, ok := refs.keys[string(d.Name)+"\n"+key]
		if !ok {
			id, ok = refs.draft.PublishedAs(d.Name, refs.publisher, key)
		}
		if ok && refs.shown(id, d.Name) {
			return id, true
		}
	}
	return "", false
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
