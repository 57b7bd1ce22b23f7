package kiosk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

// TestEveryLanding: the page of every record of the demonstration is small, asks for
// nothing else, and tells in this order, without its style sheet, what it is, whose, how
// to get it and whom to ask.
func TestEveryLanding(t *testing.T) {
	snap := demoRelease()
	app, r := site(t, func(c *Config) { c.Terminal = "" })
	r.current.Store(snap)
	largest, n := 0, 0
	for info := range catalog.Datasets() {
		for e := range snap.All(info.Name) {
			n++
			for _, lang := range []string{"zh", "en"} {
				if lang == "en" && n%4 != 0 {
					continue // these differ in their words alone
				}
				address := "/q/" + string(e.ID) + "?lang=" + lang
				resp, page := get(t, app, address)
				largest = max(largest, len(page))
				if resp.status != 200 || len(page) > 30<<10 {
					t.Errorf("GET %s = %d, %d bytes", address, resp.status, len(page))
				}
				text := parse(t, page).read()
				at := 0
				for _, want := range []string{e.Title().In(lang), "0379-0000", string(e.ID)} {
					i := strings.Index(text[at:], strings.Join(strings.Fields(want), " "))
					if i < 0 {
						t.Errorf("%s does not read %q behind what comes before: %s", address, want, text)
						break
					}
					at += i
				}
				if strings.Contains(page, " src=") || strings.Contains(page, "<link") || strings.Contains(page, "@import") || strings.Contains(page, "url(") {
					t.Errorf("%s asks for more", address)
				}
			}
		}
	}
	t.Logf("the largest page has %d bytes", largest)
}

// TestLandingFormats: the same address gives the record to a program that asks for it.
func TestLandingFormats(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	address := "/q/" + string(f.full[catalog.Achievements])
	for accept, want := range map[string]string{
		"": typeHTML, "*/*": typeHTML, "text/html,application/xhtml+xml,*/*;q=0.8": typeHTML, "nonsense": typeHTML,
		"application/json": typeJSON, "application/ld+json": typeLinked, "application/*": typeLinked,
		"application/json, application/ld+json;q=0.9": typeJSON, "application/json;q=0.5, application/ld+json": typeLinked,
		"text/html;q=0.2, application/json;q=0.3": typeJSON, "application/json;q=0": typeHTML, "application/json;q=x": typeHTML,
		"*/*;q=0.1, text/html;q=0, application/ld+json;q=0": typeJSON, "application/json;q=NaN": typeHTML,
		"image/png": typeHTML, "APPLICATION/JSON": typeJSON, "text/*, application/json;q=0.9": typeHTML,
	} {
		resp, body := get(t, app, address, "Accept", accept)
		if got := resp.header.Get("Content-Type"); got != want || resp.status != 200 || resp.header.Get("Vary") != "Accept" {
			t.Errorf("Accept %q gives %d %s, want %s", accept, resp.status, got, want)
		}
		if want == typeHTML {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Errorf("Accept %q: %v", accept, err)
		}
		if id := fmt.Sprint(m["id"], m["identifier"]); !strings.Contains(id, string(f.full[catalog.Achievements])) {
			t.Errorf("Accept %q gives %s", accept, body)
		}
		if again, _ := get(t, app, address, "Accept", accept, "If-None-Match", resp.header.Get("ETag")); again.status != 304 {
			t.Errorf("Accept %q with its own tag gives %d", accept, again.status)
		}
		if page, _ := get(t, app, address, "If-None-Match", resp.header.Get("ETag")); page.status != 200 {
			t.Errorf("the page has the tag of the record")
		}
	}
}

