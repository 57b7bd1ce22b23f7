package kiosk

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/catalog/qr"
	"luoshu/catalog/snapshot"
	"luoshu/static"
)

var update = flag.Bool("update", false, "write the golden files")

// sound checks what holds of every page: one heading of the first level and none
// skipped, a language, controls, nothing inline, nothing that leaves the site.
func sound(t *testing.T, url string, resp reply, page string) *node {
	t.Helper()
	root := parse(t, page)
	phone := strings.HasPrefix(url, "/q/")
	for header, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := resp.header.Get(header); got != want {
			t.Errorf("%s: %s is %q, want %q", url, header, got, want)
		}
	}
	policy := resp.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") ||
		!strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "base-uri 'none'") {
		t.Errorf("%s: policy %q", url, policy)
	}
	if resp.header.Get("Permissions-Policy") == "" {
		t.Errorf("%s: no permissions policy", url)
	}
	html := root.all("html")
	if len(html) != 1 || html[0].attrs["lang"] != resp.header.Get("Content-Language") {
		t.Errorf("%s: language %v, header %q", url, html[0].attrs["lang"], resp.header.Get("Content-Language"))
	}
	level := 0
	for i, h := range root.all("h1", "h2", "h3", "h4") {
		n := int(h.name[1] - '0')
		if (n == 1) != (i == 0) || n > level+1 {
			t.Errorf("%s: heading %d is %s %q after level %d", url, i, h.name, h.read(), level)
		}
		level = n
		if h.read() == "" {
			t.Errorf("%s: empty %s", url, h.name)
		}
	}
	if len(root.all("main")) != 1 || len(root.all("title")) != 1 || root.all("title")[0].read() == "" {
		t.Errorf("%s: no main or title", url)
	}
	for _, e := range root.all() {
		for a := range e.attrs {
			if a == "style" || strings.HasPrefix(a, "on") {
				t.Errorf("%s: <%s> has %s", url, e.name, a)
			}
		}
		if href := e.attrs["href"]; e.name == "a" && !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, "/") && (!phone || !strings.HasPrefix(href, "tel:")) || strings.HasPrefix(href, "//") {
			t.Errorf("%s: link to %q", url, href)
		}
	}
	// A terminal has a script, and another where pages are turned; the search alone has a
	// form and scripts that it also works without.
	var scripts []string
	for _, s := range root.all("script") {
		if phone && s.attrs["type"] == "application/ld+json" {
			continue // data, which nobody runs
		}
		scripts = append(scripts, s.attrs["src"]+s.read())
	}
	var want []string
	if strings.Contains(html[0].attrs["class"], "terminal") {
		want = append(want, static.URL("js/terminal.js"))
	}
	if len(want) > 0 && len(root.classed("pager")) > 0 {
		want = append(want, static.URL("js/pager.js"))
	}
	forms := root.all("form")
	switch {
	case strings.HasPrefix(url, "/attract"):
		want = append(want, static.URL("js/attract.js"))
	case strings.HasPrefix(url, "/search"):
		want = append(want, static.URL("js/search.js"), static.URL("js/keys.js"))
		if len(forms) != 1 || forms[0].attrs["action"] != "/search" || forms[0].attrs["method"] != "get" {
			t.Errorf("%s: %d forms", url, len(forms))
		}
	case phone && len(forms) == 1:
		if forms[0].attrs["action"] != "/q/" || forms[0].attrs["method"] != "get" {
			t.Errorf("%s: a form that does not ask for a code", url)
		}
	case len(forms) > 0:
		t.Errorf("%s: %d forms", url, len(forms))
	}
	if !slices.Equal(scripts, want) {
		t.Errorf("%s: scripts %q, want %q", url, scripts, want)
	}
	if n := len(root.all("iframe", "img", "object")); n > 0 {
		t.Errorf("%s: %d elements that have no place here", url, n)
	}
	if strings.Contains(page, "%!") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "&lt;nil") {
		t.Errorf("%s: a template or format went wrong", url)
	}
	if phone {
		return root
	}
	if n := len(root.all("style")); n > 0 {
		t.Errorf("%s: inline style sheet", url)
	}
	if strings.HasPrefix(url, "/attract") {
		return root
	}
	bars := root.classed("bar")
	if len(bars) != 1 || len(bars[0].all("li")) != 7 || len(root.all("dialog")) != 1 {
		t.Fatalf("%s: no bar of seven controls, or none that asks", url)
	}
	return root
}

