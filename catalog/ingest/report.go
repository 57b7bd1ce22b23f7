package ingest

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"luoshu/catalog"
)

// Outcome is what became of a row. Every row has exactly one.
type Outcome string

// The outcomes of a row.
const (
	Published Outcome = "published"
	Unchanged Outcome = "unchanged"
	// Held waits for a second person.
	Held    Outcome = "held"
	Refused Outcome = "refused"
)

// Report tells what an import did or would do.
type Report struct {
	Totals  Totals   `json:"totals"`
	Rows    []Line   `json:"rows"`
	Columns []Column `json:"columns"`
	// Headers say where the columns stand, table by table.
	Headers []Header `json:"headers,omitempty"`
	// Notes say what concerns no row that has an outcome: where the header is, what
	// was passed over, sheets that were not read. They have no outcome.
	Notes []Line `json:"notes,omitempty"`
	// Withdrawn lists the identifiers the import withdraws.
	Withdrawn []catalog.ID `json:"withdrawn,omitempty"`
	// Approved lists what a second person let pass in this import.
	Approved []Approved `json:"approved,omitempty"`
	// StillPublic lists records whose rows were refused as not to be public, while
	// an earlier release shows them.
	StillPublic []catalog.ID `json:"still_public,omitempty"`
}

// Header is the header of a table in a file.
type Header struct {
	File    string         `json:"file"`
	Sheet   string         `json:"sheet"`
	Row     int            `json:"row"`
	Columns []HeaderColumn `json:"columns"`
}

// HeaderColumn is a column that has a name. Field is what it was mapped to.
type HeaderColumn struct {
	Letter string `json:"letter"`
	Name   string `json:"column"`
	Field  string `json:"field,omitzero"`
}

// Totals count rows, each once. Redacted rows are also counted as published or
// unchanged; all others add up to Read.
type Totals struct {
	Read      int `json:"read"`
	Published int `json:"published"`
	Unchanged int `json:"unchanged"`
	Held      int `json:"held"`
	Refused   int `json:"refused"`
	Redacted  int `json:"redacted"`
	Withdrawn int `json:"withdrawn"`
}

// Line says one thing about a row. A row of which there is nothing to say has
// one line without a rule; a row with three faults has three, all with the same
// outcome.
type Line struct {
	File      string     `json:"file"`
	Sheet     string     `json:"sheet"`
	Row       int        `json:"row"`
	Column    string     `json:"column"`
	Outcome   Outcome    `json:"outcome"`
	Rule      string     `json:"rule"`
	Message   string     `json:"message"`
	MessageZH string     `json:"message_zh"`
	ID        catalog.ID `json:"id,omitzero"`
}

// Text returns the line's message in lang.
func (l Line) Text(lang string) string {
	return catalog.Text{ZH: l.MessageZH, EN: l.Message}.In(lang)
}

// ColumnName returns what people call the column that l is about: by its name in the
// file, or by the label of its field where several columns give that, or none.
func (r *Report) ColumnName(l Line, lang string) string {
	d := l.ID.Dataset()
	given, name := 0, ""
	for _, c := range r.Columns {
		if c.File != l.File {
			continue
		}
		d = c.Dataset
		if c.Use == Mapped && c.Field == l.Column {
			given, name = given+1, c.Name
		}
	}
	f, ok := catalog.LookupField(d, l.Column)
	switch {
	case !ok:
		return l.Column
	case given == 1 && name != f.Path:
		name, _ = catalog.CleanText(name, false)
		return name
	}
	return f.Label.In(lang)
}

// add records the outcome of a row with everything to be said about it.
func (r *Report) add(file, sheet string, number int, o Outcome, id catalog.ID, findings []finding) {
	r.Totals.Read++
	switch o {
	case Published:
		r.Totals.Published++
	case Unchanged:
		r.Totals.Unchanged++
	case Held:
		r.Totals.Held++
	case Refused:
		r.Totals.Refused++
	}
	line := Line{File: file, Sheet: sheet, Row: number, Outcome: o, ID: id}
	if len(findings) == 0 {
		r.Rows = append(r.Rows, line)
	}
	for _, f := range findings {
		line.Column, line.Rule, line.Message, line.MessageZH = f.column, f.rule, f.en, f.zh
		r.Rows = append(r.Rows, line)
	}
}

// WriteCSV writes the rows as a table with a header, for a spreadsheet: with a byte
// order mark, by which Excel knows UTF-8, and with no cell that it would compute.
func (r *Report) WriteCSV(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	_ = out.Write([]string{"file", "sheet", "row", "column", "outcome", "rule", "message_zh", "message", "id"})
	for _, l := range r.Rows {
		cells := []string{l.File, l.Sheet, strconv.Itoa(l.Row), l.Column, string(l.Outcome), l.Rule, l.MessageZH, l.Message, string(l.ID)}
		for i := range cells {
			cells[i] = inert(cells[i])
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

// inert returns a text as a spreadsheet shows it and does not compute it: files name
// their sheets and columns as they like.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
