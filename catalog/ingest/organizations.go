package ingest

import (
	"embed"
	"slices"
	"strings"
	"sync"
	"unicode"

	"luoshu/catalog"
)

// orgwords.csv holds the words that names of organizations are made of: how they
// end, what begins one, what belongs to the one before. The places are the
// provinces, prefectures and county-level cities of China (National Bureau of
// Statistics, 2023), the counties of Luoyang, and regions that names use.
//
//go:embed orgwords.csv
var orgWordFile embed.FS

// orgKind is the kind of organization that the end of a name tells.
type orgKind uint8

const (
	orgNone orgKind = iota
	orgUniversity
	orgCollege   // 学院, schools
	orgCompany   // 有限公司 and the like
	orgPlain     // 公司 alone: often a part of a company
	orgBranch    // 分公司, 分院
	orgGroup     // 集团
	orgInstitute // 研究院, 研究所
	orgHospital
	orgOffice // 中心, 局, 站
	orgWorks  // 厂, 合作社, 协会
	orgForce  // 部队
)

var orgKinds = map[string]orgKind{
	"university": orgUniversity, "college": orgCollege, "company": orgCompany, "plain": orgPlain, "branch": orgBranch, "group": orgGroup,
	"institute": orgInstitute, "hospital": orgHospital, "office": orgOffice, "works": orgWorks, "force": orgForce,
}

// isCompany reports whether the kind is a firm or a part of one.
func (k orgKind) isCompany() bool {
	return k == orgCompany || k == orgPlain || k == orgBranch || k == orgGroup
}

// orgEnding is a word that names end with, unless one of notBefore follows.
type orgEnding struct {
	word      []rune
	kind      orgKind
	notBefore [][]rune
}

// orgWords are the words of orgwords.csv, the longest first.
type orgWords struct {
	endings                                   map[rune][]orgEnding // by last character
	part, nation, state, whole, trade, places map[rune][][]rune    // by first character
}

var loadOrgWords = sync.OnceValue(func() *orgWords {
	w := &orgWords{endings: map[rune][]orgEnding{}}
	begins := map[string]*map[rune][][]rune{"part": &w.part, "nation": &w.nation, "state": &w.state, "whole": &w.whole, "trade": &w.trade, "place": &w.places}
	for _, m := range begins {
		*m = map[rune][][]rune{}
	}
	for _, row := range catalog.ReadTable(orgWordFile, "orgwords.csv") {
		word := []rune(row["word"])
		if m := begins[row["kind"]]; m != nil {
			(*m)[word[0]] = append((*m)[word[0]], word)
			continue
		}
		e := orgEnding{word: word, kind: orgKinds[row["kind"]]}
		for s := range strings.SplitSeq(row["not_before"], "|") {
			if s != "" {
				e.notBefore = append(e.notBefore, []rune(s))
			}
		}
		last := word[len(word)-1]
		w.endings[last] = append(w.endings[last], e)
	}
	for _, m := range begins {
		for _, words := range *m {
			slices.SortStableFunc(words, func(a, b []rune) int { return len(b) - len(a) })
		}
	}
	for _, endings := range w.endings {
		slices.SortStableFunc(endings, func(a, b orgEnding) int { return len(b.word) - len(a.word) })
	}
	return w
})

// prefixOf returns the length of the longest word that text begins with, or 0.
func prefixOf(words map[rune][][]rune, text []rune) int {
	if len(text) == 0 {
		return 0
	}
	for _, w := range words[text[0]] {
		if hasPrefix(text, w) {
			return len(w)
		}
	}
	return 0
}

func hasPrefix(text, word []rune) bool {
	return len(text) >= len(word) && slices.Equal(text[:len(word)], word)
}

func startsWith(text []rune, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return hasPrefix(text, []rune(w)) })
}

func endsWith(text []rune, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		r := []rune(w)
		return len(text) >= len(r) && slices.Equal(text[len(text)-len(r):], r)
	})
}

// maxOrganizationRunes is the longest string that is looked at: a longer one is
// no list of organizations.
const maxOrganizationRunes = 2000

