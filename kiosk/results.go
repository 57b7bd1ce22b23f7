package kiosk

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	// shownValues of a field can be chosen at once, the others behind a fold.
	shownValues = 6
	// leadIn is how many characters of an abstract stand before the word that was
	// searched for, where it does not stand near the beginning.
	leadIn, farIn = 12, 24
)

// chip is something to choose by touch.
type chip struct {
	Text text
	// Count is how many records it finds, as it is written; empty for none.
	Count string
	Href  string
	On    bool
	// Drop says of a chosen value that another touch lets go of it.
	Drop string
}

// chips are the values of one field.
type chips struct {
	Label text
	Chips []chip
	More  []chip // behind a fold
	Steps []step // before Chips, where the values have an order
}

// way is a way out of a search that found nothing.
type way struct {
	Text  string
	Count int
	Href  string
}

// results are the records that a query finds, one page of them, with what narrows them
// down: a search, or the list of a dataset.
type results struct {
	*page
	// text is what is searched for: what was typed, or what that is the Pinyin of.
	text  string
	Cards []card
	Fault text // why nothing can be searched for
	// Here narrows it to this terminal's market, or widens it again; nil where that is
	// no choice.
	Here   *chip
	Fields []chips
	// Kept are the chosen values, shown while Fields are folded; Fold leads to the
	// same page with them open, or folded.
	Kept []chip
	Open bool
	Fold string
	Ways []way
	turn
}

// stateOf returns q as the address of this page says it: that of a list names its dataset
// itself.
func (rq *request) stateOf(q query) string {
	if rq.list {
		q.dataset = ""
	}
	return q.encode()
}

// to returns the link to another query.
func (r *results) to(q query) string { return r.rq.path + join(r.query(1), r.rq.stateOf(q)) }

// searched returns the link to another query, as a search.
func (r *results) searched(q query) string { return "/search" + join(r.query(1), q.encode()) }

// asked returns the query as the index takes it.
func (r *results) asked() snapshot.Query {
	s := r.rq.query.search()
	s.Text = r.text
	return s
}

// count returns how many records s finds.
func (r *results) count(s snapshot.Query) (int, error) {
	s.Limit, s.Facets = 0, nil
	found, err := r.rq.snap.Search(s)
	return found.Total, err
}

// find searches for the page that the address names. A page behind the last is the last:
// a search finds fewer after another release.
func (r *results) find(s snapshot.Query) (snapshot.Result, error) {
	s.Facets, s.Limit = facetsOf(s.Dataset), r.rq.listSize()
	for _, c := range r.rq.query.chosen {
		if !slices.Contains(s.Facets, c.field) {
			s.Facets = append(s.Facets, c.field)
		}
	}
	if r.rq.page > 1 {
		n, err := r.count(s)
		if err != nil {
			return snapshot.Result{}, r.fault(err)
		}
		r.turnTo(n)
	}
	s.Skip = (r.rq.page - 1) * s.Limit
	found, err := r.rq.snap.Search(s)
	r.Total = found.Total
	return found, r.fault(err)
}

// turnTo keeps the number of the page within what n records fill.
func (r *results) turnTo(n int) { r.rq.page = min(r.rq.page, lastPage(n, r.rq.listSize())) }

// fault tells the visitor what is wrong with what was typed. Any other error is one
// of this side.
func (r *results) fault(err error) error {
	if q, ok := errors.AsType[*snapshot.QueryError](err); ok {
		r.Fault = r.in(q.Message)
		return nil
	}
	return err
}

