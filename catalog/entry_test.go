package catalog

import (
	"testing"

	"github.com/go-json-experiment/json"
)

func TestScanEntry(t *testing.T) {
	tests := []struct{ line, id, publisher string }{
		{`{"dataset":"achievements","id":"A3K7M2QG","publisher":"p","source":"s"}`, "A3K7M2QG", "p"},
		{`{"abstract":"\",\"id\":\"B\\","dataset":"achievements","id":"A3K7M2QG","organizations":[{"id":"B0000000","name":"x"}],"trl":7}`, "A3K7M2QG", ""},
		{`{"dataset":"indicators","id":"contract-turnover","target":30}`, "contract-turnover", ""},
		{`{"dataset":"demands","id":"A3K7M2QG"}`, "", ""},
		{`{"id":"A3K7M2QG"}`, "", ""},
		{`{}`, "", ""},
		{`{"id":`, "", ""},
		{`{"dataset":"achievements","id":"A3K7M2QG"`, "", ""},
		{`{"dataset":"achievements","id":"A3K7M2QG","organizations":["`, "", ""},
	}
	for _, tt := range tests {
		e, err := scanEntry([]byte(tt.line))
		if string(e.ID) != tt.id || e.Publisher() != tt.publisher || (err == nil) != (tt.id != "") {
			t.Errorf("scanEntry(%s) = %+v, %v", tt.line, e, err)
		}
	}
}

// FuzzScanEntry compares the scan with a real decoder on everything canonical.
func FuzzScanEntry(f *testing.F) {
	f.Add([]byte(`{"dataset":"achievements","id":"A3K7M2QG","publisher":"p","raw":{"id":"x"},"source":"s","trl":7}`))
	f.Add([]byte(`{"a":[1,{"b":"}"}],"dataset":"indicators","id":"a-b"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, scanErr := scanEntry(b) // must not panic on anything
		var v map[string]any
		if json.Unmarshal(b, &v) != nil {
			return
		}
		canonical, err := Canonical(v)
		if err != nil || string(canonical) != string(b) {
			return
		}
		var want struct {
			ID      ID      `json:"id"`
			Dataset Dataset `json:"dataset"`
		}
		if json.Unmarshal(b, &want) != nil {
			return
		}
		if scanErr == nil && (got.ID != want.ID || got.Dataset != want.Dataset) {
			t.Errorf("scanned %s %s from %s", got.Dataset, got.ID, b)
		}
	})
}
