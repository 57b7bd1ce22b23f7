package opendata

import (
	"net/url"

	"luoshu/catalog"
)

// Wire types of the documents that describe the catalog. Member names are a
// promise; the order of members is that of RFC 8785.

// overview is the data of /api/v1.
type overview struct {
	Catalog   string          `json:"catalog"`
	Title     catalog.Text    `json:"title"`
	Publisher catalog.Text    `json:"publisher"`
	License   catalog.License `json:"license"`
	PublicURL string          `json:"public_url,omitzero"`
	// Schema is the version of the records' fields, AsOf the day they describe.
	Schema  string       `json:"schema"`
	AsOf    catalog.Date `json:"as_of"`
	Records int          `json:"records"`
}

// dataset is an item of /api/v1/datasets.
type dataset struct {
	Name     catalog.Dataset   `json:"name"`
	Label    catalog.Text      `json:"label"`
	Singular catalog.Text      `json:"singular"`
	Count    int               `json:"count"`
	Fields   []field           `json:"fields"`
	Links    map[string]string `json:"links"`
}

// field is a field of a dataset's records.
type field struct {
	Path  string       `json:"path"`
	Type  string       `json:"type"`
	Label catalog.Text `json:"label"`
	// CodeList names the list a code is of, Dataset where an identifier leads.
	CodeList string          `json:"code_list,omitzero"`
	Dataset  catalog.Dataset `json:"dataset,omitzero"`
}

// codeListHead is an item of /api/v1/codes.
type codeListHead struct {
	Name      string            `json:"name"`
	Title     catalog.Text      `json:"title"`
	Source    string            `json:"source,omitzero"`
	Edition   string            `json:"edition,omitzero"`
	ValidFrom catalog.Date      `json:"valid_from,omitzero"`
	Count     int               `json:"count"`
	Links     map[string]string `json:"links,omitempty"`
}

// codeListBody is the data of /api/v1/codes/{list}.
type codeListBody struct {
	codeListHead
	Codes []code `json:"codes"`
}

type code struct {
	Code      string       `json:"code"`
	Label     catalog.Text `json:"label"`
	ValidFrom catalog.Date `json:"valid_from,omitzero"`
	ValidTo   catalog.Date `json:"valid_to,omitzero"`
	Successor string       `json:"successor,omitzero"`
	Aliases   []string     `json:"aliases,omitempty"`
}

func (h *Handler) index(r *request) error {
	return h.describe(r, root, func() (any, int) {
		m := r.snap.Manifest()
		o := overview{
			Catalog: m.Catalog, Title: m.Title, Publisher: m.Publisher, License: m.License,
			PublicURL: m.PublicURL, Schema: m.Schema, AsOf: m.AsOf,
		}
		for _, n := range m.Counts {
			o.Records += n
		}
		return o, -1
	},
		link{"datasets", root + "/datasets"}, link{"codes", root + "/codes"},
		link{"releases", root + "/releases"}, link{"pointer", root + "/releases/current/pointer"},
		link{"quality", qualityPath})
}

func (h *Handler) datasets(r *request) error {
	return h.describe(r, root+"/datasets", func() (any, int) {
		var all []dataset
		for info := range catalog.Datasets() {
			d := dataset{
				Name: info.Name, Label: info.Label, Singular: info.Singular, Count: r.snap.Count(info.Name),
				Links: map[string]string{"self": h.origin(r.snap.Manifest()) + root + "/" + string(info.Name)},
			}
			for _, f := range catalog.Fields(info.Name) {
				d.Fields = append(d.Fields, field{Path: f.Path, Type: f.Type, Label: f.Label, CodeList: f.List, Dataset: f.Target})
			}
			all = append(all, d)
		}
		return all, len(all)
	})
}

func (h *Handler) codeLists(r *request) error {
	return h.describe(r, root+"/codes", func() (any, int) {
		var all []codeListHead
		add := func(l codeListBody) {
			l.Links = map[string]string{"self": h.origin(r.snap.Manifest()) + codeListPath(l.Name)}
			all = append(all, l.codeListHead)
		}
		for l := range catalog.CodeLists() {
			add(ofCodeList(l))
		}
		for _, s := range r.snap.Manifest().Schemes {
			if catalog.LookupCodeList(s.ID) == nil {
				add(ofScheme(s))
			}
		}
		return all, len(all)
	})
}

func (h *Handler) codeList(r *request) error {
	build, err := findCodeList(r)
	if err != nil {
		return err
	}
	return h.describe(r, codeListPath(r.list), func() (any, int) { return build(), -1 },
		link{"collection", root + "/codes"})
}

// codeListPath returns the path of a list; a local scheme may be called anything.
func codeListPath(name string) string { return root + "/codes/" + url.PathEscape(name) }

// findCodeList returns what makes the list called r.list: one of ours, or a local
// scheme of the catalog.
func findCodeList(r *request) (func() codeListBody, error) {
	if l := catalog.LookupCodeList(r.list); l != nil {
		return func() codeListBody { return ofCodeList(l) }, nil
	}
	var names []string
	for _, s := range r.snap.Manifest().Schemes {
		if s.ID == r.list {
			return func() codeListBody { return ofScheme(s) }, nil
		}
		names = append(names, s.ID)
	}
	for l := range catalog.CodeLists() {
		names = append(names, l.Name)
	}
	return nil, unknownAddressError(r.list, names)
}

func ofCodeList(l *catalog.CodeList) codeListBody {
	b := codeListBody{codeListHead: codeListHead{
		Name: l.Name, Title: l.Title, Source: l.Source, Edition: l.Edition, ValidFrom: l.ValidFrom, Count: len(l.Codes()),
	}}
	for _, c := range l.Codes() {
		b.Codes = append(b.Codes, code{c.Code, c.Label, c.ValidFrom, c.ValidTo, c.Successor, c.Aliases})
	}
	return b
}

func ofScheme(s catalog.Scheme) codeListBody {
	b := codeListBody{codeListHead: codeListHead{Name: s.ID, Title: s.Title, Count: len(s.Codes)}}
	for _, c := range s.Codes {
		b.Codes = append(b.Codes, code{Code: c.Code, Label: c.Text})
	}
	return b
}

// describe answers with a document that belongs to the current release and is
// made once for it.
func (h *Handler) describe(r *request, path string, build func() (any, int), links ...link) error {
	self := append(r.buf[:0], path...)
	d, err := r.edition.document(self, build, links...)
	if err != nil {
		return err
	}
	if r.current(r.edition, d.identity, d.size) {
		return nil
	}
	r.sendDocument(d)
	r.linkHeader(r.edition, self, nil)
	return nil
}
