package opendata_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/opendata"
)

const oaiBase = "https://luoshu.example"

// at returns an app whose address is base.
func at(base string) func(*opendata.Config) {
	return func(c *opendata.Config) { c.BaseURL = base }
}

// oaiAnswer is an answer of OAI-PMH, as its schema has it.
type oaiAnswer struct {
	XMLName  xml.Name `xml:"http://www.openarchives.org/OAI/2.0/ OAI-PMH"`
	Response string   `xml:"responseDate"`
	Request  struct {
		URL   string     `xml:",chardata"`
		Attrs []xml.Attr `xml:",any,attr"`
	} `xml:"request"`
	Errors []struct {
		Code string `xml:"code,attr"`
		Text string `xml:",chardata"`
	} `xml:"error"`
	Identify *struct {
		Name        string   `xml:"repositoryName"`
		BaseURL     string   `xml:"baseURL"`
		Version     string   `xml:"protocolVersion"`
		Mail        []string `xml:"adminEmail"`
		Earliest    string   `xml:"earliestDatestamp"`
		Deleted     string   `xml:"deletedRecord"`
		Granularity string   `xml:"granularity"`
		Sample      string   `xml:"description>oai-identifier>sampleIdentifier"`
	} `xml:"Identify"`
	Formats *struct {
		Format []struct {
			Prefix    string `xml:"metadataPrefix"`
			Schema    string `xml:"schema"`
			Namespace string `xml:"metadataNamespace"`
		} `xml:"metadataFormat"`
	} `xml:"ListMetadataFormats"`
	Sets *struct {
		Set []struct {
			Spec string `xml:"setSpec"`
			Name string `xml:"setName"`
		} `xml:"set"`
	} `xml:"ListSets"`
	Get         *oaiList `xml:"GetRecord"`
	Records     *oaiList `xml:"ListRecords"`
	Identifiers *oaiList `xml:"ListIdentifiers"`
}

type oaiList struct {
	Headers []oaiHeader `xml:"header"`
	Records []struct {
		Header   oaiHeader `xml:"header"`
		Metadata *struct {
			Own *struct {
				ID        string `xml:"id,attr"`
				MediaType string `xml:"mediaType,attr"`
				Text      string `xml:",chardata"`
			} `xml:"urn:x-luoshu:record:1 record"`
			DC *struct {
				Elements []struct {
					XMLName xml.Name
					Lang    string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
					Text    string `xml:",chardata"`
				} `xml:",any"`
			} `xml:"http://www.openarchives.org/OAI/2.0/oai_dc/ dc"`
		} `xml:"metadata"`
	} `xml:"record"`
	Token *struct {
		Text   string `xml:",chardata"`
		Size   int    `xml:"completeListSize,attr"`
		Cursor int    `xml:"cursor,attr"`
	} `xml:"resumptionToken"`
}

type oaiHeader struct {
	Status     string   `xml:"status,attr"`
	Identifier string   `xml:"identifier"`
	Datestamp  string   `xml:"datestamp"`
	Sets       []string `xml:"setSpec"`
}

var (
	secondForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	mailForm   = regexp.MustCompile(`^\S+@(\S+\.)+\S+$`)
	oaiIDForm  = regexp.MustCompile(`^oai:luoshu\.example:[A-Za-z0-9-]+$`)
)

