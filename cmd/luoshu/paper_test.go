package main

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/go-json-experiment/json"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// tool returns the path of a program that tests need.
func installed(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed; make test installs it", name)
		}
		t.Skipf("%s is not installed; make test installs it", name)
	}
	return path
}

func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(installed(t, name), args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.String())
	}
	return string(out)
}

// entry is what one entry of the printed catalog must say.
type entry struct {
	Key          string `json:"source_key"`
	Title        string `json:"title"`
	Abstract     string `json:"abstract"`
	Advantages   string `json:"advantages"`
	TRL          int    `json:"trl"`
	Organization string `json:"-"`
}

// entries are n entries with the characters that fonts and extractors stumble over:
// beyond the first plane, of new level-3 names, units, quotes, markup.
func printedEntries(n int) []entry {
	rare := []string{"瀍河", "𬭊", "𫟹与𬬭", "1580 ℃", "25 ㎡", "μΩ·cm", "“引号”——破折", "a < b & c", "H₂O 与 m²", "鿍", "0.1–0.5 mm", "Köln"}
	var all []entry
	for i := range n {
		r := rare[i%len(rare)]
		all = append(all, entry{
			Key: strconv.Itoa(i), Title: fmt.Sprintf("第%d项可转化成果：%s的测试", i+1, r),
			Abstract:   fmt.Sprintf("面向%s的工程样机，连续运行 %d 小时，精度提高两成，能耗降低一成。%s", r, 1000+7*i, strings.Repeat("样机在现场逐月复核，数据可以查阅，愿意到厂里当面演示。", 1+i%4)),
			Advantages: fmt.Sprintf("与同类相比，%s的一致性更好；工装可以利旧。", r), TRL: i%9 + 1,
			Organization: fmt.Sprintf("示例研究院第%d研究所", i%7+1),
		})
	}
	return all
}

