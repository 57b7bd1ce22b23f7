package opendata

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// Parameters of a search.
var (
	textParameter = Parameter{
		Name: "q", In: "query", Type: "string", Max: 4 * snapshot.MaxQueryLength,
		Description: catalog.Text{
			ZH: "检索词，最多 200 字：全部出现才算找到；汉字按相邻两字匹配，不分大小写和全半角",
			EN: "Words to search for, at most 200 characters: a record is found when it has them all; Chinese is matched by pairs of characters, whatever the case and width",
		},
		set: func(r *request, v string) error {
			if strings.TrimSpace(v) == "" {
				return &faultError{kind: blankText}
			}
			r.search().text = v
			return nil
		},
	}
	facetsParameter = Parameter{
		Name: "facets", In: "query", Type: "string", Max: maxList, many: snapshot.MaxFacets,
		values: func(d catalog.Dataset) []string { return searchFieldNames(d, false) },
		Description: catalog.Text{
			ZH: "要统计取值的字段，用逗号分隔；统计某字段时不计该字段自身的筛选",
			EN: "Fields whose values are counted, set apart by commas; the filters by a field do not count for its own values",
		},
		set: func(r *request, v string) error {
			names, fault := items(v, snapshot.MaxFacets)
			if fault != nil {
				return fault
			}
			for _, name := range names {
				f, ok := snapshot.LookupSearchField(r.dataset.Name, name)
				if !ok || f.Name != name {
					known := searchFieldNames(r.dataset.Name, false)
					return &faultError{kind: unknownField, value: name, suggestion: closest(name, known), known: known}
				}
				a := r.search()
				a.facets = append(a.facets, f)
			}
			return nil
		},
	}
	fieldsParameter = Parameter{
		Name: "fields", In: "query", Type: "string", Max: maxList, many: maxItems,
		Description: catalog.Text{
			ZH: "只返回这些字段，用逗号分隔，如 title,organizations.name；总含 id",
			EN: "Return these fields alone, set apart by commas, such as title,organizations.name; id is always there",
		},
		set: func(r *request, v string) error {
			names, fault := items(v, maxItems)
			if fault != nil {
				return fault
			}
			p, err := snapshot.NewProjection(r.dataset.Name, names)
			if q, ok := errors.AsType[*snapshot.QueryError](err); ok {
				i := slices.IndexFunc(names, func(name string) bool {
					_, err := snapshot.NewProjection(r.dataset.Name, []string{name})
					return err != nil
				})
				return &faultError{kind: unknownField, value: names[i], suggestion: closest(names[i], q.Known), known: q.Known}
			}
			r.search().fields = p
			return err
		},
	}
	sortParameter = Parameter{
		Name: "sort", In: "query", Type: "string", Max: 64, values: orders,
		Description: catalog.Text{
			ZH: "排序：relevance、newest、name，或数值、日期字段，前加 - 为从大到小；默认有 q 时按相关度，否则按编号",
			EN: "Order: relevance, newest, name, or a field of numbers or dates, from its greatest with - before it; by default relevance with q, else the identifier",
		},
		set: func(r *request, v string) error {
			known := append([]string{snapshot.Relevance, snapshot.Newest, snapshot.ByName}, searchFieldNames(r.dataset.Name, true)...)
			if !slices.Contains(known, v) && !slices.Contains(known[3:], strings.TrimPrefix(v, "-")) {
				return &faultError{kind: badSort, value: v, suggestion: closest(v, known), known: known}
			}
			r.search().sort = v
			return nil
		},
	}
)

// orders returns the values of sort in d.
func orders(d catalog.Dataset) []string {
	all := []string{snapshot.Relevance, snapshot.Newest, snapshot.ByName}
	for _, name := range searchFieldNames(d, true) {
		all = append(all, name, "-"+name)
	}
	return all
}

// required returns p as a parameter that must be given.
func required(p Parameter) Parameter {
	p.Required = true
	return p
}

func searchFieldNames(d catalog.Dataset, ordered bool) []string {
	var names []string
	for _, f := range snapshot.SearchFields(d) {
		if f.Ordered || !ordered {
			names = append(names, f.Name)
		}
	}
	return names
}

