package ingest

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// draftRecord is a row that became a record.
type draftRecord struct {
	record catalog.Record
	// key is what the source itself calls the record, empty when it does not.
	key   string
	notes []finding
}

// finding is something to say about a row.
type finding struct {
	column, rule string
	zh, en       string
}

// build turns a row into a record of m's dataset. Findings refuse the row; where
// the record could be made all the same it is there, so that it can be told whether
// it is public already.
func build(m *mapping, r row) (draftRecord, []finding) {
	var (
		out    draftRecord
		refuse []finding
		object = map[string]any{}
		raw    = map[string]string{}
	)
	for _, c := range r.cells {
		if c.empty() {
			continue
		}
		t := m.column(c.column)
		switch {
		case t.use == Gate:
			if reason, closed := gate(t.name, c); closed {
				refuse = append(refuse, finding{c.column, reason.rule, reason.zh, reason.en})
			}
		case t.use != Mapped:
		case t.name == sourceKey:
			if key := strings.TrimSpace(c.plain()); out.key == "" {
				out.key = key
			} else if key != out.key {
				out.notes = append(out.notes, secondValue(c.column))
			}
		default:
			if u := place(object, t, c); u != nil {
				out.notes = append(out.notes, finding{c.column, u.rule, u.zh, u.en})
				if text, _ := catalog.CleanText(c.plain(), false); len(text) <= 500 {
					raw[t.field.Path] = text
				}
			}
		}
	}
	if len(raw) > 0 {
		object["raw"] = raw
	}
	record, f := decode(m.dataset, object)
	if f != nil {
		return out, append(refuse, *f)
	}
	out.record = record
	out.notes = append(out.notes, clean(record)...)
	compact(record)
	return out, refuse
}

// plain returns the text of a cell, or of a JSON string or number.
func (c cell) plain() string {
	if c.json == nil {
		return c.text
	}
	var s string
	if json.Unmarshal(c.json, &s) == nil {
		return s
	}
	return string(c.json)
}

// open values of the columns that decide about publication. An empty cell says
// nothing and is left to the unit's review.
var open = map[string]map[string]bool{
	"secrecy_level":  wordSet("公开 非密 无 无密级 非涉密 不涉密 内容公开 可公开 public unclassified none"),
	"classified":     wordSet("否 无 不涉密 非涉密 不涉及 未涉密 公开 0 false no n"),
	"secrecy_term":   wordSet("无 公开 不涉密 非涉密 0 none"),
	"publishable":    wordSet("是 公开 可 可以 可公开 可以公开 同意 同意公开 主动公开 社会公开 对外公开 1 true yes y public"),
	"restricted_use": wordSet("无 否 不限制 不限 无限制 0 false no none"),
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

func gate(name string, c cell) (unclear, bool) {
	if open[name][strings.ToLower(strings.TrimSpace(c.plain()))] {
		return unclear{}, false
	}
	return unclear{"M2", "该列表明此行不可公开", "this column says that the row must not be public"}, true
}

// place puts the value of c into object where t says. Columns that mean the same
// list are joined; of two values for one field the first stays.
func place(object map[string]any, t target, c cell) *unclear {
	f := t.field
	if c.json != nil && (c.json.Kind() != '"' || t.name != f.Path) {
		if _, taken := object[f.Top()]; taken {
			return second
		}
		object[f.Top()] = c.json
		return nil
	}
	text := c.plain()
	top, rest, nested := strings.Cut(strings.ReplaceAll(f.Path, "[]", ""), ".")
	if !f.Many() {
		v, u := convert(f, text)
		if u != nil {
			return u
		}
		member := object
		if nested {
			inner, _ := object[top].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
				object[top] = inner
			}
			member, top = inner, rest
		}
		if was, taken := member[top]; taken && was != v {
			return second
		}
		member[top] = v
		return nil
	}

	values, u := convertMany(f, text)
	list, _ := object[top].([]any)
	// The n-th kind belongs to the n-th number: a column that fills a member of
	// the list's objects begins behind those that have the member already.
	at := 0
	for nested && at < len(list) && has(list[at], rest) {
		at++
	}
	for i, v := range values {
		switch {
		case !nested:
			if v != nil {
				list = append(list, v)
			}
		default:
			if at+i == len(list) {
				list = append(list, map[string]any{})
			}
			if v != nil {
				list[at+i].(map[string]any)[rest] = v
			}
		}
	}
	if len(list) > 0 {
		object[top] = list
	}
	return u
}

func has(member any, name string) bool {
	object, ok := member.(map[string]any)
	_, there := object[name]
	return ok && there
}

var second = &unclear{"second_value", "另一列已给出该字段的不同取值，本列未采用", "another column gives a different value for this field; this one is not used"}

func secondValue(column string) finding { return finding{column, second.rule, second.zh, second.en} }

// convertMany converts every value in a cell; nil keeps the place of one that could
// not be. A value that stands for itself is not taken apart: some labels contain
// the separators.
func convertMany(f catalog.Field, text string) ([]any, *unclear) {
	if v, u := convert(f, text); u == nil && (f.Type == "code" || f.Type == "coded") {
		return []any{v}, nil
	}
	var values []any
	var first *unclear
	for _, part := range split(f, text) {
		v, u := convert(f, part)
		if u != nil {
			v = nil
			if first == nil {
				first = u
			}
		}
		values = append(values, v)
	}
	return values, first
}

// decode makes the record. The finding names the place and never the value.
func decode(d catalog.Dataset, object map[string]any) (catalog.Record, *finding) {
	record, err := catalog.NewRecord(d)
	if err != nil {
		return nil, &finding{"", "dataset", "未知的数据集", "unknown dataset"}
	}
	b, err := assemble(object)
	if err != nil {
		return nil, &finding{"", "json", "这一行不是有效的记录", "the row is not a valid record"}
	}
	if err := json.Unmarshal(b, record, json.RejectUnknownMembers(true)); err != nil {
		var pointer jsontext.Pointer
		if e, ok := errors.AsType[*json.SemanticError](err); ok {
			pointer = e.JSONPointer
		} else if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			pointer = e.JSONPointer
		}
		// Only the top: what lies below may be a name the source made up.
		field, _, _ := strings.Cut(strings.TrimPrefix(string(pointer), "/"), "/")
		return nil, &finding{field, "type", "“" + field + "”的类型不对", field + " is not of the type this field has"}
	}
	record.Head().Dataset = d
	return record, nil
}

// assemble encodes the members. Values that came as JSON were proved to be JSON
// when the row was taken apart and are copied.
func assemble(object map[string]any) ([]byte, error) {
	b := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value := object[name]
		if len(b) > 1 {
			b = append(b, ',')
		}
		// Names are those of fields: they need no escaping.
		b = append(append(append(b, '"'), name...), '"', ':')
		if raw, ok := value.(jsontext.Value); ok {
			b = append(b, raw...)
			continue
		}
		v, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		b = append(b, v...)
	}
	return append(b, '}'), nil
}

// clean brings every text of the record into publishable form and tells which
// fields lost characters that could not be shown.
func clean(r catalog.Record) []finding {
	var notes []finding
	catalog.Rewrite(r, func(f catalog.Field, s string) string {
		if f.Type != "line" && f.Type != "text" && f.Type != "phone" {
			return s
		}
		c, changed := catalog.CleanText(s, f.Type == "text")
		if changed {
			notes = append(notes, finding{f.Path, "cleaned", f.Label.ZH + "中的不可见字符已去除或规范", "invisible characters were removed or normalized"})
		}
		return c
	})
	return notes
}
