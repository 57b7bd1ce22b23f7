package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
)

// Example is a record as a publisher would hand it in: with the publisher's own
// key, and with references in the form "key:" and such a key.
type Example struct {
	Key    string
	Record catalog.Record
}

// templateMark begins the first cell of the sheets of a template that hold no
// data, by which the reader passes them over.
const templateMark = "洛书模板"

const (
	noteSheet = "说明"
	codeSheet = "代码"
	// templateRows is how far down the drop-down lists of a template reach.
	templateRows = 2000
)

// WriteTemplate writes an Excel workbook for records of d: a sheet with a column
// for every field that a publisher can give, filled in with examples, a sheet that
// explains the columns, and one with the values of the code lists. An example with
// a value that cannot be written into a cell is an error.
func WriteTemplate(w io.Writer, d catalog.Dataset, examples []Example) error {
	info, ok := d.Info()
	if !ok {
		return fmt.Errorf("template: unknown dataset %q: %w", d, catalog.ErrInvalid)
	}
	columns, err := templateColumns(d, examples)
	if err != nil {
		return fmt.Errorf("template: %s: %w", d, err)
	}
	t := &templateBook{File: excelize.NewFile(), info: info, columns: columns, rows: len(examples), lists: map[string]string{}}
	defer func() { _ = t.Close() }()
	if err := t.compose(); err != nil {
		return fmt.Errorf("template: %s: %w", d, err)
	}
	return t.Write(w)
}

// templateColumn is a column of the data sheet.
type templateColumn struct {
	header   string
	field    catalog.Field // of the source key: only labels and type
	required bool
	cells    []string // one for each example
}

// number reports whether cells of the column hold numbers, not text.
func (c templateColumn) number() bool {
	return (c.field.Type == "int" || c.field.Type == "number") && !c.field.Many()
}

// list returns the name of the code list the column's values come from, or "".
func (c templateColumn) list() string { return listOf(c.field) }

func listOf(f catalog.Field) string {
	switch {
	case f.Type == "code":
		return f.List
	case f.Path == "industries[]":
		return "gbt4754-2017"
	case f.Path == "disciplines[]":
		return "gbt13745-2009"
	}
	return ""
}

// templateColumns returns the columns of d under headers that the import maps to
// just these fields.
func templateColumns(d catalog.Dataset, examples []Example) ([]templateColumn, error) {
	m, err := newMapping(d, nil)
	if err != nil {
		return nil, err
	}
	key := catalog.Field{Path: sourceKey, Type: "line", Max: 100, Label: catalog.Text{ZH: "唯一编号", EN: "Source key"}}
	columns := []templateColumn{{field: key, required: d == catalog.Indicators}}
	for _, f := range catalog.Fields(d) {
		if !f.Assigned() {
			columns = append(columns, templateColumn{field: f, required: f.Path == "title"})
		}
	}
	objects := make([]jsontext.Value, len(examples))
	for i, e := range examples {
		if objects[i], err = json.Marshal(e.Record); err != nil {
			return nil, err
		}
	}
	for i := range columns {
		c := &columns[i]
		for _, header := range []string{c.field.Label.ZH, c.field.Label.EN, c.field.Path} {
			if t := m.column(header); c.header == "" && t.use == Mapped && t.name == c.field.Path {
				c.header = header
			}
		}
		if c.header == "" {
			return nil, fmt.Errorf("no column name leads to %s: %w", c.field.Path, catalog.ErrInvalid)
		}
		c.cells = make([]string, len(examples))
		for j, e := range examples {
			if i == 0 {
				c.cells[j] = e.Key
			} else if c.cells[j], err = cellText(c.field, objects[j]); err != nil {
				return nil, fmt.Errorf("example %d: %s: %w", j+1, c.field.Path, err)
			}
		}
	}
	return columns, nil
}

// cellText writes the values of f in a record as an operator would type them: the
// opposite of place. Members of objects in a list stand in a column each, a line
// for every object.
func cellText(f catalog.Field, record jsontext.Value) (string, error) {
	values, err := valuesAt(record, f.Path)
	if err != nil {
		return "", err
	}
	_, member, inObjects := strings.Cut(f.Path, "[].")
	said := slices.ContainsFunc(values, func(v jsontext.Value) bool { return v != nil })
	if !said && (f.Type != "bool" || !inObjects) {
		return "", nil
	}
	texts := make([]string, len(values))
	for i, v := range values {
		switch {
		case v != nil:
			if texts[i], err = valueText(f, v, len(values)); err != nil {
				return "", err
			}
		case f.Type == "bool":
			texts[i] = "否"
		default:
			texts[i] = emptyPlace
		}
	}
	separator := "；"
	if inObjects && member != "" {
		for texts[len(texts)-1] == emptyPlace {
			texts = texts[:len(texts)-1]
		}
		separator = "\n"
	}
	return strings.Join(texts, separator), nil
}

