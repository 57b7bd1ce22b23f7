package snapshot

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestReadings(t *testing.T) {
	p := loadPinyin()
	tests := map[rune]string{
		'洛': "luo", '阳': "yang", '轴': "zhou", '承': "cheng", '瀍': "chan", '嵩': "song", '女': "nv", '略': "lve", '率': "lv shuai", '〇': "ling",
		'重': "zhong chong", '行': "xing hang heng", '䶮': "yan", 'a': "", 'Ω': "", 'か': "", 0xFFFF: "", unicode.MaxRune: "",
	}
	for r, want := range tests {
		var got []string
		for _, s := range p.readings(r) {
			got = append(got, p.names[s])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%c is read %v, want %s", r, got, want)
		}
	}
	known := 0
	for r := rune(0x4E00); r <= 0x9FFF; r++ {
		if len(p.readings(r)) > 0 {
			known++
		}
	}
	if known < 20_850 {
		t.Errorf("%d unified ideographs have a reading, want nearly all", known)
	}
}

// TestSyllablesFollowTheAlphabet holds what ranges of syllables rest on.
func TestSyllablesFollowTheAlphabet(t *testing.T) {
	p := loadPinyin()
	if !slices.IsSorted(p.names) || len(p.names) >= int(unspoken) {
		t.Fatalf("%d syllables, not in order or too many", len(p.names))
	}
	for c := byte('a'); c <= 'z'; c++ {
		from, to := p.firstOf[c-'a'], p.firstOf[c-'a'+1]
		if from != p.letter(c) || !p.isLetter(from) {
			t.Errorf("%c: the first is %q", c, p.names[from])
		}
		for s := from; s < to; s++ {
			if p.names[s][0] != c || s > from && p.isLetter(s) {
				t.Errorf("%q stands among those with %c", p.names[s], c)
			}
		}
	}
}

func TestLikeliestSpelling(t *testing.T) {
	tests := []struct{ text, full, initials string }{
		{"轴承", "zhoucheng", "zc"},
		{"偃师区", "yanshiqu", "ysq"},
		{"栾川县", "luanchuanxian", "lcx"},
		{"瀍河回族区", "chanhehuizuqu", "chhzq"},
		{"洛阳", "luoyang", "ly"},
		{"嵩县药乡", "songxianyaoxiang", "sxyx"},
		{"汝阳", "ruyang", "ry"},
		{"涧西", "jianxi", "jx"},
		{"孟津", "mengjin", "mj"},
		{"宜阳伊川老城吉利", "yiyangyichuanlaochengjili", "yyyclcjl"},
		{"重庆重型长轴", "chongqingzhongxingchangzhou", "cqzxcz"},
		{"银行行业", "yinhanghangye", "yhhy"},
		{"丹参成参数", "danshenchengcanshu", "dsccs"},
		{"cfd仿真3d", "cfdfangzhen3d", "cfdfz3d"},
		{"高效率薄膜", "gaoxiaolvbomo", "gxlbm"},
		{"绿色女装", "lvsenvzhuang", "lsnz"},
	}
	for _, tt := range tests {
		full, short := spell([]byte(tt.text))
		if full != tt.full || short != tt.initials {
			t.Errorf("%s is spelt %s, %s; want %s, %s", tt.text, full, short, tt.full, tt.initials)
		}
	}
}

func TestVariants(t *testing.T) {
	tests := map[string]string{
		"zhou": "zhou zou", "zou": "zou zhou", "cheng": "cheng ceng chen cen", "lin": "lin nin ling ning", "nv": "nv lv nu lu",
		"lve": "lve nve lue nue", "sheng": "sheng seng shen sen", "an": "an", "xing": "xing xin", "fen": "fen feng", "luan": "luan nuan",
	}
	for name, want := range tests {
		if got := strings.Join(variants(name), " "); got != want {
			t.Errorf("%s is typed %s, want %s", name, got, want)
		}
	}
}

// TestPhrasesUseKnownReadings: a phrase chooses among the readings of a character.
func TestPhrasesUseKnownReadings(t *testing.T) {
	p := loadPinyin()
	for _, ph := range p.phrases {
		chars := []rune(ph.text)
		if len(chars) != len(ph.readings) {
			t.Errorf("%s has %d readings", ph.text, len(ph.readings))
			continue
		}
		for i, r := range chars {
			if !slices.Contains(p.readings(r), ph.readings[i]) {
				t.Errorf("%s: %c is not read %s", ph.text, r, p.names[ph.readings[i]])
			}
		}
	}
}

func TestSqueezeWords(t *testing.T) {
	tests := []struct{ text, folded, words string }{
		{"轴承仿真", "轴承仿真", ""},
		{"钢：轴承（示例）", "钢轴承示例", "轴承示例|示例"},
		{"成果包第1期：轴承与 精密传动", "成果包第1期轴承与精密传动", "轴承与精密传动|精密传动"},
		{"  “示油14”与配套", "示油14与配套", "与配套"},
		{"Thin-Section Bearings of Naïve e\u0301tudes", "thinsectionbearingsofnaiveetudes", "sectionbearingsofnaiveetudes|bearingsofnaiveetudes|naiveetudes|etudes"},
		{"", "", ""},
		{"——", "", ""},
	}
	for _, tt := range tests {
		b, starts := squeezeWords([]byte("已有"), []byte(tt.text), nil)
		var words []string
		for _, s := range starts {
			words = append(words, string(b[s:]))
		}
		if got := strings.TrimPrefix(string(b), "已有"); got != tt.folded || strings.Join(words, "|") != tt.words {
			t.Errorf("%q folds to %q with %q, want %q with %q", tt.text, got, words, tt.folded, tt.words)
		}
		if string(squeeze(nil, []byte(tt.text))) != tt.folded {
			t.Errorf("%q: squeeze gives something else", tt.text)
		}
	}
}
