package ingest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// The telephone number in these tests has a prefix that is given to nobody.

func TestScreenedRows(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"mark of secrecy", "成果名称,简介\n甲成果,本项目属机密★10年\n", "2 refused abstract/M1"},
		{"mark in disguise", "成果名称,简介\n甲成果,本项目属 機 密 ★\n", "2 refused abstract/M1"},
		{"internal paper", "成果名称,简介\n甲成果,摘自内部资料\n", "2 held abstract/M3"},
		{"telephone", "成果名称,简介\n甲成果,请致电 15400000000\n", "2 published abstract/P2"},
		{"nothing", "成果名称,简介\n精密轴承保密协议之外的成果,密封良好\n", "2 published"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := catalog.NewDraft(nil, now)
			r := importInto(t, d, file("a.csv", tt.content), Options{})
			if got := lines(r); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if redacted := strings.HasSuffix(tt.want, "P2"); (r.Totals.Redacted == 1) != redacted {
				t.Errorf("totals = %+v", r.Totals)
			}
			if r.Totals.Published == 1 {
				a := record[*catalog.Achievement](t, d, strings.Split(strings.Split(tt.content, "\n")[1], ",")[0])
				if strings.Contains(a.Abstract, "15400000000") {
					t.Errorf("published: %s", a.Abstract)
				}
			}
		})
	}
}

// TestApproval: a second person lets one rule of one text pass; the same text need
// not be asked about again, a changed one must.
func TestApproval(t *testing.T) {
	const content = "source_key,成果名称,简介\n1,甲成果,摘自内部资料\n2,乙成果,另一份内部资料\n"
	r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", content), Options{Lifts: []Lift{{Rule: "M3", Row: 2}}})
	if got := lines(r); got != "2 published\n3 held abstract/M3" {
		t.Fatalf("got\n%s", got)
	}
	if len(r.Approved) != 1 || r.Approved[0].Row != 2 || r.Approved[0].Rule != "M3" {
		t.Fatalf("approved = %+v", r.Approved)
	}
	var remembered screen.Approvals
	remembered.Add(r.Approved[0].Approval)
	if r = importInto(t, catalog.NewDraft(nil, now), file("a.csv", content), Options{Approvals: &remembered}); lines(r) != "2 published\n3 held abstract/M3" {
		t.Errorf("the same again:\n%s", lines(r))
	}
	changed := strings.Replace(content, "摘自内部", "都摘自内部", 1)
	if r = importInto(t, catalog.NewDraft(nil, now), file("a.csv", changed), Options{Approvals: &remembered}); r.Totals.Held != 2 {
		t.Errorf("a changed text:\n%s", lines(r))
	}
}

// TestNothingPointsAtAHeldRow: neither a key nor the name of an organization.
func TestNothingPointsAtAHeldRow(t *testing.T) {
	d := catalog.NewDraft(nil, now)
	r, err := ImportBatches(t.Context(), d, []Batch{
		{Dataset: catalog.Organizations, Files: file("organizations.jsonl", `{"source_key":"o","title":"甲研究院","abstract":"内部资料"}`)},
		{Dataset: catalog.Achievements, Files: file("achievements.jsonl", `{"title":"甲成果","market":"key:o","organizations":[{"name":"甲研究院"}]}`)},
	}, Options{Publisher: "p"})
	if err != nil {
		t.Fatal(err)
	}
	checkTotals(t, r)
	a := record[*catalog.Achievement](t, d, "甲成果")
	if r.Totals.Held != 1 || a.Market != "" || a.Organizations[0].ID != "" {
		t.Errorf("totals %+v, market %q, organizations %+v", r.Totals, a.Market, a.Organizations)
	}
}

func TestMarkedFileNamesAreNotRead(t *testing.T) {
	_, err := Import(t.Context(), catalog.NewDraft(nil, now), file("成果（机密★）.csv", "成果名称\n甲成果\n"), Options{Dataset: catalog.Achievements, Publisher: "p"})
	if !errors.Is(err, catalog.ErrInvalid) || strings.Contains(err.Error(), "机密★") && !strings.Contains(err.Error(), "M1") {
		t.Errorf("error = %v", err)
	}
}

func TestScreenRelease(t *testing.T) {
	// What the rules would stop today may have been published before they existed.
	d := catalog.NewDraft(nil, now)
	a := &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: "甲成果", Abstract: "内部资料", Publisher: "p"}}
	a.ID, a.Source, _ = d.Identify(a.Dataset, "p", "1")
	e, change, err := d.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Put(e, change); err != nil {
		t.Fatal(err)
	}
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := ScreenRelease(p.Release, nil)
	if err != nil || len(found) != 1 || found[0].ID != a.ID || found[0].Findings[0].Rule != "M3" {
		t.Fatalf("%+v, %v", found, err)
	}
	var approved screen.Approvals
	approved.Add(approved.Of(found[0].Findings[0], a.ID))
	if found, err = ScreenRelease(p.Release, &approved); err != nil || len(found) != 0 {
		t.Errorf("approved, and still: %+v, %v", found, err)
	}
}

// TestAMarkAnywhereInAWorkbook: in a hidden sheet, a comment, a property or the name
// of a sheet it stops the whole file.
func TestAMarkAnywhereInAWorkbook(t *testing.T) {
	const mark = "机密★5年"
	places := map[string]func(*excelize.File) error{
		"cell of a hidden sheet": func(f *excelize.File) error {
			if _, err := f.NewSheet("旁"); err != nil {
				return err
			}
			return errors.Join(f.SetCellStr("旁", "B3", mark), f.SetSheetVisible("旁", false))
		},
		"sheet that looks like a template's": func(f *excelize.File) error {
			_, err := f.NewSheet("说明")
			return errors.Join(err, f.SetCellStr("说明", "A1", templateMark), f.SetCellStr("说明", "A2", mark))
		},
		"comment": func(f *excelize.File) error {
			return f.AddComment("Sheet1", excelize.Comment{Cell: "A2", Author: "甲", Text: mark})
		},
		"property": func(f *excelize.File) error {
			return f.SetDocProps(&excelize.DocProperties{Subject: mark})
		},
		"sheet name": func(f *excelize.File) error {
			_, err := f.NewSheet(mark)
			return err
		},
	}
	for name, plant := range places {
		t.Run(name, func(t *testing.T) {
			b := workbookOf(t, func(f *excelize.File) {
				put(t, f, "Sheet1", "A1", []any{"成果名称"}, []any{"甲成果"})
				if err := plant(f); err != nil {
					t.Fatal(err)
				}
			})
			_, err := Import(t.Context(), catalog.NewDraft(nil, now), []File{{"a.xlsx", bytes.NewReader(b)}}, Options{Dataset: catalog.Achievements, Publisher: "p"})
			if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "M1") || strings.Contains(err.Error(), mark) && name != "sheet name" {
				t.Errorf("error = %v", err)
			}
		})
	}
}
