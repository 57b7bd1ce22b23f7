package snapshot

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
)

// words is the vocabulary of a release: what is suggested to somebody who types. Its
// entries are numbered the best first: the terms by the number of records they find,
// the organizations by the number of records that name them, the titles by length.
//
// A start is a place in the wording of an entry where typing may begin: its first
// character; the first character of another wording; the beginning of a word inside.
// They are numbered in this order, and by entry within it, so that a smaller number
// is a better suggestion, and the first start of an entry has its number.
//
// Its parts are views of a segment, or of memory laid out like one.
type words struct {
	kinds [suggestionKinds]uint32 // where the entries of a kind end

	// labels are the wordings of terms and organizations as they are shown, texts as
	// they are looked up: folded, each with a NUL behind it. Wordings of titles are
	// those of the index. A place is a place in the titles, or behind them in texts.
	labels strings32
	texts  []byte
	docs   []uint32 // the records of organizations, noDoc for none, and titles

	// What a term or organization counts: packed by dataset in per.
	counts   []uint32
	perFirst []uint32
	per      []uint32 // the dataset's number in the upper four bits
	masks    []uint16 // of every entry, a bit for each dataset it counts in

	startAt    []uint32 // places
	startEntry []uint32 // of the starts behind the first ones
	beginnings uint32   // how many starts begin a wording

	byText   []uint32   // the starts in the order of their texts
	openings [16]uint64 // the keys that can be typed first, by dataset

	// The spellings of all starts that have Han in them: seven syllables packed into
	// a number, and a bit that tells whether there are more. A start has one row for
	// every combination of readings, up to a limit.
	spelt       []uint64
	speltStarts []uint32
}

const (
	noDoc = math.MaxUint32

	packed        = 7 // syllables in a row
	maxCombined   = 8 // combinations of readings
	maxInner      = 8 // starts inside a title, and in as many again in English
	minInnerBytes = 4 // a character or "of" is no place to begin at

	perBits = 28
	perMask = 1<<perBits - 1
)

// innerStart is a place where a word begins inside a title.
type innerStart struct{ doc, at uint32 }

// squeezeWords squeezes, and appends to starts where in b words begin, but for the
// first: whatever stands behind something that is no letter or digit.
func squeezeWords(b, text []byte, starts []uint32) ([]byte, []uint32) {
	from, most := len(b), len(starts)+maxInner
	start, parted := from, false
	add := func(end int) {
		if start > from && end-start >= minInnerBytes && len(starts) < most {
			starts = append(starts, uint32(start))
		}
	}
	for i := 0; i < len(text); {
		_, size := utf8.DecodeRune(text[i:])
		before := len(b)
		b = squeeze(b, text[i:i+size])
		switch {
		case len(b) == before:
			parted = parted || !isMark(text[i:i+size])
		case parted:
			add(before)
			start, parted = before, false
		}
		i += size
	}
	add(len(b))
	return b, starts
}

func isMark(b []byte) bool {
	r, _ := utf8.DecodeRune(b)
	return unicode.Is(unicode.Mn, r) || r == 0x200D || r == 0xFE0F
}

// lexeme is a term or organization while the vocabulary is made.
type lexeme struct {
	folded  string // of the first wording
	labels  []string
	uses    uint32
	doc     uint32
	count   uint32
	per     []uint32 // by dataset, packed
	byWhich [16]uint32
}

// datasetNumber numbers the datasets, in listing order.
func datasetNumber(d catalog.Dataset) int {
	i := 0
	for info := range catalog.Datasets() {
		if info.Name == d {
			return i
		}
		i++
	}
	return -1
}

// wordsBuilder makes the vocabulary of an index that is otherwise complete.
type wordsBuilder struct {
	*words
	ix      *index
	entries []catalog.Entry
	inner   []innerStart // by record
	p       *pinyin
	// which is the number of the dataset a record is of.
	which []uint8
}

