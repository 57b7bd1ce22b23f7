package kiosk

import (
	"errors"
	"html/template"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

// page is what every template gets: the frame around the content.
type page struct {
	rq *request
	texts
	view
	Title text
	// Path is the page's own address without query, Parent that of 返回: empty at
	// the start. ParentPage is the page of the list to go back to,
	// parentState what else of its address.
	Path, Parent string
	ParentPage   int
	parentState  string
	// trail tells a record that this page leads to the way back; empty where that is the
	// record's list.
	trail string
	// Release is nil on a node without one.
	Release *catalog.Manifest
	// Preview says so on a page of what is not published.
	Preview bool
	// Place is where the screen stands, nil off a terminal. Panel is the address of
	// the style sheet of the declared panel, empty where none is.
	Place *place
	Panel string
	// Offline says on a terminal that the source does not answer.
	Offline bool
}

// newPage returns the frame of a page whose way back leads to parent.
func (rq *request) newPage(title text, parent string) *page {
	p := &page{rq: rq, texts: rq.h.texts[rq.view.lang], view: rq.view, Title: title, Path: rq.path, Parent: parent, Preview: rq.h.preview}
	p.ParentPage = rq.listPage
	if rq.back.path != "" {
		p.Parent, p.ParentPage, p.parentState = rq.back.path, rq.back.page, rq.back.state
	}
	if rq.snap != nil {
		p.Release = rq.snap.Manifest()
	}
	p.Place = p.place()
	p.Offline = p.Place != nil && rq.h.offline()
	if rq.declared {
		p.Panel = panelURL(rq.panel)
	}
	return p
}

// Language is the language tag of the page.
func (p *page) Language() string { return p.language() }

// Classes name the screen and the visitor's choices for the style sheet.
func (p *page) Classes() string {
	var classes []string
	for _, c := range []struct {
		on   bool
		name string
	}{{p.Place != nil, "terminal"}, {p.rq.small(), "small"}, {p.large, "large"}, {p.contrast, "contrast"}, {p.low, "low"}} {
		if c.on {
			classes = append(classes, c.name)
		}
	}
	return strings.Join(classes, " ")
}

// IdleAfter is after how many seconds without a touch a terminal asks whether somebody
// is still there.
func (p *page) IdleAfter() int {
	if p.large {
		return 120
	}
	return 60
}

// River is the square as one drawing.
func (*page) River() []mark { return whole }

// Low reports whether the controls were brought within reach.
func (p *page) Low() bool { return p.low }

// Long reports whether s takes more than n full-width characters, so that a title is
// set smaller rather than broken often. Two Latin letters count as one.
func (p *page) Long(s string, n int) bool {
	width := 0
	for _, r := range s {
		width++
		if r >= 0x1100 {
			width++
		}
	}
	return width > 2*n
}

// In returns t in the page's language.
func (p *page) In(t catalog.Text) text { return p.in(t) }

// Href returns the link to path that keeps the visitor's choices.
func (p *page) Href(path string) string { return path + p.query(1) }

// record returns the link to a record.
func (p *page) record(d catalog.Dataset, id catalog.ID) string {
	return "/" + string(d) + "/" + string(id) + join(p.query(1), p.trail)
}

// Rel returns how the page that a link leads to stands to this one. Pages of a search are
// without number, and no crawler needs them.
func (p *page) Rel(to string) string {
	if p.rq.query.text != "" || p.rq.query.narrow() || p.Path == "/search" {
		return to + " nofollow"
	}
	return to
}

// HrefPage returns the link to page n of the list at path.
func (p *page) HrefPage(path string, n int) string { return path + p.query(n) }

// Date returns d as people write it.
func (p *page) Date(d catalog.Date) string { return formatDate(d, p.lang) }

// Number returns n with its thousands set apart.
func (p *page) Number(n int) string { return formatNumber(float64(n)) }

// Dial returns the address that calls a telephone number (RFC 3966).
func (p *page) Dial(number string) template.URL {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, number)
	return template.URL("tel:" + digits) //nolint:gosec // G203: digits alone
}

