// Package demo holds the demonstration release: a catalog invented for Luoyang,
// labeled 示例 wherever it shows. It is built by the same steps as any other
// publication, so that what a first visitor sees is the product at work.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

//go:generate go test . -run ^TestPacked$ -update

//go:embed demo.zip
var archive string

// files are those of this folder.
var files = sync.OnceValue(func() fs.FS { return catalog.Packed(archive) })

// Publisher is the slug under which the demonstration is published.
const Publisher = "luoyang-demo"

// AsOf is the day the demonstration describes; its pages take it for today.
const AsOf catalog.Date = "2026-11-20"

// publishedAt is fixed, so that every node builds the same bytes.
var publishedAt = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// Draft imports the demonstration into a draft that begins a catalog of its own.
// The report tells the outcome of every line.
func Draft(ctx context.Context) (*catalog.Draft, *ingest.Report, error) {
	draft := catalog.NewDraft(nil, publishedAt)
	batches, err := batches()
	if err != nil {
		return nil, nil, err
	}
	report, err := ingest.ImportBatches(ctx, draft, batches, ingest.Options{Publisher: Publisher, Sample: true})
	if err != nil {
		return nil, report, fmt.Errorf("demo: %w", err)
	}
	b, err := fs.ReadFile(files(), "profile.json")
	if err != nil {
		return nil, report, err
	}
	profile, err := ingest.ReadProfile(b)
	if err != nil {
		return nil, report, fmt.Errorf("demo: %w", err)
	}
	if err := ingest.ResolveProfile(draft, Publisher, &profile); err != nil {
		return nil, report, fmt.Errorf("demo: %w", err)
	}
	if err := draft.Describe(profile); err != nil {
		return nil, report, fmt.Errorf("demo: %w", err)
	}
	return draft, report, nil
}

// Build returns the demonstration as a publication, always the same.
func Build(ctx context.Context) (*catalog.Publication, error) {
	draft, _, err := Draft(ctx)
	if err != nil {
		return nil, err
	}
	return draft.Build(ctx, catalog.BuildOptions{AsOf: AsOf, Sample: true})
}

// batches groups the files by dataset: demands.jsonl, or achievements-life.jsonl
// where a dataset has several.
func batches() ([]ingest.Batch, error) {
	names, err := fs.Glob(files(), "*.jsonl")
	if err != nil {
		return nil, err
	}
	var all []ingest.Batch
	for _, file := range names {
		b, err := fs.ReadFile(files(), file)
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(file, ".jsonl"), "-")
		d := catalog.Dataset(name)
		i := slices.IndexFunc(all, func(b ingest.Batch) bool { return b.Dataset == d })
		if i < 0 {
			i = len(all)
			all = append(all, ingest.Batch{Dataset: d})
		}
		all[i].Files = append(all[i].Files, ingest.File{Name: file, Reader: bytes.NewReader(b)})
	}
	return all, nil
}
