package ingest

import (
	"fmt"
	"maps"
	"slices"

	"luoshu/catalog"
)

// ErrShrink stops an import that would make too much disappear.
var ErrShrink = fmt.Errorf("more than 20 %% of the publisher's records would disappear: %w", catalog.ErrInvalid)

// shrinkLimit is the share of a publisher's records of one dataset that may
// disappear at once without being named.
const shrinkLimit = 0.20

// withdraw takes out what was asked for and, with Replace, what the files lack.
// The brake is for what nobody named: a withdrawal by identifier is deliberate.
func (im *importer) withdraw() error {
	gone := map[catalog.ID]bool{}
	for _, w := range im.opt.Withdraw {
		if err := im.withdrawOne(w); err != nil {
			return fmt.Errorf("withdraw %s: %w", w.ID, err)
		}
		gone[w.ID] = true
	}
	var braked error
	if im.opt.Replace {
		for _, d := range im.datasets {
			if err := im.replace(d, gone); err != nil {
				braked = err
			}
		}
	}
	im.report.Withdrawn = slices.Sorted(maps.Keys(gone))
	// What is withdrawn with the same publication is public no longer.
	im.report.StillPublic = slices.DeleteFunc(im.report.StillPublic, func(id catalog.ID) bool { return gone[id] })
	im.report.Totals.Withdrawn = len(gone)
	if braked != nil {
		return braked
	}
	if missing := im.draft.Restored(); len(missing) > 0 {
		return fmt.Errorf("restore: the files do not hold %s: %w", missing[0], catalog.ErrInvalid)
	}
	return nil
}

// withdrawOne checks that a withdrawal is the publisher's to ask for, and that
// what the public will read of it is in order.
func (im *importer) withdrawOne(w Withdrawal) error {
	owner, published := im.draft.Owner(w.ID)
	switch {
	case !published:
		return fmt.Errorf("is not published: %w", catalog.ErrNotFound)
	case owner != im.opt.Publisher:
		return fmt.Errorf("belongs to the publisher %s: %w", owner, catalog.ErrInvalid)
	case im.taken[w.ID] != nil:
		return fmt.Errorf("the files hold it, in row %d of %s: %w", im.taken[w.ID].number, im.taken[w.ID].file, catalog.ErrInvalid)
	case w.Successor == w.ID:
		return fmt.Errorf("cannot be its own successor: %w", catalog.ErrInvalid)
	case w.Successor != "" && !im.draft.Has(w.Successor):
		return fmt.Errorf("the successor %s is not published: %w", w.Successor, catalog.ErrInvalid)
	}
	reason, _ := catalog.CleanText(w.Reason, false)
	if reason == "" {
		return fmt.Errorf("needs a reason that can be read: %w", catalog.ErrInvalid)
	}
	return im.draft.Withdraw(w.ID, reason, w.Successor)
}

// replace withdraws the publisher's records of d that the files lack.
func (im *importer) replace(d catalog.Dataset, gone map[catalog.ID]bool) error {
	had, missing := im.draft.Published(im.opt.Publisher, d), 0
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
		return fmt.Errorf("%s, %d of %d: %w", d, missing, len(had), ErrShrink)
	}
	return nil
}
