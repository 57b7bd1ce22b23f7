package ingest

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
)

func TestParseDates(t *testing.T) {
	tests := []struct {
		in       string
		from, to string // to only of a span
		rule     string
	}{
		{"2026-11-20", "2026-11-20", "", ""},
		{"2026/1/2", "2026-01-02", "", ""},
		{"2026.1.2", "2026-01-02", "", ""},
		{"2026年1月2日", "2026-01-02", "", ""},
		{"2026 年 1 月 2 日", "2026-01-02", "", ""},
		{"２０２６年１月", "2026-01", "", ""},
		{"20260102", "2026-01-02", "", ""},
		{"2026", "2026", "", ""},
		{"2026年度", "2026", "", ""},
		{"2026-01-02 00:00:00", "2026-01-02", "", ""},
		{"2026/1/2 9:30", "2026-01-02", "", ""},
		{"2026-01-02T15:04:05Z", "2026-01-02", "", ""},
		{"2025-12-31T16:00:00.000Z", "2026-01-01", "", ""},
		{"2026-01-01T00:00:00+08:00", "2026-01-01", "", ""},
		{"2025-12-31 16:00:00", "2025-12-31", "", "date_shift"},
		{"二〇二六年三月十二日", "2026-03-12", "", ""},
		{"二零二六年十一月", "2026-11", "", ""},
		{"Mar 5, 2026", "2026-03-05", "", ""},
		{"5 March 2026", "2026-03-05", "", ""},
		{"March 2026", "2026-03", "", ""},
		{"202613", "", "", "date"},
		{"202611", "2026-11", "", ""},
		{"201112", "", "", "date"}, // November 2011 or 12 November 2020
		{"2026年第三季度", "2026", "", "date_coarse"},
		{"2026年上半年", "2026", "", "date_coarse"},
		{"2026年底", "2026", "", "date_coarse"},
		{"10/03/2015", "", "", "date"},
		{"16/06/2024", "2024-06-16", "", ""},
		{"06/16/2024", "2024-06-16", "", ""},
		{"05/05/2024", "2024-05-05", "", ""},
		{"26-1-2", "", "", "date"},
		{"98年5月", "", "", "date"},
		{"'15.3", "", "", "date"},
		{"1/2/15", "", "", "date"},
		{"44927", "2023-01-01", "", "date_serial"},
		{"44927.5", "2023-01-01", "", "date_serial"},
		{"20151", "", "", "date"}, // the serial of 1955, or January 2015
		{"99999", "", "", "date"},
		{"1899-12-31", "", "", "date_empty"},
		{"1899-12-31 16:00:00", "", "", "date_empty"},
		{"1900-01-00", "", "", "date_empty"},
		{"1900/1/0 0:00", "", "", "date_empty"},
		{"0000-00-00 00:00:00", "", "", "date_empty"},
		{"1915-03-10", "", "", "date"},
		{"2026-02-30", "", "", "date"},
		{"111", "", "", "date"},
		{"111/5/3", "", "", "date"},
		{"民國111年", "2022", "", "date_roc"},
		{"民國111年5月3日", "2022-05-03", "", "date_roc"},
		{"中華民國 111 年 5 月", "2022-05", "", "date_roc"},
		{"FY111", "2022", "", "date_roc"},
		{"FY22", "", "", "date"},
		{"110-111", "", "", "date"},
		{"2019-2021", "2019", "2021", "date_span"},
		{"2019.01-2021.12", "2019-01", "2021-12", "date_span"},
		{"2019年1月至2021年12月", "2019-01", "2021-12", "date_span"},
		{"2019/1/1～2021/12/31", "2019-01-01", "2021-12-31", "date_span"},
		{"2019-01-2021-12", "2019-01", "2021-12", "date_span"},
		{"2019-01-05 - 2021-12-06", "2019-01-05", "2021-12-06", "date_span"},
		{"2026年3月-5月", "2026-03", "2026-05", "date_span"},
		{"2026年5月3日至5日", "2026-05-03", "2026-05-05", "date_span"},
		{"2021-2019", "", "", "date"},
		{"2019年至今", "2019", "", "date_open"},
		{"2019年3月起", "2019-03", "", "date_open"},
		{"长期", "", "", "date_open"},
		{"待定", "", "", "date"},
		{"三个月", "", "", "date"},
		{strings.Repeat("1-", 80), "", "", "date"},
	}
	for _, tt := range tests {
		got, r := parseDates(tt.in, false)
		rule := ""
		if r != nil {
			rule = r.rule
		}
		if string(got.from) != tt.from || string(got.to) != tt.to || rule != tt.rule {
			t.Errorf("parseDates(%q) = %q to %q, rule %q, want %q to %q, rule %q", tt.in, got.from, got.to, rule, tt.from, tt.to, tt.rule)
		}
	}
}

