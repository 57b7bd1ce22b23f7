// Package quality counts what the records of a release say about the release: how full
// their fields are, which codes, links and numbers do not hold, how old they are, and
// how far results are registered. It counts and does not judge, and the same release
// gives the same figures everywhere.
package quality

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	// maxExamples bounds the records that are named for one finding.
	maxExamples = 20
	// cancelEvery is the number of records after which the context is looked at.
	cancelEvery = 256
	// mergers is how many a link is followed through; the index stops there too.
	mergers = 8
)

// Report is what was counted in one release.
type Report struct {
	Totals   Totals    `json:"totals"`
	Datasets []Dataset `json:"datasets"`
	Links    Links     `json:"links"`
	// Codes has a member for each code list that values are of, by name.
	Codes []Codes `json:"codes"`
	// Rules are the rules of the schema that records break, ordered by dataset, field
	// and rule; empty is the usual case, since publishing refuses them.
	Rules []Rule `json:"rules"`
	// Checks are the numbers that can be verified by themselves.
	Checks       []Check      `json:"checks"`
	Registration Registration `json:"-"`
}

// Totals of the release.
type Totals struct {
	Records int `json:"records"`
	// Cells is the number of fields that publishers can fill, over all records; Filled
	// how many of them have a value.
	Cells  int `json:"cells"`
	Filled int `json:"filled"`
	// Publishers and Divisions count what records name.
	Publishers int `json:"publishers"`
	Divisions  int `json:"divisions"`
	// Expired counts records whose valid_until lies before the as-of day, Confirmed
	// those that say when they were last confirmed.
	Expired   int `json:"expired"`
	Confirmed int `json:"confirmed"`
}

// Dataset is what was counted in one dataset.
type Dataset struct {
	Name    catalog.Dataset `json:"name"`
	Records int             `json:"records"`
	// Fields are those that publishers can fill, in the order of the schema.
	Fields []Field `json:"fields"`
	// Ages tell how old the records were when the release was published.
	Ages []Age `json:"ages"`
}

// Field is how many records of a dataset have at least one value at a path.
type Field struct {
	Path    string `json:"path"`
	Records int    `json:"records"`
}

// Age counts the records that had last changed at most so many days before the
// release, and more than those of the Age before. The last one has no bound.
type Age struct {
	Days    int `json:"days,omitzero"`
	Records int `json:"records"`
}

// ages are the bounds, in days.
var ages = []int{30, 90, 180, 365, 0}

// Links counts the values that name another record of the catalog.
type Links struct {
	Checked int `json:"checked"`
	// Moved lead to a record by way of those it was merged into.
	Moved  int `json:"moved"`
	Broken int `json:"broken"`
	// Examples are the first links to nothing.
	Examples []Link `json:"examples,omitempty"`
}

// Link is a link to nothing.
type Link struct {
	Record catalog.ID `json:"record"`
	Field  string     `json:"field"`
	Value  string     `json:"value"`
	// Withdrawn says that there was a record of that name.
	Withdrawn bool `json:"withdrawn,omitzero"`
}

// Codes counts the values of a code list.
type Codes struct {
	List   string `json:"list"`
	Values int    `json:"values"`
	// Unknown are not in the list; Outdated are, but were no longer valid on the as-of day.
	Unknown  int `json:"unknown"`
	Outdated int `json:"outdated"`
}

// Rule is a rule of the schema with the records that break it.
type Rule struct {
	Dataset  catalog.Dataset `json:"dataset"`
	Field    string          `json:"field"`
	Rule     string          `json:"rule"`
	Records  int             `json:"records"`
	Examples []catalog.ID    `json:"examples"`
}

// Check counts numbers that carry their own proof.
type Check struct {
	Field string `json:"field"`
	OK    int    `json:"ok"`
	Bad   int    `json:"bad"`
	// None have nothing to verify.
	None     int          `json:"none"`
	Examples []catalog.ID `json:"examples,omitempty"`
}

// The numbers that are checked, in this order.
const (
	rightNumber = iota
	relationNumber
	creditCode
	registrationNumber
)

var checkedFields = [...]string{
	rightNumber: "ip[].number", relationNumber: "relations[].value", creditCode: "uscc", registrationNumber: "registration.number",
}

