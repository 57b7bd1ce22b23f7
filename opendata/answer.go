package opendata

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
	"luoshu/static/coding"
)

// wireVersion is part of every ETag of an assembled answer. It must grow whenever
// the same records give other bytes than before, or clients keep the old ones; a
// test over the golden answers says when.
const wireVersion = 1

// Cache rules. What comes from a release may be shown a little late, and a day
// long when the server is away; what is named by its own hash never changes; the
// pointer is asked for in order to learn the truth.
const (
	cacheRelease = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"
	cacheForever = "public, max-age=31536000, immutable"
	cachePointer = "no-cache"
	cacheNever   = "no-store"
)

// sharedHeaders stand on every answer. They hold no value of a request.
var sharedHeaders = [...]struct{ key, value []byte }{
	{[]byte(fasthttp.HeaderAccessControlAllowOrigin), []byte("*")},
	{[]byte(fasthttp.HeaderAccessControlExposeHeaders), []byte("ETag, Link, RateLimit, RateLimit-Policy, Retry-After, X-Luoshu-Release")},
	{[]byte(fasthttp.HeaderContentSecurityPolicy), []byte("default-src 'none'; sandbox")},
	{[]byte("Cross-Origin-Resource-Policy"), []byte("cross-origin")},
	{[]byte(fasthttp.HeaderXContentTypeOptions), []byte("nosniff")},
}

// Header names in canonical form, as SetCanonical wants them.
var (
	headerCacheControl    = []byte(fasthttp.HeaderCacheControl)
	headerContentEncoding = []byte(fasthttp.HeaderContentEncoding)
	headerETag            = []byte("Etag")
	headerLastModified    = []byte(fasthttp.HeaderLastModified)
	headerLink            = []byte(fasthttp.HeaderLink)
	headerRelease         = []byte("X-Luoshu-Release")
	headerVary            = []byte(fasthttp.HeaderVary)
	valueVary             = []byte(fasthttp.HeaderAcceptEncoding)
	valueCacheRelease     = []byte(cacheRelease)
)

func setShared(hd *fasthttp.ResponseHeader) {
	for i := range sharedHeaders {
		hd.SetCanonical(sharedHeaders[i].key, sharedHeaders[i].value)
	}
}

// edition is what all answers from one release share, made once. It does not
// hold the snapshot, which would keep a release in memory after its time.
type edition struct {
	hash      catalog.Hash
	base      string
	sequence  []byte
	published time.Time
	modified  []byte // published, as an HTTP date
	// seed begins the ETags: whatever decides an answer besides its address.
	seed []byte
	// release is the release prefix cursors carry.
	release [8]byte
	// meta is the member of that name, up to what differs between answers; tail
	// is its end.
	meta, tail []byte
	// made holds the documents that are made once, by address.
	made sync.Map // string -> document

	once    sync.Once
	changes *changes
}

// document is a whole answer, ready to be sent.
type document struct {
	body *coding.Constant
	size int
	// identity names it for its ETag.
	identity []byte
}

func newDocument(body []byte, self string) document {
	// Its code lists and field names come with the program, not with the release.
	return document{coding.NewConstant(body), len(body), []byte(self + string(catalog.HashOf(body)))}
}

func newEdition(base string, s *snapshot.Snapshot) *edition {
	m, hash := s.Manifest(), s.Hash()
	e := &edition{
		hash: hash, base: base, release: releasePrefix(hash),
		sequence:  strconv.AppendInt(nil, m.Sequence, 10),
		published: m.PublishedAt.UTC().Truncate(time.Second),
		modified:  fasthttp.AppendHTTPDate(nil, m.PublishedAt),
	}
	sum := sha256.Sum256([]byte("luoshu answer " + strconv.Itoa(wireVersion) + "\n" + base + "\n" + string(hash)))
	e.seed = base64.RawURLEncoding.AppendEncode(nil, sum[:12])
	e.meta = append(append([]byte(`"meta":{"release":{"sequence":`), e.sequence...), `,"manifest":"`...)
	e.meta = append(append(e.meta, hash...), `"}`...)
	if m.Sample {
		e.tail = []byte(`,"sample":true`)
	}
	e.tail = append(e.tail, '}')
	return e
}

// document returns the document at address self, which build makes the first
// time.
func (e *edition) document(self []byte, build func() (any, int), links ...link) (document, error) {
	if d, ok := e.made.Load(string(self)); ok {
		return d.(document), nil
	}
	v, items := build()
	data, err := catalog.Canonical(v)
	if err != nil {
		return document{}, err
	}
	d, _ := e.made.LoadOrStore(string(self), newDocument(e.envelope(self, data, items, links...), string(self)))
	return d.(document), nil
}

