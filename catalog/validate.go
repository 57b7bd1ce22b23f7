package catalog

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Problem is one broken rule of a record: where, which rule, and what to do, in
// both languages. Rule names are stable. The messages never hold the value: it may
// be just what must not be spread.
type Problem struct {
	Field   string
	Rule    string
	Message Text
}

func (p Problem) String() string { return p.Field + ": " + p.Message.EN }

// MaxItems is the greatest number of values in any repeated field.
const MaxItems = 500

// Validate collects everything wrong with r, in the order of the schema. An
// empty result means r may be published as far as its form goes; whether its
// references resolve is for whoever knows the other records.
func Validate(r Record) []Problem {
	h := r.Head()
	v := validator{}
	if strings.TrimSpace(h.Title) == "" {
		v.add("title", "required", "缺少名称", "a title is required")
	}
	walk(r, v.scalar, v.length)
	v.crossRules(r)
	return v.problems
}

type validator struct {
	problems []Problem
}

func (v *validator) add(field, rule, zh, en string) {
	v.problems = append(v.problems, Problem{field, rule, Text{zh, en}})
}

func (v *validator) length(f Field, n int) bool {
	if n <= MaxItems {
		return true
	}
	v.add(f.Path, "too_many", fmt.Sprintf("%s有 %d 项，最多 %d 项", f.Label.ZH, n, MaxItems),
		fmt.Sprintf("%d values, at most %d are allowed", n, MaxItems))
	return false
}

func (v *validator) scalar(f Field, value reflect.Value) {
	switch value.Kind() {
	case reflect.String:
		if value.Len() > 0 {
			v.text(f, value.String())
		}
	case reflect.Int:
		if f.Path == "trl" && (value.Int() < 0 || value.Int() > 9) {
			v.add("trl", "range", "技术就绪度应为 1 至 9", "the technology readiness level is 1 to 9")
		} else if value.Int() < 0 {
			v.add(f.Path, "range", f.Label.ZH+"不能为负数", "must not be negative")
		}
	case reflect.Float64:
		if value.Float() < 0 || value.Float() > 1e15 {
			v.add(f.Path, "range", f.Label.ZH+"超出范围", "out of range")
		}
	case reflect.Struct:
		switch s := value.Interface().(type) {
		case Money:
			v.money(f, s)
		case Coded:
			v.code(f, s.Scheme, s.Code)
		}
	}
}

var (
	slugForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	digestForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
	phoneForm  = regexp.MustCompile(`^[0-9+() -]{5,40}$`)
)

func (v *validator) text(f Field, s string) {
	if !utf8.ValidString(s) {
		v.add(f.Path, "encoding", f.Label.ZH+"不是有效的 UTF-8 文本", "is not valid UTF-8")
		return
	}
	if n := utf8.RuneCountInString(s); f.Max > 0 && n > f.Max {
		v.add(f.Path, "too_long", fmt.Sprintf("%s有 %d 个字，最多 %d 个字", f.Label.ZH, n, f.Max),
			fmt.Sprintf("has %d characters, at most %d are allowed", n, f.Max))
	}
	if r, bad := forbiddenRune(s, f.Type == "text"); bad {
		v.add(f.Path, "control_character", fmt.Sprintf("%s含有不可见或控制字符 U+%04X", f.Label.ZH, r),
			fmt.Sprintf("holds the invisible or control character U+%04X", r))
	}
	switch f.Type {
	case "code":
		v.code(f, f.List, s)
	case "date":
		if !Date(s).Valid() {
			v.add(f.Path, "date", f.Label.ZH+"不是日期，应写作 2026-11-20、2026-11 或 2026", "is not a date: write 2026-11-20, 2026-11 or 2026")
		}
	case "url":
		if u, err := url.Parse(s); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
			v.add(f.Path, "url", f.Label.ZH+"不是网址，应以 https:// 开头", "is not a web address: begin with https://")
		}
	case "uscc":
		if !ValidUSCC(s) {
			v.add(f.Path, "uscc", "统一社会信用代码校验不符", "the check character of the unified social credit code does not fit")
		}
	case "ref":
		if id, err := ParseID(s); err != nil {
			v.add(f.Path, "reference", f.Label.ZH+"不是有效编号", "is not a valid identifier")
		} else if f.Target != "" && id.Dataset() != f.Target {
			v.add(f.Path, "reference", f.Label.ZH+"指向了别的数据集", "refers to another dataset than "+string(f.Target))
		}
	case "phone":
		if !phoneForm.MatchString(s) {
			v.add(f.Path, "phone", f.Label.ZH+"不是电话号码", "is not a telephone number")
		}
	case "slug":
		if !slugForm.MatchString(s) {
			v.add(f.Path, "slug", f.Label.ZH+"只能用小写字母、数字和连字符", "may hold only lower-case letters, digits and hyphens")
		}
	case "digest":
		if !digestForm.MatchString(s) {
			v.add(f.Path, "digest", f.Label.ZH+"不是 32 位十六进制", "is not 32 hexadecimal digits")
		}
	}
}

