package main

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

// mostProved bounds how many codes are read back before a publication: a second of work
// on two processors. What is beyond is read back where it is first drawn, as every code is
// (qr.New), before anybody sees it.
const mostProved = 4096

// proof says of the codes a release can show how many were drawn and read back by a
// second decoder before it was published.
type proof struct {
	// New codes are those that the release before could not show, or not under this
	// address; Read of them were read back. Known are all others.
	New   int `json:"new"`
	Read  int `json:"read"`
	Known int `json:"known"`
}

// variant is how the code of a record is shown: on a page, on a terminal, in print.
type variant struct {
	placement string
	level     qr.Level
}

// variants returns the ways in which the codes of a release are shown.
func variants(m *catalog.Manifest) []variant {
	all := []variant{{"", qr.Screen}, {"", qr.Print}}
	for _, t := range m.Terminals {
		all = append(all, variant{t.ID, qr.Screen})
	}
	return all
}

// prove reads back the new codes of r, evenly picked ones where they are many. base is the
// release before, nil for none. A release without a public address has no codes of its own:
// those that a node shows are proved there. The error says which code does not read.
func prove(ctx context.Context, r, base *catalog.Release) (proof, error) {
	var p proof
	address := r.Manifest.PublicURL
	if address == "" {
		return p, nil
	}
	ways := variants(r.Manifest)
	var before []variant
	if base != nil && base.Manifest.PublicURL == address {
		before = variants(base.Manifest)
	}
	type code struct {
		id catalog.ID
		variant
	}
	fresh := func(yield func(code)) {
		for _, e := range r.Entries {
			known := false
			if before != nil {
				_, known = base.Find(e.ID)
			}
			for _, w := range ways {
				if !known || !slices.Contains(before, w) {
					yield(code{e.ID, w})
				}
			}
		}
	}
	fresh(func(code) { p.New++ })
	p.Known = len(r.Entries)*len(ways) - p.New
	step := max(1, (p.New+mostProved-1)/mostProved)
	picked := make([]code, 0, p.New/step+1)
	n := 0
	fresh(func(c code) {
		if n%step == 0 {
			picked = append(picked, c)
		}
		n++
	})
	p.Read = len(picked)

	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(picked) || ctx.Err() != nil {
					return ctx.Err()
				}
				payload, err := qr.Payload(address, picked[i].id, picked[i].placement)
				if err != nil {
					return err
				}
				if _, err := qr.New(payload, picked[i].level); err != nil {
					return err
				}
			}
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
