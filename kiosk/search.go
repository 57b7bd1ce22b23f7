package kiosk

import (
	"cmp"
	"net/url"
	"strings"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

type searchPage struct {
	results
	Query   string
	Dataset catalog.Dataset
	// Hidden is what else a form must send along.
	Hidden [][2]string
	// Asked is false as long as nothing is searched for.
	Asked bool
	// Read is what was typed the Pinyin of, where that is searched for in its place;
	// Readings are other ways to take it.
	Read     string
	Readings []chip
	Tabs     []chip // datasets
	Sorts    []chip
	Keys     keyboard
	// all is how many are found in all datasets.
	all int
}

func (h *Handler) search(rq *request) (answer, error) {
	rq.query = rq.readQuery(rq.args)
	if id, ok := rq.codeTyped(rq.query.text); ok {
		return answer{location: "/" + string(id.Dataset()) + "/" + string(id) + join(rq.view.query(1), "from=search")}, nil
	}
	rq.state = rq.query.encode()
	return answer{template: "search", data: func() (any, error) {
		q := rq.query
		p := searchPage{
			results: results{page: rq.newPage(text{S: h.texts[rq.view.lang]["search.title"]}, "/"), text: q.text},
			Query:   q.text, Dataset: q.dataset, Asked: !q.empty(), Keys: rq.keyboard(),
		}
		if q.text != "" {
			p.Title = text{S: q.text + " – " + p.Title.S}
		}
		p.hidden()
		if err := p.read(); err != nil || p.Fault.S != "" {
			return p, err
		}
		s := p.asked()
		if !p.Asked {
			rq.page = 1
		}
		found, err := p.find(s)
		if err != nil || p.Fault.S != "" {
			return p, err
		}
		if err := p.tabs(); err != nil {
			return nil, err
		}
		if err := p.narrow(found); err != nil {
			return nil, err
		}
		switch {
		case !p.Asked:
			p.Open = true
			return p, nil
		case p.Total == 0:
			if p.all == 0 {
				rq.missed(q.text)
			}
			return p, p.ways(p.all)
		}
		p.sorts()
		return p, p.show(found.Entries)
	}}, nil
}

// read takes what was typed for Pinyin where that finds more. What finds something as it
// stands and may be an abbreviation or an English word is not taken for initials: there
// the readings are offers.
func (p *searchPage) read() error {
	q := p.rq.query
	readings, err := p.rq.snap.Readings(q.text)
	if err != nil || len(readings) == 0 {
		return p.fault(err)
	}
	plain, err := p.count(snapshot.Query{Text: q.text})
	if err != nil {
		return p.fault(err)
	}
	sure := readings[0].Spelt || p.lang == "zh" && q.text == strings.ToLower(q.text)
	if best := readings[0]; !q.literal && best.Count > plain && (plain == 0 || sure) {
		p.Read, p.text, readings = best.Text, best.Text, readings[1:]
		other := q
		other.literal = true
		s, _ := p.T("search.typed", q.text)
		p.Readings = append(p.Readings, chip{Text: text{S: s}, Count: p.Number(plain), Href: p.to(other)})
	}
	for _, r := range readings {
		other := q
		other.text, other.literal = r.Text, false
		p.Readings = append(p.Readings, chip{Text: p.zh(r.Text), Count: p.Number(r.Count), Href: p.to(other)})
	}
	return nil
}

// Named is the name of the dataset that is searched.
func (p searchPage) Named() text {
	info, _ := p.Dataset.Info()
	return p.In(info.Label)
}

// hidden lists what a form must send beside the text: the visitor's choices, but for
// the order, which a new text begins anew.
func (p *searchPage) hidden() {
	q := p.rq.query
	q.text, q.literal, q.sort, q.open = "", false, "", false
	for pair := range strings.SplitSeq(strings.TrimPrefix(join(p.query(1), q.encode()), "?"), "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			value, _ = url.QueryUnescape(value) // written by encode
			p.Hidden = append(p.Hidden, [2]string{name, value})
		}
	}
}

// tabs are the datasets in which something is found.
func (p *searchPage) tabs() error {
	q := p.rq.query
	s := q.in("").search()
	s.Text, s.Facets = p.text, []string{"dataset"}
	r, err := p.rq.snap.Search(s)
	if err != nil {
		return err
	}
	p.all = r.Total
	counts := map[catalog.Dataset]int{}
	for _, v := range r.Facets[0].Values {
		counts[catalog.Dataset(v.Value)] = v.Count
	}
	p.Tabs = append(p.Tabs, chip{Text: text{S: p.texts["search.all"]}, Count: p.Number(r.Total), Href: p.to(q.in("")), On: q.dataset == ""})
	for info := range catalog.Datasets() {
		on := info.Name == q.dataset
		n := counts[info.Name]
		if on {
			n = p.Total
		}
		if n > 0 || on {
			p.Tabs = append(p.Tabs, chip{Text: p.In(info.Label), Count: p.Number(n), Href: p.to(q.in(info.Name)), On: on})
		}
	}
	return nil
}

func (p *searchPage) sorts() {
	for _, s := range []string{"", snapshot.Newest, snapshot.ByName} {
		q := p.rq.query
		q.sort = s
		key := "search.sort." + cmp.Or(s, snapshot.Relevance)
		p.Sorts = append(p.Sorts, chip{Text: text{S: p.texts[key]}, Href: p.to(q), On: s == p.rq.query.sort})
	}
}
