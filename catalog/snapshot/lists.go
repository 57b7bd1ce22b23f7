package snapshot

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
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

// occurrence is a token of a record.
type occurrence struct {
	hash hash
	doc  uint32
	mark mark
}

// parts are what the shards are joined in: the pieces of a part are given back together.
const (
	parts = 8
	part  = shards / parts
)

// lister makes the lists.
type lister struct {
	workers int
	tables  []tokenTable // one for each worker
	pieces  [shards][][]byte
	// memory is where the pieces of each worker and part lie.
	memory [][parts]arena
}

func newLister(workers int) *lister {
	return &lister{workers: workers, tables: make([]tokenTable, workers), memory: make([][parts]arena, workers)}
}

// each calls do for the shards from from to to, on all workers.
func (l *lister) each(from, to int, do func(worker int, t *tokenTable, shard int)) {
	share(l.workers, to-from, func(w, i int) { do(w, &l.tables[w], from+i) })
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
	for w := range l.memory {
		for i := range l.memory[w] {
			l.memory[w][i].free()
		}
	}
}

// add takes in a batch: the occurrences of the tokens of a shard, in the order of the
// records, are those of found in turn.
func (l *lister) add(found func(shard int) [][]occurrence) {
	l.each(0, shards, func(worker int, t *tokenTable, shard int) {
		t.reset()
		for _, batch := range found(shard) {
			for _, o := range batch {
				t.count(&piece{hash: o.hash, count: 1, first: o.doc, last: o.doc})
			}
		}
		if len(t.slots) == 0 {
			return
		}
		b := l.memory[worker][shard/part].take(int(t.size(pieceHead)))
		at := uint32(0)
		for i := range t.slots {
			at = t.slots[i].writePiece(b, at)
		}
		for _, batch := range found(shard) {
			for _, o := range batch {
				t.fill(b, &piece{first: o.doc, last: o.doc, mark: o.mark})
			}
		}
		l.pieces[shard] = append(l.pieces[shard], b)
	})
}

// finish joins the pieces and forgets them.
func (l *lister) finish() (postings, error) {
	var starts [shards + 1]extent
	l.each(0, shards, func(_ int, t *tokenTable, shard int) {
		l.gather(t, shard)
		starts[shard+1] = extent{len(t.slots), t.skips(), t.size(listHead)}
	})
	for i := range shards {
		e, next := &starts[i], &starts[i+1]
		next.tokens, next.skips, next.bytes = e.tokens+next.tokens, e.skips+next.skips, e.bytes+next.bytes
	}
	total := starts[shards]
	if total.bytes > math.MaxUint32 {
		return postings{}, fmt.Errorf("the index would be larger than 4 GiB: %w", catalog.ErrInvalid)
	}
	out := postings{
		hashes: make([]hash, total.tokens), starts: make([]uint32, total.tokens+1),
		data: make([]byte, total.bytes), skips: make([]skip, total.skips),
	}
	out.starts[total.tokens] = uint32(total.bytes)
	// Pieces and lists are the largest things there are beside the records, so what was
	// joined is given back at once.
	for i := range parts {
		l.each(i*part, (i+1)*part, func(_ int, t *tokenTable, shard int) {
			l.gather(t, shard)
			l.join(t, shard, &out, starts[shard])
		})
		for w := range l.memory {
			l.memory[w][i].free()
		}
	}
	return out, nil
}

// extent is how much there is of lists, or where some begin.
type extent struct {
	tokens, skips int
	bytes         uint64
}

// gather counts what the pieces of a shard hold.
func (l *lister) gather(t *tokenTable, shard int) {
	t.reset()
	for _, b := range l.pieces[shard] {
		for len(b) > 0 {
			var p piece
			b = p.read(b)
			t.count(&p)
		}
	}
}

