"""A DUT that nobody logs in to as root: sudo itself, and no rule but those of docs/safety.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.errors import HostError

from . import runs
from .benched import ROOT, Benched

SOME = "suites/platform/test_cpu_and_memory.py"
LOGIN = "acceptance"


def rules() -> str:
    """The sudo rules that the page says suffice."""
    page = (ROOT / "docs/safety.md").read_text()
    found = re.findall(r"^    ((?:Defaults:LOGIN|LOGIN) .*)$", page, re.MULTILINE)
    assert len(found) == 2, "docs/safety.md says which sudo rules suffice, one line each"
    return "".join(f"{line}\n" for line in found).replace("LOGIN", LOGIN)


@pytest.fixture
def account(bench: Benched) -> Iterator[Path]:
    """A bench whose DUT is reached by an account without any right of its own."""
    dut, path = bench.hosts["dut"], bench.deployment.bench.path
    made = dut.run(
        "command -v visudo >/dev/null || { echo 'there is no sudo: ./setup.sh' >&2; exit 1; }\n"
        f"echo '{LOGIN}:x:4321:4321::/home/{LOGIN}:/bin/sh' >>/etc/passwd\n"
        f"echo '{LOGIN}:*:19000:0:99999:7:::' >>/etc/shadow\n"
        f"install -d -o 4321 /home/{LOGIN}\n"
    )
    assert made.ok, made.stderr
    config = (path.parent / "ssh_config").read_text()
    (path.parent / "sudo_ssh_config").write_text(f"Host lb01\n    User {LOGIN}\n{config}")
    text = path.read_text().replace('"ssh_config"', '"sudo_ssh_config"')
    text = text.replace("ssh_config: ssh_config", "ssh_config: sudo_ssh_config")
    copy = path.with_name("sudo.yaml")
    copy.write_text(text.replace('host: "lb01"\n', 'host: "lb01"\n  sudo: true\n'))
    assert "sudo: true" in copy.read_text()
    assert "sudo_ssh_config" in copy.read_text()
    yield copy
    dut.run(
        f"sed -i '/^{LOGIN}:/d' /etc/passwd /etc/shadow; rm -rf /home/{LOGIN} /etc/sudoers.d/dpvs"
    )


def _allow(bench: Benched, text: str) -> None:
    """Puts rules into the DUT's sudoers.d; sudo's own checker must find them sound."""
    put = "umask 227; cat >/etc/sudoers.d/dpvs && visudo -cqf /etc/sudoers.d/dpvs"
    done = bench.hosts["dut"].run(put, stdin=text.encode())
    assert done.ok, done.stdout + done.stderr


# With a PAM session sudo stays as the parent of its command, without it makes way for it.
@pytest.mark.parametrize("more", ["", f"Defaults:{LOGIN} !pam_session, !use_pty\n"])
def test_the_rules_of_the_page_suffice(bench: Benched, account: Path, more: str) -> None:
    """From bring-up to undo, with lock, heartbeat and dead-man switch."""
    _allow(bench, rules() + more)
    first = bench.snapshot("dut")
    ran = runs.run(account, SOME, "--dead-man=20")
    assert "\nPARTIAL\n" in ran.stdout, ran.stdout[-3000:]
    sent = [one for one in runs.transcript(ran.stdout) if one["host"] == "dut"]
    assert any("dpvs-acceptance-dead-man" in one["command"] for one in sent)
    assert differences(first, bench.snapshot("dut")) == ()
    assert not bench.hosts["dut"].run(f"[ -e {journal.ROOT} ]").ok


@pytest.mark.parametrize("rule", ["", f"{LOGIN} ALL=(root) NOPASSWD: /bin/ls\n"])
def test_what_does_not_suffice_is_said(bench: Benched, account: Path, rule: str) -> None:
    _allow(bench, rule)
    host = connect("dut", "lb01", account.with_name("sudo_ssh_config"), sudo=True)
    try:
        with pytest.raises(HostError, match=r"sudo did not run the command .*password") as raised:
            host.run("id")
    finally:
        host.close()
    assert "needs a NOPASSWD rule for /bin/sh" in str(raised.value)
