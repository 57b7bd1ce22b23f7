package opendata

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"luoshu/catalog"
	"luoshu/catalog/quality"
	"luoshu/catalog/snapshot"
	"luoshu/static"
)

// The pages on quality. Those of a release are made once for it in each language; the
// one about this node is made when it is asked for and kept by nobody.
const (
	qualityPage      = "/quality"
	registrationPage = "/quality/registration"
	servicePage      = "/quality/service"
)

// qualityView is what the templates of the pages on quality show.
type qualityView struct {
	*pageView
	// API is the address of the same figures in the API.
	API string
	// Pending says that the figures of the release are still being computed.
	Pending bool
	// Data and Service are nil where the page does not show them, or cannot.
	Data    *qualityReport
	Service *serviceReport
	release *snapshot.Snapshot
	figures map[string]figure
}

func (h *Handler) qualityPages(r fiber.Router) {
	r.Get(qualityPage, h.measuredPage("quality", "quality.title", qualityPath))
	r.Get(registrationPage, h.measuredPage("registration", "registration.title", registrationPath))
	for _, path := range []string{qualityPage, registrationPage, servicePage} {
		r.Options(path, preflight)
	}
	r.Get(servicePage, func(c *fiber.Ctx) error {
		now := h.service.report(time.Now())
		v := &qualityView{pageView: h.view(c, "service.title", h.reader.Current()), API: servicePath, Service: &now}
		return v.send(c, "service")
	})
}

// measuredPage returns the handler of a page about what was measured of the release.
func (h *Handler) measuredPage(name, title, api string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s := h.reader.Current()
		v := &qualityView{pageView: h.view(c, title, s), API: api, release: s}
		if s == nil {
			return v.send(c, name)
		}
		made := &h.edition(s).made
		key := v.path + query(v.Lang)
		if page, ok := made.Load(key); ok {
			return sendPage(c, page.(fiber.Handler), pagePolicy)
		}
		report, err := h.exports.measuredOf(s.Hash())
		v.Pending = err == nil && report == nil
		if report == nil {
			return v.send(c, name)
		}
		data := h.qualityOf(s, report)
		v.Data, v.figures = &data, map[string]figure{}
		for _, f := range data.Figures {
			v.figures[f.Name] = f
		}
		body, err := rendered(name, v)
		if err != nil {
			return err
		}
		page := static.Document(fiber.MIMETextHTMLCharsetUTF8, pageCache, body)
		made.Store(key, page)
		return sendPage(c, page, pagePolicy)
	}
}

// send answers with a page that nobody keeps: its figures are of the moment, or still
// to come.
func (v *qualityView) send(c *fiber.Ctx, name string) error {
	body, err := rendered(name, v)
	if err != nil {
		return err
	}
	return sendPage(c, static.Document(fiber.MIMETextHTMLCharsetUTF8, cacheNever, body), pagePolicy)
}

