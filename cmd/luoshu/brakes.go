package main

import (
	"strings"
	"time"
	"unicode/utf8"

	"luoshu/catalog"
	"luoshu/catalog/ingest"
	"luoshu/catalog/screen"
)

// reviewed checks that a secrecy review is stated (rule M7), and that it has taken
// place.
func (p *publishFlags) reviewed(now time.Time) error {
	on, err := time.Parse(time.DateOnly, p.reviewedOn)
	if err != nil || strings.TrimSpace(p.reviewedBy) == "" {
		rule, _ := screen.LookupRule("M7")
		return usage("%[1]s（M7：--reviewed-by 姓名 --reviewed-on YYYY-MM-DD）", "%[2]s (M7: --reviewed-by NAME --reviewed-on YYYY-MM-DD)", rule.Text.ZH, rule.Text.EN)
	}
	// A day's grace for time zones ahead of this machine's.
	if on.After(now.AddDate(0, 0, 1)) {
		return usage("--reviewed-on %s 是将来的日期", "--reviewed-on %s lies in the future", p.reviewedOn)
	}
	return nil
}

// mostWords bounds what is kept of a decision, in characters.
const mostWords = 500

// worded refuses words of a decision that are too long to be kept with it.
func (p *publishFlags) worded() error {
	for flag, text := range map[string]string{"because": p.because, "approved-by": p.approvedBy, "reviewed-by": p.reviewedBy} {
		if utf8.RuneCountInString(text) > mostWords {
			return usage("--%s 超过 %d 字", "--%s has more than %d characters", flag, mostWords)
		}
	}
	return nil
}

// drift compares the columns of the files with those of the publisher's last ones.
// A field that no column gives any more would be emptied in every record: that
// needs somebody's word.
func (p *publishFlags) drift(saved ingest.SavedMapping, report *ingest.Report) ([]ingest.Drifted, error) {
	if len(saved.Header) == 0 || len(report.Columns) == 0 {
		return nil, nil
	}
	drifted := saved.Drift(report)
	var zh, en []string
	for _, d := range drifted {
		if d.Lost != "" {
			label := fieldLabel(saved.Dataset, d.Lost)
			zh, en = append(zh, label.ZH), append(en, label.EN)
		}
	}
	if len(zh) == 0 || p.allowDrift {
		return drifted, nil
	}
	return drifted, refused(
		"该发布者 %[1]s 的文件有“%[2]s”的列，这次没有：请用 --columns 指定，或加 --allow-drift",
		"the publisher's files of %[1]s had columns for %[3]s, and these have none: map them with --columns, or add --allow-drift",
		saved.MadeOn, strings.Join(zh, "”“"), strings.Join(en, ", "))
}

// fieldLabel says how people call a field.
func fieldLabel(d catalog.Dataset, path string) catalog.Text {
	if f, ok := catalog.LookupField(d, path); ok {
		return f.Label
	}
	return catalog.Text{ZH: path, EN: path}
}

// verdict says whether the outcome of the rows leaves something to be done at once.
func verdict(r *ingest.Report) error {
	switch t := r.Totals; {
	case len(r.StillPublic) > 0:
		ids := make([]string, len(r.StillPublic))
		for i, id := range r.StillPublic {
			ids[i] = string(id)
		}
		return refused(
			"%d 行因不得公开被拒绝，而较早的内容仍在公开；请撤回：%s",
			"%d rows are refused as not to be public, and earlier text of them still is; withdraw them: %s", len(ids), strings.Join(ids, " "))
	case t.Read > 0 && t.Held+t.Refused == t.Read:
		return refused("没有一行可以发布：拒绝 %d，待审 %d", "no row could be published: %d refused, %d held", t.Refused, t.Held)
	}
	return nil
}
