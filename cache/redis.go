package cache

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"luoshu/catalog"
)

// Redis is a store in Redis 6.2 or later: a single server, a master found by
// Sentinels, or a Cluster. These are its keys, for the catalog NAME of the URL:
//
//	luoshu:{NAME}:current         the pointer
//	luoshu:{NAME}:manifest:HASH   a manifest, and its signature under minisig:HASH
//	luoshu:{NAME}:condemned       what a sweep is about to remove; see Sweep
//	luoshu:NAME:object:HASH       an object
//	luoshu:{NAME}:flip            the channel on which moves are told
//
// The braces keep a Cluster from spreading what is watched together; objects are
// spread. Nothing expires. No script is run, so users can be denied @scripting:
// ReaderACL and PublisherACL are what they need.
type Redis struct {
	client  redis.UniversalClient
	name    string
	catalog string
}

// Nobody waits for Redis but publishers and a follower in the background, so the
// limits leave a slow line the time that an object of 400 KB takes on it.
const (
	redisDial = time.Second
	redisRead = 2 * time.Second
	redisPool = 16
	// redisBatch is how many keys are asked for at once.
	redisBatch = 500
	// settlePatience is how long Flip tries to learn what became of a transaction
	// that was not answered.
	settlePatience = 5 * time.Second
)

// go-redis writes what it meets to the standard error, in its own words. All of
// it comes back as errors too.
var silence = sync.OnceFunc(logging.Disable)

// OpenRedis returns the store behind a URL, one of RedisForms. Nothing is asked
// yet: a terminal starts without its Redis. User and password are those of the
// servers that hold the keys; Sentinels are asked without. TLS trusts the
// authorities that the system trusts.
func OpenRedis(url string) (*Redis, error) {
	a, err := parseRedisURL(url)
	if err != nil {
		return nil, err
	}
	silence()
	opt := &redis.UniversalOptions{
		Addrs: a.hosts, DB: a.db, Username: a.user, Password: a.password,
		MasterName: a.master, IsClusterMode: a.kind == redisCluster,
		Protocol: 2,
		// Without this go-redis ignores the deadlines of contexts.
		ContextTimeoutEnabled: true,
		// CLIENT SETINFO that timed out has mixed up replies (CVE-2025-29923).
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               1, DialerRetries: 1,
		DialTimeout: redisDial, ReadTimeout: redisRead, WriteTimeout: redisRead,
		PoolSize: redisPool, MaxActiveConns: redisPool, PipelinePoolSize: -1, PoolTimeout: redisRead,
	}
	if a.tls {
		opt.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &Redis{client: redis.NewUniversalClient(opt), name: a.String(), catalog: a.catalog}, nil
}

// String returns the URL without user and password.
func (r *Redis) String() string { return r.name }

// Close closes the connections.
func (r *Redis) Close() error { return r.client.Close() }

func (r *Redis) key(name string) string { return "luoshu:{" + r.catalog + "}:" + name }

func (r *Redis) manifestKey(h catalog.Hash) string  { return r.key("manifest:" + string(h)) }
func (r *Redis) signatureKey(h catalog.Hash) string { return r.key("minisig:" + string(h)) }
func (r *Redis) objectKey(h catalog.Hash) string {
	return "luoshu:" + r.catalog + ":object:" + string(h)
}

// Current implements Store.
func (r *Redis) Current(ctx context.Context) (catalog.Pointer, error) {
	p, err := r.pointer(ctx, r.client)
	if err != nil {
		return p, r.fail("pointer", err)
	}
	return p, nil
}

// pointer reads the pointer through the client or within a transaction.
func (r *Redis) pointer(ctx context.Context, c redis.Cmdable) (catalog.Pointer, error) {
	b, err := c.Get(ctx, r.key("current")).Bytes()
	if errors.Is(err, redis.Nil) {
		return catalog.Pointer{}, catalog.ErrNoRelease
	}
	if err != nil {
		return catalog.Pointer{}, err
	}
	if len(b) > maxPointerBytes {
		return catalog.Pointer{}, fmt.Errorf("pointer of %d bytes: %w", len(b), catalog.ErrDamaged)
	}
	return catalog.ParsePointer(b)
}

// Manifest implements Store.
func (r *Redis) Manifest(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return r.get(ctx, "manifest", hash, r.manifestKey(hash), catalog.MaxManifestBytes)
}

// Signature implements Store.
func (r *Redis) Signature(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return r.get(ctx, "signature", hash, r.signatureKey(hash), catalog.MaxSignatureBytes)
}

// Object implements Store.
func (r *Redis) Object(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return r.get(ctx, "object", hash, r.objectKey(hash), catalog.MaxObjectBytes)
}

func (r *Redis) get(ctx context.Context, what string, hash catalog.Hash, key string, limit int) ([]byte, error) {
	what = fmt.Sprintf("%s %.12s", what, hash)
	if !hash.Valid() {
		return nil, r.fail(what, catalog.ErrInvalid)
	}
	b, err := r.client.Get(ctx, key).Bytes()
	if err == nil && len(b) > limit {
		err = fmt.Errorf("%d bytes: %w", len(b), catalog.ErrDamaged)
	}
	if err != nil {
		return nil, r.fail(what, err)
	}
	return b, nil
}

// Prepare implements Writer: it refuses replicas, and servers that would drop a
// part of a release to make room.
func (r *Redis) Prepare(ctx context.Context) error {
	if err := r.masters(ctx, r.fit); err != nil {
		return r.fail("prepare", err)
	}
	return nil
}

// masters calls do for every server that holds keys, in a Cluster for several at
// once.
func (r *Redis) masters(ctx context.Context, do func(context.Context, *redis.Client) error) error {
	switch c := r.client.(type) {
	case *redis.ClusterClient:
		return c.ForEachMaster(ctx, do)
	case *redis.Client:
		return do(ctx, c)
	}
	return fmt.Errorf("unknown client %T: %w", r.client, catalog.ErrInvalid)
}

// fit proves that one server can keep a release.
func (r *Redis) fit(ctx context.Context, c *redis.Client) error {
	addr := c.Options().Addr
	replication, err := c.Info(ctx, "replication").Result()
	if err != nil && !redis.IsPermissionError(err) {
		return err
	}
	if infoField(replication, "role") == "slave" {
		return fmt.Errorf("%s is a replica; name the master, or use redis-sentinel://: %w", addr, catalog.ErrReadOnly)
	}
	policy, err := evictionPolicy(ctx, c)
	if err != nil {
		return err
	}
	if strings.HasPrefix(policy, "allkeys-") {
		return fmt.Errorf("%s has maxmemory-policy %s and would drop parts of a release; set it to noeviction: %w",
			addr, policy, catalog.ErrInvalid)
	}
	return nil
}

// evictionPolicy asks INFO, and where that is not permitted or does not tell,
// CONFIG.
func evictionPolicy(ctx context.Context, c *redis.Client) (string, error) {
	memory, err := c.Info(ctx, "memory").Result()
	if err != nil && !redis.IsPermissionError(err) {
		return "", err
	}
	if policy := infoField(memory, "maxmemory_policy"); policy != "" {
		return policy, nil
	}
	const name = "maxmemory-policy"
	config, err := c.ConfigGet(ctx, name).Result()
	if err != nil && !redis.IsPermissionError(err) {
		return "", err
	}
	if config[name] == "" {
		return "", fmt.Errorf("cannot learn the %s of %s; the Redis user needs the permission +info: %w",
			name, c.Options().Addr, catalog.ErrUnavailable)
	}
	return config[name], nil
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Missing implements Writer.
func (r *Redis) Missing(ctx context.Context, hashes []catalog.Hash) ([]catalog.Hash, error) {
	var missing []catalog.Hash
	for len(hashes) > 0 {
		batch := hashes[:min(redisBatch, len(hashes))]
		hashes = hashes[len(batch):]
		found := make([]*redis.IntCmd, len(batch))
		_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, h := range batch {
				found[i] = p.Exists(ctx, r.objectKey(h))
			}
			return nil
		})
		if err != nil {
			return nil, r.fail("objects", err)
		}
		for i, h := range batch {
			if found[i].Val() == 0 {
				missing = append(missing, h)
			}
		}
	}
	return missing, nil
}

