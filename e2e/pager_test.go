package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const onward, backward = ".pager > :last-child:is(a, button:enabled)", ".pager > :first-child:is(a, button:enabled)"

// TestPager turns a list by its arrows alone. However large the type is and however low the
// page, each record is seen whole, the range says which, and the way back ends where it
// began.
func TestPager(t *testing.T) {
	for _, on := range []screen{portrait, landscape, small} {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			s := hall(t, on)
			v := visit(t, s, on)
			for _, path := range []string{
				"/achievements?", "/achievements?lang=en", "/achievements?type=large", "/demands?lang=en&type=large", "/achievements?reach=low",
				"/search?q=bearing", "/search?type=large&reach=low&q=bearing", "/search?lang=en&type=large&q=bearing",
			} {
				if on == small && (strings.HasPrefix(path, "/search") || strings.Contains(path, "large") || strings.Contains(path, "low")) {
					continue // the arrows stand behind the records there, and nothing is lowered
				}
				v.open(path)
				v.turned(path)
			}
		})
	}
}

// turned turns from a first page of records to the second and back.
func (v *visitor) turned(path string) {
	v.t.Helper()
	begin := v.path()
	size := v.count(".cards > li .card")
	var seen []int
	taps := v.taps
	for v.path() == begin {
		now := v.shown()
		if len(now) == 0 { // what they can be narrowed by fills the screen
			v.arrow(onward)
			continue
		}
		if now[0] > len(seen) {
			v.t.Fatalf("%s: after %d of %d records the screen shows %v", path, len(seen), size, now)
		}
		if got, want := v.see(".pager p"), fmt.Sprintf("%d–%d / ", now[0]+1, now[len(now)-1]+1); !strings.HasPrefix(got, want) {
			v.t.Errorf("%s: the range is %q where %q is seen", path, got, want)
		}
		seen = slices.Compact(slices.Sorted(slices.Values(append(seen, now...))))
		v.arrow(onward)
		if v.taps-taps > 2*size {
			v.t.Fatalf("%s: %d taps and no other page", path, v.taps-taps)
		}
	}
	if len(seen) != size {
		v.t.Errorf("%s: of %d records %v were seen whole", path, size, seen)
	}
	v.t.Logf("%s: %d taps for %d records", path, v.taps-taps, size)
	for range 20 {
		if v.path() == begin && v.count(backward) == 0 {
			break
		}
		v.arrow(backward)
	}
	if now := v.shown(); v.count(backward) > 0 || len(now) > 0 && now[0] != 0 {
		v.t.Errorf("%s: the way back ends at %v", path, now)
	}
}

// overleaf turns to the next page of a list.
func (v *visitor) overleaf() {
	v.t.Helper()
	for at := v.path(); v.path() == at; {
		v.arrow(onward)
	}
}

// arrow touches an arrow and waits for what it leads to: another page, or other records.
func (v *visitor) arrow(which string) {
	v.t.Helper()
	const first = `() => document.querySelector(".cards > li").getBoundingClientRect().top`
	at, before, loads := v.path(), must[float64](v, first), v.watch.loadsSoFar()
	v.tap(which)
	eventually(v.t, "turning "+at, func() bool {
		now, err := call[float64](v, first)
		return v.watch.loadsSoFar() > loads || err == nil && now != before
	})
	v.settle()
}

// shown returns which records are seen whole, by their place on the page.
func (v *visitor) shown() []int {
	v.t.Helper()
	return must[[]int](v, `() => {
		const foot = Math.min(...[...document.querySelectorAll(".pager, .bar")].map(e => e.getBoundingClientRect().top).filter(y => y > innerHeight / 2));
		const head = Math.max(0, document.documentElement.classList.contains("low") ? document.querySelector("main").getBoundingClientRect().top : 0);
		return [...document.querySelectorAll(".cards > li")].flatMap((e, i) => {
			const b = e.getBoundingClientRect();
			return b.top >= head - 2 && b.bottom - parseFloat(getComputedStyle(e.querySelector(".card")).paddingBottom) <= foot + 2 ? [i] : [];
		});
	}`)
}
