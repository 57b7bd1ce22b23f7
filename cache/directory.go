package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"luoshu/catalog"
)

// Directory is a store in a folder of a local disk:
//
//	current.json                  the pointer
//	manifests/HASH.json           a manifest, with HASH.minisig beside it if signed
//	objects/ab/HASH.jsonl.zst     an object whose hash begins with ab
//	.lock                         what publishers and sweeps exclude each other by
//
// Readers take no lock. Whatever else lies in the folder is left alone.
type Directory struct {
	root string
}

const (
	pointerFile     = "current.json"
	manifestsDir    = "manifests"
	manifestSuffix  = ".json"
	signatureSuffix = ".minisig"
	objectsDir      = "objects"
	objectSuffix    = ".jsonl.zst"
	lockFile        = ".lock"
)

// lockPatience is how long a writer waits for another one.
const lockPatience = 10 * time.Second

// OpenDirectory returns the store in the folder at path. Nothing is touched yet:
// Prepare creates the folder, and reading from one that is not there, such as a
// disk that is not mounted, is catalog.ErrUnavailable.
func OpenDirectory(path string) (*Directory, error) {
	if path == "" {
		return nil, fmt.Errorf("directory without a path: %w", catalog.ErrInvalid)
	}
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w: %w", path, catalog.ErrInvalid, err)
	}
	return &Directory{root: root}, nil
}

// String returns the path.
func (d *Directory) String() string { return "dir:" + d.root }

// Close does nothing: no file stays open.
func (d *Directory) Close() error { return nil }

// Current implements Store.
func (d *Directory) Current(context.Context) (catalog.Pointer, error) {
	b, err := d.read(filepath.Join(d.root, pointerFile), maxPointerBytes)
	if errors.Is(err, catalog.ErrNotFound) {
		return catalog.Pointer{}, fmt.Errorf("%s: %w", d, catalog.ErrNoRelease)
	}
	if err != nil {
		return catalog.Pointer{}, fmt.Errorf("%s: pointer: %w", d, err)
	}
	p, err := catalog.ParsePointer(b)
	if err != nil {
		return catalog.Pointer{}, fmt.Errorf("%s: %w", d, err)
	}
	return p, nil
}

// Manifest implements Store.
func (d *Directory) Manifest(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return d.get("manifest", hash, d.manifestPath(hash, manifestSuffix), catalog.MaxManifestBytes)
}

// Signature implements Store.
func (d *Directory) Signature(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return d.get("signature", hash, d.manifestPath(hash, signatureSuffix), catalog.MaxSignatureBytes)
}

// Object implements Store.
func (d *Directory) Object(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return d.get("object", hash, d.objectPath(hash), catalog.MaxObjectBytes)
}

func (d *Directory) get(what string, hash catalog.Hash, path string, limit int64) ([]byte, error) {
	if !hash.Valid() {
		return nil, fmt.Errorf("%s: %s %q: %w", d, what, hash, catalog.ErrInvalid)
	}
	b, err := d.read(path, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %.12s: %w", d, what, hash, err)
	}
	return b, nil
}

// read tells a file that is not there from a disk that is not there.
func (d *Directory) read(path string, limit int64) ([]byte, error) {
	b, err := readFile(path, limit)
	if errors.Is(err, catalog.ErrNotFound) {
		if _, err := os.Stat(d.root); err != nil {
			return nil, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
		}
	}
	return b, err
}

func (d *Directory) manifestPath(hash catalog.Hash, suffix string) string {
	return filepath.Join(d.root, manifestsDir, string(hash)+suffix)
}

func (d *Directory) objectPath(hash catalog.Hash) string {
	return filepath.Join(d.root, objectsDir, string(hash[:min(2, len(hash))]), string(hash)+objectSuffix)
}

// Prepare implements Writer: it creates the folders and writes a file.
func (d *Directory) Prepare(ctx context.Context) error {
	if err := d.prepare(ctx); err != nil {
		return fmt.Errorf("%s: %w", d, err)
	}
	return nil
}

