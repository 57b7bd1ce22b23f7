package static

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCovers(t *testing.T) {
	// 瀍 is a district of Luoyang that GB 2312 lacks; 偃, 栾 and 嵩 are places, too.
	for _, r := range "洛书瀍偃栾嵩汝涧轴承钢μΦαΩ℃≥±×·，。（）“”—…0Az" {
		if !Covers(r) {
			t.Errorf("%c (U+%04X) is not covered", r, r)
		}
	}
	for _, r := range "\u2079\U00020000\uFFFF" {
		if Covers(r) {
			t.Errorf("U+%04X is said to be covered", r)
		}
	}
}

// TestFontFaces: the style sheet names every font file at its address, and no other.
func TestFontFaces(t *testing.T) {
	app := newApp()
	_, body := get(t, app, "GET", URL("css/fonts.css"), nil)
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`src:url\(([^)]+)\)`).FindAllStringSubmatch(string(body), -1) {
		if seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		if resp, _ := get(t, app, "HEAD", m[1], nil); resp.status != 200 || resp.header.Get("Content-Type") != "font/woff2" {
			t.Errorf("%s = %d %s", m[1], resp.status, resp.header.Get("Content-Type"))
		}
	}
	all, err := fs.Glob(files, "fonts/*.woff2")
	if err != nil || len(all) == 0 || len(all) != len(seen) {
		t.Errorf("%d font files, %d in the style sheet: %v", len(all), len(seen), err)
	}
	// Every face costs a page before it is painted (ADR 20).
	if n := strings.Count(string(body), "@font-face"); n < len(families)*len(loadSlices()) || n > 60 {
		t.Errorf("%d faces for %d slices", n, len(loadSlices()))
	}
}

// TestSlicesOfAPage: what a page says is in few slices, because it waits for every one of
// them (ADR 20).
func TestSlicesOfAPage(t *testing.T) {
	for text, most := range map[string]int{
		"成果转化，技术市场。":         2, // the frequent characters, and punctuation
		"科技部门（2026年）：“专利许可”": 4, // and what stands between them, and Latin
		"偃师、栾川与洛阳轴承集团的碳化钨涂层": 3, // and characters of names
		"瀍河回族区": 3, // and a rare one
	} {
		needed := map[string]bool{}
		for _, r := range text {
			for _, s := range slices.Backward(loadSlices()) {
				if slices.ContainsFunc(s.ranges, func(span [2]rune) bool { return span[0] <= r && r <= span[1] }) {
					needed[s.name] = true
					break
				}
			}
		}
		if len(needed) > most {
			t.Errorf("%s needs the slices %v", text, slices.Sorted(maps.Keys(needed)))
		}
	}
}

// TestFontWeight holds the fonts to what ADR 12 allows.
func TestFontWeight(t *testing.T) {
	total := int64(0)
	err := fs.WalkDir(files, "fonts", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil || total > 8_000_000 {
		t.Errorf("the fonts weigh %d bytes: %v", total, err)
	}
}
