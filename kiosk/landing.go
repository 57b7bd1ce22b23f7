package kiosk

import (
	"errors"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

// landingPage is what a phone shows after scanning: one request, no script, no
// second file, at most 30 KB.
type landingPage struct {
	*sheet
	CSS   template.CSS
	Strip []fact
	Prose []fact
	Offer []fact
	Desk  *catalog.Desk
	// Full is the record's page with everything on it.
	Full string
}

type landingFail struct {
	failPage
	CSS template.CSS
	// Typed is the code that leads to no record; Meant is the record that was probably meant.
	Typed string
	Meant catalog.ID
}

const typedShown = 40 // characters of it

var codeForm = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// parseCode reads what follows /q/: an identifier in either case, and the placement
// of the code that was scanned, such as -K3, if any. The error is that of
// catalog.ParseID.
func parseCode(s string) (id catalog.ID, placement string, err error) {
	if !codeForm.MatchString(s) {
		return "", "", catalog.ErrInvalid
	}
	if i := strings.LastIndexByte(s, '-'); i > 0 {
		if p := strings.ToUpper(s[i+1:]); qr.ValidPlacement(p) {
			s, placement = s[:i], p
		}
	}
	if strings.Contains(s, "-") {
		s = strings.ToLower(s) // an indicator's slug
	}
	id, err = catalog.ParseID(s)
	return id, placement, err
}

// typedCode returns what follows /q/ as the visitor typed it.
func typedCode(param string) string {
	if s, err := url.PathUnescape(param); err == nil {
		param = s
	}
	// IsPrint refuses the characters that would turn the line around.
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(param, ""))
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// lookalikes turns letters that no identifier has into the digits they are taken
// for, and drops what people put between characters.
var lookalikes = strings.NewReplacer("O", "0", "I", "1", "S", "5", "Z", "2", " ", "", "-", "", ".", "")

// meant returns the identifier that a mistyped code becomes without its usual
// mistakes, if it becomes one.
func meant(typed string) (catalog.ID, bool) {
	s := strings.ToUpper(strings.Trim(typed, " .-/"))
	whole := s
	if i := strings.LastIndexByte(s, '-'); i > 0 && qr.ValidPlacement(s[i+1:]) {
		s = s[:i]
	}
	for _, s := range []string{s, whole} {
		if id, err := catalog.ParseID(lookalikes.Replace(s)); err == nil {
			return id, true
		}
	}
	return "", false
}

// code answers /q/{code}: with the page itself, never a redirect, because some
// browsers inside other programs follow none.
func (h *Handler) code(rq *request) (answer, error) {
	rq.phone = true
	rq.view.take = nil
	id, placement, err := parseCode(rq.param)
	if err != nil {
		return answer{}, err
	}
	if slug := catalog.ID(strings.ToLower(rq.param)); placement != "" {
		// An indicator's slug may itself end as a placement does.
		if _, err := rq.snap.Find(slug); err == nil {
			id = slug
		}
	}
	rq.path = "/q/" + string(id)
	e, err := rq.snap.Find(id)
	if errors.Is(err, catalog.ErrWithdrawn) {
		return h.gone(rq, id), nil
	}
	if err != nil {
		return answer{}, err
	}
	return answer{template: "landing", data: func() (any, error) {
		s, err := rq.newPage(text{}, "/").newSheet(e)
		if err != nil {
			return nil, err
		}
		s.Title = s.Name()
		p := landingPage{sheet: s, CSS: h.landing, Desk: s.desk()}
		p.Strip, p.Offer = s.take(s.layout.strip...), s.take(s.layout.offer...)
		if s.Lead().S == "" {
			p.Prose = s.take(slices.Concat(s.layout.prose, s.layout.deep)...)
		}
		p.Full = s.Href("/" + string(s.Dataset.Name) + "/" + string(s.ID))
		return p, nil
	}}, nil
}
