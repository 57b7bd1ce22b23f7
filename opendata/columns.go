package opendata

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// column is a column of a table: a field, or a part of one that is an object.
type column struct {
	// name is the field's path; the parts of an amount have it before their own.
	name  string
	label catalog.Text
	// kind is text, date, int, number or bool.
	kind string
	many bool
	list string
}

// scalar is one value in the text of its JSON. The zero scalar is no value.
type scalar struct {
	kind jsontext.Kind // '"', '0', 't' or 'f'
	text string
}

// flattener turns records of a dataset into rows. The n-th values of all columns of
// a list belong together, with the zero scalar where one of them has none.
type flattener struct {
	columns []column
	top     *branch
	cells   [][]scalar
	dec     *jsontext.Decoder
	src     bytes.Buffer
}

// branch is a place in a record.
type branch struct {
	members map[string]*branch
	column  int // -1 for an object
	kind    string
	under   []int // all columns below
}

// amountParts are the members of an amount of money.
var amountParts = []struct {
	name, kind string
	label      catalog.Text
}{
	{"min", "number", catalog.Text{ZH: "下限", EN: "at least"}},
	{"max", "number", catalog.Text{ZH: "上限", EN: "at most"}},
	{"currency", "text", catalog.Text{ZH: "币种", EN: "currency"}},
	{"negotiable", "bool", catalog.Text{ZH: "面议", EN: "negotiable"}},
	{"basis", "text", catalog.Text{ZH: "计价方式", EN: "basis"}},
}

func newFlattener(d catalog.Dataset) *flattener {
	t := &flattener{top: &branch{column: -1}, dec: jsontext.NewDecoder(&bytes.Buffer{})}
	for _, f := range catalog.Fields(d) {
		if f.Type == "money" {
			for _, part := range amountParts {
				t.add(f.Path+"."+part.name, "", column{
					label: catalog.Text{ZH: f.Label.ZH + "（" + part.label.ZH + "）", EN: f.Label.EN + " (" + part.label.EN + ")"},
					kind:  part.kind, many: f.Many(),
				})
			}
			continue
		}
		kind := "text"
		switch f.Type {
		case "int", "number", "bool", "date":
			kind = f.Type
		}
		t.add(f.Path, f.Type, column{label: f.Label, kind: kind, many: f.Many(), list: f.List})
	}
	t.cells = make([][]scalar, len(t.columns))
	return t
}

func (t *flattener) add(path, kind string, c column) {
	c.name = path
	at := t.top
	for part := range strings.SplitSeq(path, ".") {
		at.under = append(at.under, len(t.columns))
		part = strings.TrimSuffix(part, "[]")
		if at.members == nil {
			at.members = map[string]*branch{}
		}
		if at.members[part] == nil {
			at.members[part] = &branch{column: -1}
		}
		at = at.members[part]
	}
	at.column, at.kind = len(t.columns), kind
	at.under = append(at.under, at.column)
	t.columns = append(t.columns, c)
}

// row returns the values of a record by column, good until the next call. The error
// wraps catalog.ErrDamaged.
func (t *flattener) row(e catalog.Entry) ([][]scalar, error) {
	for i := range t.cells {
		t.cells[i] = t.cells[i][:0]
	}
	t.src = *bytes.NewBuffer(e.Raw)
	t.dec.Reset(&t.src)
	if err := t.value(t.top); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", e.ID, catalog.ErrDamaged, err)
	}
	return t.cells, nil
}

func (t *flattener) value(b *branch) error {
	if b == nil {
		return t.dec.SkipValue()
	}
	switch k := t.dec.PeekKind(); {
	case k == 'n':
		return t.dec.SkipValue()
	case k == '[':
		return t.items(b)
	case k == '{' && b.kind == "coded":
		raw, err := t.dec.ReadValue()
		if err != nil {
			return err
		}
		var c catalog.Coded
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		t.put(b, scalar{'"', c.Scheme + ":" + c.Code})
		return nil
	case k == '{' && b.column >= 0:
		// What has no columns of its own, such as the original wordings, stays JSON.
		raw, err := t.dec.ReadValue()
		if err != nil {
			return err
		}
		t.put(b, scalar{'"', string(raw)})
		return nil
	case k == '{':
		return t.object(b)
	}
	token, err := t.dec.ReadToken()
	if err != nil {
		return err
	}
	if b.column >= 0 {
		t.put(b, scalar{token.Kind(), token.String()})
	}
	return nil
}

func (t *flattener) put(b *branch, s scalar) { t.cells[b.column] = append(t.cells[b.column], s) }

func (t *flattener) items(b *branch) error {
	if _, err := t.dec.ReadToken(); err != nil {
		return err
	}
	for n := 1; t.dec.PeekKind() != ']'; n++ {
		if err := t.value(b); err != nil {
			return err
		}
		for _, c := range b.under {
			if len(t.cells[c]) < n {
				t.cells[c] = append(t.cells[c], scalar{})
			}
		}
	}
	_, err := t.dec.ReadToken()
	return err
}

func (t *flattener) object(b *branch) error {
	if _, err := t.dec.ReadToken(); err != nil {
		return err
	}
	for t.dec.PeekKind() != '}' {
		name, err := t.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := t.value(b.members[name.String()]); err != nil {
			return err
		}
	}
	_, err := t.dec.ReadToken()
	return err
}

// itemSeparator stands between the values of a list in one cell; one that is part of
// a value has a backslash before it, and so has a backslash.
const itemSeparator = '|'

var escapeItem = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// cellText returns the values of a column as one text.
func (c column) cellText(values []scalar) string {
	if !c.many {
		if len(values) == 0 {
			return ""
		}
		return values[0].text
	}
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(itemSeparator)
		}
		_, _ = escapeItem.WriteString(&b, v.text)
	}
	return b.String()
}
