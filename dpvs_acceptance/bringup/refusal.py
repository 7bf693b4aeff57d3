"""A tool that lacks an option, as against a DPVS that knows it and refuses.

Only the former excuses a service, and only where the tool says so when it is asked for the option
by itself (`dpvs_acceptance/dpvs/capability.py`).
"""

from __future__ import annotations

import re
import shlex

from dpvs_acceptance.dpvs.answers import Answer
from dpvs_acceptance.dpvs.capability import lacking, script_suspicion
from dpvs_acceptance.hosts.connection import Host

_SECONDS = 10


def lacking_option(host: Host, script: str, said: str) -> str:
    """The probe in words, where a tool of the failed sh text lacks what it was given; else empty.

    Asks the host two commands that only read. Raises HostError.
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
