package kiosk

import (
	"cmp"
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	cardValues = 2 // of a repeated field on a card
	maxPage    = 1_000_000
)

// What fits an upright screen, three by three on a wide one, and two rows on a small one.
const usualList, smallList = 9, 6

// listSize is how many records a page of a list has.
func (rq *request) listSize() int {
	if rq.small() && !rq.panel.Portrait() {
		return smallList
	}
	return usualList
}

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
	// Local says of a demand that who is near comes first.
	Local string
	// State says of a record that it is over, and of an item that it has been
	// withdrawn since it was printed, or was never published; Next is the record in
	// its place.
	State string
	Next  *value
	// Why says of a match by what it was found.
	Why []text
	// Take puts the record on the list to take away from here, or takes it off; nil where
	// its own page does that alone.
	Take *chip
}

// card returns the record as it stands in a list.
func (s *sheet) card() card {
	c := card{
		ID: s.ID, Dataset: s.Dataset, Title: s.Name(), Abstract: s.Lead(), Owner: s.Owner(), TRL: s.TRL(), Sample: s.Sample(), State: s.Over(),
		Href: s.record(s.Dataset.Name, s.ID),
	}
	if v, _ := s.m["local_first"].(bool); v {
		c.Local = s.texts["local"]
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
	if s.Dataset.Name == catalog.Catalogs {
		n, _ := s.T("catalogs.items", len(list(s.m["items"])))
		c.Facts = append(c.Facts, fact{Values: []value{{text: text{S: n}}}})
	}
	for _, top := range slices.Concat(s.layout.prose, s.layout.deep) {
		if c.Abstract.S == "" {
			for _, f := range s.take(top) {
				c.Abstract = f.Values[0].text
				break
			}
		}
	}
	return c
}

// listPage is a dataset: a query without a text.
type listPage struct {
	results
	Dataset catalog.DatasetInfo
	Mark    mark
}

// Seek is the link to the search in this list.
func (p listPage) Seek() string { return p.searched(query{dataset: p.Dataset.Name}) }

func (h *Handler) list(info catalog.DatasetInfo) func(*request) (answer, error) {
	return func(rq *request) (answer, error) {
		rq.list = true
		rq.args.Set("dataset", string(info.Name))
		rq.args.Del("q")
		rq.args.Del("sort")
		rq.query = rq.readQuery(rq.args)
		rq.state = rq.stateOf(rq.query)
		return answer{template: "list", data: func() (any, error) {
			p := listPage{results: results{page: rq.newPage(rq.view.in(info.Label), "/")}, Dataset: info}
			for n, name := range doors {
				if name == info.Name {
					p.Mark = marks[n]
				}
			}
			s := p.asked()
			s.Sort = "" // by identifier
			found, err := p.find(s)
			if err != nil {
				return nil, err
			}
			if l := layouts[info.Name]; rq.market() != "" || len(l.last) > 0 || l.latest != "" {
				if found.Entries, err = p.inOrder(s); err != nil {
					return nil, err
				}
			}
			if err := p.narrow(found); err != nil {
				return nil, err
			}
			if p.Total == 0 && rq.query.narrow() {
				return p, p.ways(0)
			}
			return p, p.show(found.Entries)
		}}, nil
	}
}

// inOrder returns the page of what s finds in the order of the list.
func (r *results) inOrder(s snapshot.Query) ([]catalog.Entry, error) {
	o, err := r.ordered(s.Dataset)
	if err != nil {
		return nil, err
	}
	all := o.entries
	if r.rq.query.narrow() {
		s.Limit = len(all)
		found, err := r.rq.snap.Search(s)
		if err != nil {
			return nil, err
		}
		all = found.Entries
		slices.SortFunc(all, func(a, b catalog.Entry) int { return cmp.Compare(o.place[a.ID], o.place[b.ID]) })
	}
	size := r.rq.listSize()
	skip := min((r.rq.page-1)*size, len(all))
	return all[skip:min(skip+size, len(all))], nil
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

// order is a dataset as its list shows it.
type order struct {
	entries []catalog.Entry
	place   map[catalog.ID]int // in entries
	own     []catalog.Entry    // of these, those of this terminal's market
}

// ordered returns the records of d in the order of its list. To find it many records are
// decoded.
func (p *page) ordered(d catalog.Dataset) (order, error) {
	return p.rq.h.orders[d].of(p.rq, func(rq *request) (order, error) { return rq.newPage(text{}, "").order(d) })
}

// order finds the order of d's list: what is over after what can still be taken up, in
// each of the two this terminal's market first, then the next to begin and of the past the
// latest; what has neither end nor beginning, the newest first.
func (p *page) order(d catalog.Dataset) (order, error) {
	list := order{entries: slices.Collect(p.rq.snap.All(d)), place: map[catalog.ID]int{}}
	open := len(list.entries)
	if latest := layouts[d].latest; len(layouts[d].last) > 0 || latest != "" {
		sheets, err := p.sheetsOf(list.entries)
		if err != nil {
			return order{}, err
		}
		place := make(map[catalog.ID]catalog.Entry, len(sheets))
		for _, e := range list.entries {
			place[e.ID] = e
		}
		slices.SortStableFunc(sheets, func(a, b *sheet) int { return cmp.Or(byEnd(a, b), strings.Compare(b.str(latest), a.str(latest))) })
		for i, s := range sheets {
			list.entries[i] = place[s.ID]
			if s.over() {
				open = min(open, i)
			}
		}
	}
	here, err := p.rq.here(d)
	if err != nil {
		return order{}, err
	}
	own := func(e catalog.Entry) bool { return here[e.ID] }
	ownFirst(list.entries[:open], own)
	ownFirst(list.entries[open:], own)
	ownFirst(list.entries, func(e catalog.Entry) bool { return e.ID == p.rq.market() })
	for i, e := range list.entries {
		list.place[e.ID] = i
		if own(e) {
			list.own = append(list.own, e)
		}
	}
	return list, nil
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
