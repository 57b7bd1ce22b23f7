package ingest

import (
	"math"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
)

var (
	unclearMoney = &remark{rule: "money", zh: "金额无法确定，应写作 30万元、300000元 或 面议", en: "the amount is not certain: write 30万元, 300000元 or 面议"}
	moneyUnit    = &remark{rule: "money_unit", zh: "金额没有单位，未采用：请写作 30万元，或在表头注明单位，例如“预算（万元）”", en: "the amount has no unit and was not used: write 30万元, or name the unit in the header"}
	moneyAbout   = &remark{rule: "about", zh: "原文是约数，按所写金额采用", en: "the source says about; the amount was taken as it stands"}
	moneyNoLimit = &remark{rule: "money_no_limit", zh: "“不限”没有金额，按可面议处理", en: "no limit names no amount: taken as negotiable"}
)

var (
	negotiable  = regexp.MustCompile(`^(?:价格|价钱|费用|金额)?(?:可?面议|面谈|可?协商|可议|议价|可?议|另议|电议|洽谈|可谈|双方协商|协商定价|协议定价|协商确定|待定|待议|未定|待协商|待评估|-1(?:\.0+)?|negotiable|tbd)(?:价格|定价)?$`)
	noLimit     = regexp.MustCompile(`^(?:不限|无限制|无上限|不设上限|上不封顶)$`)
	alsoOpen    = regexp.MustCompile(`[(,;，；、]*可?(?:面议|协商)\)?$`)
	moneyForm   = regexp.MustCompile(`^` + moneyBefore + moneyNumber + `(?:[-~—至到]` + moneyNumber + `)?` + moneyAfter + `$`)
	numeralForm = regexp.MustCompile(`^[一二三四五六七八九十百千两零〇壹贰叁肆伍陆柒捌玖拾佰仟]+`)
)

// The parts of moneyForm.
const (
	moneyBefore = `(约|大约|大概|预计|估计|≈|不超过|不高于|最高|至多|上限|低于|≤|<=|<|不低于|不少于|至少|最低|起价|高于|超过|≥|>=|>|总计|合计|共计|共)?(人民币|美元|rmb|cny|usd|us\$|nt\$|\$|¥|€|£)?`
	moneyNumber = `([\d,.]+|[一二三四五六七八九十百千两零〇壹贰叁肆伍陆柒捌玖拾佰仟]+)(亿|千万|百万|十万|万|千|百|k)?(人民币|美元|美金|欧元|港元|港币|日元|英镑|新台币|新臺幣|元|圆|块|rmb|cny|usd|eur|hkd|jpy|gbp|twd)?`
	moneyAfter  = `(人民币)?(以内|以下|之内|内|以上|及以上|起|左右|上下|\+)?(整)?`
)

// currencies maps what people write to ISO 4217.
var currencies = map[string]string{
	"": "CNY", "元": "CNY", "圆": "CNY", "块": "CNY", "人民币": "CNY", "rmb": "CNY", "cny": "CNY", "¥": "CNY",
	"美元": "USD", "美金": "USD", "usd": "USD", "us$": "USD", "$": "USD", "欧元": "EUR", "eur": "EUR", "€": "EUR", "港元": "HKD", "港币": "HKD", "hkd": "HKD",
	"日元": "JPY", "jpy": "JPY", "英镑": "GBP", "gbp": "GBP", "£": "GBP", "新台币": "TWD", "新臺幣": "TWD", "twd": "TWD", "nt$": "TWD",
}

// parseMoney reads an amount with its unit, which stands in the cell or, for a
// bare number, in the header. Without either a number is not guessed to be yuan
// or ten thousand yuan. 面议, 待定 and -1 are negotiable.
func parseMoney(text string, h hint) (catalog.Money, *remark, bool) {
	t := strings.ToLower(strings.Join(strings.Fields(strings.Map(plainDash, norm.NFKC.String(text))), ""))
	t = strings.TrimRight(t, "。;；,，")
	switch {
	case negotiable.MatchString(t):
		return catalog.Money{Negotiable: true}, nil, true
	case noLimit.MatchString(t):
		return catalog.Money{Negotiable: true}, moneyNoLimit, true
	}
	open := false
	if i := alsoOpen.FindStringIndex(t); i != nil {
		t, open = t[:i[0]], true
	}
	m := moneyForm.FindStringSubmatch(t)
	if m == nil {
		return catalog.Money{}, unclearMoney, false
	}
	before, sign, after := m[1], m[2], m[10]
	low := amount{m[3], m[4], m[5]}
	high := amount{m[6], m[7], m[8]}
	isRange := high.number != ""
	if isRange && low.scale == "" && low.currency == "" {
		// 30-50万元: the unit stands once.
		low.scale = high.scale
	}
	currency, ok := currencyOf(sign, low.currency, high.currency, m[9], h)
	unit := low.hasUnit() || high.hasUnit() || sign != "" || m[9] != ""
	switch {
	case !ok:
		return catalog.Money{}, unclearMoney, false
	case !unit && h.scale == 0:
		return catalog.Money{}, moneyUnit, false
	}
	scale := h.scale
	if unit {
		scale = 1
	}
	least, ok := low.value(scale)
	most := least
	if isRange && ok {
		most, ok = high.value(scale)
	}
	if !ok || most <= 0 || least > most || most > 1e15 {
		return catalog.Money{}, unclearMoney, false
	}
	money := catalog.Money{Min: least, Max: most, Currency: currency, Negotiable: open}
	var r *remark
	switch said := before + after; {
	case said == "", totalWords[said]:
	case aboutWords[said]:
		r = moneyAbout
	case isRange || before != "" && after != "":
		return catalog.Money{}, unclearMoney, false
	case mostWords[said]:
		money.Min = 0
	default:
		money.Max = 0
	}
	return money, r, true
}

// What stands before or behind an amount; any other word of moneyForm says that
// it is the least.
var (
	totalWords = wordSet("总计 合计 共计 共")
	aboutWords = wordSet("约 大约 大概 预计 估计 ≈ 左右 上下")
	mostWords  = wordSet("不超过 不高于 最高 至多 上限 低于 ≤ <= < 以内 以下 之内 内")
)

// amount is a number as it stands in a cell.
type amount struct{ number, scale, currency string }

func (a amount) hasUnit() bool { return a.scale != "" || a.currency != "" }

func (a amount) value(scale float64) (float64, bool) {
	n, ok := parseDigits(a.number)
	if !ok && numeralForm.MatchString(a.number) {
		var whole int
		whole, ok = hanNumber(a.number)
		n = float64(whole)
	}
	return math.Round(n*scale*scales[a.scale]*100) / 100, ok && n >= 0
}

// currencyOf returns the one currency the cell or its header names, and false
// for two that differ.
func currencyOf(sign, low, high, after string, h hint) (string, bool) {
	named := ""
	for _, c := range []string{sign, low, high, after} {
		// 元 after 美 is part of it; alone under a header in dollars it is not yuan.
		if c == "" || c == "元" && named != "" {
			continue
		}
		if named != "" && currencies[c] != named {
			return "", false
		}
		named = currencies[c]
	}
	switch {
	case named != "":
		return named, true
	case h.currency != "":
		return h.currency, true
	}
	return "CNY", true
}
