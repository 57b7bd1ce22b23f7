package screen_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// The numbers of these tests belong to nobody. No operator holds the mobile
// prefix 154; no local number begins with 0, and no province with 88; the cards
// are the published test numbers of the networks, or all zero behind the prefix;
// example.com is reserved by RFC 2606.
const (
	mobile   = "15400000001"
	landline = "0379-00000001"
	mail     = "name.surname@mail.example.com"
	visa     = "4111111111111111"
)

// citizen returns the identification number with those 17 digits. The weights
// are those of the table in GB 11643-1999, not the powers the code computes with.
func citizen(body string) string {
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(body[i]-'0') * weight
	}
	return body + string("10X98765432"[sum%11])
}

// withLuhn returns body with the digit that makes it pass.
func withLuhn(body string) string {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return fmt.Sprint(body, (10-sum%10)%10)
}

var (
	person  = citizen("88000019900229001") // 1990 had no 29 February
	valid   = citizen("88000019920229001")
	endingX = func() string {
		for i := range 1000 {
			if id := citizen(fmt.Sprintf("88000019920229%03d", i)); id[17] == 'X' {
				return id
			}
		}
		panic("no number ends in X")
	}()
	unionPay = withLuhn("620000000000000000")
)

type ruleCase struct {
	rule   string
	action screen.Action
	// found holds texts in which the rule finds something that demands action;
	// passed holds texts in which it finds nothing, however near they come.
	found, passed []string
}

