package screen_test

import (
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// FuzzScreen: no text makes screening fail, what was redacted is not found again,
// and what was not found is left as it was, byte for byte.
func FuzzScreen(f *testing.F) {
	for _, tt := range ruleCases {
		for _, s := range slices.Concat(tt.found, tt.passed) {
			f.Add(s)
		}
	}
	f.Add("154 0000 0001 154 0000 0001 5400000001")
	f.Add("家庭住址:微信:154-0000-0001@example.com")
	f.Add("護照\u200bＥ０００\ufe0f００\xff００0㎡")
	f.Fuzz(func(t *testing.T, s string) {
		out, changed := screen.Redacted(s)
		if changed != (out != s) {
			t.Fatalf("Redacted(%q) = %q, %t", s, out, changed)
		}
		if again, changed := screen.Redacted(out); changed {
			t.Fatalf("Redacted(%q) = %q, and again %q", s, out, again)
		}
		rest := s
		for kept := range strings.SplitSeq(out, "〔已隐去〕") {
			at := strings.Index(rest, kept)
			if at < 0 {
				t.Fatalf("Redacted(%q) = %q: %q is not of the original", s, out, kept)
			}
			rest = rest[at+len(kept):]
		}

		a := &catalog.Achievement{
			Header:       catalog.Header{Dataset: catalog.Achievements, Title: s, TitleEN: s, Abstract: s, Keywords: []string{s, s}, Raw: map[string]string{"title": s}},
			ProjectNo:    s,
			Registration: &catalog.Registration{Number: s},
			Price:        &catalog.Money{Basis: s},
		}
		o := &catalog.Organization{Header: catalog.Header{Dataset: catalog.Organizations, Title: s, Abstract: s}, Telephone: s, Website: s}
		for _, r := range []catalog.Record{a, o} {
			first := screen.Record(r)
			again := screen.Record(r)
			for _, f := range again.Findings {
				if f.Action == screen.Redact {
					t.Fatalf("%s of %q is found again after it was redacted", f.Rule, s)
				}
				if f.Action == screen.Hold && !slices.Contains(first.Findings, f) {
					t.Fatalf("the approval of %q would not hold for what was published of it: %v, then %v", s, first.Findings, again.Findings)
				}
			}
		}
		for _, finding := range screen.Text(screen.FileName, s) {
			if finding.Action == screen.Redact {
				t.Fatalf("Text(%q) redacts", s)
			}
		}
	})
}
