package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
)

// segmentOf writes s to a file and returns its path.
func segmentOf(t testing.TB, s *Snapshot) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.seg")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(WriteSegment(f, s), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNothingLeft asks a catalog whose last record was recalled.
func TestNothingLeft(t *testing.T) {
	p, err := catalogtest.Publish(t.Context(), nil, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	d := catalog.NewDraft(p.Release, p.Release.Manifest.PublishedAt)
	if err := d.Recall(p.Release.Entries[0].ID); err != nil {
		t.Fatal(err)
	}
	if p, err = d.Build(t.Context(), catalog.BuildOptions{}); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), p.Release)
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := Open(segmentOf(t, s), s.Manifest(), s.Hash())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mapped.Mapping().Close() }()
	for _, s := range []*Snapshot{s, mapped} {
		if list := s.List(Slice{Dataset: catalog.Achievements, Limit: 5}); len(list.Entries) != 0 {
			t.Errorf("a list of %d", len(list.Entries))
		}
		found, err := s.Search(Query{Text: "轴承", Limit: 5, Facets: []string{"stage"}, Dataset: catalog.Achievements})
		if err != nil || found.Total != 0 {
			t.Errorf("a search finds %d: %v", found.Total, err)
		}
		if offers, err := s.Suggest("zhou", "", 10); err != nil || len(offers.Items) != 0 {
			t.Errorf("suggestions %+v: %v", offers, err)
		}
	}
}

// TestSegmentAnswersAlike asks a mapped snapshot what the one in memory is asked.
func TestSegmentAnswersAlike(t *testing.T) {
	s := demonstration(t)
	mapped, err := Open(segmentOf(t, s), s.Manifest(), s.Hash())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mapped.Mapping().Close() }()
	if !reflect.DeepEqual(mapped.Release(), s.Release()) {
		t.Error("the records differ")
	}
	for d := range catalog.Datasets() {
		for _, id := range []catalog.ID{"", "A", "ZZZZZZZZ", s.List(Slice{Dataset: d.Name, Skip: 3, Limit: 1}).Next} {
			q := Slice{Dataset: d.Name, After: id, Skip: 1, Limit: 5}
			if a, b := s.List(q), mapped.List(q); !reflect.DeepEqual(a, b) {
				t.Errorf("%+v: %v and %v", q, a, b)
			}
		}
	}
	for _, text := range []string{"zhou", "zc", "轴承", "l", ""} {
		a, errA := s.Suggest(text, "", 10)
		b, errB := mapped.Suggest(text, "", 10)
		if errA != nil || errB != nil || len(a.Items) == 0 || !reflect.DeepEqual(a, b) {
			t.Errorf("suggestions for %q:\n%+v %v\n%+v %v", text, a, errA, b, errB)
		}
	}
	for _, d := range []catalog.Dataset{catalog.Achievements, catalog.Demands, catalog.Organizations} {
		id := s.List(Slice{Dataset: d, Limit: 1}).Entries[0].ID
		a, errA := s.Matches(id, 5)
		b, errB := mapped.Matches(id, 5)
		if errA != nil || errB != nil || len(a) == 0 || !reflect.DeepEqual(a, b) {
			t.Errorf("matches of %s:\n%+v %v\n%+v %v", id, a, errA, b, errB)
		}
		x, errA := s.Relations(RelationQuery{ID: id, Limit: 5})
		y, errB := mapped.Relations(RelationQuery{ID: id, Limit: 5})
		if errA != nil || errB != nil || !reflect.DeepEqual(x, y) {
			t.Errorf("relations of %s:\n%+v %v\n%+v %v", id, x, errA, y, errB)
		}
	}
	for _, q := range []Query{
		{Text: "轴承", Facets: []string{"dataset", "division", "industries[]"}, Limit: 10},
		{Dataset: catalog.Achievements, Filters: []Filter{{Field: "trl", Least: "5"}}, Facets: []string{"trl", "stage", "completed_on", "price.min", "organizations[].name"}, Sort: "-completed_on", Limit: 7},
		{Dataset: catalog.Achievements, Sort: ByName, Limit: 30},
	} {
		a, errA := s.Search(q)
		b, errB := mapped.Search(q)
		if errA != nil || errB != nil || a.Total == 0 || !reflect.DeepEqual(a, b) {
			t.Errorf("%+v:\n%+v %v\n%+v %v", q, a, errA, b, errB)
		}
	}
}

// TestDamagedSegments changes, cuts and swaps segments. None may be taken for good:
// every bit of a segment is under a checksum.
func TestDamagedSegments(t *testing.T) {
	p, err := catalogtest.Publish(t.Context(), nil, 1, 30)
	if err != nil {
		t.Fatal(err)
	}
	s := snapshotOf(t, p.Release)
	whole, err := os.ReadFile(segmentOf(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(whole, s.Manifest(), s.Hash()); err != nil {
		t.Fatal(err)
	}
	refused := func(name string, b []byte, hash catalog.Hash) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "b.seg")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, s.Manifest(), hash); !errors.Is(err, catalog.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused("another release", whole, catalog.HashOf([]byte("x")))
	refused("empty", nil, s.Hash())
	refused("a byte more", append(bytes.Clone(whole), 0), s.Hash())
	for _, n := range []int{63, 64, 65, 200, len(whole) / 2, len(whole) - 1} {
		refused("cut", whole[:len(whole)-n], s.Hash())
		refused("zeros at the end", append(bytes.Clone(whole[:len(whole)-n]), make([]byte, n)...), s.Hash())
	}
	b := bytes.Clone(whole)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		bit := rng.IntN(8 * len(b))
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := open(b, s.Manifest(), s.Hash()); err == nil {
			t.Fatalf("bit %d of byte %d was turned unnoticed", bit%8, bit/8)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// TestTrailerBeyondTheEnd: a directory that claims to begin inside the trailer, and to
// have a length that makes up for it, is none.
func TestTrailerBeyondTheEnd(t *testing.T) {
	b := make([]byte, 4096)
	end := b[len(b)-trailerLen:]
	copy(end, segmentMagic)
	binary.NativeEndian.PutUint32(end[16:], 1)
	at := uint64(len(b) - 10)
	binary.LittleEndian.PutUint64(end[24:], at)
	binary.LittleEndian.PutUint64(end[32:], uint64(len(b)-trailerLen)-at)
	if _, err := open(b, &catalog.Manifest{}, ""); !errors.Is(err, catalog.ErrDamaged) {
		t.Errorf("%v", err)
	}
}

// TestTablesThatDoNotFit: what passes every checksum and is wrong all the same is not
// read.
func TestTablesThatDoNotFit(t *testing.T) {
	for name, spoil := range map[string]func(*Snapshot){
		"priors":    func(s *Snapshot) { s.priors = s.priors[1:] },
		"names":     func(s *Snapshot) { s.names = append(s.names, 0) },
		"lists":     func(s *Snapshot) { s.starts = s.starts[1:] },
		"titles":    func(s *Snapshot) { s.titles.bytes = s.titles.bytes[1:] },
		"column":    func(s *Snapshot) { s.columns[0].codes = codes{}; s.columns[0].numbers = nil; s.columns[0].firsts = nil },
		"relations": func(s *Snapshot) { s.relations.forward.docs = append(s.relations.forward.docs, 1) },
		"span":      func(s *Snapshot) { s.spans[catalog.Achievements] = span{0, 10_000} },
	} {
		s := demonstration(t)
		spoil(s)
		if _, err := Open(segmentOf(t, s), s.Manifest(), s.Hash()); !errors.Is(err, catalog.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
