package catalog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// ID identifies a record for good: it is printed on paper, so it is never
// reused and carries no meaning that could change.
//
// It is a dataset letter, six payload characters and a check character, over
// the alphabet of GB 32100-2015 (no I, O, S, V, Z). The weights 3^1 to 3^7
// mod 31 with 1 for the check character catch every wrong character and every
// swap of two. Indicators are identified by slugs instead.
type ID string

const (
	// Alphabet holds the 31 characters of identifiers and of unified social
	// credit codes (GB 32100-2015, table 1), in order of their value.
	Alphabet   = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	idLength   = 8
	maxSlug    = 40
	payload    = idLength - 2
	payloadMax = 31 * 31 * 31 * 31 * 31 * 31
)

// alphabetValue maps a byte to its value in Alphabet, or -1.
var alphabetValue = func() (v [256]int8) {
	for i := range v {
		v[i] = int8(strings.IndexByte(Alphabet, byte(i)))
	}
	return v
}()

// checkCharacter returns the check character for the first seven characters.
func checkCharacter(body string) byte {
	sum, weight := 0, 3
	for i := range idLength - 1 {
		sum += weight * int(alphabetValue[body[i]])
		weight = weight * 3 % 31
	}
	return Alphabet[(31-sum%31)%31]
}

// ParseID reads an identifier as a person may have typed it, in either case.
// The error is ErrInvalid for a wrong form, and ErrCheckCharacter too when only
// the check character is wrong.
func ParseID(s string) (ID, error) {
	if isSlug(s) {
		return ID(s), nil
	}
	if len(s) != idLength {
		return "", fmt.Errorf("identifier has %d characters, not %d: %w", len(s), idLength, ErrInvalid)
	}
	s = strings.ToUpper(s)
	for i := range idLength {
		if alphabetValue[s[i]] < 0 {
			return "", fmt.Errorf("identifier has a character outside %s: %w", Alphabet, ErrInvalid)
		}
	}
	if s[idLength-1] != checkCharacter(s) {
		return "", ErrCheckCharacter
	}
	if _, ok := datasetOfLetter(s[0]); !ok {
		return "", fmt.Errorf("no dataset has the letter %c: %w", s[0], ErrInvalid)
	}
	return ID(s), nil
}

// Dataset returns the dataset an identifier belongs to.
func (id ID) Dataset() Dataset {
	if len(id) == idLength {
		if d, ok := datasetOfLetter(id[0]); ok {
			return d
		}
	}
	return Indicators
}

// isSlug reports whether s is an indicator's identifier: a lower-case word
// joined by hyphens. One hyphen at least keeps it apart from a code typed in
// lower case.
func isSlug(s string) bool {
	if len(s) < 3 || len(s) > maxSlug || !strings.Contains(s, "-") || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// SourceDigest names where a record came from: the publisher, the dataset and
// the publisher's own key for it. It is a 128-bit hash in hexadecimal, so that
// an internal file number does not become public.
func SourceDigest(publisher string, d Dataset, key string) string {
	sum := sha256.Sum256([]byte("luoshu source\n" + publisher + "\n" + string(d) + "\n" + key))
	return hex.EncodeToString(sum[:16])
}

// MintID derives the identifier of a record of dataset d from its source
// digest. A higher salt gives another identifier, for when the first is taken
// by another source. Two hundred salts never collide in practice; the caller
// stops at the first free one.
func MintID(d Dataset, source string, salt int) ID {
	info, _ := d.Info()
	sum := sha256.Sum256(fmt.Appendf(nil, "luoshu id\n%s\n%d", source, salt))
	n := binary.BigEndian.Uint64(sum[:8]) % payloadMax
	b := make([]byte, idLength)
	b[0] = info.Letter
	for i := payload; i > 0; i-- {
		b[i] = Alphabet[n%31]
		n /= 31
	}
	b[idLength-1] = checkCharacter(string(b))
	return ID(b)
}
