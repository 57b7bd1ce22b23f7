package opendata

import (
	"context"
	"net/http"

	"luoshu/catalog"
)

// ProblemType is a kind of error answer (RFC 9457). Its text is fixed: nothing
// of the program's inside gets into it.
type ProblemType struct {
	// Slug ends the type's address, /developers/problems#slug.
	Slug   string
	Status int
	Title  catalog.Text
	// Detail may name parts of the request in braces; Hint is added where there
	// is a likely correction.
	Detail, Hint catalog.Text
	// RetryAfter is the number of seconds after which trying again may help, 0
	// when it will not.
	RetryAfter int
	// causes are the errors that are answered with this type.
	causes []error
	// bare marks the type that answers an error of its status without a cause of
	// ours: an unknown route, a body too large.
	bare bool
}

// problemKind is an index into problemTypes.
type problemKind int

const (
	invalidParameter problemKind = iota
	mistypedIdentifier
	invalidIdentifier
	invalidSequence
	invalidHash
	badRequest
	unknownKey
	unknownRecord
	wrongDataset
	unknownRelease
	unknownFile
	unknownAddress
	noPublicAddress
	methodNotAllowed
	requestTimeout
	withdrawn
	releaseGone
	contentTooLarge
	addressTooLong
	rangeNotSatisfiable
	misdirected
	tooManyRequests
	quotaExhausted
	headersTooLarge
	internal
	noRelease
	releaseAhead
	exportsPending
	overloaded
	qualityPending
	unavailable
)

