package kiosk

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/catalog/qr"
	"luoshu/catalog/snapshot"
	"luoshu/static"
)

//go:embed templates texts places.csv
var files embed.FS

// Reader gives the release that is shown.
type Reader interface {
	// Current returns the newest release, or nil while there is none.
	Current() *snapshot.Snapshot
}

// Config says what the pages show and where they stand.
type Config struct {
	Reader Reader
	// BaseURL returns the absolute address that the codes of a release begin with,
	// such as https://luoshu.example. Where a phone could reach none it returns ""
	// and, for visitors, the reason. It is called once a request and must not wait.
	// nil takes the release's own public address.
	BaseURL func(m *catalog.Manifest) (base string, reason catalog.Text)
	// Terminal names the terminal this node drives, as it stands in codes: a letter
	// and up to four digits, such as K3. Empty off a terminal.
	Terminal string
	// Panel is the screen, as catalog.ParsePanel reads it. It overrules what the
	// release's profile says of Terminal; where neither does, a terminal has the usual
	// one, and a page off a terminal is sized like any web page.
	Panel string
	// Offline reports whether the source of the releases does not answer, so that what
	// is shown may not be the newest. A terminal says so. It is called once a request and
	// must not wait. nil is never.
	Offline func() bool
	// Counter takes note of what is looked at; nil counts nothing.
	Counter Counter
	// Network names the network that a request comes from, for Counter alone. nil is the
	// same for all.
	Network func(*fasthttp.RequestCtx) string
	// Preview says on every page that nothing of it is published.
	Preview bool
	// Printed bounds the entries of one print, up to MostPrinted; 0 is what a node that
	// prints for anybody bears.
	Printed int
	// Logger takes what went wrong; nil discards it.
	Logger *slog.Logger
}

// Counter takes note of what people look at, and of nobody who does. Its methods must not
// wait.
type Counter interface {
	// Scanned counts a code that led here, by where it stands: a terminal or edition that
	// the release knows, such as K3 or P2, else elsewhere, and "" where it does not say.
	Scanned(id catalog.ID, placement string)
	// Viewed counts a record that was opened.
	Viewed(id catalog.ID)
	// Missed takes note of a search that found nothing, made at a terminal, or in a network
	// as Config.Network names it. It keeps neither.
	Missed(term, place string)
}

// Handler serves the pages. It is safe for concurrent use.
type Handler struct {
	reader   Reader
	baseURL  func(*catalog.Manifest) (string, catalog.Text)
	terminal string
	panel    catalog.Panel // zero where none was given
	offline  func() bool
	preview  bool
	counter  Counter // nil counts nothing
	network  func(*fasthttp.RequestCtx) string
	standing kept[map[string]bool]
	// codes are those on screens, printedCodes those on paper: a long print leaves the
	// former alone.
	codes, printedCodes qr.Cache
	press               *press
	mostPrinted         int
	log                 *slog.Logger
	templates           *template.Template
	texts               map[string]texts // by language
	// landing is the style sheet of the phone page, which stands inside the page;
	// landingPolicy allows it by its hash and nothing else.
	landing       template.CSS
	landingPolicy string
	measures      kept[[]aid]
	orders        map[catalog.Dataset]*kept[order]
	readings      kept[map[string][]reading]
	carriers      kept[[]carrier]
	markets       kept[[]market]
	diary         kept[[]happening]
	industryMap   kept[[]industry]
	// build changes whenever the same release could give other bytes.
	build string
}

