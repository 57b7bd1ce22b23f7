package ingest

import (
	"context"
	"slices"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// Approved is a held text that a second person let pass in this import.
type Approved struct {
	screen.Approval
	File string `json:"file"`
	Row  int    `json:"row"`
}

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
		im.report.Approved = append(im.report.Approved, it.approved...)
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

func (im *importer) screenRow(it *item) error {
	if len(it.refuse) == 0 {
		it.screened = screen.Record(it.record)
		it.judge(im.opt, it.screened.Findings)
	}
	return nil
}

// judge turns what the rules found into what becomes of the row.
func (it *item) judge(opt Options, found []screen.Finding) {
	for _, f := range found {
		t := f.Text()
		says := finding{f.Field, f.Rule, t.ZH, t.EN}
		switch approval := f.Approval(it.id); {
		case f.Action == screen.Refuse:
			it.refuse = append(it.refuse, says)
		case f.Action == screen.Hold && opt.Approvals.Has(approval):
		case f.Action == screen.Hold && opt.Approve != nil && opt.Approve(f.Rule, it.number):
			it.approved = append(it.approved, Approved{approval, it.file, it.number})
		case f.Action == screen.Hold:
			it.hold = append(it.hold, says)
		default:
			it.redacted = it.redacted || f.Action == screen.Redact
			it.notes = append(it.notes, says)
		}
	}
}

// stopped reports whether the row will not be published as it stands.
func (it *item) stopped() bool { return len(it.refuse) > 0 || len(it.hold) > 0 }

// screenName looks at what a file is called. A marked file is not read at all.
func screenName(name string) error {
	for _, f := range screen.Text(screen.FileName, name) {
		if f.Action == screen.Refuse || f.Action == screen.Hold {
			return &markedError{"the name of the file", f.Rule}
		}
	}
	return nil
}

// screenAside looks at text that is in a file and in none of its rows. It is not
// published, but a mark there is a mark on the whole file.
func screenAside(place, text string) error {
	kind, _, _ := strings.Cut(place, " ")
	kinds := map[string]screen.Kind{"sheet": screen.SheetName, "comment": screen.Comment, "property": screen.Property}
	known, ok := kinds[kind]
	if !ok {
		known = screen.HiddenCell
	}
	for _, f := range screen.Text(known, text) {
		if f.Action == screen.Refuse {
			return &markedError{place: place, rule: f.Rule}
		}
	}
	return nil
}

// markedError says that something in a file speaks against its publication.
type markedError struct{ place, rule string }

func (e *markedError) Error() string {
	r, _ := screen.LookupRule(e.rule)
	return e.place + " is marked (" + e.rule + "): " + r.Text.EN
}

func (*markedError) Is(target error) bool { return target == catalog.ErrInvalid }

// Screened is a published record that the rules object to.
type Screened struct {
	ID       catalog.ID       `json:"id"`
	Findings []screen.Finding `json:"findings"`
}

// ScreenRelease looks again at what is published, after the rules have changed. It
// returns the records that would not pass today, by identifier.
func ScreenRelease(r *catalog.Release, approvals *screen.Approvals) ([]Screened, error) {
	var objected []Screened
	for _, e := range r.Entries {
		record, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			return nil, err
		}
		found := slices.DeleteFunc(screen.Record(record).Findings, func(f screen.Finding) bool {
			return f.Action == screen.Note || approvals.Has(f.Approval(e.ID))
		})
		if len(found) > 0 {
			objected = append(objected, Screened{e.ID, found})
		}
	}
	return objected, nil
}
