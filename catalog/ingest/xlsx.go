package ingest

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
)

// A workbook is read in three steps: its archive is checked; every part is read
// once to its end, so that sizes, check sums, XML, addresses and merged ranges are
// known to be sound before the first row is believed; then the sheets are read row
// by row.
//
// excelize reads the frame: the sheets with their names and whether they are
// hidden, number formats, comments. It does not read the rows. Its Rows took 12 to
// 17 s of processor time for 50,000 rows by 40 columns, where the whole import
// takes 9, and 200 MB where every text is a shared one; it does not tell a date
// from a number, and a cell, or the rest of a sheet, that it cannot read is left
// out without an error.
type workbook struct {
	*source
	ctx     context.Context
	archive *zip.Reader
	parts   map[string]*zip.File
	frame   *excelize.File
	sheets  []*sheet
	shared  texts
	cells   int // still allowed
	formats []datePrecision
	// date1904: days are counted from 1904, as on old Macs.
	date1904 bool
}

// sheet is one sheet of a workbook.
type sheet struct {
	name string
	// label is what the report calls it: its name, or #3 of the third sheet.
	label  string
	number int // among all sheets, from 1
	part   string
	hidden bool
	// head is its header, unless fault says why that cannot be read.
	head   header
	fault  error
	merges []area
	// hiddenColumns are ranges of columns.
	hiddenColumns []area
}

// template reports whether the sheet is one of Luoshu's own, with explanations or
// code lists.
func (sh *sheet) template() bool {
	return sh.fault == nil && strings.HasPrefix(sh.head.first, templateMark)
}

// sheetNumber returns the number in #3, by which a report names a sheet whose name
// must not be shown, and 0 for what is no such name.
func sheetNumber(name string) int {
	digits, ok := strings.CutPrefix(name, "#")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 {
		return 0
	}
	return n
}

// workbook reads an .xlsx file.
func (s *source) workbook(ctx context.Context, in io.Reader) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		file, err := readAll(in, MaxWorkbookBytes)
		if err != nil {
			yield(row{}, err)
			return
		}
		w := &workbook{source: s, ctx: ctx, cells: MaxCells, shared: texts{dir: s.opt.TempDir}}
		defer w.shared.close()
		if err := w.open(file); err != nil {
			yield(row{}, err)
			return
		}
		defer func() { _ = w.frame.Close() }()
		selected, err := w.choose()
		if err != nil {
			yield(row{}, err)
			return
		}
		if err := w.setAside(selected); err != nil {
			yield(row{}, err)
			return
		}
		for _, sh := range selected {
			w.hiddenColumns = sh.hiddenColumns
			for r, err := range w.table(sh.label, w.grid(sh, true)) {
				if !yield(r, err) || err != nil && !isRowError(err) {
					return
				}
			}
		}
	}
}

func isRowError(err error) bool {
	_, ok := errors.AsType[*rowError](err)
	return ok
}

// open checks the workbook and makes its frame known.
func (w *workbook) open(file *content) error {
	head := make([]byte, 8)
	if _, err := file.ReadAt(head, 0); err != nil {
		return refuse("文件是空的，或不完整", "the file is empty or not complete")
	}
	if isOLE(head) {
		return refuseOLE(file)
	}
	var err error
	if w.archive, err = openArchive(file, file.size, MaxEntries); err != nil {
		return err
	}
	if err := checkEntries(w.archive); err != nil {
		return err
	}
	w.parts = map[string]*zip.File{}
	for _, f := range w.archive.File {
		w.parts[strings.ReplaceAll(f.Name, "\\", "/")] = f
	}
	main, targets, err := w.relations()
	if err != nil {
		return err
	}
	sheetParts := map[string]*sheet{}
	for _, t := range targets {
		if strings.HasSuffix(t.kind, "/worksheet") {
			sheetParts[t.part] = &sheet{part: t.part}
		}
	}
	if err := w.listSheets(main, targets, sheetParts); err != nil {
		return err
	}
	shared := map[string]bool{}
	for _, t := range targets {
		if strings.HasSuffix(t.kind, "/sharedStrings") && w.parts[t.part] != nil {
			shared[t.part] = true
		}
	}
	if err := w.survey(sheetParts, shared); err != nil {
		return err
	}
	if err := w.readFrame(sheetParts); err != nil {
		return err
	}
	w.shared.reading = func(text string) { w.aside(asFormula, "", "", text) }
	for _, part := range slices.Sorted(maps.Keys(shared)) {
		if err := w.scan(part, w.shared.read); err != nil {
			return err
		}
	}
	w.readFormats()
	return nil
}

