package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

// mostLines bounds how many lines one rule takes on screen; the report file has
// every row.
const mostLines = 10

// printReport tells a person what happened: the totals first, then what needs
// attention, grouped by rule.
func printReport(w io.Writer, lang string, out result, check bool) {
	p := printer{w: w, lang: lang}
	t := out.Totals
	totals := catalog.Text{
		ZH: "读取 %d 行：可发布 %d，未变 %d，待审 %d，拒绝 %d（脱敏 %d），撤回 %d",
		EN: "%d rows read: %d ready, %d unchanged, %d held, %d refused (%d redacted), %d withdrawn",
	}
	if out.Release != nil {
		totals = catalog.Text{
			ZH: "读取 %d 行：已发布 %d，未变 %d，待审 %d，拒绝 %d（脱敏 %d），撤回 %d",
			EN: "%d rows read: %d published, %d unchanged, %d held, %d refused (%d redacted), %d withdrawn",
		}
	}
	p.line(totals, t.Read, t.Published, t.Unchanged, t.Held, t.Refused, t.Redacted, t.Withdrawn)
	p.columns(out.Columns)
	p.drift(out.Drift)
	for _, n := range out.Notes {
		where := n.File
		if n.Sheet != "" {
			where += " " + n.Sheet
		}
		if n.Row == 0 {
			p.line(catalog.Text{ZH: "  %s：%s", EN: "  %s: %s"}, where, n.Text(p.lang))
			continue
		}
		p.line(catalog.Text{ZH: "  %s 第 %d 行：%s", EN: "  %s row %d: %s"}, where, n.Row, n.Text(p.lang))
	}
	p.rules(out)
	p.glyphs(out.Glyphs)
	p.codes(out.Codes)
	p.deskless(out.Deskless)
	p.fixed(out.Fixed)
	p.differences(out.Diff.draft)
	p.editions(out.Editions)
	p.closing(out, check)
}

// editions tells the numbers that packages go to print with.
func (p printer) editions(all []printedEdition) {
	for _, e := range all {
		t := catalog.Text{ZH: "成果包 %s：第 %d 号印本（%s），%d 条，目录记录 %s", EN: "package %s: printed edition %d (%s), %d entries, record %s"}
		if !e.New {
			t = catalog.Text{ZH: "成果包 %s：内容未变，仍是第 %d 号印本（%s），%d 条，目录记录 %s", EN: "package %s: unchanged, still printed edition %d (%s), %d entries, record %s"}
		}
		p.line(t, e.Package, e.Number, e.Placement, e.Items, e.Edition)
	}
}

// closing says in the last line what came of it all.
func (p printer) closing(out result, check bool) {
	t, stopped := out.Totals, out.Stopped.In(p.lang)
	switch {
	case out.Release != nil:
		p.line(catalog.Text{
			ZH: "已发布第 %d 版（新增 %d，更新 %d，撤回 %d）；写入 %d 个对象，%d 字节 → %s",
			EN: "release %d is published (%d added, %d updated, %d withdrawn); %d objects of %d bytes written to %s",
		}, out.Release.Sequence, out.Changes.Added, out.Changes.Updated, out.Changes.Withdrawn, out.Objects, out.ObjectBytes, out.Store)
		if stopped != "" {
			p.line(catalog.Text{ZH: "但仍须处理：%s", EN: "but something is left to do: %s"}, stopped)
		}
	case stopped != "" && check:
		p.line(catalog.Text{ZH: "仅检查，未发布：%s", EN: "checked only, nothing published: %s"}, stopped)
	case stopped != "":
		p.line(catalog.Text{ZH: "没有发布：%s", EN: "nothing is published: %s"}, stopped)
	case check:
		p.line(catalog.Text{
			ZH: "仅检查，未发布。若发布：新增 %d，更新 %d，撤回 %d",
			EN: "checked only, nothing published. It would add %d, update %d and withdraw %d",
		}, out.Changes.Added, out.Changes.Updated, out.Changes.Withdrawn)
	case t.Refused+t.Held == 0:
		p.line(catalog.Text{ZH: "内容与当前版本相同，没有发布新版本", EN: "nothing is new: the current release says the same, so no release was made"})
	default:
		p.line(catalog.Text{
			ZH: "没有发布新版本：%d 行与当前版本相同，待审 %d，拒绝 %d", EN: "no release was made: %d rows say the same as the current one, %d are held, %d refused",
		}, t.Unchanged, t.Held, t.Refused)
	}
}

// printer writes lines in one language.
type printer struct {
	w    io.Writer
	lang string
}

func (p printer) line(t catalog.Text, args ...any) {
	_, _ = fmt.Fprintf(p.w, t.In(p.lang)+"\n", args...)
}