// oai asks /oai and holds the answer to the rules of the schema.
func oai(t testing.TB, app *fiber.App, query string) oaiAnswer {
	t.Helper()
	res := get(t, app, "/oai?"+query)
	if res.status != 200 || res.header.Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Fatalf("%s: %s", query, res)
	}
	wellFormed(t, res.body)
	var a oaiAnswer
	if err := xml.Unmarshal([]byte(res.body), &a); err != nil {
		t.Fatalf("%s: %v\n%s", query, err, res.body)
	}
	if !secondForm.MatchString(a.Response) || a.Request.URL != oaiBase+"/oai" {
		t.Errorf("%s: responseDate %q, request %q", query, a.Response, a.Request.URL)
	}
	// Exactly one of the choices, and the arguments unless they are what is wrong.
	choices := 0
	for _, there := range []bool{len(a.Errors) > 0, a.Identify != nil, a.Formats != nil, a.Sets != nil, a.Get != nil, a.Records != nil, a.Identifiers != nil} {
		if there {
			choices++
		}
	}
	if choices != 1 {
		t.Errorf("%s: %d answers in one", query, choices)
	}
	given, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Errors) > 0 && (a.Errors[0].Code == "badVerb" || a.Errors[0].Code == "badArgument") && fromArguments(a) {
		given = nil
	}
	if len(a.Request.Attrs) != len(given) {
		t.Errorf("%s: request has attributes %v", query, a.Request.Attrs)
	}
	for _, attr := range a.Request.Attrs {
		if given.Get(attr.Name.Local) != attr.Value {
			t.Errorf("%s: request has %s=%q", query, attr.Name.Local, attr.Value)
		}
	}
	for _, l := range []*oaiList{a.Get, a.Records, a.Identifiers} {
		if l == nil {
			continue
		}
		headers := l.Headers
		for _, r := range l.Records {
			headers = append(headers, r.Header)
			if (r.Header.Status == "deleted") != (r.Metadata == nil) {
				t.Errorf("%s: %s has status %q, metadata: %t", query, r.Header.Identifier, r.Header.Status, r.Metadata != nil)
			}
		}
		if len(headers) == 0 {
			t.Errorf("%s: an empty list", query)
		}
		for _, h := range headers {
			if !oaiIDForm.MatchString(h.Identifier) || !secondForm.MatchString(h.Datestamp) || len(h.Sets) != 1 || h.Status != "" && h.Status != "deleted" {
				t.Errorf("%s: header %+v", query, h)
			}
		}
	}
	return a
}

// fromArguments reports whether an answer has no attributes of the request, as after an
// error in them.
func fromArguments(a oaiAnswer) bool { return len(a.Request.Attrs) == 0 }

// wellFormed fails unless text is one XML document.
func wellFormed(t testing.TB, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	roots, depth := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %.300s", err, text)
		}
		switch token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if roots != 1 || !strings.HasPrefix(text, `<?xml version="1.0" encoding="UTF-8"?>`) {
		t.Errorf("%d roots in %.300s", roots, text)
	}
}

func TestOAIIdentify(t *testing.T) {
	app := serve(t, demo(t), at(oaiBase))
	i := oai(t, app, "verb=Identify").Identify
	if i == nil || i.BaseURL != oaiBase+"/oai" || i.Version != "2.0" || i.Deleted != "persistent" || i.Granularity != "YYYY-MM-DDThh:mm:ssZ" ||
		i.Name == "" || len(i.Mail) != 1 || !mailForm.MatchString(i.Mail[0]) || !oaiIDForm.MatchString(i.Sample) {
		t.Errorf("Identify: %+v", i)
	}
	// Nothing is older than the earliest datestamp.
	if first := oai(t, app, "verb=ListIdentifiers&metadataPrefix=oai_dc").Identifiers.Headers[0]; first.Datestamp != i.Earliest {
		t.Errorf("the earliest datestamp is %s, not %s", first.Datestamp, i.Earliest)
	}
	if got := oai(t, app, "verb=GetRecord&metadataPrefix=luoshu&identifier="+i.Sample); got.Get == nil {
		t.Errorf("the sample identifier is none: %+v", got.Errors)
	}
	formats := oai(t, app, "verb=ListMetadataFormats").Formats.Format
	if len(formats) != 2 || formats[0].Prefix != "oai_dc" || formats[1].Schema != oaiBase+"/oai/luoshu.xsd" {
		t.Errorf("formats %+v", formats)
	}
	xsd := get(t, app, "/oai/luoshu.xsd")
	wellFormed(t, xsd.body)
	if xsd.status != 200 || !strings.Contains(xsd.body, `targetNamespace="`+formats[1].Namespace+`"`) {
		t.Errorf("schema: %s", xsd)
	}
	sets := oai(t, app, "verb=ListSets").Sets.Set
	if len(sets) != 12 || sets[0].Spec != "achievements" || sets[0].Name != "成果 / Achievements" {
		t.Errorf("sets %+v", sets)
	}
}

