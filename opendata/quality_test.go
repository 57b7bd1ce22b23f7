package opendata_test

import (
	"context"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/opendata"
)

// serveMeasured returns an app whose release has been measured.
func serveMeasured(t testing.TB, s *shelf) *fiber.App {
	t.Helper()
	x := opendata.NewExporter(opendata.ExporterConfig{Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	x.Swap(s.Current())
	app := serve(t, s, func(c *opendata.Config) { c.Exporter = x })
	for begun := time.Now(); get(t, app, "/api/v1/quality").status != http.StatusOK; time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatal("not measured after a minute")
		}
	}
	return app
}

// TestQuality shows the answers in full, and that they are the release's and not the
// node's.
func TestQuality(t *testing.T) {
	app, again := serveMeasured(t, demo(t)), serveMeasured(t, demo(t))
	for name, path := range map[string]string{"quality": "/api/v1/quality", "quality-registration": "/api/v1/quality/registration"} {
		a, b := get(t, app, path), get(t, again, path)
		golden(t, name, "GET "+path+"\n"+a.String())
		if a.String() != b.String() {
			t.Errorf("%s differs between two nodes", path)
		}
		if c := get(t, app, path, "If-None-Match", a.header.Get("ETag")); c.status != http.StatusNotModified {
			t.Errorf("%s with its ETag = %d", path, c.status)
		}
	}
}

type qualityAnswer struct {
	Data struct {
		Indicators []struct {
			Figures     []string
			NotMeasured catalog.Text `json:"not_measured"`
			Note        catalog.Text
		}
		Figures []struct {
			Name, Address     string
			Value             *float64
			Label, Definition catalog.Text
		}
		Links struct {
			Broken   int
			Examples []struct{ Record, Field, Value string }
		}
	}
}

// TestIndicators: every indicator is measured or says why not, and every figure has a
// definition and an address that answers.
func TestIndicators(t *testing.T) {
	app := serveMeasured(t, asPublished(t))
	var q qualityAnswer
	get(t, app, "/api/v1/quality").decode(t, &q)
	defined := map[string]bool{}
	for _, f := range q.Data.Figures {
		if defined[f.Name] || f.Value == nil || f.Label.ZH == "" || f.Label.EN == "" || f.Definition.ZH == "" || f.Definition.EN == "" {
			t.Errorf("figure %+v", f)
		}
		defined[f.Name] = true
		if a := get(t, app, f.Address); a.status != http.StatusOK && f.Address != "/api/v1/exports" {
			t.Errorf("figure %s is at %s = %d", f.Name, f.Address, a.status)
		}
	}
	used := map[string]bool{}
	for _, i := range q.Data.Indicators {
		if len(i.Figures) == 0 && i.NotMeasured.ZH == "" || (i.NotMeasured.ZH == "") != (i.NotMeasured.EN == "") || (i.Note.ZH == "") != (i.Note.EN == "") {
			t.Errorf("indicator %+v", i)
		}
		for _, name := range i.Figures {
			if used[name] = true; !defined[name] {
				t.Errorf("no figure %s", name)
			}
		}
	}
	if names := opendata.FigureNames(); len(names) != len(defined) || len(used) != len(defined) {
		t.Errorf("%d figures computed, %d defined, %d used", len(names), len(defined), len(used))
	}
}

// TestBrokenLink: a link to nothing is found and shown.
func TestBrokenLink(t *testing.T) {
	nobody := named(catalog.Organizations, "nobody")
	r := release(t, 1, "", edit{achievements: 2})
	i := slices.IndexFunc(r.Entries, func(e catalog.Entry) bool { return e.Dataset == catalog.Achievements })
	rec, err := catalog.Decode(catalog.Achievements, r.Entries[i].Raw)
	if err != nil {
		t.Fatal(err)
	}
	rec.Head().Market = nobody
	if r.Entries[i].Raw, err = catalog.Canonical(rec); err != nil {
		t.Fatal(err)
	}
	s := newShelf()
	s.publish(t, r)
	app := serveMeasured(t, s)
	var q qualityAnswer
	get(t, app, "/api/v1/quality").decode(t, &q)
	if l := q.Data.Links; l.Broken != 1 || len(l.Examples) != 1 || l.Examples[0].Value != string(nobody) || l.Examples[0].Field != "market" {
		t.Errorf("links = %+v", l)
	}
	page := get(t, app, "/quality").body
	if !strings.Contains(page, string(nobody)) || strings.Contains(page, "没有查出断开的关联") {
		t.Error("the page does not show the broken link")
	}
}

