package ingest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// text reads a table of text: .csv and .txt with the delimiter they turn out to
// have, .tsv with tabs.
func (s *source) text(in *peeker) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		text, err := decodeText(in, s.opt.Encoding)
		if err != nil {
			yield(row{}, err)
			return
		}
		if !text.trusted && text.encoding != UTF8 {
			s.note("", 0, finding{"", "encoding", "编码判定为 " + string(text.encoding), "the encoding was found to be " + string(text.encoding)})
		}
		for r, err := range s.table("", s.grid(limited(text))) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// sampleBytes is how much of a table is looked at to find its delimiter.
const sampleBytes = 1 << 16

// grid yields the lines of a text table, taken apart.
func (s *source) grid(in *limitedReader) iter.Seq2[gridRow, error] {
	return func(yield func(gridRow, error) bool) {
		in.nextRow()
		buffered := bufio.NewReaderSize(in, sampleBytes)
		comma, above := '\t', 0
		if ending(s.file.Name) != ".tsv" {
			sample, err := buffered.Peek(sampleBytes)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(gridRow{}, err)
				return
			}
			comma = s.delimiter(sample)
			// Excel's own way to say so: a first line such as "sep=;".
			if line, _, ok := bytes.Cut(sample, feedUTF8); ok && sepLine(line) != 0 {
				_, _ = buffered.Discard(len(line) + 1)
				above = 1
			}
		}
		table := csv.NewReader(buffered)
		table.Comma = comma
		table.FieldsPerRecord = -1
		for {
			in.nextRow()
			record, err := table.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if bad, ok := errors.AsType[*csv.ParseError](err); ok {
				err = refuse(
					fmt.Sprintf("第 %d 行第 %d 字节的引号不成对（该单元格从第 %d 行开始）：含引号、分隔符或换行的单元格要用引号括起，其中的引号写两次", bad.Line+above, bad.Column, bad.StartLine+above),
					fmt.Sprintf("the quotes at line %d, byte %d do not match (the row begins at line %d): a cell with quotes, delimiters or line breaks stands in quotes, quotes inside it are doubled", bad.Line+above, bad.Column, bad.StartLine+above))
			}
			if err != nil {
				yield(gridRow{}, err)
				return
			}
			line, _ := table.FieldPos(0)
			if !yield(gridRow{number: line + above, cells: record}, nil) {
				return
			}
		}
	}
}

// sepLine returns the delimiter that a line such as "sep=;" names, else 0.
func sepLine(line []byte) rune {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) && strings.IndexByte(",;\t|", line[4]) >= 0 {
		return rune(line[4])
	}
	return 0
}

// delimiter returns the one that makes the best table of sample: with the most
// known column names in a line, then with the same number of cells in the most
// lines.
func (s *source) delimiter(sample []byte) rune {
	first, _, _ := bytes.Cut(sample, feedUTF8)
	if comma := sepLine(first); comma != 0 {
		return comma
	}
	if end := bytes.LastIndexByte(sample, '\n'); end >= 0 && len(sample) == sampleBytes {
		sample = sample[:end+1]
	}
	best, bestKnown, bestShare := ',', 0, 0.0
	if ending(s.file.Name) == ".txt" {
		best = '\t' // a text of one column keeps its commas
	}
	for _, comma := range []rune{',', '\t', ';', '|'} {
		known, share := s.tryDelimiter(sample, comma)
		if known > bestKnown || known == bestKnown && share > bestShare {
			best, bestKnown, bestShare = comma, known, share
		}
	}
	return best
}

// tryDelimiter returns the greatest number of known column names in a line, and
// the share of lines with the most frequent number of cells, 0 if that is one.
func (s *source) tryDelimiter(sample []byte, comma rune) (known int, share float64) {
	table := csv.NewReader(bytes.NewReader(sample))
	table.Comma, table.FieldsPerRecord, table.LazyQuotes = comma, -1, true
	widths, lines, usual := map[int]int{}, 0, 0
	for lines < headerSearch {
		record, err := table.Read()
		if err != nil {
			break
		}
		lines++
		widths[len(record)]++
		if n := widths[len(record)]; n > widths[usual] || n == widths[usual] && len(record) > usual {
			usual = len(record)
		}
		if n := s.knownNames(gridRow{cells: record}); len(record) > 1 && n > known {
			known = n
		}
	}
	if usual < 2 {
		return known, 0
	}
	return known, float64(widths[usual]) / float64(lines)
}
