package ingest

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
)

// What is changed in every text, and what is not:
//
//   - escapes that an export left behind are read: _x000D_ (Office Open XML) and
//     HTML references, however often they were escaped;
//   - full-width letters, digits and signs (１２３ＡＢＣ＠％) become ASCII; the
//     punctuation of Chinese (，；：（）) stays;
//   - Kangxi radicals and the like become the characters they look like, hyphens
//     of typesetting become hyphens;
//   - characters nobody sees are taken out and the row is told;
//   - a comma, semicolon, colon, question or exclamation mark of ASCII between
//     two Han characters becomes full-width, and so does a pair of brackets whose
//     text begins or ends with Han: GB/T 15834-2011 has them so, the names of
//     Chinese firms are registered so, and numbers, formulas and English keep
//     theirs. A full stop stays: it stands in too many abbreviations.
//
// White space and width change without a word; anything else is said.

// normalizeText returns s as it may be published and whether more than white
// space and width was changed. Line feeds are kept only where lines says so.
func normalizeText(s string, lines bool) (string, bool) {
	if plainText(s) {
		if clean, changed := catalog.CleanText(s, lines); !changed {
			return clean, false
		}
	}
	// What hides inside an escape would break it up.
	s, hidden := catalog.CleanText(s, true)
	s, decoded := decodeEscapes(s)
	s, folded := foldForms(s)
	s, cleaned := catalog.CleanText(s, lines)
	return foldPunctuation(s), hidden || decoded || folded || cleaned
}

// plainText reports whether s holds nothing that normalizeText changes beyond
// what catalog.CleanText does.
func plainText(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch c {
			case '&', '_', '(', ')', ',', ';', ':', '?', '!':
				// Most often part of English or a number.
				if c == '&' || c == '_' && strings.HasPrefix(s[i:], "_x") || touchesWide(s, i) {
					return false
				}
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r < 0x4E00 || r > 0x9FFF {
			switch {
			case foldsWidth(r), r >= 0x2E80 && r <= 0x2FDF, r == 0x2010, r == 0x2011:
				return false
			}
		}
		i += size
	}
	return true
}

// touchesWide reports whether a character beyond ASCII stands beside the byte at i.
func touchesWide(s string, i int) bool {
	return i > 0 && s[i-1] >= utf8.RuneSelf || i+1 < len(s) && s[i+1] >= utf8.RuneSelf
}

// foldsWidth reports whether r is a full-width form that becomes ASCII. The
// punctuation of Chinese stays as it is.
func foldsWidth(r rune) bool {
	if r < '！' || r > '～' {
		return false
	}
	switch r {
	case '！', '（', '）', '，', '．', '：', '；', '？', '［', '］', '｛', '｝', '～', '｜', '＂', '＇':
		return false
	}
	return true
}