// listSheets reads which sheets there are, in their order.
func (w *workbook) listSheets(main string, targets map[string]relation, parts map[string]*sheet) error {
	return w.scan(main, func(x *xmlScanner) error {
		for number := 1; ; {
			kind, err := x.next()
			if err != nil || kind == xmlEOF {
				return err
			}
			if kind != xmlStart || string(x.name) != "sheet" {
				continue
			}
			written, _ := attribute(x.attrs, "name")
			id, _ := attribute(x.attrs, "id")
			state, _ := attribute(x.attrs, "state")
			name := html.UnescapeString(string(written))
			if !utf8.ValidString(name) {
				return xmlError("is not in UTF-8")
			}
			label := shown(name, "#"+strconv.Itoa(number))
			if sheetNumber(name) > 0 {
				label = "#" + strconv.Itoa(number) // not another's number
			}
			number++
			w.aside(asSheet, label, "", name)
			sh := parts[targets[string(id)].part]
			if sh == nil {
				continue // a sheet that is a chart
			}
			if sh.label != "" {
				return refuse("工作簿的工作表目录已损坏", "the workbook's list of sheets is damaged: "+main)
			}
			sh.name, sh.label, sh.number, sh.hidden = name, label, number-1, len(state) > 0 && string(state) != "visible"
			w.sheets = append(w.sheets, sh)
		}
	})
}

// relation is what a part of the workbook refers to.
type relation struct{ kind, part string }

// relations returns the part that is the workbook itself and what it refers to,
// by the names it uses.
func (w *workbook) relations() (main string, targets map[string]relation, err error) {
	root, err := w.relationsOf("")
	if err != nil {
		return "", nil, err
	}
	for _, r := range root {
		if strings.HasSuffix(r.kind, "/officeDocument") {
			main = r.part
		}
	}
	if main == "" || w.parts[main] == nil {
		return "", nil, refuse("压缩包内没有工作簿：这不是 .xlsx 文件", "there is no workbook in the archive: this is no .xlsx file")
	}
	targets, err = w.relationsOf(main)
	return main, targets, err
}

func (w *workbook) relationsOf(part string) (map[string]relation, error) {
	dir, base := path.Split(part)
	name := dir + "_rels/" + base + ".rels"
	f := w.parts[name]
	if f == nil {
		return map[string]relation{}, nil
	}
	if f.UncompressedSize64 > MaxPartBytes {
		return nil, partTooLarge(name)
	}
	targets := map[string]relation{}
	err := w.scan(name, func(x *xmlScanner) error {
		for {
			kind, err := x.next()
			if err != nil || kind == xmlEOF {
				return err
			}
			if kind != xmlStart || string(x.name) != "Relationship" {
				continue
			}
			id, _ := attribute(x.attrs, "Id")
			kindOf, _ := attribute(x.attrs, "Type")
			target, _ := attribute(x.attrs, "Target")
			at := strings.ReplaceAll(string(target), "\\", "/")
			if !strings.HasPrefix(at, "/") {
				at = dir + at
			}
			targets[string(id)] = relation{string(kindOf), strings.TrimPrefix(path.Clean(at), "/")}
		}
	})
	return targets, err
}

func partTooLarge(name string) error {
	return refuse(fmt.Sprintf("工作簿内的 %s 超过 %d MiB", name, MaxPartBytes>>20), fmt.Sprintf("the part %s of the workbook has more than %d MiB", name, MaxPartBytes>>20))
}

