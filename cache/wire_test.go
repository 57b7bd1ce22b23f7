package cache

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

// TestWire: what one sends all hear, through a Redis that is flushed, frozen, killed and
// started again, and with a user who may do nothing else.
func TestWire(t *testing.T) {
	s := startRedis(t)
	s.do(t, "acl", "setuser", "gateway", "on", ">secret", "resetkeys", "resetchannels", "&luoshu-gateway:*", "-@all", "+ping", "+publish", "+subscribe")
	url := "redis://gateway:secret@" + s.addr + "/0?catalog=market"
	open := func(url string) *Wire {
		t.Helper()
		w, err := OpenWire(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.Close() })
		return w
	}
	sender, other := open(url), open(url)
	ctx, cancel := context.WithCancel(t.Context())
	heard, foreign := make(chan string, 1000), make(chan string, 1000)
	ended := make(chan struct{}, 2)
	for w, c := range map[*Wire]chan string{other: heard, open(strings.Replace(url, "market", "fair", 1)): foreign} {
		go func() {
			w.Receive(ctx, func(b []byte) { c <- string(b) })
			ended <- struct{}{}
		}()
	}
	defer func() {
		cancel()
		<-ended
		<-ended
	}()
	send := func(message string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return sender.Send(ctx, []byte(message))
	}
	arrives := func(message string) {
		t.Helper()
		eventually(t, message+" arrives", func() bool {
			_ = send(message)
			for {
				select {
				case m := <-heard:
					if m == message {
						return true
					}
				default:
					return false
				}
			}
		})
	}
	arrives("at the beginning\x00\xff")
	s.do(t, "flushall")
	arrives("flushed")

	s.signal(t, "STOP")
	begun := time.Now()
	if err := send("frozen"); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("frozen: %v", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("a deadline of 300 ms took %v", took)
	}
	s.signal(t, "CONT")
	arrives("thawed")

	s.kill()
	if err := send("killed"); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("killed: %v", err)
	}
	s.start(t) // without the user: nobody may
	if err := send("a stranger"); !errors.Is(err, catalog.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("a user who is not known: %v", err)
	}
	s.do(t, "acl", "setuser", "gateway", "on", ">secret", "resetchannels", "&luoshu-gateway:*", "-@all", "+ping", "+publish", "+subscribe")
	arrives("started again")
	if len(foreign) > 0 {
		t.Errorf("the wire of another catalog heard %q", <-foreign)
	}
	if keys := s.do(t, "dbsize"); keys != int64(0) {
		t.Errorf("%v keys are left behind", keys)
	}
}
