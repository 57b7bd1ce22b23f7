package ingest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// plants has, for every rule that looks at texts, a text it finds. The numbers
// belong to nobody: 154 is no operator's prefix, 88 no province, local numbers do
// not begin with 0, the card is a published test number.
var plants = map[string]string{
	"M1": "绝密★长期",
	"M3": "严禁外传",
	"M4": "涉密载体",
	"M5": "00000部队",
	"M6": "穿甲试验",
	"M8": "升温至950℃，保温3h，冷却至60℃，加入5%助剂，搅拌20min，干燥8小时",
	"P1": "880000199202290013",
	"P2": "手机15400000001",
	"P3": "传真0379-00000001",
	"P4": "邮箱name@mail.example.com",
	"P5": "卡号4111111111111111",
	"P7": "微信号example_id01",
}

// fate is what becomes of a file with a plant in one place.
type fate string

const (
	fileStopped   fate = "the file is not read"
	rowRefused    fate = "the row is refused"
	rowHeld       fate = "the row waits for a second person"
	rowRedacted   fate = "the row is published without it"
	wordingLeft   fate = "the row is published, the wording is not kept"
	columnCounted fate = "the row is published, the column is counted"
	placeNoted    fate = "the row is published, the report notes the place"
	rowHidden     fate = "the row is refused because it is hidden"
	unsaid        fate = "the row is published, nothing is said"
)

// fates of a place, by what a rule demands.
type fates struct {
	mark   fate // M1
	words  fate // M3 to M6
	number fate // P1, P5
	data   fate // P2, P3, P4, P7
	detail fate // M8
}

func (f fates) of(rule string) fate {
	switch rule {
	case "M1":
		return f.mark
	case "M8":
		return f.detail
	case "P1", "P5":
		return f.number
	case "P2", "P3", "P4", "P7":
		return f.data
	}
	return f.words
}

var (
	inField  = fates{rowRefused, rowHeld, rowRefused, rowRedacted, unsaid}
	inText   = fates{rowRefused, rowHeld, rowRefused, rowRedacted, rowHeld}
	inCode   = fates{rowRefused, rowHeld, rowRefused, wordingLeft, unsaid}
	inColumn = fates{rowRefused, rowHeld, columnCounted, columnCounted, unsaid}
	beside   = fates{fileStopped, placeNoted, fileStopped, placeNoted, unsaid}
)

// place is somewhere in a file, with the file that has a text there.
type place struct {
	name  string
	fates fates
	plant func(t *testing.T, text string) File
	// without are rules whose text does not fit there.
	without string
}

const plantHeader = "成果名称,成果简介,关键词,完成单位,应用行业,完成日期,联系人,我们的备注"

// inTable plants into a column of a text table.
func inTable(column string) func(*testing.T, string) File {
	return func(_ *testing.T, text string) File {
		header := strings.Split(plantHeader, ",")
		row := slices.Repeat([]string{""}, len(header))
		row[0] = "甲成果"
		i := slices.Index(header, column)
		row[i] = strings.TrimPrefix(row[i]+"，"+text, "，")
		return csvFile("a.csv", header, row, slices.Concat([]string{"乙成果"}, row[1:1], slices.Repeat([]string{""}, len(header)-1)))
	}
}

func csvFile(name string, rows ...[]string) File {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(rows)
	return File{name, &b}
}

// inBook plants into a workbook with two achievements.
func inBook(plant func(f *excelize.File, text string) error) func(*testing.T, string) File {
	return func(t *testing.T, text string) File {
		t.Helper()
		return File{"a.xlsx", bytes.NewReader(workbookOf(t, func(f *excelize.File) {
			put(t, f, "Sheet1", "A1", []any{"成果名称", "成果简介", "我们的备注"}, []any{"甲成果", "其一"}, []any{"乙成果", "其二"})
			must(t, plant(f, text))
		}))}
	}
}

func newSheet(f *excelize.File, text string) error {
	_, err := f.NewSheet("旁")
	return errors.Join(err, f.SetCellStr("旁", "C3", text))
}

// inParts plants into a workbook written by hand.
func inParts(plant func(parts map[string]string, text string)) func(*testing.T, string) File {
	return func(t *testing.T, text string) File {
		t.Helper()
		const cells = `<row r="1"><c r="A1" t="inlineStr"><is><t>成果名称</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>甲成果</t></is></c></row><row r="3"><c r="A3" t="inlineStr"><is><t>乙成果</t></is></c></row>`
		parts := bookParts(cells)
		plant(parts, text)
		return File{"a.xlsx", bytes.NewReader(zipOf(t, parts))}
	}
}