func lines(rows ...any) string {
	var b strings.Builder
	for _, r := range rows {
		line, _ := json.Marshal(r)
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// TestPrintedCatalog publishes a package of sixty entries, gives its edition a number,
// prints it, and reads the PDF as a press, a reader and a phone would.
func TestPrintedCatalog(t *testing.T) {
	for _, name := range []string{"chromium", "pdftoppm", "zbarimg"} {
		installed(t, name)
	}
	const n = 60
	all := printedEntries(n)
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	var records []any
	var items []string
	for _, e := range all {
		records = append(records, map[string]any{
			"source_key": e.Key, "title": e.Title, "abstract": e.Abstract, "advantages": e.Advantages, "trl": e.TRL, "trl_scale": "gbt22900-2022",
			"organizations": []map[string]string{{"name": e.Organization}}, "tech_fields": []string{"materials"},
		})
		items = append(items, "key:"+e.Key)
	}
	published := luoshu(t, data, publishArgs(write(t, "a.jsonl", lines(records...)), store)...).want(t, exitDone).report(t)
	pack := write(t, "p.jsonl", lines(map[string]any{
		"source_key": "pack", "title": "成果包第1期：难印的字", "issue_no": "2026年第1期", "abstract": "收录六十项。", "items": items,
	}))
	args := publishArgs(pack, store)
	args[slices.Index(args, "achievements")] = "packages"
	packID := luoshu(t, data, args...).want(t, exitDone).report(t).Rows[0].ID

	edition := []string{"publish", "--to", store, "--publisher", "p", "--edition", packID, "--json"}
	var recorded struct {
		Editions []printedEdition `json:"editions"`
		Release  *struct {
			Sequence int `json:"sequence"`
		} `json:"release"`
	}
	for i, isNew := range []bool{true, false} {
		o := luoshu(t, data, edition...).want(t, exitDone)
		if err := json.Unmarshal([]byte(o.stdout), &recorded); err != nil {
			t.Fatal(err)
		}
		if e := recorded.Editions[0]; e.Number != 1 || e.Items != n || e.New != isNew || (recorded.Release != nil) != isNew {
			t.Fatalf("edition recorded, time %d: %+v", i+1, e)
		}
	}

	out := filepath.Join(t.TempDir(), "a.pdf")
	print := func(out string) []byte {
		start := time.Now()
		luoshu(t, data, "print", "--package", packID, "--source", store, "--public-url", "https://luoshu.example", "--lang", "zh", "--out", out).want(t, exitDone)
		t.Logf("%d entries in %s", n, time.Since(start).Round(time.Millisecond))
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := print(out)
	if again := print(filepath.Join(t.TempDir(), "b.pdf")); !bytes.Equal(b, again) {
		t.Errorf("the second print differs: %d and %d bytes", len(b), len(again))
	}

	var want []string
	for _, row := range published.Rows {
		want = append(want, "https://luoshu.example/q/"+row.ID+"-P1")
	}
	slices.Sort(want)

	t.Run("fonts", func(t *testing.T) {
		fonts := strings.Split(strings.TrimSpace(output(t, "pdffonts", out)), "\n")[2:]
		for _, line := range fonts {
			if strings.Contains(line, "Type 3") || !regexp.MustCompile(`\byes +yes +yes\b`).MatchString(line) {
				t.Errorf("font is not embedded as it should: %s", line)
			}
		}
	})
	t.Run("text", func(t *testing.T) {
		text := squeezed(output(t, "pdftotext", "-raw", out, "-"))
		pdf, err := readPDF(b)
		if err != nil {
			t.Fatal(err)
		}
		places, pages, err := pdf.places()
		if err != nil || len(places) != n || pages < n/4 {
			t.Fatalf("%d places on %d pages: %v", len(places), pages, err)
		}
		for i, e := range all {
			for _, s := range []string{e.Title, e.Abstract, e.Advantages, e.Organization, published.Rows[i].ID} {
				if !strings.Contains(text, squeezed(s)) {
					t.Errorf("entry %d lacks %q", i+1, s)
				}
			}
			if row := squeezed(fmt.Sprintf("%d%s%d", i+1, e.Title, places[fmt.Sprintf("e%d", i+1)])); strings.Count(text, row) < 3 {
				t.Errorf("contents and indexes lack %q", row)
			}
			if title := []byte(strings.ToUpper(hexUTF16(e.Title))); !bytes.Contains(b, title) {
				t.Errorf("no bookmark %q", e.Title)
			}
		}
		if info := output(t, "pdfinfo", out); !regexp.MustCompile(`Tagged: +yes`).MatchString(info) || !strings.Contains(info, "A4") {
			t.Errorf("no tags, or other paper:\n%s", info)
		}
		if n := strings.Count(text, squeezed("第3号发布")); n < pages {
			t.Errorf("the release stands on %d of %d pages", n, pages)
		}
	})
	t.Run("codes", func(t *testing.T) {
		dir := t.TempDir()
		var tiles []*image.Gray
		for _, dpi := range []string{"72", "100", "150"} {
			prefix := filepath.Join(dir, dpi)
			output(t, "pdftoppm", "-gray", "-r", dpi, out, prefix)
			files, err := filepath.Glob(prefix + "-*.pgm")
			if err != nil || len(files) == 0 {
				t.Fatal("no pages", err)
			}
			if got := zbar(t, files); !slices.Equal(got, want) {
				t.Errorf("zbar at %s dpi: %d codes of %d", dpi, len(got), len(want))
			}
			tiles = nil
			for _, f := range files {
				tiles = append(tiles, codesOn(t, f)...)
			}
			if got := zxing(tiles); !slices.Equal(got, want) {
				t.Errorf("gozxing at %s dpi: %d codes of %d tiles", dpi, len(got), len(tiles))
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		var files []string
		for i, tile := range tiles {
			tiles[i] = rotated(blurred(noisy(tile, .1, rng), 1.5), 15)
			files = append(files, filepath.Join(dir, fmt.Sprintf("worn-%03d.pgm", i)))
			b := fmt.Appendf(nil, "P5 %d %d 255\n", tiles[i].Rect.Dx(), tiles[i].Rect.Dy())
			if err := os.WriteFile(files[i], append(b, tiles[i].Pix...), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := zbar(t, files); !slices.Equal(got, want) {
			t.Errorf("zbar, worn: %d codes of %d", len(got), len(want))
		}
		if got := zxing(tiles); !slices.Equal(got, want) {
			t.Errorf("gozxing, worn: %d codes of %d", len(got), len(want))
		}
	})
}

func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func hexUTF16(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return hex.EncodeToString(b)
}

// zbar returns what the codes in the files hold, in order.
func zbar(t *testing.T, files []string) []string {
	t.Helper()
	args := append([]string{"-q", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable"}, files...)
	out, err := exec.Command(installed(t, "zbarimg"), args...).Output()
	const nothingOnSome = 4 // the cover has none
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != nothingOnSome) {
		t.Fatal(err)
	}
	got := strings.Fields(string(out))
	slices.Sort(got)
	return got
}

// zxing returns what gozxing reads, in order. It wants three pixels to a module, so a small
// picture is enlarged; where noise is left, a second look is smoothed, as a camera does.
func zxing(tiles []*image.Gray) []string {
	var got []string
	for _, tile := range tiles {
		for look := range 8 {
			picture := tile
			if look >= 4 {
				picture = blurred(tile, 1)
			}
			if text, ok := decoded(enlarged(picture, look%4+1)); ok {
				got = append(got, text)
				break
			}
		}
	}
	slices.Sort(got)
	return got
}

func decoded(picture *image.Gray) (string, bool) {
	source := gozxing.NewLuminanceSourceFromImage(picture)
	for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		bitmap, err := gozxing.NewBinaryBitmap(binarizer)
		if err != nil {
			continue
		}
		hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
		if r, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
			return r.GetText(), true
		}
	}
	return "", false
}

// enlarged returns the picture scale times as large, smoothly.
func enlarged(in *image.Gray, scale int) *image.Gray {
	if scale == 1 {
		return in
	}
	out := image.NewGray(image.Rect(0, 0, in.Rect.Dx()*scale, in.Rect.Dy()*scale))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Pix[y*out.Stride+x] = between(in, (float64(x)+.5)/float64(scale)-.5, (float64(y)+.5)/float64(scale)-.5)
		}
	}
	return out
}

// codesOn cuts the codes out of a page of A4, where they stand in a column at the right.
func codesOn(t *testing.T, name string) []*image.Gray {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var w, h, most int
	if _, err := fmt.Sscanf(string(b[:min(len(b), 40)]), "P5\n%d %d\n%d", &w, &h, &most); err != nil {
		t.Fatal(err)
	}
	page := &image.Gray{Pix: b[len(b)-w*h:], Stride: w, Rect: image.Rect(0, 0, w, h)}
	mm := func(n float64) int { return int(n * float64(w) / 210) }
	left, right := mm(162), mm(192)
	dark := func(y int) bool {
		return slices.ContainsFunc(page.Pix[y*w+left:y*w+right], func(v byte) bool { return v < 128 })
	}
	var tiles []*image.Gray
	for y := 0; y < h; y++ {
		if !dark(y) {
			continue
		}
		end, white := y, 0
		for white < mm(2) && end+white < h {
			if dark(end + white) {
				end, white = end+white+1, 0
			} else {
				white++
			}
		}
		if end-y > mm(20) {
			margin := mm(2.8)
			tile := image.NewGray(image.Rect(0, 0, right-left, end-y+2*margin))
			for i := range tile.Pix {
				tile.Pix[i] = 255
			}
			for row := range end - y + 2*margin {
				copy(tile.Pix[row*tile.Stride:], page.Pix[(y-margin+row)*w+left:][:right-left])
			}
			tiles = append(tiles, tile)
		}
		y = end
	}
	return tiles
}

// noisy makes a part of the pixels black or white.
func noisy(in *image.Gray, part float64, rng *rand.Rand) *image.Gray {
	out := &image.Gray{Pix: slices.Clone(in.Pix), Stride: in.Stride, Rect: in.Rect}
	for i := range out.Pix {
		if rng.Float64() < part {
			out.Pix[i] = byte(255 * rng.IntN(2))
		}
	}
	return out
}

// blurred applies a Gaussian of that standard deviation in pixels.
func blurred(in *image.Gray, sigma float64) *image.Gray {
	radius := int(3 * sigma)
	var kernel []float64
	sum := 0.0
	for i := -radius; i <= radius; i++ {
		kernel = append(kernel, math.Exp(-float64(i*i)/(2*sigma*sigma)))
		sum += kernel[len(kernel)-1]
	}
	pass := func(in *image.Gray, dx, dy int) *image.Gray {
		out := image.NewGray(in.Rect)
		for y := range in.Rect.Dy() {
			for x := range in.Rect.Dx() {
				v := 0.0
				for k, weight := range kernel {
					at := in.GrayAt(min(max(x+dx*(k-radius), 0), in.Rect.Dx()-1), min(max(y+dy*(k-radius), 0), in.Rect.Dy()-1))
					v += weight * float64(at.Y)
				}
				out.Pix[y*out.Stride+x] = byte(v / sum)
			}
		}
		return out
	}
	return pass(pass(in, 1, 0), 0, 1)
}

// rotated turns the picture by so many degrees, on white.
func rotated(in *image.Gray, degrees float64) *image.Gray {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(in.Rect.Dx()), float64(in.Rect.Dy())
	side := int(math.Hypot(w, h)) + 2
	out := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			dx, dy := float64(x)-float64(side)/2, float64(y)-float64(side)/2
			u, v := cos*dx+sin*dy+w/2, -sin*dx+cos*dy+h/2
			out.Pix[y*out.Stride+x] = between(in, u, v)
		}
	}
	return out
}

// between returns the value of a point between pixels.
func between(in *image.Gray, x, y float64) byte {
	x0, y0 := math.Floor(x), math.Floor(y)
	at := func(x, y float64) float64 {
		if p := image.Pt(int(x), int(y)); p.In(in.Rect) {
			return float64(in.Pix[p.Y*in.Stride+p.X])
		}
		return 255
	}
	fx, fy := x-x0, y-y0
	top := at(x0, y0)*(1-fx) + at(x0+1, y0)*fx
	bottom := at(x0, y0+1)*(1-fx) + at(x0+1, y0+1)*fx
	return byte(top*(1-fy) + bottom*fy)
}

// TestPrintRefuses says what is wrong before a browser starts.
func TestPrintRefuses(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "a.pdf")
	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{"nothing to print", nil, "--package, --catalog and --listing"},
		{"two things", []string{"--package", "P3K7M2QG", "--catalog", "q=x"}, "one of"},
		{"no file", []string{"--catalog", "q=x", "--out", ""}, "--out"},
		{"mistyped code", []string{"--package", "P3K7M2QH"}, "check character"},
		{"no public address", []string{"--catalog", "q=轴承", "--public-url", ""}, "--public-url"},
		{"unknown record", []string{"--listing", "A000000" + "0"}, "A0000000"},
		{"unknown parameter", []string{"--catalog", "feild=x"}, "not known"},
		{"nothing found", []string{"--catalog", "q=zzzzzzzz"}, "No record meets"},
		{"unknown paper", []string{"--catalog", "q=轴承", "--format", "b5"}, "a4, a5, a6 or labels"},
		{"no browser", []string{"--catalog", "q=轴承", "--browser", filepath.Join(dir, "none")}, "--browser"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"print", "--out", out, "--public-url", "https://luoshu.example", "--lang", "en"}
			o := luoshu(t, dir, append(args, tt.args...)...).want(t, exitUsage)
			if !strings.Contains(o.stderr, tt.says) {
				t.Errorf("says %q, want %q", o.stderr, tt.says)
			}
		})
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written")
	}
}

