package opendata

import (
	"bytes"
	"encoding/json"
	"io/fs"

	"luoshu/catalog"
)

// Concrete is an operation on one path of the contract.
type Concrete struct {
	Operation
	ID      string
	Dataset catalog.Dataset
}

// ConcreteOperations returns what the contract describes.
func ConcreteOperations() []Concrete {
	var all []Concrete
	for _, c := range concreteOperations() {
		op := Concrete{Operation: *c.Operation, ID: c.id(), Dataset: c.dataset}
		op.Path = c.path
		all = append(all, op)
	}
	return all
}

// Describe returns the contract with the examples in files.
func Describe(files fs.FS) []byte {
	b, err := encode(describeAPI(func(id string) json.RawMessage {
		b, err := fs.ReadFile(files, "examples/"+id+".json")
		if err != nil {
			return nil
		}
		return b
	}))
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	_ = json.Indent(&out, b, "", " ")
	return append(out.Bytes(), '\n')
}
