package snapshot

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// MaxFacetValues bounds how many values of a field are told beside the chosen ones.
const MaxFacetValues = 100

// facetCounter counts the values of a field among what is found.
type facetCounter struct {
	column *column
	name   string
	// own has the bits of the filters by the same field, which do not count here.
	own    uint32
	size   int // of the counts
	chosen func(i int) bool
	ranges ranges
}

// ranges divide the numbers of a column: into years, whole numbers, or amounts.
type ranges struct {
	kind  rangeKind
	first int
	edges []float64
}

type rangeKind uint8

const (
	byYear rangeKind = iota
	byNumber
	byAmount
)

// amounts are where ranges of money begin, in yuan; what people ask for.
var amounts = []float64{0, 1e5, 5e5, 1e6, 5e6, 1e7, 5e7}

func (sr *search) facetCounter(q Query, name string) (facetCounter, error) {
	c := sr.ix.column(q.Dataset, name)
	if c == nil {
		return facetCounter{}, unknownField(q.Dataset, name)
	}
	f := facetCounter{column: c, name: c.path}
	var own []*predicate
	for i := range sr.filters {
		if sr.filters[i].column == c {
			f.own |= 1 << i
			own = append(own, &sr.filters[i])
		}
	}
	if c.kind == terms {
		f.size = c.values.len() + 1
		f.chosen = func(i int) bool {
			return slices.ContainsFunc(own, func(p *predicate) bool { return p.allowed[i] })
		}
		return f, nil
	}
	f.ranges = rangesOf(c)
	f.size = f.ranges.size(c)
	f.chosen = func(i int) bool {
		least, most := f.ranges.bounds(i)
		return slices.ContainsFunc(own, func(p *predicate) bool {
			return slices.ContainsFunc(p.ranges, func(r [2]float64) bool { return r[0] <= least && most <= r[1] })
		})
	}
	return f, nil
}

// rangesOf divides the numbers of a column.
func rangesOf(c *column) ranges {
	switch {
	case math.IsInf(c.min, 0):
		return ranges{kind: byAmount}
	case c.typ == "date" || c.typ == "time":
		return ranges{kind: byYear, first: int(c.min / 10000)}
	case c.typ == "int" && c.max-c.min < 100:
		return ranges{kind: byNumber, first: int(c.min)}
	}
	return ranges{kind: byAmount, edges: amounts}
}

func (r ranges) size(c *column) int {
	switch r.kind {
	case byYear:
		return int(c.max/10000) - r.first + 1
	case byNumber:
		return int(c.max) - r.first + 1
	case byAmount:
	}
	return len(r.edges)
}

// of returns the range of n, or -1.
func (r ranges) of(n float64) int {
	switch r.kind {
	case byYear:
		return int(n/10000) - r.first
	case byNumber:
		return int(n) - r.first
	case byAmount:
	}
	i := len(r.edges) - 1
	for i >= 0 && n < r.edges[i] {
		i--
	}
	return i
}

// bounds returns the least and greatest number of range i.
func (r ranges) bounds(i int) (least, most float64) {
	switch r.kind {
	case byYear:
		y := float64(r.first+i) * 10000
		return y, y + 9999.999
	case byNumber:
		return float64(r.first + i), float64(r.first + i)
	case byAmount:
	}
	if i+1 < len(r.edges) {
		return r.edges[i], math.Nextafter(r.edges[i+1], 0)
	}
	return r.edges[i], math.Inf(1)
}

// text names range i and its bounds as a filter takes them.
func (r ranges) text(i int) (value, least, most string) {
	switch r.kind {
	case byYear, byNumber:
		v := strconv.Itoa(r.first + i)
		return v, v, v
	case byAmount:
	}
	least = strconv.FormatFloat(r.edges[i], 'f', -1, 64)
	if i+1 < len(r.edges) {
		// What lies below the next range, to the fen.
		most = strconv.FormatFloat(r.edges[i+1]-0.01, 'f', 2, 64)
	}
	return least + "-" + most, least, most
}

// count counts a batch: what passes every filter, or every one but the facet's own.
func (f *facetCounter) count(b *batch, counts []uint32) {
	places := b.found
	if f.own != 0 {
		var all [batchSize]uint16
		places = all[:0]
		for i, failed := range b.failed[:b.n] {
			if failed&^f.own == 0 {
				places = append(places, uint16(i))
			}
		}
	}
	c := f.column
	if !c.covers(b.docs[0], b.docs[b.n-1]+1) {
		inside := places[:0:0]
		for _, i := range places {
			if c.covers(b.docs[i], b.docs[i]+1) {
				inside = append(inside, i)
			}
		}
		places = inside
	}
	docs, from := &b.docs, c.from
	switch {
	case c.kind == numbers:
		for _, i := range places {
			if n := c.numbers[docs[i%batchSize]-from]; !math.IsNaN(n) {
				if k := f.ranges.of(n); k >= 0 {
					counts[k]++
				}
			}
		}
	case c.codes.narrow != nil:
		tally(counts, c, c.codes.narrow, docs, places)
	case c.codes.medium != nil:
		tally(counts, c, c.codes.medium, docs, places)
	default:
		tally(counts, c, c.codes.wide, docs, places)
	}
}

// tally counts the codes that the records at places have.
func tally[T code](counts []uint32, c *column, codes []T, docs *[batchSize]uint32, places []uint16) {
	from, firsts := c.from, c.firsts
	if firsts == nil {
		for _, i := range places {
			counts[codes[docs[i%batchSize]-from]]++
		}
		return
	}
	for _, i := range places {
		at := docs[i%batchSize] - from
		for _, code := range codes[firsts[at]:firsts[at+1]] {
			counts[code]++
		}
	}
}

// countedFacets tells what was counted.
func (sr *search) countedFacets() []Facet {
	facets := make([]Facet, len(sr.facets))
	for i := range sr.facets {
		facets[i] = sr.facets[i].tell(sr.facet[i])
	}
	return facets
}

func (f *facetCounter) tell(counts []uint32) Facet {
	out := Facet{Field: f.name}
	if f.column.kind == numbers {
		for i, n := range counts {
			if chosen := f.chosen(i); n > 0 || chosen {
				v := FacetValue{Count: int(n), Chosen: chosen}
				v.Value, v.Least, v.Most = f.ranges.text(i)
				out.Values = append(out.Values, v)
			}
		}
		return out
	}
	// The most frequent, then by value: values are ascending already. What is chosen
	// is told besides, and takes no other value's place.
	type counted struct{ code, n uint32 }
	less := func(a, b counted) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.code, b.code)) }
	var top, chosen []counted
	for code, n := range counts[min(1, len(counts)):] {
		at := counted{uint32(code + 1), n}
		switch {
		case f.chosen(code + 1):
			chosen = append(chosen, at)
		case n == 0, len(top) == MaxFacetValues && less(at, top[MaxFacetValues-1]) > 0:
		default:
			if len(top) == MaxFacetValues {
				top = top[:MaxFacetValues-1]
			}
			i, _ := slices.BinarySearchFunc(top, at, less)
			top = slices.Insert(top, i, at)
		}
	}
	top = append(top, chosen...)
	slices.SortFunc(top, less)
	for _, c := range top {
		out.Values = append(out.Values, FacetValue{Value: string(f.column.values.at(int(c.code - 1))), Count: int(c.n), Chosen: f.chosen(int(c.code))})
	}
	return out
}
