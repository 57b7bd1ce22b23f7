package screen

import "luoshu/catalog"

// Approval says that a second person decided that a held text may be published.
// It is of one rule and of one text, word for word: a changed text asks again.
// ID is empty for a text outside the records.
type Approval struct {
	ID   catalog.ID `json:"id"`
	Rule string     `json:"rule"`
	Hash string     `json:"hash"`
}

// Approval returns the approval that would lift f for record id. It is the zero
// Approval where none can.
func (f Finding) Approval(id catalog.ID) Approval {
	if f.Action != Hold {
		return Approval{}
	}
	return Approval{id, f.Rule, f.Hash}
}

// Approvals is a set of approvals. The zero value is empty, and so is nil. Has
// may be called by several goroutines while nobody adds.
type Approvals struct {
	set map[Approval]struct{}
}

// Add takes in approvals. The zero Approval approves nothing and is left out.
func (a *Approvals) Add(approvals ...Approval) {
	if a.set == nil {
		a.set = map[Approval]struct{}{}
	}
	for _, one := range approvals {
		if one.Rule != "" && one.Hash != "" {
			a.set[one] = struct{}{}
		}
	}
}

// Has reports whether the set holds that approval.
func (a *Approvals) Has(one Approval) bool {
	if a == nil {
		return false
	}
	_, ok := a.set[one]
	return ok
}
