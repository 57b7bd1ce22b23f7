package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// Options says how files become records.
type Options struct {
	// Dataset of the rows.
	Dataset catalog.Dataset
	// Publisher owns the records; a slug such as luoyang-market.
	Publisher string
	// Columns maps column names to fields and goes before the known aliases. The
	// files must have the columns it names.
	Columns map[string]string
	// Known is what earlier files of the publisher were found to mean
	// (SavedMapping.Columns). It goes behind Columns, and the files may lack some.
	Known map[string]string
	// Replace makes the files the publisher's whole catalog: what they lack is
	// withdrawn.
	Replace bool
	// AllowShrink permits that more than a fifth of the publisher's records
	// disappear.
	AllowShrink bool
	// Withdraw and Restore name records to withdraw and to bring back.
	Withdraw []Withdrawal
	Restore  []catalog.ID
	// Sample marks the records as invented. Without it rows are refused that have one
	// of the titles Examples, those of a template's examples.
	Sample   bool
	Examples []string
	// Sheets names the sheets of workbooks to read; none means every visible one
	// that has a column the catalog knows.
	Sheets []string
	// Encoding of text tables; "" is AutoEncoding.
	Encoding Encoding
	// TempDir is where a workbook with very many texts puts them while it is read;
	// "" is the system's.
	TempDir string
	// Approvals are what second persons have let pass before, Lifts what one lets pass
	// now. A lift that meets no held row, or several, pulls a brake.
	Approvals *screen.Approvals
	Lifts     []Lift
	// Progress, unless nil, is told how many rows were read so far.
	Progress func(rows int)
}

// Withdrawal asks for a tombstone.
type Withdrawal struct {
	ID        catalog.ID
	Reason    string
	Successor catalog.ID
}

// Batch is a set of files of one dataset.
type Batch struct {
	Dataset catalog.Dataset
	Columns map[string]string
	Files   []File
}

// Import reads files into draft. The report tells the outcome of every row, as far
// as it came. An error means that nothing may be published: a file could not be
// read to its end, or a brake was pulled.
func Import(ctx context.Context, draft *catalog.Draft, files []File, opt Options) (*Report, error) {
	return ImportBatches(ctx, draft, []Batch{{opt.Dataset, opt.Columns, files}}, opt)
}

