package kiosk

import (
	"errors"
	"html/template"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/catalog/qr"
	"luoshu/catalog/snapshot"
)

const (
	// MostPrinted bounds the entries of one print; the text fail.print.many says it.
	MostPrinted = 500
	// mostServed bounds those of a print that anybody may ask for, so that it costs less
	// than a tenth of a second; the text fail.print.served says it.
	mostServed    = 100
	labelsOnSheet = 14
	cardLead      = 150 // characters of an abstract on a card
)

// Why nothing is printed.
var (
	errPrintQuery  = errors.New("the address of a print is wrong")
	errPrintMany   = errors.New("too many entries for one print")
	errPrintServed = errors.New("too many entries for a print that anybody may ask for")
	errPrintNone   = errors.New("nothing to print")
	errPrintBusy   = errors.New("too many prints at once")
)

// printPage is a catalog on paper: a page to print, and what luoshu print makes a PDF of.
type printPage struct {
	*page
	Paper paperForm
	// CSS is what of the layout depends on the text: the page boxes.
	CSS template.CSS
	// Theme is what stands above the title, Intro what the publisher says of it.
	Theme, Intro text
	Edition      string
	Criteria     []fact
	Entries      []*printEntry
	// Sheets are the entries by sheets of labels.
	Sheets [][]*printEntry
	// Book tells a catalog, with cover, contents and indexes, from cards, labels and a
	// single sheet; List is what a visitor took, and Asking where to ask about it.
	Book    bool
	List    bool
	Asking  []asking
	Indexes []printIndex
	Hash    catalog.Hash
	Desks   []catalog.Desk
}

// printEntry is one record of it.
type printEntry struct {
	*sheet
	N     int
	Code  scan
	Brief text
	Facts []fact
	Prose []fact
	More  []fact // of a single sheet: everything else
	Desk  *catalog.Desk
}

// Anchor is where links to the entry lead.
func (e *printEntry) Anchor() string { return "e" + strconv.Itoa(e.N) }

// printRequest is what a print is made of.
type printRequest struct {
	paper   paperForm
	entries []catalog.Entry
	edition *catalog.Edition // nil of what is not recorded
	source  *catalog.Entry   // the package
	single  bool
	list    bool // what a visitor took
	most    int  // entries
}

// prints are the addresses of prints, and how each finds what to print. What comes behind
// one that ends in a slash is an identifier.
var prints = []struct {
	path string
	find func(*request, *printRequest) error
}{
	{"/print/packages/", printPackage},
	{"/print/catalog", printCatalog},
	{"/print/listings/", printListing},
	{"/print/list/", printList},
}

func (h *Handler) printRoutes(r fiber.Router) {
	for _, p := range prints {
		path := p.path
		if strings.HasSuffix(path, "/") {
			path += ":id"
		}
		r.Get(path, h.handle(h.print(p.find)))
	}
}

func (h *Handler) print(find func(*request, *printRequest) error) func(*request) (answer, error) {
	return func(rq *request) (answer, error) {
		rq.view = view{lang: rq.view.lang}
		pr, err := rq.printed(find)
		switch {
		case errors.Is(err, catalog.ErrWithdrawn):
			return h.gone(rq, catalog.ID(strings.ToUpper(rq.param))), nil
		case err != nil:
			return answer{}, err
		}
		rq.state = rq.args.Encode()
		css := pr.css(rq)
		rq.policy = printPolicy(css)
		return answer{template: "print", press: true, data: func() (any, error) { return pr.page(rq, css) }}, nil
	}
}

