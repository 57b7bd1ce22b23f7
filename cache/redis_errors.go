package cache

import (
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"luoshu/catalog"
)

// redisReplies says what to do about an error that Redis answers with.
var redisReplies = []struct {
	prefix string
	is     error
	advice string
}{
	{"WRONGTYPE", catalog.ErrDamaged, "something else is stored under this key; delete it and restore it with luoshu sync"},
	{"MISCONF", catalog.ErrUnavailable, "Redis cannot save to its disk and refuses writes; make room or see its log"},
	{"OOM", catalog.ErrUnavailable, "Redis has reached maxmemory; raise it, or make room with luoshu gc"},
	{"READONLY", catalog.ErrUnavailable, "this is a replica; name the master, or use redis-sentinel://"},
	{"MOVED", catalog.ErrUnavailable, "this server is part of a cluster; use redis-cluster://"},
	{"CROSSSLOT", catalog.ErrUnavailable, "this server is part of a cluster; use redis-cluster://"},
	{"CLUSTERDOWN", catalog.ErrUnavailable, "a part of the cluster is down; see CLUSTER INFO"},
	{"This instance has cluster support disabled", catalog.ErrUnavailable, "this is no cluster; use redis://"},
	{"NOREPLICAS", catalog.ErrUnavailable, "too few replicas follow (min-replicas-to-write); bring one back"},
	{"LOADING", catalog.ErrUnavailable, "Redis is loading its data; try again"},
	{"MASTERDOWN", catalog.ErrUnavailable, "this replica has lost its master; name the master"},
	{"NOAUTH", catalog.ErrUnavailable, "Redis wants a password; write redis://USER:PASSWORD@HOST"},
	{"WRONGPASS", catalog.ErrUnavailable, "user or password is wrong"},
	{"NOPERM", catalog.ErrUnavailable, "the Redis user lacks a permission; see the documentation of the Redis store"},
}

// fail says what was being done, where, and what kind of error came of it.
func (r *Redis) fail(what string, err error) error {
	switch {
	case classified(err):
		return fmt.Errorf("%s: %s: %w", r.name, what, err)
	case errors.Is(err, redis.Nil):
		return fmt.Errorf("%s: %s: %w", r.name, what, catalog.ErrNotFound)
	}
	for _, reply := range redisReplies {
		if redis.HasErrorPrefix(err, reply.prefix) {
			return fmt.Errorf("%s: %s: %s: %w: %w", r.name, what, reply.advice, reply.is, err)
		}
	}
	return fmt.Errorf("%s: %s: %w: %w", r.name, what, catalog.ErrUnavailable, err)
}

// failed is fail, and nil for nil.
func (r *Redis) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return r.fail(what, err)
}

// classified reports whether err says already what kind it is.
func classified(err error) bool {
	for _, kind := range []error{
		catalog.ErrNotFound, catalog.ErrInvalid, catalog.ErrNoRelease, catalog.ErrDamaged, catalog.ErrConflict,
		catalog.ErrOlder, catalog.ErrForeign, catalog.ErrUnavailable, catalog.ErrReadOnly,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
