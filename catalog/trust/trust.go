package trust

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// maxKeys bounds how many keys are in force at once.
const maxKeys = 16

// changeComment marks the signature of a change of keys, so that no signature of
// anything else can be taken for one.
const changeComment = "luoshu keys"

// statement is what a change of keys says: from here on these, and no others.
type statement struct {
	Catalog string `json:"catalog"`
	Number  int    `json:"number"`
	// Previous is the hash of the statement before.
	Previous catalog.Hash `json:"previous,omitzero"`
	Keys     []string     `json:"keys"`
}

// Change returns the change by which, from the release after m on, only keys may
// sign. s must have the right by m. The error wraps catalog.ErrInvalid.
func (s Signer) Change(m *catalog.Manifest, keys []Key) (catalog.KeyChange, error) {
	h, err := readHistory(m)
	switch {
	case err != nil:
		return catalog.KeyChange{}, err
	case len(h) > 0 && !contains(h[len(h)-1].keys, s.Key()):
		return catalog.KeyChange{}, refusedf("密钥 %s 无权更换密钥", "key %s has no right to change the keys", s.Key().ID())
	case len(h) == catalog.MaxKeyChanges:
		return catalog.KeyChange{}, refusedf("密钥已更换 %d 次，不能再换", "the keys were changed %d times, which is the most", len(h))
	case len(keys) == 0 || len(keys) > maxKeys:
		return catalog.KeyChange{}, refusedf("密钥应有 1 至 %d 个", "there must be 1 to %d keys", maxKeys)
	}
	next := statement{Catalog: m.Catalog, Number: len(h) + 1}
	if len(h) > 0 {
		next.Previous = catalog.HashOf([]byte(m.KeyChanges[len(h)-1].Statement))
	}
	for _, k := range keys {
		next.Keys = append(next.Keys, k.String())
	}
	b, err := catalog.Canonical(next)
	if err != nil {
		return catalog.KeyChange{}, err
	}
	return catalog.KeyChange{Statement: string(b), Signature: string(s.sign(b, changeComment))}, nil
}

func refusedf(zh, en string, args ...any) error {
	return catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: zh, EN: en}, args...)
}

// untrusted says why a release is not followed.
func untrusted(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, catalog.ErrUntrusted)...)
}

// change is a change of keys as it was read.
type change struct {
	statement string
	signature []byte
	keys      []Key
}

// history is the changes of keys of a release, the first one first.
type history []change

// readHistory proves that the changes of m hang together: each follows the one
// before and is signed by a key that was in force. Who signed the first is not
// known here. The error wraps catalog.ErrUntrusted.
func readHistory(m *catalog.Manifest) (history, error) {
	var h history
	previous := catalog.Hash("")
	for i, c := range m.KeyChanges {
		var s statement
		if err := json.Unmarshal([]byte(c.Statement), &s); err != nil || s.Catalog != m.Catalog || s.Number != i+1 ||
			s.Previous != previous || len(s.Keys) == 0 || len(s.Keys) > maxKeys {
			return nil, untrusted("change %d of the keys does not follow what was before", i+1)
		}
		read := change{statement: c.Statement, signature: []byte(c.Signature)}
		for _, text := range s.Keys {
			k, err := ParseKey(text)
			if err != nil {
				return nil, untrusted("change %d of the keys names no key", i+1)
			}
			read.keys = append(read.keys, k)
		}
		if i > 0 && !read.by(h[i-1].keys) {
			return nil, untrusted("change %d of the keys is not signed by a key that was in force", i+1)
		}
		h = append(h, read)
		previous = catalog.HashOf([]byte(c.Statement))
	}
	return h, nil
}

// by reports whether one of keys signed c.
func (c change) by(keys []Key) bool {
	return slices.ContainsFunc(keys, func(k Key) bool {
		comment, ok := k.signed([]byte(c.statement), c.signature)
		return ok && comment == changeComment
	})
}

func contains(keys []Key, k Key) bool { return slices.ContainsFunc(keys, k.Equal) }

// InForce returns the keys that may sign what follows m, none where no change of
// keys was made. The error wraps catalog.ErrUntrusted.
func InForce(m *catalog.Manifest) ([]Key, error) {
	h, err := readHistory(m)
	if err != nil || len(h) == 0 {
		return nil, err
	}
	return h[len(h)-1].keys, nil
}

// revoked reports whether k had the right to sign and has it no more.
func (h history) revoked(k Key) bool {
	if len(h) == 0 || contains(h[len(h)-1].keys, k) {
		return false
	}
	return h[0].by([]Key{k}) || slices.ContainsFunc(h, func(c change) bool { return contains(c.keys, k) })
}

// Check proves that the release whose manifest m is b is signed by whom trusted, the
// keys that an operator vouched for, let sign: by one of them, or by a key that came
// into force by a change that one of them signed. before is the release that it is to
// follow, nil for none: the changes of keys must be the same as there, or more. With no
// trusted key everything passes. The error wraps catalog.ErrUntrusted.
func Check(trusted []Key, before, m *catalog.Manifest, b, signature []byte) error {
	if len(trusted) == 0 {
		return nil
	}
	if before != nil {
		if len(before.KeyChanges) > len(m.KeyChanges) || !slices.Equal(before.KeyChanges, m.KeyChanges[:len(before.KeyChanges)]) {
			return untrusted("release %d does not know a change of the keys", m.Sequence)
		}
	}
	if len(signature) == 0 {
		return untrusted("release %d is not signed", m.Sequence)
	}
	h, err := readHistory(m)
	if err != nil {
		return fmt.Errorf("release %d: %w", m.Sequence, err)
	}
	var allowed []Key
	if slices.ContainsFunc(h, func(c change) bool { return c.by(trusted) }) {
		allowed = h[len(h)-1].keys
	}
	for _, k := range trusted {
		if !h.revoked(k) {
			allowed = append(allowed, k)
		}
	}
	by := SignedBy(signature)
	for _, k := range allowed {
		if k.ID() != by {
			continue
		}
		if said, ok := k.signed(b, signature); ok {
			if said != comment(m) {
				return untrusted("release %d has the signature of another: %.80q", m.Sequence, said)
			}
			return nil
		}
	}
	for _, k := range trusted {
		if k.ID() == by && h.revoked(k) {
			return untrusted("release %d is signed with key %s, which was revoked", m.Sequence, by)
		}
	}
	if slices.ContainsFunc(allowed, func(k Key) bool { return k.ID() == by }) {
		return untrusted("release %d: the signature with key %s does not fit", m.Sequence, by)
	}
	return untrusted("release %d is signed with key %.16q, which is not trusted (trusted: %s)", m.Sequence, by, names(allowed))
}

func names(keys []Key) string {
	var ids []string
	for _, k := range keys {
		if id := k.ID(); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ", ")
}
