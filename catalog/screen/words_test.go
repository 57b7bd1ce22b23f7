package screen

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func foldText(s string) string {
	var f folded
	f.fold(s)
	return string(f.text)
}

// TestWords holds words.csv to the form that folded texts are compared with.
func TestWords(t *testing.T) {
	f, err := wordFile.Open("words.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	words := map[string][]string{}
	for _, row := range rows[1:] {
		if row[1] != "benign" {
			words[row[0]] = append(words[row[0]], strings.Split(row[2], "|")...)
		}
	}
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		rule, use := row[0], row[1]
		if _, ok := LookupRule(rule); !ok {
			t.Errorf("words.csv names rule %q, which does not exist", rule)
		}
		switch use {
		case "benign":
			if row[3] == "" {
				t.Errorf("%s benign %.20s: no reason is given", rule, row[2])
			}
		case "level", "graded", "find", "note", "label", "number", "at", "step":
		default:
			if labeled[use] == nil {
				t.Errorf("%s: unknown use %q", rule, use)
			}
		}
		before, list := splitRow(row[2])
		if got := foldText(before); got != before || before != "" && use != "benign" {
			t.Errorf("%s %s: %q before the phrases", rule, use, before)
		}
		for w := range strings.SplitSeq(list, "|") {
			if got := foldText(w); got != w {
				t.Errorf("%s %s: %q is folded to %q and would never be found", rule, use, w, got)
			}
			if utf8.RuneCountInString(w) > longestWord {
				t.Errorf("%q is longer than longestWord", w)
			}
			if key := rule + use + w; seen[key] {
				t.Errorf("%s %s: %q stands twice", rule, use, w)
			} else {
				seen[key] = true
			}
			if use == "benign" && !slices.ContainsFunc(words[rule], func(found string) bool { return strings.Contains(w, found) }) {
				t.Errorf("%s benign %q holds no word of the rule", rule, w)
			}
		}
	}
}

func TestTraditional(t *testing.T) {
	pairs := []rune(traditional)
	if len(pairs)%2 != 0 {
		t.Fatal("traditional holds an odd number of characters")
	}
	to := map[rune]rune{}
	for i := 0; i < len(pairs); i += 2 {
		from, simplified := pairs[i], pairs[i+1]
		if from < firstHan || from >= endHan || simplified < firstHan || simplified >= endHan || from == simplified {
			t.Errorf("%c%c is no pair of a traditional and a simplified character", from, simplified)
		}
		if _, twice := to[from]; twice {
			t.Errorf("%c stands twice", from)
		}
		to[from] = simplified
	}
	for from, simplified := range to {
		if _, chained := to[simplified]; chained {
			t.Errorf("%c becomes %c, which becomes another character", from, simplified)
		}
	}
}

// TestPlain proves that the short way of common punctuation hides nothing.
func TestPlain(t *testing.T) {
	for r := rune(0x80); r < 0x20000; r++ {
		if !plain(r) {
			continue
		}
		for _, c := range norm.NFKC.String(string(r)) {
			if isDigit(c) || c == '@' || c == '*' || isHan(c) {
				t.Errorf("%c is passed over as plain and stands for %c", r, c)
			}
		}
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"ＡＢｃ１２３＠", "abc123@"},
		{"机 密　★\t２０年", "机密 ★ 20年"},
		{"機密 絕密 祕密", "机密绝密秘密"},
		{"⼉童", "儿童"},
		{"机\u200b密\ufeff", "机密"},
		{"1\ufe0f\u20e33\ufe0f\u20e3", "13"},
		{"第 12 号", "第 12 号"},
		{"  a  b \n c  ", "a b\nc"},
		{"①②㉑", "1221"},
		{"10 ㎡", "10 m2"},
		{"\xff机\xe6密", "机密"},
		{"机\u00ad密\u115f\ufe0f\U000e0101\u3164\ue000\u2800★", "机密★"},
		{"密\u0000级", "密级"},
		{"QQ", "qq"},
	} {
		if got := foldText(tt.in); got != tt.want {
			t.Errorf("fold(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestFoldPlaces follows every folded character back to what it was made of.
func TestFoldPlaces(t *testing.T) {
	const s = "\u200bＱ１ 机 \u00ad密㎡é\xffx"
	var f folded
	f.fold(s)
	for i, r := range f.text {
		source := s[f.from[i]:f.end(i)]
		if r == ' ' {
			if strings.TrimSpace(source) != "" {
				t.Errorf("a space was made of %q", source)
			}
			continue
		}
		if made := foldText(source); !strings.ContainsRune(made, r) {
			t.Errorf("%q at %d was made of %q, which folds to %q", r, i, source, made)
		}
	}
}

func TestLuhn(t *testing.T) {
	// The worked example of ISO/IEC 7812-1, annex B, and a neighbor of it.
	for s, want := range map[string]bool{"79927398713": true, "79927398710": false} {
		if got := luhn([]byte(s)); got != want {
			t.Errorf("luhn(%s) = %t, want %t", s, got, want)
		}
	}
}
