package ingest

import (
	"regexp"
	"slices"
	"strings"
)

// Columns whose names nobody knows, and that say what they are all the same. They
// fail closed: one taken for a column that decides about publication refuses every
// row it does not open, and no map opens either kind.

// gateWords in a header say that the column decides about publication, and as which
// gate it is read.
var gateWords = []struct {
	gate  string
	words []string
}{
	{"classified", strings.Fields("密级 密級 密别 密別 涉密 保密 定密 国家秘密 國家秘密 商业秘密 商業秘密 工作秘密 机密等级 機密等級 机密级别 敏感程度 是否敏感 知悉 安全等级 安全等級 安全级别 " +
		"secre classif confiden securitylevel securitygrade sensitiv restricted")},
	{"publishable", strings.Fields("公开 公開 公示 解密 是否公布 能否公布 可否公布 是否发布 能否发布 可否发布 是否上网 能否上网 可否上网 " +
		"publishable ispublic bepublic publicrelease releasable disclos")},
}

// noGates are wordings in which gateWords speak of something else: of a patent, of
// who reviewed and when, of an announcement, of other classifications.
var noGates = strings.NewReplacer(slices.Concat(pairs("公开号 公开日 公开年 公开(公告 公开/公告 公开公告 公开发表 公开出版 公开电话 公开依据 公开网址 公开链接 公开渠道 首次公开 " +
	"公示期 公示时间 公示日期 公示开始 公示结束 公示截止 公示链接 公示网址 公示文号 公示单位 公示平台 公示地址 公示名称 公示内容 " +
	"解密依据 解密文号 保密审查单位 保密审查部门 保密审查机构 保密审查人 保密审查日期 保密审查时间 保密审查文号 保密办 保密负责人 保密责任人 保密员 定密责任人 定密审查 涉密载体 " +
	"保密协议 保密合同 联系方式是否公开 secretar classificationcode classificationno classificationnumber " +
	"ipcclassif cpcclassif patentclassif industryclassif industrialclassif subjectclassif disciplineclassif productclassif technologyclassif technicalclassif"))...)

func pairs(words string) (old []string) {
	for w := range strings.FieldsSeq(words) {
		old = append(old, w, "|")
	}
	return old
}

// gateHeader returns the word in a folded column name that makes it one that
// decides about publication, and which.
func gateHeader(key string) (gate, word string) {
	key = noGates.Replace(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return -1
		}
		return r
	}, key))
	for _, g := range gateWords {
		if word := wordIn(key, g.words); word != "" {
			return g.gate, word
		}
	}
	return "", ""
}

func wordIn(key string, words []string) string {
	if i := slices.IndexFunc(words, func(w string) bool { return strings.Contains(key, w) }); i >= 0 {
		return words[i]
	}
	return ""
}

// personalWords in a header say that a column is about a person or must stay
// inside, whatever else it says.
var personalWords = strings.Fields("联系人 联系方式 联络人 聯絡人 聯絡方式 负责人电话 电话 電話 手机 手機 移动电话 邮箱 郵箱 信箱 电子邮件 電子郵件 电邮 传真 傳真 身份证 身分證 证件号 護照 护照 微信 微博 qq号 银行 开户 账号 账户 帐号 住址 家庭 出生 生日 年龄 性别 籍贯 政治面貌 法人代表 法定代表人 意见 意見 底价 保留价 密码 签名 签字 签章 email e-mail phone mobile telephone wechat passport idcard idnumber birthday birthdate gender bankaccount fax contactperson")

// personalHeader returns the word in a folded column name that makes it one of a
// person's data or of what is never public.
func personalHeader(key string) string { return wordIn(key, personalWords) }

// impersonal reports whether a name says nothing beside the words of personalWords:
// 第二联系人电话, but not the name of a contact behind 联系人.
func impersonal(key string) bool {
	for _, w := range personalWords {
		key = strings.ReplaceAll(key, w, "")
	}
	return besidePersonal.MatchString(key)
}

var besidePersonal = regexp.MustCompile(`^(?:第?[一二三四五六七八九十甲乙]|[0-9]{1,2}位?|号码?|姓名|地址|单位|部门|主要|项目|企业|专家|本人|办公|数字|必填|选填|inventor|contact|person|number|address|project|name|work|home|office|leader|no|of|[^\pL\pN])*(?:\.{3}\([a-z]+\))?$`)
