package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/redis/go-redis/v9"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/snapshot"
)

// sizes of the catalogs that are measured.
var sizes = []int{10_000, 100_000}

// generatedFile writes n generated achievements as JSON Lines.
func generatedFile(b *testing.B, n int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "generated.jsonl")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	if err := catalogtest.WriteJSONLines(w, 1, n); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

var storedIn = regexp.MustCompile(`bytes stored: \d+, (\S+)`)

// BenchmarkPublish publishes a file into an empty Redis, as a process of its own,
// and reports the whole time, the part of it spent storing, and what Redis needs.
func BenchmarkPublish(b *testing.B) {
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			addr, _ := redisServer(b)
			client := redis.NewClient(&redis.Options{Addr: addr})
			defer func() { _ = client.Close() }()
			file, data := generatedFile(b, n), b.TempDir()
			empty := usedMemory(b, client)
			var storing time.Duration
			runs := 0
			for b.Loop() {
				if err := client.FlushAll(b.Context()).Err(); err != nil {
					b.Fatal(err)
				}
				cmd := program(b.Context(), b, "publish", file, "--to", "redis://"+addr+"/0", "--publisher", "g", "--reviewed-by", "g", "--reviewed-on", "2026-01-01", "--data-dir", data)
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Run(); err != nil {
					b.Fatal(err, said.String())
				}
				m := storedIn.FindStringSubmatch(said.String())
				if m == nil {
					b.Fatal(said.String())
				}
				d, err := time.ParseDuration(m[1])
				if err != nil {
					b.Fatal(err)
				}
				storing += d
				runs++
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(runs), "s/publish")
			b.ReportMetric(storing.Seconds()/float64(runs), "s/storing")
			b.ReportMetric(float64(usedMemory(b, client)-empty)/1e6, "redis-MB")
		})
	}
}

func usedMemory(b *testing.B, client *redis.Client) int64 {
	b.Helper()
	info, err := client.Info(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("INFO has no used_memory")
	return 0
}

// BenchmarkLoad loads a release from Redis into a ready snapshot. Its peer reads
// the same objects and unpacks them, and neither verifies nor lays out anything.
func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes {
		addr, _ := redisServer(b)
		store, err := cache.OpenWriter(b.Context(), "redis://"+addr+"/0")
		if err != nil {
			b.Fatal(err)
		}
		publication, err := catalogtest.Publish(b.Context(), nil, 1, n)
		if err != nil {
			b.Fatal(err)
		}
		if err := cache.Publish(b.Context(), store, publication, nil, nil); err != nil {
			b.Fatal(err)
		}
		pointer, objects := publication.Release.Pointer(), publication.Release.Manifest.Objects
		publication = nil
		b.Run(fmt.Sprintf("%d/luoshu", n), func(b *testing.B) {
			for b.Loop() {
				r, err := cache.Load(b.Context(), store, pointer)
				if err != nil {
					b.Fatal(err)
				}
				s, err := snapshot.New(b.Context(), r)
				if err != nil {
					b.Fatal(err)
				}
				if s.Count(catalog.Achievements) != n {
					b.Fatal("records are missing")
				}
			}
		})
		b.Run(fmt.Sprintf("%d/peer-get-and-unzstd", n), func(b *testing.B) {
			decoder, err := zstd.NewReader(nil)
			if err != nil {
				b.Fatal(err)
			}
			defer decoder.Close()
			for b.Loop() {
				for _, o := range objects {
					packed, err := store.Object(b.Context(), o.Hash)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := decoder.DecodeAll(packed, make([]byte, 0, o.RawBytes)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkResident starts serve over a catalog and reports the anonymous memory
// it needs once the release is shown, and how long that takes with and without a
// store.
func BenchmarkResident(b *testing.B) {
	for _, n := range append([]int{0}, sizes...) {
		name := strconv.Itoa(n)
		if n == 0 {
			name = "demonstration"
		}
		b.Run(name, func(b *testing.B) {
			var args []string
			if n > 0 {
				dir := "dir:" + filepath.Join(b.TempDir(), "store")
				store, err := cache.OpenWriter(b.Context(), dir)
				if err != nil {
					b.Fatal(err)
				}
				publication, err := catalogtest.Publish(b.Context(), nil, 1, n)
				if err != nil {
					b.Fatal(err)
				}
				if err := cache.Publish(b.Context(), store, publication, nil, nil); err != nil {
					b.Fatal(err)
				}
				_ = store.Close()
				args = []string{"--source", dir}
			}
			var resident int64
			runs := 0
			for b.Loop() {
				resident += residentOnceReady(b, b.TempDir(), args)
				runs++
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(runs), "s/ready")
			b.ReportMetric(float64(resident)/float64(runs)/1e6, "anonymous-MB")
		})
	}
}

// residentOnceReady starts serve, waits until it is ready and returns its
// anonymous resident memory in bytes (Linux).
func residentOnceReady(b *testing.B, data string, args []string) int64 {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	addr := freeAddress(b)
	cmd := program(ctx, b, append([]string{"serve", "--addr", addr, "--data-dir", data, "--log-level", "error"}, args...)...)
	cmd.Stderr = b.Output()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait()
	}()
	eventually(b, "the node is ready", func() bool {
		return program(ctx, b, "health", "--addr", addr).Run() == nil
	})
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Skip(err)
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n << 10
		}
	}
	b.Skip("the kernel does not tell RssAnon")
	return 0
}
