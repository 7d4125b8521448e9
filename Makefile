# Everything a person does with this project. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
SHOP := .venv/.shop
PORT ?= 8000
CODE := fastapi_esdb example_app tests benchmarks protos docs release
TRIAL := .venv-build
WORKERS ?= 5
AT_ONCE := --numprocesses $(WORKERS) --dist worksteal
ALONE := tests/faults
OVER_HTTP2 := $(addprefix tests/,connection pool api consumers plugin events faults conformance interop)

.DEFAULT_GOAL := help
.PHONY: help install run test test-http2 test-slow test-lowest audit lint types contracts bench bench-faults bench-costs bench-decisions bench-embedded bench-fan-out bench-pool build constraints docs docs-serve diagrams screenshots proto clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

# What the shop needs, and no more; $(STAMP) is all the rest, too.
$(SHOP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[server,status]'
	@touch $(SHOP)

$(STAMP): $(SHOP)
	$(BIN)/python -m pip install --quiet --editable '.[dev,docs]'
	@touch $(STAMP)

install: $(STAMP) ## Create .venv and install everything in it

run: $(SHOP) ## Start the example app with the embedded server on http://127.0.0.1:8000
	@echo "The shop opens at http://127.0.0.1:$(PORT)/ (API at /docs, status of its database at /health/esdb/status). Ctrl-C ends it."
	$(BIN)/uvicorn example_app.main:app --host 127.0.0.1 --port $(PORT)

test: $(if $(TARGET),$(STAMP),lint types contracts) ## Lint, types, contracts and all tests (TARGET=esdb://…: those of the API, on a server of yours)
ifdef TARGET
	ESDB_TEST_TARGET='$(TARGET)' $(BIN)/pytest $(AT_ONCE) tests/api tests/conformance
else
	$(BIN)/pytest -m "alone and not slow" $(ALONE)
	$(BIN)/pytest -m "not alone and not slow" $(AT_ONCE)
endif

test-http2: $(STAMP) ## What makes calls, over our own HTTP/2 (ESDB_TRANSPORT=http2)
	$(BIN)/pytest --transport http2 -m "alone and not slow" $(ALONE)
	$(BIN)/pytest --transport http2 -m "not alone and not slow" $(AT_ONCE) $(OVER_HTTP2)

test-slow: $(STAMP) test-lowest ## The long fault and load tests, and those with the lowest versions of all dependencies
	$(BIN)/pytest -m slow

test-lowest: ## The tests of plugin, settings, API and telemetry with the lowest versions of all dependencies
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet 'uv>=0.9'
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[tests]'
	.venv-lowest/bin/pytest -W default -m "not slow and not alone" --numprocesses 2 tests/plugin tests/settings tests/api tests/telemetry

audit: $(STAMP) ## pip-audit: ask an advisory database for known faults of what is installed
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet 'pip-audit>=2.9'
	$(BIN)/python -m pip freeze --exclude-editable > .venv-audit/installed.txt
	.venv-audit/bin/pip-audit --strict --disable-pip --no-deps --requirement .venv-audit/installed.txt

lint: $(STAMP) ## ruff: rules and layout
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

types: $(STAMP) ## mypy, strict, and pyright for what users see
	$(BIN)/mypy
	$(BIN)/basedpyright --project tests/typing --pythonpath $(BIN)/python

contracts: $(STAMP) ## import-linter: who may import whom
	$(BIN)/lint-imports

bench: $(STAMP) ## Measure beside kurrentdbclient and bare grpc (TARGET=esdb://… for a server of yours, BENCH="--loop uvloop" …)
	$(BIN)/python -m benchmarks $(if $(TARGET),--target "$(TARGET)") $(BENCH)

bench-faults: $(STAMP) ## Kill, freeze and restart a cluster under load, 20 minutes (FAULTS="--kills 5 …" for less)
	$(BIN)/python -m benchmarks.faults $(FAULTS)

bench-costs: $(STAMP) ## Measure imports, dependencies, health answers, idle subscriptions (takes TARGET, too)
	$(BIN)/python -m benchmarks.costs $(if $(TARGET),--target "$(TARGET)")

bench-decisions: $(STAMP) ## Measure `decide` beside the same by hand, and what caches and snapshots save (takes TARGET, too)
	$(BIN)/python -m benchmarks.decisions $(if $(TARGET),--target "$(TARGET)")

bench-embedded: $(STAMP) ## Measure the embedded server, and how its costs grow with what it holds
	$(BIN)/python -m benchmarks.embedded

bench-fan-out: $(STAMP) ## Measure 5,000 browsers that follow one stream (takes TARGET, too)
	$(BIN)/python -m benchmarks.fan_out $(if $(TARGET),--target "$(TARGET)")

bench-pool: $(STAMP) ## Measure how many connections a pool should have (takes TARGET, too)
	$(BIN)/python -m benchmarks.pool_size $(if $(TARGET),--target "$(TARGET)")

build: ## Make wheel and sdist in dist/, and try the wheel alone with the lowest and the newest dependencies
	rm -rf dist $(TRIAL)
	$(PYTHON) -m venv $(TRIAL)
	$(TRIAL)/bin/python -m pip install --quiet 'build>=1.3' 'uv>=0.9'
	$(TRIAL)/bin/python -m build --outdir dist
	$(TRIAL)/bin/python release/try_wheel.py $(TRIAL) dist/*.whl

constraints: test ## Run the tests, and write the versions that they passed with to constraints.txt
	@echo "# The versions that the tests passed with, on $$($(BIN)/python -V) and $$(uname -s). Made by: make constraints" > constraints.txt
	$(BIN)/python -m pip list --format=freeze --exclude-editable --exclude pip --exclude setuptools >> constraints.txt

docs: $(STAMP) ## Build the documentation into site/, warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(STAMP) ## Show the documentation on http://127.0.0.1:8001, built again whenever a page changes
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --dev-addr 127.0.0.1:8001

diagrams: $(STAMP) ## Draw the pictures in the documentation that are made from the code
	$(BIN)/python docs/diagrams.py

screenshots: $(STAMP) ## Take the pictures of the status page, which takes a minute and a Chromium
	$(BIN)/python docs/screenshots.py

proto: $(STAMP) ## Generate fastapi_esdb/wire/proto from protos/
	$(BIN)/python protos/generate.py

clean: ## Remove what the commands above made
	rm -rf .venv .venv-audit .venv-lowest $(TRIAL) site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
