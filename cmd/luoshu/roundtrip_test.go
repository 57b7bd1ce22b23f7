package main

import (
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
	"luoshu/catalog/demo"
)

// TestRoundTrip fills in the template of every dataset, publishes all twelve through
// Redis, and finds every field again: in the API, in the JSON Lines export, and on
// the pages of the terminal.
func TestRoundTrip(t *testing.T) {
	addr, _ := redisServer(t)
	store, data, folder := "redis://"+addr+"/0", t.TempDir(), t.TempDir()
	var files []string
	for d := range catalog.Datasets() {
		files = append(files, filepath.Join(folder, string(d.Name)+".xlsx"))
		luoshu(t, data, "template", string(d.Name), "--out", files[len(files)-1]).want(t, exitDone)
	}
	// Records of different datasets refer to one another: the second round resolves
	// what the first could not yet.
	for round := range 2 {
		for i, d := range slices.Collect(catalog.Datasets()) {
			r := luoshu(t, data, "publish", files[i], "--to", store, "--dataset", string(d.Name), "--publisher", "p",
				"--reviewed-by", "示例", "--reviewed-on", "2026-11-20", "--json", "--sample").want(t, exitDone).report(t)
			if r.Totals.Published+r.Totals.Unchanged != r.Totals.Read || r.Totals.Read == 0 {
				t.Errorf("%s: %+v", d.Name, r.Totals)
			}
			for _, row := range r.Rows {
				if row.Rule != "" && (round == 1 || row.Rule != "reference") {
					t.Errorf("%s row %d %s: %s", d.Name, row.Row, row.Column, row.Message)
				}
			}
		}
	}

	s := serve(t, t.TempDir(), "--source", store)
	for d := range catalog.Datasets() {
		var list struct {
			Data []map[string]any `json:"data"`
		}
		decode(t, s.get("/api/v1/"+string(d.Name), http.StatusOK), &list)
		lines := filepath.Join(folder, string(d.Name)+".jsonl")
		luoshu(t, data, "export", "--source", store, "--dataset", string(d.Name), "--lines", lines).want(t, exitDone)
		exported, err := os.ReadFile(lines)
		if err != nil {
			t.Fatal(err)
		}
		examples, err := demo.Examples(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Data) != len(examples) || strings.Count(string(exported), "\n") != len(examples) {
			t.Fatalf("%s: %d in the API, %d lines, %d examples", d.Name, len(list.Data), strings.Count(string(exported), "\n"), len(examples))
		}
		seen := map[string]bool{}
		for _, x := range examples {
			b, err := catalog.Canonical(x.Record)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]any{}
			decode(t, string(b), &want)
			i := slices.IndexFunc(list.Data, func(r map[string]any) bool { return r["title"] == want["title"] })
			if i < 0 {
				t.Fatalf("%s: %v is not in the API", d.Name, want["title"])
			}
			inAPI, inLines := list.Data[i], false
			for line := range strings.Lines(string(exported)) {
				var r map[string]any
				decode(t, line, &r)
				inLines = inLines || reflect.DeepEqual(r, inAPI)
			}
			if !inLines {
				t.Errorf("%s: the export does not say what the API does: %v", d.Name, inAPI)
			}
			var parts strings.Builder
			for _, part := range []string{"", "rights", "links", "details"} {
				parts.WriteString(plain(s.get("/"+string(d.Name)+"/"+inAPI["id"].(string)+"?lang=zh&part="+part, http.StatusOK)))
			}
			page := parts.String()
			for _, f := range catalog.Fields(d.Name) {
				if f.Assigned() {
					continue
				}
				asked, got := valuesAt(want, f.Path), valuesAt(inAPI, f.Path)
				for k, v := range asked {
					seen[f.Path] = true
					if f.Type == "ref" {
						// A key when it was handed in, an identifier when published.
						if k >= len(got) || !strings.Contains(string(exported), got[k].(string)) {
							t.Errorf("%s %s: %v is not resolved", d.Name, f.Path, v)
						}
						continue
					}
					if f.Path == "relations[].value" && strings.HasPrefix(fmt.Sprint(v), "key:") {
						continue
					}
					if k >= len(got) || !reflect.DeepEqual(v, got[k]) {
						t.Errorf("%s %s: handed in %v, published %v", d.Name, f.Path, asked, got)
						continue
					}
					if shown := onPage(f, v); !strings.Contains(page, shown) {
						t.Errorf("%s %s: the page does not show %q", d.Name, f.Path, shown)
					}
				}
			}
		}
		for _, f := range catalog.Fields(d.Name) {
			if !f.Assigned() && !seen[f.Path] {
				t.Errorf("%s: no example has %s", d.Name, f.Path)
			}
		}
	}
}

func decode(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// valuesAt returns the values of a field of a decoded record.
func valuesAt(v any, path string) []any {
	values := []any{v}
	for name := range strings.SplitSeq(path, ".") {
		name, many := strings.CutSuffix(name, "[]")
		var next []any
		for _, v := range values {
			member, ok := v.(map[string]any)[name]
			switch list, isList := member.([]any); {
			case !ok:
			case many && isList:
				next = append(next, list...)
			default:
				next = append(next, member)
			}
		}
		values = next
	}
	return values
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plain returns what a page says, without markup and white space.
func plain(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, ""))), "")
}

// onPage returns how the terminal writes a value in Chinese.
func onPage(f catalog.Field, v any) string {
	text := fmt.Sprint(v)
	switch f.Type {
	case "code":
		text = catalog.LookupCodeList(f.List).Label(text, "zh")
	case "coded":
		coded := v.(map[string]any)
		if l := catalog.LookupCodeList(coded["scheme"].(string)); l != nil {
			text = l.Label(coded["code"].(string), "zh")
		} else {
			text = coded["code"].(string)
		}
	case "date":
		units := []string{"年", "月", "日"}
		parts := strings.Split(text, "-")
		for i, part := range parts {
			n, _ := strconv.Atoi(part)
			parts[i] = strconv.Itoa(n) + units[i]
		}
		text = strings.Join(parts, "")
	case "bool":
		text = f.Label.ZH
	case "int", "number":
		// Thousands may be set apart.
		text = strconv.FormatFloat(v.(float64), 'f', -1, 64)
		if len(text) > 3 {
			text = text[len(text)-3:]
		}
	case "money":
		text = "元"
		if v.(map[string]any)["negotiable"] == true {
			text = "面议"
		}
	}
	return strings.Join(strings.Fields(text), "")
}
