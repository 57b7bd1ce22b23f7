package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

// fixedFile is what --fixed wrote: how many cells are marked in it, and how many
// more there would have been.
type fixedFile struct {
	File   string `json:"file"`
	Marked int    `json:"marked"`
	Left   int    `json:"left"`
}

// checkFixedName refuses inputs that cannot be written back as one workbook, and a
// name under which the workbook could not be opened.
func checkFixedName(fixed string, files []string) error {
	if fixed == "" {
		return nil
	}
	if len(files) != 1 {
		return usage("--fixed 须与一个文件同用", "--fixed goes with one file")
	}
	switch ending := strings.ToLower(filepath.Ext(files[0])); ending {
	case ".xlsx", ".csv", ".tsv", ".txt":
		return checkNewWorkbook("fixed", fixed, ".xlsx")
	case ".xlsm", ".xltx", ".xltm": // does not open under another ending
		return checkNewWorkbook("fixed", fixed, ending)
	}
	return usage("--fixed 只用于工作簿（.xlsx）或文本表格：其他文件没有可加批注的单元格", "--fixed goes with a workbook (.xlsx) or a text table: other files have no cells to comment on")
}

// writeFixed reads the input once more and writes it back with comments.
func (p *publishFlags) writeFixed(ctx context.Context, in *input, report *ingest.Report, opt ingest.Options) (*fixedFile, error) {
	if _, err := in.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	done := &fixedFile{File: p.fixed}
	err := cache.Replace(p.fixed, func(w io.Writer) (err error) {
		file := ingest.File{Name: filepath.Base(in.name), Reader: in.file}
		done.Marked, done.Left, err = ingest.WriteFixed(ctx, w, file, report, opt)
		return err
	})
	return done, err
}

func (p printer) fixed(f *fixedFile) {
	if f == nil {
		return
	}
	p.line(catalog.Text{ZH: "已在 %[2]s 中标出 %[1]d 个单元格", EN: "%d cells are marked in %s"}, f.Marked, f.File)
	if f.Left > 0 {
		p.line(catalog.Text{ZH: "  另有 %d 个未标出：改正后再检查一次", EN: "  and %d more are not: correct these, then check again"}, f.Left)
	}
}
