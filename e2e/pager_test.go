package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	onward   = `.pager > :last-child:not([aria-disabled="true"], span)`
	backward = `.pager > :first-child:not([aria-disabled="true"], span)`
)

// TestPager turns lists by their arrows alone. However large the type is and however low the
// page, each record is seen whole on the way there and on the way back, and the range says
// which are seen.
func TestPager(t *testing.T) {
	for _, test := range []struct {
		on    screen
		paths []string
	}{
		{portrait, []string{
			"/achievements", "/achievements?lang=en", "/achievements?type=large", "/achievements?reach=low", "/demands?lang=en&type=large",
			"/search?q=bearing", "/search?type=large&reach=low&q=bearing", "/search?lang=en&dataset=achievements&q=bearing&show=fields",
		}},
		{landscape, []string{
			"/achievements", "/achievements?lang=en", "/achievements?type=large", "/achievements?reach=low",
			"/search?q=bearing", "/search?lang=en&type=large&q=bearing", "/search?lang=en&dataset=achievements&q=bearing",
		}},
		{small, []string{"/achievements", "/achievements?lang=en", "/demands"}},
	} {
		t.Run(test.on.name, func(t *testing.T) {
			t.Parallel()
			v := visit(t, hall(t, test.on), test.on)
			for _, path := range test.paths {
				v.open(path)
				v.turned()
			}
		})
	}
}

// TestPagerBehind: where the arrows stand behind the records, one touch leads on and one
// back.
func TestPagerBehind(t *testing.T) {
	v := visit(t, hall(t, small), small)
	for _, path := range []string{"/search?q=bearing", "/achievements?type=large"} {
		v.open(path)
		begin := v.path()
		for _, arrow := range []string{onward, backward} {
			for range 30 {
				if must[bool](v, `s => document.querySelector(s).getBoundingClientRect().bottom <= document.querySelector(".bar").getBoundingClientRect().top`, arrow) {
					break
				}
				v.swipe(0, -400)
			}
			v.follow(arrow)
		}
		if at := v.path(); at != begin {
			t.Errorf("%s: there and back leads to %s", begin, at)
		}
	}
}

// turned turns from a first page of records to the second and back.
func (v *visitor) turned() {
	v.t.Helper()
	begin, size, taps := v.path(), v.count(".cards > li .card"), v.taps
	v.collect(size, onward)
	if v.path() == begin {
		v.t.Fatalf("%s: %d taps, and no other page", begin, v.taps-taps)
	}
	v.t.Logf("%s: %d taps for %d records", begin, v.taps-taps, size)
	v.overleaf(backward)
	v.collect(size, backward)
	if now := v.shown(); len(now) > 0 && now[0] != 0 {
		v.t.Errorf("%s: the way back ends at %v", begin, now)
	}
}

// collect touches an arrow for as long as it shows more of a page, and each record of that
// must have been seen whole then.
func (v *visitor) collect(size int, which string) {
	v.t.Helper()
	at := v.path()
	var seen []int
	look := func() {
		v.t.Helper()
		now := v.shown()
		if len(now) == 0 {
			return // what they can be narrowed by fills the screen
		}
		if got, want := v.see(".pager p"), fmt.Sprintf("%d–%d / ", now[0]+1, now[len(now)-1]+1); !strings.HasPrefix(got, want) {
			v.t.Errorf("%s: the range is %q where %q is seen", at, got, want)
		}
		seen = append(seen, now...)
	}
	for range 2 * size {
		if look(); v.count(which) == 0 {
			break
		}
		if v.arrow(which); v.path() != at {
			break
		}
	}
	slices.Sort(seen)
	if seen = slices.Compact(seen); len(seen) != size {
		v.t.Errorf("%s: of %d records only %v were seen whole by touching %s", at, size, seen, which)
	}
}

// overleaf touches an arrow until another page of a list follows.
func (v *visitor) overleaf(which string) {
	v.t.Helper()
	at := v.path()
	for range 20 {
		if v.arrow(which); v.path() != at {
			return
		}
	}
	v.t.Fatalf("%s: no other page by touching %s", at, which)
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
	return must[[]int](v, `() => [...document.querySelectorAll(".cards > li")].flatMap((e, i) => {
		const b = e.getBoundingClientRect(), space = parseFloat(getComputedStyle(e.querySelector(".card")).paddingBottom);
		const seen = y => e.contains(document.elementFromPoint(b.x + b.width / 2, y));
		return seen(b.top + 3) && seen(b.bottom - space - 3) ? [i] : [];
	})`)
}