// TestLandingProblems: a program that asks for data of a code that leads nowhere is told so
// in data, in both languages, whatever page it would have been.
func TestLandingProblems(t *testing.T) {
	f := testRelease()
	app, r := site(t)
	short := string(f.id["short"])
	for _, test := range []struct {
		code, kind string
		status     int
		says       string
	}{
		{string(f.id["gone"]) + "-P2", "withdrawn", 410, `"tombstone":{"id":"` + string(f.id["gone"]) + `","title":"撤回的gone","withdrawn_on":"2026-11-20","reason":"单位要求撤回"}`},
		{string(catalog.MintID(catalog.Achievements, "nobody", 0)), "unknown-record", 404, `"title":"Page not found","title_zh":"没有找到这一页"`},
		{short[:6] + short[7:8] + short[6:7], "mistyped-identifier", 404, `"meant":["` + short + `"]`},
		{"%3Cscript%3E", "mistyped-identifier", 404, `"status":404`},
		{"list/A0000000", "unknown-record", 404, `"detail_zh"`},
	} {
		for accept, data := range map[string]bool{typeJSON: true, typeLinked: true, typeProblem: true, "text/html, application/json;q=0.5": false, "": false} {
			resp, body := get(t, app, "/q/"+test.code, "Accept", accept)
			kind := resp.header.Get("Content-Type")
			if resp.status != test.status || resp.header.Get("Vary") != "Accept" || (kind == typeProblem) != data || kind == typeHTML == data {
				t.Errorf("GET %s, Accept %q = %d %s", test.code, accept, resp.status, kind)
			}
			if !data {
				continue
			}
			var p problem
			if err := json.Unmarshal([]byte(body), &p); err != nil || p.Type != testBase+"/developers/problems#"+test.kind || p.Status != test.status ||
				p.Title == "" || p.TitleZH == "" || p.Detail == "" || p.DetailZH == "" || !strings.Contains(body, test.says) {
				t.Errorf("GET %s, Accept %q says %s (%v)", test.code, accept, body, err)
			}
		}
	}
	r.current.Store(nil)
	if resp, body := get(t, app, "/q/"+short, "Accept", typeJSON); resp.status != 503 || resp.header.Get("Retry-After") == "" || !strings.Contains(body, `"/developers/problems#no-release"`) {
		t.Errorf("without a release: %d %s", resp.status, body)
	}
}

// TestDeskOfTheMarket: whom to ask about a record, its market's desk says, also when the
// record was withdrawn and in a list of several.
func TestDeskOfTheMarket(t *testing.T) {
	f := testRelease()
	base := f.snap.Release()
	d := catalog.NewDraft(base, base.Manifest.PublishedAt.Add(time.Hour))
	local := f.full[catalog.Services]
	must(d.Withdraw(local, "停办", ""))
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	must(err)
	app, r := site(t)
	r.current.Store(snapshotOf(p.Release))
	short, demand := string(f.id["short"]), string(f.full[catalog.Demands])
	for path, says := range map[string][]string{
		"/q/" + string(local):                                                    {"到哪里问 涧西服务台 0379-0000 0005 周一至周五"},
		"/q/" + string(f.id["gone"]):                                             {"到哪里问 总服务台 0379-0000 0001"},
		"/q/list/" + short + "," + demand + "," + string(f.id["a1"]):             {"总服务台 第 1、3 条 0379", "涧西服务台 第 2 条 0379"},
		"/q/list/" + demand + "," + string(local) + "?lang=en":                   {"Where to ask 涧西服务台 0379"},
		"/print/list/" + short + "," + string(local) + "," + demand + "?lang=en": {"Main desk for no. 1 · 0379-0000 0001", "涧西服务台 for no. 2 · 0379"},
	} {
		_, page := get(t, app, path)
		for _, s := range says {
			if text := parse(t, page).read(); !strings.Contains(text, s) {
				t.Errorf("%s does not say %q: %s", path, s, text)
			}
		}
	}
}

// TestShorten cuts between words, and counts a Han character as two letters.
func TestShorten(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"洛阳轴承", "洛阳轴承"},
		{"洛阳轴承研究", "洛阳轴承…"},
		{"bearings", "bearings"},
		{"low noise bearings", "low…"},
		{"supercalifragilistic", "supercal…"},
		{"", ""},
	} {
		if got := shorten(tt.in, 4); got != tt.want {
			t.Errorf("%q became %q, want %q", tt.in, got, tt.want)
		}
	}
}

