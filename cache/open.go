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
	scheme, rest, _ := strings.Cut(place, ":")
	switch {
	case strings.HasPrefix(scheme, "redis") && strings.HasPrefix(rest, "//"):
		return opened(OpenRedis(place))
	case scheme == "http" || scheme == "https":
		return opened(OpenHub(place))
	case scheme == "dir":
		return opened(OpenDirectory(rest))
	case strings.HasSuffix(place, bundleSuffix):
		return opened(OpenBundle(place))
	}
	if info, err := os.Stat(place); err == nil && info.IsDir() {
		return opened(OpenDirectory(place))
	}
	// What it was given is not repeated: it may hold a password.
	return nil, fmt.Errorf("no store of that form; want one of\n%s\n: %w", Forms, catalog.ErrInvalid)
}

// opened keeps a nil pointer from becoming a store that is not nil.
func opened[S Store](s S, err error) (Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
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
