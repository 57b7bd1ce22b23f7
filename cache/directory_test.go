package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"luoshu/catalog"
)

func TestDirectoryIsNotThere(t *testing.T) {
	ctx := context.Background()
	root := filepath.Join(t.TempDir(), "not", "mounted")
	d, err := OpenDirectory(root)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Current(ctx)
	wantError(t, "Current", err, catalog.ErrUnavailable)
	_, err = d.Object(ctx, catalog.HashOf(nil))
	wantError(t, "Object", err, catalog.ErrUnavailable)
	overwrite(t, filepath.Join(filepath.Dir(filepath.Dir(root)), "file"), "")
	under, err := OpenDirectory(filepath.Join(filepath.Dir(filepath.Dir(root)), "file"))
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, "Prepare on a file", under.Prepare(ctx), catalog.ErrInvalid)
}

func TestDirectorySweepsWhatWritersLeft(t *testing.T) {
	ctx := context.Background()
	d := localDir(t)
	pub := first100(t, aName)
	publish(t, d, pub)
	for _, path := range []string{"", manifestsDir, filepath.Join(objectsDir, string(pub.Objects[0].Ref.Hash[:2]))} {
		overwrite(t, filepath.Join(d.root, path, tempPrefix+"1"), "half")
		overwrite(t, filepath.Join(d.root, path, "notes.txt"), "a person's")
	}
	if _, err := Collect(ctx, d, 0); err != nil {
		t.Fatal(err)
	}
	left, notes := 0, 0
	err := filepath.WalkDir(d.root, func(_ string, e fs.DirEntry, err error) error {
		if strings.HasPrefix(e.Name(), tempPrefix) {
			left++
		}
		if e.Name() == "notes.txt" {
			notes++
		}
		return err
	})
	if err != nil || left != 0 || notes != 3 {
		t.Errorf("%d unfinished files and %d notes left, %v, want 0 and 3", left, notes, err)
	}
	wantRelease(t, d, pub.Release)
}

func TestDirectoryWaitsForOthers(t *testing.T) {
	d := localDir(t)
	pub := first100(t, aName)
	publish(t, d, pub)
	err := d.locked(context.Background(), shared, func() error {
		// Writers get along with one another; who moves the pointer waits.
		if err := d.PutObject(context.Background(), pub.Objects[0].Ref.Hash, pub.Objects[0].Bytes); err != nil {
			t.Errorf("PutObject beside another writer = %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		wantError(t, "Flip beside a writer", d.Flip(ctx, catalog.Pointer{}, pub.Release.Pointer()), catalog.ErrUnavailable)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, d, pub)
}

func TestReplaceFileThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := replaceFile(path, []byte("before")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	err := replaceWith(path, tempPrefix, func(w io.Writer) error {
		_, _ = w.Write([]byte("half"))
		return full
	})
	wantError(t, "replaceWith", err, catalog.ErrUnavailable)
	wantError(t, "replaceWith", err, full)
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files left, %v, want 1", len(entries), err)
	}
	if b, err := os.ReadFile(path); string(b) != "before" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	for _, refusal := range []error{fs.ErrPermission, syscall.EROFS} {
		wantError(t, "writeError", writeError(&fs.PathError{Op: "open", Path: path, Err: refusal}), catalog.ErrReadOnly)
	}
}

// killedEnv names the kind of store in its working directory that a child process
// publishes to and sweeps.
const killedEnv = "LUOSHU_TEST_KILLED"

// killedStore opens the store of that kind in dir.
func killedStore(kind, dir string) (Writer, error) {
	if kind == "bundle" {
		return OpenBundle(filepath.Join(dir, "store.luoshu"))
	}
	return OpenDirectory(filepath.Join(dir, "store"))
}

// publishUntilKilled is what the child does.
func publishUntilKilled(kind string) int {
	runtime.LockOSThread() // strace counts the calls of each thread apart
	ctx := context.Background()
	w, err := killedStore(kind, "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = w.Close() }()
	all := smallSeries(new(testing.T))
	if err := Publish(ctx, w, all[1], nil, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, err := Collect(ctx, w, 1); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// smallSeries is two releases of few objects, so that there are few writes.
func smallSeries(t *testing.T) []*catalog.Publication {
	one := firstRelease(t, aName, 2)
	return []*catalog.Publication{one, after(t, one.Release, "改")}
}

// TestKilledAtEveryWrite kills a publisher at its first, second, third ... call
// that changes the disk: what is left is the old release or the new one, whole,
// and publishing again succeeds.
func TestKilledAtEveryWrite(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	all := smallSeries(t)
	for _, kind := range []string{"directory", "bundle"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var before, after int
			for _, call := range []string{"fsync", "renameat", "unlinkat", "mkdirat"} {
				for n, killed := 1, true; killed; n++ {
					dir := t.TempDir()
					w, err := killedStore(kind, dir)
					if err != nil {
						t.Fatal(err)
					}
					publish(t, w, all[0])
					child := exec.Command(strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace="+call,
						"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), self)
					child.Dir = dir
					child.Env = append(os.Environ(), killedEnv+"="+kind)
					out, err := child.CombinedOutput()
					if len(out) > 0 {
						t.Fatalf("%v: %s", err, out)
					}
					p, err := w.Current(ctx)
					if err == nil {
						_, err = Load(ctx, w, p)
					}
					if err != nil {
						t.Fatalf("after %s %d: %v", call, n, err)
					}
					switch killed = child.ProcessState.ExitCode() != 0; {
					case !killed:
					case p == all[0].Release.Pointer():
						before++
					default:
						after++
					}
					publish(t, w, all[1])
					wantRelease(t, w, all[1].Release)
					if _, err := Collect(ctx, w, 1); err != nil {
						t.Fatalf("after %s %d: %v", call, n, err)
					}
					_ = w.Close()
				}
			}
			if before == 0 || after == 0 {
				t.Errorf("killed %d times before the pointer moved and %d times after, want some of both", before, after)
			}
			t.Logf("killed %d times before the pointer moved, %d times after", before, after)
		})
	}
}
