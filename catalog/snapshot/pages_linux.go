package snapshot

import (
	"unsafe"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

// writable is how memory of an arena is mapped. Linux has huge pages for what is private,
// and shared memory is a file to it.
const writable = mmap.COPY

// soonFull tells the system that b, which nobody has touched yet, is about to be filled,
// so that it comes in huge pages: one fault for 2 MB instead of 512, each of which costs
// a virtual machine microseconds. A system that has none does nothing.
func soonFull(b []byte) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b))) //nolint:gosec // an address, to find whole pages by
	from := (at + chunkLen - 1) &^ (chunkLen - 1)
	if to := (at + uintptr(len(b))) &^ (chunkLen - 1); from < to {
		_ = unix.Madvise(b[from-at:to-at], unix.MADV_HUGEPAGE) // advice that need not be taken
	}
}
