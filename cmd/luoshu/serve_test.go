package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// server runs luoshu serve inside the test.
type server struct {
	t    *testing.T
	base string
	stop func() int
}

func serve(t *testing.T, data string, args ...string) *server {
	t.Helper()
	addr := freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, environment{
			args: append([]string{"serve", "--addr", addr, "--data-dir", data, "--log-level", "error"}, args...), lookup: func(string) (string, bool) { return "", false },
			stdin: strings.NewReader(""), stdout: io.Discard, stderr: t.Output(),
		})
	}()
	s := &server{t: t, base: "http://" + addr}
	stopped := false
	s.stop = func() int {
		if stopped {
			return exitDone
		}
		stopped = true
		cancel()
		http.DefaultClient.CloseIdleConnections()
		return <-ended
	}
	t.Cleanup(func() { s.stop() })
	eventually(t, "the server is alive", func() bool {
		status, _ := s.try("/livez")
		return status == http.StatusOK
	})
	return s
}

func (s *server) try(path string) (int, string) {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

// get expects status.
func (s *server) get(path string, status int) string {
	s.t.Helper()
	got, body := s.try(path)
	if got != status {
		s.t.Fatalf("%s answers %d, want %d: %s", path, got, status, body)
	}
	return body
}

type list struct {
	Data []struct{ ID, Title string }
	Meta struct {
		Total   int
		Release struct{ Sequence int64 }
	}
	Links struct{ Next *string }
}

func (s *server) list(path string) list {
	s.t.Helper()
	var l list
	if err := json.Unmarshal([]byte(s.get(path, http.StatusOK)), &l, json.MatchCaseInsensitiveNames(true)); err != nil {
		s.t.Fatal(err)
	}
	return l
}

// releaseIs waits until the server shows release seq.
func (s *server) releaseIs(seq int64) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("release %d is shown", seq), func() bool {
		status, body := s.try("/statusz")
		return status == http.StatusOK && strings.Contains(body, fmt.Sprintf(`"release":%d,`, seq))
	})
}

func TestServeShowsTheDemonstration(t *testing.T) {
	s := serve(t, t.TempDir())
	if page := s.get("/", http.StatusOK); !strings.Contains(page, "示例") {
		t.Error("the home page does not say 示例")
	}
	l := s.list("/api/v1/achievements?limit=1")
	if l.Meta.Total < 160 || len(l.Data) != 1 {
		t.Fatalf("%+v", l)
	}
	id := l.Data[0].ID
	if page := s.get("/achievements/"+id, http.StatusOK); !strings.Contains(page, l.Data[0].Title) || !strings.Contains(page, id) {
		t.Error("the detail page lacks title or code")
	}
	s.get("/q/"+strings.ToLower(id), http.StatusOK)
	s.get("/readyz", http.StatusOK)
	s.get("/api/v1/nothing", http.StatusNotFound)
	s.get("/nothing", http.StatusNotFound)
	if code := s.stop(); code != exitDone {
		t.Errorf("stopped with exit code %d", code)
	}
}

