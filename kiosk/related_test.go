package kiosk

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// matching returns a record of the demonstration that has matches of every one of kinds.
func matching(t *testing.T, d catalog.Dataset, kinds ...snapshot.MatchKind) catalog.ID {
	t.Helper()
	for e := range demoRelease().All(d) {
		found, err := demoRelease().Matches(e.ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		has := map[snapshot.MatchKind]bool{}
		for _, m := range found {
			has[m.Kind] = true
		}
		all := true
		for _, k := range kinds {
			all = all && has[k]
		}
		if all {
			return e.ID
		}
	}
	t.Fatalf("no record of %s has %v", d, kinds)
	return ""
}

// TestMatchesSayWhy: a part of what fits shows what the index found, with its reasons in
// the page's language, and from each record the way back leads to that part.
func TestMatchesSayWhy(t *testing.T) {
	ask := standing(t, "K3", "")
	for _, test := range []struct {
		dataset catalog.Dataset
		part    string
		kind    snapshot.MatchKind
	}{
		{catalog.Achievements, "demands", snapshot.DemandFits},
		{catalog.Achievements, "similar", snapshot.Similar},
		{catalog.Achievements, "policies", snapshot.PolicyApplies},
		{catalog.Achievements, "services", snapshot.ServiceFits},
		{catalog.Demands, "achievements", snapshot.AchievementFits},
		{catalog.Organizations, "policies", snapshot.PolicyApplies},
	} {
		id := matching(t, test.dataset, test.kind)
		found, err := demoRelease().Matches(id, matchSize)
		if err != nil {
			t.Fatal(err)
		}
		for _, lang := range []string{"", "lang=en&"} {
			path := "/" + string(test.dataset) + "/" + string(id)
			root, _ := ask(path + "?" + lang + "part=" + test.part)
			cards := root.classed("card")
			n := 0
			for _, m := range found {
				if m.Kind != test.kind {
					continue
				}
				a, why := cards[n].all("a")[0], cards[n].classed("why")[0].all("li")
				if !strings.HasPrefix(a.attrs["href"], "/"+string(m.Dataset)+"/"+string(m.ID)+"?") || len(why) != min(reasons, len(m.Parts)) {
					t.Fatalf("%s: card %d leads to %s with %d reasons, want %s with %d", path, n, a.attrs["href"], len(why), m.ID, len(m.Parts))
				}
				want := m.Parts[0].Why.ZH
				if lang != "" {
					want = m.Parts[0].Why.EN
				}
				if got := why[0].read(); got != strings.Join(strings.Fields(want), " ") {
					t.Errorf("%s: reason %q, want %q", path, got, want)
				}
				there, _ := ask(a.attrs["href"])
				back := there.classed("to-back")[0].all("a")[0].attrs["href"]
				if want := path + "?" + lang + "part=" + test.part; back != want {
					t.Errorf("%s: the way back leads to %s, want %s", a.attrs["href"], back, want)
				}
				n++
			}
			if n != len(cards) || n == 0 {
				t.Errorf("%s: %d cards of part %s, want %d", path, len(cards), test.part, n)
			}
		}
	}
}

// TestListings: the parts of an organization hold as many of its records as they say, each
// once, page after page.
func TestListings(t *testing.T) {
	ask := standing(t, "K3", "")
	market, _ := demoRelease().Manifest().Terminal("K3")
	path := "/organizations/" + string(market.Market)
	root, _ := ask(path)
	parts := 0
	for _, chip := range root.classed("tabs")[0].all("a") {
		if !strings.Contains(chip.attrs["href"], "part=own-") {
			continue
		}
		parts++
		seen := map[string]bool{}
		shown := 0
		for next := chip.attrs["href"]; next != ""; {
			page, _ := ask(next)
			for _, c := range page.classed("card") {
				href, _ := url.Parse(c.all("a")[0].attrs["href"])
				seen[href.Path] = true
				shown++
			}
			next = ""
			for _, a := range page.all("a") {
				if a.attrs["rel"] == "next" {
					next = a.attrs["href"]
				}
			}
		}
		if said := figure(t, chip, "count"); said != shown || len(seen) == 0 {
			t.Errorf("%q shows %d records, %d different", chip.read(), shown, len(seen))
		}
	}
	if parts == 0 {
		t.Error("the market has no listings")
	}
}

// TestParts: a part that a record lacks, or that is none, is the first; its address names
// no foreign part.
func TestParts(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	path := "/achievements/" + string(f.id["short"])
	_, first := get(t, app, path)
	for _, query := range []string{"?part=zzmark", "?part=own-zzmark", "?part=", "?at=0", "?from=zzmark", "?from=A0000000.rights", "?from=" + string(f.id["gone"])} {
		if _, page := get(t, app, path+query); page != first {
			t.Errorf("%s%s is another page", path, query)
		}
	}
	_, page := get(t, app, path+"?part=services")
	if on := parse(t, page).classed("tabs")[0].all("a")[0].attrs["aria-current"]; on != "true" {
		t.Error("a part without content does not show the first")
	}
}

func TestValidity(t *testing.T) {
	all, err := loadTexts(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		m      map[string]any
		zh, en string
	}{
		{map[string]any{"issued_on": "2017-12-25", "status": "issued-confirm"}, "2017年印发，请确认是否仍有效", "issued 2017, confirm that it is still in force"},
		{map[string]any{"issued_on": "2024", "status": "in-force", "valid_until": "2027-12-31"}, "2024年印发，有效，有效期至2027年12月31日", "issued 2024, In force, valid until 31 December 2027"},
		{map[string]any{}, "效力未注明", "validity not stated"},
	} {
		for lang, want := range map[string]string{"zh": test.zh, "en": test.en} {
			s := &sheet{page: &page{view: view{lang: lang}, texts: all[lang]}, m: test.m}
			if got := s.validity().S; got != want {
				t.Errorf("%v in %s: %q, want %q", test.m, lang, got, want)
			}
		}
	}
}

func BenchmarkParts(b *testing.B) {
	app, r := site(b)
	r.current.Store(demoRelease())
	var id catalog.ID
	for e := range demoRelease().All(catalog.Achievements) {
		id = e.ID
		break
	}
	for _, part := range []string{"", "demands", "links", "details"} {
		b.Run(part, func(b *testing.B) {
			for b.Loop() {
				if resp, _ := get(b, app, fmt.Sprintf("/achievements/%s?part=%s", id, part)); resp.status != 200 {
					b.Fatal(resp.status)
				}
			}
		})
	}
}
