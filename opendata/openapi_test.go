package opendata_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"luoshu/catalog"
	demonstrated "luoshu/catalog/demo"
	"luoshu/catalog/snapshot"
	"luoshu/opendata"
)

// committed is where people read the contract without a server.
const committed = "../docs/openapi.json"

// forPeople are the routes of the contract itself and of the pages about it, which are
// no operations.
var forPeople = []string{"/openapi.json", "/docs", "/docs/", "/developers", "/developers/problems", "/quality", "/quality/registration", "/quality/service"}

// asPublished returns a shelf with the demonstration, signed, and with the very objects of it.
func asPublished(t testing.TB) *shelf {
	t.Helper()
	p, err := demonstrated.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.New(t.Context(), p.Release)
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf()
	s.kept = []*snapshot.Snapshot{snap}
	s.manifests[p.Release.Hash] = p.Manifest
	for _, o := range p.Objects {
		s.objects[o.Ref.Hash] = o.Bytes
	}
	s.signed[p.Release.Hash] = []byte("untrusted comment: signature\nRUTexample\n")
	s.current.Store(snap)
	return s
}

// serveWhole returns an app with a public address, exports and a sitemap in parts: every
// operation has something to answer.
func serveWhole(t *testing.T, s *shelf, change ...func(*opendata.Config)) *fiber.App {
	t.Helper()
	opendata.SetMaxSitemap(t, 100)
	x := opendata.NewExporter(opendata.ExporterConfig{Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	x.Swap(s.Current())
	app := serve(t, s, append(change, at(oaiBase), func(c *opendata.Config) { c.Exporter = x })...)
	for begun := time.Now(); get(t, app, "/api/v1/exports").status != http.StatusOK; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatal("no exports after a minute")
		}
	}
	return app
}

// address returns a request that operation op answers with 200 from s, query included.
func address(t testing.TB, s *shelf, op opendata.Concrete) string {
	t.Helper()
	m := s.Current().Manifest()
	values := map[string]string{
		"seq": strconv.FormatInt(m.Sequence, 10), "list": "stage", "sha256": string(s.Current().Hash()),
		"dataset": string(catalog.Achievements), "feed": "all", "part": "1",
	}
	if strings.Contains(op.Path, "/objects/") {
		values["sha256"] = string(m.Objects[0].Hash)
	}
	if op.Dataset != "" {
		values["id"] = string(s.Current().List(snapshot.Slice{Dataset: op.Dataset, Limit: 1}).Entries[0].ID)
	}
	query := url.Values{}
	path := op.Path
	for _, p := range op.Parameters {
		switch v, ok := values[p.Name]; {
		case p.In == "path" && strings.Contains(path, "{"+p.Name+"}"):
			if !ok {
				t.Fatalf("%s: no example of the path parameter %s in this test", op.Path, p.Name)
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", v)
		case p.Name == "since":
			query.Set("since", values["seq"])
		case p.Name == "verb":
			query.Set("verb", "Identify")
		case p.Name == "limit":
			query.Set("limit", "1")
		case p.Name == "q" && (p.Required || op.Dataset == ""):
			query.Set("q", "轴承")
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// shorten leaves two items of every list.
func shorten(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = shorten(v[k])
		}
	case []any:
		v = v[:min(2, len(v))]
		for i := range v {
			v[i] = shorten(v[i])
		}
		return v
	}
	return v
}

// still takes out of an answer what is of its moment.
func still(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = still(v[k])
		}
	case []any:
		for i := range v {
			v[i] = still(v[i])
		}
	case json.Number:
		return json.Number("0")
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return "2026-01-01T00:00:00Z"
		}
	}
	return v
}

