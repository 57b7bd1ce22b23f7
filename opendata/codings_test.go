package opendata_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	brotli "github.com/molecule-man/go-brrr"
	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/opendata"
)

// addresses returns an address for every operation that answers from s without an exporter,
// and some with a question.
func addresses(s *shelf) []string {
	record := string(named(catalog.Achievements, "0"))
	fill := strings.NewReplacer("{dataset}", "achievements", "{id}", record, "{seq}", "2", "{list}", "gbt4754-2017", "{feed}", "all", "{part}", "1")
	var all []string
	for _, op := range opendata.Operations() {
		path := fill.Replace(op.Path)
		switch {
		case strings.HasPrefix(path, "/api/v1/exports"), strings.HasPrefix(path, "/api/v1/quality"), strings.HasPrefix(path, "/sitemap-"):
			continue
		case strings.HasSuffix(path, "/search"), strings.HasSuffix(path, "/suggest"):
			path += "?q=%E5%B7%A5"
		case strings.HasSuffix(path, "/changes"):
			path += "?since=1"
		case path == "/oai":
			path += "?verb=ListRecords&metadataPrefix=luoshu"
		}
		hash := s.Current().Hash()
		if strings.Contains(path, "/objects/") {
			hash = s.Current().Manifest().Objects[0].Hash
		}
		all = append(all, strings.Replace(path, "{sha256}", string(hash), 1))
	}
	return append(all, "/api/v1/achievements?limit=3", "/api/v1/achievements?q=%E5%B7%A5&facets=stage", "/openapi.json", "/developers", "/docs/")
}

// decoded returns the body of a as it is without a content coding.
func decoded(t *testing.T, a answer) string {
	t.Helper()
	var r io.Reader = strings.NewReader(a.body)
	var err error
	switch a.header.Get("Content-Encoding") {
	case "zstd":
		r, err = zstd.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestCodings: every answer comes in every coding, each with an ETag of its own, which
// alone is current for who asks for that coding; and two processes give the same bytes.
func TestCodings(t *testing.T) {
	base := func(c *opendata.Config) { c.BaseURL = "https://luoshu.example" }
	s := demo(t)
	one, two := serve(t, s, base), serve(t, demo(t), base)
	for _, path := range addresses(s) {
		plain := get(t, one, path)
		if plain.status != http.StatusOK || plain.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %s", path, plain)
			continue
		}
		tags := map[string]string{plain.header.Get("ETag"): ""}
		for _, coding := range []string{"zstd", "br", "gzip"} {
			a, b := get(t, one, path, "Accept-Encoding", coding), get(t, two, path, "Accept-Encoding", coding)
			if a.String() != b.String() {
				t.Errorf("%s in %s differs between processes:\n%.400s\n%.400s", path, coding, a, b)
			}
			want := coding
			if len(plain.body) < 1000 || strings.Contains(path, "/objects/") || strings.Contains(path, "/changes") {
				want = ""
			}
			got := a.header.Get("Content-Encoding")
			if got != want && len(plain.body) > 2000 || a.header.Get("Vary") != "Accept-Encoding" || decoded(t, a) != plain.body {
				t.Errorf("%s in %s (%d bytes): %v", path, coding, len(plain.body), a.header)
			}
			tag := a.header.Get("ETag")
			if was, twice := tags[tag]; got != "" && twice {
				t.Errorf("%s has the ETag %s in %s and in %q", path, tag, coding, was)
			}
			tags[tag] = coding
			again := get(t, one, path, "Accept-Encoding", coding, "If-None-Match", `"a", W/`+tag)
			if again.status != http.StatusNotModified || again.header.Get("ETag") != tag || again.header.Get("Content-Encoding") != "" || again.body != "" {
				t.Errorf("%s in %s with its ETag: %s", path, coding, again)
			}
			if other := get(t, one, path, "Accept-Encoding", coding, "If-None-Match", plain.header.Get("ETag")); got != "" && other.status != http.StatusOK {
				t.Errorf("%s in %s with the ETag of another coding: %d", path, coding, other.status)
			}
			head := ask(t, one, http.MethodHead, path, "Accept-Encoding", coding)
			if head.status != http.StatusOK || head.header.Get("ETag") != tag || head.header.Get("Content-Encoding") != got {
				t.Errorf("HEAD %s in %s: %v", path, coding, head.header)
			}
		}
	}
}

// TestCodedLength asks a real server: HEAD has the length that GET has in that coding.
func TestCodedLength(t *testing.T) {
	s := demo(t)
	addr := listen(t, serve(t, s))
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/api/v1/achievements", "/api/v1/codes/stage", "/openapi.json", "/developers"} {
		for _, coding := range []string{"identity", "zstd", "br", "gzip"} {
			var lengths [2]string
			for i, method := range []string{http.MethodGet, http.MethodHead} {
				req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Accept-Encoding", coding)
				res, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if lengths[i] = res.Header.Get("Content-Length"); i == 0 && lengths[i] != strconv.Itoa(len(b)) || i == 1 && len(b) > 0 {
					t.Errorf("%s %s in %s: %d bytes, said to be %s", method, path, coding, len(b), lengths[i])
				}
			}
			if lengths[0] != lengths[1] {
				t.Errorf("%s in %s: GET has %s bytes, HEAD %s", path, coding, lengths[0], lengths[1])
			}
		}
	}
}

// TestCodingsAtOnce: answers that are encoded at the same time do not mix.
func TestCodingsAtOnce(t *testing.T) {
	app := serve(t, demo(t))
	handler := app.Handler()
	paths := []string{"/api/v1/achievements", "/api/v1/achievements?limit=3", "/api/v1/datasets", "/api/v1/achievements?q=%E5%B7%A5"}
	for _, coding := range []string{"zstd", "br", "gzip"} {
		want := map[string]string{}
		for _, path := range paths {
			want[path] = get(t, app, path, "Accept-Encoding", coding).body
		}
		t.Run(coding, func(t *testing.T) {
			for g := range 4 {
				t.Run(strconv.Itoa(g), func(t *testing.T) {
					t.Parallel()
					for n := range 50 {
						path := paths[(g+n)%len(paths)]
						if got := direct(handler, path, coding); !bytes.Equal(got, []byte(want[path])) {
							t.Fatalf("%s in %s differs", path, coding)
						}
					}
				})
			}
		})
	}
}

// direct calls handler as the server does and returns the body.
func direct(handler fasthttp.RequestHandler, path, coding string) []byte {
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI(path)
	ctx.Request.Header.SetHost("luoshu.example")
	ctx.Request.Header.Set("Accept-Encoding", coding)
	handler(&ctx)
	return bytes.Clone(ctx.Response.Body())
}
