package screen

import (
	"slices"
	"strings"

	"luoshu/catalog"
)

// Edition numbers the rules and word lists. It is raised whenever they find more
// or less than before. The audit record says under which a release was published:
// one of a lower edition is to be screened again.
const Edition = 4

// Action is what a finding demands.
type Action string

// The actions, the gravest first.
const (
	// Refuse: the row is not published, or the file when the finding is outside
	// the rows. No approval lifts it.
	Refuse Action = "refuse"
	// Hold: a second person decides, and the decision is remembered.
	Hold Action = "hold"
	// Redact: what was found is replaced and the rest is published.
	Redact Action = "redact"
	// Note: it is reported and published.
	Note Action = "note"
)

// Rule is one rule of the screening.
type Rule struct {
	ID string
	// Action is what the rule demands as a rule. A finding says what it demands
	// in its place, which can be less or more.
	Action Action
	// Text says what was found and what to do about it.
	Text catalog.Text
	// Source is the law or standard the rule rests on, with its edition.
	Source string
}

const (
	stateLaw = "《中华人民共和国保守国家秘密法》（2024 年修订，2024-05-01 施行）"
	transfer = "《中华人民共和国促进科技成果转化法》（2015 年修正）第十一条"
	personal = "《中华人民共和国个人信息保护法》（2021-11-01 施行）第十三条、第二十五条"
	private  = "《中华人民共和国个人信息保护法》（2021-11-01 施行）第二十八条"
)

