"""Kernel modules and PCI drivers of the model."""

import errno

import pytest

from softlab.emulated import memory, modules, pci
from softlab.emulated.catalogue import MODULES
from softlab.emulated.controls import store
from softlab.emulated.spec import read_spec
from softlab.emulated.state import Hardware, RefusedError, power_on

RELEASE = "3.10.0-1160.36.2.el7.x86_64"
FIRST, SECOND = "0000:04:00.0", "0000:04:00.1"


@pytest.fixture
def machine() -> Hardware:
    return power_on(read_spec({}), RELEASE)


def load(hardware: Hardware, name: str, *arguments: str) -> Hardware:
    return modules.load(hardware, MODULES[name], modules.vermagic(RELEASE), arguments)


def refusal(what: object) -> int:
    with pytest.raises(RefusedError) as refused:
        what()  # type: ignore[operator]
    return refused.value.errno


def with_igb_uio(hardware: Hardware) -> Hardware:
    return load(modules.load_with_dependencies(hardware, "uio", ()), "igb_uio")


def bound(hardware: Hardware, *addresses: str) -> Hardware:
    """As dpdk-devbind.py does it."""
    for address in addresses:
        hardware = store(hardware, ("unbind", "ixgbe"), address)
        hardware = store(hardware, ("driver_override", address), "igb_uio")
        hardware = store(hardware, ("bind", "igb_uio"), address)
        hardware = store(hardware, ("driver_override", address), "\0")
    return hardware


def test_a_module_without_what_it_needs_has_unknown_symbols(machine: Hardware) -> None:
    assert refusal(lambda: load(machine, "igb_uio")) == errno.ENOENT
    assert "igb_uio" in with_igb_uio(machine).modules


def test_a_module_goes_in_once(machine: Hardware) -> None:
    assert refusal(lambda: load(with_igb_uio(machine), "igb_uio")) == errno.EEXIST
    assert refusal(lambda: load(machine, "ixgbe")) == errno.EEXIST


def test_a_module_for_another_kernel_is_refused(machine: Hardware) -> None:
    wrong = modules.vermagic("3.10.0-1160.el7.x86_64")
    what = lambda: modules.load(machine, MODULES["uio"], wrong, ())  # noqa: E731
    assert refusal(what) == errno.ENOEXEC


def test_modprobe_brings_what_is_needed_and_takes_it_away_again(machine: Hardware) -> None:
    loaded = modules.load_with_dependencies(machine, "vhost_net", ())
    assert set(loaded.modules) - set(machine.modules) == {"vhost_net", "vhost", "tap", "tun"}
    assert "vhost-net" in modules.device_nodes(loaded)
    assert modules.load_with_dependencies(loaded, "vhost-net", ()) == loaded
    assert modules.remove_with_unused(loaded, "vhost_net").modules == machine.modules


def test_modprobe_does_not_know_modules_from_elsewhere(machine: Hardware) -> None:
    for name in ("igb_uio", "rte_kni", "no_such"):
        what = lambda name=name: modules.load_with_dependencies(machine, name, ())  # noqa: E731
        assert refusal(what) == errno.ENOENT


def test_a_module_in_use_stays(machine: Hardware) -> None:
    hardware = with_igb_uio(machine)
    assert refusal(lambda: modules.remove(hardware, "uio")) == errno.EBUSY
    assert refusal(lambda: modules.remove(hardware, "vfio")) == errno.ENOENT
    assert "uio" not in modules.remove(modules.remove(hardware, "igb_uio"), "uio").modules


def test_a_dpdk_process_keeps_the_module_of_its_ports(machine: Hardware) -> None:
    hardware = modules.open_ports(bound(with_igb_uio(machine), FIRST, SECOND), 3)
    assert modules.uses(hardware, "igb_uio") == 2
    assert refusal(lambda: modules.remove(hardware, "igb_uio")) == errno.EBUSY
    left = modules.remove(memory.release(hardware, 3), "igb_uio")
    assert [left.devices[address].driver for address in (FIRST, SECOND)] == [None, None]


def test_kni_takes_carrier_on_or_off_and_nothing_else(machine: Hardware) -> None:
    def carrier(*arguments: str) -> str:
        return load(machine, "rte_kni", *arguments).modules["rte_kni"].parameters["carrier"]

    assert (carrier("carrier=on"), carrier("carrier=off"), carrier()) == ("on", "off", "(null)")
    assert refusal(lambda: carrier("carrier=yes")) == errno.EINVAL


