package catalog

import (
	"errors"
	"testing"
)

func TestParseID(t *testing.T) {
	tests := []struct {
		in   string
		want ID
		err  error
	}{
		{"A3K7M2QG", "A3K7M2QG", nil},
		{"a3k7m2qg", "A3K7M2QG", nil},
		{"A3K7M2QH", "", ErrCheckCharacter},
		{"A3K7M2Q", "", ErrInvalid},
		{"A3K7M2OG", "", ErrInvalid}, // O is not in the alphabet
		{"", "", ErrInvalid},
		{"contract-turnover", "contract-turnover", nil},
		{"Contract-Turnover", "", ErrInvalid},
		{"-carriers", "", ErrInvalid},
		{"../../etc", "", ErrInvalid},
	}
	for _, tt := range tests {
		got, err := ParseID(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseID(%q) = %q, %v, want %q, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
	if !errors.Is(ErrCheckCharacter, ErrInvalid) {
		t.Error("a wrong check character is not ErrInvalid")
	}
}

// TestEveryMistakeIsCaught tries every wrong character and every swap of two
// characters on a thousand identifiers.
func TestEveryMistakeIsCaught(t *testing.T) {
	for n := range 1000 {
		id := MintID(Achievements, SourceDigest("p", Achievements, string(rune('一'+n))), 0)
		if _, err := ParseID(string(id)); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		wrong := func(b []byte) {
			if got, err := ParseID(string(b)); err == nil {
				t.Fatalf("%s typed as %s is taken for %s", id, b, got)
			}
		}
		for i := range len(id) {
			for _, c := range []byte(Alphabet) {
				if c != id[i] {
					b := []byte(id)
					b[i] = c
					wrong(b)
				}
			}
			for j := range i {
				if id[i] != id[j] {
					b := []byte(id)
					b[i], b[j] = b[j], b[i]
					wrong(b)
				}
			}
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"A3K7M2QG", "contract-turnover", "", "a3k7m2qg-K3", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			return
		}
		again, err := ParseID(string(id))
		if err != nil || again != id {
			t.Errorf("ParseID(%q) = %q, which parses to %q, %v", s, id, again, err)
		}
	})
}
