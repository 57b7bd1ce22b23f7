package screen

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hit is something found: its rule, what it demands there, and its place, in
// characters of the folded text at first and in bytes of the original in the end.
type hit struct {
	rule    string
	action  Action
	at, end int
}

// policy says what is different about the place a text stands in.
type policy struct {
	// organization: landlines and e-mail addresses are those of an organization.
	organization bool
	// number: the text is a number given by somebody, such as a project number.
	number bool
	// cleared: the record names its clearance for military words.
	cleared bool
	// kept: the text is no row that could be refused, and what would refuse one is
	// redacted.
	kept bool
}

func (p policy) contact() Action {
	if p.number {
		return Hold
	}
	return Redact
}

// Long texts are read in pieces that overlap, so that memory does not grow with
// what a file may hold in one cell. The overlap is longer than any hit with what
// stands around it; its first part is there as context for what follows.
const (
	pieceBytes   = 32 << 10
	overlapBytes = 2 << 10
	contextBytes = overlapBytes / 4
)

// scan returns the hits in s by place, in bytes of s, and how many process
// settings it names.
func scan(s string, pol policy) (hits []hit, settings int) {
	f := pool.Get().(*folded)
	defer pool.Put(f)
	if len(s) <= pieceBytes {
		return f.scan(s, pol)
	}
	for from, own := 0, 0; ; {
		to, next := len(s), len(s)
		if from+pieceBytes < len(s) {
			to = runeStart(s, from+pieceBytes)
			next = runeStart(s, to-overlapBytes+contextBytes)
		}
		found, n := f.scan(s[from:to], pol)
		settings += n
		for _, h := range found {
			h.at, h.end = h.at+from, h.end+from
			if own <= h.at && (h.at < next || to == len(s)) {
				hits = append(hits, h)
			}
		}
		if to == len(s) {
			return hits, settings
		}
		from, own = runeStart(s, to-overlapBytes), next
	}
}

// runeStart returns i, or the next place where a character begins.
func runeStart(s string, i int) int {
	for range utf8.UTFMax - 1 {
		if i < len(s) && !utf8.RuneStart(s[i]) {
			i++
		}
	}
	return i
}

func (f *folded) scan(s string, pol policy) (hits []hit, settings int) {
	f.fold(s)
	if len(f.begins) > 0 {
		f.find()
	}
	if f.digits > fewDigits || f.digits > 0 && f.hasLabel() {
		hits = f.numbers(pol, hits)
	}
	hits = f.addresses(pol, hits)
	hits = f.byWord(pol, hits)
	hits = f.marks(hits)
	settings = f.settings()
	for i := range hits {
		h := &hits[i]
		h.at, h.end = int(f.from[h.at]), f.end(h.end-1)
		if pol.kept && (h.rule == "P1" || h.rule == "P5") {
			h.action = Redact
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.at - b.at })
	return hits, settings
}

func (f *folded) hasLabel() bool {
	return slices.ContainsFunc(f.words, func(w found) bool { return w.use == "label" })
}

// byWord judges the words found.
func (f *folded) byWord(pol policy, hits []hit) []hit {
	for _, w := range f.words {
		if len(w.harmless) > 0 && w.isHarmless(f.text, w.at) {
			// A mark is a mark whatever it stands in.
			if w.use != "level" || !f.starred(w.end) {
				continue
			}
		}
		h := hit{rule: w.rule, action: Hold, at: w.at, end: w.end}
		switch w.use {
		case "level":
			if f.starred(w.end) || f.labeledGrade(w) {
				h.rule, h.action = "M1", Refuse
			}
		case "graded":
			if !f.labeledGrade(w) {
				continue
			}
		case "find":
			if w.rule == "M5" {
				if h.at = f.designator(w.at); h.at < 0 {
					continue
				}
			}
			if w.rule == "M6" && pol.cleared {
				h.action = Note
			}
		case "note":
			h.action = Note
		default:
			value, ok := labeled[w.use]
			if !ok {
				continue
			}
			if h.at, h.end, ok = f.value(w.end, value); !ok {
				continue
			}
			h.action = Redact
		}
		hits = append(hits, h)
	}
	return hits
}

// starred reports whether the star of a secrecy mark follows at i, as in 机密★20年
// or 绝密级★ (GB/T 9704-2012, 7.2.2).
func (f *folded) starred(i int) bool {
	if f.is(i, func(r rune) bool { return r == '级' }) {
		i++
	}
	if f.is(i, func(r rune) bool { return r == ' ' }) {
		i++
	}
	return f.is(i, func(r rune) bool { return isStar(r) || r == '*' || r == '∗' || r == '⋆' })
}

// isStar reports whether r is a star as in 机密★. The asterisks of formulas, which
// count right behind a grade only, are none.
func isStar(r rune) bool {
	switch r {
	case '★', '☆', '⭐', '✩', '✪', '✫', '✬', '✭', '✮', '✯', '✰', '🌟', '✱', '✲', '⁂':
		return true
	}
	return false
}

