package opendata

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
)

// SetMaxSitemap lowers the bound of a sitemap for one test.
func SetMaxSitemap(t *testing.T, n int) {
	was := maxSitemap
	maxSitemap = n
	t.Cleanup(func() { maxSitemap = was })
}

// FuzzToken: whatever text comes, it is refused, or it is the one text of a token.
func FuzzToken(f *testing.F) {
	for _, t := range []oaiToken{
		{records: true, sequence: 1, until: 1 << 40, offset: 100},
		{format: 1, dataset: catalog.Indicators, sequence: 1 << 40, from: -62167219200, until: 253402300799, offset: 1 << 30},
	} {
		f.Add(t.String())
	}
	f.Add("")
	f.Add("AwEAAAE")
	f.Fuzz(func(t *testing.T, s string) {
		token, ok := parseToken(s)
		if !ok {
			return
		}
		if token.String() != s || token.sequence < 1 || token.offset < 1 || token.format >= len(oaiFormats) {
			t.Errorf("%q is %+v", s, token)
		}
	})
}

// TestDistributions: what catalogs are told of is served, and every export is told of.
func TestDistributions(t *testing.T) {
	told := map[string]bool{}
	for _, d := range distributions {
		if told[d.path] || d.name == "" || d.fileType == "" || d.format == "" || d.label.ZH == "" || d.label.EN == "" {
			t.Errorf("distribution %+v", d)
		}
		told[d.path] = true
		if !slices.ContainsFunc(Operations(), func(op Operation) bool { return op.Path == d.path }) {
			t.Errorf("nothing answers %s", d.path)
		}
	}
	for _, op := range Operations() {
		if strings.HasPrefix(op.Path, root+"/exports/{dataset}.") && !told[op.Path] {
			t.Errorf("%s is not in distributions", op.Path)
		}
	}
}

// TestPick: a text that is missing in a language stays in the other, and says so.
func TestPick(t *testing.T) {
	for _, tt := range []struct {
		text           catalog.Text
		lang, want, in string
	}{
		{catalog.Text{ZH: "轴承", EN: "Bearing"}, "zh", "轴承", "zh"},
		{catalog.Text{ZH: "轴承", EN: "Bearing"}, "en", "Bearing", "en"},
		{catalog.Text{ZH: "轴承"}, "en", "轴承", "zh"},
		{catalog.Text{EN: "Bearing"}, "zh", "Bearing", "en"},
	} {
		if got, in := pick(tt.text, tt.lang); got != tt.want || in != tt.in {
			t.Errorf("pick(%v, %s) = %q in %s, want %q in %s", tt.text, tt.lang, got, in, tt.want, tt.in)
		}
	}
}

func TestTelephone(t *testing.T) {
	for number, want := range map[string]string{
		"0379-6300 0001":    "tel:+8637963000001",
		"+86 379 6300 0001": "tel:+8637963000001",
		"12345":             "tel:12345;phone-context=+86",
	} {
		if got := telephone(number); got != want {
			t.Errorf("telephone(%q) = %q, want %q", number, got, want)
		}
	}
}

// TestMarkup: whatever is written is read back, but for what XML cannot hold.
func TestMarkup(t *testing.T) {
	for text, want := range map[string]string{
		"a<b>&\"'\r\n\t]]>":    "a<b>&\"'\r\n\t]]>",
		"零\u0000宽\uFFFE":       "零\uFFFD宽\uFFFD",
		"broken \xff encoding": "broken \uFFFD encoding",
	} {
		x := newMarkup()
		x.element("a", text, "b", text, "left-out", "")
		var got struct {
			Text      string `xml:",chardata"`
			Attribute string `xml:"b,attr"`
		}
		if err := xml.Unmarshal(x.b, &got); err != nil || got.Text != want || got.Attribute != want {
			t.Errorf("%q is read as %q and %q (%v)", text, got.Text, got.Attribute, err)
		}
	}
}
