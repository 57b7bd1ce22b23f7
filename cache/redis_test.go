package cache

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"luoshu/catalog"
)

func TestRedisURL(t *testing.T) {
	for raw, want := range map[string]string{
		"redis://h":                                   "redis://h:6379/0?catalog=luoshu",
		"redis://user:p%40ss@h:1/2?catalog=x":         "redis://h:1/2?catalog=x",
		"redis://:secret@127.0.0.1/":                  "redis://127.0.0.1:6379/0?catalog=luoshu",
		"rediss://[::1]:7/0":                          "rediss://[::1]:7/0?catalog=luoshu",
		"redis://[::1]":                               "redis://[::1]:6379/0?catalog=luoshu",
		"redis-cluster://u:p@a:1,b,c:3?catalog=y":     "redis-cluster://a:1,b:6379,c:3?catalog=y",
		"rediss-cluster://a":                          "rediss-cluster://a:6379?catalog=luoshu",
		"redis-sentinel://a,b:2,c/4?master=m-1":       "redis-sentinel://a:26379,b:2,c:26379/4?master=m-1&catalog=luoshu",
		"rediss-sentinel://:p:q@a?catalog=z&master=M": "rediss-sentinel://a:26379/0?master=M&catalog=z",
		"redis":                                "",
		"redis:///":                            "",
		"redis://":                             "",
		"http://h":                             "",
		"redis-ring://a":                       "",
		"redis://a,b":                          "",
		"redis://a:0":                          "",
		"redis://a:65536":                      "",
		"redis://a:x":                          "",
		"redis://a b":                          "",
		"redis://a/x":                          "",
		"redis://a/-1":                         "",
		"redis-cluster://a,,b":                 "",
		"redis-cluster://a/1":                  "",
		"redis://a?Catalog=x":                  "",
		"redis://a?catalog=x&catalog=y":        "",
		"redis://a?catalog=../x":               "",
		"redis://a?pool_size=3":                "",
		"redis://a?master=m":                   "",
		"redis-sentinel://a":                   "",
		"redis-sentinel://a?master=":           "",
		"redis://user:secret#1@h":              "",
		"redis://user:secret%zz@h":             "",
		"redis://user:secret@h:port":           "",
		"redis://user:secret@h/?secret=secret": "",
		"redis://[::1":                         "",
		"redis://fe80::1%25eth0":               "",
		"redis://" + strings.Repeat("a", 300):  "",
		"redis-sentinel://a?master=" + strings.Repeat("m", 65):           "",
		"redis://a?catalog=" + strings.Repeat("c", 33):                   "",
		"redis://a?catalog=x;master=y":                                   "",
		"redis://a?catalog={x}":                                          "",
		"redis-sentinel://a?master=m&catalog=x&sentinel_password=hidden": "",
	} {
		a, err := parseRedisURL(raw)
		if (err == nil) != (want != "") || err == nil && a.String() != want {
			t.Errorf("parseRedisURL(%q) = %q, %v, want %q", raw, a, err, want)
		}
		if err != nil {
			wantError(t, raw, err, catalog.ErrInvalid)
			if strings.Contains(err.Error(), "secret@") || strings.Contains(err.Error(), "secret#") || strings.Contains(err.Error(), "hidden") {
				t.Errorf("parseRedisURL(%q) = %v, which tells the password", raw, err)
			}
		}
	}
	a, err := parseRedisURL("redis://us%3Aer:p%40s%2Fs%3A+%25@h")
	if err != nil || a.user != "us:er" || a.password != "p@s/s:+%" {
		t.Errorf("user and password = %q, %q, %v", a.user, a.password, err)
	}
}

func FuzzRedisURL(f *testing.F) {
	f.Add("redis://user:pass@h:6379/1?catalog=x")
	f.Add("redis-sentinel://a,b:2,[::1]:3/4?master=m")
	f.Add("rediss-cluster://a:1,b:2")
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := parseRedisURL(raw)
		if err != nil {
			wantError(t, "parseRedisURL", err, catalog.ErrInvalid)
			return
		}
		b, err := parseRedisURL(a.String())
		if err != nil || b.String() != a.String() || b.user != "" || b.password != "" {
			t.Errorf("%q reads as %q, and that as %q, %v", raw, a, b, err)
		}
	})
}