// problemTypes is the whole list. An error is answered by the first type
// that lists it as a cause, else by the bare one of its status, else as internal.
var problemTypes = [...]ProblemType{
	invalidParameter: {
		Slug: "invalid-parameter", Status: http.StatusBadRequest,
		Title:  catalog.Text{ZH: "参数有误", EN: "Invalid parameter"},
		Detail: catalog.Text{ZH: "查询参数有误，见 errors", EN: "A query parameter is wrong, see errors"},
	},
	mistypedIdentifier: {
		Slug: "mistyped-identifier", Status: http.StatusBadRequest,
		Title:  catalog.Text{ZH: "编号录入有误", EN: "Mistyped identifier"},
		Detail: catalog.Text{ZH: "编号的校验位不符：有一位写错，或两位颠倒", EN: "The check character of the identifier does not fit: it was mistyped"},
		causes: []error{catalog.ErrCheckCharacter}, // also ErrInvalid, so before it
	},
	invalidIdentifier: {
		Slug: "invalid-identifier", Status: http.StatusBadRequest,
		Title: catalog.Text{ZH: "编号格式有误", EN: "Invalid identifier"},
		Detail: catalog.Text{
			ZH: "编号为八位，由数据集字母、六位字符和校验位组成，不用 I、O、S、V、Z；指标用短名",
			EN: "An identifier has eight characters: the letter of a dataset, six more and a check character, without I, O, S, V, Z; an indicator has a slug",
		},
		causes: []error{catalog.ErrInvalid},
	},
	invalidSequence: {
		Slug: "invalid-sequence", Status: http.StatusBadRequest,
		Title:  catalog.Text{ZH: "发布序号有误", EN: "Invalid sequence number"},
		Detail: catalog.Text{ZH: "发布序号是从 1 起的整数", EN: "The sequence number of a release is a whole number from 1"},
	},
	invalidHash: {
		Slug: "invalid-hash", Status: http.StatusBadRequest,
		Title:  catalog.Text{ZH: "哈希有误", EN: "Invalid hash"},
		Detail: catalog.Text{ZH: "应为 64 位小写十六进制的 SHA-256", EN: "A SHA-256 in 64 lower-case hexadecimal digits is expected"},
	},
	badRequest: {
		Slug: "bad-request", Status: http.StatusBadRequest, bare: true,
		Title:  catalog.Text{ZH: "请求无法理解", EN: "Bad request"},
		Detail: catalog.Text{ZH: "请求不符合 HTTP 规则", EN: "The request breaks the rules of HTTP"},
	},
	unknownKey: {
		Slug: "unknown-key", Status: http.StatusUnauthorized,
		Title: catalog.Text{ZH: "密钥无效", EN: "Unknown key"},
		Detail: catalog.Text{
			ZH: "没有发放过这个密钥，或已撤销。读取不需要密钥：去掉 Authorization 即可，密钥只提高限额",
			EN: "This key was never issued, or was revoked. No key is needed to read: leave Authorization out; a key only raises the limits",
		},
	},
	unknownRecord: {
		Slug: "unknown-record", Status: http.StatusNotFound,
		Title:  catalog.Text{ZH: "没有这条记录", EN: "No such record"},
		Detail: catalog.Text{ZH: "本次发布中没有记录“{id}”", EN: "This release holds no record `{id}`"},
	},
	wrongDataset: {
		Slug: "wrong-dataset", Status: http.StatusNotFound,
		Title:  catalog.Text{ZH: "记录在另一数据集", EN: "The record is in another dataset"},
		Detail: catalog.Text{ZH: "“{id}”属于数据集“{dataset}”，地址见 links", EN: "`{id}` is in the dataset `{dataset}`, at the address in links"},
	},
	unknownRelease: {
		Slug: "unknown-release", Status: http.StatusNotFound,
		Title:  catalog.Text{ZH: "没有这次发布", EN: "No such release"},
		Detail: catalog.Text{ZH: "当前发布的序号是 {current}，尚无 {seq}", EN: "The current release is {current}; there is no {seq} yet"},
	},
	unknownFile: {
		Slug: "unknown-file", Status: http.StatusNotFound,
		Title:  catalog.Text{ZH: "没有这个文件", EN: "No such file"},
		Detail: catalog.Text{ZH: "这里没有这个清单、签名或数据对象", EN: "No manifest, signature or object of that name is kept here"},
		causes: []error{catalog.ErrNotFound},
	},
	unknownAddress: {
		Slug: "unknown-address", Status: http.StatusNotFound, bare: true,
		Title:  catalog.Text{ZH: "地址不存在", EN: "Nothing at this address"},
		Detail: catalog.Text{ZH: "这个地址没有内容", EN: "There is nothing at this address"},
		Hint:   catalog.Text{ZH: "；是否要用“{suggestion}”？", EN: "; did you mean `{suggestion}`?"},
	},
	noPublicAddress: {
		Slug: "no-public-address", Status: http.StatusNotFound,
		Title: catalog.Text{ZH: "没有公开网址", EN: "No public address"},
		Detail: catalog.Text{
			ZH: "这种格式须写完整网址，而目录未写明 public_url，服务器也未设定网址",
			EN: "This format needs whole addresses, and neither the catalog (public_url) nor the server has one",
		},
	},
	methodNotAllowed: {
		Slug: "method-not-allowed", Status: http.StatusMethodNotAllowed, bare: true,
		Title:  catalog.Text{ZH: "不支持该方法", EN: "Method not allowed"},
		Detail: catalog.Text{ZH: "接口只读：仅支持 GET、HEAD、OPTIONS", EN: "The API is read-only: GET, HEAD and OPTIONS"},
	},
	requestTimeout: {
		Slug: "request-timeout", Status: http.StatusRequestTimeout, bare: true,
		Title:  catalog.Text{ZH: "请求超时", EN: "Request timeout"},
		Detail: catalog.Text{ZH: "请求没有及时发完", EN: "The request did not arrive in time"},
	},
	withdrawn: {
		Slug: "withdrawn", Status: http.StatusGone,
		Title:  catalog.Text{ZH: "记录已撤回", EN: "The record was withdrawn"},
		Detail: catalog.Text{ZH: "“{id}”已于 {date} 撤回，原因见 tombstone", EN: "`{id}` was withdrawn on {date}, for the reason in tombstone"},
		causes: []error{catalog.ErrWithdrawn},
	},
	releaseGone: {
		Slug: "release-gone", Status: http.StatusGone,
		Title:  catalog.Text{ZH: "该次发布已不再保留", EN: "The release is no longer kept"},
		Detail: catalog.Text{ZH: "发布 {seq} 已不再保留，请从头开始", EN: "Release {seq} is no longer kept: start again from the beginning"},
	},
	contentTooLarge: {
		Slug: "content-too-large", Status: http.StatusRequestEntityTooLarge, bare: true,
		Title:  catalog.Text{ZH: "请求体过大", EN: "Content too large"},
		Detail: catalog.Text{ZH: "接口不接收请求体", EN: "The API takes no request body"},
	},
	addressTooLong: {
		Slug: "address-too-long", Status: http.StatusRequestURITooLong, bare: true,
		Title: catalog.Text{ZH: "地址过长", EN: "Address too long"},
		Detail: catalog.Text{
			ZH: "地址与请求头合计最多 {max} 字节，地址已超过此数；检索词 q 最多 200 字（百分号编码后一个汉字占 9 字节）",
			EN: "Address and headers together may have {max} bytes, and the address alone has more; the words of q may have 200 characters (a Chinese one takes 9 bytes when percent-encoded)",
		},
	},
	rangeNotSatisfiable: {
		Slug: "range-not-satisfiable", Status: http.StatusRequestedRangeNotSatisfiable, bare: true,
		Title:  catalog.Text{ZH: "所要的范围不存在", EN: "Range not satisfiable"},
		Detail: catalog.Text{ZH: "文件共 {size} 字节，没有所要的部分", EN: "The file has {size} bytes, and none of those asked for"},
	},
	misdirected: {
		Slug: "misdirected-request", Status: http.StatusMisdirectedRequest, bare: true,
		Title:  catalog.Text{ZH: "主机名不符", EN: "Misdirected request"},
		Detail: catalog.Text{ZH: "服务器不以这个主机名提供服务", EN: "The server does not answer for this host name"},
	},
	tooManyRequests: {
		Slug: "too-many-requests", Status: http.StatusTooManyRequests, bare: true, RetryAfter: 5,
		Title: catalog.Text{ZH: "请求过于频繁", EN: "Too many requests"},
		Detail: catalog.Text{
			ZH: "请求太快：请放慢，按 Retry-After 稍后再试；允许的频率见 RateLimit-Policy",
			EN: "Too fast: slow down and try again after Retry-After; RateLimit-Policy says how fast you may ask",
		},
	},
	quotaExhausted: {
		Slug: "quota-exhausted", Status: http.StatusTooManyRequests, RetryAfter: 3600,
		Title: catalog.Text{ZH: "当日配额已用完", EN: "The day's quota is used up"},
		Detail: catalog.Text{
			ZH: "今天这类请求的次数已用完，北京时间零时恢复；全部数据也可从 /api/v1/exports 整批下载",
			EN: "The day's requests of this kind are used up and come back at midnight, Beijing time; all data can be had in a few files from /api/v1/exports",
		},
	},
	headersTooLarge: {
		Slug: "headers-too-large", Status: http.StatusRequestHeaderFieldsTooLarge, bare: true,
		Title:  catalog.Text{ZH: "请求头过大", EN: "Request headers too large"},
		Detail: catalog.Text{ZH: "地址与请求头合计最多 {max} 字节", EN: "Address and headers together may have {max} bytes"},
	},
	internal: {
		Slug: "internal-error", Status: http.StatusInternalServerError, bare: true,
		Title:  catalog.Text{ZH: "服务器内部错误", EN: "Internal error"},
		Detail: catalog.Text{ZH: "服务器出错，已记入日志；反馈时请附 instance", EN: "The server failed and logged it; quote instance when you report it"},
	},
	noRelease: {
		Slug: "no-release", Status: http.StatusServiceUnavailable, RetryAfter: 10,
		Title:  catalog.Text{ZH: "尚无可用的发布", EN: "No release yet"},
		Detail: catalog.Text{ZH: "服务器尚未取得任何发布，请稍后再试", EN: "The server holds no release yet: try again later"},
		causes: []error{catalog.ErrNoRelease},
	},
	releaseAhead: {
		Slug: "release-ahead", Status: http.StatusServiceUnavailable, RetryAfter: 2,
		Title:  catalog.Text{ZH: "该次发布尚未到达", EN: "The release has not arrived yet"},
		Detail: catalog.Text{ZH: "游标属于发布 {seq}，这台服务器尚在 {current}，请稍后再试", EN: "The cursor is of release {seq}, this server is still at {current}: try again shortly"},
	},
	exportsPending: {
		Slug: "exports-pending", Status: http.StatusServiceUnavailable, RetryAfter: 10,
		Title:  catalog.Text{ZH: "导出文件正在生成", EN: "Exports are being made"},
		Detail: catalog.Text{ZH: "发布 {seq} 的导出文件正在生成，请按 Retry-After 稍后再试", EN: "The exports of release {seq} are being made: try again after Retry-After"},
	},
	overloaded: {
		Slug: "overloaded", Status: http.StatusServiceUnavailable, RetryAfter: 2,
		Title:  catalog.Text{ZH: "服务器繁忙", EN: "The server is busy"},
		Detail: catalog.Text{ZH: "这类请求一时太多，与您的用量无关；请按 Retry-After 稍后再试", EN: "Too many requests of this kind at the moment, whoever asks: try again after Retry-After"},
	},
	qualityPending: {
		Slug: "quality-pending", Status: http.StatusServiceUnavailable, RetryAfter: 5,
		Title:  catalog.Text{ZH: "数据质量正在计算", EN: "Quality is being measured"},
		Detail: catalog.Text{ZH: "发布 {seq} 的数据质量正在计算，请按 Retry-After 稍后再试", EN: "The quality of release {seq} is being measured: try again after Retry-After"},
	},
	unavailable: {
		Slug: "unavailable", Status: http.StatusServiceUnavailable, bare: true, RetryAfter: 10,
		Title:  catalog.Text{ZH: "暂时无法提供", EN: "Temporarily unavailable"},
		Detail: catalog.Text{ZH: "存储暂时无法访问，请稍后再试", EN: "The store cannot be read at the moment: try again later"},
		causes: []error{catalog.ErrUnavailable, catalog.ErrDamaged, context.DeadlineExceeded},
	},
}

