package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// preview starts luoshu serve --preview and returns the server and what it told
// before its address.
func preview(t *testing.T, data string, args ...string) (*server, string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, environment{
			args: append([]string{"serve", "--addr", "127.0.0.1:0", "--data-dir", data, "--log-level", "error", "--lang", "zh"}, args...), lookup: func(string) (string, bool) { return "", false },
			stdin: strings.NewReader(""), stdout: out, stderr: t.Output(),
		})
		_ = out.Close()
		ended <- code
	}()
	s := &server{t: t, stop: func() int {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		return <-ended
	}}
	var told strings.Builder
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "预览：http://localhost:"); ok {
			port, _, _ := strings.Cut(at, "/")
			s.base = "http://127.0.0.1:" + port
			return s, told.String()
		}
		told.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("ended with exit code %d after\n%s", s.stop(), told.String())
	return nil, ""
}

func TestPreview(t *testing.T) {
	data := t.TempDir()
	file := write(t, "示例.csv", "source_key,成果名称,简介,联系人\n1,示例甲成果,一种示例,不公开的人\n2,,没有名称,\n")
	profile := write(t, "profile.json", `{"catalog":"c","title":{"zh":"题"},"publisher":{"zh":"发布者"},"license":{"name":{"zh":"许可"}},"public_url":"https://own.example/"}`)
	s, told := preview(t, data, "--preview", file, "--profile", profile)
	for _, line := range []string{"读取 2 行：可发布 1，未变 0，待审 0，拒绝 1", "仅检查，未发布"} {
		if !strings.Contains(told, line) {
			t.Errorf("%q is not said before the address:\n%s", line, told)
		}
	}
	l := s.list("/api/v1/achievements")
	if l.Meta.Total != 1 || l.Data[0].Title != "示例甲成果" {
		t.Fatalf("%+v", l)
	}
	id := l.Data[0].ID
	if body := s.get("/api/v1/achievements", http.StatusOK); !strings.Contains(body, `"self":"`+s.base+"/api/v1/") {
		t.Errorf("links lead elsewhere: %s", body)
	}
	for path, status := range map[string]int{
		"/": 200, "/achievements": 200, "/achievements/" + id: 200, "/q/" + id: 200, "/about": 200, "/contents": 200, "/nothing": 404, "/q/nothing": 404,
	} {
		page := s.get(path, status)
		if !strings.Contains(page, "预览，未发布") {
			t.Errorf("%s does not say that it is a preview", path)
		}
		if english := s.get(path+"?lang=en", status); !strings.Contains(english, "Preview, not published") {
			t.Errorf("%s does not say in English that it is a preview", path)
		}
		if strings.Contains(page, `class="code"`) || strings.Contains(page, "不公开的人") {
			t.Errorf("%s shows a code or what is never public", path)
		}
	}
	page := s.get("/achievements/"+id, http.StatusOK)
	if !strings.Contains(page, "示例甲成果") || !strings.Contains(page, "预览未发布，二维码扫不开") {
		t.Errorf("the page lacks the title or why there is no code:\n%s", page)
	}
	if code := s.stop(); code != exitDone {
		t.Errorf("stopped with exit code %d", code)
	}
	if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
		t.Errorf("left in the data directory: %v, %v", left, err)
	}
}

// TestPreviewStaysHere: other sites, names pointed at this machine, indexes and
// caches get nothing.
func TestPreviewStaysHere(t *testing.T) {
	s, _ := preview(t, t.TempDir(), "--preview", write(t, "a.csv", "成果名称\n示例甲成果\n"))
	defer s.stop()
	ask := func(path, host string) (int, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		req.Header.Set("Origin", "https://elsewhere.example")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return res.StatusCode, res.Header
	}
	for _, path := range []string{"/", "/api/v1/achievements", "/api/v1/nothing", "/nothing"} {
		for _, host := range []string{"localhost:8080", "127.0.0.1", "[::1]:8080", "[::1]"} {
			status, h := ask(path, host)
			if status == http.StatusMisdirectedRequest || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Cache-Control") != "no-store" ||
				h.Get("X-Robots-Tag") != "noindex" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("%s at %s answers %d with %v", path, host, status, h)
			}
		}
		for _, host := range []string{"elsewhere.example", "localhost.elsewhere.example", "192.0.2.1:8080"} {
			if status, _ := ask(path, host); status != http.StatusMisdirectedRequest {
				t.Errorf("%s at %s answers %d", path, host, status)
			}
		}
	}
}

