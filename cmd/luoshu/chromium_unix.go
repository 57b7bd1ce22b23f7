//go:build !windows

package main

import (
	"os"
	"syscall"
)

// start runs the browser with its ends of the pipes as files 3 and 4, in a process group
// of its own: an interrupt at the keyboard reaches this program alone, which then ends
// the whole group.
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
	b.cmd.Args = append(b.cmd.Args[:1:1], append([]string{"--remote-debugging-pipe"}, b.cmd.Args[1:]...)...)
	b.cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = b.cmd.Start()
	_, _ = theirIn.Close(), theirOut.Close()
	if err != nil {
		_, _ = in.Close(), out.Close()
	}
	return err
}

// kill ends the browser and everything it started.
func (b *browser) kill() { _ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) }
