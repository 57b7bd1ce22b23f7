package ingest

import (
	"embed"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
)

// aliases.csv holds the column names seen in real files and what they mean.
//
//go:embed aliases.csv
var aliasFile embed.FS

// sourceKey is the column that names a record in the publisher's own files. It
// is no field: only its digest is published.
const sourceKey = "source_key"

// Use says what is done with a column.
type Use string

// What can be done with a column.
const (
	// Mapped: its values become a field.
	Mapped Use = "mapped"
	// Gate: it decides whether a row may be published, and is not published.
	Gate Use = "gate"
	// Dropped: never public (contacts, telephones, opinions); its values were
	// not even looked at.
	Dropped Use = "dropped"
	// Unused: known, and without a place in the catalog.
	Unused Use = "unused"
	// Unknown: nobody said what it means, so it is not published.
	Unknown Use = "unknown"
)

// Column is what became of one column of a file.
type Column struct {
	File  string `json:"file"`
	Name  string `json:"column"`
	Field string `json:"field,omitzero"`
	Use   Use    `json:"use"`
	// Values counts the rows in which the column was not empty.
	Values int `json:"values"`
}

// target is what a column is turned into.
type target struct {
	use   Use
	name  string // field path, sourceKey, or the gate's name
	field catalog.Field
}

type aliasKey struct {
	dataset catalog.Dataset
	name    string
}

var loadAliases = sync.OnceValue(func() map[aliasKey]target {
	f, err := aliasFile.Open("aliases.csv")
	if err != nil {
		panic(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		panic(err)
	}
	uses := map[string]Use{"public": Mapped, "gate": Gate, "never": Dropped, "unused": Unused}
	aliases := map[aliasKey]target{}
	for _, row := range rows[1:] {
		d := catalog.Dataset(row[0])
		if d == "*" {
			d = ""
		}
		aliases[aliasKey{d, foldHeader(row[2])}] = target{use: uses[row[3]], name: row[1]}
	}
	return aliases
})

// foldHeader reduces a column name to what makes it that name: width, case,
// white space, asterisks and quotes do not.
func foldHeader(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), r == '*', r == '"', r == '\'', r == '“', r == '”', r == '\ufeff':
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(s))
}

// mapping turns column names into targets for one dataset. It is safe for use by
// several goroutines.
type mapping struct {
	dataset  catalog.Dataset
	explicit map[string]target // by folded column name
	known    sync.Map          // column name as written -> target
}

// newMapping prepares the mapping of dataset d. columns is what the operator
// says, from column name to field. It goes before what the program knows, but for
// columns that decide about publication or are never public: no map opens those.
func newMapping(d catalog.Dataset, columns map[string]string) (*mapping, error) {
	m := &mapping{dataset: d, explicit: map[string]target{}}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		name := columns[column]
		t, ok := m.targetOf(name)
		if !ok {
			return nil, fmt.Errorf("column map: %q is not a field of %s; fields are %s: %w",
				name, d, strings.Join(fieldNames(d), ", "), catalog.ErrInvalid)
		}
		if known := m.resolve(column, foldHeader(column)); known.use == Gate || known.use == Dropped {
			return nil, fmt.Errorf("column map: the column %q cannot be mapped: it decides about publication or is never public: %w", column, catalog.ErrInvalid)
		}
		m.explicit[foldHeader(column)] = t
	}
	return m, nil
}

func fieldNames(d catalog.Dataset) []string {
	names := []string{sourceKey}
	for _, f := range catalog.Fields(d) {
		if !f.Assigned() {
			names = append(names, f.Path)
		}
	}
	return names
}

// targetOf understands what an operator would write: a path ("ip[].number"), its
// short form ("keywords", "organizations"), source_key, or "-" for nothing.
func (m *mapping) targetOf(name string) (target, bool) {
	switch name {
	case "", "-":
		return target{use: Unused}, true
	case sourceKey:
		return target{use: Mapped, name: sourceKey}, true
	}
	for _, path := range []string{name, name + "[]", name + "[].name", name + ".name", name + ".number"} {
		if f, ok := catalog.LookupField(m.dataset, path); ok && !f.Assigned() {
			return target{use: Mapped, name: path, field: f}, true
		}
	}
	return target{}, false
}

// column decides what becomes of a column.
func (m *mapping) column(name string) target {
	if t, ok := m.known.Load(name); ok {
		return t.(target)
	}
	key := foldHeader(name)
	t, ok := m.explicit[key]
	if !ok {
		t = m.resolve(name, key)
	}
	m.known.Store(name, t)
	return t
}

func (m *mapping) resolve(name, key string) target {
	for _, d := range []catalog.Dataset{m.dataset, ""} {
		if t, ok := loadAliases()[aliasKey{d, key}]; ok {
			if t.use == Mapped && t.name != sourceKey {
				f, ok := catalog.LookupField(m.dataset, t.name)
				if !ok {
					return target{use: Unused}
				}
				t.field = f
			}
			return t
		}
	}
	// The field's own name or label is always understood.
	if t, ok := m.targetOf(strings.TrimSpace(name)); ok && key != "" {
		return t
	}
	for _, f := range catalog.Fields(m.dataset) {
		if !f.Assigned() && (foldHeader(f.Label.ZH) == key || foldHeader(f.Label.EN) == key) {
			return target{use: Mapped, name: f.Path, field: f}
		}
	}
	// A JSON member that holds an object or list is named by its top.
	for _, f := range catalog.Fields(m.dataset) {
		if !f.Assigned() && f.Top() == name {
			return target{use: Mapped, name: name, field: f}
		}
	}
	return target{use: Unknown}
}
