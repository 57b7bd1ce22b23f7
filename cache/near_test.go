package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// moody is a source in memory that can refuse, and counts what it gives.
type moody struct {
	*Memory
	mu     sync.Mutex
	refuse func(what string, hash catalog.Hash) error // nil gives everything
	given  map[string]int
}

func newMoody(all ...*catalog.Publication) *moody {
	m := &moody{Memory: NewMemory("moody"), given: map[string]int{}}
	for _, p := range all {
		if err := Publish(context.Background(), m.Memory, p, nil, nil); err != nil {
			panic(err)
		}
	}
	return m
}

func (m *moody) mood(refuse func(what string, hash catalog.Hash) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
}

func (m *moody) count(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.given[what]
}

func (m *moody) ask(what string, hash catalog.Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		if err := m.refuse(what, hash); err != nil {
			return err
		}
	}
	m.given[what]++
	return nil
}

func (m *moody) Current(ctx context.Context) (catalog.Pointer, error) {
	if err := m.ask(thePointer, ""); err != nil {
		return catalog.Pointer{}, err
	}
	return m.Memory.Current(ctx)
}

func (m *moody) Manifest(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	if err := m.ask(aManifest, hash); err != nil {
		return nil, err
	}
	return m.Memory.Manifest(ctx, hash)
}

func (m *moody) Object(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	if err := m.ask(anObject, hash); err != nil {
		return nil, err
	}
	return m.Memory.Object(ctx, hash)
}

func dead(string, catalog.Hash) error { return fmt.Errorf("dead: %w", catalog.ErrUnavailable) }

func localDir(t testing.TB) *Directory {
	t.Helper()
	d, err := OpenDirectory(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// start returns a near cache after Start, whose error must be of that kind.
func start(t testing.TB, opt Options, want error) *Near {
	t.Helper()
	n := NewNear(opt)
	if err := n.Start(context.Background()); !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("Start = %v, want %v", err, want)
	}
	return n
}

// run runs n until the test ends.
func run(t testing.TB, n *Near) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { n.Run(ctx) })
	t.Cleanup(func() { cancel(); group.Wait() })
}

// look looks at the source as Run would.
func look(t testing.TB, n *Near) error {
	t.Helper()
	for _, f := range n.feeds {
		f.failure.earliest, f.failure.last = time.Time{}, time.Time{}
	}
	return n.look(context.Background(), n.feeds, false)
}

func serving(n *Near) int64 {
	if s := n.Current(); s != nil {
		return s.Manifest().Sequence
	}
	return 0
}

func wantServing(t testing.TB, n *Near, p *catalog.Publication) {
	t.Helper()
	s := n.Current()
	if s == nil || s.Hash() != p.Release.Hash {
		t.Fatalf("serving release %d, want %d", serving(n), p.Release.Manifest.Sequence)
	}
	if got, want := s.Count(catalog.Achievements), p.Release.Manifest.Counts[catalog.Achievements]; got != want {
		t.Errorf("release %d has %d achievements, want %d", serving(n), got, want)
	}
}

func TestNearFollows(t *testing.T) {
	all := series(t, aName, 3)
	source := newMoody(all[0])
	var swapped []int64
	local := localDir(t)
	n := start(t, Options{Source: source, Local: local, OnSwap: func(s *snapshot.Snapshot) {
		swapped = append(swapped, s.Manifest().Sequence)
	}}, nil)
	wantServing(t, n, all[0])
	begun := n.Status()
	if !begun.Reachable || !begun.Persisted || begun.Problem != "" || begun.Release != 1 || begun.Manifest != all[0].Release.Hash ||
		!begun.PublishedAt.Equal(base) || begun.LoadedAt.IsZero() || begun.LastPoll.IsZero() || begun.Source != "moody" || begun.Catalog != aName {
		t.Errorf("Status = %+v", begun)
	}
	fetched := source.count(anObject)
	publish(t, source.Memory, all[1], all[2])
	if err := look(t, n); err != nil {
		t.Fatal(err)
	}
	wantServing(t, n, all[2])
	if got := source.count(anObject) - fetched; got != 1 {
		t.Errorf("%d objects fetched for one changed record, want 1", got)
	}
	if !slices.Equal(swapped, []int64{1, 3}) {
		t.Errorf("OnSwap called for %v, want 1 and 3", swapped)
	}
	wantRelease(t, local, all[2].Release)
	wantCurrent(t, local, all[2].Release.Pointer())
	if err := look(t, n); err != nil || len(swapped) != 2 {
		t.Errorf("look at the same release = %v, swapped %v", err, swapped)
	}
	if got := source.count(aManifest); got != 2 {
		t.Errorf("%d manifests fetched, want 2", got)
	}
}

