"""JUnit files of a run: pytest's own, completed, and one with a case per row. Pure.

pytest writes `junit.xml` before the verdict is known, and has one word for all that it skips. The
properties are those that Xray (`test_key`, `test_summary`) and TestRail's importer read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.recomputing import results_of
from dpvs_acceptance.verdict.signoff import RequirementEntry, SignOff

_SAID = ("failure", "error", "skipped")
_TAGS = {
    Outcome.PASS: {"passed"},
    Outcome.FAIL: {"failure", "error"},
    Outcome.FLAKY: {"failure", "error"},
    Outcome.BLOCKED: {"failure", "error", "skipped"},
    Outcome.NOT_SUPPORTED: {"skipped"},
    Outcome.NOT_TESTED: {"skipped"},
    Outcome.NOT_APPLICABLE: {"skipped"},
}
_TAG_OF_ROW = {
    Outcome.FAIL: "failure",
    Outcome.FLAKY: "failure",
    Outcome.BLOCKED: "error",
    Outcome.PASS: "",
}


def run_properties(signoff: SignOff) -> dict[str, str]:
    """Properties of the whole file: which device and topology, and what it came to."""
    device = signoff.device
    return {
        "run": signoff.run,
        "verdict": str(signoff.verdict),
        "exit status": str(signoff.exit_code),
        "device": device.host,
        "device kind": str(device.kind),
        "dpvs": device.dpvs,
        "dpdk": device.dpdk,
        "topology": signoff.topology,
    }


def completed(junit: str, signoff: SignOff) -> str:
    """pytest's file with the run's properties, and each case's rows and outcome.

    `junit`: text of the file. ValueError if it is not a JUnit file.
    """
    root = _parsed(junit)
    for suite in root.iter("testsuite"):
        _set_properties(suite, run_properties(signoff).items())
    results = {_key(result.nodeid): result for result in results_of(signoff)}
    judging = {row.id for row in signoff.requirements}
    for case in root.iter("testcase"):
        result = results.get((case.get("classname", ""), case.get("name", "")))
        if result is None:
            continue
        rows = [row for row in result.requirements if row in judging]
        named = [("outcome", str(result.outcome))] if result.outcome is not Outcome.PASS else []
        _set_properties(case, [*named, *(("test_key", row) for row in rows)])
        for child in (child for child in case if child.tag in _SAID):
            child.set("type", str(result.outcome))
            said = child.get("message", "")
            if child.tag == "skipped" and not said.startswith(str(result.outcome)):
                child.set("message", f"{result.outcome}: {said}")
    return _text(root)


def rows_file(signoff: SignOff) -> str:
    """A JUnit file with a case per row that was judged, for a tool that plans by requirement."""
    root = Element("testsuites")
    for catalogue in dict.fromkeys(row.catalogue for row in signoff.requirements):
        mine = [row for row in signoff.requirements if row.catalogue == catalogue and row.decides]
        tags = [_TAG_OF_ROW.get(row.outcome, "skipped") for row in mine]
        suite = SubElement(root, "testsuite", name=catalogue, tests=str(len(mine)))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(name, str(tags.count(tag)))
        suite.set("time", f"{sum(row.seconds for row in mine):.3f}")
        suite.set("timestamp", signoff.started.isoformat())
        _set_properties(suite, run_properties(signoff).items())
        for row, tag in zip(mine, tags, strict=True):
            _row(suite, row, tag)
    return _text(root)


def _row(suite: Element, row: RequirementEntry, tag: str) -> None:
    case = SubElement(suite, "testcase", classname=row.catalogue, name=row.id)
    case.set("time", f"{row.seconds:.3f}")
    about = {
        "test_key": row.id,
        "test_summary": row.statement,
        "priority": str(row.priority),
        "source": row.source,
        "outcome": str(row.outcome),
    }
    if row.waived:
        about["waived"] = "yes"
    _set_properties(case, about.items())
    if tag:
        SubElement(case, tag, type=str(row.outcome), message=f"{row.outcome}: {row.remark}")


def junit_differences(signoff: SignOff, junit: str) -> Iterator[str]:
    """Differences between the outcomes in pytest's JUnit file and in the document.

    `junit`: text of the file. ValueError if it is not a JUnit file, or declares entities.
    """
    root = _parsed(junit)
    for suite in root.iter("testsuite"):
        about = _properties(suite)
        for name, value in run_properties(signoff).items():
            if name in about and about[name] != value:
                yield f"junit.xml: {name} is {about[name]!r}, the document has {value!r}"
    seen: dict[tuple[str, str], set[str]] = {}
    proved: dict[tuple[str, str], set[str]] = {}
    named: dict[tuple[str, str], set[str]] = {}
    judging = {row.id for row in signoff.requirements}
    for case in root.iter("testcase"):
        words = {child.tag for child in case} & {"failure", "error", "skipped"}
        key = (case.get("classname", ""), case.get("name", ""))
        seen.setdefault(key, set()).update(words or {"passed"})
        proved.setdefault(key, set()).update(
            one.get("value", "")
            for one in case.iter("property")
            if one.get("name") in ("requirement", "test_key")
        )
        named.setdefault(key, set()).update(
            one.get("value", "") for one in case.iter("property") if one.get("name") == "outcome"
        )
    known = set()
    for result in results_of(signoff):
        classname, name = _key(result.nodeid)
        known.add((classname, name))
        listed = seen.get((classname, name))
        if listed is None:
            yield f"{result.nodeid}: {result.outcome}, but not in junit.xml"
        elif not listed & _TAGS[result.outcome]:
            tags = ", ".join(sorted(listed))
            yield f"{result.nodeid}: {result.outcome}, but junit.xml says {tags}"
        elif named.get((classname, name)) and result.outcome not in _written(
            named[classname, name]
        ):
            outcomes = ", ".join(sorted(named[classname, name]))
            yield f"{result.nodeid}: {result.outcome}, but junit.xml says {outcomes}"
        else:
            rows, wanted = proved.get((classname, name), set()), set(result.requirements) & judging
            if rows != wanted:
                yield (
                    f"{result.nodeid}: proves {_listed(wanted)}, but junit.xml says {_listed(rows)}"
                )
    for classname, name in seen:
        if classname.startswith("suites.") and (classname, name) not in known:
            yield f"{classname}::{name}: is in junit.xml, but not in the document"


def _written(outcomes: set[str]) -> set[str]:
    """What can be a check's outcome whose first attempt ended so."""
    return outcomes | {Outcome.FLAKY} if Outcome.FAIL in outcomes else outcomes


