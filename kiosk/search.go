package kiosk

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	// shownValues of a field can be chosen at once, the others behind a fold.
	shownValues = 6
	maxValues   = 40
	maxValue    = 200 // bytes of one value
	// leadIn is how many characters of an abstract stand before the word that was
	// searched for, where it does not stand near the beginning.
	leadIn, farIn = 12, 24
)

// sharedFacets are the fields to choose by in every dataset, behind its own.
var sharedFacets = []string{"tech_fields", "division"}

// facetsOf returns the fields to choose by in d, or among all datasets.
func facetsOf(d catalog.Dataset) []string {
	return append(slices.Clone(layouts[d].facets), sharedFacets...)
}

// query is what a visitor searches for. All of it stands in the address, so that a
// search can be sent, printed and left behind.
type query struct {
	text    string
	dataset catalog.Dataset
	// chosen are the values by field, in the order of facetsOf.
	chosen []choice
	sort   string // newest or name, else relevance
	// open shows the fields to choose by on a narrow screen.
	open bool
}

type choice struct {
	field  string
	values []string
}

// readQuery reads what can be searched for out of an address, and drops the rest.
func readQuery(args url.Values) query {
	q := query{text: typed(args.Get("q")), open: args.Get("show") == "fields"}
	if info, ok := catalog.Dataset(args.Get("dataset")).Info(); ok {
		q.dataset = info.Name
	}
	if s := args.Get("sort"); s == snapshot.ByName || s == snapshot.Newest {
		q.sort = s
	}
	n := 0
	for _, name := range facetsOf(q.dataset) {
		field, _ := snapshot.LookupSearchField(q.dataset, name)
		c := choice{field: name}
		for _, v := range args[name] {
			if n < maxValues && possible(field, v) && !slices.Contains(c.values, v) {
				c.values = append(c.values, v)
				n++
			}
		}
		if len(c.values) > 0 {
			slices.Sort(c.values)
			q.chosen = append(q.chosen, c)
		}
	}
	return q
}

// possible reports whether records can have v in field.
func possible(field snapshot.SearchField, v string) bool {
	if v == "" || len(v) > maxValue || !utf8.ValidString(v) {
		return false
	}
	if l := field.CodeList(); l != nil {
		_, ok := l.Lookup(v)
		return ok
	}
	if field.Type == "bool" {
		return v == "true" || v == "false"
	}
	return !field.Ordered || field.Valid(v)
}

// typed returns what was typed as far as it can be searched for and shown.
func typed(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))), " ")
	if r := []rune(s); len(r) > snapshot.MaxQueryLength {
		s = strings.TrimSpace(string(r[:snapshot.MaxQueryLength]))
	}
	return s
}

// empty reports whether nothing is searched for.
func (q query) empty() bool { return q.text == "" && q.dataset == "" && len(q.chosen) == 0 }

// encode returns q as parameters, always in the same order.
func (q query) encode() string {
	var b strings.Builder
	add := func(name, value string) {
		if value == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + url.QueryEscape(value))
	}
	add("q", q.text)
	add("dataset", string(q.dataset))
	for _, c := range q.chosen {
		for _, v := range c.values {
			add(c.field, v)
		}
	}
	add("sort", q.sort)
	if q.open {
		add("show", "fields")
	}
	return b.String()
}

// in returns q in another dataset, without what cannot be chosen there.
func (q query) in(d catalog.Dataset) query {
	fields := facetsOf(d)
	own := query{text: q.text, dataset: d, sort: q.sort, open: q.open}
	for _, c := range q.chosen {
		// A field of the same name may have other values elsewhere.
		if slices.Contains(fields, c.field) && (d == q.dataset || slices.Contains(sharedFacets, c.field)) {
			own.chosen = append(own.chosen, c)
		}
	}
	return own
}

// without returns q without the values of field.
func (q query) without(field string) query {
	q.chosen = slices.DeleteFunc(slices.Clone(q.chosen), func(c choice) bool { return c.field == field })
	return q
}

