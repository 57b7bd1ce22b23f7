package ingest

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
)

// WriteFixed writes the file that report tells of as a workbook in which every
// cell that needs attention is colored and has a comment: which rule, and what to
// do. What concerns a whole row stands at its first cell. A workbook is written
// back with everything else in it; of a text table the rows are written as text.
// No comment holds what stands in a cell.
//
// f is the file as it was imported, read once more, and no other file of the report
// has its name; opt is what it was imported with.
// It returns how many cells are marked, and how many more there would have been:
// MaxMarked are, the gravest first. The error wraps catalog.ErrInvalid for a file
// that has no cells, such as JSON, and for one beyond the limits.
func WriteFixed(ctx context.Context, w io.Writer, f File, report *Report, opt Options) (marked, left int, err error) {
	in := &peeker{r: contextReader{ctx, f.Reader}}
	x := &fixer{ctx: ctx, faults: map[spot][]Line{}, styles: map[markedStyle]int{}}
	name := ShownName(f.Name)
	for _, l := range report.Rows {
		if l.File == name && l.Rule != "" {
			at := spot{sheet: l.Sheet, row: l.Row}
			x.faults[at] = append(x.faults[at], l)
		}
	}
	for _, h := range report.Headers {
		if h.File == name {
			x.headers = append(x.headers, h)
		}
	}
	switch ending(f.Name) {
	case ".csv", ".tsv", ".txt":
		err = x.text(f, in, opt)
	case ".xlsx", ".xlsm", ".xltx", ".xltm":
		err = x.workbook(in, opt.TempDir)
	default:
		err = refuse("只有工作簿和文本表格有单元格，可以加批注写回", "only workbooks and text tables have cells to comment on")
	}
	if x.File != nil {
		defer func() { _ = x.Close() }()
	}
	if err == nil {
		err = x.mark()
	}
	if err == nil {
		err = x.Write(contextWriter{ctx, w})
	}
	return x.marked, x.left, err
}

const (
	// MaxMarked bounds the cells that WriteFixed marks: the time for a comment grows
	// with their number, and nobody corrects more by hand.
	MaxMarked = 5000
	// MaxFixedCells bounds what WriteFixed writes, at a kilobyte of memory a cell.
	MaxFixedCells = 2_500_000
)

var errFixedCells = refuse(fmt.Sprintf("超过 %d 个单元格，无法加批注写回：请拆分，或用 --report", MaxFixedCells),
	fmt.Sprintf("more than %d cells cannot be written back with comments: split the file, or use --report", MaxFixedCells))

// contextWriter ends when its context does.
type contextWriter struct {
	ctx context.Context
	io.Writer
}

func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// textSheet is the sheet that a text table is written into.
const textSheet = "Sheet1"

// spot is a row of a file.
type spot struct {
	sheet string
	row   int
}

// fixer marks the cells of a workbook.
type fixer struct {
	*excelize.File
	ctx     context.Context
	headers []Header
	faults  map[spot][]Line
	// rows, unless nil, turns the rows of the report into those of the workbook that
	// is made of a text table.
	rows   map[int]int
	styles map[markedStyle]int

	marked, left int
}

type markedStyle struct{ style, fill int }

// workbook opens an .xlsx file whole.
func (x *fixer) workbook(in io.Reader, temp string) error {
	file, err := readAll(in, MaxWorkbookBytes)
	if err != nil {
		return err
	}
	archive, err := openArchive(file, file.size, MaxEntries)
	if err != nil {
		return err
	}
	if err := checkEntries(archive); err != nil {
		return err
	}
	if err := countCells(x.ctx, archive); err != nil {
		return err
	}
	tidy, err := tidyComments(x.ctx, archive)
	if err != nil {
		return err
	}
	var r io.Reader = io.NewSectionReader(file, 0, file.size)
	if tidy != nil {
		r = tidy
	}
	x.File, err = excelize.OpenReader(r, excelize.Options{UnzipSizeLimit: MaxUnpackedBytes, TmpDir: temp})
	if err != nil {
		return refuseBecause("工作簿无法写回", "the workbook cannot be written back", err)
	}
	return nil
}