// registrationForm is how a registration number (批准登记号) is built: three digits of
// the authority, four of the year, a letter for the kind, four of the serial number
// (科技成果登记办法, 国科发计字〔2000〕542号). It has no check digit.
var registrationForm = regexp.MustCompile(`^[0-9]{3}(?:19|20)[0-9]{2}[A-Z][0-9]{4}$`)

// Measure counts s. It takes some 20 microseconds a record and memory for the figures
// alone, besides the names of the organizations under way. It stops when ctx ends; any
// other error wraps catalog.ErrDamaged.
func Measure(ctx context.Context, s *snapshot.Snapshot) (*Report, error) {
	m := &measuring{
		release: s, asOf: s.Manifest().AsOf,
		report:     &Report{Checks: make([]Check, len(checkedFields))},
		codes:      map[string]*Codes{},
		rules:      map[ruleKey]*Rule{},
		publishers: map[string]bool{}, divisions: map[string]bool{},
		registers: newRegister(),
	}
	for i, f := range checkedFields {
		m.report.Checks[i].Field = f
	}
	for info := range catalog.Datasets() {
		if err := m.dataset(ctx, info.Name); err != nil {
			return nil, fmt.Errorf("quality: %s: %w", info.Name, err)
		}
	}
	return m.finish(), nil
}

type ruleKey struct {
	dataset     catalog.Dataset
	field, rule string
}

// measuring is a report as it grows.
type measuring struct {
	release               *snapshot.Snapshot
	asOf                  catalog.Date
	report                *Report
	codes                 map[string]*Codes
	rules                 map[ruleKey]*Rule
	publishers, divisions map[string]bool
	registers             *register
}

func (m *measuring) dataset(ctx context.Context, name catalog.Dataset) error {
	d := Dataset{Name: name, Ages: make([]Age, len(ages))}
	for i, days := range ages {
		d.Ages[i].Days = days
	}
	v := newVisitor(name)
	v.found = m.value
	filled := make([]int, len(v.fields))
	for e := range m.release.All(name) {
		if d.Records%cancelEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		d.Records++
		if err := v.visit(e); err != nil {
			return err
		}
		for i, has := range v.present {
			if has {
				filled[i]++
			}
		}
		r, err := catalog.Decode(name, e.Raw)
		if err != nil {
			return fmt.Errorf("%s: %w", e.ID, err)
		}
		m.record(r, v)
		d.Ages[m.age(r.Head().UpdatedAt)].Records++
	}
	for i, f := range v.fields {
		if f.Assigned() {
			continue
		}
		d.Fields = append(d.Fields, Field{f.Path, filled[i]})
		m.report.Totals.Cells += d.Records
		m.report.Totals.Filled += filled[i]
	}
	m.report.Totals.Records += d.Records
	m.report.Datasets = append(m.report.Datasets, d)
	return nil
}

// age returns which of ages a record is in that last changed at t. One that does not
// say changed with the release.
func (m *measuring) age(t time.Time) int {
	if t.IsZero() {
		return 0
	}
	old := m.release.Manifest().PublishedAt.Sub(t)
	for i, days := range ages[:len(ages)-1] {
		if old <= time.Duration(days)*24*time.Hour {
			return i
		}
	}
	return len(ages) - 1
}

// value counts a text that stands in a field of record id.
func (m *measuring) value(id catalog.ID, f *catalog.Field, text []byte) {
	switch f.Type {
	case "code":
		m.code(f.List, string(text))
	case "ref":
		m.link(id, f.Path, string(text))
	}
}

func (m *measuring) code(list, code string) {
	c := m.codes[list]
	if c == nil {
		c = &Codes{List: list}
		m.codes[list] = c
	}
	c.Values++
	known, valid := m.lookup(list, code)
	switch {
	case !known:
		c.Unknown++
	case !valid:
		c.Outdated++
	}
}

// lookup reports whether list, which the catalog's profile may declare, has code, and
// whether that was valid on the as-of day.
func (m *measuring) lookup(list, code string) (known, valid bool) {
	if l := catalog.LookupCodeList(list); l != nil {
		c, ok := l.Lookup(code)
		return ok, c.ValidTo == "" || c.ValidTo >= m.asOf
	}
	for _, s := range m.release.Manifest().Schemes {
		if s.ID == list {
			return slices.ContainsFunc(s.Codes, func(c catalog.SchemeCode) bool { return c.Code == code }), true
		}
	}
	return false, false
}

