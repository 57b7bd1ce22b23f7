package kiosk

import (
	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// finders lead to the list of a dataset by one question after another, each about a
// field of it.
var finders = map[catalog.Dataset][]string{
	catalog.Services: {"kind"},
	catalog.Experts:  {"tech_fields", "divisions_served"},
}

// entrance returns the page that a door to d opens: the first question, where there is
// one, the month, else the list.
func entrance(d catalog.Dataset) string {
	switch {
	case d == catalog.Policies:
		return supportPath
	case d == catalog.Events:
		return agendaPath
	case finders[d] != nil:
		return finderPath(d)
	}
	return "/" + string(d)
}

func finderPath(d catalog.Dataset) string { return "/" + string(d) + "/find" }

// askPage is one question with the answers to touch. The last of them leads on without
// one.
type askPage struct {
	*page
	Step    string // which question of how many; "" is the only one
	Answers []chip
	// Note says how far the answers can be relied on.
	Note string
}

// answer adds an answer that count records have; what none has is no choice.
func (p *askPage) answer(t text, count int, href string) {
	if count > 0 {
		p.Answers = append(p.Answers, chip{Text: t, Count: p.Number(count), Href: href})
	}
}

// asking returns the page of question at, from 0, of so many.
func (rq *request) asking(key string, at, of int, parent string) (*askPage, error) {
	title, err := rq.h.texts[rq.view.lang].T(key)
	if err != nil {
		return nil, err
	}
	p := &askPage{page: rq.newPage(text{S: title}, parent)}
	if of > 1 {
		p.Step, err = p.T("find.step", at+1, of)
	}
	return p, err
}

func (h *Handler) find(d catalog.Dataset) func(*request) (answer, error) {
	fields := finders[d]
	return func(rq *request) (answer, error) {
		rq.args.Set("dataset", string(d))
		read := readQuery(rq.args)
		q, at := query{dataset: d}, 0
		for _, c := range read.chosen {
			if at < len(fields)-1 && c.field == fields[at] {
				q.chosen = append(q.chosen, choice{field: c.field, values: c.values[:1]})
				at++
			}
		}
		rq.list = true // the path names the dataset
		rq.state = rq.stateOf(q)
		return answer{template: "ask", data: func() (any, error) {
			parent := "/"
			if at > 0 {
				parent = rq.path
			}
			field, _ := snapshot.LookupSearchField(d, fields[at])
			p, err := rq.asking("find."+string(d)+"."+field.Name, at, len(fields), parent)
			if err != nil {
				return nil, err
			}
			s := q.search()
			s.Facets = []string{field.Name}
			found, err := rq.snap.Search(s)
			if err != nil {
				return nil, err
			}
			next := "/" + string(d)
			if at < len(fields)-1 {
				next = rq.path
			}
			for _, v := range found.Facets[0].Values[:min(len(found.Facets[0].Values), maxAnswers)] {
				p.answer(p.valueOf(field, v.Value), v.Count, next+join(p.query(1), rq.stateOf(q.toggle(field.Name, v.Value))))
			}
			p.answer(text{S: p.texts["find.any"]}, found.Total, "/"+string(d)+join(p.query(1), rq.state))
			return p, nil
		}}, nil
	}
}

// maxAnswers fit a screen; the list that they lead to knows the others.
const maxAnswers = 12

// joinPage says how to register an achievement or post a need.
type joinPage struct {
	*page
	Scan  scan
	Desks []catalog.Desk
}

func (h *Handler) join(rq *request) (answer, error) {
	return answer{template: "join", data: func() (any, error) {
		p := joinPage{page: rq.newPage(text{S: h.texts[rq.view.lang]["join.title"]}, "/")}
		p.Scan = p.drawn(p.codePixels(), "", func() (string, error) { return p.rq.base + p.rq.path, nil })
		p.Desks = p.desks()
		return p, nil
	}}, nil
}

// desks are who is there to ask: on a terminal the desk of its market, elsewhere all.
func (p *page) desks() []catalog.Desk {
	if p.Place != nil && p.Place.Desk != nil {
		return []catalog.Desk{*p.Place.Desk}
	}
	return p.Release.Desks
}
