package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"
)

// fasthttp keeps one goroutine for the Date header as long as the program runs.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

type reply struct {
	status int
	header http.Header
}

func get(t *testing.T, app *fiber.App, method, url string, headers map[string]string) (reply, []byte) {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	resp, err := app.Test(r, -1)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header}, body
}

func newApp() *fiber.App {
	app := fiber.New(fiber.Config{Immutable: true, CaseSensitive: true, StrictRouting: true})
	Routes(app)
	return app
}

// TestFiles serves every embedded file, plain and compressed, and asks again.
func TestFiles(t *testing.T) {
	app := newApp()
	form := regexp.MustCompile(`^/static/.+\.[0-9a-f]{12}\.[a-z0-9]+$`)
	count := 0
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		want, _ := files.ReadFile(name)
		if plain, packed := strings.CutSuffix(name, ".gz"); packed {
			name, want = plain, decompress(name, want)
		}
		url := URL(name)
		if !form.MatchString(url) {
			t.Errorf("URL(%q) = %q", name, url)
		}
		plain, body := get(t, app, "GET", url, nil)
		if plain.status != 200 || !bytes.Equal(body, want) || plain.header.Get("Content-Encoding") != "" {
			t.Errorf("GET %s = %d, %d bytes, want the file", url, plain.status, len(body))
		}
		if got := plain.header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("GET %s: Cache-Control %q", url, got)
		}
		if got := plain.header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("GET %s: X-Content-Type-Options %q", url, got)
		}

		packed, body := get(t, app, "GET", url, map[string]string{"Accept-Encoding": "gzip"})
		if packed.header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatalf("GET %s: %v", url, err)
			}
			if body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
			if packed.header.Get("ETag") == plain.header.Get("ETag") {
				t.Errorf("GET %s: two codings share the tag %s", url, plain.header.Get("ETag"))
			}
			if plain.header.Get("Vary") != "Accept-Encoding" || packed.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("GET %s: Vary %q", url, plain.header.Get("Vary"))
			}
		}
		if !bytes.Equal(body, want) {
			t.Errorf("GET %s compressed: other bytes", url)
		}

		for coding, first := range map[string]reply{"": plain, "gzip": packed} {
			again, body := get(t, app, "GET", url, map[string]string{"If-None-Match": first.header.Get("ETag"), "Accept-Encoding": coding})
			if again.status != 304 || len(body) != 0 || again.header.Get("ETag") != first.header.Get("ETag") {
				t.Errorf("GET %s with its tag = %d, %d bytes", url, again.status, len(body))
			}
		}

		head, body := get(t, app, "HEAD", url, nil)
		if head.status != 200 || len(body) != 0 || head.header.Get("Content-Length") != strconv.Itoa(len(want)) {
			t.Errorf("HEAD %s = %d, Content-Length %s", url, head.status, head.header.Get("Content-Length"))
		}
		return nil
	})
	if err != nil || count == 0 {
		t.Fatalf("walked %d files: %v", count, err)
	}
}

// TestVendored holds the files of others to the list of them: every byte as it came.
func TestVendored(t *testing.T) {
	list, err := os.Open("vendored.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	rows, err := csv.NewReader(list).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, row := range rows[1:] {
		name, want := row[0], row[3]
		listed[name] = true
		b, err := files.ReadFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if strings.HasSuffix(name, ".gz") {
			b = decompress(name, b)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != want {
			t.Errorf("%s has SHA-256 %s, want %s", name, got, want)
		}
	}
	for _, folder := range []string{"fonts", "swagger-ui"} {
		all, err := fs.Glob(files, folder+"/*")
		if err != nil || len(all) == 0 {
			t.Fatal(all, err)
		}
		for _, name := range all {
			if !listed[name] {
				t.Errorf("%s is not in vendored.csv", name)
			}
		}
	}
}

// TestDocument serves what is made at run time, plain and compressed.
func TestDocument(t *testing.T) {
	app := fiber.New()
	want := bytes.Repeat([]byte("a document "), 100)
	app.Get("/document", Document("text/plain", "public, max-age=60", want))
	for _, coding := range []string{"", "gzip", "br", "zstd"} {
		first, _ := get(t, app, "GET", "/document", map[string]string{"Accept-Encoding": coding})
		if first.status != 200 || first.header.Get("Content-Encoding") != coding || first.header.Get("Cache-Control") != "public, max-age=60" {
			t.Errorf("coding %q: %d %v", coding, first.status, first.header)
		}
		again, body := get(t, app, "GET", "/document", map[string]string{"Accept-Encoding": coding, "If-None-Match": first.header.Get("ETag")})
		if again.status != 304 || len(body) != 0 {
			t.Errorf("coding %q, asked again: %d, %d bytes", coding, again.status, len(body))
		}
	}
}

func TestUnknown(t *testing.T) {
	app := newApp()
	for _, url := range []string{"/static/css/kiosk.css", "/static/css/kiosk.000000000000.css", "/static/", "/static/css/../static.go", "/static/%2e%2e/static.go"} {
		if resp, _ := get(t, app, "GET", url, nil); resp.status != 404 {
			t.Errorf("GET %s = %d, want 404", url, resp.status)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("URL of an unknown file did not panic")
		}
	}()
	URL("css/none.css")
}

func TestTagMatches(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "*": true, " * ": true, `"a"`: true, `W/"a"`: true, `"b"`: false, `"b", "a"`: true, `"b","c" , W/"a"`: true,
		`"b, "a"`: false, `a`: false, `"a`: false, `"b" x "a"`: false, `,, "a"`: true, `"aa"`: false, `W/`: false, `""`: false,
		`"b,c", "a"`: true,
	} {
		if got := TagMatches(header, `"a"`); got != want {
			t.Errorf("TagMatches(%q) = %v, want %v", header, got, want)
		}
	}
}
