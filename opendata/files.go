package opendata

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/static/coding"
)

// Bulk answers are files that exist before anybody asks, so that their length and
// digest are known before the first byte is sent: a download that was cut short is
// seen to be, and goes on where it stopped.

const (
	// pieceBytes of a file must get through in piecePatience: a slow reader may take
	// as long as it needs for the whole, one that stands still is let go.
	pieceBytes    = 512 << 10
	piecePatience = 30 * time.Second
	// maxMemoryBytes is the size of a file that is kept where there is no disk.
	maxMemoryBytes = 16 << 20

	exposedOfFiles = "Accept-Ranges, Content-Disposition, Content-Range, ETag, Link, RateLimit, RateLimit-Policy, Repr-Digest, Retry-After, X-Luoshu-Release"
)

// stored is a finished file: on disk at path, or in memory.
type stored struct {
	path string
	data []byte
	size int64
	sum  catalog.Hash
}

// storing is a file being written. It counts and hashes what passes.
type storing struct {
	file   *os.File // nil in memory
	memory bytes.Buffer
	digest hash.Hash
	size   int64
}

// beginStored begins the file at path, in memory when path is empty.
func beginStored(path string) (*storing, error) {
	s := &storing{digest: sha256.New()}
	if path == "" {
		return s, nil
	}
	var err error
	s.file, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // what is published is public
	return s, err
}

func (s *storing) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	s.digest.Write(p)
	if s.file != nil {
		return s.file.Write(p)
	}
	if s.size > maxMemoryBytes {
		return 0, fmt.Errorf("opendata: file of more than %d bytes without a disk: %w", maxMemoryBytes, catalog.ErrUnavailable)
	}
	return s.memory.Write(p)
}

// finish closes the file, which lies at path from now on.
func (s *storing) finish(path string) (stored, error) {
	f := stored{path: path, data: s.memory.Bytes(), size: s.size, sum: catalog.Hash(hex.EncodeToString(s.digest.Sum(nil)))}
	if s.file == nil {
		return f, nil
	}
	return f, s.file.Close()
}

func (s *storing) drop() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}

// sound reports whether the file on disk is what was written.
func (f stored) sound() bool {
	file, err := os.Open(f.path)
	if err != nil {
		return false
	}
	defer file.Close()
	digest := sha256.New()
	n, err := io.Copy(digest, file)
	return err == nil && n == f.size && hex.EncodeToString(digest.Sum(nil)) == string(f.sum)
}

// download is an answer made of a file in one or several codings.
type download struct {
	// variants are the identity coding and, the better first, others.
	variants  []variant
	mediaType string
	// name is what the client calls the file, in ASCII.
	name string
	// manifest is of the release that the content is of.
	manifest *catalog.Manifest
}

type variant struct {
	coding string // empty for identity
	stored
}

// span is the part [from, to) of a file.
type span struct{ from, to int64 }

