package kiosk

import "strings"

// keyboard is what a visitor types on who has no other. Its keys stand in rows as people
// know them, or, on a panel too narrow for ten, in the order of the alphabet.
type keyboard struct {
	Panels [2]keys // letters, for Pinyin and English, and what codes and numbers are made of
	Narrow bool
	// Low tells that there is so little room above the keys that what was typed and what
	// it may become must stand side by side: on a small panel, or within reach on a wide one.
	Low bool
}

// keys are shown at once.
type keys struct {
	Name   string
	Hidden bool
	Rows   []keyRow
}

// keyRow is a row of keys; the last ends with the one that deletes.
type keyRow struct {
	Keys []string
	Last bool
}

// What the keys need of a panel, in mm.
const (
	tenKeys  = 10*20 + 9*2 + 2*4 // ten of 20 mm, 2 mm apart, with a margin on both sides
	fourRows = 170               // with the field and a line of what can be chosen above them
	fiveRows = 200
)

// keyboard returns the keys for the declared panel.
func (rq *request) keyboard() keyboard {
	letters, codes := "qwertyuiop asdfghjkl zxcvbnm", "1234567890 QWERTYUIOP ASDFGHJKL- ZXCVBNM./"
	var k keyboard
	if p := rq.panel; rq.declared {
		wide, high := float64(p.Width)/p.Millimeter(), float64(p.Height)/p.Millimeter()
		if wide > high && rq.view.low {
			high *= p.Reach()
		}
		k.Narrow, k.Low = wide < tenKeys, wide > high && high < fourRows
		if k.Narrow || wide > high && high < fiveRows {
			codes = "1234567890-./"
		}
	}
	if k.Narrow {
		letters = "abcdefghijklmnopqrstuvwxyz"
	}
	k.Panels = [2]keys{{Name: "letters", Rows: keyRows(letters)}, {Name: "codes", Hidden: true, Rows: keyRows(codes)}}
	return k
}

func keyRows(s string) []keyRow {
	var rows []keyRow
	for row := range strings.FieldsSeq(s) {
		rows = append(rows, keyRow{Keys: strings.Split(row, "")})
	}
	rows[len(rows)-1].Last = true
	return rows
}
