package opendata

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/quality"
	"luoshu/catalog/snapshot"
)

//go:generate go test . -run ^TestOpenAPI$ -update

// apiVersion is the version of the contract. Within 1 it only gains.
const apiVersion = "1.0.0"

// maxEnum is the length up to which a code list stands in the contract itself.
const maxEnum = 50

// examples are answers recorded from the demonstration, named by operation.
//
//go:embed examples/*.json
var examples embed.FS

// OpenAPI returns the description of the API (OpenAPI 3.1). It is made from the
// table of operations, the table of problems and the schema of the catalog, and is
// the same on every node.
var OpenAPI = sync.OnceValue(func() []byte {
	b, err := encode(describeAPI(recorded))
	if err != nil {
		panic(fmt.Errorf("opendata: the contract: %w", err)) // of the program's own data
	}
	var out bytes.Buffer
	_ = json.Indent(&out, b, "", " ") // just encoded
	return append(out.Bytes(), '\n')
})

// recorded returns the example of the operation called id, nil if it has none.
func recorded(id string) json.RawMessage {
	b, err := examples.ReadFile("examples/" + id + ".json")
	if err != nil {
		return nil
	}
	return b
}

// object is a JSON object that keeps its order.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := encode(m.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(m.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// encode returns v as JSON in which <, > and & stand as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// described returns o with a text in both languages.
func described(o object, t catalog.Text) object {
	return append(o, member{"description", t.EN}, member{"x-description-zh", t.ZH})
}

func ref(kind, name string) object {
	return object{{"$ref", "#/components/" + kind + "/" + name}}
}

func stringsOf(pattern string) object { return object{{"type", "string"}, {"pattern", pattern}} }

// contract is the description as it grows.
type contract struct {
	schemas, parameters map[string]object
	// encoded holds what stands under a name in either, to tell equal from other.
	encoded map[string]string
}

// concrete is an operation on one path of the contract: those of the records are
// told dataset by dataset.
type concrete struct {
	*Operation
	path    string
	dataset catalog.Dataset // empty for all other operations
}

// concreteOperations returns what the contract describes, in its order.
func concreteOperations() []concrete {
	const generic = root + "/{dataset}"
	var all []concrete
	for i := range operations {
		op := &operations[i]
		rest, ok := strings.CutPrefix(op.Path, generic)
		if !ok || (rest != "" && rest[0] != '/') {
			all = append(all, concrete{Operation: op, path: op.Path})
			continue
		}
		for d := range catalog.Datasets() {
			all = append(all, concrete{Operation: op, path: root + "/" + string(d.Name) + rest, dataset: d.Name})
		}
	}
	return all
}

var wordStart = regexp.MustCompile(`[^A-Za-z0-9{]+\{?`)

// id names the operation: /api/v1/releases/{seq} is getReleasesBySeq.
func (c concrete) id() string {
	path := strings.TrimPrefix(c.path, root)
	if path == "" {
		path = "/index"
	}
	path = strings.ReplaceAll(path, "{", "by-{")
	name := []byte("get")
	for _, word := range wordStart.Split(strings.ReplaceAll(path, "}", "-"), -1) {
		if word = strings.TrimPrefix(word, "{"); word != "" {
			name = append(append(name, strings.ToUpper(word[:1])...), word[1:]...)
		}
	}
	return string(name)
}

// tags group the operations for readers: by dataset, else by the first word of the
// path. What is in none of them stands under the last.
var tags = []struct {
	name  string
	text  catalog.Text
	words []string
}{
	{"catalog", catalog.Text{ZH: "这里有什么：数据集、字段与代码表", EN: "What is here: datasets, fields and code lists"}, []string{"", "datasets", "codes"}},
	{"search", catalog.Text{ZH: "跨数据集检索与输入建议", EN: "Search across datasets, and suggestions as you type"}, []string{"search", "suggest"}},
	{"releases", catalog.Text{ZH: "各次发布与镜像所需的文件", EN: "Releases, and what a mirror copies"}, []string{"releases", "manifests", "objects"}},
	{"quality", catalog.Text{ZH: "数据与服务的质量", EN: "The quality of the data and of the service"}, []string{"quality"}},
	{"bulk", catalog.Text{ZH: "整批下载与收割", EN: "Downloads in bulk, and harvesting"}, nil},
}

