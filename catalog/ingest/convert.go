package ingest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
)

// unclear says that a text could not be turned into what its field holds. The
// record is published without the value, with the source's wording kept beside.
type unclear struct {
	rule   string
	zh, en string
}

// convert turns the text of a cell into the JSON value of a single-valued field.
func convert(f catalog.Field, text string) (any, *unclear) {
	text = strings.TrimSpace(text)
	switch f.Type {
	case "code":
		if c, ok := catalog.LookupCodeList(f.List).Match(text); ok {
			return c.Code, nil
		}
		return nil, &unclear{"code", fmt.Sprintf("“%s”列的取值不在代码表中", f.Label.ZH), "the value is not in the code list " + f.List}
	case "coded":
		scheme := "gbt4754-2017"
		if f.Top() == "disciplines" {
			scheme = "gbt13745-2009"
		}
		if c, ok := catalog.LookupCodeList(scheme).Match(text); ok {
			return catalog.Coded{Scheme: scheme, Code: c.Code}, nil
		}
		return nil, &unclear{"code", fmt.Sprintf("“%s”列的取值不在代码表中", f.Label.ZH), "the value is not in the code list " + scheme}
	case "date":
		if d, ok := parseDate(text); ok {
			return d, nil
		}
		return nil, &unclear{"date", "日期无法确定，应写作 2026-11-20、2026-11 或 2026", "the date is not certain: write 2026-11-20, 2026-11 or 2026"}
	case "int", "number":
		n, err := strconv.ParseFloat(strings.ReplaceAll(norm.NFKC.String(text), ",", ""), 64)
		if err != nil || f.Type == "int" && n != float64(int64(n)) {
			return nil, &unclear{"number", "不是数字", "is not a number"}
		}
		return n, nil
	case "bool":
		switch strings.ToLower(text) {
		case "是", "有", "true", "yes", "y", "1", "√":
			return true, nil
		case "否", "无", "false", "no", "n", "0":
			return false, nil
		}
		return nil, &unclear{"bool", "应填“是”或“否”", "write yes or no"}
	case "money":
		if m, ok := parseMoney(text); ok {
			return m, nil
		}
		return nil, &unclear{"money", "金额无法确定，应写作 30万元、300000元 或 面议", "the amount is not certain: write 30万元, 300000元 or 面议"}
	case "uscc":
		return strings.ToUpper(norm.NFKC.String(text)), nil
	}
	return text, nil
}

var (
	dayForm   = regexp.MustCompile(`^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]0{1,2}:00(?::00)?)?$`)
	monthForm = regexp.MustCompile(`^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?$`)
	yearForm  = regexp.MustCompile(`^(\d{4})\s*年?$`)
	solidForm = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
)

// parseDate reads the dates whose order of year, month and day is beyond doubt.
// 10/03/2015 and two-digit years are not guessed.
func parseDate(text string) (catalog.Date, bool) {
	text = norm.NFKC.String(text)
	for _, form := range []*regexp.Regexp{dayForm, solidForm, monthForm, yearForm} {
		m := form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		for i, part := range m[2:] {
			if len(part) == 1 {
				m[2+i] = "0" + part
			}
		}
		if d := catalog.Date(strings.Join(m[1:], "-")); d.Valid() {
			return d, true
		}
	}
	return "", false
}

var moneyForm = regexp.MustCompile(`^(不超过|最高|至多|≤|<=)?(\d[\d,]*(?:\.\d+)?)(?:[-~—至到](\d[\d,]*(?:\.\d+)?))?(亿元|亿|万元|万|元)$`)

// parseMoney reads an amount with its unit. A bare number is not guessed to be
// yuan or ten thousand yuan.
func parseMoney(text string) (catalog.Money, bool) {
	text = strings.Join(strings.Fields(norm.NFKC.String(text)), "")
	switch text {
	case "面议", "协商", "待定", "-1":
		return catalog.Money{Negotiable: true}, true
	}
	m := moneyForm.FindStringSubmatch(text)
	if m == nil {
		return catalog.Money{}, false
	}
	unit := map[string]float64{"亿元": 1e8, "亿": 1e8, "万元": 1e4, "万": 1e4, "元": 1}[m[4]]
	amount := func(s string) float64 {
		n, _ := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
		return math.Round(n*unit*100) / 100
	}
	low := amount(m[2])
	money := catalog.Money{Min: low, Max: low, Currency: "CNY"}
	if m[3] != "" {
		money.Max = amount(m[3])
	}
	if m[1] != "" {
		money.Min = 0
	}
	return money, true
}

// splitForm separates several values in one cell. A comma may stand inside a
// name, so for names only semicolons, ideographic commas and line breaks count.
var (
	splitForm = regexp.MustCompile(`[;；、,，|\n]`)
	nameSplit = regexp.MustCompile(`[;；、|\n]`)
)

func split(f catalog.Field, text string) []string {
	form := splitForm
	if strings.HasSuffix(f.Path, ".name") || f.Type == "text" {
		form = nameSplit
	}
	var parts []string
	for _, part := range form.Split(text, -1) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
