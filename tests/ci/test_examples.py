"""Each example is of its CI's form, and what it runs in a shell runs, here, as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci import jenkins
from tests.pipeline import CI, Pipeline, github, in_clone

# What each may have, of GitLab's and GitHub's own references.
_GITLAB_JOB = {
    *("stage", "tags", "resource_group", "timeout", "variables", "before_script", "script"),
    *("after_script", "artifacts", "allow_failure", "rules", "needs", "image", "retry"),
}
_GITHUB_JOB = {"runs-on", "timeout-minutes", "env", "steps", "needs", "if", "permissions"}
_GITHUB_STEP = {"uses", "with", "run", "if", "name", "env", "id", "shell"}
_JENKINS = {
    "": {"pipeline"},
    "pipeline": {"agent", "options", "parameters", "stages", "post", "environment"},
    "stages": {"stage"},
    "stage": {"steps", "post", "when"},
    "steps": {"script"},
    "script": {"if", "else", "def"},
    "post": {"always", "success", "failure", "unstable"},
}


def _gitlab() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CI / "gitlab-ci.yml").read_text())
    return found


def test_gitlab_s_form() -> None:
    document = _gitlab()
    job = document["dpvs-acceptance"]
    assert set(document) == {"stages", "dpvs-acceptance"}
    assert set(job) <= _GITLAB_JOB
    assert job["stage"] in document["stages"]
    assert set(job["artifacts"]) <= {"when", "expire_in", "paths", "reports"}
    assert job["allow_failure"] == {"exit_codes": [2]}
    assert all(isinstance(value, str) for value in job["variables"].values())


def test_github_s_form() -> None:
    document = github()
    # YAML 1.1 reads `on` as true, and GitHub does not.
    assert set(document) == {"name", True, "concurrency", "permissions", "jobs"}
    (job,) = document["jobs"].values()
    assert set(job) <= _GITHUB_JOB
    for step in job["steps"]:
        assert set(step) <= _GITHUB_STEP
        assert ("run" in step) != ("uses" in step), step
    # Inputs reach the shell as variables, never as text of the script.
    assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


def test_jenkins_form() -> None:
    file = jenkins.parse((CI / "Jenkinsfile").read_text())
    for block in file.every():
        for inner in block.blocks:
            allowed = _JENKINS.get(block.name)
            assert allowed is None or inner.name in allowed, f"{inner.name} in {block.name}"
    (pipeline,) = file.blocks
    assert {"agent", "stages"} <= {block.name for block in pipeline.blocks}
    for wrong in ("pipeline {", "a { } }", "a { 'b\n' }"):
        with pytest.raises(AssertionError):
            jenkins.parse(wrong)


def test_all_of_them_run_the_same() -> None:
    """Only the names of the variables differ."""
    job = _gitlab()["dpvs-acceptance"]
    gitlab = [*job["before_script"], *job["script"], *job["after_script"]]
    (hub,) = github()["jobs"].values()
    steps = [step["run"] for step in hub["steps"] if "run" in step]
    file = jenkins.shell_steps(jenkins.parse((CI / "Jenkinsfile").read_text()))
    assert [line.replace("DPVS_BENCH", "BENCH") for line in gitlab] == steps
    assert sorted(file) == sorted(steps)


def test_github_s_steps_run(pipeline: Pipeline) -> None:
    """With the software lab as the bench."""
    assert "the verdict is the same: PARTIAL" in pipeline.said[-1]
    assert pipeline.summary.startswith("# PARTIAL\n")
    (job,) = github()["jobs"].values()
    upload = next(s["with"]["path"] for s in job["steps"] if "upload" in s.get("uses", ""))
    (run,) = (pipeline.clone / upload).iterdir()
    # What the two others keep is there too.
    reports = _gitlab()["dpvs-acceptance"]["artifacts"]
    assert [*pipeline.clone.glob(reports["reports"]["junit"])] == [run / "junit.xml"]
    assert all((pipeline.clone / path).exists() for path in reports["paths"])
    assert "reports/latest/junit.xml" in (CI / "Jenkinsfile").read_text()
    assert (pipeline.clone / "reports/latest/junit.xml").is_file()


@pytest.mark.parametrize(("bench", "status"), [("softlab", 0), ("no-such-bench", 3)])
def test_gitlab_s_script_ends_as_the_page_says(clone: Path, bench: str, status: int) -> None:
    job = _gitlab()["dpvs-acceptance"]
    variables = {**job["variables"], "DPVS_BENCH": bench, "PYTEST_ADDOPTS": "--plan"}
    ran = in_clone(clone, "\n".join([*job["before_script"], *job["script"]]), variables)
    assert ran.returncode == status, ran.stdout[-2000:] + ran.stderr[-2000:]