func TestRedisRefusesToPublish(t *testing.T) {
	ctx := context.Background()
	pub := first100(t, aName)
	s := startRedis(t)
	r := openRedis(t, "redis://"+s.addr)
	refused := func(t *testing.T, want error, text string) {
		t.Helper()
		err := Publish(ctx, r, pub, nil, nil)
		wantError(t, "Publish", err, want)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("Publish = %v, want it to mention %q", err, text)
		}
		wantCurrent(t, r, catalog.Pointer{})
	}

	for _, policy := range []string{"allkeys-lru", "allkeys-lfu", "allkeys-random"} {
		s.do(t, "config", "set", "maxmemory-policy", policy)
		refused(t, catalog.ErrInvalid, policy)
	}
	s.do(t, "config", "set", "maxmemory-policy", "noeviction")

	t.Run("out of memory", func(t *testing.T) {
		s.do(t, "config", "set", "maxmemory", "1")
		refused(t, catalog.ErrUnavailable, "maxmemory")
		// In a transaction the cause hides behind EXECABORT.
		err := r.PutManifest(ctx, pub.Release.Hash, pub.Manifest, nil)
		wantError(t, "PutManifest", err, catalog.ErrUnavailable)
		if err == nil || !strings.Contains(err.Error(), "maxmemory") {
			t.Errorf("PutManifest = %v, does not tell the cause", err)
		}
		s.do(t, "config", "set", "maxmemory", "0")
	})
	t.Run("too few replicas", func(t *testing.T) {
		s.do(t, "config", "set", "min-replicas-to-write", "1")
		refused(t, catalog.ErrUnavailable, "min-replicas-to-write")
		s.do(t, "config", "set", "min-replicas-to-write", "0")
	})
	t.Run("disk errors", func(t *testing.T) {
		s.do(t, "config", "set", "dir", "/proc/self") // where nothing can be saved
		s.do(t, "config", "set", "save", "3600 1")
		s.do(t, "config", "set", "stop-writes-on-bgsave-error", "yes")
		s.do(t, "set", "something", "to save")
		s.do(t, "bgsave")
		eventually(t, "saving fails", func() bool {
			return strings.Contains(s.do(t, "info", "persistence").(string), "rdb_last_bgsave_status:err")
		})
		refused(t, catalog.ErrUnavailable, "cannot save to its disk")
		s.do(t, "config", "set", "stop-writes-on-bgsave-error", "no")
	})
	t.Run("a replica", func(t *testing.T) {
		replica := startRedis(t)
		host, port, _ := net.SplitHostPort(s.addr)
		replica.do(t, "replicaof", host, port)
		err := Publish(ctx, openRedis(t, "redis://"+replica.addr), pub, nil, nil)
		wantError(t, "Publish to a replica", err, catalog.ErrReadOnly)
		err = openRedis(t, "redis://"+replica.addr).PutObject(ctx, pub.Objects[0].Ref.Hash, pub.Objects[0].Bytes)
		wantError(t, "PutObject to a replica", err, catalog.ErrUnavailable)
	})
	t.Run("no password", func(t *testing.T) {
		s.do(t, "config", "set", "requirepass", "geheim")
		_, err := openRedis(t, "redis://"+s.addr).Current(ctx)
		wantError(t, "Current without a password", err, catalog.ErrUnavailable)
		_, err = openRedis(t, "redis://:falsch@"+s.addr).Current(ctx)
		wantError(t, "Current with a wrong password", err, catalog.ErrUnavailable)
		if err == nil || !strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "falsch") {
			t.Errorf("Current with a wrong password = %v", err)
		}
		publish(t, openRedis(t, "redis://default:geheim@"+s.addr), pub)
	})
}

func TestRedisKindIsTold(t *testing.T) {
	ctx := context.Background()
	single := startRedis(t)
	_, err := openRedis(t, "redis-cluster://"+single.addr).Current(ctx)
	wantError(t, "a single server as a cluster", err, catalog.ErrUnavailable)
	if err == nil || !strings.Contains(err.Error(), "use redis://") {
		t.Errorf("a single server as a cluster: %v", err)
	}
	node := startRedis(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t))
	_, err = openRedis(t, "redis://"+node.addr).Current(ctx)
	wantError(t, "a cluster without slots", err, catalog.ErrUnavailable)
	if err == nil || !strings.Contains(err.Error(), "cluster") {
		t.Errorf("a cluster without slots: %v", err)
	}
}

