package opendata

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// A Parquet file has the records as they are nested in JSON: lists are lists, objects
// are groups. ADR 10 says why its writer is our own.

// parquetNode is an element of the schema of a file.
type parquetNode struct {
	name     string
	kind     parquetKind
	repeats  parquetRepetition
	children []*parquetNode
	// def and rep are the levels of a value that is there.
	def, rep byte
	column   *parquetColumn // of a leaf

	// While an object is read: which member is which child, and which were there.
	members map[string]int
	seen    []bool
}

// parquetKind is what a node holds. The first three have children.
type parquetKind int

const (
	parquetGroup parquetKind = iota
	parquetList
	parquetMap
	parquetText
	parquetInt
	parquetNumber
	parquetBool
	parquetTime
)

// parquetRepetition has the values of the format.
type parquetRepetition int

const (
	parquetRequired parquetRepetition = iota
	parquetOptional
	parquetRepeated
)

// parquetKindOf has the types of catalog.Field whose values are no texts. A date is
// one: it may be a month or a year, and a column has one type.
var parquetKindOf = map[string]parquetKind{
	"int": parquetInt, "number": parquetNumber, "bool": parquetBool, "time": parquetTime,
	"money": parquetGroup, "coded": parquetGroup, "raw": parquetMap,
}

// parquetSchema returns the schema of d's records.
func parquetSchema(d catalog.Dataset) *parquetNode {
	top := &parquetNode{name: string(d)}
	for _, f := range catalog.Fields(d) {
		at := top
		for part := range strings.SplitSeq(f.Path, ".") {
			name, many := strings.CutSuffix(part, "[]")
			if at = at.child(name, parquetOptional); many {
				at.kind = parquetList
				at = at.child("list", parquetRepeated).child("element", parquetOptional)
			}
		}
		kind, ok := parquetKindOf[f.Type]
		if !ok {
			kind = parquetText
		}
		at.kind = kind
		switch f.Type {
		case "money":
			for _, part := range amountParts {
				at.child(part.name, parquetOptional).kind = map[string]parquetKind{
					"text": parquetText, "number": parquetNumber, "bool": parquetBool,
				}[part.kind]
			}
		case "coded":
			at.child("scheme", parquetOptional).kind = parquetText
			at.child("code", parquetOptional).kind = parquetText
		case "raw":
			pair := at.child("key_value", parquetRepeated)
			pair.child("key", parquetRequired).kind = parquetText
			pair.child("value", parquetOptional).kind = parquetText
		}
	}
	return top
}

func (n *parquetNode) child(name string, r parquetRepetition) *parquetNode {
	if i, ok := n.members[name]; ok {
		return n.children[i]
	}
	if n.members == nil {
		n.members = map[string]int{}
	}
	c := &parquetNode{name: name, repeats: r}
	n.members[name] = len(n.children)
	n.children = append(n.children, c)
	n.seen = append(n.seen, false)
	return c
}

// parquetTable writes records as a Parquet file.
type parquetTable struct {
	file *parquetFile
	top  *parquetNode
	dec  *jsontext.Decoder
	src  bytes.Buffer
	cell []byte
}

func beginParquet(w io.Writer, t exportTable) (rowWriter, error) {
	p := newParquetTable(w, t)
	return rowWriter{record: p.record, close: p.close}, p.file.err
}

func newParquetTable(w io.Writer, t exportTable) *parquetTable {
	m := t.manifest
	p := &parquetTable{file: newParquetFile(w), top: parquetSchema(t.dataset.Name), dec: jsontext.NewDecoder(&bytes.Buffer{})}
	p.place(p.top, nil, 0, 0)
	p.file.note("catalog", m.Catalog)
	p.file.note("dataset", string(t.dataset.Name))
	p.file.note("release", integer(m.Sequence))
	p.file.note("published_at", m.PublishedAt.UTC().Format(time.RFC3339))
	p.file.note("manifest_sha256", string(t.hash))
	p.file.note("publisher", m.Publisher.ZH)
	p.file.note("source", m.PublicURL)
	p.file.note("license", m.License.SPDX)
	p.file.note("license_url", m.License.URL)
	if m.Sample {
		p.file.note("sample", "true")
	}
	return p
}

func (p *parquetTable) close() error { return p.file.close(p.top) }