// emptyPlace stands where an object in a list lacks a member that a later one has.
const emptyPlace = "-"

// valuesAt returns the values at path in a JSON object, nil for an object in a
// list that lacks the member.
func valuesAt(object jsontext.Value, path string) ([]jsontext.Value, error) {
	part, rest, nested := strings.Cut(path, ".")
	name, many := strings.CutSuffix(part, "[]")
	var members map[string]jsontext.Value
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	value := members[name]
	if value == nil {
		if many {
			return nil, nil
		}
		return []jsontext.Value{nil}, nil
	}
	list := []jsontext.Value{value}
	if many {
		if err := json.Unmarshal(value, &list); err != nil {
			return nil, err
		}
	}
	if !nested {
		return list, nil
	}
	var values []jsontext.Value
	for _, element := range list {
		found, err := valuesAt(element, rest)
		if err != nil {
			return nil, err
		}
		values = append(values, found...)
	}
	return values, nil
}

// valueText writes one of count values that share a cell.
func valueText(f catalog.Field, v jsontext.Value, count int) (string, error) {
	switch f.Type {
	case "bool":
		return map[string]string{"true": "是", "false": "否"}[string(v)], nil
	case "int", "number":
		var n float64
		err := json.Unmarshal(v, &n)
		return strconv.FormatFloat(n, 'f', -1, 64), err
	case "money":
		var m catalog.Money
		if err := json.Unmarshal(v, &m); err != nil {
			return "", err
		}
		return moneyText(m)
	case "coded":
		var c catalog.Coded
		if err := json.Unmarshal(v, &c); err != nil {
			return "", err
		}
		list := listOf(f)
		if list == "" {
			return c.Scheme + ":" + c.Code, nil
		}
		if c.Scheme != list {
			return "", errNoCell
		}
		return codeText(list, c.Code, count), nil
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return "", err
	}
	if f.Type == "code" {
		return codeText(f.List, s, count), nil
	}
	separators := separatorMarks
	if strings.HasSuffix(f.Path, ".name") || f.Type == "text" {
		separators = nameSeparatorMarks
	}
	if f.Many() && strings.ContainsAny(s, separators) {
		return "", errNoCell
	}
	return s, nil
}

// What split takes for the end of a value. A comma may stand inside a name.
const (
	nameSeparatorMarks = ";；、|\n"
	separatorMarks     = nameSeparatorMarks + ",，"
)

var errNoCell = fmt.Errorf("a value cannot be written into a cell: %w", catalog.ErrInvalid)

// codeText returns the label of a code, or the code itself where the label means
// another or would be taken apart among count values.
func codeText(list, code string, count int) string {
	l := catalog.LookupCodeList(list)
	label := l.Label(code, "zh")
	if c, _ := l.Match(label); c.Code != code || count > 1 && strings.ContainsAny(label, separatorMarks) {
		return code
	}
	return label
}

// moneyText writes an amount as parseMoney reads it.
func moneyText(m catalog.Money) (string, error) {
	if m == (catalog.Money{Negotiable: true}) {
		return "面议", nil
	}
	if m.Currency != "CNY" || m.Negotiable || m.Basis != "" || m.Max == 0 || m.Min > m.Max {
		return "", errNoCell
	}
	unit, name := 1.0, "元"
	if m.Min == float64(int64(m.Min/1e4))*1e4 && m.Max == float64(int64(m.Max/1e4))*1e4 {
		unit, name = 1e4, "万元"
	}
	amount := func(n float64) string { return strconv.FormatFloat(n/unit, 'f', -1, 64) }
	switch m.Min {
	case m.Max:
		return amount(m.Max) + name, nil
	case 0:
		return "不超过" + amount(m.Max) + name, nil
	}
	return amount(m.Min) + "-" + amount(m.Max) + name, nil
}

// templateBook is the workbook while it is being made.
type templateBook struct {
	*excelize.File
	info    catalog.DatasetInfo
	columns []templateColumn
	rows    int
	// lists holds, by code list, the range of its values in the code sheet.
	lists map[string]string
	// styles
	heading, text, plain, title int
}

