package snapshot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"luoshu/catalog"
)

func suggest(t testing.TB, s *Snapshot, q string, d catalog.Dataset, limit int) Suggestions {
	t.Helper()
	r, err := s.Suggest(q, d, limit)
	if err != nil {
		t.Fatalf("%q: %v", q, err)
	}
	return r
}

// marked returns the wording with what was typed in brackets.
func marked(s Suggestion) string {
	m := []rune(s.Matched)
	return string(m[:s.Highlight.From]) + "[" + string(m[s.Highlight.From:s.Highlight.To]) + "]" + string(m[s.Highlight.To:])
}

// small is a catalog in which every answer can be told in full.
func small(t testing.TB) *Snapshot {
	t.Helper()
	published := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	achievement := func(title, en, by string, keywords ...string) catalog.Record {
		return &catalog.Achievement{
			Header:        catalog.Header{Dataset: catalog.Achievements, Title: title, TitleEN: en, Keywords: keywords, Publisher: "p"},
			Organizations: []catalog.Party{{Name: by}},
		}
	}
	return snapshotOf(t, releaseOf(t, published,
		achievement("轴承振动监测", "Bearing vibration monitoring", "洛阳甲轴承研究所", "轴承", "轴承仿真"),
		achievement("重庆女士轴承", "", "甲所", "轴承", "CFD仿真"),
		achievement("银行（绿色）长寿命钢", "Long-life steel for banks", "偃师乙厂", "轴承 振动"),
		&catalog.Demand{Header: catalog.Header{Dataset: catalog.Demands, Title: "求购3D打印机", Keywords: []string{"轴承"}, Publisher: "p"}, Kind: "problem"},
		&catalog.Organization{Header: catalog.Header{Dataset: catalog.Organizations, Title: "洛阳甲轴承研究所", TitleEN: "Jia Institute", Publisher: "p"}, Aliases: []string{"甲所"}, Kinds: []string{"institute"}},
	))
}

