package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// patience is how long anything may take here. It ends a hopeless wait and decides
// nothing else.
const patience = 90 * time.Second

// buildDir holds the program and is removed when the tests end.
var buildDir string

// build makes the program as it is delivered, once.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if buildDir, err = os.MkdirTemp("", "luoshu-e2e-*"); err != nil {
		return "", err
	}
	path := filepath.Join(buildDir, "luoshu")
	if out, err := exec.Command("go", "build", "-o", path, "luoshu/cmd/luoshu").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// command returns a command line of the program, with its data in dir.
func command(t testing.TB, dir string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append(args, "--data-dir", dir)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LUOSHU_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Stderr = t.Output()
	return cmd
}

// server is luoshu serve, as a process.
type server struct {
	t    testing.TB
	base string // its address, as in http://127.0.0.1:1234
	addr string
	dir  string
	args []string
	said io.Writer // takes its log
	cmd  *exec.Cmd // nil while it is down
}

// serve starts the program with args on a free port of this machine. Without a source
// among them it shows the demonstration. It is stopped when the test ends, and must
// then stop as asked.
func serve(t testing.TB, args ...string) *server {
	t.Helper()
	s := &server{t: t, addr: "127.0.0.1:0", dir: t.TempDir(), args: args, said: t.Output()}
	s.start()
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// running are the servers that tests share, by their arguments.
var running struct {
	sync.Mutex
	servers map[string]*server
}

// shared is serve for tests that leave the server as it is: those with the same arguments
// share one, which is stopped when all tests have ended.
func shared(t testing.TB, args ...string) *server {
	t.Helper()
	running.Lock()
	defer running.Unlock()
	key := strings.Join(args, " ")
	if running.servers[key] == nil {
		dir, err := os.MkdirTemp("", "luoshu-e2e-*")
		if err != nil {
			t.Fatal(err)
		}
		s := &server{t: t, addr: "127.0.0.1:0", dir: dir, args: args, said: os.Stderr}
		s.start()
		if running.servers == nil {
			running.servers = map[string]*server{}
		}
		running.servers[key] = s
	}
	s := *running.servers[key]
	s.t = t
	return &s
}

// stopShared stops what tests shared.
func stopShared() error {
	var all []error
	for _, s := range running.servers {
		all = append(all, s.stop(), os.RemoveAll(s.dir))
	}
	return errors.Join(all...)
}

// start starts the program, again at the same address and with the same data if it ran before.
func (s *server) start() {
	s.t.Helper()
	up := make(announced, 1)
	s.cmd = command(s.t, s.dir, append([]string{"serve", "--addr", s.addr, "--log-level", "warn"}, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = up, s.said
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	select {
	case port := <-up:
		s.addr = "127.0.0.1:" + port
		s.base = "http://" + s.addr
	case <-time.After(patience):
		s.kill()
		s.t.Fatal("the program does not say that it is up")
	}
	eventually(s.t, "the server answers", func() bool {
		status, _ := s.try("/livez")
		return status == http.StatusOK
	})
}

// announced takes the output of the program and sends the port in it.
type announced chan string

var address = regexp.MustCompile(`localhost:(\d+)`)

func (a announced) Write(b []byte) (int, error) {
	if m := address.FindSubmatch(b); m != nil {
		select {
		case a <- string(m[1]):
		default:
		}
	}
	return len(b), nil
}

// noServer matches what a browser complains of while the server is killed.
const noServer = `ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET`

// kill ends the program as a power cut would.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// stop asks the program to end.
func (s *server) stop() error {
	http.DefaultClient.CloseIdleConnections()
	if s.cmd == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	err := s.cmd.Wait()
	s.cmd = nil
	if err != nil {
		return fmt.Errorf("the program did not stop as asked: %w", err)
	}
	return nil
}

// try asks for path, which may also be a whole address of this server.
func (s *server) try(path string) (int, []byte) {
	res, err := http.Get(s.base + strings.TrimPrefix(path, s.base))
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return res.StatusCode, b
}

// get returns the body of a page that must be there.
func (s *server) get(path string) []byte {
	s.t.Helper()
	status, body := s.try(path)
	if status != http.StatusOK {
		s.t.Fatalf("GET %s = %d: %.300s", path, status, body)
	}
	return body
}

// record is what tests need to know of one.
type record struct{ ID, Title string }

// records returns the first records that the interface lists for a question such as
// "achievements?q=轴承".
func (s *server) records(question string) []record {
	s.t.Helper()
	var l struct{ Data []record }
	b := s.get("/api/v1/" + question)
	if err := json.UnmarshalRead(bytes.NewReader(b), &l, json.MatchCaseInsensitiveNames(true)); err != nil {
		s.t.Fatal(err)
	}
	if len(l.Data) == 0 {
		s.t.Fatalf("%s has no records", question)
	}
	return l.Data
}

// eventually waits until done says so.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
