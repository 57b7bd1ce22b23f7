package opendata_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/opendata"
)

const secret = "luoshu_EXAMPLEEXAMPLEEXAMPLEEXAMP"

// limit returns a change that holds clients to limits. The tests come through a proxy
// that is trusted, and name themselves in X-Forwarded-For. The clock stands at ten
// seconds before midnight in China.
func limit(t testing.TB, limits opendata.Limits, clock *time.Time) func(*opendata.Config) {
	t.Helper()
	*clock = time.Date(2026, 3, 1, 15, 59, 50, 0, time.UTC)
	l, err := opendata.NewLimiter(opendata.LimiterConfig{
		Limits: limits, Proxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/32")}, Now: func() time.Time { return *clock },
		Key: func(digest [32]byte) bool { return digest == sha256.Sum256([]byte(secret)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *opendata.Config) { c.Limiter = l }
}

var few = opendata.Limits{
	opendata.Record: {Rate: 10, Burst: 4, Day: 12}, opendata.Search: {Rate: 1, Burst: 2}, opendata.Export: {Rate: 0.1, Burst: 1, Day: 5},
}

// TestLimits is a client's day.
func TestLimits(t *testing.T) {
	s := demo(t)
	var clock time.Time
	app := serve(t, s, limit(t, few, &clock))
	record := "/api/v1/achievements/" + string(named(catalog.Achievements, "3"))
	const list, me = "/api/v1/achievements?limit=1", "203.0.113.9"
	tag := get(t, app, list, "X-Forwarded-For", "198.51.100.1").header.Get("ETag")
	bearer := []string{"Authorization", "Bearer " + secret}
	for n, step := range []struct {
		after   time.Duration
		method  string
		path    string
		from    string
		header  []string
		status  int
		problem string
		retry   string
		told    string
	}{
		{0, "GET", record, me, nil, 200, "", "", `"record";r=3;t=1, "record-day";r=11;t=10`},
		{0, "HEAD", record, me, nil, 200, "", "", `"record";r=2;t=1, "record-day";r=10;t=10`},
		{0, "GET", record + "x", me, nil, 400, "invalid-identifier", "", `"record";r=1;t=1, "record-day";r=9;t=10`},
		{0, "OPTIONS", record, me, nil, 204, "", "", ""},
		{0, "GET", record, me, nil, 200, "", "", `"record";r=0;t=1, "record-day";r=8;t=10`},
		{0, "GET", record, me, nil, 429, "too-many-requests", "1", `"record";r=0;t=1, "record-day";r=8;t=10`},
		{0, "HEAD", record, me, nil, 429, "", "1", `"record";r=0;t=1, "record-day";r=8;t=10`},
		// A spoofed beginning makes nobody of him; others are others.
		{0, "GET", record, "127.0.0.1, " + me, nil, 429, "too-many-requests", "1", `"record";r=0;t=1, "record-day";r=8;t=10`},
		{0, "GET", record, me + ", 8.8.8.8", nil, 200, "", "", `"record";r=3;t=1, "record-day";r=11;t=10`},
		// A key is another account, with ten times as much; when it is used up, one is as anybody.
		{0, "GET", record, me, bearer, 200, "", "", `"record";r=39;t=1, "record-day";r=119;t=10`},
		{0, "GET", record, me, []string{"Authorization", "Bearer of-nothing"}, 429, "too-many-requests", "1", `"record";r=0;t=1, "record-day";r=8;t=10`},
		{0, "GET", record, "198.51.100.7", []string{"Authorization", "bearer of-nothing"}, 401, "unknown-key", "", `"record";r=3;t=1, "record-day";r=11;t=10`},
		{0, "GET", record, "198.51.100.7", []string{"Authorization", "Basic YTpi"}, 200, "", "", `"record";r=2;t=1, "record-day";r=10;t=10`},
		// Searches are counted apart; a 304 costs a record.
		{0, "GET", list, me, nil, 200, "", "", `"search";r=1;t=1`},
		{0, "GET", list, me, []string{"If-None-Match", tag}, 304, "", "", `"search";r=0;t=2`}, // he has no records left
		{0, "GET", list, me, nil, 429, "too-many-requests", "1", `"search";r=0;t=2`},
		{time.Second, "GET", list, me, []string{"If-None-Match", tag}, 304, "", "", `"record";r=3;t=1, "record-day";r=7;t=9`},
		{0, "GET", list, me, nil, 200, "", "", `"search";r=0;t=2`},
		// IPv6 addresses of one network are one client.
		{0, "GET", list, "2001:db8:1:2::1", nil, 200, "", "", `"search";r=1;t=1`},
		{0, "GET", list, "2001:db8:1:2:ffff::2", nil, 200, "", "", `"search";r=0;t=2`},
		{0, "GET", list, "2001:db8:1:2::3", nil, 429, "too-many-requests", "1", `"search";r=0;t=2`},
		{0, "GET", list, "2001:db8:1:3::1", nil, 200, "", "", `"search";r=1;t=1`},
		// The day's number.
		{time.Second, "GET", record, me, nil, 200, "", "", `"record";r=3;t=1, "record-day";r=6;t=8`},
		{time.Second, "GET", record, me, nil, 200, "", "", `"record";r=3;t=1, "record-day";r=5;t=7`},
		{0, "GET", record, me, nil, 200, "", "", `"record";r=2;t=1, "record-day";r=4;t=7`},
		{time.Second, "GET", record, me, nil, 200, "", "", `"record";r=3;t=1, "record-day";r=3;t=6`},
		{time.Second, "GET", record, me, nil, 200, "", "", `"record";r=3;t=1, "record-day";r=2;t=5`},
		{0, "GET", record, me, nil, 200, "", "", `"record";r=2;t=1, "record-day";r=1;t=5`},
		{time.Second, "GET", record, me, nil, 200, "", "", `"record";r=3;t=1, "record-day";r=0;t=4`},
		{time.Second, "GET", record, me, nil, 429, "quota-exhausted", "3", `"record";r=4;t=0, "record-day";r=0;t=3`},
		{0, "GET", record, me, bearer, 200, "", "", `"record";r=39;t=1, "record-day";r=118;t=3`},
		{4 * time.Second, "GET", record, me, nil, 200, "", "", `"record";r=3;t=1, "record-day";r=11;t=86399`},
	} {
		clock = clock.Add(step.after)
		a := ask(t, app, step.method, step.path, append([]string{"X-Forwarded-For", step.from}, step.header...)...)
		told := a.header.Get("RateLimit")
		if a.status != step.status || a.header.Get("Retry-After") != step.retry || told != step.told || !strings.Contains(a.body, step.problem) {
			t.Errorf("step %d, %s %s: %d, Retry-After %q, RateLimit %s\n%s\nwant %+v", n, step.method, step.path, a.status, a.header.Get("Retry-After"), told, a.body, step)
		}
		if want := map[bool]string{true: `"record";q=4;w=1, "record-day";q=12;w=86400`}[strings.HasPrefix(told, `"record"`) && !strings.Contains(told, "r=39") && !strings.Contains(told, "r=118")]; want != "" && a.header.Get("RateLimit-Policy") != want {
			t.Errorf("step %d: RateLimit-Policy %s", n, a.header.Get("RateLimit-Policy"))
		}
		if a.status >= 400 && a.header.Get("Cache-Control") != "no-store" || a.status == 200 && strings.Contains(a.header.Get("Vary"), "Authorization") {
			t.Errorf("step %d: Cache-Control %q, Vary %q", n, a.header.Get("Cache-Control"), a.header.Get("Vary"))
		}
		if exposed := a.header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "RateLimit, RateLimit-Policy") {
			t.Errorf("step %d: exposed are %s", n, exposed)
		}
		if challenge := a.header.Get("WWW-Authenticate"); (challenge != "") != (a.status == 401) {
			t.Errorf("step %d: WWW-Authenticate %q", n, challenge)
		}
	}
}

// TestKeyChangesNoAnswer: what a key brings is the same bytes under the same ETag, so
// that caches need not tell requests with a key from others.
func TestKeyChangesNoAnswer(t *testing.T) {
	var clock time.Time
	app := serve(t, demo(t), limit(t, opendata.DefaultLimits, &clock))
	for _, path := range []string{"/api/v1", "/api/v1/achievements", "/api/v1/releases"} {
		a := get(t, app, path)
		b := get(t, app, path, "Authorization", "Bearer "+secret)
		for _, name := range []string{"RateLimit", "RateLimit-Policy", "Date"} {
			a.header.Del(name)
			b.header.Del(name)
		}
		if a.String() != b.String() {
			t.Errorf("%s differs with a key", path)
		}
	}
}

// TestContractOfLimits has every operation refuse, and looks for the headers that a
// client without limits may lack.
func TestContractOfLimits(t *testing.T) {
	c := theContract(t)
	told := func(path string, a answer) {
		t.Helper()
		response, _ := c.response(c.path(path), strconv.Itoa(a.status))
		fields, _ := response["headers"].(map[string]any)
		for name := range fields {
			if strings.HasPrefix(name, "RateLimit") && a.header.Get(name) == "" {
				t.Errorf("%s answers %d without %s", path, a.status, name)
			}
		}
	}
	s := asPublished(t)
	var clock time.Time
	app := serve(t, s, at(oaiBase), limit(t, opendata.Limits{{Rate: 1, Burst: 1, Day: 2}, {Rate: 1, Burst: 1, Day: 2}, {Rate: 1, Burst: 1, Day: 2}}, &clock))
	for n, op := range opendata.ConcreteOperations() {
		path := address(t, s, op)
		from := "192.0.2." + strconv.Itoa(n%250) + ", 198.51." + strconv.Itoa(n/250) + "." + strconv.Itoa(n%250)
		seen := map[string]bool{}
		for _, more := range [][]string{nil, nil, {"Authorization", "Bearer nothing"}} {
			a := get(t, app, path, append([]string{"X-Forwarded-For", from}, more...)...)
			told(path, a)
			seen[strconv.Itoa(a.status)] = true
		}
		clock = clock.Add(2 * time.Second)
		a := get(t, app, path, "X-Forwarded-For", from, "Authorization", "Bearer nothing")
		told(path, a)
		seen[strconv.Itoa(a.status)] = true
		if !seen["429"] || op.Class == opendata.Record && a.status != 401 && a.status != 429 {
			t.Errorf("%s answers %v", path, seen)
		}
	}
}

// TestHeldExports: clients that take files and read nothing of them hold all there is for
// files. Records and searches are answered all the same, and so is the next file once
// one of them is gone.
func TestHeldExports(t *testing.T) {
	s := newShelf()
	s.publish(t, release(t, 1, "", edit{achievements: 1000}))
	opendata.SetExportGate(t, 4, 2)
	limiter, err := opendata.NewLimiter(opendata.LimiterConfig{Limits: opendata.DefaultLimits, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if err != nil {
		t.Fatal(err)
	}
	app := serveWhole(t, s, func(c *opendata.Config) { c.Limiter = limiter })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(narrow{listener}) }()
	t.Cleanup(func() {
		_ = app.Shutdown()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	// request sends one and returns the status line of the answer, reading no more.
	request := func(path string, client int) (string, net.Conn) {
		t.Helper()
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.%d\r\n\r\n", path, client)
		line, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line), conn
	}
	const file = "/api/v1/exports/achievements.jsonl"
	want := func(path string, client int, status string) net.Conn {
		t.Helper()
		line, conn := request(path, client)
		if !strings.Contains(line, status) {
			t.Fatalf("client %d, %s: %s, want %s", client, path, line, status)
		}
		return conn
	}
	first := want(file, 1, "200")
	want(file, 1, "200")
	want(file, 1, "429") // two at once are enough for one
	want(file, 2, "200")
	want(file, 2, "200")
	want(file, 3, "503")
	want("/api/v1/achievements/"+string(named(catalog.Achievements, "3")), 3, "200")
	want("/api/v1/achievements?q=%E8%BD%B4%E6%89%BF", 3, "200")
	_ = first.Close()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if line, _ := request(file, 3); strings.Contains(line, "200") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody else gets the file")
		}
	}
}

// narrow is a listener whose connections hold little of what nobody reads.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4096)
	}
	return conn, err
}

// TestLimitsOnThePage: /developers tells the limits there are.
func TestLimitsOnThePage(t *testing.T) {
	var clock time.Time
	with := serve(t, demo(t), limit(t, few, &clock))
	without := serve(t, demo(t))
	row := regexp.MustCompile(`<code>export</code>.*>0\.1<.*>1<.*>5<`)
	for _, lang := range []string{"zh", "en"} {
		path := "/developers?lang=" + lang
		if a := get(t, with, path); a.status != http.StatusOK || !row.MatchString(a.body) {
			t.Errorf("%s tells no limits", path)
		}
		if a := get(t, without, path); a.status != http.StatusOK || strings.Contains(a.body, "<code>export</code>") {
			t.Errorf("%s tells limits where there are none", path)
		}
	}
	if a := ask(t, with, fiber.MethodOptions, "/api/v1"); !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Error("a page elsewhere cannot bring its key")
	}
}
