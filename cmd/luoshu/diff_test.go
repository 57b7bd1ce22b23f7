package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestWhatChanges: check and publish say field by field what a file does to the
// current release, on screen and in the report.
func TestWhatChanges(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	long := strings.Repeat("很长的开头", 20)
	luoshu(t, data, publishArgs(write(t, "a.csv", "source_key,成果名称,简介,登记号\n1,示例甲,"+long+"旧的中段，结尾不变,S-1\n2,示例乙,,\n3,示例丙,,\n"), store)...).want(t, exitDone)
	file := write(t, "a.csv", "source_key,成果名称,简介,登记号\n1,示例甲,"+long+"新的中段，结尾不变,\n2,示例乙,,\n4,示例丁,,\n")
	path := filepath.Join(t.TempDir(), "r.json")
	check := []string{"check", file, "--publisher", "p", "--against", store, "--replace", "--allow-shrink", "--report", path}

	screen := luoshu(t, data, append(check, "--lang", "zh")...).want(t, exitDone).stdout
	for _, want := range []string{
		" 示例丙\n更新 ", " 示例甲\n",
		"\n  简介：…很长的开头很长的开头旧的中段，结尾不变 → …很长的开头很长的开头新的中段，结尾不变\n  登记号：S-1 → ∅\n新增 ",
		" 示例丁\n仅检查",
	} {
		if !strings.Contains(screen, want) {
			t.Errorf("%q is missing in\n%s", want, screen)
		}
	}
	if first := luoshu(t, data, "check", file, "--publisher", "p", "--lang", "zh").want(t, exitDone).stdout; strings.Contains(first, "新增 A") {
		t.Errorf("the first publication is compared with nothing:\n%s", first)
	}
	var r struct {
		Diff []struct {
			ID, Dataset, Title, Change string
			Fields                     []struct {
				Field    string
				Old, New *string
			}
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range r.Diff {
		got = append(got, d.Change+" "+d.Title)
		for _, f := range d.Fields {
			got = append(got, fmt.Sprintf("%s %v", f.Field, f.New == nil))
		}
	}
	if s := strings.Join(got, ", "); s != "withdrawn 示例丙, updated 示例甲, abstract false, registration.number true, added 示例丁" {
		t.Error(s)
	}
}

func TestOnlyTheFirstChangesAreListed(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	luoshu(t, data, publishArgs(write(t, "a.jsonl", rows(1)), store)...).want(t, exitDone)
	o := luoshu(t, data, "check", write(t, "a.jsonl", rows(2)), "--publisher", "p", "--against", store, "--lang", "en").want(t, exitDone)
	if n := strings.Count(o.stdout, "updated A"); n != mostDifferences || !strings.Contains(o.stdout, fmt.Sprintf("… and %d more, see --report", records-mostDifferences)) {
		t.Errorf("%d records listed:\n%s", n, o.stdout)
	}
}

func TestContrast(t *testing.T) {
	tests := []struct{ was, is, before, after string }{
		{"", "甲", "∅", "甲"},
		{"甲", "", "甲", "∅"},
		{"甲", "乙", "甲", "乙"},
		{"一二三四五六七八九十百千甲", "一二三四五六七八九十百千乙", "…三四五六七八九十百千甲", "…三四五六七八九十百千乙"},
		{"甲一二三四五六七八九十百千", "乙一二三四五六七八九十百千", "甲一二三四五六七八九十…", "乙一二三四五六七八九十…"},
		{strings.Repeat("甲", 99), "乙", strings.Repeat("甲", valueShown) + "…", "乙"},
		{"a\nb\x1b[31m", "a c", "a b[31m", "a c"},
	}
	for _, tt := range tests {
		if before, after := contrast(tt.was, tt.is); before != tt.before || after != tt.after {
			t.Errorf("contrast(%q, %q) = %q, %q, want %q, %q", tt.was, tt.is, before, after, tt.before, tt.after)
		}
	}
}
