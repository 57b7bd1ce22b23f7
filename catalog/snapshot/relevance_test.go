package snapshot

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"luoshu/catalog"
)

// testdata/relevance.csv says which achievements of the demonstration answer a
// question, judged by reading their titles and keywords: 2 for one that is about it,
// 1 for one that is near. What it does not name is 0.

// nDCG10 is the normalized discounted cumulative gain of the first ten (Järvelin and
// Kekäläinen, 2002), the mean over all questions; found is how many of them find
// anything.
func nDCG10(t testing.TB, s *Snapshot) (mean float64, questions, found int) {
	t.Helper()
	f, err := os.Open("testdata/relevance.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	grades := map[string]map[string]int{}
	var order []string
	for _, row := range rows[1:] {
		if grades[row[0]] == nil {
			grades[row[0]] = map[string]int{}
			order = append(order, row[0])
		}
		grade, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		grades[row[0]][row[2]] = grade
	}
	gain := func(grade, place int) float64 { return (math.Exp2(float64(grade)) - 1) / math.Log2(float64(place+2)) }
	titles := map[string]bool{}
	for e := range s.All(catalog.Achievements) {
		titles[shownTitle(t, e)] = true
	}
	for _, q := range order {
		r, err := s.Search(Query{Text: q, Dataset: catalog.Achievements, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		got, ideal := 0.0, 0.0
		for i, e := range r.Entries {
			got += gain(grades[q][shownTitle(t, e)], i)
		}
		var best []int
		for title, grade := range grades[q] {
			if !titles[title] {
				t.Fatalf("%s: there is no %s", q, title)
			}
			best = append(best, grade)
		}
		slices.Sort(best)
		slices.Reverse(best)
		for i, grade := range best[:min(10, len(best))] {
			ideal += gain(grade, i)
		}
		if r.Total > 0 {
			found++
		}
		mean += got / ideal / float64(len(order))
		t.Logf("%.2f %s: %d", got/ideal, q, r.Total)
	}
	return mean, len(order), found
}

func shownTitle(t testing.TB, e catalog.Entry) string {
	t.Helper()
	var r struct {
		Title string `json:"title"`
	}
	if err := json.Unmarshal(e.Raw, &r); err != nil {
		t.Fatal(err)
	}
	return r.Title
}

// TestRelevance keeps the ranking from getting worse unnoticed.
func TestRelevance(t *testing.T) {
	mean, questions, found := nDCG10(t, demonstration(t))
	t.Logf("nDCG@10 %.3f over %d questions, of which %d find something", mean, questions, found)
	// Measured 0.700.
	if mean < 0.68 || questions < 30 {
		t.Errorf("nDCG@10 %.3f over %d questions", mean, questions)
	}
}

// BenchmarkRelevance prints the quality beside the speed.
func BenchmarkRelevance(b *testing.B) {
	s := demonstration(b)
	var mean float64
	for b.Loop() {
		mean, _, _ = nDCG10(b, s)
	}
	b.ReportMetric(mean, "nDCG@10")
}
