# The two commands a newcomer needs: make demo, make test.

LINT_VERSION := v2.15.0
GO_FILES := $(shell git ls-files -co --exclude-standard '*.go' 2>/dev/null)

.PHONY: demo test build assets check compat bench screenshots fuzz clean

demo: build ## Hub, Smart Calendar and a simulated Exchange with an invented company
	bin/kalends demo

test: ## Everything, with race detector, both databases and a browser
	scripts/test

build: assets ## bin/kalends: one static binary with the web assets inside
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/kalends ./cmd/kalends

assets: web/dist/manifest.json

web/dist/manifest.json: web/package-lock.json $(shell find web/src internal/tools/assets -type f 2>/dev/null)
	npm ci --ignore-scripts --no-audit --no-fund --silent --prefix web
	go run ./internal/tools/assets

check: bin/golangci-lint-$(LINT_VERSION) ## Under a minute: format, vet, linters, laws, quick tests
	@test -z "$$(gofmt -l $(GO_FILES))" || { gofmt -l $(GO_FILES); exit 1; }
	go vet ./...
	bin/golangci-lint-$(LINT_VERSION) run ./...
	go test -short ./...

bin/golangci-lint-$(LINT_VERSION):
	GOBIN=$(CURDIR)/bin/.lint go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/.lint/golangci-lint $@ && rmdir bin/.lint

compat: build ## Clients that others wrote, against the hub and the sandbox
	scripts/compat

bench: build ## All benchmarks, JSON to bench/results
	scripts/bench

screenshots: build ## Every page and state to docs/screenshots
	KALENDS_SCREENSHOTS=$(CURDIR)/docs/screenshots go test -count=1 -p 1 -run CanBeUsedByEverybody ./ui ./console ./smartcalendar

fuzz: ## Each parser of foreign bytes for a minute
	scripts/fuzz

clean:
	rm -rf bin web/dist/* web/node_modules compat/node/node_modules compat/managedapi/node_modules bench/results
	touch web/dist/.gitkeep
