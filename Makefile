# Each target makes its own environment from nothing but Python 3.11+ and this checkout.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PAGES ?=
HTML5LIB_TESTS := .cache/html5lib-tests/.ready

.PHONY: demo test test-all check configuration vendors bench pages fuzz cache browser chromium caches wrk format clean
.DEFAULT_GOAL := test

demo: $(READY)  ## Serve the example shop on ASGI and on WSGI and show what is removed; ONCE=1 stops after the table
	$(BIN)/python -m examples.shop.demo $(if $(filter-out 0,$(ONCE)),--once)

test: $(READY) $(HTML5LIB_TESTS) chromium caches wrk  ## Run the tests on one Python, with branch coverage; ARGS=FILE runs some, without
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report
endif

test-all:  ## Run the tests on every CPython from 3.11 on that this machine has
	./tests/on_every_python

check: $(READY)  ## Format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/vendors.py --check
	$(BIN)/python scripts/configuration.py --check
	$(BIN)/python -m dntguard vendors --check

configuration: $(READY)  ## Write docs/configuration.md from the options of Policy
	$(BIN)/python scripts/configuration.py

vendors: $(READY)  ## Compile the vendors' entries and write docs/vendors.md; FETCH=1 makes the long tail anew, with npm
	$(BIN)/python scripts/vendors.py $(if $(filter-out 0,$(FETCH)),--fetch)

bench: $(READY) wrk  ## Print the speed table; PAGES=FOLDER measures on other pages
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python -m tests.bench $(if $(PAGES),--pages $(PAGES))
	$(BIN)/python -m tests.bench.load
	$(BIN)/python -m tests.bench.frameworks
	$(BIN)/python -m pytest -q -s -m slow tests/test_gibibyte.py

pages: $(READY)  ## Check whole pages, rewritten, with two parsers; PAGES=FOLDER checks other pages
	$(BIN)/python -m tests.whole_pages $(PAGES)

fuzz: $(READY) $(HTML5LIB_TESTS)  ## Run the promises on 100,000 random examples each, on every core; an hour on two
	$(BIN)/python -m pytest -q -m "not measures" -n auto --dist worksteal --hypothesis-profile=fuzz \
		tests/test_promises.py tests/test_html5lib_cases.py

cache: $(READY) caches  ## Send 2,000 random sequences of visits through Varnish, nginx and a private cache; minutes
	$(BIN)/python -m pytest -q --hypothesis-profile=cache tests/http_caches

browser: $(READY) $(HTML5LIB_TESTS) chromium  ## Run the tests that ask a real Chromium
	$(BIN)/python -m pytest tests/browser

chromium:
	@./tests/browser/install

caches:
	@./tests/http_caches/install

wrk:
	@./tests/bench/install

format: $(READY)  ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .venvs .cache .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "dntguard needs Python 3.11 or newer; none was found on PATH. Install one, or say PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $(READY)

$(HTML5LIB_TESTS): tests/fetch_html5lib_tests.py | $(READY)
	$(BIN)/python -m tests.fetch_html5lib_tests $(@D)
	touch $@
