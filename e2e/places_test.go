package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// place is a page of the program. {achievements} in its path stands for the first
// record of that dataset, or of what is asked of it; ? and & before it are right for more parameters.
type place struct {
	name, path string
	status     int // 0 is 200
}

// forVisitors are the pages of the screen in the hall.
var forVisitors = []place{
	{name: "home", path: "/?"},
	{name: "attract", path: "/attract?"},
	{name: "contents", path: "/contents?"},
	{name: "about", path: "/about?"},
	{name: "search", path: "/search?"},
	{name: "found", path: "/search?q=轴承&"},
	{name: "not-found", path: "/search?q=xyzzy&"},
	{name: "achievements", path: "/achievements?"},
	{name: "chosen", path: "/achievements?trl=7&show=fields&"},
	{name: "last-page", path: "/achievements?page=2&"},
	{name: "demands", path: "/demands?"},
	{name: "packages", path: "/packages?"},
	{name: "organizations", path: "/organizations?"},
	{name: "services", path: "/services?"},
	{name: "experts", path: "/experts?"},
	{name: "policies", path: "/policies?"},
	{name: "events", path: "/events?"},
	{name: "catalogs", path: "/catalogs?"},
	{name: "cases", path: "/cases?"},
	{name: "notices", path: "/notices?"},
	{name: "indicators", path: "/indicators?"},
	{name: "achievement", path: "/achievements/{achievements}?"},
	{name: "rights", path: "/achievements/{achievements}?part=rights&"},
	{name: "needed", path: "/achievements/{achievements}?part=demands&"},
	{name: "details", path: "/achievements/{achievements}?part=details&"},
	{name: "demand", path: "/demands/{demands}?"},
	{name: "package", path: "/packages/{packages}?"},
	{name: "organization", path: "/organizations/{organizations}?"},
	{name: "service", path: "/services/{services}?"},
	{name: "expert", path: "/experts/{experts}?"},
	{name: "policy", path: "/policies/{policies}?"},
	{name: "event", path: "/events/{events}?"},
	{name: "catalog", path: "/catalogs/{catalogs}?"},
	{name: "case", path: "/cases/{cases}?"},
	{name: "notice", path: "/notices/{notices}?"},
	{name: "indicator", path: "/indicators/{indicators}?"},
	{name: "agenda", path: "/agenda?"},
	{name: "december", path: "/agenda?month=2026-12&"},
	{name: "whose-support", path: "/support?"},
	{name: "which-support", path: "/support?who=startup&"},
	{name: "support", path: "/support?who=startup&mode=any&"},
	{name: "which-service", path: "/services/find?"},
	{name: "which-expert", path: "/experts/find?"},
	{name: "where-expert", path: "/experts/find?tech_fields=materials&"},
	{name: "places", path: "/places?"},
	{name: "district", path: "/places/410311?"},
	{name: "fields", path: "/fields?"},
	{name: "industries", path: "/industries?"},
	{name: "readiness", path: "/readiness?tech_fields=materials&"},
	{name: "dual-use", path: "/dual-use?"},
	{name: "markets", path: "/markets?"},
	{name: "market", path: "/markets/{organizations?kinds=market&limit=1}?"},
	{name: "bases", path: "/bases?"},
	{name: "bases-of-a-kind", path: "/bases?kind=incubator&"},
	{name: "take", path: "/take?take={achievements},{demands},{experts}&"},
	{name: "take-nothing", path: "/take?"},
	{name: "join", path: "/join?"},
	{name: "missing", path: "/nothing-here?", status: 404},
}

// forReaders are the pages behind a printed code but those of records, which TestLandings
// looks at.
var forReaders = []place{
	{name: "landing-list", path: "/q/list/{achievements},{demands}?"},
	{name: "landing-mistyped", path: "/q/A000000?", status: 404},
}

// forDevelopers are the pages about the interface.
var forDevelopers = []place{
	{name: "developers", path: "/developers?"},
	{name: "problems", path: "/developers/problems?"},
	{name: "quality", path: "/quality?"},
	{name: "registration", path: "/quality/registration?"},
	{name: "service", path: "/quality/service?"},
	{name: "docs", path: "/docs/?"},
}

