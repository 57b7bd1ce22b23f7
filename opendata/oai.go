package opendata

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// OAI-PMH 2.0 (openarchives.org/OAI/openarchivesprotocol.html), by GET. Sets are the
// datasets. Two rules make harvesting lose nothing, with any node behind the address:
//
// The date of a response is when its release was published. A harvester takes it as the
// next from. By the clock of a node that has not heard of a newer release yet, it would
// pass over what that release changed.
//
// A resumption token stands for a place in a window of one release, and is good as long
// as any node keeps that release.

const (
	oaiNamespace = "http://www.openarchives.org/OAI/2.0/"
	oaiXSD       = "http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"
	dcNamespace  = "http://www.openarchives.org/OAI/2.0/oai_dc/"
	dcXSD        = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
	xsi          = "http://www.w3.org/2001/XMLSchema-instance"
	// ownNamespace is the same in every catalog.
	ownNamespace = "urn:x-luoshu:record:1"

	// The records and the headers of one answer.
	oaiRecords, oaiHeaders = 100, 500
	oaiSecond              = "2006-01-02T15:04:05Z"
)

var oaiParameters = []Parameter{
	oaiParameter("verb", 20, "Identify、ListMetadataFormats、ListSets、ListIdentifiers、ListRecords 或 GetRecord",
		"Identify, ListMetadataFormats, ListSets, ListIdentifiers, ListRecords or GetRecord"),
	oaiParameter("identifier", maxOAIValue, "记录的 OAI 编号，如 oai:luoshu.example:A3K7M2QG", "OAI identifier of a record, such as oai:luoshu.example:A3K7M2QG"),
	oaiParameter("metadataPrefix", maxOAIValue, "格式：oai_dc 或 luoshu", "Format: oai_dc or luoshu"),
	oaiParameter("from", 20, "自该日或该秒起（含），UTC", "From that day or second on, in UTC"),
	oaiParameter("until", 20, "至该日或该秒止（含），UTC", "Up to and with that day or second, in UTC"),
	oaiParameter("set", maxOAIValue, "数据集名称", "Name of a dataset"),
	oaiParameter("resumptionToken", maxOAIValue, "上一次回答给出的续取标记", "Token from the answer before"),
}

// maxOAIValue bounds one argument, in bytes.
const maxOAIValue = 300

func oaiParameter(name string, most int, zh, en string) Parameter {
	return Parameter{Name: name, In: "query", Type: "string", Max: most, Required: name == "verb", Description: catalog.Text{ZH: zh, EN: en}}
}

// oaiVerb is a verb with its arguments.
type oaiVerb struct {
	required, optional []string
	// exclusive is an argument that stands alone or not at all.
	exclusive string
	answer    func(*harvest) error
}

var oaiVerbs = map[string]*oaiVerb{
	"Identify":            {answer: (*harvest).identify},
	"ListMetadataFormats": {optional: []string{"identifier"}, answer: (*harvest).listFormats},
	"ListSets":            {exclusive: "resumptionToken", answer: (*harvest).listSets},
	"ListIdentifiers": {
		required: []string{"metadataPrefix"}, optional: []string{"from", "until", "set"},
		exclusive: "resumptionToken", answer: (*harvest).list,
	},
	"ListRecords": {
		required: []string{"metadataPrefix"}, optional: []string{"from", "until", "set"},
		exclusive: "resumptionToken", answer: (*harvest).list,
	},
	"GetRecord": {required: []string{"identifier", "metadataPrefix"}, answer: (*harvest).getRecord},
}

// oaiFormat is a metadata format.
type oaiFormat struct {
	prefix, schema, namespace string
	write                     func(*harvest, catalog.Entry) error
}

// oaiFormats in the order in which tokens number them. schema is an address, or a path.
var oaiFormats = []oaiFormat{
	{"oai_dc", dcXSD, dcNamespace, (*harvest).dublinCore},
	{"luoshu", oaiSchemaPath, ownNamespace, (*harvest).own},
}

// oaiError is an error of the protocol.
type oaiError struct{ code, text string }

func (e *oaiError) Error() string { return e.code }

