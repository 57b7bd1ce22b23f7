package kiosk

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/demo"
)

// demonstration serves the demonstration.
func demonstration(t testing.TB) func(url string) *node {
	t.Helper()
	p, err := demo.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	app, r := site(t)
	r.current.Store(snapshotOf(p.Release))
	return func(url string) *node {
		resp, page := get(t, app, url)
		if resp.status != 200 {
			t.Fatalf("GET %s = %d", url, resp.status)
		}
		if test, ok := t.(*testing.T); ok {
			return sound(test, url, resp, page)
		}
		return parse(t, page)
	}
}

// figure reads the number in an element of that class.
func figure(t testing.TB, n *node, class string) int {
	t.Helper()
	for _, e := range n.classed(class) {
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, e.read())
		if n, err := strconv.Atoi(digits); err == nil {
			return n
		}
	}
	return 0
}

// TestSearchChips: what a chip says is what it finds, it keeps the rest, and another
// touch takes it back.
func TestSearchChips(t *testing.T) {
	open := demonstration(t)
	for _, start := range []string{
		"/search?q=%E8%BD%B4%E6%89%BF", "/search?lang=en&type=large&q=bearing&show=fields", "/search?dataset=achievements",
		"/search?q=%E8%BD%B4%E6%89%BF&dataset=achievements&tech_fields=manufacturing&stage=pilot", "/search?dataset=policies", "/search",
	} {
		root := open(start)
		for _, a := range root.classed("chip") {
			href, err := url.Parse(a.attrs["href"])
			if err != nil {
				t.Fatal(err)
			}
			at, _ := url.Parse(start)
			for _, keep := range []string{"q", "lang", "type"} {
				if href.Query().Get(keep) != at.Query().Get(keep) {
					t.Errorf("%s: %s forgets %s", start, href, keep)
				}
			}
			if len(a.classed("count")) == 0 || href.RawQuery == at.RawQuery || href.RawQuery == "" {
				continue
			}
			said := figure(t, a, "count")
			next := open(a.attrs["href"])
			on := a.attrs["class"] == "chip on"
			// A value beside chosen ones of its own field adds to them.
			field := ""
			for name := range href.Query() {
				if name != "q" && len(href.Query()[name]) > len(at.Query()[name]) {
					field = name
				}
			}
			if found := figure(t, next, "found"); !on && len(at.Query()[field]) == 0 && found != said {
				t.Errorf("%s: %q says %d, and finds %d", start, a.read(), said, found)
			}
			back := false
			for _, b := range next.classed("chip") {
				back = back || b.attrs["href"] == start
			}
			// In another dataset there are other fields.
			if href.Query().Get("dataset") == at.Query().Get("dataset") && !back {
				t.Errorf("from %s nothing leads back to %s", a.attrs["href"], start)
			}
		}
	}
}

// TestSearchPages turns every page of searches: each record once, and the way back
// from a record leads to the page it was found on.
func TestSearchPages(t *testing.T) {
	open := demonstration(t)
	for _, start := range []string{
		"/search?q=%E8%BD%B4%E6%89%BF", "/search?dataset=achievements&stage=mature&stage=pilot&sort=name", "/search?lang=en&q=bearing&sort=newest",
	} {
		seen := map[string]bool{}
		total, pages := 0, 0
		for next := start; next != ""; pages++ {
			root := open(next)
			total = figure(t, root, "found")
			for _, card := range root.classed("card") {
				a := card.all("h3")[0].all("a")[0]
				path, _, _ := strings.Cut(a.attrs["href"], "?")
				if seen[path] {
					t.Errorf("%s: %s a second time", next, path)
				}
				seen[path] = true
				if len(card.classed("kind")) != 1 {
					t.Errorf("%s: %s does not say what it is", next, path)
				}
				if len(seen)%7 == 1 {
					if back := open(a.attrs["href"]).classed("to-back")[0].all("a")[0].attrs["href"]; back != next {
						t.Errorf("from %s back to %s, want %s", a.attrs["href"], back, next)
					}
				}
			}
			next = ""
			for _, a := range root.all("a") {
				if strings.HasPrefix(a.attrs["rel"], "next") {
					next = a.attrs["href"]
				}
			}
		}
		if len(seen) != total || total == 0 || pages != (total+usualList-1)/usualList {
			t.Errorf("%s: %d records on %d pages, %d found", start, len(seen), pages, total)
		}
	}
	// A page that is not there is the last.
	last := open("/search?page=4000&q=%E8%BD%B4%E6%89%BF")
	if len(last.classed("card")) == 0 || len(last.classed("pager")[0].all("a")) != 1 {
		t.Error("no last page")
	}
}

