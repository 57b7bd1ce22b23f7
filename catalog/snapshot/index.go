package snapshot

import (
	"context"
	"math"
	"slices"
	"strings"

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

	byField map[columnKey]int
	spans   map[catalog.Dataset]span
	records uint32
}

// buildIndex makes the index of a release.
func buildIndex(ctx context.Context, r *catalog.Release) (*index, error) {
	ix := &index{spans: spansOf(r.Entries), records: uint32(len(r.Entries))}
	b := &builder{entries: r.Entries, spans: ix.spans, published: day([]byte(r.Manifest.PublishedAt.UTC().Format("2006-01-02T15:04:05")))}
	b.find = finder(r, func(id catalog.ID) (uint32, bool) { return numberOf(r.Entries, ix.spans, id) })
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	ix.postings, ix.columns, ix.titles, ix.priors = b.out, b.columns.finish(), b.titles, b.priors
	ix.names = orderByName(ix.titles)
	ix.relations = b.links.finish(r.Entries, ix.names)
	ix.open()
	if err := buildWords(ctx, ix, r.Entries, b.inner); err != nil {
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

// column returns the column of a field for a search in d. A field may be named
// without the marks of lists: organizations.name, or organizations for the name.
func (ix *index) column(d catalog.Dataset, name string) *column {
	for _, path := range []string{name, strings.TrimSuffix(name, ".year")} {
		for _, key := range []columnKey{{"", path}, {d, path}} {
			if i, ok := ix.byField[key]; ok {
				return &ix.columns[i]
			}
		}
	}
	return nil
}

// fieldsOf lists the fields a search in d can filter by, ascending.
func (ix *index) fieldNames(d catalog.Dataset) []string {
	var names []string
	for i := range ix.columns {
		if c := &ix.columns[i]; c.dataset == "" || c.dataset == d {
			names = append(names, c.path)
		}
	}
	slices.Sort(names)
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
