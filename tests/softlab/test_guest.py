"""The virtual machine of a lab, as far as none has to be started for it."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from softlab.asked import read_spec
from softlab.bench import bench
from softlab.guest import image, machine, recipe, seed
from softlab.guest.running import build_problem
from softlab.spec import HOSTS, LabSpec, SpecError
from softlab.ssh import CLIENT_KEY, host_key

GUEST = LabSpec(machine="guest")
DUT = next(host for host in HOSTS if host.role == "dut")


def words(spec: LabSpec, *, second: bool) -> list[str]:
    disks = machine.Disks(*(Path(f"/disks/{name}") for name in ("k", "i", "root", "seed")))
    taps = {nic.name: f"lb01-{nic.name}" for nic in spec.nics}
    management = ("lb01-m", DUT.mac(0))
    return machine.command(
        spec.nics, management, taps, disks, Path("/lab"), accelerator="tcg", second=second
    )


def test_a_link_s_tap_is_shared_by_a_nic_and_the_one_of_its_frames() -> None:
    for second, times in ((False, 1), (True, 2)):
        said = " ".join(words(GUEST, second=second))
        for nic in GUEST.nics:
            assert said.count(f"mac={nic.mac}") == times
            assert said.count(f"ifname=lb01-{nic.name},") == 1


def test_each_nic_is_on_the_bus_that_the_bench_says() -> None:
    said = words(GUEST, second=True)
    ports = [word for word in said if word.startswith("pcie-root-port")]
    for nic in GUEST.nics:
        device = next(word for word in said if f"mac={nic.mac}" in word)
        port = device.rpartition("bus=")[2]
        place = next(word for word in ports if f"id={port}," in word)
        assert f"bus=node{nic.numa_node}," in place
        slot = int(place.partition("addr=")[2].split(",")[0], 16)
        assert f"0000:{machine.BUS[nic.numa_node] + 1 + slot:02x}:00.0" == nic.pci


def test_its_bench_has_its_nics_and_what_memory_there_is() -> None:
    found = bench(GUEST)
    assert (found["name"], found["kind"]) == ("vmlab", "simulation")
    assert [nic["numa_node"] for nic in found["dut"]["nics"]] == [0, 1, 1]
    build = bench(replace(GUEST, device="build", dpvs_home=Path("/build")))
    assert [nic["kernel_driver"] for nic in build["dut"]["nics"]] == ["e1000e", "vmxnet3"]
    pages = found["dut"]["hugepages_per_node"]
    assert pages * 2 < machine.MEMORY_MB


def test_versions_whose_module_debian_lacks_are_refused() -> None:
    text = '{"machine": "guest", "dpvs_version": "1.9.10"}'
    with pytest.raises(SpecError, match=r"lab.json: dpvs_version: 1.9.10 needs rte_kni.ko"):
        read_spec(text, "lab.json")
    with pytest.raises(SpecError, match='machine: expected "namespaces" or "guest", found'):
        read_spec('{"machine": "moon"}', "lab.json")


def test_the_tar_has_keys_the_simulated_dpvs_and_its_nics(tmp_path: Path) -> None:
    for name in (f"{CLIENT_KEY}.pub", host_key(DUT), f"{host_key(DUT)}.pub"):
        (tmp_path / name).write_text(f"{name}\n")
    seed.write(tmp_path / "seed.tar", GUEST, DUT, tmp_path)
    with tarfile.open(tmp_path / "seed.tar") as tar:
        names = tar.getnames()
        key = tar.getmember("etc/ssh/ssh_host_ed25519_key")
        nics = tar.extractfile(seed.NICS)
        assert nics is not None
        pairs = [(one["pci"], one["second"]) for one in json.load(nics)]
    assert key.mode == 0o600
    assert {"opt/dpvs/bin/dpvs", "usr/sbin/dpip", "opt/softlab/guest/driver.py"} <= {*names}
    assert len({address for pair in pairs for address in pair}) == 2 * len(GUEST.nics)
    seed.write(tmp_path / "build.tar", replace(GUEST, device="build"), DUT, tmp_path)
    with tarfile.open(tmp_path / "build.tar") as tar:
        assert not [name for name in tar.getnames() if "dpvs" in name or "softlab" in name]


def test_the_cache_is_where_the_user_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert image.cache() == Path("/caches/dpvs-acceptance")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert image.cache() == Path.home() / ".cache/dpvs-acceptance"


def test_another_recipe_is_another_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe.digest()
    assert recipe.digest() == before
    monkeypatch.setattr(recipe, "PACKAGES", (*recipe.PACKAGES, "hello"))
    assert recipe.digest() != before


def test_a_machine_without_the_programs_names_their_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(image.ImageError, match="apt-get install mmdebstrap e2fsprogs"):
        image.ensure()


@pytest.mark.parametrize(
    ("status", "said", "problem"),
    [
        (0, "dpvs version: 1.10-2", None),
        (132, "", "the virtual machine's CPU lacks an instruction of it (it ended with SIGILL); "),
        (
            1,
            'ERROR: This system does not support "AVX512F".\nPlease check that RTE_MACHINE is set',
            "the virtual machine's CPU lacks AVX512F; build DPDK with -Dplatform=generic, ",
        ),
        (
            127,
            "dpvs: error while loading shared libraries: libx.so.1: cannot open shared object "
            "file: No such file or directory",
            "libx.so.1 is not in the virtual machine, ",
        ),
        (1, "one\ntwo\n", "two"),
        (1, "", "it ended with status 1"),
    ],
)
def test_why_a_build_does_not_run_is_one_sentence(
    status: int, said: str, problem: str | None
) -> None:
    found = build_problem(status, said)
    assert found is None if problem is None else (found or "").startswith(problem)
