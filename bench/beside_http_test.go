package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"luoshu/cache"
	"luoshu/catalog/catalogtest"
)

// The peers of this file answer over loopback from processes of their own, and what
// counts is the processor time of those: the time of a request depends on what else the
// machine does. Rounds are interleaved, and of the ratios of all rounds the median is told.
const (
	rounds    = 31
	perRound  = 2000
	downloads = 10 // of a file, in a round
	// exported is how many records the file has: some 23 MB, so that what counts is the
	// sending.
	exported = 20_000
)

// serveConstant answers everything with the file at path, by bare fasthttp, until it is
// stopped: the work of a child process.
func serveConstant(path, address string) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return fasthttp.ListenAndServe(address, func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/json")
		ctx.SetBody(body)
	})
}

// BenchmarkRequestBesideConstant asks Luoshu, as it is served, for a record, for one that
// has not changed and for a page of 20, and bare fasthttp for the same bytes, always the
// same. Bars: 1.4 (aim 1.25) for a record, 3 for a page.
func BenchmarkRequestBesideConstant(b *testing.B) {
	own := startLuoshu(b, demonstration)
	list := own.ask(b, "/api/v1/achievements", "")
	_, rest, _ := strings.Cut(string(list.body), `"id":"A`)
	record := "/api/v1/achievements/A" + rest[:7]
	one := own.ask(b, record, "")
	for _, bb := range []struct {
		name, path, tag string
		body            []byte
		status          int
	}{
		{"record", record, "", one.body, http.StatusOK},
		{"record-304", record, one.tag, one.body, http.StatusNotModified},
		{"page-20", "/api/v1/achievements", "", list.body, http.StatusOK},
	} {
		b.Run(bb.name, func(b *testing.B) {
			peer := startConstant(b, bb.body)
			if got := own.ask(b, bb.path, bb.tag); got.status != bb.status {
				b.Fatalf("%s answers %d", bb.path, got.status)
			}
			for b.Loop() {
				compare(b, perRound, "ns/request", func() float64 { return own.load(b, bb.path, bb.tag, perRound) },
					func() float64 { return peer.load(b, bb.path, "", perRound) })
			}
		})
	}
}