// toggle returns q with value of field chosen, or no longer.
func (q query) toggle(field, value string) query {
	args, _ := url.ParseQuery(q.encode()) // written by encode
	if i := slices.Index(args[field], value); i >= 0 {
		args[field] = slices.Delete(args[field], i, i+1)
	} else {
		args[field] = append(args[field], value)
	}
	return readQuery(args)
}

// search returns q as the index takes it.
func (q query) search() snapshot.Query {
	s := snapshot.Query{Text: q.text, Dataset: q.dataset, Sort: q.sort}
	if s.Sort == "" {
		s.Sort = snapshot.Relevance
	}
	for _, c := range q.chosen {
		s.Filters = append(s.Filters, snapshot.Filter{Field: c.field, Values: c.values})
	}
	return s
}

// values returns the parameters of a request. They are copied: the server reuses the
// memory behind them.
func values(c *fiber.Ctx) url.Values {
	v := url.Values{}
	for name, value := range c.Context().QueryArgs().All() {
		v.Add(string(name), string(value))
	}
	return v
}

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
}

// way is a way out of a search that found nothing.
type way struct {
	Text  string
	Count int
	Href  string
}

type searchPage struct {
	*page
	Query   string
	Dataset catalog.Dataset
	// Hidden is what else a form must send along.
	Hidden [][2]string
	// Asked is false as long as nothing is searched for.
	Asked    bool
	Fault    text // why nothing can be searched for
	Total    int
	From, To int
	Tabs     []chip // datasets
	Fields   []chips
	// Kept are the chosen values, shown while Fields are folded; Fold leads to the
	// same page with them open, or folded.
	Kept  []chip
	Open  bool
	Fold  string
	Sorts []chip
	Cards []card
	Ways  []way
	// everywhere is how many are found in all datasets.
	everywhere int

	Previous, Next string
}

func (h *Handler) search(rq *request) (answer, error) {
	rq.query = readQuery(rq.args)
	if id, ok := rq.codeTyped(rq.query.text); ok {
		return answer{location: "/" + string(id.Dataset()) + "/" + string(id) + join(rq.view.query(1), "from=search")}, nil
	}
	rq.state = rq.query.encode()
	return answer{template: "search", data: func() (any, error) {
		q := rq.query
		p := searchPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["search.title"]}, "/"), Query: q.text, Dataset: q.dataset, Asked: !q.empty()}
		if q.text != "" {
			p.Title = text{S: q.text + " – " + p.Title.S}
		}
		p.hidden()
		found, err := p.find()
		if err != nil {
			return nil, err
		}
		if p.Fault.S != "" {
			return p, nil
		}
		p.Total = found.Total
		if err := p.tabs(); err != nil {
			return nil, err
		}
		p.fields(found)
		if !p.Asked {
			return p, nil
		}
		if p.Total == 0 {
			return p, p.ways()
		}
		if p.Cards, err = p.cards(found.Entries); err != nil {
			return nil, err
		}
		p.From, p.To = (rq.page-1)*listSize+1, (rq.page-1)*listSize+len(p.Cards)
		p.sorts()
		if rq.page > 1 {
			p.Previous = p.own(rq.page - 1)
		}
		if p.To < p.Total {
			p.Next = p.own(rq.page + 1)
		}
		return p, nil
	}}, nil
}

// Named is the name of the dataset that is searched.
func (p searchPage) Named() text {
	info, _ := p.Dataset.Info()
	return p.In(info.Label)
}

// own returns the link to page n of the same search.
func (p *searchPage) own(n int) string { return p.rq.path + join(p.query(n), p.rq.state) }

// to returns the link to another search.
func (p *searchPage) to(q query) string { return p.rq.path + join(p.query(1), q.encode()) }

