package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
)

// maxFontBytes bounds a font file that is cut down.
const maxFontBytes = 64 << 20

// keptTables are what a cut font keeps as it is. Not GSUB: it would lead to glyphs that
// are gone.
var keptTables = []string{"GDEF", "GPOS", "OS/2", "cvt ", "fpgm", "gasp", "hhea", "hmtx", "maxp", "name", "prep"}

// subset returns the font file with the glyphs of chars alone. A browser reads it fast,
// and what it puts into a PDF stays small, with one character to a glyph: whole fonts have
// glyphs for several, and text that is copied out would have the wrong ones.
func (f *fontFace) subset(chars []rune) ([]byte, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFontBytes {
		return nil, fmt.Errorf("font %s has %d bytes: %w", f.path, info.Size(), errNoFont)
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	cut, err := cutFont(b, f.runs, chars)
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", f.path, err)
	}
	return cut, nil
}

// cutFont is subset of the file b, whose characters are runs. Glyphs keep their numbers;
// those that are not needed become empty.
func cutFont(b fontTable, runs []glyphRun, chars []rune) ([]byte, error) {
	tables := map[string]fontTable{}
	for i := range min(b.u16(4), maxFontTables) {
		at := 12 + 16*i
		from, size := b.u32(at+8), b.u32(at+12)
		if at+16 <= len(b) && from+size <= len(b) {
			tables[string(b[at:at+4])] = b[from : from+size]
		}
	}
	head, glyf, loca := tables["head"], tables["glyf"], tables["loca"]
	if len(head) < 54 || len(loca) == 0 {
		return nil, errNoFont
	}
	place := func(g int) int { return loca.u32(4 * g) }
	count := len(loca)/4 - 1
	if head.u16(50) == 0 {
		place, count = func(g int) int { return 2 * loca.u16(2*g) }, len(loca)/2-1
	}
	outline := func(g int) fontTable {
		if from, to := place(g), place(g+1); g < count && from < to && to <= len(glyf) {
			return glyf[from:to]
		}
		return nil
	}
	face := fontFace{runs: runs}
	needed := map[int]bool{}
	need(needed, 0, outline) // what is drawn for a missing one
	var own []glyphRun       // of the characters alone
	wanted := slices.Clone(chars)
	slices.Sort(wanted)
	for _, r := range slices.Compact(wanted) {
		if g := face.glyph(r); g > 0 && g < count {
			own = append(own, glyphRun{r, r, g})
			need(needed, g, outline)
		}
	}
	var outlines []byte
	places := make([]byte, 0, 4*(count+1))
	for g := range count {
		places = binary.BigEndian.AppendUint32(places, uint32(len(outlines)))
		if needed[g] {
			outlines = append(outlines, outline(g)...)
			outlines = append(outlines, make([]byte, -len(outlines)&3)...)
		}
	}
	places = binary.BigEndian.AppendUint32(places, uint32(len(outlines)))
	long := slices.Clone(head)
	binary.BigEndian.PutUint16(long[50:], 1)
	cut := map[string][]byte{"head": long, "glyf": outlines, "loca": places, "cmap": cmapOf(own)}
	cut["post"] = binary.BigEndian.AppendUint32(nil, 0x00030000) // no names of glyphs
	cut["post"] = append(cut["post"], make([]byte, 28)...)
	for _, name := range keptTables {
		if t, ok := tables[name]; ok {
			cut[name] = t
		}
	}
	return writeFont(cut), nil
}

// need adds a glyph and those that it is put together of.
func need(needed map[int]bool, g int, outline func(int) fontTable) {
	if needed[g] {
		return
	}
	needed[g] = true
	o := outline(g)
	if o.u16(0) < 0x8000 { // a composite has a negative number of contours
		return
	}
	const words, scale, more, scales, matrix = 0x0001, 0x0008, 0x0020, 0x0040, 0x0080
	for at := 10; at+4 <= len(o); {
		flags := o.u16(at)
		need(needed, o.u16(at+2), outline)
		at += 6
		if flags&words != 0 {
			at += 2
		}
		switch {
		case flags&scale != 0:
			at += 2
		case flags&scales != 0:
			at += 4
		case flags&matrix != 0:
			at += 8
		}
		if flags&more == 0 {
			return
		}
	}
}

// cmapOf writes a cmap table (format 12).
func cmapOf(runs []glyphRun) []byte {
	var b []byte
	for _, n := range []uint16{0, 1, 3, 10, 0, 12, 12, 0} { // one table, of Windows, at byte 12
		b = binary.BigEndian.AppendUint16(b, n)
	}
	for _, n := range []int{16 + 12*len(runs), 0, len(runs)} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	for _, r := range runs {
		for _, n := range []int{int(r.from), int(r.to), r.glyph} {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
	}
	return b
}

// writeFont writes tables as a font file.
func writeFont(tables map[string][]byte) []byte {
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	n := uint16(len(names))
	power, log := uint16(1), uint16(0)
	for power*2 <= n {
		power, log = power*2, log+1
	}
	b := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []uint16{n, power * 16, log, n*16 - power*16} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	at := uint32(len(b) + 16*len(names))
	var body []byte
	for _, name := range names {
		t := tables[name]
		size := uint32(len(t))
		b = append(b, name...)
		for _, v := range []uint32{fontSum(t), at + uint32(len(body)), size} {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		body = append(body, t...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	return append(b, body...)
}

// fontSum is the checksum of a table.
func fontSum(t fontTable) uint32 {
	var sum uint32
	for i := 0; i < len(t); i += 4 {
		var word [4]byte
		copy(word[:], t[i:])
		sum += binary.BigEndian.Uint32(word[:])
	}
	return sum
}
