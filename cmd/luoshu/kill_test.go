package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"luoshu/cache"
	"luoshu/catalog"
)

// TestKilledPublications kills publish at a random moment, a hundred times for
// each kind of store, while a reader loads whatever is current. The reader must
// never see anything but one whole round, never go backwards, and the publication
// after the last kill must succeed.
func TestKilledPublications(t *testing.T) {
	// Building is no part of the time that a publication takes.
	if _, err := build(); err != nil {
		t.Fatal(err)
	}
	kills := 100
	if testing.Short() {
		kills = 10
	}
	stores := map[string]func(t *testing.T) string{
		"directory": func(t *testing.T) string { return "dir:" + filepath.Join(t.TempDir(), "store") },
		"redis": func(t *testing.T) string {
			addr, _ := redisServer(t)
			return "redis://" + addr + "/0"
		},
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) { killPublications(t, store(t), kills) })
	}
}

func killPublications(t *testing.T, spec string, kills int) {
	data := t.TempDir()
	luoshu(t, data, publishArgs(write(t, "0.jsonl", rows(0)), spec)...).want(t, exitDone)

	ctx, stop := context.WithCancel(t.Context())
	var reader sync.WaitGroup
	var loads int
	reader.Go(func() { loads = readWhole(ctx, t, spec) })
	defer reader.Wait()
	defer stop()

	// The longest a publication takes here, so that kills fall all along it.
	start := time.Now()
	last := write(t, "1.jsonl", rows(1))
	if out, err := program(ctx, t, append(publishArgs(last, spec), "--data-dir", data)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)

	killed := 0
	for i := range kills {
		file := write(t, "next.jsonl", rows(i+2))
		cmd := program(ctx, t, append(publishArgs(file, spec), "--data-dir", data)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole + whole/10))
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
	}
	out := luoshu(t, data, publishArgs(write(t, "end.jsonl", rows(kills+2)), spec)...).want(t, exitDone)
	if !strings.Contains(out.stdout, `"published": 400`) {
		t.Errorf("the publication after the kills says %s", out.stdout)
	}
	luoshu(t, data, "gc", "--to", spec).want(t, exitDone)
	stop()
	reader.Wait()
	if loads == 0 || killed == 0 {
		t.Errorf("%d loads, %d of %d killed: the test saw nothing", loads, killed, kills)
	}
	t.Logf("%d of %d publications killed under way, %d releases read", killed, kills, loads)
}

// readWhole loads the current release again and again until ctx ends and checks
// that each is whole and none older than the one before.
func readWhole(ctx context.Context, t *testing.T, spec string) (loads int) {
	store, err := cache.Open(ctx, spec)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer func() { _ = store.Close() }()
	var last int64
	for ; ctx.Err() == nil; loads++ {
		p, err := store.Current(ctx)
		if err != nil {
			if ctx.Err() == nil {
				t.Errorf("the pointer cannot be read: %v", err)
			}
			return loads
		}
		if p.Sequence < last {
			t.Errorf("went back from release %d to %d", last, p.Sequence)
		}
		last = p.Sequence
		r, err := cache.Load(ctx, store, p)
		if ctx.Err() != nil {
			return loads
		}
		if err != nil {
			t.Errorf("release %d: %v", p.Sequence, err)
			return loads
		}
		if err := oneRound(r); err != nil {
			t.Errorf("release %d: %v", p.Sequence, err)
			return loads
		}
	}
	return loads
}

func oneRound(r *catalog.Release) error {
	if len(r.Entries) != records {
		return fmt.Errorf("%d records, not %d", len(r.Entries), records)
	}
	round := ""
	for _, e := range r.Entries {
		record, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			return err
		}
		of, _, _ := strings.Cut(record.Head().Abstract, " ")
		if round == "" {
			round = of
		}
		if of != round {
			return errors.New("records of two rounds")
		}
	}
	return nil
}

// TestInterruptedPublications ends publish as Ctrl-C does, at moments all along it.
// Either the whole release is published or nothing is, and no file is left but what
// was asked for.
func TestInterruptedPublications(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	// More texts than are held in memory, so that they go to a temporary file.
	book := filepath.Join(t.TempDir(), "目录.xlsx")
	writeWorkbook(t, book, 6000)
	folder := t.TempDir()
	publish := func(i int, interrupt time.Duration) (code int, took time.Duration) {
		t.Helper()
		home, temp, out := filepath.Join(folder, fmt.Sprint("store", i)), t.TempDir(), t.TempDir()
		cmd := program(t.Context(), t, append(publishArgs(book, "dir:"+home),
			"--data-dir", t.TempDir(), "--report", filepath.Join(out, "report.json"))...)
		cmd.Env = append(cmd.Environ(), "TMPDIR="+temp)
		start := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if interrupt > 0 {
			time.Sleep(interrupt)
			_ = cmd.Process.Signal(os.Interrupt)
		}
		_ = cmd.Wait()
		took = time.Since(start)
		for _, dir := range []string{temp, out, home} {
			_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() && (dir == temp || strings.HasPrefix(e.Name(), ".") && e.Name() != ".lock") {
					t.Errorf("interrupted after %s: %s is left", interrupt, path)
				}
				return nil
			})
		}
		return cmd.ProcessState.ExitCode(), took
	}
	code, whole := publish(0, 0)
	if code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	stopped := 0
	for i := range rounds {
		code, _ := publish(i+1, 100*time.Millisecond+rand.N(whole))
		home := filepath.Join(folder, fmt.Sprint("store", i+1))
		if _, err := os.Stat(home); code == -1 && errors.Is(err, fs.ErrNotExist) {
			continue // the signal met a program that did not listen yet, and had done nothing
		}
		spec := "dir:" + home
		store, err := cache.Open(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		_, err = store.Current(t.Context())
		_ = store.Close()
		switch {
		case code == exitDone && err == nil:
		case code == exitInterrupted && errors.Is(err, catalog.ErrNoRelease):
			stopped++
		default:
			t.Errorf("exit code %d, and the store: %v", code, err)
		}
	}
	if stopped == 0 && rounds > 10 {
		t.Error("no publication was stopped: the test proves nothing")
	}
}

// writeWorkbook writes a workbook of rows achievements with texts of their own.
func writeWorkbook(t *testing.T, name string, rows int) {
	t.Helper()
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	errs := []error{book.SetSheetRow("Sheet1", "A1", &[]any{"成果编号", "成果名称", "成果简介"})}
	for i := range rows {
		abstract := fmt.Sprintf("第%d项：%s", i, strings.Repeat("振动信号处理方法。", 40))
		errs = append(errs, book.SetSheetRow("Sheet1", fmt.Sprint("A", i+2), &[]any{fmt.Sprint("K", i), fmt.Sprintf("第%d项轴承监测技术", i), abstract}))
	}
	if err := errors.Join(append(errs, book.SaveAs(name))...); err != nil {
		t.Fatal(err)
	}
}
