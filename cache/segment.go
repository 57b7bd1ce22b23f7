package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// Beside the releases that a node keeps on disk lie their segments, which a restart
// maps instead of reading every record again:
//
//	segments/HASH.seg    the release named HASH, laid out for reading
//
// They are derived: whatever is missing, damaged or of another program is made again,
// and where none can be written the release is laid out in memory.
const (
	segmentsDir   = "segments"
	segmentSuffix = ".seg"
)

func (d *Directory) segmentPath(hash catalog.Hash) string {
	return filepath.Join(d.root, segmentsDir, string(hash)+segmentSuffix)
}

// mapped returns the release from its segment, or nil when there is none that is
// whole.
func (n *Near) mapped(ctx context.Context, m *catalog.Manifest, hash catalog.Hash) *snapshot.Snapshot {
	if n.local == nil {
		return nil
	}
	s, err := snapshot.Open(n.local.segmentPath(hash), m, hash)
	if err != nil {
		if !errors.Is(err, catalog.ErrNotFound) {
			n.log.InfoContext(ctx, "segment is made again", slog.Int64("release", m.Sequence), slog.Any("error", err))
		}
		return nil
	}
	n.letGo(s)
	return s
}

// layOut makes a snapshot of a release, which it takes possession of: in a segment on
// disk, which is mapped, or in memory where that cannot be.
func (n *Near) layOut(ctx context.Context, r *catalog.Release) (*snapshot.Snapshot, error) {
	m, hash := r.Manifest, r.Hash
	s, err := snapshot.New(ctx, r)
	if err != nil {
		return nil, err
	}
	if n.local == nil || n.diskless.Load() {
		n.letGo(s)
		return s, nil
	}
	path := n.local.segmentPath(hash)
	err = makeDir(filepath.Dir(path))
	if err == nil {
		err = replaceWith(path, tempPrefix, func(w io.Writer) error { return snapshot.WriteSegment(w, s) })
	}
	if err != nil {
		n.log.WarnContext(ctx, "segment cannot be kept: the release is in memory", slog.Int64("release", m.Sequence), slog.Any("error", err))
		n.letGo(s)
		return s, nil
	}
	// What is on disk need not be in memory too, not even for the moment of reading
	// it back.
	_ = s.Mapping().Close() // of memory, which does not fail
	r.Entries, s = nil, nil
	debug.FreeOSMemory()
	if s = n.mapped(ctx, m, hash); s == nil {
		// A disk that does not give back what was written is not asked again.
		n.diskless.Store(true)
		return nil, fmt.Errorf("segment of release %d cannot be read back: %w", m.Sequence, catalog.ErrUnavailable)
	}
	return s, nil
}

// frugal has the garbage collector run early until the function it returns is
// called: laying a release out allocates little that is not kept, so that the usual
// headroom would be memory for nothing.
func frugal() (done func()) {
	frugality.Lock()
	defer frugality.Unlock()
	if frugality.users++; frugality.users == 1 {
		frugality.before = debug.SetGCPercent(frugalPercent)
	}
	return func() {
		frugality.Lock()
		defer frugality.Unlock()
		if frugality.users--; frugality.users == 0 {
			debug.SetGCPercent(frugality.before)
		}
	}
}

const frugalPercent = 10

var frugality struct {
	sync.Mutex
	users, before int
}

// sweepSegments removes the segments of releases that are not kept.
func (n *Near) sweepSegments(keep map[catalog.Hash]bool) error {
	_, _, err := sweepDir(filepath.Join(n.local.root, segmentsDir), segmentSuffix, keep)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// letGo gives what a snapshot has mapped back when nothing refers to it any more and
// every request that may still hold a part of it has ended. Earlier would be a fault
// that no recover catches.
func (n *Near) letGo(s *snapshot.Snapshot) {
	runtime.AddCleanup(s, func(mapping io.Closer) {
		go func() {
			n.reading.drain()
			if err := mapping.Close(); err != nil {
				n.log.Warn("segment not unmapped", slog.Any("error", err))
			}
		}()
	}, s.Mapping())
}

// Reading tells that a request has begun, and what it returns is to be told when it
// has ended, its answer copied. What a request took from a snapshot is good as long.
func (n *Near) Reading() Reader { return n.reading.enter() }

// Reader is a request under way.
type Reader struct{ active *atomic.Int64 }

// Done ends the request.
func (r Reader) Done() { r.active.Add(-1) }

// requests counts the requests under way, in two turns: while those of one turn are
// waited for, new ones count in the other.
type requests struct {
	turn   atomic.Uint32
	active [2]atomic.Int64
	drains sync.Mutex
}

func (r *requests) enter() Reader {
	for {
		turn := r.turn.Load()
		active := &r.active[turn&1]
		active.Add(1)
		if r.turn.Load() == turn {
			return Reader{active}
		}
		active.Add(-1)
	}
}

// drain returns when every request has ended that was under way when it was called.
func (r *requests) drain() {
	r.drains.Lock()
	defer r.drains.Unlock()
	turn := r.turn.Add(1) - 1
	for r.active[turn&1].Load() > 0 {
		time.Sleep(5 * time.Millisecond)
	}
}
