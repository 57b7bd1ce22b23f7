package kiosk

import (
	"cmp"
	"encoding/json"

	"luoshu/catalog"
)

// typeProblem is what a program reads where a code leads to no record (RFC 9457).
const typeProblem = "application/problem+json"

// problemWithdrawn names what is said of a withdrawn record.
const problemWithdrawn = "gone"

// problemTypes are the types of problem, by the name of the page that says the same. They
// are those of the interface, which explains them to people.
var problemTypes = map[string]string{
	problemWithdrawn: "withdrawn", "missing": "unknown-record", "mistyped": "mistyped-identifier",
	"release": "no-release", "unavailable": "unavailable", "fault": "internal-error",
}

// problem is the body of such an answer, in English, and with the suffix _zh in Chinese.
type problem struct {
	Type      string     `json:"type"`
	Title     string     `json:"title"`
	TitleZH   string     `json:"title_zh"`
	Status    int        `json:"status"`
	Detail    string     `json:"detail"`
	DetailZH  string     `json:"detail_zh"`
	Tombstone *tombstone `json:"tombstone,omitempty"`
	// Meant are the codes that were probably meant.
	Meant []catalog.ID `json:"meant,omitempty"`
}

// tombstone is what is public of a withdrawn record.
type tombstone struct {
	ID          catalog.ID   `json:"id"`
	Title       string       `json:"title,omitempty"`
	WithdrawnOn catalog.Date `json:"withdrawn_on"`
	Reason      string       `json:"reason"`
	Successor   catalog.ID   `json:"successor,omitempty"`
}

// wantsProblem reports whether the client asks for data rather than for a page, where a
// code can be had as both.
func (rq *request) wantsProblem() bool {
	return rq.phone && rq.wanted(typeHTML, typeLinked, typeJSON, typeProblem) != typeHTML
}

// problem returns the answer that says in data what the page name says to people.
func (rq *request) problem(status int, name string, t *catalog.Tombstone, meant []catalog.ID) answer {
	p := problem{Type: rq.base + "/developers/problems#" + cmp.Or(problemTypes[name], "bad-request"), Status: status, Meant: meant}
	title, detail := "fail."+name+".title", "fail."+name+".text"
	if t != nil {
		title, detail = "gone.title", "gone.keep"
		p.Tombstone = &tombstone{t.ID, t.Title, t.WithdrawnOn, t.Reason, t.Successor}
	}
	en, zh := rq.h.texts["en"], rq.h.texts["zh"]
	p.Title, p.TitleZH, p.Detail, p.DetailZH = en[title], zh[title], en[detail], zh[detail]
	a := rq.file(file{kind: typeProblem, open: true, body: func() ([]byte, error) { return json.Marshal(p) }})
	a.status = status
	return a
}
