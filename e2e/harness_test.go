package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestHarness makes a short visit with everything that a test can do.
func TestHarness(t *testing.T) {
	s := serve(t)
	v := visit(t, s, portrait)
	v.open("/?lang=en")
	if w := v.weigh(); w.Page == 0 || w.All <= w.Page || w.Fonts > w.All || w.Scripts > w.All {
		t.Errorf("the page weighs %+v", w)
	}
	if at := v.timing(); at.FirstByte <= 0 || at.FirstPaint < at.FirstByte || at.Loaded < at.FirstByte {
		t.Errorf("the page was there at %+v", at)
	}

	v.follow("a.door", "Achievements")
	if v.path() != "/achievements?lang=en" || v.status() != http.StatusOK || v.taps != 1 {
		t.Errorf("one tap on a door leads to %s (%d) after %d", v.path(), v.status(), v.taps)
	}
	if v.see("h1") != "Achievements" || v.count("h1", "Achievements") != 1 {
		t.Errorf("the heading is %q", v.see("h1"))
	}
	v.open("/developers?lang=en")
	v.swipe(0, -400)
	if y := must[float64](v, `() => scrollY`); y < 300 || y > 500 || v.scrolled != 400 {
		t.Errorf("a swipe of 400 pixels scrolled %v", y)
	}
	v.back()
	v.see("h1", "Achievements")
	v.back()
	v.vanish("h1", "Achievements")

	all := v.targets()
	i := slices.IndexFunc(all, func(t target) bool { return strings.Contains(t.Name, "Achievements") })
	if i < 0 || portrait.mm(all[i].Width) < 20 || all[i].gap(all[i]) != 0 {
		t.Errorf("there is no door among %v", all)
	}

	v.open("/?lang=en")
	v.press("Tab")
	if got := must[string](v, `() => document.activeElement.className`); got != "skip" {
		t.Errorf("the first key leads to %q", got)
	}

	v.forgive(`/missing: 404|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED`)
	v.over(away)
	if must[bool](v, `() => navigator.onLine`) {
		t.Error("the page thinks that it is online")
	}
	v.over(slow3G)
	v.slow(2)
	v.open("/about?lang=en")
	if at := v.timing(); at.Loaded < slow3G.latency {
		t.Errorf("over a slow line the page was loaded after %v", at.Loaded)
	}
	v.over(fast)
	v.slow(1)
	v.open("/missing")
	if v.status() != http.StatusNotFound {
		t.Errorf("a page that is missing answers %d", v.status())
	}
	v.still()
	v.open("/")

	s.kill()
	v.follow("a.door")
	if !strings.HasPrefix(must[string](v, `() => location.href`), "chrome-error:") {
		t.Error("a server that was killed answers")
	}
	s.start()
	v.open("/")
	v.shot("harness")
	if len(v.picture()) == 0 || len(s.records("achievements?limit=2")) != 2 {
		t.Error("no picture or no records")
	}
}

// TestWatch shows that nothing escapes the watcher: a page full of faults.
func TestWatch(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "style-src 'self'")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>t</title><style>p{color:red}</style>
<img src="http://elsewhere.example/a.png" alt=""><img src="/missing.png" alt="">
<script>console.error("said"); setTimeout(() => { throw new Error("thrown") }); new WebSocket("ws://elsewhere.example/");</script>
<p id="out"></p><button onclick="out.textContent = 'touched'" ontouchstart="out.dataset.touch = 1" style="position:absolute;top:300px">Touch</button>`))
	}))
	t.Cleanup(page.Close)
	v := visit(t, &server{t: t, base: page.URL}, phone)
	v.open("/")
	v.tap("button", "Touch")
	v.see("#out", "touched")
	v.see("#out[data-touch]")
	for _, want := range []string{
		"asks another server: http://elsewhere.example/a.png", "/missing.png", `console.error: "said"`, "Error: thrown",
		"opens a socket to ws://elsewhere.example/", "ContentSecurityPolicyIssue",
	} {
		eventually(t, "the watcher tells of "+want, func() bool {
			return slices.ContainsFunc(v.watch.faultsSoFar(), func(f string) bool { return strings.Contains(f, want) })
		})
	}
	v.pardon()
}
