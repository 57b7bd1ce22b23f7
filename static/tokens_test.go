package static

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	colorForm  = regexp.MustCompile(`^\s*--([a-z0-9-]+): (#[0-9a-f]{3,6});(?:\s*/\*(.*)\*/)?$`)
	statedForm = regexp.MustCompile(`on ([a-z0-9-]+) ([0-9.]+)`)
)

// tokens reads the colors of a block of css/tokens.css and what is stated of them.
func tokens(t *testing.T, block string) (colors map[string]string, stated map[[2]string]string) {
	t.Helper()
	css, err := files.ReadFile("css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(css), "\n"+block+" {\n")
	if !ok {
		t.Fatalf("no block %s", block)
	}
	body, _, _ := strings.Cut(rest, "\n}")
	colors, stated = map[string]string{}, map[[2]string]string{}
	for line := range strings.Lines(body) {
		m := colorForm.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		colors[m[1]] = m[2]
		for _, pair := range statedForm.FindAllStringSubmatch(m[3], -1) {
			stated[[2]string{m[1], pair[1]}] = pair[2]
		}
	}
	return colors, stated
}

// luminance of a color (WCAG 2.2, relative luminance).
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	hex := color[1:]
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	var sum float64
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(color, err)
		}
		v := float64(n) / 255
		if v <= .04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

// TestContrast computes every contrast that css/tokens.css states, and holds each to
// what its use asks: text 4.5, edges of controls 3, in high contrast text 7.
func TestContrast(t *testing.T) {
	for block, least := range map[string]float64{":root": 4.5, ".contrast": 7} {
		colors, stated := tokens(t, block)
		if len(stated) < 12 {
			t.Errorf("%s states %d contrasts only", block, len(stated))
		}
		for pair, figure := range stated {
			on, ok := colors[pair[1]]
			if !ok {
				t.Errorf("%s: %s is stated on %s, which is no color", block, pair[0], pair[1])
				continue
			}
			want, _ := strconv.ParseFloat(figure, 64)
			got := contrast(t, colors[pair[0]], on)
			if math.Abs(got-want) > .051 {
				t.Errorf("%s: %s on %s is %.2f, stated %s", block, pair[0], pair[1], got, figure)
			}
			need := least
			if pair[0] == "border" {
				need = 3
			}
			if got < need {
				t.Errorf("%s: %s on %s has a contrast of %.2f, needs %g", block, pair[0], pair[1], got, need)
			}
		}
	}
}

// TestAttractColors: night and day of the screen that waits are colors of the system.
func TestAttractColors(t *testing.T) {
	css, err := files.ReadFile("css/kiosk.css")
	if err != nil {
		t.Fatal(err)
	}
	colors, _ := tokens(t, ":root")
	turns := regexp.MustCompile(`\{ (--sky: [^;]*;.*)`).FindAllStringSubmatch(string(css), -1)
	if len(turns) != 2 {
		t.Fatalf("%d turns of the sky, want night and day", len(turns))
	}
	for _, turn := range turns {
		c := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z]+): var\(--([a-z0-9-]+)\)`).FindAllStringSubmatch(turn[1], -1) {
			if c[m[1]] = colors[m[2]]; c[m[1]] == "" {
				t.Errorf("%s is no color of css/tokens.css", m[2])
			}
		}
		for _, name := range []string{"moon", "star", "haze"} {
			if got := contrast(t, c[name], c["sky"]); got < 4.5 {
				t.Errorf("%s on %s has a contrast of %.2f", name, c["sky"], got)
			}
		}
	}
}

// TestLargeType: in large type a capital of the body is as high as EN 301 549, 5.1.4
// asks, 0.7 degrees at 600 mm; a capital of Noto Sans SC has 0.733 of its size.
func TestLargeType(t *testing.T) {
	css, err := files.ReadFile("css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	read := func(pattern string) float64 {
		m := regexp.MustCompile(pattern).FindSubmatch(css)
		if m == nil {
			t.Fatalf("no %s", pattern)
		}
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	body := read(`--body: calc\(([0-9.]+) \* var\(--u\) \* var\(--type\)\)`)
	large := read(`root\.large \{\s*--type: ([0-9.]+);`)
	if got, want := body*large*.733, 2*600*math.Tan(.35*math.Pi/180); got < want {
		t.Errorf("a capital is %.2f mm high, want %.2f", got, want)
	}
}
