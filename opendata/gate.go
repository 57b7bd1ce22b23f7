package opendata

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// gate lets so many requests of a class be answered at once. A few more wait a moment;
// whoever comes then is sent away at once, while the server still can.
type gate struct {
	slots    chan struct{}
	waiting  atomic.Int32
	queue    int32
	patience time.Duration
	// each is how many slots one client may hold, 0 for all: a slow reader holds one for
	// as long as a file takes.
	each  int
	mu    sync.Mutex
	holds map[identity]int
}

// newGates returns the gates of the classes. Records have none: they never wait, so that
// no number of them at once is better than another, and connections are bounded. Tests
// alone replace it.
var newGates = func() [classes]*gate {
	const patience = 50 * time.Millisecond
	return [classes]*gate{
		Search: newGate(2*runtime.GOMAXPROCS(0), 256, 0, patience),
		Export: newGate(64, 64, 16, patience),
	}
}

func newGate(slots, queue, each int, patience time.Duration) *gate {
	return &gate{slots: make(chan struct{}, slots), queue: int32(queue), each: each, patience: patience, holds: map[identity]int{}}
}

// enter takes a slot, and reports whether there was one in time.
func (g *gate) enter() bool {
	select {
	case g.slots <- struct{}{}:
		return true
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.queue {
		return false
	}
	timer := time.NewTimer(g.patience)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

func (g *gate) leave() { <-g.slots }

// hold counts one more request of a client, and reports whether it may have that many.
func (g *gate) hold(id identity) bool {
	if g.each == 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holds[id] >= g.each {
		return false
	}
	g.holds[id]++
	return true
}

// release takes back a hold.
func (g *gate) release(id identity) {
	if g.each == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holds[id]--; g.holds[id] <= 0 {
		delete(g.holds, id)
	}
}
