package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"luoshu/catalog"
)

// serveHub serves m by the paths of the open-data API.
func serveHub(t *testing.T, m *Memory) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/releases/current/pointer", func(w http.ResponseWriter, r *http.Request) {
		p, err := m.Current(r.Context())
		if err != nil {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			return
		}
		b, _ := catalog.Canonical(p)
		_, _ = w.Write(b)
	})
	for path, content := range map[string]map[catalog.Hash][]byte{
		"manifests/{hash}": m.manifests, "manifests/{hash}/minisig": m.signatures, "objects/{hash}": m.objects,
	} {
		mux.HandleFunc("GET /api/v1/"+path, func(w http.ResponseWriter, r *http.Request) {
			b, ok := content[catalog.Hash(r.PathValue("hash"))]
			if !ok {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = w.Write(b)
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func openHub(t *testing.T, url string) *Hub {
	t.Helper()
	h, err := OpenHub(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// TestHub is the reading half of testStore.
func TestHub(t *testing.T) {
	ctx := context.Background()
	all := series(t, aName, 3)
	m := NewMemory("memory")
	h := openHub(t, serveHub(t, m).URL+"/")

	_, err := h.Current(ctx)
	wantError(t, "Current", err, catalog.ErrNoRelease)
	for what, get := range readers(h) {
		_, err := get(ctx, all[0].Release.Hash)
		wantError(t, what, err, catalog.ErrNotFound)
		_, err = get(ctx, "../../etc/passwd")
		wantError(t, what+" of a name that is no hash", err, catalog.ErrInvalid)
	}

	publish(t, m, all[:2]...)
	if err := Publish(ctx, m, all[2], []byte("signed"), nil); err != nil {
		t.Fatal(err)
	}
	wantCurrent(t, h, all[2].Release.Pointer())
	for _, p := range all {
		wantRelease(t, h, p.Release)
	}
	if b, err := h.Signature(ctx, all[2].Release.Hash); err != nil || string(b) != "signed" {
		t.Errorf("Signature = %q, %v", b, err)
	}
	_, err = h.Signature(ctx, all[1].Release.Hash)
	wantError(t, "Signature of an unsigned manifest", err, catalog.ErrNotFound)

	dir := localDir(t)
	done, err := Copy(ctx, h, dir, 2, nil)
	if err != nil || done.Releases != 2 {
		t.Errorf("Copy = %+v, %v", done, err)
	}
	wantRelease(t, dir, all[2].Release)
	n := start(t, Options{Source: h, Local: localDir(t)}, nil)
	if poll := n.feeds[0].poll; poll != remotePoll {
		t.Errorf("poll = %s, want %s for a hub", poll, remotePoll)
	}
	wantServing(t, n, all[2])

	m.objects[all[2].Objects[0].Ref.Hash] = []byte("rubbish")
	_, err = Load(ctx, h, all[2].Release.Pointer())
	wantError(t, "Load", err, catalog.ErrDamaged)
}

func TestHubMisbehaves(t *testing.T) {
	pub := first100(t, aName)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"captive portal": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>welcome</html>") }, catalog.ErrDamaged},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				b, _ := catalog.Canonical(pub.Release.Pointer())
				_, _ = w.Write(b)
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, catalog.ErrUnavailable},
		"failing":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, catalog.ErrUnavailable},
		"busy":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, catalog.ErrUnavailable},
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, catalog.ErrUnavailable},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				fmt.Fprint(w, strings.Repeat(" ", maxPointerBytes))
			}
		}, catalog.ErrDamaged},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "{")
		}, catalog.ErrUnavailable},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, catalog.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			h := openHub(t, server.URL)
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			_, err := h.Current(ctx)
			wantError(t, "Current", err, c.want)
			if errors.Is(c.want, catalog.ErrUnavailable) {
				_, err := h.Object(ctx, pub.Objects[0].Ref.Hash)
				wantError(t, "Object", err, catalog.ErrUnavailable)
			}
		})
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	_, err := openHub(t, gone.URL).Current(context.Background())
	wantError(t, "Current of a hub that is gone", err, catalog.ErrUnavailable)
}

