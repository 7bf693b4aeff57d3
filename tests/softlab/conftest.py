"""One lab for all tests that only use one, with the article's addresses on it."""

from collections.abc import Iterator

import pytest

from tests.softlab.labs import Lab

#: What the bring-up does on a real bench: the lab itself sets no data address.
ADDRESSES = {
    "client1": "ip addr add 10.0.96.101/24 dev eth1; ip addr add 2001:db8:96::101/64 dev eth1; "
    "ip route add default via 10.0.96.254; ip -6 route add default via 2001:db8:96::fe",
    "client2": "ip addr add 172.16.0.1/24 dev eth1; ip addr add 2001:db8:172::1/64 dev eth1; "
    "ip route add default via 172.16.0.254; ip -6 route add default via 2001:db8:172::fe",
    "rs1": "ip addr add 192.168.229.1/24 dev eth1; ip addr add fd00:229::1/64 dev eth1",
    "rs2": "ip addr add 192.168.229.2/24 dev eth1; ip addr add fd00:229::2/64 dev eth1",
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab") / "of the tests")
    for host, commands in ADDRESSES.items():
        lab.ssh(host, f"set -e; {commands}")
    yield lab
    lab.end()
