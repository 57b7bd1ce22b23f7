package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"luoshu/cache"
	"luoshu/catalog"
)

// adviser is a store that knows how what is behind it should be configured.
type adviser interface {
	Advise(ctx context.Context, publisher bool) ([]cache.Advice, error)
}

const (
	advicePatience = 10 * time.Second
	// adviceEvery is how often a store is asked that did not answer yet.
	adviceEvery = time.Minute
)

// adviceOn returns what is amiss with a store; nothing of one that needs no advice.
func adviceOn(ctx context.Context, s cache.Store, publisher bool) ([]cache.Advice, error) {
	a, ok := s.(adviser)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, advicePatience)
	defer cancel()
	return a.Advise(ctx, publisher)
}

// warnOfTarget tells a publisher what is amiss with the store. One that does not answer
// will be told of soon enough.
func warnOfTarget(ctx context.Context, env environment, target cache.Store, lang string) {
	all, _ := adviceOn(ctx, target, true)
	for _, a := range all {
		_, _ = fmt.Fprintln(env.stderr, catalog.Text{ZH: "注意：", EN: "warning: "}.In(lang)+a.Text.In(lang))
		if a.Set != "" {
			_, _ = fmt.Fprintln(env.stderr, "  redis-cli> "+a.Set)
		}
	}
}

// warnOfSources tells the log what is amiss with the stores that are followed, of each
// when it first answers.
func warnOfSources(ctx context.Context, sources []cache.Store, log *slog.Logger) {
	for ctx.Err() == nil && len(sources) > 0 {
		var later []cache.Store
		for _, s := range sources {
			all, err := adviceOn(ctx, s, false)
			if err != nil {
				later = append(later, s)
			}
			for _, a := range all {
				log.WarnContext(ctx, "Redis should be configured otherwise", slog.String("what", a.Text.EN), slog.String("redis_cli", a.Set))
			}
		}
		if sources = later; len(sources) == 0 {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(adviceEvery):
		}
	}
}
