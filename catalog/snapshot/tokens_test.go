package snapshot

import (
	"testing"
	"unicode/utf8"
)

// TestDecode: the quick way gives what utf8.DecodeRune gives, whatever follows a byte
// that begins three.
func TestDecode(t *testing.T) {
	for n := 0xE00000; n < 0xF00000; n++ {
		b := []byte{byte(n >> 16), byte(n >> 8), byte(n)}
		for ; len(b) > 0; b = b[:len(b)-1] {
			r, size := decode(b)
			if want, wantSize := utf8.DecodeRune(b); r != want || size != wantSize {
				t.Fatalf("% x is %U of %d bytes, not %U of %d", b, r, size, want, wantSize)
			}
		}
	}
}
