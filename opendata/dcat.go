package opendata

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"luoshu/catalog"
)

// distribution is a way to get a dataset. The table is what DCAT and Data Package are
// told of: a new export is added here and nowhere else.
type distribution struct {
	// name ends its IRI.
	name string
	// path has {dataset} in it.
	path string
	// fileType is a code of the EU file type vocabulary; mediaType is registered with
	// IANA, or empty.
	fileType, mediaType string
	// format and property are those of a Data Package: how to read the file, and the
	// member its records stand in.
	format, property string
	label            catalog.Text
	// whole tells a file with all records from an interface that gives them in pages.
	whole bool
}

var distributions = []distribution{
	{
		name: "api", path: root + "/{dataset}", fileType: "JSON", mediaType: typeJSON, format: "json", property: "data",
		label: catalog.Text{ZH: "开放接口，分页 JSON", EN: "API, pages of JSON"},
	},
	{
		name: "jsonl", path: root + "/exports/{dataset}.jsonl", fileType: "JSON", format: "jsonl", whole: true,
		label: catalog.Text{ZH: "全部记录，每行一条 JSON", EN: "All records, one JSON object a line"},
	},
	{
		name: "csv", path: root + "/exports/{dataset}.csv", fileType: "CSV", mediaType: "text/csv", format: "csv", whole: true,
		label: catalog.Text{ZH: "全部记录，CSV", EN: "All records, CSV"},
	},
	{
		name: "xlsx", path: root + "/exports/{dataset}.xlsx", fileType: "XLSX", format: "xlsx", whole: true,
		mediaType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		label:     catalog.Text{ZH: "全部记录，Excel 工作簿", EN: "All records, Excel workbook"},
	},
	{
		name: "parquet", path: root + "/exports/{dataset}.parquet", fileType: "PARQUET", mediaType: typeParquet, format: "parquet", whole: true,
		label: catalog.Text{ZH: "全部记录，Parquet（列式，保持嵌套）", EN: "All records, Parquet (columnar, nested)"},
	},
}

func (d *distribution) address(base string, of catalog.Dataset) string {
	return base + strings.Replace(d.path, "{dataset}", string(of), 1)
}

// The controlled vocabularies of the EU Publications Office that DCAT-AP asks for.
const (
	euAuthority = "http://publications.europa.eu/resource/authority/"
	euPublic    = euAuthority + "access-right/PUBLIC"
	euIrregular = euAuthority + "frequency/IRREG"
	euChinese   = euAuthority + "language/ZHO"
	euEnglish   = euAuthority + "language/ENG"
	euThemes    = euAuthority + "data-theme"
	euScience   = euAuthority + "data-theme/TECH"
	euFileType  = euAuthority + "file-type/"
	ianaMedia   = "https://www.iana.org/assignments/media-types/"
	// luoyang is the city in GB/T 2260.
	luoyang = "410300"
)

func (h *Handler) catalogJSONLD(r *request) error {
	return h.file(r, catalogJSONLD, func() ([]byte, error) { return describeCatalog(r).jsonLD() })
}

func (h *Handler) catalogTurtle(r *request) error {
	return h.file(r, catalogTurtle, func() ([]byte, error) { return describeCatalog(r).turtle(), nil })
}

