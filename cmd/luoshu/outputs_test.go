package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingIsOverwritten: what is written beside a publication never takes the
// place of what was read, nor of one another.
func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	contents := map[string]string{"a.csv": "成果名称\n甲成果\n", "map.json": "{}", "profile.json": "{}", "a.json": "[]"}
	for name, content := range contents {
		if err := os.WriteFile(in(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link.csv")
	if err := os.Symlink(in("a.csv"), link); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"report over an input", []string{"check", in("a.csv"), "--report", in("a.csv")}, "would overwrite an input"},
		{"report over the column map", []string{"check", in("a.csv"), "--columns", in("map.json"), "--report", in("map.json")}, "would overwrite an input"},
		{"report over the profile", []string{"check", in("a.csv"), "--profile", in("profile.json"), "--report", in("profile.json")}, "would overwrite an input"},
		{"proposals over an input", []string{"check", in("a.csv"), "--propose", in("a.csv")}, "would overwrite an input"},
		{"an input under another name", []string{"check", in("a.csv"), "--propose", link}, "would overwrite an input"},
		{"report and proposals in one file", []string{"check", in("a.csv"), "--report", in("new.json"), "--propose", dir + "/./new.json"}, "--report and --propose would write the same file"},
		{"a folder that is not there", []string{"check", in("a.csv"), "--report", in("none/r.html")}, "cannot be written"},
		{"a folder of that name", []string{"check", in("a.csv"), "--propose", dir}, "there is a folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := luoshu(t, t.TempDir(), append(tt.args, "--publisher", "p")...).want(t, exitUsage)
			if !strings.Contains(o.stderr, tt.says) {
				t.Errorf("%q is missing in %s", tt.says, o.stderr)
			}
		})
	}
	for name, content := range contents {
		if b, err := os.ReadFile(in(name)); err != nil || string(b) != content {
			t.Errorf("%s holds %q now: %v", name, b, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != len(contents) {
		t.Errorf("left behind: %v", left)
	}
}

// TestThePublicationIsTold: a report that cannot be written stops a publication
// before it begins; what fails behind it does not hide that it took place.
func TestThePublicationIsTold(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	file, store := write(t, "a.csv", "成果名称\n甲成果\n"), "dir:"+filepath.Join(dir, "s")
	luoshu(t, data, publishArgs(file, store, "--report", filepath.Join(dir, "none", "r.html"))...).want(t, exitUsage)
	luoshu(t, data, "releases", "--source", store).want(t, exitUnavailable)

	if err := os.Symlink(filepath.Join(dir, "none"), filepath.Join(data, "mappings")); err != nil {
		t.Fatal(err)
	}
	args := publishArgs(file, store)
	o := luoshu(t, data, args[:len(args)-1]...).want(t, exitFailed) // without --json
	if !strings.Contains(o.stdout, "release 1 is published") || !strings.Contains(o.stdout, "but something is left to do: the meaning of the columns could not be remembered") {
		t.Errorf("told\n%s", o.stdout)
	}
	luoshu(t, data, "releases", "--source", store).want(t, exitDone)
}
