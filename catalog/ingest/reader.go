package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// File is one input, read once. Name decides the format by its ending: .xlsx,
// .csv, .tsv, .txt, .json, .jsonl (or .ndjson) or .luoshu.
type File struct {
	Name string
	io.Reader
}

// row is one record of an input file.
type row struct {
	sheet string
	// number is where a person would look: the line of a text file as an editor
	// counts it, the row of a sheet, the place in a JSON list or bundle.
	number int
	cells  []cell
	// line is a JSON object not yet taken apart; open does that.
	line []byte
	// origin is what a record of a bundle was before.
	origin *origin
	// notes are said of the row whatever becomes of it; refused is why it is not
	// published, whatever its cells say.
	notes, refused []finding
}

// cell is one value of a row: text from a table, or any JSON value.
type cell struct {
	column string
	text   string
	json   jsontext.Value // nil for text
	// personal: its column is not published, and it holds a person's data.
	personal bool
}

func (c cell) empty() bool {
	if c.json != nil {
		return c.json.Kind() == 'n'
	}
	return strings.TrimSpace(c.text) == ""
}

// rowError is a fault of one row, after which the next can be read.
type rowError struct {
	number   int
	rule     string
	zh, en   string
	atColumn string
}

func (e *rowError) Error() string { return fmt.Sprintf("row %d: %s", e.number, e.en) }

// source is one file being read.
type source struct {
	file    File
	opt     *Options
	mapping *mapping
	// note is told what concerns no row that has an outcome: rows that are none,
	// sheets that are not read.
	note func(sheet string, number int, f finding)
	// header, unless nil, is told where the columns of a table stand.
	header func(Header)
	// hiddenColumns of the sheet at hand.
	hiddenColumns []area
	// asides, unless nil, is given what is in the file and in no row.
	asides func(aside)
}

// rows yields the rows of the file. An error that concerns one row wraps
// rowError and reading goes on; any other ends the file.
func (s *source) rows(ctx context.Context) iter.Seq2[row, error] {
	in := &peeker{r: contextReader{ctx, s.file.Reader}}
	return func(yield func(row, error) bool) {
		if err := s.sniff(in); err != nil {
			yield(row{}, err)
			return
		}
		var rows iter.Seq2[row, error]
		switch ending(s.file.Name) {
		case ".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".et":
			rows = s.workbook(ctx, in)
		case ".csv", ".tsv", ".txt":
			rows = s.text(in)
		case ".json":
			rows = s.list(in)
		case ".jsonl", ".ndjson":
			rows = readLines(in)
		case ".luoshu":
			rows = s.bundle(ctx, in)
		default:
			yield(row{}, refuse("不认识这种文件，请使用 .xlsx、.csv、.tsv、.txt、.json、.jsonl 或 .luoshu",
				"cannot read this kind of file: use .xlsx, .csv, .tsv, .txt, .json, .jsonl or .luoshu"))
			return
		}
		for r, err := range rows {
			// A reader that was cut off reports what it met; why it was is said here.
			if cause := ctx.Err(); cause != nil {
				yield(row{}, cause)
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func ending(name string) string { return strings.ToLower(filepath.Ext(name)) }

// sniff refuses files that are something else than their ending says, in words
// that lead to a file that can be read.
func (s *source) sniff(in *peeker) error {
	head, err := in.peek(512)
	if err != nil {
		return err
	}
	isZIP := bytes.HasPrefix(head, []byte("PK\x03\x04"))
	switch kind := ending(s.file.Name); kind {
	case ".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".et":
		trimmed := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
		switch {
		case isZIP, isOLE(head), len(head) == 0:
		case bytes.HasPrefix(trimmed, []byte("<")):
			return refuse("这是改名为 "+kind+" 的网页或 XML 文件，请用 Excel 打开后另存为 .xlsx",
				"this is a web page or XML file under the name of a workbook ("+kind+"): open it in Excel and save it as .xlsx")
		default:
			return refuse("这不是 Excel 工作簿；若是文本表格，请改用 .csv 或 .txt 后缀",
				"this is no Excel workbook; if it is a text table, give it the ending .csv or .txt")
		}
	case ".luoshu":
	default:
		if isZIP || isOLE(head) {
			return refuse("这是 Excel 工作簿或压缩包，不是 "+kind+" 文件：工作簿请用 .xlsx 后缀，压缩包请先解压",
				"this is a workbook or an archive, not a "+kind+" file: a workbook needs the ending .xlsx, an archive must be unpacked first")
		}
	}
	return nil
}

// contextReader ends when its context does, so that no reader has to ask.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// peeker shows the beginning of a file before it is read.
type peeker struct {
	r    io.Reader
	head []byte
}

// peek returns the first n bytes, or all there are.
func (p *peeker) peek(n int) ([]byte, error) {
	if missing := n - len(p.head); missing > 0 {
		more := make([]byte, missing)
		read, err := io.ReadFull(p.r, more)
		p.head = append(p.head, more[:read]...)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
	}
	return p.head[:min(n, len(p.head))], nil
}

func (p *peeker) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.r.Read(b)
}

// content is a file held in memory, piece by piece so that growing costs nothing.
type content struct {
	pieces [][]byte
	size   int64
}

const pieceBytes = 1 << 20

// readAll reads a file of at most limit bytes into memory.
func readAll(in io.Reader, limit int64) (*content, error) {
	c := &content{}
	for {
		piece := make([]byte, pieceBytes)
		n, err := io.ReadFull(in, piece)
		c.pieces = append(c.pieces, piece[:n])
		c.size += int64(n)
		if c.size > limit {
			return nil, refuse(fmt.Sprintf("文件超过 %d MiB", limit>>20), fmt.Sprintf("the file has more than %d MiB", limit>>20))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// ReadAt implements io.ReaderAt.
func (c *content) ReadAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) && offset >= 0 && offset < c.size {
		copied := copy(p[n:], c.pieces[offset/pieceBytes][offset%pieceBytes:])
		n += copied
		offset += int64(copied)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// limitedReader ends a file that is too large, or a row that never ends.
type limitedReader struct {
	r         io.Reader
	file, row int64
}

func limited(r io.Reader) *limitedReader { return &limitedReader{r: r, file: MaxFileBytes} }

var errTooLarge = refuse(fmt.Sprintf("一行超过 %d MiB，或文件超过 %d GiB", MaxRowBytes>>20, MaxFileBytes>>30),
	fmt.Sprintf("more than %d MiB in one row, or %d GiB in the file", MaxRowBytes>>20, MaxFileBytes>>30))

// nextRow allows the following row its full length, with room for read-ahead.
func (l *limitedReader) nextRow() { l.row = MaxRowBytes + 1<<17 }

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.file <= 0 || l.row <= 0 {
		return 0, errTooLarge
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.file, l.row)])
	l.file -= int64(n)
	l.row -= int64(n)
	return n, err
}

// tooManyRows is the fault of a file with more rows than limit.
func tooManyRows(limit int) error {
	return refuse(fmt.Sprintf("超过 %d 行，请拆分为几个文件", limit), fmt.Sprintf("more than %d rows: split the file", limit))
}