// TestRedisPermissions proves that the permissions the documentation of Redis
// names are enough, and that what lacks one says so.
func TestRedisPermissions(t *testing.T) {
	t.Run("single", func(t *testing.T) {
		s := startRedis(t)
		testPermissions(t, []*server{s}, "redis://%s:pw@"+s.addr)
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		nodes := startCluster(t)
		testPermissions(t, nodes, "redis-cluster://%s:pw@"+addrs(nodes))
	})
}

func testPermissions(t *testing.T, servers []*server, url string) {
	ctx := context.Background()
	user := func(name string, rules ...any) *Redis {
		for _, s := range servers {
			rules := slices.Concat([]any{"acl", "setuser", name, "on", ">pw", "~luoshu:*", "&luoshu:*"}, rules)
			s.do(t, rules...)
		}
		return openRedis(t, fmt.Sprintf(url, name))
	}
	var reader, writer []any
	for _, right := range commandsOf(ReaderACL) {
		reader = append(reader, right)
	}
	for _, right := range commandsOf(PublisherACL) {
		if right != "+info" {
			writer = append(writer, right)
		}
	}
	pubs := series(t, aName, 3)

	w := user("publisher", append(writer, "+info")...)
	publish(t, w, pubs...)
	if swept, err := Collect(ctx, w, 1); err != nil || swept.Manifests != 2 {
		t.Errorf("Collect = %+v, %v", swept, err)
	}
	if _, err := w.ResumeSweep(ctx); err != nil {
		t.Errorf("ResumeSweep = %v", err)
	}
	publish(t, user("configurer", append(writer, "+config|get")...), pubs[2])
	err := user("unprepared", writer...).Prepare(ctx)
	wantError(t, "Prepare without +info", err, catalog.ErrUnavailable)
	if err == nil || !strings.Contains(err.Error(), "+info") {
		t.Errorf("Prepare without +info = %v, does not say what is missing", err)
	}

	r := user("reader", reader...)
	wantRelease(t, r, pubs[2].Release)
	listening, cancel := context.WithCancel(ctx)
	notices := r.Notices(listening)
	<-notices // of the subscription
	publish(t, w, after(t, pubs[2].Release, "新"))
	<-notices
	cancel()
	for range notices { // until it is closed
	}
	err = r.PutObject(ctx, pubs[0].Objects[0].Ref.Hash, pubs[0].Objects[0].Bytes)
	wantError(t, "PutObject of a reader", err, catalog.ErrUnavailable)
	if err == nil || !strings.Contains(err.Error(), "permission") {
		t.Errorf("PutObject of a reader = %v", err)
	}
}

