package coding

import "bytes"

// Accepted is how much a client likes each coding, in thousandths; 0 is not at all.
type Accepted [codings]uint16

// hardly is the weight of identity where nothing is said of it: less than anything named.
const hardly = 1

// Accept reads the Accept-Encoding fields of a request. Without any, and for what it
// cannot read, identity alone is accepted.
func Accept(fields [][]byte) Accepted {
	var given Accepted
	var named [codings]bool
	others, star := uint16(0), false
	for _, field := range fields {
		for len(field) > 0 {
			var item []byte
			item, field, _ = bytes.Cut(field, []byte{','})
			name, parameters, _ := bytes.Cut(item, []byte{';'})
			name = bytes.Trim(name, " \t")
			q := weight(parameters)
			if len(name) == 1 && name[0] == '*' {
				others, star = q, true
			} else if c, ok := Named(name); ok && !named[c] {
				given[c], named[c] = q, true
			}
		}
	}
	for c := range given {
		if !named[c] {
			given[c] = others
		}
	}
	// * gives identity no weight of its own, but forbids it with 0.
	if !named[Identity] && (!star || others != 0) {
		given[Identity] = hardly
	}
	return given
}

// Best returns the coding that the client likes best among offered, the better first, and
// Identity, which is also the answer to one who refuses everything.
func (a Accepted) Best(offered ...Coding) Coding {
	best, q := Identity, a[Identity]
	for _, c := range offered {
		if w := a[c]; w > q || w == q && w > 0 && best == Identity {
			best, q = c, w
		}
	}
	return best
}

// For is Best for an answer of so many bytes: a small one stays as it is for whoever takes
// that.
func (a Accepted) For(size int, offered ...Coding) Coding {
	if size < Small && a[Identity] > 0 {
		return Identity
	}
	return a.Best(offered...)
}

// Named returns the coding called name, in any case.
func Named(name []byte) (Coding, bool) {
	switch {
	case bytes.EqualFold(name, []byte("gzip")), bytes.EqualFold(name, []byte("x-gzip")):
		return Gzip, true
	case bytes.EqualFold(name, []byte("zstd")):
		return Zstd, true
	case bytes.EqualFold(name, []byte("br")):
		return Brotli, true
	case bytes.EqualFold(name, []byte("identity")):
		return Identity, true
	}
	return 0, false
}

// weight reads the weight of an item, such as q=0.5: 1 where there is none, 0 for what
// is no weight.
func weight(parameters []byte) uint16 {
	p := bytes.Trim(parameters, " \t")
	if len(p) == 0 {
		return 1000
	}
	if p[0]|0x20 != 'q' {
		return 0
	}
	p = bytes.TrimLeft(p[1:], " \t")
	if len(p) == 0 || p[0] != '=' {
		return 0
	}
	p = bytes.TrimLeft(p[1:], " \t")
	if len(p) == 0 || p[0] != '0' && p[0] != '1' || len(p) > 1 && p[1] != '.' || len(p) > 5 {
		return 0
	}
	q := uint16(p[0]-'0') * 1000
	for i, unit := 2, uint16(100); i < len(p); i, unit = i+1, unit/10 {
		if p[i] < '0' || p[i] > '9' {
			return 0
		}
		q += uint16(p[i]-'0') * unit
	}
	if q > 1000 {
		return 0
	}
	return q
}
