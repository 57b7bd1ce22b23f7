package kiosk

import (
	"slices"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// tally is a number of records, and the way to them.
type tally struct {
	Name  text
	Count int
	Href  string // empty where there are none
}

// tally counts the records of d that have the values and leads to the search for them.
func (p *page) tally(d catalog.Dataset, chosen ...choice) (tally, error) {
	info, _ := d.Info()
	q := query{dataset: d, chosen: chosen}
	n, err := p.rq.count(q)
	t := tally{Name: p.In(info.Label), Count: n}
	if n > 0 {
		t.Href = p.seek(q)
	}
	return t, err
}

// tallies counts in each of datasets, and leaves out those that have none.
func (p *page) tallies(datasets []catalog.Dataset, chosen ...choice) ([]tally, error) {
	var all []tally
	for _, d := range datasets {
		t, err := p.tally(d, chosen...)
		if err != nil {
			return nil, err
		}
		if t.Count > 0 {
			all = append(all, t)
		}
	}
	return all, nil
}

// seek is the link to the search for q.
func (p *page) seek(q query) string { return "/search" + join(p.query(1), q.encode()) }

// count returns how many records q finds.
func (rq *request) count(q query) (int, error) {
	r, err := rq.snap.Search(q.search())
	return r.Total, err
}

// spread counts the records that q finds by the values of field.
func (rq *request) spread(q query, field string) (counts map[string]int, total int, err error) {
	s := q.search()
	s.Facets = []string{field}
	r, err := rq.snap.Search(s)
	if err != nil {
		return nil, 0, err
	}
	counts = map[string]int{}
	for _, v := range r.Facets[0].Values {
		counts[v.Value] = v.Count
	}
	return counts, r.Total, nil
}

// cardsOf returns the first n records that s finds, as cards.
func (p *page) cardsOf(s snapshot.Query, n int) (cards []card, total int, err error) {
	s.Limit = n
	r, err := p.rq.snap.Search(s)
	if err != nil {
		return nil, 0, err
	}
	sheets, err := p.sheetsOf(r.Entries)
	for _, s := range sheets {
		cards = append(cards, s.card())
	}
	return cards, r.Total, err
}

// onPage returns the part of all that stands on the page, at most n of them. For n and
// one more a second page is not worth a touch. A page behind the last is the last.
func onPage[T any](p *page, all []T, n int) ([]T, turn) {
	rq := p.rq
	if len(all) == n+1 {
		n++
	}
	rq.page = min(rq.page, lastPage(len(all), n))
	var t turn
	from, to := t.turns(len(all), rq.page, n, p.same)
	return all[from:to], t
}

// same returns the link to page n of this very page.
func (p *page) same(n int) string { return p.rq.path + join(p.query(n), p.rq.state) }

// views are pages that show the same from different sides, side by side.
func (p *page) views(paths ...string) []chip {
	var all []chip
	for _, path := range paths {
		all = append(all, chip{Text: text{S: p.texts["view."+path[1:]]}, Href: p.Href(path), On: path == p.Path})
	}
	return all
}

// chosenOf returns the value of a parameter if it is one of a code list, else "".
func (rq *request) chosenOf(name, list string) string {
	v := rq.args.Get(name)
	if _, ok := catalog.LookupCodeList(list).Lookup(v); !ok {
		return ""
	}
	return v
}

// byList orders codes as their list has them, those it lacks behind.
func byList(list string, codes []string) {
	place := map[string]int{}
	for i, c := range catalog.LookupCodeList(list).Codes() {
		place[c.Code] = i - 1<<16
	}
	slices.SortStableFunc(codes, func(a, b string) int { return place[a] - place[b] })
}
