package opendata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// Parameters of what leads on: suggestions, relations and matches.
var (
	typedParameter = Parameter{
		Name: "q", In: "query", Type: "string", Max: 4 * snapshot.MaxQueryLength,
		Description: catalog.Text{
			ZH: "已输入的文字：汉字、全拼、首字母或混写；不给则返回最常用的词",
			EN: "What was typed: Chinese, Pinyin in full, initials or a mixture; without it the most frequent terms are suggested",
		},
		set: func(r *request, v string) error {
			r.search().text = v
			return nil
		},
	}
	inDatasetParameter = Parameter{
		Name: "dataset", In: "query", Type: "string", Max: 32, values: allDatasets,
		Description: catalog.Text{ZH: "只看这个数据集", EN: "In this dataset alone"},
		set: func(r *request, v string) error {
			info, ok := catalog.Dataset(v).Info()
			if !ok {
				return noDataset(v)
			}
			r.within = info.Name
			return nil
		},
	}
	suggestLimitParameter = limited(10, snapshot.MaxSuggestions, "最多条数", "Greatest number of suggestions")
	matchLimitParameter   = limited(5, snapshot.MaxMatches, "每一种最多条数", "Greatest number of each kind")
	linkLimitParameter    = limited(20, maxLimit, "每一种关联最多条数", "Greatest number along each kind of link")
)

func noDataset(v string) *faultError {
	names := allDatasets("")
	return &faultError{kind: badDataset, value: v, suggestion: closest(v, names), known: names}
}

// limited returns limitParameter with bounds of its own.
func limited(usual, most int, zh, en string) Parameter {
	p := limitParameter
	p.Max, p.Default, p.Description = most, strconv.Itoa(usual), catalog.Text{ZH: zh, EN: en}
	return p
}

// suggestion is an item of /api/v1/suggest.
type suggestion struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	TextEN string `json:"text_en,omitzero"`
	// ID is the record that a title or organization is of, in Dataset.
	ID      catalog.ID      `json:"id,omitzero"`
	Dataset catalog.Dataset `json:"dataset,omitzero"`
	Count   int             `json:"count"`
	// Matched is the wording that fits, Ranges what was typed of it.
	Matched string   `json:"matched"`
	Ranges  [][2]int `json:"ranges"`
}

// suggest answers /api/v1/suggest.
func (h *Handler) suggest(r *request) error {
	text := ""
	if r.asked != nil {
		text = r.asked.text
	}
	found, err := r.snap.Suggest(text, r.within, r.limit)
	if err != nil {
		return searchProblem(err)
	}
	items := make([]suggestion, len(found.Items))
	for i, s := range found.Items {
		items[i] = suggestion{
			Kind: s.Kind.String(), Text: s.Text, TextEN: s.TextEN, ID: s.ID, Dataset: s.Dataset, Count: s.Count,
			Matched: s.Matched, Ranges: [][2]int{},
		}
		if s.Highlight.To > s.Highlight.From {
			items[i].Ranges = append(items[i].Ranges, [2]int{s.Highlight.From, s.Highlight.To})
		}
	}
	meta := struct {
		NextKeys string `json:"next_keys"`
	}{found.Next}
	return r.tell(root+"/suggest", items, len(items), meta)
}

// links is an item of relations: the records along one kind of link.
type links struct {
	// Dataset is that of the records. Field holds the link: with Reverse it is a
	// field of theirs.
	Dataset catalog.Dataset `json:"dataset"`
	Field   string          `json:"field"`
	Reverse bool            `json:"reverse"`
	Type    string          `json:"type,omitzero"`
	Label   catalog.Text    `json:"label"`
	Total   int             `json:"total"`
	Records []rawRecord     `json:"records"`
	// Links has the list of all of them, where a filter makes it.
	Links map[string]string `json:"links,omitempty"`
}

// rawRecord is a record as it stands in lists.
type rawRecord []byte

func (r rawRecord) MarshalJSON() ([]byte, error) { return r, nil }

// relations answers /api/v1/{dataset}/{id}/relations.
func (h *Handler) relations(r *request) error {
	found, err := r.snap.Find(r.id)
	if err != nil || found.Dataset != r.dataset.Name {
		return h.lost(r, err)
	}
	all, err := r.snap.Relations(snapshot.RelationQuery{ID: r.id, Dataset: r.within, Limit: r.limit})
	if err != nil {
		return err
	}
	groups := make([]links, len(all))
	n := 0
	for i, l := range all {
		g := links{
			Dataset: l.Dataset, Field: strings.ReplaceAll(l.Field, "[]", ""), Reverse: l.Reverse, Type: l.Type, Label: l.Label,
			Total: l.Total, Records: make([]rawRecord, len(l.Entries)),
		}
		for j, e := range l.Entries {
			g.Records[j] = e.Raw
		}
		if _, ok := snapshot.LookupSearchField(l.Dataset, l.Field); ok && l.Reverse {
			g.Links = map[string]string{"all": r.edition.base + root + "/" + string(l.Dataset) + "?" + g.Field + "=" + url.QueryEscape(string(r.id))}
		}
		n += len(g.Records)
		groups[i] = g
	}
	record := string(appendRecordPath(nil, found.Dataset, found.ID))
	return r.tell(record+"/relations", groups, n, nil, link{"record", record})
}

// matched is an item of matches: a record that fits, and why.
type matched struct {
	Kind  snapshot.MatchKind `json:"kind"`
	Score int                `json:"score"`
	// Parts add up to Score.
	Parts  []part    `json:"parts"`
	Record rawRecord `json:"record"`
}

// part is one reason for a match.
type part struct {
	Name   string       `json:"name"`
	Points int          `json:"points"`
	Why    catalog.Text `json:"why"`
}

// recordMatches answers /api/v1/{dataset}/{id}/matches.
func (h *Handler) recordMatches(r *request) error {
	found, err := r.snap.Find(r.id)
	if err != nil || found.Dataset != r.dataset.Name {
		return h.lost(r, err)
	}
	all, err := r.snap.Matches(r.id, r.limit)
	if err != nil {
		return err
	}
	items := make([]matched, len(all))
	for i, m := range all {
		e, err := r.snap.Find(m.ID)
		if err != nil {
			return err
		}
		items[i] = matched{Kind: m.Kind, Score: m.Score, Parts: make([]part, len(m.Parts)), Record: e.Raw}
		for j, p := range m.Parts {
			items[i].Parts[j] = part(p)
		}
	}
	record := string(appendRecordPath(nil, found.Dataset, found.ID))
	return r.tell(record+"/matches", items, len(items), nil, link{"record", record})
}

// tell answers with data, a list of which the first are told and how many; more are
// members of meta besides.
func (r *request) tell(path string, data any, returned int, more any, links ...link) error {
	e := r.edition
	self := appendQuery(append(r.buf[:0], path...), len(path), r.query)
	text, err := catalog.Canonical(data)
	if err != nil {
		return err
	}
	// The wordings come with the program, not with the release.
	if r.current(e, append(slices.Clone(self), catalog.Vocabulary()...), len(text)) {
		return nil
	}
	meta := strconv.AppendInt([]byte(`,"limit":`), int64(r.limit), 10)
	meta = strconv.AppendInt(append(meta, `,"returned":`...), int64(returned), 10)
	if more != nil {
		members, err := catalog.Canonical(more)
		if err != nil {
			return err
		}
		meta = append(append(meta, ','), members[1:len(members)-1]...)
	}
	r.sendRaw(e.enclose(self, text, meta, append([]link{{"next", ""}}, links...)))
	r.linkHeader(e, self, nil)
	return nil
}