// scan reads a part of XML to its end.
func (w *workbook) scan(name string, read func(*xmlScanner) error) error {
	f := w.parts[name]
	if f == nil {
		return refuse("工作簿缺少 "+name+"，已损坏", "the workbook lacks "+name+": it is damaged")
	}
	r, err := f.Open()
	if err != nil {
		return w.damaged(name, err)
	}
	defer r.Close()
	in := contextReader{w.ctx, r}
	if err = read(newXMLScanner(in)); err == nil {
		// The check sum is compared at the end.
		_, err = io.Copy(io.Discard, in)
	}
	if err != nil {
		return w.damaged(name, err)
	}
	return nil
}

// damaged tells faults of the file from those of others.
func (w *workbook) damaged(name string, err error) error {
	if cause := w.ctx.Err(); cause != nil {
		return cause
	}
	if _, ok := errors.AsType[*FileError](err); ok {
		return err
	}
	if errors.Is(err, errStop) {
		return err
	}
	var fault xmlError
	if errors.As(err, &fault) {
		return refuse(fmt.Sprintf("工作簿内的 %s 已损坏或不合规范（%s）：请在 Excel 中打开后另存", name, fault),
			fmt.Sprintf("the part %s of the workbook is damaged or not as it should be (it %s): open it in Excel and save it again", name, fault))
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return err // the disk, where texts are put aside
	}
	return refuse(fmt.Sprintf("工作簿内的 %s 与其声明的大小或校验值不符，已损坏", name),
		fmt.Sprintf("the part %s of the workbook does not have the size or check sum it claims: it is damaged (%v)", name, err))
}

// survey reads every part once, sets aside what it says, and notes what stands in
// the sheets besides rows.
func (w *workbook) survey(sheets map[string]*sheet, shared map[string]bool) error {
	owners, err := w.owners()
	if err != nil {
		return err
	}
	pictures, embedded := 0, 0
	for _, f := range w.archive.File {
		name := strings.ReplaceAll(f.Name, "\\", "/")
		if strings.HasSuffix(name, "/") {
			continue
		}
		base := path.Base(name)
		w.aside(asPart, "", "", base)
		kind, in := asideKind(name), cmp.Or(owners[name], shown(base, ""))
		var read func(*xmlScanner) error
		switch sh := sheets[name]; {
		case sh != nil:
			read = w.surveySheet(sh)
		case shared[name]:
			read = drain
		case strings.HasPrefix(name, "docProps/") && isXML(name):
			read = func(x *xmlScanner) error { return leaves(x, w.property) }
		case isXML(name):
			read = w.sweep(kind, in)
		default:
			switch {
			case strings.HasPrefix(name, "xl/media/"):
				pictures++
			case strings.HasPrefix(name, "xl/embeddings/"), strings.HasPrefix(name, "xl/activeX/"), strings.HasSuffix(name, ".bin") && strings.Contains(name, "vba"):
				embedded++
			}
			if err := w.pass(name, f, kind, in); err != nil {
				return err
			}
			continue
		}
		if err := w.scan(name, read); err != nil {
			return err
		}
	}
	w.cells = MaxCells
	if pictures+embedded > 0 {
		w.note("", 0, finding{
			"", "not_screened", fmt.Sprintf("工作簿内有 %d 张图片、%d 个嵌入的文件或程序，未发布，也无法检查：请自行查看其中有无密级标志", pictures, embedded),
			fmt.Sprintf("the workbook holds %d pictures and %d embedded files or programs: they are not published and cannot be screened, so look at them for marks of secrecy", pictures, embedded),
		})
	}
	return nil
}

// owners tells which sheet a part belongs to: comments, drawings, links.
func (w *workbook) owners() (map[string]string, error) {
	owners := map[string]string{}
	for _, sh := range w.sheets {
		targets, err := w.relationsOf(sh.part)
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			owners[t.part] = sh.label
		}
		dir, base := path.Split(sh.part)
		owners[dir+"_rels/"+base+".rels"] = sh.label
	}
	return owners, nil
}

