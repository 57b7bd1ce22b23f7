package ingest

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// fix imports a file and returns the workbook with what was to be said of it, as
// written and opened.
func fix(t *testing.T, name string, b []byte) ([]byte, *excelize.File) {
	t.Helper()
	opt := Options{Dataset: catalog.Achievements, Publisher: "p"}
	r, err := Import(t.Context(), catalog.NewDraft(nil, now), inputOf(name, b), opt)
	must(t, err)
	var out bytes.Buffer
	cells, _, err := WriteFixed(t.Context(), &out, File{name, bytes.NewReader(b)}, r, opt)
	must(t, err)
	f, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	signed := 0
	for _, text := range commentsOf(t, f) {
		if strings.Contains(text, fixAuthor) {
			signed++
		}
	}
	if signed != cells {
		t.Errorf("%d cells are said to be marked, %d are", cells, signed)
	}
	return out.Bytes(), f
}

// commentsOf returns the comments of a workbook by "Sheet!Cell".
func commentsOf(t *testing.T, f *excelize.File) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, sheet := range f.GetSheetList() {
		comments, err := f.GetComments(sheet)
		must(t, err)
		for _, c := range comments {
			if all[sheet+"!"+c.Cell] != "" {
				t.Errorf("two comments at %s!%s", sheet, c.Cell)
			}
			all[sheet+"!"+c.Cell] = textOf(c)
		}
	}
	return all
}

func colorOf(t *testing.T, f *excelize.File, sheet, cell string) string {
	t.Helper()
	id, err := f.GetCellStyle(sheet, cell)
	must(t, err)
	style, err := f.GetStyle(id)
	must(t, err)
	return strings.Join(style.Fill.Color, " ")
}

// faulty is a workbook with a title above its header, a merged cell, formats, a
// comment and a sheet beside.
func faulty(t *testing.T) []byte {
	t.Helper()
	return workbookOf(t, func(f *excelize.File) {
		must(t, f.SetSheetName("Sheet1", "成果"))
		_, err := f.NewSheet("备查")
		must(t, err)
		day := "yyyy\"年\"m\"月\"d\"日\""
		date, err := f.NewStyle(&excelize.Style{CustomNumFmt: &day, Font: &excelize.Font{Bold: true}})
		must(t, err)
		put(t, f, "成果", "B2", []any{"成果目录"})
		put(
			t, f, "成果", "B4",
			[]any{"成果名称", "所处阶段", "完成时间", "完成单位", "简介", "密级"},
			[]any{"甲成果", "中试", 45292, "甲研究院", "好", "公开"},
			[]any{"乙成果", "雏鹰", "10/03/2015", nil, "好", "公开"},
			[]any{nil, "中试", 45292, "乙公司", "没有名称", "公开"},
			[]any{"丁成果", "中试", 45292, "乙公司", "好", "内部"},
			[]any{"戊成果", "中试", "2024", "乙公司", "摘自内部资料", "公开"},
			[]any{"戊成果", "中试", "2024", "乙公司", "摘自内部资料", "公开"},
		)
		must(
			t, f.MergeCell("成果", "E5", "E6"), f.SetCellStyle("成果", "D5", "D8", date),
			f.AddComment("成果", excelize.Comment{Cell: "D6", Author: "某人", Paragraph: []excelize.RichTextRun{{Text: "待查"}}}),
			f.AddComment("成果", excelize.Comment{Cell: "C5", Author: "某人", Text: "已核"}),
			f.AddComment("备查", excelize.Comment{Cell: "A1", Author: "某人", Text: "留着"}),
			f.SetCellFormula("备查", "B1", "1+1"), f.SetCellStr("备查", "A1", "随手记"),
		)
	})
}

