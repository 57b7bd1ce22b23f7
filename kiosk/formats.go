package kiosk

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Media types of a record.
const (
	typeHTML     = fiber.MIMETextHTMLCharsetUTF8
	typeJSON     = "application/json"
	typeLinked   = "application/ld+json"
	typeVCard    = "text/vcard; charset=utf-8"
	typeCalendar = "text/calendar; charset=utf-8"
)

// file is an answer that is no page.
type file struct {
	kind string // media type
	name string // to keep it under; empty shows it
	// open lets scripts of other sites read it.
	open bool
	body func() ([]byte, error)
}

// file returns f as the answer.
func (rq *request) file(f file) answer {
	rq.form = f.kind
	return answer{file: &f}
}

// wanted returns which of the media types the client would rather have (RFC 9110, section
// 12.5.1): the first among equals. Where it takes none, the first is given all the same,
// since a phone that asks for nonsense wants a page.
func (rq *request) wanted(offered ...string) string {
	best, most := offered[0], 0.0
	for _, o := range offered {
		if q := quality(rq.accept, o); q > most {
			best, most = o, q
		}
	}
	return best
}

// quality returns how much a client with this Accept field wants a media type: what the
// most specific range says that the type is in.
func quality(accept, kind string) float64 {
	if accept == "" {
		return 1
	}
	kind, _, _ = strings.Cut(kind, ";")
	main, _, _ := strings.Cut(kind, "/")
	specific, found := -1, 0.0
	for item := range strings.SplitSeq(accept, ",") {
		parts := strings.Split(item, ";")
		level := 0
		switch r := strings.ToLower(strings.TrimSpace(parts[0])); r {
		case kind:
			level = 2
		case main + "/*":
			level = 1
		case "*/*":
		default:
			continue
		}
		q := 1.0
		for _, p := range parts[1:] {
			name, v, _ := strings.Cut(p, "=")
			if strings.EqualFold(strings.TrimSpace(name), "q") {
				n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
				if err != nil || !(n >= 0 && n <= 1) {
					n = 0 // what cannot be understood is not wanted
				}
				q = n
			}
		}
		if level > specific {
			specific, found = level, q
		}
	}
	return found
}
