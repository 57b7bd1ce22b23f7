package main

import (
	"bytes"
	"os"
	"testing"
)

// TestAuditIsCut cuts the audit record within its last line, at every byte: what was
// recalled before stays remembered, and so does what is recalled after.
func TestAuditIsCut(t *testing.T) {
	dir := t.TempDir()
	recalled := func(seq int64) {
		t.Helper()
		if err := writeAudit(dir, auditLine{State: "published", Store: "s", Sequence: seq, Recalled: []string{"A3K7M2QG"}}); err != nil {
			t.Fatal(err)
		}
	}
	recalled(4)
	recalled(7)
	whole, err := os.ReadFile(auditPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(whole, '\n') + 1
	for n := first; n <= len(whole); n++ {
		if err := os.WriteFile(auditPath(dir), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := int64(4)
		if n >= len(whole)-1 { // all but the end of the line
			want = 7
		}
		if got := auditedPast(dir, "s").recall; got != want {
			t.Fatalf("cut at %d of %d: release %d is remembered, want %d", n, len(whole), got, want)
		}
		recalled(9)
		if got := auditedPast(dir, "s").recall; got != 9 {
			t.Fatalf("cut at %d of %d: what came after is lost, release %d is remembered", n, len(whole), got)
		}
	}
}
