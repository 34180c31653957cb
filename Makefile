# One verb per step. `make demo` and `make test` set up all they need.
PYTHON ?= python3
DEALS ?= 20000
UV := .venv/bin/uv
# Two workers on two cores: threads of numpy and scikit-learn beside them would wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help check demo test lint verify bench clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

check: ## name what is missing on this machine, and the command that installs it
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	  || { echo "Python 3.11 to 3.13 is needed: apt-get install python3 python3-venv, or make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null || test "$$(uname)" != Linux \
	  || { echo "libgomp is missing (LightGBM needs it): apt-get install libgomp1"; exit 1; }

.venv/.ready: pyproject.toml uv.lock | check
	@test -x $(UV) || { echo "making .venv with $$($(PYTHON) --version)"; \
	  $(PYTHON) -m venv .venv && .venv/bin/python -m pip install --quiet "uv>=0.9"; }
	@echo "installing the packages of uv.lock into .venv"
	@$(UV) sync --quiet --frozen --all-extras
	@touch $@

demo: .venv/.ready ## a simulated company, built, trained, scored and published (DEALS=20000)
	@.venv/bin/revlayer demo --deals $(DEALS)

test: .venv/.ready ## lint and all tests but the long ones
	@$(MAKE) --no-print-directory lint
	@$(ONE_THREAD) .venv/bin/pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/.ready ## formatting, types, layers, SQL style
	@.venv/bin/pre-commit run --all-files --config .pre-commit-config.yaml

verify: .venv/.ready ## the long acceptance checks; writes docs/evaluation.md
	@$(ONE_THREAD) .venv/bin/pytest -m slow -n 2 --dist loadfile
	@.venv/bin/python -m tests.verify

bench: .venv/.ready ## speed and memory; writes docs/performance.md (ARGS="scoring --rows 100000" for a part)
	@$(UV) sync --quiet --frozen --inexact --all-extras --group bench
	@.venv/bin/python -m benchmarks $(ARGS)

clean: ## stop the embedded server and remove its data
	@test ! -x .venv/bin/revlayer || .venv/bin/revlayer db remove --yes
	@rm -rf target logs
