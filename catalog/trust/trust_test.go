package trust

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

func signer(t testing.TB) Signer {
	t.Helper()
	s, err := NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// after is a release after r, nil for the first, with changes of keys.
func after(t testing.TB, r *catalog.Release, changes ...catalog.KeyChange) *catalog.Publication {
	t.Helper()
	d := catalog.NewDraft(r, time.Date(2017, 11, 21, 8, 0, 0, 0, time.UTC))
	id, source, err := d.Identify(catalog.Achievements, "p", "1")
	if err != nil {
		t.Fatal(err)
	}
	e, change, err := d.Encode(&catalog.Achievement{Header: catalog.Header{ID: id, Dataset: catalog.Achievements, Title: "成果", Publisher: "p", Source: source}})
	if err == nil {
		err = d.Put(e, change)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		d.ChangeKeys(c)
	}
	p, err := d.Build(context.Background(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func handOn(t testing.TB, by Signer, r *catalog.Release, keys ...Signer) catalog.KeyChange {
	t.Helper()
	var public []Key
	for _, k := range keys {
		public = append(public, k.Key())
	}
	c, err := by.Change(r.Manifest, public)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestHistories: a, b and c hold the right to sign one after the other. Who knows any of
// them follows, from wherever it comes, but to whom had the right and has it no more.
func TestHistories(t *testing.T) {
	a, b, c, d := signer(t), signer(t), signer(t), signer(t)
	one := after(t, nil)
	two := after(t, one.Release, handOn(t, a, one.Release, b, d))
	three := after(t, two.Release, handOn(t, b, two.Release, c, d))
	four := after(t, three.Release)
	all := map[int]*catalog.Publication{1: one, 2: two, 3: three, 4: four}
	tests := []struct {
		trusts  []Signer
		before  int // what it held, 0 for nothing
		release int
		by      Signer
		refused string
	}{
		{[]Signer{a}, 0, 1, a, ""},
		{[]Signer{a}, 0, 1, b, "which is not trusted"},
		{[]Signer{a}, 1, 2, b, ""},
		{[]Signer{a}, 1, 2, d, ""},
		{[]Signer{a}, 1, 2, a, "was revoked"},
		{[]Signer{a}, 1, 4, c, ""}, // it was off for two changes
		{[]Signer{a}, 1, 4, b, "which is not trusted"},
		{[]Signer{b}, 0, 4, c, ""},
		{[]Signer{b}, 0, 4, b, "was revoked"},
		{[]Signer{c}, 0, 4, c, ""}, // new here, with the key of today
		{[]Signer{c}, 0, 4, d, "which is not trusted"},
		{[]Signer{a, c}, 3, 4, c, ""},
		{[]Signer{a}, 3, 1, a, "does not know a change of the keys"},
		{nil, 3, 1, a, ""}, // who trusts nobody asks for nothing
	}
	for i, test := range tests {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			var keys []Key
			for _, s := range test.trusts {
				keys = append(keys, s.Key())
			}
			var before *catalog.Manifest
			if test.before > 0 {
				before = all[test.before].Release.Manifest
			}
			p := all[test.release]
			err := Check(keys, before, p.Release.Manifest, p.Manifest, test.by.Sign(p.Release.Manifest, p.Manifest))
			if test.refused == "" && err != nil || test.refused != "" && (!errors.Is(err, catalog.ErrUntrusted) || !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("%v, want %q", err, test.refused)
			}
		})
	}
	if _, err := a.Change(two.Release.Manifest, []Key{a.Key()}); !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("who lost the right takes it back: %v", err)
	}
}

func TestKeys(t *testing.T) {
	s := signer(t)
	k := s.Key()
	for name, text := range map[string]string{"file": string(k.File()), "line": k.String(), "of Windows": strings.ReplaceAll(string(k.File()), "\n", "\r\n")} {
		if got, err := ParseKey(text); err != nil || !got.Equal(k) || got.ID() != k.ID() {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "RWQ", "untrusted comment: x", k.String() + "A", strings.Repeat("A", 1<<20)} {
		if _, err := ParseKey(text); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("ParseKey(%.20q) = %v", text, err)
		}
	}
	plain, err := s.Plain()
	if err != nil {
		t.Fatal(err)
	}
	if got, unprotected, err := OpenSigner(plain, nil); err != nil || !unprotected || !got.Key().Equal(k) {
		t.Errorf("OpenSigner = %v, %v", unprotected, err)
	}
	if _, _, err := OpenSigner(k.File(), nil); !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("a public key opens as a secret one: %v", err)
	}
}

// FuzzCheck: whatever stands for a signature or a change of keys is refused, and nothing
// panics.
func FuzzCheck(f *testing.F) {
	a := signer(f)
	one := after(f, nil)
	c := handOn(f, a, one.Release, a)
	f.Add(a.Sign(one.Release.Manifest, one.Manifest), c.Statement, c.Signature)
	f.Add([]byte("untrusted comment: \n\ntrusted comment: \n"), "{}", "")
	f.Fuzz(func(t *testing.T, signature []byte, statement, changed string) {
		m := *one.Release.Manifest
		m.Sequence = 9 // nothing is signed for this
		m.KeyChanges = []catalog.KeyChange{{Statement: statement, Signature: changed}}
		if err := Check([]Key{a.Key()}, nil, &m, one.Manifest, signature); !errors.Is(err, catalog.ErrUntrusted) {
			t.Errorf("Check = %v", err)
		}
	})
}
