package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// TestCodesOnPanels looks at the codes on the pages of a terminal as a phone would, on
// panels of several sizes: two decoders find them in the picture and read the address of
// the page byte by byte, also out of focus, in bad light, and held askew.
func TestCodesOnPanels(t *testing.T) {
	for _, on := range []screen{portrait, small, large} {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "--public-url", "https://luoshu.example", "--terminal", "K1", "--panel", fmt.Sprintf("%g:%dx%d", on.inches, on.width, on.height))
			var ids []string
			for _, r := range s.records("achievements?limit=20") {
				ids = append(ids, r.ID)
			}
			v := visit(t, s, on)
			v.open("/achievements/" + ids[0])
			v.reads("https://luoshu.example/q/" + ids[0] + "-K1")
			v.open("/achievements/" + ids[0] + "?contrast=high&lang=en") // white on black, but for the code
			v.reads("https://luoshu.example/q/" + ids[0] + "-K1")
			v.open("/take?take=" + strings.Join(ids, ","))
			v.reads("https://luoshu.example/q/list/" + strings.Join(ids, ",") + "-K1")
		})
	}
}

// cameraSide is how many pixels a camera has for a code and what is around it, in a row,
// however many a large panel has.
const cameraSide = 420

// reads fails unless the code on the page reads as want, in every view of it.
func (v *visitor) reads(want string) {
	v.t.Helper()
	shot, err := png.Decode(bytes.NewReader(v.picture()))
	if err != nil {
		v.t.Fatal(err)
	}
	type box struct{ X, Y, W, H float64 }
	at := must[box](v, `() => { const r = document.querySelector("svg.code").getBoundingClientRect(); return {X: r.x, Y: r.y, W: r.width, H: r.height}; }`)
	const around = 0.3 // of the code, as a phone sees it
	seen := image.Rect(int(at.X-around*at.W), int(at.Y-around*at.H), int(at.X+(1+around)*at.W), int(at.Y+(1+around)*at.H)).Intersect(shot.Bounds())
	code := image.NewGray(image.Rect(0, 0, seen.Dx(), seen.Dy()))
	draw.Draw(code, code.Bounds(), shot, seen.Min, draw.Src)
	if side := code.Rect.Dx(); side > cameraSide {
		code = turned(code, 0, cameraSide/float64(side))
	}
	for _, view := range []struct {
		name string
		image.Image
	}{
		{"whole screen", shot}, {"close", code}, {"blurred", blurred(code, 1.5)}, {"noisy", noisy(code, 0.1)}, {"askew", turned(code, 15, 1)},
	} {
		if got, err := zbar(v.t, view.Image); got != want {
			v.t.Errorf("%s on %s, %s: zbar reads %q, want %q (%v)", v.path(), v.screen.name, view.name, got, want, err)
		}
		if view.name == "whole screen" {
			continue // it looks for one code alone
		}
		if got, err := zxing(view.Image); got != want {
			v.t.Errorf("%s on %s, %s: zxing reads %q, want %q (%v)", v.path(), v.screen.name, view.name, got, want, err)
		}
	}
}

// zbar returns what zbarimg reads in a picture.
func zbar(t testing.TB, img image.Image) (string, error) {
	t.Helper()
	program := installed(t, "zbarimg")
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file).Output()
	return strings.TrimSuffix(string(out), "\n"), err
}

// zxing returns what gozxing reads in a picture, or in one three times as large: a camera has
// more pixels than a small panel, whose modules have four.
func zxing(img image.Image) (string, error) {
	got, err := zxingOnce(img)
	if gray, ok := img.(*image.Gray); ok && err != nil {
		return zxingOnce(turned(gray, 0, 3))
	}
	return got, err
}

func zxingOnce(img image.Image) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

// blurred returns img out of focus: a Gaussian of sigma pixels.
func blurred(img *image.Gray, sigma float64) *image.Gray {
	radius := int(3 * sigma)
	var weights []float64
	sum := 0.0
	for i := -radius; i <= radius; i++ {
		w := math.Exp(-float64(i*i) / (2 * sigma * sigma))
		weights, sum = append(weights, w), sum+w
	}
	pass := func(from *image.Gray, dx, dy int) *image.Gray {
		to := image.NewGray(from.Rect)
		for y := range from.Rect.Dy() {
			for x := range from.Rect.Dx() {
				v := 0.0
				for i, w := range weights {
					sx := min(max(x+(i-radius)*dx, 0), from.Rect.Dx()-1)
					sy := min(max(y+(i-radius)*dy, 0), from.Rect.Dy()-1)
					v += w * float64(from.GrayAt(sx, sy).Y)
				}
				to.SetGray(x, y, color.Gray{uint8(v/sum + 0.5)})
			}
		}
		return to
	}
	return pass(pass(img, 1, 0), 0, 1)
}

