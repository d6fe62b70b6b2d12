# Grantway. `make` or `make help` lists the targets.

GO     ?= go
TOOLS  := $(CURDIR)/.bin
export GOFLAGS ?= -buildvcs=false

.PHONY: help run build test rotation hang weaken timing race lint fuzz bench pages interop browser generate need clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## run the demonstration on http://127.0.0.1:8080
	$(GO) run ./cmd/grantway dev

build: ## build the binary ./grantway, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o grantway ./cmd/grantway

test: need ## run every test but the real clients' and the browser's; on Debian as root it installs what it needs first
	$(GO) test -timeout 30m $$($(GO) list ./... | grep -v -e /internal/interop -e /internal/browser)

interop: need ## run the libraries that other people wrote against a running server
	$(GO) test -count=1 -timeout 30m ./internal/interop

browser: need ## take people's journeys in Chromium against a running server
	$(GO) test -count=1 -timeout 30m ./internal/browser

rotation: ## rotate keys for ten minutes while tokens are issued and checked
	GRANTWAY_ROTATION=long $(GO) test -count=1 -timeout 15m -v -run TestRotationUnderLoad ./internal/server

hang: need ## let the database hang for thirty seconds under load
	GRANTWAY_HANG=long $(GO) test -count=1 -timeout 5m -v -run TestHangingDatabase ./internal/server

weaken: need ## take each defence away and see its test fail
	GRANTWAY_WEAKENED=run $(GO) test -count=1 -timeout 60m -v -run 'TestWeakened$$' ./internal/server

timing: ## measure whether answers' times say who is there; on a quiet machine, ten minutes
	$(GO) test -timeout 30m -run '^$$' -bench BenchmarkAlike -benchtime 10000x ./internal/server

race: need ## run the tests of everything with goroutines of its own under the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 30m ./internal/limit ./internal/mail ./internal/secret ./internal/jose ./internal/keys ./internal/revocation ./internal/store/cached ./internal/server ./resource ./client/... ./internal/activity ./internal/proxy ./internal/token

lint: ## vet, staticcheck, gofumpt, generated files, tidy modules, dead code
	./.ci/lint

fuzz: ## fuzz every target for FUZZTIME (default 30s) each
	./.ci/fuzz

bench: ## measure every goal beside plain controls; BENCHFLAGS for more
	$(GO) run ./bench $(BENCHFLAGS)
	$(GO) test -run '^$$' -bench . -benchmem ./internal/wire ./internal/jose ./internal/secret ./internal/store/cached

pages: need ## measure pages at size, on SQLite and on PostgreSQL
	$(GO) test -run '^$$' -bench BenchmarkPages -benchtime 20x -timeout 30m ./internal/server

generate: ## write the generated files: the schema, and the references of file, commands and admin API
	$(GO) test ./internal/catalogue -run TestGenerated -update
	$(GO) test ./internal/admin -run TestReference -update
	$(GO) test ./cmd/grantway -run TestCommandReference -update

need:
	@./.ci/need

clean: ## remove what was built
	rm -rf grantway .bin coverage.out
