# `make demo` and `make test` each work alone on a fresh clone: they set up .venv from a lock first.
SHELL := /bin/bash
# The first Python that this works with; PYTHON=/path/to/python overrides it.
PYTHON ?= $(shell for p in python3.11 python3.10 python3.13 python3.12 python3 python; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3,10) <= sys.version_info[:2] < (3,14))' 2>/dev/null \
	&& { echo $$p; break; }; done)
# Python 3.10 and 3.11 get the versions that the project was made with, later ones, or LOCK=requirements-current.lock,
# the newest.
LOCK ?= $(shell $(PYTHON) -c 'import sys; print("requirements.lock" if sys.version_info < (3, 12) \
	else "requirements-current.lock")' 2>/dev/null)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PARITY_READY := $(VENV)/.parity-ready
CLUSTER_READY := $(VENV)/.cluster-ready
APP_READY := $(VENV)/.app-ready
BROWSER_READY := $(VENV)/.browser-ready
DOCS_READY := $(VENV)/.docs-ready
GPU_VENV := .venv-gpu

.PHONY: help setup setup-app view test-app docs notebook setup-cluster setup-gpu test-gpu check-gpu demo test parity parity-report reports ablations-demo lint soak bench clean test-current test-debian13 test-thorough campaign long-run

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY)  ## make .venv with the exact versions of the lock

$(READY): requirements.lock requirements-current.lock setup.py
	@test -n "$(PYTHON)" || { echo "no Python 3.10, 3.11, 3.12 or 3.13 found. Install one, or give it: \
	make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) gluon_wgan/system_packages.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# MXNet asks for a NumPy of years ago, see gluon_wgan/mxnet_on_numpy2.py; all others must get what they ask for
	@! $(BIN)/python -m pip check | grep -v -e '^mxnet 1.9.1 has requirement numpy' -e '^No broken'
	@touch $@

demo: $(READY)  ## train the demo preset on drawn bedrooms, some minutes; an interrupted one goes on
	$(BIN)/python experiments/train_lsun.py --preset demo --out runs/demo-pil-seed0 \
		$$(test -f runs/demo-pil-seed0/config.json && echo --resume)

view: $(APP_READY)  ## open the page on which to look at runs, and at the zoo: generate, walk, search, compare, watch (RUNS=)
	$(BIN)/python experiments/view.py $(RUNS)

# Two tests at once, each process with one thread: the threads of a pool wait long for each other beside other work.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile
# Those of the page in the browser, and of the site, have targets of their own.
APART := --ignore=tests/parity --ignore=tests/gpu --ignore=tests/app --ignore=tests/docs
test: $(READY)  ## run the tests that need neither PyTorch nor a browser
	$(PYTEST) $(APART)

test-thorough: $(CLUSTER_READY)  ## run what `make test` leaves out: every process of a job killed in turn, Dask
	$(BIN)/python -m pytest -q -m thorough $(APART)

campaign: $(READY)  ## damaged files, rubbish flags, kills, starvation, by the clock: MINUTES=10 SEED=0 REPORTS=reports
	$(BIN)/python tests/campaign/campaign.py --minutes $(or $(MINUTES),10) --seed $(or $(SEED),0) \
		$(if $(REPORTS),--reports $(REPORTS))

long-run: $(READY)  ## 400,000 steps of the smallest network, stopped 50 times, beside one watched: STEPS= STOPS= REPORTS=reports
	OMP_NUM_THREADS=1 $(BIN)/python tests/campaign/long_run.py --generator-steps $(or $(STEPS),400000) \
		--stops $(or $(STOPS),50) $(if $(REPORTS),--reports $(REPORTS))

test-current:  ## run the same tests with the newest NumPy, OpenCV and others, in .venv-current
	$(MAKE) test VENV=.venv-current LOCK=requirements-current.lock

test-debian13:  ## build a bare Debian 13 by debootstrap, and run the README's two commands in it; as root, an hour
	.ci/debian13 $(DEBIAN_ROOT)

$(PARITY_READY): $(READY) parity.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -r parity.lock
	@touch $@

setup-app: $(APP_READY)  ## install gradio too, which serves the page of `make view`

# The list is whole, and so needs no deps: gradio 6 asks for a Pillow below 13, which the newest lock has, and works.
$(APP_READY): $(READY) app.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r app.lock
	@touch $@

$(BROWSER_READY): $(APP_READY) browser.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r browser.lock
	@touch $@

test-app: $(BROWSER_READY)  ## test the page in Chromium, which the system must have (Debian: apt-get install chromium)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/app

docs: $(DOCS_READY)  ## build the site, build/docs/index.html: README, reports, API; and follow each of its links (Python 3.11)
	$(BIN)/sphinx-build --quiet --fresh-env --fail-on-warning --keep-going -c docs . build/docs
	cp build/docs/README.html build/docs/index.html
	$(BIN)/python -m pytest -q tests/docs

notebook: $(DOCS_READY)  ## execute docs/tour.ipynb anew, some minutes
	$(BIN)/python docs/execute.py

$(DOCS_READY): $(READY) docs.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r docs.lock
	@touch $@

setup-cluster: $(CLUSTER_READY)  ## install Dask too, with which studies run on many machines

$(CLUSTER_READY): $(READY) cluster.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -r cluster.lock
	@touch $@

# The same environment with MXNet's build for CUDA 11 in the place of the other, 3 GB.
setup-gpu: $(GPU_VENV)/.gpu-ready  ## make .venv-gpu, for NVIDIA cards of compute capability 5.0 to 8.9

$(GPU_VENV)/.gpu-ready: requirements.lock requirements-current.lock gpu.lock setup.py
	$(MAKE) setup VENV=$(GPU_VENV)
	$(GPU_VENV)/bin/python -m pip uninstall --quiet --yes mxnet
	$(GPU_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r gpu.lock
	@touch $@

test-gpu: $(GPU_VENV)/.gpu-ready  ## test what can be tested of .venv-gpu without a card; wants a C compiler
	$(GPU_VENV)/bin/python -m pytest -q tests/gpu

check-gpu: $(GPU_VENV)/.gpu-ready  ## on a machine with a card: compare it with the CPU, train 100 steps, time them
	$(GPU_VENV)/bin/python tests/gpu/check.py

parity: $(PARITY_READY)  ## install PyTorch too, and run the tests against it
	$(PYTEST) tests/parity

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
	rm -rf $(VENV) .venv-current $(GPU_VENV) build cache .pytest_cache .ruff_cache
