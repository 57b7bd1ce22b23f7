package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestTryIt asks the interface from its own documentation, by touch: the answer is a
// real one.
func TestTryIt(t *testing.T) {
	s := serve(t)
	for _, on := range []screen{desktop, phone} {
		t.Run(on.name, func(t *testing.T) {
			v := visit(t, s, on)
			v.open("/docs/?lang=en")
			v.see(".opblock-tag")
			v.approach("#operations-tag-achievements")
			v.tap("#operations-tag-achievements")
			const list = "#operations-achievements-getAchievements"
			v.approach(list + " .opblock-summary-control")
			v.tap(list + " .opblock-summary-control")
			v.approach(list + " button.try-out__btn")
			v.tap(list + " button.try-out__btn")
			v.approach(list + " button.execute")
			v.tap(list + " button.execute")
			live := list + " .live-responses-table"
			if got := v.see(live + " .response .response-col_status"); !strings.HasPrefix(got, "200") {
				t.Errorf("the answer is %q", got)
			}
			v.approach(live + " .highlight-code")
			if got := v.see(live + " .highlight-code"); !strings.Contains(got, s.records("achievements?limit=1")[0].ID) {
				t.Errorf("the answer has not the first achievement: %.200s", got)
			}
			v.axe()
			v.fits()
			v.shot("try-it")
			if v.status() != http.StatusOK {
				t.Errorf("the page answered %d", v.status())
			}
		})
	}
}
