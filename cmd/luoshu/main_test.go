package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(buildDir)
			os.Exit(code)
		}),
		// A stopped server's pool of workers notices it at its next turn, within ten
		// seconds; the clock of the Date header runs as long as the program.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// buildDir holds the built program and is removed when the tests end.
var buildDir string

// build makes the program as it is delivered: without the race detector, which
// would make every start ten times slower.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if buildDir, err = os.MkdirTemp("", "luoshu-test-*"); err != nil {
		return "", err
	}
	path := filepath.Join(buildDir, "luoshu")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// program returns luoshu as a process of its own, to be measured or killed.
func program(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(ctx, path, args...)
}

// outcome is what a command line left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// luoshu runs a command line inside the test. Its data directory is dir.
func luoshu(t testing.TB, dir string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), environment{
		args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		lookup: func(name string) (string, bool) {
			v, ok := map[string]string{"LUOSHU_DATA_DIR": dir, "LANG": "en_US.UTF-8"}[name]
			return v, ok
		},
	})
	return outcome{code, stdout.String(), stderr.String()}
}

// want fails the test unless the command ended with code.
func (o outcome) want(t testing.TB, code int) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d\n%s%s", o.code, code, o.stdout, o.stderr)
	}
	return o
}

// write puts content into a new file and returns its name.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// redisServer starts a real Redis for the test and returns its address and a way
// to kill it.
func redisServer(t testing.TB) (addr string, kill func()) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not installed; make test installs it")
		}
		t.Skip("redis-server is not installed; make test installs it")
	}
	addr = freeAddress(t)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(binary, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	eventually(t, "redis-server answers", func() bool {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return addr, kill
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// eventually waits until done says so. The limit only ends a hopeless wait.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// records is how many achievements rows makes.
const records = 400

// rows makes a JSON Lines file of achievements whose abstracts name the round.
func rows(round int) string {
	var b strings.Builder
	for i := range records {
		fmt.Fprintf(&b, `{"source_key":"%d","title":"成果%d","abstract":"第%d轮 %s"}`+"\n", i, i, round, strings.Repeat(strconv.Itoa(i*7919+round), 20))
	}
	return b.String()
}

// publishArgs is a whole command line that publishes file to store.
func publishArgs(file, store string, more ...string) []string {
	return append([]string{
		"publish", file, "--to", store, "--publisher", "p", "--dataset", "achievements",
		"--reviewed-by", "Example", "--reviewed-on", "2026-11-20", "--json",
	}, more...)
}
