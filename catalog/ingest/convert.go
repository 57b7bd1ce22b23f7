package ingest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
)

// remark is what the operator is told of a cell. A cell whose text was not clear
// gives no value; one whose text was interpreted gives one. In both cases the
// source's wording is kept beside the record, unless it says nothing.
type remark struct {
	rule   string
	zh, en string
	// empty: the text stands for nothing, so nothing of it is kept.
	empty bool
}

// hint is what the header of a column says about its values.
type hint struct {
	// scale turns a bare number into units: 10000 under 预算（万元）. 0 where the
	// header names no unit.
	scale float64
	// currency of the amounts, empty for yuan.
	currency string
	// roc: years are counted from 1912, as in Taiwan.
	roc bool
	// trlScale is the edition of the readiness levels, a code of list trl-scale.
	trlScale string
}

// convert turns the text of a cell into the JSON value of a single-valued field.
// A nil value with a nil remark is a cell that says nothing.
func convert(f catalog.Field, text string, h hint) (any, *remark) {
	text = strings.TrimSpace(text)
	if f.Type != "bool" && strings.Contains(f.Path, "[].") && isBlankWord(text) {
		return nil, nil // the place of an object that lacks this member
	}
	v, r := convertText(f, text, h)
	if r != nil && v == nil && isBlankWord(text) {
		return nil, nil
	}
	return v, r
}

func convertText(f catalog.Field, text string, h hint) (any, *remark) {
	switch f.Type {
	case "code":
		if chosen, boxes := ticked(text); boxes {
			if len(chosen) != 1 {
				return nil, &remark{rule: "code", zh: fmt.Sprintf("“%s”列应勾选一项", f.Label.ZH), en: "one box is to be ticked"}
			}
			text = chosen[0]
		}
		c, r := matchCode(catalog.LookupCodeList(f.List), text)
		if c == "" {
			return nil, r
		}
		return c, r
	case "coded":
		scheme := schemeOf(f)
		if scheme == "" {
			scheme, code, ok := strings.Cut(norm.NFKC.String(text), ":")
			if scheme, code = strings.TrimSpace(scheme), strings.TrimSpace(code); !ok || scheme == "" || code == "" {
				return nil, &remark{rule: "code", zh: "专题分类应写作 专题名:代码，专题须在目录说明中声明", en: "write SCHEME:CODE, of a scheme that the catalog's profile declares"}
			}
			return catalog.Coded{Scheme: scheme, Code: code}, nil
		}
		c, r := matchCode(catalog.LookupCodeList(scheme), text)
		if c == "" {
			return nil, r
		}
		return catalog.Coded{Scheme: scheme, Code: c}, r
	case "date":
		span, r := parseDates(text, h.roc)
		if d, ok := span.pick(f); ok {
			return d, r
		}
		if r == nil {
			r = unclearDate
		}
		return nil, r
	case "int", "number":
		if f.Path == "trl" {
			return parseTRL(text)
		}
		return parseNumber(f, text, h)
	case "bool":
		if b, ok := parseBool(text); ok {
			return b, nil
		}
		return nil, &remark{rule: "bool", zh: "应填“是”或“否”", en: "write yes or no"}
	case "money":
		m, r, ok := parseMoney(text, h)
		if !ok {
			return nil, r
		}
		return m, r
	case "uscc":
		return strings.ToUpper(strings.Map(dropSpaceAndHyphen, norm.NFKC.String(text))), nil
	case "phone":
		return strings.Map(plainDash, norm.NFKC.String(text)), nil
	case "url":
		return parseURL(text)
	case "line":
		if isBlankWord(text) && f.Path != "title" || f.Path == "ip[].number" && text == "0" {
			return nil, nil
		}
	}
	return text, nil
}

// schemeOf returns the edition of the code list a coded field uses.
func schemeOf(f catalog.Field) string {
	switch f.Top() {
	case "industries":
		return "gbt4754-2017"
	case "disciplines":
		return "gbt13745-2009"
	}
	return ""
}

func dropSpaceAndHyphen(r rune) rune {
	if r == ' ' || r == '-' || r == '\u00a0' {
		return -1
	}
	return r
}

