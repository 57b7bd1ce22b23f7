package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"luoshu/catalog"
)

// The admin listener is for the operator alone: metrics, the fleet and, when asked for,
// profiles. It has an address of its own, so that a proxy before the public one cannot
// lead to it by mistake.

// adminFlags say whether there is an admin listener, and what it shows.
type adminFlags struct {
	addr  string
	token string
	pprof bool
}

func (a *adminFlags) register(f *pflag.FlagSet) {
	f.StringVar(&a.addr, "admin-addr", "", "address of the admin listener, such as 127.0.0.1:9180: /metrics, /fleet (default: none)")
	f.StringVar(&a.token, "admin-token-file", "", "file of the token that /fleet asks for, made when it is not there (default: admin-token in the data directory)")
	f.BoolVar(&a.pprof, "pprof", false, "serve profiles of the program on the admin listener, under the same token")
}

func (a *adminFlags) tokenFile(dataDir string) string {
	return dataFile(a.token, dataDir, "admin-token")
}

// readToken returns the token in a file, which it makes when it is not there.
func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b = []byte("luoshu_" + rand.Text() + "\n")
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
	}
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 16 {
		return "", catalog.NewTextError(catalog.ErrInvalid, catalog.Text{
			ZH: "%s 中的令牌不足 16 个字符；删除该文件，启动时会重新生成",
			EN: "the token in %s has fewer than 16 characters; remove the file and the next start makes one",
		}, path)
	}
	return token, nil
}

// admin serves the admin listener.
type admin struct {
	server   *http.Server
	listener net.Listener
	log      *slog.Logger
}

// open listens at the address, if there is one. t and d are what it shows.
func (a *adminFlags) open(ctx context.Context, dataDir string, t *telemetry, d *dispatcher, log *slog.Logger) (*admin, error) {
	if a.addr == "" {
		if a.pprof {
			return nil, usage("--pprof 需要 --admin-addr", "--pprof needs --admin-addr")
		}
		return nil, nil
	}
	token, err := readToken(a.tokenFile(dataDir))
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.addr)
	if err != nil {
		return nil, catalog.NewTextError(nil, catalog.Text{ZH: "%v；请用 --admin-addr 换一个地址", EN: "%v; choose another address with --admin-addr"}, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", t.serve)
	mux.Handle("GET /fleet", guarded(token, http.HandlerFunc(d.page)))
	mux.Handle("GET /fleet.json", guarded(token, http.HandlerFunc(d.json)))
	if a.pprof {
		mux.Handle("GET /debug/pprof/", guarded(token, profiles()))
	}
	return &admin{
		listener: listener, log: log,
		server: &http.Server{Handler: mux, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)},
	}, nil
}

// run serves until ctx is done.
func (a *admin) run(ctx context.Context) {
	if a == nil {
		return
	}
	a.log.Info("admin listener", slog.String("addr", a.listener.Addr().String()))
	stop := context.AfterFunc(ctx, func() {
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if a.server.Shutdown(patient) != nil {
			_ = a.server.Close()
		}
	})
	defer stop()
	if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		a.log.Error("admin listener ended", slog.Any("error", err))
	}
}

// guarded asks for the token: as a bearer's, or as the password of whatever name, which a
// browser can be given.
func guarded(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			_, given, _ = r.BasicAuth()
		}
		got := sha256.Sum256([]byte(given))
		w.Header().Set("Cache-Control", "no-store")
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="luoshu", charset="UTF-8"`)
			http.Error(w, "401 the token of this node is asked for, as the password", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
