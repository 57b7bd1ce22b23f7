package e2e

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// chromium is the one browser of the tests; every visit has a context of its own in it,
// without cookies, storage or cache.
var chromium struct {
	sync.Mutex
	ctx     context.Context
	close   context.CancelFunc
	options []chromedp.ExecAllocatorOption // besides those of every test
}

// browser returns the context of the running browser, which it starts when there is none.
func browser(t testing.TB) context.Context {
	t.Helper()
	path := installed(t, "chromium", "chromium-browser", "google-chrome")
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.ctx != nil {
		return chromium.ctx
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], // headless, first-run and background chatter off, profile in a temporary folder
		chromedp.ExecPath(path),
		chromedp.Flag("no-sandbox", true), // root in a container has none
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		// The watcher tells of a request that leaves; this keeps it from arriving.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	)
	options = append(options, chromium.options...)
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeContext := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		closeContext()
		closeAllocator()
		t.Fatalf("%s does not start: %v", path, err)
	}
	chromium.ctx = ctx
	chromium.close = func() {
		_ = chromedp.Cancel(ctx)
		closeAllocator()
	}
	return ctx
}

func closeBrowser() {
	if chromium.close != nil {
		chromium.close()
	}
	chromium.ctx, chromium.close = nil, nil
}

// asOnTerminals lets the browser of this test have the flags of docs/debian/screen, but for
// those that need a screen. The other tests do without: their browser keeps pages behind
// Back, which is harder on what a page must forget.
func asOnTerminals(t testing.TB) {
	t.Helper()
	script, err := os.ReadFile("../docs/debian/screen")
	if err != nil {
		t.Fatal(err)
	}
	_, command, found := strings.Cut(string(script), "\nchromium ")
	closeBrowser()
	t.Cleanup(func() {
		closeBrowser()
		chromium.options = nil
	})
	for _, word := range strings.Fields(command) {
		name, isFlag := strings.CutPrefix(word, "--")
		name, value, valued := strings.Cut(name, "=")
		switch {
		case !isFlag || slices.Contains([]string{"kiosk", "ozone-platform", "user-data-dir"}, name):
		case valued:
			chromium.options = append(chromium.options, chromedp.Flag(name, value))
		default:
			chromium.options = append(chromium.options, chromedp.Flag(name, true))
		}
	}
	if !found || len(chromium.options) < 3 {
		t.Fatal("docs/debian/screen starts no browser")
	}
}

// installed returns the first of the programs that this machine has. Without any the
// test is skipped, but not where all of them should be.
func installed(t testing.TB, programs ...string) string {
	t.Helper()
	for _, p := range programs {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed; make test installs it", programs[0])
	}
	t.Skipf("%s is not installed; make test installs it", programs[0])
	return ""
}
