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
			return catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "撤回 %s：%v", EN: "withdraw %s: %v"}, w.ID, err)
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
		return catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "恢复 %s：文件中没有这一条", EN: "restore %s: the files do not hold it"}, missing[0])
	}
	return nil
}

// withdrawOne checks that a withdrawal is the publisher's to ask for, and that
// what the public will read of it is in order.
func (im *importer) withdrawOne(w Withdrawal) error {
	owner, published := im.draft.Owner(w.ID)
	switch {
	case !published:
		return catalog.NewTextError(catalog.ErrNotFound, catalog.Text{ZH: "没有发布这一条", EN: "it is not published"})
	case owner != im.opt.Publisher:
		return catalog.NewTextError(nil, catalog.Text{ZH: "属于发布者 %s", EN: "it belongs to the publisher %s"}, owner)
	case im.taken[w.ID] != nil:
		it := im.taken[w.ID]
		return catalog.NewTextError(nil, catalog.Text{ZH: "文件中仍有这一条：%s 第 %d 行", EN: "the files hold it: %s, row %d"}, it.file, it.number)
	case w.Successor == w.ID:
		return catalog.NewTextError(nil, catalog.Text{ZH: "不能由自己接替", EN: "it cannot be its own successor"})
	case w.Successor != "" && !im.draft.Has(w.Successor):
		return catalog.NewTextError(nil, catalog.Text{ZH: "接替它的 %s 没有发布", EN: "the successor %s is not published"}, w.Successor)
	}
	reason, _ := catalog.CleanText(w.Reason, false)
	if reason == "" {
		return catalog.NewTextError(nil, catalog.Text{ZH: "缺少可读的理由", EN: "it needs a reason that can be read"})
	}
	if err := ScreenText(catalog.Text{ZH: "理由", EN: "the reason"}, reason); err != nil {
		return err
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
		info, _ := d.Info()
		return catalog.NewTextError(ErrShrink, catalog.Text{
			ZH: "“%[1]s”将有 %[3]d 条消失，共 %[4]d 条，超过 20%%；确属有意请加 --allow-shrink",
			EN: "%[2]s: %[3]d of %[4]d records would disappear, more than 20 %%; if you mean it, add --allow-shrink",
		}, info.Label.ZH, d, missing, len(had))
	}
	return nil
}
