package catalog

import (
	"fmt"
	"reflect"
	"strings"
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
	for _, f := range Fields(r.Head().Dataset) {
		if f.Type != "raw" {
			walkField(f, root, f.steps, scalar, long)
		}
	}
}

func walkField(f Field, v reflect.Value, steps []step, scalar func(Field, reflect.Value), long func(Field, int) bool) {
	v = v.FieldByIndex(steps[0].index)
	count := 1
	if steps[0].many {
		if count = v.Len(); long != nil && !long(f, count) {
			return
		}
	}
	for i := range count {
		value := v
		if steps[0].many {
			value = v.Index(i)
		}
		if value.Kind() == reflect.Pointer {
			if value.IsNil() {
				return
			}
			value = value.Elem()
		}
		if len(steps) == 1 {
			scalar(f, value)
		} else {
			walkField(f, value, steps[1:], scalar, long)
		}
	}
}

// step is one member on the way to a value.
type step struct {
	index []int // of the struct field
	many  bool
}

// stepsTo finds the way along path in a record type. A name the type lacks is a
// fault of the program: schema.csv and the types disagree.
func stepsTo(t reflect.Type, path string) []step {
	var steps []step
	for part := range strings.SplitSeq(path, ".") {
		name, many := strings.CutSuffix(part, "[]")
		field, ok := fieldNamed(t, name)
		if !ok {
			panic(fmt.Sprintf("schema.csv: %s has no member %s", t, path))
		}
		steps = append(steps, step{field.Index, many})
		if t = field.Type; many {
			t = t.Elem()
		}
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	return steps
}

func fieldNamed(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}