// ProblemTypes describes every error answer there is.
func ProblemTypes() []ProblemType { return problemTypes[:] }

// faultKind is an index into faultTexts.
type faultKind int

const (
	unknownParameter faultKind = iota
	repeatedParameter
	tooManyParameters
	badInteger
	badString
	badCursor
	otherCursor
	missingParameter
	blankText
	emptyItem
	repeatedItem
	tooManyItems
	unknownField
	badSort
	badCode
	badScheme
	badDataset
	badBoolean
	badReference
	badNumber
	badDate
	badLanguage
	badProfile
	badLevel
	badPlacement
	// badSearch is told in the words of the index.
	badSearch
)

// didYouMean is the hint of every fault that has a suggestion.
var didYouMean = catalog.Text{ZH: "；是否要用“{suggestion}”？", EN: "; did you mean `{suggestion}`?"}

// faultTexts say what is wrong with one parameter.
var faultTexts = [...]struct{ detail, hint catalog.Text }{
	unknownParameter: {
		catalog.Text{ZH: "未知参数“{name}”", EN: "unknown parameter `{name}`"},
		didYouMean,
	},
	repeatedParameter: {
		detail: catalog.Text{ZH: "参数“{name}”重复", EN: "`{name}` is given more than once"},
	},
	tooManyParameters: {
		detail: catalog.Text{ZH: "参数超过 {max} 个", EN: "more than {max} parameters"},
	},
	badInteger: {
		detail: catalog.Text{ZH: "“{name}”应为 {min} 至 {max} 的整数，只写数字", EN: "`{name}` must be a whole number from {min} to {max}, in plain digits"},
	},
	badString: {
		detail: catalog.Text{ZH: "“{name}”应有 1 至 {max} 字节，采用 UTF-8", EN: "`{name}` must have 1 to {max} bytes of UTF-8"},
	},
	badCursor: {
		detail: catalog.Text{ZH: "“{name}”不是本列表的游标：请原样使用 links.next，或去掉它从头开始", EN: "`{name}` is not a cursor of this list: take links.next unchanged, or leave it out to start again"},
	},
	otherCursor: {
		detail: catalog.Text{ZH: "“{name}”属于另一次查询：除 limit 外请保持参数不变，或去掉它从头开始", EN: "`{name}` belongs to another query: keep all parameters but limit as they were, or leave it out to start again"},
	},
	missingParameter: {
		detail: catalog.Text{ZH: "缺少参数“{name}”", EN: "`{name}` is required"},
	},
	blankText: {
		detail: catalog.Text{ZH: "“{name}”中没有文字或数字", EN: "`{name}` has no letter or digit to search for"},
	},
	emptyItem: {
		detail: catalog.Text{ZH: "“{name}”中有空项：用一个逗号分隔，首尾不加逗号", EN: "`{name}` has an empty item: set items apart by one comma, with none at the ends"},
	},
	repeatedItem: {
		detail: catalog.Text{ZH: "“{name}”中“{value}”重复", EN: "`{name}` has `{value}` more than once"},
	},
	tooManyItems: {
		detail: catalog.Text{ZH: "“{name}”最多 {max} 项", EN: "`{name}` takes at most {max} items"},
	},
	unknownField: {
		catalog.Text{ZH: "“{name}”：没有字段“{value}”，可用的字段见 known", EN: "`{name}`: there is no field `{value}`, see known for those there are"},
		didYouMean,
	},
	badSort: {
		catalog.Text{ZH: "不能按“{value}”排序，可用的见 known，字段前可加 -", EN: "no order by `{value}`, see known for those there are; fields may have - before them"},
		didYouMean,
	},
	badCode: {
		catalog.Text{ZH: "“{value}”不是“{name}”的代码，代码表见 {address}", EN: "`{value}` is no code of `{name}`; the code list is at {address}"},
		didYouMean,
	},
	badScheme: {
		detail: catalog.Text{ZH: "“{value}”不是专题分类的代码：写作 分类:代码，分类见 {address}", EN: "`{value}` is no code of a local scheme: write scheme:code; the schemes are at {address}"},
	},
	badDataset: {
		catalog.Text{ZH: "“{name}”：没有数据集“{value}”", EN: "`{name}`: there is no dataset `{value}`"},
		didYouMean,
	},
	badBoolean: {
		detail: catalog.Text{ZH: "“{name}”应为 true 或 false", EN: "`{name}` must be true or false"},
	},
	badReference: {
		detail: catalog.Text{ZH: "“{name}”应为记录的编号，“{value}”不是", EN: "`{name}` must be the identifier of a record, and `{value}` is none"},
	},
	badNumber: {
		detail: catalog.Text{ZH: "“{name}”应为数字", EN: "`{name}` must be a number"},
	},
	badDate: {
		detail: catalog.Text{ZH: "“{name}”应为日期，如 2026-11-20、2026-11 或 2026", EN: "`{name}` must be a date such as 2026-11-20, 2026-11 or 2026"},
	},
	badLanguage: {
		detail: catalog.Text{ZH: "“{name}”应为 zh 或 en", EN: "`{name}` must be zh or en"},
	},
	badProfile: {
		catalog.Text{ZH: "“{name}”应为 raw 或 excel", EN: "`{name}` must be raw or excel"},
		didYouMean,
	},
	badLevel: {
		detail: catalog.Text{ZH: "“{name}”应为 M（屏幕）或 Q（印刷）", EN: "`{name}` must be M (screens) or Q (print)"},
	},
	badPlacement: {
		detail: catalog.Text{ZH: "“{name}”应为一个大写字母加一至四位数字，如 K3", EN: "`{name}` must be a capital letter and up to four digits, such as K3"},
	},
	badSearch: {
		detail: catalog.Text{ZH: "检索有误", EN: "the search is at fault"},
	},
}
