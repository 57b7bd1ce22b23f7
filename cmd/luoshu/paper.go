package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"
	"github.com/spf13/cobra"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/kiosk"
	"luoshu/static"
)

// mostPasses is how often a print is laid out until its page numbers are right: once to
// know them, once with them, and once more in case they moved something.
const mostPasses = 3

// paperFlags are the flags of print.
type paperFlags struct {
	pack, query, listing string
	format, out          string
	bleed                int
	source, publicURL    string
	fonts, browser       string
}

func newPrint(env environment, c *common) *cobra.Command {
	p := &paperFlags{}
	cmd := &cobra.Command{
		Use: "print", Short: "Make a PDF to print: a package, a catalog, one listing",
		Long: `Makes a PDF of a package, of what a query finds, or of one listing, with a Chromium
that this machine has. It shows the same release as luoshu serve would.

  luoshu print --package P3K7M2QG --format a5 --out package.pdf
  luoshu print --catalog 'tech_fields=materials&trl.gte=7' --out catalog.pdf
  luoshu print --catalog 'q=bearing' --format labels --out labels.pdf
  luoshu print --listing A3K7M2QG --format a6 --lang en --out card.pdf

Formats are a4, a5 (a booklet, whose number of pages is a multiple of four), a6 (a card
for each entry) and labels (14 of 99 x 38 mm on a sheet of A4). --lang is the language
of the print as well.

A package is numbered with luoshu publish --edition; print it after that: its codes then
name the edition, and a scan can tell what has changed since.

Fonts are static TrueType files of this machine or of --fonts: browsers turn every other
kind into drawings (Type 3) that presses refuse. On Debian fonts-lxgw-wenkai has them
(fonts-noto-cjk has not); or put the static files of Noto Sans SC and Noto Serif SC into
a folder. The same release, fonts and browser give the same bytes.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd.Context(), env, c) },
	}
	f := cmd.Flags()
	f.StringVar(&p.pack, "package", "", "identifier of the package to print")
	f.StringVar(&p.query, "catalog", "", "query whose records to print, as in the address of a list: dataset=…&q=…&FIELD=…")
	f.StringVar(&p.listing, "listing", "", "identifier of the record to print")
	f.StringVar(&p.format, "format", "a4", "a4, a5, a6 or labels")
	f.IntVar(&p.bleed, "bleed", 0, "bleed in millimeters, 0 to 5, with crop marks")
	f.StringVar(&p.out, "out", "", "PDF file to write")
	f.StringVar(&p.source, "source", "", "store to print from (default: the data directory, else the demonstration)")
	f.StringVar(&p.publicURL, "public-url", "", "address that codes begin with (default: the catalog's own)")
	f.StringVar(&p.fonts, "fonts", "", "folder with static TrueType fonts to prefer over those of this machine")
	f.StringVar(&p.browser, "browser", "", "path of a Chromium (default: one that this machine has)")
	return cmd
}

// address returns the path and parameters of the page to print.
func (p *paperFlags) address(lang string) (string, url.Values, error) {
	given := 0
	for _, s := range []string{p.pack, p.query, p.listing} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return "", nil, usage("请给出 --package、--catalog、--listing 中的一个", "give one of --package, --catalog and --listing")
	}
	if p.out == "" {
		return "", nil, usage("缺少 --out：要写入的 PDF 文件", "--out is missing: the PDF file to write")
	}
	path, args := "/print/catalog", url.Values{}
	for flag, id := range map[string]string{"package": p.pack, "listing": p.listing} {
		if id == "" {
			continue
		}
		parsed, err := catalog.ParseID(id)
		if err != nil {
			return "", nil, usage("--%s %s：%v", "--%s %s: %v", flag, id, err)
		}
		path = "/print/" + flag + "s/" + string(parsed)
	}
	if p.query != "" {
		var err error
		if args, err = url.ParseQuery(strings.TrimPrefix(p.query, "?")); err != nil {
			return "", nil, usage("--catalog：%v", "--catalog: %v", err)
		}
	}
	args.Set("format", p.format)
	if lang == "en" {
		args.Set("lang", lang)
	}
	if p.bleed != 0 {
		args.Set("bleed", strconv.Itoa(p.bleed))
	}
	return path, args, nil
}

func (p *paperFlags) run(ctx context.Context, env environment, c *common) error {
	path, args, err := p.address(c.lang)
	if err != nil {
		return err
	}
	public, err := publicAddress(p.publicURL)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(env.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var node serveFlags
	if p.source != "" {
		node.sources = []string{p.source}
	}
	near, _, closeStore, err := node.follow(ctx, c.dataDir, log)
	if err != nil {
		return err
	}
	defer closeStore()
	snap := near.Current()
	if snap == nil {
		return noRelease(cmp.Or(p.source, c.dataDir))
	}
	where := addresses{configured: public, loopback: true}
	if base, _ := where.base(snap.Manifest()); base == "" {
		return usage("目录没有公开网址，印出的二维码扫不开；请用 --public-url 指明", "the catalog has no public address: its codes would lead nowhere. Give --public-url")
	}
	pages, err := kiosk.New(kiosk.Config{Reader: near, BaseURL: where.base, Printed: kiosk.MostPrinted, Logger: log})
	if err != nil {
		return err
	}
	if err := pages.Printable(path, args); err != nil {
		return asUsage(err)
	}
	browser, err := findBrowser(p.browser)
	if err != nil {
		return err
	}
	show := progress{w: env.stderr, bars: env.terminal(env.stderr), quiet: c.json && !env.terminal(env.stderr)}
	pdf, sheets, err := p.render(ctx, env, c, paperApp(pages), browser, path+"?"+args.Encode(), show)
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	pdf.settle(snap.Manifest().PublishedAt)
	err = cache.Replace(p.out, func(w io.Writer) error {
		_, err := w.Write(pdf.bytes)
		return err
	})
	if err != nil {
		return err
	}
	if c.json {
		return printJSON(env.stdout, map[string]any{"file": p.out, "pages": sheets, "bytes": len(pdf.bytes), "release": snap.Manifest().Sequence})
	}
	printer{w: env.stdout, lang: env.language(c.lang)}.line(catalog.Text{
		ZH: "%s：%d 页，%d 字节（第 %d 号发布）", EN: "%s: %d pages, %d bytes (release %d)",
	}, p.out, sheets, len(pdf.bytes), snap.Manifest().Sequence)
	return nil
}

// paperApp serves the pages to the browser alone.
func paperApp(pages *kiosk.Handler) *fiber.App {
	app := fiber.New(fiber.Config{
		Immutable: true, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true, ReadBufferSize: headerBytes,
		ErrorHandler: pages.Fail,
	})
	static.Routes(app)
	pages.Routes(app)
	return app
}

// shelf holds the fonts that the browser asks for by number. It is safe for concurrent use.
type shelf struct {
	mu    sync.Mutex
	fonts [][]byte
}

// add returns the address of a font.
func (s *shelf) add(font []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fonts = append(s.fonts, font)
	return "/fonts/" + strconv.Itoa(len(s.fonts)-1)
}

func (s *shelf) serve(c *fiber.Ctx) error {
	n, err := strconv.Atoi(c.Params("n"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || n < 0 || n >= len(s.fonts) {
		return fiber.ErrNotFound
	}
	return c.Send(s.fonts[n])
}

// render makes the PDF.
func (p *paperFlags) render(ctx context.Context, env environment, c *common, app *fiber.App, path, address string, show progress) (*pdfFile, int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, err
	}
	patient, cancel := context.WithTimeout(ctx, printPatience)
	defer cancel()
	b, err := startBrowser(patient, path)
	if err != nil {
		_ = listener.Close()
		return nil, 0, err
	}
	var fonts shelf
	app.Get("/fonts/:n", fonts.serve)
	served := make(chan struct{})
	go func() {
		_ = app.Listener(listener) // ends when it is shut down
		close(served)
	}()
	defer func() {
		b.close()
		_ = app.ShutdownWithTimeout(time.Second)
		<-served
	}()
	pdf, pages, err := p.layOut(b, env, "http://"+listener.Addr().String()+address, &fonts, show, env.language(c.lang))
	if err != nil && ctx.Err() == nil && patient.Err() != nil {
		err = catalog.NewTextError(err, catalog.Text{
			ZH: "浏览器 %s 在 %s 内没有排好版；请重试，或减少条目", EN: "the browser %s was not done within %s; try again, or print fewer entries",
		}, path, printPatience)
	}
	return pdf, pages, err
}

// printPatience is how long a browser may take: 200 entries take half a minute on a busy
// machine.
const printPatience = 10 * time.Minute

// layOut opens the page, brings its fonts along and prints it until its numbers are right.
func (p *paperFlags) layOut(b *browser, env environment, address string, fonts *shelf, show progress, lang string) (*pdfFile, int, error) {
	step, end := show.stage(catalog.Text{ZH: "排版", EN: "layouts"}.In(lang), -1)
	defer end()
	if err := b.open(address); err != nil {
		return nil, 0, err
	}
	var text string
	if err := b.evaluate(`document.body.textContent + document.title`, &text); err != nil {
		return nil, 0, err
	}
	var faces []*fontFace
	for _, dir := range append([]string{p.fonts}, fontFolders(env)...) {
		if dir != "" {
			faces = append(faces, findFonts(dir)...)
		}
	}
	text += "0123456789"
	chosen, missing := chooseFonts(faces, text)
	if len(missing) > 0 {
		return nil, 0, noFonts(missing)
	}
	if err := b.load(chosen, text, fonts); err != nil {
		return nil, 0, err
	}
	var before map[string]int
	for pass := 1; ; pass++ {
		raw, err := b.pdf()
		if err != nil {
			return nil, 0, err
		}
		step(int64(pass))
		pdf, err := readPDF(raw)
		if err != nil {
			return nil, 0, err
		}
		if chars, found := pdf.drawn(); found {
			return nil, 0, noFonts(chars)
		}
		places, pages, err := pdf.places()
		if err != nil {
			return nil, 0, err
		}
		if len(places) == 0 || maps.Equal(places, before) {
			return pdf, pages, nil
		}
		if pass == mostPasses {
			return nil, 0, fmt.Errorf("page numbers do not settle: %w", errPDF)
		}
		if err := b.number(places, pages); err != nil {
			return nil, 0, err
		}
		before = places
	}
}

// load gives the page its fonts, cut down to the characters of text. The first face of a
// list is the regular one.
func (b *browser) load(t typeface, text string, fonts *shelf) error {
	type face struct {
		Family string `json:"family"`
		Source string `json:"source"`
		Weight string `json:"weight"`
		Range  string `json:"range"`
	}
	var list []face
	add := func(family string, f *fontFace, chars []rune, span string, weights ...string) error {
		font, err := f.subset(chars)
		if err != nil {
			return err
		}
		address := fonts.add(font)
		for _, weight := range weights {
			list = append(list, face{family, "url(" + address + ")", weight, span})
		}
		return nil
	}
	for _, set := range []struct {
		family string
		faces  []*fontFace
	}{{"Luoshu Print", t.text}, {"Luoshu Print Serif", t.heading}} {
		for i, f := range set.faces {
			weights := []string{"400", "700"}
			if len(set.faces) > 1 {
				weights = weights[i : i+1]
			}
			if err := add(set.family, f, []rune(text), "U+0-10FFFF", weights...); err != nil {
				return err
			}
		}
	}
	for _, rest := range t.rest {
		var spans []string
		for _, r := range rest.chars {
			spans = append(spans, fmt.Sprintf("U+%X", r))
		}
		if err := add("Luoshu Print", rest.face, rest.chars, strings.Join(spans, ","), "400", "700"); err != nil {
			return err
		}
	}
	arg, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return b.evaluate(`Promise.all(`+string(arg)+`.map(f => {
	const face = new FontFace(f.family, f.source, {weight: f.weight, unicodeRange: f.range});
	document.fonts.add(face);
	return face.load();
})).then(() => document.fonts.ready).then(() => true)`, nil)
}

// number writes the pages of what links lead to behind them, and fills a booklet up.
func (b *browser) number(places map[string]int, pages int) error {
	arg, err := json.Marshal(places)
	if err != nil {
		return err
	}
	return b.evaluate(`(places => {
	document.documentElement.classList.add("paged");
	for (const row of document.querySelectorAll("a.row")) row.querySelector(".page").textContent = places[row.hash.slice(1)];
	for (const spare of [...document.querySelectorAll(".notes[hidden]")].slice(0, `+strconv.Itoa((4-pages%4)%4)+`)) spare.hidden = false;
})(`+string(arg)+`)`, nil)
}

// noFonts says which characters no font can be embedded for.
func noFonts(chars []rune) error {
	const most = 40
	shown := string(chars[:min(len(chars), most)])
	if len(chars) > most {
		shown += "…"
	}
	return usage("没有可嵌入的静态 TrueType 字体能印出这些字符（%[2]d 个）：%[1]s。请安装 fonts-lxgw-wenkai（Debian、Ubuntu：sudo apt install fonts-lxgw-wenkai），或把思源黑体、思源宋体（Noto Sans SC、Noto Serif SC）的静态 TTF 文件放进一个文件夹，用 --fonts 指明",
		"no static TrueType font has these characters (%[2]d): %[1]s. Install fonts-lxgw-wenkai (Debian: sudo apt install fonts-lxgw-wenkai), or put static TTF files of Noto Sans SC and Noto Serif SC into a folder and name it with --fonts", shown, len(chars))
}
