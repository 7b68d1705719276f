# make up      run Tagwatch on this machine: Temporal with its Web UI, and a worker
# make demo    see every notification arrive, with its cause, without the internet
# make test    everything that can be checked, on real parts
# make check   the quick part of it: format, vet, staticcheck, workflowcheck
# make bench   measured figures, as ratios within one run
# make chaos   kill and break everything at random while everything changes: RUNS=50, SEED=4711 to replay,
#              ARGS='-faults cut,disk -pause 20s' for some faults only
# make soak    hours of operation in minutes: what grows, against its bounds
# make build   the three programs, into bin/
# make docs    from the code: docs/settings.md, docs/commands.md and docs/openapi.json, manual pages into bin/man,
#              and from docs/ the documentation as a web site into bin/site

DATA_DIR ?= .data
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  := -s -w -X main.version=$(VERSION)
export CGO_ENABLED ?= 0

WORKFLOWCHECK := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM     := gotest.tools/gotestsum@v1.13.0

.PHONY: up demo build test check race bench chaos soak docs clean

build:
	@echo "building (the first time takes some minutes) ..."
	@mkdir -p bin
	@go build -ldflags '$(LDFLAGS)' -o bin/tagwatch ./starter
	@go build -ldflags '$(LDFLAGS)' -o bin/tagwatch-worker ./worker
	@cd tools && go build -ldflags '$(LDFLAGS)' -o ../bin/tagwatch-temporal ./temporal

up: build
	@exec bin/tagwatch --data-dir $(DATA_DIR) up

demo: build
	@go build -o bin/tagwatch-demo ./demo
	@exec bin/tagwatch-demo $(ARGS)

check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these files"; exit 1; }
	@go vet ./...
	@cd tools && go vet ./...
	@go run $(STATICCHECK) ./...
	@go run $(WORKFLOWCHECK) ./workflows/...

test:
	@GOTESTSUM=$(GOTESTSUM) bash .ci/test.sh

race:
	@CGO_ENABLED=1 go test -race -short ./config/... ./domain/... ./workflows/... ./activities/... ./adapters/store/... ./adapters/webhook/... ./adapters/push/... ./adapters/page/... ./adapters/registry/... ./starter/... ./lab

bench: build
	@bash .ci/bench.sh
	@go test ./api -count=1 -v -run TestRandomRequests -requests 10000
	@go build -o bin/tagwatch-bench ./bench
	@bin/tagwatch-bench $(ARGS)

SOAK ?= 6m
soak: build
	@go build -o bin/tagwatch-bench ./bench
	@exec bin/tagwatch-bench -soak $(SOAK) -sqlite -tags 150 -images 10 -flips 50

RUNS ?= 10
chaos: build
	@go build -ldflags '$(LDFLAGS)-next' -o bin/next/tagwatch-worker ./worker
	@go build -o bin/tagwatch-chaos ./chaos
	@exec bin/tagwatch-chaos -runs $(RUNS) $(if $(SEED),-seed $(SEED)) $(ARGS)

docs:
	@go test ./config -count=1 -run TestSettingsDocument -update
	@go test ./api -count=1 -run TestDocument -update
	@go test ./starter -count=1 -run TestReference -update
	@mkdir -p bin/man
	@go run -ldflags '$(LDFLAGS)' ./starter man > bin/man/tagwatch.1
	@go run -ldflags '$(LDFLAGS)' ./worker man > bin/man/tagwatch-worker.1
	@cd tools && go run ./site

clean:
	@rm -rf bin
