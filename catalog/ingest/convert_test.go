package ingest

import (
	"strings"
	"testing"

	"luoshu/catalog"
)

func TestParseDate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"2026-11-20", "2026-11-20"},
		{"2026/1/2", "2026-01-02"},
		{"2026.1.2", "2026-01-02"},
		{"2026年1月2日", "2026-01-02"},
		{"２０２６年１月", "2026-01"},
		{"20260102", "2026-01-02"},
		{"2026", "2026"},
		{"2026年", "2026"},
		{"2026-01-02 00:00:00", "2026-01-02"},
		{"10/03/2015", ""},
		{"26-1-2", ""},
		{"2026-02-30", ""},
		{"111", ""},
		{"待定", ""},
		{"202613", ""},
	}
	for _, tt := range tests {
		if got, ok := parseDate(tt.in); string(got) != tt.want || ok != (tt.want != "") {
			t.Errorf("parseDate(%q) = %q, %v, want %q", tt.in, got, ok, tt.want)
		}
	}
}

func TestParseMoney(t *testing.T) {
	cny := func(low, high float64) catalog.Money { return catalog.Money{Min: low, Max: high, Currency: "CNY"} }
	tests := []struct {
		in   string
		want catalog.Money
		ok   bool
	}{
		{"30万元", cny(300000, 300000), true},
		{"7万", cny(70000, 70000), true},
		{"1,200元", cny(1200, 1200), true},
		{"10-20万元", cny(100000, 200000), true},
		{"不超过100万元", cny(0, 1000000), true},
		{"1.5亿元", cny(1.5e8, 1.5e8), true},
		{"0.07万", cny(700, 700), true},
		{"1.15亿", cny(1.15e8, 1.15e8), true},
		{"面议", catalog.Money{Negotiable: true}, true},
		{"-1", catalog.Money{Negotiable: true}, true},
		{" ３０ 万元 ", cny(300000, 300000), true},
		{"30", catalog.Money{}, false},
		{"很多", catalog.Money{}, false},
		{"", catalog.Money{}, false},
	}
	for _, tt := range tests {
		if got, ok := parseMoney(tt.in); got != tt.want || ok != tt.ok {
			t.Errorf("parseMoney(%q) = %+v, %v, want %+v", tt.in, got, ok, tt.want)
		}
	}
}

func TestAliasesLeadSomewhere(t *testing.T) {
	for key, target := range loadAliases() {
		if target.use == Gate && open[target.name] == nil {
			t.Errorf("%q is a gate that nothing opens", key.name)
		}
		if target.use != Mapped || target.name == sourceKey {
			continue
		}
		found := false
		for d := range catalog.Datasets() {
			if key.dataset == "" || key.dataset == d.Name {
				if f, ok := catalog.LookupField(d.Name, target.name); ok {
					found = true
					if f.Assigned() {
						t.Errorf("%q leads to %s, which publishing sets", key.name, target.name)
					}
				}
			}
		}
		if !found {
			t.Errorf("%q leads to %q, which no dataset has", key.name, target.name)
		}
	}
}

// FuzzImport: no input makes the importer panic, and every row has an outcome.
func FuzzImport(f *testing.F) {
	f.Add("a.csv", []byte("\ufeff成果名称,完成单位,拟转让价格\n甲,乙;丙,30万元\n"))
	f.Add("a.tsv", []byte("标题\t密级\n甲\t秘密\n"))
	f.Add("a.jsonl", []byte(`{"title":"甲","ip":[{"number":"ZL202119900012.4"}],"items":["key:x"]}`+"\n[1]\n"))
	f.Add("a.jsonl", []byte(`{"title":"甲","industries":[{"scheme":"x","code":"y"}],"price":{"min":-1}}`))
	f.Add("a.csv", []byte("title,raw,ip[].number\n\"a\nb\",x,1;2\n"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		d := catalog.NewDraft(nil, now)
		r, err := Import(t.Context(), d, []File{{name, strings.NewReader(string(content))}}, Options{Dataset: catalog.Achievements, Publisher: "p"})
		if err == nil {
			checkTotals(t, r)
		}
	})
}

func FuzzReadProfile(f *testing.F) {
	f.Add([]byte(`{"catalog":"c","title":{"zh":"题"},"public_url":"https://a.example/"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ReadProfile(b); err == nil && p.Title == (catalog.Text{}) {
			t.Errorf("accepted %+v", p)
		}
	})
}
