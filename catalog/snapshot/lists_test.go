package snapshot

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestListsOfBatches: however records are divided into batches, the lists are the same
// to the byte, and hold what was put in.
func TestListsOfBatches(t *testing.T) {
	const records = 3000
	rng := rand.New(rand.NewPCG(1, 2))
	held := map[key][]uint32{}
	tokens := make([][]key, records)
	for doc := range tokens {
		for k := range key(400) {
			// The first stands in nearly every record, the last in hardly any.
			if rng.IntN(int(k)+2) < 2 {
				tokens[doc] = append(tokens[doc], k+1)
				held[k+1] = append(held[k+1], uint32(doc))
			}
		}
	}
	lists := func(batch, workers int) postings {
		l := newLister(workers)
		for from := 0; from < records; from += batch {
			var found [shards][]occurrence
			for doc := from; doc < min(from+batch, records); doc++ {
				for _, k := range tokens[doc] {
					h := k.hash()
					found[h.shard()] = append(found[h.shard()], newOccurrence(h, uint32(doc-from), mark(k%maxImpact+1)))
				}
			}
			l.add(uint32(from), func(shard int) [][]occurrence {
				half := len(found[shard]) / 2
				return [][]occurrence{found[shard][:half], found[shard][half:]}
			})
		}
		p, err := l.finish(new(arena))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	whole := lists(records, 1)
	for k, docs := range held {
		var l list
		if !whole.find(k, &l) || l.count != len(docs) {
			t.Fatalf("token %d: %d of %d records", k, l.count, len(docs))
		}
		for _, doc := range docs {
			if at := l.seek(doc); at != doc || l.marks[l.i] != mark(k%maxImpact+1) {
				t.Fatalf("token %d: record %d with mark %d, not %d", k, at, l.marks[l.i], doc)
			}
		}
	}
	if len(whole.hashes) != len(held) {
		t.Errorf("%d lists of %d tokens", len(whole.hashes), len(held))
	}
	for _, batch := range []int{1, 7, 128, 1000} {
		if !reflect.DeepEqual(lists(batch, 3), whole) {
			t.Errorf("batches of %d make other lists", batch)
		}
	}
}

// TestCodes: codes of every width are what was put in.
func TestCodes(t *testing.T) {
	for values, width := range map[int]int{1: 1, 255: 1, 256: 2, 65_535: 2, 65_536: 4} {
		all := []uint32{uint32(values), 0, 1}
		c := newCodes(append([]uint32(nil), all...), values)
		if got := codeWidth(values); got != width || c.len() != len(all) {
			t.Errorf("%d values: %d codes of %d bytes", values, c.len(), got)
		}
		for i, n := range all {
			if got := c.at(uint32(i)); got != n {
				t.Errorf("%d values: code %d is %d, not %d", values, i, got, n)
			}
		}
	}
}
