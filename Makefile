# make demo and make test each set up all they need, in a virtual environment of the project's own.
PYTHON ?= python3
BIN = .venv/bin
LIVE = .venv-live/bin
INSTALL = -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint types live versions docs golden bench clean

demo: .venv/.cli
	$(BIN)/uniconv demo

test: .venv/.dev
	$(BIN)/python -m pytest -n auto --ignore=tests/live

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

# The running frameworks, in an environment of their own.
live: .venv-live/.done
	$(LIVE)/python -m pytest tests/live tests/test_golden.py

versions: .venv/.dev .venv-live/.done
	@$(BIN)/python --version
	@$(LIVE)/python -m pip freeze --disable-pip-version-check | \
		grep -iE '^(torch|numpy|einops|tensorflow|keras|hypothesis|pytest)'

# What scripts make: the reference pages, the picture, the golden numbers, the benchmark.
docs: .venv/.dev
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_picture.py

golden: .venv-live/.done
	$(LIVE)/python tests/golden/make.py tf pytorch

bench: .venv/.dev
	$(BIN)/python benchmarks/overhead.py

clean:
	rm -rf .venv .venv-live

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.cli: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python $(INSTALL) -e ".[cli]"
	touch $@

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python $(INSTALL) -e ".[dev]"
	touch $@ .venv/.cli

.venv-live/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-live
	$(LIVE)/python $(INSTALL) -e ".[live]"
	touch $@
