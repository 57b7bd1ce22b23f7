package quality

import (
	"cmp"
	"embed"
	"slices"
	"strings"
	"sync"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// maxOrganizations bounds the organizations that a report names; the others are added up.
const maxOrganizations = 1000

// Registration is how far results are registered and how complete what they say then
// is. The notice asks it of all results of publicly funded projects and encourages it for
// the others (洛市科〔2017〕99号, clause 2).
type Registration struct {
	Total Registered `json:"total"`
	// Form lists what the registration form asks for.
	Form []FormItem `json:"form"`
	// Organizations are at most 1,000, those with the most results first. A result
	// counts for the organization that completed it first.
	Organizations []OrganizationRegistration `json:"organizations"`
	// Others adds up the organizations beyond those.
	Others OtherOrganizations `json:"others"`
}

// Registered counts results.
type Registered struct {
	Results int `json:"results"`
	// Numbered have a registration number, Complete also everything else that the form
	// asks for and the catalog can hold.
	Numbered int `json:"numbered"`
	Complete int `json:"complete"`
	// Fiscal are results that name public funds, of which FiscalNumbered are registered.
	Fiscal         int `json:"fiscal"`
	FiscalNumbered int `json:"fiscal_numbered"`
}

func (r *Registered) add(o Registered) {
	r.Results += o.Results
	r.Numbered += o.Numbered
	r.Complete += o.Complete
	r.Fiscal += o.Fiscal
	r.FiscalNumbered += o.FiscalNumbered
}

// FormItem is an item of the registration form (科技成果登记办法, 国科发计字〔2000〕542号).
type FormItem struct {
	Label catalog.Text `json:"label"`
	// Fields hold the item in a record, any of them; none where it is not measured.
	Fields []string `json:"fields,omitempty"`
	// NotMeasured says why the catalog cannot tell.
	NotMeasured catalog.Text `json:"not_measured,omitzero"`
	// Records counts the registered results that have the item.
	Records int `json:"records"`
}

// OrganizationRegistration is an organization as its results name it: by identifier, or
// by name where it is not in the catalog. Results without an organization have neither.
type OrganizationRegistration struct {
	ID   catalog.ID   `json:"id,omitzero"`
	Name catalog.Text `json:"name"`
	Registered
}

// OtherOrganizations adds up what is not listed.
type OtherOrganizations struct {
	Organizations int `json:"organizations"`
	Registered
}

//go:embed registration.csv
var formFile embed.FS

// form reads registration.csv. It is part of the program.
var form = sync.OnceValue(func() []FormItem {
	var all []FormItem
	for _, row := range catalog.ReadTable(formFile, "registration.csv") {
		item := FormItem{
			Label:       catalog.Text{ZH: row["zh"], EN: row["en"]},
			NotMeasured: catalog.Text{ZH: row["not_measured_zh"], EN: row["not_measured_en"]},
		}
		if row["fields"] != "" {
			item.Fields = strings.Split(row["fields"], "|")
		}
		all = append(all, item)
	}
	return all
})

// register gathers the results by organization.
type register struct {
	form []FormItem
	of   map[party]*OrganizationRegistration
}

// party is an organization by its identifier, by its name where it has none.
type party struct {
	id   catalog.ID
	name string
}

func newRegister() *register {
	return &register{slices.Clone(form()), map[party]*OrganizationRegistration{}}
}

func (g *register) add(a *catalog.Achievement, v *visitor) {
	var first catalog.Party
	if len(a.Organizations) > 0 {
		first = a.Organizations[0]
	}
	key := party{id: first.ID}
	if first.ID == "" {
		key.name = first.Name
	}
	r := g.of[key]
	if r == nil {
		r = &OrganizationRegistration{ID: first.ID, Name: catalog.Text{ZH: first.Name}}
		g.of[key] = r
	}
	one := Registered{Results: 1}
	if a.Registration != nil && a.Registration.Number != "" {
		one.Numbered, one.Complete = 1, 1
		for i := range g.form {
			item := &g.form[i]
			switch {
			case slices.ContainsFunc(item.Fields, v.has):
				item.Records++
			case len(item.Fields) > 0:
				one.Complete = 0
			}
		}
	}
	if a.FundingKind == "fiscal" {
		one.Fiscal, one.FiscalNumbered = 1, one.Numbered
	}
	r.add(one)
}

func (g *register) report(s *snapshot.Snapshot) Registration {
	out := Registration{Form: g.form, Organizations: make([]OrganizationRegistration, 0, len(g.of))}
	for _, o := range g.of {
		out.Organizations = append(out.Organizations, *o)
		out.Total.add(o.Registered)
	}
	slices.SortFunc(out.Organizations, func(a, b OrganizationRegistration) int {
		return cmp.Or(cmp.Compare(b.Results, a.Results), strings.Compare(string(a.ID), string(b.ID)), strings.Compare(a.Name.ZH, b.Name.ZH))
	})
	if len(out.Organizations) > maxOrganizations {
		for _, o := range out.Organizations[maxOrganizations:] {
			out.Others.Organizations++
			out.Others.add(o.Registered)
		}
		out.Organizations = slices.Clone(out.Organizations[:maxOrganizations])
	}
	for i := range out.Organizations {
		o := &out.Organizations[i]
		if e, err := s.Find(o.ID); o.ID != "" && err == nil {
			o.Name = e.Title()
		}
	}
	return out
}
