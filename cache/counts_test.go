package cache

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
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
	if s := c.Status(); len(s.Figures) != 1 || s.Figures[0].Count != 7 {
		t.Errorf("before the hour is full: %+v", s)
	}
	day("2026-12-01")
	if s := c.Status(); len(s.Figures) != 2 || s.Figures[0].Count != 12 || s.Least != 5 || s.Since.Minute() != 0 || s.Since.Second() != 0 {
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
	// Of every day its searches, by place, and what is kept after it.
	for i, test := range []struct {
		day      string
		searches map[string][]string
		kept     string
	}{
		{"2026-11-01", map[string][]string{"K1": {"石墨烯", "只在一处", "本人电话 13800000000"}, "198.51.100.0/24": {"石墨烯", "只有一天"}, "K2": {"只有一天"}}, ""},
		{"2026-11-02", map[string][]string{"K1": {" 石墨烯 ", "只在一处", "a@b.example"}, "K2": {"本人电话 13800000000"}}, ""},
		{"2026-11-03", map[string][]string{"203.0.113.0/24": {"石墨烯", strings.Repeat("长", 41)}, "K3": {"石墨烯", strings.Repeat("长", 41)}}, "石墨烯"},
		{"2026-11-04", map[string][]string{"K1": {"石墨烯", "只在一处"}}, "石墨烯"},
		{"2026-12-30", map[string][]string{"K1": {"只有一天"}, "K2": {"只有一天"}}, ""}, // too late
	} {
		day(test.day)
		for place, terms := range test.searches {
			for _, term := range terms {
				c.Missed(term, place)
			}
		}
		if i < 4 != (len(c.missed) > 1) {
			t.Errorf("%s: %d searches are remembered", test.day, len(c.missed))
		}
		if terms := kept(c); !slices.Equal(terms, strings.Fields(test.kept)) && i < 3 {
			t.Errorf("%s: %v is kept, want %q", test.day, terms, test.kept)
		}
	}
	if n := c.days["2026-11-03"]["miss 石墨烯"] + c.days["2026-11-04"]["miss 石墨烯"]; n != 2 {
		t.Errorf("%d searches are counted once the wording is kept, want 2", n)
	}
	for digest := range c.missed {
		if strings.ContainsRune(digest, '石') || digest == NewCounts(nil, nil).digestOf("只有一天") {
			t.Errorf("%s stands where a digest with a key of its own should", digest)
		}
	}
}

// TestCountsAreBounded: whatever is asked for, memory is bounded, what is counted already
// goes on being counted, no day pushes out another, and no place the others.
func TestCountsAreBounded(t *testing.T) {
	c, day := counting(t, nil)
	day("2026-11-29")
	for i := range mostADay {
		c.Viewed(catalog.ID(fmt.Sprint("x", i)))
	}
	times(3, func() { c.Viewed("one more") })
	c.Viewed("x1")
	if all := c.days["2026-11-29"]; len(all) != mostADay+1 || all["view x1"] != 2 || all["view "+Others] != 3 {
		t.Errorf("%d counts, x1 %d times, others %d times", len(all), all["view x1"], all["view "+Others])
	}
	day("2026-11-30")
	c.Viewed("x1")
	if n := len(c.days["2026-11-29"]); n != mostADay+1 {
		t.Errorf("%d counts are left of the day before", n)
	}
	for _, day := range []string{"2026-11-29", "2026-11-30"} {
		for _, place := range []byte{1, 2} {
			digest := c.digestOf("often")
			if c.missed[digest] == nil {
				c.missed[digest] = &sightings{}
			}
			c.missed[digest].see(day, place)
		}
	}
	for i := range 3 * mostMissed {
		c.Missed(fmt.Sprint("term ", i), strconv.Itoa(i/mostNoted))
	}
	if len(c.missed) > mostMissed || c.missed[c.digestOf("often")] == nil {
		t.Errorf("%d terms are remembered", len(c.missed))
	}
	times(mostNoted, func() { c.Missed("again and again", "K9") })
	c.Missed("one too many", "K9")
	if c.missed[c.digestOf("one too many")] != nil {
		t.Error("one place has no end")
	}
	for i := range 2 * daysKept {
		day(time.Date(2027, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
		c.Viewed("x")
	}
	if len(c.days) > daysKept {
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
	a.Missed("石墨烯", "192.0.2.0/24")
	b.Missed("石墨烯", "K3")
	times(6, func() { b.Missed("只在一处", "K2") })
	if a.digestOf("石墨烯") != b.digestOf("石墨烯") {
		t.Error("the nodes have different keys")
	}
	for _, c := range []*Counts{a, b} {
		if err := c.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.flush(t.Context()); err != nil { // nothing twice
			t.Fatal(err)
		}
	}
	times(6, func() { b.Missed("石墨烯", "K2") }) // another place on the second day
	if err := b.flush(t.Context()); err != nil {
		t.Fatal(err)
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
