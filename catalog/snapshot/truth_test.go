package snapshot

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luoshu/catalog"
)

// This is what a search means, told without an index: every record is read, taken
// apart and judged by the definition. Whatever the index does must agree.

// told is a record as the definition sees it.
type told struct {
	doc    uint32
	marks  map[key]mark
	values map[string][]string
	number map[string]float64
	titles string
	prior  uint8
}

func tell(t interface{ Fatal(...any) }, doc uint32, e catalog.Entry, published float64) told {
	r := told{doc: doc, marks: map[key]mark{}, values: map[string][]string{}, number: map[string]float64{}}
	var tokens recordTokens
	tokens.reset()
	var titles [2]string
	count := 0
	v := newVisitor(func(f *field, text []byte, n float64) {
		tokens.add(f, text)
		count++
		switch f.path {
		case "title":
			titles[0] = string(squeeze(nil, text))
		case "title_en":
			titles[1] = string(squeeze(nil, text))
		}
		if f.kind == numbers {
			r.number[f.path] = n
		} else if f.kind == terms && !slices.Contains(r.values[f.path], string(text)) {
			r.values[f.path] = append(r.values[f.path], string(text))
		}
	})
	if err := v.visit(e); err != nil {
		t.Fatal(err)
	}
	tokens.each(func(k key, m mark) { r.marks[k] = m })
	r.titles = titles[0] + "\x00" + titles[1]
	r.prior = prior(r.number["updated_at"], published, count)
	return r
}

// scan answers q by definition, all of it in order.
func scan(records []told, s *Snapshot, q Query) []ranked {
	in := s.spans[q.Dataset]
	terms, _ := s.parse(q.Text)
	terms = asked(records, terms)
	df := map[key]int{}
	sum := uint32(0)
	for _, term := range terms {
		for _, r := range records {
			if r.marks[term.key] != 0 {
				df[term.key]++
			}
		}
		sum += rarity(df[term.key], len(records))
	}
	phrase := string(squeeze(nil, []byte(q.Text)))
	var out []ranked
	for _, r := range records {
		if q.Dataset != "" && (int(r.doc) < in.from || int(r.doc) >= in.to) || !passes(r, q.Filters) {
			continue
		}
		score, all, holds := uint32(0), mark(inATitle), true
		for _, term := range terms {
			m := r.marks[term.key]
			holds = holds && m != 0
			all &= m
			score += m.impact() * rarity(df[term.key], len(records))
		}
		if !holds {
			continue
		}
		if len(terms) > 0 && all != 0 {
			zh, en, _ := strings.Cut(r.titles, "\x00")
			if len(terms) == 1 || strings.Contains(zh, phrase) || strings.Contains(en, phrase) {
				bonus := sum * maxImpact / 2
				score += bonus
				first := r.marks[terms[0].key]&startsTitle != 0
				if first && (len(terms) == 1 || strings.HasPrefix(zh, phrase) || strings.HasPrefix(en, phrase)) {
					score += bonus / 2
				}
			}
		}
		key := uint64(score)<<8 | uint64(r.prior)
		if len(terms) == 0 {
			key = 0
			if q.Sort == Relevance {
				key = uint64(r.prior)
			}
		}
		if field, down := strings.CutPrefix(q.Sort, "-"); q.Sort != "" && q.Sort != Relevance {
			n, ok := r.number[field]
			key = 0
			if ok {
				key = uint64(n * 1e6)
				if !down {
					key = math.MaxUint64 - key
				}
			}
		}
		out = append(out, ranked{key, r.doc})
	}
	slices.SortFunc(out, func(a, b ranked) int { return cmp.Or(cmp.Compare(b.key, a.key), cmp.Compare(a.doc, b.doc)) })
	return out
}

