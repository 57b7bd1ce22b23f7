package snapshot

import (
	"strings"
	"testing"
)

func TestPinyinReadings(t *testing.T) {
	s := demonstration(t)
	for _, test := range []struct{ typed, want string }{
		{"zhoucheng", "轴承 spelt"},
		{"zhou cheng", "轴承 spelt"},
		{"ZC", "轴承"},
		{"zhouc", ""},
		{"zhoucheng仿真", "轴承仿真 spelt"},
		{"仿真 zhoucheng", "仿真 轴承 spelt"},
		{"轴承", ""},
		{"bearing", ""},
		{"zhouchengxyzzy", ""},
		{"", ""},
		{"410302", ""},
	} {
		all, err := s.Readings(test.typed)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(all) > 0 {
			got = strings.TrimSpace(all[0].Text + map[bool]string{true: " spelt"}[all[0].Spelt])
		}
		if got != test.want {
			t.Errorf("%q is read as %v, want %s", test.typed, all, test.want)
		}
		for _, r := range all {
			if found, err := s.Search(Query{Text: r.Text}); err != nil || found.Total != r.Count || r.Count == 0 {
				t.Errorf("%q: %v, but a search finds %d (%v)", test.typed, r, found.Total, err)
			}
		}
	}
	if _, err := s.Readings(strings.Repeat("a", MaxQueryLength+1)); err == nil {
		t.Error("a text that is too long is read")
	}
}

func BenchmarkReadings(b *testing.B) {
	s := demonstration(b)
	for _, typed := range []string{"zhoucheng", "zc", "zhoucheng仿真"} {
		b.Run(typed, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Readings(typed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
