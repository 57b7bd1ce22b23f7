package ingest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

var update = flag.Bool("update", false, "write the golden files")

// pageOf imports before, publishes it, imports after and returns the page about that.
func pageOf(t *testing.T, before string, after File, opt Options) Page {
	t.Helper()
	var base *catalog.Release
	if before != "" {
		d := catalog.NewDraft(nil, now)
		importInto(t, d, file("a.csv", before), Options{})
		p, err := d.Build(t.Context(), catalog.BuildOptions{})
		if err != nil {
			t.Fatal(err)
		}
		base = p.Release
	}
	opt.Dataset, opt.Publisher = catalog.Achievements, "p"
	p := Page{Draft: catalog.NewDraft(base, now.Add(time.Hour)), Lang: "zh", Checked: true, Made: now}
	p.Report, p.Stopped = Import(t.Context(), p.Draft, []File{after}, opt)
	if p.Report == nil {
		t.Fatal(p.Stopped)
	}
	return p
}

func written(t *testing.T, p Page) string {
	t.Helper()
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	pageBefore = `source_key,成果名称,简介,关键词,登记号
1,示例轴承钢精炼,一种示例性的精炼方法，夹杂物少，寿命长。,轴承;润滑,S-1
2,示例钛合金锻造,示例简介,钛,S-2
3,示例旧成果,,,
`
	pageAfter = `source_key,成果名称,简介,关键词,登记号,所处阶段,密级,联系人,手机号,校内编号
1,示例轴承钢精炼,一种示例性的精炼方法，夹杂物更少，寿命长。,轴承;润滑;钢,S-1,中试,公开,示例甲,1,7
2,示例钛合金锻造,示例简介,钛,S-2,,公开,,,
4,示例新成果,,,,雛型,公开,,,
5,示例不可公开的成果,这一格的内容不得出现,,,,机密,,,
6,示例内部成果,摘自内部资料的这一格不得出现,,,,公开,,,
7,,没有名称,,,,公开,,,
`
)

var styleSheet = regexp.MustCompile(`(?s)<style>.*</style>`)

// TestPage: the golden pages are what an operator reads, but for the style sheet.
func TestPage(t *testing.T) {
	for _, lang := range []string{"zh", "en"} {
		p := pageOf(t, pageBefore, File{"示例.csv", strings.NewReader(pageAfter)}, Options{Replace: true, AllowShrink: true})
		p.Lang = lang
		p.Drift = []Drifted{{Change: ColumnGone, Column: "示例列", Lost: "title_en"}}
		page := written(t, p)
		if strings.Contains(page, "不得出现") || strings.Contains(page, "示例甲") {
			t.Error("the page holds text of cells that are not public")
		}
		got := styleSheet.ReplaceAllLiteralString(page, "<style>…</style>")
		name := filepath.Join("testdata", "report-"+lang+".golden")
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("the page differs from %s (-update writes it):\n%s", name, got)
		}
	}
}

// TestPageIsInert: whatever files, columns and titles are called, it stays text.
func TestPageIsInert(t *testing.T) {
	const hostile = `<script>alert(1)</script></style><img src=x onerror=alert(2)>" onload="{{.}}`
	quoted := `"` + strings.ReplaceAll(hostile, `"`, `""`) + `"`
	before := "source_key,成果名称," + quoted + "\n1," + quoted + ",x\n"
	after := "source_key,成果名称," + quoted + "\n1," + strings.Replace(quoted, "1", "3", 1) + ",x\n2,,x\n3," + quoted + ",x\n"
	p := pageOf(t, before, File{hostile + ".csv", strings.NewReader(after)}, Options{})
	p.Stopped = errors.New(hostile)
	p.Report.Notes = append(p.Report.Notes, Line{File: hostile, Sheet: hostile, Message: hostile, Rule: hostile})
	page := written(t, p)
	for _, bad := range []string{"<script", "<img", `onload="`} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	if n := strings.Count(page, "&lt;script&gt;"); n < 9 {
		t.Errorf("the hostile name is shown %d times", n)
	}
	if !strings.Contains(page, `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; `) {
		t.Error("the page has no policy")
	}
	for _, fetches := range []string{" src=\"", "<link", "url(", "@import", "https:"} {
		if strings.Contains(page, fetches) {
			t.Errorf("the page holds %s", fetches)
		}
	}
}

