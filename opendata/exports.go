package opendata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// exportsVersion is part of what names a set of exports. It must grow whenever the
// same release gives other files than before.
const exportsVersion = 2

const (
	// maxMemoryCatalog is how large the records of a catalog may be, together, whose
	// exports are kept in memory. A sheet of them stays below the 16 MB from which
	// excelize writes to disk: what a preview shows must not get there.
	maxMemoryCatalog = 4 << 20
	// exportRetry is the time after which exports that could not be made are tried
	// again.
	exportRetry = 5 * time.Minute

	exportIndex   = "index.json"
	exportTemp    = ".tmp-"
	exportChanges = "changes"
	// cancelEvery is the number of records after which a newer release is looked for.
	cancelEvery = 256
)

// ExporterConfig is what an Exporter needs.
type ExporterConfig struct {
	// Dir is a folder that no other exporter uses. Empty keeps the files in memory,
	// which is for a catalog of a few megabytes.
	Dir string
	// Reading is called before records are read, and the function it returns when they
	// have been: as long they must not go away. Nil is for records that never do.
	Reading func() (done func())
	// Logger is told what was made and what failed; nil discards it.
	Logger *slog.Logger
}

// Exporter makes the files for bulk download of one release at a time and measures its
// quality before, away from any request. It is safe for concurrent use; Run is called once.
//
//	DIR/HASH/achievements.csv   a file of the release whose manifest is HASH
//	DIR/HASH/index.json         lists them; a set without it is not finished
//	DIR/changes/                changes between releases, until the next release
type Exporter struct {
	dir     string
	reading func() func()
	log     *slog.Logger
	wake    chan struct{}
	deltas  deltas

	mu     sync.Mutex
	next   *snapshot.Snapshot // nil when there is nothing to do
	cancel context.CancelFunc // of what is being made, or nil
	made   *exportSet
	// figures are what was measured of the release that is exported or was last.
	figures measured
	failed  catalog.Hash // the release whose exports could not be made
}

// exportSet is all exports of a release. It does not hold the snapshot.
type exportSet struct {
	hash  catalog.Hash
	files []exported
}

// exported is a file of an export, in the identity coding and others.
type exported struct {
	dataset  catalog.Dataset
	format   exportFormat
	variants []variant
}

// NewExporter returns an Exporter that has made nothing yet.
func NewExporter(c ExporterConfig) *Exporter {
	x := &Exporter{
		dir: c.Dir, reading: c.Reading, log: c.Logger, wake: make(chan struct{}, 1),
		deltas: deltas{turn: make(chan struct{}, 1)},
	}
	if x.dir != "" {
		x.deltas.dir = filepath.Join(x.dir, exportChanges)
	}
	if x.reading == nil {
		x.reading = func() func() { return func() {} }
	}
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	return x
}

// Swap tells that s is the current release. It returns at once: Run makes the exports,
// and gives up those of a release before.
func (x *Exporter) Swap(s *snapshot.Snapshot) {
	x.mu.Lock()
	x.next = s
	if x.cancel != nil {
		x.cancel()
	}
	x.mu.Unlock()
	// The releases that are kept have changed with it.
	x.deltas.clear()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// Run makes exports until ctx ends.
func (x *Exporter) Run(ctx context.Context) {
	if x.dir != "" {
		_ = os.RemoveAll(x.deltas.dir) // of another run
	}
	retry := time.NewTimer(exportRetry)
	defer retry.Stop()
	var last *snapshot.Snapshot
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		case <-retry.C:
			x.mu.Lock()
			if x.next == nil {
				x.next = last
			}
			x.mu.Unlock()
		}
		if s := x.make(ctx); s != nil {
			last = s
			retry.Reset(exportRetry)
		} else {
			last = nil
		}
	}
}

// make makes the exports of the release that is next, and returns it when they could
// not be made.
func (x *Exporter) make(ctx context.Context) *snapshot.Snapshot {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x.mu.Lock()
	s := x.next
	x.next, x.cancel = nil, cancel
	if s == nil || x.made != nil && x.made.hash == s.Hash() {
		x.cancel = nil
		x.mu.Unlock()
		return nil
	}
	x.mu.Unlock()

	// What is of another release is not given out any more, and must not outlive a
	// recall of what it holds.
	x.sweep(ctx, s.Hash())
	x.measure(ctx, s)
	start := time.Now()
	set, err := x.export(ctx, s)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cancel = nil
	release := slog.Int64("release", s.Manifest().Sequence)
	switch {
	case err == nil:
		x.made, x.failed = set, ""
		// What the writers took is the machine's again, at once.
		debug.FreeOSMemory()
		x.log.InfoContext(ctx, "exports made", release, slog.Duration("took", time.Since(start).Round(time.Millisecond)))
	case ctx.Err() == nil:
		x.failed = s.Hash()
		x.log.WarnContext(ctx, "exports cannot be made", release, slog.Any("error", err))
		return s
	}
	return nil
}