// link is a member of an answer's links. href begins with the path.
type link struct{ rel, href string }

// envelope returns {"data":…,"meta":{…},"links":{"self":…}}. items is the length
// of a list, which is whole, so that it has no next; -1 for what is no list.
func (e *edition) envelope(self, data []byte, items int, links ...link) []byte {
	var meta []byte
	if items >= 0 {
		meta = appendCounts(nil, items, items, items)
		links = append([]link{{"next", ""}}, links...)
	}
	return e.enclose(self, data, meta, links)
}

// enclose returns data with meta, whose members begin with a comma each, and links,
// of which one without an address leads nowhere.
func (e *edition) enclose(self, data, meta []byte, links []link) []byte {
	b := make([]byte, 0, len(data)+len(meta)+512)
	b = append(append(b, `{"data":`...), data...)
	b = append(append(append(append(b, ','), e.meta...), meta...), e.tail...)
	b = append(append(append(append(b, `,"links":{"self":"`...), e.base...), self...), '"')
	for _, l := range links {
		b = append(append(append(b, `,"`...), l.rel...), `":`...)
		if l.href == "" {
			b = append(b, `null`...)
			continue
		}
		b = append(append(append(append(b, '"'), e.base...), l.href...), '"')
	}
	return append(b, `}}`...)
}

func appendCounts(b []byte, total, limit, returned int) []byte {
	b = strconv.AppendInt(append(b, `,"total":`...), int64(total), 10)
	b = strconv.AppendInt(append(b, `,"limit":`...), int64(limit), 10)
	return strconv.AppendInt(append(b, `,"returned":`...), int64(returned), 10)
}

// appendETag appends the strong ETag of the answer in coding c that identity names: its
// canonical address and whatever else it depends on.
func (e *edition) appendETag(dst, identity []byte, c coding.Coding) []byte {
	// FNV-1a. It keeps addresses apart that share a release; the release itself is
	// held apart by the seed.
	sum := uint64(14695981039346656037)
	for _, c := range identity {
		sum = (sum ^ uint64(c)) * 1099511628211
	}
	const digits = "0123456789abcdef"
	dst = append(append(append(dst, '"'), e.seed...), '-')
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[sum>>shift&15])
	}
	return append(append(dst, c.Suffix()...), '"')
}

// atLeast is the size of an answer that is not worth counting: it is encoded.
const atLeast = coding.Small

// current writes the headers of an answer out of edition e and reports whether
// the client has it already; then the answer is complete. identity as in
// appendETag, size in bytes as in negotiate.
func (r *request) current(e *edition, identity []byte, size int) bool {
	r.negotiate(size)
	var buf [64]byte
	etag := e.appendETag(buf[:0], identity, r.coding)
	hd := &r.ctx.Response.Header
	hd.SetCanonical(headerCacheControl, valueCacheRelease)
	hd.SetCanonical(headerLastModified, e.modified)
	hd.SetCanonical(headerRelease, e.sequence)
	r.stamp(etag)
	return r.notModified(etag, e.published)
}

// negotiate chooses the coding of an answer of about size bytes. The same size must come of
// the same request everywhere, for the choice decides the ETag.
func (r *request) negotiate(size int) {
	if fields := r.ctx.Request.Header.PeekAll(fasthttp.HeaderAcceptEncoding); len(fields) > 0 {
		r.coding = coding.Accept(fields).For(size, coding.All...)
	}
}

// stamp writes the headers that every answer has, whatever it is made of.
func (r *request) stamp(etag []byte) {
	hd := &r.ctx.Response.Header
	setShared(hd)
	hd.SetCanonical(headerETag, etag)
	hd.SetCanonical(headerVary, valueVary)
}

// notModified answers 304 when the request's conditions say that the client has
// what etag names (RFC 9110, section 13). A zero modified means that the time is
// not known.
func (r *request) notModified(etag []byte, modified time.Time) bool {
	hd := &r.ctx.Request.Header
	if tags := hd.PeekAll(fasthttp.HeaderIfNoneMatch); len(tags) > 0 {
		if !slices.ContainsFunc(tags, func(list []byte) bool { return matches(list, etag) }) {
			return false
		}
	} else {
		since := hd.Peek(fasthttp.HeaderIfModifiedSince)
		if len(since) == 0 || modified.IsZero() {
			return false
		}
		t, err := fasthttp.ParseHTTPDate(since)
		if err != nil || modified.After(t) {
			return false
		}
	}
	r.ctx.SetStatusCode(fasthttp.StatusNotModified)
	return true
}