func TestParseDatesOfTheRepublic(t *testing.T) {
	for in, want := range map[string]string{
		"111": "2022", "111年度": "2022", "111/5/3": "2022-05-03", "1110503": "2022-05-03", "99": "2010", "110-111": "2021 2022", "FY110-111": "2021 2022", "2022-05-03": "2022-05-03",
	} {
		got, _ := parseDates(in, true)
		if s := strings.TrimSpace(string(got.from) + " " + string(got.to)); s != want {
			t.Errorf("parseDates(%q) = %q, want %q", in, s, want)
		}
	}
}

func TestParseMoney(t *testing.T) {
	cny := func(low, high float64) catalog.Money {
		return catalog.Money{Min: low, Max: high, Currency: "CNY"}
	}
	inTenThousands := hint{scale: 1e4}
	tests := []struct {
		in   string
		hint hint
		want catalog.Money
		rule string
	}{
		{"30万元", hint{}, cny(300000, 300000), ""},
		{"7万", hint{}, cny(70000, 70000), ""},
		{"1,200元", hint{}, cny(1200, 1200), ""},
		{"10-20万元", hint{}, cny(100000, 200000), ""},
		{"10万-20万元", hint{}, cny(100000, 200000), ""},
		{"1000万元至1亿元", hint{}, cny(1e7, 1e8), ""},
		{"不超过100万元", hint{}, cny(0, 1000000), ""},
		{"100万元以内", hint{}, cny(0, 1000000), ""},
		{"≤100万元", hint{}, cny(0, 1000000), ""},
		{"50万元以上", hint{}, cny(500000, 0), ""},
		{"不低于50万", hint{}, cny(500000, 0), ""},
		{"约30万元", hint{}, cny(300000, 300000), "about"},
		{"30万左右", hint{}, cny(300000, 300000), "about"},
		{"1.5亿元", hint{}, cny(1.5e8, 1.5e8), ""},
		{"5千元", hint{}, cny(5000, 5000), ""},
		{"3百万元", hint{}, cny(3e6, 3e6), ""},
		{"人民币叁拾万元整", hint{}, cny(300000, 300000), ""},
		{"一千五百万元", hint{}, cny(1.5e7, 1.5e7), ""},
		{"5万美元", hint{}, catalog.Money{Min: 50000, Max: 50000, Currency: "USD"}, ""},
		{"$1,200", hint{}, catalog.Money{Min: 1200, Max: 1200, Currency: "USD"}, ""},
		{"USD 3000", hint{}, catalog.Money{Min: 3000, Max: 3000, Currency: "USD"}, ""},
		{" ３０ 万元 ", hint{}, cny(300000, 300000), ""},
		{"30万元（可面议）", hint{}, catalog.Money{Min: 300000, Max: 300000, Currency: "CNY", Negotiable: true}, ""},
		{"面议", hint{}, catalog.Money{Negotiable: true}, ""},
		{"价格面议", hint{}, catalog.Money{Negotiable: true}, ""},
		{"双方协商", hint{}, catalog.Money{Negotiable: true}, ""},
		{"待定", hint{}, catalog.Money{Negotiable: true}, ""},
		{"-1", inTenThousands, catalog.Money{Negotiable: true}, ""},
		{"－1", hint{}, catalog.Money{Negotiable: true}, ""},
		{"不限", hint{}, catalog.Money{Negotiable: true}, "money_no_limit"},
		{"30", hint{}, catalog.Money{}, "money_unit"},
		{"30", inTenThousands, cny(300000, 300000), ""},
		{"30.5", inTenThousands, cny(305000, 305000), ""},
		{"30-50", inTenThousands, cny(300000, 500000), ""},
		{"30万元", inTenThousands, cny(300000, 300000), ""},
		{"200元", inTenThousands, cny(200, 200), ""},
		{"2", hint{scale: 1e4, currency: "USD"}, catalog.Money{Min: 20000, Max: 20000, Currency: "USD"}, ""},
		{"800", hint{scale: 1}, cny(800, 800), ""},
		{"很多", hint{}, catalog.Money{}, "money"},
		{"5%", hint{}, catalog.Money{}, "money"},
		{"100万元+5%提成", hint{}, catalog.Money{}, "money"},
		{"30万元/年", hint{}, catalog.Money{}, "money"},
		{"50-30万元", hint{}, catalog.Money{}, "money"},
		{"1,2,3元", hint{}, catalog.Money{}, "money"},
		{"0", inTenThousands, catalog.Money{}, "money"},
		{"-5万元", hint{}, catalog.Money{}, "money"},
		{"30万元至5万美元", hint{}, catalog.Money{}, "money"},
		{"", hint{}, catalog.Money{}, "money"},
	}
	for _, tt := range tests {
		got, r, ok := parseMoney(tt.in, tt.hint)
		rule := ""
		if r != nil {
			rule = r.rule
		}
		if got != tt.want || rule != tt.rule || ok != (tt.want != catalog.Money{}) {
			t.Errorf("parseMoney(%q, %+v) = %+v, rule %q, %v, want %+v, rule %q", tt.in, tt.hint, got, rule, ok, tt.want, tt.rule)
		}
	}
}

