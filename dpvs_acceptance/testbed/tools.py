"""How a check changes DPVS: by DPVS's own tools, through the write gate.

Every change has its undo before it is made. All changes of a check are undone when it ends, or by
--restore after a kill, and DPVS's configuration is then compared with what it was before. With
--attach nothing is changed: the check is NOT TESTED.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dpvs_acceptance.bringup.shell import restore_file, sh
from dpvs_acceptance.dpvs.answers import DONE, Answer, Said, disagreement
from dpvs_acceptance.dpvs.capability import lacking, suspect
from dpvs_acceptance.dpvs.toolfacts import tool_facts
from dpvs_acceptance.dpvs.undoing import BARRIER, deletes_a_device, inverse
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.connection import Changed, Host
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.configured import READINGS, configured
from dpvs_acceptance.verdict.causes import Inconclusive, NotSupported, NotTested

from .readings import Look

NO_UNDO = ""
"""For a command that touches only what the check itself added: the undo of that covers it."""
_PREFIX = "operator."
_SECONDS = 10
_LONG = 60  # a whole configuration
_VLAN = 3999
_READING = "Opening configuration file"  # src/parser.c, once every keyword has its default again


class Tools:
    """DPVS's tools in the hands of a check. Commands are text as an engineer types it."""

    def __init__(
        self,
        host: Host,
        gate: WriteGate,
        deployment: Deployment,
        facts: VersionFacts,
        look: Look,
        configured_now: list[frozenset[str]],
    ) -> None:
        """configured_now: DPVS's configuration, where an earlier check has read it already."""
        self._host = host
        self._gate = gate
        self._home = deployment.bench.dut.dpvs.home
        self._ipc = facts.ipc_path
        dpvs = deployment.bench.dut.dpvs
        self._paths = (dpvs.conf, facts.pid_file, deployment.topology.dpvs.log_file)
        self._said: Mapping[str, Said] = tool_facts(facts.version)
        self._look = look
        self._configured = configured_now
        self._spare = next((port.name for port in deployment.ports if port.link is None), None)
        self.port = self._spare or deployment.ports[-1].name
        """A port to add addresses and routes to: one that is on no link, if there is one."""
        self._before: frozenset[str] | None = None
        self._changed_before: Changed | None = None
        self._count = 0

    @property
    def writable(self) -> bool:
        """Whether checks may change the device: not with --attach."""
        return self._gate.mode is WriteMode.WRITABLE

    def query(self, command: str) -> Answer:
        """A command that only reads; NotSupported where the tool does not know it."""
        return self._supported(replace(self._read(shlex.split(command)), command=command))

    def attempt(
        self, command: str, *, undo: str | Sequence[str] | None = None, undo_text: str = ""
    ) -> Answer:
        """Change DPVS, however that ends. The undo of what adds something need not be given.

        undo: the command, or several, that take it back, whatever it did; NO_UNDO. undo_text: what
        follows them, in the words of the bring-up plan. NotTested with --attach. NotSupported
        where the tool does not know the command, which then did nothing.
        """
        words = shlex.split(command)
        if undo is None:
            taken_back = inverse(words)
            if taken_back is None:
                raise ValueError(f"no inverse known for {command!r}; pass undo=")
            undo = shlex.join(taken_back)
        undoing = [undo] if isinstance(undo, str) else undo
        self._prepare(f"`{command}`")
        change = Change(
            id=f"{_PREFIX}{self._count}",
            title=f"a check: {command}",
            # It succeeds also where there is nothing to undo; `undo` compares afterwards.
            undo="\n".join(
                [
                    *(line for one in undoing if one for line in self._undo_lines(one)),
                    *([self._exported, undo_text] if undo_text else []),
                    ":",
                ]
            ),
            apply=self._line(words),
            timeout=_LONG if undo_text else _SECONDS,
        )
        (applied,) = self._gate.apply([change])
        if applied.answer is None or applied.answer.exit_status is None:
            raise Inconclusive(f"`{command}` was not carried out: {applied.problem}")
        output = (applied.answer.stdout, applied.answer.stderr)
        stdout, stderr = (text.decode("utf-8", "replace") for text in output)
        return self._supported(Answer(command, applied.answer.exit_status, stdout, stderr))

    def run(
        self, command: str, *, undo: str | Sequence[str] | None = None, undo_text: str = ""
    ) -> None:
        """Change DPVS by a command that must succeed and print nothing."""
        wrong = disagreement(self.attempt(command, undo=undo, undo_text=undo_text), DONE)
        assert not wrong, wrong

    def _undo_lines(self, command: str) -> Iterator[str]:
        words = shlex.split(command)
        if deletes_a_device(words):
            yield f"{self._line(BARRIER)} >/dev/null"
        yield self._line(words)

    def change(self, what: str, apply: str, undo: str) -> None:
        """Change the host by sh text that must succeed; `undo` is sh text that takes it back."""
        self._prepare(what)
        change = Change(
            id=f"{_PREFIX}{self._count}",
            title=f"a check: {what}",
            undo=f"{self._exported}\n{undo}",
            apply=f"{self._exported}\n{apply}",
            timeout=_LONG,
        )
        (applied,) = self._gate.apply([change])
        assert applied.ok, f"{what}: {applied.problem}\n{applied.output}"

    def refuses(self, case: str, command: str) -> None:
        """The command must fail as `dpvs/toolfacts.py` says for `case` in this version.

        Where it succeeds, what it names is deleted again: name nothing that is declared.
        """
        undo = None if inverse(shlex.split(command)) else NO_UNDO
        wrong = disagreement(self.attempt(command, undo=undo), self._said[case])
        assert not wrong, f"{case}: {wrong}"

    def configure(self, keyword: str, value: str = "", *, log: str) -> None:
        """Set `BLOCK/…/KEYWORD` of dpvs.conf, and have the running DPVS read it again (SIGHUP).

        value: none of a keyword that is on by being there. log: what DPVS logs of a value, `{}`
        standing for it. NotSupported where the log says nothing of the kind within 4 s. Taken
        back by reading the file as it was: DPVS begins that with its defaults.
        """
        what = f"{keyword} {value}".rstrip()
        self._prepare(what)
        if self._paths[2] is None:
            raise NotTested("DPVS logs to syslog: whether it has read dpvs.conf again is not seen")
        apply, capture_undo = _reread((*self._paths[:2], self._paths[2]), keyword, value, log)
        change = Change(
            id=f"{_PREFIX}{self._count}",
            title=f"a check: {what} in dpvs.conf",
            capture_undo=capture_undo,
            apply=apply,
            timeout=2 * _SECONDS,
        )
        (applied,) = self._gate.apply([change])
        if not applied.ok:
            raise NotSupported(
                f"{what}, then SIGHUP: the log does not say `{log.format(value)}`: "
                f"{applied.problem}"
            )

    def cable(self, nic: str, *, take: str, back: str) -> None:
        """Have the bench take away the cable of a NIC; `back` is run when the check ends.

        Both are commands of the bench (`dut.bonds: cable`). Inconclusive where `take` fails.
        """
        self._prepare(f"`{take}`")
        change = Change(
            id=f"{_PREFIX}{self._count}",
            title=f"a check: the cable of {nic}: {take}",
            undo=back,
            apply=take,
            timeout=_SECONDS,
        )
        (applied,) = self._gate.apply([change])
        if not applied.ok:
            raise Inconclusive(f"`{take}` on the DUT: {applied.problem}")

    def unused_device(self) -> tuple[str, Sequence[str]]:
        """A device that carries nothing declared, and the commands that restore its addresses.

        A VLAN with an unused id, or else the port that is on no link. NotSupported without either.
        """
        name = f"{self.port}.{_VLAN}"
        command = f"dpip vlan add {name} link {self.port} id {_VLAN}"
        try:
            answer = self.attempt(command)
            if not disagreement(answer, DONE):
                return name, ()
            probe = f"`{command}`: {answer.shown}"
        except NotSupported as unknown:
            probe = unknown.probe
        if self._spare is None:
            raise NotSupported(f"{probe}; and the topology uses every port")
        state = self._look("dpip -s addr show")
        has = [entry for entry in state.addresses if entry.device == self._spare]
        return self._spare, [
            f"dpip addr add {one.interface} dev {one.device} scope {one.scope}" for one in has
        ]

    def undo(self) -> list[str]:
        """Undo every change; what differs from before, one line each."""
        if self._before is None:
            return []
        failed = [
            f"not undone: {one.entry.title}: {one.note or one.output or one.exit_status}"
            for one in self._gate.undo(only=_PREFIX)
            if not one.ok
        ]
        before, after = self._before, configured(self._look(*READINGS))
        self._before = None
        failed += [f"lost: {line}" for line in sorted(before - after)]
        failed += [f"left over: {line}" for line in sorted(after - before)]
        if not failed:
            self._configured.append(after)
            # It was read just now, so earlier readings hold again.
            self._host.changed = self._changed_before
        return failed

    def _prepare(self, what: str) -> None:
        """Before a change: whether it may be made, and what DPVS is configured with without it."""
        if self._gate.mode is not WriteMode.WRITABLE:
            raise NotTested(f"{what} changes the device, and --attach allows no changes")
        if self._before is None:
            # Whatever changed DPVS between two checks is undone by now as well.
            now = self._configured
            self._before = now.pop() if now else configured(self._look(*READINGS))
            self._changed_before = self._host.changed
        self._count += 1

    @property
    def _exported(self) -> str:
        return f"export DPVS_IPC_FILE={shlex.quote(self._ipc)}"

    def _line(self, words: Sequence[str]) -> str:
        return f"DPVS_IPC_FILE={shlex.quote(self._ipc)} " + sh(
            f"{self._home}/bin/{words[0]}", *words[1:]
        )

    def _supported(self, answer: Answer) -> Answer:
        """The answer; NotSupported where the tool lacks what it names, asked for by itself."""
        suspicion = suspect(tuple(shlex.split(answer.command)), answer.words)
        if answer.exit_status and suspicion is not None:
            control, asked = (self._read(one) for one in (suspicion.control, suspicion.question))
            if probe := lacking(suspicion, control, asked):
                raise NotSupported(probe)
        return answer

    def _read(self, words: Sequence[str]) -> Answer:
        done = self._host.run(self._line(words), timeout=_SECONDS)
        return Answer(shlex.join(words), done.exit_status, done.stdout, done.stderr)


