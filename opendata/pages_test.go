package opendata_test

import (
	"context"
	"html"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"luoshu/opendata"
)

var (
	href  = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	block = regexp.MustCompile(`(?s)<h3 id="([a-z]+)">.*?<pre[^>]*><code>(.*?)</code></pre>`)
)

// TestPages opens every page in both languages, with and without a release, and
// follows every link that stays here.
func TestPages(t *testing.T) {
	app := serve(t, asPublished(t))
	none := serve(t, newShelf())
	for _, path := range []string{"/developers", "/developers/problems", "/docs/", "/quality", "/quality/registration", "/quality/service"} {
		for query, tag := range map[string]string{"": "zh-CN", "?lang=en": "en", "?lang=fr": "zh-CN"} {
			a := get(t, app, path+query)
			if a.status != 200 || !strings.Contains(a.body, `<html lang="`+tag+`"`) || a.header.Get("ETag") == "" {
				t.Errorf("GET %s%s = %d in another language than %s", path, query, a.status, tag)
			}
			policy := a.header.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s has the policy %q", path, policy)
			}
			if strings.Contains(a.body, "<style") || strings.Contains(a.body, "<script>") || strings.Contains(a.body, " style=") {
				t.Errorf("%s has inline style or script", path)
			}
			for _, m := range href.FindAllStringSubmatch(a.body, -1) {
				to := html.UnescapeString(m[1])
				switch {
				case strings.HasPrefix(to, "/static/"), strings.HasPrefix(to, "/?"), to == "/", strings.HasPrefix(to, "https://"):
					// The tests of others open these.
				case strings.HasPrefix(to, "#"):
					if !strings.Contains(a.body, `id="`+to[1:]+`"`) {
						t.Errorf("%s leads to %s, which is not there", path, to)
					}
				default:
					if got := get(t, app, to); got.status != 200 {
						t.Errorf("%s leads to %s = %d", path, to, got.status)
					}
				}
			}
			if a := get(t, none, path+query); a.status != 200 {
				t.Errorf("GET %s%s without a release = %d", path, query, a.status)
			}
		}
	}
	if a := get(t, app, "/docs"); a.status != 308 || a.header.Get("Location") != "/docs/" {
		t.Errorf("GET /docs = %d %s", a.status, a.header.Get("Location"))
	}
	problems := get(t, app, "/developers/problems").body
	for _, p := range opendata.ProblemTypes() {
		if !strings.Contains(problems, `id="`+p.Slug+`"`) {
			t.Errorf("/developers/problems does not explain %s", p.Slug)
		}
	}
}

// TestSnippets takes the examples out of the page and runs them against a server.
func TestSnippets(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	app := serve(t, asPublished(t), func(c *opendata.Config) { c.BaseURL = base })
	done := make(chan error, 1)
	go func() { done <- app.Listener(listener) }()
	t.Cleanup(func() {
		_ = app.Shutdown()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})

	runs := map[string]struct {
		program string
		file    string
		args    []string
	}{
		"curl":       {"bash", "snippet.sh", []string{"-eu"}},
		"python":     {"python3", "snippet.py", nil},
		"javascript": {"node", "snippet.mjs", nil},
		"go":         {"go", "snippet.go", []string{"run"}},
		"r":          {"Rscript", "snippet.R", nil},
	}
	found := block.FindAllStringSubmatch(get(t, app, "/developers").body, -1)
	if len(found) != len(runs) {
		t.Fatalf("%d snippets, want %d", len(found), len(runs))
	}
	for _, m := range found {
		name, code := m[1], html.UnescapeString(m[2])
		t.Run(name, func(t *testing.T) {
			run, ok := runs[name]
			if !ok {
				t.Fatal("nobody knows how to run this")
			}
			if !strings.Contains(code, base) || strings.Contains(code, "localhost:8080") {
				t.Errorf("the snippet does not name this server: %s", code)
			}
			if _, err := exec.LookPath(run.program); err != nil {
				t.Skip(run.program + " is not installed")
			}
			file := filepath.Join(t.TempDir(), run.file)
			if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, run.program, append(run.args, file)...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			// All of them show titles of the demonstration.
			if !strings.Contains(string(out), "示例") && !regexp.MustCompile(`[A-Z][0-9A-Z]{7}`).Match(out) {
				t.Errorf("the snippet shows no record: %.300s", out)
			}
			if name == "curl" && !strings.Contains(string(out), "did you mean `stage`") {
				t.Errorf("the last command was not taught: %.300s", out[max(0, len(out)-300):])
			}
		})
	}
}