// asked leaves out of terms that no record holds together the pairs that can be
// spared: of all ways to leave none of two neighbors the one that leaves out most, and
// of several the one with the rarest pairs.
func asked(records []told, terms []term) []term {
	holds := func(r told, terms []term) bool {
		return !slices.ContainsFunc(terms, func(t term) bool { return r.marks[t.key] == 0 })
	}
	if slices.ContainsFunc(records, func(r told) bool { return holds(r, terms) }) {
		return terms
	}
	count := func(t term) (n int) {
		for _, r := range records {
			if r.marks[t.key] != 0 {
				n++
			}
		}
		return n
	}
	var kept []term
	for from := 0; from < len(terms); {
		to := from + 1
		for to < len(terms) && terms[to-1].pair() && terms[to].pair() && terms[to].from < terms[to-1].to {
			to++
		}
		run := terms[from:to]
		bestOut, bestCount, bestSet := -1, 0, 0
		for set := range 1 << len(run) { // the pairs that are left out
			out, sum, ok := 0, 0, true
			for i := range run {
				if set&(1<<i) != 0 {
					out, sum = out+1, sum+count(run[i])
					ok = ok && i > 0 && i < len(run)-1 && set&(1<<(i-1)) == 0
				}
			}
			if ok && (out > bestOut || out == bestOut && sum < bestCount) {
				bestOut, bestCount, bestSet = out, sum, set
			}
		}
		if len(terms) < 3 {
			bestSet = 0
		}
		for i, t := range run {
			if bestSet&(1<<i) == 0 {
				kept = append(kept, t)
			}
		}
		from = to
	}
	return kept
}

func passes(r told, filters []Filter) bool {
	for _, f := range filters {
		ok := slices.ContainsFunc(f.Values, func(v string) bool { return slices.Contains(r.values[f.Field], v) })
		if n, has := r.number[f.Field]; has && f.Least != "" {
			ok = fmt.Sprint(n) >= f.Least && fmt.Sprint(n) <= f.Most
		}
		if !ok {
			return false
		}
	}
	return true
}

var truthWords = strings.Fields("轴承 振动 监测 仿真 轴 承 洛阳 大学 研究院 有限公司 高温 耐磨 涂层 电机 控制 算法 CFD FEM 3D打印 钢 铁 的 Wärme über naïve 材料科学 系统 方法 智能 装备")

// someRelease draws a small catalog in which words meet often.
func someRelease(t *rapid.T) *catalog.Release {
	word := rapid.SampledFrom(truthWords)
	text := func(least, most int) string {
		return strings.Join(rapid.SliceOfN(word, least, most).Draw(t, "words"), rapid.SampledFrom([]string{"", " ", "，", "-"}).Draw(t, "glue"))
	}
	var records []catalog.Record
	for range rapid.IntRange(1, 40).Draw(t, "records") {
		var r catalog.Record
		h := catalog.Header{Title: text(1, 4), Abstract: text(0, 30), Publisher: "p", Division: rapid.SampledFrom([]string{"", "410305", "410311"}).Draw(t, "division")}
		if rapid.Bool().Draw(t, "keywords") {
			h.Keywords = rapid.SliceOfN(word, 1, 3).Draw(t, "keywords")
		}
		if rapid.IntRange(0, 3).Draw(t, "kind") > 0 {
			r = &catalog.Achievement{
				Header: h, TRL: rapid.IntRange(0, 9).Draw(t, "trl"), Stage: rapid.SampledFrom([]string{"", "early", "pilot", "mature"}).Draw(t, "stage"),
				TransferModes: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"assignment", "license", "joint"}), 0, 3, rapid.ID).Draw(t, "modes"),
				Organizations: []catalog.Party{{Name: text(1, 2)}},
			}
			r.Head().Dataset = catalog.Achievements
		} else {
			r = &catalog.Demand{Header: h, Kind: rapid.SampledFrom([]string{"problem", "commission"}).Draw(t, "demand")}
			r.Head().Dataset = catalog.Demands
		}
		records = append(records, r)
	}
	return releaseOf(t, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), records...)
}

func someQuery(t *rapid.T) Query {
	q := Query{Limit: rapid.IntRange(1, 12).Draw(t, "limit")}
	if rapid.IntRange(0, 4).Draw(t, "text") > 0 {
		q.Text = strings.Join(rapid.SliceOfN(rapid.SampledFrom(truthWords), 1, 3).Draw(t, "asked"), rapid.SampledFrom([]string{"", " "}).Draw(t, "between"))
	}
	if rapid.Bool().Draw(t, "in achievements") {
		q.Dataset = catalog.Achievements
		for field, values := range map[string][]string{"stage": {"early", "pilot", "mature"}, "transfer_modes[]": {"assignment", "license", "joint"}} {
			if rapid.Bool().Draw(t, "filter "+field) {
				q.Filters = append(q.Filters, Filter{Field: field, Values: rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 3, rapid.ID).Draw(t, field)})
			}
		}
		if rapid.Bool().Draw(t, "trl") {
			least := rapid.IntRange(1, 9).Draw(t, "least")
			q.Filters = append(q.Filters, Filter{Field: "trl", Least: strconv.Itoa(least), Most: strconv.Itoa(rapid.IntRange(least, 9).Draw(t, "most"))})
		}
		q.Facets = []string{"stage", "transfer_modes[]", "division", "trl"}
		q.Sort = rapid.SampledFrom([]string{"", "", Relevance, "trl", "-trl"}).Draw(t, "sort")
	}
	slices.SortFunc(q.Filters, func(a, b Filter) int { return strings.Compare(a.Field, b.Field) })
	if rapid.Bool().Draw(t, "division") {
		q.Filters = append(q.Filters, Filter{Field: "division", Values: []string{"410305"}})
	}
	return q
}

