package ingest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
)

// matchCode finds the code that wording means in list: by code, label or alias;
// with the name behind or before its code (C34 通用设备制造业); the last step of a
// path (制造业 > 通用设备制造业); without a bracket that explains it. A wording of
// an earlier edition gives today's code and a remark.
func matchCode(list *catalog.CodeList, wording string) (string, *remark) {
	if c, ok := list.Match(wording); ok {
		return present(list, c, wording)
	}
	text := foldWording(wording)
	if c, ok := list.Match(text); ok {
		return present(list, c, text)
	}
	if list.Name == "division" {
		if c, ok := matchDivision(list, text); ok {
			return present(list, c, text)
		}
	}
	if code, r := matchNamedCode(list, text); code != "" {
		return code, r
	}
	for _, part := range bracketed(text) {
		if c, ok := list.Match(part); ok {
			return present(list, c, part)
		}
	}
	if list.Name == "gbt4754-2017" || list.Name == "gbt13745-2009" {
		if code, r := matchPath(list, text); code != "" {
			return code, r
		}
	}
	for _, tail := range wordingTails {
		if stem, ok := strings.CutSuffix(text, tail); ok && stem != "" {
			if c, ok := list.Match(stem); ok {
				return present(list, c, stem)
			}
		}
	}
	return "", &remark{
		rule: "code",
		zh:   fmt.Sprintf("取值不在代码表“%s”中", list.Title.ZH), en: "the value is not in the code list " + list.Name,
	}
}

// wordingTails are words people add to the values of the lists.
var wordingTails = []string{"水平", "阶段", "成果", "技术", "方式", "领域", "类", "级", "专利", "权"}

// foldWording reduces a wording to what it says: width, spaces between Han
// characters, numbering and marks at its ends do not count.
func foldWording(s string) string {
	s = norm.NFKC.String(s)
	text := []rune(s)
	var b strings.Builder
	for i, r := range text {
		if unicode.IsSpace(r) && (i == 0 || i+1 == len(text) || isHan(text[i-1]) || isHan(text[i+1])) {
			continue
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), " .。;；,，、:：\"'“”*")
}

// bracketed returns what stands before a bracket at the end, and what in it.
func bracketed(text string) []string {
	if !strings.HasSuffix(text, ")") {
		return nil
	}
	open := strings.IndexByte(text, '(')
	if open <= 0 {
		return nil
	}
	return []string{strings.TrimSpace(text[:open]), strings.TrimSpace(text[open+1 : len(text)-1])}
}

// present returns the code that c has today.
func present(list *catalog.CodeList, c catalog.Code, wording string) (string, *remark) {
	if c.Successor != "" {
		now, _ := list.Lookup(c.Successor)
		return now.Code, &remark{
			rule: "code_successor",
			zh:   fmt.Sprintf("“%s”已撤销，改用“%s”", c.Label.ZH, now.Label.ZH), en: fmt.Sprintf("%s was abolished: %s is used", c.Label.EN, now.Label.EN),
		}
	}
	if list.Name != "gbt4754-2017" && list.Name != "division" || wording == c.Label.ZH || wording == c.Code {
		return c.Code, nil
	}
	for _, alias := range c.Aliases {
		if alias == wording && list.Name == "gbt4754-2017" {
			return c.Code, &remark{
				rule: "code_edition",
				zh:   fmt.Sprintf("旧版行业名称，改用 GB/T 4754-2017 的“%s”", c.Label.ZH), en: "the name of an earlier edition: GB/T 4754-2017 has " + c.Label.EN,
			}
		}
		if alias == wording && abolished(list, alias) {
			return c.Code, &remark{
				rule: "code_successor",
				zh:   fmt.Sprintf("“%s”已撤销，改用“%s”", alias, c.Label.ZH), en: "abolished: " + c.Label.EN + " is used",
			}
		}
	}
	return c.Code, nil
}

func abolished(list *catalog.CodeList, name string) bool {
	for _, c := range list.Codes() {
		if c.Label.ZH == name && c.ValidTo != "" {
			return true
		}
	}
	return false
}

// matchDivision understands a district with its province and city before it, or
// without its rank: 河南省洛阳市涧西区, 洛阳涧西.
func matchDivision(list *catalog.CodeList, text string) (catalog.Code, bool) {
	for _, province := range []string{"河南省", "河南"} {
		if rest, ok := strings.CutPrefix(text, province); ok {
			text = rest
			break
		}
	}
	if c, ok := list.Match(text); ok {
		return c, true
	}
	for _, city := range []string{"洛阳市", "洛阳"} {
		if rest, ok := strings.CutPrefix(text, city); ok {
			if text = rest; text == "" {
				return list.Lookup("410300")
			}
			break
		}
	}
	for _, rank := range []string{"", "区", "县"} {
		if c, ok := list.Match(text + rank); ok && text != "" {
			return c, true
		}
	}
	return catalog.Code{}, false
}

// namedCode is a code with its name: C34 通用设备制造业, 3451-滚动轴承制造.
var namedCode = regexp.MustCompile(`^([A-Ta-t]?\d{2,7})[\s:：.、_\-—]*(\D.*)?$`)

