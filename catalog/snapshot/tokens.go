package snapshot

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What is searched for are tokens. Text in Han, kana or Hangul has no spaces: it
// gives a token for every character and one for every two that stand side by side,
// so that no dictionary decides what can be found. Everything else gives words: runs
// of letters and digits, folded in width, case and accents.

// key names a token. A character and a pair of characters are their own key; the
// key of a word is a hash of it. Two words with one hash would be found together,
// which among ten million words happens once in some hundred thousand catalogs.
type key uint64

const (
	wordKey = key(1) << 63
	pairKey = key(1) << 62
	runeBit = 21
)

// hash spreads keys evenly, and no two have one: the multiplier is odd. Lists are
// kept in the order of hashes.
type hash uint64

func (k key) hash() hash { return hash(k * 0x9E3779B97F4A7C15) }

func unigram(r rune) key   { return key(r) }
func bigram(a, b rune) key { return pairKey | key(a)<<runeBit | key(b) }

// word hashes with FNV-1a, which is quick for what is this short.
func word(folded []byte) key {
	h := uint64(14695981039346656037)
	for _, c := range folded {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return wordKey | key(h)>>1
}

// token is one occurrence, from and to in bytes of the text.
type token struct {
	key      key
	from, to int
	// pair marks a pair of characters, which the second of them precedes.
	pair bool
}

// scanner takes texts apart. It is reused, and belongs to one goroutine.
type scanner struct {
	tokens []token
	folded []byte
}

// scan returns the tokens of text, of which the next call takes possession.
func (s *scanner) scan(text []byte) []token {
	s.tokens = s.tokens[:0]
	var before rune // the ideograph just before, 0 when there was none
	beforeAt := 0
	start := -1 // of the word under way
	s.folded = s.folded[:0]
	end := func(at int) {
		if start >= 0 {
			s.tokens = append(s.tokens, token{word(s.folded), start, at, false})
			start, s.folded = -1, s.folded[:0]
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			switch {
			case c >= 'A' && c <= 'Z':
				c += 'a' - 'A'
				fallthrough
			case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
				if start < 0 {
					start = i
				}
				s.folded = append(s.folded, c)
			default:
				end(i)
			}
			before = 0
			i++
			continue
		}
		r, size := decode(text[i:])
		if ideographic(r) {
			end(i)
			s.tokens = append(s.tokens, token{unigram(r), i, i + size, false})
			if before != 0 {
				s.tokens = append(s.tokens, token{bigram(before, r), beforeAt, i + size, true})
			}
			before, beforeAt = r, i
			i += size
			continue
		}
		kept := len(s.folded)
		var mark bool
		s.folded, mark = foldRune(s.folded, r)
		switch {
		case mark: // belongs to what stands before it
		case len(s.folded) == kept:
			end(i)
			before = 0
		default:
			if start < 0 {
				start = i
			}
			before = 0
		}
		i += size
	}
	end(len(text))
	return s.tokens
}

// decode is utf8.DecodeRune, quicker for the characters that most texts are made of.
func decode(b []byte) (rune, int) {
	if len(b) > 2 && b[0] > 0xE3 && b[0] < 0xEA && b[1]&b[2]&0xC0 == 0x80 && (b[1]|b[2])&0x40 == 0 {
		return rune(b[0]&0x0F)<<12 | rune(b[1]&0x3F)<<6 | rune(b[2]&0x3F), 3
	}
	return utf8.DecodeRune(b)
}

// ideographic reports whether r is of a script that is written without spaces.
func ideographic(r rune) bool {
	switch {
	case r >= 0x4E00 && r <= 0x9FFF, r >= 0x3400 && r <= 0x4DBF:
		return true
	case r < 0x3040:
		return r == '〇' || r == '々'
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// foldRune appends what r counts for in a word: nothing for a separator. It reports
// whether r is a mark that changes the letter before it and counts for nothing.
func foldRune(b []byte, r rune) ([]byte, bool) {
	switch {
	case r >= 'Ａ' && r <= 'Ｚ':
		return append(b, byte(r-'Ａ'+'a')), false
	case r >= 'ａ' && r <= 'ｚ':
		return append(b, byte(r-'ａ'+'a')), false
	case r >= '０' && r <= '９':
		return append(b, byte(r-'０'+'0')), false
	case unicode.Is(unicode.Mn, r), r == 0x200D, r == 0xFE0F:
		return b, true
	case r < 0xC0 || r >= 0x2010 && r < 0x2070 || r >= 0x3000 && r < 0x3040 || r >= 0xFF00 && r < 0xFF20:
		if r != 'ª' && r != 'º' && r != '²' && r != '³' && r != '¹' && r != 'µ' {
			return b, false
		}
	}
	// Accents come off, ligatures and the like become what they stand for.
	for _, d := range norm.NFKD.String(string(r)) {
		if unicode.IsLetter(d) || unicode.IsDigit(d) {
			b = utf8.AppendRune(b, unicode.ToLower(d))
		}
	}
	return b, false
}

// squeeze appends the letters and digits of text, folded, with nothing between them:
// an identifier as it is, however it was written.
func squeeze(b, text []byte) []byte {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		switch {
		case r >= 'A' && r <= 'Z':
			b = append(b, byte(r+'a'-'A'))
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b = append(b, byte(r))
		case r < utf8.RuneSelf:
		case ideographic(r):
			b = utf8.AppendRune(b, r)
		default:
			b, _ = foldRune(b, r)
		}
	}
	return b
}

// leastBare is how many digits make a number without the letters before it.
const leastBare = 8

// bareNumber returns a squeezed number of a patent without the ZL of a granted one or the
// CN of the country, nil where it has neither: people leave both out.
func bareNumber(squeezed []byte) []byte {
	if len(squeezed) < 2+leastBare || string(squeezed[:2]) != "zl" && string(squeezed[:2]) != "cn" {
		return nil
	}
	for _, c := range squeezed[2 : 2+leastBare] {
		if c < '0' || c > '9' {
			return nil
		}
	}
	return squeezed[2:]
}
