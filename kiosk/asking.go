package kiosk

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
)

// asking is where to ask, as the phone's pages and paper say it.
type asking struct {
	Name, Address, Hours text
	Telephone            string
	Dial                 template.URL
	// About says which entries of a list the desk answers for; empty where it does for all.
	About string
}

// Ask returns d in the page's language.
func (p *page) Ask(d *catalog.Desk) asking {
	return asking{Name: p.In(d.Name), Address: p.In(d.Address), Hours: p.In(d.Hours), Telephone: d.Telephone, Dial: p.Dial(d.Telephone)}
}

// deskOf returns the desk of a market, else the general one, nil where there is neither.
func (p *page) deskOf(market catalog.Ref) *catalog.Desk {
	d, ok := p.Release.Desk(market)
	if !ok {
		return nil
	}
	return &d
}

// desk is where to ask about the record.
func (s *sheet) desk() *catalog.Desk { return s.deskOf(catalog.Ref(s.str("market"))) }

// deskFor is where to ask about a record, or about one that was withdrawn.
func (p *page) deskFor(id catalog.ID) *catalog.Desk {
	if e, err := p.rq.snap.Find(id); err == nil {
		if s, err := p.newSheet(e); err == nil {
			return s.desk()
		}
	}
	t, _ := p.rq.snap.Tombstone(id)
	return p.deskOf(t.Market)
}

// desksFor returns where to ask about the records of a list: every desk once, in the order of
// the list.
func (p *page) desksFor(ids []catalog.ID) []asking {
	var all []*catalog.Desk
	var about [][]string
	for i, id := range ids {
		d := p.deskFor(id)
		if d == nil {
			continue
		}
		at := slices.IndexFunc(all, func(other *catalog.Desk) bool { return *other == *d })
		if at < 0 {
			at, all, about = len(all), append(all, d), append(about, nil)
		}
		about[at] = append(about[at], strconv.Itoa(i+1))
	}
	asked := make([]asking, len(all))
	for i, d := range all {
		asked[i] = p.Ask(d)
		if len(all) > 1 {
			asked[i].About, _ = p.T("desk.about", strings.Join(about[i], p.texts["numbers"]))
		}
	}
	return asked
}
