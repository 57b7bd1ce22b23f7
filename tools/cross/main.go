// Cross checks that the program compiles for systems other than this one: it checks the
// types of the program and of all it is made of, as go list sees them there. That finds
// what a build would find, files that a system lacks and constants that 32 bits cannot
// hold, in seconds and without a compiler for each; make cross builds.
//
//	go -C tools run ./cross linux/arm64 windows/amd64
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// program is what is checked, as seen from this folder.
const program = "../cmd/luoshu"

func main() {
	var group sync.WaitGroup
	failed := make(chan error, len(os.Args))
	for _, target := range os.Args[1:] {
		group.Go(func() {
			if err := check(target); err != nil {
				failed <- fmt.Errorf("%s: %w", target, err)
			}
		})
	}
	group.Wait()
	close(failed)
	code := 0
	for err := range failed {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// listed is a package as go list tells of it.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Module          *struct{ Main bool }
}

// check checks the program for a target, such as linux/arm64.
func check(target string) error {
	system, arch, ok := strings.Cut(target, "/")
	if !ok {
		return errors.New("want SYSTEM/PROCESSOR")
	}
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Module", "./"+filepath.Base(program))
	cmd.Dir = filepath.Dir(program)
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0", "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	known := map[string]*types.Package{"unsafe": types.Unsafe}
	sizes := types.SizesFor("gc", arch)
	var found error
	for in := json.NewDecoder(out); found == nil; { // what is imported comes first
		var p listed
		if err := in.Decode(&p); err != nil {
			if !errors.Is(err, io.EOF) {
				found = err
			}
			break
		}
		if p.ImportPath != "unsafe" {
			known[p.ImportPath], found = p.check(known, sizes)
		}
	}
	_, _ = io.Copy(io.Discard, out)
	return errors.Join(found, cmd.Wait())
}

// check checks a package. What functions of others do is theirs.
func (p listed) check(known map[string]*types.Package, sizes types.Sizes) (*types.Package, error) {
	own := p.Module != nil && p.Module.Main
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	var all []error
	conf := types.Config{
		Importer: importer{known, p.ImportMap}, Sizes: sizes, IgnoreFuncBodies: !own,
		Error: func(err error) { all = append(all, err) },
	}
	pkg, _ := conf.Check(p.ImportPath, set, files, nil)
	return pkg, errors.Join(all...)
}

// importer finds what was checked before.
type importer struct {
	known   map[string]*types.Package
	renamed map[string]string // of what the standard library brings along
}

func (i importer) Import(path string) (*types.Package, error) {
	if to, ok := i.renamed[path]; ok {
		path = to
	}
	if p := i.known[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s is not among what is listed", path)
}
