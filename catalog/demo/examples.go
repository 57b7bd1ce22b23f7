package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"

	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

// Examples returns invented records of dataset d that have, between them, every
// field a publisher can give. They refer to one another across the datasets. The
// error wraps catalog.ErrInvalid for an unknown dataset.
func Examples(d catalog.Dataset) ([]ingest.Example, error) {
	if _, ok := d.Info(); !ok {
		return nil, fmt.Errorf("demo: unknown dataset %q: %w", d, catalog.ErrInvalid)
	}
	b, err := fs.ReadFile(files(), "examples/"+string(d)+".jsonl")
	if err != nil {
		return nil, err
	}
	var examples []ingest.Example
	for line := range bytes.Lines(b) {
		var named struct {
			Key string `json:"source_key"`
		}
		if err := json.Unmarshal(line, &named); err != nil {
			return nil, fmt.Errorf("demo: example %d of %s: %w", len(examples)+1, d, err)
		}
		record, err := catalog.Decode(d, line)
		if err != nil {
			return nil, fmt.Errorf("demo: example %d of %s: %w", len(examples)+1, d, err)
		}
		examples = append(examples, ingest.Example{Key: named.Key, Record: record})
	}
	return examples, nil
}

// Titles returns the titles of the examples of d.
func Titles(d catalog.Dataset) ([]string, error) {
	examples, err := Examples(d)
	titles := make([]string, len(examples))
	for i, e := range examples {
		titles[i] = e.Record.Head().Title
	}
	return titles, err
}
