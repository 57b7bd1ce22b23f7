package cache

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"luoshu/catalog"
)

// Memory is a store in this process, for the embedded demonstration and for
// tests. It is lost with the process.
type Memory struct {
	name string
	// moving keeps Flip and Sweep apart; mu guards the maps for an instant only.
	moving sync.Mutex

	mu         sync.RWMutex
	pointer    catalog.Pointer
	manifests  map[catalog.Hash][]byte
	signatures map[catalog.Hash][]byte
	objects    map[catalog.Hash][]byte
	listeners  map[chan struct{}]bool
}

// NewMemory returns an empty store that calls itself name.
func NewMemory(name string) *Memory {
	return &Memory{
		name: name, manifests: map[catalog.Hash][]byte{}, signatures: map[catalog.Hash][]byte{},
		objects: map[catalog.Hash][]byte{}, listeners: map[chan struct{}]bool{},
	}
}

// String returns the name.
func (m *Memory) String() string { return m.name }

// Close does nothing: the content is collected with the store.
func (m *Memory) Close() error { return nil }

// Current implements Store.
func (m *Memory) Current(context.Context) (catalog.Pointer, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.pointer == (catalog.Pointer{}) {
		return catalog.Pointer{}, fmt.Errorf("%s: %w", m, catalog.ErrNoRelease)
	}
	return m.pointer, nil
}

// Manifest implements Store.
func (m *Memory) Manifest(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return m.get(m.manifests, "manifest", hash)
}

// Signature implements Store.
func (m *Memory) Signature(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return m.get(m.signatures, "signature", hash)
}

// Object implements Store.
func (m *Memory) Object(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return m.get(m.objects, "object", hash)
}

func (m *Memory) get(from map[catalog.Hash][]byte, what string, hash catalog.Hash) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b, ok := from[hash]
	if !ok {
		return nil, fmt.Errorf("%s: %s %.12s: %w", m, what, hash, catalog.ErrNotFound)
	}
	return b, nil
}

// Prepare implements Writer.
func (m *Memory) Prepare(context.Context) error { return nil }

// Missing implements Writer.
func (m *Memory) Missing(_ context.Context, hashes []catalog.Hash) ([]catalog.Hash, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(hashes), func(h catalog.Hash) bool { return m.objects[h] != nil }), nil
}

// PutObject implements Writer.
func (m *Memory) PutObject(_ context.Context, hash catalog.Hash, b []byte) error {
	if err := checkPut(hash, b, catalog.MaxObjectBytes); err != nil {
		return fmt.Errorf("%s: object: %w", m, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[hash] = slices.Clone(b)
	return nil
}

// PutManifest implements Writer.
func (m *Memory) PutManifest(_ context.Context, hash catalog.Hash, manifest, signature []byte) error {
	if err := checkPutManifest(hash, manifest, signature); err != nil {
		return fmt.Errorf("%s: manifest: %w", m, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if signature != nil {
		m.signatures[hash] = slices.Clone(signature)
	}
	m.manifests[hash] = slices.Clone(manifest)
	return nil
}

// Flip implements Writer. Whoever listens to Notices is told.
func (m *Memory) Flip(ctx context.Context, from, to catalog.Pointer) error {
	m.moving.Lock()
	defer m.moving.Unlock()
	current, _ := currentOrNone(ctx, m)
	done, err := checkMove(current, from, to)
	if err == nil {
		_, err = checkComplete(ctx, m, to)
	}
	if err != nil {
		return fmt.Errorf("%s: flip: %w", m, err)
	}
	if done {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pointer = to
	for c := range m.listeners {
		ring(c)
	}
	return nil
}

// Sweep implements Writer.
func (m *Memory) Sweep(_ context.Context, current catalog.Pointer, keep Kept) (Swept, error) {
	m.moving.Lock()
	defer m.moving.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := checkSweep(m.pointer, current, keep); err != nil {
		return Swept{}, fmt.Errorf("%s: %w", m, err)
	}
	var swept Swept
	for h, b := range m.manifests {
		if !keep.Manifests[h] {
			swept.Manifests++
			swept.Bytes += int64(len(b) + len(m.signatures[h]))
			delete(m.manifests, h)
			delete(m.signatures, h)
		}
	}
	for h, b := range m.objects {
		if !keep.Objects[h] {
			swept.Objects++
			swept.Bytes += int64(len(b))
			delete(m.objects, h)
		}
	}
	return swept, nil
}

// Notices implements Notifier.
func (m *Memory) Notices(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	m.mu.Lock()
	m.listeners[c] = true
	m.mu.Unlock()
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.listeners, c)
		close(c)
	})
	return c
}

// ring leaves a notice in c unless one is waiting there already.
func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
