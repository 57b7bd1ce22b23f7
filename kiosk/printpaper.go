package kiosk

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// The crop marks, in millimeters: a mark of markLength ends markGap outside of the bleed.
const (
	mostBleed  = 5
	markLength = 5
	markGap    = 2
)

// paperForm is a form that prints come in, in millimeters.
type paperForm struct {
	Name          string
	width, height int
	// The margins; of facing pages inner lies at the fold.
	top, bottom, outer, inner int
	facing                    bool
	book                      bool // can have cover, contents and indexes
	bleed                     int
}

// papers are the forms, the usual one first.
var papers = []paperForm{
	{Name: "a4", width: 210, height: 297, top: 20, bottom: 22, outer: 18, inner: 18, book: true},
	{Name: "a5", width: 148, height: 210, top: 14, bottom: 17, outer: 12, inner: 16, facing: true, book: true},
	{Name: "a6", width: 105, height: 148, top: 8, bottom: 11, outer: 8, inner: 8},
	// Seven labels of 38.1 mm beneath each other, two beside: what sheets to peel off have.
	{Name: "labels", width: 210, height: 297, top: 15, bottom: 15, outer: 4, inner: 4},
}

// css returns the page boxes: their size, what stands at the foot of each, and the marks
// to cut along.
func (pr *printRequest) css(rq *request) string {
	p := pr.paper
	slug := 0
	if p.bleed > 0 {
		slug = p.bleed + markGap + markLength
	}
	t := rq.h.texts[rq.view.lang]
	release, _ := t.T("print.release", rq.snap.Manifest().Sequence, formatDate(rq.snap.Manifest().AsOf, rq.view.lang))
	release += " · " + pr.editionText(rq)
	var b strings.Builder
	box := func(name, style string) { fmt.Fprintf(&b, "@%s{%s}", name, style) }
	quoted := func(s string) string { return "content:" + cssString(s) + ";" }
	at := func(number, other string, left, right int) {
		fmt.Fprintf(&b, "margin:%dmm %dmm %dmm %dmm;", p.top+slug, right+slug, p.bottom+slug, left+slug)
		box("bottom-"+number, "content:counter(page);"+foot(slug)+"font-weight:700")
		box("bottom-"+other, quoted(release)+foot(slug)+"white-space:nowrap")
		if slug > 0 {
			cropMarks(&b, p.bleed, slug)
		}
	}
	fmt.Fprintf(&b, "@page{size:%dmm %dmm;", p.width+2*slug, p.height+2*slug)
	at("right", "left", p.inner, p.outer)
	b.WriteString("}")
	if p.facing {
		b.WriteString("@page :left{")
		at("left", "right", p.outer, p.inner)
		b.WriteString("}")
	}
	// The cover says the release itself; cards and labels need no number.
	b.WriteString("@page cover{@bottom-left{content:none}@bottom-right{content:none}}")
	if !p.book {
		b.WriteString("@page{@bottom-right{content:none}}")
	}
	return b.String()
}

// foot places what stands at the foot of a page, slug above the edge of the sheet.
func foot(slug int) string {
	return fmt.Sprintf(`font:7.5pt "Luoshu Print","Noto Sans SC","LXGW WenKai",sans-serif;color:#000;vertical-align:top;padding-top:3mm;padding-bottom:%dmm;`, slug)
}

// cropMarks draws the marks of the four corners. They are backgrounds, because nothing of a
// page can stand in its margin.
func cropMarks(b *strings.Builder, bleed, slug int) {
	const line = "linear-gradient(#000,#000)"
	from := slug - bleed - markLength
	for _, y := range []string{"top", "bottom"} {
		for _, x := range []string{"left", "right"} {
			fmt.Fprintf(b, `@%[1]s-%[2]s-corner{content:"";background:%[3]s %[2]s %[4]dmm %[1]s %[5]dmm/.1mm %[6]dmm no-repeat,%[3]s %[2]s %[5]dmm %[1]s %[4]dmm/%[6]dmm .1mm no-repeat}`,
				y, x, line, slug, from, markLength)
		}
	}
}

// cssString quotes s for a style sheet. Whatever is no letter or digit is escaped, so that
// nothing in it can end the string or the element around it.
func cssString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > 0x2E00 && r < 0xD800 {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\%06x`, r)
	}
	b.WriteByte('"')
	return b.String()
}

// printPolicy is the content security policy of a print with that style.
func printPolicy(css string) string {
	sum := sha256.Sum256([]byte(css))
	return strings.Replace(pagePolicy, "style-src 'self'", "style-src 'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", 1)
}
