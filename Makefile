# `make demo` and `make test` need only Python 3.10 or newer and access to a package registry.
PYTHON ?= python3
PY := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null)

TORCH ?= torch==2.13.0
OLDEST ?= python3.10

.PHONY: demo course test fuzz browser parallel reference mutants oldest test-full bench stubs \
	notebooks docs check package everything clean

demo: .venv/plot
	@$(PY) -m examples.digits

# Writes the course's lessons, with blanks for the exercises, to out/course.
course: .venv/plot
	@$(PY) -m course.build

test: .venv/dev
	@$(PY) -m pytest -n auto

# Tries 50,000 damaged and hostile files of each kind; `make fuzz SEED=1` tries others.
SEED ?= 0
fuzz: .venv/dev
	@FUZZ_MUTANTS=50000 FUZZ_SEED=$(SEED) $(PY) -m pytest -n auto tests/test_fuzz.py

# Drives the explorer in Chromium and in JupyterLab, which are large and therefore not part of
# `make test`. Chromium is the system's, if there is one.
browser: .venv/browser
	@$(PY) -m pytest -n 2 tests/test_explorer_browser.py tests/test_explorer_notebook.py \
		tests/test_playground_browser.py tests/test_site_browser.py tests/test_course_notebook.py

# Trains in one to four processes, which MPI starts.
parallel: .venv/parallel
	@$(PY) -m pytest tests/test_parallel.py nn/parallel

# Compares with PyTorch and runs the pages for those who come from elsewhere, whose packages are
# large and therefore not part of `make test`.
reference: .venv/reference
	@$(PY) -m pytest -n auto -k "torch or from-"

# Runs the tests with the oldest supported Python and NumPy.
oldest:
	@test -x .venv-oldest/bin/python || $(OLDEST) -m venv .venv-oldest
	@.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' numpy==2.0.0
	@.venv-oldest/bin/python -m pytest -n auto

# Mutation tests: breaks every derivative in five ways, and reports mutants that no test catches.
mutants: .venv/dev
	@$(PY) -m tests.mutants

test-full: test parallel reference mutants oldest check

check: .venv/dev .venv/lint
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/oxlint --deny-warnings $(WEB)
	@.venv/bin/djlint --quiet --lint $(WEB)

# The sources of the pages: JavaScript, CSS, HTML.
WEB = tinygrad_edu/viz/web nn/playground/web

bench: .venv/dev
	@$(PY) -m benchmarks --runs 3 --write docs/benchmarks.md

stubs: .venv/dev
	@$(PY) -m docs.generate

# Runs notebooks/*.py and writes them as .ipynb, with their outputs.
notebooks: .venv/notebook
	@$(PY) -m docs.notebooks

# Builds the documentation site in out/site/html, which opens without a server.
docs: .venv/docs
	@$(PY) -m docs.site

# Builds the files of a release in dist/.
package: .venv/dev
	@$(INSTALL) twine
	@rm -rf build dist
	@$(PY) -m build
	@$(PY) -m twine check --strict dist/*

# Keeps out/course, which has a learner's work in it.
clean:
	rm -rf .venv .venv-oldest build dist *.egg-info
	@if [ -d out ]; then find out -mindepth 1 -maxdepth 1 ! -name course -exec rm -rf {} +; fi

INSTALL = $(if $(UV),$(UV) pip install --quiet --python $(PY),$(PY) -m pip install --quiet --disable-pip-version-check)

# One environment. Its marker files say which extras are installed, and are rebuilt after changes of
# setup.cfg or pyproject.toml.
.venv/bin/python:
ifdef UV
	@$(UV) venv --quiet --python $(PYTHON) .venv
else
	@$(PYTHON) -m venv .venv
endif

.venv/plot: .venv/bin/python setup.cfg pyproject.toml
	@echo "Installing tinygrad-edu with its plotting extras into .venv ..."
	@$(INSTALL) -e '.[viz,plot]'
	@touch $@

.venv/dev: .venv/bin/python setup.cfg pyproject.toml
	@echo "Installing tinygrad-edu and its test tools into .venv ..."
	@$(INSTALL) -e '.[dev]'
	@touch $@

# All tools but PyTorch, in one go: that takes less time than one after the other.
everything: .venv/dev
	@echo "Installing all tools into .venv ..."
	@$(INSTALL) -e '.[dev,browser,docs,lint,mpi]'
	@touch .venv/browser .venv/docs .venv/lint .venv/parallel

.venv/browser: .venv/dev
	@echo "Installing the tools that drive browsers into .venv ..."
	@$(INSTALL) -e '.[dev,browser]'
	@command -v chromium google-chrome >/dev/null || $(PY) -m playwright install chromium
	@touch $@

.venv/lint: .venv/dev
	@echo "Installing the linters of JavaScript and HTML into .venv ..."
	@$(INSTALL) -e '.[dev,lint]'
	@touch $@

.venv/parallel: .venv/dev
	@echo "Installing MPI into .venv ..."
	@$(INSTALL) -e '.[dev,mpi]'
	@touch $@

.venv/notebook: .venv/dev
	@echo "Installing the notebook tools into .venv ..."
	@$(INSTALL) -e '.[dev,notebook]'
	@touch $@

.venv/docs: .venv/dev
	@echo "Installing the tools that build the site into .venv ..."
	@$(INSTALL) -e '.[dev,docs]'
	@touch $@

.venv/reference: .venv/dev
	@echo "Installing $(TORCH), Keras and JAX into .venv ..."
	@$(INSTALL) $(TORCH) keras jax
	@touch $@