// releaseOf publishes records.
func releaseOf(t interface{ Fatal(...any) }, published time.Time, records ...catalog.Record) *catalog.Release {
	d := catalog.NewDraft(nil, published)
	for i, r := range records {
		id, source, err := d.Identify(r.Head().Dataset, "p", strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		r.Head().ID, r.Head().Source = id, source
		e, c, err := d.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Put(e, c); err != nil {
			t.Fatal(err)
		}
	}
	p, err := d.Build(context.Background(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Release
}

func TestSuggest(t *testing.T) {
	s := small(t)
	tests := []struct {
		q    string
		d    catalog.Dataset
		want string
		next string
	}{
		{"", "", "term []轴承 5, term []轴承 振动 2, term []轴承仿真 1, term []CFD仿真 1", "bcijlmnqsvyz"},
		{"", catalog.Demands, "term []轴承 1", "qz"},
		{"轴承", "", "term [轴承] 5, term [轴承] 振动 2, term [轴承]仿真 1, title [轴承]振动监测 1", "fz"},
		{"轴", "", "term [轴]承 5, term [轴]承 振动 2, term [轴]承仿真 1, title [轴]承振动监测 1", "c"},
		{"zhoucheng", "", "term [轴承] 5, term [轴承] 振动 2, term [轴承]仿真 1, title [轴承]振动监测 1", "fz"},
		{"zhouch", "", "term [轴承] 5, term [轴承] 振动 2, term [轴承]仿真 1, title [轴承]振动监测 1", "efz"},
		{"zc", "", "term [轴承] 5, term [轴承] 振动 2, term [轴承]仿真 1, title [轴承]振动监测 1", "efhz"},
		{"zoucen", "", "term [轴承] 5, term [轴承] 振动 2, term [轴承]仿真 1, title [轴承]振动监测 1", "fgz"},
		{"zhoucheng仿", "", "term [轴承仿]真 1", "z"},
		{"轴cheng", "", "term [轴承] 5, term [轴承] 振动 2, term [轴承]仿真 1, title [轴承]振动监测 1", "fz"},
		{"zhouchengfz", "", "term [轴承仿真] 1", "eh"},
		{"z", catalog.Demands, "term [轴]承 1", "cho"},
		{"chongqingnü", "", "title [重庆女]士轴承 1", "s"},
		{"chongqingnu", "", "title [重庆女]士轴承 1", "s"},
		{"zhongq", "", "title [重庆]女士轴承 1", "iln"},
		{"yhls", "", "title [银行（绿色]）长寿命钢 1", "aceh"},
		{"csmg", "", "title 银行（绿色）[长寿命钢] 1", "a"},
		{"csm g", "", "title 银行（绿色）[长寿命钢] 1", "a"},
		{"changshou", "", "title 银行（绿色）[长寿]命钢 1", "m"},
		{"甲所", "", "organization [甲所] 3", ""},
		{"jiasuo", "", "organization [甲所] 3", ""},
		{"jiaz", "", "organization 洛阳[甲轴]承研究所 3", "cho"},
		{"yanshi", "", "organization [偃师]乙厂 1", "y"},
		{"bear", "", "title [Bear]ing vibration monitoring 1", "i"},
		{"vib", "", "title Bearing [vib]ration monitoring 1", "r"},
		{"cfdf", "", "term [CFD仿]真 1", "az"},
		{"ＣＦＤ", "", "term [CFD]仿真 1", "f"},
		{"qg3d", "", "title [求购3D]打印机 1", "d"},
		{"qgs", "", "", ""},
	}
	for _, tt := range tests {
		r := suggest(t, s, tt.q, tt.d, 10)
		var got []string
		for _, i := range r.Items {
			got = append(got, i.Kind.String()+" "+marked(i)+" "+strconv.Itoa(i.Count))
		}
		if strings.Join(got, ", ") != tt.want || r.Next != tt.next {
			t.Errorf("%q in %q:\n got %s; %s\nwant %s; %s", tt.q, tt.d, strings.Join(got, ", "), r.Next, tt.want, tt.next)
		}
	}
}

// TestEveryNameIsFound types every title and organization of the demonstration: as
// it is spelt, by its initials, and its first two characters, where at most ten have
// them.
func TestEveryNameIsFound(t *testing.T) {
	s := demonstration(t)
	w := s.words
	sharing := map[string]int{}
	first2 := func(e uint32) string {
		return string([]rune(string(untilNUL(s.textAt(w.startAt[e]))))[:2])
	}
	for e := w.kinds[Term]; e < w.kinds[Title]; e++ {
		sharing[first2(e)]++
	}
	for e := w.kinds[Term]; e < w.kinds[Title]; e++ {
		text := untilNUL(s.textAt(w.startAt[e]))
		full, short := spell(text)
		asked := []string{full, short, string(text)}
		if two := first2(e); sharing[two] <= 10 {
			asked = append(asked, two)
		}
		for _, q := range asked {
			r := suggest(t, s, q, "", 10)
			if !slices.ContainsFunc(r.Items, func(i Suggestion) bool {
				return i.Kind != Term && string(squeeze(nil, []byte(i.Text))) == string(text)
			}) {
				t.Errorf("%q does not give %s", q, text)
			}
		}
	}
}

// TestCounts: the number beside a term is what a search for it finds, the number
// beside an organization how many records name it.
func TestCounts(t *testing.T) {
	s := demonstration(t)
	named := map[string]map[catalog.ID]bool{}
	ids := map[catalog.ID]string{}
	name := func(n string, id catalog.ID) {
		n = string(squeeze(nil, []byte(n)))
		if named[n] == nil {
			named[n] = map[catalog.ID]bool{}
		}
		named[n][id] = true
	}
	for e := range s.All(catalog.Organizations) {
		ids[e.ID] = e.Title().ZH
		name(e.Title().ZH, e.ID)
	}
	type party struct {
		ID   catalog.ID `json:"id"`
		Name string     `json:"name"`
	}
	aliases := map[string]string{}
	for _, e := range s.Release().Entries {
		var r struct {
			Title         string   `json:"title"`
			Aliases       []string `json:"aliases"`
			Organizations []party  `json:"organizations"`
			Provider      party    `json:"provider"`
		}
		if err := json.Unmarshal(e.Raw, &r); err != nil {
			t.Fatal(err)
		}
		for _, a := range r.Aliases {
			aliases[a] = r.Title
		}
		for _, p := range append(r.Organizations, r.Provider) {
			if title, ok := ids[p.ID]; ok {
				name(title, e.ID)
			}
			if p.Name != "" {
				name(cmp.Or(aliases[p.Name], p.Name), e.ID)
			}
		}
	}
	for e := range s.words.kinds[Organization] {
		var g guess
		if err := g.begin(s.index, "", "", 1); err != nil {
			t.Fatal(err)
		}
		item := g.tell(s, candidate{start: e, entry: e, count: g.countOf(e)})
		if item.Kind == Organization {
			if want := len(named[string(squeeze(nil, []byte(item.Text)))]); item.Count != want {
				t.Errorf("%s counts %d, named by %d", item.Text, item.Count, want)
			}
			continue
		}
		for d := range catalog.Datasets() {
			g.in = datasetNumber(d.Name)
			r, err := s.Search(Query{Text: item.Text, Dataset: d.Name})
			if err != nil || r.Total != int(g.countOf(e)) {
				t.Errorf("%s counts %d in %s, a search finds %d, %v", item.Text, g.countOf(e), d.Name, r.Total, err)
			}
		}
	}
}

func TestSuggestRefuses(t *testing.T) {
	s := small(t)
	for _, tt := range []struct {
		q     string
		d     catalog.Dataset
		limit int
		part  string
	}{
		{strings.Repeat("a", MaxQueryLength+1), "", 10, "q"},
		{strings.Repeat("轴", 10_000), "", 10, "q"},
		{strings.Repeat("ﷺ", MaxQueryLength), "", 10, "q"},
		{"\xff轴", "", 10, "q"},
		{"——", "", 10, "q"},
		{"\u0301\u0308", "", 10, "q"},
		{"\x00\x01\x02", "", 10, "q"},
		{"a", "", MaxSuggestions + 1, "limit"},
		{"a", "", -1, "limit"},
		{"a", "nothing", 10, "dataset"},
	} {
		_, err := s.Suggest(tt.q, tt.d, tt.limit)
		var bad *QueryError
		if !errors.As(err, &bad) || bad.Part != tt.part || bad.Message.ZH == "" || bad.Message.EN == "" {
			t.Errorf("%.20q, %s, %d: %v, want a QueryError of %s", tt.q, tt.d, tt.limit, err, tt.part)
		}
	}
	for _, q := range []string{" \t", "ü", "Ⅷ", "㎏", "ｚｃ", "zhou'cheng", "\u200dz", strings.Repeat("z", MaxQueryLength), strings.Repeat("轴", MaxQueryLength), strings.Repeat("轴a", MaxQueryLength/2)} {
		suggest(t, s, q, "", 10)
	}
}

// TestEveryCodePoint types every character there is, alone and between others.
func TestEveryCodePoint(t *testing.T) {
	s := small(t)
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r > 0xFFFF {
			r += 30 // some of the others
		}
		for _, q := range []string{string(r), "zh" + string(r) + "c"}[:1+(r+1)%2] {
			if _, err := s.Suggest(q, "", 10); err != nil {
				if bad := (*QueryError)(nil); !errors.As(err, &bad) {
					t.Fatalf("%U: %v", r, err)
				}
			}
		}
	}
}

// This is what a fit means, told without tables: a text fits when it begins with what
// was typed, or when what was typed is a way to type its first characters.

// fit says how well a text fits, noTier when it does not.
func fit(p *pinyin, text []byte, q string) tier {
	if strings.HasPrefix(string(text), string(squeeze(nil, []byte(q)))) {
		return byWriting
	}
	s := speaker{p: p, text: text}
	var o opening
	o.read(&s)
	chars := slices.Clone(o.chars[:o.n])
	for c, ok := s.next(); ok && o.more; c, ok = s.next() {
		chars = append(chars, c)
	}
	if !slices.ContainsFunc(chars, func(c spoken) bool { return hanIndex(c.char) > 0 }) {
		return noTier
	}
	return fitChars(p, chars, string(squeeze(nil, []byte(umlauts.Replace(q)))))
}

func fitChars(p *pinyin, chars []spoken, q string) tier {
	if q == "" {
		return bySpelling
	}
	if len(chars) == 0 {
		return noTier
	}
	best := noTier
	way := func(typed string, t tier) {
		if rest, ok := strings.CutPrefix(q, typed); ok {
			best = min(best, max(t, fitChars(p, chars[1:], rest)))
		}
	}
	c := chars[0]
	way(string(c.char), bySpelling)
	if hanIndex(c.char) == 0 {
		return best
	}
	for _, s := range c.all() {
		for i, v := range variants(p.names[s]) {
			spelt, short := bySpelling, byInitials
			if i > 0 {
				spelt, short = byEar, byEar
			}
			way(v, spelt)
			way(v[:1], short)
			if len(v) > 1 && v[1] == 'h' {
				way(v[:2], short)
			}
			if len(q) < len(v) && strings.HasPrefix(v, q) {
				best = min(best, spelt)
			}
		}
	}
	return best
}

var spokenWords = strings.Fields("轴承 重庆 银行 长轴 女 绿 略 参 单行 洛阳 偃师 研究所 重 行 乐 着 调角 CFD 3D打印 a ü über nm 轧 Ω か 薄 壳 仿真 能 林 零")

func someVocabulary(t *rapid.T) *catalog.Release {
	word := rapid.SampledFrom(spokenWords)
	text := func(most int) string {
		return strings.Join(rapid.SliceOfN(word, 1, most).Draw(t, "words"), rapid.SampledFrom([]string{"", "", " ", "："}).Draw(t, "glue"))
	}
	var records []catalog.Record
	for range rapid.IntRange(1, 12).Draw(t, "records") {
		h := catalog.Header{Title: text(5), Keywords: rapid.SliceOfN(word, 0, 2).Draw(t, "keywords"), Publisher: "p"}
		if rapid.Bool().Draw(t, "english") {
			h.TitleEN = rapid.SampledFrom([]string{"Bearing steel", "Zhou dynasty", "CFD of bearings"}).Draw(t, "title")
		}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			h.Dataset = catalog.Organizations
			records = append(records, &catalog.Organization{Header: h, Aliases: []string{text(2)}, Kinds: []string{"institute"}})
		case 1:
			h.Dataset = catalog.Demands
			records = append(records, &catalog.Demand{Header: h, Kind: "problem"})
		default:
			h.Dataset = catalog.Achievements
			records = append(records, &catalog.Achievement{Header: h, Organizations: []catalog.Party{{Name: text(3)}}})
		}
	}
	return releaseOf(t, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), records...)
}