// TestPreviewOfAChange: the files stand on what is published, and that stays as it
// was.
func TestPreviewOfAChange(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "s")
	store := "dir:" + folder
	luoshu(t, t.TempDir(), publishArgs(write(t, "a.csv", "source_key,成果名称\n1,示例甲\n2,示例乙\n"), store)...).want(t, exitDone)
	before := listed(t, folder)
	file := write(t, "b.csv", "source_key,成果名称\n1,示例甲（改）\n3,示例丙\n")
	luoshu(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0", "--source", store, "--preview", file).want(t, exitUsage)

	s, told := preview(t, t.TempDir(), "--source", store, "--preview", file, "--publisher", "p")
	if !strings.Contains(told, "  名称：示例甲 → 示例甲（改）") || !strings.Contains(told, "新增 1，更新 1，撤回 0") {
		t.Errorf("told\n%s", told)
	}
	if l := s.list("/api/v1/achievements"); l.Meta.Total != 3 || l.Meta.Release.Sequence != 2 {
		t.Errorf("%+v", l.Meta)
	}
	s.stop()
	if after := listed(t, folder); after != before {
		t.Errorf("the store held\n%s\nand holds\n%s", before, after)
	}

	// What the data directory keeps is the current release, too; a demonstration is
	// nothing to stand on.
	data := t.TempDir()
	luoshu(t, t.TempDir(), "sync", "--from", store, "--to", "dir:"+filepath.Join(data, "releases")).want(t, exitDone)
	kept := listed(t, data)
	s, _ = preview(t, data, "--preview", file, "--publisher", "p")
	if l := s.list("/api/v1/achievements"); l.Meta.Total != 3 {
		t.Errorf("%+v", l.Meta)
	}
	s.stop()
	if after := listed(t, data); after != kept {
		t.Errorf("the data directory held\n%s\nand holds\n%s", kept, after)
	}
	demonstration := "dir:" + filepath.Join(t.TempDir(), "demo")
	luoshu(t, t.TempDir(), "demo", "--to", demonstration).want(t, exitDone)
	s, _ = preview(t, t.TempDir(), "--source", demonstration, "--preview", file)
	if l := s.list("/api/v1/achievements"); l.Meta.Total != 2 {
		t.Errorf("%+v", l.Meta)
	}
	s.stop()
}

// listed names every file below dir.
func listed(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, "\n")
}

func TestPreviewIsRefused(t *testing.T) {
	file := write(t, "a.csv", "成果名称\n示例\n")
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"to everybody", []string{"--preview", file, "--addr", "0.0.0.0:8080"}, exitUsage, "open to others"},
		{"to everybody, said shortly", []string{"--preview", file, "--addr", ":8080"}, exitUsage, "open to others"},
		{"to a neighbor", []string{"--preview", file, "--addr", "192.0.2.1:8080"}, exitUsage, "open to others"},
		{"to a name", []string{"--preview", file, "--addr", "localhost.example:8080"}, exitUsage, "open to others"},
		{"no file", []string{"--preview", file + "x", "--addr", "127.0.0.1:0"}, exitUsage, "no such file"},
		{"unknown dataset", []string{"--preview", file, "--addr", "127.0.0.1:0", "--dataset", "x"}, exitUsage, "achievements, demands"},
		{"nothing to show", []string{"--preview", write(t, "a.csv", "成果名称,简介\n,x\n"), "--addr", "127.0.0.1:0"}, exitRefused, "1 refused"},
		{"a store that is away", []string{"--preview", file, "--addr", "127.0.0.1:0", "--source", "redis://" + freeAddress(t) + "/0"}, exitUnavailable, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := t.TempDir()
			o := luoshu(t, data, append([]string{"serve"}, tt.args...)...).want(t, tt.code)
			if all := o.stdout + o.stderr; !strings.Contains(all, tt.says) {
				t.Errorf("says\n%s\nwithout %q", all, tt.says)
			}
			if left, _ := os.ReadDir(data); len(left) > 0 {
				t.Errorf("left in the data directory: %v", left)
			}
		})
	}
}
