// Package qr turns an identifier into the code that people scan: the payload, the
// modules, and their drawing as SVG and PNG.
//
// The rules it keeps are those that decide whether a phone can read the code
// (ISO/IEC 18004:2015): a quiet zone of four modules, a whole number of pixels per
// module, black on white. A payload is ASCII, because scanners disagree about
// everything else.
package qr

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"strconv"
	"strings"

	"github.com/skip2/go-qrcode"

	"luoshu/catalog"
)

// The limits of what is drawn, so that a hostile request costs bounded memory.
const (
	// MaxPayload is the greatest length of a payload in bytes.
	MaxPayload = 512
	// MinSize is the least size of a PNG in pixels, MaxSize the greatest.
	MinSize = 128
	MaxSize = 1024
	// QuietZone is the white border in modules, part of every drawing.
	QuietZone = 4
)

// ErrUnreadable tells that an independent decoder does not read a code as what it
// should hold.
var ErrUnreadable = errors.New("the code cannot be read back")

// Level says how much of a code may be lost before it stops reading.
type Level int

// The levels in use.
const (
	Screen Level = iota // M: 15 % may be lost; a screen is clean and lit
	Print               // Q: 25 % may be lost; paper is folded and stained
)

// ValidPlacement reports whether s can name the place a code is shown at: a
// letter (K for a kiosk, P for a printed page) and up to four digits, such as K3.
func ValidPlacement(s string) bool { return catalog.ValidTerminal(s) }

// Payload returns the address that the code of id holds: base, /q/, the
// identifier and, unless empty, a hyphen and the placement. base is an absolute
// http or https URL without query. The error wraps catalog.ErrInvalid.
func Payload(base string, id catalog.ID, placement string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", fmt.Errorf("qr: %q is not an absolute web address without query: %w", base, catalog.ErrInvalid)
	}
	if parsed, err := catalog.ParseID(string(id)); err != nil || parsed != id {
		return "", fmt.Errorf("qr: %q is not an identifier: %w", id, catalog.ErrInvalid)
	}
	p := strings.TrimRight(base, "/") + "/q/" + string(id)
	if placement != "" {
		if !ValidPlacement(placement) {
			return "", fmt.Errorf("qr: placement %q is not a letter and up to four digits: %w", placement, catalog.ErrInvalid)
		}
		p += "-" + placement
	}
	return p, checkPayload(p)
}

// ListPayload returns the address that the code of several records holds: base, /q/list/,
// the identifiers with commas between and, unless empty, a hyphen and the placement.
// The errors are those of Payload.
func ListPayload(base string, ids []catalog.ID, placement string) (string, error) {
	if len(ids) == 0 {
		return "", fmt.Errorf("qr: a list of nothing: %w", catalog.ErrInvalid)
	}
	var list strings.Builder
	for _, id := range ids {
		one, err := Payload(base, id, "")
		if err != nil {
			return "", err
		}
		if list.Len() == 0 {
			list.WriteString(strings.TrimSuffix(one, string(id)) + "list/")
		} else {
			list.WriteByte(',')
		}
		list.WriteString(string(id))
	}
	if placement != "" {
		if !ValidPlacement(placement) {
			return "", fmt.Errorf("qr: placement %q is not a letter and up to four digits: %w", placement, catalog.ErrInvalid)
		}
		list.WriteString("-" + placement)
	}
	return list.String(), checkPayload(list.String())
}

func checkPayload(s string) error {
	if s == "" || len(s) > MaxPayload {
		return fmt.Errorf("qr: payload of %d bytes, 1 to %d are allowed: %w", len(s), MaxPayload, catalog.ErrInvalid)
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("qr: payload has a character that is not printable ASCII: %w", catalog.ErrInvalid)
		}
	}
	return nil
}

// Code is a QR code as a square of modules, the quiet zone included. It never
// changes.
type Code struct {
	modules [][]bool
	path    string
}

