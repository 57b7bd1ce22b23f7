package kiosk

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
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
	chip := tap(says("TRL 7 起"))
	said := figure(t, chip, "count")
	root := open(at)
	q, _ := url.Parse(at)
	if got := q.Query(); taps != 3 || got.Get("trl.gte") != "7" || len(got["tech_fields"]) != 1 {
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

func TestUpwards(t *testing.T) {
	v := func(least string, n int) snapshot.FacetValue {
		return snapshot.FacetValue{Value: least, Least: least, Most: least, Count: n}
	}
	for _, test := range []struct {
		values []snapshot.FacetValue
		least  string
		want   string
	}{
		{nil, "", ""},
		{[]snapshot.FacetValue{v("7", 3), v("9", 1), v("8", 2)}, "8", "9:1 8:3* 7:6"},
		{[]snapshot.FacetValue{v("9", 1), v("10", 1)}, "", "10:1 9:2"},
		{[]snapshot.FacetValue{v("7", 3)}, "9", "9:0* 7:3"},
		{[]snapshot.FacetValue{v("1", 1), v("2", 1), v("3", 1), v("4", 1), v("5", 1), v("6", 1), v("7", 1), v("8", 1)}, "", "8:1 7:2 6:3 5:4"},
		{[]snapshot.FacetValue{v("1", 1), v("2", 1), v("3", 1), v("4", 1), v("5", 1), v("6", 1), v("7", 1)}, "1", "7:1 6:2 5:3 4:4 1:7*"},
	} {
		var got []string
		for _, v := range upwards(test.values, test.least) {
			s := v.Value + ":" + formatNumber(float64(v.Count))
			if v.Chosen {
				s += "*"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%v from %q: %s, want %s", test.values, test.least, s, test.want)
		}
	}
}
