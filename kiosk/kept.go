package kiosk

import (
	"sync"

	"luoshu/catalog"
)

// kept holds what is worked out once for a release, because many records are read for
// it. Nothing in it depends on the visitor.
type kept[T any] struct {
	mu      sync.Mutex
	release catalog.Hash
	value   T
}

// of returns the value for rq's release, which find works out when it is not there yet.
func (k *kept[T]) of(rq *request, find func(*request) (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.release == rq.snap.Hash() {
		return k.value, nil
	}
	v, err := find(rq)
	if err == nil {
		k.release, k.value = rq.snap.Hash(), v
	}
	return v, err
}
