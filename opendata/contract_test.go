package opendata_test

import (
	"bytes"
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"luoshu/opendata"
)

// contract validates answers against the document.
type contract struct {
	document map[string]any
	paths    []pathPattern

	compiling sync.Mutex
	compiler  *jsonschema.Compiler
}

// pathPattern matches the addresses of a path of the contract.
type pathPattern struct {
	path    string
	pattern *regexp.Regexp
}

// readContract reads the contract and makes it strict: a client must accept members it
// does not know, but the program must describe every member it sends.
var readContract = sync.OnceValues(func() (*contract, error) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(opendata.OpenAPI()))
	if err != nil {
		return nil, err
	}
	closeObjects(v)
	c := &contract{document: v.(map[string]any), compiler: jsonschema.NewCompiler()}
	c.compiler.AssertFormat()
	braces := regexp.MustCompile(`\\\{[a-z0-9]+\\\}`)
	for path := range c.document["paths"].(map[string]any) {
		pattern := "^" + braces.ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + "$"
		c.paths = append(c.paths, pathPattern{path, regexp.MustCompile(pattern)})
	}
	// A path without parameters is told from one with them.
	slices.SortFunc(c.paths, func(x, y pathPattern) int {
		return cmp.Or(cmp.Compare(strings.Count(x.path, "{"), strings.Count(y.path, "{")), strings.Compare(x.path, y.path))
	})
	return c, c.compiler.AddResource("contract.json", v)
})

func theContract(t testing.TB) *contract {
	t.Helper()
	c, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// path returns the path of the contract that an address is of, or nothing.
func (c *contract) path(address string) string {
	address, _, _ = strings.Cut(address, "?")
	for _, p := range c.paths {
		if p.pattern.MatchString(address) {
			return p.path
		}
	}
	return ""
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"]; ok && v["type"] == "object" && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, m := range v {
			closeObjects(m)
		}
	case []any:
		for _, m := range v {
			closeObjects(m)
		}
	}
}

// follow returns what v refers to, and where it stands.
func (c *contract) follow(v any, at string) (map[string]any, string) {
	o := v.(map[string]any)
	ref, ok := o["$ref"].(string)
	if !ok {
		return o, at
	}
	var to any = c.document
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		to = to.(map[string]any)[step]
	}
	return to.(map[string]any), ref
}

var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// check holds answer a of a GET or HEAD to what is described. What is at an address that
// the contract does not have is of no concern.
func (c *contract) check(t testing.TB, method, address string, a answer) {
	t.Helper()
	path := c.path(address)
	if path == "" {
		return
	}
	status := strconv.Itoa(a.status)
	response, at := c.response(path, status)
	if response == nil {
		t.Errorf("%s answers %s, which the contract does not tell of %s", address, status, path)
		return
	}
	fields, _ := response["headers"].(map[string]any)
	for name, h := range fields {
		value := a.header.Get(name)
		if value == "" && mayLack(name, a.status) {
			continue
		}
		h, _ := c.follow(h, "")
		_, err := strconv.Atoi(value)
		if value == "" || h["schema"].(map[string]any)["type"] == "integer" && err != nil {
			t.Errorf("%s: header %s is %q", address, name, value)
		}
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content, ok := response["content"].(map[string]any)
	if !ok {
		if a.body != "" {
			t.Errorf("%s answers %s with a body", address, status)
		}
		return
	}
	if method == http.MethodHead {
		return
	}
	media, ok := content[kind].(map[string]any)
	if !ok {
		t.Errorf("%s answers %s as %q, which the contract does not tell", address, status, kind)
		return
	}
	if _, ok := media["schema"]; !ok || !strings.HasSuffix(kind, "json") || a.header.Get("Content-Encoding") != "" || a.status == http.StatusPartialContent {
		return
	}
	c.valid(t, at+"/content/"+pointer.Replace(kind)+"/schema", address, strings.NewReader(a.body))
}

// response returns what is described of answers of that status at a path of the contract,
// nil where nothing is, and where it stands.
func (c *contract) response(path, status string) (map[string]any, string) {
	operation := c.document["paths"].(map[string]any)[path].(map[string]any)["get"].(map[string]any)
	r, ok := operation["responses"].(map[string]any)[status]
	if !ok {
		return nil, ""
	}
	return c.follow(r, "#/paths/"+pointer.Replace(path)+"/get/responses/"+status)
}

// mayLack reports whether an answer may come without a header that the contract tells of.
func mayLack(name string, status int) bool {
	switch {
	case name == "Content-Encoding":
		return true // what is short stays as it is
	case strings.HasPrefix(name, "RateLimit"):
		return true // to a client that is held to no limits
	case name == "Retry-After":
		return status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests
	}
	return false
}

// valid holds JSON to the schema at a place of the contract.
func (c *contract) valid(t testing.TB, at, what string, body *strings.Reader) {
	t.Helper()
	c.compiling.Lock()
	schema, err := c.compiler.Compile("contract.json" + strings.ReplaceAll(at, "{", "%7B"))
	c.compiling.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(body)
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		t.Errorf("%s is not as described: %v", what, err)
	}
}