var ruleCases = []ruleCase{
	{
		"M1", screen.Refuse,
		[]string{
			"机密★20年", "绝密★长期", "秘密★", "绝密级★启用前", "机密★会议开始前", "秘密☆1年", "机密*10年", "秘密 ★ 10年",
			"某型装置的研制（机密★）", "密级：机密", "密级:绝密级", "密级 秘密。", "密级：（机密）",
			"机-密★", "机·密·★", "（机密）★", "【绝密】★5年", "秘、密、级★", "机|密 | ☆",
		},
		[]string{
			"五星★评价", "评价★★★★★", "密级管理系统", "支持密级：绝密、机密、秘密三级标识", "精密*测量", "随机密封*试验", "公开★", "随机★密", "密★", "压缩机（密封）★", "机a密★", "机-密*2", "秘书：密★",
		},
	},
	{
		"M3", screen.Hold,
		[]string{
			"内部资料，请勿外传", "仅供内部使用", "内部文件", "本材料不得外传", "含有工作秘密", "属商业秘密", "商密★3年", "内部刊物第3期", "内部参考", "内部传阅",
			"供单位内部使用的说明", "不宜对外公开", "仅限本单位内部", "限内部交流使用", "密级 内部", "密级：内部", "密级（内部）", "不同意公开", "暂不公开",
		},
		[]string{
			"混凝土内部缺陷检测", "腔体内部使用耐磨涂层", "内部参考电压", "内部文件系统", "采用商密算法", "提供商业秘密保护咨询",
			"在不泄露国家秘密和商业秘密的前提下", "内部", "资料内部", "有限内部空间", "支持密级：内部、秘密", "电机内部交流电", "密级系统内部结构",
		},
	},
	{
		"M3", screen.Note,
		[]string{"Confidential", "proprietary alloy", "TRADE SECRET", "for internal use only"},
		[]string{"confidence interval", "property", "nonproprietaryish", "internal use of heat"},
	},
	{
		"M4", screen.Hold,
		[]string{
			"绝密", "列为机密的数据", "揭示脑的秘密", "涉密载体销毁", "注意保密", "属于国家秘密", "二级保密资质", "机密运算之外另有机密",
			"本文件绝密封存", "属机密集中保管材料", "列为机密封存", "该资料机密切勿外传", "应保密存放", "新型秘密武器试验", "TOP SECRET", "top secret file",
		},
		[]string{
			"机密运算平台", "签订保密协议", "数据保密系统", "量子保密通信", "秘密共享方案", "精密铸造", "高密封性", "随机密钥", "手机密码", "确保密封性",
			"环保密闭车厢", "杜绝密封失效", "不涉及国家秘密", "非涉密", "通过保密审查", "《保守国家秘密法》", "对信息严格保密", "受干涉密度影响", "密", "压缩机密封",
			"隔绝密封", "随机密集采样", "电动机密封件", "无机密封胶", "环保密封圈", "杜绝密闭空间作业", "主机密码",
		},
	},
	{
		"M5", screen.Hold,
		[]string{"解放军00000部队", "00000部队", "中国人民解放军第00000 部队医院", "0 0 0 0 0部队"},
		[]string{"某部队", "000000部队", "0000部队", "部队00000", "一支部队 2020"},
	},
	{
		"M6", screen.Hold,
		[]string{"某型武器", "新型秘密武器试验", "重要武器装备", "导弹舱段", "弹药装填", "装甲防护", "军用电源", "舰载设备", "军舰", "鱼雷壳体", "反潜艇"},
		[]string{"旗舰产品", "法律武器", "《禁止化学武器公约》", "隧道雷达检测", "军民融合", "军工文化", "弹性装置", "促进军用、民用技术成果双向转移转化", "耐炮火高温的车身"},
	},
	{
		"P1", screen.Refuse,
		[]string{
			valid, "身份证" + valid, "张某（" + valid + "）", endingX, strings.ToLower(endingX), valid[:6] + " " + valid[6:14] + " " + valid[14:],
			valid[:6] + "-" + valid[6:14] + "-" + valid[14:], "id=" + valid + ";",
			"sfz" + valid, "ID" + endingX, "A" + valid,
		},
		[]string{
			person, valid[:17] + string('0'+(valid[17]-'0'+1)%10), "9" + valid, valid + "1", "1A" + valid, valid + "a", "91410300MA00000000", "2013101234567890",
			citizen("88000018990101001"), citizen("88000019901301001"), citizen("08000019920229001"), citizen("98000019920229001"),
		},
	},
	{
		"P2", screen.Redact,
		[]string{
			mobile, "电话" + mobile, "154 0000 0001", "154-0000-0001", "154.0000.0001", "154—0000—0001", "(154)0000-0001", "+86" + mobile, "+86 154 0000 0001", "0086-" + mobile,
			"(+86)" + mobile, "86" + mobile, "手机：1540 0000 001", "1 5 4 0 0 0 0 0 0 0 1", "微信同号" + mobile, "张三_" + mobile + ".xlsx", mobile + "@example", "1." + mobile,
			"联系人15400-000001", "编号见下，手机" + mobile,
			"TEL" + mobile, "p" + mobile, "Mobile" + mobile, "手机154/0000/0001", "154 00 00 00 01", "154-00000-001", "15400-000001", "手机：" + mobile + "、154/0000/0002",
			"0900-000-001", "0900 000 001", "手机0900000001",
		},
		[]string{
			"101300003000001", "ENST00000619282", "154000000012", "1" + mobile, "A" + mobile, "12400000001", "项目编号：" + mobile, "批准号" + mobile, "上海市科委项目（" + mobile + "）",
			"Grant No. 13511500400", "总投资15400000001元", "处理15400000001 吨", "doi:10.1016/15400000001", "10.1234/abc-15400000001", "https://doi.org/10.1234/15400000001",
			"1540 0000 001", "154,000,000,01", "91410300154000000X", "ZL 2013 1 0123456.7", "CN218751475U", "2016SR309930", "415800712--202102310514/01", "2026-11-20 至 2027-01-31",
			"GB/T 15400.1-2000", "xyz" + mobile, "gp" + mobile, "9p" + mobile, "154/0000/0001", "154 00 00 00 012", "2026/10/11", "0900000001", "0900-000-0012",
		},
	},
	{
		"P3", screen.Redact,
		[]string{
			landline, "0379 0000 0001", "037900000001", "(0379)00000001", "（0379）0000001", "010-00000001", "+86 379 00000001", "+86-0379-00000001", "电话0379-00000001转8001",
			"0379-00000001-8001", "传真：20000000", "电话 2000 0000", "tel: 2000000",
			"电话0379/00000001", "Tel0379-00000001",
		},
		[]string{
			"ENST00000619282", "A0379-00000001", "0379-000000011", "03790000", "0.0379 0000001", "产品编号037900000001", "2021-00000001", "20000000", "电话机 2000 台",
			"电话 400-000-0000", "1379-00000001", "0137900000", "0379/00000001",
		},
	},
	{
		"P4", screen.Redact,
		[]string{
			mail, "邮箱：" + mail, "a@example.com", "name＠example.com.cn", "Name @ Example.COM", "name(at)example.com", "name [at] example.com", "请发至" + mail + "。谢谢",
			"15400000001@example.com", "name@example。com", "name@mail.example。com。cn",
		},
		[]string{
			"0.5CMM/W＠50CMM", "800mA/cm2＠0.6V", "800mA/cm2@0.6V", "@example.com", "name@example", "a@b", "10@25.c", "x@1.5mm2", "name@1.2.3", "name@example。谢谢", "name@example。combine",
		},
	},
	{
		"P5", screen.Refuse,
		[]string{
			"卡号" + visa, "账号：" + unionPay, "开户行：某某银行 " + visa[:4] + " " + visa[4:8] + " " + visa[8:12] + " " + visa[12:], unionPay + "（银行卡）", "帐号 " + visa,
			"account " + visa,
		},
		[]string{
			visa, unionPay, "卡号" + visa[:15] + "2", "账号 1" + visa[1:], "登记号" + visa, "卡号A" + visa, "卡号" + visa + "0000", "银行出版社 9787111111111",
		},
	},
	{
		"P7", screen.Redact,
		[]string{
			"微信号：example_id01", "微信：example_id01", "微信 1000001", "wechat: example_id01", "VX：example_id01", "QQ：1000001", "QQ1000001", "qq群 1000001", "护照E00000000", "护照号码：EA0000000",
			"passport no. E00000000", "车牌豫C00000", "车牌号：豫C·D00000", "家庭住址：示例区示例街一号院", "家庭住址洛阳市示例区示例街1号2栋", "身份证：" + person, "身份证号 880000900101001", "军官证字第000001号",
			"home address: 1 Example Street",
			"加微信exampleid88", "微信 exampleid88", "加微信：example-id", "加V exampleid", "扫码加微信 exampleid",
		},
		[]string{
			"微信小程序", "基于微信公众号的推送", "微信公众号：example_id01", "QQ图", "qq plot 50", "护照阅读机", "车牌识别算法", "豫C00000", "E00000000", "家庭住址采集系统", "住址信息",
			"地址：示例区示例街1号", "身份证阅读器", "微信支付 API 接口", "微信 123", "电子护照 A4", "微信 JSAPI 接口", "加微信小程序", "微信 app_id 字段",
		},
	},
}

