package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

// checkOutputs refuses, before anything is done, what is to be written beside the
// publication and could not be, or would overwrite an input or one another.
func (p *publishFlags) checkOutputs(files []string) error {
	if ext := strings.ToLower(filepath.Ext(p.report)); p.report != "" && ext != ".html" && ext != ".csv" && ext != ".json" {
		return usage("--report %s：文件名应以 .html、.csv 或 .json 结尾", "--report %s: the name must end in .html, .csv or .json", p.report)
	}
	if err := checkFixedName(p.fixed, files); err != nil {
		return err
	}
	inputs := append(slices.Clone(files), p.columns, p.profile)
	outputs := [][2]string{{"report", p.report}, {"propose", p.propose}, {"fixed", p.fixed}}
	for i, o := range outputs {
		flag, name := o[0], o[1]
		if name == "" {
			continue
		}
		for _, in := range inputs {
			if in != "" && sameFile(name, in) {
				return usage("--%s %s 会覆盖输入文件", "--%s %s would overwrite an input", flag, name)
			}
		}
		for _, other := range outputs[:i] {
			if other[1] != "" && sameFile(name, other[1]) {
				return usage("--%s 与 --%s 要写到同一个文件 %s", "--%s and --%s would write the same file %s", other[0], flag, name)
			}
		}
		if err := writable(name); err != nil {
			return usage("--%s %s 无法写入：%v", "--%s %s cannot be written: %v", flag, name, err)
		}
	}
	return nil
}

// sameFile reports whether two names are of one file, or would be when it is made.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil {
		return os.SameFile(x, y)
	}
	if !strings.EqualFold(filepath.Base(a), filepath.Base(b)) { // some file systems know no case
		return false
	}
	x, errX = os.Stat(filepath.Dir(a))
	y, errY = os.Stat(filepath.Dir(b))
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// writable reports why cache.Replace could not write a file of that name.
func writable(name string) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return catalog.NewTextError(nil, catalog.Text{ZH: "已有同名的文件夹或设备", EN: "there is a folder or device of that name"})
	}
	if _, err := os.Stat(filepath.Dir(name)); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".luoshu-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// writeOutputs writes what was asked for beside the publication. The report is worth
// most when something stopped that, so failed does not keep it from being written.
func (p *publishFlags) writeOutputs(ctx context.Context, lang string, files []*input, opt ingest.Options, out *result, check bool, failed error) error {
	wrap := func(flag string, err error) error {
		if err == nil {
			return nil
		}
		return catalog.NewTextError(nil, catalog.Text{ZH: "--%s 没有写成：%v", EN: "--%s could not be written: %v"}, flag, err)
	}
	var errs []error
	if p.propose != "" {
		errs = append(errs, wrap("propose", cache.Replace(p.propose, func(w io.Writer) error { return printJSON(w, out.Proposed(opt.Columns)) })))
	}
	if p.report != "" {
		errs = append(errs, wrap("report", writeReport(p.report, lang, *out, check, failed)))
	}
	if p.fixed != "" {
		fixed, err := p.writeFixed(ctx, files[0], out.Report, opt)
		if err == nil {
			out.Fixed = fixed
		}
		errs = append(errs, wrap("fixed", err))
	}
	return errors.Join(errs...)
}

func writeReport(name, lang string, out result, check bool, failed error) error {
	return cache.Replace(name, func(w io.Writer) error {
		switch strings.ToLower(filepath.Ext(name)) {
		case ".html":
			page := ingest.Page{
				Report: out.Report, Draft: out.Diff.draft, Drift: out.Drift, Lang: lang, Checked: check, Stopped: failed, Made: time.Now(),
			}
			if out.Release != nil {
				page.Release = out.Release.Sequence
			}
			return page.Write(w)
		case ".csv":
			return out.WriteCSV(w)
		}
		return printJSON(w, out)
	})
}

func printJSON(w io.Writer, v any) error {
	if err := json.MarshalWrite(w, v, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
