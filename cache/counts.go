package cache

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"luoshu/catalog"
)

// Counts counts what people look at: codes that were scanned, by where they stand, records
// that were opened, and searches that found nothing, by day. It knows of nobody who does:
// no address, no cookie, no time but the day. Its memory is bounded, and nobody who
// counts waits. The zero Counts is not ready; see NewCounts.
type Counts struct {
	store CountStore // nil keeps the counts in memory alone
	log   *slog.Logger
	now   func() time.Time
	since time.Time
	// key is that of digests and places.
	key []byte

	mu sync.Mutex
	// days are the counts of this node since it started, fresh those of them of this hour,
	// and unsent those that the store has not got yet.
	days, fresh, unsent dayCounts
	hour                time.Time
	told                *CountStatus // of the hour; nil until somebody asks
	// missed are searches without results that are not kept yet, by digest, and pending
	// those whose wording the store must hear of.
	missed  map[string]*sightings
	pending map[Missed]int
	// noted is how many searches of every place were noted on notedOn.
	noted   [256]int
	notedOn string
}

// CountStore is where the nodes of a hub add up their counts.
type CountStore interface {
	// Add adds counts of days, all or nothing.
	Add(ctx context.Context, counts map[string]map[string]int) error
	// See notes where and when a search found nothing, and reports whether it was seen
	// from several places on several days. digest stands for its wording.
	See(ctx context.Context, digest, day, place string) (bool, error)
	// Secret is what the nodes know and whoever only reads the store does not, empty for
	// nothing.
	Secret() string
}

// dayCounts holds counts by day, as 2026-11-30, and by Counted, as its key.
type dayCounts map[string]map[string]int

// Missed is a search that found nothing. Place stands for where it was made: a terminal or
// a network is one of 256 numbers, another one every day, so that it says of two searches
// that they came from different places, and nothing of where anybody is.
type Missed struct {
	Term, Day string
	Place     byte
}

// sightings are where and when a search found nothing: on how many days at several places,
// and on the last of all days.
type sightings struct {
	days    int
	last    string
	place   byte // the first of that day
	several bool // there were others on that day
}

// see notes one more, and reports whether there were several places on several days.
func (s *sightings) see(day string, place byte) bool {
	switch {
	case day != s.last:
		s.last, s.place, s.several = day, place, false
	case place != s.place && !s.several:
		s.several = true
		s.days++
	}
	return s.days > 1
}

// weaker reports whether less speaks for s than for other.
func (s *sightings) weaker(other *sightings) bool {
	return cmp.Or(cmp.Compare(s.days, other.days), strings.Compare(s.last, other.last)) < 0
}

// The kinds of what is counted.
const (
	Scan = "scan" // of a code
	View = "view" // of a record
	Miss = "miss" // a search that found nothing
)

// Counted is what is counted.
type Counted struct {
	Kind string `json:"kind"`
	// What is an identifier, or the wording of a search. Others stands for all records
	// that a day had no room for.
	What string `json:"what"`
	// Placement is where a code stands that was scanned, such as K3 or P2.
	Placement string `json:"placement,omitzero"`
}

func (c Counted) key() string {
	if c.Placement == "" {
		return c.Kind + " " + c.What
	}
	return c.Kind + "-" + c.Placement + " " + c.What
}

func parseCounted(key string) (c Counted, ok bool) {
	head, what, ok := strings.Cut(key, " ")
	c.What = what
	c.Kind, c.Placement, _ = strings.Cut(head, "-")
	return c, ok && slices.Contains([]string{Scan, View, Miss}, c.Kind)
}

// Others is counted in the place of what a day has no room for.
const Others = "others"

// The bounds of what a node remembers. A count takes some 100 bytes.
const (
	mostADay    = 1 << 13 // counts
	daysKept    = 31
	mostMissed  = 1 << 12
	mostNoted   = 500 // searches without results of one place on one day
	missedDays  = 30  // after which a search is forgotten that was not made again
	weighed     = 16  // of the searches among which the weakest makes room
	longestTerm = 40  // characters; who types more does not look for a word
	flushEvery  = 10 * time.Second
	flushWait   = 5 * time.Second
)

// LeastShown is the least number that is shown: less could be one person.
const LeastShown = 5

// beijing is the time zone of the days; it has had no daylight saving since 1991.
var beijing = time.FixedZone("CST", 8*60*60)