// findings returns the actions that rule demands in s.
func findings(rule, s string) (actions []screen.Action) {
	for _, f := range screen.Record(titled(s)).Findings {
		if f.Rule == rule {
			actions = append(actions, f.Action)
		}
	}
	return actions
}

// demanded returns the gravest action that is not approved.
func demanded(r screen.Result, id catalog.ID, approved *screen.Approvals) screen.Action {
	actions := []screen.Action{"", screen.Note, screen.Redact, screen.Hold, screen.Refuse}
	most := 0
	for _, f := range r.Findings {
		if !approved.Has(approved.Of(f, id)) {
			most = max(most, slices.Index(actions, f.Action))
		}
	}
	return actions[most]
}

func titled(s string) *catalog.Demand {
	return &catalog.Demand{Header: catalog.Header{Dataset: catalog.Demands, Title: s}}
}

func TestRulesBothWays(t *testing.T) {
	for _, tt := range ruleCases {
		for _, s := range tt.found {
			if got := findings(tt.rule, s); !slices.Contains(got, tt.action) {
				t.Errorf("%s finds %v in %q, want %s", tt.rule, got, s, tt.action)
			}
		}
		for _, s := range tt.passed {
			if got := findings(tt.rule, s); slices.Contains(got, tt.action) {
				t.Errorf("%s finds something in %q", tt.rule, s)
			}
		}
	}
}

// TestEveryRuleHasCases keeps the table above complete.
func TestEveryRuleHasCases(t *testing.T) {
	elsewhere := map[string]bool{"M2": true, "M7": true, "P6": true, "M8": true} // M8: TestNovelty
	for _, id := range ruleIDs {
		r, _ := screen.LookupRule(id)
		has := slices.ContainsFunc(ruleCases, func(c ruleCase) bool { return c.rule == r.ID && c.action == r.Action })
		if !has && !elsewhere[r.ID] {
			t.Errorf("%s has no cases", r.ID)
		}
	}
}

var ruleIDs = strings.Fields("M1 M2 M3 M4 M5 M6 M7 M8 P1 P2 P3 P4 P5 P6 P7")

func TestRules(t *testing.T) {
	for _, id := range ruleIDs {
		r, ok := screen.LookupRule(id)
		if !ok || r.ID != id || r.Text.ZH == "" || r.Text.EN == "" || r.Source == "" || r.Action == "" {
			t.Errorf("%s lacks a text, a source or an action: %+v", id, r)
		}
		if f := r.Found(); f.ZH == "" || f.EN == "" || strings.ContainsAny(f.ZH, "；。") || strings.Contains(f.EN, "redacted") {
			t.Errorf("%s finds %+v", id, f)
		}
	}
	if _, ok := screen.LookupRule("M9"); ok {
		t.Error("there is no M9")
	}
}