// rules shows what is to be said of rows, the gravest outcome first, what was said
// most often first. Rows of which the same is said share a line.
// table prints rows in columns. A text of others can do nothing to the terminal.
func (p printer) table(rows [][]string) {
	var width []int
	for _, row := range rows {
		width = append(width, make([]int, max(0, len(row)-len(width)))...)
		for i, cell := range row {
			width[i] = max(width[i], runewidth.StringWidth(clean(cell)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(runewidth.FillRight(clean(cell), width[i]+2))
		}
		_, _ = fmt.Fprintln(p.w, strings.TrimRight(line.String(), " "))
	}
}

func (p printer) rules(out result) {
	type said struct {
		outcome                           ingest.Outcome
		rule, file, sheet, column, reason string
	}
	rows := map[said][]int{}
	var order []said
	total := map[said]int{} // by outcome and rule alone
	for _, l := range out.Rows {
		if l.Rule == "" {
			continue
		}
		s := said{l.Outcome, l.Rule, l.File, l.Sheet, clean(out.ColumnName(l, p.lang)), l.Text(p.lang)}
		if rows[s] == nil {
			order = append(order, s)
		}
		rows[s] = append(rows[s], l.Row)
		total[said{outcome: s.outcome, rule: s.rule}]++
	}
	slices.SortStableFunc(order, func(a, b said) int {
		x, y := said{outcome: a.outcome, rule: a.rule}, said{outcome: b.outcome, rule: b.rule}
		return cmp.Or(
			cmp.Compare(slices.Index(gravity, a.outcome), slices.Index(gravity, b.outcome)),
			cmp.Compare(total[y], total[x]), cmp.Compare(a.rule, b.rule), cmp.Compare(len(rows[b]), len(rows[a])))
	})
	var now said
	shown, left := 0, 0
	more := func() {
		if left > 0 {
			p.line(catalog.Text{ZH: "  …另有 %d 处，见 --report", EN: "  … and %d more, see --report"}, left)
		}
	}
	for _, s := range order {
		if k := (said{outcome: s.outcome, rule: s.rule}); k != now {
			more()
			now, shown, left = k, 0, 0
			p.line(catalog.Text{ZH: "%s · %s · %d 处", EN: "%s · %s · %d"}, outcomeText(s.outcome, out.Release != nil).In(p.lang), s.rule, total[k])
		}
		if shown++; shown > mostLines {
			left += len(rows[s])
			continue
		}
		where := clean(s.file)
		if s.sheet != "" {
			where += " " + clean(s.sheet)
		}
		reason := s.reason
		if s.column != "" {
			reason = s.column + catalog.Text{ZH: "：", EN: ": "}.In(p.lang) + reason
		}
		p.line(catalog.Text{ZH: "  %s 第 %s 行  %s", EN: "  %s row %s  %s"}, where, p.ranges(rows[s]), reason)
	}
	more()
}

// mostRanges bounds how many ranges of rows stand on one line.
const mostRanges = 8

// ranges writes rows in ascending order as 2, 5-9, 12.
func (p printer) ranges(rows []int) string {
	var parts []string
	for i := 0; i < len(rows); {
		j := i
		for j+1 < len(rows) && rows[j+1]-rows[j] <= 1 {
			j++
		}
		if len(parts) == mostRanges {
			return strings.Join(parts, ", ") + fmt.Sprintf(catalog.Text{ZH: " 等 %d", EN: " and others, %d in all,"}.In(p.lang), len(rows))
		}
		if rows[i] == rows[j] {
			parts = append(parts, strconv.Itoa(rows[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", rows[i], rows[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// gravity orders outcomes by how soon somebody must act.
var gravity = []ingest.Outcome{ingest.Refused, ingest.Held, ingest.Published, ingest.Unchanged}

func outcomeText(o ingest.Outcome, published bool) catalog.Text {
	switch {
	case o == ingest.Held:
		return catalog.Text{ZH: "待审", EN: "held"}
	case o == ingest.Refused:
		return catalog.Text{ZH: "拒绝", EN: "refused"}
	case o == ingest.Unchanged:
		return catalog.Text{ZH: "未变，请留意", EN: "unchanged, note"}
	case published:
		return catalog.Text{ZH: "已发布，请留意", EN: "published, note"}
	}
	return catalog.Text{ZH: "可发布，请留意", EN: "ready, note"}
}

// releaseLine is a release as the commands list it.
type releaseLine struct {
	Sequence    int64                   `json:"sequence"`
	Manifest    catalog.Hash            `json:"manifest"`
	Catalog     string                  `json:"catalog"`
	PublishedAt time.Time               `json:"published_at"`
	Records     int                     `json:"records"`
	Counts      map[catalog.Dataset]int `json:"counts"`
	Withdrawn   int                     `json:"withdrawn"`
	Bytes       int64                   `json:"bytes"`
	Republishes int64                   `json:"republishes,omitzero"`
	Current     bool                    `json:"current"`
}

func newReleaseLine(m *catalog.Manifest, hash catalog.Hash, current bool) releaseLine {
	l := releaseLine{
		Sequence: m.Sequence, Manifest: hash, Catalog: m.Catalog, PublishedAt: m.PublishedAt, Counts: m.Counts,
		Withdrawn: len(m.Withdrawn), Bytes: m.Bytes, Republishes: m.Republishes, Current: current,
	}
	for _, n := range m.Counts {
		l.Records += n
	}
	return l
}

func (p printer) release(l releaseLine) {
	mark := " "
	if l.Current {
		mark = "*"
	}
	p.line(catalog.Text{
		ZH: "%s 第 %d 版  %s  %d 条  撤回 %d  %d 字节  %.12s",
		EN: "%s release %d  %s  %d records  %d withdrawn  %d bytes  %.12s",
	}, mark, l.Sequence, l.PublishedAt.Format(time.RFC3339), l.Records, l.Withdrawn, l.Bytes, l.Manifest)
}

// held turns a history into lines, newest first.
func held(history []cache.Held) []releaseLine {
	lines := make([]releaseLine, len(history))
	for i, h := range history {
		lines[i] = newReleaseLine(h.Manifest, h.Hash, i == 0)
	}
	return lines
}
