package opendata

import (
	"fmt"
	"hash/maphash"
	"log/slog"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Class sorts operations by what an answer takes. Each has limits of its own, so that
// searches and downloads cannot use up what is there for records.
type Class uint8

// The classes.
const (
	// Record answers are in memory as they are sent, some microseconds of work.
	Record Class = iota
	// Search answers are computed: a walk over the index, at most about a millisecond.
	Search
	// Export answers are files and objects: little work, much bandwidth.
	Export
	classes
)

// String returns the name of c as clients read it.
func (c Class) String() string { return [classes]string{"record", "search", "export"}[c] }

// Limit is what one client may ask for in a class.
type Limit struct {
	// Rate is how many requests a second in the long run, Burst how many at once.
	Rate  float64
	Burst int
	// Day is how many a day, 0 without an end.
	Day int
}

// Limits has the limit of every class.
type Limits [classes]Limit

// DefaultLimits are meant for many people behind one address: a hall with thirty
// phones that all type, a university whose students all try the API in one lesson.
// Thirty typists are some 60 suggestions a second for as long as they type; a mirror of
// 100,000 records fetches some 130 objects at once.
var DefaultLimits = Limits{
	Record: {Rate: 50, Burst: 200, Day: 1_000_000},
	Search: {Rate: 20, Burst: 200, Day: 200_000},
	Export: {Rate: 5, Burst: 300, Day: 20_000},
}

// Check returns an error for limits under which nothing could be asked.
func (l Limits) Check() error {
	const most = 1_000_000
	for c, limit := range l {
		// Written so that a rate that is no number is refused.
		if !(limit.Rate >= 0.001 && limit.Rate <= most) || limit.Burst < 1 || limit.Burst > most || limit.Day < 0 || limit.Day > math.MaxInt32 {
			return fmt.Errorf("limits of %s: a rate from 0.001 and a burst from 1, both up to %d, and a day's number from 0", Class(c), most)
		}
	}
	return nil
}

// What a key and a whole IPv6 site may ask for, as a multiple of what a client may.
const (
	keyFactor  = 10
	siteFactor = 10
)

// tier says what kind of client an identity is.
type tier uint8

const (
	visitor tier = iota // an IPv4 address or an IPv6 /64
	site                // an IPv6 /48: a household or firm often has one, and with it 65,536 of /64
	keyholder
	tiers
)

// identity names a client: the prefix of its address, or its key.
type identity struct{ high, low uint64 }

func (id identity) tier() tier {
	switch {
	case id.low>>63 == 1:
		return keyholder
	case id.low == siteMark:
		return site
	}
	return visitor
}

// siteMark is the lower half of a site's identity; no IPv4 address, mapped into IPv6,
// has it.
const siteMark = 1

// policy is a limit, counted in nanoseconds.
type policy struct {
	interval int64 // between two requests in the long run
	capacity int64 // interval times burst
	day      uint32
	// told is the value of RateLimit-Policy; bucket and quota begin the items of
	// RateLimit.
	told, bucket, quota []byte
}

func newPolicy(c Class, l Limit, factor int) policy {
	p := policy{
		interval: max(1, int64(float64(time.Second)/(l.Rate*float64(factor)))),
		day:      uint32(min(l.Day*factor, math.MaxInt32)),
		bucket:   []byte(`"` + c.String() + `";r=`),
	}
	burst := l.Burst * factor
	p.capacity = p.interval * int64(burst)
	p.told = fmt.Appendf(nil, `"%s";q=%d;w=%d`, c, burst, seconds(p.capacity))
	if p.day > 0 {
		p.quota = []byte(`, "` + c.String() + `-day";r=`)
		p.told = fmt.Appendf(p.told, `, "%s-day";q=%d;w=86400`, c, p.day)
	}
	return p
}

// seconds returns d nanoseconds in whole seconds, rounded up.
func seconds(d int64) int64 { return (d + int64(time.Second) - 1) / int64(time.Second) }

// account is what the limiter knows of one client.
type account struct {
	identity identity
	// full is when the bucket of a class is full again (the generic cell rate
	// algorithm: one number is all of a token bucket).
	full [classes]int64
	// spent is how many requests were answered on day, unsent how many of them the
	// other nodes have not heard of.
	spent  [classes]uint32
	unsent [classes]uint16
	day    uint16
	// seen is when the client was last here, in seconds from 1.
	seen uint32
}

// ways is how many clients share a lock. A set that is full forgets the one that was
// away the longest: it may then begin again with a full bucket.
const ways = 8

type accounts struct {
	mu  sync.Mutex
	all [ways]account
}

// defaultSets gives room for 65,536 clients in 4.3 MB, of which only what is used is
// resident. It is a power of two.
const defaultSets = 1 << 13

// find returns the account of id, a new one if there is none. The lock is held.
func (s *accounts) find(id identity, m moment) *account {
	oldest := &s.all[0]
	for i := range s.all {
		a := &s.all[i]
		if a.identity == id {
			oldest = a
			break
		}
		if a.seen < oldest.seen {
			oldest = a
		}
	}
	if oldest.identity != id {
		*oldest = account{identity: id}
	}
	if oldest.day != m.day {
		oldest.day, oldest.spent = m.day, [classes]uint32{}
	}
	oldest.seen = uint32(m.at/int64(time.Second)) + 1
	return oldest
}

// dayZone is how far the day of the quotas begins before that of UTC: it is China's day,
// wherever a node stands.
const dayZone = 8 * 60 * 60

const secondsOfDay = 24 * 60 * 60

// moment is a time as the accounts count it.
type moment struct {
	at   int64  // nanoseconds since the limiter began
	day  uint16 // days since then
	rest int32  // seconds to the end of the day
}

func dayOf(t time.Time) int64 { return (t.Unix() + dayZone) / secondsOfDay }

func (l *Limiter) moment(t time.Time) moment {
	return moment{
		at: int64(t.Sub(l.began)), day: uint16(dayOf(t) - l.firstDay),
		rest: int32(secondsOfDay - (t.Unix()+dayZone)%secondsOfDay),
	}
}

// verdict is what became of a request.
type verdict struct {
	policy *policy
	ok     bool
	// quota says that it was the day's number that refused.
	quota bool
	// left is how many requests the bucket has, reset in how many seconds it is full,
	// rest how many the day has.
	left, reset int64
	rest        int64
	dayEnds     int32
	// wait is after how many nanoseconds the next request is answered.
	wait int64
}

func (a *account) take(p *policy, c Class, m moment) verdict {
	v := verdict{policy: p, dayEnds: m.rest}
	full := max(a.full[c], m.at)
	room := p.capacity - (full - m.at)
	switch {
	case p.day > 0 && a.spent[c] >= p.day:
		v.quota, v.wait = true, int64(m.rest)*int64(time.Second)
	case room < p.interval:
		v.wait = p.interval - room
	default:
		v.ok = true
		full += p.interval
		room -= p.interval
		a.full[c] = full
		a.count(c, 1)
		if a.unsent[c] < math.MaxUint16 {
			a.unsent[c]++
		}
	}
	v.left, v.reset = max(0, room/p.interval), seconds(full-m.at)
	v.rest = max(0, int64(p.day)-int64(a.spent[c]))
	return v
}

func (a *account) count(c Class, n uint32) {
	a.spent[c] += min(n, math.MaxUint32-a.spent[c])
}

// give takes one request back.
func (a *account) give(p *policy, c Class) {
	a.full[c] -= p.interval
	a.spent[c] -= min(1, a.spent[c])
	a.unsent[c] -= min(1, a.unsent[c])
}

// debit counts n requests that were answered elsewhere. The bucket may owe as much as it
// holds: what two nodes gave at the same instant is made up for.
func (a *account) debit(p *policy, c Class, n uint16, m moment) {
	a.full[c] = min(max(a.full[c], m.at)+int64(n)*p.interval, m.at+2*p.capacity)
	a.count(c, uint32(n))
}

// LimiterConfig is what a Limiter needs.
type LimiterConfig struct {
	Limits Limits
	// Proxies are those whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	// Key reports whether a key with this SHA-256 was issued; nil when none was.
	Key func(digest [32]byte) bool
	// Wire leads to the other nodes that share the limits; nil when there are none.
	Wire Wire
	// Logger gets what an operator should know; nil discards it.
	Logger *slog.Logger
	// Now is the clock, nil for the time at which a request came.
	Now func() time.Time
}

// Limiter counts what clients ask for and says when it is too much. Its memory is
// bounded, it asks nobody and waits for nothing. It is safe for concurrent use.
type Limiter struct {
	limits   Limits
	proxies  []netip.Prefix
	key      func([32]byte) bool
	wire     Wire
	log      *slog.Logger
	now      func() time.Time
	began    time.Time
	firstDay int64
	node     uint64
	policies [tiers][classes]policy
	seed     maphash.Seed
	sets     []accounts
	// changed has a bit for every set with something unsent.
	changed []atomic.Uint64
	// unnamed is set once a proxy was met that Proxies does not name.
	unnamed atomic.Bool
}

// NewLimiter returns a Limiter, or what is wrong with the limits.
func NewLimiter(c LimiterConfig) (*Limiter, error) {
	if err := c.Limits.Check(); err != nil {
		return nil, err
	}
	l := &Limiter{
		limits: c.Limits, proxies: c.Proxies, key: c.Key, wire: c.Wire, log: c.Logger, now: c.Now, began: time.Now(),
		node: newNode(), seed: maphash.MakeSeed(), sets: make([]accounts, defaultSets),
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.now != nil {
		l.began = l.now()
	}
	l.firstDay = dayOf(l.began)
	if l.wire != nil {
		l.changed = make([]atomic.Uint64, len(l.sets)/64)
	}
	for t, factor := range [tiers]int{visitor: 1, site: siteFactor, keyholder: keyFactor} {
		for c := range classes {
			l.policies[t][c] = newPolicy(c, l.limits[c], factor)
		}
	}
	return l, nil
}

// set returns the accounts among which that of id is, and their number.
func (l *Limiter) set(id identity) (*accounts, int) {
	n := int(maphash.Comparable(l.seed, id) & uint64(len(l.sets)-1))
	return &l.sets[n], n
}

// take asks for one request of class c for the client called id.
func (l *Limiter) take(id identity, c Class, m moment) verdict {
	s, n := l.set(id)
	s.mu.Lock()
	v := s.find(id, m).take(&l.policies[id.tier()][c], c, m)
	s.mu.Unlock()
	l.spread(n)
	return v
}

// trade gives a request of class c back for one of class Record. Where the client has
// none of these left, all stays as it is and the verdict is not ok.
func (l *Limiter) trade(id identity, c Class, m moment) verdict {
	p := &l.policies[id.tier()]
	s, n := l.set(id)
	s.mu.Lock()
	a := s.find(id, m)
	v := a.take(&p[Record], Record, m)
	if v.ok {
		a.give(&p[c], c)
	}
	s.mu.Unlock()
	l.spread(n)
	return v
}

// spread notes that set n has something for the other nodes.
func (l *Limiter) spread(n int) {
	if l.changed == nil {
		return
	}
	word, bit := &l.changed[n/64], uint64(1)<<(n%64)
	if word.Load()&bit == 0 {
		word.Or(bit)
	}
}

// appendTold appends the value of the field RateLimit.
func (v *verdict) appendTold(b []byte) []byte {
	b = strconv.AppendInt(append(b, v.policy.bucket...), v.left, 10)
	b = strconv.AppendInt(append(b, ";t="...), v.reset, 10)
	if v.policy.quota != nil {
		b = strconv.AppendInt(append(b, v.policy.quota...), v.rest, 10)
		b = strconv.AppendInt(append(b, ";t="...), int64(v.dayEnds), 10)
	}
	return b
}