// SplitOrganizations takes apart a string in which organizations are run
// together, as registration systems export them (甲大学乙研究院丙有限公司), and
// returns each once, as it is written. A part of an organization (a university's
// college or hospital, a company's branch) stays with it. A string that holds
// one organization, or is not understood, comes back whole.
//
// It goes by how names end and begin: a name may end at 大学 or 有限公司, and
// does if what follows is a name of its own, which begins with a place, the
// state or a name nobody calls a part by.
func SplitOrganizations(s string) []string { return splitOrganizations(s, nil) }

// splitOrganizations is SplitOrganizations with the organizations of the
// catalog: known, unless nil, returns the length of the longest known name that
// a folded text begins with.
func splitOrganizations(s string, known func([]rune) int) []string {
	s = strings.TrimSpace(s)
	text := []rune(s)
	if len(text) < 8 || len(text) > maxOrganizationRunes {
		return []string{s}
	}
	sp := &orgSplitter{words: loadOrgWords(), text: make([]rune, len(text)), known: known}
	for i, r := range text {
		sp.text[i] = foldRune(r)
	}
	var parts []string
	for start := 0; start < len(text); {
		end := sp.end(start)
		if part := string(trimFootnote(text[start:end])); len(part) >= 6 && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
		next, _ := sp.gap(end)
		start = max(next, end)
	}
	if len(parts) == 0 {
		return []string{s}
	}
	return parts
}

// foldRune maps full-width forms to ASCII and letters to lower case.
func foldRune(r rune) rune {
	switch {
	case r >= '！' && r <= '～':
		r += '!' - '！'
	case r == '　', r == '\t', r == '\n', r == '\u00a0':
		return ' '
	}
	return unicode.ToLower(r)
}

// trimFootnote drops what some exports write behind a name: its rank, and 等.
func trimFootnote(text []rune) []rune {
	text = trimRunes(text)
	if n := len(text); n > 4 && text[n-1] == '等' {
		text = trimRunes(text[:n-1])
	}
	if n := len(text); n > 4 && isDigit(text[n-1]) {
		if name := trimRunes(text[:n-1]); isHan(name[len(name)-1]) {
			return name
		}
	}
	return text
}

