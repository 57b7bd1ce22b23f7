package kiosk

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
	"luoshu/static"
)

// fasthttp keeps one goroutine for the Date header as long as the program runs.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const publisher = "test"

// fixture is a release with every dataset in it.
type fixture struct {
	snap *snapshot.Snapshot
	// full names, by dataset, a record with every field filled; id names others.
	full map[catalog.Dataset]catalog.ID
	id   map[string]catalog.ID
	// raw holds the JSON a full record was made of.
	raw map[catalog.Dataset]map[string]any
}

// testRelease is built once: it never changes.
var testRelease = sync.OnceValue(func() *fixture {
	f := &fixture{full: map[catalog.Dataset]catalog.ID{}, id: map[string]catalog.ID{}, raw: map[catalog.Dataset]map[string]any{}}
	now := time.Date(2026, 11, 19, 23, 30, 0, 0, time.UTC)
	first := f.draft(nil, now)
	base, err := first.Build(context.Background(), catalog.BuildOptions{AsOf: "2026-11-20"})
	must(err)
	d := catalog.NewDraft(base.Release, now.Add(time.Hour))
	must(d.Withdraw(f.id["gone"], "单位要求撤回", ""))
	must(d.Withdraw(f.id["merged"], "与另一条重复，已合并", f.id["short"]))
	next, err := d.Build(context.Background(), catalog.BuildOptions{AsOf: "2026-11-20"})
	must(err)
	f.snap = snapshotOf(next.Release)
	return f
})