// TestIndexAgreesWithTheDefinition walks through every page of random queries over
// random catalogs.
func TestIndexAgreesWithTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		release := someRelease(t)
		s, err := New(t.Context(), release)
		if err != nil {
			t.Fatal(err)
		}
		published := day([]byte(release.Manifest.PublishedAt.Format("2006-01-02T15:04:05")))
		var records []told
		for i, e := range release.Entries {
			records = append(records, tell(t, uint32(i), e, published))
		}
		for range 8 {
			agree(t, s, records, someQuery(t))
		}
	})
}

func agree(t *rapid.T, s *Snapshot, records []told, q Query) {
	// What is unknown in this catalog is an error, and no answer to compare.
	if _, err := s.Search(q); err != nil {
		return
	}
	want := scan(records, s, q)
	var got []uint32
	for page := q; ; {
		r, err := s.Search(page)
		if err != nil {
			t.Fatal(err)
		}
		if r.Total != len(want) {
			t.Fatalf("%+v: total %d, want %d", q, r.Total, len(want))
		}
		for _, e := range r.Entries {
			doc, _ := s.number(e.ID)
			got = append(got, doc)
		}
		if r.Next == (Mark{}) {
			break
		}
		page.After = r.Next
	}
	if len(got) != len(want) {
		t.Fatalf("%+v: %d records in pages, want %d", q, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i].doc {
			t.Fatalf("%+v: place %d is record %d, want %d", q, i, got[i], want[i].doc)
		}
	}
	r, _ := s.Search(q)
	for _, f := range r.Facets {
		others := q
		others.Filters = slices.DeleteFunc(slices.Clone(q.Filters), func(x Filter) bool { return x.Field == f.Field })
		counts := map[string]int{}
		for _, found := range scan(records, s, others) {
			for _, v := range records[found.doc].values[f.Field] {
				counts[v]++
			}
			if n, ok := records[found.doc].number[f.Field]; ok {
				counts[fmt.Sprint(n)]++
			}
		}
		for _, v := range f.Values {
			if v.Count != counts[v.Value] {
				t.Fatalf("%+v: %s has %d of %s, want %d", q, f.Field, v.Count, v.Value, counts[v.Value])
			}
			delete(counts, v.Value)
		}
		if len(counts) > 0 {
			t.Fatalf("%+v: %s lacks %v", q, f.Field, counts)
		}
	}
}

// TestLists reads lists of every length around a block, from the start and from
// every place.
func TestLists(t *testing.T) {
	for _, n := range []int{1, 2, 127, 128, 129, 256, 257, 1000} {
		var docs []uint32
		doc := uint32(0)
		p := postings{hashes: []hash{key(7).hash()}}
		var data []byte
		var skips []skip
		for i := range n {
			step := uint32(1 + i%3*200 + i%7)
			doc += step
			docs = append(docs, doc)
			data = binary.AppendUvarint(data, uint64(step))
			data = append(data, byte(i%63+1))
			if (i+1)%blockLen == 0 || i+1 == n {
				skips = append(skips, skip{doc, uint32(len(data))})
			}
		}
		head := binary.AppendUvarint(nil, uint64(n))
		if n > blockLen {
			head = append(head, 0, 0, 0, 0)
			p.skips = skips
		}
		p.data = slices.Concat(head, data)
		p.starts = []uint32{0, uint32(len(p.data))}
		var l list
		for target := uint32(0); target <= doc+1; target += 1 + target/50 {
			if !p.find(7, &l) {
				t.Fatal("no list")
			}
			at := l.seek(target)
			i, _ := slices.BinarySearch(docs, target)
			for ; i < len(docs); i++ {
				if at != docs[i] || l.marks[l.i] != mark(i%63+1) {
					t.Fatalf("%d records, from %d: %d, want %d", n, target, at, docs[i])
				}
				at = l.seek(at + 1)
			}
			if at != end {
				t.Fatalf("%d records: %d behind the last", n, at)
			}
		}
	}
}