// export returns the exports of s: those of an earlier run where they are still whole,
// or new ones.
func (x *Exporter) export(ctx context.Context, s *snapshot.Snapshot) (*exportSet, error) {
	set := &exportSet{hash: s.Hash()}
	if x.dir == "" {
		if s.Manifest().RawBytes > maxMemoryCatalog {
			return nil, fmt.Errorf("opendata: no folder for the exports of a catalog of %d bytes: %w", s.Manifest().RawBytes, catalog.ErrUnavailable)
		}
		return set, x.write(ctx, s, set, "", "")
	}
	final := filepath.Join(x.dir, string(s.Hash()))
	if set.files = restored(final); set.files != nil {
		return set, nil
	}
	if err := os.MkdirAll(x.dir, 0o755); err != nil { //nolint:gosec // what is published is public
		return nil, err
	}
	temp, err := os.MkdirTemp(x.dir, exportTemp+"*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := os.Chmod(temp, 0o755); err != nil { //nolint:gosec // what is published is public
		return nil, err
	}
	if err := x.write(ctx, s, set, temp, final); err != nil {
		return nil, err
	}
	b, err := json.Marshal(set.index())
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(temp, exportIndex), b, 0o644); err != nil { //nolint:gosec // what is published is public
		return nil, err
	}
	return set, replaceDir(temp, final)
}

// write makes the files of set in the folder temp, to be found in the folder final.
func (x *Exporter) write(ctx context.Context, s *snapshot.Snapshot, set *exportSet, temp, final string) error {
	for info := range catalog.Datasets() {
		if err := x.writeDataset(ctx, s, info, set, temp, final); err != nil {
			return fmt.Errorf("%s: %w", info.Name, err)
		}
	}
	return nil
}

// writeDataset makes the files of one dataset in one pass over its records.
func (x *Exporter) writeDataset(ctx context.Context, s *snapshot.Snapshot, info catalog.DatasetInfo, set *exportSet, temp, final string) (err error) {
	// As long, the records stay where they are.
	defer x.reading()()
	rows := newFlattener(info.Name)
	t := exportTable{dataset: info, columns: rows.columns, manifest: s.Manifest(), hash: s.Hash(), dir: temp}
	files := make([]exporting, len(exportFormats))
	defer func() {
		for i := range files {
			files[i].abandon()
		}
	}()
	for i, f := range exportFormats {
		if err := files[i].begin(f, t, temp, string(info.Name)+"."+f.name()); err != nil {
			return err
		}
	}
	n := 0
	for e := range s.All(info.Name) {
		if n++; n%cancelEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		cells, err := rows.row(e)
		if err != nil {
			return err
		}
		for i := range files {
			if err := files[i].rows.record(e.Raw, cells); err != nil {
				return err
			}
		}
	}
	for i, f := range exportFormats {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		variants, err := files[i].finish(final)
		if err != nil {
			return err
		}
		set.files = append(set.files, exported{info.Name, f, variants})
	}
	return nil
}

// exporting is a file being made, in all its codings.
type exporting struct {
	name   string
	rows   rowWriter
	codes  []io.WriteCloser
	stores []*storing // the identity first, then by coder
	closed bool
}

func (f *exporting) begin(format exportFormat, t exportTable, dir, name string) error {
	f.name = name
	var all []io.Writer
	open := func(suffix string) (*storing, error) {
		path := ""
		if dir != "" {
			path = filepath.Join(dir, name+suffix)
		}
		s, err := beginStored(path)
		if err == nil {
			f.stores = append(f.stores, s)
		}
		return s, err
	}
	s, err := open("")
	if err != nil {
		return err
	}
	all = append(all, s)
	if format.text {
		for _, c := range coders {
			s, err := open(c.suffix)
			if err != nil {
				return err
			}
			w, err := c.begin(s)
			if err != nil {
				return err
			}
			f.codes = append(f.codes, w)
			all = append(all, w)
		}
	}
	f.rows, err = format.begin(io.MultiWriter(all...), t)
	return err
}

