package kiosk

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"luoshu/catalog"
)

// What a phone can keep of a page stands below its address.
const (
	contactFile  = "/contact.vcf"
	calendarFile = "/event.ics"
)

// contentLines writes the lines that vCard (RFC 6350) and iCalendar (RFC 5545) are made
// of: NAME:VALUE, folded so that none has more than 75 octets.
type contentLines struct{ b strings.Builder }

const longestLine = 75

// line adds a property whose value stands as it is.
func (c *contentLines) line(name, value string) {
	line, room := name+":"+value, longestLine
	for len(line) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(line[cut]) {
			cut--
		}
		c.b.WriteString(line[:cut] + "\r\n ")
		line, room = line[cut:], longestLine-1 // the blank counts
	}
	c.b.WriteString(line + "\r\n")
}

var escaped = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// text adds a property whose value is text, unless that is empty.
func (c *contentLines) text(name, value string) {
	if value != "" {
		c.line(name, escaped.Replace(value))
	}
}

func (c *contentLines) bytes() []byte { return []byte(c.b.String()) }

// contact is somebody to be asked, as an address book keeps it.
type contact struct {
	Name, Of                string // Of is the body that a desk belongs to
	Telephone, Address, Web string
	Hours                   string
}

// contact returns who is to be asked about s: an organization itself where it says how,
// else the desk.
func (s *sheet) contact() (contact, bool) {
	if s.Dataset.Name == catalog.Organizations && s.str("telephone")+s.str("address") != "" {
		return contact{Name: s.Name().S, Telephone: s.str("telephone"), Address: s.str("address"), Web: s.str("website")}, true
	}
	return s.deskContact(s.desk())
}

// deskContact returns d as an address book keeps it.
func (p *page) deskContact(d *catalog.Desk) (contact, bool) {
	if d == nil || d.Telephone+d.Address.ZH+d.Address.EN == "" {
		return contact{}, false
	}
	return contact{
		Name: p.In(d.Name).S, Of: p.In(p.Release.Publisher).S, Telephone: d.Telephone, Address: p.In(d.Address).S, Hours: p.In(d.Hours).S,
	}, true
}

// card adds c as a vCard (RFC 6350) with a note about what it is for, which stands at an
// address.
func (c contact) card(l *contentLines, p *page, note, url string) {
	l.line("BEGIN", "VCARD")
	l.line("VERSION", "4.0")
	l.line("KIND", "org")
	l.text("FN", c.Name)
	if c.Of == "" {
		c.Of = c.Name
	}
	l.text("ORG", c.Of)
	if c.Telephone != "" {
		l.line("TEL;VALUE=uri;TYPE=\"work,voice\"", string(p.Dial(c.Telephone)))
	}
	if c.Address != "" {
		l.line("ADR;TYPE=work", ";;"+escaped.Replace(c.Address)+";;;;")
	}
	if c.Web != "" {
		l.line("URL;TYPE=work", c.Web)
	}
	l.line("URL", url)
	l.text("NOTE", strings.Join(slices.DeleteFunc([]string{c.Hours, note}, func(s string) bool { return s == "" }), "\n"))
	l.line("REV", p.Release.PublishedAt.UTC().Format("20060102T150405Z"))
	l.line("END", "VCARD")
}

// contactOf answers /q/{code}/contact.vcf.
func (h *Handler) contactOf(rq *request) (answer, error) {
	s, err := rq.scannedSheet()
	if err != nil {
		return answer{}, err
	}
	c, ok := s.contact()
	if !ok {
		return answer{}, catalog.ErrNotFound
	}
	return rq.file(file{kind: typeVCard, name: string(s.ID) + ".vcf", body: func() ([]byte, error) {
		var l contentLines
		c.card(&l, s.page, clip(s.Name().S, titleShown)+" "+string(s.ID), rq.base+"/q/"+string(s.ID))
		return l.bytes(), nil
	}}), nil
}

// occasion is what a calendar keeps: days, the last of them included.
type occasion struct {
	first, last time.Time
	summary     string
	place, note string
}