// marks finds the marks that are written with signs between their characters, as
// in 机-密★ or （机密）★. It looks backward from the stars: with a star behind them
// the two characters mean one thing only.
func (f *folded) marks(hits []hit) []hit {
	for _, star := range f.stars {
		end := int(star) + 1
		i := f.before(int(star))
		if f.is(i, func(r rune) bool { return r == '级' }) {
			i = f.before(i)
		}
		if !f.is(i, func(r rune) bool { return r == '密' }) {
			continue
		}
		i = f.before(i)
		if f.is(i, func(r rune) bool { return r == '机' || r == '秘' || r == '绝' }) {
			hits = append(hits, hit{rule: "M1", action: Refuse, at: i, end: end})
		}
	}
	return hits
}

// before returns where the last letter, digit or Han character before i stands,
// with at most a few signs in between, or -1.
func (f *folded) before(i int) int {
	const most = 4
	for n := 0; n <= most && i > 0; n++ {
		if i--; isAlnum(f.text[i]) || isHan(f.text[i]) {
			return i
		}
	}
	return -1
}

// labeledGrade reports whether w is what 密级 says, as in 密级:机密, and not one of
// the grades that a product is told to manage.
func (f *folded) labeledGrade(w found) bool {
	if !f.near("M1", "label", w.at, 3) {
		return false
	}
	i := w.end
	if f.is(i, func(r rune) bool { return r == '级' }) {
		i++
	}
	// White space between Han characters was dropped and still ends the grade.
	return i == len(f.text) || strings.ContainsFunc(f.original[f.end(i-1):f.from[i]], unicode.IsSpace) ||
		!isHan(f.text[i]) && f.text[i] != '、' && f.text[i] != '/'
}

// designator returns where the five digits before 部队 at i begin, with the word
// 解放军 where it stands before them, or -1.
func (f *folded) designator(i int) int {
	end := i
	if f.is(end-1, func(r rune) bool { return r == ' ' }) {
		end--
	}
	for _, gap := range []int{0, 1} {
		j, n := end, 0
		for j > 0 {
			k := j
			if gap == 1 && n > 0 && f.text[k-1] == ' ' {
				k--
			}
			if k == 0 || !isDigit(f.text[k-1]) {
				break
			}
			j = k - 1
			n++
		}
		if n == 5 {
			return j
		}
	}
	return -1
}

// addresses finds e-mail addresses with an alphabetic top-level domain (RFC 3696,
// section 2): a looser form hits measurements such as 800mA/cm2@0.6V.
func (f *folded) addresses(pol policy, hits []hit) []hit {
	if pol.organization {
		return hits
	}
	for _, at := range f.ats {
		hits = f.address(int(at), int(at)+1, hits)
	}
	for _, w := range f.words {
		if w.use == "at" {
			hits = f.address(w.at, w.end, hits)
		}
	}
	return hits
}

func (f *folded) address(at, after int, hits []hit) []hit {
	from, to := at, after
	if f.is(from-1, func(r rune) bool { return r == ' ' }) {
		from--
	}
	if f.is(to, func(r rune) bool { return r == ' ' }) {
		to++
	}
	local, domain := from, to
	for from > 0 && local-from < 64 && inLocalPart(f.text[from-1]) {
		from--
	}
	for to < len(f.text) && to-domain < 253 && (inDomain(f.text[to]) || f.isDot(to)) {
		to++
	}
	for to > domain && !isAlnum(f.text[to-1]) {
		to--
	}
	top := to
	for top > domain && isLetter(f.text[top-1]) {
		top--
	}
	if from == local || to-top < 2 || top-domain < 2 || f.text[top-1] != '.' && f.text[top-1] != '。' {
		return hits
	}
	return append(hits, hit{rule: "P4", action: Redact, at: from, end: to})
}

// isDot reports whether a full stop at i was typed for the dot of a domain: a
// usual top level follows, and nothing more.
func (f *folded) isDot(i int) bool {
	end := i + 1
	for end < len(f.text) && isLetter(f.text[end]) {
		end++
	}
	return f.text[i] == '。' && usualTops[string(f.text[i+1:end])] && !f.is(end, isDigit)
}

var usualTops = map[string]bool{"com": true, "cn": true, "net": true, "org": true, "edu": true, "gov": true, "ac": true, "tw": true, "hk": true, "cc": true, "top": true, "vip": true}

func inLocalPart(r rune) bool {
	return isAlnum(r) || r == '.' || r == '_' || r == '%' || r == '+' || r == '-'
}

func inDomain(r rune) bool { return isAlnum(r) || r == '.' || r == '-' }

