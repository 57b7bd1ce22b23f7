package e2e

import (
	"bytes"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// TestLandings: the phone's page of every record is for everybody. Of pages that are made of
// the same parts one is looked at, in one language and the other by turns; with -all every
// page in both.
func TestLandings(t *testing.T) {
	s := shared(t)
	pages := map[string][]string{} // by language
	seen := map[string]bool{}
	n := 0
	for info := range catalog.Datasets() {
		for _, id := range s.ids(string(info.Name)) {
			n++
			lang := languages[len(seen)%2]
			made := partsOf(s.get("/q/" + id))
			if !seen[made] || *all {
				pages[lang] = append(pages[lang], id)
			}
			if seen[made] = true; *all {
				other := languages[(slices.Index(languages, lang)+1)%2]
				pages[other] = append(pages[other], id)
			}
		}
	}
	t.Logf("%d records, whose pages are made in %d ways", n, len(seen))
	for _, lang := range languages {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			v := visit(t, s, narrow)
			for _, id := range pages[lang] {
				v.inspect(place{path: "/q/" + id + "?"}, "lang="+lang)
				v.shot("landing-" + id + "-" + lang)
			}
		})
	}
}

var element = regexp.MustCompile(`<([a-z0-9]+)(?: class="([^"]*)")?`)

// partsOf returns what a page is made of: its elements and their classes.
func partsOf(page []byte) string {
	var parts []string
	_, body, _ := bytes.Cut(page, []byte("<body"))
	for _, m := range element.FindAllSubmatch(body, -1) {
		parts = append(parts, string(m[1])+"."+string(m[2]))
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), " ")
}

// ids returns the identifiers of all records of a dataset.
func (s *server) ids(dataset string) (all []string) {
	s.t.Helper()
	for path := "/api/v1/" + dataset + "?limit=100&fields=id"; path != ""; {
		var list struct {
			Data  []record
			Links struct{ Next string }
		}
		b := s.get(path)
		if err := json.Unmarshal(b, &list, json.MatchCaseInsensitiveNames(true)); err != nil {
			s.t.Fatal(err)
		}
		for _, r := range list.Data {
			all = append(all, r.ID)
		}
		next, err := url.Parse(list.Links.Next)
		if err != nil {
			s.t.Fatal(err)
		}
		path = strings.TrimPrefix(next.String(), next.Scheme+"://"+next.Host)
	}
	return all
}
