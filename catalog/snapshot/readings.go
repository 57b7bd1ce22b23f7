package snapshot

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reading is something that a text is the whole Pinyin of.
type Reading struct {
	Text string
	// Spelt tells that every syllable stands in full, rather than some by their
	// initials, or by what is not told apart.
	Spelt bool
	// Count is how many records a search for Text finds.
	Count int
}

const (
	mostReadings = 3
	// maxRuns is how many words of Latin letters are read one by one.
	maxRuns = 4
)

// Readings returns what text is the Pinyin of, the best first: terms, organizations and
// titles as a whole, else the text with each word of Latin letters that can be read in
// its place, as in zhoucheng仿真. What would find nothing is left out. The error is a
// *QueryError.
func (s *Snapshot) Readings(text string) ([]Reading, error) {
	if !strings.ContainsFunc(text, latin) {
		return nil, nil
	}
	all, err := s.whole(text, mostReadings)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		if all, err = s.wordByWord(text); err != nil {
			return nil, err
		}
	}
	found := all[:0]
	for _, r := range all {
		one, err := s.Search(Query{Text: r.Text})
		if err != nil {
			return nil, err
		}
		if r.Count = one.Total; r.Count > 0 {
			found = append(found, r)
		}
	}
	return found, nil
}

func latin(r rune) bool { return r < utf8.RuneSelf && unicode.IsLetter(r) }

// whole returns at most n wordings that text is the whole Pinyin of.
func (s *Snapshot) whole(text string, n int) ([]Reading, error) {
	g := guesses.Get().(*guess)
	defer g.release()
	if err := g.begin(s.index, text, "", n); err != nil {
		return nil, err
	}
	g.run()
	var best []candidate
	for _, kind := range g.best {
		for _, c := range kind {
			if c.tier != byWriting && int(c.key>>60)%fitPlaces == wholly {
				best = append(best, c)
			}
		}
	}
	slices.SortStableFunc(best, func(a, b candidate) int { return cmp.Compare(a.tier, b.tier) })
	var all []Reading
	for _, c := range best {
		r := Reading{Text: g.tell(s, c).Matched, Spelt: c.tier == bySpelling}
		if len(all) < n && !slices.ContainsFunc(all, func(o Reading) bool { return o.Text == r.Text }) {
			all = append(all, r)
		}
	}
	return all, nil
}

// wordByWord reads the words of Latin letters in text. It returns one reading, or none
// where no word can be read, or it is all one word.
func (s *Snapshot) wordByWord(text string) ([]Reading, error) {
	var b strings.Builder
	read := Reading{Spelt: true}
	runs, known := 0, 0
	for rest := text; rest != ""; {
		in := func(r rune) bool { return latin(r) || r == '\'' }
		n := strings.IndexFunc(rest, func(r rune) bool { return !in(r) })
		if n < 0 {
			n = len(rest)
		}
		if n == 0 {
			if n = strings.IndexFunc(rest, in); n < 0 {
				n = len(rest)
			}
			b.WriteString(rest[:n])
			rest = rest[n:]
			continue
		}
		word := rest[:n]
		rest = rest[n:]
		if runs++; runs > maxRuns || word == text {
			return nil, nil
		}
		all, err := s.whole(word, 1)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			b.WriteString(word)
			continue
		}
		known++
		read.Spelt = read.Spelt && all[0].Spelt
		b.WriteString(all[0].Text)
	}
	if known == 0 {
		return nil, nil
	}
	read.Text = b.String()
	return []Reading{read}, nil
}
