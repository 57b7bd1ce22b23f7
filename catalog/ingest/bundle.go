package ingest

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// The records of a bundle are those of its current release, of all datasets:
// they refer to one another, and each knows its own.
//
// A record that the importing publisher published keeps its identifier, its
// source digest and so its printed codes: reading one's own bundle changes
// nothing. A record of another publisher becomes a new one, whose source key is
// the identifier it had, so that reading the bundle again finds it; references
// among such records follow.

// origin is what a record of a bundle was before.
type origin struct {
	entry     catalog.Entry
	publisher string
	sample    bool
	raw       map[string]string
	// foreign holds the identifiers that will be others here.
	foreign map[catalog.ID]bool
}

// The parts of a bundle. A directory of the same layout is a store as well.
const (
	bundlePointer    = "pointer.json"
	maxPointerBytes  = 64 << 10
	maxBundleEntries = 100_000
)

// bundle reads a .luoshu file.
func (s *source) bundle(ctx context.Context, in io.Reader) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		release, err := openBundle(ctx, in)
		if err != nil {
			yield(row{}, err)
			return
		}
		foreign := map[catalog.ID]bool{}
		for _, e := range release.Entries {
			if e.Publisher() != s.opt.Publisher {
				foreign[e.ID] = true
			}
		}
		if len(foreign) > 0 {
			s.note("", 0, finding{
				"", "bundle", fmt.Sprintf("%d 条属于其他发布者，作为新条目导入，编号不同", len(foreign)),
				fmt.Sprintf("%d records belong to another publisher and are taken in as new ones, under other identifiers", len(foreign)),
			})
		}
		for i, e := range release.Entries {
			r := row{number: i + 1, line: e.Raw, origin: &origin{entry: e, publisher: e.Publisher(), foreign: foreign}}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func openBundle(ctx context.Context, in io.Reader) (*catalog.Release, error) {
	file, err := readAll(in, MaxBundleBytes)
	if err != nil {
		return nil, err
	}
	archive, err := openArchive(file, file.size, maxBundleEntries)
	if err != nil {
		return nil, err
	}
	parts := map[string]*zip.File{}
	for _, f := range archive.File {
		parts[f.Name] = f
	}
	damaged := func(err error) error {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return refuseBecause("目录包已损坏", "the bundle is damaged", err)
	}
	b, err := part(parts[bundlePointer], bundlePointer, maxPointerBytes)
	if err != nil {
		return nil, damaged(err)
	}
	pointer, err := catalog.ParsePointer(b)
	if err != nil {
		return nil, damaged(err)
	}
	name := "manifests/" + string(pointer.Manifest) + ".json"
	if b, err = part(parts[name], name, catalog.MaxManifestBytes); err != nil {
		return nil, damaged(err)
	}
	manifest, err := catalog.ParseManifest(b, pointer.Manifest)
	if err != nil {
		return nil, damaged(err)
	}
	release, err := catalog.LoadRelease(ctx, manifest, pointer.Manifest, func(_ context.Context, ref catalog.ObjectRef) ([]byte, error) {
		name := "objects/" + string(ref.Hash[:2]) + "/" + string(ref.Hash) + ".jsonl.zst"
		return part(parts[name], name, catalog.MaxObjectBytes)
	})
	if err != nil {
		return nil, damaged(err)
	}
	return release, nil
}

// part reads a part of a bundle, which is stored as it is.
func part(f *zip.File, name string, limit uint64) ([]byte, error) {
	if f == nil {
		return nil, fmt.Errorf("%s is missing: %w", name, catalog.ErrDamaged)
	}
	if f.Method != zip.Store || f.UncompressedSize64 > limit {
		return nil, fmt.Errorf("%s is compressed or has %d bytes: %w", name, f.UncompressedSize64, catalog.ErrDamaged)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, f.UncompressedSize64)
	_, err = io.ReadFull(r, b)
	return b, err
}

// own leaves out of cells what publishing sets, and keeps what of it the record
// shall have again.
func (o *origin) own(cells []cell) []cell {
	cells = slices.DeleteFunc(cells, func(c cell) bool {
		switch c.column {
		case "sample":
			o.sample = string(c.json) == "true"
		case "raw":
			_ = json.Unmarshal(c.json, &o.raw) // of a verified release
		}
		f, ok := catalog.LookupField(o.entry.Dataset, c.column)
		return ok && f.Assigned()
	})
	if o.foreign[o.entry.ID] {
		cells = append(cells, cell{column: sourceKey, text: string(o.entry.ID)})
	}
	return cells
}

// restore gives a record back what own kept, and turns references to records that
// will have other identifiers into references by key.
func (o *origin) restore(r catalog.Record) {
	h := r.Head()
	if h.Raw == nil {
		h.Raw = o.raw
	}
	byKey := func(s string) string {
		if o.foreign[catalog.ID(s)] {
			return keyPrefix + s
		}
		return s
	}
	catalog.Rewrite(r, func(f catalog.Field, s string) string {
		if f.Type == "ref" {
			return byKey(s)
		}
		return s
	})
	for i := range h.Relations {
		if l := &h.Relations[i]; l.Scheme == "record" {
			l.Value = byKey(l.Value)
		}
	}
}

// holder returns the source that id belongs to, or belonged to, in the catalog
// that is imported into.
func holder(base *catalog.Release, id catalog.ID) (source string, taken bool) {
	if base == nil {
		return "", false
	}
	if e, ok := base.Find(id); ok {
		return e.Source(), true
	}
	if t, ok := base.Manifest.Find(id); ok {
		return t.Source, true
	}
	return "", false
}
