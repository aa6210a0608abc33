# `make help` lists what there is. Nothing but Python 3.11 or newer is needed to begin with.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check -qq
PACKAGES := gateway_clients claims members dashboard bff_project sandbox

# Finds a Python that is new enough, unless told: make PYTHON=/path/to/python3.12 install
define FIND_PYTHON
for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$candidate"; break; fi; \
done; \
if [ -z "$$found" ]; then echo "Python 3.11 or newer is needed, and none was found. Set PYTHON=/path/to/it." >&2; exit 1; fi
endef

.PHONY: help install run serve test test-long test-cluster coverage bench format lint schema released sbom requirements

help:  ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(VENV)/installed-dev  ## Make .venv with everything that is pinned

run: install  ## Start everything on this machine: gateway, worker, sandbox services, Redis, demo accounts
	@exec env ENVIRONMENT=development $(PY) manage.py run_demo

serve: $(VENV)/installed-base  ## Start the gateway alone, as in production, everything from the environment
	@exec $(PY) manage.py serve

test: install  ## Run the tests with lint, types and import contracts (a few minutes)
	@exec env ENVIRONMENT=development $(PY) manage.py test --durations 20

test-long: install  ## Run the tests that are too long for `make test`
	@exec env ENVIRONMENT=development $(PY) manage.py test -m long --durations 40

test-cluster: install  ## Run two gateways on machines of their own, as network namespaces (root's ip netns)
	@exec env ENVIRONMENT=development $(PY) manage.py test tests/cluster -m long

coverage: install  ## Measure which lines the whole suite runs, also in the processes that it starts
	@rm -rf .run/coverage && mkdir -p .run/coverage
	@env ENVIRONMENT=development $(BIN)/coverage run manage.py test -m "long or not long"
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report

bench: install  ## Measure the gateway beside its peers (tests/bench/README.md)
	@exec $(PY) -m tests.bench

format: install  ## Put the code into its style
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

lint: install  ## Check style, types and import contracts alone
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy $(PACKAGES) && $(BIN)/lint-imports --no-cache

schema: install  ## Write schema.graphql and openapi.yaml, which portals build on
	@ENVIRONMENT=development $(PY) manage.py graphql_schema
	@ENVIRONMENT=development $(PY) manage.py spectacular --validate --fail-on-warn --file openapi.yaml

released: schema  ## Keep schema.graphql, openapi.yaml and the names of the migrations as those that the next versions must not break
	@cp schema.graphql openapi.yaml tests/released/
	@ENVIRONMENT=development DJANGO_SETTINGS_MODULE=bff_project.settings $(PY) -m tests.released.migrations

sbom: install  ## Write sbom.json, the list of what is shipped (CycloneDX)
	@$(BIN)/cyclonedx-py requirements requirements/base.txt --output-reproducible --of JSON -o sbom.json

requirements: install  ## Pin requirements/*.in anew, with hashes
	@$(PIP) install uv
	@for name in base otel sandbox dev; do \
		$(BIN)/uv pip compile --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
			requirements/$$name.in -o requirements/$$name.txt; \
	done

$(PY):
	@$(FIND_PYTHON); echo "Making $(VENV) with $$found"; \
	"$$found" -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "Python cannot make a virtual environment here (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }

$(VENV)/installed-base: requirements/base.txt | $(PY)
	@echo "Installing requirements/base.txt"
	@$(PIP) install --require-hashes -r requirements/base.txt
	@touch $@

$(VENV)/installed-dev: requirements/dev.txt requirements/base.txt | $(PY)
	@echo "Installing requirements/dev.txt"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $(VENV)/installed-base $@
