package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
)

// one imports a table of one row and returns its record and the rules that were
// noted.
func one[T catalog.Record](t *testing.T, d catalog.Dataset, header, line string) (T, []string) {
	t.Helper()
	draft := catalog.NewDraft(nil, now)
	r := importInto(t, draft, file("a.csv", header+"\n"+line+"\n"), Options{Dataset: d})
	var rules []string
	for _, l := range r.Rows {
		if l.Outcome != Published {
			t.Fatalf("row is %s: %s %s", l.Outcome, l.Rule, l.Message)
		}
		if l.Rule != "" {
			rules = append(rules, l.Rule)
		}
	}
	p, err := draft.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	record, err := catalog.Decode(d, p.Release.Entries[0].Raw)
	if err != nil {
		t.Fatal(err)
	}
	return record.(T), rules
}

func TestSpansFillBothEnds(t *testing.T) {
	tests := []struct{ header, line, from, to, rules string }{
		{"成果名称,研究起止时间", "甲,2019.01-2021.12", "2019-01", "2021-12", "date_span"},
		{"成果名称,完成时间", "甲,2019年1月至2021年12月", "2019-01", "2021-12", "date_span"},
		{"成果名称,研究起止时间,完成时间", "甲,2019-2021,2021-06", "2019", "2021-06", "date_span"},
		{"成果名称,完成时间,研究起止时间", "甲,2021-06,2019-2021", "2019", "2021-06", "date_span"},
		{"成果名称,完成时间（民國）", "甲,111/5/3", "", "2022-05-03", "date_roc"},
		{"成果名称,完成时间", "甲,44927", "", "2023-01-01", "date_serial"},
		{"成果名称,完成时间", "甲,1899-12-31", "", "", "date_empty"},
		{"成果名称,完成时间", "甲,10/03/2015", "", "", "date"},
	}
	for _, tt := range tests {
		a, rules := one[*catalog.Achievement](t, catalog.Achievements, tt.header, tt.line)
		if string(a.StartedOn) != tt.from || string(a.CompletedOn) != tt.to || strings.Join(rules, " ") != tt.rules {
			t.Errorf("%s: %q to %q, rules %q", tt.line, a.StartedOn, a.CompletedOn, rules)
		}
		if kept := a.Raw != nil; kept != (tt.rules != "date_empty") {
			t.Errorf("%s: raw = %q", tt.line, a.Raw)
		}
	}
}

func TestUnitsOfTheHeader(t *testing.T) {
	a, rules := one[*catalog.Achievement](t, catalog.Achievements, "成果名称,预期交易价格（万元）", "甲,30")
	if a.Price == nil || a.Price.Min != 300000 || len(rules) != 0 {
		t.Errorf("price = %+v, rules %q", a.Price, rules)
	}
	a, rules = one[*catalog.Achievement](t, catalog.Achievements, "成果名称,预期交易价格", "甲,30")
	if a.Price != nil || !slices.Equal(rules, []string{"money_unit"}) || a.Raw["price"] != "30" {
		t.Errorf("price = %+v, rules %q, raw %q", a.Price, rules, a.Raw)
	}
}

func TestReadinessLevelNeedsItsScale(t *testing.T) {
	a, rules := one[*catalog.Achievement](t, catalog.Achievements, "成果名称,TRL", "甲,7")
	if a.TRL != 0 || a.Raw["trl"] != "7" || !slices.Equal(rules, []string{"trl_scale"}) {
		t.Errorf("trl %d, raw %q, rules %q", a.TRL, a.Raw, rules)
	}
	a, rules = one[*catalog.Achievement](t, catalog.Achievements, "成果名称,技术就绪度（GB/T 22900-2022）", "甲,TRL7")
	if a.TRL != 7 || a.TRLScale != "gbt22900-2022" || len(rules) != 0 {
		t.Errorf("trl %d of %q, rules %q", a.TRL, a.TRLScale, rules)
	}
	a, _ = one[*catalog.Achievement](t, catalog.Achievements, "成果名称,TRL,就绪度标准", "甲,7,GB/T 22900-2009")
	if a.TRL != 7 || a.TRLScale != "gbt22900-2009" {
		t.Errorf("trl %d of %q", a.TRL, a.TRLScale)
	}
}

