package ingest

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sheetCell is a cell of a sheet with something in it.
type sheetCell struct {
	row, column int // the column from 0
	kind        string
	style       int
	// text is what stands in it: of a shared text, its number.
	text    []byte
	formula bool
}

// area is a merged range, columns from 0.
type area struct{ top, left, bottom, right int }

// sheetVisitor is told what a sheet holds, in order. Functions may be nil.
type sheetVisitor struct {
	row    func(number int, hidden bool) error
	cell   func(*sheetCell) error
	endRow func() error
	merge  func(area) error
	hidden func(area) // columns
	// other is told what stands besides the rows, with the element it is in: page
	// headers, links, validation.
	other func(element, text string)
	// unseen is told what a cell holds and does not show: its formula, a reading aid.
	unseen func(c *sheetCell, text string)
}

// scanSheet reads a sheet (ECMA-376-1, 18.3.1). It refuses what would let cells
// change places, or what a reader would wait for: rows and cells out of order,
// and cells far away. cells is the number of cells the workbook may still have.
func scanSheet(x *xmlScanner, v sheetVisitor, cells *int) error {
	s := &sheetScanner{x: x, v: v, cells: cells}
	var element string
	rest := sweeper{tell: func(text string) { v.other(element, text) }}
	for {
		kind, err := x.next()
		if err != nil || kind == xmlEOF {
			return err
		}
		if v.other != nil {
			if kind == xmlStart && x.depth() == 2 {
				element = string(x.name)
			}
			if err := rest.take(x, kind); err != nil {
				return err
			}
			if kind == xmlEnd && x.depth() <= 1 {
				rest.flush()
			}
		}
		if kind != xmlStart {
			continue
		}
		// Nothing below a worksheet's own children has these names.
		switch string(x.name) {
		case "sheetData":
			err = s.data()
		case "mergeCell":
			err = s.mergeCell()
		case "col":
			s.hiddenColumns()
		}
		if err != nil {
			return err
		}
	}
}

type sheetScanner struct {
	x           *xmlScanner
	v           sheetVisitor
	cells       *int
	rows        int
	merges      int
	row, column int // the last
	cell        sheetCell
	unseen      []byte
}

func (s *sheetScanner) data() error {
	depth := s.x.depth()
	for {
		kind, err := s.x.next()
		if err != nil || kind == xmlEOF {
			return err
		}
		switch {
		case kind == xmlEnd && s.x.depth() < depth:
			return nil
		case kind == xmlEnd && s.x.depth() == depth && s.v.endRow != nil && string(s.x.name) == "row":
			err = s.v.endRow()
		case kind == xmlStart && s.x.depth() == depth+1 && string(s.x.name) == "row":
			err = s.beginRow()
		case kind == xmlStart && s.x.depth() == depth+2 && string(s.x.name) == "c":
			err = s.readCell()
		}
		if err != nil {
			return err
		}
	}
}

func (s *sheetScanner) beginRow() error {
	if s.rows++; s.rows > MaxSheetRows+1 {
		return refuse(fmt.Sprintf("工作表超过 %d 行：请删去表格下方的空行，或拆分", MaxSheetRows),
			fmt.Sprintf("the sheet has more than %d rows: delete the empty ones below the table, or split it", MaxSheetRows))
	}
	number, hidden := s.row+1, false
	for attrs := s.x.attrs; ; {
		name, value, rest, ok := nextAttribute(attrs)
		if !ok {
			break
		}
		switch string(name) {
		case "r":
			n, err := strconv.Atoi(string(value))
			if err != nil {
				return xmlError("has a row without a number")
			}
			number = n
		case "hidden":
			hidden = string(value) == "1" || string(value) == "true"
		}
		attrs = rest
	}
	if number <= s.row || number > maxRowNumber {
		return xmlError(fmt.Sprintf("has row %d after row %d", number, s.row))
	}
	s.row, s.column = number, -1
	if s.v.row != nil {
		return s.v.row(number, hidden)
	}
	return nil
}

