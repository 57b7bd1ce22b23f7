package e2e

import "math"

// screen is what a visit is seen on.
type screen struct {
	name          string
	width, height int64   // CSS pixels
	scale         float64 // device pixels in one of them
	inches        float64 // diagonal
	phone         bool    // a hand-held one: its browser knows a layout viewport
}

var (
	portrait  = screen{"1080x1920", 1080, 1920, 1, 21.5, false}
	landscape = screen{"1920x1080", 1920, 1080, 1, 21.5, false}
	small     = screen{"1280x800", 1280, 800, 1, 10.1, false}
	large     = screen{"3840x2160", 3840, 2160, 1, 43, false}
	desktop   = screen{"1440x900", 1440, 900, 1, 24, false}
	phone     = screen{"390x844", 390, 844, 3, 6.1, true}
	narrow    = screen{"360x740", 360, 740, 3, 5.8, true}
)

// mm returns how many millimeters of s a length in CSS pixels takes.
func (s screen) mm(pixels float64) float64 {
	return pixels * s.inches * 25.4 / math.Hypot(float64(s.width), float64(s.height))
}
