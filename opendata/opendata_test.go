package opendata_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/opendata"
)

// demo returns a shelf with two releases: the second adds records and withdraws
// two.
func demo(t testing.TB) *shelf {
	t.Helper()
	s := newShelf()
	one := release(t, 1, "", edit{achievements: 5})
	two := release(t, 2, one.Hash, edit{achievements: 8, withdrawn: tombstones()})
	s.publish(t, one)
	s.publish(t, two)
	s.mu.Lock()
	s.signed[two.Hash] = []byte("untrusted comment: signature\nRUTexample\n")
	s.mu.Unlock()
	return s
}

func tombstones() []catalog.Tombstone {
	all := []catalog.Tombstone{
		{ID: named(catalog.Achievements, "1"), WithdrawnOn: "2026-03-01", Reason: "单位申请撤回 <script>"},
		{ID: named(catalog.Achievements, "2"), WithdrawnOn: "2026-03-01", Reason: "merged", Successor: named(catalog.Achievements, "3")},
	}
	slices.SortFunc(all, func(a, b catalog.Tombstone) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
}

// TestAnswers shows every kind of answer in full, in testdata.
func TestAnswers(t *testing.T) {
	s := demo(t)
	app := serve(t, s)
	current := s.Current()
	achievement := string(named(catalog.Achievements, "0"))
	tests := []struct{ name, method, path string }{
		{"index", "GET", "/api/v1"},
		{"list", "GET", "/api/v1/achievements?limit=2"},
		{"list-last", "GET", "/api/v1/demands"},
		{"list-empty", "GET", "/api/v1/experts"},
		{"record", "GET", "/api/v1/achievements/" + achievement},
		{"indicator", "GET", "/api/v1/indicators/contract-value"},
		{"codes", "GET", "/api/v1/codes"},
		{"code-list", "GET", "/api/v1/codes/stage"},
		{"code-list-local", "GET", "/api/v1/codes/luoyang-2025"},
		{"releases", "GET", "/api/v1/releases"},
		{"release", "GET", "/api/v1/releases/1"},
		{"manifest", "GET", "/api/v1/releases/1/manifest"},
		{"signature", "GET", "/api/v1/releases/2/manifest.minisig"},
		{"pointer", "GET", "/api/v1/releases/current/pointer"},
		{"manifest-by-hash", "GET", "/api/v1/manifests/" + string(current.Hash())},
		{"signature-by-hash", "GET", "/api/v1/manifests/" + string(current.Hash()) + "/minisig"},
		{"search", "GET", "/api/v1/achievements?q=%E5%B7%A5%E8%89%BA+7&facets=stage,trl,completed_on&fields=title,stage"},
		{"search-filters", "GET", "/api/v1/achievements?stage.in=pilot,mature&trl.gte=1&sort=-trl&limit=1"},
		{"search-across", "GET", "/api/v1/search?q=%E6%B6%A6%E6%BB%91&facets=dataset,division"},
		{"search-nothing", "GET", "/api/v1/achievements?q=%E8%BD%B4%E6%89%BF%E6%8C%AF%E5%8A%A8+%E5%B7%A5%E8%89%BA&stage=mature&trl.gte=5"},
		{"suggest", "GET", "/api/v1/suggest?q=zc&limit=3"},
		{"object", "GET", "/api/v1/objects/" + string(current.Manifest().Objects[0].Hash)},
		{"options", "OPTIONS", "/api/v1/achievements"},

		{"problem-parameters", "GET", "/api/v1/achievements?limt=5&limit=500&limit=1&cursor=x"},
		{"problem-search", "GET", "/api/v1/achievements?q=%F0%9F%98%80&stage=%E4%B8%AD%E8%AF%95&facets=stages&sort=title&fields=ttle&completed_on.gte=soon&trl.in=1,,2&division=410305&division=410306&indusrty=1"},
		{"problem-search-required", "GET", "/api/v1/search"},
		{"problem-mistyped", "GET", "/api/v1/achievements/" + achievement[:7] + other(achievement[7])},
		{"problem-identifier", "GET", "/api/v1/achievements/12"},
		{"problem-unknown-record", "GET", "/api/v1/experts/" + string(named(catalog.Experts, "nobody"))},
		{"problem-wrong-dataset", "GET", "/api/v1/achievements/" + string(named(catalog.Demands, "a"))},
		{"problem-withdrawn", "GET", "/api/v1/achievements/" + string(named(catalog.Achievements, "1"))},
		{"problem-merged", "GET", "/api/v1/achievements/" + string(named(catalog.Achievements, "2"))},
		{"problem-dataset", "GET", "/api/v1/achievementz"},
		{"problem-address", "GET", "/api/v1/achievements/a/b/c"},
		{"problem-method", "POST", "/api/v1/achievements"},
		{"problem-release-ahead", "GET", "/api/v1/releases/9"},
		{"problem-hash", "GET", "/api/v1/objects/xyz"},
		{"problem-file", "GET", "/api/v1/objects/" + strings.Repeat("0", 64)},
	}
	wire := sha256.New()
	guarded := []string{"list", "list-last", "record", "releases", "release", "search", "search-filters", "search-across", "search-nothing"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(t, app, tt.method, tt.path)
			golden(t, tt.name, tt.method+" "+tt.path+"\n"+got.String())
			if strings.Contains(got.header.Get("Content-Type"), "json") && !json.Valid([]byte(got.body)) {
				t.Errorf("%s is not JSON", tt.path)
			}
			if slices.Contains(guarded, tt.name) {
				fmt.Fprintln(wire, got.body)
			}
		})
	}
	wireGuard(t, hex.EncodeToString(wire.Sum(nil)))
}

