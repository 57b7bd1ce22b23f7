package main

import (
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luoshu/cache"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/trust"
)

var edgeRecords = flag.Int("records", 0, "with how many records TestEdgeAtScale runs; it is left out without")

// TestEdgeAtScale measures what a changed record costs terminals of a large catalog, and
// how soon they are current when their link is back:
//
//	go test ./cmd/luoshu -run TestEdgeAtScale -records 100000 -v -timeout 30m
func TestEdgeAtScale(t *testing.T) {
	if *edgeRecords == 0 {
		t.Skip("-records says how many")
	}
	const most = 400 << 10
	place := "dir:" + filepath.Join(t.TempDir(), "store")
	store, err := cache.OpenWriter(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	first, err := catalogtest.Publish(t.Context(), nil, 1, *edgeRecords)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := trust.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	s := &series{t: t, store: store, signer: signer, id: first.Release.Entries[0].ID}
	s.publish(first)
	hub := serveProcess(t, "--source", place)
	hubAddr := strings.TrimPrefix(hub.base, "http://")
	var links []*link
	var terminals []*server
	for i := range 2 {
		home := t.TempDir()
		luoshu(t, home, "trust", "add", signer.Key().String()).want(t, exitDone)
		l := newLink(t, hubAddr)
		links = append(links, l)
		// Polls and limits are those of a terminal that nobody has tuned.
		terminals = append(terminals, serveProcess(t, "--source", "http://"+l.addr, "--data-dir", home, "--terminal", fmt.Sprint("K", i+1)))
	}
	record := func(node *server) string { return node.get("/api/v1/achievements/"+string(s.id), http.StatusOK) }
	arrives := func(what string, seq int64) {
		t.Helper()
		since := time.Now()
		for i, node := range terminals {
			whileWithin(t, 3*time.Minute, func() bool {
				was := record(node) // never torn, never gone
				return !strings.Contains(was, fmt.Sprintf(`"sequence":%d`, seq))
			})
			t.Logf("%s: terminal %d is current after %.1f s, %d bytes, polls included", what, i+1, time.Since(since).Seconds(), links[i].bytes.Load())
		}
	}
	for _, node := range terminals {
		whileWithin(t, 10*time.Minute, func() bool {
			status, _ := node.try("/readyz")
			return status != http.StatusOK
		})
	}

	reset := func() {
		for _, l := range links {
			l.bytes.Store(0)
		}
	}
	reset()
	arrives("a changed record", s.change("改动一处"))
	for _, l := range links {
		if cost := l.bytes.Load(); cost > most {
			t.Errorf("a changed record costs %d bytes, at most %d", cost, most)
		}
	}

	for _, l := range links {
		l.fault.Store("down")
	}
	seq := s.change("线路断时的改动")
	time.Sleep(2 * time.Minute) // so that they have grown tired of asking
	for _, node := range terminals {
		if body := record(node); !strings.Contains(body, fmt.Sprintf(`"sequence":%d`, seq-1)) {
			t.Errorf("without a link: %s", body)
		}
	}
	reset()
	for _, l := range links {
		l.fault.Store("")
	}
	arrives("after the link's return", seq)
}

// whileWithin waits as long as on says, at most limit, which is the bar.
func whileWithin(t *testing.T, limit time.Duration, on func() bool) {
	t.Helper()
	for begun := time.Now(); on(); time.Sleep(100 * time.Millisecond) {
		if time.Since(begun) > limit {
			t.Fatalf("not within %s", limit)
		}
	}
}