// describeCatalog returns the release in DCAT-AP 3. Without a public address its IRIs
// begin with the path: they are whole where the document is read.
func describeCatalog(r *request) *graph {
	var (
		g       = &graph{}
		m       = r.snap.Manifest()
		changed = r.edition.changed(r.snap)
		base    = r.edition.base
		named   = func(name string) string { return base + catalogJSONLD + "#" + name }
		issued  = m.PublishedAt.UTC().Format(time.RFC3339)
		version = integer(m.Sequence)
		title   = both(m.Title)
	)
	var invented catalog.Text
	if m.Sample {
		invented = catalog.Text{ZH: "（示例，内容为虚构）", EN: " (sample: the content is invented)"}
	}
	license := m.License.URL
	if license == "" {
		license = named("license")
	}
	// Everything that is offered is so by the same publisher under the same terms.
	offered := func(s *subject) {
		s.link("dct:publisher", named("publisher"))
		s.link("dcat:contactPoint", named("contact"))
		s.link("dct:license", license)
		s.link("dct:accessRights", euPublic)
	}
	dated := func(s *subject, modified string) {
		s.literal("dct:issued", issued, "xsd:dateTime")
		s.literal("dct:modified", modified, "xsd:dateTime")
		s.literal("dcat:version", version, "")
		s.link("dct:language", euChinese)
		s.link("dct:language", euEnglish)
		s.link("dct:spatial", named("luoyang"))
	}

	c := g.about(named("catalog"), "dcat:Catalog")
	c.text("dct:title", title)
	c.text("dct:description", catalog.Text{
		ZH: fmt.Sprintf("%s，%s发布。第 %s 次发布，共 %d 条记录", title.ZH, both(m.Publisher).ZH, version, r.snap.Len()) + invented.ZH,
		EN: fmt.Sprintf("%s, published by %s. Release %s with %d records", title.EN, both(m.Publisher).EN, version, r.snap.Len()) + invented.EN,
	})
	c.literal("dct:identifier", m.Catalog, "")
	c.link("foaf:homepage", base+"/")
	offered(c)
	dated(c, issued)
	c.link("dcat:themeTaxonomy", euThemes)
	c.link("dcat:service", named("api"))

	api := g.about(named("api"), "dcat:DataService")
	api.text("dct:title", catalog.Text{ZH: title.ZH + "：开放接口", EN: title.EN + ": API"})
	api.text("dct:description", catalog.Text{
		ZH: "只读的 JSON 接口，无需注册：列表、检索、筛选、统计、历次发布",
		EN: "Read-only JSON interface without registration: lists, search, filters, counts and releases",
	})
	api.link("dcat:endpointURL", base+root)
	api.link("dcat:endpointDescription", base+contractPath)
	api.link("foaf:page", base+developersPath)
	api.link("dcat:theme", euScience)
	offered(api)
	if base != "" {
		oai := g.about(named("oai"), "dcat:DataService")
		c.link("dcat:service", named("oai"))
		oai.text("dct:title", catalog.Text{ZH: title.ZH + "：OAI-PMH", EN: title.EN + ": OAI-PMH"})
		oai.text("dct:description", catalog.Text{ZH: "OAI-PMH 2.0 收割接口", EN: "Harvesting by OAI-PMH 2.0"})
		oai.link("dcat:endpointURL", base+oaiPath)
		oai.link("dct:conformsTo", "http://www.openarchives.org/OAI/2.0/")
		g.about("http://www.openarchives.org/OAI/2.0/", "dct:Standard")
		oai.link("dcat:theme", euScience)
		offered(oai)
	}

	for info := range catalog.Datasets() {
		name := string(info.Name)
		d := g.about(named(name), "dcat:Dataset")
		c.link("dcat:dataset", named(name))
		for _, s := range []string{"api", "oai"} {
			if service := g.of[iri(named(s))]; service != nil {
				service.link("dcat:servesDataset", named(name))
			}
		}
		count, fields := r.snap.Count(info.Name), len(catalog.Fields(info.Name))
		d.text("dct:title", catalog.Text{ZH: title.ZH + "：" + info.Label.ZH, EN: title.EN + ": " + info.Label.EN})
		d.text("dct:description", catalog.Text{
			ZH: fmt.Sprintf("%s中的“%s”，%d 条记录，%d 个字段", title.ZH, info.Label.ZH, count, fields) + invented.ZH,
			EN: fmt.Sprintf("%s of %s: %d records of %d fields", info.Label.EN, title.EN, count, fields) + invented.EN,
		})
		d.literal("dct:identifier", name, "")
		d.text("dcat:keyword", info.Label)
		d.link("dcat:theme", euScience)
		d.link("dct:accrualPeriodicity", euIrregular)
		d.link("dcat:landingPage", base+"/"+name)
		offered(d)
		modified := issued
		if of := changed.of[info.Name]; len(of) > 0 {
			// A withdrawal is dated by the end of its day.
			modified = utc(min(changed.all[of[len(of)-1]].at, m.PublishedAt.Unix()))
		}
		dated(d, modified)
		for i := range distributions {
			dist := &distributions[i]
			here := named(name + "-" + dist.name)
			d.link("dcat:distribution", here)
			s := g.about(here, "dcat:Distribution")
			s.text("dct:title", catalog.Text{ZH: info.Label.ZH + "：" + dist.label.ZH, EN: info.Label.EN + ": " + dist.label.EN})
			s.link("dcat:accessURL", dist.address(base, info.Name))
			if dist.whole {
				s.link("dcat:downloadURL", dist.address(base, info.Name))
			} else {
				s.link("dcat:accessService", named("api"))
			}
			s.link("dct:format", euFileType+dist.fileType)
			g.about(euFileType+dist.fileType, "dct:MediaTypeOrExtent")
			if dist.mediaType != "" {
				s.link("dcat:mediaType", ianaMedia+dist.mediaType)
				g.about(ianaMedia+dist.mediaType, "dct:MediaType")
			}
			s.link("dct:license", license)
			s.link("dct:rights", euPublic)
			s.literal("dct:issued", issued, "xsd:dateTime")
			s.literal("dct:modified", modified, "xsd:dateTime")
		}
	}
	describeParties(g, m, license, named, base)
	return g
}

