package snapshot

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"luoshu/catalog"
)

// relations holds the links between records, each twice: with the record that names
// the other, in the order in which it does, and with the record that is named, in
// the order of the names of those that do.
//
// Its parts are views of a segment, or of memory laid out like one.
type relations struct {
	forward, backward adjacency
	// ways are the distinct ways to link, ascending: the path of the field and the
	// type of the relation, with a NUL between.
	ways strings32
}

// adjacency lists the neighbors of every record, by dataset and way.
type adjacency struct {
	firsts []uint32 // where a record's neighbors begin, and where the last end
	docs   []uint32
	ways   []uint16
}

func (a *adjacency) of(doc uint32) ([]uint32, []uint16) {
	from, to := a.firsts[doc], a.firsts[doc+1]
	return a.docs[from:to], a.ways[from:to]
}

// RelationQuery asks for the neighbors of a record.
type RelationQuery struct {
	ID catalog.ID
	// Dataset and Field limit the answer to neighbors of one dataset and to links
	// along one field; empty is all of them.
	Dataset catalog.Dataset
	Field   string
	// Skip leaves out that many neighbors of each kind of link, Limit is the
	// greatest number of them; a kind is told of even when none of it is shown.
	Skip, Limit int
}

// Links are the neighbors of a record along one kind of link.
type Links struct {
	// Dataset is that of the neighbors.
	Dataset catalog.Dataset
	// Field is the path of the field that holds the link. With Reverse it is a
	// field of the neighbors, which name the record.
	Field   string
	Reverse bool
	// Type is the relation's type (code list relation-type); empty for a field
	// that is a reference by itself.
	Type string
	// Label says how they are related, as a heading over the neighbors.
	Label catalog.Text
	// Total counts all neighbors, Entries holds the ones asked for: in the order in
	// which the record names them, or by name when Reverse.
	Total   int
	Entries []catalog.Entry
}

// Relations returns every kind of explicit link of a record with the neighbors
// along it: first those it names, then those that name it, each by dataset and
// field. A link to a record that is not in the release is left out; one to a record
// that was merged leads to its successor. The error is that of Find.
func (s *Snapshot) Relations(q RelationQuery) ([]Links, error) {
	doc, ok := s.number(q.ID)
	if !ok {
		_, err := s.Find(q.ID)
		return nil, err
	}
	var all []Links
	for _, side := range []struct {
		*adjacency
		reverse bool
	}{{&s.relations.forward, false}, {&s.relations.backward, true}} {
		docs, ways := side.of(doc)
		for len(docs) > 0 {
			dataset := s.entry(docs[0]).Dataset
			behind := uint32(s.spans[dataset].to)
			n := sort.Search(len(docs), func(i int) bool { return docs[i] >= behind || ways[i] != ways[0] })
			field, kind, _ := strings.Cut(string(s.relations.ways.at(int(ways[0]))), "\x00")
			if (q.Dataset == "" || q.Dataset == dataset) && (q.Field == "" || q.Field == field) {
				l := Links{Dataset: dataset, Field: field, Type: kind, Reverse: side.reverse, Total: n}
				l.Label = l.label(s.entry(doc).Dataset)
				from := min(max(q.Skip, 0), n)
				for _, d := range docs[from:min(from+max(q.Limit, 0), n)] {
					l.Entries = append(l.Entries, s.entry(d))
				}
				all = append(all, l)
			}
			docs, ways = docs[n:], ways[n:]
		}
	}
	return all, nil
}

// label words a link of a record of dataset d.
func (l *Links) label(d catalog.Dataset) catalog.Text {
	var label catalog.Text
	if l.Type != "" {
		label = catalog.Text{ZH: l.Type, EN: l.Type}
		if c, ok := catalog.LookupCodeList("relation-type").Lookup(l.Type); ok {
			label = c.Label
		}
	} else {
		owner := d
		if l.Reverse {
			owner = l.Dataset
		}
		// The name beside a reference has the better label: it does not speak of
		// numbers.
		f, ok := catalog.LookupField(owner, strings.TrimSuffix(l.Field, ".id")+".name")
		if !ok {
			f, _ = catalog.LookupField(owner, l.Field)
		}
		label = f.Label
	}
	if info, ok := l.Dataset.Info(); ok && l.Reverse {
		label = catalog.Text{ZH: info.Label.ZH + "（" + label.ZH + "）", EN: info.Label.EN + " (" + strings.ToLower(label.EN) + ")"}
	}
	return label
}

// link is a link as it was found.
type link struct {
	from, to uint32
	way      uint16
}

// way is how one record names another.
type way struct{ field, kind string }

// linkTaker finds the links of records while these are taken apart. It belongs to
// one goroutine.
type linkTaker struct {
	find   func(catalog.ID) (uint32, bool)
	found  []takenLink
	kind   string // of the relation under way
	scheme []byte
}

type takenLink struct {
	link
	way
}

// value is told of every value of the record numbered doc. Of a relation the scheme
// and the type come before the value, since members are ordered by name.
func (t *linkTaker) value(doc uint32, f *field, text []byte) {
	var w way
	switch {
	case f.path == "relations[].scheme":
		t.scheme = append(t.scheme[:0], text...)
		return
	case f.path == "relations[].type":
		if t.kind != string(text) {
			t.kind = string(text)
		}
		return
	case f.path == "relations[].value" && string(t.scheme) == "record":
		w = way{f.path, t.kind}
	case f.typ == "ref":
		w = way{f.path, ""}
	default:
		return
	}
	if to, ok := t.find(catalog.ID(text)); ok && to != doc {
		t.found = append(t.found, takenLink{link{doc, to, 0}, w})
	}
}

