package opendata_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"luoshu/catalog"
	"luoshu/opendata"
)

// atom is a feed, as RFC 4287 has it.
type atom struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	ID      []string `xml:"id"`
	Title   []string `xml:"title"`
	Updated []string `xml:"updated"`
	Author  []string `xml:"author>name"`
	Links   []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Entries []struct {
		ID      []string `xml:"id"`
		Title   []string `xml:"title"`
		Updated []string `xml:"updated"`
		Links   []struct {
			Rel  string `xml:"rel,attr"`
			Href string `xml:"href,attr"`
		} `xml:"link"`
		Summary []struct {
			Lang string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
			Text string `xml:",chardata"`
		} `xml:"summary"`
	} `xml:"entry"`
}

func TestFeeds(t *testing.T) {
	s := demonstration(t)
	app := serve(t, s, at("https://luoshu.example"))
	names := []string{"all"}
	for d := range catalog.Datasets() {
		names = append(names, string(d.Name))
	}
	ids := map[string]bool{}
	for _, lang := range []string{"zh", "en"} {
		for _, name := range names {
			path := "/feeds/" + name + ".atom"
			if lang == "en" {
				path += "?lang=en"
			}
			a := get(t, app, path)
			wellFormed(t, a.body)
			var f atom
			if err := xml.Unmarshal([]byte(a.body), &f); err != nil {
				t.Fatal(err)
			}
			count := s.Current().Count(catalog.Dataset(name))
			if name == "all" {
				count = s.Current().Len()
			}
			if len(f.Entries) != min(count, 50) || f.Lang != lang || len(f.ID) != 1 || ids[f.ID[0]] ||
				!strings.HasPrefix(f.ID[0], "tag:luoshu.example,2026:") || len(f.Title) != 1 || f.Title[0] == "" || len(f.Updated) != 1 || len(f.Author) != 1 || f.Author[0] == "" {
				t.Errorf("%s: %d entries of %d, id %q, title %q, author %q", path, len(f.Entries), count, f.ID, f.Title, f.Author)
			}
			ids[f.ID[0]] = true
			self := ""
			for _, l := range f.Links {
				if l.Rel == "self" {
					self = l.Href
				}
			}
			if self != "https://luoshu.example"+path {
				t.Errorf("%s: self is %q", path, self)
			}
			entries, last := map[string]bool{}, ""
			for _, e := range f.Entries {
				if len(e.ID) != 1 || entries[e.ID[0]] || len(e.Title) != 1 || e.Title[0] == "" || len(e.Updated) != 1 || len(e.Summary) != 1 || e.Summary[0].Text == "" || e.Links[0].Rel != "alternate" {
					t.Fatalf("%s: entry %+v", path, e)
				}
				entries[e.ID[0]] = true
				if _, err := time.Parse(time.RFC3339, e.Updated[0]); err != nil || last != "" && e.Updated[0] > last {
					t.Errorf("%s: %s is out of order (%v)", path, e.ID[0], err)
				}
				last = e.Updated[0]
				id := catalog.ID(e.ID[0][strings.LastIndexByte(e.ID[0], '/')+1:])
				found, err := s.Current().Find(id)
				if err != nil || e.Title[0] != found.Title().In(lang) || !strings.HasPrefix(e.Links[0].Href, "https://luoshu.example/"+string(found.Dataset)+"/"+string(id)) {
					t.Errorf("%s: entry %+v (%v)", path, e, err)
				}
			}
		}
	}
	// Withdrawn records are in none, markup in a text stays text.
	small := serve(t, demo(t), at("https://luoshu.example"))
	golden(t, "feed", get(t, small, "/feeds/achievements.atom").String())
	for _, path := range []string{"/feeds/all.atom", "/sitemap.xml"} {
		if a := get(t, serve(t, demo(t)), path); a.status != 404 || !strings.Contains(a.body, "no-public-address") {
			t.Errorf("%s without an address: %s", path, a)
		}
	}
}

