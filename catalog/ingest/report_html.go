package ingest

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

//go:embed report.html.tmpl
var pageFile embed.FS

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(pageFile, "report.html.tmpl"))
})

// Page is a report as one HTML document, for a person to read and to print. It has
// no script, fetches nothing, and of the content of files it holds only the names of
// files, sheets and columns, and what the release shows or will show.
type Page struct {
	Report *Report
	// Draft is what the report is about.
	Draft *catalog.Draft
	// Drift is what has changed about the columns since earlier files.
	Drift []Drifted
	// Lang is zh or en.
	Lang string
	// Release is the sequence number of the release that was published, 0 when
	// nothing was; Checked says that nothing was to be published.
	Release int64
	Checked bool
	// Stopped is why nothing may be published, or why somebody must act all the same.
	Stopped error
	Made    time.Time
}

// pageTexts are the words of the page. Where they have places to fill, these are fmt
// verbs.
var pageTexts = map[string]catalog.Text{
	"check":     {ZH: "检查报告", EN: "Check report"},
	"publish":   {ZH: "发布报告", EN: "Publication report"},
	"luoshu":    {ZH: "洛书", EN: "Luoshu"},
	"published": {ZH: "第 %d 号发布", EN: "Release %d"},
	"nothing":   {ZH: "未发布", EN: "Nothing published"},

	"figure.read":      {ZH: "读取", EN: "Read"},
	"figure.ready":     {ZH: "可发布", EN: "Ready"},
	"figure.published": {ZH: "已发布", EN: "Published"},
	"figure.unchanged": {ZH: "未变", EN: "Unchanged"},
	"figure.held":      {ZH: "待审", EN: "Held"},
	"figure.refused":   {ZH: "拒绝", EN: "Refused"},
	"figure.withdrawn": {ZH: "撤回", EN: "Withdrawn"},
	"figure.redacted":  {ZH: "其中 %s 行有内容隐去", EN: "%s with text redacted"},
	"figure.changes":   {ZH: "新增 %s，更新 %s", EN: "%s new, %s updated"},
	"rows":             {ZH: "行", EN: "rows"},
	"records":          {ZH: "条", EN: "records"},

	"next":           {ZH: "下一步", EN: "Next step"},
	"next.public":    {ZH: "请立即撤回下列已公开的条目：文件表明它们不得公开，而较早的发布仍在展示。", EN: "Withdraw the records below at once: the file says that they must not be public, and an earlier release still shows them."},
	"next.shrink":    {ZH: "没有发布：过多的已公开条目将会消失。请核对文件是否完整；确属有意时加 --allow-shrink。", EN: "Nothing was published: too many public records would disappear. See whether the file is complete; if you mean it, add --allow-shrink."},
	"next.stopped":   {ZH: "没有发布，原因如下；请解决后重试。", EN: "Nothing was published, for the reason below; remove it and try again."},
	"next.warned":    {ZH: "第 %d 号发布已完成，但仍须处理下列问题。", EN: "Release %d is published, but what is said below needs your attention."},
	"next.empty":     {ZH: "文件中没有可读取的行，请核对是否选对了文件。", EN: "The files hold no rows: see whether they are the right ones."},
	"next.none":      {ZH: "没有一行可以发布：请按下面的说明改正被拒绝的 %s 行、请复核人决定待审的 %s 行，再检查一次。", EN: "No row could be published: correct the %s refused rows as explained below, have a second person decide on the %s held ones, and check again."},
	"next.correct":   {ZH: "请改正 %s 行、请复核人决定 %s 行，再检查一次；现在发布则只发布其余的行。", EN: "Correct %s rows, have a second person decide on %s, and check again; published now, the others would go out without them."},
	"next.refused":   {ZH: "请改正被拒绝的 %s 行，再检查一次；现在发布则只发布其余的行。", EN: "Correct the %s refused rows and check again; published now, the others would go out without them."},
	"next.held":      {ZH: "请复核人决定待审的 %s 行（--approve）；现在发布则只发布其余的行。", EN: "Have a second person decide on the %s held rows (--approve); published now, the others would go out without them."},
	"next.ready":     {ZH: "没有需要改正的问题，可以发布（luoshu publish）。", EN: "Nothing needs correcting: it can be published (luoshu publish)."},
	"next.same":      {ZH: "内容与当前发布相同，没有需要发布的。", EN: "The current release says the same: there is nothing to publish."},
	"next.done":      {ZH: "第 %d 号发布已完成，没有必须处理的问题。", EN: "Release %d is published; nothing needs to be done."},
	"next.done.rest": {ZH: "第 %d 号发布已完成；另有 %s 行未发布，请改正或复核后再发布一次。", EN: "Release %d is published; %s rows are not in it: correct or approve them and publish again."},

	"problems":      {ZH: "需要留意", EN: "What needs attention"},
	"problems.none": {ZH: "没有。", EN: "Nothing."},
	"refused":       {ZH: "拒绝", EN: "Refused"},
	"held":          {ZH: "待审", EN: "Held"},
	"note":          {ZH: "请留意", EN: "Note"},
	"places":        {ZH: "%s 处", EN: "× %s"},
	"basis":         {ZH: "依据", EN: "Basis"},
	"file":          {ZH: "文件", EN: "File"},
	"sheet":         {ZH: "工作表", EN: "Sheet"},
	"row":           {ZH: "行", EN: "Row"},
	"column":        {ZH: "列", EN: "Column"},
	"message":       {ZH: "说明", EN: "What was found"},
	"where":         {ZH: "在哪里", EN: "Where"},
	"each":          {ZH: "逐条列出", EN: "One by one"},

	"columns":         {ZH: "列的去向", EN: "What became of the columns"},
	"columns.mapped":  {ZH: "已采用", EN: "Taken"},
	"columns.gate":    {ZH: "用于把关，不公开", EN: "Decide about publication, not public"},
	"columns.dropped": {ZH: "从不公开，已丢弃", EN: "Never public, dropped"},
	"columns.unused":  {ZH: "目录中没有位置，未采用", EN: "Without a place in the catalog, not used"},
	"columns.unknown": {ZH: "不认识，未公开；可用 --columns 指定", EN: "Unknown, not published; map them with --columns"},
	"columns.drift":   {ZH: "与上次的文件相比，列有变化", EN: "Changed since the last files"},
	"columns.maybe":   {ZH: "可能是%s（%s）", EN: "may be %s (%s)"},
	"columns.none":    {ZH: "没有读到列。", EN: "No columns were read."},
	"becomes":         {ZH: "目录中的字段", EN: "Field of the catalog"},
	"values":          {ZH: "有内容的行", EN: "Rows with a value"},
	"key":             {ZH: "条目的自有编号（不公开）", EN: "The record's own key (not public)"},
	"orgcode":         {ZH: "单位代码（只用于辨认单位）", EN: "Code of the organization (only tells which)"},

	"diff":           {ZH: "有什么变化", EN: "What changes"},
	"diff.first":     {ZH: "此前没有发布，全部条目都是新的。", EN: "Nothing was published before: every record is new."},
	"diff.none":      {ZH: "没有变化。", EN: "No change."},
	"diff.withdrawn": {ZH: "撤回", EN: "Withdrawn"},
	"diff.updated":   {ZH: "更新", EN: "Updated"},
	"diff.added":     {ZH: "新增", EN: "New"},
	"field":          {ZH: "字段", EN: "Field"},
	"was":            {ZH: "原来", EN: "Before"},
	"is":             {ZH: "现在", EN: "After"},
	"empty":          {ZH: "（空）", EN: "(empty)"},

	"approved":      {ZH: "本次由复核人放行", EN: "Let pass by a second person"},
	"rule":          {ZH: "规则", EN: "Rule"},
	"notes":         {ZH: "备注", EN: "Notes"},
	"foot.made":     {ZH: "生成于 %s", EN: "Made on %s"},
	"foot.contents": {ZH: "本报告写有文件名、工作表名和列名，以及“有什么变化”一节中已经公开或将要公开的内容；此外不含单元格中的内容。转交他人前，请看一眼这些名称。", EN: "This report names files, sheets and columns, and under “What changes” shows what is or will be public; it holds nothing else of what stands in the cells. Look at those names before you pass it on."},
}

