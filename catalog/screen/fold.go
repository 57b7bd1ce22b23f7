package screen

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folded is a text as the rules read it. The character at i stands for the bytes
// from[i] to to[i] of the original.
type folded struct {
	text     []rune
	from, to []int32

	// What was seen on the way. A text with none of it is done.
	begins []int32 // where a word may begin
	ats    []int32 // where an @ stands
	digits int     // most digits in one number, separators left aside
	run    int     // digits of the number at hand

	words []found
}

// found is a word at its place.
type found struct {
	*word
	at, end int
}

var pool = sync.Pool{New: func() any { return new(folded) }}

// Most digits a text may hold in one number and yet no number a rule looks for:
// the shortest, a landline with area code, has ten. Shorter ones follow a label,
// which is a word.
const fewDigits = 9

// longestWord is a bound on the characters of a word.
const longestWord = 24

// fold reads s: NFKC, letters lower case, hidden characters and marks dropped,
// white space between Han characters dropped and elsewhere made one space (or one
// line feed), the traditional characters of the words made simplified.
//
// NFKC is taken character by character: composing across characters changes
// nothing that a rule looks for, since combining marks are dropped.
func (f *folded) fold(s string) {
	f.text, f.from, f.to = f.text[:0], f.from[:0], f.to[:0]
	f.begins, f.ats, f.words = f.begins[:0], f.ats[:0], f.words[:0]
	f.digits, f.run = 0, 0
	d, simplified := loadDictionary(), loadSimplified()
	space, spaceFrom := rune(0), 0
	var buffer [64]byte
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			switch {
			case r >= 0x4E00 && r < 0xA000:
				r = rune(simplified[r-0x4E00])
			case r >= '！' && r <= '～':
				r -= '！' - '!'
			case plain(r):
			case isSpace(r):
				r = ' '
			case dropped(r):
				i += size
				continue
			default:
				compatible := norm.NFKC.AppendString(buffer[:0], s[i:i+size])
				if len(compatible) != size || string(compatible) != s[i:i+size] {
					for _, c := range string(compatible) {
						if c >= 0x4E00 && c < 0xA000 {
							c = rune(simplified[c-0x4E00])
						}
						if c == ' ' && space == 0 {
							space, spaceFrom = ' ', i
						} else if !dropped(c) && c != ' ' {
							f.emit(d, lower(c), i, i+size, &space, spaceFrom)
						}
					}
					i += size
					continue
				}
			}
		}
		switch {
		case r == ' ' || r == '\n' || r >= '\t' && r <= '\r':
			if space == 0 {
				space, spaceFrom = ' ', i
			}
			if r == '\n' {
				space = '\n'
			}
		case r < ' ' || r == 0x7f:
		default:
			f.emit(d, lower(r), i, i+size, &space, spaceFrom)
		}
		i += size
	}
}

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// emit appends r, after the white space that waits unless it stands between two
// Han characters.
func (f *folded) emit(d *dictionary, r rune, from, to int, space *rune, spaceFrom int) {
	if *space != 0 {
		if n := len(f.text); n > 0 && !(isHan(f.text[n-1]) && isHan(r)) {
			f.push(d, *space, spaceFrom, from)
		}
		*space = 0
	}
	f.push(d, r, from, to)
}

func (f *folded) push(d *dictionary, r rune, from, to int) {
	n := len(f.text)
	switch {
	case isDigit(r):
		f.run++
		f.digits = max(f.digits, f.run)
	case r == '@':
		f.ats = append(f.ats, int32(n))
		f.run = 0
	case !isSeparator(r):
		f.run = 0
	}
	if n > 0 && d.mayBegin(f.text[n-1], r) {
		f.begins = append(f.begins, int32(n-1))
	}
	for _, single := range d.lone {
		if r == single {
			f.begins = append(f.begins, int32(n))
		}
	}
	f.text = append(f.text, r)
	f.from = append(f.from, int32(from))
	f.to = append(f.to, int32(to))
}

// find verifies the places where a word may begin.
func (f *folded) find() {
	d := loadDictionary()
	for _, b := range f.begins {
		i := int(b)
		// In Latin script a word begins where no letter or digit stands before it.
		if i > 0 && isAlnum(f.text[i]) && isAlnum(f.text[i-1]) {
			continue
		}
		for _, w := range d.single[f.text[i]] {
			f.words = append(f.words, found{w, i, i + 1})
		}
		if i+1 == len(f.text) {
			continue
		}
		for _, w := range d.pairs[[2]rune{f.text[i], f.text[i+1]}] {
			end := i + len(w.text)
			if end > len(f.text) || !slices.Equal(f.text[i:end], w.text) {
				continue
			}
			if isLetter(f.text[end-1]) && end < len(f.text) && isLetter(f.text[end]) {
				continue
			}
			f.words = append(f.words, found{w, i, end})
		}
	}
}

// near reports whether a word of that rule and use ends at most distance
// characters before i.
func (f *folded) near(rule, use string, i, distance int) bool {
	for _, w := range f.words[f.wordsFrom(i-distance-longestWord):] {
		if w.at >= i {
			break
		}
		if w.rule == rule && w.use == use && w.end <= i && i-w.end <= distance {
			return true
		}
	}
	return false
}

// soon reports whether a word of that rule and use begins at most distance
// characters after i.
func (f *folded) soon(rule, use string, i, distance int) bool {
	for _, w := range f.words[f.wordsFrom(i):] {
		if w.at-i > distance {
			break
		}
		if w.rule == rule && w.use == use {
			return true
		}
	}
	return false
}

// wordsFrom returns the index of the first word at or after i.
func (f *folded) wordsFrom(i int) int {
	n, _ := slices.BinarySearchFunc(f.words, i, func(w found, i int) int { return w.at - i })
	return n
}

// plain reports whether r, common in texts, is left as it is. It spares most
// punctuation the tables of Unicode; what NFKC makes of the others is nothing a
// rule looks for.
func plain(r rune) bool {
	switch r {
	case '、', '。', '《', '》', '【', '】', '“', '”', '‘', '’', '—', '–', '·', '…', '〔', '〕',
		'℃', '°', '×', '±', '≥', '≤', 'μ', '★', '☆':
		return true
	}
	return false
}

// dropped reports whether r is a character without a shape of its own: hidden,
// formatting, or a mark on another.
func dropped(r rune) bool {
	return r >= 0x80 && (unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Cc) || r == 0x3164 || r == 0x115F || r == 0x1160)
}

func isSpace(r rune) bool { return r >= 0x80 && unicode.IsSpace(r) }

func isHan(r rune) bool {
	return r >= 0x4E00 && r < 0xA000 || r == '〇' || r >= 0x3400 && r < 0x4DC0 || r >= 0x20000 && r < 0x33480
}

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r >= 'a' && r <= 'z' }
func isAlnum(r rune) bool  { return isDigit(r) || isLetter(r) }

// isSeparator reports whether r is written between the groups of a number.
func isSeparator(r rune) bool {
	switch r {
	case ' ', '-', '.', '·', '•', '・', '_', '(', ')', '‐', '–', '—', '―', '−':
		return true
	}
	return false
}
