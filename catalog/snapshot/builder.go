package snapshot

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
)

// The index is built in two passes over the records, first to count and then to
// fill, so that every list is written once into its place in one arena of the right
// size. Reading a record twice costs less than keeping what was read.

// shards divide the tokens by their hash: among the processors; so that no growing
// copies the whole; and so that the table in use stays in a processor's cache. Lists
// stand in the order of the hashes, so that shards follow one another.
const shards = 256

// batchLen is how many records are taken apart before their tokens are sorted in.
const batchLen = 2048

// occurrence is a token of a record.
type occurrence struct {
	hash hash
	doc  uint32
	mark mark
}

// builder makes the parts of an index.
type builder struct {
	entries   []catalog.Entry
	spans     map[catalog.Dataset]span
	published float64 // the day of the release

	workers int
	shards  [shards]shard

	out     postings
	columns *columnsBuilder
	titles  strings32
	inner   []innerStart // where words begin inside titles
	priors  []uint8

	find  func(catalog.ID) (uint32, bool) // the record a link leads to
	links linksBuilder
}

// taker takes records apart. In the first pass it also keeps what is not a token.
type taker struct {
	visitor *visitor
	tokens  recordTokens
	found   [shards][]occurrence

	first bool
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

// shard is a hash table of tokens, whose lists are being made.
type shard struct {
	hashes []hash
	slots  []slot
	counts []uint32 // of records that hold the token, until the lists have their places
	used   int
	order  []uint32 // the slots by hash, when the lists have their places
}

// slot is a list being made.
type slot struct {
	at   uint32 // its bytes in the first pass, where to write in the second
	last uint32 // the record before
}

func (h hash) shard() int { return int(h >> (64 - 8)) }

// find returns the place of a token.
func (s *shard) find(h hash) int {
	if s.used*8 >= len(s.hashes)*7 {
		s.grow()
	}
	mask := hash(len(s.hashes) - 1)
	for i := h >> 24 & mask; ; i = (i + 1) & mask {
		if s.hashes[i] == 0 {
			s.hashes[i] = h
			s.used++
		}
		if s.hashes[i] == h {
			return int(i)
		}
	}
}

func (s *shard) grow() {
	old := *s
	size := max(256, 2*len(old.hashes))
	*s = shard{hashes: make([]hash, size), slots: make([]slot, size), counts: make([]uint32, size)}
	for i, h := range old.hashes {
		if h != 0 {
			k := s.find(h)
			s.slots[k], s.counts[k] = old.slots[i], old.counts[i]
		}
	}
}

func uvarintLen(n uint32) uint32 {
	size := uint32(1)
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// build makes the index of the entries.
func (b *builder) build(ctx context.Context) error {
	if len(b.entries) >= math.MaxInt32 {
		return fmt.Errorf("%d records are more than an index can hold: %w", len(b.entries), catalog.ErrInvalid)
	}
	b.workers = max(1, runtime.GOMAXPROCS(0))
	b.columns = newColumnsBuilder(b.spans, len(b.entries))
	b.titles.starts = make([]uint32, 1, len(b.entries)+1)
	b.priors = make([]uint8, 0, len(b.entries))
	err := b.pass(ctx, b.keep, func(s *shard, o occurrence) {
		i := s.find(o.hash)
		t := &s.slots[i]
		t.at += uvarintLen(o.doc-t.last) + 1
		t.last = o.doc
		s.counts[i]++
	})
	if err != nil {
		return err
	}
	skips, err := b.layOut()
	if err != nil {
		return err
	}
	data := b.out.data
	err = b.pass(ctx, nil, func(s *shard, o occurrence) {
		t := &s.slots[s.find(o.hash)]
		at := binary.PutUvarint(data[t.at:], uint64(o.doc-t.last))
		data[t.at+uint32(at)] = byte(o.mark)
		t.at += uint32(at) + 1
		t.last = o.doc
	})
	b.collect()
	b.addSkips(skips)
	return err
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

// pass takes every record apart and hands its tokens, in the order of the records,
// to take, which each shard calls from one goroutine; and what else was found to
// keep, unless it is nil.
func (b *builder) pass(ctx context.Context, keep func(*taker), take func(*shard, occurrence)) error {
	takers := make([]*taker, b.workers)
	for i := range takers {
		takers[i] = newTaker(keep != nil, b.find)
	}
	for from := 0; from < len(b.entries); from += batchLen {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := b.entries[from:min(from+batchLen, len(b.entries))]
		share := (len(batch) + b.workers - 1) / b.workers
		var group errgroup.Group
		for w, t := range takers {
			group.Go(func() error {
				t.reset()
				for i := min(w*share, len(batch)); i < min((w+1)*share, len(batch)); i++ {
					if err := t.take(uint32(from+i), batch[i]); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if keep != nil {
			group.Go(func() error {
				for _, t := range takers {
					keep(t)
				}
				return nil
			})
		}
		for w := range b.workers {
			group.Go(func() error {
				for i := w; i < shards; i += b.workers {
					for _, t := range takers {
						for _, o := range t.found[i] {
							take(&b.shards[i], o)
						}
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func newTaker(first bool, find func(catalog.ID) (uint32, bool)) *taker {
	t := &taker{first: first, links: linkTaker{find: find}}
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
	if t.first {
		t.facts = append(t.facts, recordFacts{})
		for i := range t.title {
			t.title[i], t.inner[i] = t.title[i][:0], t.inner[i][:0]
		}
	}
	if err := t.visitor.visit(e); err != nil {
		return err
	}
	if t.first {
		for i, title := range t.title {
			for _, at := range t.inner[i] {
				t.words = append(t.words, innerStart{doc, uint32(len(t.names)) + at})
			}
			t.names = append(append(t.names, title...), 0)
		}
		t.facts[len(t.facts)-1].title = uint32(len(t.names))
	}
	t.tokens.each(func(k key, m mark) {
		h := k.hash()
		i := h.shard()
		t.found[i] = append(t.found[i], occurrence{h, doc, m})
	})
	return nil
}

func (t *taker) value(f *field, text []byte, number float64) {
	t.tokens.add(f, text)
	if !t.first {
		return
	}
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

// layOut gives every list its place, in the order of the hashes, and returns how many
// skips there will be.
func (b *builder) layOut() (skips int, err error) {
	var group errgroup.Group
	group.SetLimit(b.workers)
	for i := range b.shards {
		group.Go(func() error {
			s := &b.shards[i]
			s.order = make([]uint32, 0, s.used)
			for k, h := range s.hashes {
				if h != 0 {
					s.order = append(s.order, uint32(k))
				}
			}
			slices.SortFunc(s.order, func(x, y uint32) int { return cmp.Compare(s.hashes[x], s.hashes[y]) })
			return nil
		})
	}
	_ = group.Wait() // of which none fails
	total := uint64(0)
	for i := range b.shards {
		s := &b.shards[i]
		for _, k := range s.order {
			t := &s.slots[k]
			head := uint64(uvarintLen(s.counts[k]))
			if s.counts[k] > blockLen {
				head += 4
				skips += int(s.counts[k]+blockLen-1) / blockLen
			}
			size := head + uint64(t.at)
			t.at, t.last = uint32(total+head), 0
			if total += size; total > math.MaxUint32 {
				return 0, fmt.Errorf("the index would be larger than 4 GiB: %w", catalog.ErrInvalid)
			}
		}
	}
	b.out.data = make([]byte, total)
	for i := range b.shards {
		s := &b.shards[i]
		for _, k := range s.order {
			n := s.counts[k]
			head := uvarintLen(n)
			if n > blockLen {
				head += 4
			}
			binary.PutUvarint(b.out.data[s.slots[k].at-head:], uint64(n))
		}
		s.counts = nil
	}
	return skips, nil
}

// collect lists the tokens when every list is written, and forgets the shards. Each
// list ends where the next begins.
func (b *builder) collect() {
	used := 0
	for i := range b.shards {
		used += b.shards[i].used
	}
	b.out.hashes, b.out.starts = make([]hash, 0, used), make([]uint32, 1, used+1)
	for i := range b.shards {
		s := &b.shards[i]
		for _, k := range s.order {
			b.out.hashes = append(b.out.hashes, s.hashes[k])
			b.out.starts = append(b.out.starts, s.slots[k].at)
		}
		*s = shard{}
	}
}

// addSkips reads the long lists once and notes where their blocks end.
func (b *builder) addSkips(count int) {
	p := &b.out
	p.skips = make([]skip, 0, count)
	for i := range p.hashes {
		data := p.data[p.starts[i]:p.starts[i+1]]
		n, size := binary.Uvarint(data)
		if n <= blockLen {
			continue
		}
		binary.LittleEndian.PutUint32(data[size:], uint32(len(p.skips)))
		data = data[size+4:]
		doc, at := uint32(0), 0
		for k := range n {
			d, size := binary.Uvarint(data[at:])
			doc += uint32(d)
			at += size + 1
			if (k+1)%blockLen == 0 || k+1 == n {
				p.skips = append(p.skips, skip{doc, uint32(at)})
			}
		}
	}
}

// The saturation of repeated words and the weight of a record's length, as in BM25F
// (Robertson and Zaragoza, 2009). The length counts against a pivot that is fixed,
// so that what a record is worth does not depend on the others.
const (
	saturation  = 1.2
	lengthShare = 0.6
	lengthPivot = 240 // tokens in the body
)

// recordTokens gathers the tokens of one record.
type recordTokens struct {
	scanner  scanner
	squeezed []byte
	table    []tokenCount // by hash; stamp tells which are of this record
	order    []int32
	stamp    uint32
	body     int
}

type tokenCount struct {
	key    key
	stamp  uint32
	counts [classes]uint8
	flags  mark
}

func (t *recordTokens) reset() {
	if t.table == nil {
		t.table = make([]tokenCount, 4096)
	}
	t.stamp++
	t.order, t.body = t.order[:0], 0
}

func (t *recordTokens) count(k key) *tokenCount {
	if len(t.order)*4 >= len(t.table)*3 {
		t.grow()
	}
	mask := uint64(len(t.table) - 1)
	for i := uint64(k.hash()) >> 24 & mask; ; i = (i + 1) & mask {
		c := &t.table[i]
		if c.stamp != t.stamp {
			*c = tokenCount{key: k, stamp: t.stamp}
			t.order = append(t.order, int32(i))
			return c
		}
		if c.key == k {
			return c
		}
	}
}

func (t *recordTokens) grow() {
	old, order := t.table, t.order
	t.table, t.order = make([]tokenCount, 2*len(old)), nil
	for _, i := range order {
		*t.count(old[i].key) = old[i]
	}
}

// add takes in a value of a field.
func (t *recordTokens) add(f *field, text []byte) {
	if f.class == unsearched {
		return
	}
	if f.class == inCode {
		t.labels(f, text)
		return
	}
	found := t.scanner.scan(text)
	for _, o := range found {
		c := t.count(o.key)
		if c.counts[f.class] < math.MaxUint8 {
			c.counts[f.class]++
		}
		if f.class == inBody {
			t.body++
		}
		if f.class == inTitle {
			c.flags |= inATitle
			if o.from == found[0].from {
				c.flags |= startsTitle
			}
		}
	}
	if f.class == inNumber {
		if t.squeezed = squeeze(t.squeezed[:0], text); len(t.squeezed) > 0 {
			t.count(word(t.squeezed)).counts[inNumber]++
		}
	}
}

// labels takes in the wordings of a code, in both languages.
func (t *recordTokens) labels(f *field, code []byte) {
	list := f.list
	if f.typ == "coded" {
		switch f.path {
		case "industries[]":
			list = catalog.LookupCodeList("gbt4754-2017")
		case "disciplines[]":
			list = catalog.LookupCodeList("gbt13745-2009")
		}
	}
	if list == nil {
		return
	}
	c, ok := list.Lookup(string(code))
	if !ok {
		return
	}
	for _, label := range []string{c.Label.ZH, c.Label.EN} {
		for _, o := range t.scanner.scan([]byte(label)) {
			if c := t.count(o.key); c.counts[inCode] < math.MaxUint8 {
				c.counts[inCode]++
			}
		}
	}
}

// each yields every token once with its mark.
func (t *recordTokens) each(yield func(key, mark)) {
	// Every step is rounded by itself: a processor that joins a product and a sum
	// would rank otherwise than one that does not.
	norm := float32(1-lengthShare) + float32(lengthShare*float32(t.body)/lengthPivot)
	for _, i := range t.order {
		c := &t.table[i]
		tf := float32(0)
		for class, n := range c.counts {
			w := float32(weights[class] * float32(n))
			if class == int(inBody) {
				w = float32(w / norm)
			}
			tf += w
		}
		share := float32(tf / float32(saturation+tf))
		yield(c.key, mark(1+float32(share*(maxImpact-1)))|c.flags)
	}
}