// TestThroughRedis is the main job: publish, see it, change it, lose Redis, and
// start again without it.
func TestThroughRedis(t *testing.T) {
	addr, kill := redisServer(t)
	store, data, publisher := "redis://"+addr+"/0", t.TempDir(), t.TempDir()

	s := serve(t, data, "--source", store)
	s.get("/readyz", http.StatusServiceUnavailable)
	s.get("/api/v1/achievements", http.StatusServiceUnavailable)
	if page := s.get("/", http.StatusServiceUnavailable); strings.Contains(page, "示例") {
		t.Error("a configured node shows the demonstration")
	}

	luoshu(t, publisher, publishArgs(write(t, "a.csv", "source_key,成果名称\n1,甲成果\n2,乙成果\n"), store)...).want(t, exitDone)
	s.releaseIs(1)
	first := s.list("/api/v1/achievements?limit=1")
	luoshu(t, publisher, publishArgs(write(t, "a.csv", "source_key,成果名称\n1,甲成果\n3,丙成果\n"), store, "--replace", "--allow-shrink")...).want(t, exitDone)
	s.releaseIs(2)
	// A walk begun in release 1 ends there.
	if second := s.list(strings.TrimPrefix(*first.Links.Next, s.base)); second.Meta.Release.Sequence != 1 || second.Meta.Total != 2 {
		t.Errorf("the walk went on in %+v", second.Meta)
	}
	gone := luoshu(t, publisher, "check", write(t, "a.csv", "source_key,成果名称\n2,乙成果\n"), "--publisher", "p", "--against", store, "--json").want(t, exitRefused).report(t)
	if page := s.get("/q/"+gone.Rows[0].ID, http.StatusGone); !strings.Contains(page, "乙成果") {
		t.Error("the page of a withdrawn record does not name it")
	}

	kill()
	eventually(t, "the status says that the store is away", func() bool {
		_, body := s.try("/statusz")
		return strings.Contains(body, `"reachable":false`)
	})
	s.get("/readyz", http.StatusOK)
	if l := s.list("/api/v1/achievements"); l.Meta.Total != 2 {
		t.Errorf("without Redis: %+v", l.Meta)
	}
	s.stop()

	again := serve(t, data, "--source", store)
	again.releaseIs(2)
	if l := again.list("/api/v1/achievements"); l.Meta.Total != 2 {
		t.Errorf("started without Redis: %+v", l.Meta)
	}
	again.get("/achievements", http.StatusOK)
	again.stop()

	// Without a source the data directory is shown, not the demonstration.
	alone := serve(t, data)
	alone.releaseIs(2)
}

// TestHub: a node serves another.
func TestHub(t *testing.T) {
	store := "dir:" + filepath.Join(t.TempDir(), "s")
	luoshu(t, t.TempDir(), "demo", "--to", store).want(t, exitDone)
	hub := serve(t, t.TempDir(), "--source", store)
	node := serve(t, t.TempDir(), "--source", hub.base)
	node.releaseIs(1)
	for _, path := range []string{"/api/v1/achievements", "/api/v1/demands?limit=3", "/api/v1/releases/1/manifest"} {
		if a, b := hub.get(path, http.StatusOK), node.get(path, http.StatusOK); a != b {
			t.Errorf("%s differs between hub and node", path)
		}
	}
}

func TestHealth(t *testing.T) {
	s := serve(t, t.TempDir())
	addr := strings.TrimPrefix(s.base, "http://")
	luoshu(t, t.TempDir(), "health", "--addr", addr).want(t, exitDone)
	s.stop()
	luoshu(t, t.TempDir(), "health", "--addr", addr).want(t, exitUnavailable)
}

// TestLinksBeginWithThePublicAddress: the configured one, else the catalog's own,
// never what the client says.
func TestLinksBeginWithThePublicAddress(t *testing.T) {
	store := "dir:" + filepath.Join(t.TempDir(), "s")
	profile := write(t, "profile.json", `{"catalog":"c","title":{"zh":"题"},"publisher":{"zh":"发布者"},"license":{"name":{"zh":"许可"}},"public_url":"https://own.example/"}`)
	luoshu(t, t.TempDir(), publishArgs(write(t, "a.csv", "成果名称\n甲成果\n"), store, "--profile", profile)...).want(t, exitDone)
	for _, tt := range []struct{ flag, want string }{{"", "https://own.example/api/v1/"}, {"https://other.example", "https://other.example/api/v1/"}} {
		s := serve(t, t.TempDir(), "--source", store, "--public-url", tt.flag)
		if body := s.get("/api/v1/achievements", http.StatusOK); !strings.Contains(body, `"self":"`+tt.want) {
			t.Errorf("with %q: %s", tt.flag, body)
		}
		s.stop()
	}
}
