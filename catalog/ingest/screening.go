package ingest

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// screenRows looks at every record for what must not be published. Whatever it
// stops, nothing may refer to.
func (im *importer) screenRows(ctx context.Context, refs *references) error {
	if err := im.each(ctx, im.items, im.screenRow); err != nil {
		return err
	}
	sensitive := map[catalog.ID]bool{}
	for _, it := range im.items {
		if len(it.refuse) == 0 && it.screened.Sensitive() {
			sensitive[it.id] = true
		}
	}
	stopped := false
	for _, it := range im.items {
		if p, ok := it.record.(*catalog.Package); ok && len(it.refuse) == 0 {
			it.judge(im.opt, screen.Package(p, func(id catalog.ID) bool { return sensitive[id] }))
		}
	}
	im.lift()
	for _, it := range im.items {
		im.marked(it)
		if it.stopped() && refs.taken[it.id] {
			delete(refs.taken, it.id)
			stopped = true
		}
	}
	if !stopped {
		return nil
	}
	return im.each(ctx, im.items, func(it *item) error {
		if !it.stopped() {
			it.notes = append(it.notes, refs.link(it.record)...)
		}
		return nil
	})
}

// marked tells of a row with the mark of a secret whose record is public: an earlier
// release had it.
func (im *importer) marked(it *item) {
	if it.id == "" || im.draft.Base() == nil || !slices.ContainsFunc(it.refuse, func(f finding) bool { return f.rule == "M1" }) {
		return
	}
	if _, public := im.draft.Base().Find(it.id); public && !slices.Contains(im.report.StillPublic, it.id) {
		im.stillPublic(it, it.id)
	}
}

func (im *importer) screenRow(it *item) error {
	if len(it.refuse) == 0 {
		it.screened = screen.Record(it.record)
		it.judge(im.opt, it.screened.Findings)
	}
	it.judgeCells(im.opt)
	return nil
}

// screenCells looks at every cell of a row as it stands in the file, whatever
// becomes of its column: a mark that is not published is a mark on the row all the
// same, and so is one in a value that the record could not take.
//
// Where a column is published, marks and the words that hold a row count, and the
// numbers that refuse one; the rest is redacted in the record. Where it is not,
// only marks and words do. A person's data there goes nowhere (P6): the cell is
// counted. Columns of contacts are full of it, and that is what they are for.
func screenCells(m *mapping, r row) []cellFinding {
	var found []cellFinding
	for i := range r.cells {
		c := &r.cells[i]
		t := m.column(c.column)
		text := c.words()
		if t.hidden {
			text = c.column + "|" + text
			c.column = t.shown(c.column, i)
		}
		for _, f := range objections(screen.Cell, text) {
			f.Field = c.column
			personal := strings.HasPrefix(f.Rule, "P")
			switch {
			case personal && t.use != Mapped && t.use != Gate:
				c.personal = true
			case f.Action == screen.Refuse, !personal:
				found = append(found, cellFinding{f, t.use == Mapped})
			}
		}
	}
	return found
}

// cellFinding is what a rule says of a cell as it stands in the file.
type cellFinding struct {
	screen.Finding
	mapped bool // its column becomes a field
}

// words returns what a cell says.
func (c cell) words() string {
	if c.json == nil {
		return c.text
	}
	if !speaks(string(c.json)) && bytes.IndexByte(c.json, '\\') < 0 {
		return ""
	}
	return jsonWords(c.json)
}

// judgeCells adds what the rules say of the cells where the record they became does
// not say it already.
func (it *item) judgeCells(opt Options) {
	if len(it.cells) == 0 {
		return
	}
	refused := len(it.refuse) > 0
	cleared := it.record != nil && screen.Cleared(it.record)
	var news []screen.Finding
	for _, f := range it.cells {
		said := f.mapped && slices.ContainsFunc(it.screened.Findings, func(s screen.Finding) bool { return s.Rule == f.Rule && s.Action == f.Action })
		if said || f.Action == screen.Hold && (refused || cleared && f.Rule == "M6") {
			continue
		}
		news = append(news, f.Finding)
	}
	it.judge(opt, news)
	it.cells = nil
}

