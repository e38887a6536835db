# Every command a contributor or CI needs; CI calls these and nothing else. `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/pytest --numprocesses 3 --dist worksteal  # most tests wait, also with two cores
# Side by side, and what each says in one piece, where make can do that (macOS brings 3.81).
TOGETHER := --no-print-directory --jobs $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# Tests start Python many hundreds of times: it must not compile everything anew each time.
unexport PYTHONDONTWRITEBYTECODE

# The JavaScript SDK needs npm; its runtimes Chromium and Linux on x86-64 too. What is not there is
# left out, and said: CI has to have everything.
SDK := sdk/typescript
SDK_BUILT := $(SDK)/dist/index.js
RUNTIMES := $(SDK)/runtimes
DASHBOARD := dashboard
BUILT := src/puras/server/static/index.html
CHROMIUM ?= /usr/bin/chromium
export CHROMIUM
HAS_NPM := $(shell command -v npm)
HAS_RUNTIMES := $(and $(HAS_NPM),$(wildcard $(CHROMIUM)),$(filter Linux-x86_64,$(shell uname -sm | tr ' ' -)))
NPM_READY := $(if $(HAS_NPM),$(SDK)/node_modules/.ready)
DASHBOARD_READY := $(if $(HAS_NPM),$(DASHBOARD)/node_modules/.ready)
RUNTIMES_READY := $(if $(HAS_RUNTIMES),$(RUNTIMES)/node_modules/.ready)
NO_NPM := echo "SKIPPED the JavaScript SDK: there is no npm"
NO_DASHBOARD := echo "SKIPPED the dashboard: there is no npm"
NO_RUNTIMES := echo "SKIPPED the runtimes of the JavaScript SDK: they need npm, and Chromium in $(CHROMIUM)"

.DEFAULT_GOAL := help

.PHONY: help
help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup:  ## install everything (the other commands do it when needed)
	@$(MAKE) $(TOGETHER) installed

.PHONY: installed
installed: $(READY) $(NPM_READY) $(RUNTIMES_READY) $(DASHBOARD_READY)
	@:

# pip brings uv, which brings the rest in a tenth of the time, and trusts whom pip trusts.
$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $$(grep ^uv== requirements.lock)
	$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python -r requirements.lock -e ".[server,s3,postgres]"
	@touch $@

# From inside of the folder: npm looks for its settings there, and `--prefix` hides the machine's.
$(SDK)/node_modules/.ready $(RUNTIMES)/node_modules/.ready $(DASHBOARD)/node_modules/.ready: %/node_modules/.ready: %/package.json %/package-lock.json
	cd $* && npm ci --loglevel=error
	@touch $@

# The dashboard takes the SDK as it is built.
$(SDK_BUILT): $(SDK)/node_modules/.ready $(wildcard $(SDK)/src/*.ts $(SDK)/src/*/*.ts)
	cd $(SDK) && npm run --silent build

.PHONY: dashboard
dashboard: $(DASHBOARD_READY) $(if $(HAS_NPM),$(SDK_BUILT))  ## build what a browser shows at the root of a server
	$(if $(HAS_NPM),cd $(DASHBOARD) && npm run --silent build,@$(NO_DASHBOARD))

.PHONY: demo
demo: $(READY)  ## start a server, deploy the examples, run a function and an agent, look at it, clean up
	@test ! -t 1 || test -e $(BUILT) || $(MAKE) --no-print-directory dashboard || true
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
check: setup  ## format, lint, types, import rules, generated files
	@$(MAKE) $(TOGETHER) check-python check-javascript

.PHONY: check-python
check-python: $(READY)
	$(BIN)/ruff format --check --quiet src tests scripts benchmarks examples
	$(BIN)/ruff check --quiet src tests scripts benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/unasync.py --check
	$(BIN)/python scripts/contract.py --check
	$(BIN)/python scripts/reference.py --check

# One after the other: the first two build the SDK, and all three look at what was built.
.PHONY: check-javascript
check-javascript: $(NPM_READY) $(RUNTIMES_READY) $(DASHBOARD_READY)
	$(if $(HAS_NPM),cd $(SDK) && npm run --silent check,@$(NO_NPM))
	$(if $(HAS_RUNTIMES),cd $(RUNTIMES) && npm run --silent check,@$(NO_RUNTIMES))
	$(if $(HAS_NPM),cd $(DASHBOARD) && npm run --silent check,@$(NO_DASHBOARD))

.PHONY: audit
audit: $(READY)  ## what we depend on: pinned, with licences that can be passed on, no advisories
	$(BIN)/python scripts/audit.py --online

.PHONY: test
test: setup $(if $(HAS_NPM),$(SDK_BUILT))  ## every test that is done in a few minutes, on both databases
	$(PYTEST) -m "not slow and not faults"
	$(if $(HAS_NPM),cd $(SDK) && npm test,@$(NO_NPM))
	$(if $(HAS_NPM),cd $(DASHBOARD) && npm test,@$(NO_DASHBOARD))
	$(if $(HAS_RUNTIMES),cd $(RUNTIMES) && npm test,@$(NO_RUNTIMES))

.PHONY: test-slow
test-slow: setup $(if $(HAS_NPM),$(SDK_BUILT))  ## the rest: crashes, floods, many cuts
	$(PYTEST) -m "slow and not faults"
	$(if $(HAS_RUNTIMES),cd $(RUNTIMES) && npm run test:slow,@$(NO_RUNTIMES))
	$(if $(HAS_RUNTIMES),$(MAKE) dashboard && cd $(DASHBOARD) && npm run test:browser,@$(NO_RUNTIMES))

# SEED replays a storm; MINUTES makes it long, and one after the other; DATABASE, FAULTS and JOBS narrow it.
.PHONY: test-faults
test-faults: $(READY)  ## break everything at once and look what is lost; MINUTES=60 DATABASE=sqlite for long
	$(BIN)/pytest -m faults tests/faults $(if $(MINUTES),-s,--numprocesses 2 -rP)

.PHONY: docs
docs: $(READY) $(NPM_READY)  ## check that the documentation tells the truth
	$(BIN)/python scripts/reference.py --check
	$(BIN)/pytest tests/docs

.PHONY: bench
bench: $(READY)  ## measure, and write the figures into benchmarks/README.md
	$(BIN)/python benchmarks/run.py

.PHONY: clean
clean:  ## remove what the other commands made
	rm -rf $(SDK)/node_modules $(SDK)/dist $(RUNTIMES)/node_modules $(RUNTIMES)/.work
	rm -rf $(DASHBOARD)/node_modules $(DASHBOARD)/.work src/puras/server/static
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