// Printable returns why the print at an address cannot be made, in the words of the page
// that would say so, and nil where it can. path and args are those of a print.
func (h *Handler) Printable(path string, args url.Values) error {
	err := catalog.ErrNotFound
	rq := &request{h: h, snap: h.reader.Current(), args: args}
	for _, p := range prints {
		if id, ok := strings.CutPrefix(path, p.path); ok && rq.snap != nil {
			rq.param = id
			_, err = rq.printed(p.find)
		}
	}
	if err == nil {
		return nil
	}
	_, name := failure(err)
	said := func(lang, stop string) string {
		t := h.texts[lang]
		if errors.Is(err, catalog.ErrWithdrawn) {
			return t["gone.title"] + stop + t["gone.keep"]
		}
		return t["fail."+name+".title"] + stop + t["fail."+name+".text"]
	}
	return catalog.NewTextError(err, catalog.Text{ZH: "%[1]s", EN: "%[2]s"}, said("zh", "。"), said("en", ". "))
}

// printed returns what is to be printed.
func (rq *request) printed(find func(*request, *printRequest) error) (*printRequest, error) {
	pr := &printRequest{most: rq.h.mostPrinted}
	if err := pr.read(rq); err != nil {
		return nil, err
	}
	if err := find(rq, pr); err != nil {
		return nil, err
	}
	return pr, pr.bounded(len(pr.entries))
}

// bounded refuses a print of n entries, where that is nothing or too much.
func (pr *printRequest) bounded(n int) error {
	switch {
	case n == 0:
		return errPrintNone
	case n > MostPrinted:
		return errPrintMany
	case n > pr.most:
		return errPrintServed
	}
	return nil
}

// read reads what every print can be asked for: lang, format and bleed.
func (pr *printRequest) read(rq *request) error {
	i := slices.IndexFunc(papers, func(p paperForm) bool { return p.Name == rq.args.Get("format") })
	if i < 0 && rq.args.Has("format") {
		return errPrintQuery
	}
	pr.paper = papers[max(i, 0)]
	if s := rq.args.Get("bleed"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > mostBleed {
			return errPrintQuery
		}
		pr.paper.bleed = n
	}
	return nil
}

// common are the parameters of every print.
var commonToPrints = []string{"lang", "format", "bleed"}

// only refuses parameters beyond those of every print.
func (rq *request) only() error {
	for name, v := range rq.args {
		if !slices.Contains(commonToPrints, name) || len(v) > 1 {
			return errPrintQuery
		}
	}
	return nil
}

// printListing prints one record, whatever it is.
func printListing(rq *request, pr *printRequest) error {
	e, err := rq.toPrint()
	pr.entries, pr.single = []catalog.Entry{e}, true
	return err
}

// toPrint returns the record that the address names.
func (rq *request) toPrint() (catalog.Entry, error) {
	id, err := catalog.ParseID(rq.param)
	if err == nil {
		err = rq.only()
	}
	if err != nil {
		return catalog.Entry{}, err
	}
	return rq.snap.Find(id)
}

// printPackage prints a package: as its last edition, where that still stands.
func printPackage(rq *request, pr *printRequest) error {
	e, err := rq.toPrint()
	if err != nil {
		return err
	}
	if e.Dataset != catalog.Packages {
		return catalog.ErrNotFound
	}
	pr.source = &e
	pack, err := decoded[*catalog.Package](e)
	if err != nil {
		return err
	}
	for _, id := range pack.Items {
		if item, err := rq.snap.Find(id); err == nil {
			pr.entries = append(pr.entries, item)
		}
	}
	last, err := catalog.PrintedEdition(slices.Collect(rq.snap.All(catalog.Catalogs)), e.ID)
	if err != nil || last == nil {
		return err
	}
	stands, err := last.Stands(pr.entries)
	if stands {
		pr.edition = last
	}
	return err
}

// printList prints what a visitor took, but for what is no more.
func printList(rq *request, pr *printRequest) error {
	if err := rq.only(); err != nil {
		return err
	}
	pr.list = true
	for _, id := range readTaken(rq.snap, strings.ToUpper(rq.param)) {
		if e, err := rq.snap.Find(id); err == nil {
			pr.entries = append(pr.entries, e)
		}
	}
	return nil
}

// ids names the entries.
func (pr *printRequest) ids() []catalog.ID {
	ids := make([]catalog.ID, len(pr.entries))
	for i, e := range pr.entries {
		ids[i] = e.ID
	}
	return ids
}

