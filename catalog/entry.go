package catalog

import (
	"bytes"
	"fmt"
)

// Entry is a published record as it stands in a release: its canonical bytes and
// the few members that are needed without decoding it. Nobody changes Raw.
type Entry struct {
	ID        ID
	Dataset   Dataset
	Publisher string
	Source    string
	Raw       []byte
}

// scanEntry finds the members of an Entry in a line of canonical JSON. It walks
// the top level only and never looks inside strings or nested values, which is
// many times faster than decoding; the hash has already proved who wrote the
// line. The error wraps ErrDamaged.
func scanEntry(line []byte) (Entry, error) {
	e := Entry{Raw: line}
	damaged := func() (Entry, error) {
		return Entry{}, fmt.Errorf("line is not a record: %w", ErrDamaged)
	}
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return damaged()
	}
	// Canonical JSON has no white space: {"name":value,"name":value}.
	for i := 1; i < len(line)-1; {
		name, next, ok := scanString(line, i)
		if !ok || next >= len(line) || line[next] != ':' {
			return damaged()
		}
		start := next + 1
		end, ok := skipValue(line, start)
		if !ok || end >= len(line) {
			return damaged()
		}
		switch string(name) {
		case "id":
			e.ID = ID(unquoted(line[start:end]))
		case "dataset":
			e.Dataset = Dataset(unquoted(line[start:end]))
		case "publisher":
			e.Publisher = unquoted(line[start:end])
		case "source":
			e.Source = unquoted(line[start:end])
		}
		if line[end] != ',' && end != len(line)-1 {
			return damaged()
		}
		i = end + 1
	}
	i := e.Dataset.index()
	if i < 0 || e.ID == "" || e.ID.Dataset() != e.Dataset {
		return damaged()
	}
	e.Dataset = datasets[i].Name // share one string among all entries
	return e, nil
}

// unquoted returns the text of a quoted value that needs no unescaping, as
// identifiers, dataset and publisher names are; anything else is "".
func unquoted(v []byte) string {
	if len(v) < 2 || v[0] != '"' || bytes.IndexByte(v, '\\') >= 0 {
		return ""
	}
	return string(v[1 : len(v)-1])
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
