package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/redis/go-redis/v9"
)

// TestFleet: terminals that follow a hub say how they are. One proves its name, one only
// claims it, and one claims the name that the first has proved.
func TestFleet(t *testing.T) {
	hubData, store := t.TempDir(), "dir:"+t.TempDir()
	luoshu(t, hubData, "demo", "--to", store).want(t, exitDone)
	token := filepath.Join(t.TempDir(), "K1.token")
	secret := luoshu(t, hubData, "fleet", "register", "K1").want(t, exitDone).stdout
	if err := os.WriteFile(token, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	luoshu(t, hubData, "fleet", "register", "K9").want(t, exitDone)
	admin := freeAddress(t)
	hub := serve(t, hubData, "--source", store, "--admin-addr", admin)

	ask := func(path, token string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.SetBasicAuth("operator", token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	states := func() map[string]stationed {
		t.Helper()
		var r fleetReport
		if err := json.Unmarshal([]byte(luoshu(t, hubData, "fleet", "--admin-addr", admin, "--json").want(t, exitDone).stdout), &r); err != nil {
			t.Fatal(err)
		}
		all := map[string]stationed{}
		for _, s := range r.Terminals {
			if s.State != unheard {
				all[s.Terminal] = s
			}
		}
		return all
	}

	terminals := []*server{
		serve(t, t.TempDir(), "--source", hub.base, "--terminal", "K1", "--terminal-token-file", token),
		serve(t, t.TempDir(), "--source", hub.base, "--terminal", "K2"),
	}
	eventually(t, "both terminals are heard", func() bool { return len(states()) == 2 })
	serve(t, t.TempDir(), "--source", hub.base, "--terminal", "K1").stop()
	for _, terminal := range terminals {
		terminal.stop()
	}
	got := states()
	if s := got["K1"]; !s.Registered || s.Release != 1 && s.Release != 0 || s.DiskFree <= 0 || s.Version == "" {
		t.Errorf("K1 = %+v", s)
	}
	if s := got["K2"]; s.Registered {
		t.Errorf("K2 = %+v", s)
	}

	adminToken, err := os.ReadFile(filepath.Join(hubData, "admin-token"))
	if err != nil {
		t.Fatal(err)
	}
	good := strings.TrimSpace(string(adminToken))
	tests := []struct {
		path, token string
		status      int
		says        string
	}{
		{"/fleet", good, 200, "未登记"},
		{"/fleet?lang=en", good, 200, "not registered"},
		{"/fleet?lang=en", good, 200, "<td>K9</td><td>never heard</td>"},
		{"/fleet", "", 401, "token"},
		{"/fleet", good + "x", 401, "token"},
		{"/fleet.json", "", 401, "token"},
		{"/debug/pprof/", good, 404, ""},
		{"/metrics", "", 200, `luoshu_terminals{state="`},
		{"/metrics", "", 200, `luoshu_terminal_silence_seconds{terminal="K1"}`},
		{"/metrics", "", 200, "luoshu_release_records 476"},
		{"/metrics", "", 200, `luoshu_http_responses_total{surface="api",status="2xx"}`},
	}
	for _, tt := range tests {
		status, body := ask(tt.path, tt.token)
		if status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s = %d, without %q:\n%s", tt.path, status, tt.says, body)
		}
	}
	if status, _ := hub.try("/metrics"); status != 404 {
		t.Errorf("/metrics on the public address = %d", status)
	}

	luoshu(t, hubData, "fleet", "remove", "K1").want(t, exitDone)
	luoshu(t, hubData, "fleet", "remove", "K1").want(t, exitUsage)
	luoshu(t, hubData, "fleet", "register", "kiosk").want(t, exitUsage)
}

// TestFleetInRedis: a terminal that follows no hub says in Redis how it is, by a user who
// may do no more than that.
func TestFleetInRedis(t *testing.T) {
	addr, _ := redisServer(t)
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	var acl []any
	for _, word := range strings.Fields("ACL SETUSER luoshu-terminal on >pw resetkeys ~luoshu-gateway:*:fleet resetchannels -@all +ping +hset +expire +hello +select") {
		acl = append(acl, word)
	}
	if err := client.Do(t.Context(), acl...).Err(); err != nil {
		t.Fatal(err)
	}
	data, store := t.TempDir(), "dir:"+t.TempDir()
	luoshu(t, data, "demo", "--to", store).want(t, exitDone)
	serve(t, data, "--source", store, "--terminal", "K7", "--fleet-store", "redis://luoshu-terminal:pw@"+addr).stop()
	out := luoshu(t, t.TempDir(), "fleet", "--fleet-store", "redis://"+addr, "--json").want(t, exitDone).stdout
	if !strings.Contains(out, `"K7"`) || !strings.Contains(out, `"registered": true`) {
		t.Errorf("the fleet is %s", out)
	}
}
