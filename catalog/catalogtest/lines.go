package catalogtest

import (
	"io"

	"github.com/go-json-experiment/json"
)

// WriteJSONLines writes n generated achievements as their publisher would send
// them: a source_key, and none of the members that publishing sets.
func WriteJSONLines(w io.Writer, seed uint64, n int) error {
	for key, a := range Achievements(seed, n) {
		b, err := json.Marshal(a)
		if err != nil {
			return err
		}
		var object map[string]any
		if err := json.Unmarshal(b, &object); err != nil {
			return err
		}
		for _, assigned := range []string{"id", "dataset", "publisher", "source", "sample"} {
			delete(object, assigned)
		}
		object["source_key"] = key
		if err := json.MarshalWrite(w, object, json.Deterministic(true)); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return nil
}