// wireGuard fails when answers have changed without a new wireVersion: clients
// would be told that the bytes they have are still right.
func wireGuard(t *testing.T, digest string) {
	const path = "testdata/wire.txt"
	now := fmt.Sprintf("%d %s\n", opendata.WireVersion, digest)
	was, err := os.ReadFile(path)
	if err != nil && (!*update || !errors.Is(err, os.ErrNotExist)) {
		t.Fatal(err)
	}
	if string(was) == now {
		return
	}
	version, _, _ := strings.Cut(string(was), " ")
	if version == strconv.Itoa(opendata.WireVersion) {
		t.Error("the golden answers have changed: raise wireVersion, or clients keep what they have")
	} else if !*update {
		t.Errorf("%s is of version %q (run with -update)", path, version)
	} else if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
		t.Fatal(err)
	}
}

// other returns a character that is not c.
func other(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}

// list is the envelope of a page.
type list struct {
	Data []struct {
		ID catalog.ID `json:"id"`
	} `json:"data"`
	Meta struct {
		Release struct {
			Sequence int64        `json:"sequence"`
			Manifest catalog.Hash `json:"manifest"`
		} `json:"release"`
		Total, Limit, Returned int
		Sample                 bool
	} `json:"meta"`
	Links struct {
		Self string  `json:"self"`
		Next *string `json:"next"`
	} `json:"links"`
}

func (a answer) decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
}