// TestNearNotice proves that a notice wakes a follower that would sleep for an
// hour, on every kind of store that gives notices.
func TestNearNotice(t *testing.T) {
	s := startRedis(t)
	for name, w := range map[string]Writer{"memory": NewMemory("memory"), "redis": openRedis(t, "redis://"+s.addr)} {
		t.Run(name, func(t *testing.T) {
			all := series(t, aName, 2)
			n := NewNear(Options{Source: w, Poll: time.Hour})
			wantError(t, "Start on an empty source", n.Start(context.Background()), catalog.ErrNoRelease)
			if n.Current() != nil || len(n.Status().Held) != 0 {
				t.Errorf("Status of an empty node = %+v", n.Status())
			}
			run(t, n)
			for _, p := range all {
				publish(t, w, p)
				eventually(t, "release served", func() bool { return serving(n) == p.Release.Manifest.Sequence })
			}
		})
	}
}

func TestNearPolls(t *testing.T) {
	all := series(t, aName, 2)
	dir := localDir(t)
	publish(t, dir, all[0])
	n := NewNear(Options{Source: dir})
	if poll := n.feeds[0].poll; poll != localPoll {
		t.Errorf("poll = %s, want %s for a directory", poll, localPoll)
	}
	n.feeds[0].poll = 5 * time.Millisecond
	if err := n.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	run(t, n)
	publish(t, dir, all[1])
	eventually(t, "release polled", func() bool { return serving(n) == 2 })
}

func TestNearPause(t *testing.T) {
	n := newFeed(NewMemory("memory"), time.Second)
	for silent, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, slowestPoll, slowestPoll} {
		n.silent = silent
		for range 100 {
			if got := n.pause(); got < want*3/4 || got > want*5/4 {
				t.Fatalf("pause after %d silent polls = %s, want %s and a quarter either way", silent, got, want)
			}
		}
	}
	slow := newFeed(NewMemory("memory"), time.Hour)
	slow.silent = 1000
	if got := slow.pause(); got > time.Hour*5/4 || got < time.Hour*3/4 {
		t.Errorf("pause = %s, want about an hour", got)
	}
}

// TestWaitsAreBounded adds up what a node may be waiting for when its link is back, at
// worst one after the other: well within three minutes, which leaves a minute and more to
// bring what is new.
func TestWaitsAreBounded(t *testing.T) {
	var sum time.Duration
	for _, wait := range []struct {
		what string
		most time.Duration
	}{
		{"an answer that stands still", hubStall},
		{"a source that was silent is asked", slowestPoll * 5 / 4},
		{"what could not be loaded is tried again", lastRetry},
		{"the next poll, which does it", slowestPoll * 5 / 4},
	} {
		sum += wait.most
		t.Logf("%-40s %8s, together %s", wait.what, wait.most, sum)
	}
	if sum > 2*time.Minute {
		t.Errorf("%s in all", sum)
	}
}

func TestNearFailureBacksOff(t *testing.T) {
	var f failure
	one, two := catalog.Pointer{Sequence: 1}, catalog.Pointer{Sequence: 2}
	for range 100 {
		f.note(one, catalog.ErrDamaged)
		if wait := f.earliest.Sub(f.last); wait < 0 || wait >= lastRetry {
			t.Fatalf("retry %d after %s", f.tries, wait)
		}
	}
	f.last, f.earliest = time.Now(), time.Now().Add(time.Minute)
	if f.due(false) || f.due(true) {
		t.Error("due at once after a failure")
	}
	f.last = f.last.Add(-noticeSpacing)
	if f.due(false) || !f.due(true) {
		t.Error("a notice does not bring a retry forward")
	}
	f.note(two, catalog.ErrDamaged)
	if f.tries != 1 || f.earliest.Sub(f.last) > firstRetry {
		t.Error("another release inherits the waiting of the one before")
	}
}

