package ingest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"luoshu/catalog"
)

func TestAliasesLeadSomewhere(t *testing.T) {
	for key, target := range loadAliases() {
		if key.name == "" {
			t.Error("an alias is empty")
		}
		if target.use == "" {
			t.Errorf("%q has no visibility", key.name)
		}
		if key.dataset != "" {
			if _, ok := key.dataset.Info(); !ok {
				t.Errorf("%q is of an unknown dataset %q", key.name, key.dataset)
			}
		}
		if target.use != Mapped || target.helper() {
			continue
		}
		found := false
		for d := range catalog.Datasets() {
			if key.dataset == "" || key.dataset == d.Name {
				if f, ok := catalog.LookupField(d.Name, target.name); ok {
					found = true
					if f.Assigned() {
						t.Errorf("%q leads to %s, which publishing sets", key.name, target.name)
					}
				}
			}
		}
		if !found {
			t.Errorf("%q leads to %q, which no dataset has", key.name, target.name)
		}
	}
}

// TestEveryFieldHasAName: the labels of the schema, in both languages, lead to
// their fields, whatever aliases all datasets share. A label that two fields of
// a dataset bear leads to the first.
func TestEveryFieldHasAName(t *testing.T) {
	for d := range catalog.Datasets() {
		m, err := newMapping(d.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		first := map[string]string{}
		for _, f := range catalog.Fields(d.Name) {
			if f.Assigned() || f.Top() == "relations" { // relations take several columns to say
				continue
			}
			for _, label := range []string{f.Label.ZH, f.Label.EN} {
				key := foldHeader(label)
				if first[key] == "" {
					first[key] = f.Path
				}
				if got := m.column(label); got.use != Mapped || got.field.Path != first[key] {
					t.Errorf("%s: %q is %s %q, want %s", d.Name, label, got.use, got.name, first[key])
				}
			}
		}
	}
}

func TestColumns(t *testing.T) {
	tests := []struct {
		dataset catalog.Dataset
		header  string
		use     Use
		name    string
		hint    hint
	}{
		{catalog.Achievements, "成 果 名 称", Mapped, "title", hint{}},
		{catalog.Achievements, "*成果名称（必填）", Mapped, "title", hint{}},
		{catalog.Achievements, "“关键词”", Mapped, "keywords[]", hint{}},
		{catalog.Achievements, "关键词（不超过5个，用分号分隔）", Mapped, "keywords[]", hint{}},
		{catalog.Achievements, "成果简介（500字以内）", Mapped, "abstract", hint{}},
		{catalog.Achievements, "预期交易价格万元", Mapped, "price", hint{scale: 1e4}},
		{catalog.Achievements, "关键词（用分号分隔）", Mapped, "keywords[]", hint{}},
		{catalog.Achievements, "预期交易价格（万元）", Mapped, "price", hint{scale: 1e4}},
		{catalog.Achievements, "拟转让价格(单位：万元)(必填)", Mapped, "price", hint{scale: 1e4}},
		{catalog.Achievements, "拟转化金额（万）", Mapped, "price", hint{scale: 1e4}},
		{catalog.Achievements, "挂牌价格/元", Mapped, "price", hint{scale: 1}},
		{catalog.Achievements, "Price (USD)", Mapped, "price", hint{scale: 1, currency: "USD"}},
		{catalog.Achievements, "完成时间（民國）", Mapped, "completed_on", hint{roc: true}},
		{catalog.Achievements, "技术就绪度（GB/T 22900-2022）", Mapped, "trl", hint{trlScale: "gbt22900-2022"}},
		{catalog.Achievements, "密 级", Gate, "secrecy_level", hint{}},
		{catalog.Achievements, "是否涉密", Gate, "classified", hint{}},
		{catalog.Achievements, "联系人", Dropped, "", hint{}},
		{catalog.Achievements, "联系人（手机）", Dropped, "", hint{}},
		{catalog.Achievements, "第二联系人电话", Dropped, "", hint{}},
		{catalog.Achievements, "完成单位（联系人）", Dropped, "", hint{}},
		{catalog.Achievements, "Inventor e-mail", Dropped, "", hint{}},
		{catalog.Achievements, "完成单位（盖章处）", Unknown, "", hint{}},
		{catalog.Achievements, "统一社会信用代码", Mapped, orgCode, hint{}},
		{catalog.Achievements, "我们的备注", Unknown, "", hint{}},
		{catalog.Achievements, "", Unknown, "", hint{}},
		{catalog.Demands, "预算（万元）", Mapped, "budget", hint{scale: 1e4}},
		{catalog.Demands, "企业名称", Mapped, "organizations[].name", hint{}},
		{catalog.Organizations, "统一社会信用代码", Mapped, "uscc", hint{}},
		{catalog.Organizations, "孵化面积（万平方米）", Mapped, "floor_area_m2", hint{scale: 1e4}},
		{catalog.Organizations, "联系电话", Dropped, "", hint{}},
		{catalog.Organizations, "telephone", Mapped, "telephone", hint{}},
		{catalog.Experts, "姓名", Mapped, "title", hint{}},
		{catalog.Experts, "性别", Dropped, "", hint{}},
		{catalog.Policies, "奖励金额（万元）", Mapped, "amount", hint{scale: 1e4}},
		{catalog.Notices, "起拍价（元）", Mapped, "price", hint{scale: 1}},
		{catalog.Packages, "统一社会信用代码", Unused, orgCode, hint{}},
	}
	for _, tt := range tests {
		m, err := newMapping(tt.dataset, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := m.column(tt.header)
		if got.use != tt.use || got.use == Mapped && got.name != tt.name || got.use == Mapped && got.hint != tt.hint {
			t.Errorf("%s %q: %s %q %+v, want %s %q %+v", tt.dataset, tt.header, got.use, got.name, got.hint, tt.use, tt.name, tt.hint)
		}
	}
}

// TestHiddenCharactersInNames: they make no other column of it, so that one that
// decides about publication goes on doing so.
func TestHiddenCharactersInNames(t *testing.T) {
	m, err := newMapping(catalog.Achievements, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"密\u200b级", "密\u00ad级", "\ufe0f密　级\u3164"} {
		if got := m.column(name).use; got != Gate {
			t.Errorf("%q is %s", name, got)
		}
	}
}

func TestGates(t *testing.T) {
	tests := []struct {
		header, value string
		closed        bool
	}{
		{"密级", "公开", false},
		{"密级", "公 开", false},
		{"密级", "非 密", false},
		{"密级", "/", false},
		{"密级", "内部", true},
		{"密级", "秘密★1年", true},
		{"密级", "待定", true},
		{"是否公开", "是", false},
		{"是否公开", "Ｙ", false},
		{"是否公开", "否", true},
		{"是否公开", "部分公开", true},
		{"公开方式", "主动公开", false},
		{"公开方式", "依申请公开", true},
		{"是否涉密", "否", false},
		{"是否涉密", "是", true},
		{"保密期限", "无", false},
		{"保密期限", "3年", true},
		{"解密时间", "2020-01-01", true},
		{"限制使用", "不限", false},
		{"限制使用", "国内", true},
	}
	m, err := newMapping(catalog.Achievements, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		target := m.column(tt.header)
		if got := closed(target.name, cell{column: tt.header, text: tt.value}); target.use != Gate || got != tt.closed {
			t.Errorf("%s %q: %s, closed %v, want %v", tt.header, tt.value, target.use, got, tt.closed)
		}
	}
}

// TestGuessedGates: a column whose name speaks of secrecy or publication decides
// about its rows, whether or not the name is known.
func TestGuessedGates(t *testing.T) {
	for _, header := range strings.Split("密级(公开/内部/秘密)|能否公开|是否公开发布|密级情况|定密情况|密别|安全等级|知悉范围|涉密程度|是否可公开发布|公开程度|"+
		"信息公开属性|保密要求|是否解密|是否上网公示|是否公示|SecurityLevel|security_level|Secret?|Data Classification|Confidentiality|Is public|密級別|是否公開|"+
		"密级（由单位保密部门填写，公开、内部、秘密三选一）|是否公开（定密责任人签字）|附：保密 要求", "|") {
		for value, want := range map[string]bool{"公开": false, "": false, "/": false, "内部": true, "秘密": true, "待定": true, "依申请公开": true} {
			r := importInto(t, catalog.NewDraft(nil, now), []File{csvFile("a.csv", []string{"成果名称", header, "关键词"}, []string{"甲成果", value, "丙"})}, Options{})
			if got := lines(r); strings.Contains(got, "2 refused "+header+"/M2") != want || (r.Totals.Published == 1) == want {
				t.Errorf("%q %q: %s", header, value, got)
			}
		}
	}
	for header, value := range map[string]string{
		"专利公开号": "CN218751475U", "公开(公告)日": "2020-01-01", "公示时间": "2020-01-01", "保密审查单位": "甲院", "定密责任人": "某人", "IPC classification": "G06F",
		"Secretary": "某人", "公开发表论文": "三篇", "是否签订保密协议": "否", "公示链接": "https://example.com/",
		"能否公开": "能", "是否解密": "已解密", "涉密程度": "不涉密", "保密要求": "无", "Confidentiality": "None",
	} {
		r := importInto(t, catalog.NewDraft(nil, now), []File{csvFile("a.csv", []string{"成果名称", header, "关键词"}, []string{"甲成果", value, "丙"})}, Options{})
		if r.Totals.Published != 1 {
			t.Errorf("%q %q: %s", header, value, lines(r))
		}
	}
	// Classification is what data of science calls the discipline, and what others
	// call the grade.
	for value, want := range map[string]string{"机械工程": "2 published", "": "2 published", "公开": "2 published", "Secret": "2 refused Classification/M2", "内部": "2 refused Classification/M2"} {
		d := catalog.NewDraft(nil, now)
		r := importInto(t, d, []File{csvFile("a.csv", []string{"成果名称", "Classification"}, []string{"甲成果", value})}, Options{})
		if got := lines(r); got != want {
			t.Errorf("Classification %q: %s, want %s", value, got, want)
		}
		if value == "机械工程" && len(record[*catalog.Achievement](t, d, "甲成果").Disciplines) != 1 {
			t.Error("a discipline was not taken")
		}
	}
}

// TestNoMapOpens: what decides about publication or is never public stays so under
// every name that means it, whatever a map says.
func TestNoMapOpens(t *testing.T) {
	for _, header := range []string{"联系人", "联系人（必填）", "密级", "密级（必填）", "*密 级（单选）", "第二联系人电话", "能否公开", "密级（公开/内部）", "手机（11位数字）"} {
		for _, field := range []string{"contributors", "-", "source_key"} {
			_, err := Import(t.Context(), catalog.NewDraft(nil, now), file("a.csv", "成果名称,"+header+"\n甲成果,内部\n"),
				Options{Dataset: catalog.Achievements, Publisher: "p", Columns: map[string]string{header: field}})
			if err == nil || !strings.Contains(err.Error(), "cannot be mapped") {
				t.Errorf("%q as %q: %v", header, field, err)
			}
		}
	}
	if _, err := newMapping(catalog.Achievements, map[string]string{"我们的备注": "abstract", "专利公开号": "ip[].number"}); err != nil {
		t.Error(err)
	}
}

// proposal shows a column as "field use confidence examples".
func proposal(t target, p Proposal) string {
	name := t.name
	if t.use == Unknown {
		name = p.Field
	}
	return strings.TrimRight(fmt.Sprintf("%s %s %.1f %s", name, t.use, p.Confidence, strings.Join(p.Examples, "|")), " ")
}

func TestPropose(t *testing.T) {
	column := func(values ...string) []string { return values }
	tests := []struct {
		name    string
		dataset catalog.Dataset
		header  string
		values  []string
		want    string
	}{
		{"known", catalog.Achievements, "成果名称", column("甲", "乙", "甲"), "title mapped 1.0 甲|乙"},
		{"a gate shows nothing", catalog.Achievements, "密级", column("公开"), "secrecy_level gate 1.0"},
		{"never public shows nothing", catalog.Achievements, "联系电话", column("0379-12345678"), " dropped 1.0"},
		{"a key shows nothing", catalog.Achievements, "成果编号", column("K-1"), "source_key mapped 1.0"},
		{"a name nearly known", catalog.Achievements, "主要创新亮点", column("快", "好", "省"), "advantages unknown 0.8"},
		{"a name like one that decides about publication", catalog.Achievements, "使用限制的说明", column("国内", "无"), " unknown 0.7"},
		{"a name like one never public", catalog.Achievements, "连系电话号", column("1", "2", "3"), " dropped 1.0"},
		{"telephone numbers under any name", catalog.Achievements, "栏目甲", column("13812345678", "139-1234-5678", "1"), " unknown 0.9"},
		{"an unknown column shows nothing", catalog.Achievements, "栏目甲", column("王小明", "李红", "张三丰"), " unknown 0.0"},
		{"nothing to go by", catalog.Achievements, "栏目甲", column("红", "蓝", "绿"), " unknown 0.0"},
		{"patent numbers", catalog.Achievements, "栏目甲", column("ZL202119900012.4", "202119900012.4", "CN202119900012.4"), "ip[].number unknown 0.9"},
		{"codes of organizations", catalog.Organizations, "栏目甲", column("91350100M000100Y43", "91350100M000100Y43", "91350100M000100Y43"), "uscc unknown 0.9"},
		{"a code list", catalog.Achievements, "栏目甲", column("中试", "小试", "成熟应用"), "stage unknown 0.7"},
		{"amounts", catalog.Demands, "栏目甲", column("30万元", "面议", "5万"), "budget unknown 0.7"},
		{"dates", catalog.Events, "栏目甲", column("2026-01-02", "2026年3月5日", "2026/4/6"), "starts_on unknown 0.4"},
		{"organizations", catalog.Achievements, "栏目甲", column("河洛工程大学", "星河装备有限公司", "豫州市气象局"), "organizations[].name unknown 0.6"},
		{"name and values agree", catalog.Achievements, "研发单位名", column("河洛工程大学", "星河装备有限公司", "豫州市农业局"), "organizations[].name unknown 0.9"},
		{"values that do not fit a known name", catalog.Achievements, "登记日期", column("甲", "乙", "丙", "丁"), "registration.date mapped 0.6 甲|乙|丙"},
		{"a marked text stays off the screen", catalog.Achievements, "简介", column("机密★3年", "可以看"), "abstract mapped 1.0 可以看"},
		{"a number in a public text stays off the screen", catalog.Achievements, "简介", column("请电 13812345678", "可以看"), "abstract mapped 1.0 可以看"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := newMapping(tt.dataset, nil)
			must(t, err)
			s := sample{mapping: m, header: []string{tt.header}}
			for _, v := range tt.values {
				s.rows = append(s.rows, sampleRow{[]string{v}, &item{}})
			}
			got := s.propose()
			if text := proposal(m.column(tt.header), got[0]); text != tt.want {
				t.Errorf("got  %q (%s)\nwant %q", text, got[0].Reason.EN, tt.want)
			}
			if got[0].Reason.ZH == "" || got[0].Reason.EN == "" {
				t.Errorf("reason = %+v", got[0].Reason)
			}
		})
	}
}

func TestExamplesAreOfPublishedRows(t *testing.T) {
	r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", "成果名称,密级,自定\n不可说,秘密,不可说\n可说,公开,可说\n也可说\n机密★1年的事,公开,不能说\n"),
		Options{Columns: map[string]string{"自定": "advantages"}})
	examples := map[string]string{}
	for _, c := range r.Columns {
		examples[c.Name] = strings.Join(c.Examples, "|")
	}
	if want := map[string]string{"成果名称": "可说|也可说", "密级": "", "自定": "可说"}; !reflect.DeepEqual(examples, want) {
		t.Errorf("examples %q, want %q", examples, want)
	}
}

