package main

import (
	"fmt"
	"os"
	"syscall"
)

// start runs the browser with handles of its ends of the pipes.
func (b *browser) start() error {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		_, _ = theirIn.Close(), in.Close()
		return err
	}
	b.in, b.out = in, out
	r, w := syscall.Handle(theirIn.Fd()), syscall.Handle(theirOut.Fd())
	pipes := []string{"--remote-debugging-pipe", fmt.Sprintf("--remote-debugging-io-pipes=%d,%d", r, w)}
	b.cmd.Args = append(b.cmd.Args[:1:1], append(pipes, b.cmd.Args[1:]...)...)
	b.cmd.SysProcAttr = &syscall.SysProcAttr{AdditionalInheritedHandles: []syscall.Handle{r, w}}
	for _, h := range b.cmd.SysProcAttr.AdditionalInheritedHandles {
		if err := syscall.SetHandleInformation(h, syscall.HANDLE_FLAG_INHERIT, syscall.HANDLE_FLAG_INHERIT); err != nil {
			return err
		}
	}
	err = b.cmd.Start()
	_, _ = theirIn.Close(), theirOut.Close()
	if err != nil {
		_, _ = in.Close(), out.Close()
	}
	return err
}

// kill ends the browser; what it started ends with it.
func (b *browser) kill() { _ = b.cmd.Process.Kill() }
