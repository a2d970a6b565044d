# Patch Lab: everything a person does here by hand. `make` alone lists the targets.
#
# Paths are relative, so a folder whose name holds spaces is fine. Works with GNU make 3.81 (macOS) and later.

PYTHON ?= python3
BIN    := .venv/bin
# Small models are fastest with one thread, so the tests take one thread in each of two processes.
WORKERS ?= 2

# LESSONS of `make browser` are numbers: make browser LESSONS="01 05"
# Choices for `make rerun`, for example: make rerun LESSONS=05_train_one PROFILE=full SET="patch_size=4"
OUT     ?= site
LESSONS ?=
PROFILE ?=
JOBS    ?= 2
SET     ?=

COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --upgrade \
	  --custom-compile-command "make lock" --no-emit-index-url --no-emit-find-links
# The packages that are in the first lock: nbgrader's own lock (see .venv/.ready) leaves them out.
ALREADY = `sed -nE 's/^([A-Za-z0-9._-]+)==.*/--no-emit-package \1/p' requirements.lock`

.DEFAULT_GOAL := help
.PHONY: help rerun full test browser lab record editions pages lint lock clean

help:  ## this list
	@echo "Patch Lab. The first target that you run builds .venv (about 3 minutes the first time, 6 GB)."
	@grep -E '^[a-z]+: .*##' Makefile | sed -E 's/^([a-z]+):.*## */\1|/' | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

rerun: .venv/.ready  ## run every lesson without a screen and write the pages (OUT=site LESSONS= PROFILE= JOBS=2 SET=)
	$(BIN)/labkit rerun $(LESSONS) --out "$(OUT)" $(if $(PROFILE),--profile $(PROFILE)) $(if $(JOBS),--jobs $(JOBS)) $(foreach pair,$(SET),--set $(pair))

full: .venv/.ready  ## run every lesson at full length, about 40 minutes; the same command goes on (report: data/reports/full.json)
	$(BIN)/labkit rerun $(LESSONS) --profile full --out site-full --jobs 2 --go-on
	$(if $(LESSONS),,mkdir -p data/reports && cp site-full/report.json data/reports/full.json)

test: .venv/.ready  ## run the tests (WORKERS=2 processes)
	$(BIN)/python -m pytest -q -n $(WORKERS) --timeout 300 -rs

browser: .venv/.ready  ## look at the pages of the last re-run and at lessons in JupyterLab in Chromium (OUT=site LESSONS=)
	$(BIN)/labkit pages --out "$(OUT)"
	$(BIN)/python -m pytest -q -n $(WORKERS) --timeout 900 tests/browser --site "$(OUT)" --lessons "$(LESSONS)" -rs

lab: .venv/.ready  ## open JupyterLab on this machine, at the first lesson
	$(BIN)/jupyter lab --ip 127.0.0.1 $(if $(filter 0,$(shell id -u)),--allow-root) \
	  --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

record: .venv/.ready  ## recompute the small recorded results that lessons quote (data/recorded)
	$(BIN)/labkit record

editions: .venv/.ready  ## build the notebooks from notebooks/source
	$(BIN)/labkit editions

pages: .venv/.ready  ## turn the executed notebooks of the last re-run into pages again (OUT=site)
	$(BIN)/labkit pages --out "$(OUT)"

lint: .venv/.ready  ## check the style of the code and that the editions are up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/labkit editions --check

lock: .venv/.ready  ## choose the newest versions anew and pin them in requirements.lock and requirements-grade.lock
	$(COMPILE) --extra test --extra browser --group build -o requirements.lock pyproject.toml
	$(COMPILE) --extra grade -c requirements.lock $(ALREADY) -o .venv/grade.lock pyproject.toml
	sed '/^# The following packages were excluded/,$$d' .venv/grade.lock > requirements-grade.lock

clean:  ## remove .venv, the sites and caches
	rm -rf .venv site site-full .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The marker is written last, so an installation that was cut short is built again from nothing. nbgrader, which the tests
# run, lies beside the other packages and not among them: there it would put its menus into every student's JupyterLab.
.venv/.ready: requirements.lock requirements-grade.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or later is needed; \"$(PYTHON)\" is `$(PYTHON) -V 2>&1 | head -n 1`."; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "\"$(PYTHON)\" cannot make virtual environments: the module venv or ensurepip is missing."; \
	  echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Building .venv from requirements.lock: about 3 minutes the first time, seconds after that; 6 GB of disk."
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv
	@$(BIN)/uv pip install -q --python $(BIN)/python -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --target .venv/nbgrader -r requirements-grade.lock
	@touch .venv/.ready
