"""Files of anybody's: a clear error or a model, never a traceback; no value acts in a shell."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import string
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpvs_acceptance.bringup.plan import make_plan
from dpvs_acceptance.dpvs.versions import UnknownVersionError, Version
from dpvs_acceptance.dpvs.versions import facts as version_facts
from dpvs_acceptance.hosts.batch import Read
from dpvs_acceptance.model.bench import Bench, load_bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.site import SUITE, Site
from dpvs_acceptance.model.topology import Topology, load_topology
from dpvs_acceptance.observed.reading import dut_sections
from dpvs_acceptance.verdict.waivers import load_waivers
from fixtures.options import find

from .benched import ROOT

FILES = {
    "topology": ROOT / "topologies/fnat-two-arm.yaml",
    "bench": ROOT / "benches/lb01.example.yaml",
}
TEXTS = {name: path.read_text() for name, path in FILES.items()}
DATA = {name: yaml.safe_load(text) for name, text in TEXTS.items()}


def _more(name: str, **fields: Any) -> Any:
    return yaml.safe_load((ROOT / f"topologies/{name}.yaml").read_text()) | fields


def _of_software_ports() -> Any:
    bench = copy.deepcopy(DATA["bench"])
    nic = bench["dut"]["nics"][0]
    del nic["pci"], nic["kernel_driver"]
    nic |= {"vdev": "net_af_packet0", "vdev_arguments": "iface=eth2"}
    bench["dut"] |= {"machine_id": "0" * 32}
    bench["dut"]["dpvs"] |= {"eal_arguments": ["--file-prefix=x"]}
    return bench | {"ssh_config": "ssh_config"}


def _of_a_bond() -> Any:
    bench = copy.deepcopy(DATA["bench"])
    first = bench["dut"]["nics"][1]
    wan = first.pop("link")
    more = {"name": "eth5", "pci": "0000:82:00.1", "mac": "aa:bb:cc:23:33:36"}
    bench["dut"]["nics"] += [first | more]
    bench["dut"]["nics"][0]["links"] = ["tagged"]
    cable = {name: f"switchctl {name} {{nic}}" for name in ("unplug", "silence", "restore")}
    members = [first["pci"], more["pci"]]
    bond = {"name": "bond0", "link": wan, "mode": 1, "members": members, "cable": cable}
    bench["dut"]["bonds"] = [bond | {"primary": first["pci"]}]
    return bench


def _of_keepalived() -> Any:
    """All that may be said of checks; two services have all kinds between them."""
    topology = _more("keepalived", requirements=["seed"])
    web, _, *rest = topology["services"]
    check = {"check": "http", "digest": "0" * 32, "virtualhost": "www.example", "path": "/a"}
    web["health"] = check | {"quorum_up": "/bin/up", "quorum_down": "/bin/down"}
    rest[0]["health"] = {"check": "misc", "script": "/bin/check"}
    return topology


# Where every field is that can hold text.
EVERY: dict[str, tuple[type[Topology | Bench], Any]] = {
    "topology": (Topology, DATA["topology"]),
    "topology of SNAT": (Topology, _more("snat-two-arm")),
    "topology of many": (
        Topology,
        _more("services-200", requirements=["seed"], hugepages={"per_node": 28672, "mount": "/x"}),
    ),
    "topology of keepalived": (Topology, _of_keepalived()),
    "bench": (Bench, DATA["bench"]),
    "bench with a bond": (Bench, _of_a_bond()),
    "bench of software ports": (Bench, _of_software_ports()),
}

# Behind a value that is as it should be, or in its place.
INJECTIONS = (
    *(f"{mark}touch /tmp/x" for mark in (";", "|", "||", "&", "&&", "\n", "\r\n", ">", " ", "#")),
    *("$(touch /tmp/x)", "`touch /tmp/x`", "${IFS}touch", "$((1+1))", "$HOME", "~root", "*", "?"),
    *("'; touch /tmp/x; '", '"; touch /tmp/x; "', "'$(touch /tmp/x)'", '"$(touch /tmp/x)"'),
    *("\\", "'", '"', "\x00", "\x1b]0;x\x07", "\u202e", "\u2028touch", "{a,b}", "[a]", "!!"),
    *(
        "%;reboot",
        "%$(reboot)",
        "%;touch /tmp/x",
        "%$(touch /tmp/x)",
        "\t-o",
        " -oProxyCommand=x",
    ),
    *("<(touch /tmp/x)", ">/etc/fstab", "<<E", "=x;touch", "END-OF-FILE\ntouch /tmp/x"),
)


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every text in a declaration, names that are keys included."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, ("key", key))
            yield from _leaves(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _leaves(value, (*path, index))
    elif isinstance(data, str):
        yield path


def _with(data: Any, path: tuple[Any, ...], new: str) -> Any:
    changed = copy.deepcopy(data)
    place = changed
    for step in path[:-1]:
        place = place[step]
    last = path[-1]
    if isinstance(last, tuple):
        place[new] = place.pop(last[1])
    else:
        place[last] = new
    return changed


def _old(data: Any, path: tuple[Any, ...]) -> str:
    if isinstance(path[-1], tuple):
        return str(path[-1][1])
    for step in path:
        data = data[step]
    return str(data)


def _everything_sent(topology: Topology, bench: Bench) -> str:
    """All sh text that is made of these declarations."""
    facts = version_facts(Version.parse(bench.dut.dpvs.version))
    texts: list[str] = []
    for kni in (True, False):
        for stage in make_plan(deploy(topology, bench, kni=kni), facts).stages:
            for change in stage.changes:
                texts += [change.id, change.title, change.apply, change.done or ""]
                texts += [change.verify or "", change.undo or "", change.capture_undo or ""]
    for read in dut_sections(bench, topology, facts).values():
        texts.append(read.command if isinstance(read, Read) else read)
    texts += bench.hosts.values()
    return "\n".join(texts)


def _placed(bench: Bench, topology: Topology) -> Bench:
    """The bench with its clients where the topology has them."""
    clients = {
        name: bench.clients[name].model_copy(update={"link": client.link})
        for name, client in topology.clients.items()
    }
    return bench.model_copy(update={"clients": clients})


# Words for people, and names of files on the runner: they are in no text that is sent. Commands for
# a switch are sent by the checks of bonds, as they stand.
_FREE = {
    *(("title",), ("source",), ("ssh_config",), ("dut", "machine_id")),
    *(("dut", "bonds", 0, "cable", name) for name in ("unplug", "silence", "restore")),
}


# Commands and paths for keepalived: they are lines of its file, and nowhere else.
_OF_A_FILE = {"path", "script", "quorum_up", "quorum_down"}
_FILE = re.compile(r"<<'(END-OF-FILE-*)'\n.*?\n\1$", re.DOTALL | re.MULTILINE)


def _names(schema: Any, root: Any, name: str, seen: frozenset[str]) -> Iterator[str]:
    """The names of all fields of a schema that may hold any text; `x*` where x is a list."""
    if "$ref" in schema:
        if schema["$ref"] in seen:
            return
        seen |= {schema["$ref"]}
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "string" and not {"enum", "const"} & set(schema):
        yield name
    for one in (*schema.get("anyOf", ()), schema.get("additionalProperties")):
        yield from _names(one, root, name, seen) if isinstance(one, dict) else ()
    for one in (*schema.get("prefixItems", ()), schema.get("items")):
        yield from _names(one, root, f"{name}*", seen) if isinstance(one, dict) else ()
    for key, one in schema.get("properties", {}).items():
        yield from _names(one, root, key, seen)


def test_every_field_of_text_is_tried() -> None:
    tried: dict[type[Topology | Bench], set[str]] = {Topology: set(), Bench: set()}
    for model, data in EVERY.values():
        model.model_validate(data)
        for path in _leaves(data):
            words = [str(word) for word in path if not isinstance(word, int | tuple)]
            lists = "*" * sum(isinstance(word, int) for word in path[-1:])
            tried[model] |= {words[-1] + lists} if words else set()
            # A text by a name that is anybody's to choose, as a service's or an option's.
            tried[model] |= {words[-2]} if len(words) > 1 else set()
    for model, names in tried.items():
        schema = model.model_json_schema()
        assert set(_names(schema, schema, "", frozenset())) - names <= {"path"}


@pytest.mark.parametrize("which", EVERY)
def test_no_value_acts_in_a_shell(which: str) -> None:
    model, data = EVERY[which]
    found = model.model_validate(data)
    topology = found if isinstance(found, Topology) else Topology.model_validate(DATA["topology"])
    bench = found if isinstance(found, Bench) else Bench.model_validate(DATA["bench"])
    if isinstance(found, Topology):
        bench = _placed(bench, found)
    as_ever = _everything_sent(topology, bench)
    outside = _FILE.sub("<<FILE", as_ever)
    assert len(set(INJECTIONS)) >= 40
    tried = 0
    for path in _leaves(data):
        for injection in INJECTIONS:
            for value in (injection, _old(data, path) + injection):
                tried += 1
                try:
                    found = model.model_validate(_with(data, path, value))
                except ValueError:
                    continue
                of_a_file = path[-1] in _OF_A_FILE
                assert of_a_file or path in _FREE, (path, value)
                sent = _everything_sent(
                    found if isinstance(found, Topology) else topology,
                    found if isinstance(found, Bench) else bench,
                )
                if of_a_file:
                    assert _FILE.sub("<<FILE", sent) == outside
                else:
                    assert sent == as_ever
    assert tried > 3000


@pytest.mark.parametrize("scope", ["eth0", ";reboot", "$(reboot)", "x y"])
def test_an_address_has_no_scope(scope: str) -> None:
    """Python takes anything behind the % for the name of an interface."""
    assert str(ip_address(f"2001:db8:96::101%{scope}")).endswith(scope)
    data = _with(DATA["topology"], ("clients", "client1", "address6"), f"2001:db8:96::101%{scope}")
    with pytest.raises(ValueError, match="address6"):
        Topology.model_validate(data)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(string.ascii_lowercase, max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data if isinstance(data, list) else ())
    )
    for key, value in items:
        yield from _paths(value, (*path, key))


def _load(which: str, path: Path) -> None:
    """As the suite does at its start: whatever goes wrong is a DeclarationError."""
    topology = load_topology(path if which == "topology" else FILES["topology"])
    bench = load_bench(path if which == "bench" else FILES["bench"])
    facts = version_facts(Version.parse(bench.dut.dpvs.version))
    make_plan(deploy(topology, bench), facts)


_fuzz = settings(
    max_examples=int(os.environ.get("FUZZ", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_fuzz
@given(data=st.data())
@pytest.mark.parametrize("which", ["topology", "bench"])
def test_any_value_anywhere(which: str, data: st.DataObject, tmp_path: Path) -> None:
    path = data.draw(st.sampled_from([*_paths(DATA[which])]))
    value = data.draw(_json)
    changed = copy.deepcopy(DATA[which])
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file = tmp_path / "file.yaml"
    file.write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
    _clear(which, file)


@_fuzz
@given(data=st.data())
@pytest.mark.parametrize("which", ["topology", "bench"])
def test_any_text(which: str, data: st.DataObject, tmp_path: Path) -> None:
    text = TEXTS[which]
    at = data.draw(st.integers(0, len(text)))
    gone = data.draw(st.integers(0, 40))
    new = data.draw(
        st.text(max_size=12)
        | st.sampled_from(
            [
                "&a ",
                "*a",
                "!!python/name:os.system ",
                "{",
                "[",
                "- ",
                ": ",
                "\t",
                "%",
                "---\n",
                "? ",
                "<<: *a",
                "\ufeff",
                "\x85",
            ]
        )
    )
    file = tmp_path / "file.yaml"
    file.write_bytes((text[:at] + new + text[at + gone :]).encode("utf-8", "surrogatepass"))
    _clear(which, file)


@_fuzz
@given(content=st.binary(max_size=200))
def test_any_bytes_for_waivers(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_bytes(content)
    with contextlib.suppress(DeclarationError):
        load_waivers(file, ["S01"])


def _clear(which: str, file: Path) -> None:
    with contextlib.suppress(DeclarationError, UnknownVersionError):
        _load(which, file)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1, 2]\nb: *x\n",
        "&a [*a]\n",
        "!!python/object/apply:os.system ['touch /tmp/x']\n",
        "[" * 5000,
        "{" * 5000 + "a",
        "a: " * 3000,
        "- " * 5000 + "a",
        "'" * 99999,
        "a: 2026-99-99\n",
        "? [a]\n: b\n",
        "? {a: b}\n: c\n",
        "1: 2\n",
        "a: !!binary x\n",
        "a: .nan\nb: .inf\nc: 1e999\nd: 0x7fffffffffffffffffff\n",
        "\x00",
        "\ud800",
        "",
        "---\na: b\n---\nc: d\n",
        "<<: {a: b}\n",
        "title: !!timestamp x\n",
    ],
)
@pytest.mark.parametrize("which", ["topology", "bench", "waivers"])
def test_yaml_that_is_up_to_no_good(which: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DeclarationError) as caught:
        load_waivers(file, ["S01"]) if which == "waivers" else _load(which, file)
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 20_000


@pytest.mark.parametrize(
    "name", ["..", ".", ".git", "a b", "", "lb01\n", "-x", "$HOME", "lb01\x00"]
)
@pytest.mark.parametrize(("option", "folder"), [("host", "benches"), ("topology", "topologies")])
def test_a_name_stays_in_its_folder(option: str, folder: str, name: str) -> None:
    with pytest.raises(DeclarationError, match=f"--{option}="):
        find(Site(SUITE), option, folder, name)
