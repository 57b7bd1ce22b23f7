// Package trust decides who may sign a catalog. Releases are signed as minisign
// does, Ed25519 over BLAKE2b-512, so that a stock minisign checks what was
// downloaded. What a signature is for stands in its trusted comment: one of a
// release says which, and is good for no other.
package trust

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"aead.dev/minisign"

	"luoshu/catalog"
)

// MaxKeyBytes bounds the file of a key, secret or public.
const MaxKeyBytes = 4 << 10

// Key is a public key.
type Key struct{ key minisign.PublicKey }

// ParseKey reads a public key: the file that minisign and keygen write, or its
// second line alone. The error wraps catalog.ErrInvalid.
func ParseKey(text string) (Key, error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\r", "")
	var k Key
	if err := k.key.UnmarshalText([]byte(text)); err != nil || len(text) > MaxKeyBytes {
		return Key{}, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "不是 minisign 公钥", EN: "not a public key of minisign"})
	}
	return k, nil
}

// ID names the key as minisign does, in sixteen hexadecimal digits. It is a name,
// not a proof.
func (k Key) ID() string { return keyID(k.key.ID()) }

func keyID(id uint64) string { return fmt.Sprintf("%016X", id) }

// String returns the key in one line.
func (k Key) String() string { return k.key.String() }

// File returns the key as a file.
func (k Key) File() []byte {
	return fmt.Appendf(nil, "untrusted comment: luoshu public key %s\n%s\n", k.ID(), k)
}

// Equal reports whether k and other are the same key.
func (k Key) Equal(other Key) bool { return k.key.Equal(other.key) }

// signed returns the trusted comment of a signature by k over b, and whether it is
// one.
func (k Key) signed(b, signature []byte) (comment string, ok bool) {
	var s minisign.Signature
	// The older form of minisign, over the bytes and not their hash, is not read:
	// one form is enough.
	if s.UnmarshalText(bytes.TrimRight(signature, "\n")) != nil || s.Algorithm != minisign.HashEdDSA {
		return "", false
	}
	return s.TrustedComment, minisign.Verify(k.key, b, bytes.TrimRight(signature, "\n"))
}

// Signer holds a secret key, to be used and forgotten.
type Signer struct{ key minisign.PrivateKey }

// NewSigner makes a new key.
func NewSigner() (Signer, error) {
	_, key, err := minisign.GenerateKey(rand.Reader)
	return Signer{key}, err
}

// OpenSigner reads the file of a secret key, which minisign may have written too.
// passphrase is asked where the file is encrypted, plain tells that it is not. The
// error wraps catalog.ErrInvalid.
func OpenSigner(file []byte, passphrase func() (string, error)) (s Signer, plain bool, err error) {
	file = bytes.TrimSpace(bytes.ReplaceAll(file, []byte("\r"), nil))
	if len(file) > MaxKeyBytes {
		return Signer{}, false, notSecret()
	}
	if !minisign.IsEncrypted(file) {
		if s.key.UnmarshalText(file) != nil {
			return Signer{}, false, notSecret()
		}
		return s, true, nil
	}
	word, err := passphrase()
	if err != nil {
		return Signer{}, false, err
	}
	if s.key, err = minisign.DecryptKey(word, file); err != nil {
		return Signer{}, false, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "口令不对，或密钥文件已损坏", EN: "wrong passphrase, or a damaged key file"})
	}
	return s, false, nil
}

func notSecret() error {
	return catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "不是 minisign 私钥", EN: "not a secret key of minisign"})
}

// Encrypted returns the file of the key, which only passphrase opens. As minisign
// does, it takes seconds and a gigabyte of memory to do so, for whoever guesses too.
func (s Signer) Encrypted(passphrase string) ([]byte, error) {
	b, err := minisign.EncryptKey(passphrase, s.key)
	return append(b, '\n'), err
}

// Plain returns the file of the key without protection.
func (s Signer) Plain() ([]byte, error) {
	b, err := s.key.MarshalText()
	return append(b, '\n'), err
}

// Key returns the public key.
func (s Signer) Key() Key { return Key{s.key.Public().(minisign.PublicKey)} }

// Sign returns the signature of the release whose manifest m is b.
func (s Signer) Sign(m *catalog.Manifest, b []byte) []byte { return s.sign(b, comment(m)) }

// comment says which release a signature is of.
func comment(m *catalog.Manifest) string {
	return "luoshu release " + strconv.FormatInt(m.Sequence, 10) + " of catalog " + m.Catalog
}

func (s Signer) sign(b []byte, comment string) []byte {
	r := minisign.NewReader(bytes.NewReader(b))
	_, _ = bytes.NewBuffer(nil).ReadFrom(r) // neither side can fail
	return r.SignWithComments(s.key, comment, "signature from luoshu key "+s.Key().ID())
}

// SignedBy returns the name of the key that a signature says it is by, empty for
// none. It is a name, not a proof.
func SignedBy(signature []byte) string {
	var s minisign.Signature
	if s.UnmarshalText(bytes.TrimRight(signature, "\n")) != nil {
		return ""
	}
	return keyID(s.KeyID)
}
