package main

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/catalogtest"
	"luoshu/catalog/demo"
	"luoshu/opendata"
)

// TestEveryRouteIsKnown holds the whole program's routes to the contract of its interface
// and to the list of what is no part of it, both ways: nothing is served by accident.
func TestEveryRouteIsKnown(t *testing.T) {
	others := []string{
		"/livez", "/readyz", "/statusz", // for operators
		"/openapi.json", "/docs", "/docs/", "/developers", "/developers/problems", "/quality", "/quality/registration", "/quality/service", // about the interface
		"/", "/attract", "/contents", "/about", "/search", "/q", "/q/", "/q/:id", "/q/:id/", "/q/:id/contact.vcf", "/q/:id/event.ics", "/q/list/:id/contact.vcf", "/panel/:panel", "/q/list/:id", "/take", "/support", "/agenda", "/services/find", "/experts/find", "/join",
		"/print/packages/:id", "/print/catalog", "/print/listings/:id", "/print/list/:id",
		"/places", "/places/:id", "/fields", "/industries", "/readiness", "/dual-use", "/markets", "/markets/:id", "/bases", // the city as a whole
	}
	for d := range catalog.Datasets() {
		others = append(others, "/"+string(d.Name), "/"+string(d.Name)+"/:id")
	}

	var document struct {
		Paths map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(opendata.OpenAPI(), &document); err != nil {
		t.Fatal(err)
	}
	publication, err := demo.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	near, err := cache.NewFixed(t.Context(), publication, "demonstration")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	app, err := newApp(near, serverOptions{exporter: fixedExporter(near, "", log), log: log})
	if err != nil {
		t.Fatal(err)
	}

	parameter, braces := regexp.MustCompile(`:[a-z0-9]+`), regexp.MustCompile(`\{[a-z0-9]+\}`)
	served := map[string]bool{}
	for _, r := range app.GetRoutes(true) {
		if r.Method != fiber.MethodGet || strings.HasPrefix(r.Path, "/static/") {
			continue
		}
		if slices.Contains(others, r.Path) {
			served[r.Path] = true
			continue
		}
		route := regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(r.Path), `[^/]+`) + "$")
		known := false
		for path := range document.Paths {
			if route.MatchString(braces.ReplaceAllString(path, "x")) {
				known, served[path] = true, true
			}
		}
		if !known {
			t.Errorf("nobody knows of the route %s", r.Path)
		}
	}
	for path := range document.Paths {
		if !served[path] {
			t.Errorf("the contract has %s, which is not served", path)
		}
	}
	for _, path := range others {
		if !served[path] {
			t.Errorf("%s is not served", path)
		}
	}
}

// TestNothingLeft asks every route of a catalog whose only record was recalled.
func TestNothingLeft(t *testing.T) {
	only, err := catalogtest.Publish(t.Context(), nil, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	id := only.Release.Entries[0].ID
	draft := catalog.NewDraft(only.Release, catalogtest.Epoch)
	if err := draft.Recall(id); err != nil {
		t.Fatal(err)
	}
	none, err := draft.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	source := cache.NewMemory("emptied")
	for _, p := range []*catalog.Publication{only, none} {
		if err := cache.Publish(t.Context(), source, p, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	near := cache.NewNear(cache.Options{Source: source})
	if err := near.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	exporter := fixedExporter(near, t.TempDir(), log)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { exporter.Run(ctx) })
	defer group.Wait()
	defer stop()
	app, err := newApp(near, serverOptions{exporter: exporter, terminal: "K1", log: log})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "files to download", func() bool {
		res, err := app.Test(httptest.NewRequestWithContext(t.Context(), fiber.MethodGet, "/api/v1/exports", nil), -1)
		return err == nil && res.Body.Close() == nil && res.StatusCode == fiber.StatusOK
	})
	fill := strings.NewReplacer(":dataset", "achievements", ":id", string(id), ":seq", "2", ":sha256", string(none.Release.Hash),
		":list", "stage", ":feed", "all", ":part", "1", ":panel", "21.5-1080-1920.css")
	for _, r := range app.GetRoutes(true) {
		if r.Method != fiber.MethodGet {
			continue
		}
		path := fill.Replace(r.Path)
		res, err := app.Test(httptest.NewRequestWithContext(t.Context(), fiber.MethodGet, path, nil), -1)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		_ = res.Body.Close()
		if res.StatusCode >= 500 {
			t.Errorf("%s answers %d", path, res.StatusCode)
		}
	}
}
