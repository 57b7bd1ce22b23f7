package kiosk

import (
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/static"
)

// usualPanel is that of a terminal which declares none.
var usualPanel = catalog.Panel{Inches: 21.5, Width: 1080, Height: 1920}

const (
	// fullSide is the shorter side, in mm, of the usual panel: type and spaces shrink with a
	// smaller one, which is read from nearer, and grow with a larger one, which is read from
	// farther off and would stay half empty.
	fullSide, leastNear, mostNear = 268, .45, 2
	// largeType is how much larger the body is in large type, see css/tokens.css. What a
	// small panel takes away, large type gives back: the angle is the reader's right. Even
	// where all is large already, it is larger.
	largeType, leastLarge = 1.43, 1.2
	codeSize              = 60 // mm, of a code with its white border, where it is scanned standing
)

// small reports whether the screen is one on which targets, as large as ever, crowd out the
// rest: of 12 inches or less.
func (rq *request) small() bool { return rq.declared && near(rq.panel) < .6 }

// near returns how large type and spaces are on p, 1 as usual.
func near(p catalog.Panel) float64 {
	side := float64(min(p.Width, p.Height)) / p.Millimeter()
	return min(mostNear, max(leastNear, side/fullSide))
}

// panelSheet returns the style sheet of a panel: the custom properties that every size
// of css/kiosk.css is made of. A target is never less than 60 px, as 适老化 asks.
func panelSheet(p catalog.Panel) string {
	n := near(p)
	bar, headings := 24, ""
	if n < .8 {
		// Large type grows so much there that titles stand out by little.
		bar, headings = 20, ";--card:calc(1.08 * var(--body));--section:calc(1.16 * var(--body))"
	}
	return fmt.Sprintf(`:root{--mm:%.4fpx;--near:%.3f;--target:max(60px,calc(20 * var(--mm)));--bar:max(60px,calc(%d * var(--mm)));--reach:%.1fdvh}
:root.large{--type:%.3f%s}
`, p.Millimeter(), n, bar, 100*p.Reach(), max(leastLarge, largeType/n), headings)
}

// panelVersion changes when panelSheet gives another sheet for the same panel.
var panelVersion = func() string {
	var all strings.Builder
	for _, p := range []catalog.Panel{{Inches: 10.1, Width: 1280, Height: 800}, usualPanel, {Inches: 43, Width: 1080, Height: 1920}} {
		all.WriteString(panelSheet(p))
	}
	return static.Hash([]byte(all.String()))
}()

// panelURL returns the address of the panel's style sheet: the panel itself, so that the
// sheet can be kept for ever.
func panelURL(p catalog.Panel) string { return "/panel/" + p.String() + "." + panelVersion + ".css" }

// panelCSS answers /panel/{panel}.{version}.css.
func (h *Handler) panelCSS(c *fiber.Ctx) error {
	name, ok := strings.CutSuffix(c.Params("panel"), "."+panelVersion+".css")
	if !ok {
		return catalog.ErrNotFound
	}
	p, err := catalog.ParsePanel(name)
	if err != nil || p.String() != name {
		return catalog.ErrNotFound
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderContentType, "text/css; charset=utf-8")
	return c.SendString(panelSheet(p))
}
