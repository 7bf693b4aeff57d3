"""`dpvs-acceptance init`: the files of a site's own repository, each with something to change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dpvs_acceptance import __version__
from dpvs_acceptance.model.site import SUITE, SUITES_NAME

_SETTINGS = f"""\
[pytest]
# The suite's checks, then ours. Options that hold for each run: after --pyargs.
addopts = --pyargs
testpaths = {SUITES_NAME} suites
"""
_REQUIREMENTS = f"""\
# dpvs-acceptance by version: what judges our balancers changes when we say so.
dpvs-acceptance=={__version__}
"""
_IGNORED = """\
__pycache__/
.pytest_cache/
.venv/
reports/
"""
_CATALOGUE = """\
# Our rows. held: whole (a row without a check is a gap) or where checked.
held: whole
site: true
requirements:
  - id: OUR-01
    priority: P2
    source: our service level agreement
    statement: Of ten requests for each real server in a row, all are answered with 200.
    hint: Ask each real server itself (`curl -i http://192.168.229.1/` on the lan).

# The suite's rows, where we want another priority. The report shows each change with its reason.
changes:
  - requirement: S35
    priority: P1
    reason: half of our users come over IPv6
"""
_CHECK = '''\
"""Pages are served."""

import pytest

from dpvs_acceptance.testbed import Client, Service, clients, services
from fixtures.checks import for_each, requirement


@requirement("OUR-01", core=True)
@pytest.mark.traffic
@for_each(client=clients, service=services.having(protocol="tcp"))
def test_every_page_is_served(client: Client, service: Service) -> None:
    """Steps: ten requests for each real server. Verify: each is answered with 200."""
    answers = client.get(service, 10 * len(service.servers))
    bad = [str(answer) for answer in answers if answer.status != 200]
    assert not bad, f"{service.url} from {client}: 200 expected, seen {bad}"
'''
_GITHUB = """\
# On a self-hosted runner that reaches the bench by ssh. Nothing of it needs root.
name: DPVS acceptance
on:
  workflow_dispatch:
    inputs:
      bench: {description: "file in benches/, without .yaml", default: lb01}
concurrency:
  group: dpvs-bench-lb01              # one run at a time on a bench
permissions:
  contents: read
jobs:
  acceptance:
    runs-on: [self-hosted, dpvs-lab]
    timeout-minutes: 30
    env:
      BENCH: ${{ inputs.bench }}
    steps:
      - uses: actions/checkout@v4
        with: {clean: false}          # keeps .venv and the earlier runs
      - run: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
      - run: .venv/bin/pytest --host="$BENCH" --topology=ours --strict-signoff
      - if: always()
        run: .venv/bin/dpvs-acceptance verify reports/latest
      - if: always()
        uses: actions/upload-artifact@v4
        with: {name: dpvs-acceptance, path: reports/runs/, if-no-files-found: ignore}
"""
_GITLAB = """\
# On a runner that reaches the bench by ssh. Nothing of it needs root.
stages: [acceptance]

dpvs-acceptance:
  stage: acceptance
  tags: [dpvs-lab]
  resource_group: dpvs-bench-lb01     # one run at a time on a bench
  timeout: 30 minutes
  variables:
    DPVS_BENCH: lb01
  before_script:
    - python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
  script:
    - .venv/bin/pytest --host="$DPVS_BENCH" --topology=ours --strict-signoff
  after_script:
    - .venv/bin/dpvs-acceptance verify reports/latest
  artifacts:
    when: always
    expire_in: 1 year
    paths: [reports/runs/, reports/latest]
    reports:
      junit: reports/runs/*/junit.xml
  allow_failure:
    exit_codes: [2]                   # the bench is broken: not the device's fault
"""
CI = {
    "github": (".github/workflows/acceptance.yml", _GITHUB),
    "gitlab": (".gitlab-ci.yml", _GITLAB),
}


class SiteExistsError(Exception):
    """The folder has files that would be overwritten; the message names the first."""


def files_of(ci: str) -> Mapping[str, str]:
    """The text of each file by its path; `ci`: a key of CI."""
    topology = (SUITE / "topologies" / "fnat-two-arm.yaml").read_text(encoding="utf-8")
    path, text = CI[ci]
    return {
        "pytest.ini": _SETTINGS,
        "requirements.txt": _REQUIREMENTS,
        ".gitignore": _IGNORED,
        path: text,
        "requirements/ours.yaml": _CATALOGUE,
        "suites/test_pages.py": _CHECK,
        "topologies/ours.yaml": topology.replace(
            "\ntitle: ", "\nrequirements: [seed, users, ours]\ntitle: Ours, as ", 1
        ),
        **{
            name: (SUITE / name).read_text(encoding="utf-8")
            for name in (
                "topologies/topology.schema.json",
                "benches/bench.schema.json",
                "benches/lb01.example.yaml",
            )
        },
    }


def write_site(folder: Path, ci: str) -> list[str]:
    """Writes the files, all or none, and gives their paths. OSError, SiteExistsError."""
    files = files_of(ci)
    for name in files:
        if (folder / name).exists():
            raise SiteExistsError(f"{folder / name} is there already; nothing was written")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