// judge turns what the rules found into what becomes of the row.
func (it *item) judge(opt Options, found []screen.Finding) {
	for _, f := range found {
		t := f.Text()
		says := finding{f.Field, f.Rule, t.ZH, t.EN}
		switch approval := opt.Approvals.Of(f, it.id); {
		case f.Action == screen.Refuse:
			it.refuse = append(it.refuse, says)
		case f.Action == screen.Hold && opt.Approvals.Has(approval):
			it.let = append(it.let, f.Rule)
		case f.Action == screen.Hold:
			it.hold = append(it.hold, doubt{says, approval})
		default:
			it.redacted = it.redacted || f.Action == screen.Redact
			it.notes = append(it.notes, says)
		}
	}
}

// stopped reports whether the row will not be published as it stands.
func (it *item) stopped() bool { return len(it.refuse) > 0 || len(it.hold) > 0 }

// screenName looks at what a file is called and returns what the report may call
// it. number counts the files. One that is marked is not read at all.
func (im *importer) screenName(name string, number int) (string, error) {
	base := filepath.Base(name)
	var found asides
	for _, f := range objections(screen.FileName, base) {
		if f.Action == screen.Refuse || f.Action == screen.Hold {
			// The name itself is what must not be shown.
			which := catalog.Text{ZH: fmt.Sprintf("第 %d 个文件的文件名", number), EN: fmt.Sprintf("the name of file %d", number)}
			return "", markedFile(aside{kind: which}, f.Rule)
		}
		found.screen(aside{kind: asFile, text: base})
	}
	base = ShownName(base)
	for _, n := range found.notes() {
		im.report.Notes = append(im.report.Notes, Line{File: base, Rule: n.rule, Message: n.en, MessageZH: n.zh})
	}
	return base, nil
}

// ScreenText looks at a text that the public reads beside the records, such as why
// one was withdrawn. what names it. The error wraps catalog.ErrInvalid and does not
// quote the text: nobody approves such a text, it is worded otherwise.
func ScreenText(what catalog.Text, text string) error {
	for _, f := range publicObjections(text) {
		r, _ := screen.LookupRule(f.Rule)
		found := r.Found()
		return catalog.NewTextError(catalog.ErrInvalid, catalog.Text{
			ZH: "%[1]s：%[3]s（%[5]s）。这段文字会公开，请改写", EN: "%[2]s: %[4]s (%[5]s). The public would read it: word it otherwise",
		}, what.ZH, what.EN, found.ZH, found.EN, f.Rule)
	}
	return nil
}

// publicObjections are the findings in a text that is published and is no record's.
// What a record would redact counts: there is nobody to redact it for.
func publicObjections(text string) []screen.Finding {
	return slices.DeleteFunc(screen.Text(screen.PublicText, text), func(f screen.Finding) bool {
		return f.Action == screen.Note && !strings.HasPrefix(f.Rule, "P")
	})
}

// ShownName returns what reports call a file: without its folder and without the
// data of persons in its name.
func ShownName(name string) string {
	name, _ = screen.Redacted(filepath.Base(name))
	return name
}

// Screened is a published record that the rules object to, a tombstone, or, without
// ID, the description of the catalog.
type Screened struct {
	ID       catalog.ID       `json:"id,omitzero"`
	Findings []screen.Finding `json:"findings"`
}

// ScreenRelease looks again at what is published, after the rules have changed. It
// returns what would not pass today: the description of the catalog, then records
// and tombstones by identifier.
func ScreenRelease(r *catalog.Release, approvals *screen.Approvals) ([]Screened, error) {
	var objected []Screened
	object := func(id catalog.ID, found []screen.Finding) {
		found = slices.DeleteFunc(found, func(f screen.Finding) bool { return approvals.Has(approvals.Of(f, id)) })
		if len(found) > 0 {
			objected = append(objected, Screened{id, found})
		}
	}
	beside := func(id catalog.ID, texts ...placedText) {
		var found []screen.Finding
		for _, t := range texts {
			for _, f := range publicObjections(t.text) {
				f.Field = t.path
				found = append(found, f)
			}
		}
		object(id, found)
	}
	beside("", profileTexts(&r.Manifest.Profile)...)
	for _, e := range r.Entries {
		record, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			return nil, err
		}
		object(e.ID, slices.DeleteFunc(screen.Record(record).Findings, func(f screen.Finding) bool { return f.Action == screen.Note }))
	}
	for _, t := range r.Manifest.Withdrawn {
		beside(t.ID, placedText{"withdrawn.title", t.Title}, placedText{"withdrawn.reason", t.Reason})
	}
	return objected, nil
}
