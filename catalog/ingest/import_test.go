package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

var now = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

func file(name, content string) []File { return []File{{name, strings.NewReader(content)}} }

func importInto(t *testing.T, d *catalog.Draft, files []File, opt Options) *Report {
	t.Helper()
	if opt.Dataset == "" {
		opt.Dataset = catalog.Achievements
	}
	opt.Publisher = "p"
	r, err := Import(t.Context(), d, files, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkTotals(t, r)
	return r
}

// checkTotals: every row ends in exactly one outcome.
func checkTotals(t *testing.T, r *Report) {
	t.Helper()
	rows := map[string]Outcome{}
	for _, l := range r.Rows {
		key := fmt.Sprint(l.File, l.Row)
		if was, ok := rows[key]; ok && was != l.Outcome {
			t.Errorf("%s row %d is %s and %s", l.File, l.Row, was, l.Outcome)
		}
		rows[key] = l.Outcome
	}
	tt := r.Totals
	if len(rows) != tt.Read || tt.Published+tt.Unchanged+tt.Held+tt.Refused != tt.Read {
		t.Errorf("totals %+v over %d rows", tt, len(rows))
	}
}

// lines shows a report as "row outcome column/rule".
func lines(r *Report) string {
	var out []string
	for _, l := range r.Rows {
		s := fmt.Sprintf("%d %s", l.Row, l.Outcome)
		if l.Rule != "" {
			s += " " + l.Column + "/" + l.Rule
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func TestRowsAndTheirOutcomes(t *testing.T) {
	tests := []struct {
		name, file, content string
		columns             map[string]string
		want                string
	}{
		{"known headers", "a.csv", "\ufeff序号,成果名称,完成单位\n1,轴承钢精炼,甲研究院\n2,钛合金锻造,乙公司\n", nil, "2 published\n3 published"},
		{"a column map", "a.csv", "Title,Case Number\nRepair System,KSC-1\n", map[string]string{"Title": "title", "Case Number": "source_key"}, "2 published"},
		{"same key twice", "a.csv", "title,source_key\na,1\nb,1\n", nil, "2 published\n3 refused source_key/duplicate_key"},
		{"same row twice", "a.csv", "序号,成果名称\n1,同一成果\n2,同一成果\n", nil, "2 published\n3 refused /duplicate_row"},
		{"same title, other abstract", "a.csv", "成果名称,简介\n同一成果,一\n同一成果,二\n同一成果,二\n", nil, "2 published\n3 published /same_title\n4 refused /duplicate_row"},
		{"no title", "a.csv", "成果名称,简介\n,只有简介\n", nil, "2 refused title/required"},
		{"blank rows are no rows", "a.csv", "成果名称,简介\n甲成果,\n,\n乙成果,\n", nil, "2 published\n4 published"},
		{"value not in the list", "a.csv", "成果名称,所处阶段\n甲成果,雛型\n", nil, "2 published 所处阶段/code"},
		{"uncertain date", "a.csv", "成果名称,完成时间\n甲成果,10/03/2015\n", nil, "2 published 完成时间/date"},
		{"secret", "a.csv", "成果名称,密级\n甲成果,秘密\n乙成果,公开\n丙成果,\n", nil, "2 refused 密级/M2\n3 published\n4 published"},
		{"not to be shown", "a.csv", "成果名称,是否公开\n甲成果,否\n", nil, "2 refused 是否公开/M2"},
		{"classified", "a.csv", "成果名称,是否涉密\n甲成果,是\n乙成果,否\n丙成果,\n", nil, "2 refused 是否涉密/M2\n3 published\n4 published"},
		{"to be declassified", "a.csv", "成果名称,解密时间\n甲成果,2030年\n乙成果,无\n", nil, "2 refused 解密时间/M2\n3 published"},
		{"not for everybody", "a.csv", "成果名称,公开范围\n甲成果,内部\n乙成果,社会公开\n", nil, "2 refused 公开范围/M2\n3 published"},
		{"damaged bytes", "a.csv", "\ufeff成果名称,简介\n甲成果,\xb3\xc9\n", nil, "2 refused 简介/encoding"},
		{"hidden character", "a.csv", "成果名称\n甲\u200b成果\n", nil, "2 published title/cleaned"},
		{"a lost character", "a.csv", "成果名称\n甲\ufffd成果\n", nil, "2 refused title/control_character"},
		{"too many cells", "a.csv", "成果名称\n甲成果,多出\n", nil, "2 refused /extra_cell"},
		{"tabs", "a.tsv", "成果名称\t关键词\n甲成果\t轴承；钢\n", nil, "2 published"},
		{"JSON Lines", "a.jsonl", `{"title":"甲成果","trl":7,"trl_scale":"gbt22900-2022"}` + "\n\n" + `{"title":"乙成果","organizations":[{"name":"甲研究院"}]}`, nil, "1 published\n3 published"},
		{"wrong type", "a.jsonl", `{"title":["甲"]}`, nil, "1 refused title/type"},
		{"unknown member inside", "a.jsonl", `{"title":"甲","ip":[{"numer":"1"}]}`, nil, "1 refused ip/type"},
		{"not JSON", "a.jsonl", "{\"title\":\"甲\"}\n{oops\n", nil, "1 published\n2 refused /json"},
		{"duplicate member", "a.jsonl", `{"title":"甲","title":"乙"}`, nil, "1 refused /json"},
		{"what publishing sets", "a.jsonl", `{"title":"甲","id":"A3K7M2QG","version":9}`, nil, "1 published"},
		{"several faults", "a.jsonl", `{"title":"甲","trl":12,"transfer_modes":["无此方式"]}`, nil, "1 refused trl/range\n1 refused transfer_modes[]/code"},
		{"two columns for one value", "a.csv", "成果名称,项目名称\n甲成果,甲项目\n乙成果,乙成果\n", nil, "2 published 项目名称/two_columns\n3 published"},
		{"empty values", "a.jsonl", `{"title":"甲","keywords":["",null],"organizations":[{}]}`, nil, "1 published"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := importInto(t, catalog.NewDraft(nil, now), file(tt.file, tt.content), Options{Columns: tt.columns})
			got := lines(r)
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestColumnsAreAccountedFor(t *testing.T) {
	r := importInto(t, catalog.NewDraft(nil, now),
		file("a.csv", "成果名称,联 系 人,手机号,密级,我们的备注,序号\n甲成果,示例人,示例号,公开,私语,1\n"), Options{})
	want := map[string]Use{"成果名称": Mapped, "联 系 人": Dropped, "手机号": Dropped, "密级": Gate, "我们的备注": Unknown, "序号": Unused}
	for _, c := range r.Columns {
		if c.Use != want[c.Name] || c.Values != 1 {
			t.Errorf("column %q is %s with %d values, want %s", c.Name, c.Use, c.Values, want[c.Name])
		}
	}
	if len(r.Columns) != len(want) {
		t.Errorf("%d columns, want %d", len(r.Columns), len(want))
	}
}

// TestWhatIsNotMappedIsNotPublished looks for the text of every such column in
// the bytes of the release.
func TestWhatIsNotMappedIsNotPublished(t *testing.T) {
	d := catalog.NewDraft(nil, now)
	importInto(t, d, file("a.csv", "成果名称,联系人,手机号,我们的备注,source_key\n甲成果,私下人名,私下号码,私下备注,私下编号\n"), Options{})
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Release.Entries {
		if strings.Contains(string(e.Raw), "私下") {
			t.Errorf("leaked into %s", e.Raw)
		}
	}
}

func record[T catalog.Record](t *testing.T, d *catalog.Draft, title string) T {
	t.Helper()
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Release.Entries {
		r, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if r.Head().Title == title {
			return r.(T)
		}
	}
	t.Fatalf("no record %q", title)
	panic("unreachable")
}

func TestCellsBecomeFields(t *testing.T) {
	d := catalog.NewDraft(nil, now)
	importInto(t, d, file("a.csv", strings.Join([]string{
		"成果名称,完成单位,关键词,所处阶段,转化方式,登记号,登记日期,专利号,拟转让价格,应用行业,学科分类,地域,完成时间",
		`甲成果,甲研究院；乙公司,"轴承, 钢；精炼",中试,许可、转让,410 2025Y9001,2025年3月7日,ZL202119900012.4,10-20万元,滚动轴承制造,"农、林、牧、渔业",瀍河区,2024/5`,
	}, "\n")), Options{})
	a := record[*catalog.Achievement](t, d, "甲成果")
	if len(a.Organizations) != 2 || a.Organizations[1].Name != "乙公司" {
		t.Errorf("organizations = %+v", a.Organizations)
	}
	if !slices.Equal(a.Keywords, []string{"轴承", "钢", "精炼"}) {
		t.Errorf("keywords = %q", a.Keywords)
	}
	if a.Stage != "pilot" || !slices.Equal(a.TransferModes, []string{"license", "assignment"}) {
		t.Errorf("stage %q, modes %q", a.Stage, a.TransferModes)
	}
	if a.Registration == nil || a.Registration.Date != "2025-03-07" || a.CompletedOn != "2024-05" {
		t.Errorf("registration %+v, completed on %q", a.Registration, a.CompletedOn)
	}
	if len(a.IP) != 1 || a.IP[0].Normalized != "CN202119900012.4" || a.IP[0].Check == "" {
		t.Errorf("ip = %+v", a.IP)
	}
	if a.Price == nil || a.Price.Min != 100_000 || a.Price.Max != 200_000 || a.Price.Currency != "CNY" {
		t.Errorf("price = %+v", a.Price)
	}
	if len(a.Industries) != 1 || a.Industries[0].Scheme != "gbt4754-2017" || a.Division != "410304" {
		t.Errorf("industries %+v, division %q", a.Industries, a.Division)
	}
	if a.Raw["disciplines[]"] != "农、林、牧、渔业" {
		t.Errorf("raw = %q", a.Raw)
	}
}

func TestReferencesResolveWhateverTheOrder(t *testing.T) {
	d := catalog.NewDraft(nil, now)
	batches := []Batch{
		{Dataset: catalog.Packages, Files: file("packages.jsonl", `{"title":"第一期","items":["key:a1","key:none"]}`)},
		{Dataset: catalog.Achievements, Files: file("achievements.jsonl", `{"source_key":"a1","title":"甲成果","organizations":[{"name":"甲 院"}],"relations":[{"type":"part-of","scheme":"record","value":"key:none"}]}`)},
		{Dataset: catalog.Organizations, Files: file("organizations.jsonl", `{"title":"甲研究院","aliases":["甲院"]}`)},
	}
	r, err := ImportBatches(t.Context(), d, batches, Options{Publisher: "p"})
	if err != nil {
		t.Fatal(err)
	}
	checkTotals(t, r)
	a := record[*catalog.Achievement](t, d, "甲成果")
	if p := record[*catalog.Package](t, d, "第一期"); !slices.Equal(p.Items, []catalog.Ref{a.ID}) {
		t.Errorf("items = %v, want %s alone", p.Items, a.ID)
	}
	if o := record[*catalog.Organization](t, d, "甲研究院"); a.Organizations[0].ID != o.ID {
		t.Errorf("organization = %+v, want %s", a.Organizations[0], o.ID)
	}
	if len(a.Relations) != 0 || r.Totals.Published != 3 {
		t.Errorf("relations %v, totals %+v", a.Relations, r.Totals)
	}
}

// base publishes ten rows and returns the release.
func base(t *testing.T) *catalog.Release {
	t.Helper()
	d := catalog.NewDraft(nil, now)
	importInto(t, d, file("a.csv", rowsOf(10)), Options{})
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Release
}

func rowsOf(n int) string {
	var b strings.Builder
	b.WriteString("source_key,title\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,成果%d\n", i, i)
	}
	return b.String()
}

func TestAgainIsUnchanged(t *testing.T) {
	d := catalog.NewDraft(base(t), now.Add(time.Hour))
	r := importInto(t, d, file("a.csv", rowsOf(10)), Options{})
	if r.Totals.Unchanged != 10 || !d.Empty() {
		t.Errorf("totals %+v, empty %v", r.Totals, d.Empty())
	}
}

func TestAPartialFileUpdates(t *testing.T) {
	b := base(t)
	d := catalog.NewDraft(b, now.Add(time.Hour))
	r := importInto(t, d, file("a.csv", rowsOf(2)), Options{})
	if r.Totals.Withdrawn != 0 || !d.Empty() {
		t.Errorf("totals %+v", r.Totals)
	}
}

func TestReplaceWithdrawsAndTheBrakeHolds(t *testing.T) {
	b := base(t)
	for _, tt := range []struct {
		rows    int
		allow   bool
		stopped bool
	}{{9, false, false}, {8, false, false}, {7, false, true}, {7, true, false}} {
		d := catalog.NewDraft(b, now.Add(time.Hour))
		r, err := Import(t.Context(), d, file("a.csv", rowsOf(tt.rows)), Options{Dataset: catalog.Achievements, Publisher: "p", Replace: true, AllowShrink: tt.allow})
		if errors.Is(err, ErrShrink) != tt.stopped {
			t.Errorf("%d of 10 rows, allowed %v: %v", tt.rows, tt.allow, err)
		}
		if !tt.stopped && r.Totals.Withdrawn != 10-tt.rows {
			t.Errorf("%d rows: totals %+v", tt.rows, r.Totals)
		}
	}
}

func TestWithdrawnRowsNeedRestore(t *testing.T) {
	b := base(t)
	d := catalog.NewDraft(b, now.Add(time.Hour))
	id := b.Entries[0].ID
	importInto(t, d, nil, Options{Withdraw: []Withdrawal{{ID: id, Reason: "已转让"}}})
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again := catalog.NewDraft(p.Release, now.Add(2*time.Hour))
	if r := importInto(t, again, file("a.csv", rowsOf(10)), Options{}); r.Totals.Refused != 1 || r.Totals.Unchanged != 9 {
		t.Errorf("totals %+v", r.Totals)
	}
	restored := catalog.NewDraft(p.Release, now.Add(2*time.Hour))
	if r := importInto(t, restored, file("a.csv", rowsOf(10)), Options{Restore: []catalog.ID{id}}); r.Totals.Published != 1 {
		t.Errorf("totals %+v", r.Totals)
	}
	absent := catalog.NewDraft(p.Release, now.Add(2*time.Hour))
	if _, err := Import(t.Context(), absent, nil, Options{Dataset: catalog.Achievements, Publisher: "p", Restore: []catalog.ID{id}}); err == nil {
		t.Error("restored a record that no file holds")
	}
}

func TestUnusableFiles(t *testing.T) {
	tests := []struct {
		name, file, content string
		columns             map[string]string
	}{
		{"empty", "a.csv", "", nil},
		{"unknown ending", "a.doc", "x", nil},
		{"two columns of one name", "a.csv", "标题,标题\na,b\n", nil},
		{"quote never closed", "a.csv", "标题\n\"a\n", nil},
		{"row without end", "a.csv", "标题\n" + strings.Repeat("长", MaxRowBytes), nil},
		{"line without end", "a.jsonl", `{"title":"` + strings.Repeat("x", MaxRowBytes) + `"}`, nil},
		{"map to no field", "a.csv", "标题\na\n", map[string]string{"标题": "tittle"}},
		{"map of another file", "a.csv", "标题\na\n", map[string]string{"Title": "title"}},
		{"mixed encodings", "a.csv", "成果名称,简介\n甲成果,\xb3\xc9\n", nil},
		{"header in no encoding", "a.csv", "\xb1\xea\xff\xe2\na\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Import(t.Context(), catalog.NewDraft(nil, now), file(tt.file, tt.content), Options{Dataset: catalog.Achievements, Publisher: "p", Columns: tt.columns})
			if !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// TestNoMapOpensWhatIsClosed: a column map cannot publish a contact or switch the
// secrecy gate off.
func TestNoMapOpensWhatIsClosed(t *testing.T) {
	const content = "成果名称,联系电话,密级\n甲成果,示例号,秘密\n"
	for _, columns := range []map[string]string{{"联系电话": "abstract"}, {"密级": "-"}, {"密 级": "abstract"}} {
		_, err := Import(t.Context(), catalog.NewDraft(nil, now), file("a.csv", content), Options{Dataset: catalog.Achievements, Publisher: "p", Columns: columns})
		if !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("%v is accepted: %v", columns, err)
		}
	}
}

// TestWhatBecameSecretIsNamed: the row is refused, and the operator learns that its
// earlier text is still public.
func TestWhatBecameSecretIsNamed(t *testing.T) {
	d := catalog.NewDraft(nil, now)
	importInto(t, d, file("a.csv", "成果名称,密级\n甲成果,公开\n乙成果,公开\n"), Options{})
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again := catalog.NewDraft(p.Release, now.Add(time.Hour))
	r := importInto(t, again, file("a.csv", "成果名称,密级\n甲成果,秘密\n乙成果,公开\n"), Options{})
	if len(r.StillPublic) != 1 || !strings.Contains(lines(r), "2 refused /still_public") {
		t.Errorf("still public %v\n%s", r.StillPublic, lines(r))
	}
}

func TestReplaceLeavesOtherDatasetsAlone(t *testing.T) {
	d := catalog.NewDraft(base(t), now.Add(time.Hour))
	importInto(t, d, file("d.csv", "title\n甲需求\n"), Options{Dataset: catalog.Demands})
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again := catalog.NewDraft(p.Release, now.Add(2*time.Hour))
	if r := importInto(t, again, file("a.csv", rowsOf(9)), Options{Replace: true}); r.Totals.Withdrawn != 1 {
		t.Errorf("withdrawn %v", r.Withdrawn)
	}
}

func TestWithdrawalsAreChecked(t *testing.T) {
	b := base(t)
	id, other := b.Entries[0].ID, b.Entries[1].ID
	tests := []struct {
		name, publisher, content string
		w                        Withdrawal
		ok                       bool
	}{
		{"sound", "p", "", Withdrawal{id, "已转让", other}, true},
		{"another's", "q", "", Withdrawal{id, "已转让", ""}, false},
		{"unknown", "p", "", Withdrawal{"A3K7M2QG", "已转让", ""}, false},
		{"own successor", "p", "", Withdrawal{id, "已转让", id}, false},
		{"unknown successor", "p", "", Withdrawal{id, "已转让", "A3K7M2QG"}, false},
		{"reason of nothing", "p", "", Withdrawal{id, "\u202e\x1b", ""}, false},
		{"in the files", "p", rowsOf(10), Withdrawal{id, "已转让", ""}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var files []File
			if tt.content != "" {
				files = file("a.csv", tt.content)
			}
			_, err := Import(t.Context(), catalog.NewDraft(b, now.Add(time.Hour)), files, Options{Dataset: catalog.Achievements, Publisher: tt.publisher, Withdraw: []Withdrawal{tt.w}})
			if (err == nil) != tt.ok {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// TestReferencesToRefusedRows: nothing points at a row that was not published.
func TestReferencesToRefusedRows(t *testing.T) {
	d := catalog.NewDraft(nil, now)
	r := importInto(t, d, file("o.jsonl", `{"source_key":"a","title":"甲研究院","parent":"key:bad"}`+"\n"+
		`{"source_key":"bad","title":"乙集团","uscc":"91310115MA1H8R7C6D"}`), Options{Dataset: catalog.Organizations})
	if got := lines(r); got != "1 published parent/reference\n2 refused uscc/uscc" {
		t.Errorf("got\n%s", got)
	}
}

// TestPartsStayTogether: the n-th kind belongs to the n-th number, also when one
// kind is unknown, and two columns of organizations are two organizations.
func TestPartsStayTogether(t *testing.T) {
	d := catalog.NewDraft(nil, now)
	importInto(t, d, file("a.csv", "成果名称,第一完成单位,成果所属单位,知识产权类型,专利号\n甲成果,甲院,乙院,发明专利;奇怪类型;实用新型,ZL1;ZL2;ZL3\n"), Options{})
	a := record[*catalog.Achievement](t, d, "甲成果")
	if len(a.Organizations) != 2 || a.Organizations[0].Name != "甲院" || a.Organizations[1].Name != "乙院" {
		t.Errorf("organizations = %+v", a.Organizations)
	}
	if len(a.IP) != 3 || a.IP[0].Kind != "invention" || a.IP[1].Kind != "" || a.IP[2].Kind != "utility-model" || a.IP[2].Number != "ZL3" {
		t.Errorf("ip = %+v", a.IP)
	}
}

// sharedData is where real input lies beside the checkout, for those who have it.
const sharedData = "../../../shared/data"

func TestRealFiles(t *testing.T) {
	tests := []struct {
		file    string
		columns map[string]string
		rows    int
		refused int
	}{
		{"nasa_patents_comma.csv", map[string]string{"Title": "title", "Case Number": "source_key"}, 1393, 0},
		{"cn_titles_sample_utf8bom.csv", nil, 403, 18},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			f, err := os.Open(filepath.Join(sharedData, tt.file))
			if err != nil {
				t.Skipf("%s is not beside this checkout", tt.file)
			}
			defer func() { _ = f.Close() }()
			r := importInto(t, catalog.NewDraft(nil, now), []File{{tt.file, f}}, Options{Columns: tt.columns})
			if r.Totals.Read != tt.rows || r.Totals.Refused != tt.refused || r.Totals.Published != tt.rows-tt.refused {
				t.Errorf("totals = %+v", r.Totals)
			}
			for _, l := range r.Rows {
				if l.Outcome == Refused && l.Rule != "duplicate_row" {
					t.Errorf("row %d: %s", l.Row, l.Message)
				}
			}
		})
	}
}
