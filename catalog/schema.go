package catalog

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

//go:embed schema.csv
var schemaFile embed.FS

// Field describes one field of a dataset's records.
type Field struct {
	// Path is the field's place in the JSON: "title", "registration.number",
	// "ip[].number", "keywords[]".
	Path string
	// Type is line (one line of text), text, int, number, bool, date, time, url,
	// phone, uscc, money, coded, raw, id, slug, digest, dataset, code (a value
	// of List) or ref (an identifier of a record of Target).
	Type   string
	List   string
	Target Dataset
	// Max is the greatest length in characters, or digits for numbers.
	Max   int
	Label Text
	// steps leads from a record to the field's values.
	steps []step
}

// Many reports whether the field can hold several values.
func (f Field) Many() bool { return strings.Contains(f.Path, "[]") }

// Assigned reports whether publishing sets the field, so that a source cannot.
func (f Field) Assigned() bool {
	switch f.Path {
	case "id", "dataset", "publisher", "source", "published_at", "updated_at", "version", "sample", "raw", "printed_fields[]", "printed_digests[]":
		return true
	}
	return strings.HasSuffix(f.Path, ".normalized") || strings.HasSuffix(f.Path, ".check") || f.Top() == "printing"
}

// Top returns the name of the top-level member the field lies in.
func (f Field) Top() string {
	top, _, _ := strings.Cut(f.Path, ".")
	return strings.TrimSuffix(top, "[]")
}

var loadSchema = sync.OnceValue(func() map[Dataset][]Field {
	var shared []Field
	own := map[Dataset][]Field{}
	for _, row := range ReadTable(schemaFile, "schema.csv") {
		f := Field{Path: row["field"], Type: row["type"], Label: Text{row["label_zh"], row["label_en"]}}
		f.Max, _ = strconv.Atoi(row["max"])
		if kind, arg, ok := strings.Cut(f.Type, ":"); ok {
			f.Type = kind
			if kind == "code" {
				f.List = arg
			} else if arg != "*" {
				f.Target = Dataset(arg)
			}
		}
		if row["dataset"] == "*" {
			shared = append(shared, f)
		} else {
			own[Dataset(row["dataset"])] = append(own[Dataset(row["dataset"])], f)
		}
	}
	schema := map[Dataset][]Field{}
	for _, d := range datasets {
		fields := append(append([]Field{}, shared...), own[d.Name]...)
		for i := range fields {
			fields[i].steps = stepsTo(reflect.TypeOf(d.new()).Elem(), fields[i].Path)
		}
		schema[d.Name] = fields
	}
	return schema
})

// Fields returns the fields of d's records: the shared ones first, then its own,
// in the order a person would read them.
func Fields(d Dataset) []Field { return loadSchema()[d] }

// LookupField returns the field of d at path.
func LookupField(d Dataset, path string) (Field, bool) {
	for _, f := range Fields(d) {
		if f.Path == path {
			return f, true
		}
	}
	return Field{}, false
}

// Vocabulary is the digest of the schema and of every code list: what a program that
// has another one would read differently.
var Vocabulary = sync.OnceValue(func() Hash {
	h := sha256.New()
	for _, files := range []fs.FS{schemaFile, codeFiles()} {
		_ = fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := fs.ReadFile(files, path)
			_, _ = fmt.Fprintf(h, "%s %d\n", path, len(b))
			h.Write(b)
			return err
		})
	}
	return Hash(hex.EncodeToString(h.Sum(nil)))
})
