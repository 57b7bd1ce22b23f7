package opendata

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// What harvesters read: the catalog described for other catalogs, and lists of what
// there is and what changed. Each document belongs to one release and is made once
// for it. Formats in which every address must be whole are missing (404, with the
// reason) from a catalog without a public address; the others have addresses that
// begin with the path.

// Paths of the documents for harvesters.
const (
	catalogJSONLD = "/catalog.jsonld"
	catalogTurtle = "/catalog.ttl"
	dataPackage   = "/datapackage.json"
	oaiPath       = "/oai"
	oaiSchemaPath = "/oai/luoshu.xsd"
	feedsPath     = "/feeds/"
	sitemapPath   = "/sitemap.xml"
	robotsPath    = "/robots.txt"
	apiCatalog    = "/.well-known/api-catalog"
)

// Media types of the documents for harvesters.
const (
	typeJSONLD  = "application/ld+json"
	typeTurtle  = "text/turtle; charset=utf-8"
	typePackage = "application/vnd.datapackage+json"
	typeAtom    = "application/atom+xml; charset=utf-8"
	typeXML     = "application/xml; charset=utf-8"
	typeOAI     = "text/xml; charset=utf-8" // as the protocol has it
	typeLinkset = `application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"`
)

var (
	feedParameter = Parameter{
		Name: "feed", In: "path", Type: "string", Max: 32, values: feedNames,
		Description: catalog.Text{ZH: "数据集名称，或 all", EN: "Name of a dataset, or all"},
		set: func(r *request, v string) error {
			v, ok := strings.CutSuffix(v, ".atom")
			info, known := catalog.Dataset(v).Info()
			if !ok || !known && v != everyDataset {
				return unknownAddressError(v, feedNames(""))
			}
			r.dataset = info
			return nil
		},
	}
	languageParameter = Parameter{
		Name: "lang", In: "query", Type: "string", Max: 2, Default: "zh",
		values:      func(catalog.Dataset) []string { return []string{"zh", "en"} },
		Description: catalog.Text{ZH: "语言：zh 或 en；记录没有英文的仍用中文", EN: "Language: zh or en; what a record lacks in English stays in Chinese"},
		set: func(r *request, v string) error {
			if v != "zh" && v != "en" {
				return &faultError{kind: badLanguage}
			}
			r.english = v == "en"
			return nil
		},
	}
	partParameter = Parameter{
		Name: "part", In: "path", Type: "integer", Min: 1,
		Description: catalog.Text{ZH: "站点地图的第几部分", EN: "Part of the sitemap, from 1"},
		set: func(r *request, v string) error {
			v = strings.TrimSuffix(strings.TrimPrefix(v, "sitemap-"), ".xml")
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || strconv.Itoa(n) != v {
				return &problemError{kind: unknownAddress}
			}
			r.part = n
			return nil
		},
	}
)

