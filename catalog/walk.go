package catalog

import (
	"reflect"
	"strings"
	"sync"
)

// Rewrite replaces every text of r by what fn makes of it, field by field. The
// members that publishing sets are included; fn leaves alone what is not its own.
func Rewrite(r Record, fn func(f Field, s string) string) {
	walk(r, func(f Field, v reflect.Value) {
		if v.Kind() == reflect.String && v.Len() > 0 {
			v.SetString(fn(f, v.String()))
		}
	}, nil)
}

// walk calls scalar for every value that the schema of r's dataset describes,
// present or zero. long, unless nil, is asked before the values of a repeated
// field are entered.
func walk(r Record, scalar func(Field, reflect.Value), long func(Field, int) bool) {
	root := reflect.ValueOf(r).Elem()
	members := membersOf(root.Type())
	for _, f := range Fields(r.Head().Dataset) {
		if f.Type != "raw" {
			walkField(f, root, members, f.steps, scalar, long)
		}
	}
}

func walkField(f Field, value reflect.Value, members map[string][]int, steps []step, scalar func(Field, reflect.Value), long func(Field, int) bool) {
	// A name the type lacks would be a fault of the program (schema.csv and the
	// types disagree); a test excludes it.
	member := value.FieldByIndex(members[steps[0].name])
	count := 1
	if steps[0].many {
		if count = member.Len(); long != nil && !long(f, count) {
			return
		}
	}
	for i := range count {
		v := member
		if steps[0].many {
			v = member.Index(i)
		}
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return
			}
			v = v.Elem()
		}
		if len(steps) == 1 {
			scalar(f, v)
		} else {
			walkField(f, v, membersOf(v.Type()), steps[1:], scalar, long)
		}
	}
}

// members caches, per struct type, the field index of every JSON member.
var members sync.Map // reflect.Type -> map[string][]int

func membersOf(t reflect.Type) map[string][]int {
	if cached, ok := members.Load(t); ok {
		return cached.(map[string][]int)
	}
	index := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag != "" {
			index[tag] = f.Index
		}
	}
	cached, _ := members.LoadOrStore(t, index)
	return cached.(map[string][]int)
}
