package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// visitors is how many people use the pages at once, many how many achievements their
// catalog has beside the records of the demonstration.
const visitors, many = 5, 10_000

// BenchmarkVisitors opens every kind of page as five visitors would at once, none waiting
// between two touches, and reports how long the server takes: over all, and of the page
// that takes longest.
func BenchmarkVisitors(b *testing.B) {
	store, data := "dir:"+filepath.Join(b.TempDir(), "store"), b.TempDir()
	files, err := filepath.Glob("../../catalog/demo/*.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range append(files, generatedFile(b, many)) {
		publisher := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		dataset, _, _ := strings.Cut(publisher, "-")
		if dataset == "generated" {
			dataset = "achievements"
		}
		cmd := program(b.Context(), b, "publish", file, "--dataset", dataset, "--to", store, "--publisher", publisher, "--reviewed-by", "g", "--reviewed-on", "2026-01-01", "--data-dir", data)
		// What a row refers to may come with a later file, and is left out: what counts is how much there is.
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	addr := freeAddress(b)
	cmd := program(b.Context(), b, "serve", "--addr", addr, "--data-dir", data, "--log-level", "error", "--source", store, "--terminal", "K1", "--public-url", "https://luoshu.example")
	cmd.Stderr = b.Output()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	for _, path := range []string{"/livez", "/readyz"} {
		eventually(b, "the node answers "+path, func() bool { _, _, err := open("http://" + addr + path); return err == nil })
	}
	var found list
	if body, _, err := open("http://" + addr + "/api/v1/achievements?limit=100"); err != nil {
		b.Fatal(err)
	} else if err := json.Unmarshal(body, &found, json.MatchCaseInsensitiveNames(true)); err != nil {
		b.Fatal(err)
	}
	pages := []string{
		"/", "/attract", "/contents", "/about", "/search", "/search?q=轴承", "/search?q=zhoucheng", "/search?q=xyzzy", "/achievements", "/achievements?page=500",
		"/achievements?trl.gte=7&show=fields", "/agenda", "/support", "/services/find", "/experts/find", "/join", "/indicators", "/places", "/places/410311", "/fields", "/industries",
		"/readiness", "/dual-use", "/markets", "/bases", "/take?take=" + found.Data[0].ID + "," + found.Data[1].ID,
	}
	for _, part := range []string{"", "?part=rights", "?part=demands", "?part=similar", "?part=policies", "?part=details"} {
		pages = append(pages, "/achievements/{id}"+part)
	}
	pages = append(pages, "/q/{id}")
	took := make([][]time.Duration, len(pages))
	for round := 0; b.Loop(); round++ {
		var all sync.WaitGroup
		var mu sync.Mutex
		for visitor := range visitors {
			all.Go(func() {
				for i := range pages {
					// Each begins somewhere else, and reads other records.
					at := (i + visitor*len(pages)/visitors) % len(pages)
					path := strings.ReplaceAll(pages[at], "{id}", found.Data[(round+17*visitor)%len(found.Data)].ID)
					_, d, err := open("http://" + addr + path)
					if err != nil {
						b.Error(err)
					}
					mu.Lock()
					took[at] = append(took[at], d)
					mu.Unlock()
				}
			})
		}
		all.Wait()
	}
	var every []time.Duration
	worst, page := time.Duration(0), ""
	for i, list := range took {
		every = append(every, list...)
		if p := percentile(list, 95); p > worst {
			worst, page = p, pages[i]
		}
	}
	b.ReportMetric(float64(percentile(every, 50).Microseconds())/1e3, "ms-p50")
	b.ReportMetric(float64(percentile(every, 95).Microseconds())/1e3, "ms-p95")
	b.ReportMetric(float64(worst.Microseconds())/1e3, "ms-p95-of-slowest")
	b.Logf("the slowest page is %s", page)
}

// open asks for a page and returns it, and how long that took until its last byte.
func open(url string) ([]byte, time.Duration, error) {
	start := time.Now()
	res, err := http.Get(url)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %d", url, res.StatusCode)
	}
	return body, time.Since(start), err
}

// percentile returns the value that p percent of all do not exceed.
func percentile[T cmp.Ordered](all []T, p int) T {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}
