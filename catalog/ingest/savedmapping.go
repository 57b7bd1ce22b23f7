package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
)

// SavedMapping is what a publisher's columns were found to mean, kept so that
// the next file of theirs is read alike and a changed one is noticed.
type SavedMapping struct {
	Publisher string          `json:"publisher"`
	Dataset   catalog.Dataset `json:"dataset"`
	// MadeOn is the day it was made, and Header the columns of the file it was
	// made from, in their order.
	MadeOn catalog.Date `json:"made_on"`
	Header []string     `json:"header"`
	// Columns maps column names to fields, as Options.Columns; "-" leaves a
	// column out. What it does not name is found by the known aliases.
	Columns map[string]string `json:"columns"`
}

// NewSavedMapping keeps what the columns of a report were found to mean. columns is
// the map they were read with.
func NewSavedMapping(r *Report, publisher string, d catalog.Dataset, columns map[string]string, madeOn catalog.Date) SavedMapping {
	s := SavedMapping{Publisher: publisher, Dataset: d, MadeOn: madeOn, Header: r.header(), Columns: columns}
	s.Columns = s.For(s.Header)
	return s
}

// header returns the columns of all files, each once.
func (r *Report) header() []string {
	var header []string
	seen := map[string]bool{}
	for _, c := range r.Columns {
		if key := foldHeader(c.Name); !seen[key] {
			seen[key] = true
			header = append(header, c.Name)
		}
	}
	return header
}

// Proposed returns columns with every unknown column of the report added: mapped to
// the field it most likely is where that is near certain, else to "-", which leaves
// it out.
func (r *Report) Proposed(columns map[string]string) map[string]string {
	all := maps.Clone(columns)
	if all == nil {
		all = map[string]string{}
	}
	for _, c := range r.Columns {
		if c.Use != Unknown {
			continue
		}
		if all[c.Name] = "-"; c.Proposal.Field != "" && c.Confidence >= Confident {
			all[c.Name] = c.Proposal.Field
		}
	}
	return all
}

// ReadSavedMapping reads what Encode wrote. A member or field it does not know
// is an error wrapping catalog.ErrInvalid.
func ReadSavedMapping(b []byte) (SavedMapping, error) {
	var s SavedMapping
	if err := json.Unmarshal(b, &s, json.RejectUnknownMembers(true)); err != nil {
		return s, fmt.Errorf("saved mapping: %w: %w", catalog.ErrInvalid, err)
	}
	return s, s.check()
}

// Encode returns the mapping as indented JSON, the same for the same mapping.
func (s SavedMapping) Encode() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(s, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("saved mapping: %w", err)
	}
	return append(b, '\n'), nil
}

func (s SavedMapping) check() error {
	if _, ok := s.Dataset.Info(); !ok {
		return fmt.Errorf("saved mapping: unknown dataset %q: %w", s.Dataset, catalog.ErrInvalid)
	}
	if !s.MadeOn.Valid() {
		return fmt.Errorf("saved mapping: made_on %q is not a date: %w", s.MadeOn, catalog.ErrInvalid)
	}
	if len(s.Header) > MaxColumns || len(s.Columns) > MaxColumns {
		return fmt.Errorf("saved mapping: more than %d columns: %w", MaxColumns, catalog.ErrInvalid)
	}
	names := foldedNames(s.Header)
	for _, column := range slices.Sorted(maps.Keys(s.Columns)) {
		if !names[foldHeader(column)] {
			return fmt.Errorf("saved mapping: column %q is not in its header: %w", column, catalog.ErrInvalid)
		}
	}
	_, err := newMapping(s.Dataset, s.Columns)
	return err
}

func foldedNames(header []string) map[string]bool {
	names := map[string]bool{}
	for _, name := range header {
		names[foldHeader(name)] = true
	}
	return names
}

// For returns the column map for a file with that header: what the mapping says
// of the columns the file has.
func (s SavedMapping) For(header []string) map[string]string {
	names := foldedNames(header)
	columns := map[string]string{}
	for column, field := range s.Columns {
		if names[foldHeader(column)] {
			columns[column] = field
		}
	}
	return columns
}

