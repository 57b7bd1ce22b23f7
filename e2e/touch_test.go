package e2e

import (
	"cmp"
	"math"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
)

// point is a place on the screen in CSS pixels; Problem says why a finger cannot touch
// what was asked for.
type point struct {
	X, Y    float64
	Problem string
}

// tap touches the middle of an element that is on the screen and not covered.
func (v *visitor) tap(selector string, text ...string) {
	v.t.Helper()
	p := v.reach(selector, text...)
	v.touch(p.X, p.Y)
}

// follow is a tap that leads to another page, and waits for it.
func (v *visitor) follow(selector string, text ...string) {
	v.t.Helper()
	p := v.reach(selector, text...)
	v.turn("tapping "+selector, func() { v.touch(p.X, p.Y) })
}

// touch puts a finger on a point and lifts it.
func (v *visitor) touch(x, y float64) {
	v.t.Helper()
	v.finger(input.DispatchTouchEventTypeTouchStart, x, y)
	v.finger(input.DispatchTouchEventTypeTouchEnd)
	v.taps++
}

// settled is how long what is touched must have stood still: nobody touches what moves.
const settled = 60 * time.Millisecond

// reach waits until the element stands still and a finger can touch its middle, and returns
// where that is.
func (v *visitor) reach(selector string, text ...string) point {
	v.t.Helper()
	var p, before point
	var since time.Time
	what := strings.Join(append([]string{selector}, text...), " ")
	for deadline := time.Now().Add(patience / 3); ; time.Sleep(10 * time.Millisecond) {
		var err error
		p, err = call[point](v, `(selector, text) => {`+find+`
			if (!found.length) return {Problem: "is not to be seen"};
			const e = found[0], boxes = [e.getBoundingClientRect(), ...e.getClientRects()];
			let problem = "";
			for (const b of boxes) {
				const x = b.x + b.width / 2, y = b.y + b.height / 2;
				if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) { problem ||= "is not on the screen"; continue; }
				const at = document.elementFromPoint(x, y);
				if (e.contains(at) || at?.closest("label")?.control === e) return {X: x, Y: y};
				problem ||= "is covered by " + (at?.outerHTML.slice(0, 200) ?? "nothing");
			}
			return {Problem: problem};
		}`, selector, strings.Join(text, ""))
		switch {
		case err != nil || p.Problem != "":
		case p != before:
			before, since = p, time.Now()
		case time.Since(since) >= settled:
			return p
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("%s %s (%v) on %s", what, cmp.Or(p.Problem, "does not stand still"), err, v.path())
		}
	}
}

// swipe draws a finger over the middle of the screen by a distance in CSS pixels and
// holds it, so that nothing glides on: swipe(0, -500) scrolls down by 500.
func (v *visitor) swipe(dx, dy float64) {
	v.t.Helper()
	const steps = 12
	must[bool](v, `() => {
		globalThis.scrolled = new Promise(r => addEventListener("scrollend", r, {once: true, capture: true}));
		return true;
	}`)
	x, y := float64(v.screen.width)/2-dx/2, float64(v.screen.height)/2-dy/2
	v.finger(input.DispatchTouchEventTypeTouchStart, x, y)
	for i := 1.0; i <= steps; i++ {
		v.finger(input.DispatchTouchEventTypeTouchMove, x+dx*i/steps, y+dy*i/steps)
	}
	time.Sleep(100 * time.Millisecond) // a finger that rests leaves no momentum
	v.finger(input.DispatchTouchEventTypeTouchMove, x+dx, y+dy)
	v.finger(input.DispatchTouchEventTypeTouchEnd)
	v.scrolled += math.Abs(dy)
	// Scrolling ends after the finger has left, and is not even begun at the end of a page.
	_, _ = call[bool](v, `() => Promise.race([globalThis.scrolled, new Promise(r => setTimeout(r, 1500))]).then(() => true)`)
	v.settle()
}

// finger sends one event of a finger; without a point it is lifted.
func (v *visitor) finger(kind input.DispatchTouchEventType, at ...float64) {
	v.t.Helper()
	p := input.DispatchTouchEventParams{Type: kind, TouchPoints: []*input.TouchPoint{}}
	if len(at) == 2 {
		p.TouchPoints = append(p.TouchPoints, &input.TouchPoint{X: at[0], Y: at[1]})
	}
	do(v, input.DispatchTouchEvent, p)
}

