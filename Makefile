# Everything a clean machine with Python 3.11 and make needs: `make demo` and `make test` set up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint lock planted bench clean

demo: $(VENV)/.ready
	@$(BIN)/refloat demo controllers-missing

test: $(VENV)/.ready lint
	$(BIN)/pytest -n 2 --dist loadfile

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A million clusters with something planted for or against each stale object; a slice of them runs with the suite.
planted: $(VENV)/.ready
	$(BIN)/python -m tests.properties.planted 1000000

bench: $(VENV)/.ready
	$(BIN)/pytest tests/bench --benchmark-only -p no:xdist

# The lock is made for every platform and Python that pyproject allows, with hashes.
lock: $(VENV)/.ready
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml -o requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis build dist
