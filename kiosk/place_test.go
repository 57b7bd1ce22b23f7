package kiosk

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/demo"
	"luoshu/catalog/snapshot"
)

func TestOwnFirst(t *testing.T) {
	for _, test := range []struct {
		all  string
		own  string
		want string
		n    int
	}{
		{"", "a", "", 0}, {"abc", "", "abc", 0}, {"abc", "c", "cab", 1}, {"abcd", "bd", "bdac", 2}, {"abc", "abc", "abc", 3},
	} {
		all := []rune(test.all)
		n := ownFirst(all, func(r rune) bool { return strings.ContainsRune(test.own, r) })
		if string(all) != test.want || n != test.n {
			t.Errorf("%q of %q: %q, %d; want %q, %d", test.own, test.all, string(all), n, test.want, test.n)
		}
	}
}

// demoRelease is the demonstration, built once.
var demoRelease = sync.OnceValue(func() *snapshot.Snapshot {
	p, err := demo.Build(context.Background())
	must(err)
	return snapshotOf(p.Release)
})

// standing returns a terminal of the demonstration's branch in Jianxi, or of the market
// the release gives it.
func standing(t *testing.T, terminal, panel string) func(url string) (*node, string) {
	t.Helper()
	app, r := site(t, func(c *Config) { c.Terminal, c.Panel = terminal, panel })
	r.current.Store(demoRelease())
	return func(url string) (*node, string) {
		resp, page := get(t, app, url)
		if resp.status != 200 {
			t.Fatalf("GET %s = %d", url, resp.status)
		}
		return parse(t, page), page
	}
}

// TestPlace: a terminal's own market comes first in every list and can be had alone; off
// a terminal nothing of it is there.
func TestPlace(t *testing.T) {
	ask := standing(t, "K3", "")
	snap := demoRelease()
	terminal, ok := snap.Manifest().Terminal("K3")
	if !ok || terminal.Market == "" {
		t.Fatal("the demonstration has no terminal K3")
	}
	root, _ := ask("/organizations")
	first := root.classed("cards")[0].all("a")[0].attrs["href"]
	if want := "/organizations/" + string(terminal.Market); first != want {
		t.Errorf("the first organization is %s, want the terminal's own market %s", first, want)
	}
	for _, d := range []catalog.Dataset{catalog.Demands, catalog.Events, catalog.Achievements} {
		root, _ := ask("/" + string(d))
		chip := hereChip(root)
		if chip == nil {
			t.Errorf("%s: no record of the market", d)
			continue
		}
		alone, page := ask(chip.attrs["href"])
		cards := alone.classed("cards")[0].all("article")
		if count := chip.all("span")[0].read(); count != strconv.Itoa(len(cards)) && len(cards) != usualList {
			t.Errorf("%s: the market has %s, its list %d", d, count, len(cards))
		}
		if on := hereChip(alone); on == nil || on.attrs["href"] != "/"+string(d) || !slices.Contains(strings.Fields(on.attrs["class"]), "on") {
			t.Errorf("%s: no way back to all: %.300s", d, page)
		}
		// A record leads back to the market's own list, and to the same page of it.
		record, _ := ask(cards[0].all("a")[0].attrs["href"])
		if back := record.classed("to-back")[0].all("a")[0].attrs["href"]; back != "/"+string(d)+"?here=only" {
			t.Errorf("%s: a record leads back to %s", d, back)
		}
	}
	ask = standing(t, "", "")
	root, page := ask("/organizations?here=only")
	if strings.Contains(page, "here=") || len(root.classed("to-end")) > 0 || len(root.all("script")) > 0 || len(root.all("dialog")) > 0 || strings.Contains(page, "/panel/") {
		t.Error("a plain web page behaves like a terminal")
	}
}

// hereChip is the choice of this terminal's market, nil where there is none.
func hereChip(root *node) *node {
	for _, fold := range root.classed("fold") {
		for _, a := range fold.all("a") {
			if strings.HasPrefix(a.read(), "本市场") {
				return a
			}
		}
	}
	return nil
}

func TestPanelSheet(t *testing.T) {
	for _, test := range []struct{ terminal, panel, want string }{
		{"K3", "", "21.5:1080x1920"},
		{"K2", "", "21.5:1920x1080"},
		{"K1", "", "43:1080x1920@600"},
		{"K9", "", "21.5:1080x1920"}, // the usual one
		{"K3", "10.1:1280x800", "10.1:1280x800"},
		{"", "32:1080x1920", "32:1080x1920"},
	} {
		ask := standing(t, test.terminal, test.panel)
		root, _ := ask("/")
		var sheets []string
		for _, l := range root.all("link") {
			if href := l.attrs["href"]; strings.HasPrefix(href, "/panel/") {
				sheets = append(sheets, href)
			}
		}
		p, err := catalog.ParsePanel(test.want)
		if err != nil || !slices.Equal(sheets, []string{panelURL(p)}) {
			t.Errorf("terminal %q, panel %q: sheets %v, want %s", test.terminal, test.panel, sheets, panelURL(p))
			continue
		}
		if _, css := ask(sheets[0]); css != panelSheet(p) || !strings.Contains(css, fmt.Sprintf("--mm:%.4fpx;", p.Millimeter())) {
			t.Errorf("%s is %s", sheets[0], css)
		}
	}
	app, _ := site(t)
	for _, url := range []string{"/panel/", "/panel/21.5:1080x1920.css", "/panel/1:1080x1920." + panelVersion + ".css", "/panel/21.50:1080x1920." + panelVersion + ".css", "/panel/%7D." + panelVersion + ".css"} {
		if resp, _ := get(t, app, url); resp.status != 404 {
			t.Errorf("GET %s = %d, want 404", url, resp.status)
		}
	}
}

