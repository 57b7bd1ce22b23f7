package opendata

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
)

const (
	parquetMagic = "PAR1"
	// A row group is written when its values take as much. It is what a writer holds:
	// each row adds a byte or more to every column, so rows are bounded too.
	parquetGroupBytes = 16 << 20
	parquetPageBytes  = 1 << 20
)

// Numbers of the format, named as in parquet.thrift.
const (
	typeBoolean, typeInt64, typeDouble, typeByteArray = 0, 2, 5, 6
	encodingPlain, encodingRLE, encodingRLEDictionary = 0, 3, 8
	codecSnappy                                       = 1
	pageData, pageDictionary                          = 0, 2
	convertedUTF8, convertedMap, convertedList        = 0, 1, 3
	convertedTimestampMicros                          = 10
)

// parquetType is how the values of a kind are stored.
func parquetType(k parquetKind) int64 {
	switch k {
	case parquetInt, parquetTime:
		return typeInt64
	case parquetNumber:
		return typeDouble
	case parquetBool:
		return typeBoolean
	default:
		return typeByteArray
	}
}

// parquetFile writes columns row group by row group. Its first error stays.
type parquetFile struct {
	w       *bufio.Writer
	at      int64
	err     error
	columns []*parquetColumn
	// rows are those of the whole file, open those not yet in a row group.
	rows, open    int64
	groups, notes thrift // what is known of the footer
	groupN, noteN int
	body, packed  []byte

	groupBytes, pageBytes int
}

func newParquetFile(w io.Writer) *parquetFile {
	f := &parquetFile{w: bufio.NewWriterSize(w, 64<<10), groupBytes: parquetGroupBytes, pageBytes: parquetPageBytes}
	f.write([]byte(parquetMagic))
	return f
}

func (f *parquetFile) write(b []byte) {
	if f.err == nil {
		_, f.err = f.w.Write(b)
	}
	f.at += int64(len(b))
}

func (f *parquetFile) column(n *parquetNode, path []string) *parquetColumn {
	c := &parquetColumn{path: path, kind: n.kind, maxDef: n.def, maxRep: n.rep}
	f.columns = append(f.columns, c)
	return c
}

// note adds to the metadata what is not empty.
func (f *parquetFile) note(key, value string) {
	if value == "" {
		return
	}
	f.noteN++
	f.notes.open()
	f.notes.text(1, "luoshu."+key)
	f.notes.text(2, value)
	f.notes.close()
}

// endRow says that every column has all of a row.
func (f *parquetFile) endRow() error {
	f.rows++
	f.open++
	held := 0
	for _, c := range f.columns {
		held += c.held()
	}
	if held >= f.groupBytes {
		f.flush()
	}
	return f.err
}

// flush writes a row group.
func (f *parquetFile) flush() {
	if f.open == 0 {
		return
	}
	start, plain := f.at, int64(0)
	g := &f.groups
	g.open()
	g.list(1, thriftStruct, len(f.columns))
	for _, c := range f.columns {
		plain += c.write(f, g)
		c.reset()
	}
	g.number(2, plain)
	g.number(3, f.open)
	g.number(5, start)
	g.number(6, f.at-start)
	g.close()
	f.groupN++
	f.open = 0
}

// page writes a page of body and returns its size before compression, header included.
func (f *parquetFile) page(kind int64, values int, encoding int64, body []byte) int64 {
	f.packed = snappy.Encode(f.packed[:cap(f.packed)], body)
	var h thrift
	h.open()
	h.int32(1, kind)
	h.int32(2, int64(len(body)))
	h.int32(3, int64(len(f.packed)))
	h.int32(4, int64(int32(crc32.ChecksumIEEE(f.packed))))
	if kind == pageDictionary {
		h.begin(7)
		h.int32(1, int64(values))
		h.int32(2, encoding)
	} else {
		h.begin(5)
		h.int32(1, int64(values))
		h.int32(2, encoding)
		h.int32(3, encodingRLE)
		h.int32(4, encodingRLE)
	}
	h.close()
	h.close()
	f.write(h.b)
	f.write(f.packed)
	return int64(len(h.b) + len(body))
}

// close writes what is left and the footer.
func (f *parquetFile) close(schema *parquetNode) error {
	f.flush()
	var t thrift
	t.open()
	t.int32(1, 1)
	nodes := 0
	var count func(n *parquetNode)
	count = func(n *parquetNode) {
		nodes++
		for _, c := range n.children {
			count(c)
		}
	}
	count(schema)
	t.list(2, thriftStruct, nodes)
	t.schema(schema, true)
	t.number(3, f.rows)
	t.list(4, thriftStruct, f.groupN)
	t.b = append(t.b, f.groups.b...)
	if f.noteN > 0 {
		t.list(5, thriftStruct, f.noteN)
		t.b = append(t.b, f.notes.b...)
	}
	// The version of the program is not in it: the same release gives the same file.
	t.text(6, fmt.Sprintf("luoshu version %d", exportsVersion))
	// Without an order readers must not trust the bounds of a column.
	t.list(7, thriftStruct, len(f.columns))
	for range f.columns {
		t.open()
		t.empty(1)
		t.close()
	}
	t.close()
	f.write(t.b)
	f.write(binary.LittleEndian.AppendUint32(nil, uint32(len(t.b))))
	f.write([]byte(parquetMagic))
	if f.err == nil {
		f.err = f.w.Flush()
	}
	return f.err
}

// schema appends n and what is below it, depth first.
func (t *thrift) schema(n *parquetNode, top bool) {
	t.open()
	if n.column != nil {
		t.int32(1, parquetType(n.kind))
	}
	if !top {
		t.int32(3, int64(n.repeats))
	}
	t.text(4, n.name)
	if n.column == nil {
		t.int32(5, int64(len(n.children)))
	}
	// Each annotation twice: as older readers know it, and as newer do.
	annotate := func(converted int64, logical int) {
		t.int32(6, converted)
		t.begin(10)
		t.empty(logical)
		t.close()
	}
	switch n.kind {
	case parquetText:
		annotate(convertedUTF8, 1)
	case parquetMap:
		annotate(convertedMap, 2)
	case parquetList:
		annotate(convertedList, 3)
	case parquetTime:
		t.int32(6, convertedTimestampMicros)
		t.begin(10)
		t.begin(8)
		t.flag(1, true) // in UTC
		t.begin(2)
		t.empty(2) // microseconds
		t.close()
		t.close()
		t.close()
	case parquetGroup, parquetInt, parquetNumber, parquetBool:
	}
	t.close()
	for _, c := range n.children {
		t.schema(c, false)
	}
}
