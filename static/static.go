// Package static holds the files that browsers load as they are: style sheets,
// scripts, fonts and images. They are part of the program and served verbatim.
//
// A file's address holds the hash of its bytes, so it may be kept for ever and a
// new version has another address. What compresses is compressed once, at the
// first use; large files are embedded compressed already (NAME.gz) and served
// as NAME. Which files are others' work, and under which license, is in
// vendored.csv.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"

	"luoshu/static/coding"
)

//go:embed css fonts/*.txt fonts/*.woff2 img js swagger-ui
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
	".txt":   {"text/plain; charset=utf-8", true},
}

// asset is one file, ready to be sent. Each coding is a representation of its own
// with its own entity tag (RFC 9110, 8.8.3.3).
type asset struct {
	contentType  string
	cacheControl string
	hash         string
	size         int
	// in returns the file in Identity or one of codings, the better first.
	in      func(coding.Coding) []byte
	codings []coding.Coding
}

const forever = "public, max-age=31536000, immutable"

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
		name, packed := strings.CutSuffix(name, ".gz")
		ext := path.Ext(name)
		kind, ok := contentTypes[ext]
		if !ok {
			return fmt.Errorf("no content type for %s", name)
		}
		a := newAsset(kind.value, forever, body)
		switch {
		case packed:
			a.codings = []coding.Coding{coding.Gzip}
			// Few clients cannot take gzip: they alone cost the memory.
			plain := sync.OnceValue(func() []byte { return decompress(name, body) })
			a.in = func(c coding.Coding) []byte {
				if c == coding.Gzip {
					return body
				}
				return plain()
			}
		case !kind.text:
			a.codings = nil
		}
		address := "/static/" + strings.TrimSuffix(name, ext) + "." + a.hash + ext
		all.urls[name], all.assets[address] = address, a
		return nil
	})
	if err != nil {
		panic(fmt.Errorf("static: %w", err))
	}
	const fonts = "css/fonts.css" // made, because it names the addresses of the others
	body := fontFaces(all.urls)
	a := newAsset(contentTypes[".css"].value, forever, body)
	all.urls[fonts] = "/static/css/fonts." + a.hash + ".css"
	all.assets[all.urls[fonts]] = a
	return all
})

// Hash returns what tells versions of a file apart, as it stands in an address.
func Hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:6])
}

// decompress unpacks the embedded file called name.
func decompress(name string, packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(fmt.Errorf("static: %s: %w", name, err))
	}
	b, err := io.ReadAll(r)
	if err != nil {
		panic(fmt.Errorf("static: %s: %w", name, err))
	}
	return b
}

// newAsset returns body as a file in every coding.
func newAsset(contentType, cacheControl string, body []byte) *asset {
	return &asset{
		contentType: contentType, cacheControl: cacheControl, hash: Hash(body), size: len(body),
		in: coding.NewConstant(body).In, codings: coding.All,
	}
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

// Version changes when any of the files does.
func Version() string {
	return Hash([]byte(strings.Join(slices.Sorted(maps.Values(load().urls)), "\n")))
}

// Routes serves every file under its address.
func Routes(r fiber.Router) {
	for address, a := range load().assets {
		r.Get(address, a.serve)
	}
}

// Document returns a handler that serves body, which never changes while the program
// runs, under an address that stays the same: with an entity tag, and compressed for
// those who take that. cacheControl is the value of the header of that name.
func Document(contentType, cacheControl string, body []byte) fiber.Handler {
	return newAsset(contentType, cacheControl, body).serve
}

func (a *asset) serve(c *fiber.Ctx) error {
	as := coding.Identity
	if len(a.codings) > 0 {
		c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
		accepted := coding.Accept(c.Request().Header.PeekAll(fiber.HeaderAcceptEncoding))
		as = accepted.For(a.size, a.codings...)
	}
	tag := strconv.Quote(a.hash + as.Suffix())
	c.Set(fiber.HeaderETag, tag)
	c.Set(fiber.HeaderCacheControl, a.cacheControl)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	if TagMatches(c.Get(fiber.HeaderIfNoneMatch), tag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, a.contentType)
	if as != coding.Identity {
		c.Set(fiber.HeaderContentEncoding, as.String())
	}
	return c.Send(a.in(as))
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
