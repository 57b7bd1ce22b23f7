package snapshot

import (
	"bytes"
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"luoshu/catalog"
)

// MaxSuggestions is the greatest number of suggestions that can be asked for.
const MaxSuggestions = 50

// SuggestionKind is what a suggestion leads to.
type SuggestionKind uint8

// The kinds of suggestions, in their order.
const (
	// Term is a keyword, industry or technical field: a search for it finds Count
	// records.
	Term SuggestionKind = iota
	// Organization is named by Count records, its own among them.
	Organization
	// Title is the title of one record.
	Title
	suggestionKinds = iota
)

func (k SuggestionKind) String() string {
	return [...]string{"term", "organization", "title"}[k]
}

// MarshalText writes the kind as its name.
func (k SuggestionKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Suggestion is something that what was typed may become.
type Suggestion struct {
	Kind SuggestionKind
	// Text is in Chinese, or as the record has it; TextEN may be empty.
	Text, TextEN string
	// ID is the record of a title and of an organization that has one, in Dataset.
	ID      catalog.ID
	Dataset catalog.Dataset
	Count   int
	// Matched is the wording that fits: Text, TextEN or another name. Highlight is
	// the part of it that was typed.
	Matched   string
	Highlight Span
}

// Span is a range of characters: From is the first, To stands behind the last.
type Span struct{ From, To int }

// Suggestions answer what was typed.
type Suggestions struct {
	Items []Suggestion
	// Next are the digits and letters that can be typed next, ascending: every other
	// leads to no suggestion.
	Next string
}

// How well an entry fits, from the best: the text as it stands; its syllables in
// full; some or all syllables by their initials, or in Han; with what is not told
// apart taken for one.
type tier uint8

const (
	byWriting tier = iota
	bySpelling
	byInitials
	byEar
	noTier
)

// The places where a fit can be, from the best.
const (
	wholly = iota
	atBeginning
	inside
	fitPlaces
)

// Suggest completes what was typed with the terms, organizations and titles of d, or
// of all datasets when d is empty. It can be Han, the full spelling in Pinyin, the
// initials, or any mixture, in which the last syllable need not be finished. Nothing
// typed gives the most frequent terms. limit is at most MaxSuggestions. The error is
// a *QueryError.
//
// The order is by how well an entry fits, then by kind, count, length and text. When
// not all find room, first what fits best does; and what fits equally is shared out
// among the kinds, titles and organizations going before more terms where they are few.
func (s *Snapshot) Suggest(q string, d catalog.Dataset, limit int) (Suggestions, error) {
	if limit < 0 || limit > MaxSuggestions {
		return Suggestions{}, badQuery("limit", "最多 %d 条建议", "at most %d suggestions", MaxSuggestions)
	}
	g := guesses.Get().(*guess)
	defer g.release()
	if err := g.begin(s.index, q, d, limit); err != nil {
		return Suggestions{}, err
	}
	g.run()
	result := Suggestions{Items: g.items(s)}
	if utf8.RuneCountInString(q) < MaxQueryLength {
		result.Next = g.next.String()
	}
	return result, nil
}

// guess is a suggestion on its way. Its memory is used again by the next.
type guess struct {
	ix  *index
	w   *words
	p   *pinyin
	bit uint16 // of the dataset
	in  int    // the dataset's number, -1 for all

	written []byte // folded, as texts are
	typed   []rune // the same, ü as v

	// Characters that are no keys must stand in the text: lead at its beginning, and
	// literal, the first that stand together behind a key, somewhere.
	lead, literal []byte
	picky         bool // whether counts says no to some

	// steps tell what can be typed at a place of typed; filled as needed.
	steps  [][syllableCount]step
	lives  [][syllableCount / 64]uint64
	filled []bool

	next   keyset
	budget int
	limit  int
	best   [suggestionKinds][]candidate
	chosen []candidate
}

var guesses = sync.Pool{New: func() any { return new(guess) }}

// release gives the memory back.
func (g *guess) release() {
	g.ix, g.w = nil, nil // a snapshot must not be kept for the memory beside it
	guesses.Put(g)
}

// The work on texts, of which the packed rows spare most, is bounded: looking at one
// takes a part of the budget, and reading it some more.
const (
	maxWork  = 49152
	readWork = 4
)

// candidate is a start that fits. Of two, the one with the lesser key is better.
type candidate struct {
	key   uint64
	start uint32
	entry uint32
	count uint32
	tier  tier
}

// step tells how a syllable can be typed at some place: bit n for n characters, bit
// 0 for a part of it with which the typed text ends. after are the keys that go on
// with such a part.
type step struct {
	spelt, short, heard uint8
	after               uint32
}

const unfinished = 1

// reach are the places to which a text was typed so far, with whole syllables alone,
// with initials too, with fuzzy pairs too. Each holds the one before.
type reach struct{ spelt, short, heard uint64 }

// atStart is before anything was typed.
var atStart = reach{1, 1, 1}

// begin makes ready for an answer.
func (g *guess) begin(ix *index, q string, d catalog.Dataset, limit int) error {
	if n := utf8.RuneCountInString(q); n > MaxQueryLength {
		return badQuery("q", "输入有 %d 字，最多 %d 字", "the text has %d characters, at most %d are completed", n, MaxQueryLength)
	}
	if !utf8.ValidString(q) {
		return badQuery("q", "输入不是有效的 UTF-8", "the text is not valid UTF-8")
	}
	g.ix, g.w, g.p = ix, ix.words, loadPinyin()
	g.in, g.bit = -1, math.MaxUint16
	if d != "" {
		if g.in = datasetNumber(d); g.in < 0 {
			return badQuery("dataset", "没有这个数据集", "there is no such dataset")
		}
		g.bit = 1 << g.in
	}
	g.written = squeeze(g.written[:0], []byte(q))
	g.typed = append(g.typed[:0], []rune(string(squeeze(nil, []byte(umlauts.Replace(q)))))...)
	g.lead, g.literal = literals(g.typed, g.lead[:0], g.literal[:0])
	g.picky = g.in >= 0 || len(g.lead) > 0
	if len(g.typed) > maxTyped {
		return badQuery("q", "输入太长", "the text is too long to be completed")
	}
	if len(g.typed) == 0 && strings.TrimSpace(q) != "" {
		return badQuery("q", "输入里没有文字或数字", "there is no letter or digit to complete")
	}
	g.steps = slices.Grow(g.steps[:0], len(g.typed))[:len(g.typed)]
	g.lives = slices.Grow(g.lives[:0], len(g.typed))[:len(g.typed)]
	g.filled = append(g.filled[:0], make([]bool, len(g.typed))...)
	g.next, g.budget, g.limit = 0, maxWork, limit
	for k := range g.best {
		g.best[k] = g.best[k][:0]
	}
	return nil
}

// literals appends to lead the characters that typed begins with and that are no keys,
// and to literal the next such characters that stand together.
func literals(typed []rune, lead, literal []byte) (_, _ []byte) {
	i := 0
	for ; i < len(typed) && typed[i] >= utf8.RuneSelf; i++ {
		lead = utf8.AppendRune(lead, typed[i])
	}
	for i < len(typed) && typed[i] < utf8.RuneSelf {
		i++
	}
	for ; i < len(typed) && typed[i] >= utf8.RuneSelf; i++ {
		literal = utf8.AppendRune(literal, typed[i])
	}
	return lead, literal
}

// maxTyped is what fits into the sets of places.
const maxTyped = 255

var umlauts = strings.NewReplacer("ü", "v", "ǖ", "v", "ǘ", "v", "ǚ", "v", "ǜ", "v", "Ü", "v", "Ǖ", "v", "Ǘ", "v", "Ǚ", "v", "Ǜ", "v", "u\u0308", "v", "U\u0308", "v")

// run finds what fits.
func (g *guess) run() {
	if len(g.typed) == 0 {
		g.frequent()
		return
	}
	g.writing()
	if slices.ContainsFunc(g.typed, func(r rune) bool { return r < utf8.RuneSelf }) {
		g.spelling(0, len(g.w.spelt), 0, atStart, noTier)
	}
}

// frequent takes the terms that find most.
func (g *guess) frequent() {
	for e := range g.w.kinds[Term] {
		if worst := g.best[Term]; len(worst) == g.limit && (g.limit == 0 || worst[g.limit-1].count >= g.w.counts[e]) {
			break
		}
		g.add(e, byWriting, false)
	}
	for d, opening := range g.w.openings {
		if g.bit>>d&1 != 0 {
			g.next |= keyset(opening)
		}
	}
}

// writing takes the texts that begin with what was typed.
func (g *guess) writing() {
	at := func(i int) []byte { return g.ix.textAt(g.w.startAt[g.w.byText[i]]) }
	lo := sort.Search(len(g.w.byText), func(i int) bool { return bytes.Compare(at(i), g.written) >= 0 })
	hi := g.writingEnd(lo, len(g.w.byText), g.written)
	// What ends there stands before what goes on.
	ended := gallop(lo, hi, func(i int) bool { return at(i)[len(g.written)] != 0 })
	for i, s := range g.w.byText[lo:hi] {
		g.add(s, byWriting, lo+i < ended)
	}
	g.followWriting(lo, hi)
}

// writingEnd returns where, from lo on, the texts no longer begin with prefix.
func (g *guess) writingEnd(lo, hi int, prefix []byte) int {
	return gallop(lo, hi, func(i int) bool {
		return !bytes.HasPrefix(g.ix.textAt(g.w.startAt[g.w.byText[i]]), prefix)
	})
}

// gallop returns the first of lo to hi for which behind is true, looking nearby first.
func gallop(lo, hi int, behind func(int) bool) int {
	step := 1
	at := lo
	for at < hi && !behind(at) {
		lo = at + 1
		at += step
		step *= 2
	}
	return lo + sort.Search(min(at, hi)-lo, func(i int) bool { return behind(lo + i) })
}

// followWriting notes the keys that follow what was typed in the texts lo to hi.
func (g *guess) followWriting(lo, hi int) {
	prefix := slices.Clone(g.written)
	for i := lo; i < hi; {
		s := g.w.byText[i]
		if !g.counts(s) {
			i++
			continue
		}
		rest := g.ix.textAt(g.w.startAt[s])[len(g.written):]
		if len(rest) == 0 || rest[0] == 0 {
			i++
			continue
		}
		_, size := utf8.DecodeRune(rest)
		sp := speaker{p: g.p, text: rest[:size]}
		c, _ := sp.next()
		all := keyset(0)
		for _, r := range c.all() {
			all |= g.p.letters[r]
		}
		switch {
		case g.next&all == all:
			// The other texts that go on with this character have nothing new.
			prefix = append(prefix[:len(g.written)], rest[:size]...)
			i = g.writingEnd(i, hi, prefix)
			continue
		case c.n == 1:
			g.next |= all
		default:
			g.read(s, 0, atStart) // which of the readings count depends on the whole text
		}
		i++
	}
}

// entryOf returns the entry of a start, and whether it begins a wording.
func (w *words) entryOf(start uint32) (entry uint32, begins bool) {
	if n := uint32(len(w.masks)); start >= n {
		return w.startEntry[start-n], start < w.beginnings
	}
	return start, true
}

// counts reports whether a start is of an entry that is asked for, and begins with
// the characters that were typed before the first key.
func (g *guess) counts(start uint32) bool {
	e, _ := g.w.entryOf(start)
	return g.w.masks[e]&g.bit != 0 && (len(g.lead) == 0 || bytes.HasPrefix(g.ix.textAt(g.w.startAt[start]), g.lead))
}

// any reports whether one of the rows lo to hi is asked for.
func (g *guess) any(lo, hi int) bool {
	return lo < hi && (!g.picky || slices.ContainsFunc(g.w.speltStarts[lo:hi], g.counts))
}

// countOf is the number of records of an entry that are asked for.
func (g *guess) countOf(e uint32) uint32 {
	switch {
	case e >= g.w.kinds[Organization]:
		return 1
	case g.in < 0:
		return g.w.counts[e]
	}
	for _, p := range g.w.per[g.w.perFirst[e]:g.w.perFirst[e+1]] {
		if p>>perBits == uint32(g.in) {
			return p & perMask
		}
	}
	return 0
}

// add takes a start that fits, when it is among the best of its kind.
func (g *guess) add(start uint32, t tier, complete bool) {
	if g.limit == 0 {
		return
	}
	e, begins := g.w.entryOf(start)
	place := inside
	if begins {
		place = atBeginning
		if complete {
			place = wholly
		}
	}
	kind := Term
	for e >= g.w.kinds[kind] {
		kind++
	}
	best := g.best[kind]
	full := len(best) == g.limit
	key := uint64(int(t)*fitPlaces+place)<<60 | uint64(e)
	if g.in < 0 || kind == Title {
		key |= perMask << 32
	} else {
		if full && key|uint64(perMask-g.w.counts[e])<<32 >= best[len(best)-1].key {
			return // were all its records asked for
		}
		key |= uint64(perMask-g.countOf(e)) << 32
	}
	if full && key >= best[len(best)-1].key || !g.counts(start) {
		return
	}
	for i := range best {
		if best[i].entry == e {
			if best[i].key <= key {
				return
			}
			best = slices.Delete(best, i, i+1)
			break
		}
	}
	if len(best) == g.limit {
		best = best[:len(best)-1]
	}
	at, _ := slices.BinarySearchFunc(best, key, func(c candidate, key uint64) int { return cmp.Compare(c.key, key) })
	g.best[kind] = slices.Insert(best, at, candidate{key, start, e, g.countOf(e), t})
}

// fill finds out what can be typed at place p.
func (g *guess) fill(p int) {
	g.filled[p] = true
	steps, live := &g.steps[p], &g.lives[p]
	clear(steps[:])
	clear(live[:])
	mark := func(s syllable) { live[s/64] |= 1 << (s % 64) }
	r := g.typed[p]
	if r >= utf8.RuneSelf {
		readings := g.p.readings(r)
		if len(readings) == 0 {
			readings = []syllable{unspoken}
		}
		for _, s := range readings {
			steps[s] = step{1 << 1, 1 << 1, 1 << 1, 0}
			mark(s)
		}
		return
	}
	s := g.p.letter(byte(r))
	steps[s] = step{1 << 1, 1 << 1, 1 << 1, 0}
	mark(s)
	if r < 'a' {
		return
	}
	rest := g.typed[p:]
	for _, sp := range g.p.spellings[r-'a'] {
		n := 1
		for n < len(sp.text) && n < len(rest) && rune(sp.text[n]) == rest[n] {
			n++
		}
		st := &steps[sp.syllable]
		whole, initial := uint8(0), uint8(1<<1)
		if n == len(sp.text) {
			whole = 1 << n
		} else if n == len(rest) {
			whole = unfinished
			st.after |= 1 << (sp.text[n] - 'a')
		}
		if n > 1 && sp.text[1] == 'h' {
			initial |= 1 << 2
		}
		if sp.exact {
			st.spelt |= whole
			st.short |= whole | initial
		}
		st.heard |= whole | initial
		mark(sp.syllable)
	}
}

func (g *guess) step(p int, s syllable) *step {
	if !g.filled[p] {
		g.fill(p)
	}
	return &g.steps[p][s]
}

// whole is the place behind everything typed, 0 when rows do not reach it.
func (g *guess) whole() uint64 {
	if len(g.typed) < 64 {
		return 1 << len(g.typed)
	}
	return 0
}

// advance types s at every place of from. It returns where that leads, how well what
// was typed fits if that was all of it, and the keys that go on with a part of s.
func (g *guess) advance(from reach, s syllable) (to reach, fits tier, after keyset) {
	part := reach{}
	for rest := from.heard; rest != 0; rest &= rest - 1 {
		p := bits.TrailingZeros64(rest)
		st := g.step(p, s)
		bit := uint64(1) << p
		move := func(have uint64, how uint8, to, part *uint64) {
			if have&bit != 0 {
				*to |= uint64(how&^unfinished) << p
				*part |= uint64(how & unfinished)
			}
		}
		move(from.spelt, st.spelt, &to.spelt, &part.spelt)
		move(from.short, st.short, &to.short, &part.short)
		move(from.heard, st.heard, &to.heard, &part.heard)
		after |= keyset(st.after) << 10
	}
	whole := g.whole()
	switch {
	case part.spelt|to.spelt&whole != 0:
		fits = bySpelling
	case part.short|to.short&whole != 0:
		fits = byInitials
	case part.heard|to.heard&whole != 0:
		fits = byEar
	default:
		fits = noTier
	}
	return to, fits, after
}

// spelling takes the rows among lo to hi that fit. They have their first syllables in
// common, as many as depth, by which the typed text is at from, and fits already as
// well as best says.
func (g *guess) spelling(lo, hi, depth int, from reach, best tier) {
	rows := g.w.spelt
	if lo == hi {
		return
	}
	if depth == packed {
		for i := lowerBound(rows, lo, hi, rows[lo]|moreBit); i < hi; i++ {
			g.takeRead(i, packed, from)
		}
		return
	}
	if whole := g.whole(); from.heard&whole != 0 {
		g.followSpelling(lo, hi, depth)
		from = reach{from.spelt &^ whole, from.short &^ whole, from.heard &^ whole}
	}
	var live [syllableCount / 64]uint64
	for rest := from.heard; rest != 0; rest &= rest - 1 {
		p := bits.TrailingZeros64(rest)
		g.step(p, 0)
		for i, l := range g.lives[p] {
			live[i] |= l
		}
	}
	base := rows[lo] &^ (1<<(64-depth*syllableBits) - 1)
	for r := lo; r < hi; {
		s := nextLive(&live, unit(rows[r], depth))
		if s == noSyllable {
			return
		}
		r = lowerBound(rows, r, hi, base+packUnit(s, depth))
		if r == hi {
			return
		}
		if unit(rows[r], depth) != s {
			continue
		}
		end := lowerBound(rows, r+1, hi, base+packUnit(s+1, depth))
		to, fits, after := g.advance(from, s)
		fits = min(fits, best)
		if len(g.literal) > 0 {
			if fits < best {
				for i := r; i < end; i++ {
					g.takeRead(i, 0, atStart)
				}
				to = reach{}
			}
		} else {
			if fits < best {
				g.take(r, end, depth+1, fits, g.finished(to))
			}
			if after&^g.next != 0 && g.any(r, end) {
				g.next |= after
			}
		}
		if to.heard != 0 {
			g.spelling(r, end, depth+1, to, fits)
		}
		r = end
	}
}

// finished tells how well what was typed fits whole syllables.
func (g *guess) finished(at reach) tier {
	switch whole := g.whole(); {
	case at.spelt&whole != 0:
		return bySpelling
	case at.short&whole != 0:
		return byInitials
	case at.heard&whole != 0:
		return byEar
	}
	return noTier
}

// nextLive returns the first live syllable that is not before s.
func nextLive(live *[syllableCount / 64]uint64, s syllable) syllable {
	w := live[s/64] >> (s % 64) << (s % 64)
	for i := int(s / 64); ; w = live[i] {
		if w != 0 {
			return syllable(i*64 + bits.TrailingZeros64(w))
		}
		if i++; i == len(live) {
			return noSyllable
		}
	}
}

// lowerBound returns the first of rows lo to hi that is not less than target, looking
// nearby first.
func lowerBound(rows []uint64, lo, hi int, target uint64) int {
	step, at := 1, lo
	for at < hi && rows[at] < target {
		lo = at + 1
		at += step
		step *= 2
	}
	for at = min(at, hi); lo < at; {
		mid := int(uint(lo+at) >> 1)
		if rows[mid] < target {
			lo = mid + 1
		} else {
			at = mid
		}
	}
	return lo
}

// take adds the rows lo to hi, which have depth syllables in common. done says how
// well those fit that have no more.
func (g *guess) take(lo, hi, depth int, t, done tier) {
	base := g.w.spelt[lo] &^ (1<<(64-depth*syllableBits) - 1)
	ended := lowerBound(g.w.spelt, lo, hi, base+1)
	for i, s := range g.w.speltStarts[lo:hi] {
		g.add(s, t, lo+i < ended && done == t)
	}
}

// followSpelling notes the keys that begin the next syllable of the rows lo to hi,
// which have depth syllables in common.
func (g *guess) followSpelling(lo, hi, depth int) {
	if len(g.literal) > 0 || depth == packed {
		return
	}
	const few = 32
	if hi-lo <= few {
		for i := lo; i < hi; i++ {
			if all := g.p.letters[unit(g.w.spelt[i], depth)]; all&^g.next != 0 && g.any(i, i+1) {
				g.next |= all
			}
		}
		return
	}
	base := g.w.spelt[lo] &^ (1<<(64-depth*syllableBits) - 1)
	among := func(from, to syllable) bool {
		first := lowerBound(g.w.spelt, lo, hi, base+packUnit(from, depth))
		return g.any(first, lowerBound(g.w.spelt, first, hi, base+packUnit(to, depth)))
	}
	for i := range 36 {
		bit := keyset(1) << i
		if g.next&bit != 0 {
			continue
		}
		if i < 10 {
			if s := g.p.letter(byte('0' + i)); among(s, s+1) {
				g.next |= bit
			}
			continue
		}
		c := i - 10
		found := among(g.p.firstOf[c], g.p.firstOf[c+1])
		switch byte('a' + c) {
		case 'l':
			found = found || among(g.p.firstOf['n'-'a']+1, g.p.firstOf['o'-'a'])
		case 'n':
			found = found || among(g.p.firstOf['l'-'a']+1, g.p.firstOf['m'-'a'])
		}
		if found {
			g.next |= bit
		}
	}
}

// takeRead adds the start of a row if its text fits, of which depth characters lead
// to from.
func (g *guess) takeRead(i, depth int, from reach) {
	start := g.w.speltStarts[i]
	if g.budget <= 0 || !g.counts(start) {
		return
	}
	g.budget--
	if len(g.literal) > 0 && !bytes.Contains(untilNUL(g.ix.textAt(g.w.startAt[start])), g.literal) {
		return
	}
	g.budget -= readWork
	if r := g.read(start, depth, from); r.tier != noTier {
		g.add(start, r.tier, r.complete)
	}
}

// readResult tells how a text fits: its first bytes, as many as taken.
type readResult struct {
	tier     tier
	taken    int
	complete bool
}

// far are places, as many as can be typed.
type far [4]uint64

func (f *far) has(p int) bool { return f[p>>6]>>(p&63)&1 != 0 }
func (f *far) set(p int)      { f[p>>6] |= 1 << (p & 63) }

// add sets the places that are p and as many more as how has bits for.
func (f *far) add(p int, how uint8) {
	for how &^= unfinished; how != 0; how &= how - 1 {
		f.set(p + bits.TrailingZeros8(how))
	}
}

// read compares a text with what was typed character by character, as the rows do for
// the first ones. It begins behind depth characters, which are none or all that rows
// have, and lead to from.
func (g *guess) read(start uint32, depth int, from reach) readResult {
	result := readResult{tier: noTier}
	s := speaker{p: g.p, text: g.ix.textAt(g.w.startAt[start])}
	o := opening{more: true}
	for range depth {
		_, size := utf8.DecodeRune(s.text)
		s.text = s.text[size:]
	}
	if depth == 0 {
		o.read(&s)
	}
	end := len(g.typed)
	at := [3]far{{from.spelt}, {from.short}, {from.heard}}
	taken := 0
	for i := 0; ; i++ {
		var c spoken
		ok := i < o.n
		if ok {
			c = o.chars[i]
		} else if o.more {
			c, ok = s.next()
		}
		if at[2].has(end) {
			for _, r := range c.all() {
				g.next |= g.p.letters[r]
			}
			for k := range at {
				at[k][end>>6] &^= 1 << (end & 63)
			}
		}
		if !ok || at[2] == (far{}) {
			return result
		}
		taken += utf8.RuneLen(c.char)
		var to [3]far
		var part [3]bool
		for w := range at[2] {
			for rest := at[2][w]; rest != 0; rest &= rest - 1 {
				p := w<<6 + bits.TrailingZeros64(rest)
				for _, how := range g.ways(p, &c) {
					for k, h := range [3]uint8{how.spelt, how.short, how.heard} {
						if at[k].has(p) {
							to[k].add(p, h)
							part[k] = part[k] || h&unfinished != 0
						}
					}
					g.next |= keyset(how.after) << 10
				}
			}
		}
		at = to
		for k := range at {
			if t := bySpelling + tier(k); (part[k] || at[k].has(end)) && t < result.tier {
				more := i+1 < o.n || o.more && len(s.text) > 0 && s.text[0] != 0
				result = readResult{t, taken, at[k].has(end) && !more}
			}
		}
	}
}

// ways tells how a character can be typed at place p.
func (g *guess) ways(p int, c *spoken) (all [maxReadings]step) {
	if r := g.typed[p]; r >= utf8.RuneSelf {
		if r == c.char {
			all[0] = step{1 << 1, 1 << 1, 1 << 1, 0}
		}
		return all
	}
	for i, s := range c.all() {
		all[i] = *g.step(p, s)
	}
	return all
}

// items chooses from what was found and tells of it.
func (g *guess) items(s *Snapshot) []Suggestion {
	g.choose()
	all := make([]Suggestion, len(g.chosen))
	for i, c := range g.chosen {
		all[i] = g.tell(s, c)
	}
	return all
}

// choose shares the room out among the kinds, for each tier what the one before left.
func (g *guess) choose() {
	g.chosen = g.chosen[:0]
	for t := byWriting; t < noTier; t++ {
		var have [suggestionKinds][]candidate
		for k, best := range g.best {
			from, _ := slices.BinarySearchFunc(best, t, func(c candidate, t tier) int { return cmp.Compare(c.tier, t) })
			to, _ := slices.BinarySearchFunc(best, t+1, func(c candidate, t tier) int { return cmp.Compare(c.tier, t) })
			have[k] = best[from:to]
		}
		for k, n := range shares(have, g.limit-len(g.chosen)) {
			g.chosen = append(g.chosen, have[k][:n]...)
		}
	}
	kind := func(c candidate) (k int) {
		for c.entry >= g.w.kinds[k] {
			k++
		}
		return k
	}
	slices.SortFunc(g.chosen, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.key>>60, b.key>>60), cmp.Compare(kind(a), kind(b)), cmp.Compare(a.key, b.key))
	})
}

