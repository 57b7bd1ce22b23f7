package screen

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// The numbers of P1, P2, P3 and P5. All are read group by group from a place
// where no letter or digit stands before, so that a part of a longer number (a
// gene identifier, a plan code, a patent number) is never taken for one. Letters
// may stand before an identification number, whose check digit and date tell it,
// and the words of glued before a telephone number.

// digitsAt reads n digits from i, with at most gap separators between two of
// them, and returns them, the lengths of their groups and where they end. It
// fails where there are fewer.
func (f *folded) digitsAt(i, n, gap int, isSeparator func(rune) bool) (digits []byte, groups []int, end int, ok bool) {
	digits = make([]byte, 0, 20)
	groups = append(make([]int, 0, 20), 0)
	for len(digits) < n {
		j := i
		for j < len(f.text) && j-i <= gap && isSeparator(f.text[j]) {
			j++
		}
		if j == len(f.text) || !isDigit(f.text[j]) || j-i > gap || (j > i && len(digits) == 0) {
			return digits, groups, i, false
		}
		if j > i {
			groups = append(groups, 0)
		}
		groups[len(groups)-1]++
		digits = append(digits, byte(f.text[j]))
		i = j + 1
	}
	return digits, groups, i, true
}

func (f *folded) is(i int, kind func(rune) bool) bool {
	return i >= 0 && i < len(f.text) && kind(f.text[i])
}

// numbers finds P1, P5, P2 and P3.
func (f *folded) numbers(pol policy, hits []hit) []hit {
	f.telephone = -1
	for i := 0; i < len(f.text); i++ {
		if !isDigit(f.text[i]) || f.is(i-1, isDigit) {
			continue
		}
		letters, free := f.lettersBefore(i)
		if !free {
			continue
		}
		h, ok := f.identity(i)
		if !ok && letters == "" {
			h, ok = f.card(i)
		}
		if !ok && (letters == "" || glued[letters]) {
			if h, ok = f.mobile(i, pol); !ok {
				h, ok = f.abroad(i, pol)
			}
			if !ok {
				h, ok = f.landline(i, pol)
			}
			if ok {
				h = f.balanced(h)
				f.telephone = h.end
			}
		}
		if !ok {
			// On to the end of the group.
			for f.is(i+1, isDigit) {
				i++
			}
			continue
		}
		if h.rule != "P3" || !pol.organization {
			hits = append(hits, h)
		}
		i = h.end - 1
	}
	return hits
}

// glued are the labels people write right before a telephone number.
var glued = map[string]bool{
	"tel": true, "phone": true, "telephone": true, "cellphone": true, "mobile": true, "mob": true, "cell": true, "call": true,
	"p": true, "t": true, "m": true, "h": true, "tl": true, "sj": true, "sjh": true, "dh": true, "lxdh": true, "wx": true, "vx": true,
}

// lettersBefore returns the letters right before i. It is not free where a digit
// stands before them: what they part is a code.
func (f *folded) lettersBefore(i int) (letters string, free bool) {
	from := i
	for from > 0 && isLetter(f.text[from-1]) {
		from--
	}
	return string(f.text[from:i]), !f.is(from-1, isDigit)
}

// listed reports whether the number at i goes on a list of telephone numbers.
func (f *folded) listed(i int) bool {
	const most = 3
	if f.telephone < 0 || i <= f.telephone || i-f.telephone > most {
		return false
	}
	return !slices.ContainsFunc(f.text[f.telephone:i], func(r rune) bool { return !strings.ContainsRune("、,;/|和或及 \n", r) })
}

// balanced leaves a bracket alone whose other half is not in the hit, and takes in
// the one that opens it.
func (f *folded) balanced(h hit) hit {
	inside := f.text[h.at:h.end]
	switch opens, closes := slices.Contains(inside, '('), slices.Contains(inside, ')'); {
	case opens && !closes && inside[0] == '(':
		h.at++
	case closes && !opens && f.is(h.at-1, func(r rune) bool { return r == '(' }):
		h.at--
	}
	return h
}

