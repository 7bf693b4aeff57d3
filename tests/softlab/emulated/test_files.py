"""How the model is shown as files, and what is laid into the host's root."""

import subprocess
from pathlib import Path

import pytest

from softlab.emulated import prepare
from softlab.emulated.catalogue import MODULES
from softlab.emulated.commands import lspci, module_files
from softlab.emulated.controls import store
from softlab.emulated.files import render
from softlab.emulated.layout import devbind, module_file
from softlab.emulated.modules import vermagic
from softlab.emulated.sources import source_files
from softlab.emulated.spec import SpecError, read_spec
from softlab.emulated.state import Hardware, power_on
from softlab.emulated.text import mask, ranges
from softlab.emulated.tree import Directory, File, Link, Real, Tree

RELEASE = "3.10.0-1160.36.2.el7.x86_64"


def shown(hardware: Hardware, path: str) -> str:
    entry = render(hardware, {"eth2": "0000:04:00.0"}).find(path)
    assert isinstance(entry, File), (path, entry)
    return entry.data.decode()


@pytest.mark.parametrize(
    ("numbers", "as_ranges", "as_mask"),
    [
        ([], "", "0"),
        ([0], "0", "1"),
        ([0, 1, 2, 8], "0-2,8", "107"),
        ([1, 3], "1,3", "a"),
        (list(range(40)), "0-39", "ff,ffffffff"),
    ],
)
def test_sets_are_written_as_the_kernel_writes_them(
    numbers: list[int], as_ranges: str, as_mask: str
) -> None:
    assert (ranges(numbers), mask(numbers)) == (as_ranges, as_mask)


def test_every_link_leads_somewhere() -> None:
    tree = render(power_on(read_spec({}), RELEASE), {"eth2": "0000:04:00.0"})
    links = {path: entry for path, entry in tree.entries.items() if isinstance(entry, Link)}
    assert len(links) > 50
    for path, link in links.items():
        parts = path.split("/")[:-1]
        for step in link.target.split("/"):
            parts = parts[:-1] if step == ".." else [*parts, step]
        assert tree.find("/".join(parts)) is not None, (path, link.target)


def test_pages_show_on_their_node_and_in_meminfo() -> None:
    hardware = store(power_on(read_spec({}), RELEASE), ("node_hugepages", "1", "2048"), "512\n")
    pool = "sys/devices/system/node/node1/hugepages/hugepages-2048kB"
    assert shown(hardware, f"{pool}/nr_hugepages") == "512\n"
    assert shown(hardware, f"{pool}/free_hugepages") == "512\n"
    assert shown(hardware, pool.replace("node1", "node0") + "/nr_hugepages") == "0\n"
    node = shown(hardware, "sys/devices/system/node/node1/meminfo").splitlines()
    assert node[1] == f"Node 1 MemFree:        {(64494 - 1391 - 1024) * 1024} kB"
    assert node[3] == "Node 1 HugePages_Total:   512"
    assert "HugePages_Total:     512\n" in shown(hardware, "proc/meminfo")
    assert shown(hardware, "proc/nr_hugepages") == "512\n"


def test_smt_doubles_the_cpus_and_pairs_them() -> None:
    cpu = "sys/devices/system/cpu"
    off, on = (power_on(read_spec({"smt": value}), RELEASE) for value in ("0", "1"))
    assert [shown(each, f"{cpu}/smt/active") for each in (off, on)] == ["0\n", "1\n"]
    assert [shown(each, f"{cpu}/online") for each in (off, on)] == ["0-19\n", "0-39\n"]
    siblings = f"{cpu}/cpu3/topology/thread_siblings_list"
    assert [shown(each, siblings) for each in (off, on)] == ["3\n", "3,23\n"]


def test_an_iommu_shows_where_there_is_one() -> None:
    for has_one in (True, False):
        tree = render(power_on(read_spec({"iommu": has_one}), RELEASE), {})
        assert tree.names("sys/class/iommu") == (("dmar0",) if has_one else ())


def test_a_netdev_shows_only_while_the_kernel_has_the_nic() -> None:
    hardware = power_on(read_spec({}), RELEASE)
    link = render(hardware, {"eth2": "0000:04:00.0"}).find("sys/class/net/eth2")
    assert isinstance(link, Link)
    assert link.target.endswith("/0000:04:00.0/net/eth2")
    without = store(hardware, ("unbind", "ixgbe"), "0000:04:00.0")
    tree = render(without, {"eth2": "0000:04:00.0"})
    assert "sys/class/net/eth2" not in tree.entries
    assert "sys/bus/pci/drivers/ixgbe/0000:04:00.0" not in tree.entries


