package opendata

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
)

// graph is a set of RDF statements about named things, in the order in which they are
// written. JSON-LD and Turtle are two ways to write the same one. Nothing in it is
// anonymous, so that two graphs are equal when their statements are.
type graph struct {
	subjects []*subject
	of       map[string]*subject
}

// subject is a thing with what is said of it.
type subject struct {
	iri        string
	classes    []term
	statements []statement
}

// term is the name of a class or property, such as dct:title.
type term string

// statement is one property with one value.
type statement struct {
	property term
	value    value
}

// value is an IRI, or a text with a language or a datatype or neither.
type value struct {
	iri      string
	text     string
	language string
	datatype term
}

// prefixes expand terms.
var prefixes = map[string]string{
	"dcat":  "http://www.w3.org/ns/dcat#",
	"dct":   "http://purl.org/dc/terms/",
	"foaf":  "http://xmlns.com/foaf/0.1/",
	"skos":  "http://www.w3.org/2004/02/skos/core#",
	"vcard": "http://www.w3.org/2006/vcard/ns#",
	"xsd":   "http://www.w3.org/2001/XMLSchema#",
}

// about returns the subject named iri, which is also of the classes given.
func (g *graph) about(address string, classes ...term) *subject {
	name := iri(address)
	s := g.of[name]
	if s == nil {
		if g.of == nil {
			g.of = map[string]*subject{}
		}
		s = &subject{iri: name}
		g.of[name] = s
		g.subjects = append(g.subjects, s)
	}
	for _, c := range classes {
		if !slices.Contains(s.classes, c) {
			s.classes = append(s.classes, c)
		}
	}
	return s
}

func (s *subject) add(property term, v value) {
	if st := (statement{property, v}); !slices.Contains(s.statements, st) {
		s.statements = append(s.statements, st)
	}
}

// link says that s has property, which is the thing named address.
func (s *subject) link(property term, address string) {
	s.add(property, value{iri: iri(address)})
}

// literal says that s has property with that text; an empty one says nothing.
func (s *subject) literal(property term, text string, datatype term) {
	if text != "" {
		s.add(property, value{text: text, datatype: datatype})
	}
}

// text is literal in both languages.
func (s *subject) text(property term, t catalog.Text) {
	if t.ZH != "" {
		s.add(property, value{text: t.ZH, language: "zh"})
	}
	if t.EN != "" {
		s.add(property, value{text: t.EN, language: "en"})
	}
}

// iri returns address with whatever no IRI may hold written as percent signs and
// digits.
func iri(address string) string {
	if !strings.ContainsFunc(address, notInIRI) {
		return address
	}
	var b strings.Builder
	for _, c := range []byte(address) {
		if c < 0x80 && notInIRI(rune(c)) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func notInIRI(c rune) bool {
	return c <= ' ' || c == 0x7F || strings.ContainsRune("<>\"{}|^`\\", c)
}

// jsonLD returns g as JSON-LD.
func (g *graph) jsonLD() ([]byte, error) {
	things := make([]map[string]any, 0, len(g.subjects))
	for _, s := range g.subjects {
		thing := map[string]any{"@id": s.iri, "@type": s.classes}
		for _, st := range s.statements {
			v := map[string]string{}
			switch {
			case st.value.iri != "":
				v["@id"] = st.value.iri
			case st.value.language != "":
				v["@language"], v["@value"] = st.value.language, st.value.text
			case st.value.datatype != "":
				v["@type"], v["@value"] = string(st.value.datatype), st.value.text
			default:
				v["@value"] = st.value.text
			}
			list, _ := thing[string(st.property)].([]map[string]string)
			thing[string(st.property)] = append(list, v)
		}
		things = append(things, thing)
	}
	return catalog.Canonical(map[string]any{"@context": prefixes, "@graph": things})
}

// turtle returns g as Turtle.
func (g *graph) turtle() []byte {
	var b []byte
	for _, p := range slices.Sorted(maps.Keys(prefixes)) {
		b = append(b, "@prefix "+p+": <"+prefixes[p]+"> .\n"...)
	}
	for _, s := range g.subjects {
		b = append(b, "\n<"+s.iri+">\n    a "...)
		for i, c := range s.classes {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(b, c...)
		}
		for _, st := range s.statements {
			b = append(append(append(b, " ;\n    "...), st.property...), ' ')
			b = appendTurtle(b, st.value)
		}
		b = append(b, " .\n"...)
	}
	return b
}

func appendTurtle(b []byte, v value) []byte {
	if v.iri != "" {
		return append(append(append(b, '<'), v.iri...), '>')
	}
	b = append(b, '"')
	for _, c := range v.text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ' || c == 0x7F:
			b = append(b, fmt.Sprintf(`\u%04X`, c)...)
		default:
			b = append(b, string(c)...)
		}
	}
	b = append(b, '"')
	switch {
	case v.language != "":
		b = append(append(b, '@'), v.language...)
	case v.datatype != "":
		b = append(append(b, "^^"...), v.datatype...)
	}
	return b
}

func integer(n int64) string { return strconv.FormatInt(n, 10) }