func (d *Directory) prepare(ctx context.Context) error {
	for _, dir := range []string{manifestsDir, objectsDir} {
		if err := makeDir(filepath.Join(d.root, dir)); err != nil {
			return err
		}
	}
	return d.locked(ctx, shared, func() error {
		if err := refused(stepCreate, d.root); err != nil {
			return writeError(err)
		}
		probe, err := os.CreateTemp(d.root, tempPrefix+"*")
		if err != nil {
			return writeError(err)
		}
		_, err = checkedWriter{probe}.Write([]byte("luoshu"))
		err = errors.Join(err, refused(stepSync, d.root), probe.Sync(), probe.Close(), removeFile(probe.Name()))
		if err != nil {
			return writeError(err)
		}
		return nil
	})
}

// Missing implements Writer.
func (d *Directory) Missing(_ context.Context, hashes []catalog.Hash) ([]catalog.Hash, error) {
	var missing []catalog.Hash
	for _, h := range hashes {
		if !h.Valid() {
			return nil, fmt.Errorf("%s: object %q: %w", d, h, catalog.ErrInvalid)
		}
		switch info, err := os.Stat(d.objectPath(h)); {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, h)
		case err != nil:
			return nil, fmt.Errorf("%s: object %.12s: %w", d, h, readError(err))
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%s: object %.12s is no file: %w", d, h, catalog.ErrDamaged)
		}
	}
	return missing, nil
}

// PutObject implements Writer. It writes even when the file is there, because
// what is there may be damaged.
func (d *Directory) PutObject(ctx context.Context, hash catalog.Hash, b []byte) error {
	err := checkPut(hash, b, catalog.MaxObjectBytes)
	if err == nil {
		err = d.locked(ctx, shared, func() error {
			path := d.objectPath(hash)
			if err := makeDir(filepath.Dir(path)); err != nil {
				return err
			}
			return replaceFile(path, b)
		})
	}
	if err != nil {
		return fmt.Errorf("%s: object %.12s: %w", d, hash, err)
	}
	return nil
}

// PutManifest implements Writer. The signature goes first, so that a manifest
// that was signed is never there without it.
func (d *Directory) PutManifest(ctx context.Context, hash catalog.Hash, manifest, signature []byte) error {
	err := checkPutManifest(hash, manifest, signature)
	if err == nil {
		err = d.locked(ctx, shared, func() error {
			if signature != nil {
				if err := replaceFile(d.manifestPath(hash, signatureSuffix), signature); err != nil {
					return err
				}
			}
			return replaceFile(d.manifestPath(hash, manifestSuffix), manifest)
		})
	}
	if err != nil {
		return fmt.Errorf("%s: manifest %.12s: %w", d, hash, err)
	}
	return nil
}

// Flip implements Writer.
func (d *Directory) Flip(ctx context.Context, from, to catalog.Pointer) error {
	err := d.locked(ctx, exclusive, func() error {
		current, err := currentOrNone(ctx, d)
		if err != nil {
			return err
		}
		done, err := checkMove(current, from, to)
		if err != nil {
			return err
		}
		m, err := checkComplete(ctx, d, to)
		if err != nil {
			return err
		}
		if err := d.syncNames(m); err != nil {
			return err
		}
		if !done {
			b, err := catalog.Canonical(to)
			if err != nil {
				return err
			}
			if err := replaceFile(filepath.Join(d.root, pointerFile), b); err != nil {
				return err
			}
		}
		return syncDir(d.root)
	})
	if err != nil {
		return fmt.Errorf("%s: flip: %w", d, err)
	}
	return nil
}

