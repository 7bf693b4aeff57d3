"""dpvs.conf: the tree and its errors, what is read from it, what is written for which version."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpvs_acceptance.dpvs.conf import (
    BondSpec,
    ConfError,
    ConfSpec,
    DeviceSpec,
    Item,
    NotInThisVersionError,
    PortQueues,
    Remark,
    TcpTimeouts,
    UdpTimeouts,
    WorkerSpec,
    check,
    parse,
    read_spec,
    render,
    write,
)
from dpvs_acceptance.dpvs.versions import Version, facts
from tests.dpvs.recorded import RECORDINGS
from tests.dpvs.test_versions import RELEASES

V1_8_10, V1_9_10, V1_10_2 = Version(1, 8, 10), Version(1, 9, 10), Version(1, 10, 2)
ARTICLE = (RECORDINGS / "v1.8.10" / "dpvs.conf").read_text(encoding="utf-8")


def two_arms(workers: int = 2) -> ConfSpec:
    """Two ports, a master and some workers, each with one queue of each port."""
    ports = ("dpdk0", "dpdk1")
    return ConfSpec(
        log_level="INFO",
        log_file="/var/log/dpvs.log",
        devices=tuple(
            DeviceSpec(name, workers, workers, 1024, 1024, "all", f"{name}.kni") for name in ports
        ),
        workers=(
            WorkerSpec("cpu0", "master", 0),
            *(
                WorkerSpec(
                    f"cpu{n + 1}",
                    "slave",
                    n + 1,
                    tuple(PortQueues(name, (n,), (n,)) for name in ports),
                )
                for n in range(workers)
            ),
        ),
    )


def test_the_tree_has_lines_marks_and_remarks() -> None:
    conf = parse(
        "! head\n"
        "global_defs {\n"
        "    <init> kni   off   <on, on|off>   # not here\n"
        '    log_file "/var/log/dpvs.log"\n'
        "}  ! end\n",
        "/etc/dpvs.conf",
    )
    assert conf.contents[0] == Remark("! head")
    kni = conf.get("global_defs", "kni")
    assert kni == Item("kni", ("off",), init=True, remark="# not here")
    assert kni is not None
    assert kni.line == 3
    log_file = conf.get("global_defs", "log_file")
    assert log_file is not None
    assert log_file.value == "/var/log/dpvs.log"
    assert conf.get("global_defs", "lldp") is None
    assert [path for path, _ in conf.walk()][1] == ("global_defs", "kni")


def test_the_last_of_several_counts() -> None:
    conf = parse("global_defs {\n kni on\n}\nglobal_defs {\n kni off\n}\n")
    assert read_spec(conf).kni is False


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("a {\n  b {\n}\n", 1, "a } that ends this block"),
        ("a {\n}\n}\n", 3, "no }, since no block is open"),
        ("a {\n} b {\n}\n", 2, "only a comment after }"),
        ("{\n}\n", 1, "a keyword before {"),
        ("a{\n}\n", 1, "spaces around"),
        ("a { b\n}\n", 1, "spaces around"),
        ("a <b\n", 1, "a > that ends the comment started with <"),
        ('a "b\n', 1, 'a closing "'),
    ],
)
def test_what_is_not_well_formed(text: str, line: int, expected: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse(text, "/etc/dpvs.conf")
    assert caught.value.line_number == line
    assert expected in caught.value.expected
    assert str(caught.value).startswith(f"/etc/dpvs.conf, line {line}: ")
    assert "that this suite does not support yet" not in str(caught.value)


def test_the_articles_configuration() -> None:
    spec = read_spec(parse(ARTICLE))
    assert (spec.log_level, spec.log_file) == ("DEBUG", "/path/to/dpvs/logs/dpvs.log")
    assert [device.name for device in spec.devices] == ["dpdk0", "dpdk1", "dpdk2", "dpdk3"]
    assert spec.devices[2] == DeviceSpec("dpdk2", 16, 16, 1024, 1024, "all", "dpdk2.kni")
    first, last = spec.workers
    assert first.ports[3] == PortQueues("dpdk3", (0,), (0,))
    assert (last.cpu_id, last.icmp_redirect) == (16, True)
    assert (spec.pktpool_size, spec.pktpool_cache) == (1048575, 256)
    assert ARTICLE.split("\n")[first.ports[1].line - 1] == "port dpdk1 {"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("worker_defs {\n worker cpu1 {\n type slave\n }\n}\n", "a cpu_id in this worker's block"),
        ("worker_defs {\n worker cpu1 {\n cpu_id one\n }\n}\n", "a number after cpu_id"),
        ("netif_defs {\n device {\n }\n}\n", "a name after device"),
        ("ipvs_defs {\n udp {\n uoa_mode ip\n }\n}\n", "one of opp ipo after uoa_mode"),
        ("global_defs {\n kni maybe\n}\n", "one of on off after kni"),
    ],
)
def test_what_cannot_be_read(text: str, expected: str) -> None:
    conf = parse(text)
    with pytest.raises(ConfError, match=expected):
        read_spec(conf)
    assert any(expected in str(problem) for problem in check(conf) if problem.fatal)


def test_defaults_are_dpvss_own() -> None:
    assert read_spec(parse("")) == ConfSpec()


@pytest.mark.parametrize("version", RELEASES, ids=str)
def test_what_is_written_is_known_to_its_version_and_read_back(version: Version) -> None:
    spec = two_arms(3)
    conf = parse(render(spec, version))
    assert [str(problem) for problem in check(conf, version=version, ports=2)] == []
    assert read_spec(conf) == spec
    known = facts(version).keywords
    assert all(path in known for path, _ in conf.walk())


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        (V1_8_10, "fdir {", "mbuf_fast_free"),
        (V1_8_10, "pballoc 64k", "kni on"),
        (V1_9_10, "<init> kni on", "fdir {"),
        (V1_9_10, "<init> fdir_mode perfect", "unix_domain"),
        (V1_10_2, "mbuf_fast_free on", "fdir {"),
        (V1_10_2, "oneway 300", "ipc_msg"),
    ],
)
def test_words_of_versions(version: Version, has: str, has_not: str) -> None:
    text = render(two_arms(), version)
    assert has in text
    assert has_not not in text


def test_order_that_dpvs_needs() -> None:
    spec = two_arms()
    redirecting = replace(spec.workers[2], icmp_redirect=True)
    text = render(replace(spec, workers=(*spec.workers[:2], redirecting)), V1_8_10)
    worker = text[text.index("worker cpu2") :]
    assert worker.index("type") < worker.index("cpu_id") < worker.index("icmp_redirect_core")


@pytest.mark.parametrize(
    ("spec", "version", "said"),
    [
        (ConfSpec(kni=False), V1_8_10, "has no global_defs/kni: 1.9.4 and later has it"),
        (ConfSpec(lldp=True), Version(1, 9, 6), "has no global_defs/lldp"),
        (ConfSpec(unix_domain="/run/x"), V1_10_2, "versions before 1.9.6 has it"),
        (
            ConfSpec(devices=(DeviceSpec("dpdk0", mbuf_fast_free=False),)),
            Version(1, 9, 8),
            "has no netif_defs/device/tx/mbuf_fast_free",
        ),
        (ConfSpec(devices=(DeviceSpec("dpdk0", mtu=9000),)), Version(1, 8, 8), "device/mtu"),
    ],
)
def test_what_a_version_cannot_say(spec: ConfSpec, version: Version, said: str) -> None:
    with pytest.raises(NotInThisVersionError, match=said):
        render(spec, version)


def test_names_that_would_break_the_file() -> None:
    spec = replace(two_arms(), log_file="/var/log/dpvs log }")
    with pytest.raises(ValueError, match="cannot hold the word"):
        render(spec, V1_10_2)


def problems(spec: ConfSpec, **known: int) -> list[str]:
    conf = parse(render(spec, V1_10_2), "dpvs.conf")
    return [str(problem) for problem in check(conf, version=V1_10_2, **known)]


def with_queues(spec: ConfSpec, worker: int, *ports: PortQueues) -> ConfSpec:
    workers = list(spec.workers)
    workers[worker] = replace(workers[worker], ports=ports)
    return replace(spec, workers=tuple(workers))


GOOD = two_arms()


@pytest.mark.parametrize(
    ("spec", "ports", "code"),
    [
        (
            with_queues(GOOD, 2, PortQueues("dpdk0", (0,), (1,)), PortQueues("dpdk1", (1,), (1,))),
            2,
            -2,
        ),
        (
            with_queues(GOOD, 2, PortQueues("dpdk0", (1,), (0,)), PortQueues("dpdk1", (1,), (1,))),
            2,
            -3,
        ),
        (
            with_queues(GOOD, 2, PortQueues("dpdk0", (2,), (1,)), PortQueues("dpdk1", (1,), (1,))),
            2,
            -4,
        ),
        (GOOD, 1, -5),
        (with_queues(GOOD, 2, PortQueues("dpdk0", (1,), (1,))), 2, -6),
        (with_queues(GOOD, 2, PortQueues("dpdk0", (1,)), PortQueues("dpdk1", (1,), (1,))), 2, -6),
        (replace(GOOD, workers=GOOD.workers[:1]), 2, -7),
    ],
)
def test_each_number_of_bad_lcore_configuration(spec: ConfSpec, ports: int, code: int) -> None:
    found = problems(spec, ports=ports)
    assert any(f"bad lcore configuration (error code: {code})" in sentence for sentence in found)


def test_a_sentence_names_both_places() -> None:
    spec = with_queues(GOOD, 2, PortQueues("dpdk0", (0,), (1,)), PortQueues("dpdk1", (1,), (1,)))
    text = render(spec, V1_10_2).split("\n")
    (sentence,) = [line for line in problems(spec) if "-2" in line]
    first = text.index("    <init> worker cpu1 {") + 4
    second = text.index("    <init> worker cpu2 {") + 4
    assert sentence == (
        f"dpvs.conf:{second}: cpu2: rx queue 0 of dpdk0 is already used by cpu1 (line {first}): "
        "DPVS exits with `bad lcore configuration (error code: -2)`"
    )


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (replace(GOOD, devices=GOOD.devices[:1]), "dpdk1 has no device block"),
        (replace(GOOD, devices=GOOD.devices * 2), "dpdk0 already has a block"),
        (
            replace(GOOD, workers=(*GOOD.workers, replace(GOOD.workers[2], name="cpu9"))),
            "cpu9 has cpu_id 2, already used by cpu2",
        ),
        (
            replace(GOOD, devices=(replace(GOOD.devices[0], rx_desc=1000), GOOD.devices[1])),
            "rx descriptor_number 1000 is not a power of two: DPVS takes 512",
        ),
        (
            replace(GOOD, devices=(replace(GOOD.devices[0], tx_desc=65535), GOOD.devices[1])),
            "tx descriptor_number 65535 is not 16 to 8192: DPVS takes 512",
        ),
        (
            replace(GOOD, devices=(replace(GOOD.devices[0], rx_queues=1), GOOD.devices[1])),
            "dpdk0: rx queue_number 1, but the workers list 2: DPVS sets up 2",
        ),
        (
            replace(GOOD, devices=(replace(GOOD.devices[0], rss="ip|tpc"), GOOD.devices[1])),
            "rss ip|tpc is not one of",
        ),
        (replace(GOOD, log_level="LOUD"), "log_level LOUD is not one of"),
        (replace(GOOD, conn_pool_size=1000), "conn_pool_size 1000 is below 65536"),
        (replace(GOOD, pktpool_size=100), "pktpool_size 100 is not 1023 to"),
        (
            replace(
                GOOD,
                workers=(
                    GOOD.workers[0],
                    replace(GOOD.workers[1], ports=GOOD.workers[1].ports[:1]),
                ),
            ),
            "dpdk1 is not listed by any worker: nothing is received on it",
        ),
        (
            replace(GOOD, workers=(*GOOD.workers, WorkerSpec("cpu7", "master", 7))),
            "cpu0, cpu7 are all of type master",
        ),
    ],
)
def test_other_mistakes(spec: ConfSpec, said: str) -> None:
    assert any(said in sentence for sentence in problems(spec)), problems(spec)


def test_ports_and_lcores_of_the_machine() -> None:
    conf = parse(render(GOOD, V1_10_2), "dpvs.conf")
    (few,) = check(conf, ports=3)
    assert "`ports in DPDK RTE (3) != ports in dpvs.conf(2)`" in str(few)
    (lcore,) = check(conf, lcores=[0, 1])
    assert "cpu2 has cpu_id 2, but EAL is started with lcores 0, 1" in str(lcore)
    assert check(conf, ports=2, lcores=[0, 1, 2]) == []


def test_a_block_of_another_version_loses_what_follows() -> None:
    conf = parse(render(GOOD, V1_8_10), "dpvs.conf")
    found = [problem for problem in check(conf, version=V1_10_2) if problem.fatal]
    assert len(found) == 2
    assert "has no netif_defs/device/fdir (versions before 1.9.0 has it)" in str(found[0])
    assert "ignores what follows" in str(found[0])


def test_keywords_without_and_with_a_block() -> None:
    conf = parse("netif_defs {\n rx\n}\nglobal_defs\nglobal_defs {\n log_level {\n }\n}\n")
    found = [str(problem) for problem in check(conf, version=V1_10_2)]
    assert any("has no netif_defs/rx (no version has it)" in sentence for sentence in found)
    assert any("global_defs needs a block" in sentence for sentence in found)
    assert any("log_level takes no block" in sentence for sentence in found)


def test_kni_worker_whose_type_comes_late() -> None:
    conf = parse("worker_defs {\n worker cpu5 {\n cpu_id 5\n type kni\n }\n}\n")
    assert any("type must come before cpu_id" in str(problem) for problem in check(conf))
    conf = parse("worker_defs {\n worker cpu0 {\n cpu_id 0\n type master\n }\n}\n")
    assert not any("must come before" in str(problem) for problem in check(conf))


WORDS = st.from_regex(r"[a-z0-9_./|:;=-]{1,12}", fullmatch=True).filter(
    lambda word: word != "<init>"
)
REMARKS = st.from_regex(r"[!#][ a-z0-9{}<>\"!#]{0,12}[a-z!#]", fullmatch=True)
CONTENTS = st.recursive(
    st.lists(
        st.builds(Remark, REMARKS)
        | st.builds(
            Item,
            WORDS,
            st.lists(WORDS | st.just(""), max_size=3).map(tuple),
            st.none(),
            st.booleans(),
            st.none() | REMARKS,
        ),
        max_size=4,
    ).map(tuple),
    lambda inside: st.lists(
        st.builds(
            Item,
            WORDS,
            st.lists(WORDS, max_size=2).map(tuple),
            inside,
            st.booleans(),
            st.none() | REMARKS,
        ),
        max_size=3,
    ).map(tuple),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, database=None)
@given(CONTENTS)
def test_tree_round_trip(contents: tuple[Item | Remark, ...]) -> None:
    assert parse(write(contents)).contents == contents


NAMES = st.from_regex(r"[a-z][a-z0-9.]{0,10}", fullmatch=True)
NUMBERS = st.integers(0, 2**31)
QUEUES = st.lists(st.integers(0, 15), max_size=3).map(tuple)
SPECS = st.builds(
    ConfSpec,
    st.none() | st.sampled_from(("INFO", "DEBUG")),
    st.none() | st.just("/var/log/dpvs.log"),
    st.lists(
        st.builds(
            DeviceSpec,
            NAMES,
            st.none() | st.integers(0, 16),
            st.none() | st.integers(0, 16),
            NUMBERS,
            NUMBERS,
            st.sampled_from(("all", "tcp|udp")),
            st.none() | NAMES,
            st.booleans(),
            NUMBERS,
            st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    st.lists(
        st.builds(
            BondSpec,
            NAMES,
            st.integers(0, 6),
            st.lists(NAMES, max_size=3).map(tuple),
            st.none() | NAMES,
            NUMBERS,
            st.none() | st.booleans(),
            st.none() | NAMES,
        ),
        max_size=2,
    ).map(tuple),
    st.lists(
        st.builds(
            WorkerSpec,
            NAMES,
            st.sampled_from(("master", "slave", "kni")),
            st.integers(0, 127),
            st.lists(st.builds(PortQueues, NAMES, QUEUES, QUEUES), max_size=3).map(tuple),
            st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("opp", "ipo")),
    NUMBERS,
    st.builds(TcpTimeouts, *[NUMBERS] * 12),
    st.builds(UdpTimeouts, *[NUMBERS] * 3),
    st.booleans(),
    st.none(),
    NUMBERS,
)


@settings(max_examples=60, deadline=None, database=None)
@given(SPECS)
def test_spec_round_trip(spec: ConfSpec) -> None:
    conf = parse(render(spec, V1_10_2))
    assert read_spec(conf) == spec
    for problem in check(conf, version=V1_10_2, ports=2, lcores=[0, 1]):
        assert str(problem).endswith(problem.sentence)


@settings(max_examples=60, deadline=None, database=None)
@given(st.text(alphabet='ab{}<>!#" \n\t1\x00\u00e9', max_size=60))
def test_any_text_is_a_tree_or_an_error_with_its_line(text: str) -> None:
    error: ConfError | None = None
    try:
        parse(text)
    except ConfError as raised:
        error = raised
    assert error is None or 1 <= error.line_number <= len(text.split("\n"))


def test_1_8_says_unix_domain_and_flow_filter() -> None:
    spec = replace(GOOD, unix_domain="/var/run/dpvs_ctrl")
    text = render(spec, V1_8_10)
    assert "unix_domain /var/run/dpvs_ctrl" in text
    assert read_spec(parse(text)) == spec
    assert facts(V1_8_10).ipc_path == "/var/run/dpvs_ctrl"
    without_flows = replace(GOOD, sa_pool_flow=False)
    for version in (V1_8_10, V1_9_10):
        assert read_spec(parse(render(without_flows, version))) == without_flows
