package opendata

import (
	"testing"
	"time"
)

// SetExportGate makes the gate of Handlers that are made within the test so small: slots
// in all, and for one client.
func SetExportGate(t *testing.T, slots, each int) {
	was := newGates
	newGates = func() [classes]*gate {
		g := was()
		g[Export] = newGate(slots, 1, each, time.Millisecond)
		return g
	}
	t.Cleanup(func() { newGates = was })
}