// TestOpenAPI holds the contract in the repository to the one the program serves, and
// its examples to what the demonstration answers.
func TestOpenAPI(t *testing.T) {
	s := asPublished(t)
	app := serveWhole(t, s)
	names := map[string]bool{}
	for _, op := range opendata.ConcreteOperations() {
		if op.Produces != "application/json" {
			continue
		}
		path := address(t, s, op)
		a := get(t, app, path)
		if a.status != 200 {
			t.Errorf("GET %s = %d", path, a.status)
			continue
		}
		var v any
		d := json.NewDecoder(strings.NewReader(a.body))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if a.header.Get("Cache-Control") == "no-store" {
			v.(map[string]any)["data"] = still(v.(map[string]any)["data"])
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(shorten(v)); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join("examples", op.ID+".json")
		names[name] = true
		same(t, name, b.Bytes())
	}
	present, err := filepath.Glob("examples/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range present {
		if names[name] {
			continue
		}
		if *update {
			_ = os.Remove(name)
		} else {
			t.Errorf("%s is of no operation (run with -update)", name)
		}
	}

	served := get(t, app, "/openapi.json")
	if served.status != 200 || served.header.Get("Content-Type") != "application/json" || served.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("GET /openapi.json = %d %v", served.status, served.header)
	}
	if *update {
		same(t, committed, opendata.Describe(os.DirFS(".")))
		return // the program still holds the examples it was built with
	}
	same(t, committed, []byte(served.body))
}

// same compares got with a generated file.
func same(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the program makes (make docs): %v", name, err)
	}
}

// TestContract asks every operation for what it has and for what it has not. That the
// answers are as the contract says is seen where any test asks for anything.
func TestContract(t *testing.T) {
	s := asPublished(t)
	app := serveWhole(t, s)
	for _, op := range opendata.ConcreteOperations() {
		first := address(t, s, op)
		path, _, _ := strings.Cut(first, "?")
		asked := []string{first, path + "?no-such-parameter=1"}
		for _, p := range op.Parameters {
			if p.In == "path" {
				asked = append(asked, path+"0", strings.TrimRight(path, "0123456789")+"999999")
			}
		}
		if op.Dataset != "" && strings.HasSuffix(op.Path, string(op.Dataset)) {
			for next := path + "?limit=100"; next != ""; {
				var l list
				a := get(t, app, next)
				a.decode(t, &l)
				next = ""
				if l.Links.Next != nil {
					next = strings.TrimPrefix(*l.Links.Next, oaiBase)
				}
			}
			for _, f := range snapshot.SearchFields(op.Dataset) {
				asked = append(asked, path+"?limit=1&facets="+f.Name, path+"?limit=2&q="+url.QueryEscape("技术")+"&fields="+f.Name)
			}
			asked = append(asked, path+"?q=zzzz&valid_until.gte=2030", path+"?cursor=x", path+"?limit=0", path+"?limit=101&sort=x")
		}
		if strings.HasSuffix(op.Path, "/{id}") || strings.Contains(op.Path, "/{id}/") {
			for _, e := range s.Current().List(snapshot.Slice{Dataset: op.Dataset, Limit: 12}).Entries {
				asked = append(asked, strings.Replace(op.Path, "{id}", string(e.ID), 1))
			}
		}
		for _, address := range asked {
			a := get(t, app, address)
			if a.status == 200 {
				get(t, app, address, fiber.HeaderIfNoneMatch, a.header.Get(fiber.HeaderETag))
			}
		}
		if a := get(t, app, first); a.status != 200 {
			t.Errorf("GET %s = %d", first, a.status)
		}
		for wanted, status := range map[string]int{"bytes=0-9": http.StatusPartialContent, "bytes=999999999-": http.StatusRequestedRangeNotSatisfiable} {
			a := get(t, app, first, fiber.HeaderRange, wanted)
			if strings.Contains(op.Path, "/exports/") && a.status != status {
				t.Errorf("GET %s, %s = %d", first, wanted, a.status)
			}
		}
	}

	// A catalog without a public address, on a node without exports.
	missing := map[int]int{}
	plain := serve(t, s)
	for _, op := range opendata.ConcreteOperations() {
		address := address(t, s, op)
		a := get(t, plain, address)
		missing[a.status]++
	}
	if missing[http.StatusNotFound] != 4+2*12 || // two drawings of the code in every dataset
		missing[http.StatusServiceUnavailable] != 7 {
		t.Errorf("without an address and without exports: %v", missing)
	}

	// A catalog from which records were withdrawn, and one that is not there.
	withdrawn := demo(t)
	for _, path := range []string{"", "/relations", "/matches"} {
		for _, key := range []string{"1", "2"} {
			address := "/api/v1/achievements/" + string(named(catalog.Achievements, key)) + path
			a := get(t, serve(t, withdrawn), address)
			if a.status != http.StatusGone {
				t.Errorf("GET %s = %d", address, a.status)
			}
		}
	}
	none := serve(t, newShelf())
	for _, op := range opendata.ConcreteOperations() {
		address := address(t, s, op)
		a := get(t, none, address)
		if a.status != http.StatusServiceUnavailable {
			t.Errorf("GET %s without a release = %d", address, a.status)
		}
	}
}