func field(t *testing.T, d catalog.Dataset, path string) catalog.Field {
	t.Helper()
	f, ok := catalog.LookupField(d, path)
	if !ok {
		t.Fatalf("%s has no field %s", d, path)
	}
	return f
}

func TestConvert(t *testing.T) {
	tests := []struct {
		dataset  catalog.Dataset
		path, in string
		want     any // nil: no value
		rule     string
	}{
		{catalog.Achievements, "trl", "7", 7, ""},
		{catalog.Achievements, "trl", "TRL7", 7, ""},
		{catalog.Achievements, "trl", "TRL-7级", 7, ""},
		{catalog.Achievements, "trl", "7级", 7, ""},
		{catalog.Achievements, "trl", "第七级", 7, ""},
		{catalog.Achievements, "trl", "七级", 7, ""},
		{catalog.Achievements, "trl", "7.0", 7, ""},
		{catalog.Achievements, "trl", "7/9", 7, ""},
		{catalog.Achievements, "trl", "Level 7", 7, ""},
		{catalog.Achievements, "trl", "TRL7：原型系统", 7, "trl"},
		{catalog.Achievements, "trl", "TRL 7-8", nil, "trl"},
		{catalog.Achievements, "trl", "10", nil, "trl"},
		{catalog.Achievements, "trl", "中试", nil, "trl"},
		{catalog.Achievements, "trl", "无", nil, ""},
		{catalog.Demands, "local_first", "是", true, ""},
		{catalog.Demands, "local_first", "√", true, ""},
		{catalog.Demands, "local_first", "否。", false, ""},
		{catalog.Demands, "local_first", "Ｙ", true, ""},
		{catalog.Demands, "local_first", "视情况", nil, "bool"},
		{catalog.Organizations, "floor_area_m2", "12,000", 12000.0, ""},
		{catalog.Organizations, "floor_area_m2", "1.2万平方米", 12000.0, ""},
		{catalog.Organizations, "floor_area_m2", "3000㎡", 3000.0, ""},
		{catalog.Organizations, "floor_area_m2", "约3000平米", 3000.0, "about"},
		{catalog.Organizations, "floor_area_m2", "85%", nil, "number"},
		{catalog.Organizations, "incubating_firms", "120家", 120, ""},
		{catalog.Organizations, "incubating_firms", "12.5", nil, "number"},
		{catalog.Organizations, "incubating_firms", "—", nil, ""},
		{catalog.Organizations, "uscc", " 91410300-ma00000000 ", "91410300MA00000000", ""},
		{catalog.Organizations, "telephone", "0379－12345678", "0379-12345678", ""},
		{catalog.Organizations, "website", "www.example.com.cn/a", "http://www.example.com.cn/a", ""},
		{catalog.Organizations, "website", "https://example.cn", "https://example.cn", ""},
		{catalog.Organizations, "address", "无", nil, ""},
		{catalog.Achievements, "title", "无", "无", ""},
		{catalog.Achievements, "stage", "中期阶段（中试）", "pilot", ""},
		{catalog.Achievements, "stage", "成 熟 应 用", "mature", ""},
		{catalog.Achievements, "stage", "□小试 ☑中试 □量产", "pilot", ""},
		{catalog.Achievements, "stage", "☑小试 ☑中试", nil, "code"},
		{catalog.Achievements, "stage", "雛型", nil, "code"},
		{catalog.Achievements, "level", "国际先进水平", "international-advanced", ""},
		{catalog.Achievements, "division", "河南省洛阳市涧西区", "410305", ""},
		{catalog.Achievements, "division", "洛阳涧西", "410305", ""},
		{catalog.Achievements, "division", "洛阳市", "410300", ""},
		{catalog.Achievements, "division", "吉利区", "410308", "code_successor"},
		{catalog.Achievements, "division", "偃师市", "410307", "code_successor"},
		{catalog.Achievements, "division", "410381", "410307", "code_successor"},
		{catalog.Achievements, "division", "郑州市", nil, "code"},
	}
	for _, tt := range tests {
		got, r := convert(field(t, tt.dataset, tt.path), tt.in, hint{})
		rule := ""
		if r != nil {
			rule = r.rule
		}
		if got != tt.want || rule != tt.rule {
			t.Errorf("convert(%s, %q) = %v, rule %q, want %v, rule %q", tt.path, tt.in, got, rule, tt.want, tt.rule)
		}
	}
}

