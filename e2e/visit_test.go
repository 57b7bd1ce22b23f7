package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/go-json-experiment/json"
)

// visitor is somebody in front of a screen. One goroutine uses it.
type visitor struct {
	t      testing.TB
	server *server
	screen screen
	ctx    context.Context
	watch  *watch

	// So far; taps on the keys by strike are not among the others.
	taps, keys int
	scrolled   float64 // pixels that fingers were drawn up and down
}

// visit opens a fresh tab on s, seen on a screen.
func visit(t testing.TB, s *server, on screen) *visitor {
	t.Helper()
	v := &visitor{t: t, server: s, screen: on, watch: newWatch(s.base)}
	var cancel context.CancelFunc
	v.ctx, cancel = chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(v.watch.see))
	t.Cleanup(func() {
		_ = chromedp.Cancel(v.ctx)
		cancel()
		for _, f := range v.watch.faultsSoFar() {
			t.Errorf("%s: %s", on.name, f)
		}
	})
	do(v, page.Enable, page.EnableParams{})
	do(v, network.Enable, network.EnableParams{})
	do(v, runtime.Enable, cdp.Empty{})
	do(v, log.Enable, cdp.Empty{})
	do(v, audits.Enable, cdp.Empty{})
	do(v, inspector.Enable, cdp.Empty{})
	do(v, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: on.width, Height: on.height, ScreenWidth: on.width, ScreenHeight: on.height, DeviceScaleFactor: on.scale, Mobile: on.phone,
	})
	do(v, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true, MaxTouchPoints: 5})
	do(v, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return v
}

// do sends a command to the tab and must succeed.
func do[P, R any](v *visitor, c cdp.Command[P, R], p P) R {
	v.t.Helper()
	r, err := chromedp.Call(v.ctx, c, p)
	if err != nil {
		v.t.Fatalf("%s: %v", c.Method, err)
	}
	return r
}

// forgive lets faults pass that match pattern, because the test provokes them.
func (v *visitor) forgive(pattern string) {
	v.watch.mu.Lock()
	defer v.watch.mu.Unlock()
	v.watch.forgiven = append(v.watch.forgiven, regexp.MustCompile(pattern))
}

// pardon forgets the faults so far.
func (v *visitor) pardon() {
	v.watch.mu.Lock()
	defer v.watch.mu.Unlock()
	v.watch.faults = nil
}

// open goes to a path of the server as if it were typed, and waits for the page.
func (v *visitor) open(path string) {
	v.t.Helper()
	v.turn("opening "+path, func() {
		if r := do(v, page.Navigate, page.NavigateParams{URL: v.server.base + path}); r.ErrorText != "" {
			v.t.Fatalf("opening %s: %s", path, r.ErrorText)
		}
	})
}

// back goes to the page before, as the browser's own button would.
func (v *visitor) back() {
	v.t.Helper()
	h := do(v, page.GetNavigationHistory, cdp.Empty{})
	if h.CurrentIndex == 0 {
		v.t.Fatal("there is no page before")
	}
	v.turn("going back", func() {
		do(v, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: h.Entries[h.CurrentIndex-1].ID})
	})
}

// turn waits for the page that act leads to.
func (v *visitor) turn(what string, act func()) {
	v.t.Helper()
	before := v.watch.loadsSoFar()
	act()
	eventually(v.t, what+": no page follows", func() bool { return v.watch.loadsSoFar() > before })
	v.settle()
}

// settle waits until fonts are there and nothing moves that comes to rest.
func (v *visitor) settle() {
	v.t.Helper()
	eventually(v.t, "the page comes to rest", func() bool {
		rest, err := call[bool](v, `async () => {
			await document.fonts.ready;
			const moving = document.getAnimations().filter(a => a.playState === "running" && a.effect?.getComputedTiming().endTime !== Infinity);
			await Promise.allSettled(moving.map(a => a.finished));
			await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
			return document.readyState === "complete";
		}`)
		return err == nil && rest
	})
}

// call runs a JavaScript function in the page and returns what it returns or promises.
func call[T any](v *visitor, function string, args ...any) (T, error) {
	var list []string
	for _, a := range args {
		b, err := json.Marshal(a)
		if err != nil {
			v.t.Fatal(err)
		}
		list = append(list, string(b))
	}
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T]("("+function+")("+strings.Join(list, ",")+")", chromedp.EvalAwaitPromise))
}

// must is call for what cannot fail while the page stays.
func must[T any](v *visitor, function string, args ...any) T {
	v.t.Helper()
	r, err := call[T](v, function, args...)
	if err != nil {
		v.t.Fatalf("%v\n%s", err, function)
	}
	return r
}

