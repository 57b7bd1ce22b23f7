package kiosk

import (
	"runtime"
	"sync"
	"time"

	"luoshu/catalog"
)

const (
	// pressPatience is how long a print waits for its turn.
	pressPatience = 2 * time.Second
	// mostPressed bounds the prints that are kept, in bytes.
	mostPressed = 8 << 20
)

// press makes prints, which cost a hundred times what another page does: few at once, so
// that whoever asks for many keeps nobody else waiting, and each once for a release as long
// as there is room to keep it.
type press struct {
	slots    chan struct{}
	patience time.Duration

	mu      sync.Mutex
	release catalog.Hash
	kept    map[string][]byte // by the tag of the page
	size    int
}

func newPress() *press {
	return &press{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), patience: pressPatience}
}

// page returns the page that rq asks for, which lay lays out unless it is kept. The error
// is errPrintBusy when there was no turn in time.
func (p *press) page(rq *request, lay func() ([]byte, error)) ([]byte, error) {
	tag := rq.tag()
	if b := p.find(rq.snap.Hash(), tag); b != nil {
		return b, nil
	}
	wait := time.NewTimer(p.patience)
	defer wait.Stop()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-wait.C:
		return nil, errPrintBusy
	}
	if b := p.find(rq.snap.Hash(), tag); b != nil {
		return b, nil // whoever went before asked for the same
	}
	b, err := lay()
	if err == nil {
		p.keep(rq.snap.Hash(), tag, b)
	}
	return b, err
}

func (p *press) find(release catalog.Hash, tag string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.release != release {
		return nil
	}
	return p.kept[tag]
}

func (p *press) keep(release catalog.Hash, tag string, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.release != release {
		p.release, p.kept, p.size = release, map[string][]byte{}, 0
	}
	if len(b) > mostPressed {
		return
	}
	for other, old := range p.kept { // in no order: any one makes room
		if p.size+len(b) <= mostPressed {
			break
		}
		delete(p.kept, other)
		p.size -= len(old)
	}
	p.kept[tag] = b
	p.size += len(b)
}