// finish ends the file, which is found in the folder dir from now on.
func (f *exporting) finish(dir string) ([]variant, error) {
	f.closed = true
	if err := f.rows.close(); err != nil {
		return nil, err
	}
	for _, c := range f.codes {
		if err := c.Close(); err != nil {
			return nil, err
		}
	}
	f.codes = nil
	var variants []variant
	for i, s := range f.stores {
		v, suffix := variant{}, ""
		if i > 0 {
			v.coding, suffix = coders[i-1].coding, coders[i-1].suffix
		}
		path := ""
		if dir != "" {
			path = filepath.Join(dir, f.name+suffix)
		}
		var err error
		if v.stored, err = s.finish(path); err != nil {
			return nil, err
		}
		variants = append(variants, v)
	}
	f.stores = nil
	return variants, nil
}

// abandon lets go of what finish has not ended.
func (f *exporting) abandon() {
	if f.rows.abandon != nil && !f.closed {
		_ = f.rows.abandon()
	}
	for _, c := range f.codes {
		_ = c.Close()
	}
	for _, s := range f.stores {
		s.drop()
	}
}

// sweep removes the exports of other releases than hash, and nothing that is not ours.
func (x *Exporter) sweep(ctx context.Context, hash catalog.Hash) {
	if x.dir == "" {
		return
	}
	entries, err := os.ReadDir(x.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return // nothing was made here yet
	}
	for _, e := range entries {
		if e.Name() != string(hash) && (catalog.Hash(e.Name()).Valid() || strings.HasPrefix(e.Name(), exportTemp)) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(x.dir, e.Name())))
		}
	}
	if err != nil {
		x.log.WarnContext(ctx, "old exports not removed", slog.Any("error", err))
	}
}

// indexed is index.json.
type indexed struct {
	// Made names the program and vocabulary that made the files: others would make
	// other ones.
	Made  string        `json:"made"`
	Files []indexedFile `json:"files"`
}

type indexedFile struct {
	Name   string       `json:"name"`
	Coding string       `json:"coding,omitzero"`
	Bytes  int64        `json:"bytes"`
	Sum    catalog.Hash `json:"sha256"`
}

func madeBy() string { return fmt.Sprintf("%d %s", exportsVersion, catalog.Vocabulary()) }

func (s *exportSet) index() indexed {
	x := indexed{Made: madeBy()}
	for _, f := range s.files {
		for _, v := range f.variants {
			x.Files = append(x.Files, indexedFile{filepath.Base(v.path), v.coding, v.size, v.sum})
		}
	}
	return x
}

// restored returns the files of a set that is whole, else nil.
func restored(dir string) []exported {
	b, err := os.ReadFile(filepath.Join(dir, exportIndex))
	if err != nil {
		return nil
	}
	var x indexed
	if json.Unmarshal(b, &x) != nil || x.Made != madeBy() {
		return nil
	}
	byName := map[string]indexedFile{}
	for _, f := range x.Files {
		byName[f.Name] = f
	}
	var files []exported
	for info := range catalog.Datasets() {
		for _, f := range exportFormats {
			e := exported{dataset: info.Name, format: f}
			suffixes := []coder{{}}
			if f.text {
				suffixes = append(suffixes, coders...)
			}
			for _, c := range suffixes {
				name := string(info.Name) + "." + f.name() + c.suffix
				k, ok := byName[name]
				v := variant{c.coding, stored{path: filepath.Join(dir, name), size: k.Bytes, sum: k.Sum}}
				if !ok || !v.sound() {
					return nil
				}
				e.variants = append(e.variants, v)
			}
			files = append(files, e)
		}
	}
	return files
}

// set returns the exports of the release hash, or why there are none yet.
func (x *Exporter) set(hash catalog.Hash) (*exportSet, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.made != nil && x.made.hash == hash:
		return x.made, nil
	case x.failed == hash || x.wake == nil:
		return nil, fmt.Errorf("opendata: this node has no exports: %w", catalog.ErrUnavailable)
	}
	return nil, nil
}

// noExporter keeps changes in memory and never makes exports.
func noExporter() *Exporter {
	x := NewExporter(ExporterConfig{})
	x.wake = nil
	return x
}

// The parameters of an export.
var (
	exportDatasetParameter = Parameter{
		Name: "dataset", In: "path", Type: "string", Max: 32, values: allDatasets,
		Description: datasetParameter.Description,
		set: func(r *request, v string) error {
			name, _, _ := strings.Cut(v, ".")
			return datasetParameter.set(r, name)
		},
	}
	profileParameter = Parameter{
		Name: "profile", In: "query", Type: "string", Max: 8, Default: "raw",
		values: func(catalog.Dataset) []string { return []string{"raw", "excel"} },
		Description: catalog.Text{
			ZH: "raw 原样；excel 供 Excel 打开：带 BOM、中文表头，会被当作公式的文字前加撇号",
			EN: "raw as it is; excel to be opened there: with BOM, a Chinese header, and an apostrophe before texts that would be computed",
		},
		set: func(r *request, v string) error {
			switch v {
			case "raw":
				r.profile = ""
			case "excel":
				r.profile = v
			default:
				return &faultError{kind: badProfile, value: v, suggestion: closest(v, []string{"raw", "excel"})}
			}
			return nil
		},
	}
)

