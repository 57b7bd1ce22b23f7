package opendata

import (
	"archive/zip"
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
)

// typeParquet is registered with IANA.
const typeParquet = "application/vnd.apache.parquet"

// exportFormat is one way of writing a dataset as a file.
type exportFormat struct {
	// extension ends the file's name, profile tells two of one extension apart.
	extension, profile string
	mediaType          string
	// text is worth compressing; the others are compressed inside.
	text bool
	// begin starts a file of t on w.
	begin func(w io.Writer, t exportTable) (rowWriter, error)
}

// exportTable is what the file is about.
type exportTable struct {
	dataset  catalog.DatasetInfo
	columns  []column
	manifest *catalog.Manifest
	hash     catalog.Hash
	// dir is where unfinished parts may lie, empty for the system's own.
	dir string
}

// rowWriter takes the records of a table one by one, by identifier. It is no interface
// because a workbook behind one would have the linker keep every method of excelize:
// 3.5 MB.
type rowWriter struct {
	record func(raw []byte, cells [][]scalar) error
	// close ends the file, abandon lets go of it unfinished; nil where that is nothing.
	close   func() error
	abandon func() error
}

// exportFormats in the order in which they are listed.
var exportFormats = []exportFormat{
	{"csv", "", "text/csv; charset=utf-8; header=present", true, beginCSV(false)},
	{"csv", "excel", "text/csv; charset=utf-8; header=present", true, beginCSV(true)},
	{"jsonl", "", typeLines, true, beginLines},
	{"xlsx", "", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false, beginWorkbook},
	{"parquet", "", typeParquet, false, beginParquet},
}

func (f exportFormat) name() string {
	if f.profile != "" {
		return f.profile + "." + f.extension
	}
	return f.extension
}

// lines are records as they stand in the release.
type lines struct{ w *bufio.Writer }

func beginLines(w io.Writer, _ exportTable) (rowWriter, error) {
	l := lines{bufio.NewWriterSize(w, 64<<10)}
	return rowWriter{record: l.record, close: l.w.Flush}, nil
}

func (l lines) record(raw []byte, _ [][]scalar) error {
	_, _ = l.w.Write(raw)
	return l.w.WriteByte('\n')
}

// csvFile is RFC 4180. Fields keep their line breaks as they are, which encoding/csv
// would not.
type csvFile struct {
	w     *bufio.Writer
	t     exportTable
	excel bool
}

func beginCSV(excel bool) func(io.Writer, exportTable) (rowWriter, error) {
	return func(w io.Writer, t exportTable) (rowWriter, error) {
		c := &csvFile{bufio.NewWriterSize(w, 64<<10), t, excel}
		if excel {
			_, _ = c.w.WriteString("\ufeff")
		}
		for i, col := range t.columns {
			if excel {
				c.field(i, col.label.ZH, true)
			} else {
				c.field(i, col.name, false)
			}
		}
		_, err := c.w.WriteString("\r\n")
		return rowWriter{record: c.record, close: c.w.Flush}, err
	}
}

func (c *csvFile) record(_ []byte, cells [][]scalar) error {
	for i, col := range c.t.columns {
		text := col.cellText(cells[i])
		// A number stays one: an apostrophe before -1 would make it a text.
		isText := len(cells[i]) > 0 && (col.many || cells[i][0].kind == '"')
		if c.excel && isText {
			text = neutralized(text)
		}
		c.field(i, text, c.excel && isText)
	}
	_, err := c.w.WriteString("\r\n")
	return err
}

// neutralized returns text with an apostrophe before what a spreadsheet would compute.
// It takes one before an apostrophe too, so that taking off the first undoes it.
func neutralized(text string) string {
	if r, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@\t\r\n'＝＋－＠", r) {
		return "'" + text
	}
	return text
}

func (c *csvFile) field(i int, text string, quoted bool) {
	if i > 0 {
		_ = c.w.WriteByte(',')
	}
	if !quoted && !strings.ContainsAny(text, ",\"\r\n") {
		_, _ = c.w.WriteString(text)
		return
	}
	_ = c.w.WriteByte('"')
	_, _ = c.w.WriteString(strings.ReplaceAll(text, `"`, `""`))
	_ = c.w.WriteByte('"')
}

// workbook is a file for Excel: a sheet of records, one that says what it is.
type workbook struct {
	t            exportTable
	file         *excelize.File
	sheet        *excelize.StreamWriter
	sheets, rows int
	heading, day int // styles
}

// What a sheet and a cell can hold. What is cut says so.
const (
	sheetRows  = excelize.TotalRows
	cellUnits  = excelize.TotalCellChars
	cutMark    = "…〔此处截断，全文见 CSV 或 JSON Lines〕"
	aboutSheet = "说明"
)

func beginWorkbook(w io.Writer, t exportTable) (rowWriter, error) {
	x := &workbook{t: t, file: excelize.NewFile(excelize.Options{TmpDir: t.dir})}
	// Straight to the file: excelize would collect the whole archive in memory first.
	x.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	var err error
	if x.heading, err = x.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}}); err != nil {
		return rowWriter{}, err
	}
	form := "yyyy-mm-dd"
	if x.day, err = x.file.NewStyle(&excelize.Style{CustomNumFmt: &form}); err != nil {
		return rowWriter{}, err
	}
	return rowWriter{record: x.record, close: x.close, abandon: x.file.Close}, x.newSheet()
}

