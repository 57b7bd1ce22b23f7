package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/redis/go-redis/v9"

	"luoshu/opendata"
)

// from asks as a client behind a proxy on this machine, with a key unless it is empty.
func (s *server) from(client, key, path string) (int, http.Header) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", client)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode, res.Header
}

// slow gives a client hardly more than its burst while a test lasts.
const slow = "record=0.001/20/0"

// TestNodesShareLimits: two nodes of a hub give a client what one would; when Redis is
// frozen or killed each gives it alone, and answers as fast as ever.
func TestNodesShareLimits(t *testing.T) {
	addr, kill := redisServer(t)
	store := "redis://" + addr
	args := []string{"--limits", slow, "--limits-store", store, "--trusted-proxy", "127.0.0.1", "--source", "dir:" + filepath.Join(t.TempDir(), "s")}
	luoshu(t, t.TempDir(), "demo", "--to", args[len(args)-1]).want(t, exitDone)
	a, b := serve(t, t.TempDir(), args...), serve(t, t.TempDir(), args...)
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	const channel = "luoshu-gateway:{luoshu}:spent"
	eventually(t, "both nodes listen", func() bool {
		n, err := client.PubSubNumSub(t.Context(), channel).Result()
		return err == nil && n[channel] == 2
	})
	left := func(s *server, client string) string {
		_, header := s.from(client, "", "/api/v1")
		return header.Get("RateLimit")
	}
	// usedUp asks node a until the client may no more, and says how often that went well.
	usedUp := func(s *server, client string) (answered int) {
		for {
			status, _ := s.from(client, "", "/api/v1")
			if status == http.StatusTooManyRequests {
				return answered
			}
			answered++
		}
	}
	refused := func(s *server, client string) bool {
		return strings.Contains(left(s, client), "r=0;")
	}
	if n := usedUp(a, "192.0.2.1"); n != 20 {
		t.Errorf("%d answers, want 20", n)
	}
	eventually(t, "node b knows what node a gave", func() bool { return refused(b, "192.0.2.1") })

	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if !refused(b, "192.0.2.1") {
		t.Error("a flushed Redis forgets what was spent")
	}

	info, err := client.Info(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	pid := ""
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "process_id:"); ok {
			pid = v
		}
	}
	signal := func(name string) {
		t.Helper()
		if out, err := exec.Command("kill", "-"+name, pid).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	signal("STOP")
	time.Sleep(3 * time.Second / 10) // a message is under way
	if n, m := usedUp(a, "192.0.2.2"), usedUp(b, "192.0.2.2"); n != 20 || m != 20 {
		t.Errorf("Redis frozen: %d and %d answers, want 20 each", n, m)
	}
	signal("CONT")
	shared := 0
	eventually(t, "limits are shared again", func() bool {
		shared++
		who := fmt.Sprintf("192.0.2.%d", 10+shared%200)
		usedUp(a, who)
		time.Sleep(300 * time.Millisecond)
		return refused(b, who)
	})
	kill()
	if n, m := usedUp(a, "198.51.100.3"), usedUp(b, "198.51.100.3"); n != 20 || m != 20 {
		t.Errorf("Redis killed: %d and %d answers, want 20 each", n, m)
	}
	a.get("/readyz", http.StatusOK)
}