// sendFile answers with a file, or the part of it that is asked for (RFC 9110,
// sections 13 and 14). Each coding has an ETag and a digest of its own.
func (r *request) sendFile(d download) error {
	v := chooseCoding(d.variants, r.ctx.Request.Header.PeekAll(fasthttp.HeaderAcceptEncoding))
	etag := []byte(`"` + string(v.sum) + `"`)
	modified := d.manifest.PublishedAt.Truncate(time.Second)

	hd := &r.ctx.Response.Header
	hd.SetCanonical(headerCacheControl, valueCacheRelease)
	hd.SetLastModified(modified)
	hd.SetCanonical(headerRelease, strconv.AppendInt(nil, d.manifest.Sequence, 10))
	r.stamp(etag)
	hd.Set(fasthttp.HeaderAccessControlExposeHeaders, exposedOfFiles)
	if r.notModified(etag, modified) {
		return nil
	}
	whole := span{0, v.size}
	part := whole
	if r.ctx.IsGet() && r.sameFile(etag) {
		var ok bool
		if part, ok = partOf(r.ctx.Request.Header.PeekAll(fasthttp.HeaderRange), v.size); !ok {
			hd.Set(fasthttp.HeaderContentRange, "bytes */"+strconv.FormatInt(v.size, 10))
			return &problemError{kind: rangeNotSatisfiable, fill: []string{"{size}", strconv.FormatInt(v.size, 10)}}
		}
	}
	var body *fileBody
	if v.data == nil && v.size > 0 {
		file, err := os.Open(v.path)
		if err == nil {
			body = &fileBody{file: file, rest: part.to - part.from, ctx: r.ctx}
			_, err = file.Seek(part.from, io.SeekStart)
		}
		if err != nil {
			if body != nil {
				_ = file.Close()
			}
			if errors.Is(err, fs.ErrNotExist) {
				return errors.Join(errSwept, err)
			}
			return errors.Join(catalog.ErrUnavailable, err)
		}
	}
	hd.SetContentType(d.mediaType)
	hd.Set(fasthttp.HeaderAcceptRanges, "bytes")
	hd.Set("Repr-Digest", digestField(v.sum))
	hd.Set(fasthttp.HeaderContentDisposition, `attachment; filename="`+d.name+`"`)
	if v.coding != "" {
		hd.Set(fasthttp.HeaderContentEncoding, v.coding)
	}
	if part != whole {
		hd.Set(fasthttp.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", part.from, part.to-1, v.size))
		r.ctx.SetStatusCode(fasthttp.StatusPartialContent)
	}
	if body == nil {
		r.ctx.Response.SetBodyRaw(v.data[part.from:part.to])
		return nil
	}
	r.ctx.Response.SetBodyStream(body, int(body.rest))
	return nil
}

// digestField is the value of Repr-Digest (RFC 9530).
func digestField(sum catalog.Hash) string {
	b, _ := hex.DecodeString(string(sum))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(b) + ":"
}

// sameFile reports whether If-Range, where there is one, names the file of etag. A
// date never does: two programs may make different files of one release.
func (r *request) sameFile(etag []byte) bool {
	given := r.ctx.Request.Header.Peek(fasthttp.HeaderIfRange)
	return len(given) == 0 || bytes.Equal(bytes.Trim(given, " \t"), etag)
}

// partOf returns the part of a file that Range asks for: the whole when there is no
// such field, or several ranges, or something that is no range of bytes. It is not
// ok when the range lies outside.
func partOf(fields [][]byte, size int64) (part span, ok bool) {
	whole := span{0, size}
	if len(fields) != 1 {
		return whole, true
	}
	unit, set, found := strings.Cut(string(fields[0]), "=")
	if !found || !strings.EqualFold(strings.TrimSpace(unit), "bytes") || strings.Contains(set, ",") {
		return whole, true
	}
	first, last, found := strings.Cut(strings.Trim(set, " \t"), "-")
	if !found || !onlyDigits(first) || !onlyDigits(last) || first+last == "" {
		return whole, true
	}
	// A number too large for us is beyond any file.
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 63)
		if err != nil {
			return 1<<62 - 1
		}
		return n
	}
	switch {
	case first == "":
		n := number(last)
		if n == 0 || size == 0 {
			return whole, false
		}
		return span{max(0, size-n), size}, true
	case last != "" && number(last) < number(first):
		return whole, true
	case number(first) >= size:
		return whole, false
	case last == "":
		return span{number(first), size}, true
	}
	return span{number(first), min(number(last)+1, size)}, true
}

func onlyDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// chooseCoding returns the variant that Accept-Encoding likes best, the earlier of two that
// it likes as well; identity where it says nothing.
func chooseCoding(variants []variant, fields [][]byte) variant {
	offered := make([]coding.Coding, len(variants))
	for i, v := range variants {
		offered[i], _ = coding.Named([]byte(v.coding))
	}
	best := coding.Accept(fields).Best(offered[1:]...)
	return variants[max(slices.Index(offered, best), 0)]
}

// fileBody sends a part of a file, by sendfile where the connection has it.
type fileBody struct {
	file *os.File
	rest int64
	ctx  *fasthttp.RequestCtx
	// closed is called once the body is sent or given up; it may be nil.
	closed func()
}

func (b *fileBody) Read(p []byte) (int, error) {
	if b.rest <= 0 {
		return 0, io.EOF
	}
	n, err := b.file.Read(p[:min(int64(len(p)), b.rest)])
	b.rest -= int64(n)
	return n, err
}

// WriteTo implements io.WriterTo, which fasthttp asks for first.
func (b *fileBody) WriteTo(w io.Writer) (written int64, err error) {
	for b.rest > 0 {
		// The server's own deadline is for the whole answer. There is none to set when
		// nobody is connected.
		_ = b.ctx.SetWriteDeadline(time.Now().Add(piecePatience))
		n, err := io.Copy(w, &io.LimitedReader{R: b.file, N: min(pieceBytes, b.rest)})
		written += n
		b.rest -= n
		if err != nil {
			return written, err
		}
		if n == 0 {
			return written, io.ErrUnexpectedEOF
		}
	}
	return written, nil
}

// Close implements io.Closer.
func (b *fileBody) Close() error {
	if b.closed != nil {
		b.closed()
		b.closed = nil
	}
	return b.file.Close()
}

// replaceDir puts the folder at from in the place of the one at to.
func replaceDir(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // what is published is public
		return err
	}
	return os.Rename(from, to)
}
