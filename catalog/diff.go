package catalog

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Difference is what a draft does to one record of its base.
type Difference struct {
	ID      ID      `json:"id"`
	Dataset Dataset `json:"dataset"`
	Title   string  `json:"title"`
	Change  Change  `json:"change"`
	// Fields says of an updated record which of its fields differ, in the order of
	// the schema.
	Fields []FieldChange `json:"fields,omitempty"`
}

// FieldChange is a field that two versions of a record do not have in common. Old
// and New are canonical JSON, of a field with several values a list, and null where
// the version has none. Both are public or about to be.
type FieldChange struct {
	Path string         `json:"field"`
	Old  jsontext.Value `json:"old"`
	New  jsontext.Value `json:"new"`
}

// Diff yields what the draft does to the records of its base in the way of c, by
// dataset and identifier. Records are compared one at a time as they are asked for,
// so that a catalog that changes as a whole takes no more memory than the draft
// itself. An error wraps ErrDamaged and ends it.
func (d *Draft) Diff(c Change) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		for _, id := range d.changed(c) {
			diff, err := d.difference(id, c)
			if !yield(diff, err) || err != nil {
				return
			}
		}
	}
}

// changed returns the records to which the draft does c.
func (d *Draft) changed(c Change) []ID {
	var ids []ID
	if c == Withdrawn {
		for id := range d.withdrawn {
			ids = append(ids, id)
		}
	} else {
		for id := range d.put {
			if _, gone := d.withdrawn[id]; !gone && d.does(id) == c {
				ids = append(ids, id)
			}
		}
	}
	slices.SortFunc(ids, func(a, b ID) int { return compareIDs(a, a.Dataset(), b) })
	return ids
}

// does returns what putting id did.
func (d *Draft) does(id ID) Change {
	if _, was := d.published(id); was {
		return Updated
	}
	return Added
}

func (d *Draft) difference(id ID, c Change) (Difference, error) {
	diff := Difference{ID: id, Dataset: id.Dataset(), Change: c}
	if c == Withdrawn {
		diff.Title = d.withdrawn[id].Title
		return diff, nil
	}
	e := d.put[id]
	var shown struct {
		Title string `json:"title"`
	}
	err := json.Unmarshal(e.Raw, &shown)
	if err == nil && c == Updated {
		was, _ := d.published(id)
		diff.Fields, err = Compare(was, e)
	}
	if err != nil {
		return diff, fmt.Errorf("catalog: %s: %w: %w", id, ErrDamaged, err)
	}
	diff.Title = shown.Title
	return diff, nil
}

// Compare returns the fields in which two versions of a record differ. What says
// when and by whom it was published is left out.
func Compare(was, is Entry) ([]FieldChange, error) {
	var before, after map[string]jsontext.Value
	if err := json.Unmarshal(was.Raw, &before); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(is.Raw, &after); err != nil {
		return nil, err
	}
	var changes []FieldChange
	for _, f := range Fields(is.Dataset) {
		top, rest, _ := strings.Cut(f.Path, ".")
		if administrative(top) {
			continue
		}
		name, many := strings.CutSuffix(top, "[]")
		if bytes.Equal(before[name], after[name]) {
			continue
		}
		a, err := within(before[name], rest, many)
		if err != nil {
			return nil, err
		}
		b, err := within(after[name], rest, many)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(a, b) {
			changes = append(changes, FieldChange{f.Path, a, b})
		}
	}
	return changes, nil
}

// administrative reports whether a member says when and by whom a record was published,
// and not what it is.
func administrative(member string) bool {
	switch member {
	case "id", "dataset", "publisher", "source", "published_at", "updated_at", "version":
		return true
	}
	return false
}

// within returns the member at path of v, or of a list of objects the list of their
// members, with null for an object that has none. It is nil where there is none at
// all.
func within(v jsontext.Value, path string, many bool) (jsontext.Value, error) {
	if v == nil || path == "" {
		return v, nil
	}
	if !many {
		var object map[string]jsontext.Value
		err := json.Unmarshal(v, &object)
		return object[path], err
	}
	var list []map[string]jsontext.Value
	if err := json.Unmarshal(v, &list); err != nil {
		return nil, err
	}
	values, some := make([]jsontext.Value, len(list)), false
	for i, object := range list {
		values[i] = object[path]
		some = some || values[i] != nil
	}
	if !some {
		return nil, nil
	}
	return json.Marshal(values)
}

// Wording returns v, a value of f as it stands in a FieldChange, as it is read in
// lang: codes by their labels, the values of a list one after the other. It is empty
// for no value.
func (f Field) Wording(v jsontext.Value, lang string) string {
	var value any
	if len(v) == 0 || json.Unmarshal(v, &value) != nil {
		return ""
	}
	list, ok := value.([]any)
	if !ok {
		return f.wording(value, lang)
	}
	words := make([]string, len(list))
	for i, one := range list {
		if words[i] = f.wording(one, lang); one == nil {
			words[i] = "–"
		}
	}
	return strings.Join(words, Text{"；", "; "}.In(lang))
}

func (f Field) wording(value any, lang string) string {
	switch v := value.(type) {
	case string:
		if list := LookupCodeList(f.List); list != nil {
			return list.Label(v, lang)
		}
		return v
	case bool:
		if v {
			return Text{"是", "yes"}.In(lang)
		}
		return Text{"否", "no"}.In(lang)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		return f.wordingOf(v, lang)
	}
	return ""
}

// wordingOf words a value that is an object: a code with its list, an amount, or
// the original wordings by field.
func (f Field) wordingOf(object map[string]any, lang string) string {
	if f.Type == "coded" {
		scheme, _ := object["scheme"].(string)
		code, _ := object["code"].(string)
		if list := LookupCodeList(scheme); list != nil {
			return code + " " + list.Label(code, lang)
		}
		return scheme + " " + code
	}
	var words []string
	if f.Type == "money" {
		low, _ := object["min"].(float64)
		high, _ := object["max"].(float64)
		amount := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
		switch {
		case low == high && low > 0:
			words = append(words, amount(low))
		case low > 0 && high > 0:
			words = append(words, amount(low)+"–"+amount(high))
		case high > 0:
			words = append(words, "≤ "+amount(high))
		case low > 0:
			words = append(words, "≥ "+amount(low))
		}
		for _, name := range []string{"currency", "basis"} {
			if s, _ := object[name].(string); s != "" {
				words = append(words, s)
			}
		}
		if open, _ := object["negotiable"].(bool); open {
			words = append(words, Text{"面议", "negotiable"}.In(lang))
		}
		return strings.Join(words, " ")
	}
	for name, v := range object {
		s, _ := v.(string)
		words = append(words, name+Text{"：", ": "}.In(lang)+s)
	}
	slices.Sort(words)
	return strings.Join(words, Text{"；", "; "}.In(lang))
}

// Apart returns what two texts begin and end with in common, and what each has in
// between.
func Apart(a, b string) (head, onlyA, onlyB, tail string) {
	n := 0
	for n < len(a) && n < len(b) {
		r, size := utf8.DecodeRuneInString(a[n:])
		if other, _ := utf8.DecodeRuneInString(b[n:]); r != other {
			break
		}
		n += size
	}
	head, a, b = a[:n], a[n:], b[n:]
	for n = 0; n < len(a) && n < len(b); {
		r, size := utf8.DecodeLastRuneInString(a[:len(a)-n])
		if other, _ := utf8.DecodeLastRuneInString(b[:len(b)-n]); r != other {
			break
		}
		n += size
	}
	return head, a[:len(a)-n], b[:len(b)-n], a[len(a)-n:]
}