func plainDash(r rune) rune {
	switch r {
	case '‐', '‑', '‒', '–', '—', '―', '−':
		return '-'
	}
	return r
}

var (
	trueWords  = wordSet("是 有 对 真 已 可 可以 能 同意 符合 公开 true yes y t 1 √ ✓ ✔ ☑ ■ on")
	falseWords = wordSet("否 无 没有 不 错 假 未 不可 不可以 不能 不同意 不符合 不公开 false no n f 0 × ✗ ✘ x □ ☐ off")
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

func parseBool(text string) (value, ok bool) {
	key := strings.ToLower(strings.TrimRight(strings.Join(strings.Fields(norm.NFKC.String(text)), ""), "。.;；"))
	if trueWords[key] {
		return true, true
	}
	return false, falseWords[key]
}

var bareHost = regexp.MustCompile(`^(?i:www\.[a-z0-9-]+|[a-z0-9-]+)(\.[a-z0-9-]+)*\.(?i:com|cn|net|org|gov|edu|info|ac)(\.cn)?(/\S*)?$`)

// parseURL adds the scheme people leave out. http: a server that has https only
// says so itself.
func parseURL(text string) (any, *remark) {
	text = norm.NFKC.String(text)
	if bareHost.MatchString(text) {
		return "http://" + text, nil
	}
	return text, nil
}

// trlForm is 7, TRL7, TRL-7级, 第七级, Level 7, with what may be said after it.
var trlForm = regexp.MustCompile(`^(?:(?i:trl|level|lv\.?)|技术就绪度|技术成熟度|就绪度|第)*[-:\s]*([1-9一二三四五六七八九])\s*级?(?:$|[,，;；:：、.。(（—-]?\s*([^\d\s级至到~-].*)$)`)

func parseTRL(text string) (any, *remark) {
	t := strings.TrimSpace(strings.Map(plainDash, norm.NFKC.String(text)))
	t = strings.TrimSuffix(strings.TrimSuffix(t, ".0"), "/9")
	if m := trlForm.FindStringSubmatch(t); m != nil {
		n, _ := hanNumber(m[1])
		if m[2] == "" {
			return n, nil
		}
		return n, &remark{rule: "trl", zh: "技术就绪度后面还有文字，只采用了等级", en: "only the level was taken; there is more text"}
	}
	return nil, &remark{rule: "trl", zh: "技术就绪度应为 1 至 9 中的一个，例如 7、TRL7 或 第七级", en: "the readiness level is one of 1 to 9: write 7, TRL7 or 第七级"}
}

var numberForm = regexp.MustCompile(`^(约|大约|近|共|共计|合计|≈|~)?(-?\d[\d,]*(?:\.\d+)?)(亿|千万|百万|万|千|百)?(平方米|平米|m2|家|户|个|项|件|人|次|台|套|余家|余个)?(左右|多|余)?$`)

var scales = map[string]float64{"": 1, "百": 1e2, "千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8, "十亿": 1e9, "百亿": 1e10, "k": 1e3}

// parseNumber reads a count or measure. A percentage is left as it stands: what
// it is a share of is not in the cell.
func parseNumber(f catalog.Field, text string, h hint) (any, *remark) {
	notNumber := &remark{rule: "number", zh: "不是数字", en: "is not a number"}
	t := strings.ToLower(strings.Join(strings.Fields(strings.Map(plainDash, norm.NFKC.String(text))), ""))
	m := numberForm.FindStringSubmatch(t)
	if m == nil {
		return nil, notNumber
	}
	n, ok := parseDigits(m[2])
	if !ok {
		return nil, notNumber
	}
	switch {
	case m[3] != "":
		n *= scales[m[3]]
	case h.scale > 0 && m[4] == "":
		n *= h.scale
	}
	var about *remark
	if m[1] != "" || m[5] != "" {
		about = &remark{rule: "about", zh: "原文是约数，按所写数字采用", en: "the source says about; the number was taken as it stands"}
	}
	if f.Type != "int" {
		return n, about
	}
	if n != math.Trunc(n) || math.Abs(n) > 1e15 {
		return nil, notNumber
	}
	return int(n), about
}

var thousands = regexp.MustCompile(`^-?\d{1,3}(,\d{3})+(\.\d+)?$`)

// parseDigits reads a number whose commas, if any, stand between thousands.
func parseDigits(s string) (float64, bool) {
	if strings.Contains(s, ",") {
		if !thousands.MatchString(s) {
			return 0, false
		}
		s = strings.ReplaceAll(s, ",", "")
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

var hanDigits = map[rune]int{
	'〇': 0, '零': 0, '○': 0, '一': 1, '二': 2, '三': 3, '四': 4, '五': 5, '六': 6, '七': 7, '八': 8, '九': 9, '两': 2,
	'壹': 1, '贰': 2, '叁': 3, '肆': 4, '伍': 5, '陆': 6, '柒': 7, '捌': 8, '玖': 9,
}

var hanPlaces = map[rune]int{'十': 10, '拾': 10, '百': 100, '佰': 100, '千': 1000, '仟': 1000}

// hanNumber reads a number below ten thousand in digits or in Chinese: 七, 十二,
// 三百二十, 二〇一五.
func hanNumber(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	total, digit, places, seen := 0, 0, false, 0
	for _, r := range s {
		if d, ok := hanDigits[r]; ok {
			if !places {
				total = total*10 + d
			}
			digit = d
			seen++
			continue
		}
		p, ok := hanPlaces[r]
		if !ok {
			return 0, false
		}
		if !places {
			total = 0
			places = true
		}
		if digit == 0 {
			digit = 1
		}
		total += digit * p
		digit = 0
		seen++
	}
	if places {
		total += digit
	}
	return total, seen > 0 && seen <= 7
}

// List separators. A comma may stand inside a name, so for names and texts only
// semicolons, ideographic commas and line breaks count.
const (
	separators     = ";；、|\n,，"
	nameSeparators = ";；、|\n"
)

// codeSplit are what separates values of a code list where the plain separators
// do not.
var codeSplit = regexp.MustCompile(`[;；、,，|\n/+＋\\]|或者|以及|和|或|及`)

// split separates several values in one cell: by their numbers, where they are
// numbered, else by separators.
func split(f catalog.Field, text string) []string {
	if parts := numbered(text); parts != nil {
		var all []string
		for _, p := range parts {
			all = append(all, splitPlain(f, p)...)
		}
		return all
	}
	return splitPlain(f, text)
}

func splitPlain(f catalog.Field, text string) []string {
	marks := separators
	if strings.HasSuffix(f.Path, ".name") || f.Type == "text" {
		marks = nameSeparators
	}
	var parts []string
	for rest := text; rest != ""; {
		part := rest
		if i := strings.IndexAny(rest, marks); i >= 0 {
			_, size := utf8.DecodeRuneInString(rest[i:])
			part, rest = rest[:i], rest[i+size:]
		} else {
			rest = ""
		}
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 1 && (f.Path == "keywords[]" || f.Path == "contributors[]") {
		return splitSpaces(parts[0])
	}
	return parts
}

// splitSpaces takes apart keywords and names that only spaces separate. English
// keywords hold spaces, and so do names of two characters that were spread (张 三).
func splitSpaces(text string) []string {
	words := strings.Fields(text)
	for _, w := range words {
		runes := []rune(w)
		if len(runes) < 2 || !isHan(runes[0]) {
			return []string{text}
		}
	}
	return words
}

var numberMark = regexp.MustCompile(`(?:[(（](\d{1,2})[)）]|(\d{1,2})\s*(?:[、．)）]|[.](?:\D|$))|([①-⑳]))\s*`)

// numbered takes a list apart whose values are numbered 1., （1） or ①, on lines
// of their own or not. It returns nil unless the text begins with 1 and the
// numbers run on.
func numbered(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" || !strings.ContainsAny(text[:1], "1(") && !strings.HasPrefix(text, "（1") && !strings.HasPrefix(text, "①") && !strings.HasPrefix(text, "１") && !strings.HasPrefix(text, "（１") {
		return nil
	}
	text = strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, text)
	var parts []string
	begin, want := -1, 1
	for _, m := range numberMark.FindAllStringSubmatchIndex(text, -1) {
		n, end := 0, m[1]
		switch {
		case m[2] >= 0:
			n, _ = strconv.Atoi(text[m[2]:m[3]])
		case m[4] >= 0:
			n, _ = strconv.Atoi(text[m[4]:m[5]])
			if dot := strings.IndexByte(text[m[5]:m[1]], '.'); dot >= 0 {
				// The form took one character after the dot along, to see that it
				// is no decimal.
				end = m[5] + dot + 1
			}
		default:
			n = int([]rune(text[m[6]:m[7]])[0]-'①') + 1
		}
		if want == 1 && (n != 1 || m[0] != 0) {
			return nil
		}
		if n != want || m[0] > 0 && isDigit(rune(text[m[0]-1])) {
			continue
		}
		if begin >= 0 {
			parts = append(parts, strings.Trim(text[begin:m[0]], " \t\n;；,，、"))
		}
		begin, want = end, want+1
	}
	if begin < 0 {
		return nil
	}
	return append(parts, strings.Trim(text[begin:], " \t\n;；,，、"))
}

// ticked returns the choices that are ticked in a form's cell (☑转让 □许可), and
// whether the cell is one.
func ticked(text string) ([]string, bool) {
	if !strings.ContainsAny(text, "□☐☑■✔✓√▣☒") {
		return nil, false
	}
	var chosen []string
	rest := text
	for rest != "" {
		i := strings.IndexAny(rest, "□☐☑■✔✓√▣☒")
		if i < 0 {
			break
		}
		mark := []rune(rest[i:])[0]
		rest = rest[i+len(string(mark)):]
		label := rest
		if j := strings.IndexAny(rest, "□☐☑■✔✓√▣☒"); j >= 0 {
			label = rest[:j]
		}
		if label = strings.Trim(label, " \t\n　;；,，、"); label != "" && mark != '□' && mark != '☐' {
			chosen = append(chosen, label)
		}
	}
	return chosen, true
}

// convertMany converts every value in a cell; a value that is not clear is nil
// and keeps its place, so that columns which belong together stay in step. A
// value that stands for itself is not taken apart: some labels contain the
// separators.
func convertMany(f catalog.Field, text string, h hint) ([]any, *remark) {
	coded := f.Type == "code" || f.Type == "coded"
	parts, boxes := []string(nil), false
	if coded {
		if parts, boxes = ticked(text); boxes && len(parts) == 0 {
			return nil, &remark{rule: "code", zh: fmt.Sprintf("“%s”列的选项都没有勾选", f.Label.ZH), en: "none of the boxes is ticked"}
		}
		if !boxes && (!strings.ContainsAny(text, separators) || listed(f, text)) {
			if v, r := convert(f, text, h); v != nil {
				return []any{v}, r
			} else if r == nil {
				return nil, nil
			}
		}
	}
	if !boxes {
		parts = split(f, text)
	}
	var values []any
	var first *remark
	for _, part := range parts {
		v, r := convert(f, part, h)
		if r != nil && v == nil && coded {
			// 转让/许可, 转让和许可: only where every part is a value.
			if finer := convertParts(f, codeSplit.Split(part, -1), h); finer != nil {
				values = append(values, finer...)
				continue
			}
		}
		values = append(values, v)
		if r != nil && first == nil {
			first = r
		}
	}
	return values, first
}

// listed reports whether text stands in the field's code list as it is.
func listed(f catalog.Field, text string) bool {
	name := f.List
	if f.Type == "coded" {
		name = schemeOf(f)
	}
	list := catalog.LookupCodeList(name)
	if list == nil {
		return false
	}
	_, ok := list.Match(text)
	return ok
}

// convertParts converts parts if every one of them gives a value without a
// remark, else it returns nil.
func convertParts(f catalog.Field, parts []string, h hint) []any {
	if len(parts) < 2 {
		return nil
	}
	var values []any
	for _, part := range parts {
		v, r := convert(f, part, h)
		if v == nil || r != nil {
			return nil
		}
		values = append(values, v)
	}
	return values
}
