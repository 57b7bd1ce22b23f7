package catalog

import (
	"reflect"
	"strings"
	"sync"
)

// memberIndexes caches, per struct type, the field index of every JSON member.
var memberIndexes sync.Map // reflect.Type -> map[string][]int

// memberByName returns the struct field of v whose JSON name is name. A name
// the struct lacks is a fault of the program (schema.csv and the types
// disagree), which a test excludes.
func memberByName(v reflect.Value, name string) reflect.Value {
	cached, ok := memberIndexes.Load(v.Type())
	if !ok {
		index := map[string][]int{}
		for _, f := range reflect.VisibleFields(v.Type()) {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag != "" {
				index[tag] = f.Index
			}
		}
		cached, _ = memberIndexes.LoadOrStore(v.Type(), index)
	}
	return v.FieldByIndex(cached.(map[string][]int)[name])
}
