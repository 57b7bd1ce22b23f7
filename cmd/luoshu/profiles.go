package main

import (
	"net/http"
	"runtime/pprof"
	"strconv"
	"time"
)

// Profiles of the program are at the paths that go tool pprof knows. The handlers of
// net/http/pprof are passed over: they draw in a reader of profiles, which nothing else
// here needs.

const (
	// profiled is how long a profile of the processor takes unless the request says.
	profiled        = 30 * time.Second
	longestProfiled = 2 * time.Minute
)

func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/profile", processorProfile)
	mux.HandleFunc("GET /debug/pprof/{name}", func(w http.ResponseWriter, r *http.Request) {
		p := pprof.Lookup(r.PathValue("name"))
		if p == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_ = p.WriteTo(w, 0) // fails when the reader has gone
	})
	return mux
}

// processorProfile writes where the processor spent the time of ?seconds=.
func processorProfile(w http.ResponseWriter, r *http.Request) {
	length := profiled
	if s := r.FormValue("seconds"); s != "" {
		n, err := strconv.Atoi(s)
		if length = time.Duration(n) * time.Second; err != nil || n < 1 || length > longestProfiled {
			http.Error(w, "seconds: 1 to "+strconv.Itoa(int(longestProfiled.Seconds())), http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := pprof.StartCPUProfile(w); err != nil {
		http.Error(w, "a profile is being taken", http.StatusConflict)
		return
	}
	defer pprof.StopCPUProfile()
	select {
	case <-r.Context().Done():
	case <-time.After(length):
	}
}
