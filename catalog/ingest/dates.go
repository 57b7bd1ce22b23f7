package ingest

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
)

// dateSpan is what a cell says about time: one date, or two that bound a span.
type dateSpan struct {
	from, to catalog.Date
	span     bool
}

// Fields whose column may hold a whole span, and the field of its other end.
var (
	spanEnds   = map[string]string{"started_on": "completed_on", "starts_on": "ends_on", "opens_on": "closes_on"}
	spanStarts = map[string]string{"completed_on": "started_on", "ends_on": "starts_on", "closes_on": "opens_on"}
)

// pick returns the end of the span that f is about. A span in a field that knows
// no span is no date.
func (s dateSpan) pick(f catalog.Field) (catalog.Date, bool) {
	if !s.span {
		return s.from, s.from != ""
	}
	switch {
	case spanEnds[f.Path] != "":
		return s.from, s.from != ""
	case spanStarts[f.Path] != "", f.Path == "deadline", f.Path == "valid_until":
		return s.to, s.to != ""
	}
	return "", false
}

// What is said of dates. None of them is guessed in silence.
var (
	unclearDate  = &remark{rule: "date", zh: "日期无法确定，应写作 2026-11-20、2026-11 或 2026", en: "the date is not certain: write 2026-11-20, 2026-11 or 2026"}
	dateOrder    = &remark{rule: "date", zh: "日、月的次序无法确定，应写作 2026-11-20", en: "it is not certain which is the day and which the month: write 2026-11-20"}
	dateYear     = &remark{rule: "date", zh: "年份只有两位，不作猜测，应写四位", en: "the year has two digits, which are not guessed: write four"}
	dateSerial   = &remark{rule: "date_serial", zh: "单元格里是 Excel 的日期序号，已换算为日期，请核对", en: "the cell held Excel's number of a date, which was converted: please check"}
	dateROC      = &remark{rule: "date_roc", zh: "民国纪年已换算为公元，请核对", en: "a year of the Republic of China was converted: please check"}
	dateNothing  = &remark{rule: "date_empty", zh: "这个日期是软件用来表示“空”的，按未填处理", en: "this date is what programs write for nothing: taken as empty", empty: true}
	dateOld      = &remark{rule: "date", zh: "年份早于 1949，可能是两位年份被错误展开，未采用", en: "the year is before 1949, perhaps a two-digit year gone wrong: not used"}
	dateCoarse   = &remark{rule: "date_coarse", zh: "季度或半年只采用了年份", en: "of a quarter or half-year only the year was taken"}
	dateSpanTold = &remark{rule: "date_span", zh: "单元格里是起止日期，已拆成开始和结束，请核对", en: "the cell held a span, which was taken apart into its two ends: please check"}
	dateOpen     = &remark{rule: "date_open", zh: "没有截止日期（长期、至今），未填", en: "there is no end date"}
	dateUTC      = &remark{rule: "date_shift", zh: "时间是 16:00，可能因时区差一天，请核对", en: "the time is 16:00, which may be midnight in China shifted by the zone: please check the day"}
)