// New parses the templates and texts. The error wraps catalog.ErrInvalid when cfg
// lacks a reader or names an impossible terminal.
func New(cfg Config) (*Handler, error) {
	h := &Handler{reader: cfg.Reader, baseURL: cfg.BaseURL, terminal: cfg.Terminal, offline: cfg.Offline, counter: cfg.Counter, network: cfg.Network, preview: cfg.Preview, log: cfg.Logger, press: newPress(), mostPrinted: min(cmp.Or(cfg.Printed, mostServed), MostPrinted), orders: map[catalog.Dataset]*kept[order]{}}
	for info := range catalog.Datasets() {
		h.orders[info.Name] = new(kept[order])
	}
	var faults []error
	if cfg.Reader == nil {
		faults = append(faults, fmt.Errorf("no reader: %w", catalog.ErrInvalid))
	}
	if cfg.Terminal != "" && !qr.ValidPlacement(cfg.Terminal) {
		faults = append(faults, fmt.Errorf("terminal %q is not a letter and up to four digits: %w", cfg.Terminal, catalog.ErrInvalid))
	}
	if cfg.Panel != "" {
		var err error
		if h.panel, err = catalog.ParsePanel(cfg.Panel); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	if h.baseURL == nil {
		h.baseURL = func(m *catalog.Manifest) (string, catalog.Text) { return m.PublicURL, catalog.Text{} }
	}
	if h.offline == nil {
		h.offline = func() bool { return false }
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if err := h.parse(); err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	return h, nil
}

func (h *Handler) parse() (err error) {
	if h.texts, err = loadTexts(files); err != nil {
		return err
	}
	h.templates, err = template.New("").
		Funcs(template.FuncMap{"asset": static.URL}).
		ParseFS(files, "templates/*.html")
	if err != nil {
		return err
	}
	css, err := files.ReadFile("templates/landing.css")
	if err != nil {
		return err
	}
	h.landing = template.CSS(css) //nolint:gosec // G203: a file of this package, not input
	sum := sha256.Sum256(css)
	h.landingPolicy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	h.build, err = buildHash()
	return err
}

// buildHash names this program as far as its pages go: what is embedded here, the
// files that they load, and the revision of the code.
func buildHash() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(name)
		fmt.Fprintf(sum, "%s %d\n%s", name, len(b), b)
		return err
	})
	fmt.Fprintln(sum, static.Version(), panelVersion)
	if info, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintln(sum, info)
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}

// Routes adds the pages to r.
func (h *Handler) Routes(r fiber.Router) {
	r.Get("/", h.handle(h.home))
	r.Get("/attract", h.handle(h.attract))
	r.Get("/panel/:panel", h.panelCSS)
	r.Get("/contents", h.handle(h.contents))
	r.Get("/about", h.handle(h.about))
	r.Get("/search", h.handle(h.search))
	r.Get(supportPath, h.handle(h.support))
	r.Get("/join", h.handle(h.join))
	for d := range finders {
		r.Get(finderPath(d), h.handle(h.find(d)))
	}
	r.Get(agendaPath, h.handle(h.agenda))
	r.Get("/take", h.handle(h.take))
	r.Get("/q", h.handle(h.enter))
	r.Get("/q/", h.handle(h.enter))
	h.printRoutes(r)
	r.Get("/q/list/:id", h.handle(h.listCode))
	r.Get("/q/list/:id"+contactFile, h.handle(h.contactsOf))
	r.Get("/places", h.handle(h.places))
	r.Get("/places/:id", h.handle(h.district))
	r.Get("/fields", h.handle(h.fields))
	r.Get("/industries", h.handle(h.industries))
	r.Get("/readiness", h.handle(h.readiness))
	r.Get("/dual-use", h.handle(h.dualUse))
	r.Get("/markets", h.handle(h.marketTree))
	r.Get("/markets/:id", h.handle(h.market))
	r.Get("/bases", h.handle(h.bases))
	r.Get("/indicators", h.handle(h.indicators)) // before the list of every dataset
	r.Get("/q/:id", h.handle(h.code))
	r.Get("/q/:id/", h.handle(h.code)) // some readers of codes add a slash
	r.Get("/q/:id"+contactFile, h.handle(h.contactOf))
	r.Get("/q/:id"+calendarFile, h.handle(h.calendarOf))
	for info := range catalog.Datasets() {
		r.Get("/"+string(info.Name), h.handle(h.list(info)))
		r.Get("/"+string(info.Name)+"/:id", h.handle(h.detail(info)))
	}
}

// answer is a page that can be made.
type answer struct {
	template string
	status   int    // 0 is 200
	location string // where to go instead of a page
	// data is called only when the browser does not already have the page.
	data func() (any, error)
	// file stands in the place of a page.
	file *file
	// press says that the page is a print.
	press bool
}

