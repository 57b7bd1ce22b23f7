package opendata_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luoshu/catalog"
)

// triples are RDF statements: "subject property object" each, in full.
type triples map[string]bool

func (g triples) has(subject, property, object string) bool {
	return g[subject+" "+property+" "+object]
}

// objects returns what g says of property of subject.
func (g triples) objects(subject, property string) (all []string) {
	for line := range g {
		if o, ok := strings.CutPrefix(line, subject+" "+property+" "); ok {
			all = append(all, o)
		}
	}
	slices.Sort(all)
	return all
}

// turtleToken is a token of the part of Turtle that is written.
var turtleToken = regexp.MustCompile(`^(?:<([^<>"{}|^` + "`" + `\\\x00-\x20]*)>|"((?:[^"\\\n\r]|\\["\\nrt]|\\u[0-9A-F]{4})*)"|@([a-z]+(?:-[a-zA-Z]+)*)|([a-z]*:[A-Za-z-]*)|\^\^|[.;,]|a\b)`)

// readTurtle reads Turtle without blank nodes and collections.
func readTurtle(t *testing.T, base, text string) triples {
	t.Helper()
	type token struct{ kind, text string }
	var tokens []token
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		m := turtleToken.FindStringSubmatch(rest)
		if m == nil {
			t.Fatalf("no Turtle: %.80q", rest)
		}
		switch {
		case rest[0] == '<':
			tokens = append(tokens, token{"iri", m[1]})
		case rest[0] == '"':
			s, err := strconv.Unquote(`"` + m[2] + `"`)
			if err != nil {
				t.Fatalf("%v: %s", err, m[0])
			}
			tokens = append(tokens, token{"text", s})
		case rest[0] == '@':
			tokens = append(tokens, token{"@", m[3]})
		case m[4] != "":
			tokens = append(tokens, token{"term", m[4]})
		default:
			tokens = append(tokens, token{m[0], ""})
		}
		rest = rest[len(m[0]):]
	}
	prefixes, g, i := map[string]string{}, triples{}, 0
	next := func(kinds ...string) token {
		if i >= len(tokens) || !slices.Contains(kinds, tokens[i].kind) {
			t.Fatalf("token %d is not %v: %+v", i, kinds, tokens[min(i, len(tokens)-1)])
		}
		i++
		return tokens[i-1]
	}
	name := func(x token) string {
		if x.kind == "iri" {
			return resolve(t, base, x.text)
		}
		p, local, _ := strings.Cut(x.text, ":")
		if prefixes[p] == "" {
			t.Fatalf("unknown prefix %q", p)
		}
		return "<" + prefixes[p] + local + ">"
	}
	for i < len(tokens) {
		if tokens[i].kind == "@" && tokens[i].text == "prefix" {
			i++
			p := next("term").text
			prefixes[strings.TrimSuffix(p, ":")] = next("iri").text
			next(".")
			continue
		}
		subject := name(next("iri", "term"))
		for {
			property := "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
			if x := next("a", "iri", "term"); x.kind != "a" {
				property = name(x)
			}
			for {
				object := ""
				if x := next("iri", "term", "text"); x.kind != "text" {
					object = name(x)
				} else {
					object = strconv.Quote(x.text)
					if i < len(tokens) && tokens[i].kind == "@" {
						object += "@" + next("@").text
					} else if i < len(tokens) && tokens[i].kind == "^^" {
						i++
						object += "^^" + name(next("iri", "term"))
					}
				}
				line := subject + " " + property + " " + object
				if g[line] {
					t.Errorf("said twice: %s", line)
				}
				g[line] = true
				if tokens[i].kind != "," {
					break
				}
				i++
			}
			if next(";", ".").kind == "." {
				break
			}
		}
	}
	return g
}

