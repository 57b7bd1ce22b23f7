package snapshot

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"luoshu/catalog"
)

// Lists are made in two steps. Of every batch of records, the occurrences of a token
// are put together into a piece of its list; at the end the pieces are. Both steps
// count first and then fill, so that every byte is written once into its place, and
// work through one shard after another: a table of all tokens of a catalog would not
// fit into a processor's cache, those of a batch or of a shard do.

// shards divide the tokens by the first bits of their hash. Lists stand in the order
// of the hashes, so that shards follow one another.
const (
	shardBits = 9
	shards    = 1 << shardBits
)

func (h hash) shard() int { return int(h >> (64 - shardBits)) }

// occurrence is a token of a record, in twelve bytes, of which a batch has millions.
type occurrence struct {
	high, low uint32 // of the hash
	posting   uint32 // the record in its batch, and the mark
}

const markBits = 8

// newOccurrence notes a token of the record numbered doc in its batch, which is below
// 1<<24.
func newOccurrence(h hash, doc uint32, m mark) occurrence {
	return occurrence{uint32(h >> 32), uint32(h), doc<<markBits | uint32(m)}
}

func (o *occurrence) hash() hash  { return hash(o.high)<<32 | hash(o.low) }
func (o *occurrence) doc() uint32 { return o.posting >> markBits }
func (o *occurrence) mark() mark  { return mark(o.posting & (1<<markBits - 1)) }

// parts are what the shards are joined in: the pieces of a part are given back together.
const (
	parts = 8
	part  = shards / parts
)

// lister makes the lists.
type lister struct {
	workers int
	tables  []tokenTable // one for each worker
	pieces  [shards]struct {
		batches []pieces
		// bound is what their lists can be at most.
		bound extent
	}
	// memory is where the pieces of each part lie.
	memory [parts]struct {
		sync.Mutex
		arena
	}
}

// pieces are those of a shard in a batch of records, which is numbered from first.
type pieces struct {
	first uint32
	data  []byte
}

func newLister(workers int) *lister {
	return &lister{workers: workers, tables: make([]tokenTable, workers)}
}

// each calls do for the shards from from to to, on all workers.
func (l *lister) each(from, to int, do func(t *tokenTable, shard int)) {
	share(l.workers, to-from, func(w, i int) { do(&l.tables[w], from+i) })
}

// share calls do for the numbers below n on that many workers, of which each takes the
// next number when it has done with one.
func share(workers, n int, do func(worker, i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(w, i)
			}
		})
	}
	group.Wait()
}

// close gives back what is left of a build that was broken off.
func (l *lister) close() {
	for i := range l.memory {
		l.memory[i].free()
	}
}

// add takes in a batch of records, numbered from first: the occurrences of the tokens of
// a shard, in the order of the records, are those of found in turn.
func (l *lister) add(first uint32, found func(shard int) [][]occurrence) {
	l.each(0, shards, func(t *tokenTable, shard int) {
		t.reset()
		batch := found(shard)
		for _, some := range batch {
			for i := range some {
				o := &some[i]
				t.count(o.hash(), o.doc(), o.doc(), 1, 0)
			}
		}
		if len(t.slots) == 0 {
			return
		}
		size := t.size(pieceHead)
		b := l.take(shard, int(size))
		at := uint32(0)
		for i := range t.slots {
			at = t.slots[i].writePiece(b, at)
		}
		for _, some := range batch {
			for i := range some {
				o := &some[i]
				t.fill(b, o.doc(), o.doc(), o.mark(), nil)
			}
		}
		p := &l.pieces[shard]
		p.batches = append(p.batches, pieces{first, b})
		// The head of a list is at most a byte longer than that of a piece, the distance
		// to what stands in another batch at most four; of blocks there is at most one
		// for every half.
		p.bound = p.bound.plus(extent{len(t.slots), len(t.counted)/(blockLen/2) + 1, size + 5*uint64(len(t.slots))})
	})
}

func (l *lister) take(shard, n int) []byte {
	m := &l.memory[shard/part]
	m.Lock()
	defer m.Unlock()
	return m.take(n)
}

// finish joins the pieces and forgets them. The lists lie in room.
func (l *lister) finish(room *arena) (postings, error) {
	var bound extent
	for i := range l.pieces {
		bound = bound.plus(l.pieces[i].bound)
	}
	// How much there is of them is known when they are there. What lies behind them is never
	// touched, and so takes no memory.
	out := postings{
		hashes: take[hash](room, bound.tokens), starts: take[uint32](room, bound.tokens+1),
		data: take[byte](room, int(min(bound.bytes, math.MaxUint32))), skips: take[skip](room, bound.skips),
	}
	// Where the lists of a shard begin is told by whoever counted those of the shard
	// before. Shards are taken in turn, so that one is always under way.
	var begin [shards + 1]chan extent
	for i := range begin {
		begin[i] = make(chan extent, 1)
	}
	begin[0] <- extent{}
	// Pieces and lists are the largest things there are beside the records, so what was
	// joined is given back at once.
	for i := range parts {
		l.each(i*part, (i+1)*part, func(t *tokenTable, shard int) {
			l.gather(t, shard)
			from := <-begin[shard]
			to := from.plus(extent{len(t.slots), t.skips(), t.size(listHead)})
			if begin[shard+1] <- to; to.bytes <= math.MaxUint32 {
				l.join(t, shard, &out, from)
			}
		})
		l.memory[i].free()
	}
	total := <-begin[shards]
	if total.bytes > math.MaxUint32 {
		return postings{}, fmt.Errorf("the index would be larger than 4 GiB: %w", catalog.ErrInvalid)
	}
	out.starts[total.tokens] = uint32(total.bytes)
	return postings{out.hashes[:total.tokens], out.starts[:total.tokens+1], out.data[:total.bytes], out.skips[:total.skips]}, nil
}