def _listed(rows: set[str]) -> str:
    return ", ".join(sorted(rows)) or "nothing"


def _parts(rest: str) -> list[str]:
    """A node id without its file: classes and name; the part in brackets may contain `::`."""
    head, bracket, tail = rest.partition("[")
    *classes, name = head.split("::")
    return [*classes, name + bracket + tail]


def _key(nodeid: str) -> tuple[str, str]:
    """How pytest names a check in the file: class name and name."""
    path, _, rest = nodeid.partition("::")
    *classes, name = _parts(rest)
    return ".".join([path.removesuffix(".py").replace("/", "."), *classes]), name


def _parsed(junit: str) -> Element:
    if "<!DOCTYPE" in junit or "<!ENTITY" in junit:
        raise ValueError("junit.xml declares entities, unlike files of pytest")
    try:
        return ElementTree.fromstring(junit)  # noqa: S314 - no entities, see above
    except ElementTree.ParseError as error:
        raise ValueError(f"junit.xml is not XML: {error}") from None


def _properties(element: Element) -> Mapping[str, str]:
    found = element.iterfind("properties/property")
    return {one.get("name", ""): one.get("value", "") for one in found}


def _set_properties(element: Element, wanted: Iterable[tuple[str, str]]) -> None:
    """Replaces properties of the same names."""
    wanted = list(wanted)
    names = {name for name, _ in wanted}
    place = element.find("properties")
    if place is None:
        place = Element("properties")
        element.insert(0, place)
    for old in [one for one in place if one.get("name") in names]:
        place.remove(old)
    for name, value in wanted:
        SubElement(place, "property", name=name, value=value)


def _text(root: Element) -> str:
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode")
