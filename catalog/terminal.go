package catalog

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// Terminal is a screen that the public touches. Its name stands in the codes it
// shows, and the node that drives it is started under that name.
type Terminal struct {
	// ID is a letter and up to four digits, such as K3.
	ID string `json:"id"`
	// Market is the market the terminal stands in; its listings come first.
	Market Ref `json:"market,omitzero"`
	// Desk is the market whose desk helps here, where that is not Market's own.
	Desk Ref `json:"desk,omitzero"`
	// Panel is the screen's size, as ParsePanel reads it.
	Panel string `json:"panel,omitzero"`
	// Placement says where in the building it stands.
	Placement Text `json:"placement,omitzero"`
}

var terminalForm = regexp.MustCompile(`^[A-Z][0-9]{1,4}$`)

// ValidTerminal reports whether s can name a terminal.
func ValidTerminal(s string) bool { return terminalForm.MatchString(s) }

// Terminal returns the terminal called id and whether the profile has it.
func (p *Profile) Terminal(id string) (Terminal, bool) {
	for _, t := range p.Terminals {
		if t.ID == id {
			return t, true
		}
	}
	return Terminal{}, false
}

// DeskOf returns the desk that helps at t, and whether there is any.
func (p *Profile) DeskOf(t Terminal) (Desk, bool) {
	if t.Desk != "" {
		return p.Desk(t.Desk)
	}
	return p.Desk(t.Market)
}

// The panels that can be declared: from a hand-held screen to a wall.
const (
	minInches, maxInches = 4, 120
	minPixels, maxPixels = 320, 8192
	maxEdge              = 2000 // mm
)

// Panel is a screen by its physical size, so that what is drawn on it can be measured
// in millimeters.
type Panel struct {
	Inches        float64 // of the diagonal
	Width, Height int     // CSS pixels
	// Edge is the height of the screen's lower edge above the floor in mm, 0 where it
	// is not declared.
	Edge int
}

var panelForm = regexp.MustCompile(`^([0-9]{1,3}(?:\.[0-9])?):([0-9]{3,4})x([0-9]{3,4})(?:@([0-9]{1,4}))?$`)

// ParsePanel reads a panel: inches of the diagonal, CSS pixels and, if known, the
// height of its lower edge above the floor in mm, as in 21.5:1080x1920 or
// 43:1080x1920@600. The error wraps ErrInvalid.
func ParsePanel(s string) (Panel, error) {
	var p Panel
	m := panelForm.FindStringSubmatch(s)
	if m != nil {
		p.Inches, _ = strconv.ParseFloat(m[1], 64) // matched
		p.Width, _ = strconv.Atoi(m[2])
		p.Height, _ = strconv.Atoi(m[3])
		p.Edge, _ = strconv.Atoi(m[4])
	}
	if m == nil || p.Inches < minInches || p.Inches > maxInches || p.Edge > maxEdge ||
		min(p.Width, p.Height) < minPixels || max(p.Width, p.Height) > maxPixels {
		return Panel{}, NewTextError(ErrInvalid, Text{
			ZH: "屏幕写作 英寸:宽x高，如 21.5:1080x1920；已知下沿离地高度（毫米）时写作 43:1080x1920@600",
			EN: "a panel is written inches:WIDTHxHEIGHT such as 21.5:1080x1920, with the height of its lower edge above the floor in mm where known, as in 43:1080x1920@600",
		})
	}
	return p, nil
}

// String returns p as ParsePanel reads it.
func (p Panel) String() string {
	s := fmt.Sprintf("%s:%dx%d", strconv.FormatFloat(p.Inches, 'f', -1, 64), p.Width, p.Height)
	if p.Edge > 0 {
		s += "@" + strconv.Itoa(p.Edge)
	}
	return s
}

// Millimeter returns the number of CSS pixels in one millimeter.
func (p Panel) Millimeter() float64 {
	return math.Hypot(float64(p.Width), float64(p.Height)) / (p.Inches * 25.4)
}

// Portrait reports whether p stands upright.
func (p Panel) Portrait() bool { return p.Height > p.Width }

// Reach of somebody in a wheelchair: what is operated lies no higher above the floor
// than this (EN 301 549, draft of 2025), in mm.
const highReach = 1100

// leastLowered is the least height of a lowered page that holds the controls, four rows of
// keys and what is typed, all as large as fingers, in mm.
const leastLowered = 130

// Lowers reports whether a page on p can be lowered. On a panel that is not high enough for
// that everything is as near as the controls at its foot.
func (p Panel) Lowers() bool { return p.usualReach()*float64(p.Height)/p.Millimeter() >= leastLowered }

// usualReach is Reach where the height of p above the floor is not known.
func (p Panel) usualReach() float64 {
	if p.Portrait() {
		return .45
	}
	return .62
}

// Reach returns the part of p's height, from its lower edge, within which everything
// lies that can be touched once the page has been lowered. Without Edge it is 45 % of
// an upright panel; a wide one, which is low by itself, needs 62 % to hold the controls.
func (p Panel) Reach() float64 {
	usual := p.usualReach()
	if p.Edge == 0 {
		return usual
	}
	height := float64(p.Height) / p.Millimeter()
	return min(usual, max(.35, (highReach-float64(p.Edge))/height))
}
