package catalog

import (
	"regexp"
	"strings"
)

// The results of checking a number (code list check-result).
const (
	CheckOK   = "ok"
	CheckBad  = "bad"
	CheckNone = "none"
)

// cnApplication is a Chinese patent application number, with or without its ZL
// or CN prefix: since October 2003 four digits of year, the kind and seven of
// serial; before, two, the kind and five. 1 invention, 2 utility model,
// 3 design, 8 and 9 PCT.
var cnApplication = regexp.MustCompile(`^(?:ZL|CN)?(?:((?:19|20)\d{2}[12389]\d{7})|(\d{2}[12389]\d{5}))\.?([\dX])$`)

// CheckPatent normalizes a Chinese patent application number and verifies its
// check character (ZC 0006-2003). A number of another form, such as a
// publication number, carries no check character and is CheckNone. That a
// number passes says it was not mistyped, never that a right exists.
func CheckPatent(number string) (normalized, check string) {
	s := strings.ToUpper(strings.Map(dropSeparators, foldWidth(number)))
	m := cnApplication.FindStringSubmatch(s)
	if m == nil {
		return "", CheckNone
	}
	body := m[1] + m[2]
	sum := 0
	for i := range len(body) {
		sum += int(body[i]-'0') * (2 + i%8)
	}
	want := byte('X')
	if sum %= 11; sum < 10 {
		want = byte('0' + sum)
	}
	normalized = "CN" + body + "." + m[3]
	if m[3][0] != want {
		return normalized, CheckBad
	}
	return normalized, CheckOK
}

// ValidUSCC reports whether s is a unified social credit code whose check
// character fits (GB 32100-2015).
func ValidUSCC(s string) bool {
	if len(s) != 18 {
		return false
	}
	sum, weight := 0, 1
	for i := range 17 {
		v := alphabetValue[s[i]]
		if v < 0 {
			return false
		}
		sum += weight * int(v)
		weight = weight * 3 % 31
	}
	return s[17] == Alphabet[(31-sum%31)%31]
}

// foldWidth maps full-width ASCII forms to ASCII.
func foldWidth(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, s)
}

func dropSeparators(r rune) rune {
	switch r {
	case ' ', '-', '\u00a0', '\u3000':
		return -1
	}
	return r
}