// TestLimitsOfANode: who is held to limits, and who is not.
func TestLimitsOfANode(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data, "--limits", slow, "--trusted-proxy", "127.0.0.0/8")
	for range 20 {
		s.from("192.0.2.1", "", "/api/v1")
	}
	if status, header := s.from("192.0.2.1", "", "/api/v1"); status != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("the 21st request: %d %v", status, header)
	}
	// Pages are not counted, and neither is this machine's own screen.
	for _, path := range []string{"/", "/achievements", "/search?q=a", "/developers", "/openapi.json"} {
		if status, _ := s.from("192.0.2.1", "", path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	for range 50 {
		s.get("/api/v1", http.StatusOK)
		s.get("/api/v1/suggest?q=zhou", http.StatusOK)
	}

	// A key that is issued while the server runs, and revoked.
	var issued struct{ ID, Key string }
	if err := json.Unmarshal([]byte(luoshu(t, data, "key", "issue", "--note", "a portal", "--json").want(t, exitDone).stdout), &issued, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.from("192.0.2.2", "luoshu_WRONG", "/api/v1"); status != http.StatusUnauthorized {
		t.Errorf("a key that was never issued: %d", status)
	}
	eventually(t, "the key counts", func() bool {
		status, header := s.from("192.0.2.1", issued.Key, "/api/v1")
		return status == http.StatusOK && strings.Contains(header.Get("RateLimit-Policy"), "q=200;")
	})
	luoshu(t, data, "key", "revoke", issued.ID).want(t, exitDone)
	eventually(t, "the key is worthless", func() bool {
		status, _ := s.from("192.0.2.3", issued.Key, "/api/v1")
		return status == http.StatusUnauthorized || status == http.StatusTooManyRequests
	})
}

func TestLimitsOff(t *testing.T) {
	s := serve(t, t.TempDir(), "--limits", "off")
	if status, header := s.from("192.0.2.1", "nothing", "/api/v1"); status != http.StatusOK || header.Get("RateLimit") != "" {
		t.Errorf("%d %v", status, header)
	}
}

// TestKeys: a key is shown once, and what is kept of it is worth nothing.
func TestKeys(t *testing.T) {
	data := t.TempDir()
	shown := luoshu(t, data, "key", "issue", "--note", "示例门户").want(t, exitDone).stdout
	key, _, _ := strings.Cut(shown, "\n")
	if !strings.HasPrefix(key, "luoshu_") || len(key) < 30 {
		t.Fatalf("%q is no key", key)
	}
	file := filepath.Join(data, "keys.jsonl")
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(kept), key) || strings.Contains(string(kept), strings.TrimPrefix(key, "luoshu_")) {
		t.Error("the key itself is kept")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	luoshu(t, data, "key", "issue").want(t, exitDone)
	list := luoshu(t, data, "key", "list").want(t, exitDone).stdout
	if strings.Count(list, "\n") != 2 || !strings.Contains(list, "示例门户") || strings.Contains(list, key) {
		t.Errorf("list: %s", list)
	}
	id, _, _ := strings.Cut(list, " ")
	luoshu(t, data, "key", "revoke", "ffffffff-").want(t, exitUsage)
	luoshu(t, data, "key", "revoke", id).want(t, exitDone)
	if list := luoshu(t, data, "key", "list").want(t, exitDone).stdout; strings.Contains(list, id) {
		t.Errorf("revoked: %s", list)
	}
	luoshu(t, data, "key", "issue", "--note", strings.Repeat("长", 101)).want(t, exitUsage)
	damaged := write(t, "keys.jsonl", "{\"id\":\"x\"}\n")
	luoshu(t, data, "key", "list", "--keys", damaged).want(t, exitFailed)
	luoshu(t, data, "serve", "--addr", "127.0.0.1:0", "--keys", damaged).want(t, exitFailed)
}

func TestParseLimits(t *testing.T) {
	for _, tt := range []struct {
		text string
		want string // formatted, empty when refused
	}{
		{"", formatLimits(opendata.DefaultLimits)},
		{formatLimits(opendata.DefaultLimits), formatLimits(opendata.DefaultLimits)},
		{"search=0.5/3/0", "record=50/200/1000000,search=0.5/3/0,export=5/300/20000"},
		{"export=1/2/3, record=4/5/6", "record=4/5/6,search=20/200/200000,export=1/2/3"},
		{"record=50/200", ""},
		{"record=50/200/1/1", ""},
		{"records=50/200/1", ""},
		{"record=1/1/1,record=1/1/1", ""},
		{"record=0/1/1", ""},
		{"record=NaN/1/1", ""},
		{"record=1/0/1", ""},
		{"record=1/1/-1", ""},
		{"record=x/1/1", ""},
		{"on", ""},
	} {
		limits, on, err := parseLimits(tt.text)
		if got := formatLimits(limits); (err != nil) != (tt.want == "") || err == nil && (got != tt.want || !on) {
			t.Errorf("%q: %s, %v, %v", tt.text, got, on, err)
		}
	}
	if _, on, err := parseLimits("off"); on || err != nil {
		t.Errorf("off: %v, %v", on, err)
	}
	for text, ok := range map[string]bool{"10.0.0.0/8": true, "127.0.0.1": true, "::1": true, "2001:db8::/32": true, "proxy.example": false, "10.0.0.0/33": false} {
		if _, err := parseProxies([]string{text}); (err == nil) != ok {
			t.Errorf("--trusted-proxy %s: %v", text, err)
		}
	}
}
