package main

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
)

// What is read here is what Chromium writes: objects of their own, one after the other, and
// dictionaries outside of streams as plain text (PDF 1.4).

const maxToUnicode = 1 << 20 // bytes of the table of one font

// pdfFile is a PDF as its objects.
type pdfFile struct {
	bytes   []byte
	objects map[int][]byte
}

var (
	pdfObject  = regexp.MustCompile(`(?m)^(\d{1,9}) 0 obj\r?\n`)
	pdfCatalog = regexp.MustCompile(`/Type /Catalog\b`)
	pdfRef     = regexp.MustCompile(`(\d{1,9}) 0 R`)
	pdfDest    = regexp.MustCompile(`/([!-.0-;=?-Z^-z]+) \[(\d{1,9}) 0 R`)
	pdfDate    = regexp.MustCompile(`/(?:CreationDate|ModDate) \(D:(\d{14}[+-]\d\d'\d\d)'?\)`)
	pdfCreator = regexp.MustCompile(`/Creator \(((?:[^()\\]|\\.)*)\)`)
	pdfType3   = []byte("/Subtype /Type3")
	errPDF     = errors.New("the browser's PDF is not understood")
)

// readPDF takes b apart into its objects.
func readPDF(b []byte) (*pdfFile, error) {
	if !bytes.HasPrefix(b, []byte("%PDF-")) {
		return nil, fmt.Errorf("no PDF: %w", errPDF)
	}
	f := &pdfFile{bytes: b, objects: map[int][]byte{}}
	at := pdfObject.FindAllSubmatchIndex(b, -1)
	for _, m := range at {
		n, _ := strconv.Atoi(string(b[m[2]:m[3]]))
		body := b[m[1]:]
		// A stream may hold anything; it follows its dictionary.
		if end := bytes.Index(body, []byte("endobj")); end >= 0 {
			body = body[:end]
		}
		if _, again := f.objects[n]; !again {
			f.objects[n] = body
		}
	}
	return f, nil
}

// entry returns the object that the dictionary names under key, nil without one.
func (f *pdfFile) entry(dict []byte, key string) []byte {
	i := bytes.Index(dict, []byte(key+" "))
	if i < 0 {
		return nil
	}
	m := pdfRef.FindSubmatchIndex(dict[i:])
	if m == nil || m[0] != len(key)+1 {
		return nil
	}
	n, _ := strconv.Atoi(string(dict[i+m[2] : i+m[3]]))
	return f.objects[n]
}

// catalog returns the dictionary that everything hangs from.
func (f *pdfFile) catalog() []byte {
	for _, body := range f.objects {
		if pdfCatalog.Match(dictOf(body)) {
			return body
		}
	}
	return nil
}

// dictOf returns what of an object is no stream.
func dictOf(body []byte) []byte {
	dict, _, _ := bytes.Cut(body, []byte("stream"))
	return dict
}

// pages returns the numbers of the objects that are pages, in order. A tree deeper than
// any is an error.
func (f *pdfFile) pages() ([]int, error) {
	var pages []int
	var walk func(body []byte, depth int) error
	walk = func(body []byte, depth int) error {
		_, kids, ok := bytes.Cut(body, []byte("/Kids ["))
		kids, _, closed := bytes.Cut(kids, []byte("]"))
		if !ok || !closed || depth > 16 {
			return fmt.Errorf("no pages: %w", errPDF)
		}
		for _, m := range pdfRef.FindAllSubmatch(kids, -1) {
			n, _ := strconv.Atoi(string(m[1]))
			kid := dictOf(f.objects[n])
			if bytes.Contains(kid, []byte("/Type /Pages")) {
				if err := walk(kid, depth+1); err != nil {
					return err
				}
				continue
			}
			if pages = append(pages, n); len(pages) > 1<<16 {
				return fmt.Errorf("too many pages: %w", errPDF)
			}
		}
		return nil
	}
	err := walk(dictOf(f.entry(f.catalog(), "/Pages")), 0)
	return pages, err
}

// places returns the pages, from 1, of what links within the document lead to, and how
// many pages there are.
func (f *pdfFile) places() (map[string]int, int, error) {
	pages, err := f.pages()
	if err != nil {
		return nil, 0, err
	}
	at := map[string]int{}
	for _, m := range pdfDest.FindAllSubmatch(dictOf(f.entry(f.catalog(), "/Dests")), -1) {
		n, _ := strconv.Atoi(string(m[2]))
		if i := slices.Index(pages, n); i >= 0 {
			at[string(m[1])] = i + 1
		}
	}
	return at, len(pages), nil
}

// drawn returns the characters whose font is Type 3: drawings in place of a font, which
// presses refuse and print poorly.
func (f *pdfFile) drawn() (chars []rune, found bool) {
	for _, body := range f.objects {
		if !bytes.Contains(dictOf(body), pdfType3) {
			continue
		}
		found = true
		chars = append(chars, toUnicode(f.entry(body, "/ToUnicode"))...)
	}
	slices.Sort(chars)
	return slices.Compact(chars), found
}

var (
	bfBlock = regexp.MustCompile(`(?s)beginbf(char|range)(.*?)endbf`)
	bfHex   = regexp.MustCompile(`<([0-9A-Fa-f]{2,32})>`)
)

// toUnicode returns the characters that the table of a font names.
func toUnicode(object []byte) []rune {
	_, packed, ok := bytes.Cut(object, []byte("stream\n"))
	if !ok {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	table, _ := io.ReadAll(io.LimitReader(z, maxToUnicode))
	var chars []rune
	for _, block := range bfBlock.FindAllSubmatch(table, -1) {
		step := 2
		if string(block[1]) == "range" {
			step = 3
		}
		words := bfHex.FindAllSubmatch(block[2], -1)
		for i := step - 1; i < len(words); i += step {
			b, _ := hex.DecodeString(string(words[i][1]))
			var units []uint16
			for ; len(b) > 1; b = b[2:] {
				units = append(units, uint16(b[0])<<8|uint16(b[1]))
			}
			chars = append(chars, utf16.Decode(units)...)
		}
	}
	return chars
}

// settle writes over what differs from one run to the next: the times become at, and the
// browser's name that of this program. Nothing moves, so that the table of objects holds.
func (f *pdfFile) settle(at time.Time) {
	when := at.UTC().Format("20060102150405") + "+00'00"
	for _, m := range pdfDate.FindAllSubmatchIndex(f.bytes, -1) {
		copy(f.bytes[m[2]:m[3]], when)
	}
	if m := pdfCreator.FindSubmatchIndex(f.bytes); m != nil {
		name := f.bytes[m[2]:m[3]]
		n := copy(name, "Luoshu")
		copy(name[n:], bytes.Repeat([]byte(" "), len(name)-n))
	}
}
