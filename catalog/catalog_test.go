package catalog

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestSchemaMatchesTypes holds schema.csv and the Go types together: what one
// has, the other has.
func TestSchemaMatchesTypes(t *testing.T) {
	for d := range Datasets() {
		r, err := NewRecord(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		var inTypes []string
		paths(reflect.TypeOf(r).Elem(), "", &inTypes)
		var inSchema []string
		for _, f := range Fields(d.Name) {
			inSchema = append(inSchema, f.Path)
			if f.Label.ZH == "" || f.Label.EN == "" {
				t.Errorf("%s.%s lacks a label", d.Name, f.Path)
			}
			if f.Type == "code" && LookupCodeList(f.List) == nil {
				t.Errorf("%s.%s names the code list %q, which does not exist", d.Name, f.Path, f.List)
			}
		}
		for _, p := range inTypes {
			if !slices.Contains(inSchema, p) {
				t.Errorf("%s.%s is in the type and not in the schema", d.Name, p)
			}
		}
		for _, p := range inSchema {
			if !slices.Contains(inTypes, p) {
				t.Errorf("%s.%s is in the schema and not in the type", d.Name, p)
			}
		}
	}
}

func paths(typ reflect.Type, prefix string, out *[]string) {
	whole := []reflect.Type{reflect.TypeFor[Money](), reflect.TypeFor[Coded]()}
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		t := f.Type
		if t.Kind() == reflect.Slice {
			name, t = name+"[]", t.Elem()
		}
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct && t.PkgPath() == reflect.TypeFor[Header]().PkgPath() && !slices.Contains(whole, t) {
			paths(t, prefix+name+".", out)
			continue
		}
		*out = append(*out, prefix+name)
	}
}

func TestCodeListsAreComplete(t *testing.T) {
	for l := range CodeLists() {
		if l.Source == "" || l.Edition == "" || len(l.Codes()) == 0 {
			t.Errorf("%s has no source, edition or codes", l.Name)
		}
		for _, c := range l.Codes() {
			if c.Label.ZH == "" {
				t.Errorf("%s %s has no Chinese label", l.Name, c.Code)
			}
			if c.Successor != "" {
				if _, ok := l.Lookup(c.Successor); !ok {
					t.Errorf("%s %s: successor %s does not exist", l.Name, c.Code, c.Successor)
				}
			}
		}
	}
}

func TestCodeListMatch(t *testing.T) {
	tests := []struct{ list, wording, want string }{
		{"stage", "pilot", "pilot"},
		{"stage", "中期阶段", "pilot"},
		{"stage", " 中试 ", "pilot"},
		{"stage", "雛型", ""}, // spans TRL 1 to 9 in real files: not guessed
		{"division", "瀍河区", "410304"},
		{"division", "410381", "410381"},
		{"gbt4754-2017", "农、林、牧、渔业", "A"},
		{"gbt13745-2009", "850", "850"},
	}
	for _, tt := range tests {
		got, ok := LookupCodeList(tt.list).Match(tt.wording)
		if got.Code != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: Match(%q) = %q, %v, want %q", tt.list, tt.wording, got.Code, ok, tt.want)
		}
	}
}

func TestCheckPatent(t *testing.T) {
	for _, number := range []string{"CN218751475U", "", "202119900012", "2016SR309930"} {
		if n, c := CheckPatent(number); n != "" || c != CheckNone {
			t.Errorf("CheckPatent(%q) = %q, %q: it has no check character", number, n, c)
		}
	}
	// The check character by definition (ZC 0006-2003), over invented serials.
	for _, body := range []string{"202119900012", "200312345678", "201829900001", "85100001", "03812345"} {
		sum := 0
		for i, c := range body {
			sum += int(c-'0') * (i%8 + 2)
		}
		good := "0123456789X"[sum%11 : sum%11+1]
		for _, c := range strings.Split("0123456789X", "") {
			want := CheckBad
			if c == good {
				want = CheckOK
			}
			for _, form := range []string{body + "." + c, "ZL" + body + "." + c, "zl " + body + c, "ＺＬ" + body + "．" + c} {
				if n, got := CheckPatent(form); got != want || n != "CN"+body+"."+c {
					t.Errorf("CheckPatent(%q) = %q, %q, want %q", form, n, got, want)
				}
			}
		}
	}
}

func TestValidUSCC(t *testing.T) {
	tests := []struct {
		code string
		want bool
	}{
		{"91350100M000100Y43", true},  // the example of GB 32100-2015
		{"91350100M000100Y34", false}, // two characters swapped
		{"91310115MA1H8R7C6D", false}, // printed as an example on the web, and wrong
		{"91350100M000100I43", false}, // I is not in the alphabet
		{"91350100M000100Y4", false},
	}
	for _, tt := range tests {
		if got := ValidUSCC(tt.code); got != tt.want {
			t.Errorf("ValidUSCC(%q) = %v, want %v", tt.code, got, tt.want)
		}
	}
}

func TestCanonical(t *testing.T) {
	// RFC 8785, section 3.2.2: members ordered, numbers as ECMAScript writes them.
	got, err := Canonical(map[string]any{"b": 1e21, "a": []any{0.1, true, nil}, "": "€\u000f<"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"":"€\u000f<","a":[0.1,true,null],"b":1e+21}`
	if string(got) != want {
		t.Errorf("Canonical = %s, want %s", got, want)
	}
}
