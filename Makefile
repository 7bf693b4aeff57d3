# Two commands: `make acceptance` and `make test`. Everything else is a detail of these.
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest

.PHONY: acceptance test lint types unit setup bench soak clean

acceptance: setup
	$(PYTEST) $(ARGS)

test: setup lint types unit

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

unit:
	$(PYTEST) -c tests/pytest.ini tests $(ARGS)

# Figures, not tests: docs/benchmarks.md.
bench: setup
	$(PYTHON) -m benchmarks

setup:
	@sh ./setup.sh

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
