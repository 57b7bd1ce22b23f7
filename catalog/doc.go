// Package catalog says what Luoshu publishes: records of twelve datasets, the
// code lists they draw on, their identifiers, and the immutable release that
// carries them all.
//
// The invariant everything else stands on: a release, once named by the hash of
// its manifest, never changes. The same record always has the same bytes
// (RFC 8785), the same records always make the same objects, and whoever holds
// a manifest can prove that what it loaded is what was published.
//
// The package knows nothing of HTTP, of Redis, or of where a release is kept.
package catalog
