package snapshot

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"luoshu/catalog"
)

// shownTerms is how many common words are shown.
const shownTerms = 4

// explain words the text part of a match that is given: which words the two records
// share, as they stand there.
func (m *matcher) explain(f *scored) {
	for k := range f.Parts {
		p := &f.Parts[k]
		if p.Name != "text" {
			continue
		}
		terms := m.terms(&f.listing)
		if len(terms) == 0 {
			p.Why = catalog.Text{ZH: "文字相近", EN: "similar in wording"}
			continue
		}
		p.Why = catalog.Text{ZH: "共有词：" + strings.Join(terms, "、"), EN: "common words: " + strings.Join(terms, ", ")}
		if words := m.englishTerms(&f.listing); len(words) > 0 {
			p.Why.EN = "common words: " + strings.Join(words, ", ")
		}
	}
}

// sharedTerm is a stretch of text that two records share.
type sharedTerm struct {
	text   string
	weight uint32
}

// terms returns the weightiest stretches of the subject's text that stand in l too.
func (m *matcher) terms(l *listing) []string {
	clear(m.shared)
	m.common(l, func(k key, weight uint32) { m.shared[k] = weight })
	var other bytes.Buffer
	l.content(func(_ *field, text string) {
		other.WriteString(text)
		other.WriteByte(0)
	})
	var found []sharedTerm
	m.subject.content(func(_ *field, text string) {
		found = m.stretches(found, []byte(text), other.Bytes())
	})
	return weightiest(found)
}

// shownShare is what a pair must cohere by to be inside a word that is shown.
const shownShare = 12

// stretches appends the stretches of text that stand in other as a whole, as far as
// their pairs cohere, with what their tokens weigh.
func (m *matcher) stretches(found []sharedTerm, text, other []byte) []sharedTerm {
	tokens := m.scanner.scan(text)
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		weight := m.shared[t.key]
		if t.key&(wordKey|pairKey) == 0 || !m.inWord(t.key) || !t.pair && weight == 0 || t.pair && !bytes.Contains(other, text[t.from:t.to]) {
			continue
		}
		to := t.to
		for j := i + 1; t.pair && j < len(tokens); j++ {
			next := tokens[j]
			if !next.pair && ideographicKey(next.key) {
				continue // the single character before its pair
			}
			if !next.pair || next.from >= to || !m.inWord(next.key) || !bytes.Contains(other, text[t.from:next.to]) {
				break
			}
			to, i = next.to, j
			weight += m.shared[next.key]
		}
		if s := trimTerm(string(text[t.from:to])); s != "" && weight > 0 {
			found = append(found, sharedTerm{s, weight})
		}
	}
	return found
}

// inWord reports whether a token is a word, or a pair that makes one.
func (m *matcher) inWord(k key) bool {
	if k&wordKey != 0 {
		return true
	}
	is, known := m.words[k]
	if !known {
		is = m.s.coheres(k, m.s.count(k), shownShare)
		m.words[k] = is
	}
	return is
}

func ideographicKey(k key) bool { return k&(wordKey|pairKey) == 0 }

// trimTerm takes off what no word begins or ends with. It returns nothing for what
// is too short or a bare number.
func trimTerm(s string) string {
	s = strings.Trim(s, "的了和与及或是把被等其该并而")
	if utf8.RuneCountInString(s) < 2 || strings.Trim(s, "0123456789") == "" {
		return ""
	}
	return s
}

// weightiest returns the terms to show, none of them part of another.
func weightiest(found []sharedTerm) []string {
	slices.SortStableFunc(found, func(a, b sharedTerm) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.text, b.text))
	})
	var terms []string
	for _, f := range found {
		part := slices.ContainsFunc(terms, func(t string) bool { return strings.Contains(t, f.text) || strings.Contains(f.text, t) })
		if !part {
			terms = append(terms, f.text)
		}
		if len(terms) == shownTerms {
			break
		}
	}
	return terms
}

// englishTerms returns the rarest words that the translations of both share.
func (m *matcher) englishTerms(l *listing) []string {
	mine, theirs := english(m.subject.head), english(l.head)
	clear(m.shared)
	note := func(text []byte, upTo int) {
		for _, t := range m.scanner.scan(text) {
			m.shared[t.key] |= 1
			if t.from < upTo {
				m.shared[t.key] |= 2
			}
		}
	}
	note(theirs, len(l.head.TitleEN))
	inTheirs := maps.Clone(m.shared)
	note(mine, len(m.subject.head.TitleEN))
	var found []sharedTerm
	for _, t := range m.scanner.scan(mine) {
		n := m.s.count(t.key)
		if inTheirs[t.key] == 0 || t.to-t.from < 4 || n > int(m.s.records)/32+2 {
			continue
		}
		weight := rarity(n, int(m.s.records))
		if m.shared[t.key]&2 != 0 {
			weight *= 3 // a title says what a record is about
		}
		found = append(found, sharedTerm{strings.ToLower(string(mine[t.from:t.to])), weight})
	}
	return weightiest(found)
}

func english(h *catalog.Header) []byte { return []byte(h.TitleEN + " " + h.AbstractEN) }
