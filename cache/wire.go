package cache

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Wire carries short messages between the gateways of one catalog, through Redis. It
// keeps nothing there: a message that nobody hears is gone. Its user needs no key, and
// can touch neither a release nor anything else:
//
//	resetkeys resetchannels &luoshu-gateway:* +ping +publish +subscribe
type Wire struct {
	redis   *Redis
	channel string
}

// OpenWire returns the wire through the Redis at a URL, one of RedisForms. Nothing is
// asked yet.
func OpenWire(url string) (*Wire, error) {
	r, err := OpenRedis(url)
	if err != nil {
		return nil, err
	}
	return &Wire{redis: r, channel: "luoshu-gateway:{" + r.catalog + "}:spent"}, nil
}

// String returns the URL without user and password.
func (w *Wire) String() string { return w.redis.String() }

// Close closes the connections.
func (w *Wire) Close() error { return w.redis.Close() }

// Send tells everybody who receives, the sender included.
func (w *Wire) Send(ctx context.Context, message []byte) error {
	return w.redis.failed("send", w.redis.client.Publish(ctx, w.channel, message).Err())
}

// Receive calls heard with every message until ctx is done, and connects again whenever
// the connection is lost.
func (w *Wire) Receive(ctx context.Context, heard func([]byte)) {
	w.redis.follow(ctx, w.channel, func(m *redis.Message) {
		if m != nil {
			heard([]byte(m.Payload))
		}
	})
}