// identity is a citizen identification number (GB 11643-1999): 17 digits, of
// which 7 to 14 are a date, and a check character by ISO 7064 MOD 11-2. A unified
// social credit code hardly ever fits: beginning with 9 it is no region, and
// beginning with 1 to 8 the end of its division and the beginning of its body
// would have to be a date.
func (f *folded) identity(i int) (hit, bool) {
	if f.text[i] < '1' || f.text[i] > '8' {
		return hit{}, false
	}
	d, _, end, ok := f.digitsAt(i, 17, 2, isSeparator)
	if !ok {
		return hit{}, false
	}
	last := end
	for last < len(f.text) && last-end < 2 && isSeparator(f.text[last]) {
		last++
	}
	if last == len(f.text) || f.is(last+1, isAlnum) {
		return hit{}, false
	}
	sum := 0
	for k, weight := 16, 2; k >= 0; k-- {
		sum += int(d[k]-'0') * weight
		weight = weight * 2 % 11
	}
	if rune("10x98765432"[sum%11]) != f.text[last] {
		return hit{}, false
	}
	born, err := time.Parse("20060102", string(d[6:14]))
	if err != nil || born.Year() < 1900 || born.Year() > 2100 {
		return hit{}, false
	}
	return hit{rule: "P1", action: Refuse, at: i, end: last + 1}, true
}

// card is a bank card number: 13 to 19 digits of an issuer range (ISO/IEC 7812-1:
// UnionPay, Visa, Mastercard, American Express, JCB, Diners, and the older
// domestic ranges 60, 63 to 65, 68, 69, 90 and 95), with the Luhn digit, near a
// word such as 账号 or 卡号: Luhn alone passes one number in ten.
func (f *folded) card(i int) (hit, bool) {
	d, _, _, ok := f.digitsAt(i, 13, 2, isSeparator)
	if !ok || !issuer(d) {
		return hit{}, false
	}
	for n := 19; n >= 13; n-- {
		d, _, end, ok := f.digitsAt(i, n, 2, isSeparator)
		if !ok || f.is(end, isAlnum) || !luhn(d) {
			continue
		}
		if f.near("P5", "label", i, 30) || f.soon("P5", "label", end, 12) {
			return hit{rule: "P5", action: Refuse, at: i, end: end}, true
		}
	}
	return hit{}, false
}

func issuer(d []byte) bool {
	switch two := string(d[:2]); d[0] {
	case '4':
		return true
	case '3':
		return two == "34" || two == "37" || two == "35" || two == "36" || two == "38" || two == "39" || two == "30"
	case '5':
		return two >= "50" && two <= "58"
	case '2':
		return string(d[:4]) >= "2221" && string(d[:4]) <= "2720"
	case '6':
		return two == "60" || two == "62" || two == "63" || two == "64" || two == "65" || two == "68" || two == "69"
	case '9':
		return two == "90" || two == "95"
	}
	return false
}

func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// mobile is a Chinese mobile number (1, then 3 to 9, then nine digits), with or
// without +86, in one of the groupings people write, or in any after a word such
// as 手机. In a field for numbers it is held, not redacted: real project numbers
// have the same form (13511500400), and nobody but a person can tell.
func (f *folded) mobile(i int, pol policy) (hit, bool) {
	first := i
	i, prefixed := f.countryCode(i)
	labeled := f.near("P2", "label", first, 12) || f.listed(first)
	d, groups, end, ok := f.digitsAt(i, 11, 3, separators(labeled))
	if !ok || d[0] != '1' || d[1] < '3' || f.is(end, isDigit) {
		return hit{}, false
	}
	if !labeled && !mobileGroups(groups) {
		return hit{}, false
	}
	if !labeled && !prefixed && len(groups) == 1 && (f.isAmount(end) || f.isNumbered(first)) {
		return hit{}, false
	}
	if f.inDOI(first) {
		return hit{}, false
	}
	if prefixed {
		for f.is(first-1, func(r rune) bool { return r == '+' || r == '(' }) {
			first--
		}
	}
	return hit{rule: "P2", action: pol.contact(), at: first, end: end}, true
}