// someTyping draws what might be typed for a text, and sometimes anything.
func someTyping(t *rapid.T, p *pinyin, text []byte) string {
	var b strings.Builder
	s := speaker{p: p, text: text}
	for range rapid.IntRange(1, 9).Draw(t, "characters") {
		c, ok := s.next()
		if !ok {
			break
		}
		v := []string{string(c.char)}
		for _, r := range c.all() {
			if r != unspoken {
				v = append(v, variants(p.names[r])...)
			}
		}
		typed := rapid.SampledFrom(v).Draw(t, "syllable")
		if rapid.IntRange(0, 3).Draw(t, "initial") == 0 {
			_, size := utf8.DecodeRuneInString(typed)
			typed = typed[:size]
		}
		b.WriteString(typed)
	}
	q := []rune(b.String())
	q = q[:len(q)-rapid.IntRange(0, min(3, len(q)-1)).Draw(t, "unfinished")]
	if rapid.IntRange(0, 5).Draw(t, "slip") == 0 {
		q[rapid.IntRange(0, len(q)-1).Draw(t, "where")] = rapid.SampledFrom([]rune("aceghilnouvz3轴")).Draw(t, "key")
	}
	return string(q)
}

// TestSuggestAgreesWithTheDefinition compares everything that is found, how well it
// fits, and the keys that can come next with a scan of all texts.
func TestSuggestAgreesWithTheDefinition(t *testing.T) {
	p := loadPinyin()
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(t.Context(), someVocabulary(t))
		if err != nil {
			t.Fatal(err)
		}
		w := s.words
		scan := func(q string, d catalog.Dataset) map[uint32]tier {
			found := map[uint32]tier{}
			for start, at := range w.startAt {
				e, _ := w.entryOf(uint32(start))
				if d != "" && w.masks[e]>>datasetNumber(d)&1 == 0 {
					continue
				}
				if f := fit(p, untilNUL(s.textAt(at)), q); f != noTier {
					if was, ok := found[e]; !ok || f < was {
						found[e] = f
					}
				}
			}
			return found
		}
		for range 6 {
			start := rapid.IntRange(0, len(w.startAt)-1).Draw(t, "start")
			q := someTyping(t, p, untilNUL(s.textAt(w.startAt[start])))
			d := rapid.SampledFrom([]catalog.Dataset{"", "", catalog.Achievements, catalog.Organizations}).Draw(t, "dataset")
			want := scan(q, d)
			var g guess
			if err := g.begin(s.index, q, d, len(w.masks)); err != nil {
				t.Fatal(err)
			}
			g.run()
			got := map[uint32]tier{}
			for _, best := range g.best {
				for _, c := range best {
					got[c.entry] = c.tier
				}
			}
			for e := range w.masks {
				f, ok := want[uint32(e)]
				f2, ok2 := got[uint32(e)]
				if ok != ok2 || f != f2 {
					t.Fatalf("%q in %q: %s fits %d (%v), want %d (%v)", q, d, untilNUL(s.textAt(w.startAt[e])), f2, ok2, f, ok)
				}
			}
			var next keyset
			for _, c := range []byte("0123456789abcdefghijklmnopqrstuvwxyz") {
				if len(scan(q+string(c), d)) > 0 {
					next |= keyBit(c)
				}
			}
			if g.next != next {
				t.Fatalf("%q in %q: next %q, want %q", q, d, g.next, next)
			}
		}
	})
}

