# Safelight. `make` alone lists what there is.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PORT ?= 8484
VENV := .venv
BIN := $(VENV)/bin
WEB := platform/web
PAGE := platform/safelight/page

# The first interpreter that is new enough. 3.11 is asked for first: the lock files are made for it.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

.PHONY: help up test lint format lock page train-studio demo-regression soak bench bench-detection clean install install-dev
.PHONY: check-machine check-port system-packages

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---------------------------------------------------------------------------------------------------------- running

up: check-machine check-port install page ## start Safelight and its demo generator (PORT=8484)
	@exec $(BIN)/safelight up --demo --port $(PORT)

demo-regression: install page ## play the whole story once: promote a bad version, detect it, roll back
	@$(BIN)/python -m safelight.studio.rehearsal

train-studio: export OMP_NUM_THREADS := 1
train-studio: install ## train the bundled models again, on a GPU or for two hours on two cores (MINUTES=120)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m safelight.studio.training $(if $(MINUTES),--minutes $(MINUTES))
	$(BIN)/python -m safelight.studio.training.package
	$(BIN)/python -m safelight.studio.training.record_baselines $(if $(IMAGES),--images $(IMAGES))
	$(BIN)/python -m safelight.studio.training.contact_sheet

bench: install ## measure rollback (flip time, failed requests) and the service's overhead
	$(BIN)/python -m benchmarks.rollback
	$(BIN)/python -m benchmarks.overhead

bench-detection: install ## measure the detector beside its peers: power, weeks, cost, the studio's embeddings (an hour)
	$(BIN)/python -m benchmarks.detection

# --------------------------------------------------------------------------------------------------------- checking

# Each process of tests starts a PostgreSQL, an MLflow and more of its own.
JOBS ?= 2

test: check-machine system-packages install-dev ## everything that must be green: page, lint, types, contracts, tests
	@$(MAKE) page & $(MAKE) lint; linted=$$?; wait $$! && exit $$linted # each keeps one core busy
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadscope --no-loadscope-reorder --durations 15

lint: install-dev ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install-dev ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

soak: check-machine system-packages install-dev page ## the long runs (an hour and more)
	$(BIN)/pytest -m soak --timeout=0

clean: ## remove what was built and the caches; keeps .venv and var
	rm -rf build dist $(PAGE) $(WEB)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------------------- installing

check-machine:
	@test -n "$(PYTHON)" || { echo "Safelight needs Python 3.11 or newer and found none. Install it (Debian:" \
		"apt-get install python3 python3-venv), or name one: make up PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -w . || { echo "Safelight keeps its environment and its data in $(CURDIR), which is not writable for" \
		"$$(id -un). Give that user the right to write there, or move the checkout." >&2; exit 1; }

check-port: check-machine
	@$(PYTHON) -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); \
		s.bind(("127.0.0.1", int("$(PORT)")))' 2>/dev/null || { echo "Port $(PORT) cannot be used: something else" \
		"listens there, or it is no port of yours. Choose another: make up PORT=8485" >&2; exit 1; }

$(BIN)/python: | check-machine
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment." \
		"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# The lock is also its own constraint: a dependency's `pandas[parquet]` is another name than `pandas` to older pips, and
# only a constraint holds for both.
LOCKED = $(BIN)/python -m pip install -qq --require-hashes --only-binary :all: --no-compile
# By all cores; pip would do it by one. What ships files that do not compile never imports them.
COMPILE = $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true

# Stamps: a second `make up` must not ask pip anything.
$(VENV)/.runtime: requirements.lock | $(BIN)/python
	@echo "Installing the dependencies into $(VENV); the first time takes some minutes."
	@$(LOCKED) -r requirements.lock -c requirements.lock
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(BIN)/python
	@echo "Installing the dependencies and the development tools into $(VENV); the first time takes some minutes."
	@$(LOCKED) -r requirements-dev.lock -c requirements-dev.lock
	@$(COMPILE)
	@touch $(VENV)/.runtime $@

$(VENV)/.project: pyproject.toml | $(VENV)/.runtime
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

install: $(VENV)/.runtime $(VENV)/.project

# The development lock holds all of the runtime's, so one installation serves both.
install-dev: $(VENV)/.dev $(VENV)/.project

POSTGRESQL ?= /usr/lib/postgresql

# What the tests start for real. Debian's names; elsewhere install the same programs by hand.
system-packages:
	@missing=""; \
	for program in chromium curl docker-compose prometheus prometheus-alertmanager; do \
		command -v $$program >/dev/null || missing="$$missing $$program"; \
	done; \
	ls $(POSTGRESQL)/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	test -z "$$missing" && exit 0; \
	if test "$$(id -u)" = 0; then sudo=""; else sudo="sudo -n"; fi; \
	if command -v apt-get >/dev/null && $$sudo true 2>/dev/null; then \
		echo "Installing what the tests start:$$missing"; \
		$$sudo apt-get update -qq && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $$missing >/dev/null; \
	else \
		echo "The tests start real peers that are not installed here:$$missing. Install them and run this again." >&2; \
		exit 1; \
	fi

LOCK = $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras --no-header --no-emit-index-url \
	--no-emit-find-links --build-deps-for editable --extra page $(UPGRADE)

lock: install-dev ## make the lock files again (UPGRADE=--upgrade for newer releases)
	$(LOCK) --output-file requirements.lock pyproject.toml
	$(LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

# --------------------------------------------------------------------------------------------------------- the page

ifneq ($(wildcard $(WEB)/package.json),)
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(WEB)

page: $(PAGE)/index.html ## build the dashboard's page

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json | $(VENV)/.runtime
	@$(NPM) ci --silent --no-fund --no-audit
	@touch $@

$(PAGE)/index.html: $(WEB)/node_modules/.package-lock.json $(shell find $(WEB) -type f -not -path '*/node_modules/*')
	@$(NPM) run --silent build
	@touch $@
else
page:
	@:
endif
