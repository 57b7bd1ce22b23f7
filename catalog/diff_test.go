package catalog_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
)

// putRecord gives r an identifier, encodes it and takes it into d.
func putRecord(t *testing.T, d *catalog.Draft, key string, r catalog.Record) catalog.ID {
	t.Helper()
	h := r.Head()
	var err error
	h.Publisher = "p"
	if h.ID, h.Source, err = d.Identify(h.Dataset, "p", key); err != nil {
		t.Fatal(err)
	}
	e, c, err := d.Encode(r)
	if err == nil {
		err = d.Put(e, c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h.ID
}

func achievement(change func(*catalog.Achievement)) *catalog.Achievement {
	a := &catalog.Achievement{
		Header: catalog.Header{Dataset: catalog.Achievements, Title: "甲成果", Keywords: []string{"轴承", "润滑"}, Industries: []catalog.Coded{{Scheme: "gbt4754-2017", Code: "3451"}}},
		Stage:  "pilot", TRL: 6, Price: &catalog.Money{Min: 300000, Max: 300000, Currency: "CNY"},
		Registration: &catalog.Registration{Number: "1"},
		IP:           []catalog.IP{{Kind: "invention", Number: "ZL1"}, {Number: "ZL2"}},
	}
	if change != nil {
		change(a)
	}
	return a
}

func TestCompare(t *testing.T) {
	tests := []struct {
		name   string
		change func(*catalog.Achievement)
		want   string // path: old → new, as JSON
		says   string // in Chinese
	}{
		{"a text", func(a *catalog.Achievement) { a.Title = "甲成果（改）" }, `title: "甲成果" → "甲成果（改）"`, "名称：甲成果 → 甲成果（改）"},
		{"a value more", func(a *catalog.Achievement) { a.TitleEN = "A" }, `title_en: null → "A"`, "英文名称： → A"},
		{"a value less", func(a *catalog.Achievement) { a.TRL = 0 }, `trl: 6 → null`, "技术就绪度：6 → "},
		{"a list", func(a *catalog.Achievement) { a.Keywords = a.Keywords[:1] }, `keywords[]: ["轴承","润滑"] → ["轴承"]`, "关键词：轴承；润滑 → 轴承"},
		{"one member of an object", func(a *catalog.Achievement) { a.Registration.Number = "2" }, `registration.number: "1" → "2"`, "登记号：1 → 2"},
		{"an object less", func(a *catalog.Achievement) { a.Registration = nil }, `registration.number: "1" → null`, "登记号：1 → "},
		{"one member in a list of objects", func(a *catalog.Achievement) { a.IP[1].Kind = "utility-model" }, `ip[].kind: ["invention",null] → ["invention","utility-model"]`, "知识产权类型：发明专利；– → 发明专利；实用新型专利"},
		{"a list of objects less", func(a *catalog.Achievement) { a.IP = nil }, `ip[].kind: ["invention",null] → null ip[].number: ["ZL1","ZL2"] → null`, "知识产权类型：发明专利；– →  知识产权号：ZL1；ZL2 → "},
		{"an amount", func(a *catalog.Achievement) { a.Price = &catalog.Money{Negotiable: true} }, `price: {"currency":"CNY","max":300000,"min":300000} → {"negotiable":true}`, "意向价格：300000 CNY → 面议"},
		{"a code of a standard", func(a *catalog.Achievement) { a.Industries[0].Code = "3311" }, `industries[]: [{"code":"3451","scheme":"gbt4754-2017"}] → [{"code":"3311","scheme":"gbt4754-2017"}]`, "应用行业：3451 滚动轴承制造 → 3311 金属结构制造"},
		{"original wording", func(a *catalog.Achievement) { a.Raw = map[string]string{"stage": "在试", "price": "另议"} }, `raw: null → {"price":"另议","stage":"在试"}`, "原始取值： → price：另议；stage：在试"},
		{"nothing", nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
			d := catalog.NewDraft(nil, now)
			id := putRecord(t, d, "1", achievement(nil))
			p, err := d.Build(t.Context(), catalog.BuildOptions{})
			if err != nil {
				t.Fatal(err)
			}
			d = catalog.NewDraft(p.Release, now.Add(time.Hour))
			putRecord(t, d, "1", achievement(tt.change))
			var got, says []string
			for diff, err := range d.Diff(catalog.Updated) {
				if err != nil || diff.ID != id || !strings.HasPrefix(diff.Title, "甲成果") {
					t.Fatalf("%+v, %v", diff, err)
				}
				for _, f := range diff.Fields {
					b, err := json.Marshal(map[string]any{"o": json.RawMessage(f.Old), "n": json.RawMessage(f.New)})
					if err != nil {
						t.Fatal(err)
					}
					var v struct{ O, N json.RawMessage }
					if err := json.Unmarshal(b, &v); err != nil {
						t.Fatal(err)
					}
					got = append(got, fmt.Sprintf("%s: %s → %s", f.Path, v.O, v.N))
					field, _ := catalog.LookupField(diff.Dataset, f.Path)
					says = append(says, field.Label.ZH+"："+field.Wording(f.Old, "zh")+" → "+field.Wording(f.New, "zh"))
				}
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("differs in\n%s\nwant\n%s", g, tt.want)
			}
			if s := strings.Join(says, " "); s != tt.says {
				t.Errorf("says\n%s\nwant\n%s", s, tt.says)
			}
		})
	}
}

// TestDiffIsWhatTheReleaseDoes: the three parts together are all that changes, each
// in order.
func TestDiffIsWhatTheReleaseDoes(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	record := func(title string) *catalog.Achievement {
		return &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: title}}
	}
	d := catalog.NewDraft(nil, now)
	var ids []catalog.ID
	for i := range 9 {
		ids = append(ids, putRecord(t, d, strconv.Itoa(i), record(fmt.Sprint("成果", i))))
	}
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d = catalog.NewDraft(p.Release, now)
	for i := range 9 {
		if i >= 6 {
			if err := d.Withdraw(ids[i], "试", ""); err != nil {
				t.Fatal(err)
			}
			continue
		}
		putRecord(t, d, strconv.Itoa(i), record(fmt.Sprint("成果", i, map[bool]string{true: "改"}[i >= 3])))
	}
	for i := range 2 {
		putRecord(t, d, fmt.Sprint("new", i), record("新"))
	}
	counts := map[catalog.Change]int{}
	for _, c := range []catalog.Change{catalog.Added, catalog.Updated, catalog.Withdrawn} {
		last := catalog.ID("")
		for diff, err := range d.Diff(c) {
			if err != nil || diff.Change != c || diff.ID <= last || diff.Title == "" || (len(diff.Fields) == 1) != (c == catalog.Updated) {
				t.Errorf("after %s: %+v, %v", last, diff, err)
			}
			last = diff.ID
			counts[c]++
		}
	}
	added, updated, withdrawn := d.Counts()
	if counts[catalog.Added] != added || counts[catalog.Updated] != updated || counts[catalog.Withdrawn] != withdrawn || added+updated+withdrawn != 8 {
		t.Errorf("differences %v, counts %d %d %d", counts, added, updated, withdrawn)
	}
}