// TestRedisTLS proves that rediss: encrypts, and trusts known authorities only.
func TestRedisTLS(t *testing.T) {
	ctx := context.Background()
	cert, key, authority := selfSigned(t)
	port := freePort(t)
	s := startRedis(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	pub := first100(t, aName)

	stranger := openRedis(t, "rediss://127.0.0.1:"+port)
	_, err := stranger.Current(ctx)
	wantError(t, "Current of a server nobody vouches for", err, catalog.ErrUnavailable)
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("Current of a server nobody vouches for = %v", err)
	}
	_, err = openRedis(t, "rediss://"+s.addr).Current(ctx)
	wantError(t, "Current of a server that does not encrypt", err, catalog.ErrUnavailable)
	_, err = openRedis(t, "redis://127.0.0.1:"+port).Current(ctx)
	wantError(t, "Current in the clear", err, catalog.ErrUnavailable)

	friend := openRedis(t, "rediss://127.0.0.1:"+port)
	friend.client.(*redis.Client).Options().TLSConfig.RootCAs = authority
	publish(t, friend, pub)
	wantRelease(t, friend, pub.Release)
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T) (certFile, keyFile string, authority *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	overwrite(t, certFile, string(certificate))
	overwrite(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	authority = x509.NewCertPool()
	authority.AppendCertsFromPEM(certificate)
	return certFile, keyFile, authority
}

func TestRedisWrongType(t *testing.T) {
	ctx := context.Background()
	s := startRedis(t)
	pub := first100(t, aName)
	for what, key := range map[string]func(*Redis) string{
		"pointer":  func(r *Redis) string { return r.key("current") },
		"manifest": func(r *Redis) string { return r.manifestKey(pub.Release.Hash) },
		"object":   func(r *Redis) string { return r.objectKey(pub.Objects[0].Ref.Hash) },
	} {
		r := openRedis(t, "redis://"+s.addr+"?catalog="+what)
		publish(t, r, pub)
		s.do(t, "del", key(r))
		s.do(t, "lpush", key(r), "x")
		p, err := r.Current(ctx)
		if err == nil {
			_, err = Load(ctx, r, p)
		}
		wantError(t, "Load with a list for the "+what, err, catalog.ErrDamaged)
	}
}

// saboteur makes commands fail before they are sent.
type saboteur struct {
	refuse func(redis.Cmder) error
}

func (saboteur) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s saboteur) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := s.refuse(cmd); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

func (s saboteur) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if err := s.refuse(cmd); err != nil {
				return err
			}
		}
		return next(ctx, cmds)
	}
}

func TestRedisSweepInterrupted(t *testing.T) {
	ctx := context.Background()
	s := startRedis(t)
	url := "redis://" + s.addr
	all := series(t, aName, 3)
	r := openRedis(t, url)
	publish(t, r, all...)

	dying := openRedis(t, url)
	crash := errors.New("crash")
	dying.client.AddHook(saboteur{func(cmd redis.Cmder) error {
		if cmd.Name() == "del" {
			return crash
		}
		return nil
	}})
	if _, err := Collect(ctx, dying, 1); !errors.Is(err, crash) {
		t.Fatalf("Collect = %v, want a crash", err)
	}

	// Another sweep stops and says what to do.
	_, err := Collect(ctx, r, 1)
	wantError(t, "Collect beside an interrupted sweep", err, catalog.ErrUnavailable)
	if err == nil || !strings.Contains(err.Error(), "luoshu gc --resume") {
		t.Errorf("Collect = %v, does not say what to do", err)
	}
	// A release that needs what is condemned is refused, though it is still there.
	back, err := catalog.Republish(ctx, all[2].Release, all[1].Release, base.AddDate(0, 0, 1), "更正")
	if err != nil {
		t.Fatal(err)
	}
	err = Publish(ctx, r, back, nil, nil)
	wantError(t, "Publish of what is condemned", err, catalog.ErrUnavailable)
	wantCurrent(t, r, all[2].Release.Pointer())
	// Others are not.
	next := after(t, all[2].Release, "新")
	publish(t, r, next)

	swept, err := Resume(ctx, r)
	if err != nil || swept.Manifests != 2 || swept.Objects != 2 {
		t.Errorf("Resume = %+v, %v, want two releases of one object each", swept, err)
	}
	wantRelease(t, r, next.Release)
	if swept, err := Resume(ctx, r); err != nil || swept != (Swept{}) {
		t.Errorf("Resume again = %+v, %v, want nothing", swept, err)
	}
	_, err = Resume(ctx, NewMemory("memory"))
	wantError(t, "Resume of a store that needs none", err, catalog.ErrInvalid)
	// The release before, and the manifest of the one that was refused.
	if swept, err := Collect(ctx, r, 1); err != nil || swept.Manifests != 2 || swept.Objects != 1 {
		t.Errorf("Collect after Resume = %+v, %v", swept, err)
	}
}