// disguises are ways in which the same text stands in real files.
var disguises = map[string]func(string) string{
	"full width": func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > ' ' && r < 0x7f {
				return r - '!' + '！'
			}
			return r
		}, s)
	},
	"zero width": func(s string) string { return interleave(s, "\u200b", func(rune, rune) bool { return true }) },
	"byte order mark": func(s string) string {
		return interleave(s, "\ufeff", func(rune, rune) bool { return true })
	},
	"soft hyphen": func(s string) string { return interleave(s, "\u00ad", func(rune, rune) bool { return true }) },
	"fillers": func(s string) string {
		return interleave(s, "\u3164\ufe0f\U000e0110\u115f\uffa0\u2065", func(rune, rune) bool { return true })
	},
	"spaced Han":   func(s string) string { return interleave(s, "　", bothHan) },
	"broken lines": func(s string) string { return interleave(s, "\n", bothHan) },
	"traditional": func(s string) string {
		return strings.NewReplacer("机", "機", "绝", "絕", "内", "內", "秘", "祕", "级", "級", "资", "資", "导弹", "導彈", "弹药", "彈藥", "装甲", "裝甲", "军", "軍", "舰", "艦", "队", "隊",
			"业", "業", "电话", "電話", "账号", "賬號", "号", "號", "银", "銀", "护", "護", "车", "車", "联系", "聯繫", "鱼", "魚", "潜", "潛", "传", "傳", "证", "證", "开户", "開戶", "国", "國",
			"阅", "閱", "参", "參", "仅", "僅", "脑", "腦", "销毁", "銷毀", "编", "編", "码", "碼").Replace(s)
	},
	"mathematical digits": func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r - '0' + '𝟎'
			}
			return r
		}, s)
	},
	"in a sentence": func(s string) string { return "本条目（示例）说明如下：" + s + "。其余从略" },
	"on a line":     func(s string) string { return "第一行\n" + s + "\n第三行" },
	"repeated":      func(s string) string { return s + "；" + s },
}

func bothHan(a, b rune) bool { return unicode.Is(unicode.Han, a) && unicode.Is(unicode.Han, b) }

func interleave(s, between string, where func(a, b rune) bool) string {
	var b strings.Builder
	last := rune(0)
	for _, r := range s {
		if last != 0 && where(last, r) {
			b.WriteString(between)
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

func TestDisguises(t *testing.T) {
	for _, tt := range ruleCases {
		for _, s := range tt.found {
			for name, disguise := range disguises {
				if name == "full width" && strings.Contains(s, "://") {
					continue
				}
				if got := findings(tt.rule, disguise(s)); !slices.Contains(got, tt.action) {
					t.Errorf("%s finds %v in %q (%s), want %s", tt.rule, got, disguise(s), name, tt.action)
				}
			}
		}
		for _, s := range tt.passed {
			for _, name := range []string{"full width", "zero width", "traditional"} {
				if got := findings(tt.rule, disguises[name](s)); slices.Contains(got, tt.action) {
					t.Errorf("%s finds something in %q (%s)", tt.rule, disguises[name](s), name)
				}
			}
		}
	}
}

// TestText: what surrounds the records is not published, so nothing is redacted.
func TestText(t *testing.T) {
	for _, tt := range ruleCases {
		want := tt.action
		if want == screen.Redact {
			want = screen.Note
		}
		for _, kind := range []screen.Kind{screen.FileName, screen.SheetName, screen.HiddenCell, screen.PublicText} {
			for _, s := range tt.found {
				has := slices.ContainsFunc(screen.Text(kind, s), func(f screen.Finding) bool {
					return f.Rule == tt.rule && f.Action == want && f.Field == string(kind) && (f.Hash != "") == (want == screen.Hold)
				})
				if !has {
					t.Errorf("Text(%s, %q) = %v, want %s %s", kind, s, screen.Text(kind, s), tt.rule, want)
				}
			}
		}
	}
	if got := screen.Text(screen.FileName, "2026年成果目录（第三期）.xlsx"); got != nil {
		t.Errorf("an ordinary file name has findings: %v", got)
	}
}

func TestRedacted(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"一种轴承\u200b，１２３", "一种轴承\u200b，１２３"},
		{"联系：１５４－００００－０００１，谢谢", "联系：〔已隐去〕，谢谢"},
		{"\u200b联系\u200b：15\u200b400000001\u200b。\xff", "\u200b联系\u200b：〔已隐去〕\u200b。\xff"},
		{mobile + "、" + mobile, "〔已隐去〕、〔已隐去〕"},
		{"154 0000 0001 154 0000 0002", "〔已隐去〕 〔已隐去〕"},
		{"微信：" + mobile, "微信：〔已隐去〕"},
		{"科技处（0379-00000001）提供", "科技处（〔已隐去〕）提供"},
		{"（0379）00000001，（0379-00000001", "〔已隐去〕，（〔已隐去〕"},
		{"（154）0000-0001；（+86" + mobile + "）", "〔已隐去〕；（〔已隐去〕）"},
		{"联系电话：20000001、20000002，20000003", "联系电话：〔已隐去〕、〔已隐去〕，〔已隐去〕"},
		{"TEL" + mobile + "。", "TEL〔已隐去〕。"},
		{"请写name@example.com。谢谢，或name@example。com。Then", "请写〔已隐去〕。谢谢，或〔已隐去〕。Then"},
		{"（+86）" + mobile + "转", "〔已隐去〕转"},
		{"邮箱 " + mail + "，电话 " + landline + "。", "邮箱 〔已隐去〕，电话 〔已隐去〕。"},
		{"家庭住址：示例区示例街1号，邮编000000", "家庭住址：〔已隐去〕，邮编000000"},
		{"家庭住址：〔已隐去〕，邮编000000", "家庭住址：〔已隐去〕，邮编000000"},
		{"机密★" + mobile, "机密★〔已隐去〕"},
		{"㎡" + "手机" + mobile + "㎡", "㎡手机〔已隐去〕㎡"},
		{"身份证" + valid + "，卡号" + visa, "身份证〔已隐去〕，卡号〔已隐去〕"},
		{"机密★", "机密★"},
	} {
		got, changed := screen.Redacted(tt.in)
		if got != tt.want || changed != (tt.in != tt.want) {
			t.Errorf("Redacted(%q) = %q, %t, want %q", tt.in, got, changed, tt.want)
		}
		if again, changed := screen.Redacted(got); changed {
			t.Errorf("Redacted(%q) = %q: it finds again what it redacted", got, again)
		}
	}
}

// leaf is a text somewhere in a record.
type leaf struct {
	path string
	set  func(string)
}

// leaves makes every text of v reachable and returns them all.
func leaves(v reflect.Value, path string) []leaf {
	switch v.Kind() {
	case reflect.String:
		return []leaf{{path, v.SetString}}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return leaves(v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return leaves(v.Index(0), path+"[]")
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{}))
		return []leaf{
			{path, func(s string) { v.Interface().(map[string]string)["title"] = s }},
			{path, func(s string) { v.Interface().(map[string]string)[s] = "原文" }},
		}
	case reflect.Struct:
		var all []leaf
		for _, f := range reflect.VisibleFields(v.Type()) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if len(f.Index) > 1 || !f.IsExported() {
				continue // promoted: found in what embeds it
			}
			inner := path + "." + name
			if f.Anonymous {
				inner = path
			}
			if name != "dataset" && f.Type.PkgPath() != "time" {
				all = append(all, leaves(v.FieldByIndex(f.Index), inner)...)
			}
		}
		return all
	}
	return nil
}