// shares returns how many of each kind find room. Titles and organizations go before
// terms as long as all that begin with what was typed find room, but for terms that
// were typed in full; else three parts are for terms, three for organizations and
// four for titles, and what one does not need is for the others.
func shares(have [suggestionKinds][]candidate, room int) (n [suggestionKinds]int) {
	upTo := func(k SuggestionKind, place int) int {
		i, _ := slices.BinarySearchFunc(have[k], place+1, func(c candidate, p int) int { return cmp.Compare(int(c.key>>60)%fitPlaces, p) })
		return i
	}
	n[Organization], n[Title] = upTo(Organization, atBeginning), upTo(Title, atBeginning)
	n[Term] = upTo(Term, wholly)
	if n[Organization]+n[Title]+n[Term] > room {
		part := (room*3 + 9) / 10
		n[Term] = min(len(have[Term]), part)
		n[Organization] = min(len(have[Organization]), part, room-n[Term])
		n[Title] = min(len(have[Title]), room-n[Term]-n[Organization])
	}
	for _, k := range [...]SuggestionKind{Term, Title, Organization} {
		used := n[Term] + n[Organization] + n[Title]
		n[k] += min(len(have[k])-n[k], room-used)
	}
	return n
}

// tell says what a candidate is.
func (g *guess) tell(s *Snapshot, c candidate) Suggestion {
	item := Suggestion{Count: int(c.count)}
	for c.entry >= g.w.kinds[item.Kind] {
		item.Kind++
	}
	if item.Kind != Term {
		if doc := g.w.docs[c.entry-g.w.kinds[Term]]; doc != noDoc {
			e := s.entry(doc)
			item.ID, item.Dataset = e.ID, e.Dataset
		}
	}
	var wordings []string
	origin := g.w.startAt[c.entry]
	if item.Kind == Title {
		doc := g.w.docs[c.entry-g.w.kinds[Term]]
		title := s.entry(doc).Title()
		wordings = []string{title.ZH, title.EN}
		origin = g.ix.titles.starts[doc]
	} else {
		wordings = strings.Split(string(g.w.labels.at(int(c.entry))), "\x00")
	}
	item.Text = wordings[0]
	if len(wordings) > 1 {
		item.TextEN = wordings[1]
	}
	taken := len(g.written)
	if c.tier != byWriting {
		taken = g.read(c.start, 0, atStart).taken
	} else if first := g.read(c.entry, 0, atStart); c.start != c.entry && first.tier != noTier {
		// What was typed is the English name as well as the spelling of the Chinese.
		c.start, taken = c.entry, first.taken
	}
	place := g.w.startAt[c.start]
	before := g.ix.textAt(origin)[:place-origin]
	item.Matched = wordings[bytes.Count(before, []byte{0})]
	from := len(before) - (bytes.LastIndexByte(before, 0) + 1)
	item.Highlight = highlight(item.Matched, from, from+taken)
	return item
}

// highlight returns the characters of text that fold to the bytes from to to.
func highlight(text string, from, to int) (span Span) {
	var folded []byte
	i := 0
	for _, r := range text {
		before := len(folded)
		folded = squeeze(folded, utf8.AppendRune(nil, r))
		if len(folded) > before && len(folded) > from && before < to {
			if span.To == 0 {
				span.From = i
			}
			span.To = i + 1
		}
		i++
	}
	return span
}