func (t *templateBook) compose() error {
	data := t.info.Label.ZH
	err := errors.Join(
		t.SetSheetName("Sheet1", data),
		t.SetDocProps(&excelize.DocProperties{Creator: "洛书 Luoshu", Title: t.info.Label.ZH + "模板 / " + t.info.Label.EN + " template"}),
	)
	for _, name := range []string{noteSheet, codeSheet} {
		_, e := t.NewSheet(name)
		err = errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	if err := t.styles(); err != nil {
		return err
	}
	for _, write := range []func() error{t.codes, func() error { return t.data(data) }, t.notes} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func (t *templateBook) styles() error {
	top := &excelize.Alignment{Vertical: "top", WrapText: true}
	const asText, general = 49, 0
	for _, s := range []struct {
		id    *int
		style excelize.Style
	}{
		{&t.heading, excelize.Style{
			NumFmt: asText, Font: &excelize.Font{Bold: true, Color: "FFFFFF"},
			Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"1F4E79"}},
			Alignment: &excelize.Alignment{Vertical: "center", WrapText: true},
		}},
		// As text, so that Excel makes no number of an identifier and no date of its own.
		{&t.text, excelize.Style{NumFmt: asText, Alignment: top}},
		{&t.plain, excelize.Style{NumFmt: general, Alignment: &excelize.Alignment{Vertical: "top"}}},
		{&t.title, excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}}},
	} {
		id, err := t.NewStyle(&s.style)
		if err != nil {
			return err
		}
		*s.id = id
	}
	return nil
}

// row writes texts into a row under one style.
func (t *templateBook) row(sheet string, number, style int, texts ...string) error {
	for i, text := range texts {
		at := cellName(i, number)
		if err := errors.Join(t.SetCellStr(sheet, at, text), t.SetCellStyle(sheet, at, at, style)); err != nil {
			return err
		}
	}
	return nil
}

func (t *templateBook) freeze(sheet string, rows int) error {
	return t.SetPanes(sheet, &excelize.Panes{
		Freeze: true, YSplit: rows, TopLeftCell: "A" + strconv.Itoa(rows+1), ActivePane: "bottomLeft",
	})
}

// data writes the sheet to be filled in.
func (t *templateBook) data(sheet string) error {
	for i, c := range t.columns {
		letter, style := columnLetters(i), t.text
		if c.number() {
			style = t.plain
		}
		if err := errors.Join(t.SetColStyle(sheet, letter, style), t.SetColWidth(sheet, letter, letter, c.width())); err != nil {
			return err
		}
		header := c.header
		if c.required {
			header += "*"
		}
		err := errors.Join(t.SetCellStr(sheet, letter+"1", header), t.SetCellStyle(sheet, letter+"1", letter+"1", t.heading))
		for j, text := range c.cells {
			at := cellName(i, j+2)
			err = errors.Join(err, t.SetCellStyle(sheet, at, at, style))
			if n, parse := strconv.ParseFloat(text, 64); c.number() && parse == nil {
				err = errors.Join(err, t.SetCellValue(sheet, at, n))
			} else if text != "" {
				err = errors.Join(err, t.SetCellStr(sheet, at, text))
			}
		}
		if err = errors.Join(err, t.dropDown(sheet, letter, c)); err != nil {
			return err
		}
	}
	return t.freeze(sheet, 1)
}

// width is in characters of the default font; a Chinese one takes two.
func (c templateColumn) width() float64 {
	switch c.field.Type {
	case "text":
		return 50
	case "date", "bool", "int", "number":
		return max(12, float64(2*utf8.RuneCountInString(c.header)+4))
	case "url":
		return 40
	}
	widest := utf8.RuneCountInString(c.header) + 2
	for _, text := range c.cells {
		for line := range strings.SplitSeq(text, "\n") {
			widest = max(widest, utf8.RuneCountInString(line))
		}
	}
	return float64(min(max(12, 2*widest), 40))
}

// dropDown offers the values of a column. It does not insist: several values in a
// cell and other known wordings are read as well.
func (t *templateBook) dropDown(sheet, letter string, c templateColumn) error {
	v := excelize.NewDataValidation(true)
	v.SetSqref(letter + "2:" + letter + strconv.Itoa(templateRows))
	switch {
	case c.field.Type == "bool":
		if err := v.SetDropList([]string{"是", "否"}); err != nil {
			return err
		}
	case t.lists[c.list()] != "":
		v.SetSqrefDropList(t.lists[c.list()])
	default:
		return nil
	}
	v.ShowErrorMessage = false
	return t.AddDataValidation(sheet, v)
}

