# `make lab` and `make test` do all set-up themselves: Python 3.11 or newer, with its venv module, is enough.
# Another Python: `make lab PYTHON=python3.12`. Arguments: `make lab ARGS="--out runs/other"`, `make test ARGS="-x"`.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UNFINISHED := $(VENV)/.unfinished

# The transforms in tests are short: two threads wait for each other, several times slower on a busy machine.
# torch reads this before tests/conftest.py can set its own number, and so does every worker that a test starts.
one_thread := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help lab test slow lint types contract wheel clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: $(READY)  ## the main job: from an equation as text to a report (repeat it to continue)
	@$(BIN)/pdesym lab $(ARGS)

test: $(READY)  ## the fast tests, on up to four processors
	@$(one_thread) $(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

slow: $(READY)  ## the slow tests, those of the built wheel among them
	@$(one_thread) $(BIN)/python -m pytest -m slow $(ARGS)

lint: $(READY)  ## style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)  ## static types, strict for the solvers and the symmetry
	@$(BIN)/mypy

contract: $(READY)  ## the direction of imports between the rooms
	@$(BIN)/lint-imports

wheel: $(READY)  ## source archive and wheel, into dist/
	@$(BIN)/python -m build

clean:  ## remove the environment, caches and builds; runs/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# An environment whose installation was cut off is thrown away; one that somebody made by hand is completed.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "pdesym needs Python 3.11 or newer, and $(PYTHON) is older or missing: name another one, make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@if [ -e $(UNFINISHED) ]; then echo "Removing the unfinished $(VENV)."; rm -rf $(VENV); fi
	@mkdir -p $(VENV) && touch $(UNFINISHED)
	@if [ ! -x $(BIN)/python ]; then echo "Making $(VENV)."; $(PYTHON) -m venv $(VENV); fi
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@rm $(UNFINISHED) && touch $(READY)
