package cache

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

// TestTrial: a release that brings a node down three times before it was served for a
// minute is not shown a fourth time; one that was served long enough, or a node that is
// stopped, counts for nothing.
func TestTrial(t *testing.T) {
	all := series(t, aName, 3)
	source := NewMemory("source")
	publish(t, source, all[0])
	local := localDir(t)
	opt := Options{Source: source, Local: local}
	// crash is a process that begins, shows what it has, and is gone.
	crash := func() *Near {
		t.Helper()
		n := NewNear(opt)
		_ = n.Start(context.Background())
		return n
	}
	served := func(n *Near) {
		n.trial.passes = time.Now()
		_ = look(t, n)
	}
	served(crash())
	for range 5 {
		wantServing(t, crash(), all[0]) // proven: that is somebody pulling the plug
	}
	publish(t, source, all[1])
	for range maxCrashes {
		wantServing(t, crash(), all[1])
	}
	n := crash()
	wantServing(t, n, all[0])
	if s := n.Status(); !strings.Contains(s.Problem, "brought this node down") || len(s.Barred) != 1 || s.Barred[0] != all[1].Release.Hash {
		t.Errorf("status %+v", s)
	}
	wantServing(t, crash(), all[0])

	publish(t, source, all[2])
	for range 2 * maxCrashes {
		n := crash()
		wantServing(t, n, all[2])
		n.stopped() // as it was told to
	}
	n = crash()
	served(n)
	wantServing(t, n, all[2])
	for range 2 * maxCrashes {
		wantServing(t, crash(), all[2])
	}
	if err := os.WriteFile(filepath.Join(local.root, trialFile), []byte("{\"begun\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantServing(t, crash(), all[2])
}

// TestTrialOfWhatNeverLoads: a release that brings the node down while it is loaded, before
// it is on disk, is barred too, and one that merely cannot be fetched is not.
func TestTrialOfWhatNeverLoads(t *testing.T) {
	all := series(t, aName, 2)
	source := newMoody(all...)
	local := localDir(t)
	publish(t, local, all[0])
	for range maxCrashes {
		n := NewNear(Options{Source: source, Local: local})
		n.restore(context.Background())
		n.onTrial(all[1].Release.Pointer()) // and there it ends
	}
	n := start(t, Options{Source: source, Local: local}, nil)
	wantServing(t, n, all[0])

	other := localDir(t)
	publish(t, other, all[0])
	source.mood(func(what string, _ catalog.Hash) error {
		if what == anObject {
			return catalog.ErrUnavailable
		}
		return nil
	})
	for range 2 * maxCrashes {
		n = start(t, Options{Source: source, Local: other}, nil)
		wantServing(t, n, all[0])
	}
	source.mood(nil)
	_ = look(t, n)
	wantServing(t, n, all[1])
}
