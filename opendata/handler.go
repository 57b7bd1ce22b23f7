package opendata

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/catalog/qr"
	"luoshu/catalog/snapshot"
)

// root is where the API begins; its major version is part of every address.
const root = "/api/v1"

// Reader gives the releases to answer from.
type Reader interface {
	// Current returns the current release, nil while there is none.
	Current() *snapshot.Snapshot
	// At returns a release that is still kept. The error wraps
	// catalog.ErrNotFound for any other sequence number.
	At(seq int64) (*snapshot.Snapshot, error)
}

// Archive gives what a mirror copies, byte for byte. Errors wrap
// catalog.ErrNotFound when there is no such thing. Nobody changes the bytes it
// returns, here or there: they are sent without a copy.
type Archive interface {
	// Releases returns the manifests of the releases that are kept, in any order.
	Releases() []*catalog.Manifest
	ManifestBytes(hash catalog.Hash) ([]byte, error)
	// SignatureBytes returns the minisign signature of a manifest.
	SignatureBytes(hash catalog.Hash) ([]byte, error)
	ObjectBytes(hash catalog.Hash) ([]byte, error)
}

// Config is what a Handler needs. Reader and Archive are required.
type Config struct {
	Reader  Reader
	Archive Archive
	// BaseURL begins every link, such as https://luoshu.example. When it is empty
	// the catalog's own address does, and where that is missing links begin with the
	// path. The Host header never decides.
	BaseURL string
	// Preview says that what is shown is not published: nobody shall index it.
	Preview bool
	// Exporter makes the files for bulk download. Without it (nil) there are none, and
	// changes are kept in memory.
	Exporter *Exporter
	// Limiter holds clients to limits; nil lets everybody ask for as much as they like.
	Limiter *Limiter
	// Logger gets what clients must not see, with the request id; nil discards it.
	Logger *slog.Logger
}

// Handler answers the API's requests. It is safe for concurrent use.
type Handler struct {
	reader  Reader
	archive Archive
	base    string
	preview bool
	log     *slog.Logger
	exports *Exporter
	limiter *Limiter
	gates   [classes]*gate
	service *service
	codes   qr.Cache
	// listed are the datasets whose records can be had one by one.
	listed map[catalog.Dataset]bool
	// latest is the edition of the release last answered from, which nearly
	// always is the current one.
	latest atomic.Pointer[edition]
	// earlier is that of the earlier release last answered from.
	earlier atomic.Pointer[edition]
	// pages holds the pages for people as they were last, by path and language.
	pages sync.Map
	// requests holds *request for reuse.
	requests sync.Pool
}

// New returns a Handler, or every fault of c.
func New(c Config) (*Handler, error) {
	var faults []error
	if c.Reader == nil {
		faults = append(faults, errors.New("opendata: no Reader"))
	}
	if c.Archive == nil {
		faults = append(faults, errors.New("opendata: no Archive"))
	}
	base := c.BaseURL
	if base != "" {
		var err error
		if base, err = catalog.ParseBaseURL(base); err != nil {
			faults = append(faults, fmt.Errorf("opendata: BaseURL %q is %w", c.BaseURL, err))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	h := &Handler{
		reader: c.Reader, archive: c.Archive, base: base, preview: c.Preview, log: c.Logger,
		exports: c.Exporter, limiter: c.Limiter, gates: newGates(), service: newService(), listed: listedDatasets(),
		requests: sync.Pool{New: func() any { return new(request) }},
	}
	if h.exports == nil {
		h.exports = noExporter()
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h, nil
}

// origin begins the links of an answer from m: the configured address, else the
// catalog's own, else nothing, so that links begin with the path. m may be nil.
func (h *Handler) origin(m *catalog.Manifest) string {
	if h.base == "" && m != nil {
		return m.PublicURL
	}
	return h.base
}

// originNow is origin for answers that belong to no edition.
func (h *Handler) originNow() string {
	if s := h.reader.Current(); s != nil {
		return h.origin(s.Manifest())
	}
	return h.base
}

// Routes registers every operation for GET, HEAD and OPTIONS, the contract and the
// pages about it. The server must not be limited to GET, and matches paths strictly
// and case-sensitively.
func (h *Handler) Routes(r fiber.Router) {
	h.pageRoutes(r)
	pattern := strings.NewReplacer("{", ":", "}", "")
	for i := range operations {
		op := &operations[i]
		path := pattern.Replace(op.Path)
		r.Get(path, h.handle(op))
		r.Options(path, preflight)
	}
}

func (h *Handler) handle(op *Operation) fiber.Handler {
	meter := h.service.of(op)
	return func(c *fiber.Ctx) error {
		err := h.respond(c, op)
		meter.observe(time.Since(c.Context().Time()), c.Context().Response.StatusCode())
		return err
	}
}

func (h *Handler) respond(c *fiber.Ctx, op *Operation) error {
	r := h.requests.Get().(*request)
	*r = request{c: c, ctx: c.Context(), op: op, limit: op.limit}
	defer h.requests.Put(r)
	err := h.within(r)
	if err == nil {
		return nil
	}
	if r.edition != nil {
		r.ctx.Response.Header.SetCanonical(headerRelease, r.edition.sequence)
	}
	return h.Problem(c, err)
}

func (h *Handler) answer(r *request) error {
	// Taken once: whatever is published meanwhile, the answer is of one release.
	if r.snap = h.reader.Current(); r.snap == nil {
		return catalog.ErrNoRelease
	}
	r.edition = h.edition(r.snap)
	if err := r.parse(); err != nil {
		return err
	}
	return r.op.serve(h, r)
}

// edition returns what answers from the current release s share.
func (h *Handler) edition(s *snapshot.Snapshot) *edition {
	if e := h.latest.Load(); e != nil && e.hash == s.Hash() {
		return e
	}
	e := newEdition(h.origin(s.Manifest()), s)
	h.latest.Store(e)
	return e
}

// preflight answers OPTIONS, a browser's question before a cross-origin request
// as well.
func preflight(c *fiber.Ctx) error {
	hd := &c.Context().Response.Header
	setShared(hd)
	hd.Set(fasthttp.HeaderAllow, allowed)
	hd.Set(fasthttp.HeaderAccessControlAllowMethods, allowed)
	hd.Set(fasthttp.HeaderAccessControlAllowHeaders, "Authorization, If-Modified-Since, If-None-Match, If-Range, Range")
	hd.Set(fasthttp.HeaderAccessControlMaxAge, "86400")
	c.Context().SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
