"""What makes lb01 the device under test: the simulated DPVS and its hardware, or a real build."""

from collections.abc import Callable
from pathlib import Path

from softlab import hugepages, kernel, softports
from softlab.emulated import prepare
from softlab.host import run
from softlab.lag.command import install as install_cables
from softlab.root import interpreter
from softlab.simulated import install
from softlab.spec import LabSpec

#: Where a real build is found in addition to its own path.
BUILD_HOME = Path("/opt/dpvs-home")
TOOLS = ("dpvs", "dpip", "ipvsadm", "keepalived")


def is_emulated(spec: LabSpec) -> bool:
    """Whether the DUT's hardware is emulated by a daemon."""
    return spec.device == "simulated"


def furnisher(spec: LabSpec) -> Callable[[Path], None]:
    """What lays the device's files into the DUT's root."""

    def simulated(root: Path) -> None:
        cables(root)
        install(root, spec.dpvs_version)
        prepare(root, spec.as_json())
        # As systemd has it on every machine (dev-hugepages.mount).
        pages = root / "dev/hugepages"
        pages.mkdir(parents=True)
        kernel.mount("hugetlbfs", pages, "hugetlbfs")

    def cables(root: Path) -> None:
        if spec.bonds:
            install_cables(root, interpreter())

    def build(root: Path) -> None:
        cables(root)
        assert spec.dpvs_home is not None
        inside = root / BUILD_HOME.relative_to("/")
        inside.mkdir(parents=True)
        kernel.bind(spec.dpvs_home, inside, read_only=True)
        # As the article has it: the tools by their names (seed 2.3).
        for tool in TOOLS:
            if (spec.dpvs_home / "bin" / tool).exists():
                link = root / "usr/sbin" / tool
                link.unlink(missing_ok=True)
                link.symlink_to(spec.dpvs_home / "bin" / tool)

    return simulated if spec.device == "simulated" else build


def starter(spec: LabSpec) -> Callable[[], None]:
    """What is started in the DUT before its sshd."""

    def simulated() -> None:
        """Nothing: DPVS is started over ssh, as on hardware."""

    def build() -> None:
        # DPVS serves the arms through AF_PACKET, which sees a frame before this hook drops it; the
        # kernel of the host must not answer for the same packets.
        Path("/run/softlab/arms.nft").write_text(
            "table netdev softlab {\n"
            + "".join(
                f"  chain {nic.name} {{ type filter hook ingress device {nic.name} priority 0; "
                "policy drop; }\n"
                for nic in spec.nics
            )
            + "}\n"
        )
        run(["nft", "-f", "/run/softlab/arms.nft"])
        for nic in spec.nics:
            softports.KINDS[spec.software_ports].wire(nic)
        hugepages.show_own()

    return simulated if spec.device == "simulated" else build
