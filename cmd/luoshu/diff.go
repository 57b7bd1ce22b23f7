package main

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// differences is what a draft does to the current release, as reports tell it: first
// what disappears, then what is altered, then what is new.
type differences struct{ draft *catalog.Draft }

var changeOrder = []catalog.Change{catalog.Withdrawn, catalog.Updated, catalog.Added}

// MarshalJSONTo writes every difference, one at a time, so that a large catalog is
// never there twice.
func (d differences) MarshalJSONTo(out *jsontext.Encoder) error {
	if err := out.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for _, c := range changeOrder {
		for diff, err := range d.draft.Diff(c) {
			if err == nil {
				err = json.MarshalEncode(out, diff)
			}
			if err != nil {
				return err
			}
		}
	}
	return out.WriteToken(jsontext.EndArray)
}

// differences lists the first records that change, with their fields. On the first
// publication, when all is new, there is nothing to compare.
func (p printer) differences(draft *catalog.Draft) {
	if draft.Base() == nil {
		return
	}
	added, updated, withdrawn := draft.Counts()
	left := mostDifferences
	for _, c := range changeOrder {
		for diff, err := range draft.Diff(c) {
			switch {
			case err != nil:
				p.line(catalog.Text{EN: "  %v"}, err)
				return
			case left == 0:
				p.line(catalog.Text{ZH: "  …另有 %d 条，见 --report", EN: "  … and %d more, see --report"}, added+updated+withdrawn-mostDifferences)
				return
			}
			left--
			p.difference(diff)
		}
	}
}

var changeTexts = map[catalog.Change]catalog.Text{
	catalog.Added:     {ZH: "新增", EN: "added"},
	catalog.Updated:   {ZH: "更新", EN: "updated"},
	catalog.Withdrawn: {ZH: "撤回", EN: "withdrawn"},
}

func (p printer) difference(d catalog.Difference) {
	p.line(catalog.Text{ZH: "%s %s %s", EN: "%s %s %s"}, changeTexts[d.Change].In(p.lang), d.ID, shorten(clean(d.Title), titleShown))
	for _, f := range d.Fields {
		field, _ := catalog.LookupField(d.Dataset, f.Path)
		was, is := contrast(field.Wording(f.Old, p.lang), field.Wording(f.New, p.lang))
		p.line(catalog.Text{ZH: "  %s：%s → %s", EN: "  %s: %s -> %s"}, field.Label.In(p.lang), was, is)
	}
}

// How much of the differences is shown on screen: records, and characters of a
// title, of what differs in a value and of what stands around it.
const (
	mostDifferences = 20
	titleShown      = 60
	valueShown      = 40
	contextShown    = 10
)

// contrast shortens two values to where they differ.
func contrast(was, is string) (string, string) {
	head, a, b, tail := catalog.Apart(clean(was), clean(is))
	if r := []rune(head); len(r) > contextShown+1 {
		head = "…" + string(r[len(r)-contextShown:])
	}
	show := func(whole, middle string) string {
		if whole == "" {
			return "∅"
		}
		return head + shorten(middle, valueShown) + shorten(tail, contextShown)
	}
	return show(was, a), show(is, b)
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n+1 {
		return string(r[:n]) + "…"
	}
	return s
}
