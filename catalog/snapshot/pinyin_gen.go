//go:build ignore

// Command pinyin_gen makes pinyin.txt of the Unihan database.
//
//	go run pinyin_gen.go Unihan_Readings.txt.bz2 > pinyin.txt
//
// The readings of a character are, the most customary first: kMandarin, kHanyuPinlu
// by frequency, kTGHZ2013 and kXHC1983. A character in none of the last three, which
// is one of no modern dictionary, has kMandarin and the first of kHanyuPinyin.
package main

import (
	"bufio"
	"cmp"
	"compress/bzip2"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

const head = `# The readings of Han characters in Hanyu Pinyin without tones, ü written v: for every
# place among a character's readings, from the most customary, the syllables and the
# characters they are the reading of. Made by pinyin_gen.go.
#
# Source: Unicode Han Database (Unihan) 15.0.0, Unihan_Readings.txt of 2022-08-01, changed in form.
# Copyright © 1991-2022 Unicode, Inc. All rights reserved. Distributed under the Terms of Use in
# https://www.unicode.org/copyright.html, the Unicode License v3:
#
# Permission is hereby granted, free of charge, to any person obtaining a copy of data files and any
# associated documentation (the "Data Files") or software and any associated documentation (the
# "Software") to deal in the Data Files or Software without restriction, including without limitation
# the rights to use, copy, modify, merge, publish, distribute, and/or sell copies of the Data Files or
# Software, and to permit persons to whom the Data Files or Software are furnished to do so, provided
# that either (a) this copyright and permission notice appear with all copies of the Data Files or
# Software, or (b) this copyright and permission notice appear in associated Documentation.
#
# THE DATA FILES AND SOFTWARE ARE PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED,
# INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
# NONINFRINGEMENT OF THIRD PARTY RIGHTS. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR HOLDERS INCLUDED IN
# THIS NOTICE BE LIABLE FOR ANY CLAIM, OR ANY SPECIAL INDIRECT OR CONSEQUENTIAL DAMAGES, OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE
# OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THE DATA
# FILES OR SOFTWARE. Except as contained in this notice, the name of a copyright holder shall not be
# used in advertising or otherwise to promote the sale, use or other dealings in these Data Files or
# Software without prior written authorization of the copyright holder.
`

const maxReadings = 4

func main() {
	f, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var r io.Reader = f
	if strings.HasSuffix(os.Args[1], ".bz2") {
		r = bzip2.NewReader(f)
	}
	// Unihan has no reading of the zero.
	fields := map[rune]map[string]string{'〇': {"kMandarin": "líng"}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		part := strings.Split(lines.Text(), "\t")
		if len(part) != 3 {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimPrefix(part[0], "U+"), 16, 32)
		if err != nil {
			log.Fatal(err)
		}
		c := rune(n)
		if c < 0x3400 || c > 0x9FFF {
			continue
		}
		if fields[c] == nil {
			fields[c] = map[string]string{}
		}
		fields[c][part[1]] = part[2]
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
	places := make([]map[string][]rune, maxReadings)
	for i := range places {
		places[i] = map[string][]rune{}
	}
	for _, c := range slices.Sorted(maps.Keys(fields)) {
		for i, s := range readings(fields[c]) {
			places[i][s] = append(places[i][s], c)
		}
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprint(out, head)
	for i, syllables := range places {
		fmt.Fprintf(out, "%d\n", i+1)
		for _, s := range slices.Sorted(maps.Keys(syllables)) {
			fmt.Fprintf(out, "%s %s\n", s, string(syllables[s]))
		}
	}
}

var counted = regexp.MustCompile(`^(.*)\((\d+)\)$`)

func readings(f map[string]string) (all []string) {
	add := func(syllables ...string) {
		for _, s := range syllables {
			if s = plain(s); s != "" && !slices.Contains(all, s) && len(all) < maxReadings {
				all = append(all, s)
			}
		}
	}
	add(strings.Fields(f["kMandarin"])...)
	type frequent struct {
		s string
		n int
	}
	var byFrequency []frequent
	for _, v := range strings.Fields(f["kHanyuPinlu"]) {
		m := counted.FindStringSubmatch(v)
		n, _ := strconv.Atoi(m[2])
		byFrequency = append(byFrequency, frequent{m[1], n})
	}
	slices.SortStableFunc(byFrequency, func(a, b frequent) int { return cmp.Compare(b.n, a.n) })
	for _, v := range byFrequency {
		add(v.s)
	}
	for _, name := range []string{"kTGHZ2013", "kXHC1983"} {
		for _, v := range strings.Fields(f[name]) {
			_, list, _ := strings.Cut(v, ":")
			add(strings.Split(list, ",")...)
		}
	}
	if f["kHanyuPinlu"]+f["kTGHZ2013"]+f["kXHC1983"] == "" {
		_, list, _ := strings.Cut(f["kHanyuPinyin"], ":")
		first, _, _ := strings.Cut(list, ",")
		add(strings.Fields(first)...)
	}
	return all
}

// plain takes off the tone. What then has no vowel is an interjection nobody types.
func plain(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ReplaceAll(norm.NFC.String(s), "ê", "e")) {
		switch {
		case r == 0x0308 && strings.HasSuffix(b.String(), "u"):
			t := strings.TrimSuffix(b.String(), "u")
			b.Reset()
			b.WriteString(t + "v")
		case r >= 'a' && r <= 'z':
			b.WriteRune(r)
		}
	}
	if !strings.ContainsAny(b.String(), "aeiouv") {
		return ""
	}
	return b.String()
}