// harvest is one OAI-PMH request being answered.
type harvest struct {
	*markup
	h    *Handler
	r    *request
	snap *snapshot.Snapshot
	e    *edition
	base string
	host string
	verb string
	// given are the arguments, the verb among them.
	given  map[string]string
	format *oaiFormat
}

// oai answers /oai.
func (h *Handler) oai(r *request) error {
	base, err := r.edition.addressed()
	if err != nil {
		return err
	}
	q := &harvest{markup: newMarkup(), h: h, r: r, snap: r.snap, e: r.edition, base: base, host: host(base)}
	verb, faults := q.arguments()
	if len(faults) == 0 {
		body := q.b
		err := verb.answer(q)
		if own, ok := errors.AsType[*oaiError](err); ok {
			q.b, faults = body[:len(xmlDeclaration)], []*oaiError{own}
		} else if err != nil {
			return err
		}
	}
	if len(faults) > 0 {
		q.head()
		for _, f := range faults {
			q.element("error", f.text, "code", f.code)
		}
		q.close("OAI-PMH")
		hd := &r.ctx.Response.Header
		setShared(hd)
		hd.SetCanonical(headerRelease, r.edition.sequence)
		// What is an error in one release may not be in the next.
		hd.Set(fasthttp.HeaderCacheControl, "no-store")
		r.send(append(q.b, '\n'))
		return nil
	}
	q.close("OAI-PMH")
	if !r.current(q.e, append([]byte(oaiPath), q.query()...), len(q.b)) {
		r.send(append(q.b, '\n'))
	}
	return nil
}

// query returns the arguments in one order.
func (q *harvest) query() string {
	v := url.Values{}
	for name, value := range q.given {
		v.Set(name, value)
	}
	return "?" + v.Encode()
}