func TestApart(t *testing.T) {
	for _, tt := range [][6]string{
		{"", "", "", "", "", ""},
		{"甲乙丙", "甲乙丙", "甲乙丙", "", "", ""},
		{"甲乙丙", "甲丁丙", "甲", "乙", "丁", "丙"},
		{"甲甲", "甲甲甲", "甲甲", "", "甲", ""},
		// 一 and 丁 begin with the same two bytes.
		{"一", "丁", "", "一", "丁", ""},
		{"a一", "b一", "", "a", "b", "一"},
	} {
		if head, a, b, tail := catalog.Apart(tt[0], tt[1]); head != tt[2] || a != tt[3] || b != tt[4] || tail != tt[5] {
			t.Errorf("Apart(%q, %q) = %q, %q, %q, %q", tt[0], tt[1], head, a, b, tail)
		}
	}
}

// TestFieldsNestOnce: Compare looks for values in members and in members of those.
func TestFieldsNestOnce(t *testing.T) {
	for info := range catalog.Datasets() {
		for _, f := range catalog.Fields(info.Name) {
			if _, below, _ := strings.Cut(f.Path, "."); strings.ContainsAny(below, ".[") {
				t.Errorf("%s %s lies too deep", info.Name, f.Path)
			}
		}
	}
}
