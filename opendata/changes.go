package opendata

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	typeLines = "application/jsonl"
	// maxChangesBytes is what the files of changes may take together, the last one
	// aside.
	maxChangesBytes = 256 << 20
	// changesPatience is how long a request waits for its turn to have one made.
	changesPatience = 5 * time.Second
	// changesTries is how often a request has them made when releases are published
	// meanwhile.
	changesTries = 3
)

// errSwept is of a file that a release published meanwhile took away: what it holds
// may have been recalled.
var errSwept = fmt.Errorf("opendata: a release was published meanwhile: %w", catalog.ErrUnavailable)

var sinceParameter = Parameter{
	Name: "since", In: "query", Type: "integer", Min: 1, Max: math.MaxInt32, Required: true,
	Description: catalog.Text{ZH: "从哪次发布起，即您手中的发布序号", EN: "The release to start from: the one you hold"},
	set: func(r *request, v string) (err error) {
		r.since, err = strconv.ParseInt(v, 10, 64)
		return err
	},
}

// changesOperation tells what happened between two releases.
var changesOperation = Operation{
	Path: root + "/releases/{seq}/changes", Produces: typeLines, Class: Export, serve: (*Handler).changes, file: true,
	Summary: catalog.Text{
		ZH: "自某次发布以来的变化，每行一条：新增、更新、恢复、撤回",
		EN: "What changed since a release, a line each: added, updated, restored, withdrawn",
	},
	Parameters: []Parameter{seqParameter, sinceParameter},
}

// changes answers anew when a release is published meanwhile: a follower asks as soon
// as it sees one, which is before all that was kept of the last is gone.
func (h *Handler) changes(r *request) (err error) {
	ctx, cancel := context.WithTimeout(r.c.UserContext(), changesPatience)
	defer cancel()
	for range changesTries {
		// In this order: the files of a release that is current now go at the next
		// generation. Those of one taken before might outlive its recall.
		generation := h.exports.deltas.current()
		r.snap = h.reader.Current()
		r.edition = h.edition(r.snap)
		if err = h.sendChanges(ctx, r, generation); !errors.Is(err, errSwept) {
			return err
		}
	}
	return err
}

// sendChanges is changes with the files of one generation.
func (h *Handler) sendChanges(ctx context.Context, r *request, generation int) error {
	to, err := h.find(r, r.seq)
	if err != nil {
		return err
	}
	if r.since > r.seq {
		return parameterError([]faultError{{kind: badInteger, name: sinceParameter.Name, min: 1, max: int(r.seq)}})
	}
	from, err := h.find(r, r.since)
	if err != nil {
		return err
	}
	f, err := h.exports.deltas.file(ctx, from.hash, to.hash, generation, func(w io.Writer) error {
		before, err := h.at(r, r.since)
		if err != nil {
			return err
		}
		after, err := h.at(r, r.seq)
		if err != nil {
			return err
		}
		return writeChanges(w, before, after)
	})
	if err != nil {
		return err
	}
	return r.sendFile(download{
		variants: []variant{{stored: f}}, mediaType: typeLines, manifest: to.manifest,
		name: fmt.Sprintf("%s-%d-changes-since-%d.jsonl", to.manifest.Catalog, r.seq, r.since),
	})
}

// at returns the kept release seq.
func (h *Handler) at(r *request, seq int64) (*snapshot.Snapshot, error) {
	if seq == r.snap.Manifest().Sequence {
		return r.snap, nil
	}
	s, err := h.reader.At(seq)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, &problemError{kind: releaseGone, fill: []string{"{seq}", strconv.FormatInt(seq, 10)}}
	}
	return s, err
}

// writeChanges writes what turns release before into release after, a line each, in
// canonical JSON: the records by dataset and identifier, then the tombstones of what
// was published and withdrawn in between. A line with a record replaces whatever has
// its identifier, one with a tombstone does too, and one with neither takes it away.
func writeChanges(w io.Writer, before, after *snapshot.Snapshot) error {
	b := bufio.NewWriterSize(w, 64<<10)
	var line []byte
	for d := range catalog.Datasets() {
		for was, is := range pairs(before.All(d.Name), after.All(d.Name)) {
			line = appendChange(line[:0], was, is, before, after)
			if _, err := b.Write(line); err != nil {
				return err
			}
		}
	}
	only := func(t catalog.Tombstone, left *catalog.Tombstone) error {
		_, err := b.Write(appendGone(line[:0], "", t.ID, left))
		return err
	}
	for _, t := range after.Manifest().Withdrawn {
		if _, err := before.Find(t.ID); err == nil {
			continue // told with its record
		}
		if old, ok := before.Tombstone(t.ID); ok && publicTombstone(old) == publicTombstone(t) {
			continue
		}
		if err := only(t, &t); err != nil {
			return err
		}
	}
	for _, t := range before.Manifest().Withdrawn {
		if _, err := after.Find(t.ID); errors.Is(err, catalog.ErrNotFound) {
			if err := only(t, nil); err != nil {
				return err
			}
		}
	}
	return b.Flush()
}

// appendChange appends the line of one record, nothing when it stayed as it was.
func appendChange(line []byte, was, is catalog.Entry, before, after *snapshot.Snapshot) []byte {
	switch {
	case string(was.Raw) == string(is.Raw):
		return line
	case is.Raw == nil:
		if t, ok := after.Tombstone(was.ID); ok {
			return appendGone(line, catalog.HashOf(was.Raw), was.ID, &t)
		}
		return appendGone(line, catalog.HashOf(was.Raw), was.ID, nil)
	case was.Raw != nil:
		line = appendHead(line, catalog.HashOf(is.Raw), catalog.HashOf(was.Raw), "updated", is.ID)
	default:
		change := "added"
		if _, gone := before.Tombstone(is.ID); gone {
			change = "restored"
		}
		line = appendHead(line, catalog.HashOf(is.Raw), "", change, is.ID)
	}
	return append(append(append(line, `,"record":`...), is.Raw...), "}\n"...)
}

