package opendata

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// clock is a time that the test moves.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

// night is a minute before midnight in China.
var night = time.Date(2026, 3, 1, 15, 59, 0, 0, time.UTC)

func limiterAt(t testing.TB, c *clock, limits Limits) *Limiter {
	t.Helper()
	l, err := NewLimiter(LimiterConfig{Limits: limits, Now: c.time, Wire: unplugged{}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var small = Limits{Record: {Rate: 10, Burst: 5, Day: 100}, Search: {Rate: 1, Burst: 2, Day: 4}, Export: {Rate: 0.5, Burst: 1}}

// TestBuckets: what a client gets, step by step.
func TestBuckets(t *testing.T) {
	c := &clock{now: night}
	l := limiterAt(t, c, small)
	alice, bob := visitorOf(netip.MustParseAddr("192.0.2.1")), visitorOf(netip.MustParseAddr("192.0.2.2"))
	for n, step := range []struct {
		after time.Duration
		who   identity
		class Class
		ok    bool
		quota bool
		left  int64
		rest  int64
		wait  time.Duration
	}{
		{0, alice, Search, true, false, 1, 3, 0},
		{0, alice, Search, true, false, 0, 2, 0},
		{0, alice, Search, false, false, 0, 2, time.Second},
		{0, alice, Record, true, false, 4, 99, 0}, // classes do not know each other
		{0, bob, Search, true, false, 1, 3, 0},    // nor do clients
		{300 * time.Millisecond, alice, Search, false, false, 0, 2, 700 * time.Millisecond},
		{700 * time.Millisecond, alice, Search, true, false, 0, 1, 0},
		{10 * time.Second, alice, Search, true, false, 1, 0, 0},                // no more than the burst is saved up
		{10 * time.Second, alice, Search, false, true, 2, 0, 39 * time.Second}, // midnight comes
		{39 * time.Second, alice, Search, true, false, 1, 3, 0},
		{0, alice, Export, true, false, 0, 0, 0},
		{time.Second, alice, Export, false, false, 0, 0, time.Second},
		{-time.Hour, alice, Export, false, false, 0, 0, time.Hour + time.Second}, // a clock set back gives nothing away
	} {
		c.now = c.now.Add(step.after)
		v := l.take(step.who, step.class, l.moment(c.now))
		if v.ok != step.ok || v.quota != step.quota || v.left != step.left || v.rest != step.rest || v.wait != int64(step.wait) {
			t.Errorf("step %d: %+v, want %+v", n, v, step)
		}
	}
}

// TestPace: over a long time a client gets its rate and its burst, whatever its rhythm.
func TestPace(t *testing.T) {
	c := &clock{now: night}
	l := limiterAt(t, c, Limits{{Rate: 50, Burst: 200}, small[Search], small[Export]})
	for _, every := range []time.Duration{time.Millisecond, 7 * time.Millisecond, 19 * time.Millisecond} {
		id := visitorOf(netip.AddrFrom4([4]byte{192, 0, 2, byte(every / time.Millisecond)}))
		answered := 0
		for begun := c.now; c.now.Sub(begun) < time.Minute; c.now = c.now.Add(every) {
			if l.take(id, Record, l.moment(c.now)).ok {
				answered++
			}
		}
		if want := min(int(time.Minute/every)+1, 200+60*50); answered > want || answered < want-1 {
			t.Errorf("asking every %v: %d answers, want %d", every, answered, want)
		}
	}
}

// TestTrade: a 304 costs a record, for as long as there are records.
func TestTrade(t *testing.T) {
	c := &clock{now: night}
	l := limiterAt(t, c, small)
	id := visitorOf(netip.MustParseAddr("192.0.2.1"))
	m := l.moment(c.now)
	for n := range 5 {
		if !l.take(id, Search, m).ok || !l.trade(id, Search, m).ok {
			t.Fatalf("trade %d is refused", n)
		}
	}
	if !l.take(id, Search, m).ok || l.trade(id, Search, m).ok {
		t.Fatal("a trade without records")
	}
	if v := l.take(id, Search, m); !v.ok || v.rest != 2 {
		t.Fatalf("%+v: the refused trade gave something back", v)
	}
	if l.take(id, Search, m).ok {
		t.Fatal("more searches than the burst")
	}
}

// TestForgetting: memory is bounded, and whoever was away the longest is forgotten.
func TestForgetting(t *testing.T) {
	c := &clock{now: night}
	l := limiterAt(t, c, small)
	l.sets = l.sets[:1]
	m := l.moment(c.now)
	for n := range ways {
		c.now = c.now.Add(time.Second)
		l.take(identity{low: uint64(n) << 8}, Export, l.moment(c.now))
	}
	l.take(identity{low: 99 << 8}, Export, l.moment(c.now)) // in the place of the first
	if !l.take(identity{low: 0}, Export, m).ok {
		t.Error("the first is remembered")
	}
	if l.take(identity{low: 7 << 8}, Export, l.moment(c.now)).ok {
		t.Error("the last is forgotten")
	}
}

func TestIdentities(t *testing.T) {
	of := func(s string) identity { return visitorOf(netip.MustParseAddr(s)) }
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"::1", "127.0.0.1", false},
		{"0.0.0.1", "::1", false},
	} {
		if (of(tt.a) == of(tt.b)) != tt.same {
			t.Errorf("%s and %s: same is not %v", tt.a, tt.b, tt.same)
		}
	}
	if siteOf(of("2001:db8:1:2::1")) != siteOf(of("2001:db8:1:3::1")) || siteOf(of("2001:db8:1::1")) == siteOf(of("2001:db8:2::1")) {
		t.Error("a site is no /48")
	}
	for id, want := range map[identity]tier{
		of("192.0.2.1"): visitor, of("255.255.255.255"): visitor, of("ffff:ffff::1"): visitor, of("::"): visitor,
		siteOf(of("2001:db8::1")): site, siteOf(of("::1")): site, keyholderOf([32]byte{}): keyholder, keyholderOf([32]byte{15: 1}): keyholder,
	} {
		if id.tier() != want {
			t.Errorf("%x is of tier %d, want %d", id, id.tier(), want)
		}
	}
}

// connection is one of which only the other end is known.
type connection struct {
	net.Conn
	from net.Addr
}

func (c connection) RemoteAddr() net.Addr { return c.from }

// TestClient: who asks, whatever is claimed.
func TestClient(t *testing.T) {
	for _, tt := range []struct {
		name    string
		peer    string
		fields  []string
		want    string
		own     bool
		proxies string
	}{
		{"a visitor", "192.0.2.1", nil, "192.0.2.1", false, ""},
		{"the screen", "127.0.0.1", nil, "127.0.0.1", true, ""},
		{"the screen, IPv6", "::1", nil, "::1", true, ""},
		{"the screen behind its own proxy", "127.0.0.1", nil, "127.0.0.1", true, "127.0.0.1/32"},
		{"a claim that nobody vouches for", "192.0.2.1", []string{"127.0.0.1"}, "192.0.2.1", false, "10.0.0.0/8"},
		{"an unnamed proxy on this machine", "127.0.0.1", []string{"203.0.113.9"}, "127.0.0.1", false, "10.0.0.0/8"},
		{"one proxy", "10.0.0.1", []string{"203.0.113.9"}, "203.0.113.9", false, "10.0.0.0/8"},
		{"one proxy, a spoofed beginning", "10.0.0.1", []string{"127.0.0.1, 8.8.8.8, 203.0.113.9"}, "203.0.113.9", false, "10.0.0.0/8"},
		{"two proxies", "10.0.0.1", []string{"8.8.8.8, 203.0.113.9, 10.0.0.2"}, "203.0.113.9", false, "10.0.0.0/8"},
		{"two fields", "10.0.0.1", []string{"8.8.8.8, 203.0.113.9", "10.0.0.2"}, "203.0.113.9", false, "10.0.0.0/8"},
		{"a visitor within the network of proxies", "10.0.0.1", []string{"10.9.9.9"}, "10.9.9.9", false, "10.0.0.0/8"},
		{"ports", "10.0.0.1", []string{"203.0.113.9:4711"}, "203.0.113.9", false, "10.0.0.0/8"},
		{"IPv6", "10.0.0.1", []string{"2001:db8::7"}, "2001:db8::7", false, "10.0.0.0/8"},
		{"IPv6 with a port", "10.0.0.1", []string{"[2001:db8::7]:4711"}, "2001:db8::7", false, "10.0.0.0/8"},
		{"IPv4 in IPv6", "::ffff:10.0.0.1", []string{"::ffff:203.0.113.9"}, "203.0.113.9", false, "10.0.0.0/8"},
		{"no address", "10.0.0.1", []string{"203.0.113.9, unknown"}, "10.0.0.1", false, "10.0.0.0/8"},
		{"nothing", "10.0.0.1", []string{" "}, "10.0.0.1", false, "10.0.0.0/8"},
		{"commas", "10.0.0.1", []string{strings.Repeat(",", 1000)}, "10.0.0.1", false, "10.0.0.0/8"},
		{"a proxy that says it is the screen", "127.0.0.1", []string{"127.0.0.1"}, "127.0.0.1", false, "127.0.0.0/8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := LimiterConfig{Limits: DefaultLimits}
			if tt.proxies != "" {
				config.Proxies = []netip.Prefix{netip.MustParsePrefix(tt.proxies)}
			}
			l, err := NewLimiter(config)
			if err != nil {
				t.Fatal(err)
			}
			var ctx fasthttp.RequestCtx
			ctx.Init2(connection{from: &net.TCPAddr{IP: net.ParseIP(tt.peer), Port: 1}}, nil, false)
			for _, f := range tt.fields {
				ctx.Request.Header.Add(fasthttp.HeaderXForwardedFor, f)
			}
			from, own := l.client(&ctx)
			if from.String() != tt.want || own != tt.own {
				t.Errorf("%s, %v; want %s, %v", from, own, tt.want, tt.own)
			}
		})
	}
}