// BenchmarkExportBesideNginx downloads an export, plain, from Luoshu and the same bytes as a
// file from nginx. Bar: 1.5.
func BenchmarkExportBesideNginx(b *testing.B) {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		b.Skip("nginx is not installed (Debian: nginx-light): no peer for exports")
	}
	own := startLuoshu(b, generated)
	const path = "/api/v1/exports/achievements.jsonl"
	var file answer
	for range 600 {
		if file = own.ask(b, path, ""); file.status == http.StatusOK {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if file.status != http.StatusOK {
		b.Fatalf("%s answers %d", path, file.status)
	}
	peer := startNginx(b, binary, file.body)
	gigabytes := float64(len(file.body)) * downloads / 1e9
	for b.Loop() {
		compare(b, 1, "cpu-s/GB", func() float64 { return own.load(b, path, "", downloads) / 1e9 / gigabytes },
			func() float64 { return peer.load(b, "/export.jsonl", "", downloads) / 1e9 / gigabytes })
	}
}

// compare reports what both cost for each of n, and the median of the ratios of their
// rounds.
func compare(b *testing.B, n int, unit string, own, peer func() float64) {
	b.Helper()
	own()
	peer()
	var ours, theirs, ratios []float64
	for range rounds {
		a, p := own()/float64(n), peer()/float64(n)
		ours, theirs, ratios = append(ours, a), append(theirs, p), append(ratios, a/p)
	}
	for _, all := range [][]float64{ours, theirs, ratios} {
		slices.Sort(all)
	}
	b.ReportMetric(ours[rounds/2], "luoshu-"+unit)
	b.ReportMetric(theirs[rounds/2], "peer-"+unit)
	b.ReportMetric(ratios[rounds/2], "ratio")
	b.Logf("%s: ratios of CPU %.2f", b.Name(), ratios)
}

// process is a server.
type process struct {
	address string
	pid     int
	conn    net.Conn
	reader  *bufio.Reader
}

type answer struct {
	status int
	tag    string
	body   []byte
}

// demonstration publishes the demonstration to the store at path.
func demonstration(b *testing.B, binary, path string) {
	b.Helper()
	out, err := exec.Command(binary, "demo", "--to", "dir:"+path, "--data-dir", filepath.Join(b.TempDir(), "publisher")).CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
}

// generated publishes records for a large export.
func generated(b *testing.B, _, path string) {
	b.Helper()
	store, err := cache.OpenDirectory(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := store.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	p, err := catalogtest.Publish(b.Context(), nil, 1, exported)
	if err != nil {
		b.Fatal(err)
	}
	if err := cache.Publish(b.Context(), store, p, nil, nil); err != nil {
		b.Fatal(err)
	}
}

func startLuoshu(b *testing.B, publish func(b *testing.B, binary, path string)) *process {
	b.Helper()
	dir := b.TempDir()
	binary := filepath.Join(dir, "luoshu")
	if out, err := exec.Command("go", "build", "-C", "..", "-o", binary, "./cmd/luoshu").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	store := filepath.Join(dir, "store")
	publish(b, binary, store)
	address := freeAddress(b)
	return start(b, exec.Command(binary, "serve", "--source", "dir:"+store, "--data-dir", filepath.Join(dir, "data"), "--addr", address, "--log-level", "error",
		"--limits", "record=1000000/1000000/0,search=1000000/1000000/0,export=1000000/1000000/0"), address)
}

func startConstant(b *testing.B, body []byte) *process {
	b.Helper()
	path := filepath.Join(b.TempDir(), "body")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		b.Fatal(err)
	}
	address := freeAddress(b)
	cmd := exec.Command(os.Args[0], path, address)
	cmd.Env = append(os.Environ(), childVariable+"="+constant)
	return start(b, cmd, address)
}

func startNginx(b *testing.B, binary string, file []byte) *process {
	b.Helper()
	dir, err := os.MkdirTemp("", "nginx") // its worker may be another user
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := freeAddress(b)
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr error;
events {}
http { access_log off; sendfile on; default_type application/jsonl; keepalive_requests 1000000000;
 client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
 server { listen %[2]s; root %[1]s; } }
`, dir, address)
	for name, b := range map[string][]byte{"nginx.conf": []byte(config), "export.jsonl": file} {
		if err = os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil { //nolint:gosec // nothing secret
			break
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return start(b, exec.Command(binary, "-p", dir, "-c", filepath.Join(dir, "nginx.conf")), address)
}

func start(b *testing.B, cmd *exec.Cmd, address string) *process {
	b.Helper()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{address: address, pid: cmd.Process.Pid}
	b.Cleanup(func() {
		if p.conn != nil {
			_ = p.conn.Close()
		}
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	for range 600 {
		var err error
		if p.conn, err = net.Dial("tcp", address); err == nil {
			p.reader = bufio.NewReaderSize(p.conn, 64<<10)
			return p
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatalf("%s does not come up", cmd.Path)
	return nil
}

func request(path, tag string) []byte {
	// A request that says it was forwarded is held to the limits of a client, as that of
	// this machine's own screen is not.
	r := "GET " + path + " HTTP/1.1\r\nHost: luoshu.example\r\nUser-Agent: bench\r\nAccept: */*\r\nForwarded: for=203.0.113.7\r\n"
	if tag != "" {
		r += "If-None-Match: " + tag + "\r\n"
	}
	return []byte(r + "\r\n")
}

// ask returns a whole answer.
func (p *process) ask(b *testing.B, path, tag string) answer {
	b.Helper()
	if _, err := p.conn.Write(request(path, tag)); err != nil {
		b.Fatal(err)
	}
	res, err := http.ReadResponse(p.reader, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("ETag"), body}
}

// load asks n times on one connection and returns the processor time of the server, in
// nanoseconds.
func (p *process) load(b *testing.B, path, tag string, n int) float64 {
	b.Helper()
	asked := request(path, tag)
	before := p.cpu(b)
	for range n {
		if _, err := p.conn.Write(asked); err != nil {
			b.Fatal(err)
		}
		length := 0
		for first := true; ; first = false {
			line, err := p.reader.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) && !bytes.HasPrefix(line, []byte("HTTP/1.1 304")) {
				b.Fatalf("%s: %s", path, line)
			}
			if len(line) == 2 {
				break
			}
			if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
					b.Fatal(err)
				}
			}
		}
		if _, err := p.reader.Discard(length); err != nil {
			b.Fatal(err)
		}
	}
	return p.cpu(b) - before
}

// cpu returns the processor time of all threads so far, in nanoseconds (Linux): getrusage
// tells it of a child only when it has ended.
func (p *process) cpu(b *testing.B) float64 {
	b.Helper()
	total := 0.0
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.pid))
	if err != nil || len(tasks) == 0 {
		b.Skip("the kernel does not tell the processor time of threads")
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		used, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseFloat(used, 64)
		if err != nil {
			b.Fatal(err)
		}
		total += n
	}
	return total
}
