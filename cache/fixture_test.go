package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"luoshu/catalog"
)

func TestMain(m *testing.M) {
	if place := os.Getenv(killedEnv); place != "" {
		os.Exit(publishUntilKilled(place))
	}
	goleak.VerifyTestMain(m)
}

// base is when the fixtures are published.
var base = time.Date(2017, 11, 21, 8, 0, 0, 0, time.UTC)

// draft begins a release of catalog name after r.
func draft(t testing.TB, name string, r *catalog.Release) *catalog.Draft {
	t.Helper()
	now := base
	if r != nil {
		now = r.Manifest.PublishedAt.Add(time.Hour)
	}
	d := catalog.NewDraft(r, now)
	p := catalog.DefaultProfile()
	p.Catalog = name
	if err := d.Describe(p); err != nil {
		t.Fatal(err)
	}
	return d
}

// put puts an invented achievement known as key into d.
func putRecord(t testing.TB, d *catalog.Draft, key, title string) {
	t.Helper()
	const publisher = "市技术市场"
	id, source, err := d.Identify(catalog.Achievements, publisher, key)
	if err != nil {
		t.Fatal(err)
	}
	r := &catalog.Achievement{Header: catalog.Header{
		ID: id, Dataset: catalog.Achievements, Title: title, Publisher: publisher, Source: source,
		Abstract: "高强度轴承钢的热处理工艺，" + key,
	}, Stage: "pilot", Advantages: strings.Repeat(title, 3)}
	e, change, err := d.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Put(e, change); err != nil {
		t.Fatal(err)
	}
}

func build(t testing.TB, d *catalog.Draft) *catalog.Publication {
	t.Helper()
	p, err := d.Build(context.Background(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// first100 is a first release of a hundred records.
func first100(t testing.TB, name string) *catalog.Publication {
	t.Helper()
	return firstRelease(t, name, 100)
}

func firstRelease(t testing.TB, name string, n int) *catalog.Publication {
	t.Helper()
	d := draft(t, name, nil)
	for i := range n {
		putRecord(t, d, fmt.Sprintf("A-%06d", i), fmt.Sprintf("成果 %06d", i))
	}
	return build(t, d)
}

// after is the release after r in which one record is changed: note makes it
// another one.
func after(t testing.TB, r *catalog.Release, note string) *catalog.Publication {
	t.Helper()
	d := draft(t, r.Manifest.Catalog, r)
	putRecord(t, d, "A-000000", fmt.Sprintf("成果 %s %d", note, r.Manifest.Sequence+1))
	return build(t, d)
}

// series is n consecutive releases.
func series(t testing.TB, name string, n int) []*catalog.Publication {
	t.Helper()
	all := []*catalog.Publication{first100(t, name)}
	for len(all) < n {
		all = append(all, after(t, all[len(all)-1].Release, "改"))
	}
	return all
}

func publish(t testing.TB, w Writer, all ...*catalog.Publication) {
	t.Helper()
	for _, p := range all {
		if err := Publish(context.Background(), w, p, nil, nil); err != nil {
			t.Fatalf("Publish(%s, release %d) = %v", w, p.Release.Manifest.Sequence, err)
		}
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want %v", what, err, want)
	}
}

// wantRelease proves that s holds r whole, byte for byte.
func wantRelease(t testing.TB, s Store, r *catalog.Release) {
	t.Helper()
	got, err := Load(context.Background(), s, r.Pointer())
	if err != nil {
		t.Fatalf("Load(%s, release %d) = %v", s, r.Manifest.Sequence, err)
	}
	same := slices.EqualFunc(got.Entries, r.Entries, func(a, b catalog.Entry) bool { return bytes.Equal(a.Raw, b.Raw) })
	if !same {
		t.Errorf("Load(%s, release %d) gives other records", s, r.Manifest.Sequence)
	}
}

func wantCurrent(t testing.TB, s Store, want catalog.Pointer) {
	t.Helper()
	got, err := currentOrNone(context.Background(), s)
	if err != nil || got != want {
		t.Errorf("%s: Current = %v, %v, want %v", s, got, err, want)
	}
}
