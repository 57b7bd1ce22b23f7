package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"luoshu/cache"
	"luoshu/catalog"
)

// TestKilledPublications kills publish at a random moment, a hundred times for
// each kind of store, while a reader loads whatever is current. The reader must
// never see anything but one whole round, never go backwards, and the publication
// after the last kill must succeed.
func TestKilledPublications(t *testing.T) {
	// Building is no part of the time that a publication takes.
	if _, err := build(); err != nil {
		t.Fatal(err)
	}
	kills := 100
	if testing.Short() {
		kills = 10
	}
	stores := map[string]func(t *testing.T) string{
		"directory": func(t *testing.T) string { return "dir:" + filepath.Join(t.TempDir(), "store") },
		"redis": func(t *testing.T) string {
			addr, _ := redisServer(t)
			return "redis://" + addr + "/0"
		},
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) { killPublications(t, store(t), kills) })
	}
}

func killPublications(t *testing.T, spec string, kills int) {
	data := t.TempDir()
	luoshu(t, data, publishArgs(write(t, "0.jsonl", rows(0)), spec)...).want(t, exitDone)

	ctx, stop := context.WithCancel(t.Context())
	var reader sync.WaitGroup
	var loads int
	reader.Go(func() { loads = readWhole(ctx, t, spec) })
	defer reader.Wait()
	defer stop()

	// The longest a publication takes here, so that kills fall all along it.
	start := time.Now()
	last := write(t, "1.jsonl", rows(1))
	if out, err := program(ctx, t, append(publishArgs(last, spec), "--data-dir", data)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)

	killed := 0
	for i := range kills {
		file := write(t, "next.jsonl", rows(i+2))
		cmd := program(ctx, t, append(publishArgs(file, spec), "--data-dir", data)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole + whole/10))
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
	}
	out := luoshu(t, data, publishArgs(write(t, "end.jsonl", rows(kills+2)), spec)...).want(t, exitDone)
	if !strings.Contains(out.stdout, `"published": 400`) {
		t.Errorf("the publication after the kills says %s", out.stdout)
	}
	luoshu(t, data, "gc", "--to", spec).want(t, exitDone)
	stop()
	reader.Wait()
	if loads == 0 || killed == 0 {
		t.Errorf("%d loads, %d of %d killed: the test saw nothing", loads, killed, kills)
	}
	t.Logf("%d of %d publications killed under way, %d releases read", killed, kills, loads)
}

// readWhole loads the current release again and again until ctx ends and checks
// that each is whole and none older than the one before.
func readWhole(ctx context.Context, t *testing.T, spec string) (loads int) {
	store, err := cache.Open(ctx, spec)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer func() { _ = store.Close() }()
	var last int64
	for ; ctx.Err() == nil; loads++ {
		p, err := store.Current(ctx)
		if err != nil {
			if ctx.Err() == nil {
				t.Errorf("the pointer cannot be read: %v", err)
			}
			return loads
		}
		if p.Sequence < last {
			t.Errorf("went back from release %d to %d", last, p.Sequence)
		}
		last = p.Sequence
		r, err := cache.Load(ctx, store, p)
		if ctx.Err() != nil {
			return loads
		}
		if err != nil {
			t.Errorf("release %d: %v", p.Sequence, err)
			return loads
		}
		if err := oneRound(r); err != nil {
			t.Errorf("release %d: %v", p.Sequence, err)
			return loads
		}
	}
	return loads
}

func oneRound(r *catalog.Release) error {
	if len(r.Entries) != records {
		return fmt.Errorf("%d records, not %d", len(r.Entries), records)
	}
	round := ""
	for _, e := range r.Entries {
		record, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			return err
		}
		of, _, _ := strings.Cut(record.Head().Abstract, " ")
		if round == "" {
			round = of
		}
		if of != round {
			return errors.New("records of two rounds")
		}
	}
	return nil
}
