package snapshot

import (
	"unsafe"

	"github.com/edsrzf/mmap-go"
)

// An arena asks the system for more memory at once the more it has, in bytes, up to a huge
// page.
const (
	firstChunk = 64 << 10
	chunkLen   = 2 << 20
)

// arena hands out memory that is given back to the system at once and together. The
// garbage collector knows nothing of it: what waits to be joined is as large as the
// records, and having it collected would take as long as joining it.
type arena struct {
	chunks []mmap.MMap
	rest   []byte
}

// take returns n zero bytes, which are good until free and begin at a multiple of eight.
func (a *arena) take(n int) []byte {
	if n > len(a.rest) {
		size := firstChunk
		if have := len(a.chunks); have > 0 {
			size = min(2*len(a.chunks[have-1]), chunkLen)
		}
		chunk, err := mmap.MapRegion(nil, max(n, size), writable, mmap.ANON, 0)
		if err != nil {
			return make([]byte, n) // the collector's, then
		}
		soonFull(chunk)
		a.chunks, a.rest = append(a.chunks, chunk), chunk
	}
	b := a.rest[:n:n]
	a.rest = a.rest[min((n+7)&^7, len(a.rest)):]
	return b
}

// take returns n zeros out of a.
func take[T byte | uint32 | hash | skip](a *arena, n int) []T {
	var one T
	b := a.take(n * int(unsafe.Sizeof(one)))
	//nolint:gosec // as many bytes as n of them have, where any of them may begin
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// Close is free, for whoever has to close what was mapped.
func (a *arena) Close() error {
	a.free()
	return nil
}

func (a *arena) free() {
	for _, chunk := range a.chunks {
		_ = chunk.Unmap() // which fails for what is not mapped alone
	}
	a.chunks, a.rest = nil, nil
}
