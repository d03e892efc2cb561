# Everything is installed into this folder: uv and Python in .tools, packages in .venv, data in var.

PYTHON ?= python3
UV_CACHE_DIR ?= $(CURDIR)/.tools/cache
UV_PYTHON_INSTALL_DIR ?= $(CURDIR)/.tools/python
UV_SYNC := .tools/bin/uv sync --locked --quiet --compile-bytecode
export UV_CACHE_DIR UV_PYTHON_INSTALL_DIR PORT
# An environment that is active in the caller's shell is not ours. Without its bytecode every process would compile us anew.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup install run test check bench chaos docs browser

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)$$/  make \1\t\2/p' Makefile | expand -t 16

setup: .venv/.installed-dev ## install everything into this folder, start nothing

install: .venv/.installed ## install what serving needs, and nothing for development

run: .venv/.installed ## serve on http://127.0.0.1:8000 (PORT=… for another port)
	@.venv/bin/python manage.py migrate --verbosity 0 --skip-checks
	@exec .venv/bin/python manage.py serve

test: .venv/.installed-dev browser ## run all tests: SQLite, PostgreSQL, Redis and the browser
	@.venv/bin/pytest --numprocesses=2 $(ARGS)

check: .venv/.installed-dev ## format, lint, types and architecture, then all tests
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	@$(MAKE) --no-print-directory test

bench: .venv/.installed-dev ## measure (35 minutes; ARGS=s1 for a part), print tables, write bench/results/
	@.venv/bin/python -m bench $(ARGS)

performance: ## the same on a quiet machine, and write the tables into docs/performance.md
	@$(MAKE) --no-print-directory bench
	@.venv/bin/python -m bench publish

chaos: .venv/.installed-dev ## kill everything under load, as often as was promised, and check what is left
	@mkdir -p var
	@CHAOS=long .venv/bin/pytest tests/acceptance --basetemp=var/chaos $(ARGS)

docs: .venv/.installed-dev ## write the generated pages of docs/ again
	@.venv/bin/python -m docs.generate

browser:
	@.ci/get-chromium

.venv/.installed: uv.lock .python-version | .tools/bin/uv
	@echo "Installing Verbatim into .venv …"
	@$(UV_SYNC) --no-dev --inexact
	@touch $@

.venv/.installed-dev: uv.lock .python-version | .tools/bin/uv
	@echo "Installing Verbatim and its development packages into .venv …"
	@$(UV_SYNC)
	@touch .venv/.installed $@

.tools/bin/uv:
	@echo "Getting uv into .tools …"
	@$(PYTHON) .ci/get_uv.py
