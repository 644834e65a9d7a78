# `make demo` and `make test` each work as the first command on a fresh machine.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
FUZZ_SECONDS ?= 10

# An environment of another Python than the one asked for is built anew.
ifneq ($(origin PYTHON),file)
ifneq ($(wildcard $(INSTALLED)),)
VERSION_OF := -c 'import sys; print("%d.%d" % sys.version_info[:2])'
ifneq ($(shell $(PYTHON) $(VERSION_OF)),$(shell $(BIN)/python $(VERSION_OF)))
$(shell rm -f $(INSTALLED))
endif
endif
endif

.DEFAULT_GOAL := help
.PHONY: help install demo quick test check format bench bench-crawl fuzz docs lock clean

help: ## Say what can be made.
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, $(PYTHON) is %d.%d: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

install: $(INSTALLED) ## Make the environment and install the package into it.

demo: $(INSTALLED) ## Shake hands with a simulated network on this machine.
	$(BIN)/bitcoin-handshake demo

quick: $(INSTALLED) ## Run the quick tests: no servers, under a minute.
	$(BIN)/python -m pytest

test: $(INSTALLED) ## Run the whole test suite.
	$(BIN)/python -m pytest --numprocesses=0 -m ""

check: $(INSTALLED) ## Format, lint, types, layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src tests fuzz $(wildcard bench)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python .ci/check_files.py

format: $(INSTALLED) ## Format, and mend what the linter can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED) ## Measure speed and size.
	$(BIN)/python bench/run.py

bench-crawl: $(INSTALLED) ## Crawl a simulated network of 250,000 addresses (needs a C compiler).
	$(BIN)/python -m bench.crawl

fuzz: $(INSTALLED) ## Run every fuzz target for FUZZ_SECONDS.
	$(BIN)/python -m fuzz.run --seconds $(FUZZ_SECONDS)

docs: $(INSTALLED) ## Build the documentation site and the man pages, offline; a broken link fails.
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs build/docs/html
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b man docs build/docs/man
	@echo "build/docs/html/index.html and build/docs/man/ are ready."

lock: ## Pin the dependencies anew (needs uv on the PATH: pip install uv).
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" --group pyproject.toml:dev pyproject.toml --output-file requirements/dev.txt

clean: ## Remove everything that was made here.
	rm -rf $(VENV) .venv .venv-* .servers .fuzz build dist htmlcov .coverage .coverage.* *.egg-info src/*.egg-info \
	  .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