// harvesting are the operations for harvesters.
var harvesting = []Operation{
	{
		Path: catalogJSONLD, Produces: typeJSONLD, serve: (*Handler).catalogJSONLD, made: true,
		Summary: catalog.Text{ZH: "目录的 DCAT-AP 3 描述，JSON-LD", EN: "The catalog in DCAT-AP 3, as JSON-LD"},
	},
	{
		Path: catalogTurtle, Produces: typeTurtle, serve: (*Handler).catalogTurtle, made: true,
		Summary: catalog.Text{ZH: "目录的 DCAT-AP 3 描述，Turtle", EN: "The catalog in DCAT-AP 3, as Turtle"},
	},
	{
		Path: dataPackage, Produces: typePackage, serve: (*Handler).dataPackage, made: true,
		Summary: catalog.Text{ZH: "Data Package v2 描述，含各数据集的字段", EN: "Data Package v2 descriptor with the fields of every dataset"},
	},
	{
		Path: apiCatalog, Produces: typeLinkset, serve: (*Handler).apiCatalog, made: true,
		Summary: catalog.Text{ZH: "接口目录（RFC 9727）", EN: "Catalog of the APIs (RFC 9727)"},
	},
	{
		Path: oaiPath, Produces: typeOAI, Class: Search, serve: (*Handler).oai, OwnErrors: true, addressed: true,
		Summary:    catalog.Text{ZH: "OAI-PMH 2.0 收割接口，仅 GET", EN: "OAI-PMH 2.0, by GET"},
		Parameters: oaiParameters,
	},
	{
		Path: oaiSchemaPath, Produces: typeXML, serve: (*Handler).oaiSchema, made: true,
		Summary: catalog.Text{ZH: "OAI-PMH 中 luoshu 格式的 XML Schema", EN: "XML Schema of the format luoshu of OAI-PMH"},
	},
	{
		Path: feedsPath + "{feed}.atom", Produces: typeAtom, serve: (*Handler).feed, made: true, addressed: true,
		Summary:    catalog.Text{ZH: "最近更新的 50 条，Atom", EN: "The 50 records that changed last, as Atom"},
		Parameters: []Parameter{feedParameter, languageParameter},
	},
	{
		Path: sitemapPath, Produces: typeXML, serve: (*Handler).sitemap, made: true, addressed: true,
		Summary: catalog.Text{ZH: "站点地图；超过五万页时为其索引", EN: "Sitemap, or the index of its parts when there are more than 50,000 pages"},
	},
	{
		Path: "/sitemap-{part}.xml", Produces: typeXML, serve: (*Handler).sitemap, made: true, addressed: true,
		Summary:    catalog.Text{ZH: "站点地图的一部分", EN: "A part of the sitemap"},
		Parameters: []Parameter{partParameter},
	},
	{
		Path: robotsPath, Produces: typeText, serve: (*Handler).robots, made: true,
		Summary: catalog.Text{ZH: "对搜索引擎的说明", EN: "What crawlers may do"},
	},
}

// feedNames returns the names of the feeds.
func feedNames(d catalog.Dataset) []string { return append([]string{everyDataset}, allDatasets(d)...) }

// file answers with a document of the current release that build makes the first time.
// It is whole as it is, without an envelope.
func (h *Handler) file(r *request, self string, build func() ([]byte, error)) error {
	e := r.edition
	made, ok := e.made.Load(self)
	if !ok {
		body, err := build()
		if err != nil {
			return err
		}
		made, _ = e.made.LoadOrStore(self, newDocument(body, self))
	}
	d := made.(document)
	if r.current(e, d.identity, d.size) {
		return nil
	}
	r.sendDocument(d)
	r.linkHeader(e, []byte(self), nil)
	return nil
}

// addressed returns the origin of the edition, or the problem that there is none.
func (e *edition) addressed() (string, error) {
	if e.base == "" {
		return "", &problemError{kind: noPublicAddress}
	}
	return e.base, nil
}

// host returns the name of the host of a base address.
func host(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// pagePath returns the path of the page for people about a record.
func pagePath(id catalog.ID) string { return "/" + string(id.Dataset()) + "/" + string(id) }

// changes are the records and tombstones of a release in the order in which they
// changed. They hold nothing of the snapshot.
type changes struct {
	all []change
	// of are the places in all of what belongs to a dataset.
	of map[catalog.Dataset][]uint32
}

// change is a record or tombstone, and when it became what it is, in Unix seconds.
type change struct {
	at int64
	id catalog.ID
}

// changed returns the changes of the release e is of, which is s.
func (e *edition) changed(s *snapshot.Snapshot) *changes {
	e.once.Do(func() { e.changes = newChanges(s) })
	return e.changes
}

func newChanges(s *snapshot.Snapshot) *changes {
	m := s.Manifest()
	c := &changes{all: make([]change, 0, s.Len()+len(m.Withdrawn)), of: map[catalog.Dataset][]uint32{}}
	for d := range catalog.Datasets() {
		for e := range s.All(d.Name) {
			at := e.UpdatedAt()
			if at.IsZero() {
				at = m.PublishedAt
			}
			c.all = append(c.all, change{at.Unix(), e.ID})
		}
	}
	for _, t := range m.Withdrawn {
		c.all = append(c.all, change{withdrawnAt(t, m), t.ID})
	}
	slices.SortFunc(c.all, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(string(a.id), string(b.id)))
	})
	for i, x := range c.all {
		d := x.id.Dataset()
		c.of[d] = append(c.of[d], uint32(i))
	}
	return c
}

