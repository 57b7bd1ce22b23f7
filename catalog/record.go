package catalog

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// Record is one record of any dataset. Head returns the part that all datasets
// share; changing it changes the record.
type Record interface {
	Head() *Header
}

// Header is what records of all datasets have in common. Title is the only
// field a publisher must give.
type Header struct {
	ID      ID      `json:"id"`
	Dataset Dataset `json:"dataset"`
	// Title is the name the thing goes by: of an achievement, an organization,
	// an expert, an indicator.
	Title      string `json:"title"`
	TitleEN    string `json:"title_en,omitzero"`
	Abstract   string `json:"abstract,omitzero"`
	AbstractEN string `json:"abstract_en,omitzero"`

	Keywords    []string `json:"keywords,omitempty"`
	Industries  []Coded  `json:"industries,omitempty"`
	Disciplines []Coded  `json:"disciplines,omitempty"`
	TechFields  []string `json:"tech_fields,omitempty"`
	Schemes     []Coded  `json:"schemes,omitempty"`
	// Division is a GB/T 2260 code, Market the sub-market the record belongs to.
	Division string `json:"division,omitzero"`
	Market   Ref    `json:"market,omitzero"`

	SourceIDs       []string   `json:"source_ids,omitempty"`
	ValidUntil      Date       `json:"valid_until,omitzero"`
	LastConfirmedOn Date       `json:"last_confirmed_on,omitzero"`
	Relations       []Relation `json:"relations,omitempty"`
	// Raw keeps, by field, what the source said where it could not be turned
	// into a code or number.
	Raw map[string]string `json:"raw,omitempty"`

	// The rest is set by publishing, never by the source.

	Publisher   string    `json:"publisher"`
	Source      string    `json:"source"`
	PublishedAt time.Time `json:"published_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	Version     int       `json:"version,omitzero"`
	// Sample marks invented demonstration content; every surface labels it 示例.
	Sample bool `json:"sample,omitzero"`
}

// Head returns h.
func (h *Header) Head() *Header { return h }

// NewRecord returns an empty record of dataset d, or an error wrapping
// ErrInvalid for an unknown dataset.
func NewRecord(d Dataset) (Record, error) {
	info, ok := d.Info()
	if !ok {
		return nil, fmt.Errorf("unknown dataset %q: %w", d, ErrInvalid)
	}
	r := info.new()
	r.Head().Dataset = d
	return r, nil
}

// Decode reads a published record of dataset d. Members it does not know are
// left out: a newer publisher may have more fields than this reader.
func Decode(d Dataset, b []byte) (Record, error) {
	r, err := NewRecord(d)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("catalog: decode record: %w: %w", ErrDamaged, err)
	}
	return r, nil
}
