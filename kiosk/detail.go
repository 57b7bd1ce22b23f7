package kiosk

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
)

type detailPage struct {
	*sheet
	Strip    []fact
	Prose    []fact
	Offer    []fact
	Desk     *catalog.Desk
	Sections []fact // repeated objects, each under its heading
	Items    []card
	Gauge    *gauge
	Rest     []fact
	About    []fact
	Scan     scan
	Outside  *scan // a code for the address elsewhere
}

// shared names the members that say how a record came here rather than what it is.
var shared = []string{
	"id", "dataset", "market", "source_ids", "valid_until", "last_confirmed_on", "publisher", "source",
	"published_at", "updated_at", "version", "sample", "raw",
}

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
		rq.cameFrom()
		e, err := rq.snap.Find(id)
		if errors.Is(err, catalog.ErrWithdrawn) {
			return h.gone(rq, id), nil
		}
		if err != nil {
			return answer{}, err
		}
		return answer{template: "detail", data: func() (any, error) {
			s, err := rq.newPage(text{}, "/"+string(info.Name)).newSheet(e)
			if err != nil {
				return nil, err
			}
			if rq.foundOn == 0 {
				s.ParentPage = rq.page
			}
			s.Title = s.Name()
			return s.detail(), nil
		}}, nil
	}
}

func (s *sheet) detail() detailPage {
	p := detailPage{sheet: s, Scan: s.scan(s.ID)}
	s.takeNames()
	p.Strip, p.Prose, p.Offer = s.take(s.layout.strip...), s.take(s.layout.prose...), s.take(s.layout.offer...)
	p.Desk = s.desk()
	if s.Dataset.Name == catalog.Indicators {
		g := s.Gauge()
		p.Gauge = &g
		s.take("observations", "operator", "target", "target_source")
	}
	for _, v := range list(s.m["items"]) {
		if id, ok := v.(string); ok {
			p.Items = append(p.Items, s.item(catalog.ID(id)))
		}
	}
	s.take("items")
	if u := s.str(s.layout.outside); u != "" {
		// An address beyond ASCII or too long has no code; its text stays.
		var out scan
		if err := out.draw(u, s.codePixels()); err == nil {
			out.Code = u
			p.Outside = &out
		}
	}
	var own, about, last []string
	for _, g := range s.groups {
		switch {
		case s.used[g.top]:
		case strings.HasPrefix(g.top, "abstract"):
			last = append(last, g.top)
		case slices.Contains(shared, g.top):
			about = append(about, g.top)
		case g.object && g.many && !g.party():
			p.Sections = append(p.Sections, s.take(g.top)...)
		default:
			own = append(own, g.top)
		}
	}
	// What the record names comes after what it is.
	slices.SortStableFunc(p.Sections, func(a, b fact) int { return cmp.Compare(rank(a), rank(b)) })
	p.Rest, p.About = s.take(append(own, last...)...), s.take(about...)
	return p
}

func rank(section fact) int {
	if section.Name == "relations" {
		return 1
	}
	return 0
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

func (s *sheet) desk() *catalog.Desk {
	d, ok := s.Release.Desk(catalog.Ref(s.str("market")))
	if !ok {
		return nil
	}
	return &d
}

// item returns a record that another one lists, withdrawn ones included: what was
// printed must be explained.
func (s *sheet) item(id catalog.ID) card {
	e, err := s.rq.snap.Find(id)
	if err == nil {
		if other, err := s.newSheet(e); err == nil {
			return other.card()
		}
	}
	c := card{ID: id, Title: text{S: string(id)}, State: s.texts["unpublished"]}
	c.Dataset, _ = id.Dataset().Info()
	if t, ok := s.rq.snap.Tombstone(id); ok {
		c.State, c.Title = s.texts["withdrawn"], s.zh(t.Title)
		if t.Successor != "" {
			next := s.reference(t.Successor)
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
}

func (h *Handler) gone(rq *request, id catalog.ID) answer {
	name := "gone"
	if rq.phone {
		name = "landing-gone"
	}
	return answer{template: name, status: fiber.StatusGone, data: func() (any, error) {
		info, _ := id.Dataset().Info()
		t, _ := rq.snap.Tombstone(id)
		s := &sheet{page: rq.newPage(text{S: h.texts[rq.view.lang]["gone.title"]}, "/"+string(info.Name))}
		p := gonePage{page: s.page, Dataset: info, Tombstone: t, Was: s.zh(t.Title), Reason: s.zh(t.Reason), Desk: s.desk(), CSS: h.landing}
		if t.Successor != "" {
			next := s.reference(t.Successor)
			if rq.phone && next.Href != "" {
				next.Href = s.Href("/q/" + string(t.Successor))
			}
			p.Successor = &next
		}
		return p, nil
	}}
}
