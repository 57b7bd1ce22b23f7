package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
	"luoshu/opendata"
)

// serveProcess runs luoshu serve as a process of its own until the test ends.
func serveProcess(t *testing.T, args ...string) *server {
	t.Helper()
	addr := freeAddress(t)
	cmd := program(t.Context(), t, append([]string{"serve", "--addr", addr, "--data-dir", t.TempDir(), "--log-level", "error"}, args...)...)
	cmd.Stderr = t.Output()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	s := &server{t: t, base: "http://" + addr}
	eventually(t, "the process is alive", func() bool {
		status, _ := s.try("/livez")
		return status == http.StatusOK
	})
	return s
}

// told is what a client keeps of an answer.
type told struct {
	status                    int
	tag, coding, length, body string
}

func (s *server) told(path, accept string) told {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", accept)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	h := res.Header
	return told{res.StatusCode, h.Get("ETag"), h.Get("Content-Encoding"), h.Get("Content-Length"), string(b)}
}

// TestProcessesAgree: two processes with the same release give the same bytes and the same
// ETag for every operation and content coding.
func TestProcessesAgree(t *testing.T) {
	store := "dir:" + filepath.Join(t.TempDir(), "store")
	luoshu(t, t.TempDir(), "demo", "--to", store).want(t, exitDone)
	args := []string{"--source", store, "--public-url", "https://luoshu.example"}
	one, two := serveProcess(t, args...), serveProcess(t, args...)
	l := one.list("/api/v1/achievements?limit=1")
	var m catalog.Manifest
	decode(t, one.get("/api/v1/releases/1/manifest", http.StatusOK), &m)
	var p catalog.Pointer
	decode(t, one.get("/api/v1/releases/current/pointer", http.StatusOK), &p)
	fill := strings.NewReplacer("{dataset}", "achievements", "{id}", l.Data[0].ID, "{seq}", "1", "{list}", "stage", "{feed}", "all", "{part}", "1")
	paths := []string{"/api/v1/achievements?q=%E8%BD%B4%E6%89%BF&facets=stage&limit=5", "/api/v1/achievements?sort=-trl", "/openapi.json", "/developers?lang=en"}
	for _, op := range opendata.Operations() {
		path := fill.Replace(op.Path)
		switch {
		case strings.HasSuffix(path, "/quality/service"): // of the process, not of the release
			continue
		case strings.Contains(path, "/objects/"):
			path = strings.Replace(path, "{sha256}", string(m.Objects[0].Hash), 1)
		case strings.HasSuffix(path, "/search"), strings.HasSuffix(path, "/suggest"):
			path += "?q=zc"
		case strings.HasSuffix(path, "/changes"):
			path += "?since=1"
		case path == "/oai":
			path += "?verb=Identify"
		}
		paths = append(paths, strings.Replace(path, "{sha256}", string(p.Manifest), 1))
	}
	for _, s := range []*server{one, two} {
		eventually(t, "exports are ready", func() bool {
			status, _ := s.try("/api/v1/exports")
			return status == http.StatusOK
		})
	}
	answered := 0
	for _, path := range paths {
		for _, accept := range []string{"identity", "zstd", "br", "gzip", "gzip, deflate, br, zstd"} {
			a, b := one.told(path, accept), two.told(path, accept)
			if a.status == http.StatusNotFound || a.status == http.StatusBadRequest {
				a.body, b.body, a.length, b.length = "", "", "", "" // it has the number of the request
			}
			if a != b {
				t.Errorf("%s in %s differs: %d %s %q, %d %s %q", path, accept, a.status, a.tag, a.coding, b.status, b.tag, b.coding)
			}
			if a.status == http.StatusOK && a.tag != "" {
				answered++
			}
		}
	}
	if answered < 5*(len(paths)-4) { // without signature (two), a second part of the sitemap and changes between equal releases
		t.Errorf("only %d answers of %d have an ETag", answered, 5*len(paths))
	}
}

// TestWalkWhileReleasesSwitch: every page of a walk comes from another process than the
// one before, and releases are published meanwhile: the walk meets every record of the
// release it began in exactly once. So does a search.
func TestWalkWhileReleasesSwitch(t *testing.T) {
	store := "dir:" + filepath.Join(t.TempDir(), "store")
	publisher, data := t.TempDir(), t.TempDir()
	publish := func(from, to int) {
		t.Helper()
		var rows strings.Builder
		rows.WriteString("source_key,成果名称\n")
		for n := from; n < to; n++ {
			fmt.Fprintf(&rows, "%d,轴承成果第%d号\n", n, n)
		}
		luoshu(t, publisher, publishArgs(write(t, "a.csv", rows.String()), store, "--replace", "--allow-shrink", "--data-dir", data)...).want(t, exitDone)
	}
	publish(0, 50)
	nodes := []*server{serveProcess(t, "--source", store), serveProcess(t, "--source", store)}
	for _, s := range nodes {
		s.releaseIs(1)
	}
	var want []string
	for _, d := range nodes[0].list("/api/v1/achievements?limit=100").Data {
		want = append(want, d.ID)
	}
	walks := []*struct {
		next string
		met  []string
	}{{next: "/api/v1/achievements?limit=4"}, {next: "/api/v1/achievements?limit=4&q=%E8%BD%B4%E6%89%BF&sort=name"}}
	for page, sequence := 0, int64(1); walks[0].next != "" || walks[1].next != ""; page++ {
		for i, w := range walks {
			if w.next == "" {
				continue
			}
			l := nodes[(page+i)%2].list(w.next)
			if l.Meta.Release.Sequence != 1 || l.Meta.Total != len(want) {
				t.Fatalf("page %d of walk %d: %+v", page, i, l.Meta)
			}
			for _, d := range l.Data {
				w.met = append(w.met, d.ID)
			}
			if w.next = ""; l.Links.Next != nil {
				w.next = *l.Links.Next
			}
		}
		if page%3 == 1 && sequence < 5 {
			publish(page*7, page*7+30)
			// The second node may be late; whoever is behind answers from what it has.
			sequence++
			nodes[page%2].releaseIs(sequence)
		}
	}
	for i, w := range walks {
		if slices.Sort(w.met); !slices.Equal(w.met, want) {
			t.Errorf("walk %d met %d records, %d without repetition; the release has %d", i, len(w.met), len(slices.Compact(w.met)), len(want))
		}
	}
}
