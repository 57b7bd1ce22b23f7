package cache

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"luoshu/catalog"
)

// Bundle is a store in a single file, to be carried on a USB stick or kept in an
// archive: a ZIP whose entries are stored uncompressed, laid out like a
// Directory, with a README that says how to check it by hand. The same content
// always makes the same bytes.
//
// What is put is spooled beside the file until Flip writes the whole file anew.
// The file is not kept open, so that the stick can be taken out. Publishers
// exclude each other by the hidden file .NAME.lock beside it, which stays.
type Bundle struct {
	path string

	mu    sync.Mutex
	seen  os.FileInfo // the file that index describes
	index sections
	spool *spool
}

// sections maps the names in a bundle to where their bytes are.
type sections map[string]section

type section struct {
	// from is nil for the file of the bundle itself, which is opened when needed.
	from         io.ReaderAt
	offset, size int64
	crc          uint32
}

func sectionOf(raw []byte) section {
	return section{bytes.NewReader(raw), 0, int64(len(raw)), crc32.ChecksumIEEE(raw)}
}

// reader gives the bytes of s, whose bundle is file.
func (s section) reader(file io.ReaderAt) *io.SectionReader {
	if s.from != nil {
		file = s.from
	}
	return io.NewSectionReader(file, s.offset, s.size)
}

func (s section) read(file io.ReaderAt) ([]byte, error) {
	raw := make([]byte, s.size)
	if _, err := io.ReadFull(s.reader(file), raw); err != nil {
		return nil, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	if crc32.ChecksumIEEE(raw) != s.crc {
		return nil, fmt.Errorf("check sum differs: %w", catalog.ErrDamaged)
	}
	return raw, nil
}

// write adds s to z. The header is complete before the bytes, so that even a
// reader that does not seek understands it.
func (s section) write(z *zip.Writer, name string, file io.ReaderAt) error {
	h := &zip.FileHeader{
		Name: name, Method: zip.Store, CRC32: s.crc,
		CompressedSize64: uint64(s.size), UncompressedSize64: uint64(s.size),
		ModifiedDate: 1<<5 | 1, //nolint:staticcheck // 1980-01-01: CreateRaw takes this field alone
	}
	h.SetMode(fileMode)
	w, err := z.CreateRaw(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, s.reader(file))
	return err
}

const (
	bundleSuffix  = ".luoshu"
	bundlePointer = "pointer.json"
	bundleReadme  = "README.txt"
	// bundleSums lists the SHA-256 of every other entry as sha256sum -c reads it.
	bundleSums   = "SHA256SUMS"
	maxSumsBytes = 16 << 20
	// A bundle of eight releases of a million records has about 10,000 entries.
	maxBundleEntries   = 100_000
	maxBundleDirectory = 16 << 20
)

//go:embed bundle.txt
var readme []byte

// OpenBundle returns the store in the file at path. Nothing is touched yet.
func OpenBundle(path string) (*Bundle, error) {
	if path == "" {
		return nil, fmt.Errorf("bundle without a path: %w", catalog.ErrInvalid)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w: %w", path, catalog.ErrInvalid, err)
	}
	return &Bundle{path: full}, nil
}

// String returns the path.
func (b *Bundle) String() string { return b.path }

// Close drops what was put and not made current.
func (b *Bundle) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spool.drop()
	b.spool = nil
	return nil
}

// Current implements Store.
func (b *Bundle) Current(context.Context) (catalog.Pointer, error) {
	raw, err := b.read(bundlePointer)
	if errors.Is(err, catalog.ErrNotFound) {
		return catalog.Pointer{}, fmt.Errorf("%s: %w", b, catalog.ErrNoRelease)
	}
	if err != nil {
		return catalog.Pointer{}, fmt.Errorf("%s: pointer: %w", b, err)
	}
	p, err := catalog.ParsePointer(raw)
	if err != nil {
		return catalog.Pointer{}, fmt.Errorf("%s: %w", b, err)
	}
	return p, nil
}

// Manifest implements Store.
func (b *Bundle) Manifest(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return b.get("manifest", hash, manifestName(hash, manifestSuffix))
}

// Signature implements Store.
func (b *Bundle) Signature(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return b.get("signature", hash, manifestName(hash, signatureSuffix))
}

// Object implements Store.
func (b *Bundle) Object(_ context.Context, hash catalog.Hash) ([]byte, error) {
	return b.get("object", hash, objectName(hash))
}

