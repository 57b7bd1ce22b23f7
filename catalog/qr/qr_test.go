package qr_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"go.uber.org/goleak"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPayload(t *testing.T) {
	id := catalog.MintID(catalog.Achievements, "a", 0)
	for _, test := range []struct {
		base      string
		id        catalog.ID
		placement string
		want      string // empty: refused
	}{
		{"https://luoshu.example", id, "", "https://luoshu.example/q/" + string(id)},
		{"https://luoshu.example/", id, "K3", "https://luoshu.example/q/" + string(id) + "-K3"},
		{"http://192.168.1.20:8080", id, "P2041", "http://192.168.1.20:8080/q/" + string(id) + "-P2041"},
		{"https://luoshu.example/market/", "contract-turnover", "", "https://luoshu.example/market/q/contract-turnover"},
		{"", id, "", ""},
		{"luoshu.example", id, "", ""},
		{"//luoshu.example", id, "", ""},
		{"ftp://luoshu.example", id, "", ""},
		{"https://user@luoshu.example", id, "", ""},
		{"https://luoshu.example?a=b", id, "", ""},
		{"https://luoshu.example?", id, "", ""},
		{"https://luoshu.example#x", id, "", ""},
		{"https://洛书.example", id, "", ""},
		{"https://luoshu.example/" + strings.Repeat("a", 500), id, "", ""},
		{"https://luoshu.example", "A0000000", "", ""},
		{"https://luoshu.example", catalog.ID(strings.ToLower(string(id))), "", ""},
		{"https://luoshu.example", id, "k3", ""},
		{"https://luoshu.example", id, "K12345", ""},
		{"https://luoshu.example", id, "K3/..", ""},
	} {
		got, err := qr.Payload(test.base, test.id, test.placement)
		if got != test.want && test.want != "" {
			t.Errorf("Payload(%q, %q, %q) = %q, %v, want %q", test.base, test.id, test.placement, got, err, test.want)
		}
		if test.want == "" && !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("Payload(%q, %q, %q) = %q, %v, want ErrInvalid", test.base, test.id, test.placement, got, err)
		}
	}
}

func TestListPayload(t *testing.T) {
	a, b := catalog.MintID(catalog.Achievements, "a", 0), catalog.MintID(catalog.Demands, "b", 0)
	for _, test := range []struct {
		base      string
		ids       []catalog.ID
		placement string
		want      string
	}{
		{"https://luoshu.example", []catalog.ID{a}, "", "https://luoshu.example/q/list/" + string(a)},
		{"https://luoshu.example/", []catalog.ID{a, b}, "K3", "https://luoshu.example/q/list/" + string(a) + "," + string(b) + "-K3"},
		{"https://luoshu.example", nil, "", ""},
		{"https://luoshu.example", []catalog.ID{a, "A0000000"}, "", ""},
		{"https://luoshu.example", []catalog.ID{a}, "hall", ""},
		{"/q", []catalog.ID{a}, "", ""},
		{"https://luoshu.example", slices.Repeat([]catalog.ID{a}, 60), "", ""}, // too long
	} {
		got, err := qr.ListPayload(test.base, test.ids, test.placement)
		if test.want == "" {
			if !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("ListPayload(%q, %d, %q) = %v, want ErrInvalid", test.base, len(test.ids), test.placement, err)
			}
		} else if got != test.want || err != nil {
			t.Errorf("ListPayload(%q, %v, %q) = %q, %v, want %q", test.base, test.ids, test.placement, got, err, test.want)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, payload := range []string{"", strings.Repeat("a", qr.MaxPayload+1), "洛书", "a b", "a\n"} {
		if _, err := qr.New(payload, qr.Screen); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("New(%.20q) = %v, want ErrInvalid", payload, err)
		}
	}
	c := code(t, strings.Repeat("a", qr.MaxPayload), qr.Print)
	for _, size := range []int{-300, 0, qr.MinSize - 1, qr.MaxSize + 1} {
		if _, err := c.PNG(size); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("PNG(%d) = %v, want ErrInvalid", size, err)
		}
	}
}

// TestPNG decodes what was drawn, at every size class, back to the same bytes.
func TestPNG(t *testing.T) {
	for i, payload := range payloads() {
		sizes := []int{qr.MinSize, 300}
		if i == 0 {
			sizes = append(sizes, 256, qr.MaxSize)
		}
		for _, level := range []qr.Level{qr.Screen, qr.Print} {
			c := code(t, payload, level)
			for _, size := range sizes {
				b, err := c.PNG(size)
				if err != nil {
					t.Fatalf("PNG(%d) of %d modules: %v", size, c.Size(), err)
				}
				img, err := png.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				if side := img.Bounds().Dx(); side%c.Size() != 0 || side > size || side+c.Size() <= size {
					t.Errorf("PNG(%d) of %d modules is %d pixels wide", size, c.Size(), side)
				}
				if got := decode(t, img); got != payload {
					t.Errorf("PNG(%d) reads %q, want %q", size, got, payload)
				}
			}
		}
	}
}