// target is what a finger can aim at, in CSS pixels of the page.
type target struct {
	Name          string
	X, Y          float64
	Width, Height float64
	// Top is how high on the screen it can come, and Foot tells what stands at the foot of
	// the screen, where all else passes beneath.
	Top  float64
	Foot bool
}

// targets returns the boxes of everything that can be touched, wherever it is on the page.
func (v *visitor) targets() []target {
	v.t.Helper()
	return must[[]target](v, `() => {
		const selector = "a[href], button, input:not([type=hidden]), select, textarea, summary, label[for], [role=button], [role=option], [tabindex]:not([tabindex='-1'], main, .scroll)", text = "";`+find+`
		const scrolls = e => e && (["auto", "scroll"].includes(getComputedStyle(e).overflowY) && e.scrollHeight > e.clientHeight ? e : scrolls(e.parentElement));
		return found.map(e => {
			// A card is touched as a whole: its link is spread over it.
			const spread = getComputedStyle(e, "::after").position === "absolute";
			const b = (spread ? e.offsetParent : e).getBoundingClientRect(), within = scrolls(e.parentElement);
			return {Name: e.tagName.toLowerCase() + (e.className && "." + e.className) + " " + (e.ariaLabel || e.innerText || e.value || "").replace(/\s+/g, " ").trim().slice(0, 40),
				X: b.x + scrollX, Y: b.y + scrollY, Width: b.width, Height: b.height,
				Top: within ? within.getBoundingClientRect().y : b.y, Foot: !!e.closest(".bar, .pager, .keyboard, dialog")};
		}).filter(b => b.Width > 1 && b.Height > 1 && b.X + b.Width > 0 && b.Y + b.Height > 0);
	}`)
}

// aim fails for what a finger cannot aim at: less than 20 mm wide or high, less than 2 mm
// from the next, or on a lowered page above the band within reach.
func (v *visitor) aim() {
	v.t.Helper()
	const hair = .05 // mm: browsers round to a part of a pixel
	band := must[float64](v, `() => {
		const reach = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--reach")); // in dvh
		return document.documentElement.classList.contains("low") ? innerHeight * (1 - reach / 100) : 0;
	}`)
	targets := v.targets()
	for i, a := range targets {
		if wide, high := v.screen.mm(a.Width), v.screen.mm(a.Height); min(wide, high) < 20-hair {
			v.t.Errorf("%s on %s: %s is %.1f x %.1f mm", v.path(), v.screen.name, a.Name, wide, high)
		}
		if a.Top < band-1 {
			v.t.Errorf("%s on %s: %s is out of reach, %.0f pixels above the band", v.path(), v.screen.name, a.Name, band-a.Top)
		}
		for _, b := range targets[:i] {
			if gap := v.screen.mm(a.gap(b)); a.Foot == b.Foot && gap < 2-hair {
				v.t.Errorf("%s on %s: %s is %.1f mm from %s", v.path(), v.screen.name, a.Name, gap, b.Name)
			}
		}
	}
}

// gap returns how far two targets are apart, 0 where they touch or overlap.
func (a target) gap(b target) float64 {
	dx := max(b.X-a.X-a.Width, a.X-b.X-b.Width, 0)
	dy := max(b.Y-a.Y-a.Height, a.Y-b.Y-b.Height, 0)
	return max(dx, dy)
}

// approach swipes up or down until the element is well on the screen.
func (v *visitor) approach(selector string, text ...string) {
	v.t.Helper()
	v.see(selector, text...)
	height := float64(v.screen.height)
	for range 50 {
		at := must[[]float64](v, `(selector, text) => {`+find+`
			return found.slice(0, 1).map(e => { const b = e.getBoundingClientRect(); return b.y + b.height / 2; });
		}`, selector, strings.Join(text, ""))
		switch {
		case len(at) == 0:
			v.t.Fatalf("%s %s is not to be seen", selector, strings.Join(text, ""))
		case at[0] > height*.15 && at[0] < height*.75:
			return
		}
		v.swipe(0, min(max(height*.45-at[0], -height*.6), height*.6))
	}
	v.t.Fatalf("%s stays away", selector)
}
