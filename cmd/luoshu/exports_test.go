package main

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportsOfANode: a node makes the files of each release it takes in, keeps them
// over a restart, and tells what changed in between. The access log does not read the
// files it counts.
func TestExportsOfANode(t *testing.T) {
	store, data := "dir:"+filepath.Join(t.TempDir(), "store"), t.TempDir()
	publish := func(seq int64, s *server, lines string) {
		t.Helper()
		luoshu(t, t.TempDir(), publishArgs(write(t, "a.csv", "source_key,成果名称\n"+lines), store)...).want(t, exitDone)
		s.releaseIs(seq)
	}
	exported := func(s *server, path string) string {
		t.Helper()
		eventually(t, path+" is there", func() bool {
			status, _ := s.try(path)
			return status == http.StatusOK
		})
		return s.get(path, http.StatusOK)
	}
	s := serve(t, data, "--source", store, "--access-log", "--log-level", "info")
	s.get("/api/v1/exports/achievements.csv", http.StatusServiceUnavailable)
	publish(1, s, "1,甲成果\n2,乙成果\n")
	if body := exported(s, "/api/v1/exports/achievements.csv"); strings.Count(body, "\r\n") != 3 || !strings.Contains(body, "乙成果") {
		t.Errorf("release 1: %s", body)
	}
	publish(2, s, "2,乙成果改名\n3,丙成果\n")
	if body := exported(s, "/api/v1/exports/achievements.csv"); strings.Count(body, "\r\n") != 4 || !strings.Contains(body, "乙成果改名") {
		t.Errorf("release 2: %s", body)
	}
	changes := s.get("/api/v1/releases/2/changes?since=1", http.StatusOK)
	if strings.Count(changes, "\n") != 2 || strings.Count(changes, `"change":"added"`) != 1 || strings.Count(changes, `"change":"updated"`) != 1 {
		t.Errorf("changes: %s", changes)
	}
	sets, err := os.ReadDir(filepath.Join(data, "exports"))
	if err != nil || len(sets) != 2 { // one set, and the changes
		t.Errorf("%v, %v", sets, err)
	}
	s.stop()

	s = serve(t, data, "--source", store)
	exported(s, "/api/v1/exports")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/api/v1/exports/achievements.jsonl", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "zstd")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	if res.Header.Get("Content-Encoding") != "zstd" || res.ContentLength != int64(len(b)) ||
		res.Header.Get("Repr-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
		t.Errorf("after a restart: %v", res.Header)
	}
}
