package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// place is a page of the program. {achievements} in its path stands for the first
// record of that dataset, or of what is asked of it; ? and & before it are right for more parameters.
type place struct {
	name, path string
	status     int  // 0 is 200
	every      bool // also looked at in every mode of the screen: one for each kind of page
}

// forVisitors are the pages of the screen in the hall.
var forVisitors = []place{
	{name: "home", path: "/?", every: true},
	{name: "contents", path: "/contents?", every: true},
	{name: "about", path: "/about?", every: true},
	{name: "search", path: "/search?", every: true},
	{name: "found", path: "/search?q=轴承&", every: true},
	{name: "not-found", path: "/search?q=xyzzy&", every: true},
	{name: "achievements", path: "/achievements?", every: true},
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
	{name: "indicators", path: "/indicators?", every: true},
	{name: "achievement", path: "/achievements/{achievements}?", every: true},
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
	{name: "indicator", path: "/indicators/{indicators}?", every: true},
	{name: "places", path: "/places?", every: true},
	{name: "district", path: "/places/410311?"},
	{name: "fields", path: "/fields?", every: true},
	{name: "readiness", path: "/readiness?tech_fields=materials&", every: true},
	{name: "dual-use", path: "/dual-use?"},
	{name: "markets", path: "/markets?", every: true},
	{name: "market", path: "/markets/{organizations?kinds=market&limit=1}?", every: true},
	{name: "bases", path: "/bases?", every: true},
	{name: "bases-of-a-kind", path: "/bases?kind=incubator&"},
	{name: "missing", path: "/nothing-here?", status: 404, every: true},
}

// forReaders are the pages behind a printed code.
var forReaders = []place{
	{name: "landing", path: "/q/{achievements}?"},
	{name: "landing-organization", path: "/q/{organizations}?"},
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

// modes are the choices of a visitor, as they stand in the address.
var modes = []struct{ name, query string }{
	{"normal", ""}, {"large", "type=large"}, {"contrast", "contrast=high"}, {"reach", "reach=low"},
}

var languages = []string{"zh", "en"}

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

// TestAccessible looks for what keeps people out, on every page in both languages and
// on one of each kind in every mode.
func TestAccessible(t *testing.T) {
	s := serve(t)
	for _, lang := range languages {
		for _, m := range modes {
			t.Run("visitor/"+lang+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				v := visit(t, s, portrait)
				for _, p := range forVisitors {
					if m.query == "" || p.every {
						v.inspect(p, "lang="+lang, m.query)
					}
				}
			})
		}
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
	s := serve(t, "--public-url", "https://luoshu.example")
	for _, on := range []screen{portrait, landscape, small, large} {
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