// arguments reads the query strictly: what the verb does not take, takes once or needs
// is an error. After an error of these q.given is nil, since the answer must not repeat
// the arguments then.
func (q *harvest) arguments() (*oaiVerb, []*oaiError) {
	args := q.r.ctx.QueryArgs()
	given, verbs := map[string]string{}, 0
	var faults []*oaiError
	bad := func(text string) { faults = append(faults, &oaiError{"badArgument", text}) }
	for k, v := range args.All() {
		name, value := string(k), string(v)
		_, again := given[name]
		switch {
		case name == "verb":
			verbs++
		case len(given) > len(oaiParameters):
			continue
		case again:
			bad(echo(name) + " is given more than once")
		case value == "" || len(value) > maxOAIValue || !utf8.ValidString(value):
			bad(echo(name) + " is empty, too long or not UTF-8")
		}
		given[name] = value
	}
	verb := oaiVerbs[given["verb"]]
	switch {
	case verbs == 0:
		return nil, []*oaiError{{"badVerb", "verb is missing"}}
	case verbs > 1:
		return nil, []*oaiError{{"badVerb", "verb is given more than once"}}
	case verb == nil:
		return nil, []*oaiError{{"badVerb", "there is no verb " + echo(given["verb"])}}
	}
	_, alone := given[verb.exclusive]
	if alone && len(given) > 2 {
		bad(verb.exclusive + " stands alone")
	}
	for _, name := range verb.required {
		if _, ok := given[name]; !ok && !alone {
			bad(name + " is required")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if name != "verb" && name != verb.exclusive && !slices.Contains(verb.required, name) && !slices.Contains(verb.optional, name) {
			bad(given["verb"] + " takes no argument " + echo(name))
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	q.verb, q.given = given["verb"], given
	return verb, nil
}

// head begins the answer.
func (q *harvest) head() {
	q.open("OAI-PMH", "xmlns", oaiNamespace, "xmlns:xsi", xsi, "xsi:schemaLocation", oaiNamespace+" "+oaiXSD)
	q.element("responseDate", q.e.published.Format(oaiSecond))
	attributes := []string{}
	for _, name := range slices.Sorted(maps.Keys(q.given)) {
		attributes = append(attributes, name, q.given[name])
	}
	q.element("request", q.base+oaiPath, attributes...)
}

func (q *harvest) identify() error {
	m := q.snap.Manifest()
	earliest := m.PublishedAt.Unix()
	if all := q.e.changed(q.snap).all; len(all) > 0 {
		earliest = min(earliest, all[0].at)
	}
	q.head()
	q.open("Identify")
	q.element("repositoryName", bilingual(m.Title))
	q.element("baseURL", q.base+oaiPath)
	q.element("protocolVersion", "2.0")
	// The protocol demands an address. The profile of a catalog has none, and this one
	// exists wherever mail is received (RFC 2142).
	q.element("adminEmail", "postmaster@"+q.host)
	q.element("earliestDatestamp", time.Unix(earliest, 0).UTC().Format(oaiSecond))
	q.element("deletedRecord", "persistent")
	q.element("granularity", "YYYY-MM-DDThh:mm:ssZ")
	if domainForm.MatchString(q.host) {
		const namespace = "http://www.openarchives.org/OAI/2.0/oai-identifier"
		sample := q.oaiIdentifier(catalog.MintID(catalog.Achievements, "", 0))
		if all := q.e.changed(q.snap).all; len(all) > 0 {
			sample = q.oaiIdentifier(all[0].id)
		}
		q.open("description")
		q.open("oai-identifier", "xmlns", namespace, "xsi:schemaLocation", namespace+" http://www.openarchives.org/OAI/2.0/oai-identifier.xsd")
		q.element("scheme", "oai")
		q.element("repositoryIdentifier", q.host)
		q.element("delimiter", ":")
		q.element("sampleIdentifier", sample)
		q.close("oai-identifier")
		q.close("description")
	}
	q.close("Identify")
	return nil
}

// domainForm is what the guidelines for OAI identifiers allow as a repository's name.
var domainForm = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*(\.[a-zA-Z][a-zA-Z0-9-]*)+$`)

func (q *harvest) listFormats() error {
	if _, ok := q.given["identifier"]; ok {
		if _, _, err := q.find(); err != nil {
			return err
		}
	}
	q.head()
	q.open("ListMetadataFormats")
	for _, f := range oaiFormats {
		q.open("metadataFormat")
		q.element("metadataPrefix", f.prefix)
		q.element("schema", q.schema(&f))
		q.element("metadataNamespace", f.namespace)
		q.close("metadataFormat")
	}
	q.close("ListMetadataFormats")
	return nil
}

func (q *harvest) schema(f *oaiFormat) string {
	if strings.HasPrefix(f.schema, "/") {
		return q.base + f.schema
	}
	return f.schema
}

func (q *harvest) listSets() error {
	if _, ok := q.given["resumptionToken"]; ok {
		return errBadToken
	}
	q.head()
	q.open("ListSets")
	for d := range catalog.Datasets() {
		q.open("set")
		q.element("setSpec", string(d.Name))
		q.element("setName", bilingual(d.Label))
		q.close("set")
	}
	q.close("ListSets")
	return nil
}

func (q *harvest) getRecord() error {
	c, found, err := q.find()
	if err != nil {
		return err
	}
	if err := q.formatNamed(q.given["metadataPrefix"]); err != nil {
		return err
	}
	q.head()
	q.open("GetRecord")
	if err := q.record(c, found); err != nil {
		return err
	}
	q.close("GetRecord")
	return nil
}

// find returns the record or tombstone that the argument identifier names; of a
// tombstone the entry is empty.
func (q *harvest) find() (change, catalog.Entry, error) {
	text, ours := strings.CutPrefix(q.given["identifier"], q.oaiIdentifier(""))
	unknown := &oaiError{"idDoesNotExist", "there is no such record"}
	id, err := catalog.ParseID(text)
	if !ours || err != nil || string(id) != text {
		return change{}, catalog.Entry{}, unknown
	}
	found, err := q.snap.Find(id)
	switch {
	case errors.Is(err, catalog.ErrWithdrawn):
		t, _ := q.snap.Tombstone(id)
		return change{withdrawnAt(t, q.snap.Manifest()), id}, catalog.Entry{}, nil
	case errors.Is(err, catalog.ErrNotFound):
		return change{}, catalog.Entry{}, unknown
	case err != nil:
		return change{}, catalog.Entry{}, err
	}
	at := found.UpdatedAt()
	if at.IsZero() {
		at = q.snap.Manifest().PublishedAt
	}
	return change{at.Unix(), id}, found, nil
}

func (q *harvest) formatNamed(prefix string) error {
	for i := range oaiFormats {
		if oaiFormats[i].prefix == prefix {
			q.format = &oaiFormats[i]
			return nil
		}
	}
	return &oaiError{"cannotDisseminateFormat", "the formats are oai_dc and luoshu"}
}

// oaiIdentifier returns the name of id among all repositories.
func (q *harvest) oaiIdentifier(id catalog.ID) string { return "oai:" + q.host + ":" + string(id) }

// list answers ListRecords and ListIdentifiers.
func (q *harvest) list() error {
	t, err := q.window()
	if err != nil {
		return err
	}
	total, at := q.e.changed(q.snap).in(t.dataset, t.from, t.until)
	if total == 0 {
		return &oaiError{"noRecordsMatch", "nothing in that set changed in that time"}
	}
	if t.offset >= total {
		return errBadToken
	}
	end := min(t.offset+oaiRecords, total)
	if !t.records {
		end = min(t.offset+oaiHeaders, total)
	}
	q.head()
	q.open(q.verb)
	for n := t.offset; n < end; n++ {
		c := at(n)
		if !t.records {
			_, gone := q.snap.Tombstone(c.id)
			q.header(c, gone)
			continue
		}
		found, err := q.snap.Find(c.id)
		if err != nil && !errors.Is(err, catalog.ErrWithdrawn) {
			return err
		}
		if err := q.record(c, found); err != nil {
			return err
		}
	}
	// A list that is whole in one answer has no token; the last part of one that is not
	// has an empty one.
	if t.offset > 0 || end < total {
		cursor, text := strconv.Itoa(t.offset), ""
		if end < total {
			t.offset = end
			text = t.String()
		}
		q.element("resumptionToken", text, "completeListSize", strconv.Itoa(total), "cursor", cursor)
	}
	q.close(q.verb)
	return nil
}

var errBadToken = &oaiError{"badResumptionToken", "that token was not given here, or its release is no longer kept: start again"}

// window returns what is listed, by the arguments or by a token, and turns q to the
// release it is of.
func (q *harvest) window() (oaiToken, error) {
	if text, ok := q.given["resumptionToken"]; ok {
		t, ok := parseToken(text)
		if !ok || t.records != (q.verb == "ListRecords") {
			return t, errBadToken
		}
		snap, e, err := q.h.continued(q.r, t.sequence, t.release, nil)
		if own, ok := errors.AsType[*problemError](err); ok && own.kind == releaseGone {
			return t, errBadToken
		} else if err != nil {
			return t, err
		}
		// The address is the current one even if an old release had another.
		q.snap, q.e, q.format = snap, e, &oaiFormats[t.format]
		return t, nil
	}
	t := oaiToken{
		sequence: q.snap.Manifest().Sequence, release: q.e.release, records: q.verb == "ListRecords",
		from: 0, until: math.MaxInt64 - 1,
	}
	from, fromDay, ok := parseOAIDate(q.given["from"])
	until, untilDay, ok2 := parseOAIDate(q.given["until"])
	_, hasFrom := q.given["from"]
	_, hasUntil := q.given["until"]
	switch {
	case hasFrom && !ok || hasUntil && !ok2:
		return t, &oaiError{"badArgument", "from and until are days (2026-03-01) or seconds in UTC (2026-03-01T08:00:00Z)"}
	case hasFrom && hasUntil && fromDay != untilDay:
		return t, &oaiError{"badArgument", "from and until are both days or both seconds"}
	}
	if hasFrom {
		t.from = from
	}
	if hasUntil {
		if t.until = until; untilDay {
			t.until += 24*60*60 - 1
		}
	}
	if t.from > t.until {
		return t, &oaiError{"badArgument", "from is after until"}
	}
	if err := q.formatNamed(q.given["metadataPrefix"]); err != nil {
		return t, err
	}
	t.format = slices.IndexFunc(oaiFormats, func(f oaiFormat) bool { return f.prefix == q.format.prefix })
	if set, ok := q.given["set"]; ok {
		info, known := catalog.Dataset(set).Info()
		if !known {
			return t, &oaiError{"noRecordsMatch", "there is no such set"}
		}
		t.dataset = info.Name
	}
	return t, nil
}

// parseOAIDate reads a day or a second, of which each has one form.
func parseOAIDate(s string) (at int64, day, ok bool) {
	for _, layout := range []string{time.DateOnly, oaiSecond} {
		if t, err := time.Parse(layout, s); err == nil && t.Format(layout) == s {
			return t.Unix(), layout == time.DateOnly, true
		}
	}
	return 0, false, false
}

func (q *harvest) header(c change, gone bool) {
	status := ""
	if gone {
		status = "deleted"
	}
	q.open("header", "status", status)
	q.element("identifier", q.oaiIdentifier(c.id))
	q.element("datestamp", time.Unix(c.at, 0).UTC().Format(oaiSecond))
	q.element("setSpec", string(c.id.Dataset()))
	q.close("header")
}

// record writes a record, or a tombstone when found is empty.
func (q *harvest) record(c change, found catalog.Entry) error {
	q.open("record")
	q.header(c, found.ID == "")
	if found.ID != "" {
		q.open("metadata")
		if err := q.format.write(q, found); err != nil {
			return err
		}
		q.close("metadata")
	}
	q.close("record")
	return nil
}

// own writes the record as the API gives it.
func (q *harvest) own(e catalog.Entry) error {
	q.element("luoshu:record", string(e.Raw), "xmlns:luoshu", ownNamespace,
		"xsi:schemaLocation", ownNamespace+" "+q.base+oaiSchemaPath,
		"id", string(e.ID), "dataset", string(e.Dataset), "mediaType", typeJSON)
	return nil
}

// dublinCore writes the record in the fifteen elements of Dublin Core.
func (q *harvest) dublinCore(e catalog.Entry) error {
	t, err := tell(e.Raw)
	if err != nil {
		return err
	}
	m := q.snap.Manifest()
	info, _ := e.Dataset.Info()
	text := func(name, s, language string) {
		if s != "" {
			q.element(name, s, "xml:lang", language)
		}
	}
	texts := func(name string, x catalog.Text) {
		text(name, x.ZH, "zh")
		text(name, x.EN, "en")
	}
	q.open("oai_dc:dc", "xmlns:oai_dc", dcNamespace, "xmlns:dc", "http://purl.org/dc/elements/1.1/",
		"xsi:schemaLocation", dcNamespace+" "+dcXSD)
	texts("dc:title", catalog.Text{ZH: t.Title, EN: t.TitleEN})
	for _, o := range t.Organizations {
		text("dc:creator", o.Name, "")
	}
	if t.Provider != nil {
		text("dc:creator", t.Provider.Name, "")
	}
	for _, c := range t.Contributors {
		text("dc:contributor", c, "")
	}
	for _, k := range t.Keywords {
		text("dc:subject", k, "")
	}
	for _, c := range slices.Concat(t.Industries, t.Disciplines) {
		if l := catalog.LookupCodeList(c.Scheme); l != nil {
			if code, ok := l.Lookup(c.Code); ok {
				texts("dc:subject", code.Label)
			}
		}
	}
	for _, c := range t.TechFields {
		if code, ok := catalog.LookupCodeList("tech-field").Lookup(c); ok {
			texts("dc:subject", code.Label)
		}
	}
	texts("dc:description", catalog.Text{ZH: t.Abstract, EN: t.AbstractEN})
	texts("dc:publisher", m.Publisher)
	if !t.PublishedAt.IsZero() {
		text("dc:date", t.PublishedAt.UTC().Format(time.DateOnly), "")
	}
	texts("dc:type", info.Singular)
	if t.Sample {
		texts("dc:type", sampleLabel)
	}
	text("dc:identifier", q.base+pagePath(e.ID), "")
	text("dc:identifier", t.Registration.Number, "")
	text("dc:language", "zh", "")
	for _, rel := range t.Relations {
		switch {
		case rel.URL != "":
			text("dc:relation", rel.URL, "")
		case rel.Normalized != "":
			text("dc:relation", rel.Normalized, "")
		default:
			text("dc:relation", rel.Value, "")
		}
	}
	if code, ok := catalog.LookupCodeList("division").Lookup(t.Division); ok {
		texts("dc:coverage", code.Label)
	}
	texts("dc:rights", m.License.Name)
	text("dc:rights", m.License.URL, "")
	q.close("oai_dc:dc")
	return nil
}

// oaiSchema answers with the XML Schema of the format luoshu.
func (h *Handler) oaiSchema(r *request) error {
	return h.file(r, oaiSchemaPath, func() ([]byte, error) {
		x := newMarkup()
		x.open("xs:schema", "xmlns:xs", "http://www.w3.org/2001/XMLSchema", "xmlns", ownNamespace,
			"targetNamespace", ownNamespace, "elementFormDefault", "qualified")
		x.open("xs:element", "name", "record")
		x.open("xs:annotation")
		x.element("xs:documentation", "A record as the API gives it: JSON by RFC 8785, in the member data of "+root+"/{dataset}/{id}.", "xml:lang", "en")
		x.element("xs:documentation", "与开放接口一致的记录：RFC 8785 规范 JSON，即 "+root+"/{dataset}/{id} 的 data 成员。", "xml:lang", "zh")
		x.close("xs:annotation")
		x.open("xs:complexType")
		x.open("xs:simpleContent")
		x.open("xs:extension", "base", "xs:string")
		for _, name := range []string{"id", "dataset", "mediaType"} {
			x.empty("xs:attribute", "name", name, "type", "xs:string", "use", "required")
		}
		for _, name := range []string{"xs:extension", "xs:simpleContent", "xs:complexType", "xs:element", "xs:schema"} {
			x.close(name)
		}
		return append(x.b, '\n'), nil
	})
}

// oaiToken is a place in a list of one release. Like a cursor it depends on no process.
// Its text is base64url without padding of
//
//	3 | records 0 or 1 | format | dataset | sequence | hash 8 | from | until | offset | check 6
//
// with numbers as varints and the dataset as its place in the list of datasets, 0 for
// all. The check is as in cursors: it finds damage and hides nothing.
type oaiToken struct {
	records     bool
	format      int
	dataset     catalog.Dataset
	sequence    int64
	release     [8]byte
	from, until int64
	offset      int
}

const (
	harvestToken = 3
	maxToken     = 4 + 4*binary.MaxVarintLen64 + 8 + cursorCheck
)

// String returns the text of t.
func (t *oaiToken) String() string {
	b := []byte{harvestToken, 0, byte(t.format), 0}
	if t.records {
		b[1] = 1
	}
	place := byte(0)
	for d := range catalog.Datasets() {
		if place++; d.Name == t.dataset {
			b[3] = place
		}
	}
	b = binary.AppendUvarint(b, uint64(t.sequence))
	b = append(b, t.release[:]...)
	b = binary.AppendVarint(b, t.from)
	b = binary.AppendVarint(b, t.until)
	b = binary.AppendUvarint(b, uint64(t.offset))
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(append(b, sum[:cursorCheck]...))
}

// parseToken reads the text of a token, and reports whether it is one.
func parseToken(s string) (t oaiToken, ok bool) {
	if len(s) > base64.RawURLEncoding.EncodedLen(maxToken) {
		return t, false
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 4+cursorCheck || b[0] != harvestToken || int(b[2]) >= len(oaiFormats) {
		return t, false
	}
	t.records, t.format = b[1] == 1, int(b[2])
	place := byte(0)
	for d := range catalog.Datasets() {
		if place++; place == b[3] {
			t.dataset = d.Name
		}
	}
	in := bytes.NewReader(b[4 : len(b)-cursorCheck])
	sequence, err1 := binary.ReadUvarint(in)
	_, err2 := in.Read(t.release[:])
	from, err3 := binary.ReadVarint(in)
	until, err4 := binary.ReadVarint(in)
	offset, err5 := binary.ReadUvarint(in)
	if errors.Join(err1, err2, err3, err4, err5) != nil || int64(sequence) < 1 || offset < 1 || offset > math.MaxInt32 || until == math.MaxInt64 {
		return oaiToken{}, false
	}
	t.sequence, t.from, t.until, t.offset = int64(sequence), from, until, int(offset)
	// One place has one text: comparing with it proves the check and every form at once.
	return t, t.String() == s
}
