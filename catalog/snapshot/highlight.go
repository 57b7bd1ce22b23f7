package snapshot

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"luoshu/catalog"
)

// Highlight tells where the words of a query stand in one value of a record.
type Highlight struct {
	// Field is the path of the value with its place in every list, counted from 0:
	// keywords[2], organizations[0].name.
	Field string
	// Ranges begin at a character and end before another, counted in Unicode code
	// points, ascending and apart. There are none where a code was found by its
	// wording, which does not stand in the record.
	Ranges [][2]int
}

// Highlighter finds the words of one query in records. It belongs to one goroutine.
type Highlighter struct {
	terms   []key
	scanner scanner
	visitor *visitor
	found   []Highlight
	bytes   [][2]int
}

// NewHighlighter returns a Highlighter for the words of text. The error is a
// *QueryError when text is at fault.
func (s *Snapshot) NewHighlighter(text string) (*Highlighter, error) {
	terms, err := s.parse(text)
	if err != nil {
		return nil, err
	}
	h := &Highlighter{}
	for _, t := range terms {
		h.terms = append(h.terms, t.key)
	}
	h.visitor = newVisitor(h.look)
	return h, nil
}

// Matches returns where the words stand in e, in the order of the record. The error
// wraps catalog.ErrDamaged.
func (h *Highlighter) Matches(e catalog.Entry) ([]Highlight, error) {
	h.found = nil
	if len(h.terms) == 0 {
		return nil, nil
	}
	err := h.visitor.visit(e)
	return h.found, err
}

func (h *Highlighter) look(f *field, text []byte, _ float64) {
	if f.class == unsearched {
		return
	}
	if f.class == inCode {
		label := f.label(string(text))
		if len(h.ranges([]byte(label.ZH))) > 0 || len(h.ranges([]byte(label.EN))) > 0 {
			h.found = append(h.found, Highlight{Field: h.place(f)})
		}
		return
	}
	if f.class == inNumber {
		whole := squeeze(nil, text)
		bare := bareNumber(whole)
		if slices.Contains(h.terms, word(whole)) || bare != nil && slices.Contains(h.terms, word(bare)) {
			h.found = append(h.found, Highlight{Field: h.place(f), Ranges: [][2]int{{0, utf8.RuneCount(text)}}})
			return
		}
	}
	if ranges := h.Ranges(string(text)); len(ranges) > 0 {
		h.found = append(h.found, Highlight{Field: h.place(f), Ranges: ranges})
	}
}

// Ranges returns where the words stand in text, as in Highlight.
func (h *Highlighter) Ranges(text string) [][2]int {
	var out [][2]int
	at, runes := 0, 0
	count := func(to int) int {
		runes += utf8.RuneCountInString(text[at:to])
		at = to
		return runes
	}
	for _, r := range h.ranges([]byte(text)) {
		from := count(r[0])
		out = append(out, [2]int{from, count(r[1])})
	}
	return out
}

// ranges returns where the words stand in text, in bytes; the next call takes
// possession of them.
func (h *Highlighter) ranges(text []byte) [][2]int {
	h.bytes = h.bytes[:0]
	for _, t := range h.scanner.scan(text) {
		if !slices.Contains(h.terms, t.key) {
			continue
		}
		if n := len(h.bytes); n > 0 && t.from <= h.bytes[n-1][1] {
			h.bytes[n-1][1] = max(h.bytes[n-1][1], t.to)
			continue
		}
		h.bytes = append(h.bytes, [2]int{t.from, t.to})
	}
	return h.bytes
}

// place returns the path of the value under way with its places in lists.
func (h *Highlighter) place(f *field) string {
	parts := strings.Split(f.path, "[]")
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i+1 < len(parts) && i < len(h.visitor.places) {
			b.WriteString("[" + strconv.Itoa(h.visitor.places[i]) + "]")
		}
	}
	return b.String()
}

// label returns the wording of a code of f.
func (f *field) label(code string) catalog.Text {
	l := SearchField{Field: catalog.Field{Path: f.path, Type: f.typ}}.CodeList()
	if f.list != nil {
		l = f.list
	}
	if l == nil {
		return catalog.Text{}
	}
	c, _ := l.Lookup(code)
	return c.Label
}