func (c concrete) tag() string {
	if c.dataset != "" {
		return string(c.dataset)
	}
	word, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(c.path, root), "/"), "/")
	for _, t := range tags {
		if slices.Contains(t.words, word) {
			return t.name
		}
	}
	return tags[len(tags)-1].name
}

// describeAPI returns the contract, with the examples that example has by operation.
func describeAPI(example func(id string) json.RawMessage) object {
	c := &contract{schemas: map[string]object{}, parameters: map[string]object{}, encoded: map[string]string{}}
	c.wireSchemas()
	var paths object
	for _, op := range concreteOperations() {
		paths = append(paths, member{op.path, object{{"get", c.operation(op, example(op.id()))}}})
	}
	var groups []object
	for _, t := range tags[:len(tags)-1] {
		groups = append(groups, described(object{{"name", t.name}}, t.text))
	}
	for d := range catalog.Datasets() {
		groups = append(groups, described(object{{"name", d.Name}}, d.Label))
	}
	last := tags[len(tags)-1]
	groups = append(groups, described(object{{"name", last.name}}, last.text))
	return object{
		{"openapi", "3.1.1"},
		{"info", described(object{
			{"title", "Luoshu open data API"},
			{"x-title-zh", "洛书开放数据接口"},
			{"version", apiVersion},
			{"license", object{{"name", "Apache License 2.0"}, {"identifier", "Apache-2.0"}}},
		}, catalog.Text{
			ZH: "只读、匿名。每个回答都出自一次发布；同一次发布里同一地址的字节与强 ETag 不变。凡有 GET 处皆可 HEAD 与 OPTIONS。" +
				"值缺失时不写该成员，只有 links.next 会是 null。数据的许可见 /api/v1，给人看的说明见 /developers。第一版内只增不改：请容许新成员。",
			EN: "Read-only and anonymous. Every answer comes from one release; the same address in the same release has the same bytes and " +
				"the same strong ETag. Where there is GET there are HEAD and OPTIONS. A member without a value is left out; only links.next " +
				"can be null. The license of the data is at /api/v1, a guide for people at /developers. Within version 1 things are only added: accept members you do not know.",
		})},
		{"servers", []object{described(object{{"url", "/"}}, catalog.Text{ZH: "本服务器", EN: "This server"})}},
		{"security", []object{{}, {{"key", []string{}}}}},
		{"tags", groups},
		{"paths", paths},
		{"components", object{
			{"schemas", sorted(c.schemas)},
			{"parameters", sorted(c.parameters)},
			{"headers", headers()},
			{"responses", problemResponses()},
			{"securitySchemes", object{{"key", described(object{{"type", "http"}, {"scheme", "bearer"}}, catalog.Text{
				ZH: "可选。读取不需要密钥；由运营者发放的密钥只提高限额", EN: "Optional. No key is needed to read; one that the operator gave out only raises the limits",
			})}}},
		}},
	}
}