// TestSearchWays: every way out of a search that found nothing finds what it says.
func TestSearchWays(t *testing.T) {
	open := demonstration(t)
	for _, start := range []string{
		"/search?q=%E8%BD%B4%E6%89%BF+%E6%9C%88%E7%90%83%E8%BD%A6&dataset=achievements&stage=early",
		"/search?lang=en&q=bearing&dataset=achievements&trl.gte=9&stage=early",
		"/search?q=%E8%BD%B4%E6%89%BF&dataset=policies", "/search?q=%E6%9C%88%E7%90%83%E8%BD%A6",
	} {
		root := open(start)
		ways := root.classed("ways")
		if figure(t, root, "found") != 0 || len(ways) != 1 {
			t.Fatalf("%s finds something, or nobody helps", start)
		}
		for _, a := range ways[0].all("a") {
			if len(a.classed("count")) == 0 {
				continue // to the contents
			}
			if said, found := figure(t, a, "count"), figure(t, open(a.attrs["href"]), "found"); said != found || said == 0 {
				t.Errorf("%s: %q finds %d", start, a.read(), found)
			}
		}
	}
}

// TestSearchHostile: what is typed is shown as text, in the field, the title and the
// words, and nowhere as markup.
func TestSearchHostile(t *testing.T) {
	app, _ := site(t)
	for _, q := range []string{
		`"><script>alert(1)</script>`, `' onfocus='alert(1)`, `</title><img src=x>`, "成果 <b>", "\u202e轴承", "a\x00b", "{{.}}", "%s%d", "javascript:alert(1)",
		strings.Repeat("轴", 10_000/3), strings.Repeat("a ", 300), strings.Repeat("\u0301", 100), "\xff\xfe",
	} {
		for _, path := range []string{"/search?q=", "/search?lang=en&dataset=achievements&q=", "/search?stage=x&division=%22%3E&sort=zzmark&dataset=zzmark&q="} {
			resp, page := get(t, app, path+url.QueryEscape(q[:min(len(q), 800)]))
			if resp.status != 200 {
				t.Fatalf("%q: %d", q, resp.status)
			}
			root := sound(t, "/search", resp, page)
			if strings.Contains(page, "<script>") || strings.Contains(page, "<img") || strings.Contains(page, "zzmark") || strings.ContainsAny(page, "\x00\u202e") {
				t.Errorf("%.40q is repeated as it came", q)
			}
			if v := root.all("input")[0].attrs["value"]; len([]rune(v)) > 200 {
				t.Errorf("%.40q: the field has %d characters", q, len([]rune(v)))
			}
		}
	}
	// In a title that has markup of its own the words are marked, and it stays text.
	_, page := get(t, app, "/search?q=%E6%88%90%E6%9E%9C+b&dataset=achievements")
	titles := parse(t, page).all("h3")
	if len(titles) == 0 || len(titles[0].all("mark")) < 2 || !strings.Contains(titles[0].read(), "<") {
		t.Errorf("title %q", titles[0].read())
	}
}

