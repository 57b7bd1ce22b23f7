package cache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a real redis-server of a test, in a folder of its own, without
// persistence unless args say otherwise.
type server struct {
	addr string
	bin  string
	args []string
	cmd  *exec.Cmd
}

// program returns the path of a program that the tests drive. Without it they
// are skipped, but not on CI.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// freePort returns a port nobody listens on at the moment.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func startRedis(t testing.TB, args ...string) *server {
	t.Helper()
	own := []string{"--save", "", "--appendonly", "no", "--dir", t.TempDir(), "--enable-protected-configs", "yes"}
	return startServer(t, "redis-server", append(own, args...)...)
}

func startServer(t testing.TB, name string, args ...string) *server {
	t.Helper()
	bin := program(t, name)
	port := freePort(t)
	s := &server{addr: "127.0.0.1:" + port, bin: bin}
	s.args = slices.Concat(args, []string{"--port", port, "--bind", "127.0.0.1"})
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

// start starts the server and waits until it answers.
func (s *server) start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command(s.bin, s.args...)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", s.addr, time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("%s did not start: %v\n%s", s.bin, err, text)
		}
	}
}

func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// signal sends STOP or CONT, which Windows does not know.
func (s *server) signal(t testing.TB, name string) {
	t.Helper()
	if out, err := exec.Command(program(t, "kill"), "-"+name, strconv.Itoa(s.cmd.Process.Pid)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// do gives the server a command, to look behind the store.
func (s *server) do(t testing.TB, args ...any) any {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr, Protocol: 2, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	v, err := c.Do(context.Background(), args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatalf("%v: %v", args, err)
	}
	return v
}

// startCluster starts three masters that share all slots.
func startCluster(t testing.TB) []*server {
	t.Helper()
	var nodes []*server
	for range 3 {
		nodes = append(nodes, startRedis(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t), "--cluster-node-timeout", "2000"))
	}
	const slots = 16384
	for i, n := range nodes {
		n.do(t, "cluster", "addslotsrange", i*slots/3, (i+1)*slots/3-1)
		n.do(t, "config", "set", "cluster-require-full-coverage", "yes")
		n.do(t, "cluster", "set-config-epoch", i+1)
	}
	for _, n := range nodes[1:] {
		host, port, _ := net.SplitHostPort(nodes[0].addr)
		bus := nodes[0].do(t, "config", "get", "cluster-port").([]any)[1]
		n.do(t, "cluster", "meet", host, port, bus)
	}
	for _, n := range nodes {
		eventually(t, "cluster agrees", func() bool {
			info := n.do(t, "cluster", "info").(string)
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return nodes
}

// startSentinel starts a master with two replicas, and three Sentinels that
// watch it under the name "market". The first server is the master.
func startSentinel(t testing.TB) (servers, sentinels []*server) {
	t.Helper()
	master := startRedis(t, "--repl-diskless-sync-delay", "0")
	host, port, _ := net.SplitHostPort(master.addr)
	servers = []*server{master}
	for range 2 {
		servers = append(servers, startRedis(t, "--repl-diskless-sync-delay", "0", "--replicaof", host+" "+port))
	}
	eventually(t, "replicas follow", func() bool {
		return strings.Count(servers[0].do(t, "info", "replication").(string), "state=online") == 2
	})
	for range 3 {
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("sentinel monitor market %s %s 2\nsentinel down-after-milliseconds market 500\n"+
			"sentinel failover-timeout market 3000\n", host, port)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sentinels = append(sentinels, startServer(t, "redis-sentinel", conf))
	}
	for _, s := range sentinels {
		eventually(t, "Sentinels know each other and the replicas", func() bool {
			info := s.do(t, "info", "sentinel").(string)
			return strings.Contains(info, "slaves=2,sentinels=3")
		})
	}
	return servers, sentinels
}

func addrs(servers []*server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.addr)
	}
	return strings.Join(all, ",")
}

// eventually waits until ok, at most 20 s.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
