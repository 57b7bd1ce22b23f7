package ingest

import (
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// Lift says that a second person lets pass what Rule holds in one row: that of the
// record ID, or the one with the number Row. Place, unless empty, says where that
// row is: a file, a sheet, or FILE/SHEET, as the report calls them.
type Lift struct {
	Rule  string
	ID    catalog.ID
	Place string
	Row   int
}

// String writes the lift as an operator does: M3:17, M3:a.xlsx/Sheet1!17 or
// M3:A3K7M2QG.
func (l Lift) String() string {
	switch {
	case l.ID != "":
		return l.Rule + ":" + string(l.ID)
	case l.Place != "":
		return l.Rule + ":" + l.Place + "!" + strconv.Itoa(l.Row)
	}
	return l.Rule + ":" + strconv.Itoa(l.Row)
}

// Approved is a held text that a second person let pass in this import, of a row
// that it takes in.
type Approved struct {
	screen.Approval
	File  string `json:"file"`
	Sheet string `json:"sheet,omitzero"`
	Row   int    `json:"row"`
}

// doubt is why a row waits for a second person, and what would lift it.
type doubt struct {
	finding
	approval screen.Approval
}

// lift lets pass what a second person decided of. To guess which row is meant would
// let something else pass, so a lift that meets none, or several, stops everything.
func (im *importer) lift() {
	var doubtful []*item
	for _, it := range im.items {
		if len(it.hold)+len(it.let) > 0 {
			doubtful = append(doubtful, it)
		}
	}
	for _, l := range im.opt.Lifts {
		var met []*item
		for _, it := range doubtful {
			if l.meets(it) {
				met = append(met, it)
			}
		}
		switch {
		case len(met) == 0:
			im.brake(catalog.NewTextError(catalog.ErrInvalid, catalog.Text{
				ZH: "批准 %[1]s：没有被 %[2]s 待审的这一行", EN: "approval %[1]s: %[2]s holds no such row",
			}, l, l.Rule))
		case len(met) > 1:
			im.brake(catalog.NewTextError(catalog.ErrInvalid, catalog.Text{
				ZH: "批准 %[1]s：不止一行符合，请指明其一：%[2]s", EN: "approval %[1]s meets more than one row; name one of them: %[3]s",
			}, l, choices(l.Rule, met, "zh"), choices(l.Rule, met, "en")))
		default:
			met[0].pass(l.Rule)
		}
	}
}

// mostChoices bounds how many rows an error names.
const mostChoices = 5

func choices(rule string, items []*item, lang string) string {
	var names []string
	for _, it := range items[:min(len(items), mostChoices)] {
		names = append(names, Lift{Rule: rule, ID: it.id}.String()+catalog.Text{ZH: "（" + it.place(&item{}, "zh") + "）", EN: " (" + it.place(&item{}, "en") + ")"}.In(lang))
	}
	if len(items) > mostChoices {
		names = append(names, "…")
	}
	return strings.Join(names, catalog.Text{ZH: "、", EN: ", "}.In(lang))
}

// meets reports whether l is of what its rule holds, or held before, in the row it.
func (l Lift) meets(it *item) bool {
	if !slices.Contains(it.let, l.Rule) && !slices.ContainsFunc(it.hold, func(d doubt) bool { return d.rule == l.Rule }) {
		return false
	}
	if l.ID != "" {
		return it.id == l.ID
	}
	return it.number == l.Row && (l.Place == "" || l.Place == it.file || l.Place == it.sheet || l.Place == it.file+"/"+it.sheet)
}

// pass lifts what rule holds in the row.
func (it *item) pass(rule string) {
	it.hold = slices.DeleteFunc(it.hold, func(d doubt) bool {
		if d.rule == rule {
			it.approved = append(it.approved, Approved{d.approval, it.file, it.sheet, it.number})
			it.let = append(it.let, rule)
		}
		return d.rule == rule
	})
}

// brake keeps the first reason why nothing may be published.
func (im *importer) brake(err error) {
	if im.braked == nil {
		im.braked = err
	}
}
