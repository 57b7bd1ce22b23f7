package opendata

import (
	"errors"
	"strconv"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// record answers /api/v1/{dataset}/{id}.
func (h *Handler) record(r *request) error {
	found, err := r.snap.Find(r.id)
	if err != nil || found.Dataset != r.dataset.Name {
		return h.lost(r, err)
	}
	e := r.edition
	self := appendRecordPath(r.buf[:0], found.Dataset, found.ID)
	if r.current(e, self, len(found.Raw)) {
		return nil
	}
	const data, links, collection, end = `{"data":`, `,"links":{"self":"`, `","collection":"`, `"}}`
	parent := self[:len(self)-len(found.ID)-1]
	b := r.body(len(data) + len(found.Raw) + 1 + len(e.meta) + len(e.tail) + len(links) + len(e.base) + len(self) +
		len(collection) + len(e.base) + len(parent) + len(end))
	b = append(append(b, data...), found.Raw...)
	b = append(append(append(b, ','), e.meta...), e.tail...)
	b = append(append(append(b, links...), e.base...), self...)
	b = append(append(append(b, collection...), e.base...), parent...)
	b = append(b, end...)
	r.send(b)
	r.linkHeader(e, self, nil)
	return nil
}

// lost says why there is no record r.id in r.dataset. err is what Find said, nil
// when the record is in another dataset.
func (h *Handler) lost(r *request, err error) error {
	id := []string{"{id}", string(r.id)}
	switch home := r.id.Dataset(); {
	case errors.Is(err, catalog.ErrNotFound):
		return &problemError{kind: unknownRecord, fill: id, cause: err}
	case err != nil && !errors.Is(err, catalog.ErrWithdrawn):
		return err
	case home != r.dataset.Name:
		return &problemError{
			kind: wrongDataset, fill: append(id, "{dataset}", string(home)), cause: err,
			links: map[string]string{"record": h.recordURL(r.id)},
		}
	}
	t, _ := r.snap.Tombstone(r.id)
	gone := &problemError{
		kind: withdrawn, fill: append(id, "{date}", string(t.WithdrawnOn)), cause: err,
		tombstone: &tombstone{ID: t.ID, WithdrawnOn: t.WithdrawnOn, Reason: t.Reason, Successor: t.Successor},
	}
	if t.Successor != "" {
		gone.links = map[string]string{"successor": h.recordURL(t.Successor)}
	}
	return gone
}

func (h *Handler) recordURL(id catalog.ID) string {
	return h.originNow() + string(appendRecordPath(nil, id.Dataset(), id))
}

func appendRecordPath(b []byte, d catalog.Dataset, id catalog.ID) []byte {
	return append(append(append(append(append(b, root...), '/'), d...), '/'), id...)
}

// page answers /api/v1/{dataset}. With a cursor it comes from the release the
// cursor belongs to, whatever is current.
func (h *Handler) page(r *request) error {
	if r.asked != nil {
		return h.search(r)
	}
	if r.cursor.search {
		return parameterError([]faultError{{kind: otherCursor, name: cursorParameter.Name}})
	}
	snap, e := r.snap, r.edition
	q := snapshot.Slice{Dataset: r.dataset.Name, Limit: r.limit}
	if r.hasCursor {
		var err error
		if snap, e, err = h.pinned(r); err != nil {
			return err
		}
		q.After = r.cursor.after
	}
	self := append(append(append(r.buf[:0], root...), '/'), q.Dataset...)
	path := len(self)
	self = appendQuery(self, path, r.query)
	before := len(self)
	if r.hasCursor {
		self = r.cursor.append(append(appendMark(self, path), "cursor="...))
	}
	if r.current(e, self, atLeast) {
		return nil
	}

	page := snap.List(q)
	var next []byte
	if page.Next != "" {
		c := cursor{sequence: snap.Manifest().Sequence, release: e.release, letter: r.dataset.Letter, after: page.Next}
		next = append(make([]byte, 0, before+128), self[:before]...)
		next = c.append(append(appendMark(next, path), "cursor="...))
	}
	var buf [64]byte
	counts := appendCounts(buf[:0], page.Total, r.limit, len(page.Entries))
	const data, meta, links, follow, last, end = `{"data":[`, `],`, `,"links":{"self":"`, `","next":"`, `","next":null}}`, `"}}`
	size := len(data) + len(meta) + len(e.meta) + len(counts) + len(e.tail) + len(links) + len(e.base) + len(self) +
		len(follow) + len(e.base) + len(next) + len(end)
	for i := range page.Entries {
		size += len(page.Entries[i].Raw) + 1
	}
	b := append(r.body(size), data...)
	for i := range page.Entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, page.Entries[i].Raw...)
	}
	b = append(append(append(append(b, meta...), e.meta...), counts...), e.tail...)
	b = append(append(append(b, links...), e.base...), self...)
	if next == nil {
		b = append(b, last...)
	} else {
		b = append(append(append(append(b, follow...), e.base...), next...), end...)
	}
	r.send(b)
	r.linkHeader(e, self, next)
	return nil
}

// collection returns the path of the list or search of r.
func (r *request) collection() string {
	if r.dataset.Name == "" {
		return root + "/search"
	}
	return root + "/" + string(r.dataset.Name)
}

// appendQuery appends query, if any, to the address b, whose path ends at path.
func appendQuery(b []byte, path int, query []byte) []byte {
	if len(query) == 0 {
		return b
	}
	return append(appendMark(b, path), query...)
}

// appendMark appends what goes before the next parameter.
func appendMark(b []byte, path int) []byte {
	if len(b) == path {
		return append(b, '?')
	}
	return append(b, '&')
}

// pinned returns the release that the cursor of r belongs to.
func (h *Handler) pinned(r *request) (*snapshot.Snapshot, *edition, error) {
	return h.continued(r, r.cursor.sequence, r.cursor.release, map[string]string{"start": h.originNow() + r.collection()})
}

// continued returns the release of that number and name, in which a list that began
// there goes on. start says where it can begin again when the release is gone.
func (h *Handler) continued(r *request, sequence int64, name [8]byte, start map[string]string) (*snapshot.Snapshot, *edition, error) {
	now := r.snap.Manifest().Sequence
	if sequence == now && name == r.edition.release {
		return r.snap, r.edition, nil
	}
	seq := []string{"{seq}", strconv.FormatInt(sequence, 10)}
	if sequence > now {
		// Another node is ahead of this one; soon both have the release.
		return nil, nil, &problemError{kind: releaseAhead, fill: append(seq, "{current}", strconv.FormatInt(now, 10))}
	}
	snap, err := h.reader.At(sequence)
	switch {
	case err == nil && releasePrefix(snap.Hash()) == name:
		if e := h.earlier.Load(); e != nil && e.hash == snap.Hash() {
			return snap, e, nil
		}
		e := newEdition(h.origin(snap.Manifest()), snap)
		h.earlier.Store(e)
		return snap, e, nil
	case err == nil || errors.Is(err, catalog.ErrNotFound):
		// A release of that number, but another one: the store was rebuilt.
		return nil, nil, &problemError{kind: releaseGone, fill: seq, cause: err, links: start}
	default:
		return nil, nil, err
	}
}
