# `make demo` and `make test` need nothing but Python 3.10 or newer and a package registry.
PYTHON ?= python3
PY := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null)

.PHONY: demo test bench stubs check clean

demo: .venv/plot
	@$(PY) -m examples.digits

test: .venv/dev
	@$(PY) -m pytest -n auto

check: .venv/dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

bench: .venv/dev
	@$(PY) -m benchmarks

stubs: .venv/dev
	@$(PY) -m docs.generate

clean:
	rm -rf .venv out build dist *.egg-info

# One environment; a file in it says which extras are installed, and is older than what asks for them.
.venv/bin/python:
ifdef UV
	@$(UV) venv --quiet --python $(PYTHON) .venv
else
	@$(PYTHON) -m venv .venv
endif

.venv/plot: .venv/bin/python setup.cfg pyproject.toml
	@echo "Installing tinygrad-edu with its pictures into .venv ..."
	@$(if $(UV),$(UV) pip install --quiet --python $(PY),$(PY) -m pip install --quiet --disable-pip-version-check) -e '.[viz,plot]'
	@touch $@

.venv/dev: .venv/bin/python setup.cfg pyproject.toml
	@echo "Installing tinygrad-edu with its test tools into .venv ..."
	@$(if $(UV),$(UV) pip install --quiet --python $(PY),$(PY) -m pip install --quiet --disable-pip-version-check) -e '.[dev]'
	@touch $@
