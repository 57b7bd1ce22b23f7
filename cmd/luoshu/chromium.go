package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

const (
	// browserPatience is how long a browser may take to end by itself.
	browserPatience = 5 * time.Second
	maxMessage      = 512 << 20 // bytes of one message of a browser
)

// browserNames are what Chromium is called, browserPlaces where it is without being in the
// path.
var (
	browserNames  = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge"}
	browserPlaces = map[string][]string{
		"darwin": {
			"/Applications/Chromium.app/Contents/MacOS/Chromium",
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
		},
		"windows": {
			`C:\Program Files\Google\Chrome\Application\chrome.exe`,
			`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`,
		},
	}
)

// findBrowser returns the path of a Chromium: path itself, or one that this machine has.
func findBrowser(path string) (string, error) {
	if path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return "", usage("--browser：%v", "--browser: %v", err)
		}
		return found, nil
	}
	for _, name := range append(browserNames, browserPlaces[runtime.GOOS]...) {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", usage("本机没有 Chromium 浏览器。请安装（Debian、Ubuntu：sudo apt install chromium），或用 --browser 指明路径",
		"this machine has no Chromium. Install it (Debian: sudo apt install chromium) or say where it is with --browser")
}

// browser is a Chromium with one page, driven over two pipes (the DevTools protocol): no
// port is opened and nobody else can drive it.
type browser struct {
	cmd     *exec.Cmd
	folder  string // its profile, home and temporary files
	in      *os.File
	out     *os.File
	read    *bufio.Reader
	calls   int
	session string
	stop    func() bool
	ended   chan struct{}
}

// startBrowser starts the Chromium at path with an empty page. It ends with ctx, or by
// close, and leaves nothing behind.
func startBrowser(ctx context.Context, path string) (*browser, error) {
	folder, err := os.MkdirTemp("", "luoshu-print-")
	if err != nil {
		return nil, err
	}
	b := &browser{folder: folder, ended: make(chan struct{})}
	args := []string{
		"--headless=new", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
		"--password-store=basic", "--use-mock-keychain", "--hide-scrollbars", "--force-color-profile=srgb",
		// It prints what this program shows, and asks nobody else.
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--user-data-dir=" + filepath.Join(folder, "profile"),
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // it has none for root
	}
	b.cmd = exec.Command(path, append(args, "about:blank")...) //nolint:gosec,noctx // G204: the operator's own browser; ended by end, which asks it first
	b.cmd.Env = append(os.Environ(), "HOME="+folder, "TMPDIR="+folder, "XDG_CONFIG_HOME="+folder, "XDG_CACHE_HOME="+folder)
	if err := b.start(); err != nil {
		_ = os.RemoveAll(folder)
		return nil, notStarted(path, err)
	}
	b.read = bufio.NewReader(b.out)
	go func() {
		_ = b.cmd.Wait()
		close(b.ended)
	}()
	b.stop = context.AfterFunc(ctx, b.kill)
	if err := b.attach(); err != nil {
		b.close()
		return nil, errors.Join(ctx.Err(), notStarted(path, err))
	}
	return b, nil
}

func notStarted(path string, err error) error {
	return catalog.NewTextError(err, catalog.Text{ZH: "浏览器 %s 不能启动：%v", EN: "the browser %s does not start: %v"}, path, err)
}

// attach takes hold of the page.
func (b *browser) attach() error {
	var targets struct {
		TargetInfos []struct {
			TargetID string `json:"targetId"`
			Type     string `json:"type"`
		} `json:"targetInfos"`
	}
	if err := b.call("Target.getTargets", nil, &targets); err != nil {
		return err
	}
	target := ""
	for _, t := range targets.TargetInfos {
		if t.Type == "page" {
			target = t.TargetID
		}
	}
	if target == "" {
		var made struct {
			TargetID string `json:"targetId"`
		}
		if err := b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &made); err != nil {
			return err
		}
		target = made.TargetID
	}
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	err := b.call("Target.attachToTarget", map[string]any{"targetId": target, "flatten": true}, &attached)
	b.session = attached.SessionID
	return err
}

// close ends the browser and removes what it wrote.
func (b *browser) close() {
	b.stop()
	b.session = ""
	_ = b.send("Browser.close", nil) // it may close the pipe rather than answer
	select {
	case <-b.ended:
	case <-time.After(browserPatience):
	}
	b.kill()
	<-b.ended
	_ = b.in.Close()
	_ = b.out.Close()
	// Helpers of the browser may still be about to end.
	for range 20 {
		if os.RemoveAll(b.folder) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (b *browser) send(method string, params any) error {
	b.calls++
	m, err := json.Marshal(struct {
		ID      int    `json:"id"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitzero"`
		Session string `json:"sessionId,omitzero"`
	}{b.calls, method, params, b.session})
	if err == nil {
		_, err = b.in.Write(append(m, 0))
	}
	return err
}

// call calls a method of the protocol and waits for its answer.
func (b *browser) call(method string, params, result any) error {
	if err := b.send(method, params); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for {
		line, err := b.message()
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		var m struct {
			ID     int            `json:"id"`
			Result jsontext.Value `json:"result"`
			Error  struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case m.ID != b.calls: // an event
			continue
		case m.Error.Message != "":
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	}
}

// message reads a message, which a zero byte ends.
func (b *browser) message() ([]byte, error) {
	var m []byte
	for {
		part, err := b.read.ReadSlice(0)
		m = append(m, part...)
		switch {
		case err == nil:
			return m[:len(m)-1], nil
		case len(m) > maxMessage:
			return nil, errors.New("a message without end")
		case !errors.Is(err, bufio.ErrBufferFull):
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// open goes to address and waits until everything on the page is there.
func (b *browser) open(address string) error {
	var went struct {
		ErrorText string `json:"errorText"`
	}
	if err := b.call("Page.navigate", map[string]any{"url": address}, &went); err != nil {
		return err
	}
	if went.ErrorText != "" {
		return fmt.Errorf("open: %s", went.ErrorText)
	}
	return b.evaluate(`new Promise(done => document.readyState === "complete" ? done() : addEventListener("load", () => done()))`, nil)
}

// evaluate runs an expression in the page and waits for what it promises. It is the
// program that speaks to the page here: the page itself has no script.
func (b *browser) evaluate(expression string, result any) error {
	var r struct {
		Result struct {
			Value jsontext.Value `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	switch {
	case err != nil:
		return err
	case r.Exception != nil:
		return fmt.Errorf("page: %s %s", r.Exception.Text, r.Exception.Exception.Description)
	case result == nil:
		return nil
	}
	return json.Unmarshal(r.Result.Value, result)
}

// pdf prints the page, with tags and bookmarks, on the paper its style sheet asks for.
func (b *browser) pdf() ([]byte, error) {
	var printed struct {
		Data string `json:"data"`
	}
	err := b.call("Page.printToPDF", map[string]any{
		"printBackground": true, "preferCSSPageSize": true, "generateTaggedPDF": true, "generateDocumentOutline": true,
	}, &printed)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(printed.Data)
}