// TestWalk follows the cursors of a list while other releases are published, and
// through two processes: it meets every record of the first release once.
func TestWalk(t *testing.T) {
	one := release(t, 1, "", edit{achievements: 25})
	here, there := newShelf(), newShelf()
	here.publish(t, one)
	there.publish(t, one)
	apps := []*fiber.App{serve(t, here), serve(t, there)}

	var want, got []catalog.ID
	for _, e := range one.Entries {
		if e.Dataset == catalog.Achievements {
			want = append(want, e.ID)
		}
	}
	previous := one.Hash
	next := "/api/v1/achievements?limit=3"
	for page := 0; next != ""; page++ {
		a := get(t, apps[page%2], next)
		var l list
		a.decode(t, &l)
		if a.status != 200 || l.Meta.Release.Sequence != 1 || a.header.Get("X-Luoshu-Release") != "1" ||
			l.Meta.Total != len(want) || l.Meta.Returned != len(l.Data) {
			t.Fatalf("page %d: %s", page, a)
		}
		if l.Links.Self != next {
			t.Errorf("page %d: self = %q, want %q", page, l.Links.Self, next)
		}
		for _, d := range l.Data {
			got = append(got, d.ID)
		}
		next = ""
		link := a.header.Get("Link")
		if l.Links.Next != nil {
			next = *l.Links.Next
			if !strings.HasSuffix(link, "<"+next+`>; rel="next"`) {
				t.Errorf("page %d: Link %q lacks %q", page, link, next)
			}
		} else if strings.Contains(link, "next") {
			t.Errorf("the last page has Link %q", link)
		}
		// Publish between pages, once on either side, with other records.
		if page < 3 {
			r := release(t, int64(page+2), previous, edit{achievements: 30 + page, withdrawn: tombstones()})
			previous = r.Hash
			here.publish(t, r)
			there.publish(t, r)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("walk met %v, want %v", got, want)
	}
}

// TestCursor shows what a cursor is tied to, and what it is not.
func TestCursor(t *testing.T) {
	s := newShelf()
	one := release(t, 1, "", edit{achievements: 10})
	s.publish(t, one)
	app := serve(t, s)
	var first list
	get(t, app, "/api/v1/achievements?limit=4").decode(t, &first)
	_, cursor, _ := strings.Cut(*first.Links.Next, "cursor=")
	with := func(dataset, rest string) string { return "/api/v1/" + dataset + "?" + rest + "cursor=" + cursor }

	var l list
	if get(t, app, with("achievements", "limit=2&")).decode(t, &l); l.Meta.Returned != 2 {
		t.Errorf("a cursor goes with another limit: returned %d, want 2", l.Meta.Returned)
	}
	broken := []byte(with("achievements", ""))
	for i := strings.Index(string(broken), "=") + 1; i < len(broken); i++ {
		b := slices.Clone(broken)
		b[i] = other(b[i])[0]
		if a := get(t, app, string(b)); a.status != 400 {
			t.Errorf("GET %s = %d, want 400", b, a.status)
		}
	}
	if a := get(t, app, with("demands", "")); a.status != 400 || !strings.Contains(a.body, "not a cursor of this list") {
		t.Errorf("cursor in another dataset: %s", a)
	}

	// A node that has not heard of the release yet.
	behind := newShelf()
	two := release(t, 2, one.Hash, edit{achievements: 12})
	behind.publish(t, one)
	s.publish(t, two)
	get(t, app, "/api/v1/achievements?limit=4").decode(t, &first)
	if a := get(t, serve(t, behind), *first.Links.Next); a.status != 503 || a.header.Get("Retry-After") != "2" {
		t.Errorf("cursor of a release to come: %s", a)
	}
	// The release is still kept, then no longer.
	if a := get(t, app, with("achievements", "")); a.status != 200 {
		t.Errorf("cursor of a kept release: %s", a)
	}
	s.forget(1)
	if a := get(t, app, with("achievements", "")); a.status != 410 || !strings.Contains(a.body, `"start":"/api/v1/achievements"`) {
		t.Errorf("cursor of a release no longer kept: %s", a)
	}
	if a := get(t, app, "/api/v1/releases/1"); a.status != 410 {
		t.Errorf("release no longer kept: %s", a)
	}
	// Another release under the same number: a store that was built anew.
	rebuilt := newShelf()
	rebuilt.publish(t, release(t, 1, "", edit{achievements: 11}))
	if a := get(t, serve(t, rebuilt), with("achievements", "")); a.status != 410 {
		t.Errorf("cursor of another catalog: %s", a)
	}
}

// TestSameEverywhere: two processes give the same bytes and headers, and an equal
// request in other words is the same request.
func TestSameEverywhere(t *testing.T) {
	one, two := serve(t, demo(t)), serve(t, demo(t))
	id := string(named(catalog.Achievements, "0"))
	for _, path := range []string{
		"/api/v1", "/api/v1/datasets", "/api/v1/codes", "/api/v1/codes/gbt4754-2017", "/api/v1/releases", "/api/v1/releases/2",
		"/api/v1/achievements", "/api/v1/achievements?limit=3", "/api/v1/achievements/" + id,
	} {
		a, b := get(t, one, path), get(t, two, path)
		if a.status != 200 || a.String() != b.String() {
			t.Errorf("%s differs:\n%s\n%s", path, a, b)
		}
		if again := get(t, one, path); again.String() != a.String() {
			t.Errorf("%s differs when asked again", path)
		}
	}
	for path, same := range map[string]string{
		"/api/v1/achievements?limit=20":               "/api/v1/achievements",
		"/api/v1/achievements/" + strings.ToLower(id): "/api/v1/achievements/" + id,
		"/api/v1/indicators/Contract-Value":           "/api/v1/indicators/contract-value",
		"/api/v1/achievements?%6cimit=%33":            "/api/v1/achievements?limit=3",
		"/api/v1/codes/" + "%73tage":                  "/api/v1/codes/stage",
	} {
		if a, b := get(t, one, path), get(t, one, same); a.status != 200 || a.String() != b.String() {
			t.Errorf("%s is not %s:\n%s\n%s", path, same, a, b)
		}
	}
}

// TestHost: no answer believes the Host header.
func TestHost(t *testing.T) {
	s := demo(t)
	for base, start := range map[string]string{"": `"/api/v1/`, "https://luoshu.example": `"https://luoshu.example/api/v1/`} {
		app := serve(t, s, func(c *opendata.Config) { c.BaseURL = base })
		for _, path := range []string{"/api/v1", "/api/v1/achievements?limit=1", "/api/v1/releases", "/api/v1/achievementz", "/api/v1/datasets"} {
			a, b := get(t, app, path), get(t, app, path, "Host", "evil.example", "X-Forwarded-Host", "evil.example")
			if a.String() != b.String() || strings.Contains(b.String(), "evil") {
				t.Errorf("%s depends on the host: %s", path, b)
			}
			if a.status == 200 && !strings.Contains(a.body, start) {
				t.Errorf("%s has no link that begins with %s", path, start)
			}
		}
	}
}

// TestETags: one address has one ETag in one release, and never the same one in
// another release, at another address or under another base.
func TestETags(t *testing.T) {
	s := demo(t)
	app := serve(t, s)
	seen := map[string]string{}
	note := func(app *fiber.App, path, where string) {
		t.Helper()
		tag := get(t, app, path).header.Get("ETag")
		if was, twice := seen[tag]; twice || !strings.HasPrefix(tag, `"`) {
			t.Errorf("%s %s has the ETag %s of %s", where, path, tag, was)
		}
		seen[tag] = where + path
	}
	paths := []string{"/api/v1", "/api/v1/datasets", "/api/v1/releases", "/api/v1/achievements", "/api/v1/achievements?limit=2", "/api/v1/demands"}
	for _, p := range paths {
		note(app, p, "release 2")
		note(serve(t, s, func(c *opendata.Config) { c.BaseURL = "https://luoshu.example" }), p, "with base")
	}
	s.publish(t, release(t, 3, s.Current().Hash(), edit{achievements: 8, sample: true}))
	for _, p := range paths {
		note(app, p, "release 3")
	}
	// The log also changes when an old release goes.
	s.forget(1)
	note(app, "/api/v1/releases", "without release 1")
}

func TestConditional(t *testing.T) {
	s := demo(t)
	app := serve(t, s)
	record := "/api/v1/achievements/" + string(named(catalog.Achievements, "0"))
	object := "/api/v1/objects/" + string(s.Current().Manifest().Objects[0].Hash)
	for _, path := range []string{record, "/api/v1/achievements?limit=2", "/api/v1/releases", "/api/v1/releases/2/manifest", "/api/v1/releases/current/pointer", object} {
		full := get(t, app, path)
		tag, modified := full.header.Get("ETag"), full.header.Get("Last-Modified")
		const longAgo, future = "Mon, 02 Jan 2006 15:04:05 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
		tests := []struct {
			name   string
			header []string
			want   int
		}{
			{"same", []string{"If-None-Match", tag}, 304},
			{"weak", []string{"If-None-Match", "W/" + tag}, 304},
			{"any", []string{"If-None-Match", "*"}, 304},
			{"in a list", []string{"If-None-Match", `"a", W/"b,c" ,` + tag}, 304},
			{"in a second field", []string{"If-None-Match", `"a"`, "If-None-Match", tag}, 304},
			{"other", []string{"If-None-Match", `"other"`}, 200},
			{"without quotes", []string{"If-None-Match", strings.Trim(tag, `"`)}, 200},
			{"a part", []string{"If-None-Match", tag[:len(tag)-2] + `"`}, 200},
			{"after a fault", []string{"If-None-Match", `a "b", ` + tag}, 200},
			{"not closed", []string{"If-None-Match", `"`}, 200},
			{"empty", []string{"If-None-Match", ""}, 200},
			{"time is ignored beside a tag", []string{"If-None-Match", `"other"`, "If-Modified-Since", future}, 200},
			{"tag decides", []string{"If-None-Match", tag, "If-Modified-Since", longAgo}, 304},
		}
		if modified != "" {
			tests = append(tests, []struct {
				name   string
				header []string
				want   int
			}{
				{"not modified since", []string{"If-Modified-Since", modified}, 304},
				{"nor later", []string{"If-Modified-Since", future}, 304},
				{"modified since", []string{"If-Modified-Since", longAgo}, 200},
				{"no date", []string{"If-Modified-Since", "yesterday"}, 200},
			}...)
		} else if path != object {
			t.Errorf("%s has no Last-Modified", path)
		}
		for _, tt := range tests {
			t.Run(path+"/"+tt.name, func(t *testing.T) {
				a := get(t, app, path, tt.header...)
				if a.status != tt.want {
					t.Fatalf("status %d, want %d", a.status, tt.want)
				}
				if a.status == 304 && a.body != "" {
					t.Errorf("304 has a body: %q", a.body)
				}
				for _, name := range []string{"ETag", "Cache-Control", "Vary", "Last-Modified", "Access-Control-Allow-Origin", "X-Luoshu-Release"} {
					if a.header.Get(name) != full.header.Get(name) {
						t.Errorf("%s: %q, want %q", name, a.header.Get(name), full.header.Get(name))
					}
				}
			})
		}
	}
	if a := get(t, app, "/api/v1/achievements/"+string(named(catalog.Achievements, "1")), "If-None-Match", "*"); a.status != 410 {
		t.Errorf("a withdrawn record is not unchanged: %s", a)
	}
	if a := get(t, app, "/api/v1/objects/"+strings.Repeat("0", 64), "If-None-Match", "*"); a.status != 404 {
		t.Errorf("an unknown object is not unchanged: %s", a)
	}
}

// listen runs app as a real server until the test ends, and returns its address.
func listen(t *testing.T, app *fiber.App) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(ln) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// TestUnreadable sends what the server gives up reading: such errors reach the
// ErrorHandler without a route, and a panic there would end the process.
func TestUnreadable(t *testing.T) {
	addr := listen(t, serve(t, demo(t)))
	tests := []struct {
		name, request string
		want          int
	}{
		{"headers too large", "GET /api/v1 HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 10_000) + "\r\n\r\n", 431},
		{"content too large", "POST /api/v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413},
		{"not HTTP", "GET /api/v1\x00 ?\r\n\r\n", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, tt.request); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			var p struct{ Status int }
			if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.want || p.Status != tt.want || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("status %d, %s, want %d", res.StatusCode, res.Header, tt.want)
			}
		})
	}
}