// describeParties adds what the rest of the catalog refers to: the publisher, its desk,
// the license, the place, and the classes of the vocabularies' values.
func describeParties(g *graph, m *catalog.Manifest, license string, named func(string) string, base string) {
	g.about(named("publisher"), "foaf:Agent", "foaf:Organization").text("foaf:name", both(m.Publisher))

	contact := g.about(named("contact"), "vcard:Kind", "vcard:Organization")
	contact.text("vcard:fn", both(m.Publisher))
	if desk, ok := m.Desk(""); ok {
		contact.text("vcard:organization-unit", desk.Name)
		if desk.Telephone != "" {
			contact.link("vcard:hasTelephone", telephone(desk.Telephone))
		}
		if desk.Address != (catalog.Text{}) {
			contact.link("vcard:hasAddress", named("address"))
			g.about(named("address"), "vcard:Address").text("vcard:street-address", desk.Address)
		}
	}
	contact.link("vcard:hasURL", base+"/about")

	l := g.about(license, "dct:LicenseDocument")
	l.text("dct:title", m.License.Name)
	l.literal("dct:identifier", m.License.SPDX, "")

	place := g.about(named("luoyang"), "dct:Location")
	if code, ok := catalog.LookupCodeList("division").Lookup(luoyang); ok {
		place.text("skos:prefLabel", code.Label)
		place.literal("dct:identifier", code.Code, "")
	}
	g.about(euPublic, "dct:RightsStatement")
	g.about(euIrregular, "dct:Frequency")
	g.about(euChinese, "dct:LinguisticSystem")
	g.about(euEnglish, "dct:LinguisticSystem")
	g.about(euScience, "skos:Concept")
	g.about(euThemes, "skos:ConceptScheme")
}

// both returns t with the language it has in place of the one it lacks.
func both(t catalog.Text) catalog.Text {
	return catalog.Text{ZH: t.In("zh"), EN: t.In("en")}
}

// utc writes Unix seconds as harvesters read them.
func utc(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

// telephone returns the URI of a number in China, as people write it (RFC 3966).
func telephone(number string) string {
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, number)
	switch {
	case strings.HasPrefix(number, "+"):
		return "tel:+" + digits
	case strings.HasPrefix(digits, "0"):
		return "tel:+86" + digits[1:]
	}
	return "tel:" + digits + ";phone-context=+86"
}

// dataPackage answers with a Data Package descriptor: one resource for each dataset, by
// the first distribution that has it whole.
func (h *Handler) dataPackage(r *request) error {
	return h.file(r, dataPackage, func() ([]byte, error) {
		m, base := r.snap.Manifest(), r.edition.base
		license := map[string]string{"title": m.License.Name.In("zh")}
		if m.License.URL != "" {
			license["path"] = m.License.URL
		}
		if m.License.SPDX != "" {
			license["name"] = m.License.SPDX
		}
		p := map[string]any{
			"$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
			"name":    m.Catalog, "title": bilingual(m.Title), "version": strconv.FormatInt(m.Sequence, 10) + ".0.0",
			"created":      m.PublishedAt.UTC().Format(time.RFC3339),
			"contributors": []any{map[string]any{"title": bilingual(m.Publisher), "roles": []string{"publisher"}}},
			"keywords":     []string{"科技成果", "技术市场", "洛阳", "research achievements", "technology market", "Luoyang"},
		}
		// A license has a name or an address, or it is none.
		if len(license) > 1 {
			p["licenses"] = []any{license}
		}
		if base != "" {
			p["homepage"] = base + "/"
		}
		var resources []any
		for info := range catalog.Datasets() {
			resources = append(resources, packageResource(base, info))
		}
		p["resources"] = resources
		return catalog.Canonical(p)
	})
}

