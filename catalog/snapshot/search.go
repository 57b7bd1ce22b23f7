package snapshot

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"luoshu/catalog"
)

// Result is what a query found.
type Result struct {
	// Entries of the page belong to the snapshot; nobody changes them.
	Entries []catalog.Entry
	// Total counts everything that was found.
	Total int
	// Facets in the order of the query.
	Facets []Facet
	// Next is the After of the following page, the zero Mark when this is the last.
	Next Mark
}

// Facet counts what was found by the values of a field.
type Facet struct {
	Field string
	// Values that occur, the most frequent first. A value chosen by a filter is
	// there even when it occurs nowhere.
	Values []FacetValue
}

// FacetValue is one value with the number of records that have it. Of a field of
// numbers it is a range: a year, a level, a span of amounts.
type FacetValue struct {
	Value string
	// Least and Most bound a range, for a filter; both are empty for a term.
	Least, Most string
	Count       int
	Chosen      bool
}

// scratch is the memory of a search, used again by the next.
type scratch struct {
	lists []list
	order []int
	batch batch
	heap  []ranked
	facet [MaxFacets][]uint32
	bits  []uint64
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// batchSize is how many candidates are judged at a time: loops over a few hundred
// of them are short, and stay in the processor's cache.
const batchSize = 256

// batch is candidates on their way through filters and counts.
type batch struct {
	n    int
	docs [batchSize]uint32
	// row tells that the candidates are records that follow one another, so that
	// columns can be read in a row.
	row bool
	// keys order them, the greatest first.
	keys [batchSize]uint64
	// failed has a bit for every filter a candidate does not pass; found lists
	// those that pass all.
	failed [batchSize]uint32
	found  []uint16
	places [batchSize]uint16
}

// ranked is a record that was found.
type ranked struct {
	key uint64
	doc uint32
}

// before reports whether a goes before b.
func (a ranked) before(b ranked) bool { return a.key > b.key || a.key == b.key && a.doc < b.doc }

// search is a query on its way.
type search struct {
	ix       *index
	terms    []term
	weights  []uint32
	phrase   []byte // squeezed
	bonus    uint32 // for the phrase in the title, half of it more for its beginning
	from, to uint32
	filters  []predicate
	facets   []facetCounter
	sort     sorting
	after    ranked
	hasAfter bool
	keep     int
	total    int
	*scratch
}

// Search answers a query. The error is a *QueryError when the query is at fault.
func (s *Snapshot) Search(q Query) (Result, error) {
	sr, err := s.prepare(q, s.number)
	if err != nil {
		return Result{}, err
	}
	sr.scratch = scratches.Get().(*scratch)
	defer scratches.Put(sr.scratch)
	sr.run()
	found := sr.ranked()
	result := Result{Total: sr.total, Facets: sr.countedFacets()}
	more := len(found) == sr.keep && q.Limit > 0
	found = found[:min(len(found), sr.keep-1)]
	found = found[min(len(found), max(q.Skip, 0)):]
	result.Entries = make([]catalog.Entry, len(found))
	for i, f := range found {
		result.Entries[i] = s.entry(f.doc)
	}
	if more && len(found) > 0 {
		last := found[len(found)-1]
		result.Next = Mark{last.key, s.entry(last.doc).ID}
	}
	return result, nil
}

// prepare checks a query and makes ready what answers it.
func (ix *index) prepare(q Query, find func(catalog.ID) (uint32, bool)) (*search, error) {
	sr := &search{ix: ix, to: ix.records, keep: max(q.Skip, 0) + max(q.Limit, 0) + 1}
	if q.Dataset != "" {
		s := ix.spans[q.Dataset]
		sr.from, sr.to = uint32(s.from), uint32(s.to)
	}
	var err error
	if sr.terms, err = ix.parse(q.Text); err != nil {
		return nil, err
	}
	if len(sr.terms) > 0 {
		sr.terms = ix.asked(sr.terms)
		sr.weigh(q.Text)
	}
	if len(q.Filters) > MaxFilters {
		return nil, badQuery("filter", "最多 %d 个筛选条件", "at most %d filters", MaxFilters)
	}
	for _, f := range q.Filters {
		p, err := ix.predicate(q.Dataset, f)
		if err != nil {
			return nil, err
		}
		sr.filters = append(sr.filters, p)
	}
	if len(q.Facets) > MaxFacets {
		return nil, badQuery("facets", "最多 %d 个分面", "at most %d facets", MaxFacets)
	}
	for _, name := range q.Facets {
		f, err := sr.facetCounter(q, name)
		if err != nil {
			return nil, err
		}
		sr.facets = append(sr.facets, f)
	}
	if sr.sort, err = ix.sorting(q); err != nil {
		return nil, err
	}
	if q.After != (Mark{}) {
		doc, ok := find(q.After.ID)
		if !ok {
			return nil, badQuery("after", "没有这个起点", "there is no such place to begin behind")
		}
		sr.after, sr.hasAfter = ranked{q.After.Key, doc}, true
	}
	return sr, nil
}

// weigh says what every term is worth, and the whole text in a title.
func (sr *search) weigh(text string) {
	sum := uint32(0)
	for _, t := range sr.terms {
		w := rarity(sr.ix.count(t.key), int(sr.ix.records))
		sr.weights = append(sr.weights, w)
		sum += w
	}
	sr.phrase = squeeze(nil, []byte(text))
	sr.bonus = sum * maxImpact / 2
}

// run goes through all candidates.
func (sr *search) run() {
	sr.heap, sr.total = sr.heap[:0], 0
	for i, f := range sr.facets {
		sr.facet[i] = slices.Grow(sr.facet[i][:0], f.size)[:f.size]
		clear(sr.facet[i])
	}
	if len(sr.terms) == 0 {
		if !sr.bitmapped() {
			sr.all()
		}
		return
	}
	sr.lists = slices.Grow(sr.lists[:0], len(sr.terms))[:len(sr.terms)]
	sr.order = sr.order[:0]
	for i, t := range sr.terms {
		if !sr.ix.find(t.key, &sr.lists[i]) {
			return
		}
		sr.order = append(sr.order, i)
	}
	// The rarest leads: the others are asked only for what it has.
	slices.SortStableFunc(sr.order, func(a, b int) int { return sr.lists[a].count - sr.lists[b].count })
	sr.conjunction()
}

// all takes every record in turn.
func (sr *search) all() {
	b := &sr.batch
	b.row = true
	for doc := sr.from; doc < sr.to; {
		b.n = int(min(batchSize, sr.to-doc))
		for i := range b.n {
			b.docs[i] = doc + uint32(i)
			b.keys[i] = 0
			if !sr.sort.ids {
				b.keys[i] = uint64(sr.ix.priors[doc+uint32(i)])
			}
		}
		doc += uint32(b.n)
		sr.judge()
	}
}

// conjunction takes the records that hold every term.
func (sr *search) conjunction() {
	b := &sr.batch
	b.n, b.row = 0, false
	lead := &sr.lists[sr.order[0]]
	leadWeight := sr.weights[sr.order[0]]
	others := sr.order[1:]
	for doc := lead.seek(sr.from); doc < sr.to; {
		m := lead.marks[lead.i]
		all, score := m, m.impact()*leadWeight
		for _, o := range others {
			l := &sr.lists[o]
			at := l.seek(doc)
			if at != doc {
				doc = at
				score = 0
				break
			}
			m := l.marks[l.i]
			all &= m
			score += m.impact() * sr.weights[o]
		}
		if score == 0 {
			// An impact is never 0: another list was behind.
			doc = lead.seek(doc)
			continue
		}
		if all&inATitle != 0 {
			score += sr.titleBonus(doc, sr.lists[0].marks[sr.lists[0].i], len(others) == 0)
		}
		b.docs[b.n] = doc
		b.keys[b.n] = uint64(score)<<8 | uint64(sr.ix.priors[doc])
		if b.n++; b.n == batchSize {
			sr.judge()
			b.n = 0
		}
		if lead.i++; lead.i == lead.n {
			lead.load(lead.block)
		}
		doc = lead.docs[lead.i]
	}
	sr.judge()
	b.n = 0
}

// titleBonus is what it is worth that the text stands in the title as a whole, and
// begins it. first is the mark of the text's first term; of a single term it says
// everything.
func (sr *search) titleBonus(doc uint32, first mark, single bool) uint32 {
	begins := first&startsTitle != 0
	if !single {
		zh, en, _ := bytes.Cut(sr.ix.titles.at(int(doc)), []byte{0})
		if !bytes.Contains(zh, sr.phrase) && !bytes.Contains(en, sr.phrase) {
			return 0
		}
		begins = begins && (bytes.HasPrefix(zh, sr.phrase) || bytes.HasPrefix(en, sr.phrase))
	}
	if begins {
		return sr.bonus + sr.bonus/2
	}
	return sr.bonus
}

// judge filters, counts and ranks a batch.
func (sr *search) judge() {
	b := &sr.batch
	if b.n == 0 {
		return
	}
	b.found = everyPlace[:b.n]
	if len(sr.filters) > 0 {
		b.found = sr.passed()
	}
	sr.total += len(b.found)
	for i := range sr.facets {
		sr.facets[i].count(b, sr.facet[i])
	}
	if sr.sort.column != nil || sr.sort.names {
		sr.sort.keys(sr.ix, b)
	}
	least := sr.least()
	for _, i := range b.found {
		if b.keys[i] >= least {
			sr.rank(ranked{b.keys[i], b.docs[i]})
			least = sr.least()
		}
	}
}

// everyPlace lists the places of a batch.
var everyPlace = func() (all [batchSize]uint16) {
	for i := range all {
		all[i] = uint16(i)
	}
	return all
}()

// passed lists the places of a batch's candidates that pass all filters.
func (sr *search) passed() []uint16 {
	b := &sr.batch
	clear(b.failed[:b.n])
	for i := range sr.filters {
		sr.filters[i].judge(b, 1<<i)
	}
	// Whether a candidate passes is hard to guess, for a processor too: each is
	// written down, and overwritten by the next if it does not.
	n := 0
	for i, f := range b.failed[:b.n] {
		b.places[n%batchSize] = uint16(i)
		n += int((uint64(f) - 1) >> 63)
	}
	return b.places[:n]
}

// least is the key that a record needs to be kept.
func (sr *search) least() uint64 {
	if len(sr.heap) < sr.keep {
		return 0
	}
	return sr.heap[0].key
}

// rank keeps the first of what was found: a heap with the last of them on top.
func (sr *search) rank(r ranked) {
	h := sr.heap
	if len(h) == sr.keep && !r.before(h[0]) {
		return
	}
	if sr.hasAfter && !sr.after.before(r) {
		return
	}
	if len(h) < sr.keep {
		h = append(h, r)
		for i := len(h) - 1; i > 0; {
			parent := (i - 1) / 2
			if h[i].before(h[parent]) {
				break
			}
			h[i], h[parent] = h[parent], h[i]
			i = parent
		}
		sr.heap = h
		return
	}
	h[0] = r
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child].before(h[child+1]) {
			child++
		}
		if h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// ranked returns what was kept, in order.
func (sr *search) ranked() []ranked {
	slices.SortFunc(sr.heap, func(a, b ranked) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return sr.heap
}

// predicate is a filter made ready.
type predicate struct {
	column *column
	field  string
	// allowed tells of the number of a term whether it passes.
	allowed []bool
	// ranges of numbers that pass.
	ranges [][2]float64
}

func (ix *index) predicate(d catalog.Dataset, f Filter) (predicate, error) {
	c := ix.column(d, f.Field)
	if c == nil {
		return predicate{}, unknownField(d, f.Field)
	}
	p := predicate{column: c, field: c.path}
	if c.kind == terms {
		if f.Least != "" || f.Most != "" {
			return p, badQuery(f.Field, "该字段没有大小，不能用范围筛选", "this field has no order: filter it by values")
		}
		p.allowed = make([]bool, c.values.len()+1)
		for _, v := range f.Values {
			if i, ok := c.values.search(v); ok {
				p.allowed[i+1] = true
			}
		}
		return p, nil
	}
	for _, v := range f.Values {
		least, most, ok := c.span(v)
		if !ok {
			return p, badNumber(f.Field, c)
		}
		p.ranges = append(p.ranges, [2]float64{least, most})
	}
	if f.Least != "" || f.Most != "" {
		least, most := math.Inf(-1), math.Inf(1)
		if f.Least != "" {
			l, _, ok := c.span(f.Least)
			if !ok {
				return p, badNumber(f.Field, c)
			}
			least = l
		}
		if f.Most != "" {
			_, m, ok := c.span(f.Most)
			if !ok {
				return p, badNumber(f.Field, c)
			}
			most = m
		}
		p.ranges = append(p.ranges, [2]float64{least, most})
	}
	return p, nil
}

func badNumber(field string, c *column) *QueryError {
	if c.typ == "date" || c.typ == "time" {
		return badQuery(field, "应为日期，如 2026-11-20、2026-11 或 2026", "must be a date such as 2026-11-20, 2026-11 or 2026")
	}
	return badQuery(field, "应为数字", "must be a number")
}

func unknownField(d catalog.Dataset, name string) *QueryError {
	e := badQuery(name, "没有可按“%s”检索的字段", "there is no field %q to search by", name)
	e.Known = fieldNames(d, false)
	return e
}

// span returns the numbers a wording stands for: a year is all its days.
func (c *column) span(text string) (least, most float64, ok bool) {
	if c.typ != "date" && c.typ != "time" {
		n, err := strconv.ParseFloat(text, 64)
		return n, n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	if !catalog.Date(text).Valid() {
		return 0, 0, false
	}
	least = day([]byte(text))
	switch strings.Count(text, "-") {
	case 0:
		return least, least + 9999.999, true
	case 1:
		return least, least + 99.999, true
	}
	return least, least + 0.999, true
}

// judge marks the candidates that do not pass.
func (p *predicate) judge(b *batch, bit uint32) {
	c := p.column
	row := b.row && c.covers(b.docs[0], b.docs[b.n-1]+1)
	switch {
	case row && c.kind == numbers && len(p.ranges) == 1:
		least, most := p.ranges[0][0], p.ranges[0][1]
		for i, n := range c.numbers[b.docs[0]-c.from:][:b.n] {
			f := bit
			if n >= least && n <= most { // which what is no number is not
				f = 0
			}
			b.failed[i] |= f
		}
		return
	case row && c.kind == terms && c.firsts == nil:
		for i := range b.n {
			f := bit
			if p.allowed[c.codes.at(b.docs[i]-c.from)] {
				f = 0
			}
			b.failed[i] |= f
		}
		return
	case c.kind == numbers:
		for i, doc := range b.docs[:b.n] {
			if !c.covers(doc, doc+1) || !p.within(c.numbers[doc-c.from]) {
				b.failed[i] |= bit
			}
		}
		return
	}
	for i, doc := range b.docs[:b.n] {
		if doc < c.from || doc >= c.to {
			b.failed[i] |= bit
			continue
		}
		if c.firsts == nil {
			if !p.allowed[c.codes.at(doc-c.from)] {
				b.failed[i] |= bit
			}
			continue
		}
		pass := false
		for code := range c.codesOf(doc) {
			pass = pass || p.allowed[code]
		}
		if !pass {
			b.failed[i] |= bit
		}
	}
}

func (p *predicate) within(n float64) bool {
	for _, r := range p.ranges {
		if n >= r[0] && n <= r[1] {
			return true
		}
	}
	return false
}

// sorting is an order made ready: by relevance when it names nothing else.
type sorting struct {
	column *column
	up     bool
	names  bool
	ids    bool
}

func (ix *index) sorting(q Query) (sorting, error) {
	name, down := strings.CutPrefix(q.Sort, "-")
	switch q.Sort {
	case "":
		return sorting{ids: strings.TrimSpace(q.Text) == ""}, nil
	case Relevance:
		return sorting{}, nil
	case ByName:
		return sorting{names: true}, nil
	case Newest:
		name, down = "updated_at", true
	}
	c := ix.column(q.Dataset, name)
	if c == nil || c.kind != numbers {
		e := badQuery("sort", "不能按“%s”排序", "results cannot be sorted by %q", name)
		e.Known = append([]string{Relevance, Newest, ByName}, fieldNames(q.Dataset, true)...)
		return sorting{}, e
	}
	return sorting{column: c, up: !down}, nil
}

// keys replaces the relevance of a batch by another order. A record without the
// value goes last.
func (s *sorting) keys(ix *index, b *batch) {
	if s.names {
		for i, doc := range b.docs[:b.n] {
			b.keys[i] = uint64(^ix.names[doc])
		}
		return
	}
	c := s.column
	for i, doc := range b.docs[:b.n] {
		b.keys[i] = 0
		if doc < c.from || doc >= c.to {
			continue
		}
		n := c.numbers[doc-c.from]
		if math.IsNaN(n) {
			continue
		}
		k := math.Float64bits(n + 0) // no negative zero
		if k>>63 == 0 {
			k |= 1 << 63
		} else {
			k = ^k
		}
		if s.up {
			k = ^k
		}
		b.keys[i] = max(k, 1)
	}
}
