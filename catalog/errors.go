package catalog

import "errors"

// Sentinel errors. Every boundary wraps them once with what it was doing; the
// surfaces map them to an answer in one table each.
var (
	// ErrNotFound: no record, release or object of that name exists.
	ErrNotFound = errors.New("not found")
	// ErrWithdrawn: the record was published once and has been withdrawn; a
	// tombstone tells when and why.
	ErrWithdrawn = errors.New("withdrawn")
	// ErrInvalid: what was given breaks a rule; the text says which.
	ErrInvalid = errors.New("invalid")
	// ErrCheckCharacter: an identifier of the right form whose check character
	// does not fit. It was mistyped. It is also ErrInvalid.
	ErrCheckCharacter = &checkError{}
	// ErrNoRelease: the store answers and holds no release. For a reader that is
	// an outage, never an empty catalog.
	ErrNoRelease = errors.New("no release")
	// ErrDamaged: bytes do not have the hash, size or form the manifest promises.
	ErrDamaged = errors.New("damaged")
	// ErrConflict: somebody else moved the pointer in the meantime.
	ErrConflict = errors.New("the current release changed meanwhile")
	// ErrOlder: a release with a sequence number at or below the one already
	// held. Nobody moves backwards.
	ErrOlder = errors.New("older than the release already held")
	// ErrForeign: a release of another catalog.
	ErrForeign = errors.New("belongs to another catalog")
	// ErrUntrusted: nobody who is trusted here has signed it.
	ErrUntrusted = errors.New("not signed by anyone trusted here")
	// ErrUnavailable: the store cannot be reached or refuses to answer.
	ErrUnavailable = errors.New("store unavailable")
	// ErrReadOnly: the store cannot be written.
	ErrReadOnly = errors.New("read-only store")
)

type checkError struct{}

func (*checkError) Error() string        { return "check character does not fit" }
func (*checkError) Is(target error) bool { return target == ErrInvalid }
