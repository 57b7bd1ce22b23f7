package cache

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"luoshu/catalog"
)

// place is somewhere releases can be kept, empty at first. open returns another
// handle on it each time; spoil goes behind the store's back and sets what is
// kept under kind and hash, or removes it when b is nil.
type place struct {
	open  func(t *testing.T) Writer
	spoil func(t *testing.T, kind string, hash catalog.Hash, b []byte)
}

// The kinds of things in a store.
const (
	thePointer  = "pointer"
	aManifest   = "manifest"
	anObject    = "object"
	aName       = "market" // of the catalog in these tests
	anotherName = "other"
)

func TestMemory(t *testing.T) {
	testStore(t, func(t *testing.T) place {
		m := NewMemory("memory")
		return place{
			open: func(*testing.T) Writer { return m },
			spoil: func(t *testing.T, kind string, hash catalog.Hash, b []byte) {
				m.mu.Lock()
				defer m.mu.Unlock()
				kept := map[string]map[catalog.Hash][]byte{aManifest: m.manifests, anObject: m.objects}[kind]
				switch {
				case kind == thePointer:
					t.Skip("a pointer in memory has no bytes to damage")
				case b == nil:
					delete(kept, hash)
				default:
					kept[hash] = b
				}
			},
		}
	})
}

func TestDirectory(t *testing.T) {
	testStore(t, directoryPlace)
}