func TestSitemap(t *testing.T) {
	s := demonstration(t)
	a := get(t, serve(t, s, at("https://luoshu.example")), "/sitemap.xml")
	wellFormed(t, a.body)
	var m struct {
		XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URLs    []struct {
			Loc     string `xml:"loc"`
			Lastmod string `xml:"lastmod"`
		} `xml:"url"`
	}
	if err := xml.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatal(err)
	}
	if want := s.Current().Len() + 16; len(m.URLs) != want {
		t.Errorf("%d addresses, want %d", len(m.URLs), want)
	}
	seen := map[string]bool{}
	for _, u := range m.URLs {
		if _, err := time.Parse(time.RFC3339, u.Lastmod); err != nil || seen[u.Loc] || !strings.HasPrefix(u.Loc, "https://luoshu.example/") {
			t.Errorf("%+v (%v)", u, err)
		}
		seen[u.Loc] = true
	}

	// More pages than one sitemap may have are split, and each page is in one part.
	opendata.SetMaxSitemap(t, 4)
	app := serve(t, demo(t), at("https://luoshu.example"))
	var index struct {
		XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
		Loc     []string `xml:"sitemap>loc"`
	}
	if err := xml.Unmarshal([]byte(get(t, app, "/sitemap.xml").body), &index); err != nil || len(index.Loc) != 7 {
		t.Fatalf("index %v (%v)", index.Loc, err)
	}
	parts := map[string]int{}
	for _, loc := range index.Loc {
		var m struct {
			Loc []string `xml:"url>loc"`
		}
		path := strings.TrimPrefix(loc, "https://luoshu.example")
		if err := xml.Unmarshal([]byte(get(t, app, path).body), &m); err != nil || len(m.Loc) == 0 || len(m.Loc) > 4 {
			t.Errorf("%s: %v (%v)", path, m.Loc, err)
		}
		for _, l := range m.Loc {
			parts[l]++
		}
	}
	for loc, n := range parts {
		if n != 1 {
			t.Errorf("%s is in %d parts", loc, n)
		}
	}
	if len(parts) != 16+9 {
		t.Errorf("%d addresses in the parts", len(parts))
	}
	if a := get(t, app, "/sitemap-8.xml"); a.status != 404 {
		t.Errorf("a part too many: %s", a)
	}
}

func TestRobots(t *testing.T) {
	s := demo(t)
	for want, change := range map[string]func(*opendata.Config){
		"User-agent: *\nAllow: /\n": func(*opendata.Config) {},
		"User-agent: *\nAllow: /\n\nSitemap: https://luoshu.example/sitemap.xml\n": at("https://luoshu.example"),
		"User-agent: *\nDisallow: /\n":                                             func(c *opendata.Config) { c.BaseURL, c.Preview = "https://luoshu.example", true },
	} {
		if a := get(t, serve(t, s, change), "/robots.txt"); a.body != want {
			t.Errorf("robots.txt is %q, want %q", a.body, want)
		}
	}
}

func TestAPICatalog(t *testing.T) {
	app := serve(t, demo(t), at("https://luoshu.example"))
	a := get(t, app, "/.well-known/api-catalog")
	golden(t, "api-catalog", a.String())
	if !json.Valid([]byte(a.body)) || a.header.Get("Content-Type") != `application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"` {
		t.Errorf("%s", a)
	}
	if link := ask(t, app, "HEAD", "/.well-known/api-catalog").header.Get("Link"); !strings.Contains(link, `rel="api-catalog"`) {
		t.Errorf("HEAD: Link is %q", link)
	}
	// Without an address there is no OAI-PMH to be found.
	if a := get(t, serve(t, demo(t)), "/.well-known/api-catalog"); strings.Contains(a.body, "/oai") || !strings.Contains(a.body, `"anchor":"/api/v1"`) {
		t.Errorf("without an address: %s", a)
	}
}
