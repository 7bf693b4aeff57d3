"""A fault: what is broken, its origin, how it is injected, and which requirements must turn red."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from faults.needs import NEEDS
from softlab.wire.engine import RuleError, check
from softlab.wire.rule import Rule

Role = Literal["dut", "client1", "client2", "rs1", "rs2"]
"""`dut`, or the topology's name of a client or real server."""

Moment = Literal["bring-up", "snapshot", "readers"]
"""After which step of a run a fault happens: the bring-up, the snapshot that the state checks
share (so that only what comes later can see it), or the loading of the TOA and UOA readers."""


Kind = Literal["hosts", "wire", "simulated"]
GENERATED = "generated: "
"""How the source of a generated fault begins (faults/generated.py); the rest is its deed."""


def _sentence(text: str) -> str:
    if "\n" in text.strip() or not text.strip().endswith("."):
        raise ValueError("must be one sentence on one line, with its full stop")
    return text.strip()


_USERS = tuple(f"USR-{number:02}" for number in range(1, 13))
# Requirements that packets prove. Whatever goes wrong before them may turn these as well.
TRAFFIC = (
    *("S21", "S23", "S24", "S26", "S27", "S28", "S29", "S30", "S31", "S33", "S34", "S35"),
    *_USERS,
)


def _with_traffic(ids: tuple[str, ...]) -> tuple[str, ...]:
    """`traffic` stands for all requirements that packets prove."""
    return tuple(dict.fromkeys(one for i in ids for one in (TRAFFIC if i == "traffic" else (i,))))


def _rule(rule: Rule) -> Rule:
    try:
        check(rule)
    except RuleError as error:
        raise ValueError(str(error)) from None
    return rule


def _needs(names: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [name for name in names if name not in NEEDS]:
        raise ValueError(
            f"nothing of this name can be probed: {', '.join(unknown)} (faults/needs.py)"
        )
    return names


class Fault(BaseModel):
    """One row of the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    breaks: Annotated[str, AfterValidator(_sentence)]
    """What is broken, in one sentence."""
    source: str = Field(min_length=1)
    """`failure mode N` (upstream's threads), `seed N`, `release notes N`, `upstream FILE`,
    `issue` (asked for by this catalogue's own)."""
    after: Moment = "bring-up"
    inject: Mapping[Role, str] = Field(default_factory=dict)
    """sh text per host; the variables of `fixtures/faults.py` name the deployment's parts."""
    repair: Mapping[Role, str] = Field(default_factory=dict)
    """What puts each of these hosts right again."""
    restart: str = ""
    """A sed script that changes dpvs.conf; dpvs is restarted with that."""
    revive: bool = False
    """dpvs is restarted afterwards, since the fault ended it."""
    wire: tuple[Annotated[Rule, AfterValidator(_rule)], ...] = ()
    """What becomes of frames on the cable in front of the DUT (softlab/wire/rule.py)."""
    quirk: str = ""
    """A quirk of the simulated DPVS (softlab/simulated/quirks.py), switched on while it runs."""
    red: tuple[str, ...] = ()
    """Requirements that must not pass because of it. Empty only with `green` or `survives`."""
    green: tuple[str, ...] = ()
    """Requirements that every known DPVS fails, the simulated one too, and so are red without a
    fault. This one repairs the device, and they must turn green: a check that is always red proves
    nothing."""
    may: Annotated[tuple[str, ...], AfterValidator(_with_traffic)] = ()
    """Requirements that it may take along; every other has to stay green."""
    needs: Annotated[tuple[str, ...], AfterValidator(_needs)] = ()
    """What a machine must have for it to be made there (faults/needs.py); it is asked."""
    version: str = ""
    """The one DPVS version that can have it; empty for all."""
    topology: str = ""
    """The one topology (a file of faults/topologies/) that can have it; empty for all others."""
    blocks: bool = False
    """The run cannot go on: BLOCKED, with the cause, is the right outcome."""
    survives: str = ""
    """Why no check can see it yet. A fault that is known to survive counts as one that does."""

    @property
    def kind(self) -> Kind:
        """Where it is made; what is inside the simulated DPVS no other device can have."""
        return "simulated" if self.quirk else "wire" if self.wire else "hosts"

    @property
    def generated(self) -> bool:
        """Whether it is from the generator: a check of another requirement may turn red instead."""
        return self.source.startswith(GENERATED)

    @property
    def starts_anew(self) -> bool:
        """Whether dpvs is another process afterwards."""
        return bool(self.restart) or self.revive

    @property
    def beyond(self) -> bool:
        """Whether it takes parts of DPVS that the simulated one does without."""
        return any(NEEDS[name].of_dpvs for name in self.needs)

    @property
    def roles(self) -> tuple[str, ...]:
        """The hosts that it touches."""
        dut = ("dut",) if self.starts_anew else ()
        return tuple(dict.fromkeys((*dut, *self.inject, *self.repair)))

    @model_validator(mode="after")
    def _cross_check(self) -> Fault:
        if not (self.inject or self.wire or self.quirk or self.restart):
            raise ValueError("has no inject, restart, wire or quirk: nothing is broken")
        if missing := set(self.inject) - set(self.repair):
            raise ValueError(f"no repair for {', '.join(sorted(missing))}")
        if not (self.red or self.green or self.survives):
            raise ValueError("names no requirement that must turn red, nor why it survives")
        if self.green and (self.red or not (self.wire or self.quirk)):
            raise ValueError("green is what the wire or a quirk mends; it breaks nothing else")
        return self