func TestFaultsAreSaidWhereTheyAre(t *testing.T) {
	before := faulty(t)
	written, f := fix(t, "成果.xlsx", before)
	got := commentsOf(t, f)
	want := map[string][]string{
		"备查!A1": {"留着"},
		"成果!C5": {"已核"},
		"成果!C6": {fixAuthor, "请留意 note（code）"},
		"成果!D6": {"待查", fixAuthor, "（date）", "write 2026-11-20"},
		"成果!B7": {"拒绝 refused（required）", "缺少名称"},
		"成果!G8": {"refused（M2）", "不能发布"},
		"成果!F9": {"待审 held（M3）", "another person"},
		// What concerns the whole row stands at its first cell.
		"成果!B10": {"refused（duplicate_row）"},
	}
	for _, at := range slices.Sorted(maps.Keys(got)) {
		if want[at] == nil {
			t.Errorf("a comment at %s: %s", at, got[at])
		}
	}
	for at, parts := range want {
		for _, part := range parts {
			if !strings.Contains(got[at], part) {
				t.Errorf("%s says %q, without %q", at, got[at], part)
			}
		}
		if strings.Contains(got[at], "雏鹰") || strings.Contains(got[at], "10/03") || strings.Contains(got[at], "摘自") {
			t.Errorf("%s quotes the cell: %s", at, got[at])
		}
	}
	for cell, color := range map[string]string{"C6": fills[0], "D6": fills[0], "B7": fills[2], "G8": fills[2], "F9": fills[1], "C5": "", "F6": ""} {
		if got := colorOf(t, f, "成果", cell); got != color {
			t.Errorf("%s is colored %q, want %q", cell, got, color)
		}
	}
	sameCells(t, before, written)
}

// sameCells: nothing but colors and comments differs, the date formats included.
func sameCells(t *testing.T, before, after []byte) {
	t.Helper()
	show := func(b []byte) string {
		f, err := excelize.OpenReader(bytes.NewReader(b))
		must(t, err)
		defer func() { _ = f.Close() }()
		var out strings.Builder
		for _, sheet := range f.GetSheetList() {
			merges, err := f.GetMergeCells(sheet)
			must(t, err)
			fmt.Fprintln(&out, sheet, merges)
			for row := 1; row <= 12; row++ {
				for column := range 8 {
					cell := cellName(column, row)
					value, err := f.GetCellValue(sheet, cell)
					must(t, err)
					kind, err := f.GetCellType(sheet, cell)
					must(t, err)
					formula, err := f.GetCellFormula(sheet, cell)
					must(t, err)
					id, err := f.GetCellStyle(sheet, cell)
					must(t, err)
					style, err := f.GetStyle(id)
					must(t, err)
					style.Fill = excelize.Fill{}
					fmt.Fprintln(&out, cell, kind, value, formula, style.NumFmt, style.CustomNumFmt != nil, style.Font != nil && style.Font.Bold)
				}
			}
		}
		return out.String()
	}
	if a, b := show(before), show(after); a != b {
		t.Errorf("was\n%s\nis\n%s", a, b)
	}
}

// TestTheCorrectedCopyIsPublished corrects every marked cell in the written copy,
// leaves the comments where they are, and imports it.
func TestTheCorrectedCopyIsPublished(t *testing.T) {
	_, f := fix(t, "成果.xlsx", faulty(t))
	for cell, value := range map[string]any{"C6": "中试", "D6": "2015-03-10", "B7": "丙成果", "G8": "公开", "F9": "好", "F10": "更好"} {
		must(t, f.SetCellValue("成果", cell, value))
	}
	var corrected bytes.Buffer
	must(t, f.Write(&corrected))
	d := catalog.NewDraft(nil, now)
	r := importInto(t, d, inputOf("成果.xlsx", corrected.Bytes()), Options{})
	if r.Totals.Published != 6 || strings.Contains(lines(r), "date") {
		t.Errorf("%s", lines(r))
	}
	if a := record[*catalog.Achievement](t, d, "甲成果"); a.CompletedOn != "2024-01-01" {
		t.Errorf("甲成果 was completed on %q", a.CompletedOn)
	}
	// Written again, the copy says nothing twice.
	again, _ := fix(t, "成果.xlsx", faulty(t))
	_, twice := fix(t, "成果.xlsx", again)
	for at, text := range commentsOf(t, twice) {
		if strings.Count(text, fixAuthor) > 1 {
			t.Errorf("%s: %s", at, text)
		}
	}
}

