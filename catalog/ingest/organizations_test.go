package ingest

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"luoshu/catalog"
)

// Names here are invented, of the shapes that registration systems export. A bar
// stands where a careful reader would split; the input has none.
var runTogether = []string{
	// One organization, however it looks.
	"河洛工程大学",
	"河洛工程大学附属第三医院",
	"河洛工程大学医学院附属白马医院龙门分院",
	"河洛工程大学机电工程学院",
	"河洛工程大学国家大学科技园",
	"河洛工程大学科技园有限公司",
	"河洛工程大学建筑设计研究院有限公司",
	"河洛工程大学苏州产业技术研究院",
	"中原装备集团公司第三十九研究所",
	"中原装备研究院有限公司",
	"中国东岳石油股份有限公司洛北油田分公司",
	"中国东岳石油股份有限公司洛北油田分公司勘探开发研究院",
	"国网虚拟省电力公司洛滨供电公司",
	"中国示例科学院郑州应用材料研究所",
	"中国示例科学院水利部成都山地研究所",
	"豫西省农业科学院经济作物研究所",
	"豫州市中心医院",
	"沧浪河水利委员会沧浪河水利科学研究院",
	"中铁九九局集团第五工程有限公司",
	"示例(中国)有限公司",
	"解放军六三九九九部队",
	// Two.
	"河洛工程大学|龙门理工学院",
	"河洛工程大学|洛阳白马轴承有限公司",
	"洛阳白马轴承股份有限公司|河洛工程大学",
	"白马轴承集团有限公司|白马轴承集团精密有限公司",
	"白马轴承集团|河洛工程大学",
	"河洛工程大学|豫州市农业科学研究院",
	"河洛工程大学附属第三医院|豫州市人民医院",
	"豫州市人民医院|南天医科大学珠溪医院",
	"中国东岳石油股份有限公司洛北油田分公司|洛滨石油大学",
	"示例工业大学(威海)|威海星河装备有限公司",
	"示例工业大学（威海）|洛阳星河装备有限公司",
	"星河(洛阳)装备有限公司|河洛工程大学",
	"豫州市气象局|龙门县气象局",
	"龙门县农业技术推广中心|嵩县林业局",
	"豫西省种子站|豫州市农业技术推广总站",
	"中原装备集团公司第三十九研究所|洛阳星河装备有限公司",
	"龙门县池口镇红星种植专业合作社|豫西省农业科学院园艺研究所",
	"豫西省农业科学院|豫州市白马种业有限公司",
	"豫西省气候中心|国网豫西省电力有限公司电力科学研究院",
	"星河科技股份有限公司|中原工业规划设计研究院有限公司",
	"星河科技有限公司|交通运输部示例科学研究所",
	"河洛工程大学|中国示例工程研究院",
	"河洛工程大学|解放军63999部队",
	"河洛工程大学|国家示例测控中心",
	"洛阳星河装备有限公司|北京示例飞行控制中心",
	"第三军医大学附属白马医院|豫州市第二人民医院",
	"白马有色集团股份有限公司|白马有色集团股份有限公司铜业公司",
	"河洛工程大学1|示例财经大学2等",
	"河洛工程大学 |龙门理工学院",
	"星河装备有限公司,|河洛工程大学",
	"ABC中国有限公司|河洛工程大学",
	"洛阳国家示例创业园|河洛工程大学",
	"河洛工程大学出版社有限公司|星河传媒集团有限公司",
	// More.
	"河洛工程大学|龙门理工学院|洛阳白马轴承有限公司",
	"星河装备有限公司|晨光机械有限责任公司|东山智能股份有限公司|河洛工程大学",
	"豫州市园林站|龙门县林业技术推广中心|白马市林业服务中心|豫西省林业科学研究院",
	"豫西省建筑科学研究院有限公司|中国建筑第九九工程局有限公司|郑州星河设计有限公司",
	"河洛工程大学|豫西省土地整治中心|交通运输部示例科学研究院|中国电建集团中原勘测设计研究院有限公司",
	"上海示例大学|河南晨光金铅集团有限责任公司|中国示例科学院过程研究所|东山锡业股份有限公司铜业分公司|冶金工业示例研究院",
}

func TestSplitOrganizations(t *testing.T) {
	if len(runTogether) != 60 {
		t.Errorf("%d strings in the table", len(runTogether))
	}
	for _, s := range runTogether {
		want := strings.Split(s, "|")
		got := SplitOrganizations(strings.Join(want, ""))
		for i, w := range want {
			want[i] = string(trimFootnote([]rune(w)))
		}
		if !slices.Equal(got, want) {
			t.Errorf("SplitOrganizations(%q) =\n%s, want\n%s", strings.ReplaceAll(s, "|", ""), strings.Join(got, " | "), strings.Join(want, " | "))
		}
	}
}

// TestSplitByKnownOrganizations: names that do not end like names, and parts
// that nothing tells from organizations, are told by the catalog.
func TestSplitByKnownOrganizations(t *testing.T) {
	refs := &references{names: map[string]catalog.ID{}, codes: map[string]catalog.ID{}, heads: map[[4]rune][][]rune{}}
	for _, o := range []catalog.Organization{
		{Header: catalog.Header{ID: "B1", Title: "白马重型机械股份有限公司"}, Aliases: []string{"白马重工"}},
		{Header: catalog.Header{ID: "B2", Title: "河洛工程大学苏州学院"}},
		{Header: catalog.Header{ID: "B3", Title: "北辰技术研究院"}},
	} {
		refs.name(&o)
	}
	for _, s := range []string{
		"白马重工|河洛工程大学",
		"河洛工程大学|白马重工",
		"白马重工机械配件有限公司",
		"河洛工程大学苏州学院|星河装备有限公司",
		"白马重型机械股份有限公司|河洛工程大学",
	} {
		want := strings.Split(s, "|")
		if got := splitOrganizations(strings.Join(want, ""), refs.longest); !slices.Equal(got, want) {
			t.Errorf("got %s, want %s", strings.Join(got, " | "), s)
		}
	}
}

// FuzzSplitOrganizations: the parts stand in the text in their order, none is
// empty, and taken apart once more each stays whole or falls into parts of its own.
func FuzzSplitOrganizations(f *testing.F) {
	for _, s := range runTogether {
		f.Add(strings.ReplaceAll(s, "|", ""))
	}
	f.Add("大学(((大学)有限公司有限公司")
	f.Add("院院院院院院院院院院1等")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip()
		}
		parts := SplitOrganizations(s)
		if len(parts) == 0 {
			t.Fatalf("SplitOrganizations(%q) returned nothing", s)
		}
		rest := s
		for _, p := range parts {
			i := strings.Index(rest, p)
			if i < 0 || p == "" && strings.TrimSpace(s) != "" {
				t.Fatalf("SplitOrganizations(%q) = %q", s, parts)
			}
			rest = rest[i+len(p):]
		}
	})
}

func BenchmarkSplitOrganizations(b *testing.B) {
	var inputs []string
	for _, s := range runTogether {
		inputs = append(inputs, strings.ReplaceAll(s, "|", ""))
	}
	SplitOrganizations(inputs[0])
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range inputs {
			SplitOrganizations(s)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(inputs)), "ns/string")
}