func (v *validator) code(f Field, list, code string) {
	l := LookupCodeList(list)
	if l == nil {
		// A local scheme is declared in the profile, not in the program.
		if f.Path != "schemes[]" {
			v.add(f.Path, "code_list", f.Label.ZH+"的代码表不存在", "there is no such code list")
		}
		return
	}
	if _, ok := l.Lookup(code); !ok {
		v.add(f.Path, "code", fmt.Sprintf("%s的取值不在代码表“%s”中", f.Label.ZH, l.Title.ZH), "the value is not in the code list "+list)
	}
}

func (v *validator) money(f Field, m Money) {
	switch {
	case m.Min < 0 || m.Max < 0 || m.Max > 1e15:
		v.add(f.Path, "range", f.Label.ZH+"超出范围", "out of range")
	case m.Max > 0 && m.Min > m.Max:
		v.add(f.Path, "range", f.Label.ZH+"的下限高于上限", "the lower bound is above the upper")
	case (m.Min > 0 || m.Max > 0) && len(m.Currency) != 3:
		v.add(f.Path, "currency", f.Label.ZH+"缺少币种，例如 CNY", "needs a currency such as CNY")
	}
}

// crossRules are the rules that concern more than one field.
func (v *validator) crossRules(r Record) {
	order := func(field string, from, to Date) {
		// A coarser date contains the finer one, so only the shared part counts.
		n := min(len(from), len(to))
		if n > 0 && from[:n] > to[:n] {
			v.add(field, "order", "结束日期早于开始日期", "ends before it begins")
		}
	}
	cleared := func(d *DualUse) {
		if d != nil && d.Clearance == "" {
			v.add("dual_use.clearance", "required", "军民两用条目必须写明解密或审查依据", "a military-civil record must name its clearance")
		}
	}
	switch r := r.(type) {
	case *Achievement:
		order("completed_on", r.StartedOn, r.CompletedOn)
		cleared(r.DualUse)
	case *Demand:
		cleared(r.DualUse)
	case *Event:
		order("ends_on", r.StartsOn, r.EndsOn)
	case *Notice:
		order("closes_on", r.OpensOn, r.ClosesOn)
	}
}

// Valid reports whether d is a date of the calendar in one of its three forms.
func (d Date) Valid() bool {
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, string(d)); err == nil {
			return t.Year() >= 1900 && t.Year() <= 2200
		}
	}
	return false
}

// forbiddenRune returns the first character that must not be published: it can
// hide or reorder text, or has no meaning on a screen. Line feeds are allowed
// where lines says so.
func forbiddenRune(s string, lines bool) (rune, bool) {
	for _, r := range s {
		if r == '\n' && lines {
			continue
		}
		// U+FFFD stands where a decoder lost a character: the text is damaged.
		if unicode.IsControl(r) || hiddenRune(r) || r == utf8.RuneError {
			return r, true
		}
	}
	return 0, false
}

// isClean reports whether s needs no change, for the many texts that do not.
func isClean(s string) bool {
	last := ' '
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError || r >= 0x80 && (unicode.IsSpace(r) || unicode.IsControl(r) || hiddenRune(r)) || r == ' ' && last == ' ' {
			return false
		}
		last = r
	}
	return (last != ' ' || s == "") && norm.NFC.IsNormalString(s)
}

// hiddenRune reports whether r shows nothing: joiners, marks of direction, soft
// hyphens, fillers, selectors of a glyph, tags, and code points that are no
// characters.
func hiddenRune(r rune) bool {
	if r < 0xAD || r >= 0x4E00 && r <= 0x9FFF {
		return false
	}
	switch r {
	case 0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFFA0:
		return true
	}
	switch {
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F,
		r == 0x061C, r == 0xFEFF, r == 0x2028, r == 0x2029,
		r >= 0xFE00 && r <= 0xFE0F, r >= 0xFFF0 && r <= 0xFFFB, r >= 0x1D173 && r <= 0x1D17A,
		r >= 0xE0000 && r <= 0xE0FFF, r&0xFFFE == 0xFFFE, r >= 0xFDD0 && r <= 0xFDEF:
		return true
	}
	return false
}

// CleanText returns s as it may be published: NFC, without hidden characters,
// white space folded, line feeds kept only where lines says so. It reports
// whether anything but white space was changed.
func CleanText(s string, lines bool) (clean string, changed bool) {
	if isClean(s) {
		return s, false
	}
	var b strings.Builder
	b.Grow(len(s))
	pending, feeds := false, 0
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			if r != '\r' {
				feeds++
			}
			pending = true
		case unicode.IsSpace(r):
			pending = true
		case unicode.IsControl(r) || hiddenRune(r):
			changed = true
		default:
			if pending && b.Len() > 0 {
				if lines && feeds > 0 {
					b.WriteByte('\n')
				} else {
					b.WriteByte(' ')
				}
			}
			pending, feeds = false, 0
			b.WriteRune(r)
		}
	}
	clean = b.String()
	if !norm.NFC.IsNormalString(clean) {
		return norm.NFC.String(clean), true
	}
	return clean, changed
}
