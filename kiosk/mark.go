package kiosk

import "fmt"

// The Luo River square: each line, column and diagonal adds up to 15. Odd numbers
// are drawn as rings, even ones as dots, so that the mark of a cell survives a
// printer without color.
var square = [9]int{4, 9, 2, 3, 5, 7, 8, 1, 6}

// mark is the drawing of one number of the square, one unit of 10 per point.
type mark struct {
	N             int
	Width, Height int // in points
	Rings         bool
	Points        [][2]int // centers
	Line          string   // SVG path that joins them
	X, Y          int      // place within the whole square, see whole
}

// View is the drawing's viewBox.
func (m mark) View() string { return fmt.Sprintf("0 0 %d %d", m.Width*10, m.Height*10) }

// marks holds the drawings by number. Rows, columns and blocks stand as in the
// diagrams of the Song dynasty: nine across the top, three and seven upright at the
// sides, one below.
var marks = func() (all [10]mark) {
	for n, size := range [10][2]int{{}, {1, 1}, {2, 1}, {1, 3}, {2, 2}, {3, 3}, {3, 2}, {1, 7}, {4, 2}, {9, 1}} {
		m := mark{N: n, Width: size[0], Height: size[1], Rings: n%2 == 1}
		for y := range m.Height {
			for x := range m.Width {
				if n == 5 && x != 1 && y != 1 {
					continue // a cross
				}
				m.Points = append(m.Points, [2]int{10*x + 5, 10*y + 5})
			}
		}
		right, bottom := 10*m.Width-5, 10*m.Height-5
		switch {
		case n == 5:
			m.Line = "M15 5V25M5 15H25"
		case m.Width > 1 && m.Height > 1:
			m.Line = fmt.Sprintf("M5 5H%dV%dH5Z", right, bottom)
		default:
			m.Line = fmt.Sprintf("M5 5L%d %d", right, bottom)
		}
		all[n] = m
	}
	return all
}()

// whole is the square as one drawing, in a box of 190.
var whole = func() (all []mark) {
	const box, edge = 190, 10
	for i, n := range square {
		m := marks[n]
		m.X = [3]int{edge, (box - 10*m.Width) / 2, box - edge - 10*m.Width}[i%3]
		m.Y = [3]int{edge, (box - 10*m.Height) / 2, box - edge - 10*m.Height}[i/3]
		all = append(all, m)
	}
	return all
}()

// cell is one of the nine cells of the readiness badge.
type cell struct {
	X, Y int
	Full bool
}

// badge shows a technology readiness level by as many cells of nine.
type badge struct {
	Level int
	Cells [9]cell
}

func newBadge(level int) (b badge) {
	b.Level = level
	for i := range b.Cells {
		b.Cells[i] = cell{i % 3 * 11, i / 3 * 11, i < level}
	}
	return b
}
