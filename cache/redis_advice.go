package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"luoshu/catalog"
)

// ReaderACL and PublisherACL are what to tell a Redis, PASSWORD replaced, so that its
// users may do what a follower and a publisher do, and no more. Followers use +info for
// Advise alone.
const (
	ReaderACL    = "ACL SETUSER luoshu-reader on >PASSWORD resetkeys ~luoshu:* resetchannels &luoshu:* -@all " + bothCommands + " +subscribe"
	PublisherACL = "ACL SETUSER luoshu-publisher on >PASSWORD resetkeys ~luoshu:* resetchannels &luoshu:* -@all " + bothCommands + " " +
		"+set +del +exists +strlen +scan +watch +unwatch +multi +exec +sadd +srem +smembers +sismember +publish"

	bothCommands = "+get +ping +hello +select +info +cluster|slots"
)

// Advice is something amiss with a Redis that keeps releases.
type Advice struct {
	// Grave tells that releases get lost there, or cannot be published.
	Grave bool
	// Text says what is wrong and what comes of it.
	Text catalog.Text
	// Set is what to tell Redis; empty where no command mends it. What begins with CONFIG
	// SET stands in redis.conf without these words.
	Set string
}

// Advise looks at how the servers are configured, and at what this user may do: as a
// publisher, or as one who follows. The error tells that they did not answer.
func (r *Redis) Advise(ctx context.Context, publisher bool) ([]Advice, error) {
	acl := ReaderACL
	if publisher {
		acl = PublisherACL
	}
	var mu sync.Mutex
	var all []Advice
	err := r.masters(ctx, func(ctx context.Context, c *redis.Client) error {
		found, err := configured(ctx, c, acl)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, found...)
		return err
	})
	if err != nil {
		return nil, r.fail("configuration", err)
	}
	rights, err := r.rights(ctx, publisher, acl)
	if err != nil {
		return nil, r.fail("permissions", err)
	}
	return append(all, rights...), nil
}

