package cache

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/trust"
)

// TestBitFlips flips ten thousand bits, one at a time, anywhere in a bundle and in what a
// node keeps on disk. Whoever reads gets the release as it was signed, or an error; never
// another one, and no panic.
func TestBitFlips(t *testing.T) {
	flips := 10_000
	if testing.Short() {
		flips = 1000
	}
	ctx := context.Background()
	owner := newSigner(t)
	keys := []trust.Key{owner.Key()}
	one := firstRelease(t, aName, 5)
	two := after(t, one.Release, "改")
	dir := t.TempDir()
	bundle, err := OpenBundle(filepath.Join(dir, "a"+bundleSuffix))
	if err != nil {
		t.Fatal(err)
	}
	local, err := OpenDirectory(filepath.Join(dir, "node"))
	if err != nil {
		t.Fatal(err)
	}
	publishSigned(t, bundle, owner, one, two)
	n := start(t, Options{Source: bundle, Local: local, Trusted: func() ([]trust.Key, error) { return keys, nil }}, nil)
	n.stopped()
	files := filesBelow(t, dir)
	var names []string
	for name := range files {
		if filepath.Base(name) != lockFile && filepath.Ext(name) != ".lock" {
			names = append(names, name)
		}
	}
	slices.Sort(names)

	read := func(s Store) (*catalog.Release, error) {
		p, err := s.Current(ctx)
		if err != nil {
			return nil, err
		}
		return Load(ctx, Trusting(s, keys), p)
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same flips every time
	refused, harmless := 0, 0
	for i := range flips {
		name := names[random.IntN(len(names))]
		whole := files[name]
		bit := random.IntN(8 * len(whole))
		flipped := bytes.Clone(whole)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(name, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		store := Store(local)
		if name == bundle.path {
			if store, err = OpenBundle(bundle.path); err != nil {
				t.Fatal(err)
			}
		}
		switch r, err := read(store); {
		case err != nil:
			refused++
		case r.Hash != one.Release.Hash && r.Hash != two.Release.Hash:
			t.Fatalf("bit %d of %s: another release", bit, name)
		default:
			harmless++ // of the trial, of an older release, of the time in a ZIP
		}
		if name != bundle.path && i%50 == 0 {
			// The node itself finds its way, or shows nothing.
			n := NewNear(Options{Source: NewMemory("none"), Local: local, Trusted: func() ([]trust.Key, error) { return keys, nil }})
			n.restore(ctx)
			if s := n.Current(); s != nil {
				want := two
				if s.Hash() == one.Release.Hash {
					want = one
				}
				wantServing(t, n, want)
			}
		}
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d flips refused, %d without effect", refused, flips, harmless)
	if refused < flips/3 {
		t.Error("hardly anything was found")
	}
}