// appendGone appends the line of a record that is no more: withdrawn when it left a
// tombstone, else removed.
func appendGone(line []byte, before catalog.Hash, id catalog.ID, t *catalog.Tombstone) []byte {
	if t == nil {
		return append(appendHead(line, "", before, "removed", id), "}\n"...)
	}
	// A tombstone has no value that does not encode.
	b, _ := catalog.Canonical(publicTombstone(*t))
	line = append(appendHead(line, "", before, "withdrawn", id), `,"tombstone":`...)
	return append(append(line, b...), "}\n"...)
}

// appendHead appends the members that lines have in common, without the closing brace.
// Nothing in them needs escaping.
func appendHead(line []byte, after, before catalog.Hash, change string, id catalog.ID) []byte {
	line = append(line, '{')
	if after != "" {
		line = append(append(append(line, `"after":"`...), after...), `",`...)
	}
	if before != "" {
		line = append(append(append(line, `"before":"`...), before...), `",`...)
	}
	line = append(append(append(line, `"change":"`...), change...), `","dataset":"`...)
	return append(append(append(append(line, id.Dataset()...), `","id":"`...), id...), '"')
}

func publicTombstone(t catalog.Tombstone) tombstone {
	return tombstone{ID: t.ID, WithdrawnOn: t.WithdrawnOn, Reason: t.Reason, Successor: t.Successor}
}

// pairs yields what two versions of a dataset have under the same identifier, in the
// order of identifiers, with a zero entry where one has none.
func pairs(before, after iter.Seq[catalog.Entry]) iter.Seq2[catalog.Entry, catalog.Entry] {
	return func(yield func(catalog.Entry, catalog.Entry) bool) {
		next, stop := iter.Pull(before)
		defer stop()
		was, ok := next()
		for is := range after {
			for ok && was.ID < is.ID {
				if !yield(was, catalog.Entry{}) {
					return
				}
				was, ok = next()
			}
			same := catalog.Entry{}
			if ok && was.ID == is.ID {
				same = was
				was, ok = next()
			}
			if !yield(same, is) {
				return
			}
		}
		for ok {
			if !yield(was, catalog.Entry{}) {
				return
			}
			was, ok = next()
		}
	}
}

// deltas keeps files of changes, each made once.
type deltas struct {
	dir  string // empty keeps them in memory
	turn chan struct{}

	mu         sync.Mutex
	files      []delta // the last used first
	generation int     // of the files: another release begins another
}

type delta struct {
	from, to catalog.Hash
	stored
}

// current returns the generation that files are kept of.
func (d *deltas) current() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.generation
}

// file returns the changes from one release to another, which write makes the first
// time, in its turn, for which it waits until ctx ends. The error is errSwept when
// another generation has begun.
func (d *deltas) file(ctx context.Context, from, to catalog.Hash, generation int, write func(io.Writer) error) (stored, error) {
	if f, ok := d.find(from, to); ok {
		return f, nil
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return stored{}, fmt.Errorf("opendata: other changes are being written: %w", catalog.ErrUnavailable)
	}
	// Whoever had the turn before may have wanted the same.
	if f, ok := d.find(from, to); ok {
		return f, nil
	}
	f, err := d.write(from, to, write)
	if err != nil {
		return stored{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation != generation {
		if f.path != "" {
			_ = os.Remove(f.path)
		}
		return stored{}, errSwept
	}
	d.files = slices.Insert(d.files, 0, delta{from, to, f})
	total := int64(0)
	for i, f := range d.files {
		if total += f.size; total > maxChangesBytes && i > 0 {
			d.drop(i)
			break
		}
	}
	return f, nil
}

func (d *deltas) write(from, to catalog.Hash, write func(io.Writer) error) (stored, error) {
	path := ""
	if d.dir != "" {
		if err := os.MkdirAll(d.dir, 0o755); err != nil { //nolint:gosec // what is published is public
			return stored{}, errors.Join(catalog.ErrUnavailable, err)
		}
		path = filepath.Join(d.dir, string(from)+"-"+string(to)+".jsonl")
		_ = os.Remove(path)
	}
	s, err := beginStored(path)
	if err != nil {
		return stored{}, errors.Join(catalog.ErrUnavailable, err)
	}
	if err := write(s); err != nil {
		s.drop()
		return stored{}, err
	}
	f, err := s.finish(path)
	if err != nil {
		s.drop()
		return stored{}, errors.Join(catalog.ErrUnavailable, err)
	}
	return f, nil
}

func (d *deltas) find(from, to catalog.Hash) (stored, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, f := range d.files {
		if f.from != from || f.to != to {
			continue
		}
		if f.path != "" {
			if _, err := os.Stat(f.path); err != nil { // somebody tidied up
				d.files = slices.Delete(d.files, i, i+1)
				return stored{}, false
			}
		}
		copy(d.files[1:i+1], d.files[:i])
		d.files[0] = f
		return f.stored, true
	}
	return stored{}, false
}

// drop removes the files from the i-th on; whoever is being sent one still has it open.
func (d *deltas) drop(i int) {
	for _, f := range d.files[i:] {
		if f.path != "" {
			_ = os.Remove(f.path)
		}
	}
	d.files = slices.Clip(d.files[:i])
}

// clear removes all files: which releases are kept has changed.
func (d *deltas) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation++
	d.drop(0)
}