// printCatalog prints what a query finds, as the lists and the interface have it. What it
// does not understand it refuses: paper cannot be corrected.
func printCatalog(rq *request, pr *printRequest) error {
	q, err := readPrintQuery(rq.args)
	if err != nil {
		return err
	}
	q.Limit = pr.most
	found, err := rq.snap.Search(q)
	if errors.Is(err, catalog.ErrInvalid) {
		return errPrintQuery
	}
	if err == nil {
		err = pr.bounded(found.Total)
	}
	pr.entries = found.Entries
	return err
}

// readPrintQuery reads a query. A field takes a value or several, field.in several with
// commas between, field.gte and field.lte the ends of a range.
func readPrintQuery(args url.Values) (snapshot.Query, error) {
	q := snapshot.Query{Text: typed(args.Get("q")), Dataset: catalog.Achievements, Sort: args.Get("sort")}
	if q.Sort == "" && q.Text == "" {
		q.Sort = snapshot.ByName
	}
	if d := args.Get("dataset"); d != "" {
		info, ok := catalog.Dataset(d).Info()
		if !ok {
			return q, errPrintQuery
		}
		q.Dataset = info.Name
	}
	filters := map[string]*snapshot.Filter{}
	n := 0
	for name, values := range args {
		if slices.Contains(commonToPrints, name) || slices.Contains([]string{"q", "dataset", "sort"}, name) {
			if len(values) > 1 {
				return q, errPrintQuery
			}
			continue
		}
		name, way, _ := cutWay(name)
		field, ok := snapshot.LookupSearchField(q.Dataset, name)
		if !ok || way != "" && way != waySome && !field.Ordered {
			return q, errPrintQuery
		}
		if way == waySome {
			values = strings.Split(strings.Join(values, ","), ",")
		}
		if n += len(values); n > maxValues {
			return q, errPrintQuery
		}
		for _, v := range values {
			if !possible(field, v) {
				return q, errPrintQuery
			}
		}
		f := filters[name]
		if f == nil {
			f = &snapshot.Filter{Field: name}
			filters[name] = f
		}
		switch way {
		case wayLeast:
			f.Least = values[0]
		case wayMost:
			f.Most = values[0]
		default:
			f.Values = append(f.Values, values...)
		}
	}
	for _, f := range filters {
		q.Filters = append(q.Filters, *f)
	}
	slices.SortFunc(q.Filters, func(a, b snapshot.Filter) int { return strings.Compare(a.Field, b.Field) })
	return q, nil
}

// How a parameter compares with its field, as the end of its name.
const (
	waySome  = ".in"
	wayLeast = atLeast
	wayMost  = ".lte"
)

func cutWay(name string) (field, way string, found bool) {
	for _, way := range []string{waySome, wayLeast, wayMost} {
		if field, ok := strings.CutSuffix(name, way); ok {
			return field, way, true
		}
	}
	return name, "", false
}

// Spare are the empty pages that can fill a booklet, whose sheets have four.
func (*printPage) Spare() []int { return []int{1, 2, 3} }

// DeskLine says in one line where a desk is.
func (p *page) DeskLine(d catalog.Desk) []text {
	line := []text{p.In(d.Name), {S: d.Telephone}, p.In(d.Address), p.In(d.Hours)}
	return slices.DeleteFunc(line, func(t text) bool { return t.S == "" })
}