func TestColumnsOfOneField(t *testing.T) {
	a, rules := one[*catalog.Achievement](t, catalog.Achievements,
		"成果名称,专利号,知识产权类型,软件著作权登记号,成果简介,项目概述", "甲,ZL202119900012.4；无；ZL202119900099.9,发明；x；实用新型,2016SR309930,一,二")
	if len(a.IP) != 3 || a.IP[1].Kind != "utility-model" || a.IP[2].Number != "2016SR309930" || a.IP[2].Kind != "" {
		t.Errorf("ip = %+v", a.IP)
	}
	if a.Abstract != "一" || !slices.Equal(rules, []string{"code", "two_columns"}) {
		t.Errorf("abstract %q, rules %q", a.Abstract, rules)
	}
}

func TestCodesByTheirDate(t *testing.T) {
	tests := []struct{ header, line, division, industry, rules string }{
		{"成果名称,行政区划代码", "甲,410307", "410307", "", ""},
		{"成果名称,行政区划代码,登记日期", "甲,410307,2018-05-01", "410311", "", "code_date"},
		{"成果名称,行政区划代码,登记日期", "甲,410307,2021-03", "410307", "", ""},
		{"成果名称,行政区划代码,登记日期", "甲,410307,2022-05-01", "410307", "", ""},
		{"成果名称,地域,登记日期", "甲,偃师区,2018-05-01", "410307", "", ""},
		{"成果名称,地域", "甲,孟津县", "410308", "", "code_successor"},
		{"成果名称,应用行业码", "甲,3451", "", "3451", ""},
		{"成果名称,应用行业码,登记日期", "甲,3451,2016-05-01", "", "", "code_edition"},
		{"成果名称,应用行业码,登记日期", "甲,34,2016-05-01", "", "34", ""},
		{"成果名称,应用行业名称,登记日期", "甲,滚动轴承制造,2016-05-01", "", "3451", ""},
		{"成果名称,应用行业名称,应用行业码", "甲,滚动轴承制造,3451", "", "3451", ""},
	}
	for _, tt := range tests {
		a, rules := one[*catalog.Achievement](t, catalog.Achievements, tt.header, tt.line)
		industry := ""
		if len(a.Industries) > 0 {
			industry = a.Industries[0].Code
		}
		if len(a.Industries) > 1 || a.Division != tt.division || industry != tt.industry || strings.Join(rules, " ") != tt.rules {
			t.Errorf("%s: division %q, industry %q, rules %q", tt.line, a.Division, industry, rules)
		}
	}
}

func TestWhatLooksPersonalIsNotKept(t *testing.T) {
	a, rules := one[*catalog.Achievement](t, catalog.Achievements, "成果名称,拟转让价格", "甲,请电13812345678")
	if len(a.Raw) != 0 || !slices.Equal(rules, []string{"money"}) {
		t.Errorf("raw = %q, rules %q", a.Raw, rules)
	}
}