// extent is how much there is of lists or pieces, or where some begin.
type extent struct {
	tokens, skips int
	bytes         uint64
}

func (e extent) plus(f extent) extent {
	return extent{e.tokens + f.tokens, e.skips + f.skips, e.bytes + f.bytes}
}

// gather counts what the pieces of a shard hold.
func (l *lister) gather(t *tokenTable, shard int) {
	t.reset()
	for _, b := range l.pieces[shard].batches {
		for len(b.data) > 0 {
			var p piece
			p.read(&b, shard)
			t.count(p.hash, p.first, p.last, p.count, uint32(len(p.rest)))
		}
	}
}

// join writes the lists of a shard, which begin at from.
func (l *lister) join(t *tokenTable, shard int, out *postings, from extent) {
	order := t.sorted()
	at := uint32(from.bytes)
	for k, o := range order {
		out.hashes[from.tokens+k], out.starts[from.tokens+k] = t.slots[o].hash, at
		at = t.slots[o].writeList(out.data, at)
	}
	for _, b := range l.pieces[shard].batches {
		for len(b.data) > 0 {
			var p piece
			p.read(&b, shard)
			t.fill(out.data, p.first, p.last, p.mark, p.rest)
		}
	}
	l.pieces[shard].batches = nil
	skips := from.skips
	for k, o := range order {
		if s := &t.slots[o]; s.count > blockLen {
			skips += addSkips(out.data[out.starts[from.tokens+k]:s.at], out.skips[skips:], skips)
		}
	}
}

// addSkips reads a long list, notes where its blocks end, and in the list the place
// where that is noted. It returns how many blocks there are.
func addSkips(data []byte, skips []skip, place int) int {
	n, size := binary.Uvarint(data)
	binary.LittleEndian.PutUint32(data[size:], uint32(place))
	data = data[size+4:]
	doc, at, blocks := uint32(0), 0, 0
	for k := range n {
		d, size := binary.Uvarint(data[at:])
		doc += uint32(d)
		at += size + 1
		if (k+1)%blockLen == 0 || k+1 == n {
			skips[blocks] = skip{doc, uint32(at)}
			blocks++
		}
	}
	return blocks
}

// piece is a part of a list: the postings of a token in a batch of records.
//
// Most are of one posting, so that every byte of a head counts. It is kept as eight
// bytes, the hash with the number of postings in the place of the shard; the number of
// postings as a varint where it does not fit there; where there are several, the number
// of their bytes and the last record; then the postings, of which the first has its
// record's number for a distance. Records are numbered from the first of the batch.
type piece struct {
	hash        hash
	count       uint32
	first, last uint32
	mark        mark   // of the first
	rest        []byte // the postings behind the first
}

const (
	headLen = 8
	// many stands for a number of postings that does not fit into the head.
	many = shards - 1
)

// read takes the next piece of a shard from b.
func (p *piece) read(b *pieces, shard int) {
	head := binary.LittleEndian.Uint64(b.data)
	at := headLen
	number := func() uint32 {
		n, size := binary.Uvarint(b.data[at:])
		at += size
		return uint32(n)
	}
	p.hash, p.count = hash(shard)<<(64-shardBits)|hash(head>>shardBits), uint32(head&many)
	if p.count == many {
		p.count = number()
	}
	end := 0
	if p.count > 1 {
		size := number()
		p.last = b.first + number()
		end = at + int(size)
	}
	p.first = b.first + number()
	p.mark = mark(b.data[at])
	if at++; p.count == 1 {
		p.last, end = p.first, at
	}
	p.rest, b.data = b.data[at:end], b.data[end:]
}

// tokenTable holds the tokens whose lists, or pieces of them, are being made.
type tokenTable struct {
	slots []slot
	// index finds a slot by hash: its place and one, or 0.
	index []uint32
	// counted are the places of the slots of what was counted, in turn, so that filling
	// need not look for them again.
	counted []uint32
	filled  int      // how many of them
	order   []uint32 // the places of the slots, sorted
}

// slot is a list being made.
type slot struct {
	hash  hash
	at    uint32 // how many bytes its postings have while they are counted, then where the next goes
	last  uint32 // the record before
	count uint32 // of postings
}

func (t *tokenTable) reset() {
	clear(t.index)
	t.slots, t.counted, t.filled = t.slots[:0], t.counted[:0], 0
}