// ImportBatches is Import for several datasets at once, whose records may refer
// to one another.
func ImportBatches(ctx context.Context, draft *catalog.Draft, batches []Batch, opt Options) (*Report, error) {
	if err := opt.Encoding.check(); err != nil {
		return nil, err
	}
	im := &importer{draft: draft, opt: opt, report: &Report{}, columns: map[string]*Column{}, samples: map[string]*sample{}, taken: map[catalog.ID]*item{}}
	for _, id := range opt.Restore {
		if err := draft.Restore(id); err != nil {
			return nil, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "恢复 %s：没有撤回过这一条", EN: "restore %s: it is not withdrawn"}, id)
		}
	}
	number := 0
	for _, b := range batches {
		im.datasets = append(im.datasets, b.Dataset)
		var names []string
		for _, f := range b.Files {
			number++
			name, err := im.screenName(f.Name, number)
			if err != nil {
				return nil, err
			}
			names = append(names, name)
			if err := im.read(ctx, b, f, name); err != nil {
				return nil, ofFile(name, err)
			}
		}
		if err := im.missingColumns(b.Columns, names); err != nil {
			return nil, err
		}
	}
	if err := im.identify(); err != nil {
		return nil, err
	}
	if err := im.each(ctx, im.items, im.check); err != nil {
		return nil, err
	}
	refs, err := im.references()
	if err != nil {
		return nil, err
	}
	err = im.each(ctx, im.items, func(it *item) error {
		if len(it.refuse) == 0 {
			refs.resolve(it)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := im.screenRows(ctx, refs); err != nil {
		return nil, err
	}
	if err := im.each(ctx, im.items, im.encode); err != nil {
		return nil, err
	}
	im.proposeColumns()
	for _, it := range im.items {
		if err := im.decide(it); err != nil {
			return im.report, err
		}
	}
	return im.report, errors.Join(im.braked, im.withdraw())
}

// importer carries an import through its stages: read every row, name every
// record, check each alone, resolve what refers to what among those that pass,
// screen them, then decide in the order of the rows.
type importer struct {
	draft    *catalog.Draft
	opt      Options
	report   *Report
	datasets []catalog.Dataset
	items    []*item
	columns  map[string]*Column // by file and name
	samples  map[string]*sample // by file
	taken    map[catalog.ID]*item
	braked   error // what was found on the way, and stops all at the end
}

// item is one row on its way.
type item struct {
	file    string
	sheet   string
	number  int
	dataset catalog.Dataset
	origin  *origin
	draftRecord
	// refuse, when not empty, is why the row is refused.
	refuse []finding
	// hold is why it waits for a second person; let is what one let pass earlier, by
	// rule, and approved what one does now.
	hold     []doubt
	let      []string
	approved []Approved
	screened screen.Result
	// cells are what the rules say of its cells as they stand in the file.
	cells    []cellFinding
	redacted bool

	id     catalog.ID
	entry  catalog.Entry
	change catalog.Change
}

// readChunk is how many rows are taken in before their records are built: as many
// raw rows, blank ones included, are in memory at once.
const readChunk = 1024

// joinColumns adds to the columns that are known of a publisher those that the
// operator maps now, which go before.
func joinColumns(known, mapped map[string]string) map[string]string {
	columns := map[string]string{}
	maps.Copy(columns, known)
	maps.Copy(columns, mapped)
	return columns
}

// read takes in the rows of a file and builds their records on all processors. name
// is what the report calls it.
func (im *importer) read(ctx context.Context, b Batch, f File, name string) error {
	m, err := newMapping(b.Dataset, joinColumns(im.opt.Known, b.Columns))
	if err != nil {
		return err
	}
	mappings := map[catalog.Dataset]*mapping{b.Dataset: m}
	var chunk []*readRow
	build := func() error {
		items, err := im.build(ctx, name, chunk)
		im.items = append(im.items, items...)
		chunk = chunk[:0]
		if im.opt.Progress != nil {
			im.opt.Progress(len(im.items))
		}
		return err
	}
	note := func(sheet string, number int, n finding) {
		im.report.Notes = append(im.report.Notes, Line{File: name, Sheet: sheet, Row: number, Column: n.column, Rule: n.rule, Message: n.en, MessageZH: n.zh})
	}
	var beside asides
	s := &source{file: f, opt: &im.opt, mapping: m, note: note, header: func(h Header) {
		h.File = name
		im.report.Headers = append(im.report.Headers, h)
	}, asides: beside.screen}
	for r, err := range s.rows(ctx) {
		if cause := cmp.Or(ctx.Err(), beside.marked); cause != nil {
			return cause
		}
		bad, ok := errors.AsType[*rowError](err)
		if err != nil && !ok {
			return err
		}
		dataset := b.Dataset
		if r.origin != nil {
			dataset = r.origin.entry.Dataset // the records of a bundle know theirs
		}
		if mappings[dataset] == nil {
			if mappings[dataset], err = newMapping(dataset, nil); err != nil {
				return err
			}
		}
		if chunk = append(chunk, &readRow{row: r, mapping: mappings[dataset], bad: bad}); len(chunk) == readChunk {
			if err := build(); err != nil {
				return err
			}
		}
	}
	if err := cmp.Or(beside.marked, build()); err != nil {
		return err
	}
	for _, n := range beside.notes() {
		note("", 0, n)
	}
	return nil
}

// readRow is a row as it was read, with what is wrong with it.
type readRow struct {
	row
	mapping *mapping
	bad     *rowError
	item    *item
}

// build makes items of the rows of a chunk that are not blank.
func (im *importer) build(ctx context.Context, file string, chunk []*readRow) ([]*item, error) {
	err := each(ctx, chunk, 64, func(r *readRow) error {
		if r.bad == nil {
			r.bad, _ = errors.AsType[*rowError](r.open())
		}
		if r.bad == nil && blank(r.row) {
			return nil
		}
		r.item = &item{file: file, sheet: r.sheet, number: r.number, dataset: r.mapping.dataset, origin: r.origin}
		if r.bad != nil {
			r.item.number = r.bad.number
			r.item.refuse = []finding{{r.bad.atColumn, r.bad.rule, r.bad.zh, r.bad.en}}
			return nil //nolint:nilerr // the fault is the row's outcome and stops nothing
		}
		// The cells first: a column whose name must not be shown has another from there.
		r.item.cells = screenCells(r.mapping, r.row)
		r.item.draftRecord, r.item.refuse = build(r.mapping, r.row)
		r.item.refuse = append(r.refused, r.item.refuse...)
		if r.origin != nil && r.item.record != nil {
			r.origin.restore(r.item.record)
		}
		r.item.notes = append(r.notes, r.item.notes...)
		return nil
	})
	var items []*item
	for _, r := range chunk {
		if r.item != nil {
			im.count(file, r)
			items = append(items, r.item)
		}
	}
	return items, err
}

// each calls do for every item on all processors.
func (im *importer) each(ctx context.Context, items []*item, do func(*item) error) error {
	return each(ctx, items, 256, do)
}

func each[T any](ctx context.Context, all []T, at int, do func(T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for chunk := range slices.Chunk(all, at) {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, v := range chunk {
				if err := do(v); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func blank(r row) bool {
	return !slices.ContainsFunc(r.cells, func(c cell) bool { return !c.empty() })
}

// count keeps the tally of columns for the report, and the first rows as a sample.
func (im *importer) count(file string, r *readRow) {
	sampled := im.samples[file]
	if sampled == nil {
		sampled = &sample{mapping: r.mapping}
		im.samples[file] = sampled
	}
	var values []string
	for _, c := range r.cells {
		key := file + "\n" + c.column
		col := im.columns[key]
		if col == nil {
			t := r.mapping.column(c.column)
			col = &Column{File: file, Dataset: r.mapping.dataset, Name: c.column, Field: t.name, Use: t.use, place: len(sampled.header)}
			im.columns[key] = col
			sampled.header = append(sampled.header, c.column)
		}
		if c.empty() {
			continue
		}
		col.Values++
		if c.personal {
			col.Personal++
		}
		if len(sampled.rows) < sampleRows {
			values = slices.Grow(values, max(0, col.place+1-len(values)))[:max(len(values), col.place+1)]
			values[col.place] = c.plain()
		}
	}
	if values != nil && r.item.record != nil {
		sampled.rows = append(sampled.rows, sampleRow{values, r.item})
	}
}

// proposeColumns lists the columns for the report, in the order of the files.
func (im *importer) proposeColumns() {
	for _, file := range slices.Sorted(maps.Keys(im.samples)) {
		s := im.samples[file]
		titled := false
		for i, p := range s.propose() {
			col := im.columns[file+"\n"+s.header[i]]
			col.Proposal = p
			im.report.Columns = append(im.report.Columns, *col)
			titled = titled || col.Field == "title"
		}
		if !titled {
			im.report.Notes = append(im.report.Notes, Line{
				File: file, Rule: "no_title",
				Message:   "no column is the title: see that the table begins with a row of column names, or map one with --columns",
				MessageZH: "没有一列是“名称”：请检查表格是否以列名开头，或用 --columns 指定",
			})
		}
	}
}

// missingColumns refuses a column map that names columns the files lack: it was
// made for others, and guessing would publish the wrong thing.
func (im *importer) missingColumns(columns map[string]string, files []string) error {
	seen := map[string]bool{}
	for _, file := range files {
		if s := im.samples[file]; s != nil {
			for _, name := range s.header {
				seen[foldHeader(name)] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		if len(seen) > 0 && !seen[foldHeader(name)] {
			return catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "列对应表写有“%s”列，文件中没有", EN: "the column map names %q, which the files lack"}, name)
		}
	}
	return nil
}

// check finds what is wrong with a record taken alone. References are judged when
// it is known which rows survive.
func (im *importer) check(it *item) error {
	if len(it.refuse) > 0 {
		return nil
	}
	if t, gone := im.draft.Tombstone(it.id); gone && t.Recalled {
		it.refuse = []finding{{
			"", "recalled",
			fmt.Sprintf("该条目已于 %s 收回，不能再发布", t.WithdrawnOn),
			fmt.Sprintf("recalled on %s; it cannot be published again", t.WithdrawnOn),
		}}
		return nil
	} else if gone {
		it.refuse = []finding{{
			"", "withdrawn",
			fmt.Sprintf("该条目已于 %s 撤回；要恢复请加 --restore %s", t.WithdrawnOn, t.ID),
			fmt.Sprintf("withdrawn on %s; to bring it back add --restore %s", t.WithdrawnOn, t.ID),
		}}
		return nil
	}
	if !im.opt.Sample && slices.Contains(im.opt.Examples, it.record.Head().Title) {
		it.refuse = []finding{{"title", "example", "示例行：请改写为自己的内容，或删去", "an example of the template: write over it, or delete the row"}}
		return nil
	}
	for _, p := range catalog.Validate(it.record) {
		if f, _ := catalog.LookupField(it.dataset, p.Field); f.Type != "ref" {
			it.refuse = append(it.refuse, finding{p.Field, p.Rule, p.Message.ZH, p.Message.EN})
		}
	}
	return nil
}

// encode makes the bytes of a record that will be published.
func (im *importer) encode(it *item) error {
	if it.stopped() {
		it.record = nil
		return nil
	}
	catalog.Verify(it.record)
	var err error
	it.entry, it.change, err = im.draft.Encode(it.record)
	it.record = nil // the bytes are what is needed from here on
	return err
}

func (im *importer) decide(it *item) error {
	if len(it.refuse) > 0 {
		im.report.add(it.file, it.sheet, it.number, Refused, it.id, it.refuse)
		return nil
	}
	if len(it.hold) > 0 {
		var findings []finding
		for _, d := range it.hold {
			findings = append(findings, d.finding)
		}
		im.report.add(it.file, it.sheet, it.number, Held, it.id, findings)
		return nil
	}
	if err := im.draft.Put(it.entry, it.change); err != nil {
		return err
	}
	outcome := Published
	if it.change == catalog.Unchanged {
		outcome = Unchanged
	}
	im.report.add(it.file, it.sheet, it.number, outcome, it.id, it.notes)
	im.report.Approved = append(im.report.Approved, it.approved...)
	if it.redacted {
		im.report.Totals.Redacted++
	}
	return nil
}
