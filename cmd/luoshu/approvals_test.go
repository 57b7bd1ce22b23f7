package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const heldRow = "成果名称,简介\n甲成果,摘自内部资料\n"

// TestApprovalsOfWhatIsPublic: a decision about a record that is public already is
// remembered and accounted for, though nothing is published.
func TestApprovalsOfWhatIsPublic(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	file := write(t, "a.csv", heldRow)
	approve := []string{"--approve", "M3:2", "--approved-by", "Another", "--because", "已公开出版"}
	luoshu(t, data, publishArgs(file, store, approve...)...).want(t, exitDone)
	if err := os.Remove(filepath.Join(data, "approvals.jsonl")); err != nil {
		t.Fatal(err)
	}
	luoshu(t, data, publishArgs(file, store)...).want(t, exitRefused)
	if r := luoshu(t, data, publishArgs(file, store, approve...)...).want(t, exitDone).report(t); r.Totals.Unchanged != 1 || r.Release != nil {
		t.Fatalf("%+v", r)
	}
	audit, err := os.ReadFile(filepath.Join(data, "audit.jsonl"))
	if n := strings.Count(string(audit), `"state":"approved"`); err != nil || n != 1 || strings.Count(string(audit), `"approved_by":"Another"`) != 2 || strings.Count(string(audit), `"rules":`) != 2 {
		t.Errorf("%d decisions stand alone in the audit record: %v\n%s", n, err, audit)
	}
	luoshu(t, data, publishArgs(file, store)...).want(t, exitDone)
}

// TestApprovalsHoldNothingToGuess: a short text could be found again by its hash.
func TestApprovalsHoldNothingToGuess(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	report, page := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	file, store := write(t, "甲15400000000.csv", heldRow), "dir:"+filepath.Join(dir, "s")
	approve := []string{"--approve", "M3:2", "--approved-by", "Another", "--because", "已公开出版"}
	luoshu(t, data, append([]string{"check", file, "--publisher", "p", "--report", page}, approve...)...).want(t, exitDone)
	if left, _ := os.ReadDir(data); len(left) > 0 {
		t.Errorf("check left %v", left)
	}
	luoshu(t, data, publishArgs(file, store, append(approve, "--report", report)...)...).want(t, exitDone)

	sum := sha256.Sum256([]byte("摘自内部资料"))
	for _, name := range []string{filepath.Join(data, "approvals.jsonl"), filepath.Join(data, "audit.jsonl"), report, page} {
		b, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(b), hex.EncodeToString(sum[:])) {
			t.Errorf("%s: %v %s", name, err, b)
		}
		if strings.Contains(string(b), "15400000000") {
			t.Errorf("%s holds the number in the name of the file", name)
		}
		if kept := strings.Contains(string(b), `"hash"`); kept != strings.HasSuffix(name, "approvals.jsonl") {
			t.Errorf("%s holds a hash: %t", name, kept)
		}
	}
	if info, err := os.Stat(filepath.Join(data, "approvals.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
	// Another machine has another key: its approvals are its own.
	luoshu(t, data, publishArgs(file, store)...).want(t, exitDone)
	if err := os.WriteFile(filepath.Join(data, "approvals.key"), []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	luoshu(t, data, publishArgs(file, store)...).want(t, exitRefused)
	if err := os.WriteFile(filepath.Join(data, "approvals.key"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	luoshu(t, data, publishArgs(file, store)...).want(t, exitFailed)
}

// TestHowToApprove: one row, named so that no other can be meant.
func TestHowToApprove(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	a, b := filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.csv")
	for _, name := range []string{a, b} {
		if err := os.WriteFile(name, []byte(strings.Replace(heldRow, "甲成果", filepath.Base(name), 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	id := luoshu(t, data, "check", a, b, "--publisher", "p", "--json").want(t, exitRefused).report(t).Rows[0].ID
	tests := []struct {
		approve string
		code    int
		says    string
	}{
		{"M3:2", exitRefused, "more than one row; name one of them: M3:" + id},
		{"M3:" + id, exitDone, `"file": "a.csv"`},
		{"M3:" + strings.ToLower(id), exitDone, `"file": "a.csv"`},
		{"M3:b.csv!2", exitDone, `"file": "b.csv"`},
		{"M3:b.csv!2,3", exitRefused, "M3:b.csv!3: M3 holds no such row"},
		{"M3:c.csv!2", exitRefused, "holds no such row"},
		{"M3:99", exitRefused, "holds no such row"},
		{"M3:0", exitUsage, "neither a row nor an identifier"},
		{"M3:A3K7M2QH", exitUsage, "neither a row nor an identifier"},
		{"M1:2", exitUsage, "a rule that holds rows"},
		{"M3", exitUsage, "RULE:FILE/SHEET!ROW"},
	}
	for _, tt := range tests {
		t.Run(tt.approve, func(t *testing.T) {
			store := "dir:" + filepath.Join(t.TempDir(), "s")
			o := luoshu(t, t.TempDir(), publishArgs(a, store, b, "--approve", tt.approve, "--approved-by", "Another", "--because", "已公开出版")...).want(t, tt.code)
			if !strings.Contains(o.stdout+o.stderr, tt.says) {
				t.Errorf("%q is missing in\n%s%s", tt.says, o.stdout, o.stderr)
			}
			if tt.code != exitDone {
				luoshu(t, t.TempDir(), "releases", "--source", store).want(t, exitUnavailable)
			}
		})
	}
}

// TestScreenSaysWhich: which release, by which edition of the rules.
func TestScreenSaysWhich(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	file := write(t, "a.csv", heldRow)
	luoshu(t, data, publishArgs(file, store, "--approve", "M3:2", "--approved-by", "Another", "--because", "已公开出版")...).want(t, exitDone)
	luoshu(t, data, publishArgs(write(t, "b.csv", "成果名称,简介\n乙成果,\n"), store)...).want(t, exitDone)
	for which, want := range map[string]string{"current": "release 2, 2 records, rules edition ", "2": "release 2, ", "1": "release 1, 1 records"} {
		if o := luoshu(t, data, "screen", "--source", store, "--release", which).want(t, exitDone); !strings.HasPrefix(o.stdout, want) {
			t.Errorf("--release %s: %s", which, o.stdout)
		}
	}
	if o := luoshu(t, t.TempDir(), "screen", "--source", store).want(t, exitRefused); !strings.HasPrefix(o.stdout, "release 2") || !strings.Contains(o.stdout, "abstract M3") {
		t.Error(o.stdout)
	}
	luoshu(t, data, "screen", "--source", store, "--release", "7").want(t, exitUsage)
	luoshu(t, data, "screen", "--source", store, "--release", "x").want(t, exitUsage)
}
