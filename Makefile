# `make demo` and `make test` need nothing but Python 3.10 or later; `make help` lists the rest.

VENV ?= .venv
PYTEST_ARGS ?= --numprocesses 2 --dist loadgroup --no-loadscope-reorder
PYTHON ?= $(shell for each in python3 python python3.13 python3.12 python3.11 python3.10; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && { echo "$$each"; break; }; done)

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# ultralytics would otherwise look for the network, and install what it thinks is missing.
export YOLO_OFFLINE := true
export YOLO_AUTOINSTALL := false

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format docs bench fuzz demo-model dist clean

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r target what; do \
		printf '%-18s %s\n' "$$target" "$$what"; done

setup: $(INSTALLED) ## Make .venv with headlab and its tools; CPU=1 TORCH_INDEX=... for PyTorch without CUDA.

$(INSTALLED): pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
		echo "headlab needs Python 3.10 or later, and found none."; \
		echo "Install one, or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 2; } >&2
	@"$(PYTHON)" -m venv "$(VENV)"
	@"$(BIN)/python" scripts/install.py $(if $(CPU),--cpu --torch-index "$(TORCH_INDEX)") '.[all,dev,docs]'
	@touch "$(INSTALLED)"

demo: $(INSTALLED) ## Look into a small detector's head, shift it, trace it, compare; offline.
	"$(BIN)/headlab" demo

test: $(INSTALLED) ## Run the tests; PYTEST_ARGS='-k shift' chooses some.
	"$(BIN)/python" -m pytest $(PYTEST_ARGS)

check: $(INSTALLED) ## Lint, formatting, types.
	"$(BIN)/ruff" check --no-cache .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"

format: $(INSTALLED) ## Format the code and sort its imports.
	"$(BIN)/ruff" check --fix-only --select I .
	"$(BIN)/ruff" format .

docs: $(INSTALLED) ## Build the documentation site, which needs no network: build/site/index.html.
	"$(BIN)/python" -m sphinx -q -E -W --keep-going -b html -c docs -d build/doctrees . build/site
	@echo "Open build/site/index.html in a browser."

bench: $(INSTALLED) ## Compare speed and memory with the plain way, side by side.
	"$(BIN)/python" bench/run.py

fuzz: $(INSTALLED) ## Give every parser 100,000 broken inputs; FUZZ_ARGS='--count 2000 yaml' for fewer.
	"$(BIN)/python" scripts/fuzz.py $(FUZZ_ARGS)

demo-model: $(INSTALLED) ## Draw the demo's scenes and train its detector again: half an hour.
	"$(BIN)/python" scripts/make_demo_model.py

dist: $(INSTALLED) ## Build wheel and sdist, and prove the wheel in a clean environment.
	"$(BIN)/python" scripts/dist.py $(DIST_ARGS)

clean: ## Remove what the other targets made, .venv included.
	rm -rf "$(VENV)" build dist demo-out .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +
