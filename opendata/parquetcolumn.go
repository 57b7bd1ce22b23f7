package opendata

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
)

const (
	// A column has a dictionary as long as its words take no more than this together,
	// and come back twice on average once there are some.
	parquetWordBytes = 256 << 10
	parquetFewWords  = 1 << 10
	// parquetBoundBytes is how long a text may be that is told as a column's least or
	// greatest.
	parquetBoundBytes = 64
)

// parquetColumn collects the values of a column until its row group is written.
type parquetColumn struct {
	path           []string
	kind           parquetKind
	maxDef, maxRep byte

	def, rep []byte // levels, one of each for every value and every missing one
	plain    []byte // the values in the PLAIN encoding
	nulls    int64

	dictionary map[string]uint32 // from a value to its index in words; nil without
	words      []byte
	indexes    []uint32
	wordless   bool // the dictionary was given up
	// The least and the greatest value. long values have no bounds told.
	low, high []byte
	long      bool
}

// put adds a value in the PLAIN encoding.
func (c *parquetColumn) put(rep, def byte, value []byte) {
	c.rep, c.def = append(c.rep, rep), append(c.def, def)
	c.plain = append(c.plain, value...)
	c.bound(value)
	if c.wordless || c.kind == parquetBool {
		return
	}
	i, ok := c.dictionary[string(value)]
	if !ok {
		if c.dictionary == nil {
			c.dictionary = map[string]uint32{}
		}
		i = uint32(len(c.dictionary))
		c.dictionary[string(value)] = i
		c.words = append(c.words, value...)
	}
	c.indexes = append(c.indexes, i)
	if len(c.words) > parquetWordBytes || len(c.dictionary) > parquetFewWords && !c.worthwhile() {
		c.wordless, c.dictionary, c.words, c.indexes = true, nil, c.words[:0], c.indexes[:0]
	}
}

// none adds that there is no value.
func (c *parquetColumn) none(rep, def byte) {
	c.rep, c.def = append(c.rep, rep), append(c.def, def)
	c.nulls++
}

// worthwhile reports whether words come back often enough.
func (c *parquetColumn) worthwhile() bool { return len(c.indexes) >= 2*len(c.dictionary) }

func (c *parquetColumn) held() int {
	return len(c.def) + len(c.rep) + len(c.plain) + len(c.words) + 4*len(c.indexes)
}

func (c *parquetColumn) reset() {
	c.def, c.rep, c.plain, c.nulls = c.def[:0], c.rep[:0], c.plain[:0], 0
	c.dictionary, c.words, c.indexes, c.wordless = nil, c.words[:0], c.indexes[:0], false
	c.low, c.high, c.long = nil, nil, false
}

// bound widens the bounds to hold value.
func (c *parquetColumn) bound(value []byte) {
	if c.long = c.long || len(value) > 4+parquetBoundBytes; c.long {
		return
	}
	if c.low == nil || c.compare(value, c.low) < 0 {
		c.low = append([]byte{}, value...)
	}
	if c.high == nil || c.compare(value, c.high) > 0 {
		c.high = append([]byte{}, value...)
	}
}

// compare orders two values in the PLAIN encoding as the format does.
func (c *parquetColumn) compare(a, b []byte) int {
	switch c.kind {
	case parquetInt, parquetTime:
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
	case parquetNumber:
		return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case parquetText:
		return bytes.Compare(a[4:], b[4:])
	default:
		return bytes.Compare(a, b)
	}
}

// width is the number of bytes that the value at the beginning of plain takes.
func (c *parquetColumn) width(plain []byte) int {
	switch c.kind {
	case parquetText:
		return 4 + int(binary.LittleEndian.Uint32(plain))
	case parquetBool:
		return 1
	default:
		return 8
	}
}