// TestHead asks a real server: HEAD has the headers of GET, its Content-Length
// included, and no body.
func TestHead(t *testing.T) {
	s := demo(t)
	app := serve(t, s)
	addr := listen(t, app)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	objects := "/api/v1/objects/" + string(s.Current().Manifest().Objects[0].Hash)
	for _, path := range []string{"/api/v1/achievements?limit=2", "/api/v1/codes/stage", objects, "/api/v1/nowhere", "/api/v1/a/b/c"} {
		do := func(method string) (http.Header, string) {
			req, err := http.NewRequest(method, "http://"+addr+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			b, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			res.Header.Del("Date")
			res.Header.Set("Status", res.Status)
			return res.Header, string(b)
		}
		wantHeader, body := do("GET")
		header, empty := do("HEAD")
		if fmt.Sprint(header) != fmt.Sprint(wantHeader) || header.Get("Content-Length") != strconv.Itoa(len(body)) || empty != "" {
			t.Errorf("HEAD %s:\n%v %q\nGET (%d bytes):\n%v", path, header, empty, len(body), wantHeader)
		}
	}
}

func TestParameters(t *testing.T) {
	app := serve(t, demo(t))
	tests := []struct {
		query string
		// want is part of the detail, empty for an answer.
		want string
	}{
		{"", ""},
		{"limit=1", ""},
		{"limit=100", ""},
		{"limit=101", "from 1 to 100"},
		{"limit=0", "from 1 to 100"},
		{"limit=-1", "from 1 to 100"},
		{"limit=+5", "from 1 to 100"},
		{"limit=%2B5", "from 1 to 100"},
		{"limit=05", "from 1 to 100"},
		{"limit=5.0", "from 1 to 100"},
		{"limit=９", "from 1 to 100"},
		{"limit=", "from 1 to 100"},
		{"limit", "from 1 to 100"},
		{"limit=99999999999999999999", "from 1 to 100"},
		{"limit=5&limit=5", "`limit` is given more than once"},
		{"limt=5", "unknown parameter `limt`; did you mean `limit`?"},
		{"lmiit=5", "did you mean `limit`?"},
		{"Limit=5", "did you mean `limit`?"},
		{"curser=x", "did you mean `cursor`?"},
		{"offset=20", "unknown parameter `offset`"},
		{"dataset=demands", "unknown parameter `dataset`"},
		{"%3Cscript%3E=1", "unknown parameter `<script>`"},
		{"%00%0a%e2%80%ae=1", "unknown parameter `\ufffd\ufffd\ufffd`"},
		{"=1", "unknown parameter ``"},
		{strings.Repeat("x", 300) + "=1", "unknown parameter `" + strings.Repeat("x", 64) + "`"},
		{strings.Repeat("a=1&", 40), "more than 32 parameters"},
		{"cursor=", "must have 1 to 128 bytes"},
		{"cursor=" + strings.Repeat("A", 129), "must have 1 to 128 bytes"},
		{"cursor=%ff", "UTF-8"},
		{"cursor=AAAA", "is not a cursor of this list"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			a := get(t, app, "/api/v1/achievements?"+tt.query)
			if tt.want == "" {
				if a.status != 200 {
					t.Errorf("%s", a)
				}
				return
			}
			var p struct{ Type, Detail string }
			a.decode(t, &p)
			if a.status != 400 || p.Type != "/developers/problems#invalid-parameter" || !strings.Contains(p.Detail, tt.want) {
				t.Errorf("status %d, type %q, detail %q; want 400 and %q", a.status, p.Type, p.Detail, tt.want)
			}
			if strings.ContainsAny(a.body, "<>&") {
				t.Errorf("markup is not escaped: %s", a.body)
			}
		})
	}
	// Strict everywhere: an address without parameters takes none.
	for _, op := range opendata.Operations() {
		path := strings.NewReplacer("{dataset}", "achievements", "{id}", string(named(catalog.Achievements, "0")),
			"{seq}", "1", "{list}", "stage", "{feed}", "all", "{part}", "1", "{sha256}", strings.Repeat("0", 64)).Replace(op.Path)
		if a := get(t, app, path+"?bogus=1"); a.status != 400 && !op.OwnErrors {
			t.Errorf("GET %s?bogus=1 = %d, want 400", path, a.status)
		}
	}
}

