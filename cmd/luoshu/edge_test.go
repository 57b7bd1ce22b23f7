package main

import (
	"context"
	"errors"
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
	"sync/atomic"
	"testing"
	"time"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/demo"
	"luoshu/catalog/trust"
)

// link is a connection to a hub that can be made worse: a TCP proxy.
type link struct {
	addr  string
	fault atomic.Value // string, one of those of pipe
	bytes atomic.Int64 // brought back by the hub
}

func newLink(t *testing.T, hub string) *link {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{addr: listener.Addr().String()}
	l.fault.Store("")
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go l.pipe(c.(*net.TCPConn), hub)
		}
	}()
	return l
}

// pipe carries one connection, as bad as the link is when an answer begins.
func (l *link) pipe(client *net.TCPConn, hub string) {
	defer func() { _ = client.Close() }()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", hub)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	go func() {
		_, _ = io.Copy(conn, client)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	buf := make([]byte, 2048)
	passed := 0
	for {
		n, err := conn.Read(buf)
		if n == 0 && err != nil {
			return
		}
		switch l.fault.Load() {
		case "delay":
			time.Sleep(20 * time.Millisecond)
		case "slow":
			time.Sleep(time.Duration(n) * 10 * time.Microsecond)
		case "reset":
			_ = client.SetLinger(0)
			return
		case "half": // of the first piece, then nothing more
			_, _ = client.Write(buf[:n/2])
			return
		case "cut": // goes on only where it stopped
			if passed += n; passed > 6<<10 {
				return
			}
		case "down":
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
		l.bytes.Add(int64(n))
	}
}

// series publishes releases of the demonstration to a store, each signed, that differ in
// one record.
type series struct {
	t      *testing.T
	store  cache.Writer
	signer trust.Signer
	last   *catalog.Release
	id     catalog.ID
}

func (s *series) publish(p *catalog.Publication) {
	s.t.Helper()
	if err := cache.Publish(s.t.Context(), s.store, p, s.signer.Sign(p.Release.Manifest, p.Manifest), nil); err != nil {
		s.t.Fatal(err)
	}
	s.last = p.Release
}

// change publishes the release in which the record's abstract is text.
func (s *series) change(text string) int64 {
	s.t.Helper()
	d := catalog.NewDraft(s.last, time.Now())
	e, _ := s.last.Find(s.id)
	r, err := catalog.Decode(e.Dataset, e.Raw)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Head().Abstract = text
	next, change, err := d.Encode(r)
	if err == nil {
		err = d.Put(next, change)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := d.Build(s.t.Context(), catalog.BuildOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.publish(p)
	return s.last.Manifest.Sequence
}

// keyFile writes the secret key of s, which no passphrase protects.
func keyFile(t *testing.T, s trust.Signer) string {
	t.Helper()
	b, err := s.Plain()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "luoshu.key", string(b))
}

// TestEdge brings up a hub that follows a Redis and three terminals that follow the hub
// over a bad link, as processes of their own. Every release reaches every terminal, or is
// refused for the reason there is; what is recalled is gone everywhere and stays gone.
func TestEdge(t *testing.T) {
	redisAddr, _ := redisServer(t)
	place := "redis://" + redisAddr + "/0"
	store, err := cache.OpenRedis(place)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	signer, err := trust.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	first, err := demo.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	publisher := t.TempDir()
	s := &series{t: t, store: store, signer: signer}
	for _, e := range first.Release.Entries {
		if e.Dataset == catalog.Achievements {
			s.id = e.ID
			break
		}
	}
	s.publish(first)

	hubData := t.TempDir()
	hub := serveProcess(t, "--source", place, "--data-dir", hubData, "--poll", "200ms", "--limits", "off")
	var links []*link
	var terminals []*server
	var homes []string
	dropped := t.TempDir()
	for i := range 3 {
		home := t.TempDir()
		luoshu(t, home, "trust", "add", signer.Key().String()).want(t, exitDone)
		l := newLink(t, strings.TrimPrefix(hub.base, "http://"))
		links = append(links, l)
		terminals = append(terminals, serveProcess(t, "--source", "http://"+l.addr, "--watch", dropped, "--data-dir", home,
			"--poll", "200ms", "--terminal", fmt.Sprint("K", i+1), "--limits", "off"))
		homes = append(homes, home)
	}
	arrives := func(seq int64) {
		t.Helper()
		for _, node := range terminals {
			node.releaseIs(seq)
		}
	}
	arrives(1)

	// A changed record costs kilobytes.
	for _, l := range links {
		l.bytes.Store(0)
	}
	arrives(s.change("改动一处"))
	for _, l := range links {
		cost := l.bytes.Load()
		t.Logf("a changed record costs a terminal %d bytes, polls included", cost)
		if cost > 64<<10 {
			t.Errorf("a changed record costs a terminal %d bytes, at most 64 KB", cost)
		}
	}

	// Whatever a link does, what is shown is one release, whole.
	record := "/api/v1/achievements/" + string(s.id)
	for round, faults := range [][]string{{"delay", "reset", "cut"}, {"slow", "half", "down"}} {
		was, _ := s.last.Find(s.id)
		for i, l := range links {
			l.fault.Store(faults[i])
		}
		seq := s.change(fmt.Sprintf("第%d次，线路不好", round))
		now, _ := s.last.Find(s.id)
		hub.releaseIs(seq)
		for range 5 {
			time.Sleep(50 * time.Millisecond)
			for i, node := range terminals {
				body := node.get(record, http.StatusOK)
				if !strings.Contains(body, string(was.Raw)) && !strings.Contains(body, string(now.Raw)) {
					t.Fatalf("%s: neither the record as it was nor as it is: %s", faults[i], body)
				}
			}
		}
		for i, l := range links {
			if fault := faults[i]; fault == "reset" || fault == "half" || fault == "down" {
				l.fault.Store("") // nothing comes through that
			}
		}
		arrives(seq)
	}
	for _, l := range links {
		l.fault.Store("")
	}

	// Recall.
	const secret = "这一段不该公开，绝对不该，UNPUBLISHABLE-7F3A9C"
	arrives(s.change(secret))
	last := s.last.Manifest.Sequence
	for _, node := range append([]*server{hub}, terminals...) {
		node.get(fmt.Sprintf("/api/v1/releases/%d/changes?since=%d", last, last-1), http.StatusOK)
	}
	older := filepath.Join(t.TempDir(), "older.luoshu")
	luoshu(t, publisher, "export", "--source", place, "--bundle", older, "--keep", "8").want(t, exitDone)
	everywhere := append([]string{hubData, publisher}, homes...)
	for _, dir := range append([]string{hubData}, homes...) {
		eventually(t, "every kind of file that keeps text is there and looked into", func() bool {
			return slices.Equal(found(t, dir, secret), textFiles)
		})
	}
	if len(foundInRedis(t, redisAddr, secret)) == 0 || !slices.Equal(found(t, filepath.Dir(older), secret), []string{".luoshu"}) {
		t.Fatal("the search finds nothing in Redis, or in the bundle: it proves nothing")
	}
	key := keyFile(t, signer)
	luoshu(t, publisher, "purge", string(s.id), "--to", place, "--reason", "误发", "--key", key).want(t, exitDone)
	seq := s.last.Manifest.Sequence + 1
	arrives(seq)
	gone := func(when string) {
		t.Helper()
		for _, dir := range everywhere {
			eventually(t, when+": gone from "+dir, func() bool { return len(found(t, dir, secret)) == 0 })
		}
		if keys := foundInRedis(t, redisAddr, secret); len(keys) > 0 {
			t.Errorf("%s: Redis still holds it: %v", when, keys)
		}
		for _, node := range append([]*server{hub}, terminals...) {
			for _, path := range []string{record, "/q/" + string(s.id), "/achievements/" + string(s.id)} {
				if status, body := node.try(path); status != http.StatusGone || strings.Contains(body, secret) {
					t.Errorf("%s: %s answers %d", when, path, status)
				}
			}
		}
	}
	gone("after the recall")

	// Neither a rollback nor an older bundle brings it back.
	release, err := cache.Load(t.Context(), store, pointerOf(t, store))
	if err != nil {
		t.Fatal(err)
	}
	s.last = release
	gist := s.id
	for _, e := range release.Entries {
		if e.Dataset == catalog.Achievements {
			s.id = e.ID
			break
		}
	}
	next := s.change("另一处改动")
	s.id = gist
	luoshu(t, publisher, "rollback", strconv.FormatInt(seq-1, 10), "--to", place, "--key", key).want(t, exitUsage)
	luoshu(t, publisher, "rollback", strconv.FormatInt(seq, 10), "--to", place, "--key", key).want(t, exitDone)
	arrives(next + 1)
	gone("after a rollback")
	luoshu(t, homes[0], "sync", "--from", older).want(t, exitFailed)
	luoshu(t, publisher, "sync", "--from", older, "--to", "dir:"+filepath.Join(publisher, "restored")).want(t, exitRefused)
	b, err := os.ReadFile(older)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dropped, "older.luoshu"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // two polls
	gone("after an older bundle")

	// What the hub passes on and nobody trusted has signed stays outside, and says why.
	stranger, err := trust.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	if s.last, err = cache.Load(t.Context(), store, pointerOf(t, store)); err != nil {
		t.Fatal(err)
	}
	honest := s.last.Manifest.Sequence
	s.signer = stranger
	for _, e := range s.last.Entries {
		if e.Dataset == catalog.Achievements {
			s.id = e.ID
			break
		}
	}
	hub.releaseIs(s.change("偷换"))
	for _, node := range terminals {
		eventually(t, "the terminal says why", func() bool {
			_, body := node.try("/statusz")
			return strings.Contains(body, "which is not trusted") && strings.Contains(body, fmt.Sprintf(`"release":%d,`, honest))
		})
	}
}

func pointerOf(t *testing.T, s cache.Store) catalog.Pointer {
	t.Helper()
	p, err := s.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPurgeOfTheOnlyRecord: what must be taken back can be, though nothing is left then, and
// the catalog goes on.
func TestPurgeOfTheOnlyRecord(t *testing.T) {
	data, place := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "store")
	published := luoshu(t, data, publishArgs(write(t, "a.csv", "source_key,成果名称\n1,误发的成果\n"), place)...).want(t, exitDone).report(t)
	id := published.Rows[0].ID
	luoshu(t, data, "publish", "--to", place, "--publisher", "p", "--withdraw", id, "--reason", "已转让").want(t, exitRefused)
	luoshu(t, data, "purge", id, "--to", place, "--reason", "误发").want(t, exitDone)
	if where := found(t, strings.TrimPrefix(place, "dir:"), "误发的成果"); len(where) > 0 {
		t.Errorf("still in %v", where)
	}
	luoshu(t, data, publishArgs(write(t, "b.csv", "source_key,成果名称\n2,另一成果\n"), place)...).want(t, exitDone)
}

// TestSigning goes the whole way of an operator: make a key, publish with it, trust it,
// replace it, revoke; and what is refused on the way.
func TestSigning(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	place := "dir:" + filepath.Join(dir, "store")
	word := write(t, "word", "a passphrase\n")
	name := filepath.Join(dir, "a.key")
	luoshu(t, data, "keygen", "--out", name, "--passphrase-file", word).want(t, exitDone)
	luoshu(t, data, "keygen", "--out", name, "--passphrase-file", word).want(t, exitUsage) // it is there
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret key: %v %v", info, err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := trust.OpenSigner(b, func() (string, error) { return "another", nil }); !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("a wrong passphrase opens: %v", err)
	}
	signer, plain, err := trust.OpenSigner(b, func() (string, error) { return "a passphrase", nil })
	if err != nil || plain {
		t.Fatal(plain, err)
	}
	// From here without a passphrase: to open it costs seconds each time.
	one := keyFile(t, signer)
	two, three := mustSigner(t), mustSigner(t)
	publish := func(n int, more ...string) outcome {
		file := write(t, "a.csv", fmt.Sprintf("source_key,成果名称\n1,轴承%d\n2,齿轮\n", n))
		return luoshu(t, data, publishArgs(file, place, more...)...)
	}
	publish(1, "--key", one).want(t, exitDone)
	publish(2).want(t, exitRefused)                          // after a signed one
	publish(2, "--key", keyFile(t, two)).want(t, exitFailed) // stands on what it does not trust

	node := t.TempDir()
	luoshu(t, node, "trust", "add", name+".pub", "--note", "市技术市场").want(t, exitDone)
	if out := luoshu(t, node, "trust", "list").want(t, exitDone); !strings.Contains(out.stdout, signer.Key().ID()) {
		t.Errorf("trust list: %s", out.stdout)
	}
	luoshu(t, node, "trust", "remove", signer.Key().ID()).want(t, exitUsage) // the last one
	s := serve(t, node, "--source", place, "--poll", "50ms")
	s.releaseIs(1)

	luoshu(t, data, "trust", "rotate", "--to", place, "--key", one, "--new-key", keyFile(t, two), "--admit", three.Key().String()).want(t, exitDone)
	s.releaseIs(2)
	publish(3, "--key", one).want(t, exitRefused) // was replaced
	luoshu(t, data, "trust", "add", signer.Key().String()).want(t, exitDone)
	publish(3, "--key", keyFile(t, two)).want(t, exitDone)
	s.releaseIs(3)
	luoshu(t, data, "trust", "rotate", "--to", place, "--key", keyFile(t, three), "--revoke", two.Key().ID()).want(t, exitDone)
	s.releaseIs(4)
	publish(5, "--key", keyFile(t, two)).want(t, exitRefused)
	publish(5, "--key", keyFile(t, three)).want(t, exitDone)
	s.releaseIs(5)

	// A stock minisign and sha256sum check what was downloaded.
	for _, tool := range []string{"minisign", "sha256sum", "unzip"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed; make test installs it", tool)
			}
			t.Skipf("%s is not installed; make test installs it", tool)
		}
	}
	download := t.TempDir()
	for _, file := range []string{"manifest", "manifest.minisig"} {
		body := s.get("/api/v1/releases/5/"+file, http.StatusOK)
		if err := os.WriteFile(filepath.Join(download, file), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := tool(t, download, "minisign", "-V", "-m", "manifest", "-P", three.Key().String())
	if !strings.Contains(out, "luoshu release 5 of catalog luoshu") {
		t.Errorf("minisign says %s", out)
	}
	bundle := filepath.Join(dir, "a.luoshu")
	luoshu(t, data, "export", "--source", place, "--bundle", bundle).want(t, exitDone)
	tool(t, download, "unzip", "-q", bundle)
	tool(t, download, "sha256sum", "--check", "--quiet", "SHA256SUMS")
	var p catalog.Pointer
	decode(t, s.get("/api/v1/releases/current/pointer", http.StatusOK), &p)
	tool(t, download, "minisign", "-V", "-m", "manifests/"+string(p.Manifest)+".json", "-x", "manifests/"+string(p.Manifest)+".minisig", "-P", three.Key().String())
	// What it signs, luoshu believes.
	luoshu(t, t.TempDir(), "sync", "--from", bundle).want(t, exitDone)
	luoshu(t, node, "sync", "--from", bundle).want(t, exitDone)
	stranger := t.TempDir()
	luoshu(t, stranger, "trust", "add", mustSigner(t).Key().String()).want(t, exitDone)
	luoshu(t, stranger, "sync", "--from", bundle).want(t, exitFailed)
}

func mustSigner(t *testing.T) trust.Signer {
	t.Helper()
	s, err := trust.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tool runs a program in dir and returns what it says.
func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