// TestSearchState: the address says everything, in one way, and a search leads a
// record's page back only where it is one.
func TestSearchState(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"q=%20%E8%BD%B4%20%20a": "q=%E8%BD%B4+a",
		"stage=pilot":           "", // a field of achievements
		"stage=pilot&dataset=achievements&stage=early&stage=pilot&stage=x": "dataset=achievements&stage=early&stage=pilot",
		"dataset=nothing&division=410305&sort=trl":                         "division=410305",
		"dataset=achievements&trl.gte=high":                                "dataset=achievements",
		"dataset=achievements&trl.gte=7&trl.gte=8&trl=3":                   "dataset=achievements&trl.gte=7&trl=3",
		"dataset=achievements&completed_on.gte=2024":                       "dataset=achievements&completed_on.gte=2024",
		"q=zc&as=typed&here=only":                                          "q=zc&as=typed", // no terminal is here
		"as=typed":                                                         "",
		"sort=name&q=a&page=7&lang=en&show=all":                            "q=a&sort=name",
		"show=fields&q=a":                                                  "q=a&show=fields",
	} {
		args, err := url.ParseQuery(in)
		if err != nil {
			t.Fatal(err)
		}
		q := readQuery(args)
		if got := q.encode(); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
		again, _ := url.ParseQuery(q.encode())
		if readQuery(again).encode() != want {
			t.Errorf("%s is not read as it is written", want)
		}
	}
	f := testRelease()
	app, _ := site(t)
	path := "/achievements/" + string(f.id["short"])
	plain, want := get(t, app, path)
	for _, from := range []string{"", "zzmark", "dataset%3Dzzmark", "%25zz", "page%3D3"} {
		if resp, got := get(t, app, path+"?search="+from); got != want || resp.header.Get("ETag") != plain.header.Get("ETag") {
			t.Errorf("search=%s changes the page", from)
		}
	}
	_, page := get(t, app, path+"?lang=en&search="+url.QueryEscape("q=短&page=2"))
	back := parse(t, page).classed("to-back")[0].all("a")[0].attrs["href"]
	if back != "/search?lang=en&page=2&q=%E7%9F%AD" {
		t.Errorf("back to %s", back)
	}
	if large := parse(t, page).classed("to-large")[0].all("a")[0].attrs["href"]; !strings.Contains(large, "search=page%3D2%26q%3D%25E7%259F%25AD") {
		t.Errorf("large type forgets the search: %s", large)
	}
}

// TestSearchForm: the form sends what the address says beside the text, and no page.
func TestSearchForm(t *testing.T) {
	open := demonstration(t)
	root := open("/search?lang=en&contrast=high&page=2&q=bearing&dataset=achievements&stage=pilot&stage=mature&sort=name")
	var sent []string
	for _, in := range root.all("form")[0].all("input") {
		if in.attrs["type"] == "hidden" {
			sent = append(sent, in.attrs["name"]+"="+in.attrs["value"])
		}
	}
	if want := []string{"lang=en", "contrast=high", "dataset=achievements", "stage=mature", "stage=pilot"}; !slices.Equal(sent, want) {
		t.Errorf("the form sends %v, want %v", sent, want)
	}
}

// TestSeek: the home page and every list lead to the search, also within reach.
func TestSeek(t *testing.T) {
	app, _ := site(t)
	for info := range catalog.Datasets() {
		if info.Name == catalog.Indicators {
			continue // a board: all of them can be seen
		}
		for _, low := range []bool{false, true} {
			path := "/" + string(info.Name)
			state := "dataset=" + string(info.Name)
			if low {
				path, state = path+"?reach=low", "reach=low&"+state
			}
			_, page := get(t, app, path)
			root := parse(t, page)
			seek := root.classed("seek")
			if len(seek) != 1 || seek[0].attrs["href"] != "/search?"+state || (len(root.all("main")[0].classed("seek")) == 1) != low {
				t.Errorf("%s: %d ways to the search", path, len(seek))
			}
		}
	}
	_, page := get(t, app, "/?lang=en")
	if center := parse(t, page).classed("center"); len(center) != 1 || center[0].attrs["href"] != "/search?lang=en" {
		t.Error("the middle of the square does not lead to the search")
	}
}