func directoryPlace(t *testing.T) place {
	root := filepath.Join(t.TempDir(), "a", "b")
	open := func(t *testing.T) Writer {
		d, err := OpenDirectory(root)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return place{open, func(t *testing.T, kind string, hash catalog.Hash, b []byte) {
		d := open(t).(*Directory)
		path := map[string]string{
			thePointer: filepath.Join(root, pointerFile), aManifest: d.manifestPath(hash, manifestSuffix), anObject: d.objectPath(hash),
		}[kind]
		var err error
		if b == nil {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}}
}

func TestBundle(t *testing.T) {
	testStore(t, bundlePlace)
}

func bundlePlace(t *testing.T) place {
	path := filepath.Join(t.TempDir(), "market.luoshu")
	open := func(t *testing.T) Writer {
		b, err := OpenBundle(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		return b
	}
	return place{open, func(t *testing.T, kind string, hash catalog.Hash, b []byte) {
		name := map[string]string{
			thePointer: bundlePointer, aManifest: manifestName(hash, manifestSuffix), anObject: objectName(hash),
		}[kind]
		content := unzipped(t, path)
		if b == nil {
			delete(content, name)
		} else {
			content[name] = b
		}
		rezip(t, path, content, zip.Store)
	}}
}

func unzipped(t testing.TB, path string) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	content := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if content[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	}
	return content
}

func rezip(t testing.TB, path string, content map[string][]byte, method uint16) {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(content)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	// By rename, as a person's tools do: an open bundle must notice.
	if err := os.WriteFile(path+".new", buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestRedis(t *testing.T) {
	s := startRedis(t)
	testStore(t, redisPlaces("redis://"+s.addr+"/3"))
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t)
	testStore(t, redisPlaces("redis-cluster://"+addrs(nodes)))
}

func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	_, sentinels := startSentinel(t)
	testStore(t, redisPlaces("redis-sentinel://"+addrs(sentinels)+"?master=market"))
}

// redisPlaces gives each test a catalog name of its own on one server.
func redisPlaces(url string) func(*testing.T) place {
	n := 0
	sep := "?"
	if strings.Contains(url, "?") {
		sep = "&"
	}
	return func(t *testing.T) place {
		n++
		url := fmt.Sprintf("%s%scatalog=t%d", url, sep, n)
		open := func(t *testing.T) Writer { return openRedis(t, url) }
		return place{open, func(t *testing.T, kind string, hash catalog.Hash, b []byte) {
			r := openRedis(t, url)
			key := map[string]string{thePointer: r.key("current"), aManifest: r.manifestKey(hash), anObject: r.objectKey(hash)}[kind]
			var err error
			if b == nil {
				err = r.client.Del(context.Background(), key).Err()
			} else {
				err = r.client.Set(context.Background(), key, b, 0).Err()
			}
			if err != nil {
				t.Fatal(err)
			}
		}}
	}
}

func openRedis(t testing.TB, url string) *Redis {
	t.Helper()
	r, err := OpenRedis(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// testStore is the law that every store obeys.
func testStore(t *testing.T, newPlace func(*testing.T) place) {
	ctx := context.Background()
	all := series(t, aName, 4)
	one, two, three := all[0], all[1], all[2]
	sample := one.Objects[0]

	t.Run("empty", func(t *testing.T) {
		w := newPlace(t).open(t)
		if err := w.Prepare(ctx); err != nil {
			t.Fatal(err)
		}
		_, err := w.Current(ctx)
		wantError(t, "Current", err, catalog.ErrNoRelease)
		for what, get := range readers(w) {
			_, err := get(ctx, sample.Ref.Hash)
			wantError(t, what, err, catalog.ErrNotFound)
			_, err = get(ctx, "../../etc/passwd")
			if err == nil || errors.Is(err, catalog.ErrUnavailable) {
				t.Errorf("%s of a name that is no hash = %v", what, err)
			}
		}
		missing, err := w.Missing(ctx, objectHashes(one.Release.Manifest))
		if err != nil || len(missing) != len(one.Objects) {
			t.Errorf("Missing = %d, %v, want %d", len(missing), err, len(one.Objects))
		}
		_, err = History(ctx, w, 0)
		wantError(t, "History", err, catalog.ErrNoRelease)
		_, err = Collect(ctx, w, 0)
		wantError(t, "Collect", err, catalog.ErrNoRelease)
	})

	t.Run("publish and read", func(t *testing.T) {
		p := newPlace(t)
		w := p.open(t)
		for i, pub := range all {
			var progressed []int64
			err := Publish(ctx, w, pub, nil, func(done, total int64) { progressed = append(progressed, done, total) })
			if err != nil {
				t.Fatal(err)
			}
			if n := len(progressed); progressed[n-1] != progressed[n-2] || (i == 0) != (progressed[n-1] == pub.Release.Manifest.Bytes) {
				t.Errorf("progress of release %d ends with %v", i+1, progressed[n-2:])
			}
		}
		reader := p.open(t)
		wantCurrent(t, reader, all[3].Release.Pointer())
		for _, pub := range all {
			wantRelease(t, reader, pub.Release)
		}
		for keep, want := range map[int]int{0: 4, 3: 3, 9: 4} {
			held, err := History(ctx, reader, keep)
			if err != nil || len(held) != want || held[0].Pointer() != all[3].Release.Pointer() {
				t.Errorf("History(%d) = %d releases, %v, want %d", keep, len(held), err, want)
			}
		}
		_, err := reader.Signature(ctx, one.Release.Hash)
		wantError(t, "Signature of a manifest without", err, catalog.ErrNotFound)
	})

	t.Run("publishing again changes nothing", func(t *testing.T) {
		w := newPlace(t).open(t)
		publish(t, w, one, two, two)
		wantCurrent(t, w, two.Release.Pointer())
		if err := w.Flip(ctx, one.Release.Pointer(), two.Release.Pointer()); err != nil {
			t.Errorf("Flip to where the pointer is = %v", err)
		}
	})

	t.Run("publishing goes on where it stopped", func(t *testing.T) {
		p := newPlace(t)
		w := p.open(t)
		if err := w.Prepare(ctx); err != nil {
			t.Fatal(err)
		}
		for _, o := range one.Objects[:3] {
			if err := w.PutObject(ctx, o.Ref.Hash, o.Bytes); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.PutManifest(ctx, one.Release.Hash, one.Manifest, nil); err != nil {
			t.Fatal(err)
		}
		err := w.Flip(ctx, catalog.Pointer{}, one.Release.Pointer())
		wantError(t, "Flip to a release with holes", err, catalog.ErrNotFound)
		wantCurrent(t, w, catalog.Pointer{})
		publish(t, w, one)
		wantRelease(t, p.open(t), one.Release)
	})

	t.Run("what does not have its hash is not stored", func(t *testing.T) {
		w := newPlace(t).open(t)
		if err := w.Prepare(ctx); err != nil {
			t.Fatal(err)
		}
		wantError(t, "PutObject", w.PutObject(ctx, two.Release.Hash, sample.Bytes), catalog.ErrDamaged)
		wantError(t, "PutManifest", w.PutManifest(ctx, two.Release.Hash, one.Manifest, nil), catalog.ErrDamaged)
		err := w.PutManifest(ctx, one.Release.Hash, one.Manifest, make([]byte, catalog.MaxSignatureBytes+1))
		wantError(t, "PutManifest with a large signature", err, catalog.ErrInvalid)
	})

	t.Run("signature", func(t *testing.T) {
		p := newPlace(t)
		signature := []byte("untrusted comment: signed\nRWQ\n")
		if err := Publish(ctx, p.open(t), one, signature, nil); err != nil {
			t.Fatal(err)
		}
		got, err := p.open(t).Signature(ctx, one.Release.Hash)
		if err != nil || !bytes.Equal(got, signature) {
			t.Errorf("Signature = %q, %v", got, err)
		}
	})

	t.Run("the pointer goes forward only", func(t *testing.T) {
		w := newPlace(t).open(t)
		publish(t, w, one, two)
		rival := after(t, one.Release, "别")
		wantError(t, "Publish on an old base", Publish(ctx, w, rival, nil, nil), catalog.ErrConflict)
		wantError(t, "Publish of the release before", Publish(ctx, w, one, nil, nil), catalog.ErrConflict)
		back := w.Flip(ctx, two.Release.Pointer(), one.Release.Pointer())
		wantError(t, "Flip back", back, catalog.ErrOlder)
		wantError(t, "Publish of another catalog", Publish(ctx, w, first100(t, anotherName), nil, nil), catalog.ErrForeign)
		wantError(t, "Flip to nothing", w.Flip(ctx, two.Release.Pointer(), catalog.Pointer{}), catalog.ErrInvalid)
		liar := three.Release.Pointer()
		liar.Sequence = 99
		if err := put(ctx, w, three, nil, nil); err != nil {
			t.Fatal(err)
		}
		wantError(t, "Flip to what the manifest denies", w.Flip(ctx, two.Release.Pointer(), liar), catalog.ErrDamaged)
		wantCurrent(t, w, two.Release.Pointer())
	})

	t.Run("one of many publishers wins", func(t *testing.T) {
		p := newPlace(t)
		publish(t, p.open(t), one)
		const rivals = 4
		pubs := make([]*catalog.Publication, rivals)
		writers := make([]Writer, rivals)
		for i := range rivals {
			pubs[i] = after(t, one.Release, fmt.Sprintf("对手%d", i))
			writers[i] = p.open(t)
		}
		errs := make([]error, rivals)
		var group sync.WaitGroup
		for i := range rivals {
			group.Go(func() { errs[i] = Publish(ctx, writers[i], pubs[i], nil, nil) })
		}
		group.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				t.Errorf("publishers %d and %d both won", winner, i)
			default:
				wantError(t, "Publish of a loser", err, catalog.ErrConflict)
			}
		}
		if winner < 0 {
			t.Fatal("nobody won")
		}
		wantCurrent(t, p.open(t), pubs[winner].Release.Pointer())
		wantRelease(t, p.open(t), pubs[winner].Release)
	})

	t.Run("a lost object is told, and restored by a copy", func(t *testing.T) {
		p := newPlace(t)
		w := p.open(t)
		publish(t, w, one)
		lost := slices.IndexFunc(one.Release.Manifest.Objects, func(ref catalog.ObjectRef) bool {
			return ref.Hash != two.Objects[0].Ref.Hash && slices.Contains(two.Release.Manifest.Objects, ref)
		})
		hash := one.Release.Manifest.Objects[lost].Hash
		p.spoil(t, anObject, hash, nil)
		_, err := Load(ctx, w, one.Release.Pointer())
		wantError(t, "Load", err, catalog.ErrNotFound)
		err = Publish(ctx, w, two, nil, nil)
		wantError(t, "Publish", err, catalog.ErrNotFound)
		if err != nil && !strings.Contains(err.Error(), "luoshu sync") {
			t.Errorf("Publish = %v, does not say what to do", err)
		}
		whole := NewMemory("whole")
		publish(t, whole, one)
		done, err := Copy(ctx, whole, w, 0, nil)
		if err != nil || done.Moved || done.Objects != 1 || done.Releases != 0 {
			t.Errorf("Copy = %+v, %v, want one object restored", done, err)
		}
		wantRelease(t, p.open(t), one.Release)
		publish(t, w, two)
	})

	t.Run("a damaged object is mended by a copy", func(t *testing.T) {
		p := newPlace(t)
		w := p.open(t)
		publish(t, w, one)
		for _, b := range [][]byte{{}, sample.Bytes[:10], one.Objects[1].Bytes} {
			p.spoil(t, anObject, sample.Ref.Hash, b)
			whole := NewMemory("whole")
			publish(t, whole, one)
			w := p.open(t)
			done, err := Copy(ctx, whole, w, 0, nil)
			if err != nil || done.Moved || done.Objects != 1 {
				t.Errorf("Copy = %+v, %v, want one object mended", done, err)
			}
			wantRelease(t, p.open(t), one.Release)
		}
	})

	t.Run("damage is told", func(t *testing.T) {
		spoilt := func(b []byte) []byte { return append([]byte{b[0] ^ 1}, b[1:]...) }
		for name, c := range map[string]struct {
			kind string
			hash catalog.Hash
			b    []byte
			want error
		}{
			"object":              {anObject, sample.Ref.Hash, spoilt(sample.Bytes), catalog.ErrDamaged},
			"object cut":          {anObject, sample.Ref.Hash, sample.Bytes[:len(sample.Bytes)/2], catalog.ErrDamaged},
			"object empty":        {anObject, sample.Ref.Hash, []byte{}, catalog.ErrDamaged},
			"object of another":   {anObject, sample.Ref.Hash, one.Objects[1].Bytes, catalog.ErrDamaged},
			"manifest":            {aManifest, one.Release.Hash, spoilt(one.Manifest), catalog.ErrDamaged},
			"manifest cut":        {aManifest, one.Release.Hash, one.Manifest[:10], catalog.ErrDamaged},
			"manifest lost":       {aManifest, one.Release.Hash, nil, catalog.ErrNotFound},
			"pointer":             {thePointer, "", []byte(`{"catalog":`), catalog.ErrDamaged},
			"pointer empty":       {thePointer, "", []byte{}, catalog.ErrDamaged},
			"pointer of nonsense": {thePointer, "", []byte(`{"catalog":"market","sequence":-1,"manifest":"x"}`), catalog.ErrDamaged},
			"pointer large":       {thePointer, "", bytes.Repeat([]byte(" "), maxPointerBytes+1), catalog.ErrDamaged},
			"pointer lost":        {thePointer, "", nil, catalog.ErrNoRelease},
		} {
			t.Run(name, func(t *testing.T) {
				p := newPlace(t)
				publish(t, p.open(t), one)
				reader := p.open(t)
				wantCurrent(t, reader, one.Release.Pointer())
				p.spoil(t, c.kind, c.hash, c.b)
				pointer, err := reader.Current(ctx)
				if err == nil {
					_, err = Load(ctx, reader, pointer)
				}
				wantError(t, "Load", err, c.want)
			})
		}
	})

	t.Run("sweep keeps what is named", func(t *testing.T) {
		p := newPlace(t)
		w := p.open(t)
		publish(t, w, all...)
		swept, err := Collect(ctx, w, 2)
		if err != nil || swept.Manifests != 2 || swept.Objects != 2 || swept.Bytes == 0 {
			t.Fatalf("Collect = %+v, %v, want two releases of one object each", swept, err)
		}
		reader := p.open(t)
		wantRelease(t, reader, all[3].Release)
		wantRelease(t, reader, all[2].Release)
		_, err = reader.Manifest(ctx, two.Release.Hash)
		wantError(t, "Manifest that was swept", err, catalog.ErrNotFound)
		_, err = reader.Object(ctx, two.Objects[0].Ref.Hash)
		wantError(t, "Object that was swept", err, catalog.ErrNotFound)
		held, err := History(ctx, reader, 0)
		if err != nil || len(held) != 2 {
			t.Errorf("History = %d, %v, want 2", len(held), err)
		}
		if swept, err := Collect(ctx, w, 2); err != nil || swept != (Swept{}) {
			t.Errorf("Collect again = %+v, %v, want nothing", swept, err)
		}
	})

	t.Run("a sweep prepared for another release removes nothing", func(t *testing.T) {
		w := newPlace(t).open(t)
		publish(t, w, one)
		held, err := History(ctx, w, 0)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, w, two)
		_, err = w.Sweep(ctx, one.Release.Pointer(), kept(held))
		wantError(t, "Sweep", err, catalog.ErrConflict)
		_, err = w.Sweep(ctx, two.Release.Pointer(), kept(held))
		wantError(t, "Sweep of the current release", err, catalog.ErrInvalid)
		wantRelease(t, w, two.Release)
		wantRelease(t, w, one.Release)
	})

	t.Run("what a sweep took from a publication is put again", func(t *testing.T) {
		p := newPlace(t)
		w, other := p.open(t), p.open(t)
		publish(t, w, one)
		swept := 0
		err := Publish(ctx, hook{w, func() {
			// Everything is put, nothing named yet: the worst moment.
			if swept++; swept > 1 {
				return
			}
			if _, err := Collect(ctx, other, 0); err != nil {
				t.Fatal(err)
			}
		}}, two, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantRelease(t, p.open(t), two.Release)
	})

	t.Run("publishers and sweeps at once", func(t *testing.T) {
		const rivals, rounds = 2, 5
		p := newPlace(t)
		publish(t, p.open(t), one)
		passing := func(err error) bool {
			return errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrUnavailable) || errors.Is(err, catalog.ErrNotFound)
		}
		var publishing, sweeping sync.WaitGroup
		for i := range rivals {
			w := p.open(t)
			publishing.Go(func() {
				for done := 0; done < rounds; {
					now, err := w.Current(ctx)
					if err != nil {
						t.Error(err)
						return
					}
					r, err := Load(ctx, w, now)
					if err != nil {
						// Only what is no longer current may have been swept.
						if again, _ := w.Current(ctx); again == now {
							t.Errorf("current release %d: %v", now.Sequence, err)
							return
						}
						continue
					}
					switch err := Publish(ctx, w, after(t, r, fmt.Sprintf("%d-%d", i, done)), nil, nil); {
					case err == nil:
						done++
					case !passing(err):
						t.Error(err)
						return
					}
				}
			})
		}
		end := make(chan struct{})
		sweeper := p.open(t)
		sweeping.Go(func() {
			for {
				if _, err := Collect(ctx, sweeper, 1); err != nil && !passing(err) {
					t.Error(err)
				}
				select {
				case <-end:
					return
				default:
				}
			}
		})
		publishing.Wait()
		close(end)
		sweeping.Wait()
		last, err := p.open(t).Current(ctx)
		if err != nil || last.Sequence != 1+rivals*rounds {
			t.Fatalf("Current = %v, %v, want release %d", last, err, 1+rivals*rounds)
		}
		if _, err := Load(ctx, p.open(t), last); err != nil {
			t.Error(err)
		}
	})

	t.Run("copy", func(t *testing.T) {
		source := NewMemory("source")
		signature := []byte("signed")
		publish(t, source, all[:3]...)
		if err := Publish(ctx, source, all[3], signature, nil); err != nil {
			t.Fatal(err)
		}
		p := newPlace(t)
		w := p.open(t)
		done, err := Copy(ctx, source, w, 3, nil)
		if err != nil || !done.Moved || done.Releases != 3 || done.Current != all[3].Release.Pointer() {
			t.Fatalf("Copy = %+v, %v", done, err)
		}
		reader := p.open(t)
		wantCurrent(t, reader, all[3].Release.Pointer())
		for _, pub := range all[1:] {
			wantRelease(t, reader, pub.Release)
		}
		_, err = reader.Manifest(ctx, one.Release.Hash)
		wantError(t, "Manifest beyond keep", err, catalog.ErrNotFound)
		if got, err := reader.Signature(ctx, all[3].Release.Hash); err != nil || !bytes.Equal(got, signature) {
			t.Errorf("Signature = %q, %v", got, err)
		}
		if done, err := Copy(ctx, source, w, 3, nil); err != nil || done != (Copied{Current: all[3].Release.Pointer()}) {
			t.Errorf("Copy again = %+v, %v, want nothing done", done, err)
		}
		old := NewMemory("old")
		publish(t, old, one, two)
		_, err = Copy(ctx, old, w, 0, nil)
		wantError(t, "Copy of an older release", err, catalog.ErrOlder)
		fork := NewMemory("fork")
		publish(t, fork, one, two, three, after(t, three.Release, "分叉"))
		_, err = Copy(ctx, fork, w, 0, nil)
		wantError(t, "Copy of another release of the same number", err, catalog.ErrOlder)
		foreign := NewMemory("foreign")
		publish(t, foreign, series(t, anotherName, 6)...)
		_, err = Copy(ctx, foreign, w, 0, nil)
		wantError(t, "Copy of another catalog", err, catalog.ErrForeign)
		wantCurrent(t, w, all[3].Release.Pointer())
		holed := NewMemory("holed")
		publish(t, holed, append(all, after(t, all[3].Release, "后"))...)
		delete(holed.objects, sample.Ref.Hash)
		empty := newPlace(t).open(t)
		_, err = Copy(ctx, holed, empty, 0, nil)
		wantError(t, "Copy of a release with a hole", err, catalog.ErrNotFound)
		wantCurrent(t, empty, catalog.Pointer{})
	})
}

// careless stores something else than it is given.
type careless struct {
	*Memory
	spoilObject, spoilManifest bool
}

func (c careless) PutObject(ctx context.Context, hash catalog.Hash, b []byte) error {
	err := c.Memory.PutObject(ctx, hash, b)
	if c.spoilObject {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.objects[hash] = slices.Concat(b[1:], b[:1])
	}
	return err
}

func (c careless) PutManifest(ctx context.Context, hash catalog.Hash, manifest, signature []byte) error {
	err := c.Memory.PutManifest(ctx, hash, manifest, signature)
	if c.spoilManifest {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.manifests[hash] = append(c.manifests[hash], ' ')
	}
	return err
}

// TestPublishReadsBack proves that a careless store is found out before its
// readers are.
func TestPublishReadsBack(t *testing.T) {
	pub := first100(t, aName)
	for _, c := range []careless{{spoilObject: true}, {spoilManifest: true}} {
		c.Memory = NewMemory("careless")
		err := Publish(context.Background(), c, pub, nil, nil)
		wantError(t, "Publish", err, catalog.ErrDamaged)
		if err == nil || strings.Contains(err.Error(), "flip") {
			t.Errorf("Publish = %v, found out too late", err)
		}
		wantCurrent(t, c, catalog.Pointer{})
	}
}

// readers are the three ways to read what is named by a hash.
func readers(s Store) map[string]func(context.Context, catalog.Hash) ([]byte, error) {
	return map[string]func(context.Context, catalog.Hash) ([]byte, error){
		"Manifest": s.Manifest, "Signature": s.Signature, "Object": s.Object,
	}
}

// hook calls before each Flip.
type hook struct {
	Writer
	before func()
}

func (h hook) Flip(ctx context.Context, from, to catalog.Pointer) error {
	h.before()
	return h.Writer.Flip(ctx, from, to)
}
