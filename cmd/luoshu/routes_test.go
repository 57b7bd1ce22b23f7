package main

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"

	"luoshu/cache"
	"luoshu/catalog"
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
		"/print/packages/:id", "/print/catalog", "/print/listings/:id",
		"/places", "/places/:id", "/fields", "/readiness", "/dual-use", "/markets", "/markets/:id", "/bases", // the city as a whole
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
