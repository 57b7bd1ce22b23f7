package snapshot

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// Projection keeps some members of the records of a dataset.
type Projection struct {
	dataset catalog.Dataset
	root    *projected
}

// projected is what is kept of a value: some members of an object, or all of it when
// there are none.
type projected struct{ members map[string]*projected }

// NewProjection returns the projection to the named fields and to id. A name is a
// path without the marks of lists, or the beginning of some: organizations.name,
// organizations, price. The error is a *QueryError that names the first unknown one.
func NewProjection(d catalog.Dataset, names []string) (*Projection, error) {
	p := &Projection{dataset: d, root: &projected{members: map[string]*projected{"id": {}}}}
	for _, name := range names {
		if !projectable(d, name) {
			e := badQuery("fields", "没有字段“%s”", "there is no field %q", name)
			e.Known = ProjectableFields(d)
			return nil, e
		}
		at := p.root
		steps := strings.Split(name, ".")
		for i, step := range steps {
			next := at.members[step]
			switch {
			case next == nil:
				next = &projected{}
				if i+1 < len(steps) {
					next.members = map[string]*projected{}
				}
				at.members[step] = next
			case i+1 == len(steps):
				next.members = nil // all of it, whatever was asked of it before
			}
			if next.members == nil {
				break
			}
			at = next
		}
	}
	return p, nil
}

// ProjectableFields lists the names a projection of d's records can be made of, but
// for objects as a whole.
func ProjectableFields(d catalog.Dataset) []string {
	var names []string
	for _, f := range catalog.Fields(d) {
		names = append(names, strings.ReplaceAll(f.Path, "[]", ""))
	}
	return names
}

func projectable(d catalog.Dataset, name string) bool {
	for _, f := range catalog.Fields(d) {
		path := strings.ReplaceAll(f.Path, "[]", "")
		if path == name || strings.HasPrefix(path, name) && path[len(name)] == '.' {
			return true
		}
	}
	return false
}

// Append appends what is kept of record e, in its order. The error wraps
// catalog.ErrDamaged.
func (p *Projection) Append(dst []byte, e catalog.Entry) ([]byte, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(e.Raw), jsontext.AllowDuplicateNames(true))
	dst, err := p.root.append(dst, dec)
	if err != nil {
		return dst, fmt.Errorf("%s: %w: %w", e.ID, catalog.ErrDamaged, err)
	}
	return dst, nil
}

func (p *projected) append(dst []byte, dec *jsontext.Decoder) ([]byte, error) {
	kind := dec.PeekKind()
	if p.members == nil || kind != '{' && kind != '[' {
		v, err := dec.ReadValue()
		return append(dst, v...), err
	}
	if _, err := dec.ReadToken(); err != nil {
		return dst, err
	}
	closing := jsontext.Kind('}')
	if kind == '[' {
		closing = ']'
	}
	dst = append(dst, byte(kind))
	for first := true; dec.PeekKind() != closing; {
		member := p
		if kind == '{' {
			name, err := dec.ReadToken()
			if err != nil {
				return dst, err
			}
			text := name.String()
			if member = p.members[text]; member == nil {
				if err := dec.SkipValue(); err != nil {
					return dst, err
				}
				continue
			}
			dst = separate(dst, first)
			dst = append(append(append(dst, '"'), text...), `":`...) // names of fields need no escape
		} else {
			dst = separate(dst, first)
		}
		first = false
		var err error
		if dst, err = member.append(dst, dec); err != nil {
			return dst, err
		}
	}
	_, err := dec.ReadToken()
	return append(dst, byte(closing)), err
}

func separate(dst []byte, first bool) []byte {
	if first {
		return dst
	}
	return append(dst, ',')
}