// narrow offers what narrows the records down: this terminal's market, and the values of
// the fields to choose by.
func (r *results) narrow(found snapshot.Result) error {
	if err := r.here(); err != nil {
		return err
	}
	q := r.rq.query
	other := q
	other.open = !q.open
	r.Open, r.Fold = q.open, r.rq.path+join(r.query(r.rq.page), r.rq.stateOf(other))
	if q.industry != "" {
		f, _ := snapshot.LookupSearchField(q.dataset, industryField)
		r.keep(chips{Label: r.In(f.Label)}, chip{Text: r.industryName(q.industry), Count: r.Number(found.Total), Href: r.to(q.without(industryField))})
	}
	for _, facet := range found.Facets {
		f, _ := snapshot.LookupSearchField(q.dataset, facet.Field)
		if f.Ordered {
			r.steps(f, facet.Values)
			continue
		}
		group, values := chips{Label: r.In(f.Label)}, facet.Values
		chosen, quiet := 0, !slices.Contains(facetsOf(q.dataset), f.Name)
		for _, v := range values {
			if quiet && !v.Chosen {
				continue
			}
			c := chip{Text: r.valueOf(f, v.Value), Count: r.Number(v.Count), Href: r.to(q.toggle(f.Name, v.Value)), On: v.Chosen}
			if v.Chosen {
				chosen++
				c.Drop = r.texts["search.remove"]
				r.Kept = append(r.Kept, c)
			}
			group.Chips = append(group.Chips, c)
		}
		// One value that all of it has is no choice.
		if len(group.Chips) == 0 || len(group.Chips) == 1 && chosen == 0 && values[0].Count == found.Total {
			continue
		}
		slices.SortStableFunc(group.Chips, func(a, b chip) int { return cmp.Compare(trueFirst(a.On), trueFirst(b.On)) })
		group.Chips = group.Chips[:min(len(group.Chips), maxValues)]
		if n := max(shownValues, chosen); len(group.Chips) > n+1 {
			group.Chips, group.More = group.Chips[:n], group.Chips[n:]
		}
		r.Fields = append(r.Fields, group)
	}
	return nil
}

// keep adds c, which was chosen, to group, and that to the fields.
func (r *results) keep(group chips, c chip) {
	c.On, c.Drop = true, r.texts["search.remove"]
	r.Kept = append(r.Kept, c)
	group.Chips = append(group.Chips, c)
	r.Fields = append(r.Fields, group)
}

func trueFirst(b bool) int {
	if b {
		return 0
	}
	return 1
}

// here offers the records of this terminal's market alone.
func (r *results) here() error {
	market := r.rq.market()
	if market == "" {
		return nil
	}
	q := r.rq.query
	on := q.market != ""
	n := r.Total
	if !on {
		s := r.asked()
		s.Filters = append(s.Filters, snapshot.Filter{Field: marketField, Values: []string{string(market)}})
		var err error
		if n, err = r.count(s); err != nil || n == 0 || n == r.Total {
			return err
		}
	}
	q.market = map[bool]catalog.ID{false: market}[on]
	r.Here = &chip{Text: text{S: r.texts["here"]}, Count: r.Number(n), On: on, Href: r.to(q)}
	if on {
		r.Here.Drop = r.texts["search.remove"]
	}
	return nil
}

// valueOf names a value of f.
func (p *page) valueOf(f snapshot.SearchField, v string) text {
	if f.Type == "bool" {
		return text{S: p.texts[map[bool]string{true: "yes", false: "no"}[v == "true"]]}
	}
	if label := p.rq.snap.Label(f, v); label != (catalog.Text{}) {
		return p.in(label)
	}
	return p.zh(v)
}

// show lays out a page of records, with the way back to it behind each.
func (r *results) show(entries []catalog.Entry) error {
	sheets, err := r.sheetsOf(entries)
	if err != nil {
		return err
	}
	words, err := r.rq.snap.NewHighlighter(r.text)
	if err != nil {
		return err
	}
	back := r.back()
	for _, s := range sheets {
		c := s.card()
		c.Href = "/" + string(s.Dataset.Name) + "/" + string(s.ID) + back
		c.Take = r.taking(s.ID)
		if !r.rq.list {
			c.Kind = r.In(s.Dataset.Singular)
		}
		if r.text != "" {
			c.mark(words)
		}
		r.Cards = append(r.Cards, c)
	}
	r.turns(r.Total, r.rq.page, r.rq.listSize(), r.same)
	return nil
}

// back returns the parameters that lead from a record back to this page.
func (r *results) back() string {
	q := r.rq.query
	q.open = false
	state := r.rq.stateOf(q)
	name := "search"
	if r.rq.list {
		if name = "list"; state == "" {
			return r.query(r.rq.page)
		}
	}
	if state = strings.TrimPrefix(join(pageOnly(r.rq.page), state), "?"); state == "" {
		return r.query(1)
	}
	return join(r.query(1), name+"="+url.QueryEscape(state))
}