func TestNearColdStart(t *testing.T) {
	all := series(t, aName, 2)
	local := localDir(t)
	s := startRedis(t)
	source := openRedis(t, "redis://"+s.addr)
	publish(t, source, all...)
	start(t, Options{Source: source, Local: local}, nil)
	s.kill()

	n := start(t, Options{Source: source, Local: local}, nil)
	wantServing(t, n, all[1])
	status := n.Status()
	if status.Reachable || status.Problem == "" || !status.Persisted || status.LastError == "" || status.LastErrorAt.IsZero() {
		t.Errorf("Status with a dead source = %+v", status)
	}

	empty := start(t, Options{Source: source, Local: localDir(t)}, catalog.ErrUnavailable)
	if empty.Current() != nil {
		t.Error("something is served out of nothing")
	}
}

// TestNearRedisComesAndGoes kills, empties and restores the source of a running
// follower, which must neither lose what it has nor miss what comes.
func TestNearRedisComesAndGoes(t *testing.T) {
	ctx := context.Background()
	all := series(t, aName, 3)
	s := startRedis(t)
	url := "redis://" + s.addr
	publish(t, openRedis(t, url), all[:2]...)
	local := localDir(t)
	n := start(t, Options{Source: openRedis(t, url), Local: local, Poll: 20 * time.Millisecond}, nil)
	run(t, n)

	s.kill()
	eventually(t, "outage noticed", func() bool { return !n.Status().Reachable })
	since := n.Status().Since
	wantServing(t, n, all[1])

	s.start(t) // empty, as after FLUSHALL
	eventually(t, "return noticed", func() bool { return n.Status().Reachable })
	eventually(t, "emptiness noticed", func() bool { return strings.Contains(n.Status().Problem, catalog.ErrNoRelease.Error()) })
	wantServing(t, n, all[1])
	if !n.Status().Since.After(since) {
		t.Errorf("reachable since %s, unreachable since %s", n.Status().Since, since)
	}

	// A catalog begun anew is not what this node follows, whatever its number.
	publish(t, openRedis(t, url), first100(t, aName))
	eventually(t, "older release refused", func() bool { return strings.Contains(n.Status().Problem, catalog.ErrOlder.Error()) })
	wantServing(t, n, all[1])
	s.do(t, "flushall")

	// Any terminal can give back what the source has lost.
	if _, err := Copy(ctx, local, openRedis(t, url), 0, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "recovery noticed", func() bool { return n.Status().Problem == "" })
	publish(t, openRedis(t, url), all[2])
	eventually(t, "next release served", func() bool { return serving(n) == 3 })
}

