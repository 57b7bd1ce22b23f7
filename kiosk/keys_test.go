package kiosk

import (
	"strings"
	"testing"
)

// TestReading: Pinyin that was typed and sent finds what it is the Pinyin of, without a
// script, and one touch leads to what was typed.
func TestReading(t *testing.T) {
	open := demonstration(t)
	for _, test := range []struct{ typed, read string }{
		{"zhoucheng", "轴承"},
		{"zc", "轴承"},
		{"ZHOUCHENG", "轴承"},
		{"zhoucheng仿真", "轴承仿真"},
		{"ZC", ""}, // may be an abbreviation
		{"bearing", ""},
		{"轴承", ""},
		{"xyzzy", ""},
	} {
		root := open("/search?q=" + test.typed)
		said := ""
		for _, r := range root.classed("read") {
			for _, p := range r.all("p") {
				said = p.read()
			}
		}
		if test.read == "" {
			if said != "" {
				t.Errorf("%s: %s", test.typed, said)
			}
			continue
		}
		if said != "按拼音检索“"+test.read+"”" || figure(t, root, "found") == 0 {
			t.Errorf("%s: %q, %d found", test.typed, said, figure(t, root, "found"))
			continue
		}
		back := root.classed("read")[0].all("a")[0]
		if back.read() == "" || !strings.HasSuffix(back.attrs["href"], "&as=typed") {
			t.Errorf("%s: no way to what was typed: %v", test.typed, back.attrs)
		}
		if literal := open(back.attrs["href"]); len(literal.classed("read")) > 0 && len(literal.classed("read")[0].all("p")) > 0 {
			t.Errorf("%s: taken for Pinyin all the same", test.typed)
		}
	}
}

// TestKeyboard: the keys fit the declared panel, each at least 20 mm wide.
func TestKeyboard(t *testing.T) {
	for _, test := range []struct {
		panel       string
		narrow, low bool
		letters     string
	}{
		{"21.5:1080x1920", false, false, "qwertyuiop"},
		{"21.5:1920x1080", false, false, "qwertyuiop"},
		{"13.3:1280x800", false, false, "qwertyuiop"},
		{"10.1:1280x800", true, true, "abcdefghijklmnopqrstuvwxyz"},
		{"10.1:800x1280", true, false, "abcdefghijklmnopqrstuvwxyz"},
		{"43:3840x2160", false, false, "qwertyuiop"},
	} {
		ask := standing(t, "K3", test.panel)
		root, page := ask("/search")
		keyboard := root.classed("keyboard")[0]
		var row []string
		for _, b := range keyboard.classed("row")[0].all("button") {
			row = append(row, b.attrs["data-key"])
		}
		first := strings.Join(row, "")
		narrow := strings.Contains(keyboard.attrs["class"], "narrow")
		if first != test.letters || narrow != test.narrow || strings.Contains(page, "lying") != test.low {
			t.Errorf("%s: %s, narrow %v, low %v", test.panel, first, narrow, strings.Contains(page, "lying"))
		}
	}
}
