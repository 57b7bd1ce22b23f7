package ingest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// Proposal is what a column most likely means.
type Proposal struct {
	// Field that an unknown column most likely is: a path of the dataset,
	// source_key or organizations[].uscc; empty where nothing fits. It is not used
	// until somebody maps the column.
	Field string `json:"field,omitzero"`
	// Confidence is 1 for a column that is known by name, and falls to 0.
	Confidence float64      `json:"confidence"`
	Reason     catalog.Text `json:"reason"`
	// Examples are up to three values of a column that becomes a field, from rows
	// that are published.
	Examples []string `json:"examples,omitempty"`
}

// Confident is the least confidence at which a proposal is better taken than
// asked about.
const Confident = 0.8

const (
	mostExamples  = 3
	exampleLength = 40 // characters
	// sampleRows is how many rows of a file proposals are made from.
	sampleRows = 200
)

// sample is the header of a file and some of its rows.
type sample struct {
	mapping *mapping
	header  []string
	rows    []sampleRow
}

// sampleRow holds the values of a row by the place of their column in the header.
type sampleRow struct {
	values []string
	item   *item
}

// propose says of every column what it most likely means: by its name, by a name
// like it, by the shape of its values in the rows that are published.
func (s *sample) propose() []Proposal {
	rows := make([][]string, 0, len(s.rows))
	for _, r := range s.rows {
		if !r.item.stopped() && !r.item.redacted {
			rows = append(rows, r.values)
		}
	}
	taken := map[string]bool{}
	for _, name := range s.header {
		if t := s.mapping.column(name); t.use == Mapped && !t.helper() && !t.field.Many() {
			taken[t.name] = true
		}
	}
	proposals := make([]Proposal, len(s.header))
	for i, name := range s.header {
		values := columnValues(rows, i)
		if t := s.mapping.column(name); t.use == Unknown {
			proposals[i] = guess(s.mapping, name, values, taken)
		} else {
			proposals[i] = knownColumn(s.mapping, name, t, values)
		}
	}
	return proposals
}

// columnValues returns the values of a column that say something.
func columnValues(rows [][]string, i int) []string {
	var values []string
	for _, row := range rows {
		if i < len(row) && strings.TrimSpace(row[i]) != "" && !isBlankWord(row[i]) {
			values = append(values, row[i])
		}
	}
	return values
}

// knownColumn describes a column whose name is known.
func knownColumn(m *mapping, name string, t target, values []string) Proposal {
	p := Proposal{Confidence: 1}
	_, explicit := m.explicit[foldHeader(name)]
	switch {
	case t.use == Dropped:
		p.Reason = catalog.Text{ZH: "从不公开的列", EN: "a column that is never public"}
		return p
	case t.use == Unused:
		p.Reason = catalog.Text{ZH: "目录中没有位置", EN: "has no place in the catalog"}
		return p
	case t.use == Gate:
		p.Reason = catalog.Text{ZH: "决定一行可否公开", EN: "decides whether a row may be published"}
		return p
	case explicit:
		p.Reason = catalog.Text{ZH: "由列对应表指定", EN: "given in the column map"}
	default:
		p.Reason = catalog.Text{ZH: "列名已知", EN: "known by name"}
	}
	if t.helper() {
		return p
	}
	if t.hint.scale > 0 && t.field.Type == "money" {
		p.Reason.ZH += "，单位取自表头"
		p.Reason.EN += ", the unit is the header's"
	}
	if understood := countConverted(t, values); len(values) >= 4 && understood*2 < len(values) {
		p.Confidence = 0.6
		p.Reason.ZH += fmt.Sprintf("；但 %d 个取值只认得 %d 个", len(values), understood)
		p.Reason.EN += fmt.Sprintf("; but of %d values only %d are understood", len(values), understood)
	}
	p.Examples = examples(values)
	return p
}

// countConverted returns how many values the target's field understands.
func countConverted(t target, values []string) int {
	n := 0
	for _, v := range values {
		var ok bool
		if t.field.Many() {
			got, _ := convertMany(t.field, v, t.hint)
			ok = slices.ContainsFunc(got, func(v any) bool { return v != nil })
		} else {
			got, _ := convert(t.field, v, t.hint)
			ok = got != nil
		}
		if ok {
			n++
		}
	}
	return n
}