// rules are all of them. M2 and P6 are enforced where files are read and M7 where
// they are published; they stand here so that every surface speaks of them in the
// same words.
var rules = []Rule{
	{
		"M1", Refuse,
		catalog.Text{
			ZH: "含有国家秘密标志（密级★或“密级：…”）。不得在此发布：请从文件中删除该条目，并按本单位的保密规定处理",
			EN: "bears the mark of a state secret. It must not be published here: take the entry out of the file and follow your unit's secrecy rules",
		},
		stateLaw + "；《国家秘密文件、资料和其他物品标志的规定》（国家保密局、国家技术监督局 1990 年第 3 号）；GB/T 9704-2012",
	},
	{
		"M2", Refuse,
		catalog.Text{
			ZH: "密级、是否公开或限制使用一列表明此行不可公开。只提交已确定可以公开的条目；该列留空不等于可以公开",
			EN: "the column for the secrecy grade, publication or restricted use says that the row must not be public. Submit only what was cleared; an empty cell clears nothing",
		},
		stateLaw + "；《科技成果登记办法》（国科发计字〔2000〕542 号）第二条",
	},
	{
		"M3", Hold,
		catalog.Text{
			ZH: "含有“内部资料”“不得外传”“商业秘密”一类字样。请核对是否可以公开：可以的由复核人批准，不可以的删去",
			EN: "speaks of internal material, a trade secret or a ban on passing it on. Check whether it may be public: if so a second person approves it, if not take it out",
		},
		transfer + "；《中华人民共和国反不正当竞争法》（2019 年修正）第九条",
	},
	{
		"M4", Hold,
		catalog.Text{
			ZH: "正文出现“绝密”“机密”“秘密”“保密”或“涉密”。请核对：一般用语由复核人批准，涉及国家秘密的不得发布",
			EN: "the text speaks of secrets or secrecy. Check it: a second person approves an ordinary wording; a state secret must not be published",
		},
		stateLaw,
	},
	{
		"M5", Hold,
		catalog.Text{
			ZH: "出现部队番号（五位数字加“部队”）。请核对该单位是否允许公开：允许的由复核人批准，否则删去",
			EN: "names a military unit by its five-digit designator. Check whether it may be named: if so a second person approves it, if not take it out",
		},
		stateLaw + "；《科学技术保密规定》（2015 年修订）",
	},
	{
		"M6", Hold,
		catalog.Text{
			ZH: "涉及武器装备用语。写明解密或审查依据（dual_use.clearance），或由复核人批准；没有依据的不得发布",
			EN: "speaks of weapons or military equipment. State the clearance (dual_use.clearance) or let a second person approve it; without a clearance it must not be published",
		},
		"《科学技术保密规定》（2015 年修订）；" + stateLaw,
	},
	{
		"M7", Refuse,
		catalog.Text{
			ZH: "没有提交单位的保密审查。请由提交单位审查，再写明审查人和日期发布",
			EN: "the submitting unit's secrecy review is missing. Have the files reviewed, and state who reviewed them and when",
		},
		stateLaw + "；《中华人民共和国政府信息公开条例》（2019 年修订）第十四条；" + transfer,
	},
	{
		"M8", Hold,
		catalog.Text{
			ZH: "拟申请专利，或未写明知识产权而工艺参数详尽：公开后可能丧失新颖性或泄露技术秘密。请先申请，或改写为不足以实施的简介，再由复核人批准",
			EN: "a patent filing is planned, or process settings are given in detail without any right on record: publishing may destroy novelty or give away know-how. File first, or shorten it to a non-enabling summary, then let a second person approve it",
		},
		"《中华人民共和国专利法》（2020 年修正）第二十二条、第二十四条",
	},
	{
		"P1", Refuse,
		catalog.Text{
			ZH: "含有公民身份号码。此行不发布：请从文件中删去号码后重新提交",
			EN: "holds a citizen identification number. The row is not published: take the number out of the file and submit it again",
		},
		private + "；GB 11643-1999",
	},
	{
		"P2", Redact,
		catalog.Text{
			ZH: "含有手机号码，已隐去；在编号类字段中不便隐去，须由复核人确认不是手机号。请改用单位总机",
			EN: "holds a mobile telephone number; it was redacted. In a field for numbers a second person confirms that it is none. Give the switchboard of the unit instead",
		},
		personal + "；《电信网编号计划》（2017 年版）",
	},
	{
		"P3", Redact,
		catalog.Text{
			ZH: "含有固定电话号码，已隐去；固定电话只在机构条目中公开。请在机构条目的总机一栏填写",
			EN: "holds a landline number; it was redacted. Landlines are public in entries of organizations only: give it as the switchboard there",
		},
		personal + "；《电信网编号计划》（2017 年版）",
	},
	{
		"P4", Redact,
		catalog.Text{
			ZH: "含有电子邮箱，已隐去；电子邮箱只在机构条目中公开。请在机构条目中填写单位邮箱",
			EN: "holds an e-mail address; it was redacted. Addresses are public in entries of organizations only: give the unit's address there",
		},
		personal + "；RFC 5322、RFC 3696",
	},
	{
		"P5", Refuse,
		catalog.Text{
			ZH: "含有银行卡号。此行不发布：请从文件中删去卡号后重新提交",
			EN: "holds a bank card number. The row is not published: take the number out of the file and submit it again",
		},
		private + "；ISO/IEC 7812-1:2017",
	},
	{
		"P6", Redact,
		catalog.Text{
			ZH: "联系人、电话、证件、评审意见等列从不公开，读取时已舍弃，未进入目录",
			EN: "columns of contacts, telephones, identity papers and reviewers' opinions are never public; they were dropped while reading and are not in the catalog",
		},
		personal,
	},
	{
		"P7", Redact,
		catalog.Text{
			ZH: "含有微信、QQ、护照、证件、车牌号码或家庭住址，已隐去。请改用单位的公开联系方式",
			EN: "holds a WeChat or QQ account, a passport, identity or plate number, or a home address; it was redacted. Give the unit's public contact instead",
		},
		personal + "、第二十八条",
	},
}

// Found returns the beginning of Text: what was found, without what to do about it
// in a record.
func (r Rule) Found() catalog.Text {
	zh, _, _ := strings.Cut(r.Text.ZH, "。")
	zh, _, _ = strings.Cut(zh, "，已隐去")
	en, _, _ := strings.Cut(r.Text.EN, ". ")
	en, _, _ = strings.Cut(en, ";")
	return catalog.Text{ZH: zh, EN: en}
}

// LookupRule returns the rule with that id.
func LookupRule(id string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}
