package kiosk

import "testing"

func TestOnPage(t *testing.T) {
	for _, test := range []struct {
		records, page int
		first, shown  int
		turns         bool
	}{
		{0, 1, 0, 0, false},
		{7, 1, 0, 7, false},
		{8, 1, 0, 8, false},
		{8, 2, 0, 8, false},
		{9, 1, 0, 7, true},
		{9, 2, 7, 2, true},
		{15, 3, 14, 1, true},
		{15, 9, 14, 1, true},
	} {
		all := make([]int, test.records)
		for i := range all {
			all[i] = i
		}
		got, turn := onPage(&page{rq: &request{path: "/bases", page: test.page}}, all, 7)
		if len(got) != test.shown || len(got) > 0 && got[0] != test.first || (turn.Previous != "" || turn.Next != "") != test.turns {
			t.Errorf("page %d of %d shows %v, turns %+v", test.page, test.records, got, turn)
		}
	}
}