func TestPages(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	for _, test := range []struct {
		url    string
		status int
		h1     string
	}{
		{"/", 200, "测试目录"},
		{"/?lang=en", 200, "Test catalog"},
		{"/?lang=fr&type=huge&contrast=low&reach=high&page=-1", 200, "测试目录"},
		{"/attract", 200, "测试目录"},
		{"/attract?lang=en&type=large", 200, "Test catalog"},
		{"/contents", 200, "总目"},
		{"/contents?lang=en", 200, "Contents"},
		{"/about", 200, "关于本目录"},
		{"/about?lang=en&type=large&contrast=high&reach=low", 200, "About this catalog"},
		{"/achievements", 200, "成果"},
		{"/achievements?page=2", 200, "成果"},
		{"/achievements?page=99999999", 200, "成果"},
		{"/indicators?lang=en", 200, "Indicators"},
		{"/organizations/" + string(f.id["university"]), 200, "河图工业大学"},
		{"/organizations/" + string(f.id["university"]) + "?lang=en", 200, "Hetu University"},
		{"/organizations/" + strings.ToLower(string(f.id["university"])), 200, "河图工业大学"},
		{"/achievements/" + string(f.id["gone"]), 410, "成果已撤回"},
		{"/achievements/" + string(f.id["gone"]) + "?lang=en", 410, "Achievement withdrawn"},
		{"/achievements/" + string(f.id["merged"]), 410, "成果已撤回"},
		{"/demands/" + string(f.id["short"]), 404, "没有找到这一页"},
		{"/achievements/A0000000", 404, "编号输错了"},
		{"/achievements/nonsense", 404, "没有找到这一页"},
		{"/achievements/%E6%B4%9B%3Cscript%3E", 404, "没有找到这一页"},
		{"/indicators/none-such", 404, "没有找到这一页"},
		{"/nothing", 404, "没有找到这一页"},
		{"/nothing/at/all?lang=en", 404, "Page not found"},
		{"//outside.example/", 404, "没有找到这一页"},
		{"/Achievements", 404, "没有找到这一页"},
		{"/broken", 500, "这一页暂时打不开"},
		{"/q/" + string(f.id["short"]), 200, "短记录"},
		{"/q/" + string(f.id["short"]) + "-K3?lang=en", 200, "短记录"},
		{"/q/" + strings.ToLower(string(f.id["short"])) + "-p2", 200, "短记录"},
		{"/q/full-indicators", 200, ""},
		{"/q/FULL-INDICATORS-K3", 200, ""},
		{"/q/" + string(f.id["gone"]), 410, "撤回的gone"},
		{"/q/" + string(f.id["merged"]) + "-K3", 200, "短记录"},
		{"/q/", 200, "输入编号"},
		{"/q/?code=" + string(f.id["short"]), 200, "短记录"},
		{"/q/?code=A0000000&lang=en", 404, "The code was mistyped"},
		{"/q/A0000000", 404, "编号输错了"},
		{"/q/A3K7-M2QG", 404, "编号输错了"},
		{"/q/A0000000/", 404, "编号输错了"},
		{"/q/" + strings.Repeat("A", 200), 404, "编号输错了"},
		{"/q/" + string(f.id["short"]) + "/", 200, "短记录"},
		{"/q/none-such", 404, "没有找到这一页"},
		{"/q/none-such/", 404, "没有找到这一页"},
	} {
		resp, page := get(t, app, test.url)
		if resp.status != test.status {
			t.Errorf("GET %s = %d, want %d", test.url, resp.status, test.status)
		}
		root := sound(t, test.url, resp, page)
		if h1 := root.all("h1")[0].read(); h1 != test.h1 && test.h1 != "" {
			t.Errorf("GET %s: heading %q, want %q", test.url, h1, test.h1)
		}
		cache := "no-store" // the fixture is a terminal
		if strings.HasPrefix(test.url, "/q/") {
			cache = "public, no-cache"
		}
		if test.status != 200 {
			cache = "no-store"
			if tag := resp.header.Get("ETag"); tag != "" {
				t.Errorf("GET %s: error with tag %s", test.url, tag)
			}
			if len(root.all("main")[0].all("a"))+len(root.all("header")[0].all("a")) == 0 {
				t.Errorf("GET %s: no way on", test.url)
			}
		}
		if got := resp.header.Get("Cache-Control"); got != cache {
			t.Errorf("GET %s: Cache-Control %q, want %q", test.url, got, cache)
		}
		if strings.Contains(page, "internal detail") {
			t.Errorf("GET %s shows an internal error", test.url)
		}
	}
}

// TestCrawl follows every link from the home page, in both languages, and must meet
// every record.
func TestCrawl(t *testing.T) {
	app, _ := site(t)
	for _, start := range []string{"/", "/?lang=en&type=large"} {
		seen, queue := map[string]bool{start: true}, []string{start}
		for len(queue) > 0 {
			url := queue[0]
			queue = queue[1:]
			resp, page := get(t, app, url)
			if resp.status != 200 {
				t.Fatalf("GET %s = %d", url, resp.status)
			}
			// The first picture keeps nothing of a visitor: where it leads, nobody has chosen yet.
			if strings.HasPrefix(url, "/static/") || strings.HasPrefix(url, "/panel/") || url == "/attract" {
				continue
			}
			root := sound(t, url, resp, page)
			controls := map[string]bool{}
			for _, a := range root.classed("bar")[0].all("a") {
				controls[a.attrs["href"]] = true
			}
			for _, e := range root.all("a", "link") {
				href := e.attrs["href"]
				// There are more searches than can be visited, and a record is the same
				// whichever of them leads to it.
				// A list to take away has every selection; TestTake walks those.
				if strings.Contains(href, "take=") {
					continue
				}
				// So is one that another leads to.
				href, _, _ = strings.Cut(href, "?from=")
				href, _, _ = strings.Cut(href, "&from=")
				path, from, searched := strings.Cut(href, "search=")
				if strings.HasPrefix(href, "#") || seen[href] || searched && seen[path] ||
					strings.Contains(e.attrs["rel"], "nofollow") && choices(href) > 1 {
					continue
				}
				if searched && from == "" {
					t.Errorf("%s: link to %s names no search", url, href)
				}
				seen[path] = seen[path] || searched
				if state := "lang=en&type=large"; !strings.HasPrefix(href, "/static/") && strings.Contains(start, state) && !strings.Contains(href, state) && !controls[href] && e.name == "a" {
					t.Errorf("%s: link to %s forgets the visitor's choices", url, href)
				}
				if controls[href] && strings.Contains(href, "?") && url != "/" {
					continue // each control once is enough
				}
				seen[href] = true
				queue = append(queue, href)
			}
		}
		for info := range catalog.Datasets() {
			for e := range testRelease().snap.All(info.Name) {
				found := false
				for url := range seen {
					found = found || strings.HasPrefix(url, "/"+string(info.Name)+"/"+string(e.ID))
				}
				if !found {
					t.Errorf("from %s no link leads to %s", start, e.ID)
				}
			}
		}
	}
}