func TestOAIErrors(t *testing.T) {
	s := demo(t)
	app := serve(t, s, at(oaiBase))
	record := "oai:luoshu.example:" + string(named(catalog.Achievements, "0"))
	tests := []struct{ query, want string }{
		{"", "badVerb"},
		{"verb=", "badVerb"},
		{"verb=identify", "badVerb"},
		{"verb=Identify&verb=Identify", "badVerb"},
		{"metadataPrefix=oai_dc", "badVerb"},
		{"verb=Identify&set=demands", "badArgument"},
		{"verb=Identify&bogus=%3Cscript%3E", "badArgument"},
		{"verb=ListSets&set=demands", "badArgument"},
		{"verb=ListSets&resumptionToken=x", "badResumptionToken"},
		{"verb=ListMetadataFormats&identifier=oai:luoshu.example:A0000000", "idDoesNotExist"},
		{"verb=GetRecord", "badArgument badArgument"},
		{"verb=GetRecord&metadataPrefix=oai_dc", "badArgument"},
		{"verb=GetRecord&identifier=" + record, "badArgument"},
		{"verb=GetRecord&identifier=" + record + "&metadataPrefix=marc21", "cannotDisseminateFormat"},
		{"verb=GetRecord&metadataPrefix=oai_dc&identifier=" + strings.ToLower(record), "idDoesNotExist"},
		{"verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:other.example:" + string(named(catalog.Achievements, "0")), "idDoesNotExist"},
		{"verb=GetRecord&metadataPrefix=oai_dc&identifier=nonsense", "idDoesNotExist"},
		{"verb=ListRecords", "badArgument"},
		{"verb=ListRecords&metadataPrefix=", "badArgument"},
		{"verb=ListRecords&metadataPrefix=oai_dc&metadataPrefix=oai_dc", "badArgument"},
		{"verb=ListRecords&metadataPrefix=marc21", "cannotDisseminateFormat"},
		{"verb=ListRecords&metadataPrefix=oai_dc&set=nothing", "noRecordsMatch"},
		{"verb=ListRecords&metadataPrefix=oai_dc&set=experts", "noRecordsMatch"},
		{"verb=ListRecords&metadataPrefix=oai_dc&until=1999-01-01", "noRecordsMatch"},
		{"verb=ListRecords&metadataPrefix=oai_dc&from=2099-01-01", "noRecordsMatch"},
		{"verb=ListRecords&metadataPrefix=oai_dc&from=2026-03-02&until=2026-03-01", "badArgument"},
		{"verb=ListRecords&metadataPrefix=oai_dc&from=2026-03-01&until=2026-03-02T00:00:00Z", "badArgument"},
		{"verb=ListRecords&metadataPrefix=oai_dc&from=2026-02-30", "badArgument"},
		{"verb=ListRecords&metadataPrefix=oai_dc&from=2026-3-1", "badArgument"},
		{"verb=ListRecords&metadataPrefix=oai_dc&from=2026-03-01T00:00:00.5Z", "badArgument"},
		{"verb=ListRecords&metadataPrefix=oai_dc&from=2026-03-01T00:00:00%2B08:00", "badArgument"},
		{"verb=ListRecords&metadataPrefix=oai_dc&resumptionToken=x", "badArgument"},
		{"verb=ListRecords&resumptionToken=x", "badResumptionToken"},
		{"verb=ListIdentifiers&resumptionToken=x", "badResumptionToken"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			var codes []string
			a := oai(t, app, tt.query)
			for _, e := range a.Errors {
				codes = append(codes, e.Code)
				if e.Text == "" {
					t.Error("an error without words")
				}
			}
			if got := strings.Join(codes, " "); got != tt.want {
				t.Errorf("errors %q, want %q", got, tt.want)
			}
			if res := get(t, app, "/oai?"+tt.query); res.header.Get("Cache-Control") != "no-store" || res.header.Get("Etag") != "" {
				t.Errorf("an error is kept: %s", res)
			}
		})
	}
	// After a wrong verb or argument the request has no attributes, after others all.
	if a := oai(t, app, "verb=GetRecord"); len(a.Request.Attrs) != 0 {
		t.Errorf("attributes %v", a.Request.Attrs)
	}
	if a := oai(t, app, "verb=ListRecords&metadataPrefix=oai_dc&set=experts"); len(a.Request.Attrs) != 3 {
		t.Errorf("attributes %v", a.Request.Attrs)
	}
	if a := get(t, serve(t, s), "/oai?verb=Identify"); a.status != 404 || !strings.Contains(a.body, "no-public-address") {
		t.Errorf("without an address: %s", a)
	}
}