// properties are those that schema.org (release 28) knows of each type used here, its own
// and those of the types above it, as far as the pages may use them.
var properties = map[string][]string{
	"Thing":              {"@context", "@type", "@id", "@reverse", "url", "identifier", "name", "alternateName", "description", "sameAs"},
	"CreativeWork":       {"creator", "publisher", "offers", "about", "mentions", "datePublished", "keywords", "sdLicense", "sdDatePublished"},
	"Legislation":        {"legislationPassedBy", "legislationIdentifier", "legislationDate"},
	"Organization":       {"parentOrganization", "telephone", "address", "seeks"},
	"Person":             {"affiliation", "jobTitle"},
	"Place":              {"address"},
	"Service":            {"provider", "areaServed", "termsOfService"},
	"Event":              {"organizer", "startDate", "endDate", "location"},
	"Offer":              {"itemOffered", "priceSpecification", "validFrom", "validThrough", "availableAtOrFrom"},
	"Demand":             {"itemOffered", "priceSpecification", "validFrom", "validThrough", "availableAtOrFrom"},
	"PriceSpecification": {"price", "minPrice", "maxPrice", "priceCurrency"},
}

// unknown returns what of a document schema.org does not know.
func unknown(v any) (all []string) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			all = append(all, unknown(one)...)
		}
	case map[string]any:
		kind := fmt.Sprint(v["@type"])
		may := slices.Concat(properties["Thing"], properties[kind])
		if createdWork(kind) {
			may = append(may, properties["CreativeWork"]...)
		}
		for name, one := range v {
			if reversed, ok := one.(map[string]any); ok && name == "@reverse" {
				// What is said the other way around is a property of the other side.
				for name, others := range reversed {
					for _, o := range others.([]any) {
						kind := fmt.Sprint(o.(map[string]any)["@type"])
						if !slices.Contains(properties[kind], name) {
							all = append(all, kind+"."+name)
						}
						all = append(all, unknown(o)...)
					}
				}
				continue
			}
			if !slices.Contains(may, name) {
				all = append(all, kind+"."+name)
			}
			all = append(all, unknown(one)...)
		}
	}
	return all
}

// TestLinkedData: what a page tells machines says what its people read, of what kind it is
// and who stands how to it, in words that the vocabulary has.
func TestLinkedData(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	var all bytes.Buffer
	for info := range catalog.Datasets() {
		id := f.full[info.Name]
		_, page := get(t, app, "/q/"+string(id))
		_, data, _ := strings.Cut(page, `<script type="application/ld+json">`)
		data, _, _ = strings.Cut(data, "</script>")
		var m map[string]any
		if err := json.Unmarshal([]byte(data), &m); err != nil {
			t.Errorf("%s: %v: %s", id, err, data)
			continue
		}
		if m["@context"] != "https://schema.org" || m["@type"] != vocabulary[info.Name].kind || m["@id"] != testBase+"/q/"+string(id) || m["name"] == "" {
			t.Errorf("%s: %v", id, m)
		}
		if bad := unknown(m); len(bad) > 0 {
			t.Errorf("%s: schema.org has no %v", info.Name, bad)
		}
		if _, alone := get(t, app, "/q/"+string(id), "Accept", typeLinked); alone != data {
			t.Errorf("%s: the page says otherwise than %s", id, typeLinked)
		}
		must(json.Indent(&all, []byte(data), "", "  "))
		all.WriteByte('\n')
	}
	golden(t, "linked", all.Bytes())
	// A title cannot end the element it stands in.
	_, page := get(t, app, "/q/"+string(f.id["a1"]))
	if strings.Count(page, "</script>") != 1 || strings.Contains(page, `"name":"成果 1 <b>`) {
		t.Error("a title gets out of the data")
	}
}

