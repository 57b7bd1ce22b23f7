package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
)

// TestWalk is one whole visit to a terminal by touch: from the screen that nobody touches
// over a search by initials to what was sought, to who needs it, and away with it. Then
// nobody touches it again, and nothing of the visit is left. The clock of the terminal says
// 1970 all the while, and is 80 seconds ahead at the end.
func TestWalk(t *testing.T) {
	s := hall(t, portrait)
	for _, lang := range []struct{ code, begin, achievements, demands, asOf string }{
		{"zh", ".begin:not(.other)", "成果", "对接需求", "2026年11月20日"},
		{"en", ".begin.other", "Achievements", "Fitting demands", "20 November 2026"},
	} {
		t.Run(lang.code, func(t *testing.T) {
			t.Parallel()
			v := visit(t, s, portrait)
			v.clock()
			v.open("/attract")
			v.follow(lang.begin)
			v.see(".asof", lang.asOf) // of the release: the clock says otherwise
			v.follow("a.door.center")
			v.strike("zc")
			v.follow(".suggestions .term a", "轴承")
			v.follow(".tabs a", lang.achievements)
			v.follow(".fold > a:not(.chip)")
			v.follow(".choose .chip")
			v.see(".chip.on .drop")
			v.onScreen(".results .card h3 a")
			v.follow(".results .card h3 a")
			v.follow(".tabs a", lang.demands)
			v.follow(".related .card h3 a")
			if !strings.HasPrefix(v.path(), "/demands/") {
				t.Errorf("a need leads to %s", v.path())
			}
			v.follow(".taking")
			v.follow(".bar .to-take a")
			v.onScreen(".plate .code")
			t.Logf("%d taps, %d keys, %.1f screens", v.taps, v.keys, v.scrolled/float64(v.screen.height))

			v.pass(61 * time.Second)
			v.see("#idle[open] .left")
			v.turn("forgetting the visitor", func() { v.pass(20 * time.Second) })
			if v.path() != "/attract" {
				t.Errorf("after the visit the screen shows %s", v.path())
			}
			for _, e := range do(v, page.GetNavigationHistory, cdp.Empty{}).Entries {
				if e.URL != "about:blank" && !strings.HasSuffix(e.URL, "/attract") {
					t.Errorf("going back leads to %s", e.URL)
				}
			}
			if kept := must[int](v, `async () => localStorage.length + sessionStorage.length + (await indexedDB.databases()).length`); kept > 0 {
				t.Errorf("%d things of the visit are kept", kept)
			}
		})
	}
}

// TestOutage: the server dies under a visitor's finger and comes back five seconds later.
// The page stays, and so does everything the visitor chose; even the tap gets there.
func TestOutage(t *testing.T) {
	s := serve(t, "--terminal", "K3")
	v := visit(t, s, portrait)
	v.forgive(noServer)
	v.open("/achievements?type=large")
	v.follow(".grab")
	v.overleaf(onward)
	title := v.see(".results .card h3 a")
	at := v.path()
	s.kill()
	v.turn("the way to the record", func() {
		v.tap(".results .card h3 a")
		v.see("#calm")
		if v.path() != at || v.see(".results .card h3 a") != title {
			t.Errorf("without a server the screen shows %s", v.path())
		}
		v.calm(5 * time.Second)
		s.start()
	})
	if got := v.see("h1"); !strings.HasPrefix(title, got) {
		t.Errorf("the tap on %q leads to %q", title, got)
	}
	v.see("html.large .bar .to-take")
	v.follow(".bar .to-back a")
	if v.path() != at {
		t.Errorf("the way back leads to %s, not %s", v.path(), at)
	}
}

// clock sets the clock of pages to 1 January 1970, from the next one on, and lets pass
// move it.
func (v *visitor) clock() {
	v.t.Helper()
	do(v, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `{
		const since = performance.now.bind(performance), Clock = Date;
		globalThis.ahead = 0;
		performance.now = () => since() + ahead;
		globalThis.Date = class extends Clock {
			constructor(...at) { at.length ? super(...at) : super(performance.now()); }
			static now() { return Math.floor(performance.now()); }
		};
	}`})
}

// pass lets time go by on the page.
func (v *visitor) pass(d time.Duration) {
	v.t.Helper()
	must[float64](v, `(ms) => ahead += ms`, d.Milliseconds())
}

// calm waits with the page, which must stay as it is.
func (v *visitor) calm(d time.Duration) {
	v.t.Helper()
	at := v.path()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now := v.path(); now != at {
			v.t.Fatalf("%s turned into %s", at, now)
		}
	}
}