// labeled holds, by the kind of label in words.csv, what follows a label when
// somebody gives the thing. The first group is what is redacted. The patterns are
// tried on the characters right after a label only.
var labeled = map[string]*regexp.Regexp{
	"wechat":    regexp.MustCompile(`^(?: ?(?:号码?|id|账号|帐号)[ :为是]{0,3}| ?: ?)([a-z][-_a-z0-9]{5,19}|[0-9]{5,12})|^ ?([0-9]{6,12}|[a-z][-_a-z0-9]{3,17}[0-9]{2})`),
	"wechatadd": regexp.MustCompile(`^(?:号码?|id)?[ :为是]{0,3}([a-z][-_a-z0-9]{5,19})`),
	"qq":        regexp.MustCompile(`^ ?(?:群号?|号码?|账号)?[ :为是]{0,3}([1-9][0-9]{4,10})(?:[^0-9a-z]|$)`),
	"passport":  regexp.MustCompile(`^ ?(?:号码?|no\.?|number)?[ :为是()]{0,4}([a-z]{1,2} ?[0-9]{7,8})(?:[^0-9a-z]|$)`),
	"plate":     regexp.MustCompile(`^ ?(?:号码?|照)?[ :为是()]{0,4}([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使][a-z] ?[-·•.]? ?[a-z0-9]{4,6}[挂学警港澳领使]?)`),
	"identity":  regexp.MustCompile(`^ ?(?:件)?(?:号码?|no\.?)?[ :为是()]{0,4}([0-9]{17}[0-9x]|[0-9]{15})(?:[^0-9a-z]|$)`),
	"document":  regexp.MustCompile(`^ ?(?:号码?|编号|no\.?)?[ :为是()第字]{0,5}([a-z]{0,2}[0-9]{6,18})(?:[^0-9a-z]|$)`),
	"address":   regexp.MustCompile(`^ ?[为是]? ?: ?([^,;。\n〔\[ ][^,;。\n〔\[]{1,60})|^[ 为是于在]{0,2}([^,;。\n〔\[]{2,40}?[0-9]+(?:号|弄|室|栋|幢|单元|楼)[^,;。\n〔\[]{0,20})`),
}

// value matches form right after i and returns the place of its first group that
// took part.
func (f *folded) value(i int, form *regexp.Regexp) (at, end int, ok bool) {
	window := string(f.text[i:min(i+90, len(f.text))])
	m := form.FindStringSubmatchIndex(window)
	for k := 2; k+1 < len(m); k += 2 {
		if m[k] >= 0 {
			at = i + utf8.RuneCountInString(window[:m[k]])
			return at, at + utf8.RuneCountInString(window[m[k]:m[k+1]]), true
		}
	}
	return 0, 0, false
}

// settings counts the process settings the text gives: figures with a unit right
// after a step such as 升温 or 烧结. It looks no closer than it must: fewer steps
// than make a detailed process are none.
func (f *folded) settings() int {
	steps := 0
	for _, w := range f.words {
		if w.use == "step" {
			steps++
		}
	}
	if steps == 0 {
		return 0
	}
	n, last := 0, -1
	for _, w := range f.words {
		if w.use != "step" {
			continue
		}
		if i := f.figure(w.end); i > last {
			n, last = n+1, i
		}
	}
	return n
}

// figure returns where a figure with a unit of a process begins, within a few
// characters after i and before the clause ends, or -1.
func (f *folded) figure(i int) int {
	for limit := min(i+10, len(f.text)); i < limit; i++ {
		switch r := f.text[i]; {
		case r == '。' || r == ';' || r == ',':
			return -1
		case isDigit(r):
			from := i
			for i < len(f.text) && (isDigit(f.text[i]) || f.text[i] == '.' || f.text[i] == '~' || f.text[i] == '-' || f.text[i] == '至' || f.text[i] == ' ' || f.text[i] == '–') {
				i++
			}
			for _, unit := range processUnits {
				if f.has(i, unit) {
					return from
				}
			}
			return -1
		}
	}
	return -1
}

var processUnits = [][]rune{
	[]rune("℃"), []rune("°c"), []rune("摄氏度"), []rune("度"), []rune("h"), []rune("小时"), []rune("min"), []rune("分钟"), []rune("s"), []rune("秒"),
	[]rune("天"), []rune("mpa"), []rune("兆帕"), []rune("kpa"), []rune("千帕"), []rune("pa"), []rune("帕"), []rune("r/min"), []rune("rpm"), []rune("转"),
	[]rune("mol"), []rune("g"), []rune("mg"), []rune("kg"), []rune("克"), []rune("ml"), []rune("l"), []rune("升"), []rune("毫升"), []rune("%"),
	[]rune("份"), []rune("kv"), []rune("w"), []rune("a/"), []rune("v"), []rune("mm"), []rune("ppm"), []rune("倍"), []rune("目"),
}
