package kiosk

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"luoshu/catalog"
)

const (
	agendaPath = "/agenda"
	agendaSize = 14 // rows on a page
)

// month is a month of the calendar, counted from year 0.
type month int

// monthOf returns the month that a date names; a year alone names none.
func monthOf(date string) (month, bool) {
	t, err := time.Parse("2006-01", date[:min(len(date), len("2006-01"))])
	return month(12*t.Year() + int(t.Month()) - 1), err == nil
}

func (m month) first() time.Time {
	return time.Date(int(m)/12, time.Month(m%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// String returns m as a date and the address have it.
func (m month) String() string { return m.first().Format("2006-01") }

// happening is an event or notice with its first and last day, as they are written. It
// is the same for every visitor.
type happening struct {
	entry       catalog.Entry
	market      catalog.ID
	from, to    string
	first, last month
}

// diary returns the events and notices that name their months, by their beginning.
func (rq *request) diary() ([]happening, error) {
	return rq.h.diary.of(rq, func(rq *request) ([]happening, error) {
		p := rq.newPage(text{}, "")
		var all []happening
		for _, of := range []struct {
			dataset  catalog.Dataset
			from, to string
		}{{catalog.Events, "starts_on", "ends_on"}, {catalog.Notices, "opens_on", "closes_on"}} {
			for e := range rq.snap.All(of.dataset) {
				s, err := p.newSheet(e)
				if err != nil {
					return nil, err
				}
				h := happening{entry: e, market: catalog.ID(s.str("market")), from: s.str(of.from), to: s.str(of.to)}
				h.from = cmp.Or(h.from, h.to)
				h.to = max(h.from, h.to)
				begins, ends := false, false
				h.first, begins = monthOf(h.from)
				if h.last, ends = monthOf(h.to); begins && ends {
					all = append(all, h)
				}
			}
		}
		slices.SortFunc(all, func(a, b happening) int {
			return cmp.Or(strings.Compare(a.from, b.from), strings.Compare(a.to, b.to), strings.Compare(string(a.entry.ID), string(b.entry.ID)))
		})
		return all, nil
	})
}

// in returns the day on which h stands in m, and the text that says what day that is: its
// first, or where that is in an earlier month its last. A notice stands where it ends:
// until then there is something to do. The date is empty where h goes on all month, or
// names no day.
func (h happening) in(m month) (date, key string) {
	notice := h.entry.Dataset == catalog.Notices
	switch {
	case h.last == m && notice:
		date, key = h.to, "agenda.closes"
	case h.first == m && notice:
		date, key = h.from, "agenda.opens"
	case h.first == m:
		date = h.from
	case h.last == m:
		date, key = h.to, "agenda.ends"
	default:
		return "", "agenda.throughout"
	}
	if len(date) < len(time.DateOnly) {
		return "", "agenda.undated"
	}
	return date, key
}

// The parts of the month in which the release describes a day, in their order. Their
// headings are the texts agenda.part.N; the first has none.
const (
	ahead = iota
	running
	behind
)

// part returns to which part of m h belongs on the day asOf. Another month has one alone.
func (h happening) part(m month, asOf string) int {
	date, _ := h.in(m)
	if now, _ := monthOf(asOf); now != m {
		return ahead
	}
	switch {
	case h.to < asOf && !strings.HasPrefix(asOf, h.to):
		return behind
	case date < asOf:
		return running
	}
	return ahead
}

// agendaView is what of a month can be shown alone.
type agendaView struct {
	name string
	has  func(h happening, market catalog.ID) bool
}

// agendaViews begin with all of it. Their texts are agenda.show.NAME.
var agendaViews = []agendaView{
	{"all", func(happening, catalog.ID) bool { return true }},
	{"events", func(h happening, _ catalog.ID) bool { return h.entry.Dataset == catalog.Events }},
	{"notices", func(h happening, _ catalog.ID) bool { return h.entry.Dataset == catalog.Notices }},
	{"here", func(h happening, market catalog.ID) bool { return h.market == market && market != "" }},
}

// agendaState returns a month and what of it is shown as the address says them.
func agendaState(m month, show string) string {
	if show == agendaViews[0].name {
		return "month=" + m.String()
	}
	return "month=" + m.String() + "&show=" + show
}

// agendaTrail reads the way back to the month that a record was found in.
func agendaTrail(from string) (trail, bool) {
	part := strings.Split(from, ".")
	if len(part) != 4 || part[0] != "agenda" {
		return trail{}, false
	}
	m, ok := monthOf(part[1])
	known := slices.ContainsFunc(agendaViews, func(v agendaView) bool { return v.name == part[2] })
	return trail{param: "from=" + from, path: agendaPath, state: agendaState(m, part[2]), page: pageNumber(part[3])}, ok && known
}

// dated is a row of the agenda.
type dated struct {
	card
	Date, Day string // empty where it names none
	Note      string // the day of the week, or what happens on that day
	Own       bool   // of this terminal's market
}

type agendaPart struct {
	Heading string
	Running bool
	Rows    []dated
}

type agendaPage struct {
	*page
	turn
	Month          text
	Earlier, Later tally // the months beside it, without an address where nothing is
	Views          []chip
	Parts          []agendaPart
	Lists          []tally
}

// agenda answers /agenda: what happens in a month, at first in that of the day which the
// release describes. What is still to come stands first, and what is over last.
func (h *Handler) agenda(rq *request) (answer, error) {
	all, err := rq.diary()
	if err != nil {
		return answer{}, err
	}
	now, _ := monthOf(string(rq.snap.Manifest().AsOf)) // every release has one
	least, most := now, now
	for _, h := range all {
		least, most = min(least, h.first), max(most, h.last)
	}
	m, ok := monthOf(rq.args.Get("month"))
	if !ok {
		m = now
	}
	m = min(max(m, least), most)
	show := agendaViews[0]
	for _, v := range agendaViews {
		if v.name == rq.args.Get("show") {
			show = v
		}
	}
	rq.state = agendaState(m, show.name)
	return answer{template: "agenda", data: func() (any, error) {
		p := agendaPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["agenda.title"]}, "/")}
		beside := func(m month) tally {
			t := tally{Name: p.monthName(m, "1月", "January")}
			if least <= m && m <= most {
				t.Href = rq.path + join(p.query(1), agendaState(m, show.name))
			}
			return t
		}
		p.Month, p.Earlier, p.Later = p.monthName(m, "2006年1月", "January 2006"), beside(m-1), beside(m+1)
		all := slices.DeleteFunc(slices.Clone(all), func(h happening) bool { return m < h.first || h.last < m })
		for _, v := range agendaViews {
			n := 0
			for _, h := range all {
				if v.has(h, rq.market()) {
					n++
				}
			}
			if n > 0 || v.name == show.name {
				p.Views = append(p.Views, chip{Text: text{S: p.texts["agenda.show."+v.name]}, Count: p.Number(n), On: v.name == show.name, Href: rq.path + join(p.query(1), agendaState(m, v.name))})
			}
		}
		for _, d := range []catalog.Dataset{catalog.Events, catalog.Notices} {
			info, _ := d.Info()
			p.Lists = append(p.Lists, tally{Name: p.In(info.Label), Count: rq.snap.Count(d), Href: p.Href("/" + string(d))})
		}
		all = slices.DeleteFunc(all, func(h happening) bool { return !show.has(h, rq.market()) })
		return p, p.rows(all, m, show.name)
	}}, nil
}

