package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html"
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

	"github.com/go-json-experiment/json"
	"github.com/makiuchi-d/gozxing"
	multi "github.com/makiuchi-d/gozxing/multi/qrcode"
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
	rare := []string{"瀍河", "𬭊", "𠮷田", "㛃石", "𫟹与𬬭", "1580 ℃", "25 ㎡", "μΩ·cm", "“引号”——破折", "a < b & c", "H₂O 与 m²", "鿍", "0.1–0.5 mm", "Köln"}
	var all []entry
	for i := range n {
		r := rare[i%len(rare)]
		all = append(all, entry{
			Key: strconv.Itoa(i), Title: fmt.Sprintf("第%d项可转化成果：%s的测试", i+1, r),
			Abstract:   fmt.Sprintf("面向%s的工程样机，连续运行 %d 小时，精度提高两成，能耗降低一成。%s", r, 1000+7*i, strings.Repeat("样机在现场逐月复核，数据可以查阅，愿意到厂里当面演示。", 1+i%4)),
			Advantages: fmt.Sprintf("与同类相比，%s的一致性更好；工装可以利旧。", r), TRL: i%9 + 1,
			Organization: []string{"示例研究院第一研究所", "示例研究院瀍河分院", "示例𠮷田实验室", "示例㛃石材料厂", "示例𬭊材中心"}[i%5],
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
// prints it, and reads the PDF as a press, a reader and a phone would; then some of its
// entries in every other form.
func TestPrintedCatalog(t *testing.T) {
	for _, name := range []string{"chromium", "pdftoppm", "zbarimg"} {
		installed(t, name)
	}
	const n = 60
	all := printedEntries(n)
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	ids, pack := publishPackage(t, data, store, all)

	edition := []string{"publish", "--to", store, "--publisher", "p", "--edition", pack, "--json"}
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

	print := func(args ...string) (file string, pdf []byte) {
		file = filepath.Join(t.TempDir(), "a.pdf")
		start := time.Now()
		printed(t, data, store, file, args...)
		t.Logf("%s in %s", strings.Join(args, " "), time.Since(start).Round(time.Millisecond))
		pdf, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		embedded(t, file)
		return file, pdf
	}
	addresses := func(placement string, lowestTRL int) (want []string) {
		for i, e := range all {
			if e.TRL >= lowestTRL {
				want = append(want, "https://luoshu.example/q/"+ids[i]+placement)
			}
		}
		slices.Sort(want)
		return want
	}
	file, b := print("--package", pack)

	t.Run("text", func(t *testing.T) {
		text := squeezed(output(t, "pdftotext", "-raw", file, "-"))
		pdf, err := readPDF(b)
		if err != nil {
			t.Fatal(err)
		}
		places, pages, err := pdf.places()
		if err != nil || len(places) != n || pages < n/4 {
			t.Fatalf("%d places on %d pages: %v", len(places), pages, err)
		}
		// By its tags the document is read aloud: every entry is an article, with a heading,
		// and says what the record does and nothing else.
		articles := articlesOf(output(t, "pdfinfo", "-struct-text", file))
		if len(articles) != n {
			t.Fatalf("%d articles, want %d", len(articles), n)
		}
		bookmarks := bookmarksOf(output(t, "pdftohtml", "-xml", "-i", "-stdout", file))
		for i, e := range all {
			want := squeezed(fmt.Sprint(i+1, "成果", e.Title, e.Organization, ids[i], "TRL ", e.TRL, "GB/T 22900-2022", e.Abstract, "技术优势", e.Advantages))
			if articles[i] != want {
				t.Errorf("entry %d reads\n%s, want\n%s", i+1, articles[i], want)
			}
			at := places[fmt.Sprintf("e%d", i+1)]
			if row := squeezed(fmt.Sprint(i+1, e.Title, at)); strings.Count(text, row) < 3 {
				t.Errorf("contents and indexes lack %q", row)
			}
			if got := bookmarks[squeezed(e.Title)]; got != at {
				t.Errorf("the bookmark %q leads to page %d, want %d", e.Title, got, at)
			}
		}
		if info := output(t, "pdfinfo", file); !regexp.MustCompile(`Tagged: +yes`).MatchString(info) || !strings.Contains(info, "A4") {
			t.Errorf("no tags, or other paper:\n%s", info)
		}
		if n := strings.Count(text, squeezed("第3号发布")); n < pages {
			t.Errorf("the release stands on %d of %d pages", n, pages)
		}
	})
	t.Run("codes", func(t *testing.T) {
		want := addresses("-P1", 1)
		found := scan(t, file, want)
		approach(t, file, 72, found, want)
		closeUps := approach(t, file, 150, found, want)
		// As a phone sees them: in bad light, out of focus and askew, all at once.
		rng := rand.New(rand.NewPCG(1, 2))
		var files, got []string
		for i, picture := range closeUps {
			worn := turned(blurred(noisy(picture, .1, rng), 1.5), 15, 1)
			files = append(files, filepath.Join(t.TempDir(), fmt.Sprintf("worn-%03d.pgm", i)))
			if err := os.WriteFile(files[i], append(fmt.Appendf(nil, "P5 %d %d 255\n", worn.Rect.Dx(), worn.Rect.Dy()), worn.Pix...), 0o600); err != nil {
				t.Fatal(err)
			}
			got = append(got, zxingOne(worn))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("gozxing, worn: %d codes of %d", len(got), len(want))
		}
		if got := zbar(t, files); !slices.Equal(got, want) {
			t.Errorf("zbar, worn: %d codes of %d", len(got), len(want))
		}
	})
	// A print that is no edition says so in its codes.
	for _, form := range []struct {
		name  string
		args  []string
		pages func(int) bool
	}{
		{"a5", []string{"--bleed", "3"}, func(pages int) bool { return pages%4 == 0 }},
		{"a6", []string{"--bleed", "3"}, func(pages int) bool { return pages == len(addresses("", 8)) }},
		{"labels", nil, func(pages int) bool { return pages == 1 }},
	} {
		t.Run(form.name, func(t *testing.T) {
			args := append([]string{"--catalog", "trl.gte=8", "--format", form.name}, form.args...)
			file, b := print(args...)
			pdf, err := readPDF(b)
			if err != nil {
				t.Fatal(err)
			}
			if pages, err := pdf.pages(); err != nil || !form.pages(len(pages)) {
				t.Errorf("%d pages: %v", len(pages), err)
			}
			scan(t, file, addresses("-P0", 8))
			if form.name == "a5" { // which takes two passes
				if _, again := print(args...); !bytes.Equal(b, again) {
					t.Errorf("the second print differs: %d and %d bytes", len(b), len(again))
				}
			}
		})
	}
}

// publishPackage publishes entries and a package of them, and returns their identifiers.
func publishPackage(t testing.TB, data, store string, entries []entry) (ids []string, pack string) {
	t.Helper()
	var records []any
	var items []string
	for _, e := range entries {
		records = append(records, map[string]any{
			"source_key": e.Key, "title": e.Title, "abstract": e.Abstract, "advantages": e.Advantages, "trl": e.TRL, "trl_scale": "gbt22900-2022",
			"organizations": []map[string]string{{"name": e.Organization}}, "tech_fields": []string{"materials"},
		})
		items = append(items, "key:"+e.Key)
	}
	for _, row := range luoshu(t, data, publishArgs(write(t, "a.jsonl", lines(records...)), store)...).want(t, exitDone).report(t).Rows {
		ids = append(ids, row.ID)
	}
	args := publishArgs(write(t, "p.jsonl", lines(map[string]any{
		"source_key": "pack", "title": "成果包第1期：难印的字", "issue_no": "2026年第1期", "abstract": "收录若干项。", "items": items,
	})), store)
	args[slices.Index(args, "achievements")] = "packages"
	return ids, luoshu(t, data, args...).want(t, exitDone).report(t).Rows[0].ID
}

// printed prints into a file, as a process of its own: cutting fonts takes a race detector
// longer than all the rest.
func printed(t testing.TB, data, store, file string, args ...string) {
	t.Helper()
	args = append([]string{"print", "--data-dir", data, "--source", store, "--public-url", "https://luoshu.example", "--lang", "zh", "--out", file}, args...)
	if out, err := program(t.Context(), t, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// BenchmarkPrint prints a package of 200 entries with the browser of this machine.
func BenchmarkPrint(b *testing.B) {
	installed(b, "chromium")
	const n = 200
	data, store := b.TempDir(), "dir:"+filepath.Join(b.TempDir(), "s")
	_, pack := publishPackage(b, data, store, printedEntries(n))
	file := filepath.Join(b.TempDir(), "a.pdf")
	for b.Loop() {
		printed(b, data, store, file, "--package", pack)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	pdf, err := readPDF(raw)
	if err != nil {
		b.Fatal(err)
	}
	pages, err := pdf.pages()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/print")
	b.ReportMetric(float64(len(pages)), "pages")
	b.ReportMetric(float64(len(raw))/1e6, "MB")
}

// embedded fails unless every font of the file is inside it, as TrueType that can be searched.
func embedded(t *testing.T, file string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(output(t, "pdffonts", file)), "\n")[2:] {
		if strings.Contains(line, "Type 3") || !regexp.MustCompile(`\byes +yes +yes\b`).MatchString(line) {
			t.Errorf("font is not embedded as it should: %s", line)
		}
	}
}

// articlesOf returns the text of every article in a tree of tags, white space aside. The
// level of an element is how far it stands to the right.
func articlesOf(tree string) []string {
	var all []string
	level := -1 // of the article
	for line := range strings.Lines(tree) {
		line = strings.TrimRight(line, "\n")
		what := strings.TrimLeft(line, " ")
		in := len(line) - len(what)
		switch {
		case strings.HasPrefix(what, "Art"):
			level, all = in, append(all, "")
		case in <= level:
			level = -1
		case level >= 0 && strings.HasPrefix(what, `"`):
			all[len(all)-1] += squeezed(strings.TrimSuffix(what[1:], `"`))
		}
	}
	return all
}

var bookmark = regexp.MustCompile(`<item page="(\d+)">(.*?)</item>`)

// bookmarksOf returns the pages that the outline in the XML of pdftohtml leads to.
func bookmarksOf(outline string) map[string]int {
	at := map[string]int{}
	for _, m := range bookmark.FindAllStringSubmatch(outline, -1) {
		at[squeezed(html.UnescapeString(m[2]))], _ = strconv.Atoi(m[1])
	}
	return at
}

func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// sighting is where a decoder found a code, on a page of 100 dpi.
type sighting struct {
	page int
	at   image.Rectangle
}

// scan looks at the pages as they come from a printer of 100 dpi: both decoders find the codes
// by themselves and read them as wanted.
func scan(t *testing.T, pdf string, want []string) (found []sighting) {
	t.Helper()
	files := pictures(t, pdf, 100)
	if got := zbar(t, files); !slices.Equal(got, want) {
		t.Errorf("zbar at 100 dpi: %d codes of %d", len(got), len(want))
	}
	var got []string
	for i, f := range files {
		for text, at := range zxing(picture(t, f)) {
			got, found = append(got, text), append(found, sighting{i, at})
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("gozxing at 100 dpi: %d codes of %d", len(got), len(want))
	}
	return found
}

// approach looks at the codes that were found on pages of another resolution, and returns them
// close up.
func approach(t *testing.T, pdf string, dpi int, found []sighting, want []string) (closeUps []*image.Gray) {
	t.Helper()
	files := pictures(t, pdf, dpi)
	if got := zbar(t, files); !slices.Equal(got, want) {
		t.Errorf("zbar at %d dpi: %d codes of %d", dpi, len(got), len(want))
	}
	var got []string
	for _, s := range found {
		at := image.Rect(s.at.Min.X*dpi/100, s.at.Min.Y*dpi/100, s.at.Max.X*dpi/100, s.at.Max.Y*dpi/100)
		closeUp := cutOut(picture(t, files[s.page]), at)
		closeUps, got = append(closeUps, closeUp), append(got, zxingOne(closeUp))
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("gozxing at %d dpi: %d codes of %d", dpi, len(got), len(want))
	}
	return closeUps
}

// pictures makes gray pictures of the pages, in order.
func pictures(t *testing.T, pdf string, dpi int) []string {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "page")
	output(t, "pdftoppm", "-gray", "-r", strconv.Itoa(dpi), pdf, prefix)
	files, err := filepath.Glob(prefix + "-*.pgm")
	if err != nil || len(files) == 0 {
		t.Fatal("no pages", err)
	}
	return files
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

var tryHarder = map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}

// zxing returns what gozxing finds on a page, and where.
func zxing(page *image.Gray) map[string]image.Rectangle {
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(gozxing.NewLuminanceSourceFromImage(page)))
	if err != nil {
		return nil
	}
	results, _ := multi.NewQRCodeMultiReader().DecodeMultiple(bitmap, tryHarder) // it fails where there is none
	found := map[string]image.Rectangle{}
	for _, r := range results {
		var at image.Rectangle // around the middles of the corners
		for _, p := range r.GetResultPoints() {
			x, y := int(p.GetX()), int(p.GetY())
			at = at.Union(image.Rect(x, y, x+1, y+1))
		}
		found[r.GetText()] = at.Inset(-at.Dx() * 2 / 5).Intersect(page.Rect)
	}
	return found
}

// zxingOne returns what gozxing reads in the picture of one code. It looks from several
// distances, as a phone that comes nearer.
func zxingOne(picture *image.Gray) string {
	for _, scale := range []float64{1, 2, 1.5, 3} {
		look := picture
		if scale != 1 {
			look = turned(picture, 0, scale)
		}
		source := gozxing.NewLuminanceSourceFromImage(look)
		for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
			bitmap, err := gozxing.NewBinaryBitmap(binarizer)
			if err != nil {
				continue
			}
			if r, err := qrcode.NewQRCodeReader().Decode(bitmap, tryHarder); err == nil {
				return r.GetText()
			}
		}
	}
	return ""
}

// picture reads a gray picture of pdftoppm.
func picture(t *testing.T, name string) *image.Gray {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var w, h, most int
	if _, err := fmt.Sscanf(string(b[:min(len(b), 40)]), "P5\n%d %d\n%d", &w, &h, &most); err != nil {
		t.Fatal(err)
	}
	return &image.Gray{Pix: b[len(b)-w*h:], Stride: w, Rect: image.Rect(0, 0, w, h)}
}

// cutOut returns a part of a picture as one of its own.
func cutOut(in *image.Gray, at image.Rectangle) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, at.Dx(), at.Dy()))
	for y := range at.Dy() {
		copy(out.Pix[y*out.Stride:], in.Pix[(at.Min.Y+y)*in.Stride+at.Min.X:][:at.Dx()])
	}
	return out
}