// TestOAIHarvest: windows of time, each read to its end by tokens, together give every
// record and tombstone once, and each record is what the API says it is.
func TestOAIHarvest(t *testing.T) {
	s := newShelf()
	one := release(t, 1, "", edit{achievements: 730})
	two := release(t, 2, one.Hash, edit{achievements: 731, withdrawn: tombstones()})
	// Only one record of release 2 changed with it; the rest is of release 1.
	for i, e := range two.Entries {
		if was := slices.IndexFunc(one.Entries, func(x catalog.Entry) bool { return x.ID == e.ID }); was >= 0 {
			two.Entries[i] = one.Entries[was]
		}
	}
	s.publish(t, one)
	s.publish(t, two)
	app := serve(t, s, at(oaiBase))
	first, second := one.Manifest.PublishedAt, two.Manifest.PublishedAt
	stamp := func(at time.Time) string { return at.Format("2006-01-02T15:04:05Z") }
	windows := []struct {
		query string
		want  int
	}{
		{"&until=" + stamp(first.Add(-time.Second)), 0},
		{"&from=" + stamp(first) + "&until=" + stamp(first), 728 + 3},
		{"&from=" + stamp(first.Add(time.Second)) + "&until=" + stamp(second), 1},
		{"&from=" + stamp(second.Add(time.Second)), 2}, // the tombstones, by the end of the day
	}
	for _, set := range []string{"", "achievements", "demands"} {
		seen := map[string]bool{}
		for _, w := range windows {
			query := "verb=ListRecords&metadataPrefix=luoshu" + w.query
			if set != "" {
				query += "&set=" + set
			}
			got := 0
			for _, list := range pages(t, app, query) {
				for _, r := range list.Records {
					got++
					id := r.Header.Identifier[strings.LastIndexByte(r.Header.Identifier, ':')+1:]
					if seen[id] {
						t.Errorf("%s twice", id)
					}
					seen[id] = true
					checkHarvested(t, app, id, r.Header, r.Metadata == nil)
					if r.Metadata != nil {
						data := apiRecord(t, app, r.Header.Sets[0], id)
						if own := r.Metadata.Own; own == nil || own.Text != string(data) || own.ID != id || own.MediaType != "application/json" {
							t.Fatalf("%s differs from the API: %+v", id, own)
						}
					}
				}
			}
			if set == "" && got != w.want {
				t.Errorf("%s gives %d, want %d", w.query, got, w.want)
			}
		}
		want := len(two.Entries) + 2
		switch set {
		case "achievements":
			want -= 3
		case "demands":
			want = 1
		}
		if len(seen) != want {
			t.Errorf("set %q: harvested %d, want %d", set, len(seen), want)
		}
	}
	// Headers alone are the same list.
	headers := 0
	for _, list := range pages(t, app, "verb=ListIdentifiers&metadataPrefix=oai_dc") {
		headers += len(list.Headers)
	}
	if headers != len(two.Entries)+2 {
		t.Errorf("%d headers", headers)
	}
	// A day is the whole day.
	if a := oai(t, app, "verb=ListIdentifiers&metadataPrefix=oai_dc&set=achievements&from=2026-03-01&until=2026-03-01"); a.Identifiers.Token == nil || a.Identifiers.Token.Size != 731 {
		t.Errorf("a day: %+v", a.Errors)
	}
}

