package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/xuri/excelize/v2"
)

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	good := write(t, "a.csv", "成果名称\n甲成果\n")
	tests := []struct {
		name string
		args []string
		code int
		says string // in stdout or stderr
	}{
		{"help", nil, exitDone, "exit codes"},
		{"limits of check", []string{"check", "--help"}, exitDone, "64 MiB a workbook"},
		{"limits of publish in Chinese", []string{"publish", "--help"}, exitDone, "限制（解析之前检查）"},
		{"version", []string{"version"}, exitDone, "release format 1"},
		{"unknown command", []string{"publsh"}, exitUsage, "publish"},
		{"unknown flag", []string{"serve", "--adr", "x"}, exitUsage, "--addr"},
		{"no store", []string{"publish", good, "--publisher", "p", "--reviewed-by", "A", "--reviewed-on", "2026-11-20"}, exitUsage, "--to is missing"},
		{"no review", []string{"publish", good, "--publisher", "p", "--to", "dir:" + t.TempDir()}, exitUsage, "--reviewed-by"},
		{"no publisher", []string{"check", good}, exitUsage, "--publisher"},
		{"unknown dataset", []string{"check", good, "--publisher", "p", "--dataset", "achievement"}, exitUsage, "achievements, demands"},
		{"no file", []string{"check", filepath.Join(dir, "none.csv"), "--publisher", "p"}, exitUsage, "none.csv"},
		{"unreadable file", []string{"check", write(t, "a.csv", "\"x"), "--publisher", "p"}, exitRefused, "a.csv"},
		{"unreadable file in Chinese", []string{"check", write(t, "a.csv", "\"x"), "--publisher", "p", "--lang", "zh"}, exitRefused, "引号不成对"},
		{"marked line above the table", []string{"check", write(t, "a.csv", "示例（机密★）,\n成果名称,完成单位\n甲成果,\n"), "--publisher", "p", "--lang", "zh"}, exitRefused, "a.csv：表外单元格 A1：含有国家秘密标志"},
		{"marked file name", []string{"check", write(t, "机密★.csv", "成果名称\n甲成果\n"), "--publisher", "p", "--lang", "en"}, exitRefused, "luoshu: the name of file 1: bears the mark of a state secret (m1). the file was not read"},
		{"strange store", []string{"releases", "--source", "ftp://x"}, exitUsage, "redis://"},
		{"empty store", []string{"releases", "--source", "dir:" + t.TempDir()}, exitUnavailable, "no release"},
		{"dead store", []string{"releases", "--source", "redis://" + freeAddress(t) + "/0"}, exitUnavailable, "refused"},
		{"rollback to nothing", []string{"rollback", "x", "--to", "dir:" + t.TempDir()}, exitUsage, "sequence number"},
		{"review in the future", []string{"publish", good, "--publisher", "p", "--to", "dir:" + t.TempDir(), "--reviewed-by", "A", "--reviewed-on", "2199-01-01"}, exitUsage, "future"},
		{"successor alone", []string{"publish", good, "--publisher", "p", "--to", "dir:" + t.TempDir(), "--reviewed-by", "A", "--reviewed-on", "2026-11-20", "--successor", "A3K7M2QG"}, exitUsage, "--withdraw"},
		{"nothing to publish", []string{"check", write(t, "a.csv", "成果名称\n,\n"), "--publisher", "p"}, exitDone, "0 rows"},
		{"all refused", []string{"check", write(t, "a.csv", "成果名称,简介\n,x\n"), "--publisher", "p"}, exitRefused, "no row"},
		{"language", []string{"version", "--lang", "klingon"}, exitUsage, "zh or en"},
		{"withdraw without reason", []string{"publish", "--to", "dir:" + t.TempDir(), "--publisher", "p", "--withdraw", "A3K7M2QG"}, exitUsage, "--reason"},
		{"withdraw a mistyped code", []string{"publish", "--to", "dir:" + t.TempDir(), "--publisher", "p", "--withdraw", "A3K7M2QH", "--reason", "x"}, exitUsage, "check character"},
		{"check alone", []string{"check", good, "--publisher", "p"}, exitDone, "nothing published"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := luoshu(t, dir, tt.args...).want(t, tt.code)
			if all := strings.ToLower(o.stdout + o.stderr); !strings.Contains(all, strings.ToLower(tt.says)) {
				t.Errorf("says\n%s\nwithout %q", all, tt.says)
			}
		})
	}
}

// report is what check and publish print with --json.
type report struct {
	Totals struct{ Read, Published, Unchanged, Held, Refused, Redacted int }
	Rows   []struct {
		File, Column, Outcome, Rule, Message string
		Row                                  int
		ID                                   string
	}
	Release *struct {
		Sequence int64
		Records  int
	}
	Objects int
}

