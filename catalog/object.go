package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// An object is a Zstandard frame of JSON Lines: the records of one partition,
// ordered by identifier, each a line of canonical JSON ending in a line feed.

// The number of records an object should hold. A partition is split when the
// mean passes most, and joined only when it falls far below, so that a catalog
// near a boundary does not rewrite itself at every publication.
const (
	meanRecords = 800
	mostRecords = 1000
	fewRecords  = 200
	// minPartitionBits keeps objects of small catalogs small: one changed record
	// of the demonstration costs a terminal some kilobytes, not the catalog.
	minPartitionBits = 4
)

// partitionBits returns how many bits to partition n records by, given what the
// previous release used (0 for none).
func partitionBits(n, previous int) int {
	if previous >= minPartitionBits {
		if mean := n >> previous; mean <= mostRecords && (mean >= fewRecords || previous == minPartitionBits) {
			return previous
		}
	}
	bits := minPartitionBits
	for n>>bits > meanRecords && bits < maxPartitionBits {
		bits++
	}
	return bits
}

// partitionOf returns the partition of id: the first bits of its SHA-256.
func partitionOf(id ID, bits int) int {
	sum := sha256.Sum256([]byte(id))
	return int(binary.BigEndian.Uint32(sum[:4]) >> (32 - bits))
}

// Encoder and decoder hold large tables, are safe to share and cost nothing
// while idle.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err)
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		// Concurrency 0 takes every processor.
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(MaxObjectRawBytes))
		if err != nil {
			panic(err)
		}
		return d
	})
)

// packObject joins lines into an object. The reference lacks the partition.
func packObject(lines [][]byte) ([]byte, ObjectRef) {
	size := 0
	for _, l := range lines {
		size += len(l) + 1
	}
	raw := make([]byte, 0, size)
	for _, l := range lines {
		raw = append(append(raw, l...), '\n')
	}
	packed := encoder().EncodeAll(raw, make([]byte, 0, size/3))
	return packed, ObjectRef{
		Hash: HashOf(packed), Bytes: int64(len(packed)), RawBytes: int64(size), Records: len(lines),
	}
}

// CheckObject proves that b is the object ref names. The error wraps ErrDamaged.
func CheckObject(b []byte, ref ObjectRef) error {
	if int64(len(b)) != ref.Bytes {
		return fmt.Errorf("object %.12s has %d bytes, not %d: %w", ref.Hash, len(b), ref.Bytes, ErrDamaged)
	}
	if got := HashOf(b); got != ref.Hash {
		return fmt.Errorf("object %.12s has hash %.12s: %w", ref.Hash, got, ErrDamaged)
	}
	return nil
}

// unpackObject verifies b against ref and returns its records, which share one
// buffer. The error wraps ErrDamaged.
func unpackObject(b []byte, ref ObjectRef, bits int) ([]Entry, error) {
	if err := CheckObject(b, ref); err != nil {
		return nil, err
	}
	raw, err := decoder().DecodeAll(b, make([]byte, 0, ref.RawBytes))
	if err != nil {
		return nil, fmt.Errorf("object %.12s: %w: %w", ref.Hash, ErrDamaged, err)
	}
	if int64(len(raw)) != ref.RawBytes {
		return nil, fmt.Errorf("object %.12s unpacks to %d bytes, not %d: %w", ref.Hash, len(raw), ref.RawBytes, ErrDamaged)
	}
	entries := make([]Entry, 0, ref.Records)
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n')
		if end < 0 || len(entries) == ref.Records {
			return nil, fmt.Errorf("object %.12s has not %d lines: %w", ref.Hash, ref.Records, ErrDamaged)
		}
		e, err := scanEntry(raw[:end:end])
		if err != nil {
			return nil, fmt.Errorf("object %.12s, line %d: %w", ref.Hash, len(entries)+1, err)
		}
		if n := len(entries); n > 0 && entries[n-1].ID >= e.ID {
			return nil, fmt.Errorf("object %.12s is not ordered at %s: %w", ref.Hash, e.ID, ErrDamaged)
		}
		if partitionOf(e.ID, bits) != ref.Partition {
			return nil, fmt.Errorf("object %.12s holds %s of another partition: %w", ref.Hash, e.ID, ErrDamaged)
		}
		entries = append(entries, e)
		raw = raw[end+1:]
	}
	if len(entries) != ref.Records {
		return nil, fmt.Errorf("object %.12s has %d lines, not %d: %w", ref.Hash, len(entries), ref.Records, ErrDamaged)
	}
	return entries, nil
}
