package main

import (
	"fmt"
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/static"
)

// mostGlyphs bounds how many places are told of a release.
const mostGlyphs = 1000

// glyphs tells of a text of a release which of its characters the kiosk's fonts lack. They
// are drawn in a font of the machine, if that has them, so it stops nothing.
type glyphs struct {
	ID         catalog.ID `json:"id"`
	Field      string     `json:"field"`
	Characters string     `json:"characters"`
}

// uncovered returns the texts of r with characters that the kiosk's fonts lack, in the
// order of the records.
func uncovered(r *catalog.Release) ([]glyphs, error) {
	var all []glyphs
	for _, e := range r.Entries {
		// Canonical JSON writes characters as they are: most records are done with here.
		if lacking(string(e.Raw)) == "" {
			continue
		}
		record, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			return nil, err
		}
		catalog.Rewrite(record, func(f catalog.Field, s string) string {
			if chars := lacking(s); chars != "" && len(all) < mostGlyphs {
				all = append(all, glyphs{e.ID, f.Path, chars})
			}
			return s
		})
	}
	return all, nil
}

// lacking returns the characters of s that the fonts lack, each once.
func lacking(s string) string {
	var chars []rune
	for _, r := range s {
		if r > ' ' && !static.Covers(r) && !slices.Contains(chars, r) {
			chars = append(chars, r)
		}
	}
	return string(chars)
}

// glyphs names the characters that the kiosk's fonts lack, with the first records that
// have them.
func (p printer) glyphs(all []glyphs) {
	if len(all) == 0 {
		return
	}
	p.line(catalog.Text{
		ZH: "触摸屏字体缺字 · %d 处（改用本机字体显示，不影响发布）", EN: "characters that the kiosk's fonts lack · %d (drawn in a font of the machine; nothing is held up)",
	}, len(all))
	for _, g := range all[:min(len(all), mostLines)] {
		var points []string
		for _, r := range g.Characters {
			points = append(points, fmt.Sprintf("%c (%U)", r, r))
		}
		p.line(catalog.Text{ZH: "  %s  %s：%s", EN: "  %s  %s: %s"}, g.ID, g.Field, strings.Join(points, " "))
	}
	if more := len(all) - mostLines; more > 0 {
		p.line(catalog.Text{ZH: "  另有 %d 处", EN: "  and %d more"}, more)
	}
}