// noisy returns img with noise of that part of full light on every pixel.
func noisy(img *image.Gray, part float64) *image.Gray {
	random := rand.New(rand.NewPCG(1, 2))
	to := image.NewGray(img.Rect)
	for i, v := range img.Pix {
		to.Pix[i] = uint8(min(max(float64(v)+random.NormFloat64()*part*255, 0), 255))
	}
	return to
}

// turned returns img turned by degrees around its middle, on white, and scaled.
func turned(img *image.Gray, degrees, scale float64) *image.Gray {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	side := int(math.Hypot(w, h) * scale)
	to := image.NewGray(image.Rect(0, 0, side, side))
	at := func(x, y int) float64 {
		if !(image.Point{x, y}).In(img.Rect) {
			return 255
		}
		return float64(img.GrayAt(x, y).Y)
	}
	for y := range side {
		for x := range side {
			dx, dy := (float64(x)-float64(side)/2)/scale, (float64(y)-float64(side)/2)/scale
			sx, sy := cos*dx+sin*dy+w/2, cos*dy-sin*dx+h/2
			fx, fy := math.Floor(sx), math.Floor(sy)
			ax, ay, ix, iy := sx-fx, sy-fy, int(fx), int(fy)
			v := at(ix, iy)*(1-ax)*(1-ay) + at(ix+1, iy)*ax*(1-ay) + at(ix, iy+1)*(1-ax)*ay + at(ix+1, iy+1)*ax*ay
			to.SetGray(x, y, color.Gray{uint8(v + 0.5)})
		}
	}
	return to
}

// TestReadersOfPaper: what is left of a withdrawn record, the record that took the place of
// a merged one, and one that has changed since it was printed, are for everybody.
func TestReadersOfPaper(t *testing.T) {
	dir := t.TempDir()
	store := "dir:" + filepath.Join(dir, "store")
	publish := func(rows string, more ...string) {
		t.Helper()
		args := []string{"publish", "--to", store, "--publisher", "p"}
		if rows != "" {
			file := filepath.Join(dir, "rows.jsonl")
			if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, file, "--reviewed-by", "r", "--reviewed-on", "2026-11-20")
		}
		if out, err := command(t, dir, append(args, more...)...).Output(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	publish(`{"source_key":"1","title":"高速主轴轴承温升监测（示例）"}
{"source_key":"2","title":"主轴轴承温升在线监测装置（示例）","abstract":"印出时的简介。","trl":6}
{"source_key":"3","title":"轴承温升监测（示例）"}`)
	s := serve(t, "--source", store)
	id := map[string]string{}
	for _, r := range s.records("achievements") {
		id[r.Title] = r.ID
	}
	withdrawn, kept, merged := id["高速主轴轴承温升监测（示例）"], id["主轴轴承温升在线监测装置（示例）"], id["轴承温升监测（示例）"]
	publish(`{"source_key":"L","title":"秋季目录（示例）","edition":"P2","issued_on":"2026-10-08","items":["`+kept+`"]}`, "--dataset", "catalogs")
	publish(`{"source_key":"2","title":"主轴轴承温升在线监测装置（示例）","abstract":"后来的简介。","trl":7}`)
	publish("", "--withdraw", withdrawn, "--reason", "权利人要求撤回")
	publish("", "--withdraw", merged, "--reason", "与另一条重复", "--successor", kept)
	v := visit(t, s, narrow)
	v.forgive(`: 4(04|10)`)
	eventually(t, "the last release is shown", func() bool {
		status, b := s.try("/q/" + merged)
		return status == http.StatusOK && bytes.Contains(b, []byte(kept))
	})
	for _, lang := range languages {
		for _, p := range []place{
			{name: "withdrawn", path: "/q/" + withdrawn + "-P2?", status: http.StatusGone},
			{name: "merged", path: "/q/" + merged + "-P2?"},
			{name: "printed", path: "/q/" + kept + "-P2?"},
			{name: "meant", path: "/q/" + kept[:6] + kept[7:8] + kept[6:7] + "?", status: http.StatusNotFound},
			{name: "list", path: "/q/list/" + kept + "," + merged + "?"},
			{name: "enter", path: "/q/?"},
		} {
			v.inspect(p, "lang="+lang)
			v.shot("paper-" + p.name + "-" + lang)
		}
	}
}