// TestNextStep: one sentence says what to do.
func TestNextStep(t *testing.T) {
	const header = "source_key,成果名称,密级,简介\n"
	tests := []struct {
		name, before, after string
		change              func(*Page)
		opt                 Options
		tone, key           string
	}{
		{"all is well", "", "1,示例甲,公开,\n", nil, Options{}, "good", "next.ready"},
		{"nothing is new", "1,示例甲,公开,\n", "1,示例甲,公开,\n", nil, Options{}, "good", "next.same"},
		{"no rows", "", ",,,\n", nil, Options{}, "bad", "next.empty"},
		{"a row is refused", "", "1,示例甲,公开,\n2,,公开,x\n", nil, Options{}, "wait", "next.refused"},
		{"a row is held", "", "1,示例甲,公开,\n2,示例乙,公开,内部资料\n", nil, Options{}, "wait", "next.held"},
		{"both", "", "1,示例甲,公开,\n2,示例乙,公开,内部资料\n3,,公开,x\n", nil, Options{}, "wait", "next.correct"},
		{"all are refused", "", "2,,公开,x\n", nil, Options{}, "bad", "next.none"},
		{"a secret is public", "1,示例甲,公开,\n2,示例乙,公开,\n", "1,示例甲,公开,\n2,示例乙,机密,\n", nil, Options{}, "bad", "next.public"},
		{"too much would go", "1,示例甲,公开,\n2,示例乙,公开,\n", "1,示例甲,公开,\n", nil, Options{Replace: true}, "bad", "next.shrink"},
		{"published", "", "1,示例甲,公开,\n", func(p *Page) { p.Release = 3 }, Options{}, "good", "next.done"},
		{"published in part", "", "1,示例甲,公开,\n2,,公开,x\n", func(p *Page) { p.Release = 3 }, Options{}, "wait", "next.done.rest"},
		{"the store is away", "", "1,示例甲,公开,\n", func(p *Page) { p.Stopped = catalog.ErrUnavailable }, Options{}, "bad", "next.stopped"},
		{"published, with a warning", "", "1,示例甲,公开,\n", func(p *Page) { p.Release, p.Stopped = 3, catalog.ErrUnavailable }, Options{}, "bad", "next.warned"},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.before != "" {
				tt.before = header + tt.before
			}
			p := pageOf(t, tt.before, File{"a.csv", strings.NewReader(header + tt.after)}, tt.opt)
			if tt.change != nil {
				tt.change(&p)
			}
			next, err := (&pageView{Page: p}).Next()
			if err != nil {
				t.Fatal(err)
			}
			begins, _, _ := strings.Cut(pageTexts[tt.key].ZH, "%")
			if next.Tone != tt.tone || !strings.HasPrefix(next.Text, begins) || strings.Contains(next.Text, "%!") {
				t.Errorf("%s: %s, want %s: %s", next.Tone, next.Text, tt.tone, pageTexts[tt.key].ZH)
			}
			if page := written(t, p); strings.Contains(page, "%!") {
				t.Error("a text was filled wrongly")
			}
			seen[tt.key] = true
		})
	}
	for key := range pageTexts {
		if strings.HasPrefix(key, "next.") && !seen[key] {
			t.Errorf("%s is never said", key)
		}
	}
}

// TestPageTexts: every text exists in both languages with the same places to fill.
func TestPageTexts(t *testing.T) {
	verbs := regexp.MustCompile(`%[a-z]`)
	for key, text := range pageTexts {
		if text.ZH == "" || text.EN == "" || !slices.Equal(verbs.FindAllString(text.ZH, -1), verbs.FindAllString(text.EN, -1)) {
			t.Errorf("%s: %q and %q", key, text.ZH, text.EN)
		}
	}
}

// TestLongListsAreFolded: all rows are there, and only short lists stand open.
func TestLongListsAreFolded(t *testing.T) {
	for _, n := range []int{openRows, openRows + 1} {
		var b strings.Builder
		b.WriteString("成果名称,简介\n示例,\n")
		for i := range n {
			fmt.Fprintf(&b, ",第%d行\n", i)
		}
		page := written(t, pageOf(t, "", File{"a.csv", strings.NewReader(b.String())}, Options{}))
		problems, _, _ := strings.Cut(page, `id="columns"`)
		if open := strings.Contains(problems, "<details open>"); open != (n == openRows) {
			t.Errorf("a list of %d stands open: %v", n, open)
		}
		if got := strings.Count(problems, "<td class=\"num\">"); got != n {
			t.Errorf("%d rows listed, want %d", got, n)
		}
	}
}
