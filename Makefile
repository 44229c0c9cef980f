# The commands in README.md. Everything is installed into .venv; nothing else on the machine is changed.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never

.PHONY: help install install-dev run test check check-pages mutants bench bench-full messages pins clean

help:            ## this list
	@grep -hE '^[a-z-]+: .*## |^[a-z-]+: +## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/installed          ## what it takes to run
install-dev: $(VENV)/installed-dev  ## and what it takes to test

$(VENV)/installed: requirements/run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=…")'
	@test -x $(BIN)/python || { echo "Making $(VENV) …"; $(PYTHON) -m venv $(VENV); } || { echo "Python has no venv: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@echo "Installing the pinned packages …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/installed-dev: requirements/dev.txt $(VENV)/installed
	@echo "Installing the test tools …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

run: install     ## serve the demo on http://127.0.0.1:8000 (PORT=… changes it)
	@DEBUG=$${DEBUG:-true} PORT=$(PORT) $(BIN)/python manage.py quickstart

test: install-dev  ## the whole suite, on SQLite and then on PostgreSQL
	@$(BIN)/python tests/run.py

check: install-dev  ## linters, types, migrations, deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=true $(BIN)/mypy .
	DEBUG=true $(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=false HTTPS=true SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') ALLOWED_HOSTS=pharos.example.org \
	DEFAULT_FROM_EMAIL=pharos@example.org $(BIN)/python manage.py check --deploy --fail-level WARNING

check-pages: install-dev  ## run html-validate and the Nu checker over every page (needs npm and Java; takes two minutes)
	@$(BIN)/python tests/markup/check.py

mutants: install-dev .cache/mutants/installed  ## put small faults into the rules and say which no test notices (ROOMS="lifecycle counts"; EVERY=3 for a third of them; takes hours)
	@$(BIN)/python tests/mutants/run.py $(if $(EVERY),--every $(EVERY)) $(ROOMS)

.cache/mutants/installed: tests/mutants/requirements.txt
	@$(PYTHON) -m venv .cache/mutants
	@.cache/mutants/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench: install-dev  ## measure pages, API, writes, and volume at 100,000 and 1,000,000 items next to their peers (takes minutes); see docs/performance.md
	@$(BIN)/python bench/run.py

bench-full: install-dev  ## the same with 10,000,000 items, and longer (takes an hour and 45 GB; KEEP=FOLDER keeps the databases)
	@$(BIN)/python bench/run.py --full $(if $(KEEP),--keep $(KEEP))

messages: install-dev  ## bring new sentences into locale/, and compile what is translated
	@mkdir -p .cache
	$(BIN)/pybabel -q extract -F locale/babel.cfg -k _t -k gettext_lazy -k ngettext_lazy:1,2 -k pgettext_lazy:1c,2 --omit-header --no-location --sort-output -o .cache/messages.pot .
	$(BIN)/pybabel -q update -D django -d locale -i .cache/messages.pot --ignore-obsolete --no-fuzzy-matching --width 120
	$(BIN)/pybabel -q compile -D django -d locale

pins: install-dev  ## work the pinned versions out again (hashes, no addresses)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --upgrade -o requirements/run.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-annotate --no-header --python-version 3.11 -c requirements/run.txt -o requirements/dev.txt

clean:           ## remove what was installed; the database stays
	rm -rf $(VENV) .cache artefacts staticfiles
