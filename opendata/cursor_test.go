package opendata

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
)

// WireVersion is for the guard over the golden answers.
const WireVersion = wireVersion

func TestCursorText(t *testing.T) {
	hash := catalog.HashOf([]byte("a release"))
	for _, c := range []cursor{
		{sequence: 1, release: releasePrefix(hash), letter: 'A', after: "A0000000"},
		{sequence: 1<<63 - 1, release: releasePrefix(hash), letter: 0, after: "an-indicator-with-the-longest-slug-there"},
		{sequence: 1, release: releasePrefix(hash), letter: '*', after: "A0000000", search: true, query: [6]byte{1, 2, 3}, key: 0},
		{sequence: 1<<63 - 1, release: releasePrefix(hash), letter: 0, after: "an-indicator-with-the-longest-slug-there", search: true, key: 1<<64 - 1},
	} {
		text := string(c.append(nil))
		if got, ok := parseCursor(text); !ok || got != c {
			t.Errorf("parseCursor(%q) = %+v, %t, want %+v", text, got, ok, c)
		}
		if len(text) > cursorParameter.Max {
			t.Errorf("cursor has %d bytes, the parameter takes %d", len(text), cursorParameter.Max)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	c := cursor{sequence: 7, release: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, letter: 'A', after: "A3K7M2QG"}
	text := string(c.append(nil))
	f.Add(text)
	f.Add(text + "=")
	f.Add(text[:len(text)-1])
	c.search, c.query, c.key = true, [6]byte{6, 5, 4, 3, 2, 1}, 1<<40
	f.Add(string(c.append(nil)))
	f.Add("")
	f.Add("AUEH")
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := parseCursor(s)
		if !ok {
			return
		}
		if again := string(c.append(nil)); again != s {
			t.Errorf("%q and %q are the same cursor", s, again)
		}
		if c.sequence < 1 || c.after == "" {
			t.Errorf("parseCursor(%q) = %+v", s, c)
		}
	})
}

// TestFaultTexts: every fault is told in both languages, with the same places to fill.
func TestFaultTexts(t *testing.T) {
	places := regexp.MustCompile(`{[a-z]+}`)
	for kind, text := range faultTexts {
		for _, part := range []catalog.Text{text.detail, text.hint} {
			zh, en := places.FindAllString(part.ZH, -1), places.FindAllString(part.EN, -1)
			slices.Sort(zh)
			slices.Sort(en)
			if !slices.Equal(zh, en) || (part.ZH == "") != (part.EN == "") {
				t.Errorf("fault %d: %q and %q", kind, part.ZH, part.EN)
			}
		}
		if text.detail.ZH == "" || text.hint.ZH != "" && !strings.Contains(text.hint.ZH, "{suggestion}") {
			t.Errorf("fault %d: %+v", kind, text)
		}
	}
	if len(faultTexts) != int(badSearch)+1 {
		t.Errorf("%d texts for %d faults", len(faultTexts), badSearch+1)
	}
}

func TestClosest(t *testing.T) {
	known := []string{"limit", "cursor", "industry", "facets"}
	for word, want := range map[string]string{
		"limt": "limit", "limits": "limit", "Limit": "limit", "indusrty": "industry", "industries": "industry",
		"facet": "facets", "corsor": "cursor", "q": "", "": "", "stage": "", "offset": "", "page": "",
	} {
		if got := closest(word, known); got != want {
			t.Errorf("closest(%q) = %q, want %q", word, got, want)
		}
	}
	if d := editDistance("ca", "ac"); d != 1 {
		t.Errorf("swapping neighbors costs %d, want 1", d)
	}
}

func FuzzMatches(f *testing.F) {
	tag := []byte(`"abc"`)
	f.Add([]byte(`W/"x", "abc"`))
	f.Add([]byte(`*`))
	f.Add([]byte(`"`))
	f.Fuzz(func(t *testing.T, list []byte) {
		before := slices.Clone(list)
		got := matches(list, tag)
		if !slices.Equal(list, before) {
			t.Error("the header was changed")
		}
		// A list behind another tag means the same as alone, unless it is a star.
		if got && list[0] == '"' && !matches(append([]byte(`W/"first",`), list...), tag) {
			t.Errorf("%q matches alone but not behind another tag", list)
		}
	})
}