// buildWords gives ix its vocabulary. inner are the places inside titles, by record.
func buildWords(ctx context.Context, ix *index, entries []catalog.Entry, inner []innerStart) error {
	b := &wordsBuilder{words: &words{}, ix: ix, entries: entries, inner: inner, p: loadPinyin()}
	b.which = make([]uint8, len(entries))
	for i, e := range entries {
		b.which[i] = uint8(datasetNumber(e.Dataset))
	}
	ix.words = b.words
	var terms, organizations []*lexeme
	var group errgroup.Group
	group.Go(func() (err error) {
		terms, err = b.terms(ctx)
		return err
	})
	group.Go(func() (err error) {
		organizations, err = b.organizations()
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	b.lay(terms, organizations)
	if uint64(len(ix.titles.bytes)+len(b.texts)) > math.MaxUint32 {
		return fmt.Errorf("the vocabulary would be larger than 4 GiB: %w", catalog.ErrInvalid)
	}
	group.Go(func() error { b.sortTexts(); return nil })
	group.Go(func() error { b.spell(); return nil })
	return group.Wait()
}

// terms returns the keywords, and the industries and fields that occur, each with the
// number of records a search for it finds.
func (b *wordsBuilder) terms(ctx context.Context) ([]*lexeme, error) {
	var all []*lexeme
	add := func(uses uint32, labels ...string) {
		if folded := string(squeeze(nil, []byte(labels[0]))); folded != "" {
			all = append(all, &lexeme{folded: folded, labels: labels, uses: uses, doc: noDoc})
		}
	}
	if c := b.ix.kept("", "keywords[]"); c != nil {
		uses := make([]uint32, c.values.len()+1)
		for i := range c.codes.len() {
			uses[c.codes.at(uint32(i))]++
		}
		all = make([]*lexeme, 0, c.values.len())
		for i := range c.values.len() {
			add(uses[i+1], string(c.values.at(i)))
		}
	}
	for field, list := range map[string]string{"tech_fields[]": "tech-field", "industries[]": "gbt4754-2017"} {
		c, l := b.ix.kept("", field), catalog.LookupCodeList(list)
		if c == nil || l == nil {
			continue
		}
		for i := range c.values.len() {
			if code, ok := l.Lookup(string(c.values.at(i))); ok {
				add(0, code.Label.ZH, code.Label.EN)
			}
		}
	}
	// Wordings that fold alike are one term, shown as most records have it.
	slices.SortFunc(all, func(a, b *lexeme) int {
		return cmp.Or(strings.Compare(a.folded, b.folded), cmp.Compare(b.uses, a.uses), slices.Compare(a.labels, b.labels))
	})
	terms := all[:0]
	for _, t := range all {
		if n := len(terms); n > 0 && terms[n-1].folded == t.folded {
			if len(terms[n-1].labels) == 1 && len(t.labels) == 2 {
				terms[n-1].labels = append(terms[n-1].labels, t.labels[1])
			}
			continue
		}
		terms = append(terms, t)
	}
	if err := b.count(ctx, terms); err != nil {
		return nil, err
	}
	terms = slices.DeleteFunc(terms, func(t *lexeme) bool { return t.count == 0 })
	return rankLexemes(terms), nil
}

// count counts the records that hold every token of the terms.
func (b *wordsBuilder) count(ctx context.Context, terms []*lexeme) error {
	const workers, batch = 8, 512
	var group errgroup.Group
	group.SetLimit(workers)
	for part := range slices.Chunk(terms, batch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		group.Go(func() error {
			var lists []list
			for _, t := range part {
				asked, err := b.ix.parse(t.labels[0])
				if err != nil {
					continue // nobody can search for it
				}
				lists = slices.Grow(lists[:0], len(asked))[:len(asked)]
				for i := range asked {
					b.ix.find(asked[i].key, &lists[i])
				}
				b.countIn(t, lists)
			}
			return nil
		})
	}
	return group.Wait()
}

// countIn counts the records that are in every list.
func (b *wordsBuilder) countIn(t *lexeme, lists []list) {
	if len(lists) == 1 && len(b.ix.spans) == 1 {
		t.byWhich[b.which[0]] = uint32(lists[0].count)
		t.sum()
		return
	}
	slices.SortFunc(lists, func(a, b list) int { return cmp.Compare(a.count, b.count) })
	for doc := lists[0].seek(0); doc != end; {
		at := doc
		for i := range lists {
			if at = lists[i].seek(doc); at != doc {
				break
			}
		}
		if at == doc {
			t.byWhich[b.which[doc]]++
			at++
		}
		doc = lists[0].seek(at)
	}
	t.sum()
}

func (t *lexeme) sum() {
	for d, n := range t.byWhich {
		if n > 0 {
			t.count += n
			t.per = append(t.per, uint32(d)<<perBits|min(n, perMask))
		}
	}
}

func rankLexemes(all []*lexeme) []*lexeme {
	slices.SortFunc(all, func(a, b *lexeme) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(utf8.RuneCountInString(a.folded), utf8.RuneCountInString(b.folded)),
			strings.Compare(a.folded, b.folded), cmp.Compare(a.doc, b.doc))
	})
	return all
}