func TestConvertIndustry(t *testing.T) {
	tests := []struct{ in, code, rule string }{
		{"滚动轴承制造", "3451", ""},
		{"C34 通用设备制造业", "34", ""},
		{"C3451", "3451", ""},
		{"3451-滚动轴承制造", "3451", ""},
		{"制造业 > 通用设备制造业 > 轴承、齿轮和传动部件制造", "345", ""},
		{"制造业/通用设备制造业/没有这一类", "34", "code_coarse"},
		{"轴承制造", "345", "code_edition"},
		{"石油加工、炼焦和核燃料加工业", "25", "code_edition"},
		{"化学原料及化学制品制造业", "26", "code_edition"},
		{"3660 滚动轴承制造", "3451", "code_edition"},
		{"没有这一行业", "", "code"},
	}
	f := field(t, catalog.Achievements, "industries[]")
	for _, tt := range tests {
		got, r := convert(f, tt.in, hint{})
		code, rule := "", ""
		if c, ok := got.(catalog.Coded); ok {
			code = c.Code
		}
		if r != nil {
			rule = r.rule
		}
		if code != tt.code || rule != tt.rule {
			t.Errorf("convert(%q) = %q, rule %q, want %q, rule %q", tt.in, code, rule, tt.code, tt.rule)
		}
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		path, in string
		want     []string
	}{
		{"keywords[]", "轴承；钢,精炼", []string{"轴承", "钢", "精炼"}},
		{"keywords[]", "1.机械与系统\n2.生活应用", []string{"机械与系统", "生活应用"}},
		{"keywords[]", "1、轴承；2、钢；3、精炼", []string{"轴承", "钢", "精炼"}},
		{"keywords[]", "（1）轴承（2）钢", []string{"轴承", "钢"}},
		{"keywords[]", "(1)轴承 (2)钢", []string{"轴承", "钢"}},
		{"keywords[]", "①轴承②钢③精炼", []string{"轴承", "钢", "精炼"}},
		{"keywords[]", "１．轴承\n２．钢", []string{"轴承", "钢"}},
		{"keywords[]", "1.轴承2.钢", []string{"轴承", "钢"}},
		{"keywords[]", "1.5兆瓦风机", []string{"1.5兆瓦风机"}},
		{"keywords[]", "1.8T发动机\n2.0T发动机", []string{"1.8T发动机", "2.0T发动机"}},
		{"keywords[]", "3D打印", []string{"3D打印"}},
		{"keywords[]", "轴承　精炼 保持架", []string{"轴承", "精炼", "保持架"}},
		{"keywords[]", "ball bearing", []string{"ball bearing"}},
		{"contributors[]", "张三丰 李四光", []string{"张三丰", "李四光"}},
		{"contributors[]", "张 三", []string{"张 三"}},
		{"organizations[].name", "1.甲研究院\n2.乙公司", []string{"甲研究院", "乙公司"}},
		{"organizations[].name", "Alpha Co., Ltd.", []string{"Alpha Co., Ltd."}},
		{"keywords[]", "", nil},
	}
	for _, tt := range tests {
		if got := split(field(t, catalog.Achievements, tt.path), tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("split(%s, %q) = %q, want %q", tt.path, tt.in, got, tt.want)
		}
	}
}