// configured says what is amiss with how one server is configured. acl is what the user
// should have been given.
func configured(ctx context.Context, c *redis.Client, acl string) ([]Advice, error) {
	addr := c.Options().Addr
	info, err := c.Info(ctx).Result()
	if redis.IsPermissionError(err) {
		return []Advice{{Text: say(addr, "没有 +info 权限，配置无从查看", "its configuration cannot be looked at without +info"), Set: acl}}, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Advice
	if policy := infoField(info, "maxmemory_policy"); strings.HasPrefix(policy, "allkeys-") {
		all = append(all, Advice{
			Grave: true,
			Text: say(addr, "maxmemory-policy 是 "+policy+"，内存满时会删去发布的一部分",
				"maxmemory-policy is "+policy+": parts of a release are deleted when memory is full"),
			Set: "CONFIG SET maxmemory-policy noeviction",
		})
	}
	for name, what := range map[string]string{"rdb_last_bgsave_status": "RDB", "aof_last_write_status": "AOF"} {
		if status := infoField(info, name); status != "" && status != "ok" {
			all = append(all, Advice{
				Grave: true,
				Text: say(addr, what+" 写盘失败：不接受新发布，重启会丢失内容；请看 Redis 日志，腾出磁盘",
					what+" cannot be written to disk: nothing can be published, and a restart loses what is there; see the log of Redis and make room"),
			})
		}
	}
	kept, err := persistence(ctx, c, info)
	return append(all, kept...), err
}

// persistence says what a restart of the server would lose. The settings themselves can
// only be read by who may read the configuration.
func persistence(ctx context.Context, c *redis.Client, info string) ([]Advice, error) {
	addr := c.Options().Addr
	setting := func(name string) (string, bool, error) {
		values, err := c.ConfigGet(ctx, name).Result()
		if redis.IsPermissionError(err) {
			return "", false, nil
		}
		value, ok := values[name]
		return value, ok, err
	}
	if infoField(info, "aof_enabled") == "1" {
		how, known, err := setting("appendfsync")
		if !known || how != "no" {
			return nil, err
		}
		return []Advice{{
			Text: say(addr, "appendfsync 是 no，断电会丢失最近的发布", "appendfsync is no: a power cut loses what was published last"),
			Set:  "CONFIG SET appendfsync everysec",
		}}, nil
	}
	a := Advice{
		Text: say(addr, "appendonly 是 no，重启会丢失上次转储以后的发布", "appendonly is no: a restart loses what was published after the last dump"),
		Set:  "CONFIG SET appendonly yes",
	}
	save, known, err := setting("save")
	if known && save == "" {
		a.Text = say(addr, "什么也不存盘：重启以后是空的，须重新发布", "nothing is written to disk: after a restart it is empty and everything must be published again")
	}
	return []Advice{a}, err
}

func say(addr, zh, en string) catalog.Text {
	return catalog.Text{ZH: addr + "：" + zh, EN: addr + ": " + en}
}

// rights says what this user may not do and must, and whether it may do anything at all.
func (r *Redis) rights(ctx context.Context, publisher bool, acl string) ([]Advice, error) {
	denied := r.readerDenied
	if publisher {
		denied = r.publisherDenied
	}
	lacks, err := denied(ctx)
	if err != nil {
		return nil, err
	}
	if len(lacks) > 0 {
		what := strings.Join(lacks, " ")
		return []Advice{{
			Grave: publisher || slices.Contains(lacks, "+get"),
			Text:  say(r.name, "Redis 用户缺少权限 "+what, "the Redis user lacks the permissions "+what), Set: acl,
		}}, nil
	}
	// Whoever may not ask who they are may not do everything.
	name, err := r.client.Do(ctx, "acl", "whoami").Text()
	if err != nil {
		return nil, permitted(err)
	}
	user, err := r.client.Do(ctx, "acl", "getuser", name).Slice()
	if err != nil {
		return nil, permitted(err)
	}
	for i := 0; i+1 < len(user); i += 2 {
		if user[i] == "commands" && user[i+1] == "+@all" {
			return []Advice{{
				Text: say(r.name, fmt.Sprintf("Redis 用户 %s 什么都可以做；请用专门的用户", name),
					fmt.Sprintf("the Redis user %s may do anything; use one that may do this alone", name)),
				Set: acl,
			}}, nil
		}
	}
	return nil, nil
}

// permitted is err, but for one of permissions.
func permitted(err error) error {
	if redis.IsPermissionError(err) {
		return nil
	}
	return err
}

// lacking returns the right whose want err tells of, empty when it tells of none.
func lacking(err error) string {
	// Of EXEC it is told behind EXECABORT.
	if err == nil || !strings.Contains(err.Error(), "NOPERM ") {
		return ""
	}
	// NOPERM User luoshu has no permissions to run the 'set' command
	if _, rest, ok := strings.Cut(err.Error(), "run the '"); ok {
		command, _, _ := strings.Cut(rest, "'")
		return "+" + command
	}
	if strings.Contains(err.Error(), "channel") {
		return "&luoshu:*"
	}
	return "~luoshu:*"
}

// readerDenied returns what a follower needs and may not do.
func (r *Redis) readerDenied(ctx context.Context) ([]string, error) {
	heard := r.client.Subscribe(ctx)
	defer func() { _ = heard.Close() }()
	subscribed := heard.Subscribe(ctx, r.key("flip"))
	if subscribed == nil {
		_, subscribed = heard.Receive(ctx)
	}
	return denials(r.client.Get(ctx, r.key("current")).Err(), r.client.Ping(ctx).Err(), subscribed)
}

// publisherDenied returns what a publisher needs and may not do. All of it is tried in
// one transaction that leaves nothing behind, and that a server which refuses a part of
// it does not carry out.
func (r *Redis) publisherDenied(ctx context.Context) ([]string, error) {
	key := r.key("probe")
	var tried []error
	watched := r.client.Watch(ctx, func(tx *redis.Tx) error {
		cmds, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Get(ctx, key)
			p.Set(ctx, key, "", 0)
			p.Exists(ctx, key)
			p.StrLen(ctx, key)
			p.Del(ctx, key)
			p.SAdd(ctx, key, "probe")
			p.SIsMember(ctx, key, "probe")
			p.SMembers(ctx, key)
			p.SRem(ctx, key, "probe")
			p.Publish(ctx, r.key("probe"), "")
			return nil
		})
		tried = append(tried, err, tx.Unwatch(ctx).Err())
		for _, c := range cmds {
			tried = append(tried, c.Err())
		}
		return nil
	}, key)
	return denials(append(tried, watched, r.client.Ping(ctx).Err(), r.client.Scan(ctx, 0, key, 1).Err())...)
}

// denials lists the rights that were wanting, in order, and returns what else went wrong.
func denials(tried ...error) ([]string, error) {
	var lacks []string
	for _, err := range tried {
		if right := lacking(err); right != "" {
			lacks = append(lacks, right)
		} else if err != nil && !errors.Is(err, redis.Nil) && !redis.IsExecAbortError(err) {
			return nil, err
		}
	}
	slices.Sort(lacks)
	return slices.Compact(lacks), nil
}
