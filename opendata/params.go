package opendata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
	"luoshu/static/coding"
)

// maxQueryParameters bounds the work of one request before any of it is done.
const maxQueryParameters = 32

// request is one request being answered: what its parameters say, and the
// release the answer comes from.
type request struct {
	c   *fiber.Ctx
	ctx *fasthttp.RequestCtx
	op  *Operation
	// coding is that of the answer.
	coding coding.Coding

	snap    *snapshot.Snapshot
	edition *edition

	dataset   catalog.DatasetInfo
	id        catalog.ID
	seq       int64
	since     int64
	profile   string
	hash      catalog.Hash
	list      string
	part      int
	english   bool
	limit     int
	cursor    cursor
	hasCursor bool
	// asked is nil for what is no search.
	asked *asked
	// within limits suggestions and relations to a dataset; empty is all.
	within catalog.Dataset
	// drawing is what is asked of a code.
	drawing drawing

	// query is the canonical query without the cursor: parameters in the order of
	// the table, those at their default left out.
	query []byte
	buf   [160]byte
}

// parse reads the parameters of the request into r. The first wrong path
// parameter is the error; wrong query parameters are reported all together.
func (r *request) parse() error {
	for i := range r.op.Parameters {
		if p := &r.op.Parameters[i]; p.In == "path" {
			// Not Ctx.Params, which copies its result twice.
			if err := p.set(r, segment(r.c.Path(), p.segment)); err != nil {
				return err
			}
		}
	}
	if r.op.OwnErrors || len(r.ctx.URI().QueryString()) == 0 && !r.op.requires() {
		return nil
	}
	return r.parseQuery()
}

// segment returns the part of path after its n-th slash, counted from 0.
func segment(path string, n int) string {
	for {
		i := strings.IndexByte(path, '/')
		if i < 0 {
			return path
		}
		if n < 0 {
			return path[:i]
		}
		path = path[i+1:]
		n--
	}
}

func (r *request) parseQuery() error {
	args := r.ctx.QueryArgs()
	if args.Len() > maxQueryParameters {
		return parameterError([]faultError{{kind: tooManyParameters, max: maxQueryParameters}})
	}
	var faults []faultError
	given := make(map[string]string, args.Len())
	var pairs [][2]string
	for k, v := range args.All() {
		pairs = append(pairs, [2]string{string(k), string(v)})
	}
	// What a cursor continues was checked when it began: it is read first.
	slices.SortStableFunc(pairs, func(a, b [2]string) int {
		switch {
		case a[0] == "cursor" && b[0] != "cursor":
			return -1
		case a[0] != "cursor" && b[0] == "cursor":
			return 1
		}
		return 0
	})
	for _, pair := range pairs {
		name, value := pair[0], pair[1]
		p := r.op.query(name)
		if p == nil && r.op.Filters {
			p = filterParameters(r.dataset.Name)[name]
		}
		if p == nil {
			faults = append(faults, r.unknown(name))
			continue
		}
		if _, again := given[name]; again {
			faults = append(faults, faultError{kind: repeatedParameter, name: name})
			continue
		}
		given[name] = value
		if err := p.check(value); err != nil {
			faults = append(faults, *err)
		} else if err := p.set(r, value); err != nil {
			faults = append(faults, p.fault(err))
		}
	}
	for i := range r.op.Parameters {
		if p := &r.op.Parameters[i]; p.Required {
			if _, ok := given[p.Name]; !ok {
				faults = append(faults, faultError{kind: missingParameter, name: p.Name})
			}
		}
	}
	if len(faults) > 0 {
		return parameterError(faults)
	}
	r.canonical(r.op.Parameters, given)
	if r.op.Filters && r.asked != nil {
		r.canonical(FilterParameters(r.dataset.Name), given)
	}
	return nil
}

// canonical appends what is given of parameters to the canonical query.
func (r *request) canonical(parameters []Parameter, given map[string]string) {
	for i := range parameters {
		p := &parameters[i]
		value, ok := given[p.Name]
		if !ok || p.In != "query" || value == p.Default || p.Name == cursorParameter.Name {
			continue
		}
		r.query = append(appendSeparator(r.query), p.Name...)
		r.query = append(append(r.query, '='), url.QueryEscape(value)...)
	}
}

// unknown says that there is no parameter called name: a field may have been meant,
// or another way to compare with it.
func (r *request) unknown(name string) faultError {
	f := faultError{kind: unknownParameter, name: name}
	names := r.op.queryNames()
	if r.op.Filters {
		f.known = slices.Concat(names, searchFieldNames(r.dataset.Name, false))
		for _, p := range FilterParameters(r.dataset.Name) {
			names = append(names, p.Name)
		}
	}
	f.suggestion = closest(name, names)
	return f
}

// requires reports whether a query parameter must be given.
func (op *Operation) requires() bool {
	return slices.ContainsFunc(op.Parameters, func(p Parameter) bool { return p.Required })
}

func appendSeparator(query []byte) []byte {
	if len(query) > 0 {
		return append(query, '&')
	}
	return query
}

// query returns the query parameter called name, or nil.
func (op *Operation) query(name string) *Parameter {
	for i := range op.Parameters {
		if p := &op.Parameters[i]; p.Name == name && p.In == "query" {
			return p
		}
	}
	return nil
}

func (op *Operation) queryNames() []string {
	var names []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return names
}

// check holds value against the bounds of p. A number has one spelling only, so
// that equal requests have equal addresses.
func (p *Parameter) check(value string) *faultError {
	switch p.Type {
	case "integer":
		n, err := strconv.Atoi(value)
		if err != nil || n < p.Min || n > p.Max || strconv.Itoa(n) != value {
			return &faultError{kind: badInteger, name: p.Name, min: p.Min, max: p.Max}
		}
	default:
		if value == "" || len(value) > p.Max || !utf8.ValidString(value) {
			return &faultError{kind: badString, name: p.Name, max: p.Max}
		}
	}
	return nil
}

// fault returns err as a fault of p.
func (p *Parameter) fault(err error) faultError {
	f := faultError{kind: badString, name: p.Name, max: p.Max}
	if own, ok := err.(*faultError); ok { //nolint:errorlint // set returns it itself, never wrapped
		f.kind, f.suggestion, f.value, f.address, f.known = own.kind, own.suggestion, own.value, own.address, own.known
		if own.max > 0 {
			f.max = own.max
		}
	}
	return f
}

// closest returns the candidate that word was most likely meant to be, or "".
func closest(word string, candidates []string) string {
	best, found := 1+min(3, (len(word)+2)/3), ""
	for _, c := range candidates {
		if d := editDistance(word, c); d < best {
			best, found = d, c
		}
	}
	return found
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbors that turn a into b (optimal string alignment, over bytes: parameter
// names are ASCII). Long words are not compared and are far from everything.
func editDistance(a, b string) int {
	const longest = 48
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