// foldForms maps full-width forms, radicals and typesetters' hyphens. It reports
// whether there were radicals.
func foldForms(s string) (string, bool) {
	var b strings.Builder
	b.Grow(len(s))
	changed := false
	for _, r := range s {
		switch {
		case r < 0x80 || r >= 0x4E00 && r <= 0x9FFF:
			b.WriteRune(r)
		case foldsWidth(r):
			b.WriteRune(r - 0xFF01 + '!')
		case r == 0x2010 || r == 0x2011:
			b.WriteByte('-')
		case r >= 0x2E80 && r <= 0x2FDF:
			to := norm.NFKC.String(string(r))
			changed = changed || to != string(r)
			b.WriteString(to)
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), changed
}

// namedReferences are the HTML references seen in exports. &semi; and &num; are
// left out: they would make new references of old.
var namedReferences = map[string]string{
	"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'", "nbsp": " ", "ensp": " ", "emsp": " ", "thinsp": " ",
	"ldquo": "“", "rdquo": "”", "lsquo": "‘", "rsquo": "’", "mdash": "—", "ndash": "–", "hellip": "…", "middot": "·", "bull": "•",
	"times": "×", "divide": "÷", "plusmn": "±", "deg": "°", "micro": "µ", "permil": "‰", "le": "≤", "ge": "≥", "ne": "≠",
	"sup2": "²", "sup3": "³", "frac12": "½", "copy": "©", "reg": "®", "trade": "™",
	"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "lambda": "λ", "mu": "μ", "omega": "ω", "Omega": "Ω",
}

// decodeEscapes reads the escapes an export left behind. &amp;amp; was escaped
// twice: an ampersand that comes out may begin another reference. It reports
// whether a visible character was decoded.
func decodeEscapes(s string) (string, bool) {
	if !strings.ContainsAny(s, "&_") {
		return s, false
	}
	var b strings.Builder
	b.Grow(len(s))
	changed := false
	for i := 0; i < len(s); {
		switch s[i] {
		case '_':
			if to, ok := officeEscape(s[i:]); ok {
				b.WriteByte(to)
				i += len("_x000D_")
				continue
			}
		case '&':
			to, size := htmlReference(s[i:])
			for to == "&" {
				// What comes out stands where the last byte of the reference stood.
				next, more := htmlReference("&" + s[i+size:min(len(s), i+size+12)])
				changed = true
				if more == 0 {
					break
				}
				to, size = next, size+more-1
			}
			if size > 0 {
				changed = changed || strings.TrimSpace(to) != ""
				b.WriteString(to)
				i += size
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String(), changed
}

// officeEscape reads _x000D_, _x000A_ and _x0009_ at the beginning of s.
func officeEscape(s string) (byte, bool) {
	const size = len("_x000D_")
	if len(s) < size {
		return 0, false
	}
	switch strings.ToLower(s[:size]) {
	case "_x000d_", "_x000a_":
		return '\n', true
	case "_x0009_":
		return '\t', true
	}
	return 0, false
}

// htmlReference returns what the reference at the beginning of s means and its
// length, or 0 when there is none.
func htmlReference(s string) (string, int) {
	end := strings.IndexByte(s[:min(len(s), 12)], ';')
	if end < 2 {
		return "", 0
	}
	name := s[1:end]
	if to, ok := namedReferences[name]; ok {
		return to, end + 1
	}
	if name[0] != '#' {
		return "", 0
	}
	digits, base := name[1:], 10
	if digits != "" && (digits[0] == 'x' || digits[0] == 'X') {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > unicode.MaxRune {
		return "", 0
	}
	r := rune(n)
	if r == '\r' || r == '\n' || r == '\t' {
		return "\n", end + 1
	}
	to := norm.NFC.String(string(r))
	// A digit, letter, # or ; could become part of another reference, and a
	// control character is no text.
	if len(to) == 1 && strings.IndexByte(`"&'<>()[]{},.:!?%*+-/=~^@$ `, to[0]) < 0 || r == utf8.RuneError || unicode.IsControl(r) || r >= 0xD800 && r <= 0xDFFF {
		return "", 0
	}
	return to, end + 1
}

// fullWidth are the marks of ASCII that Chinese writes wide.
var fullWidth = map[rune]rune{',': '，', ';': '；', ':': '：', '?': '？', '!': '！', '(': '（', ')': '）'}

// maxBracketed is the longest text in brackets, in characters, that is looked at
// as one.
const maxBracketed = 60

// foldPunctuation writes marks between Han characters full-width.
func foldPunctuation(s string) string {
	if !strings.ContainsAny(s, ",;:?!()") || isASCII(s) {
		return s
	}
	text := []rune(s)
	var open []int
	for i, r := range text {
		switch r {
		case ',', ';', ':', '?', '!':
			if i > 0 && i+1 < len(text) && isHan(text[i-1]) && isHan(text[i+1]) {
				text[i] = fullWidth[r]
			}
		case '\n':
			open = open[:0]
		case '(', '（':
			open = append(open, i)
		case ')', '）':
			if len(open) == 0 {
				continue
			}
			o := open[len(open)-1]
			open = open[:len(open)-1]
			if i-o > 1 && i-o <= maxBracketed && (isHan(text[o+1]) || isHan(text[i-1])) {
				text[o], text[i] = '（', '）'
			}
		}
	}
	return string(text)
}

func isHan(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0x20000 && unicode.Is(unicode.Han, r)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// blankWords are what people write into a cell that has nothing to say.
var blankWords = map[string]bool{
	"-": true, "--": true, "—": true, "——": true, "/": true, "\\": true, "//": true, "...": true, "…": true,
	"无": true, "暂无": true, "无。": true, "空": true, "没有": true, "无数据": true, "未填": true, "未填写": true,
	"n/a": true, "na": true, "n.a.": true, "nil": true, "none": true, "null": true, "(null)": true, "<null>": true, "undefined": true, "nan": true, "#n/a": true, "#n/a!": true,
}

// isBlankWord reports whether text says that there is nothing to say.
func isBlankWord(text string) bool {
	if len(text) > 16 {
		return false
	}
	if strings.IndexByte(text, 0xEF) >= 0 { // full-width forms begin with it
		text = norm.NFKC.String(text)
	}
	return blankWords[strings.ToLower(strings.TrimSpace(text))]
}
