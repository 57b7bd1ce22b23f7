package opendata

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"unicode"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"luoshu/catalog"
)

const (
	typeProblem = "application/problem+json"
	// problemsPage explains every type of problem to people.
	problemsPage = problemsPath + "#"
	// allowed are the methods of every address.
	allowed = "GET, HEAD, OPTIONS"
	// maxEcho bounds how much of a request's own text an answer repeats, in
	// characters.
	maxEcho = 64
)

// problemError is an error that says more than its type.
type problemError struct {
	kind problemKind
	// fill holds placeholder and value in turn.
	fill       []string
	suggestion string
	faults     []faultError
	tombstone  *tombstone
	links      map[string]string
	cause      error
}

func (e *problemError) Error() string { return problemTypes[e.kind].Slug }
func (e *problemError) Unwrap() error { return e.cause }

// faultError is what is wrong with one query parameter.
type faultError struct {
	kind             faultKind
	name, suggestion string
	min, max         int
	// value is the part of the parameter that is wrong, address where to read what
	// it could be, known are the names that could stand there.
	value, address string
	known          []string
	// message takes the place of the kind's own.
	message catalog.Text
}

func (e *faultError) Error() string { return faultTexts[e.kind].detail.EN }

func parameterError(faults []faultError) error {
	return &problemError{kind: invalidParameter, faults: faults}
}

// TooLong says that a request has more bytes than limit: in its headers, or its address
// alone.
func TooLong(limit int, inHeaders bool) error {
	kind := addressTooLong
	if inHeaders {
		kind = headersTooLarge
	}
	return &problemError{kind: kind, fill: []string{"{max}", strconv.Itoa(limit)}}
}

// unknownAddressError says that the word in the path is none of names.
func unknownAddressError(word string, names []string) error {
	return &problemError{kind: unknownAddress, suggestion: closest(word, names)}
}

// problem is the body of an error answer: the members of RFC 9457 in English,
// and with the suffix _zh in Chinese.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	TitleZH  string `json:"title_zh"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	DetailZH string `json:"detail_zh"`
	// Instance is the request's id, by which the operator finds it in the log.
	Instance  string            `json:"instance,omitempty"`
	Errors    []fault           `json:"errors,omitempty"`
	Tombstone *tombstone        `json:"tombstone,omitempty"`
	Links     map[string]string `json:"links,omitempty"`
}

// fault is one wrong parameter.
type fault struct {
	Parameter  string `json:"parameter,omitempty"`
	Detail     string `json:"detail"`
	DetailZH   string `json:"detail_zh"`
	Suggestion string `json:"suggestion,omitempty"`
	// Known are the names that could stand in its place.
	Known []string `json:"known,omitempty"`
}

// tombstone is what is public of a withdrawn record.
type tombstone struct {
	ID          catalog.ID   `json:"id"`
	WithdrawnOn catalog.Date `json:"withdrawn_on"`
	Reason      string       `json:"reason"`
	Successor   catalog.ID   `json:"successor,omitempty"`
}