// handle takes the snapshot once, asks fn for the answer and sends it.
func (h *Handler) handle(fn func(*request) (answer, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		rq := h.newRequest(c)
		// Only here: without a route, as in an error handler, Params would panic.
		rq.param = string([]byte(c.Params("id")))
		rq.own = rq.param == "" || codeForm.MatchString(rq.param)
		if rq.snap == nil {
			if rq.phone = strings.HasPrefix(rq.path, "/q/"); rq.phone {
				rq.view = view{lang: rq.view.lang}
			}
			return h.fail(c, rq, catalog.ErrNoRelease)
		}
		a, err := fn(rq)
		if err != nil {
			return h.fail(c, rq, err)
		}
		return h.send(c, rq, a)
	}
}

func (h *Handler) send(c *fiber.Ctx, rq *request, a answer) error {
	policy := cmp.Or(rq.policy, pagePolicy)
	if rq.phone {
		policy = h.landingPolicy
	}
	secure(c, policy)
	if rq.phone {
		c.Set(fiber.HeaderVary, fiber.HeaderAccept)
	}
	if a.location != "" {
		c.Set(fiber.HeaderCacheControl, "no-store")
		return c.Redirect(a.location)
	}
	cacheControl, tag := "no-store", ""
	if a.status == 0 {
		a.status = fiber.StatusOK
		// Kept, but asked for again: a new release shows at the next touch.
		cacheControl, tag = "public, no-cache", rq.tag()
		if h.terminal != "" && !rq.phone {
			// The next visitor must not come upon it by going back.
			cacheControl, tag = "no-store", ""
		}
	}
	if tag != "" {
		if static.TagMatches(c.Get(fiber.HeaderIfNoneMatch), tag) {
			c.Set(fiber.HeaderCacheControl, cacheControl)
			c.Set(fiber.HeaderETag, tag)
			return c.SendStatus(fiber.StatusNotModified)
		}
	}
	if a.file != nil {
		return h.sendFile(c, rq, a, cacheControl, tag)
	}
	var b []byte
	var err error
	if a.press {
		b, err = h.press.page(rq, func() ([]byte, error) { return h.render(a) })
	} else {
		b, err = h.render(a)
	}
	if err != nil {
		if a.status >= fiber.StatusInternalServerError {
			// The error page itself is broken: nothing is left to try.
			h.log.LogAttrs(context.Background(), slog.LevelError, "error page failed", slog.String("error", err.Error()))
			return c.SendStatus(a.status)
		}
		return h.fail(c, rq, fmt.Errorf("render %s: %w", a.template, err))
	}
	c.Set(fiber.HeaderCacheControl, cacheControl)
	if tag != "" {
		c.Set(fiber.HeaderETag, tag)
	}
	c.Set(fiber.HeaderContentLanguage, rq.view.language())
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(a.status).Send(b)
}

func (h *Handler) render(a answer) ([]byte, error) {
	var b bytes.Buffer
	data, err := a.data()
	if err == nil {
		err = h.templates.ExecuteTemplate(&b, a.template, data)
	}
	return b.Bytes(), err
}

func (h *Handler) sendFile(c *fiber.Ctx, rq *request, a answer, cacheControl, tag string) error {
	b, err := a.file.body()
	if err != nil {
		rq.form = ""
		return h.fail(c, rq, err)
	}
	if a.file.open {
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	if a.file.name != "" {
		c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+a.file.name+`"`)
	}
	c.Set(fiber.HeaderCacheControl, cacheControl)
	if tag != "" {
		c.Set(fiber.HeaderETag, tag)
	}
	c.Set(fiber.HeaderContentType, a.file.kind)
	return c.Status(a.status).Send(b)
}

// pagePolicy is the content security policy of every page but the phone's.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

func secure(c *fiber.Ctx, policy string) {
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderPermissionsPolicy, "camera=(), microphone=(), geolocation=(), usb=(), payment=(), clipboard-read=()")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// request is one request: the snapshot it is answered from and what the visitor
// chose.
type request struct {
	h    *Handler
	snap *snapshot.Snapshot
	view view
	// panel is the screen, if one is declared.
	panel    catalog.Panel
	declared bool
	// path and param are copied: the server reuses the memory behind them.
	path, param string
	// own marks a path of these pages that may stand in a link; phone the page a
	// phone lands on, which has a form of its own.
	own, phone bool
	page       int // of a list, from 1
	// accept is what the client would rather have, form what it gets where that is no page.
	accept, form string
	// counts says that somebody asks to see this: not a machine that only asks whether it
	// is there. place returns where.
	counts bool
	place  func() string
	// args are all parameters, query what is searched for, and state what this page
	// depends on besides view and page, as parameters. list tells the list of a dataset
	// from a search.
	args  url.Values
	query query
	state string
	list  bool
	// origin is where a visitor came from, as it stands in the address, and back the way
	// there; listPage is the page of the record's list.
	origin   string
	back     trail
	listPage int
	base     string
	noBase   catalog.Text // why base is empty
	policy   string       // content security policy, where it is not that of every page
}

