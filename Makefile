# What can be done with this folder. Each target works on a fresh clone.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest -q -n auto
# These wait for servers, so there are more at a time than processors; in their order, lest the longest files come last.
LIVE_PYTEST := $(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder
CLUSTER_TESTS := $(LIVE_PYTEST) tests -m cluster --ignore=tests/cluster_faults
UV := $(BIN)/uv

# The tests start Python hundreds of times: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo check test cluster-test bench soak fuzz screenshots format docs lock

help: ## say what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## virtual environment with pinned dependencies, and git hooks

$(READY): requirements.lock pyproject.toml
	test -x $(UV) || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	.ci/install-hooks
	touch $@

demo: $(READY) ## the main job on real input; KEEP=1 leaves the server running
	@PATH="$(CURDIR)/$(BIN):$$PATH" KEEP="$(KEEP)" examples/demo/run.sh

check: $(READY) ## format, lint, types, import contracts, unit tests
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(PYTEST) tests/unit

test: check ## check, then all that this machine has the parts for
	$(LIVE_PYTEST) tests -m "not cluster" --ignore=tests/unit
	$(CLUSTER_TESTS)
	$(BIN)/python -m pytest -q tests/cluster_faults

cluster-test: $(READY) ## what needs Kubernetes, alone; TOVI_TEST_KUBECONFIG names the cluster
	$(CLUSTER_TESTS)
	$(BIN)/python -m pytest -q tests/cluster_faults

bench: $(READY) ## figures against named peers, to docs/benchmarks; needs openssh-server
	$(BIN)/python -m tests.bench

soak: $(READY) ## kill parts of a server under load, a thousand times, and terminals; figures go to docs/benchmarks
	$(BIN)/python -m tests.integration.soak
	$(BIN)/python -m tests.tui.soak
	test -z "$$TOVI_TEST_KUBECONFIG" || $(BIN)/python -m tests.integration.soak --pods --kills 200
	TOVI_TEST_DRY_RUNS=10000 $(BIN)/python -m pytest -q tests/cluster/test_dry_run.py

format: $(READY) ## put the code in its form
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

fuzz: $(READY) ## a million hostile texts, logs and files for what leaves the terminal UI
	$(BIN)/python -m pytest -q -n 2 --dist worksteal --hypothesis-profile fuzz tests/unit/test_tui_border.py tests/unit/test_tui_previews.py

screenshots: $(READY) ## the pictures of the terminal UI in docs/pictures, from the data of its tests
	$(BIN)/python -m tests.tui.screenshots

docs: $(READY) ## write again the pages that are made from the code
	$(BIN)/python -m docs.generate

lock: $(READY) ## pin the newest versions that pyproject.toml allows
	$(UV) pip compile --quiet --python $(BIN)/python --upgrade --generate-hashes --no-emit-index-url --no-header \
		--extra dev pyproject.toml -o requirements.lock