// codes writes the code lists of the columns, side by side: what to write, in
// English, the code.
func (t *templateBook) codes() error {
	if err := t.row(codeSheet, 1, t.title, templateMark+"：代码表 / Luoshu template: code lists"); err != nil {
		return err
	}
	at := 0
	for _, c := range t.columns {
		list := catalog.LookupCodeList(c.list())
		if list == nil || t.lists[list.Name] != "" {
			continue
		}
		letters := [3]string{columnLetters(at), columnLetters(at + 1), columnLetters(at + 2)}
		rows := [][3]string{{list.Title.ZH, cmp.Or(list.Title.EN, list.Name), strings.TrimSpace(list.Source + " " + list.Edition)}}
		for _, code := range list.Codes() {
			if code.ValidTo == "" { // others are read where they stand, and not offered any more
				rows = append(rows, [3]string{codeText(list.Name, code.Code, 1), code.Label.EN, code.Code})
			}
		}
		for i, texts := range rows {
			for j, text := range texts {
				if err := t.SetCellStr(codeSheet, letters[j]+strconv.Itoa(i+2), text); err != nil {
					return err
				}
			}
		}
		last := strconv.Itoa(len(rows) + 1)
		err := errors.Join(
			t.SetColWidth(codeSheet, letters[0], letters[1], 24), t.SetColWidth(codeSheet, letters[2], letters[2], 20),
			t.SetCellStyle(codeSheet, letters[0]+"2", letters[2]+"2", t.heading), t.SetCellStyle(codeSheet, letters[0]+"3", letters[2]+last, t.text),
		)
		if err != nil {
			return err
		}
		t.lists[list.Name] = fmt.Sprintf("'%s'!$%s$3:$%s$%s", codeSheet, letters[0], letters[0], last)
		at += len(letters)
	}
	return t.freeze(codeSheet, 2)
}

// notes writes the sheet that explains the columns.
func (t *templateBook) notes() error {
	above := []string{
		fmt.Sprintf("%s：%s / Luoshu template: %s", templateMark, t.info.Label.ZH, t.info.Label.EN),
		fmt.Sprintf("在“%s”表中每行填写一条；第 2 至 %d 行是虚构的示例，填写前请删去。带 * 的列必填，其余可以留空，不用的列可以删去，列的次序不限。", t.info.Label.ZH, t.rows+1),
		fmt.Sprintf("One record a row in the sheet %q. Rows 2 to %d are invented examples: delete them first. Columns with * are required; others may stay empty or be deleted, in any order.", t.info.Label.ZH, t.rows+1),
		"联系人、手机、身份证号等个人信息和涉密内容不要填入；下拉列表之外，代码和常见的其他写法也能识别。",
		"Leave out contact persons, private telephones, identity numbers and anything secret. Besides the drop-down values, codes and other usual wordings are understood.",
	}
	for i, text := range above {
		style := t.plain
		if i == 0 {
			style = t.title
		}
		if err := t.row(noteSheet, i+1, style, text); err != nil {
			return err
		}
	}
	number := len(above) + 1
	if err := t.row(noteSheet, number, t.heading,
		"列名", "Column", "字段 Field", "必填 Required", "怎样填", "What to write", "最多字数 Longest",
		"代码表 Code list", "允许的取值", "Allowed values", "多个值", "Several values", "示例 Example"); err != nil {
		return err
	}
	for _, c := range t.columns {
		number++
		longest, required, list := "", "", catalog.Text{}
		if c.field.Max > 0 && (c.field.Type == "line" || c.field.Type == "text" || c.field.Type == "url") {
			longest = strconv.Itoa(c.field.Max)
		}
		if c.required {
			required = "是 yes"
		}
		if l := catalog.LookupCodeList(c.list()); l != nil {
			list = l.Title
		}
		what, values, many := whatToWrite(c.field), allowedValues(c), severalValues(c.field)
		example := ""
		if i := slices.IndexFunc(c.cells, func(s string) bool { return s != "" }); i >= 0 {
			example = c.cells[i]
		}
		if err := t.row(noteSheet, number, t.text,
			c.header, c.field.Label.EN, c.field.Path, required, what.ZH, what.EN, longest,
			strings.TrimSpace(list.ZH+" "+list.EN), values.ZH, values.EN, many.ZH, many.EN, example); err != nil {
			return err
		}
	}
	for i, width := range []float64{18, 24, 26, 10, 34, 34, 10, 22, 34, 34, 30, 30, 40} {
		letter := columnLetters(i)
		if err := t.SetColWidth(noteSheet, letter, letter, width); err != nil {
			return err
		}
	}
	return t.freeze(noteSheet, len(above)+1)
}

