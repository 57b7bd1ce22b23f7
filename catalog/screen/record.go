package screen

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
)

// What stands where something was redacted, in Chinese and in English fields.
const (
	redactedZH = "〔已隐去〕"
	redactedEN = "[redacted]"
)

// Finding is what a rule found in one place. It never holds what was found.
type Finding struct {
	Rule   string `json:"rule"`
	Action Action `json:"action"`
	// Field is the path of the field in a record, or the Kind of a text outside.
	Field string `json:"field"`
	// Hash is set where a person can approve: the SHA-256, in hexadecimal, of the
	// text that would be published, which is the original unless a part of it was
	// redacted. There is none of what is refused or redacted, since a telephone or
	// identification number can be found again by its hash. A short text can, too: it
	// stays in the process, and what is kept is made of it with a key (Approvals).
	Hash string `json:"-"`
}

// Text says what was found and what to do.
func (f Finding) Text() catalog.Text {
	if f == together(f.Hash) {
		return togetherText
	}
	r, _ := LookupRule(f.Rule)
	return r.Text
}

// Result is the outcome of screening a record.
type Result struct {
	// Findings in the order of the fields, one for each rule, action and text.
	Findings []Finding
}

// Sensitive reports whether the record touches M5 or M6 without a clearance. It
// stays so when the record is approved: what is harmless alone can reveal
// something beside others (see Package).
func (r Result) Sensitive() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return (f.Rule == "M5" || f.Rule == "M6") && f.Action == Hold
	})
}

// Kind is a place of text outside the records.
type Kind string

// The kinds of text outside the records.
const (
	FileName   Kind = "file name"
	SheetName  Kind = "sheet name"
	HiddenCell Kind = "hidden cell"
	// Cell is a cell of a row as it stands in the file, whatever is published of it.
	Cell Kind = "cell"
	// ColumnName is the name of a column that means nothing to the catalog.
	ColumnName Kind = "column name"
	// PublicText is published beside the records: a reason, the name of the catalog.
	PublicText Kind = "public text"
)

// Text screens a text outside the records. Nothing of it can be redacted, so what a
// record would have redacted is a note; a refusal is of the whole file, or for a
// Cell of its row. The hash of a hold covers the text without the data of persons.
func Text(kind Kind, s string) []Finding {
	hits, _ := scan(s, policy{})
	if len(hits) == 0 {
		return nil
	}
	var c collector
	c.add(hits, string(kind), withoutPersons(s, hits))
	for i := range c.findings {
		if c.findings[i].Action == Redact {
			c.findings[i].Action = Note
		}
	}
	return c.findings
}

// withoutPersons returns s without what the rules on the data of persons found.
func withoutPersons(s string, hits []hit) string {
	hits = slices.Clone(hits)
	for i := range hits {
		if strings.HasPrefix(hits[i].rule, "P") {
			hits[i].action = Redact
		}
	}
	return replace(s, redactedZH, hits)
}

// Redacted returns s without the data of persons (P1 to P5 and P7), and reports
// whether anything was replaced: for what people type and somebody keeps, such as
// a log of searches.
func Redacted(s string) (text string, changed bool) {
	text, _, _ = redact(s, redactedZH, policy{kept: true})
	return text, text != s
}

// Record screens every text of r and redacts in place what the rules redact.
// What is redacted in a field of a fixed form (a web address, a telephone
// number) empties the field. Record runs after the texts were cleaned and the
// references resolved, and before the record is validated and encoded.
func Record(r catalog.Record) Result {
	s := screening{dataset: r.Head().Dataset}
	s.policy.organization = s.dataset == catalog.Organizations
	s.policy.cleared = Cleared(r)
	catalog.Rewrite(r, s.field)
	s.outsideSchema(r)
	if a, ok := r.(*catalog.Achievement); ok {
		s.novelty(a)
	}
	return Result{s.findings}
}