// TestSmallPanels: a panel that is low by itself lowers nothing and does not offer it, and a
// small one has fewer records at a time, however many pixels it has.
func TestSmallPanels(t *testing.T) {
	for _, test := range []struct {
		panel, class string
		records      int
	}{
		{"10.1:1280x800", "terminal small", smallList},
		{"10.1:1920x1200", "terminal small", smallList},
		{"10.1:800x1280", "terminal small", usualList},
		{"15.6:1366x768", "terminal", usualList},
		{"21.5:1920x1080", "terminal low", usualList},
	} {
		root, _ := standing(t, "K3", test.panel)("/achievements?reach=low")
		if class := root.all("html")[0].attrs["class"]; class != test.class {
			t.Errorf("%s: a lowered page is %q, want %q", test.panel, class, test.class)
		}
		if offered := len(root.classed("to-low")) > 0; offered != strings.Contains(test.class, "low") {
			t.Errorf("%s: lowering is offered: %t", test.panel, offered)
		}
		if n := len(root.classed("cards")[0].all("article")); n != test.records {
			t.Errorf("%s: a list of %d records, want %d", test.panel, n, test.records)
		}
	}
}

// TestPanelTypes: in large type a body of 7 units makes a capital of 7.33 mm on every
// panel, and no panel has smaller type than it can bear.
func TestPanelTypes(t *testing.T) {
	for s, want := range map[string]float64{"43:1080x1920": 1.998, "65:1080x1920": mostNear, "21.5:1920x1080": 1, "15.6:1920x1080": .725, "10.1:1280x800": .508, "27:3840x2160": 1.254, "4:800x480": leastNear} {
		p, err := catalog.ParsePanel(s)
		if err != nil {
			t.Fatal(err)
		}
		n := near(p)
		if math.Abs(n-want) > .002 {
			t.Errorf("%s: near %.3f, want %.3f", s, n, want)
		}
		var sizes [2]float64
		for i, name := range []string{"near", "type"} {
			_, rest, _ := strings.Cut(panelSheet(p), "--"+name+":")
			if _, err := fmt.Sscan(rest[:strings.IndexAny(rest, ";}")], &sizes[i]); err != nil {
				t.Fatal(err)
			}
		}
		if capital := 7 * sizes[0] * sizes[1] * .733; capital < 7.32 {
			t.Errorf("%s: a capital is %.2f mm high in large type", s, capital)
		}
	}
}

// TestOffline: a terminal says that its source does not answer, with the day of its data;
// a web page does not.
func TestOffline(t *testing.T) {
	for _, test := range []struct {
		terminal string
		offline  func() bool
		want     bool
	}{
		{"K3", func() bool { return true }, true},
		{"K3", func() bool { return false }, false},
		{"K3", nil, false},
		{"", func() bool { return true }, false},
	} {
		app, _ := site(t, func(c *Config) { c.Terminal, c.Offline = test.terminal, test.offline })
		for _, url := range []string{"/", "/attract", "/achievements"} {
			if _, page := get(t, app, url); strings.Contains(page, "离线") != test.want {
				t.Errorf("terminal %q: %s says offline: %v, want %v", test.terminal, url, !test.want, test.want)
			}
		}
	}
}

// TestAttract: every slide opens its listing, and nothing of the visitor before stays.
func TestAttract(t *testing.T) {
	ask := standing(t, "K3", "")
	root, page := ask("/attract?type=large&contrast=high&reach=low")
	for _, a := range root.classed("slides")[0].all("a") {
		ask(a.attrs["href"])
	}
	if class := root.all("html")[0].attrs["class"]; class != "terminal" || strings.Contains(page, "type=large") {
		t.Errorf("the first picture keeps choices: %q", class)
	}
	most := 0
	for _, kind := range slides {
		most += kind.n
	}
	if got := len(root.classed("slides")[0].all("a")); got == 0 || got > most {
		t.Errorf("%d slides, want up to %d", got, most)
	}
	if root.classed("begin")[0].attrs["href"] != "/" {
		t.Error("no way in")
	}
}