// searchQuery returns the search that r asks for.
func (r *request) searchQuery() snapshot.Query {
	a := r.asked
	q := snapshot.Query{Text: a.text, Dataset: r.dataset.Name, Sort: a.sort, Limit: r.limit}
	slices.SortFunc(a.filters, func(a, b askedFilter) int { return a.order - b.order })
	for _, f := range a.filters {
		q.Filters = append(q.Filters, f.Filter)
	}
	for _, f := range a.facets {
		q.Facets = append(q.Facets, f.Name)
	}
	if r.hasCursor {
		q.After = snapshot.Mark{Key: r.cursor.key, ID: r.cursor.after}
	}
	return q
}

// digest names the search at path for its cursors: what is asked, but for how many
// records a page has.
func (r *request) digest(path []byte) (d [6]byte) {
	h := sha256.New()
	h.Write(path)
	for parameter := range strings.SplitSeq(string(r.query), "&") {
		if !strings.HasPrefix(parameter, limitParameter.Name+"=") {
			h.Write([]byte("\n" + parameter))
		}
	}
	copy(d[:], h.Sum(nil))
	return d
}

// search answers a search, in one dataset or across all of them.
func (h *Handler) search(r *request) error {
	snap, e := r.snap, r.edition
	self := append(r.buf[:0], r.collection()...)
	path := len(self)
	digest := r.digest(self)
	if r.hasCursor {
		if r.cursor.query != digest || !r.cursor.search {
			return parameterError([]faultError{{kind: otherCursor, name: cursorParameter.Name}})
		}
		var err error
		if snap, e, err = h.pinned(r); err != nil {
			return err
		}
	}
	self = appendQuery(self, path, r.query)
	before := len(self)
	if r.hasCursor {
		self = r.cursor.append(append(appendMark(self, path), "cursor="...))
	}
	q := r.searchQuery()
	found, err := snap.Search(q)
	if err != nil {
		return searchProblem(err)
	}
	// The wordings of codes come with the program, not with the release.
	if r.current(e, append(slices.Clone(self), catalog.Vocabulary()...), atLeast) {
		return nil
	}

	var next []byte
	if found.Next != (snapshot.Mark{}) {
		c := cursor{
			sequence: snap.Manifest().Sequence, release: e.release, letter: r.letter(),
			after: found.Next.ID, key: found.Next.Key, search: true, query: digest,
		}
		next = append(make([]byte, 0, before+160), self[:before]...)
		next = c.append(append(appendMark(next, path), "cursor="...))
	}
	var buf [64]byte
	meta := appendCounts(buf[:0], found.Total, r.limit, len(found.Entries))
	if meta, err = r.appendFindings(meta, snap, q, found); err != nil {
		return err
	}
	size := len(self) + len(next) + len(meta) + 1024
	for i := range found.Entries {
		size += len(found.Entries[i].Raw) + 128
	}
	b := append(r.body(size), `{"data":[`...)
	if b, err = r.appendHits(b, snap, found.Entries); err != nil {
		return err
	}
	b = append(append(append(append(b, `],`...), e.meta...), meta...), e.tail...)
	b = append(append(append(b, `,"links":{"self":"`...), e.base...), self...)
	if next == nil {
		b = append(b, `","next":null}}`...)
	} else {
		b = append(append(append(append(b, `","next":"`...), e.base...), next...), `"}}`...)
	}
	r.send(b)
	r.linkHeader(e, self, next)
	return nil
}

// letter returns what the cursors of r begin with: the letter of the dataset, or a
// star for all of them.
func (r *request) letter() byte {
	if r.dataset.Name == "" {
		return '*'
	}
	return r.dataset.Letter
}

// searchProblem says what the index finds wrong with a query.
func searchProblem(err error) error {
	q, ok := errors.AsType[*snapshot.QueryError](err)
	if !ok {
		return err
	}
	f := faultError{kind: badSearch, name: q.Part, message: q.Message}
	if q.Part == "after" {
		f = faultError{kind: badCursor, name: cursorParameter.Name}
	}
	return parameterError([]faultError{f})
}

