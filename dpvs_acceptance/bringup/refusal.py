"""Distinguishes a tool that lacks an option from a DPVS that refuses a service.

Only the former makes a service NOT SUPPORTED, and only if a probe of the option shows it
(`dpvs_acceptance/dpvs/capability.py`).
"""

from __future__ import annotations

import re
import shlex

from dpvs_acceptance.dpvs.answers import Answer
from dpvs_acceptance.dpvs.capability import lacking, script_suspicion
from dpvs_acceptance.hosts.connection import Host

_SECONDS = 10


def lacking_option(host: Host, script: str, said: str) -> str:
    """The result of the probe as text if a tool of the failed shell text lacks an option; else
    empty.

    Runs two read-only commands on the host. Raises HostError.
    """
    suspicion = script_suspicion(script, said)
    if suspicion is None:
        return ""
    tool = suspicion.command[0]
    path = re.search(rf"\S*/{tool}(?=\s)", script)
    answers = []
    for words in (suspicion.control, suspicion.question):
        line = f"{path[0] if path else tool} {shlex.join(words[1:])}"
        done = host.run(line, timeout=_SECONDS)
        answers.append(Answer(shlex.join(words), done.exit_status, done.stdout, done.stderr))
    return lacking(suspicion, *answers)
