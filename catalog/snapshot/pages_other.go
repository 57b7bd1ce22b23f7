//go:build !linux

package snapshot

import "github.com/edsrzf/mmap-go"

// writable is how memory of an arena is mapped.
const writable = mmap.RDWR

// soonFull has no advice for other systems.
func soonFull([]byte) {}