func insert(parts map[string]string, name, before, what string) {
	parts[name] = strings.Replace(parts[name], before, what+before, 1)
}

var places = []place{
	{"title", inField, inTable("成果名称"), ""},
	{"abstract", inText, inTable("成果简介"), ""},
	{"keyword", inField, inTable("关键词"), ""},
	{"organization", inField, inTable("完成单位"), ""},
	{"wording of a code", inCode, inTable("应用行业"), ""},
	{"wording of a date", inCode, inTable("完成日期"), ""},
	{"dropped column", inColumn, inTable("联系人"), ""},
	{"unknown column", inColumn, inTable("我们的备注"), ""},
	{"column name", beside, func(_ *testing.T, text string) File {
		return csvFile("a.csv", []string{"成果名称", text}, []string{"甲成果", "其一"}, []string{"乙成果", "其二"})
	}, ""},
	{"line above the table", beside, func(_ *testing.T, text string) File {
		return csvFile("a.csv", []string{"示例目录", text}, []string{"成果名称", "成果简介"}, []string{"甲成果"}, []string{"乙成果"})
	}, ""},
	{"note below the table", beside, func(_ *testing.T, text string) File {
		return csvFile("a.csv", []string{"成果名称"}, []string{"甲成果"}, []string{"乙成果"}, []string{"注：" + text})
	}, ""},
	{"file name", fates{fileStopped, fileStopped, fileStopped, placeNoted, unsaid}, func(_ *testing.T, text string) File {
		return csvFile("目录"+text+"。.csv", []string{"成果名称"}, []string{"甲成果"}, []string{"乙成果"})
	}, ""},

	{"unknown JSON member", inColumn, func(_ *testing.T, text string) File {
		return File{"a.json", strings.NewReader(`[{"title":"甲成果","other":{"deep":[1,"` + text + `"]}},{"title":"乙成果"}]`)}
	}, ""},
	{"name of an unknown JSON member", inColumn, func(_ *testing.T, text string) File {
		return File{"a.jsonl", strings.NewReader(`{"title":"甲成果","` + text + `":1}` + "\n" + `{"title":"乙成果"}`)}
	}, ""},
	{"member beside the JSON list", beside, func(_ *testing.T, text string) File {
		return File{"a.json", strings.NewReader(`{"meta":{"note":["` + text + `"]},"data":[{"title":"甲成果"},{"title":"乙成果"}]}`)}
	}, ""},

	{"cell of a hidden row", fates{rowRefused, rowHidden, rowRefused, rowHidden, rowHidden}, inBook(func(f *excelize.File, text string) error {
		return errors.Join(f.SetCellStr("Sheet1", "B2", text), f.SetRowVisible("Sheet1", 2, false))
	}), ""},
	{"cell of a hidden column", inText, inBook(func(f *excelize.File, text string) error {
		return errors.Join(f.SetCellStr("Sheet1", "B2", text), f.SetColVisible("Sheet1", "B", false))
	}), ""},
	{"cell of rich text", inText, inBook(func(f *excelize.File, text string) error {
		half := len(text) / 2
		for !strings.HasPrefix(text[half:], string([]rune(text[half:])[:1])) || text[half]&0xC0 == 0x80 {
			half--
		}
		return f.SetCellRichText("Sheet1", "B2", []excelize.RichTextRun{{Text: text[:half]}, {Text: text[half:]}})
	}), ""},
	{"cell below the header of no column", inColumn, inBook(func(f *excelize.File, text string) error {
		return f.SetCellStr("Sheet1", "E2", text)
	}), ""},
	{"cell covered by a merged one", beside, inParts(func(parts map[string]string, text string) {
		insert(parts, "xl/worksheets/sheet1.xml", `</row><row r="3">`, `<c r="B2" t="inlineStr"><is><t>`+text+`</t></is></c>`)
		insert(parts, "xl/worksheets/sheet1.xml", `</worksheet>`, `<mergeCells><mergeCell ref="A2:B2"/></mergeCells>`)
	}), ""},
	{"title across the table", beside, inBook(func(f *excelize.File, text string) error {
		return errors.Join(f.InsertRows("Sheet1", 1, 1), f.SetCellStr("Sheet1", "A1", text), f.MergeCell("Sheet1", "A1", "C1"))
	}), ""},
	{"caption within the table", beside, inBook(func(f *excelize.File, text string) error {
		return errors.Join(f.InsertRows("Sheet1", 3, 1), f.SetCellStr("Sheet1", "A3", text), f.MergeCell("Sheet1", "A3", "C3"))
	}), ""},
	{"formula", beside, inBook(func(f *excelize.File, text string) error {
		return f.SetCellFormula("Sheet1", "C2", `IF(FALSE,"按：`+text+`","")`)
	}), ""},
	{"comment", beside, inBook(func(f *excelize.File, text string) error {
		return f.AddComment("Sheet1", excelize.Comment{Cell: "A2", Author: "甲", Text: text})
	}), ""},
	{"threaded comment", beside, inParts(func(parts map[string]string, text string) {
		parts["xl/threadedComments/threadedComment1.xml"] = `<ThreadedComments><threadedComment ref="A2"><text>` + text + `</text></threadedComment></ThreadedComments>`
	}), ""},
	{"hidden sheet", beside, inBook(func(f *excelize.File, text string) error {
		return errors.Join(newSheet(f, text), f.SetSheetVisible("旁", false))
	}), ""},
	{"very hidden sheet", beside, inBook(func(f *excelize.File, text string) error {
		return errors.Join(newSheet(f, text), f.SetSheetVisible("旁", false, true))
	}), ""},
	{"visible sheet that is not read", beside, inBook(newSheet), ""},
	{"sheet name", beside, inBook(func(f *excelize.File, text string) error {
		return f.SetSheetName("Sheet1", text)
	}), "M8"},
	{"workbook property", beside, inBook(func(f *excelize.File, text string) error {
		return f.SetDocProps(&excelize.DocProperties{Subject: text})
	}), ""},
	{"property that somebody named", beside, inBook(func(f *excelize.File, text string) error {
		return f.SetCustomProps(excelize.CustomProperty{Name: text, Value: "是"})
	}), ""},
	{"defined name", beside, inBook(func(f *excelize.File, text string) error {
		return f.SetDefinedName(&excelize.DefinedName{Name: "示例", RefersTo: `"` + text + `"`})
	}), ""},
	{"page header", beside, inBook(func(f *excelize.File, text string) error {
		return f.SetHeaderFooter("Sheet1", &excelize.HeaderFooterOptions{OddHeader: "&C" + text})
	}), ""},
	{"text box", beside, inBook(func(f *excelize.File, text string) error {
		return f.AddShape("Sheet1", &excelize.Shape{Cell: "E2", Type: "rect", Paragraph: []excelize.RichTextRun{{Text: text}}})
	}), ""},
	{"description of a picture", beside, inParts(func(parts map[string]string, text string) {
		parts["xl/drawings/drawing1.xml"] = `<wsDr><pic><cNvPr id="1" descr="图：` + text + `"/></pic></wsDr>`
	}), ""},
	{"old drawing", beside, inParts(func(parts map[string]string, text string) {
		parts["xl/drawings/vmlDrawing1.vml"] = `<xml><v:textbox><div>` + text + `<br></div></v:textbox></xml>`
	}), ""},
	{"what another program keeps", beside, inParts(func(parts map[string]string, text string) {
		parts["customXml/item1.xml"] = `<label>` + text + `</label>`
	}), ""},
	{"tip of a link", beside, inBook(func(f *excelize.File, text string) error {
		tip := "见：" + text
		return f.SetCellHyperLink("Sheet1", "A2", "https://example.com/", "External", excelize.HyperlinkOpts{Tooltip: &tip})
	}), ""},
	{"target of a link", beside, inParts(func(parts map[string]string, text string) {
		parts["xl/worksheets/_rels/sheet1.xml.rels"] = `<Relationships><Relationship Id="r1" Type="hyperlink" TargetMode="External" Target="https://example.com/` + url.PathEscape("见："+text) + `"/></Relationships>`
	}), ""},
	{"prompt of a validation", beside, inBook(func(f *excelize.File, text string) error {
		v := excelize.NewDataValidation(true)
		v.Sqref = "B2:B9"
		v.SetInput("说明", "填写："+text)
		return f.AddDataValidation("Sheet1", v)
	}), ""},
	{"number format", beside, inBook(func(f *excelize.File, text string) error {
		format := `"按：` + text + `"0`
		_, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
		return err
	}), ""},
}