// What a spreadsheet can address: XFD1048576.
const (
	maxRowNumber    = 1 << 20
	maxColumnNumber = 1 << 14
)

func (s *sheetScanner) readCell() error {
	if *s.cells--; *s.cells < 0 {
		return refuse(fmt.Sprintf("工作簿超过 %d 个单元格", MaxCells), fmt.Sprintf("the workbook has more than %d cells", MaxCells))
	}
	c := &s.cell
	*c = sheetCell{row: s.row, column: s.column + 1, text: c.text[:0]}
	for attrs := s.x.attrs; ; {
		name, value, rest, ok := nextAttribute(attrs)
		if !ok {
			break
		}
		switch string(name) {
		case "r":
			column, row, ok := parseCellName(value)
			if !ok || row != s.row {
				return xmlError(fmt.Sprintf("has a cell of another row in row %d", s.row))
			}
			c.column = column
		case "s":
			style, err := strconv.Atoi(string(value))
			if err != nil {
				return xmlError(fmt.Sprintf("has a cell without a style in row %d", s.row))
			}
			c.style = style
		case "t":
			c.kind = cellKind(value)
		}
		attrs = rest
	}
	if c.column <= s.column || c.column >= maxColumnNumber {
		return xmlError(fmt.Sprintf("has cells out of order in row %d", s.row))
	}
	s.column = c.column
	filled, err := s.readValue()
	if err != nil || !filled {
		return err
	}
	if c.row > MaxSheetRows+1 || c.column >= MaxColumns {
		name := cellName(c.column, c.row)
		return refuse(fmt.Sprintf("单元格 %s 离表格太远：最多读取 %d 行、%d 列，请删去远处的内容", name, MaxSheetRows, MaxColumns),
			fmt.Sprintf("the cell %s is too far away: %d rows and %d columns are read; delete what lies beyond", name, MaxSheetRows, MaxColumns))
	}
	if s.v.cell != nil {
		return s.v.cell(c)
	}
	return nil
}

// cellKind avoids a string of its own for each cell.
func cellKind(value []byte) string {
	for _, kind := range [...]string{"s", "inlineStr", "n", "str", "b", "e", "d"} {
		if string(value) == kind {
			return kind
		}
	}
	return string(value)
}

// readValue reads up to the end of the cell and reports whether anything stands
// in it.
func (s *sheetScanner) readValue() (filled bool, err error) {
	x, c := s.x, &s.cell
	depth := x.depth()
	// collect is the depth of the element whose text is the value, phonetic that of
	// a reading aid, which is not.
	collect, phonetic, formula := 0, 0, 0
	s.unseen = s.unseen[:0]
	for {
		kind, err := x.next()
		if err != nil {
			return false, err
		}
		switch kind {
		case xmlStart:
			switch string(x.name) {
			case "v":
				collect, filled = x.depth(), true
			case "t":
				if phonetic == 0 {
					collect, filled = x.depth(), true
				}
			case "f":
				c.formula, filled, formula = true, true, x.depth()
			case "rPh":
				phonetic = x.depth()
			}
		case xmlText:
			if collect > 0 && x.depth() == collect {
				if c.text, err = x.appendText(c.text); err != nil {
					return false, err
				}
			}
			if (formula > 0 || phonetic > 0) && s.v.unseen != nil {
				if s.unseen, err = x.appendText(s.unseen); err != nil {
					return false, err
				}
			}
		case xmlEnd:
			if x.depth() < depth {
				if len(s.unseen) > 0 {
					s.v.unseen(c, string(s.unseen))
				}
				return filled, nil
			}
			if x.depth() < formula {
				formula = 0
			}
			if x.depth() < collect {
				collect = 0
			}
			if x.depth() < phonetic {
				phonetic = 0
			}
		case xmlEOF:
			return false, xmlError("ends within a cell")
		}
	}
}