// countCells refuses a workbook with more cells than can be written back.
func countCells(ctx context.Context, archive *zip.Reader) error {
	w := &workbook{ctx: ctx, archive: archive, parts: map[string]*zip.File{}}
	allowed, left := MaxCells, MaxFixedCells
	for _, f := range archive.File {
		name := strings.ReplaceAll(f.Name, "\\", "/")
		if w.parts[name] = f; !isSheet(name) {
			continue
		}
		err := w.scan(name, func(x *xmlScanner) error {
			return scanSheet(x, sheetVisitor{cell: func(*sheetCell) error {
				if left--; left < 0 {
					return errFixedCells
				}
				return nil
			}}, &allowed)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func isSheet(part string) bool {
	return strings.HasPrefix(part, "xl/worksheets/") && !strings.HasPrefix(part, "xl/worksheets/_rels/") && ending(part) == ".xml"
}

// text makes a workbook of a text table, with every cell as text.
func (x *fixer) text(f File, in *peeker, opt Options) error {
	m, err := newMapping(opt.Dataset, joinColumns(opt.Known, opt.Columns))
	if err != nil {
		return err
	}
	decoded, err := decodeText(in, opt.Encoding)
	if err != nil {
		return err
	}
	s := &source{file: f, opt: &opt, mapping: m}
	x.File = excelize.NewFile()
	x.rows = map[int]int{}
	style, err := x.NewStyle(&excelize.Style{NumFmt: 49})
	if err != nil {
		return err
	}
	if err := x.SetColStyle(textSheet, "A:"+columnLetters(MaxColumns-1), style); err != nil {
		return err
	}
	number, cells := 0, 0
	for g, err := range s.grid(limited(decoded)) {
		if err != nil {
			return err
		}
		if number++; number > MaxSheetRows {
			return tooManyRows(MaxSheetRows)
		}
		if cells += len(g.cells); cells > MaxFixedCells {
			return errFixedCells
		}
		x.rows[g.number] = number
		row := make([]any, len(g.cells))
		for i, text := range g.cells {
			row[i] = text
		}
		if err := x.SetSheetRow(textSheet, "A"+strconv.Itoa(number), &row); err != nil {
			return err
		}
	}
	return nil
}

// mark puts color and comment to the cells that need them.
func (x *fixer) mark() error {
	bySheet := map[string]map[string][]Line{}
	for at, lines := range x.faults {
		sheet, number := x.sheetName(at.sheet), at.row
		if x.rows != nil {
			number = x.rows[number]
		}
		if number == 0 {
			continue
		}
		if bySheet[sheet] == nil {
			bySheet[sheet] = map[string][]Line{}
		}
		for _, l := range lines {
			cell := cellName(x.column(l, sheet, number), number)
			bySheet[sheet][cell] = append(bySheet[sheet][cell], l)
		}
	}
	for _, sheet := range slices.Sorted(maps.Keys(bySheet)) {
		if err := x.joinMerged(sheet, bySheet[sheet]); err != nil {
			return err
		}
	}
	x.thin(bySheet)
	for _, sheet := range slices.Sorted(maps.Keys(bySheet)) {
		if err := x.markSheet(sheet, bySheet[sheet]); err != nil {
			return fmt.Errorf("sheet %q: %w", sheet, err)
		}
	}
	return nil
}

// sheetName returns what the workbook calls a sheet of the report.
func (x *fixer) sheetName(label string) string {
	if x.rows != nil {
		return textSheet
	}
	if all := x.GetSheetList(); sheetNumber(label) > 0 && sheetNumber(label) <= len(all) {
		return all[sheetNumber(label)-1]
	}
	return label
}

// thin leaves the MaxMarked gravest faults, and of those the first.
func (x *fixer) thin(bySheet map[string]map[string][]Line) {
	type fault struct {
		sheet, cell string
		line        Line
		gravity     int
	}
	var all []fault
	for sheet, cells := range bySheet {
		for cell, lines := range cells {
			all = append(all, fault{sheet, cell, lines[0], gravest(lines)})
		}
	}
	if len(all) <= MaxMarked {
		return
	}
	slices.SortFunc(all, func(a, b fault) int {
		return cmp.Or(cmp.Compare(b.gravity, a.gravity), cmp.Compare(a.sheet, b.sheet), cmp.Compare(a.line.Row, b.line.Row), cmp.Compare(a.cell, b.cell))
	})
	for _, f := range all[MaxMarked:] {
		delete(bySheet[f.sheet], f.cell)
		x.left++
	}
}

// column returns the column that a line of the report is about: the one it names
// as the file does, else the first with a value of those that became the field it
// names, else the first of the table.
func (x *fixer) column(l Line, sheet string, number int) int {
	i := slices.IndexFunc(x.headers, func(h Header) bool { return h.Sheet == l.Sheet })
	if i < 0 {
		return 0
	}
	best := -1
	for _, c := range x.headers[i].Columns {
		at := columnNumber(c.Letter)
		switch {
		case l.Column == "":
		case c.Name == l.Column:
			return at
		case c.Field == l.Column:
			if value, _ := x.GetCellValue(sheet, cellName(at, number)); strings.TrimSpace(value) != "" {
				return at
			}
			if best < 0 {
				best = at
			}
		}
	}
	if best >= 0 {
		return best
	}
	// A column without a name is called by its letter: (C).
	if letter, ok := strings.CutPrefix(strings.TrimSuffix(l.Column, ")"), "("); ok {
		if at := columnNumber(letter); at >= 0 {
			return at
		}
	}
	if len(x.headers[i].Columns) > 0 {
		return columnNumber(x.headers[i].Columns[0].Letter)
	}
	return 0
}

// columnNumber is the opposite of columnLetters, and -1 for what is no letter.
func columnNumber(letters string) int {
	n, err := excelize.ColumnNameToNumber(letters)
	if err != nil {
		return -1
	}
	return n - 1
}

// joinMerged moves what is said of a cell in a merged range to the range's
// beginning, where its text stands.
func (x *fixer) joinMerged(sheet string, faults map[string][]Line) error {
	merges, err := x.GetMergeCells(sheet, true)
	if err != nil {
		return err
	}
	begins, err := mergedBegins(merges, faults)
	if err != nil {
		return err
	}
	for _, cell := range slices.Sorted(maps.Keys(begins)) {
		faults[begins[cell]] = append(faults[begins[cell]], faults[cell]...)
		delete(faults, cell)
	}
	return nil
}

// markSheet marks cells of one sheet.
func (x *fixer) markSheet(sheet string, faults map[string][]Line) error {
	existing, err := x.GetComments(sheet)
	if err != nil {
		return err
	}
	comments := map[string]excelize.Comment{}
	for _, c := range existing {
		comments[c.Cell] = c
	}
	for _, cell := range slices.Sorted(maps.Keys(faults)) {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		var was *excelize.Comment
		if c, ok := comments[cell]; ok {
			was = &c
		}
		if err := errors.Join(x.comment(sheet, cell, faults[cell], was), x.fill(sheet, cell, gravest(faults[cell]))); err != nil {
			return err
		}
		x.marked++
	}
	return nil
}

// mergedBegins returns, by cell, where the merged range begins that holds it.
func mergedBegins(merges []excelize.MergeCell, faults map[string][]Line) (map[string]string, error) {
	byRow := map[int][]int{}
	for cell := range faults {
		column, row, err := excelize.CellNameToCoordinates(cell)
		if err != nil {
			return nil, err
		}
		byRow[row] = append(byRow[row], column)
	}
	rows := slices.Sorted(maps.Keys(byRow))
	begins := map[string]string{}
	for _, m := range merges {
		left, top, err := excelize.CellNameToCoordinates(m.GetStartAxis())
		if err != nil {
			return nil, err
		}
		right, bottom, err := excelize.CellNameToCoordinates(m.GetEndAxis())
		if err != nil {
			return nil, err
		}
		first, _ := slices.BinarySearch(rows, top)
		for _, row := range rows[first:] {
			if row > bottom {
				break
			}
			for _, column := range byRow[row] {
				if column >= left && column <= right && (column != left || row != top) {
					begins[cellName(column-1, row)] = m.GetStartAxis()
				}
			}
		}
	}
	return begins, nil
}

// gravity orders what can be wrong: a refused row before a held one before a note.
func gravity(l Line) int { return slices.Index([]Outcome{Held, Refused}, l.Outcome) + 1 }

func gravest(lines []Line) int {
	most := 0
	for _, l := range lines {
		most = max(most, gravity(l))
	}
	return most
}

// fills are the colors of cells, by gravity: blue, yellow, red.
var fills = [...]string{"DDEBF7", "FFE699", "FFC7CE"}

// fixAuthor signs the comments.
const fixAuthor = "洛书 Luoshu"

var (
	outcomeWords = [...]catalog.Text{{ZH: "请留意", EN: "note"}, {ZH: "待审", EN: "held"}, {ZH: "拒绝", EN: "refused"}}
	remedies     = [...]catalog.Text{
		{ZH: "此行可以发布，请核对。", EN: "The row can be published; please check."},
		{ZH: "请修改，或由审查人以外的另一人核准。", EN: "Change it, or have another person than the reviewer approve it."},
		{ZH: "改正之前，此行不能发布。", EN: "The row is not published until this is put right."},
	}
)

// commentText says what is wrong with a cell and what to do.
func commentText(lines []Line) string {
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b Line) int { return gravity(b) - gravity(a) })
	var b strings.Builder
	b.WriteString(fixAuthor)
	said := map[string]bool{}
	for _, l := range lines {
		word := outcomeWords[gravity(l)]
		text := fmt.Sprintf("\n%s %s（%s）\n%s\n%s", word.ZH, word.EN, l.Rule, l.MessageZH, l.Message)
		if !said[text] {
			b.WriteString(text)
			said[text] = true
		}
	}
	remedy := remedies[gravest(lines)]
	b.WriteString("\n→ " + remedy.ZH + "\n→ " + remedy.EN)
	return b.String()
}

// comment adds what is to be said to a cell, behind the comment it may have.
func (x *fixer) comment(sheet, cell string, lines []Line, was *excelize.Comment) error {
	text := commentText(lines)
	c := excelize.Comment{Cell: cell, Author: fixAuthor}
	height := strings.Count(text, "\n") + 2
	if was != nil {
		before := textOf(*was)
		if strings.Contains(before, text) {
			return nil
		}
		height += strings.Count(before, "\n") + 2
		if err := x.DeleteComment(sheet, cell); err != nil {
			return err
		}
		c.Author, c.Text, c.Paragraph = was.Author, was.Text, was.Paragraph
		text = "\n\n" + text
	}
	c.Paragraph = append(c.Paragraph, excelize.RichTextRun{Text: text})
	c.Width, c.Height = 380, uint(min(60+24*height, 600))
	return x.AddComment(sheet, c)
}

// textOf returns what a comment says, whatever its fonts.
func textOf(c excelize.Comment) string {
	var text strings.Builder
	text.WriteString(c.Text)
	for _, run := range c.Paragraph {
		text.WriteString(run.Text)
	}
	return text.String()
}

// fill colors a cell and leaves the rest of its style: a number format decides
// whether a number is a date.
func (x *fixer) fill(sheet, cell string, gravity int) error {
	style, err := x.GetCellStyle(sheet, cell)
	if err != nil {
		return err
	}
	key := markedStyle{style, gravity}
	id, ok := x.styles[key]
	if !ok {
		if id, err = x.NewStyle(&excelize.Style{Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{fills[gravity]}}}); err != nil {
			return err
		}
		if xfs := x.Styles.CellXfs; style > 0 && style < len(xfs.Xf) {
			colored, applied := xfs.Xf[style], true
			colored.FillID, colored.ApplyFill = xfs.Xf[id].FillID, &applied
			xfs.Xf = append(xfs.Xf, colored)
			xfs.Count = len(xfs.Xf)
			id = len(xfs.Xf) - 1
		}
		x.styles[key] = id
	}
	return x.SetCellStyle(sheet, cell, cell, id)
}
