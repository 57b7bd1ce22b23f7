package main

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// The limits of a font file that is looked at.
const (
	maxFontTables = 256
	maxFontTable  = 8 << 20
	maxFontFiles  = 20_000
	maxFontFaces  = 2_000
)

// fontFace is a TrueType font of one weight: what a PDF takes as it is. Browsers turn every
// other kind (variable, PostScript outlines, collections of them) into Type 3.
type fontFace struct {
	path   string
	family string
	weight int // 100 to 900
	italic bool
	runs   []glyphRun // in the order of their characters
}

// glyphRun is characters that follow each other and have glyphs that do.
type glyphRun struct {
	from, to rune
	glyph    int // of from
}

// has reports whether the face has a glyph for r.
func (f *fontFace) has(r rune) bool { return f.glyph(r) != 0 }

// glyph returns the number of r's glyph, 0 without one.
func (f *fontFace) glyph(r rune) int {
	i, found := slices.BinarySearchFunc(f.runs, r, func(x glyphRun, r rune) int {
		switch {
		case x.to < r:
			return -1
		case x.from > r:
			return 1
		}
		return 0
	})
	if !found {
		return 0
	}
	return f.runs[i].glyph + int(r-f.runs[i].from)
}

var errNoFont = errors.New("no static TrueType font")

// readFont looks at a font file of size bytes. The error is errNoFont for what is no
// TrueType font of one weight, or must not be embedded.
func readFont(r io.ReaderAt, size int64) (*fontFace, error) {
	head := make([]byte, 12)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, errNoFont
	}
	if v := binary.BigEndian.Uint32(head); v != 0x00010000 && v != 0x74727565 { // true
		return nil, errNoFont
	}
	n := int(binary.BigEndian.Uint16(head[4:]))
	if n > maxFontTables {
		return nil, errNoFont
	}
	dir := make([]byte, 16*n)
	if _, err := r.ReadAt(dir, 12); err != nil {
		return nil, errNoFont
	}
	type span struct{ at, size int64 }
	tables := map[string]span{}
	for ; len(dir) > 0; dir = dir[16:] {
		t := span{int64(binary.BigEndian.Uint32(dir[8:])), int64(binary.BigEndian.Uint32(dir[12:]))}
		if t.at+t.size <= size {
			tables[string(dir[:4])] = t
		}
	}
	table := func(name string) fontTable {
		t, ok := tables[name]
		if !ok || t.size > maxFontTable {
			return nil
		}
		b := make([]byte, t.size)
		if _, err := r.ReadAt(b, t.at); err != nil {
			return nil
		}
		return b
	}
	if _, ok := tables["glyf"]; !ok {
		return nil, errNoFont
	}
	if _, ok := tables["fvar"]; ok {
		return nil, errNoFont
	}
	os2 := table("OS/2")
	const restricted, bitmaps = 0x0002, 0x0200 // fsType
	if len(os2) < 64 || os2.u16(8)&0x000F == restricted || os2.u16(8)&bitmaps != 0 {
		return nil, errNoFont
	}
	f := &fontFace{weight: os2.u16(4), italic: os2.u16(62)&1 != 0, family: table("name").family(), runs: table("cmap").characters()}
	if f.family == "" || len(f.runs) == 0 {
		return nil, errNoFont
	}
	return f, nil
}

// fontTable is a table of a font. What lies outside of it reads as zero.
type fontTable []byte

func (t fontTable) u16(at int) int {
	if at < 0 || at+2 > len(t) {
		return 0
	}
	return int(binary.BigEndian.Uint16(t[at:]))
}

func (t fontTable) u32(at int) int {
	if at < 0 || at+4 > len(t) {
		return 0
	}
	return int(binary.BigEndian.Uint32(t[at:]))
}

// family returns the English family name of a name table.
func (t fontTable) family() string {
	strs, name := t.u16(4), ""
	for i := range min(t.u16(2), 4096) {
		at := 6 + 12*i
		const windows, english = 3, 0x409
		if t.u16(at) != windows || t.u16(at+4) != english {
			continue
		}
		id, from, size := t.u16(at+6), strs+t.u16(at+10), t.u16(at+8)
		if (id != 1 || name != "") && id != 16 || from+size > len(t) {
			continue
		}
		var units []uint16
		for ; size > 1; from, size = from+2, size-2 {
			units = append(units, uint16(t.u16(from)))
		}
		name = string(utf16.Decode(units))
	}
	return name
}

// characters returns the glyphs of a cmap table: of all of Unicode where it has them, else
// of its first plane.
func (t fontTable) characters() []glyphRun {
	best, format := 0, 0
	for i := range min(t.u16(2), 64) {
		at := t.u32(8 + 8*i)
		if f := t.u16(at); (f == 4 || f == 12) && f > format && at < len(t) {
			best, format = at, f
		}
	}
	var all []glyphRun
	add := func(from, to, glyph int) {
		if n := len(all); glyph > 0 && from <= to && to <= unicode.MaxRune && (n == 0 || rune(from) > all[n-1].to) {
			all = append(all, glyphRun{rune(from), rune(to), glyph})
		}
	}
	switch s := t[min(best, len(t)):]; format {
	case 12:
		for i := range min(s.u32(12), len(s)/12) {
			at := 16 + 12*i
			add(s.u32(at), s.u32(at+4), s.u32(at+8))
		}
	case 4:
		n := s.u16(6) / 2
		for i := range n {
			end, start := min(s.u16(14+2*i), 0xFFFE), s.u16(16+2*n+2*i)
			delta, place := s.u16(16+4*n+2*i), 16+6*n+2*i
			offset := s.u16(place)
			for c := start; c <= end; c++ {
				switch g := s.u16(place + offset + 2*(c-start)); {
				case offset == 0:
					add(c, c, (c+delta)&0xFFFF)
				case g != 0:
					add(c, c, (g+delta)&0xFFFF)
				}
			}
		}
	}
	return all
}