// sorted returns m as an object ordered by name.
func sorted(m map[string]object) object {
	var o object
	for name, v := range m {
		o = append(o, member{name, v})
	}
	slices.SortFunc(o, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return o
}

func (c *contract) operation(op concrete, example json.RawMessage) object {
	summary := op.Summary
	if info, ok := op.dataset.Info(); ok {
		summary.ZH, summary.EN = info.Label.ZH+"："+summary.ZH, info.Label.EN+": "+summary.EN
	}
	o := object{
		{"operationId", op.id()},
		{"tags", []string{op.tag()}},
		{"summary", summary.EN},
		{"x-summary-zh", summary.ZH},
		{"description", summary.EN + "."},
		{"x-description-zh", summary.ZH + "。"},
		{"x-limit-class", op.Class.String()},
	}
	parameters := []object{}
	if !op.live {
		parameters = append(parameters, ref("parameters", c.parameter(Parameter{
			Name: "If-None-Match", In: "header", Type: "string",
			Description: catalog.Text{ZH: "已有回答的 ETag；未变则答 304", EN: "The ETag of the answer you have; 304 if it still holds"},
		}, "")))
	}
	own := op.Parameters
	if op.Filters {
		own = append(slices.Clone(own), FilterParameters(op.dataset)...)
	}
	status := map[int]bool{http.StatusBadRequest: true, http.StatusUnauthorized: true, http.StatusTooManyRequests: true, http.StatusInternalServerError: true, http.StatusServiceUnavailable: true}
	for _, p := range own {
		if p.In == "path" {
			status[http.StatusNotFound] = true
		}
		if p.Name == "id" || p.Name == "seq" || p.Name == cursorParameter.Name {
			status[http.StatusGone] = true
		}
		if p.In == "path" && p.Name == datasetParameter.Name && op.dataset != "" {
			continue // it stands in the path already
		}
		parameters = append(parameters, ref("parameters", c.parameter(p, op.dataset)))
	}
	if op.addressed {
		status[http.StatusNotFound] = true
	}
	if op.file {
		status[http.StatusRequestedRangeNotSatisfiable] = true
	}
	if op.file || op.ranged {
		parameters = append(parameters, ref("parameters", c.parameter(Parameter{
			Name: "Range", In: "header", Type: "string",
			Description: catalog.Text{ZH: "所要的一段字节，用于续传，如 bytes=1048576-", EN: "A range of bytes, to go on with a download, such as bytes=1048576-"},
		}, "")))
	}
	o = append(o, member{"parameters", parameters})

	kind, _, _ := strings.Cut(op.Produces, ";")
	media := object{}
	if schema := c.answer(op); schema != nil {
		media = append(media, member{"schema", schema})
	}
	if example != nil {
		media = append(media, member{"example", example})
	}
	sent := []string{"ETag", "Cache-Control", "Vary", "Content-Encoding"}
	told := catalog.Text{ZH: "回答", EN: "The answer"}
	switch {
	case op.live:
		sent = []string{"Cache-Control", "X-Luoshu-Release"}
		told = catalog.Text{ZH: "本节点此刻的数字，不得留存", EN: "The figures of this node at this moment, not to be kept"}
	case op.OwnErrors:
		sent = []string{"Cache-Control", "X-Luoshu-Release"}
		told = catalog.Text{
			ZH: "回答，或该协议自己的出错说明：后者没有 ETag，也不得留存",
			EN: "The answer, or an error in the way of the protocol, which has no ETag and must not be kept",
		}
	case op.file:
		sent = append(sent, "Last-Modified", "X-Luoshu-Release", "Accept-Ranges", "Content-Disposition", "Repr-Digest")
	case op.ranged:
		sent = append(sent, "Accept-Ranges")
	case op.made || op.data != nil && !op.bare:
		sent = append(sent, "Last-Modified", "Link", "X-Luoshu-Release")
	}
	answer := func(text catalog.Text, sent ...string) object {
		return append(described(object{}, text), member{"headers", headerRefs(append(sent, limitHeaders...))}, member{"content", object{{kind, media}}})
	}
	responses := object{{"200", answer(told, sent...)}}
	if op.file || op.ranged {
		responses = append(responses, member{"206", answer(catalog.Text{ZH: "Range 所要的部分", EN: "The part that Range asks for"},
			append(sent, "Content-Range")...)})
	}
	if !op.live {
		responses = append(responses, member{
			"304", append(described(object{}, catalog.Text{ZH: "与 If-None-Match 所指相同，没有正文", EN: "The same as If-None-Match names; no body"}),
				member{"headers", headerRefs(append([]string{"ETag"}, limitHeaders...))}),
		})
	}
	for _, code := range toldStatuses {
		if status[code] {
			responses = append(responses, member{strconv.Itoa(code), ref("responses", "Problem"+strconv.Itoa(code))})
		}
	}
	return append(o, member{"responses", append(responses, member{"default", ref("responses", "Problem")})})
}

// parameter puts p, as it is for dataset d, among the components and returns its
// name there.
func (c *contract) parameter(p Parameter, d catalog.Dataset) string {
	value := object{{"type", p.Type}}
	switch p.Type {
	case "integer":
		value = append(value, member{"minimum", p.Min})
		if p.Max > 0 {
			value = append(value, member{"maximum", p.Max})
		}
		if n, err := strconv.Atoi(p.Default); err == nil {
			value = append(value, member{"default", n})
		}
	case "string":
		value = append(value, member{"minLength", 1})
		if p.Max > 0 && p.many == 0 {
			value = append(value, member{"maxLength", p.Max})
		}
		if p.pattern != "" {
			value = append(value, member{"pattern", p.pattern})
		}
		if p.values != nil {
			if all := p.values(d); len(all) > 0 {
				value = object{{"type", "string"}, {"enum", all}}
			}
		}
		if p.Default != "" {
			value = append(value, member{"default", p.Default})
		}
	}
	o := object{{"name", p.Name}, {"in", p.In}}
	if p.In == "path" || p.Required {
		o = append(o, member{"required", true})
	}
	if p.many > 0 {
		o = append(o, member{"style", "form"}, member{"explode", false})
		value = object{{"type", "array"}, {"items", value}, {"minItems", 1}, {"maxItems", p.many}, {"uniqueItems", true}}
	}
	o = append(described(o, p.Description), member{"schema", value})
	return c.put(c.parameters, "parameters", p.Name, o)
}

// put adds o to a group of components, under name or, where another thing has it,
// name with a number. It returns the name.
func (c *contract) put(group map[string]object, kind, name string, o object) string {
	b, err := encode(o)
	if err != nil {
		panic(fmt.Errorf("opendata: the contract: %s: %w", name, err))
	}
	for n := 1; ; n++ {
		key := name
		if n > 1 {
			key += "-" + strconv.Itoa(n)
		}
		switch was, ok := c.encoded[kind+key]; {
		case !ok:
			c.encoded[kind+key], group[key] = string(b), o
			return key
		case was == string(b):
			return key
		}
	}
}

// answer returns the schema of a successful answer, nil for what has none.
func (c *contract) answer(op concrete) any {
	kind, _, _ := strings.Cut(op.Produces, ";")
	switch {
	case op.data != nil && op.bare:
		return c.schema(reflect.TypeOf(op.data), "")
	case op.data != nil:
		t := reflect.TypeOf(op.data)
		meta, links := "Meta", "Links"
		if t.Kind() == reflect.Slice && t != rawRecordType {
			meta, links = "ListMeta", "ListLinks"
		}
		return object{
			{"type", "object"},
			{"required", []string{"data", "meta", "links"}},
			{"properties", object{{"data", c.schema(t, op.dataset)}, {"meta", ref("schemas", meta)}, {"links", ref("schemas", links)}}},
		}
	case strings.HasPrefix(kind, "text/"):
		return object{{"type", "string"}}
	case strings.HasSuffix(kind, "json"):
		return object{{"type", "object"}}
	}
	return nil
}

var (
	rawRecordType  = reflect.TypeFor[rawRecord]()
	rawRecordsType = reflect.TypeFor[[]rawRecord]()
)

// componentNames are the types whose names would say something else in the contract.
var componentNames = map[reflect.Type]string{
	reflect.TypeFor[links]():     "RelationGroup",
	reflect.TypeFor[matched]():   "Fit",
	reflect.TypeFor[part]():      "FitPart",
	reflect.TypeFor[match]():     "Highlight",
	reflect.TypeFor[tombstone](): "TombstoneNotice",

	reflect.TypeFor[indicator]():        "QualityIndicator",
	reflect.TypeFor[figure]():           "QualityFigure",
	reflect.TypeFor[quality.Totals]():   "QualityTotals",
	reflect.TypeFor[quality.Dataset]():  "DatasetQuality",
	reflect.TypeFor[quality.Field]():    "FieldQuality",
	reflect.TypeFor[quality.Age]():      "RecordAge",
	reflect.TypeFor[quality.Links]():    "LinkQuality",
	reflect.TypeFor[quality.Link]():     "BrokenLink",
	reflect.TypeFor[quality.Codes]():    "CodeQuality",
	reflect.TypeFor[quality.Rule]():     "BrokenRule",
	reflect.TypeFor[quality.Check]():    "NumberCheck",
	reflect.TypeFor[quality.FormItem](): "RegistrationItem",

	reflect.TypeFor[quality.Registration](): "RegistrationReport",
}

// leaves are the types whose schemas are written down.
var leaves = map[reflect.Type]object{
	reflect.TypeFor[time.Time](): {{"type", "string"}, {"format", "date-time"}},
	reflect.TypeFor[snapshot.MatchKind](): {{"type", "string"}, {"enum", []snapshot.MatchKind{
		snapshot.AchievementFits, snapshot.DemandFits, snapshot.Similar, snapshot.PolicyApplies, snapshot.ServiceFits,
	}}},
	reflect.TypeFor[catalog.Date]():    ref("schemas", "Date"),
	reflect.TypeFor[catalog.ID]():      ref("schemas", "ID"),
	reflect.TypeFor[catalog.Hash]():    ref("schemas", "Hash"),
	reflect.TypeFor[catalog.Dataset](): ref("schemas", "DatasetName"),
}

// schema returns the schema of t where it stands in an answer about dataset d.
func (c *contract) schema(t reflect.Type, d catalog.Dataset) object {
	if leaf, ok := leaves[t]; ok {
		return leaf
	}
	switch t {
	case rawRecordsType:
		if d != "" { // a list can be asked for some of the fields
			return object{{"type", "array"}, {"items", ref("schemas", recordName(d)+"Part")}}
		}
	case rawRecordType:
		if d != "" {
			return ref("schemas", recordName(d))
		}
		return ref("schemas", "Record")
	}
	switch t.Kind() {
	case reflect.Pointer:
		return c.schema(t.Elem(), d)
	case reflect.Slice:
		// Inside of what is not the dataset's own, records may be of any.
		if d != "" && t != rawRecordsType {
			d = ""
		}
		return object{{"type", "array"}, {"items", c.schema(t.Elem(), d)}}
	case reflect.Array:
		return object{{"type", "array"}, {"items", c.schema(t.Elem(), d)}, {"minItems", t.Len()}, {"maxItems", t.Len()}}
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", c.schema(t.Elem(), d)}}
	case reflect.Struct:
		var properties object
		var required []string
		c.members(t, &properties, &required, func(f reflect.StructField, _ string) object { return c.schema(f.Type, "") })
		return ref("schemas", c.put(c.schemas, "schemas", componentName(t), structOf(properties, required)))
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}}
	case reflect.Float64:
		return object{{"type", "number"}}
	case reflect.String:
		return object{{"type", "string"}}
	default:
		panic("opendata: the contract has no schema for " + t.String())
	}
}

