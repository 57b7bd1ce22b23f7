package cache

import (
	"bytes"
	"context"
	"testing"

	"luoshu/catalog"
)

// FuzzPointer gives a follower any pointer: it takes one release, or stays.
func FuzzPointer(f *testing.F) {
	pub := firstRelease(f, aName, 1)
	sound, err := catalog.Canonical(pub.Release.Pointer())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sound)
	f.Add([]byte(`{"catalog":"market","sequence":1e400,"manifest":""}`))
	f.Add([]byte(`{"catalog":"market","catalog":"x"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := catalog.ParsePointer(raw)
		if err != nil {
			wantError(t, "ParsePointer", err, catalog.ErrDamaged)
			return
		}
		if !p.Manifest.Valid() || p.Sequence < 1 || !catalog.ValidCatalogName(p.Catalog) {
			t.Errorf("ParsePointer(%q) = %v", raw, p)
		}
		b, err := catalog.Canonical(p)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := catalog.ParsePointer(b); err != nil || again != p || len(b) > maxPointerBytes {
			t.Errorf("%s reads as %v, %v", b, again, err)
		}
		m := NewMemory("memory")
		publish(t, m, pub)
		m.pointer = p
		n := NewNear(Options{Source: m})
		if err := n.Start(context.Background()); (err == nil) != (p == pub.Release.Pointer()) {
			t.Errorf("following %v = %v", p, err)
		}
	})
}

// FuzzManifest gives a loader any manifest under its right name: it is refused,
// or hangs together.
func FuzzManifest(f *testing.F) {
	f.Add(firstRelease(f, aName, 1).Manifest)
	f.Add([]byte(`{"format":1,"catalog":"market","sequence":1,"partition_bits":4,"objects":[],"counts":{},"bytes":0,"raw_bytes":0}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		hash := catalog.HashOf(raw)
		m, err := catalog.ParseManifest(raw, hash)
		if err != nil {
			wantError(t, "ParseManifest", err, catalog.ErrDamaged)
			return
		}
		store := NewMemory("memory")
		if err := store.PutManifest(context.Background(), hash, raw, nil); err != nil {
			t.Fatal(err)
		}
		p := Held{hash, m}.Pointer()
		if _, err := checkComplete(context.Background(), store, p); (err == nil) != (len(m.Objects) == 0) {
			t.Errorf("a store without objects is complete: %v", err)
		}
		if _, err := catalog.ParseManifest(append(bytes.Clone(raw), ' '), hash); err == nil {
			t.Error("a changed manifest keeps its name")
		}
	})
}
