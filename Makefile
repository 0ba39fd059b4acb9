# adept: set-up, demo, tests. `make help` lists the targets.
#
# A target first sets up what it needs: `make demo` the run-time lock alone, `make test` the development lock on top.
# pip installs by hash from the locks and keeps this machine's own index settings; no address stands in any lock.
# Stamps in .venv make repeated runs cheap; a changed lock or pyproject.toml is installed again.

PY ?= python3
ARGS ?=
MINUTES ?= 10
# one more than cores: tests wait for processes and databases about a third of their time
WORKERS ?= $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 1 )))
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) -qq install --no-compile
COMPILE := $(BIN)/uv pip compile --quiet pyproject.toml --universal --generate-hashes --no-header --no-annotate
# containers like to set this; each of the hundreds of processes that tests start would compile a thousand modules anew
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types contracts pytest soak coverage bench pictures lock upgrade audit assets wheel sbom clean tools
# a recipe that fails must not leave its stamp behind
.DELETE_ON_ERROR:

help: ## list the targets
	@echo "adept: targets of this Makefile"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: PY=python3.12 (interpreter of .venv), ARGS=... (demo, pytest, soak, bench, lock), WORKERS=2 (test processes), MINUTES=60 (soak)"

setup: .venv/adept.ok ## make .venv from the run-time lock, with adept in it

demo: .venv/adept.ok ## a simulated Apple, a token, two syncs, and then a service to look at (ARGS=--once: without)
	@$(BIN)/adept demo $(ARGS)

test: .venv/dev.ok tools lint types pytest ## everything that must hold: lint, types, all tests

lint: .venv/dev.ok ## ruff: rules and formatting
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: .venv/dev.ok ## mypy --strict
	@$(BIN)/mypy

contracts: .venv/dev.ok ## import-linter: who may import whom
	@$(BIN)/lint-imports

pytest: .venv/dev.ok tools ## the tests alone (ARGS="tests/sync -k cursor")
	@$(BIN)/pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

soak: .venv/dev.ok tools ## faults of every kind, run after run, for MINUTES=10; fails if anything is lost (ARGS="--seed 7 --runs 1")
	@$(BIN)/python -m tests.acceptance.faults --minutes $(MINUTES) $(ARGS)

coverage: .venv/dev.ok tools ## the tests under branch coverage, and its floor for each package (ARGS=sync: that one, by its own tests)
	@$(BIN)/python scripts/branch_coverage.py -q -n $(WORKERS) --dist worksteal $(ARGS)

bench: .venv/dev.ok tools ## measure, and write docs/reference/benchmarks.md (ARGS=--quick: small, writes nothing)
	@$(BIN)/python -m benchmarks $(ARGS)

pictures: .venv/dev.ok tools ## photograph every page into build/pictures, the manual's into docs/pictures (ARGS="overview")
	@$(BIN)/python -m tests.pictures $(ARGS)

lock: .venv/dev.ok ## resolve pyproject.toml into the two locks (ARGS=--upgrade for newer versions)
	@set -eu; index=$$($(PIP) config get global.index-url 2>/dev/null || echo "$${PIP_INDEX_URL:-}"); \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	$(COMPILE) $(ARGS) --all-extras --group build -o requirements.lock; \
	$(COMPILE) $(ARGS) --all-extras --group build --group dev -c requirements.lock -o requirements-dev.lock; \
	if grep -nE '://|--(extra-)?index|--find-links' requirements.lock requirements-dev.lock; then \
	  echo "a lock names an address of this machine" >&2; exit 1; fi

upgrade: ## newer versions of all dependencies, with every test as the judge; commit the locks if it ends well
	@$(MAKE) --no-print-directory lock ARGS=--upgrade
	@$(MAKE) --no-print-directory test ARGS=

audit: .venv/dev.ok ## ruff's security rules (those of bandit), and known vulnerabilities of what the locks pin
	@$(BIN)/ruff check --quiet --select S --ignore S101 src
	@for lock in requirements.lock requirements-dev.lock; do \
	  $(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r $$lock || exit 1; done

assets: ## fetch the pages' scripts and styles again, as package-lock.json names them (needs npm)
	@scripts/assets.sh

wheel: .venv/adept.ok sbom ## build the wheel into dist/, and the bill of materials beside it
	@$(BIN)/python -m hatchling build -t wheel

sbom: .venv/dev.ok ## write what the run-time lock pins into dist/, as CycloneDX JSON
	@mkdir -p dist
	@scripts/sbom.sh $(BIN) dist/adept_mdm-$$($(BIN)/python -m hatchling version).cdx.json

clean: ## remove .venv and everything that can be made again
	rm -rf .venv node_modules dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

tools:
	@scripts/test_tools.sh

.venv/run.ok: requirements.lock scripts/venv.sh
	@scripts/venv.sh "$(PY)" .venv
	@echo "installing the run-time lock into .venv (about half a minute)"
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@

# an editable install; hatchling and editables are in the lock, so nothing is fetched for the build
.venv/adept.ok: .venv/run.ok pyproject.toml
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.ok: requirements-dev.lock .venv/run.ok .venv/adept.ok
	@echo "installing the development lock into .venv"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
