package kiosk

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

func TestNew(t *testing.T) {
	for _, cfg := range []Config{{}, {Reader: &reader{}, Terminal: "hall"}, {Reader: &reader{}, Terminal: "k3"}} {
		if _, err := New(cfg); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("New(%+v) = %v, want ErrInvalid", cfg, err)
		}
	}
	h, err := New(Config{Reader: &reader{}})
	if err != nil {
		t.Fatal(err)
	}
	if base, _ := h.baseURL(&catalog.Manifest{Profile: catalog.Profile{PublicURL: "https://own.example"}}); base != "https://own.example" {
		t.Errorf("without BaseURL codes begin with %q, want the release's own address", base)
	}
}

var verbs = regexp.MustCompile(`%(\[\d+\])?[a-z]`)

// TestTexts: both languages have the same texts with the same places to fill, and
// every text is used.
func TestTexts(t *testing.T) {
	read := func(lang string) texts {
		b, err := files.ReadFile("texts/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var m texts
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n") - 2; n != len(m) {
			t.Errorf("%s.json has %d lines for %d keys: one stands twice", lang, n, len(m))
		}
		return m
	}
	zh, en := read("zh"), read("en")
	if a, b := slices.Sorted(maps.Keys(zh)), slices.Sorted(maps.Keys(en)); !slices.Equal(a, b) {
		t.Fatalf("keys differ: %v and %v", a, b)
	}
	var sources strings.Builder
	for _, pattern := range []string{"templates/*.html", "*.go"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "_test.go") {
				sources.Write(b)
			}
		}
	}
	all := sources.String()
	for key, s := range zh {
		if a, b := verbs.FindAllString(s, -1), verbs.FindAllString(en[key], -1); len(a) != len(b) || (!strings.Contains(s, "[") && !slices.Equal(a, b)) {
			t.Errorf("%s: %q and %q are filled differently", key, s, en[key])
		}
		// A key is written out, or built from the part before its last dot.
		used := strings.Contains(all, `"`+key+`"`)
		for _, built := range []string{"ask.", "offer.", "section.", "bar.", "fail.", "over.", "search.sort.", "view.", "board.reached.", "support.who.", "find.experts.", "find.services.", "agenda.part.", "agenda.show.", "weekday."} {
			used = used || strings.HasPrefix(key, built)
		}
		if !used {
			t.Errorf("%s is used nowhere", key)
		}
	}
	for info := range catalog.Datasets() {
		if _, ok := zh["ask."+string(info.Name)]; !ok {
			t.Errorf("no text ask.%s", info.Name)
		}
		if _, ok := zh["offer."+string(info.Name)]; ok != (len(layouts[info.Name].offer) > 0) {
			t.Errorf("text offer.%s: %v, but its layout has %d fields to offer", info.Name, ok, len(layouts[info.Name].offer))
		}
		if _, ok := zh["over."+string(info.Name)]; ok != (len(layouts[info.Name].last) > 0) {
			t.Errorf("text over.%s: %v, but its layout names %v", info.Name, ok, layouts[info.Name].last)
		}
		for _, g := range groups()[info.Name] {
			if _, ok := zh["section."+g.top]; g.object && g.many && !g.party() && !ok {
				t.Errorf("no text section.%s", g.top)
			}
		}
	}
}

// TestLayouts: what a layout names exists.
func TestLayouts(t *testing.T) {
	for info := range catalog.Datasets() {
		l, ok := layouts[info.Name]
		if !ok {
			t.Errorf("%s has no layout", info.Name)
		}
		names := slices.Concat(l.card, l.strip, l.prose, l.deep, l.offer, l.last, l.facets)
		for _, name := range []string{l.owner, l.begins, l.latest} {
			if name != "" {
				names = append(names, name)
			}
		}
		for _, name := range names {
			if !slices.ContainsFunc(groups()[info.Name], func(g group) bool { return g.top == name }) {
				t.Errorf("layout of %s names %q, which its records do not have", info.Name, name)
			}
		}
	}
}

