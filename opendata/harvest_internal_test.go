package opendata

import (
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
