package kiosk

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// steps are as many as the cells of a square: the levels of readiness, or the last years.
const steps = 9

// step is a value of a field with an order, to choose by touch. Where no record has it,
// it keeps its place and is no link.
type step struct {
	chip
	Short string // what its cell says
}

// steps offers the values of a field with an order: each finds its own, and of a single
// chosen one the way on from there. Years before the last nine stand behind a fold.
func (r *results) steps(f snapshot.SearchField, values []snapshot.FacetValue) {
	q := r.rq.query
	chosen := q.choiceOf(f.Name)
	counts, on := map[int]int{}, slices.Clone(chosen.values)
	last, sum := steps, 0
	for _, v := range values {
		n := ordinal(v.Value)
		counts[n] = v.Count
		sum += v.Count
		if f.Type == "date" {
			last = max(last, n)
		}
		if chosen.least != "" && n >= ordinal(chosen.least) {
			on = append(on, v.Value)
		}
	}
	group := chips{Label: r.In(f.Label)}
	at := func(n int) chip {
		v := strconv.Itoa(n)
		c := chip{Text: r.nameStep(f, v), Count: r.Number(counts[n]), On: slices.Contains(on, v)}
		if counts[n] > 0 || c.On {
			c.Href = r.to(q.with(choice{field: f.Name, values: toggled(on, v)}))
		}
		return c
	}
	shown := 0
	for n := last - steps + 1; n <= last; n++ {
		group.Steps = append(group.Steps, step{at(n), strconv.Itoa(n)})
		if counts[n] > 0 {
			shown++
		}
	}
	for _, v := range slices.Backward(values) {
		if n := ordinal(v.Value); n <= last-steps {
			group.More = append(group.More, at(n))
		}
	}
	// One value that all of it has is no choice.
	if len(on) == 0 && (shown == 0 || shown == 1 && len(group.More) == 0 && sum == r.Total) {
		return
	}
	if from := cmp.Or(chosen.least, strings.Join(chosen.values, " ")); len(chosen.values) < 2 && from != "" {
		n := 0
		for at, count := range counts {
			if at >= ordinal(from) {
				n += count
			}
		}
		c := chip{Text: r.nameLeast(f, from), Count: r.Number(n), Href: r.to(q.with(choice{field: f.Name, least: from}))}
		switch {
		case chosen.least != "":
			c.On, c.Drop, c.Href = true, r.texts["search.remove"], r.to(q.without(f.Name))
			r.Kept = append(r.Kept, c)
			group.Chips = append(group.Chips, c)
		case n > counts[ordinal(from)]:
			group.Chips = append(group.Chips, c)
		}
	}
	for _, v := range chosen.values {
		left := q.with(choice{field: f.Name, values: toggled(chosen.values, v)})
		r.Kept = append(r.Kept, chip{Text: r.nameStep(f, v), Count: r.Number(counts[ordinal(v)]), Href: r.to(left), On: true, Drop: r.texts["search.remove"]})
	}
	r.Fields = append(r.Fields, group)
}

// ordinal returns the level or the year that a value begins with.
func ordinal(v string) int {
	end := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(v)
	}
	n, _ := strconv.Atoi(v[:end])
	return n
}

// nameStep names a value of a field with an order.
func (p *page) nameStep(f snapshot.SearchField, v string) text {
	if f.Type == "date" {
		return text{S: formatDate(catalog.Date(v), p.lang)}
	}
	return text{S: "TRL " + v}
}

// nameLeast names all values of f from v on.
func (p *page) nameLeast(f snapshot.SearchField, v string) text {
	if f.Type == "date" {
		s, _ := p.T("search.since", formatDate(catalog.Date(v), p.lang))
		return text{S: s}
	}
	s, _ := p.T("search.trl", v)
	return text{S: s}
}