// TestNotMeasuredYet: while a release is measured its figures are announced, and a node
// that never measures says so.
func TestNotMeasuredYet(t *testing.T) {
	s := demo(t)
	pending := serve(t, s, func(c *opendata.Config) { c.Exporter = opendata.NewExporter(opendata.ExporterConfig{}) })
	never, empty := serve(t, s), serve(t, newShelf())
	for _, path := range []string{"/api/v1/quality", "/api/v1/quality/registration"} {
		if a := get(t, pending, path); a.status != 503 || a.header.Get("Retry-After") != "5" || !strings.Contains(a.body, "quality-pending") {
			t.Errorf("%s before it is measured: %s", path, a)
		}
		if a := get(t, never, path); a.status != 503 || !strings.Contains(a.body, "#unavailable") {
			t.Errorf("%s where nothing is measured: %s", path, a)
		}
	}
	for _, path := range []string{"/quality", "/quality/registration"} {
		for app, text := range map[*fiber.App]string{pending: "正在计算", never: "不计算", empty: "不计算"} {
			if a := get(t, app, path); a.status != 200 || a.header.Get("Cache-Control") != "no-store" || !strings.Contains(a.body, text) {
				t.Errorf("%s does not say %s: %s", path, text, a)
			}
		}
	}
}

// TestQualityPages holds the pages with figures to what all pages are held to.
func TestQualityPages(t *testing.T) {
	app := serveMeasured(t, asPublished(t))
	for _, path := range []string{"/quality", "/quality/registration", "/quality/service"} {
		for _, lang := range []string{"", "?lang=en"} {
			a := get(t, app, path+lang)
			if a.status != 200 || strings.Contains(a.body, "<style") || strings.Contains(a.body, "<script") || strings.Contains(a.body, " style=") {
				t.Errorf("%s%s = %d, or has inline style or script", path, lang, a.status)
			}
			if same := a.body == get(t, app, path+lang).body; !same && path != "/quality/service" {
				t.Errorf("%s%s changes within a release", path, lang)
			}
			for _, m := range href.FindAllStringSubmatch(a.body, -1) {
				to := html.UnescapeString(m[1])
				anchor, inside := strings.CutPrefix(to, "#")
				switch first, _, _ := strings.Cut(strings.TrimPrefix(to, "/"), "/"); {
				case inside:
					if !strings.Contains(a.body, `id="`+anchor+`"`) {
						t.Errorf("%s leads to %s, which is not there", path, to)
					}
				case first == "static", first == "", strings.HasPrefix(to, "/?"), first == string(catalog.Organizations), to == "/api/v1/exports":
					// The pages of records and the files are of others.
				default:
					if got := get(t, app, to); got.status != 200 {
						t.Errorf("%s leads to %s = %d", path, to, got.status)
					}
				}
			}
		}
	}
}

// TestService: answers count in their class and by their status, and what is told of
// them has no ETag.
func TestService(t *testing.T) {
	app := serve(t, demo(t))
	record := "/api/v1/achievements/" + string(named(catalog.Achievements, "0"))
	tag := get(t, app, record).header.Get("ETag")
	get(t, app, record, "If-None-Match", tag)
	get(t, app, "/api/v1/achievements/12")
	get(t, app, "/api/v1/achievements?q=1")
	get(t, app, "/api/v1/search?q=1")
	get(t, app, "/api/v1/exports/achievements.csv")
	a := get(t, app, "/api/v1/quality/service")
	if a.header.Get("ETag") != "" || a.header.Get("Last-Modified") != "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a measurement that can be kept: %s", a)
	}
	var got struct {
		Data struct {
			Classes []struct {
				Class    string
				Answers  int
				Statuses map[string]int
				P50      int64 `json:"p50_us"`
				P99      int64 `json:"p99_us"`
			}
		}
	}
	a.decode(t, &got)
	want := map[string]map[string]int{
		"record":   {"2xx": 1, "3xx": 1, "4xx": 1, "5xx": 0},
		"list":     {"2xx": 2, "3xx": 0, "4xx": 0, "5xx": 0},
		"download": {"2xx": 0, "3xx": 0, "4xx": 0, "5xx": 1},
	}
	for _, c := range got.Data.Classes {
		answers := 0
		for status, n := range c.Statuses {
			if answers += n; n != want[c.Class][status] {
				t.Errorf("%s: %s = %d, want %d", c.Class, status, n, want[c.Class][status])
			}
		}
		if c.Answers != answers || answers > 0 && (c.P50 == 0 || c.P99 < c.P50) {
			t.Errorf("%+v", c)
		}
	}
}