func (b *Bundle) get(what string, hash catalog.Hash, name string) ([]byte, error) {
	raw, err := b.read(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %.12s: %w", b, what, hash, err)
	}
	return raw, nil
}

func manifestName(hash catalog.Hash, suffix string) string {
	return manifestsDir + "/" + string(hash) + suffix
}

func objectName(hash catalog.Hash) string {
	return objectsDir + "/" + string(hash[:min(2, len(hash))]) + "/" + string(hash) + objectSuffix
}

// hashIn returns the hash in the name of an entry, not valid where there is none.
func hashIn(name string) catalog.Hash {
	file := path.Base(name)
	return catalog.Hash(file[:min(64, len(file))])
}

// entryLimit returns how large the entry of that name may be, and false for a
// name that has no place in a bundle.
func entryLimit(name string) (int64, bool) {
	hash := hashIn(name)
	switch name {
	case bundlePointer, bundleReadme:
		return maxPointerBytes, true
	case bundleSums:
		return maxSumsBytes, true
	case manifestName(hash, manifestSuffix):
		return catalog.MaxManifestBytes, hash.Valid()
	case manifestName(hash, signatureSuffix):
		return catalog.MaxSignatureBytes, hash.Valid()
	case objectName(hash):
		return catalog.MaxObjectBytes, hash.Valid()
	}
	return 0, false
}

// read returns what was put under name, or what the file holds.
func (b *Bundle) read(name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.spool.sections()[name]; ok {
		return s.read(nil)
	}
	f, err := b.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, ok := b.index[name]
	if !ok {
		return nil, catalog.ErrNotFound
	}
	return s.read(f)
}

// open opens the file and makes index describe it. A file that is not there in a
// folder that is there holds nothing: catalog.ErrNotFound. The caller holds mu.
func (b *Bundle) open() (*os.File, error) {
	f, err := os.Open(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		b.seen, b.index = nil, nil
		if _, err := os.Stat(filepath.Dir(b.path)); err != nil {
			return nil, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
		}
	}
	if err != nil {
		return nil, readError(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, readError(err)
	}
	if b.seen != nil && os.SameFile(info, b.seen) && info.Size() == b.seen.Size() && info.ModTime().Equal(b.seen.ModTime()) {
		return f, nil
	}
	index, err := readSections(f, info.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	b.seen, b.index = info, index
	return f, nil
}

// readSections reads the directory of a ZIP, and accepts only what a bundle may
// hold: known names, once each, stored, of bounded size, side by side.
func readSections(r io.ReaderAt, size int64) (sections, error) {
	damaged := func(format string, args ...any) error {
		return fmt.Errorf("not a bundle: "+format+": %w", append(args, catalog.ErrDamaged)...)
	}
	// archive/zip makes room for as many entries as the file claims, and reads on
	// behind them; both are bounded here before it begins.
	count, err := claimedEntries(r, size)
	if err != nil {
		return nil, damaged("%w", err)
	}
	if count > maxBundleEntries {
		return nil, damaged("%d entries", count)
	}
	z, err := zip.NewReader(&budget{r, maxBundleDirectory}, size)
	if err != nil {
		return nil, damaged("%w", err)
	}
	if uint64(len(z.File)) != count {
		return nil, damaged("%d entries and %d claimed", len(z.File), count)
	}
	index := make(sections, len(z.File))
	for _, f := range z.File {
		limit, known := entryLimit(f.Name)
		_, twice := index[f.Name]
		switch {
		case !known:
			return nil, damaged("entry %.120q", f.Name)
		case twice:
			return nil, damaged("two entries %s", f.Name)
		case f.Method != zip.Store || f.Flags&1 != 0 || f.CompressedSize64 != f.UncompressedSize64:
			return nil, damaged("entry %s is compressed or encrypted", f.Name)
		case f.UncompressedSize64 > uint64(limit):
			return nil, damaged("entry %s has %d bytes", f.Name, f.UncompressedSize64)
		}
		offset, err := f.DataOffset()
		if err != nil || offset < 0 || offset+int64(f.UncompressedSize64) > size {
			return nil, damaged("entry %s lies outside", f.Name)
		}
		index[f.Name] = section{nil, offset, int64(f.UncompressedSize64), f.CRC32}
	}
	end := int64(0)
	for _, s := range slices.SortedFunc(maps.Values(index), func(a, b section) int { return cmp.Compare(a.offset, b.offset) }) {
		if s.offset < end {
			return nil, damaged("entries overlap")
		}
		end = s.offset + s.size
	}
	return index, nil
}

// claimedEntries returns the number of entries that the end of a ZIP without a
// comment claims (APPNOTE 6.3.10, 4.3.14 to 4.3.16).
func claimedEntries(r io.ReaderAt, size int64) (uint64, error) {
	const endLen, locatorLen, end64Len = 22, 20, 56
	var end [endLen]byte
	if _, err := r.ReadAt(end[:], size-endLen); err != nil {
		return 0, fmt.Errorf("no end record: %w", err)
	}
	if string(end[:4]) != "PK\x05\x06" || end[20] != 0 || end[21] != 0 {
		return 0, errors.New("no end record, or a comment after it")
	}
	count := uint64(binary.LittleEndian.Uint16(end[10:]))
	var locator [locatorLen]byte
	if _, err := r.ReadAt(locator[:], size-endLen-locatorLen); err != nil || string(locator[:4]) != "PK\x06\x07" {
		return count, nil //nolint:nilerr // no locator: the short form is the whole truth
	}
	var end64 [end64Len]byte
	if _, err := r.ReadAt(end64[:], int64(binary.LittleEndian.Uint64(locator[8:]))); err != nil || string(end64[:4]) != "PK\x06\x06" {
		return 0, errors.New("no ZIP64 end record")
	}
	return binary.LittleEndian.Uint64(end64[32:]), nil
}

// budget fails when more than left bytes are read. What DataOffset reads counts
// too: thirty bytes an entry.
type budget struct {
	r    io.ReaderAt
	left int64
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errors.New("directory too large")
	}
	return b.r.ReadAt(p, off)
}

// Prepare implements Writer: it creates the folder and writes a file there.
func (b *Bundle) Prepare(context.Context) error {
	err := makeDir(filepath.Dir(b.path))
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		err = b.spooling()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", b, err)
	}
	return nil
}

