package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"unicode"
	"unsafe"

	"github.com/edsrzf/mmap-go"
	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"
	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
)

// A segment is a release laid out for reading in one file: the records as they are,
// and every table of the index, each beginning at a multiple of 64 bytes so that it
// can be used where it lies. It is mapped, never read into memory, and never
// changed: another release has another segment.
//
//	tables…   one after another
//	directory JSON: what the tables are called, where they lie, their checksums
//	trailer   64 bytes: see trailer
//
// A segment is derived from a release. One that is damaged, cut short, of another
// release or of another program is no loss: it is made again.
const (
	segmentMagic = "LUOSHUSEGMENT\r\n\x00"
	// segmentFormat changes whenever a table or its meaning does.
	segmentFormat = 2
	align         = 64
	trailerLen    = 64
	// checked is how many bytes share a checksum, so that all processors check.
	checked = 4 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// directory describes a segment.
type directory struct {
	Format int          `json:"format"`
	Hash   catalog.Hash `json:"manifest"`
	// Program and Vocabulary are digests of what made the tables: the program, and
	// its schema and code lists.
	Program    catalog.Hash               `json:"program"`
	Vocabulary catalog.Hash               `json:"vocabulary"`
	Tables     map[string]table           `json:"tables"`
	Sums       []uint32                   `json:"sums"`
	Records    uint32                     `json:"records"`
	Spans      map[catalog.Dataset][2]int `json:"spans"`
	Columns    []columnEntry              `json:"columns"`
}

type table struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

type columnEntry struct {
	Path    string          `json:"path"`
	Type    string          `json:"type"`
	Dataset catalog.Dataset `json:"dataset,omitzero"`
	From    uint32          `json:"from"`
	To      uint32          `json:"to"`
	Kind    kind            `json:"kind"`
}

// The trailer: magic (16 bytes), then as little-endian numbers 1 (4 bytes, whose
// order tells that of the machine), the checksum of the directory (4), its offset (8)
// and length (8); the rest is zero.

// layout puts the tables of an index into a segment, or takes them out of one: one
// list of tables serves both ways.
type layout struct {
	out    *segmentWriter
	in     []byte
	tables map[string]table
	err    error
}

// lay hands over a table of numbers or bytes. A slice that it fills is a view of the
// segment.
func lay[T byte | uint16 | uint32 | uint64 | float64 | hash | skip](l *layout, name string, s *[]T) {
	var one T
	size := int64(unsafe.Sizeof(one))
	if l.err != nil {
		return
	}
	if l.out != nil {
		var b []byte
		if len(*s) > 0 {
			//nolint:gosec // the numbers of a slice, seen as the bytes they are
			b = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(*s))), int64(len(*s))*size)
		}
		l.tables[name], l.err = l.out.table(b)
		return
	}
	t, ok := l.tables[name]
	if !ok || t.Offset < 0 || t.Length < 0 || t.Offset%align != 0 || t.Length%size != 0 || t.Offset > int64(len(l.in)) || t.Length > int64(len(l.in))-t.Offset {
		l.err = fmt.Errorf("table %s: %w", name, catalog.ErrDamaged)
		return
	}
	if t.Length > 0 {
		//nolint:gosec // the offset is aligned, and the length lies within the segment
		*s = unsafe.Slice((*T)(unsafe.Pointer(&l.in[t.Offset])), t.Length/size)
	}
}

func layStrings(l *layout, name string, s *strings32) {
	lay(l, name+".starts", &s.starts)
	lay(l, name+".bytes", &s.bytes)
}

// lay lists the tables of an index.
func (ix *index) lay(l *layout) {
	lay(l, "tokens", &ix.hashes)
	lay(l, "lists.starts", &ix.starts)
	lay(l, "lists", &ix.data)
	lay(l, "lists.skips", &ix.skips)
	layStrings(l, "titles", &ix.titles)
	lay(l, "priors", &ix.priors)
	lay(l, "names", &ix.names)
	ix.relations.forward.lay(l, "relations.forward")
	ix.relations.backward.lay(l, "relations.backward")
	layStrings(l, "relations.ways", &ix.relations.ways)
	if ix.words == nil {
		ix.words = new(words)
	}
	ix.words.lay(l)
	for i := range ix.columns {
		c := &ix.columns[i]
		name := fmt.Sprintf("column.%d", i)
		bounds := []float64{c.min, c.max}
		lay(l, name+".bounds", &bounds)
		if l.err == nil && len(bounds) == 2 {
			c.min, c.max = bounds[0], bounds[1]
		}
		layStrings(l, name+".values", &c.values)
		c.codes.lay(l, name+".codes", c.values.len())
		lay(l, name+".firsts", &c.firsts)
		lay(l, name+".numbers", &c.numbers)
		lay(l, name+".bits", &c.bits)
	}
}

