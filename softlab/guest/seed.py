"""What a lab lays into its guest at the first boot: keys, and the simulated DPVS or the build.

A tar on a disk of its own, so that nothing has to be mounted here.
"""

import io
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from softlab import ssh
from softlab.device import TOOLS
from softlab.emulated.sources import source_files
from softlab.emulated.spec import read_spec
from softlab.guest import machine
from softlab.root import PACKAGE
from softlab.simulated import install
from softlab.spec import LabHost, LabSpec

#: Where the driver in the guest finds what NICs there are.
NICS: Final = "etc/lab-nics.json"
#: Where a build's libraries are; those of the guest's own packages are found before them.
_LIBRARIES: Final = "/opt/lab-libraries"
_OF_LIBC: Final = re.compile(r"(libc|libm|libdl|libpthread|librt|libresolv|ld-linux-.*)\.so\b")


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
            if spec.dpvs_home is not None:
                _build(tar, spec.dpvs_home)


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


def _build(tar: tarfile.TarFile, home: Path) -> None:
    """Tools and kernel modules of a build, at their own place, and the libraries that they need."""
    for part in ("bin", "kmod"):
        if (home / part).is_dir():
            tar.add(home / part, str(home / part).lstrip("/"))
    libraries: set[Path] = set()
    for tool in TOOLS:
        if (home / "bin" / tool).exists():
            link = tarfile.TarInfo(f"usr/sbin/{tool}")
            link.type, link.linkname = tarfile.SYMTYPE, str(home / "bin" / tool)
            tar.addfile(link)
            libraries |= _libraries(home / "bin" / tool)
    for library in sorted(libraries):
        tar.add(library.resolve(), f"{_LIBRARIES.lstrip('/')}/{library.name}")
    if libraries:
        line = f"{_LIBRARIES}\n".encode()
        file = tarfile.TarInfo("etc/ld.so.conf.d/zz-lab.conf")
        file.size = len(line)
        tar.addfile(file, io.BytesIO(line))


def _libraries(program: Path) -> set[Path]:
    """The shared libraries that a program finds on this machine, but for libc's own."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    found = {Path(path) for path in re.findall(r"=> (/\S+) \(0x", said)}
    return {path for path in found if not _OF_LIBC.match(path.name)}


def _file(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