// whatToWrite says in plain words what a field holds.
func whatToWrite(f catalog.Field) catalog.Text {
	switch f.Path {
	case sourceKey:
		return catalog.Text{
			ZH: "贵单位对该条目的固定编号，再次导入时不要改动；只用来识别，不公开。指标须用小写字母、数字和连字符，至少一个连字符",
			EN: "your own lasting number of the record, not to be changed later; it identifies and is not published. For indicators: lower-case letters, digits and at least one hyphen",
		}
	case "schemes[]":
		return catalog.Text{ZH: "专题名:代码，专题须在目录说明中声明", EN: "SCHEME:CODE, of a scheme that the catalog's profile declares"}
	case "trl":
		return catalog.Text{ZH: "1 至 9 的整数，并填写就绪度标准", EN: "a whole number from 1 to 9; give the TRL scale too"}
	case "relations[].value":
		return catalog.Text{ZH: "专利申请号、DOI、标准号等；关联本目录的条目时写 key:唯一编号 或其公开编号", EN: "patent application number, DOI, standard …; for a record of the catalog key: and its source key, or its identifier"}
	}
	if t, ok := typeWords[f.Type]; ok {
		return t
	}
	return catalog.Text{ZH: "一行文字", EN: "one line of text"}
}

var typeWords = map[string]catalog.Text{
	"text":   {ZH: "文字，可以分段", EN: "text, line breaks allowed"},
	"int":    {ZH: "整数", EN: "a whole number"},
	"number": {ZH: "数字，不带单位", EN: "a number, without unit"},
	"bool":   {ZH: "是 或 否", EN: "是 (yes) or 否 (no)"},
	"date":   {ZH: "日期，写作 2026-11-20、2026-11 或 2026", EN: "a date: 2026-11-20, 2026-11 or 2026"},
	"url":    {ZH: "网址，以 https:// 开头", EN: "a web address that begins with https://"},
	"phone":  {ZH: "单位的固定电话，不要填写个人电话", EN: "the organization's switchboard, no private telephone"},
	"uscc":   {ZH: "18 位统一社会信用代码，会核对校验位", EN: "the code of 18 characters; its check character is verified"},
	"money":  {ZH: "金额连同单位：30万元、10-20万元、不超过50万元、面议", EN: "an amount with its unit: 30万元, 10-20万元, 不超过50万元 (at most), 面议 (negotiable)"},
	"code":   {ZH: "从下拉列表中选择", EN: "a value of the drop-down list"},
	"coded":  {ZH: "从下拉列表中选择，或填写代码", EN: "a value of the drop-down list, or its code"},
	"ref":    {ZH: "所指条目：key:唯一编号，或其公开编号", EN: "another record: key: and its source key, or its identifier"},
}

// mostAllowed is how many values of a code list are told beside a column.
const mostAllowed = 20

func allowedValues(c templateColumn) catalog.Text {
	if c.field.Type == "bool" {
		return catalog.Text{ZH: "是；否", EN: "是 (yes); 否 (no)"}
	}
	list := catalog.LookupCodeList(c.list())
	if list == nil {
		return catalog.Text{}
	}
	var zh, en []string
	for _, code := range list.Codes() {
		if code.ValidTo == "" {
			zh = append(zh, codeText(list.Name, code.Code, 1))
			en = append(en, code.Label.EN)
		}
	}
	if len(zh) > mostAllowed {
		return catalog.Text{ZH: fmt.Sprintf("%d 个，见“%s”表", len(zh), codeSheet), EN: fmt.Sprintf("%d, see the sheet %s", len(zh), codeSheet)}
	}
	return catalog.Text{ZH: strings.Join(zh, "；"), EN: strings.Join(en, "; ")}
}

func severalValues(f catalog.Field) catalog.Text {
	top, _, inObjects := strings.Cut(f.Path, "[].")
	switch {
	case inObjects:
		return catalog.Text{
			ZH: "每行一个（单元格内换行 Alt+Enter）；与其他 " + top + " 列按行次对应，空缺处写 -",
			EN: "one a line (Alt+Enter); the n-th lines of all " + top + " columns belong together, - for none",
		}
	case f.Many():
		return catalog.Text{ZH: "可以，用分号“；”分开", EN: "yes, separated by ；"}
	}
	return catalog.Text{ZH: "一个", EN: "one"}
}