func (m *measuring) link(from catalog.ID, field, value string) {
	l := &m.report.Links
	l.Checked++
	id := catalog.ID(value)
	var withdrawn bool
	for step := range mergers {
		if _, err := m.release.Find(id); err == nil {
			if step > 0 {
				l.Moved++
			}
			return
		}
		t, ok := m.release.Tombstone(id)
		withdrawn = withdrawn || ok
		if t.Successor == "" {
			break
		}
		id = t.Successor
	}
	l.Broken++
	if len(l.Examples) < maxExamples {
		l.Examples = append(l.Examples, Link{from, field, value, withdrawn})
	}
}

// record counts what needs a record as a whole.
func (m *measuring) record(r catalog.Record, v *visitor) {
	h := r.Head()
	m.publishers[h.Publisher] = true
	if h.Division != "" {
		m.divisions[h.Division] = true
	}
	if h.ValidUntil != "" && before(h.ValidUntil, m.asOf) {
		m.report.Totals.Expired++
	}
	if h.LastConfirmedOn != "" {
		m.report.Totals.Confirmed++
	}
	for _, coded := range [][]catalog.Coded{h.Industries, h.Disciplines, h.Schemes} {
		for _, c := range coded {
			m.code(c.Scheme, c.Code)
		}
	}
	for _, l := range h.Relations {
		if l.Scheme == "record" {
			m.link(h.ID, checkedFields[relationNumber], l.Value)
		} else {
			m.check(relationNumber, h.ID, l.Check)
		}
	}
	switch r := r.(type) {
	case *catalog.Achievement:
		for _, p := range r.IP {
			m.check(rightNumber, h.ID, p.Check)
		}
		if r.Registration != nil && r.Registration.Number != "" {
			m.check(registrationNumber, h.ID, verdict(registrationForm.MatchString(r.Registration.Number)))
		}
		m.registers.add(r, v)
	case *catalog.Organization:
		if r.USCC != "" {
			m.check(creditCode, h.ID, verdict(catalog.ValidUSCC(r.USCC)))
		}
	}
	m.validate(r)
}

// before reports whether all of d lies before day: 2026 ends after 2026-03-01.
func before(d, day catalog.Date) bool {
	n := min(len(d), len(day))
	return d[:n] < day[:n]
}

func verdict(ok bool) string {
	if ok {
		return catalog.CheckOK
	}
	return catalog.CheckBad
}

func (m *measuring) check(which int, id catalog.ID, result string) {
	c := &m.report.Checks[which]
	switch result {
	case catalog.CheckOK:
		c.OK++
	case catalog.CheckBad:
		c.Bad++
		if len(c.Examples) < maxExamples && (len(c.Examples) == 0 || c.Examples[len(c.Examples)-1] != id) {
			c.Examples = append(c.Examples, id)
		}
	default:
		c.None++
	}
}

// validate holds a record to the rules that publishing held it to: the program may have
// other ones by now.
func (m *measuring) validate(r catalog.Record) {
	h := r.Head()
	var counted []ruleKey
	for _, p := range catalog.Validate(r) {
		k := ruleKey{h.Dataset, p.Field, p.Rule}
		if slices.Contains(counted, k) {
			continue
		}
		counted = append(counted, k)
		rule := m.rules[k]
		if rule == nil {
			rule = &Rule{Dataset: k.dataset, Field: k.field, Rule: k.rule}
			m.rules[k] = rule
		}
		rule.Records++
		if len(rule.Examples) < maxExamples {
			rule.Examples = append(rule.Examples, h.ID)
		}
	}
}

// finish puts everything in its order.
func (m *measuring) finish() *Report {
	r := m.report
	r.Totals.Publishers, r.Totals.Divisions = len(m.publishers), len(m.divisions)
	r.Codes = make([]Codes, 0, len(m.codes))
	for _, list := range slices.Sorted(maps.Keys(m.codes)) {
		r.Codes = append(r.Codes, *m.codes[list])
	}
	r.Rules = make([]Rule, 0, len(m.rules))
	for _, rule := range m.rules {
		r.Rules = append(r.Rules, *rule)
	}
	slices.SortFunc(r.Rules, func(a, b Rule) int {
		return cmp.Or(strings.Compare(string(a.Dataset), string(b.Dataset)), strings.Compare(a.Field, b.Field), strings.Compare(a.Rule, b.Rule))
	})
	r.Registration = m.registers.report(m.release)
	return r
}