func (s *sheetScanner) hiddenColumns() {
	hidden, _ := attribute(s.x.attrs, "hidden")
	if s.v.hidden == nil || string(hidden) != "1" && string(hidden) != "true" {
		return
	}
	first, _ := attribute(s.x.attrs, "min")
	last, _ := attribute(s.x.attrs, "max")
	from, err := strconv.Atoi(string(first))
	to, err2 := strconv.Atoi(string(last))
	if s.merges++; err == nil && err2 == nil && s.merges <= maxColumnNumber {
		s.v.hidden(area{left: from - 1, right: to - 1})
	}
}

func (s *sheetScanner) mergeCell() error {
	if s.v.merge == nil {
		return nil
	}
	if s.merges++; s.merges > MaxMerges {
		return refuse(fmt.Sprintf("工作表的合并单元格超过 %d 处", MaxMerges), fmt.Sprintf("the sheet has more than %d merged ranges", MaxMerges))
	}
	ref, _ := attribute(s.x.attrs, "ref")
	from, to, found := bytes.Cut(ref, []byte(":"))
	if !found {
		return nil // a single cell
	}
	left, top, ok := parseCellName(from)
	right, bottom, ok2 := parseCellName(to)
	if !ok || !ok2 || left > right || top > bottom {
		return xmlError("has a merged range that is none")
	}
	return s.v.merge(area{top, left, bottom, right})
}

// parseCellName understands B7 and $B$7; the column counts from 0.
func parseCellName(name []byte) (column, row int, ok bool) {
	i := 0
	for ; i < len(name); i++ {
		c := name[i] &^ 0x20
		if name[i] == '$' {
			continue
		}
		if c < 'A' || c > 'Z' {
			break
		}
		if column = column*26 + int(c-'A') + 1; column > maxColumnNumber {
			return 0, 0, false
		}
	}
	for ; i < len(name); i++ {
		if name[i] < '0' || name[i] > '9' {
			return 0, 0, false
		}
		if row = row*10 + int(name[i]-'0'); row > maxRowNumber {
			return 0, 0, false
		}
	}
	return column - 1, row, column > 0 && row > 0
}

// merged fills the cells of merged ranges as the rows come by.
type merged struct {
	areas  []area // by top, then left
	active []held
	// covered, unless nil, is told what stands in cells that a range covers.
	covered func(column, row int, text string)
}

// held is a range with its text.
type held struct {
	area
	text string
}

func newMerged(areas []area) *merged {
	slices.SortFunc(areas, func(a, b area) int { return cmp.Or(a.top-b.top, a.left-b.left) })
	return &merged{areas: areas}
}

// fill puts the text of every range that g's row crosses into its cells.
func (m *merged) fill(g *gridRow) error {
	m.active = slices.DeleteFunc(m.active, func(h held) bool { return h.bottom < g.number })
	for len(m.areas) > 0 && m.areas[0].top <= g.number {
		a := m.areas[0]
		m.areas = m.areas[1:]
		if a.bottom < g.number || a.left >= MaxColumns {
			continue
		}
		a.right = min(a.right, MaxColumns-1)
		for _, h := range m.active {
			if a.left <= h.right && h.left <= a.right {
				return refuse(fmt.Sprintf("单元格 %s 处的合并区域相互重叠", cellName(a.left, a.top)),
					"merged ranges overlap at "+cellName(a.left, a.top))
			}
		}
		h := held{area: a}
		if a.top == g.number {
			h.text = g.text(a.left)
			if h.text != "" {
				g.span = max(g.span, a.right-a.left+1)
			}
		}
		m.active = append(m.active, h)
	}
	for _, h := range m.active {
		if h.text == "" {
			continue
		}
		for len(g.cells) <= h.right {
			g.cells = append(g.cells, "")
		}
		for len(g.filled) < len(g.cells) {
			g.filled = append(g.filled, ownText)
		}
		for column := h.left; column <= h.right; column++ {
			switch {
			case column > h.left:
				g.filled[column] = fromLeft
			case h.top < g.number:
				g.filled[column] = fromAbove
			default:
				continue
			}
			if was := g.cells[column]; m.covered != nil && was != "" && was != h.text {
				m.covered(column, g.number, was)
			}
			g.cells[column] = h.text
		}
	}
	return nil
}

