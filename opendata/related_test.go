package opendata_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
)

// TestSuggest: what was typed in any way leads to the word, its range is told in code
// points, and only the keys that lead on are named.
func TestSuggest(t *testing.T) {
	app := serve(t, demonstration(t))
	type answered struct {
		Data []struct {
			Kind, Text, Matched string
			ID                  catalog.ID
			Dataset             catalog.Dataset
			Count               int
			Ranges              [][2]int
		}
		Meta struct {
			Limit, Returned int
			NextKeys        string `json:"next_keys"`
		}
	}
	ask := func(query string) (a answered) {
		got := get(t, app, "/api/v1/suggest?"+query)
		if got.status != 200 {
			t.Fatalf("%s: %s", query, got)
		}
		got.decode(t, &a)
		if a.Meta.Returned != len(a.Data) || len(a.Data) > a.Meta.Limit {
			t.Errorf("%s: %+v", query, a.Meta)
		}
		return a
	}
	for _, q := range []string{"轴承", "轴", "zhoucheng", "zhouch", "zc", "轴c"} {
		a := ask("q=" + url.QueryEscape(q))
		if len(a.Data) == 0 || a.Data[0].Text != "轴承" || !slices.Equal(a.Data[0].Ranges, [][2]int{{0, 2}}) && q != "轴" {
			t.Errorf("%s: %+v", q, a.Data)
			continue
		}
		var found searched
		get(t, app, "/api/v1/search?q="+url.QueryEscape(a.Data[0].Text)).decode(t, &found)
		if a.Data[0].Kind == "term" && found.Meta.Total != a.Data[0].Count {
			t.Errorf("%s: counted %d, found %d", a.Data[0].Text, a.Data[0].Count, found.Meta.Total)
		}
	}
	a := ask("q=zh&limit=50")
	for key := 'a'; key <= 'z'; key++ {
		if leads := len(ask("q=zh"+string(key)).Data) > 0; leads != strings.ContainsRune(a.Meta.NextKeys, key) {
			t.Errorf("zh and then %c: leads on %t, keys %s", key, leads, a.Meta.NextKeys)
		}
	}
	for _, item := range ask("q=l&dataset=demands&limit=50").Data {
		if item.Kind == "title" && item.Dataset != catalog.Demands {
			t.Errorf("in demands: %+v", item)
		}
	}
	if len(ask("").Data) == 0 {
		t.Error("nothing is suggested before anything is typed")
	}
	for query, want := range map[string]string{
		"q=": "1 to 800 bytes", "q=" + strings.Repeat("a", 300): "300 characters, at most 200", "limit=51": "from 1 to 50",
		"dataset=demand": "did you mean `demands`?", "facets=stage": "unknown parameter `facets`", "q=a&q=b": "more than once",
	} {
		if a := get(t, app, "/api/v1/suggest?"+query); a.status != 400 || !strings.Contains(a.body, want) {
			t.Errorf("%.60s: %s", query, a)
		}
	}
}

