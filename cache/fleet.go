package cache

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/redis/go-redis/v9"

	"luoshu/catalog"
)

// A terminal that follows a hub over HTTP says how it is whenever it asks what is
// current: what it shows, how long it has run, what troubles it. The hub keeps the last
// word of each, for its operator.

// AnnouncementHeader carries an Announcement, written as a query is, and TokenHeader what
// proves whose it is.
const (
	AnnouncementHeader = "Luoshu-Terminal"
	TokenHeader        = "Luoshu-Terminal-Token" //nolint:gosec // a name, not a secret
)

// Announcement is what a terminal says of itself.
type Announcement struct {
	Terminal string `json:"terminal"`
	// Release is the sequence of what it shows, 0 for nothing.
	Release int64  `json:"release"`
	Version string `json:"version,omitempty"`
	// UptimeSeconds is how long its program has run, Restarts how often it was started
	// before.
	UptimeSeconds int64 `json:"uptime_seconds"`
	Restarts      int64 `json:"restarts"`
	// DiskFree is what is left where it keeps releases, in bytes; -1 when unknown.
	DiskFree int64 `json:"disk_free"`
	// Problem is what its status tells, cut short.
	Problem string `json:"problem,omitempty"`
}

// The limits of an announcement, in bytes.
const (
	maxAnnouncement = 1 << 10
	maxVersionBytes = 64
	maxProblemBytes = 300
)

// String returns the value of the header.
func (a Announcement) String() string {
	v := url.Values{}
	v.Set("terminal", a.Terminal)
	v.Set("release", strconv.FormatInt(a.Release, 10))
	v.Set("version", clipText(a.Version, maxVersionBytes))
	v.Set("uptime", strconv.FormatInt(a.UptimeSeconds, 10))
	v.Set("restarts", strconv.FormatInt(a.Restarts, 10))
	v.Set("disk_free", strconv.FormatInt(a.DiskFree, 10))
	// Escaped, a character of Han takes nine bytes.
	for most := maxProblemBytes; ; most /= 2 {
		if v.Set("problem", clipText(a.Problem, most)); len(v.Encode()) <= maxAnnouncement || most == 0 {
			return v.Encode()
		}
	}
}

// ParseAnnouncement reads the value of the header, which anybody may have sent. The error
// wraps catalog.ErrInvalid.
func ParseAnnouncement(header string) (Announcement, error) {
	if len(header) > maxAnnouncement {
		return Announcement{}, fmt.Errorf("announcement of %d bytes: %w", len(header), catalog.ErrInvalid)
	}
	v, err := url.ParseQuery(header)
	if err != nil || !catalog.ValidTerminal(v.Get("terminal")) {
		return Announcement{}, fmt.Errorf("announcement: %w", catalog.ErrInvalid)
	}
	a := Announcement{
		Terminal: v.Get("terminal"), Version: clipText(printable(v.Get("version")), maxVersionBytes),
		Problem: clipText(printable(v.Get("problem")), maxProblemBytes),
	}
	for name, into := range map[string]*int64{"release": &a.Release, "uptime": &a.UptimeSeconds, "restarts": &a.Restarts, "disk_free": &a.DiskFree} {
		n, err := strconv.ParseInt(v.Get(name), 10, 64)
		if err != nil || n < -1 || n > 1<<52 {
			return Announcement{}, fmt.Errorf("announcement: %s: %w", name, catalog.ErrInvalid)
		}
		*into = n
	}
	return a, nil
}

// printable leaves out what could move the cursor of a terminal window.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

type announcing struct{}

// Herald says who asks: the announcement of this moment, and the token of the terminal,
// empty without one.
type Herald func() (Announcement, string)

// WithHerald has hubs that are asked under ctx told who asks.
func WithHerald(ctx context.Context, h Herald) context.Context {
	return context.WithValue(ctx, announcing{}, h)
}

func heraldOf(ctx context.Context) Herald {
	h, _ := ctx.Value(announcing{}).(Herald)
	return h
}

// Sighting is the last word of a terminal.
type Sighting struct {
	Announcement
	// Registered tells whether it proved with its token to be this terminal. Anybody can
	// claim a name.
	Registered bool      `json:"registered"`
	SeenAt     time.Time `json:"seen_at,omitzero"`
}

// Fleet keeps the last word of every terminal, in memory and, where the gateways of a hub
// share a Redis, there: each gateway hears some of the terminals. It is safe for
// concurrent use, and no request waits for Redis.
type Fleet struct {
	shared *Redis // nil without one

	mu    sync.Mutex
	seen  map[string]Sighting
	fresh map[string]bool // not yet shared
}

const (
	// fleetKept is how long a terminal that is silent is remembered.
	fleetKept = 30 * 24 * time.Hour
	// fleetMost bounds how many terminals are remembered, and of them how many that
	// could not prove their name.
	fleetMost      = 20_000
	fleetMostClaim = 1_000
	fleetShare     = 5 * time.Second
)

