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

// panelSheet returns the style sheet of a panel: the custom properties that every size
// of css/kiosk.css is made of. A target is never less than 60 px, as 适老化 asks.
func panelSheet(p catalog.Panel) string {
	return fmt.Sprintf(`:root{--mm:%.4fpx;--target:max(60px,calc(20 * var(--mm)));--bar:max(60px,calc(24 * var(--mm)));--reach:%.1fdvh}
`, p.Millimeter(), 100*p.Reach())
}

// panelVersion changes when panelSheet gives another sheet for the same panel.
var panelVersion = static.Hash([]byte(panelSheet(usualPanel)))

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
