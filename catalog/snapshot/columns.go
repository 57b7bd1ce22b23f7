package snapshot

import (
	"iter"
	"math"
	"slices"
	"strings"

	"luoshu/catalog"
)

// A column keeps the values of one field for filters, facets and sorting, in the
// order of the records. Fields that all datasets have make one column over all
// records, others one over the records of their dataset.
//
// Its parts are views of a segment, or of memory laid out like one.
type column struct {
	path     string
	typ      string
	dataset  catalog.Dataset // empty for all
	from, to uint32          // the records it covers
	kind     kind

	// The distinct values of a column of terms, ascending, and for each record the
	// numbers of its values, counted from 1; 0 is none. Where a record can have
	// several, firsts tells where its values begin in codes.
	values strings32
	codes  codes
	firsts []uint32

	// numbers of a column of numbers; NaN is none.
	numbers  []float64
	min, max float64

	// bits are the bitmaps of a column of few values, one after another.
	bits []uint64
}

// strings32 is a list of strings in one piece of memory.
type strings32 struct {
	starts []uint32 // one more than there are strings
	bytes  []byte
}

func (s strings32) len() int { return max(0, len(s.starts)-1) }

func (s strings32) at(i int) []byte { return s.bytes[s.starts[i]:s.starts[i+1]] }

// search returns the place of v among ascending strings.
func (s strings32) search(v string) (int, bool) {
	lo, hi := 0, s.len()
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if string(s.at(mid)) < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < s.len() && string(s.at(lo)) == v
}

func newStrings32(all []string) strings32 {
	total := 0
	for _, v := range all {
		total += len(v)
	}
	s := strings32{starts: make([]uint32, 0, len(all)+1), bytes: make([]byte, 0, total)}
	for _, v := range all {
		s.starts = append(s.starts, uint32(len(s.bytes)))
		s.bytes = append(s.bytes, v...)
	}
	s.starts = append(s.starts, uint32(len(s.bytes)))
	return s
}

// codesOf yields the numbers of the values of a record.
func (c *column) codesOf(doc uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		from, to := doc-c.from, doc-c.from+1
		if c.firsts != nil {
			from, to = c.firsts[from], c.firsts[to]
		}
		for i := from; i < to; i++ {
			if code := c.codes.at(i); code != 0 && !yield(code) {
				return
			}
		}
	}
}

// codes are numbers of values in as few bytes each as the column's greatest needs,
// because whoever counts many of them waits for memory. One of the lists is in use.
type codes struct {
	narrow []uint8
	medium []uint16
	wide   []uint32
}

// code is what a number of a value is kept as.
type code interface{ uint8 | uint16 | uint32 }

// codeWidth returns how many bytes the codes of a column of so many values have.
func codeWidth(values int) int {
	switch {
	case values <= math.MaxUint8:
		return 1
	case values <= math.MaxUint16:
		return 2
	}
	return 4
}

func newCodes(all []uint32, values int) (c codes) {
	switch codeWidth(values) {
	case 1:
		c.narrow = narrowed[uint8](all)
	case 2:
		c.medium = narrowed[uint16](all)
	default:
		c.wide = all
	}
	return c
}

func narrowed[T code](all []uint32) []T {
	out := make([]T, len(all))
	for i, n := range all {
		out[i] = T(n)
	}
	return out
}

func (c *codes) len() int { return len(c.narrow) + len(c.medium) + len(c.wide) }

func (c *codes) at(i uint32) uint32 {
	switch {
	case c.narrow != nil:
		return uint32(c.narrow[i])
	case c.medium != nil:
		return uint32(c.medium[i])
	}
	return c.wide[i]
}

// covers reports whether the column says something of every record from from to to.
func (c *column) covers(from, to uint32) bool { return c.from <= from && to <= c.to }

// columnBuilder gathers the values of one column.
type columnBuilder struct {
	column
	codes   []uint32 // of values in the order of their coming, until all are known
	many    bool
	number  map[string]uint32 // of a value, in the order of their coming, from 1
	ordered []string
	next    uint32 // the first record of which nothing was said
}

