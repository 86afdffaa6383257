# Everything is a part that can be run alone: `make` lists them. Each brings the tools that it needs; what is there
# already is left alone. Longer steps are scripts in .ci/, which a person can run by hand.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# A step that fails must not leave a half-made file that the next run takes for done.
.DELETE_ON_ERROR:
# Two cargo builds at once fight over cores and locks; each uses all cores by itself.
.NOTPARALLEL:

export PATH := $(or $(CARGO_INSTALL_ROOT),$(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

VERSION := $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' pkg/package.json)
TARBALL := pkg/langflow-telemetry-$(VERSION).tgz
COLLECTOR := $(or $(CARGO_TARGET_DIR),target)/release/collector

# What a build is made of: so that it is made again when, and only when, one of these has changed.
CRATE_SOURCES := Cargo.toml Cargo.lock rust-toolchain.toml $(shell find src -name '*.rs')
PACKAGE_SOURCES := $(CRATE_SOURCES) LICENSE pkg/build.mjs pkg/package.json pkg/README.md $(wildcard pkg/*.js pkg/*.d.ts)
LANGFLOW_SOURCES := $(wildcard examples/langflow/*.html examples/langflow/*.json examples/langflow/*.ts) $(shell find examples/langflow/src -type f)
WWW_SOURCES := $(wildcard www/*.html www/*.json www/*.ts) $(shell find www/src www/public -type f 2>/dev/null)

.PHONY: help
help: ## this list
	@echo "langflow-telemetry $(VERSION)"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ── Tools ─────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: setup rust wasm-bindgen wasm-pack npm browser
setup: rust wasm-bindgen wasm-pack npm browser ## every tool that the rest needs; a few minutes, once

rust: ## Rust for WebAssembly, and a C compiler (for SQLite, and to link)
	@.ci/debian.sh cc gcc libc6-dev
	@.ci/wasm-target.sh

wasm-bindgen: rust ## wasm-bindgen's command, in the version that Cargo.toml pins
	@.ci/wasm-tools.sh wasm-bindgen

wasm-pack: rust ## wasm-pack
	@.ci/wasm-tools.sh wasm-pack

npm: pkg/node_modules/.package-lock.json www/node_modules/.package-lock.json tests/node_modules/.package-lock.json ## the npm packages of pkg, www and tests

# npm writes this file last. Install scripts stay off: what is used here comes with its binaries.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@echo "── npm ci in $*"
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

browser: ## Chromium and chromedriver
	@.ci/browser.sh

# ── The package, the page, the collector ──────────────────────────────────────────────────────────────────────

.PHONY: package www langflow collector demo
package: $(TARBALL) ## the npm package: pkg/dist, packed

$(TARBALL): $(PACKAGE_SOURCES) pkg/node_modules/.package-lock.json | wasm-bindgen
	@node pkg/build.mjs
	@echo
	@echo "── npm pack"
	@cd pkg && npm pack --loglevel=error
	@touch $@

www: www/dist/index.html ## the demo page, built with the packed package

# The tarball, not a link to pkg/: what a user installs is what the page is built with. The old one is removed
# since npm takes a tarball of the same version for the one it has.
www/dist/index.html: $(TARBALL) $(WWW_SOURCES) www/node_modules/.package-lock.json
	@echo "── vite build"
	@cd www && rm -rf node_modules/langflow-telemetry
	@cd www && npm install --no-save --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error ../$(TARBALL)
	@cd www && npm run --silent build
	@touch $@

langflow: examples/langflow/dist/index.html ## Langflow's frontend in small, built with the packed package

examples/langflow/dist/index.html: $(TARBALL) $(LANGFLOW_SOURCES) examples/langflow/node_modules/.package-lock.json
	@echo "── tsc and vite build, examples/langflow"
	@cd examples/langflow && rm -rf node_modules/langflow-telemetry
	@cd examples/langflow && npm install --no-save --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error ../../$(TARBALL)
	@cd examples/langflow && npm run --silent build
	@touch $@

collector: rust ## the collector, as a release binary
	@echo "── cargo build --release -p collector"
	@cargo build --locked --release --package collector

LISTEN ?= 127.0.0.1:8080
demo: www collector ## build all of it, and serve the demo page until Ctrl-C (LISTEN=127.0.0.1:8080)
	@echo "── the demo, with its events in demo.db; Ctrl-C ends it"
	@listen=$(LISTEN); \
	if (exec 3<>"/dev/tcp/$${listen%:*}/$${listen##*:}") 2>/dev/null; then \
	  echo "$$listen is in use: taking a free port"; listen=127.0.0.1:0; \
	fi; \
	exec $(COLLECTOR) --db demo.db --listen "$$listen" --www www/dist

# ── Tests ─────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: test test-native test-schema test-web test-packaging test-packaging-all test-e2e test-langflow test-pipelines lint budgets formats sizes e2e soak
test: lint test-native test-schema test-web test-packaging budgets test-e2e test-langflow test-pipelines ## everything below: what CI runs

# The page is checked against pkg/ as it is, as npm ci links it, and not against the tarball that it was last built with.
lint: npm rust ## rustfmt, clippy, prettier, eslint, tsc: no warning is let through
	@echo "── cargo fmt, clippy"
	@cargo fmt --all --check
	@cargo clippy --locked --quiet --workspace --all-targets -- --deny warnings
	@cargo clippy --locked --quiet --target wasm32-unknown-unknown --lib --test web -- --deny warnings
	@echo "── prettier, eslint, tsc"
	@tests/node_modules/.bin/prettier --check --log-level warn .
	@tests/node_modules/.bin/eslint --config tests/eslint.config.js --max-warnings 0 --no-error-on-unmatched-pattern pkg tests bench
	@tests/node_modules/.bin/tsc --project tests
	@rm -rf www/node_modules/langflow-telemetry && ln -s ../../pkg www/node_modules/langflow-telemetry
	@cd www && npm run --silent lint

test-native: rust ## the crate's core, the simulation and the collector, under cargo test
	@echo "── cargo test"
	@cargo test --locked --quiet --workspace

test-schema: rust ## schema/, docs/events.md, describe() and the event types say what src/event.rs says
	@echo "── generated from the types"
	@cargo run --locked --quiet --package schema -- --check

test-web: rust wasm-bindgen wasm-pack browser ## the crate's edge, in headless Chromium
	@echo "── wasm-pack test"
	@wasm-pack test --headless --chrome --mode no-install --chromedriver "$$(command -v chromedriver)" --test web

NODE_TEST := node --test --test-reporter=spec

test-packaging: package collector npm browser ## the packed tarball, in the bundlers and runtimes it promises
	@.ci/debian.sh sqlite3 sqlite3
	@echo "── packaging"
	@$(NODE_TEST) --test-concurrency=1 tests/packaging/*.test.mjs

test-packaging-all: ## the same in every app of tests/packaging/apps: more bundlers, dev servers, Next.js
	@LFT_APPS=all $(MAKE) --no-print-directory test-packaging

test-e2e: www collector npm browser ## the built page, a real browser and the real collector
	@.ci/debian.sh sqlite3 sqlite3
	@echo "── end to end"
	@$(NODE_TEST) tests/e2e/*.test.mjs

test-langflow: langflow collector npm browser ## docs/langflow.md: its code is the example's, and does what it says
	@.ci/pipelines.sh
	@echo "── examples/langflow"
	@node tests/langflow/snippets.mjs --check
	@$(NODE_TEST) tests/langflow/*.test.mjs

test-pipelines: package collector npm browser ## into ClickHouse, OpenTelemetry, Kafka, behind nginx and Vite: docs/pipelines.md
	@.ci/pipelines.sh
	@echo "── pipelines"
	@$(NODE_TEST) tests/pipelines/*.test.mjs

e2e: N ?= 20
e2e: ## the end-to-end cases N times each, and the table of what arrived (N=20)
	@LFT_REPEAT=$(N) $(MAKE) --no-print-directory test-e2e

test-firefox: package collector npm wasm-bindgen wasm-pack ## the edge and the page-exit cases in Firefox; builds geckodriver once, some minutes
	@.ci/firefox.sh
	@.ci/debian.sh sqlite3 sqlite3
	@$(MAKE) --no-print-directory tests/engines/node_modules/.package-lock.json
	@echo "── wasm-pack test, in Firefox"
	@wasm-pack test --headless --firefox --mode no-install --geckodriver "$$(command -v geckodriver)" --test web
	@$(NODE_TEST) tests/engines/firefox.test.mjs

test-webkit: package collector npm ## a page in WebKitGTK, from load to close
	@.ci/webkit.sh
	@.ci/debian.sh sqlite3 sqlite3
	@$(MAKE) --no-print-directory tests/engines/node_modules/.package-lock.json
	@$(NODE_TEST) tests/engines/webkit.test.mjs

.PHONY: test-firefox test-webkit
budgets: package npm ## the package's weight, against the bytes allowed in tests/.size-limit.js
	@echo "── size"
	@cd tests && node_modules/.bin/size-limit || { node size/grown.mjs; exit 1; }
	@$(MAKE) --no-print-directory formats

formats: wasm-bindgen pkg/node_modules/.package-lock.json ## what each format beside NDJSON adds to the module, and whether it may
	@node pkg/build.mjs --formats

sizes: package ## takes the module as it is for the measure that a passed budget is explained by
	@node tests/size/grown.mjs --write

soak: N ?= 1000000
soak: rust ## N schedules of the simulation (N=1000000)
	@LFT_SCHEDULES=$(N) cargo test --locked --release --test simulation -- --nocapture

.PHONY: fleet
fleet: CLIENTS ?= 1000000
fleet: rust ## a day of a million browsers, in every scenario: docs/scale.md and its charts (CLIENTS=1000000)
	@echo "── fleet"
	@cargo run --locked --release --package fleet -- --clients $(CLIENTS) --charts docs/scale --figures docs/scale.md

# ── How it compares ───────────────────────────────────────────────────────────────────────────────────────────

.PHONY: bench bench-soak bench-collector
BENCH = ROUNDS=$(ROUNDS) SOAK=$(SOAK) node bench/run.mjs

bench: ROUNDS ?= 5
bench: SOAK ?= 1000000
bench: package npm browser bench/node_modules/.package-lock.json ## beside a floor and five other SDKs, into bench/RESULTS.md (ROUNDS=5)
	@echo "── benchmark"
	@$(BENCH)

bench-soak: ROUNDS = 1
bench-soak: SOAK ?= 1000000
bench-soak: package npm browser bench/node_modules/.package-lock.json ## memory over so many events (SOAK=1000000)
	@SOAK_ONLY=1 $(BENCH)

bench-collector: collector ## the collector under load, and killed under load, into bench/COLLECTOR.md (7 minutes)
	@.ci/debian.sh wrk wrk
	@.ci/debian.sh sqlite3 sqlite3
	@echo "── the collector under load"
	@node bench/collector/bench.mjs


# ── The rest ──────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: format schema clean
format: tests/node_modules/.package-lock.json ## rustfmt and prettier, in place
	@cargo fmt --all
	@tests/node_modules/.bin/prettier --write --log-level warn .

schema: rust ## writes what test-schema checks
	@cargo run --locked --quiet --package schema

clean: ## removes what was built, keeps the tools
	rm -rf target pkg/dist pkg/*.tgz pkg/LICENSE www/dist examples/langflow/dist tests/e2e/results
