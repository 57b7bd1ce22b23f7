package opendata

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"luoshu/catalog"
)

const (
	everyDataset = "all"
	// feedEntries bounds a feed.
	feedEntries = 50
	// tagYear is the year in the tag URIs (RFC 4151) of feeds and entries. It is part of
	// their names and never changes.
	tagYear = "2026"
)

// maxSitemap bounds the addresses of one sitemap, as sitemaps.org does. Tests lower it.
var maxSitemap = 50_000

// told is what feeds and OAI-PMH tell of a record, whatever its dataset.
type told struct {
	Title         string          `json:"title"`
	TitleEN       string          `json:"title_en"`
	Abstract      string          `json:"abstract"`
	AbstractEN    string          `json:"abstract_en"`
	Keywords      []string        `json:"keywords"`
	Industries    []catalog.Coded `json:"industries"`
	Disciplines   []catalog.Coded `json:"disciplines"`
	TechFields    []string        `json:"tech_fields"`
	Division      string          `json:"division"`
	PublishedAt   time.Time       `json:"published_at"`
	Organizations []catalog.Party `json:"organizations"`
	Provider      *catalog.Party  `json:"provider"`
	Contributors  []string        `json:"contributors"`
	Registration  struct {
		Number string `json:"number"`
	} `json:"registration"`
	Relations []catalog.Relation `json:"relations"`
	Sample    bool               `json:"sample"`
}

// sampleLabel marks what is invented.
var sampleLabel = catalog.Text{ZH: "示例", EN: "Sample"}

// tell reads what is told of a record. Members of that name that are something else in
// a dataset would be an error of the program; a test reads every dataset.
func tell(raw []byte) (t told, err error) {
	if err = json.Unmarshal(raw, &t); err != nil {
		return t, fmt.Errorf("opendata: %w: %w", catalog.ErrDamaged, err)
	}
	return t, nil
}

// pick returns the text of t in lang and the language it is in, where lang is missing
// the other.
func pick(t catalog.Text, lang string) (text, language string) {
	if lang == "en" && t.EN != "" || t.ZH == "" {
		return t.EN, "en"
	}
	return t.ZH, "zh"
}

// feed answers /feeds/{feed}.atom (RFC 4287).
func (h *Handler) feed(r *request) error {
	base, err := r.edition.addressed()
	if err != nil {
		return err
	}
	name, label := everyDataset, catalog.Text{ZH: "全部数据集", EN: "All datasets"}
	if r.dataset.Name != "" {
		name, label = string(r.dataset.Name), r.dataset.Label
	}
	lang, self := "zh", feedsPath+name+".atom"
	if r.english {
		lang, self = "en", self+"?lang=en"
	}
	return h.file(r, self, func() ([]byte, error) {
		m := r.snap.Manifest()
		tag := "tag:" + host(base) + "," + tagYear + ":" + m.Catalog + "/"
		x := newMarkup()
		x.open("feed", "xmlns", "http://www.w3.org/2005/Atom", "xml:lang", lang)
		// The two languages of a feed are two feeds.
		x.element("id", tag+"feeds/"+name+"/"+lang)
		x.element("title", m.Title.In(lang)+" · "+label.In(lang))
		x.element("updated", m.PublishedAt.UTC().Format(time.RFC3339))
		x.empty("link", "rel", "self", "type", "application/atom+xml", "href", base+self)
		page := base + "/"
		if r.dataset.Name != "" {
			page += name
		}
		x.empty("link", "rel", "alternate", "type", "text/html", "href", page)
		if m.License.URL != "" {
			x.empty("link", "rel", "license", "href", m.License.URL)
		}
		x.element("rights", m.License.Name.In(lang))
		x.open("author")
		x.element("name", m.Publisher.In(lang))
		x.element("uri", base+"/")
		x.close("author")
		x.element("generator", "Luoshu")

		count, at := r.edition.changed(r.snap).in(r.dataset.Name, 0, 1<<62)
		for n, entries := count-1, 0; n >= 0 && entries < feedEntries; n-- {
			c := at(n)
			found, err := r.snap.Find(c.id)
			if err != nil {
				continue // withdrawn
			}
			t, err := tell(found.Raw)
			if err != nil {
				return nil, err
			}
			entries++
			x.open("entry")
			x.element("id", tag+string(c.id))
			title, in := pick(catalog.Text{ZH: t.Title, EN: t.TitleEN}, lang)
			x.element("title", title, "xml:lang", in)
			x.element("updated", utc(c.at))
			if !t.PublishedAt.IsZero() {
				x.element("published", t.PublishedAt.UTC().Format(time.RFC3339))
			}
			address := base + pagePath(c.id)
			if r.english {
				address += "?lang=en"
			}
			x.empty("link", "rel", "alternate", "type", "text/html", "href", address)
			x.empty("link", "rel", "related", "type", typeJSON, "href", base+string(appendRecordPath(nil, c.id.Dataset(), c.id)))
			info, _ := c.id.Dataset().Info()
			x.empty("category", "term", string(info.Name), "label", info.Singular.In(lang))
			if t.Sample {
				x.empty("category", "term", "sample", "label", sampleLabel.In(lang))
			}
			if abstract, in := pick(catalog.Text{ZH: t.Abstract, EN: t.AbstractEN}, lang); abstract != "" {
				x.element("summary", abstract, "type", "text", "xml:lang", in)
			} else {
				x.element("summary", info.Singular.In(lang), "type", "text")
			}
			x.close("entry")
		}
		x.close("feed")
		return append(x.b, '\n'), nil
	})
}

