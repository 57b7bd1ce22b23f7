package ingest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"luoshu/catalog"
)

func TestNormalizeText(t *testing.T) {
	tests := []struct {
		in, want string
		changed  bool
	}{
		{"", "", false},
		{"普通文字，没有变化。", "普通文字，没有变化。", false},
		{"plain text, no change (really)", "plain text, no change (really)", false},
		{"第一行_x000D_\n第二行", "第一行\n第二行", false},
		{"第一行_x000d__x000A_第二行", "第一行\n第二行", false},
		{"变量 a_x0 与 _x000D", "变量 a_x0 与 _x000D", false},
		{"研究&amp;开发", "研究&开发", true},
		{"研究&amp;amp;开发", "研究&开发", true},
		{"P&amp;lt;0.05", "P<0.05", true},
		{"R&D 与 AT&T", "R&D 与 AT&T", false},
		{"a=1&copy=2", "a=1&copy=2", false},
		{"温度&#8451;&#x2264;5", "温度℃≤5", true},
		{"&#59;&#35;&#65;", "&#59;&#35;&#65;", false},
		{"甲&nbsp;乙", "甲 乙", false},
		{"型号ＡＢ－１２３＠５０％", "型号AB-123@50%", false},
		{"中文，标点：（保留）；不变！", "中文，标点：（保留）；不变！", false},
		{"⼉童⽤药", "儿童用药", true},
		{"2\u20114\u2010二氯", "2-4-二氯", false},
		{"轴\u00ad承", "轴承", true},
		{"轴\ufe0f承", "轴承", true},
		{"轴\u200b承", "轴承", true},
		{"中国石油大学(北京)", "中国石油大学（北京）", false},
		{"基于卷积网络(CNN)的检测", "基于卷积网络(CNN)的检测", false},
		{"基于CNN(卷积网络)的检测", "基于CNN（卷积网络）的检测", false},
		{"某某(集团)有限公司", "某某（集团）有限公司", false},
		{"甲（乙)丙", "甲（乙）丙", false},
		{"f(x)=2，其中x为常数", "f(x)=2，其中x为常数", false},
		{"轴承,齿轮;电机:高效", "轴承，齿轮；电机：高效", false},
		{"1,2-二氯乙烷，10:30", "1,2-二氯乙烷，10:30", false},
		{"Fe,Co与镍", "Fe,Co与镍", false},
		{"可行吗?可行!好", "可行吗？可行！好", false},
		{"(未闭合的括号", "(未闭合的括号", false},
		{"１０，５元", "10，5元", false},
	}
	for _, tt := range tests {
		got, changed := normalizeText(tt.in, true)
		if got != tt.want || changed != tt.changed {
			t.Errorf("normalizeText(%q) = %q, %v, want %q, %v", tt.in, got, changed, tt.want, tt.changed)
		}
	}
}

// FuzzNormalizeText: what comes out is valid, may be published, does not grow
// beyond what decomposition allows, and stays as it is the second time.
func FuzzNormalizeText(f *testing.F) {
	for _, s := range []string{
		"研究&amp;amp;开发", "&#38;#38;lt;", "_x000D_\n_x000_x000D_D_", "甲(乙（丙)丁）", "⼉\u00ad\ufe0f,", "Å&#937;", "甲\u200b,乙", "&&amp;;amp;", "\u037e&amp\u037e", "(甲\n)", "_\x7fx0009_",
	} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, lines bool) {
		if !utf8.ValidString(s) {
			t.Skip()
		}
		once, _ := normalizeText(s, lines)
		if !utf8.ValidString(once) || len(once) > 4*len(s)+8 {
			t.Fatalf("normalizeText(%q) = %q", s, once)
		}
		// A reference to a character nobody sees can hide in another one.
		if twice, _ := normalizeText(once, lines); twice != once && !strings.Contains(s, "&#") {
			t.Fatalf("normalizeText(%q) = %q, and again %q", s, once, twice)
		}
		if !strings.ContainsRune(once, utf8.RuneError) {
			o := catalog.Organization{Header: catalog.Header{Dataset: catalog.Organizations, Title: "题", Abstract: once}}
			for _, p := range catalog.Validate(&o) {
				if p.Rule == "control_character" && lines {
					t.Fatalf("normalizeText(%q) = %q: %s", s, once, p)
				}
			}
		}
	})
}

var benchTexts = []string{
	"针对高速列车轴箱轴承在重载、冲击工况下的早期疲劳失效问题，提出了贝氏体等温淬火与残余压应力协同调控方法，建立了滚道表层组织与寿命的定量关系。",
	"该成果(专利号 ZL 2021 1 0000000.0)已在3家企业应用,累计新增产值1.2亿元;通过了省级鉴定.",
	"A method for repairing polyimide wire insulation in place, which avoids replacing the harness.",
}

func BenchmarkNormalizeText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range benchTexts {
			normalizeText(s, true)
		}
	}
}
