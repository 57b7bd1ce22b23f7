package ingest

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// gridRow is a line of a table as it lies in the file.
type gridRow struct {
	number int
	cells  []string // by column
	// filled says how a cell came to its text; nil when every cell has its own.
	filled []fill
	// own counts the cells with text of their own; span is the width of the
	// widest merged range that begins in the row.
	own, span int
	hidden    bool
	notes     []gridNote
}

// fill says how a cell came to its text.
type fill uint8

const (
	ownText fill = iota
	// fromAbove and fromLeft: by a merged range that begins there. A cell to the
	// right and below is from the left.
	fromAbove
	fromLeft
)

// gridNote is something to say about a cell.
type gridNote struct {
	column int
	rule   string
	zh, en string
}

func (r gridRow) fill(column int) fill {
	if column < len(r.filled) {
		return r.filled[column]
	}
	return ownText
}

func (r gridRow) text(column int) string {
	if column < len(r.cells) {
		return strings.TrimSpace(r.cells[column])
	}
	return ""
}

func (r gridRow) blank() bool {
	for i := range r.cells {
		if r.text(i) != "" && r.fill(i) == ownText {
			return false
		}
	}
	return true
}

// headerSearch is how many lines with text may stand above the header, itself
// included. Titles and instructions of real files have a dozen.
const headerSearch = 50

// maxHeaderName is in characters. What is longer is no column name.
const maxHeaderName = 100

// table finds the header of grid and yields what is below it as rows. sheet is
// empty for a file that has none.
func (s *source) table(sheet string, grid iter.Seq2[gridRow, error]) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		next, stop := iter.Pull2(grid)
		defer stop()
		head, err := s.findHeader(next)
		if err != nil {
			yield(row{}, err)
			return
		}
		s.reportHeader(sheet, head)
		t := &table{source: s, sheet: sheet, names: head.names, shown: s.shownNames(head.names), limit: MaxRows}
		if sheet != "" {
			t.limit = MaxSheetRows
		}
		for _, g := range head.rest {
			if !t.row(g, yield) {
				return
			}
		}
		for {
			g, err, ok := next()
			if !ok {
				return
			}
			if err != nil {
				yield(row{}, err)
				return
			}
			if !t.row(g, yield) {
				return
			}
		}
	}
}

// header is what findHeader found.
type header struct {
	// first is the text that the table begins with, above the header or in it.
	first  string
	number int
	names  []string
	known  int
	above  []gridRow
	lines  []gridRow // the header itself
	rest   []gridRow // read already and below it
}

// findHeader reads until it knows the header: the line with the most known column
// names, or else the first that looks like one.
func (s *source) findHeader(next func() (gridRow, error, bool)) (header, error) {
	var lines []gridRow
	best, most := -1, 0
	for len(lines) < headerSearch {
		g, err, ok := next()
		if err != nil {
			return header{}, err
		}
		if !ok {
			break
		}
		if g.blank() {
			continue
		}
		lines = append(lines, g)
		if n := s.knownNames(g); n > most {
			best, most = len(lines)-1, n
		}
	}
	if len(lines) == 0 {
		return header{}, refuse("没有内容", "there is nothing in it")
	}
	// One known name in a line of several may be a value by accident.
	if guess := firstLikeHeader(lines); best < 0 || most == 1 && best > guess && len(lines[best].cells) > 1 {
		best, most = guess, s.knownNames(lines[guess])
	}
	h := header{
		first: headerWords(lines[0])[0], number: lines[best].number, known: most,
		above: lines[:best], lines: lines[best : best+1 : best+1], rest: lines[best+1:],
	}
	h.names = headerNames(lines[best])
	for len(h.rest) > 0 && s.continuesHeader(h.names, h.rest[0]) {
		h.extend(h.rest[0])
		h.lines = append(h.lines, h.rest[0])
		h.known = max(h.known, s.knownNames(gridRow{cells: h.names}))
		h.number, h.rest = h.rest[0].number, h.rest[1:]
	}
	if len(h.rest) > 0 && isNumbering(h.rest[0]) {
		h.rest = h.rest[1:]
	}
	return h, s.checkHeader(h.names)
}

// knownNames counts the different column names in g that mean something.
func (s *source) knownNames(g gridRow) int {
	seen := map[string]bool{}
	for i := range g.cells {
		if name := columnName(g.text(i)); s.knows(name) {
			seen[foldHeader(name)] = true
		}
	}
	return len(seen)
}

func (s *source) knows(name string) bool {
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxHeaderName || strings.IndexFunc(name, unicode.IsLetter) < 0 {
		return false
	}
	t := s.mapping.column(name)
	return t.use != Unknown && (!t.guessed || !likeLine(name))
}

