package kiosk

import (
	"bytes"
	"encoding/json"
	"slices"

	"luoshu/catalog"
)

// vocabulary says of every dataset what its records are in schema.org, and what somebody is
// to them. Who seeks what a demand asks for is said the other way around: the vocabulary has
// no word for it on the demand's side, where a seller is who offers.
var vocabulary = map[catalog.Dataset]struct {
	kind, owner string
	seeks       bool
}{
	catalog.Achievements:  {kind: "CreativeWork", owner: "creator"},
	catalog.Demands:       {kind: "Demand", seeks: true},
	catalog.Packages:      {kind: "Collection"},
	catalog.Organizations: {kind: "Organization", owner: "parentOrganization"},
	catalog.Services:      {kind: "Service", owner: "provider"},
	catalog.Experts:       {kind: "Person", owner: "affiliation"},
	catalog.Policies:      {kind: "Legislation", owner: "legislationPassedBy"},
	catalog.Events:        {kind: "Event", owner: "organizer"},
	catalog.Catalogs:      {kind: "Collection", owner: "publisher"},
	catalog.Cases:         {kind: "Article", owner: "mentions"},
	catalog.Notices:       {kind: "Offer"},
	catalog.Indicators:    {kind: "Dataset"},
}

// sought are the notices by which somebody seeks, rather than offers, and announced those
// that do neither.
var (
	sought    = []string{"tender", "financing"}
	announced = []string{"publicity"}
)

const (
	linkedLead   = 300 // characters of a description
	linkedOwners = 3
	linkedItems  = 3
	linkedWords  = 10
)

// linked returns e in the vocabulary of schema.org.
func (rq *request) linked(e catalog.Entry) ([]byte, error) {
	s, err := rq.newPage(text{}, "/").newSheet(e)
	if err != nil {
		return nil, err
	}
	return s.schemaOrg()
}

// things are what stands in such a document, by their properties. A property of nothing is
// left out.
type things map[string]any

func (m things) set(name string, v any) {
	switch v := v.(type) {
	case string:
		if v == "" {
			return
		}
	case things:
		if v == nil {
			return
		}
	case []things:
		if len(v) == 0 {
			return
		}
	}
	m[name] = v
}

// schemaOrg returns the record in the vocabulary of schema.org, as JSON that may stand in
// a page.
func (s *sheet) schemaOrg() ([]byte, error) {
	known := vocabulary[s.Dataset.Name]
	at := s.rq.base + "/q/" + string(s.ID)
	m := things{"@context": "https://schema.org", "@type": s.kindOfThing(), "@id": at, "url": at, "identifier": string(s.ID), "name": s.Name().S}
	m.set("alternateName", s.OtherName().S)
	m.set("description", clip(s.Lead().S, linkedLead))
	var owners []things
	for _, o := range s.Owner() {
		if len(owners) < linkedOwners {
			owners = append(owners, things{"@type": "Organization", "name": clip(o.S, titleShown)})
		}
	}
	switch {
	case known.seeks && len(owners) > 0:
		m["@reverse"] = things{"seeks": owners}
	case known.owner != "":
		m.set(known.owner, owners)
	}
	switch s.Dataset.Name {
	case catalog.Achievements:
		if price := s.priceOf("price"); price != nil {
			m["offers"] = things{"@type": "Offer", "priceSpecification": price}
		}
	case catalog.Demands:
		m.set("priceSpecification", s.priceOf("budget"))
		m.set("validThrough", s.str("deadline"))
	case catalog.Events:
		m.set("startDate", s.str("starts_on"))
		m.set("endDate", s.str("ends_on"))
		if venue := s.str("venue"); venue != "" {
			m["location"] = things{"@type": "Place", "name": venue, "address": venue}
		}
	case catalog.Organizations:
		m.set("telephone", s.str("telephone"))
		m.set("address", s.str("address"))
		m.set("sameAs", s.str("website"))
	case catalog.Notices:
		s.announce(m)
	case catalog.Services:
		m.set("areaServed", s.str("area"))
		m.set("termsOfService", clip(s.str("conditions"), linkedLead))
	case catalog.Experts:
		m.set("jobTitle", s.label("expert-role", s.str("role")).S)
	case catalog.Policies:
		m.set("legislationIdentifier", s.str("doc_no"))
		m.set("legislationDate", s.str("issued_on"))
	case catalog.Catalogs:
		m.set("datePublished", s.str("issued_on"))
	case catalog.Cases:
		m.set("about", s.subjects())
	case catalog.Packages, catalog.Indicators: // title, description and publisher say it
	}
	if createdWork(m["@type"].(string)) {
		// The license is that of what is said here, not of the work it tells of.
		m.set("sdLicense", s.Release.License.URL)
		m.set("sdDatePublished", s.str("updated_at"))
		if words, ok := s.m["keywords"].([]any); ok {
			m["keywords"] = words[:min(len(words), linkedWords)]
		}
	}
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(m) // escapes <, > and &
	return bytes.TrimSpace(b.Bytes()), err
}

// kindOfThing returns the type of the record.
func (s *sheet) kindOfThing() string {
	kind := vocabulary[s.Dataset.Name].kind
	if s.Dataset.Name == catalog.Notices {
		switch {
		case slices.Contains(sought, s.str("kind")):
			kind = "Demand"
		case slices.Contains(announced, s.str("kind")):
			kind = "CreativeWork"
		}
	}
	return kind
}

// createdWork reports whether a type is one of works (CreativeWork and what is below it).
func createdWork(kind string) bool {
	return slices.Contains([]string{"CreativeWork", "Collection", "Legislation", "Article", "Dataset"}, kind)
}

// announce adds what a notice says.
func (s *sheet) announce(m things) {
	m.set("sameAs", s.str("url"))
	exchange := s.str("exchange")
	if m["@type"] == "CreativeWork" {
		m.set("about", s.subjects())
		if exchange != "" {
			m["publisher"] = things{"@type": "Organization", "name": exchange}
		}
		return
	}
	m.set("itemOffered", s.subjects())
	m.set("priceSpecification", s.priceOf("price"))
	m.set("validFrom", s.str("opens_on"))
	m.set("validThrough", s.str("closes_on"))
	if exchange != "" {
		m["availableAtOrFrom"] = things{"@type": "Place", "name": exchange}
	}
}

// subjects are the first works that the record is about.
func (s *sheet) subjects() []things {
	var all []things
	for _, v := range list(s.m["items"]) {
		id, _ := v.(string)
		e, err := s.rq.snap.Find(catalog.ID(id))
		if err != nil || len(all) == linkedItems || !createdWork(vocabulary[e.Dataset].kind) {
			continue
		}
		title := e.Title()
		all = append(all, things{"@type": vocabulary[e.Dataset].kind, "@id": s.rq.base + "/q/" + id, "name": clip(title.In(s.lang), titleShown)})
	}
	return all
}

// priceOf returns an amount of money, nil where none is stated.
func (s *sheet) priceOf(field string) things {
	v, _ := s.m[field].(map[string]any)
	least, most := v["min"], v["max"]
	if least == nil && most == nil {
		return nil
	}
	p := things{"@type": "PriceSpecification"}
	p.set("priceCurrency", member(v, "currency"))
	p.set("description", clip(member(v, "basis"), titleShown))
	if least == most {
		p["price"] = least
		return p
	}
	if least != nil {
		p["minPrice"] = least
	}
	if most != nil {
		p["maxPrice"] = most
	}
	return p
}