// TestAnyField plants what every rule looks for in every text of every dataset.
// What is not found there must be a form that validation holds the field to.
func TestAnyField(t *testing.T) {
	planted := map[string]string{
		"M1": "机密★20年", "M3": "内部资料", "M4": "属于国家秘密", "M5": "00000部队", "M6": "某型导弹", "P1": valid,
		"P2": "手机154-0000-0001", "P3": landline, "P4": mail, "P5": "卡号" + visa, "P7": "微信号example_id01",
	}
	for info := range catalog.Datasets() {
		tried, found := 0, 0
		r, _ := catalog.NewRecord(info.Name)
		count := len(leaves(reflect.ValueOf(r).Elem(), ""))
		for i := range count {
			for rule, text := range planted {
				r, _ := catalog.NewRecord(info.Name)
				l := leaves(reflect.ValueOf(r).Elem(), "")[i]
				l.set(text)
				if r.Head().Title == "" {
					r.Head().Title = "示例"
				}
				path := strings.TrimPrefix(l.path, ".")
				got := screen.Record(r)
				tried++
				at := slices.IndexFunc(got.Findings, func(f screen.Finding) bool { return f.Rule == rule })
				if at >= 0 {
					found++
					if got.Findings[at].Action == screen.Redact {
						if b, err := catalog.Canonical(r); err != nil || strings.Contains(string(b), strings.TrimLeft(text, "微信号手机")) {
							t.Errorf("%s %s: what %s redacts is still there: %s %v", info.Name, path, rule, b, err)
						}
					}
					continue
				}
				if info.Name == catalog.Organizations && (rule == "P3" || rule == "P4") {
					continue
				}
				closed := slices.ContainsFunc(catalog.Validate(r), func(p catalog.Problem) bool { return strings.HasPrefix(path, p.Field) && p.Rule != "too_long" })
				if !closed {
					t.Errorf("%s %s: %s is not found and validation lets it pass", info.Name, path, rule)
				}
			}
		}
		if found < tried/3 {
			t.Errorf("%s: only %d of %d planted texts were found", info.Name, found, tried)
		}
	}
}

