package catalog

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Entry is a published record as it stands in a release: its canonical bytes,
// and what is needed of them without decoding. Nobody changes Raw.
type Entry struct {
	ID      ID
	Dataset Dataset
	Raw     []byte
}

// Publisher returns the slug of whoever published the record.
func (e Entry) Publisher() string { return unquoted(member(e.Raw, "publisher")) }

// Source returns the digest of where the record came from.
func (e Entry) Source() string { return unquoted(member(e.Raw, "source")) }

// Title returns the record's title in both languages.
func (e Entry) Title() Text {
	return Text{unescaped(member(e.Raw, "title")), unescaped(member(e.Raw, "title_en"))}
}

// UpdatedAt returns when the record last changed, the zero time where it does not say.
func (e Entry) UpdatedAt() time.Time {
	t, _ := time.Parse(time.RFC3339, unquoted(member(e.Raw, "updated_at"))) // zero when it fails
	return t
}

// scanEntry makes an Entry of a line of canonical JSON. The error wraps
// ErrDamaged.
func scanEntry(line []byte) (Entry, error) {
	if len(line) < 2 || line[len(line)-1] != '}' {
		return Entry{}, fmt.Errorf("line is not a record: %w", ErrDamaged)
	}
	d, id := Dataset(unquoted(member(line, "dataset"))), ID(unquoted(member(line, "id")))
	i := d.index()
	if i < 0 || id == "" || id.Dataset() != d {
		return Entry{}, fmt.Errorf("line is not a record: %w", ErrDamaged)
	}
	return Entry{ID: id, Dataset: datasets[i].Name, Raw: line}, nil
}

// member returns the value of a top-level member of canonical JSON, or nil. It
// never looks inside strings or nested values and stops where the name would
// have stood, since members are ordered: many times faster than decoding. It is
// for lines whose hash has proved who wrote them.
func member(line []byte, name string) []byte {
	if len(line) == 0 || line[0] != '{' {
		return nil
	}
	for i := 1; i < len(line)-1; {
		found, next, ok := scanString(line, i)
		if !ok || next >= len(line) || line[next] != ':' {
			return nil
		}
		end, ok := skipValue(line, next+1)
		if !ok {
			return nil
		}
		if string(found) >= name {
			if string(found) == name {
				return line[next+1 : end]
			}
			return nil
		}
		i = end + 1
	}
	return nil
}

// unquoted returns the text of a quoted value that needs no unescaping, as
// identifiers, dataset and publisher names are; anything else is "".
func unquoted(v []byte) string {
	if len(v) < 2 || v[0] != '"' || bytes.IndexByte(v, '\\') >= 0 {
		return ""
	}
	return string(v[1 : len(v)-1])
}

// unescaped returns the text of a quoted value, "" for anything else.
func unescaped(v []byte) string {
	if b, err := jsontext.AppendUnquote(nil, v); err == nil {
		return string(b)
	}
	return ""
}

// scanString returns the text between the quotes of the string that begins at i,
// still escaped, and the index after its closing quote.
func scanString(b []byte, i int) (text []byte, next int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return nil, 0, false
	}
	for j := i + 1; j < len(b); {
		k := bytes.IndexByte(b[j:], '"')
		if k < 0 {
			return nil, 0, false
		}
		j += k
		backslashes := 0
		for b[j-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return b[i+1 : j], j + 1, true
		}
		j++
	}
	return nil, 0, false
}

// skipValue returns the index after the JSON value that begins at i.
func skipValue(b []byte, i int) (next int, ok bool) {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if _, i, ok = scanString(b, i); !ok {
				return 0, false
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			// The end of the record itself ends a number or literal before it.
			if depth == 0 {
				return i, true
			}
			depth--
			i++
		case ',':
			if depth == 0 {
				return i, true
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			return i, true
		}
	}
	return 0, false
}