def _reread(paths: tuple[str, str, str], keyword: str, value: str, logged: str) -> tuple[str, str]:
    """sh text that sets a keyword by what stands last in dpvs.conf; text that prints its undo."""
    conf, pid_file, log = map(shlex.quote, paths)
    *blocks, name = keyword.split("/")
    opened = "".join(f"{block} {{\n" for block in blocks)
    written = "\n" + opened + f"{name} {value}".rstrip() + "\n" + "}\n" * len(blocks)

    def wait_for(words: str, tries: int) -> str:
        new = f"tail -c +$((size+1)) {log}"
        return (
            f"size=$(wc -c <{log}); kill -HUP $(cat {pid_file}); n=0\n"
            f"until {new} | grep -qF {shlex.quote(words)}; do\n"
            f"    n=$((n+1)); [ $n -lt {tries} ] || {{ echo 'not logged in time'; exit 1; }}\n"
            # The handler itself says so, at once (src/cfgfile.c).
            f"    [ $n -lt 10 ] || {new} | grep -q SIGHUP || {{ echo 'no SIGHUP'; exit 1; }}\n"
            "    sleep 0.1\ndone"
        )

    return (
        f"printf %s {shlex.quote(written)} >>{conf}\n{wait_for(logged.format(value), 40)}",
        f"{restore_file(paths[0])}\ncat <<'END'\n(\n{wait_for(_READING, 20)}\n) || :\nEND",
    )
