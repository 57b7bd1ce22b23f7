package kiosk

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/demo"
	"luoshu/catalog/snapshot"
)

// TestSpots: the table of the map agrees with the list of divisions, covers the city as
// it is now, and puts no two in one place.
func TestSpots(t *testing.T) {
	list := catalog.LookupCodeList("division")
	seen := map[[2]int]string{}
	for code, s := range spots() {
		c, ok := list.Lookup(code)
		if !ok || c.Successor != "" {
			t.Errorf("%s is no division of today", code)
		}
		if !strings.HasPrefix(c.Label.ZH, s.name.ZH) && !strings.Contains(strings.Join(c.Aliases, " "), s.name.ZH) && c.Label.ZH != s.name.ZH {
			t.Errorf("%s is called %s, on the map %s", code, c.Label.ZH, s.name.ZH)
		}
		at := [2]int{s.column, s.row}
		if other := seen[at]; other != "" || s.column < 1 || s.column > 6 || s.row < 1 || s.row > 6 {
			t.Errorf("%s stands at %v, with %q", code, at, other)
		}
		seen[at] = code
	}
	for _, c := range list.Codes() {
		if _, ok := spots()[c.Code]; !ok && strings.HasPrefix(c.Code, "4103") && !strings.HasSuffix(c.Code, "00") && c.Successor == "" {
			t.Errorf("%s %s is not on the map", c.Code, c.Label.ZH)
		}
	}
	if got := strings.Join(spots()["410308"].at().values, " "); got != "410306 410308 410322" {
		t.Errorf("Mengjin finds %s, want what it was made of too", got)
	}
}