func TestOrganizationsAreFound(t *testing.T) {
	draft := catalog.NewDraft(nil, now)
	batches := []Batch{
		{Dataset: catalog.Organizations, Files: file("o.csv", strings.Join([]string{
			"机构名称,曾用名,统一社会信用代码,上级单位",
			"河洛工程大学,河洛工学院,91350100M000100Y43,",
			"白马重型机械股份有限公司,白马重工,,",
			"河洛工程大学科技园,,,河洛工程大学",
		}, "\n"))},
		{Dataset: catalog.Achievements, Files: file("a.csv", strings.Join([]string{
			"成果名称,完成单位,统一社会信用代码",
			"甲,河洛工学院白马重工龙门县气象局,",
			"乙,河工大,91350100M000100Y43",
			"丙,白马重型机械股份有限公司,91350100M000100Y43",
			"丁,河洛工程大学 1,91350100M000100Y44",
			"戊,白马重工；河洛工程大学,",
		}, "\n"))},
	}
	r, err := ImportBatches(t.Context(), draft, batches, Options{Publisher: "p"})
	if err != nil {
		t.Fatal(err)
	}
	checkTotals(t, r)
	school := record[*catalog.Organization](t, draft, "河洛工程大学").ID
	firm := record[*catalog.Organization](t, draft, "白马重型机械股份有限公司").ID
	if park := record[*catalog.Organization](t, draft, "河洛工程大学科技园"); park.Parent != school {
		t.Errorf("parent = %q", park.Parent)
	}
	for title, want := range map[string][]catalog.Party{
		"甲": {{ID: school, Name: "河洛工学院"}, {ID: firm, Name: "白马重工"}, {Name: "龙门县气象局"}},
		"乙": {{ID: school, Name: "河工大"}},
		"丙": {{ID: firm, Name: "白马重型机械股份有限公司"}},
		"丁": {{ID: school, Name: "河洛工程大学"}},
		"戊": {{ID: firm, Name: "白马重工"}, {ID: school, Name: "河洛工程大学"}},
	} {
		if a := record[*catalog.Achievement](t, draft, title); !slices.Equal(a.Organizations, want) {
			t.Errorf("%s: %+v", title, a.Organizations)
		}
	}
	if raw := record[*catalog.Achievement](t, draft, "甲").Raw["organizations[].name"]; raw != "河洛工学院白马重工龙门县气象局" {
		t.Errorf("raw = %q", raw)
	}
	var rules []string
	for _, l := range r.Rows {
		if l.Rule != "" {
			rules = append(rules, fmt.Sprint(l.File, l.Row, l.Rule))
		}
	}
	want := []string{"a.csv2organizations_split", "a.csv4uscc_conflict", "a.csv5organization_name", "a.csv5uscc"}
	if !slices.Equal(rules, want) {
		t.Errorf("rules = %q", rules)
	}
}

// TestItemsByKey: in a table, items are named by the keys of the publisher's own
// files.
func TestItemsByKey(t *testing.T) {
	draft := catalog.NewDraft(nil, now)
	batches := []Batch{
		{Dataset: catalog.Achievements, Files: file("a.csv", "成果编号,成果名称\nCG-001,甲\nCG-002,乙\n")},
		{Dataset: catalog.Packages, Files: file("p.csv", "成果包名称,收录成果\n第一期,CG-002；CG-001；CG-003\n")},
	}
	if _, err := ImportBatches(t.Context(), draft, batches, Options{Publisher: "p"}); err != nil {
		t.Fatal(err)
	}
	a, b := record[*catalog.Achievement](t, draft, "甲"), record[*catalog.Achievement](t, draft, "乙")
	if p := record[*catalog.Package](t, draft, "第一期"); !slices.Equal(p.Items, []catalog.Ref{b.ID, a.ID}) {
		t.Errorf("items = %v, want %s and %s", p.Items, b.ID, a.ID)
	}
}

// BenchmarkImportTable imports a table as an operator's office has it: every
// column that needs converting, organizations run together.
func BenchmarkImportTable(b *testing.B) {
	const n = 10000
	var table bytes.Buffer
	table.WriteString("成果编号,成果名称,完成单位,关键词,所处阶段,转化方式,登记号,登记日期,专利号,拟转让价格（万元）,应用行业名称,地域,研究起止时间,成果水平,体现形式,简介,联系人,密级\n")
	for i := range n {
		fmt.Fprintf(&table, "CG-%d,面向高速列车的第%d种轴承钢精炼方法(试验),河洛工程大学龙门理工学院星河%d装备有限公司,1.轴承 2.钢 3.精炼,中试,许可、转让,4102025Y%04d,2025年%d月7日,ZL202119900012.4；ZL202119900099.9,%d,滚动轴承制造,洛阳市瀍河区,2019.01-2021.12,国际先进水平,新工艺；新产品,%s,示例人,公开\n",
			i, i, i%500, i%10000, i%12+1, i%90+1, strings.ReplaceAll(benchTexts[i%2], ",", "，"))
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := Import(b.Context(), catalog.NewDraft(nil, now), []File{{"a.csv", bytes.NewReader(table.Bytes())}}, Options{Dataset: catalog.Achievements, Publisher: "p"})
		if err != nil || r.Totals.Published != n {
			b.Fatal(err, r.Totals)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
}
