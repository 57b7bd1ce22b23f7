package cache

import (
	"context"
	"fmt"

	"luoshu/catalog"
)

// Collect removes from w everything that the last keep releases (Keep if that is
// not positive) do not name, and returns what it removed. The error wraps
// catalog.ErrConflict when a release was published meanwhile: nothing is removed
// then.
func Collect(ctx context.Context, w Writer, keep int) (Swept, error) {
	held, err := History(ctx, w, keep)
	if err != nil {
		return Swept{}, fmt.Errorf("collect: %w", err)
	}
	swept, err := w.Sweep(ctx, held[0].Pointer(), kept(held))
	if err != nil {
		return swept, fmt.Errorf("collect: %w", err)
	}
	return swept, nil
}

// Resumer is a store whose sweeps can be interrupted half-way.
type Resumer interface {
	// ResumeSweep finishes a sweep whose process has died. Whoever calls it has
	// made sure of that. Where no sweep is pending, it does nothing.
	ResumeSweep(ctx context.Context) (Swept, error)
}

// Resume finishes an interrupted sweep of w. The error wraps catalog.ErrInvalid
// when sweeps of that kind of store leave nothing to resume.
func Resume(ctx context.Context, w Writer) (Swept, error) {
	r, ok := w.(Resumer)
	if !ok {
		return Swept{}, fmt.Errorf("%s: a sweep of this store leaves nothing to resume; start it again: %w", w, catalog.ErrInvalid)
	}
	return r.ResumeSweep(ctx)
}