// TestFaultsUnderHiddenNames: where the report does not show the name of a file or
// sheet, its faults are marked all the same, and --sheet takes what the report says.
func TestFaultsUnderHiddenNames(t *testing.T) {
	names := []string{"#3", "联系 15400000000", "乙"} // the first looks like what the report calls the last
	book := workbookOf(t, func(f *excelize.File) {
		for i, name := range names {
			if i == 0 {
				must(t, f.SetSheetName("Sheet1", name))
			} else {
				_, err := f.NewSheet(name)
				must(t, err)
			}
			put(t, f, name, "A1", []any{"成果名称", "简介"}, []any{nil, "没有名称"})
		}
	})
	_, f := fix(t, "成果15400000000.xlsx", book)
	got := commentsOf(t, f)
	for _, name := range names {
		if !strings.Contains(got[name+"!A2"], "（required）") {
			t.Errorf("no comment in the sheet %q: %v", name, got)
		}
	}
	for asked, want := range map[string]string{"#1": "#1", "#2": "#2", "#3": "乙", "乙": "乙"} {
		r := importInto(t, catalog.NewDraft(nil, now), inputOf("a.xlsx", book), Options{Sheets: []string{asked}})
		if len(r.Rows) != 1 || r.Rows[0].Sheet != want {
			t.Errorf("--sheet %s reads %+v", asked, r.Rows)
		}
	}
	_, err := Import(t.Context(), catalog.NewDraft(nil, now), inputOf("a.xlsx", book), Options{Dataset: catalog.Achievements, Publisher: "p", Sheets: []string{"#4"}})
	if !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("there is no fourth sheet: %v", err)
	}
}

// TestCommentsCanBeImported: what is said of a marked cell is itself no mark that
// would stop the file it is written into.
func TestCommentsCanBeImported(t *testing.T) {
	for id := range strings.FieldsSeq("M1 M2 M3 M4 M5 M6 M7 M8 P1 P2 P3 P4 P5 P6 P7") {
		rule, ok := screen.LookupRule(id)
		if !ok {
			t.Fatalf("there is no %s", id)
		}
		for _, o := range []Outcome{Published, Held, Refused} {
			text := commentText([]Line{{Outcome: o, Rule: rule.ID, Message: rule.Text.EN, MessageZH: rule.Text.ZH}})
			var beside asides
			if beside.screen(aside{kind: asComment, in: "S", at: "A1", text: text}); beside.marked != nil {
				t.Errorf("%s: %v", rule.ID, beside.marked)
			}
		}
	}
}

// TestCommentsOfOtherPrograms: their parts are named otherwise than excelize
// thinks, and nothing gets lost or goes astray.
func TestCommentsOfOtherPrograms(t *testing.T) {
	tests := []struct {
		name    string
		replace []string // in every name and text
	}{
		{"as excelize does", nil},
		{"numbered crosswise", []string{"vmlDrawing1.vml", "vmlDrawing9.vml", "vmlDrawing2.vml", "vmlDrawing1.vml", "vmlDrawing9.vml", "vmlDrawing2.vml"}},
		{"as openpyxl does", []string{"../comments1.xml", "/xl/comments/comment1.xml", "xl/comments1.xml", "xl/comments/comment1.xml", "../drawings/vmlDrawing1.vml", "/xl/drawings/commentsDrawing1.vml", "vmlDrawing1.vml", "commentsDrawing1.vml"}},
		{"as LibreOffice does", []string{`id="_x0000_s`, `id="shape_`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parts := unzipped(t, faulty(t))
			for i := 0; i+1 < len(tt.replace); i += 2 {
				changed := map[string]string{}
				for name, text := range parts {
					changed[strings.ReplaceAll(name, tt.replace[i], tt.replace[i+1])] = strings.ReplaceAll(text, tt.replace[i], tt.replace[i+1])
				}
				parts = changed
			}
			_, f := fix(t, "成果.xlsx", zipOf(t, parts))
			got := commentsOf(t, f)
			if len(got) != 8 || got["备查!A1"] != "留着" || !strings.HasPrefix(got["成果!D6"], "待查\n\n"+fixAuthor) || got["成果!C5"] != "已核" {
				t.Errorf("comments: %q", got)
			}
		})
	}
}

