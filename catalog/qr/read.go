package qr

import "github.com/makiuchi-d/gozxing/qrcode/decoder"

// read returns what a decoder of other hands reads in modules. It is given the
// modules, not a picture: to find a code in one is the business of the phone, and of
// the tests.
func read(modules [][]bool) (string, error) {
	inner := make([][]bool, len(modules)-2*QuietZone)
	for y := range inner {
		row := modules[y+QuietZone]
		inner[y] = row[QuietZone : len(row)-QuietZone]
	}
	result, err := decoder.NewDecoder().DecodeBoolMapWithoutHint(inner)
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}
