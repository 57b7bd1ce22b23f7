package opendata_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
	"luoshu/opendata"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m,
		// These two keep the time for the whole process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/utils.StartTimeStampUpdater.func1.1"),
		// A server's cleaner looks every ten seconds whether the server is gone.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// shelf keeps releases in memory: the Reader and the Archive of the tests.
type shelf struct {
	current atomic.Pointer[snapshot.Snapshot]

	mu        sync.Mutex
	kept      []*snapshot.Snapshot
	manifests map[catalog.Hash][]byte
	objects   map[catalog.Hash][]byte
	signed    map[catalog.Hash][]byte
	down      error
	// asked is called with every number that At is asked for; nil is nobody.
	asked func(seq int64)
}

func newShelf() *shelf {
	return &shelf{
		manifests: map[catalog.Hash][]byte{}, objects: map[catalog.Hash][]byte{}, signed: map[catalog.Hash][]byte{},
	}
}

func (s *shelf) Current() *snapshot.Snapshot { return s.current.Load() }

func (s *shelf) At(seq int64) (*snapshot.Snapshot, error) {
	if s.asked != nil {
		s.asked(seq)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		if k.Manifest().Sequence == seq {
			return k, s.down
		}
	}
	return nil, fmt.Errorf("release %d: %w", seq, catalog.ErrNotFound)
}

func (s *shelf) Releases() []*catalog.Manifest {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*catalog.Manifest
	for _, k := range s.kept {
		all = append(all, k.Manifest())
	}
	return all
}

func (s *shelf) take(from map[catalog.Hash][]byte, hash catalog.Hash) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := from[hash]
	if !ok {
		return nil, fmt.Errorf("%.12s: %w", hash, catalog.ErrNotFound)
	}
	return b, s.down
}

func (s *shelf) ManifestBytes(hash catalog.Hash) ([]byte, error) {
	return s.take(s.manifests, hash)
}

func (s *shelf) SignatureBytes(hash catalog.Hash) ([]byte, error) {
	return s.take(s.signed, hash)
}

func (s *shelf) ObjectBytes(hash catalog.Hash) ([]byte, error) {
	return s.take(s.objects, hash)
}

// forget drops the release of that number, as keeping the last few does.
func (s *shelf) forget(seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(k *snapshot.Snapshot) bool { return k.Manifest().Sequence == seq })
}

