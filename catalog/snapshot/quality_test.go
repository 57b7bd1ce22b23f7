package snapshot

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/demo"
)

// judged says which achievements of the demonstration a broker who has read both
// would show to the firm behind a demand: 2 for what may solve it, 1 for what is
// worth a look. What is not named is 0.
var judged = map[string]string{
	"dem-001": "ach-m006:2 ach-m004:1 ach-m001:1",
	"dem-002": "ach-m002:2 ach-m009:1 ach-m001:1 ach-m042:1",
	"dem-003": "ach-m003:2 ach-m004:1",
	"dem-004": "ach-m004:2 ach-l041:1",
	"dem-005": "ach-m016:2 ach-m017:1",
	"dem-006": "ach-m021:2 ach-m015:1 ach-m047:1",
	"dem-007": "ach-m019:2 ach-l016:1",
	"dem-008": "ach-m018:2 ach-m023:1",
	"dem-009": "ach-n001:2 ach-n043:1",
	"dem-010": "ach-n044:2 ach-n052:1 ach-n042:1",
	"dem-011": "ach-n019:2 ach-n020:1",
	"dem-012": "ach-n020:1 ach-m024:1",
	"dem-013": "ach-m056:2 ach-m035:1",
	"dem-014": "ach-n006:2 ach-n007:1",
	"dem-015": "ach-n008:2",
	"dem-016": "ach-n018:2 ach-m037:1 ach-m038:1",
	"dem-018": "ach-n012:1 ach-n050:1",
	"dem-019": "ach-m024:2 ach-m014:1 ach-n010:1 ach-m028:1",
	"dem-023": "ach-m022:1 ach-n027:1",
	"dem-026": "ach-m048:2 ach-m049:1",
	"dem-027": "ach-m050:2",
	"dem-030": "ach-m001:2 ach-m012:1 ach-m013:1 ach-m053:1",
	"dem-031": "ach-m024:2 ach-m014:1",
	"dem-033": "ach-n031:2 ach-n034:1 ach-n033:1",
	"dem-035": "ach-n040:2",
	"dem-036": "ach-n036:2",
	"dem-039": "ach-l029:2 ach-l036:2 ach-l027:1",
	"dem-042": "ach-l015:2 ach-l016:1 ach-l017:1",
	"dem-044": "ach-l015:2 ach-l007:1 ach-l009:1",
	"dem-046": "ach-l014:2 ach-l004:1",
	"dem-047": "ach-n051:2",
	"dem-050": "ach-m043:1 ach-m056:1 ach-m004:1",
	"dem-051": "ach-l045:2",
	"dem-052": "ach-n041:2 ach-n046:1",
}

// TestMatchQuality compares the matches with the judgments. What the catalog itself
// links does not count: the words and codes have to find it.
func TestMatchQuality(t *testing.T) {
	s := demonstration(t)
	draft := catalog.NewDraft(nil, time.Now())
	id := func(d catalog.Dataset, key string) catalog.ID {
		id, _, err := draft.Identify(d, demo.Publisher, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Find(id); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return id
	}
	var sum struct{ gain, precision, recall, first float64 }
	solvable := 0
	for _, key := range slices.Sorted(maps.Keys(judged)) {
		grades := map[catalog.ID]float64{}
		var ideal []float64
		for pair := range strings.FieldsSeq(judged[key]) {
			k, grade, _ := strings.Cut(pair, ":")
			g := float64(grade[0] - '0')
			grades[id(catalog.Achievements, k)] = g
			ideal = append(ideal, g)
		}
		slices.SortFunc(ideal, func(a, b float64) int { return cmp.Compare(b, a) })
		all, err := s.Matches(id(catalog.Demands, key), MaxMatches)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.DeleteFunc(all, func(m Match) bool { return m.Kind != AchievementFits })
		for i := range found {
			for _, p := range found[i].Parts {
				if p.Name == "relation" {
					found[i].Score -= p.Points
				}
			}
		}
		slices.SortStableFunc(found, func(a, b Match) int { return b.Score - a.Score })
		found = found[:min(5, len(found))]
		var gains []float64
		hits := 0.0
		for _, m := range found {
			gains = append(gains, grades[m.ID])
			if grades[m.ID] > 0 {
				hits++
			}
		}
		ndcg := discounted(gains) / discounted(ideal)
		sum.gain += ndcg
		sum.precision += hits / max(1, float64(len(found)))
		sum.recall += hits / float64(len(ideal))
		if ideal[0] == 2 {
			solvable++
			if len(gains) > 0 && gains[0] == 2 {
				sum.first++
			}
		}
		if ndcg < 0.8 {
			t.Logf("%s: nDCG@5 %.2f, grades in order %v of %v", key, ndcg, gains, ideal)
		}
	}
	n := float64(len(judged))
	gain, precision, recall, first := sum.gain/n, sum.precision/n, sum.recall/n, sum.first/float64(solvable)
	t.Logf("%d demands: nDCG@5 %.3f, precision@5 %.3f, recall@5 %.3f; %d can be solved: solution first in %.3f", len(judged), gain, precision, recall, solvable, first)
	if gain < 0.78 || precision < 0.58 || first < 0.8 {
		t.Errorf("matches are worse than they were")
	}
}

// discounted is the cumulated gain of grades in order, the later the less (Järvelin
// and Kekäläinen, 2002).
func discounted(grades []float64) float64 {
	sum := 0.0
	for i, g := range grades[:min(5, len(grades))] {
		sum += (math.Exp2(g) - 1) / math.Log2(float64(i)+2)
	}
	return sum
}