func (h *Handler) newRequest(c *fiber.Ctx) *request {
	rq := &request{
		h: h, snap: h.reader.Current(), page: 1,
		path: string([]byte(c.Path())),
		view: view{
			lang:     map[bool]string{true: "en", false: "zh"}[c.Query("lang") == "en"],
			large:    c.Query("type") == "large",
			contrast: c.Query("contrast") == "high",
			low:      c.Query("reach") == "low",
		},
	}
	rq.args = values(c)
	rq.accept = string(bytes.Join(c.Request().Header.PeekAll(fiber.HeaderAccept), []byte(",")))
	rq.counts = h.counter != nil && !h.preview && c.Method() == fiber.MethodGet
	rq.place = func() string {
		if h.terminal != "" || h.network == nil {
			return h.terminal
		}
		return h.network(c.Context())
	}
	rq.page = pageNumber(c.Query("page"))
	if rq.snap != nil {
		rq.base, rq.noBase = h.baseURL(rq.snap.Manifest())
		rq.view.take = readTaken(rq.snap, rq.args.Get("take"))
	}
	rq.panel, rq.declared = h.panelOf(rq.snap)
	rq.view.low = rq.view.low && rq.lowers()
	return rq
}

// pageNumber reads the number of a page; what is none is the first.
func pageNumber(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n > 1 && n <= maxPage {
		return n
	}
	return 1
}

// tag returns the strong entity tag of the page, known before it is rendered: a
// release never changes, and everything else the page depends on is named here.
func (rq *request) tag() string {
	sum := sha256.New()
	for _, s := range []string{
		string(rq.snap.Hash()), rq.h.build, rq.h.terminal, rq.h.panel.String(), strconv.FormatBool(rq.h.preview), rq.base, rq.noBase.ZH, rq.noBase.EN,
		rq.path, rq.view.query(rq.page), rq.state, rq.form,
	} {
		fmt.Fprintf(sum, "%d %s\n", len(s), s)
	}
	return strconv.Quote(hex.EncodeToString(sum.Sum(nil)[:12]))
}

// elsewhere is where codes stand that name a place which no release knows: anybody can
// write one.
const elsewhere = "other"

// scanned counts that a code led here. The switch of the language on its page does not.
func (rq *request) scanned(id catalog.ID, placement string) {
	if !rq.counts || rq.args.Has("lang") || !rq.knows(id) {
		return
	}
	known, err := rq.h.standing.of(rq, knownPlacements)
	if err != nil {
		rq.h.log.Error("places of codes are not known", slog.String("error", err.Error()))
	}
	if placement != "" && placement != rq.h.terminal && !known[placement] {
		placement = elsewhere
	}
	rq.h.counter.Scanned(id, placement)
}

// knownPlacements returns where codes of the release stand: at terminals, in editions, and
// in prints that are none.
func knownPlacements(rq *request) (map[string]bool, error) {
	known := map[string]bool{catalog.Unnumbered: true}
	for _, t := range rq.snap.Manifest().Terminals {
		known[t.ID] = true
	}
	for e := range rq.snap.All(catalog.Catalogs) {
		edition, err := decoded[*catalog.Edition](e)
		if err != nil {
			return known, err
		}
		for _, p := range placements(edition) {
			known[p] = known[p] || paper(p) && qr.ValidPlacement(p)
		}
	}
	return known, nil
}

// viewed counts that a record was opened, once for all its parts.
func (rq *request) viewed(id catalog.ID) {
	if rq.counts && !rq.args.Has("part") && !rq.args.Has("at") {
		rq.h.counter.Viewed(id)
	}
}

// missed takes note of a search that found nothing.
func (rq *request) missed(term string) {
	if rq.counts && term != "" {
		rq.h.counter.Missed(term, rq.place())
	}
}
