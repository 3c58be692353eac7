# make demo and make test each set up all they need, in a virtual environment of the project's own.
PYTHON ?= python3
BIN = .venv/bin
LIVE = .venv-live/bin
ENVIRONMENTS = live paddle old
INSTALL = -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test minimum lint types live live-all lasagne suites conformance versions docs golden bench clean

demo: .venv/.cli
	$(BIN)/uniconv demo

test: .venv/.dev
	$(BIN)/python -m pytest -n auto --ignore=tests/live

# The default suite on the oldest versions that pyproject.toml allows.
minimum: .venv-minimum/.done
	.venv-minimum/bin/python -m pytest -n auto --ignore=tests/live

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

# The running frameworks, in environments of their own; GNU Octave comes from the system's packages.
live: $(ENVIRONMENTS:%=.venv-%/.done)
	rm -rf .conformance
	.venv-old/bin/python -m pytest -n auto --dist worksteal tests/live -k "chainer or lasagne or mxnet or theano"
	.venv-paddle/bin/python -m pytest -n auto --dist worksteal tests/live -k paddle
	.venv-live/bin/python -m pytest -n auto --dist worksteal tests/live tests/test_probe.py
	$(LIVE)/python docs/make_conformance.py --check

# The same and what no package index has: make live-all LASAGNE=folder with a checkout of Lasagne.
live-all: lasagne live

lasagne: .venv-old/.done
	.venv-old/bin/python $(INSTALL) --no-deps $(LASAGNE)

# Other people's tests: make suites FOLDER=folder with checkouts (tests/suites/__init__.py).
suites: .venv-live/.done
	$(LIVE)/python -m tests.suites $(FOLDER)

versions: .venv/.dev $(ENVIRONMENTS:%=.venv-%/.done)
	@$(BIN)/python --version
	@for name in $(ENVIRONMENTS); do \
		.venv-$$name/bin/python -m pip freeze --disable-pip-version-check | grep -v '^-e'; done

# What scripts make: the pages, the picture, the golden numbers, the benchmark.
docs: .venv/.dev
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_stubs.py
	$(BIN)/python docs/make_picture.py
	$(BIN)/python docs/make_training_plot.py

# Of what "make live" has found.
conformance: .venv-live/.done
	$(LIVE)/python docs/make_conformance.py

golden: $(ENVIRONMENTS:%=.venv-%/.done)
	.venv-old/bin/python tests/golden/make.py chainer lasagne mxnet theano
	.venv-paddle/bin/python tests/golden/make.py paddle
	.venv-live/bin/python tests/golden/make.py

# Hours, on a machine that does nothing else; make bench QUICK=--quick takes minutes.
bench: .venv-peers/.done
	.venv-peers/bin/python benchmarks/everything.py $(QUICK)

clean:
	rm -rf .venv .venv-* .conformance

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.cli: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python $(INSTALL) -e ".[cli]"
	touch $@

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python $(INSTALL) -e ".[dev]"
	touch $@ .venv/.cli

.venv-live/.done .venv-paddle/.done .venv-peers/.done .venv-minimum/.done: .venv-%/.done: environments/%.txt constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check -r environments/$*.txt
	if [ -f environments/$*-alone.txt ]; then .venv-$*/bin/python -m pip install --quiet \
		--disable-pip-version-check --no-deps -r environments/$*-alone.txt; fi
	touch $@

# The old packages are built by an old setuptools, and on their NumPy.
.venv-old/.done: environments/old.txt
	$(PYTHON) -m venv .venv-old
	.venv-old/bin/python -m pip install --quiet --disable-pip-version-check \
		"setuptools<60" wheel numpy==1.23.5
	.venv-old/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-build-isolation theano-pymc==1.1.2 chainer==7.8.1 mxnet==1.9.1
	.venv-old/bin/python -m pip install --quiet --disable-pip-version-check -r environments/old.txt
	.venv-old/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@
