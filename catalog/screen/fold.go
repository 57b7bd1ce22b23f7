package screen

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folded is a text as the rules read it. The character at i was made of the one
// that begins at byte from[i] of the original.
type folded struct {
	original string
	text     []rune
	from     []int32

	// What was seen on the way. A text with none of it is done.
	begins []int32 // where a word may begin
	ats    []int32 // where an @ stands
	stars  []int32 // where a star of a secrecy mark stands
	digits int     // most digits in one number, separators left aside

	words []found
	// telephone is where the last telephone number found ends.
	telephone int
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
	d := loadDictionary()
	text, from := slices.Grow(f.text[:0], len(s)+1), slices.Grow(f.from[:0], len(s)+1)
	f.begins, f.ats, f.stars, f.words, f.digits, f.original = f.begins[:0], f.ats[:0], f.stars[:0], f.words[:0], 0, s

	var (
		last, space rune // the last character kept; the white space that waits
		spaceAt     int
		mayBegin    bool   // a word may begin with last
		run         int    // digits of the number at hand
		queue       []rune // what NFKC made of a character, still to be read
		at          int
	)
	for i := 0; i < len(s) || len(queue) > 0; {
		var r rune
		if len(queue) > 0 {
			r, queue = queue[0], queue[1:]
		} else {
			at = i
			if c := s[i]; c < utf8.RuneSelf {
				r, i = rune(c), i+1
			} else {
				r, i = decode(s, i)
				if r < firstHan || r >= endHan {
					if r, queue = compatible(r, s[at:i]); r < 0 {
						continue
					}
				}
			}
		}
		begins, star := false, false
		switch {
		case r < utf8.RuneSelf:
			class := ascii[r]
			switch class {
			case digit:
				if run++; run > f.digits {
					f.digits = run
				}
			case separator:
			case white:
				if space == 0 {
					space, spaceAt = ' ', at
				}
				if r == '\n' {
					space = '\n'
				}
				continue
			case control:
				continue
			default:
				run = 0
				if class == upper {
					r += 'a' - 'A'
				}
			}
			begins = (class != letter || !isAlnum(last) || space != 0) && d.ascii[r]
		case r >= firstHan && r < endHan:
			h := d.han[r-firstHan]
			r, begins, run = rune(h.simplified), h.begins, 0
			if h.word {
				f.begins = append(f.begins, int32(len(text)))
			}
		case !isSeparator(r):
			run = 0
			star = isStar(r)
		}
		if space != 0 {
			if last != 0 && (!isHan(last) || !isHan(r)) {
				text, from = append(text, space), append(from, int32(spaceAt))
				last, mayBegin = space, false
			}
			space = 0
		}
		if mayBegin && d.mayBegin(last, r) {
			f.begins = append(f.begins, int32(len(text)-1))
		}
		if r == '@' {
			f.ats = append(f.ats, int32(len(text)))
		}
		if star {
			f.stars = append(f.stars, int32(len(text)))
		}
		text, from = append(text, r), append(from, int32(at))
		if last, mayBegin = r, begins; begins || len(queue) > 0 {
			continue
		}
		// Most of a text is runs of letters or Han characters in which no word
		// begins: a short way through them.
		if isLetter(last) {
			for ; i < len(s) && ascii[s[i]&0x7f] == letter && s[i] < utf8.RuneSelf; i++ {
				last = rune(s[i])
				text, from = append(text, last), append(from, int32(i))
			}
		} else if last >= firstHan && last < endHan {
			for i < len(s) && s[i] >= 0xE4 && s[i] <= 0xE9 {
				r, next := decode(s, i)
				if r < firstHan || r >= endHan || d.han[r-firstHan].begins {
					break
				}
				last = rune(d.han[r-firstHan].simplified)
				text, from = append(text, last), append(from, int32(i))
				i = next
			}
		}
	}
	f.text, f.from = text, from
}

// The block of the common Han characters.
const firstHan, endHan = 0x4E00, 0xA000

// decode is utf8.DecodeRuneInString with a short way for common Han characters.
func decode(s string, i int) (r rune, next int) {
	if c := s[i]; c >= 0xE4 && c <= 0xE9 && i+2 < len(s) {
		b, a := s[i+1], s[i+2]
		if b&0xC0 == 0x80 && a&0xC0 == 0x80 {
			return rune(c&0x0F)<<12 | rune(b&0x3F)<<6 | rune(a&0x3F), i + 3
		}
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	return r, i + size
}

// end returns where the character at i ends in the original.
func (f *folded) end(i int) int {
	_, size := utf8.DecodeRuneInString(f.original[f.from[i]:])
	return int(f.from[i]) + size
}

// What ASCII characters are to fold.
const (
	other = iota
	letter
	upper
	digit
	separator
	white
	control
)

var ascii = func() (class [utf8.RuneSelf]uint8) {
	for i := range class {
		switch r := rune(i); {
		case r >= 'a' && r <= 'z':
			class[i] = letter
		case r >= 'A' && r <= 'Z':
			class[i] = upper
		case isDigit(r):
			class[i] = digit
		case r == ' ' || r >= '\t' && r <= '\r':
			class[i] = white
		case isSeparator(r):
			class[i] = separator
		case r < ' ' || r == 0x7f:
			class[i] = control
		}
	}
	return class
}()

// compatible returns what NFKC makes of r, neither ASCII nor common Han, written
// as s: one character, or several of which rest are to follow; -1 for nothing.
func compatible(r rune, s string) (first rune, rest []rune) {
	switch {
	case r >= '！' && r <= '～':
		return r - '！' + '!', nil
	case plain(r):
		return r, nil
	case unicode.IsSpace(r):
		return ' ', nil
	case dropped(r):
		return -1, nil
	}
	var buffer [64]byte
	b := norm.NFKC.AppendString(buffer[:0], s)
	if string(b) == s {
		return r, nil
	}
	all := slices.DeleteFunc([]rune(string(b)), dropped)
	if len(all) == 0 {
		return -1, nil
	}
	return all[0], all[1:]
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
// formatting, filling, a mark on another, one that no font is bound to show, or
// what stands where a decoder lost one.
func dropped(r rune) bool {
	return r >= 0x80 && (unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Cc, unicode.Co, unicode.Other_Default_Ignorable_Code_Point) ||
		r == 0x2800 || r == 0xFFFC || r == utf8.RuneError || r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE)
}

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
