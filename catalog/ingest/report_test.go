package ingest

import (
	"strings"
	"testing"

	"luoshu/catalog"
)

// TestReportForASpreadsheet: Excel knows its encoding, and computes nothing that a
// file names.
func TestReportForASpreadsheet(t *testing.T) {
	var b strings.Builder
	r := &Report{}
	for _, name := range []string{`=HYPERLINK("https://example.com")`, "+1", "-1", "@SUM(1)", "\tx", "\rx", "成果名称"} {
		r.add("=a.csv", "", 2, Held, "", []finding{{name, "M3", "说明", "message"}})
	}
	must(t, r.WriteCSV(&b))
	text, marked := strings.CutPrefix(b.String(), "\ufeff")
	if !marked {
		t.Error("no byte order mark")
	}
	for line := range strings.Lines(text) {
		for cell := range strings.SplitSeq(line, ",") {
			if cell = strings.TrimPrefix(cell, `"`); cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("%q would be computed, in %q", cell, line)
			}
		}
	}
	if !strings.Contains(text, "'+1,held") || !strings.Contains(text, ",成果名称,held") {
		t.Errorf("names are not told as they are:\n%s", text)
	}
}

// TestColumnNames: people look for a column under the name it has in their file.
func TestColumnNames(t *testing.T) {
	f, _ := catalog.LookupField(catalog.Achievements, "completed_on")
	tests := []struct{ header, want string }{
		{"成果名称,完成日期", "完成日期"},
		{"成果名称,完成时间", "完成时间"},
		{"成果名称,completed_on", f.Label.ZH},
		{"成果名称,完成日期,完成时间", f.Label.ZH},
	}
	for _, tt := range tests {
		r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", tt.header+"\n甲成果,\n"), Options{})
		if got := r.ColumnName(Line{File: "a.csv", Column: "completed_on"}, "zh"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.header, got, tt.want)
		}
		if got := r.ColumnName(Line{File: "a.csv", Column: "我们的列"}, "zh"); got != "我们的列" {
			t.Errorf("an unknown column is called %q", got)
		}
	}
}