// likeLine reports whether a text is more like a line such as 联系人：某某 电话：…
// than like the name of a column.
func likeLine(text string) bool {
	n := utf8.RuneCountInString(text)
	return n > 12 && (n > 30 || !isASCII(text)) || strings.ContainsAny(text, "0123456789@")
}

// columnName is the text of a header cell on one line.
func columnName(text string) string { return strings.Join(strings.Fields(text), " ") }

// firstLikeHeader returns the first line that is as wide as the others and made of
// different short words.
func firstLikeHeader(lines []gridRow) int {
	width := 0
	for _, g := range lines {
		width = max(width, len(headerWords(g)))
	}
	for i, g := range lines {
		words := headerWords(g)
		letters, different := 0, map[string]bool{}
		for _, w := range words {
			different[w] = true
			if utf8.RuneCountInString(w) <= 40 && strings.IndexFunc(w, unicode.IsLetter) >= 0 {
				letters++
			}
		}
		// Four in five: the first name of a real header can be a value.
		if (2*len(words) > width || width == 1) && len(different) == len(words) && 5*letters >= 4*len(words) {
			return i
		}
	}
	return 0
}

func headerWords(g gridRow) []string {
	var words []string
	for i := range g.cells {
		if text := g.text(i); text != "" && g.fill(i) != fromLeft {
			words = append(words, text)
		}
	}
	return words
}

// headerNames returns the names in g by column. A name over several columns is
// that of the first: the others have none of their own.
func headerNames(g gridRow) []string {
	names := make([]string, len(g.cells))
	for i := range g.cells {
		if g.fill(i) != fromLeft {
			names[i] = columnName(g.text(i))
		}
	}
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	return names
}

// continuesHeader reports whether g is a second line of the header: a name
// reaches down into it, or it holds nothing but known names where the line above
// has none or the name of a group.
func (s *source) continuesHeader(names []string, g gridRow) bool {
	name := func(i int) string {
		if i < len(names) {
			return names[i]
		}
		return ""
	}
	// kept: a name above goes on without one below it.
	reaches, fresh, known, kept := false, false, true, false
	for i := range max(len(names), len(g.cells)) {
		text := columnName(g.text(i))
		switch {
		case text == "":
			kept = kept || name(i) != ""
		case g.fill(i) == fromAbove && text == name(i):
			reaches = true
		case g.fill(i) == ownText && text != name(i):
			fresh = true
			known = known && s.knows(text) && (!s.knows(name(i)) || name(i+1) == "")
		}
	}
	return fresh && (reaches || known && kept)
}

// extend takes the names of a second line in place of those above them.
func (h *header) extend(g gridRow) {
	for i, name := range headerNames(g) {
		if name == "" {
			continue
		}
		for len(h.names) <= i {
			h.names = append(h.names, "")
		}
		h.names[i] = name
	}
}

// isNumbering reports whether g only numbers the columns: (1) (2) (3).
func isNumbering(g gridRow) bool {
	last, count := 0, 0
	for i := range g.cells {
		text := g.text(i)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(strings.Trim(norm.NFKC.String(text), "()[] .、"))
		if err != nil || count > 0 && n != last+1 || count == 0 && n > 1 {
			return false
		}
		last = n
		count++
	}
	return count >= 3
}

// checkHeader refuses a header under which values would get lost or mixed up.
func (s *source) checkHeader(names []string) error {
	if len(names) > MaxColumns {
		return refuse(fmt.Sprintf("有 %d 列，最多读取 %d 列", len(names), MaxColumns), fmt.Sprintf("%d columns, at most %d are read", len(names), MaxColumns))
	}
	seen := map[string]bool{}
	for i, name := range names {
		if !utf8.ValidString(name) {
			return refuse(fmt.Sprintf("第 %d 列的表头不是 UTF-8，请将文件另存为 UTF-8", i+1), fmt.Sprintf("the header of column %d is not UTF-8: save the file as UTF-8", i+1))
		}
		if name == "" {
			continue
		}
		// Of two columns that are not published it does not matter.
		key := foldHeader(name)
		if seen[key] && s.mapping.column(name).use == Mapped {
			return refuse(fmt.Sprintf("有两列都叫“%s”，请改名或删去一列", name), fmt.Sprintf("two columns are called %q: rename or delete one", name))
		}
		seen[key] = true
	}
	return nil
}

