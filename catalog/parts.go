package catalog

// Date is a calendar date as YYYY-MM-DD, or YYYY-MM or YYYY where the source
// knows no more (registration forms give months).
type Date string

// Ref is the identifier of another record of the catalog.
type Ref = ID

// Coded is a code of a named list edition, such as gbt4754-2017 and 3451.
type Coded struct {
	Scheme string `json:"scheme"`
	Code   string `json:"code"`
}

// Party is an organization taking part: by reference where it is known to the
// catalog, always with the name as the source gave it.
type Party struct {
	ID   Ref    `json:"id,omitzero"`
	Name string `json:"name"`
}

// Money is an amount in units of Currency (ISO 4217; CNY in yuan). Min equals
// Max for an exact amount; only Max means "at most"; Negotiable alone is 面议.
type Money struct {
	Min        float64 `json:"min,omitzero"`
	Max        float64 `json:"max,omitzero"`
	Currency   string  `json:"currency,omitzero"`
	Negotiable bool    `json:"negotiable,omitzero"`
	Basis      string  `json:"basis,omitzero"`
}

// Relation links a record to a patent, paper, report, standard or project, or
// to another record (Scheme "record", Value its identifier).
type Relation struct {
	Type   string `json:"type"`
	Scheme string `json:"scheme"`
	Value  string `json:"value"`
	// Normalized is Value in the scheme's own writing; Check tells whether its
	// check digit fits (code list check-result). Both are computed.
	Normalized string `json:"normalized,omitzero"`
	Check      string `json:"check,omitzero"`
	URL        string `json:"url,omitzero"`
}

// IP is an intellectual property right on an achievement. Status is the last
// known legal status and StatusOn its date; neither is inferred from the number.
type IP struct {
	Kind       string `json:"kind,omitzero"`
	Number     string `json:"number,omitzero"`
	Normalized string `json:"normalized,omitzero"`
	Check      string `json:"check,omitzero"`
	Status     string `json:"status,omitzero"`
	StatusOn   Date   `json:"status_on,omitzero"`
}

// Registration of an achievement with a science authority
// (科技成果登记办法, 国科发计字〔2000〕542号).
type Registration struct {
	Number    string `json:"number,omitzero"`
	Authority string `json:"authority,omitzero"`
	Date      Date   `json:"date,omitzero"`
}

// DualUse marks a military-civil result of the cleared kind. Without a
// clearance such a record is not published.
type DualUse struct {
	Direction string `json:"direction,omitzero"`
	Clearance string `json:"clearance,omitzero"`
	ClearedOn Date   `json:"cleared_on,omitzero"`
}

// SecrecyReview is the public part of the unit's secrecy review.
type SecrecyReview struct {
	Date       Date   `json:"date,omitzero"`
	Conclusion string `json:"conclusion,omitzero"`
}

// Criteria of a package, as the notice asks (洛市科〔2017〕99号, measure 1).
type Criteria struct {
	UpgradeDirection string `json:"upgrade_direction,omitzero"`
	InvestmentScale  string `json:"investment_scale,omitzero"`
	IndustryPull     string `json:"industry_pull,omitzero"`
}

// Designation is an official recognition of an organization.
type Designation struct {
	Level string `json:"level,omitzero"`
	Title string `json:"title,omitzero"`
	Date  Date   `json:"date,omitzero"`
	DocNo string `json:"doc_no,omitzero"`
}

// Citation is a source of a told case.
type Citation struct {
	Title string `json:"title,omitzero"`
	URL   string `json:"url,omitzero"`
	Date  Date   `json:"date,omitzero"`
}

// Observation is a dated value of an indicator for one division, with the
// definition it was counted by: the sources count differently.
type Observation struct {
	Value       float64 `json:"value"`
	AsOf        Date    `json:"as_of"`
	Division    string  `json:"division,omitzero"`
	Definition  string  `json:"definition,omitzero"`
	Source      string  `json:"source,omitzero"`
	Provisional bool    `json:"provisional,omitzero"`
}

// Printing says what a printed edition was made of. The codes on its pages carry P and
// Number as their placement, so that a scan tells which edition is in the reader's hands.
type Printing struct {
	// Number is the edition's own in the whole catalog, from 1.
	Number int `json:"number"`
	// Package is what was printed.
	Package Ref `json:"package"`
	// Release is the release on whose text the edition stands.
	Release int64 `json:"release"`
}
