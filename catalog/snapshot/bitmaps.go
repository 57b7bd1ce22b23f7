package snapshot

import (
	"math/bits"
	"slices"
)

// Where no text is asked for, every record of a dataset is a candidate. Then the
// columns of few values are not read row by row: each value has a bitmap over the
// records, so that a filter is a union of some, all filters an intersection, and a
// count the number of bits. Where a text leaves few candidates, a column is read
// sooner than a bitmap.

// mostBitmaps is how many values, or ranges of numbers, a column with bitmaps has at
// most.
const mostBitmaps = 64

// firstWord and wordCount say which words of a bitmap over all records a column keeps.
func (c *column) firstWord() uint32 { return c.from / 64 }

func (c *column) wordCount() uint32 { return (c.to+63)/64 - c.from/64 }

// bitmap returns the bitmap of the value or range numbered i, from firstWord on.
func (c *column) bitmap(i int) []uint64 {
	n := int(c.wordCount())
	return c.bits[i*n : (i+1)*n]
}

// addBitmaps makes the bitmaps of a column that has few values.
func (c *column) addBitmaps() {
	var r ranges
	count := c.values.len()
	if c.kind == numbers {
		if r = rangesOf(c); r.kind == byAmount {
			return
		}
		count = r.size(c)
	}
	if count == 0 || count > mostBitmaps {
		return
	}
	c.bits = make([]uint64, count*int(c.wordCount()))
	set := func(i int, doc uint32) { c.bitmap(i)[doc/64-c.firstWord()] |= 1 << (doc % 64) }
	for doc := c.from; doc < c.to; doc++ {
		if c.kind == terms {
			for code := range c.codesOf(doc) {
				set(int(code)-1, doc)
			}
			continue
		}
		if n := c.numbers[doc-c.from]; n == n {
			set(r.of(n), doc)
		}
	}
}

// bitmaps returns the numbers of the bitmaps whose union the predicate is, and false
// where it is none: the column has none, or a range of numbers ends within one.
func (p *predicate) bitmaps(into []int) ([]int, bool) {
	c := p.column
	if c.bits == nil {
		return nil, false
	}
	if c.kind == terms {
		for code, allowed := range p.allowed {
			if allowed && code > 0 {
				into = append(into, code-1)
			}
		}
		return into, true
	}
	r := rangesOf(c)
	for i := range r.size(c) {
		least, most := r.bounds(i)
		inside := p.within(least) && p.within(most)
		if !inside && slices.ContainsFunc(p.ranges, func(x [2]float64) bool { return x[0] <= most && x[1] >= least }) {
			return nil, false
		}
		if inside {
			into = append(into, i)
		}
	}
	return into, true
}

// bitmapped answers a query without a text from bitmaps. It returns false, having
// done nothing, where one of the columns has none.
func (sr *search) bitmapped() bool {
	first, last := sr.from/64, (sr.to+63)/64
	n := int(last - first)
	if n == 0 {
		return true
	}
	var numbers [mostBitmaps]int
	for i := range sr.filters {
		if _, ok := sr.filters[i].bitmaps(numbers[:0]); !ok {
			return false
		}
	}
	for i := range sr.facets {
		if sr.facets[i].column.bits == nil && sr.facets[i].size > 1 {
			return false
		}
	}
	// One row for each filter, one for what passes all, one for what passes all but
	// the filters of a facet.
	sr.bits = slices.Grow(sr.bits[:0], n*(len(sr.filters)+2))[:n*(len(sr.filters)+2)]
	row := func(i int) []uint64 { return sr.bits[i*n : (i+1)*n] }
	for i := range sr.filters {
		passed := row(i)
		clear(passed)
		c := sr.filters[i].column
		union, _ := sr.filters[i].bitmaps(numbers[:0])
		for _, k := range union {
			to, bitmap := overlap(passed, c, k, first)
			for j, w := range bitmap {
				to[j] |= w
			}
		}
	}
	all, others := row(len(sr.filters)), row(len(sr.filters)+1)
	sr.intersect(all, 0, row)
	for _, w := range all {
		sr.total += bits.OnesCount64(w)
	}
	for i := range sr.facets {
		f := &sr.facets[i]
		among := all
		if f.own != 0 {
			among = others
			sr.intersect(others, f.own, row)
		}
		counts := sr.facet[i]
		if f.column.kind == terms {
			counts = counts[1:]
		}
		for k := range counts {
			counts[k] = countCommon(among, f.column, k, first)
		}
	}
	sr.rankBits(all, first)
	return true
}

// intersect sets to to the records of the search that pass every filter but those
// of skip.
func (sr *search) intersect(to []uint64, skip uint32, row func(int) []uint64) {
	for i := range to {
		to[i] = ^uint64(0)
	}
	to[0] &^= 1<<(sr.from%64) - 1
	if end := sr.to % 64; end != 0 {
		to[len(to)-1] &= 1<<end - 1
	}
	for i := range sr.filters {
		if skip&(1<<i) == 0 {
			for k, w := range row(i) {
				to[k] &= w
			}
		}
	}
}

// overlap returns the words of bitmap k of c and those of a row that begins at first
// where both have some.
func overlap(among []uint64, c *column, k int, first uint32) (row, bitmap []uint64) {
	bitmap = c.bitmap(k)
	if own := c.firstWord(); own >= first {
		among = among[min(int(own-first), len(among)):]
	} else {
		bitmap = bitmap[min(int(first-own), len(bitmap)):]
	}
	n := min(len(among), len(bitmap))
	return among[:n], bitmap[:n]
}

func countCommon(among []uint64, c *column, k int, first uint32) uint32 {
	n := 0
	row, bitmap := overlap(among, c, k, first)
	for i, w := range bitmap {
		n += bits.OnesCount64(row[i] & w)
	}
	return uint32(n)
}

// rankBits ranks the records whose bit is set. In the order of identifiers the first
// ones are the page.
func (sr *search) rankBits(all []uint64, first uint32) {
	b := &sr.batch
	b.n, b.row = 0, false
	flush := func() {
		if sr.sort.column != nil || sr.sort.names {
			sr.sort.keys(sr.ix, b)
		}
		for i := range b.n {
			sr.rank(ranked{b.keys[i], b.docs[i]})
		}
		b.n = 0
	}
	for i, w := range all {
		for ; w != 0; w &= w - 1 {
			doc := (first+uint32(i))*64 + uint32(bits.TrailingZeros64(w))
			if sr.sort.ids && sr.hasAfter && doc <= sr.after.doc {
				continue
			}
			b.docs[b.n], b.keys[b.n] = doc, 0
			if !sr.sort.ids {
				b.keys[b.n] = uint64(sr.ix.priors[doc])
			}
			if b.n++; b.n == batchSize {
				flush()
			}
		}
		if sr.sort.ids && len(sr.heap)+b.n >= sr.keep {
			break
		}
	}
	flush()
}