// syncNames makes the names of everything m needs durable before the pointer
// names m. All of its folders, not only those written to lately: a publisher that
// died may have left names that are visible and not yet durable.
func (d *Directory) syncNames(m *catalog.Manifest) error {
	dirs := map[string]bool{filepath.Join(d.root, manifestsDir): true}
	for _, ref := range m.Objects {
		dirs[filepath.Dir(d.objectPath(ref.Hash))] = true
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Sweep implements Writer. It also removes what interrupted writers left.
func (d *Directory) Sweep(ctx context.Context, current catalog.Pointer, keep Kept) (Swept, error) {
	var swept Swept
	err := d.locked(ctx, exclusive, func() error {
		now, err := currentOrNone(ctx, d)
		if err != nil {
			return err
		}
		if err := checkSweep(now, current, keep); err != nil {
			return err
		}
		if err := removeTemps(d.root, tempPrefix); err != nil {
			return err
		}
		// Manifests first: a sweep that stops half-way leaves objects that nobody
		// names, never a manifest with holes.
		manifests := filepath.Join(d.root, manifestsDir)
		if swept.Manifests, swept.Bytes, err = sweepDir(manifests, manifestSuffix, keep.Manifests); err != nil {
			return err
		}
		_, bytes, err := sweepDir(manifests, signatureSuffix, keep.Manifests)
		if err != nil {
			return err
		}
		swept.Bytes += bytes
		dirs, err := os.ReadDir(filepath.Join(d.root, objectsDir))
		if err != nil {
			return readError(err)
		}
		for _, dir := range dirs {
			if !dir.IsDir() {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			n, bytes, err := sweepDir(filepath.Join(d.root, objectsDir, dir.Name()), objectSuffix, keep.Objects)
			swept.Objects += n
			swept.Bytes += bytes
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return swept, fmt.Errorf("%s: sweep: %w", d, err)
	}
	return swept, nil
}

// sweepDir removes from dir the files HASH+suffix whose hash is not kept, and
// unfinished files.
func sweepDir(dir, suffix string, keep map[catalog.Hash]bool) (n int, bytes int64, err error) {
	if err := removeTemps(dir, tempPrefix); err != nil {
		return 0, 0, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, 0, readError(err)
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		hash := catalog.Hash(name)
		if !ok || !hash.Valid() || keep[hash] {
			continue
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
		if err := removeFile(filepath.Join(dir, e.Name())); err != nil {
			return n, bytes, writeError(err)
		}
		n++
	}
	return n, bytes, nil
}

// releases returns every release whose manifest lies in the folder and is sound,
// the latest first. Unlike History it does not need an unbroken chain: a follower
// that was switched off has gaps.
func (d *Directory) releases(ctx context.Context) ([]Held, error) {
	entries, err := os.ReadDir(filepath.Join(d.root, manifestsDir))
	if err != nil {
		return nil, fmt.Errorf("%s: manifests: %w", d, readError(err))
	}
	var held []Held
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), manifestSuffix)
		hash := catalog.Hash(name)
		if !ok || !hash.Valid() {
			continue
		}
		b, err := d.Manifest(ctx, hash)
		if err != nil {
			continue
		}
		if m, err := catalog.ParseManifest(b, hash); err == nil {
			held = append(held, Held{hash, m})
		}
	}
	slices.SortFunc(held, func(a, b Held) int { return cmp.Compare(b.Manifest.Sequence, a.Manifest.Sequence) })
	return held, nil
}

// forget removes the pointer if it cannot be read or is still at p, which nobody who is
// trusted has signed, so that a follower can write a new one. A publisher never does
// this: it would lose count of its releases.
func (d *Directory) forget(ctx context.Context, p catalog.Pointer) error {
	return d.locked(ctx, exclusive, func() error {
		if now, err := d.Current(ctx); !errors.Is(err, catalog.ErrDamaged) && (err != nil || now != p) {
			return err
		}
		if err := os.RemoveAll(filepath.Join(d.root, pointerFile)); err != nil {
			return writeError(err)
		}
		return syncDir(d.root)
	})
}

type lockMode bool

const (
	shared    lockMode = false
	exclusive lockMode = true
)

// locked runs do under the lock of the folder. Whoever adds files shares it;
// whoever moves the pointer or removes files has it alone. Nobody holds it from
// one call to the next, so a process that hangs cannot lock the others out.
func (d *Directory) locked(ctx context.Context, mode lockMode, do func() error) error {
	return locked(ctx, filepath.Join(d.root, lockFile), mode, do)
}

func locked(ctx context.Context, path string, mode lockMode, do func() error) error {
	lock := flock.New(path, flock.SetPermissions(fileMode))
	try := lock.TryRLockContext
	if mode == exclusive {
		try = lock.TryLockContext
	}
	patient, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	if _, err := try(patient, 5*time.Millisecond); err != nil {
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", catalog.ErrUnavailable, ctx.Err())
		case patient.Err() != nil:
			return fmt.Errorf("another process has been writing for %s; try again when it is done: %w", lockPatience, catalog.ErrUnavailable)
		}
		return writeError(err)
	}
	defer lock.Unlock() //nolint:errcheck // closing the file releases the lock whatever Unlock says
	return do()
}
