package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

// mappingPath is where it is remembered what the columns of a publisher mean.
func mappingPath(dataDir, publisher string, d catalog.Dataset) string {
	return filepath.Join(dataDir, "mappings", publisher+"."+string(d)+".json")
}

// readMapping returns what the columns of the publisher's last files meant, or
// nothing when there were none.
func readMapping(dataDir, publisher string, d catalog.Dataset) (ingest.SavedMapping, error) {
	name := mappingPath(dataDir, publisher, d)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ingest.SavedMapping{}, nil
	}
	if err != nil {
		return ingest.SavedMapping{}, err
	}
	saved, err := ingest.ReadSavedMapping(b)
	if err != nil {
		return saved, catalog.NewTextError(nil, catalog.Text{ZH: "%s：请改正或删去：%v", EN: "%s: correct or remove it: %v"}, name, err)
	}
	return saved, nil
}

// writeMapping remembers what the columns of the files meant.
func writeMapping(dataDir string, report *ingest.Report, opt ingest.Options) error {
	columns := map[string]string{}
	for _, c := range report.Columns {
		if c.Dataset != opt.Dataset {
			return nil // of a bundle, whose records know what they are
		}
	}
	for _, known := range []map[string]string{opt.Known, opt.Columns} {
		for column, field := range known {
			columns[column] = field
		}
	}
	saved := ingest.NewSavedMapping(report, opt.Publisher, opt.Dataset, columns, catalog.Date(time.Now().Format(time.DateOnly)))
	if len(saved.Header) == 0 {
		return nil
	}
	b, err := saved.Encode()
	if err != nil {
		return err
	}
	name := mappingPath(dataDir, opt.Publisher, opt.Dataset)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return cache.Replace(name, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

func (p printer) drift(drifted []ingest.Drifted) {
	if len(drifted) > 0 {
		p.line(catalog.Text{ZH: "与上次的文件相比，列有变化：", EN: "The columns have changed since the last files:"})
	}
	for _, d := range drifted {
		_, _ = fmt.Fprintf(p.w, "  %s\n", clean(d.Text(p.lang)))
	}
}

var useTexts = map[ingest.Use]catalog.Text{
	ingest.Gate:    {ZH: "用于把关，不公开", EN: "decides about publication, not public"},
	ingest.Dropped: {ZH: "从不公开，已丢弃", EN: "never public, dropped"},
	ingest.Unused:  {ZH: "目录中没有位置，未采用", EN: "has no place in the catalog, not used"},
	ingest.Unknown: {ZH: "不认识，未公开", EN: "unknown, not published"},
}

// widest is how many cells of the screen a column's name, and what becomes of it,
// may take at most.
const widest = 36

// columns shows what becomes of every column: its name, its field, how many values
// it has, and what they look like or what it might be.
func (p printer) columns(columns []ingest.Column) {
	if len(columns) == 0 {
		return
	}
	p.line(catalog.Text{ZH: "列：", EN: "Columns:"})
	rows := make([][2]string, len(columns))
	var width [2]int
	unknown, file := false, ""
	for i, c := range columns {
		rows[i] = [2]string{fit(clean(c.Name)), fit(p.becomes(c))}
		for k, text := range rows[i] {
			width[k] = max(width[k], runewidth.StringWidth(text))
		}
		unknown = unknown || c.Use == ingest.Unknown
	}
	for i, c := range columns {
		if c.File != file && c.File != columns[0].File {
			_, _ = fmt.Fprintf(p.w, " %s\n", clean(c.File))
		}
		file = c.File
		_, _ = fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf("  %s  %s  %6d  %s",
			runewidth.FillRight(rows[i][0], width[0]), runewidth.FillRight(rows[i][1], width[1]), c.Values, clean(p.remark(c))), " "))
	}
	if unknown {
		p.line(catalog.Text{
			ZH: "  不认识的列不会公开。要采用，用 check --propose 列.json 写出建议，改好后以 --columns 列.json 交回。",
			EN: "  Unknown columns are not published. To use them, have check --propose columns.json write proposals, correct them and give them back with --columns columns.json.",
		})
	}
}

func (p printer) becomes(c ingest.Column) string {
	if c.Use != ingest.Mapped {
		return useTexts[c.Use].In(p.lang)
	}
	if f, ok := catalog.LookupField(c.Dataset, c.Field); ok {
		return "→ " + f.Label.In(p.lang) + " " + c.Field
	}
	return "→ " + c.Field
}

// remark says what is worth knowing of a column beyond what becomes of it.
func (p printer) remark(c ingest.Column) string {
	examples := strings.Join(c.Examples, catalog.Text{ZH: "；", EN: "; "}.In(p.lang))
	switch {
	case c.Personal > 0:
		return fmt.Sprintf(catalog.Text{ZH: "其中 %d 行含个人信息", EN: "personal data in %d rows"}.In(p.lang), c.Personal)
	case c.Use == ingest.Unknown && c.Proposal.Field != "":
		return fmt.Sprintf(catalog.Text{ZH: "可能是 %s（%.0f%%，%s）", EN: "may be %s (%.0f %%: %s)"}.In(p.lang), c.Proposal.Field, 100*c.Confidence, c.Reason.In(p.lang))
	case c.Use == ingest.Mapped && c.Confidence < 1:
		return c.Reason.In(p.lang)
	}
	return examples
}

// clean takes out of a text of a file what a terminal would act on.
func clean(s string) string {
	text, _ := catalog.CleanText(s, false)
	return text
}

func fit(s string) string { return runewidth.Truncate(s, widest, "…") }