def test_an_unknown_parameter_is_only_logged(machine: Hardware) -> None:
    hardware = load(machine, "uio", "colour=red")
    assert "uio: unknown parameter 'colour' ignored" in hardware.log


def test_an_open_device_file_keeps_its_module(machine: Hardware) -> None:
    hardware = modules.load_with_dependencies(machine, "vhost_net", ())
    hardware = modules.open_device(hardware, 5, "vhost-net")
    assert refusal(lambda: modules.remove(hardware, "vhost_net")) == errno.EBUSY
    assert refusal(lambda: modules.open_device(hardware, 5, "kni")) == errno.ENOENT
    assert "vhost_net" not in modules.remove(memory.release(hardware, 5), "vhost_net").modules


def test_binding_moves_exactly_one_device(machine: Hardware) -> None:
    hardware = bound(with_igb_uio(machine), FIRST)
    assert [device.address for device in pci.dpdk_ports(hardware)] == [FIRST]
    assert not pci.has_netdev(hardware.devices[FIRST])
    others = {address: d for address, d in hardware.devices.items() if address != FIRST}
    assert others == {address: d for address, d in machine.devices.items() if address != FIRST}
    back = store(store(hardware, ("unbind", "igb_uio"), FIRST), ("bind", "ixgbe"), FIRST)
    assert back.devices == machine.devices


def test_ports_are_in_the_order_of_their_addresses(machine: Hardware) -> None:
    wanted = ("0000:82:00.0", SECOND, FIRST)
    hardware = bound(with_igb_uio(machine), *wanted)
    assert [device.address for device in pci.dpdk_ports(hardware)] == sorted(wanted)


def test_refusals_of_bind_and_unbind(machine: Hardware) -> None:
    hardware = with_igb_uio(machine)
    for what, text, number in (
        (("bind", "igb_uio"), FIRST, errno.ENODEV),  # it has no id of it
        (("bind", "ixgbe"), FIRST, errno.EBUSY),  # it has it
        (("unbind", "igb_uio"), FIRST, errno.ENODEV),  # it does not have it
        (("bind", "ixgbe"), "0000:99:00.0", errno.ENODEV),
        (("new_id", "igb_uio"), "8086", errno.EINVAL),
    ):
        assert refusal(lambda w=what, t=text: store(hardware, w, t)) == number, (what, text)


def test_new_id_takes_every_free_device_of_that_model(machine: Hardware) -> None:
    hardware = with_igb_uio(machine)
    for address in (FIRST, SECOND):
        hardware = store(hardware, ("unbind", "ixgbe"), address)
    hardware = store(hardware, ("new_id", "igb_uio"), "8086 10fb")
    assert [device.address for device in pci.dpdk_ports(hardware)] == [FIRST, SECOND]
    assert refusal(lambda: store(hardware, ("new_id", "igb_uio"), "8086 10fb")) == errno.EEXIST


def test_vfio_needs_an_iommu_or_to_be_told_that_there_is_none(machine: Hardware) -> None:
    def bind(hardware: Hardware) -> Hardware:
        hardware = modules.load_with_dependencies(hardware, "vfio-pci", ())
        hardware = store(hardware, ("unbind", "ixgbe"), FIRST)
        return store(hardware, ("driver_override", FIRST), "vfio-pci")

    last = ("bind", "vfio-pci")
    assert refusal(lambda: store(bind(machine), last, FIRST)) == errno.EINVAL
    mode = ("module_parameter", "vfio", "enable_unsafe_noiommu_mode")
    unsafe = store(store(bind(machine), mode, "1"), last, FIRST)
    assert "vfio/noiommu-0" in modules.device_nodes(unsafe)
    safe = store(bind(power_on(read_spec({"iommu": True}), RELEASE)), last, FIRST)
    assert "vfio/0" in modules.device_nodes(safe)


def test_removing_a_network_driver_takes_its_interfaces_and_loading_it_brings_them(
    machine: Hardware,
) -> None:
    without = modules.remove(machine, "ixgbe")
    assert not any(pci.has_netdev(without.devices[address]) for address in (FIRST, SECOND))
    assert modules.load_with_dependencies(without, "ixgbe", ()).devices == machine.devices


def test_smt_can_be_switched_off_only_where_the_bios_has_it_on(machine: Hardware) -> None:
    assert refusal(lambda: store(machine, ("smt",), "off")) == errno.ENODEV
    threads = power_on(read_spec({"smt": "1"}), RELEASE)
    off = store(threads, ("smt",), "off")
    assert (threads.smt, off.smt) == ("on", "off")
    assert refusal(lambda: store(threads, ("smt",), "maybe")) == errno.EINVAL
