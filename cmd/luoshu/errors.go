package main

import (
	"errors"

	"luoshu/catalog"
)

// errUsage is the kind of a fault in how the command was called.
var errUsage = errors.New("wrong usage")

// usage says that the command was called wrongly.
func usage(zh, en string, args ...any) error {
	return catalog.NewTextError(errUsage, catalog.Text{ZH: zh, EN: en}, args...)
}

// asUsage makes err a fault of the call.
func asUsage(err error) error { return usage("%v", "%v", err) }

// refused says why nothing may be published, or why the operator must act all the
// same.
func refused(zh, en string, args ...any) error {
	return catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: zh, EN: en}, args...)
}

// noRelease says that nothing was published to a store yet.
func noRelease(store any) error {
	return catalog.NewTextError(catalog.ErrNoRelease, catalog.Text{ZH: "%v 还没有发布过", EN: "%v: no release"}, store)
}