func componentName(t reflect.Type) string {
	if name, ok := componentNames[t]; ok {
		return name
	}
	return strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
}

func structOf(properties object, required []string) object {
	o := object{{"type", "object"}}
	if len(required) > 0 {
		o = append(o, member{"required", required})
	}
	return append(o, member{"properties", properties})
}

// members appends the members of struct t as they stand in JSON, each with the
// schema that of gives, and the names of those that are never left out.
func (c *contract) members(t reflect.Type, properties *object, required *[]string, of func(reflect.StructField, string) object) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			c.members(f.Type, properties, required, of)
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		*properties = append(*properties, member{name, of(f, name)})
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}

func recordType(d catalog.Dataset) reflect.Type {
	r, err := catalog.NewRecord(d)
	if err != nil {
		panic(err) // d comes from the list of datasets
	}
	return reflect.TypeOf(r).Elem()
}

func recordName(d catalog.Dataset) string { return componentName(recordType(d)) }

// recordSchemas describes the records of dataset d: a Part has the fields that were
// asked for, and the whole record has at least those that every record has.
func (c *contract) recordSchemas(d catalog.DatasetInfo) {
	fields := map[string]catalog.Field{}
	for _, f := range catalog.Fields(d.Name) {
		fields[f.Path] = f
	}
	t := recordType(d.Name)
	var properties object
	var required []string
	c.members(t, &properties, &required, func(f reflect.StructField, name string) object {
		return c.field(f.Type, name, fields)
	})
	for i := range properties {
		if properties[i].name == "dataset" {
			properties[i].value = object{{"const", d.Name}}
		}
	}
	properties = append(properties, member{"match", described(object{
		{"type", "array"}, {"items", c.schema(reflect.TypeFor[match](), "")},
	}, catalog.Text{ZH: "检索词出现在哪里；只在检索结果里有", EN: "Where the words searched for stand; in the results of a search alone"})})
	name := componentName(t)
	c.put(c.schemas, "schemas", name+"Part", described(structOf(properties, []string{"id"}), catalog.Text{
		ZH: d.Singular.ZH + "，或参数 fields 所要的那些字段", EN: d.Singular.EN + ", or those of its fields that the parameter fields asks for",
	}))
	c.put(c.schemas, "schemas", name, described(object{
		{"allOf", []object{ref("schemas", name+"Part"), {{"type", "object"}, {"required", required}}}},
	}, d.Singular))
}

