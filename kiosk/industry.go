package kiosk

import (
	"cmp"
	"slices"
	"sync"

	"luoshu/catalog"
)

const (
	industryField = "industries"
	industryList  = "gbt4754-2017"
	divisionOfIt  = 2 // digits of a division (大类) of GB/T 4754
)

// industryCodes are the codes of GB/T 4754 by the division they lie in, its own among
// them: a record may state any of them.
var industryCodes = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for _, c := range catalog.LookupCodeList(industryList).Codes() {
		if len(c.Code) >= divisionOfIt { // a section is a letter
			all[c.Code[:divisionOfIt]] = append(all[c.Code[:divisionOfIt]], c.Code)
		}
	}
	return all
})

// industryName returns what a division is called.
func (p *page) industryName(code string) text {
	c, _ := catalog.LookupCodeList(industryList).Lookup(code)
	return p.in(c.Label)
}

// industry is a division of GB/T 4754 that has achievements. It is the same for every
// visitor.
type industry struct {
	code                  string
	achievements, demands int
}

// industryCounts returns the divisions, those with the most achievements first.
func (rq *request) industryCounts() ([]industry, error) {
	return rq.h.industryMap.of(rq, func(rq *request) ([]industry, error) {
		var all []industry
		for code := range industryCodes() {
			one := industry{code: code}
			for d, n := range map[catalog.Dataset]*int{catalog.Achievements: &one.achievements, catalog.Demands: &one.demands} {
				var err error
				if *n, err = rq.count(query{dataset: d, industry: code}); err != nil {
					return nil, err
				}
			}
			if one.achievements > 0 {
				all = append(all, one)
			}
		}
		slices.SortFunc(all, func(a, b industry) int {
			return cmp.Or(b.achievements-a.achievements, b.demands-a.demands, cmp.Compare(a.code, b.code))
		})
		return all, nil
	})
}

// industries answers /industries: the achievements and demands by industry.
func (h *Handler) industries(rq *request) (answer, error) {
	return answer{template: "heat", data: func() (any, error) {
		all, err := rq.industryCounts()
		if err != nil {
			return nil, err
		}
		frame := rq.newPage(text{S: h.texts[rq.view.lang]["industries.title"]}, "/")
		demands, _ := catalog.Demands.Info()
		var kinds []heatCell
		for _, one := range all {
			k := heatCell{tally: tally{Name: frame.industryName(one.code), Count: one.achievements}}
			k.Href = frame.seek(query{dataset: catalog.Achievements, industry: one.code})
			k.Also = tally{Name: frame.In(demands.Label), Count: one.demands}
			kinds = append(kinds, k)
		}
		return frame.heatPage("industries.note", kinds), nil
	}}, nil
}