// separators are what may stand between the digits of a telephone number: behind a
// label a slash too.
func separators(labeled bool) func(rune) bool {
	if labeled {
		return isSlashed
	}
	return isSeparator
}

func isSlashed(r rune) bool { return r == '/' || isSeparator(r) }

// abroad is a mobile number of Taiwan (09 and eight digits) in its usual groups, or
// in any after a word such as 手机.
func (f *folded) abroad(i int, pol policy) (hit, bool) {
	labeled := f.near("P2", "label", i, 12) || f.listed(i)
	d, groups, end, ok := f.digitsAt(i, 10, 3, separators(labeled))
	if !ok || d[0] != '0' || d[1] != '9' || f.is(end, isDigit) || f.is(end, isSeparator) && f.is(end+1, isDigit) {
		return hit{}, false
	}
	if !labeled && !slices.Equal(groups, []int{4, 3, 3}) || f.inDOI(i) {
		return hit{}, false
	}
	return hit{rule: "P2", action: pol.contact(), at: i, end: end}, true
}

// countryCode skips 86 or 0086 at i.
func (f *folded) countryCode(i int) (next int, ok bool) {
	j := i
	for range 2 {
		if f.is(j, func(r rune) bool { return r == '0' }) {
			j++
		}
	}
	if j-i == 1 || j+2 >= len(f.text) || f.text[j] != '8' || f.text[j+1] != '6' {
		return i, false
	}
	for j += 2; j < len(f.text) && isSeparator(f.text[j]); j++ {
		if j-i > 8 {
			return i, false
		}
	}
	return j, true
}

func mobileGroups(g []int) bool {
	switch len(g) {
	case 1:
		return true
	case 2:
		return g[0] == 3 || g[0] == 5 || g[0] == 7
	case 3:
		return g[0] == 3 && g[1] >= 3 && g[1] <= 5
	}
	return len(g) == 11 || slices.Equal(g, []int{3, 2, 2, 2, 2})
}

// isAmount reports whether a unit follows the number that ends at end: eleven
// digits are also hundreds of millions of yuan.
func (f *folded) isAmount(end int) bool {
	if f.is(end, func(r rune) bool { return r == ' ' }) {
		end++
	}
	for _, unit := range amountUnits {
		if f.has(end, unit) {
			return true
		}
	}
	return false
}

var amountUnits = [][]rune{
	[]rune("元"), []rune("美元"), []rune("欧元"), []rune("吨"), []rune("立方米"), []rune("平方米"), []rune("千瓦时"),
	[]rune("度电"), []rune("字节"), []rune("kwh"), []rune("hz"), []rune("byte"),
}

func (f *folded) has(i int, text []rune) bool {
	if i+len(text) > len(f.text) {
		return false
	}
	for k, r := range text {
		if f.text[i+k] != r {
			return false
		}
	}
	return true
}

// isNumbered reports whether 编号 or the like stands right before i, or 项目( and
// the like.
func (f *folded) isNumbered(i int) bool {
	j := i
	for j > 0 && i-j < 4 && (isSeparator(f.text[j-1]) || f.text[j-1] == ':' || f.text[j-1] == '为' || f.text[j-1] == '是') {
		j--
	}
	if f.near("P2", "number", j, 0) {
		return true
	}
	if i == j || f.text[i-1] != '(' {
		return false
	}
	for _, program := range programs {
		if at := j - len(program); at >= 0 && f.has(at, program) {
			return true
		}
	}
	return false
}

var programs = [][]rune{[]rune("项目"), []rune("课题"), []rune("基金"), []rune("资助"), []rune("计划"), []rune("专项")}

// doiForm is the beginning of a DOI.
var doiForm = regexp.MustCompile(`(?:^|[^0-9.])10\.[0-9]{4,9}/`)