// linksBuilder gathers the links of a release, in the order of its records.
type linksBuilder struct {
	found  []link
	number map[way]uint16
	ways   []way
}

func (b *linksBuilder) keep(found []takenLink) {
	if b.number == nil {
		b.number = map[way]uint16{}
	}
	for _, l := range found {
		n, ok := b.number[l.way]
		if !ok {
			n = uint16(len(b.ways))
			w := way{strings.Clone(l.field), l.kind}
			b.number[w] = n
			b.ways = append(b.ways, w)
		}
		l.link.way = n
		b.found = append(b.found, l.link)
	}
}

// finish lays the links out. names is the place of every record in the order of
// names.
func (b *linksBuilder) finish(entries []catalog.Entry, names []uint32) relations {
	compare := func(a, b way) int {
		return cmp.Or(strings.Compare(a.field, b.field), strings.Compare(a.kind, b.kind))
	}
	sorted := slices.Clone(b.ways)
	slices.SortFunc(sorted, compare)
	texts := make([]string, len(sorted))
	for i, w := range sorted {
		texts[i] = w.field + "\x00" + w.kind
	}
	for i := range b.found {
		n, _ := slices.BinarySearchFunc(sorted, b.ways[b.found[i].way], compare)
		b.found[i].way = uint16(n)
	}
	// The number of the first record of a dataset stands for the dataset.
	first := make([]uint32, len(entries))
	for i := 1; i < len(entries); i++ {
		first[i] = first[i-1]
		if entries[i].Dataset != entries[i-1].Dataset {
			first[i] = uint32(i)
		}
	}
	b.sortForward(first)
	r := relations{ways: newStrings32(texts)}
	r.forward = layOutLinks(len(entries), len(b.found), func(yield func(at, doc uint32, way uint16)) {
		for _, l := range b.found {
			yield(l.from, l.to, l.way)
		}
	})
	r.backward = layOutLinks(len(entries), len(b.found), func(yield func(at, doc uint32, way uint16)) {
		for _, l := range b.found {
			yield(l.to, l.from, l.way)
		}
	})
	sortBackward(&r.backward, first, names)
	return r
}

// sortForward orders the links of each record by dataset and way, else as they were
// found, and leaves out repetitions.
func (b *linksBuilder) sortForward(first []uint32) {
	var once []link
	seen := map[link]bool{}
	for rest := b.found; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].from == rest[0].from {
			n++
		}
		of := rest[:n]
		rest = rest[n:]
		slices.SortStableFunc(of, func(a, b link) int {
			return cmp.Or(cmp.Compare(first[a.to], first[b.to]), cmp.Compare(a.way, b.way))
		})
		clear(seen)
		for _, l := range of {
			if !seen[l] {
				seen[l] = true
				once = append(once, l)
			}
		}
	}
	b.found = once
}

// sortBackward orders the neighbors of each record by dataset, way and name.
func sortBackward(a *adjacency, first, names []uint32) {
	byName := make([]uint32, len(names))
	for doc, place := range names {
		byName[place] = uint32(doc)
	}
	type key struct {
		dataset, place uint32
		way            uint16
	}
	var keys []key
	for doc := range len(a.firsts) - 1 {
		docs, ways := a.of(uint32(doc))
		if len(docs) < 2 {
			continue
		}
		keys = keys[:0]
		for i, d := range docs {
			keys = append(keys, key{first[d], names[d], ways[i]})
		}
		slices.SortFunc(keys, func(a, b key) int {
			return cmp.Or(cmp.Compare(a.dataset, b.dataset), cmp.Compare(a.way, b.way), cmp.Compare(a.place, b.place))
		})
		for i, k := range keys {
			docs[i], ways[i] = byName[k.place], k.way
		}
	}
}

// layOutLinks counts the links at every record, and then fills them in.
func layOutLinks(records, links int, each func(yield func(at, doc uint32, way uint16))) adjacency {
	a := adjacency{firsts: make([]uint32, records+1), docs: make([]uint32, links), ways: make([]uint16, links)}
	each(func(at, _ uint32, _ uint16) { a.firsts[at+1]++ })
	for i := range records {
		a.firsts[i+1] += a.firsts[i]
	}
	next := slices.Clone(a.firsts)
	each(func(at, doc uint32, way uint16) {
		a.docs[next[at]], a.ways[next[at]] = doc, way
		next[at]++
	})
	return a
}

// finder returns what finds the record an identifier leads to, by way of those it
// was merged into.
func finder(r *catalog.Release, number func(catalog.ID) (uint32, bool)) func(catalog.ID) (uint32, bool) {
	return func(id catalog.ID) (uint32, bool) {
		for range 8 { // a chain that does not end leads nowhere
			if doc, ok := number(id); ok {
				return doc, true
			}
			t, ok := r.Manifest.Find(id)
			if !ok || t.Successor == "" {
				return 0, false
			}
			id = t.Successor
		}
		return 0, false
	}
}
