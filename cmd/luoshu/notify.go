package main

import (
	"context"
	"net"
	"strconv"
	"time"
)

// notifier tells systemd how the service is, as sd_notify(3) does. Outside systemd it
// tells nobody.
type notifier struct {
	socket string        // empty outside a unit of Type=notify
	every  time.Duration // between two signs of life; 0 without WatchdogSec
}

// newNotifier reads what systemd left in the environment.
func newNotifier(lookup func(string) (string, bool)) notifier {
	var n notifier
	n.socket, _ = lookup("NOTIFY_SOCKET")
	if s, ok := lookup("WATCHDOG_USEC"); ok {
		if usec, err := strconv.ParseInt(s, 10, 64); err == nil && usec > 0 {
			// Half the time, as sd_watchdog_enabled(3) advises.
			n.every = time.Duration(usec) * time.Microsecond / 2
		}
	}
	return n
}

// send gives systemd a state such as READY=1. That nobody listens is no reason to stop.
func (n notifier) send(ctx context.Context, state string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", n.socket)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Write([]byte(state))
	return err
}

// asking returns how to find out whether the server behind addr answers: by asking it, since
// a process may live and serve nobody.
func asking(addr string) func(context.Context) error {
	return func(ctx context.Context) error { return askServer(ctx, "http://"+addr+"/livez") }
}

// run gives signs of life until ctx ends, as long as alive finds the service answering.
func (n notifier) run(ctx context.Context, alive func(context.Context) error) {
	if n.socket == "" || n.every <= 0 {
		return
	}
	tick := time.NewTicker(n.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if alive(ctx) == nil {
				_ = n.send(ctx, "WATCHDOG=1")
			}
		}
	}
}