// join writes the lists of a shard, which begin at from.
func (l *lister) join(t *tokenTable, shard int, out *postings, from extent) {
	order := t.sorted()
	at := uint32(from.bytes)
	for k, o := range order {
		out.hashes[from.tokens+k], out.starts[from.tokens+k] = o.hash, at
		at = t.slots[o.slot].writeList(out.data, at)
	}
	for _, b := range l.pieces[shard] {
		for len(b) > 0 {
			var p piece
			b = p.read(b)
			t.fill(out.data, &p)
		}
	}
	l.pieces[shard] = nil
	skips := from.skips
	for k, o := range order {
		if s := &t.slots[o.slot]; s.count > blockLen {
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
// It is kept as the hash, the number of postings as a varint and, where there are
// several, the number of their bytes and the last record, then the postings, of which
// the first has its record's number for a distance.
type piece struct {
	hash        hash
	count       uint32
	first, last uint32
	mark        mark   // of the first
	rest        []byte // the postings behind the first
}

const hashLen = 8

// read takes the piece that b begins with, and returns what stands behind it.
func (p *piece) read(b []byte) []byte {
	p.hash = hash(binary.LittleEndian.Uint64(b))
	b = b[hashLen:]
	number := func() uint32 {
		n, size := binary.Uvarint(b)
		b = b[size:]
		return uint32(n)
	}
	if p.count = number(); p.count == 1 {
		p.first = number()
		p.last, p.mark = p.first, mark(b[0])
		return b[1:]
	}
	size := number()
	p.last = number()
	behind := b[size:]
	b = b[:size]
	p.first = number()
	p.mark, p.rest = mark(b[0]), b[1:]
	return behind
}

// tokenTable holds the tokens whose lists, or pieces of them, are being made.
type tokenTable struct {
	slots []slot
	// index finds a slot by hash: its place and one, or 0.
	index []uint32
	// counted are the places of the slots of what was counted, in turn, so that filling
	// need not look for them again.
	counted []uint32
	filled  int // how many of them
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

// find returns the place of a token's slot.
func (t *tokenTable) find(h hash) uint32 {
	if len(t.slots)*3 >= len(t.index)*2 {
		t.grow()
	}
	mask := hash(len(t.index) - 1)
	for i := h >> 24 & mask; ; i = (i + 1) & mask {
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
		i := t.slots[at].hash >> 24 & mask
		for t.index[i] != 0 {
			i = (i + 1) & mask
		}
		t.index[i] = uint32(at) + 1
	}
}

// count takes note of a piece. Those of a token come in the order of the records.
func (t *tokenTable) count(p *piece) {
	at := t.find(p.hash)
	t.counted = append(t.counted, at)
	s := &t.slots[at]
	s.at += uvarintLen(p.first-s.last) + 1 + uint32(len(p.rest))
	s.last = p.last
	s.count += p.count
}

// fill writes a piece to its place in data. All that was counted is filled in, in the
// same order.
func (t *tokenTable) fill(data []byte, p *piece) {
	s := &t.slots[t.counted[t.filled]]
	t.filled++
	at := s.at + uint32(binary.PutUvarint(data[s.at:], uint64(p.first-s.last)))
	data[at] = byte(p.mark)
	s.at = at + 1 + uint32(copy(data[at+1:], p.rest))
	s.last = p.last
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

// ordered is a slot in the order of the hashes.
type ordered struct {
	hash hash
	slot uint32
}

func (t *tokenTable) sorted() []ordered {
	order := make([]ordered, len(t.slots))
	for i := range t.slots {
		order[i] = ordered{t.slots[i].hash, uint32(i)}
	}
	slices.SortFunc(order, func(x, y ordered) int { return cmp.Compare(x.hash, y.hash) })
	return order
}

// pieceHead returns how many bytes stand before the postings of a piece.
func pieceHead(s *slot) uint32 {
	n := hashLen + uvarintLen(s.count)
	if s.count > 1 {
		n += uvarintLen(s.at) + uvarintLen(s.last)
	}
	return n
}

// writePiece writes the head of a piece that begins at at, makes the slot ready to be
// filled, and returns where the next begins.
func (s *slot) writePiece(b []byte, at uint32) uint32 {
	binary.LittleEndian.PutUint64(b[at:], uint64(s.hash))
	at += hashLen
	at += uint32(binary.PutUvarint(b[at:], uint64(s.count)))
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