// find is the start of every function that looks for an element: the first visible one
// that matches selector and contains text.
const find = `const visible = e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && e.getClientRects().length > 0;
	const found = [...document.querySelectorAll(selector)].filter(e => visible(e) && (e.textContent + " " + (e.ariaLabel ?? "")).includes(text));`

// see waits until the selector has a visible match and returns its text, white space
// as one blank.
func (v *visitor) see(selector string, text ...string) string {
	v.t.Helper()
	var got string
	eventually(v.t, "seeing "+strings.Join(append([]string{selector}, text...), " "), func() bool {
		seen, err := call[[]string](v, `(selector, text) => {`+find+`
			return found.slice(0, 1).map(e => (e.value ?? "") || e.innerText);
		}`, selector, strings.Join(text, ""))
		if err != nil || len(seen) == 0 {
			return false
		}
		got = strings.Join(strings.Fields(seen[0]), " ")
		return true
	})
	return got
}

// count returns how many visible matches there are now.
func (v *visitor) count(selector string, text ...string) int {
	v.t.Helper()
	return must[int](v, `(selector, text) => {`+find+` return found.length; }`, selector, strings.Join(text, ""))
}

// vanish waits until there is no visible match.
func (v *visitor) vanish(selector string, text ...string) {
	v.t.Helper()
	eventually(v.t, selector+" vanishes", func() bool {
		n, err := call[int](v, `(selector, text) => {`+find+` return found.length; }`, selector, strings.Join(text, ""))
		return err == nil && n == 0
	})
}

// path returns path and query of the page.
func (v *visitor) path() string {
	v.t.Helper()
	return must[string](v, `() => location.pathname + location.search`)
}

// status returns how the server answered for the page.
func (v *visitor) status() int {
	v.watch.mu.Lock()
	defer v.watch.mu.Unlock()
	return int(v.watch.status)
}

// shot keeps a picture of the screen as NAME-SCREEN.png in the folder of -screens.
func (v *visitor) shot(name string) {
	v.t.Helper()
	if *screens == "" {
		return
	}
	if err := os.MkdirAll(*screens, 0o755); err != nil {
		v.t.Fatal(err)
	}
	file := filepath.Join(*screens, fmt.Sprintf("%s-%s.png", name, v.screen.name))
	scale := 1.0
	if v.screen.width > 2000 { // more than anybody looks at
		scale = .5
	}
	if err := os.WriteFile(file, v.pictured(scale), 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// picture returns what the screen shows, as PNG.
func (v *visitor) picture() []byte {
	v.t.Helper()
	return v.pictured(1)
}

func (v *visitor) pictured(scale float64) []byte {
	v.t.Helper()
	quick := true
	p := page.CaptureScreenshotParams{OptimizeForSpeed: &quick}
	if scale != 1 {
		p.Clip = &page.Viewport{Width: float64(v.screen.width), Height: float64(v.screen.height), Scale: scale}
	}
	return do(v, page.CaptureScreenshot, p).Data
}

// press presses and lets go of a key, named as in KeyboardEvent.key: "Tab", "Enter".
func (v *visitor) press(key string) {
	v.t.Helper()
	codes := map[string]int64{"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
	p := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Code: key, WindowsVirtualKeyCode: codes[key]}
	if key == "Enter" {
		p.Text = "\r"
	}
	do(v, input.DispatchKeyEvent, p)
	p.Type, p.Text = input.DispatchKeyEventTypeKeyUp, ""
	do(v, input.DispatchKeyEvent, p)
}

// still tells pages from the next one on that the visitor wants nothing to move.
func (v *visitor) still() {
	v.t.Helper()
	do(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// slow makes this page's processor rate times slower.
func (v *visitor) slow(rate float64) {
	do(v, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: rate})
}

// line is a network between the visitor and the server.
type line struct {
	offline bool
	latency time.Duration
	rate    float64 // bytes a second either way, -1 for as fast as it goes
}

var (
	fast   = line{rate: -1}
	away   = line{offline: true}
	slow3G = line{latency: 400 * time.Millisecond, rate: 50_000}
)

// over puts a line between the visitor and the server.
func (v *visitor) over(l line) {
	v.t.Helper()
	do(v, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{{
		Offline: l.offline, Latency: float64(l.latency.Milliseconds()), DownloadThroughput: l.rate, UploadThroughput: l.rate,
	}}})
	do(v, network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: l.offline, Latency: float64(l.latency.Milliseconds()), DownloadThroughput: l.rate, UploadThroughput: l.rate,
	})
}
