#!/bin/sh
# Brings what the suite needs onto a Debian machine: the Debian packages that are missing (named
# before they are installed) and a Python environment from requirements.lock. Run again, it finds
# everything in place and installs nothing.
set -eu
cd "$(dirname "$0")"

# What a runner needs that only reaches hosts by ssh: ssh, and for the PDF of a run Pango and two
# fonts, the second for Chinese. `setup.sh runner` installs no more.
RUNNER="openssh-client libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-wqy-microhei"
# What software labs need: ip (namespaces, links), sshd (every lab host is reached by ssh), nginx (the
# real servers), bpftool (loads the TOA reader), nft and ethtool (lab links), ping and curl (checks),
# patch (S07), dpdk-devbind.py (the simulated DUT's NICs); and for tests ps, sudo, tcpdump,
# pdftotext (with poppler-data).
PACKAGES="$RUNNER iproute2 openssh-server nginx-light bpftool nftables ethtool iputils-ping curl patch dpdk procps sudo tcpdump poppler-utils poppler-data util-linux"
# `setup.sh vmlab` adds what a virtual machine needs (docs/virtual-lab.md).
[ "${1-}" != vmlab ] || PACKAGES="$PACKAGES qemu-system-x86 qemu-utils mmdebstrap e2fsprogs"

fail() { echo "setup: $*" >&2; exit 1; }

if [ "${1-}" = runner ] || [ "$(id -u)" != 0 ]; then
    echo "setup: for hosts reached by ssh only; a software lab needs root (sudo make ...)"
    PACKAGES=$RUNNER
fi
command -v dpkg-query >/dev/null || fail "this is not a Debian machine; install by hand: $PACKAGES"

missing=""
for package in $PACKAGES; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || fail "python3 3.11 or later is needed"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

if [ -n "$missing" ] && [ "$(id -u)" != 0 ]; then
    fail "these packages are missing, and root is needed to install them: sudo apt-get install$missing"
elif [ -n "$missing" ]; then
    echo "setup: installing Debian packages:$missing"
    # nginx and sshd are started by the lab, each host its own; none is started on this machine.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        # Before there is anything to remove; a signal ends by way of EXIT.
        trap 'rm -f "$policy"' EXIT
        trap 'exit 129' HUP
        trap 'exit 130' INT
        trap 'exit 143' TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    apt-get update -q >/dev/null || fail "apt-get update failed; is a package mirror reachable?"
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null ||
        fail "apt-get could not install:$missing"
fi

lock=$(sha256sum requirements.lock | cut -d' ' -f1)
if [ "$(cat .venv/.lock 2>/dev/null)" != "$lock" ]; then
    echo "setup: Python environment in .venv from requirements.lock"
    python3 -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock ||
        fail "pip could not install the locked requirements; is a package index reachable?"
    echo "$lock" >.venv/.lock
fi