var (
	languages = []string{"zh", "en"}
	halls     = []screen{portrait, landscape, small, large}
	// modes are the choices of a visitor, as they stand in the address.
	modes = []struct{ name, query string }{
		{"normal", ""}, {"large", "type=large"}, {"contrast", "contrast=high"}, {"reach", "reach=low"},
	}
)

var braces = regexp.MustCompile(`\{([^}]+)\}`)

// address returns the path of p with a record of s and more parameters.
func (p place) address(s *server, more ...string) string {
	s.t.Helper()
	path := braces.ReplaceAllStringFunc(p.path, func(m string) string {
		question := strings.Trim(m, "{}")
		if !strings.Contains(question, "?") {
			question += "?limit=1"
		}
		return s.records(question)[0].ID
	})
	path += strings.Join(more, "&")
	return strings.TrimRight(path, "?&")
}

// TestAccessible looks for what keeps people out, on every page. A page for visitors is
// looked at in every mode, and there in one language on one screen, so that each mode meets
// all of these; with -all in all of them.
func TestAccessible(t *testing.T) {
	for mode, m := range modes {
		for at, on := range halls {
			t.Run("visitor/"+m.name+"/"+on.name, func(t *testing.T) {
				t.Parallel()
				v := visit(t, hall(t, on), on)
				for i, p := range forVisitors {
					for lang, code := range languages {
						if *all || (i+mode)%len(halls) == at && (i/len(halls)+mode)%2 == lang {
							v.inspect(p, "lang="+code, m.query)
							v.aim()
							v.shot(p.name + "-" + code + "-" + m.name)
						}
					}
				}
			})
		}
	}
	s := shared(t)
	for _, lang := range languages {
		t.Run("reader/"+lang, func(t *testing.T) {
			t.Parallel()
			v := visit(t, s, narrow)
			for _, p := range forReaders {
				v.inspect(p, "lang="+lang)
			}
		})
		for _, on := range []screen{desktop, phone} {
			t.Run("developer/"+lang+"/"+on.name, func(t *testing.T) {
				t.Parallel()
				v := visit(t, s, on)
				for _, p := range forDevelopers {
					v.inspect(p, "lang="+lang)
				}
			})
		}
	}
}

// hall is the terminal of a market whose panel is on.
func hall(t testing.TB, on screen) *server {
	t.Helper()
	return shared(t, "--terminal", "K3", "--panel", fmt.Sprintf("%g:%dx%d", on.inches, on.width, on.height), "--public-url", "https://luoshu.example")
}

// inspect opens a page, and it must be for everybody and no wider than the screen.
func (v *visitor) inspect(p place, query ...string) {
	v.t.Helper()
	v.open(p.address(v.server, query...))
	if want := max(p.status, 200); v.status() != want && v.status() != 304 {
		v.t.Errorf("%s answers %d, want %d", v.path(), v.status(), want)
	}
	if p.name == "docs" {
		v.see(".opblock-tag")
	}
	v.axe()
	v.fits()
}

// fits fails when the page is wider than the screen.
func (v *visitor) fits() {
	v.t.Helper()
	if wide := must[int64](v, `() => document.documentElement.scrollWidth`); wide > v.screen.width {
		v.t.Errorf("%s is %d pixels wide on %s", v.path(), wide, v.screen.name)
	}
}

// TestScreens takes a picture of every page in both languages, in every mode and on every
// panel.
func TestScreens(t *testing.T) {
	if *screens == "" {
		t.Skip("needs -screens (make screens)")
	}
	for _, on := range halls {
		s := hall(t, on)
		for _, lang := range languages {
			for _, m := range modes {
				t.Run(on.name+"/"+lang+"/"+m.name, func(t *testing.T) {
					t.Parallel()
					v := visit(t, s, on)
					for _, p := range forVisitors {
						v.open(p.address(s, "lang="+lang, m.query))
						v.shot(p.name + "-" + lang + "-" + m.name)
					}
				})
			}
		}
	}
	s := shared(t)
	for _, lang := range languages {
		t.Run("others/"+lang, func(t *testing.T) {
			t.Parallel()
			v := visit(t, s, phone)
			for _, p := range forReaders {
				v.open(p.address(s, "lang="+lang))
				v.shot(p.name + "-" + lang)
			}
			v = visit(t, s, desktop)
			for _, p := range forDevelopers {
				v.open(p.address(s, "lang="+lang))
				v.shot(p.name + "-" + lang)
			}
		})
	}
}