// exportOperations are the listing and one operation for each extension.
func exportOperations() []Operation {
	operations := []Operation{{
		Path: root + "/exports", Produces: typeJSON, serve: (*Handler).exportList, data: []exportEntry{},
		Summary: catalog.Text{ZH: "供整体下载的文件：格式、大小、SHA-256", EN: "Files for bulk download with format, size and SHA-256"},
	}}
	summaries := map[string]catalog.Text{
		"csv":     {ZH: "一个数据集的全部记录：CSV", EN: "All records of a dataset as CSV"},
		"jsonl":   {ZH: "一个数据集的全部记录：JSON Lines，每行与发布中的记录逐字节相同", EN: "All records of a dataset as JSON Lines, each line the record's bytes in the release"},
		"xlsx":    {ZH: "一个数据集的全部记录：Excel 工作簿", EN: "All records of a dataset as an Excel workbook"},
		"parquet": {ZH: "一个数据集的全部记录：Parquet，列表与对象保持嵌套", EN: "All records of a dataset as Parquet, lists and objects nested as they are"},
	}
	for _, f := range exportFormats {
		if f.profile != "" {
			continue
		}
		op := Operation{
			Path: root + "/exports/{dataset}." + f.extension, Produces: f.mediaType, Class: Export, Summary: summaries[f.extension], file: true,
			Parameters: []Parameter{exportDatasetParameter},
			serve:      func(h *Handler, r *request) error { return h.export(r, f.extension) },
		}
		if f.extension == "csv" {
			op.Parameters = append(op.Parameters, profileParameter)
		}
		operations = append(operations, op)
	}
	return operations
}

// exportsOf returns the exports of the release being answered from.
func (h *Handler) exportsOf(r *request) (*exportSet, error) {
	set, err := h.exports.set(r.snap.Hash())
	if err == nil && set == nil {
		err = &problemError{kind: exportsPending, fill: []string{"{seq}", string(r.edition.sequence)}}
	}
	return set, err
}

func (h *Handler) export(r *request, extension string) error {
	set, err := h.exportsOf(r)
	if err != nil {
		return err
	}
	for _, f := range set.files {
		if f.dataset != r.dataset.Name || f.format.extension != extension || f.format.profile != r.profile {
			continue
		}
		m := r.snap.Manifest()
		return r.sendFile(download{
			variants: f.variants, mediaType: f.format.mediaType, manifest: m,
			name: fmt.Sprintf("%s-%d-%s.%s", m.Catalog, m.Sequence, f.dataset, f.format.name()),
		})
	}
	return catalog.ErrNotFound
}

// exportEntry is an item of /api/v1/exports.
type exportEntry struct {
	Dataset   catalog.Dataset   `json:"dataset"`
	Format    string            `json:"format"`
	Profile   string            `json:"profile,omitzero"`
	MediaType string            `json:"media_type"`
	Records   int               `json:"records"`
	Bytes     int64             `json:"bytes"`
	SHA256    catalog.Hash      `json:"sha256"`
	Encodings []exportEncoding  `json:"encodings,omitempty"`
	Links     map[string]string `json:"links"`
}

// exportEncoding is the same file in another content coding.
type exportEncoding struct {
	Coding string       `json:"coding"`
	Bytes  int64        `json:"bytes"`
	SHA256 catalog.Hash `json:"sha256"`
}

func (h *Handler) exportList(r *request) error {
	set, err := h.exportsOf(r)
	if err != nil {
		return err
	}
	return h.describe(r, root+"/exports", func() (any, int) {
		var all []exportEntry
		for _, f := range set.files {
			e := exportEntry{
				Dataset: f.dataset, Format: f.format.extension, Profile: f.format.profile, MediaType: f.format.mediaType,
				Records: r.snap.Count(f.dataset), Bytes: f.variants[0].size, SHA256: f.variants[0].sum,
			}
			for _, v := range f.variants[1:] {
				e.Encodings = append(e.Encodings, exportEncoding{v.coding, v.size, v.sum})
			}
			address := h.origin(r.snap.Manifest()) + root + "/exports/" + string(f.dataset) + "." + f.format.extension
			if f.format.profile != "" {
				address += "?profile=" + f.format.profile
			}
			e.Links = map[string]string{"self": address}
			all = append(all, e)
		}
		return all, len(all)
	})
}
