package kiosk

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	cardValues = 2 // of a repeated field on a card
	listSize   = 9 // cards on a page: what fits an upright screen, and three by three on a wide one
	maxPage    = 1_000_000
)

// card is a record in a list.
type card struct {
	ID       catalog.ID
	Dataset  catalog.DatasetInfo
	Title    text
	Href     string
	Abstract text
	// Of what a search found: what kind of record it is, and title and abstract in
	// pieces.
	Kind                   text
	Marked, MarkedAbstract []piece
	Owner                  []value
	TRL                    badge
	Facts                  []fact
	Sample                 string
	// State says of a record that it is over, and of an item that it has been
	// withdrawn since it was printed, or was never published; Next is the record in
	// its place.
	State string
	Next  *value
}

// card returns the record as it stands in a list.
func (s *sheet) card() card {
	c := card{
		ID: s.ID, Dataset: s.Dataset, Title: s.Name(), Abstract: s.Lead(), Owner: s.Owner(), TRL: s.TRL(), Sample: s.Sample(), State: s.Over(),
		Href: s.Href("/" + string(s.Dataset.Name) + "/" + string(s.ID)),
	}
	if len(c.Owner) > 1 {
		more, _ := s.T("owner.more", len(c.Owner), len(c.Owner)-1)
		c.Owner = []value{c.Owner[0], {text: text{S: more}}}
	}
	for _, top := range s.layout.card {
		for _, f := range s.take(top) {
			if len(f.Values) > cardValues {
				f.Values, f.Cut = f.Values[:cardValues], true
			}
			c.Facts = append(c.Facts, f)
		}
	}
	for _, top := range s.layout.prose {
		if c.Abstract.S == "" {
			for _, f := range s.take(top) {
				c.Abstract = f.Values[0].text
				break
			}
		}
	}
	return c
}

type listPage struct {
	*page
	Dataset        catalog.DatasetInfo
	Mark           mark
	Cards          []card
	From, To       int
	Total          int
	Previous, Next string // links, empty at the ends
}

// Seek is the link to the search in this list.
func (p listPage) Seek() string {
	return "/search" + join(p.query(1), query{dataset: p.Dataset.Name}.encode())
}

func (h *Handler) list(info catalog.DatasetInfo) func(*request) (answer, error) {
	return func(rq *request) (answer, error) {
		return answer{template: "list", data: func() (any, error) {
			total := rq.snap.Count(info.Name)
			last := max(1, (total+listSize-1)/listSize)
			rq.page = min(rq.page, last) // a list grows shorter between releases
			p := listPage{page: rq.newPage(rq.view.in(info.Label), "/"), Dataset: info, Total: total}
			for n, name := range doors {
				if name == info.Name {
					p.Mark = marks[n]
				}
			}
			skip := (rq.page - 1) * listSize
			sheets, err := p.sheets(info.Name, skip)
			if err != nil {
				return nil, err
			}
			for _, s := range sheets {
				c := s.card()
				c.Href = p.HrefPage("/"+string(info.Name)+"/"+string(s.ID), rq.page)
				p.Cards = append(p.Cards, c)
			}
			p.From, p.To = min(skip+1, total), skip+len(p.Cards)
			if rq.page > 1 {
				p.Previous = p.HrefPage(rq.path, rq.page-1)
			}
			if rq.page < last {
				p.Next = p.HrefPage(rq.path, rq.page+1)
			}
			return p, nil
		}}, nil
	}
}

// sheets returns the records of a page of a list.
func (p *page) sheets(d catalog.Dataset, skip int) ([]*sheet, error) {
	entries := p.rq.snap.List(snapshot.Slice{Dataset: d, Skip: skip, Limit: listSize}).Entries
	if len(layouts[d].last) > 0 {
		all, err := p.byEnd(d)
		if err != nil {
			return nil, err
		}
		entries = all[min(skip, len(all)):min(skip+listSize, len(all))]
	}
	return p.sheetsOf(entries)
}

func (p *page) sheetsOf(entries []catalog.Entry) ([]*sheet, error) {
	sheets := make([]*sheet, len(entries))
	for i, e := range entries {
		var err error
		if sheets[i], err = p.newSheet(e); err != nil {
			return nil, err
		}
	}
	return sheets, nil
}

// orders holds, for one release, the datasets whose lists are not in the order of
// their identifiers. To find it every record is decoded, so it is found once.
type orders struct {
	release catalog.Hash
	mu      sync.Mutex
	lists   map[catalog.Dataset][]catalog.Entry
}

// byEnd returns the records of d in the order of what can still be taken up: open
// before over, the next to begin first and of the past the latest.
func (p *page) byEnd(d catalog.Dataset) ([]catalog.Entry, error) {
	o := p.rq.h.orders.Load()
	if o == nil || o.release != p.rq.snap.Hash() {
		o = &orders{release: p.rq.snap.Hash(), lists: map[catalog.Dataset][]catalog.Entry{}}
		p.rq.h.orders.Store(o)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if list, ok := o.lists[d]; ok {
		return list, nil
	}
	entries := slices.Collect(p.rq.snap.All(d))
	sheets, err := p.sheetsOf(entries)
	if err != nil {
		return nil, err
	}
	place := make(map[catalog.ID]catalog.Entry, len(entries))
	for _, e := range entries {
		place[e.ID] = e
	}
	slices.SortStableFunc(sheets, byEnd)
	for i, s := range sheets {
		entries[i] = place[s.ID]
	}
	o.lists[d] = entries
	return entries, nil
}

func byEnd(a, b *sheet) int {
	order := func(s *sheet) int {
		switch {
		case s.over():
			return 2
		case slices.Contains([]string{"matched", "closed", "canceled"}, s.str("status")),
			s.layout.begins != "" && s.str(s.layout.begins) == "":
			return 1
		}
		return 0
	}
	first, second := order(a), order(b)
	if first != second || a.layout.begins == "" {
		return cmp.Compare(first, second)
	}
	c := strings.Compare(a.str(a.layout.begins), b.str(b.layout.begins))
	if first == 2 {
		return -c
	}
	return c
}
