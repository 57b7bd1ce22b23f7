package ingest

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// ReadProfile reads the operator's description of the catalog. A member it does
// not know is an error, so that a slip of the pen is not published as silence.
func ReadProfile(b []byte) (catalog.Profile, error) {
	var p catalog.Profile
	if err := json.Unmarshal(b, &p, json.RejectUnknownMembers(true)); err != nil {
		return p, fmt.Errorf("profile: %w: %w", catalog.ErrInvalid, err)
	}
	if !catalog.ValidCatalogName(p.Catalog) {
		return p, fmt.Errorf("profile: catalog must be a name of lower-case letters, digits and hyphens: %w", catalog.ErrInvalid)
	}
	if p.Title == (catalog.Text{}) {
		return p, fmt.Errorf("profile: title is missing: %w", catalog.ErrInvalid)
	}
	if p.PublicURL != "" {
		var err error
		if p.PublicURL, err = catalog.ParseBaseURL(p.PublicURL); err != nil {
			return p, fmt.Errorf("profile: public_url: %w", err)
		}
	}
	return p, nil
}

// ResolveProfile turns the markets that p names by the publisher's keys ("key:…")
// into identifiers. A market that the release will not hold is an error: its desk
// would be shown to nobody.
func ResolveProfile(draft *catalog.Draft, publisher string, p *catalog.Profile) error {
	for i := range p.Desks {
		market := &p.Desks[i].Market
		if key, ok := strings.CutPrefix(string(*market), keyPrefix); ok {
			id, _, err := draft.Identify(catalog.Organizations, publisher, key)
			if err != nil {
				return fmt.Errorf("profile: desk %d: %w", i+1, err)
			}
			*market = id
		}
		if *market != "" && !draft.Has(*market) {
			return fmt.Errorf("profile: the market of desk %d is not among the organizations: %w", i+1, catalog.ErrInvalid)
		}
	}
	return nil
}
