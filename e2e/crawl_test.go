package e2e

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	link      = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	oneRecord = regexp.MustCompile(`/[A-Z][0-9A-Z]{7}\b`)
)

// TestCrawl follows every link from the first pages. Every path is opened at least once, and
// of every kind of page every parameter that a link to it has.
func TestCrawl(t *testing.T) {
	s := serve(t)
	type step struct{ from, to string }
	var queue []step
	for _, start := range []string{"/", "/developers", "/docs/"} {
		queue = append(queue, step{"the start", start})
	}
	seen, opened := map[string]bool{}, 0
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		u, err := url.Parse(at.to)
		if err != nil {
			t.Errorf("%s has the link %q: %v", at.from, at.to, err)
			continue
		}
		fresh := false
		for _, what := range traits(u) {
			fresh = fresh || !seen[what]
			seen[what] = true
		}
		if !fresh {
			continue
		}
		u.Fragment = ""
		status, body := s.try(u.String())
		if status != 200 {
			t.Errorf("%s leads to %s = %d", at.from, at.to, status)
		}
		opened++
		if !strings.HasPrefix(strings.ToLower(string(body[:min(15, len(body))])), "<!doctype html") {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(string(body), -1) {
			to, err := u.Parse(html.UnescapeString(m[1]))
			switch {
			case err != nil:
				t.Errorf("%s has the link %q: %v", at.to, m[1], err)
			case to.Host != "" || to.Scheme != "":
				// The screen in the hall has no way out: it shows a code instead.
				if !strings.HasPrefix(u.Path, "/developers") {
					t.Errorf("%s leads out to %s", at.to, to)
				}
			case to.Fragment != "" && to.Path == u.Path:
				if !strings.Contains(string(body), `id="`+to.Fragment+`"`) {
					t.Errorf("%s has the link %q to nothing", at.to, m[1])
				}
			default:
				queue = append(queue, step{at.to, to.String()})
			}
		}
	}
	if opened < 400 {
		t.Errorf("only %d pages were found", opened)
	}
}

// traits returns what there is to see at an address: its path, and every parameter of its
// kind of page, which is the path without the record. Sets of parameters would be more than
// can be opened: chips alone make thousands.
func traits(u *url.URL) []string {
	all := []string{u.Path}
	kind := oneRecord.ReplaceAllString(u.Path, "/{id}")
	for name := range u.Query() {
		all = append(all, kind+"?"+name)
	}
	return all
}
