# Everything a developer or CI runs. `make demo` and `make test` need nothing but Python 3.11 and, for the tests, Debian.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK := requirements/development.lock
LOCKED := yes
.DEFAULT_GOAL := help
.PHONY: help demo test newest lock check lint types types-tests contracts format unit docs package coverage model postgres nats slapd spin sshd chromium nginx faketime console-tests screenshots chaos changes plugins peers bench bench-quick bench-peers clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Cloudwright needs Python 3.11 or newer; set PYTHON=/path/to/it"; exit 1; }
	@echo "Making the virtual environment $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

# Users get the ranges of pyproject.toml.
$(VENV)/ready: pyproject.toml | $(BIN)/python
	@$(PIP) install --quiet --editable .
	@touch $@

# Development and tests get the versions of the lock, or the newest with LOCKED=no.
$(VENV)/ready-dev: pyproject.toml $(LOCK) | $(BIN)/python
	@echo "Installing what the tests need ..."
ifeq ($(LOCKED),yes)
	@$(PIP) install --quiet --require-hashes --requirement $(LOCK)
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(PIP) check
else
	@$(PIP) install --quiet --upgrade --upgrade-strategy eager --editable '.[dev]'
endif
	@touch $(VENV)/ready $@

lock: | $(BIN)/python ## update requirements/development.lock to the newest versions that pyproject.toml admits
	@$(PIP) install --quiet uv==0.13.9
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev --generate-hashes --no-header --no-annotate --no-config --output-file $(LOCK) pyproject.toml

demo: $(VENV)/ready ## install the example application, run and cancel workflows on it, and clean up
	@PATH="$(abspath $(BIN)):$$PATH" bash examples/demo.sh

newest: ## check and test everything with the newest versions, in an environment of its own
	rm -f .venv-newest/ready-dev
	$(MAKE) test VENV=.venv-newest LOCKED=no

# DATABASE=sqlite or DATABASE=postgresql runs the tests of one of them only.
DATABASE ?= both
test: $(VENV)/ready-dev postgres nats slapd spin sshd chromium nginx faketime peers check docs ## set up what the tests need, then check and test everything
	$(BIN)/python -m pytest --database=$(DATABASE)

check: lint types types-tests contracts ## lint, types and import contracts

lint: $(VENV)/ready-dev ## look for mistakes and for code out of shape
	$(BIN)/ruff check src tests benchmarks examples scripts/docs_hooks.py
	$(BIN)/ruff format --check src tests benchmarks examples scripts/docs_hooks.py

types: $(VENV)/ready-dev ## check the types
	$(BIN)/mypy

types-tests: $(VENV)/ready-dev ## check the types of the tests
	$(BIN)/mypy --config-file tests/mypy.toml tests

contracts: $(VENV)/ready-dev ## check which package imports which
	$(BIN)/lint-imports

format: $(VENV)/ready-dev ## put the code into shape
	$(BIN)/ruff check --fix src tests benchmarks examples
	$(BIN)/ruff format src tests benchmarks examples

unit: $(VENV)/ready-dev ## the quick tests only
	$(BIN)/python -m pytest tests/unit

docs: $(VENV)/ready-dev ## build the documentation site into build/docs, with every warning an error
	NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict

package: $(VENV)/ready-dev ## build the wheel and the source distribution into dist/
	rm -rf dist
	$(BIN)/hatchling build

coverage: $(VENV)/ready-dev postgres nats spin ## report which lines the unit and contract tests run
	rm -rf .coverage
	$(BIN)/coverage run -m pytest tests/unit tests/contract
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

model: $(VENV)/ready-dev spin ## search every state of the models of cancellation, workers and several managers
	$(BIN)/python -m pytest tests/contract/test_cancellation_model.py tests/contract/test_worker_model.py tests/contract/test_cluster_model.py

postgres: ## install a PostgreSQL server for the tests, where there is none
	@sh scripts/need-postgres

slapd: ## install an LDAP server for the tests, where there is none
	@sh scripts/need-slapd

nats: ## install a NATS server for the tests, where there is none
	@sh scripts/need-nats

spin: ## install the model checker spin for the tests, where there is none
	@sh scripts/need-spin

sshd: ## install an SSH server for the tests, where there is none
	@sh scripts/need-sshd

chromium: ## install the browser Chromium for the tests, where there is none
	@sh scripts/need-chromium

nginx: ## install the proxy nginx for the tests, where there is none
	@sh scripts/need-nginx

faketime: ## install the library libfaketime for the tests, where there is none
	@sh scripts/need-faketime

console-tests: $(VENV)/ready-dev chromium nginx ## try every page of the console in a browser
	CONSOLE=all $(BIN)/python -m pytest tests/console

screenshots: $(VENV)/ready-dev chromium ## make the pictures of the console anew
	SCREENSHOTS=yes $(BIN)/python -m pytest tests/console/test_screenshot.py

ROUNDS ?= 200
SEED ?= 1
chaos: $(VENV)/ready-dev postgres faketime ## run random executions and crashes: make chaos ROUNDS=n SEED=s [POSTGRES=1] [SLOWNESS=n]
	$(BIN)/python -m tests.chaos --rounds $(ROUNDS) --seed $(SEED) $(if $(POSTGRES),--postgres) $(if $(SLOWNESS),--slowness $(SLOWNESS))

changes: $(VENV)/ready-dev ## stop scale, heal and update at every operation in every way
	CHANGES=all $(BIN)/python -m pytest tests/integration/test_changes_killed.py

plugins: $(VENV)/ready-dev ## run real plugins of Cloudify, unchanged, against stand-ins for what they manage
	@sh scripts/need-sshd
	@sh scripts/need-plugins $(BIN)/python
	PLUGINS=all $(BIN)/python -m pytest tests/plugins

peers: .peers/cloudify/ready ## the real Cloudify client, in an environment of its own, for the compatibility tests

PEER_PYTHON ?= $(PYTHON)
.peers/cloudify/ready:
	@sh scripts/need-cloudify $(PEER_PYTHON)

# make bench ONLY=T1,T3 TIMES=1 measures a part, WITHOUT=peers all but a part, POSTGRES=1 with PostgreSQL below.
BENCH = $(BIN)/python benchmarks/run.py $(if $(ONLY),--only $(ONLY)) $(if $(WITHOUT),--without $(WITHOUT)) $(if $(TIMES),--times $(TIMES)) $(if $(POSTGRES),--postgres)

bench: $(VENV)/ready-dev peers postgres chromium ## measure every workload, beside the machine's limits and the peers (ten minutes)
	$(BENCH)

bench-quick: $(VENV)/ready-dev $(if $(POSTGRES),postgres) ## measure a little of everything, in under a minute
	$(BENCH) --quick

bench-peers: peers ## install what the benchmarks compare with, each in an environment of its own
	@sh scripts/need-peers $(PYTHON)

clean: ## remove what was made here
	rm -rf $(VENV) .venv-newest .peers .demo .bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache .schemathesis
