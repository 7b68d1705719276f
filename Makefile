# make up      run Tagwatch on this machine: Temporal with its Web UI, and a worker
# make demo    see every notification arrive, with its cause, without the internet
# make test    everything that can be checked, on real parts
# make test-kubernetes  the source of the kind kubernetes, the overlays and the chart, on a real control plane, and the
#              chart's pods on a node, of programs that it builds, which takes half an hour of a core once
# make test-docker  the source of the kind docker, on a real engine, as root
# make check   the quick part of it: format, vet, staticcheck, workflowcheck, and with a database of Go's
#              vulnerabilities in GOVULNDB (https://vuln.go.dev, or file:///path), govulncheck
# make bench   measured figures of an installation with their budgets, in one table: ARGS='-only poll -tags 500 -sqlite'
# make benchmarks  those of single packages: BENCH=Push
# make chaos   kill and break everything at random while everything changes: RUNS=50, SEED=4711 to replay,
#              ARGS='-faults cut,disk -pause 20s' for some faults only
# make soak    hours of operation in minutes: what grows, against its bounds
# make build   the three programs, into bin/
# make release what people install, into dist/: VERSION=1.0.0, RELEASE_KEY=file to sign with
# make docs    from the code: docs/settings.md, docs/commands.md and docs/openapi.json, manual pages into bin/man,
#              and from docs/ the documentation as a web site into bin/site

DATA_DIR ?= .data
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  := -s -w -X main.version=$(VERSION)
export CGO_ENABLED ?= 0

WORKFLOWCHECK := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM     := gotest.tools/gotestsum@v1.13.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0
GORELEASER    := github.com/goreleaser/goreleaser/v2@v2.15.1

.PHONY: up demo build manuals test test-kubernetes test-docker check race bench benchmarks chaos soak release docs clean

build:
	@echo "building (the first time takes some minutes) ..."
	@mkdir -p bin
	@go build -ldflags '$(LDFLAGS)' -o bin/tagwatch ./starter
	@go build -ldflags '$(LDFLAGS)' -o bin/tagwatch-worker ./worker
	@cd tools && go build -ldflags '$(LDFLAGS)' -o ../bin/tagwatch-temporal ./temporal

# Manual pages and completions, which the programs that were built print.
manuals:
	@mkdir -p bin/man bin/completions
	@bin/tagwatch man > bin/man/tagwatch.1
	@bin/tagwatch-worker man > bin/man/tagwatch-worker.1
	@cp deploy/packages/tagwatch-temporal.1 bin/man
	@gzip --no-name --best --keep --force bin/man/*.1
	@bin/tagwatch completion bash > bin/completions/tagwatch.bash
	@bin/tagwatch completion zsh > bin/completions/_tagwatch
	@bin/tagwatch completion fish > bin/completions/tagwatch.fish

up: build
	@exec bin/tagwatch --data-dir $(DATA_DIR) up $(ARGS)

demo: build
	@go build -o bin/tagwatch-demo ./demo
	@exec bin/tagwatch-demo $(ARGS)

check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these files"; exit 1; }
	@go vet ./...
	@cd tools && go vet ./...
	@go run $(STATICCHECK) ./...
	@go run $(WORKFLOWCHECK) ./workflows/...
	@if [ -z "$(GOVULNDB)" ]; then echo "govulncheck skipped: GOVULNDB names no database, such as https://vuln.go.dev or file:///path"; \
	else go run $(GOVULNCHECK) -db '$(GOVULNDB)' ./... && cd tools && go run $(GOVULNCHECK) -db '$(GOVULNDB)' ./...; fi

test:
	@GOTESTSUM=$(GOTESTSUM) bash .ci/test.sh

test-kubernetes: build
	@TAGWATCH_TEST_KUBERNETES=$$(.ci/kubernetes.sh) && TAGWATCH_TEST_HELM=$$(.ci/helm.sh) && \
	export TAGWATCH_TEST_KUBERNETES TAGWATCH_TEST_HELM && \
	go test -count=1 -v -p 1 -timeout 20m -run 'ControlPlane' ./adapters/sources ./activities ./deploy && \
	go test -count=1 -v -timeout 20m -exec $(CURDIR)/.ci/kubernetes-node.sh -run 'OnNode' ./e2e

test-docker:
	@TAGWATCH_TEST_DOCKER=$$(.ci/docker.sh) && export TAGWATCH_TEST_DOCKER && \
	go test -count=1 -v -p 1 -timeout 20m -run 'DockerEngine' ./adapters/sources ./activities

race:
	@CGO_ENABLED=1 go test -race -short ./config/... ./domain/... ./workflows/... ./activities/... ./adapters/store/... ./adapters/webhook/... ./adapters/push/... ./adapters/page/... ./adapters/registry/... ./starter/... ./lab

bench: build
	@go build -o bin/tagwatch-bench ./bench
	@exec bin/tagwatch-bench $(ARGS)

benchmarks: build
	@bash .ci/bench.sh
	@go test ./api -count=1 -v -run TestRandomRequests -requests 10000

SOAK ?= 6m
soak: build
	@go build -o bin/tagwatch-bench ./bench
	@exec bin/tagwatch-bench -soak $(SOAK) -sqlite -tags 150 -images 10 -flips 50

RUNS ?= 10
chaos: build
	@go build -ldflags '$(LDFLAGS)-next' -o bin/next/tagwatch-worker ./worker
	@go build -o bin/tagwatch-chaos ./chaos
	@exec bin/tagwatch-chaos -runs $(RUNS) $(if $(SEED),-seed $(SEED)) $(ARGS)

release:
	@GORELEASER=$(GORELEASER) bash .ci/release.sh '$(if $(filter-out file,$(origin VERSION)),$(VERSION))'

docs: build manuals
	@go run ./release/licenses
	@go test ./config -count=1 -run TestSettingsDocument -update
	@go test ./api -count=1 -run TestDocument -update
	@go test ./starter -count=1 -run TestReference -update
	@cd tools && go run ./site

clean:
	@rm -rf bin dist