// control is one of the controls at the foot of every page.
type control struct {
	Text string
	Lang string // language tag of Text, where it is not the page's
	Href string // empty: of no use on this page, but its place is kept
	On   bool
	Here bool
	Name string
}

// Controls returns the controls in their order.
func (p *page) Controls() ([]control, error) {
	home := control{Name: "home", Here: p.rq.path == "/", Href: p.Href("/")}
	back := control{Name: "back"}
	if p.Parent != "" {
		back.Href = p.Parent + join(p.query(p.ParentPage), p.parentState)
	}
	set := func(name string, on bool, change func(*view)) control {
		v := p.view
		change(&v)
		return control{Name: name, On: on, Href: p.Path + join(v.query(p.rq.page), p.rq.state)}
	}
	all := []control{
		home, back,
		set("large", p.large, func(v *view) { v.large = !v.large }),
		set("contrast", p.contrast, func(v *view) { v.contrast = !v.contrast }),
		set("language", false, func(v *view) { v.lang = map[string]string{"zh": "en", "en": "zh"}[v.lang] }),
	}
	if p.rq.lowers() {
		all = slices.Insert(all, len(all)-1, set("low", p.low, func(v *view) { v.low = !v.low }))
	}
	for i := range all {
		key := "bar." + all[i].Name
		if all[i].On {
			key += ".on"
		}
		s, err := p.T(key)
		if err != nil {
			return nil, err
		}
		all[i].Text = s
	}
	all[len(all)-1].Lang = languageTag(map[string]string{"zh": "en", "en": "zh"}[p.lang])
	if n := len(p.take); n > 0 {
		s, err := p.T("bar.take", n)
		if err != nil {
			return nil, err
		}
		c := control{Name: "take", Text: s, Here: p.Path == "/take", Href: "/take" + join(p.query(1), p.trail)}
		if c.Here {
			c.Href = p.Path + join(p.query(1), p.rq.state)
		}
		all = append(all, c)
	}
	if p.Place != nil {
		end, err := p.T("bar.end")
		if err != nil {
			return nil, err
		}
		all = append(all, control{Name: "end", Text: end, Href: "/attract"})
	}
	return all, nil
}

// scan is a code to scan, with what stands beneath it; without a Path it is the
// reason why there is none.
type scan struct {
	Path   string
	Size   int // modules on a side
	Pixels int // of the drawing, a whole multiple of Size
	Code   string
	Reason text
}

// webCode is the size of a code where no panel is declared, in pixels.
const webCode = 190

// codePixels is how many pixels a code may take on a side.
func (p *page) codePixels() int {
	if rq := p.rq; rq.declared {
		return int(codeSize * near(rq.panel) * rq.panel.Millimeter())
	}
	return webCode
}

// scan returns the code of record id.
func (p *page) scan(id catalog.ID) scan {
	return p.drawn(p.codePixels(), string(id), func() (string, error) { return qr.Payload(p.rq.base, id, p.rq.h.terminal) })
}

// drawn returns the code of what payload returns, of at most pixels on a side, with code
// beneath it.
func (p *page) drawn(pixels int, code string, payload func() (string, error)) scan {
	s := scan{Code: code}
	if p.rq.base == "" {
		if s.Reason = p.in(p.rq.noBase); s.Reason.S == "" {
			s.Reason = text{S: p.texts["code.none"]}
		}
		return s
	}
	held, err := payload()
	if err == nil {
		err = s.draw(&p.rq.h.codes, held, pixels)
	}
	if err != nil {
		p.rq.h.log.Error("code not drawn", slog.String("path", p.Path), slog.String("error", err.Error()))
		s.Reason = text{S: p.texts["code.none"]}
	}
	return s
}

func (s *scan) draw(codes *qr.Cache, payload string, pixels int) error {
	c, err := codes.New(payload, qr.Screen)
	if err != nil {
		return err
	}
	s.Path, s.Size = c.Path(), c.Size()
	s.Pixels = max(2, pixels/c.Size()) * c.Size()
	return nil
}