// surveySheet sets aside what a sheet says besides the values of its cells.
func (w *workbook) surveySheet(sh *sheet) func(*xmlScanner) error {
	return func(x *xmlScanner) error {
		v := sheetVisitor{merge: func(a area) error {
			sh.merges = append(sh.merges, a)
			return nil
		}, hidden: func(a area) { sh.hiddenColumns = append(sh.hiddenColumns, a) }}
		if w.asides != nil {
			v.other = func(element, text string) {
				if element == "headerFooter" {
					text = pageCode.ReplaceAllString(text, "\n")
				}
				w.aside(asideOfSheet(element), sh.label, "", text)
			}
			v.unseen = func(c *sheetCell, text string) {
				if !isASCII(text) {
					w.aside(asFormula, sh.label, cellName(c.column, c.row), text)
				}
			}
		}
		return scanSheet(x, v, &w.cells)
	}
}

// isXML reports whether a part is read as XML. Old drawings (.vml) are none in
// truth, and what other programs keep in customXml is their own.
func isXML(name string) bool {
	kind := ending(name)
	return (kind == ".xml" || kind == ".rels") && !strings.HasPrefix(name, "customXml/")
}

// pass reads a part that is no XML, for its size and check sum, and sets aside
// what it says if it is some kind of markup.
func (w *workbook) pass(name string, f *zip.File, kind catalog.Text, in string) error {
	r, err := f.Open()
	if err != nil {
		return w.damaged(name, err)
	}
	defer r.Close()
	content := contextReader{w.ctx, r}
	if end := ending(name); end == ".vml" || end == ".xml" {
		err = w.sweepMarkup(kind, in, content)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, content)
	}
	if err != nil {
		return w.damaged(name, err)
	}
	return nil
}

func drain(x *xmlScanner) error {
	for {
		if kind, err := x.next(); err != nil || kind == xmlEOF {
			return err
		}
	}
}

// leaves tells every text of a small document, with the name of its element and
// the name attribute of the element around it.
func leaves(x *xmlScanner, tell func(tag, within, text string)) error {
	var text []byte
	within, tag := "", ""
	for {
		kind, err := x.next()
		if err != nil || kind == xmlEOF {
			return err
		}
		switch kind {
		case xmlStart:
			text, tag = text[:0], string(x.name)
			if name, ok := attribute(x.attrs, "name"); ok {
				within = string(name)
			}
		case xmlText:
			if text, err = x.appendText(text); err != nil {
				return err
			}
		case xmlEnd:
			if tag == string(x.name) {
				tell(tag, within, string(text))
			}
			text, tag = text[:0], ""
		default:
		}
	}
}

// property hands over a property of the workbook: author, company, keywords, and
// those that somebody made and named, such as 密级.
func (w *workbook) property(tag, within, text string) {
	if within != "" && strings.TrimSpace(text) != "" {
		text = within + "：" + text
	}
	w.aside(asProperty, shown(cmp.Or(within, tag), ""), "", text)
}

