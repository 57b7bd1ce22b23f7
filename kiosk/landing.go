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
	"luoshu/catalog/snapshot"
)

const (
	typedShown  = 40  // characters of a code that leads to no record
	mostRelated = 5   // records on the phone's page
	ofEach      = 2   // of them along one kind of link or match
	titleShown  = 60  // characters of theirs
	phoneLead   = 600 // characters of an abstract: two screens of a phone
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
	// Brief is the lead, or what a phone shows of it.
	Brief text
	// Full is the record's page with everything on it.
	Full string
	// Merged is what is left of the record whose code was scanned, where this one took
	// its place.
	Merged *catalog.Tombstone
	// Printed tells what has changed since the code was printed; nil for nothing.
	Printed *printed
	Related []listed
	// Contact and Calendar are the links to what a phone can keep, empty where there is
	// no such thing.
	Contact, Calendar string
	// Linked is the record for machines.
	Linked template.JS
}

// landingFail is the page of a code that leads nowhere, and the one to type a code on.
type landingFail struct {
	failPage
	CSS template.CSS
	// Typed is the code that leads to no record; Meant are those that were probably meant.
	Typed string
	Meant []listed
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

// shorten cuts s to as much as n Han characters take, between words where it can.
func shorten(s string, n int) string {
	room, word := 2*n, 0
	for i, r := range s {
		wide := r >= 0x1100
		if room--; wide {
			room--
		}
		if room < 0 {
			if wide || word == 0 {
				word = i
			}
			return strings.TrimRight(s[:word], " ") + "…"
		}
		if r == ' ' {
			word = i
		}
	}
	return s
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// code answers /q/{code}: with the page itself, never a redirect, because some
// browsers inside other programs follow none.
func (h *Handler) code(rq *request) (answer, error) {
	rq.phone = true
	rq.view = view{lang: rq.view.lang}
	id, placement, err := rq.codeScanned()
	if err != nil {
		return answer{}, err
	}
	rq.path = "/q/" + string(id)
	if placement != "" {
		rq.path += "-" + placement
	}
	rq.scanned(id, placement)
	e, err := rq.snap.Find(id)
	var merged *catalog.Tombstone
	if errors.Is(err, catalog.ErrWithdrawn) {
		t, _ := rq.snap.Tombstone(id)
		next, ok := rq.successor(t)
		if !ok {
			return h.gone(rq, id), nil
		}
		merged, e, err = &t, next, nil
	}
	if err != nil {
		return answer{}, err
	}
	switch rq.wanted(typeHTML, typeLinked, typeJSON) {
	case typeLinked:
		return rq.file(file{kind: typeLinked, open: true, body: func() ([]byte, error) { return rq.linked(e) }}), nil
	case typeJSON:
		return rq.file(file{kind: typeJSON, open: true, body: func() ([]byte, error) { return e.Raw, nil }}), nil
	}
	return answer{template: "landing", data: func() (any, error) { return rq.landing(e, merged, placement) }}, nil
}

// codeScanned reads the code that was scanned, or typed into the address.
func (rq *request) codeScanned() (id catalog.ID, placement string, err error) {
	id, placement, err = parseCode(rq.param)
	if slug := catalog.ID(strings.ToLower(rq.param)); err == nil && placement != "" {
		// An indicator's slug may itself end as a placement does.
		if _, err := rq.snap.Find(slug); err == nil {
			return slug, "", nil
		}
	}
	return id, placement, err
}

// successor returns the record in the place of a withdrawn one, which may itself have
// been merged since.
func (rq *request) successor(t catalog.Tombstone) (e catalog.Entry, ok bool) {
	for range 10 { // more is a ring
		if t.Successor == "" {
			break
		}
		e, err := rq.snap.Find(t.Successor)
		if err == nil {
			return e, true
		}
		t, _ = rq.snap.Tombstone(t.Successor)
	}
	return e, false
}

// landing returns the page of e.
func (rq *request) landing(e catalog.Entry, merged *catalog.Tombstone, placement string) (*landingPage, error) {
	s, err := rq.newPage(text{}, "/").newSheet(e)
	if err != nil {
		return nil, err
	}
	s.Title = s.Name()
	p := &landingPage{sheet: s, CSS: rq.h.landing, Desk: s.desk(), Merged: merged, Brief: s.Lead()}
	p.Brief.S = clip(p.Brief.S, phoneLead)
	p.Strip, p.Offer = s.take(s.layout.strip...), s.take(s.layout.offer...)
	if p.Brief.S == "" {
		p.Prose = s.take(slices.Concat(s.layout.prose, s.layout.deep)...)
	}
	p.Full = s.Href("/" + string(s.Dataset.Name) + "/" + string(s.ID))
	if merged == nil {
		if p.Printed, err = s.printed(e, placement); err != nil {
			return nil, err
		}
	}
	if p.Related, err = s.relatedHere(); err != nil {
		return nil, err
	}
	if _, ok := s.contact(); ok {
		p.Contact = s.Href("/q/" + string(s.ID) + contactFile)
	}
	if _, ok := s.occasion(); ok {
		p.Calendar = s.Href("/q/" + string(s.ID) + calendarFile)
	}
	b, err := s.schemaOrg()
	p.Linked = template.JS(b) //nolint:gosec // G203: JSON in which <, > and & are escaped
	return p, err
}

// relatedHere returns a few records that belong to s: those it is linked with, then
// those that fit it.
func (s *sheet) relatedHere() ([]listed, error) {
	var all []listed
	add := func(id catalog.ID, note text) {
		if len(all) < mostRelated && id != s.ID && !slices.ContainsFunc(all, func(l listed) bool { return l.ID == id }) {
			all = append(all, s.listed(id, note))
		}
	}
	links, err := s.rq.snap.Relations(snapshot.RelationQuery{ID: s.ID, Limit: ofEach})
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		for _, e := range l.Entries {
			// Owners and markets stand elsewhere on the page.
			if e.Dataset != catalog.Organizations {
				add(e.ID, s.In(l.Label))
			}
		}
	}
	matches, err := s.rq.snap.Matches(s.ID, ofEach)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		for _, m := range matches {
			if m.Kind == k.kind {
				add(m.ID, text{S: s.texts[k.text]})
			}
		}
	}
	return all, nil
}

// listed returns a record as the phone's pages list it, leading to its own.
func (p *page) listed(id catalog.ID, note text) listed {
	c := p.item(id)
	c.Title.S = shorten(c.Title.S, titleShown)
	if c.Kind = p.In(c.Dataset.Singular); strings.Contains(note.S, p.In(c.Dataset.Label).S) {
		c.Kind = text{} // said already
	}
	for i := range c.Owner {
		c.Owner[i].S = shorten(c.Owner[i].S, 40)
	}
	return listed{c, p.Href("/q/" + string(id)), note}
}

// enter answers /q/: a field to type a code that stands on paper, and the record behind
// what was typed.
func (h *Handler) enter(rq *request) (answer, error) {
	rq.phone = true
	rq.view = view{lang: rq.view.lang}
	rq.path = "/q/"
	if s := clipBytes(strings.TrimSpace(rq.args.Get("code")), 64); s != "" {
		rq.param = strings.ReplaceAll(s, " ", "")
		if id, ok := rq.codeTyped(s); ok {
			rq.param = string(id)
		}
		rq.own = codeForm.MatchString(rq.param)
		return h.code(rq)
	}
	return answer{template: "landing-enter", data: func() (any, error) {
		return landingFail{failPage: failPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["enter.title"]}, "/")}, CSS: h.landing}, nil
	}}, nil
}