// page lays the print out.
func (pr *printRequest) page(rq *request, css string) (*printPage, error) {
	p := &printPage{
		page: rq.newPage(text{}, "/"), Paper: pr.paper, CSS: template.CSS(css), //nolint:gosec // G203: written by css, which escapes what it is given
		Book: pr.paper.book && !pr.single && !pr.list, List: pr.paper.book && pr.list, Hash: rq.snap.Hash(), Edition: pr.editionText(rq),
	}
	p.Title, p.Desks = pr.title(rq), p.Release.Desks
	if pr.source != nil {
		s, err := p.newSheet(*pr.source)
		if err != nil {
			return nil, err
		}
		p.Theme, p.Intro = s.zh(s.str("issue_no")), s.Lead()
		p.Criteria = plain(s.take("criteria"))
	}
	placement := catalog.Unnumbered
	if pr.edition != nil {
		placement = pr.edition.Printing.Placement()
	}
	for i, e := range pr.entries {
		s, err := p.newSheet(e)
		if err != nil {
			return nil, err
		}
		p.Entries = append(p.Entries, pr.entry(s, i+1, placement))
	}
	if p.List {
		p.Asking = p.desksFor(pr.ids())
	}
	if p.Book {
		p.Indexes = []printIndex{p.byOrganization(), p.byIndustry()}
	}
	if pr.paper.Name == "labels" {
		p.Sheets = slices.Collect(slices.Chunk(p.Entries, labelsOnSheet))
	}
	return p, nil
}

// title is that of the whole: the package's, the record's, or the catalog's own.
func (pr *printRequest) title(rq *request) text {
	one := pr.source
	if pr.list {
		return text{S: rq.h.texts[rq.view.lang]["take.title"]}
	}
	if pr.single {
		one = &pr.entries[0]
	}
	if one != nil {
		if s, err := rq.newPage(text{}, "/").newSheet(*one); err == nil {
			return s.Name()
		}
	}
	return rq.view.in(rq.snap.Manifest().Title)
}

// editionText names the edition, or says that there is none.
func (pr *printRequest) editionText(rq *request) string {
	t := rq.h.texts[rq.view.lang]
	if pr.edition == nil {
		return t["print.unnumbered"]
	}
	s, _ := t.T("print.edition", pr.edition.Printing.Number, formatDate(pr.edition.IssuedOn, rq.view.lang))
	return s
}

// entry lays out one record.
func (pr *printRequest) entry(s *sheet, n int, placement string) *printEntry {
	e := &printEntry{sheet: s, N: n, Code: s.printedCode(placement), Brief: s.Lead()}
	s.takeNames()
	card := pr.paper.Name == "a6"
	if card {
		e.Brief.S = clip(e.Brief.S, cardLead)
	}
	e.Facts = s.take(append(slices.Clone(s.layout.strip), s.layout.offer...)...)
	if !card {
		e.Prose = s.take(slices.Concat(s.layout.prose, s.layout.deep)...)
	}
	if pr.single && !card {
		e.Desk = s.desk()
		s.take(shared...)
		s.take(s.layout.owner, "items", "abstract", "abstract_en")
		for _, g := range s.groups {
			if !s.used[g.top] {
				e.More = append(e.More, s.take(g.top)...)
			}
		}
	}
	e.Facts, e.Prose, e.More = plain(e.Facts), plain(e.Prose), plain(e.More)
	return e
}

// plain returns facts without links: paper has none.
func plain(facts []fact) []fact {
	for i := range facts {
		for j := range facts[i].Values {
			facts[i].Values[j].Href = ""
		}
		for _, entry := range facts[i].Entries {
			plain(entry)
		}
	}
	return facts
}

// printedCode returns the code of the record on paper, which says in which print it stands.
func (s *sheet) printedCode(placement string) scan {
	c := scan{Code: string(s.ID)}
	if s.rq.base == "" {
		if c.Reason = s.in(s.rq.noBase); c.Reason.S == "" {
			c.Reason = text{S: s.texts["code.none"]}
		}
		return c
	}
	payload, err := qr.Payload(s.rq.base, s.ID, placement)
	var code *qr.Code
	if err == nil {
		code, err = s.rq.h.printedCodes.New(payload, qr.Print)
	}
	if err != nil {
		s.rq.h.log.Error("code not drawn", slog.String("path", s.Path), slog.String("error", err.Error()))
		c.Reason = text{S: s.texts["code.none"]}
		return c
	}
	c.Path, c.Size = code.Path(), code.Size()
	return c
}
