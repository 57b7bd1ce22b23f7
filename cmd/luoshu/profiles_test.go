package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	const gzip = "\x1f\x8b"
	tests := []struct {
		path   string
		status int
		begins string
	}{
		{"heap", 200, gzip},
		{"goroutine", 200, gzip},
		{"profile?seconds=1", 200, gzip},
		{"profile?seconds=0", 400, "seconds: 1 to 120"},
		{"profile?seconds=121", 400, "seconds: 1 to 120"},
		{"profile?seconds=all", 400, "seconds: 1 to 120"},
		{"secrets", 404, "404"},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		profiles().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/pprof/"+tt.path, nil))
		if w.Code != tt.status || !strings.HasPrefix(w.Body.String(), tt.begins) {
			t.Errorf("%s = %d %.20q", tt.path, w.Code, w.Body)
		}
	}
}