// Write writes the page. The draft is compared with its base while it is written.
func (p Page) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	view := &pageView{Page: p}
	if err := pageTemplate().Execute(out, view); err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	return errors.Join(view.failed, out.Flush())
}

// pageView is what the template sees.
type pageView struct {
	Page
	failed error // of a comparison under way
}

// openRows is up to how many rows a list stands open.
const openRows = 20

// Open reports whether a list of n stands open.
func (*pageView) Open(n int) bool { return n <= openRows }

// Language is the language tag of the page.
func (v *pageView) Language() string {
	if v.Lang == "en" {
		return "en"
	}
	return "zh-Hans"
}

// T returns a text with args put in. A key that is missing fails the page, and
// therefore a test.
func (v *pageView) T(key string, args ...any) (string, error) {
	t, ok := pageTexts[key]
	if !ok {
		return "", fmt.Errorf("no text %q", key)
	}
	s := t.In(v.Lang)
	if len(args) > 0 {
		s = fmt.Sprintf(s, args...)
	}
	return s, nil
}

// Number returns n with its thousands set apart.
func (*pageView) Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// When returns the time the report was made, in the zone of this machine.
func (v *pageView) When() string { return v.Made.Format("2006-01-02 15:04 -07:00") }

// Files returns the names of the files the report speaks of.
func (v *pageView) Files() []string {
	var names []string
	add := func(name string) {
		if name != "" && (len(names) == 0 || names[len(names)-1] != name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range v.Report.Columns {
		add(c.File)
	}
	for _, l := range v.Report.Rows {
		add(l.File)
	}
	return names
}

// pageFigure is one of the totals.
type pageFigure struct {
	Key   string // of its name, and how it is colored
	N     int
	Unit  string
	Notes []string
}

// Figures returns the totals.
func (v *pageView) Figures() ([]pageFigure, error) {
	t := v.Report.Totals
	done := "figure.published"
	if v.Release == 0 {
		done = "figure.ready"
	}
	var notes []string
	note := func(key string, args ...any) error {
		s, err := v.T(key, args...)
		notes = append(notes, s)
		return err
	}
	var errs [2]error
	if added, updated, _ := v.Draft.Counts(); v.Draft.Base() != nil && t.Published > 0 {
		errs[0] = note("figure.changes", v.Number(added), v.Number(updated))
	}
	if t.Redacted > 0 {
		errs[1] = note("figure.redacted", v.Number(t.Redacted))
	}
	return []pageFigure{
		{"figure.read", t.Read, "rows", nil},
		{done, t.Published, "rows", notes},
		{"figure.unchanged", t.Unchanged, "rows", nil},
		{"figure.held", t.Held, "rows", nil},
		{"figure.refused", t.Refused, "rows", nil},
		{"figure.withdrawn", t.Withdrawn, "records", nil},
	}, errors.Join(errs[:]...)
}

// pageStep is what to do next.
type pageStep struct {
	Tone   string // good, wait or bad
	Text   string
	Reason string       // what stopped it
	IDs    []catalog.ID // the records it is about
}

// Next returns what to do next, in one sentence.
func (v *pageView) Next() (pageStep, error) {
	t := v.Report.Totals
	refused, held := v.Number(t.Refused), v.Number(t.Held)
	s := pageStep{Tone: "wait"}
	say := func(tone, key string, args ...any) (err error) {
		s.Tone = tone
		s.Text, err = v.T(key, args...)
		return err
	}
	var err error
	switch rest := t.Refused + t.Held; {
	case len(v.Report.StillPublic) > 0:
		s.IDs = v.Report.StillPublic
		err = say("bad", "next.public")
	case errors.Is(v.Stopped, ErrShrink):
		err = say("bad", "next.shrink")
	case t.Read > 0 && rest == t.Read:
		if v.Stopped != nil {
			s.Reason = catalog.ErrorText(v.Stopped, v.Lang)
		}
		err = say("bad", "next.none", refused, held)
	case v.Stopped != nil && v.Release > 0:
		s.Reason = catalog.ErrorText(v.Stopped, v.Lang)
		err = say("bad", "next.warned", v.Release)
	case v.Stopped != nil:
		s.Reason = catalog.ErrorText(v.Stopped, v.Lang)
		err = say("bad", "next.stopped")
	case v.Release > 0 && rest > 0:
		err = say("wait", "next.done.rest", v.Release, v.Number(rest))
	case v.Release > 0:
		err = say("good", "next.done", v.Release)
	case t.Refused > 0 && t.Held > 0:
		err = say("wait", "next.correct", refused, held)
	case t.Refused > 0:
		err = say("wait", "next.refused", refused)
	case t.Held > 0:
		err = say("wait", "next.held", held)
	case v.Draft.Empty() && t.Read == 0:
		err = say("bad", "next.empty")
	case v.Draft.Empty():
		err = say("good", "next.same")
	default:
		err = say("good", "next.ready")
	}
	return s, err
}

// pageProblem is everything that one rule found, in rows of one fate.
type pageProblem struct {
	Kind   string // refused, held or note
	Rule   string
	Why    string
	Source string // what a rule of the screening rests on
	Lines  []pageLine
	// Files, Sheets and Messages say which columns the table of lines needs.
	Files, Sheets, Messages bool
}

// pageLine is one line of a report, in the language of the page.
type pageLine struct {
	File, Sheet, Column, Message string
	Row                          int
}

var problemKinds = []string{"refused", "held", "note"}

// Problems returns what was found by rule, the gravest first, then the most frequent.
func (v *pageView) Problems() []*pageProblem {
	var all []*pageProblem
	known := map[[2]string]*pageProblem{}
	files := len(v.Files()) > 1
	for _, l := range v.Report.Rows {
		if l.Rule == "" {
			continue
		}
		kind := "note"
		if l.Outcome == Refused || l.Outcome == Held {
			kind = string(l.Outcome)
		}
		text := l.Text(v.Lang)
		p := known[[2]string{kind, l.Rule}]
		if p == nil {
			p = &pageProblem{Kind: kind, Rule: l.Rule, Why: text, Files: files}
			if r, ok := screen.LookupRule(l.Rule); ok {
				p.Why, p.Source = r.Text.In(v.Lang), r.Source
			}
			known[[2]string{kind, l.Rule}] = p
			all = append(all, p)
		}
		p.Sheets = p.Sheets || l.Sheet != ""
		p.Messages = p.Messages || text != p.Why
		p.Lines = append(p.Lines, pageLine{l.File, l.Sheet, v.Report.ColumnName(l, v.Lang), text, l.Row})
	}
	for _, p := range all {
		// One row's words do not explain the others.
		if p.Messages && p.Source == "" {
			p.Why = ""
		}
	}
	slices.SortStableFunc(all, func(a, b *pageProblem) int {
		if a.Kind != b.Kind {
			return slices.Index(problemKinds, a.Kind) - slices.Index(problemKinds, b.Kind)
		}
		return len(b.Lines) - len(a.Lines)
	})
	return all
}

// pageColumns is the columns of which the same was done.
type pageColumns struct {
	Use     Use
	Columns []pageColumn
	// Files and Remarks say which columns the table needs.
	Files, Remarks bool
}

type pageColumn struct {
	Column
	Label  string // of its field
	Remark string
}

// ColumnGroups returns the columns by what was done with them.
// Examples of their values are left out: the page says what became of the columns,
// and what is published stands under the changes.
func (v *pageView) ColumnGroups() ([]pageColumns, error) {
	var groups []pageColumns
	files := len(v.Files()) > 1
	for _, use := range []Use{Mapped, Gate, Dropped, Unknown, Unused} {
		g := pageColumns{Use: use, Files: files}
		for _, c := range v.Report.Columns {
			if c.Use != use {
				continue
			}
			c.Name, _ = catalog.CleanText(c.Name, false)
			remark, err := v.remark(c)
			if err != nil {
				return nil, err
			}
			g.Columns = append(g.Columns, pageColumn{c, v.fieldLabel(c.Dataset, c.Field), remark})
			g.Remarks = g.Remarks || remark != ""
		}
		if len(g.Columns) > 0 {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// remark says what a column may be, or why it is not certain that it is what it was
// taken for.
func (v *pageView) remark(c Column) (string, error) {
	reason := c.Reason.In(v.Lang)
	switch {
	case c.Use == Unknown && c.Proposal.Field != "":
		label := v.fieldLabel(c.Dataset, c.Proposal.Field)
		return v.T("columns.maybe", catalog.Text{ZH: "“" + label + "”", EN: label}.In(v.Lang), reason)
	case c.Use == Unknown, c.Use == Mapped && c.Confidence < 1:
		return reason, nil
	}
	return "", nil
}

// fieldLabel names what a column gives.
func (v *pageView) fieldLabel(d catalog.Dataset, path string) string {
	switch path {
	case sourceKey:
		return pageTexts["key"].In(v.Lang)
	case orgCode:
		return pageTexts["orgcode"].In(v.Lang)
	}
	for _, f := range catalog.Fields(d) {
		if f.Path == path || f.Top() == path {
			return f.Label.In(v.Lang)
		}
	}
	return ""
}

// Compares reports whether there is a release to compare with.
func (v *pageView) Compares() bool { return v.Draft.Base() != nil }

// pageChanges is the records to which the same is done.
type pageChanges struct {
	Change catalog.Change
	N      int
}

// Changes returns what the draft does to the current release.
func (v *pageView) Changes() []pageChanges {
	added, updated, withdrawn := v.Draft.Counts()
	return slices.DeleteFunc([]pageChanges{{catalog.Withdrawn, withdrawn}, {catalog.Updated, updated}, {catalog.Added, added}},
		func(g pageChanges) bool { return g.N == 0 })
}

// pageDifference is a record that changes.
type pageDifference struct {
	catalog.Difference
	Kind   string // of record
	Fields []pageField
}

// pageField is a field that changes: what both values begin and end with, and what
// each has between.
type pageField struct {
	Label, Head, Was, Is, Tail string
	// Gone and Fresh say that one of the values is empty.
	Gone, Fresh bool
}

// Differences yields the records to which the draft does c.
func (v *pageView) Differences(c catalog.Change) iter.Seq[pageDifference] {
	return func(yield func(pageDifference) bool) {
		for d, err := range v.Draft.Diff(c) {
			if err != nil {
				v.failed = err
				return
			}
			info, _ := d.Dataset.Info()
			shown := pageDifference{Difference: d, Kind: info.Singular.In(v.Lang)}
			for _, change := range d.Fields {
				f, _ := catalog.LookupField(d.Dataset, change.Path)
				was, is := f.Wording(change.Old, v.Lang), f.Wording(change.New, v.Lang)
				s := pageField{Label: f.Label.In(v.Lang), Fresh: was == "", Gone: is == ""}
				s.Head, s.Was, s.Is, s.Tail = catalog.Apart(was, is)
				s.Head, s.Tail = around(s.Head, s.Tail)
				shown.Fields = append(shown.Fields, s)
			}
			if !yield(shown) {
				return
			}
		}
	}
}

// aroundShown is how many characters of what did not change stand on either side of
// what did.
const aroundShown = 40

func around(head, tail string) (string, string) {
	if r := []rune(head); len(r) > aroundShown+1 {
		head = "…" + string(r[len(r)-aroundShown:])
	}
	if r := []rune(tail); len(r) > aroundShown+1 {
		tail = string(r[:aroundShown]) + "…"
	}
	return head, tail
}

// Notes returns the notes in the language of the page.
func (v *pageView) Notes() []pageLine {
	notes := make([]pageLine, len(v.Report.Notes))
	for i, l := range v.Report.Notes {
		notes[i] = pageLine{l.File, l.Sheet, l.Column, l.Text(v.Lang), l.Row}
	}
	return notes
}
