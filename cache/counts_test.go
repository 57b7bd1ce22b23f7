package cache

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

// counting returns counts whose clock a test sets, as 2026-11-30.
func counting(t *testing.T, store CountStore) (*Counts, func(day string)) {
	t.Helper()
	c := NewCounts(store, slog.New(slog.DiscardHandler))
	at := time.Now()
	c.now = func() time.Time { return at }
	return c, func(day string) {
		var err error
		if at, err = time.ParseInLocation(time.DateOnly, day, beijing); err != nil {
			t.Fatal(err)
		}
	}
}

func times(n int, do func()) {
	for range n {
		do()
	}
}

// TestCounts: a number below five is not shown, of a day or of several.
func TestCounts(t *testing.T) {
	c, day := counting(t, nil)
	id, other := catalog.MintID(catalog.Achievements, "a", 0), catalog.MintID(catalog.Achievements, "b", 0)
	day("2026-11-29")
	times(7, func() { c.Scanned(id, "K3") })
	times(4, func() { c.Scanned(id, "P2") })
	times(3, func() { c.Viewed(other) })
	day("2026-11-30")
	times(5, func() { c.Scanned(id, "K3") })
	times(3, func() { c.Viewed(other) })
	times(4, func() { c.Scanned(other, "") })
	for byDay, want := range map[bool][]Figure{
		true:  {{"2026-11-30", Counted{Scan, string(id), "K3"}, 5}, {"2026-11-29", Counted{Scan, string(id), "K3"}, 7}},
		false: {{"", Counted{Scan, string(id), "K3"}, 12}, {"", Counted{View, string(other), ""}, 6}},
	} {
		if got := Figures(c.days, byDay); !slices.Equal(got, want) {
			t.Errorf("by day %t: %v, want %v", byDay, got, want)
		}
	}
	if s := c.Status(); len(s.Figures) != 2 || s.Least != 5 || s.Since.Minute() != 0 || s.Since.Second() != 0 {
		t.Errorf("%+v", s)
	}
}

// TestCountsMissed: the wording of a search is kept when it was seen from several places
// on several days, and never when it could name or reach a person.
func TestCountsMissed(t *testing.T) {
	kept := func(c *Counts) (terms []string) {
		for _, day := range c.days {
			for key := range day {
				if what, ok := parseCounted(key); ok && what.Kind == Miss {
					terms = append(terms, what.What)
				}
			}
		}
		return terms
	}
	c, day := counting(t, nil)
	day("2026-11-28")
	c.Missed("石墨烯", "K1")
	c.Missed("石墨烯", "K2")
	c.Missed("本人电话 13800000000", "K1")
	day("2026-11-29")
	c.Missed("别处", "K1")
	if terms := kept(c); len(terms) > 0 {
		t.Errorf("%v is kept too early", terms)
	}
	for digest := range c.missed {
		if strings.Contains(digest, "石墨烯") {
			t.Error("the wording stands where a digest should")
		}
	}
	c.Missed(" 石墨烯 ", "K1")
	c.Missed("本人电话 13800000000", "K2")
	c.Missed("a@b.example", "K2")
	c.Missed(strings.Repeat("长", 41), "K2")
	if terms := kept(c); !slices.Equal(terms, []string{"石墨烯"}) {
		t.Errorf("%v is kept, want 石墨烯", terms)
	}
}

// TestCountsAreBounded: whatever is asked for, memory is bounded, and what is counted
// already goes on being counted.
func TestCountsAreBounded(t *testing.T) {
	c, day := counting(t, nil)
	day("2026-11-29")
	for i := range mostCounts {
		c.Viewed(catalog.ID(fmt.Sprint("x", i)))
	}
	c.Viewed("one more")
	c.Viewed("x1")
	if n := c.days.size(); n != mostCounts || c.days["2026-11-29"]["view x1"] != 2 {
		t.Errorf("%d counts, x1 %d times", n, c.days["2026-11-29"]["view x1"])
	}
	day("2026-11-30")
	c.Viewed("x1")
	if n := c.days.size(); n != 1 {
		t.Errorf("%d counts are left of the days before", n)
	}
	for i := range 2 * mostMissed {
		c.Missed(fmt.Sprint("term ", i), "")
	}
	if len(c.missed) > mostMissed {
		t.Errorf("%d terms are remembered", len(c.missed))
	}
	for i := range 2 * daysKept {
		day(time.Date(2027, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
		c.Viewed("x")
	}
	if len(c.days) > daysKept+1 {
		t.Errorf("%d days are remembered", len(c.days))
	}
}

// TestCountsInRedis: nodes add up in Redis, also what they counted while it was away, and
// their user can do nothing else there. What stands in Redis names nobody.
func TestCountsInRedis(t *testing.T) {
	s := startRedis(t)
	s.do(t, "acl", "setuser", "gateway", "on", ">secret", "resetkeys", "~luoshu-gateway:*", "resetchannels", "-@all",
		"+ping", "+hincrby", "+hgetall", "+sadd", "+smembers", "+expire", "+multi", "+exec")
	store, err := OpenRedisCounts("redis://gateway:secret@" + s.addr + "/0?catalog=market")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	a, dayA := counting(t, store)
	b, dayB := counting(t, store)
	now := time.Now().In(beijing)
	yesterday, today := now.AddDate(0, 0, -1).Format(time.DateOnly), now.Format(time.DateOnly)
	id := catalog.MintID(catalog.Demands, "d", 0)
	dayA(yesterday)
	dayB(today)
	times(3, func() { a.Scanned(id, "K1") })
	times(4, func() { b.Scanned(id, "K1") })
	a.Missed("石墨烯", "K1")
	times(6, func() { b.Missed("石墨烯", "K2") })
	times(6, func() { b.Missed("只在一处", "K2") })
	for _, c := range []*Counts{a, b} {
		if err := c.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.flush(t.Context()); err != nil { // nothing twice
			t.Fatal(err)
		}
	}
	sum := func() []Figure {
		t.Helper()
		all, err := store.Read(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		return Figures(all, false)
	}
	want := []Figure{{"", Counted{Miss, "石墨烯", ""}, 6}, {"", Counted{Scan, string(id), "K1"}, 7}}
	if got := sum(); !slices.Equal(got, want) {
		t.Errorf("Redis has %v, want %v", got, want)
	}

	s.kill()
	times(5, func() { b.Scanned(id, "K1") })
	if err := b.flush(t.Context()); err == nil {
		t.Error("a Redis that is away takes counts")
	}
	s.start(t)
	s.do(t, "acl", "setuser", "gateway", "on", ">secret", "~luoshu-gateway:*", "+@all")
	eventually(t, "what was counted meanwhile is stored", func() bool { return b.flush(t.Context()) == nil })
	if got := sum(); !slices.Equal(got, []Figure{{"", Counted{Scan, string(id), "K1"}, 5}}) {
		t.Errorf("after it came back empty Redis has %v", got)
	}
}
