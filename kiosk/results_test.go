package kiosk

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luoshu/catalog"
)

// TestListFacets: a list is narrowed by touch alone, in few taps; what a chip says is what
// it finds; and a record leads back to the list as it was.
func TestListFacets(t *testing.T) {
	open := demonstration(t)
	at := "/achievements"
	taps := 0
	tap := func(find func(*node) bool) *node {
		t.Helper()
		for _, a := range open(at).all("a") {
			if find(a) {
				at = a.attrs["href"]
				taps++
				return a
			}
		}
		t.Fatalf("%s: nothing to touch", at)
		return nil
	}
	says := func(text string) func(*node) bool {
		return func(a *node) bool { return strings.HasPrefix(a.read(), text) }
	}
	tap(says("缩小范围"))
	tap(says("新材料"))
	tap(says("7 TRL 7"))
	chip := tap(says("TRL 7 起"))
	said := figure(t, chip, "count")
	root := open(at)
	q, _ := url.Parse(at)
	if got := q.Query(); taps != 4 || got.Get("trl.gte") != "7" || len(got["tech_fields"]) != 1 {
		t.Errorf("after %d taps the list is %s", taps, at)
	}
	total := totalOf(t, root)
	if total != said || total == 0 {
		t.Errorf("the chip says %d, the list %d", said, total)
	}
	for _, level := range root.classed("level") {
		if l := level.read(); l < "TRL 7" {
			t.Errorf("%s is below what was asked for", l)
		}
	}
	before := at
	tap(func(a *node) bool { return strings.HasPrefix(a.attrs["href"], "/achievements/") })
	back := open(at).classed("to-back")[0].all("a")[0].attrs["href"]
	if want := strings.Replace(before, "&show=fields", "", 1); back != want {
		t.Errorf("a record leads back to %s, want %s", back, want)
	}
	// One that finds nothing leads on.
	root = open("/achievements?division=410329&trl.gte=9&tech_fields=materials&stage=lab")
	if totalOf(t, root) == 0 && len(root.classed("ways")[0].all("a")) < 2 {
		t.Error("a list without records is a dead end")
	}
}

// totalOf is how many records the head of a list says that it has.
func totalOf(t *testing.T, root *node) int {
	t.Helper()
	said := root.classed("asof")[0].all("span")[0].read()
	n, err := strconv.Atoi(strings.Trim(said, "共条"))
	if err != nil {
		t.Errorf("the list has %s", said)
	}
	return n
}

// TestListOrder: narrowed or not, a list has the same order.
func TestListOrder(t *testing.T) {
	ask := standing(t, "K3", "")
	ids := func(start string) (all []string) {
		for at := start; at != ""; {
			root, _ := ask(at)
			for _, card := range root.classed("card") {
				path, _, _ := strings.Cut(card.all("a")[0].attrs["href"], "?")
				all = append(all, path)
			}
			at = ""
			for _, a := range root.all("a") {
				if strings.HasPrefix(a.attrs["rel"], "next") {
					at = a.attrs["href"]
				}
			}
		}
		return all
	}
	for _, d := range []catalog.Dataset{catalog.Demands, catalog.Events, catalog.Organizations} {
		all, own := ids("/"+string(d)), ids("/"+string(d)+"?here=only")
		if len(all) != demoRelease().Count(d) || len(own) == 0 || len(own) == len(all) {
			t.Fatalf("%s: %d records, %d of them here", d, len(all), len(own))
		}
		if rest := slices.DeleteFunc(all, func(id string) bool { return !slices.Contains(own, id) }); !slices.Equal(rest, own) {
			t.Errorf("%s: the order is another one here", d)
		}
	}
}

// TestSteps: a field with an order has a cell for every value, in order, with what it
// would find; what nothing has is no link, and what is chosen can be let go of.
func TestSteps(t *testing.T) {
	open := demoSite(t)
	cells := func(root *node, list int) string {
		var all []string
		for _, li := range root.classed("nine")[list].all("li") {
			s := li.all("b")[0].read() + ":" + li.classed("count")[0].read()
			if len(li.classed("on")) > 0 {
				s += "*"
			}
			if len(li.all("a")) == 0 {
				s += "-"
			}
			all = append(all, s)
		}
		return strings.Join(all, " ")
	}
	for _, test := range []struct{ asked, levels, years, kept string }{
		{"", "1:3 2:4 3:6 4:12 5:14 6:28 7:35 8:36 9:22", "2018:1 2019:0- 2020:4 2021:7 2022:6 2023:11 2024:19 2025:51 2026:44", ""},
		{"trl=3", "1:3 2:4 3:6* 4:12 5:14 6:28 7:35 8:36 9:22", "2018:0- 2019:0- 2020:0- 2021:0- 2022:0- 2023:0- 2024:1 2025:1 2026:1", "TRL 3 6 × 取消"},
		{"trl.gte=8", "1:3 2:4 3:6 4:12 5:14 6:28 7:35 8:36* 9:22*", "2018:1 2019:0- 2020:4 2021:7 2022:6 2023:8 2024:16 2025:12 2026:3", "TRL 8 起 58 × 取消"},
		{"tech_fields=materials&trl=3&trl=5", "1:1 2:1 3:2* 4:6 5:5* 6:8 7:8 8:6 9:5", "2017:0- 2018:0- 2019:0- 2020:0- 2021:0- 2022:0- 2023:0- 2024:0- 2025:2", "TRL 3 2 × 取消 TRL 5 5 × 取消"},
	} {
		root := open("/achievements?show=fields&" + test.asked)
		if got := cells(root, 0); got != test.levels {
			t.Errorf("%s: levels %s, want %s", test.asked, got, test.levels)
		}
		if got := cells(root, 1); got != test.years {
			t.Errorf("%s: years %s, want %s", test.asked, got, test.years)
		}
		kept := open("/achievements?" + test.asked).classed("kept")
		if got := strings.Join(reads(kept), " "); !strings.HasSuffix(got, test.kept) {
			t.Errorf("%s: kept %s, want %s", test.asked, got, test.kept)
		}
	}
	// The first cell that is on lets go of its level alone.
	for _, a := range open("/achievements?show=fields&trl.gte=8").classed("cell") {
		if a.attrs["aria-current"] == "true" {
			if got := a.attrs["href"]; got != "/achievements?trl=9&show=fields" {
				t.Errorf("8 of 8 and 9 leads to %s", got)
			}
			break
		}
	}
}

func reads(nodes []*node) (all []string) {
	for _, n := range nodes {
		all = append(all, n.read())
	}
	return all
}