// TestContractItself holds the document to the schema of OpenAPI 3.1, and the
// examples in it to its own schemas.
func TestContractItself(t *testing.T) {
	file, err := os.Open("testdata/openapi-3.1-schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	meta, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi-3.1.json", meta); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("openapi-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	c := theContract(t)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(opendata.OpenAPI()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("the document is no OpenAPI 3.1: %v", err)
	}

	ids := map[string]string{}
	for path, item := range c.document["paths"].(map[string]any) {
		get := item.(map[string]any)["get"].(map[string]any)
		id := get["operationId"].(string)
		if was, ok := ids[id]; ok {
			t.Errorf("%s and %s are both %s", was, path, id)
		}
		ids[id] = path
		for kind, m := range get["responses"].(map[string]any)["200"].(map[string]any)["content"].(map[string]any) {
			if kind != "application/json" {
				continue
			}
			example, err := json.Marshal(m.(map[string]any)["example"])
			if err != nil {
				t.Fatal(err)
			}
			c.valid(t, "#/paths/"+pointer.Replace(path)+"/get/responses/200/content/application~1json/schema", "the example of "+id, strings.NewReader(string(example)))
		}
	}
	for name, r := range c.document["components"].(map[string]any)["responses"].(map[string]any) {
		for kind, m := range r.(map[string]any)["content"].(map[string]any) {
			shown, _ := m.(map[string]any)["examples"].(map[string]any)
			for slug, e := range shown {
				example, err := json.Marshal(e.(map[string]any)["value"])
				if err != nil {
					t.Fatal(err)
				}
				c.valid(t, "#/components/responses/"+name+"/content/"+pointer.Replace(kind)+"/schema", "the example of "+slug, strings.NewReader(string(example)))
			}
		}
	}
}

// TestContractHasEveryRoute compares the routes with the paths of the contract, both
// ways. What is for people is not of the contract.
func TestContractHasEveryRoute(t *testing.T) {
	parameter := regexp.MustCompile(`:[a-z0-9]+`)
	braces := regexp.MustCompile(`\{[a-z0-9]+\}`)
	paths := theContract(t).document["paths"].(map[string]any)
	matched := map[string]bool{}
	for _, r := range serve(t, asPublished(t)).GetRoutes(true) {
		if r.Method != fiber.MethodGet || slices.Contains(forPeople, r.Path) {
			continue
		}
		route := regexp.MustCompile("^" + parameter.ReplaceAllString(strings.ReplaceAll(r.Path, ".", `\.`), `[^/]+`) + "$")
		found := false
		for path := range paths {
			if route.MatchString(braces.ReplaceAllString(path, "x")) {
				found, matched[path] = true, true
			}
		}
		if !found {
			t.Errorf("the contract has nothing for the route %s", r.Path)
		}
	}
	for path := range paths {
		if !matched[path] {
			t.Errorf("there is no route for %s of the contract", path)
		}
	}
}
