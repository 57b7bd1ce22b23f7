package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
)

// Options says how files become records.
type Options struct {
	// Dataset of the rows.
	Dataset catalog.Dataset
	// Publisher owns the records; a slug such as luoyang-market.
	Publisher string
	// Columns maps column names to fields and goes before the known aliases.
	Columns map[string]string
	// Replace makes the files the publisher's whole catalog: what they lack is
	// withdrawn.
	Replace bool
	// AllowShrink permits that more than a fifth of the publisher's records
	// disappear.
	AllowShrink bool
	// Withdraw and Restore name records to withdraw and to bring back.
	Withdraw []Withdrawal
	Restore  []catalog.ID
	// Sample marks the records as invented.
	Sample bool
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

// ErrShrink stops an import that would make too much disappear.
var ErrShrink = fmt.Errorf("more than 20 %% of the publisher's records would disappear: %w", catalog.ErrInvalid)

// shrinkLimit is the share of a publisher's records that may disappear at once.
const shrinkLimit = 0.20

// Import reads files into draft. The report tells the outcome of every row. An
// error means that nothing may be published: a file could not be read to its
// end, or a brake was pulled.
func Import(ctx context.Context, draft *catalog.Draft, files []File, opt Options) (*Report, error) {
	return ImportBatches(ctx, draft, []Batch{{opt.Dataset, opt.Columns, files}}, opt)
}

// ImportBatches is Import for several datasets at once, whose records may refer
// to one another.
func ImportBatches(ctx context.Context, draft *catalog.Draft, batches []Batch, opt Options) (*Report, error) {
	im := &importer{draft: draft, opt: opt, report: &Report{}, columns: map[string]*Column{}, keys: map[string]catalog.ID{}, taken: map[catalog.ID]*item{}}
	for _, id := range opt.Restore {
		if err := draft.Restore(id); err != nil {
			return nil, fmt.Errorf("restore: %w", err)
		}
	}
	for _, b := range batches {
		for _, f := range b.Files {
			if err := im.read(ctx, b, f); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	if err := im.identify(); err != nil {
		return nil, err
	}
	if err := im.finish(ctx); err != nil {
		return nil, err
	}
	if err := im.withdraw(); err != nil {
		return im.report, err
	}
	for _, c := range slices.Sorted(maps.Keys(im.columns)) {
		im.report.Columns = append(im.report.Columns, *im.columns[c])
	}
	slices.SortStableFunc(im.report.Columns, func(a, b Column) int { return strings.Compare(a.File, b.File) })
	return im.report, nil
}

// importer carries an import through its stages: read every row, name every
// record, resolve what refers to what, then decide.
type importer struct {
	draft   *catalog.Draft
	opt     Options
	report  *Report
	items   []*item
	columns map[string]*Column
	// keys maps dataset and source key to the identifier, for "key:" references.
	keys  map[string]catalog.ID
	taken map[catalog.ID]*item
}

// item is one row on its way.
type item struct {
	file    string
	number  int
	dataset catalog.Dataset
	row     row // until the record is built
	draftRecord
	// refuse, when not empty, is why the row is refused.
	refuse []finding

	entry  catalog.Entry
	change catalog.Change
}

func (it *item) fail(e *rowError) {
	it.number = e.number
	it.refuse = []finding{{e.atColumn, e.rule, e.zh, e.en}}
}

// read takes in the rows of a file and builds their records on all processors.
func (im *importer) read(ctx context.Context, b Batch, f File) error {
	m, err := newMapping(b.Dataset, b.Columns)
	if err != nil {
		return err
	}
	first := len(im.items)
	for r, err := range readRows(f) {
		if cause := ctx.Err(); cause != nil {
			return cause
		}
		it := &item{file: f.Name, number: r.number, dataset: b.Dataset, row: r}
		if bad, ok := errors.AsType[*rowError](err); ok {
			it.fail(bad)
		} else if err != nil {
			return err
		}
		im.items = append(im.items, it)
		if im.opt.Progress != nil && len(im.items)%256 == 0 {
			im.opt.Progress(len(im.items))
		}
	}
	err = im.each(ctx, im.items[first:], func(it *item) error {
		if bad, ok := errors.AsType[*rowError](it.row.open()); ok {
			it.fail(bad)
		}
		if len(it.refuse) == 0 {
			it.draftRecord, it.refuse = build(m, it.row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, it := range im.items[first:] {
		im.count(m, f.Name, it.row, seen)
	}
	rows := slices.DeleteFunc(im.items[first:], func(it *item) bool { return len(it.refuse) == 0 && blank(it.row) })
	for _, it := range rows {
		it.row = row{}
	}
	im.items = im.items[:first+len(rows)]
	return missingColumns(b.Columns, seen)
}

// each calls do for every item on all processors.
func (im *importer) each(ctx context.Context, items []*item, do func(*item) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for chunk := range slices.Chunk(items, 256) {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, it := range chunk {
				if err := do(it); err != nil {
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

// count keeps the tally of columns for the report.
func (im *importer) count(m *mapping, file string, r row, seen map[string]bool) {
	for _, c := range r.cells {
		key := file + "\n" + c.column
		col := im.columns[key]
		if col == nil {
			t := m.column(c.column)
			col = &Column{File: file, Name: c.column, Field: t.name, Use: t.use}
			im.columns[key] = col
			seen[foldHeader(c.column)] = true
		}
		if !c.empty() {
			col.Values++
		}
	}
}

// missingColumns refuses a column map that names columns the file lacks: it was
// made for another file, and guessing would publish the wrong thing.
func missingColumns(columns map[string]string, seen map[string]bool) error {
	if len(seen) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		if !seen[foldHeader(name)] {
			return fmt.Errorf("the column map names %q, which the file lacks: %w", name, catalog.ErrInvalid)
		}
	}
	return nil
}

// identify gives every record its key and identifier, in the order of the rows.
func (im *importer) identify() error {
	sameKey := map[string][]*item{}
	for _, it := range im.items {
		if it.record == nil || len(it.refuse) > 0 {
			continue
		}
		h := it.record.Head()
		if strings.TrimSpace(h.Title) == "" {
			it.refuse = []finding{{"title", "required", "缺少名称", "a title is required"}}
			continue
		}
		if it.key == "" {
			it.key = derivedKey(it.record)
			group := string(it.dataset) + "\n" + it.key
			first, err := twin(sameKey[group], it)
			if err != nil {
				return err
			}
			if first != nil {
				it.refuse = []finding{{"", "duplicate_row",
					fmt.Sprintf("与第 %d 行内容相同，未重复发布", first.number),
					fmt.Sprintf("says the same as row %d, which is published once", first.number)}}
				continue
			}
			sameKey[group] = append(sameKey[group], it)
			if n := len(sameKey[group]); n > 1 {
				it.key += "\n" + strconv.Itoa(n)
			}
		}
		id, source, err := im.draft.Identify(it.dataset, im.opt.Publisher, it.key)
		if err != nil {
			it.refuse = []finding{{sourceKey, "key", "来源编号不可用：指标须用小写字母和连字符组成的短名，且不与他人重复", "the key cannot be used: an indicator needs a slug that nobody else has"}}
			continue
		}
		h.ID, h.Source, h.Publisher, h.Sample = id, source, im.opt.Publisher, im.opt.Sample
		if first := im.taken[id]; first != nil {
			it.refuse = []finding{{sourceKey, "duplicate_key",
				fmt.Sprintf("与第 %d 行（%s）的来源编号相同", first.number, first.file),
				fmt.Sprintf("has the same key as row %d of %s", first.number, first.file)}}
			continue
		}
		im.taken[id] = it
		im.keys[string(it.dataset)+"\n"+it.key] = id
	}
	return nil
}

// twin returns the earlier row with the same derived key that says exactly what
// it says. Rows that differ in anything are different records.
func twin(earlier []*item, it *item) (*item, error) {
	if len(earlier) == 0 {
		return nil, nil
	}
	own, err := contentOf(it.record)
	if err != nil {
		return nil, err
	}
	for _, e := range earlier {
		other, err := contentOf(e.record)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(own, other) {
			return e, nil
		}
	}
	return nil, nil
}

// contentOf returns what the source says of r, without what identifies it here.
func contentOf(r catalog.Record) ([]byte, error) {
	h := r.Head()
	saved := *h
	h.ID, h.Source, h.Publisher, h.Sample = "", "", "", false
	b, err := catalog.Canonical(r)
	*h = saved
	return b, err
}

// derivedKey names a record whose source does not: by its registration number,
// else by title and first organization.
func derivedKey(r catalog.Record) string {
	if a, ok := r.(*catalog.Achievement); ok && a.Registration != nil && a.Registration.Number != "" {
		return "registration:" + a.Registration.Number
	}
	key := "title:" + foldHeader(r.Head().Title)
	if o := organizationsOf(r); len(o) > 0 {
		key += "\n" + foldHeader(o[0].Name)
	}
	return key
}

func organizationsOf(r catalog.Record) []catalog.Party {
	switch r := r.(type) {
	case *catalog.Achievement:
		return r.Organizations
	case *catalog.Demand:
		return r.Organizations
	case *catalog.Expert:
		return r.Organizations
	case *catalog.Event:
		return r.Organizations
	case *catalog.Edition:
		return r.Organizations
	case *catalog.Case:
		return r.Organizations
	}
	return nil
}

// finish resolves references, checks and encodes every record on all processors,
// then decides in the order of the rows.
func (im *importer) finish(ctx context.Context) error {
	refs, err := im.references()
	if err != nil {
		return err
	}
	if err := im.each(ctx, im.items, func(it *item) error { return im.complete(it, refs) }); err != nil {
		return err
	}
	for _, it := range im.items {
		im.decide(it)
	}
	return nil
}

func (im *importer) complete(it *item, refs *references) error {
	if len(it.refuse) > 0 {
		return nil
	}
	it.notes = append(it.notes, refs.resolve(it.record)...)
	catalog.Verify(it.record)
	for _, p := range catalog.Validate(it.record) {
		it.refuse = append(it.refuse, finding{p.Field, p.Rule, p.Message.ZH, p.Message.EN})
	}
	if len(it.refuse) > 0 {
		return nil
	}
	var err error
	it.entry, it.change, err = im.draft.Encode(it.record)
	it.record = nil // the bytes are what is needed from here on
	return err
}

func (im *importer) decide(it *item) {
	outcome, findings := Published, it.notes
	if len(it.refuse) == 0 {
		if err := im.draft.Put(it.entry, it.change); err != nil {
			t, _ := im.draft.Tombstone(it.entry.ID)
			it.refuse = []finding{{"", "withdrawn",
				fmt.Sprintf("该条目已于 %s 撤回；要恢复请加 --restore %s", t.WithdrawnOn, t.ID),
				fmt.Sprintf("withdrawn on %s; to bring it back add --restore %s", t.WithdrawnOn, t.ID)}}
		} else if it.change == catalog.Unchanged {
			outcome = Unchanged
		}
	}
	if len(it.refuse) > 0 {
		outcome, findings = Refused, it.refuse
	}
	im.report.add(it.file, it.number, outcome, it.entry.ID, findings)
}

// withdraw takes out what was asked for and, with Replace, what the files lack.
// The brake is for what nobody named: a withdrawal by identifier is deliberate.
func (im *importer) withdraw() error {
	gone := map[catalog.ID]bool{}
	for _, w := range im.opt.Withdraw {
		if err := im.draft.Withdraw(w.ID, w.Reason, w.Successor); err != nil {
			return fmt.Errorf("withdraw: %w", err)
		}
		gone[w.ID] = true
	}
	if im.opt.Replace {
		had, missing := im.draft.Published(im.opt.Publisher), 0
		for _, id := range had {
			if im.taken[id] != nil || gone[id] {
				continue
			}
			if err := im.draft.Withdraw(id, "不在发布者的新目录中 / not in the publisher's new catalog", ""); err != nil {
				return err
			}
			gone[id] = true
			missing++
		}
		if !im.opt.AllowShrink && float64(missing) > shrinkLimit*float64(len(had)) {
			return fmt.Errorf("%d of %d: %w", missing, len(had), ErrShrink)
		}
	}
	im.report.Withdrawn = slices.Sorted(maps.Keys(gone))
	im.report.Totals.Withdrawn = len(gone)
	if missing := im.draft.Restored(); len(missing) > 0 {
		return fmt.Errorf("restore: the files do not hold %s: %w", missing[0], catalog.ErrInvalid)
	}
	return nil
}
