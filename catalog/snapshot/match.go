package snapshot

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"luoshu/catalog"
)

// MatchKind says in which way a record was found for another.
type MatchKind string

// The kinds of matches, in the order in which they are given.
const (
	// AchievementFits is an achievement for a demand, or for a firm.
	AchievementFits MatchKind = "achievement-fits"
	// DemandFits is a demand for an achievement, or for a unit that does research.
	DemandFits MatchKind = "demand-fits"
	// Similar is another achievement like an achievement.
	Similar MatchKind = "similar"
	// PolicyApplies is a policy whose conditions an achievement or unit meets, as
	// far as its record tells.
	PolicyApplies MatchKind = "policy"
	// ServiceFits is a service that an achievement or demand has a use for.
	ServiceFits MatchKind = "service"
)

// Match is a record that was found for another.
type Match struct {
	ID      catalog.ID
	Dataset catalog.Dataset
	Kind    MatchKind
	// Score orders the matches of one kind. It is the sum of the parts.
	Score int
	// Parts say why, the weightiest first.
	Parts []Part
}

// Part is one reason for a match.
type Part struct {
	// Name is relation, text, keyword, industry, discipline, tech_field, trl,
	// stage, mode, price, division, condition, amount, need or area.
	Name   string
	Points int
	// Why words the reason for a reader.
	Why catalog.Text
}

// MaxMatches is how many matches of one kind are given at most.
const MaxMatches = 20

// candidates is how many records of a dataset are read and compared in full. They
// are chosen by the words they share with the subject, as the index has them.
const candidates = 24

// The words looked up in the index: those of title and keywords before those of the
// body, and none once so many postings have been read.
const (
	headTokens  = 32
	bodyTokens  = 16
	maxPostings = 150_000
)

// What the text is worth at most, and what half of that takes. Two records are of no
// interest to each other with less than textFloor, where they share an industry or
// discipline, and less than textAlone, where they do not: any two texts have words
// in common.
const (
	textPoints = 50
	textHalf   = 40_000
	textFloor  = 9
	textAlone  = 20
	textHint   = 3
)

