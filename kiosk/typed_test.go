package kiosk

import (
	"net/url"
	"strings"
	"testing"

	"luoshu/catalog"
)

// TestTypedCode: a code typed as somebody reads it off leads straight to its record, from
// which the way back is the search; a withdrawn one to what is left of it.
func TestTypedCode(t *testing.T) {
	f := testRelease()
	app, _ := site(t)
	id := string(f.id["short"])
	for typed, want := range map[string]string{
		id: "/achievements/" + id, strings.ToLower(id): "/achievements/" + id, id[:4] + " " + id[4:]: "/achievements/" + id,
		id + "-K3": "/achievements/" + id, " " + id + " ": "/achievements/" + id,
		string(f.id["gone"]): "/achievements/" + string(f.id["gone"]), "full-indicators": "/indicators/full-indicators",
	} {
		resp, _ := get(t, app, "/search?lang=en&q="+url.QueryEscape(typed))
		if got := resp.header.Get("Location"); resp.status != 302 || got != want+"?lang=en&from=search" || resp.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %d to %s, want %s", typed, resp.status, got, want)
		}
	}
	_, page := get(t, app, "/achievements/"+id+"?lang=en&from=search")
	if back := parse(t, page).classed("to-back")[0].all("a")[0].attrs["href"]; back != "/search?lang=en" {
		t.Errorf("the way back leads to %s", back)
	}
}

// TestCodesNear: any one wrong, missing or doubled character, or a swap of two neighbors,
// is taken for what it was meant to be.
func TestCodesNear(t *testing.T) {
	f := testRelease()
	rq := &request{snap: f.snap}
	id := f.id["short"]
	s := string(id)
	wrong := map[string]bool{}
	for i := range s {
		wrong[s[:i]+s[i+1:]] = true
		wrong[s[:i]+s[i:i+1]+s[i:]] = true
		if i+1 < len(s) {
			wrong[s[:i]+s[i+1:i+2]+s[i:i+1]+s[i+2:]] = true
		}
		for _, c := range catalog.Alphabet {
			wrong[s[:i]+string(c)+s[i+1:]] = true
		}
	}
	delete(wrong, s)
	for typed := range wrong {
		found := false
		for _, near := range rq.codesNear(strings.ToLower(typed)) {
			found = found || near == id
		}
		if !found {
			t.Errorf("%s is not taken for %s", typed, id)
		}
	}
	for _, s := range []string{"", "轴承", "ABCDEFGHJK", "\xff\xff\xff"} {
		if near := rq.codesNear(s); len(near) > 0 {
			t.Errorf("%q is taken for %v", s, near)
		}
	}
	app, _ := site(t)
	bad := s[:3] + string(strings.Trim("XY", s[3:4])[0]) + s[4:]
	_, page := get(t, app, "/search?q="+bad)
	if ways := parse(t, page).classed("ways"); len(ways) == 0 || !strings.HasPrefix(ways[0].all("a")[0].attrs["href"], "/achievements/"+s+"?") || !strings.Contains(ways[0].read(), "短记录") {
		t.Errorf("a search for %s does not offer %s", bad, s)
	}
}