// field returns the schema of the member of a record at path.
func (c *contract) field(t reflect.Type, path string, fields map[string]catalog.Field) object {
	f, known := fields[path]
	if known && f.Type == "code" {
		return described(codes(f.List), f.Label)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return c.field(t.Elem(), path, fields)
	case reflect.Slice:
		o := object{{"type", "array"}, {"items", c.field(t.Elem(), path+"[]", fields)}}
		if f, ok := fields[path+"[]"]; ok {
			o = described(o, f.Label)
		}
		return o
	case reflect.Struct:
		if _, leaf := leaves[t]; leaf {
			break
		}
		var properties object
		var required []string
		c.members(t, &properties, &required, func(f reflect.StructField, name string) object {
			return c.field(f.Type, path+"."+name, fields)
		})
		// A record may be asked for parts of it, so none is required.
		return ref("schemas", c.put(c.schemas, "schemas", componentName(t), structOf(properties, nil)))
	}
	o := slices.Clone(c.schema(t, ""))
	switch {
	case !known:
		return o
	case f.Type == "url":
		o = append(o, member{"format", "uri"})
	}
	if t.Kind() == reflect.String && f.Max > 0 && len(o) == 1 && o[0].name == "type" {
		o = append(o, member{"maxLength", f.Max})
	}
	if len(path) > 2 && strings.HasSuffix(path, "[]") || strings.HasPrefix(path, "organizations[].") || strings.HasPrefix(path, "provider.") {
		return o // the list is labeled; a party is the same everywhere
	}
	return described(o, f.Label)
}