// readFrame gives excelize a copy of the workbook without rows, texts and media,
// so that it costs what a frame costs.
func (w *workbook) readFrame(sheets map[string]*sheet) error {
	var copied bytes.Buffer
	z := zip.NewWriter(&copied)
	for _, f := range w.archive.File {
		name := strings.ReplaceAll(f.Name, "\\", "/")
		switch {
		case sheets[name] != nil:
			part, err := z.Create(name)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(part, `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>`); err != nil {
				return err
			}
		case !isXML(name) || strings.EqualFold(path.Base(name), "sharedStrings.xml") ||
			strings.HasPrefix(name, "xl/drawings/") || strings.HasPrefix(name, "xl/charts/"):
		case f.UncompressedSize64 > MaxPartBytes:
			return partTooLarge(name)
		default:
			if err := z.Copy(f); err != nil {
				return w.damaged(name, err)
			}
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	frame, err := excelize.OpenReader(&copied, excelize.Options{
		UnzipSizeLimit: 4 * MaxPartBytes, UnzipXMLSizeLimit: MaxPartBytes, TmpDir: w.opt.TempDir,
	})
	if err != nil {
		return refuseBecause("工作簿已损坏", "the workbook is damaged", err)
	}
	w.frame = frame
	if frame.WorkBook == nil {
		return refuse("工作簿已损坏", "the workbook is damaged")
	}
	if pr := frame.WorkBook.WorkbookPr; pr != nil {
		w.date1904 = pr.Date1904
	}
	return nil
}

// readFormats notes which styles show a number as a date.
func (w *workbook) readFormats() {
	styles := w.frame.Styles
	if styles == nil || styles.CellXfs == nil {
		return
	}
	own := map[int]string{}
	if styles.NumFmts != nil {
		for _, f := range styles.NumFmts.NumFmt {
			own[f.NumFmtID] = f.FormatCode
		}
	}
	w.formats = make([]datePrecision, len(styles.CellXfs.Xf))
	for i := range styles.CellXfs.Xf {
		id := styles.CellXfs.Xf[i].NumFmtID
		if id == nil {
			continue
		}
		if code, ok := own[*id]; ok {
			w.formats[i] = formatPrecision(code)
		} else {
			w.formats[i] = builtInDates[*id]
		}
	}
}

// setAside hands over the cells of the sheets that are not read.
func (w *workbook) setAside(read []*sheet) error {
	if w.asides == nil {
		return nil
	}
	for _, sh := range w.sheets {
		if slices.Contains(read, sh) {
			continue
		}
		kind := asUnread
		switch {
		case sh.template():
			kind = asTemplate
		case sh.hidden:
			kind = asHidden
		}
		cells := MaxCells
		err := w.scan(sh.part, func(x *xmlScanner) error {
			return scanSheet(x, sheetVisitor{cell: func(c *sheetCell) error {
				text, _, err := w.value(c)
				if err == nil && speaks(text) {
					w.aside(kind, sh.label, cellName(c.column, c.row), text)
				}
				return err
			}}, &cells)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// choose returns the sheets to be read: those the operator named, or those that
// are visible and, if any of them has a column the catalog knows, have one.
func (w *workbook) choose() ([]*sheet, error) {
	var visible, selected []*sheet
	for _, sh := range w.sheets {
		sh.head, sh.fault = w.peekHeader(sh)
		if cause := w.ctx.Err(); cause != nil {
			return nil, cause
		}
		if sh.hidden {
			w.note(sh.label, 0, finding{"", "hidden_sheet", "隐藏的工作表，未发布", "a hidden sheet; not published"})
			continue
		}
		visible = append(visible, sh)
	}
	if len(visible) == 0 {
		return nil, refuse("没有可见的工作表", "no sheet is visible")
	}
	for _, name := range w.opt.Sheets {
		i := slices.IndexFunc(w.sheets, func(sh *sheet) bool {
			if n := sheetNumber(name); n > 0 {
				return sh.number == n
			}
			return strings.EqualFold(sh.name, name)
		})
		switch {
		case i < 0:
			return nil, refuse(fmt.Sprintf("没有名为“%s”的工作表；有：%s", name, sheetNames(visible)), fmt.Sprintf("there is no sheet %q; there are %s", name, sheetNames(visible)))
		case w.sheets[i].hidden:
			return nil, refuse(fmt.Sprintf("工作表“%s”是隐藏的：请先在 Excel 中取消隐藏", name), fmt.Sprintf("the sheet %q is hidden: show it in Excel first", name))
		case !slices.Contains(selected, w.sheets[i]):
			selected = append(selected, w.sheets[i])
		}
	}
	if len(selected) > 0 {
		return selected, nil
	}
	var known, others []*sheet
	for _, sh := range visible {
		switch {
		case sh.fault != nil && len(visible) == 1:
			return nil, sh.fault
		case sh.template():
		case sh.fault != nil || sh.head.known == 0:
			others = append(others, sh)
		default:
			known = append(known, sh)
		}
	}
	if len(known) == 0 {
		// Nothing is known of any: the report shall show the columns there are.
		known, others = visible[:1], visible[1:]
	}
	for _, sh := range others {
		w.note(sh.label, 0, finding{"", "sheet", "没有认识的列，未读取；要读取请指定该工作表", "has no column the catalog knows; not read unless it is named"})
	}
	return known, nil
}

func sheetNames(sheets []*sheet) string {
	var names []string
	for _, sh := range sheets {
		names = append(names, sh.label)
	}
	return strings.Join(names, "、")
}

func (w *workbook) peekHeader(sh *sheet) (header, error) {
	next, stop := iter.Pull2(w.grid(sh, false))
	defer stop()
	return w.findHeader(next)
}

// grid yields the rows of a sheet that have something in them. What merged ranges
// cover is set aside when the sheet is read for good.
func (w *workbook) grid(sh *sheet, reading bool) iter.Seq2[gridRow, error] {
	return func(yield func(gridRow, error) bool) {
		var g gridRow
		ranges := newMerged(slices.Clone(sh.merges))
		if reading {
			ranges.covered = func(column, row int, text string) {
				w.aside(asCovered, sh.label, cellName(column, row), text)
			}
		}
		width := 0
		cells := MaxCells
		err := w.scan(sh.part, func(x *xmlScanner) error {
			return scanSheet(x, sheetVisitor{
				row: func(number int, hidden bool) error {
					g = gridRow{number: number, hidden: hidden}
					return nil
				},
				cell: func(c *sheetCell) error {
					if g.cells == nil {
						g.cells = make([]string, 0, max(width, c.column+1))
					}
					for len(g.cells) < c.column {
						g.cells = append(g.cells, "")
					}
					text, note, err := w.value(c)
					g.cells = append(g.cells, text)
					if note != nil {
						note.column = c.column
						g.notes = append(g.notes, *note)
					}
					return err
				},
				endRow: func() error {
					width = max(width, len(g.cells))
					if err := ranges.fill(&g); err != nil {
						return err
					}
					for i := range g.cells {
						if g.fill(i) == ownText && g.text(i) != "" {
							g.own++
						}
					}
					if g.own > 0 && !yield(g, nil) {
						return errStop
					}
					return nil
				},
			}, &cells)
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(gridRow{}, err)
		}
	}
}

// value returns what a cell shows: dates as dates, other numbers plainly.
func (w *workbook) value(c *sheetCell) (string, *gridNote, error) {
	switch c.kind {
	case "s":
		if len(c.text) == 0 {
			return "", nil, nil
		}
		i, err := strconv.Atoi(strings.TrimSpace(string(c.text)))
		if err != nil {
			i = -1
		}
		text, ok, err := w.shared.get(i)
		if err != nil {
			return "", nil, err
		}
		if !ok {
			return "", nil, xmlError(fmt.Sprintf("refers in %s to a text that the workbook lacks", cellName(c.column, c.row)))
		}
		return text, nil, nil
	case "str", "inlineStr":
		return string(unescape(c.text)), nil, nil
	case "b":
		return map[string]string{"1": "TRUE", "0": "FALSE"}[string(c.text)], nil, nil
	case "e":
		return "", failedFormula(errorName(c.text)), nil
	case "d": // ISO 8601, with a time or without
		day, _, _ := strings.Cut(string(c.text), "T")
		return day, nil, nil
	}
	if len(c.text) == 0 {
		if c.formula {
			return "", &gridNote{rule: "formula", zh: "公式没有保存计算结果，按空白处理：请在 Excel 中打开并保存", en: "the formula has no saved result; taken as empty: open and save the workbook in Excel"}, nil
		}
		return "", nil, nil
	}
	text := string(c.text)
	if c.style >= 0 && c.style < len(w.formats) && w.formats[c.style] != noDate {
		if serial, err := strconv.ParseFloat(text, 64); err == nil {
			if day, ok := dateText(serial, w.formats[c.style], w.date1904); ok {
				return day, nil, nil
			}
		}
	}
	text, rounded := numberText(text)
	if rounded {
		return text, &gridNote{rule: "rounded", zh: "数字超过 15 位，Excel 已将其舍入：编号应以文本格式填写", en: "the number has more than 15 digits, which Excel has rounded: numbers that name something belong in text cells"}, nil
	}
	return text, nil, nil
}

func failedFormula(name string) *gridNote {
	return &gridNote{rule: "cell_error", zh: "公式出错（" + name + "），按空白处理", en: "the formula fails (" + name + "); taken as empty"}
}

// errorName returns the error if it is one that Excel has.
func errorName(text []byte) string {
	for _, name := range []string{"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"} {
		if string(text) == name {
			return name
		}
	}
	return "#"
}