func TestSquare(t *testing.T) {
	for _, line := range [][3]int{{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {0, 3, 6}, {1, 4, 7}, {2, 5, 8}, {0, 4, 8}, {2, 4, 6}} {
		if sum := square[line[0]] + square[line[1]] + square[line[2]]; sum != 15 {
			t.Errorf("cells %v add up to %d", line, sum)
		}
	}
	for n := 1; n <= 9; n++ {
		if m := marks[n]; len(m.Points) != n || m.Rings != (n%2 == 1) {
			t.Errorf("mark %d has %d points, rings %v", n, len(m.Points), m.Rings)
		}
		if _, door := doors[n]; door == (n == 5) {
			t.Errorf("cell %d: door %v", n, door)
		}
	}
	for level := range 10 {
		full := 0
		for _, c := range newBadge(level).Cells {
			if c.Full {
				full++
			}
		}
		if full != level {
			t.Errorf("badge of level %d has %d full cells", level, full)
		}
	}
}

func TestFormatMoney(t *testing.T) {
	for _, test := range []struct {
		m      catalog.Money
		zh, en string
	}{
		{catalog.Money{}, "", ""},
		{catalog.Money{Negotiable: true}, "面议", "negotiable"},
		{catalog.Money{Min: 300000, Max: 300000, Currency: "CNY"}, "30万元", "CNY 300,000"},
		{catalog.Money{Max: 1000000, Currency: "CNY"}, "最高100万元", "up to CNY 1,000,000"},
		{catalog.Money{Min: 50000, Currency: "CNY"}, "不低于5万元", "from CNY 50,000"},
		{catalog.Money{Min: 300000, Max: 500000, Currency: "CNY"}, "30–50万元", "CNY 300,000–500,000"},
		{catalog.Money{Min: 8000, Max: 25000, Currency: "CNY"}, "8,000元–2.5万元", "CNY 8,000–25,000"},
		{catalog.Money{Min: 68000, Max: 68000, Currency: "CNY", Negotiable: true}, "6.8万元，可面议", "CNY 68,000, negotiable"},
		{catalog.Money{Min: 1234567, Max: 1234567, Currency: "CNY"}, "1,234,567元", "CNY 1,234,567"},
		{catalog.Money{Min: 120000000, Max: 120000000, Currency: "CNY"}, "1.2亿元", "CNY 120,000,000"},
		{catalog.Money{Min: 20000, Max: 20000, Currency: "USD"}, "2万美元", "USD 20,000"},
		{catalog.Money{Min: 20000, Max: 20000, Currency: "SEK"}, "2万 SEK", "SEK 20,000"},
		{catalog.Money{Min: 0.5, Max: 0.5, Currency: "CNY"}, "0.5元", "CNY 0.5"},
	} {
		if zh, en := formatMoney(test.m, "zh"), formatMoney(test.m, "en"); zh != test.zh || en != test.en {
			t.Errorf("formatMoney(%+v) = %q, %q, want %q, %q", test.m, zh, en, test.zh, test.en)
		}
	}
}

func TestFormatNumbersAndDates(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1284: "1,284", 1234567.25: "1,234,567.25", -1000: "-1,000", -12: "-12"} {
		if got := formatNumber(v); got != want {
			t.Errorf("formatNumber(%v) = %q, want %q", v, got, want)
		}
	}
	for _, test := range []struct {
		v      float64
		zh, en string
	}{
		{10000, "10,000", "10,000"},
		{4610000, "461万", "4.61 million"},
		{3e9, "30亿", "3 billion"},
		{22361000000, "223.61亿", "22,361 million"},
		{466179000, "46,617.9万", "466,179,000"},
		{123456789, "123,456,789", "123,456,789"},
		{140.71, "140.71", "140.71"},
	} {
		if zh, en := formatLarge(test.v, "zh"), formatLarge(test.v, "en"); zh != test.zh || en != test.en {
			t.Errorf("formatLarge(%v) = %q, %q, want %q, %q", test.v, zh, en, test.zh, test.en)
		}
	}
	for d, want := range map[catalog.Date][2]string{
		"2026-11-20": {"2026年11月20日", "20 November 2026"}, "2026-01": {"2026年1月", "January 2026"}, "2017": {"2017年", "2017"}, "soon": {"soon", "soon"},
	} {
		if zh, en := formatDate(d, "zh"), formatDate(d, "en"); zh != want[0] || en != want[1] {
			t.Errorf("formatDate(%q) = %q, %q, want %q", d, zh, en, want)
		}
	}
}