func TestReached(t *testing.T) {
	for _, test := range []struct {
		asOf, operator string
		value          float64
		provisional    bool
		want           string
	}{
		{"2020-12-31", "gte", 100, false, "yes"},
		{"2020-12-31", "gt", 100, false, "no"},
		{"2020", "lte", 101, false, "no"},
		{"2020-12-31", "gte", 120, true, ""}, // not settled yet
		{"2019-12-31", "gte", 120, false, ""},
		{"2020-12-31", "", 120, false, ""},
	} {
		b := bar{number: test.value, AsOf: value{Time: test.asOf}, Provisional: test.provisional}
		if got := reached([]bar{b}, "2020", test.operator, 100); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestHeat(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 20: 1, 34: 2, 67: 3, 100: 4} {
		if got := heat(n, 100); got != want {
			t.Errorf("heat(%d of 100) = %d, want %d", n, got, want)
		}
	}
	if a, b, c := radius(0, 9), radius(9, 9), radius(1, 9); a != "2.0" || b != "15.0" || c != "5.0" {
		t.Errorf("radii %s %s %s: the area says how many", a, b, c)
	}
}

var demoSnapshot = sync.OnceValue(func() *snapshot.Snapshot {
	p, err := demo.Build(context.Background())
	must(err)
	s, err := snapshot.New(context.Background(), p.Release)
	must(err)
	return s
})

// demoSite shows the demonstration on the terminal in the Jianxi market.
func demoSite(t testing.TB, change ...func(*Config)) func(url string) *node {
	app, r := site(t, change...)
	r.current.Store(demoSnapshot())
	return func(url string) *node {
		t.Helper()
		resp, page := get(t, app, url)
		if resp.status != 200 {
			t.Fatalf("GET %s = %d", url, resp.status)
		}
		return parse(t, page)
	}
}

// TestBoards: every number on the pages of the city leads to as many records.
func TestBoards(t *testing.T) {
	const enough = 12 // of a page: the square, and some behind it
	open := demoSite(t)
	for _, url := range []string{"/places", "/fields", "/industries", "/readiness", "/readiness?tech_fields=materials", "/places/410311"} {
		main := open(url).all("main")[0]
		n := 0
		for _, a := range main.all("a") {
			if n == enough {
				break
			}
			if !strings.HasPrefix(a.attrs["href"], "/search?") {
				continue
			}
			count := ""
			for _, e := range append(a.all("b"), a.classed("count")...) {
				if text := strings.Fields(e.read()); count == "" && len(text) > 0 {
					count = text[0]
				}
			}
			found := open(a.attrs["href"]).classed("found")[0].read()
			if found != fmt.Sprintf("找到%s条", count) {
				t.Errorf("%s: %q leads to %q", url, a.read(), found)
			}
			n++
		}
		if n == 0 && url != "/places" {
			t.Errorf("%s leads nowhere", url)
		}
	}
}

// TestMarkets: the tree begins with this terminal's market, and its page has what
// belongs to it.
func TestMarkets(t *testing.T) {
	open := demoSite(t)
	branches := open("/markets").classed("branches")[0].all("a")
	if len(branches) != 16 || !strings.Contains(branches[0].read(), "涧西分市场 本市场") || !strings.Contains(branches[1].read(), "洛阳市") {
		t.Fatalf("%d markets, first %q", len(branches), branches[0].read())
	}
	page := open(branches[0].attrs["href"]).read()
	for _, want := range []string{"24 成果", "到哪里问", "所在区县", "这里的指标"} {
		if !strings.Contains(page, want) {
			t.Errorf("the market's page lacks %q", want)
		}
	}
}

// TestBases: the sums are those of the carriers, and a designation narrows them.
func TestBases(t *testing.T) {
	open := demoSite(t)
	kinds := open("/bases").classed("branches")[0].all("a")
	if got := kinds[0].read(); got != "科技企业孵化器 国家级 1 · 省级 2 · 市级 5 143,400平方米 · 在孵企业421家 · 截至 2026年9月30日 8" {
		t.Errorf("first kind %q", got)
	}
	cards := open("/bases?kind=incubator&level=provincial").classed("card")
	if len(cards) != 2 || !strings.Contains(cards[0].read(), "26,800平方米 在孵企业73家 截至2026年9月30日") {
		t.Errorf("%d cards, first %q", len(cards), cards[0].read())
	}
}

// TestDualUse: each direction has its own records, every one with its clearance.
func TestDualUse(t *testing.T) {
	open := demoSite(t)
	for direction, want := range map[string]int{"military-to-civil": 6, "civil-to-military": 5} {
		cards := open("/dual-use?direction=" + direction).classed("card")
		if len(cards) != want {
			t.Errorf("%s: %d cards, want %d", direction, len(cards), want)
		}
		for _, c := range cards {
			if !strings.Contains(c.read(), "审查日期") {
				t.Errorf("without clearance: %q", c.read())
			}
		}
	}
}

// TestQuiet: what only a link chooses by can be let go of, and is not offered.
func TestQuiet(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	_, page := get(t, app, "/search?dataset=achievements&market="+string(f.id["market"]))
	root := parse(t, page)
	if kept := root.classed("fold")[0].classed("chip"); len(kept) != 1 || !strings.Contains(kept[0].read(), "涧西分市场") {
		t.Errorf("kept %d", len(kept))
	}
	if _, page := get(t, app, "/search?dataset=achievements"); strings.Contains(page, "market=") {
		t.Error("the market is offered")
	}
}

// TestNewestFirst: editions and cases begin with the newest.
func TestNewestFirst(t *testing.T) {
	open := demoSite(t, func(c *Config) { c.Terminal = "" }) // no market goes first
	for _, url := range []string{"/catalogs", "/cases"} {
		last := "9999"
		for _, c := range open(url).classed("card") {
			for _, fact := range c.classed("fact") {
				text := strings.Fields(fact.read())
				day, err := time.Parse("2006年1月2日", text[len(text)-1])
				if err != nil {
					continue
				}
				if d := day.Format(time.DateOnly); d > last {
					t.Errorf("%s: %s after %s", url, d, last)
				} else {
					last = d
				}
			}
		}
		if last == "9999" {
			t.Errorf("%s shows no day", url)
		}
	}
}