func (x *workbook) newSheet() error {
	x.sheets++
	name := x.t.dataset.Label.ZH
	if x.sheets == 1 {
		if err := x.file.SetSheetName(x.file.GetSheetName(0), name); err != nil {
			return err
		}
	} else {
		if err := x.sheet.Flush(); err != nil {
			return err
		}
		name += " " + strconv.Itoa(x.sheets)
		if _, err := x.file.NewSheet(name); err != nil {
			return err
		}
	}
	var err error
	if x.sheet, err = x.file.NewStreamWriter(name); err != nil {
		return err
	}
	if err := x.sheet.SetColWidth(1, len(x.t.columns), 18); err != nil {
		return err
	}
	if err := x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	header := make([]any, len(x.t.columns))
	for i, c := range x.t.columns {
		header[i] = excelize.Cell{StyleID: x.heading, Value: c.label.ZH}
	}
	x.rows = 1
	return x.sheet.SetRow("A1", header)
}

func (x *workbook) record(_ []byte, cells [][]scalar) error {
	if x.rows == sheetRows {
		if err := x.newSheet(); err != nil {
			return err
		}
	}
	row := make([]any, len(cells))
	for i, c := range x.t.columns {
		row[i] = x.cell(c, cells[i])
	}
	x.rows++
	return x.sheet.SetRow("A"+strconv.Itoa(x.rows), row)
}

// cell returns a value as Excel types it. A text stays a text whatever it begins with.
func (x *workbook) cell(c column, values []scalar) any {
	if len(values) == 0 {
		return nil
	}
	if !c.many {
		switch v := values[0]; {
		case v.kind == '0':
			if n, err := strconv.ParseFloat(v.text, 64); err == nil {
				return n
			}
		case v.kind == 't', v.kind == 'f':
			return v.kind == 't'
		case c.kind == "date":
			// A month or a year is no day, and Excel knows none before 1900-03-01 for sure.
			if d, err := time.Parse(time.DateOnly, v.text); err == nil && d.Year() > 1900 {
				return excelize.Cell{StyleID: x.day, Value: d}
			}
		}
	}
	text := c.cellText(values)
	if text == "" {
		return nil
	}
	return fitting(text)
}

// fitting returns text cut to what a cell holds, counted in UTF-16.
func fitting(text string) string {
	if len(text) <= cellUnits {
		return text
	}
	units, cut := 0, 0
	room := cellUnits - utf8.RuneCountInString(cutMark)
	for i, r := range text {
		if units <= room {
			cut = i
		}
		units++
		if r > 0xffff {
			units++
		}
	}
	if units <= cellUnits {
		return text
	}
	return text[:cut] + cutMark
}

func (x *workbook) close() (err error) {
	defer func() { err = errors.Join(err, x.file.Close()) }()
	if err := x.sheet.Flush(); err != nil {
		return err
	}
	if err := x.about(); err != nil {
		return err
	}
	_, err = x.file.WriteTo(io.Discard)
	return err
}

// about writes the sheet that says where the data come from and how to read them.
func (x *workbook) about() error {
	if _, err := x.file.NewSheet(aboutSheet); err != nil {
		return err
	}
	// No stream: excelize writes several of them in any order, and the same release
	// gives the same file everywhere.
	if err := x.file.SetColWidth(aboutSheet, "A", "E", 30); err != nil {
		return err
	}
	m := x.t.manifest
	both := func(t catalog.Text) string { return strings.TrimSuffix(t.ZH+" / "+t.EN, " / ") }
	rows := [][]any{
		{"目录 Catalog", both(m.Title)},
		{"数据集 Dataset", both(x.t.dataset.Label)},
		{"发布机构 Publisher", both(m.Publisher)},
		{"来源 Source", m.PublicURL},
		{"许可 License", both(m.License.Name), m.License.SPDX, m.License.URL},
		{"发布序号 Release", m.Sequence},
		{"发布时间 Published at", m.PublishedAt.UTC().Format(time.RFC3339)},
		{"数据日期 As of", string(m.AsOf)},
		{"清单 SHA-256 Manifest", string(x.t.hash)},
	}
	if m.Sample {
		rows = append(rows, []any{"示例 Sample", "内容为虚构的示例 / the content is invented"})
	}
	rows = append(
		rows, nil,
		[]any{"多个值以 | 分隔，值中的 | 与 \\ 前加 \\；同一列表各列的第 n 个值相对应", "Several values stand apart by |; | and \\ within one have \\ before them; the n-th values of the columns of a list belong together"},
		nil, []any{"列 Column", "英文 English", "字段 Field", "类型 Type", "代码表 Code list"},
	)
	for _, c := range x.t.columns {
		rows = append(rows, []any{c.label.ZH, c.label.EN, c.name, c.kind, c.list})
	}
	for i, row := range rows {
		if err := x.file.SetSheetRow(aboutSheet, "A"+strconv.Itoa(i+1), &row); err != nil {
			return err
		}
	}
	return nil
}

// coder compresses a file while it is written.
type coder struct {
	coding string
	suffix string
	begin  func(io.Writer) (io.WriteCloser, error)
}

// coders, the better first.
var coders = []coder{
	{"zstd", ".zst", func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	}},
	{"gzip", ".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, 6) }},
}
