package opendata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
)

const (
	defaultLimit = 20
	maxLimit     = 100
)

// Operation is one kind of request: GET on a path, HEAD and OPTIONS with it. The
// table of operations is all there is: routes, parameters and the description of
// the API are made from it.
type Operation struct {
	// Path has its parameters in braces: /api/v1/{dataset}/{id}.
	Path    string
	Summary catalog.Text
	// Produces is the media type of a successful answer.
	Produces string
	// Class says by which limits the operation is counted.
	Class      Class
	Parameters []Parameter
	// Filters says that the operation also takes the FilterParameters of its dataset,
	// or of none.
	Filters bool
	// OwnErrors says that the operation answers a wrong request in the way of its own
	// protocol, with status 200.
	OwnErrors bool

	// data is a value of the type of the member data, for the contract; with bare the
	// answer has no envelope and is all of that type. nil tells no more than Produces.
	data any
	bare bool
	// file tells an answer by sendFile, made one by Handler.file, for the contract.
	file, made bool
	// ranged tells that a part of the bytes can be asked for too.
	ranged bool
	// addressed says that there is no answer without a public address.
	addressed bool
	// live tells an answer that is of this node and moment, and must not be kept.
	live bool
	// limit is the default of the parameter of that name.
	limit int
	serve func(*Handler, *request) error
}

// Parameter is one parameter of an operation. Query parameters are optional unless
// they say otherwise, and given at most once.
type Parameter struct {
	Name string
	// In is "path" or "query".
	In string
	// Type is "integer", or "string", "number" or "boolean", which are checked by set.
	Type string
	// Min and Max bound an integer; Max bounds the length of a string in bytes. 0
	// is no bound.
	Min, Max int
	// Default is the value that leaving the parameter out stands for.
	Default string
	// Required tells a query parameter that must be given.
	Required    bool
	Description catalog.Text

	// What the contract tells besides; set holds values to it. many is the greatest
	// number of values set apart by commas, 0 for one value; pattern a regular
	// expression; values the only ones there are in a dataset.
	many    int
	pattern string
	values  func(catalog.Dataset) []string

	// segment is where a path parameter stands, counted in slashes before it.
	segment int
	// set reads a value that is within the bounds. For a query parameter it
	// returns nil or a fault; for a path parameter any error.
	set func(*request, string) error
}

// Media types of the answers.
const (
	typeJSON = "application/json"
	typeZstd = "application/zstd"
	typeText = "text/plain; charset=utf-8"
)

var (
	datasetParameter = Parameter{
		Name: "dataset", In: "path", Type: "string", Max: 32, values: allDatasets,
		Description: catalog.Text{ZH: "数据集名称，见 /api/v1/datasets", EN: "Name of a dataset, see /api/v1/datasets"},
		set: func(r *request, v string) error {
			info, ok := catalog.Dataset(v).Info()
			if !ok {
				return unknownAddressError(v, datasetNames())
			}
			r.dataset = info
			return nil
		},
	}
	idParameter = Parameter{
		Name: "id", In: "path", Type: "string", Max: 40,
		Description: catalog.Text{ZH: "编号，不分大小写；指标用短名", EN: "Identifier in either case; the slug of an indicator"},
		set: func(r *request, v string) (err error) {
			// Only slugs have hyphens, and they are written in lower case.
			if strings.Contains(v, "-") {
				v = strings.ToLower(v)
			}
			r.id, err = catalog.ParseID(v)
			return err
		},
	}
	seqParameter = Parameter{
		Name: "seq", In: "path", Type: "integer", Min: 1,
		Description: catalog.Text{ZH: "发布序号", EN: "Sequence number of a release"},
		set: func(r *request, v string) error {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil || n < 1 || strconv.FormatInt(n, 10) != v {
				return &problemError{kind: invalidSequence}
			}
			r.seq = n
			return nil
		},
	}
	hashParameter = Parameter{
		Name: "sha256", In: "path", Type: "string", Max: 64, pattern: "^[0-9a-f]{64}$",
		Description: catalog.Text{ZH: "SHA-256，小写十六进制", EN: "SHA-256 in lower-case hexadecimal"},
		set: func(r *request, v string) error {
			if r.hash = catalog.Hash(v); !r.hash.Valid() {
				return &problemError{kind: invalidHash}
			}
			return nil
		},
	}
	codeListParameter = Parameter{
		Name: "list", In: "path", Type: "string", Max: 64,
		Description: catalog.Text{ZH: "代码表名称，见 /api/v1/codes", EN: "Name of a code list, see /api/v1/codes"},
		set: func(r *request, v string) error {
			var err error
			if r.list, err = url.PathUnescape(v); err != nil {
				return &problemError{kind: unknownAddress}
			}
			return nil
		},
	}
	limitParameter = Parameter{
		Name: "limit", In: "query", Type: "integer", Min: 1, Max: maxLimit, Default: strconv.Itoa(defaultLimit),
		Description: catalog.Text{ZH: "每页最多条数", EN: "Greatest number of records in a page"},
		set: func(r *request, v string) (err error) {
			r.limit, err = strconv.Atoi(v)
			return err
		},
	}
	cursorParameter = Parameter{
		Name: "cursor", In: "query", Type: "string", Max: 128,
		Description: catalog.Text{
			ZH: "下一页的起点，原样取自 links.next；固定在同一次发布上",
			EN: "Where the page begins, taken unchanged from links.next; it stays with one release",
		},
		set: func(r *request, v string) error {
			c, ok := parseCursor(v)
			if !ok || c.letter != r.letter() {
				return &faultError{kind: badCursor}
			}
			r.cursor, r.hasCursor = c, true
			return nil
		},
	}
)