func TestMethods(t *testing.T) {
	app := serve(t, demo(t))
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE"} {
		for _, path := range []string{"/api/v1", "/api/v1/achievements", "/api/v1/achievements/x", "/api/v1/releases/1"} {
			if a := ask(t, app, method, path); a.status != 405 || a.header.Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("%s %s: %s", method, path, a)
			}
		}
		if a := ask(t, app, method, "/api/v1/a/b/c"); a.status != 404 {
			t.Errorf("%s of an unknown address = %d, want 404", method, a.status)
		}
	}
	for _, path := range []string{"/api/v1/", "/api/v1/achievements/", "/API/v1", "/api/v1/Achievements", "/api/v1/releases/1/"} {
		if a := get(t, app, path); a.status != 404 {
			t.Errorf("GET %s = %d, want 404", path, a.status)
		}
	}
}

// TestProblem shows how errors from outside the package are answered.
func TestProblem(t *testing.T) {
	secret := errors.New("redis://10.0.0.7 said no")
	tests := []struct {
		err    error
		status int
		slug   string
		logged bool
	}{
		{catalog.ErrInvalid, 400, "invalid-identifier", false},
		{catalog.ErrCheckCharacter, 400, "mistyped-identifier", false},
		{catalog.ErrNotFound, 404, "unknown-file", false},
		{catalog.ErrWithdrawn, 410, "withdrawn", false},
		{catalog.ErrNoRelease, 503, "no-release", false},
		{catalog.ErrUnavailable, 503, "unavailable", true},
		{catalog.ErrDamaged, 503, "unavailable", true},
		{fmt.Errorf("%w: %w", secret, catalog.ErrUnavailable), 503, "unavailable", true},
		{secret, 500, "internal-error", true},
		{fiber.ErrBadRequest, 400, "bad-request", false},
		{fiber.ErrNotFound, 404, "unknown-address", false},
		{fiber.ErrMethodNotAllowed, 405, "method-not-allowed", false},
		{fiber.ErrRequestTimeout, 408, "request-timeout", false},
		{fiber.ErrRequestEntityTooLarge, 413, "content-too-large", false},
		{fiber.ErrRequestURITooLong, 414, "address-too-long", false},
		{fiber.ErrMisdirectedRequest, 421, "misdirected-request", false},
		{fiber.ErrTooManyRequests, 429, "too-many-requests", false},
		{fiber.ErrRequestHeaderFieldsTooLarge, 431, "headers-too-large", false},
		{fiber.ErrTeapot, 400, "bad-request", false},
		{fiber.ErrBadGateway, 500, "internal-error", true},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			var log strings.Builder
			s := demo(t)
			h, err := opendata.New(opendata.Config{
				Reader: s, Archive: s, BaseURL: "https://luoshu.example/", Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			app := fiber.New(fiber.Config{ErrorHandler: h.Problem, DisableStartupMessage: true})
			app.Get("/", func(c *fiber.Ctx) error {
				c.Set(fiber.HeaderXRequestID, "request-1")
				c.Set(fiber.HeaderETag, `"of an answer half made"`)
				return tt.err
			})
			a := get(t, app, "/")
			var p struct {
				Type, Title, Detail, Instance string
				Status                        int
				TitleZH                       string `json:"title_zh"`
				DetailZH                      string `json:"detail_zh"`
			}
			a.decode(t, &p)
			if a.status != tt.status || p.Status != tt.status || p.Type != "https://luoshu.example/developers/problems#"+tt.slug ||
				p.Title == "" || p.TitleZH == "" || p.Detail == "" || p.DetailZH == "" || p.Instance != "request-1" {
				t.Errorf("%s", a)
			}
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag") != "" || a.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("headers of %s", a)
			}
			if strings.Contains(a.String(), "10.0.0.7") {
				t.Errorf("the inside gets out: %s", a)
			}
			if got := strings.Contains(log.String(), "request_id=request-1"); got != tt.logged {
				t.Errorf("logged = %t, want %t: %s", got, tt.logged, &log)
			}
			if errors.Is(tt.err, secret) && !strings.Contains(log.String(), "10.0.0.7") {
				t.Errorf("the log lacks the cause: %s", &log)
			}
			if tt.status == 503 && a.header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		})
	}
}

