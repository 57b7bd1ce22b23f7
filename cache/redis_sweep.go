package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"luoshu/catalog"
)

// The members of the condemned set: what is to go, and who does it.
const (
	condemnedManifest = "manifest:"
	condemnedObject   = "object:"
	condemnedBy       = "sweep:"
)

// sweepBatch is how many keys are removed before a sweep makes sure that it is
// still the one.
const sweepBatch = 100

// Sweep implements Writer, without clocks or leases.
//
// It writes down what it is about to remove in the set condemned, in a
// transaction that fails if the pointer moves meanwhile; then it removes it; then
// it removes the set. Flip refuses a release that names anything in the set, so
// between the first step and the last nobody can come to depend on what goes.
//
// A sweep that dies in between leaves the set, and ResumeSweep finishes it. Until
// then releases that name something in it are refused; all others are not.
func (r *Redis) Sweep(ctx context.Context, current catalog.Pointer, keep Kept) (Swept, error) {
	var doomed []string
	owner := condemnedBy + rand.Text()
	err := r.client.Watch(ctx, func(tx *redis.Tx) error {
		now, err := r.pointer(ctx, tx)
		if err != nil && !errors.Is(err, catalog.ErrNoRelease) {
			return err
		}
		if err := checkSweep(now, current, keep); err != nil {
			return err
		}
		pending, err := tx.Exists(ctx, r.key("condemned")).Result()
		if err != nil {
			return err
		}
		if pending > 0 {
			return fmt.Errorf("another sweep is at work or was interrupted; if none is at work, finish it with luoshu gc --resume: %w",
				catalog.ErrUnavailable)
		}
		if doomed, err = r.outside(ctx, keep); err != nil || len(doomed) == 0 {
			return err
		}
		return reason(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.SAdd(ctx, r.key("condemned"), owner)
			for batch := range slices.Chunk(doomed, redisBatch) {
				p.SAdd(ctx, r.key("condemned"), batch)
			}
			return nil
		}))
	}, r.key("current"), r.key("condemned"))
	if errors.Is(err, redis.TxFailedErr) {
		err = fmt.Errorf("a release was published or another sweep begun: %w", catalog.ErrConflict)
	}
	if err != nil || len(doomed) == 0 {
		return Swept{}, r.failed("sweep", err)
	}
	swept, err := r.execute(ctx, owner, doomed)
	return swept, r.failed("sweep", err)
}

// outside returns what the store holds and keep does not name.
func (r *Redis) outside(ctx context.Context, keep Kept) ([]string, error) {
	var mu sync.Mutex
	found := map[string]bool{}
	kinds := []struct {
		prefix, member string
		keep           map[catalog.Hash]bool
	}{
		{r.manifestKey(""), condemnedManifest, keep.Manifests},
		{r.signatureKey(""), condemnedManifest, keep.Manifests},
		{r.objectKey(""), condemnedObject, keep.Objects},
	}
	err := r.masters(ctx, func(ctx context.Context, c *redis.Client) error {
		for _, kind := range kinds {
			keys := c.Scan(ctx, 0, kind.prefix+"*", redisBatch).Iterator()
			for keys.Next(ctx) {
				hash := catalog.Hash(strings.TrimPrefix(keys.Val(), kind.prefix))
				if hash.Valid() && !kind.keep[hash] {
					mu.Lock()
					found[kind.member+string(hash)] = true
					mu.Unlock()
				}
			}
			if err := keys.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	doomed := make([]string, 0, len(found))
	for member := range found {
		doomed = append(doomed, member)
	}
	// Manifests come first, so that what is left of an interrupted sweep is never
	// a manifest with holes.
	slices.Sort(doomed)
	return doomed, err
}

// execute removes what owner has condemned, and then the sentence.
//
// A process that slept through its own replacement would delete what others have
// published again since. So it makes sure before every batch that it still is
// the owner; what remains is the time between that answer and the deletion. For
// the same reason the set is removed only while it is the owner's.
func (r *Redis) execute(ctx context.Context, owner string, doomed []string) (Swept, error) {
	var swept Swept
	for batch := range slices.Chunk(doomed, sweepBatch) {
		ours, err := r.client.SIsMember(ctx, r.key("condemned"), owner).Result()
		if err != nil {
			return swept, err
		}
		if !ours {
			return swept, errTakenOver
		}
		if err := r.remove(ctx, batch, &swept); err != nil {
			return swept, err
		}
	}
	err := r.client.Watch(ctx, func(tx *redis.Tx) error {
		ours, err := tx.SIsMember(ctx, r.key("condemned"), owner).Result()
		if err != nil {
			return err
		}
		if !ours {
			return errTakenOver
		}
		return reason(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, r.key("condemned"))
			return nil
		}))
	}, r.key("condemned"))
	if errors.Is(err, redis.TxFailedErr) {
		err = errTakenOver
	}
	return swept, err
}

var errTakenOver = fmt.Errorf("another process has taken the sweep over: %w", catalog.ErrConflict)

func (r *Redis) remove(ctx context.Context, batch []string, swept *Swept) error {
	type removal struct {
		size, gone *redis.IntCmd
		count      *int
	}
	var removals []removal
	var signatures int // counted with their manifests
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		del := func(key string, count *int) {
			removals = append(removals, removal{p.StrLen(ctx, key), p.Del(ctx, key), count})
		}
		for _, member := range batch {
			if h, ok := strings.CutPrefix(member, condemnedManifest); ok {
				del(r.manifestKey(catalog.Hash(h)), &swept.Manifests)
				del(r.signatureKey(catalog.Hash(h)), &signatures)
			} else if h, ok := strings.CutPrefix(member, condemnedObject); ok {
				del(r.objectKey(catalog.Hash(h)), &swept.Objects)
			}
		}
		return nil
	})
	for _, d := range removals {
		*d.count += int(d.gone.Val())
		swept.Bytes += d.size.Val()
	}
	return err
}

// ResumeSweep implements Resumer.
func (r *Redis) ResumeSweep(ctx context.Context) (Swept, error) {
	var doomed []string
	owner := condemnedBy + rand.Text()
	err := r.client.Watch(ctx, func(tx *redis.Tx) error {
		members, err := tx.SMembers(ctx, r.key("condemned")).Result()
		if err != nil || len(members) == 0 {
			return err
		}
		slices.Sort(members)
		doomed = nil
		var before []any
		for _, m := range members {
			if strings.HasPrefix(m, condemnedBy) {
				before = append(before, m)
			} else {
				doomed = append(doomed, m)
			}
		}
		return reason(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			if len(before) > 0 {
				p.SRem(ctx, r.key("condemned"), before...)
			}
			p.SAdd(ctx, r.key("condemned"), owner)
			return nil
		}))
	}, r.key("condemned"))
	if errors.Is(err, redis.TxFailedErr) {
		err = errTakenOver
	}
	if err != nil || doomed == nil {
		return Swept{}, r.failed("resume sweep", err)
	}
	swept, err := r.execute(ctx, owner, doomed)
	return swept, r.failed("resume sweep", err)
}
