package kiosk

import (
	"testing"
	"testing/synctest"
	"time"

	"luoshu/catalog"
)

// TestClock: what a page says follows from the release. A clock that is wrong by decades,
// as on a machine without a battery, changes nothing.
func TestClock(t *testing.T) {
	app, _ := site(t)
	paths := []string{"/", "/attract", "/contents", "/about", "/search?q=短", agendaPath, supportPath, "/indicators", "/markets"}
	for info := range catalog.Datasets() {
		paths = append(paths, "/"+string(info.Name), "/"+string(info.Name)+"/"+string(testRelease().full[info.Name]), "/q/"+string(testRelease().full[info.Name]))
	}
	now := map[string]string{}
	for _, path := range paths {
		_, now[path] = get(t, app, path)
	}
	synctest.Test(t, func(t *testing.T) {
		if year := time.Now().UTC().Year(); year != 2000 {
			t.Fatalf("the clock says %d", year)
		}
		for _, path := range paths {
			if _, then := get(t, app, path); then != now[path] {
				t.Errorf("%s depends on the clock", path)
			}
		}
	})
}
