package opendata

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"luoshu/catalog"
	"luoshu/catalog/quality"
	"luoshu/catalog/snapshot"
)

const (
	qualityPath      = root + "/quality"
	registrationPath = qualityPath + "/registration"
	servicePath      = qualityPath + "/service"
)

// qualityOperations tell how good the data are, and how this node serves them.
var qualityOperations = []Operation{
	{
		Path: qualityPath, Produces: typeJSON, serve: (*Handler).quality, data: qualityReport{},
		Summary: catalog.Text{ZH: "数据质量：由本次发布的记录算出的各项数字", EN: "Data quality: figures computed from the records of the release"},
	},
	{
		Path: registrationPath, Produces: typeJSON, serve: (*Handler).registration, data: quality.Registration{},
		Summary: catalog.Text{ZH: "各单位成果登记情况：登记号与登记项是否齐全", EN: "Registration of results by organization: numbers, and whether the form is complete"},
	},
	{
		Path: servicePath, Produces: typeJSON, serve: (*Handler).serviceNow, data: serviceReport{}, live: true,
		Summary: catalog.Text{ZH: "本节点启动以来的响应时间与应答数", EN: "Response times and answers of this node since it began"},
	},
}

// qualityReport is the data of /api/v1/quality.
type qualityReport struct {
	AsOf       catalog.Date `json:"as_of"`
	Indicators []indicator  `json:"indicators"`
	Figures    []figure     `json:"figures"`
	quality.Report
}

// indicator is one that somebody measures open data by, with the figures that answer
// it here.
type indicator struct {
	Source catalog.Text `json:"source"`
	// Edition is missing where it was not verified.
	Edition string `json:"edition,omitzero"`
	// Layer is the part of the source that it belongs to.
	Layer catalog.Text `json:"layer,omitzero"`
	Name  catalog.Text `json:"name"`
	// Figures names members of figures.
	Figures []string     `json:"figures,omitempty"`
	Note    catalog.Text `json:"note,omitzero"`
	// NotMeasured says what of it is not measured, and why.
	NotMeasured catalog.Text `json:"not_measured,omitzero"`
}

// figure is a number with what it means.
type figure struct {
	Name       string       `json:"name"`
	Label      catalog.Text `json:"label"`
	Definition catalog.Text `json:"definition"`
	// Unit is count, bytes or share: 1 is all of it. A share is rounded down, so that 1
	// leaves nothing out.
	Unit string `json:"unit"`
	// Value is missing where there is nothing to take a share of.
	Value *float64 `json:"value,omitzero"`
	// Address is where in the API the figure can be counted again.
	Address string `json:"address"`
}

// scorecard is pages/indicators.json.
type scorecard struct {
	Indicators []indicator `json:"indicators"`
	Figures    []figure    `json:"figures"`
}

// loadScorecard reads the indicators. They are part of the program; the tests say when
// they are broken.
var loadScorecard = sync.OnceValue(func() (s scorecard) {
	b, err := pageFiles.ReadFile("pages/indicators.json")
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		panic(fmt.Errorf("opendata: indicators: %w", err))
	}
	return s
})

// counted is what figures are computed from.
type counted struct {
	*quality.Report
	manifest *catalog.Manifest
	// listed are the datasets whose records the API gives one by one.
	listed map[catalog.Dataset]bool
}

// listedDatasets finds them in the contract.
func listedDatasets() map[catalog.Dataset]bool {
	listed := map[catalog.Dataset]bool{}
	for _, op := range concreteOperations() {
		if op.dataset != "" && op.path == root+"/"+string(op.dataset) {
			listed[op.dataset] = true
		}
	}
	return listed
}

