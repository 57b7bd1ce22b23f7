package opendata

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
	"luoshu/static"
)

// The pages for people who build on the API: a guide, the types of problems, and
// Swagger UI over the contract. Texts, questions and snippets are data in pages/.
//
//go:embed pages
var pageFiles embed.FS

const (
	developersPath = "/developers"
	problemsPath   = "/developers/problems"
	docsPath       = "/docs/"
	contractPath   = "/openapi.json"
	// localOrigin is what the snippets are written with.
	localOrigin = "http://localhost:8080"
	// anAchievement stands in a question for the identifier of one.
	anAchievement = "{achievement}"
)

const (
	pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// Swagger UI draws its icons as data: and asks the API.
	docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	pageCache  = "public, max-age=60"
)

// snippets are told in this order.
var snippets = []struct{ name, label string }{
	{"curl", "curl"}, {"python", "Python"}, {"javascript", "JavaScript"}, {"go", "Go"}, {"r", "R"},
}

type question struct {
	Question catalog.Text `json:"question"`
	Path     string       `json:"path"`
	Href     string       `json:"-"`
}

// loadPages reads what the pages are made of. It is part of the program, so a broken
// one is a broken build and the tests say so.
var loadPages = sync.OnceValue(func() (all struct {
	templates *template.Template
	texts     map[string]catalog.Text
	questions []question
	snippets  map[string]string
},
) {
	fail := func(err error) {
		if err != nil {
			panic(fmt.Errorf("opendata: pages: %w", err))
		}
	}
	var err error
	all.templates, err = template.New("").Funcs(template.FuncMap{"static": static.URL}).ParseFS(pageFiles, "pages/*.html")
	fail(err)
	for name, v := range map[string]any{"texts": &all.texts, "quality": &all.texts, "questions": &all.questions} {
		b, err := pageFiles.ReadFile("pages/" + name + ".json")
		fail(err)
		fail(json.Unmarshal(b, v))
	}
	all.snippets = map[string]string{}
	for _, s := range snippets {
		b, err := pageFiles.ReadFile("pages/snippets/" + s.name + ".txt")
		fail(err)
		all.snippets[s.name] = string(b)
	}
	return all
})

// pageView is what the templates show.
type pageView struct {
	path  string
	Lang  string
	Title string
	// Release is nil on a node without one.
	Release   *catalog.Manifest
	origin    string
	limiter   *Limiter
	Questions []question
}

type pageLink struct {
	Href, Text, Tag string
	Here            bool
}

// serveContract answers with the contract, which is made at the first request.
var serveContract = sync.OnceValue(func() fiber.Handler { return static.Document(typeJSON, pageCache, OpenAPI()) })

// pageRoutes registers the pages and the contract.
func (h *Handler) pageRoutes(r fiber.Router) {
	r.Get(contractPath, func(c *fiber.Ctx) error {
		setShared(&c.Context().Response.Header)
		err := serveContract()(c)
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
		return err
	})
	r.Options(contractPath, preflight)
	r.Get(strings.TrimSuffix(docsPath, "/"), func(c *fiber.Ctx) error { return c.Redirect(docsPath, fiber.StatusPermanentRedirect) })
	r.Get(docsPath, h.forPeople("docs", "docs.title", docsPolicy))
	r.Get(developersPath, h.forPeople("developers", "title", pagePolicy))
	r.Get(problemsPath, h.forPeople("problems", "problems.title", pagePolicy))
	for _, path := range []string{docsPath, developersPath, problemsPath} {
		r.Options(path, preflight)
	}
	h.qualityPages(r)
}

// forPeople returns the handler of the page made by a template.
func (h *Handler) forPeople(name, title, policy string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		snap := h.reader.Current()
		v := h.view(c, title, snap)
		v.Questions = askable(snap)
		body, err := rendered(name, v)
		if err != nil {
			return err
		}
		return sendPage(c, h.unchanged(v.path+query(v.Lang), body), policy)
	}
}

// unchanged returns what serves body as the page called name: as long as the page stays
// the same it is encoded once.
func (h *Handler) unchanged(name string, body []byte) fiber.Handler {
	type page struct {
		body  []byte
		serve fiber.Handler
	}
	if was, ok := h.pages.Load(name); ok && bytes.Equal(was.(page).body, body) {
		return was.(page).serve
	}
	p := page{body, static.Document(fiber.MIMETextHTMLCharsetUTF8, pageCache, body)}
	h.pages.Store(name, p)
	return p.serve
}

// view returns what a page shows of s, which may be nil.
func (h *Handler) view(c *fiber.Ctx, title string, s *snapshot.Snapshot) *pageView {
	v := &pageView{path: c.Path(), Lang: "zh", Title: title, origin: h.base, limiter: h.limiter}
	if c.Query("lang") == "en" {
		v.Lang = "en"
	}
	if s != nil {
		v.Release = s.Manifest()
		v.origin = h.origin(v.Release)
	}
	return v
}

// rendered returns the page that the template called name makes of v.
func rendered(name string, v any) ([]byte, error) {
	var b bytes.Buffer
	err := loadPages().templates.ExecuteTemplate(&b, name+".html", v)
	return b.Bytes(), err
}

func sendPage(c *fiber.Ctx, page fiber.Handler, policy string) error {
	err := page(c)
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	return err
}