// organizations returns the records of organizations, and the names that others are
// named by, each with the number of records it is named in, its own among them.
func (b *wordsBuilder) organizations() ([]*lexeme, error) {
	var all []*lexeme
	byName := map[string]int{}
	ofDoc := map[uint32]int{}
	var current *lexeme
	v := newVisitor(func(f *field, text []byte, _ float64) {
		switch f.path {
		case "title":
			current.labels[0] = string(text)
		case "title_en":
			current.labels[1] = string(text)
		case "aliases[]":
			current.labels = append(current.labels, string(text))
		}
	})
	own := b.ix.spans[catalog.Organizations]
	for doc := own.from; doc < own.to; doc++ {
		current = &lexeme{doc: uint32(doc), labels: make([]string, 2)}
		if err := v.visit(b.entries[doc]); err != nil {
			return nil, err
		}
		ofDoc[uint32(doc)] = len(all)
		current.folded = string(squeeze(nil, []byte(current.labels[0])))
		all = append(all, current)
	}
	// A title goes before another's alias.
	for i, o := range all {
		if _, taken := byName[o.folded]; !taken {
			byName[o.folded] = i
		}
	}
	for i, o := range all {
		for _, alias := range o.labels[2:] {
			folded := string(squeeze(nil, []byte(alias)))
			if _, taken := byName[folded]; !taken {
				byName[folded] = i
			}
		}
	}
	var named []uint64 // organization and record
	for doc, i := range ofDoc {
		named = append(named, uint64(i)<<32|uint64(doc))
	}
	for i := range b.ix.columns {
		c := &b.ix.columns[i]
		var of []int // the organization a value names, -1 for none
		switch {
		case strings.HasSuffix(c.path, ".name"):
			for k := range c.values.len() {
				folded := string(squeeze(nil, c.values.at(k)))
				o, known := byName[folded]
				if !known {
					o = len(all)
					if folded == "" {
						o = -1
					} else {
						byName[folded] = o
						all = append(all, &lexeme{folded: folded, labels: []string{string(c.values.at(k))}, doc: noDoc})
					}
				}
				of = append(of, o)
			}
		case strings.HasSuffix(c.path, ".id") && c.typ == "ref":
			for k := range c.values.len() {
				o := -1
				if doc, ok := b.number(catalog.ID(c.values.at(k))); ok {
					if i, ok := ofDoc[doc]; ok {
						o = i
					}
				}
				of = append(of, o)
			}
		default:
			continue
		}
		for doc := c.from; doc < c.to; doc++ {
			for code := range c.codesOf(doc) {
				if o := of[code-1]; o >= 0 {
					named = append(named, uint64(o)<<32|uint64(doc))
				}
			}
		}
	}
	slices.Sort(named)
	for _, n := range slices.Compact(named) {
		all[n>>32].byWhich[b.which[uint32(n)]]++
	}
	for _, o := range all {
		o.sum()
	}
	return rankLexemes(slices.DeleteFunc(all, func(o *lexeme) bool { return o.folded == "" })), nil
}