func (c *codes) lay(l *layout, name string, values int) {
	switch codeWidth(values) {
	case 1:
		lay(l, name, &c.narrow)
	case 2:
		lay(l, name, &c.medium)
	default:
		lay(l, name, &c.wide)
	}
}

func (w *words) lay(l *layout) {
	kinds, beginnings, openings := w.kinds[:], []uint32{w.beginnings}, w.openings[:]
	lay(l, "words.kinds", &kinds)
	lay(l, "words.beginnings", &beginnings)
	lay(l, "words.openings", &openings)
	if l.err == nil && copy(w.kinds[:], kinds)+copy(w.openings[:], openings)+len(beginnings) != len(w.kinds)+len(w.openings)+1 {
		l.err = fmt.Errorf("words: %w", catalog.ErrDamaged)
	}
	if l.err != nil {
		return
	}
	w.beginnings = beginnings[0]
	layStrings(l, "words.labels", &w.labels)
	lay(l, "words.texts", &w.texts)
	lay(l, "words.docs", &w.docs)
	lay(l, "words.counts", &w.counts)
	lay(l, "words.per.firsts", &w.perFirst)
	lay(l, "words.per", &w.per)
	lay(l, "words.masks", &w.masks)
	lay(l, "words.starts.at", &w.startAt)
	lay(l, "words.starts.entry", &w.startEntry)
	lay(l, "words.by-text", &w.byText)
	lay(l, "words.spelt", &w.spelt)
	lay(l, "words.spelt.starts", &w.speltStarts)
}

func (a *adjacency) lay(l *layout, name string) {
	lay(l, name+".firsts", &a.firsts)
	lay(l, name+".docs", &a.docs)
	lay(l, name+".ways", &a.ways)
}

// segmentWriter writes tables one after another.
type segmentWriter struct {
	w      *bufio.Writer
	at     int64
	sum    uint32
	summed int
	sums   []uint32
}

func (w *segmentWriter) write(b []byte) error {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), checked-w.summed)
		w.sum = crc32.Update(w.sum, castagnoli, rest[:n])
		if w.summed += n; w.summed == checked {
			w.sums, w.sum, w.summed = append(w.sums, w.sum), 0, 0
		}
		rest = rest[n:]
	}
	w.at += int64(len(b))
	_, err := w.w.Write(b)
	return err
}

var padding [align]byte

func (w *segmentWriter) pad() error { return w.write(padding[:(align-w.at%align)%align]) }

func (w *segmentWriter) table(b []byte) (table, error) {
	t := table{w.at, int64(len(b))}
	return t, errors.Join(w.write(b), w.pad())
}

// WriteSegment lays s out in w. What it writes, Open maps.
func WriteSegment(w io.Writer, s *Snapshot) error {
	out := &segmentWriter{w: bufio.NewWriterSize(w, 1<<20)}
	l := &layout{out: out, tables: map[string]table{}}
	d := directory{Format: segmentFormat, Hash: s.hash, Program: program(), Vocabulary: catalog.Vocabulary(), Records: s.records, Spans: map[catalog.Dataset][2]int{}}
	for name, sp := range s.spans {
		d.Spans[name] = [2]int{sp.from, sp.to}
	}
	for i := range s.columns {
		c := &s.columns[i]
		d.Columns = append(d.Columns, columnEntry{c.path, c.typ, c.dataset, c.from, c.to, c.kind})
	}
	if err := s.entries.write(l); err != nil {
		return err
	}
	s.lay(l)
	if l.err != nil {
		return l.err
	}
	if out.summed > 0 {
		out.sums = append(out.sums, out.sum)
	}
	d.Tables, d.Sums = l.tables, out.sums
	b, err := json.Marshal(d, json.Deterministic(true))
	if err != nil {
		return err
	}
	end := make([]byte, 0, trailerLen)
	end = append(end, segmentMagic...)
	end = binary.NativeEndian.AppendUint32(end, 1)
	end = binary.LittleEndian.AppendUint32(end, crc32.Checksum(b, castagnoli))
	end = binary.LittleEndian.AppendUint64(end, uint64(out.at))
	end = binary.LittleEndian.AppendUint64(end, uint64(len(b)))
	end = append(end, make([]byte, trailerLen-len(end))...)
	if _, err := out.w.Write(b); err != nil {
		return err
	}
	if _, err := out.w.Write(end); err != nil {
		return err
	}
	return out.w.Flush()
}