// Package returns a finding when a package brings together records that
// sensitive names (Result.Sensitive), since together they can reveal what none
// does alone. The approval is of this selection: another one asks again.
func Package(p *catalog.Package, sensitive func(catalog.ID) bool) []Finding {
	var touching []string
	for _, id := range p.Items {
		if sensitive(id) {
			touching = append(touching, string(id))
		}
	}
	if len(touching) == 0 {
		return nil
	}
	slices.Sort(touching)
	return []Finding{together(hash(strings.Join(touching, "\n")))}
}

func together(hash string) Finding { return Finding{"M6", Hold, "items[]", hash} }

var togetherText = catalog.Text{
	ZH: "成果包汇集了涉及武器装备用语或部队番号的条目，放在一起可能透露单条看不出的信息。请由复核人对整包批准",
	EN: "the package brings together entries that speak of weapons or name military units; together they may reveal what none does alone. A second person approves the package as a whole",
}

type screening struct {
	collector
	dataset catalog.Dataset
	policy  policy
	// settings counts the process settings in the texts that describe the record.
	settings int
}

// field screens one text of the schema and returns it as it is to be published.
func (s *screening) field(f catalog.Field, text string) string {
	pol, empties := s.policy, false
	switch f.Type {
	case "dataset", "digest", "code", "date", "time":
		return text // of a closed form, which validation holds them to
	case "uscc", "url", "phone":
		empties = true
	case "id", "ref", "slug":
		if id, err := catalog.ParseID(text); err == nil && id.Dataset() != catalog.Indicators {
			return text
		}
		s.fixed(text, f.Path)
		return text
	}
	pol.number = numbers[f.Path]
	placeholder := redactedZH
	if strings.HasSuffix(f.Path, "_en") {
		placeholder = redactedEN
	}
	out, hits, settings := redact(text, placeholder, pol)
	if empties && out != text {
		out = ""
	}
	s.add(hits, f.Path, out)
	switch f.Path {
	case "abstract", "advantages", "applications":
		s.settings += settings
	}
	return out
}

// numbers are the fields that hold a number somebody gave: of a project, a
// document, a right, a file. A mobile number there is held, not redacted.
var numbers = map[string]bool{
	"source_ids[]": true, "relations[].value": true, "relations[].normalized": true,
	"registration.number": true, "project_no": true, "ip[].number": true, "ip[].normalized": true,
	"designations[].doc_no": true, "doc_no": true, "issue_no": true,
}

// fixed screens a name that cannot be redacted without becoming another: what
// would be redacted refuses the record.
func (s *screening) fixed(text, path string) {
	hits, _ := scan(text, s.policy)
	for i := range hits {
		if hits[i].action == Redact {
			hits[i].action = Refuse
		}
	}
	s.add(hits, path, text)
}

// outsideSchema screens the texts that Rewrite does not reach: parts of values
// that the schema knows as a whole.
func (s *screening) outsideSchema(r catalog.Record) {
	line := func(path string, text *string) {
		if *text != "" {
			*text = s.field(catalog.Field{Path: path, Type: "line"}, *text)
		}
	}
	h := r.Head()
	for i := range h.Schemes {
		line("schemes[]", &h.Schemes[i].Scheme)
		line("schemes[]", &h.Schemes[i].Code)
	}
	money := func(path string, m *catalog.Money) {
		if m != nil {
			line(path, &m.Currency)
			line(path, &m.Basis)
			for _, v := range []float64{m.Min, m.Max} {
				if likeMobile(v) {
					s.add([]hit{{rule: "P2", action: Hold}}, path, strconv.FormatFloat(v, 'f', -1, 64))
				}
			}
		}
	}
	switch r := r.(type) {
	case *catalog.Achievement:
		money("price", r.Price)
	case *catalog.Demand:
		money("budget", r.Budget)
	case *catalog.Policy:
		money("amount", r.Amount)
	case *catalog.Notice:
		money("price", r.Price)
	}
	if len(h.Raw) == 0 {
		return
	}
	names := make([]string, 0, len(h.Raw))
	for name := range h.Raw {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		path := "raw"
		if _, known := catalog.LookupField(s.dataset, name); known {
			path = name
		} else {
			s.fixed(name, path)
		}
		text := h.Raw[name]
		line(path, &text)
		h.Raw[name] = text
	}
}