func TestOrganizationContacts(t *testing.T) {
	o := &catalog.Organization{
		Header:    catalog.Header{Dataset: catalog.Organizations, Title: "示例研究院", Abstract: "总机 " + landline + "，邮箱 office@example.com"},
		Telephone: landline, Website: "https://example.com/",
	}
	before := *o
	if got := screen.Record(o); len(got.Findings) > 0 || !reflect.DeepEqual(*o, before) {
		t.Errorf("an organization's own contacts: %v", got.Findings)
	}
	o.Telephone, o.Abstract = mobile, "值班手机 "+mobile
	got := screen.Record(o)
	if o.Telephone != "" || o.Abstract != "值班手机 〔已隐去〕" {
		t.Errorf("a mobile number stays: telephone %q, abstract %q", o.Telephone, o.Abstract)
	}
	if want := []screen.Finding{{"P2", screen.Redact, "abstract", ""}, {"P2", screen.Redact, "telephone", ""}}; !slices.Equal(got.Findings, want) {
		t.Errorf("findings = %v, want %v", got.Findings, want)
	}

	// The same in a record that is no organization's.
	d := titled("示例需求")
	d.Abstract = "总机 " + landline + "，邮箱 office@example.com"
	screen.Record(d)
	if want := "总机 〔已隐去〕，邮箱 〔已隐去〕"; d.Abstract != want {
		t.Errorf("abstract = %q, want %q", d.Abstract, want)
	}
}

func TestEnglishPlaceholder(t *testing.T) {
	d := titled("示例")
	d.AbstractEN, d.TitleEN = "Call "+mobile+" or write.", "Mail "+mail
	screen.Record(d)
	if d.AbstractEN != "Call [redacted] or write." || d.TitleEN != "Mail [redacted]" {
		t.Errorf("abstract_en = %q, title_en = %q", d.AbstractEN, d.TitleEN)
	}
}

// TestNumbers: real numbers are what the fields for them are for.
func TestNumbers(t *testing.T) {
	harmless := &catalog.Achievement{
		Header: catalog.Header{
			Dataset: catalog.Achievements, Title: "示例成果", SourceIDs: []string{"1900010001", "101300003000001"},
			Relations: []catalog.Relation{
				{Type: "documented-in", Scheme: "doi", Value: "10.1016/j.example.2020.15400000001"},
				{Type: "protected-by", Scheme: "cn-patent", Value: "ZL201310123456.7", Normalized: "CN201310123456.7"},
				{Type: "reported-in", Scheme: "tech-report", Value: "415800712--202102310514/01"},
				{Type: "conforms-to", Scheme: "standard", Value: "GB/T 15400.1-2000"},
			},
		},
		Registration: &catalog.Registration{Number: "4102024Y0001"},
		ProjectNo:    "152102210098",
		IP:           []catalog.IP{{Kind: "software", Number: "2016SR309930"}, {Kind: "utility-model", Number: "CN218751475U"}},
	}
	if got := screen.Record(harmless); len(got.Findings) > 0 {
		t.Errorf("ordinary numbers: %v", got.Findings)
	}

	// Eleven digits beginning with 15 may be a project's number or a telephone's.
	a := &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: "示例成果"}, ProjectNo: mobile}
	got := screen.Record(a)
	if a.ProjectNo != mobile || len(got.Findings) != 1 || got.Findings[0].Rule != "P2" || got.Findings[0].Action != screen.Hold {
		t.Errorf("project number %q: %v, want it untouched and held", a.ProjectNo, got.Findings)
	}
}

// TestAmounts: a telephone number under 价格（元） is an amount to every reader.
func TestAmounts(t *testing.T) {
	for amount, want := range map[float64]bool{15400000001: true, 19912345678: true, 15400000000: false, 13812000000: false, 300000: false, 12912345678: false, 15400000001.5: false} {
		a := &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: "示例成果"}, Price: &catalog.Money{Min: amount, Max: amount}}
		got := screen.Record(a).Findings
		if held := len(got) == 1 && got[0].Rule == "P2" && got[0].Action == screen.Hold && got[0].Field == "price"; held != want || len(got) > 1 {
			t.Errorf("%v: %v, held %t", amount, got, want)
		}
	}
}