// sitemap answers /sitemap.xml and its parts (sitemaps.org). They all stand at the root:
// one in a folder would speak for that folder alone.
func (h *Handler) sitemap(r *request) error {
	base, err := r.edition.addressed()
	if err != nil {
		return err
	}
	pages := len(sitemapHeads()) + r.snap.Len()
	parts := (pages + maxSitemap - 1) / maxSitemap
	if parts == 1 && r.part > 0 || r.part > parts {
		return &problemError{kind: unknownAddress}
	}
	self := sitemapPath
	if r.part > 0 {
		self = sitemapPart(r.part)
	}
	return h.file(r, self, func() ([]byte, error) {
		m := r.snap.Manifest()
		x := newMarkup()
		if parts > 1 && r.part == 0 {
			x.open("sitemapindex", "xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9")
			for n := range parts {
				x.open("sitemap")
				x.element("loc", base+sitemapPart(n+1))
				x.element("lastmod", m.PublishedAt.UTC().Format(time.RFC3339))
				x.close("sitemap")
			}
			x.close("sitemapindex")
			return append(x.b, '\n'), nil
		}
		first := max(r.part-1, 0) * maxSitemap
		x.open("urlset", "xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9")
		n := 0
		page := func(path string, at int64) {
			if n >= first && n < first+maxSitemap {
				x.open("url")
				x.element("loc", base+path)
				x.element("lastmod", utc(at))
				x.close("url")
			}
			n++
		}
		for _, path := range sitemapHeads() {
			page(path, m.PublishedAt.Unix())
		}
		for d := range catalog.Datasets() {
			for e := range r.snap.All(d.Name) {
				if n >= first && n < first+maxSitemap {
					at := e.UpdatedAt()
					if at.IsZero() {
						at = m.PublishedAt
					}
					page(pagePath(e.ID), at.Unix())
				} else {
					n++
				}
			}
		}
		x.close("urlset")
		return append(x.b, '\n'), nil
	})
}

func sitemapPart(n int) string { return fmt.Sprintf("/sitemap-%d.xml", n) }

// sitemapHeads are the pages that are there whatever the catalog holds.
func sitemapHeads() []string {
	heads := []string{"/", "/about", qualityPage, registrationPage}
	for d := range catalog.Datasets() {
		heads = append(heads, "/"+string(d.Name))
	}
	return heads
}

// robots answers /robots.txt: everything may be read, unless it is not published yet.
func (h *Handler) robots(r *request) error {
	return h.file(r, robotsPath, func() ([]byte, error) {
		var b strings.Builder
		b.WriteString("User-agent: *\n")
		if h.preview {
			b.WriteString("Disallow: /\n")
			return []byte(b.String()), nil
		}
		b.WriteString("Allow: /\n")
		if r.edition.base != "" {
			b.WriteString("\nSitemap: " + r.edition.base + sitemapPath + "\n")
		}
		return []byte(b.String()), nil
	})
}

// apiCatalog answers /.well-known/api-catalog (RFC 9727), a linkset (RFC 9264).
func (h *Handler) apiCatalog(r *request) error {
	err := h.file(r, apiCatalog, func() ([]byte, error) {
		base, title := r.edition.base, bilingual(r.snap.Manifest().Title)
		type target map[string]string
		to := func(path, media string) []target { return []target{{"href": base + path, "type": media}} }
		described := []target{
			{"href": base + catalogJSONLD, "type": typeJSONLD},
			{"href": base + catalogTurtle, "type": "text/turtle"},
			{"href": base + dataPackage, "type": typePackage},
		}
		items := []target{{"href": base + root, "title": title}}
		links := []map[string]any{
			nil,
			{
				"anchor":       base + root,
				"service-desc": to(contractPath, "application/vnd.oai.openapi+json"),
				"service-doc":  to(developersPath, "text/html"),
				"service-meta": described,
				"status":       to("/readyz", "text/plain"),
			},
		}
		if base != "" {
			items = append(items, target{"href": base + oaiPath, "title": "OAI-PMH 2.0"})
			links = append(links, map[string]any{
				"anchor":       base + oaiPath,
				"service-desc": to(oaiPath+"?verb=Identify", "text/xml"),
				"service-doc":  to(developersPath, "text/html"),
			})
		}
		links[0] = map[string]any{"anchor": base + apiCatalog, "item": items}
		return catalog.Canonical(map[string]any{"linkset": links})
	})
	if err == nil {
		// Who asks with HEAD is told by this link that it is here.
		r.ctx.Response.Header.SetCanonical(headerLink, []byte("<"+r.edition.base+apiCatalog+`>; rel="api-catalog"`))
	}
	return err
}
