package e2e

import (
	"strings"
	"testing"
)

// TestCity walks from the home page to what two visitors came for: the technologies on
// one level of one field, and what the market of this hall has.
func TestCity(t *testing.T) {
	s := serve(t, "--terminal", "K3")
	for _, lang := range []struct{ code, maps, ladder, field, markets, achievements string }{
		{"zh", "地图", "成熟度", "新材料", "市场", "成果"},
		{"en", "Map", "Readiness", "New materials", "Markets", "Achievements"},
	} {
		t.Run(lang.code, func(t *testing.T) {
			t.Parallel()
			v := visit(t, s, portrait)
			v.open("/?lang=" + lang.code)
			v.follow(".more a", lang.maps)
			v.follow(".views a", lang.ladder)
			v.follow(".chips a", lang.field)
			v.follow(".ladder a", "TRL 7")
			v.see(".found", "8")
			if v.taps != 4 || v.count(".cards .card") != 8 {
				t.Errorf("after %d taps %d technologies", v.taps, v.count(".cards .card"))
			}

			v.open("/?lang=" + lang.code)
			v.follow(".more a", lang.markets)
			v.follow(".branches .own a")
			v.follow(".tallies a", lang.achievements)
			v.see(".found", "24")
			if v.taps != 7 || v.swipes != 0 {
				t.Errorf("the market's achievements took %d taps and %d swipes", v.taps-4, v.swipes)
			}
		})
	}
}

// TestCityTargets: a finger hits what it aims at on the pages of the city.
func TestCityTargets(t *testing.T) {
	s := serve(t, "--terminal", "K3")
	v := visit(t, s, portrait)
	for _, path := range []string{
		"/indicators", "/indicators/incubation-carriers", "/places", "/places/410311", "/fields", "/readiness", "/dual-use", "/markets", "/bases", "/bases?kind=incubator",
	} {
		for _, mode := range []string{"", "type=large"} {
			v.open(path + map[bool]string{true: "?", false: "&"}[!strings.Contains(path, "?")] + mode)
			var aims []target
			for _, a := range v.targets() {
				if !strings.HasPrefix(a.Name, "div.scroll") {
					aims = append(aims, a)
				}
			}
			for i, a := range aims {
				if on := min(portrait.mm(a.Width), portrait.mm(a.Height)); on < 19.9 {
					t.Errorf("%s: %s is %.1f mm", v.path(), a.Name, on)
				}
				for _, b := range aims[:i] {
					if gap := portrait.mm(a.gap(b)); gap < 1.9 && !bar(a, b) {
						t.Errorf("%s: %s is %.1f mm from %s", v.path(), a.Name, gap, b.Name)
					}
				}
			}
		}
	}
}

// bar reports whether one of two targets stands at the foot of the screen, where the
// others scroll beneath it.
func bar(a, b target) bool {
	foot := float64(portrait.height) - 210
	return a.Y > foot || b.Y > foot
}