// failures says which page answers which error: the first match counts. Its texts
// are fail.NAME.title and fail.NAME.text.
var failures = []struct {
	err    error
	status int
	name   string
}{
	{errPrintQuery, fiber.StatusBadRequest, "print.query"},
	{errPrintMany, fiber.StatusBadRequest, "print.many"},
	{errPrintServed, fiber.StatusBadRequest, "print.served"},
	{errPrintBusy, fiber.StatusServiceUnavailable, "print.busy"},
	{errPrintNone, fiber.StatusNotFound, "print.none"},
	{catalog.ErrNoRelease, fiber.StatusServiceUnavailable, "release"},
	{catalog.ErrUnavailable, fiber.StatusServiceUnavailable, "unavailable"},
	{catalog.ErrCheckCharacter, fiber.StatusNotFound, "mistyped"},
	{catalog.ErrInvalid, fiber.StatusNotFound, "missing"},
	{catalog.ErrNotFound, fiber.StatusNotFound, "missing"},
}

// failPage is the page of a request that cannot be answered.
type failPage struct {
	*page
	Name   string
	Status int
}

// Fail answers c with the page for err: what a server's error handler calls for
// everything but its interfaces. The visitor reads a fixed text; err goes to the log
// when it is a fault of this side.
func (h *Handler) Fail(c *fiber.Ctx, err error) error {
	return h.fail(c, h.newRequest(c), err)
}

// failure returns the status and the name of the page for err.
func failure(err error) (status int, name string) {
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return f.status, f.name
		}
	}
	return fiber.StatusInternalServerError, "fault"
}

func (h *Handler) fail(c *fiber.Ctx, rq *request, err error) error {
	status, name := failure(err)
	var f landingFail
	var near []catalog.ID
	if rq.phone && rq.snap != nil && (errors.Is(err, catalog.ErrInvalid) || errors.Is(err, catalog.ErrNotFound)) {
		f.Typed = typedCode(rq.param)
		id, ok := meant(f.Typed)
		// With a hyphen inside, a code reads as an indicator that nobody published.
		read, _, _ := parseCode(rq.param)
		if ok && read != id || errors.Is(err, catalog.ErrInvalid) {
			name = "mistyped"
		}
		switch {
		case ok && rq.knows(id):
			near = []catalog.ID{id}
		case name == "mistyped":
			near = rq.codesNear(f.Typed)
		}
	}
	var e *fiber.Error
	if errors.As(err, &e) {
		status = e.Code
		switch {
		case e.Code == fiber.StatusNotFound:
			name = "missing"
		case e.Code >= 400 && e.Code < 500:
			name = "refused"
		}
	}
	if name == "fault" {
		h.log.Error("page failed", slog.String("path", rq.path), slog.String("error", err.Error()))
	}
	if status == fiber.StatusServiceUnavailable {
		// A screen nobody attends must come back by itself, and without a script.
		c.Set(fiber.HeaderRetryAfter, "15")
		c.Set("Refresh", "15")
	}
	near = near[:min(len(near), mostRelated)]
	if rq.wantsProblem() {
		return h.send(c, rq, rq.problem(status, name, nil, near))
	}
	form := "fail"
	if rq.phone {
		form = "landing-fail"
	}
	return h.send(c, rq, answer{template: form, status: status, data: func() (any, error) {
		p := rq.newPage(text{S: h.texts[rq.view.lang]["fail."+name+".title"]}, "/")
		if !rq.own {
			p.Path = "/" // a path such as //host/ must not become a link
		}
		f.failPage, f.CSS = failPage{p, name, status}, h.landing
		for _, id := range near {
			f.Meant = append(f.Meant, p.listed(id, text{}))
		}
		if f.Typed != "" {
			p.Path = "/q/" + url.PathEscape(f.Typed)
			f.Typed = clip(f.Typed, typedShown)
		}
		return f, nil
	}})
}
