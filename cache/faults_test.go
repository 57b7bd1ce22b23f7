package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// faults lets one test at a time spoil the disk.
var faults sync.Mutex

// spoil has the disk below dir refuse its n-th change, the first being 1, and with dead
// all that follow: nothing that a process did after being killed there would be on the
// disk either. seen tells how many changes were asked for.
func spoil(t *testing.T, dir string, n int64, dead bool, cause error) (seen *atomic.Int64) {
	t.Helper()
	seen = new(atomic.Int64)
	refuse := func(step, path string) error {
		if !strings.HasPrefix(path, dir) {
			return nil
		}
		if i := seen.Add(1); i == n || dead && i > n {
			return fmt.Errorf("%s: %w", step, cause)
		}
		return nil
	}
	fault.Store(&refuse)
	return seen
}

func mend() { fault.Store(nil) }

// TestFaultsAtEveryChange has the disk fail, or the process die, at the first, second,
// third ... change that a publication, a copy, a follower or a recall makes: what is left
// is the old release or the new one, whole, and doing it again succeeds.
func TestFaultsAtEveryChange(t *testing.T) {
	faults.Lock()
	defer faults.Unlock()
	defer mend()
	ctx := context.Background()
	one := firstRelease(t, aName, 2)
	two := after(t, one.Release, "改")
	three := recalled(t, two.Release, two.Release.Entries[0].ID)
	mirror := NewMemory("mirror")
	publish(t, mirror, one, two)
	recalling := NewMemory("recalling")
	publish(t, recalling, one, two, three)

	// Each brings the store, which holds release one or two, to the next release.
	works := map[string]struct {
		before []*catalog.Publication
		after  *catalog.Publication
		do     func(w Writer) error
		// kinds are the stores that it is done to.
		kinds string
	}{
		"publish": {[]*catalog.Publication{one}, two, func(w Writer) error { return Publish(ctx, w, two, nil, nil) }, "directory bundle"},
		"copy": {[]*catalog.Publication{one}, two, func(w Writer) error {
			_, err := Copy(ctx, mirror, w, Keep, nil)
			return err
		}, "directory bundle"},
		"recall": {[]*catalog.Publication{one, two}, three, func(w Writer) error {
			_, err := Copy(ctx, recalling, w, Keep, nil)
			return err
		}, "directory bundle"},
		"follow": {[]*catalog.Publication{one}, two, func(w Writer) error {
			n := NewNear(Options{Source: mirror, Local: w.(*Directory)})
			err := n.Start(ctx)
			if s := n.Status(); err == nil && !s.Persisted && s.Problem == "" {
				err = n.look(ctx, n.feeds, true) // a slow machine: the patience of Start was over
			}
			if err == nil {
				wantServing(t, n, two) // also when it cannot be kept
				if !n.Status().Persisted {
					err = errors.New(n.Status().Problem)
				}
			}
			return err
		}, "directory"},
	}
	causes := map[string]struct {
		dead  bool
		cause error
	}{"killed": {true, syscall.EROFS}, "fails once": {false, syscall.EIO}}
	for name, work := range works {
		for kind := range strings.FieldsSeq(work.kinds) {
			for how, c := range causes {
				t.Run(name+"/"+kind+"/"+how, func(t *testing.T) {
					old, fresh, points := 0, 0, int64(0)
					for n := int64(1); ; n++ {
						dir := t.TempDir()
						w, err := killedStore(kind, dir)
						if err != nil {
							t.Fatal(err)
						}
						publish(t, w, work.before...)
						seen := spoil(t, dir, n, c.dead, c.cause)
						err = work.do(w)
						mend()
						_ = w.Close()
						if seen.Load() < n {
							if err != nil {
								t.Fatalf("without a fault: %v", err)
							}
							points = n - 1
							break
						}
						// Another process finds it.
						if w, err = killedStore(kind, dir); err != nil {
							t.Fatal(err)
						}
						p, err := w.Current(ctx)
						if err == nil {
							_, err = Load(ctx, w, p)
						}
						switch {
						case err != nil:
							t.Fatalf("after change %d: %v", n, err)
						case p == work.after.Release.Pointer():
							fresh++
						case p == work.before[len(work.before)-1].Release.Pointer():
							old++
						default:
							t.Fatalf("after change %d: release %d", n, p.Sequence)
						}
						if err := work.do(w); err != nil {
							t.Fatalf("again after change %d: %v", n, err)
						}
						wantRelease(t, w, work.after.Release)
						if name == "recall" {
							wantGone(t, dir, two.Release.Entries[0].Raw)
						}
						_ = w.Close()
					}
					if old == 0 || points == 0 {
						t.Errorf("%d points, %d left the old release: nothing was tried", points, old)
					}
					t.Logf("%d points: %d left the old release, %d the new one", points, old, fresh)
				})
			}
		}
	}
}