func TestNearKeepsWhatItHas(t *testing.T) {
	all := series(t, aName, 2)
	changed := all[1].Objects[0]
	for name, c := range map[string]struct {
		break_ func(m *Memory)
		mend   func(m *Memory)
		want   error
	}{
		"object tampered with": {
			func(m *Memory) { m.objects[changed.Ref.Hash] = all[0].Objects[0].Bytes },
			func(m *Memory) { m.objects[changed.Ref.Hash] = changed.Bytes }, catalog.ErrDamaged,
		},
		"object missing": {
			func(m *Memory) { delete(m.objects, changed.Ref.Hash) },
			func(m *Memory) { m.objects[changed.Ref.Hash] = changed.Bytes }, catalog.ErrNotFound,
		},
		"manifest cut": {
			func(m *Memory) { m.manifests[all[1].Release.Hash] = all[1].Manifest[:100] },
			func(m *Memory) { m.manifests[all[1].Release.Hash] = all[1].Manifest }, catalog.ErrDamaged,
		},
		"pointer and manifest disagree": {
			func(m *Memory) { m.pointer.Sequence = 7 },
			func(m *Memory) { m.pointer.Sequence = 2 }, catalog.ErrDamaged,
		},
		"rollback": {
			func(m *Memory) {
				m.pointer = catalog.Pointer{Catalog: aName, Sequence: 1, Manifest: all[1].Release.Hash}
			},
			func(m *Memory) { m.pointer = all[1].Release.Pointer() }, catalog.ErrOlder,
		},
		"another catalog": {
			func(m *Memory) {
				m.pointer = catalog.Pointer{Catalog: anotherName, Sequence: 9, Manifest: all[1].Release.Hash}
			},
			func(m *Memory) { m.pointer = all[1].Release.Pointer() }, catalog.ErrForeign,
		},
		"everything lost": {
			func(m *Memory) { m.pointer = catalog.Pointer{} },
			func(m *Memory) { m.pointer = all[1].Release.Pointer() }, catalog.ErrNoRelease,
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := NewMemory("memory")
			publish(t, source, all[0])
			local := localDir(t)
			n := start(t, Options{Source: source, Local: local}, nil)
			publish(t, source, all[1])
			c.break_(source)
			for range 2 {
				wantError(t, "look", look(t, n), c.want)
				wantServing(t, n, all[0])
				wantCurrent(t, local, all[0].Release.Pointer())
			}
			if s := n.Status(); s.Problem == "" || !s.Reachable {
				t.Errorf("Status = %+v, hides the problem", s)
			}
			c.mend(source)
			if err := look(t, n); err != nil {
				t.Fatal(err)
			}
			wantServing(t, n, all[1])
			if s := n.Status(); s.Problem != "" || s.LastError == "" {
				t.Errorf("Status after recovery = %+v", s)
			}
		})
	}
}

func TestNearDownloadGoesOnWhereItStopped(t *testing.T) {
	pub := first100(t, aName)
	source := newMoody(pub)
	source.mood(func(what string, hash catalog.Hash) error {
		if what == anObject && hash == pub.Objects[len(pub.Objects)-1].Ref.Hash {
			return dead(what, hash)
		}
		return nil
	})
	local := localDir(t)
	n := start(t, Options{Source: source, Local: local}, catalog.ErrUnavailable)
	if n.Current() != nil {
		t.Error("half a release is served")
	}
	wantCurrent(t, local, catalog.Pointer{})
	had := source.count(anObject)
	source.mood(nil)
	again := start(t, Options{Source: source, Local: local}, nil)
	wantServing(t, again, pub)
	if got := source.count(anObject) - had; got > len(pub.Objects)-had {
		t.Errorf("%d objects fetched again, want only the %d that were lacking", got, len(pub.Objects)-had)
	}
}

// late gives objects only when the context has ended, as a download does that
// was just complete when another one failed.
type late struct{ Store }

func (l late) Object(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	<-ctx.Done()
	return l.Store.Object(ctx, hash)
}

func TestNearKeepsWhatCameLate(t *testing.T) {
	pub := first100(t, aName)
	source := NewMemory("memory")
	publish(t, source, pub)
	local := localDir(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := NewNear(Options{Source: late{source}, Local: local}).Start(ctx); err != nil {
		t.Fatal(err)
	}
	missing, err := local.Missing(context.Background(), objectHashes(pub.Release.Manifest))
	if err != nil || len(missing) > 0 {
		t.Errorf("%d of %d objects were paid for and not kept, %v", len(missing), len(pub.Objects), err)
	}
}

func TestNearServesWhatItCannotKeep(t *testing.T) {
	all := series(t, aName, 2)
	source := NewMemory("memory")
	publish(t, source, all[0])
	blocker := filepath.Join(t.TempDir(), "blocker")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	local, err := OpenDirectory(filepath.Join(blocker, "data"))
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, Options{Source: source, Local: local}, nil)
	wantServing(t, n, all[0])
	if s := n.Status(); s.Persisted || s.Problem == "" || !s.Reachable {
		t.Errorf("Status = %+v, hides that nothing is on disk", s)
	}
	b, err := n.ObjectBytes(all[0].Objects[0].Ref.Hash)
	if err != nil || catalog.CheckObject(b, all[0].Objects[0].Ref) != nil {
		t.Errorf("ObjectBytes without a disk = %v", err)
	}
	publish(t, source, all[1])
	if err := look(t, n); err == nil {
		t.Error("look hides that nothing is on disk")
	}
	wantServing(t, n, all[1])

	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	if err := look(t, n); err != nil {
		t.Fatal(err)
	}
	if s := n.Status(); !s.Persisted || s.Problem != "" {
		t.Errorf("Status = %+v after the disk came back", s)
	}
	wantRelease(t, local, all[1].Release)
}

