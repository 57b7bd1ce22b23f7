package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/page"
)

// TestAttract: what a screen shows until somebody comes. Listings take turns, one at a time;
// night becomes day; after both the content is fetched anew, unless there is no server. A
// touch on a listing opens it as soon as there is one, and says so until then.
func TestAttract(t *testing.T) {
	s := serve(t, "--terminal", "K3")
	v := visit(t, s, landscape)
	v.still()
	v.forgive(noServer)
	// The page's time runs fifty times as fast.
	fast := do(v, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `{
		const since = performance.now.bind(performance), every = setInterval;
		performance.now = () => 50 * since();
		globalThis.setInterval = (f, ms) => every(f, ms / 50);
	}`})
	v.open("/attract")
	seen := map[string]bool{}
	listings := must[int](v, `() => document.querySelectorAll(".slides a").length`)
	eventually(t, "every listing has its turn", func() bool {
		shown := must[[]string](v, `() => [...document.querySelectorAll(".slides a")].filter(a => a.checkVisibility({visibilityProperty: true})).map(a => a.href)`)
		if len(shown) != 1 {
			t.Fatalf("at a time the screen shows %q", shown)
		}
		seen[shown[0]] = true
		return len(seen) == listings
	})
	v.see("body.day")
	must[string](v, `() => document.querySelector("main").dataset.old = "yes"`)
	v.vanish("main[data-old]")
	v.vanish("body.day")

	s.kill()
	must[string](v, `() => document.querySelector("main").dataset.old = "yes"`)
	v.see("body.day")
	v.vanish("body.day")
	v.see("main[data-old] .slides a.shown")

	do(v, page.RemoveScriptToEvaluateOnNewDocument, page.RemoveScriptToEvaluateOnNewDocumentParams(fast))
	v.turn("a touch that waits for the server", func() {
		v.tap(".slides a.shown")
		v.see("#calm")
		s.start()
	})
	if path := v.path(); path == "/" || path == "/attract" {
		t.Errorf("a touch on a listing leads to %s", path)
	}
}