// codes returns the schema of a code of the list called name.
func codes(name string) object {
	o := object{{"type", "string"}, {"x-code-list", root + "/codes/" + name}}
	if all := codesOf(catalog.LookupCodeList(name)); len(all) > 0 {
		o = append(o, member{"enum", all})
	}
	return o
}

// codesOf returns the codes of a list that is short enough to be told in full.
func codesOf(l *catalog.CodeList) []string {
	if l == nil || len(l.Codes()) > maxEnum {
		return nil
	}
	var all []string
	for _, code := range l.Codes() {
		all = append(all, code.Code)
	}
	return all
}

// wireSchemas describes what answers have in common.
func (c *contract) wireSchemas() {
	add := func(name string, o object, zh, en string) {
		c.put(c.schemas, "schemas", name, described(o, catalog.Text{ZH: zh, EN: en}))
	}
	var names, kinds []any
	mapping := object{}
	for d := range catalog.Datasets() {
		c.recordSchemas(d)
		names = append(names, d.Name)
		kinds = append(kinds, ref("schemas", recordName(d.Name)))
		mapping = append(mapping, member{string(d.Name), "#/components/schemas/" + recordName(d.Name)})
	}
	add("Record", object{{"oneOf", kinds}, {"discriminator", object{{"propertyName", "dataset"}, {"mapping", mapping}}}},
		"任一数据集的记录", "A record of any dataset")
	add("DatasetName", object{{"type", "string"}, {"enum", names}}, "数据集名称", "Name of a dataset")
	add("ID", stringsOf(`^([A-Z][0-9A-HJ-NPQRTUWXY]{7}|[a-z][a-z0-9-]*)$`),
		"编号：八位，末位为校验位；指标用短名", "Identifier: eight characters, the last of which checks the others; the slug of an indicator")
	add("Hash", stringsOf(`^[0-9a-f]{64}$`), "SHA-256", "SHA-256")
	add("Date", stringsOf(`^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$`),
		"日期；来源只知到年或月的，只写到年或月", "Date, as far as the source knows it: a day, a month or a year")

	release := object{
		{"type", "object"},
		{"required", []string{"sequence", "manifest"}},
		{"properties", object{{"sequence", object{{"type", "integer"}, {"minimum", 1}}}, {"manifest", ref("schemas", "Hash")}}},
	}
	meta := object{
		{"release", described(release, catalog.Text{ZH: "回答出自哪次发布", EN: "The release the answer comes from"})},
		{"sample", described(object{{"const", true}}, catalog.Text{ZH: "示例：内容是虚构的", EN: "A sample: the content is invented"})},
	}
	add("Meta", structOf(meta, []string{"release"}), "回答的来历", "Where the answer comes from")
	count := func(zh, en string) object {
		return described(object{{"type", "integer"}, {"minimum", 0}}, catalog.Text{ZH: zh, EN: en})
	}
	list := append(slices.Clone(meta), object{
		{"total", count("总条数", "How many there are in all")},
		{"limit", count("本页上限", "The greatest number in a page")},
		{"returned", count("本页条数", "How many are in this page")},
		{"facets", described(object{{"type", "object"}, {"additionalProperties", c.schema(reflect.TypeFor[[]facetValue](), "")}},
			catalog.Text{ZH: "各字段的取值与条数", EN: "Values of fields, with how many records have them"})},
		{"hints", described(c.schema(reflect.TypeFor[hints](), ""),
			catalog.Text{ZH: "没有结果时：怎样能找到", EN: "Where nothing was found: what would find something"})},
		{"next_keys", described(object{{"type", "string"}},
			catalog.Text{ZH: "还能接着输入的字母，供键盘用", EN: "The letters that can be typed next, for keyboards"})},
	}...)
	add("ListMeta", structOf(list, []string{"release", "limit", "returned"}), "回答的来历与条数", "Where the answer comes from, and counts")
	address := func(kind any) object { return object{{"type", kind}, {"format", "uri-reference"}} }
	add("Links", object{
		{"type", "object"},
		{"required", []string{"self"}},
		{"properties", object{{"self", address("string")}}},
		{"additionalProperties", address("string")},
	}, "相关地址", "Where it leads")
	add("ListLinks", object{
		{"type", "object"},
		{"required", []string{"self", "next"}},
		{"properties", object{{"self", address("string")}, {"next", described(address([]string{"string", "null"}),
			catalog.Text{ZH: "下一页，没有则为 null", EN: "The next page, null where there is none"})}}},
		{"additionalProperties", address("string")},
	}, "相关地址与下一页", "Where it leads, and the next page")
	c.schema(reflect.TypeFor[problem](), "")
}

