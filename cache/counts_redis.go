package cache

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisCounts adds up the counts of all nodes of a catalog in Redis. These are its keys:
//
//	luoshu-gateway:{NAME}:count:DAY      a hash of the counts of a day
//	luoshu-gateway:{NAME}:missed:DIGEST  a set of the days and places of a search
//
// A digest and a place are keyed hashes, and of the latter one byte. The key is made of the
// password in the URL, which the nodes share and whoever only reads Redis does not know;
// without a password every node has one of its own.
//
// They expire by themselves. Its user can touch no release:
//
//	resetkeys ~luoshu-gateway:* resetchannels +ping +hincrby +hgetall +sadd +smembers
//	+expire +multi +exec
type RedisCounts struct {
	redis    *Redis
	password string
}

const (
	countsKept = 400 * 24 * time.Hour
	missedKept = missedDays * 24 * time.Hour
	// mostAtOnce bounds a transaction.
	mostAtOnce = 1000
)

// OpenRedisCounts returns the counts in the Redis at a URL, one of RedisForms. Nothing is
// asked yet.
func OpenRedisCounts(url string) (*RedisCounts, error) {
	a, err := parseRedisURL(url)
	if err != nil {
		return nil, err
	}
	r, err := OpenRedis(url)
	if err != nil {
		return nil, err
	}
	return &RedisCounts{r, a.password}, nil
}

// Secret implements CountStore.
func (c *RedisCounts) Secret() string { return c.password }

// String returns the URL without user and password.
func (c *RedisCounts) String() string { return c.redis.String() }

// Close closes the connections.
func (c *RedisCounts) Close() error { return c.redis.Close() }

func (c *RedisCounts) key(kind, name string) string {
	return "luoshu-gateway:{" + c.redis.catalog + "}:" + kind + ":" + name
}

// Add implements CountStore: one transaction for every thousand counts. When the answer to
// one gets lost its counts may be added twice; nothing rests on them that would mind.
func (c *RedisCounts) Add(ctx context.Context, counts map[string]map[string]int) error {
	for day, all := range counts {
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		for batch := range slices.Chunk(names, mostAtOnce) {
			_, err := c.redis.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
				for _, name := range batch {
					p.HIncrBy(ctx, c.key("count", day), name, int64(all[name]))
				}
				p.Expire(ctx, c.key("count", day), countsKept)
				return nil
			})
			if err != nil {
				return c.redis.failed("count", err)
			}
			for _, name := range batch {
				delete(all, name) // what is stored is not stored again
			}
		}
	}
	return nil
}

// See implements CountStore.
func (c *RedisCounts) See(ctx context.Context, digest, day, place string) (bool, error) {
	key := c.key("missed", digest)
	var members *redis.StringSliceCmd
	_, err := c.redis.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.SAdd(ctx, key, day+" "+place)
		p.Expire(ctx, key, missedKept)
		members = p.SMembers(ctx, key)
		return nil
	})
	if err != nil {
		return false, c.redis.failed("count", err)
	}
	places := map[string]int{} // by day
	for _, m := range members.Val() {
		day, _, _ := strings.Cut(m, " ")
		places[day]++
	}
	days := 0
	for _, n := range places {
		if n > 1 {
			days++
		}
	}
	return days > 1, nil
}

// Read returns the counts of the last days up to today, by day.
func (c *RedisCounts) Read(ctx context.Context, days int) (map[string]map[string]int, error) {
	counts := map[string]map[string]int{}
	now := time.Now().In(beijing)
	for n := range days {
		day := now.AddDate(0, 0, -n).Format(time.DateOnly)
		all, err := c.redis.client.HGetAll(ctx, c.key("count", day)).Result()
		if err != nil {
			return nil, c.redis.failed("counts", err)
		}
		for name, v := range all {
			number, err := strconv.Atoi(v)
			if err != nil {
				return nil, fmt.Errorf("counts of %s: %q is no number: %w", day, v, err)
			}
			if counts[day] == nil {
				counts[day] = map[string]int{}
			}
			counts[day][name] = number
		}
	}
	return counts, nil
}
