package snapshot

import (
	"slices"
	"strings"
	"sync"
)

// Audiences returns whom policies are for, such as university, in the order of
// conditions.csv.
var Audiences = sync.OnceValue(func() []string {
	var all []string
	for _, c := range loadConditions().all {
		if c.audience != "" && !slices.Contains(all, c.audience) {
			all = append(all, c.audience)
		}
	}
	return all
})

// AudiencesOf returns whom a policy with this beneficiary is for, as its words say.
func AudiencesOf(beneficiary string) []string {
	var all []string
	for _, c := range loadConditions().all {
		named := slices.ContainsFunc(c.words, func(word string) bool { return strings.Contains(beneficiary, word) })
		if named && c.audience != "" && !slices.Contains(all, c.audience) {
			all = append(all, c.audience)
		}
	}
	return all
}