// find searches. A page behind the last is the last: a search finds fewer after
// another release.
func (p *searchPage) find() (snapshot.Result, error) {
	s := p.rq.query.search()
	s.Facets = facetsOf(s.Dataset)
	s.Limit = listSize
	if !p.Asked {
		s.Limit, p.rq.page = 0, 1
	}
	// How many there are says whether there is such a page.
	if p.rq.page > 1 {
		count := s
		count.Limit, count.Facets = 0, nil
		r, err := p.rq.snap.Search(count)
		if err != nil {
			return r, p.fault(err)
		}
		p.rq.page = min(p.rq.page, max(1, (r.Total+listSize-1)/listSize))
	}
	s.Skip = (p.rq.page - 1) * listSize
	r, err := p.rq.snap.Search(s)
	return r, p.fault(err)
}

// fault tells the visitor what is wrong with what was typed. Any other error is one
// of this side.
func (p *searchPage) fault(err error) error {
	if q, ok := errors.AsType[*snapshot.QueryError](err); ok {
		p.Fault = p.in(q.Message)
		return nil
	}
	return err
}

// hidden lists what a form must send beside the text: the visitor's choices, but for
// the order, which a new text begins anew.
func (p *searchPage) hidden() {
	q := p.rq.query
	q.text, q.sort, q.open = "", "", false
	for pair := range strings.SplitSeq(strings.TrimPrefix(join(p.query(1), q.encode()), "?"), "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			value, _ = url.QueryUnescape(value) // written by encode
			p.Hidden = append(p.Hidden, [2]string{name, value})
		}
	}
}

// tabs are the datasets in which something is found.
func (p *searchPage) tabs() error {
	q := p.rq.query
	s := q.in("").search()
	s.Facets = []string{"dataset"}
	r, err := p.rq.snap.Search(s)
	if err != nil {
		return err
	}
	p.everywhere = r.Total
	counts := map[catalog.Dataset]int{}
	for _, v := range r.Facets[0].Values {
		counts[catalog.Dataset(v.Value)] = v.Count
	}
	p.Tabs = append(p.Tabs, chip{Text: text{S: p.texts["search.all"]}, Count: p.Number(r.Total), Href: p.to(q.in("")), On: q.dataset == ""})
	for info := range catalog.Datasets() {
		on := info.Name == q.dataset
		n := counts[info.Name]
		if on {
			n = p.Total
		}
		if n > 0 || on {
			p.Tabs = append(p.Tabs, chip{Text: p.In(info.Label), Count: p.Number(n), Href: p.to(q.in(info.Name)), On: on})
		}
	}
	return nil
}

// fields are the values to choose by among what is found.
func (p *searchPage) fields(found snapshot.Result) {
	q := p.rq.query
	other := q
	other.open = !q.open
	p.Open, p.Fold = q.open || !p.Asked, p.rq.path+join(p.query(p.rq.page), other.encode())
	for _, facet := range found.Facets {
		f, _ := snapshot.LookupSearchField(q.dataset, facet.Field)
		group := chips{Label: p.In(f.Label)}
		chosen := 0
		for _, v := range facet.Values {
			if v.Chosen {
				chosen++
			}
			c := chip{Text: p.valueOf(f, v.Value), Count: p.Number(v.Count), Href: p.to(q.toggle(f.Name, v.Value)), On: v.Chosen}
			if v.Chosen {
				c.Drop = p.texts["search.remove"]
				p.Kept = append(p.Kept, c)
			}
			group.Chips = append(group.Chips, c)
		}
		// One value that all of it has is no choice.
		if len(group.Chips) == 0 || len(group.Chips) == 1 && chosen == 0 && facet.Values[0].Count == found.Total {
			continue
		}
		slices.SortStableFunc(group.Chips, func(a, b chip) int { return cmp.Compare(chosenFirst(a.On), chosenFirst(b.On)) })
		group.Chips = group.Chips[:min(len(group.Chips), maxValues)]
		if n := max(shownValues, chosen); len(group.Chips) > n+1 {
			group.Chips, group.More = group.Chips[:n], group.Chips[n:]
		}
		p.Fields = append(p.Fields, group)
	}
}

func chosenFirst(chosen bool) int {
	if chosen {
		return 0
	}
	return 1
}

