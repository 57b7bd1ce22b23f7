package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

	mu sync.Mutex
	// days are the counts of this node since it started; unsent are those of them that
	// the store has not got yet.
	days, unsent dayCounts
	// missed are searches without results that are not kept yet, pending those whose
	// wording the store must hear of.
	missed  map[string]sightings
	pending map[Missed]int
}

// CountStore is where the nodes of a hub add up their counts.
type CountStore interface {
	// Add adds counts of days, all or nothing.
	Add(ctx context.Context, counts map[string]map[string]int) error
	// See notes where and when a search found nothing, and reports whether it was seen
	// from several places on several days. digest stands for its wording.
	See(ctx context.Context, digest, day, place string) (bool, error)
}

// dayCounts holds counts by day, as 2026-11-30, and by Counted, as its key.
type dayCounts map[string]map[string]int

// Missed is a search that found nothing.
type Missed struct{ Term, Day, Place string }

// sightings are the days and places at which a search found nothing.
type sightings map[[2]string]bool

// several reports whether they are several of both.
func (s sightings) several() bool {
	days, places := map[string]bool{}, map[string]bool{}
	for at := range s {
		days[at[0]], places[at[1]] = true, true
	}
	return len(days) > 1 && len(places) > 1
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
	// What is an identifier, or the wording of a search.
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

// The bounds of what a node remembers. A count takes some 100 bytes.
const (
	mostCounts  = 1 << 16
	mostMissed  = 1 << 12
	mostSeen    = 16 // sightings of a term
	daysKept    = 31
	longestTerm = 40 // characters; who types more does not look for a word
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
	return &Counts{
		store: store, log: log, now: time.Now, since: time.Now(),
		days: dayCounts{}, unsent: dayCounts{}, missed: map[string]sightings{}, pending: map[Missed]int{},
	}
}

func (c *Counts) today() string { return c.now().In(beijing).Format(time.DateOnly) }

// Scanned counts a code that was scanned where placement says.
func (c *Counts) Scanned(id catalog.ID, placement string) {
	c.count(Counted{Scan, string(id), placement})
}

// Viewed counts a record that was opened.
func (c *Counts) Viewed(id catalog.ID) { c.count(Counted{Kind: View, What: string(id)}) }

func (c *Counts) count(what Counted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(c.today(), what.key(), 1)
}

// add counts n times key. The caller holds mu.
func (c *Counts) add(day, key string, n int) {
	c.days.add(day, key, n)
	if c.store != nil {
		c.unsent.add(day, key, n)
	}
}

// add counts, and forgets the oldest days when there are too many, or too much in them. What
// does not fit into one day is not counted.
func (d dayCounts) add(day, key string, n int) {
	if d[day] == nil {
		d[day] = map[string]int{}
	}
	if _, known := d[day][key]; !known {
		for d.size() >= mostCounts || len(d) > daysKept {
			oldest := slices.Min(slices.Collect(maps.Keys(d)))
			if oldest == day {
				return
			}
			delete(d, oldest)
		}
	}
	d[day][key] += n
}

func (d dayCounts) size() (n int) {
	for _, day := range d {
		n += len(day)
	}
	return n
}

// Missed takes note of a search that found nothing, made at a terminal or elsewhere. Its
// wording is kept, and counted, only once it was seen from several places on several
// days; until then a digest stands for it.
func (c *Counts) Missed(term, terminal string) {
	term, ok := countable(term)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	day := c.today()
	if c.store != nil {
		if m := (Missed{term, day, terminal}); len(c.pending) < mostMissed || c.pending[m] > 0 {
			c.pending[m]++
		}
		return
	}
	digest := digestOf(term)
	seen := c.missed[digest]
	if seen == nil {
		for other := range c.missed { // in no order: any one makes room
			if len(c.missed) < mostMissed {
				break
			}
			delete(c.missed, other)
		}
		seen = sightings{}
		c.missed[digest] = seen
	}
	if len(seen) < mostSeen {
		seen[[2]string{day, terminal}] = true
	}
	if seen.several() {
		c.add(day, Counted{Kind: Miss, What: term}.key(), 1)
	}
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

func digestOf(term string) string {
	sum := sha256.Sum256([]byte("luoshu missed\n" + term))
	return hex.EncodeToString(sum[:12])
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
		kept, err := c.store.See(ctx, digestOf(m.Term), m.Day, m.Place)
		c.mu.Lock()
		switch {
		case err != nil && len(c.pending) < mostMissed:
			c.pending[m] += n
		case kept:
			c.add(m.Day, Counted{Kind: Miss, What: m.Term}.key(), n)
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

// CountStatus is what a node tells of its counts.
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
	all := Figures(c.days, false)
	c.mu.Unlock()
	s := CountStatus{Since: c.since.UTC().Truncate(time.Hour), Least: LeastShown, Figures: []Figure{}}
	told := map[string]int{}
	for _, f := range all {
		if told[f.Kind]++; told[f.Kind] <= mostFigures {
			s.Figures = append(s.Figures, f)
		}
	}
	return s
}
