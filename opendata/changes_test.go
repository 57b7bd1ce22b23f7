package opendata_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/opendata"
)

// holdings are what a follower of the changes keeps: records by identifier, in their
// canonical bytes, and what is public of the tombstones.
type holdings struct {
	records    map[catalog.ID]string
	tombstones map[catalog.ID]string
}

func holdingsOf(r *catalog.Release) holdings {
	h := holdings{map[catalog.ID]string{}, map[catalog.ID]string{}}
	for _, e := range r.Entries {
		h.records[e.ID] = string(e.Raw)
	}
	for _, t := range r.Manifest.Withdrawn {
		h.tombstones[t.ID] = fmt.Sprintf("%s %s %s", t.WithdrawnOn, t.Reason, t.Successor)
	}
	return h
}

func (h holdings) equal(o holdings) bool {
	return maps.Equal(h.records, o.records) && maps.Equal(h.tombstones, o.tombstones)
}

// apply does what a client does with the lines, checks the hashes on the way, and
// counts the changes by kind.
func (h holdings) apply(t *testing.T, body string) map[string]int {
	t.Helper()
	kinds := map[string]int{}
	for line := range strings.Lines(body) {
		var c struct {
			Change        string
			ID            catalog.ID
			Dataset       catalog.Dataset
			Before, After catalog.Hash
			Record        json.RawMessage
			Tombstone     *struct {
				ID          catalog.ID
				WithdrawnOn catalog.Date `json:"withdrawn_on"`
				Reason      string
				Successor   catalog.ID
			}
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		was, held := h.records[c.ID]
		if held != (c.Before != "") || held && catalog.HashOf([]byte(was)) != c.Before {
			t.Errorf("%s %s: before %q, held %t", c.Change, c.ID, c.Before, held)
		}
		delete(h.records, c.ID)
		delete(h.tombstones, c.ID)
		if c.Record != nil {
			if catalog.HashOf(c.Record) != c.After {
				t.Errorf("%s %s: after %q", c.Change, c.ID, c.After)
			}
			h.records[c.ID] = string(c.Record)
		} else if c.After != "" {
			t.Errorf("%s %s has a hash after and no record", c.Change, c.ID)
		}
		if s := c.Tombstone; s != nil {
			h.tombstones[s.ID] = fmt.Sprintf("%s %s %s", s.WithdrawnOn, s.Reason, s.Successor)
		}
		if c.Dataset != c.ID.Dataset() {
			t.Errorf("%s is of %q", c.ID, c.Dataset)
		}
		kinds[c.Change]++
	}
	return kinds
}

// history returns four releases: a first one; some withdrawn; one of them back,
// others changed, some new and gone again; and the first brought back.
func history(t *testing.T) []*catalog.Release {
	t.Helper()
	build := func(d *catalog.Draft) *catalog.Release {
		p, err := d.Build(t.Context(), catalog.BuildOptions{Sample: true})
		if err != nil {
			t.Fatal(err)
		}
		return p.Release
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(d *catalog.Draft, e catalog.Entry, title string) {
		r, err := catalog.Decode(e.Dataset, e.Raw)
		must(err)
		r.Head().Title = title
		e, change, err := d.Encode(r)
		must(err)
		must(d.Put(e, change))
	}
	first, err := catalogtest.Publish(t.Context(), nil, 7, 40)
	must(err)
	one := first.Release

	d := catalog.NewDraft(one, catalogtest.Epoch.Add(24*time.Hour))
	for i, successor := range []catalog.ID{"", one.Entries[20].ID, ""} {
		must(d.Withdraw(one.Entries[i].ID, "已转让", successor))
	}
	two := build(d)

	d = catalog.NewDraft(two, catalogtest.Epoch.Add(48*time.Hour))
	must(d.Restore(one.Entries[0].ID))
	put(d, one.Entries[0], one.Entries[0].Title().ZH)
	put(d, one.Entries[10], `改名 <"引号"> \ 反斜杠`)
	put(d, one.Entries[39], "改名")
	more, err := catalogtest.Publish(t.Context(), nil, 8, 60)
	must(err)
	for _, e := range more.Release.Entries {
		if _, known := one.Find(e.ID); !known {
			put(d, e, "新增")
		}
	}
	must(d.Withdraw(one.Entries[30].ID, "合并", one.Entries[31].ID))
	three := build(d)

	p, err := catalog.Republish(t.Context(), three, one, catalogtest.Epoch.Add(72*time.Hour), "退回")
	must(err)
	return []*catalog.Release{one, two, three, p.Release}
}

// TestChangesRebuildTheRelease: from any release to any later one, the lines make of
// the one exactly the other, wherever they are kept.
func TestChangesRebuildTheRelease(t *testing.T) {
	releases := history(t)
	for _, dir := range []string{"", t.TempDir()} {
		s := newShelf()
		for _, r := range releases {
			s.publish(t, r)
		}
		app := serve(t, s, func(c *opendata.Config) {
			c.Exporter = opendata.NewExporter(opendata.ExporterConfig{Dir: dir})
		})
		for i, from := range releases {
			for j, to := range releases[i:] {
				path := fmt.Sprintf("/api/v1/releases/%d/changes?since=%d", i+j+1, i+1)
				a := get(t, app, path)
				if a.status != 200 || a.header.Get("Content-Type") != "application/jsonl" ||
					a.header.Get("X-Luoshu-Release") != strconv.Itoa(i+j+1) || a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
					t.Fatalf("%s: %s", path, a)
				}
				h := holdingsOf(from)
				kinds := h.apply(t, a.body)
				if !h.equal(holdingsOf(to)) {
					t.Errorf("%s does not make release %d of release %d", path, i+j+1, i+1)
				}
				if j == 0 && a.body != "" {
					t.Errorf("%s: %s", path, a.body)
				}
				if i == 1 && j == 1 && !maps.Equal(kinds, map[string]int{"added": 20, "updated": 2, "restored": 1, "withdrawn": 1}) {
					t.Errorf("%s: %v", path, kinds)
				}
				if again := get(t, app, path, "If-None-Match", a.header.Get("ETag")); again.status != 304 {
					t.Errorf("%s again: %d", path, again.status)
				}
				// Other nodes give the same bytes.
				fresh := get(t, serve(t, s), path)
				if fresh.body != a.body || fresh.header.Get("ETag") != a.header.Get("ETag") {
					t.Errorf("%s differs between nodes", path)
				}
			}
		}
	}
}

func TestChangesRefuse(t *testing.T) {
	s := newShelf()
	for _, r := range history(t)[:3] {
		s.publish(t, r)
	}
	s.forget(1)
	app := serve(t, s)
	tests := []struct {
		query, kind string
		status      int
	}{
		{"3/changes", "invalid-parameter", 400},
		{"3/changes?since=", "invalid-parameter", 400},
		{"3/changes?since=x", "invalid-parameter", 400},
		{"3/changes?since=0", "invalid-parameter", 400},
		{"3/changes?since=02", "invalid-parameter", 400},
		{"3/changes?since=-1", "invalid-parameter", 400},
		{"3/changes?since=99999999999", "invalid-parameter", 400},
		{"2/changes?since=3", "invalid-parameter", 400},
		{"3/changes?since=2&since=2", "invalid-parameter", 400},
		{"3/changes?since=1", "release-gone", 410},
		{"1/changes?since=1", "release-gone", 410},
		{"4/changes?since=2", "unknown-release", 404},
		{"x/changes?since=2", "invalid-sequence", 400},
	}
	for _, tt := range tests {
		a := get(t, app, "/api/v1/releases/"+tt.query)
		var p struct{ Type string }
		a.decode(t, &p)
		if a.status != tt.status || !strings.HasSuffix(p.Type, "#"+tt.kind) {
			t.Errorf("%s: %d %s, want %d %s", tt.query, a.status, p.Type, tt.status, tt.kind)
		}
	}
}

// TestChangesAreMadeOnce: many who ask at once get one file, and another release
// takes it away.
func TestChangesAreMadeOnce(t *testing.T) {
	releases := history(t)
	s := newShelf()
	for _, r := range releases {
		s.publish(t, r)
	}
	dir := t.TempDir()
	x := opendata.NewExporter(opendata.ExporterConfig{Dir: dir})
	app := serve(t, s, func(c *opendata.Config) { c.Exporter = x })
	const path = "/api/v1/releases/3/changes?since=1"
	answers := make(chan answer)
	for range 8 {
		go func() { answers <- get(t, app, path) }()
	}
	var bodies []string
	for range 8 {
		bodies = append(bodies, (<-answers).body)
	}
	if slices.Sort(bodies); bodies[0] == "" || bodies[0] != bodies[7] {
		t.Error("answers differ")
	}
	if n := len(files(t, dir)); n != 1 {
		t.Errorf("%d files", n)
	}
	x.Swap(s.Current())
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for range 2 {
		if a := get(t, app, path); a.body != bodies[0] {
			t.Errorf("made anew: %s", a)
		}
		for _, f := range files(t, dir) { // somebody tidies up
			if err := os.Remove(filepath.Join(dir, f)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestChangesWhileReleasesArePublished: who asks in that moment gets an answer from
// what is kept then, and no file of what is not is left.
func TestChangesWhileReleasesArePublished(t *testing.T) {
	releases := history(t)
	tests := []struct {
		name   string
		times  int  // that a release is published meanwhile
		forget bool // and the first is not kept any more
		status int
	}{
		{"once", 1, false, 200},
		{"again and again", 1000, false, 503},
		{"and recalls", 1, true, 410},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf()
			for _, r := range releases[:3] {
				s.publish(t, r)
			}
			dir := t.TempDir()
			x := opendata.NewExporter(opendata.ExporterConfig{Dir: dir})
			app := serve(t, s, func(c *opendata.Config) { c.Exporter = x })
			left := tt.times
			s.asked = func(int64) {
				if left--; left < 0 {
					return
				}
				if tt.forget {
					s.forget(1)
				}
				if left == tt.times-1 {
					s.publish(t, releases[3])
				}
				x.Swap(s.Current())
			}
			a := get(t, app, "/api/v1/releases/3/changes?since=1")
			if a.status != tt.status {
				t.Fatalf("%s, want %d", a, tt.status)
			}
			if a.status == 200 {
				h := holdingsOf(releases[0])
				if h.apply(t, a.body); !h.equal(holdingsOf(releases[2])) {
					t.Error("the changes do not make release 3 of release 1")
				}
			} else if kept := files(t, dir); len(kept) != 0 {
				t.Errorf("left behind: %v", kept)
			}
			if a.status == 503 && a.header.Get("Retry-After") == "" {
				t.Error("nothing says when to try again")
			}
		})
	}
}