// write writes the column's part of a row group to f and what the footer says of it
// to t. It returns the size before compression.
func (c *parquetColumn) write(f *parquetFile, t *thrift) int64 {
	start, encoding, size := f.at, int64(encodingPlain), int64(0)
	byWord := c.dictionary != nil && c.worthwhile()
	if byWord {
		encoding = encodingRLEDictionary
		size = f.page(pageDictionary, len(c.dictionary), encodingPlain, c.words)
	}
	first := f.at
	// A page is a run of rows: levels [from, to), values [valueFrom, valueTo), which
	// are plain[plainFrom:plainTo].
	from, valueFrom, plainFrom := 0, 0, 0
	valueTo, plainTo := 0, 0
	for to := 0; to <= len(c.def); to++ {
		if to == len(c.def) || to > from && c.rep[to] == 0 && (plainTo-plainFrom)+2*(to-from) >= f.pageBytes {
			body := c.levels(f.body[:0], from, to)
			if byWord {
				width := max(1, bits.Len(uint(len(c.dictionary)-1)))
				body = append(body, byte(width))
				body = appendHybrid(body, c.indexes[valueFrom:valueTo], width)
			} else {
				body = c.appendPlain(body, c.plain[plainFrom:plainTo])
			}
			size += f.page(pageData, to-from, encoding, body)
			f.body = body
			from, valueFrom, plainFrom = to, valueTo, plainTo
		}
		if to < len(c.def) && c.def[to] == c.maxDef {
			valueTo++
			plainTo += c.width(c.plain[plainTo:])
		}
	}

	t.open()
	t.number(2, 0)
	t.begin(3)
	t.int32(1, parquetType(c.kind))
	t.list(2, thriftInt32, 2)
	t.element(encodingRLE)
	t.element(encoding)
	t.list(3, thriftText, len(c.path))
	for _, name := range c.path {
		t.chars(name)
	}
	t.int32(4, codecSnappy)
	t.number(5, int64(len(c.def)))
	t.number(6, size)
	t.number(7, f.at-start)
	t.number(9, first)
	if byWord {
		t.number(11, start)
	}
	t.begin(12)
	t.number(3, c.nulls)
	if !c.long && c.low != nil {
		t.text(5, string(c.told(c.high)))
		t.text(6, string(c.told(c.low)))
	}
	t.close()
	t.close()
	t.close()
	return size
}

// told returns a value as bounds have it: a text without its length.
func (c *parquetColumn) told(value []byte) []byte {
	if c.kind == parquetText {
		return value[4:]
	}
	return value
}

// levels appends the levels [from, to), those of lists first.
func (c *parquetColumn) levels(b []byte, from, to int) []byte {
	for _, l := range []struct {
		levels []byte
		most   byte
	}{{c.rep[from:to], c.maxRep}, {c.def[from:to], c.maxDef}} {
		if l.most == 0 {
			continue
		}
		at := len(b)
		b = append(b, 0, 0, 0, 0)
		b = appendHybrid(b, l.levels, bits.Len8(l.most))
		binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	}
	return b
}

func (c *parquetColumn) appendPlain(b, plain []byte) []byte {
	if c.kind != parquetBool {
		return append(b, plain...)
	}
	return appendPacked(b, plain, 1)
}

// appendHybrid appends values of width bits in the hybrid of runs and packed groups of
// eight.
func appendHybrid[T byte | uint32](b []byte, values []T, width int) []byte {
	const group = 8
	for len(values) > 0 {
		if n := leadingRun(values); n >= group || n == len(values) {
			b = binary.AppendUvarint(b, uint64(n)<<1)
			for shift := 0; shift < width; shift += 8 {
				b = append(b, byte(uint32(values[0])>>shift))
			}
			values = values[n:]
			continue
		}
		n := 0
		for n < len(values) && leadingRun(values[n:]) < group {
			n = min(n+group, len(values))
		}
		groups := (n + group - 1) / group
		b = binary.AppendUvarint(b, uint64(groups)<<1|1)
		end := len(b) + groups*width
		b = appendPacked(b, values[:n], width)
		b = append(b, make([]byte, end-len(b))...)
		values = values[n:]
	}
	return b
}

// leadingRun is how many values at the beginning are the same.
func leadingRun[T byte | uint32](values []T) int {
	n := 1
	for n < len(values) && values[n] == values[0] {
		n++
	}
	return n
}

// appendPacked appends values of width bits, the lowest bits first, without gaps.
func appendPacked[T byte | uint32](b []byte, values []T, width int) []byte {
	var held uint64
	have := 0
	for _, v := range values {
		held |= uint64(v) << have
		for have += width; have >= 8; have -= 8 {
			b = append(b, byte(held))
			held >>= 8
		}
	}
	if have > 0 {
		b = append(b, byte(held))
	}
	return b
}