func TestNovelty(t *testing.T) {
	const process = "按质量份称取氧化铝80份，球磨12 h，120℃干燥4小时，加入粘结剂5%，压制压力100 MPa，升温至1450℃烧结，保温2h后冷却至80℃。"
	const summary = "以陶瓷为基体的耐磨衬板，寿命较原衬板提高一倍，已在三家企业试用；含水率降到12%，最高使用温度400℃，单件重18 kg。"
	tests := []struct {
		name string
		a    catalog.Achievement
		want bool
	}{
		{"filing planned", catalog.Achievement{Header: catalog.Header{Abstract: summary}, IPFilingState: "planned"}, true},
		{"process without a right", catalog.Achievement{Header: catalog.Header{Abstract: process}}, true},
		{"process, not to be filed", catalog.Achievement{Advantages: process, IPFilingState: "none"}, true},
		{"process over two fields", catalog.Achievement{Header: catalog.Header{Abstract: process[:len(process)/2/3*3]}, Applications: process[len(process)/2/3*3:]}, true},
		{"process, filed", catalog.Achievement{Header: catalog.Header{Abstract: process}, IPFilingState: "filed"}, false},
		{"process with a right", catalog.Achievement{Header: catalog.Header{Abstract: process}, IP: []catalog.IP{{Number: "ZL201310123456.7"}}}, false},
		{"process with a patent beside it", catalog.Achievement{Header: catalog.Header{Abstract: process, Relations: []catalog.Relation{{Type: "protected-by", Scheme: "cn-patent"}}}}, false},
		{"summary", catalog.Achievement{Header: catalog.Header{Abstract: summary}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.a
			a.Dataset, a.Title = catalog.Achievements, "示例成果"
			got := screen.Record(&a)
			held := slices.ContainsFunc(got.Findings, func(f screen.Finding) bool { return f.Rule == "M8" && f.Action == screen.Hold && f.Hash != "" })
			if held != tt.want || len(got.Findings) > 1 {
				t.Errorf("findings = %v, want M8: %t", got.Findings, tt.want)
			}
		})
	}
}

// TestNoveltyAsksAgain: an approval of M8 ends when any describing text changes.
func TestNoveltyAsksAgain(t *testing.T) {
	make := func(advantages string) *catalog.Achievement {
		return &catalog.Achievement{
			Header:        catalog.Header{ID: "A3K7M2QG", Dataset: catalog.Achievements, Title: "示例成果"},
			IPFilingState: "planned", Advantages: advantages,
		}
	}
	first := screen.Record(make("省电"))
	var approved screen.Approvals
	approved.Add(approved.Of(first.Findings[0], "A3K7M2QG"))
	if got := demanded(screen.Record(make("省电")), "A3K7M2QG", &approved); got != "" {
		t.Errorf("the same text demands %q again", got)
	}
	if got := demanded(screen.Record(make("省电，省水")), "A3K7M2QG", &approved); got != screen.Hold {
		t.Errorf("a changed text demands %q, want a hold", got)
	}
}

func TestClearance(t *testing.T) {
	a := &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: "由舰船阀门转化的民用阀门"}}
	if got := screen.Record(a); demanded(got, "", nil) != screen.Hold || !got.Sensitive() {
		t.Errorf("without a clearance: %v", got.Findings)
	}
	a.DualUse = &catalog.DualUse{Direction: "military-to-civil", Clearance: " "}
	if got := screen.Record(a); demanded(got, "", nil) != screen.Hold {
		t.Errorf("with an empty clearance: %v", got.Findings)
	}
	a.DualUse.Clearance = "示例：解密清单第 1 号"
	if got := screen.Record(a); demanded(got, "", nil) != screen.Note || got.Sensitive() {
		t.Errorf("with a clearance: %v", got.Findings)
	}
	a.Abstract = "机密★"
	if got := screen.Record(a); demanded(got, "", nil) != screen.Refuse {
		t.Errorf("a clearance does not lift M1: %v", got.Findings)
	}
}

func TestPackage(t *testing.T) {
	p := &catalog.Package{Header: catalog.Header{Dataset: catalog.Packages, Title: "示例成果包"}, Items: []catalog.Ref{"A1", "A2", "A3"}}
	if got := screen.Package(p, func(catalog.ID) bool { return false }); got != nil {
		t.Errorf("harmless items: %v", got)
	}
	touching := func(ids ...catalog.ID) func(catalog.ID) bool {
		return func(id catalog.ID) bool { return slices.Contains(ids, id) }
	}
	one := screen.Package(p, touching("A2"))
	if len(one) != 1 || one[0].Action != screen.Hold || one[0].Rule != "M6" || one[0].Field != "items[]" {
		t.Fatalf("one sensitive item: %v", one)
	}
	if rule, _ := screen.LookupRule("M6"); one[0].Text() == rule.Text || one[0].Text().EN == "" {
		t.Errorf("the finding speaks of a text: %v", one[0].Text())
	}
	slices.Reverse(p.Items)
	if again := screen.Package(p, touching("A2")); !slices.Equal(again, one) {
		t.Errorf("another order asks again: %v, %v", one, again)
	}
	if two := screen.Package(p, touching("A2", "A3")); slices.Equal(two, one) {
		t.Error("another selection does not ask again")
	}
}

