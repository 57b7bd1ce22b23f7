package ingest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// TestLifts: an approval lets pass the one row that is meant, or nothing is published.
func TestLifts(t *testing.T) {
	const text = "成果名称,简介,备注列\n%甲,摘自内部资料,\n%乙,摘自内部资料,涉密载体\n"
	files := func() []File {
		book := workbookOf(t, func(f *excelize.File) {
			put(t, f, "Sheet1", "A1", []any{"成果名称", "简介"}, []any{"簿甲", "摘自内部资料"})
			_, err := f.NewSheet("二")
			must(t, err)
			put(t, f, "二", "A1", []any{"成果名称", "简介"}, []any{"簿乙", "摘自内部资料"})
		})
		return []File{
			file("a.csv", strings.ReplaceAll(text, "%", "一"))[0], file("b.csv", strings.ReplaceAll(text, "%", "二"))[0], inputOf("c.xlsx", book)[0],
		}
	}
	var id catalog.ID
	for _, l := range importInto(t, catalog.NewDraft(nil, now), files()[:1], Options{}).Rows {
		if l.Row == 2 {
			id = l.ID
		}
	}
	tests := []struct {
		name  string
		lift  Lift
		says  string // of the brake
		where []string
	}{
		{"a record", Lift{Rule: "M3", ID: id}, "", []string{"a.csv//2"}},
		{"a row of a text file", Lift{Rule: "M3", Place: "b.csv", Row: 2}, "", []string{"b.csv//2"}},
		{"a row of a sheet", Lift{Rule: "M3", Place: "c.xlsx/二", Row: 2}, "", []string{"c.xlsx/二/2"}},
		{"a row of a sheet, said shortly", Lift{Rule: "M3", Place: "二", Row: 2}, "", []string{"c.xlsx/二/2"}},
		{"a row that several files have", Lift{Rule: "M3", Row: 2}, "meets more than one row; name one of them: M3:" + string(id) + " (row 2 of a.csv), M3:", nil},
		{"a row that several sheets have", Lift{Rule: "M3", Place: "c.xlsx", Row: 2}, "more than one row", nil},
		{"no such row", Lift{Rule: "M3", Place: "a.csv", Row: 99}, "approval M3:a.csv!99: M3 holds no such row", nil},
		{"a row that another rule holds", Lift{Rule: "M6", Place: "a.csv", Row: 2}, "M6 holds no such row", nil},
		{"a file that is not there", Lift{Rule: "M3", Place: "d.csv", Row: 2}, "no such row", nil},
		{"a row that waits for more", Lift{Rule: "M3", Place: "a.csv", Row: 3}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Import(t.Context(), catalog.NewDraft(nil, now), files(), Options{Dataset: catalog.Achievements, Publisher: "p", Lifts: []Lift{tt.lift}})
			if r == nil || (err == nil) != (tt.says == "") || err != nil && (!errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), tt.says)) {
				t.Fatalf("report %v, error %v; want %q", r, err, tt.says)
			}
			var approved, published []string
			for _, a := range r.Approved {
				approved = append(approved, a.File+"/"+a.Sheet+"/"+string(rune('0'+a.Row)))
			}
			for _, l := range r.Rows {
				if l.Outcome == Published {
					published = append(published, l.File+"/"+l.Sheet+"/"+string(rune('0'+l.Row)))
				}
			}
			if !slices.Equal(approved, tt.where) || !slices.Equal(published, tt.where) {
				t.Errorf("approved %q, published %q, want %q", approved, published, tt.where)
			}
		})
	}
}

// TestTheSameLiftAgain: a command that is given twice means the same the second time.
func TestTheSameLiftAgain(t *testing.T) {
	const content = "成果名称,简介\n甲成果,摘自内部资料\n"
	known := screen.NewApprovals([]byte("key"))
	for round, approved := range []int{1, 0} {
		r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", content), Options{Approvals: known, Lifts: []Lift{{Rule: "M3", Row: 2}}})
		if lines(r) != "2 published" || len(r.Approved) != approved {
			t.Errorf("round %d: %s, approved %+v", round, lines(r), r.Approved)
		}
		for _, a := range r.Approved {
			known.Add(a.Approval)
		}
	}
}

// TestTextsBesideTheRecords: what the public reads of a withdrawal and of the catalog
// is screened, and never quoted.
func TestTextsBesideTheRecords(t *testing.T) {
	const profile = `{"catalog":"c","title":{"zh":"%s"},"publisher":{"zh":"发布者"},"license":{"name":{"zh":"许可"}},
		"desks":[{"name":{"zh":"服务台"},"telephone":"0379-00000001","address":{"zh":"示例路 1 号"},"hours":{"zh":"9:00—17:00"}}]}`
	for text, rule := range map[string]string{
		"因密级为机密★撤回": "M1", "摘自内部资料": "M3", "内容涉密": "M4", "请致电 15400000000": "P2", "电话 0379-00000001": "P3", "已转让给乙公司": "",
	} {
		check := func(where string, err error) {
			t.Helper()
			if rule == "" && err == nil {
				return
			}
			if rule == "" || !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "("+rule+")") || strings.Contains(catalog.ErrorText(err, "zh"), text) {
				t.Errorf("%s of %q: %v, want %s", where, text, err, rule)
			}
		}
		_, err := ReadProfile([]byte(strings.Replace(profile, "%s", text, 1)))
		check("title", err)

		d := catalog.NewDraft(nil, now)
		id := importInto(t, d, file("a.csv", "成果名称\n甲成果\n乙成果\n"), Options{}).Rows[0].ID
		p, err := d.Build(t.Context(), catalog.BuildOptions{})
		must(t, err)
		_, err = Import(t.Context(), catalog.NewDraft(p.Release, now), nil, Options{Dataset: catalog.Achievements, Publisher: "p", Withdraw: []Withdrawal{{ID: id, Reason: text}}})
		check("reason", err)

		// What was published before it was looked at.
		d = catalog.NewDraft(p.Release, now)
		must(t, d.Withdraw(id, text, ""))
		described := catalog.DefaultProfile()
		described.Title.ZH = text
		must(t, d.Describe(described))
		p, err = d.Build(t.Context(), catalog.BuildOptions{})
		must(t, err)
		found, err := ScreenRelease(p.Release, nil)
		must(t, err)
		var got []string
		for _, s := range found {
			got = append(got, string(s.ID)+" "+s.Findings[0].Field+" "+s.Findings[0].Rule)
		}
		var want []string
		if rule != "" {
			want = []string{" title.zh " + rule, string(id) + " withdrawn.reason " + rule}
		}
		if !slices.Equal(got, want) {
			t.Errorf("screened again: %q, want %q", got, want)
		}
	}
}
