package cache_test

import (
	"context"
	"fmt"
	"time"

	"luoshu/cache"
	"luoshu/catalog"
)

// A publisher stores a release; a follower serves it from memory.
func Example() {
	ctx := context.Background()
	store := cache.NewMemory("example")

	draft := catalog.NewDraft(nil, time.Date(2017, 11, 21, 0, 0, 0, 0, time.UTC))
	id, source, err := draft.Identify(catalog.Demands, "example", "1")
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, change, err := draft.Encode(&catalog.Demand{Header: catalog.Header{
		ID: id, Dataset: catalog.Demands, Title: "轴承寿命预测", Publisher: "example", Source: source,
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := draft.Put(entry, change); err != nil {
		fmt.Println(err)
		return
	}
	release, err := draft.Build(ctx, catalog.BuildOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cache.Publish(ctx, store, release, nil, nil); err != nil {
		fmt.Println(err)
		return
	}

	near := cache.NewNear(cache.Options{Source: store})
	if err := near.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	current := near.Current()
	fmt.Println(current.Manifest().Sequence, current.Count(catalog.Demands))
	// Output: 1 1
}

func ExampleOpen() {
	store, err := cache.Open(context.Background(), "redis-sentinel://publisher:secret@10.0.0.1,10.0.0.2,10.0.0.3?master=market")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = store.Close() }()
	fmt.Println(store)
	// Output: redis-sentinel://10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379/0?master=market&catalog=luoshu
}