// TestRedisSweepTakenOver wakes a sweep that slept through its replacement: it
// must not delete what was published since.
func TestRedisSweepTakenOver(t *testing.T) {
	ctx := context.Background()
	s := startRedis(t)
	url := "redis://" + s.addr
	all := series(t, aName, 3)
	r := openRedis(t, url)
	publish(t, r, all...)

	sleeper := openRedis(t, url)
	woken := false
	sleeper.client.AddHook(saboteur{func(cmd redis.Cmder) error {
		if cmd.Name() == "sismember" && !woken {
			woken = true
			if _, err := r.ResumeSweep(ctx); err != nil {
				t.Errorf("ResumeSweep = %v", err)
			}
			back, err := catalog.Republish(ctx, all[2].Release, all[1].Release, base.AddDate(0, 0, 1), "更正")
			if err != nil {
				t.Error(err)
			}
			// It names what the sleeper has condemned, and brings it again.
			publish(t, r, back)
		}
		return nil
	}})
	_, err := Collect(ctx, sleeper, 1)
	wantError(t, "Collect of the sleeper", err, catalog.ErrConflict)
	p, err := r.Current(ctx)
	if err != nil || p.Sequence != 4 {
		t.Fatalf("Current = %v, %v", p, err)
	}
	if _, err := Load(ctx, r, p); err != nil {
		t.Errorf("Load = %v", err)
	}
}

// proxy passes bytes between a client and addr, and asks cut about everything
// the client says: when it returns true, the answer never comes.
type proxy struct {
	net.Listener
	cut atomic.Pointer[func(said string) bool]
}

func startProxy(t *testing.T, addr string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	never := func(string) bool { return false }
	p.cut.Store(&never)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				_ = in.Close()
				continue
			}
			go p.pass(in, out)
		}
	}()
	return p
}

func (p *proxy) pass(in, out net.Conn) {
	defer func() { _ = in.Close() }()
	defer func() { _ = out.Close() }()
	var mute atomic.Bool
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := out.Read(buf)
			if err != nil || mute.Load() {
				_ = in.Close()
				return
			}
			if _, err := in.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		if err != nil {
			return
		}
		if (*p.cut.Load())(strings.ToLower(string(buf[:n]))) {
			mute.Store(true)
		}
		if _, err := out.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestRedisAnswerLost cuts the line after EXEC was sent: the pointer has moved,
// and Flip must find that out.
func TestRedisAnswerLost(t *testing.T) {
	ctx := context.Background()
	s := startRedis(t)
	p := startProxy(t, s.addr)
	all := series(t, aName, 2)
	r := openRedis(t, "redis://"+p.Addr().String())
	publish(t, r, all[0])

	once := false
	cut := func(said string) bool {
		if strings.Contains(said, "exec\r\n") && strings.Contains(said, "current") && !once {
			once = true
			return true
		}
		return false
	}
	p.cut.Store(&cut)
	publish(t, r, all[1])
	if !once {
		t.Fatal("the line was never cut")
	}
	wantCurrent(t, r, all[1].Release.Pointer())

	// And when nobody can tell, nobody pretends to.
	third := after(t, all[1].Release, "三")
	dead := false
	cut = func(said string) bool {
		dead = dead || strings.Contains(said, "exec\r\n") && strings.Contains(said, "current")
		return dead
	}
	err := Publish(ctx, r, third, nil, nil)
	wantError(t, "Publish into silence", err, catalog.ErrUnavailable)
	if err == nil || !strings.Contains(err.Error(), "publish again") {
		t.Errorf("Publish into silence = %v, does not say what to do", err)
	}
	never := func(string) bool { return false }
	p.cut.Store(&never)
	publish(t, r, third)
	wantCurrent(t, r, third.Release.Pointer())
}

// TestRedisFrozen stops the server without closing anything.
func TestRedisFrozen(t *testing.T) {
	s := startRedis(t)
	r := openRedis(t, "redis://"+s.addr)
	publish(t, r, first100(t, aName))
	s.signal(t, "STOP")
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := r.Current(ctx)
	wantError(t, "Current", err, catalog.ErrUnavailable)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("Current took %s in spite of its deadline", took)
	}
}

func TestRedisEvictionPolicy(t *testing.T) {
	info := "# Memory\r\nused_memory:1\r\nmaxmemory_policy:allkeys-lru\r\nmem:2\r\n"
	for name, want := range map[string]string{"maxmemory_policy": "allkeys-lru", "used_memory": "1", "memory": ""} {
		if got := infoField(info, name); got != want {
			t.Errorf("infoField(%s) = %q, want %q", name, got, want)
		}
	}
}
