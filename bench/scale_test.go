package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/snapshot"
)

// A child process lays a release out, or starts with one that is laid out, so that
// its peak of memory and its time are its own, or is a peer.
const (
	childVariable = "LUOSHU_BENCH_CHILD"
	layOut        = "lay out"
	restart       = "restart"
	constant      = "constant answer"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childVariable); role != "" {
		if err := child(role, os.Args[1], os.Args[2]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child prints what it took.
func child(role, source, local string) error {
	if role == constant {
		return serveConstant(source, local)
	}
	from, err := cache.OpenDirectory(source)
	if err != nil {
		return err
	}
	to, err := cache.OpenDirectory(local)
	if err != nil {
		return err
	}
	start := time.Now()
	near := cache.NewNear(cache.Options{Source: from, Local: to, Poll: -1})
	if err := near.Start(context.Background()); err != nil {
		return err
	}
	r, err := near.Current().Search(snapshot.Query{Text: "generated", Limit: 20})
	if err != nil || r.Total == 0 {
		return fmt.Errorf("the first search finds %d: %w", r.Total, err)
	}
	c := cost{Wall: time.Since(start)}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	c.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(status) {
		for name, into := range map[string]*int64{"VmHWM:": &c.Peak, "RssAnon:": &c.Anonymous} {
			if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
				if _, err := fmt.Sscan(string(rest), into); err != nil {
					return err
				}
				*into *= 1024
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(c)
}

// cost is what a child took: from its start to the first answered search, and memory
// in bytes, mapped pages among its peak.
type cost struct {
	Wall, CPU       time.Duration
	Peak, Anonymous int64
}

func runChild(b *testing.B, role, source, local string) (c cost) {
	b.Helper()
	cmd := exec.Command(os.Args[0], source, local)
	cmd.Env = append(os.Environ(), childVariable+"="+role)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if err := json.Unmarshal(out, &c); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return c
}

// What is to be held at 100,000 records; a million may take growthBar times as long
// to lay out.
const (
	layOutBar  = 5 * time.Second
	growthBar  = 12
	peakBar    = 1.5 // of the segment, which is records and index
	restartBar = 150 * time.Millisecond
)

var bars = map[string]struct{ p50, p99 time.Duration }{
	"frequent+3facets": {200 * time.Microsecond, time.Millisecond},
	"three":            {p99: 1500 * time.Microsecond},
	"suggest":          {p99: time.Millisecond},
	"suggest-initials": {p99: time.Millisecond},
}

// BenchmarkScale shows how everything grows: laying out, its peak of memory, the size
// of the segment, a restart, and every kind of question.
func BenchmarkScale(b *testing.B) {
	var before cost
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := scale(b, n)
			if before.Wall > 0 {
				b.Logf("laid out in %.1f times as long as a tenth of it, with %.1f times the CPU", float64(c.Wall)/float64(before.Wall), float64(c.CPU)/float64(before.CPU))
			}
			before = c
		})
	}
	b.Logf("to be held at 100,000 records: laid out in %s, and a million in %d times as long, at a peak of %.1f of the segment; restarted in %s", layOutBar, growthBar, peakBar, restartBar)
}

// scale measures a catalog of n records and returns what laying it out took.
func scale(b *testing.B, n int) cost {
	dir := b.TempDir()
	store, err := cache.OpenDirectory(filepath.Join(dir, "store"))
	if err != nil {
		b.Fatal(err)
	}
	if err := store.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	publication, err := catalogtest.Publish(b.Context(), nil, 1, n)
	if err != nil {
		b.Fatal(err)
	}
	if err := cache.Publish(b.Context(), store, publication, nil, nil); err != nil {
		b.Fatal(err)
	}
	records := 0
	for _, e := range publication.Release.Entries {
		records += len(e.Raw)
	}
	m, hash := publication.Release.Manifest, publication.Release.Hash
	publication = nil
	local := filepath.Join(dir, "local")
	laid := runChild(b, layOut, store.String()[len("dir:"):], local)
	path := filepath.Join(local, "segments", string(hash)+".seg")
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d records of %d bytes; %d bytes a record in the segment, of which the index is %d", n, records/n, info.Size()/int64(n), (info.Size()-int64(records))/int64(n))
	b.Logf("laid out in %s, CPU %s, peak %d MB, %.2f times the segment", laid.Wall.Round(time.Millisecond), laid.CPU.Round(time.Millisecond), laid.Peak/1e6, float64(laid.Peak)/float64(info.Size()))
	for range 3 {
		c := runChild(b, restart, store.String()[len("dir:"):], local)
		b.Logf("restarted to the first answered search in %s, CPU %s, anonymous memory %d MB", c.Wall.Round(time.Millisecond), c.CPU.Round(time.Millisecond), c.Anonymous/1e6)
	}
	s, err := snapshot.Open(path, m, hash)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Mapping().Close() }()
	frequent, rare := pairs(s)
	facets := []string{"stage", "division", "tech_fields"}
	at := func(texts []string, i int) string { return texts[i%len(texts)] }
	for _, question := range []struct {
		name string
		ask  func(i int) (int, error)
	}{
		{"frequent", find(s, func(i int) snapshot.Query { return snapshot.Query{Text: at(frequent, i)} })},
		{"frequent+3facets", find(s, func(i int) snapshot.Query { return snapshot.Query{Text: at(frequent, i), Facets: facets} })},
		{"rare", find(s, func(i int) snapshot.Query { return snapshot.Query{Text: at(rare, i)} })},
		{"three", find(s, func(i int) snapshot.Query {
			return snapshot.Query{Text: at(frequent, i) + " " + at(frequent, i+1) + " " + at(frequent, i+2)}
		})},
		{"filtered+3facets", find(s, func(i int) snapshot.Query {
			return snapshot.Query{Facets: facets, Filters: []snapshot.Filter{{Field: "stage", Values: []string{"pilot"}}, {Field: "trl", Least: fmt.Sprint(1 + i%5)}}}
		})},
		{"suggest", suggest(s, []string{"sheng", "s", "shengc", "生成", "sc", "zh", "li", "y", "xiang", "w"})},
		{"suggest-initials", suggest(s, []string{"zc", "scd", "jx", "yl", "hqs", "zgc", "sj", "lx"})},
		{"matches", func(i int) (int, error) {
			e := s.List(snapshot.Slice{Dataset: catalog.Achievements, Skip: i * 7919 % n, Limit: 1}).Entries[0]
			found, err := s.Matches(e.ID, 10)
			return len(found), err
		}},
	} {
		b.Run(question.name, func(b *testing.B) {
			b.ReportAllocs()
			p50, p99 := quantiles(b, 20, func(i int) {
				if _, err := question.ask(i); err != nil {
					b.Fatal(err)
				}
			})
			if bar := bars[question.name]; n == 100_000 {
				if bar.p50 > 0 {
					b.ReportMetric(float64(p50)/float64(bar.p50), "p50/bar")
				}
				if bar.p99 > 0 {
					b.ReportMetric(float64(p99)/float64(bar.p99), "p99/bar")
				}
			}
		})
	}
	return laid
}