// choices counts what a link has chosen beside how pages are shown.
func choices(href string) int {
	_, query, _ := strings.Cut(href, "?")
	n := 0
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name != "" && !slices.Contains([]string{"lang", "type", "contrast", "reach"}, name) {
			n++
		}
	}
	return n
}

// TestEveryField: whatever a record holds can be seen on its page, but for what only programs
// can make sense of.
func TestEveryField(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	for info := range catalog.Datasets() {
		id := f.full[info.Name]
		e, err := f.snap.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, lang := range []string{"zh", "en"} {
			url := "/" + string(info.Name) + "/" + string(id) + "?lang=" + lang
			text := wholeRecord(t, app, url)
			for _, field := range catalog.Fields(info.Name) {
				if strings.HasPrefix(field.Path, "printed_") {
					continue
				}
				want := f.shown(field, e, lang)
				if !strings.Contains(text, want) {
					t.Errorf("%s: %s is not shown: no %q", url, field.Path, want)
				}
			}
		}
	}
}

// wholeRecord reads all parts of a record.
func wholeRecord(t *testing.T, app *fiber.App, url string) string {
	t.Helper()
	resp, page := get(t, app, url)
	root := sound(t, url, resp, page)
	all := root.read()
	for _, a := range root.classed("tabs")[0].all("a")[1:] {
		resp, page := get(t, app, a.attrs["href"])
		all += " " + sound(t, a.attrs["href"], resp, page).read()
	}
	return all
}

// shown returns what of field's value must stand on the page.
func (f *fixture) shown(field catalog.Field, e catalog.Entry, lang string) string {
	info, _ := e.Dataset.Info()
	switch field.Path {
	case "id":
		return string(e.ID)
	case "dataset":
		return info.Label.In(lang)
	case "publisher":
		return e.Publisher()
	case "source":
		return e.Source()
	case "published_at", "updated_at":
		return map[string]string{"zh": "2026年11月20日 07:30", "en": "20 November 2026 07:30"}[lang]
	case "version":
		return field.Label.In(lang) + " 1"
	case "sample":
		return map[string]string{"zh": "示例", "en": "Sample"}[lang]
	case "raw":
		return "原来的写法"
	case "items[]":
		return "短记录"
	}
	v := any(f.raw[e.Dataset])
	for _, name := range strings.Split(field.Path, ".") {
		name, many := strings.CutSuffix(name, "[]")
		v = v.(map[string]any)[name]
		if many {
			v = v.([]any)[0]
		}
	}
	switch v := v.(type) {
	case map[string]any:
		if field.Type == "money" {
			return map[string]string{"zh": "30万元", "en": "CNY 300,000"}[lang]
		}
		if field.Path == "schemes[]" {
			return "专题一"
		}
		return catalog.LookupCodeList(v["scheme"].(string)).Label(v["code"].(string), lang)
	case bool:
		return field.Label.In(lang)
	case int:
		if field.Path == "trl" {
			return "TRL 7"
		}
		return formatNumber(float64(v))
	case float64:
		return formatNumber(v)
	case string:
		switch field.Type {
		case "code":
			label := catalog.LookupCodeList(field.List).Label(v, lang)
			if field.List == "operator" {
				return strings.ToLower(label) // it follows the word target
			}
			return label
		case "date":
			return formatDate(catalog.Date(v), lang)
		}
		return strings.Join(strings.Fields(v), " ")
	}
	panic(field.Path)
}

