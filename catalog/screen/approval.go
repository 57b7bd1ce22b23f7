package screen

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"luoshu/catalog"
)

// Approval says that a second person decided that a held text may be published.
// It is of one rule and of one text, word for word: a changed text asks again.
// ID is empty for a text outside the records.
type Approval struct {
	ID   catalog.ID `json:"id"`
	Rule string     `json:"rule"`
	// Hash is the HMAC-SHA-256 of the finding's hash, in hexadecimal. It is left out
	// of JSON, since reports are passed on: who keeps approvals writes it out.
	Hash string `json:"-"`
}

// Approvals is a set of approvals. The zero value is empty, and so is nil. Has and
// Of may be called by several goroutines while nobody adds.
type Approvals struct {
	key []byte
	set map[Approval]struct{}
}

// NewApprovals returns an empty set whose hashes are made with key. Without the key
// nobody can try out which short text was approved.
func NewApprovals(key []byte) *Approvals { return &Approvals{key: key} }

// Of returns the approval that would lift f for record id. It is the zero Approval
// where none can.
func (a *Approvals) Of(f Finding, id catalog.ID) Approval {
	if f.Action != Hold {
		return Approval{}
	}
	var key []byte
	if a != nil {
		key = a.key
	}
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(f.Hash))
	return Approval{id, f.Rule, hex.EncodeToString(mac.Sum(nil))}
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