// limitHeaders are on every answer to a client that is held to limits.
var limitHeaders = []string{"RateLimit", "RateLimit-Policy"}

func headerRefs(names []string) object {
	var fields object
	for _, name := range names {
		fields = append(fields, member{name, ref("headers", name)})
	}
	return fields
}

// headers describes the header fields of answers.
func headers() object {
	field := func(name, kind, zh, en string) member {
		return member{name, append(described(object{}, catalog.Text{ZH: zh, EN: en}), member{"schema", object{{"type", kind}}})}
	}
	return object{
		field("ETag", "string", "强校验标记：同一次发布里同一地址、同一内容编码不变", "Strong validator: the same for the same address and content coding in the same release"),
		field("Last-Modified", "string", "发布时间", "When the release was published"),
		field("Cache-Control", "string", "可以留存多久", "How long the answer may be kept"),
		field("Link", "string", "self 与下一页 next（RFC 8288）", "self and the next page (RFC 8288)"),
		field("X-Luoshu-Release", "integer", "回答出自的发布序号", "Sequence number of the release the answer comes from"),
		field("Vary", "string", "Accept-Encoding", "Accept-Encoding"),
		field("Content-Encoding", "string", "zstd、br 或 gzip，按 Accept-Encoding；没有即未压缩", "zstd, br or gzip, as Accept-Encoding asks; absent when the answer is as it is"),
		field("Accept-Ranges", "string", "bytes：可以分段取", "bytes: parts can be asked for"),
		field("Content-Disposition", "string", "文件名", "The name of the file"),
		field("Content-Range", "string", "这是哪一段、共多少字节", "Which part this is, of how many bytes"),
		field("Repr-Digest", "string", "整个文件的 SHA-256（RFC 9530）", "SHA-256 of the whole file (RFC 9530)"),
		field("Retry-After", "integer", "几秒之后再试", "Seconds after which to try again"),
		field("WWW-Authenticate", "string", "Bearer；密钥并非必需", "Bearer; no key is needed"),
		field("RateLimit", "string", "各限额尚余几次（r）、几秒后复满（t）；不限的客户端没有。见 IETF 草案 ratelimit-headers",
			"Of each limit, how many requests are left (r) and in how many seconds all are (t); absent for clients without limits. After the IETF draft ratelimit-headers"),
		field("RateLimit-Policy", "string", "各限额：w 秒内 q 次", "The limits: q requests in w seconds"),
	}
}

