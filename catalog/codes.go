package catalog

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
)

//go:generate go test . -run ^TestPacked$ -update

//go:embed codes.zip
var codeArchive string

// codeFiles are codes/*.csv.
var codeFiles = sync.OnceValue(func() fs.FS { return Packed(codeArchive) })

// Code is one value of a code list.
type Code struct {
	Code  string
	Label Text
	// ValidFrom and ValidTo bound the edition the code belongs to; empty means
	// open. Successor replaces an abolished code.
	ValidFrom, ValidTo Date
	Successor          string
	// Aliases are other wordings that mean the same.
	Aliases []string
}

// CodeList is a list of codes of one edition of one standard or form.
type CodeList struct {
	Name      string
	Title     Text
	Source    string
	Edition   string
	ValidFrom Date
	codes     []Code
	byCode    map[string]int
	byWording map[string]int
}

// largeLists are the lists that have a file of their own.
var largeLists = []struct {
	file string
	list CodeList
}{
	{"industry", CodeList{Name: "gbt4754-2017", Title: Text{"国民经济行业分类", "Industrial classification for national economic activities"}, Source: "GB/T 4754", Edition: "2017", ValidFrom: "2017-10-01"}},
	{"discipline", CodeList{Name: "gbt13745-2009", Title: Text{"学科分类与代码", "Classification and code of disciplines"}, Source: "GB/T 13745", Edition: "2009", ValidFrom: "2009-11-01"}},
	{"division", CodeList{Name: "division", Title: Text{"洛阳市行政区划", "Administrative divisions of Luoyang"}, Source: "GB/T 2260", Edition: "2021", ValidFrom: "2021-03-18"}},
}

var loadCodes = sync.OnceValue(func() map[string]*CodeList {
	lists := map[string]*CodeList{}
	for _, row := range codeRows("lists") {
		lists[row["list"]] = &CodeList{
			Name: row["list"], Title: Text{row["zh"], row["en"]},
			Source: row["source"], Edition: row["edition"], ValidFrom: Date(row["valid_from"]),
		}
	}
	for _, row := range codeRows("codes") {
		lists[row["list"]].add(row)
	}
	for _, large := range largeLists {
		l := large.list
		for _, row := range codeRows(large.file) {
			l.add(row)
		}
		lists[l.Name] = &l
	}
	return lists
})

func (l *CodeList) add(row map[string]string) {
	if l.byCode == nil {
		l.byCode, l.byWording = map[string]int{}, map[string]int{}
	}
	c := Code{
		Code: row["code"], Label: Text{row["zh"], row["en"]},
		ValidFrom: Date(row["valid_from"]), ValidTo: Date(row["valid_to"]), Successor: row["successor"],
	}
	if row["aliases"] != "" {
		c.Aliases = strings.Split(row["aliases"], "|")
	}
	i := len(l.codes)
	l.codes = append(l.codes, c)
	l.byCode[c.Code] = i
	for _, w := range append([]string{c.Label.ZH, c.Label.EN}, c.Aliases...) {
		// The first holder of a wording keeps it: in the industry list a class
		// may repeat the name of its group, and the broader one is the safer.
		if _, taken := l.byWording[fold(w)]; !taken && w != "" {
			l.byWording[fold(w)] = i
		}
	}
}

func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// LookupCodeList returns the list of that name, such as "stage" or
// "gbt4754-2017", or nil.
func LookupCodeList(name string) *CodeList { return loadCodes()[name] }

// CodeLists yields every code list by name.
func CodeLists() iter.Seq[*CodeList] {
	return func(yield func(*CodeList) bool) {
		lists := loadCodes()
		names := make([]string, 0, len(lists))
		for name := range lists {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if !yield(lists[name]) {
				return
			}
		}
	}
}

// Codes returns the values of l in the order of the source.
func (l *CodeList) Codes() []Code { return l.codes }

// Lookup returns the value with that code.
func (l *CodeList) Lookup(code string) (Code, bool) {
	i, ok := l.byCode[code]
	if !ok {
		return Code{}, false
	}
	return l.codes[i], true
}

// Match returns the value that wording means: its code, a label in either
// language, or a known alias.
func (l *CodeList) Match(wording string) (Code, bool) {
	if c, ok := l.Lookup(strings.TrimSpace(wording)); ok {
		return c, true
	}
	i, ok := l.byWording[fold(wording)]
	if !ok {
		return Code{}, false
	}
	return l.codes[i], true
}

// Label returns the label of code in lang, or the code itself where the list
// does not have it.
func (l *CodeList) Label(code, lang string) string {
	if c, ok := l.Lookup(code); ok {
		return c.Label.In(lang)
	}
	return code
}

// codeRows reads an embedded table into maps by column name. The files are part
// of the program, so a broken one is a broken build and a test says so.
func codeRows(name string) []map[string]string {
	return ReadTable(codeFiles(), "codes/"+name+".csv")
}

// ReadTable returns the rows of a CSV file that is embedded in the program, by the names
// in its first row. A broken one is a broken build: it panics, and a test says so.
func ReadTable(fsys fs.FS, name string) []map[string]string {
	f, err := fsys.Open(name)
	if err != nil {
		panic(err)
	}
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		panic(fmt.Errorf("%s: %w", name, err))
	}
	rows := make([]map[string]string, 0, len(all)-1)
	for _, record := range all[1:] {
		row := make(map[string]string, len(record))
		for i, value := range record {
			row[all[0][i]] = value
		}
		rows = append(rows, row)
	}
	return rows
}
