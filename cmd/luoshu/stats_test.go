package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"luoshu/cache"
)

// TestStats: what two nodes saw of people is added up, without anything about them, and what
// a node saw is told by its /statusz.
func TestStats(t *testing.T) {
	addr, _ := redisServer(t)
	store := "redis://" + addr
	a, b := serve(t, t.TempDir(), "--counts-store", store), serve(t, t.TempDir(), "--counts-store", store, "--terminal", "K3")
	list := a.list("/api/v1/achievements?limit=2")
	often, seldom := list.Data[0].ID, list.Data[1].ID
	for range 3 {
		a.get("/q/"+often+"-K3", http.StatusOK)
		b.get("/q/"+often+"-K3", http.StatusOK)
		a.get("/q/"+seldom, http.StatusOK)
		b.get("/achievements/"+often, http.StatusOK)
	}
	for range 2 {
		a.get("/achievements/"+often, http.StatusOK)
	}
	if status := string(a.get("/statusz", http.StatusOK)); strings.Contains(status, often) || !strings.Contains(status, `"least":5`) {
		t.Errorf("a node shows numbers below five: %s", status)
	}
	// A node that stops brings what it has.
	a.stop()
	b.stop()
	var told struct{ Figures []cache.Figure }
	o := luoshu(t, t.TempDir(), "stats", "--counts-store", store, "--json").want(t, exitDone)
	if err := json.Unmarshal([]byte(o.stdout), &told, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	want := []cache.Figure{{Counted: cache.Counted{Kind: cache.Scan, What: often, Placement: "K3"}, Count: 6}, {Counted: cache.Counted{Kind: cache.View, What: often}, Count: 5}}
	if len(told.Figures) != 2 || told.Figures[0] != want[0] || told.Figures[1] != want[1] {
		t.Errorf("%v, want %v", told.Figures, want)
	}
	o = luoshu(t, t.TempDir(), "stats", "--counts-store", store, "--lang", "zh").want(t, exitDone)
	if !strings.Contains(o.stdout, "扫码 "+often+"-K3：6") || strings.Contains(o.stdout, seldom) {
		t.Errorf("%s", o.stdout)
	}
	luoshu(t, t.TempDir(), "stats").want(t, exitUsage)
	luoshu(t, t.TempDir(), "stats", "--counts-store", store, "--days", "0").want(t, exitUsage)
	luoshu(t, t.TempDir(), "stats", "--counts-store", "redis://127.0.0.1:1").want(t, exitUnavailable)
}

// TestPrintedCodeOutlives: a code that was printed leads to a page that explains when its
// record is withdrawn, in both languages, and to the record again when it is restored.
func TestPrintedCodeOutlives(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	store := "dir:" + dir
	file := write(t, "f.jsonl", `{"source_key":"1","title":"高速主轴轴承"}`+"\n"+`{"source_key":"2","title":"主轴轴承润滑"}`+"\n")
	luoshu(t, data, publishArgs(file, store)...).want(t, exitDone)
	s := serve(t, t.TempDir(), "--source", store)
	found := s.list("/api/v1/achievements")
	id, other := found.Data[0].ID, found.Data[1]
	title := found.Data[0].Title
	code := "/q/" + strings.ToLower(id) + "-P2"
	s.get(code, http.StatusOK)
	args := []string{"publish", "--to", store, "--publisher", "p", "--withdraw", id, "--reason", "专利转让"}
	luoshu(t, data, args...).want(t, exitDone)
	eventually(t, "the page of the code says that the record is withdrawn", func() bool {
		status, _ := s.try(code)
		return status == http.StatusGone
	})
	for lang, says := range map[string][]string{
		"": {"已撤回", title, "专利转让", other.ID, "相近的条目", "看全部成果"}, "?lang=en": {"Withdrawn", title, "专利转让", other.ID, "Similar records", "All Achievements"},
	} {
		status, page := s.try(code + lang)
		for _, want := range says {
			if status != http.StatusGone || !strings.Contains(page, want) {
				t.Errorf("%d%s lacks %q: %s", status, lang, want, page)
			}
		}
	}
	luoshu(t, data, append(publishArgs(file, store), "--restore", id)...).want(t, exitDone)
	eventually(t, "the record is back under its code", func() bool {
		status, page := s.try(code)
		return status == http.StatusOK && strings.Contains(page, title)
	})
}
