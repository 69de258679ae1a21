# Weiyuan 渭源: everything a developer runs. `make help` lists it.
PYTHON ?= python3
UV ?= uv
BIN := .venv/bin
SOURCES := libs services cli tests benchmarks
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help up test torture lint type docs bench mutate image-smoke lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 21

up: .venv/.runtime ## the whole system on http://127.0.0.1:8000/ (WEIYUAN_HOME, WEIYUAN_PORT); Ctrl-C stops it
	@$(BIN)/weiyuan up

test: .venv/.dev ## every test that can run here; the summary says what could not (ARGS="-k posts")
	$(BIN)/pytest -n auto --dist loadfile $(ARGS)

torture: .venv/.dev ## the long torture: 50,000 transactions, everything killed at random
	$(BIN)/pytest tests/faults -m torture $(ARGS)

lint: .venv/.dev ## style, format, import contracts, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m libs.common.events.asyncapi --check
	$(BIN)/python -m libs.common.http.docs --check

type: .venv/.dev ## mypy, strict
	$(BIN)/mypy

docs: .venv/.dev ## write the generated pages again
	$(BIN)/python -m libs.common.events.asyncapi
	$(BIN)/python -m libs.common.http.docs

bench: .venv/.dev ## every measured claim against its floor, one table
	$(BIN)/python -m benchmarks $(ARGS)

mutate: .venv/.dev ## change each rule and each parameter: a test must notice
	$(BIN)/python -m tests.mutate $(ARGS)

image-smoke: .venv/.runtime ## build the container image of the last commit and run it hardened (Debian, root)
	@deploy/image-smoke.sh

lock: ## resolve the dependencies again (needs uv)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove what was built; .weiyuan (the embedded data) stays
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment, two stamps: `up` needs the runtime lock only, the development lock contains it.
.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || \
	    { echo "Weiyuan needs Python 3.11 to 3.14; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	           "Name another: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.runtime: .venv/.python requirements.lock pyproject.toml
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.python requirements-dev.lock pyproject.toml
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@ .venv/.runtime
