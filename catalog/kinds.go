package catalog

// Field names, labels, types and limits of all these stand in schema.csv; a
// test holds the two together.

// Achievement is a research result offered for use (科技成果).
type Achievement struct {
	Header
	ResultType        string   `json:"result_type,omitzero"`
	Attribute         string   `json:"attribute,omitzero"`
	ResultForms       []string `json:"result_forms,omitempty"`
	Level             string   `json:"level,omitzero"`
	EvaluationMode    string   `json:"evaluation_mode,omitzero"`
	EvaluatedOn       Date     `json:"evaluated_on,omitzero"`
	ApplicationStatus string   `json:"application_status,omitzero"`
	Stage             string   `json:"stage,omitzero"`
	// TRL is the technology readiness level 1 to 9, 0 when not stated. It is
	// kept apart from Stage: real files contradict any mapping between them.
	TRL           int            `json:"trl,omitzero"`
	TRLScale      string         `json:"trl_scale,omitzero"`
	TRLBasis      string         `json:"trl_basis,omitzero"`
	Advantages    string         `json:"advantages,omitzero"`
	Applications  string         `json:"applications,omitzero"`
	Organizations []Party        `json:"organizations,omitempty"`
	Contributors  []string       `json:"contributors,omitempty"`
	Registration  *Registration  `json:"registration,omitempty"`
	FundingKind   string         `json:"funding_kind,omitzero"`
	ProjectNo     string         `json:"project_no,omitzero"`
	IP            []IP           `json:"ip,omitempty"`
	IPFilingState string         `json:"ip_filing_state,omitzero"`
	TransferModes []string       `json:"transfer_modes,omitempty"`
	LicenseKinds  []string       `json:"license_kinds,omitempty"`
	Price         *Money         `json:"price,omitempty"`
	DualUse       *DualUse       `json:"dual_use,omitempty"`
	StartedOn     Date           `json:"started_on,omitzero"`
	CompletedOn   Date           `json:"completed_on,omitzero"`
	SecrecyReview *SecrecyReview `json:"secrecy_review,omitempty"`
}

// Demand is what a firm looks for: a problem to solve, a technology to acquire.
type Demand struct {
	Header
	Kind          string   `json:"kind,omitzero"`
	Indicators    string   `json:"indicators,omitzero"`
	ExistingBase  string   `json:"existing_base,omitzero"`
	CoopModes     []string `json:"coop_modes,omitempty"`
	ResearchType  string   `json:"research_type,omitzero"`
	Budget        *Money   `json:"budget,omitempty"`
	Period        string   `json:"period,omitzero"`
	Deadline      Date     `json:"deadline,omitzero"`
	Organizations []Party  `json:"organizations,omitempty"`
	LocalFirst    bool     `json:"local_first,omitzero"`
	Status        string   `json:"status,omitzero"`
	DualUse       *DualUse `json:"dual_use,omitempty"`
}

// Package is a themed, numbered selection of achievements (成果包), frozen once
// printed.
type Package struct {
	Header
	IssueNo  string    `json:"issue_no,omitzero"`
	Theme    string    `json:"theme,omitzero"`
	Criteria *Criteria `json:"criteria,omitempty"`
	Items    []Ref     `json:"items,omitempty"`
	Period   string    `json:"period,omitzero"`
	FrozenOn Date      `json:"frozen_on,omitzero"`
}

// Organization is a university, institute, firm, transfer body, carrier or
// sub-market. A sub-market has a Parent.
type Organization struct {
	Header
	Aliases         []string      `json:"aliases,omitempty"`
	USCC            string        `json:"uscc,omitzero"`
	Kinds           []string      `json:"kinds,omitempty"`
	Designations    []Designation `json:"designations,omitempty"`
	FloorAreaM2     float64       `json:"floor_area_m2,omitzero"`
	IncubatingFirms int           `json:"incubating_firms,omitzero"`
	AsOf            Date          `json:"as_of,omitzero"`
	Address         string        `json:"address,omitzero"`
	Telephone       string        `json:"telephone,omitzero"`
	Parent          Ref           `json:"parent,omitzero"`
	Website         string        `json:"website,omitzero"`
}