// TestNames orders records as their titles are read.
func TestNames(t *testing.T) {
	titles := []string{"3D打印", "Bearings", "白钢", "长轴", "重庆", "重心", "地质", "CFD", "轴承", "洛阳", "吕梁", "路"}
	var records []catalog.Record
	for _, title := range titles {
		records = append(records, &catalog.Demand{Header: catalog.Header{Dataset: catalog.Demands, Title: title, Publisher: "p"}, Kind: "problem"})
	}
	s := snapshotOf(t, releaseOf(t, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), records...))
	r, err := s.Search(Query{Sort: ByName, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range r.Entries {
		got = append(got, e.Title().ZH)
	}
	want := "3D打印 Bearings 白钢 CFD 长轴 重庆 地质 路 洛阳 吕梁 重心 轴承"
	if strings.Join(got, " ") != want {
		t.Errorf("ordered %s, want %s", strings.Join(got, " "), want)
	}
}

// FuzzSuggest types anything: an answer, or an error that explains; every key it
// offers leads somewhere.
func FuzzSuggest(f *testing.F) {
	s := demonstration(f)
	for _, q := range []string{"", "zc", "zhouch", "轴cheng", "zhoucheng仿真", "lüse", "nvse", "zoucen", "3d", "bear", "yanshi", "洛阳", "ＺＣ", "z'c", "\x00", "\u0301", "ﷺ", strings.Repeat("zh", 100), strings.Repeat("y", 63), strings.Repeat("a", 64)} {
		f.Add(q, uint8(0))
		f.Add(q, uint8(1))
	}
	f.Fuzz(func(t *testing.T, q string, which uint8) {
		d := []catalog.Dataset{"", catalog.Achievements, catalog.Organizations}[which%3]
		r, err := s.Suggest(q, d, 10)
		if err != nil {
			if bad := (*QueryError)(nil); !errors.As(err, &bad) {
				t.Fatalf("%q: %v", q, err)
			}
			return
		}
		if len(r.Items) > 10 {
			t.Fatalf("%q: %d suggestions", q, len(r.Items))
		}
		for _, i := range r.Items {
			n := utf8.RuneCountInString(i.Matched)
			if i.Text == "" || i.Count < 1 || i.Highlight.From < 0 || i.Highlight.To > n || i.Highlight.From > i.Highlight.To {
				t.Fatalf("%q: %+v", q, i)
			}
		}
		for i := range r.Next {
			if longer := q + r.Next[i:i+1]; strings.TrimSpace(q) == q {
				if more, err := s.Suggest(longer, d, 10); err != nil || len(more.Items) == 0 {
					t.Fatalf("%q offers %q, which gives %d suggestions, %v", q, r.Next[i], len(more.Items), err)
				}
			}
		}
	})
}
