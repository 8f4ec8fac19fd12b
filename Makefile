# Wardline: what a newcomer runs. `make demo` shows it, `make test` checks it, `make setup` is what both begin with.
SHELL := /bin/bash
BIN := .venv/bin

.PHONY: help setup demo test lint types floors pytest docs pages lock clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: .venv/.ready ## leaves .venv/bin/wardline (uv where there is one, else venv and pip)

.venv/.ready: scripts/setup requirements.txt pyproject.toml $(shell find src -name "_*.c")
	@scripts/setup
	@touch $@

demo: setup ## starts Wardline, judges samples/ through its doors, stays up on 127.0.0.1:8080
	@$(BIN)/python scripts/demo

test: setup ## everything: style, types, floors, tests with real servers
	@scripts/packages test
	@$(MAKE) --no-print-directory lint types floors pytest

lint: ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: ## mypy --strict on src
	@$(BIN)/mypy

floors: ## import-linter
	@$(BIN)/lint-imports --no-cache > .import-linter.log 2>&1 || { cat .import-linter.log; exit 1; }
	@tail -n 3 .import-linter.log; rm -f .import-linter.log

pytest: ## the tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal

docs: setup ## the documentation, into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo "the documentation is in site/"

pages: setup ## write anew what the documentation repeats (configuration, lists of pages)
	@$(BIN)/python scripts/pages

lock: ## write requirements.txt anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-annotate --no-header --no-emit-index-url \
		pyproject.toml -o requirements.txt

clean: ## remove what was made
	rm -rf .venv build site .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