// unfold returns the lines of a vCard or calendar as they were before they were folded,
// and checks the form of both (RFC 6350, section 3.2; RFC 5545, section 3.1).
func unfold(t *testing.T, body string) []string {
	t.Helper()
	if !strings.HasSuffix(body, "\r\n") || strings.Contains(strings.ReplaceAll(body, "\r\n", ""), "\n") {
		t.Errorf("lines do not end in CRLF: %q", body)
	}
	for line := range strings.SplitSeq(body, "\r\n") {
		if len(line) > 75 || strings.ToValidUTF8(line, "?") != line {
			t.Errorf("a line of %d octets, or a character in two: %q", len(line), line)
		}
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(body, "\r\n ", ""), "\r\n"), "\r\n")
}

// TestKeepsakes: who is to be asked goes into an address book, and a day into a calendar.
func TestKeepsakes(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	for _, test := range []struct {
		path, kind string
		lines      []string
	}{
		{"/q/" + string(f.id["short"]) + contactFile, typeVCard, []string{
			"BEGIN:VCARD", "VERSION:4.0", "FN:总服务台", "ORG:测试机构", `TEL;VALUE=uri;TYPE="work,voice":tel:037900000001`, "ADR;TYPE=work:;;示例大道 1 号;;;;",
			"URL:" + testBase + "/q/" + string(f.id["short"]), "NOTE:短记录 " + string(f.id["short"]), "END:VCARD",
		}},
		{"/q/" + string(f.full[catalog.Organizations]) + contactFile + "?lang=en", typeVCard, []string{
			"URL;TYPE=work:https://outside.example/website",
		}},
		{"/q/" + string(f.full[catalog.Events]) + calendarFile, typeCalendar, []string{
			"BEGIN:VCALENDAR", "VERSION:2.0", "DTSTAMP:20261120T003000Z", "DTSTART;VALUE=DATE:20190310", "DTEND;VALUE=DATE:20190311", "END:VCALENDAR",
		}},
		{"/q/" + string(f.full[catalog.Demands]) + calendarFile, typeCalendar, []string{"DTSTART;VALUE=DATE:20190310", "UID:" + string(f.full[catalog.Demands]) + "@test.luoshu"}},
		{"/q/list/" + string(f.id["short"]) + "," + string(f.full[catalog.Demands]) + "," + string(f.id["a1"]) + contactFile, typeVCard, []string{
			"FN:总服务台", `NOTE:短记录 ` + string(f.id["short"]) + `\n成果 1 <b>&amp\;</b> ` + string(f.id["a1"]), "FN:涧西服务台",
		}},
	} {
		resp, body := get(t, app, test.path)
		if resp.status != 200 || resp.header.Get("Content-Type") != test.kind || !strings.HasPrefix(resp.header.Get("Content-Disposition"), "attachment; filename=") {
			t.Errorf("GET %s = %d %v", test.path, resp.status, resp.header)
			continue
		}
		text := "\n" + strings.Join(unfold(t, body), "\n") + "\n"
		for _, line := range test.lines {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("GET %s lacks %q:%s", test.path, line, text)
			}
		}
	}
	for _, path := range []string{
		"/q/" + string(f.id["short"]) + calendarFile, "/q/" + string(f.id["gone"]) + contactFile, "/q/A0000000" + contactFile, "/q/list/" + string(f.id["gone"]) + contactFile,
	} {
		if resp, _ := get(t, app, path); resp.status != 404 {
			t.Errorf("GET %s = %d, want 404", path, resp.status)
		}
	}
	_, page := get(t, app, "/q/"+string(f.full[catalog.Events]))
	var links []string
	for _, a := range parse(t, page).classed("keep")[0].all("a") {
		links = append(links, a.attrs["href"])
		if resp, _ := get(t, app, a.attrs["href"]); resp.status != 200 {
			t.Errorf("%s leads to %d", a.read(), resp.status)
		}
	}
	if len(links) != 2 {
		t.Errorf("an event can be kept as %v", links)
	}
}

