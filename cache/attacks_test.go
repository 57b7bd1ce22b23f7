package cache

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/trust"
)

func newSigner(t testing.TB) trust.Signer {
	t.Helper()
	s, err := trust.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// publishSigned publishes all, each signed with s.
func publishSigned(t testing.TB, w Writer, s trust.Signer, all ...*catalog.Publication) {
	t.Helper()
	for _, p := range all {
		if err := Publish(context.Background(), w, p, s.Sign(p.Release.Manifest, p.Manifest), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// rekeyed is the release after r with the change that s signs: keys alone from here on.
func rekeyed(t testing.TB, r *catalog.Release, s trust.Signer, keys ...trust.Key) *catalog.Publication {
	t.Helper()
	change, err := s.Change(r.Manifest, keys)
	if err != nil {
		t.Fatal(err)
	}
	d := draft(t, r.Manifest.Catalog, r)
	d.ChangeKeys(change)
	return build(t, d)
}

// forged is a store that says something else than what it holds.
type forged struct {
	*Memory
	pointer   *catalog.Pointer
	manifest  func([]byte) []byte
	signature func([]byte) []byte
	object    func(catalog.Hash, []byte) []byte
}

func (f forged) Current(ctx context.Context) (catalog.Pointer, error) {
	if f.pointer != nil {
		return *f.pointer, nil
	}
	return f.Memory.Current(ctx)
}

func (f forged) Manifest(ctx context.Context, h catalog.Hash) ([]byte, error) {
	b, err := f.Memory.Manifest(ctx, h)
	if f.manifest != nil && err == nil {
		b = f.manifest(b)
	}
	return b, err
}

func (f forged) Signature(ctx context.Context, h catalog.Hash) ([]byte, error) {
	b, err := f.Memory.Signature(ctx, h)
	if f.signature != nil && err == nil {
		b = f.signature(b)
	}
	return b, err
}

func (f forged) Object(ctx context.Context, h catalog.Hash) ([]byte, error) {
	b, err := f.Memory.Object(ctx, h)
	if f.object != nil && err == nil {
		b = f.object(h, b)
	}
	return b, err
}

// TestAttacks goes through the attacks that the TUF specification lists, section 1.5.2,
// and those on recalls. Each is refused with its reason, and what was shown stays.
func TestAttacks(t *testing.T) {
	ctx := context.Background()
	owner, reserve, stranger := newSigner(t), newSigner(t), newSigner(t)
	all := series(t, aName, 4)
	signed := func(s trust.Signer, all ...*catalog.Publication) *Memory {
		m := NewMemory("source")
		publishSigned(t, m, s, all...)
		return m
	}
	// All of them come after release two, which the node holds.
	unsigned := NewMemory("source")
	publish(t, unsigned, all[:3]...)
	foreign := signed(owner, series(t, "another", 5)...)
	replaced := rekeyed(t, all[1].Release, owner, reserve.Key())
	revoked := signed(reserve, all[0], all[1], replaced)
	afterwards := after(t, replaced.Release, "改")
	usurped := rekeyed(t, all[1].Release, stranger, stranger.Key())
	secret := all[1].Release.Entries[0].ID
	recall := recalled(t, all[1].Release, secret)
	endless := func() *catalog.Publication {
		r := all[1].Release
		d := draft(t, aName, r)
		for range catalog.MaxKeyChanges + 1 {
			d.ChangeKeys(catalog.KeyChange{Statement: "{}", Signature: "x"})
		}
		_, err := d.Build(ctx, catalog.BuildOptions{})
		wantError(t, "a release with an endless chain of keys", err, catalog.ErrInvalid)
		d = draft(t, aName, r)
		for range catalog.MaxKeyChanges {
			d.ChangeKeys(catalog.KeyChange{Statement: "{}", Signature: "x"})
		}
		return build(t, d)
	}()

	tests := []struct {
		attack string
		held   []*catalog.Publication // what the node has followed before, release two unless said
		source Store
		kind   error
		reason string
	}{
		{"arbitrary release: not signed", nil, unsigned, catalog.ErrUntrusted, "is not signed"},
		{"arbitrary release: wrong key", nil, signed(stranger, all[:3]...), catalog.ErrUntrusted, "which is not trusted"},
		{"arbitrary release: the key's name on another signature", nil, forged{Memory: signed(stranger, all[:3]...), signature: func(b []byte) []byte {
			return namedAs(t, b, owner)
		}}, catalog.ErrUntrusted, "does not fit"},
		{"arbitrary release: another manifest under the signature", nil, forged{Memory: signed(owner, all[:3]...), manifest: func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"as_of":"2017`, `"as_of":"2018`, 1))
		}}, catalog.ErrDamaged, "has hash"},
		{"arbitrary release: a record changed", nil, forged{Memory: signed(owner, all[:3]...), object: func(_ catalog.Hash, b []byte) []byte {
			b = bytes.Clone(b)
			b[len(b)/2] ^= 1
			return b
		}}, catalog.ErrDamaged, "has hash"},
		{"arbitrary release: the signature of another release", nil, forged{Memory: signed(owner, all[:3]...), signature: func([]byte) []byte {
			return owner.Sign(all[1].Release.Manifest, all[1].Manifest)
		}}, catalog.ErrUntrusted, "does not fit"},
		{"arbitrary release: these bytes signed as another release", nil, forged{Memory: signed(owner, all[:3]...), signature: func([]byte) []byte {
			return owner.Sign(all[1].Release.Manifest, all[2].Manifest)
		}}, catalog.ErrUntrusted, "signature of another"},
		{"endless data: manifest", nil, forged{Memory: signed(owner, all[:3]...), manifest: func([]byte) []byte {
			return make([]byte, catalog.MaxManifestBytes+1)
		}}, catalog.ErrDamaged, "manifest of"},
		{"endless data: object", nil, forged{Memory: signed(owner, all[:3]...), object: func(_ catalog.Hash, b []byte) []byte {
			return append(b, make([]byte, 1<<20)...)
		}}, catalog.ErrDamaged, "bytes, not"},
		{"rollback: an older release", []*catalog.Publication{all[0], all[1], all[2]}, signed(owner, all[:2]...), catalog.ErrOlder, "has held release 3"},
		{"rollback: another release of the same number", nil, signed(owner, all[0], after(t, all[0].Release, "别的")), catalog.ErrOlder, "has held release 2"},
		{"rollback: an old manifest under a new number", nil, forged{Memory: signed(owner, all[:2]...), pointer: &catalog.Pointer{
			Catalog: aName, Sequence: 9, Manifest: all[0].Release.Hash,
		}}, catalog.ErrDamaged, "its manifest 1"},
		{"mix and match: objects of another release", nil, forged{Memory: signed(owner, all[:3]...), object: func(h catalog.Hash, b []byte) []byte {
			if h == all[2].Objects[0].Ref.Hash {
				for _, o := range all[1].Objects {
					return o.Bytes
				}
			}
			return b
		}}, catalog.ErrDamaged, "object"},
		{"mix and match: another catalog", nil, foreign, catalog.ErrForeign, `of catalog "another"`},
		{"revoked key", []*catalog.Publication{all[0], all[1], replaced}, signed(owner, all[0], all[1], replaced, afterwards), catalog.ErrUntrusted, "was revoked"},
		{"revoked key: without the change", []*catalog.Publication{all[0], all[1], replaced}, signed(owner, all...), catalog.ErrUntrusted, "does not know a change of the keys"},
		{"keys changed by a stranger", nil, signed(stranger, all[0], all[1], usurped), catalog.ErrUntrusted, "which is not trusted"},
		{"endless chain", nil, signed(stranger, all[0], all[1], endless), catalog.ErrUntrusted, "does not follow what was before"},
		{"a recall undone", []*catalog.Publication{all[0], all[1], recall}, signed(owner, all...), catalog.ErrOlder, "undoes the recall"},
	}
	for _, test := range tests {
		t.Run(test.attack, func(t *testing.T) {
			held := test.held
			if held == nil {
				held = all[:2]
			}
			signer := owner
			if held[len(held)-1] == replaced {
				signer = reserve
			}
			local := localDir(t)
			honest := signed(owner, held[:2]...)
			trusted := func() ([]trust.Key, error) { return []trust.Key{owner.Key()}, nil }
			n := start(t, Options{Source: honest, Local: local, Trusted: trusted}, nil)
			publishSigned(t, honest, signer, held[2:]...)
			if err := look(t, n); err != nil {
				t.Fatal(err)
			}
			last := held[len(held)-1]
			wantServing(t, n, last)
			// Once with what it runs with, once after a start from its disk.
			n.feeds = []*feed{newFeed(test.source, 0)}
			restarted := NewNear(Options{Source: test.source, Local: local, Trusted: trusted})
			restarted.restore(ctx)
			for name, n := range map[string]*Near{"running": n, "restarted": restarted} {
				err := look(t, n)
				if !errors.Is(err, test.kind) || !strings.Contains(fmt.Sprint(err), test.reason) {
					t.Errorf("%s: %v, want %q", name, err, test.reason)
				}
				if problem := n.Status().Problem; !strings.Contains(problem, test.reason) {
					t.Errorf("%s: the status says %q", name, problem)
				}
				wantServing(t, n, last)
			}
		})
	}
	t.Run("the change is followed", func(t *testing.T) {
		n := start(t, Options{Source: signed(owner, all[:2]...), Local: localDir(t), Trusted: func() ([]trust.Key, error) { return []trust.Key{owner.Key()}, nil }}, nil)
		publishSigned(t, revoked, reserve, afterwards)
		n.feeds = []*feed{newFeed(revoked, 0)}
		if err := look(t, n); err != nil {
			t.Fatal(err)
		}
		wantServing(t, n, afterwards)
		if s := n.Status(); s.SignedBy != reserve.Key().ID() || len(s.Trusted) != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

// namedAs is the signature b under the name of another key.
func namedAs(t testing.TB, b []byte, other trust.Signer) []byte {
	t.Helper()
	lines := strings.Split(string(b), "\n")
	raw, err := base64.StdEncoding.DecodeString(lines[1])
	if err != nil {
		t.Fatal(err)
	}
	name, err := base64.StdEncoding.DecodeString(other.Key().String())
	if err != nil {
		t.Fatal(err)
	}
	copy(raw[2:10], name[2:10])
	lines[1] = base64.StdEncoding.EncodeToString(raw)
	return []byte(strings.Join(lines, "\n"))
}

// TestFreeze: a source that gives nothing new is followed, and its age is shown: nothing
// is hidden for being old, nor because a clock is wrong.
func TestFreeze(t *testing.T) {
	owner := newSigner(t)
	d := catalog.NewDraft(nil, time.Now().Add(48*time.Hour))
	p := catalog.DefaultProfile()
	p.Catalog = aName
	if err := d.Describe(p); err != nil {
		t.Fatal(err)
	}
	putRecord(t, d, "A-1", "成果")
	for name, test := range map[string]struct {
		release *catalog.Publication
		behind  bool
	}{"nine years old": {first100(t, aName), false}, "of the day after tomorrow": {build(t, d), true}} {
		t.Run(name, func(t *testing.T) {
			source := NewMemory("source")
			publishSigned(t, source, owner, test.release)
			n := start(t, Options{Source: source, Local: localDir(t), Trusted: func() ([]trust.Key, error) { return []trust.Key{owner.Key()}, nil }}, nil)
			wantServing(t, n, test.release)
			s := n.Status()
			if s.ClockBehind != test.behind || (s.AgeSeconds > 8*365*24*3600) == test.behind || s.Problem != "" {
				t.Errorf("status %+v", s)
			}
		})
	}
}

// TestTrustComesAndGoes: with a key trusted, what is on disk unsigned is not shown any
// more and holds nobody up; keys that cannot be read stop what comes, not what is shown.
func TestTrustComesAndGoes(t *testing.T) {
	owner := newSigner(t)
	all := series(t, aName, 3)
	local := localDir(t)
	source := NewMemory("source")
	publish(t, source, all...)
	start(t, Options{Source: source, Local: local}, nil) // trusts nobody
	signed := NewMemory("signed")
	publishSigned(t, signed, owner, all[:2]...)
	var broken error
	trusted := func() ([]trust.Key, error) { return []trust.Key{owner.Key()}, broken }
	n := start(t, Options{Source: source, Local: local, Trusted: trusted}, catalog.ErrUntrusted)
	if n.Current() != nil {
		t.Fatal("what nobody signed is shown")
	}
	// What is on the disk, of a higher number, does not keep the signed one off it.
	n = start(t, Options{Source: source, Also: []Store{signed}, Local: local, Trusted: trusted}, nil)
	wantServing(t, n, all[1])
	wantCurrent(t, local, all[1].Release.Pointer())
	if s := n.Status(); len(s.Sources) != 2 || !strings.Contains(s.Sources[0].Problem, "not signed") || s.Sources[1].Problem != "" {
		t.Errorf("status %+v", s.Sources)
	}
	broken = errors.New("damaged")
	publishSigned(t, signed, owner, all[2])
	_ = look(t, n)
	wantServing(t, n, all[1])
	wantServing(t, start(t, Options{Source: signed, Local: local, Trusted: trusted}, nil), all[1])
	broken = nil
	_ = look(t, n)
	wantServing(t, n, all[2])
}
