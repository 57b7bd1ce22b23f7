package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far long work has come: a bar where a person looks at
// stderr, one plain line per stage where a program or a log does.
type progress struct {
	w     io.Writer
	bars  bool
	quiet bool
}

// stage begins a stage. total is the number of steps, or -1 when nobody knows.
// The first function it returns is told the steps done, the second ends the
// stage.
func (p progress) stage(name string, total int64) (step func(done int64), end func()) {
	if p.quiet {
		return func(int64) {}, func() {}
	}
	if !p.bars {
		start := time.Now()
		last := int64(0)
		return func(done int64) { last = done }, func() {
			_, _ = fmt.Fprintf(p.w, "%s: %d, %s\n", name, max(last, 0), time.Since(start).Round(time.Millisecond))
		}
	}
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(name),
		progressbar.OptionThrottle(80*time.Millisecond), progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	return func(done int64) { _ = bar.Set64(done) }, func() { _ = bar.Finish() }
}
