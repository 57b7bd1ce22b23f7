package main

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestNotify: systemd hears that the service is ready, then signs of life for as long as
// it answers.
func TestNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	hear := func() string {
		b := make([]byte, 64)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	env := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "2000"}
	n := newNotifier(func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	if n.every != time.Millisecond {
		t.Errorf("a sign of life every %s, want half of 2 ms", n.every)
	}
	if err := n.send(t.Context(), "READY=1"); err != nil {
		t.Fatal(err)
	}
	if got := hear(); got != "READY=1" {
		t.Errorf("heard %q", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.run(ctx, func(context.Context) error {
			select {
			case asked <- struct{}{}:
				return errors.New("not yet")
			default:
				return nil
			}
		})
	}()
	if got := hear(); got != "WATCHDOG=1" {
		t.Errorf("heard %q", got)
	}
	stop()
	<-done
	if len(asked) != 1 {
		t.Error("a sign of life without asking")
	}
}

// TestNotifyNobody: outside systemd nothing is told, and nothing waits.
func TestNotifyNobody(t *testing.T) {
	for _, usec := range []string{"", "0", "-1", "x"} {
		env := map[string]string{"WATCHDOG_USEC": usec}
		n := newNotifier(func(k string) (string, bool) { v, ok := env[k]; return v, ok })
		if err := n.send(t.Context(), "READY=1"); err != nil {
			t.Error(err)
		}
		n.run(t.Context(), nil)
	}
}
