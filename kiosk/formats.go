package kiosk

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
)

// Media types of a record.
const (
	typeHTML     = fiber.MIMETextHTMLCharsetUTF8
	typeJSON     = "application/json"
	typeLinked   = "application/ld+json"
	typeVCard    = "text/vcard; charset=utf-8"
	typeCalendar = "text/calendar; charset=utf-8"
)

// file is an answer that is no page.
type file struct {
	kind string // media type
	name string // to keep it under; empty shows it
	// open lets scripts of other sites read it.
	open bool
	body func() ([]byte, error)
}

// file returns f as the answer.
func (rq *request) file(f file) answer {
	rq.form = f.kind
	return answer{file: &f}
}

// wanted returns which of the media types the client would rather have (RFC 9110, section
// 12.5.1): the first among equals. Where it takes none, the first is given all the same,
// since a phone that asks for nonsense wants a page.
func (rq *request) wanted(offered ...string) string {
	best, most := offered[0], 0.0
	for _, o := range offered {
		if q := quality(rq.accept, o); q > most {
			best, most = o, q
		}
	}
	return best
}

// quality returns how much a client with this Accept field wants a media type: what the
// most specific range says that the type is in.
func quality(accept, kind string) float64 {
	if accept == "" {
		return 1
	}
	kind, _, _ = strings.Cut(kind, ";")
	main, _, _ := strings.Cut(kind, "/")
	specific, found := -1, 0.0
	for item := range strings.SplitSeq(accept, ",") {
		parts := strings.Split(item, ";")
		level := 0
		switch r := strings.ToLower(strings.TrimSpace(parts[0])); r {
		case kind:
			level = 2
		case main + "/*":
			level = 1
		case "*/*":
		default:
			continue
		}
		q := 1.0
		for _, p := range parts[1:] {
			name, v, _ := strings.Cut(p, "=")
			if strings.EqualFold(strings.TrimSpace(name), "q") {
				n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
				if err != nil || !(n >= 0 && n <= 1) {
					n = 0 // what cannot be understood is not wanted
				}
				q = n
			}
		}
		if level > specific {
			specific, found = level, q
		}
	}
	return found
}

// vocabulary says of every dataset what its records are in schema.org, and as what
// somebody stands to them.
var vocabulary = map[catalog.Dataset]struct{ kind, owner string }{
	catalog.Achievements:  {"CreativeWork", "creator"},
	catalog.Demands:       {"Demand", "seller"},
	catalog.Packages:      {"Collection", "creator"},
	catalog.Organizations: {"Organization", "parentOrganization"},
	catalog.Services:      {"Service", "provider"},
	catalog.Experts:       {"Person", "affiliation"},
	catalog.Policies:      {"Legislation", "legislationPassedBy"},
	catalog.Events:        {"Event", "organizer"},
	catalog.Catalogs:      {"Collection", "publisher"},
	catalog.Cases:         {"Article", "about"},
	catalog.Notices:       {"Offer", "offeredBy"},
	catalog.Indicators:    {"Dataset", "creator"},
}

const (
	linkedLead   = 300 // characters of a description
	linkedOwners = 3
)

// linked returns e in the vocabulary of schema.org.
func (rq *request) linked(e catalog.Entry) ([]byte, error) {
	s, err := rq.newPage(text{}, "/").newSheet(e)
	if err != nil {
		return nil, err
	}
	return s.schemaOrg()
}

// schemaOrg returns the record in the vocabulary of schema.org, as JSON that may stand in
// a page.
func (s *sheet) schemaOrg() ([]byte, error) {
	kind := vocabulary[s.Dataset.Name]
	at := s.rq.base + "/q/" + string(s.ID)
	m := map[string]any{
		"@context": "https://schema.org", "@type": kind.kind, "@id": at, "url": at, "identifier": string(s.ID), "name": s.Name().S,
	}
	set := func(name, v string) {
		if v != "" {
			m[name] = v
		}
	}
	set("alternateName", s.OtherName().S)
	set("description", clip(s.Lead().S, linkedLead))
	var owners []any
	for _, o := range s.Owner() {
		if len(owners) < linkedOwners {
			owners = append(owners, map[string]any{"@type": "Organization", "name": clip(o.S, titleShown)})
		}
	}
	if len(owners) > 0 {
		m[kind.owner] = owners
	}
	switch s.Dataset.Name {
	case catalog.Events:
		set("startDate", s.str("starts_on"))
		set("endDate", s.str("ends_on"))
		if venue := s.str("venue"); venue != "" {
			m["location"] = map[string]any{"@type": "Place", "name": venue, "address": venue}
		}
	case catalog.Organizations:
		set("telephone", s.str("telephone"))
		set("address", s.str("address"))
		set("sameAs", s.str("website"))
	case catalog.Demands:
		set("availabilityEnds", s.str("deadline"))
	case catalog.Notices:
		set("availabilityStarts", s.str("opens_on"))
		set("availabilityEnds", s.str("closes_on"))
	case catalog.Services:
		set("termsOfService", clip(s.str("conditions"), linkedLead))
	case catalog.Experts:
		set("jobTitle", s.label("expert-role", s.str("role")).S)
	default:
		set("dateModified", s.str("updated_at"))
		set("license", s.Release.License.URL)
		m["isAccessibleForFree"] = true
		if words, ok := s.m["keywords"].([]any); ok {
			m["keywords"] = words[:min(len(words), 10)]
		}
	}
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(m) // escapes <, > and &
	return bytes.TrimSpace(b.Bytes()), err
}
