package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/page"
)

// TestAttract: what a screen shows until somebody comes. Listings take turns, one at a time;
// night becomes day; after both the page is loaded anew. A touch on a listing opens it.
func TestAttract(t *testing.T) {
	v := visit(t, hall(t, landscape), landscape)
	v.still()
	do(v, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `{
		const since = performance.now.bind(performance), every = setInterval;
		performance.now = () => 50 * since();
		globalThis.setInterval = (f, ms) => every(f, ms / 50);
	}`})
	v.open("/attract")
	loads := v.watch.loadsSoFar()
	if n := v.count(".slides a"); n != 1 {
		t.Errorf("%d listings at a time", n)
	}
	seen := map[string]bool{}
	for listings := must[int](v, `() => document.querySelectorAll(".slides a").length`); len(seen) < listings; {
		seen[v.see(".slides a.shown b")] = true
	}
	v.see("body.day")
	eventually(t, "the page is loaded anew", func() bool { return v.watch.loadsSoFar() > loads })
	v.vanish("body.day")

	v.follow(".slides a.shown")
	if path := v.path(); path == "/" || path == "/attract" {
		t.Errorf("a touch on a listing leads to %s", path)
	}
}
