package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/go-json-experiment/json"
)

// watch sees all that a tab does. Its method see is called in the order of events.
type watch struct {
	base string // the only server there may be

	mu       sync.Mutex
	main     cdp.FrameID
	faults   []string
	forgiven []*regexp.Regexp
	loads    int // documents that were loaded or brought back whole
	status   int64
	loaded   map[network.RequestID]*resource // since the last document began
}

// resource is one answer of the server.
type resource struct {
	URL   string
	Kind  network.ResourceType
	Bytes float64 // as transferred, headers included
}

func newWatch(base string) *watch {
	return &watch{base: base, loaded: map[network.RequestID]*resource{}}
}

func (w *watch) see(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		w.request(ev)
	case *network.EventResponseReceived:
		if ev.Type == network.ResourceTypeDocument && (ev.FrameID == w.main || w.main == "") {
			w.status = ev.Response.Status
		}
	case *network.EventLoadingFinished:
		if r := w.loaded[ev.RequestID]; r != nil {
			r.Bytes = ev.EncodedDataLength
		}
	case *network.EventWebSocketCreated:
		w.fault("opens a socket to %s", ev.URL)
	case *network.EventLoadingFailed:
		if r := w.loaded[ev.RequestID]; r != nil && !ev.Canceled {
			w.fault("%s was not loaded: %s %s", r.URL, ev.ErrorText, ev.BlockedReason)
		}
	case *page.EventLoadEventFired:
		w.loads++
	case *page.EventFrameNavigated:
		if ev.Frame.ParentID == "" {
			w.main = ev.Frame.ID
			if ev.Type == page.NavigationTypeBackForwardCacheRestore {
				w.loads++
			}
		}
	case *page.EventJavascriptDialogOpening:
		w.fault("shows a dialog: %s", ev.Message)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeAssert || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			var said []string
			for _, a := range ev.Args {
				said = append(said, strings.TrimSpace(string(a.Value)+" "+a.Description))
			}
			w.fault("console.%s: %s", ev.Type, strings.Join(said, " "))
		}
	case *runtime.EventExceptionThrown:
		d := ev.ExceptionDetails
		text := d.Text
		if d.Exception != nil {
			text += " " + d.Exception.Description
		}
		w.fault("%s:%d: %s", d.URL, d.LineNumber+1, text)
	case *log.EventEntryAdded:
		// That a document was not answered with 200 is for the test to judge: it asked.
		r := w.loaded[ev.Entry.NetworkRequestID]
		asked := ev.Entry.Source == log.EntrySourceNetwork && r != nil && r.Kind == network.ResourceTypeDocument
		if !asked && (ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning) {
			w.fault("%s: %s %s", ev.Entry.Source, ev.Entry.Text, ev.Entry.URL)
		}
	case *audits.EventIssueAdded:
		// What hints there are at forms is for axe to judge.
		if g := ev.Issue.Details.GenericIssueDetails; g != nil && strings.HasPrefix(string(g.ErrorType), "Form") {
			return
		}
		b, _ := json.Marshal(ev.Issue.Details)
		w.fault("%s %s", ev.Issue.Code, b)
	case *inspector.EventTargetCrashed:
		w.fault("the page crashed")
	}
}

func (w *watch) request(ev *network.EventRequestWillBeSent) {
	url := ev.Request.URL
	switch scheme, _, _ := strings.Cut(url, ":"); scheme {
	case "data", "blob", "about":
		return
	}
	if url != w.base && !strings.HasPrefix(url, w.base+"/") {
		w.fault("asks another server: %s", url)
	}
	if ev.Type == network.ResourceTypeDocument && string(ev.RequestID) == string(ev.LoaderID) {
		clear(w.loaded)
	}
	w.loaded[ev.RequestID] = &resource{URL: url, Kind: ev.Type}
}

// fault notes what must not happen; once is enough.
func (w *watch) fault(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	for _, f := range w.forgiven {
		if f.MatchString(s) {
			return
		}
	}
	if !slices.Contains(w.faults, s) {
		w.faults = append(w.faults, s)
	}
}

func (w *watch) loadsSoFar() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loads
}

func (w *watch) faultsSoFar() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.faults)
}
