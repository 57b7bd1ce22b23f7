package snapshot

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// visitor walks records in their canonical form without making Go values of them.
// It is reused, and belongs to one goroutine.
type visitor struct {
	dec  *jsontext.Decoder
	src  bytes.Buffer
	text []byte
	// places are the places in the lists around the value under way.
	places []int
	// found is told of every value of a field the index knows. text is the value
	// of a text or identifier, the code of a coded value, or the digits of a
	// number; it is good until found returns.
	found func(f *field, text []byte, number float64)
}

func newVisitor(found func(*field, []byte, float64)) *visitor {
	return &visitor{dec: jsontext.NewDecoder(&bytes.Buffer{}, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), found: found}
}

// visit walks one record. The error wraps catalog.ErrDamaged.
func (v *visitor) visit(e catalog.Entry) error {
	v.src, v.places = *bytes.NewBuffer(e.Raw), v.places[:0]
	v.dec.Reset(&v.src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := v.value(fieldsOf(e.Dataset)); err != nil {
		return fmt.Errorf("%s: %w: %w", e.ID, catalog.ErrDamaged, err)
	}
	return nil
}

// value walks the value that comes next, which belongs to f.
func (v *visitor) value(f *field) error {
	switch k := v.dec.PeekKind(); {
	case k == '{' && f.typ == "coded":
		return v.coded(f)
	case k == '{' && f.members != nil:
		return v.object(f)
	case k == '[':
		if _, err := v.dec.ReadToken(); err != nil {
			return err
		}
		depth := len(v.places)
		for v.places = append(v.places, 0); v.dec.PeekKind() != ']'; v.places[depth]++ {
			if err := v.value(f); err != nil {
				return err
			}
		}
		v.places = v.places[:depth]
		_, err := v.dec.ReadToken()
		return err
	case k == '{' || f.path == "" || k == 'n':
		return v.dec.SkipValue()
	}
	raw, err := v.dec.ReadValue()
	if err != nil {
		return err
	}
	v.text = v.text[:0]
	if raw.Kind() != '"' {
		n, _ := strconv.ParseFloat(string(raw), 64)
		v.found(f, raw, n)
		return nil
	}
	if v.text, err = jsontext.AppendUnquote(v.text, raw); err != nil {
		return err
	}
	n := 0.0
	if f.kind == numbers {
		n = day(v.text)
	}
	v.found(f, v.text, n)
	return nil
}

func (v *visitor) object(f *field) error {
	if _, err := v.dec.ReadToken(); err != nil {
		return err
	}
	for v.dec.PeekKind() != '}' {
		name, err := v.dec.ReadToken()
		if err != nil {
			return err
		}
		member := f.members[name.String()]
		if member == nil {
			if err := v.dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := v.value(member); err != nil {
			return err
		}
	}
	_, err := v.dec.ReadToken()
	return err
}

// coded reads {"code":…,"scheme":…} and tells of the two as scheme:code for local
// schemes, as the code alone for the national ones, whose lists the field implies.
func (v *visitor) coded(f *field) error {
	raw, err := v.dec.ReadValue()
	if err != nil {
		return err
	}
	var c catalog.Coded
	if err := json.Unmarshal(raw, &c); err != nil {
		return err
	}
	v.text = v.text[:0]
	if f.path == "schemes[]" {
		v.text = append(append(v.text, c.Scheme...), ':')
	}
	v.text = append(v.text, c.Code...)
	v.found(f, v.text, 0)
	return nil
}

// day returns a date or time as the number its digits make: 2026-11-20 is
// 20261120, 2026-11 is 20261100 and 2026 is 20260000. A time counts by its
// day and second, 20261120.3661 for 01:01:01.
func day(text []byte) float64 {
	n, digits := 0.0, 0
	i := 0
	for ; i < len(text) && digits < 8; i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + float64(c-'0')
			digits++
		case c != '-':
			i = len(text)
		}
	}
	for ; digits < 8; digits++ {
		n *= 10
	}
	if i < len(text) && text[i] == 'T' && len(text) >= i+9 {
		clock := text[i+1:]
		at := func(k int) float64 { return float64(clock[k]-'0')*10 + float64(clock[k+1]-'0') }
		n += (at(0)*3600 + at(3)*60 + at(6)) / 100_000
	}
	return n
}
