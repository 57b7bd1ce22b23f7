package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

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
	// Four ways to show a code: on a page, in print, on two terminals.
	if out := publish("organizations", market); out.Codes != (proof{New: 4, Read: 4}) || len(out.Deskless) > 0 {
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
	if out := publish("achievements", result(3)); out.Codes != (proof{New: 12, Read: 12, Known: 4}) || len(out.Deskless) != 1 {
		t.Errorf("three records more, of a market without a desk: %+v", out)
	} else {
		id = out.Deskless[0]
	}
	plain := luoshu(t, data, append(publishArgs(write(t, "f.jsonl", result(4)), store)[:10], "--reviewed-on", "2026-11-20", "--lang", "zh")...).want(t, exitDone)
	for _, want := range []string{"二维码：新 4 个，发布前已由另一解码器读回 4 个", "注意：1 个市场没有服务台", id} {
		if !strings.Contains(plain.stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, plain.stdout)
		}
	}
	b, err := os.ReadFile(auditPath(data))
	if err != nil || strings.Count(string(b), `"codes":{"known":4,"new":12,"read":12}`)+strings.Count(string(b), `"codes":{"new":12,"read":12,"known":4}`) != 1 {
		t.Errorf("the audit record does not tell of the proof: %s %v", b, err)
	}
}

// BenchmarkProve proves a first release of 100,000 records.
func BenchmarkProve(b *testing.B) {
	p, err := catalogtest.Publish(context.Background(), nil, 1, 100_000)
	if err != nil {
		b.Fatal(err)
	}
	r, m := *p.Release, *p.Release.Manifest
	m.PublicURL = "https://luoshu.example"
	m.Terminals = []catalog.Terminal{{ID: "K1"}, {ID: "K2"}, {ID: "K3"}}
	r.Manifest = &m
	var told proof
	for b.Loop() {
		if told, err = prove(b.Context(), &r, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(told.Read), "codes")
}
