package catalogtest

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"luoshu/catalog"
)

// Packed holds the archive called name to the files it is made of, those of the package's
// folder that match patterns. With update it is written anew first.
func Packed(t *testing.T, update bool, name string, patterns ...string) {
	t.Helper()
	var files []string
	for _, p := range patterns {
		matches, err := filepath.Glob(p)
		if err != nil || len(matches) == 0 {
			t.Fatalf("%s: no files (%v)", p, err)
		}
		files = append(files, matches...)
	}
	slices.Sort(files)
	if update {
		if err := os.WriteFile(name, pack(t, files), 0o644); err != nil { //nolint:gosec // a file of the source
			t.Fatal(err)
		}
	}
	archive, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	packed := catalog.Packed(string(archive))
	var held []string
	_ = fs.WalkDir(packed, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			held = append(held, path)
		}
		return err
	})
	if !slices.Equal(held, files) {
		t.Fatalf("%s holds %v, the folder %v: run go generate", name, held, files)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fs.ReadFile(packed, file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s in %s is not as it is in the folder (%v): run go generate", file, name, err)
		}
	}
}

func pack(t *testing.T, files []string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.Create(filepath.ToSlash(file)) // without a time, so that the archive is reproducible
		if err == nil {
			_, err = io.Copy(f, bytes.NewReader(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
