package e2e

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	link = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	// What a page loads: style sheets, icons and scripts. The fonts that a sheet names come on top.
	loaded    = regexp.MustCompile(`(?:<link [^>]*href|<script [^>]*src)="([^"]+)"`)
	oneRecord = regexp.MustCompile(`/[A-Z][0-9A-Z]{7}\b`)
)

// What a page for visitors may weigh on the line with all it loads, fonts aside, and its
// scripts alone.
const (
	pageWeight   = 120_000
	scriptWeight = 12_000
)

// TestCrawl follows every link from the first pages of a terminal. Every path is opened at
// least once, and of every kind of page every parameter that a link to it has; none leads
// nowhere, out of the hall, or weighs too much.
func TestCrawl(t *testing.T) {
	s := hall(t, portrait)
	type step struct{ from, to string }
	var queue []step
	for _, start := range []string{"/", "/developers", "/docs/"} {
		queue = append(queue, step{"the start", start})
	}
	seen, opened := map[string]bool{}, 0
	weights := map[string]int{} // of what pages load
	var page, scripts heaviest
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
		if strings.Contains(string(body), "/static/css/kiosk.") { // for visitors
			own, loads := 0, len(body)
			for _, m := range loaded.FindAllStringSubmatch(string(body), -1) {
				n, known := weights[m[1]]
				if !known {
					n = s.weigh(m[1])
					weights[m[1]] = n
				}
				loads += n
				if strings.HasSuffix(m[1], ".js") {
					own += n
				}
			}
			page.see(loads, at.to)
			scripts.see(own, at.to)
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
			case to.Fragment != "" && to.Path == u.Path && to.RawQuery == u.RawQuery:
				if !strings.Contains(string(body), `id="`+to.Fragment+`"`) {
					t.Errorf("%s has the link %q to nothing", at.to, m[1])
				}
			default:
				queue = append(queue, step{at.to, to.String()})
			}
		}
	}
	t.Logf("%d pages; the heaviest has %d bytes without fonts (%s), %d of scripts (%s)", opened, page.bytes, page.at, scripts.bytes, scripts.at)
	if page.bytes > pageWeight || scripts.bytes > scriptWeight || scripts.bytes == 0 {
		t.Errorf("%s weighs %d bytes without fonts, the scripts of %s %d", page.at, page.bytes, scripts.at, scripts.bytes)
	}
	if opened < 400 {
		t.Errorf("only %d pages were found", opened)
	}
}

// heaviest is the page that weighs most.
type heaviest struct {
	bytes int
	at    string
}

func (h *heaviest) see(n int, at string) {
	if n > h.bytes {
		*h = heaviest{n, at}
	}
}

// weigh returns how many bytes of body a browser loads for path, compressed as it asks.
func (s *server) weigh(path string) int {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s = %d (%v)", path, res.StatusCode, err)
	}
	return int(n)
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