func TestATextTableBecomesAWorkbook(t *testing.T) {
	const content = "成果目录,,\n成果名称,所处阶段,简介\n甲成果,中试,\"两\n行\"\n\n乙成果,雏鹰,007\n,中试,x\n"
	written, f := fix(t, "a.csv", []byte(content))
	got := commentsOf(t, f)
	if len(got) != 2 || !strings.Contains(got["Sheet1!B4"], "（code）") || !strings.Contains(got["Sheet1!A5"], "（required）") {
		t.Errorf("comments: %q", got)
	}
	if v, err := f.GetCellValue("Sheet1", "C4"); v != "007" || err != nil {
		t.Errorf("C4 = %q, %v", v, err)
	}
	must(t, f.SetCellValue("Sheet1", "A5", "丙成果"), f.SetCellValue("Sheet1", "B4", "中试"))
	var corrected bytes.Buffer
	must(t, f.Write(&corrected))
	if r := importInto(t, catalog.NewDraft(nil, now), inputOf("a.xlsx", corrected.Bytes()), Options{}); lines(r) != "3 published\n4 published\n5 published" {
		t.Errorf("%s\n%d bytes", lines(r), len(written))
	}
}

// TestTheGravestAreMarked: where there are more faults than anybody corrects, the
// rows that are refused come first.
func TestTheGravestAreMarked(t *testing.T) {
	var table strings.Builder
	table.WriteString("成果名称,所处阶段\n")
	for i := range MaxMarked {
		fmt.Fprintf(&table, "成果%d,雏鹰\n", i)
	}
	table.WriteString(",中试\n")
	opt := Options{Dataset: catalog.Achievements, Publisher: "p"}
	r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", table.String()), opt)
	var out bytes.Buffer
	marked, left, err := WriteFixed(t.Context(), &out, file("a.csv", table.String())[0], r, opt)
	must(t, err)
	if marked != MaxMarked || left != 1 {
		t.Errorf("%d marked, %d left", marked, left)
	}
	f, err := excelize.OpenReader(&out)
	must(t, err)
	defer func() { _ = f.Close() }()
	if got := commentsOf(t, f); got[fmt.Sprintf("Sheet1!A%d", MaxMarked+2)] == "" || got[fmt.Sprintf("Sheet1!B%d", MaxMarked+1)] != "" {
		t.Error("the refused row is not marked, or the last note is")
	}
}

func TestWritingBackEndsWhenToldTo(t *testing.T) {
	b := faulty(t)
	opt := Options{Dataset: catalog.Achievements, Publisher: "p"}
	r := importInto(t, catalog.NewDraft(nil, now), inputOf("成果.xlsx", b), opt)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out bytes.Buffer
	if _, _, err := WriteFixed(ctx, &out, File{"成果.xlsx", bytes.NewReader(b)}, r, opt); !errors.Is(err, context.Canceled) || out.Len() > 0 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
}

func unzipped(t *testing.T, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	parts := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		parts[f.Name] = string(text)
	}
	return parts
}

func TestWhatCannotBeWrittenBack(t *testing.T) {
	opt := Options{Dataset: catalog.Achievements, Publisher: "p"}
	for name, content := range map[string]string{"a.json": "[]", "a.jsonl": "{}", "a.luoshu": "PK", "a.xlsx": "no workbook"} {
		var out bytes.Buffer
		_, _, err := WriteFixed(t.Context(), &out, File{name, strings.NewReader(content)}, &Report{}, opt)
		if !errors.Is(err, catalog.ErrInvalid) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, out.Len())
		}
	}
}
