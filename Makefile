SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ARGS         ?= serve
FUZZTIME     ?= 30s
TEST_TIMEOUT ?= 20m
IMAGE        ?= luoshu
CONTAINER    ?= docker
VULNDB       ?=
SCREENS      ?= screens
VERSION      ?= $(shell git describe --tags --always 2>/dev/null | sed 's/^v//; s/^\([^0-9]\)/0.0.0+\1/; /^[0-9a-f]*$$/s/^/0.0.0+/' || true)
MAINTAINER   ?= Luoshu <luoshu@example.invalid>

# Tools have a module file of their own, so that they never weigh on the product's.
# To raise one: go get -tool -modfile=tools/go.mod PATH@VERSION (never tidy: that would pull the product in).
TOOL := go tool -modfile=tools/go.mod
# A module file of its own, so that raising one tool raises no other.
NFPM := go tool -modfile=tools/nfpm.mod nfpm

# What terminals run: UOS, Kylin and Debian on four kinds of processor, and Windows.
TARGETS := linux/amd64 linux/arm64 linux/arm linux/loong64 windows/amd64

.PHONY: help run build test race fuzz bench screens accessible fmt fmt-check lint spectral vuln docs check image cross packages

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## run from source (ARGS="serve")
	go run ./cmd/luoshu $(ARGS)

build: ## build the static binary bin/luoshu
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/luoshu ./cmd/luoshu

test: ## install what the tests need (Debian, as root), then vet, check that every system is served, and test with the race detector
	@.ci/install
	go vet ./...
	go -C tools run ./cross $(TARGETS)
	go test -race -timeout $(TEST_TIMEOUT) ./...

race: ## the tests again, twice and shuffled, nothing cached
	go test -race -count=2 -shuffle=on -timeout $(TEST_TIMEOUT) ./...

fuzz: ## run every fuzz target for FUZZTIME (30s) each
	@pkgs=$$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); \
	for pkg in $$pkgs; do \
	  targets=$$(go test -list '^Fuzz' "$$pkg"); \
	  for target in $$(grep '^Fuzz' <<<"$$targets" || true); do \
	    echo "$$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x "$$pkg"; \
	  done; \
	done

bench: ## run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...
	cd bench && go test -run '^$$' -bench . -timeout 60m -v .

screens: ## take a picture of every screen in every mode, into SCREENS (screens/)
	go test -count=1 -run '^(TestScreens|TestLandings)$$' -timeout $(TEST_TIMEOUT) ./e2e -screens $(abspath $(SCREENS))

accessible: ## look for what keeps people out on every page, in every language and mode, on every screen
	go test -count=1 -run '^(TestAccessible|TestLandings)$$' -timeout 60m ./e2e -all

fmt: ## format the Go files
	$(TOOL) gofumpt -w .

fmt-check:
	@files=$$($(TOOL) gofumpt -l .); [ -z "$$files" ] || { echo "not formatted (make fmt):"; echo "$$files"; exit 1; } >&2

lint: ## run the linters, import rules included
	$(TOOL) golangci-lint config verify
	$(TOOL) golangci-lint run

spectral: ## hold the contract to the recommended rules of a public linter (needs npm and its registry)
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; echo 'extends: ["spectral:oas"]' >"$$dir/rules.yaml"; \
	npx --yes @stoplight/spectral-cli@6 lint --fail-severity=error --ruleset "$$dir/rules.yaml" docs/openapi.json

vuln: ## look for known vulnerabilities (VULNDB=URL names a mirror of the database, VULNDB=none skips)
	@if [ "$(VULNDB)" = none ]; then echo "vuln: SKIPPED"; else $(TOOL) govulncheck $(if $(VULNDB),-db "$(VULNDB)") ./...; fi

docs: ## generate the documents and fail if they differ from what is committed
	go generate ./catalog ./catalog/demo ./opendata
	git diff --exit-code -- docs catalog opendata/examples

check: fmt-check lint docs test vuln ## everything a change must pass; vuln comes last as it alone needs a network

image: ## build the container image
	$(CONTAINER) build -t $(IMAGE) .

cross: ## build the program for every system it is for, into dist
	@for target in $(TARGETS); do \
	  os=$${target%/*} arch=$${target#*/}; out=dist/luoshu-$$os-$$arch; [ $$os != windows ] || out=$$out.exe; \
	  echo "$$out"; CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch GOARM=7 go build -trimpath -ldflags "-s -w -X main.release=$(VERSION)" -o $$out ./cmd/luoshu; \
	done

packages: cross ## make Debian packages into dist
	@for arch in amd64 arm64 arm loong64; do \
	  deb=$${arch/#arm/armhf}; deb=$${deb/#armhf64/arm64}; \
	  ARCH=$$deb VERSION="$(VERSION)" MAINTAINER="$(MAINTAINER)" BINARY=dist/luoshu-linux-$$arch $(NFPM) package --config docs/debian/nfpm.yaml --packager deb --target dist; \
	done
	@VERSION="$(VERSION)" MAINTAINER="$(MAINTAINER)" $(NFPM) package --config docs/debian/nfpm-kiosk.yaml --packager deb --target dist
	@cd dist && sha256sum luoshu*_*.deb luoshu-linux-* luoshu-windows-* >SHA256SUMS