// spooling begins a spool unless there is one. The caller holds mu.
func (b *Bundle) spooling() (err error) {
	if b.spool == nil {
		b.spool, err = newSpool(filepath.Dir(b.path))
	}
	return err
}

// Missing implements Writer.
func (b *Bundle) Missing(_ context.Context, hashes []catalog.Hash) ([]catalog.Hash, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held, err := b.held()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b, err)
	}
	return slices.DeleteFunc(slices.Clone(hashes), func(h catalog.Hash) bool {
		_, here := held[objectName(h)]
		return here || b.spool.has(objectName(h))
	}), nil
}

// held returns what the file holds. The caller holds mu and may change it.
func (b *Bundle) held() (sections, error) {
	f, err := b.open()
	if errors.Is(err, catalog.ErrNotFound) {
		return sections{}, nil
	}
	if err != nil {
		return nil, err
	}
	f.Close()
	return maps.Clone(b.index), nil
}

// PutObject implements Writer.
func (b *Bundle) PutObject(_ context.Context, hash catalog.Hash, raw []byte) error {
	err := checkPut(hash, raw, catalog.MaxObjectBytes)
	if err == nil {
		err = b.put(objectName(hash), raw)
	}
	if err != nil {
		return fmt.Errorf("%s: object %.12s: %w", b, hash, err)
	}
	return nil
}

// PutManifest implements Writer.
func (b *Bundle) PutManifest(_ context.Context, hash catalog.Hash, manifest, signature []byte) error {
	err := checkPutManifest(hash, manifest, signature)
	if err == nil && signature != nil {
		err = b.put(manifestName(hash, signatureSuffix), signature)
	}
	if err == nil {
		err = b.put(manifestName(hash, manifestSuffix), manifest)
	}
	if err != nil {
		return fmt.Errorf("%s: manifest %.12s: %w", b, hash, err)
	}
	return nil
}

func (b *Bundle) put(name string, raw []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.spooling(); err != nil {
		return err
	}
	return b.spool.put(name, raw)
}