// monthName names m by the layout of the page's language.
func (p *page) monthName(m month, zh, en string) text {
	if p.lang == "en" {
		return text{S: m.first().Format(en)}
	}
	return text{S: m.first().Format(zh)}
}

// rows lays out a page of what happens in m.
func (p *agendaPage) rows(all []happening, m month, show string) error {
	asOf := string(p.Release.AsOf)
	slices.SortStableFunc(all, func(a, b happening) int {
		part := a.part(m, asOf)
		if c := cmp.Compare(part, b.part(m, asOf)); c != 0 {
			return c
		}
		if part == running {
			return strings.Compare(a.to, b.to)
		}
		first, _ := a.in(m)
		second, _ := b.in(m)
		return cmp.Or(cmp.Compare(len(second), len(first)), strings.Compare(first, second))
	})
	all, p.turn = onPage(p.page, all, agendaSize)
	p.trail = "from=" + strings.Join([]string{"agenda", m.String(), show, strconv.Itoa(p.rq.page)}, ".")
	for i, h := range all {
		part := h.part(m, asOf)
		if i == 0 || part != all[i-1].part(m, asOf) {
			p.Parts = append(p.Parts, agendaPart{Heading: p.texts["agenda.part."+strconv.Itoa(part)], Running: part == running})
		}
		row, err := p.row(h, m, part)
		if err != nil {
			return err
		}
		last := &p.Parts[len(p.Parts)-1]
		last.Rows = append(last.Rows, row)
	}
	return nil
}

// row lays out h in a part of m.
func (p *agendaPage) row(h happening, m month, part int) (dated, error) {
	s, err := p.newSheet(h.entry)
	if err != nil {
		return dated{}, err
	}
	row := dated{card: s.card(), Own: h.market == p.rq.market() && h.market != ""}
	row.Kind, row.Abstract, row.Owner, row.State = p.In(s.Dataset.Singular), text{}, nil, ""
	row.Facts = s.take("kind", "hours", "venue", "price")
	date, key := h.in(m)
	if part == running { // what matters is until when
		date, key = h.to, map[bool]string{true: "agenda.closes", false: "agenda.ends"}[h.entry.Dataset == catalog.Notices]
	}
	if day, err := time.Parse(time.DateOnly, date); err == nil {
		row.Date, row.Day, row.Note = date, strconv.Itoa(day.Day()), p.texts["weekday."+strconv.Itoa(int(day.Weekday()))]
		if part == running {
			row.Day = p.dayOf(day)
		}
	}
	if key != "" {
		row.Note = p.texts[key]
	}
	return row, nil
}

// dayOf returns a day without its year.
func (p *page) dayOf(day time.Time) string {
	if p.lang == "en" {
		return day.Format("2 Jan")
	}
	return day.Format("1月2日")
}