func TestGauge(t *testing.T) {
	record := map[string]any{
		"title": "指标", "unit": "家", "operator": "gte", "target": 100.0, "period": "2018–2021年",
		"observations": []any{
			map[string]any{"value": 150.0, "as_of": "2021-12-31", "provisional": true},
			map[string]any{"value": 50.0, "as_of": "2019", "division": "410300"},
			map[string]any{"value": 10.0, "as_of": "2022-01-01", "division": "410302"},
			map[string]any{"value": 40.0, "as_of": "2022-01-01", "division": "410303"},
		},
	}
	s := &sheet{page: &page{view: view{lang: "zh"}, rq: &request{}}, ID: "some-indicator", m: record}
	g := s.Gauge()
	if g.Target != "100" || g.Operator.S != "不低于" || g.Sign != "≥ " || g.Groups[0].TargetAt != "66.67" {
		t.Errorf("target %q %q %q at %q", g.Target, g.Operator.S, g.Sign, g.Groups[0].TargetAt)
	}
	// By date; the bar of a division is measured against divisions, never against
	// the city's target; the latest is the city's.
	if bars := g.Groups[0].Bars; len(g.Groups) != 1 || len(bars) != 2 || bars[0].Length != "33.33" || bars[1].Length != "100.00" || !bars[1].Provisional {
		t.Errorf("bars %+v", g.Groups)
	}
	if len(g.Parts) != 2 || g.Parts[0].Length != "25.00" || g.Parts[1].Length != "100.00" || len(g.All) != 4 {
		t.Errorf("parts %+v", g.Parts)
	}
	if g.By.S != "2021年" {
		t.Errorf("target of %q, want its last year", g.By.S)
	}
	if g.Latest.Value != "150" {
		t.Errorf("latest %+v", g.Latest)
	}
	if g := (&sheet{page: s.page, m: map[string]any{"observations": []any{map[string]any{"value": 0.0, "as_of": "2020"}}}}).Gauge(); g.Target != "" || g.Groups[0].Bars[0].Length != "0" || g.Groups[0].TargetAt != "" {
		t.Errorf("without target or value: %+v", g)
	}
}

// TestGaugeDefinitions: bars of different definitions are not measured against each
// other, and the target is drawn only among those of its own time.
func TestGaugeDefinitions(t *testing.T) {
	observed := func(value float64, asOf, definition string) any {
		return map[string]any{"value": value, "as_of": asOf, "definition": definition}
	}
	s := &sheet{page: &page{view: view{lang: "zh"}, rq: &request{}}, m: map[string]any{
		"target": 200.0, "observations": []any{
			observed(50, "2018", "甲"), observed(100, "2019-12-31", "甲"), observed(1000, "2021", "乙"), observed(500, "2022-06", "乙"), observed(10, "2023", "甲"),
		},
	}}
	for period, want := range map[string][]string{
		"2020年": {"100.00", "", ""}, "2017年": {"", "", ""}, "三年内": {"", "", ""}, "": {"", "", ""},
		"2018—2022年": {"", "20.00", ""}, "2030年": {"", "", "100.00"},
	} {
		s.m["period"] = period
		g := s.Gauge()
		if len(g.Groups) != 3 || g.Target != "200" || g.Latest.Value != "10" {
			t.Fatalf("%d groups, target %s, latest %s", len(g.Groups), g.Target, g.Latest.Value)
		}
		for i, group := range g.Groups {
			if group.TargetAt != want[i] {
				t.Errorf("period %q: target of group %d at %q, want %q", period, i, group.TargetAt, want[i])
			}
		}
		if bars := g.Groups[1].Bars; bars[0].Length != "100.00" || bars[1].Length != "50.00" {
			t.Errorf("second group %+v", bars)
		}
	}
}

// TestCoded: an English page names a class by its nearest parent with an English
// name, and keeps the code.
func TestCoded(t *testing.T) {
	for _, test := range []struct{ lang, code, want, tag string }{
		{"en", "11011", "Mathematics", ""}, {"en", "110", "Mathematics", ""}, {"zh", "11011", "数学史", ""}, {"en", "no", "no", ""},
	} {
		s := &sheet{page: &page{view: view{lang: test.lang}, rq: &request{}}}
		list := "gbt13745-2009"
		if v := s.coded(list, test.code); v.S != test.want || v.Lang != test.tag || v.Note != test.code {
			t.Errorf("%s in %s: %+v, want %q", test.code, test.lang, v, test.want)
		}
	}
}

