package cache

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"luoshu/catalog"
)

// recalled is the release after r in which id is recalled.
func recalled(t testing.TB, r *catalog.Release, id catalog.ID) *catalog.Publication {
	t.Helper()
	d := draft(t, r.Manifest.Catalog, r)
	if err := d.Recall(id); err != nil {
		t.Fatal(err)
	}
	return build(t, d)
}

// wantGone proves that no file below dir holds text, as it is or in a Zstandard frame.
func wantGone(t testing.TB, dir string, text []byte) {
	t.Helper()
	for path, b := range filesBelow(t, dir) {
		if holds(b, text) {
			t.Errorf("%s still holds what was recalled", path)
		}
	}
}

func filesBelow(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var frame = []byte{0x28, 0xb5, 0x2f, 0xfd}

// holds reports whether b holds text, as it is or in a Zstandard frame somewhere in it,
// as in a bundle.
func holds(b, text []byte) bool {
	if bytes.Contains(b, text) {
		return true
	}
	for i := bytes.Index(b, frame); i >= 0; {
		r, err := zstd.NewReader(bytes.NewReader(b[i:]), zstd.WithDecoderConcurrency(1))
		if err == nil {
			var raw bytes.Buffer
			_, _ = raw.ReadFrom(r) // what follows the frame is none
			r.Close()
			if bytes.Contains(raw.Bytes(), text) {
				return true
			}
		}
		next := bytes.Index(b[i+1:], frame)
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// TestRecall takes a record back from every kind of store and from a follower of each.
func TestRecall(t *testing.T) {
	ctx := context.Background()
	all := series(t, aName, 3)
	secret := all[2].Release.Entries[7]
	after := recalled(t, all[2].Release, secret.ID)
	later := afterOf(t, after.Release, 1)
	if m := after.Release.Manifest; m.Floor != 4 || later.Release.Manifest.Floor != 4 {
		t.Fatalf("floor %d, then %d", m.Floor, later.Release.Manifest.Floor)
	}
	s := startRedis(t)
	places := map[string]func(dir string) (Writer, error){
		"directory": func(dir string) (Writer, error) { return killedStore("directory", dir) },
		"bundle":    func(dir string) (Writer, error) { return killedStore("bundle", dir) },
		"redis":     func(string) (Writer, error) { return OpenRedis("redis://" + s.addr) },
	}
	for name, open := range places {
		t.Run(name, func(t *testing.T) {
			dir, home := t.TempDir(), localDir(t)
			w, err := open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = w.Close() }()
			publish(t, w, all...)
			node := start(t, Options{Source: w, Local: home}, nil)
			if _, err := node.At(2); err != nil && name != "bundle" {
				t.Logf("release 2: %v", err)
			}
			old := NewMemory("old")
			if _, err := Copy(ctx, w, old, Keep, nil); err != nil {
				t.Fatal(err)
			}

			publish(t, w, after)
			if _, err := Collect(ctx, w, Keep); err != nil {
				t.Fatal(err)
			}
			if err := look(t, node); err != nil {
				t.Fatal(err)
			}
			wantServing(t, node, after)
			if _, ok := node.Current().Tombstone(secret.ID); !ok {
				t.Error("the code does not answer")
			}
			for _, seq := range []int64{1, 2, 3} {
				_, err := node.At(seq)
				wantError(t, "an earlier release", err, catalog.ErrNotFound)
			}
			text := secret.Raw[:len(secret.Raw)/2]
			wantGone(t, dir, text)
			wantGone(t, filepath.Dir(home.root), text)
			if r, ok := w.(*Redis); ok {
				wantGoneFromRedis(t, r, text)
			}

			// Nothing brings it back: no older copy, no restart, no rollback.
			_, err = Copy(ctx, old, w, Keep, nil)
			wantError(t, "Copy of an older copy", err, catalog.ErrOlder)
			_, err = Copy(ctx, old, home, Keep, nil)
			wantError(t, "Copy of an older copy to a node", err, catalog.ErrOlder)
			again := start(t, Options{Source: old, Local: home}, nil)
			wantServing(t, again, after)
			back, err := catalog.Republish(ctx, later.Release, all[2].Release, later.Release.Manifest.PublishedAt, "back")
			if err != nil {
				t.Fatal(err)
			}
			if _, here := back.Release.Find(secret.ID); here || !back.Release.Manifest.Withdrawn[0].Recalled {
				t.Error("a rollback brings the record back")
			}
			if err := catalog.NewDraft(later.Release, base).Restore(secret.ID); err == nil {
				t.Error("the record can be restored")
			}
			publish(t, w, later, back)
			if err := look(t, node); err != nil {
				t.Fatal(err)
			}
			wantServing(t, node, back)
			wantGone(t, dir, text)
			wantGone(t, filepath.Dir(home.root), text)
		})
	}
}

// TestRecallOfTheLastRecord leaves a release without records, which is followed, restarted
// from and published after as any other.
func TestRecallOfTheLastRecord(t *testing.T) {
	ctx := context.Background()
	only := firstRelease(t, aName, 1)
	id := only.Release.Entries[0].ID
	none := recalled(t, only.Release, id)
	d := draft(t, aName, none.Release)
	putRecord(t, d, "A-000001", "成果 又一项")
	fresh := build(t, d)
	w, home := NewMemory("source"), localDir(t)
	publish(t, w, only)
	node := start(t, Options{Source: w, Local: home}, nil)
	publish(t, w, none)
	if err := look(t, node); err != nil {
		t.Fatal(err)
	}
	for _, node := range []*Near{node, start(t, Options{Source: NewMemory("lost"), Local: home}, nil)} {
		wantServing(t, node, none)
		if n := node.Current().Len(); n != 0 {
			t.Errorf("%d records", n)
		}
		if stone, ok := node.Current().Tombstone(id); !ok || !stone.Recalled {
			t.Errorf("the code answers %+v", stone)
		}
	}
	wantGone(t, filepath.Dir(home.root), only.Release.Entries[0].Raw)
	// What is no recall never empties a catalog, and keeps to an empty one.
	d = draft(t, aName, fresh.Release)
	if err := d.Withdraw(fresh.Release.Entries[0].ID, "已转让", ""); err != nil {
		t.Fatal(err)
	}
	_, err := d.Build(ctx, catalog.BuildOptions{})
	wantError(t, "Build", err, catalog.ErrInvalid)
	publish(t, w, build(t, draft(t, aName, none.Release)))
}

// afterOf is n releases after r.
func afterOf(t testing.TB, r *catalog.Release, n int) *catalog.Publication {
	t.Helper()
	var p *catalog.Publication
	for range n {
		p = after(t, r, "改")
		r = p.Release
	}
	return p
}

func wantGoneFromRedis(t testing.TB, r *Redis, text []byte) {
	t.Helper()
	ctx := context.Background()
	keys, err := r.client.Keys(ctx, "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatal(err, "no keys")
	}
	for _, key := range keys {
		b, err := r.client.Dump(ctx, key).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if value, err := r.client.Get(ctx, key).Bytes(); err == nil {
			b = value
		}
		if holds(b, text) || strings.Contains(key, string(text)) {
			t.Errorf("%s still holds what was recalled", key)
		}
	}
}