// PutObject implements Writer.
func (r *Redis) PutObject(ctx context.Context, hash catalog.Hash, b []byte) error {
	err := checkPut(hash, b, catalog.MaxObjectBytes)
	if err == nil {
		err = r.client.Set(ctx, r.objectKey(hash), b, 0).Err()
	}
	if err != nil {
		return r.fail(fmt.Sprintf("object %.12s", hash), err)
	}
	return nil
}

// PutManifest implements Writer.
func (r *Redis) PutManifest(ctx context.Context, hash catalog.Hash, manifest, signature []byte) error {
	err := checkPutManifest(hash, manifest, signature)
	if err == nil {
		err = reason(r.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, r.manifestKey(hash), manifest, 0)
			if signature != nil {
				p.Set(ctx, r.signatureKey(hash), signature, 0)
			}
			return nil
		}))
	}
	if err != nil {
		return r.fail(fmt.Sprintf("manifest %.12s", hash), err)
	}
	return nil
}

// reason returns the error of the command that spoiled a transaction, rather
// than that it was spoiled.
func reason(cmds []redis.Cmder, err error) error {
	if redis.IsExecAbortError(err) {
		for _, c := range cmds {
			if cause := c.Err(); cause != nil && !redis.IsExecAbortError(cause) {
				return cause
			}
		}
	}
	return err
}