func matchNamedCode(list *catalog.CodeList, text string) (string, *remark) {
	m := namedCode.FindStringSubmatch(text)
	if m == nil {
		return "", nil
	}
	code := strings.TrimLeft(m[1], "ABCDEFGHIJKLMNOPQRSTabcdefghijklmnopqrst")
	c, known := list.Lookup(code)
	if !known && len(code) == 3 {
		c, known = list.Lookup(code + "0") // a group of one class is written as the class
	}
	if m[2] == "" {
		if !known {
			return "", nil
		}
		return present(list, c, code)
	}
	named, ok := list.Match(m[2])
	if !ok {
		return "", nil
	}
	now, r := present(list, named, m[2])
	if r == nil && (!known || c.Code != now) {
		r = &remark{
			rule: "code_edition",
			zh:   "代码与名称不一致，可能出自不同版本，以名称为准", en: "code and name do not belong together, perhaps of different editions: the name was used",
		}
	}
	return now, r
}

// matchPath takes the finest step of a path that the list has.
func matchPath(list *catalog.CodeList, text string) (string, *remark) {
	steps := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(">/|→—-", r) })
	if len(steps) < 2 {
		return "", nil
	}
	for i := len(steps) - 1; i >= 0; i-- {
		c, ok := list.Match(strings.TrimSpace(steps[i]))
		if !ok {
			continue
		}
		code, r := present(list, c, strings.TrimSpace(steps[i]))
		if r == nil && i < len(steps)-1 {
			r = &remark{
				rule: "code_coarse",
				zh:   fmt.Sprintf("末级分类不在代码表中，采用上一级“%s”", c.Label.ZH), en: "the finest step is not in the code list: " + c.Label.EN + " was used",
			}
		}
		return code, r
	}
	return "", nil
}

// A formerCode is a code that meant something else until a day.
type formerCode struct {
	until catalog.Date
	now   string // today's code of what it meant
	name  string
}

// formerCodes of list division. Lists of before 2021 give 410307 to 洛龙区, which
// is 410311 today; since 18 March 2021 the code is 偃师区's.
var formerCodes = map[string]formerCode{"410307": {"2021-03-17", "410311", "洛龙区"}}

// firstIndustryEdition is the day GB/T 4754-2017 came into force. Groups and
// classes (three and four digits) of the edition before have other codes.
const firstIndustryEdition catalog.Date = "2017-10-01"

var bareIndustry = regexp.MustCompile(`^[A-Ta-t]?\d{3,4}$`)

// contextDate returns the day the source wrote its codes by, as near as the
// record tells, or "".
func contextDate(r catalog.Record) catalog.Date {
	var dates []catalog.Date
	switch r := r.(type) {
	case *catalog.Achievement:
		if r.Registration != nil {
			dates = append(dates, r.Registration.Date)
		}
		dates = append(dates, r.EvaluatedOn, r.CompletedOn)
	case *catalog.Organization:
		dates = append(dates, r.AsOf)
	case *catalog.Expert:
		dates = append(dates, r.AppointedOn)
	case *catalog.Policy:
		dates = append(dates, r.IssuedOn)
	case *catalog.Event:
		dates = append(dates, r.StartsOn)
	case *catalog.Edition:
		dates = append(dates, r.IssuedOn)
	case *catalog.Case:
		dates = append(dates, r.HappenedOn)
	case *catalog.Notice:
		dates = append(dates, r.OpensOn)
	}
	for _, d := range dates {
		if d != "" {
			return d
		}
	}
	return ""
}

// redate gives the codes that record took from bare numbers the meaning they had
// on the day the source wrote them. bare lists the numbers by field.
func redate(record catalog.Record, bare map[string][]string) []finding {
	if len(bare) == 0 {
		return nil
	}
	day := contextDate(record)
	if !day.Valid() {
		return nil
	}
	// A year counts to its last day: 2021 alone does not tell which half is meant.
	day += catalog.Date("-12-31"[len(day)-len("2006"):])
	var notes []finding
	catalog.Rewrite(record, func(f catalog.Field, s string) string {
		if f.List != "division" {
			return s
		}
		for _, code := range bare[f.Path] {
			if former, ok := formerCodes[code]; ok && s == code && day <= former.until {
				notes = append(notes, finding{
					f.Path, "code_date",
					fmt.Sprintf("%s 在 %s 以前是“%s”，按当时的含义采用", code, former.until, former.name),
					fmt.Sprintf("until %s the code %s meant another division, which was used", former.until, code),
				})
				return former.now
			}
		}
		return s
	})
	h := record.Head()
	if codes := bare["industries[]"]; len(codes) > 0 && day < firstIndustryEdition {
		kept := h.Industries[:0]
		for _, c := range h.Industries {
			dropped := false
			for _, code := range codes {
				dropped = dropped || strings.TrimLeft(code, "ABCDEFGHIJKLMNOPQRSTabcdefghijklmnopqrst") == c.Code
			}
			if !dropped {
				kept = append(kept, c)
			}
		}
		if len(kept) < len(h.Industries) {
			notes = append(notes, finding{
				"industries[]", "code_edition",
				"只有行业代码没有名称，且记录早于 GB/T 4754-2017，代码的版本无法确定，未采用", "a bare code of a record older than GB/T 4754-2017: its edition is not certain, so it was not used",
			})
		}
		if h.Industries = kept; len(kept) == 0 {
			h.Industries = nil
		}
	}
	return notes
}
