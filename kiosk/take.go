package kiosk

import (
	"html/template"
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/qr"
	"luoshu/catalog/snapshot"
)

const (
	// mostTaken is how many records one code carries: with them it still reads from
	// half a meter.
	mostTaken = 20
	// A list takes a code larger than a record's, by this much.
	largerBy = 1.6
	// mostUnknown is how many codes that lead to nothing are repeated, and unknownShown
	// how many characters of each.
	mostUnknown, unknownShown = 5, 12
)

// readTaken reads the list a visitor collects, identifiers with commas between, and keeps
// what the release has or had.
func readTaken(snap *snapshot.Snapshot, s string) []catalog.ID {
	ids, _ := readList(snap, s)
	return ids
}

// readList returns the records that s names, and what of s names none.
func readList(snap *snapshot.Snapshot, s string) (ids []catalog.ID, unknown []string) {
	for name := range strings.SplitSeq(clipBytes(s, qr.MaxPayload), ",") {
		id, err := catalog.ParseID(name)
		if err == nil && !takeable(id) || name == "" || slices.Contains(ids, id) {
			continue
		}
		if err == nil {
			_, err = snap.Find(id)
			if _, gone := snap.Tombstone(id); gone {
				err = nil
			}
		}
		switch {
		case err != nil && len(unknown) < mostUnknown:
			unknown = append(unknown, clip(typedCode(name), unknownShown))
		case err == nil && len(ids) < mostTaken:
			ids = append(ids, id)
		}
	}
	return ids, unknown
}

func clipBytes(s string, n int) string { return s[:min(n, len(s))] }

// takeable reports whether id is short enough for a list.
func takeable(id catalog.ID) bool { return id.Dataset() != catalog.Indicators }

// taken returns the query's value for ids.
func taken(ids []catalog.ID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return strings.Join(names, ",")
}

// with returns v with id on its list, or no longer.
func (v view) with(id catalog.ID) view {
	if slices.Contains(v.take, id) {
		v.take = slices.DeleteFunc(slices.Clone(v.take), func(other catalog.ID) bool { return other == id })
	} else {
		v.take = append(slices.Clone(v.take), id)
	}
	return v
}

// taking puts the record on the list, or takes it off; without Href the list is full. It is
// nil where there is nothing to take.
func (p *page) taking(id catalog.ID) *chip {
	on := slices.Contains(p.take, id)
	switch {
	case !takeable(id):
		return nil
	case on:
		return &chip{Text: text{S: p.texts["take.drop"]}, On: true, Href: p.Path + join(p.with(id).query(p.rq.page), p.rq.state)}
	case len(p.take) >= mostTaken:
		full, _ := p.T("take.full", mostTaken)
		return &chip{Text: text{S: full}}
	}
	return &chip{Text: text{S: p.texts["take.add"]}, Href: p.Path + join(p.with(id).query(p.rq.page), p.rq.state)}
}

// takePage shows what a visitor has collected, with the code that carries it away.
type takePage struct {
	*page
	Items []takenItem
	Scan  scan
	Clear string
	turn
}

type takenItem struct {
	card
	Drop string
}

func (h *Handler) take(rq *request) (answer, error) {
	rq.back = rq.readTrail()
	at := pageNumber(rq.args.Get("at"))
	rq.origin = rq.back.param
	rq.state = rq.at("", at)
	return answer{template: "take", data: func() (any, error) {
		p := takePage{page: rq.newPage(text{S: h.texts[rq.view.lang]["take.title"]}, "/")}
		p.trail = "from=take"
		n := len(p.take)
		from, to := p.turns(n, at, itemSize, func(n int) string { return p.Path + join(p.query(1), rq.at("", n)) })
		for _, id := range p.take[from:to] {
			c := p.item(id)
			c.Kind = p.In(c.Dataset.Singular)
			p.Items = append(p.Items, takenItem{c, p.Path + join(p.with(id).query(1), rq.state)})
		}
		none := p.view
		none.take = nil
		p.Clear = p.Path + join(none.query(1), rq.origin)
		if n > 0 {
			p.Scan = p.scanList(p.take)
		}
		return p, nil
	}}, nil
}

// scanList returns the code of a list.
func (p *page) scanList(ids []catalog.ID) scan {
	return p.drawn(int(largerBy*float64(p.codePixels())), "", func() (string, error) { return qr.ListPayload(p.rq.base, ids, p.rq.h.terminal) })
}

// listCodePage is what a phone shows of a list.
type listCodePage struct {
	*page
	CSS     template.CSS
	Items   []listed
	Unknown []string // codes that lead to nothing
	Desks   []asking
	Contact string // link to the cards of those who are to be asked
	Print   string // link to all of it on paper
}

// listed is a record in a list of the phone's pages.
type listed struct {
	card
	Code string // link to its own page
	Note text   // why it is listed
}

// listCode answers /q/list/{codes}: everything a visitor took, on one page.
func (h *Handler) listCode(rq *request) (answer, error) {
	l, err := rq.listScanned()
	if err != nil {
		return answer{}, err
	}
	for _, id := range l.ids {
		rq.scanned(id, l.placement)
	}
	rq.state = strings.Join(l.unknown, ",")
	return answer{template: "landing-list", data: func() (any, error) {
		title, err := rq.h.texts[rq.view.lang].T("take.list", len(l.ids))
		if err != nil {
			return nil, err
		}
		p := listCodePage{page: rq.newPage(text{S: title}, "/"), CSS: h.landing, Unknown: l.unknown}
		for _, id := range l.ids {
			p.Items = append(p.Items, p.listed(id, text{}))
		}
		p.Desks = p.desksFor(l.ids)
		if len(p.contacts(l.ids)) > 0 {
			p.Contact = p.Href(p.Path + contactFile)
		}
		p.Print = p.Href("/print/list/" + taken(l.ids))
		return p, nil
	}}, nil
}

// carried is the list in an address: the records it names, what names none, and where its
// code stands.
type carried struct {
	ids       []catalog.ID
	unknown   []string
	placement string
}

// listScanned reads the list in the address. Of nothing it is catalog.ErrNotFound.
func (rq *request) listScanned() (l carried, err error) {
	rq.phone = true
	rq.view = view{lang: rq.view.lang}
	param := strings.ToUpper(typedCode(rq.param))
	if i := strings.LastIndexByte(param, '-'); i > 0 && qr.ValidPlacement(param[i+1:]) {
		param, l.placement = param[:i], param[i+1:]
	}
	if l.ids, l.unknown = readList(rq.snap, param); len(l.ids) == 0 {
		return l, catalog.ErrNotFound
	}
	rq.path, rq.own = "/q/list/"+taken(l.ids), true
	return l, nil
}
