# Two commands: `make acceptance` and `make test`. Everything else is a detail of these.
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest

.PHONY: recordings acceptance test lint types unit setup bench soak clean allure

acceptance: setup
	$(PYTEST) $(ARGS)

test: setup lint types unit

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

unit:
	DPVS_HOME=$(DPVS_HOME) $(PYTEST) -c tests/pytest.ini tests $(ARGS)

# Figures, not tests: docs/benchmarks.md.
bench: setup
	$(PYTHON) -m benchmarks

# What a DPVS build prints and sends, and where the simulated one differs: docs/dpvs-builds.md.
recordings: setup
	@test -n "$(DPVS_HOME)" || { echo "make recordings DPVS_HOME=/path/of/a/build"; exit 3; }
	$(PYTHON) -m recordings --dpvs-home $(DPVS_HOME)

# Allure's view of the latest run; needs Node, and fetches Allure from npm the first time.
allure:
	$(PYTHON) -m reports allure reports/latest

setup:
	@sh ./setup.sh

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
