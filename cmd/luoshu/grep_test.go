package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/redis/go-redis/v9"
)

// textFiles are the kinds of files in which a node keeps the text of its records.
var textFiles = []string{".csv", ".gz", ".jsonl", ".parquet", ".seg", ".xlsx", ".zst"}

// found returns the kinds of files below dir that hold text, as it is or packed.
func found(t *testing.T, dir, text string) []string {
	t.Helper()
	var kinds []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			var b []byte
			if b, err = os.ReadFile(path); holds(b, text) {
				kinds = append(kinds, filepath.Ext(path))
			}
			if filepath.Ext(path) == ".br" {
				t.Fatalf("%s: what is packed so does not tell", path)
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // it went under our hands
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// holds reports whether b holds text, as it is or packed in one of the ways that tell by
// how they begin: Zstandard, gzip, ZIP (bundles, workbooks) and Parquet.
func holds(b []byte, text string) bool {
	if bytes.Contains(b, []byte(text)) {
		return true
	}
	inner := func(r io.Reader, err error) bool {
		if err != nil {
			return false
		}
		var raw bytes.Buffer
		_, _ = raw.ReadFrom(r) // as far as a file goes that is not finished
		return raw.Len() > 0 && holds(raw.Bytes(), text)
	}
	switch {
	case bytes.HasPrefix(b, []byte("\x28\xb5\x2f\xfd")):
		r, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return false
		}
		defer r.Close()
		return inner(r, nil)
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		return inner(gzip.NewReader(bytes.NewReader(b)))
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		return err == nil && slices.ContainsFunc(z.File, func(f *zip.File) bool { return inner(f.Open()) })
	case bytes.HasPrefix(b, []byte("PAR1")):
		return inParquet(b, text)
	}
	return false
}

// inParquet looks into the values of every column: pages are packed, and dictionaries
// stand apart.
func inParquet(b []byte, text string) bool {
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return false
	}
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		buf := make([]parquet.Row, 64)
		for n, err := rows.ReadRows(buf); n > 0; n, err = rows.ReadRows(buf) {
			for _, row := range buf[:n] {
				for _, v := range row {
					if v.Kind() == parquet.ByteArray && bytes.Contains(v.ByteArray(), []byte(text)) {
						_ = rows.Close()
						return true
					}
				}
			}
			if err != nil {
				break
			}
		}
		_ = rows.Close()
	}
	return false
}

// foundInRedis returns the keys that hold text, or are named by it.
func foundInRedis(t *testing.T, addr, text string) []string {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var held []string
	for _, key := range keys {
		values, err := valuesOf(t.Context(), client, key)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(append(values, key), func(v string) bool { return holds([]byte(v), text) }) {
			held = append(held, key)
		}
	}
	return held
}

// valuesOf returns all that a key holds, of whatever type.
func valuesOf(ctx context.Context, client *redis.Client, key string) ([]string, error) {
	kind, err := client.Type(ctx, key).Result()
	if err != nil {
		return nil, err
	}
	switch kind {
	case "none": // it has just gone
		return nil, nil
	case "string":
		v, err := client.Get(ctx, key).Result()
		return []string{v}, err
	case "set":
		return client.SMembers(ctx, key).Result()
	case "hash":
		var all []string
		fields, err := client.HGetAll(ctx, key).Result()
		for name, v := range fields {
			all = append(all, name, v)
		}
		return all, err
	}
	return nil, errors.New(key + " is of type " + kind + ", which nobody looks into")
}

// TestHolds looks into itself: a search that finds nothing proves nothing.
func TestHolds(t *testing.T) {
	const text = "不该公开"
	var packed, twice bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, strings.Repeat("x", 100)+text)
	_ = z.Close()
	archive := zip.NewWriter(&twice)
	if w, err := archive.Create("a.gz"); err != nil {
		t.Fatal(err)
	} else if _, err := w.Write(packed.Bytes()); err != nil {
		t.Fatal(err)
	}
	_ = archive.Close()
	for name, b := range map[string][]byte{"plain": []byte("a" + text), "gzip": packed.Bytes(), "gzip in ZIP": twice.Bytes()} {
		if !holds(b, text) || holds(b, text+"?") {
			t.Errorf("%s: not found, or what is not there", name)
		}
	}
}
