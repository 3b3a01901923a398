# What a developer types; `make help` lists it. CI runs `make test`, and nothing that is not here.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help build test test-unit test-integration test-swarm smoke lint lint-fix generate check-generate conformance chaos bench bench-quick e2e-swarm lab-up lab-down test-cgroup2 images engine demo demo-down clean

export PATH := $(PATH):/usr/local/go/bin:$(CURDIR)/.cache/tools

VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)
LDFLAGS := -s -w -X rqdswarm/internal/buildinfo.Version=$(VERSION)
# Without grpcnotrace every program with gRPC has templates of a web page that nobody serves: 3 MB.
GO_BUILD := CGO_ENABLED=0 go build -tags grpcnotrace -trimpath -buildvcs=false -ldflags "$(LDFLAGS)"

TOOLS := .cache/tools
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
GOTESTSUM := $(TOOLS)/gotestsum --format pkgname-and-test-fails --hide-summary skipped --
PROTOGEN := $(TOOLS)/protogen -I rqdcore/cuepb -out rqdcore/cuepb -module rqdswarm/rqdcore/cuepb \
	-plugin $(TOOLS)/protoc-gen-go -plugin $(TOOLS)/protoc-gen-go-grpc

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done

build: ## Build static supervisor, rqdcore, frameinit and minicue into bin/
	@scripts/need.sh go
	@mkdir -p bin
	@# rqdcore embeds frameinit, so that comes first.
	$(GO_BUILD) -o rqdcore/initbin/bin/frameinit ./rqdcore/frameinit
	@cp rqdcore/initbin/bin/frameinit bin/frameinit
	$(GO_BUILD) -o bin/ ./supervisor ./rqdcore ./rqdcore/minicue ./rqdcore/conformance

test: lint check-generate test-unit test-integration test-swarm smoke ## Run everything that CI runs; starts an engine if there is none

test-unit: build $(TOOLS)/gotestsum ## Run the tests that need no engine, with the race detector
	@scripts/need.sh cc busybox
	$(GOTESTSUM) -race ./...

# One package after the other: they share the engine, and RQD's port.
test-integration: engine images $(TOOLS)/gotestsum ## Run the tests of all packages that test on a real engine
	@scripts/need.sh cc busybox registry mkfs
	$(GOTESTSUM) -race -tags integration -timeout 30m -p 1 $$(grep -rl --include='*_test.go' '^//go:build integration' internal rqdcore supervisor | xargs -r -n 1 dirname | sort -u | sed 's|^|./|')

test-swarm: images $(TOOLS)/gotestsum ## Run the short tests on a Swarm of one node, of an engine of its own (needs root)
	@scripts/need.sh lab
	scripts/e2e-swarm.sh --if-possible 1

smoke: images ## Run a job through docker compose up, with the real images
	@scripts/engine.sh compose
	scripts/smoke.sh

lint: $(GOLANGCI) ## Check style, layers and shell scripts
	@scripts/need.sh shellcheck
	$(GOLANGCI) run ./...
	cd internal/tools && ../../$(GOLANGCI) run --config ../../.golangci.yml ./...
	@if command -v shellcheck >/dev/null; then echo "shellcheck scripts/*.sh scripts/*/*.sh .ci/run"; shellcheck -x -P SCRIPTDIR scripts/*.sh scripts/*/*.sh .ci/run; fi

lint-fix: $(GOLANGCI) ## Format the code and repair what the linter can
	$(GOLANGCI) run --fix ./...

generate: $(TOOLS)/protogen ## Write the Go code of the .proto files
	$(PROTOGEN)

check-generate: $(TOOLS)/protogen ## Fail if the generated code is not that of the .proto files
	$(PROTOGEN) -check

conformance: images ## Play Cuebot to our RQD: the thirty checks of its contract, and some more
	bin/conformance --self bin/rqdcore

FAULTS ?= 200
SEED ?= 0
chaos: build engine ## Break things at random and keep the books; FAULTS=… SEED=… choose how much and which (needs root)
	@scripts/need.sh cc busybox
	go build -race -o bin/ ./rqdcore/chaos
	bin/chaos --faults $(FAULTS) --seed $(SEED)

bench: images ## Measure against the bare engine and the Python RQD; results go to docs/benchmarks/
	CGO_ENABLED=0 go build -o .cache/bench ./rqdcore/bench
	.cache/bench -venv .cache/pyrqd -out docs/benchmarks

bench-quick: images ## Try the benchmark with small numbers, in about a minute
	CGO_ENABLED=0 go build -o .cache/bench ./rqdcore/bench
	.cache/bench -quick

NODES ?= 3
e2e-swarm: images $(TOOLS)/gotestsum ## Try the service on a real Swarm of NODES engines on this machine (needs root)
	@scripts/need.sh lab
	scripts/e2e-swarm.sh $(NODES)

lab-up: images ## Start a Swarm of NODES engines on this machine
	scripts/lab.sh up $(NODES)
	scripts/lab.sh load rqd-supervisor:dev rqdcore:dev rqd-frame-busybox:dev

lab-down: ## Take that Swarm away
	scripts/lab.sh down

PACKAGES ?=
test-cgroup2: build ## Run the integration tests in a guest with cgroup v2 and a newer engine; PACKAGES=… only some
	scripts/cgroup2.sh test $(PACKAGES)

engine: ## Make sure that a Docker engine answers
	@scripts/engine.sh

images: build engine ## Build the images, with or without a hub
	@scripts/images.sh

demo: images ## Render a shot of eight frames: supervisor, RQD and minicue on this machine
	@scripts/engine.sh compose
	@scripts/demo.sh

demo-down: ## Take away all that make demo has started
	@scripts/demo.sh down

clean: ## Remove what was built here; not the images
	rm -rf bin .cache rqdcore/initbin/bin/frameinit

# Tools are pinned in modules of their own, so that what they need is not what we need.
$(TOOLS)/protogen: internal/tools/go.mod internal/tools/go.sum $(wildcard internal/tools/protogen/*.go)
	@scripts/need.sh go
	@mkdir -p $(TOOLS)
	go -C internal/tools build -o ../../$(TOOLS)/ ./protogen google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
	@touch $@

$(TOOLS)/gotestsum: internal/tools/go.mod internal/tools/go.sum
	@scripts/need.sh go
	@mkdir -p $(TOOLS)
	go -C internal/tools build -o ../../$(TOOLS)/ gotest.tools/gotestsum
	@touch $@

$(GOLANGCI): internal/tools/golangci/go.mod
	@scripts/need.sh go
	@mkdir -p $(TOOLS)
	@echo "building golangci-lint $(GOLANGCI_VERSION): this takes two minutes, once"
	go -C internal/tools/golangci build -trimpath -ldflags "-s -w -X main.version=$(GOLANGCI_VERSION)" -o ../../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@
