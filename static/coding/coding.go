// Package coding negotiates and applies content codings (RFC 9110, 8.4 and 12.5.3):
// zstd, br and gzip, or none.
//
// The same bytes in the same coding are the same on every node, for an entity tag
// promises it: levels are fixed, and Version stands in the tags.
package coding

import "strconv"

// Coding is a content coding.
type Coding uint8

// The codings. Of those that a client likes as well the earlier is taken, Identity last.
const (
	Identity Coding = iota
	Zstd
	Brotli
	Gzip
	codings
)

// Version must grow whenever an encoder gives other bytes than before, with a newer
// library or another level; a test over encoded texts says when.
const Version = 1

// Small is the size in bytes below which an answer is best sent as it is: with its head
// it fits one packet either way.
const Small = 1024

// All are the codings that every text can have.
var All = []Coding{Zstd, Brotli, Gzip}

var (
	names    = [codings]string{Zstd: "zstd", Brotli: "br", Gzip: "gzip"}
	suffixes = func() (all [codings]string) {
		for c := Zstd; c < codings; c++ {
			all[c] = "-" + names[c] + strconv.Itoa(Version)
		}
		return all
	}()
)

// String returns the name of c in Content-Encoding, empty for Identity.
func (c Coding) String() string { return names[c] }

// Suffix ends the entity tag of a representation in c; it is empty for Identity.
func (c Coding) Suffix() string { return suffixes[c] }