// reportHeader says where the columns are, notes a header that is not where anybody
// would look, and hands the text above it and in it to be screened.
func (s *source) reportHeader(sheet string, h header) {
	if s.header != nil {
		placed := Header{File: s.file.Name, Sheet: sheet, Row: h.number}
		for i, name := range s.shownNames(h.names) {
			if name != "" {
				placed.Columns = append(placed.Columns, HeaderColumn{columnLetters(i), name, s.mapping.column(h.names[i]).name})
			}
		}
		s.header(placed)
	}
	for i, name := range s.shownNames(h.names) {
		hidden := slices.ContainsFunc(s.hiddenColumns, func(a area) bool { return a.left <= i && i <= a.right })
		if hidden && name != "" && s.mapping.column(h.names[i]).use == Mapped {
			s.note(sheet, h.number, finding{
				name, "hidden_column", fmt.Sprintf("“%s”列在工作表中被隐藏，其中的内容照常发布：不应公开的请删去", name),
				fmt.Sprintf("the column %q is hidden in the sheet, and what it holds is published all the same: delete what must not be", name),
			})
		}
	}
	for _, g := range h.above {
		s.lineAside(sheet, g)
	}
	for _, g := range h.lines {
		for i := range g.cells {
			// Of a name that is known only a mark counts: 密级 is a word of secrecy too.
			text := g.text(i)
			t := s.mapping.column(columnName(text))
			if g.fill(i) == ownText && (t.use == Unknown || t.use == Dropped && t.guessed || isMarked(text)) {
				s.aside(asColumn, sheet, cellName(i, g.number), text)
			}
		}
	}
	if h.number > 1 {
		s.note(sheet, h.number, finding{
			"", "header", fmt.Sprintf("表头在第 %d 行，其上的内容未发布", h.number),
			fmt.Sprintf("the header is in row %d; what is above is not published", h.number),
		})
	}
}

// lineAside hands over a line that is no row, as one text: 密级 and 机密 can stand
// in two cells.
func (s *source) lineAside(sheet string, g gridRow) {
	var said []string
	first := -1
	for i := range g.cells {
		if text := g.text(i); text != "" && g.fill(i) == ownText {
			if said = append(said, text); first < 0 {
				first = i
			}
		}
	}
	if first >= 0 {
		s.aside(asCell, sheet, cellName(first, g.number), strings.Join(said, "|"))
	}
}

// shownNames returns names as the report may show them.
func (s *source) shownNames(names []string) []string {
	show := slices.Clone(names)
	for i, name := range names {
		if name != "" {
			show[i] = s.mapping.column(name).shown(name, i)
		}
	}
	return show
}

// table turns the lines below a header into rows.
type table struct {
	*source
	sheet string
	names []string
	shown []string // as the report calls them
	count int
	limit int
}

// row yields g, unless it is no row: blank, the header again, or a caption.
func (t *table) row(g gridRow, yield func(row, error) bool) bool {
	failed := g.dropErrors()
	if g.blank() {
		if failed {
			t.note(t.sheet, g.number, finding{"", "cell_error", "整行只有出错的公式，已略过", "there is nothing in the row but formulas that fail; left out"})
		}
		return true
	}
	switch {
	case t.isHeader(g):
		t.note(t.sheet, g.number, finding{"", "header", "重复的表头，已略过", "the header again; left out"})
		return true
	case g.own == 1 && g.span >= 3 && 2*g.span >= len(t.names):
		t.lineAside(t.sheet, g)
		t.note(t.sheet, g.number, finding{"", "caption", "横跨整个表格的标题或说明，不是一条记录，已略过", "a caption across the table, no record; left out"})
		return true
	}
	if isFooter(g) {
		t.lineAside(t.sheet, g)
		t.note(t.sheet, g.number, finding{"", "footer", "附注、合计或填表人一类的行，不是一条记录，已略过", "a remark, a total or who filled the table in, no record; left out"})
		return true
	}
	if t.count++; t.count > t.limit {
		yield(row{}, tooManyRows(t.limit))
		return false
	}
	r, err := t.cells(g)
	if err != nil {
		return yield(r, err)
	}
	return yield(r, nil)
}

// dropErrors empties the cells that hold what a spreadsheet shows for a formula that
// fails, and reports whether there were any.
func (g *gridRow) dropErrors() (failed bool) {
	for i := range g.cells {
		if text := g.text(i); strings.HasPrefix(text, "#") {
			if name := errorName([]byte(text)); name == text && name != "#" {
				g.cells[i], failed = "", true
				g.notes = append(g.notes, *failedFormula(name))
				g.notes[len(g.notes)-1].column = i
			}
		}
	}
	return failed
}