// fontFolders are where fonts of this machine lie.
func fontFolders(env environment) []string {
	dirs := []string{"/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts"}
	if v, _ := env.lookup("WINDIR"); v != "" {
		dirs = append(dirs, filepath.Join(v, "Fonts"))
	}
	if home, _ := env.lookup("HOME"); home != "" {
		dirs = append(dirs, filepath.Join(home, ".local", "share", "fonts"), filepath.Join(home, ".fonts"), filepath.Join(home, "Library", "Fonts"))
	}
	return dirs
}

// findFonts returns the faces in a folder and below it, by path.
func findFonts(folder string) []*fontFace {
	var faces []*fontFace
	seen := 0
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if seen++; seen > maxFontFiles || len(faces) > maxFontFaces {
			return fs.SkipAll
		}
		if err != nil || d.IsDir() || !strings.EqualFold(filepath.Ext(path), ".ttf") {
			return nil // what cannot be read is no font
		}
		file, err := os.Open(path) //nolint:gosec // G122: folders of fonts, which only their owner changes
		if err != nil {
			return nil
		}
		defer func() { _ = file.Close() }()
		info, err := file.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return nil
		}
		if f, err := readFont(file, info.Size()); err == nil {
			f.path = path
			faces = append(faces, f)
		}
		return nil
	})
	return faces
}

// The families that a catalog is set in, the better first: for the text, and for headings.
var (
	textFamilies    = []string{"Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "LXGW WenKai"}
	headingFamilies = []string{"Noto Serif SC", "Source Han Serif SC", "Source Han Serif CN"}
)

// typeface is what a print is set in: the faces in which the page looks for the text and
// for headings, and single characters from others.
type typeface struct {
	text, heading []*fontFace
	rest          []fontRest
}

type fontRest struct {
	face  *fontFace
	chars []rune
}

// chooseFonts returns the faces to set the characters of text in, and those characters that
// no face has.
func chooseFonts(faces []*fontFace, text string) (typeface, []rune) {
	chars := map[rune]bool{}
	for _, r := range text {
		if unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Variation_Selector, r) {
			chars[r] = true
		}
	}
	upright := slices.DeleteFunc(slices.Clone(faces), func(f *fontFace) bool { return f.italic || strings.Contains(f.family, "Mono") })
	var t typeface
	t.text = weights(family(upright, textFamilies))
	if t.text == nil { // the family that has most of it
		count := map[string]int{}
		for _, f := range upright {
			n := 0
			for r := range chars {
				if f.has(r) {
					n++
				}
			}
			count[f.family] = max(count[f.family], n)
		}
		byCount := slices.Clone(upright)
		slices.SortStableFunc(byCount, func(a, b *fontFace) int { return cmp.Compare(count[b.family], count[a.family]) })
		if len(byCount) > 0 {
			t.text = weights(slices.DeleteFunc(byCount, func(f *fontFace) bool { return f.family != byCount[0].family }))
		}
	}
	t.heading = weights(family(upright, headingFamilies))
	var missing []rune
	for _, r := range slices.Sorted(maps.Keys(chars)) {
		if everyFace(t.text, r) && everyFace(t.heading, r) {
			continue
		}
		i := slices.IndexFunc(upright, func(f *fontFace) bool { return f.has(r) })
		if i < 0 {
			missing = append(missing, r)
			continue
		}
		at := slices.IndexFunc(t.rest, func(x fontRest) bool { return x.face == upright[i] })
		if at < 0 {
			at = len(t.rest)
			t.rest = append(t.rest, fontRest{face: upright[i]})
		}
		t.rest[at].chars = append(t.rest[at].chars, r)
	}
	return t, missing
}

func everyFace(faces []*fontFace, r rune) bool {
	return !slices.ContainsFunc(faces, func(f *fontFace) bool { return !f.has(r) })
}

// family returns the faces of the first of families that there are any of.
func family(faces []*fontFace, families []string) []*fontFace {
	for _, name := range families {
		own := slices.DeleteFunc(slices.Clone(faces), func(f *fontFace) bool { return f.family != name })
		if len(own) > 0 {
			return own
		}
	}
	return nil
}

// weights returns of a family the regular face and the bold one, or what comes nearest.
func weights(faces []*fontFace) []*fontFace {
	if len(faces) == 0 {
		return nil
	}
	nearest := func(weight int) *fontFace {
		return slices.MinFunc(faces, func(a, b *fontFace) int {
			return cmp.Compare(distance(a.weight, weight), distance(b.weight, weight))
		})
	}
	regular, bold := nearest(400), nearest(700)
	if regular == bold {
		return []*fontFace{regular}
	}
	return []*fontFace{regular, bold}
}

func distance(a, b int) int { return max(a-b, b-a) }