// TestOutages: what is missing or broken behind the API is never shown as an
// empty catalog or as wrong bytes.
func TestOutages(t *testing.T) {
	empty := serve(t, newShelf())
	for _, path := range []string{"/api/v1", "/api/v1/achievements", "/api/v1/releases/current/pointer"} {
		if a := get(t, empty, path); a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "no-release") {
			t.Errorf("GET %s without a release: %s", path, a)
		}
	}

	s := demo(t)
	app := serve(t, s)
	hash := s.Current().Manifest().Objects[0].Hash
	manifest := s.Current().Hash()
	s.mu.Lock()
	s.objects[hash] = []byte("something else")
	s.manifests[manifest] = []byte("{}")
	s.mu.Unlock()
	for _, path := range []string{"/api/v1/objects/" + string(hash), "/api/v1/manifests/" + string(manifest), "/api/v1/releases/2/manifest"} {
		if a := get(t, app, path); a.status != 503 || strings.Contains(a.body, "else") {
			t.Errorf("damaged %s: %s", path, a)
		}
	}
	if a := get(t, app, "/api/v1/releases/1/manifest.minisig"); a.status != 404 {
		t.Errorf("signature of an unsigned release: %s", a)
	}
	var first list
	get(t, app, "/api/v1/achievements?limit=1").decode(t, &first)
	s.publish(t, release(t, 3, manifest, edit{achievements: 3}))
	s.mu.Lock()
	s.down = fmt.Errorf("disk: %w", catalog.ErrUnavailable)
	s.mu.Unlock()
	if a := get(t, app, *first.Links.Next); a.status != 503 {
		t.Errorf("a kept release that cannot be read: %s", a)
	}
	if a := get(t, app, "/api/v1/achievements"); a.status != 200 {
		t.Errorf("the current release needs no archive: %s", a)
	}
}

