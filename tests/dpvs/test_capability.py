"""When the words of a refusal show that a tool lacks an option, and when they do not."""

from __future__ import annotations

import shlex

import pytest

from dpvs_acceptance.dpvs.answers import Answer
from dpvs_acceptance.dpvs.capability import lacking, script_suspicion, suspect

SCRIPT = (
    "/opt/dpvs/bin/ipvsadm -A -t 10.0.96.2:80 -s rr && { /opt/dpvs/bin/ipvsadm -a -t 10.0.96.2:80 "
    "-r 10.0.96.151:80 -g -w 1 || { status=$?; /opt/dpvs/bin/ipvsadm -D -t 10.0.96.2:80; }; }"
)
OBJECT = "dpip: invalid object, use `-h' for help."
TRY = "Try `ipvsadm -h' or 'ipvsadm --help' for more information."
LISTS = (0, "IP Virtual Server version 1.10.2 (size=0)")
LACKS = (2, "-g: unknown option\n")


def _probe(script: str, said: str, control: tuple[int, str], asked: tuple[int, str]) -> str:
    found = script_suspicion(script, said)
    if found is None:
        return ""
    return lacking(
        found,
        Answer(shlex.join(found.control), control[0], control[1], ""),
        Answer(shlex.join(found.question), asked[0], "", asked[1]),
    )


def test_an_option_that_a_tool_lacks_is_asked_for_by_itself() -> None:
    assert _probe(SCRIPT, "-g: unknown option", LISTS, LACKS).splitlines() == [
        "`ipvsadm -a -t 10.0.96.2:80 -r 10.0.96.151:80 -g -w 1`: -g: unknown option",
        "probed: `ipvsadm -ln -g`: -g: unknown option, while `ipvsadm -ln` works",
    ]


@pytest.mark.parametrize(
    ("command", "said", "question"),
    [
        ("dpip vlan add a.1 link a", OBJECT, "dpip vlan help"),
        ("dpip -6 tunnel show", OBJECT, "dpip tunnel help"),
        ("dpip --frob link show", "dpip: unrecognized option '--frob'", "dpip --frob link show"),
        ("ipvsadm -A -t 10.0.0.1:80 --pe=sip", "--pe: unknown option", "ipvsadm -ln --pe"),
        ("ipvsadm -O -t 10.0.0.1:80", TRY, "ipvsadm -ln -O"),
        ("PATH=/x A=b /opt/bin/ipvsadm -A -j", "-j: unknown option", "ipvsadm -ln -j"),
    ],
)
def test_the_question_reads_only_and_names_nothing_else(
    command: str, said: str, question: str
) -> None:
    found = script_suspicion(command, f"first line\n{said}\n" if said != TRY else said)
    assert found is not None
    assert shlex.join(found.question) == question
    assert found.said in said


@pytest.mark.parametrize(
    ("control", "asked"),
    [
        (LISTS, (2, "Illegal 'forwarding-method' option with the 'list' command")),
        (LISTS, (0, "-g: unknown option")),
        (LISTS, (2, "-l: unknown option")),
        (LISTS, (2, "-t: unknown option")),
        (LISTS, (1, "")),
        (LACKS, LACKS),
        ((0, ""), LACKS),
        ((1, "connection error"), (1, "connection error")),
    ],
)
def test_what_a_tool_says_otherwise_when_it_is_asked_by_itself_is_no_excuse(
    control: tuple[int, str], asked: tuple[int, str]
) -> None:
    assert _probe(SCRIPT, "-g: unknown option", control, asked) == ""


@pytest.mark.parametrize(
    "said",
    [
        "Illegal 'forwarding-method' option with the 'add-server' command",
        "ipvs_add_dest: [No such process]",
        "illegal match specified",
        "the option -g: unknown option of something",
        "-q: unknown option",
        OBJECT,
        "",
    ],
)
def test_any_other_refusal_excuses_nothing(said: str) -> None:
    assert _probe(SCRIPT, said, LISTS, LACKS) == ""


def test_what_is_no_tool_of_dpvs_lacks_nothing() -> None:
    assert suspect(("ip", "-g", "link"), "-g: unknown option") is None
    assert suspect(("dpip", "-h"), OBJECT) is None
    # Quotes that are not closed are no command.
    assert script_suspicion("echo 'it; ipvsadm -g", "-g: unknown option") is not None
    assert script_suspicion("ipvsadm -g 'it", "-g: unknown option") is None
