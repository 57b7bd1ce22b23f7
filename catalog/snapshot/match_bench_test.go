package snapshot

import (
	"fmt"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/demo"
)

// BenchmarkMatches asks for matches in the demonstration with so many generated
// achievements added: for generated ones, which have similar ones, and for those of
// the demonstration, which are longer and have every kind of match.
func BenchmarkMatches(b *testing.B) {
	for _, n := range []int{0, 10_000, 100_000} {
		base, err := demo.Build(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		p, err := catalogtest.Publish(b.Context(), base.Release, 1, n)
		if err != nil {
			b.Fatal(err)
		}
		s := snapshotOf(b, p.Release)
		asked := map[string][]catalog.ID{}
		for _, e := range p.Release.Entries {
			switch {
			case e.Publisher() == catalogtest.Publisher:
				asked["generated"] = append(asked["generated"], e.ID)
			case len(kindsFor(e.Dataset)) > 0:
				asked[string(e.Dataset)] = append(asked[string(e.Dataset)], e.ID)
			}
		}
		for _, name := range []string{"generated", "achievements", "demands", "organizations"} {
			ids := asked[name]
			if len(ids) == 0 {
				continue
			}
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				quantiles(b, len(ids), func(i int) {
					if _, err := s.Matches(ids[i*7919%len(ids)], 10); err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}
