package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
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

		packed, body := get(t, app, "GET", url, map[string]string{"Accept-Encoding": "br, gzip;q=0.8"})
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

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "br": false, "*": true, "*;q=0": false, "br, gzip ; q=0.5": true,
		"gzip;q=0": false, "gzip;q=0, *": false, "gzip;q=x": false, "deflate, *;q=0.1": true, "identity": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("acceptsGzip(%q) = %v, want %v", header, got, want)
		}
	}
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
