package catalog

import (
	"regexp"
	"strings"
)

// patentKinds are the kinds of right whose number is a patent application number.
var patentKinds = map[string]bool{"invention": true, "utility-model": true, "design": true}

// Verify fills in what the program knows better than the source: the normalized
// form of every right and relation, and whether its check character fits. Whatever the
// source said there is replaced.
func Verify(r Record) {
	if a, ok := r.(*Achievement); ok {
		for i := range a.IP {
			p := &a.IP[i]
			p.Normalized, p.Check = "", ""
			switch {
			case p.Number == "":
			case patentKinds[p.Kind] || p.Kind == "":
				p.Normalized, p.Check = CheckPatent(p.Number)
			default:
				p.Check = CheckNone
			}
		}
	}
	relations := r.Head().Relations
	for i := range relations {
		l := &relations[i]
		l.Normalized, l.Check = normalizeRelation(l.Scheme, l.Value)
	}
}

var (
	doiForm      = regexp.MustCompile(`(?i)\b10\.\d{4,9}/\S+`)
	standardForm = regexp.MustCompile(`^([A-Z]{1,4}\d{0,4}(?:/[A-Z])?)\s*(\d[\d.]*)\s*[-—–]\s*(\d{4})$`)
)

func normalizeRelation(scheme, value string) (normalized, check string) {
	switch scheme {
	case "cn-patent":
		return CheckPatent(value)
	case "record":
		id, err := ParseID(value)
		if err != nil {
			return "", CheckBad
		}
		return string(id), CheckOK
	case "doi":
		return strings.ToLower(strings.TrimRight(doiForm.FindString(value), ".,;)]")), CheckNone
	case "standard":
		if m := standardForm.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(value))); m != nil {
			return m[1] + " " + m[2] + "-" + m[3], CheckNone
		}
	}
	return "", CheckNone
}