// FuzzPDF reads what a browser never wrote.
func FuzzPDF(f *testing.F) {
	f.Add([]byte("%PDF-1.4\n1 0 obj\n<</Type /Catalog\n/Pages 2 0 R\n/Dests 4 0 R>>\nendobj\n2 0 obj\n<</Type /Pages\n/Kids [3 0 R]>>\nendobj\n" +
		"3 0 obj\n<</Type /Page>>\nendobj\n4 0 obj\n<</e1 [3 0 R /XYZ 0 0 0]>>\nendobj\n"))
	f.Add([]byte("%PDF-1.4\n2 0 obj\n<</Type /Pages /Kids [2 0 R]>>\nendobj\n1 0 obj\n<</Type /Catalog\n/Pages 2 0 R>>\nendobj\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pdf, err := readPDF(b)
		if err != nil {
			return
		}
		places, pages, err := pdf.places()
		for name, page := range places {
			if err == nil && (page < 1 || page > pages) {
				t.Errorf("%s on page %d of %d", name, page, pages)
			}
		}
		pdf.drawn()
		pdf.settle(time.Unix(0, 0))
		if len(pdf.bytes) != len(b) {
			t.Error("settling moved something")
		}
	})
}

// FuzzFont reads damaged fonts, and cuts those that can be read.
func FuzzFont(f *testing.F) {
	var faces []*fontFace
	for _, dir := range []string{"/usr/share/fonts/truetype"} {
		faces = append(faces, findFonts(dir)...)
	}
	slices.SortFunc(faces, func(a, b *fontFace) int { return cmp.Compare(len(a.runs), len(b.runs)) })
	if len(faces) > 0 {
		b, err := faces[0].subset([]rune("Luoshu"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		face, err := readFont(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		cut, err := cutFont(b, face.runs, []rune("Luo"))
		if err == nil && len(cut) > len(b)+1<<20 {
			t.Errorf("cut from %d to %d bytes", len(b), len(cut))
		}
	})
}
