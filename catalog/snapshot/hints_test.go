package snapshot

import (
	"slices"
	"testing"
)

// TestKnownParts shows what of a text is offered instead.
func TestKnownParts(t *testing.T) {
	s := demonstration(t)
	for text, want := range map[string][]string{
		"轴承振洞":     {"轴承"},
		"轴承 月球車":   {"轴承"},
		"月球車":      nil,
		"bearing鑫": {"bearing"},
		"轴":        nil,
		"轴承":       nil, // nothing is left of one word
		"":         nil,
	} {
		if got := s.knownParts(text); !slices.Equal(got, want) {
			t.Errorf("knownParts(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestHintsKnowPinyin: who types the sound of a word is led to the word.
func TestHintsKnowPinyin(t *testing.T) {
	s := demonstration(t)
	h, err := s.Hints(Query{Text: "zhoucheng"})
	if err != nil || len(h.Near) == 0 || h.Near[0].Text != "轴承" {
		t.Errorf("%+v, %v", h, err)
	}
}

// TestHintsAreBounded: however much is asked, a dozen counts tell what is wrong.
func TestHintsAreBounded(t *testing.T) {
	if n := maxFilterHints + 1 + maxWordHints + maxNearHints; n > 12 {
		t.Errorf("%d counts", n)
	}
	s := demonstration(t)
	q := Query{Text: "轴承 仿真 监测 润滑 涂层 大学 月球车 振动"}
	for _, f := range []string{"division", "publisher", "sample", "market", "tech_fields", "version", "keywords"} {
		q.Filters = append(q.Filters, Filter{Field: f, Values: []string{"0"}})
	}
	h, err := s.Hints(q)
	if err != nil || len(h.Filters) > maxFilterHints || len(h.Words) > maxWordHints || len(h.Near) > maxNearHints {
		t.Errorf("%+v, %v", h, err)
	}
}
