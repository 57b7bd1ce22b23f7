package quality

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// visitor tells which fields of a record have a value, as its bytes have it: a decoded
// record cannot tell 0 from nothing. It is reused.
type visitor struct {
	fields []catalog.Field
	// present says of each of fields whether the record last visited has it.
	present []bool
	// found is told of every text; it is good until found returns.
	found func(id catalog.ID, f *catalog.Field, text []byte)

	id   catalog.ID
	top  *place
	dec  *jsontext.Decoder
	src  bytes.Buffer
	text []byte
}

// place is where values stand in a record: at a field, or above fields.
type place struct {
	field   int // -1 above fields
	members map[string]*place
}

func newVisitor(d catalog.Dataset) *visitor {
	v := &visitor{fields: catalog.Fields(d), top: &place{field: -1}, dec: jsontext.NewDecoder(&bytes.Buffer{})}
	v.present = make([]bool, len(v.fields))
	for i, f := range v.fields {
		at := v.top
		for name := range strings.SplitSeq(strings.ReplaceAll(f.Path, "[]", ""), ".") {
			if at.members == nil {
				at.members = map[string]*place{}
			}
			if at.members[name] == nil {
				at.members[name] = &place{field: -1}
			}
			at = at.members[name]
		}
		at.field = i
	}
	return v
}

// has reports whether the record last visited has a value at path.
func (v *visitor) has(path string) bool {
	for i := range v.fields {
		if v.fields[i].Path == path {
			return v.present[i]
		}
	}
	return false
}

// visit walks one record. The error wraps catalog.ErrDamaged.
func (v *visitor) visit(e catalog.Entry) error {
	clear(v.present)
	v.id, v.src = e.ID, *bytes.NewBuffer(e.Raw)
	v.dec.Reset(&v.src)
	if err := v.value(v.top); err != nil {
		return fmt.Errorf("%s: %w: %w", e.ID, catalog.ErrDamaged, err)
	}
	return nil
}

func (v *visitor) value(at *place) error {
	if at == nil {
		return v.dec.SkipValue()
	}
	switch k := v.dec.PeekKind(); {
	case k == 'n':
		return v.dec.SkipValue()
	case k == '[':
		return v.within(']', func() error { return v.value(at) })
	case k == '{' && at.members != nil:
		return v.within('}', func() error {
			name, err := v.dec.ReadToken()
			if err != nil {
				return err
			}
			return v.value(at.members[name.String()])
		})
	}
	raw, err := v.dec.ReadValue()
	if err != nil || at.field < 0 {
		return err
	}
	v.present[at.field] = true
	if raw.Kind() == '"' {
		if v.text, err = jsontext.AppendUnquote(v.text[:0], raw); err != nil {
			return err
		}
		v.found(v.id, &v.fields[at.field], v.text)
	}
	return nil
}

// within reads what stands between here and the closing end.
func (v *visitor) within(end jsontext.Kind, each func() error) error {
	if _, err := v.dec.ReadToken(); err != nil {
		return err
	}
	for v.dec.PeekKind() != end {
		if err := each(); err != nil {
			return err
		}
	}
	_, err := v.dec.ReadToken()
	return err
}