func trimRunes(text []rune) []rune {
	cut := func(r rune) bool { return isGap(foldRune(r)) }
	for len(text) > 0 && cut(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && cut(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// isGap reports whether a character separates names.
func isGap(r rune) bool { return strings.ContainsRune(" ,;/|、。·；+&", r) }

// orgSplitter finds the ends of names in a folded text.
type orgSplitter struct {
	words *orgWords
	text  []rune
	known func([]rune) int
}

func (sp *orgSplitter) knownAt(i int) int {
	if sp.known == nil || i >= len(sp.text) {
		return 0
	}
	return sp.known(sp.text[i:])
}

// end returns where the organization that begins at start ends.
func (sp *orgSplitter) end(start int) int {
	whole := start + prefixOf(sp.words.whole, sp.text[start:])
	known := start + sp.knownAt(start)
	for from := start; ; {
		end, kind, _ := sp.ending(start, from, 2)
		// A known name may end where no usual ending is: 甲重工乙大学.
		if known > start && known > whole && from < known && (kind == orgNone || end > known) {
			if sp.boundary(start, known, orgNone) {
				return known
			}
		}
		if kind == orgNone {
			return len(sp.text)
		}
		if end >= max(whole, known) && sp.boundary(start, end, kind) {
			return end
		}
		from = end
	}
}

// ending returns the first place at or after from where a name that begins at
// start may end, with a bracket that closes it, and the length of the name
// before its ending, which is at least shortest; the kind is orgNone when there
// is none.
func (sp *orgSplitter) ending(start, from, shortest int) (end int, kind orgKind, name int) {
	for i := from; i < len(sp.text); i++ {
		r := sp.text[i]
		if r == '(' {
			if shut := sp.bracket(i); shut > 0 {
				i = shut - 1
			}
			continue
		}
		for _, e := range sp.words.endings[r] {
			name := i + 1 - len(e.word) - start
			if name < shortest || !endsWithRunes(sp.text[start:i+1], e.word) {
				continue
			}
			rest := sp.text[i+1:]
			if slices.ContainsFunc(e.notBefore, func(w []rune) bool { return hasPrefix(rest, w) }) {
				continue
			}
			end := i + 1
			if end < len(sp.text) && sp.text[end] == '(' {
				if shut := sp.bracket(end); shut > 0 {
					end = shut
				}
			}
			return end, e.kind, name
		}
	}
	return len(sp.text), orgNone, 0
}

func endsWithRunes(text, word []rune) bool {
	return len(text) >= len(word) && slices.Equal(text[len(text)-len(word):], word)
}

// bracket returns the index after the bracket that opens at i, or 0 when it does
// not close soon.
func (sp *orgSplitter) bracket(i int) int {
	for j := i + 1; j < len(sp.text) && j <= i+24; j++ {
		if sp.text[j] == ')' {
			return j + 1
		}
	}
	return 0
}

// gap returns where the next name would begin after end: behind separators and
// a rank such as the 1 in 甲大学1乙大学. It reports whether they leave no doubt.
func (sp *orgSplitter) gap(end int) (next int, clear bool) {
	i := end
	for i < len(sp.text) && isGap(sp.text[i]) {
		clear = clear || sp.text[i] != ' ' && sp.text[i] != '·'
		i++
	}
	j := i
	for j < len(sp.text) && j < i+2 && isDigit(sp.text[j]) {
		j++
	}
	if j > i && (j == len(sp.text) || isHan(sp.text[j])) {
		return j, true
	}
	return i, clear
}

// kindOf returns the kind that the end of a name tells, or orgNone.
func (sp *orgSplitter) kindOf(start, end int) orgKind {
	for _, e := range sp.words.endings[sp.text[end-1]] {
		if endsWithRunes(sp.text[start:end], e.word) {
			return e.kind
		}
	}
	return orgNone
}

// cue says how surely a name of its own begins at a place.
type cue uint8

const (
	noCue cue = iota
	bareCue
	adminCue  // a place with its rank: 某市, 某县
	nationCue // 中国, a ministry, a company of the state, a known name
)

func (sp *orgSplitter) cue(i int) cue {
	rest := sp.text[i:]
	if prefixOf(sp.words.nation, rest) > 0 {
		return nationCue
	}
	if k := sp.knownAt(i); k > 0 {
		// The college of one university bears the name of another's.
		switch sp.kindOf(i, i+k) {
		case orgCollege, orgInstitute, orgHospital, orgOffice:
		default:
			return nationCue
		}
	}
	place := prefixOf(sp.words.places, rest)
	if place > 0 && startsWith(rest[place:], "省", "市", "县", "区", "自治", "壮族", "回族", "维吾尔", "州", "盟", "地区", "镇", "乡") ||
		len(rest) > 1 && rest[1] == '县' { // 嵩县
		return adminCue
	}
	for n := 2; n <= 5 && n < len(rest) && isHan(rest[n]); n++ {
		before := rest[n-1]
		switch rest[n] {
		case '省', '县':
			return adminCue
		case '市':
			if !strings.ContainsRune("城超都上股门夜", before) {
				return adminCue
			}
		case '旗':
			if before != '红' {
				return adminCue
			}
		case '区':
			if !strings.ContainsRune("园社地山灾校矿景辖小片林牧库战军新发护范验湖保", before) {
				return adminCue
			}
		}
	}
	if place > 0 {
		return bareCue
	}
	return noCue
}

// branded reports whether name holds a word that is not one of trade, without
// which a name is a part of another: 工程设计有限公司.
func (sp *orgSplitter) branded(name []rune) bool {
	reach := make([]bool, len(name)+1)
	reach[0] = true
	for at := range reach {
		if !reach[at] {
			continue
		}
		rest := name[at:]
		if len(rest) == 0 {
			return false
		}
		if rest[0] == '(' || rest[0] == ')' {
			reach[at+1] = true
		}
		for _, w := range sp.words.trade[rest[0]] {
			if hasPrefix(rest, w) {
				reach[at+len(w)] = true
			}
		}
	}
	return true
}

// boundary decides whether the organization from start ends at end, being of
// that kind (orgNone: a known name).
func (sp *orgSplitter) boundary(start, end int, kind orgKind) bool {
	next, clear := sp.gap(end)
	rest := sp.text[next:]
	if len(rest) == 0 {
		return false
	}
	if prefixOf(sp.words.part, rest) > 0 {
		return false
	}
	to, nextKind, name := sp.ending(next, next, 0)
	// 某集团有限公司 ends at its last word.
	for nextKind != orgNone && to < len(sp.text) && startsWith(sp.text[to:], "有限", "股份", "责任", "集团", "控股", "公司", "(集团)") {
		to, nextKind, name = sp.ending(next, to, 2)
	}
	if nextKind == orgNone {
		k := sp.knownAt(next)
		return k > 0 && next+k == len(sp.text)
	}
	if name < 2 {
		return false // 图书馆, 医学院
	}
	if clear {
		return true
	}
	c := sp.cue(next)
	if rest[0] == '第' && c == noCue && len(rest) > 1 && strings.ContainsRune("一二三四五六七八九十百千零〇0123456789", rest[1]) {
		return nextKind == orgUniversity
	}
	if c == noCue && next > end {
		c = bareCue
	}
	if kind == orgNone {
		return c > noCue || nextKind == orgUniversity
	}
	return sp.separate(sp.text[start:end], kind, c, sp.text[next:to], name, nextKind)
}

// separate decides by the kinds of two names that meet. The second begins with
// cue c; stem of its characters stand before its ending.
func (sp *orgSplitter) separate(before []rune, kind orgKind, c cue, rest []rune, stem int, nextKind orgKind) bool {
	ending := rest[stem:]
	ofState := prefixOf(sp.words.state, before) > 0
	if startsWith(before, "中国") && endsWith(before, "科学院") && (nextKind == orgInstitute || nextKind == orgOffice || nextKind == orgHospital) {
		// The institutes of an academy bear the names of cities and ministries.
		return c == adminCue || startsWith(rest, "中国")
	}
	switch nextKind {
	case orgUniversity, orgForce:
		return true
	case orgCompany:
		switch {
		case kind == orgGroup:
			return c == adminCue || startsWith(rest, "中国")
		case kind.isCompany():
			return true
		}
		return c > noCue || sp.branded(rest[:stem])
	case orgPlain:
		if kind.isCompany() {
			return c == nationCue || c > noCue && !ofState
		}
		return c > noCue
	case orgBranch:
		return c == nationCue
	case orgGroup:
		if kind == orgGroup {
			return c >= adminCue
		}
		return c > noCue || sp.branded(rest[:stem])
	case orgCollege:
		if kind == orgUniversity || kind == orgCollege {
			return c > noCue || stem > 3 && endsWith(rest[:stem], "理工", "师范") || stem > 5 && endsWith(rest[:stem], "职业技术")
		}
		return kind.isCompany() || c > noCue || stem >= 4
	case orgInstitute:
		switch {
		case endsWith(before, "委员会") && slices.Equal(before[:2], rest[:2]):
			return false // 黄河水利委员会黄河水利科学研究院
		case c != bareCue:
			return c > noCue
		case kind == orgUniversity || kind == orgCollege:
			return !startsWith(ending, "院") || !endsWith(rest[:stem], "研究", "研究生") // 某大学苏州研究院
		}
		return !ofState || !kind.isCompany() && !endsWith(before, "研究院", "总院")
	case orgHospital:
		if kind == orgUniversity || kind == orgCollege {
			return c >= adminCue
		}
		return c > noCue || kind.isCompany()
	case orgOffice:
		return c >= adminCue || c == bareCue && (!ofState || !kind.isCompany() && !endsWith(before, "研究院", "总院"))
	case orgWorks:
		if c == noCue {
			return kind != orgUniversity && kind != orgCollege && endsWith(ending, "社", "会", "盟") && stem >= 2
		}
		return c >= adminCue || !ofState || !kind.isCompany()
	case orgNone:
	}
	return false
}
