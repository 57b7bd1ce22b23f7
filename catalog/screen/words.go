package screen

import (
	"embed"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"luoshu/catalog"
)

// words.csv holds the words that are looked for, what each means to a rule, and
// the phrases in which it means nothing. They are written as fold leaves them:
// simplified, lower case, without spaces between Han characters.
//
//go:embed words.csv
var wordFile embed.FS

// word is something to look for.
type word struct {
	rule, use string
	text      []rune
	// harmless are the phrases in which the word is of no concern.
	harmless []phrase
}

// phrase is a wording with a word at one place in it.
type phrase struct {
	text []rune
	at   int
	// before, unless empty, has the characters one of which must stand before it.
	before string
}

// dictionary finds words by their first two characters.
type dictionary struct {
	// han and ascii tell of a character whether a word begins with it, and of a
	// Han character besides its simplified form and whether it is a word.
	han   [endHan - firstHan]han
	ascii [utf8.RuneSelf]bool
	// seen has a bit for every pair that begins a word, by hash: it rules out
	// nearly all of a text without looking anything up.
	seen  [1 << 10]uint64
	pairs map[[2]rune][]*word
	// single holds the words of one character.
	single map[rune][]*word
}

type han struct {
	simplified   uint16
	begins, word bool
}

func pairHash(a, b rune) uint32 { return (uint32(a)<<16 ^ uint32(b)) * 0x9E3779B1 >> 16 }

func (d *dictionary) mayBegin(a, b rune) bool {
	h := pairHash(a, b)
	return d.seen[h>>6]>>(h&63)&1 != 0
}

var loadDictionary = sync.OnceValue(func() *dictionary {
	var words []*word
	harmless := map[string][]phrase{}
	for _, row := range catalog.ReadTable(wordFile, "words.csv") {
		before, list := splitRow(row["words"])
		for text := range strings.SplitSeq(list, "|") {
			if row["use"] == "benign" {
				harmless[row["rule"]] = append(harmless[row["rule"]], phrase{text: []rune(text), before: before})
				continue
			}
			words = append(words, &word{rule: row["rule"], use: row["use"], text: []rune(text)})
		}
	}
	d := &dictionary{pairs: map[[2]rune][]*word{}, single: map[rune][]*word{}}
	for i := range d.han {
		d.han[i].simplified = uint16(firstHan + i)
	}
	variants := []rune(traditional)
	for i := 0; i < len(variants); i += 2 {
		d.han[variants[i]-firstHan].simplified = uint16(variants[i+1])
	}
	for _, w := range words {
		for _, p := range harmless[w.rule] {
			w.exempt(p)
		}
		d.begin(w, w.text[0])
		for i := 0; i < len(variants); i += 2 {
			if variants[i+1] == w.text[0] {
				d.begin(w, variants[i])
			}
		}
		if len(w.text) == 1 {
			d.single[w.text[0]] = append(d.single[w.text[0]], w)
			continue
		}
		pair := [2]rune{w.text[0], w.text[1]}
		d.pairs[pair] = append(d.pairs[pair], w)
		h := pairHash(pair[0], pair[1])
		d.seen[h>>6] |= 1 << (h & 63)
	}
	return d
})

// begin notes that w may begin with r, its first character or a variant of it.
func (d *dictionary) begin(w *word, r rune) {
	if r < utf8.RuneSelf {
		d.ascii[r] = true
		return
	}
	d.han[r-firstHan].begins = true
	if len(w.text) == 1 {
		d.han[r-firstHan].word = true
	}
}

// splitRow parts the characters in brackets, one of which must stand before every
// phrase of a row, from the phrases.
func splitRow(words string) (before, list string) {
	if inner, ok := strings.CutPrefix(words, "["); ok {
		if b, rest, ok := strings.Cut(inner, "]"); ok && utf8.RuneCountInString(b) > 1 {
			return b, rest
		}
	}
	return "", words
}

// exempt makes p harmless around w, wherever w stands in it.
func (w *word) exempt(p phrase) {
	for i := 0; i+len(w.text) <= len(p.text); i++ {
		if slices.Equal(p.text[i:i+len(w.text)], w.text) {
			w.harmless = append(w.harmless, phrase{p.text, i, p.before})
		}
	}
}

// isHarmless reports whether w, found at i in t, stands in a harmless phrase.
func (w *word) isHarmless(t []rune, i int) bool {
	return slices.ContainsFunc(w.harmless, func(p phrase) bool {
		from := i - p.at
		return from >= 0 && from+len(p.text) <= len(t) && slices.Equal(t[from:from+len(p.text)], p.text) &&
			(p.before == "" || from > 0 && strings.ContainsRune(p.before, t[from-1]))
	})
}

// traditional pairs every traditional or variant character that a word of
// words.csv may be written with and its simplified form.
const traditional = "機机絕绝內内祕秘級级資资參参傳传閱阅僅仅業业軍军彈弹藥药裝装艦舰隊队導导號号碼码電电話话賬账帳帐護护車车聯联係系繫系絡络戶户開开" +
	"銀银證证議议審审運运計计據据國国洩泄潛潜砲炮魚鱼戰战鬥斗協协約约義义辦办會会員员實实駕驾條条諾诺簽签負负責责為为體体過过時时溫温" +
	"熱热壓压燒烧結结卻却攪搅應应鍛锻軋轧鍍镀鑄铸澆浇煉炼乾干濾滤離离質质於于樓楼棟栋檔档閉闭數数項项題题編编備备請请標标記记務务嚴严" +
	"對对艙舱爐炉滬沪雲云遼辽魯鲁蘇苏贛赣晉晋陝陕閩闽貴贵粵粤寧宁瓊琼領领輸输鑰钥鋪铺貼贴檢检測测認认產产準准佈布現现撥拨訂订製制單单" +
	"書书擊击發发園园擬拟擠挤匯汇沒没滌涤漬渍滲渗濺溅滅灭積积規规論论評评貨货轉转鐘钟陳陈額额駛驶構构無无虛虚醫医來来殲歼屬属報报養养" +
	"權权縮缩風风輪轮鑽钻確确環环斷断動动給给凍冻啟启蓋盖繞绕銑铣篩筛驅驱擔担謝谢"
