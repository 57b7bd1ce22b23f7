package catalog

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"
)

// Change is what a release does to a record.
type Change int

// What can happen to a record. Putting it into a draft does one of the first three.
const (
	Unchanged Change = iota
	Added
	Updated
	Withdrawn
)

// String returns the word reports use.
func (c Change) String() string {
	return [...]string{"unchanged", "added", "updated", "withdrawn"}[c]
}

// MarshalText encodes c as String does.
func (c Change) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Draft composes the next release from the current one. Nothing in it is public
// until a store has moved its pointer to what Build returns.
//
// Encode may be called from several goroutines; everything else belongs to one.
type Draft struct {
	base      *Release // nil when nothing was published yet
	now       time.Time
	profile   Profile
	sources   map[ID]string // identifiers given out in this draft
	known     map[string]ID // identifiers by source, of the base and its tombstones
	put       map[ID]Entry
	withdrawn map[ID]Tombstone
	restored  map[ID]bool
	described bool
	recalls   bool
	keys      []KeyChange // of the base, and those of this draft
	rekeyed   bool
}

// NewDraft begins the release after base, which is nil for the first. now
// becomes the time of publication, in whole seconds.
func NewDraft(base *Release, now time.Time) *Draft {
	d := &Draft{
		base: base, now: now.UTC().Truncate(time.Second), profile: DefaultProfile(),
		sources: map[ID]string{}, put: map[ID]Entry{}, withdrawn: map[ID]Tombstone{}, restored: map[ID]bool{},
	}
	if base != nil {
		d.profile = base.Manifest.Profile
		d.keys = slices.Clip(base.Manifest.KeyChanges)
	}
	return d
}

// Base returns the release the draft stands on, or nil.
func (d *Draft) Base() *Release { return d.base }

// Describe gives the release another profile. A catalog keeps its name for good:
// another one is ErrForeign.
func (d *Draft) Describe(p Profile) error {
	if err := p.check(); err != nil {
		return NewTextError(nil, Text{ZH: "目录说明：%v", EN: "profile: %v"}, err)
	}
	if d.base != nil && d.base.Manifest.Catalog != p.Catalog {
		return NewTextError(ErrForeign, Text{ZH: "目录说明属于目录 %q，而存储中是 %q", EN: "profile is of catalog %q, the store holds %q"}, p.Catalog, d.base.Manifest.Catalog)
	}
	if d.base == nil || !sameProfile(d.profile, p) {
		d.profile, d.described = p, true
	}
	return nil
}

