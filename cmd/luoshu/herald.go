package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"luoshu/cache"
)

// startsFile counts how often the program was started with a data directory.
const startsFile = "starts"

// countStart returns how often the program was started before. Where it cannot be counted,
// nothing is lost but the number.
func countStart(dataDir string) int64 {
	path := filepath.Join(dataDir, startsFile)
	var before int64
	b, err := os.ReadFile(path)
	if err == nil {
		if _, err := fmt.Sscan(string(b), &before); err != nil || before < 0 {
			before = 0
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	_ = cache.Replace(path, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, before+1)
		return err
	})
	return before
}

// herald returns what this terminal says of itself to a hub; nil for a node that is none.
func (s *serveFlags) herald(dataDir string, near func() *cache.Near) (cache.Herald, error) {
	if s.terminal == "" {
		return nil, nil
	}
	token := ""
	if s.terminalToken != "" {
		b, err := os.ReadFile(s.terminalToken)
		if err != nil {
			return nil, usage("--terminal-token-file：%v", "--terminal-token-file: %v", err)
		}
		token = strings.TrimSpace(string(b))
	}
	started, restarts, version := time.Now(), countStart(dataDir), readVersion().Version
	return func() (cache.Announcement, string) {
		a := cache.Announcement{Terminal: s.terminal, Version: version, UptimeSeconds: int64(time.Since(started).Seconds()), Restarts: restarts, DiskFree: diskFree(dataDir)}
		if n := near(); n != nil {
			status := n.Status()
			a.Release, a.Problem = status.Release, status.Problem
		}
		return a, token
	}, nil
}
