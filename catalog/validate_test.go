package catalog

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	achievement := func(change func(*Achievement)) Record {
		a := &Achievement{Header: Header{ID: "A3K7M2QG", Dataset: Achievements, Title: "轴承钢真空脱气精炼技术", Publisher: "p", Source: strings.Repeat("0", 32)}}
		change(a)
		return a
	}
	tests := []struct {
		name   string
		record Record
		want   string // field/rule of every problem, in order
	}{
		{"sound", achievement(func(*Achievement) {}), ""},
		{"no title", achievement(func(a *Achievement) { a.Title = " " }), "title/required"},
		{"two faults", achievement(func(a *Achievement) { a.Stage = "雛型"; a.TRL = 11 }), "stage/code trl/range"},
		{"long title", achievement(func(a *Achievement) { a.Title = strings.Repeat("长", 201) }), "title/too_long"},
		{"hidden character", achievement(func(a *Achievement) { a.Title = "轴承\u202e钢" }), "title/control_character"},
		{"line feed in a line", achievement(func(a *Achievement) { a.Title = "轴承\n钢" }), "title/control_character"},
		{"line feed in a text", achievement(func(a *Achievement) { a.Abstract = "一\n二" }), ""},
		{"lost character", achievement(func(a *Achievement) { a.Abstract = "一\ufffd二" }), "abstract/control_character"},
		{"not UTF-8", achievement(func(a *Achievement) { a.Title = "\xff" }), "title/encoding"},
		{"no such day", achievement(func(a *Achievement) { a.CompletedOn = "2026-02-30" }), "completed_on/date"},
		{"month", achievement(func(a *Achievement) { a.CompletedOn = "2026-02" }), ""},
		{"ends before it begins", achievement(func(a *Achievement) { a.StartedOn, a.CompletedOn = "2026-02", "2025" }), "completed_on/order"},
		{"clearance missing", achievement(func(a *Achievement) { a.DualUse = &DualUse{Direction: "military-to-civil"} }), "dual_use.clearance/required"},
		{"script address", achievement(func(a *Achievement) {
			a.Relations = []Relation{{Type: "related", Scheme: "other", Value: "x", URL: "javascript:alert(1)"}}
		}), "relations[].url/url"},
		{"wrong dataset", achievement(func(a *Achievement) { a.Market = "A3K7M2QG" }), "market/reference"},
		{"unknown list", achievement(func(a *Achievement) { a.Industries = []Coded{{"gbt4754-1984", "1"}} }), "industries[]/code_list"},
		{"bounds swapped", achievement(func(a *Achievement) { a.Price = &Money{Min: 2, Max: 1, Currency: "CNY"} }), "price/range"},
		{"no currency", achievement(func(a *Achievement) { a.Price = &Money{Max: 1} }), "price/currency"},
		{"too many", achievement(func(a *Achievement) { a.Keywords = make([]string, MaxItems+1) }), "keywords[]/too_many"},
		{"false credit code", &Organization{Header: Header{ID: "B0000004", Dataset: Organizations, Title: "某机构", Publisher: "p", Source: strings.Repeat("0", 32)}, USCC: "91310115MA1H8R7C6D"}, "uscc/uscc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range Validate(tt.record) {
				if p.Message.ZH == "" || p.Message.EN == "" {
					t.Errorf("%v lacks a language", p)
				}
				if p.Field != "id" {
					got = append(got, p.Field+"/"+p.Rule)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("problems = %v, want %q", got, tt.want)
			}
		})
	}
}

func TestCleanText(t *testing.T) {
	tests := []struct {
		in      string
		lines   bool
		want    string
		changed bool
	}{
		{"  轴承   钢 ", false, "轴承 钢", false},
		{"一\r\n二", true, "一\n二", false},
		{"一\r\n二", false, "一 二", false},
		{"一\n\n\n二", true, "一\n二", false},
		{"轴\u200b承", false, "轴承", true},
		{"e\u0301", false, "é", true},
		{"\ufeff题名", false, "题名", true},
		{"轴\u00ad承\ufe0f\U000e0101\u3164\u115f", true, "轴承", true},
		{"一\ufffd", false, "一\ufffd", false}, // damage is refused, not hidden
	}
	for _, tt := range tests {
		got, changed := CleanText(tt.in, tt.lines)
		if got != tt.want || changed != tt.changed {
			t.Errorf("CleanText(%q, %v) = %q, %v, want %q, %v", tt.in, tt.lines, got, changed, tt.want, tt.changed)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"轴承\u200b 钢\n二", "e\u0301\u0301", "\xff\xfe", "\U000e0041", "한글"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, lines bool) {
		once, _ := CleanText(s, lines)
		twice, changed := CleanText(once, lines)
		if twice != once || changed {
			t.Errorf("CleanText(%q) = %q, and again %q", s, once, twice)
		}
		if r, bad := forbiddenRune(strings.ReplaceAll(once, "\ufffd", ""), lines); bad {
			t.Errorf("CleanText(%q) leaves U+%04X", s, r)
		}
	})
}