var (
	sixForm     = regexp.MustCompile(`^(\d{4})(\d{2})$`)
	coarseForm  = regexp.MustCompile(`^(\d{4})年?(?:第?[一二三四1234]季度|[上下]半年|[年]?[初中底末]|q[1-4])$`)
	westForm    = regexp.MustCompile(`^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$`)
	shortForm   = regexp.MustCompile(`^'?(\d{2})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})?日?)?$|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}$|^\d{2}年$`)
	serialForm  = regexp.MustCompile(`^(\d{5})(?:\.\d+)?$`)
	clockForm   = regexp.MustCompile(`[t ]*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(z|[+-]\d{2}:?\d{2}|上午|下午|am|pm)?$`)
	rocMark     = regexp.MustCompile(`^(?:中華民國|中华民国|民國|民国|r\.?o\.?c\.?)(\d{1,3})年?度?(?:[-/.年]?(\d{1,2})(?:[-/.月](\d{1,2})日?)?月?)?$`)
	rocFiscal   = regexp.MustCompile(`^fy(1\d{2})$`)
	rocBare     = regexp.MustCompile(`^(\d{2,3})年?度?(?:[-/.年]?(\d{1,2})(?:[-/.月](\d{1,2})日?)?月?)?$`)
	rocSolid    = regexp.MustCompile(`^(1\d{2})(\d{2})(\d{2})$`)
	rocSpan     = regexp.MustCompile(`^(?:fy)?(\d{2,3})年?度?[-~至到](?:fy)?(\d{2,3})年?度?$`)
	hanDateForm = regexp.MustCompile(`[〇○零一二三四五六七八九十]+`)
	englishDay  = []string{"2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "Jan 2 2006", "January 2 2006", "2-Jan-2006", "Jan. 2, 2006"}
	englishMon  = []string{"Jan 2006", "January 2006", "Jan-2006", "January, 2006"}
)

// Excel counts days from 1899-12-30 (once past the leap day of 1900 it believes
// in). Only numbers from 1970 to 2049 are taken for dates: those beyond look
// like years and months written together.
const (
	firstSerial = 25569
	lastSerial  = 54789
)

var excelEpoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// nothingDates are what databases and workbooks hold where a date is missing.
var nothingDates = map[string]bool{
	"1899-12-30": true, "1899-12-31": true, "1900-01-00": true, "1900-1-0": true, "1900-01-01": true, "0000-00-00": true, "0001-01-01": true, "1970-01-01": true, "9999-12-31": true, "1753-01-01": true,
	"1900-01": true, "0000": true, "1900": true, "0": true,
}

// parseDates reads the dates whose order of year, month and day is beyond doubt,
// and spans of them. roc says that the column counts years from 1912.
func parseDates(text string, roc bool) (dateSpan, *remark) {
	if d := catalog.Date(text); isDateForm(text) && !nothingDates[text] && d >= "1949" && d.Valid() {
		return dateSpan{from: d}, nil
	}
	t := strings.ToLower(strings.TrimSpace(strings.Map(plainDash, norm.NFKC.String(text))))
	if len(t) > 64 {
		return dateSpan{}, unclearDate
	}
	if d, r := parseDate(t, roc); d != "" || r != nil {
		return dateSpan{from: d}, r
	}
	return parseSpan(t, roc)
}

// scanDate takes apart year, month and day in that order: 2026-1-2, 2026/01/02,
// 2026.1, 2026年1月2日, 20260102, 2026年度.
func scanDate(t string) (parts []string, ok bool) {
	if len(t) == len("20060102") && countDigits(t) == len(t) {
		return []string{t[:4], t[4:6], t[6:]}, true
	}
	if countDigits(t) != 4 {
		return nil, false
	}
	parts, t = append(parts, t[:4]), t[4:]
	switch t {
	case "", "年", "度", "年度":
		return parts, true
	}
	for len(parts) < 3 {
		mark, size := utf8.DecodeRuneInString(t)
		if !strings.ContainsRune("-/.年月", mark) || (mark == '年') && len(parts) != 1 || mark == '月' && len(parts) != 2 {
			return nil, false
		}
		t = t[size:]
		n := countDigits(t)
		if n < 1 || n > 2 {
			return nil, false
		}
		parts, t = append(parts, t[:n]), t[n:]
		switch t {
		case "":
			return parts, true
		case "月", "月份":
			return parts, len(parts) == 2
		case "日", "号":
			return parts, len(parts) == 3
		}
	}
	return nil, false
}

// countDigits returns how many digits t begins with.
func countDigits(t string) int {
	n := 0
	for n < len(t) && isDigit(rune(t[n])) {
		n++
	}
	return n
}

// isDateForm reports whether text has the length and digits of a date as it is
// published.
func isDateForm(text string) bool {
	switch len(text) {
	case len("2006"), len("2006-01"), len("2006-01-02"):
	default:
		return false
	}
	for i := range len(text) {
		if i == 4 || i == 7 {
			if text[i] != '-' {
				return false
			}
		} else if !isDigit(rune(text[i])) {
			return false
		}
	}
	return true
}

// parseDate reads one date in folded text. Neither a date nor a remark means
// that the text is no date of one day, month or year.
func parseDate(t string, roc bool) (catalog.Date, *remark) {
	t, clock, shift := cutClock(t)
	compact := t
	if strings.ContainsAny(t, " \t\n") {
		compact = strings.Join(strings.Fields(t), "")
	}
	if nothingDates[strings.ReplaceAll(strings.ReplaceAll(compact, "/", "-"), ".", "-")] {
		return "", dateNothing
	}
	if strings.Contains(compact, "年") && hanDateForm.MatchString(compact) {
		compact = hanDateForm.ReplaceAllStringFunc(compact, func(s string) string {
			n, _ := hanNumber(s)
			return strconv.Itoa(n)
		})
	}
	if parts, ok := scanDate(compact); ok {
		return dated(shift, clock, parts...)
	}
	if m := sixForm.FindStringSubmatch(compact); m != nil {
		// 202611 can only be a month; 201112 may be the 12th of November 2020.
		if month, _ := strconv.Atoi(m[1][2:]); month >= 1 && month <= 12 {
			return "", unclearDate
		}
		return dated(0, nil, m[1], m[2])
	}
	if m := coarseForm.FindStringSubmatch(compact); m != nil {
		d, r := dated(0, nil, m[1])
		if r == nil {
			r = dateCoarse
		}
		return d, r
	}
	if m := westForm.FindStringSubmatch(compact); m != nil {
		a, _ := strconv.Atoi(m[1])
		b, _ := strconv.Atoi(m[2])
		switch {
		case a == b || a <= 12 && b > 12:
			return dated(shift, clock, m[3], m[1], m[2])
		case a > 12 && b <= 12:
			return dated(shift, clock, m[3], m[2], m[1])
		}
		return "", dateOrder
	}
	for _, form := range []*regexp.Regexp{rocMark, rocFiscal} {
		if m := form.FindStringSubmatch(compact); m != nil {
			return rocDate(m[1:])
		}
	}
	if roc {
		for _, form := range []*regexp.Regexp{rocBare, rocSolid} {
			if m := form.FindStringSubmatch(compact); m != nil {
				return rocDate(m[1:])
			}
		}
	}
	if m := serialForm.FindStringSubmatch(compact); m != nil {
		n, _ := strconv.Atoi(m[1])
		if n >= firstSerial && n <= lastSerial {
			return catalog.Date(excelEpoch.AddDate(0, 0, n).Format(time.DateOnly)), dateSerial
		}
		return "", unclearDate
	}
	if shortForm.MatchString(compact) {
		return "", dateYear
	}
	return englishDate(t)
}

func englishDate(t string) (catalog.Date, *remark) {
	if t == "" || t[0] >= 0x80 || !strings.ContainsAny(t, "aeou") {
		return "", nil
	}
	t = strings.Join(strings.Fields(t), " ")
	for _, layout := range englishDay {
		if at, err := time.Parse(layout, t); err == nil {
			return dated(0, nil, at.Format("2006"), at.Format("01"), at.Format("02"))
		}
	}
	for _, layout := range englishMon {
		if at, err := time.Parse(layout, t); err == nil {
			return dated(0, nil, at.Format("2006"), at.Format("01"))
		}
	}
	return "", nil
}

// cutClock takes the time of day off. shift is what must be added to come to
// China's time when the zone is written; clock is the time when it is not.
func cutClock(t string) (day string, clock []int, shift time.Duration) {
	if strings.IndexByte(t, ':') < 0 {
		return t, nil, 0
	}
	m := clockForm.FindStringSubmatchIndex(t)
	if m == nil || m[0] == 0 {
		return t, nil, 0
	}
	hour, _ := strconv.Atoi(t[m[2]:m[3]])
	minute, _ := strconv.Atoi(t[m[4]:m[5]])
	zone := ""
	if m[8] >= 0 {
		zone = t[m[8]:m[9]]
	}
	const china = 8 * time.Hour
	switch {
	case zone == "z":
		shift = china
	case zone != "" && (zone[0] == '+' || zone[0] == '-'):
		hours, _ := strconv.Atoi(zone[1:3])
		minutes, _ := strconv.Atoi(zone[len(zone)-2:])
		offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if zone[0] == '-' {
			offset = -offset
		}
		shift = china - offset
	}
	return strings.TrimSpace(t[:m[0]]), []int{hour, minute, boolInt(zone != "")}, shift
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// dated makes a date of year, month and day, moved by shift when there was a
// time with a zone.
func dated(shift time.Duration, clock []int, parts ...string) (catalog.Date, *remark) {
	var kept []string
	for i, p := range parts {
		if p == "" {
			break
		}
		if i > 0 && len(p) == 1 {
			p = "0" + p
		}
		kept = append(kept, p)
	}
	d := catalog.Date(strings.Join(kept, "-"))
	if !d.Valid() {
		return "", unclearDate
	}
	if d < "1949" {
		return "", dateOld
	}
	if len(clock) == 0 || len(kept) < 3 {
		return d, nil
	}
	if shift != 0 {
		at, _ := time.Parse(time.DateOnly, string(d))
		at = at.Add(time.Duration(clock[0])*time.Hour + time.Duration(clock[1])*time.Minute + shift)
		return catalog.Date(at.Format(time.DateOnly)), nil
	}
	if clock[0] == 16 && clock[1] == 0 && clock[2] == 0 {
		return d, dateUTC
	}
	return d, nil
}

func rocDate(parts []string) (catalog.Date, *remark) {
	year, _ := strconv.Atoi(parts[0])
	if year < 1 || year > 189 {
		return "", unclearDate
	}
	parts = append([]string{strconv.Itoa(year + 1911)}, parts[1:]...)
	d, r := dated(0, nil, parts...)
	if r == nil {
		r = dateROC
	}
	return d, r
}

// spanSeparators part the ends of a span, the clearest first. A hyphen parts
// them only where it does not also part year, month and day.
var spanSeparators = []string{"至", "到", "~", "--", " - ", "-"}

var (
	openEnd   = regexp.MustCompile(`^(.+?)(?:[-~至到]*(?:今|现在|目前|长期|present|now)|起|以来|之后)$`)
	monthOnly = regexp.MustCompile(`^\d{1,2}月(?:\d{1,2}[日号]?)?$`)
	dayOnly   = regexp.MustCompile(`^\d{1,2}[日号]$`)
)

// parseSpan reads 2019.01-2021.12, 2019年1月至2021年12月, 2026年5月3日至5日,
// 2019年至今.
func parseSpan(t string, roc bool) (dateSpan, *remark) {
	if t == "长期" || t == "长期有效" || t == "永久" || t == "不限" {
		return dateSpan{}, dateOpen
	}
	if m := rocSpan.FindStringSubmatch(strings.Join(strings.Fields(t), "")); m != nil && (roc || strings.HasPrefix(t, "fy1")) {
		from, _ := rocDate(m[1:2])
		to, _ := rocDate(m[2:3])
		if from != "" && to != "" && from <= to {
			return dateSpan{from, to, true}, dateROC
		}
	}
	if m := openEnd.FindStringSubmatch(t); m != nil {
		if d, _ := parseDate(strings.TrimRight(m[1], "-~ 至到"), roc); d != "" {
			return dateSpan{from: d, span: true}, dateOpen
		}
	}
	for _, sep := range spanSeparators {
		for i := strings.Index(t, sep); i > 0; {
			left, right := strings.TrimSpace(t[:i]), strings.TrimSpace(t[i+len(sep):])
			if s, ok := spanOf(left, right, roc); ok {
				return s, dateSpanTold
			}
			next := strings.Index(t[i+len(sep):], sep)
			if next < 0 {
				break
			}
			i += len(sep) + next
		}
	}
	return dateSpan{}, unclearDate
}

func spanOf(left, right string, roc bool) (dateSpan, bool) {
	switch {
	case monthOnly.MatchString(right) && strings.Contains(left, "年"):
		right = left[:strings.Index(left, "年")+len("年")] + right
	case dayOnly.MatchString(right) && strings.Contains(left, "月"):
		right = left[:strings.Index(left, "月")+len("月")] + right
	}
	if len(left) < 4 || len(right) < 4 {
		return dateSpan{}, false
	}
	from, r := parseDate(left, roc)
	to, r2 := parseDate(right, roc)
	if from == "" || to == "" || r != nil || r2 != nil {
		return dateSpan{}, false
	}
	n := min(len(from), len(to))
	return dateSpan{from, to, true}, from[:n] <= to[:n]
}
