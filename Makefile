# Phaselab. Needs Python 3.11 or newer and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000

.PHONY: setup demo test quick serve lint bench chaos fuzz schema hunt slurm compose oidc reproduce audit lock clean

setup: .venv/installed

# torch goes first, with what it needs on this machine (on Linux with a GPU, its CUDA libraries); the lock file
# names everything else, so nothing more is resolved. Rerun whenever the lock file changes.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Phaselab needs Python 3.11 or newer; run: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade "pip>=25"
	$(BIN)/pip install --quiet $$(grep '^torch==' requirements.lock)
	$(BIN)/pip install --quiet --no-deps --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: setup
	$(BIN)/python examples/demo.py

# Every preset of a CPU through the service: which published claims hold. PRESETS="fig2 fig3" runs those alone.
PRESETS ?=
reproduce: setup
	$(BIN)/python examples/reproduce.py $(PRESETS)

serve: setup
	$(BIN)/phaselab serve --port $(PORT)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What needs no server and no tensors, in seconds: style, types, the domain, the house and its papers.
quick: lint
	$(BIN)/pytest tests/domain tests/test_*.py

# Two processes, each with one thread of tensors: files of tests are dealt to them whole.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile

bench: setup
	$(BIN)/python -m benchmarks

chaos: setup
	$(BIN)/pytest -m chaos --timeout 1800 tests/faults

# A million hostile inputs for every edge; another number: make fuzz INPUTS=10000.
INPUTS ?= 1000000
fuzz: setup
	$(BIN)/python -m tests.fuzz $(INPUTS)

# So many requests to every operation, made from the api's own description: all checks of schemathesis.
EXAMPLES ?= 600
schema: setup
	$(BIN)/python -m tests.fuzz.schema $(EXAMPLES)

# So many times the random networks of the tests: a hunt for a wrong radius, exact or certified (HUNT=5 is a short one).
HUNT ?= 50
hunt: setup
	PHASELAB_HUNT=$(HUNT) $(BIN)/pytest $(patsubst %,tests/workers/test_%.py,exact_hunt exact_mlp certified)

# deploy/slurm on real daemons: as root, with Debian's slurmctld, slurmd, slurm-client and munge.
slurm: setup
	$(BIN)/pytest -m slurm tests/faults

# Log-ins by single sign-on in a browser, also at oidc-provider, which is certified (Node and npm are needed).
oidc: setup
	npm install --silent --no-audit --no-fund --prefix .venv/oidc oidc-provider@9.13.3
	PHASELAB_OIDC_PROVIDER=$(CURDIR)/.venv/oidc $(BIN)/pytest tests/browser/test_sign_on.py tests/api/test_sign_on.py

# Known holes in what requirements.lock pins, by pip-audit in an environment of its own; it fails for what cannot be looked up, too.
audit: setup
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/pip install --quiet 'pip-audit>=2.10'
	.venv/audit/bin/pip-audit --strict --requirement requirements.lock --no-deps --disable-pip

# docker-compose.yml without an engine: every service a process on a machine of network namespaces. As root.
compose: setup
	$(BIN)/pytest -m compose tests/faults

# Write requirements.lock anew from what is installed in .venv.
lock:
	$(BIN)/pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf .venv var build