func snapshotOf(r *catalog.Release) *snapshot.Snapshot {
	s, err := snapshot.New(context.Background(), r)
	must(err)
	return s
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (f *fixture) draft(base *catalog.Release, now time.Time) *catalog.Draft {
	d := catalog.NewDraft(base, now)
	put := func(name string, r catalog.Record) {
		h := r.Head()
		id, source, err := d.Identify(h.Dataset, publisher, name)
		must(err)
		h.ID, h.Source, h.Publisher = id, source, publisher
		e, change, err := d.Encode(r)
		must(err)
		must(d.Put(e, change))
		f.id[name] = id
	}
	head := func(ds catalog.Dataset, title string) catalog.Header {
		return catalog.Header{Dataset: ds, Title: title}
	}

	market := &catalog.Organization{Header: head(catalog.Organizations, "涧西分市场"), Kinds: []string{"market"}}
	put("market", market)
	university := &catalog.Organization{Header: head(catalog.Organizations, "河图工业大学"), Kinds: []string{"university"}}
	university.TitleEN = "Hetu University"
	put("university", university)
	short := &catalog.Achievement{Header: head(catalog.Achievements, "短记录")}
	short.Organizations = []catalog.Party{{ID: f.id["university"], Name: "河图工业大学"}, {Name: "别处的单位"}}
	short.Abstract = "只有中文的简介。"
	short.IP = []catalog.IP{{Kind: "invention", Number: "ZL201510123456.7", Normalized: "CN201510123456.7", Check: "bad"}}
	put("short", short)
	for _, name := range []string{"gone", "merged"} {
		put(name, &catalog.Achievement{Header: head(catalog.Achievements, "撤回的"+name)})
	}
	for i := range 20 {
		a := &catalog.Achievement{Header: head(catalog.Achievements, fmt.Sprintf("成果 %d <b>&amp;</b>", i)), TRL: i%9 + 1, TRLScale: "gbt22900-2022"}
		a.Abstract = strings.Repeat("简介。", 30)
		a.Organizations = []catalog.Party{{Name: "某单位"}}
		put(fmt.Sprintf("a%d", i), a)
	}
	listing := &catalog.Package{Header: head(catalog.Packages, "印过的成果包")}
	listing.Items = []catalog.Ref{f.id["short"], f.id["gone"], f.id["merged"], catalog.MintID(catalog.Demands, "nobody", 0)}
	put("listing", listing)
	for info := range catalog.Datasets() {
		r := f.fullRecord(info.Name)
		name := "full-" + string(info.Name)
		put(name, r)
		f.full[info.Name] = f.id[name]
	}
	must(d.Describe(catalog.Profile{
		Catalog: "test", Title: catalog.Text{ZH: "测试目录", EN: "Test catalog"}, Publisher: catalog.Text{ZH: "测试机构"},
		License: catalog.License{Name: catalog.Text{ZH: "署名", EN: "Attribution"}, URL: "https://license.example/by"},
		Desks: []catalog.Desk{
			{Name: catalog.Text{ZH: "总服务台", EN: "Main desk"}, Telephone: "0379-0000 0001", Address: catalog.Text{ZH: "示例大道 1 号"}},
			{Market: f.id["market"], Name: catalog.Text{ZH: "涧西服务台"}, Telephone: "0379-0000 0005", Hours: catalog.Text{ZH: "周一至周五"}},
		},
		Schemes: []catalog.Scheme{{ID: "city", Title: catalog.Text{ZH: "城市专题"}, Codes: []catalog.SchemeCode{{Code: "c1", Text: catalog.Text{ZH: "专题一"}}}}},
	}))
	return d
}

// fullRecord returns a record of d with a value in every field a source can fill,
// each recognizable by its field.
func (f *fixture) fullRecord(d catalog.Dataset) catalog.Record {
	m := map[string]any{}
	for i, field := range catalog.Fields(d) {
		switch field.Path {
		case "id", "dataset", "publisher", "source", "published_at", "updated_at", "version":
			continue
		case "sample":
			m["sample"] = true
			continue
		case "raw":
			m["raw"] = map[string]string{"title": "原来的写法"}
			continue
		}
		put(m, strings.Split(field.Path, "."), f.sampleValue(field, i))
	}
	if rs, ok := m["relations"].([]any); ok {
		m["relations"] = append(rs, map[string]any{"type": "related", "scheme": "record", "value": string(f.id["short"]), "normalized": string(f.id["short"]), "check": "ok"})
	}
	f.raw[d] = m
	b, err := json.Marshal(m)
	must(err)
	r, err := catalog.Decode(d, b)
	must(err)
	r.Head().Dataset = d
	if problems := catalog.Validate(r); len(problems) > 0 {
		panic(fmt.Sprint(d, problems))
	}
	return r
}

func (f *fixture) sampleValue(field catalog.Field, i int) any {
	if field.Path == "relations[].scheme" {
		return "doi"
	}
	switch field.Type {
	case "code":
		return catalog.LookupCodeList(field.List).Codes()[0].Code
	case "coded":
		if field.Path == "schemes[]" {
			return map[string]any{"scheme": "city", "code": "c1"}
		}
		if field.Path == "disciplines[]" {
			return map[string]any{"scheme": "gbt13745-2009", "code": "110"}
		}
		return map[string]any{"scheme": "gbt4754-2017", "code": "3451"}
	case "int":
		if field.Path == "trl" {
			return 7
		}
		return 7000 + i
	case "number":
		return 7000.5 + float64(i)
	case "bool":
		return true
	case "money":
		return map[string]any{"min": 300000, "max": 300000, "currency": "CNY", "basis": "价格依据"}
	case "date":
		return fmt.Sprintf("2019-03-%02d", 10) // equal dates keep ranges in order
	case "url":
		return "https://outside.example/" + strings.Trim(field.Path, "[]")
	case "phone":
		return fmt.Sprintf("0379-0000 %04d", i)
	case "uscc":
		return "124103000000000194"
	case "ref":
		switch field.Target {
		case catalog.Organizations:
			if field.Path == "market" {
				return string(f.id["market"])
			}
			return string(f.id["university"])
		case catalog.Packages:
			return string(f.id["listing"])
		default:
			return string(f.id["short"])
		}
	}
	s := fmt.Sprintf("值%d", i)
	if field.Type == "text" {
		s += "\n第二行"
	}
	if field.Max > 0 && len([]rune(s)) > field.Max {
		s = s[:field.Max]
	}
	return s
}

// put puts v into m at path.
func put(m map[string]any, path []string, v any) {
	name, many := strings.CutSuffix(path[0], "[]")
	switch {
	case len(path) == 1 && many:
		m[name] = []any{v}
	case len(path) == 1:
		m[name] = v
	case many:
		if m[name] == nil {
			m[name] = []any{map[string]any{}}
		}
		put(m[name].([]any)[0].(map[string]any), path[1:], v)
	default:
		if m[name] == nil {
			m[name] = map[string]any{}
		}
		put(m[name].(map[string]any), path[1:], v)
	}
}

// reader gives a release that a test can change.
type reader struct {
	current atomic.Pointer[snapshot.Snapshot]
}

func readerOf(s *snapshot.Snapshot) *reader {
	r := &reader{}
	r.current.Store(s)
	return r
}

func (r *reader) Current() *snapshot.Snapshot { return r.current.Load() }

const testBase = "https://luoshu.example"

// site serves the pages as a server would, of the test release unless the reader is
// told otherwise.
func site(t testing.TB, change ...func(*Config)) (*fiber.App, *reader) {
	t.Helper()
	r := readerOf(testRelease().snap)
	cfg := Config{
		Reader: r, Terminal: "K3", Logger: slog.New(slog.NewTextHandler(testLog{t}, nil)),
		BaseURL: func(*catalog.Manifest) (string, catalog.Text) { return testBase, catalog.Text{} },
	}
	for _, c := range change {
		c(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	app := fiber.New(fiber.Config{Immutable: true, CaseSensitive: true, StrictRouting: true, ErrorHandler: h.Fail})
	static.Routes(app)
	h.Routes(app)
	app.Get("/broken", func(*fiber.Ctx) error { return errors.New("internal detail") })
	return app, r
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) { l.t.Log(string(b)); return len(b), nil }

// reply is what came back, the body apart.
type reply struct {
	status int
	header http.Header
	length int64
}

// get asks app; headers come in pairs.
func get(t testing.TB, app *fiber.App, url string, headers ...string) (reply, string) {
	t.Helper()
	return send(t, app, http.MethodGet, url, headers...)
}

func send(t testing.TB, app *fiber.App, method, url string, headers ...string) (reply, string) {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := app.Test(r, -1)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return reply{resp.StatusCode, resp.Header, resp.ContentLength}, string(b)
}

// node is an element, or a piece of text where name is empty.
type node struct {
	name     string
	attrs    map[string]string
	text     string
	children []*node
}

// parse reads a page. The pages are written so that each element is closed, which
// this checks; void elements close themselves.
func parse(t testing.TB, page string) *node {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	root := &node{}
	stack := []*node{root}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("page does not parse: %v\n%s", err, page)
		}
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				n.attrs[a.Name.Local] = a.Value
			}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			if top.name != token.Name.Local {
				t.Fatalf("</%s> closes <%s>", token.Name.Local, top.name)
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.children = append(top.children, &node{text: string(token)})
		}
	}
	return root
}

// all yields the elements of n of one of names, in order; every element without names.
func (n *node) all(names ...string) []*node {
	var out []*node
	for _, c := range n.children {
		if c.name != "" {
			match := len(names) == 0
			for _, name := range names {
				match = match || c.name == name
			}
			if match {
				out = append(out, c)
			}
			out = append(out, c.all(names...)...)
		}
	}
	return out
}

// classed returns the elements with that class.
func (n *node) classed(class string) []*node {
	var out []*node
	for _, e := range n.all() {
		for _, c := range strings.Fields(e.attrs["class"]) {
			if c == class {
				out = append(out, e)
			}
		}
	}
	return out
}

// read returns the text of n with white space folded.
func (n *node) read() string {
	var b strings.Builder
	n.write(&b)
	return strings.Join(strings.Fields(b.String()), " ")
}

func (n *node) write(b *strings.Builder) {
	if n.name == "style" || n.name == "script" {
		return
	}
	b.WriteString(n.text)
	for _, c := range n.children {
		c.write(b)
	}
	// Words of neighboring elements are not one word.
	if n.name != "" {
		b.WriteByte(' ')
	}
}