// Flip implements Writer.
func (r *Redis) Flip(ctx context.Context, from, to catalog.Pointer) error {
	b, err := catalog.Canonical(to)
	if err != nil {
		return r.fail("flip", err)
	}
	const attempts = 5
	for range attempts {
		err = r.client.Watch(ctx, func(tx *redis.Tx) error {
			return r.move(ctx, tx, from, to, b)
		}, r.key("current"), r.key("condemned"))
		// Pointer or condemned changed while we looked; look again, for a better
		// answer than that.
		if !errors.Is(err, redis.TxFailedErr) {
			break
		}
	}
	if errors.Is(err, redis.TxFailedErr) {
		err = fmt.Errorf("others keep publishing: %w", catalog.ErrConflict)
	}
	if err != nil && unanswered(err) {
		err = r.settle(ctx, to, err)
	}
	if err != nil {
		return r.fail("flip", err)
	}
	// A hint only: whoever misses it sees the pointer at the next poll.
	_ = r.client.Publish(ctx, r.key("flip"), to.Sequence).Err()
	return nil
}

// move moves the pointer within a transaction that watches it and condemned.
//
// What is not condemned at the instant of EXEC has no deletion pending, because
// a sweep condemns before it deletes. What was there after WATCH therefore stays
// there: nothing that to names can go once it is current, and a later sweep sees
// to.
func (r *Redis) move(ctx context.Context, tx *redis.Tx, from, to catalog.Pointer, b []byte) error {
	current, err := r.pointer(ctx, tx)
	if err != nil && !errors.Is(err, catalog.ErrNoRelease) {
		return err
	}
	done, err := checkMove(current, from, to)
	if err != nil {
		return err
	}
	condemned, err := tx.SMembers(ctx, r.key("condemned")).Result()
	if err != nil {
		return err
	}
	m, err := checkComplete(ctx, r, to)
	if err != nil {
		return err
	}
	named := map[string]bool{condemnedManifest + string(to.Manifest): true}
	for _, ref := range m.Objects {
		named[condemnedObject+string(ref.Hash)] = true
	}
	for _, member := range condemned {
		if named[member] {
			return fmt.Errorf("a sweep is about to remove %.20s, which release %d needs; publish again when it is done, or "+
				"if it was interrupted finish it with luoshu gc --resume first: %w", member, to.Sequence, catalog.ErrUnavailable)
		}
	}
	if done {
		return nil
	}
	return reason(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, r.key("current"), b, 0)
		return nil
	}))
}

// unanswered reports whether err leaves open what the server did.
func unanswered(err error) bool {
	var reply redis.Error
	return !errors.As(err, &reply) && !classified(err)
}

// settle reads the pointer after a transaction that was not answered. The time
// for it does not count as the caller's, whose deadline may be what cut the
// answer off.
func (r *Redis) settle(ctx context.Context, to catalog.Pointer, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settlePatience)
	defer cancel()
	// Where the pointer is not at to yet, the server may still be about to move it.
	if p, err := r.pointer(ctx, r.client); err != nil || p != to {
		return fmt.Errorf("no answer, so release %d may be current or not; publish again: %w: %w",
			to.Sequence, catalog.ErrUnavailable, cause)
	}
	return nil
}

// noticeSilence is how long a subscription may be silent before it is pinged.
const noticeSilence = 15 * time.Second

// Notices implements Notifier. It also tells of every subscription that comes
// about or is lost, since moves may have been missed.
func (r *Redis) Notices(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	go func() {
		defer close(c)
		r.follow(ctx, r.key("flip"), func(*redis.Message) { ring(c) })
	}()
	return c
}

// follow calls heard for every message of a channel until ctx is done, and with nil
// whenever a subscription comes about or is lost: messages may have been missed.
func (r *Redis) follow(ctx context.Context, channel string, heard func(*redis.Message)) {
	for lost := 0; ctx.Err() == nil; lost++ {
		if r.listen(ctx, channel, heard) {
			lost = 0
			heard(nil)
		}
		ceiling := min(time.Second<<min(lost, 8), slowestPoll)
		select {
		case <-ctx.Done():
		case <-time.After(rand.N(ceiling)): //nolint:gosec // spreading load needs no secret
		}
	}
}

// listen calls heard as follow does until the subscription is lost, and reports whether
// it came about.
func (r *Redis) listen(ctx context.Context, channel string, heard func(*redis.Message)) (subscribed bool) {
	sub := r.client.Subscribe(ctx)
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	if err := sub.Subscribe(ctx, channel); err != nil {
		return false
	}
	for pinged := false; ; {
		received, err := sub.ReceiveTimeout(ctx, noticeSilence)
		var timeout net.Error
		switch _, pong := received.(*redis.Pong); {
		case pong:
			pinged = false
		case err == nil:
			subscribed, pinged = true, false
			message, _ := received.(*redis.Message)
			heard(message)
		case errors.As(err, &timeout) && timeout.Timeout() && !pinged && sub.Ping(ctx) == nil:
			pinged = true
		default:
			return subscribed
		}
	}
}