// figureValues computes every figure, as a part of a whole where it is a share.
var figureValues = map[string]func(c *counted) (n, of int){
	"datasets": func(c *counted) (int, int) { return len(c.Datasets), 1 },
	"datasets_with_records": func(c *counted) (n, of int) {
		for _, d := range c.Datasets {
			n += min(d.Records, 1)
		}
		return n, 1
	},
	"records": func(c *counted) (int, int) { return c.Totals.Records, 1 },
	"bytes":   func(c *counted) (int, int) { return int(c.manifest.RawBytes), 1 },
	"filled":  func(c *counted) (int, int) { return c.Totals.Filled, c.Totals.Cells },
	"codes_valid": func(c *counted) (n, of int) {
		for _, l := range c.Codes {
			n, of = n+l.Values-l.Unknown, of+l.Values
		}
		return n, of
	},
	"codes_outdated": func(c *counted) (n, of int) {
		for _, l := range c.Codes {
			n += l.Outdated
		}
		return n, 1
	},
	"rules_broken": func(c *counted) (n, of int) {
		for _, rule := range c.Rules {
			n += rule.Records
		}
		return n, 1
	},
	"links_checked": func(c *counted) (int, int) { return c.Links.Checked, 1 },
	"links_broken":  func(c *counted) (int, int) { return c.Links.Broken, 1 },
	"numbers_bad": func(c *counted) (n, of int) {
		for _, k := range c.Checks {
			n += k.Bad
		}
		return n, 1
	},
	"updated_30_days":  func(c *counted) (int, int) { return younger(c.Datasets, 30) },
	"updated_365_days": func(c *counted) (int, int) { return younger(c.Datasets, 365) },
	"expired":          func(c *counted) (int, int) { return c.Totals.Expired, 1 },
	"formats":          func(*counted) (int, int) { return len(distributions), 1 },
	"api_share": func(c *counted) (n, of int) {
		for _, d := range c.Datasets {
			if d.Records > 0 {
				of++
				if c.listed[d.Name] {
					n++
				}
			}
		}
		return n, of
	},
	"search_fields": func(*counted) (n, of int) {
		for d := range catalog.Datasets() {
			n += len(snapshot.SearchFields(d.Name))
		}
		return n, 1
	},
	"fields_labeled": func(*counted) (n, of int) {
		for d := range catalog.Datasets() {
			for _, f := range catalog.Fields(d.Name) {
				of++
				if f.Label.ZH != "" && f.Label.EN != "" {
					n++
				}
			}
		}
		return n, of
	},
	"lists_sourced": func(*counted) (n, of int) {
		for l := range catalog.CodeLists() {
			of++
			if l.Source != "" {
				n++
			}
		}
		return n, of
	},
	"publishers": func(c *counted) (int, int) { return c.Totals.Publishers, 1 },
	"divisions":  func(c *counted) (int, int) { return c.Totals.Divisions, 1 },
	"registered": func(c *counted) (int, int) {
		return c.Registration.Total.Numbered, c.Registration.Total.Results
	},
	"registered_fiscal": func(c *counted) (int, int) {
		return c.Registration.Total.FiscalNumbered, c.Registration.Total.Fiscal
	},
}

// younger counts the records that had changed at most so many days before the release,
// of all.
func younger(datasets []quality.Dataset, days int) (n, of int) {
	for _, d := range datasets {
		for _, a := range d.Ages {
			of += a.Records
			if a.Days > 0 && a.Days <= days {
				n += a.Records
			}
		}
	}
	return n, of
}

// qualityOf puts what was measured of s beside the indicators it answers.
func (h *Handler) qualityOf(s *snapshot.Snapshot, measured *quality.Report) qualityReport {
	card := loadScorecard()
	c := &counted{measured, s.Manifest(), h.listed}
	r := qualityReport{AsOf: c.manifest.AsOf, Indicators: card.Indicators, Report: *measured}
	for _, f := range card.Figures {
		if n, of := figureValues[f.Name](c); of > 0 {
			value := float64(n)
			if f.Unit == "share" {
				value = math.Floor(value/float64(of)*1e4) / 1e4
			}
			f.Value = &value
		}
		r.Figures = append(r.Figures, f)
	}
	return r
}

// measured is the report on the release named hash, nil where there is none to be had.
type measured struct {
	hash   catalog.Hash
	report *quality.Report
}

// measure reports on s once, away from any request. What fails is the end of it: a
// release that cannot be read is not there the next time either.
func (x *Exporter) measure(ctx context.Context, s *snapshot.Snapshot) {
	x.mu.Lock()
	done := x.figures.hash == s.Hash()
	x.mu.Unlock()
	if done {
		return
	}
	defer x.reading()()
	start := time.Now()
	report, err := quality.Measure(ctx, s)
	release := slog.Int64("release", s.Manifest().Sequence)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		x.log.WarnContext(ctx, "quality cannot be measured", release, slog.Any("error", err))
	default:
		x.log.InfoContext(ctx, "quality measured", release, slog.Duration("took", time.Since(start).Round(time.Millisecond)))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.figures = measured{s.Hash(), report}
}

// measuredOf returns the report on the release hash, nil while it is being made, or why
// there will be none.
func (x *Exporter) measuredOf(hash catalog.Hash) (*quality.Report, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.wake == nil, x.figures.hash == hash && x.figures.report == nil:
		return nil, fmt.Errorf("opendata: this node does not measure the release: %w", catalog.ErrUnavailable)
	case x.figures.hash == hash:
		return x.figures.report, nil
	}
	return nil, nil
}

// measuredNow returns the report on the release being answered from.
func (h *Handler) measuredNow(r *request) (*quality.Report, error) {
	report, err := h.exports.measuredOf(r.snap.Hash())
	if err == nil && report == nil {
		err = &problemError{kind: qualityPending, fill: []string{"{seq}", string(r.edition.sequence)}}
	}
	return report, err
}

// quality answers /api/v1/quality.
func (h *Handler) quality(r *request) error {
	report, err := h.measuredNow(r)
	if err != nil {
		return err
	}
	return h.describe(r, qualityPath, func() (any, int) { return h.qualityOf(r.snap, report), -1 },
		link{"registration", registrationPath}, link{"service", servicePath}, link{"page", qualityPage})
}

// registration answers /api/v1/quality/registration.
func (h *Handler) registration(r *request) error {
	report, err := h.measuredNow(r)
	if err != nil {
		return err
	}
	return h.describe(r, registrationPath, func() (any, int) { return report.Registration, -1 },
		link{"quality", qualityPath}, link{"page", registrationPage})
}