// Flip implements Writer: it writes the file anew, with what it held and what
// was put.
func (b *Bundle) Flip(ctx context.Context, from, to catalog.Pointer) error {
	err := b.alone(ctx, func() error {
		current, err := currentOrNone(ctx, b)
		if err != nil {
			return err
		}
		if _, err := checkMove(current, from, to); err != nil {
			return err
		}
		if _, err := checkComplete(ctx, b, to); err != nil {
			return err
		}
		pointer, err := catalog.Canonical(to)
		if err != nil {
			return err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if current == to && b.spool.empty() {
			return nil
		}
		content, err := b.held()
		if err != nil {
			return err
		}
		maps.Copy(content, b.spool.sections())
		content[bundlePointer], content[bundleReadme] = sectionOf(pointer), sectionOf(readme)
		if err := b.rewrite(content); err != nil {
			return err
		}
		b.spool.drop()
		b.spool = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: flip: %w", b, err)
	}
	return nil
}

// Sweep implements Writer. The file is written anew only when something goes.
func (b *Bundle) Sweep(ctx context.Context, current catalog.Pointer, keep Kept) (Swept, error) {
	var swept Swept
	err := b.alone(ctx, func() error {
		now, err := currentOrNone(ctx, b)
		if err != nil {
			return err
		}
		if err := checkSweep(now, current, keep); err != nil {
			return err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		content, err := b.held()
		if err != nil {
			return err
		}
		before := len(content)
		maps.DeleteFunc(content, func(name string, s section) bool {
			hash := hashIn(name)
			switch {
			case !hash.Valid() || keep.Manifests[hash] || keep.Objects[hash]:
				return false
			case strings.HasSuffix(name, manifestSuffix):
				swept.Manifests++
			case strings.HasSuffix(name, objectSuffix):
				swept.Objects++
			}
			swept.Bytes += s.size
			return true
		})
		if len(content) == before {
			return nil
		}
		return b.rewrite(content)
	})
	if err != nil {
		return Swept{}, fmt.Errorf("%s: sweep: %w", b, err)
	}
	return swept, nil
}

// alone runs do while no other process moves the pointer of this bundle.
func (b *Bundle) alone(ctx context.Context, do func() error) error {
	return locked(ctx, filepath.Join(filepath.Dir(b.path), "."+filepath.Base(b.path)+lockFile), exclusive, do)
}

// tempName begins the names of unfinished copies of the bundle. Only whoever is
// alone makes them, and may hence remove what others left.
func (b *Bundle) tempName() string { return "." + filepath.Base(b.path) + tempPrefix }

// rewrite replaces the file by one that holds content, in order of name. The
// caller holds mu and is alone.
func (b *Bundle) rewrite(content sections) error {
	if err := removeTemps(filepath.Dir(b.path), b.tempName()); err != nil {
		return err
	}
	err := replaceWith(b.path, b.tempName(), func(w io.Writer) error {
		old, err := b.open()
		if err == nil {
			defer old.Close() // before the rename: Windows replaces no open file
		} else if !errors.Is(err, catalog.ErrNotFound) {
			return err
		}
		if content[bundleSums], err = content.sums(old); err != nil {
			return err
		}
		z := zip.NewWriter(w)
		for _, name := range slices.Sorted(maps.Keys(content)) {
			if err := content[name].write(z, name, old); err != nil {
				return err
			}
		}
		return z.Close()
	})
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(b.path))
}

// sums lists the SHA-256 of every entry but itself. Most stand in their names.
func (c sections) sums(file io.ReaderAt) (section, error) {
	var list []byte
	for _, name := range slices.Sorted(maps.Keys(c)) {
		hash := hashIn(name)
		switch {
		case name == bundleSums:
			continue
		case !hash.Valid() || strings.HasSuffix(name, signatureSuffix):
			b, err := c[name].read(file)
			if err != nil {
				return section{}, err
			}
			hash = catalog.HashOf(b)
		}
		list = fmt.Appendf(list, "%s  %s\n", hash, name)
	}
	return sectionOf(list), nil
}

// spool keeps what is put until it is known where in the file it belongs. A nil
// spool is empty.
type spool struct {
	file  *os.File
	named bool // whether it still has a name
	index sections
	end   int64
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return nil, writeError(err)
	}
	// Without a name it vanishes with the process. Windows refuses; there drop
	// removes it.
	named := os.Remove(f.Name()) != nil
	return &spool{file: f, named: named, index: sections{}}, nil
}

func (s *spool) sections() sections {
	if s == nil {
		return nil
	}
	return s.index
}

func (s *spool) empty() bool { return len(s.sections()) == 0 }

func (s *spool) has(name string) bool {
	_, ok := s.sections()[name]
	return ok
}

func (s *spool) put(name string, raw []byte) error {
	if _, err := s.file.WriteAt(raw, s.end); err != nil {
		return writeError(err)
	}
	s.index[name] = section{s.file, s.end, int64(len(raw)), crc32.ChecksumIEEE(raw)}
	s.end += int64(len(raw))
	return nil
}

func (s *spool) drop() {
	if s == nil {
		return
	}
	_ = s.file.Close()
	if s.named {
		_ = os.Remove(s.file.Name())
	}
}