// TestRelations: the records along a link name the record, or it names them, and the
// list of all of them is as long as it says.
func TestRelations(t *testing.T) {
	s := demonstration(t)
	app := serve(t, s)
	groups, shown := 0, 0
	for _, d := range []catalog.Dataset{catalog.Organizations, catalog.Packages, catalog.Cases} {
		for e := range s.Current().All(d) {
			path := "/api/v1/" + string(d) + "/" + string(e.ID)
			var a struct {
				Data []struct {
					Dataset catalog.Dataset
					Field   string
					Reverse bool
					Label   catalog.Text
					Total   int
					Records []hit
					Links   struct{ All string }
				}
				Links struct{ Record string }
			}
			get(t, app, path+"/relations?limit=3").decode(t, &a)
			var one struct{ Data hit }
			get(t, app, path).decode(t, &one)
			if a.Links.Record != path {
				t.Errorf("%s: record at %s", path, a.Links.Record)
			}
			for _, g := range a.Data {
				groups++
				if g.Label.ZH == "" || g.Label.EN == "" || len(g.Records) != min(3, g.Total) {
					t.Errorf("%s: %+v", path, g)
				}
				if strings.HasPrefix(g.Field, "relations") {
					continue // by a value, told in the record's own words
				}
				for _, r := range g.Records {
					shown++
					if named := r.values(g.Field); g.Reverse && !slices.Contains(named, string(e.ID)) {
						t.Errorf("%s: %s by %s names %v", path, r.id(), g.Field, named)
					}
					if named := one.Data.values(g.Field); !g.Reverse && !slices.Contains(named, r.id()) {
						t.Errorf("%s: it names %v by %s, not %s", path, named, g.Field, r.id())
					}
				}
				if g.Reverse {
					var all searched
					if get(t, app, g.Links.All).decode(t, &all); all.Meta.Total != g.Total {
						t.Errorf("%s: %d at %s, want %d", path, all.Meta.Total, g.Links.All, g.Total)
					}
				}
			}
		}
	}
	if groups < 50 || shown < 100 {
		t.Errorf("the test is of %d links to %d records", groups, shown)
	}
}

// TestMatches: what fits a record says why, and the reasons add up.
func TestMatches(t *testing.T) {
	s := demonstration(t)
	app := serve(t, s)
	kinds := map[string]int{}
	for _, d := range []catalog.Dataset{catalog.Demands, catalog.Organizations} {
		for e := range s.Current().All(d) {
			var a struct {
				Data []struct {
					Kind  string
					Score int
					Parts []struct {
						Name   string
						Points int
						Why    catalog.Text
					}
					Record hit
				}
			}
			get(t, app, "/api/v1/"+string(d)+"/"+string(e.ID)+"/matches?limit=2").decode(t, &a)
			per := map[string]int{}
			for _, m := range a.Data {
				kinds[m.Kind]++
				if per[m.Kind]++; per[m.Kind] > 2 {
					t.Errorf("%s: more than two of %s", e.ID, m.Kind)
				}
				sum := 0
				for _, p := range m.Parts {
					sum += p.Points
					if p.Name == "" || p.Why.ZH == "" || p.Why.EN == "" {
						t.Errorf("%s: %+v", e.ID, p)
					}
				}
				if sum != m.Score || len(m.Parts) == 0 || m.Record["title"] == "" {
					t.Errorf("%s and %s: %d points, score %d", e.ID, m.Record.id(), sum, m.Score)
				}
			}
		}
	}
	if kinds["achievement-fits"] < 20 || kinds["service"] == 0 {
		t.Errorf("matches %v", kinds)
	}
}

// TestRelatedProblems: what is said of a record itself is said here too, and answers
// are kept by their ETag.
func TestRelatedProblems(t *testing.T) {
	app := serve(t, demo(t))
	id := string(named(catalog.Achievements, "0"))
	for _, below := range []string{"/relations", "/matches"} {
		for path, status := range map[string]int{
			"achievements/" + id: 200, "achievements/" + strings.ToLower(id): 200, "demands/" + id: 404, "nothing/" + id: 404,
			"achievements/" + string(named(catalog.Achievements, "1")): 410, "experts/" + string(named(catalog.Experts, "nobody")): 404,
			"achievements/12": 400,
		} {
			if a := get(t, app, "/api/v1/"+path+below); a.status != status {
				t.Errorf("%s%s: %s, want %d", path, below, a, status)
			}
		}
		if a := get(t, app, "/api/v1/achievements/"+id+below+"?limit=0"); a.status != 400 {
			t.Errorf("%s: %s", below, a)
		}
	}
	for _, path := range []string{"/api/v1/achievements/" + id + "/relations", "/api/v1/achievements/" + id + "/matches", "/api/v1/suggest?q=zc"} {
		tag := get(t, app, path).header.Get("ETag")
		if a := get(t, app, path, "If-None-Match", tag); a.status != 304 || tag == "" {
			t.Errorf("%s: %s", path, a)
		}
	}
}
