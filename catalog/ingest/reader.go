package ingest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// The limits of an input file, checked while reading.
const (
	MaxFileBytes = 2 << 30
	MaxRowBytes  = 4 << 20
	MaxColumns   = 1000
	MaxRows      = 2_000_000
)

// File is one input, read once. Name decides the format by its ending: .csv,
// .tsv, .jsonl or .ndjson.
type File struct {
	Name string
	io.Reader
}

// row is one record of an input file.
type row struct {
	// number is the line a person would look for: the line in a CSV file as an
	// editor counts it, the line in JSON Lines.
	number int
	cells  []cell
	// line is a JSON object not yet taken apart; open does that.
	line []byte
}

// cell is one value of a row: text from a table, or any JSON value.
type cell struct {
	column string
	text   string
	json   jsontext.Value // nil for text
}

func (c cell) empty() bool {
	if c.json != nil {
		return c.json.Kind() == 'n'
	}
	return strings.TrimSpace(c.text) == ""
}

// readRows yields the rows of f. An error that concerns one row wraps
// rowError and reading goes on; any other ends the file.
func readRows(f File) iter.Seq2[row, error] {
	in := &limitedReader{r: f.Reader, file: MaxFileBytes}
	switch strings.ToLower(filepath.Ext(f.Name)) {
	case ".csv":
		return readTable(in, ',')
	case ".tsv":
		return readTable(in, '\t')
	case ".jsonl", ".ndjson":
		return readLines(in)
	}
	return func(yield func(row, error) bool) {
		yield(row{}, fmt.Errorf("%s: cannot read this kind of file: use .csv, .tsv or .jsonl: %w", f.Name, catalog.ErrInvalid))
	}
}

// rowError is a fault of one row, after which the next can be read.
type rowError struct {
	number   int
	rule     string
	zh, en   string
	atColumn string
}

func (e *rowError) Error() string { return fmt.Sprintf("row %d: %s", e.number, e.en) }

// limitedReader ends a file that is too large, or a row that never ends.
type limitedReader struct {
	r         io.Reader
	file, row int64
}

var errTooLarge = fmt.Errorf("more than %d MiB in one row or %d GiB in the file: %w", MaxRowBytes>>20, MaxFileBytes>>30, catalog.ErrInvalid)

// nextRow allows the following row its full length, with room for read-ahead.
func (l *limitedReader) nextRow() { l.row = MaxRowBytes + 1<<16 }

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.file <= 0 || l.row <= 0 {
		return 0, errTooLarge
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.file, l.row)])
	l.file -= int64(n)
	l.row -= int64(n)
	return n, err
}

func readTable(in *limitedReader, comma rune) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		in.nextRow()
		buffered := bufio.NewReader(in)
		if bom, _ := buffered.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
			_, _ = buffered.Discard(3)
		}
		table := csv.NewReader(buffered)
		table.Comma = comma
		table.FieldsPerRecord = -1
		var header []string
		for {
			in.nextRow()
			record, err := table.Read()
			if errors.Is(err, io.EOF) {
				if header == nil {
					yield(row{}, fmt.Errorf("the file is empty: %w", catalog.ErrInvalid))
				}
				return
			}
			if err != nil {
				yield(row{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err))
				return
			}
			number, _ := table.FieldPos(0)
			if header == nil {
				if err := checkHeader(record); err != nil {
					yield(row{}, err)
					return
				}
				header = record
				continue
			}
			r, err := tableRow(header, record, number)
			if !yield(r, err) {
				return
			}
		}
	}
}

func checkHeader(header []string) error {
	if len(header) > MaxColumns {
		return fmt.Errorf("%d columns, at most %d are read: %w", len(header), MaxColumns, catalog.ErrInvalid)
	}
	seen := map[string]bool{}
	for _, name := range header {
		if !utf8.ValidString(name) {
			return fmt.Errorf("the header is not UTF-8: save the file as UTF-8: %w", catalog.ErrInvalid)
		}
		if name != "" && seen[name] {
			return fmt.Errorf("two columns are called %q: %w", name, catalog.ErrInvalid)
		}
		seen[name] = true
	}
	return nil
}

func tableRow(header, record []string, number int) (row, error) {
	r := row{number: number, cells: make([]cell, 0, len(record))}
	for i, text := range record {
		if i >= len(header) {
			if strings.TrimSpace(text) != "" {
				return r, &rowError{
					number: number, rule: "extra_cell",
					zh: fmt.Sprintf("第 %d 列没有表头", i+1), en: fmt.Sprintf("cell %d has no column header", i+1),
				}
			}
			continue
		}
		if at := firstInvalid(text); at >= 0 {
			return r, &rowError{
				number: number, rule: "encoding", atColumn: header[i],
				zh: fmt.Sprintf("单元格第 %d 字节不是 UTF-8，请将文件另存为 UTF-8", at+1),
				en: fmt.Sprintf("byte %d of the cell is not UTF-8: save the file as UTF-8", at+1),
			}
		}
		r.cells = append(r.cells, cell{column: header[i], text: text})
	}
	return r, nil
}

// firstInvalid returns the offset of the first byte that is not UTF-8, or -1.
func firstInvalid(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

func readLines(in *limitedReader) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		in.nextRow()
		lines := bufio.NewScanner(in)
		lines.Buffer(make([]byte, 0, 1<<16), MaxRowBytes)
		number := 0
		for lines.Scan() {
			in.nextRow()
			number++
			line := bytes.TrimSpace(lines.Bytes())
			if number == 1 {
				line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			}
			if len(line) == 0 {
				continue
			}
			if !yield(row{number: number, line: bytes.Clone(line)}, nil) {
				return
			}
		}
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(row{}, fmt.Errorf("line %d is longer than %d MiB: %w", number+1, MaxRowBytes>>20, catalog.ErrInvalid))
		case err != nil:
			yield(row{}, fmt.Errorf("line %d: %w", number+1, err))
		}
	}
}

// open takes the row's line apart, if it has one.
func (r *row) open() *rowError {
	if r.line == nil {
		return nil
	}
	cells, err := objectCells(r.line)
	if err != nil {
		return &rowError{number: r.number, rule: "json", zh: "这一行不是有效的 JSON 对象", en: "the line is not a valid JSON object"}
	}
	r.cells, r.line = cells, nil
	return nil
}

// objectCells takes a JSON object apart. Duplicate names, invalid UTF-8 and
// anything after the object are errors.
func objectCells(line []byte) ([]cell, error) {
	// A buffer's bytes are used in place, so values point into line.
	d := jsontext.NewDecoder(bytes.NewBuffer(line))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, fmt.Errorf("not an object: %w", catalog.ErrInvalid)
	}
	var cells []cell
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		column := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		end := d.InputOffset()
		value = line[end-int64(len(value)) : end : end]
		if len(cells) == MaxColumns {
			return nil, fmt.Errorf("more than %d members: %w", MaxColumns, catalog.ErrInvalid)
		}
		cells = append(cells, cell{column: column, json: value})
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("text after the object: %w", catalog.ErrInvalid)
	}
	return cells, nil
}