// TestPlanted plants what every rule looks for in every place of a file. Whatever
// becomes of it, it is neither published nor told.
func TestPlanted(t *testing.T) {
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			for _, rule := range slices.Sorted(maps.Keys(plants)) {
				if strings.Contains(p.without, rule) {
					continue
				}
				want := p.fates.of(rule)
				if got := becomes(t, rule, p.plant(t, plants[rule])); got != want && (want != wordingLeft || got != rowRedacted) {
					t.Errorf("%s: %s, want: %s", rule, got, want)
				}
			}
		})
	}
}

// becomes imports a file with a plant and returns what became of it.
func becomes(t *testing.T, rule string, f File) fate {
	t.Helper()
	text := plants[rule]
	d := catalog.NewDraft(nil, now)
	r, err := Import(t.Context(), d, []File{f}, Options{Dataset: catalog.Achievements, Publisher: "p", Sheets: nil})
	if err != nil {
		fault, ok := errors.AsType[*FileError](err)
		if !ok || !strings.Contains(fault.ZH, rule) || !strings.Contains(fault.EN, rule) || strings.Contains(fault.ZH+fault.EN, text) {
			t.Errorf("%s: error %v", rule, err)
		}
		return fileStopped
	}
	checkTotals(t, r)
	report, err := json.Marshal(r)
	must(t, err)
	if rule != "M8" && bytes.Contains(report, []byte(text)) {
		t.Errorf("%s: the report tells the text", rule)
	}
	publication, err := d.Build(t.Context(), catalog.BuildOptions{})
	must(t, err)
	for _, e := range publication.Release.Entries {
		if rule != "M8" && bytes.Contains(e.Raw, []byte(text)) {
			t.Errorf("%s: published: %s", rule, e.Raw)
		}
	}
	is := func(outcome Outcome) bool {
		return slices.ContainsFunc(r.Rows, func(l Line) bool { return l.Outcome == outcome && l.Rule == rule && l.Column != "" })
	}
	switch {
	case r.Totals.Refused == 1 && is(Refused):
		return rowRefused
	case r.Totals.Refused == 1 && slices.ContainsFunc(r.Rows, func(l Line) bool { return l.Rule == "hidden_row" }):
		return rowHidden
	case r.Totals.Held == 1 && is(Held):
		return rowHeld
	case r.Totals.Refused+r.Totals.Held > 0:
		t.Errorf("%s: %+v", rule, r.Rows)
	case r.Totals.Redacted == 1 && is(Published):
		return rowRedacted
	case slices.ContainsFunc(r.Columns, func(c Column) bool { return c.Use != Mapped && c.Personal == 1 && c.Values == 1 }):
		return columnCounted
	case slices.ContainsFunc(r.Notes, func(l Line) bool { return l.Rule == rule && l.Message != "" && l.MessageZH != "" }):
		return placeNoted
	case slices.ContainsFunc(r.Rows, func(l Line) bool { return l.Outcome == Published && l.Rule != "" }) && rule != "M8":
		return wordingLeft
	}
	return unsaid
}