// examples returns a few values as they may be shown to the operator.
func examples(values []string) []string {
	var out []string
	for _, v := range values {
		text, _ := normalizeText(v, false)
		if text == "" || len(screen.Text(screen.HiddenCell, text)) > 0 {
			continue
		}
		if runes := []rune(text); len(runes) > exampleLength {
			text = string(runes[:exampleLength]) + "…"
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
		if len(out) == mostExamples {
			break
		}
	}
	return out
}

// guess proposes a meaning for a column nobody knows.
func guess(m *mapping, name string, values []string, taken map[string]bool) Proposal {
	p := Proposal{Reason: catalog.Text{ZH: "不认识这一列", EN: "nothing is known of this column"}}
	personal := countOf(values, isPersonal)
	if personal*5 > len(values) {
		p.Reason = catalog.Text{ZH: "取值像电话、邮箱或证件号，不应公开", EN: "the values look like telephone numbers, e-mail addresses or identity numbers: not to be public"}
		p.Confidence = 0.9
		return p
	}
	base, said := headerHint(foldHeader(name))
	byName, score, use := likeliest(m, base)
	switch use {
	case Dropped:
		p.Reason = catalog.Text{ZH: "列名像从不公开的列", EN: "its name is like that of a column that is never public"}
		p.Confidence = score
		return p
	case Gate:
		p.Reason = catalog.Text{ZH: "列名像决定一行可否公开的列，而未据以把关：请核对，是则改用“密级”“是否公开”一类列名", EN: "its name is like that of a column that decides about publication, and it was not asked: check it, and if it does, call it Secrecy level or Publishable"}
		p.Confidence = score
		return p
	default:
	}
	byShape := shapeOf(m.dataset, values, said)
	best := candidate{}
	switch {
	case byName.path != "" && byName.path == byShape.path:
		best = byName
		best.score = min(0.95, byName.score+0.2)
		best.why = catalog.Text{ZH: byName.why.ZH + "，" + byShape.why.ZH, EN: byName.why.EN + ", and " + byShape.why.EN}
	case byShape.score > byName.score:
		best = byShape
	default:
		best = byName
	}
	if best.path != "" && !taken[best.path] {
		p.Field, p.Confidence, p.Reason = best.path, best.score, best.why
	}
	return p
}

func countOf(values []string, is func(string) bool) int {
	n := 0
	for _, v := range values {
		if is(v) {
			n++
		}
	}
	return n
}

// candidate is a field with a score and the reason for it.
type candidate struct {
	path  string
	score float64
	why   catalog.Text
}

// likeliest finds the known name that is most like a folded one, and the use of the
// column of that name.
func likeliest(m *mapping, key string) (best candidate, score float64, use Use) {
	name, path := "", ""
	consider := func(known, to string, as Use) {
		s := similarity(key, known)
		if s > score || s == score && s > 0 && cmp.Or(cmp.Compare(len(known), len(name)), cmp.Compare(known, name)) < 0 {
			score, name, path, use = s, known, to, as
		}
	}
	for k, t := range loadAliases() {
		if k.dataset != "" && k.dataset != m.dataset || t.use == Unused {
			continue
		}
		if _, own := loadAliases()[aliasKey{m.dataset, k.name}]; own && k.dataset == "" {
			continue
		}
		if _, ok := m.targetOf(t.name); ok && t.name != "" || t.use != Mapped {
			consider(k.name, t.name, t.use)
		}
	}
	for _, f := range catalog.Fields(m.dataset) {
		if !f.Assigned() {
			consider(foldHeader(f.Label.ZH), f.Path, Mapped)
			consider(foldHeader(f.Label.EN), f.Path, Mapped)
		}
	}
	if score < 0.6 {
		return candidate{}, 0, Unknown
	}
	// A word more or less makes another thing of an English name.
	if score = min(0.85, score*0.9); isASCII(key) {
		score = min(0.7, score)
	}
	return candidate{path, score, catalog.Text{ZH: fmt.Sprintf("列名与“%s”相近", name), EN: fmt.Sprintf("its name is like %q", name)}}, score, use
}

// similarity is 1 for equal names and 0 for names with nothing in common: by
// edits, or by one name containing the other.
func similarity(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	if len(x) < len(y) {
		x, y = y, x
	}
	if len(y) < 2 || len(x) > 64 {
		return 0
	}
	longest := float64(len(x))
	if strings.Contains(string(x), string(y)) {
		return 0.55 + 0.45*float64(len(y))/longest
	}
	// Fewer than half the characters can be right.
	if len(x) >= 2*len(y) {
		return 0
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, q := range y {
			cost := diagonal
			if r != q {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return 1 - float64(row[len(y)])/longest
}

var (
	urlShape = regexp.MustCompile(`^https?://\S+$|^www\.\S+$`)
	trlShape = regexp.MustCompile(`(?i)^trl\s*-?\d`)
)

// shapeFields are the fields that values of a kind most likely belong to, by
// dataset; "" is for all others.
var shapeFields = map[string]map[catalog.Dataset]string{
	"date": {
		catalog.Achievements: "completed_on", catalog.Demands: "deadline", catalog.Events: "starts_on", catalog.Notices: "opens_on", catalog.Policies: "issued_on",
		catalog.Catalogs: "issued_on", catalog.Cases: "happened_on", catalog.Experts: "appointed_on", catalog.Organizations: "as_of", "": "valid_until",
	},
	"money":        {catalog.Achievements: "price", catalog.Demands: "budget", catalog.Notices: "price", catalog.Policies: "amount"},
	"url":          {catalog.Organizations: "website", catalog.Notices: "url", catalog.Cases: "sources[].url"},
	"patent":       {catalog.Achievements: "ip[].number", "": "relations[].value"},
	"uscc":         {catalog.Organizations: "uscc", "": orgCode},
	"trl":          {catalog.Achievements: "trl"},
	"organization": {catalog.Organizations: "title", catalog.Services: "provider.name", "": "organizations[].name"},
	"text":         {"": "abstract"},
}

// shapeOf proposes a field by what the values look like.
func shapeOf(d catalog.Dataset, values []string, said hint) candidate {
	if len(values) < 3 {
		return candidate{}
	}
	share := func(is func(string) bool) float64 { return float64(countOf(values, is)) / float64(len(values)) }
	field := func(shape string) string {
		path := shapeFields[shape][d]
		if path == "" {
			path = shapeFields[shape][""]
		}
		if _, ok := catalog.LookupField(d, path); !ok && (path != orgCode || !hasOrganizations(d)) {
			return ""
		}
		return path
	}
	best := candidate{}
	offer := func(path string, score float64, zh, en string) {
		if path != "" && score > best.score {
			best = candidate{path, score, catalog.Text{ZH: zh, EN: en}}
		}
	}
	if s := share(func(v string) bool { return len(codesIn(v)) == 1 && catalog.ValidUSCC(codesIn(v)[0]) }); s >= 0.6 {
		offer(field("uscc"), 0.6+0.3*s, "取值是统一社会信用代码", "the values are unified social credit codes")
	}
	if s := share(func(v string) bool { _, check := catalog.CheckPatent(v); return check != catalog.CheckNone }); s >= 0.5 {
		offer(field("patent"), 0.55+0.3*s, "取值是专利号", "the values are patent numbers")
	}
	if s := share(trlShape.MatchString); s >= 0.6 {
		offer(field("trl"), 0.6+0.2*s, "取值是技术就绪度", "the values are readiness levels")
	}
	if s := share(func(v string) bool { return urlShape.MatchString(strings.TrimSpace(v)) }); s >= 0.6 {
		offer(field("url"), 0.5+0.2*s, "取值是网址", "the values are web addresses")
	}
	if s := share(func(v string) bool { _, _, ok := parseMoney(v, said); return ok }); s >= 0.6 {
		offer(field("money"), 0.45+0.2*s, "取值是金额", "the values are amounts of money")
	}
	if s := share(func(v string) bool { got, _ := parseDates(v, said.roc); return len(got.from) > len("2006") }); s >= 0.7 {
		offer(field("date"), 0.3+0.1*s, "取值是日期", "the values are dates")
	}
	offer2 := codeShape(d, values)
	offer(offer2.path, offer2.score, offer2.why.ZH, offer2.why.EN)
	if s := share(endsLikeOrganization); s >= 0.6 {
		offer(field("organization"), 0.45+0.2*s, "取值是机构名称", "the values are names of organizations")
	}
	if s := share(func(v string) bool { return utf8.RuneCountInString(v) >= 60 }); s >= 0.6 {
		offer(field("text"), 0.3+0.1*s, "取值是较长的文字", "the values are long texts")
	}
	return best
}

func endsLikeOrganization(v string) bool {
	text := []rune(strings.TrimSpace(v))
	if len(text) < 4 || len(text) > 200 {
		return false
	}
	for i, r := range text {
		text[i] = foldRune(r)
	}
	for _, e := range loadOrgWords().endings[text[len(text)-1]] {
		if len(e.word) >= 2 && endsWithRunes(text, e.word) && len(text) >= len(e.word)+2 {
			return true
		}
	}
	return false
}

// codeShape proposes the field whose code list has most of the values.
func codeShape(d catalog.Dataset, values []string) candidate {
	const enough = 60
	distinct := slices.Compact(slices.Sorted(slices.Values(values)))
	if values = distinct; len(distinct) > enough {
		values = distinct[:enough]
	}
	best := candidate{}
	for _, f := range catalog.Fields(d) {
		list := f.List
		if f.Type == "coded" {
			list = schemeOf(f)
		}
		if list == "" || f.Assigned() || strings.HasPrefix(f.Path, "relations") {
			continue
		}
		l := catalog.LookupCodeList(list)
		n := 0
		for _, v := range values {
			if code, _ := matchCode(l, v); code != "" {
				n++
			}
		}
		share := float64(n) / float64(len(values))
		if share < 0.6 || len(distinct) < 2 {
			continue
		}
		if score := 0.4 + 0.3*share; score > best.score {
			best = candidate{f.Path, score, catalog.Text{ZH: fmt.Sprintf("取值在代码表“%s”中", l.Title.ZH), EN: "the values are in the code list " + list}}
		}
	}
	return best
}
