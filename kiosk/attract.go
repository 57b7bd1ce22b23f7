package kiosk

import "luoshu/catalog"

// slides are the listings that take turns on a screen nobody touches, by dataset.
var slides = []struct {
	dataset catalog.Dataset
	n       int
}{{catalog.Achievements, 3}, {catalog.Demands, 2}, {catalog.Events, 1}}

// attractPage is what a screen shows until somebody comes.
type attractPage struct {
	*page
	Figures []door
	Slides  []card
}

// attract answers /attract. A screen begins here and comes back here, so nothing of the
// visitor before is kept: neither choices nor an address to go back to.
func (h *Handler) attract(rq *request) (answer, error) {
	rq.view = view{lang: rq.view.lang}
	return answer{template: "attract", data: func() (any, error) {
		p := attractPage{page: rq.newPage(rq.view.in(rq.snap.Manifest().Title), "")}
		for _, d := range []catalog.Dataset{catalog.Achievements, catalog.Demands, catalog.Organizations} {
			info, _ := d.Info()
			p.Figures = append(p.Figures, door{DatasetInfo: info, Count: rq.snap.Count(d)})
		}
		for _, kind := range slides {
			sheets, err := p.excerpt(kind.dataset, kind.n)
			if err != nil {
				return nil, err
			}
			for _, s := range sheets {
				c := s.card()
				c.Kind = p.In(s.Dataset.Singular)
				p.Slides = append(p.Slides, c)
			}
		}
		return p, nil
	}}, nil
}
