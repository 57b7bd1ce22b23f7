package snapshot

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"luoshu/catalog"
)

// The limits of a query. Beyond them nobody types, and work would grow with what a
// stranger sends.
const (
	MaxQueryLength = 200 // characters
	maxQueryTokens = 64
	MaxFilters     = 16
	MaxFacets      = 16
)

// Query asks for a page of records. A record is found when it holds every token of
// Text and passes every filter.
type Query struct {
	// Text is what was typed; empty finds everything.
	Text string
	// Dataset limits the search; empty is all datasets.
	Dataset catalog.Dataset
	Filters []Filter
	// Facets are the fields whose values are to be counted among what is found. The
	// values of a field are counted as if it were not filtered by, so that a
	// visitor sees what another choice would find.
	Facets []string
	// Sort is relevance, newest, name, or a field of numbers or dates; a hyphen
	// before a field begins with its greatest. Empty is relevance with a text, and
	// dataset and identifier without one. Relevance without a text begins with what is
	// new and says most.
	Sort string
	// After is where the page begins; the zero Mark is the start.
	After Mark
	// Skip leaves out that many records behind After.
	Skip int
	// Limit is the greatest number of records in the page. 0 is none, for who wants
	// counts alone.
	Limit int
}

// Filter lets a record pass when Field has one of Values or, for numbers and dates,
// lies from Least to Most, both included. Values of a date may be a year or month.
type Filter struct {
	Field  string
	Values []string
	Least  string
	Most   string
}

// The orders that are no field.
const (
	Relevance = "relevance"
	Newest    = "newest"
	ByName    = "name"
)

// Mark is the place of a record in an order. It is good for the same query in the
// same release.
type Mark struct {
	Key uint64
	ID  catalog.ID
}

// QueryError says what is wrong with a query, and in which of its parts.
type QueryError struct {
	// Part is "q", "sort", or the field a filter or facet names.
	Part string
	// Known are what could stand there instead.
	Known   []string
	Message catalog.Text
}

func (e *QueryError) Error() string { return e.Part + ": " + e.Message.EN }

// Is makes every QueryError a catalog.ErrInvalid.
func (*QueryError) Is(target error) bool { return target == catalog.ErrInvalid }

func badQuery(part, zh, en string, args ...any) *QueryError {
	return &QueryError{Part: part, Message: catalog.Text{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}}
}

// term is a token that is asked for, and how it stands in the text.
type term struct {
	key      key
	from, to int
}

// parse takes what was typed apart. Of several ideographs the pairs are asked for,
// of a single one the character. What holds a digit is asked for as a whole, in groups
// or not, where the catalog has it, else by its parts.
func (ix *index) parse(text string) ([]term, error) {
	if n := utf8.RuneCountInString(text); n > MaxQueryLength {
		return nil, badQuery("q", "检索词有 %d 字，最多 %d 字", "the text has %d characters, at most %d are searched for", n, MaxQueryLength)
	}
	if !utf8.ValidString(text) {
		return nil, badQuery("q", "检索词不是有效的 UTF-8", "the text is not valid UTF-8")
	}
	var s scanner
	var terms []term
	chunks := chunksOf(text)
	for i := 0; i < len(chunks); {
		n, t := ix.identifier(text, chunks[i:])
		if n > 0 {
			terms = append(terms, t)
			i += n
			continue
		}
		terms = append(terms, s.ask(text, chunks[i])...)
		i++
	}
	if strings.TrimSpace(text) != "" && len(terms) == 0 {
		return nil, badQuery("q", "检索词里没有文字或数字", "there is no letter or digit to search for")
	}
	slices.SortStableFunc(terms, func(a, b term) int { return a.from - b.from })
	terms = distinct(terms)
	if len(terms) > maxQueryTokens {
		return nil, badQuery("q", "检索词太多：最多 %d 个词", "too many words: ask for at most %d", maxQueryTokens)
	}
	return terms, nil
}

// chunk is a part of a text without white space and without a border between
// ideographs and other writing.
type chunk struct{ from, to int }

func chunksOf(text string) []chunk {
	var chunks []chunk
	from, han := -1, false
	for i, r := range text {
		space, now := unicode.IsSpace(r), ideographic(r)
		if from >= 0 && (space || now != han) {
			chunks = append(chunks, chunk{from, i})
			from = -1
		}
		if from < 0 && !space {
			from, han = i, now
		}
	}
	if from >= 0 {
		chunks = append(chunks, chunk{from, len(text)})
	}
	return chunks
}