// TestReleaseLog: a mirror that was away keeps releases with gaps between them,
// and the log still names each by its hash.
func TestReleaseLog(t *testing.T) {
	s := newShelf()
	one := release(t, 1, "", edit{achievements: 1})
	two := release(t, 2, one.Hash, edit{achievements: 2})
	three := release(t, 3, two.Hash, edit{achievements: 3})
	four := release(t, 4, three.Hash, edit{achievements: 4})
	for _, r := range []*catalog.Release{one, three, four} {
		s.publish(t, r)
	}
	var log struct {
		Data []struct {
			Sequence int64
			Manifest catalog.Hash
			Records  int
		}
	}
	app := serve(t, s)
	get(t, app, "/api/v1/releases").decode(t, &log)
	want := []*catalog.Release{four, three, one}
	if len(log.Data) != len(want) {
		t.Fatalf("log = %v", log.Data)
	}
	for i, r := range want {
		got := log.Data[i]
		if got.Sequence != r.Manifest.Sequence || got.Manifest != r.Hash || got.Records != len(r.Entries) {
			t.Errorf("log[%d] = %+v, want release %d, %s", i, got, r.Manifest.Sequence, r.Hash)
		}
	}
	if a := get(t, app, "/api/v1/releases/2"); a.status != 410 {
		t.Errorf("a release that was skipped: %s", a)
	}
	// The archive may learn of a release a moment after readers see it.
	s.forget(4)
	if a := get(t, app, "/api/v1/releases/4"); a.status != 200 {
		t.Errorf("the current release is not in the log: %s", a)
	}
}

// TestSwitch asks from many sides while releases change: no answer mixes two.
func TestSwitch(t *testing.T) {
	s := newShelf()
	previous := catalog.Hash("")
	var releases []*catalog.Release
	for seq := range int64(6) {
		r := release(t, seq+1, previous, edit{achievements: 10 + int(seq)})
		previous = r.Hash
		releases = append(releases, r)
	}
	s.publish(t, releases[0])
	app := serve(t, s)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a := get(t, app, "/api/v1/achievements?limit=100")
				var l list
				a.decode(t, &l)
				seq := l.Meta.Release.Sequence
				if strconv.FormatInt(seq, 10) != a.header.Get("X-Luoshu-Release") || l.Meta.Release.Manifest != releases[seq-1].Hash ||
					l.Meta.Total != 9+int(seq) || len(l.Data) != l.Meta.Total {
					t.Errorf("two releases in one answer: %s", a)
					return
				}
			}
		})
	}
	for _, r := range releases[1:] {
		s.publish(t, r)
		get(t, app, "/api/v1/datasets")
	}
	close(stop)
	readers.Wait()
}

func TestDatasets(t *testing.T) {
	app := serve(t, demo(t), func(c *opendata.Config) { c.BaseURL = "https://luoshu.example" })
	var all struct {
		Data []struct {
			Name   catalog.Dataset
			Count  int
			Label  catalog.Text
			Fields []struct {
				Path, Type string
				CodeList   string `json:"code_list"`
				Label      catalog.Text
			}
			Links struct{ Self string }
		}
		Links struct{ Self string }
	}
	a := get(t, app, "/api/v1/datasets")
	a.decode(t, &all)
	i := 0
	for d := range catalog.Datasets() {
		got := all.Data[i]
		if got.Name != d.Name || got.Label != d.Label || len(got.Fields) != len(catalog.Fields(d.Name)) ||
			got.Links.Self != "https://luoshu.example/api/v1/"+string(d.Name) {
			t.Errorf("dataset %d = %+v", i, got)
		}
		for _, f := range got.Fields {
			if f.CodeList != "" && get(t, app, "/api/v1/codes/"+f.CodeList).status != 200 {
				t.Errorf("%s.%s is of the code list %q, which is not here", d.Name, f.Path, f.CodeList)
			}
		}
		i++
	}
	if i != len(all.Data) || all.Data[0].Count != 6 || all.Links.Self != "https://luoshu.example/api/v1/datasets" {
		t.Errorf("datasets: %s", a)
	}
}

func TestSample(t *testing.T) {
	s := newShelf()
	s.publish(t, release(t, 1, "", edit{achievements: 1, sample: true}))
	app := serve(t, s)
	for _, path := range []string{"/api/v1", "/api/v1/codes/stage", "/api/v1/releases", "/api/v1/achievements", "/api/v1/demands/" + string(named(catalog.Demands, "a"))} {
		var a struct {
			Meta struct{ Sample bool }
		}
		if get(t, app, path).decode(t, &a); !a.Meta.Sample {
			t.Errorf("%s of a demonstration does not say so", path)
		}
	}
}