func (o outcome) report(t testing.TB) report {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(o.stdout), &r, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v in %s", err, o.stdout)
	}
	return r
}

// TestALifeOfACatalog publishes, publishes again, changes a row, withdraws,
// restores and rolls back.
func TestALifeOfACatalog(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	publish := func(content string, more ...string) report {
		t.Helper()
		return luoshu(t, data, publishArgs(write(t, "a.csv", content), store, more...)...).want(t, exitDone).report(t)
	}
	const three = "source_key,成果名称\n1,甲成果\n2,乙成果\n3,丙成果\n"
	first := publish(three)
	if first.Totals.Published != 3 || first.Release.Sequence != 1 || len(first.Rows) != 3 {
		t.Fatalf("first publication: %+v", first)
	}
	if again := publish(three); again.Totals.Unchanged != 3 || again.Release != nil {
		t.Errorf("the same again: %+v", again)
	}
	changed := publish(strings.Replace(three, "乙成果", "乙成果（改）", 1))
	if changed.Totals.Published != 1 || changed.Totals.Unchanged != 2 || changed.Objects != 1 || changed.Release.Sequence != 2 {
		t.Errorf("one row changed: %+v", changed)
	}
	for i := range 3 {
		if changed.Rows[i].ID != first.Rows[i].ID {
			t.Errorf("row %d was %s and became %s", i, first.Rows[i].ID, changed.Rows[i].ID)
		}
	}
	id := first.Rows[2].ID
	luoshu(t, data, "publish", "--to", store, "--publisher", "p", "--withdraw", id, "--reason", "已转让").want(t, exitDone)
	if r := publish(three); r.Totals.Refused != 1 || r.Rows[2].Rule != "withdrawn" {
		t.Errorf("a withdrawn row returns: %+v", r)
	}
	if r := publish(three, "--restore", id); r.Release.Records != 3 {
		t.Errorf("restored: %+v", r)
	}
	luoshu(t, data, "rollback", "1", "--to", store).want(t, exitDone)
	out := luoshu(t, data, "releases", "--source", store).want(t, exitDone)
	if n := strings.Count(out.stdout, "\n"); n != 6 || !strings.HasPrefix(out.stdout, "* release 6") {
		t.Errorf("releases:\n%s", out.stdout)
	}
	luoshu(t, data, publishArgs(write(t, "a.csv", "source_key,成果名称\n1,甲成果\n"), store, "--replace")...).want(t, exitRefused)
	luoshu(t, data, publishArgs(write(t, "a.csv", "source_key,成果名称\n1,甲成果\n"), store, "--replace", "--allow-shrink")...).want(t, exitDone)
	luoshu(t, data, "gc", "--to", store, "--keep", "2").want(t, exitDone)
	out = luoshu(t, data, "releases", "--source", store).want(t, exitDone)
	if n := strings.Count(out.stdout, "\n"); n != 2 {
		t.Errorf("after gc:\n%s", out.stdout)
	}
	audit, err := os.ReadFile(filepath.Join(data, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(audit), "\n"); n != 14 || strings.Count(string(audit), `"state":"published"`) != 7 || !strings.Contains(string(audit), `"reviewed_by":"Example"`) || !strings.Contains(string(audit), `"sha256":"`) {
		t.Errorf("audit record of %d lines:\n%s", n, audit)
	}
	if strings.Contains(string(audit), "甲成果") {
		t.Error("the audit record holds text of the files")
	}
}

func TestBundleAndSync(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	a, b, bundle := "dir:"+filepath.Join(dir, "a"), "dir:"+filepath.Join(dir, "b"), filepath.Join(dir, "c.luoshu")
	luoshu(t, data, publishArgs(write(t, "a.csv", "成果名称\n甲成果\n乙成果\n"), a)...).want(t, exitDone)
	luoshu(t, data, "export", "--source", a, "--bundle", bundle).want(t, exitDone)
	luoshu(t, data, "sync", "--from", bundle, "--to", b).want(t, exitDone)
	want := luoshu(t, data, "releases", "--source", a, "--json").want(t, exitDone).stdout
	for _, store := range []string{b, bundle} {
		if got := luoshu(t, data, "releases", "--source", store, "--json").want(t, exitDone).stdout; got != want {
			t.Errorf("%s holds\n%s\nwant\n%s", store, got, want)
		}
	}
	luoshu(t, data, publishArgs(write(t, "a.csv", "成果名称\n丙成果\n"), a)...).want(t, exitDone)
	if o := luoshu(t, data, "sync", "--from", bundle, "--to", a); o.code == exitDone {
		t.Error("sync moved a store backwards")
	}
}

// TestNothingWithoutAudit: a publication that could not be accounted for does not
// take place.
func TestNothingWithoutAudit(t *testing.T) {
	store := "dir:" + filepath.Join(t.TempDir(), "s")
	notADirectory := write(t, "file", "x")
	luoshu(t, notADirectory, publishArgs(write(t, "a.csv", "成果名称\n甲成果\n"), store)...).want(t, exitFailed)
	luoshu(t, t.TempDir(), "releases", "--source", store).want(t, exitUnavailable)
}

func TestTheDemonstrationIsNotBuiltOn(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	luoshu(t, data, "demo", "--to", store).want(t, exitDone)
	luoshu(t, data, "demo", "--to", store).want(t, exitDone)
	luoshu(t, data, publishArgs(write(t, "a.csv", "成果名称\n甲成果\n"), store)...).want(t, exitRefused)
}

// TestWhatMustGoIsSaid: the operator cannot overlook that a secret is still shown.
func TestWhatMustGoIsSaid(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	const header = "成果名称,密级\n乙成果,公开\n"
	luoshu(t, data, publishArgs(write(t, "a.csv", header+"甲成果,公开\n"), store)...).want(t, exitDone)
	o := luoshu(t, data, publishArgs(write(t, "a.csv", header+"甲成果,机密\n"), store)...).want(t, exitRefused)
	if !strings.Contains(o.stderr, "still is; withdraw") || !strings.Contains(o.stdout, "still_public") {
		t.Errorf("%s%s", o.stdout, o.stderr)
	}
}

// TestASecondPerson: what is held is published once another person says so, is
// remembered, and is accounted for without its text.
func TestASecondPerson(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	file := write(t, "a.csv", "成果名称,简介\n甲成果,摘自内部资料\n乙成果,无\n")
	if r := luoshu(t, data, publishArgs(file, store)...).want(t, exitDone).report(t); r.Totals.Held != 1 || r.Release.Records != 1 {
		t.Fatalf("%+v", r)
	}
	approve := []string{"--approve", "M3:2", "--because", "已公开出版"}
	luoshu(t, data, publishArgs(file, store, approve...)...).want(t, exitUsage)
	luoshu(t, data, publishArgs(file, store, append(approve, "--approved-by", "Example")...)...).want(t, exitUsage)
	if r := luoshu(t, data, publishArgs(file, store, append(approve, "--approved-by", "Another")...)...).want(t, exitDone).report(t); r.Totals.Held != 0 || r.Release.Records != 2 {
		t.Fatalf("%+v", r)
	}
	if r := luoshu(t, data, publishArgs(file, store)...).want(t, exitDone).report(t); r.Totals.Unchanged != 2 {
		t.Errorf("not remembered: %+v", r)
	}
	luoshu(t, data, "screen", "--source", store).want(t, exitDone)
	luoshu(t, t.TempDir(), "screen", "--source", store).want(t, exitRefused)
	for _, name := range []string{"audit.jsonl", "approvals.jsonl"} {
		b, err := os.ReadFile(filepath.Join(data, name))
		if err != nil || !strings.Contains(string(b), `"approved_by":"Another"`) || strings.Contains(string(b), "内部资料") {
			t.Errorf("%s: %v %s", name, err, b)
		}
	}
}

func TestReportFiles(t *testing.T) {
	data := t.TempDir()
	file := write(t, "a.csv", "成果名称\n甲成果\n甲成果\n")
	for _, name := range []string{"r.csv", "r.json", "r.html"} {
		path := filepath.Join(t.TempDir(), name)
		luoshu(t, data, "check", file, "--publisher", "p", "--report", path).want(t, exitDone)
		if b, err := os.ReadFile(path); err != nil || !strings.Contains(string(b), "duplicate_row") {
			t.Errorf("%s: %v %s", name, err, b)
		}
	}
	luoshu(t, data, "check", file, "--publisher", "p", "--report", filepath.Join(t.TempDir(), "r.doc")).want(t, exitUsage)
	luoshu(t, data, "check", file, "--publisher", "p", "--report", file).want(t, exitUsage)
	if b, err := os.ReadFile(file); err != nil || len(b) == 0 {
		t.Errorf("the input is gone: %v", err)
	}
}

// TestFromTheTemplate fills the template in wrongly, gets it back with comments,
// and publishes it corrected.
func TestFromTheTemplate(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	template, wrong, fixed := filepath.Join(dir, "t.xlsx"), filepath.Join(dir, "w.xlsx"), filepath.Join(dir, "f.xlsx")
	luoshu(t, data, "template", "policies", "--out", template).want(t, exitDone)
	luoshu(t, data, "template", "policies", "--out", template).want(t, exitUsage)
	luoshu(t, data, "template", "policy", "--out", filepath.Join(dir, "n.xlsx")).want(t, exitUsage)
	luoshu(t, data, "template", "policies", "--out", filepath.Join(dir, "n.csv")).want(t, exitUsage)
	luoshu(t, data, "template", "policies").want(t, exitUsage)

	title := cellUnder(t, template, "政策", "名称*")
	edit(t, template, wrong, "政策", map[string]string{title: ""})
	o := luoshu(t, data, "check", wrong, "--dataset", "policies", "--publisher", "p", "--fixed", fixed).want(t, exitRefused)
	if !strings.Contains(o.stdout, "cells are marked in "+fixed) {
		t.Error(o.stdout)
	}
	luoshu(t, data, "check", wrong, "--dataset", "policies", "--publisher", "p", "--fixed", fixed).want(t, exitUsage)
	f, err := excelize.OpenFile(fixed)
	if err != nil {
		t.Fatal(err)
	}
	comments, err := f.GetComments("政策")
	if err != nil || !slices.ContainsFunc(comments, func(c excelize.Comment) bool { return c.Cell == title }) {
		t.Errorf("no comment at %s: %+v, %v", title, comments, err)
	}
	_ = f.Close()

	corrected := filepath.Join(dir, "c.xlsx")
	edit(t, fixed, corrected, "政策", map[string]string{title: "改好的名称（示例）"})
	store := "dir:" + filepath.Join(dir, "s")
	r := luoshu(t, data, publishArgs(corrected, store, "--dataset", "policies")...).want(t, exitDone).report(t)
	// The other example has not been written over.
	if r.Totals.Published != 1 || r.Totals.Refused != 1 || r.Rows[len(r.Rows)-1].Rule != "example" || r.Release.Records != 1 {
		t.Errorf("%+v", r)
	}

	// As it is, a template says nothing, and nothing is learned from it.
	luoshu(t, t.TempDir(), publishArgs(template, "dir:"+filepath.Join(dir, "n"), "--dataset", "policies")...).want(t, exitRefused)
	sampled, invented := t.TempDir(), "dir:"+filepath.Join(dir, "i")
	luoshu(t, sampled, publishArgs(template, invented, "--dataset", "policies", "--sample")...).want(t, exitDone)
	if _, err := os.Stat(filepath.Join(sampled, "mappings")); err == nil {
		t.Error("the columns of a sample are remembered")
	}
	lines := filepath.Join(dir, "lines.jsonl")
	luoshu(t, sampled, "export", "--source", invented, "--dataset", "policies", "--lines", lines).want(t, exitDone)
	if b, err := os.ReadFile(lines); err != nil || strings.Count(string(b), `"sample":true`) != 2 {
		t.Errorf("%v %s", err, b)
	}
}

// cellUnder returns the first cell below a header in row 1.
func cellUnder(t *testing.T, book, sheet, header string) string {
	t.Helper()
	f, err := excelize.OpenFile(book)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	at, err := f.SearchSheet(sheet, header)
	if err != nil || len(at) != 1 {
		t.Fatalf("%q is at %v: %v", header, at, err)
	}
	return strings.TrimSuffix(at[0], "1") + "2"
}

// edit saves a workbook under another name with other texts in some cells.
func edit(t *testing.T, book, as, sheet string, cells map[string]string) {
	t.Helper()
	f, err := excelize.OpenFile(book)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for cell, text := range cells {
		if err := f.SetCellStr(sheet, cell, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(as); err != nil {
		t.Fatal(err)
	}
}

func TestFixedFiles(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	table, lines := write(t, "a.csv", "成果名称,简介\n甲成果,\n,x\n"), write(t, "a.jsonl", `{"title":"甲成果"}`)
	fixed := filepath.Join(dir, "f.xlsx")
	check := func(code int, args ...string) {
		t.Helper()
		luoshu(t, data, append([]string{"check", "--publisher", "p"}, args...)...).want(t, code)
	}
	check(exitUsage, lines, "--fixed", fixed)
	check(exitUsage, table, lines, "--fixed", fixed)
	check(exitUsage, table, "--fixed", filepath.Join(dir, "f.csv"))
	check(exitUsage, table, "--fixed", table)
	check(exitRefused, write(t, "b.csv", "成果名称\n\"x"), "--fixed", fixed)
	check(exitUsage, table, "--fixed", filepath.Join(dir, "none", "f.xlsx"))
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%s is left behind", left[0].Name())
	}
	check(exitDone, table, "--fixed", fixed)
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != "f.xlsx" {
		t.Errorf("%v", left)
	}
}

func TestMessagesInChinese(t *testing.T) {
	o := luoshu(t, t.TempDir(), "check", write(t, "a.csv", "成果名称,联系人\n甲成果,\n"), "--publisher", "p", "--lang", "zh").want(t, exitDone)
	for _, s := range []string{"读取 1 行", "从不公开，已丢弃", "未发布"} {
		if !strings.Contains(o.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, o.stdout)
		}
	}
}
