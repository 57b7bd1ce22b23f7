package qr

import "github.com/makiuchi-d/gozxing/qrcode/decoder"

// read returns what a decoder of other hands reads in modules, without their quiet zone.
// It is given the modules, not a picture: to find a code in one is the business of the
// phone, and of the tests.
func read(modules [][]bool) (string, error) {
	result, err := decoder.NewDecoder().DecodeBoolMapWithoutHint(modules)
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}
