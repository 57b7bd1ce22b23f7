package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
)

// weight is what a page and all it loads cost on the line, in bytes, headers included.
type weight struct{ Page, Scripts, Fonts, All float64 }

// weigh returns the weight of the page since it was opened. What the browser had kept
// from pages before costs nothing, so open a page first in a visit to weigh it whole.
func (v *visitor) weigh() weight {
	v.watch.mu.Lock()
	defer v.watch.mu.Unlock()
	var w weight
	for _, r := range v.watch.loaded {
		w.All += r.Bytes
		switch r.Kind {
		case network.ResourceTypeDocument:
			w.Page += r.Bytes
		case network.ResourceTypeScript:
			w.Scripts += r.Bytes
		case network.ResourceTypeFont:
			w.Fonts += r.Bytes
		default: // in All alone
		}
	}
	return w
}

// timing tells when things happened, counted from the start of the navigation.
type timing struct{ FirstByte, FirstPaint, Loaded time.Duration }

func (v *visitor) timing() timing {
	v.t.Helper()
	var ms []float64
	eventually(v.t, "the page is painted", func() bool {
		ms = must[[]float64](v, `() => {
			const n = performance.getEntriesByType("navigation")[0], p = performance.getEntriesByName("first-contentful-paint")[0];
			return p ? [n.responseStart, p.startTime, n.loadEventEnd] : [];
		}`)
		return len(ms) == 3
	})
	after := func(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
	return timing{after(ms[0]), after(ms[1]), after(ms[2])}
}

// BenchmarkFirstPaint opens pages of a terminal with a processor four times slower, and
// reports how long after it was left for something is seen: of the page in the middle, and of
// the slowest. The browser has the flags of a terminal's; style sheets and fonts are there
// already, as on any terminal that has been used since it was switched on.
func BenchmarkFirstPaint(b *testing.B) {
	asOnTerminals(b)
	v := visit(b, hall(b, portrait), portrait)
	v.forgive("NavigationEntryMarkedSkippable") // nobody touched anything
	pages := []string{"/", "/attract", "/achievements", "/achievements?lang=en&type=large", "/search", "/search?q=轴承", "/agenda", "/support", "/places", "/indicators", "/markets", "/join"}
	for _, path := range pages {
		v.open(path)
	}
	v.slow(4)
	painted := map[string][]time.Duration{}
	for b.Loop() {
		for _, path := range pages {
			v.turn("going to "+path, func() { // from the page before, since what it does on leaving counts
				must[int](v, `path => setTimeout(() => location.assign(path))`, path)
			})
			painted[path] = append(painted[path], v.timing().FirstPaint)
		}
	}
	var middle []time.Duration
	slowest, page := time.Duration(0), ""
	for path, all := range painted {
		slices.Sort(all)
		median := all[len(all)/2]
		middle = append(middle, median)
		if median > slowest {
			slowest, page = median, path
		}
	}
	slices.Sort(middle)
	b.ReportMetric(float64(middle[len(middle)/2].Milliseconds()), "ms-to-paint")
	b.ReportMetric(float64(slowest.Milliseconds()), "ms-to-paint-slowest")
	b.Logf("the slowest page is %s", page)
}

// BenchmarkFirstVisit opens the page that a terminal begins with, in a browser that has seen
// nothing yet, with a processor four times slower: style sheets and scripts have to be loaded
// before something is seen.
func BenchmarkFirstVisit(b *testing.B) {
	s := hall(b, portrait)
	var painted []time.Duration
	for b.Loop() {
		v := visit(b, s, portrait)
		v.slow(4)
		v.open("/attract")
		painted = append(painted, v.timing().FirstPaint)
	}
	slices.Sort(painted)
	b.ReportMetric(float64(painted[len(painted)/2].Milliseconds()), "ms-to-paint")
}
