package ingest

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// draftRecord is a row that became a record.
type draftRecord struct {
	record catalog.Record
	// key is what the source itself calls the record, empty when it does not.
	key string
	// uscc are unified social credit codes of the record's organizations, in
	// their order: not published, but they tell which organization is meant.
	uscc  []string
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
	b := builder{object: make(map[string]any, len(r.cells)), placed: make([]string, 0, len(r.cells)), next: map[string]int{}}
	var refused []finding
	for _, c := range r.cells {
		if c.empty() {
			continue
		}
		t := m.column(c.column)
		switch {
		case t.use == Gate:
			if closed(t.name, c) {
				refused = append(refused, closes(c.column, t.guessed))
			}
		case t.use != Mapped:
		case t.name == sourceKey:
			if key := strings.TrimSpace(c.plain()); b.key == "" {
				b.key = key
			} else if key != b.key {
				b.notes = append(b.notes, finding{c.column, "two_columns", "另一列已给出不同的来源编号，本列未采用", "another column gave a different source key: this one was not used"})
			}
		case t.name == orgCode:
			b.uscc = append(b.uscc, codesIn(c.plain())...)
		case t.coded && !closed("classified", c):
		case t.coded && !understood(t, c):
			refused = append(refused, closes(c.column, true))
		default:
			b.place(t, c)
		}
	}
	record, f := b.record(m.dataset)
	if f != nil {
		return b.draftRecord, append(refused, *f)
	}
	b.draftRecord.record = record
	b.notes = append(b.notes, clean(record)...)
	compact(record)
	return b.draftRecord, refused
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

// uscc in a cell: the form alone, the check digit is the catalog's to verify.
var usccForm = regexp.MustCompile(`[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}`)

func codesIn(text string) []string {
	return usccForm.FindAllString(strings.ToUpper(strings.Map(dropSpaceAndHyphen, strings.Map(foldRune, text))), -1)
}

// Values of the columns that decide about publication which leave it open.
// Anything else closes the row. An empty cell, or a dash in it, is left to the
// unit's review.
var openValues = map[string]map[string]bool{
	"secrecy_level":  wordSet("公开 非密 无 无密级 非涉密 不涉密 普通 内容公开 可公开 public unclassified none"),
	"classified":     wordSet("否 无 不涉密 非涉密 不涉及 未涉密 公开 0 false no n 非密 无密级 普通 不保密 无需保密 不需保密 不限 内容公开 可公开 全社会 社会公众 public unclassified none"),
	"secrecy_term":   wordSet("无 公开 不涉密 非涉密 无期限要求 0 0年 none"),
	"publishable":    wordSet("是 公开 可 可以 可公开 可以公开 同意 同意公开 主动公开 社会公开 对外公开 全社会公开 √ 1 true yes y public 能 允许 允许公开 完全公开 全部公开 全文公开 向社会公开 已公开 公示 已公示 可公示 同意公示 无异议 已解密"),
	"restricted_use": wordSet("无 否 不限制 不限 无限制 国内外 0 false no none"),
}

// closed reports whether the cell of a gate closes its row.
func closed(gate string, c cell) bool {
	value := strings.ToLower(foldWording(c.plain()))
	return strings.Trim(value, "-—/") != "" && !openValues[gate][value]
}

// closes says that a column closes its row.
func closes(column string, guessed bool) finding {
	if guessed {
		return finding{
			column, "M2", "列名说的像是密级或可否公开，而取值没有表明可以公开：此行不发布；该列另有含义的，请改列名",
			"the name of the column is like that of one for the secrecy grade or publication, and the value does not say that the row may be public; if the column means something else, rename it",
		}
	}
	return finding{column, "M2", "该列表明此行不可公开", "this column says that the row must not be public"}
}

// understood reports whether every value in a cell of codes is a code.
func understood(t target, c cell) bool {
	if c.json != nil && c.json.Kind() != '"' {
		return true // no wording: decoding the record judges it
	}
	values, _ := convertMany(t.field, c.plain(), t.hint)
	return !slices.Contains(values, nil) && (len(values) > 0 || isBlankWord(c.plain()))
}

// builder puts a record together from the cells of a row.
type builder struct {
	draftRecord
	object map[string]any
	raw    map[string]string
	// placed names the single-valued fields that a column of their own has given.
	placed []string
	// next is the object of its list that the next value of a field belongs to.
	next map[string]int
	// bare holds, by field, the codes that stood in a cell without a name.
	bare map[string][]string
}

// say notes what was made of a cell and keeps the source's wording.
func (b *builder) say(column, path string, r *remark, text string) {
	b.notes = append(b.notes, finding{column, r.rule, r.zh, r.en})
	if r.empty {
		return
	}
	if text, _ = normalizeText(text, false); len(text) > 500 || isPersonal(text) {
		return
	}
	if b.raw == nil {
		b.raw = map[string]string{}
	}
	if had := b.raw[path]; had != "" && had != text {
		text = had + "；" + text
	}
	b.raw[path] = text
}

// twoColumns says that a column was not used because another gave the field.
func (b *builder) twoColumns(column string, f catalog.Field) {
	b.notes = append(b.notes, finding{
		column, "two_columns",
		"“" + f.Label.ZH + "”已由另一列给出且内容不同，本列未采用", "another column gave " + f.Path + " already and says something else: this one was not used",
	})
}

// place puts the value of c where t says.
func (b *builder) place(t target, c cell) {
	f := t.field
	if c.json != nil && (c.json.Kind() != '"' || t.name != f.Path) {
		if _, taken := b.object[f.Top()]; taken {
			b.twoColumns(c.column, f)
			return
		}
		b.object[f.Top()] = c.json
		return
	}
	text, _ := decodeEscapes(c.plain())
	if f.Many() {
		b.placeMany(t, c.column, text)
		return
	}
	if f.Type == "date" {
		b.placeDate(t, c.column, text)
		return
	}
	v, r := convert(f, text, t.hint)
	if r != nil {
		b.say(c.column, f.Path, r, text)
	}
	if v == nil {
		return
	}
	if f.List == "division" {
		b.noteBare(f.Path, text)
	}
	b.set(c.column, f, v)
	if f.Path == "trl" && t.hint.trlScale != "" {
		b.setSoft("trl_scale", t.hint.trlScale)
	}
}

// noteBare remembers a code that stands without its name: what it means depends
// on when it was written.
func (b *builder) noteBare(path, text string) {
	if len(text) > 16 || !strings.ContainsAny(text, "0123456789０１２３４５６７８９") {
		return
	}
	text = foldWording(text)
	if _, ok := formerCodes[text]; !ok && (path != "industries[]" || !bareIndustry.MatchString(text)) {
		return
	}
	if b.bare == nil {
		b.bare = map[string][]string{}
	}
	b.bare[path] = append(b.bare[path], text)
}

// placeDate handles a cell that may hold both ends of a span.
func (b *builder) placeDate(t target, column, text string) {
	f := t.field
	if strings.TrimSpace(text) == "" || isBlankWord(text) {
		return
	}
	span, r := parseDates(text, t.hint.roc)
	d, ok := span.pick(f)
	if !ok && r == nil || !ok && span.from != "" && r != dateOpen {
		r = unclearDate
	}
	if r != nil {
		b.say(column, f.Path, r, text)
	}
	if ok {
		b.set(column, f, d)
	}
	if !span.span {
		return
	}
	if end := spanEnds[f.Path]; end != "" && span.to != "" {
		b.setSoft(end, span.to)
	}
	if start := spanStarts[f.Path]; start != "" && span.from != "" {
		b.setSoft(start, span.from)
	}
}

// set gives a single-valued field its value.
func (b *builder) set(column string, f catalog.Field, v any) {
	top, rest, nested := strings.Cut(f.Path, ".")
	holder, name := b.object, top
	if nested {
		member, _ := b.object[top].(map[string]any)
		if member == nil {
			if _, whole := b.object[top]; whole {
				b.twoColumns(column, f)
				return
			}
			member = map[string]any{}
			b.object[top] = member
		}
		holder, name = member, rest
	}
	if slices.Contains(b.placed, f.Path) {
		if holder[name] != v {
			b.twoColumns(column, f)
		}
		return
	}
	holder[name] = v
	b.placed = append(b.placed, f.Path)
}

// setSoft gives a field a value that its own column would override.
func (b *builder) setSoft(path string, v any) {
	if _, ok := b.object[path]; !ok {
		b.object[path] = v
	}
}

// placeMany adds the values of a cell to a list. Columns that describe one list
// (numbers and kinds of rights) are read in step: the n-th kind is of the n-th
// number. A second column of the same field goes on where the first ended.
func (b *builder) placeMany(t target, column, text string) {
	f := t.field
	values, r := convertMany(f, text, t.hint)
	if r != nil {
		b.say(column, f.Path, r, text)
	}
	if f.List == "division" || f.Type == "coded" && strings.ContainsAny(text, "0123456789") {
		for _, part := range splitPlain(f, text) {
			b.noteBare(f.Path, part)
		}
	}
	top, rest, nested := strings.Cut(strings.Replace(f.Path, "[]", "", 1), ".")
	list, ok := b.object[top].([]any)
	if _, taken := b.object[top]; taken && !ok {
		b.twoColumns(column, f)
		return
	}
	known := len(list)
	same := func(v any) bool {
		return slices.ContainsFunc(list[:known], func(e any) bool { return e.(map[string]any)[rest] == v })
	}
	for _, v := range values {
		switch {
		case !nested:
			if v != nil && !slices.Contains(list, v) {
				list = append(list, v)
			}
		case rest == "name" && same(v):
			// The first holder stands in the column of all holders again.
		default:
			at := b.next[f.Path]
			for len(list) <= at {
				list = append(list, map[string]any{})
			}
			if v != nil {
				list[at].(map[string]any)[rest] = v
			}
			b.next[f.Path]++
		}
	}
	if len(list) > 0 {
		b.object[top] = list
	}
}

// record makes the record of what was placed. The finding names the place and
// never the value.
func (b *builder) record(d catalog.Dataset) (catalog.Record, *finding) {
	for name, value := range b.object {
		if list, ok := value.([]any); ok {
			list = slices.DeleteFunc(list, func(e any) bool {
				m, ok := e.(map[string]any)
				return ok && len(m) == 0
			})
			if b.object[name] = list; len(list) == 0 {
				delete(b.object, name)
			}
		}
	}
	if len(b.raw) > 0 {
		b.object["raw"] = b.raw
	}
	record, f := decodeRecord(d, b.object)
	if f != nil {
		return nil, f
	}
	b.notes = append(b.notes, redate(record, b.bare)...)
	if a, ok := record.(*catalog.Achievement); ok && a.TRL >= 1 && a.TRL <= 9 && a.TRLScale == "" {
		b.dropTRL(a)
	}
	return record, nil
}

// dropTRL leaves out a readiness level that nobody says the scale of: editions
// of GB/T 22900 differ, and the scale is not guessed.
func (b *builder) dropTRL(a *catalog.Achievement) {
	if a.Raw == nil {
		a.Raw = map[string]string{}
	}
	if a.Raw["trl"] == "" {
		a.Raw["trl"] = strconv.Itoa(a.TRL)
	}
	a.TRL = 0
	b.notes = append(b.notes, finding{
		"trl", "trl_scale",
		"写了技术就绪度而没有写标准，未采用：请加一列“就绪度标准”，或把表头写作“技术就绪度（GB/T 22900-2022）”",
		"a readiness level without its scale was not used: add a column TRL scale, or name the scale in the header",
	})
}

// decodeRecord makes the record. The finding names the place and never the value.
func decodeRecord(d catalog.Dataset, object map[string]any) (catalog.Record, *finding) {
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

// assemble encodes the members, in order: of several faults the same is found
// first every time.
func assemble(object map[string]any) ([]byte, error) {
	return appendValue(make([]byte, 0, 1024), object)
}

// appendValue encodes what builder makes, many times faster than by reflection.
// Values that came as JSON were proved to be JSON when the row was taken apart and
// are copied.
func appendValue(b []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case jsontext.Value:
		return append(b, v...), nil
	case string:
		return jsontext.AppendQuote(b, v)
	case catalog.Date:
		return jsontext.AppendQuote(b, v)
	case bool:
		return strconv.AppendBool(b, v), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		b = append(b, '{')
		first := true
		for _, name := range slices.Sorted(maps.Keys(v)) {
			e := v[name]
			if !first {
				b = append(b, ',')
			}
			first = false
			// Names are those of fields: they need no escaping.
			b = append(append(append(b, '"'), name...), '"', ':')
			if b, err = appendValue(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	encoded, err := json.Marshal(v)
	return append(b, encoded...), err
}

// clean brings every text of the record into publishable form and tells which
// fields lost or changed more than white space.
func clean(r catalog.Record) []finding {
	var notes []finding
	catalog.Rewrite(r, func(f catalog.Field, s string) string {
		if f.Type != "line" && f.Type != "text" && f.Type != "phone" {
			return s
		}
		c, changed := normalizeText(s, f.Type == "text")
		if changed {
			notes = append(notes, finding{f.Path, "cleaned", f.Label.ZH + "中的不可见字符、转义已去除或规范", "invisible characters or escapes were removed or normalized"})
		}
		return c
	})
	return notes
}
