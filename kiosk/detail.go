package kiosk

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

const (
	itemSize = 8   // records of a part on a page: what fits a screen without their abstracts
	longLead = 300 // full-width characters of an abstract on the first part
)

// detailPage is a record. The first part says what it is and how to get it; what belongs
// to it stands in parts of their own, each with an address, so that none is long.
type detailPage struct {
	*sheet
	Part  string // empty is the first
	Parts []chip

	Strip, Prose, Offer []fact
	Sections            []fact // repeated objects, each under its heading
	Desk                *catalog.Desk
	Gauge               *gauge
	Items               []card
	// Brief is the lead, All the link to the whole of it where that is too long.
	Brief   text
	All     string
	Scan    scan
	Outside *scan // a code for the address elsewhere
	Take    *chip // nil where there is nothing to take

	Rights  []fact // what it rests on: patents, reports, standards, sources
	Related []related
	// Guess says that Related was found by comparing, and is a hint.
	Guess bool

	Deep, Rest, About []fact
	turn

	matches []snapshot.Match
	links   []snapshot.Links
}

// turn leads through what does not fit on one page; its links are empty at the ends.
type turn struct {
	From, To, Total int
	Previous, Next  string
}

// turns shows page at of n things, size to a page, or the last; link leads to another. It
// returns which of the things stand on the page.
func (t *turn) turns(n, at, size int, link func(int) string) (from, to int) {
	at = min(at, lastPage(n, size))
	from, to = (at-1)*size, min(at*size, n)
	*t = turn{From: min(from+1, n), To: to, Total: n}
	if at > 1 {
		t.Previous = link(at - 1)
	}
	if to < n {
		t.Next = link(at + 1)
	}
	return from, to
}

// lastPage is how many pages n things fill, size to a page; of none there is one.
func lastPage(n, size int) int { return max(1, (n+size-1)/size) }

// shared names the members that say how a record came here rather than what it is.
var shared = []string{
	"id", "dataset", "market", "source_ids", "valid_until", "last_confirmed_on", "publisher", "source",
	"published_at", "updated_at", "version", "sample", "raw",
}

// grounds are the members that say what a record rests on, in the order of their part.
var grounds = []string{"ip", "relations", "sources"}

func (h *Handler) detail(info catalog.DatasetInfo) func(*request) (answer, error) {
	return func(rq *request) (answer, error) {
		id, err := catalog.ParseID(rq.param)
		if err != nil {
			return answer{}, err
		}
		if id.Dataset() != info.Name {
			return answer{}, catalog.ErrNotFound
		}
		rq.path = "/" + string(info.Name) + "/" + string(id)
		rq.cameFrom(info.Name)
		rq.listPage = rq.page
		e, err := rq.snap.Find(id)
		if errors.Is(err, catalog.ErrWithdrawn) {
			return h.gone(rq, id), nil
		}
		if err != nil {
			return answer{}, err
		}
		part, at := partNamed(rq.args.Get("part")), pageNumber(rq.args.Get("at"))
		rq.state = rq.at(part, at)
		rq.viewed(id)
		return answer{template: "detail", data: func() (any, error) {
			s, err := rq.newPage(text{}, "/"+string(info.Name)).newSheet(e)
			if err != nil {
				return nil, err
			}
			s.Title = s.Name()
			s.trail = "from=" + string(id)
			if part != "" {
				s.trail += "." + part
			}
			return s.detail(part, at)
		}}, nil
	}
}

// at returns the state of page n of a part of a record.
func (rq *request) at(part string, n int) string {
	var state []string
	if part != "" {
		state = append(state, "part="+part)
	}
	if n > 1 {
		state = append(state, "at="+strconv.Itoa(n))
	}
	if rq.origin != "" {
		state = append(state, rq.origin)
	}
	return strings.Join(state, "&")
}

// part returns the link to page n of a part of this record.
func (s *sheet) part(name string, n int) string {
	return s.Path + join(s.query(s.rq.page), s.rq.at(name, n))
}

func (s *sheet) detail(part string, at int) (*detailPage, error) {
	p := &detailPage{sheet: s, Scan: s.scan(s.ID), Take: s.taking(s.ID)}
	s.takeNames()
	p.Brief = s.Lead()
	deep := s.take(s.layout.deep...)
	p.Strip, p.Prose, p.Offer = s.take(s.layout.strip...), s.take(s.layout.prose...), s.take(s.layout.offer...)
	switch {
	case p.Brief.S == "":
		p.Prose = append(p.Prose, deep...)
	case s.Long(p.Brief.S, longLead):
		whole := fact{Name: "abstract", Label: text{S: s.texts["landing.what"]}, Values: []value{{text: p.Brief}}, Prose: true}
		p.Deep = append([]fact{whole}, deep...)
		p.Brief.S, p.All = clip(p.Brief.S, longLead), s.part("details", 1)
	default:
		p.Deep = deep
	}
	p.Desk = s.desk()
	if s.Dataset.Name == catalog.Indicators {
		g := s.Gauge()
		p.Gauge = &g
		s.take("observations", "operator", "target", "target_source")
		if g.Target != "" {
			s.take("period") // said with it
		}
	}
	s.take("items")
	if u := s.str(s.layout.outside); u != "" {
		// An address beyond ASCII or too long has no code; its text stays.
		var out scan
		if err := out.draw(&s.rq.h.codes, u, s.codePixels()); err == nil {
			out.Code = u
			p.Outside = &out
		}
	}
	p.rest()
	if err := p.parts(part); err != nil {
		return nil, err
	}
	return p, p.fill(at)
}

