# `make demo` and `make test` each work alone on a fresh clone: they set up .venv from requirements.lock first.
SHELL := /bin/bash
# The first Python in the range that mxnet 1.9.1 allows; PYTHON=/path/to/python overrides it.
PYTHON ?= $(shell for p in python3.11 python3.10 python3 python; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3,10) <= sys.version_info[:2] < (3,12))' 2>/dev/null \
	&& { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PARITY_READY := $(VENV)/.parity-ready

.PHONY: help setup demo test parity parity-report reports ablations-demo lint soak bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY)  ## make .venv with the exact versions of requirements.lock

$(READY): requirements.lock setup.py
	@test -n "$(PYTHON)" || { echo "no Python 3.10 or 3.11 found: mxnet 1.9.1 needs numpy below 1.24, which newer \
	Pythons do not have. Install one, or give it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check
	@touch $@

demo: $(READY)  ## train the demo preset on drawn bedrooms, some minutes; an interrupted one goes on
	$(BIN)/python experiments/train_lsun.py --preset demo --out runs/demo-pil-seed0 \
		$$(test -f runs/demo-pil-seed0/config.json && echo --resume)

test: $(READY)  ## run the tests that need no PyTorch
	$(BIN)/python -m pytest -q --ignore=tests/parity

$(PARITY_READY): $(READY) parity.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -r parity.lock
	$(BIN)/python -m pip check
	@touch $@

# Small networks: one thread is the fastest.
parity: $(PARITY_READY)  ## install PyTorch too, and run the tests against it
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/parity

parity-report: $(PARITY_READY)  ## measure parity anew and rebuild reports/parity.md, some minutes
	$(BIN)/python experiments/parity.py --measure

lint: $(READY)  ## run the linter and check the format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

reports: $(READY)  ## render all pages of reports/ from their data, and reports/index.html for a browser
	$(BIN)/python experiments/make_reports.py

# Both ablations whole, but small: the pages say what they found, and 100 steps find little.
DEMO := --image-size 16 --channels 4 --generator-steps 100 --seeds 0 1 --runs runs/ablations-demo
ablations-demo: $(READY)  ## both ablations at 16x16 on drawn bedrooms, some minutes, into runs/ablations-demo/reports
	$(BIN)/python experiments/ablate_resize.py $(DEMO) --reports runs/ablations-demo/reports
	$(BIN)/python experiments/ablate_epsilon.py $(DEMO) --reports runs/ablations-demo/reports

soak: $(PARITY_READY)  ## compare 1,000 critics drawn at random with PyTorch, in fresh processes
	OMP_NUM_THREADS=1 $(BIN)/python tests/parity/soak.py

bench: $(READY)  ## measure speed and memory, some minutes
	$(BIN)/python experiments/benchmark.py

clean:  ## remove the virtual environment and the caches; runs/ stays
	rm -rf $(VENV) cache .pytest_cache .ruff_cache