// Open maps the segment at path, which must be that of the release that m describes
// and hash names. The error wraps catalog.ErrDamaged when it is not, or not whole;
// it is to be made again then. Its Mapping is to be closed when nobody reads it any more.
func Open(path string, m *catalog.Manifest, hash catalog.Hash) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("segment: %w: %w", catalog.ErrNotFound, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < trailerLen || info.Size() > 1<<40 {
		return nil, fmt.Errorf("segment: %w", catalog.ErrDamaged)
	}
	mapped, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("segment: %w: %w", catalog.ErrUnavailable, err)
	}
	s, err := open(mapped, m, hash)
	if err != nil {
		_ = mapped.Unmap()
		return nil, err
	}
	s.mapped = &mapping{mapped}
	return s, nil
}

// open makes a snapshot of the bytes of a segment.
func open(b []byte, m *catalog.Manifest, hash catalog.Hash) (*Snapshot, error) {
	d, err := readDirectory(b)
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	switch {
	case d.Format != segmentFormat, d.Hash != hash, d.Program != program(), d.Vocabulary != catalog.Vocabulary():
		return nil, fmt.Errorf("segment is of another release or program: %w", catalog.ErrDamaged)
	}
	s := &Snapshot{manifest: m, hash: hash, index: &index{records: d.Records, spans: map[catalog.Dataset]span{}}}
	for name, sp := range d.Spans {
		s.spans[name] = span{sp[0], sp[1]}
	}
	for _, c := range d.Columns {
		s.columns = append(s.columns, column{path: c.Path, typ: c.Type, dataset: c.Dataset, from: c.From, to: c.To, kind: c.Kind})
	}
	l := &layout{in: b, tables: d.Tables}
	err = s.entries.read(l)
	s.lay(l)
	if err = errors.Join(err, l.err); err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	if !s.entries.fits(int(d.Records)) || !s.fits() {
		return nil, fmt.Errorf("segment: its tables do not fit together: %w", catalog.ErrDamaged)
	}
	s.open()
	return s, nil
}

// fits reports whether the tables have the lengths that reading them relies on. What
// stands in them is under checksums.
func (ix *index) fits() bool {
	n := int(ix.records)
	places := 0
	for _, sp := range ix.spans {
		if sp.from < 0 || sp.from > sp.to || sp.to > n {
			return false
		}
		places += sp.to - sp.from
	}
	ok := places == n && len(ix.priors) == n && len(ix.names) == n && ix.titles.len() == n && ix.titles.fits() &&
		len(ix.starts) == len(ix.hashes)+1 && int(ix.starts[len(ix.hashes)]) == len(ix.data) &&
		ix.relations.forward.fits(n) && ix.relations.backward.fits(n) && ix.relations.ways.fits() && ix.words.labels.fits()
	for i := range ix.columns {
		ok = ok && ix.columns[i].fits(n)
	}
	return ok
}

func (e *entries) fits(n int) bool {
	return len(e.ends) == n && len(e.starts) == n+1 && int(e.starts[n]) == len(e.ids) && (n == 0 || e.ends[n-1] == uint64(len(e.lines)))
}

func (s strings32) fits() bool {
	return len(s.starts) == 0 || int(s.starts[len(s.starts)-1]) == len(s.bytes)
}

func (a *adjacency) fits(n int) bool {
	return len(a.firsts) == n+1 && int(a.firsts[n]) == len(a.docs) && len(a.docs) == len(a.ways)
}

func (c *column) fits(records int) bool {
	if c.from > c.to || int(c.to) > records || !c.values.fits() {
		return false
	}
	n := int(c.to - c.from)
	switch {
	case c.kind == numbers:
		return len(c.numbers) == n && (c.bits == nil || len(c.bits) == rangesOf(c).size(c)*int(c.wordCount()))
	case c.firsts != nil:
		return len(c.firsts) == n+1 && int(c.firsts[n]) == c.codes.len() && (c.bits == nil || len(c.bits) == c.values.len()*int(c.wordCount()))
	}
	return c.codes.len() == n && (c.bits == nil || len(c.bits) == c.values.len()*int(c.wordCount()))
}