// unplugged is a wire to nobody.
type unplugged struct{ Wire }

// TestSharing: two nodes that hear each other give what one would.
func TestSharing(t *testing.T) {
	c := &clock{now: night}
	limits := Limits{{Rate: 50, Burst: 200, Day: 1000}, small[Search], small[Export]}
	nodes := []*Limiter{limiterAt(t, c, limits), limiterAt(t, c, limits)}
	id := visitorOf(netip.MustParseAddr("192.0.2.1"))
	answered := 0
	for begun := c.now; c.now.Sub(begun) < 10*time.Second; c.now = c.now.Add(tellEvery) {
		for n := range 100 {
			if nodes[n%2].take(id, Record, nodes[n%2].moment(c.now)).ok {
				answered++
			}
		}
		for _, message := range [][]byte{nodes[0].news(), nodes[1].news()} {
			for _, node := range nodes { // what a node says it hears as well
				node.hear(message)
			}
		}
	}
	// A message of lateness may give twice, and is owed.
	if answered < 600 || answered > 200+10*50+100 {
		t.Errorf("%d answers in ten seconds", answered)
	}
	for n, node := range nodes {
		if v := node.take(id, Record, node.moment(c.now)); v.rest < 1000-int64(answered)-2 || v.rest > 1000-int64(answered) {
			t.Errorf("node %d: %d of the day are left after %d answers", n, v.rest, answered)
		}
	}
}