func TestApprovals(t *testing.T) {
	const id = catalog.ID("D0000000")
	d := titled("列为机密的数据")
	d.Abstract = "联系 " + mobile + "，涉密载体"
	got := screen.Record(d)

	wantHash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	want := []screen.Finding{
		{"M4", screen.Hold, "title", wantHash("列为机密的数据")},
		{"P2", screen.Redact, "abstract", ""},
		{"M4", screen.Hold, "abstract", wantHash("联系 〔已隐去〕，涉密载体")},
	}
	if !slices.Equal(got.Findings, want) {
		t.Fatalf("findings = %v, want %v", got.Findings, want)
	}
	var none *screen.Approvals
	a := screen.NewApprovals([]byte("key"))
	first, second := a.Of(want[0], id), a.Of(want[2], id)
	a.Add(first, a.Of(want[1], id), screen.Approval{})
	for _, tt := range []struct {
		name string
		in   *screen.Approvals
		of   screen.Approval
		has  bool
	}{
		{"the one that was given", a, first, true},
		{"none was ever given", none, none.Of(want[0], id), false},
		{"another text", a, second, false},
		{"the same text published, screened again", a, a.Of(screen.Record(d).Findings[0], id), true},
		{"another record", a, a.Of(want[0], "D0000001"), false},
		{"a redaction cannot be approved", a, a.Of(want[1], id), false},
		{"nor can a refusal", a, a.Of(screen.Record(titled("机密★")).Findings[0], id), false},
	} {
		if got := tt.in.Has(tt.of); got != tt.has {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
	// Who does not know the key cannot try out texts.
	if other := screen.NewApprovals([]byte("another")).Of(want[0], id); other.Hash == first.Hash || first.Hash == want[0].Hash {
		t.Errorf("%s is made without the key", first.Hash)
	}
	if b, err := json.Marshal([]any{want, first}); err != nil || strings.Contains(string(b), want[0].Hash) || strings.Contains(string(b), first.Hash) {
		t.Errorf("a report would hold a hash: %s, %v", b, err)
	}
}

// TestFindingsHoldNoText: a finding must not spread what it is about.
func TestFindingsHoldNoText(t *testing.T) {
	for _, tt := range ruleCases {
		for _, s := range tt.found {
			for _, f := range screen.Record(titled(s)).Findings {
				if f.Action != screen.Hold && f.Hash != "" {
					t.Errorf("%s %s of %q has a hash, from which a short number is found again", f.Rule, f.Action, s)
				}
				if f.Field != "title" || f.Text().ZH == "" || f.Text().EN == "" {
					t.Errorf("finding %v of %q", f, s)
				}
			}
		}
	}
}

// TestLongText: a text of any length takes time in proportion to it, and a hit is
// found wherever it lies, also across the cuts between the pieces.
func TestLongText(t *testing.T) {
	const fill = "轴承"
	for _, before := range []int{0, 1, 5000, 5455, 5456, 5457, 5458, 5459, 5460, 5461, 5462, 5463, 5464, 5465, 5470, 11000} {
		s := strings.Repeat(fill, before) + "，手机" + mobile + "，机密★，" + strings.Repeat(fill, 12000)
		got, changed := screen.Redacted(s)
		if want := strings.Replace(s, mobile, "〔已隐去〕", 1); !changed || got != want {
			t.Errorf("%d words before: the number is not redacted, or more than it", before)
		}
		if f := screen.Text(screen.HiddenCell, s); len(f) != 2 {
			t.Errorf("%d words before: findings = %v, want M1 and P2", before, f)
		}
	}
	// A cut must not part a number from what says that it is no telephone's.
	for _, around := range []int{5120, 5205, 5461} {
		for before := around - 12; before < around+12; before++ {
			s := strings.Repeat(fill, before) + "，项目编号：" + mobile + "，随机密钥，" + strings.Repeat(fill, 12000)
			if f := screen.Text(screen.HiddenCell, s); f != nil {
				t.Errorf("%d words before: findings = %v, want none", before, f)
			}
		}
	}
	// A number that a cut would make look like another.
	for before := range 40 {
		s := strings.Repeat("x", 32<<10-20+before) + " 154000000012345 " + strings.Repeat("y", 40<<10)
		if got, changed := screen.Redacted(s); changed {
			t.Fatalf("a longer number was cut and redacted: …%s…", got[32<<10-40:32<<10+40])
		}
	}
}