// toldStatuses are those of problems that operations name; any other can answer every
// request, and is told as the default.
var toldStatuses = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound, http.StatusGone, http.StatusRequestedRangeNotSatisfiable,
	http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// problemResponses describes the error answers: one for each status, with every
// type of problem that has it, and one for all.
func problemResponses() object {
	response := func(text catalog.Text, sent []string, more ...member) object {
		o := append(described(object{}, text), member{"headers", headerRefs(append(sent, limitHeaders...))})
		return append(o, member{"content", object{{typeProblem, append(object{{"schema", ref("schemas", "Problem")}}, more...)}}})
	}
	of := func(has func(int) bool) (text catalog.Text, retry bool, shown object) {
		var zh, en []string
		for i := range problemTypes {
			t := &problemTypes[i]
			if !has(t.Status) {
				continue
			}
			zh, en = append(zh, t.Title.ZH), append(en, t.Title.EN)
			retry = retry || t.RetryAfter > 0
			shown = append(shown, member{t.Slug, object{{"summary", t.Title.EN}, {"value", problem{
				Type: problemsPage + t.Slug, Title: t.Title.EN, TitleZH: t.Title.ZH, Status: t.Status, Detail: t.Detail.EN, DetailZH: t.Detail.ZH,
			}}}})
		}
		return catalog.Text{ZH: strings.Join(zh, "；"), EN: strings.Join(en, "; ")}, retry, shown
	}
	text, _, shown := of(func(status int) bool { return !slices.Contains(toldStatuses, status) })
	all := object{{"Problem", response(text, nil, member{"examples", shown})}}
	for _, status := range toldStatuses {
		text, retry, shown := of(func(s int) bool { return s == status })
		var sent []string
		if retry {
			sent = []string{"Retry-After"}
		}
		if status == http.StatusUnauthorized {
			sent = []string{"WWW-Authenticate"}
		}
		all = append(all, member{"Problem" + strconv.Itoa(status), response(text, sent, member{"examples", shown})})
	}
	return all
}