// likeMobile reports whether an amount has the form of a mobile number. Round
// ones, from millions, are amounts: a price of 13.8 billion is none by chance.
func likeMobile(v float64) bool {
	return v >= 130_0000_0000 && v < 200_0000_0000 && v == math.Trunc(v) && math.Mod(v, 1e6) != 0
}

// Cleared reports whether r names the clearance of its military-civil transfer, so
// that military words (M6) in it are no more than noted.
func Cleared(r catalog.Record) bool {
	var d *catalog.DualUse
	switch r := r.(type) {
	case *catalog.Achievement:
		d = r.DualUse
	case *catalog.Demand:
		d = r.DualUse
	}
	return d != nil && strings.TrimSpace(d.Clearance) != ""
}

// manySettings is how many process settings make a description that somebody
// could work by. The densest text of the demonstration without a right has 2.
const manySettings = 5

// novelty is M8. The hash covers every text that describes the achievement:
// whoever adds to one of them asks again.
func (s *screening) novelty(a *catalog.Achievement) {
	planned := a.IPFilingState == "planned"
	if !planned && (s.settings < manySettings || hasRight(a)) {
		return
	}
	path := "abstract"
	if planned {
		path = "ip_filing_state"
	}
	texts := strings.Join([]string{a.Title, a.TitleEN, a.Abstract, a.AbstractEN, a.Advantages, a.Applications}, "\x00")
	s.add([]hit{{rule: "M8", action: Hold}}, path, texts)
}

func hasRight(a *catalog.Achievement) bool {
	return a.IPFilingState == "filed" || a.IPFilingState == "granted" || len(a.IP) > 0 ||
		slices.ContainsFunc(a.Relations, func(r catalog.Relation) bool { return r.Type == "protected-by" })
}

// redact replaces what is to be redacted in s, and returns the hits in s as it
// was. It reads the result again until nothing is left, since what stood beside a
// redacted number may now stand free.
func redact(s, placeholder string, pol policy) (out string, hits []hit, settings int) {
	hits, settings = scan(s, pol)
	out = replace(s, placeholder, hits)
	for round := 0; out != s; round++ {
		again, _ := scan(out, pol)
		next := replace(out, placeholder, again)
		if next == out {
			// What holds or refuses a text only now, since a redaction has freed it,
			// does so at once, and not when the text is screened again.
			hits = append(hits, again...)
			break
		}
		if out = next; round == 8 {
			out = placeholder
		}
	}
	return out, hits, settings
}

// replace puts placeholder in the place of every hit to be redacted. Hits are in
// the order of their place; those that overlap are replaced as one.
func replace(s, placeholder string, hits []hit) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(hits); i++ {
		if hits[i].action != Redact {
			continue
		}
		from, to := hits[i].at, hits[i].end
		for i+1 < len(hits) && (hits[i+1].at < to || hits[i+1].action != Redact) {
			if i++; hits[i].action == Redact {
				to = max(to, hits[i].end)
			}
		}
		b.WriteString(s[done:from])
		b.WriteString(placeholder)
		done = to
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// collector gathers findings, each once.
type collector struct {
	findings []Finding
}

// add takes in the hits of one text. published is what will be shown of it.
func (c *collector) add(hits []hit, field, published string) {
	sum := ""
	for _, h := range hits {
		f := Finding{Rule: h.rule, Action: h.action, Field: field}
		if h.action == Hold {
			if published == "" {
				continue // nothing of it is shown
			}
			if sum == "" {
				sum = hash(published)
			}
			f.Hash = sum
		}
		if !slices.Contains(c.findings, f) {
			c.findings = append(c.findings, f)
		}
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