// program is the digest of what decides about tables beside the schema and the code
// lists: the readings of characters, the weights, and the Unicode the program knows.
var program = sync.OnceValue(func() catalog.Hash {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, segmentFormat, weights, saturation, lengthShare, lengthPivot, unicode.Version, norm.Version)
	_, _ = io.WriteString(h, readingsFile+phrasesFile)
	return catalog.Hash(hex.EncodeToString(h.Sum(nil)))
})

// readDirectory checks every byte of a segment and returns its directory.
func readDirectory(b []byte) (directory, error) {
	var d directory
	end := b[len(b)-trailerLen:]
	if !bytes.HasPrefix(end, []byte(segmentMagic)) || binary.NativeEndian.Uint32(end[16:]) != 1 || bytes.ContainsFunc(end[40:], func(r rune) bool { return r != 0 }) {
		return d, fmt.Errorf("no trailer: %w", catalog.ErrDamaged)
	}
	at, n := binary.LittleEndian.Uint64(end[24:]), binary.LittleEndian.Uint64(end[32:])
	if body := uint64(len(b) - trailerLen); at > body || n != body-at {
		return d, fmt.Errorf("no directory: %w", catalog.ErrDamaged)
	}
	raw := b[at : at+n]
	if crc32.Checksum(raw, castagnoli) != binary.LittleEndian.Uint32(end[20:]) {
		return d, fmt.Errorf("directory: %w", catalog.ErrDamaged)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, fmt.Errorf("directory: %w: %w", catalog.ErrDamaged, err)
	}
	body := b[:at]
	if len(d.Sums) != (len(body)+checked-1)/checked {
		return d, fmt.Errorf("checksums: %w", catalog.ErrDamaged)
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, sum := range d.Sums {
		group.Go(func() error {
			if crc32.Checksum(body[i*checked:min((i+1)*checked, len(body))], castagnoli) != sum {
				return fmt.Errorf("bytes from %d on: %w", i*checked, catalog.ErrDamaged)
			}
			return nil
		})
	}
	return d, group.Wait()
}

// entries are the records of a snapshot in the order of their numbers: by dataset,
// then by identifier.
type entries struct {
	lines  []byte   // the canonical lines, one after another
	ends   []uint64 // where each ends in lines
	ids    []byte
	starts []uint32 // of each identifier in ids, and where the last ends
	// source, before a segment is written, holds the records instead of lines.
	source []catalog.Entry
}

func (e *entries) read(l *layout) error {
	lay(l, "records", &e.lines)
	lay(l, "records.ends", &e.ends)
	lay(l, "ids", &e.ids)
	lay(l, "ids.starts", &e.starts)
	return l.err
}

func (e *entries) write(l *layout) error {
	if e.starts != nil {
		return e.read(l)
	}
	from := l.out.at
	var ids strings32
	ids.starts = append(ids.starts, 0)
	ends := make([]uint64, 0, len(e.source))
	for _, r := range e.source {
		if err := l.out.write(r.Raw); err != nil {
			return err
		}
		ends = append(ends, uint64(l.out.at-from))
		ids.bytes = append(ids.bytes, r.ID...)
		ids.starts = append(ids.starts, uint32(len(ids.bytes)))
	}
	l.tables["records"] = table{from, l.out.at - from}
	if err := l.out.pad(); err != nil {
		return err
	}
	lay(l, "records.ends", &ends)
	lay(l, "ids", &ids.bytes)
	lay(l, "ids.starts", &ids.starts)
	return l.err
}

func (e *entries) len() int {
	if e.source != nil {
		return len(e.source)
	}
	return len(e.ends)
}

// id returns the identifier of a record, as a view where it lies in a segment.
func (e *entries) id(doc uint32) []byte { return e.ids[e.starts[doc]:e.starts[doc+1]] }

func (e *entries) raw(doc uint32) []byte {
	if e.source != nil {
		return e.source[doc].Raw
	}
	from := uint64(0)
	if doc > 0 {
		from = e.ends[doc-1]
	}
	to := e.ends[doc]
	return slices.Clip(e.lines[from:to])
}
