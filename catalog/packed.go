package catalog

import (
	"archive/zip"
	"io/fs"
	"strings"
)

// Packed opens files that a program has embedded as a zip archive, which takes a quarter
// of the room. A broken one is a broken build: it panics, and a test says so.
func Packed(archive string) fs.FS {
	r, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		panic(err)
	}
	return r
}