// place gives the nodes their levels and the leaves their columns.
func (p *parquetTable) place(n *parquetNode, path []string, def, rep byte) {
	if n.repeats != parquetRequired {
		def++
	}
	if n.repeats == parquetRepeated {
		rep++
	}
	n.def, n.rep = def, rep
	if len(n.children) == 0 {
		n.column = p.file.column(n, path)
	}
	for _, c := range n.children {
		p.place(c, append(path[:len(path):len(path)], c.name), def, rep)
	}
}

// record adds a record. The error of one that the schema does not fit wraps
// catalog.ErrDamaged.
func (p *parquetTable) record(raw []byte, _ [][]scalar) error {
	p.src = *bytes.NewBuffer(raw)
	p.dec.Reset(&p.src)
	if err := p.object(p.top, 0); err != nil {
		return fmt.Errorf("%w: %w", catalog.ErrDamaged, err)
	}
	return p.file.endRow()
}

// value reads the value of n. rep says of which list, counted from without, it begins
// another item, and is 0 when it begins a record.
func (p *parquetTable) value(n *parquetNode, rep byte) error {
	switch kind := p.dec.PeekKind(); {
	case kind == 'n':
		absent(n, rep, n.def-1)
		return p.dec.SkipValue()
	case kind == '{' && n.kind == parquetGroup:
		return p.object(n, rep)
	case kind == '[' && n.kind == parquetList:
		return p.items(n, rep)
	case kind == '{' && n.kind == parquetMap:
		return p.pairs(n, rep)
	}
	token, err := p.dec.ReadToken()
	if err != nil {
		return err
	}
	if p.cell, err = parquetCell(p.cell[:0], n.kind, token); err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	n.column.put(rep, n.def, p.cell)
	return nil
}

func (p *parquetTable) object(n *parquetNode, rep byte) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	clear(n.seen)
	for p.dec.PeekKind() != '}' {
		name, err := p.dec.ReadToken()
		if err != nil {
			return err
		}
		i, ok := n.members[name.String()]
		if !ok {
			// A newer publisher may have more members than this reader.
			err = p.dec.SkipValue()
		} else {
			n.seen[i] = true
			err = p.value(n.children[i], rep)
		}
		if err != nil {
			return err
		}
	}
	for i, c := range n.children {
		if !n.seen[i] {
			absent(c, rep, n.def)
		}
	}
	_, err := p.dec.ReadToken()
	return err
}

func (p *parquetTable) items(n *parquetNode, rep byte) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	item := n.children[0].children[0]
	if p.dec.PeekKind() == ']' {
		absent(item, rep, n.def)
	}
	for ; p.dec.PeekKind() != ']'; rep = item.rep {
		if err := p.value(item, rep); err != nil {
			return err
		}
	}
	_, err := p.dec.ReadToken()
	return err
}

func (p *parquetTable) pairs(n *parquetNode, rep byte) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	pair := n.children[0]
	if p.dec.PeekKind() == '}' {
		absent(pair, rep, n.def)
	}
	for ; p.dec.PeekKind() != '}'; rep = pair.rep {
		for _, c := range pair.children {
			if err := p.value(c, rep); err != nil {
				return err
			}
		}
	}
	_, err := p.dec.ReadToken()
	return err
}

// absent says in every column below n that there is no value: def is the level of
// the innermost node around that is there.
func absent(n *parquetNode, rep, def byte) {
	if n.column != nil {
		n.column.none(rep, def)
	}
	for _, c := range n.children {
		absent(c, rep, def)
	}
}

// parquetCell appends a value in the PLAIN encoding; a truth value takes a byte until
// its page is written.
func parquetCell(b []byte, kind parquetKind, token jsontext.Token) ([]byte, error) {
	text := token.String()
	switch k := token.Kind(); {
	case kind == parquetText && k == '"':
		b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
		return append(b, text...), nil
	case kind == parquetInt && k == '0':
		i, err := strconv.ParseInt(text, 10, 64)
		return binary.LittleEndian.AppendUint64(b, uint64(i)), err
	case kind == parquetNumber && k == '0':
		f, err := strconv.ParseFloat(text, 64)
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(f)), err
	case kind == parquetTime && k == '"':
		t, err := time.Parse(time.RFC3339, text)
		return binary.LittleEndian.AppendUint64(b, uint64(t.UnixMicro())), err
	case kind == parquetBool && k == 't':
		return append(b, 1), nil
	case kind == parquetBool && k == 'f':
		return append(b, 0), nil
	}
	return nil, fmt.Errorf("a value of kind %s", token.Kind())
}
