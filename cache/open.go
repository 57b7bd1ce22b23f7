package cache

import (
	"context"
	"fmt"
	"os"
	"strings"

	"luoshu/catalog"
)

// Forms are the places Open accepts, for messages to people.
const Forms = RedisForms + `
dir:PATH, or the PATH of a directory
PATH.luoshu (a bundle file)
https://HOST or http://HOST (another node, to read only)`

// Open returns the store at place, one of Forms. Nothing is asked or touched
// yet. The error wraps catalog.ErrInvalid.
func Open(_ context.Context, place string) (Store, error) {
	scheme, _, _ := strings.Cut(place, ":")
	switch {
	case strings.HasPrefix(place, "redis"+"") && strings.Contains(place, "://"):
		return OpenRedis(place)
	case scheme == "http" || scheme == "https":
		return OpenHub(place)
	case scheme == "dir":
		return OpenDirectory(strings.TrimPrefix(place, "dir:"))
	case strings.HasSuffix(place, bundleSuffix):
		return OpenBundle(place)
	}
	if info, err := os.Stat(place); err == nil && info.IsDir() {
		return OpenDirectory(place)
	}
	// What it was given is not repeated: it may hold a password.
	return nil, fmt.Errorf("no store of that form; want one of\n%s\n: %w", Forms, catalog.ErrInvalid)
}

// OpenWriter is Open for a store to publish to. The error wraps
// catalog.ErrReadOnly when the place can only be read.
func OpenWriter(ctx context.Context, place string) (Writer, error) {
	s, err := Open(ctx, place)
	if err != nil {
		return nil, err
	}
	w, ok := s.(Writer)
	if !ok {
		_ = s.Close()
		return nil, fmt.Errorf("%s: %w", s, catalog.ErrReadOnly)
	}
	return w, nil
}
