package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// readLines reads JSON Lines: an object a line.
func readLines(in io.Reader) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		lines := bufio.NewScanner(limitedFile(in))
		lines.Buffer(make([]byte, 0, 1<<16), MaxRowBytes)
		number, count := 0, 0
		for lines.Scan() {
			number++
			line := bytes.TrimSpace(lines.Bytes())
			if number == 1 {
				line = bytes.TrimPrefix(line, bomUTF8)
			}
			if len(line) == 0 {
				continue
			}
			if count++; count > MaxRows {
				yield(row{}, tooManyRows(MaxRows))
				return
			}
			if !yield(row{number: number, line: bytes.Clone(line)}, nil) {
				return
			}
		}
		err := lines.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = refuse(fmt.Sprintf("第 %d 行超过 %d MiB", number+1, MaxRowBytes>>20), fmt.Sprintf("line %d has more than %d MiB", number+1, MaxRowBytes>>20))
		}
		if err != nil {
			yield(row{}, err)
		}
	}
}

// limitedFile bounds the file alone.
func limitedFile(r io.Reader) *limitedReader {
	return &limitedReader{r: r, file: MaxFileBytes, row: MaxFileBytes}
}

// list reads a list of objects, or an object whose member "data" is one: the form
// of the open-data API. Other members beside it are set aside. A row is numbered by
// its place in the list, from 1.
func (s *source) list(in *peeker) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		if err := s.readList(in, func(r row, err error) error {
			if !yield(r, err) {
				return errStop
			}
			return nil
		}); err != nil && !errors.Is(err, errStop) {
			yield(row{}, err)
		}
	}
}

// errStop ends a reader whose rows are no longer wanted.
var errStop = errors.New("stop")

func (s *source) readList(in *peeker, take func(row, error) error) error {
	mark, err := in.peek(len(bomUTF8))
	if err != nil {
		return err
	}
	if bytes.Equal(mark, bomUTF8) {
		_, _ = io.CopyN(io.Discard, in, int64(len(mark)))
	}
	bounded := limited(in)
	bounded.nextRow()
	// Each row is read again, strictly, so that its faults are its own.
	d := jsontext.NewDecoder(bounded, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	switch d.PeekKind() {
	case '[':
		err = readElements(d, bounded, take)
	case '{':
		err = s.readEnvelope(d, bounded, take)
	default:
		return notAList(nil)
	}
	if err != nil {
		return err
	}
	bounded.nextRow()
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return notAList(err)
	}
	return nil
}

func notAList(cause error) error {
	zh, en := "不是 JSON 对象的列表", "is no list of JSON objects"
	if cause == nil {
		return refuse(zh, en)
	}
	if limit, ok := errors.AsType[*FileError](cause); ok {
		return limit
	}
	if _, ok := errors.AsType[*jsontext.SyntacticError](cause); ok || errors.Is(cause, io.ErrUnexpectedEOF) {
		return refuseBecause(zh, en, cause)
	}
	return cause
}

func (s *source) readEnvelope(d *jsontext.Decoder, bounded *limitedReader, take func(row, error) error) error {
	if _, err := d.ReadToken(); err != nil {
		return notAList(err)
	}
	found := false
	for number := 1; d.PeekKind() != '}'; number++ {
		bounded.nextRow()
		token, err := d.ReadToken()
		if err != nil {
			return notAList(err)
		}
		if name := token.String(); name != "data" {
			value, err := d.ReadValue()
			if err != nil {
				return notAList(err)
			}
			s.aside(asMember, shown(name, fmt.Sprintf("(%d)", number)), "", name+"|"+jsonWords(value))
			continue
		}
		if found {
			return refuse("“data”出现两次", `"data" stands there twice`)
		}
		found = true
		switch d.PeekKind() {
		case '[':
			err = readElements(d, bounded, take)
		case '{':
			err = readElement(d, 1, take)
		default:
			err = notAList(nil)
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return notAList(err)
	}
	if !found {
		return refuse("既不是对象的列表，也没有“data”列表", `is neither a list of objects nor an object with a list "data"`)
	}
	return nil
}

func readElements(d *jsontext.Decoder, bounded *limitedReader, take func(row, error) error) error {
	if _, err := d.ReadToken(); err != nil {
		return notAList(err)
	}
	for number := 1; d.PeekKind() != ']'; number++ {
		if number > MaxRows {
			return tooManyRows(MaxRows)
		}
		bounded.nextRow()
		if err := readElement(d, number, take); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return notAList(err)
	}
	return nil
}

func readElement(d *jsontext.Decoder, number int, take func(row, error) error) error {
	value, err := d.ReadValue()
	if err != nil {
		return notAList(err)
	}
	return take(row{number: number, line: bytes.Clone(value)}, nil)
}

// open takes the row's line apart, if it has one. The error is a rowError.
func (r *row) open() error {
	if r.line == nil {
		return nil
	}
	cells, err := objectCells(r.line)
	if err != nil {
		bad := &rowError{number: r.number, rule: "json", zh: "不是有效的 JSON 对象", en: "is not a valid JSON object"}
		if errors.Is(err, errTooDeep) {
			bad.zh, bad.en = fmt.Sprintf("JSON 嵌套超过 %d 层", MaxNesting), fmt.Sprintf("the JSON is nested more than %d deep", MaxNesting)
		}
		if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			what := catalog.Text{ZH: "语法错误", EN: "syntax error"}
			if errors.Is(err, jsontext.ErrDuplicateName) {
				what = catalog.Text{ZH: "同一名称出现两次", EN: "a name stands there twice"}
			} else if firstInvalid(r.line) >= 0 {
				what = catalog.Text{ZH: "不是 UTF-8", EN: "not UTF-8"}
			}
			bad.zh = fmt.Sprintf("不是有效的 JSON 对象：第 %d 字节%s", at.ByteOffset+1, what.ZH)
			bad.en = fmt.Sprintf("is not a valid JSON object: %s at byte %d", what.EN, at.ByteOffset+1)
		}
		return bad
	}
	r.cells, r.line = cells, nil
	if r.origin != nil {
		r.cells = r.origin.own(r.cells)
	}
	return nil
}

var errTooDeep = fmt.Errorf("nested too deep: %w", catalog.ErrInvalid)

// objectCells takes a JSON object apart. Duplicate names, invalid UTF-8 and
// anything after the object are errors.
func objectCells(line []byte) ([]cell, error) {
	// A buffer's bytes are used in place, so values point into line.
	d := jsontext.NewDecoder(bytes.NewBuffer(line))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		if err == nil {
			err = fmt.Errorf("not an object: %w", catalog.ErrInvalid)
		}
		return nil, err
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
		if depth(value) >= MaxNesting {
			return nil, errTooDeep
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

// depth returns how deep the lists and objects of a valid value lie in one
// another.
func depth(value jsontext.Value) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted:
			if c == '\\' {
				i++
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
