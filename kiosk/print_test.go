package kiosk

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/qr"
	"luoshu/catalog/snapshot"
)

// TestPrintAddresses: what can be printed, and what is refused.
func TestPrintAddresses(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	for _, tt := range []struct {
		path    string
		status  int
		entries int
	}{
		{"/print/catalog", 200, 22},
		{"/print/catalog?trl.gte=8&trl.lte=8", 200, 2},
		{"/print/catalog?trl.in=7,8&lang=en&format=a6", 200, 5},
		{"/print/catalog?trl=7&trl=8", 200, 5},
		{"/print/catalog?dataset=organizations&kinds=market&format=a5&bleed=3", 200, 1},
		{"/print/catalog?q=短记录", 200, 1},
		{"/print/packages/" + string(f.id["listing"]), 200, 1}, // the others are withdrawn
		{"/print/listings/" + string(f.id["short"]), 200, 1},
		{"/print/listings/" + string(f.full[catalog.Indicators]), 200, 1},
		{"/print/list/" + string(f.id["short"]) + "," + string(f.id["gone"]) + "," + string(f.full[catalog.Events]) + "?format=a5", 200, 2},
		{"/print/list/" + strings.ToLower(string(f.id["short"])) + ",nonsense", 200, 1},
		{"/print/list/" + string(f.id["gone"]), 404, 0},
		{"/print/list/nonsense", 404, 0},
		{"/print/list/" + string(f.id["short"]) + "?trl=7", 400, 0},
		{"/print/listings/" + string(f.id["gone"]), 410, 0},
		{"/print/packages/" + string(f.id["short"]), 404, 0},
		{"/print/packages/nonsense", 404, 0},
		{"/print/catalog?q=没有的东西", 404, 0},
		{"/print/catalog?feild=1", 400, 0},
		{"/print/catalog?trl.gte=seven", 400, 0},
		{"/print/catalog?title.gte=a", 400, 0},
		{"/print/catalog?sort=length", 400, 0},
		{"/print/catalog?dataset=things", 400, 0},
		{"/print/catalog?format=b5", 400, 0},
		{"/print/catalog?bleed=50", 400, 0},
		{"/print/catalog?lang=zh&lang=en", 400, 0},
		{"/print/listings/" + string(f.id["short"]) + "?trl=7", 400, 0},
	} {
		r, body := get(t, app, tt.path)
		if r.status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.path, r.status, tt.status)
			continue
		}
		if r.status != 200 {
			continue
		}
		page := parse(t, body)
		if n := len(page.classed("entry")); n != tt.entries {
			t.Errorf("%s: %d entries, want %d", tt.path, n, tt.entries)
		}
		if scripts := page.all("script"); len(scripts) > 0 {
			t.Errorf("%s: a print has no script", tt.path)
		}
		css := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body)[1]
		sum := sha256.Sum256([]byte(css))
		if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("%s: the policy does not allow the style of the page: %s", tt.path, policy)
		}
		for _, a := range page.all("a") {
			if !strings.HasPrefix(a.attrs["href"], "#") {
				t.Errorf("%s: a link on paper: %s", tt.path, a.attrs["href"])
			}
		}
	}
}

// manyResults returns a release of n achievements.
func manyResults(n int) *snapshot.Snapshot {
	d := catalog.NewDraft(nil, time.Unix(0, 0))
	for i := range n {
		putRecord(d, strconv.Itoa(i), &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: fmt.Sprint("成果", i)}})
	}
	publication, err := d.Build(context.Background(), catalog.BuildOptions{})
	must(err)
	return snapshotOf(publication.Release)
}

// TestPrintIsBounded: a node prints less for anybody than luoshu print does for who runs it,
// and either says how much.
func TestPrintIsBounded(t *testing.T) {
	for _, tt := range []struct {
		printed, entries int
		says             string // empty: it is printed
	}{
		{0, mostServed, ""},
		{0, mostServed + 1, "luoshu print"},
		{0, MostPrinted + 1, strconv.Itoa(MostPrinted)},
		{MostPrinted, mostServed + 1, ""},
		{MostPrinted, MostPrinted + 1, strconv.Itoa(MostPrinted)},
	} {
		h, err := New(Config{Reader: readerOf(manyResults(tt.entries)), Printed: tt.printed})
		must(err)
		switch err := h.Printable("/print/catalog", url.Values{}); {
		case tt.says == "" && err != nil:
			t.Errorf("%d entries: %v", tt.entries, err)
		case tt.says != "" && (err == nil || !strings.Contains(catalog.ErrorText(err, "zh"), tt.says) || !strings.Contains(catalog.ErrorText(err, "en"), tt.says)):
			t.Errorf("%d entries: %v, want %q", tt.entries, err, tt.says)
		}
	}
}

