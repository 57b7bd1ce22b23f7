package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestTryIt asks the interface from its own documentation, by touch: the answer is a
// real one.
func TestTryIt(t *testing.T) {
	s := shared(t)
	for _, on := range []screen{desktop, phone} {
		t.Run(on.name, func(t *testing.T) {
			v := visit(t, s, on)
			v.open("/docs/?lang=en")
			v.see(".opblock-tag")
			v.approach("#operations-tag-releases")
			v.tap("#operations-tag-releases")
			const ask = "#operations-releases-getReleases"
			v.approach(ask + " .opblock-summary-control")
			v.tap(ask + " .opblock-summary-control")
			v.approach(ask + " button.try-out__btn")
			v.tap(ask + " button.try-out__btn")
			v.approach(ask + " button.execute")
			v.tap(ask + " button.execute")
			live := ask + " .live-responses-table"
			if got := v.see(live + " .response .response-col_status"); !strings.HasPrefix(got, "200") {
				t.Errorf("the answer is %q", got)
			}
			v.approach(live+" .highlight-code", "sequence")
			if got := v.see(live + " .highlight-code"); !strings.Contains(got, `"sequence": 1`) {
				t.Errorf("the answer has not the first release: %.200s", got)
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
