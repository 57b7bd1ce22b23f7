package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"luoshu/cache"
	"luoshu/catalog"
)

// dataFile returns the file that a flag names, else the one of that name in the data
// directory.
func dataFile(flag, dataDir, name string) string {
	if flag != "" {
		return flag
	}
	return filepath.Join(dataDir, name)
}

// readLines returns what stands in a file of JSON Lines, nothing when there is no file. A
// line that is damaged or not valid is an error: to skip it would change who is trusted
// without a word.
func readLines[T any](path string, valid func(T) bool) ([]T, error) {
	var all []T
	err := eachLine(path, func(n int, line []byte) error {
		var v T
		if err := json.Unmarshal(line, &v); err != nil || !valid(v) {
			return catalog.NewTextError(catalog.ErrDamaged, catalog.Text{ZH: "%s 第 %d 行已损坏", EN: "%s, line %d: damaged"}, path, n)
		}
		all = append(all, v)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return all, err
}

// writeLines replaces such a file, for its owner alone.
func writeLines[T any](path string, all []T) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return cache.Replace(path, func(w io.Writer) error {
		for _, v := range all {
			b, err := json.Marshal(v)
			if err != nil {
				return err
			}
			if _, err := w.Write(append(b, '\n')); err != nil {
				return err
			}
		}
		return nil
	})
}