// What can have happened to a column since a mapping was saved.
const (
	ColumnNew     = "new"
	ColumnGone    = "gone"
	ColumnRenamed = "renamed"
)

// Drifted is one column that a file has otherwise than the one its publisher's
// mapping was made from.
type Drifted struct {
	Change string `json:"change"`
	// Column is its name in the file; of one that is gone, in the mapping.
	Column string `json:"column"`
	// Was is the name a renamed column had.
	Was string `json:"was,omitzero"`
	// Field and Use say what becomes of the column now; of one that is gone or
	// renamed, Lost is the field that it gave and that nothing in the file gives.
	Field string `json:"field,omitzero"`
	Use   Use    `json:"use,omitzero"`
	Lost  string `json:"lost,omitzero"`
}

// Drift compares the columns of a report with those a mapping was made from:
// renamed and new ones in the order of the file, then those that are gone. Width,
// case, spaces and asterisks make no other column.
func (s SavedMapping) Drift(r *Report) []Drifted {
	old, err := newMapping(s.Dataset, s.Columns)
	if err != nil {
		return nil
	}
	header := r.header()
	had, has := foldedNames(s.Header), foldedNames(header)
	var gone []string
	for _, name := range s.Header {
		if !has[foldHeader(name)] {
			gone = append(gone, name)
		}
	}
	given := map[string]bool{}
	now := map[string]target{}
	for _, c := range r.Columns {
		t := target{use: c.Use, name: c.Field}
		given[c.Field] = given[c.Field] || c.Use == Mapped || c.Use == Gate
		now[foldHeader(c.Name)] = t
	}
	lost := func(name string) string {
		if t := old.column(name); (t.use == Mapped || t.use == Gate) && !given[t.name] {
			return t.name
		}
		return ""
	}
	var out []Drifted
	for i, name := range header {
		if had[foldHeader(name)] {
			continue
		}
		t := now[foldHeader(name)]
		d := Drifted{Change: ColumnNew, Column: name, Field: t.name, Use: t.use}
		if at := renamedFrom(old, s.Header, gone, name, t, i); at >= 0 {
			d.Change, d.Was, d.Lost = ColumnRenamed, gone[at], lost(gone[at])
			gone = slices.Delete(gone, at, at+1)
		}
		out = append(out, d)
	}
	for _, name := range gone {
		out = append(out, Drifted{Change: ColumnGone, Column: name, Lost: lost(name)})
	}
	return out
}

// renamedFrom returns the index of the column among gone that name most likely
// is now: one of the same meaning, else one with a name like it, or -1.
func renamedFrom(old *mapping, was, gone []string, name string, t target, place int) int {
	best, most := -1, 0.0
	for i, g := range gone {
		score := similarity(foldHeader(name), foldHeader(g))
		before := old.column(g)
		switch {
		case before.use == Mapped && t.use == Mapped && before.name == t.name:
			score += 1
		case score < 0.5:
			continue
		}
		if place < len(was) && was[place] == g {
			score += 0.1
		}
		if score > most {
			best, most = i, score
		}
	}
	return best
}

// Text says in lang what happened to the column.
func (d Drifted) Text(lang string) string {
	var t catalog.Text
	switch d.Change {
	case ColumnRenamed:
		t = catalog.Text{ZH: fmt.Sprintf("“%s”改名为“%s”", d.Was, d.Column), EN: fmt.Sprintf("%q is now called %q", d.Was, d.Column)}
	case ColumnGone:
		t = catalog.Text{ZH: fmt.Sprintf("缺少“%s”列", d.Column), EN: fmt.Sprintf("the column %q is gone", d.Column)}
	default:
		t = catalog.Text{ZH: fmt.Sprintf("新增“%s”列", d.Column), EN: fmt.Sprintf("the column %q is new", d.Column)}
	}
	if d.Lost != "" {
		label := catalog.Text{ZH: d.Lost, EN: d.Lost}
		for info := range catalog.Datasets() { // a path means the same in each
			if f, ok := catalog.LookupField(info.Name, d.Lost); ok {
				label = f.Label
				break
			}
		}
		t.ZH += "，" + label.ZH + " 不再有来源"
		t.EN += ", and nothing gives " + label.EN
	}
	return strings.TrimSpace(t.In(lang))
}