// columnsBuilder makes the columns of a release.
type columnsBuilder struct {
	byField map[columnKey]*columnBuilder
	order   []*columnBuilder
	spans   map[catalog.Dataset]span
	total   uint32
}

type columnKey struct {
	dataset catalog.Dataset
	path    string
}

func newColumnsBuilder(spans map[catalog.Dataset]span, total int) *columnsBuilder {
	return &columnsBuilder{byField: map[columnKey]*columnBuilder{}, spans: spans, total: uint32(total)}
}

// sharedField reports whether every dataset has the field.
func sharedField(path string) bool {
	for d := range catalog.Datasets() {
		if _, ok := catalog.LookupField(d.Name, path); !ok {
			return false
		}
	}
	return true
}

func (b *columnsBuilder) of(d catalog.Dataset, f *field) *columnBuilder {
	k := columnKey{d, f.path}
	if c := b.byField[k]; c != nil {
		return c
	}
	c := b.byField[columnKey{"", f.path}]
	if c == nil {
		c = &columnBuilder{column: column{path: strings.Clone(f.path), typ: f.typ, kind: f.kind}, many: f.many, number: map[string]uint32{}}
		if sharedField(f.path) {
			c.to = b.total
			b.byField[columnKey{"", f.path}] = c
		} else {
			c.dataset, c.from, c.to = d, uint32(b.spans[d].from), uint32(b.spans[d].to)
		}
		c.next = c.from
		if c.kind == numbers {
			c.numbers = make([]float64, 0, c.to-c.from)
			c.min, c.max = math.Inf(1), math.Inf(-1)
		} else {
			c.codes = make([]uint32, 0, c.to-c.from)
		}
		b.order = append(b.order, c)
	}
	b.byField[k] = c
	return c
}

// add takes in a value of the record numbered doc. Records come in order.
func (b *columnsBuilder) add(doc uint32, d catalog.Dataset, f *field, text []byte, number float64) {
	c := b.of(d, f)
	first := doc >= c.next
	c.skipTo(doc)
	if c.kind == numbers {
		if first {
			c.numbers = append(c.numbers, number)
			c.next = doc + 1
			c.min, c.max = min(c.min, number), max(c.max, number)
		}
		return
	}
	n, ok := c.number[string(text)]
	if !ok {
		v := string(text)
		c.ordered = append(c.ordered, v)
		n = uint32(len(c.ordered))
		c.number[v] = n
	}
	switch {
	case !c.many && !first:
	case c.many && !first && slices.Contains(c.codes[c.firsts[len(c.firsts)-1]:], n):
	default:
		if first {
			if c.many {
				c.firsts = append(c.firsts, uint32(len(c.codes)))
			}
			c.next = doc + 1
		}
		c.codes = append(c.codes, n)
	}
}

// skipTo notes that the records before doc have no value.
func (c *columnBuilder) skipTo(doc uint32) {
	for ; c.next < doc; c.next++ {
		switch {
		case c.kind == numbers:
			c.numbers = append(c.numbers, math.NaN())
		case c.many:
			c.firsts = append(c.firsts, uint32(len(c.codes)))
		default:
			c.codes = append(c.codes, 0)
		}
	}
}

// finish returns the columns, their values in ascending order.
func (b *columnsBuilder) finish() []column {
	out := make([]column, len(b.order))
	for i, c := range b.order {
		c.skipTo(c.to)
		if c.many {
			c.firsts = append(c.firsts, uint32(len(c.codes)))
		}
		if c.kind == terms {
			sorted := slices.Sorted(slices.Values(c.ordered))
			renumber := make([]uint32, len(sorted)+1)
			for to, v := range sorted {
				renumber[c.number[v]] = uint32(to + 1)
			}
			for k, code := range c.codes {
				c.codes[k] = renumber[code]
			}
			c.values = newStrings32(sorted)
			c.column.codes = newCodes(c.codes, len(sorted))
			c.number, c.ordered, c.codes = nil, nil, nil
		}
		out[i] = c.column
		out[i].addBitmaps()
	}
	return out
}
