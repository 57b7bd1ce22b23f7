package static

import (
	"bytes"
	"cmp"
	_ "embed" // the table of slices
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// The fonts are cut into slices, so that a page loads what it needs and little else. They
// are few, since a page pays for every one before it can be painted (ADR 20). The table says
// which code points a slice has; where two have one, the later counts, as in a style sheet.
// It is written by tools/fonts.py.
//
//go:embed fonts/slices.csv
var slicesCSV string

// slice is a part of both families.
type slice struct {
	name   string
	ranges [][2]rune
}

var loadSlices = sync.OnceValue(func() []slice {
	rows, err := csv.NewReader(strings.NewReader(slicesCSV)).ReadAll()
	if err != nil {
		panic(fmt.Errorf("static: fonts/slices.csv: %w", err))
	}
	var all []slice
	for _, row := range rows[1:] {
		s := slice{name: row[0]}
		for r := range strings.FieldsSeq(row[1]) {
			first, last, ok := strings.Cut(r, "-")
			if !ok {
				last = first
			}
			from, err1 := strconv.ParseUint(first, 16, 21)
			to, err2 := strconv.ParseUint(last, 16, 21)
			if err1 != nil || err2 != nil || from > to || to > unicode.MaxRune {
				panic(fmt.Errorf("static: fonts/slices.csv: slice %s: %q is no range", s.name, r))
			}
			s.ranges = append(s.ranges, [2]rune{rune(from), rune(to)})
		}
		all = append(all, s)
	}
	return all
})

// loadCovered holds a bit for every code point the slices have.
var loadCovered = sync.OnceValue(func() *[(unicode.MaxRune + 1) / 64]uint64 {
	var bits [(unicode.MaxRune + 1) / 64]uint64
	for _, s := range loadSlices() {
		for _, span := range s.ranges {
			for r := span[0]; r <= span[1]; r++ {
				bits[r/64] |= 1 << (r % 64)
			}
		}
	}
	return &bits
})

// Covers reports whether the fonts have r. What they lack is drawn in a font of the
// machine, if that has it.
func Covers(r rune) bool {
	return r >= 0 && r <= unicode.MaxRune && loadCovered()[r/64]&(1<<(r%64)) != 0
}

// families are the fonts by the beginning of their files. A slice that the second
// lacks is taken from the first.
var families = []struct{ file, name, weight string }{
	{"sans", "Luoshu Sans", "100 900"},
	{"serif", "Luoshu Serif", "700"},
}

// weights are those that a slice may have files of its own for, where the text is: a font
// of one weight is laid out and painted faster than one of all.
var weights = []string{"400", "500", "700"}

// fontFaces returns the style sheet that names every slice. The faces of a slice stand
// together, because what is alike compresses when it is near.
func fontFaces(urls map[string]string) []byte {
	var b bytes.Buffer
	for _, s := range loadSlices() {
		var ranges []string
		for _, span := range s.ranges {
			r := fmt.Sprintf("U+%x", span[0])
			if span[1] > span[0] {
				r += fmt.Sprintf("-%x", span[1])
			}
			ranges = append(ranges, r)
		}
		face := func(family, weight, url string) {
			fmt.Fprintf(&b, "@font-face{font-family:%q;font-weight:%s;font-display:swap;src:url(%s)format(\"woff2\");unicode-range:%s}\n",
				family, weight, url, strings.Join(ranges, ","))
		}
		file := func(family string, weight ...string) string {
			return urls["fonts/"+strings.Join(append([]string{family, s.name}, weight...), "-")+".woff2"]
		}
		for _, f := range families {
			if url := cmp.Or(file(f.file), file(families[0].file)); url != "" {
				face(f.name, f.weight, url)
				continue
			}
			for _, w := range weights {
				face(f.name, w, file(f.file, w))
			}
		}
	}
	return b.Bytes()
}
