package catalog

import "iter"

// Dataset is the name of a dataset as it stands in paths and records.
type Dataset string

// The twelve datasets.
const (
	Achievements  Dataset = "achievements"
	Demands       Dataset = "demands"
	Packages      Dataset = "packages"
	Organizations Dataset = "organizations"
	Services      Dataset = "services"
	Experts       Dataset = "experts"
	Policies      Dataset = "policies"
	Events        Dataset = "events"
	Catalogs      Dataset = "catalogs"
	Cases         Dataset = "cases"
	Notices       Dataset = "notices"
	Indicators    Dataset = "indicators"
)

// Text is a short text in both languages of the catalog.
type Text struct {
	ZH string `json:"zh,omitzero"`
	EN string `json:"en,omitzero"`
}

// In returns the text in lang ("zh" or "en"), or in the other language where
// that one is missing.
func (t Text) In(lang string) string {
	if (lang == "en" && t.EN != "") || t.ZH == "" {
		return t.EN
	}
	return t.ZH
}

// DatasetInfo describes a dataset.
type DatasetInfo struct {
	Name Dataset
	// Letter begins the identifiers of the dataset's records; 0 for indicators,
	// whose identifiers are slugs.
	Letter byte
	// Label is the plural name, Singular the name of one record.
	Label, Singular Text
	new             func() Record
}

// datasets holds every dataset in the order in which they are listed and
// counted everywhere.
var datasets = []DatasetInfo{
	{Achievements, 'A', Text{"成果", "Achievements"}, Text{"成果", "Achievement"}, func() Record { return new(Achievement) }},
	{Demands, 'D', Text{"需求", "Demands"}, Text{"需求", "Demand"}, func() Record { return new(Demand) }},
	{Packages, 'P', Text{"成果包", "Packages"}, Text{"成果包", "Package"}, func() Record { return new(Package) }},
	{Organizations, 'B', Text{"机构", "Organizations"}, Text{"机构", "Organization"}, func() Record { return new(Organization) }},
	{Services, 'F', Text{"服务", "Services"}, Text{"服务", "Service"}, func() Record { return new(Service) }},
	{Experts, 'X', Text{"专家", "Experts"}, Text{"专家", "Expert"}, func() Record { return new(Expert) }},
	{Policies, 'M', Text{"政策", "Policies"}, Text{"政策", "Policy"}, func() Record { return new(Policy) }},
	{Events, 'E', Text{"活动", "Events"}, Text{"活动", "Event"}, func() Record { return new(Event) }},
	{Catalogs, 'L', Text{"目录", "Catalogs"}, Text{"目录", "Catalog"}, func() Record { return new(Edition) }},
	{Cases, 'C', Text{"案例", "Cases"}, Text{"案例", "Case"}, func() Record { return new(Case) }},
	{Notices, 'N', Text{"公告", "Notices"}, Text{"公告", "Notice"}, func() Record { return new(Notice) }},
	{Indicators, 0, Text{"指标", "Indicators"}, Text{"指标", "Indicator"}, func() Record { return new(Indicator) }},
}

// Datasets yields every dataset in listing order.
func Datasets() iter.Seq[DatasetInfo] {
	return func(yield func(DatasetInfo) bool) {
		for _, d := range datasets {
			if !yield(d) {
				return
			}
		}
	}
}

// Info returns the description of d, and false for an unknown name.
func (d Dataset) Info() (DatasetInfo, bool) {
	if i := d.index(); i >= 0 {
		return datasets[i], true
	}
	return DatasetInfo{}, false
}

func (d Dataset) index() int {
	for i := range datasets {
		if datasets[i].Name == d {
			return i
		}
	}
	return -1
}

// datasetOfLetter returns the dataset whose identifiers begin with letter.
func datasetOfLetter(letter byte) (Dataset, bool) {
	for i := range datasets {
		if datasets[i].Letter == letter && letter != 0 {
			return datasets[i].Name, true
		}
	}
	return "", false
}