// match is where the words of q stand in one value of a record.
type match struct {
	Field string `json:"field"`
	// Ranges in Unicode code points, the end excluded.
	Ranges [][2]int `json:"ranges"`
}

// appendHits appends the records of a page: the fields that were asked for and, where
// words were, where they stand.
func (r *request) appendHits(b []byte, snap *snapshot.Snapshot, entries []catalog.Entry) ([]byte, error) {
	var words *snapshot.Highlighter
	var err error
	if r.asked.text != "" {
		if words, err = snap.NewHighlighter(r.asked.text); err != nil {
			return b, err
		}
	}
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		if p := r.asked.fields; p == nil {
			b = append(b, e.Raw...)
		} else if b, err = p.Append(b, e); err != nil {
			return b, err
		}
		if words == nil {
			continue
		}
		found, err := words.Matches(e)
		if err != nil {
			return b, err
		}
		matches := make([]match, len(found))
		for i, m := range found {
			matches[i] = match{m.Field, slices.Clip(m.Ranges)}
		}
		text, err := catalog.Canonical(matches)
		if err != nil {
			return b, err
		}
		b = append(append(append(b[:len(b)-1], `,"match":`...), text...), '}')
	}
	return b, nil
}

// facetValue is a value of a field with the number of records that have it. A range
// has its ends as the parameters of a filter take them.
type facetValue struct {
	Value  string       `json:"value"`
	GTE    string       `json:"gte,omitzero"`
	LTE    string       `json:"lte,omitzero"`
	Label  catalog.Text `json:"label,omitzero"`
	Count  int          `json:"count"`
	Chosen bool         `json:"chosen"`
}

// hints is what would find something where nothing was found.
type hints struct {
	Filters []filterHint `json:"filters"`
	// Unfiltered is how many records are found without any filter.
	Unfiltered int        `json:"unfiltered,omitzero"`
	Words      []wordHint `json:"words"`
	Near       []wordHint `json:"near"`
}

// filterHint tells how many records are found without the filters by a field.
type filterHint struct {
	Field string       `json:"field"`
	Label catalog.Text `json:"label"`
	Count int          `json:"count"`
}

// wordHint tells how many are found without a word, or by another.
type wordHint struct {
	Text  string `json:"text"`
	Count int    `json:"count"`
}

// appendFindings appends the members of meta that only a search has.
func (r *request) appendFindings(b []byte, snap *snapshot.Snapshot, q snapshot.Query, found snapshot.Result) ([]byte, error) {
	if len(found.Facets) > 0 {
		all := map[string][]facetValue{}
		for i, facet := range found.Facets {
			f := r.asked.facets[i]
			values := make([]facetValue, len(facet.Values))
			for j, v := range facet.Values {
				values[j] = facetValue{v.Value, v.Least, v.Most, snap.Label(f, v.Value), v.Count, v.Chosen}
			}
			all[f.Name] = values
		}
		text, err := catalog.Canonical(all)
		if err != nil {
			return b, err
		}
		b = append(append(b, `,"facets":`...), text...)
	}
	if found.Total > 0 {
		return b, nil
	}
	h, err := snap.Hints(q)
	if err != nil {
		return b, searchProblem(err)
	}
	out := hints{Filters: []filterHint{}, Unfiltered: h.Unfiltered, Words: wordHints(h.Words), Near: wordHints(h.Near)}
	for _, f := range h.Filters {
		field, _ := snapshot.LookupSearchField(r.dataset.Name, f.Text)
		out.Filters = append(out.Filters, filterHint{f.Text, field.Label, f.Count})
	}
	text, err := catalog.Canonical(out)
	if err != nil {
		return b, err
	}
	return append(append(b, `,"hints":`...), text...), nil
}

func wordHints(all []snapshot.Hint) []wordHint {
	out := make([]wordHint, len(all))
	for i, h := range all {
		out[i] = wordHint{h.Text, h.Count}
	}
	return out
}