// number returns the number of the record named id.
func (b *wordsBuilder) number(id catalog.ID) (uint32, bool) {
	s, ok := b.ix.spans[id.Dataset()]
	if !ok {
		return 0, false
	}
	i, ok := slices.BinarySearchFunc(b.entries[s.from:s.to], id, func(e catalog.Entry, id catalog.ID) int { return cmp.Compare(e.ID, id) })
	return uint32(s.from + i), ok
}

// lay gives every entry its number, and every start.
func (b *wordsBuilder) lay(terms, organizations []*lexeme) {
	titles := b.titleOrder()
	lexemes := slices.Concat(terms, organizations)
	b.kinds = [suggestionKinds]uint32{uint32(len(terms)), uint32(len(lexemes)), uint32(len(lexemes) + len(titles))}
	n := int(b.kinds[Title])

	b.masks = make([]uint16, 0, n)
	b.counts = make([]uint32, 0, len(lexemes))
	b.perFirst = make([]uint32, 0, len(lexemes)+1)
	labels := make([]string, 0, len(lexemes))
	for _, l := range lexemes {
		mask := uint16(0)
		b.perFirst = append(b.perFirst, uint32(len(b.per)))
		for _, p := range l.per {
			mask |= 1 << (p >> perBits)
		}
		b.per = append(b.per, l.per...)
		b.counts = append(b.counts, l.count)
		b.masks = append(b.masks, mask)
		labels = append(labels, strings.Join(l.labels, "\x00"))
	}
	b.perFirst = append(b.perFirst, uint32(len(b.per)))
	b.labels = newStrings32(labels)
	b.docs = make([]uint32, 0, len(organizations)+len(titles))
	for _, o := range organizations {
		b.docs = append(b.docs, o.doc)
	}
	b.docs = append(b.docs, titles...)
	for _, doc := range titles {
		b.masks = append(b.masks, 1<<b.which[doc])
	}

	var more [2][]innerStart // entry and place: of other beginnings, and inside
	base := uint32(len(b.ix.titles.bytes))
	divisions := divisionNames()
	b.startAt = make([]uint32, 0, n)
	for e, l := range lexemes {
		for i, label := range l.labels {
			at := base + uint32(len(b.texts))
			var starts []uint32
			from := len(b.texts)
			b.texts, starts = squeezeWords(b.texts, []byte(label), nil)
			if i == 0 {
				b.startAt = append(b.startAt, at)
			} else if len(b.texts) > from {
				more[0] = append(more[0], innerStart{uint32(e), at})
			}
			for _, s := range starts {
				more[1] = append(more[1], innerStart{uint32(e), base + s})
			}
			if e >= len(terms) {
				if skip := leading(b.texts[from:], divisions); skip > 0 {
					more[1] = append(more[1], innerStart{uint32(e), at + uint32(skip)})
				}
			}
			b.texts = append(b.texts, 0)
		}
	}
	b.texts = slices.Clip(b.texts)
	for i, doc := range titles {
		e := uint32(len(lexemes) + i)
		at := b.ix.titles.starts[doc]
		zh, en, _ := bytes.Cut(b.ix.titles.at(int(doc)), []byte{0})
		if second := at + uint32(len(zh)) + 1; len(zh) == 0 {
			at = second
		} else if len(en) > 1 {
			more[0] = append(more[0], innerStart{e, second})
		}
		b.startAt = append(b.startAt, at)
		from, _ := slices.BinarySearchFunc(b.inner, doc, func(s innerStart, doc uint32) int { return cmp.Compare(s.doc, doc) })
		for ; from < len(b.inner) && b.inner[from].doc == doc; from++ {
			more[1] = append(more[1], innerStart{e, b.inner[from].at})
		}
	}
	b.beginnings = uint32(n + len(more[0]))
	b.startEntry = make([]uint32, 0, len(more[0])+len(more[1]))
	b.startAt = slices.Grow(b.startAt, len(more[0])+len(more[1]))
	for _, group := range more {
		for _, s := range group {
			b.startEntry = append(b.startEntry, s.doc)
			b.startAt = append(b.startAt, s.at)
		}
	}
}

