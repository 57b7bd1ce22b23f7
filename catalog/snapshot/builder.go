package snapshot

import (
	"context"
	"errors"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
)

// An index is built in one pass over the records, a batch at a time on all processors:
// first they are taken apart, then what was found is put where it belongs.

// batchLen is how many records are taken apart before their tokens are sorted in.
const batchLen = 4096 // occurrence relies on it

// takenAtOnce is how many of them a worker takes before it looks for more.
const takenAtOnce = 256

// builder makes the parts of an index.
type builder struct {
	entries   []catalog.Entry
	spans     map[catalog.Dataset]span
	published float64 // the day of the release

	workers int
	lists   *lister
	columns *columnsBuilder
	titles  strings32
	inner   []innerStart // where words begin inside titles
	priors  []uint8

	find  func(catalog.ID) (uint32, bool) // the record a link leads to
	links linksBuilder
}

// taker takes records apart.
type taker struct {
	visitor *visitor
	tokens  recordTokens
	found   [shards][]occurrence

	doc   uint32
	kept  []keptValue
	bytes []byte
	title [2][]byte
	facts []recordFacts
	names []byte
	links linkTaker
	inner [2][]uint32 // of a title
	words []innerStart
}

// keptValue is a value for a column.
type keptValue struct {
	doc      uint32
	field    *field
	from, to uint32 // in bytes
	number   float64
}

// recordFacts is what is known of a whole record.
type recordFacts struct {
	title   uint32 // where it ends in names
	values  int
	updated float64
}

// build makes the index of the entries. What lists and links found is to be joined.
func (b *builder) build(ctx context.Context) error {
	if len(b.entries) >= math.MaxInt32 {
		return fmt.Errorf("%d records are more than an index can hold: %w", len(b.entries), catalog.ErrInvalid)
	}
	b.columns = newColumnsBuilder(b.spans, len(b.entries))
	b.titles.starts = make([]uint32, 1, len(b.entries)+1)
	b.priors = make([]uint8, 0, len(b.entries))
	takers := make([]*taker, batchLen/takenAtOnce)
	for i := range takers {
		takers[i] = newTaker(b.find)
	}
	for from := 0; from < len(b.entries); from += batchLen {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.take(takers, from, min(from+batchLen, len(b.entries))); err != nil {
			return err
		}
	}
	return nil
}

// take takes the records from from to to apart, some by each taker, and keeps what they
// found.
func (b *builder) take(takers []*taker, from, to int) error {
	takers = takers[:(to-from+takenAtOnce-1)/takenAtOnce]
	failed := make([]error, len(takers))
	share(b.workers, len(takers), func(_, i int) {
		t := takers[i]
		t.reset()
		first := from + i*takenAtOnce
		for doc := first; doc < min(first+takenAtOnce, to) && failed[i] == nil; doc++ {
			failed[i] = t.take(uint32(doc), b.entries[doc])
		}
	})
	if err := errors.Join(failed...); err != nil {
		return err
	}
	var group errgroup.Group
	group.Go(func() error {
		for _, t := range takers {
			b.keep(t)
		}
		return nil
	})
	b.lists.add(uint32(from), func(shard int) [][]occurrence {
		found := make([][]occurrence, len(takers))
		for i, t := range takers {
			found[i] = t.found[shard]
		}
		return found
	})
	return group.Wait()
}

// keep takes over what a taker kept, in the order of the records.
func (b *builder) keep(t *taker) {
	for _, v := range t.kept {
		b.columns.add(v.doc, b.entries[v.doc].Dataset, v.field, t.bytes[v.from:v.to], v.number)
	}
	from := uint32(0)
	for _, w := range t.words {
		b.inner = append(b.inner, innerStart{w.doc, uint32(len(b.titles.bytes)) + w.at})
	}
	for _, f := range t.facts {
		b.titles.bytes = append(b.titles.bytes, t.names[from:f.title]...)
		b.titles.starts = append(b.titles.starts, uint32(len(b.titles.bytes)))
		b.priors = append(b.priors, prior(f.updated, b.published, f.values))
		from = f.title
	}
	b.links.keep(t.links.found)
}

func newTaker(find func(catalog.ID) (uint32, bool)) *taker {
	t := &taker{links: linkTaker{find: find}}
	t.visitor = newVisitor(t.value)
	return t
}

func (t *taker) reset() {
	for i := range t.found {
		t.found[i] = t.found[i][:0]
	}
	t.kept, t.bytes, t.facts, t.names, t.words = t.kept[:0], t.bytes[:0], t.facts[:0], t.names[:0], t.words[:0]
	t.links.found = t.links.found[:0]
}

// take takes a record apart.
func (t *taker) take(doc uint32, e catalog.Entry) error {
	t.doc = doc
	t.tokens.reset()
	t.facts = append(t.facts, recordFacts{})
	for i := range t.title {
		t.title[i], t.inner[i] = t.title[i][:0], t.inner[i][:0]
	}
	if err := t.visitor.visit(e); err != nil {
		return err
	}
	for i, title := range t.title {
		for _, at := range t.inner[i] {
			t.words = append(t.words, innerStart{doc, uint32(len(t.names)) + at})
		}
		t.names = append(append(t.names, title...), 0)
	}
	t.facts[len(t.facts)-1].title = uint32(len(t.names))
	t.tokens.each(func(k key, m mark) {
		h := k.hash()
		i := h.shard()
		t.found[i] = append(t.found[i], newOccurrence(h, doc%batchLen, m))
	})
	return nil
}

func (t *taker) value(f *field, text []byte, number float64) {
	t.tokens.add(f, text)
	t.links.value(t.doc, f, text)
	facts := &t.facts[len(t.facts)-1]
	facts.values++
	switch f.path {
	case "title":
		t.title[0], t.inner[0] = squeezeWords(t.title[0], text, t.inner[0])
	case "title_en":
		t.title[1], t.inner[1] = squeezeWords(t.title[1], text, t.inner[1])
	case "updated_at":
		facts.updated = number
	}
	if f.kind != noColumn {
		from := uint32(len(t.bytes))
		t.bytes = append(t.bytes, text...)
		t.kept = append(t.kept, keptValue{t.doc, f, from, uint32(len(t.bytes)), number})
	}
}
