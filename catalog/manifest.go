package catalog

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// The limits of what a reader accepts, so that a hostile or broken store costs
// bounded memory.
const (
	// FormatVersion is the version of the manifest's and the objects' form.
	FormatVersion = 1
	// SchemaVersion names the fields of the records (major.minor: a minor
	// version only adds).
	SchemaVersion = "1.1"

	MaxManifestBytes  = 64 << 20
	MaxSignatureBytes = 4 << 10
	// MaxObjectBytes bounds an object as stored, MaxObjectRawBytes once unpacked.
	MaxObjectBytes    = 16 << 20
	MaxObjectRawBytes = 64 << 20

	// MaxKeyChanges bounds the history of keys: sixty years of a change a year.
	MaxKeyChanges = 64
	// maxKeyChangeBytes bounds one of them, statement and signature.
	maxKeyChangeBytes = 8 << 10

	maxPartitionBits = 16
	maxReleaseBytes  = 8 << 30
)

// Profile is what a catalog is called and where it lives. The operator writes
// it once, as a file; every release carries it.
type Profile struct {
	// Catalog is the short name that keeps catalogs apart: lower-case letters,
	// digits, hyphens.
	Catalog   string  `json:"catalog"`
	Title     Text    `json:"title"`
	Publisher Text    `json:"publisher"`
	License   License `json:"license"`
	// PublicURL is the canonical address of the hub, such as
	// https://luoshu.example. Links, QR codes and the sitemap are made from it.
	PublicURL string     `json:"public_url,omitzero"`
	Desks     []Desk     `json:"desks,omitempty"`
	Terminals []Terminal `json:"terminals,omitempty"`
	Schemes   []Scheme   `json:"schemes,omitempty"`
}

// License of the published data.
type License struct {
	Name Text   `json:"name"`
	URL  string `json:"url,omitzero"`
	// SPDX is the licence's SPDX identifier, where it has one.
	SPDX string `json:"spdx,omitzero"`
}

// Desk is where a market's visitors are helped. The desk without a market
// serves all markets that have none of their own.
type Desk struct {
	Market    Ref    `json:"market,omitzero"`
	Name      Text   `json:"name"`
	Telephone string `json:"telephone,omitzero"`
	Address   Text   `json:"address,omitzero"`
	Hours     Text   `json:"hours,omitzero"`
}

// Scheme is a local classification, such as the city's own industry program.
type Scheme struct {
	ID    string       `json:"id"`
	Title Text         `json:"title"`
	Codes []SchemeCode `json:"codes"`
}

// SchemeCode is one value of a local classification.
type SchemeCode struct {
	Code string `json:"code"`
	Text
}

// DefaultProfile describes a catalog whose operator has not described it yet.
func DefaultProfile() Profile {
	return Profile{
		Catalog:   "luoshu",
		Title:     Text{"洛书科技成果目录", "Luoshu catalog of research achievements"},
		Publisher: Text{"未填写发布机构", "Publisher not stated"},
		License:   License{Name: Text{"未声明许可，使用前请联系发布机构", "No license stated: ask the publisher before reuse"}},
	}
}