// TestPress: a print waits for its turn, is sent away when that does not come, and is laid
// out once for a release.
func TestPress(t *testing.T) {
	f := testRelease()
	h, err := New(Config{Reader: readerOf(f.snap), BaseURL: func(*catalog.Manifest) (string, catalog.Text) { return testBase, catalog.Text{} }})
	must(err)
	app := fiber.New()
	h.Routes(app)
	h.press.patience = time.Millisecond
	for range cap(h.press.slots) {
		h.press.slots <- struct{}{}
	}
	if r, _ := get(t, app, "/print/catalog"); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("status %d while others print", r.status)
	}
	for range cap(h.press.slots) {
		<-h.press.slots
	}
	_, first := get(t, app, "/print/catalog")
	for range cap(h.press.slots) {
		h.press.slots <- struct{}{}
	}
	if r, again := get(t, app, "/print/catalog"); r.status != 200 || again != first {
		t.Errorf("status %d of what was printed before", r.status)
	}
	for i := range 3 { // whatever is kept takes bounded memory
		h.press.keep("another", strconv.Itoa(i), make([]byte, mostPressed/2))
		h.press.keep("another", "too large", make([]byte, mostPressed+1))
	}
	if h.press.size > mostPressed || len(h.press.kept) != 2 {
		t.Errorf("%d prints of %d bytes are kept", len(h.press.kept), h.press.size)
	}
}

func putRecord(d *catalog.Draft, key string, r catalog.Record) catalog.ID {
	h := r.Head()
	var err error
	h.ID, h.Source, err = d.Identify(h.Dataset, publisher, key)
	must(err)
	h.Publisher = publisher
	e, change, err := d.Encode(r)
	must(err)
	must(d.Put(e, change))
	return h.ID
}

// TestPrintedEdition: the codes of a package carry the number of its edition as long as
// that stands, and none once something has changed.
func TestPrintedEdition(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	build := func(d *catalog.Draft) *catalog.Release {
		p, err := d.Build(context.Background(), catalog.BuildOptions{})
		must(err)
		return p.Release
	}
	d := catalog.NewDraft(nil, now)
	result := &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: "甲"}}
	id := putRecord(d, "a", result)
	pack := putRecord(d, "p", &catalog.Package{Header: catalog.Header{Dataset: catalog.Packages, Title: "包"}, Items: []catalog.Ref{id}})
	edition, change, err := d.Print(publisher, pack)
	must(err)
	if change != catalog.Added || edition.Printing.Placement() != "P1" || edition.IssuedOn != "2026-11-20" {
		t.Fatalf("%v: %+v", change, edition)
	}
	first := build(d)
	app, r := site(t)
	expect := func(release *catalog.Release, placement, says string) {
		t.Helper()
		r.current.Store(snapshotOf(release))
		_, body := get(t, app, "/print/packages/"+string(pack))
		payload, err := qr.Payload(testBase, id, placement)
		must(err)
		code, err := qr.New(payload, qr.Print)
		must(err)
		if !strings.Contains(body, code.Path()) || !strings.Contains(body, says) {
			t.Errorf("the print has no code %s, or does not say %q", payload, says)
		}
	}
	expect(first, "P1", "第1号印本 · 2026年11月20日")

	d = catalog.NewDraft(first, now.Add(time.Hour))
	if again, change, err := d.Print(publisher, pack); err != nil || change != catalog.Unchanged || again.ID != edition.ID {
		t.Errorf("printed again: %v %v", change, err)
	}
	if kept := d.Published(publisher, catalog.Catalogs); len(kept) != 0 {
		t.Error("a file that lacks the edition would withdraw it")
	}
	result.Abstract = "改过"
	putRecord(d, "a", result)
	second := build(d)
	expect(second, catalog.Unnumbered, "未编号打印")

	d = catalog.NewDraft(second, now.Add(2*time.Hour))
	next, change, err := d.Print(publisher, pack)
	must(err)
	if change != catalog.Added || next.Printing.Number != 2 || len(next.PrintedDigests) != 1 || next.Edition != "第2次印刷" {
		t.Errorf("printed anew: %v %+v", change, next)
	}
	expect(build(d), "P2", "第2号印本")
	if _, _, err := d.Print(publisher, id); err == nil {
		t.Error("an achievement is no package")
	}
}

// TestCSSString: nothing in a text ends the string or the element around it.
func TestCSSString(t *testing.T) {
	for in, want := range map[string]string{
		"洛书 3":       `"洛书\0000203"`,
		`"}</style>`: `"\000022\00007d\00003c\00002fstyle\00003e"`,
		"a\nb\\":     `"a\00000ab\00005c"`,
	} {
		if got := cssString(in); got != want {
			t.Errorf("%q became %s, want %s", in, got, want)
		}
	}
}

// BenchmarkPrint is the largest print that anybody may ask for, as it is laid out for the
// first time and with its codes drawn before; and one too large, of 10,000 records.
func BenchmarkPrint(b *testing.B) {
	large, err := catalogtest.Publish(b.Context(), nil, 1, 10_000)
	must(err)
	few := *large.Release
	few.Entries = few.Entries[:mostServed]
	for _, print := range []struct {
		name string
		snap *snapshot.Snapshot
		kept bool
	}{{"first", snapshotOf(&few), false}, {"codes-kept", snapshotOf(&few), true}, {"too-large", snapshotOf(large.Release), false}} {
		b.Run(print.name, func(b *testing.B) {
			h, err := New(Config{Reader: readerOf(print.snap), BaseURL: func(*catalog.Manifest) (string, catalog.Text) { return testBase, catalog.Text{} }})
			must(err)
			app := fiber.New()
			h.Routes(app)
			handler := app.Handler()
			b.ReportAllocs()
			for b.Loop() {
				h.press = newPress()
				if !print.kept {
					h.printedCodes = qr.Cache{}
				}
				var c fasthttp.RequestCtx
				c.Request.SetRequestURI("/print/catalog")
				handler(&c)
				b.ReportMetric(float64(c.Response.StatusCode()), "status")
			}
		})
	}
}
