package kiosk

import (
	"strings"
	"testing"

	"luoshu/catalog/demo"
	"luoshu/catalog/snapshot"
)

// TestFinders touches the door and then one answer after another, and counts what each
// answer promised.
func TestFinders(t *testing.T) {
	publication, err := demo.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.New(t.Context(), publication.Release)
	if err != nil {
		t.Fatal(err)
	}
	app, r := site(t)
	r.current.Store(snap)
	for _, test := range []struct {
		door    string
		answers []string
		want    string // what stands there in the end
		back    string // the way back from the first record
	}{
		{"/support", []string{"示范基地", "奖励"}, "30万元", "/support?who=base&mode=reward"},
		{"/support", []string{"初创和创新创业", "资金支持"}, "最高100万元", "/support?who=startup&mode=funding"},
		{"/support", []string{"企业", "后补助"}, "文件未写明金额", "/support?who=enterprise&mode=post-subsidy"},
		{"/support", []string{"不限，看全部", "不限，看全部"}, "2017年印发，请确认是否仍有效", "/support?who=any&mode=any"},
		{"/services/find", []string{"技术评价"}, "技术评价", ""},
		{"/experts/find", []string{"农业", "嵩县"}, "嵩县", ""},
	} {
		resp, page := get(t, app, "/")
		var root *node
		sound(t, "/", resp, page)
		next := test.door
		if !strings.Contains(page, `href="`+next+`"`) {
			t.Errorf("no door to %s", next)
		}
		promised := ""
		for _, answer := range test.answers {
			resp, page = get(t, app, next)
			root = sound(t, next, resp, page)
			url := next
			for _, a := range root.classed("answers")[0].all("a") {
				if strings.HasPrefix(a.read(), answer) {
					next, promised = a.attrs["href"], a.classed("count")[0].read()
				}
			}
			if next == url {
				t.Fatalf("%s: no answer %q", url, answer)
			}
		}
		resp, page = get(t, app, next)
		root = sound(t, next, resp, page)
		if text := root.all("main")[0].read(); !strings.Contains(text, test.want) {
			t.Errorf("%s: no %q in %s", next, test.want, text)
		}
		if !strings.Contains(root.all("main")[0].all("h2")[0].read()+page, "/ "+promised) {
			t.Errorf("%s: the answer promised %s", next, promised)
		}
		if test.back == "" {
			continue
		}
		record := root.classed("card")[0].all("a")[0].attrs["href"]
		resp, page = get(t, app, record)
		if got := sound(t, record, resp, page).classed("to-back")[0].all("a")[0].attrs["href"]; got != test.back {
			t.Errorf("%s: back is %s, want %s", record, got, test.back)
		}
	}
}

// TestAudienceTexts: whomever a policy is for is called something.
func TestAudienceTexts(t *testing.T) {
	all, err := loadTexts(files)
	if err != nil {
		t.Fatal(err)
	}
	for lang, texts := range all {
		for _, name := range snapshot.Audiences() {
			if texts["support.who."+name] == "" {
				t.Errorf("%s: no text for %s", lang, name)
			}
		}
	}
}

// TestFinderAddresses: what an address makes up is not answered.
func TestFinderAddresses(t *testing.T) {
	app, _ := site(t)
	for url, h1 := range map[string]string{
		"/support?who=nobody": "您代表谁？", "/support?mode=reward": "您代表谁？", "/support?who=any&mode=none": "想得到哪种支持？",
		"/support?who=finance&mode=reward&page=99": "能得到这些支持",
		"/experts/find?tech_fields=none":           "哪个领域的专家？", "/services/find?lang=en&type=large": "What do you need?",
		"/join": "登记成果、发布需求", "/join?lang=en&reach=low": "Register an achievement or post a need",
	} {
		resp, page := get(t, app, url)
		if got := sound(t, url, resp, page).all("h1")[0].read(); resp.status != 200 || got != h1 {
			t.Errorf("%s = %d %q, want %q", url, resp.status, got, h1)
		}
	}
}
