package snapshot

import (
	"errors"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/demo"
)

func snapshotOf(t testing.TB, r *catalog.Release) *Snapshot {
	t.Helper()
	s, err := New(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func demonstration(t testing.TB) *Snapshot {
	t.Helper()
	p, err := demo.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snapshotOf(t, p.Release)
}

func TestEveryRecordIsFound(t *testing.T) {
	s := demonstration(t)
	total := 0
	for d := range catalog.Datasets() {
		n := 0
		for e := range s.All(d.Name) {
			if e.Dataset != d.Name {
				t.Fatalf("%s among %s", e.ID, d.Name)
			}
			if found, err := s.Find(e.ID); err != nil || found.ID != e.ID {
				t.Fatalf("%s: %v", e.ID, err)
			}
			n++
		}
		if n != s.Count(d.Name) || n != s.Manifest().Counts[d.Name] {
			t.Errorf("%s: %d records, Count %d, manifest %d", d.Name, n, s.Count(d.Name), s.Manifest().Counts[d.Name])
		}
		total += n
	}
	if total != len(s.Release().Entries) {
		t.Errorf("%d records in datasets, %d in the release", total, len(s.Release().Entries))
	}
}

func TestFindTellsWithdrawnFromUnknown(t *testing.T) {
	first := demonstration(t).Release()
	d := catalog.NewDraft(first, first.Manifest.PublishedAt.Add(time.Hour))
	gone := first.Entries[0].ID
	if err := d.Withdraw(gone, "已转让", ""); err != nil {
		t.Fatal(err)
	}
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := snapshotOf(t, p.Release)
	if _, err := s.Find(gone); !errors.Is(err, catalog.ErrWithdrawn) {
		t.Errorf("withdrawn: %v", err)
	}
	if tomb, ok := s.Tombstone(gone); !ok || tomb.Reason != "已转让" {
		t.Errorf("tombstone = %+v, %v", tomb, ok)
	}
	if _, err := s.Find("A0000000"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

// TestWalk walks every dataset in pages of several sizes and expects each record
// once, in order.
func TestWalk(t *testing.T) {
	s := demonstration(t)
	for d := range catalog.Datasets() {
		for _, limit := range []int{1, 7, 20, 1000} {
			var last catalog.ID
			seen := 0
			for q := (Slice{Dataset: d.Name, Limit: limit}); ; {
				p := s.List(q)
				if p.Total != s.Count(d.Name) || len(p.Entries) > limit {
					t.Fatalf("%s: total %d, %d entries", d.Name, p.Total, len(p.Entries))
				}
				for _, e := range p.Entries {
					if e.ID <= last {
						t.Fatalf("%s after %s", e.ID, last)
					}
					last = e.ID
					seen++
				}
				if p.Next == "" {
					break
				}
				q.After = p.Next
			}
			if seen != s.Count(d.Name) {
				t.Errorf("%s in pages of %d: %d records, want %d", d.Name, limit, seen, s.Count(d.Name))
			}
		}
	}
}

func TestListOutsideTheResult(t *testing.T) {
	s := demonstration(t)
	for _, q := range []Slice{
		{Dataset: catalog.Achievements, Skip: 10_000, Limit: 5},
		{Dataset: catalog.Achievements, After: "AYYYYYYY", Limit: 5},
		{Dataset: "nothing", Limit: 5},
	} {
		if p := s.List(q); len(p.Entries) != 0 || p.Next != "" {
			t.Errorf("%+v gives %d entries, next %q", q, len(p.Entries), p.Next)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	p, err := catalogtest.Publish(b.Context(), nil, 1, 20_000)
	if err != nil {
		b.Fatal(err)
	}
	s := snapshotOf(b, p.Release)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := s.Find(p.Release.Entries[i%20_000].ID); err != nil {
			b.Fatal(err)
		}
		i += 7919
	}
}
