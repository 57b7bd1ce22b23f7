package snapshot

import (
	"context"
	"math"
	"runtime"

	"luoshu/catalog"
)

// index is everything that is looked up in a release beside the records themselves.
// Its parts are views of a segment, or of memory laid out like one.
type index struct {
	postings
	columns []column
	// titles are the titles in both languages, squeezed, each with a NUL behind it:
	// what a phrase is looked for in.
	titles strings32
	// priors decide between records that fit equally well: the newer, and then the
	// one that says more, goes first.
	priors []uint8
	// names is the place of every record when all are ordered by name.
	names     []uint32
	relations relations
	words     *words

	// room is where the lists of an index lie that is of no segment.
	room arena

	byField map[columnKey]int
	spans   map[catalog.Dataset]span
	records uint32
}

// buildIndex makes the index of a release.
func buildIndex(ctx context.Context, r *catalog.Release) (*index, error) {
	ix := &index{spans: spansOf(r.Entries), records: uint32(len(r.Entries))}
	workers := max(1, runtime.GOMAXPROCS(0))
	b := &builder{workers: workers, lists: newLister(workers), entries: r.Entries, spans: ix.spans, published: day([]byte(r.Manifest.PublishedAt.UTC().Format("2006-01-02T15:04:05")))}
	b.find = finder(r, func(id catalog.ID) (uint32, bool) { return numberOf(r.Entries, ix.spans, id) })
	defer b.lists.close()
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	ix.columns, ix.titles, ix.priors = b.columns.finish(), b.titles, b.priors
	var err error
	if ix.postings, err = b.lists.finish(&ix.room); err != nil {
		ix.room.free()
		return nil, err
	}
	ix.names = orderByName(ix.titles)
	ix.relations = b.links.finish(r.Entries, ix.names)
	ix.open()
	if err := buildWords(ctx, ix, r.Entries, b.inner); err != nil {
		ix.room.free()
		return nil, err
	}
	return ix, nil
}

// open makes what is found in the parts by name.
func (ix *index) open() {
	ix.byField = map[columnKey]int{}
	for i := range ix.columns {
		c := &ix.columns[i]
		ix.byField[columnKey{c.dataset, c.path}] = i
	}
}

// column returns the column of a field for a search in d, named with or without the
// marks of lists, and nil where there is no such field. A field of which no record of
// the release has a value has a column of no records.
func (ix *index) column(d catalog.Dataset, name string) *column {
	f, ok := LookupSearchField(d, name)
	if !ok {
		return nil
	}
	if c := ix.kept(d, f.Path); c != nil {
		return c
	}
	c := &column{path: f.Path, typ: f.Type, kind: terms}
	if f.Ordered {
		c.kind, c.min, c.max = numbers, math.Inf(1), math.Inf(-1)
	}
	return c
}

// kept returns the column of the field at path in d, nil where no record has a value.
func (ix *index) kept(d catalog.Dataset, path string) *column {
	for _, key := range []columnKey{{"", path}, {d, path}} {
		if i, ok := ix.byField[key]; ok {
			return &ix.columns[i]
		}
	}
	return nil
}

// fieldNames lists the fields a search in d can name, those of numbers and dates
// alone when ordered.
func fieldNames(d catalog.Dataset, ordered bool) []string {
	var names []string
	for _, f := range SearchFields(d) {
		if f.Ordered || !ordered {
			names = append(names, f.Name)
		}
	}
	return names
}

// prior rates a record of so many values, which was last published on updated, in a
// release of the day published.
func prior(updated, published float64, values int) uint8 {
	age := math.Floor(published/10000)*12 + math.Floor(math.Mod(published, 10000)/100) -
		math.Floor(updated/10000)*12 - math.Floor(math.Mod(updated, 10000)/100)
	fresh := 15 - min(15, max(0, age/4)) // of five years
	return uint8(fresh)<<4 | uint8(min(15, values/3))
}

func spansOf(entries []catalog.Entry) map[catalog.Dataset]span {
	spans := map[catalog.Dataset]span{}
	for i, e := range entries {
		s, ok := spans[e.Dataset]
		if !ok {
			s.from = i
		}
		s.to = i + 1
		spans[e.Dataset] = s
	}
	return spans
}
