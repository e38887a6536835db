# Every command a contributor or CI needs; CI calls these and nothing else. `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help

.PHONY: help
help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: $(READY)  ## install everything into .venv (the other commands do it when needed)

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock -e ".[server,s3,postgres]"
	@touch $@

.PHONY: demo
demo: $(READY)  ## start a server, deploy the examples, run one on a photograph, clean up
	@$(BIN)/puras demo

.PHONY: dev
dev: $(READY)  ## serve the examples with a local key, deploying again on each change
	$(BIN)/puras serve --dir examples/hello-world --watch

.PHONY: format
format: $(READY)  ## format the code and sort the imports
	$(BIN)/ruff format src tests scripts benchmarks examples
	$(BIN)/ruff check --fix src tests scripts benchmarks examples

.PHONY: generate
generate: $(READY)  ## write again what is generated: the sync client, the contract, the reference
	$(BIN)/python scripts/unasync.py
	$(BIN)/python scripts/contract.py
	$(BIN)/python scripts/reference.py

.PHONY: check
check: $(READY)  ## format, lint, types, import rules, generated files
	$(BIN)/ruff format --check --quiet src tests scripts benchmarks examples
	$(BIN)/ruff check --quiet src tests scripts benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/unasync.py --check
	$(BIN)/python scripts/contract.py --check
	$(BIN)/python scripts/reference.py --check

.PHONY: test
test: $(READY)  ## every test that is done in a few minutes
	$(BIN)/pytest -m "not slow and not postgres"

.PHONY: test-postgres
test-postgres: $(READY)  ## the same on PostgreSQL, and what needs several processes
	$(BIN)/pytest -m postgres

.PHONY: test-slow
test-slow: $(READY)  ## the rest: crashes, floods, many cuts
	$(BIN)/pytest -m "slow and not postgres"

.PHONY: docs
docs: $(READY)  ## check that the documentation tells the truth
	$(BIN)/python scripts/reference.py --check
	$(BIN)/pytest tests/docs

.PHONY: bench
bench: $(READY)  ## measure, and write the figures into benchmarks/README.md
	$(BIN)/python benchmarks/run.py

.PHONY: clean
clean:  ## remove what the other commands made
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
