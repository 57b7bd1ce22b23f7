package kiosk

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	maxValues = 40  // that can be chosen at once
	maxValue  = 200 // bytes of one value
)

// facetsOf returns the fields to choose by in d, or among all datasets: what it is about
// before its own, where it is after them.
func facetsOf(d catalog.Dataset) []string {
	return slices.Concat([]string{"tech_fields"}, layouts[d].facets, []string{"division"})
}

// choosable returns the fields that an address can choose by in d: those to choose by,
// and the quiet ones, which no search offers.
func choosable(d catalog.Dataset) []string {
	return slices.Concat(facetsOf(d), layouts[d].quiet, []string{marketField})
}

// everywhere tells the fields that every dataset has to choose by.
func everywhere(field string) bool { return slices.Contains(choosable(""), field) }

// query is what a visitor searches for: records that hold the text and have the values
// that were chosen. Without a text it is a list. All of it stands in the address, so that
// it can be sent, printed and left behind.
type query struct {
	text    string
	dataset catalog.Dataset
	// literal takes the text as it was typed, and for no Pinyin.
	literal bool
	// market narrows it to the records of the terminal's own market; empty is all.
	market catalog.ID
	// industry narrows it to a division of GB/T 4754; empty is all.
	industry string
	// chosen are the values by field, in the order of choosable.
	chosen []choice
	sort   string // newest or name, else relevance
	// open shows the fields to choose by where they are folded.
	open bool
}

// choice is what was chosen of a field: values, or of numbers and dates the least.
type choice struct {
	field  string
	values []string
	least  string
}

// atLeast ends the name of a parameter that has the least value of a field.
const atLeast = ".gte"

// readQuery reads what can be searched for out of an address, and drops the rest.
func readQuery(args url.Values) query {
	q := query{text: typed(args.Get("q")), open: args.Get("show") == "fields"}
	q.literal = q.text != "" && args.Get("as") == "typed"
	if info, ok := catalog.Dataset(args.Get("dataset")).Info(); ok {
		q.dataset = info.Name
	}
	if s := args.Get("sort"); s == snapshot.ByName || s == snapshot.Newest {
		q.sort = s
	}
	if v := args.Get("industry"); industryCodes()[v] != nil {
		q.industry = v
	}
	n := 0
	for _, name := range choosable(q.dataset) {
		field, _ := snapshot.LookupSearchField(q.dataset, name)
		c := choice{field: name}
		if field.Ordered {
			if v := args.Get(name + atLeast); possible(field, v) {
				c.least = v
			}
		}
		for _, v := range args[name] {
			if n < maxValues && possible(field, v) && !slices.Contains(c.values, v) {
				c.values = append(c.values, v)
				n++
			}
		}
		if c.least != "" || len(c.values) > 0 {
			slices.Sort(c.values)
			q.chosen = append(q.chosen, c)
		}
	}
	return q
}

// readQuery reads what is searched for on this terminal.
func (rq *request) readQuery(args url.Values) query {
	q := readQuery(args)
	if args.Get("here") == "only" {
		q.market = rq.market()
	}
	return q
}

// possible reports whether records can have v in field.
func possible(field snapshot.SearchField, v string) bool {
	if v == "" || len(v) > maxValue || !utf8.ValidString(v) {
		return false
	}
	if l := field.CodeList(); l != nil {
		_, ok := l.Lookup(v)
		return ok
	}
	if field.Type == "bool" {
		return v == "true" || v == "false"
	}
	return !field.Ordered || field.Valid(v)
}

// typed returns what was typed as far as it can be searched for and shown.
func typed(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))), " ")
	if r := []rune(s); len(r) > snapshot.MaxQueryLength {
		s = strings.TrimSpace(string(r[:snapshot.MaxQueryLength]))
	}
	return s
}

// narrow reports whether q finds less than its text and dataset do.
func (q query) narrow() bool { return q.market != "" || q.industry != "" || len(q.chosen) > 0 }

// empty reports whether nothing is searched for.
func (q query) empty() bool { return q.text == "" && q.dataset == "" && !q.narrow() }

// encode returns q as parameters, always in the same order.
func (q query) encode() string {
	var b strings.Builder
	add := func(name, value string) {
		if value == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + url.QueryEscape(value))
	}
	mark := func(name, value string, on bool) {
		if on {
			add(name, value)
		}
	}
	add("q", q.text)
	mark("as", "typed", q.literal)
	add("dataset", string(q.dataset))
	mark("here", "only", q.market != "")
	add("industry", q.industry)
	for _, c := range q.chosen {
		add(c.field+atLeast, c.least)
		for _, v := range c.values {
			add(c.field, v)
		}
	}
	add("sort", q.sort)
	mark("show", "fields", q.open)
	return b.String()
}

// in returns q in another dataset, without what cannot be chosen there.
func (q query) in(d catalog.Dataset) query {
	own := q
	own.dataset, own.chosen = d, nil
	for _, c := range q.chosen {
		// A field of the same name may have other values elsewhere.
		if d == q.dataset || everywhere(c.field) {
			own.chosen = append(own.chosen, c)
		}
	}
	return own
}

// without returns q without what was chosen of field.
func (q query) without(field string) query {
	q.chosen = slices.DeleteFunc(slices.Clone(q.chosen), func(c choice) bool { return c.field == field })
	switch field {
	case marketField:
		q.market = ""
	case industryField:
		q.industry = ""
	}
	return q
}

// with returns q with c, and nothing else of its field, chosen.
func (q query) with(c choice) query {
	q = q.without(c.field)
	if c.least == "" && len(c.values) == 0 {
		return q
	}
	slices.Sort(c.values)
	q.chosen = append(q.chosen, c)
	order := choosable(q.dataset)
	slices.SortFunc(q.chosen, func(a, b choice) int { return slices.Index(order, a.field) - slices.Index(order, b.field) })
	return q
}

// choiceOf returns what was chosen of a field.
func (q query) choiceOf(field string) choice {
	for _, c := range q.chosen {
		if c.field == field {
			return c
		}
	}
	return choice{field: field}
}

// toggle returns q with value of field chosen, or no longer.
func (q query) toggle(field, value string) query {
	return q.with(choice{field: field, values: toggled(q.choiceOf(field).values, value)})
}

// toggled returns values with value, or without it if it is there.
func toggled(values []string, value string) []string {
	values = slices.Clone(values)
	if i := slices.Index(values, value); i >= 0 {
		return slices.Delete(values, i, i+1)
	}
	return append(values, value)
}

// search returns q as the index takes it.
func (q query) search() snapshot.Query {
	s := snapshot.Query{Text: q.text, Dataset: q.dataset, Sort: q.sort}
	if s.Sort == "" {
		s.Sort = snapshot.Relevance
	}
	if q.market != "" {
		s.Filters = append(s.Filters, snapshot.Filter{Field: marketField, Values: []string{string(q.market)}})
	}
	if q.industry != "" {
		s.Filters = append(s.Filters, snapshot.Filter{Field: industryField, Values: industryCodes()[q.industry]})
	}
	for _, c := range q.chosen {
		s.Filters = append(s.Filters, snapshot.Filter{Field: c.field, Values: c.values, Least: c.least})
	}
	return s
}

// values returns the parameters of a request. They are copied: the server reuses the
// memory behind them.
func values(c *fiber.Ctx) url.Values {
	v := url.Values{}
	for name, value := range c.Context().QueryArgs().All() {
		v.Add(string(name), string(value))
	}
	return v
}