// Matches returns what fits the record id: for a demand, achievements and services;
// for an achievement, demands, similar ones, policies and services; for a firm,
// achievements, demands and policies of its field; for anything else nothing. There
// are at most limit (and MaxMatches) of a kind, the best first, equal ones by
// identifier. What is closed or out of date on the release's day is left out. A
// demand and an achievement score the same from both sides. The error is that of
// Find.
func (s *Snapshot) Matches(id catalog.ID, limit int) ([]Match, error) {
	doc, ok := s.number(id)
	if !ok {
		_, err := s.Find(id)
		return nil, err
	}
	kinds := kindsFor(id.Dataset())
	limit = min(limit, MaxMatches)
	if len(kinds) == 0 || limit <= 0 {
		return nil, nil
	}
	m := matchers.Get().(*matcher)
	defer m.end()
	if err := m.begin(s, doc); err != nil {
		return nil, err
	}
	var all []Match
	for _, kind := range kinds {
		found, err := m.find(kind, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func kindsFor(d catalog.Dataset) []MatchKind {
	switch d {
	case catalog.Demands:
		return []MatchKind{AchievementFits, ServiceFits}
	case catalog.Achievements:
		return []MatchKind{DemandFits, Similar, PolicyApplies, ServiceFits}
	case catalog.Organizations:
		return []MatchKind{AchievementFits, DemandFits, PolicyApplies}
	default:
		return nil
	}
}

// matcher finds matches for one record. It is used again for the next, and its size
// does not depend on the catalog's.
type matcher struct {
	s       *Snapshot
	today   float64
	subject listing
	facts   facts
	lists   []list
	chosen  []telling
	// telling is what every token of the subject is worth.
	telling map[key]telling
	tokens  recordTokens
	scanner scanner
	shared  map[key]uint32
	// words remembers which pairs of the subject make words.
	words   map[key]bool
	window  [windowLen]uint32
	scratch scratch
}

// windowLen is how many records' scores are added up at a time: few enough for a
// processor's cache, and no more memory for a larger catalog.
const windowLen = 1 << 13

var matchers = sync.Pool{New: func() any {
	return &matcher{telling: map[key]telling{}, shared: map[key]uint32{}, words: map[key]bool{}}
}}

// listing is a record that is compared.
type listing struct {
	doc    uint32
	entry  catalog.Entry
	record catalog.Record
	head   *catalog.Header
}

// telling is a token of the subject.
type telling struct {
	key    key
	weight uint32 // by its rarity alone, at most 256
	impact uint32 // in the subject
	count  int    // of records that hold it
	head   bool   // it stands in the title or keywords
}

func (m *matcher) begin(s *Snapshot, doc uint32) error {
	m.s = s
	m.today = today(s.Manifest())
	m.facts = nil
	var err error
	if m.subject, err = s.listing(doc); err != nil {
		return err
	}
	m.choose()
	return nil
}

// end lets go of the snapshot, so that the pool keeps none alive.
func (m *matcher) end() {
	m.s, m.subject, m.facts = nil, listing{}, nil
	clear(m.lists)
	matchers.Put(m)
}

// today is the day the release describes, in the form of day.
func today(m *catalog.Manifest) float64 {
	if m.AsOf != "" {
		return day([]byte(m.AsOf))
	}
	return day([]byte(m.PublishedAt.UTC().Format(time.DateOnly)))
}

func (s *Snapshot) listing(doc uint32) (listing, error) {
	e := s.entry(doc)
	r, err := catalog.Decode(e.Dataset, e.Raw)
	if err != nil {
		return listing{}, err
	}
	return listing{doc, e, r, r.Head()}, nil
}

var (
	asTitle   = &field{class: inTitle}
	asKeyword = &field{class: inKeyword}
	asBody    = &field{class: inBody}
)

// content yields the texts that say what a record is about, the weightiest first.
// Translations are left out: they would say everything twice.
func (l *listing) content(yield func(f *field, text string)) {
	for _, k := range l.head.Keywords {
		yield(asKeyword, k)
	}
	yield(asTitle, l.head.Title)
	yield(asBody, l.head.Abstract)
	if a, ok := l.record.(*catalog.Achievement); ok {
		yield(asBody, a.Advantages)
		yield(asBody, a.Applications)
	}
}

// count takes the content of a listing apart.
func (m *matcher) count(l *listing) {
	m.tokens.reset()
	l.content(func(f *field, text string) { m.tokens.add(f, []byte(text)) })
}

// choose weighs every token of the subject and picks those that are looked up.
func (m *matcher) choose() {
	s := m.s
	m.count(&m.subject)
	clear(m.telling)
	clear(m.words)
	m.chosen = m.chosen[:0]
	most := uint64(rarity(1, int(s.records)))
	m.tokens.each(func(k key, mk mark) {
		if k&(wordKey|pairKey) == 0 {
			return // a single character tells too little
		}
		n := s.count(k)
		if n < 2 || n > int(s.records)/6+8 {
			return // nobody else has it, or too many have
		}
		r := uint64(rarity(n, int(s.records)))
		t := telling{key: k, weight: uint32(r * r * 256 / (most * most)), impact: mk.impact(), count: n}
		if k&pairKey != 0 && !s.coheres(k, n, wordShare) {
			t.weight /= looseWeight
		}
		m.telling[k] = t
	})
	for _, i := range m.tokens.order {
		c := &m.tokens.table[i]
		if t, ok := m.telling[c.key]; ok {
			t.head = c.counts[inTitle]+c.counts[inKeyword] > 0
			m.chosen = append(m.chosen, t)
		}
	}
	slices.SortFunc(m.chosen, func(a, b telling) int {
		if a.head != b.head {
			if a.head {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.weight*b.impact, a.weight*a.impact), cmp.Compare(a.key, b.key))
	})
	heads, bodies, postings := 0, 0, 0
	m.chosen = slices.DeleteFunc(m.chosen, func(t telling) bool {
		quota := &bodies
		if t.head {
			quota = &heads
		}
		if *quota++; heads > headTokens || bodies > bodyTokens || postings+t.count > maxPostings {
			*quota--
			return true
		}
		postings += t.count
		return false
	})
	m.lists = slices.Grow(m.lists[:0], len(m.chosen))[:len(m.chosen)]
	for i, t := range m.chosen {
		s.find(t.key, &m.lists[i])
	}
}

// A pair of characters coheres when one in so many of the records that have the rarer
// of the two has the pair: inside a word the characters keep each other company,
// between two words they meet by chance. What does not cohere counts for less.
const (
	wordShare   = 3
	looseWeight = 3
)

func (s *Snapshot) coheres(pair key, n, share int) bool {
	a, b := s.count(pair&^pairKey>>runeBit), s.count(pair&(1<<runeBit-1))
	return n*share >= min(a, b)
}

// scored is a match on its way.
type scored struct {
	Match
	listing
}

// find returns the matches of one kind.
func (m *matcher) find(kind MatchKind, limit int) ([]Match, error) {
	var found []scored
	var err error
	switch kind {
	case AchievementFits, DemandFits, Similar:
		found, err = m.alike(kind)
	case PolicyApplies:
		found, err = m.policies()
	case ServiceFits:
		found, err = m.services()
	}
	if err != nil {
		return nil, err
	}
	for i := range found {
		f := &found[i]
		f.ID, f.Dataset, f.Kind = f.entry.ID, f.entry.Dataset, kind
		slices.SortStableFunc(f.Parts, func(a, b Part) int { return b.Points - a.Points })
		for _, p := range f.Parts {
			f.Score += p.Points
		}
	}
	slices.SortFunc(found, func(a, b scored) int {
		return cmp.Or(b.Score-a.Score, strings.Compare(string(a.ID), string(b.ID)))
	})
	found = found[:min(len(found), limit)]
	matches := make([]Match, len(found))
	for i := range found {
		m.explain(&found[i])
		matches[i] = found[i].Match
	}
	return matches, nil
}

// alike compares the subject with the records that share most words with it, and
// with those it is linked to.
func (m *matcher) alike(kind MatchKind) ([]scored, error) {
	d := catalog.Achievements
	if kind == DemandFits {
		d = catalog.Demands
	}
	if o, ok := m.subject.record.(*catalog.Organization); ok && !slices.ContainsFunc(o.Kinds, looksFor[kind].contains) {
		return nil, nil
	}
	docs := m.nearest(d, candidates, nil)
	docs = append(docs, m.linked(d, docs)...)
	var found []scored
	for _, doc := range docs {
		l, err := m.s.listing(doc)
		if err != nil {
			return nil, err
		}
		p := pair{m.s, &m.subject, &l}
		if p.own() {
			continue
		}
		parts := p.parts()
		points := m.text(&l)
		if !p.worthwhile(parts, points) {
			continue
		}
		if points > 0 {
			parts = append(parts, Part{Name: "text", Points: points})
		}
		found = append(found, scored{Match{Parts: parts}, l})
	}
	return found, nil
}

// nearest returns the living records of d, the subject not among them, that share
// most with the subject by the index: the weight of common words and, unless it is
// nil, more for what else is known of a record. A record of which more says 0 is
// left out.
func (m *matcher) nearest(d catalog.Dataset, keep int, more func(doc uint32) uint32) []uint32 {
	in := m.s.spans[d]
	alive := m.s.living(d, m.today)
	top := search{keep: keep, scratch: &m.scratch}
	top.heap = top.heap[:0]
	for i := range m.lists {
		l := &m.lists[i]
		l.block, l.i, l.n = 0, 0, 0
	}
	for from := uint32(in.from); from < uint32(in.to); from += windowLen {
		to := min(from+windowLen, uint32(in.to))
		scores := m.window[:to-from]
		clear(scores)
		for i := range m.lists {
			l, t := &m.lists[i], &m.chosen[i]
			for doc := l.seek(from); doc < to; doc = l.docs[l.i] {
				scores[doc-from] += t.weight * min(t.impact, l.marks[l.i].impact())
				if l.i++; l.i == l.n {
					l.load(l.block)
				}
			}
		}
		for i, score := range scores {
			doc := from + uint32(i)
			if more != nil {
				extra := more(doc)
				if extra == 0 {
					continue
				}
				score += extra
			}
			if score > 0 && doc != m.subject.doc && alive.now(doc) {
				top.rank(ranked{uint64(score), doc})
			}
		}
	}
	docs := make([]uint32, 0, len(top.heap))
	for _, r := range top.ranked() {
		docs = append(docs, r.doc)
	}
	return docs
}

// linked returns the living records of d that the subject names in a relation or
// that name it, without those already known.
func (m *matcher) linked(d catalog.Dataset, known []uint32) []uint32 {
	in := m.s.spans[d]
	alive := m.s.living(d, m.today)
	var docs []uint32
	for _, a := range []*adjacency{&m.s.relations.forward, &m.s.relations.backward} {
		near, ways := a.of(m.subject.doc)
		for i, doc := range near {
			if int(doc) >= in.from && int(doc) < in.to && m.s.relations.kind(ways[i]) != "" && alive.now(doc) &&
				!slices.Contains(known, doc) && !slices.Contains(docs, doc) && len(docs) < candidates {
				docs = append(docs, doc)
			}
		}
	}
	return docs
}

// kind returns the type of relation of a way, empty for a reference.
func (r *relations) kind(way uint16) string {
	_, kind, _ := strings.Cut(string(r.ways.at(int(way))), "\x00")
	return kind
}

// text returns what the words that l and the subject share are worth, of all words
// of both. It is the same from both sides.
func (m *matcher) text(l *listing) int {
	sum := uint64(0)
	m.common(l, func(_ key, weight uint32) { sum += uint64(weight) })
	return int((sum*textPoints + (sum+textHalf)/2) / (sum + textHalf))
}

func (m *matcher) common(l *listing, yield func(k key, weight uint32)) {
	m.count(l)
	m.tokens.each(func(k key, mk mark) {
		if t, ok := m.telling[k]; ok {
			yield(k, t.weight*min(t.impact, mk.impact()))
		}
	})
}

// life tells which records of a dataset still stand.
type life struct {
	today              float64
	validUntil, closes *column
	status             *column
	open               []bool // by the number of the status
}

func (s *Snapshot) living(d catalog.Dataset, today float64) life {
	l := life{today: today, validUntil: s.kept(d, "valid_until")}
	if d == catalog.Demands {
		l.closes, l.status = s.kept(d, "deadline"), s.kept(d, "status")
	}
	if l.status != nil {
		l.open = make([]bool, l.status.values.len()+1)
		l.open[0] = true // nothing is said
		if i, ok := l.status.values.search("open"); ok {
			l.open[i+1] = true
		}
	}
	return l
}

func (l *life) now(doc uint32) bool {
	for _, c := range []*column{l.validUntil, l.closes} {
		if c != nil && c.covers(doc, doc+1) && over(c.numbers[doc-c.from], l.today) {
			return false
		}
	}
	return l.status == nil || !l.status.covers(doc, doc+1) || l.open[l.status.codes.at(doc-l.status.from)]
}

// over reports whether the date n, which may be a month or year, lies before today.
func over(n, today float64) bool {
	if math.IsNaN(n) || n == 0 {
		return false
	}
	switch day := int(n); {
	case day%10000 == 0:
		n = float64(day + 1231)
	case day%100 == 0:
		n = float64(day + 31)
	}
	return n < math.Floor(today)
}
