package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

// mostLines bounds how many rows of one rule are listed on screen; the report
// file has them all.
const mostLines = 20

// printReport tells a person what happened: the totals first, then what needs
// attention, grouped by rule.
func printReport(w io.Writer, lang string, out result, check bool) {
	p := printer{w, lang}
	t := out.Totals
	p.line(catalog.Text{
		ZH: "读取 %d 行：发布 %d，未变 %d，待审 %d，拒绝 %d（脱敏 %d），撤回 %d",
		EN: "%d rows read: %d published, %d unchanged, %d held, %d refused (%d redacted), %d withdrawn",
	}, t.Read, t.Published, t.Unchanged, t.Held, t.Refused, t.Redacted, t.Withdrawn)
	p.columns(out.Columns)
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
	p.rules(out.Rows)
	switch {
	case out.Release != nil:
		p.line(catalog.Text{
			ZH: "已发布第 %d 版（新增 %d，更新 %d，撤回 %d）；写入 %d 个对象，%d 字节 → %s",
			EN: "release %d is published (%d added, %d updated, %d withdrawn); %d objects of %d bytes written to %s",
		}, out.Release.Sequence, out.Changes.Added, out.Changes.Updated, out.Changes.Withdrawn, out.Objects, out.ObjectBytes, out.Store)
	case check:
		p.line(catalog.Text{
			ZH: "仅检查，未发布。若发布：新增 %d，更新 %d，撤回 %d",
			EN: "checked only, nothing published. It would add %d, update %d and withdraw %d",
		}, out.Changes.Added, out.Changes.Updated, out.Changes.Withdrawn)
	case t.Refused+t.Held == 0:
		p.line(catalog.Text{ZH: "内容与当前版本相同，没有发布新版本", EN: "nothing is new: the current release says the same, so no release was made"})
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

var useTexts = map[ingest.Use]catalog.Text{
	ingest.Gate:    {ZH: "用于把关，不公开", EN: "decides about publication, not public"},
	ingest.Dropped: {ZH: "从不公开，已丢弃", EN: "never public, dropped"},
	ingest.Unused:  {ZH: "目录中没有位置，未采用", EN: "has no place in the catalog, not used"},
	ingest.Unknown: {ZH: "不认识，未公开；可用 --columns 指定", EN: "unknown, not published; map it with --columns"},
}

func (p printer) columns(columns []ingest.Column) {
	for _, c := range columns {
		// A name of a file is shown on a terminal: without its control characters.
		c.Name, _ = catalog.CleanText(c.Name, false)
		if c.Use == ingest.Mapped {
			p.line(catalog.Text{ZH: "  列“%s” → %s（%d 个值）", EN: "  column %q -> %s (%d values)"}, c.Name, c.Field, c.Values)
			continue
		}
		p.line(catalog.Text{ZH: "  列“%s”：%s", EN: "  column %q: %s"}, c.Name, useTexts[c.Use].In(p.lang))
	}
}

func (p printer) rules(lines []ingest.Line) {
	var order []string
	byRule := map[string][]ingest.Line{}
	for _, l := range lines {
		if l.Rule == "" {
			continue
		}
		key := string(l.Outcome) + " " + l.Rule
		if byRule[key] == nil {
			order = append(order, key)
		}
		byRule[key] = append(byRule[key], l)
	}
	slices.SortStableFunc(order, func(a, b string) int { return len(byRule[b]) - len(byRule[a]) })
	for _, key := range order {
		found := byRule[key]
		p.line(catalog.Text{ZH: "%s · %s · %d 处", EN: "%s · %s · %d"}, outcomeTexts[found[0].Outcome].In(p.lang), found[0].Rule, len(found))
		for i, l := range found {
			if i == mostLines {
				p.line(catalog.Text{ZH: "  …另有 %d 处，见 --report", EN: "  … and %d more, see --report"}, len(found)-i)
				break
			}
			where := l.File
			if l.Sheet != "" {
				where += " " + l.Sheet
			}
			p.line(catalog.Text{ZH: "  %s 第 %d 行 %s：%s", EN: "  %s row %d %s: %s"}, where, l.Row, l.Column, l.Text(p.lang))
		}
	}
}

var outcomeTexts = map[ingest.Outcome]catalog.Text{
	ingest.Published: {ZH: "已发布，请留意", EN: "published, note"},
	ingest.Unchanged: {ZH: "未变，请留意", EN: "unchanged, note"},
	ingest.Held:      {ZH: "待审", EN: "held"},
	ingest.Refused:   {ZH: "拒绝", EN: "refused"},
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