// pages reads a list to its end, none for one without records.
func pages(t testing.TB, app *fiber.App, query string) (all []*oaiList) {
	t.Helper()
	verb, _, _ := strings.Cut(query, "&")
	read, size := 0, 0
	for {
		a := oai(t, app, query)
		list := a.Records
		if list == nil {
			list = a.Identifiers
		}
		if list == nil {
			if len(a.Errors) != 1 || a.Errors[0].Code != "noRecordsMatch" || len(all) > 0 {
				t.Fatalf("%s: %+v", query, a.Errors)
			}
			return nil
		}
		all = append(all, list)
		if list.Token == nil {
			if len(all) > 1 {
				t.Errorf("the last part has no token: %s", query)
			}
			return all
		}
		if list.Token.Cursor != read || size > 0 && list.Token.Size != size {
			t.Errorf("cursor %d after %d, size %d", list.Token.Cursor, read, list.Token.Size)
		}
		read, size = read+len(list.Records)+len(list.Headers), list.Token.Size
		if list.Token.Text == "" {
			if read != size {
				t.Errorf("%s: read %d of %d", query, read, size)
			}
			return all
		}
		query = verb + "&resumptionToken=" + list.Token.Text
	}
}

func apiRecord(t testing.TB, app *fiber.App, set, id string) json.RawMessage {
	t.Helper()
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	a := get(t, app, "/api/v1/"+set+"/"+id)
	if err := json.Unmarshal([]byte(a.body), &envelope); err != nil || a.status != 200 {
		t.Fatalf("%s: %v %s", id, err, a)
	}
	return envelope.Data
}

func checkHarvested(t testing.TB, app *fiber.App, id string, h oaiHeader, gone bool) {
	t.Helper()
	if gone {
		if a := get(t, app, "/api/v1/"+h.Sets[0]+"/"+id); a.status != 410 || h.Datestamp != "2026-03-01T23:59:59Z" {
			t.Errorf("%s is deleted at %s here, there: %s", id, h.Datestamp, a)
		}
		return
	}
	var r struct {
		UpdatedAt time.Time `json:"updated_at"`
	}
	if err := json.Unmarshal(apiRecord(t, app, h.Sets[0], id), &r); err != nil || r.UpdatedAt.Format("2006-01-02T15:04:05Z") != h.Datestamp {
		t.Errorf("%s: datestamp %s, updated %s (%v)", id, h.Datestamp, r.UpdatedAt, err)
	}
}