// NewCounts returns counts that begin at nothing. store may be nil; log tells of a store that
// does not answer.
func NewCounts(store CountStore, log *slog.Logger) *Counts {
	c := &Counts{
		store: store, log: log, now: time.Now, since: time.Now(), key: make([]byte, sha256.Size),
		days: dayCounts{}, fresh: dayCounts{}, unsent: dayCounts{}, missed: map[string]*sightings{}, pending: map[Missed]int{},
	}
	if store != nil && store.Secret() != "" {
		sum := sha256.Sum256([]byte("luoshu counts\n" + store.Secret()))
		c.key = sum[:]
	} else {
		_, _ = rand.Read(c.key) // never fails
	}
	return c
}

func (c *Counts) today() string { return c.now().In(beijing).Format(time.DateOnly) }

// mac returns the keyed hash of a text of some kind.
func (c *Counts) mac(kind, s string) []byte {
	h := hmac.New(sha256.New, c.key)
	_, _ = io.WriteString(h, kind+"\n"+s)
	return h.Sum(nil)
}

func (c *Counts) digestOf(term string) string { return hex.EncodeToString(c.mac("missed", term)[:12]) }

// Scanned counts a code that was scanned where placement says.
func (c *Counts) Scanned(id catalog.ID, placement string) {
	c.count(Counted{Scan, string(id), placement})
}

// Viewed counts a record that was opened.
func (c *Counts) Viewed(id catalog.ID) { c.count(Counted{Kind: View, What: string(id)}) }

func (c *Counts) count(what Counted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(c.today(), what, 1)
}

// add counts n times what. The caller holds mu.
func (c *Counts) add(day string, what Counted, n int) {
	c.strike()
	key := c.days.room(day, what)
	c.days.add(day, key, n)
	c.fresh.add(day, key, n)
	if c.store != nil {
		c.unsent.add(day, key, n)
	}
}

// strike begins another hour when it is time. The caller holds mu.
func (c *Counts) strike() {
	if hour := c.now().UTC().Truncate(time.Hour); !hour.Equal(c.hour) {
		c.hour, c.fresh, c.told = hour, dayCounts{}, nil
	}
}

// room returns the key under which a day counts what.
func (d dayCounts) room(day string, what Counted) string {
	key := what.key()
	if _, known := d[day][key]; !known && len(d[day]) >= mostADay {
		return Counted{Kind: what.Kind, What: Others}.key()
	}
	return key
}

// add counts, and forgets the oldest days when there are too many.
func (d dayCounts) add(day, key string, n int) {
	if d[day] == nil {
		d[day] = map[string]int{}
		for len(d) > daysKept {
			delete(d, slices.Min(slices.Collect(maps.Keys(d))))
		}
	}
	if d[day] != nil { // it was not itself too old
		d[day][key] += n
	}
}

// Missed takes note of a search that found nothing, made at place: a terminal or a network,
// of which nothing is kept. Its wording is kept, and counted, only once it was seen at
// several places on one day, and on another; until then a digest stands for it.
func (c *Counts) Missed(term, place string) {
	term, ok := countable(term)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	day := c.today()
	m := Missed{term, day, c.mac("place", day+"\n"+place)[0]}
	if !c.note(m) {
		return
	}
	if c.store != nil {
		if len(c.pending) < mostMissed || c.pending[m] > 0 {
			c.pending[m]++
		}
		return
	}
	digest := c.digestOf(term)
	seen := c.missed[digest]
	if seen == nil {
		c.makeRoom()
		seen = &sightings{}
		c.missed[digest] = seen
	}
	if seen.see(day, m.Place) {
		c.add(day, Counted{Kind: Miss, What: term}, 1)
	}
}

// note reports whether one more search of the place may be noted today: nobody crowds out
// the others. A new day forgets what was searched too long ago.
func (c *Counts) note(m Missed) bool {
	if c.notedOn != m.Day {
		c.notedOn, c.noted = m.Day, [256]int{}
		oldest := c.now().In(beijing).AddDate(0, 0, -missedDays).Format(time.DateOnly)
		maps.DeleteFunc(c.missed, func(_ string, s *sightings) bool { return s.last < oldest })
	}
	c.noted[m.Place]++
	return c.noted[m.Place] <= mostNoted
}

// makeRoom forgets the weakest of a few searches, in no order, when there are too many.
func (c *Counts) makeRoom() {
	if len(c.missed) < mostMissed {
		return
	}
	weakest, n := "", 0
	for digest, s := range c.missed {
		if weakest == "" || s.weaker(c.missed[weakest]) {
			weakest = digest
		}
		if n++; n == weighed {
			break
		}
	}
	delete(c.missed, weakest)
}