// mark shows the words that were searched for in c.
func (c *card) mark(words *snapshot.Highlighter) {
	c.Marked = marked(c.Title.S, words.Ranges(c.Title.S))
	ranges := words.Ranges(c.Abstract.S)
	if len(ranges) > 0 && ranges[0][0] > farIn {
		r := []rune(c.Abstract.S)
		cut := ranges[0][0] - leadIn
		c.Abstract.S = "…" + string(r[cut:])
		for i := range ranges {
			ranges[i][0] -= cut - 1
			ranges[i][1] -= cut - 1
		}
	}
	c.MarkedAbstract = marked(c.Abstract.S, ranges)
}

// pageOnly is the number of a page as a query.
func pageOnly(n int) string { return view{lang: "zh"}.query(n) }

// piece is a part of a text, On when it was searched for.
type piece struct {
	S  string
	On bool
}

// marked parts s at the ranges, which are in code points.
func marked(s string, ranges [][2]int) []piece {
	r := []rune(s)
	var out []piece
	at := 0
	for _, m := range ranges {
		if m[0] > at {
			out = append(out, piece{string(r[at:m[0]]), false})
		}
		out = append(out, piece{string(r[m[0]:m[1]]), true})
		at = m[1]
	}
	if at < len(r) {
		out = append(out, piece{string(r[at:]), false})
	}
	return out
}

// ways lead out of a query that finds nothing; all is how many other datasets have.
func (r *results) ways(all int) error {
	q := r.rq.query
	hints, err := r.rq.snap.Hints(r.asked())
	if err != nil {
		return err
	}
	add := func(key, what string, n int, href string) {
		s, _ := r.T(key, what)
		r.Ways = append(r.Ways, way{Text: s, Count: n, Href: href})
	}
	for _, id := range r.rq.codesNear(q.text) {
		s, _ := r.T("search.code", id, r.reference(id).S)
		r.Ways = append(r.Ways, way{Text: s, Count: 1, Href: "/" + string(id.Dataset()) + "/" + string(id) + join(r.query(1), "from=search")})
	}
	for _, f := range hints.Filters {
		field, _ := snapshot.LookupSearchField(q.dataset, f.Text)
		add("search.without.field", r.In(field.Label).S, f.Count, r.to(q.without(f.Text)))
	}
	if hints.Unfiltered > 0 {
		bare := q
		bare.chosen, bare.market = nil, ""
		r.Ways = append(r.Ways, way{Text: r.texts["search.without.fields"], Count: hints.Unfiltered, Href: r.to(bare)})
	}
	if q.dataset != "" && all > 0 {
		r.Ways = append(r.Ways, way{Text: r.texts["search.everywhere"], Count: all, Href: r.searched(q.in(""))})
	}
	for _, w := range hints.Words {
		rest := q
		words := strings.Fields(r.text)
		i := slices.Index(words, w.Text)
		rest.text = strings.Join(slices.Delete(words, i, i+1), " ")
		add("search.without.word", w.Text, w.Count, r.to(rest))
	}
	for _, n := range hints.Near {
		add("search.near", n.Text, n.Count, r.searched(query{text: n.Text, dataset: q.dataset}))
	}
	return nil
}

// cameFrom makes what the address names the way back from a record of d: a search, or a
// list that was narrowed.
func (rq *request) cameFrom(d catalog.Dataset) {
	if rq.back = rq.readTrail(); rq.back.path != "" {
		rq.origin = rq.back.param
		return
	}
	name, path := "search", "/search"
	if rq.args.Get(name) == "" {
		name, path = "list", "/"+string(d)
	}
	args, err := url.ParseQuery(rq.args.Get(name))
	if err != nil {
		return
	}
	if name == "list" {
		args.Set("dataset", string(d))
	}
	q := rq.readQuery(args)
	if name == "list" {
		q.dataset = ""
	}
	if q.empty() {
		return
	}
	state, page := q.encode(), pageNumber(args.Get("page"))
	rq.back = trail{path: path, state: state, page: page}
	rq.origin = name + "=" + url.QueryEscape(strings.TrimPrefix(join(pageOnly(page), state), "?"))
}