func packageResource(base string, info catalog.DatasetInfo) map[string]any {
	dist := &distributions[0]
	for i := range distributions {
		if d := &distributions[i]; d.whole && d.format == "jsonl" {
			dist = d
			break
		}
	}
	r := map[string]any{
		"$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
		"name":    string(info.Name), "title": bilingual(info.Label), "type": "table",
		// A path without a scheme is seen from the descriptor, and may not begin with /.
		"path":   strings.TrimPrefix(dist.address(base, info.Name), "/"),
		"format": dist.format, "encoding": "utf-8",
		"description": bilingual(dist.label),
		"schema":      tableSchema(info.Name),
	}
	if dist.mediaType != "" {
		r["mediatype"] = dist.mediaType
	}
	dialect := map[string]string{"itemType": "object"}
	if dist.property != "" {
		dialect["property"] = dist.property
	}
	r["dialect"] = dialect
	return r
}

// tableSchema describes the members of d's records.
func tableSchema(d catalog.Dataset) map[string]any {
	var fields []any
	seen := map[string]bool{}
	for _, f := range catalog.Fields(d) {
		name := f.Top()
		if seen[name] {
			continue
		}
		seen[name] = true
		field := map[string]any{"name": name, "title": bilingual(f.Label)}
		constraints := map[string]any{}
		switch {
		case strings.HasPrefix(f.Path, name+"[]"):
			field["type"] = "array"
		case strings.Contains(f.Path, "."):
			field["type"] = "object"
		default:
			packageType(f, field, constraints)
		}
		// The label is that of the first member inside.
		if field["type"] != "string" && strings.Contains(f.Path, ".") {
			delete(field, "title")
		}
		if name == "id" {
			constraints["required"], constraints["unique"] = true, true
		}
		if name == "title" || name == "dataset" {
			constraints["required"] = true
		}
		if len(constraints) > 0 {
			field["constraints"] = constraints
		}
		fields = append(fields, field)
	}
	return map[string]any{
		"$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
		"fields":  fields, "primaryKey": []string{"id"}, "fieldsMatch": "superset",
	}
}

// packageType says in the words of Table Schema what f can hold.
func packageType(f catalog.Field, field, constraints map[string]any) {
	switch f.Type {
	case "int":
		field["type"] = "integer"
	case "number":
		field["type"] = "number"
	case "bool":
		field["type"] = "boolean"
	case "time":
		field["type"] = "datetime"
	case "money", "raw", "coded":
		field["type"] = "object"
	case "date":
		// A year or a month is a date too.
		field["type"] = "string"
		constraints["pattern"] = `\d{4}(-\d{2}(-\d{2})?)?`
	case "url":
		field["type"], field["format"] = "string", "uri"
	default:
		field["type"] = "string"
		if f.Max > 0 {
			constraints["maxLength"] = f.Max
		}
		if l := catalog.LookupCodeList(f.List); l != nil && len(l.Codes()) <= maxCategories {
			var codes []any
			for _, c := range l.Codes() {
				codes = append(codes, map[string]string{"value": c.Code, "label": bilingual(c.Label)})
			}
			field["categories"] = codes
		}
	}
}

// maxCategories bounds the code lists that are written out; the others have an address
// of their own.
const maxCategories = 40

// bilingual returns t for a format that has one text: in both languages.
func bilingual(t catalog.Text) string {
	if t.ZH == "" || t.EN == "" || t.ZH == t.EN {
		return t.In("zh")
	}
	return t.ZH + " / " + t.EN
}