func sameProfile(a, b Profile) bool {
	x, errX := Canonical(a)
	y, errY := Canonical(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Identify returns the identifier of the record that publisher knows as key. It
// is the same at every import; when another source holds the identifier already,
// the next free one is taken and kept. Indicators are named by their key, which
// must be a slug.
func (d *Draft) Identify(ds Dataset, publisher, key string) (ID, string, error) {
	source := SourceDigest(publisher, ds, key)
	// Whoever has an identifier keeps it, whatever else this import holds.
	if id, ok := d.knownAs(source); ok {
		d.sources[id] = source
		return id, source, nil
	}
	if ds == Indicators {
		if !isSlug(key) {
			return "", "", fmt.Errorf("indicator key %q is not a slug of lower-case words joined by hyphens: %w", key, ErrInvalid)
		}
		if holder, taken := d.holder(ID(key)); taken && holder != source {
			return "", "", fmt.Errorf("indicator %q belongs to another publisher: %w", key, ErrInvalid)
		}
		d.sources[ID(key)] = source
		return ID(key), source, nil
	}
	for salt := range 200 {
		id := MintID(ds, source, salt)
		if holder, taken := d.holder(id); !taken || holder == source {
			d.sources[id] = source
			return id, source, nil
		}
	}
	return "", "", fmt.Errorf("no free identifier for %q: %w", key, ErrInvalid)
}

// knownAs returns the identifier that source has or had in the base.
func (d *Draft) knownAs(source string) (ID, bool) {
	if d.known == nil && d.base != nil {
		d.known = make(map[string]ID, len(d.base.Entries)+len(d.base.Manifest.Withdrawn))
		for _, e := range d.base.Entries {
			d.known[e.Source()] = e.ID
		}
		for _, t := range d.base.Manifest.Withdrawn {
			d.known[t.Source] = t.ID
		}
	}
	id, ok := d.known[source]
	return id, ok
}

// PublishedAs returns the identifier under which the base holds the record that
// publisher knows as key.
func (d *Draft) PublishedAs(ds Dataset, publisher, key string) (ID, bool) {
	id, ok := d.knownAs(SourceDigest(publisher, ds, key))
	if !ok {
		return "", false
	}
	_, ok = d.published(id)
	return id, ok
}

// holder returns the source of whoever holds id now, or held it ever.
func (d *Draft) holder(id ID) (string, bool) {
	if s, ok := d.sources[id]; ok {
		return s, true
	}
	if d.base == nil {
		return "", false
	}
	if e, ok := d.base.Find(id); ok {
		return e.Source(), true
	}
	if t, ok := d.base.Manifest.Find(id); ok {
		return t.Source, true
	}
	return "", false
}

// Encode gives r the members that publishing sets and returns it as it will
// stand in the release, with what that changes.
func (d *Draft) Encode(r Record) (Entry, Change, error) {
	h := r.Head()
	e := Entry{ID: h.ID, Dataset: h.Dataset}
	if old, ok := d.published(h.ID); ok {
		var was struct {
			PublishedAt time.Time `json:"published_at"`
			UpdatedAt   time.Time `json:"updated_at"`
			Version     int       `json:"version"`
		}
		if err := json.Unmarshal(old.Raw, &was); err != nil {
			return Entry{}, Unchanged, fmt.Errorf("catalog: %s: %w: %w", h.ID, ErrDamaged, err)
		}
		h.PublishedAt, h.UpdatedAt, h.Version = was.PublishedAt, was.UpdatedAt, was.Version
		raw, err := Canonical(r)
		if err != nil {
			return Entry{}, Unchanged, err
		}
		if bytes.Equal(raw, old.Raw) {
			return old, Unchanged, nil
		}
		h.UpdatedAt, h.Version = d.now, was.Version+1
		e.Raw, err = Canonical(r)
		return e, Updated, err
	}
	h.PublishedAt, h.UpdatedAt, h.Version = d.now, d.now, 1
	raw, err := Canonical(r)
	e.Raw = raw
	return e, Added, err
}

func (d *Draft) published(id ID) (Entry, bool) {
	if d.base == nil {
		return Entry{}, false
	}
	return d.base.Find(id)
}

// Put takes e, as Encode made it, into the release. A withdrawn identifier is
// ErrWithdrawn until it is restored.
func (d *Draft) Put(e Entry, c Change) error {
	if _, gone := d.Tombstone(e.ID); gone {
		return fmt.Errorf("%s: %w", e.ID, ErrWithdrawn)
	}
	if c != Unchanged {
		d.put[e.ID] = e
	}
	return nil
}

// Tombstone returns the tombstone id will have in the release, if any.
func (d *Draft) Tombstone(id ID) (Tombstone, bool) {
	if t, ok := d.withdrawn[id]; ok {
		return t, true
	}
	if d.base == nil || d.restored[id] {
		return Tombstone{}, false
	}
	return d.base.Manifest.Find(id)
}

// Has reports whether the release will hold id.
func (d *Draft) Has(id ID) bool {
	if _, gone := d.Tombstone(id); gone {
		return false
	}
	if _, ok := d.put[id]; ok {
		return true
	}
	_, ok := d.published(id)
	return ok
}

// Owner returns the slug of whoever published id in the base.
func (d *Draft) Owner(id ID) (string, bool) {
	e, ok := d.published(id)
	if !ok {
		return "", false
	}
	return e.Publisher(), true
}

// Withdraw replaces a record by a tombstone. It is ErrNotFound when neither the
// base nor the draft holds the record.
func (d *Draft) Withdraw(id ID, reason string, successor ID) error {
	e, ok := d.put[id]
	if !ok {
		e, ok = d.published(id)
	}
	if !ok {
		return fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	var shown struct {
		Title  string `json:"title"`
		Market Ref    `json:"market"`
	}
	if err := json.Unmarshal(e.Raw, &shown); err != nil {
		return fmt.Errorf("catalog: %s: %w: %w", id, ErrDamaged, err)
	}
	d.withdrawn[id] = Tombstone{
		ID: id, Title: shown.Title, Publisher: e.Publisher(), Source: e.Source(), Market: shown.Market,
		WithdrawnOn: Date(d.now.Format(time.DateOnly)), Reason: reason, Successor: successor,
	}
	return nil
}

// recallReason is what the public reads of a recalled record.
const recallReason = "已由发布机构收回 / recalled by the publisher"

// Recall takes a record, or one that was withdrawn, back for good: nothing remains
// but its identifier, and no release before this one may be kept. It is ErrNotFound
// when the base knows nothing of id, and ErrWithdrawn when it was recalled before.
func (d *Draft) Recall(id ID) error {
	t, gone := d.Tombstone(id)
	e, here := d.published(id)
	switch {
	case gone && t.Recalled:
		return fmt.Errorf("%s was recalled before: %w", id, ErrWithdrawn)
	case here && !gone:
		t = Tombstone{Publisher: e.Publisher(), Source: e.Source()}
	case !gone:
		return fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	d.withdrawn[id] = Tombstone{
		ID: id, Publisher: t.Publisher, Source: t.Source, WithdrawnOn: Date(d.now.Format(time.DateOnly)),
		Reason: recallReason, Recalled: true,
	}
	d.recalls = true
	return d.forget(id)
}

// ChangeKeys adds c to the history of who may sign.
func (d *Draft) ChangeKeys(c KeyChange) {
	d.keys, d.rekeyed = append(d.keys, c), true
}

// Restore lifts the tombstone of id, so that the record may be put again. One that
// was recalled stays: ErrWithdrawn.
func (d *Draft) Restore(id ID) error {
	if d.base != nil {
		if t, ok := d.base.Manifest.Find(id); ok {
			if t.Recalled {
				return NewTextError(ErrWithdrawn, Text{ZH: "%s 已收回，不能恢复", EN: "%s was recalled and cannot be restored"}, id)
			}
			d.restored[id] = true
			return nil
		}
	}
	return fmt.Errorf("%s is not withdrawn: %w", id, ErrNotFound)
}

// Restored yields the identifiers restored but not put again: to publish them
// would lose them.
func (d *Draft) Restored() []ID {
	var missing []ID
	for id := range d.restored {
		if _, ok := d.put[id]; !ok {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	return missing
}

// Published returns the identifiers of publisher's records of ds in the base, but for
// printings: paper cannot be taken back, whatever a later file lacks.
func (d *Draft) Published(publisher string, ds Dataset) []ID {
	var ids []ID
	if d.base != nil {
		for _, e := range d.base.Entries {
			if e.Dataset == ds && e.Publisher() == publisher && member(e.Raw, "printing") == nil {
				ids = append(ids, e.ID)
			}
		}
	}
	return ids
}

// Empty reports whether the release would equal its base.
func (d *Draft) Empty() bool {
	return len(d.put) == 0 && len(d.withdrawn) == 0 && len(d.restored) == 0 && !d.described && !d.rekeyed
}

// Counts returns how many records the draft adds, updates and withdraws.
func (d *Draft) Counts() (added, updated, withdrawn int) {
	for id := range d.put {
		if _, was := d.published(id); was {
			updated++
		} else {
			added++
		}
	}
	return added, updated, len(d.withdrawn)
}

// Object is an object that a publication adds.
type Object struct {
	Ref   ObjectRef
	Bytes []byte
}

// Publication is a release ready to be stored: the manifest's bytes, and the
// objects that the base does not already have.
type Publication struct {
	Release  *Release
	Manifest []byte
	Objects  []Object
}

// BuildOptions says of a release what the records cannot.
type BuildOptions struct {
	// AsOf is the day the content describes; empty means the day of publication.
	AsOf Date
	// Sample marks a demonstration.
	Sample bool
	// Republishes is the release whose content a rollback brings back.
	Republishes int64
}

// Build returns the release. The result depends on the base, the records and the
// draft's time alone. The error wraps ErrInvalid when the release would be empty: only a
// recall may take the last record.
func (d *Draft) Build(ctx context.Context, opt BuildOptions) (*Publication, error) {
	entries, touched := d.merge()
	if len(entries) == 0 && !d.recalls && (d.base == nil || len(d.base.Entries) > 0) {
		return nil, NewTextError(ErrInvalid, Text{ZH: "发布后目录中将没有一条记录", EN: "the release would hold no record"})
	}
	m := &Manifest{
		Format: FormatVersion, Profile: d.profile, Sequence: 1, PublishedAt: d.now,
		AsOf: opt.AsOf, Sample: opt.Sample, Republishes: opt.Republishes, Schema: SchemaVersion, Counts: map[Dataset]int{},
		Withdrawn: d.tombstones(), KeyChanges: d.keys,
	}
	if m.AsOf == "" {
		m.AsOf = Date(d.now.Format(time.DateOnly))
	}
	previousBits := 0
	if d.base != nil {
		m.Sequence, m.Previous = d.base.Manifest.Sequence+1, d.base.Hash
		m.Sample = m.Sample || d.base.Manifest.Sample
		m.Floor = d.base.Manifest.Floor
		previousBits = d.base.Manifest.PartitionBits
	}
	if d.recalls {
		m.Floor = m.Sequence
	}
	m.PartitionBits = partitionBits(len(entries), previousBits)
	for _, info := range datasets {
		m.Counts[info.Name] = 0
	}
	for _, e := range entries {
		m.Counts[e.Dataset]++
	}

	kept := map[int]ObjectRef{}
	if d.base != nil && m.PartitionBits == previousBits {
		for _, ref := range d.base.Manifest.Objects {
			kept[ref.Partition] = ref
		}
		for id := range touched {
			delete(kept, partitionOf(id, m.PartitionBits))
		}
	}
	objects, err := pack(ctx, entries, m.PartitionBits, kept)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		m.Objects = append(m.Objects, o.Ref)
	}
	return seal(m, entries, objects)
}

// seal adds up the objects of m, checks it by the rules readers check, and names
// the release. Objects without bytes are those the base has.
func seal(m *Manifest, entries []Entry, objects []Object) (*Publication, error) {
	for _, ref := range m.Objects {
		m.Bytes += ref.Bytes
		m.RawBytes += ref.RawBytes
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("catalog: build release: %w: %w", ErrInvalid, err)
	}
	b, err := Canonical(m)
	if err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(objects, func(o Object) bool { return o.Bytes == nil })
	return &Publication{Release: &Release{Manifest: m, Hash: HashOf(b), Entries: entries}, Manifest: b, Objects: fresh}, nil
}

// merge returns the records of the release, ordered, and the identifiers that
// differ from the base.
func (d *Draft) merge() (entries []Entry, touched map[ID]bool) {
	touched = make(map[ID]bool, len(d.put)+len(d.withdrawn))
	size := len(d.put)
	if d.base != nil {
		size += len(d.base.Entries)
	}
	entries = make([]Entry, 0, size)
	for id, e := range d.put {
		touched[id] = true
		if _, gone := d.withdrawn[id]; !gone {
			entries = append(entries, e)
		}
	}
	for id := range d.withdrawn {
		touched[id] = true
	}
	if d.base != nil {
		for _, e := range d.base.Entries {
			if !touched[e.ID] {
				entries = append(entries, e)
			}
		}
	}
	sortEntries(entries)
	return entries, touched
}

func (d *Draft) tombstones() []Tombstone {
	var all []Tombstone
	if d.base != nil {
		for _, t := range d.base.Manifest.Withdrawn {
			if _, again := d.withdrawn[t.ID]; !again && !d.restored[t.ID] {
				all = append(all, t)
			}
		}
	}
	for _, t := range d.withdrawn {
		all = append(all, t)
	}
	sortTombstones(all)
	return all
}

func sortTombstones(all []Tombstone) {
	slices.SortFunc(all, func(a, b Tombstone) int { return strings.Compare(string(a.ID), string(b.ID)) })
}

// pack returns the objects of entries by partition; those in kept are not packed
// again and come without bytes.
func pack(ctx context.Context, entries []Entry, bits int, kept map[int]ObjectRef) ([]Object, error) {
	lines := make([][]Entry, 1<<bits)
	for _, e := range entries {
		p := partitionOf(e.ID, bits)
		lines[p] = append(lines[p], e)
	}
	objects := make([]Object, 1<<bits)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for p, part := range lines {
		if len(part) == 0 {
			continue
		}
		if ref, ok := kept[p]; ok {
			objects[p] = Object{Ref: ref}
			continue
		}
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			// Within an object the order is by identifier alone.
			slices.SortFunc(part, func(a, b Entry) int { return strings.Compare(string(a.ID), string(b.ID)) })
			raw := make([][]byte, len(part))
			for i, e := range part {
				raw[i] = e.Raw
			}
			b, ref := packObject(raw)
			if ref.Bytes > MaxObjectBytes || ref.RawBytes > MaxObjectRawBytes {
				return fmt.Errorf("catalog: partition %d has %d bytes, more than readers accept: %w", p, ref.RawBytes, ErrInvalid)
			}
			ref.Partition = p
			objects[p] = Object{ref, b}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(objects, func(o Object) bool { return o.Ref.Records == 0 }), nil
}

// Republish returns a release with the records of old after current: the way back
// that moves nobody backwards. A record that old does not hold becomes a tombstone
// with reason, so that its printed code still answers. What was withdrawn since
// stays withdrawn. The profile is current's.
func Republish(ctx context.Context, current, old *Release, now time.Time, reason string) (*Publication, error) {
	if current.Manifest.Catalog != old.Manifest.Catalog {
		return nil, fmt.Errorf("catalog: republish: %w", ErrForeign)
	}
	d := NewDraft(current, now)
	for _, e := range old.Entries {
		if _, gone := d.Tombstone(e.ID); gone {
			continue
		}
		if was, ok := d.published(e.ID); !ok || !bytes.Equal(was.Raw, e.Raw) {
			d.put[e.ID] = e
		}
	}
	for _, e := range current.Entries {
		if _, kept := old.Find(e.ID); !kept {
			if err := d.Withdraw(e.ID, reason, ""); err != nil {
				return nil, err
			}
		}
	}
	return d.Build(ctx, BuildOptions{AsOf: old.Manifest.AsOf, Sample: old.Manifest.Sample, Republishes: old.Manifest.Sequence})
}
