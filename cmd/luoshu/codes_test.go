package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
)

// TestProof: before a release with a public address is published its new codes are read
// back, the audit record says how many, and a market that nobody answers for is told of.
func TestProof(t *testing.T) {
	data, store := t.TempDir(), "dir:"+t.TempDir()
	market := `{"source_key":"m","title":"涧西分市场","kinds":["market"]}` + "\n"
	profile := write(t, "profile.json", `{"catalog":"test","title":{"zh":"测试"},"publisher":{"zh":"测试机构"},"license":{"name":{"zh":"署名"}},
		"public_url":"https://luoshu.example","terminals":[{"id":"K1"},{"id":"K2"}]}`)
	publish := func(dataset, content string, more ...string) (out struct {
		Codes    proof
		Deskless []string `json:"markets_without_desk"`
	},
	) {
		t.Helper()
		args := append(publishArgs(write(t, "f.jsonl", content), store), "--profile", profile, "--dataset", dataset)
		o := luoshu(t, data, append(args, more...)...).want(t, exitDone)
		if err := json.Unmarshal([]byte(o.stdout), &out, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		return out
	}
	// Five ways to show a code: on a page, as a picture to print, in a print, on two terminals.
	if out := publish("organizations", market); out.Codes != (proof{New: 5, Read: 5}) || len(out.Deskless) > 0 {
		t.Errorf("the first release: %+v", out)
	}
	id := ""
	result := func(n int) string {
		var all strings.Builder
		for i := range n {
			fmt.Fprintf(&all, `{"source_key":"%d","title":"成果","abstract":"%s","market":"key:m"}`+"\n", i, strings.Repeat("一", i+1))
		}
		return all.String()
	}
	if out := publish("achievements", result(3)); out.Codes != (proof{New: 15, Read: 15, Earlier: 5}) || len(out.Deskless) != 1 {
		t.Errorf("three records more, of a market without a desk: %+v", out)
	} else {
		id = out.Deskless[0]
	}
	plain := luoshu(t, data, append(publishArgs(write(t, "f.jsonl", result(4)), store)[:10], "--reviewed-on", "2026-11-20", "--lang", "zh")...).want(t, exitDone)
	for _, want := range []string{"二维码：新 5 个，发布前已由另一解码器读回 5 个", "注意：1 个市场没有服务台", id} {
		if !strings.Contains(plain.stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, plain.stdout)
		}
	}
	b, err := os.ReadFile(auditPath(data))
	if err != nil || strings.Count(string(b), `"codes":{"earlier":5,"new":15,"read":15}`)+strings.Count(string(b), `"codes":{"new":15,"read":15,"earlier":5}`) != 1 {
		t.Errorf("the audit record does not tell of the proof: %s %v", b, err)
	}
}

// TestProofOfAnEdition: what goes to print is read back as it will be printed, once; and
// where less than all is asked for, the proof says so.
func TestProofOfAnEdition(t *testing.T) {
	build := func(base *catalog.Release, change func(*catalog.Draft)) *catalog.Release {
		t.Helper()
		d := catalog.NewDraft(base, time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC))
		profile := catalog.DefaultProfile()
		profile.PublicURL = "https://luoshu.example"
		if err := d.Describe(profile); err != nil {
			t.Fatal(err)
		}
		change(d)
		p, err := d.Build(t.Context(), catalog.BuildOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return p.Release
	}
	put := func(d *catalog.Draft, key string, r catalog.Record) catalog.ID {
		t.Helper()
		h := r.Head()
		id, source, err := d.Identify(h.Dataset, "p", key)
		h.ID, h.Source, h.Publisher, h.Title = id, source, "p", key
		e, change, errEncode := d.Encode(r)
		if err := errors.Join(err, errEncode, d.Put(e, change)); err != nil {
			t.Fatal(err)
		}
		return id
	}
	var pack catalog.ID
	first := build(nil, func(d *catalog.Draft) {
		p := &catalog.Package{Header: catalog.Header{Dataset: catalog.Packages}}
		for _, key := range []string{"a", "b", "c"} {
			p.Items = append(p.Items, put(d, key, &catalog.Achievement{Header: catalog.Header{Dataset: catalog.Achievements}}))
		}
		pack = put(d, "pack", p)
	})
	second := build(first, func(d *catalog.Draft) {
		if _, _, err := d.Print("p", pack); err != nil {
			t.Fatal(err)
		}
	})
	quiet := func(int64) (func(int64), func()) { return func(int64) {}, func() {} }
	for _, tt := range []struct {
		r, base *catalog.Release
		most    int
		want    proof
	}{
		{first, nil, 0, proof{New: 12, Read: 12}},
		{first, nil, 5, proof{New: 12, Read: 4}},
		{second, first, 0, proof{New: 3 + 3, Read: 3 + 3, Earlier: 12}}, // of the edition, and in it
		{second, second, 0, proof{Earlier: 18}},
	} {
		if got, err := prove(t.Context(), tt.r, tt.base, tt.most, quiet); err != nil || got != tt.want {
			t.Errorf("%+v, %v, want %+v", got, err, tt.want)
		}
	}
}

// BenchmarkProve proves a first release of 10,000 records on three terminals.
func BenchmarkProve(b *testing.B) {
	p, err := catalogtest.Publish(context.Background(), nil, 1, 10_000)
	if err != nil {
		b.Fatal(err)
	}
	r, m := *p.Release, *p.Release.Manifest
	m.PublicURL = "https://luoshu.example"
	m.Terminals = []catalog.Terminal{{ID: "K1"}, {ID: "K2"}, {ID: "K3"}}
	r.Manifest = &m
	var told proof
	for b.Loop() {
		if told, err = prove(b.Context(), &r, nil, 0, func(int64) (func(int64), func()) { return func(int64) {}, func() {} }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(told.Read), "codes")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*told.Read), "us/code")
}
