# Two commands: `make acceptance` and `make test`. Everything else is a detail of these.
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest

.PHONY: recordings acceptance test lint types unit setup bench fuzz soak clean allure

acceptance: setup
	$(PYTEST) $(ARGS)

test: setup lint types unit

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

unit:
	DPVS_HOME=$(DPVS_HOME) $(PYTEST) -c tests/pytest.ini tests --ignore=tests/vmlab $(ARGS)

# The lab with a virtual machine, in its short form: NOT TESTED where QEMU cannot be installed.
.PHONY: vmlab
vmlab: setup
	@sh ./setup.sh vmlab || true
	$(PYTEST) -c tests/pytest.ini tests/vmlab -s $(ARGS)

# Figures, not tests: docs/benchmarks.md.
bench: setup
	$(PYTHON) -m benchmarks

# Counts of the source tree, each with its goal; ARGS=-v lists what is counted.
.PHONY: house
house: setup
	$(PYTHON) -m benchmarks.house $(ARGS)

# Parsers fed with 3,000 mutated recordings each, by Hypothesis; a finding is printed with its input.
fuzz: setup
	$(PYTEST) -c tests/pytest.ini tests/safety/test_fuzzing.py --hypothesis-profile=fuzz $(ARGS)

# Runs ended at random moments by signals, broken pipes, full disks and SIGKILL: all hosts restored.
.PHONY: endings
endings: setup
	DPVS_HOME=$(DPVS_HOME) $(PYTHON) -m benchmarks.endings $(COUNT) $(SEED)

# The documents as a site, in site/; a broken link ends it.
.PHONY: docs
docs: setup
	$(PYTHON) -m pip install -q --disable-pip-version-check --require-hashes -r docs/requirements.lock
	$(PYTHON) -m sphinx -q -W --keep-going -b html docs site

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

# Every fault of the catalogue, and which checks turn red: reports/faults/. FULL=1 makes all checks
# for each fault (one to two hours), which proves that the selection leaves none out. docs/faults.md.
FAULT_TOPOLOGIES := weighted least tools edges
FAULT_TOPOLOGIES := $(FAULT_TOPOLOGIES:%=faults/topologies/%.yaml) services-200 nat64 fnat-one-arm keepalived
# What only a build can do: there is nothing to break of it in the simulated DPVS.
ifdef DPVS_HOME
FAULT_BUILD := --dpvs-home=$(DPVS_HOME)
FAULT_TOPOLOGIES += dr-one-arm nat-one-arm tunnel-one-arm snat-two-arm synproxy vlan
endif
.PHONY: faults
faults: setup
	$(PYTEST) --fault-matrix $(if $(FULL),--fault-full) $(FAULT_BUILD) $(ARGS)
	$(if $(ARGS)$(DPVS_HOME),:,$(PYTEST) --dpvs-version=1.9.10 --fault-matrix='rte-kni-*,dpdk-module-*,boot-kni-*' \
	    --fault-report=reports/faults/1.9.10)
	$(if $(ARGS),:,bad=0; for one in $(FAULT_TOPOLOGIES); do $(PYTEST) $(FAULT_BUILD) --topology=$$one \
	    --fault-matrix --fault-report=reports/faults/$$(basename $$one .yaml) || bad=1; done; exit $$bad)

# Generated faults, drawn by this release's seed (SEED=S: by another): reports/faults/sample/.
SAMPLE := 300
.PHONY: sample
sample: setup
	$(PYTEST) --fault-sample=$(SAMPLE) $(if $(SEED),--fault-seed=$(SEED)) $(FAULT_BUILD) $(ARGS) \
	    --fault-report=reports/faults/sample

# Twenty runs in a row with no fault, all green: a check that fails by chance is worse than none.
RUNS := 20
soak: setup
	for run in $$(seq $(RUNS)); do echo "run $$run of $(RUNS)"; $(PYTEST) -q $(ARGS) || exit 1; done
