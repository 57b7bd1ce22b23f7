package cache

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

func TestAnnouncements(t *testing.T) {
	said := Announcement{
		Terminal: "K3", Release: 12, Version: "v1.2.0", UptimeSeconds: 3 * 3600, Restarts: 2, DiskFree: 8e9,
		Problem: "连不上 https://hub.example：connection refused",
	}
	got, err := ParseAnnouncement(said.String())
	if err != nil || got != said {
		t.Errorf("%+v, %v", got, err)
	}
	long := said
	long.Problem = strings.Repeat("长", 1000)
	if got, err = ParseAnnouncement(long.String()); err != nil || got.Problem == "" || !strings.HasPrefix(long.Problem, got.Problem) {
		t.Errorf("a long problem: %+v, %v", got, err)
	}
	good := said.String()
	for name, header := range map[string]string{
		"empty": "", "no terminal": "release=1", "strange terminal": strings.Replace(good, "K3", "kiosk", 1),
		"no number": strings.Replace(good, "release=12", "release=twelve", 1), "too large": good + strings.Repeat("x", maxAnnouncement),
		"far number": strings.Replace(good, "restarts=2", "restarts=99999999999999999", 1), "escape": "terminal=%zz",
	} {
		_, err := ParseAnnouncement(header)
		wantError(t, name, err, catalog.ErrInvalid)
	}
	if got, _ := ParseAnnouncement(strings.Replace(good, "v1.2.0", "v1%1b%5b2J", 1)); strings.ContainsRune(got.Version, 0x1b) {
		t.Errorf("version = %q", got.Version)
	}
}

func FuzzAnnouncement(f *testing.F) {
	f.Add(Announcement{Terminal: "K3", DiskFree: -1}.String())
	f.Add("terminal=K3&release=1&uptime=1&restarts=0&disk_free=0&problem=%E5%9D%8F")
	f.Fuzz(func(t *testing.T, header string) {
		a, err := ParseAnnouncement(header)
		if err != nil {
			return
		}
		again, err := ParseAnnouncement(a.String())
		if err != nil || again != a {
			t.Errorf("%+v is read back as %+v, %v", a, again, err)
		}
	})
}

// TestHubHears: what a terminal says goes along with the question what is current, and
// with no other.
func TestHubHears(t *testing.T) {
	var heard []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		heard = append(heard, fmt.Sprintf("%s %q %q", r.URL.Path, r.Header.Get(AnnouncementHeader), r.Header.Get(TokenHeader)))
	}))
	defer server.Close()
	hub, err := OpenHub(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hub.Close() }()
	a := Announcement{Terminal: "K3"}
	ctx := WithHerald(t.Context(), func() (Announcement, string) { return a, "secret" })
	_, _ = hub.Current(ctx)
	_, _ = hub.Object(ctx, catalog.HashOf(nil))
	_, _ = hub.Current(t.Context())
	want := []string{
		PointerPath + fmt.Sprintf(" %q %q", a.String(), "secret"),
		"/api/v1/objects/" + string(catalog.HashOf(nil)) + ` "" ""`,
		PointerPath + ` "" ""`,
	}
	if strings.Join(heard, "\n") != strings.Join(want, "\n") {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(heard, "\n"), strings.Join(want, "\n"))
	}
}

// TestFleetIsShared: two gateways hear different terminals, and each knows all of them.
// Redis may come later, or go.
func TestFleetIsShared(t *testing.T) {
	redis := startRedis(t)
	here, there := openFleet(t, "redis://"+redis.addr+"/0"), openFleet(t, "redis://"+redis.addr+"/0")
	now := time.Now().UTC().Truncate(time.Second)
	here.See(Sighting{Announcement{Terminal: "K2", Release: 3}, true, now})
	here.See(Sighting{Announcement{Terminal: "K2", Release: 9}, false, now.Add(time.Second)}) // only claims to be
	there.See(Sighting{Announcement{Terminal: "K10", Release: 4}, false, now})
	there.See(Sighting{Announcement{Terminal: "K1"}, false, now.Add(-2 * fleetKept)})
	here.share(t.Context())
	there.share(t.Context())
	for name, f := range map[string]*Fleet{"here": here, "there": there} {
		all, err := f.All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range all {
			if s.Terminal != "K1" { // which only the gateway that heard it remembers
				got = append(got, fmt.Sprintf("%s %d %t", s.Terminal, s.Release, s.Registered))
			}
		}
		if want := "K2 3 true,K10 4 false"; strings.Join(got, ",") != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	redis.kill()
	here.See(Sighting{Announcement{Terminal: "K3"}, true, now})
	here.share(t.Context())
	if all, err := here.All(t.Context()); err == nil || len(all) != 2 || !here.fresh["K3"] {
		t.Errorf("without Redis: %v, %v", all, err)
	}
}

// TestFleetIsBounded: whoever invents names fills nothing but the room for such.
func TestFleetIsBounded(t *testing.T) {
	f := openFleet(t, "")
	f.See(Sighting{Announcement{Terminal: "A1"}, true, time.Now().Add(-time.Hour)})
	for i := range 3 * fleetMostClaim {
		f.See(Sighting{Announcement{Terminal: fmt.Sprintf("%c%d", 'B'+i/5000, i%5000)}, false, time.Now()})
	}
	all, err := f.All(context.Background())
	if err != nil || len(all) != fleetMostClaim+1 || all[0].Terminal != "A1" {
		t.Errorf("%d terminals, %v", len(all), err)
	}
}

func openFleet(t *testing.T, url string) *Fleet {
	t.Helper()
	f, err := OpenFleet(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