// New returns the code of payload, which is printable ASCII of at most MaxPayload
// bytes. A second decoder has read it back: what cannot be read is never drawn. The
// error wraps catalog.ErrInvalid, but ErrUnreadable for a code that does not read.
func New(payload string, level Level) (*Code, error) {
	if err := checkPayload(payload); err != nil {
		return nil, err
	}
	recovery := qrcode.Medium
	if level == Print {
		recovery = qrcode.High // the library's name for Q
	}
	q, err := qrcode.New(payload, recovery)
	if err != nil {
		return nil, fmt.Errorf("qr: %w: %w", catalog.ErrInvalid, err)
	}
	// The quiet zone is added here: the library would lay it out eight times.
	q.DisableBorder = true
	// Once only: each call of Bitmap encodes again and appends to the data.
	bare := q.Bitmap()
	switch read, err := read(bare); {
	case err != nil:
		return nil, fmt.Errorf("qr: %q: %w: %w", payload, ErrUnreadable, err)
	case read != payload:
		return nil, fmt.Errorf("qr: %q reads %q: %w", payload, read, ErrUnreadable)
	}
	modules := quiet(bare)
	return &Code{modules, path(modules)}, nil
}

// quiet puts the quiet zone around modules.
func quiet(modules [][]bool) [][]bool {
	side := len(modules) + 2*QuietZone
	all := make([][]bool, side)
	pool := make([]bool, side*side)
	for y := range all {
		all[y], pool = pool[:side:side], pool[side:]
		if y >= QuietZone && y < side-QuietZone {
			copy(all[y][QuietZone:], modules[y-QuietZone])
		}
	}
	return all
}

// Size returns the number of modules on a side.
func (c *Code) Size() int { return len(c.modules) }

// Path returns the dark modules as the data of one SVG path, in a square of Size
// units: each run of a row is one rectangle.
func (c *Code) Path() string { return c.path }

func path(modules [][]bool) string {
	var b []byte
	for y, row := range modules {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			from := x
			for x < len(row) && row[x] {
				x++
			}
			b = append(b, 'M')
			b = strconv.AppendInt(b, int64(from), 10)
			b = append(b, ' ')
			b = strconv.AppendInt(b, int64(y), 10)
			b = append(b, 'h')
			b = strconv.AppendInt(b, int64(x-from), 10)
			b = append(b, "v1h-"...)
			b = strconv.AppendInt(b, int64(x-from), 10)
			b = append(b, 'z')
		}
	}
	return string(b)
}

// SVG returns a document that scales to any size, black on white.
func (c *Code) SVG() []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges">`+
		`<rect width="%[1]d" height="%[1]d" fill="#fff"/><path d="%[2]s"/></svg>`, c.Size(), c.Path())
}

// PNG returns an image of at most size pixels on a side: the largest whole number
// of pixels per module is drawn. size is MinSize to MaxSize and at least Size; the
// error wraps catalog.ErrInvalid.
func (c *Code) PNG(size int) ([]byte, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	scale := size / c.Size()
	if scale == 0 {
		return nil, fmt.Errorf("qr: size %d is less than the code's %d modules: %w", size, c.Size(), catalog.ErrInvalid)
	}
	side := scale * c.Size()
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y, row := range c.modules {
		line := img.Pix[y*scale*img.Stride:][:side]
		for x, dark := range row {
			if dark {
				for i := range scale {
					line[x*scale+i] = 1
				}
			}
		}
		for i := 1; i < scale; i++ {
			copy(img.Pix[(y*scale+i)*img.Stride:][:side], line)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("qr: %w", err)
	}
	return b.Bytes(), nil
}

func checkSize(size int) error {
	if size < MinSize || size > MaxSize {
		return fmt.Errorf("qr: size %d, %d to %d pixels are allowed: %w", size, MinSize, MaxSize, catalog.ErrInvalid)
	}
	return nil
}