// TestContentLines: any text folds and unfolds to itself.
func FuzzContentLines(f *testing.F) {
	f.Add("短，长;\\\n" + strings.Repeat("洛", 60))
	f.Add(strings.Repeat("a", 75) + "é")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' {
				return -1
			}
			return r
		}, s), "")
		var l contentLines
		l.text("NOTE", s)
		if s == "" {
			return
		}
		lines := unfold(t, string(l.bytes()))
		back := strings.NewReplacer(`\\`, `\`, `\;`, ";", `\,`, ",", `\n`, "\n").Replace(strings.TrimPrefix(lines[0], "NOTE:"))
		if len(lines) != 1 || back != s {
			t.Errorf("%q comes back as %q", s, back)
		}
	})
}

// TestPrinted: a code that was printed tells that its record has changed since, and what of
// it, from the current release alone: the one of that day need not be kept.
func TestPrinted(t *testing.T) {
	var base *catalog.Release
	ids := map[string]catalog.ID{}
	draft := func(at string) *catalog.Draft {
		t.Helper()
		now, err := time.ParseInLocation(time.DateOnly, at, beijing)
		must(err)
		return catalog.NewDraft(base, now.Add(10*time.Hour))
	}
	build := func(d *catalog.Draft) {
		t.Helper()
		p, err := d.Build(t.Context(), catalog.BuildOptions{})
		must(err)
		base = p.Release
	}
	put := func(d *catalog.Draft, r catalog.Record) {
		t.Helper()
		ids[r.Head().Title] = putRecord(d, r.Head().Title, r)
	}
	result := func(title string, trl int, abstract string) *catalog.Achievement {
		return &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: title, Abstract: abstract}, TRL: trl}
	}
	app, r := site(t, func(c *Config) { c.Terminal = "" })
	told := func(path string) string {
		t.Helper()
		r.current.Store(snapshotOf(base))
		_, page := get(t, app, path)
		for _, n := range parse(t, page).classed("told") {
			return n.read()
		}
		return ""
	}
	expect := func(when string, want map[string]string) {
		t.Helper()
		for path, form := range want {
			if got := told(path); !regexp.MustCompile(form).MatchString(got) {
				t.Errorf("%s, %s says %q, want %s", when, path, got, form)
			}
		}
	}

	d := draft("2026-10-08")
	put(d, result("主轴", 6, "印出的简介。"))
	put(d, result("轴承", 5, ""))
	put(d, &catalog.Package{Header: catalog.Header{Dataset: catalog.Packages, Title: "秋季目录"}, Items: []catalog.Ref{ids["主轴"], ids["轴承"]}})
	_, _, err := d.Print(publisher, ids["秋季目录"])
	must(err)
	// An edition that was printed elsewhere says no more than its day.
	put(d, &catalog.Edition{Header: catalog.Header{Dataset: catalog.Catalogs, Title: "外印目录", SourceIDs: []string{"P7"}}, IssuedOn: "2026-10", Items: []catalog.Ref{ids["主轴"]}})
	build(d)
	spindle, bearing := "/q/"+string(ids["主轴"]), "/q/"+string(ids["轴承"])
	expect("as printed", map[string]string{spindle + "-P1": `^$`, spindle + "-P7": `^$`, bearing + "-P1": `^$`})

	before := base
	d = draft("2026-11-02")
	put(d, result("主轴", 7, "新的简介。"))
	put(d, result("后来", 3, ""))
	build(d)
	expect("changed", map[string]string{
		spindle + "-P1":                   `自印刷版《秋季目录》（2026年10月8日）印出后，本条有变化（最近一次：2026年11月2日）。 .*→ 新的简介。.*→ 7`,
		spindle + "-P1?lang=en":           `since it was printed in 秋季目录 \(8 October 2026\), last on 2 November 2026\.`,
		spindle + "-P7":                   `《外印目录》（2026年10月）印出后，本条有变化（最近一次：2026年11月2日）。$`,
		spindle + "-P9":                   `^$`, // a print that nobody recorded
		spindle + "-P0":                   `^$`, // a print that was no edition
		spindle + "-K2":                   `^$`,
		spindle:                           `^$`,
		bearing + "-P1":                   `^$`,
		"/q/" + string(ids["后来"]) + "-P1": `^$`, // which the edition does not hold
	})

	// What is again as it was printed has not changed, whatever the way there.
	p, err := catalog.Republish(t.Context(), base, before, base.Manifest.PublishedAt.Add(time.Hour), "退回")
	must(err)
	base = p.Release
	expect("rolled back", map[string]string{spindle + "-P1": `^$`})

	d = draft("2026-11-20")
	put(d, result("主轴", 6, ""))
	build(d)
	expect("a text left out", map[string]string{spindle + "-P1": `简介 → 已删去$`})
}

// TestGoneSimilar: what is left of a withdrawn record leads to those whose titles share
// words with it.
func TestGoneSimilar(t *testing.T) {
	snap := demoRelease()
	var title string
	var like catalog.ID
	for e := range snap.All(catalog.Achievements) {
		title, like = e.Title().ZH, e.ID
		break
	}
	m := *snap.Manifest()
	gone := catalog.MintID(catalog.Achievements, "gone for good", 0)
	m.Withdrawn = []catalog.Tombstone{{ID: gone, Title: title, WithdrawnOn: "2026-11-20", Reason: "单位撤回"}}
	release := *snap.Release()
	release.Manifest = &m
	app, r := site(t)
	r.current.Store(snapshotOf(&release))
	for _, lang := range []string{"", "?lang=en"} {
		resp, page := get(t, app, "/q/"+string(gone)+"-P2"+lang)
		root := sound(t, "/q/", resp, page)
		found := false
		for _, a := range root.classed("list")[0].all("a") {
			found = found || a.attrs["href"] == "/q/"+string(like)+lang
		}
		if resp.status != 410 || !found || len(page) > 30<<10 {
			t.Errorf("%d, and %s is not offered for %s: %s", resp.status, like, title, root.read())
		}
	}
}

// counted is a Counter that remembers what it was told.
type counted struct{ all []string }

func (c *counted) Scanned(id catalog.ID, placement string) {
	c.all = append(c.all, "scan "+string(id)+" "+placement)
}
func (c *counted) Viewed(id catalog.ID)         { c.all = append(c.all, "view "+string(id)) }
func (c *counted) Missed(term, terminal string) { c.all = append(c.all, "miss "+term+" "+terminal) }

// TestCounted: what is counted, and what is not.
func TestCounted(t *testing.T) {
	f := testRelease()
	var c counted
	app, _ := site(t, func(cfg *Config) { cfg.Counter = &c })
	short, gone := string(f.id["short"]), string(f.id["gone"])
	for path, want := range map[string]string{
		"/q/" + short:                            "scan " + short + " ",
		"/q/" + short + "-p2":                    "scan " + short + " other", // no edition has that number
		"/q/" + short + "-p0":                    "scan " + short + " P0",
		"/q/" + gone + "-K3":                     "scan " + gone + " K3",
		"/q/" + short + "-P2?lang=en":            "", // the switch of the language
		"/q/A0000000":                            "",
		"/q/" + short + contactFile:              "",
		"/q/list/" + short + "," + gone + "-K1":  "scan " + short + " other|scan " + gone + " other",
		"/achievements/" + short:                 "view " + short,
		"/achievements/" + short + "?part=links": "",
		"/achievements":                          "",
		"/search?q=" + url.QueryEscape("查无此词"):   "miss 查无此词 K3",
		"/search?q=" + url.QueryEscape("成果"):     "",
	} {
		c.all = nil
		get(t, app, path)
		if got := strings.Join(c.all, "|"); got != want {
			t.Errorf("GET %s counts %q, want %q", path, got, want)
		}
		c.all = nil
		send(t, app, "HEAD", path)
		if len(c.all) > 0 {
			t.Errorf("HEAD %s counts %q", path, c.all)
		}
	}
}