// texts holds the shared texts of a workbook: the first in memory, the rest in a
// file that has no name and so ends with the process, however that ends. Half a
// workbook's size can be in them.
type texts struct {
	ends []uint32 // where each text ends
	mem  []byte
	dir  string
	file *os.File
	// window is a stretch of the file, as texts are mostly asked for in order.
	window []byte
	at     int64
	gather []byte // not yet in the file
	// reading is told the reading aids beside a text.
	reading func(text string)
}

const (
	textsInMemory = 4 << 20
	windowBytes   = 256 << 10
)

func (t *texts) size() int64 {
	if len(t.ends) == 0 {
		return 0
	}
	return int64(t.ends[len(t.ends)-1])
}

func (t *texts) add(text []byte) error {
	end := t.size() + int64(len(text))
	if len(t.mem) < textsInMemory && t.file == nil {
		t.mem = append(t.mem, text...)
	} else {
		if t.file == nil {
			file, err := os.CreateTemp(t.dir, "luoshu-*")
			if err != nil {
				return err
			}
			t.file = file
			// Windows does not let go of an open file; close removes it there.
			_ = os.Remove(file.Name())
		}
		if t.gather = append(t.gather, text...); len(t.gather) >= windowBytes {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	t.ends = append(t.ends, uint32(end))
	return nil
}

func (t *texts) flush() error {
	if len(t.gather) == 0 {
		return nil
	}
	_, err := t.file.Write(t.gather)
	t.gather = t.gather[:0]
	return err
}

// get returns text i, and false when there is none.
func (t *texts) get(i int) (string, bool, error) {
	if i < 0 || i >= len(t.ends) {
		return "", false, nil
	}
	from, to := int64(0), int64(t.ends[i])
	if i > 0 {
		from = int64(t.ends[i-1])
	}
	if to <= int64(len(t.mem)) {
		return string(t.mem[from:to]), true, nil
	}
	from -= int64(len(t.mem))
	to -= int64(len(t.mem))
	if from < t.at || to > t.at+int64(len(t.window)) {
		want := max(windowBytes, int(to-from))
		if cap(t.window) < want {
			t.window = make([]byte, want)
		}
		n, err := t.file.ReadAt(t.window[:want], from)
		if t.at, t.window = from, t.window[:n]; int64(n) < to-from {
			return "", false, err
		}
	}
	return string(t.window[from-t.at : to-t.at]), true, nil
}

func (t *texts) close() {
	if t.file != nil {
		_ = t.file.Close()
		_ = os.Remove(t.file.Name())
		t.file = nil
	}
}

// read takes in the shared texts (ECMA-376-1, 18.4.9).
func (t *texts) read(x *xmlScanner) error {
	var text, aid []byte
	collect, phonetic := 0, 0
	for {
		kind, err := x.next()
		if err != nil {
			return err
		}
		switch kind {
		case xmlEOF:
			if t.file != nil {
				return t.flush()
			}
			return nil
		case xmlStart:
			switch string(x.name) {
			case "si":
				text = text[:0]
				if len(t.ends) == MaxTexts {
					return refuse(fmt.Sprintf("工作簿超过 %d 条文字", MaxTexts), fmt.Sprintf("the workbook has more than %d texts", MaxTexts))
				}
			case "t":
				if phonetic == 0 {
					collect = x.depth()
				}
			case "rPh":
				phonetic = x.depth()
			}
		case xmlText:
			if collect > 0 && x.depth() == collect {
				if text, err = x.appendText(text); err != nil {
					return err
				}
			} else if phonetic > 0 {
				if aid, err = x.appendText(aid); err != nil {
					return err
				}
			}
		case xmlEnd:
			if x.depth() < collect {
				collect = 0
			}
			if x.depth() < phonetic {
				phonetic = 0
			}
			if string(x.name) == "si" {
				if len(aid) > 0 && t.reading != nil {
					t.reading(string(aid))
				}
				aid = aid[:0]
				if err := t.add(unescape(text)); err != nil {
					return err
				}
			}
		}
	}
}

// datePrecision is how much of a date a number format shows.
type datePrecision uint8

const (
	noDate datePrecision = iota
	yearOnly
	yearAndMonth
	fullDate
)

// builtInDates are the number formats that stand in no workbook (ECMA-376-1,
// 18.8.30, with those of zh-cn). 27 to 31 and 50 to 58 differ by language.
var builtInDates = map[int]datePrecision{
	14: fullDate, 15: fullDate, 16: fullDate, 17: yearAndMonth, 22: fullDate,
	27: yearAndMonth, 28: fullDate, 29: fullDate, 30: fullDate, 31: fullDate, 36: yearAndMonth,
	50: yearAndMonth, 51: fullDate, 52: yearAndMonth, 53: fullDate, 54: fullDate, 57: yearAndMonth, 58: fullDate,
}

// formatPrecision reads a number format (ECMA-376-1, 18.8.31).
func formatPrecision(code string) datePrecision {
	var letters strings.Builder
	first, _, _ := strings.Cut(code, ";")
	for i := 0; i < len(first); i++ {
		switch c := first[i]; c {
		case '"', '[':
			// Quoted text; a color, a condition or a language.
			closing := map[byte]byte{'"': '"', '[': ']'}[c]
			n := strings.IndexByte(first[i+1:], closing)
			if n < 0 {
				return noDate
			}
			i += n + 1
		case '\\', '_', '*':
			i++
		default:
			letters.WriteByte(c | 0x20)
		}
	}
	s, _, _ := strings.Cut(letters.String(), "s.0") // fractions of a second
	has := func(c string) bool { return strings.Contains(s, c) }
	switch {
	// Digits, and letters that stand in no date: General.
	case strings.ContainsAny(s, "0#?cfijklnoqrtuvwxz"):
		return noDate
	case has("d"):
		return fullDate
	case has("y") && has("m"):
		return yearAndMonth
	case has("y"):
		return yearOnly
	}
	return noDate
}

// dateText turns a serial number into the date its format shows, as YYYY-MM-DD,
// YYYY-MM or YYYY. It reports false for numbers that are no dates.
func dateText(serial float64, precision datePrecision, date1904 bool) (string, bool) {
	day := math.Floor(serial)
	if day < 0 || day >= 2_958_466 { // 9999-12-31 is the last
		return "", false
	}
	// In the 1900 system day 60 is a 29 February that never was (ECMA-376-1,
	// 18.17.4.1): it is left for whoever reads dates to refuse.
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case date1904:
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case day == 60:
		return "1900-02-29", true
	case day < 60:
		epoch = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	layout := map[datePrecision]string{yearOnly: "2006", yearAndMonth: "2006-01"}[precision]
	if layout == "" {
		layout = time.DateOnly
	}
	return epoch.AddDate(0, 0, int(day)).Format(layout), true
}

// numberText shows a number as Excel does in a cell wide enough: 15 digits, no
// exponent. rounded reports digits that the workbook itself has lost.
func numberText(text string) (shown string, rounded bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || math.Abs(n) >= 1e21 {
		return text, false
	}
	n, _ = strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	return strconv.FormatFloat(n, 'f', -1, 64), math.Abs(n) >= 1e15
}
