package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestKeys finds a record as a visitor does who knows how 轴承 begins and has one finger:
// initials, what they may become, a field to choose by, the record. The keys are as large
// as fingers, within reach where that is wanted, and those that lead nowhere are pale.
func TestKeys(t *testing.T) {
	for _, test := range []struct {
		on               screen
		lang, mode, door string
	}{
		{portrait, "zh", "", "检索"},
		{portrait, "en", "reach=low", "Search"},
		{portrait, "zh", "type=large", "检索"},
		{landscape, "en", "contrast=high", "Search"},
		{landscape, "zh", "reach=low", "检索"},
		{small, "zh", "", "检索"},
	} {
		t.Run(strings.Join([]string{test.on.name, test.lang, test.mode}, "/"), func(t *testing.T) {
			s := hall(t, test.on)
			v := visit(t, s, test.on)
			v.open("/?lang=" + test.lang + "&" + test.mode)
			v.follow("a.door.center", test.door)
			v.see("#keyboard")
			v.see(".suggestions .term") // what there is most of, before anything is typed
			v.shot("keys-" + test.lang + "-" + test.mode)
			v.fingers("#keyboard button, .suggestions li, .bar a, .bar span")
			if strings.Contains(test.mode, "reach") {
				if y := must[float64](v, `() => document.getElementById("q").getBoundingClientRect().y / innerHeight`); y < .3 {
					t.Errorf("the field lies at %.0f %% of the screen", 100*y)
				}
			}
			v.axe()

			v.tap("#keyboard button", "z")
			v.lead(s, "z")
			v.tap("#keyboard button", "c")
			v.lead(s, "zc")
			v.reach(".suggestions .term a", "轴承") // without scrolling
			v.shot("keys-typed-" + test.lang + "-" + test.mode)
			v.axe()
			v.follow(".suggestions .term a", "轴承")
			if v.count("#keyboard") != 0 {
				t.Error("the keys stand before what was found")
			}
			if strings.Contains(test.mode, "reach") {
				return
			}
			if v.count(".fold > a:not(.chip)") > 0 {
				v.follow(".fold > a:not(.chip)")
			}
			v.approach(".choose .chip")
			v.follow(".choose .chip")
			v.approach(".results .card h3 a")
			v.follow(".results .card h3 a")
			if v.status() != http.StatusOK || !strings.HasPrefix(v.path(), "/achievements/") && strings.Count(v.path(), "/") != 2 {
				t.Errorf("a visitor ends at %s", v.path())
			}
			t.Logf("%d taps, %.0f pixels", v.taps, v.scrolled)
		})
	}
}

// lead waits until the letters that lead on from what was typed stand out, and no others.
func (v *visitor) lead(s *server, typed string) {
	v.t.Helper()
	var answer struct {
		Meta struct {
			Next string `json:"next_keys"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(s.get("/api/v1/suggest?q="+typed), &answer); err != nil {
		v.t.Fatal(err)
	}
	want := strings.TrimLeft(answer.Meta.Next, "0123456789")
	var got string
	eventually(v.t, "the keys behind "+typed+" stand out", func() bool {
		keys := must[[]string](v, `() => document.getElementById("q").value !== `+fmt.Sprintf("%q", typed)+` ? [] :
			[...document.querySelectorAll("#keys-letters [data-key]:not(.dim)")].map(k => k.dataset.key)`)
		slices.Sort(keys)
		got = strings.Join(keys, "")
		return got == want
	})
	if want == "" || len(want) == 26 {
		v.t.Errorf("behind %s the keys %q lead on: nothing is shown", typed, want)
	}
}

// fingers fails where what can be touched is smaller than 20 mm, or nearer than 2 mm to
// another.
func (v *visitor) fingers(selector string) {
	v.t.Helper()
	const hair = .05 // mm: browsers round to a part of a pixel
	all := must[[]target](v, `(selector) => {
		const end = document.querySelector(".suggestions").getBoundingClientRect().bottom; // what lies below is yet to be drawn up
		return [...document.querySelectorAll(selector)].filter(e => e.checkVisibility()).map(e => [e, e.getBoundingClientRect()])
			.filter(([e, b]) => !e.closest(".suggestions") || b.bottom < end + 1)
			.map(([e, b]) => ({Name: e.innerText.trim(), X: b.x, Y: b.y, Width: b.width, Height: b.height}));
	}`, selector)
	for i, a := range all {
		if v.screen.mm(a.Height) < 20-hair || v.screen.mm(a.Width) < 20-hair {
			v.t.Errorf("%q is %.1f x %.1f mm", a.Name, v.screen.mm(a.Width), v.screen.mm(a.Height))
		}
		for _, b := range all[i+1:] {
			if gap := v.screen.mm(a.gap(b)); gap < 2-hair {
				v.t.Errorf("%q and %q are %.1f mm apart", a.Name, b.Name, gap)
			}
		}
	}
}
