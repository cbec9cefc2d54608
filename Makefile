# The verbs of this repository; CI uses the same.
PYTHON ?= python3
VENV ?= .venv
# Where the CPU build of torch comes from on a machine without a GPU; see README, "Installing torch".
TORCH_INDEX ?=
BIN = $(abspath $(VENV))/bin
# What else pip is told; CI says --no-compile.
PIP_OPTIONS ?=
PIP = $(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_OPTIONS)
# The tests start hundreds of processes; each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
# Neighbours stay on one worker, and share what is costly to make, until another has nothing left.
# A third of the time a test waits, for servers and pauses: two cores are busy with three workers.
WORKERS = -n 3 --dist worksteal

.PHONY: help quickstart check test test-slow fix docs bench build

help:  ## show the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

quickstart: $(VENV)/local  ## fine-tune, serve and compare a model on this machine (examples/01-helpdesk)
	cd examples/01-helpdesk && $(BIN)/tunectl plan
	cd examples/01-helpdesk && $(BIN)/tunectl apply --auto-approve
	cd examples/01-helpdesk && $(BIN)/python compare.py
	@printf '\nClean up:  cd examples/01-helpdesk && %s destroy\n' "$(BIN)/tunectl"

check: $(VENV)/dev  ## formatting, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check  ## every check and every test that is fast (no model weights)
	$(BIN)/pytest -m "not slow" $(WORKERS)

test-slow: $(VENV)/dev  ## the long tests: real weights and training, every crash point, whole projects on every store
	$(BIN)/pytest -m slow $(WORKERS) --timeout 1800

fix: $(VENV)/dev  ## format and repair what can be repaired; refresh snapshots and schemas
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tests.refresh
	$(BIN)/pytest -q tests/views tests/cli --snapshot-update

bench: $(VENV)/dev  ## measure; prints the table of tests/bench/README.md
	$(BIN)/python -m tests.bench

build: $(VENV)/dev  ## build the wheel and the source distribution
	$(BIN)/python -m build

$(VENV)/torch:
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	@touch $@

$(VENV)/local: $(VENV)/torch pyproject.toml constraints.txt
	$(PIP) --editable '.[local]'
	@touch $@

$(VENV)/dev: $(VENV)/torch pyproject.toml constraints.txt
	$(PIP) --editable '.[local,dev]'
	@touch $@ $(VENV)/local
