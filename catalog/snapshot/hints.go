package snapshot

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Hints tell why a search finds nothing, and what would find something. Every count
// is at least 1.
type Hints struct {
	// Filters are fields: without the filters by it the search finds so many.
	Filters []Hint
	// Unfiltered is how many are found without any filter.
	Unfiltered int
	// Words are words of the text: without it the search finds so many.
	Words []Hint
	// Near are wordings close to the text that the dataset has, with what each of
	// them finds by itself, without filters.
	Near []Hint
}

// Hint is a change of a query with the number of records it would find.
type Hint struct {
	Text  string
	Count int
}

// The most counts a search for hints takes: a dozen, of which each costs what a
// search does.
const (
	maxFilterHints = 4
	maxWordHints   = 4
	maxNearHints   = 3
)

// Hints looks for what would find something in place of q. The error is a
// *QueryError when q is at fault.
func (s *Snapshot) Hints(q Query) (Hints, error) {
	var h Hints
	q.Facets, q.Sort, q.After, q.Skip, q.Limit = nil, "", Mark{}, 0, 0
	count := func(change func(*Query)) (int, error) {
		other := q
		other.Filters = slices.Clone(q.Filters)
		change(&other)
		r, err := s.Search(other)
		return r.Total, err
	}
	note := func(hints *[]Hint, text string, change func(*Query)) error {
		n, err := count(change)
		if err == nil && n > 0 {
			*hints = append(*hints, Hint{text, n})
		}
		return err
	}
	var fields []string
	for _, f := range q.Filters {
		if !slices.Contains(fields, f.Field) {
			fields = append(fields, f.Field)
		}
	}
	for _, field := range fields[:min(len(fields), maxFilterHints)] {
		err := note(&h.Filters, field, func(o *Query) {
			o.Filters = slices.DeleteFunc(o.Filters, func(f Filter) bool { return f.Field == field })
		})
		if err != nil {
			return h, err
		}
	}
	if len(fields) > 1 {
		var err error
		if h.Unfiltered, err = count(func(o *Query) { o.Filters = nil }); err != nil {
			return h, err
		}
	}
	words := strings.Fields(q.Text)
	for i, word := range words[:min(len(words), maxWordHints)] {
		rest := strings.Join(slices.Delete(slices.Clone(words), i, i+1), " ")
		if terms, err := s.parse(rest); err != nil || len(terms) == 0 {
			continue // nothing is left to search for
		}
		if err := note(&h.Words, word, func(o *Query) { o.Text = rest }); err != nil {
			return h, err
		}
	}
	near, err := s.near(q)
	if err != nil {
		return h, err
	}
	for _, part := range near[:min(len(near), maxNearHints)] {
		if err := note(&h.Near, part, func(o *Query) { o.Text, o.Filters = part, nil }); err != nil {
			return h, err
		}
	}
	return h, nil
}

// near returns wordings close to the text of q: what it may be the Pinyin or the
// beginning of, and the parts of it that the catalog has.
func (s *Snapshot) near(q Query) ([]string, error) {
	if strings.TrimSpace(q.Text) == "" {
		return nil, nil
	}
	suggested, err := s.Suggest(q.Text, q.Dataset, maxNearHints)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, item := range suggested.Items {
		if !slices.Contains(all, item.Text) {
			all = append(all, item.Text)
		}
	}
	return append(all, s.knownParts(q.Text)...), nil
}

// knownParts returns the longest parts of text of which the catalog has every token,
// the longest first: of 轴承振洞 it is 轴承. Where the catalog has them all, but no
// record does, the text is parted at the rarest.
func (ix *index) knownParts(text string) []string {
	if parts, whole := ix.parted(text, 0); !whole {
		return parts
	}
	rarest := int(ix.records)
	var s scanner
	for _, t := range s.scan([]byte(text)) {
		if t.key&(pairKey|wordKey) != 0 {
			rarest = min(rarest, ix.count(t.key))
		}
	}
	parts, _ := ix.parted(text, rarest)
	return parts
}

// parted returns the longest parts of text whose tokens stand in more than rare
// records, the longest first, and whether that is all of it.
func (ix *index) parted(text string, rare int) (parts []string, whole bool) {
	whole = true
	var s scanner
	for chunk := range strings.FieldsSeq(text) {
		from, to := 0, 0
		end := func() {
			if to > from && !slices.Contains(parts, chunk[from:to]) {
				parts = append(parts, chunk[from:to])
			}
			from, to = 0, 0
		}
		for _, t := range s.scan([]byte(chunk)) {
			switch {
			case ix.count(t.key) <= rare:
				whole = false
				end()
			case t.key&(pairKey|wordKey) == 0:
				// Its pairs decide.
			case to > 0 && t.from <= to:
				to = t.to
			default:
				end()
				from, to = t.from, t.to
			}
		}
		end()
	}
	slices.SortStableFunc(parts, func(a, b string) int { return utf8.RuneCountInString(b) - utf8.RuneCountInString(a) })
	return parts, whole
}
