package cache

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// A release that is new to a node is on trial: when the process has died maxCrashes
// times before it served the release for trialTime, the release is barred, and the one
// before is shown again. What is known of it lies beside the releases, in trial.json.
const (
	trialFile  = "trial.json"
	trialTime  = time.Minute
	maxCrashes = 3
	// maxTried is how many releases are remembered of each kind.
	maxTried      = 16
	maxTrialBytes = 16 << 10
)

type trial struct {
	// Begun counts, for releases that have not passed, the processes that began to load
	// them and have not ended well since.
	Begun  []begun        `json:"begun,omitempty"`
	Passed []catalog.Hash `json:"passed,omitempty"`
	Barred []catalog.Hash `json:"barred,omitempty"`
	// now is the release that this process tries, and passes when it will have served it
	// long enough.
	now    catalog.Hash
	passes time.Time
}

type begun struct {
	Manifest catalog.Hash `json:"manifest"`
	Times    int          `json:"times"`
}

func (t *trial) bars(hash catalog.Hash) bool { return slices.Contains(t.Barred, hash) }

// pending reports whether there is a trial that this process can pass.
func (t *trial) pending() bool { return t.now != "" }

// begin counts hash up, or bars it when that was done too often.
func (t *trial) begin(hash catalog.Hash) {
	times := 0
	for _, b := range t.Begun {
		if b.Manifest == hash {
			times = b.Times
		}
	}
	t.end(hash)
	if times >= maxCrashes {
		t.Barred = remember(t.Barred, hash)
		return
	}
	t.Begun = remember(t.Begun, begun{hash, times + 1})
	t.now, t.passes = hash, time.Now().Add(trialTime)
}

// end forgets how often hash was begun.
func (t *trial) end(hash catalog.Hash) {
	t.Begun = slices.DeleteFunc(slices.Clone(t.Begun), func(b begun) bool { return b.Manifest == hash })
	t.now = ""
}

func remember[T any](list []T, one T) []T {
	list = append(slices.Clone(list), one)
	return list[max(0, len(list)-maxTried):]
}

// readTrial returns what the disk knows. Without it everything is tried anew.
func (n *Near) readTrial() trial {
	var t trial
	b, err := readFile(filepath.Join(n.local.root, trialFile), maxTrialBytes)
	if err != nil || json.Unmarshal(b, &t) != nil {
		return trial{}
	}
	return t
}

// writeTrial keeps the trial. Where the disk takes nothing there is no trial: the
// release cannot be kept there either.
func (n *Near) writeTrial() {
	b, err := catalog.Canonical(n.trial)
	if err == nil {
		err = replaceFile(filepath.Join(n.local.root, trialFile), b)
	}
	if err == nil {
		_ = syncDir(n.local.root)
	}
}

// onTrial notes that p is about to be loaded, before it can bring the process down, and
// bars it when it has done so too often. undo takes the note back: loading it failed,
// and nothing was brought down. The caller holds round.
func (n *Near) onTrial(p catalog.Pointer) (undo func()) {
	if n.local == nil || slices.Contains(n.trial.Passed, p.Manifest) || n.trial.bars(p.Manifest) {
		return func() {}
	}
	before := n.trial
	n.trial.begin(p.Manifest)
	n.writeTrial()
	return func() {
		n.trial = before
		n.writeTrial()
	}
}

// pass ends the trial of a release that was served long enough. The caller holds round.
func (n *Near) pass() {
	if n.trial.pending() && !time.Now().Before(n.trial.passes) {
		n.trial.Passed = remember(n.trial.Passed, n.trial.now)
		n.trial.end(n.trial.now)
		n.writeTrial()
	}
}

// stopped notes that the process ends as it was told to.
func (n *Near) stopped() {
	n.round.Lock()
	defer n.round.Unlock()
	n.pass()
	if n.trial.pending() {
		n.trial.end(n.trial.now)
		n.writeTrial()
	}
}
