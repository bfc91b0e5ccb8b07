# Copage. `make run` starts it, `make run PHONE=1` for a phone beside this machine too; `make test` checks everything in
# some minutes, `make test-long` in up to an hour, `make check` reads the code only. Whatever is needed is brought into
# .venv and client_templates/node_modules; nothing is written anywhere else.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.PHONY: run test test-long check client locks
.DELETE_ON_ERROR:

ifneq ($(shell uname -sm),Linux x86_64)
$(error Copage runs on Linux on an x86-64 processor, and this is $(shell uname -sm))
endif
FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11; do \
	$$each -c '$(FITS)' 2>/dev/null && command -v $$each && break; done)
ifeq ($(PYTHON),)
$(error Copage needs Python 3.11, 3.12 or 3.13 with its venv module, on Debian: apt-get install python3 python3-venv)
endif
VENV := .venv/bin
CLIENT := client_templates
NODE_FITS := process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)
NODE_HERE := $(shell node -e '$(NODE_FITS)' 2>/dev/null && npm --version >/dev/null 2>&1 && echo yes)
NODE := $(if $(NODE_HERE),,.venv/.node-installed)
export PATH := $(if $(NODE_HERE),,$(CURDIR)/$(VENV):)$(PATH)
PIP_INSTALL := $(VENV)/python -m pip install -qq --disable-pip-version-check --require-hashes
NPM_CI := npm ci --prefix $(CLIENT) --no-audit --no-fund --loglevel=error --no-update-notifier
MANIFEST := $(CLIENT)/built/manifest.json
LOCK := uv pip compile --universal --generate-hashes --no-header --quiet --python-version 3.11
# Most tests wait for a browser or for a clock: three at a time keep two processors busy.
PROCESSES ?= 3
PYTEST := $(VENV)/python -m pytest --numprocesses=$(PROCESSES) --dist=worksteal --durations=10

run: .venv/.run-installed $(MANIFEST)
	@exec $(VENV)/python -m server serve$(if $(PHONE), --phone)

test: check
	$(PYTEST)

# The newcomers run `make test` themselves, and the benches measure: both have the machine for themselves.
test-long: check
	COPAGE_LONG=1 $(PYTEST) --ignore=tests/test_newcomer.py --ignore=tests/bench
	COPAGE_LONG=1 $(VENV)/python -m pytest tests/test_newcomer.py
	COPAGE_LONG=1 $(VENV)/python -m pytest tests/bench

check: .venv/.dev-installed $(CLIENT)/node_modules/.dev-installed $(MANIFEST)
	$(VENV)/ruff check rooms server tests
	$(VENV)/ruff format --check rooms server tests
	$(VENV)/mypy
	$(CLIENT)/node_modules/.bin/tsc --noEmit --project $(CLIENT)

client: $(MANIFEST)

locks:
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(LOCK) --group node -o requirements-node.txt

$(VENV)/python:
	$(PYTHON) -m venv .venv

.venv/.run-installed: requirements.txt | $(VENV)/python
	$(PIP_INSTALL) --requirement requirements.txt
	@touch $@

.venv/.dev-installed: requirements-dev.txt | $(VENV)/python
	$(PIP_INSTALL) --requirement requirements-dev.txt
	@touch $@ .venv/.run-installed

.venv/.node-installed: requirements-node.txt | $(VENV)/python
	$(PIP_INSTALL) --requirement requirements-node.txt
	@touch $@

# What the tests need of npm includes a whole browser, so `make run` leaves that out unless it is there already.
$(CLIENT)/node_modules/.run-installed: $(CLIENT)/package-lock.json $(CLIENT)/.npmrc $(NODE)
	@test $(CLIENT)/node_modules/.dev-installed -nt $< || $(NPM_CI) --omit=dev
	@touch $@

$(CLIENT)/node_modules/.dev-installed: $(CLIENT)/package-lock.json $(CLIENT)/.npmrc $(NODE)
	$(NPM_CI)
	@touch $@ $(CLIENT)/node_modules/.run-installed

$(MANIFEST): $(CLIENT)/node_modules/.run-installed $(CLIENT)/build.mjs $(shell find $(CLIENT)/src $(CLIENT)/styles -type f)
	node $(CLIENT)/build.mjs
	@touch $@
