PYTHON ?= python3
BIN := .venv/bin
DEMO_ARGS ?=

.PHONY: demo test fuzz test-versions install install-dev check docs package pipeline stack images bench lock clean

demo: install ## the whole loop on simulated customers; ends on http://127.0.0.1:8000
	$(BIN)/riskloop demo $(DEMO_ARGS)

test: install-dev ## every test, three at a time: many wait for a server
	$(BIN)/pytest -n 3

fuzz: install-dev ## the property tests with new random examples, many of them; then fuzzing led by coverage
	RISKLOOP_HYPOTHESIS=fuzz $(BIN)/pytest -n 2 -m hypothesis
	$(BIN)/python -m fuzzing $(FUZZ_ARGS)

test-versions: install ## installed and tried on every other Python here, 3.11 to 3.13; VERSIONS_ARGS=--suite for tests too
	$(BIN)/python -m deploy.try_versions $(VERSIONS_ARGS)

check: install-dev ## linters, types, import rules, security, secrets, licences, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m checks

docs: install-dev ## reference pages made anew, and the site in build/site; without a network, warnings are errors
	$(BIN)/python -m documentation site

package: install-dev ## the wheel: built twice, the same bytes; looked into, installed alone, its types checked
	$(BIN)/python -m deploy.try_package

pipeline: install ## the stages of continuous delivery on simulated customers, as Jenkins and GitHub Actions call them
	$(BIN)/python -m deploy.try_pipeline

stack: install-dev ## the whole topology as processes of this machine: PostgreSQL, S3, MLflow, nginx, Prometheus, alerts
	$(BIN)/python -m deploy.stack $(STACK_ARGS)

images: install-dev ## every line of the Dockerfile, run without an engine
	$(BIN)/python -m deploy.try_images

bench: install-dev ## every benchmark; rewrites benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

install: .venv/.runs
install-dev: .venv/.tests

.venv/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "riskloop needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	touch $@

.venv/.runs: .venv/.uv requirements.lock pyproject.toml
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python -e .
	touch $@

.venv/.tests: .venv/.uv requirements-dev.lock pyproject.toml
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --python $(BIN)/python -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python -e .
	touch $@ .venv/.runs

RESOLVE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
COMPILE := $(RESOLVE) pyproject.toml -c constraints.txt
lock: .venv/.uv ## resolve anew: hashes only, no addresses
	$(COMPILE) --extra train -o requirements.lock
	$(COMPILE) --extra train --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --extra postgres --extra s3 -c requirements.lock -c requirements-dev.lock -o requirements-serve.lock
	$(RESOLVE) deploy/requirements-build.in -o deploy/requirements-build.lock

clean:
	rm -rf .venv .venvs build demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