func TestLevelAndQuietZone(t *testing.T) {
	const payload = "https://luoshu.example/q/A3K7M2QG"
	screen, print := code(t, payload, qr.Screen), code(t, payload, qr.Print)
	// Version 3 at M, 4 at Q: 17+4v modules, and the border on both sides.
	if screen.Size() != 29+2*qr.QuietZone || print.Size() != 33+2*qr.QuietZone {
		t.Errorf("sizes %d and %d, want 37 and 41", screen.Size(), print.Size())
	}
	m := draw(t, screen.SVG())
	for i := range screen.Size() {
		for _, p := range []image.Point{{i, qr.QuietZone - 1}, {qr.QuietZone - 1, i}, {i, screen.Size() - qr.QuietZone}} {
			if m[p] {
				t.Fatalf("dark module in the quiet zone at %v", p)
			}
		}
	}
	if !m[image.Pt(qr.QuietZone, qr.QuietZone)] {
		t.Error("no finder pattern right behind the quiet zone")
	}
}

// TestSVG rebuilds the modules from the path alone and decodes them.
func TestSVG(t *testing.T) {
	for _, payload := range payloads() {
		c := code(t, payload, qr.Screen)
		svg := c.SVG()
		if bytes.Count(svg, []byte("<path")) != 1 || !bytes.Contains(svg, []byte(`shape-rendering="crispEdges"`)) {
			t.Errorf("SVG is not one crisp path: %.200s", svg)
		}
		const scale = 4
		img := image.NewGray(image.Rect(0, 0, scale*c.Size(), scale*c.Size()))
		for i := range img.Pix {
			img.Pix[i] = 255
		}
		for p := range draw(t, svg) {
			for y := range scale {
				for x := range scale {
					img.SetGray(p.X*scale+x, p.Y*scale+y, color.Gray{})
				}
			}
		}
		if got := decode(t, img); got != payload {
			t.Errorf("SVG reads %q, want %q", got, payload)
		}
	}
}

// TestCache: what a cache keeps is what is drawn without it.
func TestCache(t *testing.T) {
	var cache qr.Cache
	payload := payloads()[0]
	c := code(t, payload, qr.Print)
	picture, err := c.PNG(qr.MinSize)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		svg, errSVG := cache.SVG(payload, qr.Print)
		kept, errPNG := cache.PNG(payload, qr.Print, qr.MinSize)
		if err := errors.Join(errSVG, errPNG); err != nil || !bytes.Equal(svg, c.SVG()) || !bytes.Equal(kept, picture) {
			t.Errorf("%v: %d and %d bytes", err, len(svg), len(kept))
		}
	}
	if _, err := cache.PNG(payload, qr.Print, qr.MaxSize+1); !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("PNG(%d) = %v, want ErrInvalid", qr.MaxSize+1, err)
	}
	if _, err := cache.SVG("洛书", qr.Print); !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("SVG of no ASCII = %v, want ErrInvalid", err)
	}
}

func TestZbar(t *testing.T) {
	zbarimg, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("zbarimg is not installed")
	}
	for i, payload := range payloads() {
		b, err := code(t, payload, qr.Screen).PNG(600)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), fmt.Sprintf("%d.png", i))
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(zbarimg, "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file).Output()
		if err != nil {
			t.Fatalf("zbarimg: %v", err)
		}
		if got := strings.TrimSuffix(string(out), "\n"); got != payload {
			t.Errorf("zbarimg reads %q, want %q", got, payload)
		}
	}
}

func payloads() []string {
	id := catalog.MintID(catalog.Achievements, "payload", 0)
	return []string{
		"https://luoshu.example/q/" + string(id),
		"http://192.168.110.205:8080/q/" + string(id) + "-K3",
		"https://luoshu.example/q/" + string(id) + "-P2",
		"https://luoshu.example/q/technology-contract-turnover",
		"https://exchange.example/notice?id=1&x=%E6%B4%9B#a" + strings.Repeat("b", 200),
	}
}

func code(t *testing.T, payload string, level qr.Level) *qr.Code {
	t.Helper()
	c, err := qr.New(payload, level)
	if err != nil {
		t.Fatalf("New(%.40q): %v", payload, err)
	}
	return c
}

func decode(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		t.Fatalf("decode image of %v: %v", img.Bounds(), err)
	}
	return result.GetText()
}

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// draw returns the dark modules of an SVG as this package writes it.
func draw(t *testing.T, svg []byte) map[image.Point]bool {
	t.Helper()
	var doc struct {
		Path struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(svg, &doc); err != nil {
		t.Fatalf("SVG is not XML: %v", err)
	}
	if rest := run.ReplaceAllString(doc.Path.D, ""); rest != "" {
		t.Fatalf("path holds more than runs: %.40q", rest)
	}
	dark := map[image.Point]bool{}
	for _, m := range run.FindAllStringSubmatch(doc.Path.D, -1) {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(m[i+1])
		}
		if n[2] != n[3] {
			t.Fatalf("run %q is not a rectangle", m[0])
		}
		for x := range n[2] {
			dark[image.Pt(n[0]+x, n[1])] = true
		}
	}
	return dark
}
