package kiosk

import (
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

// TestTake collects records by one touch each, up to as many as a code carries, looks at
// them, lets go of one and carries the rest away.
func TestTake(t *testing.T) {
	ask := standing(t, "K3", "")
	var ids []catalog.ID
	for e := range demoRelease().All(catalog.Achievements) {
		if ids = append(ids, e.ID); len(ids) > mostTaken {
			break
		}
	}
	state := ""
	for i, id := range ids {
		root, _ := ask("/achievements/" + string(id) + "?lang=en" + state)
		touch := root.classed("taking")
		if i == mostTaken {
			if len(touch) > 0 {
				t.Errorf("a list of %d takes more", i)
			}
			break
		}
		root, _ = ask(touch[0].attrs["href"])
		state = "&take=" + taken(ids[:i+1])
		bar := root.classed("to-take")[0].all("a")[0]
		if want := "/take?lang=en" + state + "&from=" + string(id); bar.attrs["href"] != want || bar.read() != "Take "+formatNumber(float64(i+1)) {
			t.Fatalf("the bar says %q and leads to %s, want %s", bar.read(), bar.attrs["href"], want)
		}
		for _, a := range root.all("a") {
			href := a.attrs["href"]
			if !strings.HasPrefix(href, "#") && href != "/attract" && a.attrs["class"] != "taking on" && !strings.Contains(href, "take=") {
				t.Fatalf("link %q to %s forgets the list", a.read(), href)
			}
		}
	}
	at := "/take?lang=en" + state
	seen := 0
	for next := at; next != ""; {
		root, _ := ask(next)
		seen += len(root.classed("card"))
		if next == at {
			payload, err := qr.ListPayload(testBase, ids[:mostTaken], "K3")
			if err != nil {
				t.Fatal(err)
			}
			code, err := qr.New(payload, qr.Screen)
			if err != nil {
				t.Fatal(err)
			}
			if drawn := root.classed("code")[0].all("path")[0].attrs["d"]; drawn != code.Path() {
				t.Errorf("the code does not hold %s", payload)
			}
			without, _ := ask(root.classed("cards")[0].classed("taking")[0].attrs["href"])
			if said := without.classed("to-take")[0].read(); said != "Take 19" {
				t.Errorf("after one was let go of the bar says %q", said)
			}
			empty, _ := ask(root.classed("carry")[0].all("a")[0].attrs["href"])
			if len(empty.classed("code"))+len(empty.classed("to-take")) != 0 || len(empty.all("main")[0].all("a")) == 0 {
				t.Error("an empty list has a code, or leads nowhere")
			}
		}
		next = ""
		for _, a := range root.all("a") {
			if a.attrs["rel"] == "next" {
				next = a.attrs["href"]
			}
		}
	}
	if seen != mostTaken {
		t.Errorf("the list shows %d records, want %d", seen, mostTaken)
	}
}

// TestListLanding: the phone's page holds everything that was taken, says what has been
// withdrawn and what leads to nothing, and is small.
func TestListLanding(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	a, b, gone := string(f.id["short"]), string(f.full[catalog.Achievements]), string(f.id["merged"])
	for _, test := range []struct {
		codes  string
		status int
		links  []string
		says   []string
	}{
		{a + "," + b, 200, []string{a, b}, []string{"带走的 2 条", "短记录"}},
		{strings.ToLower(a) + "," + a + ",," + b + "-K3", 200, []string{a, b}, []string{"带走的 2 条"}},
		{gone + "," + a, 200, []string{gone, a}, []string{"已撤回"}},
		{a + ",A0000000,%3Cb%3E", 200, []string{a}, []string{"没有找到的编号： A0000000 ，<B>"}},
		{"A0000000", 404, nil, nil},
		{"full-indicators", 404, nil, nil},
		{strings.Repeat(a+",", 400), 200, []string{a}, nil},
	} {
		url := "/q/list/" + test.codes
		resp, page := get(t, app, url)
		root := sound(t, url, resp, page)
		if resp.status != test.status || len(page) > 30<<10 {
			t.Errorf("GET %.60s = %d, %d bytes", url, resp.status, len(page))
		}
		var links []string
		for _, h := range root.all("h2") {
			for _, l := range h.all("a") {
				links = append(links, strings.TrimPrefix(l.attrs["href"], "/q/"))
			}
		}
		if !slices.Equal(links, test.links) {
			t.Errorf("GET %.60s leads to %v, want %v", url, links, test.links)
		}
		for _, s := range test.says {
			if !strings.Contains(root.read(), s) {
				t.Errorf("GET %.60s lacks %q: %s", url, s, root.read())
			}
		}
	}
}

func FuzzReadList(f *testing.F) {
	snap := testRelease().snap
	for _, s := range []string{"", ",", string(testRelease().id["short"]) + ",A0000000", strings.Repeat("a,", 400), "\xff,洛"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ids, unknown := readList(snap, s)
		if len(ids) > mostTaken || len(unknown) > mostUnknown {
			t.Fatalf("%d records, %d unknown", len(ids), len(unknown))
		}
		if again := readTaken(snap, taken(ids)); !slices.Equal(again, ids) {
			t.Fatalf("%v reads again as %v", ids, again)
		}
	})
}