// Service is what a service body offers (GB/T 34670-2017 and the notice's own
// kinds).
type Service struct {
	Header
	Kind       string `json:"kind,omitzero"`
	Provider   *Party `json:"provider,omitempty"`
	Area       string `json:"area,omitzero"`
	Conditions string `json:"conditions,omitzero"`
	Fee        string `json:"fee,omitzero"`
}

// Expert is a person in a public role: a broker or 科技特派员. Basis says on what
// ground the name is public.
type Expert struct {
	Header
	Role            string   `json:"role,omitzero"`
	Organizations   []Party  `json:"organizations,omitempty"`
	DivisionsServed []string `json:"divisions_served,omitempty"`
	Basis           string   `json:"basis,omitzero"`
	AppointedOn     Date     `json:"appointed_on,omitzero"`
}

// Policy is one measure of a published policy.
type Policy struct {
	Header
	DocNo       string `json:"doc_no,omitzero"`
	Clause      string `json:"clause,omitzero"`
	Beneficiary string `json:"beneficiary,omitzero"`
	Condition   string `json:"condition,omitzero"`
	Amount      *Money `json:"amount,omitempty"`
	Mode        string `json:"mode,omitzero"`
	Authority   string `json:"authority,omitzero"`
	IssuedOn    Date   `json:"issued_on,omitzero"`
	ValidFrom   Date   `json:"valid_from,omitzero"`
	Status      string `json:"status,omitzero"`
}

// Event is a matchmaking, launch, contest, training or road show.
type Event struct {
	Header
	Kind          string  `json:"kind,omitzero"`
	StartsOn      Date    `json:"starts_on,omitzero"`
	EndsOn        Date    `json:"ends_on,omitzero"`
	Hours         string  `json:"hours,omitzero"`
	Venue         string  `json:"venue,omitzero"`
	Organizations []Party `json:"organizations,omitempty"`
	Items         []Ref   `json:"items,omitempty"`
}

// Edition is a publisher's dated, numbered catalog as it was printed, with its
// items in printed order (dataset catalogs).
type Edition struct {
	Header
	Edition       string  `json:"edition,omitzero"`
	IssuedOn      Date    `json:"issued_on,omitzero"`
	Organizations []Party `json:"organizations,omitempty"`
	Items         []Ref   `json:"items,omitempty"`
	// Printing is nil of an edition that was printed elsewhere.
	Printing *Printing `json:"printing,omitempty"`
	// PrintedFields names the members that the items had when they went to print.
	PrintedFields []string `json:"printed_fields,omitempty"`
	// PrintedDigests holds for every item, in their order, a digest of each of these
	// members, with commas between and nothing for one that it had not: enough to say
	// years later what of a record has changed. It is - of an item that was recalled.
	PrintedDigests []string `json:"printed_digests,omitempty"`
}

// Case is a told example of a transfer.
type Case struct {
	Header
	Story         string     `json:"story,omitzero"`
	Outcome       string     `json:"outcome,omitzero"`
	HappenedOn    Date       `json:"happened_on,omitzero"`
	Organizations []Party    `json:"organizations,omitempty"`
	Items         []Ref      `json:"items,omitempty"`
	Sources       []Citation `json:"sources,omitempty"`
}

// Notice announces a listing, auction, tender or financing held elsewhere.
type Notice struct {
	Header
	Kind     string `json:"kind,omitzero"`
	Items    []Ref  `json:"items,omitempty"`
	Price    *Money `json:"price,omitempty"`
	OpensOn  Date   `json:"opens_on,omitzero"`
	ClosesOn Date   `json:"closes_on,omitzero"`
	Exchange string `json:"exchange,omitzero"`
	URL      string `json:"url,omitzero"`
	Status   string `json:"status,omitzero"`
}

// Indicator is a target with dated observations.
type Indicator struct {
	Header
	Definition   string        `json:"definition,omitzero"`
	Unit         string        `json:"unit,omitzero"`
	UnitEN       string        `json:"unit_en,omitzero"`
	Operator     string        `json:"operator,omitzero"`
	Target       *float64      `json:"target,omitzero"`
	Period       string        `json:"period,omitzero"`
	TargetSource string        `json:"target_source,omitzero"`
	Observations []Observation `json:"observations,omitempty"`
}
