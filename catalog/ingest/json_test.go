package ingest

import (
	"errors"
	"strings"
	"testing"

	"luoshu/catalog"
)

func TestJSONForms(t *testing.T) {
	deep := strings.Repeat("[", MaxNesting) + strings.Repeat("]", MaxNesting)
	tests := []struct{ name, content, want string }{
		{"a list", `[{"title":"甲"},{"title":"乙"}]`, "1 published\n2 published"},
		{"a list with a mark", "\ufeff [ {\"title\":\"甲\"} ] \n", "1 published"},
		{"the form of the API", `{"meta":{"total":2},"data":[{"title":"甲"},{"title":"乙"}],"links":{}}`, "1 published\n2 published"},
		{"one record of the API", `{"data":{"title":"甲"},"meta":{}}`, "1 published"},
		{"an empty list", `[]`, ""},
		{"an object without text", `[{},{"title":"甲"}]`, "2 published"},
		{"a number among objects", `[{"title":"甲"},7]`, "1 published\n2 refused /json"},
		{"a name twice", `[{"title":"甲","title":"乙"},{"title":"丙"}]`, "1 refused /json\n2 published"},
		{"a name twice further in", `[{"title":"甲","price":{"min":1,"min":2}}]`, "1 refused /json"},
		{"not UTF-8", "[{\"title\":\"\xb3\xc9\"},{\"title\":\"乙\"}]", "1 refused /json\n2 published"},
		{"nested too deep", `[{"title":"甲","x":` + deep + `}]`, "1 refused /json"},
		{"nested almost too deep", `[{"title":"甲","x":` + deep[1:len(deep)-1] + `}]`, "1 published"},
		{"brackets in text", `[{"title":"甲` + strings.Repeat("[", MaxNesting) + `\"","abstract":"\\"}]`, "1 published"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := importInto(t, catalog.NewDraft(nil, now), file("a.json", tt.content), Options{})
			if got := lines(r); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestJSONFaultsAreNamed(t *testing.T) {
	for content, want := range map[string]string{
		`{"title":"甲","title":"乙"}`: "a name stands there twice at byte 16",
		"{\"title\":\"\xb3\"}":      "not UTF-8 at byte 11",
		`{"title":}`:                "syntax error at byte",
	} {
		r := importInto(t, catalog.NewDraft(nil, now), file("a.jsonl", content), Options{})
		if l := r.Rows[0]; l.Outcome != Refused || !strings.Contains(l.Message, want) || l.MessageZH == "" {
			t.Errorf("%q: %s", content, l.Message)
		}
	}
}

func TestNoJSONList(t *testing.T) {
	for _, content := range []string{
		"", "7", `"a"`, `{"title":"甲"}`, `{"data":7}`, `[{"title":"甲"}`, `[{"title":"甲"}] []`, `[{"title":"甲"}{}]`, `{"data":[],"data":[]}`, "\xff\xfe[\x00]\x00",
		`{"data":[{"title":"甲"}]`, `[` + strings.Repeat("[", 20_000),
	} {
		_, err := Import(t.Context(), catalog.NewDraft(nil, now), file("a.json", content), Options{Dataset: catalog.Achievements, Publisher: "p"})
		if _, ok := errors.AsType[*FileError](err); !ok {
			t.Errorf("%.30q: %v", content, err)
		}
	}
}
