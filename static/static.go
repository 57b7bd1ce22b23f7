// Package static holds the files that browsers load as they are: style sheets and
// images. They are part of the program and served verbatim.
//
// A file's address holds the hash of its bytes, so it may be kept for ever and a
// new version has another address. What compresses is compressed once, at the
// first use.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
)

//go:embed css img js
var files embed.FS

// contentTypes lists the kinds of file that may be embedded, and whether a copy
// is kept compressed.
var contentTypes = map[string]struct {
	value string
	text  bool
}{
	".css":   {"text/css; charset=utf-8", true},
	".js":    {"text/javascript; charset=utf-8", true},
	".svg":   {"image/svg+xml", true},
	".json":  {"application/json", true},
	".woff2": {"font/woff2", false},
	".png":   {"image/png", false},
}

// asset is one file, ready to be sent. Each coding is a representation of its own
// with its own entity tag (RFC 9110, 8.8.3.3).
type asset struct {
	contentType string
	body        []byte
	tag         string
	gzipped     []byte // nil where compression gains nothing
	gzippedTag  string
}

// load reads every file. They are part of the program, so a broken one is a broken
// build and the tests say so.
var load = sync.OnceValue(func() (all struct {
	urls   map[string]string // by name
	assets map[string]*asset // by address
},
) {
	all.urls, all.assets = map[string]string{}, map[string]*asset{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		ext := path.Ext(name)
		kind, ok := contentTypes[ext]
		if !ok {
			return fmt.Errorf("no content type for %s", name)
		}
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:6])
		a := &asset{contentType: kind.value, body: body, tag: strconv.Quote(hash)}
		if kind.text {
			a.gzipped, a.gzippedTag = compress(body), strconv.Quote(hash+"-gzip")
		}
		address := "/static/" + strings.TrimSuffix(name, ext) + "." + hash + ext
		all.urls[name], all.assets[address] = address, a
		return nil
	})
	if err != nil {
		panic(fmt.Errorf("static: %w", err))
	}
	return all
})

// compress returns body as gzip, or nil when that saves less than a tenth.
func compress(body []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	if b.Len() > len(body)*9/10 {
		return nil
	}
	return b.Bytes()
}

// URL returns the address of the file called name, such as "css/kiosk.css", on
// this site. An unknown name is a fault of the program and panics.
func URL(name string) string {
	address, ok := load().urls[name]
	if !ok {
		panic("static: no file " + name)
	}
	return address
}

// Routes serves every file under its address.
func Routes(r fiber.Router) {
	for address, a := range load().assets {
		r.Get(address, a.serve)
	}
}

func (a *asset) serve(c *fiber.Ctx) error {
	body, tag := a.body, a.tag
	if a.gzipped != nil {
		c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
		if acceptsGzip(c.Get(fiber.HeaderAcceptEncoding)) {
			body, tag = a.gzipped, a.gzippedTag
			c.Set(fiber.HeaderContentEncoding, "gzip")
		}
	}
	c.Set(fiber.HeaderETag, tag)
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	if TagMatches(c.Get(fiber.HeaderIfNoneMatch), tag) {
		c.Response().Header.Del(fiber.HeaderContentEncoding)
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, a.contentType)
	return c.Send(body)
}

// acceptsGzip reports whether an Accept-Encoding header allows gzip
// (RFC 9110, 12.5.3): named, or covered by *, with a weight above zero.
func acceptsGzip(header string) bool {
	any, named, seen := false, false, false
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q="); ok {
			w, err := strconv.ParseFloat(q, 64)
			if err != nil {
				continue
			}
			weight = w
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			named, seen = weight > 0, true
		case "*":
			any = weight > 0
		}
	}
	if seen {
		return named
	}
	return any
}

// TagMatches reports whether an If-None-Match header names tag, the strong entity
// tag of what would be sent (RFC 9110, 13.1.2): "*", or a list in which tag stands
// by weak comparison.
func TagMatches(header, tag string) bool {
	header = strings.TrimSpace(header)
	if header == "*" {
		return true
	}
	for header != "" {
		header = strings.TrimPrefix(strings.TrimLeft(header, " \t,"), "W/")
		if len(header) == 0 || header[0] != '"' {
			return false // not a list of tags
		}
		end := strings.IndexByte(header[1:], '"') + 2
		if end == 1 {
			return false // an open quote
		}
		if header[:end] == tag {
			return true
		}
		header = strings.TrimLeft(header[end:], " \t")
	}
	return false
}