// countable returns a term as it is compared, and whether it may ever be kept: what is long,
// or has the digits of a telephone or identity number, says more about who typed it than
// about what the catalog lacks.
func countable(term string) (string, bool) {
	term = strings.Join(strings.Fields(strings.ToLower(term)), " ")
	digits := 0
	for _, r := range term {
		if unicode.IsDigit(r) {
			digits++
		}
		if unicode.IsControl(r) {
			return "", false
		}
	}
	return term, term != "" && digits < 6 && !strings.Contains(term, "@") && len([]rune(term)) <= longestTerm
}

// Run brings the counts to the store until ctx is done, and once more then. Without a store
// it returns at once.
func (c *Counts) Run(ctx context.Context) {
	if c.store == nil {
		return
	}
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	failing := false
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-ticker.C:
		}
		err := c.flush(context.WithoutCancel(ctx))
		switch {
		case err != nil && !failing:
			c.log.Warn("counts cannot be stored: they stay in memory until they can", slog.Any("error", err))
		case err == nil && failing:
			c.log.Info("counts are stored again")
		}
		failing = err != nil
	}
}

// flush brings to the store what it has not got. What fails is tried again the next time.
func (c *Counts) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	c.mu.Lock()
	pending := c.pending
	c.pending = map[Missed]int{}
	c.mu.Unlock()
	for m, n := range pending {
		kept, err := c.store.See(ctx, c.digestOf(m.Term), m.Day, hex.EncodeToString([]byte{m.Place}))
		c.mu.Lock()
		switch {
		case err != nil && len(c.pending) < mostMissed:
			c.pending[m] += n
		case kept:
			c.add(m.Day, Counted{Kind: Miss, What: m.Term}, n)
		}
		c.mu.Unlock()
		if err != nil {
			ctx = canceled(ctx) // the others wait for the next time
		}
	}
	c.mu.Lock()
	unsent := c.unsent
	c.unsent = dayCounts{}
	c.mu.Unlock()
	if len(unsent) == 0 {
		return ctx.Err()
	}
	err := c.store.Add(ctx, unsent)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		for day, counts := range unsent {
			for key, n := range counts {
				c.unsent.add(day, key, n)
			}
		}
	}
	return err
}

// canceled returns a context that is done.
func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// Figure is a count that may be shown.
type Figure struct {
	// Day is empty for the sum of several days.
	Day string `json:"day,omitzero"`
	Counted
	Count int `json:"count"`
}

// Figures returns what of counts by day may be shown: of each day, or all days together, those
// of at least LeastShown, the greatest first.
func Figures(counts map[string]map[string]int, byDay bool) []Figure {
	sums := map[[2]string]int{}
	for day, all := range counts {
		if !byDay {
			day = ""
		}
		for key, n := range all {
			sums[[2]string{day, key}] += n
		}
	}
	var figures []Figure
	for at, n := range sums {
		if what, ok := parseCounted(at[1]); ok && n >= LeastShown {
			figures = append(figures, Figure{at[0], what, n})
		}
	}
	slices.SortFunc(figures, func(a, b Figure) int {
		return cmp.Or(cmp.Compare(b.Day, a.Day), cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Count, a.Count), cmp.Compare(a.What, b.What), cmp.Compare(a.Placement, b.Placement))
	})
	return figures
}

// CountStatus is what a node tells of its counts, up to the last full hour: whoever asks
// every second shall not learn when somebody was there.
type CountStatus struct {
	// Since is the hour in which the node began to count.
	Since time.Time `json:"since"`
	// Least is the least number that is shown.
	Least   int      `json:"least"`
	Figures []Figure `json:"figures"`
}

// mostFigures is how many figures of each kind a node tells.
const mostFigures = 20

// Status returns the greatest figures of this node, over the days it remembers.
func (c *Counts) Status() CountStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strike()
	if c.told != nil {
		return *c.told
	}
	before := map[string]map[string]int{}
	for day, all := range c.days {
		before[day] = maps.Clone(all)
		for key, n := range c.fresh[day] {
			before[day][key] -= n
		}
	}
	c.told = &CountStatus{Since: c.since.UTC().Truncate(time.Hour), Least: LeastShown, Figures: []Figure{}}
	told := map[string]int{}
	for _, f := range Figures(before, false) {
		if told[f.Kind]++; told[f.Kind] <= mostFigures {
			c.told.Figures = append(c.told.Figures, f)
		}
	}
	return *c.told
}
