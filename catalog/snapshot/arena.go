package snapshot

import "github.com/edsrzf/mmap-go"

// chunkLen is how much memory an arena asks the system for at once, in bytes: a huge page.
const chunkLen = 2 << 20

// arena hands out memory that is given back to the system at once and together. The
// garbage collector knows nothing of it: what waits to be joined is as large as the
// records, and having it collected would take as long as joining it.
type arena struct {
	chunks []mmap.MMap
	rest   []byte
}

// take returns n zero bytes, which are good until free.
func (a *arena) take(n int) []byte {
	if n > len(a.rest) {
		chunk, err := mmap.MapRegion(nil, max(n, chunkLen), writable, mmap.ANON, 0)
		if err != nil {
			return make([]byte, n) // the collector's, then
		}
		soonFull(chunk)
		a.chunks, a.rest = append(a.chunks, chunk), chunk
	}
	b := a.rest[:n:n]
	a.rest = a.rest[n:]
	return b
}

func (a *arena) free() {
	for _, chunk := range a.chunks {
		_ = chunk.Unmap() // which fails for what is not mapped alone
	}
	a.chunks, a.rest = nil, nil
}
