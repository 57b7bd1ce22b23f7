package snapshot

import (
	"encoding/binary"
	"slices"
	"sort"
)

// A posting is a record that holds a token, and what the token counts for there: a
// number from 1 to maxImpact, and whether it stands in the title or begins it. Two
// fields of six bits and two flags: a byte.
type mark uint8

const (
	inATitle    mark = 1 << 7
	startsTitle mark = 1 << 6
	maxImpact        = 1<<6 - 1
)

func (m mark) impact() uint32 { return uint32(m & maxImpact) }

// blockLen is how many postings make a block. A list of more than one block has a
// skip for each, so that most of a long list need not be read to find a few records.
const blockLen = 128

// skip is the end of a block: the last record in it, and where in the list's data
// the next block begins.
type skip struct{ last, end uint32 }

// postings holds the list of every token: the number of records as a varint, the
// place of its skips as four bytes if it is longer than a block, then for every
// record the distance from the one before as a varint and its mark.
//
// The parts are views of a segment, or of memory laid out like one.
type postings struct {
	hashes []hash   // of the tokens, ascending
	starts []uint32 // where a list begins in data, and where the last ends
	data   []byte
	skips  []skip
}

// find opens the list of a token. It returns false when no record holds it.
func (p *postings) find(k key, l *list) bool {
	i, ok := slices.BinarySearch(p.hashes, k.hash())
	if !ok {
		return false
	}
	data := p.data[p.starts[i]:p.starts[i+1]]
	n, size := binary.Uvarint(data)
	l.count, l.data, l.skips = int(n), data[size:], nil
	l.block, l.i, l.n = 0, 0, 0
	if n > blockLen {
		at := binary.LittleEndian.Uint32(l.data)
		l.skips = p.skips[at : int(at)+(l.count+blockLen-1)/blockLen]
		l.data = l.data[4:]
	}
	return true
}

// list is read from front to back.
type list struct {
	count int // of records
	data  []byte
	skips []skip
	block int // the next to be decoded
	i, n  int // of the decoded ones
	docs  [blockLen]uint32
	marks [blockLen]mark
}

// end stands behind every record.
const end = ^uint32(0)

// load decodes a block; behind the last it leaves the list at its end.
func (l *list) load(block int) {
	l.i, l.n, l.block = 0, min(blockLen, l.count-block*blockLen), block+1
	if l.n <= 0 {
		l.n = 1
		l.docs[0] = end
		return
	}
	data, doc := l.data, uint32(0)
	if block > 0 {
		before := l.skips[block-1]
		data, doc = data[before.end:], before.last
	}
	at := 0
	for i := range l.n {
		d := uint32(data[at])
		at++
		if d >= 0x80 {
			d &= 0x7f
			for shift := 7; ; shift += 7 {
				c := data[at]
				at++
				d |= uint32(c&0x7f) << shift
				if c < 0x80 {
					break
				}
			}
		}
		doc += d
		l.docs[i] = doc
		l.marks[i] = mark(data[at])
		at++
	}
}

// seek moves to the first record that is not before doc and returns it, or end.
func (l *list) seek(doc uint32) uint32 {
	if l.n == 0 || l.docs[l.n-1] < doc {
		block := l.block
		if len(l.skips) > 0 && block < len(l.skips) && l.skips[block].last < doc {
			rest := l.skips[block:]
			block += sort.Search(len(rest), func(i int) bool { return rest[i].last >= doc })
		}
		if l.load(block); l.docs[l.n-1] < doc {
			l.load(len(l.skips) + 1) // it was the last
			return end
		}
	}
	i := l.i
	for l.docs[i] < doc {
		i++
	}
	l.i = i
	return l.docs[i]
}
