package kiosk

import (
	"errors"
	"html/template"
	"regexp"
	"strings"

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
}

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

// code answers /q/{code}: with the page itself, never a redirect, because some
// browsers inside other programs follow none.
func (h *Handler) code(rq *request) (answer, error) {
	rq.phone = true
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
			p.Prose = s.take(s.layout.prose...)
		}
		p.Full = s.Href("/" + string(s.Dataset.Name) + "/" + string(s.ID))
		return p, nil
	}}, nil
}