var (
	// footerForm begins a remark below a table, or says who filled it in.
	footerForm = regexp.MustCompile(`^[(\[【※* ]*(?:(?:注|备注|附注|说明|填表说明|填报说明|联系人|联络人|联系电话|联系方式|审核人|负责人)[0-9一二三四五]{0,2}[)\]】]?(?:[:.、, ]|$)|(?:填表|填报|制表)(?:人|单位|部门|日期|时间))`)
	footerSum  = regexp.MustCompile(`^(?:合计|小计|总计|共计)[:]? ?` + footerNumber + `$`)
	numberOnly = regexp.MustCompile(`^` + footerNumber + `$`)
)

const footerNumber = `[-+0-9,.%()万亿千百元项个条家人件户次¥$ ]*`

// isFooter reports whether g is a line below a table: every cell a remark, or a
// total with numbers.
func isFooter(g gridRow) bool {
	sum, remarks, cells := false, true, 0
	for i := range g.cells {
		text := g.text(i)
		if text == "" || g.fill(i) != ownText {
			continue
		}
		if len(text) > maxFooter {
			text = text[:maxFooter]
		}
		text = strings.Join(strings.Fields(norm.NFKC.String(text)), " ")
		remarks = remarks && footerForm.MatchString(text)
		if cells++; cells == 1 {
			sum = footerSum.MatchString(text)
		} else {
			sum = sum && numberOnly.MatchString(text)
		}
		if !sum && !remarks {
			return false
		}
	}
	return cells > 0
}

// maxFooter is how many bytes of a cell tell whether it is a remark.
const maxFooter = 120

// isHeader reports whether g says what the header says.
func (t *table) isHeader(g gridRow) bool {
	same := 0
	for i := range g.cells {
		text := g.text(i)
		if text == "" || g.fill(i) == fromLeft {
			continue
		}
		if i >= len(t.names) || t.names[i] == "" || foldHeader(text) != foldHeader(t.names[i]) {
			return false
		}
		same++
	}
	return same >= min(2, len(t.names))
}

// cells puts the cells of g under their names. The error is a rowError.
func (t *table) cells(g gridRow) (row, error) {
	r := row{sheet: t.sheet, number: g.number, cells: make([]cell, 0, max(len(t.names), len(g.cells)))}
	if g.hidden {
		r.refused = append(r.refused, finding{
			"", "hidden_row", "此行在工作表中被隐藏或筛选掉，未发布：要发布请取消隐藏和筛选，否则删去此行",
			"the row is hidden in the sheet, by hand or by a filter, and is not published: show it, or delete it",
		})
	}
	for i := range max(len(t.names), len(g.cells)) {
		text, name := "", ""
		if i < len(g.cells) {
			text = g.cells[i]
		}
		if i < len(t.names) {
			name = t.shown[i]
		}
		if name == "" {
			if strings.TrimSpace(text) == "" || g.fill(i) != ownText {
				continue
			}
			if t.sheet == "" && i >= len(t.names) {
				// In a text file that is most often a delimiter inside a value.
				return r, &rowError{
					number: g.number, rule: "extra_cell",
					zh: fmt.Sprintf("第 %d 列没有表头", i+1), en: fmt.Sprintf("cell %d has no column header", i+1),
				}
			}
			name = "(" + columnLetters(i) + ")"
		}
		if !utf8.ValidString(text) {
			at := firstInvalid([]byte(text))
			return r, &rowError{
				number: g.number, rule: "encoding", atColumn: name,
				zh: fmt.Sprintf("单元格第 %d 字节不是 UTF-8，请将文件另存为 UTF-8", at+1),
				en: fmt.Sprintf("byte %d of the cell is not UTF-8: save the file as UTF-8", at+1),
			}
		}
		if len(text) > MaxCellLength && utf8.RuneCountInString(text) > MaxCellLength {
			return r, &rowError{
				number: g.number, rule: "cell_length", atColumn: name,
				zh: fmt.Sprintf("单元格超过 %d 字", MaxCellLength), en: fmt.Sprintf("the cell has more than %d characters", MaxCellLength),
			}
		}
		r.cells = append(r.cells, cell{column: name, text: text})
	}
	for _, n := range g.notes {
		name := "(" + columnLetters(n.column) + ")"
		if n.column < len(t.names) && t.names[n.column] != "" {
			name = t.shown[n.column]
		}
		r.notes = append(r.notes, finding{name, n.rule, n.zh, n.en})
	}
	return r, nil
}

// columnLetters names a column as a spreadsheet does: A, B, … AA.
func columnLetters(column int) string {
	var letters []byte
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		letters = append(letters, byte('A'+(n-1)%26))
	}
	slices.Reverse(letters)
	return string(letters)
}

// cellName names a cell as a spreadsheet does: B7.
func cellName(column, number int) string { return columnLetters(column) + strconv.Itoa(number) }