def test_a_tree_hides_and_lets_through() -> None:
    tree = Tree.of(
        {
            "": Directory(),
            "a": Directory("/real/a", hide=("secret*",)),
            "a/own": File(b"x"),
            "b/c": Link("../a"),
        }
    )
    assert tree.find("a/own") == File(b"x")
    assert tree.find("a/other/deep") == Real("/real/a/other/deep")
    assert tree.find("a/secrets") is None
    assert tree.find("a/secrets/deep") is None
    assert tree.find("b") == Directory()
    assert tree.find("b/d") is None
    assert tree.names("") == ("a", "b")


def test_lspci_prints_the_articles_lines() -> None:
    space = bytearray(64)
    space[0:4], space[8], space[10:12] = b"\x86\x80\xfb\x10", 1, b"\x00\x02"
    device = lspci.Device("0000:01:00.0", bytes(space), "ixgbe", "0")
    assert lspci.listing([device], lspci.Options()) == (
        "01:00.0 Ethernet controller: Intel Corporation 82599ES 10-Gigabit SFI/SFP+ Network "
        "Connection (rev 01)\n"
    )
    assert lspci.asked_often([device]) == (
        "Slot:\t0000:01:00.0\nClass:\tEthernet controller [0200]\nVendor:\tIntel Corporation "
        "[8086]\nDevice:\t82599ES 10-Gigabit SFI/SFP+ Network Connection [10fb]\nRev:\t01\n"
        "Driver:\tixgbe\nModule:\tixgbe\n\n"
    )


def test_a_modules_file_tells_what_the_module_is(tmp_path: Path) -> None:
    path = tmp_path / "rte_kni.ko"
    path.write_bytes(module_file(MODULES["rte_kni"], vermagic(RELEASE)))
    fields = module_files.read(path)
    assert f"vermagic={RELEASE} SMP mod_unload modversions " in fields
    assert "name=rte_kni" in fields
    assert any(field.startswith("parm=carrier:") for field in fields)
    path.write_text("name=rte_kni\0vermagic=x\0")
    assert module_files.read(path) == []


@pytest.mark.parametrize("version", ["1.8.10", "1.9.10", "1.10.2"])
def test_every_patch_can_be_taken_back_but_the_one_that_is_missing(
    tmp_path: Path, version: str
) -> None:
    names = [path.stem for path in source_files(read_spec({"dpvs_version": version}))]
    names = [name for name in names if name[:4].isdigit()]
    missing = names[3]
    spec = read_spec({"dpvs_version": version, "unapplied_patches": [missing]})
    for path, text in source_files(spec).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    undone = {}
    for patch in sorted(tmp_path.glob("src/patch/dpdk-*/*.patch")):
        command = ["patch", "-p1", "-R", "-f", "--dry-run", "-i", str(patch)]
        done = subprocess.run(command, cwd=tmp_path / "dpdk", capture_output=True, check=False)
        undone[patch.stem] = done.returncode == 0
    assert undone == {name: name != missing for name in names}


@pytest.mark.parametrize(
    ("version", "has_kni"), [("1.8.10", True), ("1.9.10", True), ("1.10.2", False)]
)
def test_kni_has_a_module_up_to_1_9(tmp_path: Path, version: str, has_kni: bool) -> None:
    prepare(tmp_path, {"dpvs_version": version})
    kmod = tmp_path / "opt/dpvs/dpdk/kmod"
    assert (kmod / "igb_uio.ko").exists()
    assert (kmod / "rte_kni.ko").exists() == has_kni


def test_the_binding_tool_is_upstreams_own(tmp_path: Path) -> None:
    prepare(tmp_path, {})
    tool = tmp_path / "opt/dpvs/dpdk/usertools/dpdk-devbind.py"
    assert tool.read_bytes() == devbind().read_bytes()
    assert (tmp_path / "usr/local/sbin/dpdk-devbind.py").readlink() == Path(
        "/opt/dpvs/dpdk/usertools/dpdk-devbind.py"
    )


def test_the_machines_own_root_is_refused() -> None:
    with pytest.raises(ValueError, match="a host's own root directory"):
        prepare(Path("/"), {})


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"numa_nodes": {"0": 1, "2": 1}}, "without a gap"),
        ({"smt": "on"}, 'smt: expected "0" or "1"'),
        ({"dpvs_version": "latest"}, "dpvs_version"),
        ({"nics": [{"name": "eth2", "pci": "04:00.0"}]}, "eth2: expected such as 0000:04:00.0"),
        ({"nics": [{"name": "eth2", "pci": "0000:04:00.0", "numa_node": 5}]}, "no NUMA node 5"),
        ({"nics": [{"name": "eth2", "pci": "0000:04:00.0", "model": "x"}]}, "model"),
    ],
)
def test_a_bad_spec_is_named(raw: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read_spec(raw)