// TestPick: the listing on the home page depends on the release alone.
func TestPick(t *testing.T) {
	f := testRelease()
	app, r := site(t)
	chosen := map[string]bool{}
	for i := range 12 {
		release := *f.snap.Release()
		release.Hash = catalog.HashOf([]byte{byte(i)})
		r.current.Store(snapshotOf(&release))
		_, first := get(t, app, "/")
		_, second := get(t, app, "/")
		if first != second {
			t.Fatal("two requests show different listings")
		}
		cards := parse(t, first).classed("pick")
		if len(cards) != picks || len(cards[0].classed("code")) != 1 {
			t.Fatalf("%d listings on the home page, want %d with a code", len(cards), picks)
		}
		chosen[cards[0].all("h3")[0].read()] = true
	}
	if len(chosen) < 4 {
		t.Errorf("twelve releases show %d different listings", len(chosen))
	}
}

func TestParseCode(t *testing.T) {
	id := testRelease().id["short"]
	for s, want := range map[string]struct {
		id        catalog.ID
		placement string
	}{
		string(id):                           {id, ""},
		strings.ToLower(string(id)):          {id, ""},
		string(id) + "-K3":                   {id, "K3"},
		strings.ToLower(string(id)) + "-p12": {id, "P12"},
		"contract-turnover":                  {"contract-turnover", ""},
		"CONTRACT-TURNOVER-K3":               {"contract-turnover", "K3"},
		string(id) + "-":                     {}, "-K3": {}, "": {}, "A0000000": {}, "K3": {},
		string(id) + "%20": {}, "../" + string(id): {}, strings.Repeat("a-", 40): {},
	} {
		got, placement, err := parseCode(s)
		if got != want.id || placement != want.placement && err == nil || (err == nil) != (want.id != "") {
			t.Errorf("parseCode(%q) = %q, %q, %v, want %q, %q", s, got, placement, err, want.id, want.placement)
		}
		if err != nil && !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("parseCode(%q): %v is not ErrInvalid", s, err)
		}
	}
}

// FuzzParseCode: whatever is read is an identifier in its own writing, and reading
// that again changes nothing.
func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"A3K7M2QG", "a3k7m2qg-k3", "contract-turnover-P2", "-", "--K1", "A3K7M2QG-K3/..", "洛书", "%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, placement, err := parseCode(s)
		if err != nil {
			if id != "" || !errors.Is(err, catalog.ErrInvalid) {
				t.Fatalf("parseCode(%q) = %q, %v", s, id, err)
			}
			return
		}
		if again, err := catalog.ParseID(string(id)); err != nil || again != id {
			t.Fatalf("parseCode(%q) = %q, which is no identifier", s, id)
		}
		if placement != "" && !qr.ValidPlacement(placement) {
			t.Fatalf("parseCode(%q): placement %q", s, placement)
		}
		written := string(id)
		if placement != "" {
			written += "-" + placement
		}
		if again, p, err := parseCode(written); err != nil || again != id || p != placement {
			t.Fatalf("parseCode(%q) = %q, %q, %v after %q", written, again, p, err, s)
		}
	})
}

func TestEmbedded(t *testing.T) {
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !slices.Contains([]string{".html", ".css", ".json", ".csv"}, filepath.Ext(name)) {
			t.Errorf("%s has no place in the program", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkPage(b *testing.B) {
	f := testRelease()
	app, _ := site(b)
	handler := app.Handler()
	for _, page := range []struct{ name, url, tag string }{
		{"home", "/", ""},
		{"list", "/achievements", ""},
		{"detail", "/achievements/" + string(f.full[catalog.Achievements]), ""},
		{"landing", "/q/" + string(f.id["short"]), ""},
		{"unchanged", "/", "*"},
	} {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var c fasthttp.RequestCtx
				c.Request.SetRequestURI(page.url)
				c.Request.Header.Set("If-None-Match", page.tag)
				handler(&c)
				if status := c.Response.StatusCode(); status != 200 && status != 304 {
					b.Fatal(status)
				}
			}
		})
	}
}
