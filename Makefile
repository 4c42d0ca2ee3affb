# Every command works in a fresh clone with nothing installed but Python 3.11+, git and make.
#   make demo   the whole farm on an example shop        make test   the tests
#   make lint   style, format, bandit  make types  mypy --strict       make lock   renew the lock files
#   make fuzz   a minute of coverage-guided fuzzing of extraction and checks (Linux)
#   make screenshots  the pictures in docs (needs Chromium)
#   make audit  known holes in what is locked; asks the package index's advisory service
PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
# Most tests wait for real servers and processes, so there are more of them at once than cores.
TEST_PROCESSES ?= 4
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1
FUZZ_HOME := .fuzz
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

.PHONY: install demo test fuzz screenshots lint types audit lock clean
.DELETE_ON_ERROR:

install: $(VENV)/.installed

demo: install
	@$(BIN)/farm demo

# Compiled modules are kept, whatever the caller prefers: the tests start hundreds of processes.
test: $(VENV)/.installed-dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(TEST_PROCESSES) --dist worksteal

# The same inputs for the same seed and code. What is found is written to $(FUZZ_HOME), the corpus too.
fuzz: $(VENV)/.installed-fuzz
	@mkdir -p $(FUZZ_HOME)
	PYTHONPATH=tests PYTHONHASHSEED=0 $(BIN)/python -m fuzz.fuzz_checks $(FUZZ_HOME)/corpus-$(FUZZ_SEED) \
	  -max_total_time=$(FUZZ_SECONDS) -seed=$(FUZZ_SEED) \
	  -max_len=300 -len_control=0 -timeout=30 -rss_limit_mb=0 -artifact_prefix=$(FUZZ_HOME)/ -verbosity=0 \
	  -print_final_stats=1

screenshots: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python docs/screenshots.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/bandit --quiet -c pyproject.toml -r farm jobs migrations

types: $(VENV)/.installed-dev
	$(BIN)/mypy

# --strict: a package that could not be looked up is a failure, not a pass.
audit: $(VENV)/.installed-dev
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements.lock

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "The farm needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1)."; \
	  echo "Name one that is: make $(or $(MAKECMDGOALS),install) PYTHON=python3.12"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments: its venv or ensurepip module is missing."; \
	  echo "On Debian and Ubuntu: apt-get install python3-venv; or name another one with PYTHON=…"; exit 1; } >&2
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# The build hook fetches the pages' front-end files with npm: the one in PATH, else one that pip installs.
$(VENV)/.installed: $(VENV)/.created requirements.lock requirements-node.lock package-lock.json hatch_build.py pyproject.toml
	@echo "Installing what the farm needs"
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@command -v npm >/dev/null || $(PIP) install --quiet --require-hashes -r requirements-node.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what the tests and checks need"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed-fuzz: $(VENV)/.installed-dev requirements-fuzz.lock
	@echo "Installing the fuzzer"
	@$(PIP) install --quiet --require-hashes -r requirements-fuzz.lock
	@touch $@

# A checkout has every database's driver. The build backend is locked too, so that the editable install downloads nothing unchecked.
lock:
	@$(UV) --version >/dev/null 2>&1 || { echo "make lock needs uv: pip install uv, or make lock UV=/path/to/uv" >&2; exit 1; }
	echo hatchling | $(LOCK) $(LOCK_OPTIONS) --all-extras pyproject.toml - -o requirements.lock
	$(LOCK) $(LOCK_OPTIONS) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) $(LOCK_OPTIONS) --group fuzz -c requirements-dev.lock -o requirements-fuzz.lock
	$(LOCK) $(LOCK_OPTIONS) --group node -o requirements-node.lock
	@! grep -nE '^--|https?:|file:' requirements*.lock || { echo "the lines above name a host; take them out" >&2; exit 1; }

clean:
	rm -rf $(VENV) node_modules farm/web/vendor .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