// publish makes r current and keeps it.
func (s *shelf) publish(t testing.TB, r *catalog.Release) {
	t.Helper()
	b, err := catalog.Canonical(r.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.New(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.kept = append(s.kept, snap)
	s.manifests[r.Hash] = b
	for _, ref := range r.Manifest.Objects {
		s.objects[ref.Hash] = object(r.Manifest.Sequence)
	}
	s.mu.Unlock()
	s.current.Store(snap)
}

// object stands for the packed records of a release: the API sends objects and
// never reads them, and so the golden answers depend on no compressor.
func object(seq int64) []byte { return fmt.Appendf(nil, "\x28\xb5\x2f\xfd object of release %d", seq) }

// edit says what a release of the tests holds.
type edit struct {
	achievements int
	sample       bool
	withdrawn    []catalog.Tombstone
}

// release returns release seq: the numbered achievements, a demand, an
// organization and an indicator.
func release(t testing.TB, seq int64, previous catalog.Hash, e edit) *catalog.Release {
	t.Helper()
	published := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(seq) * time.Hour)
	r := &catalog.Release{}
	add := func(d catalog.Dataset, key string, fill func(catalog.Record)) {
		if slices.ContainsFunc(e.withdrawn, func(w catalog.Tombstone) bool { return w.ID == named(d, key) }) {
			return
		}
		rec, err := catalog.NewRecord(d)
		if err != nil {
			t.Fatal(err)
		}
		h := rec.Head()
		h.ID, h.Publisher, h.Source = named(d, key), "market", catalog.SourceDigest("market", d, key)
		h.PublishedAt, h.UpdatedAt, h.Version = published, published, 1
		fill(rec)
		raw, err := catalog.Canonical(rec)
		if err != nil {
			t.Fatal(err)
		}
		r.Entries = append(r.Entries, catalog.Entry{ID: h.ID, Dataset: d, Raw: raw})
	}
	for i := range e.achievements {
		add(catalog.Achievements, strconv.Itoa(i), func(rec catalog.Record) {
			a := rec.(*catalog.Achievement)
			a.Title, a.Abstract, a.Stage = fmt.Sprintf("轴承钢热处理工艺 %d", i), "用于 <高端> 装备 & 轴承", "pilot"
		})
	}
	add(catalog.Demands, "a", func(rec catalog.Record) { rec.Head().Title = "低温润滑脂" })
	add(catalog.Organizations, "a", func(rec catalog.Record) { rec.Head().Title = "示例研究院" })
	add(catalog.Indicators, "contract-value", func(rec catalog.Record) { rec.Head().Title = "技术合同成交额" })
	order := map[catalog.Dataset]int{}
	for d := range catalog.Datasets() {
		order[d.Name] = len(order)
	}
	slices.SortFunc(r.Entries, func(a, b catalog.Entry) int {
		if a.Dataset != b.Dataset {
			return order[a.Dataset] - order[b.Dataset]
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})

	m := &catalog.Manifest{
		Format: catalog.FormatVersion, Profile: catalog.DefaultProfile(), Sequence: seq, PublishedAt: published,
		AsOf: "2026-03-01", Sample: e.sample, Schema: catalog.SchemaVersion, Previous: previous,
		Counts: map[catalog.Dataset]int{}, Withdrawn: e.withdrawn,
	}
	m.Schemes = []catalog.Scheme{{
		ID: "luoyang-2025", Title: catalog.Text{ZH: "洛阳重点产业链", EN: "Key industry chains of Luoyang"},
		Codes: []catalog.SchemeCode{{Code: "bearing", Text: catalog.Text{ZH: "轴承", EN: "Bearings"}}},
	}}
	for d := range catalog.Datasets() {
		m.Counts[d.Name] = 0
	}
	for _, entry := range r.Entries {
		m.Counts[entry.Dataset]++
	}
	b := object(seq)
	m.Objects = []catalog.ObjectRef{{Hash: catalog.HashOf(b), Bytes: int64(len(b)), RawBytes: 100, Records: len(r.Entries)}}
	m.Bytes, m.RawBytes = int64(len(b)), 100
	text, err := catalog.Canonical(m)
	if err != nil {
		t.Fatal(err)
	}
	r.Hash = catalog.HashOf(text)
	if r.Manifest, err = catalog.ParseManifest(text, r.Hash); err != nil {
		t.Fatal(err)
	}
	return r
}

// named returns the identifier of the test record called key.
func named(d catalog.Dataset, key string) catalog.ID {
	if d == catalog.Indicators {
		return catalog.ID(key)
	}
	return catalog.MintID(d, catalog.SourceDigest("market", d, key), 0)
}

// serve returns an app around the releases of s, set up as the server is.
func serve(t testing.TB, s *shelf, change ...func(*opendata.Config)) *fiber.App {
	t.Helper()
	c := opendata.Config{Reader: s, Archive: s}
	for _, f := range change {
		f(&c)
	}
	h, err := opendata.New(c)
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{
		Immutable: true, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true,
		ErrorHandler: h.Problem,
	})
	app.Use(func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderXRequestID, "request-1")
		return c.Next()
	})
	h.Routes(app)
	return app
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends one request, and holds the answer to the contract. header holds name and
// value in turn.
func ask(t testing.TB, app *fiber.App, method, url string, header ...string) answer {
	t.Helper()
	req := httptest.NewRequest(method, url, nil)
	for i := 0; i < len(header); i += 2 {
		if header[i] == fiber.HeaderHost {
			req.Host = header[i+1]
		}
		req.Header.Add(header[i], header[i+1])
	}
	res, err := app.Test(req, -1)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	a := answer{res.StatusCode, res.Header, string(b)}
	if method == http.MethodGet || method == http.MethodHead {
		theContract(t).check(t, method, url, a)
	}
	return a
}

func get(t testing.TB, app *fiber.App, url string, header ...string) answer {
	t.Helper()
	return ask(t, app, http.MethodGet, url, header...)
}

// String returns the answer as golden files hold it.
func (a answer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", a.status, http.StatusText(a.status))
	var names []string
	for name := range a.header {
		if name != "Date" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(a.header[name], "\n\t"))
	}
	return b.String() + "\n" + a.body + "\n"
}

// golden compares got with the file of that name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name + ".golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with -update)", err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i, line := range gotLines {
		if i >= len(wantLines) || line != wantLines[i] {
			t.Errorf("%s differs at line %d (run with -update to accept): %q", path, i+1, line)
			return
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Errorf("%s has more lines than the answer (run with -update to accept)", path)
	}
}