// TestRulesOfColumns: M2 and P6 go by the column, whatever stands in it.
func TestRulesOfColumns(t *testing.T) {
	d := catalog.NewDraft(nil, now)
	r := importInto(t, d, file("a.csv", "成果名称,密级,联系人,手机号\n甲成果,秘密,某人甲,15400000001\n乙成果,公开,某人乙,15400000002\n"), Options{})
	if got := lines(r); got != "2 refused 密级/M2\n3 published" {
		t.Errorf("got\n%s", got)
	}
	for _, c := range r.Columns {
		if c.Name == "手机号" && (c.Use != Dropped || c.Values != 2 || c.Personal != 2 || c.Examples != nil) {
			t.Errorf("column %+v", c)
		}
	}
	b := record[*catalog.Achievement](t, d, "乙成果")
	if raw, err := json.Marshal(b); err != nil || bytes.Contains(raw, []byte("某人")) || bytes.Contains(raw, []byte("154")) {
		t.Errorf("published %s, %v", raw, err)
	}
}

// TestNamesOfColumns: a name in the name of a column of contacts is shown nowhere,
// and what must not be shown is called by its letter, in tables and in JSON.
func TestNamesOfColumns(t *testing.T) {
	for _, f := range []File{
		csvFile("a.csv", []string{"成果名称", "第二联系人电话", "联系人某某甲", "单位密级", "手机15400000001", "机密项目"}, []string{"甲成果", "1", "2", "公开", "3", "4"}),
		{"a.json", strings.NewReader(`[{"title":"甲成果","第二联系人电话":"1","联系人某某甲":"2","单位密级":"公开","手机15400000001":"3","机密项目":"4"}]`)},
	} {
		d := catalog.NewDraft(nil, now)
		r := importInto(t, d, []File{f}, Options{})
		var names []string
		for _, c := range r.Columns {
			names = append(names, c.Name+" "+string(c.Use))
		}
		want := "第二联系人电话 dropped, 联系人…(C) dropped, 单位密级 gate, 手机…(E) dropped, (F) unknown"
		if got := strings.Join(names[1:], ", "); got != want {
			t.Errorf("%s: columns %s, want %s", f.Name, got, want)
		}
		report, err := json.Marshal(r)
		must(t, err)
		saved, err := NewSavedMapping(r, "p", catalog.Achievements, nil, "2026-11-20").Encode()
		must(t, err)
		var page bytes.Buffer
		must(t, Page{Report: r, Draft: d, Lang: "zh", Made: now}.Write(&page))
		for _, text := range []string{string(report), string(saved), page.String()} {
			if strings.Contains(text, "某某甲") || strings.Contains(text, "154000") || strings.Contains(text, "机密项目") {
				t.Errorf("%s: what must not be shown is in %.300s", f.Name, text)
			}
		}
	}
}

