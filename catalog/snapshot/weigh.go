package snapshot

import (
	"math"

	"luoshu/catalog"
)

// The saturation of repeated words and the weight of a record's length, as in BM25F
// (Robertson and Zaragoza, 2009). The length counts against a pivot that is fixed,
// so that what a record is worth does not depend on the others.
const (
	saturation  = 1.2
	lengthShare = 0.6
	lengthPivot = 240 // tokens in the body
)

// recordTokens gathers the tokens of one record.
type recordTokens struct {
	scanner  scanner
	squeezed []byte
	table    []tokenCount // by hash; stamp tells which are of this record
	order    []int32
	stamp    uint32
	body     int
}

type tokenCount struct {
	key    key
	stamp  uint32
	counts [classes]uint8
	flags  mark
}

func (t *recordTokens) reset() {
	if t.table == nil {
		t.table = make([]tokenCount, 1024)
	}
	t.stamp++
	t.order, t.body = t.order[:0], 0
}

func (t *recordTokens) count(k key) *tokenCount {
	if len(t.order)*4 >= len(t.table)*3 {
		t.grow()
	}
	mask := uint64(len(t.table) - 1)
	for i := uint64(k.hash()) >> 24 & mask; ; i = (i + 1) & mask {
		c := &t.table[i]
		if c.stamp != t.stamp {
			*c = tokenCount{key: k, stamp: t.stamp}
			t.order = append(t.order, int32(i))
			return c
		}
		if c.key == k {
			return c
		}
	}
}

func (t *recordTokens) grow() {
	old, order := t.table, t.order
	t.table, t.order = make([]tokenCount, 2*len(old)), nil
	for _, i := range order {
		*t.count(old[i].key) = old[i]
	}
}

// add takes in a value of a field.
func (t *recordTokens) add(f *field, text []byte) {
	if f.class == unsearched {
		return
	}
	if f.class == inCode {
		t.labels(f, text)
		return
	}
	found := t.scanner.scan(text)
	for _, o := range found {
		c := t.count(o.key)
		if c.counts[f.class] < math.MaxUint8 {
			c.counts[f.class]++
		}
		if f.class == inBody {
			t.body++
		}
		if f.class == inTitle {
			c.flags |= inATitle
			if o.from == found[0].from {
				c.flags |= startsTitle
			}
		}
	}
	if f.class == inNumber {
		if t.squeezed = squeeze(t.squeezed[:0], text); len(t.squeezed) > 0 {
			t.count(word(t.squeezed)).counts[inNumber]++
			if bare := bareNumber(t.squeezed); bare != nil {
				t.count(word(bare)).counts[inNumber]++
			}
		}
	}
}

// labels takes in the wordings of a code, in both languages.
func (t *recordTokens) labels(f *field, code []byte) {
	list := f.list
	if f.typ == "coded" {
		switch f.path {
		case "industries[]":
			list = catalog.LookupCodeList("gbt4754-2017")
		case "disciplines[]":
			list = catalog.LookupCodeList("gbt13745-2009")
		}
	}
	if list == nil {
		return
	}
	c, ok := list.Lookup(string(code))
	if !ok {
		return
	}
	for _, label := range []string{c.Label.ZH, c.Label.EN} {
		for _, o := range t.scanner.scan([]byte(label)) {
			if c := t.count(o.key); c.counts[inCode] < math.MaxUint8 {
				c.counts[inCode]++
			}
		}
	}
}

// each yields every token once with its mark.
func (t *recordTokens) each(yield func(key, mark)) {
	// Every step is rounded by itself: a processor that joins a product and a sum
	// would rank otherwise than one that does not.
	norm := float32(1-lengthShare) + float32(lengthShare*float32(t.body)/lengthPivot)
	for _, i := range t.order {
		c := &t.table[i]
		tf := float32(0)
		for class, n := range c.counts {
			if n == 0 {
				continue
			}
			w := float32(weights[class] * float32(n))
			if class == int(inBody) {
				w = float32(w / norm)
			}
			tf += w
		}
		share := float32(tf / float32(saturation+tf))
		yield(c.key, mark(1+float32(share*(maxImpact-1)))|c.flags)
	}
}