// TestFaultsOfState has the disk fail, or the process die, at every change that is made to a
// file beside the releases: what is trusted is replaced, what was decided is added to. What
// is left is old or new, whole, and what is added later is read all the same.
func TestFaultsOfState(t *testing.T) {
	faults.Lock()
	defer faults.Unlock()
	defer mend()
	replace := func(path, text string) error {
		return Replace(path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	}
	add := func(path, text string) error { return Append(path, []byte(text)) }
	tests := map[string]struct {
		do func(path, text string) error
		// old and fresh are what the file may hold afterwards, later what it then holds.
		old, fresh, later []string
	}{
		"replace": {replace, []string{"one"}, []string{"two"}, []string{"three"}},
		"add":     {add, []string{"one"}, []string{"one", "two"}, []string{"one", "two", "three"}},
		"begin":   {add, nil, []string{"two"}, []string{"two", "three"}},
	}
	whole := func(path string) (lines []string) {
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			var s string
			switch err := json.Unmarshal([]byte(line), &s); {
			case err == nil:
				lines = append(lines, s)
			case strings.HasSuffix(line, "\n"):
				t.Errorf("the line %q: %v", line, err)
			}
		}
		return lines
	}
	for name, tt := range tests {
		for how, dead := range map[string]bool{"killed": true, "fails once": false} {
			t.Run(name+"/"+how, func(t *testing.T) {
				for n := int64(1); ; n++ {
					dir := t.TempDir()
					path := filepath.Join(dir, "state")
					if tt.old != nil {
						if err := tt.do(path, `"one"`+"\n"); err != nil {
							t.Fatal(err)
						}
					}
					seen := spoil(t, dir, n, dead, syscall.EIO)
					err := tt.do(path, `"two"`+"\n")
					mend()
					if seen.Load() < n {
						if err != nil || n < 3 {
							t.Fatalf("%d points, without a fault: %v", n-1, err)
						}
						t.Logf("%d points", n-1)
						break
					}
					got := whole(path)
					if err == nil || !slices.Equal(got, tt.old) && !slices.Equal(got, tt.fresh) {
						t.Errorf("after change %d: %q, %v", n, got, err)
					}
					if err := tt.do(path, `"three"`+"\n"); err != nil {
						t.Fatal(err)
					}
					want := slices.DeleteFunc(slices.Clone(tt.later), func(line string) bool { return line == "two" && !slices.Contains(got, line) })
					if after := whole(path); !slices.Equal(after, want) {
						t.Errorf("after change %d and another: %q, want %q", n, after, want)
					}
				}
			})
		}
	}
}

// TestServesWhileTheDiskFails: whatever the disk does, what is current stays current, and
// what comes is served though it cannot be kept.
func TestServesWhileTheDiskFails(t *testing.T) {
	faults.Lock()
	defer faults.Unlock()
	defer mend()
	for name, cause := range map[string]error{"disk full": syscall.ENOSPC, "read-only": syscall.EROFS, "fsync": syscall.EIO} {
		t.Run(name, func(t *testing.T) {
			all := series(t, aName, 3)
			source := NewMemory("source")
			publish(t, source, all[0])
			local := localDir(t)
			n := start(t, Options{Source: source, Local: local}, nil)
			spoil(t, filepath.Dir(local.root), 1, true, cause)
			publish(t, source, all[1])
			_ = look(t, n)
			wantServing(t, n, all[1])
			if s := n.Status(); s.Persisted || s.Problem == "" {
				t.Errorf("the status does not tell: %+v", s)
			}
			mend()
			restarted := start(t, Options{Source: NewMemory("lost"), Local: local}, nil)
			wantServing(t, restarted, all[0])
			publish(t, source, all[2])
			if err := look(t, n); err != nil {
				t.Fatal(err)
			}
			wantCurrent(t, local, all[2].Release.Pointer())
		})
	}
}