// Views returns the links between the pages on quality.
func (v *qualityView) Views() ([]pageLink, error) {
	all := []pageLink{
		{Href: qualityPage, Text: "quality.view.data"},
		{Href: registrationPage, Text: "quality.view.registration"},
		{Href: servicePage, Text: "quality.view.service"},
	}
	for i := range all {
		l := &all[i]
		l.Here = l.Href == v.path
		l.Href += query(v.Lang)
		var err error
		if l.Text, err = v.T(l.Text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Of says which release the figures are of.
func (v *qualityView) Of() (string, error) {
	return v.text("quality.release", "{sequence}", strconv.FormatInt(v.Release.Sequence, 10), "{asof}", string(v.Release.AsOf))
}

// share is a part of a whole, as a text and as the length of a bar of 100.
type share struct {
	Text string
	Bar  string
}

// shareOf rounds down, so that 100 % leaves nothing out and a little is never nothing.
func shareOf(n, of int) share {
	if of == 0 {
		return share{Text: "–", Bar: "0"}
	}
	return percent(float64(n) / float64(of))
}

func percent(part float64) share {
	p := math.Floor(part*1000+1e-9) / 10
	s := strconv.FormatFloat(p, 'f', -1, 64)
	text := s + "%"
	if p == 0 && part > 0 {
		text = "<0.1%"
	}
	return share{text, s}
}

// Share is shareOf for templates.
func (v *qualityView) Share(n, of int) share { return shareOf(n, of) }

// figureView is a figure as it is shown.
type figureView struct {
	Label, Definition, Text, Address string
	// Bar is empty for what is no share.
	Bar string
}

// Figure returns the figure called name.
func (v *qualityView) Figure(name string) figureView {
	f := v.figures[name]
	out := figureView{Label: f.Label.In(v.Lang), Definition: f.Definition.In(v.Lang), Address: f.Address, Text: "–"}
	switch {
	case f.Value == nil:
	case f.Unit == "share":
		p := percent(*f.Value)
		out.Text, out.Bar = p.Text, p.Bar
	case f.Unit == "bytes":
		out.Text = bytesText(*f.Value)
	default:
		out.Text = grouped(int64(*f.Value))
	}
	return out
}

// Highlights are the figures shown first.
func (v *qualityView) Highlights() []figureView {
	return v.shown("records", "datasets_with_records", "api_share", "filled", "codes_valid", "links_broken", "updated_30_days", "registered")
}

// Figures returns every figure.
func (v *qualityView) Figures() []figureView {
	var names []string
	for _, f := range v.Data.Figures {
		names = append(names, f.Name)
	}
	return v.shown(names...)
}

func (v *qualityView) shown(names ...string) []figureView {
	var all []figureView
	for _, name := range names {
		all = append(all, v.Figure(name))
	}
	return all
}

// indicatorGroup is a source and layer with its indicators.
type indicatorGroup struct {
	Source, Edition, Layer string
	Indicators             []indicatorView
}

type indicatorView struct {
	Name, Note, NotMeasured string
	Figures                 []figureView
}

// Groups returns the indicators by source and layer.
func (v *qualityView) Groups() []indicatorGroup {
	var all []indicatorGroup
	for _, i := range v.Data.Indicators {
		g := indicatorGroup{Source: i.Source.In(v.Lang), Edition: i.Edition, Layer: i.Layer.In(v.Lang)}
		if n := len(all); n == 0 || all[n-1].Source != g.Source || all[n-1].Layer != g.Layer || all[n-1].Edition != g.Edition {
			all = append(all, g)
		}
		last := &all[len(all)-1]
		last.Indicators = append(last.Indicators, indicatorView{
			Name: i.Name.In(v.Lang), Note: i.Note.In(v.Lang), NotMeasured: i.NotMeasured.In(v.Lang), Figures: v.shown(i.Figures...),
		})
	}
	return all
}

// datasetView is a dataset with its figures.
type datasetView struct {
	Name, Label         string
	Records             int
	Filled, Month, Year share
	Fields              []fieldView
}

type fieldView struct {
	Label, Path string
	Records     int
	Share       share
}

// Datasets returns the datasets that have records.
func (v *qualityView) Datasets() []datasetView {
	var all []datasetView
	for _, d := range v.Data.Datasets {
		if d.Records == 0 {
			continue
		}
		info, _ := d.Name.Info()
		out := datasetView{Name: string(d.Name), Label: info.Label.In(v.Lang), Records: d.Records}
		filled := 0
		for _, f := range d.Fields {
			filled += f.Records
			out.Fields = append(out.Fields, fieldView{v.FieldLabel(d.Name, f.Path), f.Path, f.Records, shareOf(f.Records, d.Records)})
		}
		out.Filled = shareOf(filled, d.Records*len(d.Fields))
		one := []quality.Dataset{d}
		out.Month, out.Year = shareOf(younger(one, 30)), shareOf(younger(one, 365))
		all = append(all, out)
	}
	return all
}

// FieldLabel names a field of a dataset.
func (v *qualityView) FieldLabel(d catalog.Dataset, path string) string {
	if f, ok := catalog.LookupField(d, path); ok {
		return f.Label.In(v.Lang)
	}
	return path
}

// CheckLabel names a number that is checked.
func (v *qualityView) CheckLabel(path string) string {
	for _, d := range []catalog.Dataset{catalog.Achievements, catalog.Organizations} {
		if f, ok := catalog.LookupField(d, path); ok {
			return f.Label.In(v.Lang)
		}
	}
	return path
}

// DatasetLabel names a dataset.
func (v *qualityView) DatasetLabel(d catalog.Dataset) string {
	info, _ := d.Info()
	return info.Label.In(v.Lang)
}

// ListLabel names a code list, of ours or of the catalog.
func (v *qualityView) ListLabel(name string) string {
	if l := catalog.LookupCodeList(name); l != nil {
		return l.Title.In(v.Lang)
	}
	for _, s := range v.Release.Schemes {
		if s.ID == name {
			return s.Title.In(v.Lang)
		}
	}
	return name
}

// ListPath is where a code list can be read, empty where there is none of that name.
func (v *qualityView) ListPath(name string) string {
	if catalog.LookupCodeList(name) == nil && v.ListLabel(name) == name {
		return ""
	}
	return codeListPath(name)
}

// Page is the page about a record.
func (v *qualityView) Page(id catalog.ID) string { return pagePath(id) + query(v.Lang) }

// Clean reports whether neither a link nor a rule is broken.
func (v *qualityView) Clean() bool { return v.Data.Links.Broken == 0 && len(v.Data.Rules) == 0 }

// Registration is the report of the notice's clause 2.
func (v *qualityView) Registration() quality.Registration { return v.Data.Registration }

// In returns t in the language of the page.
func (v *qualityView) In(t catalog.Text) string { return t.In(v.Lang) }

// Others names the organizations that are not listed.
func (v *qualityView) Others() (string, error) {
	return v.text("registration.others", "{n}", strconv.Itoa(v.Data.Registration.Others.Organizations))
}

// Since says since when the node counts.
func (v *qualityView) Since() (string, error) {
	return v.text("service.since", "{since}", v.Service.Since.Format("2006-01-02 15:04"))
}

// Duration words a number of microseconds.
func (v *qualityView) Duration(us int64) (string, error) {
	switch {
	case us == 0:
		return v.T("service.empty")
	case us < 1000:
		return strconv.FormatInt(us, 10) + " µs", nil
	}
	return strconv.FormatFloat(float64(us)/1000, 'f', 1, 64) + " ms", nil
}

// Grouped writes a number with spaces between thousands.
func (v *qualityView) Grouped(n int64) string { return grouped(n) }

// Count is Grouped for an int.
func (v *qualityView) Count(n int) string { return grouped(int64(n)) }

func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteRune('\u202f') // a narrow space that does not break
		}
		b.WriteRune(c)
	}
	return b.String()
}

func bytesText(n float64) string {
	for _, unit := range []string{"B", "KB", "MB"} {
		if n < 1000 {
			return strconv.FormatFloat(n, 'f', -1, 64) + " " + unit
		}
		n = math.Round(n/100) / 10
	}
	return strconv.FormatFloat(n, 'f', -1, 64) + " GB"
}