// Problem answers c with the problem that err is: an error of this package, one
// of catalog's sentinels, or a *fiber.Error by its status. It is what the
// server's ErrorHandler calls for addresses of the API. The request's id is
// taken from the X-Request-Id header of the answer, where whoever gave it wrote
// it. What is the server's own fault is logged, and never told.
func (h *Handler) Problem(c *fiber.Ctx, err error) error {
	var own *problemError
	if !errors.As(err, &own) {
		own = &problemError{kind: kindOf(err), cause: err}
	}
	t := &problemTypes[own.kind]
	id := string(c.Context().Response.Header.Peek(fiber.HeaderXRequestID))
	if t.Status >= fasthttp.StatusInternalServerError && own.kind != noRelease && own.kind != releaseAhead && own.kind != exportsPending && own.kind != overloaded {
		h.log.LogAttrs(c.UserContext(), slog.LevelError, "request failed",
			slog.String("request_id", id), slog.String("path", echo(c.Path())), slog.String("problem", t.Slug), slog.Any("error", err))
	}

	p := problem{
		Type: h.originNow() + problemsPage + t.Slug, Title: t.Title.EN, TitleZH: t.Title.ZH, Status: t.Status,
		Instance: id, Tombstone: own.tombstone, Links: own.links,
	}
	text := fill(t.Detail, t.Hint, own.suggestion, own.fill...)
	p.Detail, p.DetailZH = text.EN, text.ZH
	for i, f := range own.faults {
		text := f.text()
		p.Errors = append(p.Errors, fault{
			Parameter: echo(f.name), Detail: text.EN, DetailZH: text.ZH, Suggestion: f.suggestion, Known: f.known,
		})
		if i == 0 {
			p.Detail, p.DetailZH = text.EN, text.ZH
		}
	}
	// The standard encoder escapes <, > and &.
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	writeProblem(c.Context(), t, body)
	return nil
}

func writeProblem(ctx *fasthttp.RequestCtx, t *ProblemType, body []byte) {
	hd := &ctx.Response.Header
	// What a half-made answer may have left behind.
	for _, key := range []string{fasthttp.HeaderETag, fasthttp.HeaderLastModified, fasthttp.HeaderLink, fasthttp.HeaderVary} {
		hd.Del(key)
	}
	setShared(hd)
	hd.Set(fasthttp.HeaderCacheControl, "no-store")
	if t.RetryAfter > 0 && len(hd.Peek(fasthttp.HeaderRetryAfter)) == 0 {
		hd.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(t.RetryAfter))
	}
	if t.Status == fasthttp.StatusUnauthorized {
		hd.Set(fasthttp.HeaderWWWAuthenticate, `Bearer realm="luoshu", error="invalid_token"`)
	}
	if t.Status == fasthttp.StatusMethodNotAllowed {
		hd.Set(fasthttp.HeaderAllow, allowed)
	}
	ctx.SetContentType(typeProblem)
	ctx.SetStatusCode(t.Status)
	ctx.SetBody(body)
}

// kindOf returns the type of problem that an error of another package is.
func kindOf(err error) problemKind {
	for kind := range problemTypes {
		for _, cause := range problemTypes[kind].causes {
			if errors.Is(err, cause) {
				return problemKind(kind)
			}
		}
	}
	if f, ok := errors.AsType[*fiber.Error](err); ok {
		for kind := range problemTypes {
			if t := &problemTypes[kind]; t.bare && t.Status == f.Code {
				return problemKind(kind)
			}
		}
		if f.Code >= 400 && f.Code < 500 {
			return badRequest
		}
	}
	return internal
}

func (e *faultError) text() catalog.Text {
	if e.kind == badSearch {
		return e.message
	}
	t := &faultTexts[e.kind]
	return fill(t.detail, t.hint, e.suggestion,
		"{name}", echo(e.name), "{min}", strconv.Itoa(e.min), "{max}", strconv.Itoa(e.max), "{value}", echo(e.value), "{address}", e.address)
}

// fill puts values in place of the placeholders of detail and, where there is a
// suggestion, adds the hint.
func fill(detail, hint catalog.Text, suggestion string, pairs ...string) catalog.Text {
	if suggestion != "" {
		detail.ZH += hint.ZH
		detail.EN += hint.EN
		pairs = append(pairs, "{suggestion}", suggestion)
	}
	r := strings.NewReplacer(pairs...)
	return catalog.Text{ZH: r.Replace(detail.ZH), EN: r.Replace(detail.EN)}
}

// echo returns s as an answer may repeat it: short, without what does not print.
func echo(s string) string {
	n := 0
	return strings.Map(func(c rune) rune {
		switch n++; {
		case n > maxEcho:
			return -1
		case !unicode.IsPrint(c):
			return unicode.ReplacementChar
		}
		return c
	}, s)
}
