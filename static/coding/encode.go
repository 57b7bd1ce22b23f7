package coding

import (
	"bytes"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	brotli "github.com/molecule-man/go-brrr"
)

// Levels. Answers that are made for one request are encoded as fast as can be, what stays
// is encoded better, as long as an encoder needs no more than a few megabytes: the best
// levels of Zstandard and Brotli need 35 MB.
var (
	fast     = [codings]*encoders{Zstd: zstdOf(zstd.SpeedFastest), Brotli: brotliOf(1), Gzip: gzipOf(gzip.BestSpeed)}
	thorough = [codings]*encoders{Zstd: zstdOf(zstd.SpeedDefault), Brotli: brotliOf(6), Gzip: gzipOf(gzip.BestCompression)}
)

// Append appends src in coding c, encoded fast, to dst.
func Append(dst, src []byte, c Coding) []byte { return fast[c].append(dst, src) }

// encode is how an encoder appends one text.
type encode func(dst, src []byte) []byte

// encoders are of one coding and level. There are never more than processors, whatever
// the number of requests: these wait.
type encoders struct {
	// idle has nil for an encoder that nobody needed yet.
	idle func() chan encode
	make func() encode
}

func newEncoders(make func() encode) *encoders {
	return &encoders{make: make, idle: sync.OnceValue(func() chan encode { return places(runtime.GOMAXPROCS(0)) })}
}

func places(n int) chan encode {
	idle := make(chan encode, n)
	for range n {
		idle <- nil
	}
	return idle
}

func (e *encoders) append(dst, src []byte) []byte {
	idle := e.idle()
	encode := <-idle
	defer func() { idle <- encode }()
	if encode == nil {
		encode = e.make()
	}
	return encode(dst, src)
}

func zstdOf(level zstd.EncoderLevel) *encoders {
	return newEncoders(func() encode {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20),
			zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err) // of constants
		}
		return func(dst, src []byte) []byte { return w.EncodeAll(src, dst) }
	})
}

func brotliOf(level int) *encoders {
	return newEncoders(func() encode {
		w, err := brotli.NewWriterOptions(nil, level, brotli.WriterOptions{LGWin: 18})
		if err != nil {
			panic(err) // of constants
		}
		return through(w, func(dst io.Writer, size int) { w.ResetWithSizeHint(dst, uint(size)) })
	})
}

func gzipOf(level int) *encoders {
	return newEncoders(func() encode {
		w, err := gzip.NewWriterLevel(nil, level)
		if err != nil {
			panic(err) // of constants
		}
		return through(w, func(dst io.Writer, _ int) { w.Reset(dst) })
	})
}

// through returns what encodes through w, which reset begins anew.
func through(w io.WriteCloser, reset func(dst io.Writer, size int)) encode {
	return func(dst, src []byte) []byte {
		b := bytes.NewBuffer(dst)
		reset(b, len(src))
		_, _ = w.Write(src) // a buffer takes everything
		_ = w.Close()
		return b.Bytes()
	}
}

// Constant is a text that stays. It is encoded thoroughly when a coding is first asked
// for, and kept.
type Constant struct {
	body []byte
	in   [codings]struct {
		once sync.Once
		body []byte
	}
}

// NewConstant returns a Constant of body, which nobody changes from now on.
func NewConstant(body []byte) *Constant { return &Constant{body: body} }

// In returns the text in coding c.
func (t *Constant) In(c Coding) []byte {
	if c == Identity {
		return t.body
	}
	in := &t.in[c]
	in.once.Do(func() {
		const large = 1 << 20 // a second or more of thorough work is too long a wait
		level := &thorough
		if len(t.body) > large {
			level = &fast
		}
		in.body = bytes.Clone(level[c].append(nil, t.body))
	})
	return in.body
}