func TestSavedMapping(t *testing.T) {
	r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", "成果名称,研发单位名,栏目甲\n甲,河洛工程大学,红\n乙,星河装备有限公司,蓝\n丙,豫州市农业局,绿\n"), Options{})
	proposed := r.Proposed(map[string]string{"别处": "-"})
	if want := map[string]string{"别处": "-", "研发单位名": "organizations[].name", "栏目甲": "-"}; !reflect.DeepEqual(proposed, want) {
		t.Errorf("proposed %v, want %v", proposed, want)
	}
	saved := NewSavedMapping(r, "p", catalog.Achievements, proposed, "2026-11-20")
	if want := map[string]string{"研发单位名": "organizations[].name", "栏目甲": "-"}; !reflect.DeepEqual(saved.Columns, want) {
		t.Errorf("columns %v, want %v", saved.Columns, want)
	}
	b, err := saved.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadSavedMapping(b)
	if err != nil || !reflect.DeepEqual(again, saved) {
		t.Errorf("read back %+v, %v", again, err)
	}
	// The next file is read alike, whatever it lacks.
	next := importInto(t, catalog.NewDraft(nil, now), file("b.csv", "成果名称,研发单位名\n甲,河洛工程大学\n"), Options{Known: again.Columns})
	if got := next.Columns[1]; got.Use != Mapped || got.Field != "organizations[].name" {
		t.Errorf("column %+v", got)
	}
	if d := again.Drift(next); len(d) != 1 || d[0].Change != ColumnGone || d[0].Column != "栏目甲" {
		t.Errorf("drift %+v", d)
	}
	for name, text := range map[string]string{
		"no JSON":         "{",
		"unknown member":  `{"publisher":"p","dataset":"achievements","made_on":"2026","header":[],"columns":{},"x":1}`,
		"unknown dataset": `{"publisher":"p","dataset":"x","made_on":"2026","header":[],"columns":{}}`,
		"no date":         `{"publisher":"p","dataset":"achievements","made_on":"x","header":[],"columns":{}}`,
		"unknown field":   `{"publisher":"p","dataset":"achievements","made_on":"2026","header":["a"],"columns":{"a":"b"}}`,
		"foreign column":  `{"publisher":"p","dataset":"achievements","made_on":"2026","header":["a"],"columns":{"c":"title"}}`,
	} {
		if _, err := ReadSavedMapping([]byte(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestDrift(t *testing.T) {
	saved := SavedMapping{
		Publisher: "p", Dataset: catalog.Achievements, MadeOn: "2026-11-20",
		Header: []string{"成果名称", "自定单位", "关键词", "联系人", "密级"}, Columns: map[string]string{"自定单位": "organizations[].name"},
	}
	tests := []struct {
		name   string
		header []string
		want   []Drifted
	}{
		{"the same", saved.Header, nil},
		{"the same to a reader", []string{"*成果 名称", "自定单位", "“关键词”", "联系人", "密 级"}, nil},
		{"another order", []string{"密级", "联系人", "关键词", "自定单位", "成果名称"}, nil},
		{
			"new, renamed by meaning, renamed by name, gone",
			[]string{"成果题目", "自定单位名", "联系人", "手机", "密级"},
			[]Drifted{
				{Change: ColumnRenamed, Column: "成果题目", Was: "成果名称", Field: "title", Use: Mapped},
				{Change: ColumnRenamed, Column: "自定单位名", Was: "自定单位", Use: Unknown, Lost: "organizations[].name"},
				{Change: ColumnNew, Column: "手机", Use: Dropped},
				{Change: ColumnGone, Column: "关键词", Lost: "keywords[]"},
			},
		},
		{"the gate is gone", saved.Header[:4], []Drifted{{Change: ColumnGone, Column: "密级", Lost: "secrecy_level"}}},
	}
	for _, tt := range tests {
		m, err := newMapping(saved.Dataset, saved.Columns)
		must(t, err)
		r := &Report{}
		for _, name := range tt.header {
			to := m.column(name)
			r.Columns = append(r.Columns, Column{Name: name, Field: to.name, Use: to.use})
		}
		if got := saved.Drift(r); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
	if got := saved.For([]string{"成果名称"}); len(got) != 0 {
		t.Errorf("For = %v", got)
	}
	if s := (Drifted{Change: ColumnGone, Column: "密级", Lost: "secrecy_level"}).Text("zh"); s != "缺少“密级”列，secrecy_level 不再有来源" {
		t.Error(s)
	}
}