func TestOnlyWhatIsKnown(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	path := "/achievements/" + string(f.id["short"])
	_, first := get(t, app, path)
	_, rights := get(t, app, path+"?part=rights")
	text := parse(t, first).read() + parse(t, rights).read()
	for _, want := range []string{"校验不符", "法律状态 未提供", "ZL201510123456.7", "CN201510123456.7", "别处的单位"} {
		if !strings.Contains(text, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	for _, not := range []string{"已授权", "TRL", "面议"} {
		if strings.Contains(text, not) {
			t.Errorf("page claims %q", not)
		}
	}
	_, page := get(t, app, "/achievements/"+string(f.id["short"])+"?lang=en")
	root := parse(t, page)
	if h1 := root.all("h1")[0].all("span"); len(h1) != 1 || h1[0].attrs["lang"] != "zh-Hans" {
		t.Error("a Chinese title on an English page is not marked as Chinese")
	}
	if text := root.read(); !strings.Contains(text, "Hetu University · 别处的单位") {
		t.Errorf("owners are not named in the page's language where they have a name in it: %.300s", text)
	}
	if _, page = get(t, app, "/policies/"+string(f.full[catalog.Policies])); !strings.Contains(page, "2017 年印发，请确认是否有效") {
		t.Error("an old policy does not say so")
	}
}

// TestMistyped: a code that cannot be read is shown as typed, and the record that
// was probably meant is offered.
func TestMistyped(t *testing.T) {
	f := testRelease()
	app, r := site(t)
	// An identifier with all four digits that are mistaken for letters.
	id, mistaken := catalog.ID(""), ""
	for i := 0; mistaken == ""; i++ {
		id = catalog.MintID(catalog.Achievements, "mistyped", i)
		if s := string(id); strings.Contains(s, "0") && strings.Contains(s, "1") && strings.Contains(s, "5") && strings.Contains(s, "2") {
			mistaken = strings.NewReplacer("0", "O", "1", "I", "5", "S", "2", "Z").Replace(s)
		}
	}
	raw, err := catalog.Canonical(map[string]any{"id": string(id), "dataset": "achievements", "title": "找到的", "publisher": "p", "source": "s"})
	if err != nil {
		t.Fatal(err)
	}
	r.current.Store(snapshotOf(&catalog.Release{
		Manifest: f.snap.Manifest(), Hash: f.snap.Hash(),
		Entries: []catalog.Entry{{ID: id, Dataset: catalog.Achievements, Raw: raw}},
	}))
	for typed, want := range map[string]struct {
		shown string
		meant catalog.ID
	}{
		mistaken: {mistaken, id}, strings.ToLower(mistaken): {strings.ToLower(mistaken), id}, mistaken + "-K3": {mistaken + "-K3", id},
		mistaken[:4] + "-" + mistaken[4:]:   {mistaken[:4] + "-" + mistaken[4:], id},
		mistaken[:4] + "%20" + mistaken[4:]: {mistaken[:4] + " " + mistaken[4:], id},
		string(id) + ".":                    {string(id) + ".", id}, string(id) + "-": {string(id) + "-", id},
		mistaken + "/":           {mistaken, id},
		mistaken[:7]:             {mistaken[:7], id}, // one is missing
		"%3Cscript%3E":           {"<script>", ""},
		"A%E2%80%AEB%0A%FF":      {"AB", ""},
		strings.Repeat("洛", 200): {strings.Repeat("洛", 40) + "…", ""},
		// This can be read, but the release has no such record.
		string(f.id["short"]) + ".": {string(f.id["short"]) + ".", ""},
	} {
		url := "/q/" + typed
		resp, page := get(t, app, url+"?lang=en")
		root := sound(t, url, resp, page)
		if resp.status != 404 || root.all("h1")[0].read() != "The code was mistyped" {
			t.Errorf("GET %s = %d %q", url, resp.status, root.all("h1")[0].read())
		}
		main := root.all("main")[0]
		if shown := main.classed("mono")[0].read(); shown != want.shown {
			t.Errorf("GET %s shows %q, want %q", url, shown, want.shown)
		}
		links := map[string]bool{}
		for _, a := range main.all("a") {
			links[a.attrs["href"]] = true
		}
		if got := links["/q/"+string(id)+"?lang=en"]; got != (want.meant != "") || !links["/?lang=en"] {
			t.Errorf("GET %s leads to %v", url, links)
		}
	}
}

// TestOver: what has ended by the day the release describes says so wherever it
// stands, and comes after what has not.
func TestOver(t *testing.T) {
	f := testRelease()
	app, r := site(t)
	m := *f.snap.Manifest()
	m.AsOf = "2026-11-20"
	release := &catalog.Release{Manifest: &m, Hash: f.snap.Hash()}
	record := func(d catalog.Dataset, title string, fields map[string]any) catalog.ID {
		id := catalog.MintID(d, title, 0)
		fields["id"], fields["dataset"], fields["title"] = string(id), string(d), title
		fields["publisher"], fields["source"] = "p", "s"
		raw, err := catalog.Canonical(fields)
		if err != nil {
			t.Fatal(err)
		}
		release.Entries = append(release.Entries, catalog.Entry{ID: id, Dataset: d, Raw: raw})
		return id
	}
	ids := map[string]catalog.ID{}
	for title, fields := range map[string]map[string]any{
		"昨天截止": {"deadline": "2026-11-19"}, "当天截止": {"deadline": "2026-11-20", "status": "open"},
		"本月截止": {"deadline": "2026-11", "status": "matched"}, "上月截止": {"deadline": "2026-10", "status": "open"},
	} {
		ids[title] = record(catalog.Demands, title, fields)
	}
	for title, fields := range map[string]map[string]any{
		"多日未完": {"starts_on": "2026-11-18", "ends_on": "2026-11-21"}, "下月": {"starts_on": "2026-12-01"},
		"昨天": {"starts_on": "2026-11-19"}, "去年": {"starts_on": "2025-11-19"}, "未定": {},
	} {
		ids[title] = record(catalog.Events, title, fields)
	}
	ids["挂牌"] = record(catalog.Notices, "挂牌", map[string]any{"closes_on": "2026-11-01"})
	slices.SortFunc(release.Entries, func(a, b catalog.Entry) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortStableFunc(release.Entries, func(a, b catalog.Entry) int { return strings.Compare(string(a.Dataset), string(b.Dataset)) })
	r.current.Store(snapshotOf(release))

	_, page := get(t, app, "/events")
	var order []string
	for _, c := range parse(t, page).classed("card") {
		order = append(order, c.all("h3")[0].read())
	}
	if want := []string{"多日未完", "下月", "未定", "昨天 已结束", "去年 已结束"}; !slices.Equal(order, want) {
		t.Errorf("events stand as %q, want %q", order, want)
	}
	_, page = get(t, app, "/demands")
	var over []bool
	order = nil
	for _, c := range parse(t, page).classed("card") {
		order, over = append(order, c.all("a")[0].read()), append(over, len(c.classed("state")) > 0)
	}
	if !slices.Equal(order[:2], []string{"当天截止", "本月截止"}) || !slices.Equal(over, []bool{false, false, true, true}) {
		t.Errorf("demands stand as %q, over %v", order, over)
	}
	for title, want := range map[string][2]string{"昨天截止": {"已截止", "Past deadline"}, "昨天": {"已结束", "Over"}, "挂牌": {"已截止", "Past deadline"}, "当天截止": {}, "多日未完": {}} {
		id := ids[title]
		for _, url := range []string{"/" + string(id.Dataset()) + "/" + string(id), "/q/" + string(id)} {
			for i, lang := range []string{"", "?lang=en"} {
				_, page := get(t, app, url+lang)
				state := ""
				for _, b := range parse(t, page).all("header")[0].classed("state") {
					state = b.read()
				}
				if state != want[i] {
					t.Errorf("%s%s (%s) says %q, want %q", url, lang, title, state, want[i])
				}
			}
		}
	}
}

func TestItems(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	_, page := get(t, app, "/packages/"+string(f.id["listing"]))
	cards := parse(t, page).classed("card")
	if len(cards) != 4 {
		t.Fatalf("%d items, want 4", len(cards))
	}
	for i, test := range []struct {
		text string
		href string
	}{
		{"短记录", "/achievements/" + string(f.id["short"]) + "?from=" + string(f.id["listing"])},
		{"撤回的gone 已撤回", ""},
		{"撤回的merged 已撤回 → 短记录", "/achievements/" + string(f.id["short"]) + "?from=" + string(f.id["listing"])},
		{"未收录", ""},
	} {
		href := ""
		for _, a := range cards[i].all("a") {
			href = a.attrs["href"]
		}
		if text := cards[i].read(); !strings.Contains(text, test.text) || href != test.href {
			t.Errorf("item %d reads %q and leads to %q, want %q and %q", i, text, href, test.text, test.href)
		}
	}
}

func TestGone(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	for _, test := range []struct{ url, text, link string }{
		{"/achievements/" + string(f.id["gone"]), "单位要求撤回", "/achievements"},
		{"/achievements/" + string(f.id["merged"]), "2026年11月20日", "/achievements/" + string(f.id["short"])},
		{"/q/" + string(f.id["gone"]), "单位要求撤回", "tel:037900000001"},
		{"/q/" + string(f.id["gone"]) + "?lang=en", "Achievement Withdrawn", "/achievements?lang=en"},
		{"/q/" + string(f.id["merged"]), "您扫的编号 " + string(f.id["merged"]) + " 已于 2026年11月20日 并入本条。 原因：与另一条重复，已合并", "/achievements/" + string(f.id["short"])},
		{"/q/" + string(f.id["merged"]) + "?lang=en", "was merged into this record on 20 November 2026", "/achievements/" + string(f.id["short"]) + "?lang=en"},
	} {
		_, page := get(t, app, test.url)
		root := parse(t, page)
		if text := root.read(); !strings.Contains(text, test.text) {
			t.Errorf("%s lacks %q: %s", test.url, test.text, text)
		}
		found := false
		for _, a := range root.all("main")[0].all("a") {
			found = found || a.attrs["href"] == test.link
		}
		if !found {
			t.Errorf("%s has no link to %s", test.url, test.link)
		}
	}
}

// TestGoneWithoutDesk: a withdrawn record leads somewhere even where nobody can be
// asked.
func TestGoneWithoutDesk(t *testing.T) {
	f := testRelease()
	app, r := site(t)
	release, m := *f.snap.Release(), *f.snap.Manifest()
	m.Desks, release.Manifest = nil, &m
	r.current.Store(snapshotOf(&release))
	_, page := get(t, app, "/q/"+string(f.id["gone"])+"?lang=en")
	links := parse(t, page).all("main")[0].all("a")
	if len(links) == 0 || links[len(links)-1].attrs["href"] != "/achievements?lang=en" {
		t.Errorf("%d links, want one to its kind: %s", len(links), page)
	}
}

// TestNoRelease: a node without a release says so, and what to do.
func TestNoRelease(t *testing.T) {
	app, r := site(t)
	r.current.Store(nil)
	for _, url := range []string{"/", "/achievements", "/about?lang=en", "/q/" + string(testRelease().id["short"])} {
		resp, page := get(t, app, url)
		if resp.status != 503 || resp.header.Get("Retry-After") == "" || resp.header.Get("Refresh") == "" || resp.header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s = %d %v", url, resp.status, resp.header)
		}
		text := sound(t, url, resp, page).read()
		if strings.HasPrefix(url, "/q/") {
			continue
		}
		if !strings.Contains(text, "luoshu publish") {
			t.Errorf("GET %s does not tell the operator what to do: %s", url, text)
		}
	}
}

func TestConditional(t *testing.T) {
	f := testRelease()
	web := func(c *Config) { c.Terminal = "" }
	app, r := site(t, web)
	tags := map[string]string{}
	for _, url := range []string{
		"/", "/?lang=en", "/?type=large", "/?contrast=high", "/?reach=low", "/achievements", "/achievements?page=2", "/about", "/contents",
		"/achievements/" + string(f.id["short"]), "/q/" + string(f.id["short"]),
	} {
		resp, body := get(t, app, url)
		tag := resp.header.Get("ETag")
		if len(tag) < 20 || tag[0] != '"' || tag[len(tag)-1] != '"' {
			t.Fatalf("GET %s: tag %q is not strong", url, tag)
		}
		if other, ok := tags[tag]; ok {
			t.Errorf("%s and %s share a tag", url, other)
		}
		tags[tag] = url
		if _, again := get(t, app, url); again != body {
			t.Errorf("GET %s twice gives other bytes", url)
		}
		for header, want := range map[string]int{
			tag: 304, "*": 304, `"x", ` + tag: 304, "W/" + tag: 304, `"x"`: 200, "": 200, strings.Trim(tag, `"`): 200,
		} {
			resp, body := get(t, app, url, "If-None-Match", header)
			if resp.status != want || (want == 304) != (body == "") || resp.header.Get("ETag") != tag {
				t.Errorf("GET %s with If-None-Match %s = %d, %d bytes", url, header, resp.status, len(body))
			}
		}
		// A lone date says nothing about a release.
		if resp, _ := get(t, app, url, "If-Modified-Since", time.Now().Format(http.TimeFormat)); resp.status != 200 {
			t.Errorf("GET %s with If-Modified-Since = %d", url, resp.status)
		}
		head, empty := send(t, app, http.MethodHead, url)
		if head.status != 200 || empty != "" || head.length != int64(len(body)) || head.header.Get("ETag") != tag {
			t.Errorf("HEAD %s = %d, Content-Length %d, want %d", url, head.status, head.length, len(body))
		}
	}
	before, _ := get(t, app, "/")
	elsewhere, _ := site(t, web, func(c *Config) {
		c.BaseURL = func(*catalog.Manifest) (string, catalog.Text) { return "http://10.0.0.7", catalog.Text{} }
	})
	other, _ := get(t, elsewhere, "/")
	release := *f.snap.Release()
	release.Hash = catalog.HashOf([]byte("another"))
	r.current.Store(snapshotOf(&release))
	after, _ := get(t, app, "/")
	if before.header.Get("ETag") == other.header.Get("ETag") || before.header.Get("ETag") == after.header.Get("ETag") {
		t.Error("another address or release keeps the tag")
	}
	if resp, _ := get(t, app, "/achievements/"+string(f.id["gone"]), "If-None-Match", "*"); resp.status != 410 {
		t.Errorf("a withdrawn record with If-None-Match * = %d, want 410", resp.status)
	}
}

// TestUnknownParameters: visitors' links may carry anything; pages ignore it and
// never repeat it.
func TestUnknownParameters(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	for _, url := range []string{"/", "/achievements", "/about", "/search", "/achievements/" + string(f.id["short"]), "/q/" + string(f.id["short"])} {
		plain, want := get(t, app, url+"?lang=en")
		resp, got := get(t, app, url+"?utm_source=zzmark&lang=en&%22%3E%3Cscript%3Ezzmark=1&lang=zh&fbclid=zzmark")
		if resp.status != 200 || got != want || resp.header.Get("ETag") != plain.header.Get("ETag") {
			t.Errorf("GET %s with foreign parameters = %d and other bytes", url, resp.status)
		}
	}
	for _, url := range []string{"/?lang=zzmark", "/zzmark?zzmark=1", "/achievements/zzmark%3Cb", "/q/zz%22mark", "//zzmark.example/a"} {
		if _, page := get(t, app, url); strings.Contains(page, "zzmark.example") || strings.Contains(page, `zz"mark`) || strings.Contains(page, "zzmark<") {
			t.Errorf("GET %s repeats what it was asked", url)
		}
	}
}

func TestCodes(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	id := f.full[catalog.Notices]
	_, page := get(t, app, "/notices/"+string(id))
	drawn := map[string]bool{}
	for _, svg := range parse(t, page).classed("code") {
		side, size := svg.attrs["width"], svg.attrs["viewBox"]
		var pixels, modules int
		if _, err := fmt.Sscanf(side+" "+size, "%d 0 0 %d", &pixels, &modules); err != nil || pixels%modules != 0 || pixels < 200 {
			t.Errorf("code of %s pixels for %s modules: not a whole number each", side, size)
		}
		drawn[svg.all("path")[0].attrs["d"]] = true
	}
	for _, payload := range []string{testBase + "/q/" + string(id) + "-K3", "https://outside.example/url"} {
		c, err := qr.New(payload, qr.Screen)
		if err != nil {
			t.Fatal(err)
		}
		if !drawn[c.Path()] {
			t.Errorf("no code of %s", payload)
		}
	}
	if !strings.Contains(parse(t, page).read(), "https://outside.example/url") {
		t.Error("the address elsewhere is not printed")
	}

	reason := catalog.Text{ZH: "没有地址的原因", EN: "why there is no address"}
	without, _ := site(t, func(c *Config) {
		c.BaseURL = func(*catalog.Manifest) (string, catalog.Text) { return "", reason }
	})
	for url, want := range map[string]string{"/": reason.ZH, "/?lang=en": reason.EN, "/achievements/" + string(f.id["short"]): reason.ZH} {
		if _, page := get(t, without, url); len(parse(t, page).classed("code")) > 0 || !strings.Contains(page, want) {
			t.Errorf("%s without an address shows a code or no reason", url)
		}
	}
	bad, _ := site(t, func(c *Config) {
		c.BaseURL = func(*catalog.Manifest) (string, catalog.Text) { return "ftp://nowhere", catalog.Text{} }
	})
	if resp, page := get(t, bad, "/"); resp.status != 200 || len(parse(t, page).classed("nocode")) != 1 {
		t.Errorf("a base nobody can use = %d, want a page that says that there is no code", resp.status)
	}
}

func TestLanding(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	for _, id := range f.full {
		url := "/q/" + string(id)
		resp, page := get(t, app, url)
		root := sound(t, url, resp, page)
		if len(page) > 30<<10 {
			t.Errorf("%s has %d bytes", url, len(page))
		}
		if n := len(root.all("link", "img")); n != 0 || strings.Contains(page, " src=") {
			t.Errorf("%s asks for %d more files", url, n)
		}
		if resp.header.Get("Set-Cookie") != "" || resp.header.Get("Vary") != "Accept" {
			t.Errorf("%s sets a cookie, or does not say that it varies", url)
		}
		_, css, _ := strings.Cut(page, "<style>")
		css, _, _ = strings.Cut(css, "</style>")
		sum := sha256.Sum256([]byte(css))
		if hash := base64.StdEncoding.EncodeToString(sum[:]); css == "" || !strings.Contains(resp.header.Get("Content-Security-Policy"), "style-src 'sha256-"+hash+"'") {
			t.Errorf("%s: the policy does not allow its own style sheet", url)
		}
		tel := false
		for _, a := range root.all("a") {
			tel = tel || strings.HasPrefix(a.attrs["href"], "tel:037900000005") && a.read() == "0379-0000 0005"
		}
		if text := root.read(); !tel || !strings.Contains(text, string(id)) || !strings.Contains(text, "涧西服务台") {
			t.Errorf("%s lacks the code or its market's desk", url)
		}
	}
	// The longest record the schema allows.
	m := map[string]any{"id": string(f.id["short"]), "dataset": "achievements", "trl": 7, "publisher": "p", "source": "s"}
	for _, field := range catalog.Fields(catalog.Achievements) {
		if field.Max > 0 && !field.Many() && (field.Type == "line" || field.Type == "text") && !strings.Contains(field.Path, ".") {
			m[field.Path] = strings.Repeat("长", field.Max)
		}
	}
	var owners []any
	for range 20 {
		owners = append(owners, map[string]any{"name": strings.Repeat("单", 200)})
	}
	m["organizations"] = owners
	raw, err := catalog.Canonical(m)
	if err != nil {
		t.Fatal(err)
	}
	r := &catalog.Release{Manifest: f.snap.Manifest(), Hash: f.snap.Hash(), Entries: []catalog.Entry{{ID: f.id["short"], Dataset: catalog.Achievements, Raw: raw}}}
	long, reader := site(t)
	reader.current.Store(snapshotOf(r))
	for _, lang := range []string{"zh", "en"} {
		if resp, page := get(t, long, "/q/"+string(f.id["short"])+"?lang="+lang); resp.status != 200 || len(page) > 30<<10 {
			t.Errorf("the longest landing page in %s = %d, %d bytes", lang, resp.status, len(page))
		}
	}
}

func TestPaging(t *testing.T) {
	app, _ := site(t)
	total := testRelease().snap.Count(catalog.Achievements)
	seen := map[string]bool{}
	url, pages := "/achievements?lang=en", 0
	for url != "" {
		_, page := get(t, app, url)
		root := parse(t, page)
		pages++
		next := ""
		for _, a := range root.all("a") {
			if a.attrs["rel"] == "next" {
				next = a.attrs["href"]
			}
		}
		for _, c := range root.classed("card") {
			href := c.all("a")[0].attrs["href"]
			seen[href] = true
			// The way back leads to the page of the list one came from.
			_, detail := get(t, app, href)
			for _, a := range parse(t, detail).classed("to-back")[0].all("a") {
				if a.attrs["href"] != url {
					t.Errorf("back from %s leads to %s, want %s", href, a.attrs["href"], url)
				}
			}
		}
		from, to := (pages-1)*usualList+1, min(pages*usualList, total)
		if want := fmt.Sprintf("%d–%d / %d", from, to, total); root.classed("pager")[0].all("p")[0].read() != want {
			t.Errorf("page %d reads %q, want %q", pages, root.classed("pager")[0].all("p")[0].read(), want)
		}
		url = next
	}
	if len(seen) != total || pages != (total+usualList-1)/usualList {
		t.Errorf("%d pages show %d achievements of %d", pages, len(seen), total)
	}
}

// TestControls: each control changes its own choice and keeps the others.
func TestControls(t *testing.T) {
	app, _ := site(t)
	_, page := get(t, app, "/achievements?lang=en&type=large&page=2")
	root := parse(t, page)
	want := map[string]string{
		"to-home": "/?lang=en&type=large", "to-back": "/?lang=en&type=large",
		"to-large": "/achievements?lang=en&page=2", "to-contrast": "/achievements?lang=en&type=large&contrast=high&page=2",
		"to-low": "/achievements?lang=en&type=large&reach=low&page=2", "to-language": "/achievements?type=large&page=2",
	}
	for class, href := range want {
		a := root.classed(class)[0].all("a")
		if len(a) != 1 || a[0].attrs["href"] != href {
			t.Errorf("%s leads to %v, want %s", class, a[0].attrs["href"], href)
		}
	}
	_, page = get(t, app, "/?contrast=high&reach=low")
	root = parse(t, page)
	if class := root.all("html")[0].attrs["class"]; class != "terminal contrast low" {
		t.Errorf("classes %q", class)
	}
	if len(root.classed("to-back")[0].all("a")) != 0 || root.classed("to-home")[0].all("a")[0].attrs["aria-current"] != "page" {
		t.Error("the home page offers a way back or does not know that it is home")
	}
}

// TestConcurrent reads while releases change; the race detector watches.
func TestConcurrent(t *testing.T) {
	app, r := site(t)
	f := testRelease()
	second := *f.snap.Release()
	second.Hash = catalog.HashOf([]byte("second"))
	releases := []*snapshot.Snapshot{f.snap, snapshotOf(&second), nil}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 60 {
			r.current.Store(releases[i%3])
			time.Sleep(time.Millisecond)
		}
	}()
	for {
		select {
		case <-done:
			return
		default:
		}
		for _, url := range []string{"/", "/achievements/" + string(f.id["short"]), "/q/" + string(f.id["gone"])} {
			if resp, _ := get(t, app, url); resp.status == 500 {
				t.Fatalf("GET %s = 500", url)
			}
		}
	}
}

// TestGolden keeps the structure of a few pages.
func TestGolden(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	for name, url := range map[string]string{
		"home": "/", "home-en": "/?lang=en", "list": "/achievements?page=3", "achievement": "/achievements/" + string(f.full[catalog.Achievements]),
		"search": "/search?q=%E6%88%90%E6%9E%9C&dataset=achievements&trl=3", "search-none-en": "/search?lang=en&q=%E7%AE%80%E4%BB%8B+xyzzy", "indicator-en": "/indicators/full-indicators?lang=en", "landing": "/q/" + string(f.full[catalog.Achievements]),
	} {
		_, page := get(t, app, url)
		var b bytes.Buffer
		outline(&b, parse(t, page).all("body")[0], 0)
		golden(t, name, b.Bytes())
	}
}

// golden compares got with the file of that name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it):\n%s", file, got)
	}
}

// outline writes the elements that carry meaning, with their text.
func outline(b *bytes.Buffer, n *node, depth int) {
	if n.name == "svg" || n.attrs["id"] == "keyboard" {
		fmt.Fprintf(b, "%*s%s.%s\n", 2*depth, "", n.name, n.attrs["class"])
		return
	}
	line := []string{strings.Join(append([]string{n.name}, strings.Fields(n.attrs["class"])...), ".")}
	for _, a := range []string{"href", "lang", "aria-label", "aria-current"} {
		if v, ok := n.attrs[a]; ok {
			line = append(line, a+"="+v)
		}
	}
	var own []string
	for _, c := range n.children {
		if c.name == "" {
			own = append(own, strings.Fields(c.text)...)
		}
	}
	if len(own) > 0 {
		line[len(line)-1] += ":"
		line = append(line, own...)
	}
	fmt.Fprintf(b, "%*s%s\n", 2*depth, "", strings.Join(line, " "))
	for _, c := range n.children {
		if c.name != "" {
			outline(b, c, depth+1)
		}
	}
}
