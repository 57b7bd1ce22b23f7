package catalog

import (
	"errors"
	"math"
	"testing"
)

func TestPanel(t *testing.T) {
	for _, test := range []struct {
		s         string
		mm, reach float64
		lowers    bool
	}{
		{"10.1:1280x800", 5.88, .62, false},  // 136 mm high
		{"15.6:1920x1080", 5.56, .62, false}, // 194 mm
		{"18.5:1920x1080", 4.69, .62, true},
		{"10.1:800x1280", 5.88, .45, false},
		{"21.5:1080x1920", 4.03, .45, true},
		{"21.5:1920x1080", 4.03, .62, true},
		{"32:1080x1920", 2.71, .45, true},
		{"43:1080x1920", 2.02, .45, true},
		{"27:3840x2160", 6.42, .62, true},
		{"43:1080x1920@600", 2.02, .45, true},  // 500 mm of 952 would do
		{"43:1080x1920@700", 2.02, .42, true},  // 400 mm of 952
		{"43:1080x1920@1000", 2.02, .35, true}, // too high for anybody: what the controls need
	} {
		p, err := ParsePanel(test.s)
		if err != nil {
			t.Fatal(err)
		}
		if p.String() != test.s || math.Abs(p.Millimeter()-test.mm) > .006 || math.Abs(p.Reach()-test.reach) > .006 || p.Lowers() != test.lowers {
			t.Errorf("%s: %s, %.3f px/mm, reach %.3f, lowers %t; want %.2f, %.2f, %t", test.s, p, p.Millimeter(), p.Reach(), p.Lowers(), test.mm, test.reach, test.lowers)
		}
	}
	for _, s := range []string{
		"", "21.5", "21.5:1080", "21.5:1080x", "0:1080x1920", "3:1080x1920", "121:1080x1920", "21.5:1080x99", "21.5:319x1920",
		"21.5:1080x8193", "21.5:1080x1920@", "21.5:1080x1920@2001", " 21.5:1080x1920", "21.5:1080×1920", "-21.5:1080x1920", "1e3:1080x1920",
	} {
		if p, err := ParsePanel(s); !errors.Is(err, ErrInvalid) || p != (Panel{}) {
			t.Errorf("ParsePanel(%q) = %v, %v, want ErrInvalid", s, p, err)
		}
	}
}

func FuzzParsePanel(f *testing.F) {
	f.Add("21.5:1080x1920")
	f.Add("43:1080x1920@600")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePanel(s)
		if err != nil {
			return
		}
		again, err := ParsePanel(p.String())
		if err != nil || again != p {
			t.Errorf("%q reads as %v, that as %v, %v", s, p, again, err)
		}
		if mm, reach := p.Millimeter(), p.Reach(); mm < .1 || mm > 120 || reach < .35 || reach > .62 {
			t.Errorf("%q: %f px/mm, reach %f", s, mm, reach)
		}
	})
}

func TestProfileTerminals(t *testing.T) {
	p := DefaultProfile()
	p.Desks = []Desk{{Name: Text{ZH: "总服务台"}}, {Market: "B0000001", Name: Text{ZH: "甲"}}, {Market: "B0000002", Name: Text{ZH: "乙"}}}
	p.Terminals = []Terminal{
		{ID: "K1"},
		{ID: "K2", Market: "B0000001", Panel: "21.5:1080x1920", Placement: Text{ZH: "一层大厅"}},
		{ID: "K3", Market: "B0000001", Desk: "B0000002"},
	}
	if err := p.check(); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"K1": "总服务台", "K2": "甲", "K3": "乙"} {
		terminal, ok := p.Terminal(id)
		if desk, found := p.DeskOf(terminal); !ok || !found || desk.Name.ZH != want {
			t.Errorf("%s: %v, desk %q, want %q", id, ok, desk.Name.ZH, want)
		}
	}
	for name, bad := range map[string][]Terminal{
		"name": {{ID: "hall"}}, "twice": {{ID: "K1"}, {ID: "K1"}}, "panel": {{ID: "K1", Panel: "big"}},
		"text": {{ID: "K1", Placement: Text{ZH: "\x07"}}},
	} {
		p.Terminals = bad
		if err := p.check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}
