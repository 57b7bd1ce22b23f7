package opendata

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"

	"luoshu/catalog"
)

// cursor is a position in a list of one release. It depends on no process and on
// no page size: any node that keeps the release continues from it.
//
// Its text is base64url without padding of
//
//	1 | dataset letter | sequence (uvarint) | hash 8 | after … | check 6
//	2 | dataset letter or * | sequence (uvarint) | hash 8 | query 6 | key 8 | after … | check 6
//
// for a list and for a search, where hash is the beginning of the manifest's hash,
// query of the SHA-256 of what is searched for, key the place of the record in the
// order of the search, and check the beginning of the SHA-256 of everything before it. The check tells a damaged cursor from one of another
// release; it is no secret, and a cursor holds nothing worth forging.
type cursor struct {
	sequence int64
	release  [8]byte
	// letter is that of the dataset, 0 for indicators and * for all datasets.
	letter byte
	// search tells the cursor of a search, which has query and key.
	search bool
	query  [6]byte
	key    uint64
	// after is the identifier of the last record of the page before.
	after catalog.ID
}

const (
	listCursor   = 1
	searchCursor = 2
	cursorCheck  = 6
	// maxCursor is the length of the longest cursor before base64; 40 is that of
	// the longest identifier.
	maxCursor = 2 + binary.MaxVarintLen64 + 8 + 6 + 8 + 40 + cursorCheck
)

// append appends the text of c to dst.
func (c *cursor) append(dst []byte) []byte {
	var buf [maxCursor]byte
	b := append(buf[:0], listCursor, c.letter)
	b = binary.AppendUvarint(b, uint64(c.sequence))
	b = append(b, c.release[:]...)
	if c.search {
		b[0] = searchCursor
		b = append(b, c.query[:]...)
		b = binary.BigEndian.AppendUint64(b, c.key)
	}
	b = append(b, c.after...)
	sum := sha256.Sum256(b)
	b = append(b, sum[:cursorCheck]...)
	return base64.RawURLEncoding.AppendEncode(dst, b)
}

// parseCursor reads the text of a cursor, and reports whether it is one.
func parseCursor(s string) (c cursor, ok bool) {
	if len(s) > base64.RawURLEncoding.EncodedLen(maxCursor) {
		return c, false
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 2+1+len(c.release)+1+cursorCheck || b[0] != listCursor && b[0] != searchCursor {
		return c, false
	}
	c.search, c.letter = b[0] == searchCursor, b[1]
	seq, n := binary.Uvarint(b[2:])
	b = b[2+max(n, 0) : len(b)-cursorCheck]
	if n < 1 || int64(seq) < 1 || len(b) <= len(c.release) {
		return c, false
	}
	c.sequence = int64(seq)
	b = b[copy(c.release[:], b):]
	if c.search {
		if len(b) <= len(c.query)+8 {
			return c, false
		}
		b = b[copy(c.query[:], b):]
		c.key, b = binary.BigEndian.Uint64(b), b[8:]
	}
	c.after = catalog.ID(b)
	// One position has one text: comparing with it proves the check, the form of
	// the number and the unused bits of the last character at once.
	return c, bytes.Equal(c.append(nil), []byte(s))
}

// releasePrefix returns the part of a release's name that cursors carry.
func releasePrefix(hash catalog.Hash) (p [8]byte) {
	// A hash is checked where it enters; one that is not hexadecimal gives zeros.
	_, _ = hex.Decode(p[:], []byte(hash[:min(len(hash), 2*len(p))]))
	return p
}
