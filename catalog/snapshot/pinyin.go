package snapshot

import (
	"bufio"
	"cmp"
	_ "embed"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:generate sh -c "go run pinyin_gen.go Unihan_Readings.txt.bz2 > pinyin.new && mv pinyin.new pinyin.txt || { rm -f pinyin.new; exit 1; }"

//go:embed pinyin.txt
var readingsFile string

// phrasesFile says how the characters of a phrase are read: names of this region,
// and words in which a character is not read as it mostly is. A phrase of one
// character says how it is mostly read in titles, where that differs from speech.
//
//go:embed phrases.csv
var phrasesFile string

// What is typed letter by letter are syllables: a syllable of Hanyu Pinyin, or a
// single letter or digit. Their numbers follow the alphabet, each letter before the
// syllables that begin with it, so that what begins alike stands together.
type syllable uint16

const (
	// noSyllable stands behind the last.
	noSyllable syllable = 0
	// unspoken is a character without a reading.
	unspoken syllable = 1<<syllableBits - 1

	syllableBits  = 9
	syllableCount = 1 << syllableBits
	maxReadings   = 4
)

// pinyin is what is known of the readings of characters. All characters share a few
// flat tables: a map of them would weigh more than a catalog.
type pinyin struct {
	names []string // of a syllable
	// letters are the keys that can begin a syllable, as keyBit numbers them.
	letters [syllableCount]keyset

	firstOf [27]syllable // the number of each letter, and of what follows the last

	starts []uint16 // of a character's readings
	lists  []syllable

	// The phrases, those with one beginning together, the longer first; and for a
	// character the first phrase that begins with it, counted from 1.
	phrases []phrase
	begins  []uint16

	// spellings of all syllables by their first letter.
	spellings [26][]spelling
}

// spelling is a way to type a syllable: its own, or one that is taken for it.
type spelling struct {
	text     string
	syllable syllable
	exact    bool
}

type phrase struct {
	text     string
	readings []syllable
}

// keys are keys of a keyboard, a bit for each digit and letter.
type keyset uint64

func keyBit(c byte) keyset {
	switch {
	case c >= '0' && c <= '9':
		return 1 << (c - '0')
	case c >= 'a' && c <= 'z':
		return 1 << (c - 'a' + 10)
	}
	return 0
}

func (k keyset) String() string {
	var b strings.Builder
	for i := range 36 {
		if k>>i&1 != 0 {
			b.WriteByte("0123456789abcdefghijklmnopqrstuvwxyz"[i])
		}
	}
	return b.String()
}

// The characters that have readings.
const (
	firstHan = 0x3400
	lastHan  = 0x9FFF
)

// hanIndex returns the place of r in the tables, 0 when it has no reading.
func hanIndex(r rune) int {
	switch {
	case r >= firstHan && r <= lastHan:
		return int(r - firstHan + 2)
	case r == '〇':
		return 1
	}
	return 0
}

// readingLines yields the lines of the readings: a syllable, and the characters that
// are read so, first those of which it is the most customary reading.
func readingLines(yield func(name, chars string) bool) {
	for line := range strings.Lines(readingsFile) {
		name, chars, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if ok && name != "#" && !yield(name, chars) {
			return
		}
	}
}

var loadPinyin = sync.OnceValue(func() *pinyin {
	var p pinyin
	for name := range readingLines {
		p.names = append(p.names, name)
	}
	slices.Sort(p.names)
	p.names = slices.Compact(p.names)
	for _, c := range "0123456789abcdefghijklmnopqrstuvwxyz" {
		p.names = append(p.names, string(c))
	}
	slices.Sort(p.names)
	p.names = slices.Insert(p.names, 0, "")
	number := func(name string) syllable {
		i, ok := slices.BinarySearch(p.names, name)
		if !ok {
			panic("no syllable " + name)
		}
		if i+1 < len(p.names) && p.names[i+1] == name {
			i++ // behind the letter
		}
		return syllable(i)
	}

	// Counted first, then filled in.
	p.starts = make([]uint16, lastHan-firstHan+4)
	for _, chars := range readingLines {
		for _, r := range chars {
			p.starts[hanIndex(r)+1]++
		}
	}
	for i := range p.starts[1:] {
		p.starts[i+1] += p.starts[i]
	}
	p.lists = make([]syllable, p.starts[len(p.starts)-1])
	filled := slices.Clone(p.starts)
	for name, chars := range readingLines {
		s := number(name)
		for _, r := range chars {
			i := hanIndex(r)
			p.lists[filled[i]] = s
			filled[i]++
		}
	}

	p.loadPhrases(number)
	for c := range p.firstOf {
		p.firstOf[c] = syllable(1 + sort.SearchStrings(p.names[1:], string(rune('a'+c))))
	}
	for i, name := range p.names[1:] {
		s := syllable(i + 1)
		p.letters[s] = keyBit(name[0])
		if p.isLetter(s) {
			continue
		}
		for j, text := range variants(name) {
			p.letters[s] |= keyBit(text[0])
			p.spellings[text[0]-'a'] = append(p.spellings[text[0]-'a'], spelling{text, s, j == 0})
		}
	}
	return &p
})

func (p *pinyin) loadPhrases(number func(string) syllable) {
	lines := bufio.NewScanner(strings.NewReader(phrasesFile))
	lines.Scan() // the head
	for lines.Scan() {
		text, spelt, _ := strings.Cut(lines.Text(), ",")
		ph := phrase{text: text}
		for s := range strings.FieldsSeq(spelt) {
			ph.readings = append(ph.readings, number(s))
		}
		p.phrases = append(p.phrases, ph)
	}
	slices.SortFunc(p.phrases, func(a, b phrase) int {
		return cmp.Or(cmp.Compare(a.first(), b.first()), cmp.Compare(len(b.text), len(a.text)), strings.Compare(a.text, b.text))
	})
	p.begins = make([]uint16, lastHan-firstHan+3)
	for i := len(p.phrases) - 1; i >= 0; i-- {
		p.begins[p.phrases[i].first()] = uint16(i + 1)
	}
}

// first is the place of the first character in the tables.
func (ph *phrase) first() int {
	r, _ := utf8.DecodeRuneInString(ph.text)
	return hanIndex(r)
}

// isLetter reports whether s is a letter or digit rather than a syllable.
func (p *pinyin) isLetter(s syllable) bool {
	return len(p.names[s]) == 1 && p.names[s-1] != p.names[s]
}

// fuzzy are the pairs that speakers of many regions do not tell apart; the others of
// zh, ch and sh, n and l, en and eng, in and ing. ü is typed as v or u.
var fuzzy = struct{ initials, finals [][2]string }{
	initials: [][2]string{{"zh", "z"}, {"ch", "c"}, {"sh", "s"}, {"z", "zh"}, {"c", "ch"}, {"s", "sh"}, {"n", "l"}, {"l", "n"}},
	finals:   [][2]string{{"eng", "en"}, {"ing", "in"}, {"en", "eng"}, {"in", "ing"}, {"v", "u"}, {"ve", "ue"}},
}

// variants returns the ways to type a syllable, its own first.
func variants(name string) []string {
	all := []string{name}
	for _, pair := range fuzzy.initials {
		if rest, ok := strings.CutPrefix(name, pair[0]); ok {
			all = append(all, pair[1]+rest)
			break
		}
	}
	for _, pair := range fuzzy.finals {
		if _, ok := strings.CutSuffix(name, pair[0]); ok {
			for _, v := range all {
				all = append(all, strings.TrimSuffix(v, pair[0])+pair[1])
			}
			break
		}
	}
	return all
}

// readings returns the syllables r can be read as, the most customary first.
func (p *pinyin) readings(r rune) []syllable {
	if i := hanIndex(r); i > 0 {
		return p.lists[p.starts[i]:p.starts[i+1]]
	}
	return nil
}

// letter returns the syllable of a letter or digit, which is one of ASCII.
func (p *pinyin) letter(c byte) syllable {
	if c <= '9' {
		return syllable(c-'0') + 1
	}
	return p.firstOf[c-'a']
}

// spoken is a character of a text with its readings, the likeliest first: those of
// the phrase it stands in, else the most customary.
type spoken struct {
	char     rune
	n        int
	readings [maxReadings]syllable
}

func (s *spoken) all() []syllable { return s.readings[:s.n] }

func (s *spoken) prefer(r syllable) {
	if i := slices.Index(s.all(), r); i > 0 {
		copy(s.readings[1:i+1], s.readings[:i])
		s.readings[0] = r
	}
}

// speaker reads a folded text aloud, to its end or the first NUL.
type speaker struct {
	p    *pinyin
	text []byte
	// phrase is what remains of the phrase under way.
	phrase []syllable
}

// next returns the next character. ok is false at the end.
func (s *speaker) next() (c spoken, ok bool) {
	if len(s.text) == 0 || s.text[0] == 0 {
		return c, false
	}
	c.char = rune(s.text[0])
	if c.char < utf8.RuneSelf {
		c.n, c.readings[0] = 1, s.p.letter(byte(c.char))
		s.text, s.phrase = s.text[1:], nil
		return c, true
	}
	r, size := utf8.DecodeRune(s.text)
	c.char = r
	c.n = copy(c.readings[:], s.p.readings(r))
	if c.n == 0 {
		c.n, c.readings[0] = 1, unspoken
	} else if first := s.p.begins[hanIndex(r)]; first > 0 && len(s.phrase) == 0 {
		s.phrase = longest(s.p.phrases[first-1:], s.text)
	}
	if len(s.phrase) > 0 {
		c.prefer(s.phrase[0])
		s.phrase = s.phrase[1:]
	}
	s.text = s.text[size:]
	return c, true
}

// longest returns the readings of the longest phrase that text begins with, which is
// the first in phrases, or stands behind others with the same beginning.
func longest(phrases []phrase, text []byte) []syllable {
	for i := range phrases {
		ph := phrases[i].text
		if ph[:utf8.UTFMax-1] != string(text[:utf8.UTFMax-1]) {
			break
		}
		if len(ph) <= len(text) && ph == string(text[:len(ph)]) {
			return phrases[i].readings
		}
	}
	return nil
}
