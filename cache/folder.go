package cache

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"luoshu/catalog"
)

// Folder is a place where bundles are dropped, such as where USB sticks are mounted:
// the store is whichever bundle in it, or in a folder of it, has the latest release. An
// empty folder, or none, holds no release. It cannot be written.
type Folder struct {
	root string

	mu      sync.Mutex
	bundles map[string]*Bundle // by path, those seen last
	latest  *Bundle
}

// maxDropped is how many bundles are looked at, in the order of their names.
const maxDropped = 32

// OpenFolder returns the store of the bundles dropped at path. Nothing is touched yet.
func OpenFolder(path string) (*Folder, error) {
	root, err := filepath.Abs(path)
	if err != nil || path == "" {
		return nil, fmt.Errorf("folder %q: %w", path, catalog.ErrInvalid)
	}
	return &Folder{root: root}, nil
}

// String returns the path.
func (f *Folder) String() string { return "bundles in " + f.root }

// Close does nothing: no file stays open.
func (f *Folder) Close() error { return nil }

// Current implements Store. A bundle that cannot be read does not hide another.
func (f *Folder) Current(ctx context.Context) (catalog.Pointer, error) {
	// A path of our own making is no bad pattern.
	paths, _ := filepath.Glob(filepath.Join(escaped(f.root), "*"+bundleSuffix))
	deeper, _ := filepath.Glob(filepath.Join(escaped(f.root), "*", "*"+bundleSuffix))
	paths = append(paths, deeper...)

	f.mu.Lock()
	defer f.mu.Unlock()
	var latest catalog.Pointer
	seen := make(map[string]*Bundle, len(paths))
	unread := error(catalog.ErrNoRelease)
	f.latest = nil
	for _, path := range paths[:min(len(paths), maxDropped)] {
		b := f.bundles[path]
		if b == nil {
			b = &Bundle{path: path}
		}
		seen[path] = b
		p, err := b.Current(ctx)
		switch {
		case err != nil:
			unread = err
		case p.Sequence > latest.Sequence:
			latest, f.latest = p, b
		}
	}
	f.bundles = seen
	if f.latest == nil {
		return catalog.Pointer{}, fmt.Errorf("%s: %w", f, unread)
	}
	return latest, nil
}

// escaped keeps what a path holds from being read as a pattern.
func escaped(path string) string {
	var b []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' && filepath.Separator == '/' {
			b = append(b, '[', r, ']')
			continue
		}
		b = append(b, r)
	}
	return string(b)
}

// chosen returns the bundle that Current chose last.
func (f *Folder) chosen() (*Bundle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.latest == nil {
		return nil, fmt.Errorf("%s: %w", f, catalog.ErrNotFound)
	}
	return f.latest, nil
}

// Manifest implements Store.
func (f *Folder) Manifest(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return chosenGet(ctx, f, hash, (*Bundle).Manifest)
}

// Signature implements Store.
func (f *Folder) Signature(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return chosenGet(ctx, f, hash, (*Bundle).Signature)
}

// Object implements Store.
func (f *Folder) Object(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return chosenGet(ctx, f, hash, (*Bundle).Object)
}

func chosenGet(ctx context.Context, f *Folder, hash catalog.Hash, get func(*Bundle, context.Context, catalog.Hash) ([]byte, error)) ([]byte, error) {
	b, err := f.chosen()
	if err != nil {
		return nil, err
	}
	return get(b, ctx, hash)
}
