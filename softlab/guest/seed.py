"""What a lab lays into its guest at the first boot: keys, and where DPVS is simulated that one.

A tar on a disk of its own, so that nothing has to be mounted here.
"""

import json
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from softlab import ssh
from softlab.emulated.sources import source_files
from softlab.emulated.spec import read_spec
from softlab.guest import machine
from softlab.root import PACKAGE
from softlab.simulated import install
from softlab.spec import LabHost, LabSpec

#: Where the driver in the guest finds what NICs there are.
NICS: Final = "etc/lab-nics.json"


def write(path: Path, spec: LabSpec, host: LabHost, keys: Path) -> None:
    """Write the tar. `keys`: the lab's directory, with the keys that it has made."""
    with tempfile.TemporaryDirectory(prefix="seed-", dir=path.parent) as folder:
        root = Path(folder)
        _keys(root, host, keys)
        if spec.device == "simulated":
            _simulated(root, spec)
        with tarfile.open(path, "w") as tar:
            for one in sorted(root.rglob("*")):
                if not one.is_dir() or one.is_symlink():
                    tar.add(one, str(one.relative_to(root)), recursive=False)
            if spec.device == "simulated":
                tar.add(PACKAGE, "opt/softlab")


def _keys(root: Path, host: LabHost, keys: Path) -> None:
    _file(root / "root/.ssh/authorized_keys", (keys / f"{ssh.CLIENT_KEY}.pub").read_text(), 0o600)
    name = ssh.host_key(host)
    _file(root / "etc/ssh/ssh_host_ed25519_key", (keys / name).read_text(), 0o600)
    _file(root / "etc/ssh/ssh_host_ed25519_key.pub", (keys / f"{name}.pub").read_text())
    # One answer to many logins at once, as a lab's other hosts have it.
    _file(root / "etc/ssh/sshd_config.d/lab.conf", "MaxSessions 100\nMaxStartups 100\nUseDNS no\n")


def _simulated(root: Path, spec: LabSpec) -> None:
    install(root, spec.dpvs_version)
    for path, text in source_files(read_spec(spec.as_json())).items():
        _file(root / "opt/dpvs" / path, text)
    devbind = root / "opt/dpvs/dpdk/usertools/dpdk-devbind.py"
    devbind.parent.mkdir(parents=True, exist_ok=True)
    devbind.symlink_to("/usr/bin/dpdk-devbind.py")
    nics = [
        {"pci": nic.pci, "mac": nic.mac, "second": machine.second_pci(nic), "speed": nic.speed}
        for nic in spec.nics
    ]
    _file(root / NICS, json.dumps(nics))


def _file(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