// OpenFleet returns a fleet that is shared through the Redis at a URL, one of RedisForms,
// or kept in memory when url is empty. Nothing is asked yet. Its user needs
//
//	resetkeys ~luoshu-gateway:* +ping +hset +hgetall +hdel +expire
func OpenFleet(url string) (*Fleet, error) {
	f := &Fleet{seen: map[string]Sighting{}, fresh: map[string]bool{}}
	if url == "" {
		return f, nil
	}
	r, err := OpenRedis(url)
	if err != nil {
		return nil, err
	}
	f.shared = r
	return f, nil
}

// Shared reports whether what is heard goes to Redis.
func (f *Fleet) Shared() bool { return f.shared != nil }

// Close closes the connections.
func (f *Fleet) Close() error {
	if f.shared == nil {
		return nil
	}
	return f.shared.Close()
}

// See takes in what a terminal said. A name that was proved is not taken over by who only
// claims it.
func (f *Fleet) See(s Sighting) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, known := f.seen[s.Terminal]
	if known && was.Registered && !s.Registered {
		return
	}
	if !known && !f.room(s.Registered) {
		return
	}
	f.seen[s.Terminal], f.fresh[s.Terminal] = s, true
}

// room makes room for one more, by forgetting who has been silent the longest.
func (f *Fleet) room(registered bool) bool {
	claims := 0
	oldest := ""
	for id, s := range f.seen {
		if !s.Registered {
			claims++
			if oldest == "" || s.SeenAt.Before(f.seen[oldest].SeenAt) {
				oldest = id
			}
		}
	}
	if len(f.seen) < fleetMost && (registered || claims < fleetMostClaim) {
		return true
	}
	if oldest == "" {
		return false
	}
	delete(f.seen, oldest)
	return true
}

// key is a hash of the terminals' last words by name.
func (f *Fleet) key() string { return "luoshu-gateway:{" + f.shared.catalog + "}:fleet" }

// Run shares what is heard until ctx is done, and what is left then. What Redis does not
// take is offered again.
func (f *Fleet) Run(ctx context.Context) {
	if f.shared == nil {
		return
	}
	ticker := time.NewTicker(fleetShare)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisRead)
			defer cancel()
			f.share(last)
			return
		case <-ticker.C:
			f.share(ctx)
		}
	}
}

func (f *Fleet) share(ctx context.Context) {
	f.mu.Lock()
	offered := f.fresh
	f.fresh = map[string]bool{}
	words := make([]any, 0, 2*len(offered))
	for id := range offered {
		b, _ := json.Marshal(f.seen[id]) // never fails
		words = append(words, id, b)
	}
	f.mu.Unlock()
	if len(words) == 0 {
		return
	}
	_, err := f.shared.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, f.key(), words...)
		p.Expire(ctx, f.key(), fleetKept)
		return nil
	})
	if err != nil {
		f.mu.Lock()
		maps.Copy(f.fresh, offered)
		f.mu.Unlock()
	}
}

// All returns the last word of every terminal by name, those heard by other gateways
// included. The error tells that Redis did not answer; what this gateway heard itself is
// returned all the same.
func (f *Fleet) All(ctx context.Context) ([]Sighting, error) {
	f.mu.Lock()
	all := maps.Clone(f.seen)
	f.mu.Unlock()
	err := f.heardElsewhere(ctx, func(s Sighting) {
		if was, ok := all[s.Terminal]; !ok || s.Registered && !was.Registered || s.Registered == was.Registered && s.SeenAt.After(was.SeenAt) {
			all[s.Terminal] = s
		}
	})
	sorted := slices.SortedFunc(maps.Values(all), func(a, b Sighting) int {
		return cmp.Or(cmp.Compare(len(a.Terminal), len(b.Terminal)), strings.Compare(a.Terminal, b.Terminal))
	})
	return sorted, err
}

// heardElsewhere tells of what is in Redis, and removes there who has been silent for long.
func (f *Fleet) heardElsewhere(ctx context.Context, heard func(Sighting)) error {
	if f.shared == nil {
		return nil
	}
	words, err := f.shared.client.HGetAll(ctx, f.key()).Result()
	if err != nil {
		return f.shared.fail("fleet", err)
	}
	var gone []string
	for id, word := range words {
		var s Sighting
		if json.Unmarshal([]byte(word), &s) != nil || s.Terminal != id || time.Since(s.SeenAt) > fleetKept {
			gone = append(gone, id)
			continue
		}
		heard(s)
	}
	if len(gone) > 0 {
		return f.shared.failed("fleet", f.shared.client.HDel(ctx, f.key(), gone...).Err())
	}
	return nil
}