func find(s *snapshot.Snapshot, query func(i int) snapshot.Query) func(i int) (int, error) {
	return func(i int) (int, error) {
		q := query(i)
		q.Dataset, q.Limit = catalog.Achievements, 20
		r, err := s.Search(q)
		return r.Total, err
	}
}

func suggest(s *snapshot.Snapshot, typed []string) func(i int) (int, error) {
	return func(i int) (int, error) {
		r, err := s.Suggest(typed[i%len(typed)], "", 10)
		return len(r.Items), err
	}
}

// pairs returns pairs of characters in about one record of six, and of a hundred.
func pairs(s *snapshot.Snapshot) (frequent, rare []string) {
	counts := map[string]int{}
	sampled := 0
	for e := range s.All(catalog.Achievements) {
		if sampled++; sampled > 3000 {
			break
		}
		seen := map[string]bool{}
		runes := []rune(string(e.Raw))
		for k := range len(runes) - 1 {
			if pair := string(runes[k : k+2]); han(runes[k]) && han(runes[k+1]) && !seen[pair] {
				seen[pair] = true
				counts[pair]++
			}
		}
	}
	return nearest(counts, min(sampled, 3000)/6), nearest(counts, min(sampled, 3000)/100)
}

func han(r rune) bool { return r >= 0x4E00 && r <= 0x9FFF }