// mostGroups is how many groups a number is looked for in: ZL 2021 1 0123456.7.
const mostGroups = 5

// identifier returns the identifier that the chunks begin with, if the catalog has
// it, and of how many chunks it is: it holds a digit and no ideograph, and may be
// written in groups.
func (ix *index) identifier(text string, chunks []chunk) (int, term) {
	for n := min(mostGroups, len(chunks)); n > 0; n-- {
		part := text[chunks[0].from:chunks[n-1].to]
		if !strings.ContainsAny(part, "0123456789") || strings.ContainsFunc(part, ideographic) {
			continue
		}
		whole := squeeze(nil, []byte(part))
		for _, form := range [][]byte{whole, bareNumber(whole)} {
			if len(form) == 0 {
				continue
			}
			if k := word(form); ix.count(k) > 0 {
				return n, term{k, chunks[0].from, chunks[n-1].to}
			}
		}
	}
	return 0, term{}
}

// ask returns what a chunk asks for.
func (s *scanner) ask(text string, c chunk) []term {
	var terms []term
	tokens := s.scan([]byte(text[c.from:c.to]))
	for _, t := range tokens {
		if t.key&(wordKey|pairKey) == 0 && slices.ContainsFunc(tokens, func(p token) bool { return p.pair && (p.from == t.from || p.to == t.to) }) {
			continue // asked for with the pair it is part of
		}
		terms = append(terms, term{t.key, c.from + t.from, c.from + t.to})
	}
	return terms
}

// asked returns what is asked for: everything that was typed, or, where no record of
// any dataset holds all of that, what is left without the pairs
// that only join one word to the next. 轴承故障诊断 asks for 轴承, 故障 and 诊断 then,
// and not for 承故. Which pairs these are is told by the catalog: of those that can be
// spared without losing a character, the rarest.
func (ix *index) asked(terms []term) []term {
	if len(terms) < 3 || ix.anyHolds(terms) {
		return terms
	}
	var kept []term
	for rest := terms; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n-1].pair() && rest[n].pair() && rest[n].from < rest[n-1].to {
			n++
		}
		kept = append(kept, ix.spare(rest[:n])...)
		rest = rest[n:]
	}
	return kept
}

func (t term) pair() bool { return t.key&(wordKey|pairKey) == pairKey }

// anyHolds reports whether a record holds all terms.
func (ix *index) anyHolds(terms []term) bool {
	lists := make([]list, len(terms))
	for i, t := range terms {
		if !ix.find(t.key, &lists[i]) {
			return false
		}
	}
	for doc := uint32(0); ; {
		next := doc
		for i := range lists {
			next = max(next, lists[i].seek(next))
		}
		if next == end {
			return false
		}
		if next == doc {
			return true
		}
		doc = next
	}
}

// spare leaves out as many pairs of a run as can be spared, and of several ways that
// with the rarest pairs. The first and the last stay, and no two neighbors go: so
// every character is asked for.
func (ix *index) spare(run []term) []term {
	if len(run) < 3 {
		return run
	}
	const one = 1 << 24 // more than most counts
	// The best gain over the first pairs, the last of them kept or left out.
	type best struct {
		kept, out int
		outBefore bool // whether the pair before is out where this one is kept
	}
	gains := make([]best, len(run))
	gains[0].out = -one * len(run)
	for i := 1; i < len(run); i++ {
		gains[i].kept, gains[i].outBefore = gains[i-1].kept, false
		if gains[i-1].out > gains[i].kept {
			gains[i].kept, gains[i].outBefore = gains[i-1].out, true
		}
		gains[i].out = gains[i-1].kept + one - ix.count(run[i].key)
	}
	kept := []term{run[len(run)-1]}
	for i := len(run) - 1; i > 0; {
		if gains[i].outBefore {
			i--
		}
		i--
		kept = append(kept, run[i])
	}
	slices.Reverse(kept)
	return kept
}

func distinct(terms []term) []term {
	seen := map[key]bool{}
	return slices.DeleteFunc(terms, func(t term) bool {
		was := seen[t.key]
		seen[t.key] = true
		return was
	})
}

// count returns how many records hold a token.
func (ix *index) count(k key) int {
	var l list
	if !ix.find(k, &l) {
		return 0
	}
	return l.count
}

// rarity is what a token weighs that n of all records hold: the logarithm BM25
// gives it (Robertson and Spärck Jones), in 1/64, at least 1.
func rarity(n, all int) uint32 {
	idf := math.Log(1 + (float64(all)-float64(n)+0.5)/(float64(n)+0.5))
	return max(1, uint32(math.Round(idf*64)))
}
