package quality_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/demo"
	"luoshu/catalog/quality"
	"luoshu/catalog/snapshot"
)

func demonstration(t testing.TB) *catalog.Release {
	t.Helper()
	p, err := demo.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p.Release
}

func generated(t testing.TB, n int) *catalog.Release {
	t.Helper()
	p, err := catalogtest.Publish(t.Context(), nil, 7, n)
	if err != nil {
		t.Fatal(err)
	}
	return p.Release
}

func laidOut(t testing.TB, r *catalog.Release) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.New(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func measure(t testing.TB, r *catalog.Release) *quality.Report {
	t.Helper()
	report, err := quality.Measure(t.Context(), laidOut(t, r))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// at returns the values of a record at a path of the schema, the slow way.
func at(v any, path []string) []any {
	if list, ok := v.([]any); ok {
		var all []any
		for _, item := range list {
			all = append(all, at(item, path)...)
		}
		return all
	}
	if len(path) == 0 {
		return []any{v}
	}
	if o, ok := v.(map[string]any); ok && o[path[0]] != nil {
		return at(o[path[0]], path[1:])
	}
	return nil
}

// TestTruth counts again with maps and loops.
func TestTruth(t *testing.T) {
	for name, r := range map[string]*catalog.Release{"demo": demonstration(t), "generated": generated(t, 3000)} {
		t.Run(name, func(t *testing.T) {
			got := measure(t, r)
			known := map[any]bool{}
			for _, e := range r.Entries {
				known[string(e.ID)] = true
			}
			var total quality.Totals
			var links, broken int
			codes := map[string]int{}
			var registration quality.Registered
			publishers, divisions := map[any]bool{}, map[any]bool{}
			for _, d := range got.Datasets {
				filled, records := map[string]int{}, 0
				for _, e := range r.Entries {
					if e.Dataset != d.Name {
						continue
					}
					records++
					var v map[string]any
					if err := json.Unmarshal(e.Raw, &v); err != nil {
						t.Fatal(err)
					}
					for _, f := range catalog.Fields(d.Name) {
						values := at(v, strings.Split(strings.ReplaceAll(f.Path, "[]", ""), "."))
						if len(values) > 0 {
							filled[f.Path]++
						}
						for _, value := range values {
							switch f.Type {
							case "ref":
								links++
								if !known[value] {
									broken++
								}
							case "code":
								codes[f.List]++
							case "coded":
								codes[value.(map[string]any)["scheme"].(string)]++
							}
						}
					}
					for _, l := range at(v, []string{"relations"}) {
						if l := l.(map[string]any); l["scheme"] == "record" {
							links++
							if !known[l["value"]] {
								broken++
							}
						}
					}
					publishers[v["publisher"]] = true
					for _, d := range at(v, []string{"division"}) {
						divisions[d] = true
					}
					if d.Name == catalog.Achievements {
						numbered := len(at(v, []string{"registration", "number"}))
						registration.Results++
						registration.Numbered += numbered
						if v["funding_kind"] == "fiscal" {
							registration.Fiscal++
							registration.FiscalNumbered += numbered
						}
					}
				}
				if d.Records != records {
					t.Errorf("%s has %d records, want %d", d.Name, d.Records, records)
				}
				total.Records += records
				aged := 0
				for _, a := range d.Ages {
					aged += a.Records
				}
				if aged != records {
					t.Errorf("%s: %d records have an age, want %d", d.Name, aged, records)
				}
				for _, f := range d.Fields {
					if f.Records != filled[f.Path] {
						t.Errorf("%s.%s stands in %d records, want %d", d.Name, f.Path, f.Records, filled[f.Path])
					}
					total.Cells += records
					total.Filled += filled[f.Path]
				}
			}
			total.Publishers, total.Divisions = len(publishers), len(divisions)
			total.Expired, total.Confirmed = got.Totals.Expired, got.Totals.Confirmed
			if got.Totals != total {
				t.Errorf("totals = %+v, want %+v", got.Totals, total)
			}
			if got.Links.Checked != links || got.Links.Broken != broken {
				t.Errorf("links = %+v, want %d of which %d broken", got.Links, links, broken)
			}
			if len(got.Codes) != len(codes) {
				t.Errorf("%d code lists, want %d", len(got.Codes), len(codes))
			}
			for _, c := range got.Codes {
				if c.Values != codes[c.List] || c.Unknown != 0 {
					t.Errorf("codes = %+v, want %d", c, codes[c.List])
				}
			}
			if len(got.Rules) != 0 {
				t.Errorf("what was published breaks rules: %+v", got.Rules)
			}
			registration.Complete = got.Registration.Total.Complete
			if got.Registration.Total != registration {
				t.Errorf("registration = %+v, want %+v", got.Registration.Total, registration)
			}
			var sum quality.Registered
			for _, o := range got.Registration.Organizations {
				sum.Results += o.Results
				sum.Numbered += o.Numbered
				sum.Complete += o.Complete
				sum.Fiscal += o.Fiscal
				sum.FiscalNumbered += o.FiscalNumbered
			}
			if sum != got.Registration.Total {
				t.Errorf("the organizations add up to %+v, want %+v", sum, got.Registration.Total)
			}
			if !slices.IsSortedFunc(got.Registration.Organizations, func(a, b quality.OrganizationRegistration) int { return b.Results - a.Results }) {
				t.Error("the organizations are not ordered by results")
			}
		})
	}
}

// spoiled returns the demonstration with its first achievement changed.
func spoiled(t *testing.T, change func(a *catalog.Achievement, m *catalog.Manifest)) *catalog.Release {
	t.Helper()
	r := demonstration(t)
	m := *r.Manifest
	out := &catalog.Release{Manifest: &m, Hash: r.Hash, Entries: slices.Clone(r.Entries)}
	for i, e := range out.Entries {
		if e.Dataset != catalog.Achievements {
			continue
		}
		rec, err := catalog.Decode(e.Dataset, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		change(rec.(*catalog.Achievement), &m)
		raw, err := catalog.Canonical(rec)
		if err != nil {
			t.Fatal(err)
		}
		out.Entries[i].Raw = raw
		return out
	}
	t.Fatal("the demonstration has no achievement")
	return nil
}

// TestFindings breaks one thing at a time and looks whether it is found.
func TestFindings(t *testing.T) {
	nobody := catalog.MintID(catalog.Organizations, "nobody", 0)
	base := measure(t, demonstration(t))
	tests := []struct {
		name   string
		change func(a *catalog.Achievement, m *catalog.Manifest)
		found  func(r *quality.Report) bool
	}{
		{"relation to nothing", func(a *catalog.Achievement, _ *catalog.Manifest) {
			a.Relations = append(a.Relations, catalog.Relation{Type: "related", Scheme: "record", Value: string(nobody)})
		}, func(r *quality.Report) bool {
			l := r.Links
			return l.Checked == base.Links.Checked+1 && l.Broken == 1 && len(l.Examples) == 1 &&
				l.Examples[0].Field == "relations[].value" && l.Examples[0].Value == string(nobody) && !l.Examples[0].Withdrawn
		}},
		{"reference to nothing", func(a *catalog.Achievement, _ *catalog.Manifest) {
			a.Organizations = append(a.Organizations, catalog.Party{ID: nobody, Name: "不在目录里"})
		}, func(r *quality.Report) bool {
			return r.Links.Broken == 1 && r.Links.Examples[0].Field == "organizations[].id"
		}},
		{"link to a withdrawn record", func(a *catalog.Achievement, m *catalog.Manifest) {
			a.Market = nobody
			m.Withdrawn = []catalog.Tombstone{{ID: nobody, WithdrawnOn: "2026-01-01"}}
		}, func(r *quality.Report) bool { return r.Links.Broken == 1 && r.Links.Examples[0].Withdrawn }},
		{"link to a merged record", func(a *catalog.Achievement, m *catalog.Manifest) {
			a.Relations = append(a.Relations, catalog.Relation{Type: "related", Scheme: "record", Value: string(nobody)})
			m.Withdrawn = []catalog.Tombstone{{ID: nobody, WithdrawnOn: "2026-01-01", Successor: a.ID}}
		}, func(r *quality.Report) bool { return r.Links.Broken == 0 && r.Links.Moved == 1 }},
		{"merged in a circle", func(a *catalog.Achievement, m *catalog.Manifest) {
			a.Market = nobody
			m.Withdrawn = []catalog.Tombstone{{ID: nobody, WithdrawnOn: "2026-01-01", Successor: nobody}}
		}, func(r *quality.Report) bool { return r.Links.Broken == 1 }},
		{
			"unknown code", func(a *catalog.Achievement, _ *catalog.Manifest) { a.Stage = "no-such-stage" },
			func(r *quality.Report) bool {
				i := slices.IndexFunc(r.Codes, func(c quality.Codes) bool { return c.List == "stage" })
				return r.Codes[i].Unknown == 1 && len(r.Rules) == 1 && r.Rules[0].Field == "stage" && r.Rules[0].Rule == "code" && r.Rules[0].Records == 1
			},
		},
		{"unknown scheme", func(a *catalog.Achievement, _ *catalog.Manifest) {
			a.Schemes = append(a.Schemes, catalog.Coded{Scheme: "nowhere", Code: "1"})
		}, func(r *quality.Report) bool {
			return slices.ContainsFunc(r.Codes, func(c quality.Codes) bool { return c.List == "nowhere" && c.Unknown == 1 })
		}},
		{
			"outdated code", func(a *catalog.Achievement, _ *catalog.Manifest) { a.TRLScale = "gbt22900-2009" },
			func(r *quality.Report) bool {
				return slices.ContainsFunc(r.Codes, func(c quality.Codes) bool { return c.List == "trl-scale" && c.Outdated == 1 && c.Unknown == 0 })
			},
		},
		{"registration number of another form", func(a *catalog.Achievement, _ *catalog.Manifest) {
			a.Registration = &catalog.Registration{Number: "41020240001"}
		}, func(r *quality.Report) bool {
			c := r.Checks[3]
			return c.Field == "registration.number" && c.Bad == 1 && len(c.Examples) == 1
		}},
		{"patent number that does not check", func(a *catalog.Achievement, _ *catalog.Manifest) {
			a.IP = append(a.IP, catalog.IP{Kind: "invention", Number: "202110000001.0"})
			catalog.Verify(a)
		}, func(r *quality.Report) bool { return r.Checks[0].Bad == base.Checks[0].Bad+1 }},
		{
			"past its time", func(a *catalog.Achievement, _ *catalog.Manifest) { a.ValidUntil = "2001-02" },
			func(r *quality.Report) bool { return r.Totals.Expired == base.Totals.Expired+1 },
		},
		{
			"old", func(a *catalog.Achievement, m *catalog.Manifest) { a.UpdatedAt = m.PublishedAt.AddDate(0, 0, -100) },
			func(r *quality.Report) bool {
				return r.Datasets[0].Ages[2] == quality.Age{Days: 180, Records: base.Datasets[0].Ages[2].Records + 1}
			},
		},
	}
	if base.Links.Broken != 0 || base.Links.Moved != 0 {
		t.Errorf("the demonstration has links to nothing: %+v", base.Links)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if r := measure(t, spoiled(t, tt.change)); !tt.found(r) {
				t.Errorf("not found: links %+v, rules %+v, codes %+v, checks %+v, totals %+v, ages %+v",
					r.Links, r.Rules, r.Codes, r.Checks, r.Totals, r.Datasets[0].Ages)
			}
		})
	}
}

// TestRegistration tells when a result counts as registered completely.
func TestRegistration(t *testing.T) {
	whole := catalog.Achievement{
		Header: catalog.Header{
			ID: catalog.MintID(catalog.Achievements, "1", 0), Dataset: catalog.Achievements, Title: "示例成果",
			Keywords: []string{"示例"}, Publisher: "market", Source: "1",
		},
		Attribute: "original", ResultForms: []string{"process"}, Level: "not-evaluated", EvaluationMode: "acceptance",
		ApplicationStatus: "trial", Stage: "pilot", FundingKind: "fiscal", IPFilingState: "none",
		Organizations: []catalog.Party{{Name: "甲单位"}, {Name: "乙单位"}},
		Registration:  &catalog.Registration{Number: "4102024Y9701", Authority: "示例", Date: "2024-10-16"},
		StartedOn:     "2022-01", CompletedOn: "2024-05",
	}
	tests := []struct {
		name   string
		change func(a *catalog.Achievement)
		want   quality.Registered
	}{
		{"all of it", func(*catalog.Achievement) {}, quality.Registered{Results: 1, Numbered: 1, Complete: 1, Fiscal: 1, FiscalNumbered: 1}},
		{"no level", func(a *catalog.Achievement) { a.Level = "" }, quality.Registered{Results: 1, Numbered: 1, Fiscal: 1, FiscalNumbered: 1}},
		{"own money", func(a *catalog.Achievement) { a.FundingKind = "non-fiscal" }, quality.Registered{Results: 1, Numbered: 1, Complete: 1}},
		{"no number", func(a *catalog.Achievement) { a.Registration.Number = "" }, quality.Registered{Results: 1, Fiscal: 1}},
		{"not registered", func(a *catalog.Achievement) { a.Registration = nil }, quality.Registered{Results: 1, Fiscal: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := spoiled(t, func(a *catalog.Achievement, _ *catalog.Manifest) {
				registration := *whole.Registration
				id := a.ID
				*a = whole
				a.ID, a.Registration = id, &registration
				tt.change(a)
			})
			for _, o := range measure(t, r).Registration.Organizations {
				if o.Name.ZH == "甲单位" {
					if o.Registered != tt.want {
						t.Errorf("got %+v, want %+v", o.Registered, tt.want)
					}
					return
				}
			}
			t.Error("the first organization is not listed")
		})
	}
	report := measure(t, demonstration(t)).Registration
	for _, item := range report.Form {
		if measured := len(item.Fields) > 0; measured == (item.NotMeasured.ZH != "") || measured == (item.NotMeasured.EN != "") {
			t.Errorf("%s: measured or not?", item.Label.EN)
		}
		for _, path := range item.Fields {
			if _, ok := catalog.LookupField(catalog.Achievements, path); !ok {
				t.Errorf("%s: no field %s", item.Label.EN, path)
			}
		}
	}
}

// TestBounded: what is named stays within bounds, and the rest is added up.
func TestBounded(t *testing.T) {
	r := generated(t, 1)
	first := r.Entries[0]
	rec, err := catalog.Decode(first.Dataset, first.Raw)
	if err != nil {
		t.Fatal(err)
	}
	a := rec.(*catalog.Achievement)
	r.Entries = nil
	for i := range 1100 {
		a.ID = catalog.MintID(catalog.Achievements, catalog.SourceDigest("p", catalog.Achievements, strconv.Itoa(i)), 0)
		a.Organizations = []catalog.Party{{Name: fmt.Sprintf("单位%d", i)}}
		a.Market = catalog.MintID(catalog.Organizations, "nobody", 0)
		raw, err := catalog.Canonical(a)
		if err != nil {
			t.Fatal(err)
		}
		r.Entries = append(r.Entries, catalog.Entry{ID: a.ID, Dataset: a.Dataset, Raw: raw})
	}
	slices.SortFunc(r.Entries, func(a, b catalog.Entry) int { return strings.Compare(string(a.ID), string(b.ID)) })
	got := measure(t, r)
	if len(got.Registration.Organizations) != 1000 || got.Registration.Others.Organizations != 100 || got.Registration.Others.Results != 100 {
		t.Errorf("%d organizations and %+v", len(got.Registration.Organizations), got.Registration.Others)
	}
	if got.Links.Broken != 1100 || len(got.Links.Examples) != 20 {
		t.Errorf("%d broken, %d named", got.Links.Broken, len(got.Links.Examples))
	}
}

// TestDeterminism: two builds of one release give the same report, in memory or mapped.
func TestDeterminism(t *testing.T) {
	if a, b := measure(t, demonstration(t)), measure(t, demonstration(t)); !reflect.DeepEqual(a, b) {
		t.Error("two measurements differ")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := quality.Measure(ctx, laidOut(t, demonstration(t))); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled measurement: %v", err)
	}
}

func BenchmarkMeasure(b *testing.B) {
	s := laidOut(b, generated(b, 100_000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := quality.Measure(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}
