package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luoshu/catalog"
)

// release publishes records under the given keys. A reference written as
// "key:KEY" becomes the identifier of the record with that key.
func release(t testing.TB, records map[string]catalog.Record) (*catalog.Release, map[string]catalog.ID) {
	t.Helper()
	d := catalog.NewDraft(nil, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	ids := map[string]catalog.ID{}
	keys := make([]string, 0, len(records))
	for key := range records {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		h := records[key].Head()
		id, source, err := d.Identify(h.Dataset, "p", key)
		if err != nil {
			t.Fatal(err)
		}
		h.ID, h.Source, h.Publisher = id, source, "p"
		ids[key] = id
	}
	for _, key := range keys {
		r := records[key]
		catalog.Rewrite(r, func(_ catalog.Field, s string) string {
			if key, ok := strings.CutPrefix(s, "key:"); ok {
				if id, known := ids[key]; known {
					return string(id)
				}
				return "A0000000"
			}
			return s
		})
		e, change, err := d.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Put(e, change); err != nil {
			t.Fatal(err)
		}
	}
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Release, ids
}

func header(d catalog.Dataset, title string) catalog.Header {
	return catalog.Header{Dataset: d, Title: title}
}

// tellLinks writes links as a reader would see them: the heading, the total and the
// keys of the neighbors.
func tellLinks(links []Links, ids map[string]catalog.ID) []string {
	key := map[catalog.ID]string{}
	for k, id := range ids {
		key[id] = k
	}
	var out []string
	for _, l := range links {
		var names []string
		for _, e := range l.Entries {
			names = append(names, key[e.ID])
		}
		out = append(out, fmt.Sprintf("%s %d: %s", l.Label.ZH, l.Total, strings.Join(names, " ")))
	}
	return out
}

func TestRelations(t *testing.T) {
	answers := []catalog.Relation{{Type: "answers", Scheme: "record", Value: "key:need"}, {Type: "protected-by", Scheme: "cn-patent", Value: "202319900701.7"}}
	uni := []catalog.Party{{ID: "key:university", Name: "河图大学"}}
	r, ids := release(t, map[string]catalog.Record{
		"university": &catalog.Organization{Header: header(catalog.Organizations, "河图大学")},
		"college":    &catalog.Organization{Header: header(catalog.Organizations, "学院"), Parent: "key:university"},
		"need":       &catalog.Demand{Header: header(catalog.Demands, "轴承在线检测")},
		"b":          &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements, Title: "B 检测", Relations: answers, Market: "key:university"}, Organizations: uni},
		"a":          &catalog.Achievement{Header: header(catalog.Achievements, "A 轴承"), Organizations: append(uni, catalog.Party{ID: "key:college", Name: "学院"}, uni[0])},
		"package":    &catalog.Package{Header: header(catalog.Packages, "轴承包"), Items: []catalog.Ref{"key:b", "key:need", "key:nothing", "key:a", "key:b"}},
		"lonely":     &catalog.Event{Header: header(catalog.Events, "路演"), Items: []catalog.Ref{"key:lonely"}},
	})
	s := snapshotOf(t, r)
	for _, tt := range []struct {
		key         string
		skip, limit int
		want        []string
	}{
		{"a", 0, 9, []string{"完成单位 2: university college", "成果包（收录条目） 1: package"}},
		{"b", 0, 9, []string{"回应需求 1: need", "所属分市场 1: university", "完成单位 1: university", "成果包（收录条目） 1: package"}},
		{"need", 0, 9, []string{"成果（回应需求） 1: b", "成果包（收录条目） 1: package"}},
		{"package", 0, 9, []string{"收录条目 2: b a", "收录条目 1: need"}},
		{"university", 0, 9, []string{"成果（所属分市场） 1: b", "成果（完成单位） 2: a b", "机构（上级机构） 1: college"}},
		{"university", 0, 1, []string{"成果（所属分市场） 1: b", "成果（完成单位） 2: a", "机构（上级机构） 1: college"}},
		{"university", 1, 1, []string{"成果（所属分市场） 1: ", "成果（完成单位） 2: b", "机构（上级机构） 1: "}},
		{"lonely", 0, 9, nil},
	} {
		got, err := s.Relations(RelationQuery{ID: ids[tt.key], Skip: tt.skip, Limit: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(strings.Join(tt.want, "\n"), "回应需求", relationLabel(t, "answers"))
		if told := strings.Join(tellLinks(got, ids), "\n"); told != want {
			t.Errorf("%s, %d from %d:\n%s\nwant\n%s", tt.key, tt.limit, tt.skip, told, want)
		}
	}
	only, err := s.Relations(RelationQuery{ID: ids["university"], Dataset: catalog.Organizations, Field: "parent", Limit: 1})
	if err != nil || len(only) != 1 || only[0].Entries[0].ID != ids["college"] {
		t.Errorf("one field of one dataset: %+v, %v", only, err)
	}
	if _, err := s.Relations(RelationQuery{ID: "A0000000"}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func relationLabel(t testing.TB, code string) string {
	t.Helper()
	c, ok := catalog.LookupCodeList("relation-type").Lookup(code)
	if !ok {
		t.Fatal(code)
	}
	return c.Label.ZH
}

// TestRelationsOfMergedRecords expects a link to a withdrawn record to lead to its
// successor, and nowhere when there is none.
func TestRelationsOfMergedRecords(t *testing.T) {
	base, ids := release(t, map[string]catalog.Record{
		"old":     &catalog.Achievement{Header: header(catalog.Achievements, "旧")},
		"gone":    &catalog.Achievement{Header: header(catalog.Achievements, "撤")},
		"new":     &catalog.Achievement{Header: header(catalog.Achievements, "新")},
		"package": &catalog.Package{Header: header(catalog.Packages, "包"), Items: []catalog.Ref{"key:gone", "key:old"}},
	})
	d := catalog.NewDraft(base, base.Manifest.PublishedAt.Add(time.Hour))
	for key, successor := range map[string]catalog.ID{"old": ids["new"], "gone": ""} {
		if err := d.Withdraw(ids[key], "合并", successor); err != nil {
			t.Fatal(err)
		}
	}
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := snapshotOf(t, p.Release)
	links, err := s.Relations(RelationQuery{ID: ids["package"], Limit: 9})
	if told := tellLinks(links, ids); err != nil || len(told) != 1 || told[0] != "收录条目 1: new" {
		t.Errorf("%q, %v", told, err)
	}
	if _, err := s.Relations(RelationQuery{ID: ids["old"]}); !errors.Is(err, catalog.ErrWithdrawn) {
		t.Errorf("withdrawn: %v", err)
	}
}

// TestRelationsAreSymmetric draws records that refer to each other at random and
// compares both directions with what the records say.
func TestRelationsAreSymmetric(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "records")
		key := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("key:", rapid.IntRange(0, n+1).Draw(t, "key")) })
		records := map[string]catalog.Record{}
		for i := range n {
			h := header("", fmt.Sprintf("记录%d", rapid.IntRange(0, 3).Draw(rt, "title")))
			for _, k := range rapid.SliceOfN(key, 0, 3).Draw(rt, "relations") {
				h.Relations = append(h.Relations, catalog.Relation{Type: rapid.SampledFrom([]string{"related", "answers", "part-of"}).Draw(rt, "type"), Scheme: rapid.SampledFrom([]string{"record", "record", "other"}).Draw(rt, "scheme"), Value: k})
			}
			var items []catalog.Ref
			for _, k := range rapid.SliceOfN(key, 0, 4).Draw(rt, "items") {
				items = append(items, catalog.Ref(k))
			}
			var r catalog.Record
			switch rapid.IntRange(0, 2).Draw(rt, "dataset") {
			case 0:
				h.Dataset = catalog.Packages
				r = &catalog.Package{Header: h, Items: items}
			case 1:
				h.Dataset = catalog.Achievements
				r = &catalog.Achievement{Header: h}
			default:
				h.Dataset = catalog.Cases
				r = &catalog.Case{Header: h, Items: items}
			}
			records[strconv.Itoa(i)] = r
		}
		rel, _ := release(t, records)
		s := snapshotOf(t, rel)

		type edge struct {
			from, to    catalog.ID
			field, kind string
		}
		said := map[edge]bool{}
		for _, e := range rel.Entries {
			r, err := catalog.Decode(e.Dataset, e.Raw)
			if err != nil {
				rt.Fatal(err)
			}
			add := func(to catalog.ID, field, kind string) {
				if _, err := s.Find(to); err == nil && to != e.ID {
					said[edge{e.ID, to, field, kind}] = true
				}
			}
			for _, l := range r.Head().Relations {
				if l.Scheme == "record" {
					add(catalog.ID(l.Value), "relations[].value", l.Type)
				}
			}
			switch r := r.(type) {
			case *catalog.Package:
				for _, i := range r.Items {
					add(i, "items[]", "")
				}
			case *catalog.Case:
				for _, i := range r.Items {
					add(i, "items[]", "")
				}
			}
		}
		for _, reverse := range []bool{false, true} {
			found := map[edge]bool{}
			for _, e := range rel.Entries {
				links, err := s.Relations(RelationQuery{ID: e.ID, Limit: 1000})
				if err != nil {
					rt.Fatal(err)
				}
				groups := map[string]bool{}
				for _, l := range links {
					if group := fmt.Sprint(l.Dataset, l.Field, l.Type, l.Reverse); groups[group] {
						rt.Fatalf("%s: %s twice", e.ID, group)
					} else {
						groups[group] = true
					}
					if l.Total != len(l.Entries) || l.Total == 0 {
						rt.Fatalf("%s: %d of %d", e.ID, len(l.Entries), l.Total)
					}
					for _, n := range l.Entries {
						if n.Dataset != l.Dataset {
							rt.Fatalf("%s: %s among %s", e.ID, n.ID, l.Dataset)
						}
						x := edge{e.ID, n.ID, l.Field, l.Type}
						if l.Reverse {
							x.from, x.to = x.to, x.from
						}
						if l.Reverse == reverse {
							if found[x] {
								rt.Fatalf("%+v twice", x)
							}
							found[x] = true
						}
					}
				}
			}
			if len(found) != len(said) {
				rt.Fatalf("reverse %v: %d links, %d said", reverse, len(found), len(said))
			}
			for x := range said {
				if !found[x] {
					rt.Fatalf("reverse %v: %+v is missing", reverse, x)
				}
			}
		}
	})
}