// titleOrder returns the records whose titles are suggested, in order.
func (b *wordsBuilder) titleOrder() []uint32 {
	type title struct {
		doc   uint32
		runes int
	}
	var all []title
	own := b.ix.spans[catalog.Organizations]
	for doc := range b.entries {
		t := b.ix.titles.at(doc)
		if len(t) > 2 && (doc < own.from || doc >= own.to) {
			zh, _, _ := bytes.Cut(t, []byte{0})
			all = append(all, title{uint32(doc), utf8.RuneCount(zh)})
		}
	}
	slices.SortFunc(all, func(x, y title) int {
		return cmp.Or(cmp.Compare(x.runes, y.runes), bytes.Compare(b.ix.titles.at(int(x.doc)), b.ix.titles.at(int(y.doc))), cmp.Compare(x.doc, y.doc))
	})
	docs := make([]uint32, len(all))
	for i, t := range all {
		docs[i] = t.doc
	}
	return docs
}

// divisionNames are what names of organizations in the region begin with, the longer
// first. Who looks for one types what comes behind.
func divisionNames() []string {
	names := []string{"河南省", "河南", "洛阳"}
	for _, c := range catalog.LookupCodeList("division").Codes() {
		zh := c.Label.ZH
		names = append(names, zh)
		for _, suffix := range []string{"回族区", "区", "县", "市"} {
			if short, ok := strings.CutSuffix(zh, suffix); ok && utf8.RuneCountInString(short) > 1 {
				names = append(names, short)
				break
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(names)
}

// leading returns how many bytes of text are the name of a place before another name.
func leading(text []byte, divisions []string) int {
	for _, p := range divisions {
		if len(text) > len(p)+minInnerBytes && string(text[:len(p)]) == p {
			return len(p)
		}
	}
	return 0
}

// textAt returns the text from a place on, which a NUL ends.
func (ix *index) textAt(place uint32) []byte {
	titles := ix.titles.bytes
	if int(place) < len(titles) {
		return titles[place:]
	}
	return ix.words.texts[int(place)-len(titles):]
}

// untilNUL cuts text before its first NUL.
func untilNUL(text []byte) []byte {
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return text[:i]
	}
	return text
}

func (b *wordsBuilder) sortTexts() {
	type text struct {
		first uint64 // its first eight bytes
		start uint32
	}
	all := make([]text, len(b.startAt))
	for s, at := range b.startAt {
		first := uint64(0)
		t := b.ix.textAt(at)
		for i := 0; i < 8 && i < len(t) && t[i] != 0; i++ {
			first |= uint64(t[i]) << (56 - 8*i)
		}
		all[s] = text{first, uint32(s)}
	}
	slices.SortFunc(all, func(x, y text) int {
		if x.first != y.first {
			return cmp.Compare(x.first, y.first)
		}
		return cmp.Or(bytes.Compare(untilNUL(b.ix.textAt(b.startAt[x.start])), untilNUL(b.ix.textAt(b.startAt[y.start]))), cmp.Compare(x.start, y.start))
	})
	b.byText = make([]uint32, len(all))
	for i, t := range all {
		b.byText[i] = t.start
	}
}

// opening is the first characters of a text, as many as a row holds.
type opening struct {
	chars [packed]spoken
	n     int
	more  bool
}

// read reads the beginning of a text, and leaves each character the readings that are
// combined.
func (o *opening) read(s *speaker) {
	o.n = 0
	for o.n < packed {
		c, ok := s.next()
		if !ok {
			break
		}
		o.chars[o.n] = c
		o.n++
	}
	o.more = o.n == packed && len(s.text) > 0 && s.text[0] != 0
	// Every character gets a second reading before one gets a third.
	var kept [packed]int
	product := 1
	for i := range o.n {
		kept[i] = 1
	}
	for k := 2; k <= maxReadings; k++ {
		for i := range o.n {
			if o.chars[i].n >= k && kept[i] == k-1 && product/(k-1)*k <= maxCombined {
				product = product / (k - 1) * k
				kept[i] = k
			}
		}
	}
	for i := range o.n {
		o.chars[i].n = kept[i]
	}
}

// unit returns the syllable at a place of a row.
func unit(row uint64, place int) syllable {
	return syllable(row >> (64 - (place+1)*syllableBits) & (syllableCount - 1))
}

func packUnit(s syllable, place int) uint64 { return uint64(s) << (64 - (place+1)*syllableBits) }

// moreBit of a row tells that the text goes on behind the packed syllables.
const moreBit = 1

// rows yields the rows of an opening.
func (o *opening) rows(yield func(uint64)) {
	row := uint64(0)
	if o.more {
		row = moreBit
	}
	var combine func(i int, row uint64)
	combine = func(i int, row uint64) {
		if i == o.n {
			yield(row)
			return
		}
		for _, s := range o.chars[i].all() {
			combine(i+1, row|packUnit(s, i))
		}
	}
	combine(0, row)
}

// spell makes the rows.
func (b *wordsBuilder) spell() {
	type row struct {
		row   uint64
		start uint32
	}
	var all []row
	var o opening
	for pass := range 2 {
		n := 0
		for s, at := range b.startAt {
			text := untilNUL(b.ix.textAt(at))
			o.read(&speaker{p: b.p, text: text})
			if pass == 0 {
				b.open(uint32(s), &o)
			}
			if !bytes.ContainsFunc(text, func(r rune) bool { return hanIndex(r) > 0 }) {
				continue
			}
			o.rows(func(r uint64) {
				if pass == 1 {
					all = append(all, row{r, uint32(s)})
				}
				n++
			})
		}
		if pass == 0 {
			all = make([]row, 0, n)
		}
	}
	slices.SortFunc(all, func(x, y row) int { return cmp.Or(cmp.Compare(x.row, y.row), cmp.Compare(x.start, y.start)) })
	b.spelt, b.speltStarts = make([]uint64, len(all)), make([]uint32, len(all))
	for i, r := range all {
		b.spelt[i], b.speltStarts[i] = r.row, r.start
	}
}

// open notes the keys that a start can be begun with.
func (b *wordsBuilder) open(start uint32, o *opening) {
	all := keyset(0)
	for _, r := range o.chars[0].all() {
		all |= b.p.letters[r]
	}
	e, _ := b.entryOf(start)
	for d := range b.openings {
		if b.masks[e]>>d&1 != 0 {
			b.openings[d] |= uint64(all)
		}
	}
}

// spokenBefore compares two texts as they are read: by their syllables, the likeliest
// of each character, then by the characters.
func spokenBefore(p *pinyin, a, b []byte) int {
	x, y := speaker{p: p, text: a}, speaker{p: p, text: b}
	for {
		c, okC := x.next()
		d, okD := y.next()
		if !okC || !okD {
			switch {
			case okD:
				return -1
			case okC:
				return 1
			}
			return bytes.Compare(a, b)
		}
		if r := cmp.Compare(c.readings[0], d.readings[0]); r != 0 {
			return r
		}
	}
}

// orderByName gives every record its place in the order of names: as the title is
// read, then by its characters, then by number.
func orderByName(titles strings32) []uint32 {
	type name struct {
		row uint64
		doc uint32
	}
	p := loadPinyin()
	order := make([]name, titles.len())
	for doc := range order {
		row := uint64(0)
		s := speaker{p: p, text: titles.at(doc)}
		for i := range packed {
			c, ok := s.next()
			if !ok {
				break
			}
			row |= packUnit(c.readings[0], i)
		}
		order[doc] = name{row, uint32(doc)}
	}
	slices.SortFunc(order, func(x, y name) int {
		if x.row != y.row {
			return cmp.Compare(x.row, y.row)
		}
		return cmp.Or(spokenBefore(p, titles.at(int(x.doc)), titles.at(int(y.doc))), cmp.Compare(x.doc, y.doc))
	})
	places := make([]uint32, len(order))
	for place, n := range order {
		places[n.doc] = uint32(place)
	}
	return places
}

// CompareNames orders texts as they are spoken, as records are ordered by name.
func CompareNames(a, b string) int {
	return cmp.Or(spokenBefore(loadPinyin(), squeeze(nil, []byte(a)), squeeze(nil, []byte(b))), strings.Compare(a, b))
}
