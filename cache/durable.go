package cache

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// What is published is public: whoever runs the reader may read it, whoever ran
// the publisher.
const (
	fileMode = 0o644
	dirMode  = 0o755
	// ownMode is of what is not: keys, and what was decided.
	ownMode = 0o600
)

// tempPrefix begins the names of files that are not finished.
const tempPrefix = ".tmp-"

// fault is what tests have the disk do: it is asked before every step that changes it
// and may refuse. Nil outside of tests.
var fault atomic.Pointer[func(step, path string) error]

// Steps of a change to the disk.
const (
	stepCreate  = "create"
	stepWrite   = "write"
	stepSync    = "fsync"
	stepRename  = "rename"
	stepSyncDir = "fsync folder"
	stepMakeDir = "mkdir"
	stepRemove  = "remove"
)

func refused(step, path string) error {
	if f := fault.Load(); f != nil {
		return (*f)(step, path)
	}
	return nil
}

// removeFile removes what lies at path.
func removeFile(path string) error {
	if err := refused(stepRemove, path); err != nil {
		return err
	}
	return os.Remove(path)
}

// readFile returns the content of the file at path, at most limit bytes. A
// missing file is catalog.ErrNotFound, a folder or an oversized file
// catalog.ErrDamaged, everything else catalog.ErrUnavailable.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, readError(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, readError(err)
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is no file of at most %d bytes: %w", filepath.Base(path), limit, catalog.ErrDamaged)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		// Nothing ever grows or shrinks in place here, so it was cut by others.
		return nil, fmt.Errorf("%s: %w: %w", filepath.Base(path), catalog.ErrDamaged, err)
	}
	return b, nil
}

func readError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", catalog.ErrNotFound, err)
	}
	return fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
}

// writeError says whether a place refuses writing for good or for now.
func writeError(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", catalog.ErrReadOnly, err)
	}
	return fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
}

// replaceFile puts b at path so that a crash or power cut leaves either what was
// there before or all of b. The name is durable once the folder is synced too.
func replaceFile(path string, b []byte) error {
	return replaceWith(path, tempPrefix, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// replaceWith is replaceFile for content that is written piece by piece. temp
// begins the name of the file while it is not finished.
func replaceWith(path, temp string, write func(io.Writer) error) error {
	if err := swapIn(path, temp, fileMode, write); err != nil {
		return writeError(err)
	}
	return nil
}

// Replace puts what write gives at path, for its owner alone, so that a crash or power cut
// leaves either what was there before or all of it. The error is that of the disk, or of
// write.
func Replace(path string, write func(io.Writer) error) error {
	if err := swapIn(path, ".luoshu-", ownMode, write); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Append adds lines of JSON to the file at path, for its owner alone, and makes them
// durable. What a crash or power cut leaves of a line is dropped when the next is added.
func Append(path string, lines []byte) (err error) {
	if err := refused(stepCreate, path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, ownMode)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	size, open, err := lastLine(f)
	if err != nil {
		return err
	}
	switch {
	case len(open) == 0:
	case json.Unmarshal(open, new(any)) == nil: // only its end is missing
		lines = append([]byte{'\n'}, lines...)
	default:
		size -= int64(len(open))
		if err := cmp.Or(refused(stepWrite, path), f.Truncate(size)); err != nil {
			return err
		}
	}
	_, err = checkedWriter{f}.Write(lines)
	if err = cmp.Or(err, refused(stepSync, path)); err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Truncate(size)
		return err
	}
	if size == 0 {
		return syncDir(filepath.Dir(path))
	}
	return nil
}

// lastLine returns the size of a file, and what stands in it behind the last end of a line.
func lastLine(f *os.File) (size int64, open []byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, nil, err
	}
	size = info.Size()
	for n := int64(4 << 10); ; n *= 4 {
		from := max(size-n, 0)
		b := make([]byte, size-from)
		if _, err := f.ReadAt(b, from); err != nil {
			return 0, nil, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return size, b[i+1:], nil
		}
		if from == 0 {
			return size, b, nil
		}
	}
}

// swapIn writes a file beside path and renames it.
func swapIn(path, temp string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	if err := refused(stepCreate, path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), temp+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = removeFile(f.Name())
		}
	}()
	if err := write(checkedWriter{f}); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil && runtime.GOOS != "windows" {
		return err
	}
	// The bytes must be on the disk before the name is: renaming first leaves an
	// empty file under a trusted name after a power cut. A failed sync is not
	// tried again, because the kernel forgets the pages that it could not write;
	// the file is dropped.
	if err := cmp.Or(refused(stepSync, path), f.Sync()); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return rename(f.Name(), path)
}

// checkedWriter is a file whose writes may be refused.
type checkedWriter struct{ f *os.File }

func (w checkedWriter) Write(p []byte) (int, error) {
	if err := refused(stepWrite, w.f.Name()); err != nil {
		n, _ := w.f.Write(p[:len(p)/2]) // as a full disk does
		return n, err
	}
	return w.f.Write(p)
}

// rename is os.Rename. Windows refuses to replace a file while somebody reads
// it, and reading a pointer takes no time, so it is worth waiting there.
func rename(from, to string) error {
	if err := refused(stepRename, to); err != nil {
		return err
	}
	err := os.Rename(from, to)
	for i := 0; runtime.GOOS == "windows" && errors.Is(err, fs.ErrPermission) && i < 20; i++ {
		time.Sleep(10 * time.Millisecond)
		err = os.Rename(from, to)
	}
	return err
}

// makeDir creates the folder path and those above it, durably.
func makeDir(path string) error {
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() {
			return nil
		}
		return fmt.Errorf("%s is no folder: %w", path, catalog.ErrInvalid)
	}
	if parent := filepath.Dir(path); parent != path {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := refused(stepMakeDir, path); err != nil {
		return writeError(err)
	}
	if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return writeError(err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a folder durable. Windows cannot sync a folder and
// keeps its own journal of names.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if err := refused(stepSyncDir, path); err != nil {
		return writeError(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return writeError(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return writeError(err)
	}
	return nil
}

// removeTemps removes the unfinished files in a folder whose names begin with
// prefix.
func removeTemps(dir, prefix string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return readError(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			if err := removeFile(filepath.Join(dir, e.Name())); err != nil {
				return writeError(err)
			}
		}
	}
	return nil
}