// valueOf names a value of f.
func (p *page) valueOf(f snapshot.SearchField, v string) text {
	if f.Name == "trl" {
		return text{S: "TRL " + v}
	}
	if f.Type == "bool" {
		return text{S: p.texts[map[bool]string{true: "yes", false: "no"}[v == "true"]]}
	}
	if label := p.rq.snap.Label(f, v); label != (catalog.Text{}) {
		return p.in(label)
	}
	return p.zh(v)
}

func (p *searchPage) sorts() {
	for _, s := range []string{"", snapshot.Newest, snapshot.ByName} {
		q := p.rq.query
		q.sort = s
		key := "search.sort." + cmp.Or(s, snapshot.Relevance)
		p.Sorts = append(p.Sorts, chip{Text: text{S: p.texts[key]}, Href: p.to(q), On: s == p.rq.query.sort})
	}
}

// cards are the records of the page, the words of the query marked in them.
func (p *searchPage) cards(entries []catalog.Entry) ([]card, error) {
	sheets, err := p.sheetsOf(entries)
	if err != nil {
		return nil, err
	}
	words, err := p.rq.snap.NewHighlighter(p.Query)
	if err != nil {
		return nil, err
	}
	back := ""
	folded := p.rq.query
	folded.open = false
	if state := strings.TrimPrefix(join(pageOnly(p.rq.page), folded.encode()), "?"); state != "" {
		back = "search=" + url.QueryEscape(state)
	}
	var all []card
	for _, s := range sheets {
		c := s.card()
		c.Href = "/" + string(s.Dataset.Name) + "/" + string(s.ID) + join(p.query(1), back)
		c.Kind = p.In(s.Dataset.Singular)
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
		all = append(all, c)
	}
	return all, nil
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

// ways lead out of a search that found nothing.
func (p *searchPage) ways() error {
	q := p.rq.query
	hints, err := p.rq.snap.Hints(q.search())
	if err != nil {
		return err
	}
	add := func(key, what string, n int, to query) {
		s, _ := p.T(key, what)
		p.Ways = append(p.Ways, way{Text: s, Count: n, Href: p.to(to)})
	}
	for _, id := range p.rq.codesNear(q.text) {
		s, _ := p.T("search.code", id, p.reference(id).S)
		p.Ways = append(p.Ways, way{Text: s, Count: 1, Href: "/" + string(id.Dataset()) + "/" + string(id) + join(p.query(1), "from=search")})
	}
	for _, f := range hints.Filters {
		field, _ := snapshot.LookupSearchField(q.dataset, f.Text)
		add("search.without.field", p.In(field.Label).S, f.Count, q.without(f.Text))
	}
	if hints.Unfiltered > 0 {
		bare := q
		bare.chosen = nil
		p.Ways = append(p.Ways, way{Text: p.texts["search.without.fields"], Count: hints.Unfiltered, Href: p.to(bare)})
	}
	if q.dataset != "" && p.everywhere > 0 {
		p.Ways = append(p.Ways, way{Text: p.texts["search.everywhere"], Count: p.everywhere, Href: p.Tabs[0].Href})
	}
	for _, w := range hints.Words {
		rest := q
		words := strings.Fields(q.text)
		i := slices.Index(words, w.Text)
		rest.text = strings.Join(slices.Delete(words, i, i+1), " ")
		add("search.without.word", w.Text, w.Count, rest)
	}
	for _, n := range hints.Near {
		add("search.near", n.Text, n.Count, query{text: n.Text, dataset: q.dataset})
	}
	return nil
}

// cameFrom makes a search that the address names the way back from this page.
func (rq *request) cameFrom() {
	if rq.back = rq.readTrail(); rq.back.path != "" {
		rq.origin = rq.back.param
		return
	}
	state, err := url.ParseQuery(rq.args.Get("search"))
	if err != nil {
		return
	}
	q := readQuery(state)
	if q.empty() {
		return
	}
	rq.query, rq.foundOn = q, pageNumber(state.Get("page"))
	rq.origin = "search=" + url.QueryEscape(strings.TrimPrefix(join(pageOnly(rq.foundOn), q.encode()), "?"))
}