// matches reports whether the value of an If-None-Match field names etag, by weak
// comparison. What follows a fault in the list does not count.
func matches(list, etag []byte) bool {
	for {
		list = bytes.TrimLeft(list, " \t,")
		if len(list) > 0 && list[0] == '*' {
			return len(bytes.TrimLeft(list[1:], " \t")) == 0
		}
		list = bytes.TrimPrefix(list, []byte("W/"))
		if len(list) == 0 || list[0] != '"' {
			return false
		}
		end := bytes.IndexByte(list[1:], '"')
		if end < 0 {
			return false
		}
		if bytes.Equal(list[:end+2], etag) {
			return true
		}
		list = list[end+2:]
	}
}

// linkHeader writes the Link field (RFC 8288) with self and, unless nil, next.
func (r *request) linkHeader(e *edition, self, next []byte) {
	var buf [512]byte
	b := append(append(append(append(buf[:0], '<'), e.base...), self...), `>; rel="self"`...)
	if next != nil {
		b = append(append(append(append(b, `, <`...), e.base...), next...), `>; rel="next"`...)
	}
	r.ctx.Response.Header.SetCanonical(headerLink, b)
}

// body returns the answer's own buffer, empty, with room for exactly size bytes:
// fasthttp's pool throws away what has grown beyond the sizes it is used to. The
// buffer must go back by send.
func (r *request) body(size int) []byte {
	b := r.ctx.Response.SwapBody(nil)
	if cap(b) < size {
		return make([]byte, 0, size)
	}
	return b[:0]
}

// maxSpare bounds the buffers that spare keeps, in bytes.
const maxSpare = 1 << 20

// spare holds buffers of answers that were encoded into others.
var spare sync.Pool // of *[]byte

func (r *request) send(b []byte) {
	if r.coding != coding.Identity {
		coded, ok := spare.Get().(*[]byte)
		if !ok {
			coded = new([]byte)
		}
		plain := b
		b = coding.Append((*coded)[:0], plain, r.coding)
		if *coded = plain; cap(plain) <= maxSpare {
			spare.Put(coded)
		}
	}
	r.ctx.Response.SwapBody(b)
	r.describeBody()
}

// sendRaw sends bytes that are shared and never change; as they are without a copy.
func (r *request) sendRaw(b []byte) {
	if r.coding != coding.Identity {
		r.ctx.Response.SwapBody(coding.Append(r.body(len(b)/2), b, r.coding))
	} else {
		r.ctx.Response.SetBodyRaw(b)
	}
	r.describeBody()
}

// sendDocument sends what is encoded once.
func (r *request) sendDocument(d document) {
	r.ctx.Response.SetBodyRaw(d.body.In(r.coding))
	r.describeBody()
}

func (r *request) describeBody() {
	hd := &r.ctx.Response.Header
	hd.SetContentType(r.op.Produces)
	if r.coding != coding.Identity {
		hd.SetCanonical(headerContentEncoding, []byte(r.coding.String()))
	}
}

// raw answers with bytes that hash names. m is the release they belong to, nil for
// what several releases may share.
func (r *request) raw(b []byte, hash catalog.Hash, cacheControl string, m *catalog.Manifest) {
	if r.op.Produces != typeZstd { // encoded already
		r.negotiate(len(b))
	}
	hd := &r.ctx.Response.Header
	hd.Set(fasthttp.HeaderCacheControl, cacheControl)
	var modified time.Time
	if m != nil {
		modified = m.PublishedAt.Truncate(time.Second)
		hd.SetLastModified(modified)
		hd.SetCanonical(headerRelease, strconv.AppendInt(nil, m.Sequence, 10))
	}
	etag := []byte(`"` + string(hash) + r.coding.Suffix() + `"`)
	r.stamp(etag)
	if r.notModified(etag, modified) {
		return
	}
	if r.op.ranged {
		hd.Set(fasthttp.HeaderAcceptRanges, "bytes")
		whole := span{0, int64(len(b))}
		// What lies outside, or is not understood, is the whole: it is named by its hash.
		if part, ok := partOf(r.ctx.Request.Header.PeekAll(fasthttp.HeaderRange), whole.to); ok && part != whole && r.ctx.IsGet() && r.sameFile(etag) {
			hd.Set(fasthttp.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", part.from, part.to-1, whole.to))
			r.ctx.SetStatusCode(fasthttp.StatusPartialContent)
			b = b[part.from:part.to]
		}
	}
	r.sendRaw(b)
}
