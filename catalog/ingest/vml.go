package ingest

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
)

// tidyComments returns a copy of a workbook in which the parts for comments are
// called as excelize expects, or nil where there are none. excelize takes the number
// in the name of a sheet's drawing (vmlDrawing3.vml) for that of its comments, and
// the number of comment parts for that of the last drawing. Excel, LibreOffice and
// others count otherwise: new comments would be lost, or go to another sheet.
func tidyComments(ctx context.Context, archive *zip.Reader) (io.Reader, error) {
	w := &workbook{ctx: ctx, archive: archive, parts: map[string]*zip.File{}}
	for _, f := range archive.File {
		w.parts[strings.ReplaceAll(f.Name, "\\", "/")] = f
	}
	renamed, err := w.newNames()
	if err != nil || len(renamed) == 0 {
		return nil, err
	}
	var copied bytes.Buffer
	z := zip.NewWriter(&copied)
	for _, f := range archive.File {
		name := strings.ReplaceAll(f.Name, "\\", "/")
		to, isRenamed := renamed[name]
		if !isRenamed {
			to = name
		}
		rewrite := rewriterOf(name, renamed)
		if rewrite == nil {
			if err := copyEntry(z, f, to); err != nil {
				return nil, w.damaged(name, err)
			}
			continue
		}
		b, err := w.small(name)
		if err != nil {
			return nil, err
		}
		part, err := z.Create(to)
		if err != nil {
			return nil, err
		}
		if _, err := part.Write(rewrite(b)); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return &copied, nil
}

// firstNumber numbers the renamed parts: above what excelize gives to new ones.
const firstNumber = MaxEntries

// newNames returns the parts to be renamed. A sheet's comments get the number of
// the drawing that shows them.
func (w *workbook) newNames() (map[string]string, error) {
	renamed := map[string]string{}
	number := firstNumber
	for _, f := range w.archive.File {
		sheet := strings.ReplaceAll(f.Name, "\\", "/")
		if !isSheet(sheet) {
			continue
		}
		targets, err := w.relationsOf(sheet)
		if err != nil {
			return nil, err
		}
		comments, shown := "", 0
		for _, t := range targets {
			if strings.HasSuffix(t.kind, "/comments") {
				comments = t.part
			}
		}
		for _, t := range targets {
			if !strings.HasSuffix(t.kind, "/vmlDrawing") || w.parts[t.part] == nil || renamed[t.part] != "" {
				continue
			}
			number++
			renamed[t.part] = fmt.Sprintf("xl/drawings/vmlDrawing%d.vml", number)
			dir, base := path.Split(t.part)
			renamed[dir+"_rels/"+base+".rels"] = fmt.Sprintf("xl/drawings/_rels/vmlDrawing%d.vml.rels", number)
			b, err := w.small(t.part)
			if err != nil {
				return nil, err
			}
			// Beside it there may be one of pictures in the page headers.
			if shown == 0 || bytes.Contains(b, []byte(`"Note"`)) {
				shown = number
			}
		}
		if comments != "" && w.parts[comments] != nil {
			if shown == 0 {
				number++
				shown = number
			}
			renamed[comments] = fmt.Sprintf("xl/comments%d.xml", shown)
		}
	}
	return renamed, nil
}

// small reads a part that is held in memory.
func (w *workbook) small(name string) ([]byte, error) {
	f := w.parts[name]
	if f.UncompressedSize64 > MaxPartBytes {
		return nil, partTooLarge(name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, w.damaged(name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(contextReader{w.ctx, r}, MaxPartBytes))
	if err != nil {
		return nil, w.damaged(name, err)
	}
	return b, nil
}

// copyEntry copies an entry, compressed as it is, under a name.
func copyEntry(z *zip.Writer, f *zip.File, name string) error {
	if name == f.Name {
		return z.Copy(f)
	}
	in, err := f.OpenRaw()
	if err != nil {
		return err
	}
	h := f.FileHeader
	h.Name = name
	out, err := z.CreateRaw(&h)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}

var (
	partName  = regexp.MustCompile(`(PartName=["'])/?([^"']+)(["'])`)
	relTarget = regexp.MustCompile(`(Target=["'])([^"']+)(["'])`)
	shapeID   = regexp.MustCompile(`(<(?:\w+:)?shape\s(?:[^>]*\s)?id=["'])([^"']*)(["'])`)
	plainID   = regexp.MustCompile(`^_x0000_s\d+$`)
)

// rewriterOf returns what has to be changed in a part when others are renamed, or
// nil for nothing.
func rewriterOf(name string, renamed map[string]string) func([]byte) []byte {
	switch dir, base := path.Split(name); {
	case name == "[Content_Types].xml":
		return func(b []byte) []byte {
			return replaceParts(partName, b, func(part string) (string, bool) {
				to, ok := renamed[part]
				return "/" + to, ok
			})
		}
	case dir == "xl/worksheets/_rels/":
		return func(b []byte) []byte {
			return replaceParts(relTarget, b, func(target string) (string, bool) {
				at := strings.ReplaceAll(target, "\\", "/")
				if !strings.HasPrefix(at, "/") {
					at = path.Join("xl/worksheets", at)
				}
				to, ok := renamed[strings.TrimPrefix(path.Clean(at), "/")]
				return "../" + strings.TrimPrefix(to, "xl/"), ok
			})
		}
	case ending(base) == ".vml" && renamed[name] != "":
		// LibreOffice calls its shapes shape_0.
		return func(b []byte) []byte {
			n := 0
			return replaceParts(shapeID, b, func(id string) (string, bool) {
				n++
				return fmt.Sprintf("_x0000_s%d", 1<<20+n), !plainID.MatchString(id)
			})
		}
	}
	return nil
}

// replaceParts replaces the second group of a form's matches where to says so.
func replaceParts(form *regexp.Regexp, b []byte, to func(string) (string, bool)) []byte {
	return form.ReplaceAllFunc(b, func(match []byte) []byte {
		m := form.FindSubmatch(match)
		text, ok := to(string(m[2]))
		if !ok {
			return match
		}
		return bytes.Join([][]byte{m[1], []byte(text), m[3]}, nil)
	})
}
