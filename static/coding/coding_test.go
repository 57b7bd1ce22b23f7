package coding_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	brotli "github.com/molecule-man/go-brrr"

	"luoshu/static/coding"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestAccept(t *testing.T) {
	tests := []struct{ accept, small, large string }{
		{"", "", ""},
		{"gzip", "", "gzip"},
		{"GZIP", "", "gzip"},
		{"x-gzip", "", "gzip"},
		{"gzip, deflate, br, zstd", "", "zstd"},
		{"gzip, deflate, br", "", "br"},
		{"br;q=1.0, zstd;q=0.9, gzip;q=0.8", "", "br"},
		{"br ; q = 0.5 ,\tgzip;q=0.501", "", "gzip"},
		{"zstd;q=0, br;q=0.000, gzip;q=0.001", "", "gzip"},
		{"*", "", "zstd"},
		{"*, zstd;q=0", "", "br"},
		{"*;q=0", "", ""},
		{"*;q=0, gzip", "gzip", "gzip"},
		{"*;q=0, identity", "", ""},
		{"identity;q=0", "", ""},
		{"identity;q=0, br;q=0.1", "br", "br"},
		{"identity;q=0, *", "zstd", "zstd"},
		{"identity", "", ""},
		{"identity, gzip", "", "gzip"},
		{"identity;q=1, gzip;q=0.5", "", ""},
		{"identity;q=0.5, *;q=0.6", "", "zstd"},
		{"deflate, compress", "", ""},
		{"gzip;q=0, gzip;q=1", "", ""},
		{"gzip;level=9", "", ""},
		{"gzip;q=2", "", ""},
		{"gzip;q=1.001", "", ""},
		{"gzip;q=0.0001", "", ""},
		{"gzip;q=", "", ""},
		{"gzip;q=-1", "", ""},
		{"gzip;q=NaN", "", ""},
		{",, ,gzip,", "", "gzip"},
		{"gzipp, zst", "", ""},
	}
	for _, tt := range tests {
		// One field or several say the same.
		var apart [][]byte
		for item := range strings.SplitSeq(tt.accept, ",") {
			apart = append(apart, []byte(item))
		}
		for _, fields := range [][][]byte{{[]byte(tt.accept)}, apart} {
			a := coding.Accept(fields)
			if small, large := a.For(coding.Small-1, coding.All...).String(), a.For(coding.Small, coding.All...).String(); small != tt.small || large != tt.large {
				t.Errorf("%q: %q when small and %q when large, want %q and %q", tt.accept, small, large, tt.small, tt.large)
			}
		}
	}
	if got := coding.Accept([][]byte{[]byte("zstd, br, gzip;q=0.9")}).Best(coding.Gzip); got != coding.Gzip {
		t.Errorf("only gzip is there: %q", got)
	}
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{"", "gzip, deflate, br, zstd", "*;q=0.5, identity;q=0", "br;q=1.000;x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, field []byte) {
		for _, q := range coding.Accept([][]byte{field}) {
			if q > 1000 {
				t.Errorf("%q gives a weight of %d", field, q)
			}
		}
	})
}

// texts are like answers, of all sizes.
func texts() [][]byte {
	var many [][]byte
	for _, n := range []int{0, 1, 30, 1000, 60_000} {
		var b bytes.Buffer
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, `{"id":"A%06d","title":"示例：轴承故障诊断 %x"},`, i, sha256.Sum256([]byte(strconv.Itoa(i))))
		}
		many = append(many, b.Bytes()[:min(b.Len(), n)])
	}
	return many
}

func decode(t *testing.T, b []byte, c coding.Coding) []byte {
	t.Helper()
	var r io.Reader
	var err error
	switch c {
	case coding.Zstd:
		r, err = zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderMaxWindow(8<<20)) // RFC 9659
	case coding.Brotli:
		r = brotli.NewReader(bytes.NewReader(b))
	case coding.Gzip:
		r, err = gzip.NewReader(bytes.NewReader(b))
	case coding.Identity:
		r = bytes.NewReader(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEncodings: what is encoded comes back, and the bytes do not change between
// versions, programs, requests or processors unless Version does.
func TestEncodings(t *testing.T) {
	var now strings.Builder
	fmt.Fprintln(&now, coding.Version)
	for _, c := range coding.All {
		for _, text := range texts() {
			quick, kept := coding.Append([]byte("before"), text, c), coding.NewConstant(text).In(c)
			quick, ok := bytes.CutPrefix(quick, []byte("before"))
			if !ok || !bytes.Equal(decode(t, quick, c), text) || !bytes.Equal(decode(t, kept, c), text) {
				t.Errorf("%v: %d bytes do not come back", c, len(text))
			}
			fmt.Fprintf(&now, "%v %d: %d %.6x, %d %.6x\n", c, len(text), len(quick), sha256.Sum256(quick), len(kept), sha256.Sum256(kept))
		}
	}
	const path = "testdata/encodings.txt"
	if *update {
		if err := os.WriteFile(path, []byte(now.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(was) != now.String() {
		t.Errorf("encoders give other bytes: raise Version, then run with -update\n%s", now.String())
	}
}

// TestEncodersAreShared: whoever encoded what before, the bytes are the same.
func TestEncodersAreShared(t *testing.T) {
	many := texts()
	var group sync.WaitGroup
	for _, c := range coding.All {
		want := make([][]byte, len(many))
		for i, text := range many {
			want[i] = coding.Append(nil, text, c)
		}
		for g := range 8 {
			group.Go(func() {
				for n := range 60 {
					i := (g*7 + n*3) % len(many)
					if got := coding.Append(nil, many[i], c); !bytes.Equal(got, want[i]) {
						t.Errorf("%v: text %d differs", c, i)
						return
					}
				}
			})
		}
	}
	group.Wait()
}

// TestLargeConstant: a text beyond the window comes back.
func TestLargeConstant(t *testing.T) {
	text := bytes.Repeat(texts()[4], 40)
	for _, c := range coding.All {
		if !bytes.Equal(decode(t, coding.NewConstant(text).In(c), c), text) {
			t.Errorf("%v does not come back", c)
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	fields := [][]byte{[]byte("gzip, deflate, br, zstd")}
	b.ReportAllocs()
	for b.Loop() {
		coding.Accept(fields).For(4096, coding.All...)
	}
}

func BenchmarkAppend(b *testing.B) {
	text := texts()[4]
	for _, c := range coding.All {
		b.Run(c.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			var dst []byte
			for b.Loop() {
				dst = coding.Append(dst[:0], text, c)
			}
		})
	}
}
