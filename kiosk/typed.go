package kiosk

import (
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

// lookalikes turns letters that no identifier has into the digits they are taken
// for, and drops what people put between characters.
var lookalikes = strings.NewReplacer("O", "0", "I", "1", "S", "5", "Z", "2", " ", "", "-", "", ".", "")

// readings returns what a code may have been that was typed as s: without its placement,
// and whole, since a part of the code may look like one.
func readings(s string) []string {
	s = strings.ToUpper(strings.Trim(s, " .-/"))
	all := []string{lookalikes.Replace(s)}
	if i := strings.LastIndexByte(s, '-'); i > 0 && qr.ValidPlacement(s[i+1:]) {
		all = slices.Insert(all, 0, lookalikes.Replace(s[:i]))
	}
	return all
}

// meant returns the identifier that a mistyped code becomes without its usual
// mistakes, if it becomes one.
func meant(typed string) (catalog.ID, bool) {
	for _, s := range readings(typed) {
		if id, err := catalog.ParseID(s); err == nil {
			return id, true
		}
	}
	return "", false
}

// codeTyped returns the record whose code s is, as it was typed: in either case, in
// groups, with letters for the digits they look like. A record that was withdrawn counts.
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

// codesNear returns the records whose code differs from what was typed by one mistake: a
// character that is another, one too many or missing, or two that changed places.
func (rq *request) codesNear(typed string) []catalog.ID {
	var near []catalog.ID
	try := func(parts ...string) {
		id, err := catalog.ParseID(strings.Join(parts, ""))
		if err == nil && !slices.Contains(near, id) && rq.knows(id) {
			near = append(near, id)
		}
	}
	for _, s := range readings(typed) {
		if len(s) < 7 || len(s) > 9 {
			continue
		}
		for i := range len(s) {
			before, c, after := s[:i], s[i:i+1], s[i+1:]
			try(before, after)
			for j := range len(after) {
				try(before, after[j:j+1], after[:j], c, after[j+1:])
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
	}
	return near
}
