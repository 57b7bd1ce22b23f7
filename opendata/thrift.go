package opendata

import "encoding/binary"

// thrift writes the compact protocol of Apache Thrift, as much of it as a Parquet file
// needs. Fields are numbered as in parquet.thrift and come in that order.
type thrift struct {
	b    []byte
	last []int // the field written last, of every struct that is open
}

// Types of fields and of elements.
const (
	thriftTrue, thriftFalse = 1, 2
	thriftInt32             = 5
	thriftInt64             = 6
	thriftText              = 8
	thriftList              = 9
	thriftStruct            = 12
)

func (t *thrift) field(id, kind int) {
	last := &t.last[len(t.last)-1]
	// No two fields of ours stand more than 15 apart.
	t.b = append(t.b, byte((id-*last)<<4|kind))
	*last = id
}

// open begins a struct that is an element of a list, or the whole.
func (t *thrift) open() { t.last = append(t.last, 0) }

// close ends a struct.
func (t *thrift) close() {
	t.b = append(t.b, 0)
	t.last = t.last[:len(t.last)-1]
}

// begin begins a struct that is a field.
func (t *thrift) begin(id int) {
	t.field(id, thriftStruct)
	t.open()
}

// empty is a struct that says all by being there.
func (t *thrift) empty(id int) {
	t.begin(id)
	t.close()
}

func (t *thrift) flag(id int, v bool) {
	if v {
		t.field(id, thriftTrue)
	} else {
		t.field(id, thriftFalse)
	}
}

func (t *thrift) int32(id int, v int64) {
	t.field(id, thriftInt32)
	t.element(v)
}

// number is a field of 64 bits.
func (t *thrift) number(id int, v int64) {
	t.field(id, thriftInt64)
	t.element(v)
}

func (t *thrift) text(id int, s string) {
	t.field(id, thriftText)
	t.chars(s)
}

// list begins a list of n elements, which follow.
func (t *thrift) list(id, kind, n int) {
	t.field(id, thriftList)
	if n < 15 {
		t.b = append(t.b, byte(n<<4|kind))
		return
	}
	t.b = binary.AppendUvarint(append(t.b, byte(0xf0|kind)), uint64(n))
}

// element is a whole number in a list.
func (t *thrift) element(v int64) { t.b = binary.AppendVarint(t.b, v) }

// chars is a text in a list.
func (t *thrift) chars(s string) {
	t.b = binary.AppendUvarint(t.b, uint64(len(s)))
	t.b = append(t.b, s...)
}
