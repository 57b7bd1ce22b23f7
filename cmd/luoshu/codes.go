package main

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

// proof says of the codes a release can show how many were drawn and read back by a
// second decoder before it was published.
type proof struct {
	// New codes are those that the release before could not show, or not under this
	// address; Read of them were read back: all, unless --codes asks for less. Earlier
	// are all others.
	New     int `json:"new"`
	Read    int `json:"read"`
	Earlier int `json:"earlier"`
}

// variant is how the code of a record is shown: on a page, on a terminal, in print.
type variant struct {
	placement string
	level     qr.Level
}

// shownCode is one code that a release shows.
type shownCode struct {
	id catalog.ID
	variant
}

// variants returns the ways in which a release shows the code of every record.
func variants(m *catalog.Manifest) []variant {
	all := []variant{{"", qr.Screen}, {"", qr.Print}, {catalog.Unnumbered, qr.Print}}
	for _, t := range m.Terminals {
		all = append(all, variant{t.ID, qr.Screen})
	}
	return all
}

// shownCodes yields the codes of r, with whether base could show them already.
func shownCodes(r, base *catalog.Release) iter.Seq2[shownCode, bool] {
	ways := variants(r.Manifest)
	var before []variant // nil where no code of base is one of r
	if base != nil && base.Manifest.PublicURL == r.Manifest.PublicURL {
		before = variants(base.Manifest)
	}
	return func(yield func(shownCode, bool) bool) {
		for _, e := range r.Entries {
			was := false
			if before != nil {
				_, was = base.Find(e.ID)
			}
			for _, w := range ways {
				if !yield(shownCode{e.ID, w}, was && slices.Contains(before, w)) {
					return
				}
			}
			edition, err := e.Printed()
			if edition == nil || err != nil { // what is damaged is never printed
				continue
			}
			for _, item := range edition.Items {
				if !yield(shownCode{item, variant{edition.Printing.Placement(), qr.Print}}, was) {
					return
				}
			}
		}
	}
}

// proveBatch is how many codes a worker takes at once.
const proveBatch = 64

// prove reads back the new codes of r: all of them or, with most above 0, as many, evenly
// picked. base is the release before, nil for none; stage is told of the progress where
// there are many. A release without a public address has no codes of its own: those that a
// node shows are read back there. The error says which code does not read.
func prove(ctx context.Context, r, base *catalog.Release, most int, stage func(total int64) (func(int64), func())) (proof, error) {
	var p proof
	address := r.Manifest.PublicURL
	if address == "" {
		return p, nil
	}
	for _, earlier := range shownCodes(r, base) {
		if earlier {
			p.Earlier++
		} else {
			p.New++
		}
	}
	every := 1 // code is read back
	if most > 0 {
		every = max(1, (p.New+most-1)/most)
	}
	step, end := func(int64) {}, func() {}
	if p.New/every >= 1000 {
		step, end = stage(int64((p.New + every - 1) / every))
	}
	defer end()

	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []shownCode)
	group.Go(func() error {
		defer close(batches)
		var batch []shownCode
		send := func() error {
			select {
			case batches <- batch:
				batch = nil
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		n := 0
		for code, earlier := range shownCodes(r, base) {
			if earlier {
				continue
			}
			if n%every == 0 {
				batch = append(batch, code)
			}
			n++
			if len(batch) == proveBatch {
				if err := send(); err != nil {
					return err
				}
			}
		}
		return send()
	})
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for batch := range batches {
				for _, code := range batch {
					payload, err := qr.Payload(address, code.id, code.placement)
					if err == nil {
						_, err = qr.New(payload, code.level) // which reads it back
					}
					if err != nil {
						return err
					}
				}
				mu.Lock()
				p.Read += len(batch)
				step(int64(p.Read))
				mu.Unlock()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return p, catalog.NewTextError(err, catalog.Text{ZH: "没有发布，因为有二维码读不回来：%v", EN: "nothing is published, because a QR code does not read back: %v"}, err)
	}
	return p, nil
}

// codes says how many codes were read back.
func (p printer) codes(c proof) {
	if c.New == 0 {
		return
	}
	p.line(catalog.Text{ZH: "二维码：新 %d 个，发布前已由另一解码器读回 %d 个", EN: "QR codes: %d new, %d of them read back by a second decoder before publishing"}, c.New, c.Read)
	if c.Read < c.New {
		p.line(catalog.Text{ZH: "  其余在首次显示之前读回", EN: "  the others are read back before they are first shown"})
	}
}
