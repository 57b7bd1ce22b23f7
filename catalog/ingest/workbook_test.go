package ingest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
)

// workbookOf makes a workbook as excelize writes it.
func workbookOf(t testing.TB, make func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	make(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// put writes rows from a cell on.
func put(t testing.TB, f *excelize.File, sheet, at string, rows ...[]any) {
	t.Helper()
	column, row, err := excelize.CellNameToCoordinates(at)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		name, _ := excelize.CoordinatesToCellName(column, row+i)
		if err := f.SetSheetRow(sheet, name, &rows[i]); err != nil {
			t.Fatal(err)
		}
	}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func inputOf(name string, b []byte) []File { return []File{{name, bytes.NewReader(b)}} }

// placed shows a report as "sheet!row outcome column/rule", notes after a dash.
func placed(r *Report) string {
	var out []string
	for _, l := range r.Rows {
		s := fmt.Sprintf("%s!%d %s", l.Sheet, l.Row, l.Outcome)
		if l.Rule != "" {
			s += " " + l.Column + "/" + l.Rule
		}
		out = append(out, s)
	}
	for _, l := range r.Notes {
		out = append(out, fmt.Sprintf("- %s!%d %s", l.Sheet, l.Row, l.Rule))
	}
	return strings.Join(out, "\n")
}

func TestWorkbookOfAnOffice(t *testing.T) {
	book := workbookOf(t, func(f *excelize.File) {
		must(t, f.SetSheetName("Sheet1", "成果"))
		date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		must(t, err)
		month := "yyyy\"年\"m\"月\""
		monthly, err := f.NewStyle(&excelize.Style{CustomNumFmt: &month})
		must(t, err)
		put(t, f, "成果", "A1", []any{"2026 年科技成果目录"}, []any{}, []any{"填报单位：甲研究院"})
		put(t, f, "成果", "A4", []any{"序 号", "成 果\n名 称*", "完成单位", "时间", nil, "联系方式"})
		put(t, f, "成果", "D5", []any{"完成时间", "登记日期", "联 系 人", "手机号"})
		put(t, f, "成果", "A6", []any{"(1)", "（2）", "③", "4", 5, "6", "7"})
		must(t, f.MergeCell("成果", "A1", "G1"), f.MergeCell("成果", "A4", "A5"), f.MergeCell("成果", "B4", "B5"), f.MergeCell("成果", "C4", "C5"),
			f.MergeCell("成果", "D4", "E4"), f.MergeCell("成果", "F4", "G4"))
		put(t, f, "成果", "A7", []any{1, "甲成果", "甲研究院", 45292, 45292, "某人", "某号"}, []any{2, "乙成果", nil, 45352.75, 45352.75})
		must(t, f.MergeCell("成果", "C7", "C8"))
		must(t, f.SetCellStyle("成果", "D7", "D8", date), f.SetCellStyle("成果", "E7", "E8", monthly))
		put(t, f, "成果", "A10", []any{"二、其他成果"}, []any{3, "丙成果", "丙公司", "2024.5"})
		must(t, f.MergeCell("成果", "A10", "G10"))
		put(t, f, "成果", "A12", []any{"序号", "成果名称", "完成单位", "完成时间", "登记日期", "联系人", "手机号"}, []any{4, "丁成果", "丁公司"})
		must(t, f.SetRowVisible("成果", 13, false))
	})
	d := catalog.NewDraft(nil, now)
	r := importInto(t, d, inputOf("成果.xlsx", book), Options{})
	want := strings.Join([]string{
		"成果!7 published", "成果!8 published", "成果!11 published", "成果!13 refused /hidden_row",
		"- 成果!5 header", "- 成果!10 caption", "- 成果!12 header",
	}, "\n")
	if got := placed(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	uses := map[string]Use{}
	for _, c := range r.Columns {
		uses[c.Name] = c.Use
	}
	if !maps.Equal(uses, map[string]Use{"序 号": Unused, "成 果 名 称*": Mapped, "完成单位": Mapped, "完成时间": Mapped, "登记日期": Mapped, "联 系 人": Dropped, "手机号": Dropped}) {
		t.Errorf("columns = %v", uses)
	}
	b := record[*catalog.Achievement](t, d, "乙成果")
	if len(b.Organizations) != 1 || b.Organizations[0].Name != "甲研究院" || b.CompletedOn != "2024-03-01" || b.Registration.Date != "2024-03" {
		t.Errorf("record = %+v, registration %+v", b, b.Registration)
	}
	if c := record[*catalog.Achievement](t, d, "丙成果"); c.CompletedOn != "2024-05" {
		t.Errorf("completed on %q", c.CompletedOn)
	}
}

func TestCellsOfEveryKind(t *testing.T) {
	sheet := func(cells string) string {
		return `<row r="1"><c r="A1" t="inlineStr"><is><t>成果名称</t></is></c><c r="B1" t="inlineStr"><is><t>简介</t></is></c></row>` +
			`<row r="2"><c r="A2" t="inlineStr"><is><t>甲成果</t></is></c>` + cells + `</row>`
	}
	tests := []struct{ name, cells, want, rule string }{
		{"text", `<c r="B2" t="inlineStr"><is><t>a &amp; &lt;b&gt; &#x4E2D;&#25991;<![CDATA[ & ]]></t></is></c>`, "a & <b> 中文 & ", ""},
		{"escape", `<c r="B2" t="inlineStr"><is><t>甲_x000D_
乙_x005F_x000D_ _xD83D__xDE00_ _xD800_</t></is></c>`, "甲\n乙_x000D_ 😀 _xD800_", ""},
		{"rich text without its reading aid", `<c r="B2" t="inlineStr"><is><r><t>甲</t></r><r><t>乙</t></r><rPh><t>jia</t></rPh></is></c>`, "甲乙", ""},
		{"shared", `<c r="B2" t="s"><v>1</v></c>`, "共用的<文字>", ""},
		{"formula text", `<c r="B2" t="str"><f>A1&amp;"x"</f><v>得出</v></c>`, "得出", ""},
		{"formula without result", `<c r="B2"><f>A1</f></c>`, "", "formula"},
		{"error", `<c r="B2" t="e"><v>#N/A</v></c>`, "", "cell_error"},
		{"true", `<c r="B2" t="b"><v>1</v></c>`, "TRUE", ""},
		{"number", `<c r="B2"><v>0.30000000000000004</v></c>`, "0.3", ""},
		{"number with exponent", `<c r="B2"><v>1.5E+3</v></c>`, "1500", ""},
		{"long number", `<c r="B2"><v>4.1020250000000001E+17</v></c>`, "410202500000000000", "rounded"},
		{"date", `<c r="B2" s="1"><v>45658</v></c>`, "2025-01-01", ""},
		{"text under a date format", `<c r="B2" s="1" t="inlineStr"><is><t>待定</t></is></c>`, "待定", ""},
		{"date out of range", `<c r="B2" s="1"><v>-5</v></c>`, "-5", ""},
		{"ISO date", `<c r="B2" t="d"><v>2025-01-02T10:00:00</v></c>`, "2025-01-02", ""},
		{"prefixed names", `<x:c xmlns:x="u" r="B2"><x:v>7</x:v></x:c>`, "7", ""},
		{"without addresses", `<c><v>8</v></c>`, "8", ""},
		{"blank", `<c r="B2" s="1"/>`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var cells []string
			var notes []finding
			for r, err := range rowsOfBook(t, bookParts(sheet(tt.cells)), Options{}) {
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range r.cells {
					cells = append(cells, c.text)
				}
				notes = append(notes, r.notes...)
			}
			if len(cells) != 2 || cells[1] != tt.want {
				t.Errorf("cells = %q, want %q", cells, tt.want)
			}
			if len(notes) > 1 || len(notes) == 1 && (notes[0].rule != tt.rule || notes[0].column != "简介") || len(notes) == 0 && tt.rule != "" {
				t.Errorf("notes = %+v, want %q", notes, tt.rule)
			}
		})
	}
}

// bookParts is the smallest workbook, with what stands in its sheet's data.
func bookParts(data string) map[string]string {
	const main, office = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	rels := func(list string) string {
		return `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + list + `</Relationships>`
	}
	return map[string]string{
		"[Content_Types].xml":        `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels":                rels(`<Relationship Id="r1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/>`),
		"xl/workbook.xml":            `<workbook xmlns="` + main + `" xmlns:r="` + office + `"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": rels(`<Relationship Id="r1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="` + office + `/sharedStrings" Target="/xl/sharedStrings.xml"/><Relationship Id="r3" Type="` + office + `/styles" Target="styles.xml"/>`),
		"xl/worksheets/sheet1.xml":   `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="` + main + `"><sheetData>` + data + `</sheetData></worksheet>`,
		"xl/sharedStrings.xml":       `<sst xmlns="` + main + `"><si><t>零</t></si><si><r><t>共用的</t></r><r><t>&lt;文字&gt;</t></r></si></sst>`,
		"xl/styles.xml":              `<styleSheet xmlns="` + main + `"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
	}
}

func zipOf(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		w, err := z.Create(name)
		must(t, err)
		_, err = io.WriteString(w, parts[name])
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

func rowsOfBook(t testing.TB, parts map[string]string, opt Options) func(func(row, error) bool) {
	t.Helper()
	m, err := newMapping(catalog.Achievements, nil)
	must(t, err)
	s := &source{file: File{"a.xlsx", bytes.NewReader(zipOf(t, parts))}, opt: &opt, mapping: m, note: func(string, int, finding) {}}
	return s.rows(t.Context())
}

func TestFormatPrecision(t *testing.T) {
	tests := []struct {
		code string
		want datePrecision
	}{
		{"yyyy-mm-dd", fullDate},
		{"yyyy/m/d;@", fullDate},
		{`[$-804]yyyy"年"m"月"d"日";@`, fullDate},
		{`yyyy"年"m"月"`, yearAndMonth},
		{"yyyy", yearOnly},
		{"mmm-yy", yearAndMonth},
		{"yyyy-mm-dd hh:mm:ss.000", fullDate},
		{`m"月"d"日"`, fullDate},
		{"[DBNum1][$-804]yyyy年m月d日", fullDate},
		{"General", noDate},
		{"G/通用格式", noDate},
		{"0.00", noDate},
		{"#,##0", noDate},
		{"@", noDate},
		{"[h]:mm:ss", noDate},
		{"h:mm AM/PM", noDate},
		{`0" d"`, noDate},
		{`"yyyy"`, noDate},
		{"[Red]0", noDate},
		{"0.00E+00", noDate},
		{`\d`, noDate},
		{"", noDate},
		{`"`, noDate},
	}
	for _, tt := range tests {
		if got := formatPrecision(tt.code); got != tt.want {
			t.Errorf("formatPrecision(%q) = %d, want %d", tt.code, got, tt.want)
		}
	}
}

func TestDateText(t *testing.T) {
	tests := []struct {
		serial    float64
		precision datePrecision
		date1904  bool
		want      string
	}{
		{45658, fullDate, false, "2025-01-01"},
		{45658.99, fullDate, false, "2025-01-01"},
		{45658, yearAndMonth, false, "2025-01"},
		{45658, yearOnly, false, "2025"},
		{44196, fullDate, true, "2025-01-01"},
		{61, fullDate, false, "1900-03-01"},
		{60, fullDate, false, "1900-02-29"},
		{59, fullDate, false, "1900-02-28"},
		{1, fullDate, false, "1900-01-01"},
		{0, fullDate, false, "1899-12-31"},
		{2958465, fullDate, false, "9999-12-31"},
		{2958466, fullDate, false, ""},
		{-1, fullDate, false, ""},
	}
	for _, tt := range tests {
		if got, ok := dateText(tt.serial, tt.precision, tt.date1904); got != tt.want || ok != (tt.want != "") {
			t.Errorf("dateText(%v, %d, %v) = %q, %v, want %q", tt.serial, tt.precision, tt.date1904, got, ok, tt.want)
		}
	}
	// What excelize writes for a day is read as that day.
	day := time.Date(2031, 2, 28, 0, 0, 0, 0, time.UTC)
	book := workbookOf(t, func(f *excelize.File) {
		put(t, f, "Sheet1", "A1", []any{"成果名称", "完成时间"}, []any{"甲成果", day})
	})
	d := catalog.NewDraft(nil, now)
	importInto(t, d, inputOf("a.xlsx", book), Options{})
	if a := record[*catalog.Achievement](t, d, "甲成果"); a.CompletedOn != "2031-02-28" {
		t.Errorf("completed on %q", a.CompletedOn)
	}
}

func TestSheets(t *testing.T) {
	book := workbookOf(t, func(f *excelize.File) {
		must(t, f.SetSheetName("Sheet1", "说明"))
		put(t, f, "说明", "A1", []any{"请按模板填写"}, []any{"不得留空"})
		for _, name := range []string{"一", "二", "隐藏"} {
			_, err := f.NewSheet(name)
			must(t, err)
			put(t, f, name, "A1", []any{"成果名称"}, []any{"成果" + name})
		}
		must(t, f.SetSheetVisible("隐藏", false))
	})
	tests := []struct {
		name   string
		sheets []string
		want   string
		err    string
	}{
		{"every visible one", nil, "一!2 published\n二!2 published\n- 隐藏!0 hidden_sheet\n- 说明!0 sheet", ""},
		{"named", []string{"二"}, "二!2 published\n- 隐藏!0 hidden_sheet", ""},
		{"no such sheet", []string{"三"}, "", `no sheet "三"; there are 说明、一、二`},
		{"hidden", []string{"隐藏"}, "", "is hidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Import(t.Context(), catalog.NewDraft(nil, now), inputOf("a.xlsx", book), Options{Dataset: catalog.Achievements, Publisher: "p", Sheets: tt.sheets})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error = %v, want %q", err, tt.err)
				}
				return
			}
			must(t, err)
			if got := placed(r); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestHiddenColumns: what is hidden and published all the same is said.
func TestHiddenColumns(t *testing.T) {
	book := workbookOf(t, func(f *excelize.File) {
		put(t, f, "Sheet1", "A1", []any{"成果名称", "简介", "关键词", "联系人"}, []any{"甲成果", "其一", "其二", "某某"})
		must(t, f.SetColVisible("Sheet1", "B:D", false))
	})
	r := importInto(t, catalog.NewDraft(nil, now), inputOf("a.xlsx", book), Options{})
	if got := placed(r); got != "Sheet1!2 published\n- Sheet1!1 hidden_column\n- Sheet1!1 hidden_column" {
		t.Errorf("got\n%s", got)
	}
	if n := r.Notes[0]; n.Column != "简介" || !strings.Contains(n.MessageZH, "“简介”") || !strings.Contains(n.Message, "简介") {
		t.Errorf("note %+v", n)
	}
}

// setAside returns the text of a file that is in none of its rows, by its place, and
// how many rows there are.
func setAside(t *testing.T, f File) (texts map[string]string, rows int) {
	t.Helper()
	m, err := newMapping(catalog.Achievements, nil)
	must(t, err)
	texts = map[string]string{}
	s := &source{
		file: f, opt: &Options{}, mapping: m, note: func(string, int, finding) {},
		asides: func(a aside) { texts[a.place("en")] += a.text },
	}
	for _, err := range s.rows(t.Context()) {
		must(t, err)
		rows++
	}
	return texts, rows
}

func TestWhatIsInNoRowIsSetAside(t *testing.T) {
	book := workbookOf(t, func(f *excelize.File) {
		must(t, f.SetSheetName("Sheet1", "内部表"))
		put(t, f, "内部表", "A1", []any{"标题"}, []any{"内部资料"}, []any{"成果名称", "完成单位", "简介"}, []any{"甲成果", "甲", "乙"}, []any{"注：不得外传"})
		must(t, f.MergeCell("内部表", "A5", "C5"))
		must(t, f.AddComment("内部表", excelize.Comment{Cell: "B4", Author: "某人", Text: "批注一"}))
		must(t, f.SetHeaderFooter("内部表", &excelize.HeaderFooterOptions{OddHeader: "页眉字"}))
		must(t, f.AddShape("内部表", &excelize.Shape{Cell: "E2", Type: "rect", Paragraph: []excelize.RichTextRun{{Text: "文本框"}}}))
		_, err := f.NewSheet("暗")
		must(t, err)
		put(t, f, "暗", "A3", []any{nil, "旁注"})
		must(t, f.AddComment("暗", excelize.Comment{Cell: "A1", Text: "批注二"}))
		must(t, f.SetSheetVisible("暗", false, true))
		must(t, f.SetDocProps(&excelize.DocProperties{Creator: "填表人", Subject: "题目"}))
		must(t, f.SetCustomProps(excelize.CustomProperty{Name: "密级", Value: "一般"}))
	})
	got, rows := setAside(t, inputOf("a.xlsx", book)[0])
	for place, text := range map[string]string{
		"sheet 内部表": "内部表", "sheet 暗": "暗", "comment 内部表!B4": "批注一", "comment 暗!A1": "批注二", "hidden sheet 暗!B3": "旁注",
		"property creator": "填表人", "property subject": "题目", "property 密级": "一般", "cell 内部表!A2": "内部资料", "cell 内部表!A5": "注：不得外传",
		"drawing 内部表": "文本框", "page header 内部表": "页眉字",
	} {
		if !strings.Contains(got[place], text) {
			t.Errorf("%s: %q, want %q", place, got[place], text)
		}
	}
	if rows != 1 {
		t.Errorf("%d rows, want 1", rows)
	}
}

// allocated returns how many bytes do asked for altogether.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHostileWorkbooks(t *testing.T) {
	sheet := bookParts
	with := func(name, content string) map[string]string {
		p := bookParts(`<row r="1"><c r="A1" t="inlineStr"><is><t>成果名称</t></is></c></row>`)
		p[name] = content
		return p
	}
	raw := func(parts map[string]string, name string, size uint64, packed []byte, sum uint32) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for n, content := range parts {
			if n != name {
				w, _ := z.Create(n)
				_, _ = io.WriteString(w, content)
			}
		}
		w, _ := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CRC32: sum, UncompressedSize64: size, CompressedSize64: uint64(len(packed))})
		_, _ = w.Write(packed)
		_ = z.Close()
		return b.Bytes()
	}
	deflated := func(content string) []byte {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		_, _ = io.WriteString(w, content)
		_ = w.Close()
		return b.Bytes()
	}
	bomb := strings.Repeat(" ", 8<<20)
	manyEntries := func() []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := range 100_000 {
			_, _ = z.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("f%d", i), Method: zip.Store})
		}
		_ = z.Close()
		return b.Bytes()
	}
	ole := append([]byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}, make([]byte, 1000)...)
	encrypted := workbookEncrypted(t)
	blankRows := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `<row r="%d"/>`, i+1)
		}
		return b.String()
	}
	var twice bytes.Buffer
	z := zip.NewWriter(&twice)
	for _, name := range []string{"xl/workbook.xml", "XL/Workbook.xml"} {
		_, err := z.Create(name)
		must(t, err)
	}
	must(t, z.Close())
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "empty"},
		{"cut off", zipOf(t, sheet(""))[:200], "not complete"},
		{"bomb", zipOf(t, with("xl/media/a.bin", bomb)), "ZIP bomb"},
		{"bomb that claims to be small", raw(bookParts(""), "xl/worksheets/sheet1.xml", 1000, deflated(bomb), crc32.ChecksumIEEE([]byte(bomb))), "size or check sum"},
		{"small that claims to be large", raw(bookParts(""), "xl/styles.xml", 100_000, deflated("<styleSheet/>"), 0), "size or check sum"},
		{"claims more than is ever unpacked", raw(bookParts(""), "xl/media/a.bin", MaxUnpackedBytes+1, deflated("x"), 0), "more than 512 MiB"},
		{"wrong check sum", raw(bookParts(""), "xl/media/a.bin", 3, deflated("abc"), 7), "size or check sum"},
		{"100,000 entries", manyEntries(), "more than 2000 entries"},
		{"path that leads out", zipOf(t, with("xl/../../etc/x", "x")), "leads out"},
		{"two entries of one name", twice.Bytes(), "same name"},
		{"no workbook", zipOf(t, map[string]string{"word/document.xml": "<a/>"}), "no workbook"},
		{"old format", ole, "save it as .xlsx"},
		{"password", encrypted, "remove the password"},
		{"far-away cell", zipOf(t, sheet(`<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>`)), "XFD1048576 is too far away"},
		{"far-away column", zipOf(t, sheet(`<row r="1"><c r="XFD1"><v>1</v></c></row>`)), "XFD1 is too far away"},
		{"blank rows without end", zipOf(t, sheet(blankRows(MaxSheetRows+2))), "more than 200000 rows"},
		{"rows out of order", zipOf(t, sheet(`<row r="2"/><row r="1"/>`)), "row 1 after row 2"},
		{"cells out of order", zipOf(t, sheet(`<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>`)), "out of order"},
		{"cell of another row", zipOf(t, sheet(`<row r="1"><c r="A2"><v>1</v></c></row>`)), "another row"},
		{"no such text", zipOf(t, sheet(`<row r="1"><c r="A1" t="s"><v>99</v></c></row>`)), "text that the workbook lacks"},
		{"document type", zipOf(t, with("xl/styles.xml", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`)), "document type"},
		{"entity", zipOf(t, sheet(`<row r="1"><c r="A1" t="str"><v>&b;</v></c></row>`)), "unknown reference"},
		{"ends early", zipOf(t, with("xl/worksheets/sheet1.xml", `<worksheet><sheetData><row r="1">`)), "ends within"},
		{"crossed tags", zipOf(t, sheet(`<row r="1"><c r="A1"></row></c>`)), "do not match"},
		{"UTF-16", zipOf(t, with("xl/worksheets/sheet1.xml", `<?xml version="1.0" encoding="UTF-16"?><worksheet/>`)), "not in UTF-8"},
		{"not UTF-8", zipOf(t, sheet("<row r=\"1\"><c r=\"A1\" t=\"str\"><v>\xb3\xc9</v></c></row>")), "not in UTF-8"},
		{"NUL", zipOf(t, sheet("<row r=\"1\"><c r=\"A1\" t=\"str\"><v>\x00</v></c></row>")), "NUL"},
		{"deep nesting", zipOf(t, with("xl/styles.xml", strings.Repeat("<a>", 200)+strings.Repeat("</a>", 200))), "nested more than"},
		{"endless text", zipOf(t, sheet(`<row r="1"><c r="A1" t="str"><v>`+noise(1<<20)+`</v></c></row>`)), "text or tag of more than"},
		{"overlapping ranges", zipOf(t, with("xl/worksheets/sheet1.xml",
			`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>成果名称</t></is></c></row></sheetData><mergeCells><mergeCell ref="A1:C3"/><mergeCell ref="B1:D1"/></mergeCells></worksheet>`)), "overlap"},
		{"no sheet", zipOf(t, with("xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>`)), "no sheet is visible"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			dir := t.TempDir()
			used := allocated(func() {
				_, err = Import(t.Context(), catalog.NewDraft(nil, now), inputOf("a.xlsx", tt.file), Options{Dataset: catalog.Achievements, Publisher: "p", TempDir: dir})
			})
			fault, ok := errors.AsType[*FileError](err)
			if !ok || !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error = %v, want %q", err, tt.want)
			}
			if fault.ZH == "" || fault.In("zh") == fault.In("en") {
				t.Errorf("says %q", fault.Text)
			}
			// The file itself, and then all that was ever asked for, freed or not.
			if most := uint64(len(tt.file)) + 24<<20; used > most {
				t.Errorf("%d MiB were allocated for a file of %d KiB", used>>20, len(tt.file)>>10)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// noise is text that does not compress a hundredfold.
func noise(n int) string {
	b := make([]byte, 0, n+8)
	for i := n; len(b) < n; i++ {
		b = append(strconv.AppendInt(b, int64(i*i), 36), ';')
	}
	return string(b)
}

func workbookEncrypted(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	var b bytes.Buffer
	must(t, f.Write(&b, excelize.Options{Password: "secret"}))
	return b.Bytes()
}

func TestFilesUnderAnotherName(t *testing.T) {
	book := workbookOf(t, func(f *excelize.File) { put(t, f, "Sheet1", "A1", []any{"成果名称"}, []any{"甲成果"}) })
	if r := importInto(t, catalog.NewDraft(nil, now), inputOf("a.xls", book), Options{}); r.Totals.Published != 1 {
		t.Errorf("totals %+v", r.Totals)
	}
	for _, tt := range []struct {
		name, content, want string
	}{
		{"a.xls", "\xef\xbb\xbf<html><table><tr><td>成果名称</td></tr></table></html>", "web page"},
		{"a.xls", "成果名称\t简介\n", "text table"},
		{"a.csv", string(book), "workbook or an archive"},
		{"a.jsonl", string(book), "workbook or an archive"},
		{"a.xlsx", strings.Repeat("x", MaxWorkbookBytes+1), "no Excel workbook"},
		{"a.xlsx", "PK\x03\x04" + strings.Repeat("x", MaxWorkbookBytes), "more than 64 MiB"},
	} {
		_, err := Import(t.Context(), catalog.NewDraft(nil, now), file(tt.name, tt.content), Options{Dataset: catalog.Achievements, Publisher: "p"})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// manyTexts is a workbook whose texts do not stay in memory.
func manyTexts(t testing.TB, rows int) []byte {
	var data, shared strings.Builder
	data.WriteString(`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>`)
	shared.WriteString(`<sst><si><t>成果名称</t></si><si><t>简介</t></si>`)
	for i := range rows {
		fmt.Fprintf(&data, `<row r="%d"><c r="A%d" t="s"><v>%d</v></c><c r="B%d" t="s"><v>%d</v></c></row>`, i+2, i+2, 2*i+2, i+2, 2*i+3)
		fmt.Fprintf(&shared, `<si><t>成果%d</t></si><si><t>%s%d</t></si>`, i, noise(900+i%7)+"长文", i)
	}
	parts := bookParts(data.String())
	parts["xl/sharedStrings.xml"] = shared.String() + `</sst>`
	return zipOf(t, parts)
}

func TestManyTextsLeaveNoFile(t *testing.T) {
	const rows = 5_000
	dir := t.TempDir()
	d := catalog.NewDraft(nil, now)
	seen := 0
	r := importInto(t, d, inputOf("a.xlsx", manyTexts(t, rows)), Options{TempDir: dir, Progress: func(int) {
		// While it is read the file has no name already (but on Windows).
		if left, _ := os.ReadDir(dir); runtime.GOOS != "windows" && len(left) > 0 {
			t.Fatalf("left %v", left)
		}
		seen++
	}})
	if r.Totals.Published != rows || seen == 0 {
		t.Errorf("totals %+v", r.Totals)
	}
	if a := record[*catalog.Achievement](t, d, "成果4999"); !strings.HasSuffix(a.Abstract, "长文4999") {
		t.Errorf("abstract %q", a.Abstract)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestTextsInAnyOrder(t *testing.T) {
	texts := texts{dir: t.TempDir()}
	defer texts.close()
	of := func(i int) string { return strings.Repeat(strconv.Itoa(i), i%900) }
	const n = 10_000
	for i := range n {
		must(t, texts.add([]byte(of(i))))
	}
	must(t, texts.flush())
	if texts.file == nil {
		t.Fatal("everything stayed in memory: the test is too small")
	}
	for i := range n {
		at := i * 7919 % n
		if got, ok, err := texts.get(at); got != of(at) || !ok || err != nil {
			t.Fatalf("text %d = %q, %v, %v", at, got, ok, err)
		}
	}
	for _, at := range []int{-1, n} {
		if _, ok, err := texts.get(at); ok || err != nil {
			t.Errorf("text %d: %v, %v", at, ok, err)
		}
	}
}