// TestTwoCells: a mark can stand in two cells, or be the name of a property and its
// value.
func TestTwoCells(t *testing.T) {
	for name, f := range map[string]File{
		"line above the table": csvFile("a.csv", []string{"密级", "机密"}, []string{"成果名称", "完成单位"}, []string{"甲成果"}),
		"property": inBook(func(f *excelize.File, _ string) error {
			return f.SetCustomProps(excelize.CustomProperty{Name: "密级", Value: "秘密"})
		})(t, ""),
		"members": {"a.json", strings.NewReader(`{"密级":"秘密","data":[{"title":"甲成果"}]}`)},
	} {
		_, err := Import(t.Context(), catalog.NewDraft(nil, now), []File{f}, Options{Dataset: catalog.Achievements, Publisher: "p"})
		if fault, ok := errors.AsType[*FileError](err); !ok || !strings.Contains(fault.EN, "M1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := importInto(t, catalog.NewDraft(nil, now), file("a.json", `[{"title":"甲成果","other":{"密级":"秘密"}}]`), Options{})
	if got := lines(r); got != "1 refused other/M1" {
		t.Errorf("nested members: %s", got)
	}
}

// TestDisguisedPlants: hidden characters and signs between its characters make no
// other mark of it, in a record, beside the rows and in the name of the file.
func TestDisguisedPlants(t *testing.T) {
	for _, mark := range []string{"机\u00ad密★", "机\ufe0f密\U000e0101★", "机\u3164密\u115f★", "机 密 ★", "（机-密）★", "&#26426;密★", "機\u200b密☆"} {
		r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", "成果名称,我们的备注\n甲成果"+mark+",\n乙成果,"+mark+"\n丙成果,\n"), Options{})
		if r.Totals.Refused != 2 {
			t.Errorf("%q in cells: %s", mark, lines(r))
		}
		for place, f := range map[string]File{
			"above": csvFile("a.csv", []string{mark}, []string{"成果名称", "完成单位"}, []string{"甲成果"}),
			"name":  csvFile("目录"+mark+".csv", []string{"成果名称"}, []string{"甲成果"}),
		} {
			if _, err := Import(t.Context(), catalog.NewDraft(nil, now), []File{f}, Options{Dataset: catalog.Achievements, Publisher: "p"}); !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("%q %s: %v", mark, place, err)
			}
		}
	}
}

// TestApprovalOfACell: a held cell of a column that is not published is approved
// like any other, and a changed one asks again.
func TestApprovalOfACell(t *testing.T) {
	const content = "source_key,成果名称,我们的备注\n1,甲成果,内部资料\n"
	r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", content), Options{Lifts: []Lift{{Rule: "M3", Row: 2}}})
	if lines(r) != "2 published" || len(r.Approved) != 1 {
		t.Fatalf("approved %+v\n%s", r.Approved, lines(r))
	}
	var remembered screen.Approvals
	remembered.Add(r.Approved[0].Approval)
	for text, want := range map[string]string{"内部资料": "2 published", "内部资料二": "2 held 我们的备注/M3"} {
		r = importInto(t, catalog.NewDraft(nil, now), file("a.csv", strings.Replace(content, "内部资料", text, 1)), Options{Approvals: &remembered})
		if got := lines(r); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestAClearanceHoldsForTheRow: military words beside a cleared record hold nothing.
func TestAClearanceHoldsForTheRow(t *testing.T) {
	for cleared, want := range map[string]string{`"dual_use":{"direction":"military-to-civil","clearance":"示例解密清单"},`: "1 published", "": "1 held other/M6"} {
		r := importInto(t, catalog.NewDraft(nil, now), file("a.json", `[{"title":"甲成果",`+cleared+`"other":"穿甲试验"}]`), Options{})
		if got := lines(r); got != want {
			t.Errorf("%q: %s, want %s", cleared, got, want)
		}
	}
}

// TestMarkedRowsThatArePublic: the operator learns that their earlier text still is.
func TestMarkedRowsThatArePublic(t *testing.T) {
	d := catalog.NewDraft(base(t), now)
	id, _ := d.PublishedAs(catalog.Achievements, "p", "3")
	r := importInto(t, d, file("a.csv", "source_key,title,我们的备注\n3,成果3,机密★\n4,成果4,手机15400000001\n"), Options{})
	if !slices.Equal(r.StillPublic, []catalog.ID{id}) || !strings.Contains(lines(r), "2 refused /still_public") {
		t.Errorf("still public %v, want %s\n%s", r.StillPublic, id, lines(r))
	}
}

// TestManyAsides: a sheet full of telephone numbers is one line of the report.
func TestManyAsides(t *testing.T) {
	f := inBook(func(f *excelize.File, text string) error {
		_, err := f.NewSheet("联系表")
		for i := range 300 {
			err = errors.Join(err, f.SetCellStr("联系表", fmt.Sprintf("B%d", i+1), text))
		}
		return err
	})(t, plants["P2"])
	r := importInto(t, catalog.NewDraft(nil, now), []File{f}, Options{})
	var found []string
	for _, n := range r.Notes {
		if n.Rule == "P2" {
			found = append(found, n.MessageZH)
		}
	}
	if len(found) != 1 || !strings.HasPrefix(found[0], "未读取的工作表 联系表!B1 等 300 处：含有手机号码") {
		t.Errorf("notes %q", found)
	}
}

// TestWhatCannotBeScreened is said.
func TestWhatCannotBeScreened(t *testing.T) {
	f := inParts(func(parts map[string]string, _ string) {
		parts["xl/media/image1.png"], parts["xl/embeddings/oleObject1.bin"] = "x", "y"
	})(t, "")
	r := importInto(t, catalog.NewDraft(nil, now), []File{f}, Options{})
	if len(r.Notes) != 1 || r.Notes[0].Rule != "not_screened" || !strings.Contains(r.Notes[0].Message, "1 pictures and 1 embedded") {
		t.Errorf("notes %+v", r.Notes)
	}
}

// TestRealTextsInAnyCell: real titles, units and patents stop nothing, wherever in
// a file they stand.
func TestRealTextsInAnyCell(t *testing.T) {
	for name, least := range map[string]int{"cn_titles_sample_utf8bom.csv": 400, "cn_completing_units_sample.txt": 300, "nasa_patents_comma.csv": 1300} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(filepath.Join(sharedData, name))
			if errors.Is(err, fs.ErrNotExist) {
				t.Skipf("%s is not beside this checkout", name)
			}
			must(t, err)
			defer func() { _ = f.Close() }()
			count := 0
			for in := bufio.NewScanner(f); in.Scan(); count++ {
				for _, found := range objections(screen.Cell, in.Text()) {
					t.Errorf("line %d: %s %s", count+1, found.Rule, found.Action)
				}
			}
			if count < least {
				t.Errorf("%d lines, want %d", count, least)
			}
		})
	}
}