// operations in the order in which paths are matched: fixed words come before
// parameters.
var operations = located(slices.Concat(exportOperations(), qualityOperations, []Operation{
	{
		Path: root, Produces: typeJSON, serve: (*Handler).index, data: overview{},
		Summary: catalog.Text{ZH: "这里有什么", EN: "What is here"},
	},
	{
		Path: root + "/datasets", Produces: typeJSON, serve: (*Handler).datasets, data: []dataset{},
		Summary: catalog.Text{ZH: "数据集、条数与字段", EN: "Datasets with their counts and fields"},
	},
	{
		Path: root + "/codes", Produces: typeJSON, serve: (*Handler).codeLists, data: []codeListHead{},
		Summary: catalog.Text{ZH: "代码表目录，含版本、来源与有效期", EN: "Code lists with edition, source and validity"},
	},
	{
		Path: root + "/codes/{list}", Produces: typeJSON, serve: (*Handler).codeList, data: codeListBody{},
		Summary:    catalog.Text{ZH: "一个代码表", EN: "One code list"},
		Parameters: []Parameter{codeListParameter},
	},
	{
		Path: root + "/releases", Produces: typeJSON, serve: (*Handler).releases, data: []release{},
		Summary: catalog.Text{ZH: "保留的各次发布，新的在前", EN: "Releases that are kept, newest first"},
	},
	{
		Path: root + "/releases/current/pointer", Produces: typeJSON, serve: (*Handler).pointer, data: catalog.Pointer{}, bare: true,
		Summary: catalog.Text{ZH: "指向当前发布的指针", EN: "Pointer to the current release"},
	},
	{
		Path: root + "/releases/{seq}", Produces: typeJSON, serve: (*Handler).releaseEntry, data: release{},
		Summary:    catalog.Text{ZH: "一次发布", EN: "One release"},
		Parameters: []Parameter{seqParameter},
	},
	{
		Path: root + "/releases/{seq}/manifest", Produces: typeJSON, serve: (*Handler).releaseManifest, data: catalog.Manifest{}, bare: true,
		Summary:    catalog.Text{ZH: "该次发布的清单，逐字节原样", EN: "The release's manifest, byte for byte"},
		Parameters: []Parameter{seqParameter},
	},
	{
		Path: root + "/releases/{seq}/manifest.minisig", Produces: typeText, serve: (*Handler).releaseSignature,
		Summary:    catalog.Text{ZH: "清单的 minisign 签名", EN: "The manifest's minisign signature"},
		Parameters: []Parameter{seqParameter},
	},
	changesOperation,
	{
		Path: root + "/manifests/{sha256}", Produces: typeJSON, serve: (*Handler).manifest, data: catalog.Manifest{}, bare: true,
		Summary:    catalog.Text{ZH: "按哈希取清单，逐字节原样", EN: "A manifest by its hash, byte for byte"},
		Parameters: []Parameter{hashParameter},
	},
	{
		Path: root + "/manifests/{sha256}/minisig", Produces: typeText, serve: (*Handler).signature,
		Summary:    catalog.Text{ZH: "按哈希取清单的 minisign 签名", EN: "The minisign signature of a manifest by its hash"},
		Parameters: []Parameter{hashParameter},
	},
	{
		Path: root + "/objects/{sha256}", Produces: typeZstd, Class: Export, ranged: true, serve: (*Handler).object,
		Summary:    catalog.Text{ZH: "数据对象（Zstandard 压缩的 JSON Lines），逐字节原样", EN: "An object (JSON Lines in Zstandard), byte for byte"},
		Parameters: []Parameter{hashParameter},
	},
	{
		Path: root + "/search", Produces: typeJSON, Class: Search, serve: (*Handler).search, data: []rawRecord{}, Filters: true,
		Summary:    catalog.Text{ZH: "跨数据集检索", EN: "Search across datasets"},
		Parameters: []Parameter{required(textParameter), facetsParameter, sortParameter, limitParameter, cursorParameter},
	},
	{
		Path: root + "/suggest", Produces: typeJSON, Class: Search, serve: (*Handler).suggest, data: []suggestion{},
		Summary:    catalog.Text{ZH: "边输入边建议：词、机构与名称，识拼音", EN: "Suggestions as you type: terms, organizations and titles, also by Pinyin"},
		Parameters: []Parameter{typedParameter, inDatasetParameter, suggestLimitParameter},
	},
	{
		Path: root + "/{dataset}", Produces: typeJSON, Class: Search, serve: (*Handler).page, data: []rawRecord{}, Filters: true,
		Summary: catalog.Text{
			ZH: "一个数据集的记录：检索、筛选、统计；不检索时按编号排序",
			EN: "Records of a dataset: searched, filtered and counted, or all of them by identifier",
		},
		Parameters: []Parameter{datasetParameter, textParameter, facetsParameter, fieldsParameter, sortParameter, limitParameter, cursorParameter},
	},
	{
		Path: root + "/{dataset}/{id}", Produces: typeJSON, serve: (*Handler).record, data: rawRecord{},
		Summary:    catalog.Text{ZH: "一条记录", EN: "One record"},
		Parameters: []Parameter{datasetParameter, idParameter},
	},
	{
		Path: root + "/{dataset}/{id}/relations", Produces: typeJSON, Class: Search, serve: (*Handler).relations, data: []links{},
		Summary:    catalog.Text{ZH: "与一条记录相关联的记录，双向", EN: "The records a record names, and those that name it"},
		Parameters: []Parameter{datasetParameter, idParameter, inDatasetParameter, linkLimitParameter},
	},
	{
		Path: root + "/{dataset}/{id}/matches", Produces: typeJSON, Class: Search, serve: (*Handler).recordMatches, data: []matched{},
		Summary:    catalog.Text{ZH: "与一条记录相配的记录及理由", EN: "The records that fit a record, and why"},
		Parameters: []Parameter{datasetParameter, idParameter, matchLimitParameter},
	},
}, codeOperations, harvesting))

// located tells every path parameter where in the path it stands, and every operation
// its usual limit.
func located(ops []Operation) []Operation {
	for n := range ops {
		op := &ops[n]
		for i := range op.Parameters {
			p := &op.Parameters[i]
			if p.Name == limitParameter.Name {
				op.limit, _ = strconv.Atoi(p.Default)
			}
			if p.In == "path" {
				before, _, _ := strings.Cut(op.Path, "{"+p.Name+"}")
				p.segment = strings.Count(before, "/") - 1
			}
		}
	}
	return ops
}

// Operations describes the whole API, in the order in which paths are matched.
func Operations() []Operation { return operations }

// allDatasets returns the names of the datasets.
func allDatasets(catalog.Dataset) []string {
	var names []string
	for d := range catalog.Datasets() {
		names = append(names, string(d.Name))
	}
	return names
}

// datasetNames returns what can stand directly under the root.
func datasetNames() []string {
	// What else stands there is as likely meant.
	return append([]string{"datasets", "codes", "releases", "exports", "quality", "search", "suggest"}, allDatasets("")...)
}
