package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var restarts = flag.Int("restarts", 3, "how often TestRestartsLoseNothing restarts the server")

// TestRestartsLoseNothing: while systemd holds the socket, clients ask without a pause,
// each over a connection of its own, and the server is restarted again and again. Every
// request is answered. After a kill, one that was under way may be lost, and nothing else:
// the server is back with the true release.
func TestRestartsLoseNothing(t *testing.T) {
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	luoshu(t, data, "demo", "--to", "dir:"+filepath.Join(data, "releases")).want(t, exitDone)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = socket.Close(), listener.Close() }()
	start := func() *exec.Cmd {
		t.Helper()
		// The shell knows its number before it becomes the server.
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve --log-level error --data-dir "$1"`, path, data)
		cmd.ExtraFiles = []*os.File{socket}
		cmd.Stderr = t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	s := &server{t: t, base: "http://" + listener.Addr().String()}
	server := start()
	s.get("/readyz", http.StatusOK)

	var answered, lost atomic.Int64
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for n := range 4 {
		clients.Go(func() {
			transport := &http.Transport{DisableKeepAlives: true}
			client := http.Client{Transport: transport, Timeout: time.Minute}
			for i := n; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				url := s.base + []string{"/", "/api/v1/achievements?limit=3", "/livez", "/search?q=%E8%BD%B4%E6%89%BF"}[i%4]
				if err := fetch(t, &client, url); err != nil {
					lost.Add(1)
					t.Error(err)
					return
				}
				answered.Add(1)
			}
		})
	}
	for range *restarts {
		seen := answered.Load()
		eventually(t, "clients are answered", func() bool { return answered.Load() > seen+20 || lost.Load() > 0 })
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := server.Wait(); err != nil {
			t.Errorf("the server ends with %v", err)
		}
		server = start()
	}
	seen := answered.Load()
	eventually(t, "clients are answered", func() bool { return answered.Load() > seen+20 || lost.Load() > 0 })
	close(stop)
	clients.Wait()
	t.Logf("%d requests over %d restarts, %d lost", answered.Load(), *restarts, lost.Load())

	_ = server.Process.Kill()
	_ = server.Wait()
	server = start()
	begun := time.Now()
	s.get("/", http.StatusOK)
	t.Logf("a true page %s after the start that follows a kill", time.Since(begun).Round(time.Millisecond))
	_ = server.Process.Signal(syscall.SIGTERM)
	_ = server.Wait()
}

func fetch(t *testing.T, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || len(b) == 0 {
		return fmt.Errorf("%s = %d, %d bytes, %w", url, res.StatusCode, len(b), err)
	}
	return nil
}
