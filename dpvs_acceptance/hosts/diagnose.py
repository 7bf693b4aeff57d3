"""Explains an OpenSSH connection error in one sentence with the next step."""

from __future__ import annotations

import re
from pathlib import Path

# Pattern of ssh's message, and the explanation: {ssh} is the command to try by hand, {said} the
# matched text, other names are groups of the pattern. Specific patterns come first.
_SENTENCES: tuple[tuple[str, str], ...] = (
    (
        r"Could not resolve hostname (?P<name>\S+?): (?P<why>.*)",
        "the name {name} does not resolve ({why}): check the address in the bench file, or give it "
        "a HostName in your ssh configuration",
    ),
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED[\s\S]*?Offending \S+ key in (?P<where>\S+)",
        "has another host key than the known one ({where}); connection refused. Find out why, "
        "on the host's console: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`. If it was "
        "reinstalled, remove that line and accept the new key by `{ssh} true`",
    ),
    (
        r"REVOKED HOST KEY|marked as revoked",
        "has a host key that is marked as revoked; connection refused",
    ),
    (
        r"No \S+ host key is known for|REMOTE HOST IDENTIFICATION|Host key verification failed",
        "has an unknown host key; connection refused. Compare the fingerprint that "
        "`{ssh} true` shows with the one on the host's console (`ssh-keygen -lf "
        "/etc/ssh/ssh_host_ed25519_key.pub`) and accept it there, once",
    ),
    (
        r"Permission denied \([^)]*(?:password|keyboard-interactive)[^)]*\)",
        "requires a password, which a run cannot enter ({said}): install your key with "
        "ssh-copy-id, or load it into ssh-agent, until `{ssh} true` works without a prompt",
    ),
    (
        r"Permission denied \([^)]*\)",
        "accepts none of your keys ({said}): add yours to the account's authorized_keys, or load "
        "it into ssh-agent, until `{ssh} true` works",
    ),
    (
        r"Too many authentication failures",
        "closed the connection: too many keys were offered. Set the right one (IdentityFile, "
        "IdentitiesOnly yes) in your ssh configuration until `{ssh} true` works",
    ),
    (
        r"connect to (?:host|address) (?P<name>\S+) port (?P<port>\d+): Connection refused",
        "{name} port {port} refuses the connection: start sshd there, or correct address and port",
    ),
    (
        r"connect to (?:host|address) (?P<name>\S+) port (?P<port>\d+): "
        r"(?P<why>No route to host|Network is unreachable)",
        "{name} port {port} cannot be reached ({why}): check that the host is up and that its "
        "management link has its address",
    ),
    (
        r"Timeout, server .* not responding|Broken pipe|client_loop: send disconnect",
        "stopped answering during the connection: the network in between or the host "
        "itself, is down ({said})",
    ),
    (
        r"Connection to \S+ closed by remote host",
        "closed the connection ({said}): it is rebooting, or sshd was stopped",
    ),
    (
        r"(?:Connection|Operation) timed out|Connection to .* timed out",
        "no answer within the time allowed ({said}): check that the host is up and that no "
        "firewall drops ssh; `{ssh} -v true` shows how far it gets",
    ),
    (
        r"Bad configuration option.*|Bad owner or permissions on .*|Can't open user config file .*"
        r"|.*: terminating, \d+ bad configuration options|.*: line \d+: .*",
        "ssh refuses its configuration: {said}",
    ),
    (
        r"Unable to negotiate with .*",
        "ssh on the runner and sshd on the host have no common algorithm: {said}",
    ),
    (
        r"kex_exchange_identification: .*|Connection (?:closed|reset) by .*|banner line.*",
        "closed the connection before the login ({said}): see the log of sshd there (MaxStartups, "
        "AllowUsers, hosts.deny), or check the ProxyCommand or jump host",
    ),
)


def explain(stderr: str, target: str, ssh_config: Path | None) -> str:
    """One sentence for ssh's message; otherwise the last line of ssh."""
    ssh = f"ssh {f'-F {ssh_config} ' if ssh_config else ''}{target}"
    for pattern, sentence in _SENTENCES:
        match = re.search(pattern, stderr)
        if match:
            groups = {name: text.strip() for name, text in match.groupdict().items()}
            return sentence.format(ssh=ssh, said=match[0].strip(), **groups)
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = f"ssh said: {lines[-1]}" if lines else "ssh ended without a message"
    return f"cannot be connected; {said}. Try `{ssh} -v true`"