// TestHubStandsStill: an answer that stands still is given up, and gone on with.
func TestHubStandsStill(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 1<<10)
	hash := catalog.HashOf(body)
	release := make(chan struct{})
	var ranges []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"whole"`)
		ranges = append(ranges, r.Header.Get("Range"))
		if len(ranges) > 1 {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
			return
		}
		w.Header().Set("Accept-Ranges", "bytes")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:100])
		_ = http.NewResponseController(w).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)
	hub := openHub(t, server.URL)
	hub.stall = 50 * time.Millisecond
	got, err := hub.Object(t.Context(), hash)
	if err != nil || !bytes.Equal(got, body) || !slices.Equal(ranges, []string{"", "bytes=100-"}) {
		t.Errorf("%d bytes, %v, asked for %q", len(got), err, ranges)
	}
}

// TestHubAsksForPatience: who is asked too fast is asked again when it says, unless that is
// another day.
func TestHubAsksForPatience(t *testing.T) {
	for _, tt := range []struct {
		retry string
		asked int64
		err   error
	}{{"1", 2, catalog.ErrNoRelease}, {"3600", 1, catalog.ErrUnavailable}, {"soon", 1, catalog.ErrUnavailable}, {"-1", 1, catalog.ErrUnavailable}} {
		t.Run(tt.retry, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) > 1 {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				w.Header().Set("Retry-After", tt.retry)
				w.WriteHeader(http.StatusTooManyRequests)
			}))
			defer server.Close()
			if _, err := openHub(t, server.URL).Current(t.Context()); !errors.Is(err, tt.err) || asked.Load() != tt.asked {
				t.Errorf("asked %d times: %v", asked.Load(), err)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	for place, want := range map[string]string{
		"redis://:pw@h/1?catalog=c":        "redis://h:6379/1?catalog=c",
		"rediss-cluster://h":               "rediss-cluster://h:6379?catalog=luoshu",
		"redis-sentinel://u:pw@h?master=m": "redis-sentinel://h:26379/0?master=m&catalog=luoshu",
		"dir:" + dir + "/new":              "dir:" + dir + "/new",
		dir:                                "dir:" + dir,
		dir + "/x.luoshu":                  dir + "/x.luoshu",
		"https://hub.example/":             "https://hub.example",
		"http://127.0.0.1:8080/sub":        "http://127.0.0.1:8080/sub",
		"":                                 "",
		dir + "/missing":                   "",
		"redis:h":                          "",
		"redis:user:pw@h":                  "",
		"redis://h?x=1":                    "",
		"ftp://user:pw@h":                  "",
		"https://":                         "",
		"https://user:pw@h":                "",
		"https://h?token=pw":               "",
		"https://h#pw":                     "",
		"http://h:pw":                      "",
		"dir:":                             "",
	} {
		s, err := Open(ctx, place)
		if (err == nil) != (want != "") {
			t.Errorf("Open(%q) = %v, want %q", place, err, want)
			continue
		}
		if err != nil {
			wantError(t, "Open "+place, err, catalog.ErrInvalid)
			if s != nil || strings.Contains(err.Error(), "pw") {
				t.Errorf("Open(%q) = %v, %v", place, s, err)
			}
			continue
		}
		if s.String() != want {
			t.Errorf("Open(%q) is %s, want %s", place, s, want)
		}
		_ = s.Close()
		w, err := OpenWriter(ctx, place)
		switch readOnly := strings.HasPrefix(place, "http"); {
		case readOnly:
			wantError(t, "OpenWriter "+place, err, catalog.ErrReadOnly)
		case err != nil:
			t.Errorf("OpenWriter(%q) = %v", place, err)
		default:
			_ = w.Close()
		}
	}
	if _, err := OpenWriter(ctx, "nothing"); err == nil || !strings.Contains(err.Error(), "redis-sentinel://") {
		t.Errorf("OpenWriter = %v, does not name the forms", err)
	}
}

// TestHubGoesOnWhereItStopped: an object whose answer is cut off is asked for from there on,
// and begun anew where the hub has another one by then.
func TestHubGoesOnWhereItStopped(t *testing.T) {
	body := bytes.Repeat([]byte("洛书"), 5000)
	for name, test := range map[string]struct {
		ranges bool
		etag   string
		want   error
	}{
		"resumed":                     {true, `"a"`, nil},
		"a hub that cannot":           {false, `"a"`, catalog.ErrUnavailable},
		"a hub whose tag says little": {true, `W/"a"`, catalog.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Header.Get("Range"))
				from := 0
				if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && r.Header.Get("If-Range") == test.etag {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
				}
				w.Header().Set("ETag", test.etag)
				if test.ranges {
					w.Header().Set("Accept-Ranges", "bytes")
				}
				w.Header().Set("Content-Length", strconv.Itoa(len(body)-from))
				if from > 0 {
					w.WriteHeader(http.StatusPartialContent)
				}
				_, _ = w.Write(body[from:min(from+12_000, len(body))]) // and no more
			}))
			defer hub.Close()
			got, err := openHub(t, hub.URL).Object(context.Background(), catalog.HashOf(body))
			if !errors.Is(err, test.want) || test.want == nil && !bytes.Equal(got, body) {
				t.Fatalf("%d bytes, %v, want %v", len(got), err, test.want)
			}
			if test.want == nil && !slices.Equal(asked, []string{"", "bytes=12000-", "bytes=24000-"}) {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}