// askable returns the questions that can be answered from s: what asks about an
// achievement needs one.
func askable(s *snapshot.Snapshot) []question {
	var all []question
	for _, q := range loadPages().questions {
		if strings.Contains(q.Path, anAchievement) {
			if s == nil {
				continue
			}
			page := s.List(snapshot.Slice{Dataset: catalog.Achievements, Limit: 1})
			if len(page.Entries) == 0 {
				continue
			}
			q.Path = strings.ReplaceAll(q.Path, anAchievement, string(page.Entries[0].ID))
		}
		path, query, _ := strings.Cut(q.Path, "?")
		q.Href = path
		if values, err := url.ParseQuery(query); err == nil && query != "" {
			q.Href += "?" + values.Encode()
		}
		all = append(all, q)
	}
	return all
}

// Tag is the language tag of the page.
func (v *pageView) Tag() string { return languageTag(v.Lang) }

func languageTag(lang string) string {
	if lang == "en" {
		return "en"
	}
	return "zh-CN"
}

// T returns the text called key.
func (v *pageView) T(key string) (string, error) {
	t, ok := loadPages().texts[key]
	if !ok {
		return "", fmt.Errorf("opendata: no text %q", key)
	}
	return t.In(v.Lang), nil
}

// text is T with placeholder and value in turn.
func (v *pageView) text(key string, pairs ...string) (string, error) {
	s, err := v.T(key)
	return strings.NewReplacer(pairs...).Replace(s), err
}

// List returns the texts prefix.1, prefix.2 and so on.
func (v *pageView) List(prefix string) []string {
	var all []string
	for n := 1; ; n++ {
		t, ok := loadPages().texts[prefix+"."+strconv.Itoa(n)]
		if !ok {
			return all
		}
		all = append(all, t.In(v.Lang))
	}
}

// Nav returns the links at the head of every page.
func (v *pageView) Nav() ([]pageLink, error) {
	all := []pageLink{
		{Href: developersPath, Text: "nav.developers"},
		{Href: docsPath, Text: "nav.docs"},
		{Href: problemsPath, Text: "nav.problems"},
		{Href: qualityPage, Text: "nav.quality"},
		{Href: contractPath, Text: "nav.contract"},
		{Href: "/", Text: "nav.home"},
	}
	for i := range all {
		l := &all[i]
		l.Here = l.Href == v.path || l.Href == qualityPage && strings.HasPrefix(v.path, qualityPage)
		if l.Href != contractPath {
			l.Href += query(v.Lang)
		}
		var err error
		if l.Text, err = v.T(l.Text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// query returns the query of the pages in lang.
func query(lang string) string {
	if lang == "en" {
		return "?lang=en"
	}
	return ""
}

// Other leads to the page in the other language.
func (v *pageView) Other() (pageLink, error) {
	other := map[string]string{"zh": "en", "en": "zh"}[v.Lang]
	text, err := v.T("language")
	return pageLink{Href: v.path + query(other), Text: text, Tag: languageTag(other)}, err
}

// Sample reports whether what is served is invented.
func (v *pageView) Sample() bool { return v.Release != nil && v.Release.Sample }

// Local reports whether the snippets name no address of this server.
func (v *pageView) Local() bool { return v.origin == "" }

type snippet struct{ Name, Label, Code string }

// Snippets returns the examples with this server's address.
func (v *pageView) Snippets() []snippet {
	origin := v.origin
	if origin == "" {
		origin = localOrigin
	}
	var all []snippet
	for _, s := range snippets {
		all = append(all, snippet{s.name, s.label, strings.ReplaceAll(loadPages().snippets[s.name], localOrigin, origin)})
	}
	return all
}

// Limits says what a request is held to.
func (v *pageView) Limits() ([]string, error) {
	pairs := []string{
		"{limit}", strconv.Itoa(maxLimit), "{parameters}", strconv.Itoa(maxQueryParameters),
		"{items}", strconv.Itoa(maxItems), "{characters}", strconv.Itoa(snapshot.MaxQueryLength),
	}
	var all []string
	keys := []string{"limits.page", "limits.query", "limits.none", "limits.busy"}
	if v.limiter != nil {
		keys = []string{"limits.page", "limits.query", "limits.calls", "limits.refused", "limits.cheap", "limits.key", "limits.busy"}
	}
	for _, key := range keys {
		s, err := v.text(key, pairs...)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

type rateView struct{ Class, What, Rate, Burst, Day string }

// Rates are the limits of each class, none where there are none.
func (v *pageView) Rates() ([]rateView, error) {
	if v.limiter == nil {
		return nil, nil
	}
	var all []rateView
	for c := range classes {
		l := v.limiter.limits[c]
		row := rateView{Class: c.String(), Rate: strconv.FormatFloat(l.Rate, 'f', -1, 64), Burst: grouped(int64(l.Burst)), Day: "–"}
		if l.Day > 0 {
			row.Day = grouped(int64(l.Day))
		}
		var err error
		if row.What, err = v.T("limits." + row.Class); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// Citation names the release.
func (v *pageView) Citation() (string, error) {
	return v.text("license.release", "{sequence}", strconv.FormatInt(v.Release.Sequence, 10))
}

type problemView struct {
	Slug, Title, Detail, Retry string
	Status                     int
	Faults                     []string
}

// Problems returns every type of problem.
func (v *pageView) Problems() ([]problemView, error) {
	var all []problemView
	for i := range problemTypes {
		t := &problemTypes[i]
		p := problemView{Slug: t.Slug, Title: t.Title.In(v.Lang), Detail: t.Detail.In(v.Lang), Status: t.Status}
		key := "problems.final"
		if t.RetryAfter > 0 {
			key = "problems.retry"
		}
		var err error
		if p.Retry, err = v.text(key, "{seconds}", strconv.Itoa(t.RetryAfter)); err != nil {
			return nil, err
		}
		if problemKind(i) == invalidParameter {
			for _, f := range faultTexts {
				p.Faults = append(p.Faults, f.detail.In(v.Lang))
			}
		}
		all = append(all, p)
	}
	return all, nil
}
