package kiosk

import (
	"slices"
	"strings"

	"luoshu/catalog"
)

// typed returns the record whose code s is, as it was typed: in either case, in groups,
// with letters for the digits they look like. A record that was withdrawn counts.
func (rq *request) codeTyped(s string) (catalog.ID, bool) {
	id, _, err := parseCode(strings.ReplaceAll(s, " ", ""))
	if err == nil && rq.knows(id) {
		return id, true
	}
	id, ok := meant(s)
	return id, ok && rq.knows(id)
}

// knows reports whether the release has, or had, the record id.
func (rq *request) knows(id catalog.ID) bool {
	if _, err := rq.snap.Find(id); err == nil {
		return true
	}
	_, gone := rq.snap.Tombstone(id)
	return gone
}

// codesNear returns the records whose code differs from what was typed by one character:
// another, one too many, one missing, or two that changed places.
func (rq *request) codesNear(s string) []catalog.ID {
	s = lookalikes.Replace(strings.ToUpper(s))
	if len(s) < 7 || len(s) > 9 {
		return nil
	}
	var near []catalog.ID
	try := func(parts ...string) {
		id, err := catalog.ParseID(strings.Join(parts, ""))
		if err == nil && !slices.Contains(near, id) && rq.knows(id) {
			near = append(near, id)
		}
	}
	for i := range len(s) {
		before, c, after := s[:i], s[i:i+1], s[i+1:]
		try(before, after)
		if after != "" {
			try(before, after[:1], c, after[1:])
		}
		for j := range len(catalog.Alphabet) {
			other := catalog.Alphabet[j : j+1]
			try(before, other, after)
			try(before, other, c, after)
			if after == "" {
				try(s, other)
			}
		}
	}
	return near
}
