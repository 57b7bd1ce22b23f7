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

// TestSteps: a field with an order has a cell for every value, in order, and those that
// nothing has are no links.
func TestSteps(t *testing.T) {
	open := demonstration(t)
	cells := func(at string, list int) string {
		t.Helper()
		var all []string
		for _, li := range open(at).classed("nine")[list].all("li") {
			s := strings.TrimSuffix(strings.Join(strings.Fields(li.read()), ":"), ":")
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
	for _, test := range []struct{ at, levels, last string }{
		{"/achievements?show=fields", "", ""},
		{"/achievements?trl=3&show=fields", "", ""},
		{"/achievements?trl.gte=8&show=fields", "", ""},
		{"/achievements?trl=3&trl=5&tech_fields=materials&show=fields", "", ""},
	} {
		if got := cells(test.at, 0); got != test.levels {
			t.Errorf("%s: levels %s, want %s", test.at, got, test.levels)
		}
		if got := cells(test.at, 1); got != test.last {
			t.Errorf("%s: years %s, want %s", test.at, got, test.last)
		}
	}
}
