package ingest

import (
	"fmt"
	"net/url"
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
		return p, fmt.Errorf("profile: catalog must be a short name of lower-case letters, digits and hyphens: %w", catalog.ErrInvalid)
	}
	if p.Title.ZH == "" && p.Title.EN == "" {
		return p, fmt.Errorf("profile: title is missing: %w", catalog.ErrInvalid)
	}
	if p.PublicURL != "" {
		u, err := url.Parse(p.PublicURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return p, fmt.Errorf("profile: public_url must be an address such as https://luoshu.example: %w", catalog.ErrInvalid)
		}
		p.PublicURL = strings.TrimSuffix(p.PublicURL, "/")
	}
	return p, nil
}

// ResolveProfile turns the markets that p names by the publisher's keys ("key:…")
// into identifiers.
func ResolveProfile(draft *catalog.Draft, publisher string, p *catalog.Profile) error {
	for i := range p.Desks {
		key, ok := strings.CutPrefix(string(p.Desks[i].Market), keyPrefix)
		if !ok {
			continue
		}
		id, _, err := draft.Identify(catalog.Organizations, publisher, key)
		if err != nil {
			return fmt.Errorf("profile: desk %d: %w", i+1, err)
		}
		p.Desks[i].Market = id
	}
	return nil
}