func TestNew(t *testing.T) {
	s := newShelf()
	tests := []struct {
		config opendata.Config
		want   string
	}{
		{opendata.Config{}, "no Reader\nopendata: no Archive"},
		{opendata.Config{Reader: s, Archive: s}, ""},
		{opendata.Config{Reader: s, Archive: s, BaseURL: "https://luoshu.example/sub/"}, ""},
		{opendata.Config{Reader: s, Archive: s, BaseURL: "luoshu.example"}, "address"},
		{opendata.Config{Reader: s, Archive: s, BaseURL: "ftp://luoshu.example"}, "address"},
		{opendata.Config{Reader: s, Archive: s, BaseURL: "https://luoshu.example/?a=b"}, "address"},
		{opendata.Config{Reader: s, Archive: s, BaseURL: "https://luoshu.example/\"x"}, "address"},
		{opendata.Config{Reader: s, Archive: s, BaseURL: "https://user@luoshu.example"}, "address"},
	}
	for _, tt := range tests {
		_, err := opendata.New(tt.config)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New(%+v) = %v, want %q", tt.config, err, tt.want)
		}
	}
}

// parameterForm is a parameter in a route.
var parameterForm = regexp.MustCompile(`:([a-z0-9]+)`)

// TestTables holds the tables to what is promised of them.
func TestTables(t *testing.T) {
	slugs := map[string]bool{}
	for _, p := range opendata.ProblemTypes() {
		if slugs[p.Slug] || p.Slug == "" || p.Status < 400 || p.Title.ZH == "" || p.Title.EN == "" || p.Detail.ZH == "" || p.Detail.EN == "" {
			t.Errorf("problem %+v", p)
		}
		slugs[p.Slug] = true
	}
	paths := map[string]bool{}
	for _, op := range opendata.Operations() {
		if paths[op.Path] || op.Summary.ZH == "" || op.Summary.EN == "" || op.Produces == "" {
			t.Errorf("operation %+v", op)
		}
		paths[op.Path] = true
		inPath := 0
		for _, p := range op.Parameters {
			if p.Description.ZH == "" || p.Description.EN == "" || p.In == "query" && p.Max == 0 {
				t.Errorf("%s: parameter %+v", op.Path, p)
			}
			if p.In == "path" {
				inPath++
				if !strings.Contains(op.Path, "{"+p.Name+"}") {
					t.Errorf("%s has no {%s}", op.Path, p.Name)
				}
			}
		}
		if inPath != strings.Count(op.Path, "{") {
			t.Errorf("%s: %d path parameters described", op.Path, inPath)
		}
	}
	// Every route is in the table, and the other way round.
	routes := map[string]int{}
	for _, stack := range serve(t, demo(t)).Stack() {
		for _, r := range stack {
			// The middleware of the tests, and what is for people.
			if r.Path != "/" && !slices.Contains(forPeople, r.Path) {
				routes[parameterForm.ReplaceAllString(r.Path, "{$1}")]++
			}
		}
	}
	for path, methods := range routes {
		if !paths[path] || methods != 3 {
			t.Errorf("route %s with %d methods, in the table: %t", path, methods, paths[path])
		}
	}
	if len(routes) != len(paths) {
		t.Errorf("%d routes, %d operations", len(routes), len(paths))
	}
}

// TestObjectInParts: whoever was cut off asks for the rest of an object, and gets the whole
// where it holds a part of something else.
func TestObjectInParts(t *testing.T) {
	s := demo(t)
	app := serve(t, s)
	path := "/api/v1/objects/" + string(s.Current().Manifest().Objects[0].Hash)
	whole := get(t, app, path)
	tag, size := whole.header.Get("ETag"), len(whole.body)
	for _, test := range []struct {
		ranged, ifRange string
		status          int
		from, to        int
	}{
		{"bytes=10-", tag, 206, 10, size},
		{"bytes=0-9", "", 206, 0, 10},
		{"bytes=-5", tag, 206, size - 5, size},
		{"bytes=10-", `"another"`, 200, 0, size},
		{"bytes=0-", tag, 200, 0, size},
		{fmt.Sprintf("bytes=%d-", size), tag, 200, 0, size},
		{"lines=1-2", tag, 200, 0, size},
	} {
		a := get(t, app, path, "Range", test.ranged, "If-Range", test.ifRange)
		if a.status != test.status || string(a.body) != string(whole.body[test.from:test.to]) {
			t.Errorf("%s of %s: status %d, %d bytes", test.ranged, test.ifRange, a.status, len(a.body))
		}
		if part := a.header.Get("Content-Range"); (part != "") != (test.status == 206) {
			t.Errorf("%s: Content-Range %q", test.ranged, part)
		}
	}
}