// withdrawnAt returns the last second of the day of a withdrawal. Only the day is
// kept: had the tombstone an earlier time, a harvester that was here in the morning of
// that day would never learn of it.
func withdrawnAt(t catalog.Tombstone, m *catalog.Manifest) int64 {
	day, err := time.Parse(time.DateOnly, string(t.WithdrawnOn))
	if err != nil {
		return m.PublishedAt.Unix()
	}
	return day.Unix() + 24*60*60 - 1
}

// in returns the changes of dataset d, all with an empty one, from the time from up to
// and with until, oldest first, as their number and a function that gives the n-th.
func (c *changes) in(d catalog.Dataset, from, until int64) (int, func(int) change) {
	count, get := len(c.all), func(n int) change { return c.all[n] }
	if d != "" {
		of := c.of[d]
		count, get = len(of), func(n int) change { return c.all[of[n]] }
	}
	first := searchChange(count, get, from)
	end := searchChange(count, get, until+1)
	return max(end-first, 0), func(n int) change { return get(first + n) }
}

// searchChange returns the first of n changes that is not before at.
func searchChange(n int, get func(int) change, at int64) int {
	low, high := 0, n
	for low < high {
		if mid := int(uint(low+high) >> 1); get(mid).at < at {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// markup writes XML. Names are given by the program, texts by anybody.
type markup struct{ b []byte }

const xmlDeclaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func newMarkup() *markup { return &markup{b: []byte(xmlDeclaration)} }

// open begins an element. attributes are name and value in turn; one with an empty
// value is left out.
func (m *markup) open(name string, attributes ...string) {
	m.begin(name, attributes)
	m.b = append(m.b, '>')
}

func (m *markup) begin(name string, attributes []string) {
	m.b = append(append(m.b, '<'), name...)
	for i := 0; i < len(attributes); i += 2 {
		if attributes[i+1] == "" {
			continue
		}
		m.b = append(append(append(m.b, ' '), attributes[i]...), `="`...)
		m.escape(attributes[i+1], true)
		m.b = append(m.b, '"')
	}
}

func (m *markup) close(name string) {
	m.b = append(append(append(m.b, `</`...), name...), '>')
}

// element writes an element that holds only text.
func (m *markup) element(name, text string, attributes ...string) {
	m.open(name, attributes...)
	m.text(text)
	m.close(name)
}

func (m *markup) empty(name string, attributes ...string) {
	m.begin(name, attributes)
	m.b = append(m.b, `/>`...)
}

func (m *markup) text(s string) { m.escape(s, false) }

// escape writes s so that a reader gets it back unchanged. What XML cannot hold becomes
// U+FFFD.
func (m *markup) escape(s string, attribute bool) {
	for _, c := range s {
		switch {
		case c == '&':
			m.b = append(m.b, `&amp;`...)
		case c == '<':
			m.b = append(m.b, `&lt;`...)
		case c == '>':
			m.b = append(m.b, `&gt;`...)
		case c == '\r', attribute && (c == '"' || c == '\t' || c == '\n'):
			m.b = append(strconv.AppendInt(append(m.b, `&#`...), int64(c), 10), ';')
		case c < ' ' && c != '\t' && c != '\n', c == 0xFFFE, c == 0xFFFF:
			m.b = utf8.AppendRune(m.b, utf8.RuneError)
		default:
			m.b = utf8.AppendRune(m.b, c)
		}
	}
}