// inDOI reports whether i lies in a DOI.
func (f *folded) inDOI(i int) bool {
	from := i
	for from > 0 && i-from < 100 && (isAlnum(f.text[from-1]) || inDOIAlphabet(f.text[from-1])) {
		from--
	}
	return doiForm.MatchString(string(f.text[from:i]))
}

func inDOIAlphabet(r rune) bool {
	switch r {
	case '-', '.', '_', ';', '(', ')', '/', ':':
		return true
	}
	return false
}

// landline is a Chinese landline number with its area code (010, 02x, or 03xx to
// 09xx), or one of seven or eight digits after a word such as 电话.
func (f *folded) landline(i int, pol policy) (hit, bool) {
	listed := f.listed(i)
	if f.is(i-1, func(r rune) bool { return r == '.' || r == ',' }) && f.is(i-2, isDigit) && !listed {
		return hit{}, false // decimals
	}
	labeled := listed || f.near("P3", "label", i, 4)
	start, area, ok := f.areaCode(i, separators(labeled))
	if !ok {
		if !labeled {
			return hit{}, false
		}
		area = i
	}
	for n := 8; n >= 7; n-- {
		d, groups, end, ok := f.digitsAt(area, n, 3, isSeparator)
		if !ok || f.is(end, isAlnum) || !localGroups(groups) {
			continue
		}
		if area == i && (d[0] < '2' || f.is(end, isSeparator) && f.is(end+1, isDigit)) {
			continue
		}
		whole := area > start && !f.is(area-1, isSeparator) && len(groups) == 1
		if whole && f.isNumbered(start) || f.inDOI(start) {
			return hit{}, false
		}
		return hit{rule: "P3", action: pol.contact(), at: start, end: f.extension(end)}, true
	}
	return hit{}, false
}

// areaCode returns where the number at i begins, brackets and country code
// included, and where its local part does.
func (f *folded) areaCode(i int, isSeparator func(rune) bool) (start, local int, ok bool) {
	start = i
	code := i
	if next, prefixed := f.countryCode(i); prefixed && f.is(next, isDigit) {
		code = next
		if f.text[code] == '0' {
			code++
		}
		for f.is(start-1, func(r rune) bool { return r == '+' || r == '(' }) {
			start--
		}
		if start == i && f.text[i] != '0' {
			return i, i, false // 86 alone is a number like any other
		}
	} else if f.text[i] == '0' {
		code++
	} else {
		return i, i, false
	}
	digit := func(k int) rune {
		if f.is(code+k, isDigit) {
			return f.text[code+k]
		}
		return 0
	}
	n := 0
	switch {
	case digit(0) == '1' && digit(1) == '0', digit(0) == '2' && digit(1) != 0:
		n = 2
	case digit(0) >= '3' && digit(1) != 0 && digit(2) != 0:
		n = 3
	default:
		return i, i, false
	}
	local = code + n
	for k := 0; k < 3 && local < len(f.text) && isSeparator(f.text[local]); k++ {
		local++
	}
	if start == i && f.is(i-1, func(r rune) bool { return r == '(' }) {
		start--
	}
	return start, local, true
}

func localGroups(g []int) bool {
	return len(g) == 1 || len(g) == 2 && g[1] == 4 && (g[0] == 3 || g[0] == 4)
}

// extension returns the end of the number with an extension such as -8001 or
// 转 8001.
func (f *folded) extension(end int) int {
	i := end
	for i < len(f.text) && i-end < 5 && (isSeparator(f.text[i]) || f.text[i] == '转' || isLetter(f.text[i])) {
		i++
	}
	first := i
	for i < len(f.text) && i-first < 6 && isDigit(f.text[i]) {
		i++
	}
	linked := f.is(end, func(r rune) bool { return r == '-' || r == '转' }) || f.has(end, []rune(" 转")) || f.has(end, []rune(" ext"))
	if linked && i > first && i-first < 6 {
		return i
	}
	return end
}