// home returns where a token belongs in the index: by the leading bits of its hash
// behind the shard's, so that the index is nearly in the order of the hashes.
func (t *tokenTable) home(h hash) hash {
	return h << shardBits >> (64 - bits.Len(uint(len(t.index)-1)))
}

// find returns the place of a token's slot.
func (t *tokenTable) find(h hash) uint32 {
	if len(t.slots)*3 >= len(t.index)*2 {
		t.grow()
	}
	mask := hash(len(t.index) - 1)
	for i := t.home(h); ; i = (i + 1) & mask {
		at := t.index[i]
		if at == 0 {
			t.slots = append(t.slots, slot{hash: h})
			t.index[i] = uint32(len(t.slots))
			return t.index[i] - 1
		}
		if t.slots[at-1].hash == h {
			return at - 1
		}
	}
}

func (t *tokenTable) grow() {
	t.index = make([]uint32, max(256, 2*len(t.index)))
	mask := hash(len(t.index) - 1)
	for at := range t.slots {
		i := t.home(t.slots[at].hash)
		for t.index[i] != 0 {
			i = (i + 1) & mask
		}
		t.index[i] = uint32(at) + 1
	}
}

// count takes note of n postings of a token, of the records from first to last: rest is
// how many bytes those behind the first have. They come in the order of the records.
func (t *tokenTable) count(h hash, first, last, n, rest uint32) {
	at := t.find(h)
	t.counted = append(t.counted, at)
	s := &t.slots[at]
	s.at += uvarintLen(first-s.last) + 1 + rest
	s.last = last
	s.count += n
}

// fill writes postings to their place in data, of which the first has mark m. All that
// was counted is filled in, in the same order.
func (t *tokenTable) fill(data []byte, first, last uint32, m mark, rest []byte) {
	s := &t.slots[t.counted[t.filled]]
	t.filled++
	at, d := s.at, first-s.last
	for ; d >= 0x80; d >>= 7 {
		data[at] = byte(d) | 0x80
		at++
	}
	b := data[at : at+2]
	b[0], b[1] = byte(d), byte(m)
	s.at = at + 2
	if len(rest) > 0 {
		s.at += uint32(copy(data[s.at:], rest))
	}
	s.last = last
}

// size returns how many bytes all that was counted has, with a head for each list.
func (t *tokenTable) size(head func(*slot) uint32) uint64 {
	n := uint64(0)
	for i := range t.slots {
		n += uint64(head(&t.slots[i])) + uint64(t.slots[i].at)
	}
	return n
}

// skips returns how many skips the lists have.
func (t *tokenTable) skips() int {
	n := 0
	for i := range t.slots {
		if count := int(t.slots[i].count); count > blockLen {
			n += (count + blockLen - 1) / blockLen
		}
	}
	return n
}

// sorted returns the places of the slots in the order of their hashes, good until the
// next call.
func (t *tokenTable) sorted() []uint32 {
	t.order = t.order[:0]
	for _, at := range t.index {
		if at == 0 {
			continue
		}
		// Hardly any is not in its place yet.
		i := len(t.order)
		t.order = append(t.order, 0)
		for h := t.slots[at-1].hash; i > 0 && t.slots[t.order[i-1]].hash > h; i-- {
			t.order[i] = t.order[i-1]
		}
		t.order[i] = at - 1
	}
	return t.order
}

// pieceHead returns how many bytes stand before the postings of a piece.
func pieceHead(s *slot) uint32 {
	n := uint32(headLen)
	if s.count >= many {
		n += uvarintLen(s.count)
	}
	if s.count > 1 {
		n += uvarintLen(s.at) + uvarintLen(s.last)
	}
	return n
}

// writePiece writes the head of a piece that begins at at, makes the slot ready to be
// filled, and returns where the next begins.
func (s *slot) writePiece(b []byte, at uint32) uint32 {
	binary.LittleEndian.PutUint64(b[at:], uint64(s.hash)<<shardBits|uint64(min(s.count, many)))
	at += headLen
	if s.count >= many {
		at += uint32(binary.PutUvarint(b[at:], uint64(s.count)))
	}
	if s.count > 1 {
		at += uint32(binary.PutUvarint(b[at:], uint64(s.at)))
		at += uint32(binary.PutUvarint(b[at:], uint64(s.last)))
	}
	return s.begin(at)
}

// listHead returns how many bytes stand before the postings of a list.
func listHead(s *slot) uint32 {
	n := uvarintLen(s.count)
	if s.count > blockLen {
		n += 4
	}
	return n
}

// writeList does the same for a list. The place of its skips is not known yet.
func (s *slot) writeList(b []byte, at uint32) uint32 {
	binary.PutUvarint(b[at:], uint64(s.count))
	return s.begin(at + listHead(s))
}

// begin turns from counting to filling: the first posting goes to at. It returns where
// the last will end.
func (s *slot) begin(at uint32) uint32 {
	end := at + s.at
	s.at, s.last = at, 0
	return end
}

func uvarintLen(n uint32) uint32 {
	size := uint32(1)
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