// merelyLinked reports whether a relation leads to another record of this catalog and says
// no more of it: that one stands among the links.
func merelyLinked(entry []fact) bool {
	linked := slices.ContainsFunc(entry, func(f fact) bool { return f.Name == "value" && f.Values[0].Href != "" })
	return linked && !slices.ContainsFunc(entry, func(f fact) bool { return f.Name == "url" })
}

// rest lays out what no other place took.
func (p *detailPage) rest() {
	s := p.sheet
	var own, about, last []string
	for _, g := range s.groups {
		switch {
		case s.used[g.top]:
		case strings.HasPrefix(g.top, "abstract"):
			last = append(last, g.top)
		case slices.Contains(shared, g.top):
			about = append(about, g.top)
		case slices.Contains(grounds, g.top):
			p.Rights = append(p.Rights, s.take(g.top)...)
		case g.object && g.many && !g.party():
			p.Sections = append(p.Sections, s.take(g.top)...)
		default:
			own = append(own, g.top)
		}
	}
	slices.SortFunc(p.Rights, func(a, b fact) int { return slices.Index(grounds, a.Name) - slices.Index(grounds, b.Name) })
	for i := range p.Rights {
		p.Rights[i].Entries = slices.DeleteFunc(p.Rights[i].Entries, merelyLinked)
	}
	p.Rights = slices.DeleteFunc(p.Rights, func(f fact) bool { return len(f.Entries) == 0 })
	p.Rest, p.About = s.take(append(own, last...)...), s.take(about...)
}

// takeNames marks the titles and the lead as shown, and leaves an abstract in the
// other language to the end of the page.
func (s *sheet) takeNames() {
	s.used["title"], s.used["title_en"] = true, true
	switch {
	case s.lang == "en" && s.str("abstract_en") != "":
		s.used["abstract_en"] = true
	default:
		s.used["abstract"] = true
		if s.str("abstract") == "" {
			s.used["abstract_en"] = true
		}
	}
	// The badge says these.
	if s.num("trl") > 0 {
		s.used["trl"], s.used["trl_scale"], s.used["trl_basis"] = true, true, true
	}
}

// Scale says by which standard, and by whom, the readiness level was assessed.
func (s *sheet) Scale() []text {
	var out []text
	for _, top := range []string{"trl_scale", "trl_basis"} {
		if code := s.str(top); code != "" {
			out = append(out, s.label(strings.ReplaceAll(top, "_", "-"), code))
		}
	}
	return out
}

// item returns a record that another one lists, withdrawn ones included: what was
// printed must be explained.
func (p *page) item(id catalog.ID) card {
	e, err := p.rq.snap.Find(id)
	if err == nil {
		if s, err := p.newSheet(e); err == nil {
			c := s.card()
			c.Abstract = text{}
			return c
		}
	}
	c := card{ID: id, Title: text{S: string(id)}, State: p.texts["unpublished"]}
	c.Dataset, _ = id.Dataset().Info()
	if t, ok := p.rq.snap.Tombstone(id); ok {
		c.State, c.Title = p.texts["withdrawn"], p.zh(t.Title)
		if t.Successor != "" {
			next := p.reference(t.Successor)
			c.Next = &next
		}
	}
	return c
}

// gonePage is what a withdrawn record leaves behind.
type gonePage struct {
	*page
	Dataset   catalog.DatasetInfo
	Tombstone catalog.Tombstone
	Was       text // its title
	Reason    text
	Successor *value
	Desk      *catalog.Desk
	CSS       any // of the phone's page
	Similar   []listed
	// All leads to the records of the same kind.
	All string
}

func (h *Handler) gone(rq *request, id catalog.ID) answer {
	name := "gone"
	if rq.phone {
		name = "landing-gone"
	}
	if rq.wantsProblem() {
		t, _ := rq.snap.Tombstone(id)
		return rq.problem(fiber.StatusGone, problemWithdrawn, &t, nil)
	}
	return answer{template: name, status: fiber.StatusGone, data: func() (any, error) {
		info, _ := id.Dataset().Info()
		t, _ := rq.snap.Tombstone(id)
		var err error
		s := &sheet{page: rq.newPage(text{S: h.texts[rq.view.lang]["gone.title"]}, "/"+string(info.Name))}
		p := gonePage{page: s.page, Dataset: info, Tombstone: t, Was: s.zh(cmp.Or(t.Title, string(t.ID))), Reason: s.zh(t.Reason), Desk: s.deskOf(t.Market), CSS: h.landing}
		if t.Successor != "" {
			next := s.reference(t.Successor)
			if rq.phone && next.Href != "" {
				next.Href = s.Href("/q/" + string(t.Successor))
			}
			p.Successor = &next
		}
		if rq.phone {
			p.All = p.Href("/" + string(info.Name))
			if p.Similar, err = s.similar(t); err != nil {
				return nil, err
			}
		}
		return p, nil
	}}
}

const mostSimilar = 3

// similar returns records that share words with the title of a withdrawn one, which is all
// that is known of it: first those with the whole, then with its longest parts.
func (s *sheet) similar(t catalog.Tombstone) ([]listed, error) {
	q := snapshot.Query{Text: typed(t.Title), Dataset: t.ID.Dataset(), Sort: snapshot.Relevance, Limit: mostSimilar}
	if q.Text == "" {
		return nil, nil
	}
	hints, err := s.rq.snap.Hints(q)
	if err != nil {
		return nil, err
	}
	texts := []string{q.Text}
	for _, h := range hints.Near {
		texts = append(texts, h.Text)
	}
	var all []listed
	for _, q.Text = range texts {
		found, err := s.rq.snap.Search(q)
		if err != nil {
			return nil, err
		}
		for _, e := range found.Entries {
			if len(all) < mostSimilar && !slices.ContainsFunc(all, func(l listed) bool { return l.ID == e.ID }) {
				all = append(all, s.listed(e.ID, text{}))
			}
		}
	}
	return all, nil
}
