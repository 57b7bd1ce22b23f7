package opendata

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"math/bits"
	"sync"
	"time"
)

// The nodes of a hub share their limits by telling each other what clients spent. Every
// node has an account of every client and fills it at the full rate; five times a second
// it tells what was taken from it, and takes from it what others tell. So the nodes
// together give what one would give, except that
//
//   - what a client takes from several nodes within a fifth of a second is told too late:
//     it may get up to its burst from each, once, and owes what was too much;
//   - a node that just started knows nothing of before;
//   - while nobody hears each other, every node counts for itself.
//
// A request never waits for any of this.

// Wire carries short messages to the other nodes. It may lose some.
type Wire interface {
	Send(ctx context.Context, message []byte) error
	// Receive calls heard with every message, own ones too, until ctx is done.
	Receive(ctx context.Context, heard func(message []byte))
}

const (
	tellEvery = 200 * time.Millisecond
	// tellPatience is how long a message may take. Nobody waits but the next message.
	tellPatience = 500 * time.Millisecond
	// After a message that got lost the wire is left alone for a while, the longer the
	// more of them got lost.
	firstPause, longestPause = time.Second, 15 * time.Second

	messageVersion = 1
	messageHead    = 1 + 8
	messageItem    = 8 + 8 + 1 + 2
	// maxMessageItems bounds a message to some 60 KB. Who is not in it is in the next.
	maxMessageItems = 3000
)

func newNode() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

// Run tells and hears other nodes until ctx is done.
func (l *Limiter) Run(ctx context.Context) {
	if l.wire == nil {
		return
	}
	var group sync.WaitGroup
	group.Go(func() { l.wire.Receive(ctx, l.hear) })
	defer group.Wait()
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	var pause time.Duration
	var resume time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			message := l.news()
			if message == nil || now.Before(resume) {
				continue // what was spent meanwhile is not told later
			}
			sending, cancel := context.WithTimeout(ctx, tellPatience)
			err := l.wire.Send(sending, message)
			cancel()
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				if pause == 0 {
					l.log.Warn("limits are not shared: every node counts for itself", slog.Any("error", err))
				}
				pause = min(max(firstPause, 2*pause), longestPause)
				resume = time.Now().Add(pause)
			case pause > 0:
				l.log.Info("limits are shared again")
				pause = 0
			}
		}
	}
}

// news returns the message about what was taken since the last one, nil for nothing.
func (l *Limiter) news() []byte {
	var b []byte
	for w := range l.changed {
		for left := l.changed[w].Swap(0); left != 0; left &= left - 1 {
			n := w*64 + bits.TrailingZeros64(left)
			if len(b) >= messageHead+messageItem*maxMessageItems {
				l.spread(n)
				continue
			}
			if b == nil {
				b = binary.BigEndian.AppendUint64([]byte{messageVersion}, l.node)
			}
			b = l.sets[n].appendNews(b)
		}
	}
	if len(b) == messageHead {
		return nil
	}
	return b
}

// appendNews appends what was taken from the accounts of a set, and notes it as told.
func (s *accounts) appendNews(b []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.all {
		a := &s.all[i]
		for c, n := range a.unsent {
			if n > 0 {
				b = binary.BigEndian.AppendUint64(b, a.identity.high)
				b = binary.BigEndian.AppendUint64(b, a.identity.low)
				b = binary.BigEndian.AppendUint16(append(b, byte(c)), n)
			}
		}
		a.unsent = [classes]uint16{}
	}
	return b
}

// hear takes from the accounts what another node tells. A message that is none is
// passed over.
func (l *Limiter) hear(message []byte) {
	const most = messageHead + messageItem*(maxMessageItems+ways*int(classes))
	if len(message) < messageHead || len(message) > most || message[0] != messageVersion ||
		(len(message)-messageHead)%messageItem != 0 || binary.BigEndian.Uint64(message[1:]) == l.node {
		return
	}
	now := time.Now
	if l.now != nil {
		now = l.now
	}
	m := l.moment(now())
	for b := message[messageHead:]; len(b) > 0; b = b[messageItem:] {
		id := identity{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
		c := Class(b[16])
		if c >= classes {
			continue
		}
		s, _ := l.set(id)
		s.mu.Lock()
		s.find(id, m).debit(&l.policies[id.tier()][c], c, binary.BigEndian.Uint16(b[17:]), m)
		s.mu.Unlock()
	}
}