// ParseBaseURL reads an address that links and codes can begin with, and returns it
// without a closing slash. It ends up in headers, JSON and pages as it is, so
// nothing that would need escaping there gets through. The error wraps ErrInvalid.
func ParseBaseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\`, r) }) {
		return "", fmt.Errorf("not an address such as https://luoshu.example, without query and user: %w", ErrInvalid)
	}
	return strings.TrimRight(s, "/"), nil
}

// check finds what a profile must not hold, whoever wrote it.
func (p *Profile) check() error {
	if !ValidCatalogName(p.Catalog) {
		return NewTextError(ErrInvalid, Text{ZH: "catalog 应是由小写字母、数字和连字符组成的短名", EN: "catalog must be a short name of lower-case letters, digits and hyphens"})
	}
	if p.PublicURL != "" {
		if clean, err := ParseBaseURL(p.PublicURL); err != nil || clean != p.PublicURL {
			return NewTextError(ErrInvalid, Text{ZH: "public_url 不是 https://luoshu.example 一类的网址", EN: "public_url is not an address such as https://luoshu.example"})
		}
	}
	texts := []string{p.Title.ZH, p.Title.EN, p.Publisher.ZH, p.Publisher.EN, p.License.Name.ZH, p.License.Name.EN, p.License.URL, p.License.SPDX}
	for _, d := range p.Desks {
		if d.Name == (Text{}) {
			return NewTextError(ErrInvalid, Text{ZH: "有服务台没有名称", EN: "a desk has no name"})
		}
		if d.Telephone != "" && !phoneForm.MatchString(d.Telephone) {
			return NewTextError(ErrInvalid, Text{ZH: "有服务台的电话不是电话号码", EN: "the telephone of a desk is none"})
		}
		texts = append(texts, d.Name.ZH, d.Name.EN, d.Address.ZH, d.Address.EN, d.Hours.ZH, d.Hours.EN)
	}
	for i, t := range p.Terminals {
		if !ValidTerminal(t.ID) || slices.ContainsFunc(p.Terminals[:i], func(other Terminal) bool { return other.ID == t.ID }) {
			return NewTextError(ErrInvalid, Text{ZH: "终端“%s”的名称应是一个字母加一至四位数字，且不重复", EN: "terminal %q: its name must be a letter and up to four digits, and its own"}, t.ID)
		}
		if t.Panel != "" {
			if _, err := ParsePanel(t.Panel); err != nil {
				return fmt.Errorf("terminal %s: %w", t.ID, err)
			}
		}
		texts = append(texts, t.Placement.ZH, t.Placement.EN)
	}
	for _, s := range p.Schemes {
		if !slugForm.MatchString(s.ID) || LookupCodeList(s.ID) != nil {
			return NewTextError(ErrInvalid, Text{ZH: "分类“%s”不是短名，或与代码表重名", EN: "scheme %q is no short name, or that of a code list"}, s.ID)
		}
		texts = append(texts, s.Title.ZH, s.Title.EN)
		for _, c := range s.Codes {
			texts = append(texts, c.Code, c.ZH, c.EN)
		}
	}
	for _, t := range texts {
		if _, bad := forbiddenRune(t, false); bad || len(t) > 1000 {
			return NewTextError(ErrInvalid, Text{ZH: "有文字含控制字符，或超过 1000 字节", EN: "a text has control characters or more than 1000 bytes"})
		}
	}
	return nil
}

// Desk returns the desk of market, or the general one, and whether there is any.
func (p *Profile) Desk(market Ref) (Desk, bool) {
	var general *Desk
	for i := range p.Desks {
		switch p.Desks[i].Market {
		case market:
			return p.Desks[i], true
		case "":
			general = &p.Desks[i]
		}
	}
	if general == nil {
		return Desk{}, false
	}
	return *general, true
}

// Manifest describes one release completely: with it and the objects it names,
// the whole catalog can be rebuilt and proved.
type Manifest struct {
	Format int `json:"format"`
	Profile
	// Sequence numbers the releases of a catalog from 1 upwards, without reuse.
	Sequence    int64     `json:"sequence"`
	PublishedAt time.Time `json:"published_at"`
	// AsOf is the day the content describes. A demonstration uses it as today.
	AsOf   Date   `json:"as_of"`
	Sample bool   `json:"sample,omitzero"`
	Schema string `json:"schema"`
	// Previous is the hash of the manifest before; empty in the first release.
	Previous Hash `json:"previous,omitzero"`
	// Republishes is the sequence number whose content a rollback brought back.
	Republishes int64 `json:"republishes,omitzero"`
	// PartitionBits is how many leading bits of SHA-256(id) choose the object.
	PartitionBits int         `json:"partition_bits"`
	Objects       []ObjectRef `json:"objects"`
	// Counts holds the number of records per dataset, all datasets listed.
	Counts map[Dataset]int `json:"counts"`
	// Bytes and RawBytes add up the objects, stored and unpacked.
	Bytes    int64 `json:"bytes"`
	RawBytes int64 `json:"raw_bytes"`
	// Withdrawn lists every identifier ever withdrawn and not restored, ordered
	// by identifier.
	Withdrawn []Tombstone `json:"withdrawn,omitempty"`
	// Floor is the first release that may be kept: a recall has taken text out of
	// those before. It never falls from one release to the next.
	Floor int64 `json:"floor,omitzero"`
	// KeyChanges is how the right to sign came to those who have it now, the first
	// change first. It only ever grows.
	KeyChanges []KeyChange `json:"key_changes,omitempty"`
}

// KeyChange hands the right to sign releases on. Package trust reads it.
type KeyChange struct {
	// Statement is canonical JSON; Signature is over these very bytes, by a key
	// that had the right before.
	Statement string `json:"statement"`
	Signature string `json:"signature"`
}

// ObjectRef names one object of a release.
type ObjectRef struct {
	Partition int   `json:"partition"`
	Hash      Hash  `json:"sha256"`
	Bytes     int64 `json:"bytes"`
	RawBytes  int64 `json:"raw_bytes"`
	Records   int   `json:"records"`
}

// Tombstone is what remains of a withdrawn record, so that a printed code still
// answers.
type Tombstone struct {
	ID        ID     `json:"id"`
	Title     string `json:"title,omitzero"`
	Publisher string `json:"publisher,omitzero"`
	Source    string `json:"source,omitzero"`
	// Market is that of the record, whose desk still answers for it.
	Market      Ref    `json:"market,omitzero"`
	WithdrawnOn Date   `json:"withdrawn_on"`
	Reason      string `json:"reason"`
	// Successor is the record that took its place, for a merged one.
	Successor ID `json:"successor,omitzero"`
	// Recalled marks a record whose text was taken back everywhere: it has no title
	// any more and cannot be restored.
	Recalled bool `json:"recalled,omitzero"`
}

// Pointer names the current release of a catalog. Moving it is the only
// mutation in the system. The zero Pointer means that nothing was published.
type Pointer struct {
	Catalog  string `json:"catalog"`
	Sequence int64  `json:"sequence"`
	Manifest Hash   `json:"manifest"`
}

var catalogName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// ValidCatalogName reports whether name can name a catalog.
func ValidCatalogName(name string) bool { return catalogName.MatchString(name) }

// ParsePointer reads a pointer. The error wraps ErrDamaged.
func ParsePointer(b []byte) (Pointer, error) {
	var p Pointer
	if err := json.Unmarshal(b, &p); err != nil {
		return Pointer{}, fmt.Errorf("pointer: %w: %w", ErrDamaged, err)
	}
	if !ValidCatalogName(p.Catalog) || p.Sequence < 1 || !p.Manifest.Valid() {
		return Pointer{}, fmt.Errorf("pointer has no catalog, sequence or manifest: %w", ErrDamaged)
	}
	return p, nil
}

// ParseManifest reads a manifest and proves that it is the one named want and
// hangs together. The error wraps ErrDamaged.
func ParseManifest(b []byte, want Hash) (*Manifest, error) {
	if len(b) > MaxManifestBytes {
		return nil, fmt.Errorf("manifest of %d bytes: %w", len(b), ErrDamaged)
	}
	if got := HashOf(b); got != want {
		return nil, fmt.Errorf("manifest %.12s has hash %.12s: %w", want, got, ErrDamaged)
	}
	m := new(Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("manifest %.12s: %w: %w", want, ErrDamaged, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("manifest %.12s: %w: %w", want, ErrDamaged, err)
	}
	return m, nil
}

// check proves that the parts of m agree with one another, so that everything
// after may rely on the sums without counting again.
func (m *Manifest) check() error {
	switch {
	case m.Format != FormatVersion:
		return fmt.Errorf("format %d, this program reads %d", m.Format, FormatVersion)
	case m.Sequence < 1:
		return fmt.Errorf("sequence %d", m.Sequence)
	case m.PartitionBits < 0 || m.PartitionBits > maxPartitionBits:
		return fmt.Errorf("%d partition bits", m.PartitionBits)
	case m.Previous != "" && !m.Previous.Valid():
		return fmt.Errorf("previous manifest %q", m.Previous)
	case m.Floor < 0 || m.Floor > m.Sequence:
		return fmt.Errorf("release %d with floor %d", m.Sequence, m.Floor)
	case len(m.KeyChanges) > MaxKeyChanges:
		return fmt.Errorf("%d changes of keys", len(m.KeyChanges))
	}
	for _, c := range m.KeyChanges {
		if len(c.Statement)+len(c.Signature) > maxKeyChangeBytes {
			return errors.New("a change of keys is too long")
		}
	}
	if err := m.Profile.check(); err != nil {
		return err
	}
	var stored, raw int64
	records, last := 0, -1
	for _, o := range m.Objects {
		switch {
		case !o.Hash.Valid():
			return fmt.Errorf("object name %q", o.Hash)
		case o.Partition <= last || o.Partition >= 1<<m.PartitionBits:
			return fmt.Errorf("object partitions out of order at %d", o.Partition)
		case o.Bytes < 1 || o.Bytes > MaxObjectBytes || o.RawBytes < 1 || o.RawBytes > MaxObjectRawBytes || o.Records < 1:
			return fmt.Errorf("object %.12s has impossible sizes", o.Hash)
		}
		last = o.Partition
		stored += o.Bytes
		raw += o.RawBytes
		records += o.Records
	}
	counted := 0
	for d, n := range m.Counts {
		if d.index() < 0 || n < 0 {
			return fmt.Errorf("count of dataset %q", d)
		}
		counted += n
	}
	if stored != m.Bytes || raw != m.RawBytes || counted != records || raw > maxReleaseBytes {
		return errors.New("sums do not agree with the objects")
	}
	return nil
}

// Succeeds reports whether m keeps what before has promised for good: what was
// recalled stays recalled. The error wraps ErrOlder.
func (m *Manifest) Succeeds(before *Manifest) error {
	if m.Floor < before.Floor {
		return fmt.Errorf("release %d undoes the recall of release %d: %w", m.Sequence, before.Floor, ErrOlder)
	}
	for _, t := range before.Withdrawn {
		if now, ok := m.Find(t.ID); t.Recalled && (!ok || !now.Recalled) {
			return fmt.Errorf("release %d brings %s back, which was recalled: %w", m.Sequence, t.ID, ErrOlder)
		}
	}
	return nil
}

// Find returns the tombstone of id.
func (m *Manifest) Find(id ID) (Tombstone, bool) {
	i, ok := slices.BinarySearchFunc(m.Withdrawn, id, func(t Tombstone, id ID) int { return strings.Compare(string(t.ID), string(id)) })
	if ok {
		return m.Withdrawn[i], true
	}
	return Tombstone{}, false
}