// readJSONLD reads flattened JSON-LD with prefixes.
func readJSONLD(t *testing.T, base, text string) triples {
	t.Helper()
	var d struct {
		Context map[string]string            `json:"@context"`
		Graph   []map[string]json.RawMessage `json:"@graph"`
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	expand := func(term string) string {
		p, local, ok := strings.Cut(term, ":")
		if !ok || d.Context[p] == "" {
			t.Fatalf("no term: %q", term)
		}
		return "<" + d.Context[p] + local + ">"
	}
	g := triples{}
	for _, thing := range d.Graph {
		var id string
		var types []string
		if json.Unmarshal(thing["@id"], &id) != nil || json.Unmarshal(thing["@type"], &types) != nil || len(types) == 0 {
			t.Fatalf("a thing without name or class: %s", thing["@id"])
		}
		subject := resolve(t, base, id)
		for _, c := range types {
			g[subject+" <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "+expand(c)] = true
		}
		for property, values := range thing {
			if property[0] == '@' {
				continue
			}
			var list []map[string]string
			if err := json.Unmarshal(values, &list); err != nil {
				t.Fatal(err)
			}
			for _, v := range list {
				object := strconv.Quote(v["@value"])
				switch {
				case v["@id"] != "":
					object = resolve(t, base, v["@id"])
				case v["@language"] != "":
					object += "@" + v["@language"]
				case v["@type"] != "":
					object += "^^" + expand(v["@type"])
				}
				g[subject+" "+expand(property)+" "+object] = true
			}
		}
	}
	return g
}

func resolve(t *testing.T, base, ref string) string {
	t.Helper()
	b, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u, err := b.Parse(ref)
	if err != nil {
		t.Fatalf("no IRI: %v", err)
	}
	return "<" + u.String() + ">"
}

// TestDCAT: JSON-LD and Turtle say the same, and what DCAT-AP 3 asks for.
func TestDCAT(t *testing.T) {
	const (
		dct  = "http://purl.org/dc/terms/"
		dcat = "http://www.w3.org/ns/dcat#"
		a    = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
	)
	hostile := newShelf()
	r := release(t, 1, "", edit{achievements: 2})
	r.Manifest.Title = catalog.Text{ZH: "引号 \" 反斜线 \\ 尾", EN: "quote \" back\\slash \\u0041 <b> & @en ^^ ."}
	r.Manifest.Publisher = catalog.Text{ZH: "发布者"}
	r.Manifest.Desks = []catalog.Desk{{Name: catalog.Text{ZH: "服务台"}, Telephone: "0379-0000 0001"}}
	hostile.publish(t, r)
	for name, tt := range map[string]struct {
		s    *shelf
		base string
	}{
		"demonstration": {demonstration(t), "https://luoshu.example"},
		"hostile":       {hostile, "https://luoshu.example/a|b'&{c}"},
		"no address":    {demo(t), ""},
	} {
		t.Run(name, func(t *testing.T) {
			app := serve(t, tt.s, at(tt.base))
			ttl, ld := get(t, app, "/catalog.ttl"), get(t, app, "/catalog.jsonld")
			if ttl.status != 200 || ld.status != 200 {
				t.Fatalf("%s\n%s", ttl, ld)
			}
			const where = "http://node.example"
			g := readTurtle(t, where+"/catalog.ttl", ttl.body)
			if other := readJSONLD(t, where+"/catalog.jsonld", ld.body); !maps.Equal(g, other) {
				for line := range g {
					if !other[line] {
						t.Errorf("only in Turtle: %s", line)
					}
				}
				for line := range other {
					if !g[line] {
						t.Errorf("only in JSON-LD: %s", line)
					}
				}
			}

			base := tt.base
			if base == "" {
				base = where
			}
			named := func(s string) string {
				return strings.NewReplacer("|", "%7C", "{", "%7B", "}", "%7D").Replace("<" + base + "/catalog.jsonld#" + s + ">")
			}
			required := map[string][]string{
				dcat + "Catalog":      {dct + "title", dct + "description", dct + "publisher", dct + "license", dct + "issued", dct + "modified", dct + "language", dct + "spatial", dcat + "dataset", dcat + "service", dcat + "themeTaxonomy"},
				dcat + "Dataset":      {dct + "title", dct + "description", dct + "publisher", dct + "identifier", dct + "accessRights", dct + "accrualPeriodicity", dct + "language", dct + "spatial", dcat + "contactPoint", dcat + "distribution", dcat + "keyword", dcat + "theme"},
				dcat + "Distribution": {dct + "title", dcat + "accessURL", dct + "format", dct + "license"},
				dcat + "DataService":  {dct + "title", dct + "description", dcat + "endpointURL", dcat + "servesDataset", dct + "license", dct + "accessRights"},
			}
			counts := map[string]int{}
			for line := range g {
				subject, rest, _ := strings.Cut(line, " ")
				property, object, _ := strings.Cut(rest, " ")
				class := strings.Trim(object, "<>")
				if property != a || required[class] == nil {
					continue
				}
				counts[class]++
				for _, p := range required[class] {
					if len(g.objects(subject, "<"+p+">")) == 0 {
						t.Errorf("%s %s has no %s", class, subject, p)
					}
				}
				for _, p := range []string{"title", "description"} {
					texts := g.objects(subject, "<"+dct+p+">")
					if slices.Contains(required[class], dct+p) && (len(texts) != 2 || !strings.HasSuffix(texts[0]+texts[1], "@zh") && !strings.HasSuffix(texts[0], "@zh")) {
						t.Errorf("%s: %s is not in both languages: %q", subject, p, texts)
					}
				}
			}
			if counts[dcat+"Catalog"] != 1 || counts[dcat+"Dataset"] != 12 || counts[dcat+"Distribution"] < 12 || counts[dcat+"DataService"] == 0 {
				t.Errorf("counts %v", counts)
			}
			// What must be a thing is one, and everything of ours that is named is described.
			for line := range g {
				_, rest, _ := strings.Cut(line, " ")
				property, object, _ := strings.Cut(rest, " ")
				switch strings.Trim(property, "<>") {
				case dct + "license", dct + "accessRights", dct + "accrualPeriodicity", dct + "language", dct + "format", dct + "spatial", dct + "publisher",
					dcat + "mediaType", dcat + "theme", dcat + "contactPoint", dcat + "dataset", dcat + "distribution", dcat + "service", dcat + "accessService":
					if len(g.objects(object, a)) == 0 {
						t.Errorf("%s has no class", line)
					}
				}
			}
			achievements := named("achievements")
			if !g.has(named("catalog"), "<"+dcat+"dataset>", achievements) {
				t.Errorf("the catalog lacks %s", achievements)
			}
			if got := g.objects(named("luoyang"), "<http://www.w3.org/2004/02/skos/core#prefLabel>"); fmt.Sprint(got) != `["Luoyang"@en "洛阳市"@zh]` {
				t.Errorf("place %v", got)
			}
			if name == "hostile" {
				if got := g.objects(named("catalog"), "<"+dct+"title>"); fmt.Sprint(got) != fmt.Sprint([]string{strconv.Quote(r.Manifest.Title.ZH) + "@zh", strconv.Quote(r.Manifest.Title.EN) + "@en"}) &&
					fmt.Sprint(got) != fmt.Sprint([]string{strconv.Quote(r.Manifest.Title.EN) + "@en", strconv.Quote(r.Manifest.Title.ZH) + "@zh"}) {
					t.Errorf("title %q", got)
				}
				if !g.has(named("contact"), "<http://www.w3.org/2006/vcard/ns#hasTelephone>", "<tel:+8637900000001>") {
					t.Errorf("telephone %v", g.objects(named("contact"), "<http://www.w3.org/2006/vcard/ns#hasTelephone>"))
				}
			}
		})
	}
}

// TestDataPackage holds the descriptor to the standard and to the records.
func TestDataPackage(t *testing.T) {
	s := demonstration(t)
	for _, base := range []string{"", "https://luoshu.example"} {
		app := serve(t, s, at(base))
		var p struct {
			Schema    string `json:"$schema"`
			Name      string `json:"name"`
			Licenses  []struct{ Name, Path string }
			Resources []struct {
				Name, Path, Type, Format string
				Schema                   struct {
					Fields []struct {
						Name, Type  string
						Constraints struct{ Required bool }
						Categories  []struct{ Value string }
					}
					PrimaryKey []string
				}
				Dialect struct{ Property string }
			}
		}
		res := get(t, app, "/datapackage.json")
		if err := json.Unmarshal([]byte(res.body), &p); err != nil {
			t.Fatal(err)
		}
		if p.Schema != "https://datapackage.org/profiles/2.0/datapackage.json" || p.Name != s.Current().Manifest().Catalog ||
			len(p.Resources) != 12 || len(p.Licenses) != 1 || p.Licenses[0].Name == "" {
			t.Errorf("package %s", res)
		}
		for _, r := range p.Resources {
			if strings.HasPrefix(r.Path, "/") || base != "" && !strings.HasPrefix(r.Path, base+"/") || r.Type != "table" || r.Format == "" {
				t.Errorf("resource %+v", r)
			}
			types := map[string]string{}
			required := map[string]bool{}
			for _, f := range r.Schema.Fields {
				if types[f.Name] != "" {
					t.Errorf("%s: field %s twice", r.Name, f.Name)
				}
				types[f.Name], required[f.Name] = f.Type, f.Constraints.Required
			}
			for e := range s.Current().All(catalog.Dataset(r.Name)) {
				var record map[string]any
				if err := json.Unmarshal(e.Raw, &record); err != nil {
					t.Fatal(err)
				}
				for name, v := range record {
					if !fits(types[name], v) {
						t.Errorf("%s %s: %v is no %q", e.ID, name, v, types[name])
					}
				}
				for name := range required {
					if _, ok := record[name]; !ok && required[name] {
						t.Errorf("%s has no %s", e.ID, name)
					}
				}
			}
		}
	}
}

// fits reports whether v is of a type of Table Schema.
func fits(kind string, v any) bool {
	switch v := v.(type) {
	case string:
		return kind == "string" || kind == "datetime"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int(v))
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return false
}

// TestHarvestSame: what harvesters read has the same bytes on every node, does not
// believe the Host header, is asked for by condition, and takes no parameters.
func TestHarvestSame(t *testing.T) {
	one, two := serve(t, demo(t), at("https://luoshu.example")), serve(t, demo(t), at("https://luoshu.example"))
	tags := map[string]string{}
	for _, path := range []string{
		"/catalog.jsonld", "/catalog.ttl", "/datapackage.json", "/.well-known/api-catalog", "/oai?verb=ListSets",
		"/oai?verb=ListRecords&metadataPrefix=luoshu", "/oai/luoshu.xsd", "/feeds/all.atom", "/feeds/all.atom?lang=en",
		"/feeds/achievements.atom", "/feeds/experts.atom", "/sitemap.xml", "/robots.txt",
	} {
		a, b := get(t, one, path), get(t, two, path, "Host", "evil.example")
		if a.status != 200 || a.String() != b.String() {
			t.Errorf("%s differs:\n%s\n%s", path, a, b)
		}
		tag := a.header.Get("ETag")
		if was := tags[tag]; was != "" || !strings.HasPrefix(tag, `"`) || a.header.Get("Last-Modified") == "" {
			t.Errorf("%s has the ETag %s of %s", path, tag, was)
		}
		tags[tag] = path
		if c := get(t, one, path, "If-None-Match", tag); c.status != 304 || c.body != "" {
			t.Errorf("%s: %s", path, c)
		}
		if c := ask(t, one, "HEAD", path); c.status != 200 || c.body != "" || c.header.Get("ETag") != tag || c.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
			t.Errorf("HEAD %s: %s", path, c)
		}
	}
	for _, path := range []string{"/sitemap-1.xml", "/sitemap-0.xml", "/sitemap-01.xml", "/sitemap-x.xml", "/feeds/nothing.atom", "/feeds/all", "/feeds/all.atom.atom", "/oai/", "/catalog"} {
		if a := get(t, one, path); a.status != 404 {
			t.Errorf("%s: %s", path, a)
		}
	}
	if a := get(t, one, "/feeds/all.atom?lang=fr"); a.status != 400 || !strings.Contains(a.body, "zh or en") {
		t.Errorf("a language that is none: %s", a)
	}
}
