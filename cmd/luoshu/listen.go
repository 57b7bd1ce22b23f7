package main

import (
	"context"
	"net"
	"os"
	"strconv"

	"luoshu/catalog"
)

// firstPassed is the first file descriptor that systemd passes, as sd_listen_fds(3) says.
const firstPassed = 3

// listen returns the socket that systemd passed (a .socket unit holds it through a restart,
// so that nobody who asks meanwhile is turned away), or listens at addr.
func listen(ctx context.Context, env environment, addr string) (*net.TCPListener, error) {
	if pid, _ := env.lookup("LISTEN_PID"); pid == strconv.Itoa(os.Getpid()) {
		if n, _ := env.lookup("LISTEN_FDS"); n != "1" {
			return nil, usage("systemd 传来 %s 个套接字，应为一个", "systemd passed %s sockets, not one", n)
		}
		f := os.NewFile(firstPassed, "systemd")
		listener, err := net.FileListener(f)
		_ = f.Close() // the listener has its own
		if err != nil {
			return nil, err
		}
		tcp, ok := listener.(*net.TCPListener)
		if !ok {
			_ = listener.Close()
			return nil, usage("systemd 传来的不是 TCP 套接字", "what systemd passed is no TCP socket")
		}
		return tcp, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, catalog.NewTextError(nil, catalog.Text{ZH: "%v；请用 --addr 换一个地址", EN: "%v; choose another address with --addr"}, err)
	}
	return listener.(*net.TCPListener), nil
}