// TestNearDamagedDisk spoils the disk of a node that is switched off: it comes up
// with the best that is whole, and mends the rest from its source. A segment that is
// whole serves where its objects are not.
func TestNearDamagedDisk(t *testing.T) {
	t.Run("with segments", func(t *testing.T) { damagedDisk(t, true) })
	t.Run("without", func(t *testing.T) { damagedDisk(t, false) })
}

func damagedDisk(t *testing.T, segments bool) {
	all := series(t, aName, 3)
	last := all[2]
	ofLast := last.Objects[0].Ref.Hash
	for name, c := range map[string]struct {
		spoil func(t *testing.T, d *Directory)
		want  *catalog.Publication // nil for none
	}{
		"object": {func(t *testing.T, d *Directory) { overwrite(t, d.objectPath(ofLast), "rubbish") }, all[1]},
		"object of all": {func(t *testing.T, d *Directory) {
			ref := last.Release.Manifest.Objects[slices.IndexFunc(last.Release.Manifest.Objects, func(r catalog.ObjectRef) bool { return r.Hash != ofLast })]
			overwrite(t, d.objectPath(ref.Hash), "")
		}, nil},
		"manifest": {func(t *testing.T, d *Directory) {
			overwrite(t, d.manifestPath(last.Release.Hash, manifestSuffix), "{}")
		}, all[1]},
		"pointer":         {func(t *testing.T, d *Directory) { overwrite(t, filepath.Join(d.root, pointerFile), "") }, last},
		"pointer missing": {func(t *testing.T, d *Directory) { remove(t, filepath.Join(d.root, pointerFile)) }, last},
		"pointer folder": {func(t *testing.T, d *Directory) {
			remove(t, filepath.Join(d.root, pointerFile))
			if err := os.Mkdir(filepath.Join(d.root, pointerFile), 0o700); err != nil {
				t.Fatal(err)
			}
		}, last},
	} {
		t.Run(name, func(t *testing.T) {
			source := newMoody(all[:1]...)
			local := localDir(t)
			n := start(t, Options{Source: source, Local: local}, nil)
			for _, p := range all[1:] {
				publish(t, source.Memory, p)
				if err := look(t, n); err != nil {
					t.Fatal(err)
				}
			}
			c.spoil(t, local)
			if segments {
				if strings.HasPrefix(name, "object") {
					c.want = last
				}
			} else if err := os.RemoveAll(filepath.Join(local.root, segmentsDir)); err != nil {
				t.Fatal(err)
			}

			source.mood(dead)
			n = NewNear(Options{Source: source, Local: local})
			_ = n.Start(context.Background())
			if c.want != nil {
				wantServing(t, n, c.want)
			} else if n.Current() != nil {
				t.Errorf("serving release %d out of a damaged disk", serving(n))
			}
			// The release before must not come in by this door either.
			source.mood(nil)
			source.pointer = all[0].Release.Pointer()
			wantError(t, "look at an older release", look(t, n), catalog.ErrOlder)

			source.pointer = last.Release.Pointer()
			if err := look(t, n); err != nil {
				t.Fatal(err)
			}
			wantServing(t, n, last)
			wantRelease(t, local, last.Release)
			wantCurrent(t, local, last.Release.Pointer())
			if s := n.Status(); !s.Persisted || s.Problem != "" {
				t.Errorf("Status = %+v", s)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNearAt(t *testing.T) {
	all := series(t, aName, Keep+3)
	source := newMoody(all[0])
	local := localDir(t)
	n := start(t, Options{Source: source, Local: local}, nil)
	for _, p := range all[1:] {
		publish(t, source.Memory, p)
		if err := look(t, n); err != nil {
			t.Fatal(err)
		}
	}
	source.mood(dead) // what follows needs the disk alone
	var held []int64
	for _, m := range n.Releases() {
		held = append(held, m.Sequence)
	}
	if want := []int64{11, 10, 9, 8, 7, 6, 5, 4}; !slices.Equal(held, want) || !slices.Equal(n.Status().Held, want) {
		t.Fatalf("Releases = %v, Held = %v, want %v", held, n.Status().Held, want)
	}
	for range 2 {
		for _, seq := range held {
			s, err := n.At(seq)
			if err != nil {
				t.Fatalf("At(%d) = %v", seq, err)
			}
			if s.Hash() != all[seq-1].Release.Hash || s.Count(catalog.Achievements) != 100 {
				t.Errorf("At(%d) gives release %d", seq, s.Manifest().Sequence)
			}
			p, err := n.PointerTo(seq)
			if err != nil || p != all[seq-1].Release.Pointer() {
				t.Errorf("PointerTo(%d) = %v, %v", seq, p, err)
			}
		}
	}
	if len(n.older) != olderInMemory {
		t.Errorf("%d older releases in memory, want %d", len(n.older), olderInMemory)
	}
	five, err := n.At(5)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := n.At(5); err != nil || again != five {
		t.Error("an older release is loaded twice in a row")
	}
	for _, seq := range []int64{-1, 0, 1, 3, 12} {
		_, err := n.At(seq)
		wantError(t, fmt.Sprintf("At(%d)", seq), err, catalog.ErrNotFound)
		_, err = n.PointerTo(seq)
		wantError(t, fmt.Sprintf("PointerTo(%d)", seq), err, catalog.ErrNotFound)
	}
	_, err = local.Manifest(context.Background(), all[2].Release.Hash)
	wantError(t, "manifest of a release no longer held", err, catalog.ErrNotFound)

	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			if s, err := n.At(int64(4 + i%8)); err != nil || s.Manifest().Sequence != int64(4+i%8) {
				t.Errorf("At(%d) among others = %v", 4+i%8, err)
			}
		})
	}
	group.Wait()
}

func TestNearGap(t *testing.T) {
	all := series(t, aName, 4)
	source := newMoody(all[0])
	for _, local := range []*Directory{nil, localDir(t)} {
		source.pointer = all[0].Release.Pointer()
		n := start(t, Options{Source: source, Local: local}, nil)
		publish(t, source.Memory, all[1:]...)
		if err := look(t, n); err != nil {
			t.Fatal(err)
		}
		for _, seq := range []int64{1, 4} {
			if s, err := n.At(seq); err != nil || s.Manifest().Sequence != seq {
				t.Errorf("At(%d) = %v", seq, err)
			}
		}
		// What was published while nobody looked is held where the source is at hand.
		_, err := n.At(3)
		if want := local == nil; (err == nil) != want {
			t.Errorf("At(3) = %v with local %v", err, local)
		}
	}
}

func TestNearBytes(t *testing.T) {
	all := series(t, aName, 3)
	signature := []byte("signed")
	for _, local := range []*Directory{nil, localDir(t)} {
		source := NewMemory("memory")
		publish(t, source, all[0])
		if err := Publish(context.Background(), source, all[1], signature, nil); err != nil {
			t.Fatal(err)
		}
		n := start(t, Options{Source: source, Local: local}, nil)
		publish(t, source, all[2])
		if err := look(t, n); err != nil {
			t.Fatal(err)
		}
		for _, p := range all[1:] {
			b, err := n.ManifestBytes(p.Release.Hash)
			if err != nil || catalog.HashOf(b) != p.Release.Hash {
				t.Errorf("ManifestBytes = %d bytes, %v", len(b), err)
			}
			for _, ref := range p.Release.Manifest.Objects {
				b, err := n.ObjectBytes(ref.Hash)
				if err != nil || catalog.CheckObject(b, ref) != nil {
					t.Errorf("ObjectBytes = %v", err)
				}
			}
		}
		if b, err := n.SignatureBytes(all[1].Release.Hash); err != nil || string(b) != "signed" {
			t.Errorf("SignatureBytes = %q, %v", b, err)
		}
		_, err := n.SignatureBytes(all[2].Release.Hash)
		wantError(t, "SignatureBytes of an unsigned manifest", err, catalog.ErrNotFound)
		for _, hash := range []catalog.Hash{"", "../../etc/passwd", catalog.HashOf(nil)} {
			_, err := n.ManifestBytes(hash)
			wantError(t, "ManifestBytes", err, catalog.ErrNotFound)
			_, err = n.SignatureBytes(hash)
			wantError(t, "SignatureBytes", err, catalog.ErrNotFound)
			_, err = n.ObjectBytes(hash)
			wantError(t, "ObjectBytes", err, catalog.ErrNotFound)
		}
		if local != nil {
			overwrite(t, local.objectPath(all[2].Objects[0].Ref.Hash), "rubbish")
			b, err := n.ObjectBytes(all[2].Objects[0].Ref.Hash)
			if err != nil || catalog.CheckObject(b, all[2].Objects[0].Ref) != nil {
				t.Errorf("ObjectBytes with a damaged disk = %v, want it from the source", err)
			}
		}
	}
}

// TestNearNeverTornNorBackwards reads while releases come in as fast as they
// can: every snapshot is one release, and none is followed by an earlier one.
func TestNearNeverTornNorBackwards(t *testing.T) {
	const count = 25
	all := series(t, aName, count)
	s := startRedis(t)
	url := "redis://" + s.addr
	w := openRedis(t, url)
	publish(t, w, all[0])
	n := start(t, Options{Source: openRedis(t, url), Local: localDir(t), Poll: time.Millisecond}, nil)
	run(t, n)
	stop := watch(t, n)
	for _, p := range all[1:] {
		publish(t, w, p)
		if _, err := Collect(context.Background(), w, 2); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "last release served", func() bool { return serving(n) == count })
	if reads := stop(); reads < count {
		t.Errorf("%d reads only", reads)
	}
}

// watch reads from n until stop is called, which returns how often.
func watch(t testing.TB, n *Near) (stop func() int) {
	done := make(chan struct{})
	reads := make(chan int)
	go func() {
		last, count := int64(0), 0
		for ; ; count++ {
			select {
			case <-done:
				reads <- count
				return
			default:
			}
			s := n.Current()
			m := s.Manifest()
			if m.Sequence < last {
				t.Errorf("release %d after %d", m.Sequence, last)
			}
			last = m.Sequence
			page := s.List(snapshot.Slice{Dataset: catalog.Achievements, Limit: 100})
			want := fmt.Sprintf("成果 改 %d", m.Sequence)
			changed := 0
			for _, e := range page.Entries {
				if strings.Contains(string(e.Raw), "成果 改 ") {
					changed++
					if !strings.Contains(string(e.Raw), want) {
						t.Errorf("release %d holds a record of another", m.Sequence)
					}
				}
			}
			if page.Total != 100 || m.Sequence > 1 && changed != 1 {
				t.Errorf("release %d has %d records, %d changed", m.Sequence, page.Total, changed)
			}
			_ = n.Status()
			_ = n.Releases()
		}
	}()
	return func() int { close(done); return <-reads }
}

// TestNearFailover kills the master while a follower reads. A write that the new
// master has not seen may be lost; a reader that has seen it stays with it.
func TestNearFailover(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	servers, sentinels := startSentinel(t)
	url := "redis-sentinel://" + addrs(sentinels) + "?master=market"
	all := series(t, aName, 4)
	w := openRedis(t, url)
	publish(t, w, all[0])
	n := start(t, Options{Source: openRedis(t, url), Local: localDir(t), Poll: 20 * time.Millisecond}, nil)
	run(t, n)
	stop := watch(t, n)
	publish(t, w, all[1])
	eventually(t, "release 2 served", func() bool { return serving(n) == 2 })

	// Make the loss happen: the replicas sleep and are cut off while release 3 is
	// published, and wake when its master is dead.
	for _, s := range servers[1:] {
		s.signal(t, "STOP")
	}
	servers[0].do(t, "client", "kill", "type", "replica")
	publish(t, w, all[2])
	eventually(t, "release 3 served", func() bool { return serving(n) == 3 })
	servers[0].kill()
	for _, s := range servers[1:] {
		s.signal(t, "CONT")
	}
	eventually(t, "the loss is noticed", func() bool { return strings.Contains(n.Status().Problem, catalog.ErrOlder.Error()) })

	// Whatever the new master holds, publishing goes on and readers go forward.
	var err error
	eventually(t, "a new master takes releases", func() bool {
		if _, err = Copy(ctx, n.local, w, 0, nil); err == nil {
			err = Publish(ctx, w, all[3], nil, nil)
		}
		return err == nil
	})
	eventually(t, "release 4 served", func() bool { return serving(n) == 4 })
	stop()
}

func TestNewFixed(t *testing.T) {
	pub := first100(t, aName)
	n, err := NewFixed(context.Background(), pub, "embedded demo")
	if err != nil {
		t.Fatal(err)
	}
	wantServing(t, n, pub)
	run(t, n)
	s := n.Status()
	if s.Source != "embedded demo" || !s.Reachable || s.Problem != "" || !slices.Equal(s.Held, []int64{1}) {
		t.Errorf("Status = %+v", s)
	}
	if _, err := n.ObjectBytes(pub.Objects[0].Ref.Hash); err != nil {
		t.Errorf("ObjectBytes = %v", err)
	}
}

// TestNearStartIsPatientButNotForever starts with a release on disk and a source
// that hangs.
func TestNearStartIsPatientButNotForever(t *testing.T) {
	t.Parallel()
	all := series(t, aName, 2)
	source := newMoody(all[0])
	local := localDir(t)
	start(t, Options{Source: source, Local: local}, nil)
	n := NewNear(Options{Source: hanging{source}, Local: local})
	begin := time.Now()
	if err := n.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantServing(t, n, all[0])
	if took := time.Since(begin); took > 2*startPatience {
		t.Errorf("Start took %s", took)
	}
	if s := n.Status(); s.Problem != "" || s.LastError != "" {
		t.Errorf("Status = %+v, blames the source for our impatience", s)
	}
}

// hanging answers nothing until the context ends.
type hanging struct{ Store }

func (hanging) Current(ctx context.Context) (catalog.Pointer, error) {
	<-ctx.Done()
	return catalog.Pointer{}, fmt.Errorf("%w: %w", catalog.ErrUnavailable, ctx.Err())
}

// TestNearSegments restarts a node whose segment is whole, spoiled, or gone: it serves
// the same, and has the segment again.
func TestNearSegments(t *testing.T) {
	pub := first100(t, aName)
	source := NewMemory("memory")
	publish(t, source, pub)
	local := localDir(t)
	start(t, Options{Source: source, Local: local}, nil)
	path := local.segmentPath(pub.Release.Hash)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(){
		"whole":   func() {},
		"spoiled": func() { overwrite(t, path, string(whole[:len(whole)/2])) },
		"gone":    func() { remove(t, path) },
	} {
		spoil()
		n := NewNear(Options{Source: newMoody(), Local: local})
		_ = n.Start(t.Context())
		wantServing(t, n, pub)
		if what := fmt.Sprintf("%T", n.Current().Mapping()); what != "*snapshot.mapping" {
			t.Errorf("%s: the release is in memory, %s", name, what)
		}
		if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, whole) {
			t.Errorf("%s: the segment is another, %v", name, err)
		}
	}
	// The segment of a release that is not kept goes.
	all := series(t, aName, 2)
	other := localDir(t)
	source = NewMemory("memory")
	publish(t, source, all[0])
	n := start(t, Options{Source: source, Local: other}, nil)
	overwrite(t, other.segmentPath(catalog.HashOf([]byte("old"))), "old")
	publish(t, source, all[1])
	if err := look(t, n); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(filepath.Join(other.root, segmentsDir))
	if err != nil || len(names) != 2 {
		t.Errorf("segments %v, %v", names, err)
	}
}

// TestReadingHoldsSegments gives a segment back only when the request has ended that
// began before it was replaced.
func TestReadingHoldsSegments(t *testing.T) {
	var r requests
	first := r.enter()
	drained := make(chan struct{})
	go func() {
		r.drain()
		close(drained)
	}()
	for r.turn.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	later := r.enter()
	select {
	case <-drained:
		t.Fatal("drained while a request was under way")
	case <-time.After(20 * time.Millisecond):
	}
	first.Done()
	<-drained // a later request holds nothing that was let go before it began
	later.Done()
	r.drain()
}