// occasion returns what of s belongs into a calendar: an event, and the day by which
// something must be done. A month or a year is too vague.
func (s *sheet) occasion() (o occasion, ok bool) {
	day := func(field string) (time.Time, bool) {
		t, err := time.Parse(time.DateOnly, s.str(field))
		return t, err == nil
	}
	o.summary, o.place = s.Name().S, s.str("venue")
	switch s.Dataset.Name {
	case catalog.Events:
		if o.first, ok = day("starts_on"); !ok {
			return o, false
		}
		if o.last, ok = day("ends_on"); !ok || o.last.Before(o.first) {
			o.last = o.first
		}
		o.note = s.str("hours")
		return o, true
	case catalog.Demands:
		o.first, ok = day("deadline")
	case catalog.Notices:
		o.first, ok = day("closes_on")
	default:
		return o, false
	}
	o.last = o.first
	o.summary, _ = s.T("calendar.until", o.summary)
	return o, ok
}

// calendarOf answers /q/{code}/event.ics (RFC 5545).
func (h *Handler) calendarOf(rq *request) (answer, error) {
	s, err := rq.scannedSheet()
	if err != nil {
		return answer{}, err
	}
	o, ok := s.occasion()
	if !ok {
		return answer{}, catalog.ErrNotFound
	}
	return rq.file(file{kind: typeCalendar, name: string(s.ID) + ".ics", body: func() ([]byte, error) {
		const date = "20060102"
		url := rq.base + "/q/" + string(s.ID)
		var l contentLines
		l.line("BEGIN", "VCALENDAR")
		l.line("VERSION", "2.0")
		l.line("PRODID", "-//Luoshu//Luoshu//ZH")
		l.line("BEGIN", "VEVENT")
		l.line("UID", string(s.ID)+"@"+s.Release.Catalog+".luoshu")
		l.line("DTSTAMP", s.Release.PublishedAt.UTC().Format(date+"T150405Z"))
		l.line("DTSTART;VALUE=DATE", o.first.Format(date))
		l.line("DTEND;VALUE=DATE", o.last.AddDate(0, 0, 1).Format(date)) // the day after
		l.text("SUMMARY", o.summary)
		l.text("LOCATION", o.place)
		l.text("DESCRIPTION", strings.TrimSpace(o.note+"\n"+clip(s.Lead().S, linkedLead)))
		l.line("URL", url)
		l.line("TRANSP", "TRANSPARENT")
		l.line("END", "VEVENT")
		l.line("END", "VCALENDAR")
		return l.bytes(), nil
	}}), nil
}

// scannedSheet returns the record behind a code, for what stands below its page.
func (rq *request) scannedSheet() (*sheet, error) {
	rq.phone = true
	rq.view = view{lang: rq.view.lang}
	id, _, err := rq.codeScanned()
	if err != nil {
		return nil, err
	}
	rq.path = "/q/" + string(id)
	e, err := rq.snap.Find(id)
	if errors.Is(err, catalog.ErrWithdrawn) {
		err = catalog.ErrNotFound // its own page explains
	}
	if err != nil {
		return nil, err
	}
	return rq.newPage(text{}, "/").newSheet(e)
}

// asked is somebody to be asked, and what about.
type asked struct {
	contact
	about []string
}

// contacts returns everybody who is to be asked about the records ids. About one that was
// withdrawn there is nothing to ask.
func (p *page) contacts(ids []catalog.ID) []asked {
	var all []asked
	for _, id := range ids {
		e, err := p.rq.snap.Find(id)
		if err != nil {
			continue
		}
		s, err := p.newSheet(e)
		if err != nil {
			continue
		}
		c, ok := s.contact()
		if !ok {
			continue
		}
		i := slices.IndexFunc(all, func(a asked) bool { return a.contact == c })
		if i < 0 {
			i, all = len(all), append(all, asked{contact: c})
		}
		all[i].about = append(all[i].about, clip(s.Name().S, titleShown)+" "+string(id))
	}
	return all
}

// contactsOf answers /q/list/{codes}/contact.vcf: a card for everybody who is to be asked
// about the records of a list, with what about.
func (h *Handler) contactsOf(rq *request) (answer, error) {
	l, err := rq.listScanned()
	if err != nil {
		return answer{}, err
	}
	p := rq.newPage(text{}, "/")
	all := p.contacts(l.ids)
	if len(all) == 0 {
		return answer{}, catalog.ErrNotFound
	}
	return rq.file(file{kind: typeVCard, name: "contacts.vcf", body: func() ([]byte, error) {
		var lines contentLines
		for _, a := range all {
			a.card(&lines, p, strings.Join(a.about, "\n"), rq.base+rq.path)
		}
		return lines.bytes(), nil
	}}), nil
}
