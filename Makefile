# One command for everything; `make help` lists them. Needs Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests wait for processes and screens half of the time, so two run for each core.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * len(os.sched_getaffinity(0)))' 2>/dev/null || echo auto)
STAMP := $(VENV)/.installed
RUN_STAMP := $(VENV)/.installed-run
# An editable install is compiled by its first run, and where PYTHONDONTWRITEBYTECODE is set, by every
# run: that doubles the time to the first frame.
COMPILE := $(BIN)/python -m compileall -q app

.DEFAULT_GOAL := help
.PHONY: help setup demo run test lint format types imports unit snapshots bench build clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "ralex needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade -c constraints.txt pip

$(RUN_STAMP): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	$(COMPILE)
	@touch $@

$(STAMP): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(COMPILE)
	@touch $@ $(RUN_STAMP)

setup: $(STAMP)  ## make .venv with everything for development

demo: $(RUN_STAMP)  ## play a whole session without key or network
	@$(BIN)/ralex demo

run: $(RUN_STAMP)  ## start the screen in this folder
	@$(BIN)/ralex

test: lint types imports unit  ## run every check

lint: $(STAMP)  ## format and rules
	$(BIN)/ruff format --check app tests docs
	$(BIN)/ruff check app tests docs

format: $(STAMP)  ## rewrite in the project's format
	$(BIN)/ruff format app tests docs
	$(BIN)/ruff check --fix app tests docs

types: $(STAMP)  ## strict types
	$(BIN)/basedpyright

imports: $(STAMP)  ## the rooms and what each may import
	$(BIN)/lint-imports

unit: $(STAMP)  ## tests and SVG snapshots
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

snapshots: $(STAMP)  ## write the SVG snapshots anew; look at them before committing
	$(BIN)/python -m pytest tests/tui --snapshot-update

bench: $(STAMP)  ## measure against the floor, as ratios within one run
	$(BIN)/python tests/bench/run.py

build: $(STAMP)  ## build wheel and sdist
	$(BIN)/python -m pip wheel --quiet --no-deps -w dist .

clean:  ## remove what was built
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
