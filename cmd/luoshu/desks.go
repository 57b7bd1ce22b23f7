package main

import (
	"bytes"
	"log/slog"
	"slices"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// deskless returns the markets of a release for which nobody can be asked: neither they nor
// the catalog as a whole have a contact desk.
func deskless(m *catalog.Manifest, entries func(yield func(catalog.Entry) bool)) []catalog.Ref {
	if _, ok := m.Desk(""); ok {
		return nil
	}
	var all []catalog.Ref
	add := func(market catalog.Ref) {
		if _, ok := m.Desk(market); !ok && market != "" && !slices.Contains(all, market) {
			all = append(all, market)
		}
	}
	for _, t := range m.Terminals {
		add(t.Market)
	}
	// In canonical JSON no text holds these bytes: its quotes are escaped.
	member := []byte(`"market":"`)
	for e := range entries {
		if _, rest, ok := bytes.Cut(e.Raw, member); ok {
			if id, _, ok := bytes.Cut(rest, []byte(`"`)); ok {
				add(catalog.Ref(id))
			}
		}
	}
	slices.Sort(all)
	return all
}

// deskless complains of markets that nobody answers for.
func (p printer) deskless(markets []catalog.Ref) {
	if len(markets) == 0 {
		return
	}
	p.line(catalog.Text{
		ZH: "注意：%d 个市场没有服务台，扫码的人无处可问。请在 --profile 的 desks 中写明，可写一个不带 market 的总服务台：",
		EN: "WARNING: %d markets have no contact desk, so whoever scans a code has nobody to ask. Name them under desks in the --profile; one without market serves all that have none:",
	}, len(markets))
	for _, m := range markets[:min(len(markets), mostLines)] {
		p.line(catalog.Text{ZH: "  %s", EN: "  %s"}, m)
	}
}

// warnDeskless says which markets of the release that is shown have no contact desk.
func warnDeskless(log *slog.Logger, s *snapshot.Snapshot) {
	markets := deskless(s.Manifest(), func(yield func(catalog.Entry) bool) {
		for d := range catalog.Datasets() {
			for e := range s.All(d.Name) {
				if !yield(e) {
					return
				}
			}
		}
	})
	if len(markets) > 0 {
		log.Warn("markets have no contact desk: whoever scans a code of theirs has nobody to ask; name desks in the profile and publish it",
			slog.Int("markets", len(markets)), slog.String("first", string(markets[0])))
	}
}
