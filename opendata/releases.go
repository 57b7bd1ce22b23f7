package opendata

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"luoshu/catalog"
)

// keptRelease is a release in the log, with its name.
type keptRelease struct {
	manifest *catalog.Manifest
	hash     catalog.Hash
}

// release is an item of /api/v1/releases.
type release struct {
	Sequence    int64        `json:"sequence"`
	PublishedAt time.Time    `json:"published_at"`
	AsOf        catalog.Date `json:"as_of"`
	// Manifest is the SHA-256 that names the release, Previous that of the one
	// before.
	Manifest catalog.Hash `json:"manifest"`
	Previous catalog.Hash `json:"previous,omitzero"`
	// Republishes is the release whose content a rollback brought back.
	Republishes int64                   `json:"republishes,omitzero"`
	Sample      bool                    `json:"sample,omitzero"`
	Schema      string                  `json:"schema"`
	Counts      map[catalog.Dataset]int `json:"counts"`
	Records     int                     `json:"records"`
	Withdrawn   int                     `json:"withdrawn"`
	Objects     int                     `json:"objects"`
	// Bytes is what a mirror without any object has to fetch.
	Bytes int64             `json:"bytes"`
	Links map[string]string `json:"links"`
}

// kept returns the releases that are kept, newest first. The current one is
// among them even in the moment before the archive knows it.
func (h *Handler) kept(r *request) []keptRelease {
	manifests := slices.Clone(h.archive.Releases())
	current := r.snap.Manifest().Sequence
	if !slices.ContainsFunc(manifests, func(m *catalog.Manifest) bool { return m.Sequence == current }) {
		manifests = append(manifests, r.snap.Manifest())
	}
	slices.SortFunc(manifests, func(a, b *catalog.Manifest) int { return cmp.Compare(b.Sequence, a.Sequence) })
	log := make([]keptRelease, 0, len(manifests))
	for i, m := range manifests {
		k := keptRelease{manifest: m}
		switch {
		case m.Sequence == current:
			k.hash = r.snap.Hash()
		case i > 0 && manifests[i-1].Sequence == m.Sequence+1:
			k.hash = manifests[i-1].Previous
		default:
			// A mirror that was away has gaps.
			s, err := h.reader.At(m.Sequence)
			if err != nil {
				h.log.LogAttrs(r.c.UserContext(), slog.LevelWarn, "release left out of the log",
					slog.Int64("sequence", m.Sequence), slog.Any("error", err))
				continue
			}
			k.hash = s.Hash()
		}
		log = append(log, k)
	}
	return log
}

func (h *Handler) describeRelease(k keptRelease) release {
	m := k.manifest
	path := h.originNow() + root + "/releases/" + strconv.FormatInt(m.Sequence, 10)
	d := release{
		Sequence: m.Sequence, PublishedAt: m.PublishedAt, AsOf: m.AsOf, Manifest: k.hash, Previous: m.Previous,
		Republishes: m.Republishes, Sample: m.Sample, Schema: m.Schema, Counts: m.Counts,
		Withdrawn: len(m.Withdrawn), Objects: len(m.Objects), Bytes: m.Bytes,
		Links: map[string]string{"self": path, "manifest": path + "/manifest", "signature": path + "/manifest.minisig"},
	}
	for _, n := range m.Counts {
		d.Records += n
	}
	return d
}

func (h *Handler) releases(r *request) error {
	log := h.kept(r)
	self := append(r.buf[:0], root+"/releases"...)
	// Which releases are kept is this node's own affair, so they all count.
	identity := slices.Clone(self)
	for _, k := range log {
		identity = append(identity, k.hash...)
	}
	if r.current(r.edition, identity, atLeast) {
		return nil
	}
	all := make([]release, 0, len(log))
	for _, k := range log {
		all = append(all, h.describeRelease(k))
	}
	b, err := catalog.Canonical(all)
	if err != nil {
		return err
	}
	r.sendRaw(r.edition.envelope(self, b, len(all), link{"pointer", root + "/releases/current/pointer"}))
	r.linkHeader(r.edition, self, nil)
	return nil
}

// find returns the kept release wanted.
func (h *Handler) find(r *request, wanted int64) (keptRelease, error) {
	for _, k := range h.kept(r) {
		if k.manifest.Sequence == wanted {
			return k, nil
		}
	}
	seq, now := strconv.FormatInt(wanted, 10), r.snap.Manifest().Sequence
	log := map[string]string{"releases": h.originNow() + root + "/releases"}
	if wanted > now {
		return keptRelease{}, &problemError{kind: unknownRelease, fill: []string{"{seq}", seq, "{current}", strconv.FormatInt(now, 10)}, links: log}
	}
	return keptRelease{}, &problemError{kind: releaseGone, fill: []string{"{seq}", seq}, links: log}
}

func (h *Handler) releaseEntry(r *request) error {
	k, err := h.find(r, r.seq)
	if err != nil {
		return err
	}
	self := strconv.AppendInt(append(r.buf[:0], root+"/releases/"...), r.seq, 10)
	identity := append(slices.Clone(self), k.hash...)
	if r.current(r.edition, identity, atLeast) {
		return nil
	}
	b, err := catalog.Canonical(h.describeRelease(k))
	if err != nil {
		return err
	}
	path := string(self)
	r.sendRaw(r.edition.envelope(self, b, -1, link{"collection", root + "/releases"},
		link{"manifest", path + "/manifest"}, link{"signature", path + "/manifest.minisig"}))
	r.linkHeader(r.edition, self, nil)
	return nil
}

func (h *Handler) pointer(r *request) error {
	b, err := catalog.Canonical(r.snap.Pointer())
	if err != nil {
		return err
	}
	r.raw(b, catalog.HashOf(b), cachePointer, r.snap.Manifest())
	return nil
}

func (h *Handler) releaseManifest(r *request) error {
	k, err := h.find(r, r.seq)
	if err != nil {
		return err
	}
	b, err := fetch(h.archive.ManifestBytes, k.hash)
	if err != nil {
		return err
	}
	r.raw(b, k.hash, cacheRelease, k.manifest)
	return nil
}

func (h *Handler) releaseSignature(r *request) error {
	k, err := h.find(r, r.seq)
	if err != nil {
		return err
	}
	r.hash = k.hash
	return h.signature(r)
}

func (h *Handler) manifest(r *request) error {
	return h.named(r, h.archive.ManifestBytes)
}

func (h *Handler) object(r *request) error {
	return h.named(r, h.archive.ObjectBytes)
}

// signature is not named by its own hash, and a manifest may be signed later.
func (h *Handler) signature(r *request) error {
	b, err := h.archive.SignatureBytes(r.hash)
	if err != nil {
		return err
	}
	r.raw(b, catalog.HashOf(b), cacheRelease, nil)
	return nil
}

// named answers with the bytes whose hash is r.hash.
func (h *Handler) named(r *request, get func(catalog.Hash) ([]byte, error)) error {
	b, err := fetch(get, r.hash)
	if err != nil {
		return err
	}
	r.raw(b, r.hash, cacheForever, nil)
	return nil
}

// fetch returns the bytes named hash. Wrong ones would be kept for a year by
// every cache on the way, so they are never sent.
func fetch(get func(catalog.Hash) ([]byte, error), hash catalog.Hash) ([]byte, error) {
	b, err := get(hash)
	if err != nil {
		return nil, err
	}
	if got := catalog.HashOf(b); got != hash {
		return nil, fmt.Errorf("opendata: archive has %s under the name %s: %w", got, hash, catalog.ErrDamaged)
	}
	return b, nil
}