// noisy puts noise of that part of full light on every pixel.
func noisy(in *image.Gray, part float64, rng *rand.Rand) *image.Gray {
	out := image.NewGray(in.Rect)
	for i, v := range in.Pix {
		out.Pix[i] = byte(min(max(float64(v)+rng.NormFloat64()*part*255, 0), 255))
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
	w, h := in.Rect.Dx(), in.Rect.Dy()
	pass := func(in *image.Gray, dx, dy int) *image.Gray {
		out := image.NewGray(in.Rect)
		for y := range h {
			for x := range w {
				v := 0.0
				for k, weight := range kernel {
					v += weight * float64(in.Pix[min(max(y+dy*(k-radius), 0), h-1)*in.Stride+min(max(x+dx*(k-radius), 0), w-1)])
				}
				out.Pix[y*out.Stride+x] = byte(v/sum + .5)
			}
		}
		return out
	}
	return pass(pass(in, 1, 0), 0, 1)
}

// turned turns the picture by so many degrees, on white, and scales it.
func turned(in *image.Gray, degrees, scale float64) *image.Gray {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(in.Rect.Dx()), float64(in.Rect.Dy())
	side := int(math.Hypot(w, h)*scale) + 2
	out := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			dx, dy := (float64(x)-float64(side)/2)/scale, (float64(y)-float64(side)/2)/scale
			out.Pix[y*out.Stride+x] = between(in, cos*dx+sin*dy+w/2, -sin*dx+cos*dy+h/2)
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
