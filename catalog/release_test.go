package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
)

// fetchFrom serves the objects of publications.
func fetchFrom(pubs ...*catalog.Publication) catalog.FetchObject {
	objects := map[catalog.Hash][]byte{}
	for _, p := range pubs {
		for _, o := range p.Objects {
			objects[o.Ref.Hash] = o.Bytes
		}
	}
	return func(_ context.Context, ref catalog.ObjectRef) ([]byte, error) {
		b, ok := objects[ref.Hash]
		if !ok {
			return nil, catalog.ErrNotFound
		}
		return b, nil
	}
}

func load(t *testing.T, p *catalog.Publication, fetch catalog.FetchObject) *catalog.Release {
	t.Helper()
	m, err := catalog.ParseManifest(p.Manifest, p.Release.Hash)
	if err != nil {
		t.Fatal(err)
	}
	r, err := catalog.LoadRelease(t.Context(), m, p.Release.Hash, fetch)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func publish(t *testing.T, seed uint64, n int) *catalog.Publication {
	t.Helper()
	p, err := catalogtest.Publish(t.Context(), nil, seed, n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReleaseLoadsAsItWasBuilt(t *testing.T) {
	p := publish(t, 1, 500)
	r := load(t, p, fetchFrom(p))
	if len(r.Entries) != 500 || r.Manifest.Counts[catalog.Achievements] != 500 {
		t.Fatalf("%d entries, counts %v", len(r.Entries), r.Manifest.Counts)
	}
	for i, want := range p.Release.Entries {
		got, ok := r.Find(want.ID)
		if !ok || !bytes.Equal(got.Raw, want.Raw) || got.Source() != want.Source() || got.Publisher() != catalogtest.Publisher {
			t.Fatalf("entry %d, %s: got %+v", i, want.ID, got)
		}
	}
	if _, ok := r.Find("A3K7M2QG"); ok {
		t.Error("found a record that was not published")
	}
}

// TestBuildIsReproducible: the same content makes the same bytes.
func TestBuildIsReproducible(t *testing.T) {
	a, b := publish(t, 7, 300), publish(t, 7, 300)
	if !bytes.Equal(a.Manifest, b.Manifest) {
		t.Error("manifests differ")
	}
}

// next begins a draft after r and puts the records of change into it.
func next(t *testing.T, r *catalog.Release, change func(*catalog.Draft)) *catalog.Publication {
	t.Helper()
	d := catalog.NewDraft(r, r.Manifest.PublishedAt.Add(time.Hour))
	change(d)
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func put(t *testing.T, d *catalog.Draft, key, title string) (catalog.ID, catalog.Change) {
	t.Helper()
	a := &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: title, Publisher: catalogtest.Publisher}}
	var err error
	if a.ID, a.Source, err = d.Identify(a.Dataset, a.Publisher, key); err != nil {
		t.Fatal(err)
	}
	e, change, err := d.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Put(e, change); err != nil {
		t.Fatal(err)
	}
	return a.ID, change
}

func TestOneChangedRecordChangesOneObject(t *testing.T) {
	first := publish(t, 1, 2000)
	var id catalog.ID
	var change catalog.Change
	second := next(t, first.Release, func(d *catalog.Draft) { id, change = put(t, d, "G0000007", "新的题名") })
	if change != catalog.Updated {
		t.Errorf("change = %v, want Updated", change)
	}
	if len(second.Objects) != 1 {
		t.Errorf("%d objects written, want 1", len(second.Objects))
	}
	r := load(t, second, fetchFrom(first, second))
	e, _ := r.Find(id)
	rec, err := catalog.Decode(e.Dataset, e.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if h := rec.Head(); h.Title != "新的题名" || h.Version != 2 || !h.UpdatedAt.After(h.PublishedAt) {
		t.Errorf("header = %+v", h)
	}
	if m := r.Manifest; m.Sequence != 2 || m.Previous != first.Release.Hash {
		t.Errorf("sequence %d after %s", m.Sequence, m.Previous)
	}
}

func TestSameContentIsUnchanged(t *testing.T) {
	first := publish(t, 1, 50)
	d := catalog.NewDraft(first.Release, first.Release.Manifest.PublishedAt.Add(time.Hour))
	for key, a := range catalogtest.Achievements(1, 50) {
		a.ID, a.Source, _ = d.Identify(a.Dataset, catalogtest.Publisher, key)
		if _, change, err := d.Encode(a); change != catalog.Unchanged || err != nil {
			t.Fatalf("%s: %v, %v", a.ID, change, err)
		}
	}
	if !d.Empty() {
		t.Error("the draft is not empty")
	}
}

func TestWithdrawAndRestore(t *testing.T) {
	first := publish(t, 1, 50)
	id := first.Release.Entries[3].ID
	d := catalog.NewDraft(first.Release, first.Release.Manifest.PublishedAt.Add(time.Hour))
	if err := d.Withdraw("A3K7M2QG", "no", ""); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("withdrawing the unknown: %v", err)
	}
	second := next(t, first.Release, func(d *catalog.Draft) {
		if err := d.Withdraw(id, "已转让", ""); err != nil {
			t.Fatal(err)
		}
	})
	if _, ok := second.Release.Find(id); ok {
		t.Error("the withdrawn record is still there")
	}
	tomb, ok := second.Release.Manifest.Find(id)
	if !ok || tomb.Reason != "已转让" || tomb.Title == "" {
		t.Fatalf("tombstone = %+v, %v", tomb, ok)
	}

	d = catalog.NewDraft(second.Release, second.Release.Manifest.PublishedAt.Add(time.Hour))
	e := first.Release.Entries[3]
	if err := d.Put(e, catalog.Added); !errors.Is(err, catalog.ErrWithdrawn) {
		t.Errorf("putting the withdrawn again: %v", err)
	}
	if err := d.Restore(id); err != nil {
		t.Fatal(err)
	}
	if missing := d.Restored(); len(missing) != 1 {
		t.Errorf("restored without being put: %v", missing)
	}
	if err := d.Put(e, catalog.Added); err != nil {
		t.Fatal(err)
	}
	third, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := third.Release.Find(id); !ok || len(third.Release.Manifest.Withdrawn) != 0 {
		t.Error("the record did not return")
	}
}

func TestRepublishMovesForward(t *testing.T) {
	first := publish(t, 1, 50)
	var id catalog.ID
	second := next(t, first.Release, func(d *catalog.Draft) { id, _ = put(t, d, "new", "后来的成果") })
	third, err := catalog.Republish(t.Context(), second.Release, first.Release, second.Release.Manifest.PublishedAt.Add(time.Hour), "回退")
	if err != nil {
		t.Fatal(err)
	}
	m := third.Release.Manifest
	if m.Sequence != 3 || m.Republishes != 1 || m.Previous != second.Release.Hash {
		t.Errorf("sequence %d republishes %d", m.Sequence, m.Republishes)
	}
	if tomb, ok := m.Find(id); !ok || tomb.Reason != "回退" {
		t.Errorf("the record that disappears has tombstone %+v, %v", tomb, ok)
	}
	load(t, third, fetchFrom(first, second, third))

	// What was withdrawn meanwhile stays so.
	gone := first.Release.Entries[0].ID
	fourth := next(t, third.Release, func(d *catalog.Draft) {
		if err := d.Withdraw(gone, "涉密", ""); err != nil {
			t.Fatal(err)
		}
	})
	fifth, err := catalog.Republish(t.Context(), fourth.Release, first.Release, fourth.Release.Manifest.PublishedAt.Add(time.Hour), "回退")
	if err != nil {
		t.Fatal(err)
	}
	if _, back := fifth.Release.Find(gone); back {
		t.Error("a rollback revived a withdrawn record")
	}
	if tomb, _ := fifth.Release.Manifest.Find(gone); tomb.Reason != "涉密" {
		t.Errorf("tombstone = %+v", tomb)
	}
}

// TestIdentifiersCollide forces every source onto the same first identifiers by
// using it up, and expects each to keep the one it got.
func TestIdentifiersCollide(t *testing.T) {
	d := catalog.NewDraft(nil, catalogtest.Epoch)
	seen := map[catalog.ID]string{}
	// 100,000 sources over 31^6 identifiers: five collisions are expected.
	collisions := 0
	for i := range 100_000 {
		key := strconv.Itoa(i)
		id, source, err := d.Identify(catalog.Achievements, "p", key)
		if err != nil {
			t.Fatal(err)
		}
		if seen[id] != "" {
			t.Fatalf("%s given to %s and %s", id, seen[id], key)
		}
		seen[id] = key
		if id != catalog.MintID(catalog.Achievements, source, 0) {
			collisions++
		}
		if again, _, _ := d.Identify(catalog.Achievements, "p", key); again != id {
			t.Fatalf("%s became %s", id, again)
		}
	}
	if collisions == 0 {
		t.Error("no collision met: the test does not show what it claims")
	}
}

// TestWhoeverHasAnIdentifierKeepsIt: which of two colliding sources came first is
// forgotten, the identifier is not.
func TestWhoeverHasAnIdentifierKeepsIt(t *testing.T) {
	const first, second = "964", "36120"
	d := catalog.NewDraft(nil, catalogtest.Epoch)
	if _, _, err := d.Identify(catalog.Achievements, catalogtest.Publisher, first); err != nil {
		t.Fatal(err)
	}
	id, _ := put(t, d, second, "题名")
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again := catalog.NewDraft(p.Release, catalogtest.Epoch.Add(time.Hour))
	if got, change := put(t, again, second, "题名"); got != id || change != catalog.Unchanged {
		t.Errorf("%s became %s (%v)", id, got, change)
	}
	if got, ok := again.PublishedAs(catalog.Achievements, catalogtest.Publisher, second); got != id || !ok {
		t.Errorf("PublishedAs = %s, %v", got, ok)
	}
}

func TestDamageIsNoticed(t *testing.T) {
	p := publish(t, 1, 200)
	good := fetchFrom(p)
	m := p.Release.Manifest
	tests := []struct {
		name  string
		fetch catalog.FetchObject
		want  error
	}{
		{"missing", func(context.Context, catalog.ObjectRef) ([]byte, error) { return nil, catalog.ErrNotFound }, catalog.ErrNotFound},
		{"another object", func(ctx context.Context, _ catalog.ObjectRef) ([]byte, error) { return good(ctx, m.Objects[0]) }, catalog.ErrDamaged},
		{"truncated", func(ctx context.Context, ref catalog.ObjectRef) ([]byte, error) {
			b, err := good(ctx, ref)
			return b[:len(b)-1], err
		}, catalog.ErrDamaged},
		{"empty", func(context.Context, catalog.ObjectRef) ([]byte, error) { return nil, nil }, catalog.ErrDamaged},
	}
	for _, tt := range tests {
		if _, err := catalog.LoadRelease(t.Context(), m, p.Release.Hash, tt.fetch); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	// Any flipped bit of a manifest or an object is noticed.
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		b := bytes.Clone(p.Manifest)
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		if _, err := catalog.ParseManifest(b, p.Release.Hash); !errors.Is(err, catalog.ErrDamaged) {
			t.Fatalf("flipped manifest: %v", err)
		}
		o := p.Objects[rng.IntN(len(p.Objects))]
		b = bytes.Clone(o.Bytes)
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		if err := catalog.CheckObject(b, o.Ref); !errors.Is(err, catalog.ErrDamaged) {
			t.Fatalf("flipped object: %v", err)
		}
	}
}

func TestEmptyReleaseIsRefused(t *testing.T) {
	if _, err := catalog.NewDraft(nil, catalogtest.Epoch).Build(t.Context(), catalog.BuildOptions{}); !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("an empty release: %v", err)
	}
}

func FuzzParseManifest(f *testing.F) {
	p, err := catalogtest.Publish(f.Context(), nil, 1, 20)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Manifest)
	f.Add([]byte(`{"format":1,"catalog":"c","sequence":1,"objects":[],"counts":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := catalog.ParseManifest(b, catalog.HashOf(b))
		if err != nil {
			if !errors.Is(err, catalog.ErrDamaged) {
				t.Errorf("error %v is not ErrDamaged", err)
			}
			return
		}
		for _, o := range m.Objects {
			if o.Bytes <= 0 || o.RawBytes > catalog.MaxObjectRawBytes {
				t.Errorf("accepted object %+v", o)
			}
		}
	})
}

func FuzzParsePointer(f *testing.F) {
	f.Add([]byte(`{"catalog":"demo","sequence":1,"manifest":"` + string(catalog.HashOf(nil)) + `"}`))
	f.Add([]byte(`{"catalog":"../x","sequence":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := catalog.ParsePointer(b)
		if err == nil && (p.Sequence < 1 || !p.Manifest.Valid() || !catalog.ValidCatalogName(p.Catalog)) {
			t.Errorf("accepted %+v", p)
		}
	})
}

func BenchmarkLoadRelease(b *testing.B) {
	p, err := catalogtest.Publish(b.Context(), nil, 1, 10_000)
	if err != nil {
		b.Fatal(err)
	}
	fetch := fetchFrom(p)
	b.SetBytes(p.Release.Manifest.RawBytes)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := catalog.LoadRelease(b.Context(), p.Release.Manifest, p.Release.Hash, fetch); err != nil {
			b.Fatal(err)
		}
	}
}