func TestConvertMany(t *testing.T) {
	tests := []struct {
		path, in string
		want     []any
		rule     string
	}{
		{"transfer_modes[]", "许可、转让", []any{"license", "assignment"}, ""},
		{"transfer_modes[]", "转让/许可", []any{"assignment", "license"}, ""},
		{"transfer_modes[]", "转让或许可", []any{"assignment", "license"}, ""},
		{"transfer_modes[]", "☑转让 □许可 ☑作价投资", []any{"assignment", "equity"}, ""},
		{"transfer_modes[]", "□转让 □许可", nil, "code"},
		{"transfer_modes[]", "1.转让 2.面谈后再说", []any{"assignment", nil}, "code"},
		{"transfer_modes[]", "无", nil, ""},
		{"ip[].number", "ZL202119900012.4；无；2016SR309930", []any{"ZL202119900012.4", nil, "2016SR309930"}, ""},
	}
	for _, tt := range tests {
		got, r := convertMany(field(t, catalog.Achievements, tt.path), tt.in, hint{})
		rule := ""
		if r != nil {
			rule = r.rule
		}
		if len(got)+len(tt.want) > 0 && !reflect.DeepEqual(got, tt.want) || rule != tt.rule {
			t.Errorf("convertMany(%s, %q) = %v, rule %q, want %v, rule %q", tt.path, tt.in, got, rule, tt.want, tt.rule)
		}
	}
}

// FuzzImport: no input makes the importer panic, and every row has an outcome.
func FuzzImport(f *testing.F) {
	f.Add("a.csv", []byte("\ufeff成果名称,完成单位,拟转让价格\n甲,乙;丙,30万元\n"))
	f.Add("a.tsv", []byte("标题\t密级\n甲\t秘密\n"))
	f.Add("a.jsonl", []byte(`{"title":"甲","ip":[{"number":"ZL202119900012.4"}],"items":["key:x"]}`+"\n[1]\n"))
	f.Add("a.jsonl", []byte(`{"title":"甲","industries":[{"scheme":"x","code":"y"}],"price":{"min":-1}}`))
	f.Add("a.csv", []byte("title,raw,ip[].number\n\"a\nb\",x,1;2\n"))
	f.Add("a.csv", []byte("成果名称,研究起止时间,预算（万元）,完成单位,TRL,应用行业码\n甲,2019.01-2021.12,30,甲大学乙有限公司丙研究院,TRL7,3660\n"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		d := catalog.NewDraft(nil, now)
		r, err := Import(t.Context(), d, []File{{name, strings.NewReader(string(content))}}, Options{Dataset: catalog.Achievements, Publisher: "p"})
		if err == nil {
			checkTotals(t, r)
		}
	})
}

func FuzzReadProfile(f *testing.F) {
	f.Add([]byte(`{"catalog":"c","title":{"zh":"题"},"public_url":"https://a.example/"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ReadProfile(b); err == nil && !catalog.ValidCatalogName(p.Catalog) {
			t.Errorf("accepted %+v", p)
		}
	})
}