// TestOAIToken: a token goes on in its release on any node, whatever is published
// meanwhile, as often as it is asked, and ends with the release.
func TestOAIToken(t *testing.T) {
	s := newShelf()
	one := release(t, 1, "", edit{achievements: 230})
	s.publish(t, one)
	app := serve(t, s, at(oaiBase))
	token := oai(t, app, "verb=ListRecords&metadataPrefix=oai_dc").Records.Token.Text
	query := "verb=ListRecords&resumptionToken=" + token
	before := get(t, app, "/oai?"+query)

	behind := newShelf()
	behind.publish(t, one)
	two := release(t, 2, one.Hash, edit{achievements: 240, withdrawn: tombstones()})
	s.publish(t, two)
	for name, a := range map[string]answer{
		"again": get(t, app, "/oai?"+query), "and again": get(t, app, "/oai?"+query),
		"on another node": get(t, serve(t, behind, at(oaiBase)), "/oai?"+query),
	} {
		if a.String() != before.String() {
			t.Errorf("%s it gives something else: %s", name, a)
		}
	}
	later := oai(t, app, "verb=ListRecords&metadataPrefix=oai_dc").Records.Token.Text
	if a := get(t, serve(t, behind, at(oaiBase)), "/oai?verb=ListRecords&resumptionToken="+later); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("token of a release to come: %s", a)
	}
	if a := oai(t, app, "verb=ListIdentifiers&resumptionToken="+token); len(a.Errors) != 1 || a.Errors[0].Code != "badResumptionToken" {
		t.Errorf("token of another verb: %+v", a.Errors)
	}
	for i := range token {
		b := []byte(token)
		b[i] = other(b[i])[0]
		if a := oai(t, app, "verb=ListRecords&resumptionToken="+string(b)); len(a.Errors) != 1 || a.Errors[0].Code != "badResumptionToken" {
			t.Fatalf("damaged at %d: %+v", i, a.Errors)
		}
	}
	s.forget(1)
	if a := oai(t, app, query); len(a.Errors) != 1 || a.Errors[0].Code != "badResumptionToken" {
		t.Errorf("token of a release that is gone: %+v", a.Errors)
	}
}

// TestOAIFormats: every record of the demonstration can be told in both formats.
func TestOAIFormats(t *testing.T) {
	s := demonstration(t)
	app := serve(t, s, at(oaiBase))
	elements := []string{
		"contributor", "coverage", "creator", "date", "description", "format", "identifier", "language",
		"publisher", "relation", "rights", "source", "subject", "title", "type",
	}
	count := 0
	for _, list := range pages(t, app, "verb=ListRecords&metadataPrefix=oai_dc") {
		for _, r := range list.Records {
			count++
			dc := r.Metadata.DC
			if dc == nil {
				t.Fatalf("%s has no Dublin Core", r.Header.Identifier)
			}
			titles := map[string]string{}
			page := ""
			for _, e := range dc.Elements {
				if e.XMLName.Space != "http://purl.org/dc/elements/1.1/" || !slices.Contains(elements, e.XMLName.Local) || e.Text == "" {
					t.Errorf("%s: element %+v", r.Header.Identifier, e)
				}
				switch e.XMLName.Local {
				case "title":
					titles[e.Lang] = e.Text
				case "identifier":
					if page == "" {
						page = e.Text
					}
				}
			}
			id := r.Header.Identifier[strings.LastIndexByte(r.Header.Identifier, ':')+1:]
			found, err := s.Current().Find(catalog.ID(id))
			if err != nil {
				t.Fatal(err)
			}
			if title := found.Title(); titles["zh"] != title.ZH || titles["en"] != title.EN || page != oaiBase+"/"+string(found.Dataset)+"/"+id {
				t.Errorf("%s: titles %q, page %q", id, titles, page)
			}
		}
	}
	if count != s.Current().Len()+len(s.Current().Manifest().Withdrawn) {
		t.Errorf("%d records", count)
	}
	golden(t, "oai-record", get(t, serve(t, demo(t), at(oaiBase)), fmt.Sprintf(
		"/oai?verb=GetRecord&metadataPrefix=luoshu&identifier=oai:luoshu.example:%s", named(catalog.Achievements, "0"))).String())
	golden(t, "oai-dublin-core", get(t, serve(t, demo(t), at(oaiBase)), fmt.Sprintf(
		"/oai?verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:luoshu.example:%s", named(catalog.Achievements, "0"))).String())
	golden(t, "oai-identify", get(t, serve(t, demo(t), at(oaiBase)), "/oai?verb=Identify").String())
}