// TestNewsAreBounded: however many clients there are, a message is of bounded size, and
// nobody is left out for good.
func TestNewsAreBounded(t *testing.T) {
	c := &clock{now: night}
	from, to := limiterAt(t, c, small), limiterAt(t, c, small)
	const clients = 8000
	m := from.moment(c.now)
	for n := range uint64(clients) {
		from.take(identity{low: n << 8}, Export, m)
	}
	messages := 0
	for b := from.news(); b != nil; b = from.news() {
		messages++
		if len(b) > 64<<10 {
			t.Errorf("a message of %d bytes", len(b))
		}
		to.hear(b)
	}
	known := 0
	for n := range uint64(clients) {
		if !to.take(identity{low: n << 8}, Export, m).ok {
			known++
		}
	}
	if messages != 3 || known < clients-10 { // a set may have had nine
		t.Errorf("%d messages, %d clients are known", messages, known)
	}
}

// FuzzHear: whatever comes over the wire takes at most what may be owed.
func FuzzHear(f *testing.F) {
	c := &clock{now: night}
	from := limiterAt(f, c, small)
	id := visitorOf(netip.MustParseAddr("192.0.2.1"))
	from.take(id, Record, from.moment(c.now))
	f.Add(from.news())
	f.Add([]byte{messageVersion})
	f.Fuzz(func(t *testing.T, message []byte) {
		c := &clock{now: night}
		l := limiterAt(t, c, small)
		l.hear(message)
		c.now = c.now.Add(5 * time.Second) // twice the burst of records
		if v := l.take(id, Record, l.moment(c.now)); !v.ok && !v.quota {
			t.Errorf("%+v", v)
		}
	})
}

func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "[::1]:80", "fe80::1%eth0", "::ffff:1.2.3.4", "unknown", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, ok := forwarded(s); ok && (a.Zone() != "" || a.Is4In6()) {
			t.Errorf("%q is %v", s, a)
		}
	})
}

// TestGate: so many at once, a few wait, the others are sent away.
func TestGate(t *testing.T) {
	g := newGate(1, 1, 2, time.Hour)
	if !g.enter() {
		t.Fatal("an empty gate")
	}
	entered := make(chan bool)
	go func() { entered <- g.enter() }()
	for g.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if g.enter() {
		t.Error("the queue has no end")
	}
	g.leave()
	if !<-entered {
		t.Error("who waited was sent away")
	}
	g.leave()

	a, b := identity{low: 1 << 8}, identity{low: 2 << 8}
	for n, step := range []struct {
		who identity
		ok  bool
	}{{a, true}, {a, true}, {a, false}, {b, true}} {
		if g.hold(step.who) != step.ok {
			t.Errorf("hold %d is not %v: a client may have two", n, step.ok)
		}
	}
	g.release(a)
	if !g.hold(a) {
		t.Error("what was released cannot be held")
	}
	g.release(a)
	g.release(a)
	g.release(b)
	if len(g.holds) != 0 {
		t.Errorf("%v are remembered", g.holds)
	}
	impatient := newGate(0, 1, 0, time.Millisecond)
	if impatient.enter() {
		t.Error("a gate without slots")
	}
}

func TestLimitsCheck(t *testing.T) {
	if err := DefaultLimits.Check(); err != nil {
		t.Error(err)
	}
	zero := 0.0
	for _, bad := range []Limit{{Rate: 0, Burst: 1}, {Rate: -1, Burst: 1}, {Rate: zero / zero, Burst: 1}, {Rate: 1, Burst: 0}, {Rate: 1, Burst: 1, Day: -1}, {Rate: 1e12, Burst: 1}} {
		limits := DefaultLimits
		limits[Search] = bad
		if limits.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
